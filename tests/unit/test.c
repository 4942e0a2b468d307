/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/test.h"

#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_eal.h>

static char eal_run_dir[256];
static pid_t eal_owner;

int test_run(const char *suite, const struct test_case *cases, size_t n, const char *match)
{
	CU_pSuite s;
	size_t added = 0;
	int status = EXIT_FAILURE;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return EXIT_FAILURE;
	s = CU_add_suite(suite, NULL, NULL);
	if (s == NULL)
		goto out;
	for (size_t i = 0; i < n; i++) {
		if (match != NULL && strstr(cases[i].name, match) == NULL)
			continue;
		if (CU_add_test(s, cases[i].name, cases[i].fn) == NULL)
			goto out;
		added++;
	}
	CU_basic_set_mode(CU_BRM_NORMAL);
	if (CU_basic_run_tests() != CUE_SUCCESS)
		goto out;
	if (added > 0 && CU_get_number_of_tests_run() == added && CU_get_number_of_failure_records() == 0)
		status = EXIT_SUCCESS;
out:
	if (CU_get_error() != CUE_SUCCESS)
		fprintf(stderr, "%s: %s\n", suite, CU_get_error_msg());
	CU_cleanup_registry();
	return status;
}

uint64_t test_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

bool test_nap(uint64_t since_ms)
{
	bool patient = test_now_ms() - since_ms < TEST_PATIENCE_MS;

	usleep(1000);
	return patient;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)remove(path);
	return 0;
}

static void eal_fini(void)
{
	/* A forked child that exits must leave its parent's EAL alone. */
	if (getpid() != eal_owner)
		return;
	rte_eal_cleanup();
	nftw(eal_run_dir, remove_entry, 4, FTW_DEPTH | FTW_PHYS);
}

static void eal_start(char *telemetry)
{
	char prefix[64], lcores[32], program[] = "unit-test";
	char *argv[] = {
		program, (char[]){"--no-huge"}, (char[]){"--no-pci"}, (char[]){"--no-shconf"},
		telemetry, (char[]){"-m"}, (char[]){"256"},
		(char[]){"--log-level=error"}, prefix, lcores, NULL,
	};
	cpu_set_t affinity;
	int cpu = sched_getcpu();

	if (eal_owner != 0)
		return;
	snprintf(prefix, sizeof(prefix), "--file-prefix=smcgate-test-%d", (int)getpid());
	snprintf(lcores, sizeof(lcores), "--lcores=0@%d", cpu < 0 ? 0 : cpu);
	sched_getaffinity(0, sizeof(affinity), &affinity);
	if (rte_eal_init((int)RTE_DIM(argv) - 1, argv) < 0) {
		fprintf(stderr, "EAL does not start\n");
		exit(EXIT_FAILURE);
	}
	/* EAL ties the thread to one CPU, on which other tests may be busy. */
	sched_setaffinity(0, sizeof(affinity), &affinity);
	snprintf(eal_run_dir, sizeof(eal_run_dir), "%s", rte_eal_get_runtime_dir());
	eal_owner = getpid();
	atexit(eal_fini);
}

void test_eal_init(void)
{
	eal_start((char[]){"--no-telemetry"});
}

void test_eal_init_telemetry(void)
{
	eal_start((char[]){"--telemetry"});
}
