/* SPDX-License-Identifier: BSD-3-Clause */
/* Trajectories of the decision for network queues: given rates in, known walk out. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/dim/walk.h"
#include "tests/unit/test.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

struct point {
	uint64_t bpms, ppms, epms;
};

static void expect(const struct walk *w, const char *want)
{
	if (strcmp(w->text, want) != 0)
		fprintf(stderr, "\nwalked: %s\nwanted: %s\n", w->text, want);
	CU_ASSERT_STRING_EQUAL(w->text, want);
}

static struct dim begin(uint8_t index)
{
	struct dim d;

	dim_init(&d, DIM_PROFILES, index, 0);
	return d;
}

static struct dim parked(uint8_t index, uint64_t bpms, uint64_t ppms, uint64_t epms)
{
	struct dim d = begin(index);

	d.prev = (struct dim_rates){ .bpms = bpms, .ppms = ppms, .epms = epms };
	return d;
}

static void dim_decide__stays_parked_without_traffic(void)
{
	struct dim d = begin(1);
	struct walk w = { 0 };

	for (unsigned i = 0; i < 5; i++)
		walk_decide(&w, &d, 0, 0, 0);
	expect(&w, "T/1/0 T/1/0 T/1/0 T/1/0 T/1/0");
	for (unsigned i = 0; i < 1000; i++)
		walk_decide(&w, &d, 0, 0, 0);
	CU_ASSERT(w.changes == 0 && d.index == 1 && d.tune == DIM_PARKING_ON_TOP);
	CU_ASSERT(d.windows == 1005 && d.changes == 0);
}

static void dim_decide__first_traffic_goes_left(void)
{
	struct dim d = begin(1);
	struct walk w = { 0 };

	walk_decide(&w, &d, 1000, 1000, 100);
	expect(&w, "L/0/1");
	CU_ASSERT(d.before == 1 && w.changes == 1);
}

static void dim_decide__parks_at_the_left_edge(void)
{
	struct dim d = begin(1);
	struct walk w = { 0 };

	walk_decide(&w, &d, 1000, 1000, 100);
	walk_decide(&w, &d, 2000, 1000, 100);
	expect(&w, "L/0/1 T/0/0");
}

static void dim_decide__better_with_each_window(void)
{
	static const struct {
		uint8_t from;
		const char *walk;
	} rows[] = {
		{ 0, "R/1/1 R/2/2 R/3/3 R/4/4 T/4/0 L/3/1 L/2/2" },
		{ 4, "L/3/1 L/2/2 L/1/3 L/0/4 T/0/0 R/1/1 R/2/2" },
	};

	for (unsigned i = 0; i < N(rows); i++) {
		struct dim d = begin(rows[i].from);
		struct walk w = { 0 };

		for (unsigned k = 0; k < 7; k++)
			walk_decide(&w, &d, 1000 * (k + 1), 1000, 100);
		expect(&w, rows[i].walk);
	}
}

static void dim_decide__climbs_to_a_peak_and_stays(void)
{
	static const uint64_t bpms[DIM_PROFILES] = { 1000, 1200, 1500, 1200, 1000 };
	static const struct {
		uint8_t from;
		unsigned windows;
		const char *walk;
	} rows[] = {
		{ 0, 6, "R/1/1 R/2/2 R/3/3 L/2/4 T/2/0 T/2/0" },
		{ 1, 7, "L/0/1 R/1/2 R/2/3 R/3/4 L/2/5 T/2/0 T/2/0" },
	};

	for (unsigned i = 0; i < N(rows); i++) {
		struct dim d = begin(rows[i].from);
		struct walk w = { 0 };

		for (unsigned k = 0; k < rows[i].windows; k++)
			walk_decide(&w, &d, bpms[d.index], 1000, 100);
		expect(&w, rows[i].walk);
		for (unsigned k = 0; k < 1000; k++)
			walk_decide(&w, &d, bpms[d.index], 1000, 100);
		CU_ASSERT(d.index == 2 && d.tune == DIM_PARKING_ON_TOP);
	}
}

/* Steps to and fro until tired, rests, begins again: half of all windows change something. */
static void dim_decide__never_settles_where_all_are_the_same(void)
{
	static const char round[] = "L/0/1 R/1/2 L/0/3 R/1/4 L/0/5 R/1/6 L/0/7 R/1/8 L/0/9 R/1/10 "
				    "P/1/10 P/1/9 P/1/8 P/1/7 P/1/6 P/1/5 P/1/4 P/1/3 P/1/2 P/1/1";
	char want[3 * sizeof(round)];
	struct dim d = begin(1);
	struct walk w = { 0 };

	for (unsigned i = 0; i < 60; i++)
		walk_decide(&w, &d, 1000, 1000, 10);
	snprintf(want, sizeof(want), "%s %s %s", round, round, round);
	expect(&w, want);
	CU_ASSERT_EQUAL(w.changes, 30);
}

static void dim_decide__takes_changes_of_traffic_for_effects(void)
{
	static const char *const around = "L/0/1 T/0/0 R/1/1 R/2/2 L/1/3 T/1/0";
	char want[512];
	struct dim d = begin(1);
	struct walk w = { 0 };

	for (unsigned i = 0; i < 23; i++)
		walk_decide(&w, &d, i % 2 == 0 ? 2000 : 1000, 1000, 100);
	snprintf(want, sizeof(want), "L/0/1 R/1/2 R/2/3 L/1/4 T/1/0 %s %s %s", around, around, around);
	expect(&w, want);
}

static void dim_decide__notices_a_slow_drift(void)
{
	struct dim d = parked(2, 1000, 1000, 100);
	struct walk w = { 0 };
	uint64_t bpms;

	for (bpms = 1012; bpms <= 1108; bpms += 12)
		walk_decide(&w, &d, bpms, 1000, 100);
	CU_ASSERT(w.changes == 0 && d.index == 2 && d.prev.bpms == 1000);
	walk_decide(&w, &d, 1120, 1000, 100);
	CU_ASSERT_STRING_EQUAL(walk_last(&w), "L/1/1");
	CU_ASSERT_EQUAL(d.prev.bpms, 1120);
}

static void dim_decide__leaves_a_park_from_eleven_per_cent(void)
{
	static const struct {
		struct point at;
		bool leaves;
	} rows[] = {
		{ { 1109, 1000, 100 }, false }, { { 1110, 1000, 100 }, true }, { { 891, 1000, 100 }, false },
		{ { 890, 1000, 100 }, true },   { { 1000, 1110, 100 }, true }, { { 1000, 1109, 100 }, false },
		{ { 1000, 1000, 111 }, true },  { { 1000, 1000, 110 }, false }, { { 1000, 1000, 89 }, true },
		{ { 1000, 1000, 90 }, false },
	};

	for (unsigned i = 0; i < N(rows); i++) {
		struct dim d = parked(3, 1000, 1000, 100);
		struct walk w = { 0 };

		walk_decide(&w, &d, rows[i].at.bpms, rows[i].at.ppms, rows[i].at.epms);
		CU_ASSERT_STRING_EQUAL(w.text, rows[i].leaves ? "L/2/1" : "T/3/0");
	}
}

/* With other numbers of profiles the ends and the tiredness follow. */
static void dim_decide__other_tables(void)
{
	static const uint8_t sizes[] = { 2, 3, 8, DIM_PROFILES_MAX };

	for (unsigned s = 0; s < N(sizes); s++) {
		struct walk w = { 0 };
		struct dim d;

		dim_init(&d, sizes[s], 1, 0);
		for (unsigned i = 0; i < 8u * sizes[s]; i++) {
			walk_decide(&w, &d, 1000, 1000, 10);
			CU_ASSERT(d.index < sizes[s] && d.tired <= 2 * sizes[s]);
		}
		CU_ASSERT_EQUAL(w.changes, 4u * sizes[s]);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(dim_decide__stays_parked_without_traffic),
	TEST_CASE(dim_decide__first_traffic_goes_left),
	TEST_CASE(dim_decide__parks_at_the_left_edge),
	TEST_CASE(dim_decide__better_with_each_window),
	TEST_CASE(dim_decide__climbs_to_a_peak_and_stays),
	TEST_CASE(dim_decide__never_settles_where_all_are_the_same),
	TEST_CASE(dim_decide__takes_changes_of_traffic_for_effects),
	TEST_CASE(dim_decide__notices_a_slow_drift),
	TEST_CASE(dim_decide__leaves_a_park_from_eleven_per_cent),
	TEST_CASE(dim_decide__other_tables),
};
TEST_MAIN("dim net", cases)
