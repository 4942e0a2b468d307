/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The timers of a connection share one entry of the wheel. It is armed for the
 * earliest of them or earlier: setting a timer to a later time, as each ACK
 * does, only stores; the entry fires at the old time, finds nothing due and is
 * armed again.
 */
#include <errno.h>

#include <rte_common.h>

#include "proto/tcp/conn.h"

#define DELTA_MAX (1u << 30) /* ticks, 3 h: far from where comparison modulo 2^32 turns */

static void fired(void *ctx, struct wheel_timer *t, uint64_t now_us);

void tcp_timer_init(struct tcp_stack *ts)
{
	wheel_register(ts->wheel, WHEEL_TCP_CONN, fired, ts);
}

static uint32_t ticks_until(uint64_t now_us, uint64_t deadline_us)
{
	uint64_t now = now_us / WHEEL_TICK_US, then = (deadline_us + WHEEL_TICK_US - 1) / WHEEL_TICK_US;

	return then <= now ? 0 : (uint32_t)RTE_MIN(then - now, (uint64_t)DELTA_MAX);
}

static void arm(struct tcp_conn *c, uint32_t delta)
{
	uint64_t now = tcp_now_us(c->ts) / WHEEL_TICK_US;

	wheel_arm(c->ts->wheel, &c->wt, WHEEL_TCP_CONN, (now + delta) * WHEEL_TICK_US);
}

void tcp_timer_set(struct tcp_conn *c, enum tcp_timer t, uint64_t deadline_us)
{
	uint64_t now = tcp_now_us(c->ts);
	uint32_t delta = ticks_until(now, deadline_us);

	if (tcp_dead(c) && t != TCP_T_MEMORY)
		return;
	c->timer[t] = (uint32_t)(now / WHEEL_TICK_US) + delta;
	c->timers_set |= 1u << t;
	if (!wheel_armed(&c->wt) || (int32_t)(c->timer[t] - c->wt.tick) < 0)
		arm(c, delta);
}

void tcp_timer_clear(struct tcp_conn *c, enum tcp_timer t)
{
	c->timers_set &= ~(1u << t);
}

void tcp_timers_off(struct tcp_conn *c)
{
	c->timers_set = 0;
	if (wheel_armed(&c->wt))
		wheel_cancel(c->ts->wheel, &c->wt);
}

/* ---- keepalive (RFC 9293 3.8.4) ------------------------------------------------------ */

static void keepalive_in(struct tcp_conn *c, uint32_t ms)
{
	tcp_timer_set(c, TCP_T_KEEPALIVE, tcp_now_us(c->ts) + ms * TCP_MS_US);
}

void tcp_keepalive_start(struct tcp_conn *c)
{
	if (c->flags & TCF_KEEPALIVE && c->state >= TCP_ESTABLISHED && !tcp_dead(c))
		keepalive_in(c, c->ts->conf.keepalive_idle_ms);
}

void tcp_keepalive(struct tcp_conn *c, bool on)
{
	if (on) {
		c->flags |= TCF_KEEPALIVE;
		c->probes_out = 0;
		tcp_keepalive_start(c);
	} else {
		c->flags &= ~TCF_KEEPALIVE;
		tcp_timer_clear(c, TCP_T_KEEPALIVE);
	}
}

/* RFC 5482, local: read when the retransmission, probe or keepalive timer fires. */
void tcp_user_timeout(struct tcp_conn *c, uint32_t ms)
{
	c->user_timeout_ms = ms;
}

static bool peer_is_gone(const struct tcp_conn *c, uint32_t idle_ms)
{
	if (c->user_timeout_ms != 0)
		return c->probes_out != 0 && idle_ms >= c->user_timeout_ms;
	return c->probes_out >= c->ts->conf.keepalive_probes;
}

static void keepalive_expired(struct tcp_conn *c)
{
	const struct tcp_config *conf = &c->ts->conf;
	uint32_t idle = tcp_now_ms(c->ts) - c->last_rcv_ms;

	if (c->snd_una != c->snd_nxt || c->snd_queued != 0) { /* the data's own timers watch the peer */
		keepalive_in(c, conf->keepalive_idle_ms);
		return;
	}
	if (idle + 1 < conf->keepalive_idle_ms) {
		keepalive_in(c, conf->keepalive_idle_ms - idle);
		return;
	}
	if (peer_is_gone(c, idle)) {
		c->ts->stats.keepalive_drops++;
		tcp_send_reset(c);
		tcp_kill(c, c->soft_error != 0 ? c->soft_error : ETIMEDOUT);
		return;
	}
	/* An old number forces an ACK (SHLD-12: without data, as Linux). */
	if (tcp_send_control(c, c->snd_una - 1, RTE_TCP_ACK_FLAG) == 0) {
		c->ts->stats.keepalive_probes++;
		c->probes_out++;
	}
	keepalive_in(c, conf->keepalive_interval_ms);
}

/* ---- memory ----------------------------------------------------------------------------- */

#define MEMORY_RETRY_US 1000

void tcp_no_memory(struct tcp_conn *c)
{
	if (!tcp_timer_on(c, TCP_T_MEMORY))
		tcp_timer_set(c, TCP_T_MEMORY, tcp_now_us(c->ts) + MEMORY_RETRY_US);
}

/* A dead one's user may still read. */
static void memory_expired(struct tcp_conn *c)
{
	if (!tcp_dead(c))
		tcp_snd_memory(c);
	if (tcp_readable(c) != 0)
		tcp_raise(c, TCP_EV_READABLE);
	tcp_want_output(c);
}

/* ---- what fires ------------------------------------------------------------------------ */

static void user_expired(struct tcp_conn *c)
{
	if (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED) {
		tcp_connect_expired(c);
		return;
	}
	if (c->snd_una == c->snd_nxt && c->snd_queued == 0)
		return;
	c->ts->stats.user_timeouts++;
	c->ts->stats.abort_on_timeout++;
	tcp_send_reset(c);
	tcp_kill(c, c->soft_error != 0 ? c->soft_error : ETIMEDOUT);
}

static void rtx_expired(struct tcp_conn *c)
{
	if (c->rtx_mode == TCP_RTX_SYN)
		tcp_syn_expired(c);
	else
		tcp_rtx_expired(c);
}

static void (*const handlers[TCP_TIMERS])(struct tcp_conn *c) = {
	[TCP_T_RTX] = rtx_expired, [TCP_T_DELACK] = tcp_delack_expired, [TCP_T_CORK] = tcp_cork_expired,
	[TCP_T_KEEPALIVE] = keepalive_expired, [TCP_T_USER] = user_expired, [TCP_T_LINGER] = tcp_linger_expired,
	[TCP_T_MEMORY] = memory_expired,
};

static uint32_t left(uint32_t tick, uint32_t now)
{
	return (int32_t)(tick - now) > 0 ? tick - now : 0;
}

static void rearm(struct tcp_conn *c, uint32_t now)
{
	uint32_t first = UINT32_MAX;

	for (unsigned t = 0; t < TCP_TIMERS; t++) {
		if (tcp_timer_on(c, t))
			first = RTE_MIN(first, left(c->timer[t], now));
	}
	if (first != UINT32_MAX)
		arm(c, first);
}

static void fired(void *ctx, struct wheel_timer *wt, uint64_t now_us)
{
	struct tcp_conn *c = container_of(wt, struct tcp_conn, wt);
	uint32_t now = (uint32_t)(now_us / WHEEL_TICK_US);

	/* A handler may kill the connection (no timer is set then) or set timers anew. */
	for (unsigned t = 0; t < TCP_TIMERS; t++) {
		if (!tcp_timer_on(c, t) || (int32_t)(c->timer[t] - now) > 0)
			continue;
		tcp_timer_clear(c, t);
		handlers[t](c);
	}
	rearm(c, now);
}
