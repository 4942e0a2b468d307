/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets as Linux's rxe sent them, from the IPv4 header on, in hexadecimal. */
#ifndef TESTS_RDMA_VECTORS_H
#define TESTS_RDMA_VECTORS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pmd/rdma/packet.h"

struct vector {
	const char *name, *hex;
	uint8_t op;
	bool ack_req;
	uint32_t qpn, psn;
	uint16_t payload;
};

static const struct vector vectors[] = {
	{ "ACK", "450000305b8b40004011ca690a6300010a630002c12112b7001c00001100ffff0000001100354f6a1f000001821b8a04",
	  OP_ACK, false, 0x11, 0x354f6a, 0 },
	{ "WRITE Only", "45000060271840004011feac0a6300020a630001c12112b7004c00000a30ffff0000001180354f6a000055bd3c719000"
	  "000002c10000002103fa2e0543274cc50f5d64f9e117f3fb3cdcef26e1fa15a5d27d44cef2bc34f5b7000000d4e08bb1",
	  OP_WRITE_ONLY, true, 0x11, 0x354f6a, 33 },
	{ "SEND Only", "450000582fba40004011f6120a6300020a630001c16912b7004400000400ffff0000001380c3f13633c5de1c89b590bc"
	  "721eb2f12358237709b127f8483550b5f59ff3bc7a248aaee968ca731d5a2f9078e2819b0808fdb7",
	  OP_SEND_ONLY, true, 0x13, 0xc3f136, 44 },
	{ "READ Request", "4500003c35f040004011eff80a6300020a630001c1b912b7002800000c00ffff0000001580ef87e60000559fb1f2"
	  "c38b0000069d0000138ba846799e", OP_READ_REQUEST, true, 0x15, 0xef87e6, 0 },
	{ "FetchAdd", "45000048392640004011ecb60a6300020a630001c1e412b7003400001400ffff0000001680898f2b000055a5478f2000"
	  "0000072000000000000000010000000000000000c0b15350", OP_FETCH_ADD, true, 0x16, 0x898f2b, 0 },
	{ "ATOMIC Acknowledge", "450000386b7e40004011ba6e0a6300010a630002c1e412b7002400001200ffff0000001600898f2b1f0000"
	  "01e0f24b61bfae592c83418909", OP_ATOMIC_ACK, false, 0x16, 0x898f2b, 0 },
};

/* Octets of a vector. */
static inline size_t vector_octets(const char *hex, uint8_t *to)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		char pair[3] = { hex[2 * i], hex[2 * i + 1], 0 };

		to[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return n;
}

#endif
