/* SPDX-License-Identifier: BSD-3-Clause */
/* When ACKs go out, what SACK says, the urgent mark. */
#include <string.h>

#include "tests/unit/tcp_recv/fixture.h"

static void no_credit(void)
{
	fx.c.quick_acks = 0;
	fx.c.rcv_mss = 1460;
}

/* ---- ACK policy -------------------------------------------------------------- */

static void tcp_ack_due__every_second_segment(void)
{
	fx_open(0, 65536, 65536, 0);
	no_credit();
	fx_in(0, 1460, 0);
	CU_ASSERT_EQUAL(fx_turn(NULL), 0);
	CU_ASSERT_TRUE(tcp_timer_on(&fx.c, TCP_T_DELACK));
	CU_ASSERT_EQUAL(fx_turn(NULL), 0);
	CU_ASSERT_EQUAL(fx.timer_sets, 1); /* not pushed back */
	fx_in(1460, 1460, 0);
	CU_ASSERT_EQUAL(fx_turn(NULL), 1);
	CU_ASSERT_FALSE(tcp_timer_on(&fx.c, TCP_T_DELACK));
	CU_ASSERT_EQUAL(fx_turn(NULL), 0);
	fx_in(2920, 100, 0);
	CU_ASSERT_EQUAL(fx_turn(NULL), 0);
	tcp_delack_expired(&fx.c);
	CU_ASSERT_EQUAL(fx_turn(NULL), 1);
	CU_ASSERT_EQUAL(fx.ts.stats.delayed_acks, 1);
	tcp_delack_expired(&fx.c); /* nothing left to say */
	CU_ASSERT_EQUAL(fx_turn(NULL), 0);
	fx_close();
}

/* Data sent in the turn carries the ACK. */
static void tcp_ack_sent__clears_what_was_due(void)
{
	fx_open(0, 65536, 65536, 0);
	fx_in(0, 1460, 0);
	fx_in(3000, 100, 0);
	tcp_ack_sent(&fx.c);
	CU_ASSERT_EQUAL(fx_turn(NULL), 0);
	CU_ASSERT_EQUAL(fx.c.rcv_wup, fx.c.rcv_nxt);
	fx_close();
}

static void tcp_ack_due__bundle_counts_as_many(void)
{
	struct tcp_seg seg;

	fx_open(0, 65536, 65536, 0);
	no_credit();
	fx_make(&seg, 0, 4380, 0, 0, 1460);
	seg.gso_size = 1460;
	fx_in_checked(&seg);
	CU_ASSERT_EQUAL(fx.c.rcv_mss, 1460);
	CU_ASSERT_EQUAL(fx_turn(NULL), 1);
	fx_close();
}

/* Segments as large as the window: waiting for two would stop the sender (pitfall 55). */
static void tcp_ack_due__large_segments_small_window(void)
{
	struct tcp_seg seg;

	fx_open(0, 65536, 65536, 0);
	no_credit();
	fx.c.path.mtu = 65535;
	fx_make(&seg, 0, 40000, 0, 0, 2000);
	fx_in_checked(&seg);
	CU_ASSERT_EQUAL(fx.c.rcv_mss, 40000);
	CU_ASSERT_EQUAL(fx_turn(NULL), 1);
	fx_close();
}

static void tcp_ack_due__quick_credit(void)
{
	unsigned acks = 0;

	fx_open(0, 65536, 65536, 0);
	fx.c.rcv_mss = 1460;
	fx.c.rto_us = 200000;
	for (uint32_t i = 0; i < 40; i++) {
		fx_in(i * 100, 100, RTE_TCP_PSH_FLAG);
		acks += fx_turn(NULL);
	}
	/* 16 at once, then one for two full segments' worth at most */
	CU_ASSERT_EQUAL(acks, 16);
	tcp_delack_expired(&fx.c);
	fx_turn(NULL);
	fx.now_us += 150000; /* below RTO: no new credit */
	fx_in(4000, 100, RTE_TCP_PSH_FLAG);
	CU_ASSERT_EQUAL(fx_turn(NULL), 0);
	fx.now_us += 250000;
	fx_in(4100, 100, RTE_TCP_PSH_FLAG);
	CU_ASSERT_EQUAL(fx_turn(NULL), 1);
	CU_ASSERT_EQUAL(fx.c.quick_acks, TCP_QUICK_ACKS - 1);
	fx_close();
}

/* A sender without SACK counts duplicates; with SACK one ACK says it all (7.2). */
static void tcp_ack_due__duplicates(void)
{
	static const struct {
		unsigned ooo;
		bool sack, new_data;
		unsigned acks;
	} rows[] = {
		{ 1, false, false, 1 }, { 2, false, false, 2 }, { 3, false, false, 3 }, { 9, false, false, 3 },
		{ 1, false, true, 2 }, { 3, false, true, 4 }, { 1, true, false, 1 }, { 9, true, true, 1 },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		fx_open(0, 65536, 65536, rows[i].sack ? TCF_SACK : 0);
		no_credit();
		if (rows[i].new_data)
			fx_in(0, 100, 0);
		for (unsigned k = 0; k < rows[i].ooo; k++)
			fx_in(1000 + k * 200, 100, 0);
		CU_ASSERT_EQUAL(fx_turn(NULL), rows[i].acks);
		CU_ASSERT_EQUAL(fx_turn(NULL), 0);
		fx_close();
	}
}

/* Scenario 49: the hole is filled in the same turn: one ACK, nothing to count. */
static void tcp_ack_due__hole_filled_in_the_turn(void)
{
	fx_open(0, 65536, 65536, 0);
	no_credit();
	fx_in(1460, 1460, 0);
	fx_in(2920, 1460, 0);
	fx_in(0, 1460, 0);
	CU_ASSERT_EQUAL(fx_turn(NULL), 1);
	CU_ASSERT_EQUAL(fx_read_checked(0), 4380);
	fx_in(5000, 10, 0); /* partly filled: at once as well */
	fx_turn(NULL);
	fx_in(4380, 10, 0);
	CU_ASSERT_EQUAL(fx_turn(NULL), 1);
	fx_close();
}

/* The estimate follows a path MTU that fell, but not the ends of writes. */
static void rcv_measure__segment_size(void)
{
	uint32_t at = 0;

	fx_open(0, 65536, 65536, 0);
	CU_ASSERT_EQUAL(fx.c.rcv_mss, TCP_RCV_MSS_INIT);
	fx_in(at, 1460, 0), at += 1460;
	CU_ASSERT_EQUAL(fx.c.rcv_mss, 1460);
	for (unsigned i = 0; i < 3; i++)
		fx_in(at, 200, RTE_TCP_PSH_FLAG), at += 200;
	CU_ASSERT_EQUAL(fx.c.rcv_mss, 1460);
	fx_in(at, 900, 0), at += 900;
	CU_ASSERT_EQUAL(fx.c.rcv_mss, 1460);
	fx_in(at, 900, 0), at += 900;
	CU_ASSERT_EQUAL(fx.c.rcv_mss, 900);
	for (unsigned i = 0; i < 3; i++)
		fx_in(at, 1, 0), at += 1;
	CU_ASSERT_EQUAL(fx.c.rcv_mss, 900);
	fx_close();
}

/* ---- SACK -------------------------------------------------------------------- */

struct block {
	uint32_t start, end;
};

/* The option we would send now, decoded; blocks. */
static unsigned option(struct block *b, unsigned room)
{
	uint8_t buf[40];
	unsigned n, len;

	memset(buf, 0xee, sizeof(buf));
	len = tcp_sack_option(&fx.c, buf, room);
	if (len == 0)
		return 0;
	CU_ASSERT(len <= room && len % 4 == 0);
	CU_ASSERT(buf[0] == 1 && buf[1] == 1 && buf[2] == 5 && buf[3] == len - 2);
	n = (len - 4) / 8;
	for (unsigned i = 0; i < n; i++) {
		rte_be32_t w[2];

		memcpy(w, buf + 4 + 8 * i, 8);
		b[i].start = fx_pos(rte_be_to_cpu_32(w[0]));
		b[i].end = fx_pos(rte_be_to_cpu_32(w[1]));
	}
	return n;
}

static void expect(unsigned room, unsigned n, const struct block *want)
{
	struct block b[5];

	CU_ASSERT_EQUAL_FATAL(option(b, room), n);
	for (unsigned i = 0; i < n; i++) {
		CU_ASSERT_EQUAL(b[i].start, want[i].start);
		CU_ASSERT_EQUAL(b[i].end, want[i].end);
	}
}
#define EXPECT(room, ...) expect(room, sizeof((struct block[]){ __VA_ARGS__ }) / sizeof(struct block), \
				 (const struct block[]){ __VA_ARGS__ })

/* Scenario 50, over the wrap: latest first; joined when the gap closes. */
static void tcp_sack_option__latest_first(void)
{
	fx_open(0u - 5000, 65535, 65535, TCF_SACK);
	fx_in(1460, 1460, 0);
	EXPECT(40, { 1460, 2920 });
	fx_in(4380, 1460, 0);
	EXPECT(40, { 4380, 5840 }, { 1460, 2920 });
	fx_in(7300, 1460, 0);
	EXPECT(40, { 7300, 8760 }, { 4380, 5840 }, { 1460, 2920 });
	EXPECT(28, { 7300, 8760 }, { 4380, 5840 }, { 1460, 2920 });
	EXPECT(20, { 7300, 8760 }, { 4380, 5840 });
	CU_ASSERT_EQUAL(option(NULL, 11), 0);
	fx_in(2920, 1460, 0);
	EXPECT(40, { 1460, 5840 }, { 7300, 8760 });
	fx_in(0, 1460, 0);
	EXPECT(40, { 7300, 8760 });
	fx_in(5840, 1460, 0);
	CU_ASSERT_EQUAL(option(NULL, 40), 0);
	CU_ASSERT_EQUAL(fx_read_checked(0), 8760);
	fx_close();
}

/* More ranges than places: after a join the queue supplies those that fell out. */
static void tcp_sack_option__refills_from_the_queue(void)
{
	fx_open(0, 65535, 65535, TCF_SACK);
	for (uint32_t i = 1; i <= 6; i++)
		fx_in(i * 1000, 500, 0);
	EXPECT(40, { 6000, 6500 }, { 5000, 5500 }, { 4000, 4500 }, { 3000, 3500 });
	fx_in(5500, 500, 0);
	EXPECT(40, { 5000, 6500 }, { 4000, 4500 }, { 3000, 3500 }, { 1000, 1500 });
	fx_close();
}

static void tcp_sack_option__not_negotiated(void)
{
	fx_open(0, 65535, 65535, 0);
	fx_in(1460, 1460, 0);
	fx_in(1460, 1460, 0);
	CU_ASSERT_EQUAL(option(NULL, 40), 0);
	fx_close();
}

/* Scenarios 51 and 52: once, first, and before the range that holds it. */
static void tcp_sack_option__dsack(void)
{
	fx_open(0u - 1000, 65535, 65535, TCF_SACK);
	fx_in(0, 1460, 0);
	CU_ASSERT_EQUAL(fx_turn(NULL), 1);
	fx_in(0, 1460, 0);
	EXPECT(40, { 0, 1460 });
	CU_ASSERT_EQUAL(fx_turn(NULL), 1);
	CU_ASSERT_EQUAL(option(NULL, 40), 0);
	CU_ASSERT_EQUAL(fx.drops.drop[DROP_TCP_DUP_DATA], 1);
	fx_in(5000, 1000, 0);
	fx_in(3000, 1000, 0);
	CU_ASSERT_EQUAL(fx_turn(NULL), 1);
	fx_in(5200, 300, 0);
	EXPECT(40, { 5200, 5500 }, { 5000, 6000 }, { 3000, 4000 });
	EXPECT(12, { 5200, 5500 });
	CU_ASSERT_EQUAL(fx_turn(NULL), 1);
	EXPECT(40, { 5000, 6000 }, { 3000, 4000 });
	fx_in(3500, 1000, 0); /* half new */
	EXPECT(40, { 3500, 4000 }, { 3000, 4500 }, { 5000, 6000 });
	fx_turn(NULL);
	fx_in(1000, 1000, 0); /* partly below rcv_nxt */
	EXPECT(40, { 1000, 1460 }, { 3000, 4500 }, { 5000, 6000 });
	fx_turn(NULL);
	CU_ASSERT_EQUAL(fx.ts.stats.dsack_out, 4);
	fx_close();
}

/* Data older than the last ACK is not acceptable, but is reported. */
static void tcp_rcv_old__dsack(void)
{
	struct tcp_seg seg;

	fx_open(0, 65535, 65535, TCF_SACK);
	fx_in(0, 1460, 0);
	fx_in(1460, 1460, 0);
	fx_turn(NULL);
	fx_make(&seg, 0, 1460, 0, 0, 0);
	CU_ASSERT_FALSE(fx_in_checked(&seg));
	EXPECT(40, { 0, 1460 });
	tcp_ack_sent(&fx.c);
	fx_make(&seg, 2919, 0, 0, 0, 0); /* a probe reports nothing */
	CU_ASSERT_FALSE(fx_in_checked(&seg));
	CU_ASSERT_EQUAL(option(NULL, 40), 0);
	fx_close();
}

/* ---- urgent, and data nobody reads --------------------------------------------- */

static void urgent_in(uint32_t pos, uint32_t len, uint16_t pointer)
{
	struct tcp_seg seg;

	fx_make(&seg, pos, len, RTE_TCP_URG_FLAG, 0, 0);
	seg.urg = pointer;
	fx.raised = 0;
	fx_in_checked(&seg);
}

/* Scenario 68. */
static void tcp_urgent_mark__moves(void)
{
	fx_open(0u - 3, 65535, 65535, 0);
	CU_ASSERT_EQUAL(tcp_urgent_mark(&fx.c), -1);
	urgent_in(0, 10, 5);
	CU_ASSERT_TRUE(fx.raised & TCP_EV_URGENT);
	CU_ASSERT_EQUAL(tcp_urgent_mark(&fx.c), 5);
	tcp_consume(&fx.c, 2);
	CU_ASSERT_EQUAL(tcp_urgent_mark(&fx.c), 3);
	urgent_in(10, 10, 8);
	CU_ASSERT_TRUE(fx.raised & TCP_EV_URGENT);
	CU_ASSERT_EQUAL(tcp_urgent_mark(&fx.c), 16);
	urgent_in(20, 10, 0); /* no pointer */
	CU_ASSERT_FALSE(fx.raised & TCP_EV_URGENT);
	urgent_in(30, 10, 65535); /* beyond the window */
	CU_ASSERT_FALSE(fx.raised & TCP_EV_URGENT);
	urgent_in(10, 10, 4); /* moves back: no */
	CU_ASSERT_FALSE(fx.raised & TCP_EV_URGENT);
	CU_ASSERT_EQUAL(tcp_urgent_mark(&fx.c), 16);
	urgent_in(40, 0, 20); /* ahead of its data */
	CU_ASSERT_EQUAL(tcp_urgent_mark(&fx.c), 58);
	CU_ASSERT_EQUAL(tcp_readable(&fx.c), 38);
	tcp_consume(&fx.c, 38);
	CU_ASSERT_EQUAL(tcp_urgent_mark(&fx.c), 20);
	fx_in(40, 20, 0);
	tcp_consume(&fx.c, 20);
	CU_ASSERT_EQUAL(tcp_urgent_mark(&fx.c), -1);
	fx_close();
}

/* Fully closed: new data is answered by a reset, repetitions and a FIN are not (7a). */
static void tcp_data_input__after_close(void)
{
	fx_open(0, 65535, 65535, 0);
	fx_in(0, 10, 0);
	tcp_consume(&fx.c, 10);
	fx.c.flags |= TCF_RCV_CLOSED;
	fx_in(0, 10, 0);
	CU_ASSERT_EQUAL(fx.resets, 0);
	fx_in(5, 10, 0);
	CU_ASSERT_EQUAL(fx.resets, 1);
	CU_ASSERT_EQUAL(fx.kills, 1);
	CU_ASSERT_EQUAL(fx.drops.drop[DROP_TCP_DATA_AFTER_CLOSE], 1);
	CU_ASSERT_EQUAL(fx.ts.stats.abort_on_data, 1);
	fx_in(10, 0, RTE_TCP_FIN_FLAG);
	CU_ASSERT_EQUAL(fx.resets, 1);
	CU_ASSERT_EQUAL(fx.fins, 1);
	fx_close();
}

static const struct test_case cases[] = {
	TEST_CASE(tcp_ack_due__every_second_segment),
	TEST_CASE(tcp_ack_sent__clears_what_was_due),
	TEST_CASE(tcp_ack_due__bundle_counts_as_many),
	TEST_CASE(tcp_ack_due__large_segments_small_window),
	TEST_CASE(tcp_ack_due__quick_credit),
	TEST_CASE(tcp_ack_due__duplicates),
	TEST_CASE(tcp_ack_due__hole_filled_in_the_turn),
	TEST_CASE(rcv_measure__segment_size),
	TEST_CASE(tcp_sack_option__latest_first),
	TEST_CASE(tcp_sack_option__refills_from_the_queue),
	TEST_CASE(tcp_sack_option__not_negotiated),
	TEST_CASE(tcp_sack_option__dsack),
	TEST_CASE(tcp_rcv_old__dsack),
	TEST_CASE(tcp_urgent_mark__moves),
	TEST_CASE(tcp_data_input__after_close),
};
TEST_MAIN("tcp ack", cases)
