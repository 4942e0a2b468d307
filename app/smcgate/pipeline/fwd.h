/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Forwarding modes by testpmd's names. Each takes the bursts of a turn's
 * receive stage; all but serve send what they make of them to the peer port
 * (0 <-> 1, 2 <-> 3, a port without a partner to itself).
 */
#ifndef PIPELINE_FWD_H
#define PIPELINE_FWD_H

#include "app/smcgate/pipeline/lcore.h"

struct fwd_mode {
	const char *name;
	bool polls;        /* receives at all */
	/* Work of one queue in a turn: pkts[0..n) received on q, owned by the callee.
	 * A mode that does not poll gets n == 0 for each of its queues. */
	void (*run)(struct lcore *lc, const struct rx_queue *q, struct rte_mbuf **pkts, unsigned n);
};

const struct fwd_mode *fwd_mode(enum config_forward mode);

/* Rewriting of one frame, pure; false: it cannot be done (too short, not an
 * echo request). */
bool fwd_set_addresses(struct rte_mbuf *m, const struct rte_ether_addr *dst,
		       const struct rte_ether_addr *src);
bool fwd_swap_addresses(struct rte_mbuf *m);
/* ARP request or ICMP echo request into its answer, as if every address were ours. */
bool fwd_make_reply(struct rte_mbuf *m, const struct rte_ether_addr *mac);
/* The address testpmd gives to the station behind a port. */
struct rte_ether_addr fwd_station(unsigned port);
/* Length of the frames txonly makes, and one such frame. */
#define FWD_TXONLY_LEN 64
void fwd_fill_txonly(struct rte_mbuf *m, const struct rte_ether_addr *src, const struct rte_ether_addr *dst);

/* Index of the port paired with port, of n. */
static inline unsigned fwd_peer(unsigned port, unsigned n)
{
	unsigned peer = port ^ 1;

	return peer < n ? peer : port;
}

#endif
