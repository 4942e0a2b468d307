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
#include <rte_ip.h>
#include <rte_thash.h>

#include "app/common/runtime.h"
#include "tests/storm/storm.h"

#define N_MBUFS 16384u
#define LINK_MS 10000

static int fail(const char *what, int rc)
{
	fprintf(stderr, "vnic_storm: %s: %s\n", what, strerror(-rc));
	return -1;
}

static uint8_t key[40] = { /* the usual one */
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
	0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

/* Of the table of port: which queue a hash leads to. */
static int queue_of(uint16_t port, uint32_t hash)
{
	struct rte_eth_rss_reta_entry64 reta[RTE_ETH_RSS_RETA_SIZE_512 / RTE_ETH_RETA_GROUP_SIZE];
	struct rte_eth_dev_info info;

	if (rte_eth_dev_info_get(port, &info) != 0 || info.reta_size == 0 || info.reta_size > RTE_ETH_RSS_RETA_SIZE_512)
		return -1;
	memset(reta, 0xff, sizeof(reta));
	if (rte_eth_dev_rss_reta_query(port, reta, info.reta_size) != 0)
		return -1;
	hash %= info.reta_size;
	return reta[hash / RTE_ETH_RETA_GROUP_SIZE].reta[hash % RTE_ETH_RETA_GROUP_SIZE];
}

/* A flow to port for each queue of it, told apart by its source port. */
static int choose_flows(struct storm *s, uint16_t port)
{
	for (uint16_t q = 0; q < s->queues; q++) {
		uint16_t sport = 1000;
		int at;

		do {
			uint32_t tuple[3] = { RTE_IPV4(10, 0, 0, 1 + !port), RTE_IPV4(10, 0, 0, 2 - !port),
					      (uint32_t)++sport << 16 | 9 };

			at = queue_of(port, rte_softrss(tuple, RTE_DIM(tuple), key));
		} while (at >= 0 && at != q && sport < 5000);
		if (at != q)
			return -ENOTSUP;
		s->src_port[!port][q] = sport;
	}
	return 0;
}

static int port_start(struct storm *s, uint16_t port, uint16_t descriptors)
{
	struct rte_eth_conf conf = {
		.rxmode.mq_mode = s->queues > 1 ? RTE_ETH_MQ_RX_RSS : RTE_ETH_MQ_RX_NONE,
		.rx_adv_conf.rss_conf = { .rss_key = key, .rss_key_len = sizeof(key),
					  .rss_hf = s->queues > 1 ? RTE_ETH_RSS_NONFRAG_IPV4_UDP : 0 },
	};
	int rc = rte_eth_dev_configure(port, s->queues, s->queues, &conf);

	for (uint16_t q = 0; q < s->queues && rc == 0; q++) {
		rc = rte_eth_rx_queue_setup(port, q, descriptors, SOCKET_ID_ANY, NULL, s->mp);
		if (rc == 0)
			rc = rte_eth_tx_queue_setup(port, q, descriptors, SOCKET_ID_ANY, NULL);
	}
	if (rc == 0)
		rc = rte_eth_dev_start(port);
	if (rc == 0 && s->queues > 1)
		rc = choose_flows(s, port);
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
