/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two hosts of ours in one thread, frames handed from one to the other by
 * pointer: what is measured is the stacks, not a wire. Time is virtual and goes
 * on by PAIR_TURN_US each turn.
 */
#ifndef BENCH_PAIR_H
#define BENCH_PAIR_H

#include "pmd/rdma/mem.h"
#include "pmd/rdma/roce.h"
#include "proto/sock/sock.h"

#define PAIR_TURN_US 10
#define PAIR_PORT 3

struct pair;

enum pair_rdma { PAIR_NONE, PAIR_MEM, PAIR_ROCE };

struct pair_conf {
	enum pair_rdma rdma[2]; /* of each host */
	const char *eid[2];     /* of each host; NULL: none */
	uint64_t buf_bytes_per_peer; /* receive memory, of host 1; 0: plenty */
	bool copy;              /* what is given to SMC is copied: no memory is registered for it */
	uint32_t forget_ms;     /* how long failures are remembered; 0: not at all */
	uint16_t mtu;
	uint16_t payload_room;  /* octets of a buffer TCP sends from; 0: 2048 */
	uint32_t offloads;      /* enum net_offload: what the ports do; super-segments stay whole with TSO */
	uint32_t max_conns;
};

struct pair_host {
	struct pair *pair;
	unsigned idx;
	struct wheel *wheel;
	struct net_stack *net;
	struct sock_stack *ss;
	struct rd_dev *rd;      /* NULL: none */
	struct roce *roce;
	void *smc_mem;
	struct tcp_secrets secrets;
	struct rte_mbuf **rx;   /* frames for the next turn */
	unsigned n_rx, max_rx;
	uint64_t rng;
	uint32_t offloads;
};

/* EAL runs. Exits the program when there is no memory. */
struct pair *pair_create(const struct pair_conf *conf);
void pair_destroy(struct pair *p);
struct pair_host *pair_host(struct pair *p, unsigned i); /* 0, 1 */
struct net_addr pair_addr(unsigned i);
uint64_t pair_now(const struct pair *p);
/* One turn of both. */
void pair_turn(struct pair *p);
/* Let time pass without work: timers only. */
void pair_wait(struct pair *p, uint64_t us);

#endif
