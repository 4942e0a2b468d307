/* SPDX-License-Identifier: BSD-3-Clause */
/* The user's calls and data in order. */
#include <string.h>

#include "tests/unit/tcp_recv/fixture.h"

static void tcp_data_input__in_order(void)
{
	uint16_t wnd = 0;

	fx_open(1000, 65536, 65536, 0);
	fx_in(0, 100, 0);
	CU_ASSERT_EQUAL(tcp_readable(&fx.c), 100);
	CU_ASSERT_EQUAL(fx.c.rcv_nxt, fx_seq(100));
	CU_ASSERT_TRUE(fx.raised & TCP_EV_READABLE);
	CU_ASSERT_EQUAL(fx_turn(&wnd), 1); /* quick at first */
	CU_ASSERT_EQUAL(fx_turn(NULL), 0);
	CU_ASSERT_EQUAL(fx_read_checked(0), 100);
	CU_ASSERT_FALSE(tcp_eof(&fx.c));
	fx_in(100, 50, RTE_TCP_FIN_FLAG);
	CU_ASSERT_EQUAL(fx.fins, 1);
	CU_ASSERT_FALSE(tcp_eof(&fx.c));
	CU_ASSERT_EQUAL(fx_read_checked(100), 50);
	CU_ASSERT_TRUE(tcp_eof(&fx.c));
	CU_ASSERT_EQUAL(fx_turn(NULL), 1);
	fx_close();
}

static void tcp_data_fast__chain(void)
{
	struct tcp_seg seg;

	fx_open(UINT32_MAX - 2000, 65536, 65536, 0);
	fx_make(&seg, 0, 45000, 0, 0, 1460);
	tcp_data_fast(&fx.c, &seg);
	CU_ASSERT_PTR_NULL(seg.m);
	CU_ASSERT_EQUAL(fx_turn(NULL), 1);
	CU_ASSERT_EQUAL(fx_read_checked(0), 45000);
	fx_close();
}

static void tcp_peek__pieces(void)
{
	struct tcp_piece p[4];

	fx_open(0, 65536, 65536, 0);
	CU_ASSERT_EQUAL(tcp_peek(&fx.c, p, 4), 0);
	fx_in(0, 1400, 0);
	fx_in(1400, 1400, 0);
	CU_ASSERT_EQUAL(tcp_peek(&fx.c, p, 1), 1);
	CU_ASSERT_EQUAL(tcp_peek(&fx.c, p, 4), 2);
	CU_ASSERT_EQUAL(p[0].len, 1400);
	tcp_consume(&fx.c, 1401);
	CU_ASSERT_EQUAL(tcp_peek(&fx.c, p, 4), 1);
	CU_ASSERT_EQUAL(p[0].len, 1399);
	CU_ASSERT_EQUAL(*(uint8_t *)p[0].data, fx_octet(1401, 0));
	tcp_consume(&fx.c, 5000); /* more than there is */
	CU_ASSERT_EQUAL(tcp_readable(&fx.c), 0);
	CU_ASSERT_EQUAL(fx.ts.rcv_pinned, 0);
	fx_close();
}

/* Octets of a chain taken, checked. */
static uint32_t check_chain(struct rte_mbuf *m, uint32_t pos, unsigned n_segs)
{
	uint32_t at = pos;

	while (m != NULL) {
		struct rte_mbuf *next = m->next;

		CU_ASSERT_EQUAL(m->nb_segs, 1);
		CU_ASSERT_EQUAL(m->pkt_len, m->data_len);
		for (uint32_t i = 0; i < m->data_len; i++)
			CU_ASSERT_EQUAL(rte_pktmbuf_mtod(m, uint8_t *)[i], fx_octet(at + i, 0));
		at += m->data_len;
		m->next = NULL;
		rte_pktmbuf_free_seg(m);
		m = next;
		n_segs--;
	}
	CU_ASSERT_EQUAL(n_segs, 0);
	return at - pos;
}

static void tcp_take__splits(void)
{
	static const uint32_t lens[] = { 1400, 100, 1000, 1, 1299, 256, 257, 3000, 10000 };
	struct rte_mbuf *chain;
	uint32_t pos = 0, all = 0;
	unsigned segs;

	fx_open(UINT32_MAX - 3000, 65536, 65536, 0);
	for (unsigned i = 0; i < 6; i++)
		fx_in(i * 1400, 1400, 0);
	all = 6 * 1400;
	for (unsigned i = 0; i < RTE_DIM(lens); i++) {
		uint32_t n = tcp_take(&fx.c, lens[i], &chain, &segs);

		CU_ASSERT_EQUAL(n, RTE_MIN(lens[i], all - pos));
		CU_ASSERT_EQUAL(check_chain(chain, pos, segs), n);
		pos += n;
		CU_ASSERT_EQUAL(tcp_readable(&fx.c), all - pos);
	}
	CU_ASSERT_EQUAL(pos, all);
	CU_ASSERT_EQUAL(tcp_take(&fx.c, 10, &chain, &segs), 0);
	CU_ASSERT_PTR_NULL(chain);
	fx_close();
}

/* A buffer of which a part was taken must not be written to. */
static void tcp_take__then_no_append(void)
{
	struct rte_mbuf *chain;
	unsigned segs;

	fx_open(0, 65536, 65536, 0);
	fx_in(0, 1000, 0);
	CU_ASSERT_EQUAL(tcp_take(&fx.c, 600, &chain, &segs), 600);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(fx_rx_pool), 1);
	fx_in(1000, 10, 0);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(fx_rx_pool), 2); /* kept apart */
	CU_ASSERT_EQUAL(check_chain(chain, 0, segs), 600);
	CU_ASSERT_EQUAL(fx_read_checked(600), 410);
	fx_close();
}

/* 1000 segments of one octet take one buffer (scenario 66). */
static void rcv_store__tiny_segments_share_a_buffer(void)
{
	fx_open(0, 65536, 65536, 0);
	for (unsigned i = 0; i < 1000; i++)
		fx_in(i, 1, 0);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(fx_rx_pool), 1);
	CU_ASSERT_EQUAL(fx.c.rcv_charged, FX_ROOM + RTE_PKTMBUF_HEADROOM + sizeof(struct rte_mbuf));
	CU_ASSERT_EQUAL(fx_read_checked(0), 1000);
	fx_close();
}

static const struct test_case cases[] = {
	TEST_CASE(tcp_data_input__in_order),
	TEST_CASE(tcp_data_fast__chain),
	TEST_CASE(tcp_peek__pieces),
	TEST_CASE(tcp_take__splits),
	TEST_CASE(tcp_take__then_no_append),
	TEST_CASE(rcv_store__tiny_segments_share_a_buffer),
};
TEST_MAIN("tcp read", cases)
