/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports of devices that break the rules, hang, vanish: items 15 and 18 to 28 of doc/compliance-virtio.md. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pmd/base/clock.h"
#include "tests/unit/test.h"
#include "tests/unit/virtio/port_lab.h"

#define R(f) VIRTIO_BIT(VIRTIO_F_##f)
#define NET(f) VIRTIO_BIT(VIRTIO_NET_F_##f)

static const uint64_t layouts[] = { R(RING_PACKED) | R(IN_ORDER), R(RING_PACKED), R(IN_ORDER), 0 };

static void open_pairs(struct port_lab *l, uint64_t hidden, const char *args)
{
	struct vnicd_nic_conf conf = scripted_conf(2);

	port_new(l, &conf);
	l->s->hide_features = hidden;
	CU_ASSERT_FATAL(port_probe(l, args) == 0);
	l->queues = 2;
	CU_ASSERT_FATAL(port_start(l) == 0);
}

/* After a reset of the device everything is as new. */
static void mended(struct port_lab *l)
{
	CU_ASSERT(rte_eth_dev_stop(l->port) == 0);
	CU_ASSERT(rte_eth_dev_reset(l->port) == 0);
	CU_ASSERT(port_start(l) == 0);
	for (uint16_t q = 0; q < l->queues; q++)
		CU_ASSERT(port_works(l, q));
}

/* ---- 15, 18 to 20: used entries ------------------------------------------------------------- */
static const struct {
	enum vnicd_ring_lie lie;
	bool in_order_only, rx_only;
} lies[] = {
	{ VNICD_LIE_ID_RANGE, false, false }, { VNICD_LIE_ID_IDLE, false, false },
	{ VNICD_LIE_ID_TWICE, false, false },
	{ VNICD_LIE_IDX_JUMP, false, false },
	/* Of packets sent the count says enough: which of those that are out has its name on it changes nothing. */
	{ VNICD_LIE_ORDER, true, true },
};

static void take_all(struct port_lab *l, unsigned but)
{
	uint8_t b[100];

	while (scripted_waiting(l->s, 1) > but && scripted_take(l->s, 0, NULL, b, sizeof(b)) > 0)
		;
}

/* Packets on queue 0 in one direction; times lies from the middle of the third batch on. */
static void traffic(struct port_lab *l, bool tx, enum vnicd_ring_lie lie, unsigned times)
{
	struct vnicd_ring *r = &l->s->nic.queue[tx ? 1 : 0].ring;
	uint8_t b[60];
	struct rte_mbuf *m;

	port_octets(1, b, sizeof(b));
	memset(b, 0xff, 6);
	for (unsigned i = 0; i < 40; i++) {
		for (unsigned n = 0; n < 8; n++) {
			if (tx)
				port_send(l, 0, port_frame(l, i, 60, 0));
			else
				scripted_give(l->s, 0, NULL, b, sizeof(b));
			if (i == 2 && n == 2 && !tx)
				CU_ASSERT(vnicd_ring_lie(r, lie, times) == 0);
		}
		/* In order the first of a batch is surely written and looked at; without, two are the same
		 * only while the driver has not got the first one back. */
		if (i == 2 && tx) {
			take_all(l, r->conf.in_order ? 16 : 14);
			CU_ASSERT(vnicd_ring_lie(r, lie, times) == 0);
		}
		take_all(l, 8); /* some stay out */
		scripted_flush(l->s);
		rte_eth_tx_done_cleanup(l->port, 0, 0);
		while ((m = port_recv(l, 0)) != NULL)
			rte_pktmbuf_free(m);
	}
	take_all(l, 0);
	scripted_flush(l->s);
}

static void run_lie(enum vnicd_ring_lie lie, uint64_t hidden, bool tx)
{
	struct vnic_vq *vq;
	struct port_lab l;

	open_pairs(&l, hidden, NULL);
	vq = tx ? &l.d->txq[0]->vq : &l.d->rxq[0]->vq;
	CU_ASSERT(port_works(&l, 0));
	traffic(&l, tx, lie, 1);
	if (vq->fault == VNIC_FAULT_NONE)
		fprintf(stderr, "%s believed, hidden %#lx, %s\n", vnicd_ring_lie_name(lie), hidden, tx ? "tx" : "rx");
	CU_ASSERT(vq->fault != VNIC_FAULT_NONE);
	CU_ASSERT(l.d->faults[vq->fault] == 1);
	CU_ASSERT(port_event(&l, RTE_ETH_EVENT_QUEUE_STATE, 1));
	/* That queue stands still, the others go on. */
	CU_ASSERT(tx ? !port_send(&l, 0, port_frame(&l, 1, 60, 0)) : port_recv(&l, 0) == NULL);
	CU_ASSERT(port_works(&l, 1));
	mended(&l);
	port_close(&l);
}

static void device__lies_in_used_entries(void)
{
	for (unsigned i = 0; i < RTE_DIM(lies); i++)
		for (unsigned k = 0; k < RTE_DIM(layouts); k++)
			for (unsigned tx = 0; tx < 2; tx++)
				if (!(lies[i].in_order_only && (layouts[k] & R(IN_ORDER))) && !(lies[i].rx_only && tx))
					run_lie(lies[i].lie, layouts[k], tx);
}

/* The queue alone is mended too, where the device can reset one. */
static void device__lies_and_one_queue_is_reset(void)
{
	struct port_lab l;

	for (unsigned k = 0; k < RTE_DIM(layouts); k++) {
		open_pairs(&l, layouts[k], NULL);
		traffic(&l, false, VNICD_LIE_ID_RANGE, 1);
		CU_ASSERT(l.d->rxq[0]->vq.fault == VNIC_FAULT_USED_ID);
		CU_ASSERT(rte_eth_dev_rx_queue_stop(l.port, 0) == 0);
		CU_ASSERT(rte_eth_dev_rx_queue_start(l.port, 0) == 0);
		CU_ASSERT(l.s->queue_resets == 1);
		CU_ASSERT(port_works(&l, 0) && port_works(&l, 1));
		port_close(&l);
	}
}

/* ---- 21 to 26: lengths and headers ---------------------------------------------------------- */
static void device__lengths_of_transmit_mean_nothing(void)
{
	struct port_lab l;

	for (unsigned k = 0; k < RTE_DIM(layouts); k++) {
		open_pairs(&l, layouts[k], NULL);
		traffic(&l, true, VNICD_LIE_LEN_HUGE, 100);
		CU_ASSERT(l.d->txq[0]->vq.fault == VNIC_FAULT_NONE && port_works(&l, 0));
		CU_ASSERT(port_event(&l, RTE_ETH_EVENT_QUEUE_STATE, 0));
		port_close(&l);
	}
}

struct bad_packet {
	const char *what;
	struct vnic_net_hdr hdr;
	uint32_t len;          /* of the packet */
	int32_t more;          /* claimed beyond header and packet */
	bool good;
	const char *drop;      /* its counter */
};
static const struct bad_packet packets[] = {
	{ "nothing wrong", { .num_buffers = 1 }, 100, 0, true, NULL },
	{ "length 0", { .num_buffers = 1 }, 100, -112, false, "rx_q0_drop_rx_short" },
	{ "shorter than the header", { .num_buffers = 1 }, 100, -101, false, "rx_q0_drop_rx_short" },
	{ "no buffer", { .num_buffers = 0 }, 100, 0, false, "rx_q0_drop_rx_num_buffers" },
	{ "more buffers than there are", { .num_buffers = 300 }, 100, 0, false, "rx_q0_drop_rx_num_buffers" },
	{ "unknown segmentation", { .gso_type = 2, .gso_size = 50, .num_buffers = 1 }, 100, 0, false,
	  "rx_q0_drop_rx_bad_offload_header" },
	{ "segments of 0", { .flags = 1, .csum_start = 34, .csum_offset = 16, .gso_type = 1, .num_buffers = 1 }, 100, 0,
	  false, "rx_q0_drop_rx_bad_offload_header" },
	{ "checksum beyond", { .flags = 1, .csum_start = 90, .csum_offset = 16, .num_buffers = 1 }, 100, 0, false,
	  "rx_q0_drop_rx_bad_offload_header" },
	{ "both tunnels", { .gso_type = 0x61, .gso_size = 50, .num_buffers = 1 }, 100, 0, false,
	  "rx_q0_drop_rx_bad_offload_header" },
};

static void run_packet(const struct bad_packet *c, uint64_t hidden)
{
	uint8_t octets[200] = { 0 };
	struct rte_mbuf *m;
	struct port_lab l;

	port_new(&l, NULL);
	l.s->hide_features = hidden;
	CU_ASSERT_FATAL(port_probe(&l, NULL) == 0);
	l.rx_offloads = RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_LRO | RTE_ETH_RX_OFFLOAD_SCATTER;
	CU_ASSERT_FATAL(port_start(&l) == 0);
	memcpy(octets, &c->hdr, 12);
	port_octets(4, octets + 12, c->len);
	CU_ASSERT(scripted_give_raw(l.s, 0, octets, 12 + c->len, (uint32_t)((int32_t)(12 + c->len) + c->more)) == 0);
	m = port_recv(&l, 0);
	if ((m != NULL) != c->good)
		fprintf(stderr, "%s: %s\n", c->what, m != NULL ? "received" : "dropped");
	CU_ASSERT((m != NULL) == c->good);
	rte_pktmbuf_free(m);
	if (c->drop != NULL)
		CU_ASSERT(port_xstat(&l, c->drop) == 1);
	/* The ring is in step, and nothing of it was lost. */
	for (unsigned i = 0; i < 600; i++)
		CU_ASSERT_FATAL(port_works(&l, 0));
	CU_ASSERT(l.d->rxq[0]->vq.fault == VNIC_FAULT_NONE);
	port_close(&l);
}

static void device__bad_packets(void)
{
	for (unsigned i = 0; i < RTE_DIM(packets); i++)
		for (unsigned k = 0; k < RTE_DIM(layouts); k++)
			run_packet(&packets[i], layouts[k]);
}

/* A length beyond the buffer is no mistake of one packet: the device wrote where it must not. */
static void device__length_beyond_the_buffer(void)
{
	uint8_t octets[112] = { [10] = 1 };
	struct port_lab l;

	for (unsigned k = 0; k < RTE_DIM(layouts); k++) {
		open_pairs(&l, layouts[k], NULL);
		CU_ASSERT(scripted_give_raw(l.s, 0, octets, sizeof(octets), 100000) == 0);
		CU_ASSERT(port_recv(&l, 0) == NULL);
		CU_ASSERT(l.d->rxq[0]->vq.fault == VNIC_FAULT_RX_LENGTH);
		CU_ASSERT(port_event(&l, RTE_ETH_EVENT_QUEUE_STATE, 1) && port_works(&l, 1));
		mended(&l);
		port_close(&l);
	}
}

/* What vhost-user's error descriptor brings: that queue stops as if the rule had been broken here. */
static void device__stops_a_ring_by_itself(void)
{
	struct port_lab l;

	for (unsigned k = 0; k < RTE_DIM(layouts); k++) {
		open_pairs(&l, layouts[k], NULL);
		/* Receive queue 0; a ring that is not there. */
		__atomic_fetch_or(&l.d->ring_errors[0], 1, __ATOMIC_RELAXED);
		__atomic_fetch_or(&l.d->ring_errors[3], 1, __ATOMIC_RELAXED);
		vnic_thread_wake(l.d);
		CU_ASSERT(port_event(&l, RTE_ETH_EVENT_QUEUE_STATE, 1));
		CU_ASSERT(l.d->rxq[0]->vq.fault == VNIC_FAULT_DEVICE && l.d->faults[VNIC_FAULT_DEVICE] == 1);
		CU_ASSERT(port_xstat(&l, "vnic_fault_stopped_by_device") == 1);
		CU_ASSERT(l.d->txq[0]->vq.fault == VNIC_FAULT_NONE && port_works(&l, 1));
		mended(&l);
		port_close(&l);
	}
}

/* A packet of three buffers of which the last comes later: waited for, without waiting. */
static void device__rest_comes_later(void)
{
	uint8_t first[60] = { [10] = 3 }, rest[40] = { 7 };
	struct rte_mbuf *m;
	struct port_lab l;

	for (unsigned k = 0; k < RTE_DIM(layouts); k++) {
		open_pairs(&l, layouts[k], NULL);
		CU_ASSERT(scripted_give_raw(l.s, 0, first, sizeof(first), sizeof(first)) == 0);
		CU_ASSERT(scripted_give_raw(l.s, 0, rest, sizeof(rest), sizeof(rest)) == 0);
		for (unsigned i = 0; i < 50; i++)
			CU_ASSERT(port_recv(&l, 0) == NULL);
		CU_ASSERT(scripted_give_raw(l.s, 0, rest, sizeof(rest), sizeof(rest)) == 0);
		m = port_recv(&l, 0);
		CU_ASSERT(m != NULL && m->pkt_len == 48 + 40 + 40 && m->nb_segs == 3);
		rte_pktmbuf_free(m);
		CU_ASSERT(port_works(&l, 0));
		port_close(&l);
	}
}

/* Header and length at random: never a crash, never a buffer lost (port_close counts). */
static void device__any_octets(void)
{
	uint64_t seed = 77;

	for (unsigned k = 0; k < RTE_DIM(layouts); k++) {
		struct port_lab l;

		port_new(&l, NULL);
		l.s->hide_features = layouts[k];
		CU_ASSERT_FATAL(port_probe(&l, NULL) == 0);
		l.rx_offloads = RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_LRO |
				RTE_ETH_RX_OFFLOAD_SCATTER | RTE_ETH_RX_OFFLOAD_RSS_HASH;
		l.rss = true;
		CU_ASSERT_FATAL(port_start(&l) == 0);
		for (unsigned i = 0; i < 3000; i++) {
			uint8_t octets[1600];
			uint32_t len = (uint32_t)(test_random(&seed) % sizeof(octets));
			struct rte_mbuf *m;

			port_octets((uint32_t)i, octets, sizeof(octets));
			for (unsigned n = 0; n < 12; n++)
				octets[n] = (uint8_t)(test_random(&seed) % (n % 2 ? 2 : 8));
			octets[10] = (uint8_t)(test_random(&seed) % 3);
			octets[11] = 0;
			if (scripted_give_raw(l.s, 0, octets, len, len) != 0)
				break;
			while ((m = port_recv(&l, 0)) != NULL) {
				CU_ASSERT(m->pkt_len <= 3200);
				rte_pktmbuf_free(m);
			}
		}
		port_close(&l);
	}
}

/* ---- 27, 28: the device as a whole -------------------------------------------------------------- */
static void device__needs_reset(void)
{
	struct port_lab l;

	open_pairs(&l, 0, NULL);
	l.s->needs_reset = true;
	scripted_config_changed(l.s);
	CU_ASSERT(port_event(&l, RTE_ETH_EVENT_INTR_RESET, 1));
	for (uint16_t q = 0; q < 2; q++) {
		CU_ASSERT(port_recv(&l, q) == NULL);
		CU_ASSERT(!port_send(&l, q, port_frame(&l, 1, 60, 0)));
	}
	CU_ASSERT(rte_eth_dev_stop(l.port) == 0);
	CU_ASSERT(rte_eth_dev_start(l.port) < 0); /* a reset, and nothing less */
	mended(&l);
	CU_ASSERT(l.events[RTE_ETH_EVENT_INTR_RESET] == 1);
	port_close(&l);
}

/* Removed: every read gives ones. Each call ends, or the test's time does. */
static void device__all_ones(void)
{
	struct rte_eth_link link;
	struct port_lab l;

	open_pairs(&l, 0, "ctrl_timeout_ms=200");
	vnic_dev_of(l.port)->transport_flags &= ~VNIC_TRANSPORT_RECONNECT; /* as on a bus */
	l.s->all_ones = true;
	scripted_config_changed(l.s);
	CU_ASSERT(port_event(&l, RTE_ETH_EVENT_INTR_RMV, 1));
	CU_ASSERT(rte_eth_link_get_nowait(l.port, &link) == 0 && link.link_status == RTE_ETH_LINK_DOWN);
	CU_ASSERT(!port_send(&l, 0, port_frame(&l, 1, 60, 0)) && port_recv(&l, 0) == NULL);
	rte_eth_dev_rx_queue_stop(l.port, 0);
	CU_ASSERT(rte_eth_dev_stop(l.port) == 0);
	CU_ASSERT(rte_eth_dev_start(l.port) < 0);
	CU_ASSERT(rte_eth_dev_reset(l.port) < 0);
	port_close(&l);
	/* Before the start already. */
	port_new(&l, NULL);
	l.s->all_ones = true;
	CU_ASSERT(port_probe(&l, NULL) < 0);
	port_close(&l);
}

/* A control queue that never answers: bounded by its deadline, packets of others undisturbed. */
static void device__silent_control_queue(void)
{
	uint64_t start, kicks;
	struct port_lab l;

	open_pairs(&l, 0, "ctrl_timeout_ms=200");
	l.s->ctrl_silent = true;
	start = clock_now_ms();
	CU_ASSERT_EQUAL(rte_eth_promiscuous_enable(l.port), -ETIMEDOUT);
	CU_ASSERT(clock_now_ms() - start >= 190);
	CU_ASSERT(port_event(&l, RTE_ETH_EVENT_INTR_RESET, 1));
	/* Whatever is asked now ends at once, and the device hears nothing of it. */
	kicks = l.s->kicks[vnicd_nic_ctrl_vq(&l.s->nic)];
	CU_ASSERT_NOT_EQUAL(rte_eth_allmulticast_enable(l.port), -ETIMEDOUT); /* it did not wait */
	CU_ASSERT_EQUAL(l.s->kicks[vnicd_nic_ctrl_vq(&l.s->nic)], kicks);
	CU_ASSERT(port_recv(&l, 0) == NULL && !port_send(&l, 0, port_frame(&l, 1, 60, 0)));
	l.s->ctrl_silent = false;
	mended(&l);
	port_close(&l);
}

/* A back end that dies and returns: link down and up, the same port goes on. */
static void device__dies_and_returns(void)
{
	struct port_lab l;
	unsigned lsc;

	open_pairs(&l, 0, NULL);
	CU_ASSERT(rte_eth_promiscuous_enable(l.port) == 0);
	for (unsigned i = 0; i < 5; i++) {
		lsc = l.events[RTE_ETH_EVENT_INTR_LSC];
		port_send(&l, 0, port_frame(&l, 1, 60, 0));
		scripted_die(l.s);
		CU_ASSERT(port_event(&l, RTE_ETH_EVENT_INTR_LSC, lsc + 1));
		CU_ASSERT(!port_send(&l, 0, port_frame(&l, 1, 60, 0)) && port_recv(&l, 1) == NULL);
		scripted_return(l.s);
		CU_ASSERT(port_event(&l, RTE_ETH_EVENT_INTR_LSC, lsc + 2));
		CU_ASSERT(port_works(&l, 0) && port_works(&l, 1));
		CU_ASSERT(l.s->nic.promisc); /* told again */
	}
	CU_ASSERT(l.events[RTE_ETH_EVENT_INTR_RESET] == 0);
	port_close(&l);
}

static const struct test_case cases[] = {
	TEST_CASE(device__lies_in_used_entries),
	TEST_CASE(device__lies_and_one_queue_is_reset),
	TEST_CASE(device__lengths_of_transmit_mean_nothing),
	TEST_CASE(device__bad_packets),
	TEST_CASE(device__length_beyond_the_buffer),
	TEST_CASE(device__stops_a_ring_by_itself),
	TEST_CASE(device__rest_comes_later),
	TEST_CASE(device__any_octets),
	TEST_CASE(device__needs_reset),
	TEST_CASE(device__all_ones),
	TEST_CASE(device__silent_control_queue),
	TEST_CASE(device__dies_and_returns),
};
TEST_MAIN("conform_bad", cases)
