/* SPDX-License-Identifier: BSD-3-Clause */
/* The first packets of a port, what its counters say of them, and the port stopped, started and set up anew. */
#include <errno.h>
#include <stdio.h>

#include <rte_ethdev.h>

#include "tests/qtest/net.h"

#define ECHOES 20u

static uint64_t counter(const char *dir, uint16_t queue)
{
	char name[RTE_ETH_XSTATS_NAME_SIZE];
	uint64_t id, value = 0;

	snprintf(name, sizeof(name), "%s_q%u_packets", dir, queue);
	if (rte_eth_xstats_get_id_by_name(net.port, name, &id) != 0 ||
	    rte_eth_xstats_get_by_id(net.port, &id, &value, 1) != 1)
		return UINT64_MAX;
	return value;
}

/* The kernel answers on the tap's queue that asked, so that a pair's own echoes come back by it,
 * unless the device steers them elsewhere. */
static bool counted(uint16_t pair, bool steered)
{
	uint64_t rx = counter("rx", pair), tx = counter("tx", pair);

	net_count();
	net_ask(pair, ECHOES);
	if (!net_answered(pair, NET_PATIENCE_MS))
		return false;
	return counter("tx", pair) - tx >= ECHOES && (steered || counter("rx", pair) - rx >= ECHOES);
}

void steps_first(void)
{
	struct rte_ether_addr other = { { 0x02, 0, 0, 0, 0, 0x77 } };
	struct rte_eth_link link;
	bool ok = true;

	rte_eth_macaddr_get(net.port, &net.ours);
	step(rte_eth_link_get_nowait(net.port, &link) == 0 && link.link_status == RTE_ETH_LINK_UP, "link up");
	step(net_resolve(), "ARP answered by the kernel");
	step(net_pings(50), "50 echoes of 56 to 1300 octets over all pairs");
	step(rte_eth_dev_default_mac_addr_set(net.port, &other) == 0, "address set");
	net.ours = other;
	step(net_resolve() && net_pings(4), "traffic with the address set");
	for (uint16_t pair = 0; pair < net.queues && ok; pair++)
		ok = counted(pair, net.rss);
	step(ok, "%u pairs, each counts its packets", net.queues);
}

/* QEMU gives its tap's queues back and takes them again: what the kernel sends meanwhile may be lost. */
static bool traffic_again(void)
{
	bool ok = false;

	for (unsigned n = 0; n < 5 && !ok; n++)
		ok = net_resolve() && net_pings(2u * net.queues);
	return ok;
}

bool life_pairs(uint16_t pairs, uint16_t descriptors, bool rss)
{
	bool ok;

	if (rte_eth_dev_stop(net.port) != 0 || net_setup(pairs, descriptors, 0, rss) != 0 || !traffic_again())
		return false;
	ok = counter("rx", pairs) == UINT64_MAX; /* no more of them than that */
	for (uint16_t pair = 0; pair < pairs && ok; pair++)
		ok = counted(pair, rss);
	return ok;
}

void steps_restart(void)
{
	bool ok = true;

	for (unsigned n = 0; n < 5 && ok; n++)
		ok = rte_eth_dev_stop(net.port) == 0 && rte_eth_dev_start(net.port) == 0 && traffic_again();
	step(ok, "stopped and started five times, traffic each time");
	step(life_pairs(1, 64, false) && net_pings(100), "one pair of 64 descriptors, 100 echoes");
}
