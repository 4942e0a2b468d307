/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two software RoCE engines back to back in virtual time, over a wire that
 * loses, repeats, delays and corrupts packets from a seed. One microsecond
 * step is one turn: arrivals, timers, completions (the caller's), output.
 */
#ifndef TESTS_RDMA_ROCE_LAB_H
#define TESTS_RDMA_ROCE_LAB_H

#include "pmd/rdma/roce.h"
#include "tests/unit/rdma/fixture.h"

#define ROCE_QUEUE 4096

struct roce_fault {
	/* In 1/10000 of all packets. */
	unsigned loss, dup, reorder, corrupt;
	bool blackhole;          /* everything is lost */
};

struct roce_arrival {
	uint64_t at_us;
	struct rte_mbuf *m;
};

/* One direction. */
struct roce_wire {
	struct roce_arrival queue[ROCE_QUEUE];
	unsigned n;
	struct roce_fault fault;
	uint64_t lost, duplicated, reordered, corrupted, packets;
	unsigned unacked_max;
};

struct roce_side {
	struct roce *roce;
	struct wheel wheel;
	struct roce_lab *lab;
	unsigned index;
	unsigned room;           /* packets it takes now */
	uint64_t asleep_until;   /* does nothing before; what came waits */
};

struct roce_lab {
	struct lab lab;
	struct roce_side side[2];
	struct roce_wire wire[2]; /* from side i */
	struct rte_mempool *pool;
	uint64_t now_us, seed;
	unsigned step_us, delay_us;
	/* Looks at every packet before the wire does; true: it is dropped. May be NULL. */
	bool (*tap)(struct roce_lab *lab, unsigned from, struct rte_mbuf *m);
	void *tap_arg;
};

/* For lab_*() of fixture.h: no faults. */
void lab_roce(struct lab *lab);
struct roce_lab *roce_lab_of(struct lab *lab);
/* Engines with other settings: fields of conf that are 0 keep the defaults. */
void lab_roce_with(struct lab *lab, const struct roce_config *conf);
/* Every packet buffer is back. */
void roce_lab_check_pool(struct roce_lab *lab);
/* Time passes without anything happening in between but timers and packets. */
void roce_lab_run(struct roce_lab *lab, uint64_t us);

#endif
