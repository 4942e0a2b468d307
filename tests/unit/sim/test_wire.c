/* SPDX-License-Identifier: BSD-3-Clause */
/* The octets that all TCP tests rely on, against vectors computed elsewhere. */
#include <stdlib.h>

#include "tests/sim/wire.h"
#include "tests/unit/test.h"

static const uint8_t ts_option[12] = { 1, 1, 8, 10, 0, 0, 0, 10, 0, 0, 0, 11 };

/* The example of the reference, 8.1: checksum c41d. */
static struct wire_build example(void)
{
	struct wire_build b = {
		.saddr = 0x0a000001, .daddr = 0x0a000002, .sport = 40000, .dport = 80, .seq = 1, .ack = 2,
		.flags = WIRE_ACK, .win = 0x01f5, .opt_len = 12, .frag = 0x4000,
	};

	memcpy(b.opt, (const uint8_t[]){ 1, 1, 8, 10, 0, 0, 0, 10, 0, 0, 0, 11 }, 12);
	return b;
}

static void wire_tcp_build__checksum_vector(void)
{
	struct wire_build b = example();
	struct wire_frame *f = wire_tcp_build(&b);
	struct wire_tcp t;

	CU_ASSERT_PTR_NULL(wire_check(f));
	CU_ASSERT_EQUAL(f->data[14 + 36] << 8 | f->data[14 + 37], 0xc41d);
	CU_ASSERT_TRUE(wire_tcp_parse(f, &t));
	CU_ASSERT_EQUAL(t.win, 0x01f5);
	CU_ASSERT_EQUAL(t.opt_len, 12);
	CU_ASSERT_EQUAL(memcmp(t.opt, ts_option, 12), 0);
	wire_free(f);
}

static void wire_check__each_wrong_octet(void)
{
	struct wire_build b = example();
	struct wire_frame *f;
	uint8_t payload[5] = { 1, 2, 3, 4, 5 };

	b.payload = payload;
	b.len = sizeof(payload);
	f = wire_tcp_build(&b);
	CU_ASSERT_PTR_NULL(wire_check(f));
	for (uint32_t i = 14; i < f->len; i++) {
		f->data[i] ^= 0x10;
		CU_ASSERT_PTR_NOT_NULL(wire_check(f));
		f->data[i] ^= 0x10;
	}
	wire_free(f);
}

static void wire_check__what_must_not_be_sent(void)
{
	static const struct { uint8_t flags, opt[4]; uint16_t frag; } cases[] = {
		{ WIRE_ACK, { 2, 4, 5, 180 }, 0x4000 },        /* MSS without SYN */
		{ WIRE_ACK, { 0, 1, 0, 0 }, 0x4000 },          /* behind end of options */
		{ WIRE_ACK, { 8, 10, 0, 0 }, 0x4000 },         /* beyond the header */
		{ WIRE_ACK, { 1, 1, 1, 1 }, 0 },               /* no DF */
		{ WIRE_RST, { 1, 1, 1, 1 }, 0x4000 },          /* RST with options */
		{ WIRE_ACK | WIRE_URG, { 1, 1, 1, 1 }, 0x4000 },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_build b = example();
		struct wire_frame *f;

		b.flags = cases[i].flags;
		b.frag = cases[i].frag;
		b.opt_len = 4;
		memcpy(b.opt, cases[i].opt, 4);
		f = wire_tcp_build(&b);
		CU_ASSERT_PTR_NOT_NULL(wire_check(f));
		wire_free(f);
	}
}

static struct rte_mempool *pool;

/* A super-segment as TCP hands it down. */
static struct rte_mbuf *super_segment(uint32_t len, uint8_t flags)
{
	struct wire_build b = example();
	uint8_t *payload = malloc(len);
	struct wire_frame *f;
	struct rte_mbuf *m;

	for (uint32_t i = 0; i < len; i++)
		payload[i] = (uint8_t)(i * 7);
	b.payload = payload;
	b.len = len;
	b.flags = flags;
	f = wire_tcp_build(&b);
	f->data[14 + 10] = f->data[14 + 11] = 0;
	f->data[14 + 36] = 0x14; /* pseudo header sum with length 0 */
	f->data[14 + 37] = 0x09;
	m = wire_to_mbuf(f, pool, false);
	wire_free(f);
	free(payload);
	m->l2_len = 14;
	m->l3_len = 20;
	m->l4_len = 32;
	m->tso_segsz = 1000;
	m->ol_flags = RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM;
	return m;
}

static void wire_from_mbuf__cuts(void)
{
	struct rte_mbuf *m = super_segment(3500, WIRE_ACK | WIRE_PSH | WIRE_FIN | WIRE_CWR);
	const char *error;
	struct wire_frame *list = wire_from_mbuf(m, false, &error);
	uint32_t n = 0, at = 0;

	CU_ASSERT_PTR_NULL(error);
	for (struct wire_frame *f = list; f != NULL; f = f->next, n++) {
		struct wire_tcp t;

		CU_ASSERT_PTR_NULL(wire_check(f));
		CU_ASSERT_TRUE_FATAL(wire_tcp_parse(f, &t));
		CU_ASSERT_EQUAL(t.seq, 1 + at);
		CU_ASSERT_EQUAL(t.ip_id, 0x1234 + n);
		CU_ASSERT_EQUAL((t.flags & WIRE_CWR) != 0, n == 0);
		CU_ASSERT_EQUAL((t.flags & WIRE_FIN) != 0, n == 3);
		CU_ASSERT_EQUAL((t.flags & WIRE_PSH) != 0, n == 3);
		for (uint32_t i = 0; i < t.len; i++)
			CU_ASSERT_EQUAL(t.payload[i], (uint8_t)((at + i) * 7));
		at += t.len;
	}
	CU_ASSERT_EQUAL(n, 4);
	CU_ASSERT_EQUAL(at, 3500);
	wire_free(list);
	rte_pktmbuf_free(m);
}

static void wire_from_mbuf__wrong_requests(void)
{
	const char *error;
	struct rte_mbuf *m;

	for (unsigned i = 0; i < 6; i++) {
		m = super_segment(i == 0 ? 1000 : 3000, i == 1 ? WIRE_SYN : WIRE_ACK);
		if (i == 2)
			m->l4_len = 20;
		if (i == 3)
			rte_pktmbuf_mtod(m, uint8_t *)[14 + 36] = 0x15;
		if (i == 4)
			m->tso_segsz = 0;
		if (i == 5)
			m->ol_flags &= ~RTE_MBUF_F_TX_IPV4;
		wire_free(wire_from_mbuf(m, false, &error));
		CU_ASSERT_PTR_NOT_NULL(error);
		rte_pktmbuf_free(m);
	}
}

static void wire_fragment__whole_again(void)
{
	struct wire_build b = example();
	struct wire_frame *f = wire_tcp_build(&b), *a = wire_fragment(f, 0, 16, true), *z = wire_fragment(f, 16, 32, false);

	CU_ASSERT_EQUAL(a->len, 14 + 20 + 16);
	CU_ASSERT_EQUAL(memcmp(a->data + 34, f->data + 34, 16), 0);
	CU_ASSERT_EQUAL(memcmp(z->data + 34, f->data + 50, 16), 0);
	CU_ASSERT_EQUAL(z->data[14 + 7], 2);
	CU_ASSERT_EQUAL(a->data[14 + 6], 0x20);
	wire_free(f);
	wire_free(a);
	wire_free(z);
}

static const struct test_case cases[] = {
	TEST_CASE(wire_tcp_build__checksum_vector),
	TEST_CASE(wire_check__each_wrong_octet),
	TEST_CASE(wire_check__what_must_not_be_sent),
	TEST_CASE(wire_from_mbuf__cuts),
	TEST_CASE(wire_from_mbuf__wrong_requests),
	TEST_CASE(wire_fragment__whole_again),
};

int main(int argc, char **argv)
{
	test_eal_init();
	pool = rte_pktmbuf_pool_create("wire", 255, 0, 64, 2048 + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
	if (pool == NULL)
		return EXIT_FAILURE;
	return test_run("wire", cases, sizeof(cases) / sizeof(cases[0]), argc > 1 ? argv[1] : NULL);
}
