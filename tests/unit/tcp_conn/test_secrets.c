/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/tcp/conn.h"
#include "tests/unit/test.h"

static void draw(void *ctx, void *buf, size_t len)
{
	uint64_t *state = ctx;
	uint8_t *p = buf;

	while (len-- > 0)
		*p++ = (uint8_t)test_random(state);
}

static struct net_flow flow_of(uint8_t host, uint16_t rport)
{
	struct net_flow f = { .laddr = { [10] = 0xff, 0xff, 10, 0, 0, 1 },
			      .raddr = { [10] = 0xff, 0xff, 10, 0, 0, host },
			      .lport = RTE_BE16(80), .rport = rte_cpu_to_be_16(rport), .family = NET_IPV4 };

	return f;
}

/* RFC 6528: 4 us clock on one tuple, unrelated on another. */
static void tcp_isn__clock_and_tuple(void)
{
	uint64_t rnd = 1;
	struct tcp_secrets s, t;
	uint32_t first;
	struct net_flow a = flow_of(2, 1000), b = flow_of(2, 1001), c = flow_of(3, 1000);

	tcp_secrets_init(&s, draw, &rnd);
	tcp_secrets_init(&t, draw, &rnd);
	CU_ASSERT_EQUAL(tcp_isn(&s, &a, 4000) - tcp_isn(&s, &a, 0), 1000);
	CU_ASSERT_EQUAL(tcp_isn(&s, &a, 60000000) - tcp_isn(&s, &a, 0), 15000000);
	CU_ASSERT_NOT_EQUAL(tcp_isn(&s, &a, 0), tcp_isn(&s, &b, 0));
	CU_ASSERT_NOT_EQUAL(tcp_isn(&s, &a, 0), tcp_isn(&s, &c, 0));
	CU_ASSERT_NOT_EQUAL(tcp_isn(&s, &a, 0), tcp_isn(&t, &a, 0));
	first = tcp_isn(&s, &a, 0);
	a.ifx = 3; /* where the peer is reached is no part of the tuple it sees */
	CU_ASSERT_EQUAL(tcp_isn(&s, &a, 0), first);
}

static void tcp_ts_offset__constant_per_address_pair(void)
{
	uint64_t rnd = 1;
	struct tcp_secrets s;
	struct net_flow a = flow_of(2, 1000), b = flow_of(2, 1001), c = flow_of(3, 1000);

	tcp_secrets_init(&s, draw, &rnd);
	CU_ASSERT_EQUAL(tcp_ts_offset(&s, &a), tcp_ts_offset(&s, &b));
	CU_ASSERT_NOT_EQUAL(tcp_ts_offset(&s, &a), tcp_ts_offset(&s, &c));
}

/* More pairs than there are slots, in any order, both ways round: always the hash's. */
static void tcp_ts_offset_of__as_without(void)
{
	static struct tcp_ts_cache cache;
	struct tcp_secrets s;
	uint64_t rnd = 1;

	tcp_secrets_init(&s, draw, &rnd);
	for (unsigned i = 0; i < 5000; i++) {
		struct net_flow f = flow_of((uint8_t)(test_random(&rnd) % 100), (uint16_t)i);

		f.laddr[15] = (uint8_t)(test_random(&rnd) % 3);
		if (test_random(&rnd) % 2 != 0) {
			uint8_t addr[16];

			memcpy(addr, f.laddr, 16);
			memcpy(f.laddr, f.raddr, 16);
			memcpy(f.raddr, addr, 16);
		}
		f.laddr[0] = (uint8_t)(test_random(&rnd) % 2);
		f.raddr[0] = (uint8_t)(test_random(&rnd) % 2);
		CU_ASSERT_EQUAL_FATAL(tcp_ts_offset_of(&cache, &s, &f), tcp_ts_offset(&s, &f));
		CU_ASSERT_EQUAL_FATAL(tcp_ts_offset_of(&cache, &s, &f), tcp_ts_offset(&s, &f));
	}
}

static void tcp_rotate_cookies__keeps_one_generation(void)
{
	uint64_t rnd = 1;
	struct tcp_secrets s, before;

	tcp_secrets_init(&s, draw, &rnd);
	before = s;
	tcp_rotate_cookies(&s, draw, &rnd);
	CU_ASSERT_EQUAL(memcmp(s.cookie[1], before.cookie[0], sizeof(s.cookie[0])), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(s.cookie[0], before.cookie[0], sizeof(s.cookie[0])), 0);
	CU_ASSERT_EQUAL(memcmp(&s.isn, &before.isn, sizeof(s.isn)), 0);
	CU_ASSERT_EQUAL(memcmp(&s.ts, &before.ts, sizeof(s.ts)), 0);
}

static const struct test_case cases[] = {
	TEST_CASE(tcp_isn__clock_and_tuple),
	TEST_CASE(tcp_ts_offset__constant_per_address_pair),
	TEST_CASE(tcp_ts_offset_of__as_without),
	TEST_CASE(tcp_rotate_cookies__keeps_one_generation),
};
TEST_MAIN("tcp_secrets", cases)
