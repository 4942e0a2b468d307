/* SPDX-License-Identifier: BSD-3-Clause */
/* The transmit stage over a ring port: what it takes, in which order, and what
 * happens when it does not. */
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_malloc.h>

#include "app/smcgate/pipeline/lcore.h"
#include "app/smcgate/pipeline/pipeline_impl.h"
#include "tests/unit/pipeline/frame.h"
#include "tests/unit/test.h"

#define RING_ROOM 1023 /* frames a net_ring holds */

static struct rte_mempool *mp;
static struct pipeline *pl;
static struct lcore *lc;
static uint16_t ring;

static void start(void)
{
	struct rte_eth_conf conf = { 0 };

	if (lc == NULL) {
		test_eal_init();
		CU_ASSERT_EQUAL_FATAL(rte_dev_probe("net_ring0"), 0);
		CU_ASSERT_EQUAL_FATAL(rte_eth_dev_get_port_by_name("net_ring0", &ring), 0);
		mp = frame_pool("tx", 4095);
		CU_ASSERT_EQUAL_FATAL(rte_eth_dev_configure(ring, 1, 1, &conf), 0);
		CU_ASSERT_EQUAL_FATAL(rte_eth_rx_queue_setup(ring, 0, 512, 0, NULL, mp), 0);
		CU_ASSERT_EQUAL_FATAL(rte_eth_tx_queue_setup(ring, 0, 512, 0, NULL), 0);
		CU_ASSERT_EQUAL_FATAL(rte_eth_dev_start(ring), 0);
		pl = rte_zmalloc(NULL, sizeof(*pl), RTE_CACHE_LINE_SIZE);
		lc = rte_zmalloc(NULL, sizeof(*lc), RTE_CACHE_LINE_SIZE);
	}
	memset(lc, 0, sizeof(*lc));
	lc->pl = pl;
	lc->n_ports = 1;
	lc->mem.header = lc->mem.indirect = mp;
	lc->now_us = 1000;
	lc->tx[0] = (struct tx_port){ .id = ring, .via = -1, .on = true };
}

/* A frame whose first octet is mark. */
static void queue(uint8_t mark, enum net_tx_class cls)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp);

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	*(uint8_t *)rte_pktmbuf_append(m, 60) = mark;
	tx_enqueue(lc, &lc->tx[0], m, cls);
}

/* Take frames off the ring and free them; returns how many, marks in out. */
static unsigned drain(uint8_t *out, unsigned max)
{
	struct rte_mbuf *m;
	unsigned n = 0;

	while (n < max && rte_eth_rx_burst(ring, 0, &m, 1) == 1) {
		if (out != NULL)
			out[n] = *rte_pktmbuf_mtod(m, uint8_t *);
		rte_pktmbuf_free(m);
		n++;
	}
	return n;
}

static void finish(void)
{
	drain(NULL, 100000);
	tx_purge(lc, &lc->tx[0], PDROP_TX_STOPPED);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(mp), 0);
}

static void tx_flush__control_first(void)
{
	uint8_t got[4];

	start();
	queue(1, NET_TX_DATA);
	queue(2, NET_TX_CONTROL);
	queue(3, NET_TX_DATA);
	queue(4, NET_TX_CONTROL);
	CU_ASSERT_EQUAL(tx_flush(lc, &lc->tx[0]), 4);
	CU_ASSERT_EQUAL(drain(got, 4), 4);
	CU_ASSERT_EQUAL(memcmp(got, (uint8_t[]){ 2, 4, 1, 3 }, 4), 0);
	CU_ASSERT_EQUAL(lc->stats.tx_packets, 4);
	CU_ASSERT_EQUAL(lc->stats.tx_bytes, 240);
	finish();
}

static struct rte_mbuf *one_frame(void)
{
	struct rte_mbuf *m = NULL;

	CU_ASSERT_EQUAL_FATAL(rte_eth_rx_burst(ring, 0, &m, 1), 1);
	return m;
}

/* Checksums are filled in and chains made one buffer, where the port does neither; what needs nothing is the
 * same buffer. */
static void tx_flush__finishes_frames(void)
{
	struct rte_mbuf *plain, *chain, *sum, *m;
	struct rte_ipv4_hdr *ip;

	start();
	plain = rte_pktmbuf_alloc(mp);
	chain = rte_pktmbuf_alloc(mp);
	sum = rte_pktmbuf_alloc(mp);
	CU_ASSERT_FATAL(plain != NULL && chain != NULL && sum != NULL);
	memset(rte_pktmbuf_append(plain, 60), 1, 60);
	memset(rte_pktmbuf_append(chain, 40), 2, 40);
	m = rte_pktmbuf_alloc(mp);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	memset(rte_pktmbuf_append(m, 20), 3, 20);
	CU_ASSERT_EQUAL(rte_pktmbuf_chain(chain, m), 0);
	memset(rte_pktmbuf_append(sum, 60), 0, 60);
	sum->l2_len = RTE_ETHER_HDR_LEN;
	sum->l3_len = sizeof(*ip);
	sum->l4_len = sizeof(struct rte_tcp_hdr);
	sum->ol_flags = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
	*rte_pktmbuf_mtod_offset(sum, uint8_t *, RTE_ETHER_HDR_LEN) = RTE_IPV4_VHL_DEF;
	tx_enqueue(lc, &lc->tx[0], plain, NET_TX_DATA);
	tx_enqueue(lc, &lc->tx[0], chain, NET_TX_DATA);
	tx_enqueue(lc, &lc->tx[0], sum, NET_TX_DATA);
	CU_ASSERT_EQUAL(tx_flush(lc, &lc->tx[0]), 3);
	m = one_frame();
	CU_ASSERT_PTR_EQUAL(m, plain);
	rte_pktmbuf_free(m);
	m = one_frame();
	CU_ASSERT(m->nb_segs == 1 && m->pkt_len == 60);
	CU_ASSERT(rte_pktmbuf_mtod(m, uint8_t *)[39] == 2 && rte_pktmbuf_mtod(m, uint8_t *)[40] == 3);
	rte_pktmbuf_free(m);
	m = one_frame();
	ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
	CU_ASSERT(ip->hdr_checksum != 0 && (m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) == 0);
	rte_pktmbuf_free(m);
	finish();
}

/* Frames that the ring has no room for. */
static void fill_ring(unsigned leave)
{
	for (unsigned n = RING_ROOM - leave; n > 0;) {
		unsigned now = RTE_MIN(n, (unsigned)TX_DATA_MAX);

		for (unsigned i = 0; i < now; i++)
			queue(0, NET_TX_DATA);
		CU_ASSERT_EQUAL(tx_flush(lc, &lc->tx[0]), now);
		n -= now;
	}
}

static void tx_flush__keeps_what_the_port_refuses(void)
{
	struct tx_port *tp;
	uint8_t got[6];

	start();
	tp = &lc->tx[0];
	fill_ring(2);
	for (uint8_t i = 1; i <= 4; i++)
		queue(i, NET_TX_DATA);
	CU_ASSERT_EQUAL(tx_flush(lc, tp), 2);
	CU_ASSERT_TRUE(tx_backlog(lc));
	CU_ASSERT_EQUAL(lc->stats.tx_partial, 1);
	queue(9, NET_TX_CONTROL); /* overtakes the data left over */
	CU_ASSERT_EQUAL(drain(NULL, RING_ROOM - 2), RING_ROOM - 2);
	CU_ASSERT_EQUAL(tx_flush(lc, tp), 3);
	CU_ASSERT_FALSE(tx_backlog(lc));
	CU_ASSERT_EQUAL(drain(got, 6), 5);
	CU_ASSERT_EQUAL(memcmp(got, (uint8_t[]){ 1, 2, 9, 3, 4 }, 5), 0);
	finish();
}

static void tx_room__shrinks_and_returns(void)
{
	start();
	CU_ASSERT_EQUAL(tx_room(&lc->tx[0]), TX_DATA_MAX);
	queue(0, NET_TX_DATA);
	CU_ASSERT_EQUAL(tx_room(&lc->tx[0]), TX_DATA_MAX - 1);
	lc->tx[0].bytes = TX_DATA_BYTES;
	CU_ASSERT_EQUAL(tx_room(&lc->tx[0]), 0);
	lc->tx[0].bytes = 60;
	tx_flush(lc, &lc->tx[0]);
	CU_ASSERT_EQUAL(lc->tx[0].bytes, 0);
	fill_ring(1); /* one frame is in it already */
	for (unsigned i = 0; i < TX_BURST; i++)
		queue(0, NET_TX_DATA);
	tx_flush(lc, &lc->tx[0]);
	CU_ASSERT_EQUAL(tx_room(&lc->tx[0]), 0);
	finish();
}

static void tx_enqueue__drops_beyond_its_bound(void)
{
	start();
	for (unsigned i = 0; i < TX_DATA_MAX + 3; i++)
		queue(0, NET_TX_DATA);
	for (unsigned i = 0; i < TX_CONTROL_MAX + 2; i++)
		queue(0, NET_TX_CONTROL);
	CU_ASSERT_EQUAL(lc->stats.drop[PDROP_TX_QUEUE], 5);
	finish();
}

static void tx_enqueue__drops_for_a_stopped_port(void)
{
	start();
	lc->tx[0].on = false;
	queue(0, NET_TX_DATA);
	queue(0, NET_TX_CONTROL);
	CU_ASSERT_EQUAL(lc->stats.drop[PDROP_TX_STOPPED], 2);
	finish();
}

static void tx_flush__gives_up_on_a_stuck_port(void)
{
	start();
	fill_ring(0);
	queue(1, NET_TX_DATA);
	queue(2, NET_TX_CONTROL);
	tx_flush(lc, &lc->tx[0]);
	lc->now_us += TX_STUCK_US;
	tx_flush(lc, &lc->tx[0]);
	CU_ASSERT_EQUAL(lc->stats.drop[PDROP_TX_QUEUE], 0);
	lc->now_us++;
	tx_flush(lc, &lc->tx[0]);
	CU_ASSERT_EQUAL(lc->stats.drop[PDROP_TX_QUEUE], 2);
	CU_ASSERT_FALSE(tx_backlog(lc));
	finish();
}

static uint16_t longest_burst;

static uint16_t see_burst(uint16_t port, uint16_t q, struct rte_mbuf **pkts, uint16_t n, void *ctx)
{
	longest_burst = RTE_MAX(longest_burst, n);
	return n;
}

/* A port that copies gets what it can take while it lies in the cache, in order and all of it. */
static void tx_flush__few_at_a_time_for_a_port_that_copies(void)
{
	static const unsigned want[] = { 100, TX_BURST_COPIED };
	const struct rte_eth_rxtx_callback *cb;
	uint8_t got[101];

	start();
	cb = rte_eth_add_tx_callback(ring, 0, see_burst, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(cb);
	for (unsigned copies = 0; copies < 2; copies++) {
		lc->tx[0].copies = copies;
		longest_burst = 0;
		for (unsigned i = 0; i < 100; i++)
			queue((uint8_t)i, NET_TX_DATA);
		CU_ASSERT_EQUAL(tx_flush(lc, &lc->tx[0]), 100);
		CU_ASSERT_EQUAL(longest_burst, want[copies]);
		CU_ASSERT_EQUAL(drain(got, 101), 100);
		for (unsigned i = 0; i < 100; i++)
			CU_ASSERT_EQUAL(got[i], i);
	}
	CU_ASSERT_EQUAL(rte_eth_remove_tx_callback(ring, 0, cb), 0);
	finish();
}

/* A super-segment that is cut into k frames; the first one's number is in its sequence number. */
static void queue_super(uint32_t first, unsigned k)
{
	const uint32_t hdr = sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_tcp_hdr);
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp);
	struct rte_ipv4_hdr *ip;
	struct rte_tcp_hdr *tcp;

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	memset(rte_pktmbuf_append(m, (uint16_t)(hdr + k)), 0, hdr + k);
	m->l2_len = sizeof(struct rte_ether_hdr);
	m->l3_len = sizeof(*ip);
	m->l4_len = sizeof(*tcp);
	m->tso_segsz = 1;
	m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IP_CKSUM;
	ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, m->l2_len);
	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->next_proto_id = IPPROTO_TCP;
	tcp = (struct rte_tcp_hdr *)(ip + 1);
	tcp->sent_seq = rte_cpu_to_be_32(first);
	tcp->data_off = 5 << 4;
	tx_enqueue(lc, &lc->tx[0], m, NET_TX_DATA);
}

static uint32_t next_seq;
static unsigned odd_bursts;

/* Frames in order; bursts that are not a multiple of those copied together. */
static uint16_t see_order(uint16_t port, uint16_t q, struct rte_mbuf **pkts, uint16_t n, void *ctx)
{
	for (uint16_t i = 0; i < n; i++) {
		const struct rte_tcp_hdr *tcp = rte_pktmbuf_mtod_offset(
			pkts[i], const struct rte_tcp_hdr *, sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr));

		CU_ASSERT_EQUAL(rte_be_to_cpu_32(tcp->sent_seq), next_seq);
		next_seq++;
	}
	odd_bursts += n % TX_COPIED_TOGETHER != 0;
	return n;
}

/* What is over of a super-segment's frames goes with the next one's; at the end all of it. */
static void tx_flush__whole_groups_for_a_port_that_copies(void)
{
	const struct rte_eth_rxtx_callback *cb;

	start();
	cb = rte_eth_add_tx_callback(ring, 0, see_order, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(cb);
	for (unsigned copies = 0; copies < 2; copies++) {
		lc->tx[0].copies = copies;
		for (unsigned k = 1; k <= 61; k += 3) {
			next_seq = odd_bursts = 0;
			for (unsigned i = 0; i < 7; i++)
				queue_super(i * k, k);
			CU_ASSERT_EQUAL(tx_flush(lc, &lc->tx[0]), 7 * k);
			CU_ASSERT_EQUAL(next_seq, 7 * k);
			CU_ASSERT_EQUAL(lc->tx[0].n_out, 0);
			if (copies)
				CU_ASSERT_EQUAL(odd_bursts, 7 * k % TX_COPIED_TOGETHER != 0);
			CU_ASSERT_EQUAL(drain(NULL, 1000), 7 * k);
		}
	}
	CU_ASSERT_EQUAL(rte_eth_remove_tx_callback(ring, 0, cb), 0);
	finish();
}

/* Without a queue of its own a worker hands frames, finished, to the one that has it. */
static void tx_flush__by_way_of_another_worker(void)
{
	struct lcore *other;
	uint8_t got[2];

	start();
	other = rte_zmalloc(NULL, sizeof(*other), RTE_CACHE_LINE_SIZE);
	CU_ASSERT_EQUAL_FATAL(exchange_create(&pl->exchange, 2), 0);
	*other = *lc;
	other->index = 1;
	lc->workers = other->workers = 2;
	other->tx[0].via = 0;
	lc->tx[0].port = 0;
	for (unsigned i = 0; i < 2; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(mp);

		*(uint8_t *)rte_pktmbuf_append(m, 60) = (uint8_t)i;
		tx_enqueue(other, &other->tx[0], m, i == 0 ? NET_TX_DATA : NET_TX_CONTROL);
	}
	CU_ASSERT_EQUAL(tx_flush(other, &other->tx[0]), 2);
	CU_ASSERT_EQUAL(other->wake[0], 1);
	CU_ASSERT_TRUE(exchange_pending(lc));
	CU_ASSERT_EQUAL(exchange_receive(lc), 2);
	CU_ASSERT_FALSE(exchange_pending(lc));
	CU_ASSERT_EQUAL(tx_flush(lc, &lc->tx[0]), 2);
	CU_ASSERT_EQUAL(drain(got, 2), 2);
	CU_ASSERT_EQUAL(got[0], 1); /* control first */
	exchange_destroy(&pl->exchange);
	rte_free(other);
	finish();
}

/* Full rings lose nothing without counting it, and leak nothing. */
/* A driver that tells what came back. */
static struct vnic_tx_progress device;

static int tell(uint16_t port, uint16_t q, bool reclaim, struct vnic_tx_progress *out)
{
	*out = device;
	out->posted_bytes = lc->stats.tx_bytes;
	return 0;
}

/* One full frame of a flow, told apart by its addresses. */
static void queue_flow(uint8_t flow, uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp);
	uint8_t *p;

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	p = (uint8_t *)rte_pktmbuf_append(m, len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	memset(p, 0, len);
	p[0] = flow;
	p[14] = 0x45;
	p[29] = flow;
	tx_enqueue(lc, &lc->tx[0], m, NET_TX_DATA);
}

static void tx_flush__no_more_with_the_device_than_its_limit(void)
{
	struct tx_port *tp = &lc->tx[0];
	unsigned sent;
	uint8_t got[8];

	start();
	device = (struct vnic_tx_progress){ 0 };
	CU_ASSERT_EQUAL_FATAL(tx_limit(tp, tell, lc->now_us, 0), 0);
	for (unsigned i = 0; i < 20; i++)
		queue_flow(1, 1514);
	sent = tx_flush(lc, tp);
	CU_ASSERT_EQUAL(sent, 3); /* 3028 octets, and what crosses them */
	CU_ASSERT_EQUAL(tp->n_data, 17);
	CU_ASSERT_TRUE(tx_backlog(lc));
	CU_ASSERT_EQUAL(drain(NULL, 100), 3);
	CU_ASSERT_EQUAL(tx_flush(lc, tp), 0); /* nothing came back */
	/* It ran dry while more was waiting: the limit grows. An ACK and another
	 * flow go before what still waits. */
	device.done_bytes = 3 * 1514;
	queue_flow(2, 100);
	queue(9, NET_TX_CONTROL);
	CU_ASSERT_TRUE(tx_flush(lc, tp) >= 3);
	CU_ASSERT_TRUE(tp->bql.grown != 0);
	CU_ASSERT_TRUE(drain(got, 8) >= 3);
	CU_ASSERT_EQUAL(got[0], 9);
	CU_ASSERT_TRUE(got[1] == 2 || got[2] == 2 || got[3] == 2);
	/* A device that gives nothing back for long loses what waits. */
	lc->now_us += TX_STUCK_US + 1;
	tx_flush(lc, tp);
	CU_ASSERT_EQUAL(tp->n_data, 0);
	CU_ASSERT_TRUE(lc->stats.drop[PDROP_TX_QUEUE] != 0);
	finish();
	tx_fini(tp);
}

/* A reset gives up what was with the device: what waits here goes on at once, and the
 * limit does not take the jump for speed. */
static void tx_flush__goes_on_after_a_reset_of_the_queue(void)
{
	struct tx_port *tp = &lc->tx[0];
	uint32_t limit;

	start();
	device = (struct vnic_tx_progress){ 0 };
	CU_ASSERT_EQUAL_FATAL(tx_limit(tp, tell, lc->now_us, 0), 0);
	limit = tp->bql.limit;
	for (unsigned i = 0; i < 8; i++)
		queue_flow(1, 1514);
	CU_ASSERT_EQUAL(tx_flush(lc, tp), 3);
	CU_ASSERT_EQUAL(tp->n_data, 5);
	device.done_bytes = lc->stats.tx_bytes;
	device.lost = 3;
	CU_ASSERT_EQUAL(tx_flush(lc, tp), 3);
	CU_ASSERT_EQUAL(tp->n_data, 2);
	CU_ASSERT_EQUAL(tp->bql.limit, limit);
	CU_ASSERT_EQUAL(lc->stats.drop[PDROP_TX_QUEUE], 0);
	finish();
	tx_fini(tp);
}

/* What waits for a stopped queue stays, for a while; its driver is not asked. */
static void tx_flush__holds_back_for_a_stopped_queue(void)
{
	struct tx_port *tp = &lc->tx[0];

	start();
	queue(1, NET_TX_DATA);
	queue(2, NET_TX_CONTROL);
	tp->halted = true;
	CU_ASSERT_EQUAL(tx_flush(lc, tp), 0);
	CU_ASSERT_TRUE(tx_backlog(lc));
	CU_ASSERT_EQUAL(drain(NULL, 10), 0);
	lc->now_us += TX_STUCK_US;
	CU_ASSERT_EQUAL(tx_flush(lc, tp), 0);
	tp->halted = false;
	CU_ASSERT_EQUAL(tx_flush(lc, tp), 2);
	CU_ASSERT_FALSE(tx_backlog(lc));
	CU_ASSERT_EQUAL(drain(NULL, 10), 2);
	tp->halted = true;
	queue(3, NET_TX_DATA);
	CU_ASSERT_EQUAL(tx_flush(lc, tp), 0);
	lc->now_us += TX_STUCK_US + 1;
	CU_ASSERT_EQUAL(tx_flush(lc, tp), 0);
	CU_ASSERT_EQUAL(lc->stats.drop[PDROP_TX_QUEUE], 1);
	CU_ASSERT_FALSE(tx_backlog(lc));
	finish();
}

static void exchange_packet__bounded(void)
{
	struct lcore *other;
	unsigned n = 0;

	start();
	other = rte_zmalloc(NULL, sizeof(*other), RTE_CACHE_LINE_SIZE);
	CU_ASSERT_EQUAL_FATAL(exchange_create(&pl->exchange, 2), 0);
	lc->workers = 2;
	for (;;) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(mp);

		if (!exchange_packet(lc, 1, m, EXCHANGE_FRAME)) {
			rte_pktmbuf_free(m);
			break;
		}
		n++;
	}
	CU_ASSERT_EQUAL(n, 1023);
	for (unsigned i = 0; i < 300; i++) {
		struct exchange_msg msg = { .type = MSG_PMTU };

		exchange_message(lc, 1, &msg);
	}
	CU_ASSERT_EQUAL(lc->stats.drop[PDROP_MSG_RING], 300 - 255);
	exchange_destroy(&pl->exchange); /* frees what was under way */
	rte_free(other);
	finish();
}

static const struct test_case cases[] = {
	TEST_CASE(tx_flush__control_first),
	TEST_CASE(tx_flush__finishes_frames),
	TEST_CASE(tx_flush__keeps_what_the_port_refuses),
	TEST_CASE(tx_room__shrinks_and_returns),
	TEST_CASE(tx_enqueue__drops_beyond_its_bound),
	TEST_CASE(tx_enqueue__drops_for_a_stopped_port),
	TEST_CASE(tx_flush__gives_up_on_a_stuck_port),
	TEST_CASE(tx_flush__few_at_a_time_for_a_port_that_copies),
	TEST_CASE(tx_flush__whole_groups_for_a_port_that_copies),
	TEST_CASE(tx_flush__by_way_of_another_worker),
	TEST_CASE(tx_flush__no_more_with_the_device_than_its_limit),
	TEST_CASE(tx_flush__goes_on_after_a_reset_of_the_queue),
	TEST_CASE(tx_flush__holds_back_for_a_stopped_queue),
	TEST_CASE(exchange_packet__bounded),
};
TEST_MAIN("pipeline_tx", cases)
