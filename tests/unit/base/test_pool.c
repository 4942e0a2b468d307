/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/base/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pmd/base/asan.h"
#include "tests/unit/test.h"

static void pool_init__refuses_bad_arguments(void)
{
	static const struct {
		uint32_t size, align, max;
		int rc;
	} rows[] = {
		{ 0, 8, 10, -EINVAL }, { 64, 8, 0, -EINVAL }, { 64, 0, 10, -EINVAL }, { 64, 3, 10, -EINVAL },
		{ 64, 8192, 10, -EINVAL }, { UINT32_MAX, 4096, 10, -EINVAL },
		{ 1u << 31, 4096, UINT32_MAX, -ENOMEM },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pool p;

		CU_ASSERT_EQUAL(pool_init(&p, rows[i].size, rows[i].align, rows[i].max, -1), rows[i].rc);
		CU_ASSERT_PTR_NULL(p.base);
		pool_fini(&p);
	}
}

static void pool_get__rounds_size_and_aligns(void)
{
	static const uint32_t rows[][3] = { /* size, align, stride */
		{ 1, 1, 4 }, { 5, 4, 8 }, { 64, 64, 64 }, { 65, 64, 128 }, { 100, 4096, 4096 }, { 12, 4, 12 },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pool p;

		CU_ASSERT_EQUAL_FATAL(pool_init(&p, rows[i][0], rows[i][1], 100, 0), 0);
		CU_ASSERT_EQUAL(p.size, rows[i][2]);
		for (unsigned k = 0; k < 100; k++) {
			uint8_t *obj = pool_get(&p);

			CU_ASSERT_PTR_NOT_NULL_FATAL(obj);
			CU_ASSERT_EQUAL((uintptr_t)obj % rows[i][1], 0);
			CU_ASSERT(obj >= p.base + p.size && obj + p.size <= p.base + p.mapped);
			memset(obj, 0xff, rows[i][0]);
		}
		pool_fini(&p);
	}
}

static void pool_get__lowest_index_first_and_never_zero(void)
{
	struct pool p;

	CU_ASSERT_EQUAL_FATAL(pool_init(&p, 48, 16, 5, -1), 0);
	for (uint32_t i = 1; i <= 5; i++) {
		void *obj = pool_get(&p);

		CU_ASSERT_EQUAL(pool_index(&p, obj), i);
		CU_ASSERT_PTR_EQUAL(pool_at(&p, i), obj);
	}
	CU_ASSERT_PTR_NULL(pool_get(&p));
	CU_ASSERT_EQUAL(p.used, 5);
	CU_ASSERT_EQUAL(p.high, 5);
	pool_put(&p, pool_at(&p, 3));
	CU_ASSERT_EQUAL(p.used, 4);
	CU_ASSERT_PTR_EQUAL(pool_get(&p), pool_at(&p, 3));
	CU_ASSERT_PTR_NULL(pool_get(&p));
	pool_fini(&p);
	CU_ASSERT_PTR_NULL(p.base);
}

/* Random gets and puts against a table of who owns what: nothing is handed
 * out twice, contents survive, fresh indices are used only when none is free. */
static void pool__random_operations(void)
{
	enum { MAX = 300, STEPS = 50000 };
	uint32_t *held[MAX];
	uint64_t seed = 3;
	uint32_t n = 0, most = 0;
	struct pool p;

	CU_ASSERT_EQUAL_FATAL(pool_init(&p, 40, 8, MAX, -1), 0);
	for (unsigned step = 0; step < STEPS; step++) {
		uint64_t r = test_random(&seed);

		if (r % 2 == 0 || n == 0) {
			uint32_t *obj = pool_get(&p);

			CU_ASSERT_EQUAL_FATAL(obj == NULL, n == MAX);
			if (obj == NULL)
				continue;
			for (unsigned i = 0; i < 10; i++)
				obj[i] = pool_index(&p, obj);
			held[n++] = obj;
		} else {
			uint32_t k = (uint32_t)(r >> 32) % n, *obj = held[k];

			for (unsigned i = 0; i < 10; i++)
				CU_ASSERT_EQUAL_FATAL(obj[i], pool_index(&p, obj));
			held[k] = held[--n];
			pool_put(&p, obj);
		}
		most = n > most ? n : most;
		CU_ASSERT_EQUAL_FATAL(p.used, n);
		CU_ASSERT_EQUAL_FATAL(p.high, most);
	}
	while (n > 0)
		pool_put(&p, held[--n]);
	CU_ASSERT_EQUAL(p.used, 0);
	pool_fini(&p);
}

static size_t resident_pages(const struct pool *p)
{
	size_t pages = p->mapped / 4096, n = 0;
	unsigned char *vec = malloc(pages);

	if (vec != NULL && mincore(p->base, p->mapped, vec) == 0)
		for (size_t i = 0; i < pages; i++)
			n += vec[i] & 1;
	free(vec);
	return n;
}

/* A million objects reserved cost nothing until they are taken. */
static void pool__memory_grows_with_use(void)
{
	struct pool p;

	CU_ASSERT_EQUAL_FATAL(pool_init(&p, 64, 64, 1u << 20, -1), 0);
	CU_ASSERT_EQUAL(resident_pages(&p), 0);
	for (unsigned i = 0; i < 1000; i++)
		memset(pool_get(&p), 1, 64);
	CU_ASSERT(resident_pages(&p) > 0);
	CU_ASSERT(resident_pages(&p) <= 512); /* one transparent huge page */
	pool_fini(&p);
}

#if BASE_ASAN
static void touch_free(struct pool *p)
{
	uint32_t *obj = pool_get(p);

	pool_put(p, obj);
	*(volatile uint32_t *)obj = 1;
}

static void put_twice(struct pool *p)
{
	void *obj = pool_get(p);

	pool_put(p, obj);
	pool_put(p, obj);
}

static void touch_never_taken(struct pool *p)
{
	*(volatile uint8_t *)pool_at(p, 7) = 1;
}

static void pool__asan_reports_misuse(void)
{
	static void (*const misuse[])(struct pool *) = { touch_free, put_twice, touch_never_taken };

	for (unsigned i = 0; i < sizeof(misuse) / sizeof(misuse[0]); i++) {
		int status = 0;
		pid_t child = fork();

		if (child == 0) {
			struct pool p;

			close(STDERR_FILENO);
			if (pool_init(&p, 32, 8, 16, -1) == 0)
				misuse[i](&p);
			_exit(0);
		}
		CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
		CU_ASSERT_NOT_EQUAL(status, 0);
	}
}
#endif

static const struct test_case cases[] = {
	TEST_CASE(pool_init__refuses_bad_arguments),
	TEST_CASE(pool_get__rounds_size_and_aligns),
	TEST_CASE(pool_get__lowest_index_first_and_never_zero),
	TEST_CASE(pool__random_operations),
	TEST_CASE(pool__memory_grows_with_use),
#if BASE_ASAN
	TEST_CASE(pool__asan_reports_misuse),
#endif
};
TEST_MAIN("pool", cases)
