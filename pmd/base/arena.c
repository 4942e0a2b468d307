/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/memfd.h>
#include <numa.h>

#include <rte_eal.h>
#include <rte_memory.h>

#include "pmd/base/arena_private.h"
#include "pmd/base/asan.h"
#include "pmd/base/placement.h"

#define ARENAS_MAX 64
#define SMALL_PAGE 4096ul
#define HUGE_PAGE (2ul << 20)

/* In order of creation. Written by the main lcore while no worker runs. */
static struct arena *arenas[ARENAS_MAX];
static unsigned arena_count;

/* fallocate(2) asked for more than there is would wake the OOM killer. */
static bool memory_for(size_t len)
{
	unsigned long long kib;
	char line[128];
	bool enough = true;
	FILE *f = fopen("/proc/meminfo", "re");

	if (f == NULL)
		return true;
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			enough = len / 1024 < kib;
	fclose(f);
	return enough;
}

/* Bind when the node has room; an unbound arena is better than none, and
 * region->node tells. */
static void bind_region(struct arena_region *r, int node)
{
	long long unused = 0;

	r->node = -1;
	if (node < 0 || numa_available() < 0 || node > numa_max_node())
		return;
	if (r->page_size == SMALL_PAGE) {
		numa_node_size64(node, &unused);
		if (unused < 0 || (unsigned long long)unused < r->len)
			return;
	}
	if (placement_bind(r->addr, r->len, node) == 0)
		r->node = node;
}

static void touch_pages(const struct arena_region *r)
{
	for (size_t off = 0; off < r->len; off += r->page_size)
		*(volatile uint8_t *)((uint8_t *)r->addr + off) = 0;
}

static void unmap_region(struct arena_region *r)
{
	if (r->addr != NULL)
		munmap(r->addr, r->len);
	close(r->fd);
}

static int map_region(struct arena_region *r, const char *name, size_t len, int node, size_t page_size)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;

	if (page_size == HUGE_PAGE)
		flags |= MFD_HUGETLB | MFD_HUGE_2MB;
	else if (!memory_for(len))
		return -ENOMEM;
	r->page_size = page_size;
	r->len = (len + page_size - 1) & ~(page_size - 1);
	r->addr = NULL;
	r->fd = memfd_create(name, flags);
	if (r->fd < 0)
		return -ENOMEM;
	if (ftruncate(r->fd, (off_t)r->len) != 0)
		goto fail;
	r->addr = mmap(NULL, r->len, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	if (r->addr == MAP_FAILED) {
		r->addr = NULL;
		goto fail;
	}
	bind_region(r, node);
	/* Reserves the pages with an error where touching them would be a SIGBUS. */
	if (fallocate(r->fd, 0, 0, (off_t)r->len) != 0)
		goto fail;
	touch_pages(r);
	/* A process that is given the descriptor cannot cut the memory from under us. */
	if (fcntl(r->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		goto fail;
	return 0;
fail:
	unmap_region(r);
	return -ENOMEM;
}

/* Physical addresses, where devices are programmed with those. */
static int fill_iovas(struct arena *a)
{
	const struct arena_region *r = &a->region;
	size_t pages = r->len / r->page_size;

	if (rte_eal_iova_mode() != RTE_IOVA_PA)
		return 0;
	/* Small pages may be moved by the kernel unless they are locked. */
	if (mlock(r->addr, r->len) != 0)
		return -ENOMEM;
	a->iovas = calloc(pages, sizeof(a->iovas[0]));
	if (a->iovas == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < pages; i++) {
		a->iovas[i] = rte_mem_virt2phy((uint8_t *)r->addr + i * r->page_size);
		if (a->iovas[i] == RTE_BAD_IOVA)
			return -ENOMEM;
	}
	return 0;
}

static int register_region(struct arena *a)
{
	const struct arena_region *r = &a->region;
	unsigned pages = a->iovas == NULL ? 0 : (unsigned)(r->len / r->page_size);

	if (rte_extmem_register(r->addr, r->len, a->iovas, pages, r->page_size) != 0)
		return -ENOMEM;
	return 0;
}

static int check_arguments(const char *name, size_t len)
{
	if (name == NULL || name[0] == '\0' || strlen(name) >= ARENA_NAME_LEN || len == 0)
		return -EINVAL;
	for (unsigned i = 0; i < arena_count; i++)
		if (strcmp(arenas[i]->name, name) == 0)
			return -EEXIST;
	if (arena_count == ARENAS_MAX || len > SIZE_MAX / 4)
		return -ENOMEM;
	return 0;
}

int arena_create(struct arena **out, const char *name, size_t len, int node, bool huge)
{
	struct arena *a;
	int rc = check_arguments(name, len);

	*out = NULL;
	if (rc != 0)
		return rc;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return -ENOMEM;
	snprintf(a->name, sizeof(a->name), "%s", name);
	rc = huge ? map_region(&a->region, name, len, node, HUGE_PAGE) : -ENOMEM;
	if (rc != 0)
		rc = map_region(&a->region, name, len, node, SMALL_PAGE);
	if (rc != 0)
		goto fail;
	rc = fill_iovas(a);
	if (rc == 0)
		rc = register_region(a);
	if (rc != 0)
		goto fail_mapped;
	arenas[arena_count++] = a;
	*out = a;
	return 0;
fail_mapped:
	unmap_region(&a->region);
fail:
	free(a->iovas);
	free(a);
	return rc;
}

void arena_destroy(struct arena *a)
{
	unsigned i = 0;

	if (a == NULL)
		return;
	while (i < arena_count && arenas[i] != a)
		i++;
	if (i == arena_count)
		return;
	memmove(&arenas[i], &arenas[i + 1], (arena_count - i - 1) * sizeof(arenas[0]));
	arena_count--;
	rte_extmem_unregister(a->region.addr, a->region.len);
	/* Whoever is given these addresses next must find them clean. */
	base_unpoison(a->region.addr, a->region.len);
	unmap_region(&a->region);
	free(a->iovas);
	free(a);
}

void *arena_alloc(struct arena *a, size_t len, size_t align)
{
	uintptr_t base = (uintptr_t)a->region.addr, at;
	size_t off;

	if (len == 0 || align == 0 || (align & (align - 1)) != 0 || align > a->region.len)
		return NULL;
	at = (base + a->used + align - 1) & ~(uintptr_t)(align - 1);
	off = at - base;
	if (off > a->region.len || len > a->region.len - off)
		return NULL;
	a->used = off + len;
	return (uint8_t *)a->region.addr + off;
}

size_t arena_free_space(const struct arena *a)
{
	return a->region.len - a->used;
}

unsigned arena_regions(struct arena_region *out, unsigned max)
{
	for (unsigned i = 0; i < arena_count && i < max; i++)
		out[i] = arenas[i]->region;
	return arena_count;
}

const struct arena_region *arena_region(const struct arena *a)
{
	return &a->region;
}

int arena_locate(const void *p, uint32_t len, struct arena_ref *out)
{
	for (unsigned i = 0; i < arena_count; i++) {
		const struct arena_region *r = &arenas[i]->region;
		uintptr_t off = (uintptr_t)p - (uintptr_t)r->addr;

		if (off >= r->len || len > r->len - off)
			continue;
		*out = (struct arena_ref){ .arena = (uint16_t)i, .len = len, .offset = off };
		return 0;
	}
	return -ENOENT;
}

void *arena_resolve(const struct arena_ref *ref)
{
	const struct arena_region *r;

	if (ref->arena >= arena_count)
		return NULL;
	r = &arenas[ref->arena]->region;
	if (ref->offset >= r->len || ref->len > r->len - ref->offset)
		return NULL;
	return (uint8_t *)r->addr + ref->offset;
}
