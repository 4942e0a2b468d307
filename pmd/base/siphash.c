/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/base/siphash.h"

#include <string.h>

#include <rte_byteorder.h>

struct sip_state {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, unsigned n)
{
	return (x << n) | (x >> (64 - n));
}

static inline void sip_round(struct sip_state *s)
{
	s->v0 += s->v1;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v2 = rotl(s->v2, 32);
}

static inline void sip_word(struct sip_state *s, uint64_t m)
{
	s->v3 ^= m;
	sip_round(s);
	sip_round(s);
	s->v0 ^= m;
}

uint64_t siphash(const struct siphash_key *key, const void *data, size_t len)
{
	struct sip_state s = {
		/* "somepseudorandomlygeneratedbytes" */
		.v0 = key->k0 ^ 0x736f6d6570736575, .v1 = key->k1 ^ 0x646f72616e646f6d,
		.v2 = key->k0 ^ 0x6c7967656e657261, .v3 = key->k1 ^ 0x7465646279746573,
	};
	const uint8_t *p = data;
	uint64_t word = 0;

	for (size_t left = len; left >= 8; left -= 8, p += 8) {
		memcpy(&word, p, 8);
		sip_word(&s, rte_le_to_cpu_64(word));
	}
	word = (uint64_t)(len & 0xff) << 56;
	for (unsigned i = 0; i < (len & 7); i++)
		word |= (uint64_t)p[i] << (8 * i);
	sip_word(&s, word);

	s.v2 ^= 0xff;
	for (unsigned i = 0; i < 4; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
