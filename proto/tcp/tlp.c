/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tail loss probe: RFC 8985 7.
 */
#include "proto/tcp/snd.h"

#define PEER_DELAY_US 200000 /* WCDelAckT */
#define PTO_SLACK_US 2000
#define PTO_NO_RTT_US 1000000

bool tcp_tlp_wanted(const struct tcp_conn *c, uint64_t *pto_us)
{
	uint64_t pto;

	if (!(c->flags & TCF_SACK) || c->ca_state != TCP_CA_OPEN || c->tlp_active || c->backoff || c->pipe_out == 0)
		return false;
	pto = c->srtt8 >> 2;
	if (c->srtt8 == 0)
		pto = PTO_NO_RTT_US;
	else
		pto += c->pipe_out <= c->snd_mss ? PEER_DELAY_US : PTO_SLACK_US;
	*pto_us = pto;
	return true;
}

static int send_probe(struct tcp_conn *c)
{
	int rc = tcp_out_force_new(c, UINT32_MAX);
	struct tcp_rec *r = c->rec_tail;

	c->tlp_rtx = false;
	if (rc != 0 || r == NULL)
		return rc;
	c->tlp_rtx = true;
	return tcp_out_unit(c, r, r->n - 1u);
}

void tcp_tlp_expired(struct tcp_conn *c)
{
	if (send_probe(c) > 0) {
		c->tlp_active = true;
		c->tlp_end = c->snd_nxt;
		c->tlp_probes++;
		c->ts->stats.tlp_probes++;
	}
	c->out_budget = 0;
	if (c->pipe_out == 0) {
		tcp_rtx_rearm(c);
		return;
	}
	c->rtx_mode = TCP_RTX_RTO; /* a whole RTO for the probe (RFC 8985 7.3) */
	tcp_timer_set(c, TCP_T_RTX, tcp_now_us(c->ts) + tcp_rto_backed_off(c));
}

/* RFC 8985 7.4: was a loss repaired by the probe? Then one congestion response. */
void tcp_tlp_ack(struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_ack_state *a)
{
	if (seq_lt(seg->ack, c->tlp_end))
		return;
	if (!c->tlp_rtx || a->dsack) {
		c->tlp_active = false;
	} else if (seq_gt(seg->ack, c->tlp_end)) {
		c->tlp_active = false;
		c->ts->stats.tlp_recoveries++;
		c->ssthresh = c->cc->ssthresh(c);
		c->cwnd = tcp_min(c->cwnd, c->ssthresh);
	} else if (a->acked == 0 && a->sacked_new == 0 && seg->len == 0 && !a->window_changed) {
		c->tlp_active = false; /* the probe's own answer: both copies arrived */
	}
}
