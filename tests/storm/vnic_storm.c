/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two ports of the virtio driver that send to each other through a switch in
 * another process (vnicd), while their queues are reset and resized. Every packet is
 * numbered; who sent what, what came and what came twice is counted by queue.
 *
 *	vnic_storm EAL... -- reset QUEUES RESETS [tx|rx]
 *	vnic_storm EAL... -- sojourn SIZE SIZE
 *
 * reset prints a line for each queue of each port, and "resets N median_us N ...".
 * sojourn: how long packets stay in an overloaded receive queue, a line for each size.
 * Status 1: the driver failed or lost a buffer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_ethdev.h>

#include "app/common/runtime.h"
#include "tests/storm/storm.h"

#define N_MBUFS 16384u
#define LINK_MS 10000

static int fail(const char *what, int rc)
{
	fprintf(stderr, "vnic_storm: %s: %s\n", what, strerror(-rc));
	return -1;
}

static int port_start(struct storm *s, uint16_t port, uint16_t descriptors)
{
	struct rte_eth_conf conf = { 0 };
	int rc = rte_eth_dev_configure(port, s->queues, s->queues, &conf);

	for (uint16_t q = 0; q < s->queues && rc == 0; q++) {
		rc = rte_eth_rx_queue_setup(port, q, descriptors, SOCKET_ID_ANY, NULL, s->mp);
		if (rc == 0)
			rc = rte_eth_tx_queue_setup(port, q, descriptors, SOCKET_ID_ANY, NULL);
	}
	if (rc == 0)
		rc = rte_eth_dev_start(port);
	return rc == 0 ? rte_eth_macaddr_get(port, &s->mac[port]) : rc;
}

static bool link_up(uint16_t port)
{
	struct rte_eth_link link;

	for (unsigned n = 0; n < LINK_MS; n++) {
		if (rte_eth_link_get_nowait(port, &link) == 0 && link.link_status == RTE_ETH_LINK_UP)
			return true;
		usleep(1000);
	}
	return false;
}

static int open_ports(struct storm *s, uint16_t descriptors)
{
	int rc = 0;

	if (rte_eth_dev_count_avail() != STORM_PORTS)
		return fail("two ports are wanted", -ENODEV);
	/* More threads than CPUs: the usual ring would make one spin while the other is off the CPU. */
	s->mp = rte_pktmbuf_pool_create_by_ops("storm", N_MBUFS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY,
					       "ring_mt_rts");
	if (s->mp == NULL)
		return fail("buffers", -ENOMEM);
	for (uint16_t p = 0; p < STORM_PORTS && rc == 0; p++)
		rc = port_start(s, p, descriptors);
	for (uint16_t p = 0; p < STORM_PORTS && rc == 0; p++)
		rc = link_up(p) ? 0 : -ETIMEDOUT;
	return rc == 0 ? 0 : fail("the ports do not start", rc);
}

/* Every buffer is back when the ports have closed. */
static int close_ports(struct storm *s)
{
	unsigned back;

	for (uint16_t p = 0; p < STORM_PORTS; p++) {
		rte_eth_dev_stop(p);
		rte_eth_dev_close(p);
	}
	back = s->mp != NULL ? rte_mempool_avail_count(s->mp) : N_MBUFS;
	printf("buffers missing %u\n", N_MBUFS - back);
	return back == N_MBUFS ? 0 : -1;
}

static int usage(void)
{
	fprintf(stderr, "usage: vnic_storm EAL... -- reset QUEUES RESETS [tx|rx] | sojourn SIZE SIZE\n");
	return -1;
}

static int run(int argc, char **argv)
{
	static struct storm s;
	const char *mode = argc > 3 ? argv[1] : "";
	int rc;

	if (strcmp(mode, "reset") == 0) {
		s.queues = (uint16_t)atoi(argv[2]);
		if (s.queues == 0 || s.queues > STORM_QUEUES)
			return usage();
		rc = open_ports(&s, 256);
		if (rc == 0)
			rc = storm_reset(&s, (unsigned)atoi(argv[3]), argc > 4 ? argv[4] : "both");
	} else if (strcmp(mode, "sojourn") == 0) {
		s.queues = 1;
		rc = open_ports(&s, (uint16_t)atoi(argv[2]));
		for (int i = 2; i < argc && rc == 0; i++)
			rc = storm_sojourn(&s, (uint16_t)atoi(argv[i]));
	} else {
		return usage();
	}
	return close_ports(&s) == 0 ? rc : -1;
}

int main(int argc, char **argv)
{
	int used = rte_eal_init(argc, argv), rc;

	if (used < 0)
		return 2;
	runtime_note();
	rc = run(argc - used, argv + used);
	rte_eal_cleanup();
	runtime_remove();
	return rc != 0;
}
