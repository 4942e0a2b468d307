/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages in tests: written in hex, held in memory of exactly their size so
 * that a sanitizer sees the first octet read too many. */
#ifndef TESTS_UNIT_SMC_OCTETS_H
#define TESTS_UNIT_SMC_OCTETS_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define OCTETS_MAX 8192

struct octets {
	size_t len;
	uint8_t b[OCTETS_MAX];
};

static inline int
octets_nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Hex digits, blanks between octets; "*N" and a blank behind an octet: N times. */
static inline void
octets_from_hex(const char *hex, struct octets *o)
{
	o->len = 0;
	while (*hex != '\0') {
		if (*hex == '*') {
			char *end;
			size_t n = strtoul(hex + 1, &end, 10);

			memset(o->b + o->len, o->b[o->len - 1], n - 1);
			o->len += n - 1;
			hex = end;
		} else if (octets_nibble(hex[0]) >= 0 && octets_nibble(hex[1]) >= 0) {
			o->b[o->len++] = (uint8_t)(octets_nibble(hex[0]) << 4 | octets_nibble(hex[1]));
			hex += 2;
		} else {
			hex++;
		}
	}
}

/* A heap copy of exactly len octets; freed by the caller. */
static inline uint8_t *
octets_exact(const uint8_t *b, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		abort();
	memcpy(copy, b, len);
	return copy;
}

#endif
