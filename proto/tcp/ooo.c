/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Data out of order: at most TCP_OOO_MAX disjoint ranges in a sorted list, each
 * a chain of buffers. A range's description lies in the private area of its
 * first buffer, so that holding data takes no other memory.
 *
 * First copy wins: octets held are never replaced, whatever arrives again (a
 * rewriting attack would otherwise choose which version is read). An octet is
 * copied at most once on its way in, and never because of what arrives later.
 * When there is too much, the highest ranges go: the lowest are read first.
 */
#include "proto/tcp/recv.h"

struct range {
	struct rte_mbuf *next;  /* first buffer of the next range */
	struct rte_mbuf *tail;  /* last buffer of this one */
	uint32_t start, end;
	uint32_t charge;        /* of its buffers */
};
static_assert(sizeof(struct net_meta) + sizeof(struct range) <= NET_MBUF_PRIV_SIZE, "both in the private area");

static struct range *range_of(struct rte_mbuf *m)
{
	return (struct range *)((uint8_t *)rte_mbuf_to_priv(m) + NET_MBUF_PRIV_SIZE - sizeof(struct range));
}

/* Last range that starts at or before seq; NULL: none. Most arrivals go to the
 * range touched last or behind it. */
static struct rte_mbuf *find(const struct tcp_conn *c, uint32_t seq)
{
	struct rte_mbuf *r = c->ooo_hint;

	if (r == NULL || seq_gt(range_of(r)->start, seq)) {
		r = c->ooo;
		if (r == NULL || seq_gt(range_of(r)->start, seq))
			return NULL;
	}
	for (struct rte_mbuf *n; (n = range_of(r)->next) != NULL; r = n)
		if (seq_gt(range_of(n)->start, seq))
			break;
	return r;
}

static struct rte_mbuf **link_after(struct tcp_conn *c, struct rte_mbuf *prev)
{
	return prev != NULL ? &range_of(prev)->next : &c->ooo;
}

/* ---- forgetting -------------------------------------------------------- */

/* Free the range behind prev; buffers freed. */
static unsigned remove_after(struct tcp_conn *c, struct rte_mbuf *prev)
{
	struct rte_mbuf **link = link_after(c, prev), *r = *link;

	if (c->ooo_hint == r)
		c->ooo_hint = prev;
	*link = range_of(r)->next;
	c->ooo_count--;
	c->ooo_charged -= range_of(r)->charge;
	sack_forget(c, range_of(r)->start);
	return rcv_free_list(c, r);
}

/* Free the highest range if it lies above seq. */
static bool prune_above(struct tcp_conn *c, uint32_t seq)
{
	struct rte_mbuf *prev = NULL, *r = c->ooo_hint;
	unsigned n;

	if (c->ooo == NULL)
		return false;
	/* the hint may be the highest itself: its predecessor is not known then */
	if (r != NULL && range_of(r)->next != NULL)
		prev = r;
	for (r = *link_after(c, prev); range_of(r)->next != NULL; r = range_of(r)->next)
		prev = r;
	if (seq_le(range_of(r)->start, seq))
		return false;
	n = remove_after(c, prev);
	c->ts->stats.ooo_pruned += n;
	c->ts->drops->drop[DROP_TCP_OOO_LIMIT] += n;
	return true;
}

/* Cut the end off a range that holds seq; its first buffer stays. */
static void shorten(struct tcp_conn *c, struct rte_mbuf *r, uint32_t seq)
{
	uint32_t at = range_of(r)->start, before = c->rcv_charged;
	struct rte_mbuf *m = r, *rest;

	while (seq_lt(at + m->data_len, seq)) {
		at += m->data_len;
		m = m->next;
	}
	m->data_len = seq - at;
	m->pkt_len = m->data_len;
	rest = m->next;
	m->next = NULL;
	range_of(r)->tail = m;
	range_of(r)->end = seq;
	rcv_free_list(c, rest);
	range_of(r)->charge -= before - c->rcv_charged;
	c->ooo_charged -= before - c->rcv_charged;
	sack_forget(c, seq);
}

void ooo_truncate(struct tcp_conn *c, uint32_t seq)
{
	struct rte_mbuf *r = find(c, seq);

	if (r != NULL && range_of(r)->start == seq) {
		/* goes as a whole: its predecessor is needed */
		c->ooo_hint = NULL;
		r = find(c, seq - 1);
	}
	while (*link_after(c, r) != NULL)
		c->ts->drops->drop[DROP_TCP_AFTER_FIN] += remove_after(c, r);
	if (r != NULL && seq_gt(range_of(r)->end, seq))
		shorten(c, r, seq);
}

void ooo_free(struct tcp_conn *c)
{
	c->ooo_hint = NULL;
	while (c->ooo != NULL)
		remove_after(c, NULL);
}

/* ---- holding --------------------------------------------------------------- */

/* Room for one more buffer at seq, by giving up what lies higher. The bound on
 * memory is the connection's whole true-size limit, queue included: half of it,
 * as often advised, would discard part of a full window behind one loss. */
static bool make_room(struct tcp_conn *c, const struct rte_mbuf *m, uint32_t seq, bool new_range)
{
	while (c->rcv_charged + rcv_true_size(m) > rcv_true_limit(c) || rcv_pressure(c->ts) >= 3)
		if (!prune_above(c, seq))
			return false;
	return !new_range || c->ooo_count < TCP_OOO_MAX || prune_above(c, seq);
}

static void refuse(struct tcp_conn *c, struct rte_mbuf *m)
{
	c->ts->stats.ooo_pruned++;
	NET_DROP(c->ts->drops, TCP_OOO_LIMIT, m);
}

/* Append to the range prev, which ends where m starts. */
static bool extend(struct tcp_conn *c, struct rte_mbuf *prev, struct rte_mbuf *m, bool in_order)
{
	struct range *r = range_of(prev);
	struct rcv_list l = { prev, r->tail };
	uint32_t len = m->data_len;
	int64_t charged = rcv_store(c, &l, m, !in_order);

	if (charged < 0)
		return false;
	r->tail = l.tail;
	r->end += len;
	r->charge += charged;
	c->ooo_charged += charged;
	return true;
}

/* A new range behind prev. The store may copy into several buffers. */
static struct rte_mbuf *open_range(struct tcp_conn *c, struct rte_mbuf *prev, struct rte_mbuf *m, uint32_t seq,
				   bool in_order)
{
	struct rcv_list l = { NULL, NULL };
	uint32_t len = m->data_len;
	int64_t charged = rcv_store(c, &l, m, !in_order);
	struct rte_mbuf **link = link_after(c, prev);

	if (charged < 0)
		return NULL;
	*range_of(l.head) = (struct range){
		.next = *link, .tail = l.tail, .start = seq, .end = seq + len, .charge = charged,
	};
	*link = l.head;
	c->ooo_count++;
	c->ooo_charged += charged;
	return l.head;
}

/* Join r with the next range if they touch: one link, no copying. */
static void join(struct tcp_conn *c, struct rte_mbuf *r)
{
	struct range *a = range_of(r), *b;
	struct rte_mbuf *n = a->next;

	if (n == NULL || range_of(n)->start != a->end)
		return;
	b = range_of(n);
	a->tail->next = n;
	a->tail = b->tail;
	a->end = b->end;
	a->charge += b->charge;
	a->next = b->next;
	c->ooo_count--;
	if (c->ooo_hint == n)
		c->ooo_hint = r;
}

/* Keep m, which overlaps nothing held, behind range prev. Octets kept. */
static uint32_t place(struct tcp_conn *c, struct rte_mbuf *m, uint32_t seq, bool in_order)
{
	struct rte_mbuf *prev = find(c, seq), *r = prev;
	bool touches = prev != NULL && range_of(prev)->end == seq;
	uint32_t len = m->data_len;

	/* pruning takes only ranges above seq, so prev stays */
	if (!make_room(c, m, seq, !touches) && !in_order) {
		refuse(c, m);
		return 0;
	}
	if (touches ? !extend(c, prev, m, in_order) : (r = open_range(c, prev, m, seq, in_order)) == NULL) {
		refuse(c, m);
		return 0;
	}
	join(c, r);
	c->ooo_hint = r;
	return len;
}

static void note_dup(struct tcp_range *dup, uint32_t start, uint32_t end)
{
	if (dup->start == dup->end) {
		*dup = (struct tcp_range){ start, end };
		return;
	}
	/* one block describes one run: keep the first unless they touch */
	if (start == dup->end)
		dup->end = end;
}

/* A gap between ranges, within [seq, end): the first one. */
static bool next_gap(const struct tcp_conn *c, uint32_t seq, uint32_t end, struct tcp_range *gap,
		     struct tcp_range *dup)
{
	struct rte_mbuf *r = find(c, seq), *n;

	if (r != NULL && seq_gt(range_of(r)->end, seq)) {
		uint32_t held = range_of(r)->end;

		held = seq_lt(held, end) ? held : end;
		note_dup(dup, seq, held);
		seq = held;
	}
	n = r != NULL ? range_of(r)->next : c->ooo;
	*gap = (struct tcp_range){ seq, end };
	if (n != NULL && seq_lt(range_of(n)->start, end))
		gap->end = range_of(n)->start;
	return gap->start != gap->end || gap->end != end;
}

uint32_t ooo_insert(struct tcp_conn *c, struct rte_mbuf *m, uint32_t seq, bool in_order, struct tcp_range *dup)
{
	uint32_t end = seq + m->data_len, kept = 0, at = seq;
	struct tcp_range gap;

	while (next_gap(c, at, end, &gap, dup)) {
		uint32_t len = gap.end - gap.start;
		struct rte_mbuf *piece;

		at = gap.end;
		if (len == 0)
			continue;
		if (gap.end == end) { /* the last gap: the buffer itself */
			m->data_off += gap.start - seq;
			m->data_len = len;
			m->pkt_len = len;
			return kept + place(c, m, gap.start, in_order);
		}
		/* the piece before a range that is held; if it cannot be copied the peer sends it again */
		piece = rcv_copy(c, m, gap.start - seq, len);
		if (piece != NULL)
			kept += place(c, piece, gap.start, in_order);
	}
	if (kept == 0)
		net_drop_count(c->ts->drops, DROP_TCP_DUP_DATA);
	rte_pktmbuf_free_seg(m);
	return kept;
}

/* ---- looking ------------------------------------------------------------------ */

uint32_t ooo_first(const struct tcp_conn *c)
{
	return range_of(c->ooo)->start;
}

bool ooo_range_at(const struct tcp_conn *c, uint32_t seq, struct tcp_range *r)
{
	struct rte_mbuf *m = find(c, seq);

	if (m == NULL || seq_ge(seq, range_of(m)->end))
		return false;
	*r = (struct tcp_range){ range_of(m)->start, range_of(m)->end };
	return true;
}

unsigned ooo_ranges(const struct tcp_conn *c, struct tcp_range *out, unsigned max)
{
	struct rte_mbuf *r = c->ooo;
	unsigned n;

	for (n = 0; n < max && r != NULL; n++, r = range_of(r)->next)
		out[n] = (struct tcp_range){ range_of(r)->start, range_of(r)->end };
	return n;
}

uint32_t tcp_ooo_bytes(const struct tcp_conn *c)
{
	uint32_t sum = 0;

	for (struct rte_mbuf *r = c->ooo; r != NULL; r = range_of(r)->next)
		sum += range_of(r)->end - range_of(r)->start;
	return sum;
}

uint32_t ooo_drain(struct tcp_conn *c)
{
	struct rte_mbuf *r = c->ooo;
	uint32_t nxt = c->rcv_nxt;

	while (r != NULL && range_of(r)->start == nxt) {
		struct range *a = range_of(r);

		if (c->rcvq_tail != NULL)
			c->rcvq_tail->next = r;
		else
			c->rcvq_head = r;
		c->rcvq_tail = a->tail;
		c->ooo = a->next;
		c->ooo_count--;
		c->ooo_charged -= a->charge;
		if (c->ooo_hint == r)
			c->ooo_hint = NULL;
		nxt = a->end;
		r = c->ooo;
	}
	return nxt - c->rcv_nxt;
}
