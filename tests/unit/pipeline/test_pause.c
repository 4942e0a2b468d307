/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pauses on a processor that has umwait and tpause, which the one below is: it watches memory and
 * waits until that changes or its counter, which only the tests move, reaches the end.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_power_intrinsics.h>

#include <ethdev_driver.h>

#include "app/smcgate/pipeline/lcore.h"
#include "app/smcgate/pipeline/pause.h"
#include "app/smcgate/pipeline/pipeline_impl.h"
#include "tests/unit/pipeline/whole.h"
#include "tests/unit/test.h"

#define QUEUES 20

/* ---- the processor ------------------------------------------------------------------------ */

static struct {
	struct rte_cpu_intrinsics can;
	uint64_t tsc, until, step;     /* step: of the counter with each look */
	uint64_t arrival;              /* a packet comes on queue arrives then; 0: none */
	uint32_t arrives;
	bool slips_in;                 /* it comes between the driver's word and the watch */
	bool no_where, refuses;
	uint64_t cap;
	unsigned wheres, watches, watched, pauses;
	volatile uint64_t ring[QUEUES]; /* what the device writes */
} cpu;

static void can(struct rte_cpu_intrinsics *out)
{
	*out = cpu.can;
}

static uint64_t tsc(void)
{
	cpu.tsc += cpu.step;
	if (cpu.arrival != 0 && cpu.tsc >= cpu.arrival) {
		cpu.ring[cpu.arrives]++;
		cpu.arrival = 0;
	}
	return cpu.tsc;
}

/* A driver's: has the memory changed since the queue was found empty? */
static int changed(const uint64_t value, const uint64_t opaque[RTE_POWER_MONITOR_OPAQUE_SZ])
{
	return value != opaque[0] ? -1 : 0;
}

static int where(uint16_t port, uint16_t queue, struct rte_power_monitor_cond *out)
{
	cpu.wheres++;
	if (cpu.no_where || queue >= QUEUES)
		return -ENOTSUP;
	*out = (struct rte_power_monitor_cond){
		.addr = &cpu.ring[queue], .size = sizeof(cpu.ring[0]), .fn = changed, .opaque = { cpu.ring[queue] },
	};
	if (cpu.slips_in)
		cpu.ring[cpu.arrives]++;
	return 0;
}

/* As the processor does: watch, look once more, wait for a write or the end. */
static int watch_all(const struct rte_power_monitor_cond *all, uint32_t n, uint64_t until)
{
	cpu.watches++;
	cpu.watched += n;
	cpu.until = until;
	if (cpu.refuses)
		return -ENOTSUP;
	for (;;) {
		for (uint32_t i = 0; i < n; i++)
			if (all[i].fn(*(volatile uint64_t *)all[i].addr, all[i].opaque) != 0)
				return 0;
		if (tsc() >= until)
			return 0;
	}
}

static int watch(const struct rte_power_monitor_cond *one, uint64_t until)
{
	return watch_all(one, 1, until);
}

static int wait_until(uint64_t until)
{
	cpu.pauses++;
	cpu.until = until;
	if (cpu.refuses)
		return -ENOTSUP;
	while (tsc() < until)
		;
	return 0;
}

static uint64_t cap(void)
{
	return cpu.cap;
}

static const struct pause_ops ops = { can, tsc, where, watch, watch_all, wait_until, cap };

static void cpu_with(bool monitor, bool multi, bool pause)
{
	memset(&cpu, 0, sizeof(cpu));
	cpu.can = (struct rte_cpu_intrinsics){
		.power_monitor = monitor, .power_monitor_multi = multi, .power_pause = pause,
	};
	cpu.tsc = 1000;
	cpu.step = 10;
	pause_set_ops(&ops);
}

static uint64_t cycles(uint32_t us)
{
	return us * rte_get_tsc_hz() / 1000000;
}

/* ---- cases --------------------------------------------------------------------------------- */

static struct rx_queue queues[QUEUES];

static void queues_init(void)
{
	for (uint16_t i = 0; i < QUEUES; i++)
		queues[i] = (struct rx_queue){ .id = 3, .queue = i };
}

static void pause_longest_us__by_what_there_is(void)
{
	cpu_with(true, false, true);
	CU_ASSERT_EQUAL(pause_longest_us(), PAUSE_POWER_US);
	/* The operating system's limit. */
	cpu_with(true, false, true);
	cpu.cap = cycles(33) + 1;
	CU_ASSERT_EQUAL(pause_longest_us(), 33);
	cpu_with(true, false, true);
	cpu.cap = 1;
	CU_ASSERT_EQUAL(pause_longest_us(), PAUSE_LOOP_US);
	cpu_with(true, false, true);
	cpu.cap = cycles(1000);
	CU_ASSERT_EQUAL(pause_longest_us(), PAUSE_POWER_US);
	cpu_with(false, false, true);
	CU_ASSERT_EQUAL(pause_longest_us(), PAUSE_LOOP_US);
	cpu_with(false, false, false);
	CU_ASSERT_EQUAL(pause_longest_us(), PAUSE_LOOP_US);
}

/* What the processor can and the queues there are: how it pauses. */
static void pause_for__ways(void)
{
	static const struct {
		bool monitor, multi, pause, no_where, refuses;
		unsigned n;
		enum pause_how how;
		unsigned wheres, watches, watched, pauses;
	} t[] = {
		{ 1, 1, 1, 0, 0, 1, PAUSE_WATCHED, 1, 1, 1, 0 },
		{ 1, 0, 1, 0, 0, 1, PAUSE_WATCHED, 1, 1, 1, 0 },
		{ 1, 1, 1, 0, 0, 4, PAUSE_WATCHED, 4, 1, 4, 0 },
		{ 1, 1, 1, 0, 0, PAUSE_WATCHED_MAX, PAUSE_WATCHED, PAUSE_WATCHED_MAX, 1, PAUSE_WATCHED_MAX, 0 },
		{ 1, 0, 1, 0, 0, 2, PAUSE_TIMED, 0, 0, 0, 1 }, /* one place only: no queue is favoured */
		{ 1, 1, 1, 0, 0, PAUSE_WATCHED_MAX + 1, PAUSE_TIMED, 0, 0, 0, 1 },
		{ 1, 1, 1, 1, 0, 1, PAUSE_TIMED, 1, 0, 0, 1 }, /* the driver does not say */
		{ 1, 1, 1, 0, 0, 0, PAUSE_TIMED, 0, 0, 0, 1 }, /* nothing to watch */
		{ 0, 0, 1, 0, 0, 1, PAUSE_TIMED, 0, 0, 0, 1 },
		{ 1, 1, 1, 0, 1, 1, PAUSE_LOOP, 1, 1, 1, 1 },
		{ 0, 0, 0, 0, 0, 1, PAUSE_LOOP, 0, 0, 0, 0 },
	};

	queues_init();
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		uint64_t before;

		cpu_with(t[i].monitor, t[i].multi, t[i].pause);
		cpu.no_where = t[i].no_where;
		cpu.refuses = t[i].refuses;
		before = cpu.tsc;
		CU_ASSERT_EQUAL(pause_for(queues, t[i].n, 50), t[i].how);
		CU_ASSERT(cpu.wheres == t[i].wheres && cpu.watches == t[i].watches && cpu.watched == t[i].watched);
		CU_ASSERT_EQUAL(cpu.pauses, t[i].pauses);
		/* Nothing came: it ends at its end, by the counter, and is not later than a look. */
		CU_ASSERT(cpu.tsc - before >= cycles(50));
		CU_ASSERT(cpu.tsc - before <= cycles(50) + 2 * cpu.step);
		CU_ASSERT(t[i].how == PAUSE_LOOP || cpu.until <= before + cpu.step + cycles(50));
	}
}

/* A packet ends a pause that watches its queue, and no other. */
static void pause_for__a_packet_ends_it(void)
{
	static const struct {
		bool multi;
		unsigned n;
		uint32_t arrives;
		bool ends;
	} t[] = {
		{ false, 1, 0, true }, { false, 1, 1, false }, { true, 8, 7, true }, { true, 8, 9, false }, { false, 8, 0, false },
	};

	queues_init();
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		uint64_t before;

		cpu_with(true, t[i].multi, true);
		cpu.arrives = t[i].arrives;
		before = cpu.tsc;
		cpu.arrival = before + cycles(10);
		(void)pause_for(queues, t[i].n, 50);
		CU_ASSERT(cpu.tsc - before >= cycles(10));
		CU_ASSERT_EQUAL(cpu.tsc - before < cycles(11), t[i].ends);
		CU_ASSERT(cpu.tsc - before <= cycles(50) + 2 * cpu.step);
	}
}

/* It comes after the driver has said where, before the processor waits: the pause is none. */
static void pause_for__no_packet_is_lost(void)
{
	queues_init();
	for (unsigned n = 1; n <= 4; n += 3) {
		uint64_t before;

		cpu_with(true, true, true);
		cpu.slips_in = true;
		cpu.arrives = 0;
		before = cpu.tsc;
		CU_ASSERT_EQUAL(pause_for(queues, n, 50), PAUSE_WATCHED);
		CU_ASSERT(cpu.tsc - before <= 2 * cpu.step);
	}
}

/* ---- in a worker --------------------------------------------------------------------------- */

static volatile uint64_t ring;
static volatile unsigned asked, waited;

static int queue_where(void *queue, struct rte_power_monitor_cond *out)
{
	asked++;
	*out = (struct rte_power_monitor_cond){ .addr = &ring, .size = 8, .fn = changed, .opaque = { ring } };
	return 0;
}

static int real_watch(const struct rte_power_monitor_cond *one, uint64_t until)
{
	while (one->fn(*(volatile uint64_t *)one->addr, one->opaque) == 0 && rte_rdtsc() < until)
		;
	waited++;
	return 0;
}

static uint64_t real_tsc(void)
{
	return rte_rdtsc();
}

/* Until the port's driver says where. */
static int real_pause(uint64_t until)
{
	while (rte_rdtsc() < until)
		;
	return 0;
}

static void all(struct rte_cpu_intrinsics *out)
{
	*out = (struct rte_cpu_intrinsics){ .power_monitor = 1, .power_pause = 1 };
}

static const struct pause_ops real_ops = { all, real_tsc, rte_eth_get_monitor_addr, real_watch, NULL, real_pause, cap };

/* A bound too small to sleep, on a port whose driver says where: a worker without packets watches that. */
static void pause__in_a_worker(void)
{
	static struct eth_dev_ops patched;
	struct pipeline_moderation_info info;
	struct pipeline_lcore_stats stats = { 0 };
	struct rte_eth_dev *dev;
	const struct eth_dev_ops *own;

	pause_set_ops(&real_ops);
	whole_up("{\"ports\":[{\"name\":\"n\",\"device\":\"net_null0\",\"vdev\":\"net_null0,no-rx=1\","
		 "\"moderation\":{\"max_latency_us\":1,\"profiles\":[{\"sleep_us\":1,\"spin\":2,\"usecs\":0},"
		 "{\"sleep_us\":1,\"spin\":1,\"usecs\":1}]}}],\"forward\":\"rxonly\","
		 "\"memory\":{\"rx_buffers\":2048,\"payload_buffers\":1024,\"header_buffers\":1024},"
		 "\"tcp\":{\"max_connections\":100}}");
	dev = &rte_eth_devices[whole.pl->ports[0].id];
	own = dev->dev_ops;
	patched = *own;
	patched.get_monitor_addr = queue_where;
	dev->dev_ops = &patched;
	CU_ASSERT(TEST_SOON(pipeline_lcore_stats(whole.pl, whole.pl->ports[0].rx_worker[0], &stats) == 0 &&
			    stats.watched >= 10));
	CU_ASSERT(stats.pauses >= stats.watched);
	CU_ASSERT(asked >= 10 && waited >= 10);
	CU_ASSERT_EQUAL(pipeline_moderation_info(whole.pl, 0, 0, &info), 0);
	CU_ASSERT(info.adds_us <= 1);
	CU_ASSERT_EQUAL(info.max_latency_us, 1);
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), 0);
	dev->dev_ops = own;
	whole_down();
	pause_set_ops(&pause_dpdk);
}

static const struct test_case cases[] = {
	TEST_CASE(pause__in_a_worker), /* starts EAL, which knows the clock */
	TEST_CASE(pause_longest_us__by_what_there_is),
	TEST_CASE(pause_for__ways),
	TEST_CASE(pause_for__a_packet_ends_it),
	TEST_CASE(pause_for__no_packet_is_lost),
};
TEST_MAIN("pipeline_pause", cases)
