/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/pipeline/drivers.h"

#include <string.h>

#include <rte_ethdev.h>

static const struct driver drivers[] = {
	/* Its segmentation is rte_gso as ours, but for at most 64 pieces; its
	 * checksums are wrong for a chain with a piece of odd length; its hash
	 * needs a flow API of the kernel. The queue's descriptor is the tap's. The
	 * kernel's interface has the port's address. */
	{ "net_tap", DRIVER_QUEUES_EQUAL, .rx_intr = true, .no_rss = true, .mac_is_peers = true,
	  .tx_broken =
		  RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM },
	{ "net_memif", DRIVER_QUEUES_PEER, .no_rss = true },
	/* Passes super-segments on to its peer, which it lets ask for them. Header
	 * checksums it would sum up in software; ours of a segment's pieces are an addition each. */
	{ "net_vhost", DRIVER_QUEUES_PEER, .no_rss = true, .tx_copies = true,
	  .tx_broken = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM, .tx_with_tso = RTE_ETH_TX_OFFLOAD_TCP_TSO },
	{ "net_virtio_user", DRIVER_QUEUES_PEER, .no_pinned = true, .eal_memory = true, .no_rss = true },
	{ "net_af_xdp", DRIVER_QUEUES_PEER, .no_pinned = true, .no_rss = true },
	{ "net_vnic", DRIVER_QUEUES_FREE, .arena_only = true, .rx_intr = true, .rx_intr_arm = true },
	{ "net_af_packet", DRIVER_QUEUES_EQUAL, .no_rss = true },
	{ "net_pcap", DRIVER_QUEUES_PEER, .no_rss = true },
	{ "net_ring", DRIVER_QUEUES_EQUAL, .no_rss = true },
	{ "net_null", DRIVER_QUEUES_FREE },
	/* Devices on a bus: their interrupts are told apart by queue. */
	{ "net_", DRIVER_QUEUES_FREE, .rx_intr = true, .rx_intr_arm = true },
	{ "", DRIVER_QUEUES_FREE },
};

const struct driver *driver_of(const char *name)
{
	const struct driver *d = drivers;

	while (strncmp(name, d->name, strlen(d->name)) != 0)
		d++;
	return d;
}
