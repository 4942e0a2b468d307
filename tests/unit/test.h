/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every unit test starts from: a table of cases, run as one CUnit suite.
 *
 *	static const struct test_case cases[] = {
 *		TEST_CASE(pool_get__runs_out),
 *	};
 *	TEST_MAIN("pool", cases)
 *
 * The program exits with 0 when every assertion held. An argument, if given,
 * selects the cases whose name contains it.
 */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <CUnit/Basic.h>

#define TEST_SKIP 77 /* exit status that meson reports as skipped */

struct test_case {
	const char *name;
	void (*fn)(void);
};

#define TEST_CASE(function) { #function, function }

#define TEST_MAIN(suite, cases) \
	int main(int argc, char **argv) \
	{ \
		return test_run(suite, cases, sizeof(cases) / sizeof((cases)[0]), \
				argc > 1 ? argv[1] : NULL); \
	}

/* Run the cases whose name contains match (NULL: all). Returns the exit
 * status. A run of no case is a failure. */
int test_run(const char *suite, const struct test_case *cases, size_t n, const char *match);

/*
 * Start EAL once in this process: one lcore, 256 MiB without hugepages, no
 * PCI, log level error, a file prefix of its own. Later calls do nothing. At
 * exit EAL is cleaned up and its run directory removed. The thread keeps its
 * CPU affinity. Exits the program when EAL does not start.
 */
void test_eal_init(void);
/* The same with DPDK's telemetry, whose socket is in EAL's run directory. */
void test_eal_init_telemetry(void);

/*
 * Wait until a condition holds, looking every millisecond: true when it does, false after
 * TEST_PATIENCE_MS, which only cut off what hangs. However slow the machine is, it is looked at
 * once more after that time.
 */
#define TEST_PATIENCE_MS 20000
#define TEST_SOON(condition) \
	({ \
		uint64_t test_since_ = test_now_ms(); \
		bool test_holds_, test_patient_ = true; \
		while (!(test_holds_ = (condition)) && test_patient_) \
			test_patient_ = test_nap(test_since_); \
		test_holds_; \
	})
/* What TEST_SOON() consists of: the clock that does not jump, and a millisecond's sleep, false when it is too late. */
uint64_t test_now_ms(void);
bool test_nap(uint64_t since_ms);

/* Reproducible random numbers (splitmix64); the state is the seed. */
static inline uint64_t test_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

#endif
