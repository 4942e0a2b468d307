/* SPDX-License-Identifier: BSD-3-Clause */
/* What is offered and what is taken; buffer growth. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tcp_recv/fixture.h"

static void tcp_rcv_wscale__table(void)
{
	static const struct {
		uint32_t buf;
		uint8_t shift;
	} rows[] = {
		{ 1, 0 }, { 65535, 0 }, { 65536, 1 }, { 131070, 1 }, { 131071, 2 }, { 65535 << 13, 13 }, { (65535 << 13) + 1, 14 }, { 0, 0 }, { 256 << 10, 3 }, { 1 << 20, 5 }, { 4 << 20, 7 }, { 6 << 20, 7 },
		{ 16 << 20, 9 }, { 64 << 20, 11 }, { 1 << 30, 14 }, { UINT32_MAX, 14 },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++)
		CU_ASSERT_EQUAL(tcp_rcv_wscale(rows[i].buf), rows[i].shift);
}

static void tcp_rcv_initial_window__bounds(void)
{
	struct tcp_config conf = { .rcvbuf_initial = 65536, .rcvbuf_max = 4 << 20 };

	CU_ASSERT_EQUAL(tcp_rcv_initial_window(&conf, 0), 65535);
	CU_ASSERT_EQUAL(tcp_rcv_initial_window(&conf, 1000), 1000);
	conf.rcvbuf_initial = 30000;
	CU_ASSERT_EQUAL(tcp_rcv_initial_window(&conf, 0), 30000);
}

static void tcp_seq_acceptable__table(void)
{
	static const struct {
		uint32_t pos, len;
		bool ok;
	} rows[] = { /* rcv_wup 100, rcv_nxt 300, edge 1000 */
		{ 0, 0, false }, { 0, 99, false }, { 0, 100, true }, { 99, 0, false }, { 100, 0, true }, { 100, 200, true },
		{ 300, 0, true }, { 999, 1, true }, { 1000, 0, true }, { 1000, 1, true }, { 1001, 0, false },
		{ 1001, 5, false }, { 1u << 31, 0, false }, { 0, 5000, true },
	};
	static const uint32_t irs[] = { 0, UINT32_MAX - 500, (1u << 31) - 300 };

	for (unsigned k = 0; k < RTE_DIM(irs); k++)
		for (unsigned i = 0; i < RTE_DIM(rows); i++) {
			struct tcp_seg s = { 0 };

			fx_open(irs[k], 65536, 65536, 0);
			fx.c.rcv_wup = fx_seq(100);
			fx.c.rcv_nxt = fx_seq(300);
			fx.c.rcv_edge = fx_seq(1000);
			s.seq = fx_seq(rows[i].pos);
			s.end = s.seq + rows[i].len;
			CU_ASSERT_EQUAL(tcp_seq_acceptable(&fx.c, &s), rows[i].ok);
		}
}

/* Scenario 55 and pitfall 18: data and FIN are trimmed together. */
static void tcp_data_input__beyond_the_window(void)
{
	static const struct {
		uint32_t pos, len, taken;
		bool fin, fin_taken;
	} rows[] = {
		{ 0, 1500, 1000, false, false }, { 0, 1500, 1000, true, false }, { 0, 1001, 1000, true, false },
		{ 0, 1000, 1000, true, false }, { 0, 999, 999, true, true }, { 1000, 10, 0, true, false },
		{ 1000, 0, 0, true, false }, { 500, 600, 0, true, false },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		fx_open(0u - 500, 1000, 1000, 0);
		fx_in(rows[i].pos, rows[i].len, rows[i].fin ? RTE_TCP_FIN_FLAG : 0);
		CU_ASSERT_EQUAL(tcp_readable(&fx.c), rows[i].taken);
		CU_ASSERT_EQUAL(fx.fins, rows[i].fin_taken);
		CU_ASSERT_EQUAL(fx.c.has_fin, rows[i].fin_taken);
		CU_ASSERT_EQUAL(fx_turn(NULL), 1);
		fx_close();
	}
}

/* Scenario 108 and 2.5 step 2a: a closed window refuses data, answers, and lets a bare FIN in. */
static void tcp_data_input__zero_window(void)
{
	uint16_t wnd;

	fx_open(0, 3000, 3000, 0);
	fx_in(0, 1460, 0);
	fx_in(1460, 1460, 0);
	fx_in(2920, 80, 0);
	CU_ASSERT_EQUAL(fx_turn(&wnd), 1);
	CU_ASSERT_EQUAL(wnd, 0);
	CU_ASSERT_EQUAL(fx.ts.stats.zero_window_out, 1);
	fx_in(3000, 1, 0);
	CU_ASSERT_EQUAL(fx_turn(&wnd), 1);
	CU_ASSERT_EQUAL(wnd, 0);
	CU_ASSERT_EQUAL(fx.drops.drop[DROP_TCP_ZERO_WINDOW], 1);
	CU_ASSERT_EQUAL(fx.ts.stats.zero_window_out, 1);
	fx_in(3000, 0, RTE_TCP_FIN_FLAG);
	CU_ASSERT_EQUAL(fx.fins, 1);
	CU_ASSERT_EQUAL(fx_turn(&wnd), 1);
	CU_ASSERT_EQUAL(wnd, 0);
	CU_ASSERT_EQUAL(fx_read_checked(0), 3000);
	fx_close();
}

/* Scenario 107: one octet, 1000 octets: no update; half: update, in the same turn. */
static void rcv_update_due__reader_drains(void)
{
	uint16_t wnd = 1;

	fx_open(0, 64000, 64000, 0);
	for (uint32_t at = 0; at < 64000; at += 1600) {
		fx_in(at, 1600, 0);
		fx_turn(&wnd);
	}
	CU_ASSERT_EQUAL(wnd, 0);
	fx_turn(NULL);
	tcp_consume(&fx.c, 1);
	CU_ASSERT_EQUAL(fx_turn(&wnd), 0);
	tcp_consume(&fx.c, 1000);
	CU_ASSERT_EQUAL(fx_turn(&wnd), 0);
	fx.wants = 0;
	tcp_consume(&fx.c, 32000);
	CU_ASSERT_EQUAL(fx.wants, 1);
	CU_ASSERT_EQUAL(fx_turn(&wnd), 1);
	CU_ASSERT(wnd >= 30000);
	CU_ASSERT_EQUAL(fx_turn(&wnd), 0);
	fx_close();
}

/* ---- the model: a sender that fills the window, a reader, never a step back -- */

struct chaos {
	uint32_t rcvbuf, rcvbuf_max, seg;
	unsigned reader;            /* 0: one octet, 1: half, 2: all, 3: stalls, then all */
};

static void read_some(unsigned reader, unsigned turn, uint32_t *read)
{
	static uint8_t buf[1 << 20];
	uint32_t n = tcp_readable(&fx.c);

	if (reader == 0)
		n = RTE_MIN(n, 1u);
	else if (reader == 1)
		n = (n + 1) / 2;
	else if (reader == 3 && turn % 64 != 63)
		n = 0;
	n = tcp_read(&fx.c, buf, RTE_MIN(n, (uint32_t)sizeof(buf)));
	for (uint32_t i = 0; i < n; i += 97)
		CU_ASSERT_EQUAL(buf[i], fx_octet(*read + i, 0));
	*read += n;
}

static void run_chaos(const struct chaos *k)
{
	uint32_t sent = 0, read = 0, unit, edge, wire, last_wire;

	fx_open(0u - 3 * k->rcvbuf, k->rcvbuf, k->rcvbuf_max, k->rcvbuf_max > 65535 ? TCF_WSCALE : 0);
	unit = 1u << fx.c.rcv_wscale;
	edge = fx.c.rcv_edge;
	wire = fx_wire_edge;
	for (unsigned turn = 0; turn < 1500; turn++) {
		uint32_t budget = 4 * k->seg;

		fx.now_us += 1000;
		while (budget > 0 && seq_lt(sent, fx_wire_edge)) {
			uint32_t n = RTE_MIN(k->seg, fx_wire_edge - sent);

			fx_in(sent, n, 0);
			sent += n;
			budget -= k->seg;
		}
		CU_ASSERT_EQUAL(fx_pos(fx.c.rcv_nxt), sent); /* all that was promised is taken */
		read_some(k->reader, turn, &read);
		last_wire = fx_wire_edge;
		fx_turn(NULL);
		CU_ASSERT_FALSE(seq_lt(fx.c.rcv_edge, edge));
		edge = fx.c.rcv_edge;
		/* on the wire: by rounding only, and never by a whole unit */
		CU_ASSERT((int32_t)(fx_wire_edge - wire) > -(int32_t)unit);
		if (seq_gt(fx_wire_edge, wire))
			wire = fx_wire_edge;
		if (seq_gt(fx_wire_edge, last_wire + 2 * unit))
			CU_ASSERT(fx_wire_edge - last_wire + 2 * unit >= RTE_MIN(fx.c.rcvbuf / 2, (uint32_t)fx.c.rcv_mss));
		/* not more than promised, never without bound */
		CU_ASSERT(tcp_readable(&fx.c) <= RTE_MAX(fx.c.rcvbuf, k->rcvbuf) + 2 * unit);
		CU_ASSERT(fx.c.rcv_charged <= 2 * rcv_true_limit(&fx.c) + 8192);
		/* whoever has read all is never left waiting */
		if (tcp_readable(&fx.c) == 0)
			CU_ASSERT(seq_gt(fx_wire_edge, sent));
	}
	CU_ASSERT(k->reader == 0 || read > 2 * k->rcvbuf || read > 1000);
	fx_close();
}

static void tcp_rcv_window_field__never_retracts(void)
{
	static const uint32_t bufs[][2] = {
		{ 1000, 1000 }, { 4000, 4000 }, { 65536, 65535 }, { 65536, 65536 }, { 65536, 1 << 20 }, { 65536, 4 << 20 },
		{ 65536, 1 << 30 },
	};
	static const uint32_t segs[] = { 1, 100, 536, 1460, 2000 };

	for (unsigned i = 0; i < RTE_DIM(bufs); i++)
		for (unsigned j = 0; j < RTE_DIM(segs); j++)
			for (unsigned r = 0; r < 4; r++) {
				struct chaos k = { bufs[i][0], bufs[i][1], segs[j], r };

				run_chaos(&k);
			}
}

/* Reader never reads, one octet a segment: the window closes, at most a unit is given away. */
static void tcp_rcv_window_field__octets_do_not_creep(void)
{
	uint32_t sent = 0;

	fx_open(5, 20000, 4 << 20, TCF_WSCALE);
	while (seq_lt(sent, fx_wire_edge) && sent < 40000) {
		fx_in(sent++, 1, 0);
		fx.c.flags |= TCF_ACK_NOW;
		fx_turn(NULL);
	}
	CU_ASSERT(sent <= 20000 + 2 * 128);
	CU_ASSERT_EQUAL(fx_read_checked(0), sent);
	fx_close();
}

/* ---- memory ---------------------------------------------------------------------- */

static void attach_in(uint32_t pos, struct rte_mbuf *shared)
{
	struct tcp_seg seg = { .seq = fx_seq(pos), .len = 1, .end = fx_seq(pos + 1), .flags = RTE_TCP_ACK_FLAG };

	seg.m = rte_pktmbuf_alloc(fx_ind_pool);
	CU_ASSERT_PTR_NOT_NULL_FATAL(seg.m);
	rte_pktmbuf_attach(seg.m, shared);
	seg.m->data_off += pos % 1000;
	seg.m->data_len = seg.m->pkt_len = 1;
	tcp_data_input(&fx.c, &seg);
	rte_pktmbuf_free(seg.m);
}

/* Buffers shared with somebody else cannot be appended to: one of ours is. */
static void rcv_store__shared_buffers_are_copied(void)
{
	struct rte_mbuf *shared;

	fx_open(0, 65536, 65536, 0);
	shared = rte_pktmbuf_alloc(fx_rx_pool);
	memset(rte_pktmbuf_append(shared, 1000), 0x5a, 1000);
	for (uint32_t i = 0; i < 4000; i++)
		attach_in(i, shared);
	CU_ASSERT_EQUAL(tcp_readable(&fx.c), 4000);
	CU_ASSERT(rte_mempool_in_use_count(fx_payload_pool) <= 2);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(fx_ind_pool), 0);
	tcp_consume(&fx.c, 4000);
	rte_pktmbuf_free(shared);
	fx_close();
}

/* Above half of what the stack may pin, data moves out of the receive buffers;
 * what is charged stays exact. */
static void rcv_store__copies_under_pressure(void)
{
	struct rte_mbuf *chain;
	uint32_t rx, got;
	unsigned n;

	fx_open(0, 65536, 65536, 0);
	fx.ts.conf.rcv_pinned_max = 40000;
	for (uint32_t i = 0; i < 30; i++) {
		fx_in(i * 1000, 1000, 0);
		CU_ASSERT_EQUAL(fx.c.rcv_charged, fx.ts.rcv_pinned);
	}
	rx = rte_mempool_in_use_count(fx_rx_pool);
	CU_ASSERT(rx <= 10);
	CU_ASSERT(fx.ts.rcv_pinned <= 45000);
	CU_ASSERT(fx.c.rcv_nxt > fx_seq(25000));
	got = tcp_take(&fx.c, UINT32_MAX, &chain, &n);
	CU_ASSERT_EQUAL(got, fx_pos(fx.c.rcv_nxt));
	CU_ASSERT_EQUAL(fx.ts.rcv_pinned, 0);
	while (chain != NULL) {
		struct rte_mbuf *next = chain->next;

		chain->next = NULL;
		rte_pktmbuf_free_seg(chain);
		chain = next;
	}
	fx_close();
}

/* Nothing acknowledged is ever lost, even when the stack has nothing left. */
static void rcv_store__exhausted_refuses_unacknowledged(void)
{
	uint32_t nxt;

	fx_open(0, 65536, 65536, 0);
	fx.ts.conf.rcv_pinned_max = 5000;
	for (uint32_t i = 0; i < 30; i++)
		fx_in(fx_pos(fx.c.rcv_nxt), 1400, 0);
	nxt = fx_pos(fx.c.rcv_nxt);
	CU_ASSERT(nxt < 30 * 1400);
	CU_ASSERT(fx.drops.drop[DROP_TCP_RCV_MEMORY] > 0);
	CU_ASSERT_EQUAL(fx_turn(NULL), 1);
	CU_ASSERT_EQUAL(fx_read_checked(0), nxt);
	fx_in(nxt, 1400, 0); /* and goes on */
	CU_ASSERT_EQUAL(fx_read_checked(nxt), 1400);
	fx_close();
}

/* Three quarters pinned: who holds more than its share is offered nothing new. */
static void tcp_rcv_window_field__share_under_pressure(void)
{
	uint32_t edge;

	fx_open(0, 65536, 65536, 0);
	fx.ts.conns.used = 10;
	for (uint32_t i = 0; i < 20; i++)
		fx_in(i * 1400, 1400, 0);
	fx.ts.conf.rcv_pinned_max = fx.ts.rcv_pinned + 10;
	edge = fx.c.rcv_edge;
	fx.c.flags |= TCF_ACK_NOW;
	fx_turn(NULL);
	CU_ASSERT_EQUAL(fx.c.rcv_edge, edge);
	CU_ASSERT_EQUAL(fx_read_checked(0), 28000);
	fx.c.flags |= TCF_ACK_NOW;
	fx_turn(NULL);
	CU_ASSERT(seq_gt(fx.c.rcv_edge, edge));
	fx_close();
}

/* ---- growth -------------------------------------------------------------------------- */

/* One round trip of 10 ms: the sender fills the window, the reader keeps up or not. */
static uint32_t grow_run(bool timestamps, bool reads, unsigned rounds)
{
	uint32_t sent = 0, read = 0, rcvbuf;
	uint32_t flags = TCF_WSCALE | (timestamps ? TCF_TS : 0);

	fx_open(123, 65536, 4 << 20, flags);
	for (unsigned i = 0; i < rounds; i++) {
		uint32_t tsecr = tcp_tsval(&fx.c);
		uint32_t edge = fx_wire_edge;

		fx.now_us += 10000;
		while (seq_lt(sent, edge)) {
			struct tcp_seg seg;
			uint32_t n = RTE_MIN(1448u, edge - sent);

			fx_make(&seg, sent, n, 0, 0, 0);
			if (timestamps) {
				seg.opt.present = TCP_OPT_TS;
				seg.opt.tsecr = tsecr;
			}
			fx_in_checked(&seg);
			sent += n;
			if (reads)
				read += fx_read_checked(read);
		}
		fx_turn(NULL);
	}
	rcvbuf = fx.c.rcvbuf;
	fx_close();
	return rcvbuf;
}

static void rcv_adjust__grows_with_the_reader(void)
{
	CU_ASSERT_EQUAL(grow_run(true, true, 12), 4 << 20);
	CU_ASSERT_EQUAL(grow_run(false, true, 12), 4 << 20);
	CU_ASSERT_EQUAL(grow_run(true, false, 40), 65536);
	CU_ASSERT_EQUAL(grow_run(false, false, 40), 65536);
}

/* A slow flow needs no more than it has. */
static void rcv_adjust__request_response_stays_small(void)
{
	uint32_t at = 0;

	fx_open(1, 65536, 4 << 20, TCF_WSCALE | TCF_TS);
	fx.c.srtt8 = 500 << 3;
	for (unsigned i = 0; i < 2000; i++) {
		struct tcp_seg seg;

		fx.now_us += 500;
		fx_make(&seg, at, 64, RTE_TCP_PSH_FLAG, 0, 0);
		seg.opt.present = TCP_OPT_TS;
		seg.opt.tsecr = tcp_tsval(&fx.c);
		fx_in_checked(&seg);
		at += fx_read_checked(at);
		fx_turn(NULL);
	}
	CU_ASSERT_EQUAL(fx.c.rcvbuf, 65536);
	CU_ASSERT(fx_wire_edge - at >= 60000);
	fx_close();
}

static void tcp_set_buffers__bounds(void)
{
	uint32_t edge;

	fx_open(1, 65536, 4 << 20, TCF_WSCALE);
	edge = fx.c.rcv_edge;
	tcp_set_buffers(&fx.c, 10000, 0);
	CU_ASSERT_EQUAL(fx.c.rcvbuf, 10000);
	CU_ASSERT_EQUAL(fx.c.rcv_edge, edge);
	tcp_set_buffers(&fx.c, 0, 777);
	CU_ASSERT_EQUAL(fx.c.rcvbuf_max, 10000);
	CU_ASSERT_EQUAL(fx.c.sndbuf_max, 777);
	fx_close();
}

static const struct test_case cases[] = {
	TEST_CASE(tcp_rcv_wscale__table),
	TEST_CASE(tcp_rcv_initial_window__bounds),
	TEST_CASE(tcp_seq_acceptable__table),
	TEST_CASE(tcp_data_input__beyond_the_window),
	TEST_CASE(tcp_data_input__zero_window),
	TEST_CASE(rcv_update_due__reader_drains),
	TEST_CASE(tcp_rcv_window_field__never_retracts),
	TEST_CASE(tcp_rcv_window_field__octets_do_not_creep),
	TEST_CASE(rcv_store__shared_buffers_are_copied),
	TEST_CASE(rcv_store__copies_under_pressure),
	TEST_CASE(rcv_store__exhausted_refuses_unacknowledged),
	TEST_CASE(tcp_rcv_window_field__share_under_pressure),
	TEST_CASE(rcv_adjust__grows_with_the_reader),
	TEST_CASE(rcv_adjust__request_response_stays_small),
	TEST_CASE(tcp_set_buffers__bounds),
};
TEST_MAIN("tcp window", cases)
