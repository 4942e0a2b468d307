/* SPDX-License-Identifier: BSD-3-Clause */
/* The ends of connections: the tables of RFC 7609 4.7 as Linux has them, cell by
 * cell, then whole stories. */
#include <errno.h>

#include "tests/unit/smc_conn/world.h"

#define A SMC_ACTIVE
#define P1 SMC_PEERCLOSEWAIT1
#define P2 SMC_PEERCLOSEWAIT2
#define A1 SMC_APPCLOSEWAIT1
#define A2 SMC_APPCLOSEWAIT2
#define AF SMC_APPFINCLOSEWAIT
#define PF SMC_PEERFINCLOSEWAIT
#define PA SMC_PROCESSABORT
#define PW SMC_PEERABORTWAIT
#define CL SMC_CLOSED

static void state__every_flag_in_every_state(void)
{
	static const struct { uint8_t state; bool sent_close; uint8_t done, closed, abort; } rows[] = {
		{ SMC_INIT, false, A1, A1, PA },
		{ A, false, A1, A1, PA },
		{ P1, false, P2, AF, PA },      /* only shut down */
		{ P2, false, P2, AF, PA },
		{ A1, false, A1, A1, PA },
		{ A2, false, A2, A2, CL },
		{ AF, false, AF, AF, PA },
		{ PA, false, PA, PA, PA },
		{ PW, false, PW, PW, PW },      /* our ABORT is still to go */
		{ CL, false, CL, CL, CL },
		{ P1, true, P2, CL, CL },
		{ P2, true, P2, CL, CL },
		{ PF, true, PF, CL, CL },
		{ PW, true, PW, CL, CL },
		{ CL, true, CL, CL, CL },
	};
	unsigned i, f;

	for (i = 0; i < RTE_DIM(rows); i++) {
		for (f = 0x20; f <= 0xe0; f += 0x20) { /* ABORT counts most, then CLOSED */
			uint8_t want = f & CDC_ABORT ? rows[i].abort : f & CDC_CLOSED ? rows[i].closed : rows[i].done;

			CU_ASSERT_EQUAL(smc_state_on_peer(rows[i].state, (uint8_t)f, rows[i].sent_close),
				want);
		}
	}
}

static void state__every_call_in_every_state(void)
{
	static const struct { uint8_t state, shut, close, answer; } rows[] = {
		{ A, P1, P1, CL }, { A1, A2, PF, CL }, { A2, A2, PF, CL }, { P1, P1, P1, CL },
		{ P2, P2, P2, CL },
		{ AF, AF, CL, CL }, { PF, PF, PF, PF }, { PA, PA, CL, CL }, { PW, PW, PW, CL },
		{ CL, CL, CL, CL },
	};
	unsigned i;

	for (i = 0; i < RTE_DIM(rows); i++) {
		CU_ASSERT_EQUAL(smc_state_on_local(rows[i].state, SMC_GOAL_SHUT, false), rows[i].shut);
		CU_ASSERT_EQUAL(smc_state_on_local(rows[i].state, SMC_GOAL_SHUT, true), rows[i].shut);
		CU_ASSERT_EQUAL(smc_state_on_local(rows[i].state, SMC_GOAL_CLOSE, false), rows[i].close);
		CU_ASSERT_EQUAL(smc_state_on_local(rows[i].state, SMC_GOAL_CLOSE, true), rows[i].answer);
	}
}

static void state__names(void)
{
	static const struct { unsigned state; const char *name; } rows[] = {
		{ A, "ACTIVE" }, { SMC_INIT, "INIT" }, { CL, "CLOSED" }, { SMC_LISTEN, "LISTEN" },
		{ P1, "PEERCLOSEWAIT1" },
		{ P2, "PEERCLOSEWAIT2" }, { A1, "APPCLOSEWAIT1" }, { A2, "APPCLOSEWAIT2" },
		{ AF, "APPFINCLOSEWAIT1" },
		{ PF, "PEERFINCLOSEWAIT" }, { PW, "PEERABORTWAIT" }, { PA, "PROCESSABORT" }, { 0, "UNKNOWN" },
		{ 15, "UNKNOWN" }, { 28, "UNKNOWN" }, { 255, "UNKNOWN" },
	};
	unsigned i;

	for (i = 0; i < RTE_DIM(rows); i++)
		CU_ASSERT_STRING_EQUAL(smc_state_name(rows[i].state), rows[i].name);
}

/* ---- stories: one line a step -------------------------------------------------- */

/* s shut down, c close, a abort, w write 100, r read all, each with its side;
 * R0: all that can move moves. Then what it has come to. */
struct story {
	const char *what, *steps;
	uint8_t state[2];
	uint8_t flags[2];               /* of the last CDC */
	int error[2];
	bool fin[2], reset[2];          /* done to TCP */
};

static bool left[2];

static void step(char what, unsigned i)
{
	static const uint8_t octets[100];

	switch (what) {
	case 's':
		CU_ASSERT_EQUAL(smc_shutdown(u[i].c), 0);
		break;
	case 'c':
		smc_close(u[i].c);
		left[i] = true;
		break;
	case 'a':
		smc_abort(u[i].c);
		left[i] = true;
		break;
	case 'w':
		CU_ASSERT_EQUAL(smc_send(u[i].c, octets, 100), 100);
		break;
	case 'r':
		smc_consume(u[i].c, UINT32_MAX);
		break;
	case 'R':
		world_run();
		break;
	default:
		CU_FAIL("step");
	}
}

static void tell(const struct story *s)
{
	unsigned i;

	left[0] = left[1] = false;
	pair_world(NULL, NULL);
	for (i = 0; s->steps[i] != '\0'; i += 2)
		step(s->steps[i], s->steps[i + 1] - '0');
	world_run();
	for (i = 0; i < 2; i++) {
		uint8_t state = left[i] && world->s[i].ss.conns.used == 0 ? CL : u[i].c->state;

		if (state != s->state[i] || world->s[i].last.conn_flags != s->flags[i] || tcp[i].fin != s->fin[i])
			fprintf(stderr, "%s: side %u: %s, flags %02x, FIN %u\n", s->what, i,
				smc_state_name(state),
				world->s[i].last.conn_flags, tcp[i].fin);
		CU_ASSERT_EQUAL(state, s->state[i]);
		CU_ASSERT_EQUAL(world->s[i].last.conn_flags, s->flags[i]);
		if (!left[i])
			CU_ASSERT_EQUAL(u[i].c->error, s->error[i]);
		CU_ASSERT_EQUAL(tcp[i].fin, s->fin[i]);
		CU_ASSERT_EQUAL(tcp[i].aborted, s->reset[i]);
	}
	for (i = 0; i < 2; i++)
		if (!left[i])
			smc_close(u[i].c);
	world_run();
	world_close();
}

static void close__stories(void)
{
	static const struct story stories[] = {
		{ "nothing", "R0", { A, A }, { 0, 0 } },
		{ "client closes", "c0", { P1, A1 }, { 0x40, 0 }, { 0, 0 }, { true, false } },
		{ "server closes", "c1", { A1, P1 }, { 0, 0x40 }, { 0, 0 }, { false, true } },
		{ "one after the other", "c0R0c1", { CL, CL }, { 0x40, 0x40 }, { 0, 0 }, { true, true } },
		{ "both at once", "c0c1", { CL, CL }, { 0x40, 0x40 }, { 0, 0 }, { true, true } },
		{ "half close", "s0", { P1, A1 }, { 0x80, 0 }, { 0, 0 }, { true, false } },
		{ "half close, data goes on", "s0R0w1R0r0", { P1, A1 }, { 0x80, 0 }, { 0, 0 },
		  { true, false } },
		{ "half close, then both", "s0R0w1R0r0c1R0c0", { CL, CL }, { 0xc0, 0x40 }, { 0, 0 },
		  { true, true } },
		{ "half close, peer closes", "s0R0c1", { AF, PF }, { 0x80, 0x40 }, { 0, 0 }, { true, true } },
		{ "half close both ways", "s0R0s1", { P2, A2 }, { 0x80, 0x80 }, { 0, 0 }, { true, true } },
		{ "both ways at once", "s0s1", { P2, P2 }, { 0x80, 0x80 }, { 0, 0 }, { true, true } },
		{ "both ways, one closes", "s0R0s1R0c0", { P2, A2 }, { 0xc0, 0x80 }, { 0, 0 },
		  { true, true } },
		{ "both ways, the other closes", "s0R0s1R0c1", { AF, PF }, { 0x80, 0xc0 }, { 0, 0 },
		  { true, true } },
		{ "both ways, both close", "s0s1R0c0R0c1", { CL, CL }, { 0xc0, 0xc0 }, { 0, 0 },
		  { true, true } },
		{ "half close and close", "s0R0c0", { P1, A1 }, { 0xc0, 0 }, { 0, 0 }, { true, false } },
		{ "half close and close at once", "s0c0", { P1, A1 }, { 0x40, 0 }, { 0, 0 },
		  { true, false } },
		{ "data, then close", "w0c0R0r1", { P1, A1 }, { 0x40, 0 }, { 0, 0 }, { true, false } },
		{ "close with unread data", "w1R0c0", { P1, PA }, { 0x20, 0 }, { 0, ECONNRESET },
		  { true, false } },
		{ "unread, both", "w1R0c0R0c1", { CL, CL }, { 0x20, 0x20 }, { 0, 0 }, { true, false },
		  { false, true } },
		{ "unread on both sides", "w0w1R0c0c1", { CL, CL }, { 0x20, 0x20 }, { 0, 0 },
		  { true, true } },
		{ "unread behind a half close", "w1R0s0R0c0", { P1, PA }, { 0xa0, 0 }, { 0, ECONNRESET },
		  { true, false } },
		{ "abort", "a0", { PW, PA }, { 0x20, 0 }, { 0, ECONNRESET }, { false, false },
		  { true, false } },
		{ "abort with data queued", "w0a0", { PW, PA }, { 0x20, 0 }, { 0, ECONNRESET }, { false },
		  { true, false } },
		{ "abort, answered", "a0R0c1", { CL, CL }, { 0x20, 0x20 }, { 0, 0 }, { false, false },
		  { true, true } },
		{ "abort both at once", "a0a1", { CL, CL }, { 0x20, 0x20 }, { 0, 0 }, { false, false },
		  { true, true } },
		{ "abort of a closed one", "c1R0a0", { CL, CL }, { 0x20, 0x40 }, { 0, 0 }, { false, true },
		  { true, false } },
		{ "abort after a half close", "s0R0a0", { PW, PA }, { 0xa0, 0 }, { 0, ECONNRESET }, { true },
		  { true, false } },
		{ "abort meets both half closes: answered at once", "s0R0s1R0a0", { CL, CL }, { 0xa0, 0xa0 },
		  { 0, ECONNRESET }, { true, true }, { true, true } },
	};
	unsigned i;

	for (i = 0; i < RTE_DIM(stories); i++)
		tell(&stories[i]);
}

/* Data before DONE or CLOSED is delivered before EOF; events as TCP's. */
static void close__data_before_eof(void)
{
	unsigned shut;

	for (shut = 0; shut < 2; shut++) {
		pair_world(NULL, NULL);
		send_stream(&u[0], 0, 5000);
		if (shut)
			smc_shutdown(u[0].c);
		else
			smc_close(u[0].c);
		world_run();
		CU_ASSERT_EQUAL(u[1].seen, TCP_EV_READABLE | TCP_EV_EOF);
		CU_ASSERT_EQUAL(world->s[0].posted, 1); /* the flag rides on the data */
		CU_ASSERT_FALSE(smc_eof(u[1].c));
		CU_ASSERT_EQUAL(read_stream(&u[1], 0, 4999), 4999);
		CU_ASSERT_FALSE(smc_eof(u[1].c));
		CU_ASSERT_EQUAL(read_stream(&u[1], 4999, 10), 1);
		CU_ASSERT_TRUE(smc_eof(u[1].c));
		smc_close(u[1].c);
		if (shut) {
			world_run();
			CU_ASSERT_TRUE(u[0].seen & TCP_EV_CLOSED);
			CU_ASSERT_EQUAL(u[0].c->error, 0);
			smc_close(u[0].c);
		}
		world_run();
		world_close();
	}
}

/* More than the peer's ring holds was queued at close(): it is sent as the peer
 * reads, as long as that gets on. */
static void close__sends_what_is_queued(void)
{
	uint64_t got = 0;

	pair_world(NULL, &(struct pair_args){ .snd = { 65536, 0 } });
	CU_ASSERT_EQUAL(send_stream(&u[0], 0, 65536), 65536);
	smc_close(u[0].c);
	world_run();
	CU_ASSERT_EQUAL(u[1].c->state, A);
	while (got < 65536) {
		world_wait(SMC_FLUSH_US - 1000);
		CU_ASSERT_FALSE(smc_eof(u[1].c));
		got += read_stream(&u[1], got, 3000);
		world_run();
	}
	CU_ASSERT_TRUE(smc_eof(u[1].c));
	CU_ASSERT_EQUAL(u[1].c->rx_conn_flags, CDC_CLOSED);
	smc_close(u[1].c);
	world_run();
	world_close();
}

/* The peer does not read: after a while the rest is lost, the flag tells where. */
static void close__gives_up_on_what_does_not_move(void)
{
	pair_world(NULL, &(struct pair_args){ .snd = { 65536, 0 } });
	send_stream(&u[0], 0, 65536);
	smc_close(u[0].c);
	world_run();
	world_wait(SMC_FLUSH_US - 1000);
	CU_ASSERT_EQUAL(u[1].c->rx_conn_flags, 0);
	world_wait(SMC_FLUSH_US + 2000); /* the first ring full was progress */
	CU_ASSERT_EQUAL(u[1].c->rx_conn_flags, CDC_CLOSED);
	CU_ASSERT_EQUAL(read_stream(&u[1], 0, 65536), 16384);
	CU_ASSERT_TRUE(smc_eof(u[1].c));
	smc_close(u[1].c);
	world_run();
	world_close();
}

/* Nobody answers our close: given up after close_wait_ms. */
static void close__never_answered(void)
{
	unsigned abort;

	for (abort = 0; abort < 2; abort++) {
		pair_world(NULL, NULL);
		if (abort)
			smc_abort(u[0].c);
		else
			smc_close(u[0].c);
		world_run();
		world_wait(59900000);
		CU_ASSERT_EQUAL(world->s[0].ss.conns.used, 1);
		world_wait(200000);
		CU_ASSERT_EQUAL(world->s[0].ss.conns.used, 0);
		CU_ASSERT_TRUE(tcp[0].aborted);
		smc_close(u[1].c); /* answers into the void */
		world_run();
		CU_ASSERT_EQUAL(world->s[0].ss.stats.cdc_no_conn, 1);
		world_close();
	}
}

/* The peer has closed: nothing is written to its ring any more, and who has
 * something to send is told. */
static void closed_peer__no_write(void)
{
	static const struct { bool abort, queued, armed, sends; } rows[] = {
		{ false, true, false, false }, { false, false, true, false }, { false, false, false, true },
		{ true, true, false, false }, { true, false, false, false },
	};
	unsigned i;

	for (i = 0; i < RTE_DIM(rows); i++) {
		uint64_t writes;

		pair_world(NULL, NULL);
		if (rows[i].armed) {
			send_stream(&u[1], 0, 20000);
			world_output();
			world_arrive(1);
			smc_consume(u[0].c, UINT32_MAX);
		}
		if (rows[i].abort)
			smc_abort(u[0].c);
		else
			smc_close(u[0].c);
		smc_output(&world->s[0].ss);
		writes = world->s[1].writes;
		if (rows[i].queued)
			send_stream(&u[1], 0, 1000);
		world_arrive(0);
		world_run();
		CU_ASSERT_EQUAL(world->s[1].writes, writes);
		if (rows[i].sends) {
			CU_ASSERT_EQUAL(u[1].c->error, 0);
			CU_ASSERT_EQUAL(u[1].seen, TCP_EV_EOF);
			CU_ASSERT_EQUAL(smc_send_room(u[1].c), 0);
		}
		world_run();
		CU_ASSERT_EQUAL(u[1].c->error, ECONNRESET);
		CU_ASSERT_TRUE(u[1].seen & TCP_EV_CLOSED);
		CU_ASSERT_EQUAL(smc_send(u[1].c, "x", 1), -ECONNRESET);
		CU_ASSERT_EQUAL(smc_send_room(u[1].c), 0);
		smc_close(u[1].c);
		world_run();
		CU_ASSERT_EQUAL(world->s[1].writes, writes);
		world_close();
	}
}

static void shutdown__no_more_sending(void)
{
	struct tcp_piece p[2];

	pair_world(NULL, NULL);
	smc_shutdown(u[0].c);
	CU_ASSERT_EQUAL(smc_send(u[0].c, "x", 1), -EPIPE);
	CU_ASSERT_EQUAL(smc_send_urgent(u[0].c, 'x'), -EPIPE);
	CU_ASSERT_EQUAL(smc_send_reserve(u[0].c, 1, p), -EPIPE);
	CU_ASSERT_EQUAL(smc_give(u[0].c, NULL, 0), -EPIPE);
	CU_ASSERT_EQUAL(smc_send_room(u[0].c), 0);
	CU_ASSERT_EQUAL(smc_shutdown(u[0].c), 0);
	world_run();
	CU_ASSERT_EQUAL(world->s[0].posted, 1);
	pair_end();
}

/* Flags stay in all later messages. */
static void flags__are_sticky(void)
{
	pair_world(NULL, NULL);
	smc_shutdown(u[0].c);
	world_run();
	send_stream(&u[1], 0, 16384);
	world_run();
	smc_consume(u[0].c, 10000);
	world_run();
	CU_ASSERT_EQUAL(world->s[0].posted, 2);
	CU_ASSERT_EQUAL(world->s[0].last.conn_flags, CDC_DONE_WRITING);
	smc_consume(u[0].c, 10000);
	pair_end();
}

/* ---- TCP below ---------------------------------------------------------------------- */

static void tcp_end(unsigned i, bool reset)
{
	tcp[i].eof = !reset;
	tcp[i].dead = reset;
	tcp[i].error = reset ? ECONNRESET : 0;
	smc_tcp_event(tcp[i].user, reset ? TCP_EV_CLOSED : TCP_EV_EOF);
}

static void tcp__end_without_a_cdc(void)
{
	static const struct { bool reset; uint64_t grace; } rows[] = { { false, 3000000 },
		{ true, SMC_RST_GRACE_US } };
	unsigned i;

	for (i = 0; i < RTE_DIM(rows); i++) {
		pair_world(NULL, NULL);
		send_stream(&u[0], 0, 500);
		world_run();
		tcp_end(1, rows[i].reset);
		world_wait(rows[i].grace - 1000);
		CU_ASSERT_EQUAL(u[1].c->state, A);
		world_wait(2000);
		CU_ASSERT_EQUAL(u[1].c->error, ECONNRESET);
		CU_ASSERT_TRUE(u[1].seen & TCP_EV_CLOSED);
		CU_ASSERT_TRUE(tcp[1].aborted);
		CU_ASSERT_EQUAL(read_stream(&u[1], 0, 1000), 500); /* stays readable */
		CU_ASSERT_EQUAL(u[0].c->error, ECONNRESET);       /* heard ABORT */
		pair_end();
	}
}

/* FIN and RST that are faster than the CDC lose nothing. */
static void tcp__end_before_the_cdc(void)
{
	unsigned reset;

	for (reset = 0; reset < 2; reset++) {
		pair_world(NULL, NULL);
		send_stream(&u[0], 0, 500);
		smc_close(u[0].c);
		tcp_end(1, reset);
		world_wait(10000000);
		CU_ASSERT_EQUAL(u[1].c->error, 0);
		CU_ASSERT_EQUAL(read_stream(&u[1], 0, 1000), 500);
		CU_ASSERT_TRUE(smc_eof(u[1].c));
		smc_close(u[1].c);
		world_run();
		world_close();
	}
}

/* A reset, and then a half close that was on its way: it is the end all the same. */
static void tcp__reset_before_a_half_close(void)
{
	pair_world(NULL, NULL);
	smc_shutdown(u[0].c);
	tcp_end(1, true);
	world_run();
	CU_ASSERT_EQUAL(u[1].c->rx_conn_flags, CDC_DONE_WRITING);
	world_wait(SMC_RST_GRACE_US + 1000);
	CU_ASSERT_EQUAL(u[1].c->error, ECONNRESET);
	pair_end();
}

/* After a half close the FIN says no more; a reset still ends it. */
static void tcp__end_behind_a_half_close(void)
{
	unsigned reset;

	for (reset = 0; reset < 2; reset++) {
		pair_world(NULL, NULL);
		smc_shutdown(u[0].c);
		world_run();
		tcp_end(1, reset);
		world_wait(10000000);
		CU_ASSERT_EQUAL(u[1].c->error, reset ? ECONNRESET : 0);
		pair_end();
	}
}

static void tcp__ended_during_the_handshake(void)
{
	static const struct pair_args defaults;
	unsigned reset;

	for (reset = 0; reset < 2; reset++) {
		memset(u, 0, sizeof(u));
		memset(tcp, 0, sizeof(tcp));
		u[0].tcp = &tcp[0];
		u[1].tcp = &tcp[1];
		world_open(NULL);
		pair_begin(&u[0], 0, &defaults);
		pair_begin(&u[1], 1, &defaults);
		pair_ready(u);
		tcp_end(1, reset);
		CU_ASSERT_EQUAL(world->s[1].hs_events, 1);
		pair_activate(&u[0]);
		pair_activate(&u[1]);
		world_wait(4000000);
		CU_ASSERT_EQUAL(u[1].c->error, ECONNRESET);
		pair_end();
	}
}

static void tcp__data_is_dropped(void)
{
	pair_world(NULL, NULL);
	tcp[1].readable = 100;
	smc_tcp_event(tcp[1].user, TCP_EV_READABLE);
	CU_ASSERT_EQUAL(tcp[1].readable, 0);
	CU_ASSERT_EQUAL(world->s[1].ss.stats.tcp_data_in_smc, 1);
	pair_end();
}

/* ---- what ends it from beside ---------------------------------------------------------- */

static void link__lost(void)
{
	unsigned pending;

	for (pending = 0; pending < 2; pending++) {
		struct side *s;

		pair_world(NULL, NULL);
		s = &world->s[1];
		send_stream(&u[0], 0, 700);
		world_run();
		send_stream(&u[1], 0, 10);
		if (pending)
			smc_output(&s->ss);
		smc_conn_link_lost(u[1].c);
		CU_ASSERT_PTR_NULL(u[1].c->lgr);
		world_deliver();
		CU_ASSERT_TRUE(u[1].seen & TCP_EV_CLOSED);
		CU_ASSERT_EQUAL(u[1].c->error, ECONNABORTED);
		CU_ASSERT_EQUAL(u[1].c->state, CL);
		CU_ASSERT_TRUE(tcp[1].aborted);
		CU_ASSERT_EQUAL(read_stream(&u[1], 0, 1000), 700); /* until it is closed */
		CU_ASSERT_EQUAL(smc_shutdown(u[1].c), -ENOTCONN);
		smc_close(u[1].c);
		CU_ASSERT_EQUAL(s->bufs, pending ? 2 : 0); /* the device may still read it */
		if (pending) {
			s->arrived++;
			s->head++;
			smc_conn_sent(s->posts[0].slot.conn, &s->posts[0].slot, false);
		}
		CU_ASSERT_EQUAL(s->bufs, 0);
		smc_conn_link_lost(u[0].c);
		smc_close(u[0].c);
		world_run();
		world_close();
	}
}

/* Lost while it waits for the peer's answer, or after all is over. */
static void link__lost_while_closing(void)
{
	pair_world(NULL, NULL);
	smc_close(u[0].c);
	world_run();
	smc_conn_link_lost(u[0].c);
	CU_ASSERT_EQUAL(world->s[0].ss.conns.used, 0);
	smc_conn_link_lost(u[1].c);
	CU_ASSERT_EQUAL(u[1].c->error, ECONNABORTED);
	smc_close(u[1].c);
	world_run();
	world_close();
}

/* The ABORT finds no link: it ends all the same. */
static void abort__without_a_link(void)
{
	pair_world(NULL, NULL);
	world->s[0].refuse = -ENOLINK;
	smc_abort(u[0].c);
	world_run();
	CU_ASSERT_EQUAL(world->s[0].ss.conns.used, 1);
	world_wait(61000000);
	CU_ASSERT_EQUAL(world->s[0].ss.conns.used, 0);
	smc_conn_link_lost(u[1].c);
	smc_abort(u[1].c);
	world_run();
	world_close();
}

static const struct test_case cases[] = {
	TEST_CASE(state__every_flag_in_every_state),
	TEST_CASE(state__every_call_in_every_state),
	TEST_CASE(state__names),
	TEST_CASE(close__stories),
	TEST_CASE(close__data_before_eof),
	TEST_CASE(close__sends_what_is_queued),
	TEST_CASE(close__gives_up_on_what_does_not_move),
	TEST_CASE(close__never_answered),
	TEST_CASE(closed_peer__no_write),
	TEST_CASE(shutdown__no_more_sending),
	TEST_CASE(flags__are_sticky),
	TEST_CASE(tcp__end_without_a_cdc),
	TEST_CASE(tcp__end_before_the_cdc),
	TEST_CASE(tcp__reset_before_a_half_close),
	TEST_CASE(tcp__end_behind_a_half_close),
	TEST_CASE(tcp__ended_during_the_handshake),
	TEST_CASE(tcp__data_is_dropped),
	TEST_CASE(link__lost),
	TEST_CASE(link__lost_while_closing),
	TEST_CASE(abort__without_a_link),
};
TEST_MAIN("smc_conn_close", cases)
