/* SPDX-License-Identifier: BSD-3-Clause */
/* When a worker sleeps, and how long. */
#include "app/smcgate/pipeline/idle.h"
#include "pmd/base/wheel.h"
#include "tests/unit/test.h"

static const struct idle_view base = {
	.spin_turns = 64,
	.min_sleep_us = 20,
	.max_sleep_us = 1000,
	.enabled = true,
	.empty_turns = 64,
	.now_us = 5000,
	.next_us = WHEEL_NEVER,
};

static struct idle_view view(unsigned empty)
{
	struct idle_view v = base;

	v.empty_turns = empty;
	return v;
}

static void idle_sleep_us__spins_first(void)
{
	struct idle_view v = view(63);

	CU_ASSERT_EQUAL(idle_sleep_us(&v), 0);
	v.empty_turns = 64;
	CU_ASSERT_EQUAL(idle_sleep_us(&v), base.min_sleep_us);
}

static void idle_sleep_us__doubles_up_to_the_limit(void)
{
	uint32_t last = 0;

	for (unsigned n = 64; n < 200; n++) {
		struct idle_view v = view(n);
		uint32_t us = idle_sleep_us(&v);

		CU_ASSERT(us >= last);
		CU_ASSERT(us <= base.max_sleep_us);
		if (last != 0 && us != base.max_sleep_us)
			CU_ASSERT_EQUAL(us, 2 * last);
		last = us;
	}
	CU_ASSERT_EQUAL(last, base.max_sleep_us);
}

static void idle_sleep_us__never_past_a_timer(void)
{
	static const struct {
		uint64_t next;
		uint32_t us;
	} cases[] = { { 5000, 0 }, { 4000, 0 }, { 5001, 1 }, { 5300, 300 }, { 6000, 1000 }, { 9000, 1000 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct idle_view v = view(1000);

		v.next_us = cases[i].next;
		CU_ASSERT_EQUAL(idle_sleep_us(&v), cases[i].us);
	}
}

static void idle_sleep_us__not_while_the_stack_is_busy(void)
{
	struct idle_view v = view(1000);

	v.busy = true;
	CU_ASSERT_EQUAL(idle_sleep_us(&v), 0);
	v.backlog = true; /* it waits for the port: polling would not help */
	CU_ASSERT_EQUAL(idle_sleep_us(&v), IDLE_BACKLOG_SLEEP_US);
}

static void idle_sleep_us__long_with_interrupts(void)
{
	struct idle_view v = view(64);

	v.interrupts = true;
	CU_ASSERT_EQUAL(idle_sleep_us(&v), IDLE_INTERRUPT_SLEEP_US);
	v.next_us = v.now_us + 77;
	CU_ASSERT_EQUAL(idle_sleep_us(&v), 77);
}

static void idle_sleep_us__disabled(void)
{
	struct idle_view v = view(100000);

	v.enabled = false;
	CU_ASSERT_EQUAL(idle_sleep_us(&v), 0);
}

static const struct test_case cases[] = {
	TEST_CASE(idle_sleep_us__spins_first),
	TEST_CASE(idle_sleep_us__doubles_up_to_the_limit),
	TEST_CASE(idle_sleep_us__never_past_a_timer),
	TEST_CASE(idle_sleep_us__not_while_the_stack_is_busy),
	TEST_CASE(idle_sleep_us__long_with_interrupts),
	TEST_CASE(idle_sleep_us__disabled),
};
TEST_MAIN("pipeline_idle", cases)
