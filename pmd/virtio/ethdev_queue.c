/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues as the program sets them up: sizes, pools, offloads. */
#include <errno.h>
#include <string.h>

#include <rte_malloc.h>

#include "pmd/virtio/reset.h"

static int check_size(const struct vnic_dev *d, uint16_t queue, const char *kind, uint16_t nb_desc)
{
	/* ethdev has checked the limits; what is left is what they cannot express. */
	if (d->packed || rte_is_power_of_2(nb_desc))
		return 0;
	VNIC_LOG(ERR, d, "%s queue %u: a split ring has a power of two of descriptors, not %u", kind, queue, nb_desc);
	return -EINVAL;
}

/* ---- receive --------------------------------------------------------------------------- */

static uint64_t rx_wanted(const struct rte_eth_dev *eth, const struct rte_eth_rxconf *conf)
{
	return eth->data->dev_conf.rxmode.offloads | conf->offloads;
}

int vnic_rxq_prepare(struct vnic_dev *d, struct vnic_rxq *q)
{
	q->mergeable = vnic_has(d, VIRTIO_NET_F_MRG_RXBUF);
	q->csum = vnic_has(d, VIRTIO_NET_F_GUEST_CSUM);
	q->lro = vnic_has(d, VIRTIO_NET_F_GUEST_TSO4) || vnic_has(d, VIRTIO_NET_F_GUEST_TSO6);
	q->hash = vnic_has(d, VIRTIO_NET_F_HASH_REPORT);
	q->vlan_strip = (q->offloads & RTE_ETH_RX_OFFLOAD_VLAN_STRIP) != 0;
	q->frame_max = q->lro ? VIRTIO_NET_MAX_GSO : vnic_frame_len(d->eth->data->mtu);
	return vnic_rx_setup(q);
}

static int check_pool(const struct vnic_dev *d, uint16_t queue, const struct rte_mempool *mp, uint64_t offloads)
{
	bool mergeable = vnic_has(d, VIRTIO_NET_F_MRG_RXBUF);
	bool scatter = (offloads & (RTE_ETH_RX_OFFLOAD_SCATTER | RTE_ETH_RX_OFFLOAD_TCP_LRO)) != 0;
	uint32_t frame = vnic_frame_len(d->eth->data->mtu);

	if (!vnic_rx_buffer_ok(mp, d->hdr_len, mergeable, frame)) {
		VNIC_LOG(ERR, d, "receive queue %u: a frame of %u octets does not fit a buffer of mempool %s, "
			 "and the device does not take several for one", queue, frame, mp->name);
		return -EINVAL;
	}
	/* One segment was asked for: the device may not have reason to fill two. */
	if (mergeable && !scatter && !vnic_rx_buffer_ok(mp, d->hdr_len, false, d->eth->data->mtu + RTE_ETHER_HDR_LEN)) {
		VNIC_LOG(ERR, d, "receive queue %u: an MTU of %u takes RTE_ETH_RX_OFFLOAD_SCATTER or larger "
			 "buffers than those of mempool %s", queue, d->eth->data->mtu, mp->name);
		return -EINVAL;
	}
	return 0;
}

int vnic_op_rxq_setup(struct rte_eth_dev *eth, uint16_t queue, uint16_t nb_desc, unsigned int socket,
		      const struct rte_eth_rxconf *conf, struct rte_mempool *mp)
{
	struct vnic_dev *d = vnic_dev_from(eth);
	uint64_t offloads = rx_wanted(eth, conf);
	struct vnic_eth_rxq *q;
	int rc = check_size(d, queue, "receive", nb_desc);

	if (rc == 0)
		rc = check_pool(d, queue, mp, offloads);
	if (rc < 0)
		return rc;
	q = rte_zmalloc_socket("vnic_rxq", sizeof(*q), RTE_CACHE_LINE_SIZE, (int)socket);
	if (q == NULL)
		return -ENOMEM;
	q->q.mp = mp;
	q->q.port = eth->data->port_id;
	q->q.queue = queue;
	q->q.offloads = offloads;
	q->q.vq.closed = 1;
	q->q.vq.dev = d;
	q->nb_desc = nb_desc;
	q->conf = *conf;
	q->deferred = conf->rx_deferred_start != 0;
	/* While the port runs a queue is set up only to be started by itself. */
	q->stopped = q->deferred || eth->data->dev_started;
	if (offloads & (RTE_ETH_RX_OFFLOAD_SCATTER | RTE_ETH_RX_OFFLOAD_TCP_LRO))
		eth->data->scattered_rx = 1;
	pthread_mutex_lock(&d->lock);
	eth->data->rx_queues[queue] = q;
	pthread_mutex_unlock(&d->lock);
	return 0;
}

/* On a port that has stopped, a ring that is still there is one that the device would not let go. */
void vnic_op_rxq_release(struct rte_eth_dev *eth, uint16_t queue)
{
	struct vnic_dev *d = vnic_dev_from(eth);
	struct vnic_eth_rxq *q;

	pthread_mutex_lock(&d->lock);
	q = eth->data->rx_queues[queue];
	eth->data->rx_queues[queue] = NULL;
	if (q != NULL)
		vnic_rxq_retire(d, &q->q);
	pthread_mutex_unlock(&d->lock);
}

/* ---- transmit -------------------------------------------------------------------------- */

void vnic_txq_prepare(struct vnic_dev *d, struct vnic_txq *q)
{
	q->csum = vnic_has(d, VIRTIO_NET_F_CSUM);
	q->tso = vnic_has(d, VIRTIO_NET_F_HOST_TSO4) || vnic_has(d, VIRTIO_NET_F_HOST_TSO6);
}

/* Completions are looked for when fewer descriptors are free. */
static int free_thresh(const struct vnic_dev *d, uint16_t queue, uint16_t nb_desc, uint16_t asked, uint16_t *out)
{
	*out = asked != 0 ? asked : (uint16_t)RTE_MAX(nb_desc / 4, 1);
	if (*out < nb_desc)
		return 0;
	VNIC_LOG(ERR, d, "transmit queue %u: tx_free_thresh %u is not below the %u descriptors", queue, *out, nb_desc);
	return -EINVAL;
}

int vnic_op_txq_setup(struct rte_eth_dev *eth, uint16_t queue, uint16_t nb_desc, unsigned int socket,
		      const struct rte_eth_txconf *conf)
{
	struct vnic_dev *d = vnic_dev_from(eth);
	struct vnic_eth_txq *q;
	uint16_t thresh;
	int rc = check_size(d, queue, "transmit", nb_desc);

	if (rc == 0)
		rc = free_thresh(d, queue, nb_desc, conf->tx_free_thresh, &thresh);
	if (rc < 0)
		return rc;
	q = rte_zmalloc_socket("vnic_txq", sizeof(*q), RTE_CACHE_LINE_SIZE, (int)socket);
	if (q == NULL)
		return -ENOMEM;
	q->q.port = eth->data->port_id;
	q->q.queue = queue;
	q->q.offloads = eth->data->dev_conf.txmode.offloads | conf->offloads;
	q->q.free_thresh = thresh;
	q->q.vq.closed = 1;
	q->q.vq.dev = d;
	q->nb_desc = nb_desc;
	q->conf = *conf;
	q->conf.tx_free_thresh = thresh;
	q->deferred = conf->tx_deferred_start != 0;
	q->stopped = q->deferred || eth->data->dev_started;
	pthread_mutex_lock(&d->lock);
	eth->data->tx_queues[queue] = q;
	pthread_mutex_unlock(&d->lock);
	return 0;
}

void vnic_op_txq_release(struct rte_eth_dev *eth, uint16_t queue)
{
	struct vnic_dev *d = vnic_dev_from(eth);
	struct vnic_eth_txq *q;

	pthread_mutex_lock(&d->lock);
	q = eth->data->tx_queues[queue];
	eth->data->tx_queues[queue] = NULL;
	if (q != NULL)
		vnic_txq_retire(d, &q->q);
	pthread_mutex_unlock(&d->lock);
}
