/* SPDX-License-Identifier: BSD-3-Clause */
/* Which vector burst, if any; and those on the baseline's vectors. */
#include <stddef.h>

#include <rte_common.h>

#if defined(RTE_ARCH_X86_64)
#include "pmd/virtio/rx_vec.h"
#else
#include "pmd/virtio/rx_private.h"
#endif

#if defined(RTE_ARCH_X86_64)

#define RING(name, mode) \
	static __rte_noinline uint16_t refill_##name(struct vnic_rxq *rxq) \
	{ \
		return rx_refill(rxq, mode); \
	}
#define BURST(name, ring, mode, collect, step) \
	static uint16_t rx_##name(void *q, struct rte_mbuf **pkts, uint16_t n) \
	{ \
		struct vnic_rxq *rxq = q; \
		uint16_t out; \
\
		if (unlikely(!vnic_vq_enter(&rxq->vq))) \
			return 0; \
		out = collect(rxq, pkts, n, step, (mode) | RX_BLIND); \
		rx_after(rxq, out, refill_##ring); \
		vnic_vq_leave(&rxq->vq); \
		return out; \
	}
RING(split, 0)
RING(split_inorder, RX_ORDER)
RING(packed, RX_PACKED)
RING(packed_inorder, RX_PACKED | RX_ORDER)

/* name, ring, mode, receiving half, its step */
#define BURSTS(X) \
	X(split_vec, split, 0, rx_vec_collect_split, rx_vec_split4) \
	X(split_inorder_vec, split_inorder, RX_ORDER, rx_vec_collect_split, rx_vec_split4) \
	X(split_mergeable_vec, split, RX_MERGE, rx_vec_collect_split, rx_vec_split4) \
	X(split_inorder_mergeable_vec, split_inorder, RX_ORDER | RX_MERGE, rx_vec_collect_split, rx_vec_split4) \
	X(packed_vec, packed, RX_PACKED, rx_vec_collect_packed, rx_vec_packed4) \
	X(packed_inorder_vec, packed_inorder, RX_PACKED | RX_ORDER, rx_vec_collect_packed, rx_vec_packed4) \
	X(packed_mergeable_vec, packed, RX_PACKED | RX_MERGE, rx_vec_collect_packed, rx_vec_packed4) \
	X(packed_inorder_mergeable_vec, packed_inorder, RX_PACKED | RX_ORDER | RX_MERGE, rx_vec_collect_packed, \
	  rx_vec_packed4)

BURSTS(BURST)

static const struct {
	unsigned mode;
	eth_rx_burst_t burst;
	const char *name;
} bursts[] = {
#define ENTRY(name, ring, mode, collect, step) { mode, rx_##name, #name },
	BURSTS(ENTRY)
#undef ENTRY
};

eth_rx_burst_t rx_vec_select(unsigned mode)
{
	unsigned i;

	for (i = 0; i < RTE_DIM(bursts); i++)
		if (bursts[i].mode == mode)
			return bursts[i].burst;
	return NULL;
}

const char *rx_vec_name(eth_rx_burst_t burst)
{
	unsigned i;

	for (i = 0; i < RTE_DIM(bursts); i++)
		if (bursts[i].burst == burst)
			return bursts[i].name;
	return "none";
}

#else

eth_rx_burst_t rx_vec_select(unsigned mode)
{
	(void)mode;
	return NULL;
}

const char *rx_vec_name(eth_rx_burst_t burst)
{
	(void)burst;
	return "none";
}

#endif
