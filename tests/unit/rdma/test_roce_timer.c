/* SPDX-License-Identifier: BSD-3-Clause */
/* What the requester does with time, and its window. */
#include <errno.h>
#include <string.h>

#include "pmd/rdma/psn.h"
#include "tests/unit/rdma/gen.h"

static struct gen g;

/* ---- time ------------------------------------------------------------------------------------------ */

static void timer__tail_probe(void)
{
	struct rd_wc wc;

	gen_open(&g, 3);
	gen_post_sends(&g, 1);
	g.now_us += 100;
	gen_ack(&g, AETH_ACK, GEN_SQ_PSN);
	CU_ASSERT_EQUAL(gen_info(&g).srtt_us, 100);
	gen_post_sends(&g, 4);
	/* Nothing answers: the last one again, and nothing else. */
	gen_run(&g, 700, 10);
	CU_ASSERT_EQUAL(g.n_out, 1);
	CU_ASSERT_EQUAL(g.out[0].psn, GEN_SQ_PSN + 4);
	CU_ASSERT_EQUAL(g.out[0].op, OP_SEND_ONLY);
	CU_ASSERT_EQUAL(memcmp(g.out[0].payload, g.mem + 3, 10), 0);
	CU_ASSERT_TRUE(g.out[0].ack_req);
	CU_ASSERT_EQUAL(gen_counters(&g).tail_probes, 1);
	/* All had arrived, only the answer was lost. */
	gen_ack(&g, AETH_ACK, GEN_SQ_PSN + 4);
	CU_ASSERT_EQUAL(rd_poll(g.dev, &wc, 1), 1);
	gen_forget(&g);
	gen_run(&g, 1000000, 100);
	CU_ASSERT_EQUAL(g.n_out, 0);
	CU_ASSERT_EQUAL(gen_counters(&g).timeouts, 0);
	gen_close(&g);
}

/* The probe within a message is its last packet, not the next message's. */
static void timer__tail_probe_of_a_long_message(void)
{
	gen_open(&g, 1);
	gen_fill(g.mem, 1000, 1);
	CU_ASSERT_EQUAL(gen_post(&g, RD_OP_WRITE, 1, 0, 1000, 0), 0);
	gen_turn(&g);
	CU_ASSERT_EQUAL(g.n_out, 4);
	gen_forget(&g);
	gen_run(&g, 30000, 1000);
	CU_ASSERT_EQUAL(g.n_out, 1);
	CU_ASSERT_EQUAL(g.out[0].op, OP_WRITE_LAST);
	CU_ASSERT_EQUAL(g.out[0].psn, GEN_SQ_PSN + 3);
	CU_ASSERT_EQUAL(g.out[0].len, 1000 - 768);
	CU_ASSERT_EQUAL(memcmp(g.out[0].payload, g.mem + 768, g.out[0].len), 0);
	gen_close(&g);
}

/* The window ends with a message; the next is not begun. */
static void timer__tail_probe_before_the_next_message(void)
{
	struct roce_config conf = { .window = 4 };

	gen_open_with(&g, &conf);
	gen_qp(&g, 0);
	gen_attr(&g, 1);
	gen_connect(&g, true);
	gen_fill(g.mem, 2048, 1);
	CU_ASSERT_EQUAL(gen_post(&g, RD_OP_WRITE, 1, 0, 1000, 0), 0);
	CU_ASSERT_EQUAL(gen_post(&g, RD_OP_WRITE, 2, 1024, 1000, 0), 0);
	gen_turn(&g);
	CU_ASSERT_EQUAL(g.n_out, 4);
	gen_forget(&g);
	gen_run(&g, 30000, 1000);
	CU_ASSERT_EQUAL(g.n_out, 1);
	CU_ASSERT_EQUAL(g.out[0].op, OP_WRITE_LAST);
	CU_ASSERT_EQUAL(g.out[0].psn, GEN_SQ_PSN + 3);
	CU_ASSERT_EQUAL(memcmp(g.out[0].payload, g.mem + 768, g.out[0].len), 0);
	gen_close(&g);
}

static void timer__all_again_from_the_oldest(void)
{
	gen_open(&g, 3);
	gen_post_sends(&g, 3);
	gen_ack(&g, AETH_ACK, GEN_SQ_PSN);
	gen_run(&g, 60000, 1000);
	CU_ASSERT_TRUE(g.n_out >= 3);
	CU_ASSERT_EQUAL(g.out[0].psn, GEN_SQ_PSN + 2);
	CU_ASSERT_EQUAL(g.out[1].psn, GEN_SQ_PSN + 1);
	CU_ASSERT_TRUE(g.out[1].ack_req);
	CU_ASSERT_EQUAL(g.out[2].psn, GEN_SQ_PSN + 2);
	CU_ASSERT_TRUE(g.out[2].ack_req);
	CU_ASSERT_TRUE(gen_counters(&g).timeouts >= 1);
	gen_close(&g);
}

/* Timeout 14 is 67 ms, 3 retries: silence of 67 + 134 + 268 + 268 ms ends it. */
static void timer__gives_up(void)
{
	struct rd_wc wc[4];
	uint64_t from;

	gen_open(&g, 3);
	gen_post_sends(&g, 3);
	from = g.now_us;
	while (rd_qp_state(g.qp) == RD_QP_RTS && g.now_us < from + 5000000)
		gen_run(&g, 1000, 1000);
	CU_ASSERT_TRUE(g.now_us - from > 4 * 67000);
	CU_ASSERT_TRUE(g.now_us - from < 16 * 67000);
	CU_ASSERT_EQUAL(rd_poll(g.dev, wc, 4), 3);
	CU_ASSERT_EQUAL(wc[0].status, RD_WC_RETRY_EXC_ERR);
	CU_ASSERT_EQUAL(wc[0].cookie, 0);
	CU_ASSERT_EQUAL(wc[1].status, RD_WC_WR_FLUSH_ERR);
	CU_ASSERT_EQUAL(wc[2].status, RD_WC_WR_FLUSH_ERR);
	CU_ASSERT_EQUAL(gen_counters(&g).retry_exceeded_err, 1);
	gen_forget(&g);
	gen_run(&g, 1000000, 10000);
	CU_ASSERT_EQUAL(g.n_out, 0);
	gen_close(&g);
}

/* Two retries each time, of three allowed. */
static void timer__progress_begins_the_count_anew(void)
{
	gen_open(&g, 3);
	gen_post_sends(&g, 9);
	for (unsigned i = 0; i < 9; i++) {
		gen_run(&g, 350000, 1000);
		CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_RTS);
		gen_ack(&g, AETH_ACK, GEN_SQ_PSN + i);
	}
	CU_ASSERT_EQUAL(gen_counters(&g).completer_retry_err, 18);
	gen_close(&g);
}

static void timer__never_gives_up_without_timeout(void)
{
	gen_open_with(&g, &(struct roce_config){ 0 });
	gen_qp(&g, 0);
	gen_attr(&g, 3);
	g.attr.timeout = 0;
	g.attr.retry = 0;
	gen_connect(&g, true);
	gen_post_sends(&g, 2);
	gen_run(&g, 60000000, 100000);
	CU_ASSERT_EQUAL(rd_qp_state(g.qp), RD_QP_RTS);
	CU_ASSERT_TRUE(g.n_out > 100);
	CU_ASSERT_TRUE(g.n_out < 400);
	gen_close(&g);
}

/* ---- sent again for nothing --------------------------------------------------------------------- */

/* A round trip of 100 us, then one of 5 ms: what was sent again meanwhile is acknowledged as
 * well, so the next such answer is waited for. */
static void late_answer(unsigned acks)
{
	gen_open(&g, 3);
	gen_post_sends(&g, 1);
	g.now_us += 100;
	gen_ack(&g, AETH_ACK, GEN_SQ_PSN);
	CU_ASSERT_EQUAL(gen_info(&g).rto_us, 1000);
	gen_post_sends(&g, 1);
	gen_forget(&g);
	gen_run(&g, 5000, 100);
	CU_ASSERT_TRUE(g.n_out >= 3);
	while (acks-- > 0)
		gen_ack(&g, AETH_ACK, GEN_SQ_PSN + 1);
	gen_forget(&g);
}

static void timer__needless_raises_the_floor(void)
{
	late_answer(2);
	CU_ASSERT_EQUAL(gen_counters(&g).spurious_retransmits, 1);
	CU_ASSERT_TRUE(gen_info(&g).rto_us >= 6000);
	/* Once for each time. */
	gen_ack(&g, AETH_ACK, GEN_SQ_PSN + 1);
	CU_ASSERT_EQUAL(gen_counters(&g).spurious_retransmits, 1);
	gen_post_sends(&g, 1);
	gen_forget(&g);
	gen_run(&g, 2900, 100);
	CU_ASSERT_EQUAL(g.n_out, 0);
	gen_ack(&g, AETH_ACK, GEN_SQ_PSN + 2);
	gen_close(&g);
}

/* One answer to two packets: the first of them was lost, for all we know. */
static void timer__needed_does_not(void)
{
	late_answer(1);
	CU_ASSERT_EQUAL(gen_counters(&g).spurious_retransmits, 0);
	CU_ASSERT_EQUAL(gen_info(&g).rto_us, 1000);
	gen_ack(&g, AETH_ACK, GEN_SQ_PSN);
	CU_ASSERT_EQUAL(gen_counters(&g).spurious_retransmits, 0);
	gen_close(&g);
}

/* Sooner than anything ever was answered. */
static void timer__answer_too_soon(void)
{
	gen_open(&g, 3);
	gen_post_sends(&g, 1);
	g.now_us += 100;
	gen_ack(&g, AETH_ACK, GEN_SQ_PSN);
	gen_post_sends(&g, 1);
	gen_forget(&g);
	while (g.n_out == 0)
		gen_run(&g, 10, 10);
	g.now_us += 20;
	gen_ack(&g, AETH_ACK, GEN_SQ_PSN + 1);
	CU_ASSERT_EQUAL(gen_counters(&g).spurious_retransmits, 1);
	CU_ASSERT_TRUE(gen_info(&g).rto_us >= 2000);
	gen_close(&g);
}

static void timer__floor_falls(void)
{
	uint32_t last;

	late_answer(2);
	last = gen_info(&g).rto_us;
	for (unsigned i = 0; i < 30; i++) {
		g.now_us += 1000000;
		gen_post_sends(&g, 1);
		g.now_us += 100;
		gen_ack(&g, AETH_ACK, GEN_SQ_PSN + 2 + i);
		CU_ASSERT_TRUE(gen_info(&g).rto_us <= last);
		last = gen_info(&g).rto_us;
	}
	CU_ASSERT_EQUAL(last, 1000);
	gen_close(&g);
}

/* However late, never so that the peer's end is noticed later than was asked for. */
static void timer__floor_has_a_top(void)
{
	gen_open(&g, 3);
	for (unsigned i = 0; i < 20; i++) {
		gen_forget(&g);
		gen_post_sends(&g, 1);
		gen_run(&g, 60000, 1000);
		gen_ack(&g, AETH_ACK, GEN_SQ_PSN + i);
		gen_ack(&g, AETH_ACK, GEN_SQ_PSN + i);
	}
	CU_ASSERT_TRUE(gen_counters(&g).spurious_retransmits > 0);
	CU_ASSERT_TRUE(gen_info(&g).rto_us <= 68000);
	gen_close(&g);
}

static void timer__rnr_codes(void)
{
	static const struct { uint8_t code; uint32_t us; } cases[] = {
		{ 1, 10 }, { 5, 60 }, { 12, 640 }, { 21, 15360 }, { 31, 491520 }, { 0, 655360 },
	};

	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		uint64_t from;

		gen_open(&g, 3);
		gen_post_sends(&g, 1);
		from = g.now_us;
		gen_ack(&g, AETH_RNR | cases[i].code, GEN_SQ_PSN);
		while (g.n_out == 0 && g.now_us < from + 1000000)
			gen_run(&g, 10, 10);
		CU_ASSERT_TRUE(g.now_us - from >= cases[i].us);
		CU_ASSERT_TRUE(g.now_us - from <= cases[i].us + 20);
		gen_close(&g);
	}
}

/* ---- window ------------------------------------------------------------------------------------------- */

static void window__never_more_than_configured(void)
{
	struct roce_config conf = { .window = 64 };
	uint32_t acked = GEN_SQ_PSN;

	gen_open_with(&g, &conf);
	gen_qp(&g, 0);
	gen_attr(&g, 1);
	gen_connect(&g, true);
	CU_ASSERT_EQUAL(gen_post(&g, RD_OP_WRITE, 1, 0, 3000000, RD_F_SIGNAL), 0);
	gen_turn(&g);
	CU_ASSERT_EQUAL(g.n_out, 32);
	for (unsigned i = 0; i < 4000; i++) {
		acked++;
		gen_ack(&g, AETH_ACK, acked - 1);
		gen_turn(&g);
		CU_ASSERT_TRUE(gen_info(&g).in_flight <= 64);
		gen_forget(&g);
	}
	/* It has grown to all that is allowed. */
	CU_ASSERT_EQUAL(gen_info(&g).in_flight, 64);
	CU_ASSERT_EQUAL(gen_info(&g).window, 64);
	CU_ASSERT_TRUE(gen_counters(&g).win_limited > 0);
	gen_close(&g);
}

static void window__one_more_a_round(void)
{
	uint32_t psn = GEN_SQ_PSN;

	gen_open(&g, 1);
	CU_ASSERT_EQUAL(gen_post(&g, RD_OP_WRITE, 1, 0, 3000000, RD_F_SIGNAL), 0);
	for (uint32_t want = 32; want < 40; want++) {
		for (uint32_t i = 0; i < want; i++) {
			gen_turn(&g);
			CU_ASSERT_EQUAL(gen_info(&g).window, want);
			gen_ack(&g, AETH_ACK, psn++);
		}
	}
	gen_close(&g);
}

static void window__cut_by_loss_once_a_round_trip(void)
{
	gen_open(&g, 1);
	CU_ASSERT_EQUAL(gen_post(&g, RD_OP_WRITE, 1, 0, 3000000, RD_F_SIGNAL), 0);
	gen_turn(&g);
	g.now_us += 200;
	gen_ack(&g, AETH_ACK, GEN_SQ_PSN + 7);
	gen_ack(&g, AETH_NAK_SEQ, GEN_SQ_PSN + 10);
	CU_ASSERT_EQUAL(gen_info(&g).window, 16);
	gen_forget(&g);
	CU_ASSERT_EQUAL(gen_turn(&g), 16);
	gen_ack(&g, AETH_NAK_SEQ, GEN_SQ_PSN + 12);
	CU_ASSERT_EQUAL(gen_info(&g).window, 16);
	g.now_us += 300;
	gen_ack(&g, AETH_NAK_SEQ, GEN_SQ_PSN + 13);
	CU_ASSERT_EQUAL(gen_info(&g).window, 8);
	for (unsigned i = 0; i < 5; i++) {
		g.now_us += 1000;
		gen_turn(&g);
		gen_ack(&g, AETH_NAK_SEQ, GEN_SQ_PSN + 14 + i);
	}
	CU_ASSERT_EQUAL(gen_info(&g).window, 4);
	gen_close(&g);
}

static void window__cut_by_cnp(void)
{
	gen_open(&g, 1);
	CU_ASSERT_EQUAL(gen_info(&g).window, 32);
	gen_in(&g, &(struct gen_pkt){ .op = OP_CNP, .bth4 = 0x40 });
	CU_ASSERT_EQUAL(gen_info(&g).window, 24);
	gen_in(&g, &(struct gen_pkt){ .op = OP_CNP, .bth4 = 0x40 });
	CU_ASSERT_EQUAL(gen_info(&g).window, 24);
	g.now_us += 50;
	gen_in(&g, &(struct gen_pkt){ .op = OP_CNP, .bth4 = 0x40 });
	CU_ASSERT_EQUAL(gen_info(&g).window, 18);
	CU_ASSERT_EQUAL(gen_counters(&g).cnp_rcvd, 3);
	CU_ASSERT_EQUAL(gen_turn(&g), 0);
	gen_close(&g);
}

static const struct test_case cases[] = {
	TEST_CASE(timer__tail_probe),
	TEST_CASE(timer__tail_probe_of_a_long_message),
	TEST_CASE(timer__tail_probe_before_the_next_message),
	TEST_CASE(timer__all_again_from_the_oldest),
	TEST_CASE(timer__gives_up),
	TEST_CASE(timer__progress_begins_the_count_anew),
	TEST_CASE(timer__never_gives_up_without_timeout),
	TEST_CASE(timer__needless_raises_the_floor),
	TEST_CASE(timer__needed_does_not),
	TEST_CASE(timer__answer_too_soon),
	TEST_CASE(timer__floor_falls),
	TEST_CASE(timer__floor_has_a_top),
	TEST_CASE(timer__rnr_codes),
	TEST_CASE(window__never_more_than_configured),
	TEST_CASE(window__one_more_a_round),
	TEST_CASE(window__cut_by_loss_once_a_round_trip),
	TEST_CASE(window__cut_by_cnp),
};
TEST_MAIN("roce_timer", cases)
