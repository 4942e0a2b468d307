/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RoCE v2 packets: formats (InfiniBand architecture 9.2 to 9.4, annex A17),
 * taking one apart, putting one together. Owner lcore of the device.
 */
#ifndef RDMA_PACKET_H
#define RDMA_PACKET_H

#include <assert.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "pmd/rdma/icrc.h"
#include "pmd/rdma/rd.h"

enum roce_op { /* Reliable Connection */
	OP_SEND_FIRST = 0x00, OP_SEND_MIDDLE, OP_SEND_LAST, OP_SEND_LAST_IMM, OP_SEND_ONLY, OP_SEND_ONLY_IMM,
	OP_WRITE_FIRST = 0x06, OP_WRITE_MIDDLE, OP_WRITE_LAST, OP_WRITE_LAST_IMM, OP_WRITE_ONLY, OP_WRITE_ONLY_IMM,
	OP_READ_REQUEST = 0x0c, OP_READ_FIRST, OP_READ_MIDDLE, OP_READ_LAST, OP_READ_ONLY,
	OP_ACK = 0x11, OP_ATOMIC_ACK, OP_CMP_SWAP, OP_FETCH_ADD,
	OP_SEND_LAST_INV = 0x16, OP_SEND_ONLY_INV,
	OP_CNP = 0x81,
};

/* What a message is made of: added to the operation's First. */
enum { SEG_FIRST = 0, SEG_MIDDLE = 1, SEG_LAST = 2, SEG_ONLY = 4 };

/* Syndrome of an AETH: type above bit 5. */
enum {
	AETH_ACK = 0x1f,         /* without end-to-end credits */
	AETH_RNR = 0x20,
	AETH_NAK_SEQ = 0x60, AETH_NAK_INVALID, AETH_NAK_ACCESS, AETH_NAK_OP,
};
#define AETH_TYPE(syndrome) ((syndrome) >> 5)

struct roce_bth {
	uint8_t op;
	uint8_t flags;           /* SE, M, pad (2), TVer (4) */
	rte_be16_t pkey;
	rte_be32_t qpn;          /* FECN, BECN and reserved above 24 bits */
	rte_be32_t psn;          /* AckReq and reserved above 24 bits */
} __rte_packed;

struct roce_reth {
	rte_be64_t va;
	rte_be32_t rkey;
	rte_be32_t len;
} __rte_packed;

struct roce_aeth {
	rte_be32_t v;            /* syndrome (8), MSN (24) */
} __rte_packed;

static_assert(sizeof(struct roce_bth) == 12, "BTH");
static_assert(sizeof(struct roce_reth) == 16, "RETH");
static_assert(sizeof(struct roce_aeth) == 4, "AETH");

#define BTH_SE 0x80
#define BTH_TVER 0x0f
#define BTH_PAD(flags) ((flags) >> 4 & 3)
#define BTH_ACK_REQ 0x80000000U
#define ROCE_PKEY 0xffff
#define ROCE_EXT_MAX 28          /* AtomicETH */
#define ROCE_PAYLOAD_MAX 4096

/* In front of the payload, IP header included. */
#define ROCE_HDR (sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_udp_hdr) + sizeof(struct roce_bth))
#define ROCE_UDP_OFS sizeof(struct rte_ipv4_hdr)
#define ROCE_BTH_OFS (ROCE_UDP_OFS + sizeof(struct rte_udp_hdr))

struct roce_pkt {
	uint32_t src, dst;       /* network order */
	uint32_t qpn, psn;
	uint16_t pkey;
	uint8_t op;
	uint8_t flags;
	uint8_t tos;
	bool ack_req;
	uint16_t ip_len;         /* of the packet: what comes behind is the link's */
	uint16_t payload_ofs, payload_len;
	struct roce_reth reth;   /* as it came, of operations that have one */
	struct roce_aeth aeth;
};

/* Take apart: lengths, fragments, options, UDP checksum, known operation, TVer
 * (InfiniBand 9.6, annex A17). Counts what is wrong and returns false. */
bool packet_parse(struct rte_mbuf *m, struct roce_pkt *p, struct rd_counters *c);
/* Whether the ICRC is right. Overwrites header fields of a packet that nobody else has. */
bool packet_icrc_ok(struct rte_mbuf *m, const struct roce_pkt *p);

/* ---- putting together ----------------------------------------------------------- */

/* The stream of the ICRC as it begins for all packets of a queue pair, with
 * what is set in the end beside it. */
struct packet_template {
	uint8_t stream[ICRC_ONES + ROCE_HDR];
	uint32_t ip_sum;         /* of the IP header's words but length and identification */
	uint8_t tos, ttl;
	rte_be32_t qpn;
};

struct packet_way {
	uint32_t src, dst;       /* network order */
	uint16_t sport;
	uint8_t tos, ttl;
	uint32_t qpn;            /* the peer's */
};
void packet_template(struct packet_template *t, const struct packet_way *way);

/* A packet being written: extension headers and payload are put in order. */
struct packet {
	struct rte_mbuf *m;
	struct rte_mbuf *seg;    /* where put() is */
	uint32_t left;           /* octets of it */
	uint16_t len;            /* of the whole IP packet */
	uint8_t pad;
};

struct packet_fields {
	uint8_t op;
	uint8_t flags;           /* BTH_SE */
	bool ack_req;
	uint32_t psn;
	uint16_t ip_id;
};

/* Buffers for ext + payload octets behind the headers, -ENOMEM. */
int packet_begin(struct packet *p, struct rte_mempool *pool, const struct packet_template *t,
		 const struct packet_fields *f, unsigned ext, unsigned payload);
void packet_put(struct packet *p, const void *data, uint32_t len);
/* Pad, ICRC and what the ICRC does not cover. Returns the finished packet. */
struct rte_mbuf *packet_end(struct packet *p, const struct packet_template *t);

#endif
