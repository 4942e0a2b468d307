/* SPDX-License-Identifier: BSD-3-Clause */
/* The engine sends, the generator is the responder. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pmd/rdma/psn.h"
#include "tests/unit/rdma/gen.h"

static struct gen g;

/* ---- segmentation ---------------------------------------------------------------------- */

static uint8_t expected_op(uint8_t op, uint32_t i, uint32_t n)
{
	uint8_t first = op == RD_OP_SEND ? OP_SEND_FIRST : OP_WRITE_FIRST;

	if (n == 1)
		return first + SEG_ONLY;
	return (uint8_t)(first + (i == 0 ? SEG_FIRST : i + 1 == n ? SEG_LAST : SEG_MIDDLE));
}

/* One message of len octets, acknowledged as it goes. */
static void one_message(uint8_t op, uint32_t len, uint32_t *psn)
{
	uint32_t mtu = rd_mtu_octets(g.attr.mtu), n = len == 0 ? 1 : (len + mtu - 1) / mtu, done = 0;
	struct rd_wc wc;

	CU_ASSERT_EQUAL(gen_post(&g, op, len, 3, len, RD_F_SIGNAL | RD_F_SOLICITED), 0);
	while (done < n) {
		gen_forget(&g);
		gen_turn(&g);
		CU_ASSERT_NOT_EQUAL_FATAL(g.n_out, 0);
		for (unsigned i = 0; i < g.n_out; i++, done++) {
			const struct gen_out *o = &g.out[i];
			uint32_t want = RTE_MIN(mtu, len - done * mtu);

			CU_ASSERT_EQUAL(o->op, expected_op(op, done, n));
			CU_ASSERT_EQUAL(o->psn, psn_add(*psn, done));
			CU_ASSERT_EQUAL(o->len, want);
			CU_ASSERT_EQUAL(memcmp(o->payload, g.mem + 3 + done * mtu, want), 0);
			CU_ASSERT_EQUAL(o->flags >> 7, op == RD_OP_SEND && done + 1 == n);
			if (op == RD_OP_WRITE && done == 0) {
				CU_ASSERT_EQUAL(o->dma_len, len);
				CU_ASSERT_EQUAL(o->va, 0x1000000000);
				CU_ASSERT_EQUAL(o->rkey, 0x11223344);
			}
		}
		CU_ASSERT_TRUE(g.out[g.n_out - 1].ack_req);
		CU_ASSERT_EQUAL(rd_poll(g.dev, &wc, 1), 0);
		gen_ack(&g, AETH_ACK, *psn + done - 1);
	}
	CU_ASSERT_EQUAL(rd_poll(g.dev, &wc, 1), 1);
	CU_ASSERT_EQUAL(wc.cookie, len);
	CU_ASSERT_EQUAL(wc.status, RD_WC_SUCCESS);
	*psn = psn_add(*psn, n);
}

static void segments_of(uint8_t op)
{
	for (uint8_t code = 1; code <= 5; code++) {
		uint32_t mtu = rd_mtu_octets(code), psn = GEN_SQ_PSN;
		const uint32_t lens[] = { 0, 1, 3, 4, mtu - 1, mtu, mtu + 1, 2 * mtu, 3 * mtu - 1, 1 << 20 };

		gen_open(&g, code);
		gen_fill(g.mem, GEN_MEM, code);
		for (unsigned i = 0; i < RTE_DIM(lens); i++)
			one_message(op, lens[i], &psn);
		CU_ASSERT_EQUAL(gen_info(&g).una_psn, psn);
		gen_close(&g);
	}
}

static void requester_output__segments_of_a_send(void) { segments_of(RD_OP_SEND); }
static void requester_output__segments_of_a_write(void) { segments_of(RD_OP_WRITE); }

static void requester_output__psn_wraps(void)
{
	for (uint32_t before = 1; before < 6; before++) {
		uint32_t psn = (1 << 24) - before;

		gen_open_with(&g, &(struct roce_config){ 0 });
		gen_qp(&g, 0);
		gen_attr(&g, 1);
		g.attr.sq_psn = psn;
		gen_connect(&g, true);
		gen_fill(g.mem, 4096, before);
		one_message(RD_OP_WRITE, 1200, &psn);
		one_message(RD_OP_SEND, 256, &psn);
		CU_ASSERT_EQUAL(psn, 6 - before);
		gen_close(&g);
	}
}

static void requester_output__headers(void)
{
	gen_open(&g, 3);
	CU_ASSERT_EQUAL(gen_post(&g, RD_OP_SEND, 1, 0, 44, RD_F_SIGNAL), 0);
	gen_turn(&g);
	CU_ASSERT_EQUAL(g.n_out, 1);
	CU_ASSERT_EQUAL(g.out[0].ttl, 9);
	/* The traffic class without its ECN bits. */
	CU_ASSERT_EQUAL(g.out[0].tos, 0x60);
	CU_ASSERT_EQUAL(g.out[0].flags & 0x80, 0);
	gen_close(&g);
}

static void requester_output__list_in_order(void)
{
	struct rd_sge sge = { NULL, 100, 0 };
	struct rd_wr wr[3];

	gen_open(&g, 3);
	sge.addr = g.mem;
	sge.lkey = rd_mr_lkey(g.mr);
	for (unsigned i = 0; i < 3; i++)
		wr[i] = (struct rd_wr){ .op = i < 2 ? RD_OP_WRITE : RD_OP_SEND, .cookie = i, .n_sge = 1,
					.flags = i < 2 ? 0 : RD_F_SIGNAL, .sge = { sge } };
	CU_ASSERT_EQUAL(rd_post_send(g.qp, wr, 3), 0);
	CU_ASSERT_EQUAL(gen_turn(&g), 3);
	CU_ASSERT_EQUAL(g.out[0].op, OP_WRITE_ONLY);
	CU_ASSERT_EQUAL(g.out[1].op, OP_WRITE_ONLY);
	CU_ASSERT_EQUAL(g.out[2].op, OP_SEND_ONLY);
	CU_ASSERT_FALSE(g.out[0].ack_req);
	CU_ASSERT_FALSE(g.out[1].ack_req);
	CU_ASSERT_TRUE(g.out[2].ack_req);
	gen_close(&g);
}

static void requester_output__signalled_asks(void)
{
	gen_open(&g, 3);
	for (unsigned i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(gen_post(&g, RD_OP_WRITE, i, 0, 10, i == 2 ? RD_F_SIGNAL : 0), 0);
	gen_turn(&g);
	CU_ASSERT_EQUAL(g.n_out, 5);
	for (unsigned i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(g.out[i].ack_req, i == 2 || i == 4);
	gen_close(&g);
}

/* No more than 32 packets, nor a quarter of the window, without asking for an answer. */
static void requester_output__asks_often_enough(void)
{
	unsigned since = 0;

	gen_open(&g, 1);
	CU_ASSERT_EQUAL(gen_post(&g, RD_OP_WRITE, 1, 0, 100000, 0), 0);
	gen_turn(&g);
	CU_ASSERT_EQUAL(g.n_out, 32);
	for (unsigned i = 0; i < g.n_out; i++) {
		since = g.out[i].ack_req ? 0 : since + 1;
		CU_ASSERT_TRUE(since < 8);
	}
	CU_ASSERT_EQUAL(since, 0);
	gen_close(&g);
}

/* ---- answers -------------------------------------------------------------------------------- */

static void ack_input__cumulative(void)
{
	struct rd_wc wc[8];

	gen_open(&g, 3);
	gen_post_sends(&g, 9);
	CU_ASSERT_EQUAL(rd_send_room(g.qp), 55);
	gen_ack(&g, AETH_ACK, GEN_SQ_PSN + 6);
	CU_ASSERT_EQUAL(rd_send_room(g.qp), 55);
	CU_ASSERT_EQUAL(rd_poll(g.dev, wc, 8), 2);
	CU_ASSERT_EQUAL(wc[0].cookie, 2);
	CU_ASSERT_EQUAL(wc[1].cookie, 5);
	/* Cookie 6 is through, but nothing behind it has told so. */
	CU_ASSERT_EQUAL(rd_send_room(g.qp), 61);
	CU_ASSERT_EQUAL(gen_info(&g).una_psn, GEN_SQ_PSN + 7);
	gen_ack(&g, AETH_ACK, GEN_SQ_PSN + 8);
	CU_ASSERT_EQUAL(rd_poll(g.dev, wc, 8), 1);
	CU_ASSERT_EQUAL(wc[0].cookie, 8);
	CU_ASSERT_EQUAL(rd_send_room(g.qp), 64);
	CU_ASSERT_EQUAL(g.n_out, 0);
	gen_close(&g);
}

static void ack_input__nothing_outside_what_is_sent(void)
{
	static const struct { uint8_t syndrome; uint32_t at; bool counted; } cases[] = {
		{ AETH_ACK, 5, true }, { AETH_ACK, 6, true }, { AETH_ACK, 1000, true }, { AETH_ACK, 0x7fffff, true },
		{ AETH_ACK, 0xffffff, false }, { AETH_ACK, 0x800000, false }, { AETH_NAK_SEQ, 5, true },
		{ AETH_NAK_SEQ, 0xffffff, false }, { AETH_RNR | 12, 5, true }, { AETH_RNR | 12, 0xffffff, false },
		{ AETH_NAK_ACCESS, 5, true }, { AETH_NAK_ACCESS, 0xfffff0, false }, { AETH_NAK_INVALID, 77, true },
	};
	uint64_t counted = 0;
	struct rd_wc wc;

	gen_open(&g, 3);
	gen_post_sends(&g, 5);
	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		gen_ack(&g, cases[i].syndrome, GEN_SQ_PSN + cases[i].at);
		counted += cases[i].counted;
		CU_ASSERT_EQUAL(gen_counters(&g).bad_ack, counted);
		CU_ASSERT_EQUAL(gen_info(&g).una_psn, GEN_SQ_PSN);
		CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_RTS);
		CU_ASSERT_EQUAL(gen_turn(&g), 0);
	}
	CU_ASSERT_EQUAL(rd_poll(g.dev, &wc, 1), 0);
	gen_close(&g);
}

static void ack_input__reserved_syndromes(void)
{
	gen_open(&g, 3);
	gen_post_sends(&g, 5);
	for (unsigned s = 0; s < 256; s++) {
		bool known = s < 0x40 || (s >= AETH_NAK_SEQ && s <= AETH_NAK_OP);

		if (known)
			continue;
		gen_ack(&g, (uint8_t)s, GEN_SQ_PSN + 1);
	}
	CU_ASSERT_EQUAL(gen_counters(&g).bad_ack, 256 - 0x40 - 4);
	CU_ASSERT_EQUAL(gen_info(&g).una_psn, GEN_SQ_PSN);
	CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_RTS);
	/* Credits are read over. */
	gen_ack(&g, 5, GEN_SQ_PSN + 1);
	CU_ASSERT_EQUAL(gen_info(&g).una_psn, GEN_SQ_PSN + 2);
	gen_close(&g);
}

static void ack_input__sequence_nak(void)
{
	gen_open(&g, 3);
	gen_post_sends(&g, 6);
	gen_ack(&g, AETH_NAK_SEQ, GEN_SQ_PSN + 2);
	CU_ASSERT_EQUAL(gen_info(&g).una_psn, GEN_SQ_PSN + 2);
	CU_ASSERT_EQUAL(gen_turn(&g), 4);
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(g.out[i].psn, GEN_SQ_PSN + 2 + i);
		CU_ASSERT_EQUAL(memcmp(g.out[i].payload, g.mem + 2 + i, 10), 0);
	}
	CU_ASSERT_TRUE(g.out[0].ack_req);
	CU_ASSERT_TRUE(g.out[3].ack_req);
	/* The same once more within a round trip. */
	gen_ack(&g, AETH_NAK_SEQ, GEN_SQ_PSN + 2);
	CU_ASSERT_EQUAL(gen_turn(&g), 0);
	/* After progress another one counts. */
	gen_ack(&g, AETH_NAK_SEQ, GEN_SQ_PSN + 3);
	CU_ASSERT_EQUAL(gen_turn(&g), 3);
	CU_ASSERT_EQUAL(gen_counters(&g).rcvd_seq_err, 3);
	CU_ASSERT_EQUAL(gen_counters(&g).retransmitted_pkts, 7);
	CU_ASSERT_EQUAL(gen_info(&g).seq_naks_in, 3);
	gen_close(&g);
}

static void ack_input__refusals(void)
{
	static const struct { uint8_t syndrome, status; } cases[] = {
		{ AETH_NAK_INVALID, RD_WC_REM_INV_REQ_ERR }, { AETH_NAK_ACCESS, RD_WC_REM_ACCESS_ERR },
		{ AETH_NAK_OP, RD_WC_REM_OP_ERR },
	};

	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		struct rd_wc wc[10];
		struct rd_event ev[2];

		gen_open(&g, 3);
		CU_ASSERT_EQUAL(gen_recv(&g, 100, 0, 10), 0);
		gen_post_sends(&g, 6);
		gen_ack(&g, cases[i].syndrome, GEN_SQ_PSN + 3);
		CU_ASSERT_EQUAL(rd_poll(g.dev, wc, 10), 5);
		CU_ASSERT_EQUAL(wc[0].cookie, 2);
		CU_ASSERT_EQUAL(wc[0].status, RD_WC_SUCCESS);
		CU_ASSERT_EQUAL(wc[1].cookie, 3);
		CU_ASSERT_EQUAL(wc[1].status, cases[i].status);
		for (unsigned w = 2; w < 5; w++) {
			CU_ASSERT_EQUAL(wc[w].cookie, w == 4 ? 100 : w + 2);
			CU_ASSERT_EQUAL(wc[w].status, RD_WC_WR_FLUSH_ERR);
		}
		CU_ASSERT_EQUAL(rd_event_poll(g.dev, ev, 2), 1);
		CU_ASSERT_EQUAL(ev[0].type, RD_EV_QP_FATAL);
		CU_ASSERT_PTR_EQUAL(ev[0].user, &g);
		/* And no more, whatever comes. */
		gen_ack(&g, cases[i].syndrome, GEN_SQ_PSN + 4);
		CU_ASSERT_EQUAL(rd_poll(g.dev, wc, 10), 0);
		CU_ASSERT_EQUAL(gen_counters(&g).bad_state, 1);
		gen_run(&g, 1000000, 1000);
		CU_ASSERT_EQUAL(g.n_out, 0);
		gen_close(&g);
	}
}

/* ---- receiver not ready ------------------------------------------------------------------------- */

static void ack_input__receiver_not_ready(void)
{
	struct rd_wc wc;

	gen_open(&g, 3);
	gen_post_sends(&g, 3);
	gen_ack(&g, AETH_RNR | 12, GEN_SQ_PSN + 1);
	CU_ASSERT_EQUAL(gen_info(&g).una_psn, GEN_SQ_PSN + 1);
	/* The packets behind draw a sequence NAK: not heeded now. */
	gen_ack(&g, AETH_NAK_SEQ, GEN_SQ_PSN + 1);
	gen_run(&g, 639, 1);
	CU_ASSERT_EQUAL(g.n_out, 0);
	CU_ASSERT_EQUAL(gen_post(&g, RD_OP_SEND, 9, 0, 10, 0), 0);
	CU_ASSERT_EQUAL(gen_turn(&g), 0);
	gen_run(&g, 21, 1);
	CU_ASSERT_EQUAL(g.n_out, 3);
	CU_ASSERT_EQUAL(g.out[0].psn, GEN_SQ_PSN + 1);
	gen_ack(&g, AETH_ACK, GEN_SQ_PSN + 3);
	CU_ASSERT_EQUAL(rd_poll(g.dev, &wc, 1), 1);
	CU_ASSERT_EQUAL(gen_counters(&g).rcvd_rnr_err, 1);
	gen_close(&g);
}

static void ack_input__receiver_never_ready(void)
{
	struct rd_wc wc[4];

	gen_open(&g, 3);
	gen_post_sends(&g, 2);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_RTS);
		gen_ack(&g, AETH_RNR | 1, GEN_SQ_PSN);
		gen_run(&g, 30, 1);
	}
	CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_ERR);
	CU_ASSERT_EQUAL(rd_poll(g.dev, wc, 4), 2);
	CU_ASSERT_EQUAL(wc[0].status, RD_WC_RNR_RETRY_EXC_ERR);
	CU_ASSERT_EQUAL(wc[1].status, RD_WC_WR_FLUSH_ERR);
	CU_ASSERT_EQUAL(gen_counters(&g).retry_rnr_exceeded_err, 1);
	gen_close(&g);
}

/* It took the packet after all: no more waiting. */
static void ack_input__receiver_ready_before_its_time(void)
{
	gen_open(&g, 3);
	gen_post_sends(&g, 3);
	gen_ack(&g, AETH_RNR | 31, GEN_SQ_PSN);
	gen_run(&g, 1000, 100);
	CU_ASSERT_EQUAL(g.n_out, 0);
	gen_ack(&g, AETH_ACK, GEN_SQ_PSN);
	CU_ASSERT_EQUAL(gen_turn(&g), 2);
	CU_ASSERT_EQUAL(g.out[0].psn, GEN_SQ_PSN + 1);
	gen_close(&g);
}

/* The same said twice is one refusal, and progress begins the count anew. */
static void ack_input__refusals_for_now_counted(void)
{
	gen_open(&g, 3);
	gen_post_sends(&g, 9);
	for (unsigned i = 0; i < 9; i++) {
		gen_ack(&g, AETH_RNR | 5, GEN_SQ_PSN + i);
		gen_ack(&g, AETH_RNR | 5, GEN_SQ_PSN + i);
		gen_ack(&g, AETH_RNR | 5, GEN_SQ_PSN + i);
		gen_run(&g, 100, 1);
		CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_RTS);
		gen_ack(&g, AETH_RNR | 5, GEN_SQ_PSN + i);
		gen_run(&g, 100, 1);
	}
	CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_RTS);
	CU_ASSERT_EQUAL(gen_info(&g).rnr_naks_in, 18);
	gen_close(&g);
}

static void ack_input__receiver_not_ready_for_ever(void)
{
	gen_open_with(&g, &(struct roce_config){ 0 });
	gen_qp(&g, 0);
	gen_attr(&g, 3);
	g.attr.rnr_retry = RD_RETRY_INFINITE;
	gen_connect(&g, true);
	gen_post_sends(&g, 2);
	for (unsigned i = 0; i < 200; i++) {
		gen_ack(&g, AETH_RNR | 1, GEN_SQ_PSN);
		gen_run(&g, 30, 1);
	}
	CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_RTS);
	CU_ASSERT_EQUAL(gen_info(&g).rnr_naks_in, 200);
	gen_close(&g);
}

/* ---- from the buffer --------------------------------------------------------------------------------------- */

static void requester_output__again_from_two_pieces(void)
{
	static const uint32_t cuts[] = { 1, 100, 255, 256, 257, 700, 1023 };

	for (unsigned i = 0; i < RTE_DIM(cuts); i++) {
		static struct gen_out first[8];
		struct rd_wr wr = { .op = RD_OP_WRITE, .n_sge = 2, .rkey = 1, .raddr = 2 };

		gen_open(&g, 1);
		gen_fill(g.mem, 8192, i);
		wr.sge[0] = (struct rd_sge){ g.mem + 5000, cuts[i], rd_mr_lkey(g.mr) };
		wr.sge[1] = (struct rd_sge){ g.mem + 11, 1500 - cuts[i], rd_mr_lkey(g.mr) };
		CU_ASSERT_EQUAL(rd_post_send(g.qp, &wr, 1), 0);
		CU_ASSERT_EQUAL(gen_turn(&g), 6);
		memcpy(first, g.out, 6 * sizeof(first[0]));
		for (uint32_t from = 0; from < 6; from++) {
			gen_forget(&g);
			gen_ack(&g, AETH_NAK_SEQ, GEN_SQ_PSN + from);
			CU_ASSERT_EQUAL(gen_turn(&g), 6 - from);
			for (uint32_t p = from; p < 6; p++) {
				const struct gen_out *a = &first[p], *b = &g.out[p - from];

				CU_ASSERT_EQUAL(a->op, b->op);
				CU_ASSERT_EQUAL(a->psn, b->psn);
				CU_ASSERT_EQUAL(a->va, b->va);
				CU_ASSERT_EQUAL(a->dma_len, b->dma_len);
				CU_ASSERT_EQUAL(a->len, b->len);
				CU_ASSERT_EQUAL(memcmp(a->payload, b->payload, a->len), 0);
			}
		}
		gen_close(&g);
	}
}

static void requester_output__inline_is_a_copy(void)
{
	char text[RD_INLINE_MAX] = "before";
	struct rd_wr wr = { .op = RD_OP_SEND, .flags = RD_F_INLINE, .n_sge = 1, .sge = { { text, sizeof(text), 0 } } };

	gen_open(&g, 3);
	CU_ASSERT_EQUAL(rd_post_send(g.qp, &wr, 1), 0);
	memset(text, 'x', sizeof(text));
	gen_turn(&g);
	CU_ASSERT_EQUAL(g.out[0].len, RD_INLINE_MAX);
	CU_ASSERT_STRING_EQUAL((char *)g.out[0].payload, "before");
	gen_close(&g);
}

/* A region that goes away ends its own work request, not those before it. */
static void requester_output__region_gone(void)
{
	struct rd_req req = { .op = RD_REQ_MR_REG, .len = 100 };
	struct rd_wr wr = { .cookie = 7, .op = RD_OP_SEND, .n_sge = 1 };
	struct rd_wc wc[4];

	gen_open(&g, 3);
	req.pd = g.pd;
	req.addr = g.mem;
	CU_ASSERT_EQUAL_FATAL(gen_do(&g, &req), 0);
	wr.sge[0] = (struct rd_sge){ g.mem, 10, rd_mr_lkey(req.mr) };
	CU_ASSERT_EQUAL(gen_post(&g, RD_OP_SEND, 6, 0, 10, RD_F_SIGNAL), 0);
	CU_ASSERT_EQUAL(rd_post_send(g.qp, &wr, 1), 0);
	CU_ASSERT_EQUAL(gen_post(&g, RD_OP_SEND, 8, 0, 10, 0), 0);
	req.op = RD_REQ_MR_DEREG;
	CU_ASSERT_EQUAL(gen_do(&g, &req), 0);
	CU_ASSERT_EQUAL(gen_turn(&g), 1);
	CU_ASSERT_EQUAL(rd_poll(g.dev, wc, 4), 0);
	gen_ack(&g, AETH_ACK, GEN_SQ_PSN);
	CU_ASSERT_EQUAL(rd_poll(g.dev, wc, 4), 3);
	CU_ASSERT_EQUAL(wc[0].status, RD_WC_SUCCESS);
	CU_ASSERT_EQUAL(wc[1].cookie, 7);
	CU_ASSERT_EQUAL(wc[1].status, RD_WC_LOC_PROT_ERR);
	CU_ASSERT_EQUAL(wc[2].status, RD_WC_WR_FLUSH_ERR);
	gen_close(&g);
}

/* What finds no room, or no budget, keeps its PSN and leaves later. */
static void requester_output__room_and_budget(void)
{
	gen_open(&g, 3);
	CU_ASSERT_EQUAL(gen_post(&g, RD_OP_WRITE, 1, 0, 10240, RD_F_SIGNAL), 0);
	g.room = 0;
	CU_ASSERT_EQUAL(gen_turn(&g), 0);
	CU_ASSERT_TRUE(gen_counters(&g).tx_full > 0);
	CU_ASSERT_TRUE(rd_busy(g.dev));
	g.room = 3;
	CU_ASSERT_EQUAL(gen_turn(&g), 3);
	CU_ASSERT_TRUE(g.out[2].ack_req);
	g.room = 100;
	CU_ASSERT_EQUAL(roce_output(g.roce, g.now_us, 2), 2);
	CU_ASSERT_EQUAL(gen_turn(&g), 5);
	for (unsigned i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(g.out[i].psn, GEN_SQ_PSN + i);
	CU_ASSERT_FALSE(rd_busy(g.dev));
	gen_close(&g);
}

static void requester_output__no_buffers(void)
{
	struct rte_mbuf *all[9000];
	struct rte_mempool *pool;
	unsigned n = 0;

	gen_open(&g, 3);
	pool = rte_mempool_lookup("gen");
	CU_ASSERT_EQUAL(gen_post(&g, RD_OP_SEND, 1, 0, 100, RD_F_SIGNAL), 0);
	while (n < RTE_DIM(all) && (all[n] = rte_pktmbuf_alloc(pool)) != NULL)
		n++;
	CU_ASSERT_EQUAL(gen_turn(&g), 0);
	CU_ASSERT_TRUE(gen_counters(&g).no_mbuf > 0);
	CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_RTS);
	rte_pktmbuf_free_bulk(all, n);
	CU_ASSERT_EQUAL(gen_turn(&g), 1);
	gen_close(&g);
}

static const struct test_case cases[] = {
	TEST_CASE(requester_output__segments_of_a_send),
	TEST_CASE(requester_output__segments_of_a_write),
	TEST_CASE(requester_output__psn_wraps),
	TEST_CASE(requester_output__headers),
	TEST_CASE(requester_output__list_in_order),
	TEST_CASE(requester_output__signalled_asks),
	TEST_CASE(requester_output__asks_often_enough),
	TEST_CASE(ack_input__cumulative),
	TEST_CASE(ack_input__nothing_outside_what_is_sent),
	TEST_CASE(ack_input__reserved_syndromes),
	TEST_CASE(ack_input__sequence_nak),
	TEST_CASE(ack_input__refusals),
	TEST_CASE(ack_input__receiver_not_ready),
	TEST_CASE(ack_input__receiver_never_ready),
	TEST_CASE(ack_input__receiver_ready_before_its_time),
	TEST_CASE(ack_input__refusals_for_now_counted),
	TEST_CASE(ack_input__receiver_not_ready_for_ever),
	TEST_CASE(requester_output__again_from_two_pieces),
	TEST_CASE(requester_output__inline_is_a_copy),
	TEST_CASE(requester_output__region_gone),
	TEST_CASE(requester_output__room_and_budget),
	TEST_CASE(requester_output__no_buffers),
};
TEST_MAIN("roce_requester", cases)
