/* SPDX-License-Identifier: BSD-3-Clause */
/* The socket layer over SMC and back to TCP, each decision made by the test. */
#include <errno.h>
#include <string.h>

#include "proto/sock/sock_impl.h"
#include "tests/unit/sock/fake_smc.h"
#include "tests/unit/sock/fake_tcp.h"
#include "tests/unit/test.h"

#define MAX_SOCKS 8

static struct wheel wheel;
static struct sock_stack *ss;
static struct sock_listener *l;
static struct sock *last;
static char seen[128];
static int accept_rc, closed_error;
static bool stopping; /* closed sockets are given back */

static int accepted(void *ctx, struct sock *s)
{
	strcat(seen, "A");
	last = s;
	return accept_rc;
}

static void connected(void *ctx, struct sock *s) { strcat(seen, "C"); }
static void readable(void *ctx, struct sock *s) { strcat(seen, "R"); }
static void eof(void *ctx, struct sock *s) { strcat(seen, "E"); }

static void closed(void *ctx, struct sock *s, int error)
{
	closed_error = error;
	strcat(seen, "X");
	if (stopping)
		sock_close(s);
}

static const struct sock_handler handler = {
	.accepted = accepted, .connected = connected, .readable = readable, .eof = eof, .closed = closed,
};

static const struct sock_connect_args connect_args = {
	.protocol = SOCK_SMC, .handler = &handler, .rcvbuf_max = 12345,
};

static void start(uint32_t backlog)
{
	const struct sock_config conf = { .max_socks = MAX_SOCKS, .node = -1 };
	struct smc_config smc = { .enabled = true };

	seen[0] = '\0';
	accept_rc = closed_error = 0;
	last = NULL;
	stopping = false;
	fake_smc_reset();
	wheel_init(&wheel, 0);
	CU_ASSERT_EQUAL_FATAL(sock_stack_create(&ss, &conf, NULL, &wheel, NULL, NULL, &smc), 0);
	CU_ASSERT_EQUAL_FATAL(sock_listen(ss, &(struct sock_listen_args){
		.protocol = SOCK_SMC, .port = 80, .handler = &handler, .backlog = backlog, .rcvbuf_max = 777 }, &l), 0);
	fake_tcp_offers(true);
}

static void stop(void)
{
	stopping = true;
	sock_unlisten(l);
	sock_listener_abort(l);
	CU_ASSERT_EQUAL(sock_listener_open(l), 0);
	CU_ASSERT_EQUAL(l->rising, 0);
	sock_deliver(ss, 64);
	CU_ASSERT_EQUAL(fake_tcp_handles(), 0);
	CU_ASSERT_EQUAL(fake_smc_handles(), 0);
	CU_ASSERT_EQUAL(ss->socks.used, 0);
	CU_ASSERT_EQUAL(ss->rises.used, 0);
	CU_ASSERT_EQUAL(sock_stats(ss)->smc_open, 0);
	CU_ASSERT_EQUAL(wheel.armed, 0);
	sock_listener_free(l);
	sock_stack_destroy(ss);
}

/* A client as far as its handshake. */
static struct sock *begin_connect(void)
{
	struct sock *s;

	CU_ASSERT_EQUAL_FATAL(sock_connect(ss, &connect_args, &s), 0);
	CU_ASSERT_EQUAL(sock_transport(s), 0);
	CU_ASSERT_EQUAL(sock_send(s, "x", 1), -ENOTCONN);
	CU_ASSERT_EQUAL(sock_send_room(s), 0);
	CU_ASSERT_EQUAL(sock_readable(s), 0);
	CU_ASSERT_FALSE(sock_eof(s));
	fake_tcp_event(fake_tcp_connected(), TCP_EV_CONNECTED, 0);
	return s;
}

static void decide(const struct smc_decision *d)
{
	fake_smc_decide(fake_smc_begun(), d);
}

static const struct smc_decision as_smc = { .outcome = SMC_OUT_SMC };

static void connect__smc(void)
{
	struct sock_info info;
	struct sock *s;

	start(0);
	s = begin_connect();
	CU_ASSERT_STRING_EQUAL(seen, "");
	CU_ASSERT_EQUAL(fake_smc_begun()->rcvbuf, 12345);
	sock_nodelay(s, true);
	CU_ASSERT_EQUAL(sock_send(s, "x", 1), -ENOTCONN);
	decide(&as_smc);
	CU_ASSERT_STRING_EQUAL(seen, ""); /* in stage 7 only */
	CU_ASSERT_TRUE(sock_busy(ss));
	sock_deliver(ss, 64);
	CU_ASSERT_STRING_EQUAL(seen, "C");
	CU_ASSERT_FALSE(sock_busy(ss));
	CU_ASSERT_TRUE(fake_smc_begun()->nodelay);
	CU_ASSERT_EQUAL(sock_transport(s), SOCK_SMC);
	CU_ASSERT_EQUAL(sock_readable(s), 5);
	CU_ASSERT_EQUAL(sock_send(s, "xyz", 3), 3);
	CU_ASSERT_EQUAL(fake_smc_begun()->sent, 3);
	sock_get_info(s, &info);
	CU_ASSERT_EQUAL(info.transport, SOCK_SMC);
	CU_ASSERT_EQUAL(info.reason, 0);
	CU_ASSERT(info.bytes_in == 1001 && info.bytes_out == 1002 && info.readable == 5 && info.unacked == 4);
	CU_ASSERT_EQUAL(sock_stats(ss)->smc_connected, 1);
	fake_smc_event(fake_smc_begun(), TCP_EV_READABLE | TCP_EV_CLOSED, ECONNRESET);
	CU_ASSERT_STRING_EQUAL(seen, "CRX");
	CU_ASSERT_EQUAL(closed_error, ECONNRESET);
	sock_close(s);
	CU_ASSERT_STRING_EQUAL(fake_smc_begun()->end, "closed");
	stop();
}

/* The peer's SYN-ACK has no option: no handshake, and TCP's events go on. */
static void connect__peer_without_smc(void)
{
	struct sock_info info;
	uint32_t reason;
	struct sock *s;

	start(0);
	fake_tcp_offers(false);
	s = begin_connect();
	CU_ASSERT_STRING_EQUAL(seen, "C");
	CU_ASSERT_EQUAL(fake_smc_no_options(&reason), 1);
	CU_ASSERT_EQUAL(reason, SMC_RSN_PEERNOSMC);
	CU_ASSERT_EQUAL(sock_transport(s), SOCK_TCP);
	CU_ASSERT_EQUAL(ss->rises.used, 0);
	sock_get_info(s, &info);
	CU_ASSERT_EQUAL(info.reason, SMC_RSN_PEERNOSMC);
	CU_ASSERT_EQUAL(sock_send(s, "x", 1), 1);
	fake_tcp_event(fake_tcp_connected(), TCP_EV_READABLE, 0);
	CU_ASSERT_STRING_EQUAL(seen, "CR");
	sock_close(s);
	stop();
}

static void connect__policy_says_tcp(void)
{
	uint32_t reason;
	struct sock *s;

	start(0);
	fake_smc_refuses(SMC_RSN_OWN_POLICY);
	CU_ASSERT_EQUAL(sock_connect(ss, &connect_args, &s), 0);
	CU_ASSERT_FALSE(fake_tcp_connected()->opt);
	CU_ASSERT_EQUAL(s->reason, SMC_RSN_OWN_POLICY);
	CU_ASSERT_EQUAL(fake_smc_no_options(&reason), 1);
	fake_tcp_event(fake_tcp_connected(), TCP_EV_CONNECTED, 0);
	CU_ASSERT_STRING_EQUAL(seen, "C");
	CU_ASSERT_EQUAL(sock_stats(ss)->fallback_connected, 1);
	sock_close(s);
	stop();
}

static void connect__refused_by_tcp(void)
{
	struct sock *s;

	start(0);
	fake_tcp_connect_fails(-ENETUNREACH);
	CU_ASSERT_EQUAL(sock_connect(ss, &connect_args, &s), -ENETUNREACH);
	fake_tcp_connect_fails(0);
	CU_ASSERT_EQUAL(sock_connect(ss, &connect_args, &s), 0);
	fake_tcp_event(fake_tcp_connected(), TCP_EV_CLOSED, ECONNREFUSED);
	CU_ASSERT_STRING_EQUAL(seen, "X");
	CU_ASSERT_EQUAL(closed_error, ECONNREFUSED);
	CU_ASSERT_EQUAL(sock_stats(ss)->connect_failed, 2);
	sock_close(s);
	stop();
}

/* The peer declined: its data is there to read at once. */
static void connect__declined_by_the_peer(void)
{
	struct sock_info info;
	struct sock *s;

	start(0);
	s = begin_connect();
	sock_nodelay(s, true);
	sock_set_buffers(s, 4242, 0);
	decide(&(struct smc_decision){ .outcome = SMC_OUT_TCP, .reason = SMC_RSN_PEERDECL, .peer_reason = SMC_RSN_NOSMCDEV,
		.tcp_events = TCP_EV_READABLE | TCP_EV_EOF });
	sock_deliver(ss, 64);
	CU_ASSERT_STRING_EQUAL(seen, "CRE");
	CU_ASSERT_TRUE(fake_tcp_connected()->nodelay);
	CU_ASSERT_EQUAL(fake_tcp_connected()->rcvbuf_max, 4242);
	CU_ASSERT_EQUAL(sock_transport(s), SOCK_TCP);
	CU_ASSERT_PTR_EQUAL(fake_tcp_connected()->user, s);
	sock_get_info(s, &info);
	CU_ASSERT_EQUAL(info.reason, SMC_RSN_PEERDECL);
	CU_ASSERT_EQUAL(info.peer_reason, SMC_RSN_NOSMCDEV);
	sock_close(s);
	stop();
}

static const struct smc_decision declined = {
	.outcome = SMC_OUT_TCP, .reason = SMC_RSN_TIMEOUT_CL, .declined = true,
};

/* We declined: sending goes on at once, reading when the front is known not to
 * be a DECLINE of the peer's. */
static void filter__crossing_declines(void)
{
	struct tcp_conn *c;
	struct sock *s;

	start(0);
	s = begin_connect();
	c = fake_tcp_connected();
	c->readable = 0;
	decide(&declined);
	sock_deliver(ss, 64);
	CU_ASSERT_STRING_EQUAL(seen, "C");
	CU_ASSERT_EQUAL(sock_send(s, "x", 1), 1);
	CU_ASSERT_EQUAL(sock_transport(s), SOCK_TCP);
	fake_smc_swallows(-EAGAIN);
	c->readable = 10;
	fake_tcp_event(c, TCP_EV_READABLE, 0);
	CU_ASSERT_STRING_EQUAL(seen, "C");
	CU_ASSERT_EQUAL(sock_readable(s), 0);
	fake_smc_swallows(0);
	c->readable = 3;
	fake_tcp_event(c, TCP_EV_READABLE, 0);
	CU_ASSERT_STRING_EQUAL(seen, "CR");
	CU_ASSERT_EQUAL(sock_readable(s), 3);
	CU_ASSERT_EQUAL(ss->rises.used, 0);
	CU_ASSERT_EQUAL(wheel.armed, 0);
	sock_close(s);
	stop();
}

/* What begins like a DECLINE and stops is the application's after a while, or at the end. */
static void filter__half_a_decline(void)
{
	static const char *const expect[] = { "CR", "CRE" };

	for (unsigned end = 0; end < 2; end++) {
		struct tcp_conn *c;
		struct sock *s;

		start(0);
		s = begin_connect();
		c = fake_tcp_connected();
		decide(&declined);
		fake_smc_swallows(-EAGAIN);
		c->readable = 10;
		sock_deliver(ss, 64);
		fake_tcp_event(c, TCP_EV_READABLE, 0);
		CU_ASSERT_STRING_EQUAL(seen, "C");
		if (end == 1) {
			fake_tcp_event(c, TCP_EV_EOF, 0);
		} else {
			fake_tcp_now(2000000);
			wheel_advance(&wheel, 2000000, 16);
			sock_deliver(ss, 64);
		}
		CU_ASSERT_STRING_EQUAL(seen, expect[end]);
		CU_ASSERT_EQUAL(sock_readable(s), 10);
		sock_close(s);
		stop();
	}
}

/* The user closes while the front is not known yet, also with the timer's word
 * on the list. */
static void filter__closed(void)
{
	for (unsigned listed = 0; listed < 2; listed++) {
		struct sock *s;

		start(0);
		s = begin_connect();
		decide(&declined);
		fake_smc_swallows(-EAGAIN);
		sock_deliver(ss, 64);
		CU_ASSERT_EQUAL(sock_readable(s), 0);
		if (listed == 1) {
			fake_tcp_now(2000000);
			wheel_advance(&wheel, 2000000, 16);
		}
		sock_close(s);
		sock_deliver(ss, 64);
		stop();
	}
}

static void connect__again_without_the_option(void)
{
	struct tcp_conn *first, *second;
	struct sock_connect_args args = connect_args;
	struct sock *s;

	start(0);
	args.timeout_ms = 10000;
	CU_ASSERT_EQUAL(sock_connect(ss, &args, &s), 0);
	first = fake_tcp_connected();
	fake_tcp_event(first, TCP_EV_CONNECTED, 0);
	sock_nodelay(s, true);
	fake_tcp_now(6000000);
	decide(&(struct smc_decision){ .outcome = SMC_OUT_RECONNECT, .reason = SMC_RSN_OWN_NOANSWER });
	sock_deliver(ss, 64);
	second = fake_tcp_connected();
	CU_ASSERT_PTR_NOT_EQUAL(first, second);
	CU_ASSERT_FALSE(second->opt);
	CU_ASSERT_TRUE(second->nodelay);
	CU_ASSERT_EQUAL(second->timeout_ms, 4000);
	CU_ASSERT_EQUAL(second->rcvbuf_max, 12345);
	CU_ASSERT_STRING_EQUAL(seen, "");
	fake_tcp_event(second, TCP_EV_CONNECTED, 0);
	CU_ASSERT_STRING_EQUAL(seen, "C");
	CU_ASSERT_EQUAL(s->reason, SMC_RSN_OWN_NOANSWER);
	CU_ASSERT_EQUAL(sock_stats(ss)->reconnected, 1);
	CU_ASSERT_EQUAL(sock_stats(ss)->connected, 1);
	sock_close(s);
	stop();
}

/* No time left, or no way there any more. */
static void connect__again_fails(void)
{
	static const struct { uint64_t now_us; int rc, error; } cases[] = {
		{ 10000000, 0, ETIMEDOUT }, { 6000000, -EADDRINUSE, EADDRINUSE },
	};

	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		struct sock_connect_args args = connect_args;
		struct sock *s;

		start(0);
		args.timeout_ms = 10000;
		CU_ASSERT_EQUAL(sock_connect(ss, &args, &s), 0);
		fake_tcp_event(fake_tcp_connected(), TCP_EV_CONNECTED, 0);
		fake_tcp_now(cases[i].now_us);
		fake_tcp_connect_fails(cases[i].rc);
		decide(&(struct smc_decision){ .outcome = SMC_OUT_RECONNECT, .reason = SMC_RSN_OWN_NOANSWER });
		sock_deliver(ss, 64);
		CU_ASSERT_STRING_EQUAL(seen, "X");
		CU_ASSERT_EQUAL(closed_error, cases[i].error);
		CU_ASSERT_EQUAL(sock_stats(ss)->connect_failed, 1);
		sock_close(s);
		stop();
	}
}

static void connect__handshake_fails(void)
{
	struct sock *s;

	start(0);
	s = begin_connect();
	decide(&(struct smc_decision){ .outcome = SMC_OUT_FAILED, .error = ECONNRESET });
	sock_deliver(ss, 64);
	CU_ASSERT_STRING_EQUAL(seen, "X");
	CU_ASSERT_EQUAL(closed_error, ECONNRESET);
	CU_ASSERT_EQUAL(sock_stats(ss)->handshakes_failed, 1);
	sock_close(s);
	stop();
}

/* No memory for a handshake: SMC has declined, TCP goes on, filtered. */
static void connect__no_memory_for_a_handshake(void)
{
	struct sock *s;

	start(0);
	CU_ASSERT_EQUAL(sock_connect(ss, &connect_args, &s), 0);
	fake_smc_begin_fails(-ENOMEM);
	fake_tcp_event(fake_tcp_connected(), TCP_EV_CONNECTED, 0);
	CU_ASSERT_STRING_EQUAL(seen, "C");
	CU_ASSERT_EQUAL(s->reason, SMC_RSN_MEM);
	CU_ASSERT_EQUAL(sock_readable(s), 7);
	sock_close(s);
	stop();
}

/* The user closes at every step; nothing is told, nothing is left. */
static void connect__closed_in_each_step(void)
{
	const struct smc_decision d[] = {
		{ .outcome = SMC_OUT_SMC }, { .outcome = SMC_OUT_TCP }, { .outcome = SMC_OUT_TCP, .declined = true },
		{ .outcome = SMC_OUT_RECONNECT }, { .outcome = SMC_OUT_FAILED },
	};

	for (unsigned abortive = 0; abortive < 2; abortive++)
		for (unsigned step = 0; step < 2 + RTE_DIM(d); step++) {
			struct sock *s;

			start(0);
			CU_ASSERT_EQUAL(sock_connect(ss, &connect_args, &s), 0);
			if (step >= 1)
				fake_tcp_event(fake_tcp_connected(), TCP_EV_CONNECTED, 0);
			if (step >= 2)
				decide(&d[step - 2]);
			(abortive ? sock_abort : sock_close)(s);
			CU_ASSERT_STRING_EQUAL(seen, "");
			stop();
			CU_ASSERT_STRING_EQUAL(seen, "");
		}
}

/* ---- listening -------------------------------------------------------------------- */

static void accept__after_the_decision(void)
{
	const struct smc_decision d[] = {
		{ .outcome = SMC_OUT_SMC },
		{ .outcome = SMC_OUT_TCP, .reason = SMC_RSN_PEERDECL, .peer_reason = 1, .tcp_events = TCP_EV_READABLE },
	};
	const uint16_t transport[] = { SOCK_SMC, SOCK_TCP };
	const char *const expect[] = { "A", "AR" };

	for (unsigned i = 0; i < RTE_DIM(d); i++) {
		struct tcp_conn c;

		start(0);
		CU_ASSERT_EQUAL(fake_tcp_accept(&c, 1), 0);
		CU_ASSERT_TRUE(smc_is_tcp_user(c.user));
		CU_ASSERT_EQUAL(fake_smc_begun()->rcvbuf, 777);
		fake_tcp_event(&c, TCP_EV_READABLE, 0);
		CU_ASSERT_EQUAL(fake_smc_tcp_events(), TCP_EV_READABLE);
		CU_ASSERT_EQUAL(sock_listener_open(l), 1);
		decide(&d[i]);
		CU_ASSERT_STRING_EQUAL(seen, "");
		sock_deliver(ss, 64);
		CU_ASSERT_STRING_EQUAL(seen, expect[i]);
		CU_ASSERT_EQUAL(sock_transport(last), transport[i]);
		CU_ASSERT_EQUAL(sock_stats(ss)->smc_accepted, i == 0);
		CU_ASSERT_EQUAL(sock_stats(ss)->fallback_accepted, i == 1);
		stop();
		CU_ASSERT_EQUAL(closed_error, ECONNABORTED);
	}
}

static void accept__events_between_decision_and_telling(void)
{
	struct tcp_conn c;

	start(0);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c, 1), 0);
	decide(&(struct smc_decision){ .outcome = SMC_OUT_TCP, .peer_reason = 1 });
	fake_tcp_event(&c, TCP_EV_READABLE | TCP_EV_EOF, 0);
	sock_deliver(ss, 64);
	CU_ASSERT_STRING_EQUAL(seen, "ARE");
	stop();
}

static void accept__handshake_fails(void)
{
	struct tcp_conn c;

	start(0);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c, 1), 0);
	decide(&(struct smc_decision){ .outcome = SMC_OUT_FAILED, .error = EPROTO });
	sock_deliver(ss, 64);
	CU_ASSERT_STRING_EQUAL(seen, "");
	CU_ASSERT_EQUAL(sock_listener_open(l), 0);
	CU_ASSERT_EQUAL(sock_stats(ss)->handshakes_failed, 1);
	stop();
}

static void accept__refused_by_the_service(void)
{
	struct tcp_conn c;

	start(0);
	accept_rc = -EBUSY;
	CU_ASSERT_EQUAL(fake_tcp_accept(&c, 1), 0);
	decide(&as_smc);
	sock_deliver(ss, 64);
	CU_ASSERT_STRING_EQUAL(fake_smc_begun()->end, "aborted");
	CU_ASSERT_EQUAL(sock_stats(ss)->refused_service, 1);
	CU_ASSERT_EQUAL(sock_stats(ss)->accepted, 0);
	CU_ASSERT_EQUAL(sock_listener_open(l), 0);
	stop();
}

/* Handshakes count against the backlog: beyond it SYNs get no option, and who
 * had it already waits. */
static void accept__backlog_counts_handshakes(void)
{
	struct tcp_conn c[4];
	uint32_t reason;

	start(2);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c[0], 1), 0);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c[1], 2), 0);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c[2], 3), 0);
	CU_ASSERT_FALSE(c[2].opt);
	CU_ASSERT_STRING_EQUAL(seen, "A");
	CU_ASSERT_EQUAL(last->reason, SMC_RSN_OWN_LIMIT);
	CU_ASSERT_EQUAL(fake_smc_no_options(&reason), 1);
	CU_ASSERT_EQUAL(reason, SMC_RSN_OWN_LIMIT);
	c[3] = (struct tcp_conn){ .opt = true };
	CU_ASSERT_EQUAL(sock_accept(l, NULL, &c[3]), -EAGAIN);
	decide(&as_smc);
	sock_deliver(ss, 64);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c[3], 4), 0);
	CU_ASSERT_TRUE(c[3].opt);
	stop();
}

static void accept__without_the_option(void)
{
	struct tcp_conn c;

	start(0);
	fake_tcp_offers(false);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c, 1), 0);
	CU_ASSERT_STRING_EQUAL(seen, "A");
	CU_ASSERT_EQUAL(last->reason, SMC_RSN_PEERNOSMC);
	CU_ASSERT_EQUAL(sock_transport(last), SOCK_TCP);
	stop();
}

static void accept__no_memory_for_a_handshake(void)
{
	struct tcp_conn c;

	start(0);
	fake_smc_begin_fails(-ENOMEM);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c, 1), -ENOMEM);
	CU_ASSERT_EQUAL(sock_stats(ss)->refused_memory, 1);
	CU_ASSERT_EQUAL(sock_listener_open(l), 0);
	stop();
}

/* Handshakes end with the listening, decided ones too; connections live on. */
static void unlisten__ends_handshakes(void)
{
	struct tcp_conn c[3];

	start(0);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c[0], 1), 0);
	decide(&as_smc);
	sock_deliver(ss, 64);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c[1], 1), 0);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c[2], 1), 0);
	decide(&as_smc);
	sock_unlisten(l);
	CU_ASSERT_EQUAL(sock_listener_open(l), 1);
	CU_ASSERT_EQUAL(fake_smc_handles(), 1);
	stop();
}

static void list__shows_handshakes(void)
{
	struct sock_info info[4];
	struct smc_conn_info smc;
	struct tcp_conn c[2];
	uint64_t cursor = 0;

	start(0);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c[0], 1), 0);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c[1], 2), 0);
	decide(&as_smc);
	CU_ASSERT_EQUAL(sock_list(ss, &cursor, info, 4), 2);
	CU_ASSERT_EQUAL(info[0].transport, 0);
	CU_ASSERT_EQUAL(info[1].transport, 0);
	sock_deliver(ss, 64);
	CU_ASSERT_EQUAL(sock_smc_info(last, &smc), 0);
	CU_ASSERT_EQUAL(smc.state, SMC_ACTIVE);
	stop();
}

static const struct test_case cases[] = {
	TEST_CASE(connect__smc),
	TEST_CASE(connect__peer_without_smc),
	TEST_CASE(connect__policy_says_tcp),
	TEST_CASE(connect__refused_by_tcp),
	TEST_CASE(connect__declined_by_the_peer),
	TEST_CASE(filter__crossing_declines),
	TEST_CASE(filter__half_a_decline),
	TEST_CASE(filter__closed),
	TEST_CASE(connect__again_without_the_option),
	TEST_CASE(connect__again_fails),
	TEST_CASE(connect__handshake_fails),
	TEST_CASE(connect__no_memory_for_a_handshake),
	TEST_CASE(connect__closed_in_each_step),
	TEST_CASE(accept__after_the_decision),
	TEST_CASE(accept__events_between_decision_and_telling),
	TEST_CASE(accept__handshake_fails),
	TEST_CASE(accept__refused_by_the_service),
	TEST_CASE(accept__backlog_counts_handshakes),
	TEST_CASE(accept__without_the_option),
	TEST_CASE(accept__no_memory_for_a_handshake),
	TEST_CASE(unlisten__ends_handshakes),
	TEST_CASE(list__shows_handshakes),
};
TEST_MAIN("sock-smc", cases)
