/* SPDX-License-Identifier: BSD-3-Clause */
/* Transmit on packed rings (2.8). */
#include "pmd/virtio/tx_private.h"

/*
 * A burst becomes visible at once: flags of all descriptors but the very first are
 * written as they come, and the device, which looks at descriptors one
 * after the other, does not get past the first until publish().
 */
struct burst {
	struct vnic_txq *q;
	uint16_t first;       /* position; its flags are held back */
	uint16_t first_flags;
	uint16_t at;          /* where the next descriptor goes */
	uint16_t descs;       /* so far */
	uint16_t avail_flags; /* of the lap we are in */
	bool wrap;
	struct tx_sum sum;
};

static __rte_always_inline void burst_begin(struct burst *b, struct vnic_txq *q)
{
	b->q = q;
	b->first = b->at = q->vq.avail;
	b->first_flags = 0;
	b->descs = 0;
	b->wrap = q->vq.avail_wrap;
	b->avail_flags = vring_packed_avail_flags(b->wrap);
	b->sum = (struct tx_sum){ 0 };
}

static __rte_always_inline void put(struct burst *b, uint64_t addr, uint32_t len, uint16_t id, uint16_t flags)
{
	struct vnic_vq *vq = &b->q->vq;
	struct vring_packed_desc *d = &vq->packed.desc[b->at];

	d->addr = rte_cpu_to_le_64(addr);
	d->len = rte_cpu_to_le_32(len);
	d->id = rte_cpu_to_le_16(id);
	flags |= b->avail_flags;
	if (unlikely(b->descs == 0)) {
		b->first_flags = flags;
	} else {
		/* A device that fetches ahead, line by line, may look at this one again only
		 * when it has seen the first: each is whole before it says so. */
		rte_io_wmb();
		*(volatile rte_le16_t *)&d->flags = rte_cpu_to_le_16(flags);
	}
	b->descs++;
	if (unlikely(++b->at == vq->size)) {
		b->at = 0;
		b->wrap = !b->wrap;
		b->avail_flags = vring_packed_avail_flags(b->wrap);
	}
}

/* A slot for a packet that begins here: in order its position, else from the list. */
static __rte_always_inline uint16_t take_id(struct burst *b, unsigned variant)
{
	struct vnic_vq *vq = &b->q->vq;
	uint16_t id = vq->free_head;

	if (variant & TX_IN_ORDER)
		return b->at;
	vq->free_head = vq->slot[id].next;
	return id;
}

static __rte_always_inline void post_simple(struct burst *b, struct rte_mbuf *m, unsigned variant)
{
	struct vnic_txq *q = b->q;
	uint16_t id = take_id(b, variant);

	q->vq.free_count--;
	tx_slot_put(q, &q->vq.slot[id], m);
	put(b, tx_address(q, m) - q->vq.hdr_len, (uint32_t)m->data_len + q->vq.hdr_len, id, 0);
	b->sum.bytes += m->data_len;
	b->sum.packets++;
	b->sum.pushed++;
}

/* tx_short(): n segments. */
static __rte_always_inline void post_short(struct burst *b, struct rte_mbuf *m, uint16_t n, unsigned variant)
{
	struct vnic_txq *q = b->q;
	uint16_t id = take_id(b, variant);
	struct vnic_slot *slot = &q->vq.slot[id];
	const struct rte_mbuf *s = m->next;

	q->vq.free_count = (uint16_t)(q->vq.free_count - n);
	slot->mbuf = m;
	slot->count = n | TX_SLOT_WHOLE;
	slot->bytes = m->pkt_len;
	put(b, tx_address(q, m) - q->vq.hdr_len, (uint32_t)m->data_len + q->vq.hdr_len, id, VRING_DESC_F_NEXT);
	for (uint16_t left = (uint16_t)(n - 1); left > 0; left--, s = s->next)
		put(b, tx_address(q, s), s->data_len, id, left > 1 ? VRING_DESC_F_NEXT : 0);
	b->sum.bytes += m->pkt_len;
	b->sum.packets++;
	b->sum.pushed++;
	b->sum.chained++;
}

/* Length, id and flags in one store, after the address. */
static __rte_always_inline void put_row(struct vring_packed_desc *d, uint64_t addr, uint32_t len, uint16_t id,
					uint16_t flags)
{
	volatile rte_le64_t *w = (volatile rte_le64_t *)d;

	w[0] = rte_cpu_to_le_64(addr);
	w[1] = rte_cpu_to_le_64(len | (uint64_t)id << 32 | (uint64_t)flags << 48);
}

/* Four neighbours, in order, that do not go over the end. */
static __rte_always_inline bool post_row(struct burst *b, struct rte_mbuf **pkts, unsigned variant)
{
	struct vnic_txq *q = b->q;
	struct vnic_vq *vq = &q->vq;
	const uint32_t hdr_len = vq->hdr_len, addr = vq->addr_offset;
	const uint8_t pool = q->pool_at;
	struct vring_packed_desc *desc = &vq->packed.desc[b->at];
	struct vnic_slot *slot = &vq->slot[b->at];
	uint32_t bytes = 0;
	uint16_t at = b->at, flags[4] = { b->avail_flags, b->avail_flags, b->avail_flags, b->avail_flags };

	if (unlikely(at + 4 > vq->size) || unlikely(!tx_headers4(q, pkts, variant)))
		return false;
	if (b->descs == 0) {
		b->first_flags = b->avail_flags;
		flags[0] = vring_packed_used_flags(!b->wrap); /* as the lap before left it */
	}
	for (unsigned i = 0; i < 4; i++) {
		struct rte_mbuf *m = pkts[i];

		tx_slot_set(&slot[i], m, 1, pool);
		put_row(&desc[i], tx_address_at(m, addr) - hdr_len, m->data_len + hdr_len, (uint16_t)(at + i), flags[i]);
		bytes += m->data_len;
	}
	b->sum.bytes += bytes;
	b->at = (uint16_t)(at + 4);
	if (unlikely(b->at == vq->size)) {
		b->at = 0;
		b->wrap = !b->wrap;
		b->avail_flags = vring_packed_avail_flags(b->wrap);
	}
	b->descs = (uint16_t)(b->descs + 4);
	vq->free_count = (uint16_t)(vq->free_count - 4);
	b->sum.packets += 4;
	b->sum.pushed += 4;
	return true;
}

static void put_chain(struct burst *b, const struct rte_mbuf *m, const struct tx_plan *plan, uint16_t id)
{
	struct vnic_txq *q = b->q;
	uint16_t left = plan->descs, room = plan->push ? q->vq.hdr_len : 0;

	if (!plan->push)
		put(b, q->room_iova + id * sizeof(*q->room), q->vq.hdr_len, id, --left > 0 ? VRING_DESC_F_NEXT : 0);
	for (; m != NULL; m = m->next) {
		if (m->data_len == 0)
			continue;
		put(b, tx_address(q, m) - room, (uint32_t)m->data_len + room, id, --left > 0 ? VRING_DESC_F_NEXT : 0);
		room = 0;
	}
}

static void table_put(struct vring_packed_desc *d, uint64_t addr, uint32_t len)
{
	d->addr = rte_cpu_to_le_64(addr);
	d->len = rte_cpu_to_le_32(len);
	d->id = 0;
	d->flags = 0;
}

static void put_table(struct burst *b, const struct rte_mbuf *m, const struct tx_plan *plan, uint16_t id)
{
	struct vnic_txq *q = b->q;
	uint64_t iova = q->room_iova + id * sizeof(*q->room);
	struct vring_packed_desc *t = q->room[id].table.packed;
	uint16_t n = 0, room = plan->push ? q->vq.hdr_len : 0;

	if (!plan->push)
		table_put(&t[n++], iova, q->vq.hdr_len);
	for (; m != NULL; m = m->next) {
		if (m->data_len == 0)
			continue;
		table_put(&t[n++], tx_address(q, m) - room, (uint32_t)m->data_len + room);
		room = 0;
	}
	put(b, iova + offsetof(struct vnic_tx_room, table), n * (uint32_t)sizeof(t[0]), id, VRING_DESC_F_INDIRECT);
}

/* Any packet that is not simple. */
static __rte_noinline enum tx_result post_any(struct burst *b, struct rte_mbuf **pkt, unsigned variant)
{
	struct vnic_txq *q = b->q;
	struct tx_plan plan;
	struct vnic_slot *s;
	struct rte_mbuf *m;
	uint16_t id;

	if (!vnic_tx_plan(q, pkt, (variant & TX_OFFLOAD) != 0, &plan)) {
		q->errors++;
		rte_pktmbuf_free(*pkt);
		return TX_DROPPED;
	}
	if (plan.descs > vnic_vq_room(&q->vq))
		return TX_FULL;
	m = *pkt;
	id = take_id(b, variant);
	s = &q->vq.slot[id];
	tx_header_put(plan.push ? tx_pushed_header(q, m) : q->room[id].hdr, plan.hdr, q->vq.hdr_len);
	if (plan.indirect)
		put_table(b, m, &plan, id);
	else
		put_chain(b, m, &plan, id);
	q->vq.free_count = (uint16_t)(q->vq.free_count - plan.descs);
	if (plan.push && m->nb_segs == 1) {
		tx_slot_put(q, s, m);
	} else {
		s->mbuf = m;
		s->count = (uint16_t)(plan.descs | TX_SLOT_WHOLE);
		s->bytes = m->pkt_len;
	}
	vnic_tx_count_form(q, &plan);
	b->sum.bytes += m->pkt_len;
	b->sum.packets++;
	return TX_POSTED;
}

static __rte_always_inline void publish(struct burst *b)
{
	struct vnic_vq *vq = &b->q->vq;

	tx_wmb(vq); /* everything before the flags the device waits for */
	*(volatile rte_le16_t *)&vq->packed.desc[b->first].flags = rte_cpu_to_le_16(b->first_flags);
	vq->avail = b->at;
	vq->avail_wrap = b->wrap;
	vq->added = (uint16_t)(vq->added + b->descs);
	tx_account(b->q, &b->sum);
	tx_kick(b->q);
}

static __rte_always_inline unsigned reclaim(struct vnic_txq *q, unsigned variant)
{
	return variant & TX_IN_ORDER ? vnic_tx_reclaim_packed_in_order(q, UINT32_MAX) :
				       vnic_tx_reclaim_packed(q, UINT32_MAX);
}

static __rte_always_inline uint16_t post(struct burst *b, struct rte_mbuf **pkts, uint16_t n, unsigned variant)
{
	struct vnic_txq *q = b->q;
	uint16_t i = 0, end, segs;
	bool row;

	while (i < n && q->vq.free_count > q->vq.reserve) {
		tx_prefetch(&pkts[i], n - i);
		end = (uint16_t)RTE_MIN(i + 4, n);
		row = (variant & TX_IN_ORDER) && n - i >= 4 && q->vq.free_count >= q->vq.reserve + 4 && pkts[i]->nb_segs == 1;
		if (likely(row) && likely(tx_simple4(q, &pkts[i], variant)) && likely(post_row(b, &pkts[i], variant))) {
			i = end;
			continue;
		}
		tx_prefetch_next(&pkts[i], end - i);
		for (; i < end && q->vq.free_count > q->vq.reserve; i++) {
			if (tx_simple(q, pkts[i], variant) && likely(tx_header_any(q, pkts[i], pkts[i]->data_len, variant)))
				post_simple(b, pkts[i], variant);
			else if ((segs = tx_short(q, pkts[i], variant)) != 0)
				post_short(b, pkts[i], segs, variant);
			else if (post_any(b, &pkts[i], variant) == TX_FULL)
				return i;
		}
	}
	return i;
}

/* A packet does not fit, and nobody has looked for completions: now. */
static __rte_noinline uint16_t post_rest(struct vnic_txq *q, struct rte_mbuf **pkts, uint16_t n, unsigned variant)
{
	struct burst b;
	uint16_t sent;

	if (reclaim(q, variant) == 0 || q->vq.fault != VNIC_FAULT_NONE)
		return 0;
	burst_begin(&b, q);
	sent = post(&b, pkts, n, variant);
	if (b.sum.packets > 0)
		publish(&b);
	return sent;
}

static __rte_always_inline uint16_t burst(struct vnic_txq *q, struct rte_mbuf **pkts, uint16_t n, unsigned variant)
{
	struct burst b;
	uint16_t sent = 0;
	bool due;

	if (unlikely(!vnic_vq_enter(&q->vq)))
		return 0;
	due = tx_reclaim_due(q, n);
	if (due)
		reclaim(q, variant);
	if (likely(q->vq.fault == VNIC_FAULT_NONE)) {
		burst_begin(&b, q);
		sent = post(&b, pkts, n, variant);
		if (likely(b.sum.packets > 0))
			publish(&b);
		if (unlikely(sent < n && !due))
			sent = (uint16_t)(sent + post_rest(q, pkts + sent, (uint16_t)(n - sent), variant));
		q->full += sent < n;
	}
	vnic_vq_leave(&q->vq);
	return sent;
}

uint16_t vnic_tx_packed(void *txq, struct rte_mbuf **pkts, uint16_t n)
{
	return burst(txq, pkts, n, 0);
}

uint16_t vnic_tx_packed_offload(void *txq, struct rte_mbuf **pkts, uint16_t n)
{
	return burst(txq, pkts, n, TX_OFFLOAD);
}

uint16_t vnic_tx_packed_in_order(void *txq, struct rte_mbuf **pkts, uint16_t n)
{
	return burst(txq, pkts, n, TX_IN_ORDER);
}

uint16_t vnic_tx_packed_in_order_offload(void *txq, struct rte_mbuf **pkts, uint16_t n)
{
	return burst(txq, pkts, n, TX_IN_ORDER | TX_OFFLOAD);
}
