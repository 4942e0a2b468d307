/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside of device statistics, shared by devstats.c and devstats_ask.c only. */
#ifndef VNIC_DEVSTATS_PRIVATE_H
#define VNIC_DEVSTATS_PRIVATE_H

#include <pthread.h>

#include "pmd/virtio/devstats.h"
#include "pmd/virtio/devstats_msg.h"
#include "pmd/virtio/ethdev_private.h"

#define DEVSTATS_CQ_AT       (2 * VNIC_MAX_PAIRS) /* its place among the queues */
#define DEVSTATS_CHUNK       32    /* queues a command */
#define DEVSTATS_CHUNKS      3     /* commands in flight: each may take two of the sixteen large buffers */
/* No answer came in time: others are asked again. The device may answer yet, so that buffers stay its own; when so many
 * are lost nothing is asked any more before it does. */
#define DEVSTATS_LOST        3
#define DEVSTATS_PATIENCE_MS     10000 /* at least; twice what the last answer took, doubled with each loss */
#define DEVSTATS_PATIENCE_MAX_MS 600000
#define DEVSTATS_SPLITS      64    /* of refused commands, in a round */
/* What was refused by itself is not asked for so long; twice as long each time that it is refused again. */
#define DEVSTATS_LEFT_OUT_MS     4000
#define DEVSTATS_LEFT_OUT_MAX_MS 64000

/* Shown is value - base. */
struct devstats_counters {
	uint64_t value[DEVSTATS_SLOTS][DEVSTATS_COUNTERS];
	uint64_t base[DEVSTATS_SLOTS][DEVSTATS_COUNTERS];
	/* Types that the device refuses of this queue: not asked for until then. */
	uint64_t left_out, left_out_new; /* new: in this round, not confirmed yet */
	uint64_t left_out_until;         /* clock_now_ms() */
	uint32_t left_out_ms;            /* the last time; 0: all was answered since */
};

/* What one command asks for: queues from..to-1 counted through all sides, and of what each has these types. */
struct devstats_piece {
	uint32_t from, to;
	uint64_t types;
};

struct devstats_command {
	struct vnic_devstats *owner;
	bool busy;               /* in flight */
	bool lost;               /* and not waited for any more */
	uint64_t sent_ms;        /* clock_now_ms() */
	uint32_t generation;
	struct devstats_piece piece;
	unsigned n;
	struct vnic_ctrl_stats_request ask[DEVSTATS_CHUNK];
};

struct vnic_devstats {
	struct vnic_dev *dev;
	pthread_mutex_t lock;    /* taken before the control queue's, never while its callbacks may be waited for */
	bool open;               /* the device runs */
	bool under_way, stuck;   /* a refresh; it goes on when the control queue has room */
	uint32_t generation;     /* answers of before a stop are not heeded */
	uint16_t cq;             /* virtqueue number */
	uint16_t n[3];           /* queues by side */
	uint64_t types[3];       /* that we know and the device has */
	/* the round */
	uint32_t next;           /* queue to ask for, counted through all sides */
	struct devstats_piece left[DEVSTATS_SPLITS + DEVSTATS_CHUNKS]; /* of refused commands: before next */
	unsigned n_left, splits;
	bool some_ok;            /* a command was answered */
	uint64_t whole_until;    /* clock_now_ms(): none was, refused ones are not split */
	uint64_t answered_ms;    /* the end of the last round, 0: never */
	uint64_t heard_ms;       /* of the last in which something was answered */
	uint32_t patience_ms, patience_min_ms; /* DEVSTATS_PATIENCE_MS, but in tests */
	uint64_t refreshes, failed, errors, lost;
	struct devstats_command command[DEVSTATS_CHUNKS + DEVSTATS_LOST];
	struct devstats_counters queue[2 * VNIC_MAX_PAIRS + 1]; /* by virtqueue number */
};

/* ---- devstats_ask.c: the lock is held ---------------------------------------------- */
/* Begin a round. */
void devstats_begin(struct vnic_devstats *k);
/* Wait no longer for what takes too long; true: there was such. */
bool devstats_lose(struct vnic_devstats *k, uint64_t now_ms);
/* clock_now_ms() when that has to be looked at again; UINT64_MAX: nothing is in flight. */
uint64_t devstats_lose_at(const struct vnic_devstats *k);
/* Send what may go; notice the end of a round. True: a doorbell is due. */
bool devstats_advance(struct vnic_devstats *k, struct vnic_ctrl *c);

#endif
