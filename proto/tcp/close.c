/* SPDX-License-Identifier: BSD-3-Clause */
/* Ending a connection: the reference's 2.6, and the state changes that FINs
 * and their acknowledgements cause (2.5 steps 5h-5j and 8). */
#include <errno.h>

#include "proto/tcp/conn.h"
#include "proto/tcp/held.h"

static void start_linger(struct tcp_conn *c)
{
	uint32_t ms = c->state == TCP_FIN_WAIT_2 ? c->ts->conf.fin_wait2_ms : TCP_ORPHAN_LINGER_MS;

	c->linger_una = c->snd_una;
	tcp_timer_set(c, TCP_T_LINGER, tcp_now_us(c->ts) + ms * TCP_MS_US);
}

/* The FIN waits behind the queue; the state says what the user asked for, as
 * in Linux, so that no more data is taken. */
static void queue_fin(struct tcp_conn *c)
{
	if (c->state == TCP_ESTABLISHED)
		tcp_set_state(c, TCP_FIN_WAIT_1);
	else if (c->state == TCP_CLOSE_WAIT)
		tcp_set_state(c, TCP_LAST_ACK);
	else
		return;
	tcp_snd_kick(c);
	tcp_want_output(c);
}

int tcp_shutdown(struct tcp_conn *c)
{
	if (tcp_dead(c))
		return -ENOTCONN;
	if (c->flags & TCF_FIN_QUEUED)
		return 0;
	c->flags |= TCF_FIN_QUEUED;
	queue_fin(c); /* before ESTABLISHED: remembered, see tcp_close_resume() */
	return 0;
}

void tcp_close_resume(struct tcp_conn *c)
{
	if (c->flags & TCF_FIN_QUEUED)
		queue_fin(c);
	if (c->flags & TCF_ORPHAN)
		start_linger(c);
}

static void reset_now(struct tcp_conn *c)
{
	tcp_send_reset(c);
	tcp_kill(c, ECONNABORTED);
}

/* One more orphan: with too many the one goes that has had the longest time to end. */
static void make_room(struct tcp_conn *c)
{
	struct tcp_conn *oldest = tcp_held_oldest_orphan(c);

	if (likely(oldest == NULL))
		return;
	c->ts->stats.orphans_killed++;
	reset_now(oldest);
}

void tcp_close(struct tcp_conn *c)
{
	struct tcp_stats *s = &c->ts->stats;

	tcp_conn_orphan(c);
	if (tcp_dead(c))
		return;
	if (c->state == TCP_SYN_SENT) {
		tcp_kill(c, 0);
	} else if (tcp_readable(c) != 0) {
		s->abort_on_close++;
		reset_now(c);
	} else {
		c->flags |= TCF_RCV_CLOSED;
		tcp_shutdown(c);
		start_linger(c);
		make_room(c);
	}
}

void tcp_abort(struct tcp_conn *c)
{
	tcp_conn_orphan(c);
	if (tcp_dead(c))
		return;
	if (c->state == TCP_SYN_SENT)
		tcp_kill(c, 0);
	else
		reset_now(c);
}

/* An orphan may take long as long as it gets on; FIN-WAIT-2 ends anyway. */
void tcp_linger_expired(struct tcp_conn *c)
{
	if (!(c->flags & TCF_ORPHAN))
		return;
	if (c->state == TCP_FIN_WAIT_2) {
		tcp_kill(c, 0);
		return;
	}
	if (c->linger_una != c->snd_una) {
		start_linger(c);
		return;
	}
	c->ts->stats.orphans_killed++;
	tcp_send_reset(c);
	tcp_kill(c, ETIMEDOUT);
}

/* Called in the middle of ACK processing: CLOSED and TIME-WAIT are only noted
 * here, tcp_settle() does the rest after the step. */
void tcp_fin_acked(struct tcp_conn *c)
{
	switch (c->state) {
	case TCP_FIN_WAIT_1:
		tcp_set_state(c, TCP_FIN_WAIT_2);
		if (c->flags & TCF_ORPHAN)
			start_linger(c);
		break;
	case TCP_CLOSING:
		tcp_set_state(c, TCP_TIME_WAIT);
		break;
	case TCP_LAST_ACK:
		tcp_set_state(c, TCP_CLOSED);
		break;
	default:
		break;
	}
}

void tcp_fin_received(struct tcp_conn *c)
{
	c->flags |= TCF_FIN_RCVD | TCF_ACK_NOW;
	tcp_want_output(c);
	tcp_raise(c, TCP_EV_EOF);
	switch (c->state) {
	case TCP_SYN_RECEIVED:
	case TCP_ESTABLISHED:
		tcp_set_state(c, TCP_CLOSE_WAIT);
		break;
	case TCP_FIN_WAIT_1:
		tcp_set_state(c, TCP_CLOSING);
		break;
	case TCP_FIN_WAIT_2:
		tcp_set_state(c, TCP_TIME_WAIT);
		break;
	default:
		break;
	}
}
