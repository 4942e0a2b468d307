/* SPDX-License-Identifier: BSD-3-Clause */
/* Buffers that are sent from where they lie: what arrives is right, each is held
 * as long as a work request may read it and not longer, and freed once. */
#include <errno.h>

#include "proto/smc/give.h"
#include "tests/unit/smc_conn/world.h"

static const struct world_args with_regions = { .regions = true };

static void open_pair(const struct pair_args *pa)
{
	pair_world(&with_regions, pa);
}

/* n buffers of len octets. */
static void give(uint64_t *at, uint32_t len, unsigned n)
{
	uint32_t lens[64];

	for (unsigned i = 0; i < n; i++)
		lens[i] = len;
	CU_ASSERT_EQUAL(smc_give(u[0].c, stream_chain(*at, lens, n), len * n), 0);
	*at += (uint64_t)len * n;
}

static void check_arrived(uint64_t *got, uint64_t upto)
{
	while (*got < upto) {
		uint32_t n = read_stream(&u[1], *got, (uint32_t)(upto - *got));

		CU_ASSERT_TRUE_FATAL(n > 0);
		*got += n;
		world_run();
	}
	CU_ASSERT_EQUAL(smc_readable(u[1].c), 0);
}

/* Small ones are copied, so that little data does not keep a buffer. */
static void give__large_ones_only(void)
{
	static const uint32_t lens[] = { 1023, 1024, 0, 2000, 1, 1448, 1448, 16 };
	uint64_t got = 0;

	open_pair(NULL);
	CU_ASSERT_EQUAL(send_stream(&u[0], 0, 10), 10);
	CU_ASSERT_EQUAL(smc_give(u[0].c, stream_chain(10, lens, 8), 6960), 0);
	CU_ASSERT_EQUAL(send_stream(&u[0], 6970, 30), 30);
	CU_ASSERT_EQUAL(mbufs_out(), 4);
	CU_ASSERT_EQUAL(smc_unacked(u[0].c), 7000);
	CU_ASSERT_EQUAL(world->s[0].ss.stats.given, 4);
	CU_ASSERT_EQUAL(world->s[0].ss.stats.given_copied, 4);
	world_run();
	CU_ASSERT_EQUAL(world->s[0].from_buffers, 1024 + 2000 + 1448 + 1448);
	CU_ASSERT_EQUAL(world->s[0].written, 7000);
	CU_ASSERT_EQUAL(mbufs_out(), 0);
	check_arrived(&got, 7000);
	pair_end();
}

/* No region has the buffers: as if they were sent. */
static void give__outside_of_regions(void)
{
	uint64_t at = 0, got = 0;

	open_pair(NULL);
	world->s[0].lgr.regions[0] = NULL; /* could not be registered */
	give(&at, 1448, 2);
	world->s[0].lgr.regions[0] = &world->s[0].region;
	world->s[0].ss.conf.regions[0].len = 1;
	give(&at, 1448, 2);
	CU_ASSERT_EQUAL(mbufs_out(), 0);
	world_run();
	CU_ASSERT_EQUAL(world->s[0].from_buffers, 0);
	check_arrived(&got, at);
	pair_end();
}

static void give__held_until_completed(void)
{
	uint64_t at = 0, got = 0;

	open_pair(NULL);
	give(&at, 1448, 2);
	world_output();
	give(&at, 1448, 1);
	world_output();
	CU_ASSERT_EQUAL(world->s[0].posted, 2);
	CU_ASSERT_EQUAL(mbufs_out(), 3);
	world_arrive(0);
	world_arrive(0);
	CU_ASSERT_EQUAL(mbufs_out(), 3);
	world_complete(0);
	CU_ASSERT_EQUAL(mbufs_out(), 1);
	world_complete(0);
	CU_ASSERT_EQUAL(mbufs_out(), 0);
	CU_ASSERT_PTR_NULL(u[0].c->give_head);
	check_arrived(&got, at);
	pair_end();
}

/* Somebody else has a reference as well: only ours goes. */
static void give__shared_buffer(void)
{
	static const uint32_t len = 1500;
	struct rte_mbuf *m;

	open_pair(NULL);
	m = stream_chain(0, &len, 1);
	rte_mbuf_refcnt_update(m, 1);
	CU_ASSERT_EQUAL(smc_give(u[0].c, m, len), 0);
	world_run();
	CU_ASSERT_EQUAL(rte_mbuf_refcnt_read(m), 1);
	rte_pktmbuf_free(m);
	CU_ASSERT_EQUAL(read_stream(&u[1], 0, len), len);
	pair_end();
}

/* The peer's ring, smaller than ours, takes a part of a buffer; its end, and the
 * end of ours, lie in the middle of one. */
static void give__through_rings_of_any_size(void)
{
	static const struct { uint32_t snd, rmb, first, len; unsigned n; } rows[] = {
		{ 65536, 16384, 0, 1448, 40 }, { 16384, 65536, 5000, 1448, 11 }, { 16384, 16384, 16000, 2000, 8 },
		{ 65536, 65536, 60000, 1024, 64 }, { 16384, 16384, 1, 1024, 16 }, { 1 << 20, 1 << 20, 3, 1800, 64 },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		uint64_t at = 0, got = 0;

		open_pair(&(struct pair_args){ .snd = { rows[i].snd, 0 }, .rmb = { 0, rows[i].rmb } });
		for (unsigned round = 0; round < 4; round++) {
			at += send_stream(&u[0], at, rows[i].first);
			world_run();
			check_arrived(&got, at);
			give(&at, rows[i].len, rows[i].n > rows[i].snd / rows[i].len ? rows[i].snd / rows[i].len :
			     rows[i].n);
			world_run();
			check_arrived(&got, at);
			CU_ASSERT_EQUAL(mbufs_out(), 0);
		}
		pair_end();
	}
}

/* More pieces than work requests of one post take: another post has the rest. */
static void give__more_than_a_post_takes(void)
{
	uint64_t at = 0, got = 0;

	open_pair(&(struct pair_args){ .snd = { 1 << 20, 0 }, .rmb = { 0, 1 << 20 } });
	give(&at, 1100, 64);
	world_output();
	CU_ASSERT_EQUAL(world->s[0].posted, 1);
	CU_ASSERT_TRUE(world->s[0].writes <= SMC_POST_WRITES && world->s[0].written < at);
	world_run();
	CU_ASSERT_EQUAL(world->s[0].posted, 2);
	CU_ASSERT_EQUAL(world->s[0].from_buffers, at);
	check_arrived(&got, at);
	pair_end();
}

/* All that a stack may hold is held: the others are copied. */
static void give__no_more_than_so_many(void)
{
	struct pool *pool;
	uint64_t at = 0, got = 0;

	open_pair(&(struct pair_args){ .snd = { 65536, 0 } });
	pool = &world->s[0].ss.gives->pool;
	CU_ASSERT_EQUAL(pool->max, SMC_GIVES_MAX);
	pool->max = 3;
	give(&at, 1500, 5);
	CU_ASSERT_EQUAL(mbufs_out(), 3);
	world_run();
	CU_ASSERT_EQUAL(world->s[0].from_buffers, 3 * 1500);
	check_arrived(&got, at);
	pair_end();
}

/* ---- the end, at any stage ------------------------------------------------------- */

enum stage { QUEUED, POSTED, PART_POSTED, ARRIVED, STAGES };
enum ending { CLOSE, ABORT, PEER_CLOSES, PEER_ABORTS, LINK_LOST, ENDINGS };

static void reach(enum stage stage)
{
	uint64_t at = 0;

	if (stage == PART_POSTED) { /* the peer has room for one buffer and a half */
		at += send_stream(&u[0], 0, 16384 - 2172);
		world_run();
	}
	give(&at, 1448, 4);
	if (stage != QUEUED)
		world_output();
	if (stage == ARRIVED)
		world_arrive(0);
	if (stage == PART_POSTED)
		CU_ASSERT_EQUAL(world->s[0].from_buffers, 2172);
	CU_ASSERT_EQUAL(mbufs_out(), 4);
}

static void end_by(enum ending how)
{
	struct smc_conn *c = u[how == PEER_CLOSES || how == PEER_ABORTS].c;

	switch (how) {
	case CLOSE: case PEER_CLOSES:
		smc_close(c);
		break;
	case ABORT: case PEER_ABORTS:
		smc_abort(c);
		break;
	default:
		world_lose(&u[0]);
		smc_close(u[0].c);
		break;
	}
}

static void give__ends_at_any_stage(void)
{
	for (unsigned how = 0; how < ENDINGS; how++) {
		for (unsigned stage = 0; stage < STAGES; stage++) {
			open_pair(NULL);
			reach((enum stage)stage);
			end_by((enum ending)how);
			if (how == LINK_LOST) {
				CU_ASSERT_EQUAL(mbufs_out(), 0);
				smc_conn_link_lost(u[1].c);
			}
			world_wait(3000000);
			CU_ASSERT_EQUAL(mbufs_out(), 0);
			if (how != PEER_CLOSES && how != PEER_ABORTS)
				smc_close(u[1].c);
			else
				smc_close(u[0].c);
			world_wait(70000000);
			world_close();
		}
	}
}

/* What was posted stays while it may be read; the rest goes at once. */
static void give__abort_keeps_what_is_read(void)
{
	open_pair(NULL);
	reach(PART_POSTED);
	smc_abort(u[0].c);
	CU_ASSERT_EQUAL(mbufs_out(), 2);
	world_output();
	world_arrive(0);
	CU_ASSERT_EQUAL(mbufs_out(), 2);
	world_complete(0);
	CU_ASSERT_EQUAL(mbufs_out(), 0);
	world_run();
	smc_close(u[1].c);
	world_run();
	world_close();
}

/* ---- what was taken from the same connection goes back through it ------------------ */

/* All memory is one region: rings are given from as well. */
static void all_is_a_region(struct side *s)
{
	s->ss.conf.regions[0] = (struct smc_region){ NULL, SIZE_MAX };
	s->region.start = NULL;
	s->region.len = SIZE_MAX;
}

/* u[0] has sent len octets and takes back what u[1] returns of its own ring's memory. */
static void echo(uint32_t len)
{
	struct rte_mbuf *m;
	unsigned segs;

	all_is_a_region(&world->s[1]);
	CU_ASSERT_EQUAL(send_stream(&u[0], 0, len), len);
	world_run();
	CU_ASSERT_EQUAL_FATAL(smc_take(u[1].c, len, &m, &segs), len);
	CU_ASSERT_EQUAL(smc_give(u[1].c, m, len), 0);
	CU_ASSERT_EQUAL(world->s[1].ss.stats.given, segs);
}

static void give__taken_from_itself(void)
{
	open_pair(NULL);
	echo(12000);
	CU_ASSERT_EQUAL(u[1].c->refs[SMC_REF_TAKE], 1);
	world_run();
	CU_ASSERT_EQUAL(u[1].c->refs[SMC_REF_TAKE], 0);
	CU_ASSERT_EQUAL(world->s[1].from_buffers, 12000);
	CU_ASSERT_EQUAL(read_stream(&u[0], 0, 12000), 12000);
	pair_end();
}

/* The last reference to the connection goes with its own buffer: whether the link or the
 * work requests end first, or neither. */
static void give__taken_from_itself_ends(void)
{
	enum { LINK_FIRST, WORK_FIRST, CLOSED, ABORTED, WAYS };

	for (unsigned how = 0; how < 2 * WAYS; how++) {
		open_pair(NULL);
		echo(12000);
		if (how >= WAYS)
			world_output();
		switch (how % WAYS) {
		case LINK_FIRST:
			smc_conn_link_lost(u[1].c);
			smc_close(u[1].c);
			world_deliver();
			world_drop(&world->s[1]);
			smc_conn_link_lost(u[0].c);
			break;
		case WORK_FIRST:
			world_lose(&u[1]);
			smc_close(u[1].c);
			smc_conn_link_lost(u[0].c);
			break;
		case CLOSED:
			smc_close(u[1].c);
			break;
		default:
			smc_abort(u[1].c);
			break;
		}
		world_wait(3000000);
		smc_close(u[0].c);
		world_wait(70000000);
		CU_ASSERT_EQUAL(world->s[1].ss.stats.conns, 0);
		world_close();
	}
}

/* An urgent octet, read while what is before it is out: the peer hears when that is free. */
static void give__taken_before_an_urgent_octet(void)
{
	uint8_t octet;

	open_pair(NULL);
	echo(4000);
	CU_ASSERT_EQUAL(smc_send_urgent(u[0].c, '!'), 0);
	world_output();
	world_arrive(0);
	CU_ASSERT_EQUAL(smc_read(u[1].c, &octet, 1), 1);
	world_run();
	CU_ASSERT_EQUAL(u[1].c->refs[SMC_REF_TAKE], 0);
	CU_ASSERT_FALSE(u[0].c->urg_out);
	CU_ASSERT_EQUAL(read_stream(&u[0], 0, 4000), 4000);
	pair_end();
}

/* The stack goes while they are read: they stay until the device is through. */
static void give__outlives_the_connection(void)
{
	open_pair(NULL);
	reach(POSTED);
	smc_conn_fini(&world->s[0].ss);
	CU_ASSERT_EQUAL(mbufs_out(), 4);
	smc_gives_free(&world->s[0].ss);
	CU_ASSERT_EQUAL(mbufs_out(), 0);
	smc_conn_fini(&world->s[1].ss);
	world_free();
}

static const struct test_case cases[] = {
	TEST_CASE(give__large_ones_only),
	TEST_CASE(give__outside_of_regions),
	TEST_CASE(give__held_until_completed),
	TEST_CASE(give__shared_buffer),
	TEST_CASE(give__through_rings_of_any_size),
	TEST_CASE(give__more_than_a_post_takes),
	TEST_CASE(give__no_more_than_so_many),
	TEST_CASE(give__ends_at_any_stage),
	TEST_CASE(give__abort_keeps_what_is_read),
	TEST_CASE(give__taken_from_itself),
	TEST_CASE(give__taken_from_itself_ends),
	TEST_CASE(give__taken_before_an_urgent_octet),
	TEST_CASE(give__outlives_the_connection),
};
TEST_MAIN("smc_conn_give", cases)
