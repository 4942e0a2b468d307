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

/* n of this kind by one peer: is one more of its own, one of another peer too many? */
static void held__limits(void)
{
	static const struct row {
		enum tcp_held kind;
		uint32_t max_conns, n;
		bool pressed, own, other;
	} rows[] = {
		{ TCP_HELD_ORPHAN, 8000, 1000, false, false, false },
		{ TCP_HELD_ORPHAN, 8000, 1001, false, true, false },
		{ TCP_HELD_ORPHAN, 8000, 2001, false, true, true },
		{ TCP_HELD_ORPHAN, 100, 64, false, false, false },
		{ TCP_HELD_ORPHAN, 100, 65, false, true, true },
		{ TCP_HELD_SHUT, 8000, 1000, false, false, false },
		{ TCP_HELD_SHUT, 8000, 1001, false, true, false },
		{ TCP_HELD_SHUT, 8000, 3000, false, true, false },
		{ TCP_HELD_SHUT, 8000, 125, true, false, false },
		{ TCP_HELD_SHUT, 8000, 126, true, true, false },
		{ TCP_HELD_SHUT, 100, 16, true, false, false },
		{ TCP_HELD_SHUT, 100, 17, true, true, false },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct tcp_stack ts = { .conf.max_conns = rows[i].max_conns, .table_key = { 0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f },
					.snd_pinned = rows[i].pressed ? 51 : 50, .snd_pinned_max = 100 };
		struct tcp_conn own, other;

		CU_ASSERT_EQUAL_FATAL(tcp_held_init(&ts), 0);
		set_peer(&own, &ts, 0x0a000002);
		set_peer(&other, &ts, 0x0a000003);
		for (unsigned n = 0; n < rows[i].n; n++)
			tcp_held_add(&own, rows[i].kind);
		CU_ASSERT_EQUAL(tcp_held_total(&ts, rows[i].kind), rows[i].n);
		CU_ASSERT_EQUAL(tcp_held_too_many(&own, rows[i].kind), rows[i].own);
		CU_ASSERT_EQUAL(tcp_held_too_many(&other, rows[i].kind), rows[i].other);
		tcp_held_sub(&own, rows[i].kind);
		tcp_held_add(&own, !rows[i].kind); /* kinds do not add up */
		CU_ASSERT_FALSE(tcp_held_too_many(&own, rows[i].kind) && rows[i].n <= rows[i].max_conns / 8);
		tcp_held_fini(&ts);
	}
}

/* ---- connections ------------------------------------------------------------------ */

/* Nobody acknowledges our FINs: of 100 connections of one peer that are closed, 64 may wait for that. */
static void tcp_close__orphans_of_a_peer(void)
{
	fx_init(&fx);
	fx.server_conf.tcp.max_conns = 400; /* of which all may have 100, a peer 64 */
	fx_start(&fx);
	open_conns(90);
	for (unsigned i = 0; i < 90; i++)
		tcp_close(fx.accepted[i]);
	CU_ASSERT_EQUAL(tcp_stats(server())->orphans, 64);
	CU_ASSERT_EQUAL(tcp_stats(server())->orphans_killed, 26);
	fx_run(&fx, 10 * TCP_MS_US);
	CU_ASSERT_EQUAL(fx.n_closed, 26); /* the others are half-closed */
	for (unsigned i = 0; i < 90; i++)
		tcp_close(conns[i]);
	CU_ASSERT(sim_drain(fx.sim, 100 * TCP_S_US));
	CU_ASSERT_EQUAL(tcp_stats(server())->orphans, 0);
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
	TEST_CASE(held__limits),
	TEST_CASE(tcp_close__orphans_of_a_peer),
	TEST_CASE(tcp_persist__shut_by_a_peer),
	TEST_CASE(tcp_persist__dies_shut),
};
TEST_MAIN("tcp_held", cases)
