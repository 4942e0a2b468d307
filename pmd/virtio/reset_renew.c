/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Queues that are set up anew while the port runs: stopped, released, set up, started.
 * A device that resets rings has let go of the old one when it stopped. Any other has it still: then
 * the old queue waits beside the port, with its buffers, until the new one starts, which
 * takes the ring over if that is large enough and its buffers are of the same pool.
 */
#include <errno.h>
#include <string.h>

#include <rte_malloc.h>

#include "pmd/virtio/reset.h"

/* ---- those that wait -------------------------------------------------------------------- */

/* drain: its buffers are not the device's any more. */
static void free_rxq(struct vnic_rxq *q, bool drain, bool quarantine)
{
	if (q->vq.ring.len != 0 && drain)
		vnic_rx_drain(q, NULL, 0);
	vnic_vq_destroy(&q->vq, quarantine);
	vnic_rx_free_kept(q);
	rte_free(q);
}

static void free_txq(struct vnic_txq *q, bool drain, bool quarantine)
{
	if (q->vq.ring.len != 0 && drain)
		vnic_tx_drain(q);
	vnic_tx_room_destroy(q, quarantine);
	vnic_vq_destroy(&q->vq, quarantine);
	rte_free(q);
}

/* Is its ring known to a device that runs on? */
static bool has_to_wait(const struct vnic_dev *d, const struct vnic_vq *vq)
{
	return vq->ring.len != 0 && vq->live && d->state == VNIC_RUNNING;
}

void vnic_rxq_retire(struct vnic_dev *d, struct vnic_rxq *q)
{
	if (has_to_wait(d, &q->vq) && q->queue < VNIC_MAX_PAIRS && d->old_rxq[q->queue] == NULL) {
		vnic_rx_free_kept(q);
		d->old_rxq[q->queue] = q;
	} else {
		free_rxq(q, !q->vq.live, q->vq.live);
	}
}

void vnic_txq_retire(struct vnic_dev *d, struct vnic_txq *q)
{
	if (has_to_wait(d, &q->vq) && q->queue < VNIC_MAX_PAIRS && d->old_txq[q->queue] == NULL)
		d->old_txq[q->queue] = q;
	else
		free_txq(q, !q->vq.live, q->vq.live);
}

void vnic_retired_free(struct vnic_dev *d, bool drain, bool quarantine)
{
	for (uint16_t i = 0; i < VNIC_MAX_PAIRS; i++) {
		if (d->old_rxq[i] != NULL)
			free_rxq(d->old_rxq[i], drain, quarantine);
		if (d->old_txq[i] != NULL)
			free_txq(d->old_txq[i], drain, quarantine);
		d->old_rxq[i] = NULL;
		d->old_txq[i] = NULL;
	}
}

/* ---- a ring for a new queue --------------------------------------------------------------- */

static bool fits(const struct vnic_vq *old, uint16_t nb_desc)
{
	return old->fault == VNIC_FAULT_NONE && nb_desc <= old->size;
}

/* The ring as it is, with what is posted; closed. */
static void move_ring(struct vnic_vq *to, struct vnic_vq *from, uint16_t nb_desc)
{
	*to = *from;
	to->closed = VNIC_GATE_CLOSED;
	to->inside = 0;
	to->aside = false;
	to->reserve = (uint16_t)(from->size - nb_desc);
	memset(&from->ring, 0, sizeof(from->ring));
	from->slot = NULL;
}

static int take_over_rx(struct vnic_dev *d, struct vnic_rxq *q, struct vnic_rxq *old)
{
	move_ring(&q->vq, &old->vq, vnic_eth_rxq(q)->nb_desc);
	vnic_eth_rxq(q)->nb_desc = q->vq.size;
	q->part = old->part;
	q->part_last = old->part_last;
	q->part_left = old->part_left;
	q->part_tsc = old->part_tsc;
	d->old_rxq[q->queue] = NULL;
	rte_free(old);
	return vnic_rxq_prepare(d, q);
}

static int take_over_tx(struct vnic_dev *d, struct vnic_txq *q, struct vnic_txq *old)
{
	move_ring(&q->vq, &old->vq, vnic_eth_txq(q)->nb_desc);
	vnic_eth_txq(q)->nb_desc = q->vq.size;
	q->room = old->room;
	q->room_iova = old->room_iova;
	q->room_chunk = old->room_chunk;
	q->reclaim_ticks = old->reclaim_ticks;
	q->pool_at = old->pool_at;
	memcpy(q->pool, old->pool, sizeof(q->pool));
	q->posted = old->posted;
	q->done = old->done;
	q->posted_bytes = old->posted_bytes;
	q->done_bytes = old->done_bytes;
	q->done_at_doorbell = old->done_at_doorbell;
	d->old_txq[q->queue] = NULL;
	rte_free(old);
	vnic_txq_prepare(d, q);
	return 0;
}

/* All queues stop for it: this one starts with them. */
static int bounce(struct vnic_dev *d, const struct vnic_queue *q)
{
	struct vnic_reset r = { .d = d, .q = *q };

	r.size = q->rxq != NULL ? vnic_eth_rxq(q->rxq)->nb_desc : vnic_eth_txq(q->txq)->nb_desc;
	*q->stopped = false;
	return vnic_reset_device(&r);
}

int vnic_queue_renew(struct vnic_dev *d, const struct vnic_queue *q)
{
	if (q->rxq != NULL) {
		struct vnic_rxq *old = d->old_rxq[q->rxq->queue];

		if (old == NULL)
			return vnic_rxq_create(d, q->rxq);
		if (fits(&old->vq, vnic_eth_rxq(q->rxq)->nb_desc) && old->mp == q->rxq->mp)
			return take_over_rx(d, q->rxq, old);
	} else {
		struct vnic_txq *old = d->old_txq[q->txq->queue];

		if (old == NULL)
			return vnic_txq_create(d, q->txq);
		if (fits(&old->vq, vnic_eth_txq(q->txq)->nb_desc))
			return take_over_tx(d, q->txq, old);
	}
	return bounce(d, q);
}
