/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of the control queue (ctrl.h), shared by ctrl*.c and its tests only.
 *
 * A slot's life: FREE -> WAITING (a conflicting command goes first) -> POSTED
 * (the device has it) -> DONE (its callback is due or running) -> FREE. ORPHAN: the caller
 * was told already, the device may still write the slot: until it answers, or is reset.
 */
#ifndef VNIC_CTRL_PRIVATE_H
#define VNIC_CTRL_PRIVATE_H

#include <pthread.h>
#include <sys/queue.h>

#include "pmd/virtio/ctrl.h"
#include "pmd/virtio/dev.h"
#include "pmd/virtio/vq.h"

#define CTRL_SLOTS_MAX  256u
#define CTRL_CHAIN_MAX  4u        /* header, data, ack, result */
#define CTRL_INLINE     62u       /* octets of data on the header's line */
#define CTRL_RESULT     56u       /* octets of result beside the ack */
#define CTRL_BIG        32768u
#define CTRL_BIG_COUNT  16u
#define CTRL_ERRORS_MAX 8u        /* answers to nothing, then the ring is taken for broken */
#define CTRL_NO_BIG     UINT8_MAX
#define CTRL_GROUPS     (VNIC_CTRL_COAL_ALL + 1u)
#define CTRL_KEYS       256u      /* a power of two */
#define CTRL_NONE       UINT16_MAX

/* What the device sees of a slot: it reads the first two lines and writes the third. */
struct ctrl_room {
	struct vnic_ctrl_hdr hdr;
	uint8_t data[CTRL_INLINE];
	union {
		struct vring_desc split[CTRL_CHAIN_MAX];
		struct vring_packed_desc packed[CTRL_CHAIN_MAX];
	} table;
	uint8_t ack, reserved[7];
	uint8_t result[CTRL_RESULT];
	uint8_t unused[64];
};
static_assert(sizeof(struct ctrl_room) == 256, "slot");
static_assert(offsetof(struct ctrl_room, table) == 64 && offsetof(struct ctrl_room, ack) == 128, "lines");

enum ctrl_state { CTRL_FREE, CTRL_WAITING, CTRL_POSTED, CTRL_DONE, CTRL_ORPHAN };

/* Ours alone: the device cannot reach it. */
struct ctrl_slot {
	TAILQ_ENTRY(ctrl_slot) link; /* active, done or free list */
	uint8_t state;               /* enum ctrl_state */
	uint8_t class, cmd, group;
	uint32_t key;
	uint32_t generation;         /* with the index: the caller's id */
	uint16_t index, descs;       /* descs: in the ring */
	uint16_t head;               /* split: first descriptor; packed: buffer id */
	uint8_t big_data, big_result; /* index, CTRL_NO_BIG */
	uint32_t len, result_len;
	uint32_t written;            /* of the result, if result_varies; at most result_len */
	bool result_varies;
	uint64_t submitted, deadline; /* ns of ctrl_now() */
	int rc;
	bool waited;                 /* as the request says */
	bool preset;                 /* the deadline is ctrl_timeout_ms's, and moves with it */
	bool orphan;                 /* DONE, though not answered: ORPHAN comes next */
	vnic_ctrl_done_fn done;
	void *arg;
};
TAILQ_HEAD(ctrl_list, ctrl_slot);

struct vnic_ctrl {
	struct vnic_dev *dev;
	pthread_mutex_t lock;
	pthread_cond_t cond;         /* CLOCK_MONOTONIC; something ended or became free */
	unsigned refs;               /* guarded by the lock of lives, in ctrl.c */

	struct vnic_vq vq;
	uint16_t n_slots, next_desc, free_descs; /* the last two: IN_ORDER without indirect */
	struct ctrl_slot *slot;      /* n_slots */
	uint16_t *by_head;           /* vq.size: slot of a head or id, CTRL_NONE */
	uint16_t *posted;            /* vq.size: order of posting, for IN_ORDER */
	uint16_t posted_head, posted_tail; /* free-running */
	uint16_t batch;              /* IN_ORDER: slots up to this one are answered; CTRL_NONE */
	uint32_t batch_written;      /* used length of its entry */
	struct vnic_chunk rooms, bigs;
	struct ctrl_list free, active, done; /* active: WAITING and POSTED, in order of submission */
	uint16_t big_free;           /* bits */
	uint16_t by_group[CTRL_GROUPS], by_key[CTRL_KEYS]; /* of active: how many, so that most look no further */
	uint8_t *scratch;            /* the result as the callback sees it: the reaper's */

	bool broken, dead;
	bool out_of_step;            /* what is on the ring means nothing any more */
	bool delivering;             /* a thread calls callbacks */
	pthread_t deliverer;         /* which */
	uint64_t wake_at;            /* when the control thread will look by itself; UINT64_MAX: never */
	unsigned waiters;            /* threads in vnic_ctrl_call() */
	unsigned ended_waits;        /* moves on when they are told to go */
	uint64_t seen;               /* submitted when the control thread went to sleep */
	char why[96];                /* it broke by itself; "" */
	bool why_told;               /* to the control thread */
	uint64_t timeout_ms, next_deadline;
	bool doorbell_due;
	struct vnic_ctrl_stats stats;
};

/* Monotonic nanoseconds; a pointer so that tests can live through seven days. */
extern uint64_t (*ctrl_now)(void);

/* ---- ctrl_group.c: order (pure) -------------------------------------------------- */
/* May a and b not be in flight together? */
bool ctrl_conflict(uint8_t group_a, uint32_t key_a, uint8_t group_b, uint32_t key_b);
/* Does an earlier unfinished command hold s up? s is in the active list, and counted. */
bool ctrl_held_up(const struct vnic_ctrl *c, const struct ctrl_slot *s);
/* Into and out of the active list. */
void ctrl_group_count(struct vnic_ctrl *c, const struct ctrl_slot *s, int by);

/* ---- ctrl_ring.c: descriptors ------------------------------------------------------ */
int ctrl_ring_init(struct vnic_ctrl *c);
void ctrl_ring_fini(struct vnic_ctrl *c);
/* Everything back to the driver: after a device reset. */
void ctrl_ring_rewind(struct vnic_ctrl *c);
/* Can one more command be posted now? */
bool ctrl_ring_room(const struct vnic_ctrl *c);
/* Publish a filled slot; no doorbell. */
void ctrl_ring_post(struct vnic_ctrl *c, struct ctrl_slot *s);
/* The next slot that the device has answered; NULL: no more. *error: an answer to
 * nothing was skipped; *fatal: what is in the ring cannot be understood any more. */
struct ctrl_slot *ctrl_ring_take(struct vnic_ctrl *c, bool *error, const char **fatal);
/* Ask for notifications; true: something is there already. */
bool ctrl_ring_arm(struct vnic_ctrl *c);

static inline struct ctrl_room *ctrl_room_of(const struct vnic_ctrl *c, const struct ctrl_slot *s)
{
	return (struct ctrl_room *)c->rooms.va + s->index;
}
static inline uint8_t *ctrl_big(const struct vnic_ctrl *c, uint8_t i)
{
	return (uint8_t *)c->bigs.va + (size_t)i * CTRL_BIG;
}
/* Where the device writes the result of a slot. */
static inline uint8_t *ctrl_result_of(const struct vnic_ctrl *c, const struct ctrl_slot *s)
{
	return s->big_result != CTRL_NO_BIG ? ctrl_big(c, s->big_result) : ctrl_room_of(c, s)->result;
}

/* ---- ctrl_reap.c: the lock is held ---------------------------------------------------- */
/* Slot out of the active list, result known, callback due. */
void ctrl_finish(struct vnic_ctrl *c, struct ctrl_slot *s, int rc);
/* The slot is answered: those behind it that were submitted with it have their time from now on. */
void ctrl_extend(struct vnic_ctrl *c, const struct ctrl_slot *one);
/* End everything that is pending; posted slots become orphans. */
void ctrl_end_all(struct vnic_ctrl *c, int rc);
/* Call the callbacks that are due: lets go of the lock meanwhile. Does nothing when another
 * thread (or this one, further out) is at it. */
void ctrl_deliver(struct vnic_ctrl *c);
/* Post what may go. */
void ctrl_advance(struct vnic_ctrl *c);
void ctrl_ring_doorbell(struct vnic_ctrl *c);
void ctrl_release(struct vnic_ctrl *c, struct ctrl_slot *s);
/* Give a filled slot to the device. */
void ctrl_start(struct vnic_ctrl *c, struct ctrl_slot *s);
void ctrl_poll_locked(struct vnic_ctrl *c);
/* Does the control thread sleep longer than what is in flight may take? Once. */
bool ctrl_wants_thread(struct vnic_ctrl *c);

/* ---- ctrl.c: the lock is held ----------------------------------------------------------- */
int ctrl_submit_locked(struct vnic_ctrl *c, const struct vnic_ctrl_request *req, uint64_t *id);
/* When a command submitted then is due; timeout_ms 0: ctrl_timeout_ms. */
uint64_t ctrl_deadline(const struct vnic_ctrl *c, uint64_t then, uint64_t timeout_ms);

#endif
