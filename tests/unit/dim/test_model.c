/* SPDX-License-Identifier: BSD-3-Clause */
/* Walks over modelled traffic, whose rates follow from the profile (Linux's table for receive queues). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/dim/walk.h"
#include "tests/unit/test.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static void window(struct walk *w, struct dim *d, const struct open_loop *m)
{
	struct dim_rates r;

	open_loop_window(m, d->index, d->flags, &r);
	walk_decide(w, d, r.bpms, r.ppms, r.epms);
}

static void expect(const struct walk *w, const char *want)
{
	if (strcmp(w->text, want) != 0)
		fprintf(stderr, "\nwalked: %s\nwanted: %s\n", w->text, want);
	CU_ASSERT_STRING_EQUAL(w->text, want);
}

static void open_loop__events_of_each_profile(void)
{
	static const uint64_t want[DIM_PROFILES] = { 500, 112, 16, 8, 4 };
	const struct open_loop m = { .profiles = dim_rx_eqe, .packets_ms = 1000, .octets = 1500 };

	for (unsigned i = 0; i < DIM_PROFILES; i++) {
		struct dim_rates r;

		open_loop_window(&m, i, 0, &r);
		CU_ASSERT(r.epms == want[i] && r.ppms == 1000 && r.bpms == 1500000);
	}
}

static void dim_decide__open_loop(void)
{
	static const struct {
		struct open_loop traffic;
		unsigned windows;
		const char *walk;
	} rows[] = {
		/* Fewer and fewer events: right to the end, and stays. */
		{ { dim_rx_eqe, 1000, 1500, 0, 0 }, 8, "L/0/1 R/1/2 R/2/3 R/3/4 R/4/5 T/4/0 T/4/0 T/4/0" },
		/* The limit of packets makes 3 and 4 the same: to and fro, tired, a rest, again. */
		{ { dim_rx_eqe, 3000, 64, 0, 0 }, 24,
		  "L/0/1 R/1/2 R/2/3 R/3/4 R/4/5 L/3/6 R/4/7 L/3/8 R/4/9 L/3/10 P/3/10 P/3/9 P/3/8 "
		  "P/3/7 P/3/6 P/3/5 P/3/4 P/3/3 P/3/2 P/3/1 L/2/1 R/3/2 R/4/3 L/3/4" },
		/* Each packet an event of its own at 0 and 1. */
		{ { dim_rx_eqe, 10, 64, 0, 0 }, 12,
		  "L/0/1 R/1/2 L/0/3 R/1/4 L/0/5 R/1/6 L/0/7 R/1/8 L/0/9 R/1/10 P/1/10 P/1/9" },
		/* An overloaded receiver: first a bad window at 0, then 2 and 3 are the same. */
		{ { dim_rx_eqe, 8000, 64, 2, 0.15 }, 10,
		  "L/0/1 R/1/2 R/2/3 R/3/4 L/2/5 R/3/6 L/2/7 R/3/8 L/2/9 R/3/10" },
	};

	for (unsigned i = 0; i < N(rows); i++) {
		struct dim d;
		struct walk w = { 0 };

		dim_init(&d, DIM_PROFILES, 1, 0);
		for (unsigned k = 0; k < rows[i].windows; k++)
			window(&w, &d, &rows[i].traffic);
		expect(&w, rows[i].walk);
	}
}

static void dim_decide__half_the_windows_change_where_two_are_the_same(void)
{
	const struct open_loop m = { .profiles = dim_rx_eqe, .packets_ms = 3000, .octets = 64 };
	struct walk w = { 0 };
	struct dim d;

	dim_init(&d, DIM_PROFILES, 1, 0);
	for (unsigned k = 0; k < 10000; k++)
		window(&w, &d, &m);
	CU_ASSERT(w.changes > 4900 && w.changes < 5100);
}

static void dim_decide__overload_falls_to_a_sixth_at_first(void)
{
	const struct open_loop m = { .profiles = dim_rx_eqe, .packets_ms = 8000, .octets = 64,
		.event_us = 2, .packet_us = 0.15 };
	struct dim_rates at[DIM_PROFILES];

	for (unsigned i = 0; i < DIM_PROFILES; i++)
		open_loop_window(&m, i, 0, &at[i]);
	CU_ASSERT(at[0].ppms * 6 < at[1].ppms && at[0].ppms * 7 > at[1].ppms);
	CU_ASSERT(dim_differs(at[2].ppms, at[1].ppms));
	CU_ASSERT(at[2].ppms == at[3].ppms && at[3].ppms == at[4].ppms);
}

static void dim_decide__request_and_response(void)
{
	static const struct {
		uint8_t from;
		const char *walk;
	} rows[] = { { 1, "L/0/1 T/0/0 T/0/0 T/0/0 T/0/0" }, { 4, "L/3/1 L/2/2 L/1/3 L/0/4 T/0/0" } };

	for (unsigned i = 0; i < N(rows); i++) {
		struct walk w = { 0 };
		struct dim d;

		dim_init(&d, DIM_PROFILES, rows[i].from, 0);
		for (unsigned k = 0; k < 5; k++) {
			struct dim_rates r;

			closed_loop_window(dim_rx_eqe, 20, d.index, d.flags, &r);
			walk_decide(&w, &d, r.bpms, r.ppms, r.epms);
		}
		expect(&w, rows[i].walk);
	}
}

static void dim_decide__ramp(void)
{
	static const double rates[] = { 5, 50, 500, 2000, 2000, 2000 };
	struct walk w = { 0 };
	struct dim d;

	dim_init(&d, DIM_PROFILES, 1, 0);
	for (unsigned k = 0; k < N(rates); k++) {
		const struct open_loop m = { .profiles = dim_rx_eqe, .packets_ms = rates[k], .octets = 1500 };

		window(&w, &d, &m);
	}
	expect(&w, "L/0/1 T/0/0 R/1/1 R/2/2 R/3/3 R/4/4");
}

/* Windows of 100 and of 2000 packets a ms in turn: round and round in the lower profiles. */
static void dim_decide__bursts(void)
{
	struct walk w = { 0 };
	unsigned seen = 0;
	struct dim d;

	dim_init(&d, DIM_PROFILES, 1, 0);
	for (unsigned k = 0; k < 200; k++) {
		double rate = k % 2 != 0 ? 2000 : 100;
		const struct open_loop m = { .profiles = dim_rx_eqe, .packets_ms = rate, .octets = 1500 };

		window(&w, &d, &m);
		seen |= 1u << d.index;
	}
	CU_ASSERT_EQUAL(seen, 1u << 0 | 1u << 1 | 1u << 2);
	CU_ASSERT(w.changes > 100);
}

static double gaussian(uint64_t *state)
{
	double u = (double)((test_random(state) >> 11) + 1) / 9007199254740993.0;
	double v = (double)(test_random(state) >> 11) / 9007199254740992.0;

	return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

/* Share of windows that change the profile, in per cent: noise on a rate of 1000 packets a ms. */
static void dim_decide__noise_moves_it(void)
{
	static const struct {
		double sigma;
		unsigned percent;
	} rows[] = { { 0.02, 20 }, { 0.05, 38 }, { 0.08, 54 }, { 0.12, 64 }, { 0.20, 71 } };

	for (unsigned i = 0; i < N(rows); i++) {
		uint64_t seed = 4711 + i;
		struct walk w = { 0 };
		struct dim d;
		double share;

		dim_init(&d, DIM_PROFILES, 1, 0);
		for (unsigned k = 0; k < 50000; k++) {
			struct open_loop m = { .profiles = dim_rx_eqe, .octets = 1500 };

			m.packets_ms = fmax(1, 1000 * (1 + rows[i].sigma * gaussian(&seed)));
			window(&w, &d, &m);
		}
		share = 100.0 * w.changes / w.windows;
		if (fabs(share - rows[i].percent) > 3)
			fprintf(stderr, "\nsigma %.2f: %.1f %%\n", rows[i].sigma, share);
		CU_ASSERT(fabs(share - rows[i].percent) <= 3);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(open_loop__events_of_each_profile),
	TEST_CASE(dim_decide__open_loop),
	TEST_CASE(dim_decide__half_the_windows_change_where_two_are_the_same),
	TEST_CASE(dim_decide__overload_falls_to_a_sixth_at_first),
	TEST_CASE(dim_decide__request_and_response),
	TEST_CASE(dim_decide__ramp),
	TEST_CASE(dim_decide__bursts),
	TEST_CASE(dim_decide__noise_moves_it),
};
TEST_MAIN("dim model", cases)
