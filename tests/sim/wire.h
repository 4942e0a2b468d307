/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames as plain octets, for tests: built, cut and checked here without a
 * line of the code under test, so that an error there cannot hide itself.
 * Frames are from malloc(), each exactly as long as its octets, which lets
 * AddressSanitizer see every read past an end.
 */
#ifndef TESTS_SIM_WIRE_H
#define TESTS_SIM_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#define WIRE_FRAME_MAX 65700

enum {
	WIRE_FIN = 1, WIRE_SYN = 2, WIRE_RST = 4, WIRE_PSH = 8, WIRE_ACK = 16, WIRE_URG = 32,
	WIRE_ECE = 64, WIRE_CWR = 128,
};

struct wire_frame {
	struct wire_frame *next;
	uint32_t len;
	uint16_t gso;     /* payload of a piece, when more than one are in here */
	bool partial;     /* TCP checksum field holds the pseudo header sum only */
	uint8_t data[];
};

/* A TCP frame taken apart; pointers go into the frame. */
struct wire_tcp {
	uint32_t saddr, daddr;     /* host order, as all numbers here */
	uint16_t sport, dport, win, urg, vlan, ip_id;
	uint32_t seq, ack;
	uint8_t flags, ttl, tos;
	bool df;
	const uint8_t *opt, *payload;
	uint8_t opt_len;
	uint32_t len;              /* payload octets */
};

/* What wire_tcp_build() makes a frame of. */
struct wire_build {
	struct rte_ether_addr smac, dmac;
	uint32_t saddr, daddr;
	uint16_t sport, dport, win, urg, vlan, frag; /* frag: the IP header's field, host order */
	uint32_t seq, ack;
	uint8_t flags, ttl, tos;
	uint8_t doff;              /* 0: right; else this data offset */
	uint8_t version;           /* 0: 4 */
	uint8_t ip_opt_len, opt_len;
	uint8_t ip_opt[40], opt[40];
	const uint8_t *payload;
	uint32_t len;
	uint16_t pad;              /* octets of Ethernet padding behind */
	bool bad_sum, bad_ip_sum;
};

struct wire_frame *wire_alloc(uint32_t len);
void wire_free(struct wire_frame *f); /* the list */

/* One's complement sum of octets, not complemented, not folded into. */
uint32_t wire_sum(const void *data, uint32_t len, uint32_t sum);
uint16_t wire_fold(uint32_t sum);

struct wire_frame *wire_tcp_build(const struct wire_build *b);
/* IPv4 with any protocol and payload; checksum of IP only. */
struct wire_frame *wire_ip_build(const struct wire_build *b, uint8_t proto, const void *payload,
			uint32_t len);
struct wire_frame *wire_arp_build(uint16_t op, const struct rte_ether_addr *smac, uint32_t sip,
				  const struct rte_ether_addr *tmac, uint32_t tip,
				  const struct rte_ether_addr *edst, uint16_t vlan);
/* Part of a datagram: payload octets [from, to) of the frame's IP payload. */
struct wire_frame *wire_fragment(const struct wire_frame *f, uint32_t from, uint32_t to, bool more);

/* Ethernet type behind at most one tag, and where it ends; 0: too short. */
uint16_t wire_type(const struct wire_frame *f, uint32_t *l3, uint16_t *vlan);
/* Take apart; false: not a whole TCP segment in IPv4. */
bool wire_tcp_parse(const struct wire_frame *f, struct wire_tcp *t);
/* Is a frame what RFC 791, 9293 allow on the wire: lengths, checksums, no
 * options where none belong. NULL, or what is wrong. */
const char *wire_check(const struct wire_frame *f);

/*
 * What a port makes of a frame that TCP hands down: checksums filled in as
 * ol_flags ask, super-segments cut unless whole. *error tells which request
 * was wrong (header lengths, pseudo header sum, sizes). Does not take m.
 */
struct wire_frame *wire_from_mbuf(struct rte_mbuf *m, bool whole, const char **error);
/* Into mbufs of a pool as a port would deliver it; rx_cksum: the port says so
 * in ol_flags. NULL: pool is dry. */
struct rte_mbuf *wire_to_mbuf(const struct wire_frame *f, struct rte_mempool *pool, bool rx_cksum);

#endif
