/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one thread of vnicd. Everything is done by it: rings, taps, sockets,
 * timers, requests of telemetry. With one thread a packet goes from the
 * sender's memory into the receiver's without a queue, a lock or a copy between, a
 * table of addresses needs no protection, and a ring is never stopped while
 * somebody works on it. A virtual NIC that needs more of the machine than one core
 * is started twice.
 *
 * The loop works while there is work, polls on for a short time, then asks
 * all its sources for notifications and sleeps.
 */
#ifndef VNICD_LOOP_H
#define VNICD_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct vnicd_loop;

/* What the loop serves. All calls on its thread. */
struct vnicd_loop_ops {
	/* Do some work; true: there was any. now: nanoseconds. */
	bool (*work)(void *arg, uint64_t now);
	/* Notifications wanted, or not; true: work came in between. */
	bool (*arm)(void *arg, bool on);
	/* What is due; the time of the next thing, UINT64_MAX: none. */
	uint64_t (*timer)(void *arg, uint64_t now);
};

struct vnicd_loop_stats {
	uint64_t turns, busy, sleeps, wakes; /* wakes: sleeps that ended with something readable */
};

/* spin_ns: time without work before it sleeps. -errno of epoll. */
int vnicd_loop_create(struct vnicd_loop **out, const struct vnicd_loop_ops *ops, void *arg, uint64_t spin_ns);
void vnicd_loop_destroy(struct vnicd_loop *l);

/* fn is called when fd can be read, as long as it can. Adding and removing is
 * allowed in fn. The descriptor is the caller's. */
int vnicd_loop_watch(struct vnicd_loop *l, int fd, void (*fn)(void *arg, int fd), void *arg);
/* The same, but fn is called only when something new can be read: it has to be remembered until
 * reading says that there is nothing more. */
int vnicd_loop_watch_new(struct vnicd_loop *l, int fd, void (*fn)(void *arg, int fd), void *arg);
/* Hear nothing more of such a descriptor; of it again, and of what came meanwhile. */
void vnicd_loop_quiet(struct vnicd_loop *l, int fd, bool quiet);
void vnicd_loop_unwatch(struct vnicd_loop *l, int fd);
/*
 * Call timer() at this time, or as soon after as the machine allows. The last spin_ns before it are
 * polled through rather than slept, so that it is within a few microseconds on a core of
 * its own; where a hypervisor or other processes take the core, later by what they take.
 * It may be called before.
 */
void vnicd_loop_at(struct vnicd_loop *l, uint64_t when);

/* Until vnicd_loop_stop(), which only the loop's own thread may call. */
void vnicd_loop_run(struct vnicd_loop *l);
void vnicd_loop_stop(struct vnicd_loop *l);
const struct vnicd_loop_stats *vnicd_loop_stats(const struct vnicd_loop *l);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t vnicd_now(void);

#endif
