/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/tcp/snd.h"
#include "tests/unit/test.h"

static uint64_t now_us;

uint64_t net_now(const struct net_stack *st)
{
	return now_us;
}

static bool close_to(double got, double want)
{
	return got > want - 0.06 && got < want + 0.06; /* the table has one decimal of ms */
}

/* RFC 6298 with G = 1 ms and no minimum. */
static void rtt_update__rfc6298(void)
{
	static const struct { uint32_t sample_ms; double rto_ms, srtt_ms; } rows[] = {
		{ 100, 300.0, 100 }, { 100, 250.0, 100 }, { 200, 325.0, 112.5 }, { 100, 282.8, 110.938 },
		{ 50, 293.2, 103.320 }, { 50, 292.4, 96.655 }, { 300, 472.2, 122.073 }, { 100, 404.0, 119.314 },
	};
	struct tcp_rtt r = { 0 };

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		tcp_rtt_update(&r, rows[i].sample_ms * 1000);
		CU_ASSERT(close_to(tcp_rtt_rto(&r) / 1000.0, rows[i].rto_ms));
		CU_ASSERT(close_to((r.srtt8 >> 3) / 1000.0, rows[i].srtt_ms));
	}
}

static void rtt_update__extremes(void)
{
	static const uint32_t rows[] = { 0, 1, 100, 1000000, UINT32_MAX };

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct tcp_rtt r = { 0 };

		for (unsigned k = 0; k < 200; k++)
			tcp_rtt_update(&r, rows[i]);
		CU_ASSERT(r.srtt8 > 0);
		CU_ASSERT(tcp_rtt_rto(&r) >= (r.srtt8 >> 3) + 1000);
	}
}

static struct tcp_stack stack = { .conf = { .rto_min_ms = 200, .rto_max_ms = 120000 } };

static void rtt_sample__bounds(void)
{
	static const struct { uint32_t rtt_us, rto_us; } rows[] = {
		{ 0, 200000 }, { 100, 200000 }, { 100000, 300000 }, { 100000000, 120000000 },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct tcp_conn c = { .ts = &stack };

		tcp_rtt_sample(&c, rows[i].rtt_us);
		CU_ASSERT_EQUAL(c.rto_us, rows[i].rto_us);
		CU_ASSERT_EQUAL(c.min_rtt_us, RTE_MAX(rows[i].rtt_us, 1u));
	}
}

static void rtt_by_tsecr__only_plausible(void)
{
	static const struct { uint32_t tsecr_ago_ms; bool present, zero; uint32_t rtt_us; } rows[] = {
		{ 50, true, false, 50000 }, { 0, true, false, 1 }, { 99, true, false, 99000 },
		{ 300, true, false, 0 },           /* before the data was first sent */
		{ (uint32_t)-5, true, false, 0 },  /* from the future */
		{ 50, false, false, 0 }, { 50, true, true, 0 },
	};

	now_us = 1000000;
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct tcp_conn c = { .ts = &stack, .flags = TCF_TS, .ts_offset = 0xfffffff0 };
		struct tcp_seg seg = { .opt.present = rows[i].present ? TCP_OPT_TS : 0 };

		seg.opt.tsecr = rows[i].zero ? 0 : tcp_tsval(&c) - rows[i].tsecr_ago_ms;
		CU_ASSERT_EQUAL(tcp_rtt_by_tsecr(&c, &seg, (uint32_t)now_us - 100000), rows[i].rtt_us);
	}
}

/* Example of the reference, 8.1: no data, 12 octets of options. */
static void pseudo_sum__vectors(void)
{
	rte_be32_t a = RTE_BE32(0x0a000001), b = RTE_BE32(0x0a000002);

	CU_ASSERT_EQUAL(rte_be_to_cpu_16(tcp_pseudo_sum(a, b, 32)), 0x1429);
	CU_ASSERT_EQUAL(rte_be_to_cpu_16(tcp_pseudo_sum(a, b, 0)), 0x1409);
	CU_ASSERT_EQUAL(tcp_pseudo_sum(UINT32_MAX, UINT32_MAX, 0xffff - 6), 0xffff);
}

static const struct test_case cases[] = {
	TEST_CASE(rtt_update__rfc6298),
	TEST_CASE(rtt_update__extremes),
	TEST_CASE(rtt_sample__bounds),
	TEST_CASE(rtt_by_tsecr__only_plausible),
	TEST_CASE(pseudo_sum__vectors),
};

TEST_MAIN("tcp_send_rtt", cases)
