/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs all tables of scenarios, each in every variant (fast and slow path,
 * sequence numbers near the wrap, offloads). Prints how many ran.
 *
 *   test_tcp_scenarios [PART OF A NAME]     with SCRIPT_TRACE=1: every segment
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/tcp/scenarios.h"

#define SCENARIOS_AT_LEAST 150

/* Last of the cases: the set may grow, not shrink. */
static void scenarios__count(void)
{
	CU_ASSERT(script_count() >= SCENARIOS_AT_LEAST);
}

#define CASE(name) { #name, scenarios_##name },
static const struct test_case cases[] = {
	SCENARIO_TABLES(CASE)
	TEST_CASE(scenarios__count),
};

int main(int argc, char **argv)
{
	unsigned n = sizeof(cases) / sizeof(cases[0]);
	int rc;

	test_eal_init();
	script_select(argc > 1 ? argv[1] : NULL, getenv("SCRIPT_TRACE") != NULL);
	rc = test_run("scenarios", cases, argc > 1 ? n - 1 : n, NULL);
	printf("scenarios: %u\n", script_count());
	return rc;
}
