/* SPDX-License-Identifier: BSD-3-Clause */
/* Negotiation and bring-up against the scripted device: items 1 to 7 of doc/compliance-virtio.md. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/test.h"
#include "tests/unit/virtio/port_lab.h"

#define NET(f) VIRTIO_BIT(VIRTIO_NET_F_##f)
#define ALL_RX (RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_LRO | \
		RTE_ETH_RX_OFFLOAD_SCATTER | RTE_ETH_RX_OFFLOAD_RSS_HASH)
#define ALL_TX (RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_TSO | \
		RTE_ETH_TX_OFFLOAD_MULTI_SEGS)

/* Ask for everything that the port says it can. */
static int start_with_all(struct port_lab *l)
{
	struct rte_eth_dev_info info;

	CU_ASSERT_FATAL(rte_eth_dev_info_get(l->port, &info) == 0);
	l->rx_offloads = ALL_RX & info.rx_offload_capa;
	l->tx_offloads = ALL_TX & info.tx_offload_capa;
	l->rss = info.flow_type_rss_offloads != 0;
	if (!l->rss) /* ethdev has it so */
		l->rx_offloads &= ~RTE_ETH_RX_OFFLOAD_RSS_HASH;
	return port_start(l);
}

/* Each row of 1.1 that needs something: without it, it is not taken. */
static const struct {
	uint64_t hidden, dependent;
} prerequisites[] = {
	{ NET(GUEST_CSUM), NET(GUEST_TSO4) | NET(GUEST_TSO6) | NET(GUEST_ECN) | NET(GUEST_UFO) | NET(GUEST_USO4) |
	  NET(GUEST_USO6) },
	{ NET(CSUM), NET(HOST_TSO4) | NET(HOST_TSO6) | NET(HOST_ECN) | NET(HOST_UFO) | NET(HOST_USO) },
	{ NET(GUEST_TSO4) | NET(GUEST_TSO6), NET(GUEST_ECN) },
	{ NET(HOST_TSO4) | NET(HOST_TSO6), NET(HOST_ECN) },
	{ NET(CTRL_VQ), NET(CTRL_GUEST_OFFLOADS) | NET(CTRL_RX) | NET(CTRL_VLAN) | NET(CTRL_RX_EXTRA) |
	  NET(GUEST_ANNOUNCE) | NET(MQ) | NET(CTRL_MAC_ADDR) | NET(DEVICE_STATS) | NET(HASH_TUNNEL) |
	  NET(VQ_NOTF_COAL) | NET(NOTF_COAL) | NET(HASH_REPORT) | NET(RSS) },
};

static void negotiate__prerequisites(void)
{
	for (unsigned i = 0; i < RTE_DIM(prerequisites); i++) {
		struct port_lab l;

		port_new(&l, NULL);
		l.s->extra_features[0] = prerequisites[i].dependent;
		l.s->hide_features = prerequisites[i].hidden;
		CU_ASSERT_FATAL(port_probe(&l, NULL) == 0);
		CU_ASSERT(start_with_all(&l) == 0);
		CU_ASSERT((l.s->acked.word[0] & (prerequisites[i].dependent | prerequisites[i].hidden)) == 0);
		CU_ASSERT((l.s->acked.word[0] & NET(MAC)) != 0);
		port_close(&l);
	}
}

/* Whatever is offered, nothing is taken that this driver does not know, or that was not offered. */
static void negotiate__only_what_is_known_and_offered(void)
{
	const uint64_t unknown = UINT64_C(1) << 4 | UINT64_C(1) << 41 | UINT64_C(1) << 43 | NET(STANDBY) |
				 NET(RSC_EXT) | NET(HASH_TUNNEL) | VIRTIO_BIT(VIRTIO_F_NOTIFICATION_DATA) |
				 VIRTIO_BIT(VIRTIO_F_SR_IOV) | VIRTIO_BIT(VIRTIO_F_ADMIN_VQ) |
				 VIRTIO_BIT(VHOST_USER_F_PROTOCOL_FEATURES);
	uint64_t seed = 11;
	struct port_lab l;

	port_new(&l, NULL);
	l.s->extra_features[0] = unknown;
	CU_ASSERT_FATAL(port_probe(&l, NULL) == 0);
	CU_ASSERT(start_with_all(&l) == 0);
	CU_ASSERT((l.s->acked.word[0] & unknown) == 0);
	CU_ASSERT(port_works(&l, 0));
	port_close(&l);
	for (unsigned i = 0; i < 64; i++) {
		port_new(&l, NULL);
		l.s->hide_features = test_random(&seed) & test_random(&seed) & ~VIRTIO_BIT(VIRTIO_F_VERSION_1);
		CU_ASSERT_FATAL(port_probe(&l, NULL) == 0);
		CU_ASSERT(start_with_all(&l) == 0);
		CU_ASSERT((l.s->acked.word[0] & ~(vnicd_nic_features(&l.s->nic) & ~l.s->hide_features)) == 0);
		CU_ASSERT(port_works(&l, 0));
		port_close(&l);
	}
}

static void negotiate__bits_above_63(void)
{
	struct port_lab l;

	port_new(&l, NULL);
	l.s->extra_features[1] = UINT64_MAX;
	CU_ASSERT_FATAL(port_probe(&l, NULL) == 0);
	CU_ASSERT(start_with_all(&l) == 0);
	CU_ASSERT(l.s->acked.word[1] == 0);
	port_close(&l);
}

static void negotiate__legacy_device(void)
{
	struct port_lab l;

	port_new(&l, NULL);
	l.s->hide_features = VIRTIO_BIT(VIRTIO_F_VERSION_1);
	CU_ASSERT(port_probe(&l, NULL) == -ENOTSUP);
	port_close(&l);
}

/* 3.1.1: a device that does not confirm is left as FAILED, before any ring. */
static void negotiate__refused(void)
{
	struct port_lab l;

	port_new(&l, NULL);
	CU_ASSERT_FATAL(port_probe(&l, NULL) == 0);
	l.s->refuse_features = true;
	CU_ASSERT(port_start(&l) == -ENOTSUP);
	CU_ASSERT(l.s->nic.status & VIRTIO_STATUS_FAILED);
	CU_ASSERT(!(l.s->status_seen & VIRTIO_STATUS_DRIVER_OK));
	CU_ASSERT(l.s->setups == 0 && l.s->enables == 0 && l.s->shares == 0);
	l.s->refuse_features = false;
	CU_ASSERT(port_start(&l) == 0 && port_works(&l, 0));
	port_close(&l);
}

/* An error at any step leaves nothing behind, and the next start works. */
static void start__fails_at_any_step(void)
{
	struct vnicd_nic_conf conf = scripted_conf(3);
	struct port_lab l;

	for (unsigned at = 1; at <= 7; at++) { /* three pairs and the control queue */
		port_new(&l, &conf);
		CU_ASSERT_FATAL(port_probe(&l, NULL) == 0);
		l.queues = 3;
		l.s->fail_setup_at = at;
		CU_ASSERT(port_start(&l) == -EIO);
		CU_ASSERT(l.s->setups == at && (l.s->nic.status & VIRTIO_STATUS_FAILED));
		CU_ASSERT(!(l.s->nic.status & VIRTIO_STATUS_DRIVER_OK));
		CU_ASSERT(rte_mempool_avail_count(l.mp) == PORT_MBUFS);
		CU_ASSERT(rte_eth_dev_start(l.port) == 0);
		for (uint16_t q = 0; q < 3; q++)
			CU_ASSERT(port_works(&l, q));
		port_close(&l);
	}
	port_new(&l, &conf);
	l.s->fail_share_at = 1;
	CU_ASSERT_FATAL(port_probe(&l, NULL) == 0);
	CU_ASSERT(port_start(&l) == -ENOSPC && l.s->setups == 0);
	port_close(&l);
	/* A device that refuses what it has to be told after its start. */
	port_new(&l, &conf);
	l.s->ctrl_ack = VIRTIO_NET_ERR;
	CU_ASSERT_FATAL(port_probe(&l, NULL) == 0);
	CU_ASSERT(port_start(&l) < 0);
	CU_ASSERT(l.s->nic.status & VIRTIO_STATUS_FAILED);
	l.s->ctrl_ack = 0;
	CU_ASSERT(rte_eth_dev_start(l.port) == 0 && port_works(&l, 0));
	port_close(&l);
}

/* ---- the configuration space -------------------------------------------------------- */
static const struct {
	const char *what;
	uint8_t off, len, data[2];
	bool good;
} spaces[] = {
	{ "no pair", 8, 2, { 0, 0 }, false },
	{ "one pair", 8, 2, { 1, 0 }, true },
	{ "0x8000 pairs", 8, 2, { 0, 0x80 }, true },
	{ "0x8001 pairs", 8, 2, { 1, 0x80 }, false },
	{ "MTU of 67", 10, 2, { 67, 0 }, false },
	{ "MTU of 68", 10, 2, { 68, 0 }, true },
	{ "key of 39", 17, 1, { 39 }, false },
	{ "key of 40", 17, 1, { 40 }, true },
	{ "table of 127", 18, 2, { 127, 0 }, false },
	{ "table of 128", 18, 2, { 128, 0 }, true },
	{ "multicast address", 0, 1, { 3 }, false },
};

static void config__out_of_range(void)
{
	for (unsigned i = 0; i < RTE_DIM(spaces); i++) {
		struct port_lab l;
		int rc;

		port_new(&l, NULL);
		l.s->config_override.off = spaces[i].off;
		l.s->config_override.len = spaces[i].len;
		memcpy(l.s->config_override.data, spaces[i].data, 2);
		rc = port_probe(&l, NULL);
		if (rc != (spaces[i].good ? 0 : -EINVAL))
			fprintf(stderr, "%s: %d\n", spaces[i].what, rc);
		CU_ASSERT(rc == (spaces[i].good ? 0 : -EINVAL));
		CU_ASSERT(l.s->setups == 0);
		port_close(&l);
	}
}

/* Fields of features not offered are not read, whatever stands there. */
static void config__fields_not_offered(void)
{
	static const struct {
		uint64_t hidden;
		uint32_t octets;
	} rows[] = {
		{ NET(MAC), 0x3f }, { NET(STATUS), 0xc0 }, { NET(MQ) | NET(RSS), 0x300 }, { NET(MTU), 0xc00 },
		{ NET(SPEED_DUPLEX), 0x1f000 }, { NET(RSS) | NET(HASH_REPORT), 0xfe0000 }, { NET(RSS), 0xc0000 },
	};
	struct port_lab l;

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		port_new(&l, NULL);
		l.s->hide_features = rows[i].hidden;
		CU_ASSERT_FATAL(port_probe(&l, NULL) == 0);
		CU_ASSERT(start_with_all(&l) == 0);
		CU_ASSERT((l.s->config_bits & rows[i].octets) == 0);
		CU_ASSERT(l.s->config_bits != 0);
		port_close(&l);
	}
	/* With everything offered, what is read is what there is up to the tunnels. */
	port_new(&l, NULL);
	CU_ASSERT_FATAL(port_probe(&l, NULL) == 0);
	CU_ASSERT(start_with_all(&l) == 0);
	CU_ASSERT(l.s->config_bits == 0xffffff);
	port_close(&l);
}

static void config__never_settles(void)
{
	struct port_lab l;
	uint64_t reads;

	port_new(&l, NULL);
	l.s->generation_moves = true;
	CU_ASSERT(port_probe(&l, NULL) == -EAGAIN);
	CU_ASSERT(l.s->config_reads < 10);
	l.s->generation_moves = false;
	CU_ASSERT_FATAL(port_probe(&l, NULL) == 0);
	CU_ASSERT(port_start(&l) == 0);
	/* While it runs: the link counts as down as long as nothing is known. */
	l.s->generation_moves = true;
	reads = l.s->config_reads;
	scripted_config_changed(l.s);
	CU_ASSERT(port_event(&l, RTE_ETH_EVENT_INTR_LSC, 2));
	CU_ASSERT(l.s->config_reads < reads + 10);
	l.s->generation_moves = false;
	scripted_config_changed(l.s);
	CU_ASSERT(port_event(&l, RTE_ETH_EVENT_INTR_LSC, 3));
	CU_ASSERT(port_works(&l, 0));
	port_close(&l);
}

/* ---- what follows from it -------------------------------------------------------------- */
static void ctrl_queue__from_the_device_maximum(void)
{
	static const struct {
		uint16_t max, used;
		uint64_t hidden;
		uint16_t vq;
	} rows[] = {
		{ 8, 2, 0, 16 }, { 8, 1, 0, 16 }, { 8, 8, 0, 16 }, { 1, 1, 0, 2 }, { 64, 3, 0, 128 },
		{ 8, 1, NET(MQ) | NET(RSS), 2 },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct vnicd_nic_conf conf = scripted_conf(rows[i].max);
		struct port_lab l;

		port_new(&l, &conf);
		l.s->hide_features = rows[i].hidden;
		CU_ASSERT_FATAL(port_probe(&l, NULL) == 0);
		l.queues = rows[i].used;
		CU_ASSERT_FATAL(port_start(&l) == 0);
		CU_ASSERT(vnicd_nic_ctrl_vq(&l.s->nic) == rows[i].vq);
		CU_ASSERT(l.s->nic.queue[rows[i].vq].ring.running && l.s->kicks[rows[i].vq] > 0);
		CU_ASSERT(l.s->ctrl_seen > 0 && l.s->nic.ctrl_err == 0);
		for (uint16_t vq = (uint16_t)(2 * rows[i].used); vq < 2 * rows[i].max; vq++)
			CU_ASSERT(vq == rows[i].vq || !l.s->nic.queue[vq].ring.running);
		CU_ASSERT(l.s->nic.active_pairs == rows[i].used);
		port_close(&l);
	}
}

/* 12 octets, 20 with HASH_REPORT, on both directions. */
static void header__size(void)
{
	static const struct {
		uint64_t hidden, rx_offloads;
		uint32_t len;
	} rows[] = {
		{ 0, 0, 12 }, { 0, RTE_ETH_RX_OFFLOAD_RSS_HASH, 20 }, { NET(MRG_RXBUF), 0, 12 },
		{ NET(MRG_RXBUF), RTE_ETH_RX_OFFLOAD_RSS_HASH, 20 },
		{ VIRTIO_BIT(VIRTIO_F_RING_PACKED), RTE_ETH_RX_OFFLOAD_RSS_HASH, 20 },
		{ VIRTIO_BIT(VIRTIO_F_RING_PACKED), 0, 12 },
		{ VIRTIO_BIT(VIRTIO_F_RING_PACKED) | VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC),
		  RTE_ETH_RX_OFFLOAD_RSS_HASH, 20 },
	};
	uint8_t octets[200], hdr[20] = { [10] = 1 };

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct rte_mbuf *m;
		struct port_lab l;

		port_new(&l, NULL);
		l.s->hide_features = rows[i].hidden;
		CU_ASSERT_FATAL(port_probe(&l, NULL) == 0);
		l.rx_offloads = rows[i].rx_offloads;
		l.rss = l.rx_offloads != 0;
		CU_ASSERT_FATAL(port_start(&l) == 0);
		CU_ASSERT(port_send(&l, 0, port_frame(&l, 7, 100, 0)));
		CU_ASSERT(scripted_take_raw(l.s, 0, octets, sizeof(octets)) == (int)rows[i].len + 100);
		CU_ASSERT(octets[rows[i].len + 99] == port_octet(7, 99));
		for (uint32_t k = 0; k < rows[i].len; k++)
			CU_ASSERT(octets[k] == 0); /* num_buffers too: 5.1.6.2.1 */
		memset(octets, 0, sizeof(octets));
		memcpy(octets, hdr, rows[i].len);
		port_octets(8, octets + rows[i].len, 100);
		CU_ASSERT(scripted_give_raw(l.s, 0, octets, rows[i].len + 100, rows[i].len + 100) == 0);
		m = port_recv(&l, 0);
		CU_ASSERT(m != NULL && port_is(m, 8, 100));
		rte_pktmbuf_free(m);
		port_close(&l);
	}
}

/* A device that reports hashes and has no RSS: on one queue, asked for by ethdev's mode of RSS. */
static void hash__without_rss(void)
{
	struct rte_eth_rss_reta_entry64 reta[2] = { { .mask = 1 } };
	struct rte_eth_rss_conf rss = { .rss_hf = RTE_ETH_RSS_NONFRAG_IPV4_UDP };
	uint8_t hdr_and_frame[20 + 60] = { [10] = 1, 0, 0x78, 0x56, 0x34, 0x12, 2 };
	struct vnicd_nic_conf conf = scripted_conf(2);
	struct rte_eth_dev_info info;
	struct rte_mbuf *m;
	struct port_lab l;

	port_new(&l, &conf);
	l.s->hide_features = NET(RSS);
	CU_ASSERT_FATAL(port_probe(&l, NULL) == 0);
	CU_ASSERT(rte_eth_dev_info_get(l.port, &info) == 0);
	CU_ASSERT(info.reta_size == 0 && info.hash_key_size == 40 && info.flow_type_rss_offloads != 0);
	l.rss = true;
	l.rx_offloads = RTE_ETH_RX_OFFLOAD_RSS_HASH;
	l.queues = 2;
	CU_ASSERT(port_start(&l) == -ENOTSUP); /* nothing would spread packets as asked */
	l.queues = 1;
	CU_ASSERT_FATAL(port_start(&l) == 0);
	CU_ASSERT((l.s->acked.word[0] & (NET(RSS) | NET(HASH_REPORT))) == NET(HASH_REPORT));
	CU_ASSERT(!l.s->nic.rss && l.s->nic.hash_types != 0);
	CU_ASSERT(scripted_give_raw(l.s, 0, hdr_and_frame, 80, 80) == 0);
	m = port_recv(&l, 0);
	CU_ASSERT_FATAL(m != NULL);
	CU_ASSERT((m->ol_flags & RTE_MBUF_F_RX_RSS_HASH) != 0 && m->hash.rss == 0x12345678);
	rte_pktmbuf_free(m);
	CU_ASSERT(rte_eth_dev_rss_hash_update(l.port, &rss) == 0);
	CU_ASSERT(l.s->nic.hash_types == VIRTIO_NET_HASH_TYPE(VIRTIO_NET_HASH_REPORT_UDPv4) && !l.s->nic.rss);
	CU_ASSERT(rte_eth_dev_rss_hash_conf_get(l.port, &rss) == 0 && rss.rss_hf == RTE_ETH_RSS_NONFRAG_IPV4_UDP);
	CU_ASSERT(rte_eth_dev_rss_reta_update(l.port, reta, 128) < 0);
	CU_ASSERT(port_works(&l, 0));
	port_close(&l);
}

/* The bursts that a port runs, as ethdev tells them. */
static void burst_mode__says_what_runs(void)
{
	static const struct {
		const char *args;
		bool offloads;
		const char *rx, *vec, *tx; /* vec: what more, where the CPU has vectors */
	} rows[] = {
		{ "packed=0,in_order=0,mrg_rxbuf=0,vectorized=0", false, "split", "", "split" },
		{ "vectorized=0", false, "packed_inorder_mergeable", "", "packed, in order" },
		{ "vectorized=0", true, "packed_inorder_mergeable_offload", "", "packed, in order, offloads" },
		{ "packed=0", false, "split_inorder_mergeable", "_vec", "split, in order" },
		{ "packed=0,mrg_rxbuf=0", true, "split_inorder_offload", "_vec", "split, in order, offloads" },
		{ "packed=0,in_order=0", true, "split_mergeable_offload", "_vec", "split, offloads" },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct rte_eth_burst_mode rx, tx;
		struct port_lab l;
		char want[64];

#if defined(RTE_ARCH_X86_64)
		snprintf(want, sizeof(want), "%s%s", rows[i].rx, rows[i].vec);
#else
		snprintf(want, sizeof(want), "%s", rows[i].rx);
#endif
		port_new(&l, NULL);
		CU_ASSERT_FATAL(port_probe(&l, rows[i].args) == 0);
		l.rx_offloads = rows[i].offloads ? RTE_ETH_RX_OFFLOAD_TCP_CKSUM : 0;
		l.tx_offloads = rows[i].offloads ? RTE_ETH_TX_OFFLOAD_TCP_CKSUM : 0;
		CU_ASSERT_FATAL(port_start(&l) == 0);
		CU_ASSERT(rte_eth_rx_burst_mode_get(l.port, 0, &rx) == 0 && strcmp(rx.info, want) == 0);
		CU_ASSERT(rte_eth_tx_burst_mode_get(l.port, 0, &tx) == 0 && strcmp(tx.info, rows[i].tx) == 0);
		CU_ASSERT(port_works(&l, 0));
		CU_ASSERT(rte_eth_dev_stop(l.port) == 0);
		CU_ASSERT(rte_eth_rx_burst_mode_get(l.port, 0, &rx) == -EINVAL); /* nothing runs */
		port_close(&l);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(negotiate__prerequisites),
	TEST_CASE(negotiate__only_what_is_known_and_offered),
	TEST_CASE(negotiate__bits_above_63),
	TEST_CASE(negotiate__legacy_device),
	TEST_CASE(negotiate__refused),
	TEST_CASE(start__fails_at_any_step),
	TEST_CASE(config__out_of_range),
	TEST_CASE(config__fields_not_offered),
	TEST_CASE(config__never_settles),
	TEST_CASE(ctrl_queue__from_the_device_maximum),
	TEST_CASE(header__size),
	TEST_CASE(hash__without_rss),
	TEST_CASE(burst_mode__says_what_runs),
};
TEST_MAIN("conform_start", cases)
