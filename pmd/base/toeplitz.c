/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/base/toeplitz.h"

#include <string.h>

/* Where the parts of the tuple begin in the 12-octet input. */
enum { AT_SADDR = 0, AT_DADDR = 4, AT_SPORT = 8, AT_DPORT = 10 };

/* The 32 key bits that begin at bit offset bit. */
static uint32_t key_window(const uint8_t *key, unsigned bit)
{
	const uint8_t *k = key + bit / 8;
	uint64_t five = (uint64_t)k[0] << 32 | (uint64_t)k[1] << 24 | (uint64_t)k[2] << 16 |
			(uint64_t)k[3] << 8 | k[4];

	return (uint32_t)(five >> (8 - bit % 8));
}

void toeplitz_init(struct toeplitz *t, const uint8_t key[TOEPLITZ_KEY_LEN])
{
	memcpy(t->key, key, TOEPLITZ_KEY_LEN);
	for (unsigned at = 0; at < 12; at++) {
		uint32_t window[8];

		for (unsigned b = 0; b < 8; b++)
			window[b] = key_window(key, at * 8 + b);
		for (unsigned v = 0; v < 256; v++) {
			uint32_t h = 0;

			for (unsigned b = 0; b < 8; b++)
				if (v & (0x80u >> b))
					h ^= window[b];
			t->table[at][v] = h;
		}
	}
}

static inline uint32_t hash_octets(const struct toeplitz *t, unsigned at, const void *data, unsigned len)
{
	const uint8_t *p = data;
	uint32_t h = 0;

	for (unsigned i = 0; i < len; i++)
		h ^= t->table[at + i][p[i]];
	return h;
}

uint32_t toeplitz_v4_addr(const struct toeplitz *t, uint32_t saddr, uint32_t daddr)
{
	return hash_octets(t, AT_SADDR, &saddr, sizeof(saddr)) ^
	       hash_octets(t, AT_DADDR, &daddr, sizeof(daddr));
}

uint32_t toeplitz_sport(const struct toeplitz *t, uint16_t sport)
{
	return hash_octets(t, AT_SPORT, &sport, sizeof(sport));
}

uint32_t toeplitz_dport(const struct toeplitz *t, uint16_t dport)
{
	return hash_octets(t, AT_DPORT, &dport, sizeof(dport));
}

uint32_t toeplitz_v4(const struct toeplitz *t, uint32_t saddr, uint32_t daddr, uint16_t sport,
		     uint16_t dport)
{
	return toeplitz_v4_addr(t, saddr, daddr) ^ toeplitz_sport(t, sport) ^ toeplitz_dport(t, dport);
}
