/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/rdma/gen.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "pmd/rdma/psn.h"
#include "tests/unit/rdma/fixture.h"

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

static uint32_t get16(const uint8_t *p) { return (uint32_t)p[0] << 8 | p[1]; }
static uint32_t get32(const uint8_t *p) { return get16(p) << 16 | get16(p + 2); }

void gen_fill(uint8_t *p, size_t n, uint64_t seed)
{
	while (n-- > 0)
		*p++ = (uint8_t)test_random(&seed);
}

/* ---- octets ------------------------------------------------------------------------ */

static bool has_reth(uint8_t op)
{
	return op == OP_WRITE_FIRST || op == OP_WRITE_ONLY || op == OP_WRITE_ONLY_IMM || op == OP_READ_REQUEST;
}

static unsigned put_ext(const struct gen_pkt *p, uint8_t *to)
{
	unsigned n = 0;

	if (has_reth(p->op)) {
		put32(to, (uint32_t)(p->va >> 32));
		put32(to + 4, (uint32_t)p->va);
		put32(to + 8, p->rkey);
		put32(to + 12, p->dma_len);
		n = 16;
	} else if (p->op == OP_ACK) {
		put32(to, (uint32_t)p->syndrome << 24 | p->msn);
		return 4;
	} else if (p->op == OP_CMP_SWAP || p->op == OP_FETCH_ADD) {
		memset(to, 1, 28);
		return 28;
	} else if (p->op == OP_CNP) {
		memset(to, 0, 16);
		return 16;
	}
	if (p->op == OP_SEND_LAST_IMM || p->op == OP_SEND_ONLY_IMM || p->op == OP_WRITE_LAST_IMM ||
	    p->op == OP_WRITE_ONLY_IMM || p->op == OP_SEND_LAST_INV || p->op == OP_SEND_ONLY_INV) {
		put32(to + n, 0x12345678);
		n += 4;
	}
	return n;
}

static uint32_t icrc_of(const uint8_t *ip, unsigned covered)
{
	uint8_t copy[ROCE_PAYLOAD_MAX + 128];

	memcpy(copy, ip, covered);
	copy[1] = copy[8] = copy[10] = copy[11] = 0xff;
	copy[26] = copy[27] = copy[32] = 0xff;
	return icrc_final(icrc_update_shared(ICRC_START, copy, covered));
}

static uint16_t ones_sum(const uint8_t *p, unsigned n, uint32_t sum)
{
	for (unsigned i = 0; i < n; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void put_udp_cksum(uint8_t *ip, unsigned udp_len)
{
	uint32_t pseudo = ones_sum(ip + 12, 8, 17 + udp_len);
	uint16_t sum = (uint16_t)~ones_sum(ip + 20, udp_len, pseudo);

	put16(ip + 26, sum == 0 ? 0xffff : sum);
}

static unsigned put_packet(const struct gen *g, const struct gen_pkt *p, uint8_t *b)
{
	unsigned pad = p->no_pad ? 0 : (-p->len & 3), n = 40 + put_ext(p, b + 40);
	uint32_t crc;

	if (p->len != 0)
		memcpy(b + n, p->payload, p->len);
	n += p->len;
	memset(b + n, 0, pad);
	n += pad;
	b[0] = 0x40 | (p->ihl != 0 ? p->ihl : 5);
	b[1] = p->tos;
	put16(b + 2, n + 4 + (unsigned)p->ip_len_add);
	put16(b + 4, 0x1234);
	put16(b + 6, p->frag != 0 ? p->frag : 0x4000);
	b[8] = p->ttl != 0 ? p->ttl : 1;
	b[9] = 17;
	put16(b + 10, 0);
	put32(b + 12, p->src != 0 ? p->src : GEN_PEER_IP);
	put32(b + 16, p->dst != 0 ? p->dst : GEN_OUR_IP);
	put16(b + 10, (uint16_t)~ones_sum(b, 20, 0));
	put16(b + 20, roce_udp_sport(GEN_PEER_QPN, rd_qp_num(g->qp)));
	put16(b + 22, ROCE_UDP_PORT);
	put16(b + 24, n - 20 + 4 + (unsigned)p->udp_len_add);
	put16(b + 26, 0);
	b[28] = p->op;
	b[29] = (uint8_t)((pad ^ p->pad_xor) << 4 | p->tver);
	put16(b + 30, p->pkey != 0 ? p->pkey : 0xffff);
	put32(b + 32, p->qpn != 0 ? p->qpn : rd_qp_num(g->qp));
	b[32] = p->bth4;
	put32(b + 36, p->psn);
	b[36] = (uint8_t)((p->ack_req ? 0x80 : 0) | p->bth8);
	crc = icrc_of(b, n);
	for (unsigned i = 0; i < 4; i++)
		b[n + i] = (uint8_t)(crc >> 8 * i);
	b[n] ^= p->icrc_xor;
	if (p->udp_cksum == 1)
		put_udp_cksum(b, n + 4 - 20);
	else
		put16(b + 26, p->udp_cksum);
	return n + 4;
}

static struct rte_mempool *packet_pool(void)
{
	static struct rte_mempool *pool;

	if (pool == NULL) {
		test_eal_init();
		pool = rte_pktmbuf_pool_create("gen", 8191, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	return pool;
}

struct rte_mbuf *gen_build(struct gen *g, const struct gen_pkt *p)
{
	uint8_t b[ROCE_PAYLOAD_MAX + 256];
	unsigned n = put_packet(g, p, b), at = 0;
	struct rte_mbuf *head = NULL;

	memset(b + n, 0xa5, p->trailer);
	n += p->trailer;
	while (at < n) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(packet_pool());
		unsigned piece;

		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		piece = RTE_MIN(n - at, rte_pktmbuf_tailroom(m));
		/* The headers come in one piece. */
		if (g->in_pieces != 0)
			piece = RTE_MIN(piece, head == NULL && g->in_pieces < 40 ? 40U : g->in_pieces);
		memcpy(rte_pktmbuf_append(m, (uint16_t)piece), b + at, piece);
		at += piece;
		if (head == NULL)
			head = m;
		else
			CU_ASSERT_EQUAL(rte_pktmbuf_chain(head, m), 0);
	}
	return head;
}

void gen_in(struct gen *g, const struct gen_pkt *p)
{
	struct rte_mbuf *m = gen_build(g, p);

	roce_input(g->roce, g->now_us, &m, 1);
}

/* ---- what the engine sends --------------------------------------------------------------- */

static void take_apart(struct gen_out *o, const uint8_t *b, unsigned n)
{
	unsigned at = 40, ext = 0, pad = b[29] >> 4 & 3;

	o->op = b[28];
	o->flags = b[29];
	o->ack_req = b[36] >> 7;
	o->psn = get32(b + 36) & PSN_MASK;
	o->tos = b[1];
	o->ttl = b[8];
	if (has_reth(o->op)) {
		o->va = (uint64_t)get32(b + at) << 32 | get32(b + at + 4);
		o->rkey = get32(b + at + 8);
		o->dma_len = get32(b + at + 12);
		ext = 16;
	} else if (o->op == OP_ACK || o->op == OP_READ_FIRST || o->op == OP_READ_LAST || o->op == OP_READ_ONLY) {
		o->syndrome = b[at];
		o->msn = get32(b + at) & PSN_MASK;
		ext = 4;
	}
	at += ext;
	CU_ASSERT_TRUE_FATAL(n >= at + pad + 4);
	o->len = (uint16_t)(n - at - pad - 4);
	CU_ASSERT_EQUAL(pad, (-o->len & 3));
	for (unsigned i = 0; i < pad; i++)
		CU_ASSERT_EQUAL(b[at + o->len + i], 0);
	memcpy(o->payload, b + at, o->len);
}

static void check_headers(const struct gen *g, const uint8_t *b, unsigned n)
{
	uint32_t crc = icrc_of(b, n - 4);

	CU_ASSERT_EQUAL(b[0], 0x45);
	CU_ASSERT_EQUAL(get16(b + 2), n);
	CU_ASSERT_EQUAL(get16(b + 6), 0x4000);
	CU_ASSERT_EQUAL(b[9], 17);
	CU_ASSERT_EQUAL(ones_sum(b, 20, 0), 0xffff);
	CU_ASSERT_EQUAL(get32(b + 12), GEN_OUR_IP);
	CU_ASSERT_EQUAL(get32(b + 16), GEN_PEER_IP);
	CU_ASSERT_EQUAL(get16(b + 20), roce_udp_sport(rd_qp_num(g->qp), GEN_PEER_QPN));
	CU_ASSERT_EQUAL(get16(b + 22), ROCE_UDP_PORT);
	CU_ASSERT_EQUAL(get16(b + 24), n - 20);
	CU_ASSERT_EQUAL(get16(b + 26), 0);
	CU_ASSERT_EQUAL(b[29] & 0x4f, 0);
	CU_ASSERT_EQUAL(get16(b + 30), 0xffff);
	CU_ASSERT_EQUAL(get32(b + 32), GEN_PEER_QPN);
	CU_ASSERT_EQUAL(b[36] & 0x7f, 0);
	for (unsigned i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(b[n - 4 + i], (uint8_t)(crc >> 8 * i));
}

static void tx(void *ctx, void *path, struct rte_mbuf *m)
{
	struct gen *g = ctx;
	uint8_t buf[ROCE_PAYLOAD_MAX + 128];
	const uint8_t *b;

	CU_ASSERT_PTR_EQUAL(path, g);
	CU_ASSERT_NOT_EQUAL_FATAL(g->room, 0);
	CU_ASSERT_NOT_EQUAL_FATAL(g->n_out, GEN_OUT);
	CU_ASSERT_TRUE_FATAL(m->pkt_len <= sizeof(buf));
	if (g->room != UINT_MAX)
		g->room--;
	b = rte_pktmbuf_read(m, 0, m->pkt_len, buf);
	check_headers(g, b, m->pkt_len);
	memset(&g->out[g->n_out], 0, offsetof(struct gen_out, payload));
	g->out[g->n_out].at_us = g->now_us;
	take_apart(&g->out[g->n_out++], b, m->pkt_len);
	rte_pktmbuf_free(m);
}

static unsigned room(void *ctx, void *path)
{
	return ((struct gen *)ctx)->room;
}

static void random_octets(void *ctx, void *buf, size_t len)
{
	gen_fill(buf, len, test_random(&((struct gen *)ctx)->seed));
}

unsigned gen_turn(struct gen *g)
{
	return roce_output(g->roce, g->now_us, GEN_OUT);
}

void gen_run(struct gen *g, uint64_t us, uint64_t step_us)
{
	for (uint64_t end = g->now_us + us; g->now_us < end;) {
		g->now_us += RTE_MIN(step_us, end - g->now_us);
		wheel_advance(&g->wheel, g->now_us, 64);
		gen_turn(g);
	}
}

void gen_forget(struct gen *g)
{
	g->n_out = 0;
}

/* ---- life ---------------------------------------------------------------------------------- */

int gen_do(struct gen *g, struct rd_req *req)
{
	return lab_do(g->dev, req);
}

void gen_open_with(struct gen *g, const struct roce_config *base)
{
	struct roce_config conf = *base;
	struct roce_env env = { .ctx = g, .tx = tx, .room = room, .random = random_octets };
	struct rd_req pd = { .op = RD_REQ_PD_ALLOC };
	struct rd_req mr = { .op = RD_REQ_MR_REG, .len = GEN_MEM,
			     .access = RD_ACCESS_LOCAL_WRITE | RD_ACCESS_REMOTE_WRITE | RD_ACCESS_REMOTE_READ };

	memset(g, 0, sizeof(*g));
	g->now_us = 1000000;
	g->seed = 7;
	g->room = UINT_MAX;
	g->out = calloc(GEN_OUT, sizeof(*g->out));
	g->mem = (uint8_t *)calloc(1, GEN_MEM + 2 * GEN_GUARD) + GEN_GUARD;
	strcpy(conf.name, "gen");
	conf.lcore = 3;
	conf.ip_mtu = conf.ip_mtu != 0 ? conf.ip_mtu : 9000;
	conf.n_gids = 1;
	conf.max_qps = 4;
	conf.max_mrs = 8;
	conf.node = -1;
	conf.pool = packet_pool();
	lab_gid(&conf.gids[0], GEN_OUR_IP);
	wheel_init(&g->wheel, g->now_us);
	CU_ASSERT_EQUAL_FATAL(roce_create(&g->roce, &conf, &env, &g->wheel), 0);
	g->dev = roce_rd(g->roce);
	CU_ASSERT_EQUAL_FATAL(gen_do(g, &pd), 0);
	g->pd = pd.pd;
	mr.pd = pd.pd;
	mr.addr = g->mem;
	CU_ASSERT_EQUAL_FATAL(gen_do(g, &mr), 0);
	g->mr = mr.mr;
}

void gen_qp(struct gen *g, uint8_t access)
{
	struct rd_req req = { .op = RD_REQ_QP_CREATE,
			      .init = { .pd = g->pd, .user = g, .send_wr = 64, .recv_wr = 64, .access = access } };

	CU_ASSERT_EQUAL_FATAL(gen_do(g, &req), 0);
	g->qp = req.qp;
}

void gen_attr(struct gen *g, uint8_t mtu_code)
{
	g->attr = (struct rd_qp_attr){ .path = g, .remote_qpn = GEN_PEER_QPN, .rq_psn = GEN_RQ_PSN,
				       .sq_psn = GEN_SQ_PSN, .mtu = mtu_code, .timeout = 14, .retry = 3,
				       .rnr_retry = 2, .min_rnr_timer = 12, .hop_limit = 9, .traffic_class = 0x63 };
	lab_gid(&g->attr.local, GEN_OUR_IP);
	lab_gid(&g->attr.remote, GEN_PEER_IP);
}

void gen_connect(struct gen *g, bool rts)
{
	struct rd_req req = { .op = RD_REQ_QP_RTR, .qp = g->qp, .attr = g->attr };

	CU_ASSERT_EQUAL_FATAL(gen_do(g, &req), 0);
	req.op = RD_REQ_QP_RTS;
	if (rts)
		CU_ASSERT_EQUAL_FATAL(gen_do(g, &req), 0);
}

void gen_open(struct gen *g, uint8_t mtu_code)
{
	gen_open_with(g, &(struct roce_config){ 0 });
	gen_qp(g, RD_ACCESS_REMOTE_WRITE | RD_ACCESS_REMOTE_READ);
	gen_attr(g, mtu_code);
	gen_connect(g, true);
}

void gen_close(struct gen *g)
{
	rd_close(g->dev);
	CU_ASSERT_EQUAL(g->wheel.armed, 0);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(packet_pool()), 0);
	for (unsigned i = 0; i < GEN_GUARD; i++)
		if (g->mem[-1 - (int)i] != 0 || g->mem[GEN_MEM + i] != 0)
			CU_FAIL("written outside the region");
	free(g->mem - GEN_GUARD);
	free(g->out);
}

/* ---- shorthand ------------------------------------------------------------------------------ */

void gen_ack(struct gen *g, uint8_t syndrome, uint32_t psn)
{
	gen_in(g, &(struct gen_pkt){ .op = OP_ACK, .syndrome = syndrome, .psn = psn & PSN_MASK });
}

int gen_recv(struct gen *g, uint64_t cookie, uint32_t offset, uint32_t len)
{
	struct rd_recv r = { .cookie = cookie, .n_sge = 1,
			     .sge = { { g->mem + offset, len, rd_mr_lkey(g->mr) } } };

	return rd_post_recv(g->qp, &r, 1);
}

int gen_post(struct gen *g, uint8_t op, uint64_t cookie, uint32_t offset, uint32_t len, uint8_t flags)
{
	struct rd_wr wr = { .cookie = cookie, .op = op, .flags = flags, .n_sge = 1, .rkey = 0x11223344,
			    .raddr = 0x1000000000, .sge = { { g->mem + offset, len, rd_mr_lkey(g->mr) } } };

	return rd_post_send(g->qp, &wr, 1);
}

struct rd_counters gen_counters(struct gen *g)
{
	struct rd_counters c;

	rd_counters(g->dev, &c);
	return c;
}

struct rd_qp_info gen_info(struct gen *g)
{
	struct rd_qp_info i;

	rd_qp_query(g->qp, &i);
	return i;
}

uint64_t gen_va(const struct gen *g, uint32_t offset)
{
	return rd_mr_addr(g->mr) + offset;
}

void gen_write_only(struct gen *g, uint32_t psn, bool ack_req, const void *payload, uint32_t len)
{
	gen_in(g, &(struct gen_pkt){ .op = OP_WRITE_ONLY, .psn = psn & PSN_MASK, .ack_req = ack_req, .payload = payload,
				     .len = len, .va = gen_va(g, 0), .rkey = rd_mr_rkey(g->mr), .dma_len = len });
}

void gen_expect_answer(struct gen *g, uint8_t syndrome, uint32_t psn, uint32_t msn)
{
	gen_forget(g);
	gen_turn(g);
	CU_ASSERT_EQUAL(g->n_out, 1);
	CU_ASSERT_EQUAL(g->out[0].op, OP_ACK);
	CU_ASSERT_EQUAL(g->out[0].syndrome, syndrome);
	CU_ASSERT_EQUAL(g->out[0].psn, psn & PSN_MASK);
	CU_ASSERT_EQUAL(g->out[0].msn, msn);
	CU_ASSERT_FALSE(g->out[0].ack_req);
}

void gen_expect_silence(struct gen *g)
{
	gen_forget(g);
	CU_ASSERT_EQUAL(gen_turn(g), 0);
}

void gen_post_sends(struct gen *g, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		CU_ASSERT_EQUAL(gen_post(g, RD_OP_SEND, i, i, 10, i % 3 == 2 ? RD_F_SIGNAL : 0), 0);
	gen_turn(g);
	CU_ASSERT_EQUAL(g->n_out, n);
	gen_forget(g);
}
