/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/virtio/tx_private.h"

/* Buffers on their way back to one pool. */
#define BULK 64
struct bulk {
	struct vnic_txq *q;
	struct rte_mempool *pool; /* of those in m */
	unsigned n;
	uint64_t bytes;
	struct rte_mbuf *m[BULK];
};

static inline void bulk_flush(struct bulk *b)
{
	if (b->n > 0)
		rte_mempool_put_bulk(b->pool, (void **)b->m, b->n);
	b->n = 0;
}

static inline void bulk_add(struct bulk *b, struct rte_mbuf *m)
{
	if (unlikely(b->n == BULK))
		bulk_flush(b);
	b->m[b->n++] = m;
}

static __rte_always_inline void bulk_turn(struct bulk *b, struct rte_mempool *pool)
{
	if (likely(b->pool == pool))
		return;
	bulk_flush(b);
	b->pool = pool;
}

/* Segment by segment, each to its own pool. */
static __rte_noinline void release_whole(struct bulk *b, struct rte_mbuf *m)
{
	struct rte_mbuf *next;

	for (; m != NULL; m = next) {
		next = m->next;
		m = rte_pktmbuf_prefree_seg(m);
		if (unlikely(m == NULL))
			continue;
		bulk_turn(b, m->pool);
		bulk_add(b, m);
	}
}

/* Free what was posted under a slot. */
static __rte_always_inline void release(struct bulk *b, struct vnic_slot *s)
{
	struct rte_mbuf *m = s->mbuf;

	s->mbuf = NULL;
	b->bytes += s->bytes;
	if (unlikely(s->count & TX_SLOT_WHOLE)) {
		release_whole(b, m);
		return;
	}
	bulk_turn(b, b->q->pool[s->next]);
	bulk_add(b, m);
}

/* The same for n neighbours; stops at one that is not a plain packet of the same pool. How many. */
static __rte_always_inline unsigned release_row(struct bulk *b, struct vnic_slot *s, unsigned n)
{
	const uint16_t pool = s->next;
	unsigned i;

	if (unlikely(s->count != 1))
		return 0;
	bulk_turn(b, b->q->pool[pool]);
	for (i = 0; i < n && s[i].count == 1 && s[i].next == pool; i++) {
		bulk_add(b, s[i].mbuf);
		s[i].mbuf = NULL;
		b->bytes += s[i].bytes;
	}
	return i;
}

static inline uint16_t slot_count(const struct vnic_slot *s)
{
	return s->count & (uint16_t)~TX_SLOT_WHOLE;
}

static inline unsigned outstanding(const struct vnic_txq *q)
{
	return (unsigned)(q->posted - q->done);
}

static inline unsigned finish(struct bulk *b, unsigned n)
{
	struct vnic_txq *q = b->q;

	bulk_flush(b);
	q->done += n;
	q->done_bytes += b->bytes;
	q->reclaim_tsc = rte_rdtsc();
	q->reclaims += n > 0;
	/* No slot refers to them: room for pools the application uses by now. */
	if (q->done == q->posted && q->pool[VNIC_TX_POOLS - 1] != NULL)
		memset(q->pool, 0, sizeof(q->pool));
	return n;
}

/* How many entries the device says there are; 0 also when that cannot be. */
static unsigned split_used(struct vnic_txq *q, unsigned max)
{
	struct vnic_vq *vq = &q->vq;
	uint16_t n = rte_le_to_cpu_16(*(volatile rte_le16_t *)&vq->split.used->idx) - vq->used;

	if (unlikely(n > outstanding(q))) {
		vnic_vq_fault(vq, VNIC_FAULT_USED_COUNT);
		return 0;
	}
	tx_rmb(vq); /* the index before the entries */
	return RTE_MIN(n, max);
}

static inline uint32_t split_id(const struct vnic_vq *vq, uint16_t at)
{
	return rte_le_to_cpu_32(*(volatile rte_le32_t *)&vq->split.used->ring[at & (vq->size - 1)].id);
}

/* The free list is a queue: descriptors are used round, so that a device that works in order
 * finds the same entries in the available ring lap after lap, and nobody writes them. */
static inline void append_free(struct vnic_vq *vq, uint16_t head, uint16_t count)
{
	uint16_t tail = head;

	for (uint16_t i = 1; i < count; i++)
		tail = vq->slot[tail].next;
	if (vq->free_count == 0)
		vq->free_head = head;
	else
		vq->slot[vq->free_tail].next = head;
	vq->free_tail = tail;
	vq->free_count = (uint16_t)(vq->free_count + count);
}

static enum vnic_fault id_fault(const struct vnic_vq *vq, uint32_t id)
{
	if (id >= vq->size)
		return VNIC_FAULT_USED_ID;
	return vq->slot[id].mbuf == NULL ? VNIC_FAULT_USED_IDLE : VNIC_FAULT_NONE;
}

unsigned vnic_tx_reclaim_split(struct vnic_txq *q, unsigned max)
{
	struct vnic_vq *vq = &q->vq;
	struct bulk b = { .q = q };
	unsigned n = split_used(q, max), i;
	enum vnic_fault fault;

	for (i = 0; i < n; i++) {
		uint32_t id = split_id(vq, (uint16_t)(vq->used + i));

		fault = id_fault(vq, id);
		if (unlikely(fault != VNIC_FAULT_NONE)) {
			vnic_vq_fault(vq, fault);
			break;
		}
		release(&b, &vq->slot[id]);
		append_free(vq, (uint16_t)id, slot_count(&vq->slot[id]));
	}
	vq->used = (uint16_t)(vq->used + i);
	return finish(&b, i);
}

/* Is id the head of a chain that is out? */
static enum vnic_fault in_order_fault(const struct vnic_vq *vq, uint32_t id, uint16_t oldest)
{
	uint32_t ahead = id >= oldest ? id - oldest : id + vq->size - oldest;

	if (id >= vq->size)
		return VNIC_FAULT_USED_ID;
	if (ahead >= (uint32_t)(vq->size - vq->free_count))
		return VNIC_FAULT_USED_ORDER;
	return vq->slot[id].mbuf == NULL ? VNIC_FAULT_USED_IDLE : VNIC_FAULT_NONE;
}

/*
 * In order the index alone says which packets are done. One entry may stand
 * for a batch (2.7.9), so that of those we find only the first is surely written: it
 * must name a chain among them. All of them, then: the next entry after a part of a batch
 * would not be a written one.
 */
unsigned vnic_tx_reclaim_split_in_order(struct vnic_txq *q)
{
	struct vnic_vq *vq = &q->vq;
	struct bulk b = { .q = q };
	unsigned n = split_used(q, UINT32_MAX);
	uint16_t at = (uint16_t)((vq->free_head + vq->free_count) & (vq->size - 1)), count;
	enum vnic_fault fault;
	uint32_t id;

	if (n == 0)
		return finish(&b, 0);
	id = split_id(vq, vq->used);
	fault = in_order_fault(vq, id, at);
	if (unlikely(fault != VNIC_FAULT_NONE)) {
		vnic_vq_fault(vq, fault);
		return finish(&b, 0);
	}
	for (unsigned left = n; left > 0;) {
		unsigned row = release_row(&b, &vq->slot[at], RTE_MIN(left, (unsigned)vq->size - at));

		count = (uint16_t)row;
		if (row == 0) {
			count = slot_count(&vq->slot[at]);
			release(&b, &vq->slot[at]);
			row = 1;
		}
		left -= row;
		vq->free_count = (uint16_t)(vq->free_count + count);
		at = (uint16_t)((at + count) & (vq->size - 1));
	}
	vq->used = (uint16_t)(vq->used + n);
	/* Beyond all that the index counts. */
	if (unlikely(vq->slot[id].mbuf != NULL))
		vnic_vq_fault(vq, VNIC_FAULT_USED_ORDER);
	return finish(&b, n);
}

static inline bool packed_used(const struct vnic_vq *vq)
{
	uint16_t flags = rte_le_to_cpu_16(*(volatile rte_le16_t *)&vq->packed.desc[vq->used].flags);

	return vring_packed_is_used(flags, vq->used_wrap);
}

static inline void packed_advance(struct vnic_vq *vq, uint16_t count)
{
	uint32_t next = (uint32_t)vq->used + count;

	if (next >= vq->size) {
		next -= vq->size;
		vq->used_wrap = !vq->used_wrap;
	}
	vq->used = (uint16_t)next;
}

unsigned vnic_tx_reclaim_packed(struct vnic_txq *q, unsigned max)
{
	struct vnic_vq *vq = &q->vq;
	struct bulk b = { .q = q };
	unsigned n = RTE_MIN(outstanding(q), max), i;
	enum vnic_fault fault;
	uint16_t id, count;

	for (i = 0; i < n && packed_used(vq); i++) {
		tx_rmb(vq); /* the flags before the id */
		id = rte_le_to_cpu_16(*(volatile rte_le16_t *)&vq->packed.desc[vq->used].id);
		fault = id_fault(vq, id);
		if (unlikely(fault != VNIC_FAULT_NONE)) {
			vnic_vq_fault(vq, fault);
			break;
		}
		/* Ids are slots, one a chain, however many descriptors it takes. */
		count = slot_count(&vq->slot[id]);
		release(&b, &vq->slot[id]);
		vq->slot[id].next = vq->free_head;
		vq->free_head = id;
		vq->free_count = (uint16_t)(vq->free_count + count);
		packed_advance(vq, count);
	}
	return finish(&b, i);
}

/* All chains from where we are to the one that begins at id. */
static unsigned release_batch(struct bulk *b, uint16_t id)
{
	struct vnic_vq *vq = &b->q->vq;
	unsigned n = 0, row;
	uint16_t at, count;

	do {
		at = vq->used;
		row = release_row(b, &vq->slot[at], (id >= at ? id + 1u : vq->size) - at);
		count = (uint16_t)row;
		if (row == 0) {
			count = slot_count(&vq->slot[at]);
			release(b, &vq->slot[at]);
			row = 1;
		}
		at = (uint16_t)(at + row - 1); /* head of the last one */
		vq->free_count = (uint16_t)(vq->free_count + count);
		packed_advance(vq, count);
		n += row;
	} while (at != id);
	return n;
}

/* One used descriptor stands for all up to its id (2.8.9): ids are positions of heads. A
 * batch is taken whole. */
unsigned vnic_tx_reclaim_packed_in_order(struct vnic_txq *q, unsigned max)
{
	struct vnic_vq *vq = &q->vq;
	struct bulk b = { .q = q };
	unsigned i = 0;
	enum vnic_fault fault;
	uint16_t id;

	while (i < max && outstanding(q) > i && packed_used(vq)) {
		tx_rmb(vq); /* the flags before the id */
		id = rte_le_to_cpu_16(*(volatile rte_le16_t *)&vq->packed.desc[vq->used].id);
		fault = in_order_fault(vq, id, vq->used);
		if (unlikely(fault != VNIC_FAULT_NONE)) {
			vnic_vq_fault(vq, fault);
			break;
		}
		i += release_batch(&b, id);
	}
	return finish(&b, i);
}

unsigned vnic_tx_reclaim(struct vnic_txq *q, unsigned max)
{
	if (q->vq.is_packed)
		return q->vq.in_order ? vnic_tx_reclaim_packed_in_order(q, max) :
					vnic_tx_reclaim_packed(q, max);
	return q->vq.in_order ? vnic_tx_reclaim_split_in_order(q) : vnic_tx_reclaim_split(q, max);
}
