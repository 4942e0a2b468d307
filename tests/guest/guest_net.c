/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * In a guest: our driver on QEMU's virtio-net-pci with several pairs of queues, by vfio-pci or
 * uio_pci_generic; the steps are those of tests/qtest.
 *
 *	guest_net EAL-ARGUMENT... [-- RESETS]
 *
 * The device is the first port. The other end of its tap has to be a kernel's interface at
 * 10.9.0.1/24 that answers ARP and ping, and sends frames of VLAN 5 all the time to the
 * address 02:00:00:00:00:77, which the port gets.
 * Prints a line for each step; exit status 0 when all held.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_ethdev.h>

#include "pmd/virtio/dev.h"
#include "pmd/virtio/ethdev_private.h"
#include "pmd/virtio/vnic.h"
#include "tests/qtest/net.h"

#define PAIRS 4

static int find_port(void)
{
	if (rte_eth_dev_count_avail() != 1 || !vnic_port(0)) {
		step(false, "one port of our driver");
		return -ENODEV;
	}
	net.port = 0;
	net.dev = vnic_dev_from(&rte_eth_devices[net.port]);
	net.mp = rte_pktmbuf_pool_create("net", NET_MBUFS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	return net.mp == NULL ? -ENOMEM : 0;
}

/* ---- VLANs ------------------------------------------------------------------------------- */
static bool tagged_comes(unsigned ms)
{
	uint64_t before = net.tagged;

	for (unsigned n = 0; n < ms * 10 && net.tagged == before; n++) {
		net_poll();
		usleep(100);
	}
	return net.tagged != before;
}

/* What was on its way when the filter changed is over. */
static bool tagged_stays_away(void)
{
	(void)tagged_comes(50);
	return !tagged_comes(500);
}

static void steps_vlan(void)
{
	step(rte_eth_dev_vlan_filter(net.port, NET_VLAN, 1) == 0 && tagged_comes(5000),
	     "VLAN let in: its frames come");
	step(rte_eth_dev_vlan_filter(net.port, NET_VLAN, 0) == 0 && tagged_stays_away(),
	     "VLAN shut out: they do not");
	step(rte_eth_promiscuous_enable(net.port) == 0 && tagged_comes(5000), "promiscuous: they do");
	step(rte_eth_promiscuous_disable(net.port) == 0 && tagged_stays_away(), "no more: they do not");
	step(rte_eth_dev_vlan_filter(net.port, NET_VLAN + 1, 1) == 0 && tagged_stays_away(),
	     "another VLAN let in: they do not");
	step(rte_eth_dev_vlan_filter(net.port, NET_VLAN, 1) == 0 && rte_eth_dev_stop(net.port) == 0 &&
	     rte_eth_dev_start(net.port) == 0 && net_resolve() && tagged_comes(5000),
	     "let in, and after a start still");
}

/* ---- what QEMU's card has not -------------------------------------------------------------- */
static void steps_coalescing(void)
{
	const struct vnic_coal coal = { .packets = 8, .usecs = 50 };
	struct vnic_coal got;

	if (vnic_has(net.dev, VIRTIO_NET_F_NOTF_COAL) || vnic_has(net.dev, VIRTIO_NET_F_VQ_NOTF_COAL)) {
		step(vnic_coal_set(net.port, VNIC_RX, VNIC_ALL_QUEUES, &coal) == 0 && net_pings(PAIRS), "coalescing");
		return;
	}
	step(vnic_coal_set(net.port, VNIC_RX, 0, &coal) == -ENOTSUP &&
	     vnic_coal_set(net.port, VNIC_TX, VNIC_ALL_QUEUES, &coal) == -ENOTSUP &&
	     vnic_coal_get(net.port, VNIC_RX, 0, true, &got) == -ENOTSUP, "no coalescing: the driver says so");
}

/* ---- pairs ----------------------------------------------------------------------------------- */
static void steps_pairs(void)
{
	static const struct { uint16_t pairs, descriptors; bool rss; } table[] = {
		{ 2, 128, true }, { 1, 64, false }, { 3, 32, true }, { PAIRS, 64, false }, { PAIRS, 256, true },
	};
	const struct rte_eth_conf conf = { 0 };

	for (unsigned i = 0; i < RTE_DIM(table); i++)
		step(life_pairs(table[i].pairs, table[i].descriptors, table[i].rss), "set up with %u pairs of %u%s",
		     table[i].pairs, table[i].descriptors, table[i].rss ? ", RSS" : "");
	step(rte_eth_dev_stop(net.port) == 0 && rte_eth_dev_configure(net.port, PAIRS + 1, PAIRS + 1, &conf) < 0,
	     "more pairs than there are: refused");
}

static int run(unsigned resets)
{
	int rc = find_port();

	if (rc < 0)
		return rc;
	rc = net_setup(PAIRS, 256, RTE_ETH_RX_OFFLOAD_RSS_HASH | RTE_ETH_RX_OFFLOAD_VLAN_FILTER, true);
	step(rc == 0, "%u pairs of queues configured and started, %s rings", PAIRS,
	     net.dev->packed ? "packed" : "split");
	if (rc < 0)
		return rc;
	steps_first();
	steps_vlan();
	steps_control();
	steps_flows();
	steps_rss();
	steps_coalescing();
	steps_reset(resets);
	steps_pairs();
	rte_eth_dev_stop(net.port);
	step(rte_eth_dev_close(net.port) == 0, "closed");
	step(rte_mempool_in_use_count(net.mp) == 0, "every buffer back");
	return 0;
}

int main(int argc, char **argv)
{
	int used = rte_eal_init(argc, argv), rc;

	if (used < 0)
		return 2;
	rc = run(argc - used > 1 ? (unsigned)strtoul(argv[used + 1], NULL, 10) : 48);
	if (rc < 0)
		fprintf(stderr, "guest_net: %s\n", strerror(-rc));
	rte_eal_cleanup();
	return rc < 0 || step_failures != 0;
}
