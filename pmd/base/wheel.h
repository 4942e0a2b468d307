/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hierarchical timing wheel: 4 levels of 256 slots at 10 us a tick reach
 * 11.9 h; later deadlines are clamped and re-armed by whoever owns the timer.
 * One wheel per lcore, used by that lcore only. Time is injected, in
 * microseconds; it never goes backwards, and jumps of hours cost O(levels).
 *
 * A timer fires at the first wheel_advance() whose time is at or past the
 * deadline, never before. Arm and cancel are O(1). Expired timers are moved to
 * a private list before the first callback runs: a callback may arm, cancel or
 * free any timer, its own and other expired ones included.
 */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WHEEL_TICK_US 10
#define WHEEL_LEVELS 4
#define WHEEL_SLOTS 256
#define WHEEL_KINDS 16
#define WHEEL_NEVER UINT64_MAX

/* Embedded in the object it serves. Zeroed memory is an idle timer. */
struct wheel_timer {
	struct wheel_timer *next, *prev; /* NULL when not armed */
	uint32_t tick;                   /* deadline in ticks, modulo 2^32 */
	uint16_t slot;                   /* level * WHEEL_SLOTS + slot, or the expired list */
	uint8_t kind;                    /* which callback, set by wheel_arm() */
	uint8_t sub;                     /* microseconds of the deadline within its tick */
};

/* now_us is the time passed to wheel_advance(). */
typedef void (*wheel_fn)(void *ctx, struct wheel_timer *t, uint64_t now_us);

struct wheel {
	uint64_t now_tick;                            /* all slots before it are empty; may lag, see quiet_us */
	uint64_t now_us;                              /* latest time seen by wheel_advance() */
	uint64_t quiet_us;                            /* before it there is nothing to fire or to move */
	uint32_t armed;                               /* timers in the wheel */
	struct { wheel_fn fn; void *ctx; } kinds[WHEEL_KINDS];
	uint64_t map[WHEEL_LEVELS][WHEEL_SLOTS / 64]; /* occupied slots */
	struct wheel_timer slots[WHEEL_LEVELS * WHEEL_SLOTS]; /* list heads */
	struct wheel_timer expired;                   /* list head */
};

/* Kinds, one a user of the wheel, so that a timer needs no function pointer. */
enum wheel_kind {
	WHEEL_TCP_CONN, WHEEL_TCP_HALF_OPEN, WHEEL_TCP_SLOW, WHEEL_NEIGH, WHEEL_REASM, WHEEL_SOCK,
	WHEEL_SERVICE, WHEEL_PIPELINE, WHEEL_TEST, WHEEL_ARP, WHEEL_ROCE, WHEEL_SMC_HS, WHEEL_SMC_LGR, WHEEL_SMC_LINK,
	WHEEL_SMC_CONN, WHEEL_SMC_LLC,
};

/* The wheel must not be moved afterwards: its lists point into it. */
void wheel_init(struct wheel *w, uint64_t now_us);
void wheel_register(struct wheel *w, uint8_t kind, wheel_fn fn, void *ctx);

/* Arm, or move an armed timer, to fire at or after deadline_us. */
void wheel_arm(struct wheel *w, struct wheel_timer *t, uint8_t kind, uint64_t deadline_us);
void wheel_cancel(struct wheel *w, struct wheel_timer *t);

static inline bool wheel_armed(const struct wheel_timer *t)
{
	return t->next != NULL;
}

/* Fire what is due at now_us, at most budget callbacks and as many moves
 * between levels; the rest waits for the next call. A timer that a callback
 * arms for a time already past fires in the next call. Not to be called from
 * a callback. Returns callbacks run. */
unsigned wheel_advance(struct wheel *w, uint64_t now_us, unsigned budget);

/* A time, never later than the earliest deadline, to sleep until at most
 * (it may be earlier, by the width of a slot). Advancing to it always makes
 * progress, so a virtual clock may step from one such time to the next.
 * WHEEL_NEVER if nothing is armed. */
uint64_t wheel_next_us(const struct wheel *w);

#endif
