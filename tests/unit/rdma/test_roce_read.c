/* SPDX-License-Identifier: BSD-3-Clause */
/* RDMA READ: the engine answers, the generator asks. */
#include <errno.h>
#include <string.h>

#include "pmd/rdma/psn.h"
#include "tests/unit/rdma/gen.h"

static struct gen g;
static const uint8_t data[8];

static void read_request(uint32_t psn, uint32_t at, uint32_t len)
{
	gen_in(&g, &(struct gen_pkt){ .op = OP_READ_REQUEST, .psn = psn, .ack_req = true, .va = gen_va(&g, at),
				      .dma_len = len, .rkey = rd_mr_rkey(g.mr) });
}

static void expect_responses(unsigned from, uint32_t psn, uint32_t at, uint32_t len, uint32_t msn)
{
	uint32_t mtu = rd_mtu_octets(g.attr.mtu), n = len == 0 ? 1 : (len + mtu - 1) / mtu;

	CU_ASSERT_TRUE_FATAL(g.n_out >= from + n);
	for (uint32_t i = 0; i < n; i++) {
		const struct gen_out *o = &g.out[from + i];
		uint8_t op = n == 1 ? OP_READ_ONLY : i == 0 ? OP_READ_FIRST : i + 1 == n ? OP_READ_LAST : OP_READ_MIDDLE;

		CU_ASSERT_EQUAL(o->op, op);
		CU_ASSERT_EQUAL(o->psn, psn_add(psn, i));
		CU_ASSERT_EQUAL(o->len, RTE_MIN(mtu, len - i * mtu));
		CU_ASSERT_EQUAL(memcmp(o->payload, g.mem + at + i * mtu, o->len), 0);
		if (op != OP_READ_MIDDLE) {
			CU_ASSERT_EQUAL(o->syndrome, AETH_ACK);
			CU_ASSERT_EQUAL(o->msn, msn);
		}
	}
}

static void read_input__responses(void)
{
	static const uint32_t lens[] = { 0, 1, 1023, 1024, 1025, 2500, 10240 };
	uint32_t psn = GEN_RQ_PSN;

	gen_open(&g, 3);
	gen_fill(g.mem, 20000, 3);
	for (unsigned i = 0; i < RTE_DIM(lens); i++) {
		gen_forget(&g);
		read_request(psn, 77, lens[i]);
		gen_turn(&g);
		expect_responses(0, psn, 77, lens[i], i + 1);
		psn += lens[i] == 0 ? 1 : (lens[i] + 1023) / 1024;
		CU_ASSERT_EQUAL(gen_info(&g).rq_psn, psn);
	}
	gen_close(&g);
}

/* A WRITE behind a READ is acknowledged behind its responses. */
static void read_input__order_of_answers(void)
{
	gen_open(&g, 3);
	gen_write_only(&g, GEN_RQ_PSN, true, data, 8);
	read_request(GEN_RQ_PSN + 1, 0, 2500);
	gen_write_only(&g, GEN_RQ_PSN + 4, true, data, 8);
	g.room = 2;
	gen_turn(&g);
	CU_ASSERT_EQUAL(g.n_out, 2);
	g.room = 10;
	gen_turn(&g);
	CU_ASSERT_EQUAL(g.n_out, 4);
	CU_ASSERT_EQUAL(g.out[2].op, OP_READ_LAST);
	CU_ASSERT_EQUAL(g.out[3].op, OP_ACK);
	CU_ASSERT_EQUAL(g.out[3].psn, GEN_RQ_PSN + 4);
	gen_close(&g);
}

/* Responses acknowledge what came before. */
static void read_input__acknowledges_what_is_before(void)
{
	gen_open(&g, 3);
	gen_write_only(&g, GEN_RQ_PSN, true, data, 8);
	read_request(GEN_RQ_PSN + 1, 0, 8);
	gen_turn(&g);
	CU_ASSERT_EQUAL(g.n_out, 1);
	CU_ASSERT_EQUAL(g.out[0].op, OP_READ_ONLY);
	CU_ASSERT_EQUAL(g.out[0].msn, 2);
	gen_close(&g);
}

static void read_again__replays(void)
{
	gen_open(&g, 3);
	gen_fill(g.mem, 20000, 3);
	read_request(GEN_RQ_PSN, 100, 5000);
	gen_turn(&g);
	CU_ASSERT_EQUAL(g.n_out, 5);
	/* The whole again, its end from the third packet on, with the third alone. */
	gen_forget(&g);
	read_request(GEN_RQ_PSN, 100, 5000);
	gen_turn(&g);
	expect_responses(0, GEN_RQ_PSN, 100, 5000, 1);
	gen_forget(&g);
	read_request(GEN_RQ_PSN + 2, 100 + 2048, 5000 - 2048);
	gen_turn(&g);
	CU_ASSERT_EQUAL(g.n_out, 3);
	expect_responses(0, GEN_RQ_PSN + 2, 100 + 2048, 5000 - 2048, 1);
	/* Not what was never asked for: another place, more, or at another PSN. */
	read_request(GEN_RQ_PSN, 101, 4000);
	read_request(GEN_RQ_PSN, 100, 5001);
	read_request(GEN_RQ_PSN + 1, 100, 4000);
	read_request(GEN_RQ_PSN - 1, 100, 4000);
	gen_expect_silence(&g);
	/* One at a time, however often it is asked for. */
	for (unsigned i = 0; i < 20; i++)
		read_request(GEN_RQ_PSN, 100, 5000);
	gen_forget(&g);
	gen_turn(&g);
	CU_ASSERT_EQUAL(g.n_out, 5);
	/* Nor is one begun anew that is under way. */
	gen_forget(&g);
	g.room = 2;
	read_request(GEN_RQ_PSN, 100, 5000);
	gen_turn(&g);
	read_request(GEN_RQ_PSN, 100, 5000);
	g.room = 100;
	gen_turn(&g);
	expect_responses(0, GEN_RQ_PSN, 100, 5000, 1);
	CU_ASSERT_EQUAL(g.n_out, 5);
	CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_RTS);
	gen_close(&g);
}

static void read_input__refused(void)
{
	static const struct { uint8_t qp_access, mr_access; uint32_t at, len; uint8_t syndrome; } cases[] = {
		{ RD_ACCESS_REMOTE_WRITE, RD_ACCESS_REMOTE_READ, 0, 8, AETH_NAK_INVALID },
		{ RD_ACCESS_REMOTE_READ, RD_ACCESS_REMOTE_WRITE | RD_ACCESS_LOCAL_WRITE, 0, 8, AETH_NAK_ACCESS },
		{ RD_ACCESS_REMOTE_READ, RD_ACCESS_REMOTE_READ, 0, 101, AETH_NAK_ACCESS },
		{ RD_ACCESS_REMOTE_READ, RD_ACCESS_REMOTE_READ, 100, 1, AETH_NAK_ACCESS },
		{ RD_ACCESS_REMOTE_READ, RD_ACCESS_REMOTE_READ, 0, 0x80000001, AETH_NAK_INVALID },
	};

	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		struct rd_req req = { .op = RD_REQ_MR_REG, .len = 100, .access = cases[i].mr_access };

		gen_open_with(&g, &(struct roce_config){ 0 });
		gen_qp(&g, cases[i].qp_access);
		gen_attr(&g, 3);
		gen_connect(&g, true);
		req.pd = g.pd;
		req.addr = g.mem;
		CU_ASSERT_EQUAL_FATAL(gen_do(&g, &req), 0);
		gen_in(&g, &(struct gen_pkt){ .op = OP_READ_REQUEST, .psn = GEN_RQ_PSN, .va = rd_mr_addr(req.mr) + cases[i].at,
					      .dma_len = cases[i].len, .rkey = rd_mr_rkey(req.mr) });
		gen_expect_answer(&g, cases[i].syndrome, GEN_RQ_PSN, 0);
		CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_ERR);
		gen_close(&g);
	}
}

/* More requests than are remembered, unanswered: refused. */
static void read_input__too_many(void)
{
	gen_open(&g, 3);
	for (unsigned i = 0; i <= 16; i++) {
		CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_RTS);
		read_request(GEN_RQ_PSN + i, 0, 8);
	}
	CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_ERR);
	gen_expect_answer(&g, AETH_NAK_INVALID, GEN_RQ_PSN + 16, 16);
	gen_close(&g);
}

static const struct test_case cases[] = {
	TEST_CASE(read_input__responses),
	TEST_CASE(read_input__order_of_answers),
	TEST_CASE(read_input__acknowledges_what_is_before),
	TEST_CASE(read_again__replays),
	TEST_CASE(read_input__refused),
	TEST_CASE(read_input__too_many),
};
TEST_MAIN("roce_read", cases)
