/* SPDX-License-Identifier: BSD-3-Clause */
/* CDC messages a peer should not send, and those that only look so. */
#include <errno.h>

#include "tests/unit/smc_conn/world.h"

/* After 1000 octets in, 500 of them read and told, and 3000 octets out. */
static void prepare(void)
{
	struct cdc_msg m;

	pair_world(NULL, NULL);
	send_stream(&u[0], 0, 1000);
	send_stream(&u[1], 0, 3000);
	world_run();
	read_stream(&u[1], 0, 500);
	m = world_cdc(&u[1]);
	m.prod_flags = CDC_CURSOR_WANTED;
	world_inject(&u[1], &m);
	world_run();
	u[1].seen = 0;
}

static void finish(void)
{
	u[0].c->seq_out = u[1].c->seq_in; /* as if it had sent what was injected */
	smc_abort(u[0].c);
	smc_abort(u[1].c);
	world_run();
	world_close();
}

#define CUR(w, n) { .wrap = (w), .count = (n) }

static void input__cursors(void)
{
	enum { OK, STALE, BAD };
	static const struct {
		const char *what;
		struct smc_cursor prod, cons;
		int result;
		uint32_t readable, room;
	} rows[] = {
		{ "the same", CUR(0, 1000), CUR(0, 0), OK, 500, 13384 },
		{ "data", CUR(0, 1001), CUR(0, 0), OK, 501, 13384 },
		{ "to the last octet told free", CUR(1, 500), CUR(0, 0), OK, 16384, 13384 },
		{ "one beyond", CUR(1, 501), CUR(0, 0), BAD, 0, 0 },
		{ "behind the ring's end", CUR(0, 16384), CUR(0, 0), BAD, 0, 0 },
		{ "far behind it", CUR(0, UINT32_MAX), CUR(0, 0), BAD, 0, 0 },
		{ "a wrap too many", CUR(2, 0), CUR(0, 0), BAD, 0, 0 },
		{ "half of all wraps", CUR(0x7fff, 0), CUR(0, 0), BAD, 0, 0 },
		{ "backwards: ignored", CUR(0, 999), CUR(0, 0), STALE, 500, 13384 },
		{ "backwards a wrap", CUR(0xffff, 16000), CUR(0, 0), STALE, 500, 13384 },
		{ "backwards, the rest counts", CUR(0, 0), CUR(0, 100), STALE, 500, 13484 },
		{ "some was read", CUR(0, 1000), CUR(0, 1), OK, 500, 13385 },
		{ "all was read", CUR(0, 1000), CUR(0, 3000), OK, 500, 16384 },
		{ "more than was written", CUR(0, 1000), CUR(0, 3001), BAD, 0, 0 },
		{ "a wrap more", CUR(0, 1000), CUR(1, 0), BAD, 0, 0 },
		{ "consumer behind the end", CUR(0, 1000), CUR(0, 16384), BAD, 0, 0 },
		{ "consumer backwards", CUR(0, 1000), CUR(0xffff, 16383), STALE, 500, 13384 },
		{ "good data, bad consumer", CUR(0, 1100), CUR(0, 5000), BAD, 0, 0 },
	};
	unsigned i;

	for (i = 0; i < RTE_DIM(rows); i++) {
		struct cdc_msg m;

		prepare();
		m = world_cdc(&u[1]);
		m.prod = rows[i].prod;
		m.cons = rows[i].cons;
		world_inject(&u[1], &m);
		world_deliver();
		CU_ASSERT_EQUAL(world->s[1].ss.stats.cdc_bad_cursor, rows[i].result == BAD);
		if (rows[i].result == BAD) {
			CU_ASSERT_EQUAL(u[1].c->error, EPROTO);
			CU_ASSERT_TRUE(u[1].seen & TCP_EV_CLOSED);
			CU_ASSERT_EQUAL(u[1].c->state, SMC_PEERABORTWAIT);
			CU_ASSERT_EQUAL(smc_send(u[1].c, "x", 1), -EPROTO);
			world_output();
			CU_ASSERT_TRUE(world->s[1].last.conn_flags & CDC_ABORT);
			CU_ASSERT_TRUE(tcp[1].aborted);
		} else {
			CU_ASSERT_EQUAL(u[1].c->error, 0);
			if (smc_readable(u[1].c) != rows[i].readable || smc_peer_room(u[1].c) != rows[i].room)
				fprintf(stderr, "%s: %u %u\n", rows[i].what, smc_readable(u[1].c),
					smc_peer_room(u[1].c));
			CU_ASSERT_EQUAL(smc_readable(u[1].c), rows[i].readable);
			CU_ASSERT_EQUAL(smc_peer_room(u[1].c), rows[i].room);
		}
		finish();
	}
}

/* What was read is not the peer's before it was told. */
static void input__beyond_what_was_told(void)
{
	unsigned over;

	for (over = 0; over < 2; over++) {
		struct cdc_msg m;

		prepare();
		CU_ASSERT_EQUAL(read_stream(&u[1], 500, 100), 100);
		world_output();
		CU_ASSERT_EQUAL(u[1].c->cons_told.count, 500);
		m = world_cdc(&u[1]);
		m.prod = (struct smc_cursor)CUR(1, 500 + over);
		world_inject(&u[1], &m);
		CU_ASSERT_EQUAL(u[1].c->error, over ? EPROTO : 0);
		finish();
	}
}

static void input__sequence(void)
{
	static const struct {
		uint16_t last, seq;
		bool taken;
	} rows[] = {
		{ 5, 6, true }, { 5, 5, true }, { 5, 4, false }, { 5, 0, false }, { 5, 0xffff, false },
		{ 0xffff, 0, true }, { 0xffff, 0xfffe, false }, { 0, 1, true }, { 5, 5 + 0x7fff, true },
		{ 5, 5 + 0x8000, false },
	};
	unsigned i;

	for (i = 0; i < RTE_DIM(rows); i++) {
		struct cdc_msg m;

		prepare();
		u[1].c->seq_in = rows[i].last;
		m = world_cdc(&u[1]);
		m.seq = rows[i].seq;
		m.prod.count += 10;
		world_inject(&u[1], &m);
		CU_ASSERT_EQUAL(smc_readable(u[1].c), rows[i].taken ? 510 : 500);
		CU_ASSERT_EQUAL(u[1].c->seq_in, rows[i].taken ? rows[i].seq : rows[i].last);
		CU_ASSERT_EQUAL(world->s[1].ss.stats.cdc_old_seq, !rows[i].taken);
		finish();
	}
}

/* Every other token, that of another group's connection, that of a gone one. */
static void input__token(void)
{
	struct smc_lgr other = { 0 };
	struct smc_link link = { .lgr = &other };
	uint8_t buf[CDC_LEN];
	struct cdc_msg m;
	unsigned bit;

	prepare();
	other.ss = &world->s[1].ss;
	for (bit = 0; bit < 33; bit++) {
		m = world_cdc(&u[1]);
		m.prod.count += 10;
		m.token = bit == 32 ? 0 : m.token ^ (1u << bit);
		world_inject(&u[1], &m);
		CU_ASSERT_EQUAL(world->s[1].ss.stats.cdc_no_conn, bit + 1);
		CU_ASSERT_EQUAL(smc_readable(u[1].c), 500);
	}
	m = world_cdc(&u[1]);
	m.prod.count += 10;
	cdc_encode(&m, buf);
	smc_cdc_input(&link, buf, CDC_LEN);
	CU_ASSERT_EQUAL(world->s[1].ss.stats.cdc_no_conn, 34);
	CU_ASSERT_EQUAL(smc_readable(u[1].c), 500);
	finish();
}

static void input__lengths(void)
{
	uint8_t buf[64] = { 0 };
	struct cdc_msg m;
	unsigned len, bad = 0;

	prepare();
	m = world_cdc(&u[1]);
	m.prod.count += 10;
	cdc_encode(&m, buf);
	for (len = 1; len <= sizeof(buf); len++) {
		if (len == CDC_LEN)
			continue;
		smc_cdc_input(&world->s[1].link, buf, len);
		CU_ASSERT_EQUAL(world->s[1].ss.stats.cdc_short, ++bad);
	}
	buf[1] = 43;
	smc_cdc_input(&world->s[1].link, buf, CDC_LEN);
	CU_ASSERT_EQUAL(world->s[1].ss.stats.cdc_short, bad + 1);
	CU_ASSERT_EQUAL(smc_readable(u[1].c), 500);
	finish();
}

/* A failover of the peer: what it heard complete must have arrived; cursors in
 * the message are never used. */
static void input__validation(void)
{
	static const struct { int seq; bool abort; } rows[] = { { 0, false }, { -1, false }, { 1, true },
		{ 100, true } };
	unsigned i;

	for (i = 0; i < RTE_DIM(rows); i++) {
		struct cdc_msg m;
		uint16_t seq;

		prepare();
		seq = u[1].c->seq_in;
		m = world_cdc(&u[1]);
		m.seq = (uint16_t)(seq + rows[i].seq);
		m.prod_flags = CDC_VALIDATION;
		m.prod = (struct smc_cursor)CUR(0, 12000);
		m.cons = (struct smc_cursor)CUR(9, 99999);
		m.conn_flags = CDC_CLOSED;
		world_inject(&u[1], &m);
		CU_ASSERT_EQUAL(smc_readable(u[1].c), 500);
		CU_ASSERT_EQUAL(u[1].c->rx_conn_flags, 0);
		CU_ASSERT_EQUAL(u[1].c->seq_in, seq);
		CU_ASSERT_EQUAL(u[1].c->error, rows[i].abort ? ECONNABORTED : 0);
		world_output();
		CU_ASSERT_EQUAL(!!(world->s[1].last.conn_flags & CDC_ABORT), rows[i].abort);
		finish();
	}
}

/* What we send: numbers from 1, the peer's token, cursors, nothing else. */
static void output__fields(void)
{
	unsigned i;

	pair_world(NULL, NULL);
	for (i = 1; i <= 70000; i++) {
		smc_send(u[0].c, "abc", 3);
		world_run();
		CU_ASSERT_EQUAL_FATAL(world->s[0].last.seq, (uint16_t)i);
		CU_ASSERT_EQUAL_FATAL(world->s[0].last.token, u[1].c->token);
		CU_ASSERT_EQUAL_FATAL(world->s[0].last.conn_flags, 0);
		smc_consume(u[1].c, 3);
	}
	CU_ASSERT_EQUAL(u[1].c->cdc_in, 70000);
	CU_ASSERT_EQUAL(world->s[1].ss.stats.cdc_old_seq, 0);
	pair_end();
}

/* A peer may send as soon as its side of the handshake is through. */
static void input__before_we_are_active(void)
{
	static const struct pair_args defaults;
	struct cdc_msg m;

	memset(u, 0, sizeof(u));
	memset(tcp, 0, sizeof(tcp));
	u[0].tcp = &tcp[0];
	u[1].tcp = &tcp[1];
	world_open(NULL);
	pair_begin(&u[0], 0, &defaults);
	pair_begin(&u[1], 1, &defaults);
	m = world_cdc(&u[1]);
	m.prod.count = 77;
	world_inject(&u[1], &m);
	world_deliver();
	CU_ASSERT_EQUAL(u[1].calls, 0);
	m.seq++;
	m.conn_flags = CDC_DONE_WRITING;
	world_inject(&u[1], &m);
	pair_ready(u);
	pair_activate(&u[0]);
	pair_activate(&u[1]);
	CU_ASSERT_EQUAL(u[1].c->state, SMC_APPCLOSEWAIT1);
	world_deliver();
	CU_ASSERT_TRUE(u[1].seen == (TCP_EV_READABLE | TCP_EV_EOF));
	CU_ASSERT_EQUAL(smc_readable(u[1].c), 77);
	smc_consume(u[1].c, 77);
	CU_ASSERT_TRUE(smc_eof(u[1].c));
	u[0].c->seq_out = u[1].c->seq_in;
	pair_end();
}

/* With a consumer cursor, or beyond the ring, that early: found out, and ended
 * as soon as that can be done. */
static void input__bad_before_we_are_active(void)
{
	static const struct pair_args defaults;
	static const struct { struct smc_cursor prod, cons; } rows[] = {
		{ CUR(0, 0), CUR(0, 1) }, { CUR(0, 16384), CUR(0, 0) }, { CUR(1, 1), CUR(0, 0) },
	};
	unsigned i;

	for (i = 0; i < RTE_DIM(rows); i++) {
		struct cdc_msg m;

		memset(u, 0, sizeof(u));
		memset(tcp, 0, sizeof(tcp));
		u[0].tcp = &tcp[0];
		u[1].tcp = &tcp[1];
		world_open(NULL);
		pair_begin(&u[0], 0, &defaults);
		pair_begin(&u[1], 1, &defaults);
		m = world_cdc(&u[1]);
		m.prod = rows[i].prod;
		m.cons = rows[i].cons;
		world_inject(&u[1], &m);
		CU_ASSERT_EQUAL(u[1].c->error, EPROTO);
		pair_ready(u);
		pair_activate(&u[0]);
		pair_activate(&u[1]);
		world_run();
		CU_ASSERT_TRUE(u[1].seen & TCP_EV_CLOSED);
		CU_ASSERT_TRUE(u[0].seen & TCP_EV_CLOSED);
		CU_ASSERT_EQUAL(u[0].c->error, ECONNRESET);
		pair_end();
	}
}

static const struct test_case cases[] = {
	TEST_CASE(input__cursors),
	TEST_CASE(input__beyond_what_was_told),
	TEST_CASE(input__sequence),
	TEST_CASE(input__token),
	TEST_CASE(input__lengths),
	TEST_CASE(input__validation),
	TEST_CASE(output__fields),
	TEST_CASE(input__before_we_are_active),
	TEST_CASE(input__bad_before_we_are_active),
};
TEST_MAIN("smc_conn_cdc", cases)
