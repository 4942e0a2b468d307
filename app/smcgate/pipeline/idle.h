/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When a worker without work rests, how, and how it is woken. The decision is a
 * pure function (pmd/dim/backoff.h); resting is idle_run(). The protocol with those who wake:
 *
 *	sleeper: sleeping = 1; full barrier; look again; wait; sleeping = 0
 *	waker:   put work in a ring; full barrier; if (sleeping) write eventfd
 *
 * so that either the sleeper sees the work or the waker sees the flag.
 *
 * How late timed sleeps end is measured all the time and taken off their length. What that
 * cannot know is how long the kernel lets others run on the core: sleeps that ended beyond
 * their bound are counted.
 */
#ifndef PIPELINE_IDLE_H
#define PIPELINE_IDLE_H

#include <stdbool.h>
#include <stdint.h>

#define IDLE_LATE_MAX_US 200 /* later sleeps were not the timer's doing: the core was another's */
#define IDLE_BACKLOG_US 50   /* longest rest while a port has not taken all our frames */

struct lcore;

/* Decide and rest. Returns whether the worker did. */
bool idle_run(struct lcore *lc, uint64_t next_us, bool busy, bool backlog);

/* The worker: most that its rests add to a packet's latency now. */
uint32_t idle_adds_us(struct lcore *lc);

/* The worker's eventfd and the descriptors of its queues; once, before the
 * first turn, and again when its queues change. 0 or a negative errno. */
int idle_init(struct lcore *lc);
void idle_fini(struct lcore *lc);
void idle_queues_changed(struct lcore *lc);
/* The worker, before its first turn: how late timed sleeps end here. Takes about a millisecond. */
void idle_measure(struct lcore *lc);

/* Any thread: wake lc if it sleeps. What it shall see must be in its ring. */
void idle_wake(struct lcore *lc);

#endif
