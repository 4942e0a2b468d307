/* SPDX-License-Identifier: BSD-3-Clause */
/* What a peer may hold open at our cost: orphans, connections with a shut window; SYNs without a next hop. */
#include <errno.h>

#include "proto/tcp/held.h"
#include "tests/unit/tcp_conn/fixture.h"

static struct fixture fx;
static struct tcp_conn *conns[FX_CONNS];

static struct tcp_stack *server(void)
{
	return sim_tcp(fx.server, 0);
}

static void open_conns(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		CU_ASSERT_EQUAL_FATAL(fx_connect(&fx, 0, &conns[i]), 0);
	fx_run(&fx, 10 * TCP_MS_US);
	CU_ASSERT_EQUAL_FATAL(fx.n_accepted, n);
}

/* ---- the count ------------------------------------------------------------------ */

static void set_peer(struct tcp_conn *c, struct tcp_stack *ts, uint32_t addr)
{
	struct net_addr a = sim_addr(addr);

	memset(c, 0, sizeof(*c));
	c->ts = ts;
	memcpy(c->flow.raddr, a.b, sizeof(a.b));
}

/* n connections shut by one peer: too many for one more of its own? Another peer's are counted apart, orphans too. */
static void held__shut(void)
{
	static const struct row {
		uint32_t max_conns, n;
		bool pressed, own;
	} rows[] = {
		{ 8000, 1000, false, false },
		{ 8000, 1001, false, true },
		{ 8000, 3000, false, true },
		{ 8000, 125, true, false },
		{ 8000, 126, true, true },
		{ 100, 16, true, false },
		{ 100, 17, true, true },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct tcp_stack ts = { .conf.max_conns = rows[i].max_conns, .table_key = { 0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f },
					.snd_pinned = rows[i].pressed ? 51 : 50, .snd_pinned_max = 100 };
		struct tcp_conn own, other;

		CU_ASSERT_EQUAL_FATAL(tcp_held_init(&ts), 0);
		set_peer(&own, &ts, 0x0a000002);
		set_peer(&other, &ts, 0x0a000003);
		for (unsigned n = 0; n < rows[i].n; n++)
			tcp_held_add(&own, TCP_HELD_SHUT);
		CU_ASSERT_EQUAL(tcp_held_total(&ts, TCP_HELD_SHUT), rows[i].n);
		CU_ASSERT_EQUAL(tcp_held_total(&ts, TCP_HELD_ORPHAN), 0);
		CU_ASSERT_EQUAL(tcp_held_shut_too_many(&own), rows[i].own);
		CU_ASSERT_FALSE(tcp_held_shut_too_many(&other));
		tcp_held_sub(&own, TCP_HELD_SHUT);
		CU_ASSERT_EQUAL(tcp_held_shut_too_many(&own), rows[i].own && rows[i].n == 3000);
		tcp_held_fini(&ts);
	}
}

/* An orphan of this peer. */
static struct tcp_conn *orphan(struct tcp_stack *ts, uint32_t peer)
{
	struct tcp_conn *c = pool_get(&ts->conns);

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	set_peer(c, ts, peer);
	tcp_held_add(c, TCP_HELD_ORPHAN);
	return c;
}

/* n orphans of a peer behind m of others, one each: which one goes when another comes? */
static void held__oldest_orphan(void)
{
	enum { NONE, OF_PEER, OF_ALL };
	static const struct row {
		uint32_t max_conns, others, n;
		int own, stranger;             /* for one more of the peer, for one of a new peer */
	} rows[] = {
		{ 8000, 10, 999, NONE, NONE },
		{ 8000, 10, 1000, OF_PEER, NONE },
		{ 8000, 1200, 799, NONE, NONE },
		{ 8000, 1200, 800, OF_ALL, OF_ALL },
		{ 8000, 1000, 1000, OF_PEER, OF_ALL },
		{ 100, 1, 62, NONE, NONE },
		{ 100, 1, 63, OF_ALL, OF_ALL },
		{ 100, 0, 64, OF_PEER, OF_ALL },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct tcp_stack ts = { .conf.max_conns = rows[i].max_conns, .table_key = { 0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f } };
		struct tcp_conn *first[] = { NULL, NULL, NULL }, *c;

		CU_ASSERT_EQUAL_FATAL(tcp_held_init(&ts), 0);
		CU_ASSERT_EQUAL_FATAL(pool_init(&ts.conns, sizeof(struct tcp_conn), 64, 8000, -1), 0);
		for (unsigned n = 0; n < rows[i].others; n++) {
			c = orphan(&ts, 0x0a020000 + n);
			first[OF_ALL] = n == 0 ? c : first[OF_ALL];
		}
		for (unsigned n = 0; n < rows[i].n; n++) {
			c = orphan(&ts, 0x0a000002);
			first[OF_PEER] = n == 0 ? c : first[OF_PEER];
		}
		first[OF_ALL] = first[OF_ALL] != NULL ? first[OF_ALL] : first[OF_PEER];
		c = orphan(&ts, 0x0a000002);
		CU_ASSERT_PTR_EQUAL(tcp_held_oldest_orphan(c), first[rows[i].own]);
		tcp_held_sub(c, TCP_HELD_ORPHAN);
		c = orphan(&ts, 0x0a090909);
		CU_ASSERT_PTR_EQUAL(tcp_held_oldest_orphan(c), first[rows[i].stranger]);
		pool_fini(&ts.conns);
		tcp_held_fini(&ts);
	}
}

/* Orphans that end in any order leave the others in theirs. */
static void held__orphans_in_order(void)
{
	static const unsigned gone[] = { 5, 0, 9, 6, 1 }, left[] = { 2, 3, 4, 7, 8 };
	struct tcp_stack ts = { .conf.max_conns = 8000, .table_key = { 0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f } };
	struct tcp_conn *c[10], *more[1000];

	CU_ASSERT_EQUAL_FATAL(tcp_held_init(&ts), 0);
	CU_ASSERT_EQUAL_FATAL(pool_init(&ts.conns, sizeof(struct tcp_conn), 64, 8000, -1), 0);
	for (unsigned i = 0; i < RTE_DIM(c); i++)
		c[i] = orphan(&ts, 0x0a000002);
	for (unsigned i = 0; i < RTE_DIM(gone); i++)
		tcp_held_sub(c[gone[i]], TCP_HELD_ORPHAN);
	for (unsigned i = 0; i < RTE_DIM(more); i++)
		more[i] = orphan(&ts, 0x0a000002);
	for (unsigned i = 0; i < RTE_DIM(left); i++) {
		CU_ASSERT_PTR_EQUAL(tcp_held_oldest_orphan(more[0]), c[left[i]]);
		tcp_held_sub(c[left[i]], TCP_HELD_ORPHAN);
		orphan(&ts, 0x0a000002);
	}
	CU_ASSERT_PTR_EQUAL(tcp_held_oldest_orphan(more[1]), more[0]);
	CU_ASSERT_EQUAL(tcp_held_total(&ts, TCP_HELD_ORPHAN), 1005);
	pool_fini(&ts.conns);
	tcp_held_fini(&ts);
}

/* ---- connections ------------------------------------------------------------------ */

/* Nobody acknowledges our FINs: of 90 connections of one peer that are closed 64 may wait for that, the last ones. */
static void tcp_close__orphans_of_a_peer(void)
{
	unsigned first_ones = 0;

	fx_init(&fx);
	fx.server_conf.tcp.max_conns = 400; /* of which all may have 100, a peer 64 */
	fx_start(&fx);
	open_conns(90);
	for (unsigned i = 0; i < 90; i++)
		tcp_close(fx.accepted[i]);
	CU_ASSERT_EQUAL(tcp_stats(server())->orphans, 64);
	CU_ASSERT_EQUAL(tcp_stats(server())->orphans_killed, 26);
	for (unsigned i = 0; i < 26; i++) /* may be read until the end of the turn */
		first_ones += tcp_dead(fx.accepted[i]);
	CU_ASSERT_EQUAL(first_ones, 26);
	fx_run(&fx, 10 * TCP_MS_US);
	CU_ASSERT_EQUAL(fx.n_closed, 26); /* the others are half-closed */
	for (unsigned i = 0; i < 90; i++)
		tcp_close(conns[i]);
	CU_ASSERT(sim_drain(fx.sim, 100 * TCP_S_US));
	CU_ASSERT_EQUAL(tcp_stats(server())->orphans, 0);
	fx_end(&fx);
}

/* A SYN that waits for the next hop is closed: neither list is left with it. */
static void tcp_close__while_awaiting(void)
{
	struct tcp_connect_args args = { .rport = FX_PORT };
	struct tcp_conn *c[3];

	fx_init(&fx);
	fx_start(&fx);
	args.raddr = sim_addr(fx.server_conf.addr + 7); /* nobody has it */
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_EQUAL_FATAL(tcp_connect(fx_tcp(&fx), &args, &c[i]), 0);
	fx_run(&fx, TCP_MS_US);
	CU_ASSERT(c[1]->flags & TCF_AWAITS);
	tcp_close(c[1]);
	CU_ASSERT_EQUAL(tcp_stats(fx_tcp(&fx))->orphans, 0);
	tcp_abort(c[0]);
	fx_run(&fx, 20 * TCP_S_US);
	CU_ASSERT_EQUAL(fx.n_closed, 1); /* the one that is left is told */
	tcp_close(c[2]);
	CU_ASSERT(sim_drain(fx.sim, 100 * TCP_S_US));
	fx_end(&fx);
}

static void fill(struct tcp_conn *c)
{
	static const uint8_t octets[4096];

	while (tcp_send(c, octets, sizeof(octets)) > 0)
		;
}

/* A client that reads nothing: the probe that finds one window too many shut resets that connection. */
static void tcp_persist__shut_by_a_peer(void)
{
	fx_init(&fx);
	fx.server_conf.tcp.max_conns = 200;
	fx.server_conf.tcp.sndbuf_max = 16384;
	fx.client_conf.tcp.rcvbuf_initial = fx.client_conf.tcp.rcvbuf_max = 4096;
	fx_start(&fx);
	open_conns(70);
	for (unsigned i = 0; i < 70; i++)
		fill(fx.accepted[i]);
	fx_run(&fx, TCP_S_US);
	CU_ASSERT_EQUAL(tcp_held_total(server(), TCP_HELD_SHUT), 64);
	CU_ASSERT_EQUAL(tcp_stats(server())->persist_killed, 6);
	CU_ASSERT_EQUAL(fx.n_closed, 12); /* both ends of them */
	for (unsigned i = 0; i < 70; i++) /* read: no window is shut any more */
		tcp_consume(conns[i], tcp_readable(conns[i]));
	fx_run(&fx, 10 * TCP_S_US);
	CU_ASSERT(tcp_held_total(server(), TCP_HELD_SHUT) <= 64);
	for (unsigned round = 0; round < 8; round++) {
		for (unsigned i = 0; i < 70; i++)
			tcp_consume(conns[i], tcp_readable(conns[i]));
		fx_run(&fx, 20 * TCP_S_US);
	}
	CU_ASSERT_EQUAL(tcp_held_total(server(), TCP_HELD_SHUT), 0);
	for (unsigned i = 0; i < 70; i++) {
		tcp_abort(conns[i]);
		tcp_abort(fx.accepted[i]);
	}
	CU_ASSERT(sim_drain(fx.sim, 100 * TCP_S_US));
	fx_end(&fx);
}

/* A connection that dies while its window is shut is counted no more. */
static void tcp_persist__dies_shut(void)
{
	fx_init(&fx);
	fx.server_conf.tcp.sndbuf_max = 16384;
	fx.client_conf.tcp.rcvbuf_initial = fx.client_conf.tcp.rcvbuf_max = 4096;
	fx_start(&fx);
	open_conns(3);
	for (unsigned i = 0; i < 3; i++)
		fill(fx.accepted[i]);
	fx_run(&fx, TCP_S_US);
	CU_ASSERT_EQUAL(tcp_held_total(server(), TCP_HELD_SHUT), 3);
	tcp_abort(fx.accepted[0]);
	tcp_abort(conns[1]);
	fx_run(&fx, TCP_MS_US);
	CU_ASSERT_EQUAL(tcp_held_total(server(), TCP_HELD_SHUT), 1);
	tcp_abort(conns[0]);
	tcp_abort(conns[2]);
	tcp_abort(fx.accepted[1]);
	tcp_abort(fx.accepted[2]);
	CU_ASSERT(sim_drain(fx.sim, 100 * TCP_S_US));
	CU_ASSERT_EQUAL(tcp_held_total(server(), TCP_HELD_SHUT), 0);
	fx_end(&fx);
}

static const struct test_case cases[] = {
	TEST_CASE(held__shut),
	TEST_CASE(held__oldest_orphan),
	TEST_CASE(held__orphans_in_order),
	TEST_CASE(tcp_close__orphans_of_a_peer),
	TEST_CASE(tcp_close__while_awaiting),
	TEST_CASE(tcp_persist__shut_by_a_peer),
	TEST_CASE(tcp_persist__dies_shut),
};
TEST_MAIN("tcp_held", cases)
