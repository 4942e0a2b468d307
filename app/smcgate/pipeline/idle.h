/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When a worker without work sleeps, and how it is woken. The decision is a
 * pure function; sleeping is idle_sleep(). The protocol with those who wake:
 *
 *	sleeper: sleeping = 1; full barrier; look again; wait; sleeping = 0
 *	waker:   put work in a ring; full barrier; if (sleeping) write eventfd
 *
 * so that either the sleeper sees the work or the waker sees the flag.
 */
#ifndef PIPELINE_IDLE_H
#define PIPELINE_IDLE_H

#include <stdbool.h>
#include <stdint.h>

/* What idle_sleep_us() judges by. */
struct idle_view {
	uint32_t spin_turns;    /* empty turns before the first sleep */
	uint32_t min_sleep_us;  /* first sleep when a queue has no interrupt */
	uint32_t max_sleep_us;  /* longest sleep when a queue has no interrupt */
	bool enabled;
	bool interrupts;        /* every queue polled wakes us by itself */
	bool busy;              /* the stack has something to deliver or send */
	bool backlog;           /* a port has not taken all our frames */
	uint32_t empty_turns;   /* turns in a row without work */
	uint64_t now_us;
	uint64_t next_us;       /* next timer, WHEEL_NEVER: none */
};

#define IDLE_BACKLOG_SLEEP_US 50
#define IDLE_INTERRUPT_SLEEP_US 100000

/*
 * Microseconds to sleep, 0: go on polling. Sleeps double from
 * min_sleep_us with every empty turn beyond spin_turns up to
 * max_sleep_us (IDLE_INTERRUPT_SLEEP_US when all queues have interrupts), and
 * never go past the next timer.
 */
uint32_t idle_sleep_us(const struct idle_view *v);

struct lcore;

/* Decide and sleep. Returns whether the worker slept. */
bool idle_run(struct lcore *lc, uint64_t next_us, bool busy, bool backlog);

/* The worker's eventfd and the descriptors of its queues; once, before the
 * first turn, and again when its queues change. 0 or a negative errno. */
int idle_init(struct lcore *lc);
void idle_fini(struct lcore *lc);
void idle_queues_changed(struct lcore *lc);

/* Any thread: wake lc if it sleeps. What it shall see must be in its ring. */
void idle_wake(struct lcore *lc);

#endif
