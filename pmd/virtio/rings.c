/* SPDX-License-Identifier: BSD-3-Clause */
/* The rings of a device in memory, and how the device gets to know them. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "pmd/virtio/reset.h"

/* ---- memory -------------------------------------------------------------------------- */

#define PAGE       4096u
#define CTRL_SIZE  256u /* commands at a time, each in a descriptor of its own */
#define CTRL_CHAIN 512u /* without indirect descriptors: of four each */

static size_t ring_len(const struct vnic_dev *d, uint16_t size)
{
	uint32_t driver_off, device_off;

	return RTE_ALIGN_CEIL(vnic_vq_layout(size, d->packed, &driver_off, &device_off), (size_t)PAGE) + PAGE;
}

static size_t room_len(uint16_t size)
{
	return size * sizeof(struct vnic_tx_room);
}

/* Twice what the rings take: those of a device that was lost may have to
 * stay out of use when those of the one that returns are made. */
static size_t memory_len(const struct vnic_dev *d)
{
	size_t len = vnic_ctrl_mem_size(CTRL_CHAIN, d->packed) + 4 * PAGE;

	for (uint16_t i = 0; i < d->eth->data->nb_rx_queues; i++)
		if (d->rxq[i] != NULL)
			len += ring_len(d, vnic_eth_rxq(d->rxq[i])->nb_desc);
	for (uint16_t i = 0; i < d->eth->data->nb_tx_queues; i++) {
		uint16_t size = d->txq[i] != NULL ? vnic_eth_txq(d->txq[i])->nb_desc : 0;

		len += ring_len(d, size) + RTE_ALIGN_CEIL(room_len(size), (size_t)PAGE) + PAGE;
	}
	return 2 * len;
}

static int node_of(const struct vnic_dev *d)
{
	return d->eth->data->numa_node;
}

int vnic_txq_create(struct vnic_dev *d, struct vnic_txq *q)
{
	uint16_t size = vnic_eth_txq(q)->nb_desc;
	int rc = vnic_vq_create(&q->vq, d, virtio_txq_index(q->queue), size, node_of(d));

	if (rc == 0)
		rc = vnic_tx_room_create(q);
	if (rc == 0)
		vnic_txq_prepare(d, q);
	return rc;
}

int vnic_rxq_create(struct vnic_dev *d, struct vnic_rxq *q)
{
	int rc = vnic_vq_create(&q->vq, d, virtio_rxq_index(q->queue), vnic_eth_rxq(q)->nb_desc, node_of(d));

	return rc < 0 ? rc : vnic_rxq_prepare(d, q);
}

static int create_all(struct vnic_dev *d)
{
	int rc = 0;

	for (uint16_t i = 0; i < d->eth->data->nb_rx_queues && rc == 0; i++)
		rc = d->rxq[i] != NULL ? vnic_rxq_create(d, d->rxq[i]) : 0;
	for (uint16_t i = 0; i < d->eth->data->nb_tx_queues && rc == 0; i++)
		rc = d->txq[i] != NULL ? vnic_txq_create(d, d->txq[i]) : 0;
	return rc;
}

/* Old memory is taken again while pieces of it are in quarantine, so that they can
 * be released one day; when it does not suffice it is given up for new one. */
int vnic_rings_create(struct vnic_dev *d)
{
	int rc = -ENOMEM;

	if (d->mem != NULL) {
		rc = create_all(d);
		if (rc != -ENOMEM)
			return rc;
		vnic_rings_destroy(d, false);
		vnic_mem_destroy(d->mem);
		d->mem = NULL;
	}
	rc = vnic_mem_create(&d->mem, d, memory_len(d), node_of(d));
	return rc < 0 ? rc : create_all(d);
}

void vnic_rings_destroy(struct vnic_dev *d, bool quarantine)
{
	if (d->mem == NULL)
		return;
	vnic_retired_free(d, true, quarantine);
	for (uint16_t i = 0; i < d->eth->data->nb_rx_queues; i++) {
		struct vnic_rxq *q = d->rxq[i];

		if (q == NULL || q->vq.ring.len == 0)
			continue;
		vnic_rx_drain(q, NULL, 0);
		vnic_vq_destroy(&q->vq, quarantine);
	}
	for (uint16_t i = 0; i < d->eth->data->nb_tx_queues; i++) {
		struct vnic_txq *q = d->txq[i];

		if (q == NULL || q->vq.ring.len == 0)
			continue;
		vnic_tx_drain(q);
		vnic_tx_room_destroy(q, quarantine);
		vnic_vq_destroy(&q->vq, quarantine);
	}
	if (vnic_mem_quarantined(d->mem) > 0)
		return;
	vnic_mem_destroy(d->mem);
	d->mem = NULL;
}

/* ---- gates ---------------------------------------------------------------------------- */

int vnic_rings_close(struct vnic_dev *d)
{
	int rc = 0, one;

	for (uint16_t i = 0; i < d->eth->data->nb_rx_queues; i++) {
		one = d->rxq[i] != NULL ? vnic_vq_close(&d->rxq[i]->vq, VNIC_CLOSE_MS) : 0;
		rc = rc == 0 ? one : rc;
	}
	for (uint16_t i = 0; i < d->eth->data->nb_tx_queues; i++) {
		one = d->txq[i] != NULL ? vnic_vq_close(&d->txq[i]->vq, VNIC_CLOSE_MS) : 0;
		rc = rc == 0 ? one : rc;
	}
	return rc;
}

void vnic_rxq_wake(struct vnic_dev *d, const struct vnic_rxq *q)
{
	int fd = d->ops->queue_fd != NULL ? d->ops->queue_fd(d, q->vq.index) : -1;

	if (vnic_eth_rxq((struct vnic_rxq *)(uintptr_t)q)->armed && fd >= 0)
		eventfd_write(fd, 1);
}

void vnic_rings_open(struct vnic_dev *d)
{
	for (uint16_t i = 0; i < d->eth->data->nb_rx_queues; i++) {
		if (d->rxq[i] == NULL || vnic_eth_rxq(d->rxq[i])->stopped)
			continue;
		vnic_vq_open(&d->rxq[i]->vq);
		vnic_rxq_wake(d, d->rxq[i]);
	}
	for (uint16_t i = 0; i < d->eth->data->nb_tx_queues; i++)
		if (d->txq[i] != NULL && !vnic_eth_txq(d->txq[i])->stopped)
			vnic_vq_open(&d->txq[i]->vq);
}

/* ---- the device's view ----------------------------------------------------------------- */

int vnic_vq_setup(struct vnic_dev *d, struct vnic_vq *vq, bool run)
{
	uint16_t max = d->ops->queue_max(d, vq->index);
	int rc;

	vq->max = max;
	if (vq->size > max) {
		VNIC_LOG(ERR, d, "virtqueue %u of the device takes %u descriptors, not %u", vq->index, max, vq->size);
		return -EINVAL;
	}
	rc = d->ops->queue_setup(d, vq);
	if (rc < 0)
		return rc;
	vq->live = true;
	return run && d->ops->queue_enable != NULL ? d->ops->queue_enable(d, vq, true) : 0;
}

int vnic_rings_setup(struct vnic_dev *d)
{
	int rc = d->ops->share_memory != NULL ? d->ops->share_memory(d) : 0;

	/* Pair by pair, receive first: back ends count rings as they come. */
	for (uint16_t i = 0; i < d->pairs && rc == 0; i++) {
		if (i < d->eth->data->nb_rx_queues && d->rxq[i] != NULL)
			rc = vnic_vq_setup(d, &d->rxq[i]->vq, !vnic_eth_rxq(d->rxq[i])->stopped);
		if (rc == 0 && i < d->eth->data->nb_tx_queues && d->txq[i] != NULL)
			rc = vnic_vq_setup(d, &d->txq[i]->vq, !vnic_eth_txq(d->txq[i])->stopped);
	}
	return rc;
}

static int fill(struct vnic_dev *d, struct vnic_rxq *q)
{
	int rc = vnic_rx_fill(q);

	if (rc < 0)
		VNIC_LOG(ERR, d, "queue %u: no buffer in mempool %s", q->queue, q->mp->name);
	return rc;
}

int vnic_rings_fill(struct vnic_dev *d)
{
	int rc = 0;

	for (uint16_t i = 0; i < d->eth->data->nb_rx_queues && rc == 0; i++)
		if (d->rxq[i] != NULL && !vnic_eth_rxq(d->rxq[i])->stopped)
			rc = fill(d, d->rxq[i]);
	return rc;
}

int vnic_rxq_begin(struct vnic_dev *d, struct vnic_rxq *q)
{
	int rc = q->vq.live ? 0 : vnic_vq_setup(d, &q->vq, false);

	if (rc == 0)
		rc = fill(d, q);
	if (rc == 0 && d->ops->queue_enable != NULL)
		rc = d->ops->queue_enable(d, &q->vq, true);
	return rc;
}

int vnic_txq_begin(struct vnic_dev *d, struct vnic_txq *q)
{
	int rc = q->vq.live ? 0 : vnic_vq_setup(d, &q->vq, false);

	if (rc == 0 && d->ops->queue_enable != NULL)
		rc = d->ops->queue_enable(d, &q->vq, true);
	return rc;
}

/* ---- the control queue -------------------------------------------------------------------- */

int vnic_rings_ctrl(struct vnic_dev *d)
{
	uint16_t index = virtio_ctrlq_index(vnic_has(d, VIRTIO_NET_F_MQ) || vnic_has(d, VIRTIO_NET_F_RSS) ?
					    d->limits.max_pairs : 1);
	uint16_t max, size = vnic_has(d, VIRTIO_F_INDIRECT_DESC) ? CTRL_SIZE : CTRL_CHAIN;
	int rc;

	if (!vnic_has(d, VIRTIO_NET_F_CTRL_VQ) || d->ctrl != NULL)
		return 0;
	max = d->ops->queue_max(d, index);
	if (max == 0) {
		VNIC_LOG(ERR, d, "the device offers a control queue and has no virtqueue %u", index);
		return -EINVAL;
	}
	rc = vnic_ctrl_create(&d->ctrl, d, index, RTE_MIN(max, size));
	return rc < 0 ? rc : vnic_vq_setup(d, vnic_ctrl_vq(d->ctrl), true);
}
