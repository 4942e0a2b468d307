/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reset and resize of one queue while the others run (virtio 1.2, 2.6.1). What can fail
 * for want of memory comes before the device is touched, so that the old ring goes on then. Once the device
 * has let go of the ring, what it marked used are packets and completions as ever; the
 * rest of the buffers comes back, and a new ring takes the old one's place.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pmd/virtio/ethdev_private.h"
#include "pmd/virtio/tx_private.h"
#include "pmd/virtio/vnic.h"

#define TX_GRACE_US 5000 /* what is posted may be sent first: an honest device takes far less */

/* One reset on its way. */
struct reset {
	struct vnic_dev *d;
	struct vnic_rxq *rxq;  /* one of the two */
	struct vnic_txq *txq;
	struct vnic_vq *vq;    /* of the queue */
	uint16_t size;         /* to be */
	struct vnic_txq fresh; /* what the new ring takes, until it is the queue's */
	struct rte_mbuf **room; /* receive: for packets that nobody has polled */
	uint64_t closed_us;    /* since when */
	struct vnic_reset_report report;
};

const char *vnic_reset_how_name(enum vnic_reset_how how)
{
	static const char *const names[] = {
		[VNIC_RESET_RING] = "ring reset", [VNIC_RESET_PAUSE] = "pause", [VNIC_RESET_LIMIT] = "limit",
		[VNIC_RESET_DEVICE] = "device stopped",
	};

	return (unsigned)how < RTE_DIM(names) ? names[how] : "?";
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ---- before the device is touched --------------------------------------------------------- */

static int check_size(const struct reset *r)
{
	if (r->size < VNIC_RING_MIN || r->size > r->vq->max)
		return -ERANGE;
	return r->d->packed || rte_is_power_of_2(r->size) ? 0 : -EINVAL;
}

static void fresh_destroy(struct reset *r)
{
	vnic_tx_room_destroy(&r->fresh, false);
	vnic_vq_destroy(&r->fresh.vq, false);
	free(r->room);
	r->room = NULL;
}

static int fresh_create(struct reset *r)
{
	int rc = vnic_vq_create(&r->fresh.vq, r->d, r->vq->index, r->size, r->d->eth->data->numa_node);

	if (rc < 0)
		return rc;
	if (r->txq != NULL)
		rc = vnic_tx_room_create(&r->fresh);
	else if ((r->room = vnic_rx_keep_room(r->rxq, r->vq->size)) == NULL)
		rc = -ENOMEM;
	if (rc < 0)
		fresh_destroy(r);
	return rc;
}

/* Away from the lcore: its bursts return 0 from here. */
static int take_queue(struct reset *r)
{
	int rc = vnic_vq_close(r->vq, VNIC_CLOSE_MS);

	r->closed_us = now_us();
	if (rc < 0) {
		VNIC_LOG(ERR, r->d, "virtqueue %u: an lcore does not leave its burst", r->vq->index);
		vnic_vq_open(r->vq);
		return -EAGAIN;
	}
	return 0;
}

static void give_back(struct reset *r)
{
	vnic_vq_open(r->vq);
	if (r->rxq != NULL)
		vnic_rxq_wake(r->d, r->rxq);
	r->report.queue_us = (uint32_t)(now_us() - r->closed_us);
}

/* ---- the device --------------------------------------------------------------------------- */

/* The queue is lost, and the device with it: nobody knows what it still touches. */
static int broken(struct reset *r, int rc, const char *why)
{
	struct vnic_dev *d = r->d;

	if (rc == -ENODEV && (d->transport_flags & VNIC_TRANSPORT_RECONNECT) == 0)
		vnic_device_removed(d);
	else if (rc != -ENODEV) /* the control thread sees what is gone, and waits for its return */
		vnic_device_break(d, why);
	return rc == -ETIMEDOUT ? rc : -EIO;
}

static bool refused(int rc)
{
	return rc == -ENOTSUP || rc == -EREMOTEIO || rc == -EBUSY;
}

/* The device touches neither ring nor buffers any more: 0. */
static int stop_ring(struct reset *r)
{
	int rc = r->d->ops->queue_reset(r->d, r->vq);

	if (rc == 0) {
		r->vq->live = false;
		return 0;
	}
	if (!refused(rc))
		return broken(r, rc, "a queue does not stop");
	give_back(r);
	return rc;
}

/* Set up with the new ring, filled, running. A pool that is empty now is asked again by each poll. */
static int start_ring(struct reset *r)
{
	struct vnic_dev *d = r->d;
	int rc = r->rxq != NULL ? vnic_rxq_prepare(d, r->rxq) : 0;

	if (r->txq != NULL)
		vnic_txq_prepare(d, r->txq);
	if (rc == 0)
		rc = vnic_vq_setup(d, r->vq, false);
	if (rc == 0 && r->rxq != NULL && vnic_rx_fill(r->rxq) < 0)
		VNIC_LOG(WARNING, d, "receive queue %u: no buffer in mempool %s", r->rxq->queue, r->rxq->mp->name);
	if (rc == 0 && d->ops->queue_enable != NULL)
		rc = d->ops->queue_enable(d, r->vq, true);
	return rc == 0 ? 0 : broken(r, rc, "a queue that was reset does not start");
}

/* ---- between the rings -------------------------------------------------------------------- */

/* Time for the device to send what it has: then nothing is lost. */
static void finish_sending(const struct reset *r)
{
	struct vnic_txq *q = r->txq;
	uint64_t deadline = r->closed_us + TX_GRACE_US;

	if (q == NULL || r->vq->fault != VNIC_FAULT_NONE)
		return;
	while (q->posted != q->done && r->vq->fault == VNIC_FAULT_NONE && now_us() < deadline)
		if (vnic_tx_reclaim(q, UINT32_MAX) == 0)
			usleep(20);
}

static void empty_rx(struct reset *r)
{
	uint64_t before = r->rxq->reset_returned;

	vnic_rx_keep(r->rxq, r->room);
	r->room = NULL;
	r->report.returned = (uint32_t)(r->rxq->reset_returned - before);
	r->rxq->resets++;
}

static void empty_tx(struct reset *r)
{
	uint64_t lost = r->txq->reset_lost;

	r->report.returned = (uint32_t)(r->txq->posted - r->txq->done);
	vnic_tx_drain(r->txq);
	r->report.lost = (uint32_t)(r->txq->reset_lost - lost);
	r->txq->resets++;
}

/* Completions are looked for at the same part of the ring as before. */
static void resize_tx(struct vnic_txq *q, struct vnic_txq *fresh)
{
	uint32_t thresh = (uint32_t)q->free_thresh * fresh->vq.size / q->vq.size;

	q->free_thresh = (uint16_t)RTE_MAX(thresh, 1u);
	vnic_eth_txq(q)->conf.tx_free_thresh = q->free_thresh;
	vnic_eth_txq(q)->nb_desc = fresh->vq.size;
	vnic_tx_room_destroy(q, false);
	q->room = fresh->room;
	q->room_iova = fresh->room_iova;
	q->room_chunk = fresh->room_chunk;
}

/* Gate closed, the device has let go: every buffer comes back, and the rings change places. */
static void change_rings(struct reset *r)
{
	if (r->rxq != NULL) {
		empty_rx(r);
		vnic_eth_rxq(r->rxq)->nb_desc = r->size;
	} else {
		empty_tx(r);
		resize_tx(r->txq, &r->fresh);
	}
	vnic_vq_destroy(r->vq, false);
	vnic_vq_adopt(r->vq, &r->fresh.vq);
}

static int ring_reset(struct reset *r)
{
	int rc = fresh_create(r);

	if (rc < 0)
		return rc;
	rc = take_queue(r);
	if (rc == 0) {
		finish_sending(r);
		rc = stop_ring(r);
	}
	if (rc < 0) {
		fresh_destroy(r);
		return rc;
	}
	r->report.how = VNIC_RESET_RING;
	change_rings(r);
	rc = start_ring(r);
	if (rc == 0)
		give_back(r);
	return rc;
}

/* ---- by port ------------------------------------------------------------------------------ */

/* -EINVAL: no such queue; -EBUSY: it does not run. */
static int find_queue(struct reset *r, enum vnic_dir dir, uint16_t queue)
{
	const struct rte_eth_dev_data *data = r->d->eth->data;
	uint16_t n = dir == VNIC_RX ? data->nb_rx_queues : data->nb_tx_queues;
	bool stopped;

	if (queue >= n || (dir == VNIC_RX ? data->rx_queues : data->tx_queues)[queue] == NULL)
		return -EINVAL;
	if (dir == VNIC_RX) {
		r->rxq = data->rx_queues[queue];
		r->vq = &r->rxq->vq;
		stopped = vnic_eth_rxq(r->rxq)->stopped;
	} else {
		r->txq = data->tx_queues[queue];
		r->vq = &r->txq->vq;
		stopped = vnic_eth_txq(r->txq)->stopped;
	}
	if (r->d->state == VNIC_BROKEN || r->d->state == VNIC_LOST || r->d->state == VNIC_REMOVED)
		return -EIO;
	return stopped || r->d->state != VNIC_RUNNING ? -EBUSY : 0;
}

static int reset_locked(struct reset *r, enum vnic_dir dir, uint16_t queue)
{
	int rc = find_queue(r, dir, queue);

	if (rc < 0)
		return rc;
	if (r->size == 0)
		r->size = r->vq->size;
	rc = check_size(r);
	if (rc < 0)
		return rc;
	if (!vnic_has(r->d, VIRTIO_F_RING_RESET) || r->d->ops->queue_reset == NULL)
		return -ENOTSUP;
	rc = ring_reset(r);
	r->report.size = r->size;
	return rc;
}

int vnic_queue_reset(uint16_t port, enum vnic_dir dir, uint16_t queue, uint16_t size,
		     struct vnic_reset_report *report)
{
	struct reset r = { .d = vnic_dev_of(port), .size = size };
	int rc;

	if (r.d == NULL)
		return -ENOTSUP;
	pthread_mutex_lock(&r.d->lock);
	rc = reset_locked(&r, dir, queue);
	pthread_mutex_unlock(&r.d->lock);
	if (report != NULL)
		*report = r.report;
	return rc;
}
