/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fixed-size objects by index, one owner lcore, O(1) and without a lock.
 *
 * Address space for max objects is reserved at once and touched only as
 * objects are taken, lowest index first, so that memory grows with use.
 * Objects never move; index 0 is never handed out and means "none".
 * Under AddressSanitizer free objects are poisoned.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

struct pool {
	uint8_t *base;
	uint32_t size;   /* octets per object, a multiple of align */
	uint32_t max;    /* highest index handed out at most */
	uint32_t used;   /* objects handed out now */
	uint32_t high;   /* highest index ever handed out */
	uint32_t free;   /* head of the free list, 0 = empty */
	size_t mapped;   /* octets of address space */
};

/* align: a power of two, at most 4096. node: NUMA node or -1.
 * Errors: -ENOMEM, -EINVAL. */
int pool_init(struct pool *p, uint32_t size, uint32_t align, uint32_t max, int node);
void pool_fini(struct pool *p);

/* Take one object: contents undefined. NULL when max are in use. */
void *pool_get(struct pool *p);
/* Give one back. O(1). */
void pool_put(struct pool *p, void *obj);

static inline void *pool_at(const struct pool *p, uint32_t idx)
{
	return p->base + (size_t)idx * p->size;
}

static inline uint32_t pool_index(const struct pool *p, const void *obj)
{
	return (uint32_t)(((const uint8_t *)obj - p->base) / p->size);
}

#endif
