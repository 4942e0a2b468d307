/* SPDX-License-Identifier: BSD-3-Clause */
/* SipHash-2-4 (Aumasson, Bernstein 2012), the keyed hash behind initial
 * sequence numbers, SYN cookies, timestamp offsets and port selection; and a
 * cheaper keyed mix for hash tables. Pure functions, any lcore. */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k0, k1;
};

uint64_t siphash(const struct siphash_key *key, const void *data, size_t len);

/* Keyed 64-bit multiply-fold over 8-octet words; not a MAC, but without the
 * key nobody can choose inputs that collide. words <= 8. */
static inline uint64_t keyed_mix(const struct siphash_key *key, const uint64_t *w, unsigned words)
{
	uint64_t h = key->k0;

	for (unsigned i = 0; i < words; i++) {
		unsigned __int128 p = (unsigned __int128)(h ^ w[i]) * (key->k1 | 1);

		h = (uint64_t)p ^ (uint64_t)(p >> 64) ^ key->k0;
	}
	return h ^ (h >> 32);
}

#endif
