/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/virtio/tx.h"

#include <errno.h>
#include <string.h>

#include "pmd/virtio/tx_private.h"

/* ---- which burst ---------------------------------------------------------------------- */

static const struct {
	eth_tx_burst_t burst;
	const char *name;
	bool packed;
	unsigned variant;
} bursts[] = {
	{ vnic_tx_split, "split", false, 0 },
	{ vnic_tx_split_offload, "split, offloads", false, TX_OFFLOAD },
	{ vnic_tx_split_in_order, "split, in order", false, TX_IN_ORDER },
	{ vnic_tx_split_in_order_offload, "split, in order, offloads", false, TX_IN_ORDER | TX_OFFLOAD },
	{ vnic_tx_packed, "packed", true, 0 },
	{ vnic_tx_packed_offload, "packed, offloads", true, TX_OFFLOAD },
	{ vnic_tx_packed_in_order, "packed, in order", true, TX_IN_ORDER },
	{ vnic_tx_packed_in_order_offload, "packed, in order, offloads", true, TX_IN_ORDER | TX_OFFLOAD },
};

#define REQUESTS (RTE_ETH_TX_OFFLOAD_VLAN_INSERT | RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM | \
		  RTE_ETH_TX_OFFLOAD_TCP_TSO)

eth_tx_burst_t vnic_tx_select(const struct vnic_txq *txq)
{
	unsigned variant = txq->vq.in_order ? TX_IN_ORDER : 0;

	if (txq->offloads & REQUESTS)
		variant |= TX_OFFLOAD;
	for (unsigned i = 0; i < RTE_DIM(bursts); i++)
		if (bursts[i].packed == txq->vq.is_packed && bursts[i].variant == variant)
			return bursts[i].burst;
	return NULL;
}

const char *vnic_tx_burst_name(eth_tx_burst_t burst)
{
	for (unsigned i = 0; i < RTE_DIM(bursts); i++)
		if (bursts[i].burst == burst)
			return bursts[i].name;
	return NULL;
}

/* ---- memory ---------------------------------------------------------------------------- */

int vnic_tx_room_create(struct vnic_txq *q)
{
	int rc = vnic_mem_alloc(q->vq.dev->mem, q->vq.size * sizeof(*q->room), RTE_CACHE_LINE_SIZE, &q->room_chunk);

	if (rc != 0)
		return rc;
	q->room = q->room_chunk.va;
	q->room_iova = q->room_chunk.iova;
	q->reclaim_ticks = rte_get_tsc_hz() * VNIC_TX_RECLAIM_US / 1000000;
	return 0;
}

void vnic_tx_room_destroy(struct vnic_txq *q, bool quarantine)
{
	if (q->room_chunk.len == 0)
		return;
	if (quarantine)
		vnic_mem_quarantine(q->vq.dev->mem, &q->room_chunk);
	else
		vnic_mem_free(q->vq.dev->mem, &q->room_chunk);
	q->room = NULL;
	q->room_iova = 0;
}

/* ---- pools ----------------------------------------------------------------------------- */

uint8_t vnic_tx_pool_find(struct vnic_txq *q, struct rte_mempool *mp)
{
	uint8_t i;

	for (i = 0; i < VNIC_TX_POOLS && q->pool[i] != mp; i++) {
		if (q->pool[i] != NULL)
			continue;
		q->pool[i] = mp;
		break;
	}
	return i;
}

/* ---- counts ------------------------------------------------------------------------------ */

void vnic_tx_count_form(struct vnic_txq *q, const struct tx_plan *plan)
{
	q->pushed += plan->push;
	q->indirect += plan->indirect;
	q->chained += plan->descs > 1;
}

void vnic_tx_doorbell_counted(struct vnic_txq *q)
{
	uint64_t n = q->done - q->done_at_doorbell;
	unsigned bucket = 0;

	q->done_at_doorbell = q->done;
	if (n == 0)
		return;
	while ((n >>= 1) != 0 && bucket < VNIC_TX_BATCHES - 1)
		bucket++;
	q->batch[bucket]++;
}

/* ---- completions ------------------------------------------------------------------------- */

int vnic_tx_cleanup(void *txq, uint32_t n)
{
	struct vnic_txq *q = txq;
	unsigned done;

	if (!vnic_vq_enter(&q->vq))
		return 0;
	done = vnic_tx_reclaim(q, n == 0 ? UINT32_MAX : n);
	vnic_vq_leave(&q->vq);
	return (int)done;
}

void vnic_tx_drain(struct vnic_txq *q)
{
	struct vnic_slot *s = q->vq.slot;
	struct rte_mbuf *m[64];
	unsigned held = 0;

	if (s == NULL)
		return;
	if (q->vq.fault == VNIC_FAULT_NONE)
		vnic_tx_reclaim(q, UINT32_MAX);
	for (uint32_t i = 0; i < q->vq.size; i++) {
		if (s[i].mbuf == NULL)
			continue;
		m[held++] = s[i].mbuf;
		s[i].mbuf = NULL;
		q->reset_lost++;
		if (held == RTE_DIM(m)) {
			rte_pktmbuf_free_bulk(m, held);
			held = 0;
		}
	}
	rte_pktmbuf_free_bulk(m, held);
	memset(q->pool, 0, sizeof(q->pool));
	q->done = q->posted;
	q->done_bytes = q->posted_bytes;
	q->done_at_doorbell = q->done;
}
