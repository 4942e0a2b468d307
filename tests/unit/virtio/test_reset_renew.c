/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues set up anew while the port runs: other sizes, other pools, with and without RING_RESET. */
#include "pmd/base/arena.h"
#include "tests/unit/virtio/reset_lab.h"

static void open_either(struct port_lab *l, unsigned k)
{
	open_pairs(l, layouts[k % LAYOUTS] | (k < LAYOUTS ? 0 : R(RING_RESET)), NULL);
}

/* A packet each way on the queue that nobody touches. */
static void others_go_on(struct port_lab *l, uint32_t n)
{
	CU_ASSERT(gives(l, 0, n) && is_next(l, 0, n));
	CU_ASSERT(sends(l, 0, n) && takes(l, 0, n));
	scripted_flush(l->s);
}

static void renew__sizes(void)
{
	static const uint16_t sizes[] = { 32, 128, 128, 16, 256, 64 };

	for (unsigned k = 0; k < 2 * LAYOUTS; k++) {
		struct rte_eth_rxq_info rx;
		struct rte_eth_txq_info tx;
		struct port_lab l;

		open_either(&l, k);
		for (uint32_t i = 0; i < RTE_DIM(sizes); i++) {
			CU_ASSERT(rte_eth_rx_queue_setup(l.port, 1, sizes[i], SOCKET_ID_ANY, NULL, l.mp) == -EBUSY);
			CU_ASSERT(rte_eth_dev_rx_queue_stop(l.port, 1) == 0);
			others_go_on(&l, 1 + i);
			CU_ASSERT(rte_eth_rx_queue_setup(l.port, 1, sizes[i], SOCKET_ID_ANY, NULL, l.mp) == 0);
			others_go_on(&l, 2 + i);
			CU_ASSERT(gives(&l, 0, 50 + i) && rte_eth_dev_rx_queue_start(l.port, 1) == 0);
			CU_ASSERT(is_next(&l, 0, 50 + i) && port_works(&l, 1));
			CU_ASSERT(rte_eth_rx_queue_info_get(l.port, 1, &rx) == 0 && rx.nb_desc == sizes[i]);

			CU_ASSERT(rte_eth_dev_tx_queue_stop(l.port, 1) == 0);
			CU_ASSERT(rte_eth_tx_queue_setup(l.port, 1, sizes[i], SOCKET_ID_ANY, NULL) == 0);
			others_go_on(&l, 3 + i);
			CU_ASSERT(rte_eth_dev_tx_queue_start(l.port, 1) == 0);
			CU_ASSERT(rte_eth_tx_queue_info_get(l.port, 1, &tx) == 0 && tx.nb_desc == sizes[i]);
			CU_ASSERT(port_works(&l, 1) && port_works(&l, 0));
		}
		CU_ASSERT(rte_eth_dev_stop(l.port) == 0 && rte_eth_dev_start(l.port) == 0);
		CU_ASSERT(port_works(&l, 0) && port_works(&l, 1));
		port_close(&l);
	}
}

/* Buffers of the pool before are flushed: from the start on only the new one's are filled. */
static void renew__pool(void)
{
	for (unsigned k = 0; k < 2 * LAYOUTS; k++) {
		struct rte_mempool *other;
		struct port_lab l;
		char name[32];
		int rc;

		open_either(&l, k);
		snprintf(name, sizeof(name), "other_%u", k);
		other = plain_pktmbuf_pool(name, 256, 0, 0, RTE_PKTMBUF_HEADROOM + 4000, -1, &rc);
		CU_ASSERT_FATAL(other != NULL);
		CU_ASSERT(rte_eth_dev_rx_queue_stop(l.port, 1) == 0);
		CU_ASSERT(rte_eth_rx_queue_setup(l.port, 1, 64, SOCKET_ID_ANY, NULL, other) == 0);
		CU_ASSERT(rte_eth_dev_rx_queue_start(l.port, 1) == 0);
		for (uint32_t i = 0; i < 5; i++) {
			struct rte_mbuf *m = gives(&l, 1, i) ? port_recv(&l, 1) : NULL;

			CU_ASSERT_FATAL(m != NULL);
			CU_ASSERT(m->pool == other && m->pkt_len == 60);
			rte_pktmbuf_free(m);
		}
		CU_ASSERT(rte_mempool_avail_count(l.mp) == PORT_MBUFS - 64);
		others_go_on(&l, 1);
		port_close(&l);
		CU_ASSERT(rte_mempool_avail_count(other) == 256);
		rte_mempool_free(other);
	}
}

/* Refused, the queue is gone until it is set up right; the port runs on. */
static void renew__refused(void)
{
	for (unsigned k = 0; k < 2 * LAYOUTS; k++) {
		struct port_lab l;

		open_either(&l, k);
		CU_ASSERT(rte_eth_dev_rx_queue_stop(l.port, 1) == 0 && rte_eth_dev_tx_queue_stop(l.port, 1) == 0);
		CU_ASSERT(rte_eth_rx_queue_setup(l.port, 1, 1000, SOCKET_ID_ANY, NULL, l.mp) < 0);
		CU_ASSERT(rte_eth_tx_queue_setup(l.port, 1, 2, SOCKET_ID_ANY, NULL) < 0);
		if (!l.d->packed) {
			CU_ASSERT(rte_eth_rx_queue_setup(l.port, 1, 100, SOCKET_ID_ANY, NULL, l.mp) == -EINVAL);
			CU_ASSERT(rte_eth_dev_rx_queue_start(l.port, 1) < 0);
			CU_ASSERT(vnic_queue_reset(l.port, VNIC_RX, 1, 0, NULL) == -EINVAL);
		}
		others_go_on(&l, 1);
		CU_ASSERT(rte_eth_rx_queue_setup(l.port, 1, 32, SOCKET_ID_ANY, NULL, l.mp) == 0);
		CU_ASSERT(rte_eth_rx_queue_setup(l.port, 1, 64, SOCKET_ID_ANY, NULL, l.mp) == 0);
		CU_ASSERT(rte_eth_tx_queue_setup(l.port, 1, 64, SOCKET_ID_ANY, NULL) == 0);
		CU_ASSERT(vnic_queue_reset(l.port, VNIC_RX, 1, 0, NULL) == -EBUSY);
		if (k % 2 == 0) { /* else the port stops with it */
			CU_ASSERT(rte_eth_dev_rx_queue_start(l.port, 1) == 0);
			CU_ASSERT(rte_eth_dev_tx_queue_start(l.port, 1) == 0);
			CU_ASSERT(port_works(&l, 1));
		}
		others_go_on(&l, 2);
		port_close(&l);
	}
}

/* Without RING_RESET, another queue reset with the whole device while one waits beside the port. */
static void renew__device_stopped_meanwhile(void)
{
	struct vnic_reset_report r;
	struct port_lab l;

	open_either(&l, LAYOUTS);
	CU_ASSERT(rte_eth_dev_rx_queue_stop(l.port, 1) == 0);
	CU_ASSERT(rte_eth_rx_queue_setup(l.port, 1, 64, SOCKET_ID_ANY, NULL, l.mp) == 0);
	CU_ASSERT(vnic_queue_reset(l.port, VNIC_TX, 0, 128, &r) == 0 && r.how == VNIC_RESET_DEVICE);
	others_go_on(&l, 1);
	CU_ASSERT(rte_eth_dev_rx_queue_start(l.port, 1) == 0 && port_works(&l, 1));
	port_close(&l);
}

static const struct test_case cases[] = {
	TEST_CASE(renew__sizes),
	TEST_CASE(renew__pool),
	TEST_CASE(renew__refused),
	TEST_CASE(renew__device_stopped_meanwhile),
};
TEST_MAIN("reset_renew", cases)
