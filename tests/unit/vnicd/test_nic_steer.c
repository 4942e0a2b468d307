/* SPDX-License-Identifier: BSD-3-Clause */
/* Which packets pass, and to which queue with which hash. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <rte_common.h>

#include "tests/unit/test.h"
#include "tests/unit/vnicd/nic_lab.h"

static uint8_t packet[LAB_FRAME], got[LAB_FRAME];

/* ---- filters ---------------------------------------------------------------------------- */
#define OURS   { 2, 0, 0, 0, 0, 0x11 }
#define OTHER  { 2, 0, 0, 0, 0, 0x99 }
#define LISTED { 2, 0, 0, 0, 0, 0x77 }
#define GROUP  { 1, 0, 0x5e, 1, 2, 3 }
#define LISTED_GROUP { 1, 0, 0x5e, 9, 9, 9 }
#define BROAD  { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }

#define RX   (NET(CTRL_VQ) | NET(CTRL_RX) | NET(CTRL_RX_EXTRA))
#define VLAN (NET(CTRL_VQ) | NET(CTRL_VLAN))

enum { PROMISC = 1, ALLMULTI = 2, ALLUNI = 4, NOMULTI = 8, NOUNI = 16, NOBCAST = 32, TABLE = 64, OVERFLOW = 128 };

static const struct filter_case {
	const char *what;
	uint64_t features;
	unsigned mode;
	uint8_t mac[6];
	uint16_t vlan; /* of the packet; VLAN 5 is let through */
	bool pass;
} filters[] = {
	{ "cannot choose: everything", NET(CTRL_VQ), 0, OTHER, 0, true },
	{ "ours", RX, 0, OURS, 0, true },
	{ "another's", RX, 0, OTHER, 0, false },
	{ "another's, promiscuous", RX, PROMISC, OTHER, 0, true },
	{ "another's, all unicast", RX, ALLUNI, OTHER, 0, true },
	{ "ours, no unicast", RX, NOUNI, OURS, 0, false },
	{ "ours, no unicast, promiscuous", RX, NOUNI | PROMISC, OURS, 0, true },
	{ "multicast before any table", RX, 0, GROUP, 0, true },
	{ "multicast not in the table", RX, TABLE, GROUP, 0, false },
	{ "multicast in the table", RX, TABLE, LISTED_GROUP, 0, true },
	{ "multicast, all of it", RX, TABLE | ALLMULTI, GROUP, 0, true },
	{ "multicast, none", RX, TABLE | NOMULTI, LISTED_GROUP, 0, false },
	{ "unicast in the table", RX, TABLE, LISTED, 0, true },
	{ "unicast not in the table", RX, TABLE, OTHER, 0, false },
	{ "ours beside a table", RX, TABLE, OURS, 0, true },
	{ "a table too long", RX, OVERFLOW, OTHER, 0, true },
	{ "a table too long, multicast", RX, OVERFLOW, GROUP, 0, true },
	{ "broadcast", RX, TABLE, BROAD, 0, true },
	{ "broadcast, none", RX, NOBCAST, BROAD, 0, false },
	{ "broadcast, no multicast", RX, NOMULTI, BROAD, 0, true },
	{ "tag let through", VLAN, 0, OURS, 5, true },
	{ "tag not let through", VLAN, 0, OURS, 6, false },
	{ "last tag", VLAN, 0, OURS, 4095, false },
	{ "priority tag", VLAN, 0, OURS, 0x8000, true },
	{ "tag, without the feature", RX, 0, OURS, 6, true },
	{ "tag, promiscuous", RX | VLAN, PROMISC, OURS, 6, true },
	{ "no tag", VLAN, 0, OURS, 0, true },
};

static void set_table(struct lab *l, unsigned mode)
{
	const uint8_t macs[2][6] = { LISTED, LISTED_GROUP };
	uint8_t data[8 + 6 * 100] = { 0 };

	if (mode & TABLE) {
		data[0] = 1;
		memcpy(data + 4, macs[0], 6);
		data[10] = 1;
		memcpy(data + 14, macs[1], 6);
		CU_ASSERT(lab_ctrl(l, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, data, 20, NULL, 0) == 0);
	}
	if (mode & OVERFLOW) {
		uint8_t big[8 + 6 * 150] = { 80 };

		big[4 + 6 * 80] = 70;
		CU_ASSERT(lab_ctrl(l, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, big, sizeof(big), NULL,
				   0) == 0);
	}
}

static void nic_give__filters(void)
{
	struct lab_flow flow = lab_flow(40);
	const uint16_t vlan = 5;

	for (unsigned i = 0; i < RTE_DIM(filters); i++) {
		const struct filter_case *c = &filters[i];
		struct vnic_net_hdr_hash hdr;
		uint8_t on = 1;
		struct lab l;
		uint32_t len;
		int rc;

		lab_open(&l, c->features);
		lab_fill(&l, 0, 200, 1);
		for (uint8_t bit = 0; bit < 6; bit++)
			if (c->mode & (1u << bit))
				CU_ASSERT(lab_ctrl(&l, VIRTIO_NET_CTRL_RX, bit, &on, 1, NULL, 0) == 0);
		set_table(&l, c->mode);
		if (c->features & NET(CTRL_VLAN))
			CU_ASSERT(lab_ctrl(&l, VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_ADD, &vlan, 2, NULL, 0) == 0);
		flow.vlan = c->vlan;
		len = lab_packet(&flow, packet, false);
		memcpy(packet, c->mac, 6);
		rc = lab_give(&l, 0, NULL, packet, len, 0);
		if (rc != (c->pass ? 0 : -EPERM))
			fprintf(stderr, "%s: %d\n", c->what, rc);
		CU_ASSERT(rc == (c->pass ? 0 : -EPERM));
		CU_ASSERT(l.nic.drop[VNICD_NIC_DROP_RX_FILTER] == (c->pass ? 0 : 1));
		CU_ASSERT(lab_recv(&l, 0, &hdr, got) == (c->pass ? (int)len : -1));
		lab_close(&l);
	}
}

/* ---- hash ------------------------------------------------------------------------------- */
/* Microsoft's "Verifying the RSS Hash Calculation". */
static const struct vector {
	const char *src, *dst;
	uint16_t sport, dport;
	uint32_t ip, tcp;
} vectors[] = {
	{ "66.9.149.187", "161.142.100.80", 2794, 1766, 0x323e8fc2, 0x51ccc178 },
	{ "199.92.111.2", "65.69.140.83", 14230, 4739, 0xd718262a, 0xc626b0ea },
	{ "24.19.198.95", "12.22.207.184", 12898, 38024, 0xd2d0a5de, 0x5c2b394a },
	{ "38.27.205.30", "209.142.163.6", 48228, 2217, 0x82989176, 0xafc7327f },
	{ "153.39.163.191", "202.188.127.2", 44251, 1303, 0x5d1809c5, 0x10e828a2 },
	{ "3ffe:2501:200:1fff::7", "3ffe:2501:200:3::1", 2794, 1766, 0x2cc18cd5, 0x40207d3d },
	{ "3ffe:501:8::260:97ff:fe40:efab", "ff02::1", 14230, 4739, 0x0f0c461c, 0xdde51bbf },
	{ "3ffe:1900:4545:3:200:f8ff:fe21:67cf", "fe80::200:f8ff:fe21:67cf", 44251, 38024, 0x4b61e985, 0x02d1feef },
};

static struct lab_flow vector_flow(const struct vector *v)
{
	struct lab_flow f = { .sport = v->sport, .dport = v->dport, .payload = 20 };

	f.v6 = strchr(v->src, ':') != NULL;
	CU_ASSERT_FATAL(inet_pton(f.v6 ? AF_INET6 : AF_INET, v->src, f.saddr) == 1);
	CU_ASSERT_FATAL(inet_pton(f.v6 ? AF_INET6 : AF_INET, v->dst, f.daddr) == 1);
	return f;
}

/* RSS_CONFIG or HASH_CONFIG with the key in force: entries of the table are i modulo queues. */
static int configure(struct lab *l, uint8_t cmd, uint32_t types, uint16_t entries, uint16_t queues,
		     uint16_t unclassified)
{
	uint8_t data[2048] = { 0 };
	uint16_t mask = (uint16_t)(entries - 1);
	uint32_t at = 8;

	memcpy(data, &types, 4);
	memcpy(data + 4, &mask, 2);
	memcpy(data + 6, &unclassified, 2);
	for (uint16_t i = 0; i < entries; i++, at += 2)
		data[at] = cmd == VIRTIO_NET_CTRL_MQ_RSS_CONFIG ? (uint8_t)(i % queues) : 0;
	data[at] = cmd == VIRTIO_NET_CTRL_MQ_RSS_CONFIG ? (uint8_t)queues : 0;
	data[at + 2] = VNICD_KEY_LEN;
	memcpy(data + at + 3, l->nic.key, VNICD_KEY_LEN);
	return lab_ctrl(l, VIRTIO_NET_CTRL_MQ, cmd, data, at + 3 + VNICD_KEY_LEN, NULL, 0);
}

static void nic_give__hash_vectors(void)
{
	static const struct {
		uint32_t types;
		bool udp, ports;
		uint16_t v4, v6;
	} rows[] = {
		{ 0x3f, false, true, VIRTIO_NET_HASH_REPORT_TCPv4, VIRTIO_NET_HASH_REPORT_TCPv6 },
		{ 0x3f, true, true, VIRTIO_NET_HASH_REPORT_UDPv4, VIRTIO_NET_HASH_REPORT_UDPv6 },
		{ 0x09, false, false, VIRTIO_NET_HASH_REPORT_IPv4, VIRTIO_NET_HASH_REPORT_IPv6 },
		{ 0x1b, true, false, VIRTIO_NET_HASH_REPORT_IPv4, VIRTIO_NET_HASH_REPORT_IPv6 },
		{ 0x24, false, false, 0, 0 },
		{ 0, false, false, 0, 0 },
	};
	struct vnic_net_hdr_hash hdr;
	struct lab l;

	for (unsigned r = 0; r < RTE_DIM(rows); r++) {
		lab_open(&l, NET(CTRL_VQ) | NET(HASH_REPORT));
		lab_fill(&l, 0, 200, RTE_DIM(vectors));
		CU_ASSERT(configure(&l, VIRTIO_NET_CTRL_MQ_HASH_CONFIG, rows[r].types, 1, 1, 0) == 0);
		for (unsigned i = 0; i < RTE_DIM(vectors); i++) {
			struct lab_flow f = vector_flow(&vectors[i]);
			uint16_t report = f.v6 ? rows[r].v6 : rows[r].v4;

			f.udp = rows[r].udp;
			CU_ASSERT(lab_give(&l, -1, NULL, packet, lab_packet(&f, packet, false), 0) == 0);
			CU_ASSERT(lab_recv(&l, 0, &hdr, got) > 0);
			CU_ASSERT(hdr.hash_report == report && hdr.padding == 0);
			CU_ASSERT(hdr.hash_value == (report == 0 ? 0 : rows[r].ports ? vectors[i].tcp : vectors[i].ip));
		}
		lab_close(&l);
	}
}

/* Fragments and other protocols have a hash over addresses; what is no IP has none. */
static void nic_give__hash_of_odd_packets(void)
{
	struct lab_flow v4 = vector_flow(&vectors[0]), v6 = vector_flow(&vectors[5]);
	struct vnic_net_hdr_hash hdr;
	struct lab l;
	static const struct {
		bool v6;
		uint8_t at, octet;
		uint16_t report;
	} rows[] = {
		{ false, 20, 0x20, VIRTIO_NET_HASH_REPORT_IPv4 }, /* more fragments */
		{ false, 21, 1, VIRTIO_NET_HASH_REPORT_IPv4 },
		{ false, 23, 1, VIRTIO_NET_HASH_REPORT_IPv4 },    /* ICMP */
		{ false, 46, 0x40, VIRTIO_NET_HASH_REPORT_IPv4 }, /* TCP header too short */
		{ false, 14, 0x44, 0 }, { false, 14, 0x55, 0 }, { false, 12, 0x09, 0 },
		{ true, 20, 44, VIRTIO_NET_HASH_REPORT_IPv6 },    /* fragment header */
		{ true, 20, 0, VIRTIO_NET_HASH_REPORT_IPv6 },     /* options that lead beyond the packet */
		{ true, 14, 0x50, 0 },
	};

	lab_open(&l, NET(CTRL_VQ) | NET(HASH_REPORT));
	lab_fill(&l, 0, 200, RTE_DIM(rows));
	CU_ASSERT(configure(&l, VIRTIO_NET_CTRL_MQ_HASH_CONFIG, 0x3f, 1, 1, 0) == 0);
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		uint32_t len = lab_packet(rows[i].v6 ? &v6 : &v4, packet, false);

		packet[rows[i].at] = rows[i].octet;
		CU_ASSERT(lab_give(&l, -1, NULL, packet, len, 0) == 0);
		CU_ASSERT(lab_recv(&l, 0, &hdr, got) > 0);
		CU_ASSERT(hdr.hash_report == rows[i].report);
		CU_ASSERT(hdr.hash_value == (rows[i].report == 0 ? 0 : rows[i].v6 ? vectors[5].ip : vectors[0].ip));
	}
	lab_close(&l);
}

/* ---- queues ----------------------------------------------------------------------------- */
static unsigned queue_of(struct lab *l)
{
	struct vnic_net_hdr_hash hdr;

	for (uint16_t q = 0; q < 4; q++)
		if (lab_recv(l, q, &hdr, got) > 0)
			return q;
	return 99;
}

static void nic_give__rss(void)
{
	static const uint16_t entries[] = { 1, 2, 128, 512 };
	struct lab_flow other = lab_flow(10);
	struct lab l;

	for (unsigned e = 0; e < RTE_DIM(entries); e++) {
		lab_open(&l, NET(CTRL_VQ) | NET(RSS));
		for (uint16_t q = 0; q < 4; q++)
			lab_fill(&l, q, 200, 20);
		CU_ASSERT(configure(&l, VIRTIO_NET_CTRL_MQ_RSS_CONFIG, 0x12, entries[e], 4, 3) == 0);
		CU_ASSERT(l.nic.active_pairs == 4);
		for (unsigned i = 0; i < RTE_DIM(vectors); i++) {
			struct lab_flow f = vector_flow(&vectors[i]);
			uint32_t len = lab_packet(&f, packet, false);

			CU_ASSERT(lab_give(&l, -1, NULL, packet, len, 0) == 0);
			CU_ASSERT(queue_of(&l) == (vectors[i].tcp & (entries[e] - 1)) % 4);
			/* Who gives may know better. */
			CU_ASSERT(lab_give(&l, 1, NULL, packet, len, 0) == 0);
			CU_ASSERT(queue_of(&l) == 1);
		}
		other.udp = true; /* no type enabled: unclassified */
		CU_ASSERT(lab_give(&l, -1, NULL, packet, lab_packet(&other, packet, false), 0) == 0);
		CU_ASSERT(queue_of(&l) == 3);
		lab_close(&l);
	}
}

/* Without RSS flows are spread over what is ready, and stay where they are. */
static void nic_give__automatic_steering(void)
{
	struct lab_flow f = lab_flow(10);
	unsigned hits[4] = { 0 };
	uint16_t pairs = 4;
	struct lab l;

	lab_open(&l, NET(CTRL_VQ) | NET(MQ));
	for (uint16_t q = 0; q < 4; q++)
		lab_fill(&l, q, 200, 200);
	CU_ASSERT(lab_give(&l, -1, NULL, packet, lab_packet(&f, packet, false), 0) == 0);
	CU_ASSERT(queue_of(&l) == 0);
	CU_ASSERT(lab_ctrl(&l, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, &pairs, 2, NULL, 0) == 0);
	for (unsigned i = 0; i < 100; i++) {
		unsigned first;

		f.sport = (uint16_t)(2000 + i);
		CU_ASSERT(lab_give(&l, -1, NULL, packet, lab_packet(&f, packet, false), 0) == 0);
		first = queue_of(&l);
		CU_ASSERT_FATAL(first < 4);
		hits[first]++;
		CU_ASSERT(lab_give(&l, -1, NULL, packet, lab_packet(&f, packet, false), 0) == 0);
		CU_ASSERT(queue_of(&l) == first);
	}
	for (unsigned q = 0; q < 4; q++)
		CU_ASSERT(hits[q] > 5);
	/* A queue that stops is left out from the next flush on. */
	vnicd_ring_stop(&l.nic.queue[virtio_rxq_index(2)].ring);
	vnicd_nic_flush(&l.nic);
	for (unsigned i = 0; i < 100; i++) {
		f.sport = (uint16_t)(2000 + i);
		CU_ASSERT(lab_give(&l, -1, NULL, packet, lab_packet(&f, packet, false), 0) == 0);
		CU_ASSERT(queue_of(&l) < 2);
	}
	lab_close(&l);
}

static const struct test_case cases[] = {
	TEST_CASE(nic_give__filters),
	TEST_CASE(nic_give__hash_vectors),
	TEST_CASE(nic_give__hash_of_odd_packets),
	TEST_CASE(nic_give__rss),
	TEST_CASE(nic_give__automatic_steering),
};
TEST_MAIN("nic_steer", cases)
