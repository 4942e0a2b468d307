/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/base/toeplitz.h"

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "tests/unit/test.h"

static const uint8_t default_key[TOEPLITZ_KEY_LEN] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static struct toeplitz hash;

#define IP(a, b, c, d) RTE_BE32(RTE_IPV4(a, b, c, d))

/* Microsoft's verification suite. */
static void toeplitz_v4__published_vectors(void)
{
	static const struct {
		uint32_t saddr, daddr;
		uint16_t sport, dport;
		uint32_t full, addr;
	} vectors[] = {
		{ IP(66, 9, 149, 187), IP(161, 142, 100, 80), 2794, 1766, 0x51ccc178, 0x323e8fc2 },
		{ IP(199, 92, 111, 2), IP(65, 69, 140, 83), 14230, 4739, 0xc626b0ea, 0xd718262a },
		{ IP(24, 19, 198, 95), IP(12, 22, 207, 184), 12898, 38024, 0x5c2b394a, 0xd2d0a5de },
	};

	toeplitz_init(&hash, default_key);
	for (unsigned i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		CU_ASSERT_EQUAL(toeplitz_v4_addr(&hash, vectors[i].saddr, vectors[i].daddr), vectors[i].addr);
		CU_ASSERT_EQUAL(toeplitz_v4(&hash, vectors[i].saddr, vectors[i].daddr,
					    rte_cpu_to_be_16(vectors[i].sport),
					    rte_cpu_to_be_16(vectors[i].dport)), vectors[i].full);
	}
}

/* Replies to our ports 40000..40007 from 10.0.0.2:80. */
static void toeplitz_v4__neighbouring_ports(void)
{
	static const uint32_t expected[] = {
		0x5ce911c2, 0xfd38d61a, 0x0c01f22e, 0xadd035f6,
		0xf49d6034, 0x554ca7ec, 0xa47583d8, 0x05a44400,
	};

	toeplitz_init(&hash, default_key);
	for (unsigned i = 0; i < 8; i++)
		CU_ASSERT_EQUAL(toeplitz_v4(&hash, IP(10, 0, 0, 2), IP(10, 0, 0, 1), RTE_BE16(80),
					    rte_cpu_to_be_16((uint16_t)(40000 + i))), expected[i]);
}

/* With 6d5a repeated both directions of a flow hash alike. */
static void toeplitz_v4__symmetric_key(void)
{
	uint8_t key[TOEPLITZ_KEY_LEN];

	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = i % 2 == 0 ? 0x6d : 0x5a;
	toeplitz_init(&hash, key);
	CU_ASSERT_EQUAL(toeplitz_v4(&hash, IP(10, 0, 0, 1), IP(10, 0, 0, 2), RTE_BE16(1234), RTE_BE16(80)),
			0xc78dc78d);
	CU_ASSERT_EQUAL(toeplitz_v4(&hash, IP(10, 0, 0, 2), IP(10, 0, 0, 1), RTE_BE16(80), RTE_BE16(1234)),
			0xc78dc78d);
}

/* The definition, bit by bit. */
static uint32_t slow_toeplitz(const uint8_t *key, const uint8_t *in, unsigned len)
{
	uint32_t h = 0;

	for (unsigned bit = 0; bit < len * 8; bit++) {
		uint32_t window = 0;

		if (!(in[bit / 8] >> (7 - bit % 8) & 1))
			continue;
		for (unsigned k = bit; k < bit + 32; k++)
			window = window << 1 | (key[k / 8] >> (7 - k % 8) & 1);
		h ^= window;
	}
	return h;
}

static void toeplitz_v4__equals_definition_with_random_keys(void)
{
	uint64_t seed = 42;

	for (unsigned round = 0; round < 50; round++) {
		uint8_t key[TOEPLITZ_KEY_LEN];

		for (unsigned i = 0; i < sizeof(key); i++)
			key[i] = (uint8_t)test_random(&seed);
		toeplitz_init(&hash, key);
		for (unsigned i = 0; i < 20; i++) {
			struct {
				uint32_t saddr, daddr;
				uint16_t sport, dport;
			} in = { (uint32_t)test_random(&seed), (uint32_t)test_random(&seed),
				 (uint16_t)test_random(&seed), (uint16_t)test_random(&seed) };

			CU_ASSERT_EQUAL(toeplitz_v4(&hash, in.saddr, in.daddr, in.sport, in.dport),
					slow_toeplitz(key, (const uint8_t *)&in, 12));
		}
	}
}

static void toeplitz__is_linear(void)
{
	uint64_t seed = 7;

	toeplitz_init(&hash, default_key);
	CU_ASSERT_EQUAL(toeplitz_v4(&hash, 0, 0, 0, 0), 0);
	for (unsigned i = 0; i < 1000; i++) {
		uint32_t s = (uint32_t)test_random(&seed), d = (uint32_t)test_random(&seed);
		uint16_t p = (uint16_t)test_random(&seed), q = (uint16_t)test_random(&seed);
		uint16_t r = (uint16_t)test_random(&seed);

		CU_ASSERT_EQUAL(toeplitz_v4(&hash, s, d, p, q),
				toeplitz_v4_addr(&hash, s, d) ^ toeplitz_sport(&hash, p) ^
				toeplitz_dport(&hash, q));
		CU_ASSERT_EQUAL(toeplitz_dport(&hash, q ^ r),
				toeplitz_dport(&hash, q) ^ toeplitz_dport(&hash, r));
		CU_ASSERT_EQUAL(toeplitz_sport(&hash, q ^ r),
				toeplitz_sport(&hash, q) ^ toeplitz_sport(&hash, r));
	}
}

static const struct test_case cases[] = {
	TEST_CASE(toeplitz_v4__published_vectors),
	TEST_CASE(toeplitz_v4__neighbouring_ports),
	TEST_CASE(toeplitz_v4__symmetric_key),
	TEST_CASE(toeplitz_v4__equals_definition_with_random_keys),
	TEST_CASE(toeplitz__is_linear),
};
TEST_MAIN("toeplitz", cases)
