/* SPDX-License-Identifier: BSD-3-Clause */
/* The run of windows: when one is full, when it is thrown away, what happens around dim_applied(). */
#include <string.h>

#include "pmd/dim/dim.h"
#include "tests/unit/test.h"

/* A queue with one packet of 100 octets an event, an event every us_an_event. */
struct queue {
	struct dim d;
	struct dim_sample s;
	uint32_t us_an_event;
};

static void queue_init(struct queue *q, uint8_t index, uint8_t flags)
{
	memset(q, 0, sizeof(*q));
	dim_init(&q->d, DIM_PROFILES, index, flags);
	q->us_an_event = 10;
}

/* n events, looked at after each; returns how often the answer was yes. */
static unsigned events(struct queue *q, unsigned n)
{
	unsigned yes = 0;

	while (n-- > 0) {
		q->s.us += q->us_an_event;
		q->s.packets++;
		q->s.bytes += 100;
		q->s.events++;
		yes += dim_update(&q->d, &q->s);
	}
	return yes;
}

static void dim_init__clamps(void)
{
	struct dim d;

	dim_init(&d, 0, 0, 0);
	CU_ASSERT_EQUAL(d.profiles, 2);
	dim_init(&d, 200, 200, 0);
	CU_ASSERT(d.profiles == DIM_PROFILES_MAX && d.index == DIM_PROFILES_MAX - 1 && d.before == d.index);
	dim_init(&d, 5, 1, DIM_FINE);
	CU_ASSERT(d.index == 1 && d.run == DIM_START_MEASURE && d.tune == DIM_PARKING_ON_TOP);
	CU_ASSERT_EQUAL(d.flags, DIM_FINE);
}

/* The first look takes the start; the window is full 64 events later. */
static void dim_update__a_window_is_64_events(void)
{
	struct queue q;

	queue_init(&q, 1, 0);
	CU_ASSERT_EQUAL(events(&q, 1), 0);
	CU_ASSERT_EQUAL(q.d.run, DIM_MEASURE_IN_PROGRESS);
	CU_ASSERT_EQUAL(events(&q, 63), 0);
	CU_ASSERT_EQUAL(q.d.windows, 0);
	CU_ASSERT_EQUAL(events(&q, 1), 1);
	CU_ASSERT(q.d.windows == 1 && q.d.index == 0 && q.d.before == 1 && q.d.run == DIM_APPLY_NEW_PROFILE);
	CU_ASSERT(q.d.prev.epms == 100 && q.d.prev.ppms == 100 && q.d.prev.bpms == 10000);
}

/* Windows are not looked at until the profile is in force, however long that takes. */
static void dim_update__waits_for_dim_applied(void)
{
	struct queue q;

	queue_init(&q, 1, 0);
	CU_ASSERT_EQUAL(events(&q, 65), 1);
	CU_ASSERT_EQUAL(events(&q, 10000), 0);
	CU_ASSERT(q.d.windows == 1 && q.d.index == 0);
	dim_applied(&q.d, true);
	CU_ASSERT(q.d.run == DIM_START_MEASURE && q.d.index == 0 && q.d.before == 0);
	/* What came meanwhile belongs to no window. */
	q.us_an_event = 5;
	CU_ASSERT_EQUAL(events(&q, 64), 0);
	CU_ASSERT_EQUAL(q.d.windows, 1);
	CU_ASSERT_EQUAL(events(&q, 1), 0);
	CU_ASSERT(q.d.windows == 2 && q.d.prev.ppms == 200);
}

static void dim_applied__failure_goes_back_and_on(void)
{
	struct queue q;

	queue_init(&q, 2, 0);
	CU_ASSERT_EQUAL(events(&q, 65), 1);
	CU_ASSERT(q.d.index == 1 && q.d.steps_left == 1);
	dim_applied(&q.d, false);
	CU_ASSERT(q.d.index == 2 && q.d.before == 2 && q.d.run == DIM_START_MEASURE && q.d.steps_left == 0);
	/* The next window is measured and decided as ever: the same, so it turns. */
	CU_ASSERT_EQUAL(events(&q, 65), 1);
	CU_ASSERT(q.d.index == 3 && q.d.tune == DIM_GOING_RIGHT && q.d.steps_right == 1);
	dim_applied(&q.d, false);
	CU_ASSERT(q.d.index == 2 && q.d.steps_right == 0);
}

/* A device that refuses for ever: always measuring, never frozen, never out of the table. */
static void dim_applied__failing_for_ever(void)
{
	struct queue q;
	unsigned asked = 0;

	queue_init(&q, 1, 0);
	for (unsigned i = 0; i < 1000; i++) {
		unsigned yes = events(&q, 65);

		CU_ASSERT(q.d.run == (yes ? DIM_APPLY_NEW_PROFILE : DIM_MEASURE_IN_PROGRESS));
		asked += yes;
		dim_applied(&q.d, false);
		CU_ASSERT_EQUAL(q.d.index, 1);
	}
	CU_ASSERT(asked > 100 && asked < 900);
}

static void dim_applied__without_effect_while_nothing_waits(void)
{
	struct queue q;

	queue_init(&q, 1, 0);
	events(&q, 10);
	dim_applied(&q.d, false);
	CU_ASSERT_EQUAL(q.d.run, DIM_MEASURE_IN_PROGRESS);
	CU_ASSERT_EQUAL(events(&q, 55), 1);
	dim_idle(&q.d, 3);
	dim_applied(&q.d, false);
	CU_ASSERT(q.d.index == 3 && q.d.run == DIM_START_MEASURE);
}

static void dim_idle__first_traffic_decides_afresh(void)
{
	struct queue q;

	queue_init(&q, 1, DIM_ALL);
	for (unsigned i = 0; i < 50; i++) {
		events(&q, 64);
		dim_applied(&q.d, true);
	}
	dim_idle(&q.d, 1);
	CU_ASSERT(q.d.index == 1 && q.d.tune == DIM_PARKING_ON_TOP && q.d.tired == 0 && q.d.prev.bpms == 0);
	CU_ASSERT(q.d.flags == DIM_ALL && q.d.profiles == DIM_PROFILES && q.d.windows > 0);
	dim_idle(&q.d, 77);
	CU_ASSERT_EQUAL(q.d.index, DIM_PROFILES - 1);
}

static void dim_update__no_time_no_decision(void)
{
	struct queue q;

	queue_init(&q, 1, 0);
	q.us_an_event = 0;
	CU_ASSERT_EQUAL(events(&q, 200), 0);
	CU_ASSERT_EQUAL(q.d.windows, 0);
	q.us_an_event = 1;
	CU_ASSERT_EQUAL(events(&q, 1), 1); /* the start stayed: 201 events in one microsecond */
	CU_ASSERT_EQUAL(q.d.prev.ppms, 200 * 1000);
}

static void dim_update__long_windows_are_thrown_away(void)
{
	static const uint64_t gaps[] = { DIM_WINDOW_MAX_US, 1ull << 32, (1ull << 32) + 5000, 1ull << 50 };

	for (unsigned i = 0; i < 4; i++) {
		struct queue q;

		queue_init(&q, 1, 0);
		events(&q, 40);
		q.s.us += gaps[i];
		CU_ASSERT_EQUAL(events(&q, 25), 0);
		CU_ASSERT_EQUAL(q.d.windows, 0);
		CU_ASSERT_EQUAL(events(&q, 63), 0);
		CU_ASSERT_EQUAL(events(&q, 1), 1); /* the next window began where that one ended */
		CU_ASSERT_EQUAL(q.d.prev.ppms, 100);
	}
}

static void dim_update__counters_wrap(void)
{
	struct queue q;

	queue_init(&q, 1, 0);
	q.s.packets = q.s.events = UINT32_MAX - 30;
	q.s.bytes = UINT32_MAX - 1000;
	CU_ASSERT_EQUAL(events(&q, 65), 1);
	CU_ASSERT(q.d.prev.ppms == 100 && q.d.prev.bpms == 10000);

	queue_init(&q, 1, DIM_EVENTS16);
	q.s.events = 65500;
	for (unsigned i = 0; i < 65; i++) {
		q.s.us += 10;
		q.s.packets++;
		q.s.bytes += 100;
		q.s.events = (uint16_t)(q.s.events + 1);
		CU_ASSERT_EQUAL(dim_update(&q.d, &q.s), i == 64);
	}
	/* More than 65535 between two looks are invisible in 16 bits, and only there. */
	queue_init(&q, 1, DIM_EVENTS16);
	dim_update(&q.d, &q.s);
	q.s.us += 10;
	q.s.bytes += 100;
	q.s.events = 65536 + 63;
	CU_ASSERT_FALSE(dim_update(&q.d, &q.s));
	q.d.flags = 0;
	CU_ASSERT_TRUE(dim_update(&q.d, &q.s));
}

static void dim_rdma_update__windows_of_polls(void)
{
	struct dim_sample s = { 0 };
	unsigned steps = 0;
	struct dim d;

	dim_rdma_init(&d);
	/* More completions a poll with each window: the first has nothing before it, the others go right. */
	for (unsigned window = 0; window < 6; window++) {
		for (;;) {
			bool full;

			s.us += 10;
			s.events++;
			s.comps += 1 + window;
			full = dim_rdma_update(&d, &s);
			if (full)
				dim_applied(&d, true);
			if (d.windows > window) {
				CU_ASSERT_EQUAL(full, window > 0);
				break;
			}
		}
		steps += d.changes;
		CU_ASSERT(d.index == window && d.tune == DIM_GOING_RIGHT);
	}
	CU_ASSERT_EQUAL(steps, 0 + 1 + 2 + 3 + 4 + 5);
}

static const struct test_case cases[] = {
	TEST_CASE(dim_init__clamps),
	TEST_CASE(dim_update__a_window_is_64_events),
	TEST_CASE(dim_update__waits_for_dim_applied),
	TEST_CASE(dim_applied__failure_goes_back_and_on),
	TEST_CASE(dim_applied__failing_for_ever),
	TEST_CASE(dim_applied__without_effect_while_nothing_waits),
	TEST_CASE(dim_idle__first_traffic_decides_afresh),
	TEST_CASE(dim_update__no_time_no_decision),
	TEST_CASE(dim_update__long_windows_are_thrown_away),
	TEST_CASE(dim_update__counters_wrap),
	TEST_CASE(dim_rdma_update__windows_of_polls),
};
TEST_MAIN("dim run", cases)
