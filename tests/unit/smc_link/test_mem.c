/* SPDX-License-Identifier: BSD-3-Clause */
/* The buddy allocator. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "proto/smc/mem.h"
#include "tests/unit/test.h"

#define MIB (1024u * 1024u)

static void smc_mem_create__lengths(void)
{
	static const struct { size_t len, usable; unsigned largest; } t[] = {
		{ 0, 0, 0 }, { SMC_MEM_STRIDE - 1, 0, 0 }, { SMC_MEM_STRIDE, 16384, 0 },
		{ 3 * SMC_MEM_STRIDE + 5, 3 * 16384, 1 }, { 256 * SMC_MEM_STRIDE, 4 * MIB, 8 },
		{ 4 * MIB, 255 * 16384, 7 }, { 577 * SMC_MEM_STRIDE, 9 * MIB + 16384, 8 },
	};

	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		void *base = calloc(1, t[i].len + 1);
		struct smc_mem *m = smc_mem_create(base, t[i].len);

		CU_ASSERT_EQUAL(m != NULL, t[i].usable != 0);
		if (m != NULL) {
			CU_ASSERT_EQUAL(smc_mem_len(m), t[i].usable);
			CU_ASSERT_EQUAL(smc_mem_free_bytes(m), t[i].usable);
			CU_ASSERT_PTR_NOT_NULL(smc_mem_alloc(m, t[i].largest));
			CU_ASSERT_EQUAL(smc_mem_free_bytes(m), t[i].usable - (16384u << t[i].largest));
		}
		smc_mem_destroy(m);
		free(base);
	}
	CU_ASSERT_PTR_NULL(smc_mem_create(NULL, 1 << 20));
}

static void smc_mem_alloc__splits_and_merges(void)
{
	uint8_t *base = malloc(256 * SMC_MEM_STRIDE), *a, *b, *c;
	struct smc_mem *m = smc_mem_create(base, 256 * SMC_MEM_STRIDE);

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	a = smc_mem_alloc(m, 0);
	b = smc_mem_alloc(m, 0);
	c = smc_mem_alloc(m, 7);
	CU_ASSERT(a != NULL && b != NULL && c != NULL && a != b);
	CU_ASSERT_EQUAL((c - base) % (128 * SMC_MEM_STRIDE), 0);
	CU_ASSERT_PTR_NULL(smc_mem_alloc(m, 8));
	CU_ASSERT_PTR_NULL(smc_mem_alloc(m, 7));
	smc_mem_free(m, b, 0);
	smc_mem_free(m, a, 0);
	CU_ASSERT_PTR_NULL(smc_mem_alloc(m, 8));
	smc_mem_free(m, c, 7);
	a = smc_mem_alloc(m, 8);
	CU_ASSERT_PTR_EQUAL(a, base);
	CU_ASSERT_EQUAL(smc_mem_free_bytes(m), 0);
	smc_mem_free(m, a, 8);
	smc_mem_destroy(m);
	free(base);
}

/* Blocks of all sizes in any order: aligned, inside, never two over each other,
 * and in the end one piece again. */
static void smc_mem_alloc__random(void)
{
	enum { UNITS = 707, LEN = UNITS * SMC_MEM_STRIDE, SLOTS = 64 };
	uint8_t *base = calloc(1, LEN);
	struct smc_mem *m = smc_mem_create(base, LEN);
	struct { uint8_t *p; unsigned order; } slots[SLOTS] = { 0 };
	uint64_t seed = 42, used = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	for (unsigned step = 0; step < 20000; step++) {
		unsigned i = test_random(&seed) % SLOTS, order = test_random(&seed) % SMC_MEM_ORDERS;
		size_t len;

		if (slots[i].p != NULL) {
			len = 16384u << slots[i].order;
			/* Marks of the owner at both ends are whole. */
			CU_ASSERT(slots[i].p[0] == i + 1 && slots[i].p[len - 1] == i + 1);
			slots[i].p[0] = slots[i].p[len - 1] = 0;
			smc_mem_free(m, slots[i].p, slots[i].order);
			slots[i].p = NULL;
			used -= len;
		} else if ((slots[i].p = smc_mem_alloc(m, order)) != NULL) {
			len = 16384u << order;
			slots[i].order = order;
			CU_ASSERT_EQUAL((size_t)(slots[i].p - base) % (SMC_MEM_STRIDE << order), 0);
			CU_ASSERT(slots[i].p >= base && slots[i].p + len <= base + LEN);
			CU_ASSERT(slots[i].p[0] == 0 && slots[i].p[len - 1] == 0);
			slots[i].p[0] = slots[i].p[len - 1] = (uint8_t)(i + 1);
			used += len;
		}
		CU_ASSERT_EQUAL(smc_mem_free_bytes(m), UNITS * 16384u - used);
	}
	for (unsigned i = 0; i < SLOTS; i++)
		if (slots[i].p != NULL)
			smc_mem_free(m, slots[i].p, slots[i].order);
	CU_ASSERT_EQUAL(smc_mem_free_bytes(m), UNITS * 16384u);
	CU_ASSERT_PTR_NOT_NULL(smc_mem_alloc(m, 8));
	CU_ASSERT_PTR_NOT_NULL(smc_mem_alloc(m, 8));
	smc_mem_destroy(m);
	free(base);
}

/* Lines that rings of one size use at the same time are spread over the sets of a
 * cache of 64 sets (the first 4 KiB decide) and of one of 2048 (128 KiB). */
static void smc_mem_alloc__spreads_over_cache_sets(void)
{
	static const struct { unsigned order, sets, at_least; } t[] = {
		{ 0, 64, 64 }, { 2, 64, 16 }, { 0, 2048, 128 }, { 2, 2048, 128 }, { 4, 2048, 128 },
	};
	size_t len = 4096 * (size_t)SMC_MEM_STRIDE;
	uint8_t *base = aligned_alloc(MIB, RTE_ALIGN_CEIL(len, (size_t)MIB));
	unsigned i, k;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct smc_mem *m = smc_mem_create(base, len);
		bool seen[2048] = { false };
		unsigned different = 0;

		for (k = 0; k < 128; k++) {
			uint8_t *p = smc_mem_alloc(m, t[i].order);
			unsigned set = (unsigned)((uintptr_t)p / 64 % t[i].sets);

			CU_ASSERT_PTR_NOT_NULL_FATAL(p);
			different += !seen[set];
			seen[set] = true;
		}
		CU_ASSERT_TRUE(different >= t[i].at_least);
		smc_mem_destroy(m);
	}
	free(base);
}

static const struct test_case cases[] = {
	TEST_CASE(smc_mem_create__lengths),
	TEST_CASE(smc_mem_alloc__splits_and_merges),
	TEST_CASE(smc_mem_alloc__random),
	TEST_CASE(smc_mem_alloc__spreads_over_cache_sets),
};
TEST_MAIN("smc_mem", cases)
