/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker's rest of some microseconds that stays on the core: where the processor has umwait
 * and tpause (waitpkg), it saves power by them, otherwise it is a loop of pauses.
 *
 *	one queue, whose driver says which memory its packets' coming changes
 *	                            umwait on that memory: a packet ends it at once
 *	several queues              the same where the processor can watch several places and every
 *	                            driver says its own; otherwise tpause, for a packet on a queue that is not
 *	                            watched would wait no less
 *	no such driver              tpause
 *
 * None is lost: the driver's condition holds what the queue looked like when it was found empty, and
 * is looked at once more after the memory is watched and before the processor waits. Messages of other
 * workers do not end a pause, nor do packets while several queues are not watched: the end by the TSC
 * does, which the caller has within the bound (backoff.h).
 *
 * A wait may end early: by an interrupt, a write beside the ring, or the operating system's limit
 * (IA32_UMWAIT_CONTROL). The caller polls then, finds nothing and pauses again: sooner is never wrong, and
 * pause_longest_us() stays within the limit, so that it is not the rule.
 *
 * What touches the processor goes through a table, so that tests run all of this where it has neither.
 */
#ifndef PIPELINE_PAUSE_H
#define PIPELINE_PAUSE_H

#include <stdint.h>

#include <rte_cpuflags.h>
#include <rte_power_intrinsics.h>

#define PAUSE_LOOP_US 5     /* a processor that cannot wait pauses no longer, */
#define PAUSE_POWER_US 50   /* one with umwait and tpause saves power by it */
#define PAUSE_WATCHED_MAX 16 /* places watched at a time */

struct pause_ops {
	void (*can)(struct rte_cpu_intrinsics *out);
	uint64_t (*tsc)(void);
	int (*where)(uint16_t port, uint16_t queue, struct rte_power_monitor_cond *out);
	int (*watch)(const struct rte_power_monitor_cond *one, uint64_t until);
	int (*watch_all)(const struct rte_power_monitor_cond *all, uint32_t n, uint64_t until);
	int (*pause)(uint64_t until);
	uint64_t (*cap)(void); /* ticks that watch and pause last at most; 0: no limit */
};
/* DPDK's, until a test sets others; not while workers run. */
extern const struct pause_ops pause_dpdk;
void pause_set_ops(const struct pause_ops *ops);

enum pause_how { PAUSE_WATCHED, PAUSE_TIMED, PAUSE_LOOP };

struct rx_queue;

/* Longest pause that is worth something here: PAUSE_LOOP_US, or up to PAUSE_POWER_US, as long as one may be. */
uint32_t pause_longest_us(void);
/* Pause for us at most; q: the queues that were just found empty, none is fine. */
enum pause_how pause_for(const struct rx_queue *q, unsigned n, uint32_t us);

#endif
