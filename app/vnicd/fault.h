/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What goes wrong with packets on purpose: dropped, doubled, held back,
 * delayed, a bit turned. By chance, from a seed: the same packets and seed give
 * the same faults. One thread.
 */
#ifndef VNICD_FAULT_H
#define VNICD_FAULT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "app/vnicd/config/config.h"
#include "app/vnicd/dev/nic.h"

/* Packets held at a time, by number and octets; more are dropped. */
#define VNICD_FAULT_HELD       8192
#define VNICD_FAULT_HELD_BYTES (64u << 20)

enum vnicd_way { VNICD_WAY_OUT, VNICD_WAY_IN, VNICD_WAYS }; /* to the driver, from it */

struct vnicd_fault_stats {
	uint64_t dropped, duplicated, reordered, corrupted, delayed, overflowed;
};

typedef void (*vnicd_fault_fn)(void *arg, enum vnicd_way way, const struct vnicd_frame *f);

struct vnicd_held;
TAILQ_HEAD(vnicd_held_list, vnicd_held);

struct vnicd_fault {
	struct vnicd_config_faults conf;
	bool on[VNICD_WAYS];       /* packets of that way have to pass here */
	uint64_t rng;
	struct vnicd_held_list held; /* by the time they are due */
	uint64_t last_due[VNICD_WAYS];
	unsigned n;
	uint64_t bytes;
	vnicd_fault_fn deliver;
	void *arg;
	struct vnicd_fault_stats stats;
};

/* deliver(arg) gets what comes through, at once or from vnicd_fault_timer(). */
void vnicd_fault_init(struct vnicd_fault *x, const struct vnicd_config_faults *conf, vnicd_fault_fn deliver, void *arg);
void vnicd_fault_fini(struct vnicd_fault *x);
/* A rate, a time or the seed of another value. -EINVAL: kind or value. */
int vnicd_fault_set(struct vnicd_fault *x, enum vnicd_fault_kind kind, uint64_t value);
/* No rates and no times any more; what is held comes at its time. */
void vnicd_fault_clear(struct vnicd_fault *x);

/* A packet; its memory is the caller's after the return. now: nanoseconds. Returns
 * when the next held packet is due, UINT64_MAX: none is held. */
uint64_t vnicd_fault_pass(struct vnicd_fault *x, enum vnicd_way way, const struct vnicd_frame *f, uint64_t now);
uint64_t vnicd_fault_timer(struct vnicd_fault *x, uint64_t now);

#endif
