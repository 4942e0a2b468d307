/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/base/siphash.h"

#include <string.h>

#include "tests/unit/test.h"

/* Key 00..0f as two little-endian words. */
static const struct siphash_key paper_key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

/* Input 00, 01, .. of each length; values of the reference implementation. */
static void siphash__published_vectors(void)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} vectors[] = {
		{ 0, 0x726fdb47dd0e0e31 }, { 1, 0x74f839c593dc67fd }, { 2, 0x0d6c8009d9a94f5a },
		{ 3, 0x85676696d7fb7e2d }, { 7, 0xab0200f58b01d137 }, { 8, 0x93f5f5799a932462 },
		{ 15, 0xa129ca6149be45e5 },
	};
	uint8_t in[16];

	for (unsigned i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	for (unsigned i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		CU_ASSERT_EQUAL(siphash(&paper_key, in, vectors[i].len), vectors[i].hash);
}

static void siphash__alignment_does_not_matter(void)
{
	uint8_t in[48], moved[64];
	uint64_t seed = 1;

	for (unsigned i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)test_random(&seed);
	for (unsigned shift = 0; shift < 8; shift++) {
		memset(moved, 0xaa, sizeof(moved));
		memcpy(moved + shift, in, sizeof(in));
		for (size_t len = 0; len <= sizeof(in); len++)
			CU_ASSERT_EQUAL(siphash(&paper_key, moved + shift, len),
					siphash(&paper_key, in, len));
	}
}

/* Each bit of input and key matters, and so does a trailing zero octet. */
static void siphash__every_bit_matters(void)
{
	uint8_t in[24] = { 0 };
	uint64_t plain = siphash(&paper_key, in, sizeof(in));

	for (unsigned bit = 0; bit < sizeof(in) * 8; bit++) {
		in[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CU_ASSERT_NOT_EQUAL(siphash(&paper_key, in, sizeof(in)), plain);
		in[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (unsigned bit = 0; bit < 128; bit++) {
		struct siphash_key k = paper_key;

		*(bit < 64 ? &k.k0 : &k.k1) ^= 1ull << bit % 64;
		CU_ASSERT_NOT_EQUAL(siphash(&k, in, sizeof(in)), plain);
	}
	for (size_t len = 1; len <= sizeof(in); len++)
		CU_ASSERT_NOT_EQUAL(siphash(&paper_key, in, len), siphash(&paper_key, in, len - 1));
}

/* Single-bit changes of a tuple flip each result bit about half the time and
 * spread over a small table. */
static void keyed_mix__spreads_neighbours(void)
{
	struct siphash_key k = { 0x243f6a8885a308d3, 0x13198a2e03707344 };
	unsigned flips[64] = { 0 }, slot[256] = { 0 };

	for (unsigned i = 0; i < 4096; i++) {
		uint64_t w[2] = { 0x0a0000010a000002, 0x1f90000000000000 + i };
		uint64_t h = keyed_mix(&k, w, 2), other;

		slot[h & 255]++;
		w[i & 1] ^= 1ull << (i / 2 % 64);
		other = h ^ keyed_mix(&k, w, 2);
		CU_ASSERT_NOT_EQUAL(other, 0);
		for (unsigned b = 0; b < 64; b++)
			flips[b] += (unsigned)(other >> b & 1);
	}
	for (unsigned b = 0; b < 64; b++)
		CU_ASSERT(flips[b] > 1600 && flips[b] < 2500);
	for (unsigned i = 0; i < 256; i++)
		CU_ASSERT(slot[i] < 48);
}

static const struct test_case cases[] = {
	TEST_CASE(siphash__published_vectors),
	TEST_CASE(siphash__alignment_does_not_matter),
	TEST_CASE(siphash__every_bit_matters),
	TEST_CASE(keyed_mix__spreads_neighbours),
};
TEST_MAIN("siphash", cases)
