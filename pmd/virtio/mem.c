/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/virtio/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_memory.h>
#include <rte_memzone.h>

#include "pmd/base/arena.h"
#include "pmd/base/asan.h"
#include "pmd/virtio/dev.h"

/* Pieces begin and end on cache lines, so that no two of them share one. Under
 * AddressSanitizer a poisoned line follows each. */
#define MEM_UNIT     ((size_t)RTE_CACHE_LINE_SIZE)
#define MEM_RED_ZONE (BASE_ASAN ? MEM_UNIT : 0)
#define MEM_ALIGN_MAX 4096u
#define MEM_LEN_MAX  (SIZE_MAX / 4)

enum piece_state { PIECE_FREE, PIECE_USED, PIECE_QUARANTINED };

/* The pieces of an area lie side by side, in order of address, and fill it. */
struct piece {
	struct piece *next;
	size_t off, len;
	enum piece_state state;
};

/* Memory in one run for the device. */
struct area {
	struct area *next;
	uint8_t *va;
	uint64_t iova;
	size_t len;
	struct piece *pieces;
	const struct rte_memzone *zone; /* NULL: a part of the arena */
};

/* Rings that become larger may take more than what was reckoned with at the start. */
#define MEM_ARENAS 8

struct vnic_mem {
	struct vnic_dev *dev;
	struct arena *arena[MEM_ARENAS];
	unsigned arenas;     /* 0: memzones, or a part of somebody else's */
	struct area *areas;
	size_t quarantined;  /* octets */
	int node;
};

/* Names have to be unique in the process, and stay taken where memory is left behind. */
static unsigned serial;

static bool wants_va(const struct vnic_mem *mem)
{
	return (mem->dev->transport_flags & VNIC_TRANSPORT_VA) != 0;
}

static uint64_t device_address(const struct vnic_mem *mem, const void *va)
{
	if (mem->dev->dma_arena != NULL)
		return (uint64_t)(uintptr_t)va + mem->dev->dma_offset;
	return wants_va(mem) ? (uint64_t)(uintptr_t)va : (uint64_t)rte_mem_virt2iova(va);
}

static struct area *area_add(struct vnic_mem *mem, void *va, size_t len, const struct rte_memzone *zone)
{
	struct area *a = calloc(1, sizeof(*a));
	struct area **at = &mem->areas;

	if (a == NULL)
		return NULL;
	a->pieces = calloc(1, sizeof(*a->pieces));
	if (a->pieces == NULL) {
		free(a);
		return NULL;
	}
	a->pieces->len = len;
	a->va = va;
	a->iova = device_address(mem, va);
	a->len = len;
	a->zone = zone;
	while (*at != NULL)
		at = &(*at)->next;
	*at = a;
	base_poison(va, len);
	return a;
}

static struct area *area_from_eal(struct vnic_mem *mem, size_t len)
{
	unsigned flags = wants_va(mem) ? 0 : RTE_MEMZONE_IOVA_CONTIG;
	int node = rte_eal_has_hugepages() && mem->node >= 0 ? mem->node : SOCKET_ID_ANY;
	const struct rte_memzone *zone;
	char name[RTE_MEMZONE_NAMESIZE];
	struct area *a;

	snprintf(name, sizeof(name), "vnic_mem_%u", serial++);
	zone = rte_memzone_reserve_aligned(name, len, node, flags, MEM_ALIGN_MAX);
	if (zone == NULL && node != SOCKET_ID_ANY)
		zone = rte_memzone_reserve_aligned(name, len, SOCKET_ID_ANY, flags, MEM_ALIGN_MAX);
	if (zone == NULL)
		return NULL;
	a = area_add(mem, zone->addr, len, zone);
	if (a == NULL)
		rte_memzone_free(zone);
	return a;
}

static void area_delete(struct area *a, bool keep)
{
	struct piece *p, *next;

	for (p = a->pieces; p != NULL; p = next) {
		next = p->next;
		free(p);
	}
	if (!keep) {
		base_unpoison(a->va, a->len);
		if (a->zone != NULL)
			rte_memzone_free(a->zone);
	}
	free(a);
}

/* Cut the arena where its IO addresses jump. */
static int areas_from_arena(struct vnic_mem *mem, const struct arena *arena, uint8_t *va, size_t len)
{
	size_t page = arena_region(arena)->page_size, from = 0;

	for (size_t end = page; from < len; end += page) {
		if (end < len && device_address(mem, va + end) == device_address(mem, va + from) + (end - from))
			continue;
		if (area_add(mem, va + from, RTE_MIN(end, len) - from, NULL) == NULL)
			return -ENOMEM;
		from = end;
	}
	return 0;
}

/* A part of somebody else's arena: it stays there, and is taken again when it suffices. */
static int borrow_arena(struct vnic_mem *mem, size_t len)
{
	struct vnic_dev *d = mem->dev;
	uint8_t *va = d->dma_spare;

	if (d->dma_spare_len >= len) {
		len = d->dma_spare_len;
		d->dma_spare_len = 0;
	} else {
		va = arena_alloc(d->dma_arena, len, MEM_ALIGN_MAX);
	}
	if (va == NULL)
		return -ENOMEM;
	return area_add(mem, va, len, NULL) != NULL ? 0 : -ENOMEM;
}

static void return_to_arena(struct vnic_dev *d, const struct area *a)
{
	if (a->len <= d->dma_spare_len)
		return;
	d->dma_spare = a->va;
	d->dma_spare_len = a->len;
}

static int open_arena(struct vnic_mem *mem, size_t len)
{
	size_t page_max = 2ul << 20;
	struct arena *arena;
	char name[32];
	uint8_t *va;
	int rc;

	if (mem->arenas == MEM_ARENAS)
		return -ENOMEM;
	snprintf(name, sizeof(name), "vnic_mem_%u", serial++);
	rc = arena_create(&arena, name, RTE_ALIGN_CEIL(len, page_max), mem->node, true);
	if (rc != 0)
		return rc;
	mem->arena[mem->arenas++] = arena;
	len = arena_free_space(arena);
	va = arena_alloc(arena, len, MEM_UNIT);
	return va == NULL ? -ENOMEM : areas_from_arena(mem, arena, va, len);
}

int vnic_mem_create(struct vnic_mem **out, struct vnic_dev *dev, size_t len, int node)
{
	struct vnic_mem *mem;
	struct arena_region any;
	int rc = 0;

	*out = NULL;
	if (len == 0 || len > MEM_LEN_MAX)
		return -ENOMEM;
	mem = calloc(1, sizeof(*mem));
	if (mem == NULL)
		return -ENOMEM;
	mem->dev = dev;
	mem->node = node;
	/* Fragmented memory may have no run of that length, and pieces may still find room one by one. */
	if (dev->dma_arena != NULL)
		rc = borrow_arena(mem, RTE_ALIGN_CEIL(len, (size_t)MEM_ALIGN_MAX));
	else if (arena_regions(&any, 1) > 0)
		rc = open_arena(mem, len);
	else
		area_from_eal(mem, RTE_ALIGN_CEIL(len, (size_t)MEM_ALIGN_MAX));
	if (rc != 0) {
		vnic_mem_destroy(mem);
		return -ENOMEM;
	}
	*out = mem;
	return 0;
}

static bool area_in_quarantine(const struct area *a)
{
	for (const struct piece *p = a->pieces; p != NULL; p = p->next)
		if (p->state == PIECE_QUARANTINED)
			return true;
	return false;
}

void vnic_mem_destroy(struct vnic_mem *mem)
{
	struct area *a, *next;

	if (mem == NULL)
		return;
	if (mem->quarantined > 0)
		VNIC_LOG(WARNING, mem->dev,
			 "the device may still write to %zu octets of rings: their memory is never used again",
			 mem->quarantined);
	for (a = mem->areas; a != NULL; a = next) {
		next = a->next;
		if (mem->dev->dma_arena != NULL && !area_in_quarantine(a))
			return_to_arena(mem->dev, a);
		area_delete(a, mem->arenas > 0 ? mem->quarantined > 0 : area_in_quarantine(a));
	}
	for (unsigned i = 0; i < mem->arenas && mem->quarantined == 0; i++)
		arena_destroy(mem->arena[i]);
	free(mem);
}

/* Make [off, off + len) of a free piece a piece of its own. */
static struct piece *piece_cut(struct piece *p, size_t off, size_t len)
{
	struct piece *rest = NULL, *cut = p;

	if (p->off + p->len > off + len) {
		rest = calloc(1, sizeof(*rest));
		if (rest == NULL)
			return NULL;
	}
	if (off > p->off) {
		cut = calloc(1, sizeof(*cut));
		if (cut == NULL) {
			free(rest);
			return NULL;
		}
		cut->next = p->next;
		p->next = cut;
	}
	if (rest != NULL) {
		rest->off = off + len;
		rest->len = p->off + p->len - rest->off;
		rest->next = cut->next;
		cut->next = rest;
	}
	if (cut != p)
		p->len = off - p->off;
	cut->off = off;
	cut->len = len;
	return cut;
}

static struct piece *area_find(struct area *a, size_t len, size_t align)
{
	for (struct piece *p = a->pieces; p != NULL; p = p->next) {
		uintptr_t at = RTE_ALIGN_CEIL((uintptr_t)a->va + p->off, align);
		size_t off = at - (uintptr_t)a->va;

		if (p->state == PIECE_FREE && off + len <= p->off + p->len)
			return piece_cut(p, off, len);
	}
	return NULL;
}

/* A free piece of any area. */
static struct piece *mem_find(struct vnic_mem *mem, size_t len, size_t align, struct area **at)
{
	struct piece *p = NULL;

	for (struct area *a = mem->areas; a != NULL && p == NULL; a = a->next) {
		p = area_find(a, len, align);
		*at = a;
	}
	return p;
}

/* More memory for a device that runs: it has to be told. */
static int grow_by_arena(struct vnic_mem *mem, size_t len)
{
	struct vnic_dev *d = mem->dev;
	unsigned before = mem->arenas;
	struct area **tail = &mem->areas, *a;
	int rc;

	while (*tail != NULL)
		tail = &(*tail)->next;
	rc = open_arena(mem, len);
	if (rc == 0 && d->ops->share_memory != NULL)
		rc = d->ops->share_memory(d);
	if (rc == 0)
		return 0;
	while ((a = *tail) != NULL) {
		*tail = a->next;
		area_delete(a, false);
	}
	if (mem->arenas > before)
		arena_destroy(mem->arena[--mem->arenas]);
	return rc;
}

static int mem_grow(struct vnic_mem *mem, size_t len)
{
	len = RTE_ALIGN_CEIL(len, (size_t)MEM_ALIGN_MAX);
	if (mem->dev->dma_arena != NULL)
		return borrow_arena(mem, len);
	if (mem->arenas == 0)
		return area_from_eal(mem, len) != NULL ? 0 : -ENOMEM;
	/* Of a device that does not run all of it is made anew: vnic_rings_create(). */
	return mem->dev->state == VNIC_RUNNING ? grow_by_arena(mem, len) : -ENOMEM;
}

int vnic_mem_alloc(struct vnic_mem *mem, size_t len, size_t align, struct vnic_chunk *out)
{
	size_t need = RTE_ALIGN_CEIL(len, MEM_UNIT) + MEM_RED_ZONE;
	struct area *a = NULL;
	struct piece *p;

	memset(out, 0, sizeof(*out));
	if (len == 0 || len > MEM_LEN_MAX || align > MEM_ALIGN_MAX || !rte_is_power_of_2((uint32_t)align))
		return -ENOMEM;
	align = RTE_MAX(align, MEM_UNIT);
	p = mem_find(mem, need, align, &a);
	if (p == NULL && mem_grow(mem, need) == 0)
		p = mem_find(mem, need, align, &a);
	if (p == NULL)
		return -ENOMEM;
	p->state = PIECE_USED;
	out->va = a->va + p->off;
	out->iova = a->iova + p->off;
	out->len = len;
	base_unpoison(out->va, len);
	memset(out->va, 0, len);
	return 0;
}

/* Free neighbours become one piece again. */
static void area_merge(struct area *a)
{
	struct piece *p = a->pieces, *next;

	while (p->next != NULL) {
		next = p->next;
		if (p->state == PIECE_FREE && next->state == PIECE_FREE) {
			p->len += next->len;
			p->next = next->next;
			free(next);
		} else {
			p = next;
		}
	}
}

static struct piece *piece_of(struct vnic_mem *mem, const void *va, struct area **area)
{
	for (struct area *a = mem->areas; a != NULL; a = a->next)
		for (struct piece *p = a->pieces; p != NULL; p = p->next)
			if (a->va + p->off == va && p->state == PIECE_USED) {
				*area = a;
				return p;
			}
	return NULL;
}

void vnic_mem_free(struct vnic_mem *mem, struct vnic_chunk *c)
{
	struct area *a = NULL;
	struct piece *p = c->len == 0 ? NULL : piece_of(mem, c->va, &a);

	memset(c, 0, sizeof(*c));
	if (p == NULL)
		return;
	p->state = PIECE_FREE;
	base_poison(a->va + p->off, p->len);
	area_merge(a);
}

void vnic_mem_quarantine(struct vnic_mem *mem, struct vnic_chunk *c)
{
	struct area *a = NULL;
	struct piece *p = c->len == 0 ? NULL : piece_of(mem, c->va, &a);

	memset(c, 0, sizeof(*c));
	if (p == NULL)
		return;
	p->state = PIECE_QUARANTINED;
	mem->quarantined += p->len;
}

void vnic_mem_release(struct vnic_mem *mem)
{
	for (struct area *a = mem->areas; a != NULL; a = a->next) {
		for (struct piece *p = a->pieces; p != NULL; p = p->next) {
			if (p->state != PIECE_QUARANTINED)
				continue;
			p->state = PIECE_FREE;
			base_poison(a->va + p->off, p->len);
		}
		area_merge(a);
	}
	mem->quarantined = 0;
}

size_t vnic_mem_quarantined(const struct vnic_mem *mem)
{
	return mem->quarantined;
}
