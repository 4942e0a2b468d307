/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues of a port: limits, start and stop one by one, interrupts, what they hold. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_interrupts.h>

#include "pmd/base/arena.h"
#include "tests/unit/virtio/eth_lab.h"

/* ---- set-up ------------------------------------------------------------------------------------ */

static void setup__limits_as_told(void)
{
	struct rte_eth_dev_info info;
	struct eth_lab lab;

	eth_lab_create(&lab, 3, "packed=0");
	CU_ASSERT_FATAL(eth_lab_probe(&lab) == 0);
	CU_ASSERT_FATAL(rte_eth_dev_info_get(lab.port, &info) == 0);
	CU_ASSERT(info.max_rx_queues == 3 && info.max_tx_queues == 3);
	CU_ASSERT(info.rx_desc_lim.nb_max == 256 && info.tx_desc_lim.nb_max == 256);
	CU_ASSERT(info.rx_desc_lim.nb_min == 8 && info.tx_desc_lim.nb_min == 8);
	CU_ASSERT(info.max_mtu == 1500 && info.min_mtu == 68);
	CU_ASSERT(info.reta_size == 128 && info.hash_key_size == 40);
	CU_ASSERT(info.default_rxportconf.ring_size == 256);
	CU_ASSERT(eth_lab_configure(&lab, 4, 64, NULL) == -EINVAL);
	/* At the limits it works, beyond them it does not; a split ring takes powers of two. */
	CU_ASSERT(eth_lab_configure(&lab, 1, 8, NULL) == 0);
	CU_ASSERT(eth_lab_configure(&lab, 1, 256, NULL) == 0);
	CU_ASSERT(eth_lab_configure(&lab, 1, 7, NULL) == -EINVAL);
	CU_ASSERT(eth_lab_configure(&lab, 1, 257, NULL) == -EINVAL);
	CU_ASSERT(eth_lab_configure(&lab, 1, 100, NULL) == -EINVAL);
	CU_ASSERT(eth_lab_configure(&lab, 1, 256, NULL) == 0);
	CU_ASSERT(rte_eth_dev_start(lab.port) == 0);
	CU_ASSERT(lab.d->rxq[0]->vq.size == 256 && eth_lab_traffic(&lab, 0, 600));
	eth_lab_end(&lab);
}

static void setup__packed_of_any_size(void)
{
	static const uint16_t sizes[] = { 8, 9, 100, 255, 256 };

	for (unsigned i = 0; i < RTE_DIM(sizes); i++) {
		struct eth_lab lab;

		eth_lab_create(&lab, 1, "packed=1");
		CU_ASSERT_FATAL(eth_lab_probe(&lab) == 0);
		CU_ASSERT_FATAL(eth_lab_configure(&lab, 1, sizes[i], NULL) == 0);
		CU_ASSERT_FATAL(rte_eth_dev_start(lab.port) == 0);
		CU_ASSERT(lab.d->rxq[0]->vq.size == sizes[i]);
		CU_ASSERT(eth_lab_traffic(&lab, 0, 600));
		eth_lab_end(&lab);
	}
}

static const struct {
	const char *args;
	uint64_t offloads;
	uint16_t room; /* of the buffers, headroom apart */
	int rc;
} pools[] = {
	{ "mrg_rxbuf=1", RTE_ETH_RX_OFFLOAD_SCATTER, 128, 0 },
	{ "mrg_rxbuf=1", 0, 128, -EINVAL },  /* one segment was asked for */
	{ "mrg_rxbuf=1", 0, 1600, 0 },
	{ "mrg_rxbuf=0", 0, 1600, 0 },
	{ "mrg_rxbuf=0", 0, 1500, -EINVAL }, /* the device has no second buffer to go on in */
};

static void setup__buffers(void)
{
	for (unsigned i = 0; i < RTE_DIM(pools); i++) {
		struct rte_eth_conf conf = { .rxmode.offloads = pools[i].offloads };
		struct rte_mempool *mp;
		struct eth_lab lab;
		char name[32];
		int rc;

		eth_lab_create(&lab, 1, pools[i].args);
		snprintf(name, sizeof(name), "buffers_%u", i);
		mp = plain_pktmbuf_pool(name, 255, 0, 0, RTE_PKTMBUF_HEADROOM + pools[i].room, -1, &rc);
		CU_ASSERT_FATAL(mp != NULL && eth_lab_probe(&lab) == 0);
		CU_ASSERT_FATAL(rte_eth_dev_configure(lab.port, 1, 1, &conf) == 0);
		CU_ASSERT(rte_eth_rx_queue_setup(lab.port, 0, 64, SOCKET_ID_ANY, NULL, mp) == pools[i].rc);
		eth_lab_end(&lab);
		rte_mempool_free(mp);
	}
}

static void setup__threshold(void)
{
	struct rte_eth_txconf conf = { .tx_free_thresh = 64 };
	struct eth_lab lab;

	eth_lab_create(&lab, 1, NULL);
	CU_ASSERT_FATAL(eth_lab_probe(&lab) == 0);
	CU_ASSERT_FATAL(eth_lab_configure(&lab, 1, 64, NULL) == 0);
	CU_ASSERT(rte_eth_tx_queue_setup(lab.port, 0, 64, SOCKET_ID_ANY, &conf) == -EINVAL);
	conf.tx_free_thresh = 63;
	CU_ASSERT(rte_eth_tx_queue_setup(lab.port, 0, 64, SOCKET_ID_ANY, &conf) == 0);
	eth_lab_end(&lab);
}

/* ---- start and stop ------------------------------------------------------------------------------- */

static unsigned receive(struct eth_lab *lab, uint16_t q)
{
	struct rte_mbuf *m[32];
	unsigned n = rte_eth_rx_burst(lab->port, q, m, 32);

	rte_pktmbuf_free_bulk(m, n);
	return n;
}

static void give(struct eth_lab *lab, uint16_t q, unsigned n)
{
	uint8_t data[60] = { 0 };

	memcpy(data, &lab->eth->data->mac_addrs[0], 6);
	data[6] = 2;
	while (n-- > 0)
		CU_ASSERT(scripted_give(lab->s, q, NULL, data, sizeof(data)) == 0);
	scripted_flush(lab->s);
}

/* Reset where the device can, paused where it cannot. */
static void queue__stop_and_start(void)
{
	for (unsigned pause = 0; pause < 2; pause++) {
		struct eth_lab lab;

		eth_lab_run(&lab, 2, NULL);
		lab.s->no_queue_reset = pause != 0;
		for (unsigned i = 0; i < 20; i++) {
			CU_ASSERT(rte_eth_dev_rx_queue_stop(lab.port, 1) == 0);
			CU_ASSERT(receive(&lab, 1) == 0);
			CU_ASSERT(eth_lab_traffic(&lab, 0, 3));
			CU_ASSERT(rte_eth_dev_rx_queue_start(lab.port, 1) == 0);
			CU_ASSERT(eth_lab_traffic(&lab, 1, 10));
			CU_ASSERT(rte_eth_dev_tx_queue_stop(lab.port, 1) == 0);
			CU_ASSERT(lab.d->txq[1]->posted == lab.d->txq[1]->done);
			CU_ASSERT(eth_lab_traffic(&lab, 0, 3));
			CU_ASSERT(rte_eth_dev_tx_queue_start(lab.port, 1) == 0);
			CU_ASSERT(eth_lab_traffic(&lab, 1, 10));
		}
		eth_lab_end(&lab);
	}
}

static void queue__deferred(void)
{
	struct rte_eth_rxconf rxconf = { .rx_deferred_start = 1 };
	struct rte_eth_txconf txconf = { .tx_deferred_start = 1 };
	struct eth_lab lab;

	eth_lab_create(&lab, 2, NULL);
	CU_ASSERT_FATAL(eth_lab_probe(&lab) == 0);
	CU_ASSERT_FATAL(eth_lab_configure(&lab, 2, 64, NULL) == 0);
	CU_ASSERT_FATAL(rte_eth_rx_queue_setup(lab.port, 1, 64, SOCKET_ID_ANY, &rxconf, lab.mp) == 0);
	CU_ASSERT_FATAL(rte_eth_tx_queue_setup(lab.port, 1, 64, SOCKET_ID_ANY, &txconf) == 0);
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_FATAL(rte_eth_dev_start(lab.port) == 0);
		CU_ASSERT(eth_lab_traffic(&lab, 0, 3));
		CU_ASSERT(!lab.s->nic.queue[2].enabled && !lab.s->nic.queue[3].enabled);
		CU_ASSERT(rte_eth_dev_rx_queue_start(lab.port, 1) == 0);
		CU_ASSERT(rte_eth_dev_tx_queue_start(lab.port, 1) == 0);
		CU_ASSERT(eth_lab_traffic(&lab, 1, 100));
		CU_ASSERT(rte_eth_dev_stop(lab.port) == 0);
	}
	eth_lab_end(&lab);
}

/* The device tells of a packet nobody posted: the queue stops, the others do not; a
 * stop and start mends it where the device resets queues. */
static void break_rxq(struct eth_lab *lab, uint16_t q)
{
	struct vnic_vq *vq = &lab->d->rxq[q]->vq;

	CU_ASSERT_FATAL(!vq->is_packed);
	vq->split.used->ring[vq->used % vq->size].id = rte_cpu_to_le_32(vq->size);
	vq->split.used->idx = rte_cpu_to_le_16((uint16_t)(vq->used + 1));
	CU_ASSERT(receive(lab, q) == 0);
	CU_ASSERT(vq->fault != VNIC_FAULT_NONE);
}

static void fault__cured_by_queue_reset(void)
{
	struct eth_lab lab;

	eth_lab_run(&lab, 2, "packed=0,in_order=0");
	CU_ASSERT(eth_lab_traffic(&lab, 1, 5));
	break_rxq(&lab, 1);
	(void)TEST_SOON(lab.events[RTE_ETH_EVENT_QUEUE_STATE] != 0);
	CU_ASSERT(lab.events[RTE_ETH_EVENT_QUEUE_STATE] == 1);
	CU_ASSERT(lab.d->faults[VNIC_FAULT_USED_ID] == 1);
	CU_ASSERT(eth_lab_traffic(&lab, 0, 5));
	CU_ASSERT(receive(&lab, 1) == 0);
	CU_ASSERT(rte_eth_dev_rx_queue_stop(lab.port, 1) == 0);
	CU_ASSERT(rte_eth_dev_rx_queue_start(lab.port, 1) == 0);
	CU_ASSERT(eth_lab_traffic(&lab, 1, 5));
	eth_lab_end(&lab);
}

static void fault__takes_a_device_reset(void)
{
	struct eth_lab lab;

	eth_lab_run(&lab, 2, "packed=0,in_order=0");
	lab.s->no_queue_reset = true;
	break_rxq(&lab, 1);
	CU_ASSERT(rte_eth_dev_rx_queue_stop(lab.port, 1) == 0);
	CU_ASSERT(rte_eth_dev_rx_queue_start(lab.port, 1) == -EIO);
	CU_ASSERT(eth_lab_traffic(&lab, 0, 5));
	CU_ASSERT(rte_eth_dev_stop(lab.port) == 0);
	CU_ASSERT(rte_eth_dev_reset(lab.port) == 0);
	CU_ASSERT(eth_lab_configure(&lab, 2, 64, NULL) == 0);
	CU_ASSERT(rte_eth_dev_start(lab.port) == 0);
	CU_ASSERT(eth_lab_traffic(&lab, 1, 5));
	eth_lab_end(&lab);
}

static void queue__reset_never_ends(void)
{
	struct eth_lab lab;

	eth_lab_run(&lab, 2, NULL);
	lab.s->reset_never = true;
	CU_ASSERT(rte_eth_dev_rx_queue_stop(lab.port, 1) == -ETIMEDOUT);
	CU_ASSERT(lab.d->state == VNIC_BROKEN && lab.events[RTE_ETH_EVENT_INTR_RESET] == 1);
	CU_ASSERT(receive(&lab, 0) == 0 && eth_lab_link(&lab, false));
	CU_ASSERT(rte_eth_dev_stop(lab.port) == 0);
	eth_lab_end(&lab);
}

/* ---- what a ring holds ------------------------------------------------------------------------------- */

static void ring__count_and_status(void)
{
	static const char *const kinds[] = { "packed=0,in_order=0", "packed=1,in_order=0", "packed=0", "packed=1" };

	for (unsigned i = 0; i < RTE_DIM(kinds); i++) {
		struct eth_lab lab;

		eth_lab_run(&lab, 1, kinds[i]);
		CU_ASSERT(rte_eth_rx_queue_count(lab.port, 0) == 0);
		CU_ASSERT(rte_eth_rx_descriptor_status(lab.port, 0, 0) == RTE_ETH_RX_DESC_AVAIL);
		CU_ASSERT(rte_eth_rx_descriptor_status(lab.port, 0, 63) == RTE_ETH_RX_DESC_AVAIL);
		CU_ASSERT(rte_eth_rx_descriptor_status(lab.port, 0, 64) == -EINVAL);
		give(&lab, 0, 7);
		CU_ASSERT(rte_eth_rx_queue_count(lab.port, 0) == 7);
		CU_ASSERT(rte_eth_rx_descriptor_status(lab.port, 0, 6) == RTE_ETH_RX_DESC_DONE);
		CU_ASSERT(rte_eth_rx_descriptor_status(lab.port, 0, 7) == RTE_ETH_RX_DESC_AVAIL);
		for (unsigned n = receive(&lab, 0); n < 7; n += receive(&lab, 0))
			CU_ASSERT_FATAL(rte_eth_rx_queue_count(lab.port, 0) == (int)(7 - n));
		CU_ASSERT(rte_eth_rx_queue_count(lab.port, 0) == 0);
		eth_lab_end(&lab);
	}
}

static struct rte_mbuf *outgoing(struct eth_lab *lab)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(lab->mp);

	CU_ASSERT_FATAL(m != NULL);
	memset(rte_pktmbuf_append(m, 60), 2, 60);
	return m;
}

static void ring__transmit_status(void)
{
	uint8_t buf[64];
	struct eth_lab lab;

	eth_lab_run(&lab, 1, NULL);
	CU_ASSERT(rte_eth_tx_descriptor_status(lab.port, 0, 0) == RTE_ETH_TX_DESC_DONE);
	CU_ASSERT(rte_eth_tx_descriptor_status(lab.port, 0, 63) == RTE_ETH_TX_DESC_DONE);
	CU_ASSERT(rte_eth_tx_descriptor_status(lab.port, 0, 64) == -EINVAL);
	for (unsigned i = 0; i < 3; i++) {
		struct rte_mbuf *m = outgoing(&lab);

		CU_ASSERT_FATAL(rte_eth_tx_burst(lab.port, 0, &m, 1) == 1);
	}
	/* The 61 free ones come first, then the three that are out. */
	CU_ASSERT(rte_eth_tx_descriptor_status(lab.port, 0, 60) == RTE_ETH_TX_DESC_DONE);
	CU_ASSERT(rte_eth_tx_descriptor_status(lab.port, 0, 61) == RTE_ETH_TX_DESC_FULL);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT(scripted_take(lab.s, 0, NULL, buf, sizeof(buf)) == 60);
	scripted_flush(lab.s);
	CU_ASSERT(rte_eth_tx_descriptor_status(lab.port, 0, 61) == RTE_ETH_TX_DESC_DONE);
	CU_ASSERT(rte_eth_tx_done_cleanup(lab.port, 0, 0) == 3);
	CU_ASSERT(lab.d->txq[0]->posted == 3 && lab.d->txq[0]->done == 3);
	eth_lab_end(&lab);
}

/* ---- interrupts ------------------------------------------------------------------------------------------ */

static void intr_lab(struct eth_lab *lab)
{
	struct rte_eth_conf conf = { .intr_conf.rxq = 1 };

	eth_lab_create(lab, 2, NULL);
	CU_ASSERT_FATAL(eth_lab_probe(lab) == 0);
	CU_ASSERT_FATAL(eth_lab_configure(lab, 2, 64, &conf) == 0);
	CU_ASSERT_FATAL(rte_eth_dev_start(lab->port) == 0);
	CU_ASSERT_FATAL(rte_eth_dev_rx_intr_ctl_q(lab->port, 1, RTE_EPOLL_PER_THREAD, RTE_INTR_EVENT_ADD, NULL) == 0);
}

static void intr__wakes(void)
{
	struct rte_epoll_event e;
	struct eth_lab lab;

	intr_lab(&lab);
	for (unsigned i = 0; i < 5; i++) {
		CU_ASSERT(rte_eth_dev_rx_intr_enable(lab.port, 1) == 0);
		CU_ASSERT(rte_epoll_wait(RTE_EPOLL_PER_THREAD, &e, 1, 10) == 0);
		give(&lab, 1, 1);
		CU_ASSERT(rte_epoll_wait(RTE_EPOLL_PER_THREAD, &e, 1, 1000) == 1);
		CU_ASSERT(rte_eth_dev_rx_intr_disable(lab.port, 1) == 0);
		CU_ASSERT(receive(&lab, 1) == 1);
		/* Not armed: not woken. */
		give(&lab, 1, 1);
		CU_ASSERT(rte_epoll_wait(RTE_EPOLL_PER_THREAD, &e, 1, 10) == 0);
		/* What came before is seen when it is armed again. */
		CU_ASSERT(rte_eth_dev_rx_intr_enable(lab.port, 1) == 0);
		CU_ASSERT(rte_epoll_wait(RTE_EPOLL_PER_THREAD, &e, 1, 1000) == 1);
		CU_ASSERT(receive(&lab, 1) == 1);
		CU_ASSERT(rte_eth_dev_rx_intr_disable(lab.port, 1) == 0);
	}
	eth_lab_end(&lab);
}

/* A sleeper over the end of its back end is woken when there is a new one. */
static void intr__over_a_loss(void)
{
	struct rte_epoll_event e;
	struct eth_lab lab;

	intr_lab(&lab);
	CU_ASSERT(rte_eth_dev_rx_intr_enable(lab.port, 1) == 0);
	scripted_die(lab.s);
	CU_ASSERT(eth_lab_link(&lab, false));
	scripted_return(lab.s);
	CU_ASSERT(rte_epoll_wait(RTE_EPOLL_PER_THREAD, &e, 1, 3000) == 1);
	CU_ASSERT(eth_lab_link(&lab, true));
	CU_ASSERT(rte_eth_dev_rx_intr_enable(lab.port, 1) == 0);
	give(&lab, 1, 1);
	CU_ASSERT(rte_epoll_wait(RTE_EPOLL_PER_THREAD, &e, 1, 1000) == 1);
	CU_ASSERT(receive(&lab, 1) == 1);
	eth_lab_end(&lab);
}

static void intr__without_descriptors(void)
{
	struct rte_eth_conf conf = { .intr_conf.rxq = 1 };
	struct eth_lab lab;

	eth_lab_create(&lab, 1, NULL);
	lab.s->flags &= ~VNIC_TRANSPORT_RX_FD;
	scripted_attach(lab.s, lab.d);
	CU_ASSERT_FATAL(eth_lab_probe(&lab) == 0);
	CU_ASSERT(eth_lab_configure(&lab, 1, 64, &conf) == -ENOTSUP);
	eth_lab_end(&lab);
}

static const struct test_case cases[] = {
	TEST_CASE(setup__limits_as_told),
	TEST_CASE(setup__packed_of_any_size),
	TEST_CASE(setup__buffers),
	TEST_CASE(setup__threshold),
	TEST_CASE(queue__stop_and_start),
	TEST_CASE(queue__deferred),
	TEST_CASE(fault__cured_by_queue_reset),
	TEST_CASE(fault__takes_a_device_reset),
	TEST_CASE(queue__reset_never_ends),
	TEST_CASE(ring__count_and_status),
	TEST_CASE(ring__transmit_status),
	TEST_CASE(intr__wakes),
	TEST_CASE(intr__over_a_loss),
	TEST_CASE(intr__without_descriptors),
};
TEST_MAIN("virtio_ethdev_queue", cases)
