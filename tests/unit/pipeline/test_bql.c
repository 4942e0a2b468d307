/* SPDX-License-Identifier: BSD-3-Clause */
/* The byte limit against a device that drains at a rate, in virtual time. */
#include "app/smcgate/pipeline/bql.h"
#include "tests/unit/test.h"

#define FRAME 1514u

/* A device that gives back bytes_us octets a microsecond, seen every turn_us. */
struct device {
	struct bql b;
	uint64_t posted, done, now_us;
	uint64_t idle_us;       /* turns in which it ran dry while there was something to send */
};

/* One turn: what came back, then as much as the limit lets through of demand octets. */
static void turn(struct device *d, uint32_t bytes_us, uint32_t turn_us, uint64_t demand)
{
	uint64_t can = (uint64_t)bytes_us * turn_us, has = d->posted - d->done;

	d->now_us += turn_us;
	if (can > has && demand > has)
		d->idle_us += turn_us;
	d->done += can < has ? can : has;
	bql_update(&d->b, d->posted, d->done, d->now_us);
	while (demand >= FRAME && bql_room(&d->b) >= 0) {
		bql_sent(&d->b, FRAME);
		d->posted += FRAME;
		demand -= FRAME;
	}
}

static void start(struct device *d)
{
	*d = (struct device){ 0 };
	bql_init(&d->b, 0);
}

static void bql_update__grows_until_the_device_is_never_dry(void)
{
	/* octets a microsecond, length of a turn */
	static const struct { uint32_t rate, turn_us; } cases[] = {
		{ 1250, 10 }, { 1250, 50 }, { 125, 100 }, { 12, 1000 },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t need = (uint64_t)cases[i].rate * cases[i].turn_us;
		struct device d;

		start(&d);
		for (unsigned n = 0; n < 200; n++)
			turn(&d, cases[i].rate, cases[i].turn_us, 10 * need + 20 * FRAME);
		d.idle_us = 0;
		for (unsigned n = 0; n < 500; n++)
			turn(&d, cases[i].rate, cases[i].turn_us, 10 * need + 20 * FRAME);
		CU_ASSERT_EQUAL(d.idle_us, 0);
		CU_ASSERT_TRUE(d.b.limit >= need);
		CU_ASSERT_TRUE(d.b.limit <= 4 * need + 8 * FRAME);
	}
}

static void bql_update__shrinks_after_the_hold_time(void)
{
	struct device d;
	uint32_t high;

	start(&d);
	for (unsigned n = 0; n < 2000; n++)
		turn(&d, 1250, 100, 1000000);
	high = d.b.limit;
	CU_ASSERT_TRUE(high >= 125000);
	/* The device became ten times slower: within the hold time nothing changes. */
	for (unsigned n = 0; n < 5000; n++)
		turn(&d, 125, 100, 1000000);
	CU_ASSERT_EQUAL(d.b.limit, high);
	for (unsigned n = 0; n < 60000; n++)
		turn(&d, 125, 100, 1000000);
	CU_ASSERT_TRUE(d.b.limit < high / 2);
	CU_ASSERT_TRUE(d.b.limit >= 12500);
	CU_ASSERT_TRUE(d.b.shrunk != 0);
}

static void bql_update__an_idle_sender_keeps_its_limit(void)
{
	struct device d;
	uint32_t limit;

	start(&d);
	for (unsigned n = 0; n < 200; n++)
		turn(&d, 1250, 50, 1000000);
	limit = d.b.limit;
	for (unsigned n = 0; n < 100000; n++)
		turn(&d, 1250, 50, n % 10 == 0 ? FRAME : 0);
	CU_ASSERT_EQUAL(d.b.limit, limit);
}

static void bql_update__stays_between_its_bounds(void)
{
	struct device d;

	start(&d);
	CU_ASSERT_EQUAL(d.b.limit, BQL_LIMIT_MIN);
	for (unsigned n = 0; n < 2000; n++)
		turn(&d, 1000000, 1000, UINT64_C(10000000));
	CU_ASSERT_EQUAL(d.b.limit, BQL_LIMIT_MAX);
	start(&d);
	for (unsigned n = 0; n < 50000; n++)
		turn(&d, 1, 1000, 10000000);
	CU_ASSERT_EQUAL(d.b.limit, BQL_LIMIT_MIN);
}

/* What a reset of the queue gives up is room at once, and no measurement: without
 * that the limit would grow by what was outstanding, reset by reset. */
static void bql_reset__leaves_the_limit_alone(void)
{
	struct device d;
	uint32_t limit;

	start(&d);
	for (unsigned n = 0; n < 500; n++)
		turn(&d, 125, 100, 1000000);
	limit = d.b.limit;
	for (unsigned r = 0; r < 100; r++) {
		for (unsigned n = 0; n < 3; n++)
			turn(&d, 125, 100, 1000000);
		CU_ASSERT_TRUE(d.posted > d.done);
		d.done = d.posted;
		bql_reset(&d.b, d.posted, d.done, d.now_us);
		CU_ASSERT_EQUAL(bql_room(&d.b), d.b.limit);
	}
	CU_ASSERT_TRUE(d.b.limit <= limit + 4 * FRAME);
	/* It goes on as before, from an empty device. */
	turn(&d, 125, 100, 1000000);
	d.idle_us = 0;
	for (unsigned n = 0; n < 500; n++)
		turn(&d, 125, 100, 1000000);
	CU_ASSERT_EQUAL(d.idle_us, 0);
}

static void bql_room__may_be_overshot_by_one_frame(void)
{
	struct bql b;

	bql_init(&b, 0);
	bql_sent(&b, BQL_LIMIT_MIN - 1);
	CU_ASSERT_EQUAL(bql_room(&b), 1);
	bql_sent(&b, 65536);
	CU_ASSERT_EQUAL(bql_room(&b), 1 - 65536);
}

static const struct test_case cases[] = {
	TEST_CASE(bql_update__grows_until_the_device_is_never_dry),
	TEST_CASE(bql_update__shrinks_after_the_hold_time),
	TEST_CASE(bql_update__an_idle_sender_keeps_its_limit),
	TEST_CASE(bql_update__stays_between_its_bounds),
	TEST_CASE(bql_reset__leaves_the_limit_alone),
	TEST_CASE(bql_room__may_be_overshot_by_one_frame),
};
TEST_MAIN("pipeline_bql", cases)
