/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pmd/virtio/dev.h"
#include "pmd/virtio/rx_private.h"

/* ---- bursts: one for each mode ---------------------------------------------- */
static __rte_always_inline uint16_t rx_burst(void *q, struct rte_mbuf **pkts, uint16_t n, const unsigned mode,
					     uint16_t (*refill)(struct vnic_rxq *))
{
	struct vnic_rxq *rxq = q;
	uint16_t out;

	if (unlikely(!vnic_vq_enter(&rxq->vq)))
		return rx_aside(rxq, pkts, n);
	rx_before(rxq, refill);
	out = rx_collect(rxq, pkts, n, mode);
	rx_after(rxq, out, refill);
	vnic_vq_leave(&rxq->vq);
	return out;
}

#define RING(name, mode) \
	static __rte_noinline uint16_t refill_##name(struct vnic_rxq *rxq) \
	{ \
		return rx_refill(rxq, mode); \
	}
#define BURST(name, ring, mode) \
	static uint16_t rx_##name(void *q, struct rte_mbuf **pkts, uint16_t n) \
	{ \
		return rx_burst(q, pkts, n, mode, refill_##ring); \
	}
/* RING and BURST of all kinds, in the order of their modes. */
#define RINGS(X) \
	X(split, 0) X(packed, RX_PACKED) X(split_inorder, RX_ORDER) X(packed_inorder, RX_PACKED | RX_ORDER)
#define BURSTS(X) \
	X(split, split, 0) \
	X(packed, packed, RX_PACKED) \
	X(split_inorder, split_inorder, RX_ORDER) \
	X(packed_inorder, packed_inorder, RX_PACKED | RX_ORDER) \
	X(split_mergeable, split, RX_MERGE) \
	X(packed_mergeable, packed, RX_PACKED | RX_MERGE) \
	X(split_inorder_mergeable, split_inorder, RX_ORDER | RX_MERGE) \
	X(packed_inorder_mergeable, packed_inorder, RX_PACKED | RX_ORDER | RX_MERGE) \
	X(split_offload, split, RX_PARSE) \
	X(packed_offload, packed, RX_PACKED | RX_PARSE) \
	X(split_inorder_offload, split_inorder, RX_ORDER | RX_PARSE) \
	X(packed_inorder_offload, packed_inorder, RX_PACKED | RX_ORDER | RX_PARSE) \
	X(split_mergeable_offload, split, RX_MERGE | RX_PARSE) \
	X(packed_mergeable_offload, packed, RX_PACKED | RX_MERGE | RX_PARSE) \
	X(split_inorder_mergeable_offload, split_inorder, RX_ORDER | RX_MERGE | RX_PARSE) \
	X(packed_inorder_mergeable_offload, packed_inorder, RX_PACKED | RX_ORDER | RX_MERGE | RX_PARSE)

RINGS(RING)
BURSTS(BURST)

static const struct {
	eth_rx_burst_t burst;
	const char *name;
} bursts[RX_MODES] = {
#define ENTRY(name, ring, mode) [mode] = { rx_##name, #name },
	BURSTS(ENTRY)
#undef ENTRY
};

static uint16_t (*const refills[])(struct vnic_rxq *) = {
#define ENTRY(name, mode) [mode] = refill_##name,
	RINGS(ENTRY)
#undef ENTRY
};

eth_rx_burst_t vnic_rx_select(const struct vnic_rxq *rxq)
{
	unsigned mode = rx_mode(rxq);
	eth_rx_burst_t vec = NULL;

	if (rxq->vq.dev != NULL && rxq->vq.dev->args.vectorized)
		vec = rx_vec_select(mode);
	return vec != NULL ? vec : bursts[mode].burst;
}

const char *vnic_rx_burst_name(eth_rx_burst_t burst)
{
	unsigned i;

	for (i = 0; i < RX_MODES; i++)
		if (bursts[i].burst == burst)
			return bursts[i].name;
	return rx_vec_name(burst);
}

/* ---- what the inline functions leave to others --------------------------------- */
void rx_drop(struct vnic_rxq *rxq, struct rte_mbuf *m, enum vnic_rx_drop why)
{
	rxq->drop[why]++;
	rxq->errors++;
	rte_pktmbuf_free(m);
}

void rx_merge_first(struct vnic_rxq *rxq, struct rte_mbuf *m, uint32_t len, uint16_t count)
{
	const uint32_t hdr_len = rxq->vq.hdr_len;

	if (len < hdr_len) { /* no header: neither is count one */
		rx_drop(rxq, m, VNIC_RX_DROP_SHORT);
		return;
	}
	if (count == 0 || count > rxq->vq.size) {
		rx_drop(rxq, m, VNIC_RX_DROP_BUFFERS);
		return;
	}
	/* What is dropped takes its other buffers with it, so that the ring stays in step. */
	rxq->part = NULL;
	rxq->part_left = (uint16_t)(count - 1);
	if (len < hdr_len + RX_MIN_LEN) {
		rx_drop(rxq, m, VNIC_RX_DROP_SHORT);
	} else if (len - hdr_len > rxq->frame_max) {
		rx_drop(rxq, m, VNIC_RX_DROP_LONG);
	} else {
		rx_set_len(m, len - hdr_len);
		rxq->part = rxq->part_last = m;
	}
}

/* Hang m behind the part; false when the packet is not to be. */
static bool merge_append(struct vnic_rxq *rxq, struct rte_mbuf *m, uint32_t len, enum vnic_rx_drop *why)
{
	if (len == 0) {
		*why = VNIC_RX_DROP_SHORT;
		return false;
	}
	if (len > rxq->frame_max - rxq->part->pkt_len) {
		*why = VNIC_RX_DROP_LONG;
		return false;
	}
	m->data_off = (uint16_t)(VNIC_RX_DATA_OFF - rxq->vq.hdr_len); /* no header there */
	rx_set_len(m, len);
	rxq->part_last->next = m;
	rxq->part_last = m;
	rxq->part->nb_segs++;
	rxq->part->pkt_len += len;
	return true;
}

struct rte_mbuf *rx_merge_next(struct vnic_rxq *rxq, struct rte_mbuf *m, uint32_t len)
{
	enum vnic_rx_drop why;
	struct rte_mbuf *whole;

	rxq->part_left--;
	if (rxq->part == NULL) {
		rte_pktmbuf_free(m);
	} else if (!merge_append(rxq, m, len, &why)) {
		rte_pktmbuf_free(m);
		rx_drop(rxq, rxq->part, why);
		rxq->part = NULL;
	}
	if (rxq->part_left != 0)
		return NULL;
	rxq->part_tsc = 0;
	whole = rxq->part;
	rxq->part = rxq->part_last = NULL;
	rxq->merged += whole != NULL;
	return whole;
}

void rx_merge_wait(struct vnic_rxq *rxq)
{
	uint64_t now = rte_rdtsc();

	if (rxq->part_tsc == 0)
		rxq->part_tsc = now | 1;
	else if (now - rxq->part_tsc > rte_get_tsc_hz() / 1000000 * VNIC_RX_STALL_US)
		vnic_vq_fault(&rxq->vq, VNIC_FAULT_RX_BUFFERS);
}

/* ---- control plane --------------------------------------------------------------- */
bool vnic_rx_buffer_ok(const struct rte_mempool *mp, uint16_t hdr_len, bool mergeable, uint32_t frame_max)
{
	uint32_t room = rte_pktmbuf_data_room_size((struct rte_mempool *)(uintptr_t)mp);
	uint32_t want = mergeable ? RTE_ETHER_MIN_LEN : RTE_MAX(frame_max, (uint32_t)RTE_ETHER_MIN_LEN);

	return hdr_len <= VNIC_RX_DATA_OFF && room >= VNIC_RX_DATA_OFF + want;
}

int vnic_rx_setup(struct vnic_rxq *rxq)
{
	uint16_t room = rte_pktmbuf_data_room_size(rxq->mp);
	struct rte_mbuf m = { .data_off = VNIC_RX_DATA_OFF, .nb_segs = 1, .port = rxq->port };

	if (!vnic_rx_buffer_ok(rxq->mp, rxq->vq.hdr_len, rxq->mergeable, rxq->frame_max))
		return -EINVAL;
	rte_mbuf_refcnt_set(&m, 1);
	rxq->mbuf_init = *(const rx_word *)(const void *)&m.data_off;
	rxq->ol_init = rte_pktmbuf_priv_flags(rxq->mp) & RTE_PKTMBUF_POOL_F_PINNED_EXT_BUF ? RTE_MBUF_F_EXTERNAL : 0;
	rxq->buf_len = (uint16_t)(room - VNIC_RX_DATA_OFF + rxq->vq.hdr_len);
	if (rxq->frame_max == 0)
		rxq->frame_max = rxq->mergeable ? VIRTIO_NET_MAX_GSO : (uint32_t)(rxq->buf_len - rxq->vq.hdr_len);
	rxq->refill_late = rxq->buf_len >= VNIC_RX_LARGE;
	rxq->refill_min = (uint16_t)(RTE_MIN(vnic_vq_limit(&rxq->vq) / 4 + 1, 32) + rxq->vq.reserve);
	return 0;
}

int vnic_rx_fill(struct vnic_rxq *rxq)
{
	struct vnic_vq *vq = &rxq->vq;
	uint16_t i;

	if (rx_outstanding(vq) == 0)
		for (i = 0; i < vq->size; i++)
			vq->slot[i].next = i;
	if (vq->free_count != 0)
		refills[rx_mode(rxq) & (RX_PACKED | RX_ORDER)](rxq);
	if (rx_outstanding(vq) == 0)
		return -ENOMEM;
	vnic_vq_kick(vq);
	return 0;
}

/* The slot of the i-th of those outstanding, with IN_ORDER. */
static uint16_t window_slot(const struct vnic_vq *vq, uint16_t i)
{
	uint32_t pos = (uint32_t)vq->used + i;

	return (uint16_t)(vq->is_packed ? pos % vq->size : pos & (vq->size - 1u));
}

/* Many at a time: the pool is shared with lcores, and each access may have to wait for one of them. */
static void free_outstanding(struct vnic_vq *vq)
{
	uint16_t i, n = vq->in_order ? rx_outstanding(vq) : vq->size;
	struct rte_mbuf *m[RX_REFILL];
	unsigned held = 0;

	for (i = 0; i < n; i++) {
		m[held++] = vq->slot[vq->in_order ? window_slot(vq, i) : i].mbuf;
		if (held == RX_REFILL || i + 1 == n) {
			rte_pktmbuf_free_bulk(m, held); /* NULL: none */
			held = 0;
		}
	}
	for (i = 0; i < vq->size; i++) /* in order, those taken are still written there */
		vq->slot[i].mbuf = NULL;
	vq->free_count = vq->size;
}

void vnic_rx_free_kept(struct vnic_rxq *rxq)
{
	while (rxq->kept_at < rxq->kept_n)
		rte_pktmbuf_free(rxq->kept[rxq->kept_at++]);
	free(rxq->kept);
	rxq->kept = NULL;
	rxq->kept_n = rxq->kept_at = 0;
	rxq->vq.aside = false;
}

uint16_t vnic_rx_drain(struct vnic_rxq *rxq, struct rte_mbuf **harvest, uint16_t n)
{
	uint16_t out = 0;

	rxq->part_tsc = 0; /* a part that has waited long is no fault any more */
	if (harvest != NULL && n != 0 && rxq->vq.fault == VNIC_FAULT_NONE)
		out = rx_collect(rxq, harvest, n, rx_mode(rxq));
	rxq->reset_returned += rx_outstanding(&rxq->vq);
	free_outstanding(&rxq->vq);
	rte_pktmbuf_free(rxq->part);
	rxq->part = rxq->part_last = NULL;
	rxq->part_left = 0;
	rxq->part_tsc = 0;
	if (harvest == NULL)
		vnic_rx_free_kept(rxq);
	return out;
}

/* ---- packets beside the queue ------------------------------------------------------ */
uint32_t vnic_rx_kept(const struct vnic_rxq *rxq)
{
	return rxq->kept_n - *(const volatile uint32_t *)&rxq->kept_at;
}

/* One more: a packet of which the first buffers have been taken already. */
#define KEEP_MAX(size) ((uint16_t)RTE_MIN((size) + 1u, UINT16_MAX))

struct rte_mbuf **vnic_rx_keep_room(const struct vnic_rxq *rxq, uint16_t size)
{
	return calloc((size_t)vnic_rx_kept(rxq) + KEEP_MAX(size), sizeof(struct rte_mbuf *));
}

void vnic_rx_keep(struct vnic_rxq *rxq, struct rte_mbuf **room)
{
	uint32_t before = vnic_rx_kept(rxq), size = rxq->vq.size;
	uint16_t n;

	if (before > 0)
		memcpy(room, rxq->kept + rxq->kept_at, before * sizeof(*room));
	n = vnic_rx_drain(rxq, room + before, KEEP_MAX(size));
	if (before >= size) {
		rte_pktmbuf_free_bulk(room + before, n);
		rxq->reset_lost += n;
		n = 0;
	}
	rxq->reset_kept += n;
	free(rxq->kept);
	rxq->kept = room;
	rxq->kept_n = before + n;
	rxq->kept_at = 0;
	rxq->vq.aside = rxq->kept_n > 0;
}

uint16_t rx_aside(struct vnic_rxq *rxq, struct rte_mbuf **pkts, uint16_t n)
{
	struct vnic_vq *vq = &rxq->vq;
	uint32_t kept = VNIC_GATE_KEPT;
	uint16_t out = 0;

	if (vq->closed != VNIC_GATE_KEPT)
		return 0;
	__atomic_store_n(&vq->inside, 1, __ATOMIC_RELAXED);
	rte_compiler_barrier(); /* as in vnic_vq_enter() */
	if (__atomic_load_n(&vq->closed, __ATOMIC_ACQUIRE) == VNIC_GATE_KEPT) {
		while (out < n && rxq->kept_at < rxq->kept_n)
			pkts[out++] = rxq->kept[rxq->kept_at++];
		if (rxq->kept_at == rxq->kept_n) {
			vq->aside = false;
			/* Once a reset, not once a burst. Who has closed the gate meanwhile waits for us. */
			__atomic_compare_exchange_n(&vq->closed, &kept, VNIC_GATE_OPEN, false, __ATOMIC_RELAXED,
						    __ATOMIC_RELAXED);
		}
	}
	vnic_vq_leave(vq);
	return out;
}
