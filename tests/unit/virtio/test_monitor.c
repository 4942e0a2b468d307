/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a CPU watches while it sleeps on a receive queue (rte_eth_get_monitor_addr()): it changes with the next
 * packet, and one that came between the last poll and the watch is seen by the callback.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_power_intrinsics.h>

#include "pmd/virtio/ethdev_private.h"
#include "pmd/virtio/vnic.h"
#include "tests/unit/test.h"
#include "tests/unit/virtio/port_lab.h"

static const char *const rings[] = {
	"packed=0,in_order=0", "packed=0", "packed=1,in_order=0", "packed=1", "packed=0,mrg_rxbuf=0", "packed=1,mrg_rxbuf=0",
};

static void open_ring(struct port_lab *l, unsigned i, uint16_t desc)
{
	port_new(l, NULL);
	l->rx_desc = desc;
	l->rx_offloads = strstr(rings[i], "mrg_rxbuf=0") == NULL ? RTE_ETH_RX_OFFLOAD_SCATTER : 0;
	CU_ASSERT_FATAL(port_probe(l, rings[i]) == 0);
	CU_ASSERT_FATAL(port_start(l) == 0);
}

static uint64_t look(const struct rte_power_monitor_cond *pmc)
{
	uint16_t v;

	CU_ASSERT_EQUAL_FATAL(pmc->size, sizeof(v));
	memcpy(&v, (const void *)(uintptr_t)pmc->addr, sizeof(v));
	return v;
}

/* What rte_power_monitor() does before it sleeps. */
static bool sleeps(const struct rte_power_monitor_cond *pmc)
{
	return pmc->fn(look(pmc), pmc->opaque) == 0;
}

static void give(struct port_lab *l, uint32_t len)
{
	static uint8_t b[4000];

	port_octets(1, b, len);
	memset(b, 0xff, 6);
	CU_ASSERT_EQUAL(scripted_give(l->s, 0, NULL, b, len), 0);
	scripted_flush(l->s);
}

static unsigned poll_all(struct port_lab *l)
{
	struct rte_mbuf *m;
	unsigned n = 0;

	while ((m = port_recv(l, 0)) != NULL) {
		rte_pktmbuf_free(m);
		n++;
	}
	return n;
}

/* Twice round each ring and more, in steps that do not divide it. */
static void monitor__wakes_for_each_packet(void)
{
	for (unsigned i = 0; i < RTE_DIM(rings); i++) {
		struct rte_power_monitor_cond pmc;
		struct port_lab l;
		unsigned sent = 0;

		open_ring(&l, i, 16);
		while (sent < 50) {
			unsigned n = 1 + sent % 5;
			uint64_t before;

			CU_ASSERT_EQUAL_FATAL(rte_eth_get_monitor_addr(l.port, 0, &pmc), 0);
			before = look(&pmc);
			CU_ASSERT(sleeps(&pmc));
			for (unsigned k = 0; k < n; k++)
				give(&l, 60);
			/* The write that wakes, and the look that comes too late for it. */
			CU_ASSERT(look(&pmc) != before && !sleeps(&pmc));
			/* Asked for anew before they are polled: still no sleep. */
			CU_ASSERT(rte_eth_get_monitor_addr(l.port, 0, &pmc) == 0 && !sleeps(&pmc));
			CU_ASSERT_EQUAL(poll_all(&l), n);
			sent += n;
		}
		CU_ASSERT(rte_eth_get_monitor_addr(l.port, 0, &pmc) == 0 && sleeps(&pmc));
		port_close(&l);
	}
}

/* One packet is left in the ring by a burst that took no more. */
static void monitor__after_a_short_burst(void)
{
	for (unsigned i = 0; i < RTE_DIM(rings); i++) {
		struct rte_power_monitor_cond pmc;
		struct port_lab l;

		open_ring(&l, i, 64);
		give(&l, 60);
		give(&l, 60);
		rte_pktmbuf_free(port_recv(&l, 0));
		CU_ASSERT(rte_eth_get_monitor_addr(l.port, 0, &pmc) == 0 && !sleeps(&pmc));
		CU_ASSERT_EQUAL(poll_all(&l), 1);
		CU_ASSERT(rte_eth_get_monitor_addr(l.port, 0, &pmc) == 0 && sleeps(&pmc));
		port_close(&l);
	}
}

/* A packet of several buffers. */
static void monitor__merged(void)
{
	for (unsigned i = 0; i < 4; i++) {
		struct rte_power_monitor_cond pmc;
		struct port_lab l;

		port_new(&l, NULL);
		l.rx_desc = 16;
		l.room = 512;
		l.rx_offloads = RTE_ETH_RX_OFFLOAD_SCATTER;
		rte_mempool_free(l.mp);
		l.mp = rte_pktmbuf_pool_create("monitor", PORT_MBUFS, 0, 0, RTE_PKTMBUF_HEADROOM + 512, SOCKET_ID_ANY);
		CU_ASSERT_PTR_NOT_NULL_FATAL(l.mp);
		CU_ASSERT_FATAL(port_probe(&l, rings[i]) == 0);
		CU_ASSERT_FATAL(port_start(&l) == 0);
		for (unsigned k = 0; k < 20; k++) {
			CU_ASSERT(rte_eth_get_monitor_addr(l.port, 0, &pmc) == 0 && sleeps(&pmc));
			give(&l, 1400);
			CU_ASSERT(!sleeps(&pmc));
			CU_ASSERT_EQUAL(poll_all(&l), 1);
		}
		port_close(&l);
	}
}

/* Nothing will come to a queue that does not run; what a reset has kept is there. */
static void monitor__queue_that_does_not_run(void)
{
	struct rte_power_monitor_cond pmc;

	for (unsigned i = 0; i < 4; i++) {
		struct port_lab l;

		open_ring(&l, i, 16);
		give(&l, 60);
		CU_ASSERT_EQUAL(vnic_queue_reset(l.port, VNIC_RX, 0, 0, NULL), 0);
		CU_ASSERT_EQUAL(rte_eth_get_monitor_addr(l.port, 0, &pmc), -EAGAIN);
		CU_ASSERT_EQUAL(poll_all(&l), 1);
		CU_ASSERT(rte_eth_get_monitor_addr(l.port, 0, &pmc) == 0 && sleeps(&pmc));
		give(&l, 60);
		CU_ASSERT(!sleeps(&pmc) && poll_all(&l) == 1);
		CU_ASSERT_EQUAL(rte_eth_dev_rx_queue_stop(l.port, 0), 0);
		CU_ASSERT_EQUAL(rte_eth_get_monitor_addr(l.port, 0, &pmc), -EBUSY);
		CU_ASSERT_EQUAL(rte_eth_dev_rx_queue_start(l.port, 0), 0);
		CU_ASSERT(rte_eth_get_monitor_addr(l.port, 0, &pmc) == 0 && sleeps(&pmc));
		port_close(&l);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(monitor__wakes_for_each_packet),
	TEST_CASE(monitor__after_a_short_burst),
	TEST_CASE(monitor__merged),
	TEST_CASE(monitor__queue_that_does_not_run),
};
TEST_MAIN("virtio_monitor", cases)
