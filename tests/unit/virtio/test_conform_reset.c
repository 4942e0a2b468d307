/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues reset one by one while others carry traffic: items 49 to 53 of doc/compliance-virtio.md. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/test.h"
#include "tests/unit/virtio/port_lab.h"

#define R(f) VIRTIO_BIT(VIRTIO_F_##f)

static const uint64_t layouts[] = { R(RING_PACKED) | R(IN_ORDER), R(RING_PACKED), R(IN_ORDER), 0 };

static void open_pairs(struct port_lab *l, uint64_t hidden)
{
	struct vnicd_nic_conf conf = scripted_conf(2);

	port_new(l, &conf);
	l->s->hide_features = hidden;
	CU_ASSERT_FATAL(port_probe(l, NULL) == 0);
	l->queues = 2;
	l->rx_desc = l->tx_desc = 64;
	CU_ASSERT_FATAL(port_start(l) == 0);
}

/* Frames numbered in their first four octets of payload. */
static void number(uint8_t *b, uint32_t n)
{
	memset(b, 0xff, 6);
	memset(b + 6, 2, 6);
	memset(b + 12, 0x88, 48);
	memcpy(b + 20, &n, sizeof(n));
}

static bool send_number(struct port_lab *l, uint16_t queue, uint32_t n)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(l->mp);
	char *at = m != NULL ? rte_pktmbuf_append(m, 60) : NULL;

	CU_ASSERT_FATAL(at != NULL);
	if (at != NULL)
		number((uint8_t *)at, n);
	return port_send(l, queue, m);
}

/* The next number the device takes from a queue; -1: none. */
static int64_t take_number(struct port_lab *l, uint16_t queue)
{
	uint8_t b[60];
	uint32_t n;

	if (scripted_take(l->s, queue, NULL, b, sizeof(b)) != 60)
		return -1;
	memcpy(&n, b + 20, sizeof(n));
	return n;
}

static int64_t recv_number(struct port_lab *l, uint16_t queue)
{
	struct rte_mbuf *m = port_recv(l, queue);
	uint32_t n;

	if (m == NULL)
		return -1;
	memcpy(&n, rte_pktmbuf_mtod_offset(m, const void *, 20), sizeof(n));
	rte_pktmbuf_free(m);
	return n;
}

struct flow {
	uint32_t sent, next, lost; /* next: number expected; numbers only grow */
};

static void arrived(struct flow *f, int64_t n)
{
	CU_ASSERT(n >= f->next && n < f->sent);
	f->lost += (uint32_t)n - f->next;
	f->next = (uint32_t)n + 1;
}

/* A burst each way on both queues; what the device has not taken of the transmit rings stays. */
static void turn(struct port_lab *l, struct flow tx[2], struct flow rx[2])
{
	uint8_t b[60];
	int64_t n;

	for (uint16_t q = 0; q < 2; q++) {
		for (unsigned i = 0; i < 5; i++) {
			tx[q].sent += send_number(l, q, tx[q].sent);
			number(b, rx[q].sent);
			rx[q].sent += scripted_give(l->s, q, NULL, b, sizeof(b)) == 0;
		}
		for (unsigned i = 0; i < 4 && (n = take_number(l, q)) >= 0; i++)
			arrived(&tx[q], n);
	}
	scripted_flush(l->s);
	for (uint16_t q = 0; q < 2; q++)
		for (unsigned i = 0; i < 4 && (n = recv_number(l, q)) >= 0; i++)
			arrived(&rx[q], n);
}

static void finish(struct port_lab *l, struct flow tx[2], struct flow rx[2])
{
	int64_t n;

	for (uint16_t q = 0; q < 2; q++) {
		while ((n = take_number(l, q)) >= 0)
			arrived(&tx[q], n);
		scripted_flush(l->s);
		while ((n = recv_number(l, q)) >= 0)
			arrived(&rx[q], n);
	}
}

/* Queue 0 is reset again and again: it loses what was in the device's hands, in order and nothing
 * twice; queue 1 loses nothing. */
static void run_resets(uint64_t hidden, bool tx_side)
{
	struct flow tx[2] = { { 0 } }, rx[2] = { { 0 } };
	struct port_lab l;

	open_pairs(&l, hidden);
	for (unsigned i = 0; i < 500; i++) {
		turn(&l, tx, rx);
		turn(&l, tx, rx);
		if (tx_side) {
			/* Stopping waits for what was sent: the device takes it, as it goes on by itself. */
			while (scripted_waiting(l.s, 1) > i % 3)
				arrived(&tx[0], take_number(&l, 0));
			if (i % 250 != 100) /* those that are left cost the grace of a stop */
				while (scripted_waiting(l.s, 1) > 0)
					arrived(&tx[0], take_number(&l, 0));
			scripted_flush(l.s);
			CU_ASSERT(rte_eth_dev_tx_queue_stop(l.port, 0) == 0);
			CU_ASSERT(l.d->txq[0]->posted == l.d->txq[0]->done);
			CU_ASSERT(l.d->txq[0]->posted_bytes == l.d->txq[0]->done_bytes);
			turn(&l, tx, rx);
			CU_ASSERT(rte_eth_dev_tx_queue_start(l.port, 0) == 0);
		} else {
			CU_ASSERT(rte_eth_dev_rx_queue_stop(l.port, 0) == 0);
			turn(&l, tx, rx);
			CU_ASSERT(rte_eth_dev_rx_queue_start(l.port, 0) == 0);
		}
	}
	finish(&l, tx, rx);
	CU_ASSERT(l.s->queue_resets == 500);
	CU_ASSERT(tx[1].lost == 0 && tx[1].next == tx[1].sent && tx[1].sent > 5000);
	CU_ASSERT(rx[1].lost == 0 && rx[1].next == rx[1].sent && rx[1].sent > 5000);
	CU_ASSERT(tx_side ? rx[0].lost == 0 : tx[0].lost == 0);
	/* 1 at the 100th, 2 at the 350th. */
	CU_ASSERT(!tx_side || (tx[0].lost == 3 && port_xstat(&l, "tx_q0_reset_lost") == 3));
	CU_ASSERT((tx_side ? tx[0].next : rx[0].next) > 2000);
	port_close(&l);
}

static void reset__one_queue_under_traffic(void)
{
	for (unsigned k = 0; k < RTE_DIM(layouts); k++) {
		run_resets(layouts[k], false);
		run_resets(layouts[k], true);
	}
}

/* A reset that does not end: the device may still write, so that it counts as broken until it is reset. */
static void reset__never_ends(void)
{
	struct port_lab l;

	for (unsigned k = 0; k < RTE_DIM(layouts); k++) {
		open_pairs(&l, layouts[k]);
		l.s->reset_never = true;
		CU_ASSERT((k & 1 ? rte_eth_dev_rx_queue_stop(l.port, 0) : rte_eth_dev_tx_queue_stop(l.port, 0)) ==
			  -ETIMEDOUT);
		CU_ASSERT(port_event(&l, RTE_ETH_EVENT_INTR_RESET, 1));
		for (uint16_t q = 0; q < 2; q++)
			CU_ASSERT(port_recv(&l, q) == NULL && !port_send(&l, q, port_frame(&l, 1, 60, 0)));
		CU_ASSERT(rte_mempool_avail_count(l.mp) < PORT_MBUFS); /* they are the device's */
		l.s->reset_never = false;
		CU_ASSERT(rte_eth_dev_stop(l.port) == 0 && rte_eth_dev_reset(l.port) == 0);
		CU_ASSERT(rte_mempool_avail_count(l.mp) == PORT_MBUFS);
		CU_ASSERT(port_start(&l) == 0 && port_works(&l, 0) && port_works(&l, 1));
		port_close(&l);
	}
}

/* Without the feature a queue is paused: ring and buffers stay, and go on. */
static void reset__paused_where_there_is_none(void)
{
	struct flow tx[2] = { { 0 } }, rx[2] = { { 0 } };
	struct port_lab l;

	for (unsigned k = 0; k < RTE_DIM(layouts); k++) {
		open_pairs(&l, layouts[k] | R(RING_RESET));
		memset(tx, 0, sizeof(tx));
		memset(rx, 0, sizeof(rx));
		for (unsigned i = 0; i < 100; i++) {
			turn(&l, tx, rx);
			CU_ASSERT(rte_eth_dev_rx_queue_stop(l.port, 0) == 0);
			turn(&l, tx, rx);
			CU_ASSERT(rte_eth_dev_rx_queue_start(l.port, 0) == 0);
		}
		finish(&l, tx, rx);
		CU_ASSERT(l.s->queue_resets == 0);
		for (uint16_t q = 0; q < 2; q++)
			CU_ASSERT(rx[q].lost == 0 && rx[q].next == rx[q].sent && tx[q].lost == 0);
		port_close(&l);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(reset__one_queue_under_traffic),
	TEST_CASE(reset__never_ends),
	TEST_CASE(reset__paused_where_there_is_none),
};
TEST_MAIN("conform_reset", cases)
