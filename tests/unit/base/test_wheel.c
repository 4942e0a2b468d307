/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/base/wheel.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

#define ALL 1000000u
#define HOUR_US 3600000000ull
/* Any time up to this far ahead is kept exactly. */
#define REACH_US (((255ull << 24) - 1) * WHEEL_TICK_US)

struct probe {
	struct wheel_timer t;
	uint64_t deadline; /* what the model expects */
	bool armed;
	unsigned fired;
	unsigned arms; /* how often it was armed */
	uint64_t fired_at;
};

static struct wheel w;

static void note(void *ctx, struct wheel_timer *t, uint64_t now_us)
{
	struct probe *p = (struct probe *)t;

	CU_ASSERT_FALSE(wheel_armed(t));
	p->fired++;
	p->fired_at = now_us;
}

static void start(uint64_t now_us, wheel_fn fn, void *ctx)
{
	wheel_init(&w, now_us);
	wheel_register(&w, WHEEL_TEST, fn, ctx);
}

/* One timer, armed at start for start + delay: silent one microsecond before
 * its deadline, fires at it. */
static void wheel_advance__never_before_first_at_or_past(void)
{
	static const uint64_t starts[] = {
		0, 7, 123456789, 2559, 42949672960ull - 50, 42949672960ull * 3 - 1, 1ull << 60,
	};
	static const uint64_t delays[] = {
		0, 1, 3, 9, 10, 11, 100, 2549, 2550, 2559, 2560, 2561, 25600, 655359, 655360, 655361, 700000,
		167772159, 167772160, 167772161, 200 * 1000000ull, 2 * HOUR_US, 11 * HOUR_US, REACH_US,
	};

	for (unsigned s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
		for (unsigned d = 0; d < sizeof(delays) / sizeof(delays[0]); d++) {
			uint64_t now = starts[s], deadline = now + delays[d];
			struct probe p = { 0 };

			start(now, note, NULL);
			wheel_arm(&w, &p.t, WHEEL_TEST, deadline);
			CU_ASSERT(wheel_armed(&p.t) && w.armed == 1);
			if (delays[d] > 0)
				CU_ASSERT_EQUAL(wheel_advance(&w, deadline - 1, ALL), 0);
			CU_ASSERT_EQUAL(wheel_advance(&w, deadline, ALL), 1);
			CU_ASSERT(p.fired == 1 && p.fired_at == deadline && w.armed == 0);
			CU_ASSERT_EQUAL(wheel_next_us(&w), WHEEL_NEVER);
		}
	}
}

/* Following wheel_next_us() alone reaches the deadline exactly, in few steps. */
static void wheel_next_us__leads_to_the_deadline(void)
{
	static const uint64_t delays[] = { 0, 5, 17, 2560, 99999, 655361, 1000000, HOUR_US + 3, REACH_US };

	for (unsigned d = 0; d < sizeof(delays) / sizeof(delays[0]); d++) {
		struct probe p = { 0 };
		uint64_t at = 0;
		unsigned steps = 0;

		start(12345, note, NULL);
		wheel_arm(&w, &p.t, WHEEL_TEST, 12345 + delays[d]);
		while (p.fired == 0 && steps++ < 8) {
			at = wheel_next_us(&w);
			CU_ASSERT(at <= 12345 + delays[d]);
			wheel_advance(&w, at, ALL);
		}
		CU_ASSERT_EQUAL(p.fired, 1);
		CU_ASSERT_EQUAL(p.fired_at, 12345 + delays[d]);
	}
}

static void wheel_arm__past_deadline_fires_next(void)
{
	struct probe p = { 0 };

	start(5000, note, NULL);
	wheel_arm(&w, &p.t, WHEEL_TEST, 17);
	CU_ASSERT(wheel_next_us(&w) <= 5000);
	CU_ASSERT_EQUAL(wheel_advance(&w, 5000, ALL), 1);
}

static void wheel_arm__clamps_what_is_out_of_reach(void)
{
	static const uint64_t far[] = { 12 * HOUR_US, 48 * HOUR_US, WHEEL_NEVER };

	for (unsigned i = 0; i < 3; i++) {
		struct probe p = { 0 };

		start(999, note, NULL);
		wheel_arm(&w, &p.t, WHEEL_TEST, far[i]);
		CU_ASSERT_EQUAL(wheel_advance(&w, 999 + REACH_US - 1, ALL), 0);
		CU_ASSERT_EQUAL(wheel_advance(&w, 12 * HOUR_US, ALL), 1);
	}
}

static void wheel_arm__moves_an_armed_timer(void)
{
	struct probe p = { 0 };

	start(0, note, NULL);
	wheel_arm(&w, &p.t, WHEEL_TEST, 100);
	wheel_arm(&w, &p.t, WHEEL_TEST, 1000000);
	wheel_arm(&w, &p.t, WHEEL_TEST, 5000);
	CU_ASSERT_EQUAL(w.armed, 1);
	CU_ASSERT_EQUAL(wheel_advance(&w, 4999, ALL), 0);
	CU_ASSERT_EQUAL(wheel_advance(&w, 5000, ALL), 1);
	CU_ASSERT_EQUAL(wheel_advance(&w, 2000000, ALL), 0);
}

static void wheel_cancel__idle_and_armed(void)
{
	struct probe p = { 0 };

	start(0, note, NULL);
	wheel_cancel(&w, &p.t);
	CU_ASSERT_EQUAL(w.armed, 0);
	wheel_arm(&w, &p.t, WHEEL_TEST, 70000);
	wheel_cancel(&w, &p.t);
	CU_ASSERT_FALSE(wheel_armed(&p.t));
	CU_ASSERT_EQUAL(w.armed, 0);
	CU_ASSERT_EQUAL(wheel_next_us(&w), WHEEL_NEVER);
	CU_ASSERT_EQUAL(wheel_advance(&w, HOUR_US, ALL), 0);
}

static void wheel_register__kinds(void)
{
	struct probe p = { 0 };

	start(0, note, NULL);
	wheel_register(&w, WHEEL_KINDS, note, NULL); /* refused: no such kind */
	wheel_arm(&w, &p.t, WHEEL_SOCK, 10);         /* nobody registered */
	CU_ASSERT_EQUAL(wheel_advance(&w, 10, ALL), 1);
	CU_ASSERT_EQUAL(p.fired, 0);
	wheel_arm(&w, &p.t, 200, 20);
	CU_ASSERT_EQUAL(wheel_advance(&w, 20, ALL), 1);
	CU_ASSERT_EQUAL(w.armed, 0);
}

/* Callbacks that reach into the wheel. */
struct meddler {
	struct probe p[4];
	struct probe *freed;
	uint64_t rearm_at;
};

static void meddle(void *ctx, struct wheel_timer *t, uint64_t now_us)
{
	struct meddler *m = ctx;

	note(NULL, t, now_us);
	if (t != &m->p[0].t)
		return;
	wheel_cancel(&w, &m->p[1].t);                        /* expired, not yet run */
	wheel_arm(&w, &m->p[2].t, WHEEL_TEST, now_us + 500); /* expired, moved on */
	wheel_cancel(&w, &m->freed->t);
	free(m->freed);
	wheel_arm(&w, t, WHEEL_TEST, m->rearm_at);
}

static void wheel_advance__callbacks_cancel_move_and_free_expired(void)
{
	struct meddler m = { .freed = calloc(1, sizeof(struct probe)), .rearm_at = 3000 };

	CU_ASSERT_PTR_NOT_NULL_FATAL(m.freed);
	start(0, meddle, &m);
	for (unsigned i = 0; i < 4; i++)
		wheel_arm(&w, &m.p[i].t, WHEEL_TEST, 50);
	wheel_arm(&w, &m.freed->t, WHEEL_TEST, 50);
	CU_ASSERT_EQUAL(wheel_advance(&w, 100, ALL), 2); /* 0 and 3 */
	CU_ASSERT(m.p[0].fired == 1 && m.p[1].fired == 0 && m.p[2].fired == 0 && m.p[3].fired == 1);
	CU_ASSERT_EQUAL(w.armed, 2);
	CU_ASSERT_EQUAL(wheel_advance(&w, 600, ALL), 1);
	CU_ASSERT_EQUAL(m.p[2].fired, 1);
	m.freed = calloc(1, sizeof(struct probe));
	CU_ASSERT_PTR_NOT_NULL_FATAL(m.freed);
	m.rearm_at = 0; /* past: must wait for the next call, not loop */
	CU_ASSERT_EQUAL(wheel_advance(&w, 3000, ALL), 1);
	CU_ASSERT_EQUAL(m.p[0].fired, 2);
	CU_ASSERT(wheel_armed(&m.p[0].t));
}

/* However long nothing was armed, the full reach lies ahead. */
static void wheel_advance__empty_wheel_keeps_up(void)
{
	uint64_t now = 3;

	for (unsigned i = 0; i < 20; i++) {
		struct probe p = { 0 };

		start(now, note, NULL);
		now += 17 * HOUR_US + 12347 * i;
		CU_ASSERT_EQUAL(wheel_advance(&w, now, ALL), 0);
		wheel_arm(&w, &p.t, WHEEL_TEST, now + REACH_US);
		CU_ASSERT_EQUAL(wheel_advance(&w, now + REACH_US - 1, ALL), 0);
		CU_ASSERT_EQUAL(wheel_advance(&w, now + REACH_US, ALL), 1);
	}
}

/* Quiet calls leave the wheel behind: what is armed then still has its time and its reach,
 * and the time to sleep until never stands still. */
static void wheel_advance__armed_after_quiet_calls(void)
{
	uint64_t seed = 1, now = (1ull << 24) * WHEEL_TICK_US - 150000; /* a slot of the top level ends soon */

	for (unsigned round = 0; round < 3000; round++) {
		struct probe far = { 0 }, near = { 0 };
		uint64_t due, next;

		start(now, note, NULL);
		wheel_arm(&w, &far.t, WHEEL_TEST, now + REACH_US);
		for (unsigned i = 0; i < 20; i++) {
			now += test_random(&seed) % 30000;
			CU_ASSERT_EQUAL(wheel_advance(&w, now, ALL), 0);
		}
		due = now + (round % 50 == 0 ? REACH_US : test_random(&seed) >> (33 + round % 30));
		wheel_arm(&w, &near.t, WHEEL_TEST, due);
		for (unsigned steps = 0; wheel_armed(&near.t) && steps < 64; steps++) {
			next = wheel_next_us(&w);
			CU_ASSERT(next <= due);
			if (w.now_us < due - 1 && next == due)
				wheel_advance(&w, due - 1, ALL);
			CU_ASSERT(wheel_armed(&near.t));
			wheel_advance(&w, next, ALL);
		}
		CU_ASSERT(!wheel_armed(&near.t));
		CU_ASSERT(w.now_us == due);
		wheel_cancel(&w, &far.t);
	}
}

static void wheel_advance__budget(void)
{
	enum { N = 1000 };
	struct probe *p = calloc(N, sizeof(*p)), late = { 0 };
	unsigned calls = 0, fired = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	start(0, note, NULL);
	/* All in one slot of the third level, all due in different ticks. */
	for (unsigned i = 0; i < N; i++)
		wheel_arm(&w, &p[i].t, WHEEL_TEST, 700000 + i * 20);
	CU_ASSERT_EQUAL(wheel_advance(&w, 655360, 100), 0);
	CU_ASSERT(wheel_next_us(&w) <= 655360); /* more to move: do not sleep */
	/* Armed for the tick whose upper slot is half moved: neither hides the other. */
	wheel_arm(&w, &late.t, WHEEL_TEST, 655365);
	CU_ASSERT(wheel_next_us(&w) <= 655360);
	CU_ASSERT_EQUAL(wheel_advance(&w, 655364, 100), 0);
	CU_ASSERT_EQUAL(wheel_advance(&w, 655365, ALL), 1);
	CU_ASSERT_EQUAL(wheel_advance(&w, 699999, 0), 0);
	while (fired < N && calls++ < 100) {
		unsigned n = wheel_advance(&w, 800000, 100);

		CU_ASSERT(n <= 100);
		fired += n;
		CU_ASSERT_EQUAL(w.armed, N - fired);
		if (fired < N)
			CU_ASSERT(wheel_next_us(&w) <= 800000);
	}
	CU_ASSERT_EQUAL(fired, N);
	CU_ASSERT(calls <= 2 * N / 100);
	for (unsigned i = 0; i < N; i++)
		CU_ASSERT_EQUAL(p[i].fired, 1);
	free(p);
}

/* A suspended machine: a jump must not walk the ticks. 100,000 jumps of hours
 * over a timer each would take days if it did. */
static void wheel_advance__jumps_of_hours(void)
{
	uint64_t now = 0;

	start(0, note, NULL);
	for (unsigned i = 0; i < 100000; i++) {
		struct probe p = { 0 };

		wheel_arm(&w, &p.t, WHEEL_TEST, now + HOUR_US);
		now += 9 * HOUR_US + i;
		CU_ASSERT_EQUAL_FATAL(wheel_advance(&w, now, ALL), 1);
	}
	CU_ASSERT_EQUAL(wheel_advance(&w, now - HOUR_US, ALL), 0); /* backwards: ignored */
	CU_ASSERT_EQUAL(w.now_us, now);
}

/*
 * The model: every probe remembers whether it should be armed and for when.
 * After an advance with enough budget exactly those due have fired.
 */
enum { PROBES = 400 };

struct model {
	struct probe p[PROBES];
	uint64_t seed, now;
	unsigned in_callback;
};

/* Mostly short, some at level boundaries, some hours. */
static uint64_t random_delay(struct model *m)
{
	uint64_t r = test_random(&m->seed);

	return (r >> 8) % (1ull << (4 + r % 32));
}

static void model_arm(struct model *m, struct probe *p)
{
	p->deadline = m->now + random_delay(m);
	p->armed = true;
	p->arms++;
	wheel_arm(&w, &p->t, WHEEL_TEST, p->deadline);
}

static void model_cancel(struct probe *p)
{
	p->armed = false;
	wheel_cancel(&w, &p->t);
}

static void model_fire(void *ctx, struct wheel_timer *t, uint64_t now_us)
{
	struct model *m = ctx;
	struct probe *p = (struct probe *)t;
	uint64_t r = test_random(&m->seed);

	CU_ASSERT_FATAL(p->armed);
	CU_ASSERT_FATAL(p->deadline <= now_us);
	p->armed = false;
	p->fired_at = now_us;
	if (r % 4 == 0)
		model_arm(m, p);
	if (r % 8 == 1)
		model_cancel(&m->p[(r >> 8) % PROBES]);
	if (r % 8 == 2)
		model_arm(m, &m->p[(r >> 8) % PROBES]);
	m->in_callback++;
}

/* Armed in a callback for this very moment waits for the next call, so due
 * ones are looked for among those that were armed before. */
static void model_check(const struct model *m, const unsigned *arms_before)
{
	unsigned armed = 0;
	uint64_t earliest = WHEEL_NEVER, next = wheel_next_us(&w);

	for (unsigned i = 0; i < PROBES; i++) {
		const struct probe *p = &m->p[i];

		CU_ASSERT_EQUAL_FATAL(p->armed, wheel_armed(&p->t));
		if (!p->armed)
			continue;
		armed++;
		earliest = p->deadline < earliest ? p->deadline : earliest;
		if (arms_before[i] == p->arms)
			CU_ASSERT_FATAL(p->deadline > m->now);
	}
	CU_ASSERT_EQUAL_FATAL(w.armed, armed);
	CU_ASSERT_FATAL(next <= (earliest > m->now ? earliest : m->now));
	CU_ASSERT_EQUAL_FATAL(next == WHEEL_NEVER, armed == 0);
}

static void model_step(struct model *m)
{
	uint64_t r = test_random(&m->seed), next;
	unsigned arms[PROBES];

	for (unsigned i = 0; i < r % 8; i++) {
		struct probe *p = &m->p[test_random(&m->seed) % PROBES];

		if (test_random(&m->seed) % 4 == 0)
			model_cancel(p);
		else
			model_arm(m, p);
	}
	for (unsigned i = 0; i < PROBES; i++)
		arms[i] = m->p[i].arms;
	next = wheel_next_us(&w);
	if (r >> 60 < 8)
		m->now += random_delay(m) >> 4;
	else if (next != WHEEL_NEVER && next > m->now)
		m->now = next - (r >> 60 == 8 && next > m->now + 1);
	wheel_advance(&w, m->now, ALL);
	model_check(m, arms);
}

static void wheel__random_operations_agree_with_model(void)
{
	/* The second begins just before the 32-bit tick wraps, the third just
	 * before the top level does. */
	static const uint64_t starts[] = { 0, 42949672960ull - 1000, 42949672960ull - 167772160 - 5 };

	for (unsigned s = 0; s < 3; s++) {
		struct model *m = calloc(1, sizeof(*m));

		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		m->seed = s + 1;
		m->now = starts[s];
		start(m->now, model_fire, m);
		for (unsigned i = 0; i < 10000; i++)
			model_step(m);
		CU_ASSERT(m->in_callback > 1000);
		free(m);
	}
}

/* With a small budget nothing fires early or twice, and all of it in the end. */
static void wheel__small_budget_loses_nothing(void)
{
	struct model *m = calloc(1, sizeof(*m));

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	m->seed = 99;
	m->now = 42949672960ull - 3000000;
	start(m->now, model_fire, m);
	for (unsigned i = 0; i < 20000; i++) {
		if (i % 2 == 0)
			model_arm(m, &m->p[test_random(&m->seed) % PROBES]);
		m->now += random_delay(m) >> 12;
		CU_ASSERT(wheel_advance(&w, m->now, 3) <= 3);
	}
	wheel_register(&w, WHEEL_TEST, note, NULL);
	for (unsigned i = 0; i < 100000 && w.armed > 0; i++)
		wheel_advance(&w, m->now + 20 * HOUR_US, 3);
	CU_ASSERT_EQUAL(w.armed, 0);
	for (unsigned i = 0; i < PROBES; i++)
		CU_ASSERT_EQUAL(m->p[i].fired, m->p[i].armed);
	free(m);
}

static const struct test_case cases[] = {
	TEST_CASE(wheel_advance__never_before_first_at_or_past),
	TEST_CASE(wheel_next_us__leads_to_the_deadline),
	TEST_CASE(wheel_arm__past_deadline_fires_next),
	TEST_CASE(wheel_arm__clamps_what_is_out_of_reach),
	TEST_CASE(wheel_arm__moves_an_armed_timer),
	TEST_CASE(wheel_cancel__idle_and_armed),
	TEST_CASE(wheel_register__kinds),
	TEST_CASE(wheel_advance__callbacks_cancel_move_and_free_expired),
	TEST_CASE(wheel_advance__empty_wheel_keeps_up),
	TEST_CASE(wheel_advance__armed_after_quiet_calls),
	TEST_CASE(wheel_advance__budget),
	TEST_CASE(wheel_advance__jumps_of_hours),
	TEST_CASE(wheel__random_operations_agree_with_model),
	TEST_CASE(wheel__small_budget_loses_nothing),
};
TEST_MAIN("wheel", cases)
