/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/base/histogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

static struct histogram h, g;

static void histogram__empty(void)
{
	histogram_init(&h);
	CU_ASSERT(h.count == 0 && h.sum == 0 && h.min == 0 && h.max == 0);
	CU_ASSERT_EQUAL(histogram_quantile(&h, 0.5), 0);
	CU_ASSERT_EQUAL(histogram_quantile(&h, 1), 0);
}

/* Up to 127 a bucket holds a single value. */
static void histogram__small_values_are_exact(void)
{
	histogram_init(&h);
	for (uint64_t v = 0; v < 128; v++)
		histogram_add(&h, v);
	CU_ASSERT(h.count == 128 && h.min == 0 && h.max == 127 && h.sum == 127 * 64);
	for (unsigned i = 1; i <= 128; i++)
		CU_ASSERT_EQUAL(histogram_quantile(&h, i / 128.0), i - 1);
}

/* The top of the bucket of v: found by a second, larger value that keeps max
 * out of the way. */
static uint64_t equivalent(uint64_t v)
{
	histogram_init(&h);
	histogram_add(&h, v);
	histogram_add(&h, UINT64_MAX);
	return histogram_quantile(&h, 0.5);
}

static void check_value(uint64_t v)
{
	uint64_t top = equivalent(v);

	CU_ASSERT_FATAL(top >= v);
	/* The width of the bucket is at most 1/64 of any value in it. */
	CU_ASSERT_FATAL(top - v <= v / 64);
	CU_ASSERT_FATAL(equivalent(top) == top);
	if (top + 1 < 1ull << HISTOGRAM_MAX_BITS)
		CU_ASSERT_FATAL(equivalent(top + 1) > top);
}

static void histogram__bucket_error_bound(void)
{
	const uint64_t last = (1ull << HISTOGRAM_MAX_BITS) - 1;
	uint64_t seed = 5;

	for (unsigned bits = 0; bits < HISTOGRAM_MAX_BITS; bits++) {
		uint64_t low = 1ull << bits;

		/* The last bucket answers with max: keep below it. */
		for (int d = -2; d <= 2; d++)
			check_value(low + (uint64_t)(low < 4 ? abs(d) : d));
		for (unsigned i = 0; i < 20; i++) {
			uint64_t v = low + test_random(&seed) % low;

			if (v < last - (last >> 7))
				check_value(v);
		}
	}
}

static void histogram_add__beyond_the_last_bucket(void)
{
	static const uint64_t rows[] = {
		(1ull << HISTOGRAM_MAX_BITS) - 1, 1ull << HISTOGRAM_MAX_BITS, 1ull << 50, UINT64_MAX,
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		histogram_init(&h);
		histogram_add(&h, rows[i]);
		CU_ASSERT_EQUAL(h.bucket[HISTOGRAM_BUCKETS - 1], 1);
		CU_ASSERT_EQUAL(h.max, rows[i]);
		CU_ASSERT_EQUAL(histogram_quantile(&h, 0.01), rows[i]);
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Against the sorted values: at least the true quantile, at most 1/64 more. */
static void histogram_quantile__agrees_with_sorted_values(void)
{
	static const double qs[] = { 0.001, 0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1 };
	enum { N = 4999 };
	static uint64_t v[N];
	uint64_t seed = 11;

	for (unsigned round = 0; round < 20; round++) {
		histogram_init(&h);
		for (unsigned i = 0; i < N; i++) {
			v[i] = test_random(&seed) >> (26 + test_random(&seed) % 38);
			histogram_add(&h, v[i]);
		}
		qsort(v, N, sizeof(v[0]), compare);
		CU_ASSERT(h.min == v[0] && h.max == v[N - 1]);
		for (unsigned i = 0; i < sizeof(qs) / sizeof(qs[0]); i++) {
			uint64_t truth = v[(unsigned)ceil(qs[i] * N) - 1];
			uint64_t got = histogram_quantile(&h, qs[i]);

			CU_ASSERT(got >= truth && got - truth <= truth / 64);
		}
	}
}

static void histogram_quantile__odd_arguments(void)
{
	histogram_init(&h);
	for (uint64_t v = 10; v <= 20; v++)
		histogram_add(&h, v);
	CU_ASSERT_EQUAL(histogram_quantile(&h, 0.1), 11); /* the second of eleven */
	CU_ASSERT_EQUAL(histogram_quantile(&h, 0), 10);
	CU_ASSERT_EQUAL(histogram_quantile(&h, -1), 10);
	CU_ASSERT_EQUAL(histogram_quantile(&h, 7), 20);
	CU_ASSERT_EQUAL(histogram_quantile(&h, NAN), 20);
}

/* Merging two is the same as adding all values to one. */
static void histogram_merge__equals_adding_all(void)
{
	static struct histogram all;
	uint64_t seed = 17;

	histogram_init(&h);
	histogram_init(&g);
	histogram_init(&all);
	histogram_merge(&h, &g);
	CU_ASSERT(h.count == 0 && h.min == 0);
	for (unsigned i = 0; i < 10000; i++) {
		uint64_t v = 5 + (test_random(&seed) >> (20 + i % 40));

		histogram_add(i % 3 == 0 ? &h : &g, v);
		histogram_add(&all, v);
	}
	histogram_merge(&h, &g);
	CU_ASSERT_EQUAL(memcmp(&h, &all, sizeof(h)), 0);
	histogram_init(&g);
	histogram_merge(&g, &all);
	CU_ASSERT_EQUAL(memcmp(&g, &all, sizeof(g)), 0);
}

static void histogram__full_buckets_stay_full(void)
{
	histogram_init(&h);
	histogram_add(&h, 3);
	h.bucket[3] = UINT32_MAX;
	histogram_add(&h, 3);
	CU_ASSERT_EQUAL(h.bucket[3], UINT32_MAX);
	g = h;
	histogram_merge(&h, &g);
	CU_ASSERT_EQUAL(h.bucket[3], UINT32_MAX);
	CU_ASSERT_EQUAL(h.count, 4);
}

static const struct test_case cases[] = {
	TEST_CASE(histogram__empty),
	TEST_CASE(histogram__small_values_are_exact),
	TEST_CASE(histogram__bucket_error_bound),
	TEST_CASE(histogram_add__beyond_the_last_bucket),
	TEST_CASE(histogram_quantile__agrees_with_sorted_values),
	TEST_CASE(histogram_quantile__odd_arguments),
	TEST_CASE(histogram_merge__equals_adding_all),
	TEST_CASE(histogram__full_buckets_stay_full),
};
TEST_MAIN("histogram", cases)
