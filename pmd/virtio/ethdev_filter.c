/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the device lets through: MAC addresses, receive modes, VLANs; and the
 * MTU. The shadow changes when the device has taken the command, or at once while it is
 * stopped. What the shadow holds the device has: ethdev says all of it again after a start, one by
 * one, and restore.c has said it already.
 */
#include <errno.h>
#include <string.h>

#include "pmd/virtio/ethdev_private.h"

/* ---- receive modes ----------------------------------------------------------------------- */

static int set_mode(struct rte_eth_dev *eth, uint8_t cmd, bool on)
{
	struct vnic_dev *d = vnic_dev_from(eth);
	bool *shadow = cmd == VIRTIO_NET_CTRL_RX_PROMISC ? &d->promisc : &d->allmulti;
	int rc = 0;

	if (!vnic_has(d, VIRTIO_NET_F_CTRL_RX))
		return -ENOTSUP; /* everything that comes is for us already */
	pthread_mutex_lock(&d->lock);
	if (d->state == VNIC_RUNNING && *shadow != on)
		rc = vnic_cmd_rx_mode(d, cmd, on);
	if (rc == 0)
		*shadow = on;
	pthread_mutex_unlock(&d->lock);
	return rc;
}

int vnic_op_promisc_on(struct rte_eth_dev *eth)
{
	return set_mode(eth, VIRTIO_NET_CTRL_RX_PROMISC, true);
}

int vnic_op_promisc_off(struct rte_eth_dev *eth)
{
	return set_mode(eth, VIRTIO_NET_CTRL_RX_PROMISC, false);
}

int vnic_op_allmulti_on(struct rte_eth_dev *eth)
{
	return set_mode(eth, VIRTIO_NET_CTRL_RX_ALLMULTI, true);
}

int vnic_op_allmulti_off(struct rte_eth_dev *eth)
{
	return set_mode(eth, VIRTIO_NET_CTRL_RX_ALLMULTI, false);
}

/* ---- addresses ----------------------------------------------------------------------------- */

static int apply_table(struct vnic_dev *d)
{
	return d->state == VNIC_RUNNING ? vnic_cmd_mac_table(d) : 0;
}

/* One place of the table: zero empties it. */
static int put_mac(struct vnic_dev *d, const struct rte_ether_addr *mac, uint32_t index)
{
	struct rte_ether_addr before;
	uint16_t n = d->n_macs;
	int rc;

	if (index >= VNIC_MAX_MACS)
		return -EINVAL;
	before = d->macs[index];
	if (index < n && rte_is_same_ether_addr(&before, mac))
		return 0;
	d->macs[index] = *mac;
	if (index >= d->n_macs)
		d->n_macs = (uint16_t)(index + 1);
	rc = apply_table(d);
	if (rc < 0) {
		d->macs[index] = before;
		d->n_macs = n;
	}
	return rc;
}

int vnic_op_mac_add(struct rte_eth_dev *eth, struct rte_ether_addr *mac, uint32_t index, uint32_t pool)
{
	struct vnic_dev *d = vnic_dev_from(eth);
	int rc;

	(void)pool;
	if (!vnic_has(d, VIRTIO_NET_F_CTRL_RX))
		return -ENOTSUP;
	pthread_mutex_lock(&d->lock);
	rc = put_mac(d, mac, index);
	pthread_mutex_unlock(&d->lock);
	return rc;
}

void vnic_op_mac_remove(struct rte_eth_dev *eth, uint32_t index)
{
	static const struct rte_ether_addr none;
	struct vnic_dev *d = vnic_dev_from(eth);

	pthread_mutex_lock(&d->lock);
	if (index < d->n_macs && put_mac(d, &none, index) < 0)
		VNIC_LOG(WARNING, d, "the device keeps a MAC address that is not wanted any more");
	pthread_mutex_unlock(&d->lock);
}

/* A device without addresses of its own takes any; one that has told its
 * address can be told another only by the control queue. */
int vnic_op_mac_set(struct rte_eth_dev *eth, struct rte_ether_addr *mac)
{
	struct vnic_dev *d = vnic_dev_from(eth);
	bool command = vnic_has(d, VIRTIO_NET_F_CTRL_MAC_ADDR);
	int rc = 0;

	if (!command && vnic_has(d, VIRTIO_NET_F_MAC))
		return -ENOTSUP;
	pthread_mutex_lock(&d->lock);
	if (command && d->state == VNIC_RUNNING && !rte_is_same_ether_addr(&d->mac, mac))
		rc = vnic_cmd_mac(d, mac);
	if (rc == 0) {
		d->mac = *mac;
		d->macs[0] = *mac;
	}
	pthread_mutex_unlock(&d->lock);
	return rc;
}

int vnic_op_multicast(struct rte_eth_dev *eth, struct rte_ether_addr *set, uint32_t n)
{
	struct vnic_dev *d = vnic_dev_from(eth);
	struct rte_ether_addr before[VNIC_MAX_MACS];
	uint16_t n_before;
	int rc;

	if (!vnic_has(d, VIRTIO_NET_F_CTRL_RX))
		return -ENOTSUP;
	if (n > VNIC_MAX_MACS)
		return -ENOSPC;
	pthread_mutex_lock(&d->lock);
	n_before = d->n_mcast;
	memcpy(before, d->mcast, sizeof(before));
	if (n > 0)
		memcpy(d->mcast, set, n * sizeof(*set));
	d->n_mcast = (uint16_t)n;
	rc = apply_table(d);
	if (rc < 0) {
		memcpy(d->mcast, before, sizeof(before));
		d->n_mcast = n_before;
	}
	pthread_mutex_unlock(&d->lock);
	return rc;
}

/* ---- VLANs ------------------------------------------------------------------------------------ */

int vnic_op_vlan_filter(struct rte_eth_dev *eth, uint16_t vlan, int on)
{
	struct vnic_dev *d = vnic_dev_from(eth);
	int rc = 0;

	if (!vnic_has(d, VIRTIO_NET_F_CTRL_VLAN))
		return -ENOTSUP;
	if (vlan >= 4096)
		return -EINVAL;
	pthread_mutex_lock(&d->lock);
	if (d->state == VNIC_RUNNING)
		rc = vnic_cmd_vlan(d, vlan, on != 0);
	if (rc == 0 && on != 0)
		d->vlan[vlan / 64] |= UINT64_C(1) << (vlan % 64);
	else if (rc == 0)
		d->vlan[vlan / 64] &= ~(UINT64_C(1) << (vlan % 64));
	pthread_mutex_unlock(&d->lock);
	return rc;
}

/* The device filters as long as it has CTRL_VLAN: not to filter is to let every one through. */
static int filter_vlans(struct vnic_dev *d, bool filter)
{
	if (!vnic_has(d, VIRTIO_NET_F_CTRL_VLAN))
		return filter ? -ENOTSUP : 0;
	return d->state == VNIC_RUNNING ? vnic_cmd_other_vlans(d, !filter) : 0;
}

int vnic_op_vlan_offload(struct rte_eth_dev *eth, int mask)
{
	struct vnic_dev *d = vnic_dev_from(eth);
	uint64_t offloads = eth->data->dev_conf.rxmode.offloads;
	int rc = 0;

	if (mask & (RTE_ETH_VLAN_EXTEND_MASK | RTE_ETH_QINQ_STRIP_MASK))
		return -ENOTSUP;
	pthread_mutex_lock(&d->lock);
	if (mask & RTE_ETH_VLAN_FILTER_MASK)
		rc = filter_vlans(d, (offloads & RTE_ETH_RX_OFFLOAD_VLAN_FILTER) != 0);
	if (rc == 0 && (mask & RTE_ETH_VLAN_STRIP_MASK)) {
		bool strip = (offloads & RTE_ETH_RX_OFFLOAD_VLAN_STRIP) != 0;

		/* The burst was chosen for what is done to packets: only the next start changes it. */
		if (d->state == VNIC_RUNNING && strip != (eth->data->nb_rx_queues > 0 && d->rxq[0] != NULL &&
							  d->rxq[0]->vlan_strip))
			rc = -EBUSY;
	}
	pthread_mutex_unlock(&d->lock);
	return rc;
}

/* ---- MTU ----------------------------------------------------------------------------------------- */

/* A frame fits a buffer, or may take several. */
static bool buffers_fit(const struct vnic_dev *d, const struct vnic_rxq *q, uint16_t mtu)
{
	bool mergeable = vnic_has(d, VIRTIO_NET_F_MRG_RXBUF);
	bool scatter = (q->offloads & (RTE_ETH_RX_OFFLOAD_SCATTER | RTE_ETH_RX_OFFLOAD_TCP_LRO)) != 0;

	return vnic_rx_buffer_ok(q->mp, d->hdr_len, mergeable, vnic_frame_len(mtu)) &&
	       (!mergeable || scatter || vnic_rx_buffer_ok(q->mp, d->hdr_len, false, mtu + RTE_ETHER_HDR_LEN));
}

static int check_buffers(const struct vnic_dev *d, uint16_t mtu)
{
	for (uint16_t i = 0; i < d->eth->data->nb_rx_queues; i++)
		if (d->rxq[i] != NULL && !buffers_fit(d, d->rxq[i], mtu))
			return -EINVAL;
	return 0;
}

/* Buffers are posted with all the room they have, so that none has to be flushed for it. */
int vnic_op_mtu(struct rte_eth_dev *eth, uint16_t mtu)
{
	struct vnic_dev *d = vnic_dev_from(eth);
	int rc = 0;

	if (mtu < VIRTIO_NET_MIN_MTU || (d->limits.mtu != 0 && mtu > d->limits.mtu))
		return -EINVAL;
	pthread_mutex_lock(&d->lock);
	if (d->rxq != NULL)
		rc = check_buffers(d, mtu);
	for (uint16_t i = 0; rc == 0 && d->state == VNIC_RUNNING && i < eth->data->nb_rx_queues; i++) {
		/* A word that the burst only reads: the next packet is measured by the new one. */
		if (d->rxq[i] != NULL && !d->rxq[i]->lro)
			d->rxq[i]->frame_max = vnic_frame_len(mtu);
	}
	pthread_mutex_unlock(&d->lock);
	return rc;
}
