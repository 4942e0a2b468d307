/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include <rte_common.h>

#include "tests/unit/test.h"

/* The same instant in three units: each reading lies between two of the finest. */
static void clock__units_agree(void)
{
	uint64_t before = clock_now_ns(), us = clock_now_us(), ms = clock_now_ms(), after = clock_now_ns();

	CU_ASSERT(before / 1000 <= us && us <= after / 1000);
	CU_ASSERT(before / 1000000 <= ms && ms <= after / 1000000);
	CU_ASSERT(before > 0 && after >= before);
}

static void clock__goes_on(void)
{
	uint64_t before = clock_now_us();

	usleep(3000);
	CU_ASSERT(clock_now_us() - before >= 3000 && clock_now_us() - before < 60000000);
}

static void clock__timespec(void)
{
	static const struct { uint64_t ns; time_t s; long rest; } rows[] = {
		{ 0, 0, 0 }, { 999999999, 0, 999999999 }, { 1000000000, 1, 0 }, { 31536000123456789, 31536000, 123456789 },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct timespec t = clock_timespec(rows[i].ns);

		CU_ASSERT(t.tv_sec == rows[i].s && t.tv_nsec == rows[i].rest);
	}
}

/* The conditions that wait with it have this clock: one of another would wait for ever, or not at all. */
static void clock__wait_of_a_condition(void)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	uint64_t until = clock_now_ns() + 5 * CLOCK_NS_PER_MS;
	struct timespec t = clock_timespec(until);
	pthread_condattr_t attr;
	pthread_cond_t cond;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&cond, &attr);
	pthread_mutex_lock(&lock);
	CU_ASSERT_EQUAL(pthread_cond_timedwait(&cond, &lock, &t), ETIMEDOUT);
	pthread_mutex_unlock(&lock);
	CU_ASSERT(clock_now_ns() >= until);
	pthread_cond_destroy(&cond);
	pthread_condattr_destroy(&attr);
}

/* Sleep is not counted, work is. */
static void clock__cpu_time(void)
{
	uint64_t slept = clock_thread_cpu_ns(), worked;

	usleep(20000);
	slept = clock_thread_cpu_ns() - slept;
	worked = clock_thread_cpu_ns();
	for (volatile unsigned i = 0; i < 20000000; i++)
		;
	worked = clock_thread_cpu_ns() - worked;
	CU_ASSERT(slept < 10000000);
	CU_ASSERT(worked > 2000000);
}

static const struct test_case cases[] = {
	TEST_CASE(clock__units_agree),
	TEST_CASE(clock__goes_on),
	TEST_CASE(clock__timespec),
	TEST_CASE(clock__wait_of_a_condition),
	TEST_CASE(clock__cpu_time),
};
TEST_MAIN("base_clock", cases)
