/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets into a RoCE engine with one connected queue pair. The input is a
 * list of operations: packets, time, posts. The first octet of a packet says
 * how much of it the harness makes right: nothing but the ICRC, or also
 * addresses, numbers, lengths and keys near those that would be accepted.
 *
 * Besides what the sanitizers see: every packet the engine sends is well
 * formed, nothing outside the regions is written, each work request ends at
 * most once and in order, and at the end no buffer is missing.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "pmd/rdma/packet.h"
#include "pmd/rdma/psn.h"
#include "pmd/rdma/roce.h"
#include "tests/unit/test.h"

#define OUR_IP 0x0a630001U
#define PEER_IP 0x0a630002U
#define PEER_QPN 0xabcde
#define PSN 0xfffff0             /* both ends: wraps soon */
#define MEM 16384
#define GUARD 256
#define OPS_MAX 200
#define DEPTH 8
#define PACKET_MAX 1600

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct world {
	struct roce *roce;
	struct rd_dev *dev;
	struct wheel wheel;
	struct rte_mempool *pool;
	struct rd_pd *pd;
	struct rd_mr *mr;
	struct rd_qp *qp;
	uint64_t now_us, seed;
	uint64_t sends, recvs;           /* posted */
	uint64_t send_next, recv_next;   /* cookies expected */
	uint32_t out_psn;                /* of the last request sent */
	uint8_t mem[MEM + 2 * GUARD];
} w;

/* The fuzzer's octets; zeros behind the end. */
struct input {
	const uint8_t *p;
	size_t left;
};

static uint8_t u8(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->p++;
}

static uint32_t u32(struct input *in)
{
	uint32_t v = u8(in);

	v = v << 8 | u8(in);
	v = v << 8 | u8(in);
	return v << 8 | u8(in);
}

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/* ---- the engine's surroundings ------------------------------------------------------- */

static void tx(void *ctx, void *path, struct rte_mbuf *m)
{
	struct rd_counters c = { 0 };
	struct roce_pkt p;

	check(path == &w && packet_parse(m, &p, &c));
	check(p.ip_len == m->pkt_len && p.qpn == PEER_QPN && p.pkey == ROCE_PKEY);
	check(packet_icrc_ok(m, &p));
	if (p.op < OP_READ_REQUEST)
		w.out_psn = p.psn;
	rte_pktmbuf_free(m);
}

static unsigned room(void *ctx, void *path)
{
	return 1000;
}

static void random_octets(void *ctx, void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len-- > 0)
		*p++ = (uint8_t)test_random(&w.seed);
}

static void done(struct rd_req *req) {}

static int ask(struct rd_req *req)
{
	req->done = done;
	rd_submit(w.dev, req);
	check(rd_progress(w.dev, 1) == 1);
	return req->rc;
}

static void gid(struct rd_gid *g, uint32_t ip)
{
	memset(g, 0, sizeof(*g));
	g->b[10] = g->b[11] = 0xff;
	put32(g->b + 12, ip);
}

static void begin(struct input *in)
{
	struct roce_config conf = { .name = "fuzz", .lcore = 2, .ip_mtu = 9000, .n_gids = 1, .max_qps = 2, .max_mrs = 4,
				    .node = -1, .pool = w.pool };
	struct roce_env env = { .ctx = &w, .tx = tx, .room = room, .random = random_octets };
	struct rd_req req = { .op = RD_REQ_PD_ALLOC };
	uint8_t access = RD_ACCESS_REMOTE_WRITE | RD_ACCESS_REMOTE_READ;

	w.now_us = 1000000;
	w.seed = 1;
	w.sends = w.recvs = w.send_next = w.recv_next = 0;
	memset(w.mem, 0x5a, sizeof(w.mem));
	gid(&conf.gids[0], OUR_IP);
	wheel_init(&w.wheel, w.now_us);
	check(roce_create(&w.roce, &conf, &env, &w.wheel) == 0);
	w.dev = roce_rd(w.roce);
	check(ask(&req) == 0);
	w.pd = req.pd;
	req = (struct rd_req){ .op = RD_REQ_MR_REG, .pd = w.pd, .addr = w.mem + GUARD, .len = MEM,
			       .access = access | RD_ACCESS_LOCAL_WRITE };
	check(ask(&req) == 0);
	w.mr = req.mr;
	req = (struct rd_req){ .op = RD_REQ_QP_CREATE,
			       .init = { .pd = w.pd, .user = &w, .send_wr = DEPTH, .recv_wr = DEPTH, .access = access } };
	check(ask(&req) == 0);
	w.qp = req.qp;
	req = (struct rd_req){ .op = RD_REQ_QP_RTR, .qp = w.qp };
	req.attr = (struct rd_qp_attr){ .path = &w, .remote_qpn = PEER_QPN, .rq_psn = PSN, .sq_psn = PSN,
					.mtu = (uint8_t)(1 + u8(in) % 3), .timeout = 8, .retry = 3, .rnr_retry = 3,
					.min_rnr_timer = 1, .hop_limit = 1 };
	gid(&req.attr.local, OUR_IP);
	gid(&req.attr.remote, PEER_IP);
	check(ask(&req) == 0);
	req.op = RD_REQ_QP_RTS;
	check(ask(&req) == 0);
}

static void poll_all(void)
{
	struct rd_event ev[4];
	struct rd_wc wc[8];
	unsigned n;

	while ((n = rd_poll(w.dev, wc, 8)) != 0) {
		for (unsigned i = 0; i < n; i++) {
			bool recv = wc[i].op == RD_OP_RECV;
			uint64_t *next = recv ? &w.recv_next : &w.send_next;

			check(wc[i].user == &w && wc[i].cookie == *next && *next < (recv ? w.recvs : w.sends));
			++*next;
			check(wc[i].status != RD_WC_SUCCESS || wc[i].len <= 4000);
		}
	}
	rd_event_poll(w.dev, ev, 4);
}

static void end(void)
{
	struct rd_qp_info info;

	rd_qp_query(w.qp, &info);
	poll_all();
	/* In ERR nothing is left behind. */
	check(info.state != RD_QP_ERR || (w.send_next == w.sends && w.recv_next == w.recvs));
	for (unsigned i = 0; i < GUARD; i++)
		check(w.mem[i] == 0x5a && w.mem[GUARD + MEM + i] == 0x5a);
	rd_close(w.dev);
	check(w.wheel.armed == 0);
	check(rte_mempool_in_use_count(w.pool) == 0);
}

/* ---- packets ------------------------------------------------------------------------------ */

static uint32_t near_psn(struct input *in, uint8_t op)
{
	struct rd_qp_info info;
	uint32_t base;

	rd_qp_query(w.qp, &info);
	base = op >= OP_READ_FIRST && op <= OP_ATOMIC_ACK ? info.una_psn : info.rq_psn;
	return psn_add(base, (uint32_t)(int8_t)u8(in)) & PSN_MASK;
}

/* A header that gets far: what follows the opcode is right, or nearly. */
static unsigned good_headers(struct input *in, uint8_t *b)
{
	static const uint8_t ops[] = {
		OP_SEND_FIRST, OP_SEND_MIDDLE, OP_SEND_LAST, OP_SEND_ONLY, OP_WRITE_FIRST, OP_WRITE_MIDDLE,
		OP_WRITE_LAST, OP_WRITE_ONLY, OP_READ_REQUEST, OP_ACK, OP_CNP, OP_FETCH_ADD, OP_WRITE_ONLY_IMM,
	};
	uint8_t op = ops[u8(in) % RTE_DIM(ops)];
	unsigned n = 12;

	memset(b, 0, 64);
	b[0] = op;
	put16(b + 2, 0xffff);
	put32(b + 8, near_psn(in, op) | (uint32_t)(u8(in) & 1) << 31);
	if (op == OP_WRITE_FIRST || op == OP_WRITE_ONLY || op == OP_READ_REQUEST || op == OP_WRITE_ONLY_IMM) {
		uint64_t va = rd_mr_addr(w.mr) + u32(in) % (MEM + 8);

		put32(b + 12, (uint32_t)(va >> 32));
		put32(b + 16, (uint32_t)va);
		put32(b + 20, rd_mr_rkey(w.mr) ^ (u8(in) == 1));
		put32(b + 24, u32(in) % (MEM + 8));
		n += op == OP_WRITE_ONLY_IMM ? 20 : 16;
	} else if (op == OP_ACK) {
		put32(b + 12, u32(in));
		n += 4;
	} else if (op == OP_CNP) {
		n += 16;
	} else if (op == OP_FETCH_ADD) {
		n += 28;
	}
	return n;
}

static uint32_t icrc_of(uint8_t *ip, unsigned covered)
{
	uint8_t copy[PACKET_MAX + 64];

	memcpy(copy, ip, covered);
	copy[1] = copy[8] = copy[10] = copy[11] = 0xff;
	copy[26] = copy[27] = copy[32] = 0xff;
	return icrc_final(icrc_update_shared(ICRC_START, copy, covered));
}

static void packet(struct input *in)
{
	uint8_t mode = u8(in), b[PACKET_MAX + 64];
	struct rte_mbuf *m = rte_pktmbuf_alloc(w.pool);
	unsigned n, payload;
	uint32_t crc;

	check(m != NULL);
	memset(b, 0, 28);
	memcpy(b, (uint8_t[]){ 0x45, mode & 0x10 ? 3 : 0, 0, 0, 0, 1, 0x40, 0, 64, 17 }, 10);
	put32(b + 12, PEER_IP);
	put32(b + 16, OUR_IP);
	put16(b + 22, ROCE_UDP_PORT);
	n = 28;
	if (mode & 1)
		n += good_headers(in, b + 28);
	/* How long the payload is: whole packets or anything; its octets do not matter much. */
	payload = mode & 2 ? 256U << (mode >> 5 & 1) : (unsigned)(u8(in) << (mode >> 6));
	payload = RTE_MIN(payload, PACKET_MAX - 128U);
	if (mode & 1) {
		memset(b + n, mode, payload + 3);
		b[29] = (uint8_t)((-payload & 3) << 4);
		n += payload + (-payload & 3);
	} else {
		/* From the base transport header on it is the fuzzer's. */
		payload = RTE_MAX(payload, 12U);
		for (unsigned i = 0; i < payload; i++)
			b[n++] = u8(in);
	}
	if (mode & 4)
		put32(b + 32, rd_qp_num(w.qp));
	put16(b + 2, n + 4);
	put16(b + 24, n + 4 - 20);
	crc = icrc_of(b, n);
	for (unsigned i = 0; i < 4; i++)
		b[n++] = (uint8_t)(crc >> 8 * i);
	memcpy(rte_pktmbuf_append(m, (uint16_t)n), b, n);
	roce_input(w.roce, w.now_us, &m, 1);
}

static void operation(struct input *in)
{
	uint8_t *mem = w.mem + GUARD;
	uint32_t lkey = rd_mr_lkey(w.mr);

	switch (u8(in) % 8) {
	case 0: {
		struct rd_recv r = { .cookie = w.recvs, .n_sge = 2,
				     .sge = { { mem, 100, lkey }, { mem + 200, u8(in) * 15U, lkey } } };

		w.recvs += rd_post_recv(w.qp, &r, 1) == 0;
		break;
	}
	case 1: {
		struct rd_wr wr = { .cookie = w.sends, .op = u8(in) & 1 ? RD_OP_WRITE : RD_OP_SEND, .flags = RD_F_SIGNAL,
				    .n_sge = 1, .sge = { { mem, u8(in) * 32U, lkey } } };

		w.sends += rd_post_send(w.qp, &wr, 1) == 0;
		break;
	}
	case 2:
		w.now_us += 1ULL << u8(in) % 20;
		wheel_advance(&w.wheel, w.now_us, 100);
		break;
	case 3:
		roce_output(w.roce, w.now_us, 1 + u8(in) % 64);
		poll_all();
		break;
	default:
		packet(in);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	if (w.pool == NULL) {
		test_eal_init();
		w.pool = rte_pktmbuf_pool_create("fuzz", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
		check(w.pool != NULL);
	}
	begin(&in);
	for (unsigned i = 0; i < OPS_MAX && in.left != 0; i++)
		operation(&in);
	roce_output(w.roce, w.now_us, 1000);
	end();
	return 0;
}
