/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/pipeline/whole.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_eal.h>

#include "app/common/runtime.h"
#include "tests/unit/pipeline/frame.h"
#include "tests/unit/test.h"

struct whole whole;

static void eal(void)
{
	static bool done;
	char program[] = "test", prefix[64], lcores[64];
	int cpu = sched_getcpu();
	char *argv[] = {
		program,
		(char[]){ "--no-huge" },
		(char[]){ "--no-pci" },
		(char[]){ "--no-shconf" },
		(char[]){ "--no-telemetry" },
		(char[]){ "-m" },
		(char[]){ "256" },
		(char[]){ "--log-level=error" },
		prefix,
		lcores,
		NULL,
	};

	if (done)
		return;
	done = true;
	cpu = cpu < 0 ? 0 : cpu;
	snprintf(prefix, sizeof(prefix), "--file-prefix=smcgate-whole-%d", (int)getpid());
	snprintf(lcores, sizeof(lcores), "--lcores=0@%d,1@%d,2@%d,3@%d", cpu, cpu, cpu, cpu);
	CU_ASSERT_FATAL(rte_eal_init((int)RTE_DIM(argv) - 1, argv) >= 0);
	runtime_note();
	atexit(runtime_remove);
	whole.mp = frame_pool("whole", 1023);
}

void whole_up(const char *text)
{
	static const unsigned workers[] = { 1, 2, 3 };
	struct cfg_errors errs = { 0 };

	eal();
	CU_ASSERT_EQUAL(config_parse_buffer(text, strlen(text), &whole.cfg, &errs), 0);
	cfg_errors_print(&errs, "smcgate", stderr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(whole.cfg);
	CU_ASSERT_EQUAL_FATAL(config_deal_queues(whole.cfg, workers, 3, &errs), 0);
	cfg_errors_free(&errs);
	CU_ASSERT_EQUAL_FATAL(pipeline_create(&whole.pl, whole.cfg), 0);
	CU_ASSERT_EQUAL_FATAL(pipeline_start(whole.pl), 0);
}

void whole_down(void)
{
	pipeline_stop(whole.pl, 0, NULL);
	pipeline_destroy(whole.pl);
	config_free(whole.cfg);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(whole.mp), 0);
}
