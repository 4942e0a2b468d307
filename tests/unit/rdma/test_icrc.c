/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/rdma/icrc.h"

#include "tests/unit/rdma/vectors.h"
#include "tests/unit/test.h"

#define LONGEST 4100

/* The stream of a packet: ones, and the packet with what changes masked. */
static size_t stream_of(const char *hex, uint8_t *to)
{
	size_t n;

	memset(to, 0xff, ICRC_ONES);
	n = vector_octets(hex, to + ICRC_ONES);
	to[8 + 1] = to[8 + 8] = to[8 + 10] = to[8 + 11] = 0xff;
	to[8 + 26] = to[8 + 27] = to[8 + 32] = 0xff;
	return ICRC_ONES + n - ICRC_LEN;
}

static void icrc_whole__captured_packets(void)
{
	uint8_t stream[256], wire[ICRC_LEN];

	for (size_t i = 0; i < RTE_DIM(vectors); i++) {
		size_t n = stream_of(vectors[i].hex, stream);
		rte_le32_t crc = rte_cpu_to_le_32(icrc_whole(stream, n));

		vector_octets(vectors[i].hex + strlen(vectors[i].hex) - 8, wire);
		CU_ASSERT_EQUAL(memcmp(&crc, wire, ICRC_LEN), 0);
	}
}

/* The states in between that are written down for the first two, and IPv6. */
static void icrc_update__states_in_between(void)
{
	static const struct { const char *hex; uint32_t ip_udp, bth, crc; } cases[] = {
		{ "45ff00305b8b4000ff11ffff0a6300010a630002c12112b7001cffff1100ffffff00001100354f6a1f000001",
		  0xb4d2667d, 0xf0b02c6b, 0x048a1b82 },
		{ "45ff006027184000ff11ffff0a6300020a630001c12112b7004cffff0a30ffffff00001180354f6a000055bd3c719000"
		  "000002c10000002103fa2e0543274cc50f5d64f9e117f3fb3cdcef26e1fa15a5d27d44cef2bc34f5b7000000",
		  0xdf7af053, 0xec12fe13, 0xb18be0d4 },
		{ "6fffffff001c11fffe80000000000000505400fffe000001fe80000000000000505400fffe000002c24012b7001cffff"
		  "1100ffffff00001800b611721f000001", 0xe5280c2a, 0xb1583715, 0x0865885e },
	};

	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		uint8_t data[256], ones[ICRC_ONES];
		size_t n = vector_octets(cases[i].hex, data), l4 = (data[0] >> 4) == 4 ? 28 : 48;
		uint32_t s;

		memset(ones, 0xff, sizeof(ones));
		CU_ASSERT_EQUAL(icrc_update(UINT32_MAX, ones, sizeof(ones)), ICRC_START);
		s = icrc_update(ICRC_START, data, l4);
		CU_ASSERT_EQUAL(s, cases[i].ip_udp);
		s = icrc_update(s, data + l4, 12);
		CU_ASSERT_EQUAL(s, cases[i].bth);
		s = icrc_update(s, data + l4 + 12, n - l4 - 12);
		CU_ASSERT_EQUAL(icrc_final(s), cases[i].crc);
	}
}

static void icrc_update__all_lengths(void)
{
	static uint8_t buf[LONGEST + 64], copy[LONGEST + 64];
	uint64_t seed = 1;

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)test_random(&seed);
	memcpy(copy, buf, sizeof(buf));
	for (size_t len = 0; len <= LONGEST; len++) {
		uint8_t *p = buf + len % 61;
		uint32_t slow = icrc_update_shared(ICRC_START, p, len);

		/* The stream in one piece: ones in front. */
		if (icrc_update(ICRC_START, p, len) != slow)
			CU_FAIL("not the same");
	}
	CU_ASSERT_EQUAL(memcmp(buf, copy, sizeof(buf)), 0);
}

static void icrc_whole__same_as_pieces(void)
{
	static uint8_t stream[ICRC_ONES + LONGEST];
	uint64_t seed = 2;

	memset(stream, 0xff, ICRC_ONES);
	for (size_t i = ICRC_ONES; i < sizeof(stream); i++)
		stream[i] = (uint8_t)test_random(&seed);
	for (size_t len = 0; len <= LONGEST; len++)
		if (icrc_whole(stream, ICRC_ONES + len) !=
		    icrc_final(icrc_update_shared(ICRC_START, stream + ICRC_ONES, len)))
			CU_FAIL("not the same");
}

static struct rte_mempool *pool;

/* A chain whose pieces end at the given places. */
static struct rte_mbuf *chain(const uint8_t *data, size_t len, const uint16_t *cuts, unsigned n)
{
	struct rte_mbuf *head = NULL;
	size_t at = 0;

	for (unsigned i = 0; i <= n; i++) {
		size_t to = i < n ? RTE_MIN((size_t)cuts[i], len) : len;
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		memcpy(rte_pktmbuf_append(m, (uint16_t)(to - at)), data + at, to - at);
		at = to;
		if (head == NULL)
			head = m;
		else
			CU_ASSERT_EQUAL(rte_pktmbuf_chain(head, m), 0);
	}
	return head;
}

static void icrc_mbuf__every_split(void)
{
	static uint8_t data[LONGEST];
	static const uint16_t lens[] = { 1, 7, 64, 1100, LONGEST };
	uint64_t seed = 3;

	test_eal_init();
	if (pool == NULL)
		pool = rte_pktmbuf_pool_create("icrc", 63, 0, 0, 8192, SOCKET_ID_ANY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	icrc_init();
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)test_random(&seed);
	for (size_t l = 0; l < RTE_DIM(lens); l++) {
		uint32_t want = icrc_update_shared(ICRC_START, data, lens[l]);

		for (uint16_t cut = 0; cut <= lens[l]; cut++) {
			uint16_t cuts[] = { cut, (uint16_t)(cut + 3), (uint16_t)(cut + 8) };
			struct rte_mbuf *m = chain(data, lens[l], cuts, 3);

			if (icrc_mbuf(ICRC_START, m, 0, lens[l]) != want)
				CU_FAIL("not the same");
			rte_pktmbuf_free(m);
		}
	}
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(pool), 0);
}

/* Octets that a clone holds too are not touched, not even for a moment: they are made read-only
 * in effect by a second reference, and the slow way gives the same. */
static void icrc_mbuf__shared(void)
{
	static uint8_t data[1000];
	struct rte_mbuf *m, *clone;
	uint32_t want;

	icrc_mbuf__every_split();
	m = chain(data, sizeof(data), NULL, 0);
	want = icrc_update_shared(ICRC_START, data, sizeof(data));
	clone = rte_pktmbuf_clone(m, pool);
	CU_ASSERT_PTR_NOT_NULL_FATAL(clone);
	CU_ASSERT_TRUE(icrc_mbuf(ICRC_START, m, 0, sizeof(data)) == want);
	CU_ASSERT_TRUE(icrc_mbuf(ICRC_START, clone, 0, sizeof(data)) == want);
	CU_ASSERT_FALSE(icrc_may_write(m));
	CU_ASSERT_FALSE(icrc_may_write(clone));
	rte_pktmbuf_free(clone);
	CU_ASSERT_TRUE(icrc_may_write(m));
	rte_pktmbuf_free(m);
}

static const struct test_case cases[] = {
	TEST_CASE(icrc_whole__captured_packets),
	TEST_CASE(icrc_update__states_in_between),
	TEST_CASE(icrc_update__all_lengths),
	TEST_CASE(icrc_whole__same_as_pieces),
	TEST_CASE(icrc_mbuf__every_split),
	TEST_CASE(icrc_mbuf__shared),
	/* Again with the arithmetic that icrc_init() chose. */
	{ "icrc_whole__captured_packets again", icrc_whole__captured_packets },
	{ "icrc_update__all_lengths again", icrc_update__all_lengths },
	{ "icrc_whole__same_as_pieces again", icrc_whole__same_as_pieces },
};
TEST_MAIN("icrc", cases)
