/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One RoCE engine with one queue pair, and a packet generator in place of its
 * peer: packets are built octet by octet here, without the engine's own code,
 * and what the engine sends is kept, checked and taken apart.
 */
#ifndef TESTS_RDMA_GEN_H
#define TESTS_RDMA_GEN_H

#include "pmd/rdma/packet.h"
#include "pmd/rdma/roce.h"
#include "tests/unit/test.h"

#define GEN_MEM (4U << 20)
#define GEN_OUT 4096
#define GEN_OUR_IP 0x0a630001U
#define GEN_PEER_IP 0x0a630002U
#define GEN_PEER_QPN 0xabcde
#define GEN_SQ_PSN 0x1000        /* ours */
#define GEN_RQ_PSN 0x2000        /* the peer's */
#define GEN_GUARD 64             /* octets on either side of the region */

/* A packet the engine sent. */
struct gen_out {
	uint64_t at_us;
	uint8_t op, flags;
	bool ack_req;
	uint32_t psn;
	uint8_t syndrome;
	uint32_t msn;
	uint64_t va;
	uint32_t rkey, dma_len;
	uint16_t len;            /* of the payload */
	uint8_t tos, ttl;
	uint8_t payload[ROCE_PAYLOAD_MAX];
};

struct gen {
	struct roce *roce;
	struct rd_dev *dev;
	struct wheel wheel;
	uint64_t now_us, seed;
	unsigned room;
	struct rd_pd *pd;
	struct rd_mr *mr;
	struct rd_qp *qp;
	uint8_t *mem;            /* GEN_MEM octets, the region; GEN_GUARD in front and behind */
	struct rd_qp_attr attr;
	struct gen_out *out;
	unsigned n_out;
	unsigned in_pieces;      /* packets to the engine come in buffers of so many octets; 0: one */
};

/* A packet to the engine; fields that are 0 are as they should be. */
struct gen_pkt {
	uint8_t op;
	bool ack_req;
	uint32_t psn;
	const void *payload;
	unsigned len;
	/* of operations that have them */
	uint64_t va;
	uint32_t rkey, dma_len;
	uint8_t syndrome;
	uint32_t msn;
	/* what may be wrong */
	uint32_t src, dst, qpn;  /* host order */
	uint16_t pkey;
	uint8_t tver, tos, ttl, bth4, bth8;
	uint8_t pad_xor;
	uint8_t icrc_xor;
	int ip_len_add, udp_len_add;
	unsigned trailer;        /* octets behind the IP packet */
	uint16_t frag;           /* instead of DF */
	uint8_t ihl;
	uint16_t udp_cksum;      /* 1: the right one; else as it is */
	bool no_pad;
};

void gen_open(struct gen *g, uint8_t mtu_code);
/* Other settings of the engine or the queue pair: before and after these calls. */
void gen_open_with(struct gen *g, const struct roce_config *conf);
void gen_qp(struct gen *g, uint8_t access);    /* creates, INIT */
void gen_connect(struct gen *g, bool rts);     /* RTR, RTS by g->attr */
void gen_attr(struct gen *g, uint8_t mtu_code);
void gen_close(struct gen *g);

int gen_do(struct gen *g, struct rd_req *req);

/* To the engine, as a burst of one. */
void gen_in(struct gen *g, const struct gen_pkt *p);
struct rte_mbuf *gen_build(struct gen *g, const struct gen_pkt *p);
/* Output at the present time; packets add up in out. */
unsigned gen_turn(struct gen *g);
/* Time passes in steps of at most step_us, with timers and output. */
void gen_run(struct gen *g, uint64_t us, uint64_t step_us);
void gen_forget(struct gen *g);

void gen_ack(struct gen *g, uint8_t syndrome, uint32_t psn);
int gen_recv(struct gen *g, uint64_t cookie, uint32_t offset, uint32_t len);
int gen_post(struct gen *g, uint8_t op, uint64_t cookie, uint32_t offset, uint32_t len, uint8_t flags);
/* What the peer writes to for an offset into the region. */
uint64_t gen_va(const struct gen *g, uint32_t offset);
/* A WRITE Only to the region's begin. */
void gen_write_only(struct gen *g, uint32_t psn, bool ack_req, const void *payload, uint32_t len);
/* At the next output: one ACK or NAK; nothing. */
void gen_expect_answer(struct gen *g, uint8_t syndrome, uint32_t psn, uint32_t msn);
void gen_expect_silence(struct gen *g);
/* n SENDs of 10 octets, cookies 0.., every third signalled; sent. */
void gen_post_sends(struct gen *g, unsigned n);
struct rd_counters gen_counters(struct gen *g);
struct rd_qp_info gen_info(struct gen *g);
void gen_fill(uint8_t *p, size_t n, uint64_t seed);

#endif
