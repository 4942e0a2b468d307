/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive: bursts, refill, and what a packet header says about a packet
 * (virtio 1.2, 5.1.6.3, 5.1.6.4).
 */
#ifndef VNIC_RX_H
#define VNIC_RX_H

#include <ethdev_driver.h>

#include "pmd/virtio/virtio_net.h"
#include "pmd/virtio/vq.h"

/* Why a packet was dropped; names are xstats. */
#define VNIC_RX_DROPS(X) \
	X(SHORT, "rx_short") /* used length below that of header and Ethernet header; a continuation without a byte */ \
	X(BUFFERS, "rx_num_buffers") /* 0, or more than can be outstanding */ \
	X(LONG, "rx_longer_than_any_packet") \
	X(HEADER, "rx_bad_offload_header") /* 5.1.6.4.2: offsets beyond the packet, unknown segmentation */
enum vnic_rx_drop {
#define X(id, name) VNIC_RX_DROP_##id,
	VNIC_RX_DROPS(X)
#undef X
	VNIC_RX_DROP_COUNT
};

struct vnic_rxq {
	struct vnic_vq vq;
	struct rte_mempool *mp;
	uint64_t mbuf_init;        /* rearm_data of a fresh buffer */
	uint64_t ol_init;          /* its ol_flags: RTE_MBUF_F_EXTERNAL with pinned external buffers */
	uint16_t port, queue;
	uint16_t buf_len;          /* octets the device may write into a buffer, header included */
	uint16_t refill_min;       /* descriptors free before a busy burst refills */
	bool refill_late;          /* ... and before it receives, not behind that: buf_len is VNIC_RX_LARGE or more */
	uint32_t frame_max;        /* header apart; beyond it a packet is dropped */
	uint64_t offloads;         /* RTE_ETH_RX_OFFLOAD_* asked for */
	bool mergeable, csum, lro, hash; /* negotiated and asked for */
	bool vlan_strip;           /* done in software */
	/* A mergeable packet of which not all buffers have come. */
	struct rte_mbuf *part, *part_last;
	uint16_t part_left;
	uint64_t part_tsc;         /* since when: bounded by VNIC_RX_STALL_US */
	/* Packets that were in the ring when the queue was reset, for the next polls; vq.aside
	 * says that there are any. kept_at is the poller's while the gate is not closed. */
	struct rte_mbuf **kept;
	uint32_t kept_n, kept_at;
	/* counters */
	uint64_t packets, bytes, errors, nombuf;
	uint64_t multicast, broadcast, merged; /* merged: packets of several buffers */
	uint64_t coalesced, csum_good, csum_needed, hash_bad;
	uint64_t resets, reset_returned, reset_kept, reset_lost; /* see vnic_rx_drain(), vnic_rx_keep() */
	uint64_t drop[VNIC_RX_DROP_COUNT];
};

#define VNIC_RX_STALL_US 100000
#define VNIC_RX_LARGE 4096u

/* Where payload begins in a buffer; the header lies before it. */
#define VNIC_RX_DATA_OFF (RTE_PKTMBUF_HEADROOM > 32 ? RTE_PKTMBUF_HEADROOM : 32)

/*
 * Can buffers of this pool take packets of frame_max octets (header apart)? Without
 * mergeable buffers each must hold a whole one (virtio 1.2, 5.1.6.3.1; with a guest
 * segmentation offload 65550, which no mbuf does: such a feature is then not to
 * be negotiated). Pure.
 */
bool vnic_rx_buffer_ok(const struct rte_mempool *mp, uint16_t hdr_len, bool mergeable, uint32_t frame_max);

/*
 * Compute what follows from mp, port, vq and frame_max (0: the most there can be): mbuf_init,
 * ol_init, buf_len, refill_min, refill_late. After vnic_vq_create() and whenever one of them changes; gate
 * closed. -EINVAL when vnic_rx_buffer_ok() says no.
 */
int vnic_rx_setup(struct vnic_rxq *rxq);

/* Choose the burst for this queue's negotiated features and the CPU. The vector
 * variants do not look into packets: they leave multicast and broadcast alone. */
eth_rx_burst_t vnic_rx_select(const struct vnic_rxq *rxq);
const char *vnic_rx_burst_name(eth_rx_burst_t burst);

/* Fill an empty queue and ring once; gate closed. -ENOMEM when the pool has not one. */
int vnic_rx_fill(struct vnic_rxq *rxq);
/* Give every buffer back to its pool (counted as reset_returned), also a part of a packet; gate
 * closed and the device done with the ring. harvest: first take what the device has
 * marked used, counted, into the array (at most n); returns how many. Without it what
 * vnic_rx_keep() has kept goes too. */
uint16_t vnic_rx_drain(struct vnic_rxq *rxq, struct rte_mbuf **harvest, uint16_t n);

/* How many packets are kept and not polled yet; free them, gate closed. */
uint32_t vnic_rx_kept(const struct vnic_rxq *rxq);
void vnic_rx_free_kept(struct vnic_rxq *rxq);
/* Room for what is kept already and size packets more; NULL: no memory. */
struct rte_mbuf **vnic_rx_keep_room(const struct vnic_rxq *rxq, uint16_t size);
/*
 * vnic_rx_drain(), but packets there are kept for the polls to come, in order (reset_kept); those of a
 * queue that nobody has polled for as many packets as its ring holds are dropped (reset_lost). room: from
 * vnic_rx_keep_room(); it is the queue's from here.
 */
void vnic_rx_keep(struct vnic_rxq *rxq, struct rte_mbuf **room);

/*
 * What the header says, into the mbuf (flags, packet type, tso_segsz, hash).
 * m: whole packet, header removed. False: drop it; *why says the reason.
 * hdr lies in memory that the device may still write: copied once, here.
 */
bool vnic_rx_header(struct vnic_rxq *rxq, struct rte_mbuf *m, const void *hdr, enum vnic_rx_drop *why);

#endif
