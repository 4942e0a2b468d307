/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/sock/fake_tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_CONNS 16

struct tcp_stack {
	struct tcp_user_ops ops;
	void *ctx;
};

struct tcp_listener {
	struct tcp_listen_args args;
};

static struct tcp_stack stack;
static struct tcp_listener listener;
static struct tcp_conn conns[FAKE_CONNS];
static unsigned n_conns, handles;
static int connect_rc;
static bool listening, offers;
static uint64_t now_us;

void fake_tcp_offers(bool on) { offers = on; }
void fake_tcp_now(uint64_t us) { now_us = us; }
uint64_t net_now(const struct net_stack *st) { return now_us; }

int fake_tcp_accept(struct tcp_conn *c, uint32_t peer)
{
	struct net_addr a = net_addr_v4(peer);
	int rc;

	memset(c, 0, sizeof(*c));
	c->info.state = TCP_ESTABLISHED;
	c->info.flow.family = NET_IPV4;
	memcpy(c->info.flow.raddr, a.b, 16);
	c->readable = 7;
	if (offers && listener.args.opt.len != 0)
		c->opt = listener.args.opt_policy(listener.args.ctx, &c->info.flow);
	rc = listener.args.accept(listener.args.ctx, &listener, c);
	handles += rc == 0;
	return rc;
}

void fake_tcp_event(struct tcp_conn *c, unsigned events, int error)
{
	c->info.error = error;
	if (c->end == FAKE_TCP_OPEN)
		stack.ops.event(stack.ctx, c, c->user, events);
}

struct tcp_conn *fake_tcp_connected(void)
{
	return &conns[(n_conns - 1) % FAKE_CONNS];
}

void fake_tcp_connect_fails(int rc) { connect_rc = rc; }
unsigned fake_tcp_handles(void) { return handles; }
bool fake_tcp_listening(void) { return listening; }

int tcp_stack_create(struct tcp_stack **out, struct net_stack *net, struct wheel *wheel, const struct tcp_config *conf,
		     const struct tcp_user_ops *ops, void *ops_ctx, const struct tcp_steering *steering)
{
	stack = (struct tcp_stack){ *ops, ops_ctx };
	*out = &stack;
	connect_rc = 0;
	offers = false;
	now_us = 0;
	return 0;
}

void tcp_stack_destroy(struct tcp_stack *ts) {}

int tcp_listen(struct tcp_stack *ts, const struct tcp_listen_args *args, struct tcp_listener **out)
{
	if (listening)
		return -EADDRINUSE;
	listener.args = *args;
	listening = true;
	*out = &listener;
	return 0;
}

void tcp_unlisten(struct tcp_listener *l) { listening = false; }

int tcp_connect(struct tcp_stack *ts, const struct tcp_connect_args *args, struct tcp_conn **out)
{
	struct tcp_conn *c = &conns[n_conns % FAKE_CONNS];

	if (connect_rc < 0)
		return connect_rc;
	n_conns++;
	handles++;
	*c = (struct tcp_conn){
		.user = args->user, .opt = args->opt.len != 0 && offers, .readable = 7, .rcvbuf_max = args->rcvbuf_max,
		.timeout_ms = args->timeout_ms,
	};
	*out = c;
	return 0;
}

static void give_back(struct tcp_conn *c, enum fake_tcp_end end)
{
	if (c->end != FAKE_TCP_OPEN)
		abort(); /* given back twice */
	c->end = end;
	handles--;
}

void tcp_close(struct tcp_conn *c) { give_back(c, FAKE_TCP_CLOSED); }
void tcp_abort(struct tcp_conn *c) { give_back(c, FAKE_TCP_ABORTED); }
int tcp_shutdown(struct tcp_conn *c) { return 0; }
void tcp_set_user(struct tcp_conn *c, void *user) { c->user = user; }
void *tcp_user(const struct tcp_conn *c) { return c->user; }
void tcp_get_info(const struct tcp_conn *c, struct tcp_info *info) { *info = c->info; }
bool tcp_opt_agreed(const struct tcp_conn *c) { return c->opt; }
int64_t tcp_urgent_mark(const struct tcp_conn *c) { return -1; }
uint32_t tcp_readable(const struct tcp_conn *c) { return c->readable; }
bool tcp_eof(const struct tcp_conn *c) { return false; }
unsigned tcp_peek(const struct tcp_conn *c, struct tcp_piece *pieces, unsigned max) { return 1; }
void tcp_consume(struct tcp_conn *c, uint32_t len) {}
uint32_t tcp_take(struct tcp_conn *c, uint32_t len, struct rte_mbuf **chain, unsigned *n_segs) { return 0; }
uint32_t tcp_read(struct tcp_conn *c, void *buf, uint32_t len) { return 1; }
uint32_t tcp_send_room(struct tcp_conn *c) { return 100; }
ssize_t tcp_send(struct tcp_conn *c, const void *buf, size_t len) { c->sent += len; return len; }
int tcp_send_reserve(struct tcp_conn *c, uint32_t want, struct tcp_piece pieces[2]) { return 0; }
void tcp_send_commit(struct tcp_conn *c, uint32_t len) {}
int tcp_give(struct tcp_conn *c, struct rte_mbuf *chain, uint32_t len) { return 0; }
uint32_t tcp_unacked(const struct tcp_conn *c) { return 0; }
void tcp_cork(struct tcp_conn *c, bool on) {}
void tcp_nodelay(struct tcp_conn *c, bool on) { c->nodelay = on; }
void tcp_keepalive(struct tcp_conn *c, bool on) {}
void tcp_user_timeout(struct tcp_conn *c, uint32_t ms) {}
void tcp_notify_sent(struct tcp_conn *c) {}
void tcp_set_buffers(struct tcp_conn *c, uint32_t rcvbuf_max, uint32_t sndbuf_max) { c->rcvbuf_max = rcvbuf_max; }
unsigned tcp_deliver(struct tcp_stack *ts, unsigned budget) { return 0; }
unsigned tcp_output(struct tcp_stack *ts) { return 0; }
bool tcp_busy(const struct tcp_stack *ts) { return false; }

static void fill(void *ctx, void *buf, size_t len)
{
	memset(buf, 0x5a, len);
}

const struct net_env *net_environment(const struct net_stack *st)
{
	static const struct net_env env = { .random = fill };

	return &env;
}
