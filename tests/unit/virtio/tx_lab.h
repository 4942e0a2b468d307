/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A transmit queue alone, with the device side of vnicd's rings as its peer: it
 * is strict, and stops for anything that a driver must not do.
 */
#ifndef TESTS_UNIT_VIRTIO_TX_LAB_H
#define TESTS_UNIT_VIRTIO_TX_LAB_H

#include "app/vnicd/dev/ring.h"
#include "pmd/base/arena.h"
#include "pmd/virtio/dev.h"

struct tx_lab_opts {
	uint16_t size;     /* of the ring */
	bool packed, in_order, event_idx, indirect, csum, tso, hash, pinned, vlan;
	uint16_t thresh;   /* free_thresh */
	unsigned mbufs;    /* of the pool; 0: 2 x size + 1024 */
	uint16_t room;     /* data room; 0: headroom + 256 */
};

#define TX_LAB_MAX 70000 /* octets of a packet */

/* A packet as the device got it. */
struct tx_lab_got {
	struct vnicd_chain chain;
	struct iovec iov[VNICD_CHAIN_MAX];
	uint8_t hdr[20];
	uint8_t data[TX_LAB_MAX];
	uint32_t len;
};

struct tx_lab {
	struct tx_lab_opts opts;
	struct vnic_dev dev;
	struct vnic_txq txq;
	struct arena *arena;
	struct rte_mempool *mp;
	eth_tx_burst_t burst;
	unsigned kicks;
	struct vnicd_memory memory;
	struct vnicd_ring ring;
	struct vnicd_chain *held; /* taken and not used, oldest first, round */
	unsigned first, n_held;
	struct tx_lab_got got;    /* the last one taken */
};

void tx_lab_open(struct tx_lab *lab, const struct tx_lab_opts *opts);
/* Drains; asserts that every buffer is back in the pool, and that the driver never did wrong. */
void tx_lab_close(struct tx_lab *lab);

/* A frame of one segment a length (up to the 0), octets that follow from seed. */
struct rte_mbuf *tx_lab_frame(struct tx_lab *lab, uint32_t seed, const uint16_t *lens);
struct rte_mbuf *tx_lab_frame1(struct tx_lab *lab, uint32_t seed, uint16_t len);
uint8_t tx_lab_octet(uint32_t seed, uint32_t i);

/* Burst of one. */
uint16_t tx_lab_send(struct tx_lab *lab, struct rte_mbuf *m);

/* The device takes the next chain into got, and holds it. False: none. */
bool tx_lab_take(struct tx_lab *lab);
/* Is what was taken last that frame, with a zero header? */
bool tx_lab_is_frame(const struct tx_lab *lab, uint32_t len, uint32_t seed);
/* The device gives back the oldest n it holds, and publishes. */
void tx_lab_use(struct tx_lab *lab, unsigned n);
/* The i-th of those it holds; not published. */
void tx_lab_use_at(struct tx_lab *lab, unsigned i);

#endif
