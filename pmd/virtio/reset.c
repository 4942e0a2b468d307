/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reset and resize of one queue while the others run (virtio 1.2, 2.6.1). What can fail
 * for want of memory comes before the device is touched, so that the old ring goes on then. Once the device
 * has let go of the ring, what it marked used are packets and completions as ever; the
 * rest of the buffers comes back, and a new ring takes the old one's place.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pmd/base/clock.h"
#include "pmd/virtio/coal.h"
#include "pmd/virtio/reset.h"
#include "pmd/virtio/tx_private.h"

#define TX_GRACE_US      5000 /* what is posted may be sent first: an honest device takes far less */
#define TX_LOOK_US       50   /* doubles with each look that finds nothing, */
#define TX_LOOK_NO_FD_US 20   /* (where nobody says when to look) */
#define TX_LOOK_MAX_US   1000 /* up to this */

static const char start_failed[] = "a queue that was reset does not start";

const char *vnic_reset_how_name(enum vnic_reset_how how)
{
	static const char *const names[] = {
		[VNIC_RESET_RING] = "ring reset", [VNIC_RESET_PAUSE] = "pause", [VNIC_RESET_LIMIT] = "limit",
		[VNIC_RESET_DEVICE] = "device stopped",
	};

	return (unsigned)how < RTE_DIM(names) ? names[how] : "?";
}

/* ---- before the device is touched --------------------------------------------------------- */

static int check_size(const struct vnic_reset *r)
{
	if (r->size < VNIC_RING_MIN || r->size > r->q.vq->max)
		return -ERANGE;
	return r->d->packed || rte_is_power_of_2(r->size) ? 0 : -EINVAL;
}

static void fresh_destroy(struct vnic_reset *r)
{
	vnic_tx_room_destroy(&r->fresh, false);
	vnic_vq_destroy(&r->fresh.vq, false);
	free(r->room);
	r->room = NULL;
}

static int fresh_create(struct vnic_reset *r)
{
	int rc = vnic_vq_create(&r->fresh.vq, r->d, r->q.vq->index, r->size, r->d->eth->data->numa_node);

	if (rc < 0)
		return rc;
	if (r->q.txq != NULL)
		rc = vnic_tx_room_create(&r->fresh);
	else if ((r->room = vnic_rx_keep_room(r->q.rxq, r->q.vq->size)) == NULL)
		rc = -ENOMEM;
	if (rc < 0)
		fresh_destroy(r);
	return rc;
}

int vnic_reset_take(struct vnic_reset *r)
{
	int rc = vnic_vq_close(r->q.vq, VNIC_CLOSE_MS);

	r->closed_us = clock_now_us();
	if (rc < 0) {
		VNIC_LOG(ERR, r->d, "virtqueue %u: an lcore does not leave its burst", r->q.vq->index);
		vnic_vq_open(r->q.vq);
		return -EAGAIN;
	}
	return 0;
}

void vnic_reset_give_back(struct vnic_reset *r)
{
	vnic_vq_open(r->q.vq);
	if (r->q.rxq != NULL)
		vnic_rxq_wake(r->d, r->q.rxq);
	r->report.queue_us = (uint32_t)(clock_now_us() - r->closed_us);
}

/* ---- the device --------------------------------------------------------------------------- */

int vnic_reset_broken(struct vnic_dev *d, int rc, const char *why)
{
	if (rc == -ENODEV && (d->transport_flags & VNIC_TRANSPORT_RECONNECT) == 0)
		vnic_device_removed(d);
	else if (rc != -ENODEV) /* the control thread sees what is gone, and waits for its return */
		vnic_device_break(d, why);
	return rc == -ETIMEDOUT ? rc : -EIO;
}

static bool refused(int rc)
{
	return rc == -ENOTSUP || rc == -EREMOTEIO;
}

/* The device touches neither ring nor buffers any more: 0. */
static int stop_ring(struct vnic_reset *r)
{
	int rc = r->d->ops->queue_reset(r->d, r->q.vq);

	if (rc == 0) {
		r->q.vq->live = false;
		return 0;
	}
	if (!refused(rc))
		return vnic_reset_broken(r->d, rc, "a queue does not stop");
	vnic_reset_give_back(r);
	vnic_coal_restore_queue(r->d, r->q.vq->index);
	return rc;
}

/* Set up with the new ring, filled, running. A pool that is empty now is asked again by each poll. */
static int start_ring(struct vnic_reset *r)
{
	struct vnic_dev *d = r->d;
	int rc = r->q.rxq != NULL ? vnic_rxq_prepare(d, r->q.rxq) : 0;

	if (r->q.txq != NULL)
		vnic_txq_prepare(d, r->q.txq);
	if (rc == 0)
		rc = vnic_vq_setup(d, r->q.vq, false);
	if (rc == 0 && r->q.rxq != NULL && vnic_rx_fill(r->q.rxq) < 0)
		VNIC_LOG(WARNING, d, "receive queue %u: no buffer in mempool %s", r->q.rxq->queue, r->q.rxq->mp->name);
	if (rc == 0 && d->ops->queue_enable != NULL)
		rc = d->ops->queue_enable(d, r->q.vq, true);
	return rc;
}

/* ---- between the rings -------------------------------------------------------------------- */

/* Asleep until the device says that it has sent something; not for long, as its coalescing may hold that
 * back, and nobody may say so (PCI). */
static void wait_for_word(struct vnic_vq *vq, uint64_t us)
{
	struct timespec t = clock_timespec(us * CLOCK_NS_PER_US);
	struct pollfd p = { .fd = vq->call_fd, .events = POLLIN };
	uint64_t count;

	if (p.fd < 0) {
		usleep((useconds_t)us);
		return;
	}
	if (!vnic_vq_intr_enable(vq) && ppoll(&p, 1, &t, NULL) > 0 && read(p.fd, &count, sizeof(count)) < 0)
		usleep(TX_LOOK_NO_FD_US); /* it cannot be read: not to be waited for */
	vnic_vq_intr_disable(vq);
}

uint32_t vnic_queue_finish_sending(const struct vnic_queue *q, uint32_t us)
{
	uint64_t began = clock_now_us(), now = began, first, look;
	struct vnic_txq *txq = q->txq;

	if (txq == NULL)
		return 0;
	first = look = txq->vq.call_fd >= 0 ? TX_LOOK_US : TX_LOOK_NO_FD_US;
	while (txq->posted != txq->done && txq->vq.fault == VNIC_FAULT_NONE) {
		if (vnic_tx_reclaim(txq, UINT32_MAX) != 0) {
			look = first;
			continue;
		}
		now = clock_now_us();
		if (now - began >= us)
			break;
		wait_for_word(&txq->vq, RTE_MIN(look, us - (now - began)));
		look = RTE_MIN(2 * look, (uint64_t)TX_LOOK_MAX_US);
	}
	return (uint32_t)(clock_now_us() - began);
}

static void empty_rx(struct vnic_reset *r)
{
	struct vnic_rxq *q = r->q.rxq;
	uint64_t before = q->reset_returned;

	vnic_rx_keep(q, r->room);
	r->room = NULL;
	r->report.returned = (uint32_t)(q->reset_returned - before);
	q->resets++;
}

static void empty_tx(struct vnic_reset *r)
{
	struct vnic_txq *q = r->q.txq;
	uint64_t lost = q->reset_lost;

	r->report.returned = (uint32_t)(q->posted - q->done);
	vnic_tx_drain(q);
	r->report.lost = (uint32_t)(q->reset_lost - lost);
	q->resets++;
}

void vnic_reset_empty(struct vnic_reset *r)
{
	if (r->q.rxq != NULL)
		empty_rx(r);
	else
		empty_tx(r);
}

/* Completions are looked for at the same part of the ring as before. */
static void scale_thresh(struct vnic_txq *q, uint32_t before, uint32_t now)
{
	q->free_thresh = (uint16_t)RTE_MAX(q->free_thresh * now / RTE_MAX(before, 1u), 1u);
	vnic_eth_txq(q)->conf.tx_free_thresh = q->free_thresh;
}

void vnic_queue_set_size(const struct vnic_queue *q, uint16_t nb_desc, uint16_t reserve)
{
	if (q->rxq != NULL) {
		vnic_eth_rxq(q->rxq)->nb_desc = nb_desc;
	} else {
		scale_thresh(q->txq, (uint32_t)vnic_eth_txq(q->txq)->nb_desc - q->vq->reserve,
			     (uint32_t)nb_desc - reserve);
		vnic_eth_txq(q->txq)->nb_desc = nb_desc;
	}
	q->vq->reserve = reserve;
}

/* Gate closed, the device has let go, the old ring is empty: they change places. */
static void change_rings(struct vnic_reset *r)
{
	struct vnic_txq *txq = r->q.txq;

	vnic_queue_set_size(&r->q, r->size, 0);
	if (txq != NULL) {
		vnic_tx_room_destroy(txq, false);
		txq->room = r->fresh.room;
		txq->room_iova = r->fresh.room_iova;
		txq->room_chunk = r->fresh.room_chunk;
	}
	vnic_vq_destroy(r->q.vq, false);
	vnic_vq_adopt(r->q.vq, &r->fresh.vq);
}

/* The device refuses the new size, of which it never said that it was too large: a ring of the old one. */
static int back_to(struct vnic_reset *r, uint16_t size, int why)
{
	int rc;

	r->size = size;
	rc = fresh_create(r);
	if (rc == 0) {
		free(r->room); /* nothing is posted */
		r->room = NULL;
		change_rings(r);
		rc = start_ring(r);
	}
	if (rc < 0)
		return vnic_reset_broken(r->d, rc, start_failed);
	vnic_reset_give_back(r);
	vnic_coal_restore_queue(r->d, r->q.vq->index);
	return why;
}

static int ring_reset(struct vnic_reset *r)
{
	uint16_t index = r->q.vq->index, before = r->q.vq->size;
	int rc = fresh_create(r);

	if (rc < 0)
		return rc;
	rc = vnic_reset_take(r);
	if (rc == 0) {
		vnic_coal_stop_queue(r->d, index);
		r->report.sending_us = vnic_queue_finish_sending(&r->q, TX_GRACE_US);
		rc = stop_ring(r);
	}
	if (rc < 0) {
		fresh_destroy(r);
		return rc;
	}
	r->report.how = VNIC_RESET_RING;
	vnic_reset_empty(r);
	change_rings(r);
	rc = start_ring(r);
	if (refused(rc) && r->size != before)
		return back_to(r, before, -EREMOTEIO);
	if (rc < 0)
		return vnic_reset_broken(r->d, rc, start_failed);
	vnic_reset_give_back(r);
	vnic_coal_restore_queue(r->d, index);
	return 0;
}

/* ---- by port ------------------------------------------------------------------------------ */

int vnic_queue_find(struct vnic_dev *d, enum vnic_dir dir, uint16_t queue, struct vnic_queue *out)
{
	const struct rte_eth_dev_data *data = d->eth->data;

	memset(out, 0, sizeof(*out));
	if (queue >= (dir == VNIC_RX ? data->nb_rx_queues : data->nb_tx_queues))
		return -EINVAL;
	if (dir == VNIC_RX && data->rx_queues[queue] != NULL) {
		out->rxq = data->rx_queues[queue];
		out->vq = &out->rxq->vq;
		out->stopped = &vnic_eth_rxq(out->rxq)->stopped;
	} else if (dir == VNIC_TX && data->tx_queues[queue] != NULL) {
		out->txq = data->tx_queues[queue];
		out->vq = &out->txq->vq;
		out->stopped = &vnic_eth_txq(out->txq)->stopped;
	}
	return out->vq != NULL ? 0 : -EINVAL;
}

static int check_state(const struct vnic_reset *r)
{
	enum vnic_state state = r->d->state;

	if (state == VNIC_BROKEN || state == VNIC_LOST || state == VNIC_REMOVED)
		return -EIO;
	return *r->q.stopped || state != VNIC_RUNNING ? -EBUSY : 0;
}

static int reset_locked(struct vnic_reset *r)
{
	int rc = check_state(r);

	if (rc < 0)
		return rc;
	if (r->size == 0)
		r->size = vnic_vq_limit(r->q.vq);
	rc = check_size(r);
	if (rc < 0)
		return rc;
	rc = vnic_can_reset(r->d) ? ring_reset(r) : -ENOTSUP;
	return rc == -ENOTSUP ? vnic_reset_soft(r) : rc;
}

int vnic_queue_reset(uint16_t port, enum vnic_dir dir, uint16_t queue, uint16_t size,
		     struct vnic_reset_report *report)
{
	struct vnic_reset r = { .d = vnic_dev_of(port), .size = size };
	int rc;

	if (r.d == NULL)
		return -ENOTSUP;
	pthread_mutex_lock(&r.d->lock);
	rc = vnic_queue_find(r.d, dir, queue, &r.q);
	if (rc == 0)
		rc = reset_locked(&r);
	if (rc == 0)
		r.report.size = vnic_vq_limit(r.q.vq);
	pthread_mutex_unlock(&r.d->lock);
	if (report != NULL)
		*report = r.report;
	return rc;
}
