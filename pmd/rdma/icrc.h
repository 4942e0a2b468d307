/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The invariant CRC of RoCE v2 (InfiniBand annex A17.3.3): Ethernet's CRC-32
 * over eight octets of ones, the IP, UDP and base transport headers with what
 * may change on the way replaced by ones, extension headers, payload and pad.
 * On the wire its least significant octet comes first.
 *
 * rte_net_crc has the arithmetic, but takes one contiguous piece and no seed.
 * A state S is carried into it by the identity
 *   crc(S, D) = crc(~0, D with S ^ ~0 added to its first four octets).
 *
 * Any lcore, once icrc_init() has returned.
 */
#ifndef RDMA_ICRC_H
#define RDMA_ICRC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

#define ICRC_LEN 4
#define ICRC_ONES 8              /* octets of ones that begin the stream */
#define ICRC_START 0xdebb20e3U   /* state after eight octets of ones */

/* Selects the fastest arithmetic of this machine, once in a process. After
 * rte_eal_init(): before it DPDK silently stays with its slow one. */
void icrc_init(void);

/* State after len octets more. The octets are changed while it runs and are
 * as before when it returns: memory of ours only. */
uint32_t icrc_update(uint32_t state, uint8_t *data, size_t len);
/* The same for octets that others read too; some ten times slower. */
uint32_t icrc_update_shared(uint32_t state, const uint8_t *data, size_t len);

/* CRC, as it is to be stored, of a contiguous stream with its eight octets of ones. */
uint32_t icrc_whole(const uint8_t *stream, size_t len);

static inline uint32_t icrc_final(uint32_t state)
{
	return ~state;
}

/* One segment, nobody else's, with room for the octets of ones in front. */
bool icrc_may_write(const struct rte_mbuf *m);

/*
 * State after octets [from, from + len) of a packet, over all its segments.
 * They must be there.
 */
uint32_t icrc_mbuf(uint32_t state, struct rte_mbuf *m, uint32_t from, uint32_t len);

#endif
