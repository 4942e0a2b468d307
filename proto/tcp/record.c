/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "proto/tcp/record.h"

int tcp_rec_add(struct tcp_conn *c, uint32_t len, uint16_t seg, uint8_t flags, struct rte_mbuf *buf)
{
	uint32_t payload = len - !!(flags & TCP_REC_FIN);
	struct tcp_rec *r;

	if (c->rec_count >= TCP_REC_MAX)
		return -ENOMEM;
	r = pool_get(&c->ts->recs);
	if (r == NULL)
		return -ENOMEM;
	memset(r, 0, sizeof(*r));
	r->seq = c->snd_nxt;
	r->len = len;
	r->seg = seg;
	r->n = payload <= seg ? 1 : (uint8_t)((payload + seg - 1) / seg);
	r->flags = flags;
	r->buf = buf;
	r->sent_us = (uint32_t)tcp_now_us(c->ts);
	r->prev = tcp_rec_index(c, c->rec_tail);
	if (c->rec_tail)
		c->rec_tail->next = tcp_rec_index(c, r);
	else
		c->rec_head = r;
	c->rec_tail = r;
	c->rec_count++;
	c->pipe_out += len;
	return 0;
}

static void unlink_rec(struct tcp_conn *c, struct tcp_rec *r)
{
	struct tcp_rec *next = tcp_rec_next(c, r), *prev = tcp_rec_prev(c, r);

	if (prev)
		prev->next = r->next;
	else
		c->rec_head = next;
	if (next)
		next->prev = r->prev;
	else
		c->rec_tail = prev;
	if (c->rec_hint == r)
		c->rec_hint = NULL;
	if (c->rec_high == r)
		c->rec_high = NULL;
	if (c->rec_lost == r)
		c->rec_lost = next;
	c->rec_count--;
	pool_put(&c->ts->recs, r);
}

void tcp_rec_drop_tail(struct tcp_conn *c)
{
	c->pipe_out -= c->rec_tail->len;
	unlink_rec(c, c->rec_tail);
}

/* The units of mask are acknowledged: out of all sums. */
static void remove_units(struct tcp_conn *c, struct tcp_rec *r, uint64_t mask, struct tcp_rec_acked *out)
{
	uint64_t fresh = mask & ~r->sacked;

	c->pipe_out -= tcp_rec_octets(r, mask);
	if (unlikely(r->sacked | r->lost | r->rtx)) {
		c->pipe_sacked -= tcp_rec_octets(r, mask & r->sacked);
		c->pipe_lost -= tcp_rec_octets(r, mask & r->lost);
		c->pipe_rtx -= tcp_rec_octets(r, mask & r->rtx);
		r->sacked &= ~mask;
		r->lost &= ~mask;
		r->rtx &= ~mask;
	}
	if (fresh == 0)
		return;
	if (out->fresh == 0)
		out->first_us = r->sent_us;
	out->fresh += tcp_rec_octets(r, fresh);
	/* What a retransmission made the peer acknowledge had waited behind the
	 * hole: its age says how long the loss lasted, not how long the path is. */
	if (r->flags & TCP_REC_RTX) {
		out->rtx = true;
		out->rtt_valid = false;
	} else if (!out->rtx) {
		out->rtt_sent_us = r->sent_us;
		out->rtt_valid = true;
	}
}

/* Unit that holds seq, which lies inside the record. A FIN behind a full last
 * unit does not make another one. */
static unsigned unit_of(const struct tcp_rec *r, uint32_t seq)
{
	unsigned u;

	if (r->n == 1)
		return 0;
	u = (seq - r->seq) / r->seg;
	return RTE_MIN(u, r->n - 1u);
}

void tcp_rec_ack(struct tcp_conn *c, uint32_t una, struct tcp_rec_acked *out)
{
	struct tcp_rec *r;

	while ((r = c->rec_head) != NULL && seq_le(tcp_rec_end(r), una)) {
		remove_units(c, r, tcp_rec_valid(r), out);
		unlink_rec(c, r);
	}
	if (r && seq_lt(r->seq, una)) {
		unsigned u = unit_of(r, una);

		if (u > r->first) {
			remove_units(c, r, tcp_bits(r->first, u), out);
			r->first = (uint8_t)u;
		}
	}
	if (c->pipe_sacked == 0)
		c->rec_high = NULL;
	c->lost_seq = seq_max(c->lost_seq, una);
}

static uint32_t sack_units(struct tcp_conn *c, struct tcp_rec *r, uint64_t mask, struct tcp_rec_acked *out)
{
	uint32_t octets;

	mask &= tcp_rec_valid(r) & ~r->sacked;
	if (mask == 0)
		return 0;
	octets = tcp_rec_octets(r, mask);
	c->pipe_sacked += octets;
	c->pipe_lost -= tcp_rec_octets(r, mask & r->lost);
	c->pipe_rtx -= tcp_rec_octets(r, mask & r->rtx);
	r->lost &= ~mask;
	r->rtx &= ~mask;
	r->sacked |= mask;
	if (c->rec_high == NULL || seq_gt(r->seq, c->rec_high->seq))
		c->rec_high = r;
	if (!(r->flags & TCP_REC_RTX) && !out->rtx && (!out->rtt_valid || seq_gt(r->sent_us, out->rtt_sent_us))) {
		out->rtt_sent_us = r->sent_us;
		out->rtt_valid = true;
	}
	return octets;
}

/* Blocks repeat from ACK to ACK and mostly grow: begin where the last began. */
static struct tcp_rec *find_rec(struct tcp_conn *c, uint32_t seq)
{
	struct tcp_rec *r = c->rec_hint;

	if (r == NULL || seq_gt(r->seq, seq))
		r = c->rec_head;
	while (r && seq_le(tcp_rec_end(r), seq))
		r = tcp_rec_next(c, r);
	c->rec_hint = r;
	return r;
}

uint32_t tcp_rec_sack(struct tcp_conn *c, uint32_t start, uint32_t end, struct tcp_rec_acked *out)
{
	struct tcp_rec *r = find_rec(c, start);
	uint32_t octets = 0;

	for (; r && seq_lt(r->seq, end); r = tcp_rec_next(c, r)) {
		unsigned from = 0, to = r->n;

		if ((tcp_rec_valid(r) & ~r->sacked) == 0)
			continue;
		if (seq_gt(start, r->seq))
			from = (start - r->seq + r->seg - 1) / r->seg;
		if (seq_lt(end, tcp_rec_end(r)))
			to = unit_of(r, end);
		if (from < to)
			octets += sack_units(c, r, tcp_bits(from, to), out);
	}
	return octets;
}

uint32_t tcp_rec_mark(struct tcp_conn *c, struct tcp_rec *r, uint64_t mask)
{
	uint32_t octets;

	mask &= tcp_rec_valid(r) & ~r->sacked & ~r->lost;
	if (mask == 0)
		return 0;
	octets = tcp_rec_octets(r, mask);
	c->pipe_lost += octets;
	c->pipe_rtx -= tcp_rec_octets(r, mask & r->rtx);
	r->rtx &= ~mask;
	r->lost |= mask;
	if (c->rec_lost == NULL || seq_lt(r->seq, c->rec_lost->seq))
		c->rec_lost = r;
	return octets;
}

void tcp_rec_mark_all(struct tcp_conn *c)
{
	struct tcp_rec *r;

	c->pipe_lost = 0;
	c->pipe_rtx = 0;
	for (r = c->rec_head; r; r = tcp_rec_next(c, r)) {
		r->rtx = 0;
		r->lost = tcp_rec_valid(r) & ~r->sacked;
		c->pipe_lost += tcp_rec_octets(r, r->lost);
	}
	c->rec_lost = c->rec_head;
	c->lost_seq = c->snd_nxt;
}

/* What lies above a unit, counted downwards from the highest SACKed one. */
struct above {
	uint32_t octets;
	unsigned ranges;
	bool in_range;
};

static void count_sacked(struct above *a, uint32_t octets)
{
	a->octets += octets;
	if (!a->in_range)
		a->ranges++;
	a->in_range = true;
}

/* RFC 6675 IsLost(): more than (DupThresh - 1) * SMSS octets, or DupThresh
 * ranges apart, SACKed above. */
static bool enough_above(const struct above *a, const struct tcp_conn *c)
{
	return a->octets > 2u * c->snd_mss || a->ranges >= 3;
}

/* Highest unit of r that is lost by the rule, -1: none; goes on counting. */
static int highest_lost_unit(const struct tcp_conn *c, const struct tcp_rec *r, struct above *a)
{
	int u;

	if ((tcp_rec_valid(r) & ~r->sacked) == 0) {
		count_sacked(a, tcp_rec_octets(r, tcp_rec_valid(r)));
		return -1;
	}
	for (u = r->n - 1; u >= r->first; u--) {
		if (r->sacked >> u & 1) {
			count_sacked(a, tcp_rec_unit_end(r, u) - tcp_rec_unit_seq(r, u));
			continue;
		}
		if (enough_above(a, c))
			return u;
		a->in_range = false;
	}
	return -1;
}

uint32_t tcp_rec_mark_sack(struct tcp_conn *c)
{
	struct above a = { 0 };
	struct tcp_rec *r;
	uint32_t frontier, octets = 0;
	int u = -1;

	for (r = c->rec_high; r; r = tcp_rec_prev(c, r)) {
		if (seq_le(tcp_rec_end(r), c->lost_seq))
			return 0;
		u = highest_lost_unit(c, r, &a);
		if (u >= 0)
			break;
		if (a.octets >= c->pipe_sacked && !enough_above(&a, c))
			return 0; /* nothing SACKed below: no more to count */
	}
	if (r == NULL)
		return 0;
	frontier = tcp_rec_unit_end(r, u);
	octets += tcp_rec_mark(c, r, tcp_bits(0, u + 1));
	for (r = tcp_rec_prev(c, r); r && seq_gt(tcp_rec_end(r), c->lost_seq); r = tcp_rec_prev(c, r))
		octets += tcp_rec_mark(c, r, UINT64_MAX);
	c->lost_seq = seq_max(c->lost_seq, frontier);
	return octets;
}

void tcp_rec_clear_lost(struct tcp_conn *c)
{
	struct tcp_rec *r;

	for (r = c->rec_head; r; r = tcp_rec_next(c, r))
		r->lost = 0;
	c->pipe_lost = 0;
	c->rec_lost = NULL;
	c->lost_seq = c->snd_una;
}

void tcp_rec_clear_sacked(struct tcp_conn *c)
{
	struct tcp_rec *r;

	for (r = c->rec_head; r; r = tcp_rec_next(c, r))
		r->sacked = 0;
	c->pipe_sacked = 0;
	c->rec_high = NULL;
	c->rec_hint = NULL;
}

struct tcp_rec *tcp_rec_next_lost(struct tcp_conn *c, unsigned *unit)
{
	for (; c->rec_lost; c->rec_lost = tcp_rec_next(c, c->rec_lost)) {
		uint64_t m = c->rec_lost->lost & ~c->rec_lost->rtx;

		if (m) {
			*unit = (unsigned)__builtin_ctzll(m);
			return c->rec_lost;
		}
	}
	return NULL;
}

void tcp_rec_retransmitted(struct tcp_conn *c, struct tcp_rec *r, unsigned unit)
{
	uint64_t bit = UINT64_C(1) << unit;

	r->flags |= TCP_REC_RTX;
	r->rtx_us = (uint32_t)tcp_now_us(c->ts);
	if (r->rtx & bit || r->sacked & bit)
		return;
	r->rtx |= bit;
	c->pipe_rtx += tcp_rec_octets(r, bit);
}

bool tcp_rec_reneged(const struct tcp_conn *c)
{
	const struct tcp_rec *r = c->rec_head;

	return r && (r->sacked >> r->first & 1);
}

void tcp_rec_flush(struct tcp_conn *c)
{
	while (c->rec_head)
		unlink_rec(c, c->rec_head);
	c->pipe_out = 0;
	c->pipe_sacked = 0;
	c->pipe_lost = 0;
	c->pipe_rtx = 0;
}

bool tcp_rec_consistent(const struct tcp_conn *c)
{
	uint32_t out = 0, sacked = 0, lost = 0, rtx = 0, count = 0;
	const struct tcp_rec *r;

	for (r = c->rec_head; r; r = tcp_rec_next(c, r), count++) {
		uint64_t valid = tcp_rec_valid(r);

		if ((r->sacked | r->lost | r->rtx) & ~valid || r->sacked & (r->lost | r->rtx))
			return false;
		out += tcp_rec_octets(r, valid);
		sacked += tcp_rec_octets(r, r->sacked);
		lost += tcp_rec_octets(r, r->lost);
		rtx += tcp_rec_octets(r, r->rtx);
	}
	return out == c->pipe_out && sacked == c->pipe_sacked && lost == c->pipe_lost && rtx == c->pipe_rtx &&
	       count == c->rec_count;
}
