/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two engines over a wire with faults, in virtual time. Both ends send groups:
 * up to two WRITEs into a slot of the peer's memory, then a SEND that names
 * the group. When the SEND arrives, all of the group must be there.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/rdma/roce_lab.h"

#define SLOTS 8                  /* groups under way */
#define SLOT 8192                /* octets a part has room for */
#define TARGET 0                 /* what the peer writes */
#define RECVS (SLOTS * SLOT)     /* receive buffers */
#define SOURCE (2 * SLOTS * SLOT)/* one slot of three for each group in flight */
#define SOURCES 5

struct end {
	uint32_t total;
	uint32_t posted, acked;  /* groups of ours */
	uint32_t got;            /* of the peer's */
	uint8_t errors;
};

static struct lab lab;
static struct lab_pair pair;
static struct roce_lab *wire;
static struct end ends[2];
static uint32_t longest;

static uint32_t seed_of(unsigned from, uint32_t group, unsigned part)
{
	return (uint32_t)(from << 31 | group << 2 | part);
}

static void fill(uint8_t *p, uint32_t n, uint32_t seed)
{
	uint64_t s = seed;

	for (uint32_t i = 0; i < n; i += 8) {
		uint64_t v = test_random(&s);

		memcpy(p + i, &v, RTE_MIN(8U, n - i));
	}
}

/* Length of a part; 0 of a WRITE: there is none. */
static uint32_t length_of(unsigned from, uint32_t group, unsigned part)
{
	uint64_t s = seed_of(from, group, part) + 0x1234567;
	uint64_t r = test_random(&s);
	uint32_t len = (uint32_t)((r >> 8) % (r % 4 == 0 ? 50 : longest + 1));

	if (part < 2)
		return RTE_MIN(len, SLOT / 2U);
	/* A SEND carries the group's number. */
	len = RTE_MIN(len, (uint32_t)SLOT);
	return RTE_MAX(len, 4U);
}

static void post_group(unsigned i)
{
	struct end *e = &ends[i];
	struct lab_end *l = &pair.end[i];
	uint32_t group = e->posted++, at = SOURCE + group % SOURCES * 3 * SLOT;
	struct rd_wr wr[3];
	unsigned n = 0;

	for (unsigned part = 0; part < 3; part++) {
		uint32_t len = length_of(i, group, part), half = part * (SLOT / 2);

		if (len == 0)
			continue;
		fill(l->mem + at + part * SLOT, len, seed_of(i, group, part));
		if (part == 2)
			memcpy(l->mem + at + part * SLOT, &group, 4);
		wr[n++] = (struct rd_wr){
			.cookie = group, .op = part == 2 ? RD_OP_SEND : RD_OP_WRITE, .flags = part == 2 ? RD_F_SIGNAL : 0,
			.n_sge = 2, .rkey = rd_mr_rkey(pair.end[!i].mr),
			.raddr = rd_mr_addr(pair.end[!i].mr) + TARGET + group % SLOTS * SLOT + half,
			/* In two pieces, cut anywhere. */
			.sge = { { l->mem + at + part * SLOT, len / 3, rd_mr_lkey(l->mr) },
				 { l->mem + at + part * SLOT + len / 3, len - len / 3, rd_mr_lkey(l->mr) } },
		};
	}
	CU_ASSERT_EQUAL_FATAL(rd_post_send(l->qp, wr, n), 0);
}

static bool same(const uint8_t *p, uint32_t n, uint32_t seed, uint32_t skip)
{
	static uint8_t want[SLOT];

	fill(want, n, seed);
	return memcmp(p + skip, want + skip, n - skip) == 0;
}

/* A group of the other end has arrived at end i. */
static void check_group(unsigned i, uint64_t recv, uint32_t len)
{
	uint8_t *mem = pair.end[i].mem;
	uint32_t group = ends[i].got++, named, want = length_of(!i, group, 2);

	memcpy(&named, mem + RECVS + recv * SLOT, 4);
	CU_ASSERT_EQUAL_FATAL(named, group);
	CU_ASSERT_EQUAL(len, want);
	CU_ASSERT_TRUE(same(mem + RECVS + recv * SLOT, len, seed_of(!i, group, 2), 4));
	for (unsigned part = 0; part < 2; part++) {
		uint32_t n = length_of(!i, group, part);

		CU_ASSERT_TRUE(same(mem + TARGET + group % SLOTS * SLOT + part * (SLOT / 2), n,
				    seed_of(!i, group, part), 0));
	}
	CU_ASSERT_EQUAL(pair_recv(&pair, i, recv, (uint32_t)(RECVS + recv * SLOT), SLOT), 0);
}

static void turn(unsigned i)
{
	struct end *e = &ends[i];
	struct rd_wc wc[16];
	unsigned n = rd_poll(lab.dev[i], wc, RTE_DIM(wc));

	for (unsigned w = 0; w < n; w++) {
		if (wc[w].status != RD_WC_SUCCESS) {
			e->errors = wc[w].status;
		} else if (wc[w].op == RD_OP_RECV) {
			check_group(i, wc[w].cookie, wc[w].len);
		} else {
			CU_ASSERT_EQUAL(wc[w].cookie, e->acked);
			e->acked++;
		}
	}
	/* A slot is written again once the peer has looked at it. */
	while (e->errors == 0 && e->posted < e->total && e->posted - ends[!i].got < SLOTS &&
	       e->posted - e->acked < SOURCES && rd_send_room(pair.end[i].qp) >= 3)
		post_group(i);
}

static bool all_done(void)
{
	for (unsigned i = 0; i < 2; i++)
		if (ends[i].errors == 0 && (ends[i].acked < ends[i].total || ends[!i].got < ends[i].total))
			return false;
	return true;
}

struct run {
	uint32_t groups[2];
	uint32_t longest;
	uint64_t limit_us;
	uint64_t took_us;
	struct roce_fault fault[2];
	struct roce_config conf;
	uint8_t mtu, timeout;
	uint64_t seed;
};

static void open_pair(const struct run *r)
{
	lab_roce_with(&lab, &r->conf);
	wire = roce_lab_of(&lab);
	wire->seed = r->seed + 1;
	pair_open(&pair, &lab);
	pair.mtu = r->mtu;
	pair.timeout = r->timeout;
	for (unsigned i = 0; i < 2; i++)
		pair_rtr(&pair, i);
	for (unsigned i = 0; i < 2; i++) {
		pair_rts(&pair, i);
		for (unsigned n = 0; n < SLOTS; n++)
			CU_ASSERT_EQUAL(pair_recv(&pair, i, n, RECVS + n * SLOT, SLOT), 0);
		memset(&ends[i], 0, sizeof(ends[i]));
		ends[i].total = r->groups[i];
	}
	longest = r->longest;
}

static void run(struct run *r)
{
	uint64_t from;

	open_pair(r);
	wire->wire[0].fault = r->fault[0];
	wire->wire[1].fault = r->fault[1];
	from = wire->now_us;
	while (!all_done() && wire->now_us - from < r->limit_us) {
		lab.step(&lab);
		turn(0);
		turn(1);
	}
	r->took_us = wire->now_us - from;
	CU_ASSERT_TRUE(all_done());
}

static struct rd_counters counters(unsigned i)
{
	struct rd_counters c;

	rd_counters(lab.dev[i], &c);
	return c;
}

static void finish(bool clean)
{
	for (unsigned i = 0; i < 2 && clean; i++)
		CU_ASSERT_EQUAL(ends[i].errors, 0);
	pair_close(&pair);
	lab.close(&lab);
}

/* ---- cases ------------------------------------------------------------------------------ */

static void pair__no_faults(void)
{
	for (uint8_t mtu = 1; mtu <= 5; mtu++) {
		struct run r = { .groups = { 200, 200 }, .longest = SLOT, .limit_us = 20000000, .mtu = mtu };

		run(&r);
		for (unsigned i = 0; i < 2; i++) {
			struct rd_counters c = counters(i);

			CU_ASSERT_EQUAL(c.retransmitted_pkts, 0);
			CU_ASSERT_EQUAL(c.duplicate_request, 0);
			CU_ASSERT_EQUAL(c.out_of_seq_request, 0);
			CU_ASSERT_EQUAL(c.timeouts, 0);
			CU_ASSERT_EQUAL(c.rdma_sends, 200);
			CU_ASSERT_EQUAL(c.rdma_recvs, 200);
		}
		finish(true);
	}
}

static void pair__loss(void)
{
	static const struct { unsigned there, back; } cases[] = {
		{ 10, 10 }, { 100, 100 }, { 500, 500 }, { 500, 0 }, { 0, 500 },
	};

	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		for (uint8_t mtu = 1; mtu <= 5; mtu += 2) {
			struct run r = { .groups = { 300, 300 }, .longest = SLOT, .limit_us = 60000000, .mtu = mtu, .seed = i,
					 .fault = { { .loss = cases[i].there }, { .loss = cases[i].back } } };

			run(&r);
			finish(true);
		}
	}
}

/* One per cent lost costs no more than four fifths of the rate (plain rxe: 78 %). */
static void pair__rate_at_one_per_cent(void)
{
	struct run clean = { .groups = { 2000, 0 }, .longest = SLOT, .limit_us = 60000000, .mtu = 3 }, lossy = clean;

	run(&clean);
	finish(true);
	lossy.fault[0].loss = lossy.fault[1].loss = 100;
	run(&lossy);
	CU_ASSERT_TRUE(counters(0).retransmitted_pkts > 0);
	CU_ASSERT_TRUE(lossy.took_us < 5 * clean.took_us);
	finish(true);
}

static void pair__duplicates_cost_nothing(void)
{
	struct run r = { .groups = { 500, 500 }, .longest = SLOT, .limit_us = 60000000, .mtu = 3,
			 .fault = { { .dup = 200 }, { .dup = 200 } } };

	run(&r);
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(counters(i).retransmitted_pkts, 0);
		CU_ASSERT_TRUE(counters(i).duplicate_request > 0);
	}
	finish(true);
}

static void pair__reordered(void)
{
	for (unsigned seed = 0; seed < 4; seed++) {
		struct run r = { .groups = { 300, 300 }, .longest = SLOT, .limit_us = 60000000, .mtu = 3, .seed = seed,
				 .fault = { { .reorder = 200 }, { .reorder = 200 } } };

		run(&r);
		CU_ASSERT_TRUE(counters(1).out_of_seq_request > 0);
		finish(true);
	}
}

static void pair__corrupted(void)
{
	struct run r = { .groups = { 500, 500 }, .longest = SLOT, .limit_us = 60000000, .mtu = 3,
			 .fault = { { .corrupt = 100 }, { .corrupt = 100 } } };

	run(&r);
	for (unsigned i = 0; i < 2; i++) {
		struct rd_counters c = counters(i);

		CU_ASSERT_TRUE(c.icrc_err > 0);
		/* Every spoilt packet that arrived was thrown away under some name. */
		CU_ASSERT_TRUE(c.icrc_err + c.bad_len + c.bad_opcode + c.bad_qpn + c.bad_pkey + c.bad_tver + c.bad_state +
			       c.bad_udp_cksum >= wire->wire[!i].corrupted - 2);
	}
	finish(true);
}

static void pair__everything_at_once(void)
{
	for (unsigned seed = 0; seed < 12; seed++) {
		struct roce_fault f = { .loss = 200, .dup = 200, .reorder = 200, .corrupt = 100 };
		struct run r = { .groups = { 200, 200 }, .longest = 1 + seed * 700, .limit_us = 120000000,
				 .mtu = (uint8_t)(1 + seed % 5), .seed = 100 + seed, .fault = { f, f } };

		run(&r);
		finish(true);
	}
}

/* A peer that the machine lets run only now and then: each sleep is longer than any round
 * trip was. After the first few nothing is sent again. */
static void pair__sleeping_peer(void)
{
	struct run r = { .groups = { 20000, 0 }, .longest = 500, .mtu = 3, .timeout = 15 };
	uint64_t from, next, early = 0;
	struct rd_counters c;
	struct rd_qp_info info;
	unsigned naps = 0;

	open_pair(&r);
	from = wire->now_us;
	next = from + 10000;
	while (!all_done() && wire->now_us - from < 60000000) {
		if (wire->now_us >= next) {
			wire->side[1].asleep_until = wire->now_us + 5000;
			next += 15000;
			if (++naps == 4)
				early = counters(0).retransmitted_pkts;
		}
		lab.step(&lab);
		turn(0);
		turn(1);
	}
	CU_ASSERT_TRUE(all_done());
	c = counters(0);
	rd_qp_query(pair.end[0].qp, &info);
	CU_ASSERT_TRUE(naps >= 6);
	CU_ASSERT_TRUE(c.spurious_retransmits >= 1);
	CU_ASSERT_TRUE(c.spurious_retransmits <= 4);
	CU_ASSERT_EQUAL(c.retransmitted_pkts, early);
	CU_ASSERT_TRUE(info.rto_us > 5000);
	finish(true);
}

/* ---- outages ---------------------------------------------------------------------------------- */

static unsigned drop_from, drop_to, seen;

static bool drop_some(struct roce_lab *l, unsigned from, struct rte_mbuf *m)
{
	if (from != 0)
		return false;
	seen++;
	return seen > drop_from && seen <= drop_to;
}

static void pair__two_hundred_in_a_row(void)
{
	struct run r = { .groups = { 300, 300 }, .longest = SLOT, .limit_us = 60000000, .mtu = 1 };

	open_pair(&r);
	seen = 0;
	drop_from = 500;
	drop_to = 700;
	wire->tap = drop_some;
	for (unsigned n = 0; n < 4000000 && !all_done(); n++) {
		lab.step(&lab);
		turn(0);
		turn(1);
	}
	CU_ASSERT_TRUE(all_done());
	CU_ASSERT_TRUE(seen > 700);
	finish(true);
}

/* A wire dead for two seconds; by the local ACK timeout the connection lives on or ends. */
static void black_hole(uint8_t timeout, bool survives)
{
	struct run r = { .groups = { 400, 400 }, .longest = SLOT, .mtu = 3, .timeout = timeout };
	uint64_t from;

	open_pair(&r);
	from = wire->now_us;
	while (!all_done() && wire->now_us - from < 10000000) {
		bool dead = wire->now_us - from > 2000 && wire->now_us - from < 2002000;

		wire->wire[0].fault.blackhole = wire->wire[1].fault.blackhole = dead;
		lab.step(&lab);
		turn(0);
		turn(1);
	}
	CU_ASSERT_TRUE(all_done());
	for (unsigned i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(ends[i].errors == 0, survives);
	if (!survives)
		CU_ASSERT_TRUE(counters(0).retry_exceeded_err + counters(1).retry_exceeded_err >= 1);
	finish(survives);
}

static void pair__black_hole_survived(void) { black_hole(15, true); }
static void pair__black_hole_reported(void) { black_hole(10, false); }

/* What one end cannot take it refuses by RNR, and takes later. */
static void pair__receiver_slow(void)
{
	struct run r = { .groups = { 0, 0 }, .longest = SLOT, .mtu = 3 };
	struct rd_wc wc[16];
	unsigned got = 0, sent = 0;

	open_pair(&r);
	for (unsigned i = 0; i < 12; i++)
		CU_ASSERT_EQUAL(pair_send(&pair, 0, i, 0, 3000, RD_F_SIGNAL), 0);
	for (unsigned n = 0; n < 20000 && (got < 12 || sent < 12); n++) {
		lab.step(&lab);
		sent += rd_poll(lab.dev[0], wc, 16);
		/* A receive every millisecond only. */
		if (n % 200 == 199)
			CU_ASSERT_EQUAL(pair_recv(&pair, 1, n, RECVS, SLOT), 0);
		got += rd_poll(lab.dev[1], wc, 16);
	}
	CU_ASSERT_EQUAL(got, 12);
	CU_ASSERT_EQUAL(sent, 12);
	CU_ASSERT_TRUE(counters(0).rcvd_rnr_err > 0);
	CU_ASSERT_EQUAL(counters(0).rcvd_rnr_err, counters(1).send_rnr_err);
	finish(true);
}

/* Four queue pairs that always have something to send share what there is. */
static void pair__fair_between_queue_pairs(void)
{
	struct lab_pair p[4];
	struct rd_qp_info info;
	uint32_t least = UINT32_MAX, most = 0, sent;

	lab_roce(&lab);
	wire = roce_lab_of(&lab);
	for (unsigned i = 0; i < 4; i++) {
		pair_connect(&p[i], &lab);
		p[i].shared = i != 3;
		for (unsigned n = 0; n < LAB_DEPTH; n++)
			CU_ASSERT_EQUAL(pair_write(&p[i], 0, n, 0, 100000, 0, n + 1 == LAB_DEPTH ? RD_F_SIGNAL : 0), 0);
	}
	for (unsigned n = 0; n < 60; n++) {
		uint64_t before = wire->wire[0].packets;

		/* Never more than asked for, nor than there is room for. */
		wire->now_us += 5;
		wire->side[0].room = 50;
		CU_ASSERT_TRUE(roce_output(wire->side[0].roce, wire->now_us, 40) <= 40);
		CU_ASSERT_TRUE(wire->wire[0].packets - before <= 40);
		wire->side[0].room = 0;
		lab.step(&lab);
	}
	for (unsigned i = 0; i < 4; i++) {
		rd_qp_query(p[i].end[0].qp, &info);
		sent = (info.sq_psn - p[i].end[0].psn) & 0xffffff;
		least = RTE_MIN(least, sent);
		most = RTE_MAX(most, sent);
	}
	/* Four answers are due, and leave as the budget allows. */
	wire->side[0].room = UINT_MAX;
	wire->side[1].room = 0;
	roce_lab_run(wire, 100);
	wire->side[1].room = UINT_MAX;
	CU_ASSERT_EQUAL(roce_output(wire->side[1].roce, wire->now_us, 3), 3);
	CU_ASSERT_EQUAL(roce_output(wire->side[1].roce, wire->now_us, 3), 1);
	CU_ASSERT_TRUE(least > 300);
	CU_ASSERT_TRUE(most - least <= 128);
	for (unsigned i = 0; i < 4; i++)
		pair_close(&p[i]);
	lab.close(&lab);
}

static const struct test_case cases[] = {
	TEST_CASE(pair__no_faults),
	TEST_CASE(pair__loss),
	TEST_CASE(pair__rate_at_one_per_cent),
	TEST_CASE(pair__duplicates_cost_nothing),
	TEST_CASE(pair__reordered),
	TEST_CASE(pair__corrupted),
	TEST_CASE(pair__everything_at_once),
	TEST_CASE(pair__sleeping_peer),
	TEST_CASE(pair__two_hundred_in_a_row),
	TEST_CASE(pair__black_hole_survived),
	TEST_CASE(pair__black_hole_reported),
	TEST_CASE(pair__receiver_slow),
	TEST_CASE(pair__fair_between_queue_pairs),
};
TEST_MAIN("roce_pair", cases)
