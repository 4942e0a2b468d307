/* SPDX-License-Identifier: BSD-3-Clause */
/* The engine receives, the generator is the requester. */
#include <errno.h>
#include <string.h>

#include "pmd/rdma/psn.h"
#include "tests/unit/rdma/gen.h"

static struct gen g;
static uint8_t data[1 << 16];

static uint64_t va(uint32_t offset)
{
	return rd_mr_addr(g.mr) + offset;
}

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
			.len = RTE_MIN(mtu, len - i * mtu), .va = va(to), .rkey = rd_mr_rkey(g.mr), .dma_len = len,
		});
		*psn = psn_add(*psn, 1);
	}
}

static void expect_answer(uint8_t syndrome, uint32_t psn, uint32_t msn)
{
	gen_forget(&g);
	gen_turn(&g);
	CU_ASSERT_EQUAL(g.n_out, 1);
	CU_ASSERT_EQUAL(g.out[0].op, OP_ACK);
	CU_ASSERT_EQUAL(g.out[0].syndrome, syndrome);
	CU_ASSERT_EQUAL(g.out[0].psn, psn & PSN_MASK);
	CU_ASSERT_EQUAL(g.out[0].msn, msn);
	CU_ASSERT_FALSE(g.out[0].ack_req);
}

static void expect_silence(void)
{
	gen_forget(&g);
	CU_ASSERT_EQUAL(gen_turn(&g), 0);
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
			expect_answer(AETH_ACK, psn - 1, ++msn);
			CU_ASSERT_EQUAL(memcmp(g.mem + 100, data, lens[i]), 0);
			CU_ASSERT_EQUAL(g.mem[99], 0);
			CU_ASSERT_EQUAL(g.mem[100 + lens[i]], 0);
			CU_ASSERT_EQUAL(gen_recv(&g, i, 100001, 60000), 0);
			message(OP_SEND_FIRST, &psn, 0, data, lens[i]);
			expect_answer(AETH_ACK, psn - 1, ++msn);
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
	expect_answer(AETH_ACK, psn - 1, 1);
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
	expect_answer(AETH_ACK, 5, 1);
	CU_ASSERT_EQUAL(memcmp(g.mem, data, 2000), 0);
	gen_close(&g);
}

/* ---- when to answer ------------------------------------------------------------------------------- */

static void write_only(uint32_t psn, bool ack_req, const void *payload, uint32_t len)
{
	gen_in(&g, &(struct gen_pkt){ .op = OP_WRITE_ONLY, .psn = psn & PSN_MASK, .ack_req = ack_req, .payload = payload,
				      .len = len, .va = va(0), .rkey = rd_mr_rkey(g.mr), .dma_len = len });
}

static void reply_output__when_asked_and_once(void)
{
	struct rte_mbuf *burst[32];

	gen_open(&g, 3);
	write_only(GEN_RQ_PSN, false, data, 8);
	expect_silence();
	write_only(GEN_RQ_PSN + 1, true, data, 8);
	expect_answer(AETH_ACK, GEN_RQ_PSN + 1, 2);
	for (unsigned i = 0; i < 32; i++)
		burst[i] = gen_build(&g, &(struct gen_pkt){ .op = OP_WRITE_ONLY, .psn = GEN_RQ_PSN + 2 + i,
							    .ack_req = true });
	roce_input(g.roce, g.now_us, burst, 32);
	expect_answer(AETH_ACK, GEN_RQ_PSN + 33, 34);
	CU_ASSERT_EQUAL(gen_counters(&g).acks_sent, 2);
	CU_ASSERT_EQUAL(gen_counters(&g).ack_deferred, 31);
	gen_run(&g, 1000000, 1000);
	CU_ASSERT_EQUAL(g.n_out, 1);
	gen_close(&g);
}

static void reply_output__waits_for_room(void)
{
	gen_open(&g, 3);
	write_only(GEN_RQ_PSN, true, data, 8);
	g.room = 0;
	CU_ASSERT_EQUAL(gen_turn(&g), 0);
	CU_ASSERT_TRUE(rd_busy(g.dev));
	g.room = 1;
	expect_answer(AETH_ACK, GEN_RQ_PSN, 1);
	CU_ASSERT_FALSE(rd_busy(g.dev));
	gen_close(&g);
}

/* ---- out of order ------------------------------------------------------------------------------------ */

static void responder_input__duplicate(void)
{
	gen_open(&g, 3);
	gen_fill(data, 100, 1);
	for (unsigned i = 0; i < 3; i++)
		write_only(GEN_RQ_PSN + i, false, data, 100);
	expect_silence();
	memset(data, 0, 100);
	/* Of the last, of an earlier, of one long gone: not executed, acknowledged unasked. */
	write_only(GEN_RQ_PSN + 2, false, data, 100);
	expect_answer(AETH_ACK, GEN_RQ_PSN + 2, 3);
	write_only(GEN_RQ_PSN, false, data, 100);
	expect_answer(AETH_ACK, GEN_RQ_PSN + 2, 3);
	write_only(GEN_RQ_PSN - 100000, false, data, 100);
	expect_answer(AETH_ACK, GEN_RQ_PSN + 2, 3);
	/* Many in a burst: one answer. */
	for (unsigned i = 0; i < 50; i++)
		write_only(GEN_RQ_PSN + i % 3, true, data, 100);
	expect_answer(AETH_ACK, GEN_RQ_PSN + 2, 3);
	gen_fill(data, 100, 1);
	CU_ASSERT_EQUAL(memcmp(g.mem, data, 100), 0);
	CU_ASSERT_EQUAL(gen_counters(&g).duplicate_request, 53);
	gen_close(&g);
}

static void responder_input__gap(void)
{
	gen_open(&g, 3);
	write_only(GEN_RQ_PSN, false, data, 8);
	for (unsigned i = 2; i < 10; i++)
		write_only(GEN_RQ_PSN + i, true, data, 8);
	expect_answer(AETH_NAK_SEQ, GEN_RQ_PSN + 1, 1);
	for (unsigned i = 2; i < 10; i++)
		write_only(GEN_RQ_PSN + i, true, data, 8);
	expect_silence();
	CU_ASSERT_EQUAL(gen_counters(&g).out_of_seq_request, 16);
	/* Filled; the next gap draws its own. */
	write_only(GEN_RQ_PSN + 1, true, data, 8);
	expect_answer(AETH_ACK, GEN_RQ_PSN + 1, 2);
	write_only(GEN_RQ_PSN + 4, true, data, 8);
	expect_answer(AETH_NAK_SEQ, GEN_RQ_PSN + 2, 2);
	write_only(GEN_RQ_PSN + 5, true, data, 8);
	expect_silence();
	CU_ASSERT_EQUAL(gen_info(&g).seq_naks_out, 2);
	gen_close(&g);
}

/* Both late and lost ones within one burst: one answer says where things stand. */
static void responder_input__gap_filled_before_the_answer(void)
{
	gen_open(&g, 3);
	write_only(GEN_RQ_PSN + 1, true, data, 8);
	write_only(GEN_RQ_PSN, true, data, 8);
	expect_answer(AETH_NAK_SEQ, GEN_RQ_PSN + 1, 1);
	write_only(GEN_RQ_PSN + 2, true, data, 8);
	write_only(GEN_RQ_PSN + 1, true, data, 8);
	write_only(GEN_RQ_PSN + 2, true, data, 8);
	expect_answer(AETH_ACK, GEN_RQ_PSN + 2, 3);
	gen_close(&g);
}

/* Several thrown away, not all of them come again before the answer. */
static void responder_input__two_gaps_before_the_answer(void)
{
	gen_open(&g, 3);
	write_only(GEN_RQ_PSN + 2, true, data, 8);
	write_only(GEN_RQ_PSN + 4, true, data, 8);
	for (unsigned i = 0; i < 4; i++)
		write_only(GEN_RQ_PSN + i, true, data, 8);
	expect_answer(AETH_NAK_SEQ, GEN_RQ_PSN + 4, 4);
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
	expect_answer(AETH_RNR | 12, GEN_RQ_PSN, 0);
	CU_ASSERT_EQUAL(gen_counters(&g).send_rnr_err, 1);
	write_only(GEN_RQ_PSN + 2, true, data, 8);
	expect_silence();
	CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_RTS);
	/* Something else may use the PSN afterwards. */
	write_only(GEN_RQ_PSN, true, data, 8);
	expect_answer(AETH_ACK, GEN_RQ_PSN, 1);
	psn = GEN_RQ_PSN + 1;
	message(OP_SEND_FIRST, &psn, 0, data, 10);
	expect_answer(AETH_RNR | 12, GEN_RQ_PSN + 1, 1);
	CU_ASSERT_EQUAL(gen_recv(&g, 5, 100, 44), 0);
	psn = GEN_RQ_PSN + 1;
	message(OP_SEND_FIRST, &psn, 0, data, 10);
	expect_answer(AETH_ACK, GEN_RQ_PSN + 1, 2);
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
	expect_answer(AETH_ACK, GEN_RQ_PSN, 1);
	gen_close(&g);
}

/* ---- refusals ------------------------------------------------------------------------------------------- */

static void expect_refusal(uint8_t syndrome, uint32_t psn, uint32_t msn)
{
	struct rd_event ev[2];
	struct rd_wc wc[4];

	expect_answer(syndrome, psn, msn);
	CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_ERR);
	CU_ASSERT_EQUAL(rd_poll(g.dev, wc, 4), 2);
	CU_ASSERT_EQUAL(wc[1].status, RD_WC_WR_FLUSH_ERR);
	CU_ASSERT_EQUAL(wc[1].cookie, 102);
	CU_ASSERT_EQUAL(rd_event_poll(g.dev, ev, 2), 1);
	CU_ASSERT_EQUAL(ev[0].type, RD_EV_QP_FATAL);
	/* And nothing more. */
	write_only(psn, true, data, 0);
	expect_silence();
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
					      .va = va(0) + (uint64_t)cases[i].at, .dma_len = cases[i].len,
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
					      .va = va(cases[i].at), .dma_len = cases[i].len, .rkey = rd_mr_rkey(g.mr) });
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
	expect_answer(AETH_ACK, GEN_RQ_PSN, 1);
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
						      .len = cases[i].p[n].len, .dma_len = cases[i].p[n].dma_len, .va = va(0),
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
	write_only(GEN_RQ_PSN, true, data, 8);
	expect_answer(AETH_NAK_INVALID, GEN_RQ_PSN, 0);
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
	expect_answer(AETH_NAK_INVALID, GEN_RQ_PSN + 1, 0);
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
		expect_silence();
		CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_RTS);
	}
	/* It still works. */
	gen_in(&g, &(struct gen_pkt){ .op = OP_SEND_ONLY, .psn = GEN_RQ_PSN, .ack_req = true });
	expect_answer(AETH_ACK, GEN_RQ_PSN, 1);
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
			p.va = va(0);
			p.rkey = rd_mr_rkey(g.mr);
			gen_in(&g, &p);
			expect_answer(AETH_ACK, GEN_RQ_PSN + i, i + 1);
		}
		CU_ASSERT_EQUAL(gen_counters(&g).ce_rcvd, 1);
		gen_close(&g);
	}
}

static void roce_input__cnp_is_not_answered(void)
{
	gen_open(&g, 3);
	gen_in(&g, &(struct gen_pkt){ .op = OP_CNP, .bth4 = 0x40, .ack_req = true });
	expect_silence();
	CU_ASSERT_EQUAL(gen_counters(&g).cnp_rcvd, 1);
	CU_ASSERT_EQUAL(gen_info(&g).rq_psn, GEN_RQ_PSN);
	gen_close(&g);
}

/* The index is in the low three bits here: that of one freed rests a second while there are others. */
static void qp_table_get__quarantine(void)
{
	struct rd_req req = { .op = RD_REQ_QP_DESTROY };
	uint32_t old;

	gen_open(&g, 3);
	old = rd_qp_num(g.qp);
	gen_turn(&g);
	req.qp = g.qp;
	CU_ASSERT_EQUAL(gen_do(&g, &req), 0);
	gen_qp(&g, 0);
	CU_ASSERT_NOT_EQUAL(rd_qp_num(g.qp) & 7, old & 7);
	g.now_us += 1000000;
	gen_turn(&g);
	gen_qp(&g, 0);
	CU_ASSERT_EQUAL(rd_qp_num(g.qp) & 7, old & 7);
	CU_ASSERT_NOT_EQUAL(rd_qp_num(g.qp), old);
	gen_close(&g);
}

static void roce_port__told_when_it_changed(void)
{
	struct rd_event ev[4];
	struct rd_info info;

	gen_open(&g, 3);
	roce_port(g.roce, true);
	CU_ASSERT_EQUAL(rd_event_poll(g.dev, ev, 4), 0);
	roce_port(g.roce, false);
	CU_ASSERT_TRUE(rd_busy(g.dev));
	CU_ASSERT_EQUAL(rd_event_poll(g.dev, ev, 4), 1);
	CU_ASSERT_EQUAL(ev[0].type, RD_EV_PORT_DOWN);
	rd_query(g.dev, &info);
	CU_ASSERT_FALSE(info.up);
	/* Down and up again before anybody asked. */
	roce_port(g.roce, true);
	roce_port(g.roce, false);
	CU_ASSERT_EQUAL(rd_event_poll(g.dev, ev, 4), 0);
	roce_port(g.roce, true);
	CU_ASSERT_EQUAL(rd_event_poll(g.dev, ev, 4), 1);
	CU_ASSERT_EQUAL(ev[0].type, RD_EV_PORT_UP);
	gen_close(&g);
}

static void roce_gid_gone__its_queue_pairs_end_once(void)
{
	struct rd_event ev[4];
	struct rd_wc wc[4];
	struct rd_gid other;

	gen_open(&g, 3);
	CU_ASSERT_EQUAL(gen_recv(&g, 1, 0, 44), 0);
	other = g.attr.remote;
	roce_gid_gone(g.roce, &other);
	CU_ASSERT_EQUAL(rd_event_poll(g.dev, ev, 4), 0);
	CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_RTS);
	roce_gid_gone(g.roce, &g.attr.local);
	CU_ASSERT_EQUAL(rd_event_poll(g.dev, ev, 4), 2);
	CU_ASSERT_EQUAL(ev[0].type, RD_EV_GID_GONE);
	CU_ASSERT_EQUAL(memcmp(&ev[0].gid, &g.attr.local, sizeof(other)), 0);
	CU_ASSERT_EQUAL(ev[1].type, RD_EV_QP_FATAL);
	CU_ASSERT_EQUAL(rd_poll(g.dev, wc, 4), 1);
	CU_ASSERT_EQUAL(wc[0].status, RD_WC_WR_FLUSH_ERR);
	roce_gid_gone(g.roce, &g.attr.local);
	CU_ASSERT_EQUAL(rd_event_poll(g.dev, ev, 4), 1);
	CU_ASSERT_EQUAL(ev[0].type, RD_EV_GID_GONE);
	gen_close(&g);
}

static void no_random(void *ctx, void *buf, size_t len)
{
	memset(buf, 1, len);
}

static void roce_create__bad_configuration(void)
{
	struct roce_env env = { .random = no_random };
	struct wheel wheel;
	struct roce *r;

	gen_open(&g, 3);
	wheel_init(&wheel, 0);
	for (unsigned i = 0; i < 9; i++) {
		struct roce_config c = { .name = "x", .ip_mtu = 1500, .n_gids = 1, .max_qps = 1, .max_mrs = 1, .node = -1,
					 .pool = rte_mempool_lookup("gen") };

		switch (i) {
		case 0: c.lcore = ROCE_MAX_LCORES; break;
		case 1: c.ip_mtu = 335; break;
		case 2: c.n_gids = 0; break;
		case 3: c.n_gids = RD_MAX_GIDS + 1; break;
		case 4: c.max_qps = 1 << 14; break;
		case 5: c.max_mrs = (1 << 20) + 1; break;
		case 6: c.window = 100; break;
		case 7: c.window = 2048; break;
		case 8: c.pool = NULL; break;
		}
		CU_ASSERT_EQUAL(roce_create(&r, &c, &env, &wheel), -EINVAL);
	}
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
		expect_silence();
		CU_ASSERT_EQUAL(gen_counters(&g).bad_qpn, i + 1);
		CU_ASSERT_EQUAL(gen_recv(&g, 1, 0, 44), 0);
		gen_in(&g, &(struct gen_pkt){ .op = OP_SEND_ONLY, .psn = GEN_RQ_PSN, .ack_req = true });
		expect_answer(AETH_ACK, GEN_RQ_PSN, 1);
	}
	gen_close(&g);
}

/* ---- READ ------------------------------------------------------------------------------------------------------ */

static void read_request(uint32_t psn, uint32_t at, uint32_t len)
{
	gen_in(&g, &(struct gen_pkt){ .op = OP_READ_REQUEST, .psn = psn, .ack_req = true, .va = va(at), .dma_len = len,
				      .rkey = rd_mr_rkey(g.mr) });
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
	write_only(GEN_RQ_PSN, true, data, 8);
	read_request(GEN_RQ_PSN + 1, 0, 2500);
	write_only(GEN_RQ_PSN + 4, true, data, 8);
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
	write_only(GEN_RQ_PSN, true, data, 8);
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
	expect_silence();
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
		expect_answer(cases[i].syndrome, GEN_RQ_PSN, 0);
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
	expect_answer(AETH_NAK_INVALID, GEN_RQ_PSN + 16, 16);
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
	TEST_CASE(qp_table_get__quarantine),
	TEST_CASE(roce_port__told_when_it_changed),
	TEST_CASE(roce_gid_gone__its_queue_pairs_end_once),
	TEST_CASE(roce_create__bad_configuration),
	TEST_CASE(roce_input__queue_pair_destroyed),
	TEST_CASE(read_input__responses),
	TEST_CASE(read_input__order_of_answers),
	TEST_CASE(read_input__acknowledges_what_is_before),
	TEST_CASE(read_again__replays),
	TEST_CASE(read_input__refused),
	TEST_CASE(read_input__too_many),
};
TEST_MAIN("roce_responder", cases)
