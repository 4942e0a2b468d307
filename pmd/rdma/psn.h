/* SPDX-License-Identifier: BSD-3-Clause */
/* Packet sequence numbers: 24 bits, modulo 2^24, compared within half the
 * space (InfiniBand architecture 9.7.1). Pure functions. */
#ifndef RDMA_PSN_H
#define RDMA_PSN_H

#include <stdint.h>

#define PSN_MASK 0xffffffU

static inline uint32_t psn_add(uint32_t psn, uint32_t n)
{
	return (psn + n) & PSN_MASK;
}

/* How far a lies after b; negative: before. */
static inline int32_t psn_diff(uint32_t a, uint32_t b)
{
	return (int32_t)((a - b) << 8) >> 8;
}

/* Packets from b up to a, for distances of more than half the space. */
static inline uint32_t psn_from(uint32_t a, uint32_t b)
{
	return (a - b) & PSN_MASK;
}

#endif
