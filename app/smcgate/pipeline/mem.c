/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/pipeline/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "pmd/base/arena.h"
#include "pmd/base/log.h"
#include "proto/net/net.h"

#define POOL_CACHE 256
#define ROCE_BUFFERS 2048U      /* on their way to a port: all is sent again from where it lies */
#define SMC_ALIGN (4U << 20)    /* of the largest buffer */
#define ARENA_SLACK (2U << 20) /* alignment of pools, later rings */

static uint16_t data_room(const struct config *cfg)
{
	return (uint16_t)(RTE_PKTMBUF_HEADROOM + cfg->memory.buffer_size);
}

static uint16_t roce_room(const struct mem_need *n)
{
	return (uint16_t)(RTE_PKTMBUF_HEADROOM + n->roce);
}

static size_t smc_len(const struct config *cfg)
{
	return (size_t)cfg->smc.memory_mb << 20;
}

/* Frames for a port that takes no chains are copied into one header buffer. */
static uint16_t header_room(const struct mem_need *need)
{
	return (uint16_t)(RTE_PKTMBUF_HEADROOM + RTE_MAX(need->frame, (uint16_t)RTE_MBUF_DEFAULT_DATAROOM));
}

static size_t arena_need(const struct config *cfg, const struct mem_need *n)
{
	size_t len = arena_pool_size(cfg->memory.payload_buffers, data_room(cfg)) + ARENA_SLACK;

	if (n->pinned)
		len += arena_pool_size(cfg->memory.rx_buffers, data_room(cfg)) + ARENA_SLACK;
	if (n->headers)
		len += arena_pool_size(cfg->memory.header_buffers, header_room(n)) + ARENA_SLACK;
	if (n->roce != 0)
		len += arena_pool_size(ROCE_BUFFERS, roce_room(n)) + smc_len(cfg) + SMC_ALIGN + ARENA_SLACK;
	return len;
}

static struct arena *arena_on(const struct mem *mem, int node)
{
	for (unsigned i = 0; i < mem->n_nodes; i++)
		if (mem->node[i] == node)
			return mem->arena[i];
	return NULL;
}

static int arena_for_node(struct mem *mem, const struct config *cfg, int node, size_t len)
{
	enum config_hugepages huge = cfg->memory.hugepages;
	struct arena *a;
	char name[32];
	int rc;

	if (cfg->memory.arena_mb != 0) {
		if (((size_t)cfg->memory.arena_mb << 20) < len) {
			LOG(PIPELINE, ERR,
			    "memory.arena_mb is %u, the pools of node %d need %zu: raise it, or leave it out",
			    cfg->memory.arena_mb, node, (len + (1U << 20) - 1) >> 20);
			return -EINVAL;
		}
		len = (size_t)cfg->memory.arena_mb << 20;
	}
	snprintf(name, sizeof(name), "node%d", node < 0 ? 0 : node);
	rc = arena_create(&a, name, len, node, huge != CONFIG_HUGE_OFF);
	if (rc < 0) {
		LOG(PIPELINE, ERR,
		    "no memory for an arena of %zu MiB on node %d: %s; lower memory.rx_buffers, "
		    "memory.payload_buffers, memory.arena_mb or smc.memory_mb, or free memory",
		    len >> 20, node, strerror(-rc));
		return rc;
	}
	mem->arena[mem->n_nodes] = a;
	mem->node[mem->n_nodes++] = node;
	if (arena_region(a)->page_size > 4096)
		return 0;
	if (huge == CONFIG_HUGE_REQUIRE) {
		LOG(PIPELINE, ERR,
		    "memory.hugepages is \"require\" and node %d has not %zu MiB of free hugepages: add "
		    "some (sysctl vm.nr_hugepages), or say \"auto\"",
		    node, len >> 20);
		return -ENOMEM;
	}
	if (huge == CONFIG_HUGE_AUTO)
		LOG(PIPELINE, NOTICE,
		    "arena of %zu MiB on node %d has ordinary pages: hugepages (sysctl vm.nr_hugepages) "
		    "make it faster",
		    len >> 20, node);
	return 0;
}

int mem_create(struct mem *mem, const struct config *cfg, const struct mem_need *needs, unsigned n)
{
	int rc = 0;

	memset(mem, 0, sizeof(*mem));
	for (unsigned i = 0; i < n && rc == 0; i++) {
		size_t len = 0;

		if (!needs[i].arena || arena_on(mem, needs[i].node) != NULL)
			continue;
		if (mem->n_nodes == MEM_MAX_NODES) {
			LOG(PIPELINE, ERR, "workers on more than %d NUMA nodes: choose others by --lcores",
			    MEM_MAX_NODES);
			rc = -E2BIG;
			break;
		}
		for (unsigned j = i; j < n; j++)
			if (needs[j].node == needs[i].node)
				len += arena_need(cfg, &needs[j]);
		rc = arena_for_node(mem, cfg, needs[i].node, len);
	}
	if (rc < 0)
		mem_destroy(mem);
	return rc;
}

void mem_destroy(struct mem *mem)
{
	for (unsigned i = 0; i < mem->n_nodes; i++)
		arena_destroy(mem->arena[i]);
	memset(mem, 0, sizeof(*mem));
}

/* A cache must be below two thirds of the pool. */
static unsigned cache_for(unsigned n)
{
	return n < 2 * POOL_CACHE ? 0 : POOL_CACHE;
}

static struct rte_mempool *plain(const char *what, const struct mem_need *need, unsigned n, uint16_t room,
				 int *rc)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	if (*rc < 0)
		return NULL;
	snprintf(name, sizeof(name), "%s_%u", what, need->index);
	return plain_pktmbuf_pool(name, n, cache_for(n), NET_MBUF_PRIV_SIZE, room, need->node, rc);
}

static struct rte_mempool *pinned(struct mem *mem, const char *what, const struct mem_need *need, unsigned n,
				  uint16_t room, int *rc)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	if (*rc < 0)
		return NULL;
	snprintf(name, sizeof(name), "%s_%u", what, need->index);
	return arena_pktmbuf_pool(arena_on(mem, need->node), name, n, cache_for(n), NET_MBUF_PRIV_SIZE, room,
				  rc);
}

/* What SMC and RoCE need beside. */
static void create_smc(struct mem *mem, const struct config *cfg, const struct mem_need *need,
		       struct lcore_mem *out, int *rc)
{
	if (*rc < 0)
		return;
	if (need->arena)
		out->roce = pinned(mem, "roce", need, ROCE_BUFFERS, roce_room(need), rc);
	else
		out->roce = plain("roce", need, ROCE_BUFFERS, roce_room(need), rc);
	out->smc_len = smc_len(cfg);
	out->smc_heap = !need->arena;
	if (need->arena)
		out->smc = arena_alloc(arena_on(mem, need->node), out->smc_len, SMC_ALIGN);
	else
		out->smc = rte_malloc_socket("smc", out->smc_len, SMC_ALIGN, need->node);
	if (out->smc == NULL && *rc == 0)
		*rc = -ENOMEM;
}

int mem_lcore_create(struct mem *mem, const struct config *cfg, const struct mem_need *need,
		     struct lcore_mem *out)
{
	const struct config_memory *c = &cfg->memory;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	if (need->pinned)
		out->rx = pinned(mem, "rx", need, c->rx_buffers, data_room(cfg), &rc);
	if (need->plain)
		out->rx_plain = plain("rx_plain", need, c->rx_buffers, data_room(cfg), &rc);
	if (need->arena)
		out->payload = pinned(mem, "payload", need, c->payload_buffers, data_room(cfg), &rc);
	else
		out->payload = plain("payload", need, c->payload_buffers, data_room(cfg), &rc);
	if (need->headers)
		out->header = pinned(mem, "header", need, c->header_buffers, header_room(need), &rc);
	else
		out->header = plain("header", need, c->header_buffers, header_room(need), &rc);
	out->indirect = plain("indirect", need, c->header_buffers, 0, &rc);
	if (need->roce != 0)
		create_smc(mem, cfg, need, out, &rc);
	if (rc == 0)
		return 0;
	LOG(PIPELINE, ERR,
	    "no memory for the pools of worker %u on node %d: %s; give EAL more (-m, hugepages) or lower "
	    "memory.rx_buffers, memory.payload_buffers, memory.header_buffers, smc.memory_mb",
	    need->index, need->node, strerror(-rc));
	mem_lcore_destroy(out);
	return rc;
}

void mem_lcore_destroy(struct lcore_mem *lm)
{
	rte_mempool_free(lm->rx);
	rte_mempool_free(lm->rx_plain);
	rte_mempool_free(lm->payload);
	rte_mempool_free(lm->header);
	rte_mempool_free(lm->indirect);
	rte_mempool_free(lm->roce);
	if (lm->smc_heap)
		rte_free(lm->smc);
	memset(lm, 0, sizeof(*lm));
}
