/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets for the driver: buffers of every size and kind, checksums and segments finished here. */
#include <errno.h>
#include <string.h>

#include <rte_common.h>

#include "tests/unit/test.h"
#include "tests/unit/vnicd/nic_lab.h"

#define GUEST (NET(GUEST_CSUM) | NET(GUEST_TSO4) | NET(GUEST_TSO6) | NET(GUEST_ECN) | \
	       NET(GUEST_USO4) | NET(GUEST_USO6))

static uint8_t packet[LAB_FRAME], got[LAB_FRAME];

static void nic_give__mergeable_buffers_of_every_size(void)
{
	struct lab_flow flow = lab_flow(400);
	uint32_t len = lab_packet(&flow, packet, false);
	struct vnic_net_hdr_hash hdr;
	struct lab l;

	for (uint32_t size = 12; size < 600; size++) {
		unsigned want = size >= len + 12 ? 1 : (len + 12 + size - 1) / size;

		lab_open(&l, NET(MRG_RXBUF));
		lab_fill(&l, 0, size, 64);
		CU_ASSERT(lab_give(&l, -1, NULL, packet, len, size % 37) == 0);
		CU_ASSERT(lab_recv(&l, 0, &hdr, got) == (int)len);
		CU_ASSERT(memcmp(got, packet, len) == 0);
		CU_ASSERT(hdr.hdr.num_buffers == want && hdr.hdr.flags == 0 && hdr.hdr.gso_type == 0);
		CU_ASSERT(lab_recv(&l, 0, &hdr, got) == -1);
		CU_ASSERT(l.nic.queue[0].ring.avail == want);
		lab_close(&l);
	}
}

/* Chains of several pieces, the header in as many. */
static void nic_give__chains(void)
{
	struct lab_flow flow = lab_flow(900);
	uint32_t len = lab_packet(&flow, packet, false);
	struct lab_piece p[200];
	struct vnic_net_hdr_hash hdr;
	struct lab l;

	for (uint32_t size = 1; size < 40; size++) {
		for (unsigned hash = 0; hash < 2; hash++) {
			unsigned n = RTE_MIN(200u, (len + 20) / size + 1);

			for (unsigned i = 0; i < n; i++)
				p[i] = (struct lab_piece){ NULL, i == n - 1 ? len : size, true };
			lab_open(&l, hash ? NET(HASH_REPORT) : 0);
			lab_post(&l, 0, p, n);
			CU_ASSERT(lab_give(&l, -1, NULL, packet, len, 0) == 0);
			CU_ASSERT(lab_recv(&l, 0, &hdr, got) == (int)len);
			CU_ASSERT(memcmp(got, packet, len) == 0 && hdr.hdr.num_buffers == 1);
			lab_close(&l);
		}
	}
}

/* What does not fit leaves the ring as it was. */
static void nic_give__no_room(void)
{
	static const struct {
		uint64_t features;
		uint32_t size;
		unsigned n;
		enum vnicd_nic_drop why;
		int rc;
	} rows[] = {
		{ 0, 0, 0, VNICD_NIC_DROP_RX_NO_BUFFER, -ENOBUFS },
		{ 0, 565, 3, VNICD_NIC_DROP_RX_TOO_SMALL, -EMSGSIZE },
		{ NET(MRG_RXBUF), 0, 0, VNICD_NIC_DROP_RX_NO_BUFFER, -ENOBUFS },
		{ NET(MRG_RXBUF), 100, 5, VNICD_NIC_DROP_RX_NO_BUFFER, -ENOBUFS },
		{ NET(MRG_RXBUF), 11, 60, VNICD_NIC_DROP_RX_TOO_SMALL, -EMSGSIZE },
	};
	struct lab_flow flow = lab_flow(500);
	uint32_t len = lab_packet(&flow, packet, false); /* 554 */
	struct vnic_net_hdr_hash hdr;
	struct lab l;

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		lab_open(&l, rows[i].features);
		lab_fill(&l, 0, rows[i].size, rows[i].n);
		for (unsigned n = 1; n < 4; n++) {
			CU_ASSERT(lab_give(&l, 0, NULL, packet, len, 0) == rows[i].rc);
			CU_ASSERT(l.nic.drop[rows[i].why] == n);
			CU_ASSERT(l.nic.queue[0].ring.avail == 0);
		}
		CU_ASSERT(l.nic.queue[0].stats.drops == 3);
		lab_fill(&l, 0, 600, 1);
		if (rows[i].n == 0) {
			CU_ASSERT(lab_give(&l, 0, NULL, packet, len, 0) == 0);
			CU_ASSERT(lab_recv(&l, 0, &hdr, got) == (int)len);
		}
		lab_close(&l);
	}
}

static void nic_give__bad_frames(void)
{
	struct lab_flow flow = lab_flow(500);
	uint32_t len = lab_packet(&flow, packet, true);
	const struct vnic_net_hdr rows[] = {
		{ .flags = 1, .csum_start = 13, .csum_offset = 16 },
		{ .flags = 1, .csum_start = 34, .csum_offset = 519 },
		{ .flags = 1, .csum_start = 65535, .csum_offset = 65535 },
		{ .flags = 1, .gso_type = 1, .gso_size = 0, .csum_start = 34, .csum_offset = 16 },
		{ .flags = 1, .gso_type = 2, .gso_size = 100, .csum_start = 34, .csum_offset = 16 },
		{ .flags = 1, .gso_type = 3, .gso_size = 100, .csum_start = 34, .csum_offset = 16 },
		{ .flags = 1, .gso_type = 4, .gso_size = 100, .csum_start = 34, .csum_offset = 16 },
		{ .flags = 1, .gso_type = 0x61, .gso_size = 100, .csum_start = 34, .csum_offset = 16 },
		{ .flags = 0, .gso_type = 1, .gso_size = 100 },
	};
	struct lab l;

	for (unsigned g = 0; g < 2; g++) {
		lab_open(&l, NET(MRG_RXBUF) | (g != 0 ? GUEST : 0));
		lab_fill(&l, 0, 2000, 20);
		for (unsigned i = 0; i < RTE_DIM(rows); i++) {
			CU_ASSERT(lab_give(&l, 0, &rows[i], packet, len, 0) == -EINVAL);
			CU_ASSERT(l.nic.drop[VNICD_NIC_DROP_RX_OFFLOAD] == i + 1);
		}
		CU_ASSERT(lab_give(&l, 0, NULL, packet, 13, 0) == -EINVAL);
		CU_ASSERT(l.nic.queue[0].ring.avail == 0);
		lab_close(&l);
	}
}

static void nic_give__queue_not_there(void)
{
	struct vnic_net_hdr_hash hdr;
	struct lab l;
	struct lab_flow flow = lab_flow(10);
	uint32_t len = lab_packet(&flow, packet, false);

	lab_open(&l, NET(CTRL_VQ) | NET(MQ));
	lab_fill(&l, 0, 200, 2);
	lab_fill(&l, 1, 200, 2);
	CU_ASSERT(lab_give(&l, 1, NULL, packet, len, 0) == -ENETDOWN); /* one pair is in use */
	CU_ASSERT(lab_give(&l, 4, NULL, packet, len, 0) == -ENETDOWN);
	CU_ASSERT(lab_give(&l, 70000, NULL, packet, len, 0) == -ENETDOWN);
	l.nic.queue[0].enabled = false;
	CU_ASSERT(lab_give(&l, 0, NULL, packet, len, 0) == -ENETDOWN);
	l.nic.queue[0].enabled = true;
	vnicd_ring_stop(&l.nic.queue[0].ring);
	CU_ASSERT(lab_give(&l, 0, NULL, packet, len, 0) == -ENETDOWN);
	CU_ASSERT(l.nic.drop[VNICD_NIC_DROP_RX_DISABLED] == 5);
	/* Each is that queue's, too, if there is such a queue. */
	CU_ASSERT(l.nic.queue[0].stats.disabled == 2 && l.nic.queue[0].stats.drops == 2);
	CU_ASSERT(l.nic.queue[2].stats.disabled == 1 && l.nic.queue[2].stats.drops == 1);
	CU_ASSERT(lab_recv(&l, 0, &hdr, got) == -1);
	lab_close(&l);
}

/* ---- checksums ----------------------------------------------------------------------- */
static const struct lab_flow flows[] = {
	{ .payload = 0 }, { .payload = 1 }, { .payload = 777, .l4_opts = 12 }, { .v6 = true, .payload = 500 },
	{ .udp = true, .payload = 33 }, { .v6 = true, .udp = true, .payload = 1000 }, { .vlan = 7, .payload = 99 },
};

/* Pieces of every length, so that the checksum is summed from odd and even positions and its field is split. */
static void nic_give__checksum_completed(void)
{
	struct vnic_net_hdr_hash hdr;
	struct lab l;

	for (unsigned i = 0; i < RTE_DIM(flows); i++) {
		struct vnic_net_hdr partial = lab_hdr(&flows[i], 0);

		for (uint32_t piece = RTE_MAX(1u, flows[i].payload / 500); piece < 120; piece++) {
			uint32_t len = lab_packet(&flows[i], packet, true);

			lab_open(&l, NET(MRG_RXBUF));
			lab_fill(&l, 0, 300, 8);
			CU_ASSERT(lab_give(&l, 0, &partial, packet, len, piece) == 0);
			CU_ASSERT(lab_recv(&l, 0, &hdr, got) == (int)len);
			CU_ASSERT(lab_packet_ok(got, len));
			CU_ASSERT(hdr.hdr.flags == 0 && hdr.hdr.csum_start == 0 && hdr.hdr.csum_offset == 0);
			lab_close(&l);
		}
	}
}

static void nic_give__checksum_left_to_the_driver(void)
{
	struct vnic_net_hdr_hash hdr;
	struct lab l;

	for (unsigned i = 0; i < RTE_DIM(flows); i++) {
		struct vnic_net_hdr partial = lab_hdr(&flows[i], 0);
		uint32_t len = lab_packet(&flows[i], packet, true);

		lab_open(&l, NET(GUEST_CSUM));
		lab_fill(&l, 0, 2000, 8);
		CU_ASSERT(lab_give(&l, 0, &partial, packet, len, 0) == 0);
		CU_ASSERT(lab_recv(&l, 0, &hdr, got) == (int)len);
		CU_ASSERT(memcmp(got, packet, len) == 0);
		CU_ASSERT(hdr.hdr.flags == 1 && hdr.hdr.csum_start == partial.csum_start &&
			  hdr.hdr.csum_offset == partial.csum_offset);
		lab_close(&l);
	}
}

/* 5.1.6.4.1: DATA_VALID only with GUEST_CSUM. */
static void nic_give__data_valid(void)
{
	const struct vnic_net_hdr valid = { .flags = 0xfe };
	struct vnic_net_hdr_hash hdr;
	struct lab l;

	for (unsigned csum = 0; csum < 2; csum++) {
		lab_open(&l, csum ? NET(GUEST_CSUM) : 0);
		lab_fill(&l, 0, 2000, 1);
		CU_ASSERT(lab_give(&l, 0, &valid, packet, 100, 0) == 0);
		CU_ASSERT(lab_recv(&l, 0, &hdr, got) == 100);
		CU_ASSERT(hdr.hdr.flags == (csum ? 2 : 0));
		CU_ASSERT(l.nic.queue[0].stats.csum_valid == csum && l.nic.queue[0].stats.csum_none == 1 - csum);
		lab_close(&l);
	}
}

/* A sum of 0 is sent as all ones by UDP, and as it is by TCP. */
static void nic_give__checksum_of_zero(void)
{
	struct vnic_net_hdr_hash hdr;
	struct lab l;

	for (unsigned udp = 0; udp < 2; udp++) {
		struct lab_flow flow = { .udp = udp, .payload = 2 };
		uint32_t at = lab_l4_off(&flow) + (udp ? 6 : 16), len = lab_packet(&flow, packet, true);
		struct vnic_net_hdr partial = lab_hdr(&flow, 0);

		/* Everything 0 but a pseudo header's sum of all ones: its complement is 0. */
		memset(packet + partial.csum_start, 0, len - partial.csum_start);
		packet[at] = packet[at + 1] = 0xff;
		lab_open(&l, 0);
		lab_fill(&l, 0, 2000, 1);
		CU_ASSERT(lab_give(&l, 0, &partial, packet, len, 0) == 0);
		CU_ASSERT(lab_recv(&l, 0, &hdr, got) == (int)len);
		CU_ASSERT(got[at] == (udp ? 0xff : 0) && got[at + 1] == (udp ? 0xff : 0));
		lab_close(&l);
	}
}

/* ---- segments ------------------------------------------------------------------------ */
struct cut {
	struct lab_flow flow;
	uint16_t size;
	uint8_t gso; /* modifiers */
};
static const struct cut cuts[] = {
	{ { .payload = 5000, .tcp_flags = 0x19 }, 1448, 0 },
	{ { .payload = 5000, .tcp_flags = 0x99, .l4_opts = 12 }, 1000, 0x80 },
	{ { .payload = 1448, .tcp_flags = 0x18 }, 1448, 0 },
	{ { .payload = 0, .tcp_flags = 0x10 }, 1448, 0 },
	{ { .payload = 64000, .tcp_flags = 0x18 }, 1448, 0 },
	{ { .v6 = true, .payload = 64000, .tcp_flags = 0x19 }, 1428, 0 },
	{ { .vlan = 3, .v6 = true, .payload = 3001, .tcp_flags = 0x19, .l4_opts = 40 }, 999, 0 },
	{ { .udp = true, .payload = 5000 }, 1472, 0 },
	{ { .udp = true, .v6 = true, .payload = 5000 }, 1000, 0 },
};

/* Each segment whole and right, together the payload. */
static void check_segments(struct lab *l, const struct cut *c, bool csum)
{
	const struct lab_flow *f = &c->flow;
	uint32_t at = lab_payload_off(f), l4 = lab_l4_off(f), done = 0, n = 0;
	struct vnic_net_hdr_hash hdr;
	int len;

	while ((len = lab_recv(l, 0, &hdr, got)) >= 0) {
		uint32_t part = (uint32_t)len - at;
		uint8_t flags = f->tcp_flags;

		CU_ASSERT(part == RTE_MIN(c->size, f->payload - done));
		CU_ASSERT(hdr.hdr.gso_type == 0 && hdr.hdr.gso_size == 0 && hdr.hdr.flags == (csum ? 1 : 0));
		CU_ASSERT(csum || lab_packet_ok(got, (uint32_t)len));
		for (uint32_t i = 0; i < part; i++)
			if (got[at + i] != lab_octet(done + i))
				CU_FAIL("payload");
		done += part;
		if (!f->udp) {
			if (done < f->payload)
				flags &= (uint8_t)~0x09;
			if (n > 0)
				flags &= (uint8_t)~0x80;
			CU_ASSERT(got[l4 + 13] == flags);
			CU_ASSERT((uint32_t)(got[l4 + 5] << 16 | got[l4 + 6] << 8 | got[l4 + 7]) ==
				  0xff00 + n * c->size);
		}
		if (!f->v6)
			CU_ASSERT((got[l4 - 16] << 8 | got[l4 - 15]) == 0x1234 + (int)n);
		n++;
	}
	CU_ASSERT(done == f->payload && n == RTE_MAX(1u, (f->payload + c->size - 1) / c->size));
}

static void run_cut(const struct cut *c, uint64_t features, uint32_t buffer, uint32_t piece)
{
	struct vnic_net_hdr hdr = lab_hdr(&c->flow, c->size);
	uint32_t len = lab_packet(&c->flow, packet, true);
	struct lab l;

	hdr.gso_type |= c->gso;
	lab_open(&l, features);
	lab_fill(&l, 0, buffer, 250);
	CU_ASSERT(lab_give(&l, 0, &hdr, packet, len, piece) == 0);
	check_segments(&l, c, (features & NET(GUEST_CSUM)) != 0);
	lab_close(&l);
}

static void nic_give__cut_for_a_driver_without(void)
{
	for (unsigned i = 0; i < RTE_DIM(cuts); i++) {
		run_cut(&cuts[i], 0, 1600, 0);
		run_cut(&cuts[i], NET(MRG_RXBUF), 1000, 101);
		run_cut(&cuts[i], NET(MRG_RXBUF) | NET(GUEST_CSUM), 700, 1021);
		/* The other one's segmentation does not help. */
		run_cut(&cuts[i], NET(GUEST_CSUM) | (cuts[i].flow.v6 ? NET(GUEST_TSO4) | NET(GUEST_USO4)
								      : NET(GUEST_TSO6) | NET(GUEST_USO6)), 1600, 0);
	}
	/* ECN is a feature of its own. */
	run_cut(&cuts[1], NET(GUEST_CSUM) | NET(GUEST_TSO4), 1600, 0);
}

static void nic_give__whole_for_a_driver_with(void)
{
	struct vnic_net_hdr_hash hdr;
	struct lab l;

	for (unsigned i = 0; i < RTE_DIM(cuts); i++) {
		struct vnic_net_hdr want = lab_hdr(&cuts[i].flow, cuts[i].size);
		uint32_t len = lab_packet(&cuts[i].flow, packet, true);

		want.gso_type |= cuts[i].gso;
		lab_open(&l, GUEST | NET(MRG_RXBUF));
		lab_fill(&l, 0, 2000, 40);
		CU_ASSERT(lab_give(&l, 0, &want, packet, len, 3000) == 0);
		CU_ASSERT(lab_recv(&l, 0, &hdr, got) == (int)len);
		CU_ASSERT(memcmp(got, packet, len) == 0);
		want.num_buffers = hdr.hdr.num_buffers;
		CU_ASSERT(memcmp(&hdr.hdr, &want, sizeof(want)) == 0);
		CU_ASSERT(l.nic.queue[0].stats.gso_packets == 1 && l.nic.queue[0].stats.gso_bytes == len);
		lab_close(&l);
	}
}

static void nic_give__too_many_segments(void)
{
	struct lab_flow flow = lab_flow(60000);
	struct vnic_net_hdr hdr = lab_hdr(&flow, 1);
	uint32_t len = lab_packet(&flow, packet, true);
	struct lab l;

	lab_open(&l, 0);
	lab_fill(&l, 0, 2000, 200);
	CU_ASSERT(lab_give(&l, 0, &hdr, packet, len, 0) == -EINVAL);
	CU_ASSERT(l.nic.drop[VNICD_NIC_DROP_RX_OFFLOAD] == 1 && l.nic.queue[0].ring.avail == 0);
	/* Those that found room stay, the rest is one drop. */
	hdr.gso_size = 100;
	CU_ASSERT(lab_give(&l, 0, &hdr, packet, len, 0) == -ENOBUFS);
	CU_ASSERT(l.nic.drop[VNICD_NIC_DROP_RX_NO_BUFFER] == 1 && l.nic.queue[0].stats.packets == 200);
	lab_close(&l);
}

static void nic_flush__interrupts_once_where_wanted(void)
{
	struct lab l;

	lab_open(&l, NET(MRG_RXBUF));
	lab_fill(&l, 0, 200, 8);
	lab_fill(&l, 1, 200, 8);
	l.ring[2].avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT(lab_give(&l, 0, NULL, packet, 60, 0) == 0);
		CU_ASSERT(lab_give(&l, 1, NULL, packet, 60, 0) == 0);
		CU_ASSERT(l.ring[0].used->idx == 0 && l.calls[0] == 0);
	}
	vnicd_nic_flush(&l.nic);
	vnicd_nic_flush(&l.nic);
	CU_ASSERT(l.ring[0].used->idx == 4 && l.calls[0] == 1 && l.nic.queue[0].stats.interrupts == 1);
	CU_ASSERT(l.ring[2].used->idx == 4 && l.calls[2] == 0 && l.nic.queue[2].stats.interrupts == 0);
	lab_close(&l);
}

static const struct test_case cases[] = {
	TEST_CASE(nic_give__mergeable_buffers_of_every_size),
	TEST_CASE(nic_give__chains),
	TEST_CASE(nic_give__no_room),
	TEST_CASE(nic_give__bad_frames),
	TEST_CASE(nic_give__queue_not_there),
	TEST_CASE(nic_give__checksum_completed),
	TEST_CASE(nic_give__checksum_left_to_the_driver),
	TEST_CASE(nic_give__data_valid),
	TEST_CASE(nic_give__checksum_of_zero),
	TEST_CASE(nic_give__cut_for_a_driver_without),
	TEST_CASE(nic_give__whole_for_a_driver_with),
	TEST_CASE(nic_give__too_many_segments),
	TEST_CASE(nic_flush__interrupts_once_where_wanted),
};
TEST_MAIN("nic_rx", cases)
