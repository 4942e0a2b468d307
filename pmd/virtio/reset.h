/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of queue reset and resize (vnic.h), shared by reset*.c and ethdev_run.c. All of
 * it is control plane: vnic_dev.lock is held.
 */
#ifndef VNIC_RESET_H
#define VNIC_RESET_H

#include "pmd/virtio/ethdev_private.h"
#include "pmd/virtio/vnic.h"

/* A queue of either direction. */
struct vnic_queue {
	struct vnic_rxq *rxq; /* one of the two */
	struct vnic_txq *txq;
	struct vnic_vq *vq;
	bool *stopped;        /* by the program */
};

/* One reset on its way. */
struct vnic_reset {
	struct vnic_dev *d;
	struct vnic_queue q;
	uint16_t size;          /* to be */
	struct vnic_txq fresh;  /* what the new ring takes, until it is the queue's */
	struct rte_mbuf **room; /* receive: for packets that nobody has polled */
	uint64_t closed_us;     /* since when */
	struct vnic_reset_report report;
};

/* ---- reset.c ---------------------------------------------------------------------- */
/* VIRTIO_F_RING_RESET, and the means for it. */
static inline bool vnic_can_reset(const struct vnic_dev *d)
{
	return vnic_has(d, VIRTIO_F_RING_RESET) && d->ops->queue_reset != NULL;
}
/* -EINVAL: no such queue. */
int vnic_queue_find(struct vnic_dev *d, enum vnic_dir dir, uint16_t queue, struct vnic_queue *out);
/* Away from the lcore: its bursts return 0 from here. -EAGAIN: it hangs in one; the queue is open. */
int vnic_reset_take(struct vnic_reset *r);
/* To the lcore again. */
void vnic_reset_give_back(struct vnic_reset *r);
/* Gate closed, transmit: wait until nothing is posted, at most so long, asleep where the device can
 * tell. Returns how long it was, microseconds. */
uint32_t vnic_queue_finish_sending(const struct vnic_queue *q, uint32_t us);
/* Gate closed, the device has let go: every buffer comes back. Counts returned and lost. */
void vnic_reset_empty(struct vnic_reset *r);
/* The size to be of the ring, and how many of its descriptors are not to be used; with it
 * changes when completions are looked for. */
void vnic_queue_set_size(const struct vnic_queue *q, uint16_t nb_desc, uint16_t reserve);
/* The queue is lost, and the device with it: nobody knows what it still touches. -ETIMEDOUT, -EIO. */
int vnic_reset_broken(struct vnic_dev *d, int rc, const char *why);

/* ---- reset_soft.c: devices that cannot reset a ring ---------------------------------- */
/* The least disruptive of the other ways. */
int vnic_reset_soft(struct vnic_reset *r);
/* The way of VNIC_RESET_DEVICE; the queue may be without a ring. */
int vnic_reset_device(struct vnic_reset *r);
/* VNIC_TRANSPORT_QUEUE_STOP: a ring can be paused. */
bool vnic_can_pause(const struct vnic_dev *d);

/* ---- reset_renew.c: queues set up anew while the port runs ----------------------------- */
/* A queue was released: it is freed, or waits as long as the device has its ring. */
void vnic_rxq_retire(struct vnic_dev *d, struct vnic_rxq *q);
void vnic_txq_retire(struct vnic_dev *d, struct vnic_txq *q);
/* drain: the device does not touch their buffers any more; quarantine: but perhaps their rings. */
void vnic_retired_free(struct vnic_dev *d, bool drain, bool quarantine);
/* A ring for a queue that has none, while the device runs. *q->stopped is false afterwards when it
 * runs already, because the device was stopped and started for it. */
int vnic_queue_renew(struct vnic_dev *d, const struct vnic_queue *q);

#endif
