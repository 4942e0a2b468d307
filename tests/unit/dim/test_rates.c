/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/dim/dim.h"
#include "tests/unit/test.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	struct dim_sample from, to;
	uint8_t flags;
	bool ok;
	struct dim_rates want; /* ppms, bpms, epms, cpms, cpe_ratio */
} table[] = {
	/* us, packets, bytes, events, comps */
	{ { 0 }, { 1000, 10, 640, 64, 20 }, 0, true, { 10, 640, 64, 20, 31 } },
	/* Rounded up; events are the window's nominal 64, not the 200 there were. */
	{ { 0 }, { 64001, 65, 1, 200, 1 }, 0, true, { 2, 1, 1, 1, 100 } },
	{ { 0 }, { 64000, 65, 1, 200, 1 }, 0, true, { 2, 1, 1, 1, 100 } },
	{ { 0 }, { 63999, 64, 1, 64, 1 }, 0, true, { 2, 1, 2, 1, 50 } },
	/* Nothing but time: events at the least are thought to have come. */
	{ { 7 }, { 1007 }, 0, true, { 0, 0, 64, 0, 0 } },
	/* Counters that wrapped. */
	{ { 50, UINT32_MAX, UINT32_MAX - 99, UINT32_MAX - 63, UINT32_MAX }, { 1050, 9, 900, 0, 31 }, 0, true,
	  { 10, 1000, 64, 32, 50 } },
	{ { 50, 0, 0, 65535, 0 }, { 1050, 10, 900, 99, 0 }, DIM_EVENTS16 | DIM_FINE, true,
	  { 10000, 900000, 100000, 0, 0 } },
	/* The most there can be in the least of time. */
	{ { 0 }, { 1, UINT32_MAX, UINT32_MAX, 64, UINT32_MAX }, 0, true,
	  { 4294967295000, 4294967295000, 64000, 4294967295000, 6710886398u - UINT32_MAX - 1 } },
	/* No time, time that ran backwards, too much time. */
	{ { 5 }, { 5, 10, 10, 64, 0 }, 0, false, { 0 } },
	{ { 6 }, { 5, 10, 10, 64, 0 }, 0, false, { 0 } },
	{ { 0 }, { DIM_WINDOW_MAX_US, 10, 10, 64, 0 }, 0, true, { 1, 1, 1, 0, 0 } },
	{ { 0 }, { DIM_WINDOW_MAX_US + 1, 10, 10, 64, 0 }, 0, false, { 0 } },
	{ { 0 }, { 72ull * 60 * 1000000, 10, 10, 64, 0 }, 0, false, { 0 } }, /* beyond 2^32 us */
	/* Fine: per second, of the events there were. */
	{ { 0 }, { 16400, 64, 4096, 64, 64 }, DIM_FINE, true, { 3903, 249757, 3903, 3903, 100 } },
	{ { 0 }, { 16400, 64, 4096, 200, 64 }, DIM_FINE, true, { 3903, 249757, 12196, 3903, 32 } },
	{ { 0 }, { 16400, 64, 4096, 0, 64 }, DIM_FINE, true, { 3903, 249757, 0, 3903, 0 } },
};

static void dim_rates__table(void)
{
	for (unsigned i = 0; i < N(table); i++) {
		struct dim_rates r = { 0 };

		CU_ASSERT_EQUAL(dim_rates(&table[i].from, &table[i].to, table[i].flags, &r), table[i].ok);
		if (!table[i].ok)
			continue;
		CU_ASSERT_EQUAL(r.ppms, table[i].want.ppms);
		CU_ASSERT_EQUAL(r.bpms, table[i].want.bpms);
		CU_ASSERT_EQUAL(r.epms, table[i].want.epms);
		CU_ASSERT_EQUAL(r.cpms, table[i].want.cpms);
		CU_ASSERT_EQUAL(r.cpe_ratio, table[i].want.cpe_ratio);
	}
}

/* More than 10 per cent, of which the fraction is cut off. */
static void dim_differs__from_eleven_per_cent(void)
{
	static const struct {
		uint64_t value, reference;
		bool differs;
	} rows[] = {
		{ 1109, 1000, false }, { 1110, 1000, true },  { 891, 1000, false },  { 890, 1000, true },
		{ 1000, 1000, false }, { 0, 0, false },       { UINT32_MAX, 0, false }, { 0, 1, true },
		{ 4, 5, true },        { 10, 9, true },       { 9, 10, false },      { 11, 10, false },
		{ 12, 10, true },      { 110, 99, true },     { 111, 100, true },    { 110, 100, false },
	};

	for (unsigned i = 0; i < N(rows); i++)
		CU_ASSERT_EQUAL(dim_differs(rows[i].value, rows[i].reference), rows[i].differs);
}

/* now and before: octets, packets, events. */
static void dim_compare__octets_then_packets_then_events(void)
{
	static const struct {
		uint64_t now[3], before[3];
		enum dim_verdict want;
	} rows[] = {
		{ { 0, 5, 5 }, { 0, 1, 1 }, DIM_SAME },
		{ { 1, 0, 0 }, { 0, 1, 1 }, DIM_BETTER },
		{ { 1200, 1, 1000 }, { 1000, 1000, 1 }, DIM_BETTER },
		{ { 800, 1000, 1 }, { 1000, 1, 1000 }, DIM_WORSE },
		{ { 1050, 0, 9 }, { 1000, 0, 1 }, DIM_SAME },
		{ { 1050, 1, 9 }, { 1000, 0, 1 }, DIM_BETTER },
		{ { 1050, 120, 1000 }, { 1000, 100, 1 }, DIM_BETTER },
		{ { 1050, 80, 1 }, { 1000, 100, 1000 }, DIM_WORSE },
		{ { 1000, 100, 5 }, { 1000, 100, 0 }, DIM_SAME },
		{ { 1000, 100, 88 }, { 1000, 100, 100 }, DIM_BETTER },
		{ { 1000, 100, 112 }, { 1000, 100, 100 }, DIM_WORSE },
		{ { 1000, 100, 110 }, { 1000, 100, 100 }, DIM_SAME },
	};

	for (unsigned i = 0; i < N(rows); i++) {
		const uint64_t *n = rows[i].now, *b = rows[i].before;
		struct dim_rates now = { .bpms = n[0], .ppms = n[1], .epms = n[2] };
		struct dim_rates before = { .bpms = b[0], .ppms = b[1], .epms = b[2] };

		CU_ASSERT_EQUAL(dim_compare(&now, &before), rows[i].want);
	}
}

static void dim_rdma_compare__completions_then_their_number_an_event(void)
{
	static const struct {
		uint64_t now[2], before[2]; /* cpms, cpe_ratio */
		enum dim_verdict want;
	} rows[] = {
		{ { 1000, 1000 }, { 0, 1 }, DIM_SAME },       { { 1110, 1 }, { 1000, 1000 }, DIM_BETTER },
		{ { 890, 1000 }, { 1000, 1 }, DIM_WORSE },    { { 1109, 111 }, { 1000, 100 }, DIM_BETTER },
		{ { 891, 89 }, { 1000, 100 }, DIM_WORSE },    { { 1000, 110 }, { 1000, 100 }, DIM_SAME },
		{ { 1000, 900 }, { 1000, 0 }, DIM_SAME },
	};

	for (unsigned i = 0; i < N(rows); i++) {
		struct dim_rates now = { .cpms = rows[i].now[0], .cpe_ratio = rows[i].now[1] };
		struct dim_rates before = { .cpms = rows[i].before[0], .cpe_ratio = rows[i].before[1] };

		CU_ASSERT_EQUAL(dim_rdma_compare(&now, &before), rows[i].want);
	}
}

/* Tables are in the order of less and less events; equal neighbours would be a flat place. */
static void profiles__ascend(void)
{
	const struct dim_profile *tables[] = { dim_rx_eqe, dim_rx_cqe, dim_tx_eqe, dim_tx_cqe };

	for (unsigned t = 0; t < N(tables); t++)
		for (const struct dim_profile *p = tables[t] + 1; p < tables[t] + DIM_PROFILES; p++)
			CU_ASSERT(p->usecs > p[-1].usecs && p->packets <= p[-1].packets);
	for (const struct dim_profile *p = dim_rdma + 1; p < dim_rdma + DIM_RDMA_PROFILES; p++)
		CU_ASSERT(p->usecs * p->packets > p[-1].usecs * p[-1].packets);
	CU_ASSERT(dim_rx_eqe[1].usecs == 8 && dim_rx_eqe[1].packets == 256 && dim_rx_eqe[4].usecs == 256);
	CU_ASSERT(dim_rx_cqe[0].usecs == 2 && dim_rx_cqe[3].usecs == 32 && dim_rx_cqe[3].packets == 64);
	CU_ASSERT(dim_tx_eqe[2].usecs == 32 && dim_tx_eqe[0].packets == 128);
	CU_ASSERT(dim_tx_cqe[0].usecs == 5 && dim_tx_cqe[4].packets == 32);
	CU_ASSERT(dim_rdma[5].usecs == 16 && dim_rdma[5].packets == 8);
}

static const struct test_case cases[] = {
	TEST_CASE(dim_rates__table),
	TEST_CASE(dim_differs__from_eleven_per_cent),
	TEST_CASE(dim_compare__octets_then_packets_then_events),
	TEST_CASE(dim_rdma_compare__completions_then_their_number_an_event),
	TEST_CASE(profiles__ascend),
};
TEST_MAIN("dim rates", cases)
