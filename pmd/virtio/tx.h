/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transmit: bursts, reclaim, and the packet header (virtio 1.2, 5.1.6.2).
 */
#ifndef VNIC_TX_H
#define VNIC_TX_H

#include <ethdev_driver.h>

#include "pmd/virtio/virtio_net.h"
#include "pmd/virtio/vq.h"

#define VNIC_TX_INDIRECT_MAX 18 /* descriptors of an indirect table; longer chains take ring descriptors */
#define VNIC_TX_POOLS         4 /* pools whose plain packets are given back without a look at them */
#define VNIC_TX_RECLAIM_US 500 /* a burst looks for completions at least that often */
#define VNIC_TX_CHAIN_MAX   256 /* descriptors of a chain; longer packets are packed into fewer segments */

/* Header and indirect table of one slot, in memory of the device's. */
struct vnic_tx_room {
	uint8_t hdr[32];
	union {
		struct vring_desc split[VNIC_TX_INDIRECT_MAX];
		struct vring_packed_desc packed[VNIC_TX_INDIRECT_MAX];
	} table __attribute__((aligned(16)));
};

/* Doorbells by completions reaped since the one before: 1, 2..3, 4..7, ... */
#define VNIC_TX_BATCHES 8

struct vnic_txq {
	struct vnic_vq vq;
	struct vnic_tx_room *room; /* size entries; iova: room_iova */
	uint64_t room_iova;
	struct vnic_chunk room_chunk;
	uint16_t port, queue;
	uint16_t free_thresh;      /* reclaim when fewer descriptors are free */
	uint64_t offloads;         /* RTE_ETH_TX_OFFLOAD_* asked for */
	bool csum, tso;
	uint8_t pool_at;           /* of pool[]: where the last packet came from */
	struct rte_mempool *pool[VNIC_TX_POOLS]; /* from the first on; NULL: none */
	uint64_t reclaim_tsc;      /* last time, so that buffers are not held for ever at low rates */
	uint64_t reclaim_ticks;    /* how long they may be held */
	uint64_t done_at_doorbell; /* done when the last doorbell rang */
	/* cumulative; single writer, read from other lcores */
	uint64_t posted_bytes, done_bytes, posted, done;
	/* counters; nothing that would take a look at the packets' octets */
	uint64_t packets, bytes, full; /* full: bursts cut short by a full ring */
	uint64_t errors;           /* packets that cannot be sent, freed by the burst */
	uint64_t indirect, pushed, chained, linearized, reset_lost, resets;
	uint64_t reclaims, batch[VNIC_TX_BATCHES];
	uint64_t in_flight_max;    /* octets */
};

/*
 * Room for the headers and tables of a queue of vq.size: after vnic_vq_create(), before
 * the first burst. -ENOMEM. Free after vnic_tx_drain(); quarantine as in vnic_vq_destroy().
 */
int vnic_tx_room_create(struct vnic_txq *txq);
void vnic_tx_room_destroy(struct vnic_txq *txq, bool quarantine);

/* Choose the burst for this queue's negotiated features, the offloads asked for, and the CPU. */
eth_tx_burst_t vnic_tx_select(const struct vnic_txq *txq);
const char *vnic_tx_burst_name(eth_tx_burst_t burst);

/* rte_eth_tx_prepare(): header checks, pseudo-header checksum as virtio wants
 * it, what cannot be sent refused with rte_errno (EINVAL, ENOTSUP). */
uint16_t vnic_tx_prepare(void *txq, struct rte_mbuf **pkts, uint16_t n);

/* tx_done_cleanup: look for completions and free up to n completed packets (0: all); returns
 * how many. In order, what the device gives back at once is freed at once. */
int vnic_tx_cleanup(void *txq, uint32_t n);
/* Free every packet posted or done, counting the posted ones as reset_lost;
 * gate closed and the device done with the ring. Counters in flight go to 0. */
void vnic_tx_drain(struct vnic_txq *txq);

#endif
