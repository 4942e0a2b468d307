/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loss recovery: RFC 6675 with PRR (RFC 9937); NewReno (RFC 6582) for peers
 * without SACK.
 */
#include "proto/tcp/snd.h"

#define DUP_THRESH 3

static void prr_update(struct tcp_conn *c, const struct tcp_ack_state *a)
{
	struct tcp_prr p;
	uint32_t pipe = tcp_pipe(c);

	if (a->delivered == 0 && c->prr_out > 0)
		return;
	c->prr_delivered += a->delivered;
	p = (struct tcp_prr){ .delivered = c->prr_delivered, .out = c->prr_out, .recover_fs = c->recover_fs };
	c->cwnd = tcp_max(pipe + tcp_prr_allow(&p, pipe, c->ssthresh, a->delivered, a->acked && !a->lost_new,
					       c->snd_mss), (uint32_t)c->snd_mss);
}

static void enter_recovery(struct tcp_conn *c, const struct tcp_ack_state *a)
{
	uint32_t unit;

	tcp_undo_begin(c);
	c->ssthresh = c->cc->ssthresh(c);
	c->cc->on_event(c, TCP_CC_LOSS_ENTER, 0);
	c->ca_state = TCP_CA_RECOVERY;
	c->recover = c->snd_nxt;
	c->recover_fs = c->snd_nxt - a->prior_una - a->prior_sacked;
	c->prr_delivered = 0;
	c->prr_out = 0;
	c->rescued = false;
	c->tlp_active = false;
	c->fast_recoveries++;
	c->ts->stats.fast_recoveries++;
	/* the segment at SND.UNA goes out whatever the octets above it say (6675 5 (4)) */
	if (c->rec_head) {
		unit = c->rec_head->first;
		tcp_rec_mark(c, c->rec_head, UINT64_C(1) << unit);
	}
	if (!(c->flags & TCF_SACK))
		c->cwnd = c->ssthresh + DUP_THRESH * c->snd_mss;
}

/* RFC 6582 3.2 steps 3 to 5, in octets. */
static void newreno_ack(struct tcp_conn *c, const struct tcp_ack_state *a)
{
	struct tcp_rec *r = c->rec_head;

	if (a->dup) {
		/* no more segments can have left than were in flight (RFC 5681 3.2) */
		if (c->cwnd < c->ssthresh + (c->recover - c->snd_una))
			c->cwnd += c->snd_mss;
		return;
	}
	if (a->acked == 0 || r == NULL)
		return;
	/* partial: the next one is lost as well */
	c->cwnd = c->cwnd > a->acked ? c->cwnd - a->acked : 0;
	if (a->acked >= c->snd_mss)
		c->cwnd += c->snd_mss;
	c->cwnd = tcp_max(c->cwnd, (uint32_t)c->snd_mss);
	tcp_rec_mark(c, r, UINT64_C(1) << r->first);
}

static void leave(struct tcp_conn *c)
{
	if (c->ca_state == TCP_CA_RECOVERY) {
		if (c->flags & TCF_SACK)
			c->cwnd = c->ssthresh;
		else
			c->cwnd = tcp_min(c->ssthresh, tcp_max(c->pipe_out, (uint32_t)c->snd_mss) + c->snd_mss);
	}
	c->ca_state = TCP_CA_OPEN;
	c->dup_acks = 0;
	c->cwnd_used = 0;
	c->cc->on_event(c, TCP_CC_RECOVERY_EXIT, 0);
}

static bool must_enter(const struct tcp_conn *c)
{
	if (c->pipe_out == 0)
		return false;
	if (c->flags & TCF_SACK)
		return c->pipe_lost > 0 || c->dup_acks >= DUP_THRESH;
	/* not again for data sent before the last episode ended (RFC 6582 3.2 step 2) */
	return c->dup_acks >= DUP_THRESH && seq_gt(c->snd_una, c->recover);
}

static void open_ack(struct tcp_conn *c, const struct tcp_ack_state *a)
{
	if (a->acked) {
		c->dup_acks = 0;
		if (seq_gt(c->snd_una, c->recover)) /* keeps it near: sequence numbers wrap */
			c->recover = c->snd_una - 1;
	} else if ((c->flags & TCF_SACK ? a->sacked_new > 0 : a->dup) && c->dup_acks < UINT8_MAX) {
		c->dup_acks++;
	}
	if (must_enter(c)) {
		enter_recovery(c, a);
		if (c->flags & TCF_SACK)
			prr_update(c, a);
		return;
	}
	c->ca_state = c->dup_acks || c->pipe_sacked ? TCP_CA_DISORDER : TCP_CA_OPEN;
}

/* The cumulative ACK stopped inside what was SACKed: wait, it may be reordering (4.7). */
static void check_reneging(struct tcp_conn *c)
{
	uint64_t wait = tcp_max((uint64_t)c->srtt8 / 16, UINT64_C(10000));

	if (c->rtx_mode == TCP_RTX_RENEGE && tcp_timer_on(c, TCP_T_RTX))
		return;
	c->rtx_mode = TCP_RTX_RENEGE;
	tcp_timer_set(c, TCP_T_RTX, tcp_now_us(c->ts) + wait);
}

void tcp_recovery_ack(struct tcp_conn *c, const struct tcp_seg *seg, struct tcp_ack_state *a)
{
	if (c->undo_valid && tcp_undo_try(c, seg, a))
		return;
	if (c->ca_state >= TCP_CA_RECOVERY && seq_ge(c->snd_una, c->recover))
		leave(c);
	if (a->sacked_new)
		a->lost_new = tcp_rec_mark_sack(c);
	if (a->acked && tcp_rec_reneged(c))
		check_reneging(c);
	switch (c->ca_state) {
	case TCP_CA_OPEN:
	case TCP_CA_DISORDER:
		open_ack(c, a);
		break;
	case TCP_CA_RECOVERY:
		if (c->flags & TCF_SACK)
			prr_update(c, a);
		else
			newreno_ack(c, a);
		break;
	case TCP_CA_LOSS:
		break;
	}
}

void tcp_recovery_enter_loss(struct tcp_conn *c)
{
	bool again = c->ca_state == TCP_CA_LOSS;

	if (!again) { /* repeated timeouts of the same data do not halve again */
		if (c->ca_state != TCP_CA_RECOVERY)
			tcp_undo_begin(c);
		c->ssthresh = c->cc->ssthresh(c);
	}
	c->cc->on_event(c, TCP_CC_RTO, 0);
	c->cwnd = c->snd_mss;
	c->ca_state = TCP_CA_LOSS;
	c->recover = c->snd_nxt;
	c->dup_acks = 0;
	c->tlp_active = false;
	tcp_rec_mark_all(c);
}

/* Lowest unit from SND.UNA up to limit that is neither SACKed nor retransmitted. */
static struct tcp_rec *next_unsacked(const struct tcp_conn *c, uint32_t limit, unsigned *unit)
{
	struct tcp_rec *r;

	for (r = c->rec_head; r && seq_lt(r->seq, limit); r = tcp_rec_next(c, r)) {
		uint64_t m = tcp_rec_valid(r) & ~r->sacked & ~r->rtx;

		if (m == 0)
			continue;
		*unit = (unsigned)__builtin_ctzll(m);
		return seq_lt(tcp_rec_unit_seq(r, *unit), limit) ? r : NULL;
	}
	return NULL;
}

static uint32_t highest_sacked(const struct tcp_conn *c)
{
	const struct tcp_rec *r = c->rec_high;

	return r ? tcp_rec_unit_seq(r, 63u - (unsigned)__builtin_clzll(r->sacked)) : c->snd_una;
}

int tcp_recovery_next(struct tcp_conn *c)
{
	struct tcp_rec *r;
	unsigned unit;

	if (c->cwnd < tcp_pipe(c) + c->snd_mss || c->pipe_sacked == 0)
		return 0;
	r = next_unsacked(c, highest_sacked(c), &unit); /* (3) */
	if (r == NULL && !c->rescued) {                 /* (4) */
		r = c->rec_tail;
		unit = r->n - 1u;
		if ((r->sacked | r->rtx) >> unit & 1)
			return 0;
		c->rescued = true;
	}
	if (r == NULL || seq_gt(tcp_rec_unit_end(r, unit), c->snd_edge))
		return 0;
	return tcp_out_unit(c, r, unit);
}
