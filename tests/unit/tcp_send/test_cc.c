/* SPDX-License-Identifier: BSD-3-Clause */
/* The algorithm's own functions are reached by including its source. */
#include "proto/tcp/cc_cubic.c"
#include "tests/unit/test.h"

#define MSS 1448

static struct tcp_stack stack;

static struct tcp_conn *fresh(const struct tcp_cc_ops *ops, uint32_t segments, uint32_t srtt_ms)
{
	static struct tcp_conn c;

	memset(&c, 0, sizeof(c));
	c.ts = &stack;
	c.snd_mss = MSS;
	c.cwnd = segments * MSS;
	c.ssthresh = TCP_SSTHRESH_INF;
	c.srtt8 = srtt_ms * 1000 << 3;
	c.snd_nxt = c.cwnd; /* all of it in flight */
	c.cc = ops;
	ops->init(&c);
	return &c;
}

static void reduce(struct tcp_conn *c)
{
	c->ssthresh = c->cc->ssthresh(c);
	c->cwnd = c->ssthresh;
}

static void ack(struct tcp_conn *c, uint32_t octets, uint32_t now_ms)
{
	struct tcp_cc_sample s = { .acked = octets, .now_ms = now_ms, .cwnd_limited = true, .acks = 1 };

	c->cc->on_ack(c, &s);
}

static double segs(uint32_t octets)
{
	return (double)octets / MSS;
}

static bool near(double got, double want, double tolerance)
{
	bool ok = got >= want * (1 - tolerance) && got <= want * (1 + tolerance);

	if (!ok)
		printf("\n    got %.3f, want %.3f\n", got, want);
	return ok;
}

static void icbrt__exact(void)
{
	uint64_t n, x, seed = 88172645463325252u;
	unsigned i;

	for (n = 0; n < 5000; n++) {
		x = tcp_icbrt(n);
		CU_ASSERT(x * x * x <= n && (x + 1) * (x + 1) * (x + 1) > n);
	}
	for (i = 0; i < 100000; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		n = seed >> (seed & 31) >> 2; /* (x + 1)^3 must fit */
		x = tcp_icbrt(n);
		CU_ASSERT(x * x * x <= n && (x + 1) * (x + 1) * (x + 1) > n);
	}
	for (x = 1; x < 2000000; x += 997) {
		CU_ASSERT_EQUAL(tcp_icbrt(x * x * x), x);
		CU_ASSERT_EQUAL(tcp_icbrt(x * x * x - 1), x - 1);
	}
}

static void epoch_start__k(void)
{
	static const struct { uint32_t dw, k_ms; } rows[] = {
		{ 1, 1357 }, { 3, 1957 }, { 10, 2924 }, { 30, 4217 }, { 100, 6299 }, { 300, 9085 },
		{ 1000, 13572 }, { 3000, 19574 }, { 10000, 29240 }, { 100000, 62996 },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct tcp_conn *c = fresh(&tcp_cc_cubic, 100, 100);

		priv(c)->e.w_max = (100 + rows[i].dw) * Q10;
		epoch_start(c, 5);
		CU_ASSERT_EQUAL(priv(c)->e.k_ms, rows[i].k_ms);
		CU_ASSERT_EQUAL(priv(c)->e.start_ms, 5);
	}
}

static void cubic__fast_convergence(void)
{
	static const struct { uint32_t cwnd, w_max, ssthresh; } rows[] = {
		{ 100, 100, 70 }, { 80, 68, 56 }, { 60, 51, 42 }, { 90, 90, 63 }, { 120, 120, 84 },
	};
	struct tcp_conn *c = fresh(&tcp_cc_cubic, 100, 100);

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		c->cwnd = rows[i].cwnd * MSS;
		c->ssthresh = c->cc->ssthresh(c);
		CU_ASSERT(near((double)priv(c)->e.w_max / Q10, rows[i].w_max, 0.002));
		CU_ASSERT(near(segs(c->ssthresh), rows[i].ssthresh, 0.002));
	}
}

/* Rounds of one ACK per segment, the clock standing at the round's start. */
static void run_rounds(struct tcp_conn *c, unsigned from, unsigned to, uint32_t rtt_ms)
{
	for (unsigned r = from; r < to; r++) {
		uint32_t n = (c->cwnd + MSS / 2) / MSS;

		while (n-- > 0)
			ack(c, MSS, 1000 + r * rtt_ms);
	}
}

struct point {
	unsigned round;
	double cwnd;
};

static void check_curve(uint32_t w, uint32_t rtt_ms, const struct point *p, unsigned n)
{
	struct tcp_conn *c = fresh(&tcp_cc_cubic, w, rtt_ms);
	unsigned round = 0;

	reduce(c);
	for (unsigned i = 0; i < n; i++) {
		run_rounds(c, round, p[i].round, rtt_ms);
		round = p[i].round;
		CU_ASSERT(near(segs(c->cwnd), p[i].cwnd, 0.01));
	}
}

static void cubic__curve_100_segments_100_ms(void)
{
	static const struct point p[] = {
		{ 0, 70.00 }, { 1, 70.53 }, { 2, 72.74 }, { 5, 78.40 }, { 10, 85.90 }, { 20, 95.26 }, { 30, 99.15 },
		{ 40, 99.99 }, { 42, 100.00 }, { 50, 100.16 }, { 58, 101.43 }, { 60, 102.79 },
	};

	check_curve(100, 100, p, RTE_DIM(p));
}

static void cubic__curve_reno_friendly(void)
{
	static const struct point p[] = {
		{ 0, 70.00 }, { 1, 70.53 }, { 2, 71.05 }, { 3, 71.58 }, { 4, 72.10 }, { 5, 72.63 }, { 6, 73.15 },
		{ 16, 78.39 }, { 26, 83.64 },
	};

	check_curve(100, 10, p, RTE_DIM(p));
}

static void cubic__curve_1000_segments(void)
{
	static const struct point p[] = {
		{ 4, 732.3 }, { 14, 814.1 }, { 24, 877.2 }, { 34, 924.1 }, { 44, 957.2 }, { 54, 979.0 },
		{ 64, 991.7 }, { 74, 997.9 }, { 84, 999.8 }, { 104, 1000.8 },
	};

	check_curve(1000, 100, p, RTE_DIM(p));
}

static void cubic__never_falls_on_ack(void)
{
	struct tcp_conn *c = fresh(&tcp_cc_cubic, 50, 20);
	uint32_t last, now = 0, x = 12345;

	reduce(c);
	for (unsigned i = 0; i < 200000; i++) {
		x = x * 1664525 + 1013904223;
		last = c->cwnd;
		now += x >> 24 & 31;
		ack(c, x >> 8 & 0xffff, now);
		CU_ASSERT(c->cwnd >= last && c->cwnd <= TCP_CWND_MAX);
		if (x % 5000 == 0)
			reduce(c);
		if (x % 7000 == 0) {
			reduce(c);
			c->cwnd = MSS;
			c->cc->on_event(c, TCP_CC_RTO, 0);
		}
	}
}

static void cubic__epoch_stands_while_idle(void)
{
	struct tcp_conn *c = fresh(&tcp_cc_cubic, 100, 100);
	uint32_t before;

	reduce(c);
	run_rounds(c, 0, 5, 100);
	before = w_cubic(&priv(c)->e, 1500 - priv(c)->e.start_ms);
	c->cc->on_event(c, TCP_CC_TX_START, 60000);
	CU_ASSERT_EQUAL(w_cubic(&priv(c)->e, 61500 - priv(c)->e.start_ms), before);
}

static void cubic__undo_restores_the_epoch(void)
{
	struct tcp_conn *c = fresh(&tcp_cc_cubic, 100, 100);
	struct cubic_epoch before;

	reduce(c);
	run_rounds(c, 0, 10, 100);
	before = priv(c)->e;
	reduce(c);
	CU_ASSERT_NOT_EQUAL(memcmp(&before, &priv(c)->e, sizeof(before)), 0);
	c->cc->undo(c);
	CU_ASSERT_EQUAL(memcmp(&before, &priv(c)->e, sizeof(before)), 0);
}

static void slow_start__counts_all_octets(void)
{
	static const uint32_t want[] = { 10, 20, 40, 80, 160, 320 };

	for (unsigned per = 1; per <= 100; per = per * 10) { /* segments covered by one ACK */
		struct tcp_conn *c = fresh(&tcp_cc_newreno, 10, 100);

		for (unsigned r = 0; r < RTE_DIM(want); r++) {
			uint32_t left = c->cwnd;

			CU_ASSERT_EQUAL(c->cwnd, want[r] * MSS);
			while (left > 0) {
				uint32_t n = RTE_MIN(left, per * MSS);

				ack(c, n, r * 100);
				left -= n;
			}
		}
	}
}

static void slow_start__surplus_goes_to_avoidance(void)
{
	struct tcp_conn *c = fresh(&tcp_cc_newreno, 10, 100);

	c->ssthresh = 15 * MSS;
	ack(c, 20 * MSS, 0); /* 5 to ssthresh, 15 of 15 in avoidance */
	CU_ASSERT_EQUAL(c->cwnd, 16 * MSS);
}

static void newreno__one_segment_per_round(void)
{
	struct tcp_conn *c = fresh(&tcp_cc_newreno, 20, 100);

	reduce(c);
	CU_ASSERT_EQUAL(c->cwnd, 10 * MSS);
	for (uint32_t r = 10; r < 40; r++) {
		uint32_t left = c->cwnd;

		CU_ASSERT_EQUAL(c->cwnd, r * MSS);
		for (; left >= 100; left -= 100) /* in odd bits: nothing is lost */
			ack(c, 100, 0);
		ack(c, left, 0);
	}
}

static void newreno__ssthresh(void)
{
	static const struct { uint32_t cwnd, flight, want; } rows[] = {
		{ 20, 20, 10 }, { 20, 10, 5 }, { 3, 3, 2 }, { 1, 1, 2 }, { 100, 2, 2 },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct tcp_conn *c = fresh(&tcp_cc_newreno, rows[i].cwnd, 100);

		c->snd_nxt = rows[i].flight * MSS;
		CU_ASSERT_EQUAL(c->cc->ssthresh(c), rows[i].want * MSS);
	}
}

static void grow__is_capped(void)
{
	struct tcp_conn *c = fresh(&tcp_cc_newreno, 10, 100);

	for (unsigned i = 0; i < 100; i++)
		ack(c, UINT32_MAX / 2, 0);
	CU_ASSERT_EQUAL(c->cwnd, TCP_CWND_MAX);
	CU_ASSERT_PTR_EQUAL(tcp_cc_find("cubic"), &tcp_cc_cubic);
	CU_ASSERT_PTR_EQUAL(tcp_cc_find("newreno"), &tcp_cc_newreno);
	CU_ASSERT_PTR_NULL(tcp_cc_find("vegas"));
	CU_ASSERT_PTR_NOT_NULL(tcp_cc_find(NULL));
}

static const struct test_case cases[] = {
	TEST_CASE(icbrt__exact),
	TEST_CASE(epoch_start__k),
	TEST_CASE(cubic__fast_convergence),
	TEST_CASE(cubic__curve_100_segments_100_ms),
	TEST_CASE(cubic__curve_reno_friendly),
	TEST_CASE(cubic__curve_1000_segments),
	TEST_CASE(cubic__never_falls_on_ack),
	TEST_CASE(cubic__epoch_stands_while_idle),
	TEST_CASE(cubic__undo_restores_the_epoch),
	TEST_CASE(slow_start__counts_all_octets),
	TEST_CASE(slow_start__surplus_goes_to_avoidance),
	TEST_CASE(newreno__one_segment_per_round),
	TEST_CASE(newreno__ssthresh),
	TEST_CASE(grow__is_capped),
};

TEST_MAIN("tcp_send_cc", cases)
