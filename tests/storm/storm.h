/* SPDX-License-Identifier: BSD-3-Clause */
/* Load between two ports, numbered, and what is done to their queues meanwhile. */
#ifndef TESTS_STORM_H
#define TESTS_STORM_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#define STORM_PORTS  2
#define STORM_QUEUES 4
#define STORM_SEEN   (1u << 24) /* numbers told apart, of each transmit queue */

/* What a transmit queue has sent: its sender counts sent, its receiver the rest. */
struct storm_flow {
	uint32_t sent;
	uint32_t got, twice, wild;
	uint8_t at;    /* bit for each receive queue it came to */
	uint8_t *seen; /* a bit each */
};

struct storm {
	uint16_t queues;
	struct rte_mempool *mp;
	struct rte_ether_addr mac[STORM_PORTS];
	struct storm_flow flow[STORM_PORTS][STORM_QUEUES];
	uint16_t src_port[STORM_PORTS][STORM_QUEUES]; /* of UDP: the other port has it on the queue of that number */
	uint32_t given_up[STORM_PORTS]; /* of what a port sent: not waited for any more */
	volatile unsigned turns;
	volatile bool send, stop;
};

/* A frame of a queue: from port to the other one, numbered, with the time in it. */
void storm_frame(const struct storm *s, struct rte_mbuf *m, uint16_t port, uint16_t queue, uint32_t n);
/* Whose frame, and when it was made (TSC); false: none of ours. */
bool storm_read(const struct rte_mbuf *m, uint16_t *port, uint16_t *queue, uint32_t *n, uint64_t *when);
/* The thread that sends and receives until s->stop; arg: struct storm. */
void *storm_lcore(void *arg);

/* Modes; -1: said why. */
int storm_reset(struct storm *s, unsigned resets, const char *which);
int storm_sojourn(struct storm *s, uint16_t size);

#endif
