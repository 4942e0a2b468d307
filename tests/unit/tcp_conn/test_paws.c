/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/tcp/conn.h"
#include "tests/unit/test.h"

/* RFC 7323 5.2 with Linux' slack of one tick. */
static void tcp_paws_old__table(void)
{
	static const struct {
		uint32_t recent, tsval, age_ms;
		bool old;
	} rows[] = {
		{ 100, 100, 0, false }, { 100, 101, 0, false }, { 100, 99, 0, false }, { 100, 98, 0, true },
		{ 100, 0, 0, true }, { 0, 5, 0, false }, { 0, UINT32_MAX, 0, false },
		{ 5, UINT32_MAX, 0, true }, { UINT32_MAX, 0, 0, false }, { UINT32_MAX, 5, 0, false },
		{ 100, 100 + 0x7fffffffu, 0, true }, /* beyond half the circle, the slack counted */
		{ 100, 100 + 0x7ffffffeu, 0, false }, { 1000, 10, TCP_PAWS_VOID_MS, false },
		{ 1000, 10, TCP_PAWS_VOID_MS - 1, true }, { 1000, 10, UINT32_MAX, false },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		bool old = tcp_paws_old(rows[i].recent, rows[i].tsval, rows[i].age_ms);

		if (old != rows[i].old)
			printf("row %u: %d\n", i, old);
		CU_ASSERT_EQUAL(old, rows[i].old);
	}
}

static void tcp_mss_floor__table(void)
{
	static const uint16_t rows[][3] = { /* configured, asked, used */
		{ 48, 0, 48 }, { 48, 47, 48 }, { 48, 48, 48 }, { 48, 1460, 1460 }, { 0, 1, 48 }, { 216, 100, 216 },
		{ 216, 536, 536 }, { 48, 65535, 65535 },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct tcp_config conf = { .min_mss = rows[i][0] };

		CU_ASSERT_EQUAL(tcp_mss_floor(&conf, rows[i][1]), rows[i][2]);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(tcp_paws_old__table),
	TEST_CASE(tcp_mss_floor__table),
};
TEST_MAIN("tcp_paws", cases)
