/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside of notification coalescing, shared by coal*.c only. */
#ifndef VNIC_COAL_PRIVATE_H
#define VNIC_COAL_PRIVATE_H

#include <pthread.h>

#include "pmd/virtio/coal.h"
#include "pmd/virtio/ethdev_private.h"
#include "pmd/virtio/vnic.h"

#define COAL_QUEUES    (2 * VNIC_MAX_PAIRS)
#define COAL_COMMANDS  256  /* no control queue has more slots */
#define COAL_STEP_MS   10   /* until what found no room, or no token, is tried again */

struct coal_mailbox {
	/* the lcore that polls the queue writes */
	uint64_t posted;        /* struct vnic_coal in one piece */
	uint32_t posts;         /* counts them; written after posted */
	/* it reads; written under the lock */
	uint32_t answered;      /* the post that was answered last */
	bool open, refused;     /* commands may go; that post came to nothing */
	/* under the lock */
	uint32_t sent;          /* the post that was submitted last */
	uint32_t generation;
	bool busy;              /* the control thread's command is on its way */
	bool own, resend;       /* the queue has a value of its own; the device forgot it */
	bool learn, told;       /* nobody has set any: to be asked for; device is what it answered */
	struct vnic_coal value; /* with own: in force */
	struct vnic_coal device;
} __rte_cache_aligned;

/* Somebody waits for commands: under the lock. */
struct coal_call {
	unsigned pending;
	int rc;                 /* the first that is not 0 */
	struct vnic_coal got;
};

enum coal_purpose { COAL_POST, COAL_RESTORE, COAL_SET, COAL_ASK, COAL_LEARN };

/* Commands that ask. */
static inline bool coal_asks(enum coal_purpose purpose)
{
	return purpose == COAL_ASK || purpose == COAL_LEARN;
}

struct coal_command {
	struct coal_command *next;   /* free list */
	struct vnic_coalescing *owner;
	struct coal_call *call;      /* NULL: nobody waits */
	enum coal_purpose purpose;
	bool all;
	uint16_t vq;            /* all: the direction */
	uint32_t generation, post;
	struct vnic_coal value;
};

struct vnic_coalescing {
	struct vnic_dev *dev;
	uint32_t due;           /* something to send; whoever sets it wakes the control thread */
	pthread_mutex_t lock;   /* taken before the control queue's, never while its callbacks may be waited for */
	pthread_cond_t cond;    /* CLOCK_MONOTONIC: a command ended */
	bool open, per_queue, per_direction;
	unsigned callers;       /* threads in vnic_coal_set() and _get() */
	uint16_t n[2];          /* queues by direction */
	uint32_t generation;    /* of the device */
	struct {
		bool set, resend;
		struct vnic_coal value;
	} all[2];               /* RX_SET and TX_SET */
	uint16_t first;         /* whose turn it is when tokens are short */
	uint64_t tokens, filled_ns;
	struct coal_command *free, command[COAL_COMMANDS];
	struct coal_mailbox queue[COAL_QUEUES];
};

/* Give a command to the control queue, without a doorbell; the lock is held. */
int coal_submit(struct vnic_coalescing *k, struct vnic_ctrl *c, const struct coal_command *what);

static inline enum vnic_dir coal_dir(uint16_t vq)
{
	return vq % 2 == 0 ? VNIC_RX : VNIC_TX;
}
static inline uint16_t coal_vq(enum vnic_dir dir, uint16_t queue)
{
	return dir == VNIC_RX ? virtio_rxq_index(queue) : virtio_txq_index(queue);
}

#endif
