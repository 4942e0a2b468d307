/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Arenas: named memfd regions, one set per NUMA node, that hold what may be
 * shared with a back end, a device or another process: packet payload, rings,
 * receive and send buffers. Headers and heap stay private.
 *
 * An arena is created by the main lcore before the workers start and destroyed
 * after they have stopped. arena_alloc() only bumps a cursor: what is carved
 * stays carved until the arena goes. Pools made from an arena may be used by
 * every lcore, as any mempool.
 *
 * Functions that can fail return 0 or a negative errno and never log.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

struct arena;

/* One shareable region, as a vhost-user memory table or ibv_reg_mr wants it. */
struct arena_region {
	void *addr;      /* start of the mapping in this process */
	size_t len;      /* octets, a multiple of page_size */
	size_t page_size;
	int fd;          /* memfd, owned by the arena: dup it to keep it */
	int node;        /* NUMA node the pages are bound to, -1 if unbound (also
			  * when the node wished for has no room) */
};

/* What arena_locate() makes of a pointer: fits a ring, means the same in any
 * process that maps the arena. */
struct arena_ref {
	uint16_t arena;  /* index in arena_regions() order */
	uint16_t reserved;
	uint32_t len;
	uint64_t offset;
};

/*
 * Create an arena of at least len octets on a NUMA node (-1: any). Huge pages
 * are used when huge is true and enough are free; arena_region.page_size tells.
 * The region is registered with EAL (rte_extmem_register) and its pages are
 * touched, so that a lack of memory shows here and not later.
 * Errors: -ENOMEM, -EEXIST (name taken), -EINVAL.
 */
int arena_create(struct arena **out, const char *name, size_t len, int node, bool huge);
void arena_destroy(struct arena *a);

/* Carve len octets aligned to align (a power of two). NULL when full. */
void *arena_alloc(struct arena *a, size_t len, size_t align);
size_t arena_free_space(const struct arena *a);

/*
 * A pktmbuf pool whose headers are private and whose data rooms lie in the
 * arena (pinned external buffers). data_room includes RTE_PKTMBUF_HEADROOM.
 * Under AddressSanitizer freed buffers are poisoned and separated by red
 * zones, and the pool has no per-lcore cache, so that a late or long access
 * is reported. Free with rte_mempool_free().
 * Errors through *rc: -ENOMEM (arena full or no memory), -EEXIST, -EINVAL (also
 * with physical IO addresses, when a data room is larger than the arena's pages).
 * The pool's part of the arena is not carved again after it has been freed.
 */
struct rte_mempool *arena_pktmbuf_pool(struct arena *a, const char *name, unsigned n, unsigned cache,
				       uint16_t priv_size, uint16_t data_room, int *rc);

/* The same without an arena, for ports that refuse pinned external buffers
 * and for header and indirect mbufs (data_room may be 0). */
struct rte_mempool *plain_pktmbuf_pool(const char *name, unsigned n, unsigned cache, uint16_t priv_size,
				       uint16_t data_room, int node, int *rc);

/* Arena octets that a pool of n buffers needs; after EAL has started. With
 * physical IO addresses (no --iova-mode=va) it is up to twice as much, since no
 * buffer may cross a page. */
size_t arena_pool_size(unsigned n, uint16_t data_room);

/* All arenas, in order of creation; returns how many, fills at most max. */
unsigned arena_regions(struct arena_region *out, unsigned max);
const struct arena_region *arena_region(const struct arena *a);

/* Which arena a pointer lies in: 0, or -ENOENT. */
int arena_locate(const void *p, uint32_t len, struct arena_ref *out);
void *arena_resolve(const struct arena_ref *ref);

#endif
