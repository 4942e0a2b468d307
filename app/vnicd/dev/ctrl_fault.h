/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a device does wrong with control commands on purpose. Kinds that are counted are for
 * the next so many commands they fit, or for all; the others hold until they are set
 * anew. Part of ctrl_work.h's object, and of its thread.
 */
#ifndef VNICD_CTRL_FAULT_H
#define VNICD_CTRL_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "app/vnicd/dev/nic_ctrl.h"

enum vnicd_ctrl_fault {
	VNICD_CTRL_NEVER,         /* taken from the ring and forgotten: no effect, no answer */
	VNICD_CTRL_FAIL,          /* refused, without effect */
	VNICD_CTRL_ACK,           /* done, and acknowledged by VNICD_CTRL_ACK_ODD */
	/* replies about statistics */
	VNICD_CTRL_STATS_SHORT,   /* ends in the middle of the last one */
	VNICD_CTRL_STATS_LONG,    /* the first one has two counters more than known, where there is room */
	VNICD_CTRL_STATS_ZERO,    /* the first one says that it has no size */
	VNICD_CTRL_STATS_GARBAGE, /* octets by chance */
	VNICD_CTRL_STATS_UNKNOWN, /* the first one, or the list of types, has a type that there is not */
	VNICD_CTRL_FAULTS_COUNTED,
	/* not counted */
	VNICD_CTRL_LATE = VNICD_CTRL_FAULTS_COUNTED, /* so many microseconds more */
	VNICD_CTRL_ORDER,         /* not 0: of those ready the last one first, IN_ORDER or not */
	VNICD_CTRL_ONLY,          /* all of it only for commands of this class; VNICD_CTRL_ANY */
	VNICD_CTRL_FAULT_KINDS
};

#define VNICD_CTRL_ACK_ODD 0x7f /* neither VIRTIO_NET_OK nor VIRTIO_NET_ERR */
#define VNICD_CTRL_ANY     255u
#define VNICD_CTRL_LATE_MAX_US UINT64_C(3600000000)

struct vnicd_ctrl_faults {
	uint64_t left[VNICD_CTRL_FAULTS_COUNTED]; /* commands; UINT64_MAX: all */
	uint64_t done[VNICD_CTRL_FAULTS_COUNTED]; /* how often it was done */
	uint64_t late_us;
	bool newest_first;
	uint8_t only;
};

void vnicd_ctrl_faults_clear(struct vnicd_ctrl_faults *f); /* done[] stays */
/* value: as the kind has it; of those counted, how many commands, 0: all. -EINVAL: kind or value. */
int vnicd_ctrl_faults_set(struct vnicd_ctrl_faults *f, enum vnicd_ctrl_fault kind, uint64_t value);
/* Is it for this command (its octets)? Counts those counted. */
bool vnicd_ctrl_faults_hit(struct vnicd_ctrl_faults *f, enum vnicd_ctrl_fault kind, const uint8_t *data,
			   uint32_t len);
/* Run the command, or not, and spoil its answer. chance: a random number. */
void vnicd_ctrl_faults_run(struct vnicd_ctrl_faults *f, struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd,
			   uint64_t chance);

#endif
