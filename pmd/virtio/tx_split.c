/* SPDX-License-Identifier: BSD-3-Clause */
/* Transmit on split rings (2.7). */
#include "pmd/virtio/tx_private.h"

static __rte_always_inline void desc_put(struct vring_desc *d, uint64_t addr, uint32_t len, uint16_t flags,
					 uint16_t next)
{
	d->addr = rte_cpu_to_le_64(addr);
	d->len = rte_cpu_to_le_32(len);
	d->flags = rte_cpu_to_le_16(flags);
	d->next = rte_cpu_to_le_16(next);
}

/* In order the descriptors are taken one by one; else the list says which. */
static __rte_always_inline uint16_t desc_after(const struct vnic_vq *vq, uint16_t id, unsigned variant)
{
	return variant & TX_IN_ORDER ? (uint16_t)((id + 1) & (vq->size - 1)) : vq->slot[id].next;
}

static __rte_always_inline void make_available(struct vnic_vq *vq, uint16_t head)
{
	rte_le16_t *e = &vq->split.avail->ring[vq->avail & (vq->size - 1)];

	/* The device has the line: it keeps it if it says so already. */
	if (*e != rte_cpu_to_le_16(head))
		*e = rte_cpu_to_le_16(head);
	vq->avail++;
}

static __rte_always_inline void post_simple(struct vnic_txq *q, struct rte_mbuf *m, struct tx_sum *sum,
					    unsigned variant)
{
	struct vnic_vq *vq = &q->vq;
	uint16_t head = vq->free_head;
	struct vnic_slot *s = &vq->slot[head];

	vq->free_head = desc_after(vq, head, variant);
	vq->free_count--;
	tx_slot_put(q, s, m);
	desc_put(&vq->split.desc[head], tx_address(q, m) - vq->hdr_len, (uint32_t)m->data_len + vq->hdr_len, 0, 0);
	make_available(vq, head);
	sum->bytes += m->data_len;
	sum->packets++;
	sum->pushed++;
}

/* tx_short(): n segments. */
static __rte_always_inline void post_short(struct vnic_txq *q, struct rte_mbuf *m, uint16_t n, struct tx_sum *sum,
					   unsigned variant)
{
	struct vnic_vq *vq = &q->vq;
	struct vring_desc *const desc = vq->split.desc;
	uint16_t head = vq->free_head, at = desc_after(vq, head, variant), last;
	struct vnic_slot *slot = &vq->slot[head];
	const struct rte_mbuf *s = m->next;

	desc_put(&desc[head], tx_address(q, m) - vq->hdr_len, (uint32_t)m->data_len + vq->hdr_len, VRING_DESC_F_NEXT, at);
	for (uint16_t left = (uint16_t)(n - 1); left > 0; left--, s = s->next) {
		last = at;
		at = desc_after(vq, at, variant);
		desc_put(&desc[last], tx_address(q, s), s->data_len, left > 1 ? VRING_DESC_F_NEXT : 0, at);
	}
	vq->free_head = at;
	vq->free_count = (uint16_t)(vq->free_count - n);
	slot->mbuf = m;
	slot->count = n | TX_SLOT_WHOLE;
	slot->bytes = m->pkt_len;
	make_available(vq, head);
	sum->bytes += m->pkt_len;
	sum->packets++;
	sum->pushed++;
	sum->chained++;
}

/* Four neighbours: in order, and neither descriptors nor entries go over the end. */
static __rte_always_inline bool post_row(struct vnic_txq *q, struct rte_mbuf **pkts, struct tx_sum *sum,
					 unsigned variant)
{
	struct vnic_vq *vq = &q->vq;
	uint16_t head = vq->free_head, at = vq->avail & (vq->size - 1);
	struct vring_desc *desc = &vq->split.desc[head];
	struct vnic_slot *slot = &vq->slot[head];
	const uint32_t hdr_len = vq->hdr_len, addr = vq->addr_offset;
	const uint8_t pool = q->pool_at;
	uint64_t entries = 0, there;
	uint32_t bytes = 0;

	if (unlikely(head + 4 > vq->size || at + 4 > vq->size) || unlikely(!tx_headers4(q, pkts, variant)))
		return false;
	for (unsigned i = 0; i < 4; i++) {
		struct rte_mbuf *m = pkts[i];

		tx_slot_set(&slot[i], m, 1, pool);
		desc_put(&desc[i], tx_address_at(m, addr) - hdr_len, m->data_len + hdr_len, 0, 0);
		entries |= (uint64_t)(head + i) << (16 * i);
		bytes += m->data_len;
	}
	sum->bytes += bytes;
	entries = rte_cpu_to_le_64(entries);
	memcpy(&there, &vq->split.avail->ring[at], sizeof(there));
	if (there != entries)
		memcpy(&vq->split.avail->ring[at], &entries, sizeof(entries));
	vq->avail = (uint16_t)(vq->avail + 4);
	vq->free_head = (uint16_t)((head + 4) & (vq->size - 1));
	vq->free_count = (uint16_t)(vq->free_count - 4);
	sum->packets += 4;
	sum->pushed += 4;
	return true;
}

/* Ring descriptors from head on; returns the one after the last. */
static uint16_t put_chain(struct vnic_txq *q, const struct rte_mbuf *m, const struct tx_plan *plan, uint16_t head,
			  unsigned variant)
{
	struct vring_desc *desc = q->vq.split.desc;
	uint16_t at = head, last = head, room = plan->push ? q->vq.hdr_len : 0;

	if (!plan->push) {
		desc_put(&desc[at], q->room_iova + head * sizeof(*q->room), q->vq.hdr_len, VRING_DESC_F_NEXT,
			 desc_after(&q->vq, at, variant));
		at = desc_after(&q->vq, at, variant);
	}
	for (; m != NULL; m = m->next) {
		if (m->data_len == 0)
			continue;
		last = at;
		at = desc_after(&q->vq, at, variant);
		desc_put(&desc[last], tx_address(q, m) - room, (uint32_t)m->data_len + room, VRING_DESC_F_NEXT, at);
		room = 0;
	}
	desc[last].flags = 0;
	return at;
}

static void put_table(struct vnic_txq *q, const struct rte_mbuf *m, const struct tx_plan *plan, uint16_t head)
{
	uint64_t iova = q->room_iova + head * sizeof(*q->room);
	struct vring_desc *t = q->room[head].table.split;
	uint16_t n = 0, room = plan->push ? q->vq.hdr_len : 0;

	if (!plan->push) {
		desc_put(&t[0], iova, q->vq.hdr_len, VRING_DESC_F_NEXT, 1);
		n = 1;
	}
	for (; m != NULL; m = m->next) {
		if (m->data_len == 0)
			continue;
		desc_put(&t[n], tx_address(q, m) - room, (uint32_t)m->data_len + room, VRING_DESC_F_NEXT,
			 (uint16_t)(n + 1));
		room = 0;
		n++;
	}
	t[n - 1].flags = 0;
	desc_put(&q->vq.split.desc[head], iova + offsetof(struct vnic_tx_room, table), n * (uint32_t)sizeof(t[0]),
		 VRING_DESC_F_INDIRECT, 0);
}

/* Any packet that is not simple. */
static __rte_noinline enum tx_result post_any(struct vnic_txq *q, struct rte_mbuf **pkt, struct tx_sum *sum,
					      unsigned variant)
{
	struct vnic_vq *vq = &q->vq;
	uint16_t head = vq->free_head;
	struct vnic_slot *s = &vq->slot[head];
	struct tx_plan plan;
	struct rte_mbuf *m;

	if (!vnic_tx_plan(q, pkt, (variant & TX_OFFLOAD) != 0, &plan)) {
		q->errors++;
		rte_pktmbuf_free(*pkt);
		return TX_DROPPED;
	}
	if (plan.descs > vnic_vq_room(vq))
		return TX_FULL;
	m = *pkt;
	tx_header_put(plan.push ? tx_pushed_header(q, m) : q->room[head].hdr, plan.hdr, vq->hdr_len);
	if (plan.indirect) {
		vq->free_head = desc_after(vq, head, variant);
		put_table(q, m, &plan, head);
	} else {
		vq->free_head = put_chain(q, m, &plan, head, variant);
	}
	vq->free_count = (uint16_t)(vq->free_count - plan.descs);
	if (plan.push && m->nb_segs == 1) {
		tx_slot_put(q, s, m);
	} else {
		s->mbuf = m;
		s->count = (uint16_t)(plan.descs | TX_SLOT_WHOLE);
		s->bytes = m->pkt_len;
	}
	make_available(vq, head);
	vnic_tx_count_form(q, &plan);
	sum->bytes += m->pkt_len;
	sum->packets++;
	return TX_POSTED;
}

static __rte_always_inline void publish(struct vnic_txq *q, const struct tx_sum *sum)
{
	struct vnic_vq *vq = &q->vq;

	tx_wmb(vq); /* descriptors and entries before the index */
	*(volatile rte_le16_t *)&vq->split.avail->idx = rte_cpu_to_le_16(vq->avail);
	vq->added = (uint16_t)(vq->added + sum->packets);
	tx_account(q, sum);
	tx_kick(q);
}

static __rte_always_inline unsigned reclaim(struct vnic_txq *q, unsigned variant)
{
	return variant & TX_IN_ORDER ? vnic_tx_reclaim_split_in_order(q) :
				       vnic_tx_reclaim_split(q, UINT32_MAX);
}

static __rte_always_inline uint16_t post(struct vnic_txq *q, struct rte_mbuf **pkts, uint16_t n,
					 struct tx_sum *sum, unsigned variant)
{
	uint16_t i = 0, end, segs;
	bool row;

	while (i < n && q->vq.free_count > q->vq.reserve) {
		tx_prefetch(&pkts[i], n - i);
		end = (uint16_t)RTE_MIN(i + 4, n);
		row = (variant & TX_IN_ORDER) && n - i >= 4 && q->vq.free_count >= q->vq.reserve + 4 && pkts[i]->nb_segs == 1;
		if (likely(row) && likely(tx_simple4(q, &pkts[i], variant)) && likely(post_row(q, &pkts[i], sum, variant))) {
			i = end;
			continue;
		}
		tx_prefetch_next(&pkts[i], end - i);
		for (; i < end && q->vq.free_count > q->vq.reserve; i++) {
			if (tx_simple(q, pkts[i], variant) && likely(tx_header_any(q, pkts[i], pkts[i]->data_len, variant)))
				post_simple(q, pkts[i], sum, variant);
			else if ((segs = tx_short(q, pkts[i], variant)) != 0)
				post_short(q, pkts[i], segs, sum, variant);
			else if (post_any(q, &pkts[i], sum, variant) == TX_FULL)
				return i;
		}
	}
	return i;
}

/* A packet does not fit, and nobody has looked for completions: now. */
static __rte_noinline uint16_t post_rest(struct vnic_txq *q, struct rte_mbuf **pkts, uint16_t n, unsigned variant)
{
	struct tx_sum sum = { 0 };
	uint16_t sent;

	if (reclaim(q, variant) == 0 || q->vq.fault != VNIC_FAULT_NONE)
		return 0;
	sent = post(q, pkts, n, &sum, variant);
	if (sum.packets > 0)
		publish(q, &sum);
	return sent;
}

static __rte_always_inline uint16_t burst(struct vnic_txq *q, struct rte_mbuf **pkts, uint16_t n, unsigned variant)
{
	struct tx_sum sum = { 0 };
	uint16_t sent = 0;
	bool due;

	if (unlikely(!vnic_vq_enter(&q->vq)))
		return 0;
	due = tx_reclaim_due(q, n);
	if (due)
		reclaim(q, variant);
	if (likely(q->vq.fault == VNIC_FAULT_NONE)) {
		sent = post(q, pkts, n, &sum, variant);
		if (likely(sum.packets > 0))
			publish(q, &sum);
		if (unlikely(sent < n && !due))
			sent = (uint16_t)(sent + post_rest(q, pkts + sent, (uint16_t)(n - sent), variant));
		q->full += sent < n;
	}
	vnic_vq_leave(&q->vq);
	return sent;
}

uint16_t vnic_tx_split(void *txq, struct rte_mbuf **pkts, uint16_t n)
{
	return burst(txq, pkts, n, 0);
}

uint16_t vnic_tx_split_offload(void *txq, struct rte_mbuf **pkts, uint16_t n)
{
	return burst(txq, pkts, n, TX_OFFLOAD);
}

uint16_t vnic_tx_split_in_order(void *txq, struct rte_mbuf **pkts, uint16_t n)
{
	return burst(txq, pkts, n, TX_IN_ORDER);
}

uint16_t vnic_tx_split_in_order_offload(void *txq, struct rte_mbuf **pkts, uint16_t n)
{
	return burst(txq, pkts, n, TX_IN_ORDER | TX_OFFLOAD);
}
