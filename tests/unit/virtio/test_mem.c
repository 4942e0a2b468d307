/* SPDX-License-Identifier: BSD-3-Clause */
/* The heap of rings and tables, in memzones and in an arena. */
#include <string.h>

#include "pmd/base/arena.h"
#include "pmd/virtio/dev.h"
#include "tests/unit/test.h"

static struct vnic_dev dev = { .name = "mem", .transport_flags = VNIC_TRANSPORT_VA };
/* In a program with arenas the heap is one of them. */
static struct arena *other;

static struct vnic_mem *open_heap(size_t len, bool arena)
{
	struct vnic_mem *mem = NULL;

	test_eal_init();
	if (arena)
		CU_ASSERT_EQUAL_FATAL(arena_create(&other, "other", 4096, -1, false), 0);
	CU_ASSERT_EQUAL_FATAL(vnic_mem_create(&mem, &dev, len, -1), 0);
	return mem;
}

static void close_heap(struct vnic_mem *mem)
{
	vnic_mem_destroy(mem);
	arena_destroy(other);
	other = NULL;
}

static bool filled(const struct vnic_chunk *c, int octet)
{
	for (size_t i = 0; i < c->len; i++)
		if (((const uint8_t *)c->va)[i] != octet)
			return false;
	return true;
}

static void mem_alloc__refuses(void)
{
	static const struct {
		size_t len, align;
	} bad[] = { { 0, 64 }, { 64, 0 }, { 64, 3 }, { 64, 8192 }, { SIZE_MAX, 64 }, { SIZE_MAX / 4 + 1, 64 } };
	struct vnic_mem *mem = open_heap(65536, false);
	struct vnic_chunk c;

	for (unsigned i = 0; i < RTE_DIM(bad); i++) {
		memset(&c, 0xff, sizeof(c));
		CU_ASSERT_EQUAL(vnic_mem_alloc(mem, bad[i].len, bad[i].align, &c), -ENOMEM);
		CU_ASSERT_EQUAL(c.len, 0);
	}
	vnic_mem_free(mem, &c); /* of nothing: nothing */
	close_heap(mem);
	CU_ASSERT_EQUAL(vnic_mem_create(&mem, &dev, 0, -1), -ENOMEM);
	CU_ASSERT_EQUAL(vnic_mem_create(&mem, &dev, SIZE_MAX, -1), -ENOMEM);
}

#define PIECES 64

/* Random pieces, each with its own octet: zeroed, aligned, apart, and in the memory shared. */
static void churn(bool arena)
{
	struct vnic_mem *mem = open_heap(1u << 20, arena);
	struct vnic_chunk c[PIECES] = { { 0 } }, whole;
	struct arena_ref ref;
	uint64_t rnd = 7;

	for (unsigned turn = 0; turn < 4000; turn++) {
		unsigned i = (unsigned)(test_random(&rnd) % PIECES);
		size_t align = (size_t)1 << (test_random(&rnd) % 13), len = 1 + test_random(&rnd) % 10000;

		if (c[i].len != 0) {
			CU_ASSERT(filled(&c[i], (int)i + 1));
			vnic_mem_free(mem, &c[i]);
			CU_ASSERT_EQUAL(c[i].len, 0);
			continue;
		}
		CU_ASSERT_EQUAL_FATAL(vnic_mem_alloc(mem, len, align, &c[i]), 0);
		CU_ASSERT_EQUAL(c[i].len, len);
		CU_ASSERT_EQUAL((uintptr_t)c[i].va % align, 0);
		CU_ASSERT_EQUAL(c[i].iova, (uintptr_t)c[i].va);
		CU_ASSERT(filled(&c[i], 0));
		CU_ASSERT_EQUAL(arena_locate(c[i].va, (uint32_t)len, &ref), arena ? 0 : -ENOENT);
		memset(c[i].va, (int)i + 1, len);
	}
	for (unsigned i = 0; i < PIECES; i++)
		vnic_mem_free(mem, &c[i]);
	/* One piece again. */
	CU_ASSERT_EQUAL(vnic_mem_alloc(mem, (1u << 20) - 256, 64, &whole), 0);
	close_heap(mem);
}

static void mem_alloc__memzones(void)
{
	churn(false);
}

static void mem_alloc__arena(void)
{
	churn(true);
}

/* Memzones: more than was said is found elsewhere; an arena has what it has. */
static void mem_alloc__beyond(void)
{
	struct vnic_chunk c;
	struct vnic_mem *mem = open_heap(4096, false);

	CU_ASSERT_EQUAL(vnic_mem_alloc(mem, 3u << 20, 64, &c), 0);
	CU_ASSERT(filled(&c, 0));
	close_heap(mem);
	mem = open_heap(4096, true);
	CU_ASSERT_EQUAL(vnic_mem_alloc(mem, 3u << 20, 64, &c), -ENOMEM);
	close_heap(mem);
}

/* In quarantine a piece is not handed out, and keeps what the device writes to itself. */
static void mem_quarantine__holds(void)
{
	struct vnic_mem *mem = open_heap(65536, true);
	struct vnic_chunk c, d, big;
	uint8_t *va;

	CU_ASSERT_EQUAL(vnic_mem_alloc(mem, 5000, 64, &c), 0);
	va = c.va;
	vnic_mem_quarantine(mem, &c);
	CU_ASSERT_EQUAL(c.len, 0);
	CU_ASSERT(vnic_mem_quarantined(mem) >= 5000);
	memset(va, 0xee, 5000);
	/* All the rest, piece by piece, is elsewhere. */
	while (vnic_mem_alloc(mem, 64, 64, &d) == 0)
		CU_ASSERT((uint8_t *)d.va + 64 <= va || (uint8_t *)d.va >= va + 5000);
	vnic_mem_release(mem);
	CU_ASSERT_EQUAL(vnic_mem_quarantined(mem), 0);
	CU_ASSERT_EQUAL(vnic_mem_alloc(mem, 5000, 64, &big), 0);
	CU_ASSERT_PTR_EQUAL(big.va, va);
	CU_ASSERT(filled(&big, 0));
	close_heap(mem);
}

/* A device that was never heard to stop: its memory outlives the heap. */
static void mem_destroy__leaves_quarantine(void)
{
	struct arena_region r[8];
	struct vnic_mem *mem = open_heap(65536, true);
	unsigned before = arena_regions(r, 8);
	struct vnic_chunk c;
	uint8_t *va;

	CU_ASSERT_EQUAL(vnic_mem_alloc(mem, 5000, 64, &c), 0);
	va = c.va;
	vnic_mem_quarantine(mem, &c);
	vnic_mem_destroy(mem);
	CU_ASSERT_EQUAL(arena_regions(r, 8), before);
	memset(va, 0xee, 5000); /* still ours */
	/* And another heap is made beside it. */
	CU_ASSERT_EQUAL(vnic_mem_create(&mem, &dev, 65536, -1), 0);
	close_heap(mem);
}

/* Of somebody else's arena, which takes nothing back: a device that is started again and again uses what it had. */
static void mem_create__again_in_an_arena(void)
{
	struct vnic_mem *mem = NULL;
	const uint8_t *kept;
	struct vnic_chunk c;

	test_eal_init();
	CU_ASSERT_EQUAL_FATAL(arena_create(&dev.dma_arena, "machine", 1u << 20, -1, false), 0);
	for (unsigned i = 0; i < 50; i++) {
		CU_ASSERT_EQUAL_FATAL(vnic_mem_create(&mem, &dev, i % 2 != 0 ? 65536 : 131072, -1), 0);
		CU_ASSERT_EQUAL(vnic_mem_alloc(mem, 50000, 64, &c), 0);
		CU_ASSERT(filled(&c, 0));
		memset(c.va, 0xee, c.len);
		vnic_mem_destroy(mem);
	}
	/* What a device may still write to is not given again. */
	CU_ASSERT_EQUAL_FATAL(vnic_mem_create(&mem, &dev, 65536, -1), 0);
	CU_ASSERT_EQUAL(vnic_mem_alloc(mem, 50000, 64, &c), 0);
	kept = c.va;
	vnic_mem_quarantine(mem, &c);
	vnic_mem_destroy(mem);
	CU_ASSERT_EQUAL_FATAL(vnic_mem_create(&mem, &dev, 65536, -1), 0);
	CU_ASSERT_EQUAL(vnic_mem_alloc(mem, 50000, 64, &c), 0);
	CU_ASSERT((uint8_t *)c.va + c.len <= kept || (uint8_t *)c.va >= kept + c.len);
	vnic_mem_destroy(mem);
	arena_destroy(dev.dma_arena);
	dev.dma_arena = NULL;
	dev.dma_spare_len = 0;
}

/* Of an arena: more when the device runs, and is told and takes it; else there is no more. */
static unsigned told;
static int share_rc;

static int share(struct vnic_dev *d)
{
	(void)d;
	told++;
	return share_rc;
}

static void mem_alloc__grows(void)
{
	static const struct vnic_transport_ops ops = { .share_memory = share };
	struct vnic_mem *mem = open_heap(1u << 20, true);
	struct vnic_chunk c, more;

	dev.ops = &ops;
	told = 0;
	share_rc = 0;
	CU_ASSERT_EQUAL(vnic_mem_alloc(mem, 8u << 20, 64, &c), -ENOMEM);
	dev.state = VNIC_RUNNING;
	CU_ASSERT_EQUAL(vnic_mem_alloc(mem, 8u << 20, 64, &c), 0);
	CU_ASSERT(told == 1 && filled(&c, 0));
	share_rc = -ENOSPC;
	CU_ASSERT_EQUAL(vnic_mem_alloc(mem, 8u << 20, 64, &more), -ENOMEM);
	CU_ASSERT_EQUAL(told, 2);
	vnic_mem_free(mem, &c);
	CU_ASSERT_EQUAL(vnic_mem_alloc(mem, 8u << 20, 64, &more), 0);
	CU_ASSERT_EQUAL(told, 2); /* the same place again */
	vnic_mem_free(mem, &more);
	close_heap(mem);
	dev.state = VNIC_CLOSED;
	dev.ops = NULL;
}

static const struct test_case cases[] = {
	TEST_CASE(mem_alloc__refuses),
	TEST_CASE(mem_alloc__memzones),
	TEST_CASE(mem_alloc__arena),
	TEST_CASE(mem_alloc__beyond),
	TEST_CASE(mem_quarantine__holds),
	TEST_CASE(mem_destroy__leaves_quarantine), /* last: an arena stays behind */
	TEST_CASE(mem_create__again_in_an_arena),
	TEST_CASE(mem_alloc__grows),
};

TEST_MAIN("virtio_mem", cases)
