/* SPDX-License-Identifier: BSD-3-Clause */
/* What a driver sends: headers by the rules and against them, any pieces. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <rte_common.h>

#include "tests/unit/test.h"
#include "tests/unit/vnicd/nic_lab.h"

#define ALL (NET(CSUM) | NET(HOST_TSO4) | NET(HOST_TSO6) | NET(HOST_ECN) | NET(HOST_USO))
#define GOOD VNICD_NIC_DROP_COUNT

static uint8_t packet[LAB_FRAME], got[LAB_FRAME];
static struct iovec iov[VNICD_CHAIN_MAX];

/* Take the packet that waits: the reason it was dropped for, GOOD with *f and its octets in got. */
static enum vnicd_nic_drop take(struct lab *l, struct vnicd_frame *f)
{
	int rc = vnicd_nic_take(&l->nic, 0, f, iov, RTE_DIM(iov));
	uint32_t at = 0;

	if (rc == 1) {
		for (unsigned i = 0; i < f->n; i++) {
			memcpy(got + at, f->iov[i].iov_base, f->iov[i].iov_len);
			at += (uint32_t)f->iov[i].iov_len;
		}
		CU_ASSERT(at == f->len);
		vnicd_nic_taken(&l->nic, 0);
		return GOOD;
	}
	CU_ASSERT(rc == 0);
	for (unsigned i = 0; i < GOOD; i++)
		if (l->nic.drop[i] != 0)
			return i;
	return 99;
}

/* A chain is given back once, with a length of 0. */
static void given_back(struct lab *l)
{
	uint32_t len = 1;

	vnicd_nic_flush(&l->nic);
	CU_ASSERT(lab_used(l, 1, &len) >= 0);
	CU_ASSERT(len == 0);
	CU_ASSERT(lab_used(l, 1, &len) == -1);
}

struct field {
	uint8_t at, len;
	uint16_t value;
};
#define H(field, v) { offsetof(struct vnic_net_hdr, field), sizeof(((struct vnic_net_hdr *)0)->field), v }

static const struct header_case {
	const char *what;
	uint64_t features;
	struct lab_flow flow;
	uint16_t gso_size;
	struct field change[2];
	enum vnicd_nic_drop want;
} headers[] = {
	{ "checksum", ALL, { .payload = 10 }, 0, { { 0 } }, GOOD },
	{ "checksum, not negotiated", 0, { .payload = 10 }, 0, { { 0 } }, VNICD_NIC_DROP_TX_HEADER },
	{ "checksum field is the last thing", ALL, { .udp = true }, 0, { H(csum_start, 34) }, GOOD },
	{ "checksum field beyond by one", ALL, { .udp = true }, 0, { H(csum_start, 35) }, VNICD_NIC_DROP_TX_HEADER },
	{ "start in the Ethernet header", ALL, { .payload = 10 }, 0, { H(csum_start, 13) }, VNICD_NIC_DROP_TX_HEADER },
	{ "start and offset overflow", ALL, { .payload = 10 }, 0, { H(csum_start, 65535), H(csum_offset, 65535) },
	  VNICD_NIC_DROP_TX_HEADER },
	{ "start beyond", ALL, { .payload = 10 }, 0, { H(csum_start, 64) }, VNICD_NIC_DROP_TX_HEADER },
	{ "DATA_VALID is not the driver's to set", ALL, { .payload = 10 }, 0, { H(flags, 2) }, GOOD },
	{ "num_buffers is ignored", ALL, { .payload = 10 }, 0, { H(num_buffers, 7) }, GOOD },
	{ "TSO4", ALL, { .payload = 3000 }, 1448, { { 0 } }, GOOD },
	{ "TSO4, of one segment", ALL, { .payload = 10 }, 1448, { { 0 } }, GOOD },
	{ "TSO4, options", ALL, { .payload = 3000, .l4_opts = 40 }, 1448, { { 0 } }, GOOD },
	{ "TSO4, tagged", ALL, { .payload = 3000, .vlan = 5 }, 1448, { { 0 } }, GOOD },
	{ "TSO4, hdr_len wrong: a hint only", ALL, { .payload = 3000 }, 1448, { H(hdr_len, 9) }, GOOD },
	{ "TSO4, not negotiated", NET(CSUM) | NET(HOST_TSO6), { .payload = 3000 }, 1448, { { 0 } },
	  VNICD_NIC_DROP_TX_HEADER },
	{ "TSO4, ECN", ALL, { .payload = 3000 }, 1448, { H(gso_type, 0x81) }, GOOD },
	{ "TSO4, ECN not negotiated", NET(CSUM) | NET(HOST_TSO4), { .payload = 3000 }, 1448, { H(gso_type, 0x81) },
	  VNICD_NIC_DROP_TX_HEADER },
	{ "TSO4 of size 0", ALL, { .payload = 3000 }, 1448, { H(gso_size, 0) }, VNICD_NIC_DROP_TX_HEADER },
	{ "TSO4 without checksum", ALL, { .payload = 3000 }, 1448, { H(flags, 0) }, VNICD_NIC_DROP_TX_HEADER },
	{ "TSO4 of IPv6", ALL, { .v6 = true, .payload = 3000 }, 1448, { H(gso_type, 1) }, VNICD_NIC_DROP_TX_HEADER },
	{ "TSO4 of UDP", ALL, { .udp = true, .payload = 3000 }, 1448, { H(gso_type, 1) }, VNICD_NIC_DROP_TX_HEADER },
	{ "TSO4, checksum elsewhere", ALL, { .payload = 3000 }, 1448, { H(csum_start, 30) },
	  VNICD_NIC_DROP_TX_HEADER },
	{ "TSO4, UDP's checksum", ALL, { .payload = 3000 }, 1448, { H(csum_offset, 6) }, VNICD_NIC_DROP_TX_HEADER },
	{ "TSO6", ALL, { .v6 = true, .payload = 3000 }, 1428, { { 0 } }, GOOD },
	{ "TSO6, not negotiated", NET(CSUM) | NET(HOST_TSO4), { .v6 = true, .payload = 3000 }, 1428, { { 0 } },
	  VNICD_NIC_DROP_TX_HEADER },
	{ "TSO6 of IPv4", ALL, { .payload = 3000 }, 1428, { H(gso_type, 4) }, VNICD_NIC_DROP_TX_HEADER },
	{ "USO", ALL, { .udp = true, .payload = 3000 }, 1000, { { 0 } }, GOOD },
	{ "USO of TCP", ALL, { .payload = 3000 }, 1000, { H(gso_type, 5) }, VNICD_NIC_DROP_TX_HEADER },
	{ "UFO", ALL, { .udp = true, .payload = 3000 }, 1000, { H(gso_type, 3) }, VNICD_NIC_DROP_TX_HEADER },
	{ "unknown segmentation", ALL, { .payload = 3000 }, 1448, { H(gso_type, 2) }, VNICD_NIC_DROP_TX_HEADER },
	{ "ECN alone", ALL, { .payload = 10 }, 1448, { H(gso_type, 0x80) }, VNICD_NIC_DROP_TX_HEADER },
	{ "both tunnels", ALL, { .payload = 3000 }, 1448, { H(gso_type, 0x61) }, VNICD_NIC_DROP_TX_HEADER },
	{ "as long as the MTU and two tags", ALL, { .payload = 1522 - 54 }, 0, { { 0 } }, GOOD },
	{ "longer", ALL, { .payload = 1523 - 54 }, 0, { { 0 } }, VNICD_NIC_DROP_TX_LONG },
	{ "the longest of all", ALL, { .payload = 65550 - 54 }, 1448, { { 0 } }, GOOD },
	{ "longer than that", ALL, { .payload = 65551 - 54 }, 1448, { { 0 } }, VNICD_NIC_DROP_TX_LONG },
};

static void run_header(const struct header_case *c)
{
	struct vnic_net_hdr hdr = lab_hdr(&c->flow, c->gso_size);
	uint32_t len = lab_packet(&c->flow, packet, true);
	struct vnicd_frame f;
	struct lab l;
	enum vnicd_nic_drop why;

	for (unsigned i = 0; i < RTE_DIM(c->change); i++)
		memcpy((uint8_t *)&hdr + c->change[i].at, &c->change[i].value, c->change[i].len);
	lab_open(&l, c->features);
	lab_send(&l, 0, &hdr, packet, len, 0);
	why = take(&l, &f);
	if (why != c->want)
		fprintf(stderr, "%s: %u\n", c->what, why);
	CU_ASSERT(why == c->want);
	if (why == GOOD) {
		CU_ASSERT(f.len == len && memcmp(got, packet, len) == 0);
		CU_ASSERT(f.hdr.num_buffers == 0 && (f.hdr.flags & ~1u) == 0);
		CU_ASSERT(f.hdr.hdr_len == (c->gso_size != 0 ? lab_payload_off(&c->flow) : 0));
		CU_ASSERT(l.nic.queue[1].stats.packets == 1 && l.nic.queue[1].stats.bytes == len);
	} else {
		CU_ASSERT(l.nic.queue[1].stats.packets == 0 && l.nic.queue[1].stats.malformed == 1);
	}
	given_back(&l);
	lab_close(&l);
}

static void nic_take__headers(void)
{
	for (unsigned i = 0; i < RTE_DIM(headers); i++)
		run_header(&headers[i]);
}

/* Header and packet in pieces of any size, the boundary between them anywhere. */
static void nic_take__any_layout(void)
{
	static const uint64_t features[] = { ALL, ALL | NET(HASH_REPORT) };
	struct lab_flow flow = lab_flow(90);
	struct vnic_net_hdr hdr = lab_hdr(&flow, 0);
	uint32_t len = lab_packet(&flow, packet, true);
	struct vnicd_frame f;
	struct lab l;

	for (unsigned i = 0; i < RTE_DIM(features); i++) {
		lab_open(&l, features[i]);
		for (uint32_t piece = 1; piece < 170; piece++) {
			lab_send(&l, 0, &hdr, packet, len, piece);
			CU_ASSERT(take(&l, &f) == GOOD);
			CU_ASSERT(f.len == len && memcmp(got, packet, len) == 0);
			given_back(&l);
		}
		lab_close(&l);
	}
}

static void nic_take__too_short(void)
{
	struct vnic_net_hdr hdr = { 0 };
	struct vnicd_frame f;
	struct lab l;

	for (uint32_t len = 0; len <= 14; len++) {
		lab_open(&l, ALL);
		lab_send(&l, 0, &hdr, packet, len, 0);
		CU_ASSERT(take(&l, &f) == (len < 14 ? VNICD_NIC_DROP_TX_SHORT : GOOD));
		given_back(&l);
		lab_close(&l);
	}
	for (uint32_t len = 1; len < 12; len++) {
		const struct lab_piece p = { &hdr, len, false };

		lab_open(&l, ALL);
		lab_post(&l, 1, &p, 1);
		CU_ASSERT(take(&l, &f) == VNICD_NIC_DROP_TX_SHORT);
		given_back(&l);
		lab_close(&l);
	}
}

/* Buffers to write have no business there; the packet before them is sent. */
static void nic_take__writable_pieces(void)
{
	static const uint8_t octets[12 + 60];
	const struct lab_piece p[] = { { octets, sizeof(octets), false }, { NULL, 100, true } };
	const struct lab_piece only = { NULL, 100, true };
	struct vnicd_frame f;
	struct lab l;

	lab_open(&l, ALL);
	lab_post(&l, 1, p, 2);
	CU_ASSERT(take(&l, &f) == GOOD && f.len == 60);
	given_back(&l);
	lab_post(&l, 1, &only, 1);
	CU_ASSERT(take(&l, &f) == VNICD_NIC_DROP_TX_SHORT);
	given_back(&l);
	lab_close(&l);
}

/* Behind bad ones the good one is found in the same call. */
static void nic_take__bad_ones_are_skipped(void)
{
	struct vnic_net_hdr bad = { .gso_type = 77 }, good = { 0 };
	struct vnicd_frame f;
	struct lab l;

	lab_open(&l, ALL);
	for (unsigned i = 0; i < 20; i++)
		lab_send(&l, 0, &bad, packet, 60, 0);
	lab_send(&l, 0, &good, packet, 61, 0);
	CU_ASSERT(vnicd_nic_take(&l.nic, 0, &f, iov, RTE_DIM(iov)) == 1);
	CU_ASSERT(f.len == 61);
	CU_ASSERT(l.nic.drop[VNICD_NIC_DROP_TX_HEADER] == 20);
	/* Without taken() the next take gives it back. */
	CU_ASSERT(vnicd_nic_take(&l.nic, 0, &f, iov, RTE_DIM(iov)) == 0);
	vnicd_nic_flush(&l.nic);
	CU_ASSERT(l.ring[1].used->idx == 21);
	CU_ASSERT(l.calls[1] == 1);
	lab_close(&l);
}

static void nic_take__only_from_queues_in_use(void)
{
	struct vnic_net_hdr hdr = { 0 };
	struct vnicd_frame f;
	struct lab l;

	lab_open(&l, ALL | NET(CTRL_VQ) | NET(MQ)); /* one pair until the driver asks for more */
	for (uint16_t pair = 0; pair < 4; pair++)
		lab_send(&l, pair, &hdr, packet, 60, 0);
	l.nic.queue[1].enabled = false;
	CU_ASSERT(vnicd_nic_take(&l.nic, 0, &f, iov, RTE_DIM(iov)) == 0);
	CU_ASSERT(vnicd_nic_take(&l.nic, 1, &f, iov, RTE_DIM(iov)) == 0);
	CU_ASSERT(vnicd_nic_take(&l.nic, 4, &f, iov, RTE_DIM(iov)) == 0);
	/* Disabled, the ring was drained, as vhost-user has it; enabled it goes on with what comes then. */
	vnicd_nic_flush(&l.nic);
	CU_ASSERT(l.ring[1].used->idx == 1 && l.nic.drop[VNICD_NIC_DROP_TX_DISABLED] == 1);
	l.nic.queue[1].enabled = true;
	CU_ASSERT(vnicd_nic_take(&l.nic, 0, &f, iov, RTE_DIM(iov)) == 0);
	lab_send(&l, 0, &hdr, packet, 60, 0);
	CU_ASSERT(vnicd_nic_take(&l.nic, 0, &f, iov, RTE_DIM(iov)) == 1);
	lab_close(&l);
}

static void nic_take__broken_ring(void)
{
	const struct lab_piece p = { packet, 80, false };
	struct vnicd_frame f;
	struct lab l;

	lab_open(&l, ALL);
	l.ring[1].desc[lab_post(&l, 1, &p, 1)].len = 0;
	CU_ASSERT(vnicd_nic_take(&l.nic, 0, &f, iov, RTE_DIM(iov)) == -EPROTO);
	CU_ASSERT(vnicd_nic_take(&l.nic, 0, &f, iov, RTE_DIM(iov)) == -EPROTO);
	CU_ASSERT(l.nic.queue[1].ring.error == VNICD_RING_ERROR_LENGTH);
	lab_close(&l);
}

/* The counters of device statistics. */
static void nic_take__counts_segments(void)
{
	struct lab_flow flow = lab_flow(3000);
	struct vnic_net_hdr hdr = lab_hdr(&flow, 1448);
	struct vnicd_queue_stats s;
	struct vnicd_frame f;
	struct lab l;

	lab_open(&l, ALL);
	lab_send(&l, 0, &hdr, packet, lab_packet(&flow, packet, true), 0);
	CU_ASSERT(take(&l, &f) == GOOD);
	flow.payload = 1448;
	lab_send(&l, 0, &hdr, packet, lab_packet(&flow, packet, true), 0);
	CU_ASSERT(take(&l, &f) == GOOD);
	hdr = (struct vnic_net_hdr){ 0 };
	lab_send(&l, 0, &hdr, packet, 60, 0);
	CU_ASSERT(take(&l, &f) == GOOD);
	l.nic.queue[1].ring.kicks = 5;
	vnicd_nic_queue_stats(&l.nic, 1, &s);
	CU_ASSERT(s.notifications == 5 && s.packets == 3 && s.bytes == 3054 + 1502 + 60);
	CU_ASSERT(s.csum_needed == 2 && s.csum_none == 1);
	CU_ASSERT(s.gso_packets == 2 && s.gso_bytes == 3054 + 1502);
	CU_ASSERT(s.gso_segments == 3 && s.gso_segment_bytes == 3000 + 3 * 54);
	CU_ASSERT(s.noseg_packets == 1 && s.noseg_bytes == 1502);
	lab_close(&l);
}

/* Octets at random where a header and a packet should be: no more than dropped. */
static void nic_take__any_octets(void)
{
	uint64_t seed = 5;
	struct vnicd_frame f;
	struct lab l;

	lab_open(&l, ALL);
	for (unsigned i = 0; i < 20000; i++) {
		struct lab_flow flow = lab_flow(test_random(&seed) % 200);
		struct vnic_net_hdr hdr = lab_hdr(&flow, 50);
		uint32_t len;

		flow.v6 = test_random(&seed) & 1;
		flow.udp = test_random(&seed) & 1;
		len = lab_packet(&flow, packet, true);
		for (unsigned n = test_random(&seed) % 6; n > 0; n--)
			packet[test_random(&seed) % len] = (uint8_t)test_random(&seed);
		if (test_random(&seed) & 1)
			((uint8_t *)&hdr)[test_random(&seed) % sizeof(hdr)] = (uint8_t)test_random(&seed);
		lab_send(&l, 0, &hdr, packet, 14 + (uint32_t)(test_random(&seed) % (len - 13)), 0);
		if (vnicd_nic_take(&l.nic, 0, &f, iov, RTE_DIM(iov)) == 1 && f.hdr.gso_type != 0)
			CU_ASSERT(f.hdr.gso_size > 0 && f.hdr.hdr_len <= f.len && f.hdr.csum_start < f.hdr.hdr_len);
		vnicd_nic_taken(&l.nic, 0);
		given_back(&l);
	}
	CU_ASSERT(l.nic.queue[1].stats.packets > 1000 && l.nic.queue[1].stats.malformed > 1000);
	lab_close(&l);
}

static const struct test_case cases[] = {
	TEST_CASE(nic_take__headers),
	TEST_CASE(nic_take__any_layout),
	TEST_CASE(nic_take__too_short),
	TEST_CASE(nic_take__writable_pieces),
	TEST_CASE(nic_take__bad_ones_are_skipped),
	TEST_CASE(nic_take__only_from_queues_in_use),
	TEST_CASE(nic_take__broken_ring),
	TEST_CASE(nic_take__counts_segments),
	TEST_CASE(nic_take__any_octets),
};
TEST_MAIN("nic_tx", cases)
