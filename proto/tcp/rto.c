/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP_T_RTX: what it is waiting for, and what happens when it fires (RFC 6298 5).
 */
#include <errno.h>

#include "proto/tcp/snd.h"

#define RTO_INITIAL_US 1000000
#define RTO_AFTER_SYN_US 3000000 /* RFC 6298 5.7 */
#define R1 3                     /* RFC 9293 3.8.3 */
#define BLACK_HOLE_MSS 1024      /* RFC 4821 7.2 */
#define BLACK_HOLE_MSS_MIN 536

void tcp_snd_established(struct tcp_conn *c)
{
	bool syn_lost = (c->flags & TCF_SYN_RTX) && c->srtt8 == 0;
	uint32_t units = tcp_max(c->ts->conf.initial_window, (uint8_t)1);

	if (c->srtt8 == 0)
		c->rto_us = syn_lost ? RTO_AFTER_SYN_US : RTO_INITIAL_US;
	c->cwnd = (syn_lost ? 1 : units) * (uint32_t)c->snd_mss; /* RFC 6928, 5681 3.1 */
	c->ssthresh = TCP_SSTHRESH_INF;
	c->recover = c->snd_una - 1;
	c->lost_seq = c->snd_una;
	c->snd_sml = c->snd_una;
	c->cwnd_limited_seq = c->snd_una;
	c->last_snd_ms = tcp_now_ms(c->ts);
	c->ca_state = TCP_CA_OPEN;
	c->retries = 0;
	c->backoff = 0;
	c->cc->init(c);
	if (tcp_snd_waiting(c))
		tcp_want_output(c);
}

uint64_t tcp_rto_backed_off(const struct tcp_conn *c)
{
	uint64_t max = c->ts->conf.rto_max_ms * UINT64_C(1000);
	uint64_t rto = (uint64_t)c->rto_us << tcp_min(c->backoff, 30);

	return tcp_min(rto, max);
}

/* Microseconds since the oldest unacknowledged unit went out last. */
static uint32_t head_age(const struct tcp_conn *c)
{
	const struct tcp_rec *r = c->rec_head;
	uint32_t sent = r->rtx >> r->first & 1 ? r->rtx_us : r->sent_us;

	return (uint32_t)tcp_now_us(c->ts) - sent;
}

/* Not past the moment the user's patience ends (RFC 5482). */
static uint64_t bound_by_user(const struct tcp_conn *c, uint64_t delay)
{
	uint32_t waited;

	if (c->user_timeout_ms == 0 || c->retries == 0)
		return delay;
	waited = tcp_now_ms(c->ts) - c->first_rtx_ms;
	if (waited >= c->user_timeout_ms)
		return 1000;
	return tcp_min(delay, (c->user_timeout_ms - waited) * UINT64_C(1000));
}

void tcp_rtx_rearm(struct tcp_conn *c)
{
	uint64_t delay, age, pto;

	if (c->pipe_out == 0) {
		tcp_timer_clear(c, TCP_T_RTX);
		tcp_persist_arm(c);
		return;
	}
	if (c->rtx_mode == TCP_RTX_RENEGE && tcp_timer_on(c, TCP_T_RTX) && tcp_rec_reneged(c))
		return;
	age = head_age(c);
	delay = tcp_rto_backed_off(c);
	delay = delay > age + 1000 ? delay - age : 1000;
	c->rtx_mode = TCP_RTX_RTO;
	if (tcp_tlp_wanted(c, &pto)) { /* never later than the RTO, and then instead of it */
		c->rtx_mode = TCP_RTX_TLP;
		delay = tcp_min(pto, delay);
	}
	tcp_timer_set(c, TCP_T_RTX, tcp_now_us(c->ts) + bound_by_user(c, delay));
}

/* Something new went out in this very turn. */
static bool just_sent(const struct tcp_conn *c)
{
	return c->rec_tail && c->rec_tail->sent_us == (uint32_t)tcp_now_us(c->ts);
}

void tcp_rtx_arm(struct tcp_conn *c)
{
	/* a probe timer does not serve what is in flight now; a tail probe counts from the last transmission */
	if (!tcp_timer_on(c, TCP_T_RTX) || (c->rtx_mode == TCP_RTX_PERSIST && c->pipe_out > 0) ||
	    (c->rtx_mode == TCP_RTX_TLP && just_sent(c)))
		tcp_rtx_rearm(c);
}

bool tcp_rtx_give_up(struct tcp_conn *c)
{
	const struct tcp_config *conf = &c->ts->conf;
	unsigned r2 = c->flags & TCF_ORPHAN ? conf->orphan_retries : conf->retries;

	if (c->retries == 0)
		c->first_rtx_ms = tcp_now_ms(c->ts) -
				  (c->rec_head ? ((uint32_t)tcp_now_us(c->ts) - c->rec_head->sent_us) / 1000 : 0);
	if (c->user_timeout_ms && tcp_now_ms(c->ts) - c->first_rtx_ms >= c->user_timeout_ms)
		c->ts->stats.user_timeouts++;
	else if (c->retries < r2)
		return false;
	c->ts->stats.abort_on_timeout++;
	tcp_kill(c, c->soft_error ? c->soft_error : ETIMEDOUT);
	return true;
}

/* R1 reached with large segments: perhaps something eats them without a word
 * (RFC 2923, minimal form of 4821). */
static void try_smaller(struct tcp_conn *c)
{
	uint16_t mss = c->peer_mss > BLACK_HOLE_MSS ? BLACK_HOLE_MSS : BLACK_HOLE_MSS_MIN;

	if (c->rec_head->len <= mss || c->snd_mss <= BLACK_HOLE_MSS_MIN || c->peer_mss <= mss)
		return;
	c->peer_mss = mss;
	tcp_update_mss(c);
	c->ts->stats.pmtu_blackhole++;
}

static void rto_expired(struct tcp_conn *c)
{
	bool probing = seq_le(c->snd_edge, c->snd_una); /* window closed with data in flight (3.4) */

	if (c->pipe_out == 0) {
		tcp_rtx_rearm(c);
		return;
	}
	if (tcp_rtx_give_up(c) || (probing && tcp_persist_limited(c)))
		return;
	if (c->retries == R1 && !probing)
		try_smaller(c);
	c->rto_count++;
	c->ts->stats.rto_timeouts++;
	tcp_recovery_enter_loss(c);
	/* out at once, also behind a closed window: it is the probe then */
	if (tcp_out_unit(c, c->rec_head, c->rec_head->first) < 0) {
		/* our own want of memory says nothing about the peer */
		tcp_no_memory(c);
		tcp_timer_set(c, TCP_T_RTX, tcp_now_us(c->ts) + tcp_rto_backed_off(c));
		return;
	}
	if (c->retries < UINT8_MAX)
		c->retries++;
	c->backoff = tcp_min(c->backoff + 1, 30);
	c->out_budget = 0;
	tcp_rtx_rearm(c);
}

static void renege_expired(struct tcp_conn *c)
{
	c->rtx_mode = TCP_RTX_RTO;
	if (!tcp_rec_reneged(c)) {
		tcp_rtx_rearm(c);
		return;
	}
	c->ts->stats.sack_reneging++;
	tcp_rec_clear_sacked(c);
	rto_expired(c);
}

void tcp_rtx_expired(struct tcp_conn *c)
{
	switch (c->rtx_mode) {
	case TCP_RTX_RTO:
		/* set for an older unit than the one that waits now? */
		if (c->pipe_out && head_age(c) + 1000 < tcp_rto_backed_off(c) &&
		    !(c->user_timeout_ms && c->retries)) {
			tcp_rtx_rearm(c);
			return;
		}
		rto_expired(c);
		break;
	case TCP_RTX_TLP:
		tcp_tlp_expired(c);
		break;
	case TCP_RTX_PERSIST:
		tcp_persist_expired(c);
		break;
	case TCP_RTX_RENEGE:
		renege_expired(c);
		break;
	default:
		break;
	}
}

void tcp_snd_pmtu(struct tcp_conn *c)
{
	uint16_t old = c->snd_mss;
	struct tcp_rec *r;

	tcp_update_mss(c);
	if (c->snd_mss >= old || c->pipe_out == 0)
		return;
	/* what was too large is lost; that is no congestion: cwnd stays (10.4) */
	for (r = c->rec_head; r; r = tcp_rec_next(c, r)) {
		if (r->len > c->snd_mss && r->seg > c->snd_mss)
			tcp_rec_mark(c, r, UINT64_MAX);
	}
	if (c->pipe_lost == 0 || c->ca_state >= TCP_CA_RECOVERY)
		return;
	c->ca_state = TCP_CA_LOSS;
	c->recover = c->snd_nxt;
	c->undo_valid = false;
	tcp_want_output(c);
}
