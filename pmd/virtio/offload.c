/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive offloads switched while the port runs. ethdev has no word for it: there they change with a
 * configuration, which negotiates anew. Bursts take what was negotiated, so that the device may change at
 * any packet.
 */
#include <errno.h>

#include "pmd/virtio/ethdev_private.h"
#include "pmd/virtio/vnic.h"

#define RX_CSUM (RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM)
#define RX_LRO  RTE_ETH_RX_OFFLOAD_TCP_LRO
#define CSUM    VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM)
#define LRO     (VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO4) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO6))

static uint64_t to_offloads(uint64_t bits)
{
	return ((bits & CSUM) != 0 ? RX_CSUM : 0) | ((bits & LRO) != 0 ? RX_LRO : 0);
}

static int to_bits(const struct vnic_dev *d, uint64_t offloads, uint64_t *bits)
{
	bool csum = (offloads & RX_CSUM) != 0, lro = (offloads & RX_LRO) != 0;

	*bits = d->negotiated.word[0] & ((csum ? CSUM : 0) | (lro ? LRO : 0));
	if ((offloads & ~(RX_CSUM | RX_LRO)) != 0 || (csum && (offloads & RX_CSUM) != RX_CSUM) || (lro && !csum))
		return -EINVAL;
	return to_offloads(*bits) == offloads ? 0 : -EINVAL;
}

int vnic_rx_offloads_set(uint16_t port, uint64_t offloads)
{
	struct vnic_dev *d = vnic_dev_of(port);
	uint64_t bits;
	int rc;

	if (d == NULL || !vnic_has(d, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS))
		return -ENOTSUP;
	pthread_mutex_lock(&d->lock);
	rc = to_bits(d, offloads, &bits);
	if (rc == 0 && d->state != VNIC_RUNNING)
		rc = -EIO;
	if (rc == 0)
		rc = vnic_cmd_offloads(d, bits);
	if (rc == 0)
		d->guest_off = d->negotiated.word[0] & (CSUM | LRO) & ~bits;
	pthread_mutex_unlock(&d->lock);
	return rc;
}

int vnic_rx_offloads_get(uint16_t port, uint64_t *offloads)
{
	struct vnic_dev *d = vnic_dev_of(port);

	if (d == NULL)
		return -ENOTSUP;
	pthread_mutex_lock(&d->lock);
	*offloads = to_offloads(vnic_guest_offloads(d));
	pthread_mutex_unlock(&d->lock);
	return 0;
}
