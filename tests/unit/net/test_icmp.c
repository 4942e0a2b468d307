/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/net/fixture.h"

static struct fix f;

static void icmp__answers_echo(void)
{
	uint8_t b[2048];

	fix_init(&f, NULL);
	fix_learn(&f, &fix_peer, PEER);
	fix_input(&f, fix_echo(PEER, US, 3, 56));
	CU_ASSERT_FATAL(f.n_out == 1);
	CU_ASSERT(fix_flat(f.out[0], b, sizeof(b)) == 14 + 20 + 8 + 56);
	CU_ASSERT(memcmp(b, &fix_peer, 6) == 0 && memcmp(b + 6, &fix_us, 6) == 0);
	CU_ASSERT(ref_ip_ok(b + 14) && ref_sum(b + 34, 64, 0) == 0xffff);
	CU_ASSERT(b[34] == 0 && b[41] == 3 && b[42] == 3);
	CU_ASSERT(net_stats(f.st)->tx_echo_reply == 1);
	fix_fini(&f);
}

static const struct test_case cases[] = {
	TEST_CASE(icmp__answers_echo),
};
TEST_MAIN("net_icmp", cases)
