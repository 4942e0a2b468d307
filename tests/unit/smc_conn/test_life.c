/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections as objects: tokens, references, events, lists. */
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/smc_conn/world.h"

static const struct pair_args defaults;

/* Both in the handshake. */
static void begin(const struct world_args *wa)
{
	memset(u, 0, sizeof(u));
	memset(tcp, 0, sizeof(tcp));
	u[0].tcp = &tcp[0];
	u[1].tcp = &tcp[1];
	world_open(wa);
	pair_begin(&u[0], 0, &defaults);
	pair_begin(&u[1], 1, &defaults);
	pair_ready(u);
}

static int cmp_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void token__unique_and_found(void)
{
	struct user many[WORLD_CONNS];
	struct tcp_conn tcps[WORLD_CONNS];
	uint32_t seen[WORLD_CONNS * 50];
	unsigned round, i, n = 0, same = 0;

	world_open(NULL);
	for (round = 0; round < 50; round++) {
		memset(many, 0, sizeof(many));
		memset(tcps, 0, sizeof(tcps));
		for (i = 0; i < WORLD_CONNS; i++) {
			many[i].tcp = &tcps[i];
			pair_begin(&many[i], 0, &defaults);
			CU_ASSERT_PTR_EQUAL(smc_conn_by_token(&world->s[0].ss, many[i].c->token), many[i].c);
			CU_ASSERT_NOT_EQUAL(many[i].c->token, 0);
			seen[n++] = many[i].c->token;
		}
		for (i = 0; i < WORLD_CONNS; i++) {
			uint32_t token = many[i].c->token;

			smc_close(many[i].c);
			CU_ASSERT_PTR_NULL(smc_conn_by_token(&world->s[0].ss, token));
		}
	}
	qsort(seen, n, sizeof(seen[0]), cmp_u32);
	for (i = 1; i < n; i++)
		same += seen[i] == seen[i - 1];
	CU_ASSERT_EQUAL(same, 0); /* one that is late finds nobody for long */
	for (i = 0; i < 1000; i++)
		CU_ASSERT_PTR_NULL(smc_conn_by_token(&world->s[0].ss, i * 0x10001u));
	world_close();
}

static void new__no_more_objects(void)
{
	struct smc_begin_args args = { .tcp = &tcp[0] };
	struct user many[3] = { 0 };
	struct tcp_conn tcps[3] = { 0 };
	unsigned i;

	world_open(&(struct world_args){ .conns_max = 3 });
	for (i = 0; i < 3; i++) {
		many[i].tcp = &tcps[i];
		pair_begin(&many[i], 0, &defaults);
	}
	CU_ASSERT_PTR_NULL(smc_conn_new(&world->s[0].ss, SMC_CLIENT, &args));
	CU_ASSERT_EQUAL(world->s[0].ss.stats.refused_memory, 1);
	for (i = 0; i < 3; i++)
		smc_close(many[i].c);
	world_close();
}

static void handshake__user_leaves(void)
{
	unsigned abort;

	for (abort = 0; abort < 2; abort++) {
		begin(NULL);
		CU_ASSERT_EQUAL(smc_send(u[0].c, "x", 1), -ENOTCONN);
		CU_ASSERT_EQUAL(smc_send_room(u[0].c), 0);
		CU_ASSERT_EQUAL(smc_readable(u[0].c), 0);
		CU_ASSERT_FALSE(smc_eof(u[0].c));
		if (abort)
			smc_abort(u[0].c);
		else
			smc_close(u[0].c);
		CU_ASSERT_EQUAL(world->s[0].hs_aborts, 1);
		CU_ASSERT_TRUE(tcp[0].closed);
		smc_close(u[1].c);
		world_close();
	}
}

/* Back to TCP: the handle is not SMC's any more. */
static void handshake__fails(void)
{
	unsigned i;

	begin(NULL);
	for (i = 0; i < 2; i++) {
		u[i].c->tcp = NULL;
		u[i].c->hs = NULL;
		smc_conn_unref(u[i].c, SMC_REF_USER);
		smc_conn_unref(u[i].c, SMC_REF_HS);
		CU_ASSERT_FALSE(tcp[i].closed || tcp[i].aborted);
		world->s[i].tcps--;
	}
	world_close();
}

static void handshake__shut_down_meanwhile(void)
{
	begin(NULL);
	CU_ASSERT_EQUAL(smc_shutdown(u[0].c), 0);
	pair_activate(&u[0]);
	pair_activate(&u[1]);
	world_run();
	CU_ASSERT_EQUAL(u[0].c->state, SMC_PEERCLOSEWAIT1);
	CU_ASSERT_EQUAL(u[1].c->rx_conn_flags, CDC_DONE_WRITING);
	pair_end();
}

static void handshake__group_lost_meanwhile(void)
{
	begin(NULL);
	smc_conn_link_lost(u[0].c);
	CU_ASSERT_PTR_NULL(u[0].c->link);
	CU_ASSERT_PTR_NULL(u[0].c->lgr);
	CU_ASSERT_EQUAL(u[0].c->error, ECONNABORTED);
	CU_ASSERT_EQUAL(u[0].c->state, SMC_INIT);
	CU_ASSERT_FALSE(tcp[0].aborted || tcp[0].closed);
	pair_activate(&u[0]); /* whoever does not look: it ends at once */
	world_deliver();
	CU_ASSERT_TRUE(u[0].seen & TCP_EV_CLOSED);
	smc_close(u[0].c);
	smc_close(u[1].c);
	world_run();
	world_close();
}

static void tcp__user_pointer(void)
{
	begin(NULL);
	CU_ASSERT_TRUE(smc_is_tcp_user(tcp[0].user));
	CU_ASSERT_FALSE(smc_is_tcp_user(&u[0]));
	smc_tcp_event(tcp[0].user, TCP_EV_READABLE);
	CU_ASSERT_EQUAL(world->s[0].hs_events, 1);
	pair_activate(&u[0]);
	pair_activate(&u[1]);
	smc_tcp_event(tcp[0].user, TCP_EV_READABLE);
	CU_ASSERT_EQUAL(world->s[0].hs_events, 1);
	CU_ASSERT_PTR_EQUAL(smc_tcp(u[0].c), &tcp[0]);
	pair_end();
}

/* ---- events -------------------------------------------------------------------- */

#define MANY 4
static struct user many[2][MANY];
static struct tcp_conn tcps[2][MANY];

static void open_many(const struct world_args *wa)
{
	unsigned i;

	memset(many, 0, sizeof(many));
	memset(tcps, 0, sizeof(tcps));
	world_open(wa);
	for (i = 0; i < MANY; i++) {
		struct user pair[2] = { { .tcp = &tcps[0][i] }, { .tcp = &tcps[1][i] } };

		pair_open(pair, NULL);
		many[0][i] = pair[0];
		many[1][i] = pair[1];
		smc_set_user(pair[0].c, &many[0][i]);
		smc_set_user(pair[1].c, &many[1][i]);
	}
}

static void close_many(void)
{
	unsigned i;

	for (i = 0; i < MANY; i++) {
		if (many[0][i].c != NULL)
			smc_close(many[0][i].c);
		if (many[1][i].c != NULL)
			smc_close(many[1][i].c);
	}
	world_run();
	world_close();
}

static void arrive_for_all(void)
{
	unsigned i;

	for (i = 0; i < MANY; i++)
		smc_send(many[0][i].c, "abc", 3);
	smc_output(&world->s[0].ss);
	while (world_arrive(0))
		;
}

static void deliver__in_order_within_the_budget(void)
{
	unsigned i;

	open_many(NULL);
	arrive_for_all();
	CU_ASSERT_EQUAL(smc_deliver(&world->s[1].ss, 3), 3);
	for (i = 0; i < MANY; i++)
		CU_ASSERT_EQUAL(many[1][i].calls, i < 3);
	CU_ASSERT_EQUAL(smc_deliver(&world->s[1].ss, 3), 1);
	CU_ASSERT_EQUAL(smc_deliver(&world->s[1].ss, 3), 0);
	CU_ASSERT_EQUAL(many[1][3].calls, 1);
	for (i = 0; i < MANY; i++)
		smc_consume(many[1][i].c, 3);
	close_many();
}

static void close_others(struct user *who, unsigned events)
{
	unsigned i;

	for (i = 0; i < MANY; i++) {
		smc_consume(many[1][i].c, 3);
		smc_close(many[1][i].c); /* itself, and those that are still on the list */
		many[1][i].c = NULL;
	}
}

static void deliver__callback_closes_all(void)
{
	unsigned i;

	open_many(NULL);
	arrive_for_all();
	many[1][0].fn = close_others;
	CU_ASSERT_EQUAL(smc_deliver(&world->s[1].ss, 10), 1);
	for (i = 1; i < MANY; i++)
		CU_ASSERT_EQUAL(many[1][i].calls, 0);
	close_many();
}

static void cause_more(struct user *who, unsigned events)
{
	smc_raise(who->c, TCP_EV_WRITABLE);
}

static void deliver__what_a_callback_causes_comes_next_turn(void)
{
	unsigned i;

	open_many(NULL);
	arrive_for_all();
	many[1][1].fn = cause_more;
	CU_ASSERT_EQUAL(smc_deliver(&world->s[1].ss, 100), MANY);
	CU_ASSERT_EQUAL(smc_deliver(&world->s[1].ss, 100), 1);
	many[1][1].fn = NULL;
	CU_ASSERT_EQUAL(smc_deliver(&world->s[1].ss, 100), 1);
	CU_ASSERT_EQUAL(smc_deliver(&world->s[1].ss, 100), 0);
	for (i = 0; i < MANY; i++)
		smc_consume(many[1][i].c, 3);
	close_many();
}

static void answer(struct user *who, unsigned events)
{
	char buf[8];

	if (!(events & TCP_EV_READABLE))
		return;
	CU_ASSERT_EQUAL(smc_read(who->c, buf, sizeof(buf)), 3);
	CU_ASSERT_EQUAL(smc_send(who->c, buf, 3), 3);
	smc_close(who->c);
	who->c = NULL;
}

/* Read, answer and close in the callback: the answer arrives. */
static void deliver__answer_and_close(void)
{
	unsigned i;

	open_many(NULL);
	for (i = 0; i < MANY; i++)
		many[1][i].fn = answer;
	arrive_for_all();
	world_run();
	for (i = 0; i < MANY; i++) {
		CU_ASSERT_EQUAL(many[0][i].seen, TCP_EV_READABLE | TCP_EV_EOF);
		CU_ASSERT_EQUAL(smc_readable(many[0][i].c), 3);
		smc_consume(many[0][i].c, 3);
	}
	close_many();
}

/* ---- looking ---------------------------------------------------------------------- */

static void info__fields(void)
{
	struct smc_conn_info info;

	pair_world(NULL, &(struct pair_args){ .rmb = { 16384, 32768 }, .snd = { 65536, 0 } });
	send_stream(&u[0], 0, 40000);
	world_output();
	world_arrive(0);
	smc_get_info(u[0].c, &info);
	CU_ASSERT_EQUAL(info.state, SMC_ACTIVE);
	CU_ASSERT_EQUAL(info.role, SMC_CLIENT);
	CU_ASSERT_EQUAL(info.token, u[1].c->peer_token);
	CU_ASSERT_EQUAL(info.peer_token, u[1].c->token);
	CU_ASSERT_EQUAL(info.sndbuf, 65536);
	CU_ASSERT_EQUAL(info.rcvbuf, 16384);
	CU_ASSERT_EQUAL(info.peerbuf, 32768);
	CU_ASSERT_TRUE(info.txprep.count == 40000 && info.txsent.count == 32768 && info.txfin.count == 0);
	CU_ASSERT_TRUE(info.txprod.wrap == 1 && info.txprod.count == 0);
	CU_ASSERT_EQUAL(info.unsent, 40000 - 32768);
	CU_ASSERT_EQUAL(info.room, 0);
	CU_ASSERT_EQUAL(info.in_flight, 1);
	CU_ASSERT_EQUAL(info.refs, 3); /* user, live, one work request */
	CU_ASSERT_EQUAL(info.tx_prod_flags, CDC_WRITE_BLOCKED);
	CU_ASSERT_EQUAL(info.seq_out, 1);
	CU_ASSERT_EQUAL(info.lgr_id, 7);
	CU_ASSERT_EQUAL(info.link_id, 1);
	CU_ASSERT_STRING_EQUAL(info.dev, "fake0");
	CU_ASSERT_EQUAL(info.update_limit, 2304);
	smc_get_info(u[1].c, &info);
	CU_ASSERT_EQUAL(info.role, SMC_SERVER);
	CU_ASSERT_EQUAL(info.readable, 32768);
	CU_ASSERT_EQUAL(info.rx_prod_flags, CDC_WRITE_BLOCKED);
	CU_ASSERT_TRUE(info.rxprod.wrap == 1 && info.rxprod.count == 0);
	CU_ASSERT_EQUAL(info.update_limit, 3276);
	CU_ASSERT_EQUAL(info.seq_in, 1);
	CU_ASSERT_FALSE(info.shut_read || info.shut_write);
	world_run();
	smc_abort(u[0].c);
	world_run();
	smc_get_info(u[1].c, &info); /* dead, to be looked at until it is closed */
	CU_ASSERT_EQUAL(info.state, SMC_PROCESSABORT);
	CU_ASSERT_EQUAL(info.error, ECONNRESET);
	CU_ASSERT_EQUAL(info.rx_conn_flags, CDC_ABORT);
	CU_ASSERT_TRUE(info.shut_read);
	smc_close(u[1].c);
	world_run();
	world_close();
}

static void stats__cleared_but_for_what_there_is(void)
{
	struct smc_stack *ss;
	struct smc_stats *st;

	pair_world(NULL, &(struct pair_args){ .rmb = { 16384, 16384 }, .snd = { 16384, 16384 } });
	ss = &world->s[0].ss;
	st = &ss->stats;
	CU_ASSERT_EQUAL(smc_send(u[0].c, "hello", 5), 5);
	world_run();
	st->role[SMC_CLIENT].fallbacks = st->role[SMC_CLIENT].why[0].count = 1;
	CU_ASSERT(st->tx.requests == 1 && st->tx.bytes == 5 && st->cdc_out != 0 && st->conns == 1);
	CU_ASSERT(st->tx.buf_usage != 0 && st->rx.buf_usage != 0);
	smc_stats_clear(ss);
	CU_ASSERT(st->tx.requests == 0 && st->tx.bytes == 0 && st->cdc_out == 0 && st->conns == 1);
	CU_ASSERT(st->role[SMC_CLIENT].fallbacks == 0 && st->role[SMC_CLIENT].why[0].count == 0);
	CU_ASSERT(st->tx.buf_usage != 0 && st->rx.buf_usage != 0);
	smc_close(u[0].c);
	smc_close(u[1].c);
	world_run();
	CU_ASSERT(st->conns == 0 && st->tx.buf_usage == 0 && st->rx.buf_usage == 0);
	world_close();
}

static void list__while_they_come_and_go(void)
{
	struct smc_conn_info info[3];
	uint64_t cursor = 0;
	unsigned n, total = 0, calls = 0;

	open_many(NULL);
	smc_close(many[0][1].c);
	smc_close(many[1][1].c);
	many[0][1].c = many[1][1].c = NULL;
	world_run();
	while ((n = smc_conn_list(&world->s[0].ss, &cursor, info, 1)) > 0) {
		total += n;
		CU_ASSERT_EQUAL(info[0].state, SMC_ACTIVE);
		calls++;
	}
	CU_ASSERT_EQUAL(total, MANY - 1);
	cursor = 0;
	CU_ASSERT_EQUAL(smc_conn_list(&world->s[0].ss, &cursor, info, 3), 3);
	CU_ASSERT_EQUAL(smc_conn_list(&world->s[0].ss, &cursor, info, 3), 0);
	cursor = UINT64_MAX;
	CU_ASSERT_EQUAL(smc_conn_list(&world->s[0].ss, &cursor, info, 3), 0);
	close_many();
	CU_ASSERT_EQUAL(calls, MANY - 1);
}

/* The stack goes with connections in every stage. */
static void fini__with_connections(void)
{
	begin(NULL);
	pair_activate(&u[0]);
	smc_send(u[0].c, "abc", 3);
	world_output();
	smc_conn_fini(&world->s[0].ss);
	smc_conn_fini(&world->s[1].ss);
	CU_ASSERT_EQUAL(world->s[0].bufs + world->s[1].bufs, 0);
	CU_ASSERT_EQUAL(world->s[0].tcps + world->s[1].tcps, 0);
	CU_ASSERT_EQUAL(world->wheel.armed, 0);
	world_free();
}

static const struct test_case cases[] = {
	TEST_CASE(token__unique_and_found),
	TEST_CASE(new__no_more_objects),
	TEST_CASE(handshake__user_leaves),
	TEST_CASE(handshake__fails),
	TEST_CASE(handshake__shut_down_meanwhile),
	TEST_CASE(handshake__group_lost_meanwhile),
	TEST_CASE(tcp__user_pointer),
	TEST_CASE(deliver__in_order_within_the_budget),
	TEST_CASE(deliver__callback_closes_all),
	TEST_CASE(deliver__what_a_callback_causes_comes_next_turn),
	TEST_CASE(deliver__answer_and_close),
	TEST_CASE(info__fields),
	TEST_CASE(stats__cleared_but_for_what_there_is),
	TEST_CASE(list__while_they_come_and_go),
	TEST_CASE(fini__with_connections),
};
TEST_MAIN("smc_conn_life", cases)
