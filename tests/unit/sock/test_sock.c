/* SPDX-License-Identifier: BSD-3-Clause */
/* The socket layer: limits, ids, the order of events, and closing anywhere. */
#include <errno.h>
#include <string.h>

#include "proto/sock/sock_impl.h"
#include "tests/unit/sock/fake_tcp.h"
#include "tests/unit/test.h"

#define MAX_SOCKS 8

static struct sock_stack *ss;
static struct sock_listener *l;
static struct sock *last;
static char seen[128];
static int accept_rc, closed_error;
static const char *close_in; /* callback that closes the socket */

static void start(uint32_t max_socks, uint32_t max_per_peer);

/* Every callback notes its name, and closes the socket if it is its turn. */
static void note(struct sock *s, const char *name)
{
	strcat(seen, name);
	if (close_in != NULL && strcmp(close_in, name) == 0)
		sock_close(s);
}

static int accepted(void *ctx, struct sock *s)
{
	CU_ASSERT_PTR_EQUAL(ctx, &accept_rc);
	last = s;
	return accept_rc;
}

static void connected(void *ctx, struct sock *s) { note(s, "C"); }
static void readable(void *ctx, struct sock *s) { note(s, "R"); }
static void urgent(void *ctx, struct sock *s) { note(s, "U"); }
static void eof(void *ctx, struct sock *s) { note(s, "E"); }
static void writable(void *ctx, struct sock *s) { note(s, "W"); }
static void sent(void *ctx, struct sock *s) { note(s, "S"); }

static void closed(void *ctx, struct sock *s, int error)
{
	closed_error = error;
	note(s, "X");
}

static const struct sock_handler handler = {
	.accepted = accepted, .connected = connected, .readable = readable, .urgent = urgent, .eof = eof,
	.writable = writable, .sent = sent, .closed = closed,
};

static void start(uint32_t max_socks, uint32_t max_per_peer)
{
	const struct sock_config conf = { .max_socks = MAX_SOCKS, .node = -1 };

	seen[0] = '\0';
	accept_rc = 0;
	close_in = NULL;
	CU_ASSERT_EQUAL_FATAL(sock_stack_create(&ss, &conf, NULL, NULL, NULL, NULL, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(sock_listen(ss, &(struct sock_listen_args){
		.protocol = SOCK_TCP, .port = 80, .handler = &handler, .ctx = &accept_rc, .max_socks = max_socks,
		.max_per_peer = max_per_peer }, &l), 0);
}

static void stop(void)
{
	sock_unlisten(l);
	close_in = "X";
	sock_listener_abort(l);
	CU_ASSERT_EQUAL(sock_listener_open(l), 0);
	CU_ASSERT_EQUAL(fake_tcp_handles(), 0);
	CU_ASSERT_EQUAL(ss->socks.used, 0);
	CU_ASSERT_EQUAL(ss->peers.used, 0);
	CU_ASSERT_EQUAL(sock_stats(ss)->open, 0);
	sock_listener_free(l);
	sock_stack_destroy(ss);
}

static void accept__takes_and_refuses(void)
{
	struct tcp_conn c[2];

	start(0, 0);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c[0], 1), 0);
	CU_ASSERT_PTR_EQUAL(c[0].user, last);
	accept_rc = -EBUSY;
	CU_ASSERT_EQUAL(fake_tcp_accept(&c[1], 1), -EBUSY);
	CU_ASSERT_PTR_NULL(c[1].user);
	CU_ASSERT_EQUAL(sock_listener_open(l), 1);
	CU_ASSERT_EQUAL(sock_stats(ss)->accepted, 1);
	CU_ASSERT_EQUAL(sock_stats(ss)->refused_service, 1);
	stop();
	CU_ASSERT_EQUAL(c[0].end, FAKE_TCP_ABORTED);
}

static void accept__limit_of_listener(void)
{
	struct tcp_conn c[4];

	start(2, 0);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c[0], 1), 0);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c[1], 1), 0);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c[2], 1), -EDQUOT);
	CU_ASSERT_EQUAL(sock_stats(ss)->refused_limit, 1);
	sock_close(last);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c[3], 1), 0);
	stop();
}

static void accept__limit_per_peer(void)
{
	struct tcp_conn c[5];
	struct sock *first;

	start(0, 2);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c[0], 1), 0);
	first = last;
	CU_ASSERT_EQUAL(fake_tcp_accept(&c[1], 1), 0);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c[2], 1), -EDQUOT);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c[3], 2), 0);
	CU_ASSERT_EQUAL(ss->peers.used, 2);
	CU_ASSERT_EQUAL(sock_stats(ss)->refused_peer, 1);
	sock_abort(first);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c[4], 1), 0);
	stop();
}

static void accept__out_of_sockets(void)
{
	struct tcp_conn c[MAX_SOCKS + 1];

	start(0, 0);
	for (unsigned i = 0; i < MAX_SOCKS; i++)
		CU_ASSERT_EQUAL(fake_tcp_accept(&c[i], 1), 0);
	CU_ASSERT_EQUAL(fake_tcp_accept(&c[MAX_SOCKS], 1), -ENOMEM);
	CU_ASSERT_EQUAL(sock_stats(ss)->refused_memory, 1);
	stop();
}

#define ALL (TCP_EV_CONNECTED | TCP_EV_READABLE | TCP_EV_URGENT | TCP_EV_EOF | TCP_EV_WRITABLE | TCP_EV_SENT | TCP_EV_CLOSED)

static void events__in_order(void)
{
	struct tcp_conn c;

	start(0, 0);
	fake_tcp_accept(&c, 1);
	fake_tcp_event(&c, ALL, 0);
	CU_ASSERT_STRING_EQUAL(seen, "CRUEWSX");
	fake_tcp_event(&c, TCP_EV_CLOSED, 0); /* told once */
	CU_ASSERT_STRING_EQUAL(seen, "CRUEWSX");
	sock_close(last);
	stop();
}

/* Closing in any callback ends the delivery: nothing is called after it. */
static void events__close_in_each(void)
{
	static const char *const order[] = { "C", "R", "U", "E", "W", "S", "X" };
	char expect[16] = "";

	for (unsigned i = 0; i < RTE_DIM(order); i++) {
		struct tcp_conn c;

		start(0, 0);
		strcat(expect, order[i]);
		close_in = order[i];
		fake_tcp_accept(&c, 1);
		fake_tcp_event(&c, ALL, 0);
		CU_ASSERT_STRING_EQUAL(seen, expect);
		CU_ASSERT_EQUAL(c.end, FAKE_TCP_CLOSED);
		CU_ASSERT_PTR_NULL(c.user);
		stop();
	}
}

static void events__error_is_told(void)
{
	struct tcp_conn c;

	start(0, 0);
	fake_tcp_accept(&c, 1);
	fake_tcp_event(&c, TCP_EV_CLOSED, ECONNRESET);
	CU_ASSERT_EQUAL(closed_error, ECONNRESET);
	CU_ASSERT_EQUAL(sock_stats(ss)->aborted, 1);
	sock_close(last);
	stop();
}

static void connect__fails_at_once_and_later(void)
{
	struct sock *s;
	const struct sock_connect_args args = { .protocol = SOCK_TCP, .handler = &handler, .ctx = &accept_rc };

	start(0, 0);
	fake_tcp_connect_fails(-ENETUNREACH);
	CU_ASSERT_EQUAL(sock_connect(ss, &args, &s), -ENETUNREACH);
	fake_tcp_connect_fails(0);
	CU_ASSERT_EQUAL(sock_connect(ss, &args, &s), 0);
	fake_tcp_event(fake_tcp_connected(), TCP_EV_CLOSED, ECONNREFUSED);
	CU_ASSERT_EQUAL(closed_error, ECONNREFUSED);
	CU_ASSERT_EQUAL(sock_stats(ss)->connect_failed, 2);
	sock_close(s);
	CU_ASSERT_EQUAL(sock_connect(ss, &args, &s), 0);
	fake_tcp_event(fake_tcp_connected(), TCP_EV_CONNECTED, 0);
	fake_tcp_event(fake_tcp_connected(), TCP_EV_CLOSED, ECONNRESET);
	CU_ASSERT_EQUAL(sock_stats(ss)->connect_failed, 2);
	CU_ASSERT_EQUAL(sock_stats(ss)->connected, 1);
	sock_abort(s);
	stop();
}

static void protocol__others_are_refused(void)
{
	const struct sock_connect_args args = { .protocol = 17, .handler = &handler };
	struct sock_listener *other;
	struct sock *s;

	start(0, 0);
	CU_ASSERT_EQUAL(sock_connect(ss, &args, &s), -EPROTONOSUPPORT);
	CU_ASSERT_EQUAL(sock_listen(ss, &(struct sock_listen_args){ .protocol = 17, .handler = &handler }, &other),
			-EPROTONOSUPPORT);
	CU_ASSERT_EQUAL(sock_listen(ss, &(struct sock_listen_args){ .protocol = SOCK_TCP }, &other), -EINVAL);
	CU_ASSERT_EQUAL(sock_listen(ss, &(struct sock_listen_args){ .protocol = SOCK_TCP, .handler = &handler }, &other),
			-EADDRINUSE);
	stop();
}

/* No SMC was configured: a socket that asks for it is a TCP socket that says why. */
static void protocol__smc_without_a_stack_is_tcp(void)
{
	const struct sock_connect_args args = { .protocol = SOCK_SMC, .handler = &handler, .ctx = &accept_rc };
	struct sock_info info;
	struct sock *s;

	start(0, 0);
	CU_ASSERT_EQUAL(sock_connect(ss, &args, &s), 0);
	fake_tcp_event(fake_tcp_connected(), TCP_EV_CONNECTED, 0);
	CU_ASSERT_STRING_EQUAL(seen, "C");
	sock_get_info(s, &info);
	CU_ASSERT_EQUAL(info.protocol, SOCK_SMC);
	CU_ASSERT_EQUAL(info.transport, SOCK_TCP);
	CU_ASSERT_EQUAL(info.reason, SMC_RSN_OWN_DISABLED);
	CU_ASSERT_EQUAL(sock_stats(ss)->fallback_connected, 1);
	sock_close(s);
	stop();
}

static void id__of_a_reused_object_differs(void)
{
	struct tcp_conn c;
	struct sock *s;
	uint64_t id;

	start(0, 0);
	fake_tcp_accept(&c, 1);
	s = last;
	id = sock_id(s);
	CU_ASSERT_PTR_EQUAL(sock_by_id(ss, id), s);
	sock_close(s);
	CU_ASSERT_PTR_NULL(sock_by_id(ss, id));
	fake_tcp_accept(&c, 1);
	CU_ASSERT_PTR_EQUAL(last, s);
	CU_ASSERT_NOT_EQUAL(sock_id(last), id);
	CU_ASSERT_PTR_NULL(sock_by_id(ss, id));
	CU_ASSERT_PTR_NULL(sock_by_id(ss, 0));
	CU_ASSERT_PTR_NULL(sock_by_id(ss, 1ull << 32 | 12345));
	stop();
}

/* Listing in steps of one, sockets coming and going between them. */
static void list__survives_churn(void)
{
	struct tcp_conn c[MAX_SOCKS];
	struct sock *s[MAX_SOCKS];
	struct sock_info info;
	uint64_t cursor = 0;
	unsigned n = 0;

	start(0, 0);
	for (unsigned i = 0; i < MAX_SOCKS; i++) {
		fake_tcp_accept(&c[i], i + 1);
		s[i] = last;
	}
	while (sock_list(ss, &cursor, &info, 1) == 1) {
		CU_ASSERT_PTR_NOT_NULL(sock_by_id(ss, info.id));
		if (n == 1) {
			sock_close(s[0]); /* behind the cursor */
			sock_close(s[4]); /* before it */
		}
		n++;
	}
	CU_ASSERT_EQUAL(n, MAX_SOCKS - 1);
	stop();
}

/* After the listener was aborted its sockets are shells until given back. */
static void listener__abort_leaves_shells(void)
{
	struct tcp_conn c;
	struct tcp_piece p[2];

	start(0, 0);
	fake_tcp_accept(&c, 1);
	sock_listener_abort(l);
	CU_ASSERT_EQUAL(closed_error, ECONNABORTED);
	CU_ASSERT_EQUAL(c.end, FAKE_TCP_ABORTED);
	CU_ASSERT_EQUAL(sock_readable(last), 0);
	CU_ASSERT_EQUAL(sock_peek(last, p, 2), 0);
	CU_ASSERT_EQUAL(sock_send(last, "x", 1), -ENOTCONN);
	CU_ASSERT_EQUAL(sock_shutdown(last), -ENOTCONN);
	CU_ASSERT_TRUE(sock_eof(last));
	sock_close(last);
	stop();
}

static const struct test_case cases[] = {
	TEST_CASE(accept__takes_and_refuses),
	TEST_CASE(accept__limit_of_listener),
	TEST_CASE(accept__limit_per_peer),
	TEST_CASE(accept__out_of_sockets),
	TEST_CASE(events__in_order),
	TEST_CASE(events__close_in_each),
	TEST_CASE(events__error_is_told),
	TEST_CASE(connect__fails_at_once_and_later),
	TEST_CASE(protocol__others_are_refused),
	TEST_CASE(protocol__smc_without_a_stack_is_tcp),
	TEST_CASE(id__of_a_reused_object_differs),
	TEST_CASE(list__survives_churn),
	TEST_CASE(listener__abort_leaves_shells),
};
TEST_MAIN("sock", cases)
