/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The steering table: Toeplitz hash of a flow -> indirection table -> worker.
 * The truth for every packet and every connection; where a port spreads flows
 * by hash itself the table is mirrored into it, elsewhere it is applied in
 * software. Written by the main lcore before the workers run, read by all.
 */
#ifndef PIPELINE_STEER_H
#define PIPELINE_STEER_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "pmd/base/toeplitz.h"
#include "proto/net/addr.h"

#define STEER_TABLE 512 /* a power of two */

struct steering {
	uint8_t worker[STEER_TABLE];
	uint16_t workers;
	struct toeplitz hash;
};

/* Workers in turn over the table, repeating after period entries (a power of
 * two, at most STEER_TABLE; the smallest table of a port that mirrors ours). */
void steering_init(struct steering *st, const uint8_t key[TOEPLITZ_KEY_LEN], unsigned workers,
		   unsigned period);

/*
 * Whether neighbouring ports, on either side, reach all of up to eight
 * workers. The hash is linear, so with a bad key the even ports that Linux
 * gives to clients all reach one or two.
 */
bool steering_key_spreads(const uint8_t key[TOEPLITZ_KEY_LEN]);
/* A random key that does. */
void steering_random_key(uint8_t key[TOEPLITZ_KEY_LEN], void (*random)(void *ctx, void *buf, size_t len),
			 void *ctx);

static inline unsigned steering_worker(const struct steering *st, uint32_t hash)
{
	return st->worker[hash & (STEER_TABLE - 1)];
}

/* Worker of a flow as the stack names it. */
unsigned steering_flow(const struct steering *st, const struct net_flow *flow);

/*
 * Hash of a received frame: true and *hash when it is a TCP segment over
 * IPv4, not a fragment, of which the ports were there to read. Everything else
 * (ARP, ICMP, UDP, fragments, broken headers) is for the worker that received it.
 * device_hash: the frame's RSS hash may be trusted to be ours.
 */
bool steering_hash(const struct steering *st, const struct rte_mbuf *m, bool device_hash, uint32_t *hash);

/*
 * RoCE v2 goes to the worker in the number of its queue pair (roce.h), whatever
 * flow it comes in: true and *worker, which need not exist, when a received
 * frame is a UDP datagram over IPv4 to RoCE's port, not a fragment, of which the
 * transport header was there to read.
 */
bool steering_roce(const struct rte_mbuf *m, unsigned *worker);

#endif
