/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Taking a reduction back that was for nothing: proof by timestamps (Eifel,
 * RFC 3522, 4015) or by DSACKs of every retransmission (RFC 3708).
 */
#include "proto/tcp/snd.h"

void tcp_undo_begin(struct tcp_conn *c)
{
	c->undo_valid = true;
	c->undo_cwnd = c->cwnd;
	c->undo_ssthresh = c->ssthresh;
	c->undo_una = c->snd_una;
	c->undo_rtx = 0;
	c->undo_tsval = 0;
}

void tcp_undo_sent(struct tcp_conn *c, uint32_t octets)
{
	if (!c->undo_valid)
		return;
	if (c->undo_tsval == 0)
		c->undo_tsval = tcp_tsval(c) ? tcp_tsval(c) : 1;
	c->undo_rtx += octets;
}

void tcp_undo_dsack(struct tcp_conn *c, uint32_t start, uint32_t end)
{
	if (!c->undo_valid || seq_lt(start, c->undo_una) || c->undo_rtx == 0)
		return;
	c->undo_rtx -= tcp_min(c->undo_rtx, end - start);
	if (c->undo_rtx == 0)
		c->undo_tsval = 0; /* all of them were duplicates */
}

/* The first ACK after a retransmission echoes a stamp from before it. */
static bool proof_by_stamp(const struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_ack_state *a)
{
	return a->acked && c->undo_tsval && (c->flags & TCF_TS) && (seg->opt.present & TCP_OPT_TS) &&
	       seg->opt.tsecr && seq_lt(seg->opt.tsecr, c->undo_tsval);
}

bool tcp_undo_try(struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_ack_state *a)
{
	bool dsacked = a->dsack && c->undo_rtx == 0 && c->undo_tsval == 0;

	if (!dsacked && !proof_by_stamp(c, seg, a)) {
		/* an ACK that advances past the episode without proof ends the question,
		 * unless DSACKs may still tell */
		if (a->acked && seq_gt(c->snd_una, c->recover) && c->ca_state <= TCP_CA_DISORDER)
			c->undo_valid = false;
		return false;
	}
	c->undo_valid = false;
	c->cwnd = tcp_max(c->cwnd, c->undo_cwnd);
	c->ssthresh = tcp_max(c->ssthresh, c->undo_ssthresh);
	c->cc->undo(c);
	c->cc->on_event(c, TCP_CC_SPURIOUS, 0);
	tcp_rec_clear_lost(c);
	c->ca_state = c->pipe_sacked ? TCP_CA_DISORDER : TCP_CA_OPEN;
	c->dup_acks = 0;
	c->backoff = 0;
	c->ts->stats.spurious_undo++;
	return true;
}
