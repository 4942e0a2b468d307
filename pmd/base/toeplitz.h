/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The Toeplitz hash of receive side scaling over an IPv4 tuple in the order
 * the receiver sees it: source address, destination address, source port,
 * destination port, each big endian. Pure functions, any lcore.
 */
#ifndef BASE_TOEPLITZ_H
#define BASE_TOEPLITZ_H

#include <stdint.h>

#define TOEPLITZ_KEY_LEN 40

/* A key with look-up tables: one per octet of the 12-octet input. Read-only
 * after toeplitz_init(), so every lcore may share it. */
struct toeplitz {
	uint8_t key[TOEPLITZ_KEY_LEN];
	uint32_t table[12][256];
};

void toeplitz_init(struct toeplitz *t, const uint8_t key[TOEPLITZ_KEY_LEN]);

/* Addresses and ports in network byte order. The hash is linear: it is the
 * XOR of the address part and the two port parts, which is what makes a
 * search for a source port cheap. */
uint32_t toeplitz_v4(const struct toeplitz *t, uint32_t saddr, uint32_t daddr, uint16_t sport,
		     uint16_t dport);
uint32_t toeplitz_v4_addr(const struct toeplitz *t, uint32_t saddr, uint32_t daddr);
uint32_t toeplitz_dport(const struct toeplitz *t, uint16_t dport);
uint32_t toeplitz_sport(const struct toeplitz *t, uint16_t sport);

#endif
