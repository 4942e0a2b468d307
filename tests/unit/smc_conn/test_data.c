/* SPDX-License-Identifier: BSD-3-Clause */
/* Data both ways through the rings. */
#include "tests/unit/smc_conn/world.h"

#include <errno.h>

/* len octets from one side to the other, in pieces of at most chunk. */
static void transfer(unsigned from, uint64_t *at, uint64_t len, uint32_t chunk)
{
	uint64_t sent = 0, got = 0;
	unsigned idle = 0;

	while (got < len && idle < 3) {
		uint32_t n = send_stream(&u[from], *at + sent,
			(uint32_t)RTE_MIN((uint64_t)chunk, len - sent)), r;

		sent += n;
		world_run();
		r = read_stream(&u[!from], *at + got, chunk);
		got += r;
		idle = n == 0 && r == 0 ? idle + 1 : 0;
	}
	world_run();
	CU_ASSERT_EQUAL(got, len);
	*at += len;
}

static void send__arrives_behind_one_cdc(void)
{
	uint64_t at = 0;

	pair_world(NULL, NULL);
	transfer(0, &at, 100, 100);
	CU_ASSERT_EQUAL(world->s[0].posted, 1);
	CU_ASSERT_EQUAL(world->s[0].writes, 1);
	CU_ASSERT_EQUAL(world->s[0].last.seq, 1);
	CU_ASSERT_EQUAL(world->s[0].last.token, u[1].c->token);
	CU_ASSERT_EQUAL(world->s[0].last.prod.count, 100);
	CU_ASSERT_EQUAL(world->s[0].last.prod_flags, 0);
	CU_ASSERT_TRUE(u[1].seen & TCP_EV_READABLE);
	pair_end();
}

static void send__every_ring_size_both_ways(void)
{
	uint32_t size;

	for (size = SMC_BUF_MIN; size <= SMC_BUF_MAX; size <<= 1) {
		const uint64_t lens[] = { 1, size - 1, size, size + 1, 10ull * size };
		uint64_t at[2] = { 0, 0 };
		unsigned i;

		pair_world(NULL, &(struct pair_args){ .rmb = { 16384, size }, .snd = { size, 16384 } });
		for (i = 0; i < RTE_DIM(lens); i++) {
			transfer(0, &at[0], lens[i], size);
			transfer(1, &at[1], RTE_MIN(lens[i], (uint64_t)200000), 5000);
		}
		CU_ASSERT_EQUAL(u[0].c->bytes_out, at[0]);
		CU_ASSERT_EQUAL(u[1].c->bytes_in, at[0]);
		pair_end();
	}
}

/* A write that wraps is two RDMA WRITEs and one CDC; our own wrap only a second piece. */
static void send__wraps_with_two_writes(void)
{
	uint64_t at = 0;

	pair_world(NULL, &(struct pair_args){ .snd = { 32768, 0 } });
	transfer(0, &at, 10000, 10000);
	CU_ASSERT_EQUAL(world->s[0].writes, 1);
	transfer(0, &at, 10000, 10000);
	CU_ASSERT_EQUAL(world->s[0].writes, 3);
	CU_ASSERT_EQUAL(world->s[0].last.prod.count, 20000 - 16384);
	CU_ASSERT_EQUAL(world->s[0].last.prod.wrap, 1);
	transfer(0, &at, 10000, 10000);
	CU_ASSERT_EQUAL(world->s[0].writes, 4);
	transfer(0, &at, 9000, 9000); /* our ring wraps at 32768, theirs too */
	CU_ASSERT_EQUAL(world->s[0].writes, 6);
	CU_ASSERT_EQUAL(u[0].c->cdc_out, 4);
	pair_end();
}

/* Wrap counts have 16 bits; chunks are marked at both ends. */
static void send__wraps_70000_times(void)
{
	const uint32_t chunk = 12289;
	uint64_t total = 70000ull * 16384, at = 0, n = 0;

	pair_world(NULL, NULL);
	while (at < total) {
		struct tcp_piece p[2];
		uint64_t got[2];

		CU_ASSERT_TRUE_FATAL(smc_send_reserve(u[0].c, chunk, p) > 0);
		n++;
		if (p[0].len >= 8)
			memcpy(p[0].data, &n, 8);
		smc_send_commit(u[0].c, chunk);
		world_run();
		CU_ASSERT_EQUAL_FATAL(smc_readable(u[1].c), chunk);
		CU_ASSERT_TRUE(smc_peek(u[1].c, p, 2) > 0);
		if (p[0].len >= 8) {
			memcpy(got, p[0].data, 8);
			CU_ASSERT_EQUAL_FATAL(got[0], n);
		}
		smc_consume(u[1].c, chunk);
		at += chunk;
	}
	CU_ASSERT_EQUAL(u[1].c->peer_prod.wrap, (uint16_t)(at / 16384));
	pair_end();
}

static void send__never_writes_over_what_is_unread(void)
{
	uint64_t sent = 0, got = 0, seed = 3;

	pair_world(NULL, &(struct pair_args){ .snd = { 65536, 0 } });
	while (got < 1000000) {
		sent += send_stream(&u[0], sent, 1 + test_random(&seed) % 20000);
		world_run();
		CU_ASSERT_TRUE(u[0].c->bytes_out - got <= 16384);
		got += read_stream(&u[1], got, 1 + test_random(&seed) % 9000);
	}
	while (got < sent) {
		world_run();
		got += read_stream(&u[1], got, 16384);
	}
	CU_ASSERT_EQUAL(got, sent);
	pair_end();
}

static void send__blocked_also_when_it_just_fits(void)
{
	static const struct { uint32_t len; uint8_t flags; uint32_t wrap, count; } rows[] = {
		{ 16383, 0, 0, 16383 },
		{ 16384, CDC_WRITE_BLOCKED, 1, 0 },
		{ 16385, CDC_WRITE_BLOCKED, 1, 0 },
		{ 40000, CDC_WRITE_BLOCKED, 1, 0 },
	};
	unsigned i;

	for (i = 0; i < RTE_DIM(rows); i++) {
		pair_world(NULL, &(struct pair_args){ .snd = { 65536, 0 } });
		CU_ASSERT_EQUAL(send_stream(&u[0], 0, rows[i].len), rows[i].len);
		world_run();
		CU_ASSERT_EQUAL(world->s[0].last.prod_flags, rows[i].flags);
		CU_ASSERT_EQUAL(world->s[0].last.prod.wrap, rows[i].wrap);
		CU_ASSERT_EQUAL(world->s[0].last.prod.count, rows[i].count);
		CU_ASSERT_EQUAL(world->s[0].posted, 1);
		CU_ASSERT_EQUAL(read_stream(&u[1], 0, 65536), RTE_MIN(rows[i].len, 16384u));
		world_run();
		CU_ASSERT_EQUAL(smc_unacked(u[0].c), smc_unsent(u[0].c));
		while (read_stream(&u[1], u[1].c->bytes_in - smc_readable(u[1].c), 65536) > 0)
			world_run();
		CU_ASSERT_EQUAL(u[1].c->bytes_in, rows[i].len);
		pair_end();
	}
}

static void send__takes_what_fits_and_tells_of_room(void)
{
	pair_world(NULL, NULL);
	CU_ASSERT_EQUAL(send_stream(&u[0], 0, 20000), 16384);
	CU_ASSERT_EQUAL(send_stream(&u[0], 16384, 1), 0);
	CU_ASSERT_EQUAL(smc_send(u[0].c, "x", 1), -EAGAIN);
	CU_ASSERT_EQUAL(smc_send(u[0].c, "x", 0), 0);
	CU_ASSERT_EQUAL(smc_send_room(u[0].c), 0);
	CU_ASSERT_FALSE(u[0].seen & TCP_EV_WRITABLE);
	world_run(); /* completed: the ring is free though the peer has not read */
	CU_ASSERT_TRUE(u[0].seen & TCP_EV_WRITABLE);
	CU_ASSERT_EQUAL(smc_send_room(u[0].c), 16384);
	CU_ASSERT_EQUAL(send_stream(&u[0], 16384, 20000), 16384);
	u[0].seen = 0;
	world_run();
	CU_ASSERT_EQUAL(smc_send_room(u[0].c), 0);
	CU_ASSERT_FALSE(u[0].seen & TCP_EV_WRITABLE);
	CU_ASSERT_EQUAL(read_stream(&u[1], 0, 5000), 5000);
	world_run();
	CU_ASSERT_FALSE(u[0].seen & TCP_EV_WRITABLE); /* less than a third */
	CU_ASSERT_EQUAL(read_stream(&u[1], 5000, 3000), 3000);
	world_run();
	CU_ASSERT_TRUE(u[0].seen & TCP_EV_WRITABLE);
	CU_ASSERT_TRUE(world->s[0].ss.stats.tx.buf_full >= 1);
	CU_ASSERT_TRUE(world->s[0].ss.stats.tx.buf_full_peer >= 1);
	CU_ASSERT_EQUAL(read_stream(&u[1], 8000, 65536), 16384);
	world_run();
	CU_ASSERT_EQUAL(read_stream(&u[1], 24384, 65536), 8384);
	pair_end();
}

static void send__sent_event_when_all_is_completed(void)
{
	pair_world(NULL, NULL);
	smc_notify_sent(u[0].c);
	world_deliver();
	CU_ASSERT_TRUE(u[0].seen & TCP_EV_SENT);
	u[0].seen = 0;
	send_stream(&u[0], 0, 100);
	smc_notify_sent(u[0].c);
	world_output();
	CU_ASSERT_EQUAL(smc_unacked(u[0].c), 100);
	world_arrive(0);
	world_deliver();
	CU_ASSERT_FALSE(u[0].seen & TCP_EV_SENT);
	world_complete(0);
	world_deliver();
	CU_ASSERT_TRUE(u[0].seen & TCP_EV_SENT);
	CU_ASSERT_EQUAL(smc_unacked(u[0].c), 0);
	CU_ASSERT_EQUAL(read_stream(&u[1], 0, 100), 100);
	pair_end();
}

/* The first write of an idle connection goes at once; what comes while it is
 * under way waits for its completion and goes in one. */
static void send__autocork(void)
{
	static const struct { uint32_t autocork; bool nodelay; uint32_t more; uint64_t posts; } rows[] = {
		{ 65536, false, 100, 1 },   /* held */
		{ 65536, false, 8192, 1 },  /* half of the ring: held */
		{ 65536, false, 8193, 2 },  /* more */
		{ 1000, false, 1001, 2 },   /* more than the setting */
		{ 0, false, 100, 2 },       /* off */
		{ 65536, true, 100, 2 },
	};
	unsigned i;

	for (i = 0; i < RTE_DIM(rows); i++) {
		pair_world(&(struct world_args){ .autocork = rows[i].autocork },
			&(struct pair_args){ .rmb = { 0, 65536 } });
		smc_nodelay(u[0].c, rows[i].nodelay);
		send_stream(&u[0], 0, 10);
		world_output();
		CU_ASSERT_EQUAL(world->s[0].posted, 1);
		send_stream(&u[0], 10, rows[i].more);
		world_output();
		CU_ASSERT_EQUAL(world->s[0].posted, rows[i].posts);
		world_run();
		CU_ASSERT_EQUAL(world->s[0].posted, 2);
		CU_ASSERT_EQUAL(read_stream(&u[1], 0, 65536), 10 + rows[i].more);
		pair_end();
	}
}

static void cork__holds_until_off_full_or_time(void)
{
	enum { OFF, FULL, TIME, SHUT } why;

	for (why = OFF; why <= SHUT; why++) {
		pair_world(NULL, NULL);
		smc_cork(u[0].c, true);
		send_stream(&u[0], 0, 100);
		world_run();
		CU_ASSERT_EQUAL(world->s[0].posted, 0);
		if (why == OFF)
			smc_cork(u[0].c, false);
		else if (why == FULL)
			send_stream(&u[0], 100, 16284);
		else if (why == TIME)
			world_wait(200000);
		else
			smc_shutdown(u[0].c);
		world_run();
		CU_ASSERT_EQUAL(world->s[0].posted, 1);
		CU_ASSERT_EQUAL(read_stream(&u[1], 0, 16384), why == FULL ? 16384 : 100);
		if (why == TIME) { /* and again */
			send_stream(&u[0], 100, 5);
			world_run();
			CU_ASSERT_EQUAL(smc_readable(u[1].c), 0);
			world_wait(200000);
			CU_ASSERT_EQUAL(read_stream(&u[1], 100, 5), 5);
		}
		pair_end();
	}
}

static void reserve__two_pieces_at_the_wrap(void)
{
	struct tcp_piece p[2];
	uint32_t i;

	pair_world(NULL, NULL);
	for (i = 0; i < 2; i++) {
		send_stream(&u[0], 8000 * i, 8000);
		world_output();
		world_arrive(0);
	}
	world_complete(0); /* one is still under way */
	CU_ASSERT_EQUAL(read_stream(&u[1], 0, 16000), 16000);
	CU_ASSERT_EQUAL(smc_send_reserve(u[0].c, 1000, p), 2);
	CU_ASSERT_EQUAL(p[0].len, 384);
	CU_ASSERT_EQUAL(p[1].len, 616);
	for (i = 0; i < 1000; i++)
		*((uint8_t *)(i < 384 ? p[0].data : p[1].data) + (i < 384 ? i : i - 384)) = stream_octet(16000 + i);
	smc_send_commit(u[0].c, 700);
	world_run();
	CU_ASSERT_EQUAL(read_stream(&u[1], 16000, 1000), 700);
	world_run();
	pair_end();
}

/* With nothing queued and nothing under way our ring begins again; with a
 * message under way, though it has no data, it does not. */
static void reserve__from_the_start_when_idle(void)
{
	struct tcp_piece p[2];
	uint64_t at = 0;

	pair_world(NULL, NULL);
	transfer(0, &at, 10000, 10000);
	send_stream(&u[1], 0, 10000);
	world_run();
	CU_ASSERT_EQUAL(read_stream(&u[0], 0, 10000), 10000);
	smc_output(&world->s[0].ss); /* an update */
	CU_ASSERT_EQUAL(u[0].c->refs[SMC_REF_WR], 1);
	CU_ASSERT_EQUAL(smc_send_reserve(u[0].c, 20000, p), 2);
	CU_ASSERT_EQUAL(p[0].len, 6384);
	world_run();
	CU_ASSERT_EQUAL(smc_send_reserve(u[0].c, 20000, p), 1);
	CU_ASSERT_EQUAL(p[0].len, 16384);
	CU_ASSERT_EQUAL(smc_unacked(u[0].c), 0);
	transfer(0, &at, 12000, 12000);
	pair_end();
}

static void give__whole_or_not_at_all(void)
{
	static const uint32_t lens[] = { 1000, 1, 0, 1500 };
	uint64_t at = 0;
	struct rte_mbuf *m;

	pair_world(NULL, NULL);
	transfer(0, &at, 15000, 15000);
	m = stream_chain(at, lens, 4);
	CU_ASSERT_EQUAL(smc_give(u[0].c, m, 2500), -EINVAL);
	CU_ASSERT_EQUAL(smc_give(u[0].c, m, 2501), 0);
	CU_ASSERT_EQUAL(mbufs_out(), 0);
	world_run();
	CU_ASSERT_EQUAL(read_stream(&u[1], at, 5000), 2501);
	at += 2501;
	CU_ASSERT_EQUAL(send_stream(&u[0], at, 14000), 14000);
	m = stream_chain(at + 14000, lens, 4);
	CU_ASSERT_EQUAL(smc_give(u[0].c, m, 2501), -EAGAIN);
	CU_ASSERT_EQUAL(mbufs_out(), 4);
	world_run();
	CU_ASSERT_TRUE(u[0].seen & TCP_EV_WRITABLE);
	CU_ASSERT_EQUAL(smc_give(u[0].c, m, 2501), 0);
	world_run();
	CU_ASSERT_EQUAL(read_stream(&u[1], at, 16384), 16384);
	world_run();
	CU_ASSERT_EQUAL(read_stream(&u[1], at + 16384, 16384), 117);
	pair_end();
}

/* No slot: nothing is lost, nothing is numbered twice, all get their turn. */
static void post__waits_for_a_slot(void)
{
	uint64_t at = 0, got = 0;

	pair_world(&(struct world_args){ .slots = 1 }, NULL);
	at += send_stream(&u[0], at, 100);
	world_output();
	at += send_stream(&u[0], at, 100);
	world_output();
	CU_ASSERT_EQUAL(world->s[0].posted, 1);
	CU_ASSERT_TRUE(u[0].c->in_wait);
	CU_ASSERT_EQUAL(u[0].c->seq_out, 1);
	world_run();
	CU_ASSERT_EQUAL(world->s[0].posted, 2);
	CU_ASSERT_EQUAL(u[0].c->seq_out, 2);
	got += read_stream(&u[1], got, 1000);
	CU_ASSERT_EQUAL(got, at);
	world->s[0].refuse = -ENOLINK;
	send_stream(&u[0], at, 100);
	world_run();
	CU_ASSERT_EQUAL(u[0].c->seq_out, 2);
	CU_ASSERT_EQUAL(smc_unsent(u[0].c), 100);
	world->s[0].refuse = 0;
	smc_tx_schedule(u[0].c);
	world_run();
	CU_ASSERT_EQUAL(read_stream(&u[1], at, 1000), 100);
	pair_end();
}

/* One connection with much to send does not keep the slots from another. */
static void output__in_turn(void)
{
	struct tcp_conn t2[2] = { 0 };
	struct user v[2] = { { .tcp = &t2[0] }, { .tcp = &t2[1] } };
	const struct pair_args big = { .rmb = { 0, 4 << 20 }, .snd = { 4 << 20, 0 } };

	pair_world(NULL, &big);
	pair_open(v, NULL);
	while (send_stream(&u[0], 0, 1 << 20) > 0)
		;
	CU_ASSERT_EQUAL(smc_send(v[0].c, "x", 1), 1);
	world_output();
	CU_ASSERT_EQUAL(u[0].c->bytes_out, SMC_TX_BURST);
	CU_ASSERT_EQUAL(v[0].c->bytes_out, 1);
	world_run();
	CU_ASSERT_EQUAL(smc_readable(u[1].c), 4 << 20);
	smc_consume(u[1].c, 4 << 20);
	smc_consume(v[1].c, 1);
	smc_close(v[0].c);
	smc_close(v[1].c);
	pair_end();
}

static void both__rings_full_at_once(void)
{
	uint64_t sent[2] = { 0 }, got[2] = { 0 };
	unsigned i, round;

	pair_world(NULL, NULL);
	for (round = 0; round < 200; round++) {
		for (i = 0; i < 2; i++)
			sent[i] += send_stream(&u[i], sent[i], 30000);
		world_run();
		for (i = 0; i < 2; i++)
			sent[i] += send_stream(&u[i], sent[i], 30000);
		world_run();
		for (i = 0; i < 2; i++) {
			CU_ASSERT_EQUAL(smc_readable(u[!i].c), 16384);
			got[i] += read_stream(&u[!i], got[i], round % 2 ? 16384 : 7000);
		}
		world_run();
	}
	for (i = 0; i < 2; i++) {
		while (got[i] < sent[i]) {
			world_run();
			got[i] += read_stream(&u[!i], got[i], 16384);
		}
		CU_ASSERT_TRUE(sent[i] > 1000000);
	}
	pair_end();
}

static void stats__requests_and_sizes(void)
{
	const struct smc_stats *tx, *rx;

	pair_world(NULL, &(struct pair_args){ .snd = { 32768, 0 } });
	tx = &world->s[0].ss.stats;
	rx = &world->s[1].ss.stats;
	CU_ASSERT_EQUAL(tx->tx.bufs[2], 1); /* <= 32 KiB */
	CU_ASSERT_EQUAL(tx->rx.bufs[1], 1);
	CU_ASSERT_EQUAL(tx->tx.buf_usage, 32768);
	send_stream(&u[0], 0, 8192);
	CU_ASSERT_EQUAL(tx->tx.reqs[0], 1);
	send_stream(&u[0], 8192, 8193);
	CU_ASSERT_EQUAL(tx->tx.reqs[1], 1);
	CU_ASSERT_EQUAL(tx->tx.buf_small_peer, 0);
	CU_ASSERT_EQUAL(send_stream(&u[0], 16385, 40000), 16383);
	CU_ASSERT_EQUAL(tx->tx.reqs[3], 1);
	CU_ASSERT_EQUAL(tx->tx.buf_small, 1);
	CU_ASSERT_EQUAL(tx->tx.buf_small_peer, 1);
	send_stream(&u[0], 0, 10); /* nothing moves: a request, in no bucket */
	CU_ASSERT_EQUAL(tx->tx.requests, 4);
	CU_ASSERT_EQUAL(tx->tx.bytes, 32768);
	CU_ASSERT_EQUAL(tx->tx.reqs[0], 1);
	world_run();
	CU_ASSERT_EQUAL(read_stream(&u[1], 0, 100), 100);
	CU_ASSERT_EQUAL(rx->rx.buf_full, 1);
	CU_ASSERT_EQUAL(rx->rx.buf_small, 1);
	CU_ASSERT_EQUAL(rx->rx.reqs[0], 1);
	CU_ASSERT_EQUAL(rx->rx.bytes, 100);
	smc_consume(u[1].c, 16384);
	world_run();
	smc_consume(u[1].c, 16384);
	world_run();
	smc_consume(u[1].c, 16384);
	pair_end();
}

static void stats__size_buckets(void)
{
	static const struct { uint64_t octets; unsigned bucket; } rows[] = {
		{ 0, 0 }, { 1, 0 }, { 8192, 0 }, { 8193, 1 }, { 16384, 1 }, { 65536, 3 }, { 65537, 4 },
		{ 1 << 20, 7 }, { (1 << 20) + 1, 8 }, { UINT64_MAX, 8 },
	};
	unsigned i;

	for (i = 0; i < RTE_DIM(rows); i++)
		CU_ASSERT_EQUAL(smc_size_bucket(rows[i].octets), rows[i].bucket);
}

static const struct test_case cases[] = {
	TEST_CASE(send__arrives_behind_one_cdc),
	TEST_CASE(send__every_ring_size_both_ways),
	TEST_CASE(send__wraps_with_two_writes),
	TEST_CASE(send__wraps_70000_times),
	TEST_CASE(send__never_writes_over_what_is_unread),
	TEST_CASE(send__blocked_also_when_it_just_fits),
	TEST_CASE(send__takes_what_fits_and_tells_of_room),
	TEST_CASE(send__sent_event_when_all_is_completed),
	TEST_CASE(send__autocork),
	TEST_CASE(cork__holds_until_off_full_or_time),
	TEST_CASE(reserve__two_pieces_at_the_wrap),
	TEST_CASE(reserve__from_the_start_when_idle),
	TEST_CASE(give__whole_or_not_at_all),
	TEST_CASE(post__waits_for_a_slot),
	TEST_CASE(output__in_turn),
	TEST_CASE(both__rings_full_at_once),
	TEST_CASE(stats__requests_and_sizes),
	TEST_CASE(stats__size_buckets),
};
TEST_MAIN("smc_conn_data", cases)
