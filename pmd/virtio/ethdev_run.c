/* SPDX-License-Identifier: BSD-3-Clause */
/* Start and stop of single queues, receive interrupts, what a ring holds. */
#include <errno.h>
#include <sys/eventfd.h>

#include <rte_interrupts.h>

#include "pmd/virtio/coal.h"
#include "pmd/virtio/reset.h"

#define TX_DRAIN_US 200000 /* what was sent before the queue stopped gets its chance */

/* ---- start and stop -------------------------------------------------------------------------- */

/* The ring begins anew; what the device had delivered is there for the polls after the start. */
static void begin_anew(struct vnic_dev *d, const struct vnic_queue *q)
{
	struct vnic_reset r = { .d = d, .q = *q };

	if (q->rxq != NULL)
		r.room = vnic_rx_keep_room(q->rxq, q->vq->size);
	if (q->rxq != NULL && r.room == NULL)
		vnic_rx_drain(q->rxq, NULL, 0);
	else
		vnic_reset_empty(&r);
	vnic_vq_rewind(q->vq);
	q->vq->live = false;
}

/*
 * Gate closed. Where the device can reset a queue it does, and the ring begins anew; where
 * it can only pause one, ring and buffers stay as they are; else it goes on alone until
 * its buffers are used up. What broke the rules takes a reset.
 */
static int halt(struct vnic_dev *d, const struct vnic_queue *q)
{
	int rc = -ENOTSUP;

	if (d->state != VNIC_RUNNING)
		return 0;
	vnic_coal_stop_queue(d, q->vq->index);
	/* A paused back end drops what it has not sent. */
	vnic_queue_finish_sending(q, TX_DRAIN_US);
	if (vnic_can_reset(d))
		rc = d->ops->queue_reset(d, q->vq);
	if (rc == 0)
		begin_anew(d, q);
	if (rc == -ETIMEDOUT)
		vnic_device_break(d, "a queue does not stop");
	if (rc != -ENOTSUP)
		return rc;
	return vnic_can_pause(d) ? d->ops->queue_enable(d, q->vq, false) : 0;
}

static void show_state(struct vnic_dev *d, enum vnic_dir dir, uint16_t queue, uint8_t state)
{
	struct rte_eth_dev_data *data = d->eth->data;

	(dir == VNIC_RX ? data->rx_queue_state : data->tx_queue_state)[queue] = state;
}

/* The device refused to let go of the queue. */
static void run_on(struct vnic_dev *d, const struct vnic_queue *q)
{
	vnic_coal_restore_queue(d, q->vq->index);
	vnic_vq_open(q->vq);
}

static int stop_queue(struct vnic_dev *d, enum vnic_dir dir, uint16_t queue)
{
	struct vnic_queue q;
	int rc;

	pthread_mutex_lock(&d->lock);
	rc = vnic_queue_find(d, dir, queue, &q);
	if (rc == 0)
		rc = vnic_vq_close(q.vq, VNIC_CLOSE_MS);
	if (rc == 0 && !*q.stopped) {
		rc = halt(d, &q);
		if (rc == -EBUSY || rc == -EREMOTEIO)
			run_on(d, &q);
	}
	if (rc == 0) {
		*q.stopped = true;
		show_state(d, dir, queue, RTE_ETH_QUEUE_STATE_STOPPED);
	}
	pthread_mutex_unlock(&d->lock);
	return rc;
}

static int check_running(struct vnic_dev *d, const struct vnic_vq *vq)
{
	if (d->state != VNIC_RUNNING)
		return -EIO;
	if (vq->fault == VNIC_FAULT_NONE)
		return 0;
	VNIC_LOG(ERR, d, "virtqueue %u stays stopped after %s: this device takes rte_eth_dev_reset()", vq->index,
		 vnic_fault_name(vq->fault));
	return -EIO;
}

static int start_queue(struct vnic_dev *d, enum vnic_dir dir, uint16_t queue)
{
	struct vnic_queue q;
	int rc;

	pthread_mutex_lock(&d->lock);
	rc = vnic_queue_find(d, dir, queue, &q);
	if (rc == 0)
		rc = check_running(d, q.vq);
	if (rc == 0 && q.vq->ring.len == 0)
		rc = vnic_queue_renew(d, &q);
	if (rc == 0 && *q.stopped)
		rc = q.rxq != NULL ? vnic_rxq_begin(d, q.rxq) : vnic_txq_begin(d, q.txq);
	if (rc == 0) {
		if (*q.stopped)
			vnic_coal_restore_queue(d, q.vq->index);
		*q.stopped = false;
		vnic_vq_open(q.vq);
		show_state(d, dir, queue, RTE_ETH_QUEUE_STATE_STARTED);
	}
	pthread_mutex_unlock(&d->lock);
	return rc;
}

int vnic_op_rxq_stop(struct rte_eth_dev *eth, uint16_t queue)
{
	return stop_queue(vnic_dev_from(eth), VNIC_RX, queue);
}

int vnic_op_rxq_start(struct rte_eth_dev *eth, uint16_t queue)
{
	return start_queue(vnic_dev_from(eth), VNIC_RX, queue);
}

int vnic_op_txq_stop(struct rte_eth_dev *eth, uint16_t queue)
{
	return stop_queue(vnic_dev_from(eth), VNIC_TX, queue);
}

int vnic_op_txq_start(struct rte_eth_dev *eth, uint16_t queue)
{
	return start_queue(vnic_dev_from(eth), VNIC_TX, queue);
}

/* ---- receive interrupts ---------------------------------------------------------------------- */

void vnic_intr_destroy(struct vnic_dev *d)
{
	if (d->intr == NULL)
		return;
	rte_intr_vec_list_free(d->intr);
	rte_intr_instance_free(d->intr);
	d->intr = NULL;
	d->eth->intr_handle = NULL;
}

static int intr_fill(struct vnic_dev *d, uint16_t n)
{
	int rc = rte_intr_vec_list_alloc(d->intr, "vnic_intr", n);

	if (rc == 0)
		rc = rte_intr_nb_efd_set(d->intr, n);
	if (rc == 0)
		rc = rte_intr_max_intr_set(d->intr, n + 1);
	if (rc == 0)
		rc = rte_intr_type_set(d->intr, RTE_INTR_HANDLE_VDEV);
	/* EAL reads the counter when it wakes the program. */
	if (rc == 0)
		rc = rte_intr_efd_counter_size_set(d->intr, sizeof(uint64_t));
	for (uint16_t i = 0; i < n && rc == 0; i++) {
		rc = rte_intr_vec_list_index_set(d->intr, i, RTE_INTR_VEC_RXTX_OFFSET + i);
		if (rc == 0)
			rc = rte_intr_efds_index_set(d->intr, i, d->ops->queue_fd(d, virtio_rxq_index(i)));
	}
	return rc;
}

int vnic_intr_create(struct vnic_dev *d)
{
	uint16_t n = d->eth->data->nb_rx_queues;
	int rc;

	vnic_intr_destroy(d);
	if (d->eth->data->dev_conf.intr_conf.rxq == 0)
		return 0;
	if ((d->transport_flags & VNIC_TRANSPORT_RX_FD) == 0 || d->ops->queue_fd == NULL ||
	    n > RTE_MAX_RXTX_INTR_VEC_ID) {
		VNIC_LOG(ERR, d, "no receive interrupts for %u queues", n);
		return -ENOTSUP;
	}
	d->intr = rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE);
	if (d->intr == NULL)
		return -ENOMEM;
	rc = intr_fill(d, n);
	if (rc < 0) {
		vnic_intr_destroy(d);
		return rc;
	}
	d->eth->intr_handle = d->intr;
	return 0;
}

int vnic_op_intr_enable(struct rte_eth_dev *eth, uint16_t queue)
{
	struct vnic_dev *d = vnic_dev_from(eth);
	struct vnic_eth_rxq *q = eth->data->rx_queues[queue];
	int fd;

	if (d->intr == NULL)
		return -ENOTSUP;
	q->armed = true;
	fd = rte_intr_efds_index_get(d->intr, queue);
	if (!vnic_vq_enter(&q->q.vq)) {
		/* Armed when the queue runs again; what is kept beside it can be had now. */
		if (q->q.vq.closed == VNIC_GATE_KEPT && fd >= 0)
			eventfd_write(fd, 1);
		return 0;
	}
	/* Something came before the device knew: nobody else would say so. */
	if (vnic_vq_intr_enable(&q->q.vq) && fd >= 0)
		eventfd_write(fd, 1);
	vnic_vq_leave(&q->q.vq);
	return 0;
}

int vnic_op_intr_disable(struct rte_eth_dev *eth, uint16_t queue)
{
	struct vnic_eth_rxq *q = eth->data->rx_queues[queue];

	q->armed = false;
	if (!vnic_vq_enter(&q->q.vq))
		return 0;
	vnic_vq_intr_disable(&q->q.vq);
	vnic_vq_leave(&q->q.vq);
	return 0;
}

/* ---- asleep on a ring's memory --------------------------------------------------------------- */

enum { MONITOR_MASK, MONITOR_VALUE, MONITOR_SAME };

/* After the CPU has begun to watch the address: is a packet there? Then it is not to sleep. */
static int look_used(const uint64_t value, const uint64_t opaque[RTE_POWER_MONITOR_OPAQUE_SZ])
{
	bool same = (value & opaque[MONITOR_MASK]) == opaque[MONITOR_VALUE];

	return same == (opaque[MONITOR_SAME] != 0) ? -1 : 0;
}

/* 2.7.8: the device moves the index behind the entry. */
static void watch_split(const struct vnic_vq *vq, struct rte_power_monitor_cond *pmc)
{
	pmc->addr = &vq->split.used->idx;
	pmc->opaque[MONITOR_MASK] = UINT16_MAX;
	pmc->opaque[MONITOR_VALUE] = rte_cpu_to_le_16(vq->used);
	pmc->opaque[MONITOR_SAME] = 0;
}

/* 2.8.1: both bits are written, and equal the wrap counter, when the descriptor is used. */
static void watch_packed(const struct vnic_vq *vq, struct rte_power_monitor_cond *pmc)
{
	pmc->addr = &vq->packed.desc[vq->used].flags;
	pmc->opaque[MONITOR_MASK] = rte_cpu_to_le_16(VRING_PACKED_F_AVAIL | VRING_PACKED_F_USED);
	pmc->opaque[MONITOR_VALUE] = rte_cpu_to_le_16(vring_packed_used_flags(vq->used_wrap));
	pmc->opaque[MONITOR_SAME] = 1;
}

int vnic_op_monitor_addr(void *queue, struct rte_power_monitor_cond *pmc)
{
	struct vnic_rxq *q = queue;

	if (!vnic_vq_enter(&q->vq))
		return q->vq.closed == VNIC_GATE_KEPT ? -EAGAIN : -EBUSY;
	if (q->vq.is_packed)
		watch_packed(&q->vq, pmc);
	else
		watch_split(&q->vq, pmc);
	pmc->size = sizeof(uint16_t);
	pmc->fn = look_used;
	vnic_vq_leave(&q->vq);
	return 0;
}

/* ---- what a ring holds --------------------------------------------------------------------------- */

uint32_t vnic_op_rxq_count(void *queue)
{
	struct vnic_rxq *q = queue;
	uint32_t n;

	if (!vnic_vq_enter(&q->vq))
		return q->vq.closed == VNIC_GATE_KEPT ? vnic_rx_kept(q) : 0;
	n = vnic_vq_count_used(&q->vq);
	vnic_vq_leave(&q->vq);
	return n;
}

int vnic_op_rx_status(void *queue, uint16_t offset)
{
	struct vnic_rxq *q = queue;
	int status = RTE_ETH_RX_DESC_UNAVAIL;

	if (!vnic_vq_enter(&q->vq))
		return offset < vnic_eth_rxq(q)->nb_desc ? status : -EINVAL;
	if (offset >= vnic_vq_limit(&q->vq))
		status = -EINVAL;
	else if (offset < vnic_vq_count_used(&q->vq))
		status = RTE_ETH_RX_DESC_DONE;
	else if (offset < q->vq.size - q->vq.free_count)
		status = RTE_ETH_RX_DESC_AVAIL;
	vnic_vq_leave(&q->vq);
	return status;
}

/* The descriptor that is offset posts ahead: still the device's? Posts take them round. */
int vnic_op_tx_status(void *queue, uint16_t offset)
{
	struct vnic_txq *q = queue;
	uint16_t busy, done;
	int status;

	if (!vnic_vq_enter(&q->vq))
		return offset < vnic_eth_txq(q)->nb_desc ? RTE_ETH_TX_DESC_UNAVAIL : -EINVAL;
	busy = (uint16_t)(q->vq.size - q->vq.free_count);
	done = vnic_vq_count_used(&q->vq);
	if (offset >= vnic_vq_limit(&q->vq))
		status = -EINVAL;
	else if (offset < vnic_vq_room(&q->vq))
		status = RTE_ETH_TX_DESC_DONE;
	else
		/* Then come those outstanding, oldest first. */
		status = offset - vnic_vq_room(&q->vq) < RTE_MIN(done, busy) ? RTE_ETH_TX_DESC_DONE : RTE_ETH_TX_DESC_FULL;
	vnic_vq_leave(&q->vq);
	return status;
}
