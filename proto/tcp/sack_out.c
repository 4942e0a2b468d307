/* SPDX-License-Identifier: BSD-3-Clause */
/* The SACK option we send: RFC 2018 section 4, with the duplicate report of
 * RFC 2883. */
#include <string.h>

#include "proto/tcp/recv.h"

#define OPT_NOP 1
#define OPT_SACK 5

/* Ranges held are disjoint and each entry equals one as it was when noted: an
 * entry that overlaps r was joined into it. */
void sack_note(struct tcp_conn *c, const struct tcp_range *r)
{
	struct tcp_range old[TCP_MAX_SACK];
	unsigned n = c->n_sack_out, k = 1;

	memcpy(old, c->sack_out, sizeof(old));
	c->sack_out[0] = *r;
	for (unsigned i = 0; i < n && k < TCP_MAX_SACK; i++)
		if (seq_lt(old[i].end, r->start) || seq_gt(old[i].start, r->end))
			c->sack_out[k++] = old[i];
	c->n_sack_out = k;
}

void sack_forget(struct tcp_conn *c, uint32_t seq)
{
	unsigned k = 0;

	for (unsigned i = 0; i < c->n_sack_out; i++) {
		struct tcp_range r = c->sack_out[i];

		if (seq_ge(r.start, seq))
			continue;
		if (seq_gt(r.end, seq))
			r.end = seq;
		c->sack_out[k++] = r;
	}
	c->n_sack_out = k;
}

void sack_advance(struct tcp_conn *c)
{
	unsigned k = 0;

	for (unsigned i = 0; i < c->n_sack_out; i++)
		if (seq_gt(c->sack_out[i].start, c->rcv_nxt))
			c->sack_out[k++] = c->sack_out[i];
	c->n_sack_out = k;
}

void dsack_note(struct tcp_conn *c, uint32_t start, uint32_t end)
{
	if (c->flags & TCF_SACK)
		c->dsack = (struct tcp_range){ start, end };
}

/* Joining left free places while more ranges are held: fill up from the queue. */
static void refill(struct tcp_conn *c)
{
	struct tcp_range r[TCP_MAX_SACK];
	unsigned n = ooo_ranges(c, r, TCP_MAX_SACK);

	for (unsigned i = 0; i < n && c->n_sack_out < TCP_MAX_SACK; i++) {
		unsigned k = 0;

		while (k < c->n_sack_out && c->sack_out[k].start != r[i].start)
			k++;
		if (k == c->n_sack_out)
			c->sack_out[c->n_sack_out++] = r[i];
	}
}

static void put_block(uint8_t *p, const struct tcp_range *r)
{
	rte_be32_t edge[2] = { rte_cpu_to_be_32(r->start), rte_cpu_to_be_32(r->end) };

	memcpy(p, edge, sizeof(edge));
}

unsigned tcp_sack_option(struct tcp_conn *c, uint8_t *buf, unsigned room)
{
	bool dup = c->dsack.start != c->dsack.end;
	unsigned max = room >= 12 ? (room - 4) / 8 : 0, n = 0;
	uint8_t *p = buf + 4;

	if (!(c->flags & TCF_SACK) || (!dup && c->ooo_count == 0) || max == 0)
		return 0;
	if (c->n_sack_out < TCP_MAX_SACK && c->n_sack_out < c->ooo_count)
		refill(c);
	max = RTE_MIN(max, (unsigned)TCP_MAX_SACK);
	if (dup)
		put_block(p + 8 * n++, &c->dsack);
	for (unsigned i = 0; i < c->n_sack_out && n < max; i++)
		put_block(p + 8 * n++, &c->sack_out[i]);
	buf[0] = buf[1] = OPT_NOP;
	buf[2] = OPT_SACK;
	buf[3] = 2 + 8 * n;
	return 4 + 8 * n;
}
