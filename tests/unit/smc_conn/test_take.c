/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive memory that the user holds as buffers: the peer never writes to it,
 * and has it again when it was freed, in order. */
#include <stdlib.h>

#include "tests/unit/smc_conn/world.h"

#define MAX_OUT 64

static uint32_t check_chain(const struct rte_mbuf *m, uint64_t at)
{
	uint32_t bad = 0, n = 0, i;

	for (; m != NULL; m = m->next)
		for (i = 0; i < m->data_len; i++)
			bad += rte_pktmbuf_mtod(m, const uint8_t *)[i] != stream_octet(at + n++);
	CU_ASSERT_EQUAL(bad, 0);
	return n;
}

static bool is_ref(const struct rte_mbuf *m)
{
	return RTE_MBUF_HAS_EXTBUF(m);
}

static struct rte_mbuf *take(uint64_t at, uint32_t len, unsigned segs_wanted)
{
	struct rte_mbuf *m;
	unsigned segs;
	uint32_t n = smc_take(u[1].c, len, &m, &segs);

	CU_ASSERT_EQUAL(n, check_chain(m, at));
	if (segs_wanted != 0)
		CU_ASSERT_EQUAL(segs, segs_wanted);
	return m;
}

static void take__copies_little_and_refers_to_much(void)
{
	static const struct { uint32_t skip, len; unsigned segs; bool ref; } rows[] = {
		{ 0, 1, 1, false }, { 0, 1024, 1, false }, { 0, 1025, 1, true }, { 0, 16384, 1, true },
		{ 0, 40000, 1, true }, { 10000, 10000, 2, true }, { 16000, 16384, 2, false },
		{ 0, 0, 0, false },
	};
	unsigned i;

	for (i = 0; i < RTE_DIM(rows); i++) {
		struct rte_mbuf *m;
		unsigned segs = 99;
		uint32_t n, len = RTE_MIN(rows[i].len, 16384u);

		pair_world(NULL, NULL);
		send_stream(&u[0], 0, rows[i].skip);
		world_run();
		smc_consume(u[1].c, rows[i].skip);
		world_run();
		send_stream(&u[0], rows[i].skip, len);
		world_run();
		n = smc_take(u[1].c, rows[i].len, &m, &segs);
		CU_ASSERT_EQUAL(n, len);
		CU_ASSERT_EQUAL(smc_readable(u[1].c), 0);
		CU_ASSERT_EQUAL(check_chain(m, rows[i].skip), n);
		if (rows[i].skip != 16000)
			CU_ASSERT_EQUAL(segs, rows[i].segs);
		if (m != NULL)
			CU_ASSERT_EQUAL(is_ref(m), rows[i].ref);
		free_chain(m);
		CU_ASSERT_TRUE(smc_cursor_equal(&u[1].c->freed, &u[1].c->cons));
		CU_ASSERT_EQUAL(u[1].c->refs[SMC_REF_TAKE], 0);
		pair_end();
	}
}

/* A ring larger than a buffer can describe. */
static void take__large_ring_in_pieces(void)
{
	struct rte_mbuf *m;

	pair_world(NULL, &(struct pair_args){ .rmb = { 0, 1 << 20 }, .snd = { 1 << 20, 0 } });
	send_stream(&u[0], 0, 1 << 20);
	world_run();
	m = take(0, 1 << 20, 32);
	CU_ASSERT_EQUAL(smc_readable(u[1].c), 0);
	free_chain(m);
	world_run();
	CU_ASSERT_EQUAL(smc_peer_room(u[0].c), 1 << 20);
	pair_end();
}

/* What is out is not the peer's, however much is read behind it. */
static void take__holds_the_cursor(void)
{
	struct rte_mbuf *a, *b;

	pair_world(NULL, NULL);
	send_stream(&u[0], 0, 16384);
	world_run();
	a = take(0, 4000, 1);
	b = take(4000, 4000, 1);
	CU_ASSERT_EQUAL(read_stream(&u[1], 8000, 3000), 3000);
	send_stream(&u[0], 16384, 16384);
	world_wait(1000000);
	CU_ASSERT_EQUAL(smc_readable(u[1].c), 16384 - 11000);
	CU_ASSERT_EQUAL(u[1].c->freed.count, 0);
	free_chain(b); /* the later one first: nothing yet */
	world_run();
	CU_ASSERT_EQUAL(u[1].c->freed.count, 0);
	check_chain(a, 0);
	free_chain(a);
	CU_ASSERT_EQUAL(u[1].c->freed.count, 11000);
	world_run();
	CU_ASSERT_EQUAL(smc_readable(u[1].c), 16384);
	CU_ASSERT_EQUAL(read_stream(&u[1], 11000, 16384), 16384);
	world_run();
	CU_ASSERT_EQUAL(read_stream(&u[1], 27384, 16384), 32768 - 27384);
	pair_end();
}

/* Clones, as TCP makes to send them: only the last one frees. */
static void take__clones(void)
{
	struct rte_mbuf *m, *clone;

	pair_world(NULL, NULL);
	send_stream(&u[0], 0, 5000);
	world_run();
	m = take(0, 5000, 1);
	clone = rte_pktmbuf_alloc(world->ind);
	rte_pktmbuf_attach(clone, m);
	free_chain(m);
	CU_ASSERT_EQUAL(u[1].c->freed.count, 0);
	CU_ASSERT_EQUAL(check_chain(clone, 0), 5000);
	rte_pktmbuf_free(clone);
	CU_ASSERT_EQUAL(u[1].c->freed.count, 5000);
	pair_end();
}

/* Every order of freeing four buffers, with reading between and behind them. */
static void take__every_order(void)
{
	unsigned order;

	for (order = 0; order < 24; order++) {
		unsigned rest = order, i, k, left[4] = { 0, 1, 2, 3 };
		struct rte_mbuf *m[4];
		uint64_t at = 0;

		pair_world(NULL, NULL);
		send_stream(&u[0], 0, 16384);
		world_run();
		for (i = 0; i < 4; i++) {
			m[i] = take(at, 2000 + i, 1);
			at += 2000 + i;
			at += read_stream(&u[1], at, 100 * i);
		}
		for (i = 4; i > 0; i--) {
			k = rest % i;
			rest /= i;
			free_chain(m[left[k]]);
			left[k] = left[i - 1];
		}
		CU_ASSERT_EQUAL(u[1].c->freed.count, at);
		CU_ASSERT_TRUE(smc_cursor_equal(&u[1].c->freed, &u[1].c->cons));
		CU_ASSERT_EQUAL(u[1].c->rmb->refs, 1);
		smc_consume(u[1].c, UINT32_MAX);
		pair_end();
	}
}

/* Freed long after the connection: the ring waits, then goes. */
static void take__outlives_the_connection(void)
{
	unsigned how;

	for (how = 0; how < 3; how++) {
		struct rte_mbuf *m;

		pair_world(NULL, NULL);
		send_stream(&u[0], 0, 9000);
		world_run();
		m = take(0, 9000, 1);
		if (how == 2)
			smc_conn_link_lost(u[1].c);
		if (how == 1)
			smc_abort(u[1].c);
		else
			smc_close(u[1].c);
		smc_close(u[0].c);
		world_run();
		if (how == 2)
			world_wait(61000000);
		CU_ASSERT_EQUAL(world->s[1].bufs, 1);
		CU_ASSERT_EQUAL(world->s[1].lgr.n_conns, 0);
		CU_ASSERT_EQUAL(world->s[1].ss.conns.used, 1);
		CU_ASSERT_EQUAL(check_chain(m, 0), 9000);
		free_chain(m);
		CU_ASSERT_EQUAL(world->s[1].bufs, 0);
		world_close();
	}
}

/* And after the stack. */
static void take__outlives_the_stack(void)
{
	struct rte_mbuf *m, *n;

	pair_world(NULL, NULL);
	send_stream(&u[0], 0, 9000);
	world_run();
	m = take(0, 4000, 1);
	n = take(4000, 5000, 1);
	smc_conn_fini(&world->s[0].ss);
	smc_conn_fini(&world->s[1].ss);
	CU_ASSERT_EQUAL(check_chain(n, 4000), 5000); /* the memory is the arena's */
	free_chain(n);
	free_chain(m);
	CU_ASSERT_EQUAL(mbufs_out(), 0);
	world_free();
}

/* No records, or no mbufs, left: less is taken, nothing is lost. */
static void take__without_memory(void)
{
	struct rte_mbuf *hold[2048], *m;
	unsigned n = 0, segs;

	pair_world(NULL, NULL);
	send_stream(&u[0], 0, 8000);
	world_run();
	while (n < RTE_DIM(hold) && (hold[n] = rte_pktmbuf_alloc(world->ind)) != NULL)
		n++;
	m = take(0, 3000, 2); /* copied */
	CU_ASSERT_FALSE(is_ref(m));
	free_chain(m);
	while (n < RTE_DIM(hold) && (hold[n] = rte_pktmbuf_alloc(world->mp)) != NULL)
		n++;
	CU_ASSERT_EQUAL(smc_take(u[1].c, 3000, &m, &segs), 0);
	CU_ASSERT_PTR_NULL(m);
	CU_ASSERT_EQUAL(segs, 0);
	CU_ASSERT_EQUAL(world->s[1].ss.stats.refused_memory, 1);
	CU_ASSERT_EQUAL(smc_readable(u[1].c), 5000);
	while (n > 0)
		rte_pktmbuf_free(hold[--n]);
	CU_ASSERT_EQUAL(read_stream(&u[1], 3000, 5000), 5000);
	pair_end();
}

/* Random sizes, readers and orders; the writer always has more. */
static void take__random(void)
{
	uint64_t seed = 99, sent = 0, got = 0;
	struct { struct rte_mbuf *m; uint64_t at; } out[MAX_OUT];
	unsigned n = 0, turn;

	pair_world(NULL, &(struct pair_args){ .snd = { 65536, 0 } });
	for (turn = 0; turn < 20000; turn++) {
		uint64_t r = test_random(&seed);
		uint32_t len = 1 + (uint32_t)(r >> 8) % 9000;

		sent += send_stream(&u[0], sent, len);
		if (r & 1)
			world_run();
		if ((r & 6) == 0) {
			got += read_stream(&u[1], got, len);
		} else if ((r & 6) == 2 && n < MAX_OUT) {
			out[n].at = got;
			out[n].m = take(got, len, 0);
			for (const struct rte_mbuf *m = out[n].m; m != NULL; m = m->next)
				got += m->data_len;
			n += out[n].m != NULL;
		} else if (n > 0) {
			unsigned k = (unsigned)(r >> 40) % n;

			check_chain(out[k].m, out[k].at);
			free_chain(out[k].m);
			out[k] = out[--n];
		}
	}
	while (n > 0)
		free_chain(out[--n].m);
	CU_ASSERT_TRUE(smc_cursor_equal(&u[1].c->freed, &u[1].c->cons));
	while (got < sent) {
		world_run();
		got += read_stream(&u[1], got, 65536);
	}
	CU_ASSERT_TRUE(sent > 5000000);
	pair_end();
}

static void peek__both_pieces(void)
{
	struct tcp_piece p[2];

	pair_world(NULL, NULL);
	CU_ASSERT_EQUAL(smc_peek(u[1].c, p, 2), 0);
	send_stream(&u[0], 0, 16000);
	world_run();
	smc_consume(u[1].c, 16000);
	world_run();
	send_stream(&u[0], 16000, 1000);
	world_run();
	CU_ASSERT_EQUAL(smc_peek(u[1].c, p, 1), 1);
	CU_ASSERT_EQUAL(smc_peek(u[1].c, p, 2), 2);
	CU_ASSERT_EQUAL(p[0].len, 384);
	CU_ASSERT_EQUAL(p[1].len, 616);
	CU_ASSERT_EQUAL(*(uint8_t *)p[1].data, stream_octet(16384));
	smc_consume(u[1].c, 400);
	CU_ASSERT_EQUAL(smc_peek(u[1].c, p, 2), 1);
	CU_ASSERT_EQUAL(p[0].len, 600);
	smc_consume(u[1].c, UINT32_MAX);
	CU_ASSERT_EQUAL(smc_readable(u[1].c), 0);
	smc_consume(u[1].c, 1);
	CU_ASSERT_EQUAL(smc_read(u[1].c, p, 8), 0);
	pair_end();
}

static const struct test_case cases[] = {
	TEST_CASE(peek__both_pieces),
	TEST_CASE(take__copies_little_and_refers_to_much),
	TEST_CASE(take__large_ring_in_pieces),
	TEST_CASE(take__holds_the_cursor),
	TEST_CASE(take__clones),
	TEST_CASE(take__every_order),
	TEST_CASE(take__outlives_the_connection),
	TEST_CASE(take__outlives_the_stack),
	TEST_CASE(take__without_memory),
	TEST_CASE(take__random),
};
TEST_MAIN("smc_conn_take", cases)
