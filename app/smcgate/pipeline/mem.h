/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Arenas, one for each NUMA node that runs workers, and the pools of each
 * worker. Main lcore only; workers use the pools.
 */
#ifndef PIPELINE_MEM_H
#define PIPELINE_MEM_H

#include <stdint.h>

#include <rte_mempool.h>

#include "app/smcgate/config/config.h"

struct arena;

#define MEM_MAX_NODES 8

struct mem {
	struct arena *arena[MEM_MAX_NODES];
	int node[MEM_MAX_NODES];
	unsigned n_nodes;
};

struct lcore_mem {
	struct rte_mempool *rx;       /* receive buffers in the arena */
	struct rte_mempool
		*rx_plain; /* the same outside of it, for ports that refuse those; NULL: none such */
	struct rte_mempool *payload;  /* send buffers in the arena */
	struct rte_mempool *header;   /* in the arena too where a device sees nothing else */
	struct rte_mempool *indirect; /* no data room */
	struct rte_mempool *roce;     /* packets of software RoCE; NULL: none is spoken */
	void *smc;                    /* receive and send buffers of SMC; NULL likewise */
	size_t smc_len;
	bool smc_heap;                /* not in an arena: freed on its own */
};

/* What one worker needs, found by the caller. */
struct mem_need {
	int node;
	unsigned index;               /* worker */
	bool pinned, plain;           /* some of its ports take pinned buffers, refuse them */
	uint16_t frame; /* largest frame that has to be put into one buffer to be sent, 0: none */
	uint16_t roce;                /* octets of the largest RoCE packet, 0: none is spoken */
	bool arena;                   /* its buffers may lie in an arena; false: no pinned ones either */
	bool headers;                 /* those of headers have to */
};

/* Arenas for the nodes of needs[0..n). Errors are logged with their remedy. */
int mem_create(struct mem *mem, const struct config *cfg, const struct mem_need *needs, unsigned n);
void mem_destroy(struct mem *mem);

/* The pools of one worker. */
int mem_lcore_create(struct mem *mem, const struct config *cfg, const struct mem_need *need,
		     struct lcore_mem *out);
void mem_lcore_destroy(struct lcore_mem *lm);

#endif
