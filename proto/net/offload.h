/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The last step before a port: what the frame asks for (ol_flags) and the port
 * cannot do is done in software. Any lcore; no state.
 */
#ifndef NET_OFFLOAD_H
#define NET_OFFLOAD_H

#include <rte_mbuf.h>

/* Most frames one super-segment is cut into: 64 KiB at the smallest unit. */
#define NET_GSO_MAX_FRAMES 128

/*
 * Turn one frame into those to hand to the port: cut a super-segment
 * (pieces that fit into a header buffer by copying, larger ones by rte_gso) unless offloads has NET_TX_TSO, fill in checksums unless it has
 * the NET_TX_*_CKSUM bits, linearise unless it has NET_TX_MULTI_SEG.
 * offloads: enum net_offload of net.h. Takes m; fills out[] and returns how
 * many, or a negative errno (-ENOMEM: pools are dry, -EINVAL) with m NOT taken.
 * A super-segment's first mbuf holds its headers and comes from hdr_pool or one
 * of its kind (pinned external buffers or not).
 */
int net_tx_finish(struct rte_mbuf *m, uint32_t offloads, struct rte_mempool *hdr_pool, struct rte_mempool *ind_pool,
		  struct rte_mbuf **out, unsigned max);

/* Ones' complement sum of any octets (RFC 1071), folded, not inverted, in the
 * order of memory: as rte_raw_cksum(), but fast. */
uint16_t net_raw_cksum(const void *buf, uint32_t len);

/* Transport checksum over a chain, pseudo header included; l3_len valid.
 * 0 when the stored checksum is right. */
uint16_t net_l4_cksum(struct rte_mbuf *m, uint32_t l3_off, uint32_t l4_off, uint32_t l4_len);

#endif
