/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/pipeline/pause.h"

#include <inttypes.h>
#include <stdio.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_pause.h>

#include "app/smcgate/pipeline/lcore.h"

static uint64_t tsc(void)
{
	return rte_rdtsc();
}

/* What Linux lets a program wait at most, in ticks of the TSC: IA32_UMWAIT_CONTROL's, 100,000 unless set. */
static uint64_t cap(void)
{
	FILE *f = fopen("/sys/devices/system/cpu/umwait_control/max_time", "re");
	uint64_t ticks = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%" SCNu64, &ticks) != 1)
		ticks = 0;
	fclose(f);
	return ticks;
}

const struct pause_ops pause_dpdk = {
	.can = rte_cpu_get_intrinsics_support,
	.tsc = tsc,
	.where = rte_eth_get_monitor_addr,
	.watch = rte_power_monitor,
	.watch_all = rte_power_monitor_multi,
	.pause = rte_power_pause,
	.cap = cap,
};

/* What the processor can, asked once: the same for each worker. */
static struct {
	const struct pause_ops *ops;
	bool asked;
	struct rte_cpu_intrinsics can;
	uint32_t longest_us;
} cpu = { .ops = &pause_dpdk };

void pause_set_ops(const struct pause_ops *ops)
{
	cpu.ops = ops;
	cpu.asked = false;
}

static uint32_t longest_us(void)
{
	uint64_t us = PAUSE_POWER_US, ticks, cap_us;

	if (!cpu.can.power_pause || !cpu.can.power_monitor)
		return PAUSE_LOOP_US;
	ticks = cpu.ops->cap();
	cap_us = ticks != 0 ? ticks * 1000000 / rte_get_tsc_hz() : PAUSE_POWER_US;
	us = RTE_MIN(us, cap_us);
	return RTE_MAX((uint32_t)us, (uint32_t)PAUSE_LOOP_US);
}

static const struct rte_cpu_intrinsics *can(void)
{
	if (!cpu.asked) {
		cpu.ops->can(&cpu.can);
		cpu.longest_us = longest_us();
		cpu.asked = true;
	}
	return &cpu.can;
}

uint32_t pause_longest_us(void)
{
	(void)can();
	return cpu.longest_us;
}

/* Whether the pause is over: false where not every queue can be watched, or the processor will not. */
static bool watch(const struct rx_queue *q, unsigned n, uint64_t until)
{
	struct rte_power_monitor_cond where[PAUSE_WATCHED_MAX];

	if (n == 0 || n > PAUSE_WATCHED_MAX || (n > 1 && !can()->power_monitor_multi))
		return false;
	for (unsigned i = 0; i < n; i++)
		if (cpu.ops->where(q[i].id, q[i].queue, &where[i]) != 0)
			return false;
	return (n == 1 ? cpu.ops->watch(&where[0], until) : cpu.ops->watch_all(where, n, until)) == 0;
}

enum pause_how pause_for(const struct rx_queue *q, unsigned n, uint32_t us)
{
	uint64_t until = cpu.ops->tsc() + (uint64_t)us * rte_get_tsc_hz() / 1000000;

	if (can()->power_monitor && watch(q, n, until))
		return PAUSE_WATCHED;
	if (can()->power_pause && cpu.ops->pause(until) == 0)
		return PAUSE_TIMED;
	while (cpu.ops->tsc() < until)
		rte_pause();
	return PAUSE_LOOP;
}
