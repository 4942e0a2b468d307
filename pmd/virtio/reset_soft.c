/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Queue reset and resize without VIRTIO_F_RING_RESET, as with stock vhost-user back ends: a
 * pause where the ring may stay as it is; a limit of what is posted where it is large
 * enough; else the whole device is stopped for a moment and set up again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pmd/base/clock.h"
#include "pmd/virtio/coal.h"
#include "pmd/virtio/devstats.h"
#include "pmd/virtio/reset.h"

#define PAUSE_TX_US   200000 /* a paused back end throws away what it is still to send */
#define DEVICE_TX_US  20000  /* all queues wait for it */

bool vnic_can_pause(const struct vnic_dev *d)
{
	return (d->transport_flags & VNIC_TRANSPORT_QUEUE_STOP) != 0 && d->ops->queue_enable != NULL;
}

/* ---- pause -------------------------------------------------------------------------------- */

static int pause(struct vnic_dev *d, struct vnic_vq *vq)
{
	int rc;

	if (d->ops->queue_pause != NULL)
		return d->ops->queue_pause(d, vq);
	rc = d->ops->queue_enable(d, vq, false);
	return rc == 0 ? d->ops->queue_enable(d, vq, true) : rc;
}

/* Nothing is taken from the device: what it has delivered stays in the ring, and so do buffers. */
static int pause_queue(struct vnic_reset *r)
{
	struct vnic_dev *d = r->d;
	int rc = vnic_reset_take(r);

	if (rc < 0)
		return rc;
	r->report.how = VNIC_RESET_PAUSE;
	r->report.sending_us = vnic_queue_finish_sending(&r->q, PAUSE_TX_US);
	if (r->q.txq != NULL)
		r->report.lost = (uint32_t)(r->q.txq->posted - r->q.txq->done);
	rc = pause(d, r->q.vq);
	if (rc < 0)
		return vnic_reset_broken(d, rc, "a queue does not pause");
	/* The device may have slept through what was posted meanwhile. */
	vnic_vq_kick(r->q.vq);
	vnic_reset_give_back(r);
	return 0;
}

/* ---- limit -------------------------------------------------------------------------------- */

/* What is posted beyond the limit is used up and not replaced. */
static int limit_queue(struct vnic_reset *r)
{
	uint16_t ring = r->q.vq->size;
	int rc = vnic_reset_take(r);

	if (rc < 0)
		return rc;
	r->report.how = VNIC_RESET_LIMIT;
	vnic_queue_set_size(&r->q, ring, (uint16_t)(ring - r->size));
	if (r->q.rxq != NULL)
		rc = vnic_rxq_prepare(r->d, r->q.rxq);
	vnic_reset_give_back(r);
	return rc;
}

/* ---- the whole device --------------------------------------------------------------------- */

/* Room for packets that nobody has polled, queue by queue. */
struct rooms {
	struct rte_mbuf **of[VNIC_MAX_PAIRS];
	uint16_t n;
};

static void rooms_free(struct rooms *rooms)
{
	for (uint16_t i = 0; i < rooms->n; i++)
		free(rooms->of[i]);
}

static int rooms_alloc(const struct vnic_dev *d, struct rooms *rooms)
{
	rooms->n = 0;
	for (uint16_t i = 0; i < d->eth->data->nb_rx_queues; i++) {
		if (d->rxq[i] == NULL || d->rxq[i]->vq.ring.len == 0)
			continue;
		rooms->of[rooms->n] = vnic_rx_keep_room(d->rxq[i], d->rxq[i]->vq.size);
		if (rooms->of[rooms->n++] == NULL) {
			rooms_free(rooms);
			return -ENOMEM;
		}
	}
	return 0;
}

static uint32_t finish_all(const struct vnic_dev *d)
{
	uint32_t spent = 0;

	for (uint16_t i = 0; i < d->eth->data->nb_tx_queues && spent < DEVICE_TX_US; i++) {
		struct vnic_queue q = { .txq = d->txq[i], .vq = d->txq[i] != NULL ? &d->txq[i]->vq : NULL };

		spent += vnic_queue_finish_sending(&q, DEVICE_TX_US - spent);
	}
	return spent;
}

/* The device is reset: packets there are kept, everything else comes back, rings go. */
static void empty_all(struct vnic_reset *r, struct rooms *rooms)
{
	struct vnic_dev *d = r->d;
	uint16_t k = 0;

	for (uint16_t i = 0; i < d->eth->data->nb_rx_queues; i++) {
		struct vnic_reset one = { .d = d, .q = { .rxq = d->rxq[i] } };

		if (d->rxq[i] == NULL || d->rxq[i]->vq.ring.len == 0)
			continue;
		one.q.vq = &d->rxq[i]->vq;
		one.room = rooms->of[k];
		rooms->of[k++] = NULL;
		vnic_reset_empty(&one);
		r->report.returned += one.report.returned;
		vnic_vq_destroy(one.q.vq, false);
	}
	for (uint16_t i = 0; i < d->eth->data->nb_tx_queues; i++) {
		struct vnic_reset one = { .d = d, .q = { .txq = d->txq[i] } };

		if (d->txq[i] == NULL || d->txq[i]->vq.ring.len == 0)
			continue;
		one.q.vq = &d->txq[i]->vq;
		vnic_reset_empty(&one);
		r->report.returned += one.report.returned;
		r->report.lost += one.report.lost;
		vnic_tx_room_destroy(d->txq[i], false);
		vnic_vq_destroy(one.q.vq, false);
	}
}

static void drop_ctrl(struct vnic_dev *d)
{
	if (d->ctrl == NULL)
		return;
	vnic_ctrl_reset(d->ctrl);
	vnic_ctrl_destroy(d->ctrl);
}

/* With the new size, or, when that cannot be, as it was. */
static int start_again(struct vnic_reset *r, uint16_t before, uint16_t reserve)
{
	int rc, again;

	vnic_queue_set_size(&r->q, r->size, 0);
	rc = vnic_device_start(r->d);
	if (rc == 0)
		return 0;
	vnic_queue_set_size(&r->q, before, reserve);
	again = vnic_device_start(r->d);
	return again == 0 ? rc : vnic_reset_broken(r->d, again, "the device does not start again");
}

static int stop_device(struct vnic_reset *r, struct rooms *rooms)
{
	struct vnic_dev *d = r->d;
	int rc = vnic_rings_close(d);

	r->closed_us = clock_now_us();
	if (rc < 0) {
		VNIC_LOG(ERR, d, "an lcore does not leave its burst");
		vnic_rings_open(d);
		return -EAGAIN;
	}
	r->report.sending_us = finish_all(d);
	vnic_coal_stop(d);
	vnic_devstats_stop(d);
	rc = d->ops->set_status(d, VIRTIO_STATUS_RESET);
	if (rc < 0)
		return vnic_reset_broken(d, rc, "the device does not stop");
	drop_ctrl(d);
	empty_all(r, rooms);
	vnic_retired_free(d, true, false);
	return 0;
}

int vnic_reset_device(struct vnic_reset *r)
{
	uint16_t before = r->q.rxq != NULL ? vnic_eth_rxq(r->q.rxq)->nb_desc : vnic_eth_txq(r->q.txq)->nb_desc;
	uint16_t reserve = r->q.vq->reserve;
	struct rooms rooms;
	int rc = rooms_alloc(r->d, &rooms);

	if (rc < 0)
		return rc;
	r->report.how = VNIC_RESET_DEVICE;
	rc = stop_device(r, &rooms);
	rooms_free(&rooms);
	if (rc == 0)
		rc = start_again(r, before, reserve);
	r->report.queue_us = r->report.others_us = (uint32_t)(clock_now_us() - r->closed_us);
	return rc;
}

int vnic_reset_soft(struct vnic_reset *r)
{
	const struct vnic_vq *vq = r->q.vq;

	if (vq->fault != VNIC_FAULT_NONE || r->size > vq->size)
		return vnic_reset_device(r);
	if (r->size != vnic_vq_limit(vq))
		return limit_queue(r);
	return vnic_can_pause(r->d) ? pause_queue(r) : vnic_reset_device(r);
}
