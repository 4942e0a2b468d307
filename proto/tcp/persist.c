/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The window is closed, or open by too little to send, and nothing is in
 * flight: probe (RFC 9293 3.8.6.1), or override the wait for a larger window.
 */
#include <errno.h>

#include "proto/tcp/held.h"
#include "proto/tcp/snd.h"

void tcp_persist_arm(struct tcp_conn *c)
{
	if (c->pipe_out > 0 || !tcp_snd_waiting(c) || !tcp_out_state(c) || tcp_timer_on(c, TCP_T_RTX))
		return;
	if (tcp_sndq_unsent(c) && (c->flags & TCF_CORK) && seq_lt(c->snd_nxt, c->snd_edge))
		return; /* held by the user, and bounded by the cork's own timer */
	c->rtx_mode = TCP_RTX_PERSIST;
	tcp_timer_set(c, TCP_T_RTX, tcp_now_us(c->ts) + tcp_rto_backed_off(c));
}

bool tcp_persist_limited(struct tcp_conn *c)
{
	if (!(c->flags & TCF_SHUT)) {
		c->flags |= TCF_SHUT;
		tcp_held_add(c, TCP_HELD_SHUT);
	}
	if (!tcp_held_shut_too_many(c))
		return false;
	c->ts->stats.persist_killed++;
	tcp_send_reset(c);
	tcp_kill(c, ETIMEDOUT);
	return true;
}

void tcp_persist_left(struct tcp_conn *c)
{
	if (likely(!(c->flags & TCF_SHUT)))
		return;
	c->flags &= ~(uint32_t)TCF_SHUT;
	tcp_held_sub(c, TCP_HELD_SHUT);
}

void tcp_persist_expired(struct tcp_conn *c)
{
	if (c->pipe_out > 0 || !tcp_snd_waiting(c)) {
		tcp_rtx_rearm(c);
		return;
	}
	if (seq_lt(c->snd_nxt, c->snd_edge) && tcp_out_force_new(c, UINT32_MAX) != 0) {
		c->out_budget = 0;
		tcp_rtx_rearm(c);
		return;
	}
	if (tcp_rtx_give_up(c) || tcp_persist_limited(c))
		return;
	/* an old octet: unacceptable there, so it must be answered (1.8 item 1) */
	if (tcp_send_control(c, c->snd_una - 1, RTE_TCP_ACK_FLAG) == 0) {
		c->ts->stats.window_probes++;
		if (c->retries < UINT8_MAX)
			c->retries++;
		c->backoff = tcp_min(c->backoff + 1, 30);
	}
	tcp_persist_arm(c);
}

void tcp_persist_ack(struct tcp_conn *c, const struct tcp_ack_state *a)
{
	if (a->acked || seq_gt(c->snd_edge, c->snd_nxt))
		tcp_persist_left(c);
	/* answered: the peer is there, however long its window stays shut (MUST-37) */
	if (c->rtx_mode == TCP_RTX_PERSIST || seq_le(c->snd_edge, c->snd_una))
		c->retries = 0;
	if (c->rtx_mode == TCP_RTX_PERSIST && a->window_changed && seq_gt(c->snd_edge, c->snd_nxt))
		c->backoff = 0;
}
