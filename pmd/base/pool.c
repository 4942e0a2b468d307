/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/base/pool.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "pmd/base/asan.h"
#include "pmd/base/placement.h"

#define POOL_MAX_ALIGN 4096

int pool_init(struct pool *p, uint32_t size, uint32_t align, uint32_t max, int node)
{
	size_t stride, len;
	void *base;

	memset(p, 0, sizeof(*p));
	if (size == 0 || max == 0 || align == 0 || align > POOL_MAX_ALIGN || (align & (align - 1)) != 0)
		return -EINVAL;
	/* A free object holds the index of the next one. */
	if (align < sizeof(uint32_t))
		align = sizeof(uint32_t);
	stride = ((size_t)size + align - 1) & ~((size_t)align - 1);
	if (stride > UINT32_MAX)
		return -EINVAL;
	if (__builtin_mul_overflow(stride, (size_t)max + 1, &len) || len > SIZE_MAX / 2)
		return -ENOMEM;
	len = (len + POOL_MAX_ALIGN - 1) & ~(size_t)(POOL_MAX_ALIGN - 1);

	base = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return -ENOMEM;
	placement_prefer(base, len, node);
	base_poison(base, len);

	p->base = base;
	p->size = (uint32_t)stride;
	p->max = max;
	p->mapped = len;
	return 0;
}

void pool_fini(struct pool *p)
{
	if (p->base != NULL) {
		/* Whoever is given these addresses next must find them clean. */
		base_unpoison(p->base, p->mapped);
		munmap(p->base, p->mapped);
	}
	memset(p, 0, sizeof(*p));
}

void *pool_get(struct pool *p)
{
	void *obj;

	if (p->free != 0) {
		obj = pool_at(p, p->free);
		base_unpoison(obj, p->size);
		p->free = *(const uint32_t *)obj;
	} else if (p->high < p->max) {
		obj = pool_at(p, ++p->high);
		base_unpoison(obj, p->size);
	} else {
		return NULL;
	}
	p->used++;
	return obj;
}

void pool_put(struct pool *p, void *obj)
{
	/* Under AddressSanitizer this store reports an object given back twice. */
	*(uint32_t *)obj = p->free;
	p->free = pool_index(p, obj);
	p->used--;
	base_poison(obj, p->size);
}
