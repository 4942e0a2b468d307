/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/tcp/conn.h"
#include "tests/unit/test.h"

static const struct siphash_key keys[2] = { { 1, 2 }, { 3, 4 } };
static const struct siphash_key other_keys[2] = { { 5, 6 }, { 7, 8 } };
static const struct net_flow flow = { .laddr = { [10] = 0xff, 0xff, 10, 0, 0, 1 },
				      .raddr = { [10] = 0xff, 0xff, 10, 0, 0, 2 },
				      .lport = RTE_BE16(80), .rport = RTE_BE16(40000), .family = NET_IPV4 };

static void tcp_cookie_check__mss_table(void)
{
	static const uint16_t rows[][2] = { /* peer's, what comes back */
		{ 0, 536 }, { 48, 536 }, { 536, 536 }, { 1299, 536 }, { 1300, 1300 }, { 1439, 1300 }, { 1440, 1440 },
		{ 1459, 1440 }, { 1460, 1460 }, { 8960, 1460 }, { 65535, 1460 },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		uint32_t c = tcp_cookie_make(keys, &flow, 1000, 77, rows[i][0]);

		CU_ASSERT_EQUAL(tcp_cookie_check(keys, &flow, 1000, c, 77), rows[i][1]);
	}
}

static void tcp_cookie_check__age(void)
{
	static const uint32_t made[] = { 0, 1, 254, 255, 256, 1000000, UINT32_MAX };

	for (unsigned i = 0; i < RTE_DIM(made); i++) {
		uint32_t c = tcp_cookie_make(keys, &flow, 5, made[i], 1460);

		CU_ASSERT_EQUAL(tcp_cookie_check(keys, &flow, 5, c, made[i]), 1460);
		CU_ASSERT_EQUAL(tcp_cookie_check(keys, &flow, 5, c, made[i] + 1), 1460);
		CU_ASSERT_EQUAL(tcp_cookie_check(keys, &flow, 5, c, made[i] + 2), 0);
		CU_ASSERT_EQUAL(tcp_cookie_check(keys, &flow, 5, c, made[i] - 1), 0);
	}
}

static void tcp_cookie_check__one_bit_changed(void)
{
	uint32_t c = tcp_cookie_make(keys, &flow, 1000, 77, 1440);

	for (unsigned bit = 0; bit < 32; bit++) {
		CU_ASSERT_EQUAL(tcp_cookie_check(keys, &flow, 1000, c ^ 1u << bit, 77), 0);
		CU_ASSERT_EQUAL(tcp_cookie_check(keys, &flow, 1000 ^ 1u << bit, c, 77), 0);
	}
	for (int d = -8; d <= 8; d++) {
		if (d != 0)
			CU_ASSERT_EQUAL(tcp_cookie_check(keys, &flow, 1000, c + d, 77), 0);
	}
	for (unsigned octet = 0; octet < 36; octet++) { /* addresses and ports */
		struct net_flow f = flow;

		((uint8_t *)&f)[octet] ^= 1;
		CU_ASSERT_EQUAL(tcp_cookie_check(keys, &f, 1000, c, 77), 0);
	}
	CU_ASSERT_EQUAL(tcp_cookie_check(other_keys, &flow, 1000, c, 77), 0);
}

static void tcp_cookie_check__guesses_fail(void)
{
	uint64_t rnd = 3;
	unsigned hits = 0;

	for (unsigned i = 0; i < 200000; i++)
		hits += tcp_cookie_check(keys, &flow, (uint32_t)test_random(&rnd), (uint32_t)test_random(&rnd), 77) != 0;
	CU_ASSERT(hits <= 2); /* 2^32 / 8 guesses for one */
}

static void tcp_cookie_clock__carries_options(void)
{
	uint64_t rnd = 9;

	for (unsigned i = 0; i < 10000; i++) {
		uint32_t now = i < 200 ? i - 100 : (uint32_t)test_random(&rnd);
		uint8_t shift = test_random(&rnd) % 16;
		bool ws = test_random(&rnd) & 1, sack = test_random(&rnd) & 1;
		uint32_t clock = tcp_cookie_clock(now, ws, shift, sack);
		struct tcp_agreed a = { 0 };

		tcp_cookie_options(clock, &a);
		CU_ASSERT_EQUAL(a.wscale, ws);
		CU_ASSERT_EQUAL(a.sack, sack);
		CU_ASSERT(a.ts);
		if (ws)
			CU_ASSERT_EQUAL(a.snd_wscale, RTE_MIN(shift, 14));
		CU_ASSERT(seq_le(clock, now)); /* never in the future */
		CU_ASSERT(now - clock < 128);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(tcp_cookie_check__mss_table),
	TEST_CASE(tcp_cookie_check__age),
	TEST_CASE(tcp_cookie_check__one_bit_changed),
	TEST_CASE(tcp_cookie_check__guesses_fail),
	TEST_CASE(tcp_cookie_clock__carries_options),
};
TEST_MAIN("tcp_cookie", cases)
