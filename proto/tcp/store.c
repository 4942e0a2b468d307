/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keeping received buffers at their true size. An attacker's octet must not
 * pin two kilobytes, so small payloads are copied into the buffer before them,
 * and so is everything when memory grows tight: acknowledged octets then lie
 * densely and the receive rings get their buffers back.
 */
#include <errno.h>

#include <rte_memcpy.h>

#include "proto/tcp/recv.h"

unsigned rcv_pressure(const struct tcp_stack *ts)
{
	uint64_t max = ts->conf.rcv_pinned_max, pinned = ts->rcv_pinned;

	if (likely(max == 0 || pinned <= max / 2))
		return 0;
	if (pinned <= max / 4 * 3)
		return 2;
	return pinned <= max ? 3 : 4;
}

/* Nobody else reads or writes the buffer: neither its header nor its data is
 * shared. External data that is not a pool's own may belong to anybody. */
static bool is_private(const struct rte_mbuf *m)
{
	if (rte_mbuf_refcnt_read(m) != 1)
		return false;
	if (RTE_MBUF_DIRECT(m))
		return true;
	return RTE_MBUF_HAS_PINNED_EXTBUF(m) && rte_mbuf_ext_refcnt_read(m->shinfo) == 1;
}

static bool is_small(const struct rte_mbuf *m)
{
	return m->data_len < m->buf_len / 4;
}

static void charge(struct tcp_conn *c, struct rte_mbuf *m)
{
	uint32_t size = rcv_true_size(m);

	net_mbuf_meta(m)->charge = size;
	c->rcv_charged += size;
	c->ts->rcv_pinned += size;
}

uint32_t rcv_uncharge(struct tcp_conn *c, struct rte_mbuf *m)
{
	uint32_t size = net_mbuf_meta(m)->charge;

	net_mbuf_meta(m)->charge = 0;
	c->rcv_charged -= size;
	c->ts->rcv_pinned -= size;
	return size;
}

unsigned rcv_free_list(struct tcp_conn *c, struct rte_mbuf *head)
{
	unsigned n = 0;

	while (head != NULL) {
		struct rte_mbuf *next = head->next;

		rcv_uncharge(c, head);
		head->next = NULL;
		rte_pktmbuf_free_seg(head);
		head = next;
		n++;
	}
	return n;
}

static void link_tail(struct rcv_list *l, struct rte_mbuf *m)
{
	if (l->tail != NULL)
		l->tail->next = m;
	else
		l->head = m;
	l->tail = m;
}

struct rte_mbuf *rcv_copy(const struct tcp_conn *c, const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	struct rte_mempool *mp = c->ts->conf.payload_pool;
	struct rte_mbuf *n = mp != NULL ? rte_pktmbuf_alloc(mp) : NULL;

	if (n == NULL)
		return NULL;
	n->data_off = 0; /* no header will go in front: use it all */
	if (len > rte_pktmbuf_tailroom(n)) {
		rte_pktmbuf_free_seg(n);
		return NULL;
	}
	rte_memcpy(rte_pktmbuf_mtod(n, void *), rte_pktmbuf_mtod_offset(m, const void *, off), len);
	n->data_len = len;
	n->pkt_len = len;
	return n;
}

/* Append the front of m, as much as fits, to the last buffer. */
static void fill_tail(struct rcv_list *l, struct rte_mbuf *m)
{
	struct rte_mbuf *t = l->tail;
	uint16_t n;

	if (t == NULL || !is_private(t))
		return;
	n = RTE_MIN(rte_pktmbuf_tailroom(t), m->data_len);
	rte_memcpy(rte_pktmbuf_mtod_offset(t, void *, t->data_len), rte_pktmbuf_mtod(m, const void *), n);
	t->data_len += n;
	t->pkt_len = t->data_len;
	m->data_off += n;
	m->data_len -= n;
	m->pkt_len = m->data_len;
}

static bool fits_tail(const struct rcv_list *l, const struct rte_mbuf *m)
{
	return l->tail != NULL && is_private(l->tail) && rte_pktmbuf_tailroom(l->tail) >= m->data_len;
}

/* Copy all of m, as densely as possible, and free it. A buffer that is too
 * long for one of ours is cut; when the pool runs dry the rest stays in m. */
static uint32_t compact(struct tcp_conn *c, struct rcv_list *l, struct rte_mbuf *m)
{
	struct rte_mempool *mp = c->ts->conf.payload_pool;
	uint32_t room = mp != NULL ? rte_pktmbuf_data_room_size(mp) : 0, charged = 0;

	fill_tail(l, m);
	while (m->data_len > 0 && room > 0) {
		uint32_t n = RTE_MIN(room, (uint32_t)m->data_len);
		struct rte_mbuf *t = rcv_copy(c, m, 0, n);

		if (t == NULL)
			break;
		charge(c, t);
		charged += rcv_true_size(t);
		link_tail(l, t);
		m->data_off += n;
		m->data_len -= n;
		m->pkt_len = m->data_len;
	}
	return charged;
}

static bool is_tight(const struct tcp_conn *c, const struct rte_mbuf *m)
{
	return rcv_pressure(c->ts) >= 2 || c->rcv_charged + rcv_true_size(m) > rcv_true_limit(c);
}

/* Beyond this a peer is refused what it may send by octets: as every octet was
 * copied while there was a pool to copy to, only exhaustion leads here. */
static bool is_exhausted(const struct tcp_conn *c)
{
	return rcv_pressure(c->ts) >= 4 || c->rcv_charged > 2 * (uint64_t)rcv_true_limit(c);
}

int64_t rcv_store(struct tcp_conn *c, struct rcv_list *l, struct rte_mbuf *m, bool may_refuse)
{
	bool small = is_small(m), tight = is_tight(c, m);
	uint32_t charged = 0, len = m->data_len;

	if (small && fits_tail(l, m)) {
		fill_tail(l, m);
	} else if (unlikely(tight && may_refuse && is_exhausted(c) && !fits_tail(l, m))) {
		return -ENOMEM;
	} else if (unlikely(tight || (small && !is_private(m)))) {
		charged = compact(c, l, m);
	}
	if (m->data_len == 0) {
		c->ts->stats.rcv_copied++;
		rte_pktmbuf_free_seg(m);
		return charged;
	}
	charge(c, m);
	link_tail(l, m);
	c->ts->stats.rcv_pinned++;
	if (m->data_len == len)
		rcv_ratio(c, len, rcv_true_size(m));
	return charged + rcv_true_size(m);
}
