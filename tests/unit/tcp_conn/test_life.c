/* SPDX-License-Identifier: BSD-3-Clause */
/* Objects: lists, limits, cursors, what is left behind. */
#include <errno.h>

#include "tests/unit/tcp_conn/fixture.h"

static struct fixture fx;
static struct tcp_conn *conns[FX_CONNS];

static void open_conns(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		CU_ASSERT_EQUAL_FATAL(fx_connect(&fx, 0, &conns[i]), 0);
	fx_run(&fx, 10 * TCP_MS_US);
	CU_ASSERT_EQUAL_FATAL(fx.n_connected, n);
	CU_ASSERT_EQUAL_FATAL(fx.n_accepted, n);
}

/* A connection that lives through the walk is seen exactly once. */
static void tcp_list__cursor_survives_churn(void)
{
	static unsigned seen[FX_CONNS];
	struct tcp_info info[7];
	uint64_t cursor = 0;
	unsigned n, step = 0;

	memset(seen, 0, sizeof(seen));
	fx_init(&fx);
	fx_start(&fx);
	open_conns(300);
	while ((n = tcp_list(fx_tcp(&fx), &cursor, info, RTE_DIM(info))) != 0) {
		for (unsigned i = 0; i < n; i++)
			seen[info[i].id]++;
		if (step < 100) { /* the odd ones of the first hundreds go, new ones come */
			tcp_abort(conns[2 * step + 1]);
			CU_ASSERT_EQUAL_FATAL(fx_connect(&fx, 0, &conns[2 * step + 1]), 0);
			fx_run(&fx, TCP_MS_US);
			step++;
		}
	}
	for (unsigned i = 0; i < 300; i += 2) {
		struct tcp_info one;

		tcp_get_info(conns[i], &one);
		CU_ASSERT_EQUAL(seen[one.id], 1);
	}
	fx_end(&fx);
}

static void tcp_list__shows_every_kind(void)
{
	struct tcp_info info[8];
	uint64_t cursor = 0;
	unsigned states[TCP_STATES] = { 0 }, n;

	fx_init(&fx);
	fx_start(&fx);
	open_conns(2);
	tcp_close(conns[0]);
	fx_run(&fx, TCP_MS_US);
	tcp_close(fx.accepted[0]);
	fx_run(&fx, TCP_MS_US);
	n = tcp_list(fx_tcp(&fx), &cursor, info, RTE_DIM(info));
	CU_ASSERT_EQUAL(n, 2);
	for (unsigned i = 0; i < n; i++)
		states[info[i].state]++;
	CU_ASSERT_EQUAL(states[TCP_ESTABLISHED], 1);
	CU_ASSERT_EQUAL(states[TCP_TIME_WAIT], 1);
	CU_ASSERT_EQUAL(tcp_list(fx_tcp(&fx), &cursor, info, RTE_DIM(info)), 0);
	fx_end(&fx);
}

/* The FIFO: oldest out first, all out in the end. */
static void tcp_enter_time_wait__limit_and_expiry(void)
{
	struct tcp_stats *s;

	fx_init(&fx);
	fx.client_conf.tcp.time_wait_max = 10;
	fx_start(&fx);
	open_conns(25);
	for (unsigned i = 0; i < 25; i++)
		tcp_close(conns[i]);
	fx_run(&fx, TCP_MS_US);
	for (unsigned i = 0; i < 25; i++)
		tcp_close(fx.accepted[i]);
	fx_run(&fx, TCP_MS_US);
	s = tcp_stats(fx_tcp(&fx));
	CU_ASSERT_EQUAL(s->time_wait, 10);
	CU_ASSERT_EQUAL(s->tw_recycled, 15);
	CU_ASSERT_EQUAL(s->conns, 0);
	fx_run(&fx, 59 * TCP_S_US);
	CU_ASSERT_EQUAL(tcp_objects(fx_tcp(&fx)), 10);
	fx_run(&fx, 2 * TCP_S_US);
	CU_ASSERT_EQUAL(sim_objects(fx.sim), 0);
	fx_end(&fx);
}

static void tcp_connect__objects_run_out(void)
{
	struct tcp_conn *c;

	fx_init(&fx);
	fx.client_conf.tcp.max_conns = 5;
	fx_start(&fx);
	open_conns(5);
	CU_ASSERT_EQUAL(fx_connect(&fx, 0, &c), -ENOMEM);
	tcp_abort(conns[0]);
	fx_run(&fx, TCP_MS_US);
	CU_ASSERT_EQUAL(fx_connect(&fx, 0, &c), 0);
	fx_end(&fx);
}

/* A refused handshake is tried again with the peer's next segment. */
static void tcp_accept__refused_then_taken(void)
{
	fx_init(&fx);
	fx_start(&fx);
	fx.accept_rc = -EAGAIN;
	CU_ASSERT_EQUAL_FATAL(fx_connect(&fx, 0, &conns[0]), 0);
	fx_run(&fx, 10 * TCP_MS_US);
	CU_ASSERT_EQUAL(fx.n_connected, 1); /* as the client sees it */
	CU_ASSERT_EQUAL(fx.n_accepted, 0);
	CU_ASSERT_EQUAL(tcp_stats(sim_tcp(fx.server, 0))->accept_overflows, 1);
	CU_ASSERT_EQUAL(tcp_stats(sim_tcp(fx.server, 0))->conns, 0);
	fx.accept_rc = 0;
	CU_ASSERT_EQUAL(tcp_send(conns[0], "hello", 5), 5);
	fx_run(&fx, TCP_S_US);
	CU_ASSERT_EQUAL_FATAL(fx.n_accepted, 1);
	CU_ASSERT_EQUAL(tcp_readable(fx.accepted[0]), 5);
	fx_end(&fx);
}

static void tcp_unlisten__half_open_go_connections_stay(void)
{
	fx_init(&fx);
	fx_start(&fx);
	open_conns(3);
	fx.accept_rc = -EAGAIN;
	CU_ASSERT_EQUAL_FATAL(fx_connect(&fx, 0, &conns[3]), 0);
	fx_run(&fx, 10 * TCP_MS_US);
	CU_ASSERT_EQUAL(tcp_objects(sim_tcp(fx.server, 0)), 4);
	tcp_unlisten(fx.listener);
	CU_ASSERT_EQUAL(tcp_objects(sim_tcp(fx.server, 0)), 3);
	CU_ASSERT_EQUAL(tcp_send(conns[0], "hello", 5), 5);
	fx_run(&fx, 10 * TCP_MS_US);
	CU_ASSERT_EQUAL(tcp_readable(fx.accepted[0]), 5);
	fx_end(&fx);
}

static void unlisten(struct fixture *f, struct tcp_conn *c)
{
	tcp_unlisten(f->listener);
}

/* The callback may close its own listener, whatever it answers. */
static void tcp_unlisten__in_accept(void)
{
	static const struct {
		int rc;
		bool cookies;
		uint32_t objects; /* at the server, afterwards */
	} rows[] = { { 0, false, 1 }, { -EAGAIN, false, 0 }, { 0, true, 1 }, { -EAGAIN, true, 0 } };

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		fx_init(&fx);
		fx.in_accept = unlisten;
		fx.accept_rc = rows[i].rc;
		if (rows[i].cookies)
			fx.server_conf.tcp.cookies = TCP_COOKIES_ALWAYS;
		fx_start(&fx);
		CU_ASSERT_EQUAL_FATAL(fx_connect(&fx, 0, &conns[0]), 0);
		fx_run(&fx, 10 * TCP_MS_US);
		CU_ASSERT_EQUAL(tcp_objects(sim_tcp(fx.server, 0)), rows[i].objects);
		CU_ASSERT_EQUAL(fx_connect(&fx, 0, &conns[1]), 0);
		fx_run(&fx, 10 * TCP_MS_US);
		CU_ASSERT_EQUAL(tcp_objects(sim_tcp(fx.server, 0)), rows[i].objects); /* nobody listens */
		fx_end(&fx);
	}
}

static void abort_it(struct fixture *f, struct tcp_conn *c)
{
	tcp_abort(c);
}

static void close_it(struct fixture *f, struct tcp_conn *c)
{
	tcp_close(c);
}

/* It may take the connection and end it at once. */
static void tcp_accept__ended_in_callback(void)
{
	static void (*const rows[])(struct fixture *f, struct tcp_conn *c) = { abort_it, close_it };

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		fx_init(&fx);
		fx.in_accept = rows[i];
		fx_start(&fx);
		CU_ASSERT_EQUAL_FATAL(fx_connect(&fx, 0, &conns[0]), 0);
		fx_run(&fx, 10 * TCP_MS_US);
		CU_ASSERT_EQUAL(fx.n_connected, 1);
		CU_ASSERT_EQUAL(fx.n_closed, rows[i] == abort_it); /* else half-closed */
		tcp_close(conns[0]);
		CU_ASSERT(sim_drain(fx.sim, 100 * TCP_S_US));
		fx_end(&fx);
	}
}

/* Gauges follow the objects, and survive statistics being cleared. */
static void tcp_stats__gauges(void)
{
	struct tcp_stack *ts;

	fx_init(&fx);
	fx_start(&fx);
	ts = fx_tcp(&fx);
	open_conns(4);
	CU_ASSERT_EQUAL(tcp_stats(ts)->curr_estab, 4);
	memset(tcp_stats(ts), 0, sizeof(struct tcp_stats));
	CU_ASSERT_EQUAL(tcp_stats(ts)->curr_estab, 4);
	tcp_close(conns[0]);
	CU_ASSERT_EQUAL(tcp_stats(ts)->orphans, 1);
	tcp_abort(conns[1]);
	fx_run(&fx, TCP_MS_US);
	CU_ASSERT_EQUAL(tcp_stats(ts)->curr_estab, 2);
	CU_ASSERT_EQUAL(tcp_stats(ts)->conns, 3);
	tcp_close(fx.accepted[0]);
	fx_run(&fx, TCP_MS_US);
	CU_ASSERT_EQUAL(tcp_stats(ts)->orphans, 0);
	CU_ASSERT_EQUAL(tcp_stats(ts)->time_wait, 1);
	fx_end(&fx);
}

static const struct test_case cases[] = {
	TEST_CASE(tcp_list__cursor_survives_churn),
	TEST_CASE(tcp_list__shows_every_kind),
	TEST_CASE(tcp_enter_time_wait__limit_and_expiry),
	TEST_CASE(tcp_connect__objects_run_out),
	TEST_CASE(tcp_accept__refused_then_taken),
	TEST_CASE(tcp_unlisten__half_open_go_connections_stay),
	TEST_CASE(tcp_unlisten__in_accept),
	TEST_CASE(tcp_accept__ended_in_callback),
	TEST_CASE(tcp_stats__gauges),
};
TEST_MAIN("tcp_life", cases)
