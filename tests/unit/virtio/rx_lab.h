/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A receive queue alone, and the smallest device that can serve it: the device's
 * side of a split or packed ring, driven step by step by the test. It writes
 * what it is told, also what no device should.
 */
#ifndef TESTS_UNIT_VIRTIO_RX_LAB_H
#define TESTS_UNIT_VIRTIO_RX_LAB_H

#include "pmd/base/arena.h"
#include "pmd/virtio/dev.h"

struct rx_lab_opts {
	uint16_t size;      /* of the ring */
	bool packed, in_order, mergeable, csum, lro, hash, vlan_strip, pinned;
	uint8_t vectorized; /* 1: the baseline's, 2: whatever the CPU has */
	unsigned mbufs;     /* of the pool; 0: size + 64 */
	uint16_t room;      /* data room; 0: headroom + 256 */
	uint32_t frame_max; /* 0: the most there can be */
};

/* A buffer the driver has offered. */
struct rx_lab_buf {
	uint16_t id;
	uint32_t len;
	uint8_t *data;
};

struct rx_lab {
	struct rx_lab_opts opts;
	struct vnic_dev dev;
	struct vnic_rxq rxq;
	struct arena *arena;
	struct rte_mempool *mp;
	eth_rx_burst_t burst;
	unsigned kicks;
	/* the device */
	uint16_t avail, used;   /* split: free-running; packed: positions */
	bool avail_wrap, used_wrap;
	struct rx_lab_buf *have; /* offered and not used yet, in a circle: rx_lab_have() */
	unsigned first, n_have;
	unsigned bad_offers;    /* descriptors that are not as they should be */
};

/* Everything set up and filled; 0 or what vnic_rx_fill() says. Stops the test program when there is no memory. */
int rx_lab_open(struct rx_lab *lab, const struct rx_lab_opts *opts);
/* Drains, asserts that every buffer is back in the pool. */
void rx_lab_close(struct rx_lab *lab);

/* Look at what the driver has offered since; returns n_have. */
unsigned rx_lab_poll(struct rx_lab *lab);
/* The i-th of what we have, oldest first. */
struct rx_lab_buf *rx_lab_have(struct rx_lab *lab, unsigned i);
/* Take the oldest. */
struct rx_lab_buf rx_lab_take(struct rx_lab *lab);
/* Write a used entry at the next place, visible at once; any id, any length. */
void rx_lab_used(struct rx_lab *lab, uint32_t id, uint32_t len);

/* A header with num_buffers n and nothing else. */
struct vnic_net_hdr_hash rx_lab_hdr(uint16_t n);
/* Header and packet into the oldest buffers, as many as it takes (without mergeable buffers it
 * must fit into one); num_buffers set when there. shown: used entries to write now, the
 * others are put into later, if not NULL. Returns how many buffers. */
unsigned rx_lab_send(struct rx_lab *lab, struct vnic_net_hdr_hash hdr, const void *data, uint32_t len,
		     unsigned shown, struct rx_lab_buf *later);
/* The same of any length with all shown: a frame whose octets follow from seed. */
unsigned rx_lab_frame(struct rx_lab *lab, uint32_t len, uint32_t seed);
/* Octet i of such a frame. */
uint8_t rx_lab_octet(uint32_t seed, uint32_t i);
/* Is m that frame? Frees nothing. */
bool rx_lab_is_frame(const struct rte_mbuf *m, uint32_t len, uint32_t seed);

/* Burst of one: the packet, or NULL. */
struct rte_mbuf *rx_lab_recv(struct rx_lab *lab);

#endif
