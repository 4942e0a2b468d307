/* SPDX-License-Identifier: BSD-3-Clause */
/* One microsecond clock for all workers, scaled from the constant TSC: every
 * lcore reads the same value at the same moment, without a system call. */
#ifndef PIPELINE_CLOCK_H
#define PIPELINE_CLOCK_H

#include <stdint.h>

#include <rte_cycles.h>

struct pl_clock {
	uint64_t base;  /* TSC at time 0 */
	uint64_t scale; /* microseconds a cycle, times 2^48 */
};

static inline void clock_init(struct pl_clock *c)
{
	c->base = rte_rdtsc();
	c->scale = (uint64_t)(((unsigned __int128)1000000 << 48) / rte_get_tsc_hz());
}

/* tsc: an rte_rdtsc() made after clock_init(). */
static inline uint64_t clock_us(const struct pl_clock *c, uint64_t tsc)
{
	return (uint64_t)(((unsigned __int128)(tsc - c->base) * c->scale) >> 48);
}

#endif
