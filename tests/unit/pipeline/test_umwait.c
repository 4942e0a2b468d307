/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The instructions themselves. Without waitpkg the processor refuses them, and the handler of SIGILL sees which
 * they were and with which registers: DPDK is made to believe that the processor has them. With waitpkg they run,
 * and only their ends are looked at.
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include <rte_cpuflags.h>
#include <rte_cycles.h>
#include <rte_power_intrinsics.h>

#include "app/smcgate/pipeline/lcore.h"
#include "app/smcgate/pipeline/pause.h"
#include "tests/unit/test.h"

/* Intel's manual, volume 2: the group 0F AE /6 with a register, told apart by its prefix; here edi or rdi. */
static const uint8_t tpause[4] = { 0x66, 0x0f, 0xae, 0xf7 }, umonitor[4] = { 0xf3, 0x0f, 0xae, 0xf7 },
		     umwait[4] = { 0xf2, 0x0f, 0xae, 0xf7 };

struct executed {
	uint8_t code[4];
	uint64_t rdi, until;   /* until: edx and eax */
};
static struct executed seen[8];
static volatile unsigned n_seen;

static void refused(int sig, siginfo_t *info, void *arg)
{
	greg_t *r = ((ucontext_t *)arg)->uc_mcontext.gregs;
	struct executed *e = &seen[n_seen];

	(void)info;
	memcpy(e->code, (const void *)r[REG_RIP], sizeof(e->code));
	/* Anything else is a fault of ours. */
	if (n_seen + 1 >= RTE_DIM(seen) || e->code[1] != 0x0f || e->code[2] != 0xae) {
		signal(sig, SIG_DFL);
		return;
	}
	e->rdi = (uint64_t)r[REG_RDI];
	e->until = (uint64_t)(uint32_t)r[REG_RDX] << 32 | (uint32_t)r[REG_RAX];
	n_seen++;
	r[REG_RIP] += (greg_t)sizeof(e->code);
}

static bool real_one(void)
{
	return rte_cpu_get_flag_enabled(RTE_CPUFLAG_WAITPKG) == 1;
}

/* "cmpb $0, wait_supported(%rip)" of a function of DPDK's: where the variable is. NULL: not to be found. */
static uint8_t *flag_of(const char *function)
{
	const uint8_t *code = dlsym(RTLD_DEFAULT, function);
	int32_t rel;

	for (unsigned i = 0; code != NULL && i < 64; i++) {
		if (code[i] != 0x80 || code[i + 1] != 0x3d || code[i + 6] != 0)
			continue;
		memcpy(&rel, code + i + 2, sizeof(rel));
		return (uint8_t *)(uintptr_t)(code + i + 7) + rel;
	}
	return NULL;
}

static uint8_t *flag;

/* DPDK's own table, but for what the processor has. */
static struct pause_ops ops;

static void can_all(struct rte_cpu_intrinsics *out)
{
	*out = (struct rte_cpu_intrinsics){ .power_monitor = 1, .power_pause = 1 };
}

static volatile uint64_t word;
static uint64_t found;

static int changed(const uint64_t value, const uint64_t opaque[RTE_POWER_MONITOR_OPAQUE_SZ])
{
	return value != opaque[0] ? -1 : 0;
}

static int where(uint16_t port, uint16_t queue, struct rte_power_monitor_cond *out)
{
	(void)port;
	(void)queue;
	*out = (struct rte_power_monitor_cond){ .addr = &word, .size = sizeof(word), .fn = changed, .opaque = { found } };
	return 0;
}

/* A processor that has them, or is believed to: false, where that cannot be arranged. */
static bool believe(void)
{
	struct sigaction sa = { .sa_sigaction = refused, .sa_flags = SA_SIGINFO };

	test_eal_init();
	n_seen = 0;
	memset(seen, 0, sizeof(seen));
	ops = pause_dpdk;
	ops.can = can_all;
	ops.where = where;
	pause_set_ops(&ops);
	if (real_one())
		return true;
	flag = flag_of("rte_power_pause");
	if (flag == NULL || flag != flag_of("rte_power_monitor") || *flag != 0) {
		printf("\n  this DPDK keeps what the processor has where it is not found\n");
		return false;
	}
	CU_ASSERT_FATAL(sigaction(SIGILL, &sa, NULL) == 0);
	*flag = 1;
	return true;
}

static void disbelieve(void)
{
	if (flag != NULL)
		*flag = 0;
	flag = NULL;
	signal(SIGILL, SIG_DFL);
	pause_set_ops(&pause_dpdk);
}

/* Up to where it may wait, within what the calls around it allow. */
static bool within(uint64_t until, uint64_t before, uint64_t after, uint32_t us)
{
	uint64_t ticks = us * rte_get_tsc_hz() / 1000000;

	return until >= before + ticks && until <= after + ticks;
}

static bool is(unsigned i, const uint8_t code[4], uint64_t rdi)
{
	return memcmp(seen[i].code, code, 4) == 0 && seen[i].rdi == rdi;
}

static void umwait__not_without_the_processor(void)
{
	struct rx_queue q = { .id = 0 };
	struct rte_power_monitor_cond cond;
	struct rte_cpu_intrinsics can = { 0 };
	uint64_t before;

	test_eal_init();
	pause_set_ops(&pause_dpdk);
	pause_dpdk.can(&can);
	CU_ASSERT_EQUAL(can.power_pause != 0, real_one());
	if (real_one())
		return;
	/* A SIGILL would end the program. */
	before = rte_rdtsc();
	CU_ASSERT_EQUAL(pause_for(&q, 1, 20), PAUSE_LOOP);
	CU_ASSERT(rte_rdtsc() - before >= 20 * rte_get_tsc_hz() / 1000000);
	CU_ASSERT_EQUAL(pause_longest_us(), PAUSE_LOOP_US);
	where(0, 0, &cond);
	CU_ASSERT_EQUAL(pause_dpdk.pause(before), -ENOTSUP);
	CU_ASSERT_EQUAL(pause_dpdk.watch(&cond, before), -ENOTSUP);
	CU_ASSERT_EQUAL(pause_dpdk.watch_all(&cond, 1, before), -ENOTSUP);
}

/* One that says no after all is paused for by a loop. */
static void umwait__refusal_is_no_pause(void)
{
	struct rx_queue q = { .id = 0 };

	if (!believe() || real_one()) {
		disbelieve();
		return;
	}
	*flag = 0;
	CU_ASSERT_EQUAL(pause_for(&q, 1, 1), PAUSE_LOOP);
	CU_ASSERT_EQUAL(n_seen, 0);
	disbelieve();
}

/* A machine that has other things to do comes back later: the shortest of some pauses counts. */
static void umwait__tpause(void)
{
	uint64_t before, after, least = UINT64_MAX;

	for (unsigned i = 0; i < 20 && least >= rte_get_tsc_hz() / 10 && believe(); i++) {
		before = rte_rdtsc();
		CU_ASSERT_EQUAL(pause_for(NULL, 0, 40), PAUSE_TIMED);
		after = rte_rdtsc();
		/* edi 0: C0.2, the deeper rest. */
		if (!real_one())
			CU_ASSERT(n_seen == 1 && is(0, tpause, 0) && within(seen[0].until, before, after, 40));
		least = RTE_MIN(least, after - before);
		CU_ASSERT(i < 19 || least < rte_get_tsc_hz() / 10);
	}
	disbelieve();
}

static void umwait__umonitor_and_umwait(void)
{
	struct rx_queue q = { .id = 0 };
	uint64_t before, after, least = UINT64_MAX;

	for (unsigned i = 0; i < 20 && least >= rte_get_tsc_hz() / 10 && believe(); i++) {
		word = found = 7;
		before = rte_rdtsc();
		CU_ASSERT_EQUAL(pause_for(&q, 1, 40), PAUSE_WATCHED);
		after = rte_rdtsc();
		if (!real_one()) {
			CU_ASSERT(n_seen == 2 && is(0, umonitor, (uintptr_t)&word) && is(1, umwait, 0));
			CU_ASSERT(within(seen[1].until, before, after, 40));
		}
		least = RTE_MIN(least, after - before);
		CU_ASSERT(i < 19 || least < rte_get_tsc_hz() / 10);
	}
	disbelieve();
}

/* The memory has changed since the queue was found empty: watched, looked at, and not waited for. */
static void umwait__a_packet_that_slips_in(void)
{
	struct rx_queue q = { .id = 0 };

	if (believe()) {
		found = 7;
		word = 8;
		CU_ASSERT_EQUAL(pause_for(&q, 1, 1000000), PAUSE_WATCHED);
		if (!real_one())
			CU_ASSERT(n_seen == 1 && is(0, umonitor, (uintptr_t)&word));
	}
	disbelieve();
}

static const struct test_case cases[] = {
	TEST_CASE(umwait__not_without_the_processor),
	TEST_CASE(umwait__refusal_is_no_pause),
	TEST_CASE(umwait__tpause),
	TEST_CASE(umwait__umonitor_and_umwait),
	TEST_CASE(umwait__a_packet_that_slips_in),
};
TEST_MAIN("pipeline_umwait", cases)
