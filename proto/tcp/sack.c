/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SACK blocks as they arrive: RFC 2018, 2883.
 */
#include "proto/tcp/snd.h"

/* A first block that repeats acknowledged data, or lies inside the second (RFC 2883 4). */
static bool is_dsack(const struct tcp_seg *seg)
{
	const struct tcp_opts *o = &seg->opt;

	if (seq_le(o->sack[0].end, seg->ack))
		return true;
	return o->n_sack > 1 && seq_ge(o->sack[0].start, o->sack[1].start) &&
	       seq_le(o->sack[0].end, o->sack[1].end);
}

static void dsack_input(struct tcp_conn *c, uint32_t start, uint32_t end, struct tcp_ack_state *a)
{
	/* of something we sent not too long ago (4.8) */
	if (seq_ge(start, end) || seq_gt(end, c->snd_nxt) ||
	    (seq_lt(start, c->snd_una - c->snd_wnd_max) && !(c->undo_valid && seq_ge(start, c->undo_una)))) {
		c->ts->stats.bad_sack++;
		return;
	}
	a->dsack = true;
	c->dsacks++;
	c->ts->stats.dsack_in++;
	tcp_undo_dsack(c, start, end);
}

void tcp_sack_input(struct tcp_conn *c, const struct tcp_seg *seg, struct tcp_ack_state *a)
{
	const struct tcp_opts *o = &seg->opt;
	unsigned i = 0, n = RTE_MIN(o->n_sack, (uint8_t)TCP_MAX_SACK);

	if (n == 0)
		return;
	if (is_dsack(seg)) {
		dsack_input(c, o->sack[0].start, o->sack[0].end, a);
		i = 1;
	}
	for (; i < n; i++) {
		uint32_t start = o->sack[i].start, end = o->sack[i].end;

		if (seq_lt(start, end) && seq_le(end, c->snd_una))
			continue; /* acknowledged since */
		if (seq_ge(start, end) || seq_lt(start, c->snd_una) || seq_gt(end, c->snd_nxt)) {
			c->ts->stats.bad_sack++;
			continue;
		}
		a->sacked_new += tcp_rec_sack(c, start, end, &a->rec);
	}
}
