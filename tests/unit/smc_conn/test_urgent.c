/* SPDX-License-Identifier: BSD-3-Clause */
/* Urgent data both ways: one octet, in line, with a mark. */
#include <errno.h>

#include "tests/unit/smc_conn/world.h"

/* A short one is one CDC with both flags; they are gone in the next. */
static void send__one_cdc_with_both_flags(void)
{
	pair_world(NULL, NULL);
	CU_ASSERT_EQUAL(smc_send_urgent(u[0].c, '!'), 0);
	world_run();
	CU_ASSERT_EQUAL(world->s[0].posted, 1);
	CU_ASSERT_EQUAL(world->s[0].last.prod_flags, CDC_URG_PENDING | CDC_URG_PRESENT);
	CU_ASSERT_EQUAL(world->s[0].last.prod.count, 1);
	CU_ASSERT_TRUE(u[1].seen & TCP_EV_URGENT);
	CU_ASSERT_EQUAL(smc_urgent_mark(u[1].c), 1);
	smc_consume(u[1].c, 1);
	CU_ASSERT_EQUAL(smc_urgent_mark(u[1].c), -1);
	world_run();
	CU_ASSERT_EQUAL(smc_send(u[0].c, "x", 1), 1);
	world_run();
	CU_ASSERT_EQUAL(world->s[0].last.prod_flags, 0);
	smc_consume(u[1].c, 1);
	pair_end();
}

/* Behind it nothing is taken until the peer has read everything; it hears of
 * that at once. */
static void send__waits_until_consumed(void)
{
	pair_world(NULL, NULL);
	send_stream(&u[0], 0, 100);
	CU_ASSERT_EQUAL(smc_send_urgent(u[0].c, '!'), 0);
	CU_ASSERT_EQUAL(smc_send_urgent(u[0].c, '!'), -EAGAIN);
	CU_ASSERT_EQUAL(smc_send(u[0].c, "x", 1), -EAGAIN);
	CU_ASSERT_EQUAL(smc_send_room(u[0].c), 0);
	world_run();
	CU_ASSERT_EQUAL(smc_urgent_mark(u[1].c), 101);
	CU_ASSERT_EQUAL(read_stream(&u[1], 0, 100), 100);
	CU_ASSERT_EQUAL(smc_urgent_mark(u[1].c), 1);
	world_run();
	CU_ASSERT_EQUAL(smc_send(u[0].c, "x", 1), -EAGAIN);
	CU_ASSERT_FALSE(u[0].seen & TCP_EV_WRITABLE);
	smc_consume(u[1].c, 1); /* far below the limit of updates */
	world_run();
	CU_ASSERT_TRUE(u[0].seen & TCP_EV_WRITABLE);
	CU_ASSERT_EQUAL(smc_send(u[0].c, "x", 1), 1);
	world_run();
	smc_consume(u[1].c, 1);
	pair_end();
}

/* The peer's ring is full: it hears that something urgent is behind. */
static void send__pending_is_told_without_room(void)
{
	uint64_t posted;

	pair_world(NULL, &(struct pair_args){ .snd = { 32768, 0 } });
	send_stream(&u[0], 0, 16384);
	world_run();
	CU_ASSERT_EQUAL(smc_send_urgent(u[0].c, '!'), 0);
	posted = world->s[0].posted;
	world_run();
	CU_ASSERT_EQUAL(world->s[0].posted, posted + 1);
	CU_ASSERT_EQUAL(world->s[0].last.prod_flags, CDC_WRITE_BLOCKED | CDC_URG_PENDING);
	CU_ASSERT_EQUAL(smc_urgent_mark(u[1].c), -1);
	CU_ASSERT_EQUAL(read_stream(&u[1], 0, 16384), 16384);
	world_run();
	CU_ASSERT_EQUAL(world->s[0].last.prod_flags, CDC_URG_PENDING | CDC_URG_PRESENT);
	CU_ASSERT_EQUAL(smc_urgent_mark(u[1].c), 1);
	smc_consume(u[1].c, 1);
	pair_end();
}

/* Behind cork and autocork too. */
static void send__is_not_held_back(void)
{
	pair_world(&(struct world_args){ .autocork = 65536 }, NULL);
	smc_cork(u[0].c, true);
	smc_send_urgent(u[0].c, '!');
	world_output();
	CU_ASSERT_EQUAL(world->s[0].posted, 1);
	world_run();
	smc_consume(u[1].c, 1);
	pair_end();
}

static void receive__marks(void)
{
	struct cdc_msg m;

	pair_world(NULL, NULL);
	CU_ASSERT_EQUAL(smc_urgent_mark(u[1].c), -1);
	m = world_cdc(&u[1]);
	m.prod_flags = CDC_URG_PENDING;
	world_inject(&u[1], &m);
	world_deliver();
	CU_ASSERT_EQUAL(u[1].calls, 0);
	m = world_cdc(&u[1]);
	m.prod_flags = CDC_URG_PRESENT; /* of nothing: no octet is before the cursor */
	world_inject(&u[1], &m);
	world_deliver();
	CU_ASSERT_EQUAL(u[1].calls, 0);
	m = world_cdc(&u[1]);
	m.prod.count = 10;
	m.prod_flags = CDC_URG_PRESENT | CDC_URG_PENDING;
	world_inject(&u[1], &m);
	m.seq++;
	world_inject(&u[1], &m); /* repeated: one event */
	world_deliver();
	CU_ASSERT_EQUAL(u[1].seen, TCP_EV_READABLE | TCP_EV_URGENT);
	CU_ASSERT_EQUAL(u[1].calls, 1);
	CU_ASSERT_EQUAL(smc_urgent_mark(u[1].c), 10);
	m.seq++;
	m.prod.count = 20; /* the mark moves */
	world_inject(&u[1], &m);
	CU_ASSERT_EQUAL(smc_urgent_mark(u[1].c), 20);
	m.seq++;
	m.prod.count = 30;
	m.prod_flags = 0;
	world_inject(&u[1], &m);
	smc_consume(u[1].c, 19);
	CU_ASSERT_EQUAL(smc_urgent_mark(u[1].c), 1);
	smc_consume(u[1].c, 5);
	CU_ASSERT_EQUAL(smc_urgent_mark(u[1].c), -1);
	smc_consume(u[1].c, UINT32_MAX);
	u[0].c->seq_out = u[1].c->seq_in;
	pair_end();
}

static void both__at_once(void)
{
	unsigned i, k;

	pair_world(NULL, NULL);
	for (k = 0; k < 1000; k++) {
		for (i = 0; i < 2; i++)
			CU_ASSERT_EQUAL_FATAL(smc_send_urgent(u[i].c, (uint8_t)k), 0);
		world_run();
		for (i = 0; i < 2; i++) {
			uint8_t octet;

			CU_ASSERT_EQUAL(smc_urgent_mark(u[i].c), 1);
			CU_ASSERT_EQUAL(smc_read(u[i].c, &octet, 1), 1);
			CU_ASSERT_EQUAL(octet, (uint8_t)k);
		}
		world_run();
	}
	CU_ASSERT_EQUAL(world->s[0].ss.stats.urgent, 2000);
	pair_end();
}

static const struct test_case cases[] = {
	TEST_CASE(send__one_cdc_with_both_flags),
	TEST_CASE(send__waits_until_consumed),
	TEST_CASE(send__pending_is_told_without_room),
	TEST_CASE(send__is_not_held_back),
	TEST_CASE(receive__marks),
	TEST_CASE(both__at_once),
};
TEST_MAIN("smc_conn_urgent", cases)
