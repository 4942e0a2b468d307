/* SPDX-License-Identifier: BSD-3-Clause */
/* The codec, against packets of Linux's rxe. */
#include "tests/unit/rdma/vectors.h"

#include "pmd/rdma/psn.h"
#include "pmd/rdma/roce.h"
#include "tests/unit/test.h"

static struct rte_mempool *pool;

static struct rte_mbuf *mbuf_of(const uint8_t *data, size_t len)
{
	struct rte_mbuf *m;

	test_eal_init();
	icrc_init();
	if (pool == NULL)
		pool = rte_pktmbuf_pool_create("packet", 255, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	m = rte_pktmbuf_alloc(pool);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), data, len);
	return m;
}

/* Whether the packet passes parser and ICRC. */
static bool accepted(const uint8_t *data, size_t len)
{
	struct rd_counters c = { 0 };
	struct rte_mbuf *m = mbuf_of(data, len);
	struct roce_pkt p;
	bool ok = packet_parse(m, &p, &c) && packet_icrc_ok(m, &p);

	rte_pktmbuf_free(m);
	return ok;
}

static void packet_parse__fields(void)
{
	for (size_t i = 0; i < RTE_DIM(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct rd_counters c = { 0 };
		struct roce_pkt p;
		uint8_t b[256];
		size_t n = vector_octets(v->hex, b);
		struct rte_mbuf *m = mbuf_of(b, n);

		CU_ASSERT_TRUE(packet_parse(m, &p, &c));
		CU_ASSERT_EQUAL(p.op, v->op);
		CU_ASSERT_EQUAL(p.ack_req, v->ack_req);
		CU_ASSERT_EQUAL(p.qpn, v->qpn);
		CU_ASSERT_EQUAL(p.psn, v->psn);
		CU_ASSERT_EQUAL(p.payload_len, v->payload);
		CU_ASSERT_EQUAL(p.pkey, 0xffff);
		CU_ASSERT_EQUAL(p.ip_len, n);
		CU_ASSERT_TRUE(packet_icrc_ok(m, &p));
		if (v->op == OP_WRITE_ONLY) {
			CU_ASSERT_EQUAL(p.reth.va, rte_cpu_to_be_64(0x55bd3c719000));
			CU_ASSERT_EQUAL(p.reth.rkey, rte_cpu_to_be_32(0x2c1));
			CU_ASSERT_EQUAL(p.reth.len, rte_cpu_to_be_32(33));
		} else if (v->op == OP_ACK) {
			CU_ASSERT_EQUAL(p.aeth.v, rte_cpu_to_be_32(0x1f000001));
		}
		rte_pktmbuf_free(m);
	}
}

/* The way of a captured packet. */
static void way_of(const uint8_t *b, struct packet_way *way)
{
	memset(way, 0, sizeof(*way));
	memcpy(&way->src, b + 12, 4);
	memcpy(&way->dst, b + 16, 4);
	way->sport = (uint16_t)(b[20] << 8 | b[21]);
	way->tos = b[1];
	way->ttl = b[8];
	way->qpn = roce_dest_qpn(b + 28);
}

static void packet_end__the_same_octets(void)
{
	for (size_t i = 0; i < RTE_DIM(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct packet_template t;
		struct packet_way way;
		struct packet_fields f = { .op = v->op, .ack_req = v->ack_req, .psn = v->psn };
		struct packet p;
		struct rte_mbuf *m;
		uint8_t b[256];
		size_t n = vector_octets(v->hex, b), pad = -v->payload & 3, ext = n - 44 - v->payload - pad;

		rte_pktmbuf_free(mbuf_of(b, n));
		way_of(b, &way);
		packet_template(&t, &way);
		f.ip_id = (uint16_t)(b[4] << 8 | b[5]);
		CU_ASSERT_EQUAL_FATAL(packet_begin(&p, pool, &t, &f, (unsigned)ext, v->payload), 0);
		packet_put(&p, b + 40, (uint32_t)(ext + v->payload));
		m = packet_end(&p, &t);
		CU_ASSERT_EQUAL(m->pkt_len, n);
		CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod(m, uint8_t *), b, n), 0);
		rte_pktmbuf_free(m);
	}
}

static bool masked(size_t octet)
{
	return octet == 1 || octet == 8 || octet == 10 || octet == 11 || octet == 32;
}

static void packet_icrc_ok__every_bit(void)
{
	for (size_t i = 0; i < RTE_DIM(vectors); i++) {
		uint8_t b[256];
		size_t n = vector_octets(vectors[i].hex, b);

		for (size_t bit = 0; bit < 8 * n; bit++) {
			b[bit / 8] ^= (uint8_t)(1 << bit % 8);
			/* A UDP checksum other than 0 has to be right. */
			if (accepted(b, n) != masked(bit / 8)) {
				fprintf(stderr, "%s, octet %zu\n", vectors[i].name, bit / 8);
				CU_FAIL("wrong verdict");
			}
			b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

static void packet_icrc_ok__identification_is_covered(void)
{
	uint8_t b[256];
	size_t n = vector_octets(vectors[1].hex, b);

	CU_ASSERT_TRUE(accepted(b, n));
	b[5]++;
	CU_ASSERT_FALSE(accepted(b, n));
	b[5]--;
	b[6] = 0;
	CU_ASSERT_FALSE(accepted(b, n));
}

static void packet_parse__octets_behind(void)
{
	uint8_t b[256] = { 0 };
	size_t n = vector_octets(vectors[0].hex, b);

	for (size_t more = 0; more <= 46; more++)
		CU_ASSERT_TRUE(accepted(b, n + more));
	for (size_t less = 1; less <= n; less++) {
		struct rd_counters c = { 0 };
		struct rte_mbuf *m = mbuf_of(b, n - less);
		struct roce_pkt p;

		CU_ASSERT_FALSE(packet_parse(m, &p, &c));
		CU_ASSERT_EQUAL(c.bad_len, 1);
		rte_pktmbuf_free(m);
	}
}

static void packet_end__pads(void)
{
	static const uint8_t payload[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct packet_way way = { .src = 1, .dst = 2, .sport = 3, .ttl = 64, .qpn = 5 };
	struct packet_template t;

	packet_template(&t, &way);
	rte_pktmbuf_free(mbuf_of(payload, 8));
	for (unsigned len = 0; len < 8; len++) {
		for (unsigned ext = 0; ext <= 16; ext += 16) {
			struct packet_fields f = { .op = ext ? OP_WRITE_ONLY : OP_SEND_ONLY };
			unsigned pad = (4 - len % 4) % 4;
			struct rd_counters c = { 0 };
			struct rte_mbuf *m;
			struct roce_pkt parsed;
			struct packet p;
			const uint8_t *b;

			CU_ASSERT_EQUAL_FATAL(packet_begin(&p, pool, &t, &f, ext, len), 0);
			packet_put(&p, (uint8_t[16]){ 0 }, ext);
			packet_put(&p, payload, len);
			m = packet_end(&p, &t);
			CU_ASSERT_EQUAL(m->pkt_len, 40 + ext + len + pad + 4);
			b = rte_pktmbuf_mtod(m, const uint8_t *);
			CU_ASSERT_EQUAL(b[29] >> 4, pad);
			for (unsigned i = 0; i < pad; i++)
				CU_ASSERT_EQUAL(b[40 + ext + len + i], 0);
			CU_ASSERT_TRUE(packet_parse(m, &parsed, &c));
			CU_ASSERT_EQUAL(parsed.payload_len, len);
			CU_ASSERT_EQUAL(memcmp(b + parsed.payload_ofs, payload, len), 0);
			CU_ASSERT_TRUE(packet_icrc_ok(m, &parsed));
			rte_pktmbuf_free(m);
		}
	}
}

/* Every operation with every length: only what its headers need is read. */
static void packet_parse__any_octets(void)
{
	uint64_t seed = 1;

	for (unsigned op = 0; op < 256; op++) {
		for (unsigned len = 0; len < 80; len++) {
			uint8_t b[40 + 80];
			struct rd_counters c = { 0 };
			struct roce_pkt p;
			struct rte_mbuf *m;
			unsigned n = 40 + len;

			for (unsigned i = 0; i < sizeof(b); i++)
				b[i] = (uint8_t)test_random(&seed);
			memcpy(b, (uint8_t[]){ 0x45, 0, 0, (uint8_t)n, 1, 2, 0x40, 0 }, 8);
			memcpy(b + 24, (uint8_t[]){ 0, (uint8_t)(n - 20), 0, 0, (uint8_t)op }, 5);
			m = mbuf_of(b, n);
			if (packet_parse(m, &p, &c)) {
				CU_ASSERT_TRUE(p.payload_ofs + p.payload_len + 4U <= n);
				CU_ASSERT_FALSE(packet_icrc_ok(m, &p));
			} else {
				CU_ASSERT_EQUAL(c.bad_len + c.bad_opcode + c.bad_tver, 1);
			}
			rte_pktmbuf_free(m);
		}
	}
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(pool), 0);
}

static void roce_udp_sport__rule_of_linux(void)
{
	static const struct { uint32_t a, b; uint16_t port; } cases[] = {
		{ 17, 17, 49441 }, { 18, 18, 49476 }, { 24, 24, 49728 }, { 17, 0xabcde, 51887 }, { 18, 0xabcde, 51093 },
	};

	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		CU_ASSERT_EQUAL(roce_udp_sport(cases[i].a, cases[i].b), cases[i].port);
		CU_ASSERT_EQUAL(roce_udp_sport(cases[i].b, cases[i].a), cases[i].port);
	}
}

static void psn_diff__half_the_space(void)
{
	static const struct { uint32_t a, b; int32_t d; } cases[] = {
		{ 0, 0, 0 }, { 1, 0, 1 }, { 0, 1, -1 }, { 0, 0xffffff, 1 }, { 0xffffff, 0, -1 },
		{ 0x7fffff, 0, 0x7fffff }, { 0x800000, 0, -0x800000 }, { 5, 0xfffffa, 11 },
	};

	for (size_t i = 0; i < RTE_DIM(cases); i++)
		CU_ASSERT_EQUAL(psn_diff(cases[i].a, cases[i].b), cases[i].d);
	CU_ASSERT_EQUAL(psn_add(0xffffff, 1), 0);
	CU_ASSERT_EQUAL(psn_add(0, PSN_MASK), 0xffffff);
	CU_ASSERT_EQUAL(psn_from(3, 0xfffffe), 5);
}

static const struct test_case cases[] = {
	TEST_CASE(packet_parse__fields),
	TEST_CASE(packet_end__the_same_octets),
	TEST_CASE(packet_icrc_ok__every_bit),
	TEST_CASE(packet_icrc_ok__identification_is_covered),
	TEST_CASE(packet_parse__octets_behind),
	TEST_CASE(packet_end__pads),
	TEST_CASE(packet_parse__any_octets),
	TEST_CASE(roce_udp_sport__rule_of_linux),
	TEST_CASE(psn_diff__half_the_space),
};
TEST_MAIN("roce_packet", cases)
