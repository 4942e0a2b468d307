/* SPDX-License-Identifier: BSD-3-Clause */
/* The engine receives, the generator is the requester. */
#include <errno.h>
#include <string.h>

#include "pmd/rdma/psn.h"
#include "tests/unit/rdma/gen.h"

static struct gen g;
static uint8_t data[1 << 16];

static uint8_t piece_op(uint8_t first, uint32_t i, uint32_t n)
{
	if (n == 1)
		return first + SEG_ONLY;
	return (uint8_t)(first + (i == 0 ? SEG_FIRST : i + 1 == n ? SEG_LAST : SEG_MIDDLE));
}

/* A message cut by the rules; the last packet asks for an answer. */
static void message(uint8_t first, uint32_t *psn, uint32_t to, const uint8_t *from, uint32_t len)
{
	uint32_t mtu = rd_mtu_octets(g.attr.mtu), n = len == 0 ? 1 : (len + mtu - 1) / mtu;

	for (uint32_t i = 0; i < n; i++) {
		gen_in(&g, &(struct gen_pkt){
			.op = piece_op(first, i, n), .psn = *psn, .ack_req = i + 1 == n, .payload = from + i * mtu,
			.len = RTE_MIN(mtu, len - i * mtu), .va = gen_va(&g, to), .rkey = rd_mr_rkey(g.mr), .dma_len = len,
		});
		*psn = psn_add(*psn, 1);
	}
}

/* ---- in order ------------------------------------------------------------------------------- */

static void all_lengths(unsigned pieces, uint8_t mtu_max, uint32_t longest)
{
	for (uint8_t code = 1; code <= mtu_max; code++) {
		uint32_t mtu = rd_mtu_octets(code), psn = GEN_RQ_PSN, msn = 0;
		const uint32_t lens[] = { 0, 1, 2, 3, 4, mtu - 1, mtu, mtu + 1, 2 * mtu, 3 * mtu - 1, longest };
		struct rd_wc wc[2];

		gen_open(&g, code);
		g.in_pieces = pieces;
		gen_fill(data, sizeof(data), code);
		for (unsigned i = 0; i < RTE_DIM(lens); i++) {
			message(OP_WRITE_FIRST, &psn, 100, data, lens[i]);
			gen_expect_answer(&g, AETH_ACK, psn - 1, ++msn);
			CU_ASSERT_EQUAL(memcmp(g.mem + 100, data, lens[i]), 0);
			CU_ASSERT_EQUAL(g.mem[99], 0);
			CU_ASSERT_EQUAL(g.mem[100 + lens[i]], 0);
			CU_ASSERT_EQUAL(gen_recv(&g, i, 100001, 60000), 0);
			message(OP_SEND_FIRST, &psn, 0, data, lens[i]);
			gen_expect_answer(&g, AETH_ACK, psn - 1, ++msn);
			CU_ASSERT_EQUAL(memcmp(g.mem + 100001, data, lens[i]), 0);
			CU_ASSERT_EQUAL(g.mem[100001 + lens[i]], 0);
			CU_ASSERT_EQUAL(rd_poll(g.dev, wc, 2), 1);
			CU_ASSERT_EQUAL(wc[0].cookie, i);
			CU_ASSERT_EQUAL(wc[0].len, lens[i]);
			memset(g.mem, 0, 200000);
		}
		/* The region's first and last octets. */
		message(OP_WRITE_FIRST, &psn, 0, data, 3);
		message(OP_WRITE_FIRST, &psn, GEN_MEM - 5000, data, 5000);
		CU_ASSERT_EQUAL(memcmp(g.mem, data, 3), 0);
		CU_ASSERT_EQUAL(memcmp(g.mem + GEN_MEM - 5000, data, 5000), 0);
		gen_close(&g);
	}
}

static void responder_input__all_lengths(void) { all_lengths(0, 5, 60000); }

static void responder_input__in_chains(void)
{
	all_lengths(1000, 5, 10000);
	all_lengths(61, 2, 2000);
	all_lengths(1, 1, 500);
}

static void responder_input__two_pieces_of_a_receive(void)
{
	struct rd_recv r = { .n_sge = 2 };
	uint32_t psn = GEN_RQ_PSN;

	gen_open(&g, 1);
	gen_fill(data, 1000, 1);
	r.sge[0] = (struct rd_sge){ g.mem + 10, 300, rd_mr_lkey(g.mr) };
	r.sge[1] = (struct rd_sge){ g.mem + 2000, 700, rd_mr_lkey(g.mr) };
	CU_ASSERT_EQUAL(rd_post_recv(g.qp, &r, 1), 0);
	message(OP_SEND_FIRST, &psn, 0, data, 1000);
	CU_ASSERT_EQUAL(memcmp(g.mem + 10, data, 300), 0);
	CU_ASSERT_EQUAL(g.mem[310], 0);
	CU_ASSERT_EQUAL(memcmp(g.mem + 2000, data + 300, 700), 0);
	CU_ASSERT_EQUAL(g.mem[2700], 0);
	gen_close(&g);
}

static void responder_input__in_rtr(void)
{
	uint32_t psn = GEN_RQ_PSN;

	gen_open_with(&g, &(struct roce_config){ 0 });
	gen_qp(&g, RD_ACCESS_REMOTE_WRITE);
	gen_attr(&g, 3);
	gen_connect(&g, false);
	CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_RTR);
	message(OP_WRITE_FIRST, &psn, 0, data, 100);
	gen_expect_answer(&g, AETH_ACK, psn - 1, 1);
	/* But answers are nothing it could have asked for. */
	gen_ack(&g, AETH_ACK, GEN_SQ_PSN);
	CU_ASSERT_EQUAL(gen_counters(&g).bad_state, 1);
	gen_close(&g);
}

static void responder_input__psn_wraps(void)
{
	uint32_t psn = 0xfffffe;

	gen_open_with(&g, &(struct roce_config){ 0 });
	gen_qp(&g, RD_ACCESS_REMOTE_WRITE);
	gen_attr(&g, 1);
	g.attr.rq_psn = psn;
	gen_connect(&g, true);
	gen_fill(data, 2000, 5);
	message(OP_WRITE_FIRST, &psn, 0, data, 2000);
	CU_ASSERT_EQUAL(psn, 6);
	gen_expect_answer(&g, AETH_ACK, 5, 1);
	CU_ASSERT_EQUAL(memcmp(g.mem, data, 2000), 0);
	gen_close(&g);
}

/* ---- when to answer ------------------------------------------------------------------------------- */

static void reply_output__when_asked_and_once(void)
{
	struct rte_mbuf *burst[32];

	gen_open(&g, 3);
	gen_write_only(&g, GEN_RQ_PSN, false, data, 8);
	gen_expect_silence(&g);
	gen_write_only(&g, GEN_RQ_PSN + 1, true, data, 8);
	gen_expect_answer(&g, AETH_ACK, GEN_RQ_PSN + 1, 2);
	for (unsigned i = 0; i < 32; i++)
		burst[i] = gen_build(&g, &(struct gen_pkt){ .op = OP_WRITE_ONLY, .psn = GEN_RQ_PSN + 2 + i,
							    .ack_req = true });
	roce_input(g.roce, g.now_us, burst, 32);
	gen_expect_answer(&g, AETH_ACK, GEN_RQ_PSN + 33, 34);
	CU_ASSERT_EQUAL(gen_counters(&g).acks_sent, 2);
	CU_ASSERT_EQUAL(gen_counters(&g).ack_deferred, 31);
	gen_run(&g, 1000000, 1000);
	CU_ASSERT_EQUAL(g.n_out, 1);
	gen_close(&g);
}

static void reply_output__waits_for_room(void)
{
	gen_open(&g, 3);
	gen_write_only(&g, GEN_RQ_PSN, true, data, 8);
	g.room = 0;
	CU_ASSERT_EQUAL(gen_turn(&g), 0);
	CU_ASSERT_TRUE(rd_busy(g.dev));
	g.room = 1;
	gen_expect_answer(&g, AETH_ACK, GEN_RQ_PSN, 1);
	CU_ASSERT_FALSE(rd_busy(g.dev));
	gen_close(&g);
}

/* ---- out of order ------------------------------------------------------------------------------------ */

static void responder_input__duplicate(void)
{
	gen_open(&g, 3);
	gen_fill(data, 100, 1);
	for (unsigned i = 0; i < 3; i++)
		gen_write_only(&g, GEN_RQ_PSN + i, false, data, 100);
	gen_expect_silence(&g);
	memset(data, 0, 100);
	/* Of the last, of an earlier, of one long gone: not executed, acknowledged unasked. */
	gen_write_only(&g, GEN_RQ_PSN + 2, false, data, 100);
	gen_expect_answer(&g, AETH_ACK, GEN_RQ_PSN + 2, 3);
	gen_write_only(&g, GEN_RQ_PSN, false, data, 100);
	gen_expect_answer(&g, AETH_ACK, GEN_RQ_PSN + 2, 3);
	gen_write_only(&g, GEN_RQ_PSN - 100000, false, data, 100);
	gen_expect_answer(&g, AETH_ACK, GEN_RQ_PSN + 2, 3);
	/* Many in a burst: one answer. */
	for (unsigned i = 0; i < 50; i++)
		gen_write_only(&g, GEN_RQ_PSN + i % 3, true, data, 100);
	gen_expect_answer(&g, AETH_ACK, GEN_RQ_PSN + 2, 3);
	gen_fill(data, 100, 1);
	CU_ASSERT_EQUAL(memcmp(g.mem, data, 100), 0);
	CU_ASSERT_EQUAL(gen_counters(&g).duplicate_request, 53);
	gen_close(&g);
}

static void responder_input__gap(void)
{
	gen_open(&g, 3);
	gen_write_only(&g, GEN_RQ_PSN, false, data, 8);
	for (unsigned i = 2; i < 10; i++)
		gen_write_only(&g, GEN_RQ_PSN + i, true, data, 8);
	gen_expect_answer(&g, AETH_NAK_SEQ, GEN_RQ_PSN + 1, 1);
	for (unsigned i = 2; i < 10; i++)
		gen_write_only(&g, GEN_RQ_PSN + i, true, data, 8);
	gen_expect_silence(&g);
	CU_ASSERT_EQUAL(gen_counters(&g).out_of_seq_request, 16);
	/* Filled; the next gap draws its own. */
	gen_write_only(&g, GEN_RQ_PSN + 1, true, data, 8);
	gen_expect_answer(&g, AETH_ACK, GEN_RQ_PSN + 1, 2);
	gen_write_only(&g, GEN_RQ_PSN + 4, true, data, 8);
	gen_expect_answer(&g, AETH_NAK_SEQ, GEN_RQ_PSN + 2, 2);
	gen_write_only(&g, GEN_RQ_PSN + 5, true, data, 8);
	gen_expect_silence(&g);
	CU_ASSERT_EQUAL(gen_info(&g).seq_naks_out, 2);
	gen_close(&g);
}

/* Both late and lost ones within one burst: one answer says where things stand. */
static void responder_input__gap_filled_before_the_answer(void)
{
	gen_open(&g, 3);
	gen_write_only(&g, GEN_RQ_PSN + 1, true, data, 8);
	gen_write_only(&g, GEN_RQ_PSN, true, data, 8);
	gen_expect_answer(&g, AETH_NAK_SEQ, GEN_RQ_PSN + 1, 1);
	gen_write_only(&g, GEN_RQ_PSN + 2, true, data, 8);
	gen_write_only(&g, GEN_RQ_PSN + 1, true, data, 8);
	gen_write_only(&g, GEN_RQ_PSN + 2, true, data, 8);
	gen_expect_answer(&g, AETH_ACK, GEN_RQ_PSN + 2, 3);
	gen_close(&g);
}

/* Several thrown away, not all of them come again before the answer. */
static void responder_input__two_gaps_before_the_answer(void)
{
	gen_open(&g, 3);
	gen_write_only(&g, GEN_RQ_PSN + 2, true, data, 8);
	gen_write_only(&g, GEN_RQ_PSN + 4, true, data, 8);
	for (unsigned i = 0; i < 4; i++)
		gen_write_only(&g, GEN_RQ_PSN + i, true, data, 8);
	gen_expect_answer(&g, AETH_NAK_SEQ, GEN_RQ_PSN + 4, 4);
	gen_close(&g);
}

/* ---- receives ---------------------------------------------------------------------------------------- */

static void responder_input__no_receive(void)
{
	struct rd_wc wc;
	uint32_t psn = GEN_RQ_PSN;

	gen_open(&g, 3);
	gen_fill(data, 2000, 1);
	message(OP_SEND_FIRST, &psn, 0, data, 2000);
	/* The one behind it is in flight: no NAK of its own. */
	gen_expect_answer(&g, AETH_RNR | 12, GEN_RQ_PSN, 0);
	CU_ASSERT_EQUAL(gen_counters(&g).send_rnr_err, 1);
	gen_write_only(&g, GEN_RQ_PSN + 2, true, data, 8);
	gen_expect_silence(&g);
	CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_RTS);
	/* Something else may use the PSN afterwards. */
	gen_write_only(&g, GEN_RQ_PSN, true, data, 8);
	gen_expect_answer(&g, AETH_ACK, GEN_RQ_PSN, 1);
	psn = GEN_RQ_PSN + 1;
	message(OP_SEND_FIRST, &psn, 0, data, 10);
	gen_expect_answer(&g, AETH_RNR | 12, GEN_RQ_PSN + 1, 1);
	CU_ASSERT_EQUAL(gen_recv(&g, 5, 100, 44), 0);
	psn = GEN_RQ_PSN + 1;
	message(OP_SEND_FIRST, &psn, 0, data, 10);
	gen_expect_answer(&g, AETH_ACK, GEN_RQ_PSN + 1, 2);
	CU_ASSERT_EQUAL(rd_poll(g.dev, &wc, 1), 1);
	CU_ASSERT_EQUAL(wc.cookie, 5);
	CU_ASSERT_EQUAL(memcmp(g.mem + 100, data, 10), 0);
	gen_close(&g);
}

static void responder_input__no_receive_then_one_before_the_answer(void)
{
	uint32_t psn = GEN_RQ_PSN;

	gen_open(&g, 3);
	message(OP_SEND_FIRST, &psn, 0, data, 10);
	CU_ASSERT_EQUAL(gen_recv(&g, 5, 100, 44), 0);
	psn = GEN_RQ_PSN;
	message(OP_SEND_FIRST, &psn, 0, data, 10);
	gen_expect_answer(&g, AETH_ACK, GEN_RQ_PSN, 1);
	gen_close(&g);
}

static const struct test_case cases[] = {
	TEST_CASE(responder_input__all_lengths),
	TEST_CASE(responder_input__in_chains),
	TEST_CASE(responder_input__two_pieces_of_a_receive),
	TEST_CASE(responder_input__in_rtr),
	TEST_CASE(responder_input__psn_wraps),
	TEST_CASE(reply_output__when_asked_and_once),
	TEST_CASE(reply_output__waits_for_room),
	TEST_CASE(responder_input__duplicate),
	TEST_CASE(responder_input__gap),
	TEST_CASE(responder_input__gap_filled_before_the_answer),
	TEST_CASE(responder_input__two_gaps_before_the_answer),
	TEST_CASE(responder_input__no_receive),
	TEST_CASE(responder_input__no_receive_then_one_before_the_answer),
};
TEST_MAIN("roce_responder", cases)
