/* SPDX-License-Identifier: BSD-3-Clause */
/* What a port can do: limits, offloads, bursts, packet types. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_version.h>

#include "pmd/virtio/ethdev_private.h"

static bool offers(const struct vnic_features *f, uint64_t bits)
{
	return (f->word[0] & bits) == bits;
}

/* What negotiation would take if the program asked for everything. */
static struct vnic_features reachable(const struct vnic_dev *d)
{
	return vnic_feature_select(&d->args, &d->offered, UINT64_MAX, UINT64_MAX, d->transport_flags);
}

uint16_t vnic_pairs_max(const struct vnic_dev *d)
{
	struct vnic_features f = reachable(d);
	uint16_t n = d->limits.max_pairs;

	/* Where the device serves a control queue, it runs as many pairs as it is told there. */
	if ((d->transport_flags & VNIC_TRANSPORT_CTRL) != 0 && !offers(&f, VIRTIO_BIT(VIRTIO_NET_F_MQ)))
		n = 1;
	if (d->args.queues != 0)
		n = RTE_MIN(n, d->args.queues);
	return RTE_MIN(n, (uint16_t)VNIC_MAX_PAIRS);
}

static uint64_t rx_offloads(const struct vnic_features *f)
{
	uint64_t o = RTE_ETH_RX_OFFLOAD_VLAN_STRIP;

	if (offers(f, VIRTIO_BIT(VIRTIO_NET_F_MRG_RXBUF)))
		o |= RTE_ETH_RX_OFFLOAD_SCATTER;
	if (offers(f, VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM)))
		o |= RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
	if (offers(f, VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO4) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO6)))
		o |= RTE_ETH_RX_OFFLOAD_TCP_LRO;
	if (offers(f, VIRTIO_BIT(VIRTIO_NET_F_CTRL_VLAN)))
		o |= RTE_ETH_RX_OFFLOAD_VLAN_FILTER;
	if (offers(f, VIRTIO_BIT(VIRTIO_NET_F_HASH_REPORT)))
		o |= RTE_ETH_RX_OFFLOAD_RSS_HASH;
	return o;
}

static uint64_t tx_offloads(const struct vnic_features *f)
{
	uint64_t o = RTE_ETH_TX_OFFLOAD_MULTI_SEGS | RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE |
		     RTE_ETH_TX_OFFLOAD_VLAN_INSERT;

	if (offers(f, VIRTIO_BIT(VIRTIO_NET_F_CSUM)))
		o |= RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	if (offers(f, VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO4) | VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO6)))
		o |= RTE_ETH_TX_OFFLOAD_TCP_TSO;
	return o;
}

/* Of the first pair: a device that has not been told of pairs yet may have its
 * control queue where the second one will be. Each queue is asked again when it
 * is set up. */
static uint16_t ring_max(struct vnic_dev *d, bool tx)
{
	const struct rte_eth_dev_data *data = d->eth->data;
	const struct vnic_vq *vq = NULL;
	uint16_t n;

	/* A device on PCI tells the size of a ring that it knows, not what it could be. */
	if (d->state == VNIC_RUNNING && (tx ? data->nb_tx_queues : data->nb_rx_queues) > 0)
		vq = (tx ? data->tx_queues : data->rx_queues)[0];
	n = vq != NULL && vq->max != 0 ? vq->max :
	    d->ops->queue_max(d, tx ? virtio_txq_index(0) : virtio_rxq_index(0));
	return n != 0 ? n : VRING_SIZE_MAX;
}

static void info_rings(struct vnic_dev *d, struct rte_eth_dev_info *info)
{
	uint16_t preset = d->args.queue_size != 0 ? d->args.queue_size : VNIC_RING_PRESET;

	info->rx_desc_lim = (struct rte_eth_desc_lim){
		.nb_max = ring_max(d, false), .nb_min = VNIC_RING_MIN, .nb_align = 1,
	};
	info->tx_desc_lim = (struct rte_eth_desc_lim){
		.nb_max = ring_max(d, true), .nb_min = VNIC_RING_MIN, .nb_align = 1,
		.nb_seg_max = VNIC_TX_CHAIN_MAX - 1, .nb_mtu_seg_max = VNIC_TX_CHAIN_MAX - 1,
	};
	info->default_rxportconf = (struct rte_eth_dev_portconf){
		.burst_size = 32, .ring_size = RTE_MIN(preset, info->rx_desc_lim.nb_max), .nb_queues = 1,
	};
	info->default_txportconf = (struct rte_eth_dev_portconf){
		.burst_size = 32, .ring_size = RTE_MIN(preset, info->tx_desc_lim.nb_max), .nb_queues = 1,
	};
}

static void info_sizes(const struct vnic_dev *d, const struct vnic_features *f, struct rte_eth_dev_info *info)
{
	info->min_mtu = VIRTIO_NET_MIN_MTU;
	info->max_mtu = d->limits.mtu != 0 ? d->limits.mtu : UINT16_MAX - VNIC_FRAME_ROOM;
	info->max_rx_pktlen = vnic_frame_len(info->max_mtu);
	info->max_lro_pkt_size = (info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_TCP_LRO) ? VIRTIO_NET_MAX_GSO : 0;
	/* Mergeable packets come in any number of pieces; others in one that holds the least MTU. */
	info->min_rx_bufsize = offers(f, VIRTIO_BIT(VIRTIO_NET_F_MRG_RXBUF)) ? 64 : vnic_frame_len(info->min_mtu);
}

int vnic_op_info(struct rte_eth_dev *eth, struct rte_eth_dev_info *info)
{
	struct vnic_dev *d = vnic_dev_from(eth);
	struct vnic_features f;

	pthread_mutex_lock(&d->lock);
	f = reachable(d);
	info->max_rx_queues = info->max_tx_queues = vnic_pairs_max(d);
	info->dev_capa |= RTE_ETH_DEV_CAPA_RUNTIME_RX_QUEUE_SETUP | RTE_ETH_DEV_CAPA_RUNTIME_TX_QUEUE_SETUP;
	info->max_mac_addrs = VNIC_MAX_MACS;
	info->rx_offload_capa = rx_offloads(&f);
	info->tx_offload_capa = tx_offloads(&f);
	info_sizes(d, &f, info);
	info_rings(d, info);
	if (offers(&f, VIRTIO_BIT(VIRTIO_NET_F_RSS)))
		info->reta_size = VNIC_RETA_SIZE;
	if (offers(&f, VIRTIO_BIT(VIRTIO_NET_F_RSS)) || offers(&f, VIRTIO_BIT(VIRTIO_NET_F_HASH_REPORT))) {
		info->flow_type_rss_offloads = vnic_rss_from_types(d->limits.hash_types);
		info->hash_key_size = VNIC_RSS_KEY_LEN;
	}
	pthread_mutex_unlock(&d->lock);
	return 0;
}

#if RTE_VERSION < RTE_VERSION_NUM(24, 3, 0, 0)
const uint32_t *vnic_op_ptypes(struct rte_eth_dev *eth)
#else
const uint32_t *vnic_op_ptypes(struct rte_eth_dev *eth, size_t *n)
#endif
{
	static const uint32_t types[] = {
		RTE_PTYPE_L2_ETHER, RTE_PTYPE_L3_IPV4, RTE_PTYPE_L3_IPV4_EXT, RTE_PTYPE_L3_IPV6,
		RTE_PTYPE_L3_IPV6_EXT, RTE_PTYPE_L4_TCP, RTE_PTYPE_L4_UDP,
#if RTE_VERSION < RTE_VERSION_NUM(24, 3, 0, 0)
		RTE_PTYPE_UNKNOWN,
#endif
	};
	const uint64_t parsed = RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_LRO;

	/* Headers are looked at only where an offload needs it. */
	if ((eth->data->dev_conf.rxmode.offloads & parsed) == 0)
		return NULL;
#if RTE_VERSION >= RTE_VERSION_NUM(24, 3, 0, 0)
	*n = RTE_DIM(types);
#endif
	return types;
}

int vnic_op_fw_version(struct rte_eth_dev *eth, char *buf, size_t len)
{
	struct vnic_dev *d = vnic_dev_from(eth);
	/* testpmd has room for 32 octets. */
	int n = snprintf(buf, len, "%s, %s%s", d->ops->name, d->packed ? "packed" : "split",
			 vnic_has(d, VIRTIO_F_IN_ORDER) ? ", in order" : "");

	if (n < 0)
		return -EINVAL;
	return (size_t)n < len ? 0 : n + 1;
}

void vnic_op_rxq_info(struct rte_eth_dev *eth, uint16_t queue, struct rte_eth_rxq_info *info)
{
	const struct vnic_eth_rxq *q = eth->data->rx_queues[queue];

	info->mp = q->q.mp;
	info->conf = q->conf;
	info->scattered_rx = eth->data->scattered_rx;
	info->nb_desc = (uint16_t)(q->nb_desc - q->q.vq.reserve);
	info->rx_buf_size = (uint16_t)(rte_pktmbuf_data_room_size(q->q.mp) - RTE_PKTMBUF_HEADROOM);
}

void vnic_op_txq_info(struct rte_eth_dev *eth, uint16_t queue, struct rte_eth_txq_info *info)
{
	const struct vnic_eth_txq *q = eth->data->tx_queues[queue];

	info->conf = q->conf;
	info->nb_desc = (uint16_t)(q->nb_desc - q->q.vq.reserve);
}

int vnic_op_rx_burst_mode(struct rte_eth_dev *eth, uint16_t queue, struct rte_eth_burst_mode *mode)
{
	(void)queue;
	if (!eth->data->dev_started)
		return -EINVAL;
	snprintf(mode->info, sizeof(mode->info), "%s", vnic_rx_burst_name(eth->rx_pkt_burst));
	return 0;
}

int vnic_op_tx_burst_mode(struct rte_eth_dev *eth, uint16_t queue, struct rte_eth_burst_mode *mode)
{
	(void)queue;
	if (!eth->data->dev_started)
		return -EINVAL;
	snprintf(mode->info, sizeof(mode->info), "%s", vnic_tx_burst_name(eth->tx_pkt_burst));
	return 0;
}
