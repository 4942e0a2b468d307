/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The steps of a receive burst, as inline functions of a mode that is constant
 * in each variant: take used entries, make packets of them, refill.
 *
 * Every receive buffer is one descriptor. What is free at a ring position is
 * known without a free list: position p is offered again only after the used
 * entry at p was taken, so slot[p].next keeps the id that came back there
 * and is offered there next. With IN_ORDER the id is the position itself.
 */
#ifndef VNIC_RX_PRIVATE_H
#define VNIC_RX_PRIVATE_H

#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_prefetch.h>

#include "pmd/virtio/rx.h"

/* What a burst has to reckon with. */
#define RX_PACKED 1u
#define RX_ORDER  2u /* IN_ORDER */
#define RX_MERGE  4u /* MRG_RXBUF */
#define RX_PARSE  8u /* headers say something, or VLAN tags go */
#define RX_MODES  16u
#define RX_BLIND  16u /* packets are not looked into, not even for who they are for */

#define RX_CHUNK  32u /* used entries looked at before the first becomes a packet */
#define RX_REFILL 64u /* buffers taken from the pool at a time */
#define RX_MIN_LEN RTE_ETHER_HDR_LEN

/* Several fields at once. */
typedef uint64_t __attribute__((may_alias)) rx_word;

static inline unsigned rx_mode(const struct vnic_rxq *rxq)
{
	return (rxq->vq.is_packed ? RX_PACKED : 0) | (rxq->vq.in_order ? RX_ORDER : 0) |
	       (rxq->mergeable ? RX_MERGE : 0) |
	       (rxq->csum || rxq->lro || rxq->hash || rxq->vlan_strip ? RX_PARSE : 0);
}

static inline uint16_t rx_outstanding(const struct vnic_vq *vq)
{
	return (uint16_t)(vq->size - vq->free_count);
}

/* After an index or a flag of the device's, before what it announces. */
static __rte_always_inline void rx_after_load(const struct vnic_vq *vq)
{
	if (vq->strong)
		rte_io_rmb();
	else
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
}
/* After buffers and descriptors, before what offers them. */
static __rte_always_inline void rx_before_store(const struct vnic_vq *vq)
{
	if (vq->strong)
		rte_io_wmb();
	else
		__atomic_thread_fence(__ATOMIC_RELEASE);
}

/* ---- used entries ------------------------------------------------------------- */
/* The buffer a used entry speaks of, NULL: it speaks of none (queue broken). */
static __rte_always_inline struct rte_mbuf *rx_claim(struct vnic_vq *vq, uint16_t pos, uint32_t id, const unsigned mode)
{
	struct rte_mbuf *m;

	if (mode & RX_ORDER) {
		if (likely(id == pos))
			return vq->slot[pos].mbuf; /* there: pos is inside the outstanding window */
		vnic_vq_fault(vq, id < vq->size ? VNIC_FAULT_USED_ORDER : VNIC_FAULT_USED_ID);
		return NULL;
	}
	if (unlikely(id >= vq->size)) {
		vnic_vq_fault(vq, VNIC_FAULT_USED_ID);
		return NULL;
	}
	m = vq->slot[id].mbuf;
	if (unlikely(m == NULL))
		vnic_vq_fault(vq, VNIC_FAULT_USED_IDLE);
	return m;
}

/* One used entry checked: false when the queue is broken; nothing is changed then,
 * so that the buffer stays the ring's. */
static __rte_always_inline bool rx_take(struct vnic_rxq *rxq, uint16_t pos, uint32_t id, uint32_t len,
					struct rte_mbuf **mb, const unsigned mode)
{
	struct vnic_vq *vq = &rxq->vq;
	struct rte_mbuf *m = rx_claim(vq, pos, id, mode);

	if (unlikely(m == NULL))
		return false;
	if (unlikely(len > rxq->buf_len)) {
		vnic_vq_fault(vq, VNIC_FAULT_RX_LENGTH);
		return false;
	}
	if (!(mode & RX_ORDER)) {
		vq->slot[id].mbuf = NULL;
		vq->slot[pos].next = (uint16_t)id;
	}
	rte_prefetch0(m);
	*mb = m;
	return true;
}

static __rte_always_inline uint16_t rx_gather_split(struct vnic_rxq *rxq, struct rte_mbuf **mb, uint32_t *len,
						    uint16_t want, const unsigned mode)
{
	struct vnic_vq *vq = &rxq->vq;
	struct vring_used *used = vq->split.used;
	uint16_t mask = (uint16_t)(vq->size - 1), there, i;

	there = (uint16_t)(rte_le_to_cpu_16(__atomic_load_n(&used->idx, __ATOMIC_RELAXED)) - vq->used);
	if (there == 0)
		return 0;
	if (unlikely(there > rx_outstanding(vq))) {
		vnic_vq_fault(vq, VNIC_FAULT_USED_COUNT);
		return 0;
	}
	rx_after_load(vq);
	if (there > want)
		there = want;
	for (i = 0; i < there; i++) {
		uint16_t pos = (uint16_t)(vq->used + i) & mask;
		const struct vring_used_elem *e = &used->ring[pos];

		len[i] = rte_le_to_cpu_32(__atomic_load_n(&e->len, __ATOMIC_RELAXED));
		if (unlikely(!rx_take(rxq, pos, rte_le_to_cpu_32(__atomic_load_n(&e->id, __ATOMIC_RELAXED)), len[i],
				      &mb[i], mode)))
			break;
	}
	vq->used = (uint16_t)(vq->used + i);
	vq->free_count = (uint16_t)(vq->free_count + i);
	return i;
}

/* What stands beside addr in a packed descriptor: len, id, flags in one load. */
static __rte_always_inline uint64_t rx_packed_word(const struct vring_packed_desc *d)
{
	return rte_le_to_cpu_64(__atomic_load_n((const rx_word *)&d->len, __ATOMIC_RELAXED));
}

static __rte_always_inline uint16_t rx_gather_packed(struct vnic_rxq *rxq, struct rte_mbuf **mb, uint32_t *len,
						     uint16_t want, const unsigned mode)
{
	struct vnic_vq *vq = &rxq->vq;
	uint16_t out = rx_outstanding(vq), pos = vq->used, i;
	bool wrap = vq->used_wrap;

	if (want > out)
		want = out;
	for (i = 0; i < want; i++) {
		uint64_t w = rx_packed_word(&vq->packed.desc[pos]);

		if (!vring_packed_is_used((uint16_t)(w >> 48), wrap))
			break;
		len[i] = (uint32_t)w;
		if (unlikely(!rx_take(rxq, pos, (uint16_t)(w >> 32), len[i], &mb[i], mode)))
			break;
		if (++pos == vq->size) {
			pos = 0;
			wrap = !wrap;
		}
	}
	if (unlikely(out == 0) && vring_packed_is_used((uint16_t)(rx_packed_word(&vq->packed.desc[pos]) >> 48), wrap))
		vnic_vq_fault(vq, VNIC_FAULT_USED_COUNT);
	rx_after_load(vq);
	vq->used = pos;
	vq->used_wrap = wrap;
	vq->free_count = (uint16_t)(vq->free_count + i);
	return i;
}

/* Take at most want (RX_CHUNK) used entries: buffers and lengths, none beyond buf_len. */
static __rte_always_inline uint16_t rx_gather(struct vnic_rxq *rxq, struct rte_mbuf **mb, uint32_t *len,
					      uint16_t want, const unsigned mode)
{
	if (mode & RX_PACKED)
		return rx_gather_packed(rxq, mb, len, want, mode);
	return rx_gather_split(rxq, mb, len, want, mode);
}

/* The gate is not open: 0, or packets kept from before a reset, which come first. */
uint16_t rx_aside(struct vnic_rxq *rxq, struct rte_mbuf **pkts, uint16_t n);

/* ---- packets -------------------------------------------------------------------- */
/* The header, copied once out of memory that the device may still write. */
struct rx_hdr {
	union {
		uint32_t word[5];
		struct vnic_net_hdr_hash h;
	};
};

static __rte_always_inline struct rx_hdr rx_hdr_copy(const void *hdr, bool hash)
{
	const uint32_t *p = hdr; /* 4-aligned: the headroom less 12 or 20 */
	struct rx_hdr c = { .word = { 0 } };
	unsigned i, n = hash ? 5 : 3;

	for (i = 0; i < n; i++)
		c.word[i] = __atomic_load_n(&p[i], __ATOMIC_RELAXED);
	return c;
}
/* vnic_rx_header() of a header already copied that says something. */
bool rx_hdr_apply(struct vnic_rxq *rxq, struct rte_mbuf *m, const struct rx_hdr *c, enum vnic_rx_drop *why);
/* Header and tag of each of n packets (whole, not counted yet); what is left, and the octets of what was
 * dropped on top of *lost. */
unsigned rx_hdr_each(struct vnic_rxq *rxq, struct rte_mbuf **pkts, unsigned n, uint64_t *lost);

static __rte_always_inline void *rx_hdr_of(const struct vnic_rxq *rxq, const struct rte_mbuf *m)
{
	return (char *)m->buf_addr + VNIC_RX_DATA_OFF - rxq->vq.hdr_len;
}

void rx_drop(struct vnic_rxq *rxq, struct rte_mbuf *m, enum vnic_rx_drop why);
/* VLAN tag out of the frame, where it lies whole in the first buffer. */
void rx_vlan_strip(struct rte_mbuf *m);

static __rte_always_inline void rx_set_len(struct rte_mbuf *m, uint32_t len)
{
	m->packet_type = 0;
	m->pkt_len = len;
	m->data_len = (uint16_t)len;
	m->vlan_tci = 0;
}

static __rte_always_inline void rx_count_cast(struct vnic_rxq *rxq, const struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);

	if (likely(!rte_is_multicast_ether_addr(&eth->dst_addr)))
		return;
	if (rte_is_broadcast_ether_addr(&eth->dst_addr))
		rxq->broadcast++;
	else
		rxq->multicast++;
}

static __rte_always_inline bool rx_hdr_speaks(const struct rx_hdr *c)
{
	return (c->h.hdr.flags | c->h.hdr.gso_type | c->h.hash_report) != 0;
}

/* A whole packet: header, tag, counters. False: dropped. */
static __rte_always_inline bool rx_finish(struct vnic_rxq *rxq, struct rte_mbuf *m, const unsigned mode)
{
	if (mode & RX_PARSE) {
		struct rx_hdr c = rx_hdr_copy(rx_hdr_of(rxq, m), rxq->hash);
		enum vnic_rx_drop why;

		if (rx_hdr_speaks(&c) && !rx_hdr_apply(rxq, m, &c, &why)) {
			rx_drop(rxq, m, why);
			return false;
		}
	}
	rxq->bytes += m->pkt_len;
	if (!(mode & RX_BLIND))
		rx_count_cast(rxq, m);
	if ((mode & RX_PARSE) && rxq->vlan_strip)
		rx_vlan_strip(m);
	return true;
}

/* One buffer, one packet. */
static __rte_always_inline uint16_t rx_single(struct vnic_rxq *rxq, struct rte_mbuf **mb, const uint32_t *len,
					      uint16_t n, struct rte_mbuf **pkts, const unsigned mode)
{
	const uint32_t hdr_len = rxq->vq.hdr_len;
	uint16_t i, out = 0;

	if ((mode & (RX_BLIND | RX_PARSE)) != RX_BLIND)
		for (i = 0; i < n; i++)
			rte_prefetch0((char *)mb[i]->buf_addr + VNIC_RX_DATA_OFF - (mode & RX_PARSE ? hdr_len : 0));
	for (i = 0; i < n; i++) {
		struct rte_mbuf *m = mb[i];
		uint32_t size = len[i] - hdr_len;

		/* Below the header's length size wraps, and is too large as well. */
		if (unlikely(size < RX_MIN_LEN || size > rxq->frame_max)) {
			rx_drop(rxq, m, len[i] < hdr_len + RX_MIN_LEN ? VNIC_RX_DROP_SHORT : VNIC_RX_DROP_LONG);
			continue;
		}
		rx_set_len(m, size);
		pkts[out] = m;
		out += rx_finish(rxq, m, mode);
	}
	return out;
}

/* ---- mergeable buffers ------------------------------------------------------------ */
/* The first buffer of several, or one that is not as it should be. */
void rx_merge_first(struct vnic_rxq *rxq, struct rte_mbuf *m, uint32_t len, uint16_t count);
/* A further one; the packet when it was the last and is to be passed on. */
struct rte_mbuf *rx_merge_next(struct vnic_rxq *rxq, struct rte_mbuf *m, uint32_t len);
/* After a burst that ends inside a packet. */
void rx_merge_wait(struct vnic_rxq *rxq);

static __rte_always_inline uint16_t rx_merge(struct vnic_rxq *rxq, struct rte_mbuf **mb, const uint32_t *len,
					     uint16_t n, struct rte_mbuf **pkts, const unsigned mode)
{
	const uint32_t hdr_len = rxq->vq.hdr_len;
	uint16_t i, out = 0;

	for (i = 0; i < n; i++) {
		rte_prefetch0(rx_hdr_of(rxq, mb[i]));
		if (!(mode & RX_BLIND))
			rte_prefetch0((char *)mb[i]->buf_addr + VNIC_RX_DATA_OFF);
	}
	for (i = 0; i < n; i++) {
		struct rte_mbuf *m = mb[i];
		uint32_t size = len[i] - hdr_len;

		if (likely(rxq->part_left == 0)) {
			const struct vnic_net_hdr *hdr = rx_hdr_of(rxq, m);
			uint16_t count = rte_le_to_cpu_16(__atomic_load_n(&hdr->num_buffers, __ATOMIC_RELAXED));

			if (unlikely(count != 1 || size < RX_MIN_LEN || size > rxq->frame_max)) {
				rx_merge_first(rxq, m, len[i], count);
				continue;
			}
			rx_set_len(m, size);
		} else {
			m = rx_merge_next(rxq, m, len[i]);
			if (m == NULL)
				continue;
		}
		pkts[out] = m;
		out += rx_finish(rxq, m, mode);
	}
	return out;
}

/* ---- a burst's receiving half ------------------------------------------------------- */
static __rte_always_inline uint16_t rx_collect(struct vnic_rxq *rxq, struct rte_mbuf **pkts, uint16_t n,
					       const unsigned mode)
{
	struct rte_mbuf *mb[RX_CHUNK];
	uint32_t len[RX_CHUNK];
	uint16_t out = 0, want, k;

	do {
		want = (uint16_t)RTE_MIN((unsigned)(n - out), RX_CHUNK);
		k = rx_gather(rxq, mb, len, want, mode);
		if (mode & RX_MERGE)
			out = (uint16_t)(out + rx_merge(rxq, mb, len, k, pkts + out, mode));
		else
			out = (uint16_t)(out + rx_single(rxq, mb, len, k, pkts + out, mode));
	} while (k == want && out < n); /* many buffers may be few packets */
	if ((mode & RX_MERGE) && unlikely(rxq->part_left != 0))
		rx_merge_wait(rxq);
	rxq->packets += out;
	return out;
}

/* ---- vector bursts ------------------------------------------------------------------ */
/* The variant for a mode, NULL: none. */
eth_rx_burst_t rx_vec_select(unsigned mode);
const char *rx_vec_name(eth_rx_burst_t burst);

/* By mode. */
#define RX_VECS RX_MODES
struct rx_vec {
	eth_rx_burst_t burst;
	const char *name;
};
extern const struct rx_vec rx_avx512[RX_VECS]; /* empty where the compiler has none */

/* ---- a burst ------------------------------------------------------------------------- */
/*
 * The whole burst around its receiving half. Buffers that are large come back before it: by then the
 * packets of the burst before have mostly been freed, and the pool gives out first what it got last, so
 * that the ring goes round in the same memory. Refilled behind the burst it goes round in twice as much, which a
 * core's cache does not hold: what the device copies costs half as much again.
 */
static __rte_always_inline void rx_before(struct vnic_rxq *rxq, uint16_t (*refill)(struct vnic_rxq *rxq))
{
	if (likely(!rxq->refill_late) || rxq->vq.free_count < rxq->refill_min)
		return;
	if (likely(rxq->vq.fault == VNIC_FAULT_NONE) && refill(rxq) != 0)
		vnic_vq_kick(&rxq->vq);
}

static __rte_always_inline void rx_after(struct vnic_rxq *rxq, uint16_t received,
					 uint16_t (*refill)(struct vnic_rxq *rxq))
{
	bool due = rxq->vq.free_count >= rxq->refill_min && !rxq->refill_late;

	due |= received == 0 && rxq->vq.free_count > rxq->vq.reserve;
	/* A busy queue waits for refill_min of them; an idle one takes what it can, so
	 * that it never stays without buffers when the pool had none. */
	if (due && likely(rxq->vq.fault == VNIC_FAULT_NONE) && refill(rxq) != 0)
		vnic_vq_kick(&rxq->vq);
}

/* ---- refill -------------------------------------------------------------------------- */
/* What all buffers of a burst get, read once: the stores into buffers might be to anything, for all the compiler knows. */
struct rx_fresh {
	uint64_t init, ol;    /* receive fields */
	uint64_t off;         /* from the buffer's address to what the device may write */
	uint32_t addr;        /* where in the mbuf that address lies */
};

static __rte_always_inline struct rx_fresh rx_fresh(const struct vnic_rxq *rxq)
{
	return (struct rx_fresh){ rxq->mbuf_init, rxq->ol_init, VNIC_RX_DATA_OFF - rxq->vq.hdr_len, rxq->vq.addr_offset };
}

/* Receive fields as they are in a fresh buffer; its address for the device. */
static __rte_always_inline rte_le64_t rx_rearm(const struct rx_fresh *f, struct rte_mbuf *m)
{
	static_assert(offsetof(struct rte_mbuf, data_off) % 8 == 0 &&
		      offsetof(struct rte_mbuf, port) == offsetof(struct rte_mbuf, data_off) + 6 &&
		      offsetof(struct rte_mbuf, ol_flags) == offsetof(struct rte_mbuf, data_off) + 8, "rearm data");

	*(rx_word *)(void *)&m->data_off = f->init;
	m->ol_flags = f->ol;
	return rte_cpu_to_le_64(*(const uint64_t *)((const char *)m + f->addr) + f->off);
}

static __rte_always_inline void rx_post_split(struct vnic_rxq *rxq, struct rte_mbuf **mb, uint16_t n,
					      const unsigned mode)
{
	struct vnic_vq *vq = &rxq->vq;
	const struct rx_fresh fresh = rx_fresh(rxq);
	struct vring_desc *const table = vq->split.desc;
	struct vring_avail *const ring = vq->split.avail;
	struct vnic_slot *const slot = vq->slot;
	const uint64_t word = rte_cpu_to_le_64((uint64_t)VRING_DESC_F_WRITE << 32 | rxq->buf_len);
	const uint16_t mask = (uint16_t)(vq->size - 1), at = vq->avail;
	unsigned i;

	for (i = 0; i < n; i++) {
		const uint16_t pos = (uint16_t)(at + i) & mask;
		const uint16_t id = mode & RX_ORDER ? pos : slot[pos].next;
		struct vring_desc *d = &table[id];

		slot[id].mbuf = mb[i];
		d->addr = rx_rearm(&fresh, mb[i]);
		*(rx_word *)&d->len = word; /* and flags, and next: 0 */
		/* Mostly there from the lap before: the line stays shared with the device. */
		if (unlikely(ring->ring[pos] != rte_cpu_to_le_16(id)))
			ring->ring[pos] = rte_cpu_to_le_16(id);
	}
	vq->avail = (uint16_t)(at + n);
	rx_before_store(vq);
	__atomic_store_n(&ring->idx, rte_cpu_to_le_16((uint16_t)(at + n)), __ATOMIC_RELAXED);
}

static __rte_always_inline void rx_post_packed(struct vnic_rxq *rxq, struct rte_mbuf **mb, uint16_t n,
					       const unsigned mode)
{
	struct vnic_vq *vq = &rxq->vq;
	const struct rx_fresh fresh = rx_fresh(rxq);
	struct vring_packed_desc *const ring = vq->packed.desc;
	struct vnic_slot *const slot = vq->slot;
	bool wrap = vq->avail_wrap;
	uint64_t base = (uint64_t)(VRING_DESC_F_WRITE | vring_packed_avail_flags(wrap)) << 48 | rxq->buf_len;
	uint64_t head_word = 0;
	const uint16_t head = vq->avail, size = vq->size;
	uint16_t pos = head;
	unsigned i;

	for (i = 0; i < n; i++) {
		const uint16_t id = mode & RX_ORDER ? pos : slot[pos].next;
		struct vring_packed_desc *d = &ring[pos];
		const uint64_t word = rte_cpu_to_le_64(base | (uint64_t)id << 32);

		slot[id].mbuf = mb[i];
		d->addr = rx_rearm(&fresh, mb[i]);
		if (i == 0)
			head_word = word;
		else
			*(rx_word *)&d->len = word;
		if (unlikely(++pos == size)) {
			pos = 0;
			wrap = !wrap;
			base ^= (uint64_t)(VRING_PACKED_F_AVAIL | VRING_PACKED_F_USED) << 48;
		}
	}
	vq->avail = pos;
	vq->avail_wrap = wrap;
	/* The device goes on from the head: all of them become available with it (2.8.21.1). */
	rx_before_store(vq);
	__atomic_store_n((rx_word *)&ring[head].len, head_word, __ATOMIC_RELAXED);
}

/* Offer n buffers, 1 at least and no more than free_count. */
static __rte_always_inline void rx_post(struct vnic_rxq *rxq, struct rte_mbuf **mb, uint16_t n, const unsigned mode)
{
	if (mode & RX_PACKED)
		rx_post_packed(rxq, mb, n, mode);
	else
		rx_post_split(rxq, mb, n, mode);
	rxq->vq.free_count = (uint16_t)(rxq->vq.free_count - n);
	rxq->vq.added = (uint16_t)(rxq->vq.added + n);
}

/* want buffers (RX_REFILL at most) or what the pool can give in one piece of half, quarter, ...
 * as many: a queue without any must not wait for more than there will ever be. */
static __rte_always_inline uint16_t rx_alloc(struct vnic_rxq *rxq, struct rte_mbuf **mb, uint16_t want)
{
	while (want > 0 && unlikely(rte_mempool_get_bulk(rxq->mp, (void **)mb, want) != 0))
		want /= 2;
	return want;
}

/* Buffers for free descriptors, as many as the pool has; no doorbell. Returns how many. */
static __rte_always_inline uint16_t rx_refill(struct vnic_rxq *rxq, const unsigned mode)
{
	struct rte_mbuf *mb[RX_REFILL];
	uint16_t total = 0, want, got;

	do {
		want = RTE_MIN(vnic_vq_room(&rxq->vq), RX_REFILL);
		got = rx_alloc(rxq, mb, want);
		if (likely(got != 0))
			rx_post(rxq, mb, got, mode);
		total = (uint16_t)(total + got);
	} while (got == want && rxq->vq.free_count > rxq->vq.reserve);
	rxq->nombuf += rxq->vq.free_count > rxq->vq.reserve;
	return total;
}

#endif
