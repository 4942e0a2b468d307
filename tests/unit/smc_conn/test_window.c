/* SPDX-License-Identifier: BSD-3-Clause */
/* When a reader tells the writer of room: enough that none of them ever waits
 * for the other. */
#include "tests/unit/smc_conn/world.h"

/* Read in steps from a full ring: updates are sent by Linux's rule. */
static void update__rule(void)
{
	static const struct {
		uint32_t size, filled, read;
		bool blocked;
		bool update;
	} rows[] = {
		/* limit 2304: more than it, and half of the ring used or the peer blocked */
		{ 16384, 16384, 2304, true, false },
		{ 16384, 16384, 2305, true, true },
		{ 16384, 8192, 2305, false, true },   /* room as told is just half */
		{ 16384, 8191, 2305, false, false },  /* more than half */
		{ 16384, 8191, 8191, false, false },  /* 60 % freed: the writer still has room */
		{ 16384, 12000, 2304, false, false },
		{ 65536, 65536, 6553, true, false },
		{ 65536, 65536, 6554, true, true },
		{ 32768, 32768, 3276, true, false },
		{ 32768, 32768, 3277, true, true },
	};
	unsigned i;

	for (i = 0; i < RTE_DIM(rows); i++) {
		pair_world(NULL, &(struct pair_args){ .rmb = { 0, rows[i].size }, .snd = { 65536, 0 } });
		send_stream(&u[0], 0, rows[i].filled);
		world_run();
		CU_ASSERT_EQUAL(!!(u[1].c->rx_prod_flags & CDC_WRITE_BLOCKED), rows[i].blocked);
		read_stream(&u[1], 0, rows[i].read);
		world_output();
		CU_ASSERT_EQUAL(world->s[1].posted, rows[i].update);
		if (rows[i].update) {
			CU_ASSERT_EQUAL(world->s[1].last.cons.count, rows[i].read);
			CU_ASSERT_EQUAL(world->s[1].writes, 0);
			CU_ASSERT_EQUAL(u[1].c->updates_out, 1);
		}
		smc_consume(u[1].c, rows[i].size);
		world_run();
		pair_end();
	}
}

/* Every data CDC carries the cursor: request and answer need no update. */
static void update__rides_on_data(void)
{
	unsigned i;

	pair_world(NULL, NULL);
	for (i = 0; i < 1000; i++) {
		send_stream(&u[0], i * 100, 100);
		world_run();
		read_stream(&u[1], i * 100, 100);
		send_stream(&u[1], i * 100, 100);
		world_run();
		read_stream(&u[0], i * 100, 100);
	}
	CU_ASSERT_EQUAL(world->s[0].posted, 1000);
	CU_ASSERT_EQUAL(world->s[1].posted, 1000);
	CU_ASSERT_EQUAL(u[0].c->updates_out + u[1].c->updates_out, 0);
	pair_end();
}

/* Less than the limit was read when the ring ran empty, and the writer waits. */
static void update__forced_when_blocked_and_empty(void)
{
	struct cdc_msg m;

	pair_world(NULL, NULL);
	send_stream(&u[0], 0, 100);
	world_run();
	m = world_cdc(&u[1]);
	m.prod_flags = CDC_WRITE_BLOCKED;
	world_inject(&u[1], &m);
	world_run();
	CU_ASSERT_EQUAL(world->s[1].posted, 0);
	read_stream(&u[1], 0, 99);
	world_run();
	CU_ASSERT_EQUAL(world->s[1].posted, 0);
	read_stream(&u[1], 99, 1);
	world_run();
	CU_ASSERT_EQUAL(world->s[1].posted, 1);
	CU_ASSERT_EQUAL(world->s[1].last.cons.count, 100);
	pair_end();
}

/* The flag comes behind the read. */
static void update__blocked_told_after_the_read(void)
{
	struct cdc_msg m;

	pair_world(NULL, NULL);
	send_stream(&u[0], 0, 3000);
	world_run();
	read_stream(&u[1], 0, 3000);
	world_run();
	CU_ASSERT_EQUAL(world->s[1].posted, 0); /* more than half is free */
	m = world_cdc(&u[1]);
	m.prod_flags = CDC_WRITE_BLOCKED;
	world_inject(&u[1], &m);
	world_run();
	CU_ASSERT_EQUAL(world->s[1].posted, 1);
	pair_end();
}

/* The user read a little and waits for the rest of something that does not fit:
 * after a while the writer hears of the little. */
static void update__little_after_a_while(void)
{
	pair_world(NULL, NULL);
	send_stream(&u[0], 0, 16384);
	world_run();
	send_stream(&u[0], 16384, 16384);
	read_stream(&u[1], 0, 100);
	world_run();
	CU_ASSERT_EQUAL(world->s[1].posted, 0);
	CU_ASSERT_EQUAL(smc_readable(u[1].c), 16284);
	world_wait(SMC_UPDATE_US);
	CU_ASSERT_EQUAL(world->s[1].posted, 1);
	CU_ASSERT_EQUAL(smc_readable(u[1].c), 16384);
	/* Nothing was read since: nothing is told. */
	world_wait(10 * SMC_UPDATE_US);
	CU_ASSERT_EQUAL(world->s[1].posted, 1);
	while (smc_readable(u[1].c) > 0) {
		smc_consume(u[1].c, 16384);
		world_run();
	}
	pair_end();
}

/* The peer asks for a cursor: one answer, whatever was read. */
static void update__asked_for(void)
{
	struct cdc_msg m;

	pair_world(NULL, NULL);
	m = world_cdc(&u[1]);
	m.prod_flags = CDC_CURSOR_WANTED;
	world_inject(&u[1], &m);
	world_run();
	CU_ASSERT_EQUAL(world->s[1].posted, 1);
	CU_ASSERT_FALSE(u[1].c->rx_prod_flags & CDC_CURSOR_WANTED);
	world_run();
	CU_ASSERT_EQUAL(world->s[1].posted, 1);
	pair_end();
}

static void update__not_to_a_peer_that_is_done(void)
{
	pair_world(NULL, NULL);
	send_stream(&u[0], 0, 16384);
	smc_shutdown(u[0].c);
	world_run();
	CU_ASSERT_EQUAL(read_stream(&u[1], 0, 16384), 16384);
	CU_ASSERT_TRUE(smc_eof(u[1].c));
	world_run();
	CU_ASSERT_EQUAL(world->s[1].posted, 0);
	pair_end();
}

/* A reader of single octets from a full ring, both ways at once: no stall, and
 * not an update for each octet. */
static void reader__of_single_octets(void)
{
	uint64_t sent[2] = { 0 }, got[2] = { 0 };
	unsigned i, n = 0;

	pair_world(NULL, NULL);
	while (RTE_MIN(got[0], got[1]) < 60000 && n++ < 1000000) {
		for (i = 0; i < 2; i++)
			if (smc_send_room(u[i].c) > 0)
				sent[i] += send_stream(&u[i], sent[i], 16384);
		world_run();
		for (i = 0; i < 2; i++)
			got[i] += read_stream(&u[!i], got[i], 1);
	}
	CU_ASSERT_TRUE(RTE_MIN(got[0], got[1]) >= 60000);
	CU_ASSERT_TRUE(u[0].c->updates_out < 60000 / 500);
	smc_abort(u[0].c);
	smc_abort(u[1].c);
	world_run();
	world_close();
}

/* For every ring and every way of reading: a writer that always has more never
 * stands still while the reader reads on what is there. */
static void liveness__no_pattern_stalls(void)
{
	static const uint32_t steps[] = { 1, 7, 100, 2303, 2304, 2305, 4096, 8191, 8192, 8193, 16383, 16384,
		40000 };
	unsigned i, k;

	for (k = 0; k < 3; k++) {
		for (i = 0; i < RTE_DIM(steps); i++) {
			uint64_t sent = 0, got = 0, want = RTE_MIN(300000ull, 3000ull * steps[i]);

			pair_world(NULL,
				&(struct pair_args){ .rmb = { 0, 16384u << k },
					.snd = { 16384u << (2 - k), 0 } });
			while (got < want) {
				uint32_t r;

				sent += send_stream(&u[0], sent, 65536);
				world_run();
				r = read_stream(&u[1], got, steps[i]);
				got += r;
				if (r == 0) /* only the timer may help, and it must */
					world_wait(SMC_UPDATE_US + 100);
				if (r == 0 && smc_readable(u[1].c) == 0)
					break;
			}
			CU_ASSERT_TRUE(got >= want);
			smc_abort(u[0].c);
			smc_abort(u[1].c);
			world_run();
			world_close();
		}
	}
}

static const struct test_case cases[] = {
	TEST_CASE(update__rule),
	TEST_CASE(update__rides_on_data),
	TEST_CASE(update__forced_when_blocked_and_empty),
	TEST_CASE(update__blocked_told_after_the_read),
	TEST_CASE(update__little_after_a_while),
	TEST_CASE(update__asked_for),
	TEST_CASE(update__not_to_a_peer_that_is_done),
	TEST_CASE(reader__of_single_octets),
	TEST_CASE(liveness__no_pattern_stalls),
};
TEST_MAIN("smc_conn_window", cases)
