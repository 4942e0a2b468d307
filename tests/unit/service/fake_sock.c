/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/service/fake_sock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/config/field.h"
#include "pmd/base/arena.h"

/* Not CUnit's: fuzz targets link this as well. */
#define CHECK(ok) do { \
	if (!(ok)) { \
		fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #ok); \
		abort(); \
	} \
} while (0)

#define FAKE_MAX 256
#define FAKE_ROOM 65536

struct bytes {
	uint8_t *data;
	size_t len, size;
};

struct sock {
	struct bytes in, out;
	uint32_t piece, room;
	uint32_t urgent_in;     /* octets up to behind the urgent one; 0: none */
	uint32_t sent, urgent_out; /* octets ever sent, and which of them was the last urgent one */
	const struct sock_handler *handler;
	void *ctx, *user;
	struct sock_connect_args args;
	struct sock_listener *listener;
	bool eof, want_write, given_back, opened;
	enum fake_end end;
};

struct sock_listener {
	struct sock_listen_args args;
	const struct sock_handler *handler;
	void *ctx;
};

struct fake fake;
static struct sock *socks[FAKE_MAX];
static unsigned n_socks;
static struct sock_listener listener;
static int connect_rc;

/* ---- byte queues ---------------------------------------------------------------- */
static void push(struct bytes *b, const void *data, size_t len)
{
	if (len == 0)
		return;
	if (b->len + len > b->size) {
		b->size = (b->len + len) * 2;
		b->data = realloc(b->data, b->size);
	}
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

static void pull(struct bytes *b, size_t len)
{
	CHECK(len <= b->len);
	b->len -= len;
	if (b->len > 0)
		memmove(b->data, b->data + len, b->len);
}

static struct sock *new_sock(const struct sock_handler *handler, void *ctx)
{
	struct sock *s = calloc(1, sizeof(*s));

	CHECK(s != NULL && n_socks < FAKE_MAX);
	s->handler = handler;
	s->ctx = ctx;
	s->room = FAKE_ROOM;
	socks[n_socks++] = s;
	return s;
}

/* ---- the test's side --------------------------------------------------------------- */
struct sock *fake_accept(uint32_t piece)
{
	struct sock *s = new_sock(listener.handler, listener.ctx);

	s->piece = piece;
	s->listener = &listener;
	if (s->handler->accepted(s->ctx, s) == 0)
		return s;
	s->given_back = true;
	return NULL;
}

void fake_input(struct sock *s, const void *data, size_t len)
{
	if (s->given_back)
		return;
	push(&s->in, data, len);
	if (s->handler->readable != NULL)
		s->handler->readable(s->ctx, s);
}

void fake_input_text(struct sock *s, const char *text)
{
	fake_input(s, text, strlen(text));
}

void fake_eof(struct sock *s)
{
	s->eof = true;
	if (!s->given_back && s->handler->eof != NULL)
		s->handler->eof(s->ctx, s);
}

size_t fake_output(struct sock *s, char *buf, size_t size)
{
	size_t n = RTE_MIN(s->out.len, size - 1);

	memcpy(buf, s->out.data != NULL ? (char *)s->out.data : "", n);
	buf[n] = '\0';
	pull(&s->out, n);
	if (n > 0 && s->want_write && !s->given_back) {
		s->want_write = false;
		if (s->handler->writable != NULL)
			s->handler->writable(s->ctx, s);
	}
	return n;
}

void fake_reset(struct sock *s, int error)
{
	if (!s->given_back && s->handler->closed != NULL)
		s->handler->closed(s->ctx, s, error);
}

void fake_set_room(struct sock *s, uint32_t room)
{
	s->room = room;
}

enum fake_end fake_ended(const struct sock *s)
{
	return s->end;
}

struct sock *fake_opened(unsigned n)
{
	for (unsigned i = 0; i < n_socks; i++)
		if (socks[i]->opened && n-- == 0)
			return socks[i];
	return NULL;
}

void fake_connected(struct sock *s)
{
	if (!s->given_back && s->handler->connected != NULL)
		s->handler->connected(s->ctx, s);
}

const struct sock_connect_args *fake_connect_args(const struct sock *s)
{
	return &s->args;
}

const struct sock_listen_args *fake_listen_args(void)
{
	return &listener.args;
}

void fake_connect_fails(int rc)
{
	connect_rc = rc;
}

unsigned fake_open(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_socks; i++)
		n += !socks[i]->given_back;
	return n;
}

void fake_wait_ms(uint64_t ms)
{
	for (uint64_t i = 0; i < ms * 10; i++) {
		fake.now_us += 100;
		wheel_advance(&fake.wheel, fake.now_us, 100000);
	}
}

/* ---- a service's life ------------------------------------------------------------------ */
int fake_start(const struct service_type *type, void *conf)
{
	void *shared = NULL;
	int rc;

	memset(&fake.conf, 0, sizeof(fake.conf));
	strcpy(fake.conf.name, "test");
	fake.conf.type = type;
	fake.conf.conf = conf;
	fake.conf.listen_protocol = fake.listen_protocol;
	if (type->listen == SERVICE_LISTEN_REQUIRED)
		fake.conf.listen = (struct cfg_endpoint){ .addr = net_addr_v4(RTE_BE32(0x0a000001)), .port = 80 };
	fake.now_us = 1000000;
	wheel_init(&fake.wheel, fake.now_us);
	service_wheel_register(&fake.wheel);
	if (fake.ind_pool == NULL)
		fake.ind_pool = plain_pktmbuf_pool("fake_ind", 4095, 0, NET_MBUF_PRIV_SIZE, 0, -1, &rc);
	if (fake.data_pool == NULL)
		fake.data_pool = plain_pktmbuf_pool("fake_data", 1023, 0, NET_MBUF_PRIV_SIZE, 2048 + 128, -1, &rc);
	fake.conf.max_connections = FAKE_MAX;
	if (fake.kept != NULL) {
		shared = fake.kept;
	} else if (type->prepare != NULL) {
		rc = type->prepare(&fake.conf, &shared);
		if (rc < 0)
			return rc;
	}
	return service_start(&fake.svc, &fake.conf, shared, (struct sock_stack *)&fake, &fake.wheel, 0, 1);
}

void fake_stop(void)
{
	const struct service_type *type = fake.conf.type;
	void *shared = fake.svc.shared;

	service_abort(&fake.svc);
	CHECK(fake_open() == 0);
	service_stop(&fake.svc);
	CHECK(fake.wheel.armed == 0);
	if (fake.keep)
		fake.kept = shared;
	else if (type->release != NULL)
		type->release(shared);
	for (unsigned i = 0; i < n_socks; i++) {
		free(socks[i]->in.data);
		free(socks[i]->out.data);
		free(socks[i]);
	}
	n_socks = 0;
	connect_rc = 0;
	CHECK(rte_mempool_in_use_count(fake.ind_pool) == 0);
	CHECK(rte_mempool_in_use_count(fake.data_pool) == 0);
}

/* ---- proto/sock's side ------------------------------------------------------------------- */
int sock_listen(struct sock_stack *ss, const struct sock_listen_args *args, struct sock_listener **out)
{
	listener.args = *args;
	listener.handler = args->handler;
	listener.ctx = args->ctx;
	*out = &listener;
	return 0;
}

void sock_unlisten(struct sock_listener *l) {}
void sock_listener_free(struct sock_listener *l) {}

uint32_t sock_listener_open(const struct sock_listener *l)
{
	return fake_open();
}

void sock_listener_abort(struct sock_listener *l)
{
	for (unsigned i = 0; i < n_socks; i++) {
		if (socks[i]->given_back || socks[i]->listener != l)
			continue;
		socks[i]->end = FAKE_ABORTED;
		socks[i]->handler->closed(socks[i]->ctx, socks[i], ECONNABORTED);
	}
}

int sock_connect(struct sock_stack *ss, const struct sock_connect_args *args, struct sock **out)
{
	if (connect_rc < 0)
		return connect_rc;
	*out = new_sock(args->handler, args->ctx);
	(*out)->args = *args;
	(*out)->opened = true;
	return 0;
}

void sock_set_user(struct sock *s, void *user) { s->user = user; }
void *sock_user(const struct sock *s) { return s->user; }
uint64_t sock_id(const struct sock *s) { return (uintptr_t)s; }
uint32_t sock_readable(const struct sock *s) { return s->in.len; }
bool sock_eof(const struct sock *s) { return s->eof && s->in.len == 0; }

unsigned sock_peek(const struct sock *s, struct tcp_piece *pieces, unsigned max)
{
	uint32_t step = s->piece != 0 ? s->piece : s->in.len;
	unsigned n = 0;

	for (size_t off = 0; off < s->in.len && n < max; off += step, n++) {
		pieces[n].data = s->in.data + off;
		pieces[n].len = RTE_MIN((size_t)step, s->in.len - off);
	}
	return n;
}

static void pull_in(struct sock *s, uint32_t len)
{
	pull(&s->in, len);
	s->urgent_in -= RTE_MIN(s->urgent_in, len);
}

void sock_consume(struct sock *s, uint32_t len) { pull_in(s, len); }
int64_t sock_urgent_mark(const struct sock *s) { return s->urgent_in != 0 ? (int64_t)s->urgent_in : -1; }

uint32_t sock_read(struct sock *s, void *buf, uint32_t len)
{
	len = RTE_MIN((size_t)len, s->in.len);
	memcpy(buf, s->in.data, len);
	pull_in(s, len);
	return len;
}

uint32_t sock_take(struct sock *s, uint32_t len, struct rte_mbuf **chain, unsigned *n_segs)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(fake.data_pool);

	CHECK(m != NULL);
	len = RTE_MIN((size_t)len, s->in.len);
	len = RTE_MIN(len, 2048u);
	m->data_len = len;
	memcpy(rte_pktmbuf_mtod(m, void *), s->in.data, len);
	pull_in(s, len);
	*chain = m;
	*n_segs = 1;
	return len;
}

uint32_t sock_unacked(const struct sock *s) { return (uint32_t)s->out.len; }

uint32_t sock_send_room(struct sock *s)
{
	if (s->out.len < s->room)
		return s->room - s->out.len;
	s->want_write = true;
	return 0;
}

int sock_send_urgent(struct sock *s, uint8_t octet)
{
	if (sock_send_room(s) == 0)
		return -EAGAIN;
	push(&s->out, &octet, 1);
	s->urgent_out = ++s->sent;
	return 0;
}

uint32_t fake_urgent(const struct sock *s) { return s->urgent_out; }

void fake_input_urgent(struct sock *s, const char *text, uint32_t nth)
{
	s->urgent_in = (uint32_t)s->in.len + nth;
	fake_input_text(s, text);
}

ssize_t sock_send(struct sock *s, const void *buf, size_t len)
{
	size_t n = RTE_MIN((size_t)sock_send_room(s), len);

	if (s->end != FAKE_OPEN)
		return -EPIPE;
	push(&s->out, buf, n);
	if (n < len)
		s->want_write = true;
	return n > 0 ? (ssize_t)n : -EAGAIN;
}

int sock_give(struct sock *s, struct rte_mbuf *chain, uint32_t len)
{
	if (sock_send_room(s) < len)
		return -EAGAIN;
	s->sent += len;
	for (struct rte_mbuf *m = chain; m != NULL; m = m->next) {
		push(&s->out, rte_pktmbuf_mtod(m, void *), m->data_len);
		CHECK(m->data_len <= len);
		len -= m->data_len;
	}
	CHECK(len == 0);
	service_chain_free(chain);
	return 0;
}

void sock_nodelay(struct sock *s, bool on) {}

uint16_t sock_transport(const struct sock *s) { return SOCK_TCP; }

void sock_listener_accepted(const struct sock_listener *l, uint64_t *smc, uint64_t *tcp)
{
	*smc = *tcp = 0;
}

void sock_get_info(const struct sock *s, struct sock_info *info)
{
	struct net_addr l = net_addr_v4(RTE_BE32(0x0a000001)), r = net_addr_v4(RTE_BE32(0x0a000063));

	*info = (struct sock_info){ .transport = SOCK_TCP };
	memcpy(info->tcp.flow.laddr, l.b, 16);
	memcpy(info->tcp.flow.raddr, r.b, 16);
	info->tcp.flow.lport = RTE_BE16(80);
	info->tcp.flow.rport = RTE_BE16(1234);
}

int sock_shutdown(struct sock *s)
{
	CHECK(s->end == FAKE_OPEN);
	s->end = FAKE_SHUT;
	return 0;
}

static void give_back(struct sock *s, enum fake_end end)
{
	CHECK(!s->given_back);
	s->given_back = true;
	if (s->end != FAKE_ABORTED)
		s->end = end;
}

void sock_close(struct sock *s) { give_back(s, FAKE_CLOSED); }
void sock_abort(struct sock *s) { give_back(s, FAKE_ABORTED); }

struct tcp_stack *sock_tcp(struct sock_stack *ss) { return (struct tcp_stack *)ss; }
struct net_stack *tcp_net(struct tcp_stack *ts) { return (struct net_stack *)ts; }
uint64_t net_now(const struct net_stack *st) { return fake.now_us; }

const struct net_config *net_conf(const struct net_stack *st)
{
	static struct net_config conf;

	conf.ind_pool = fake.ind_pool;
	return &conf;
}
