/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control queue as a device has it that takes its time: commands are taken from the ring, at
 * most so many are worked on at once, each for a while, and only then its effect
 * happens and its answer is written. nic_ctrl.h does the work. Same thread as the device's.
 *
 * Nothing is kept of the driver's memory but addresses, translated again for the
 * answer: the memory table may change meanwhile. A command takes as much memory as it has
 * octets and pieces, at most 48 KiB.
 */
#ifndef VNICD_CTRL_WORK_H
#define VNICD_CTRL_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "app/vnicd/dev/ctrl_fault.h"
#include "app/vnicd/dev/nic.h"

#define VNICD_CTRL_CONCURRENCY_MAX 256
#define VNICD_CTRL_LATENCY_MAX_US  60000000u

struct vnicd_ctrl_conf {
	uint32_t latency_us, jitter_us; /* jitter: at most so much more, by chance */
	uint32_t concurrency;           /* commands worked on at a time, 1 to VNICD_CTRL_CONCURRENCY_MAX */
	/* Answers as they are ready; else, and on rings with IN_ORDER, in the order of the
	 * commands. */
	bool any_order;
};

struct vnicd_ctrl_work_stats {
	uint64_t taken, answered;
	uint64_t dropped;    /* the ring was stopped or reset while they were worked on */
	uint32_t now, most;  /* being worked on */
};

struct vnicd_ctrl_work;

/* conf NULL: at once, one at a time, in order. seed: of the jitter. -ENOMEM, -EINVAL. */
int vnicd_ctrl_work_create(struct vnicd_ctrl_work **out, struct vnicd_nic *nic,
			   const struct vnicd_ctrl_conf *conf, uint64_t seed);
void vnicd_ctrl_work_destroy(struct vnicd_ctrl_work *w);

/* From now on; commands being worked on keep their times. -EINVAL. */
int vnicd_ctrl_work_set(struct vnicd_ctrl_work *w, const struct vnicd_ctrl_conf *conf);
const struct vnicd_ctrl_conf *vnicd_ctrl_work_conf(const struct vnicd_ctrl_work *w);

/*
 * Take commands and finish those whose time has come, a ring's worth at most; true: there were some.
 * now: nanoseconds. Answers are seen after vnicd_nic_flush(). A command that has waited in the
 * ring for a place is begun at the time the place came free, however late the call.
 */
bool vnicd_ctrl_work_run(struct vnicd_ctrl_work *w, uint64_t now);
/* When the next answer is ready, in nanoseconds; UINT64_MAX: nothing is worked on. */
uint64_t vnicd_ctrl_work_due(const struct vnicd_ctrl_work *w);
/* Can another one be taken? Else a kick is of no use. */
bool vnicd_ctrl_work_has_room(const struct vnicd_ctrl_work *w);
/* The ring was stopped or the device reset: what is worked on is forgotten. run() finds out itself, too. */
void vnicd_ctrl_work_drop(struct vnicd_ctrl_work *w);
/* What it does wrong: vnicd_ctrl_faults_set(), vnicd_ctrl_faults_clear() on it. A command that is never
 * answered takes no place. */
struct vnicd_ctrl_faults *vnicd_ctrl_work_faults(struct vnicd_ctrl_work *w);
void vnicd_ctrl_work_stats(const struct vnicd_ctrl_work *w, struct vnicd_ctrl_work_stats *out);

#endif
