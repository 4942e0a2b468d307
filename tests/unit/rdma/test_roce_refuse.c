/* SPDX-License-Identifier: BSD-3-Clause */
/* What the engine refuses, and what it throws away. */
#include <errno.h>
#include <string.h>

#include "pmd/rdma/psn.h"
#include "tests/unit/rdma/gen.h"

static struct gen g;
static uint8_t data[4096];

/* ---- refusals ------------------------------------------------------------------------------------------- */

static void expect_refusal(uint8_t syndrome, uint32_t psn, uint32_t msn)
{
	struct rd_event ev[2];
	struct rd_wc wc[4];

	gen_expect_answer(&g, syndrome, psn, msn);
	CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_ERR);
	CU_ASSERT_EQUAL(rd_poll(g.dev, wc, 4), 2);
	CU_ASSERT_EQUAL(wc[1].status, RD_WC_WR_FLUSH_ERR);
	CU_ASSERT_EQUAL(wc[1].cookie, 102);
	CU_ASSERT_EQUAL(rd_event_poll(g.dev, ev, 2), 1);
	CU_ASSERT_EQUAL(ev[0].type, RD_EV_QP_FATAL);
	/* And nothing more. */
	gen_write_only(&g, psn, true, data, 0);
	gen_expect_silence(&g);
	CU_ASSERT_EQUAL(gen_counters(&g).bad_state, 1);
}

static void open_for_refusal(void)
{
	gen_open(&g, 3);
	CU_ASSERT_EQUAL(gen_recv(&g, 101, 0, 1024), 0);
	CU_ASSERT_EQUAL(gen_recv(&g, 102, 0, 1024), 0);
}

static void responder_input__bad_region(void)
{
	static const struct { uint32_t key_xor; int64_t at; uint32_t len; bool key; } cases[] = {
		{ 0x80000000, 0, 8, true }, { 0x100, 0, 8, true }, { 3, 0, 8, true }, { UINT32_MAX, 0, 8, true },
		{ 0, -1, 8, false }, { 0, GEN_MEM - 7, 8, false }, { 0, GEN_MEM, 1, false }, { 0, INT64_MAX, 8, false },
		{ 0, -2, 1, false },
	};

	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		open_for_refusal();
		memset(data, 0x55, 8);
		gen_in(&g, &(struct gen_pkt){ .op = OP_WRITE_ONLY, .psn = GEN_RQ_PSN, .payload = data, .len = cases[i].len,
					      .va = gen_va(&g, 0) + (uint64_t)cases[i].at, .dma_len = cases[i].len,
					      .rkey = rd_mr_rkey(g.mr) ^ cases[i].key_xor });
		expect_refusal(AETH_NAK_ACCESS, GEN_RQ_PSN, 0);
		CU_ASSERT_EQUAL(gen_counters(&g).rkey_err, cases[i].key);
		CU_ASSERT_EQUAL(gen_counters(&g).access_err, !cases[i].key);
		CU_ASSERT_EQUAL(g.mem[0], 0);
		CU_ASSERT_EQUAL(g.mem[GEN_MEM - 1], 0);
		gen_close(&g);
	}
}

/* The whole length is looked at with the first packet. */
static void responder_input__long_write_beyond_the_region(void)
{
	static const struct { uint32_t at, len; uint8_t syndrome; } cases[] = {
		{ GEN_MEM - 2047, 2048, AETH_NAK_ACCESS }, { 1, GEN_MEM, AETH_NAK_ACCESS },
		{ 0, 0x80000000, AETH_NAK_ACCESS }, { 0, 0x80000001, AETH_NAK_INVALID }, { 0, UINT32_MAX, AETH_NAK_INVALID },
	};

	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		open_for_refusal();
		gen_in(&g, &(struct gen_pkt){ .op = OP_WRITE_FIRST, .psn = GEN_RQ_PSN, .payload = data, .len = 1024,
					      .va = gen_va(&g, cases[i].at), .dma_len = cases[i].len, .rkey = rd_mr_rkey(g.mr) });
		expect_refusal(cases[i].syndrome, GEN_RQ_PSN, 0);
		gen_close(&g);
	}
}

static void refused_region(struct rd_pd *pd, uint8_t access)
{
	struct rd_req req = { .op = RD_REQ_MR_REG, .pd = pd, .addr = g.mem, .len = 100, .access = access };

	CU_ASSERT_EQUAL_FATAL(gen_do(&g, &req), 0);
	gen_in(&g, &(struct gen_pkt){ .op = OP_WRITE_ONLY, .psn = GEN_RQ_PSN, .payload = data, .len = 8,
				      .va = rd_mr_addr(req.mr), .dma_len = 8, .rkey = rd_mr_rkey(req.mr) });
	expect_refusal(AETH_NAK_ACCESS, GEN_RQ_PSN, 0);
}

static void responder_input__region_not_for_writing(void)
{
	open_for_refusal();
	refused_region(g.pd, RD_ACCESS_REMOTE_READ | RD_ACCESS_LOCAL_WRITE);
	gen_close(&g);
}

static void responder_input__region_of_another_domain(void)
{
	struct rd_req req = { .op = RD_REQ_PD_ALLOC };

	open_for_refusal();
	CU_ASSERT_EQUAL_FATAL(gen_do(&g, &req), 0);
	refused_region(req.pd, RD_ACCESS_REMOTE_WRITE | RD_ACCESS_LOCAL_WRITE);
	gen_close(&g);
}

static void responder_input__region_gone_in_the_middle(void)
{
	struct rd_req req = { .op = RD_REQ_MR_REG, .len = 4096,
			      .access = RD_ACCESS_REMOTE_WRITE | RD_ACCESS_LOCAL_WRITE };
	struct gen_pkt p = { .op = OP_WRITE_FIRST, .psn = GEN_RQ_PSN, .payload = data, .len = 1024, .dma_len = 3000 };

	open_for_refusal();
	req.pd = g.pd;
	req.addr = g.mem;
	CU_ASSERT_EQUAL_FATAL(gen_do(&g, &req), 0);
	p.rkey = rd_mr_rkey(req.mr);
	p.va = rd_mr_addr(req.mr);
	gen_in(&g, &p);
	req.op = RD_REQ_MR_DEREG;
	CU_ASSERT_EQUAL(gen_do(&g, &req), 0);
	/* Its place is taken by another. */
	req.op = RD_REQ_MR_REG;
	CU_ASSERT_EQUAL_FATAL(gen_do(&g, &req), 0);
	memset(data, 0x55, 1024);
	p.op = OP_WRITE_MIDDLE;
	p.psn++;
	gen_in(&g, &p);
	expect_refusal(AETH_NAK_ACCESS, GEN_RQ_PSN + 1, 0);
	CU_ASSERT_NOT_EQUAL(g.mem[1024], 0x55);
	gen_close(&g);
}

static void responder_input__nothing_needs_no_key(void)
{
	gen_open(&g, 3);
	gen_in(&g, &(struct gen_pkt){ .op = OP_WRITE_ONLY, .psn = GEN_RQ_PSN, .ack_req = true });
	gen_expect_answer(&g, AETH_ACK, GEN_RQ_PSN, 1);
	gen_close(&g);
}

/* Up to three packets at MTU 1024; the last one is refused. */
struct refused {
	struct { uint8_t op; uint16_t len; uint32_t dma_len; } p[3];
	uint8_t pad_xor;
};

static void responder_input__bad_sequence_or_length(void)
{
	static const struct refused cases[] = {
		{ .p = { { OP_WRITE_LAST, 8, 0 } } }, { .p = { { OP_WRITE_MIDDLE, 1024, 0 } } },
		{ .p = { { OP_SEND_LAST, 8, 0 } } }, { .p = { { OP_SEND_MIDDLE, 1024, 0 } } },
		{ .p = { { OP_WRITE_ONLY, 8, 8 }, { OP_WRITE_MIDDLE, 1024, 0 } } },
		{ .p = { { OP_SEND_ONLY, 8, 0 }, { OP_SEND_LAST, 8, 0 } } },
		/* One message inside another. */
		{ .p = { { OP_WRITE_FIRST, 1024, 3000 }, { OP_SEND_ONLY, 8, 0 } } },
		{ .p = { { OP_WRITE_FIRST, 1024, 3000 }, { OP_WRITE_FIRST, 1024, 3000 } } },
		{ .p = { { OP_WRITE_FIRST, 1024, 3000 }, { OP_WRITE_ONLY, 8, 8 } } },
		{ .p = { { OP_WRITE_FIRST, 1024, 3000 }, { OP_READ_REQUEST, 0, 8 } } },
		{ .p = { { OP_SEND_FIRST, 1024, 0 }, { OP_WRITE_ONLY, 8, 8 } } },
		{ .p = { { OP_SEND_FIRST, 1024, 0 }, { OP_SEND_FIRST, 1024, 0 } } },
		{ .p = { { OP_SEND_FIRST, 1024, 0 }, { OP_WRITE_LAST, 8, 0 } } },
		/* Pieces of the wrong size. */
		{ .p = { { OP_WRITE_FIRST, 1000, 3000 } } }, { .p = { { OP_WRITE_FIRST, 1028, 3000 } } },
		{ .p = { { OP_SEND_FIRST, 500, 0 } } }, { .p = { { OP_SEND_ONLY, 1025, 0 } } },
		{ .p = { { OP_SEND_FIRST, 0, 0 } } }, { .p = { { OP_WRITE_ONLY, 1025, 1025 } } },
		{ .p = { { OP_WRITE_FIRST, 1024, 3000 }, { OP_WRITE_MIDDLE, 1020, 0 } } },
		{ .p = { { OP_SEND_FIRST, 1024, 0 }, { OP_SEND_LAST, 0, 0 } } },
		/* Lengths that do not add up. */
		{ .p = { { OP_WRITE_ONLY, 16, 32 } } }, { .p = { { OP_WRITE_ONLY, 32, 16 } } },
		{ .p = { { OP_WRITE_ONLY, 0, 16 } } }, { .p = { { OP_WRITE_ONLY, 16, 0 } } },
		{ .p = { { OP_WRITE_FIRST, 1024, 1024 } } }, { .p = { { OP_WRITE_FIRST, 1024, 8 } } },
		{ .p = { { OP_WRITE_FIRST, 1024, 2048 }, { OP_WRITE_MIDDLE, 1024, 0 } } },
		{ .p = { { OP_WRITE_FIRST, 1024, 3000 }, { OP_WRITE_LAST, 1024, 0 } } },
		{ .p = { { OP_WRITE_FIRST, 1024, 3000 }, { OP_WRITE_MIDDLE, 1024, 0 }, { OP_WRITE_LAST, 951, 0 } } },
		{ .p = { { OP_WRITE_FIRST, 1024, 3000 }, { OP_WRITE_MIDDLE, 1024, 0 }, { OP_WRITE_LAST, 953, 0 } } },
		/* Not offered. */
		{ .p = { { OP_SEND_ONLY_IMM, 8, 0 } } }, { .p = { { OP_WRITE_ONLY_IMM, 8, 8 } } },
		{ .p = { { OP_SEND_ONLY_INV, 8, 0 } } }, { .p = { { OP_CMP_SWAP, 0, 0 } } },
		{ .p = { { OP_FETCH_ADD, 0, 0 } } }, { .p = { { OP_READ_REQUEST, 8, 8 } } },
		{ .p = { { OP_SEND_FIRST, 1024, 0 }, { OP_SEND_LAST_IMM, 8, 0 } } },
		{ .p = { { OP_WRITE_FIRST, 1024, 3000 }, { OP_WRITE_LAST_IMM, 8, 0 } } },
	};

	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		unsigned n = 0;
		uint32_t msn = 0;

		gen_open(&g, 3);
		CU_ASSERT_EQUAL(gen_recv(&g, 101, 0, 3000), 0);
		CU_ASSERT_EQUAL(gen_recv(&g, 102, 0, 3000), 0);
		for (; n < 3 && (n == 0 || cases[i].p[n].op != 0 || cases[i].p[n].len != 0); n++) {
			CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_RTS);
			msn = gen_info(&g).msn;
			gen_in(&g, &(struct gen_pkt){ .op = cases[i].p[n].op, .psn = GEN_RQ_PSN + n, .payload = data,
						      .len = cases[i].p[n].len, .dma_len = cases[i].p[n].dma_len, .va = gen_va(&g, 0),
						      .rkey = rd_mr_rkey(g.mr) });
		}
		expect_refusal(AETH_NAK_INVALID, GEN_RQ_PSN + n - 1, msn);
		CU_ASSERT_EQUAL(gen_counters(&g).invalid_request, 1);
		gen_close(&g);
	}
}

static void responder_input__wrong_pad(void)
{
	open_for_refusal();
	/* 9 octets and no pad: the packet is no multiple of four. */
	gen_in(&g, &(struct gen_pkt){ .op = OP_SEND_ONLY, .psn = GEN_RQ_PSN, .payload = data, .len = 9, .no_pad = true });
	expect_refusal(AETH_NAK_INVALID, GEN_RQ_PSN, 0);
	gen_close(&g);
}

static void responder_input__write_not_allowed_on_the_queue_pair(void)
{
	gen_open_with(&g, &(struct roce_config){ 0 });
	gen_qp(&g, 0);
	gen_attr(&g, 3);
	gen_connect(&g, true);
	gen_write_only(&g, GEN_RQ_PSN, true, data, 8);
	gen_expect_answer(&g, AETH_NAK_INVALID, GEN_RQ_PSN, 0);
	CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_ERR);
	gen_close(&g);
}

static void responder_input__send_too_long(void)
{
	struct rd_wc wc[3];

	gen_open(&g, 3);
	CU_ASSERT_EQUAL(gen_recv(&g, 1, 0, 1500), 0);
	CU_ASSERT_EQUAL(gen_recv(&g, 2, 0, 1500), 0);
	gen_in(&g, &(struct gen_pkt){ .op = OP_SEND_FIRST, .psn = GEN_RQ_PSN, .payload = data, .len = 1024 });
	gen_in(&g, &(struct gen_pkt){ .op = OP_SEND_LAST, .psn = GEN_RQ_PSN + 1, .payload = data, .len = 477 });
	gen_expect_answer(&g, AETH_NAK_INVALID, GEN_RQ_PSN + 1, 0);
	CU_ASSERT_EQUAL(rd_poll(g.dev, wc, 3), 2);
	CU_ASSERT_EQUAL(wc[0].status, RD_WC_LOC_LEN_ERR);
	CU_ASSERT_EQUAL(wc[1].status, RD_WC_WR_FLUSH_ERR);
	gen_close(&g);
}

/* ---- wrong packets ---------------------------------------------------------------------------------------- */

struct wrong {
	const char *name;
	struct gen_pkt p;
	size_t counter;
};
#define COUNTS(name) offsetof(struct rd_counters, name)

static void roce_input__wrong_packets(void)
{
	static const struct wrong cases[] = {
		{ "source", { .src = GEN_PEER_IP + 1 }, COUNTS(bad_addr) },
		{ "destination", { .dst = GEN_OUR_IP + 7 }, COUNTS(bad_addr) },
		{ "other way round", { .src = GEN_OUR_IP, .dst = GEN_PEER_IP }, COUNTS(bad_addr) },
		{ "queue pair", { .qpn = 0x777777 }, COUNTS(bad_qpn) },
		{ "general services", { .qpn = 1 }, COUNTS(bad_qpn) },
		{ "multicast", { .qpn = 0xffffff }, COUNTS(bad_qpn) },
		{ "partition", { .pkey = 0x8001 }, COUNTS(bad_pkey) },
		{ "version", { .tver = 1 }, COUNTS(bad_tver) },
		{ "ICRC", { .icrc_xor = 1 }, COUNTS(icrc_err) },
		{ "reserved operation", { .op = 0x15 }, COUNTS(bad_opcode) },
		{ "reserved operation", { .op = 0x18 }, COUNTS(bad_opcode) },
		{ "flush", { .op = 0x1c }, COUNTS(bad_opcode) },
		{ "atomic write", { .op = 0x1d }, COUNTS(bad_opcode) },
		{ "datagram", { .op = 0x64 }, COUNTS(bad_opcode) },
		{ "unreliable", { .op = 0x24 }, COUNTS(bad_opcode) },
		{ "CNP with wrong ICRC", { .op = OP_CNP, .icrc_xor = 0x80 }, COUNTS(icrc_err) },
		{ "fragment, first", { .frag = 0x2000 }, COUNTS(fragment) },
		{ "fragment, later", { .frag = 0x0010 }, COUNTS(fragment) },
		{ "options", { .ihl = 6 }, COUNTS(ip_options) },
		{ "IP length beyond the packet", { .ip_len_add = 1, .udp_len_add = 1 }, COUNTS(bad_len) },
		{ "UDP length beyond IP", { .udp_len_add = 1 }, COUNTS(bad_len) },
		{ "UDP length short of IP", { .udp_len_add = -4 }, COUNTS(bad_len) },
		{ "one octet cut", { .ip_len_add = -1, .udp_len_add = -1 }, COUNTS(bad_len) },
		{ "one octet cut of more", { .payload = data, .len = 8, .ip_len_add = -1, .udp_len_add = -1 },
		  COUNTS(icrc_err) },
		{ "no ICRC", { .ip_len_add = -4, .udp_len_add = -4 }, COUNTS(bad_len) },
		{ "pad without payload", { .pad_xor = 3 }, COUNTS(bad_len) },
		{ "UDP checksum", { .udp_cksum = 0x1234 }, COUNTS(bad_udp_cksum) },
	};
	uint64_t total = 0;

	gen_open(&g, 3);
	CU_ASSERT_EQUAL(gen_recv(&g, 1, 0, 44), 0);
	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		struct gen_pkt p = cases[i].p;
		struct rd_counters before = gen_counters(&g), after;
		uint64_t b, a;

		if (p.op == 0)
			p.op = OP_SEND_ONLY;
		p.psn = GEN_RQ_PSN;
		p.ack_req = true;
		gen_in(&g, &p);
		after = gen_counters(&g);
		memcpy(&b, (uint8_t *)&before + cases[i].counter, sizeof(b));
		memcpy(&a, (uint8_t *)&after + cases[i].counter, sizeof(a));
		if (a != b + 1) {
			fprintf(stderr, "not counted: %s\n", cases[i].name);
			CU_FAIL("not counted");
		}
		total++;
		CU_ASSERT_EQUAL(after.rcvd_pkts, 0);
		gen_expect_silence(&g);
		CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_RTS);
	}
	/* It still works. */
	gen_in(&g, &(struct gen_pkt){ .op = OP_SEND_ONLY, .psn = GEN_RQ_PSN, .ack_req = true });
	gen_expect_answer(&g, AETH_ACK, GEN_RQ_PSN, 1);
	gen_close(&g);
}

/* What routers, peers and links may change, or leave open. */
static void roce_input__what_may_differ(void)
{
	static const struct gen_pkt cases[] = {
		{ .ttl = 1 }, { .ttl = 255 }, { .tos = 0xff }, { .pkey = 0x7fff }, { .bth4 = 0xff }, { .bth8 = 0x7f },
		{ .udp_cksum = 1 }, { .trailer = 1 }, { .trailer = 46 }, { .frag = 0x8000 },
	};

	for (unsigned pieces = 0; pieces <= 41; pieces += 41) {
		gen_open(&g, 3);
		g.in_pieces = pieces;
		for (unsigned i = 0; i < RTE_DIM(cases); i++) {
			struct gen_pkt p = cases[i];

			p.op = OP_WRITE_ONLY;
			p.psn = GEN_RQ_PSN + i;
			p.ack_req = true;
			p.payload = data;
			p.len = p.dma_len = 7 + i;
			p.va = gen_va(&g, 0);
			p.rkey = rd_mr_rkey(g.mr);
			gen_in(&g, &p);
			gen_expect_answer(&g, AETH_ACK, GEN_RQ_PSN + i, i + 1);
		}
		CU_ASSERT_EQUAL(gen_counters(&g).ce_rcvd, 1);
		gen_close(&g);
	}
}

static void roce_input__cnp_is_not_answered(void)
{
	gen_open(&g, 3);
	gen_in(&g, &(struct gen_pkt){ .op = OP_CNP, .bth4 = 0x40, .ack_req = true });
	gen_expect_silence(&g);
	CU_ASSERT_EQUAL(gen_counters(&g).cnp_rcvd, 1);
	CU_ASSERT_EQUAL(gen_info(&g).rq_psn, GEN_RQ_PSN);
	gen_close(&g);
}

static void roce_input__queue_pair_destroyed(void)
{
	struct rd_req req = { .op = RD_REQ_QP_DESTROY };
	uint32_t old;

	gen_open(&g, 3);
	for (unsigned i = 0; i < 20; i++) {
		old = rd_qp_num(g.qp);
		req.qp = g.qp;
		CU_ASSERT_EQUAL(gen_do(&g, &req), 0);
		gen_qp(&g, 0);
		gen_connect(&g, true);
		CU_ASSERT_NOT_EQUAL(rd_qp_num(g.qp), old);
		CU_ASSERT_EQUAL(roce_qpn_lcore(rd_qp_num(g.qp)), 3);
		gen_in(&g, &(struct gen_pkt){ .op = OP_SEND_ONLY, .psn = GEN_RQ_PSN, .ack_req = true, .qpn = old });
		gen_expect_silence(&g);
		CU_ASSERT_EQUAL(gen_counters(&g).bad_qpn, i + 1);
		CU_ASSERT_EQUAL(gen_recv(&g, 1, 0, 44), 0);
		gen_in(&g, &(struct gen_pkt){ .op = OP_SEND_ONLY, .psn = GEN_RQ_PSN, .ack_req = true });
		gen_expect_answer(&g, AETH_ACK, GEN_RQ_PSN, 1);
	}
	gen_close(&g);
}

static const struct test_case cases[] = {
	TEST_CASE(responder_input__bad_region),
	TEST_CASE(responder_input__long_write_beyond_the_region),
	TEST_CASE(responder_input__region_not_for_writing),
	TEST_CASE(responder_input__region_of_another_domain),
	TEST_CASE(responder_input__region_gone_in_the_middle),
	TEST_CASE(responder_input__nothing_needs_no_key),
	TEST_CASE(responder_input__bad_sequence_or_length),
	TEST_CASE(responder_input__wrong_pad),
	TEST_CASE(responder_input__write_not_allowed_on_the_queue_pair),
	TEST_CASE(responder_input__send_too_long),
	TEST_CASE(roce_input__wrong_packets),
	TEST_CASE(roce_input__what_may_differ),
	TEST_CASE(roce_input__cnp_is_not_answered),
	TEST_CASE(roce_input__queue_pair_destroyed),
};
TEST_MAIN("roce_refuse", cases)
