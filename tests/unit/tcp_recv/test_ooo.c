/* SPDX-License-Identifier: BSD-3-Clause */
/* Data out of order: ranges, overlaps, limits, FIN. */
#include <stdlib.h>
#include <string.h>

#include "pmd/base/clock.h"
#include "tests/unit/tcp_recv/fixture.h"

/* ---- a model: one version per octet, the first that arrived --------------- */
#define MODEL 20000

static struct {
	uint8_t version[MODEL];
	bool held[MODEL];
} model;

static void model_in(uint32_t pos, uint32_t len, uint8_t version)
{
	for (uint32_t i = pos; i < pos + len; i++)
		if (!model.held[i]) {
			model.held[i] = true;
			model.version[i] = version;
		}
}

/* Octets readable from pos on equal the model's; returns how many. */
static uint32_t model_read(uint32_t pos)
{
	static uint8_t buf[MODEL];
	uint32_t n = tcp_read(&fx.c, buf, sizeof(buf)), bad = 0;

	for (uint32_t i = 0; i < n; i++)
		bad += !model.held[pos + i] || buf[i] != fx_octet(pos + i, model.version[pos + i]);
	CU_ASSERT_EQUAL(bad, 0);
	return n;
}

/* Ranges are sorted, disjoint, apart, above rcv_nxt; sums agree. */
static void check_ranges(void)
{
	struct tcp_range r[TCP_OOO_MAX + 1];
	unsigned n = ooo_ranges(&fx.c, r, TCP_OOO_MAX + 1);
	uint32_t at = fx.c.rcv_nxt, sum = 0;

	CU_ASSERT_EQUAL(n, fx.c.ooo_count);
	for (unsigned i = 0; i < n; i++) {
		CU_ASSERT(seq_gt(r[i].start, at));
		CU_ASSERT(seq_gt(r[i].end, r[i].start));
		at = r[i].end;
		sum += r[i].end - r[i].start;
	}
	CU_ASSERT_EQUAL(sum, tcp_ooo_bytes(&fx.c));
	CU_ASSERT(fx.c.ooo_charged <= fx.c.rcv_charged);
	CU_ASSERT_EQUAL(fx.c.rcv_charged, fx.ts.rcv_pinned);
	for (unsigned i = 0; i < fx.c.n_sack_out; i++) {
		struct tcp_range h;

		CU_ASSERT_TRUE(ooo_range_at(&fx.c, fx.c.sack_out[i].start, &h));
		CU_ASSERT_EQUAL(h.start, fx.c.sack_out[i].start);
		CU_ASSERT_EQUAL(h.end, fx.c.sack_out[i].end);
	}
}

/*
 * Two ranges A then B in every relation of Allen's (before, meets, overlaps,
 * starts, during, finishes, equals and the inverses): all pairs with edges in
 * 1..6 units, then the hole in front, under two unit sizes and a wrap.
 */
static void ooo_insert__all_interval_relations(void)
{
	static const uint32_t units[] = { 7, 700 };

	for (unsigned u = 0; u < RTE_DIM(units); u++)
		for (unsigned k = 0; k < 6 * 6 * 6 * 6; k++) {
			uint32_t a = 1 + k % 6, b = 1 + k / 6 % 6, d = 1 + k / 36 % 6, e = 1 + k / 216;
			uint32_t z = units[u];

			if (a >= b || d >= e)
				continue;
			memset(&model, 0, sizeof(model));
			fx_open(0u - 4 * z, 65536, 65536, TCF_SACK);
			fx_in_version(a * z, (b - a) * z, 1), model_in(a * z, (b - a) * z, 1);
			check_ranges();
			fx_in_version(d * z, (e - d) * z, 2), model_in(d * z, (e - d) * z, 2);
			check_ranges();
			CU_ASSERT_EQUAL(tcp_readable(&fx.c), 0);
			/* the hole, and everything once more: nothing held is replaced */
			fx_in_version(0, 6 * z, 3), model_in(0, 6 * z, 3);
			CU_ASSERT_EQUAL(fx.c.ooo_count, 0);
			CU_ASSERT_EQUAL(model_read(0), 6 * z);
			fx_close();
		}
}

/* Random segments over a sliding window, with wrap, against the model. */
static void random_stream(uint64_t seed, bool sack)
{
	uint32_t read = 0, total = MODEL - 4000;
	unsigned steps = 0;

	memset(&model, 0, sizeof(model));
	fx_open(0u - (uint32_t)(test_random(&seed) % 15000), 65536, 65536, sack ? TCF_SACK : 0);
	while (read < total && steps++ < 20000) {
		uint32_t pos = read + tcp_readable(&fx.c) + test_random(&seed) % 3000;
		uint32_t len = 1 + test_random(&seed) % (steps & 1 ? 40 : 1400);
		uint8_t version = test_random(&seed);
		uint32_t back = test_random(&seed) % 4 == 0 ? 500 : 0;

		pos -= RTE_MIN(pos, back);
		if (test_random(&seed) % 5 == 0)
			pos = read + tcp_readable(&fx.c);
		pos = RTE_MIN(pos, (uint32_t)MODEL - 1);
		len = RTE_MIN(len, MODEL - pos);
		fx_in_version(pos, len, version);
		model_in(pos, len, version);
		check_ranges();
		fx_turn(NULL);
		if (test_random(&seed) % 3 == 0)
			read += model_read(read);
	}
	CU_ASSERT(read >= total);
	CU_ASSERT_EQUAL(fx.ts.stats.ooo_pruned, 0); /* else the model knows too much */
	fx_close();
}

static void ooo_insert__random_against_model(void)
{
	for (uint64_t seed = 1; seed <= 40; seed++)
		random_stream(seed * 7919, seed & 1);
}

static void ooo_insert__chains(void)
{
	struct tcp_seg seg;

	fx_open(77, 262144, 262144, TCF_SACK | TCF_WSCALE);
	fx.c.rcv_edge = fx_seq(262144);
	fx_make(&seg, 1000, 40000, 0, 0, 1460);
	fx_in_checked(&seg);
	CU_ASSERT_EQUAL(fx.c.ooo_count, 1);
	check_ranges();
	fx_make(&seg, 45000, 40000, 0, 0, 1460);
	fx_in_checked(&seg);
	CU_ASSERT_EQUAL(fx.c.ooo_count, 2);
	fx_make(&seg, 0, 90000 - 33000, 0, 0, 2000); /* over both holes at once */
	fx_in_checked(&seg);
	CU_ASSERT_EQUAL(fx.c.ooo_count, 0);
	CU_ASSERT_EQUAL(fx_read_checked(0), 85000);
	fx_close();
}

/* ---- limits ------------------------------------------------------------------ */

/* Every second octet: 64 ranges, the lowest, however many come (CVE-2018-5390). */
static void ooo_insert__tiny_segments_are_bounded(void)
{
	uint64_t t[3] = { 0 };
	uint32_t in_use = 0;

	fx_open(0, 1 << 20, 1 << 20, TCF_SACK | TCF_WSCALE);
	fx.c.rcv_edge = fx_seq(1 << 20);
	t[0] = clock_thread_cpu_ns();
	for (uint32_t i = 0; i < 100000; i++) {
		if (i == 1000)
			in_use = rte_mempool_in_use_count(fx_rx_pool) + rte_mempool_in_use_count(fx_payload_pool);
		if (i == 50000)
			t[1] = clock_thread_cpu_ns();
		fx_in(2 + 2 * i, 1, 0);
	}
	t[2] = clock_thread_cpu_ns();
	CU_ASSERT_EQUAL(fx.c.ooo_count, TCP_OOO_MAX);
	CU_ASSERT_EQUAL(tcp_ooo_bytes(&fx.c), TCP_OOO_MAX);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(fx_rx_pool) + rte_mempool_in_use_count(fx_payload_pool), in_use);
	/* the cost, time that others had the CPU apart, does not grow with what came before; generous */
	CU_ASSERT(t[2] - t[1] < 8 * (t[1] - t[0]));
	/* data in order gets through */
	fx_in(0, 4, 0);
	CU_ASSERT_EQUAL(fx_read_checked(0), 5);
	fx_close();
}

/* From the highest downwards: the worst order for a sorted list. */
static void ooo_insert__prunes_the_highest(void)
{
	struct tcp_range r[TCP_OOO_MAX];

	fx_open(0, 1 << 20, 1 << 20, TCF_SACK | TCF_WSCALE);
	fx.c.rcv_edge = fx_seq(1 << 20);
	for (uint32_t i = 5000; i > 0; i--) {
		fx_in(2 * i, 1, 0);
		if (i % 97 == 0)
			check_ranges();
	}
	CU_ASSERT_EQUAL(ooo_ranges(&fx.c, r, TCP_OOO_MAX), TCP_OOO_MAX);
	CU_ASSERT_EQUAL(fx_pos(r[0].start), 2);
	CU_ASSERT_EQUAL(fx_pos(r[TCP_OOO_MAX - 1].start), 2 * TCP_OOO_MAX);
	CU_ASSERT_EQUAL(fx.ts.stats.ooo_pruned, 5000 - TCP_OOO_MAX);
	CU_ASSERT_EQUAL(fx.drops.drop[DROP_TCP_OOO_LIMIT], 5000 - TCP_OOO_MAX);
	check_ranges();
	fx_close();
}

/* Memory full of ranges does not keep the segment at rcv_nxt out (pitfall 41). */
static void ooo_insert__in_order_always_enters(void)
{
	fx_open(0, 8000, 8000, TCF_SACK);
	for (uint32_t pos = 600; pos + 550 <= 8000; pos += 600)
		fx_in(pos, 550, 0);
	check_ranges();
	CU_ASSERT(fx.c.rcv_charged <= rcv_true_limit(&fx.c));
	fx_in(0, 700, 0);
	CU_ASSERT_EQUAL(fx_read_checked(0), 1150);
	fx_close();
}

/* Above three quarters of what the stack may pin, ranges go first. */
static void ooo_insert__gives_way_to_pressure(void)
{
	fx_open(0, 65536, 65536, TCF_SACK);
	fx_in(10000, 1400, 0);
	fx_in(20000, 1400, 0);
	fx.ts.conf.rcv_pinned_max = fx.ts.rcv_pinned / 2 + 100; /* so that one is above three quarters */
	fx_in(15000, 1400, 0);
	CU_ASSERT_EQUAL(fx.c.ooo_count, 1);
	CU_ASSERT_EQUAL(fx_pos(ooo_first(&fx.c)), 10000);
	fx.ts.conf.rcv_pinned_max = fx.ts.rcv_pinned - 100; /* beyond */
	fx_in(0, 1400, 0);
	CU_ASSERT_EQUAL(fx_read_checked(0), 1400);
	fx_close();
}

/* ---- FIN -------------------------------------------------------------------------- */

static void tcp_data_input__fin_out_of_order(void)
{
	fx_open(0u - 50, 65536, 65536, 0);
	fx_in(100, 0, RTE_TCP_FIN_FLAG); /* scenario 89, over the wrap */
	CU_ASSERT_EQUAL(fx.fins, 0);
	CU_ASSERT_EQUAL(fx_turn(NULL), 1);
	fx_in(150, 10, 0); /* beyond it: nothing */
	CU_ASSERT_EQUAL(fx.c.ooo_count, 0);
	CU_ASSERT_EQUAL(fx.drops.drop[DROP_TCP_AFTER_FIN], 1);
	fx_in(60, 0, RTE_TCP_FIN_FLAG); /* another place */
	CU_ASSERT_EQUAL(fx.drops.drop[DROP_TCP_AFTER_FIN], 2);
	fx_in(90, 20, 0); /* straddles: up to the FIN */
	CU_ASSERT_EQUAL(tcp_ooo_bytes(&fx.c), 10);
	fx_in(0, 90, 0);
	CU_ASSERT_EQUAL(fx.fins, 1);
	CU_ASSERT_EQUAL(fx.c.rcv_nxt, fx_seq(101));
	CU_ASSERT_EQUAL(fx_turn(NULL), 1);
	fx_in(100, 0, RTE_TCP_FIN_FLAG); /* again: ACK, no second event */
	CU_ASSERT_EQUAL(fx_turn(NULL), 1);
	CU_ASSERT_EQUAL(fx.fins, 1);
	fx_in(101, 9, 0); /* scenario 90 */
	CU_ASSERT_EQUAL(fx_turn(NULL), 1);
	CU_ASSERT_EQUAL(fx.c.rcv_nxt, fx_seq(101));
	CU_ASSERT_EQUAL(fx_read_checked(0), 100);
	CU_ASSERT_TRUE(tcp_eof(&fx.c));
	fx_close();
}

/* Data held beyond a FIN is forgotten, a range that straddles it is cut. */
static void ooo_truncate__cuts_at_fin(void)
{
	static const uint32_t fins[] = { 1000, 1001, 2500, 2800, 4000, 4199, 4200, 5000, 5400, 5401 };

	for (unsigned i = 0; i < RTE_DIM(fins); i++) {
		fx_open(0u - 3000, 65536, 65536, TCF_SACK);
		fx_in(1000, 1200, 0); /* 1000..4200 in three buffers */
		fx_in(2200, 1200, 0);
		fx_in(3400, 800, 0);
		fx_in(5000, 400, 0);
		fx_in(fins[i], 0, RTE_TCP_FIN_FLAG);
		check_ranges();
		fx_in(0, 1000, 0);
		fx_in(4200, 800, 0);
		CU_ASSERT_EQUAL(fx.fins, fins[i] <= 5400);
		CU_ASSERT_EQUAL(fx_read_checked(0), RTE_MIN(fins[i], 5400u));
		fx_close();
	}
}

static const struct test_case cases[] = {
	TEST_CASE(ooo_insert__all_interval_relations),
	TEST_CASE(ooo_insert__random_against_model),
	TEST_CASE(ooo_insert__chains),
	TEST_CASE(ooo_insert__tiny_segments_are_bounded),
	TEST_CASE(ooo_insert__prunes_the_highest),
	TEST_CASE(ooo_insert__in_order_always_enters),
	TEST_CASE(ooo_insert__gives_way_to_pressure),
	TEST_CASE(tcp_data_input__fin_out_of_order),
	TEST_CASE(ooo_truncate__cuts_at_fin),
};
TEST_MAIN("tcp ooo", cases)
