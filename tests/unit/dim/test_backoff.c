/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "pmd/dim/backoff.h"
#include "tests/unit/test.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* Steps of turns that find nothing, after one that found something: "p" polls are counted. */
static void walk(char *text, size_t size, const struct backoff_limits *l, struct backoff_machine *m,
		 unsigned steps)
{
	struct backoff b = { 0 };
	unsigned polls = 0;
	size_t n = 0;

	text[0] = '\0';
	backoff_turn(&b, true, false);
	while (steps > 0 && n + 16 < size) {
		struct backoff_step s = backoff_next(&b, l, m, 1000, BACKOFF_NEVER);

		backoff_turn(&b, false, false);
		if (s.act == BACKOFF_POLL && ++polls < 1000)
			continue;
		n += snprintf(text + n, size - n, "%up %c%u ", polls, " PSW"[s.act], s.us);
		polls = 0;
		steps--;
	}
}

static void backoff_next__table(void)
{
	static const struct {
		const char *what;
		struct backoff_limits l; /* spin, sleep, nap, bound, interrupts */
		struct backoff_machine m; /* late, wake, pause, pause late */
		uint32_t adds;
		const char *steps;
	} rows[] = {
		{ "interrupts at once", { 4, 20, 0, 100, true }, { 10, 15, 0, 0 }, 15,
		  "4p W100000 0p W100000 " },
		{ "a nap in front, once", { 4, 20, 50, 100, true }, { 10, 15, 0, 0 }, 60,
		  "4p S50 0p W100000 0p W100000 " },
		{ "a nap as long as the bound allows", { 4, 20, 500, 100, true }, { 10, 15, 0, 0 }, 100,
		  "4p S90 0p W100000 " },
		{ "no nap that is mostly lateness", { 4, 20, 50, 18, true }, { 10, 15, 0, 0 }, 15,
		  "4p W100000 " },
		{ "no nap where timers are too late", { 4, 20, 50, 15, true }, { 15, 15, 0, 0 }, 15,
		  "4p W100000 " },
		{ "timed sleeps double up to the bound", { 2, 20, 50, 100, false }, { 10, 15, 0, 0 }, 100,
		  "2p S20 0p S40 0p S80 0p S90 0p S90 " },
		{ "no wait for interrupts that wake too late", { 2, 20, 50, 14, true }, { 4, 15, 0, 0 }, 14,
		  "2p S10 0p S10 " },
		{ "no step fits: polls", { 2, 20, 50, 5, true }, { 10, 15, 0, 0 }, 0, "1000p  0 " },
		{ "a pause fits", { 2, 20, 50, 5, true }, { 10, 15, 100, 1 }, 5, "2p P4 0p P4 " },
		{ "short pauses", { 2, 20, 50, 5, false }, { 10, 15, 3, 1 }, 4, "2p P3 0p P3 " },
		{ "no bound, no step", { 2, 20, 50, 0, true }, { 0, 0, 9, 0 }, 0, "1000p  0 " },
		{ "sleeps of 0 are of 1", { 1, 0, 0, 9, false }, { 2, 0, 0, 0 }, 9,
		  "1p S1 0p S2 0p S4 0p S7 0p S7 " },
		{ "one empty turn at least", { 0, 8, 0, 9, false }, { 2, 0, 0, 0 }, 9, "1p S7 " },
	};

	for (unsigned i = 0; i < N(rows); i++) {
		struct backoff_machine m = rows[i].m;
		unsigned steps = 0;
		char text[256];

		for (const char *c = rows[i].steps; *c != '\0'; c++)
			steps += *c == 'p';
		walk(text, sizeof(text), &rows[i].l, &m, steps);
		if (strcmp(text, rows[i].steps) != 0)
			fprintf(stderr, "\n%s: '%s', wanted '%s'\n", rows[i].what, text, rows[i].steps);
		CU_ASSERT_STRING_EQUAL(text, rows[i].steps);
		CU_ASSERT_EQUAL(backoff_adds_us(&rows[i].l, &m), rows[i].adds);
		CU_ASSERT(rows[i].adds <= rows[i].l.bound_us);
	}
}

static void backoff_turn__work_begins_anew(void)
{
	const struct backoff_limits l = { 3, 10, 40, 100, true };
	struct backoff_machine m = { 5, 5, 0, 0 };
	struct backoff b = { 0 };

	for (unsigned round = 0; round < 3; round++) {
		backoff_turn(&b, true, false);
		for (unsigned i = 0; i < 3; i++) {
			CU_ASSERT_EQUAL(backoff_next(&b, &l, &m, 0, BACKOFF_NEVER).act, BACKOFF_POLL);
			backoff_turn(&b, false, false);
		}
		CU_ASSERT_EQUAL(backoff_next(&b, &l, &m, 0, BACKOFF_NEVER).act, BACKOFF_SLEEP);
	}
	CU_ASSERT(b.sleeps == 3 && b.waits == 0);
	b.empty = UINT32_MAX - 1;
	backoff_turn(&b, false, false);
	backoff_turn(&b, false, false);
	CU_ASSERT_EQUAL(b.empty, UINT32_MAX);
}

/* After a turn with packets but no full burst: once, as long as asked for or as the bound allows, and not
 * where it would be mostly lateness. */
static void backoff_next__after_part_of_a_burst(void)
{
	static const struct {
		struct backoff_limits l;
		uint32_t late;
		uint32_t us, adds;
	} t[] = {
		{ { 4, 20, 0, 100, true, 50 }, 6, 50, 56 }, { { 4, 20, 0, 100, true, 500 }, 6, 94, 100 },
		{ { 4, 20, 0, 100, false, 50 }, 6, 50, 100 }, { { 4, 20, 0, 10, true, 50 }, 6, 0, 8 },
		{ { 4, 20, 0, 11, true, 50 }, 6, 0, 8 }, { { 4, 20, 0, 12, true, 50 }, 6, 6, 12 },
		{ { 4, 20, 0, 100, true, 0 }, 6, 0, 8 }, { { 4, 20, 0, 0, true, 50 }, 6, 0, 0 },
	};

	for (unsigned i = 0; i < N(t); i++) {
		struct backoff_machine m = backoff_machine_of(t[i].late, 0);
		struct backoff_limits l = t[i].l;
		struct backoff b = { 0 };
		struct backoff_step s;

		backoff_limits_done(&l, &m);
		backoff_turn(&b, true, true);
		CU_ASSERT_EQUAL(backoff_due(&b, &l), t[i].us != 0);
		s = backoff_next(&b, &l, &m, 1000, BACKOFF_NEVER);
		CU_ASSERT_EQUAL(s.act, t[i].us != 0 ? BACKOFF_SLEEP : BACKOFF_POLL);
		CU_ASSERT_EQUAL(s.us, t[i].us);
		CU_ASSERT_EQUAL(backoff_adds_us(&l, &m), t[i].adds);
		s = backoff_next(&b, &l, &m, 1000, 1003);
		CU_ASSERT(s.us <= 3);
		/* A full burst, or none. */
		backoff_turn(&b, true, false);
		CU_ASSERT_EQUAL(backoff_next(&b, &l, &m, 1000, BACKOFF_NEVER).act, BACKOFF_POLL);
		/* Timers have become later than the bound allows: polls, and doubts that in time. */
		m.late_us = 95;
		backoff_turn(&b, true, true);
		CU_ASSERT_EQUAL(backoff_next(&b, &l, &m, 1000, BACKOFF_NEVER).act, BACKOFF_POLL);
		for (unsigned k = 0; k < 100000 && t[i].us != 0; k++)
			(void)backoff_next(&b, &l, &m, 1000, BACKOFF_NEVER);
		CU_ASSERT(t[i].us == 0 || m.late_us < 95);
	}
}

static void backoff_bound_us__by_the_machine(void)
{
	static const struct {
		uint32_t late, most, interrupts, polled;
	} t[] = { { 6, 1000, 10, 384 }, { 1, 1000, 10, 64 }, { 15, 1000, 25, 960 }, { 60, 1000, 100, 1000 }, { 6, 5, 5, 5 } };

	for (unsigned i = 0; i < N(t); i++) {
		struct backoff_machine m = backoff_machine_of(t[i].late, 0);

		CU_ASSERT(m.wake_us > m.late_us && m.floor_us == m.late_us);
		CU_ASSERT_EQUAL(backoff_bound_us(&m, true, t[i].most), t[i].interrupts);
		CU_ASSERT_EQUAL(backoff_bound_us(&m, false, t[i].most), t[i].polled);
	}
}

static void backoff_next__never_past_the_deadline(void)
{
	const struct backoff_limits l = { 0, 10, 0, 100, false }, w = { 0, 10, 0, 100, true };
	struct backoff_machine m = { 5, 5, 0, 0 };
	struct backoff b = { .empty = 9 };

	CU_ASSERT_EQUAL(backoff_next(&b, &l, &m, 1000, 1000).act, BACKOFF_POLL);
	CU_ASSERT_EQUAL(backoff_next(&b, &l, &m, 1000, 999).act, BACKOFF_POLL);
	CU_ASSERT_EQUAL(backoff_next(&b, &l, &m, 1000, 1003).us, 3);
	CU_ASSERT_EQUAL(backoff_next(&b, &w, &m, 1000, 1007).us, 7);
	CU_ASSERT_EQUAL(backoff_next(&b, &w, &m, 1000, 1000 + (1ull << 40)).us, BACKOFF_WAIT_US);
}

/* A late sleep shortens the next ones, or ends them; both are forgiven in time. */
static void backoff_slept__learns_and_forgives(void)
{
	const struct backoff_limits l = { 0, 1000, 0, 50, false };
	struct backoff_machine m = { .late_us = 10, .floor_us = 10 };
	struct backoff b = { .empty = 1 };
	unsigned steps;

	backoff_slept(&b, &m, 40, 50);
	CU_ASSERT(b.exceeded == 0 && m.late_us == 10);
	backoff_slept(&b, &m, 40, 30);
	CU_ASSERT(b.exceeded == 0 && m.late_us == 10);
	backoff_slept(&b, &m, 40, 70);
	CU_ASSERT(b.exceeded == 1 && m.late_us == 30);
	CU_ASSERT_EQUAL(backoff_next(&b, &l, &m, 0, BACKOFF_NEVER).us, 20);
	for (steps = 0; steps < 10000 && m.late_us > 10; steps++)
		backoff_slept(&b, &m, 20, 25);
	CU_ASSERT(steps > 10 && steps < 100 && m.late_us == 10 && b.exceeded == 1);

	backoff_slept(&b, &m, 40, 5040);
	CU_ASSERT_EQUAL(backoff_next(&b, &l, &m, 0, BACKOFF_NEVER).act, BACKOFF_POLL);
	for (steps = 0; steps < 1000000; steps++)
		if (backoff_next(&b, &l, &m, 0, BACKOFF_NEVER).act != BACKOFF_POLL)
			break;
	CU_ASSERT(steps > 10000 && steps < 100000 && m.late_us < 50);
}

/* ---- any sequence ---------------------------------------------------------------------- */

/* A machine in virtual nanoseconds, as late as it says it may be, at random. */
struct world {
	uint64_t now, seed;
	uint64_t tick; /* timers end at its multiples; 0: at random within late_us */
	const struct backoff_machine *m;
	uint64_t arrival; /* of the first packet not yet seen */
	uint64_t most;    /* latest a packet was seen because of a step */
	unsigned seen;
};

static uint64_t below(struct world *w, uint64_t n)
{
	return n == 0 ? 0 : test_random(&w->seed) % n;
}

static void next_packet(struct world *w)
{
	static const uint64_t gaps[] = { 0, 300, 3000, 30000, 300000, 3000000 };

	w->arrival = w->now + below(w, gaps[below(w, N(gaps))] + 1);
}

static void away(struct world *w, struct backoff_step s)
{
	uint64_t end = w->now + 1000ull * s.us, back = end;

	if (s.act == BACKOFF_SLEEP)
		back = w->tick != 0 ? (end + w->tick - 1) / w->tick * w->tick
				    : end + below(w, 1000 * w->m->late_us + 1);
	else if (s.act == BACKOFF_PAUSE)
		back = end + below(w, 1000 * w->m->pause_late_us + 1);
	else if (s.act == BACKOFF_WAIT && w->arrival < end)
		back = (w->arrival > w->now ? w->arrival + below(w, 1000 * w->m->wake_us + 1) : w->now);
	if (w->arrival >= w->now && w->arrival <= back && back - w->arrival > w->most)
		w->most = back - w->arrival;
	w->now = back;
}

static void backoff_next__never_adds_more(void)
{
	static const uint32_t lates[] = { 0, 1, 6, 50, 1000, 4000 };
	static const uint32_t bounds[] = { 0, 1, 5, 20, 100, 1000, 5000 };
	uint64_t seed = 5;
	unsigned moved = 0, seen = 0;

	for (unsigned i = 0; i < 2000; i++) {
		struct world w = { .seed = test_random(&seed) };
		struct backoff_machine m = {
			.late_us = lates[below(&w, 6)],
			.wake_us = lates[below(&w, 5)],
			.pause_us = lates[below(&w, 4)],
			.pause_late_us = 1,
		};
		struct backoff_limits l = {
			.spin = below(&w, 20),
			.sleep_us = below(&w, 100),
			.nap_us = below(&w, 300),
			.bound_us = bounds[i % N(bounds)],
			.interrupts = i & 1,
			.part_us = below(&w, 2) == 0 ? below(&w, 300) : 0,
		};
		struct backoff b = { 0 };
		uint32_t adds;

		backoff_limits_done(&l, &m);
		adds = backoff_adds_us(&l, &m);
		w.m = &m;
		w.tick = i & 2 ? 1000 * m.late_us : 0;
		next_packet(&w);
		for (unsigned turn = 0; turn < 500; turn++) {
			bool work = w.arrival <= w.now;
			uint64_t next = below(&w, 8) == 0 ? w.now / 1000 + below(&w, 200) : BACKOFF_NEVER;

			if (work) {
				w.seen++;
				next_packet(&w);
			}
			backoff_turn(&b, work, work && below(&w, 2) == 0);
			away(&w, backoff_next(&b, &l, &m, w.now / 1000, next));
			w.now += 50 + below(&w, 200);
		}
		CU_ASSERT(adds <= l.bound_us);
		CU_ASSERT(w.most <= 1000ull * adds);
		seen += w.seen;
		moved += w.most > 500ull * adds && adds > 0;
	}
	CU_ASSERT(seen > 10000);
	CU_ASSERT(moved > 500); /* the bound is used, not only kept */
}

static const struct test_case cases[] = {
	TEST_CASE(backoff_next__table),
	TEST_CASE(backoff_turn__work_begins_anew),
	TEST_CASE(backoff_next__after_part_of_a_burst),
	TEST_CASE(backoff_bound_us__by_the_machine),
	TEST_CASE(backoff_next__never_past_the_deadline),
	TEST_CASE(backoff_slept__learns_and_forgives),
	TEST_CASE(backoff_next__never_adds_more),
};
TEST_MAIN("dim backoff", cases)
