/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/base/arena.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_mempool.h>

#include "pmd/base/arena_private.h"
#include "pmd/base/asan.h"
#include "pmd/base/asan_pool.h"

/* From one data room to the next. */
static size_t data_stride(uint16_t data_room)
{
	size_t stride = RTE_ALIGN_CEIL((size_t)data_room, RTE_CACHE_LINE_SIZE);

	return BASE_ASAN ? stride + ASAN_POOL_RED_ZONE : stride;
}

/* Physical addresses are contiguous within a page only, so that a page's
 * rest is lost. Small pages are assumed where a data room fits into one. */
static size_t paged_size(unsigned n, size_t stride)
{
	size_t page = stride <= 4096 ? 4096 : 2ul << 20, each = page / stride;

	return ((n + each - 1) / each + 1) * page;
}

size_t arena_pool_size(unsigned n, uint16_t data_room)
{
	size_t stride = data_stride(data_room);

	if (rte_eal_iova_mode() == RTE_IOVA_PA)
		return paged_size(n, stride);
	return n * stride + RTE_CACHE_LINE_SIZE;
}

/* Heaps of EAL are on node 0 only when it runs without huge pages. */
static int heap_node(int node)
{
	return rte_eal_has_hugepages() && node >= 0 ? node : SOCKET_ID_ANY;
}

/* rte_pktmbuf_pool_create_extbuf() has no parameter for the handler: it takes
 * the one set for the process, which is put back for pools made by others. */
static struct rte_mempool *create_extbuf(const char *name, unsigned n, unsigned cache, uint16_t priv_size,
					 uint16_t data_room, int node, const struct rte_pktmbuf_extmem *mem,
					 unsigned mems)
{
	const char *before = rte_mbuf_best_mempool_ops();
	char restore[RTE_MEMPOOL_OPS_NAMESIZE];
	struct rte_mempool *mp;

	if (!BASE_ASAN)
		return rte_pktmbuf_pool_create_extbuf(name, n, cache, priv_size, data_room, node, mem, mems);

	snprintf(restore, sizeof(restore), "%s", before);
	if (rte_mbuf_set_user_mempool_ops(ASAN_POOL_OPS) != 0) {
		rte_errno = ENOMEM;
		return NULL;
	}
	mp = rte_pktmbuf_pool_create_extbuf(name, n, 0, priv_size, data_room, node, mem, mems);
	rte_mbuf_set_user_mempool_ops(restore);
	if (mp != NULL)
		asan_pool_arm(mp);
	return mp;
}

/* One contiguous piece of memory whose addresses are virtual ones. */
static int carve_whole(struct arena *a, unsigned n, size_t stride, struct rte_pktmbuf_extmem **mem,
		       unsigned *mems)
{
	struct rte_pktmbuf_extmem *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return -ENOMEM;
	m->buf_len = n * stride;
	m->elt_size = (uint16_t)stride;
	m->buf_ptr = arena_alloc(a, m->buf_len, RTE_CACHE_LINE_SIZE);
	if (m->buf_ptr == NULL) {
		free(m);
		return -ENOMEM;
	}
	m->buf_iova = (rte_iova_t)(uintptr_t)m->buf_ptr;
	*mem = m;
	*mems = 1;
	return 0;
}

/* One piece a page, each with the page's own physical address. */
static int carve_pages(struct arena *a, unsigned n, size_t stride, struct rte_pktmbuf_extmem **mem,
		       unsigned *mems)
{
	size_t page = a->region.page_size, each = page / stride, pages;
	struct rte_pktmbuf_extmem *m;
	uint8_t *base;

	if (each == 0)
		return -EINVAL;
	pages = (n + each - 1) / each;
	m = calloc(pages, sizeof(*m));
	base = m == NULL ? NULL : arena_alloc(a, pages * page, page);
	if (base == NULL) {
		free(m);
		return -ENOMEM;
	}
	for (size_t i = 0; i < pages; i++) {
		m[i].buf_ptr = base + i * page;
		m[i].buf_iova = a->iovas[(size_t)(base - (uint8_t *)a->region.addr) / page + i];
		m[i].buf_len = each * stride;
		m[i].elt_size = (uint16_t)stride;
	}
	*mem = m;
	*mems = (unsigned)pages;
	return 0;
}

struct rte_mempool *arena_pktmbuf_pool(struct arena *a, const char *name, unsigned n, unsigned cache,
				       uint16_t priv_size, uint16_t data_room, int *rc)
{
	size_t stride = data_stride(data_room), used = a->used;
	struct rte_pktmbuf_extmem *mem = NULL;
	struct rte_mempool *mp;
	unsigned mems = 0;

	if (n == 0 || data_room == 0 || stride > UINT16_MAX) {
		*rc = -EINVAL;
		return NULL;
	}
	*rc = a->iovas == NULL ? carve_whole(a, n, stride, &mem, &mems) :
				 carve_pages(a, n, stride, &mem, &mems);
	if (*rc != 0)
		return NULL;
	mp = create_extbuf(name, n, cache, priv_size, data_room, heap_node(a->region.node), mem, mems);
	if (mp == NULL) {
		*rc = -rte_errno;
		a->used = used;
	} else {
		/* The red zones; data rooms are poisoned while they are free. */
		for (unsigned i = 0; BASE_ASAN && i < mems; i++)
			base_poison(mem[i].buf_ptr, mem[i].buf_len);
	}
	free(mem);
	return mp;
}

struct rte_mempool *plain_pktmbuf_pool(const char *name, unsigned n, unsigned cache, uint16_t priv_size,
				       uint16_t data_room, int node, int *rc)
{
	const char *ops = BASE_ASAN ? ASAN_POOL_OPS : NULL;
	struct rte_mempool *mp;

	mp = rte_pktmbuf_pool_create_by_ops(name, n, BASE_ASAN ? 0 : cache, priv_size, data_room,
					    heap_node(node), ops);
	if (mp == NULL) {
		*rc = -rte_errno;
		return NULL;
	}
	asan_pool_arm(mp);
	*rc = 0;
	return mp;
}
