/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The SMC messages of a captured conversation: what stands at the front of TCP
 * streams whose SYN and SYN-ACK carried the option, and the SENDs in RoCE v2.
 * Reads classic pcap files of Ethernet and IPv4, in the byte order of this machine.
 */
#ifndef TESTS_UNIT_SMC_PCAP_H
#define TESTS_UNIT_SMC_PCAP_H

#include <stddef.h>
#include <stdint.h>

struct pcap_smc {
	/* A whole CLC message, from the TCP client or not. */
	void (*clc)(void *ctx, const uint8_t *msg, size_t len);
	/* The octets of one SEND, put together from its packets. */
	void (*send)(void *ctx, const uint8_t *msg, size_t len);
	void *ctx;
	unsigned frames;        /* in the file */
	unsigned cut;           /* TCP segments not captured whole: their stream is not followed */
	unsigned broken;        /* streams that have something else where CLC should be, or a hole */
};

/* Returns 0 or a negative errno: no such file, or not of this kind. */
int pcap_smc_read(const char *path, struct pcap_smc *p);

#endif
