/* SPDX-License-Identifier: BSD-3-Clause */
/* The sock layer of one lcore: its pool, its ids, and the way of an event from
 * the transport to the service. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "proto/sock/sock_impl.h"

struct sock *sock_new(struct sock_stack *ss, const struct sock_handler *handler, void *ctx, uint16_t protocol)
{
	struct sock *s = pool_get(&ss->socks);

	if (s == NULL)
		return NULL;
	*s = (struct sock){
		.ss = ss, .handler = handler, .ctx = ctx, .protocol = protocol, .transport = SOCK_TCP,
	};
	ss->gens[pool_index(&ss->socks, s)]++;
	ss->stats.open++;
	return s;
}

void sock_delete(struct sock *s)
{
	struct sock_stack *ss = s->ss;

	if (s->peer != NULL)
		sock_peer_put(s);
	if (s->listener != NULL)
		sock_unlink(s);
	if (ss->current == s)
		ss->current = NULL;
	ss->gens[pool_index(&ss->socks, s)]++;
	ss->stats.open--;
	pool_put(&ss->socks, s);
}

uint64_t sock_id(const struct sock *s)
{
	uint32_t idx = pool_index(&s->ss->socks, s);

	return (uint64_t)s->ss->gens[idx] << 32 | idx;
}

struct sock *sock_by_id(struct sock_stack *ss, uint64_t id)
{
	uint32_t idx = (uint32_t)id, gen = (uint32_t)(id >> 32);

	if (idx == 0 || idx > ss->socks.high || ss->gens[idx] != gen || (gen & 1) == 0)
		return NULL;
	return pool_at(&ss->socks, idx);
}

/* The order in which a service sees the events of one turn. */
#define SOCK_CALLBACKS(X) \
	X(CONNECTED, connected) X(READABLE, readable) X(URGENT, urgent) X(EOF, eof) X(WRITABLE, writable) X(SENT, sent)

/* Each callback may close the socket, which clears ss->current. */
static void dispatch(struct sock_stack *ss, const struct sock_event *ev)
{
	struct sock *s = sock_by_id(ss, ev->id);
	const struct sock_handler *h;

	if (s == NULL)
		return;
	h = s->handler;
	ss->current = s;
#define SOCK_CALL(bit, fn) \
	if ((ev->events & SOCK_EV_##bit) != 0 && h->fn != NULL && ss->current == s) \
		h->fn(s->ctx, s);
	SOCK_CALLBACKS(SOCK_CALL)
#undef SOCK_CALL
	if ((ev->events & SOCK_EV_CLOSED) != 0 && ss->current == s && !s->dead) {
		s->dead = true;
		if (h->closed != NULL)
			h->closed(s->ctx, s, ev->error);
	}
	ss->current = NULL;
}

static void count_event(struct sock_stack *ss, struct sock *s, unsigned events, int error)
{
	if ((events & TCP_EV_CONNECTED) != 0) {
		s->connected = true;
		ss->stats.connected++;
	}
	if ((events & TCP_EV_CLOSED) == 0)
		return;
	if (!s->connected)
		ss->stats.connect_failed++;
	else if (error != 0)
		ss->stats.aborted++;
	else
		ss->stats.closed++;
}

static void tcp_event(void *ctx, struct tcp_conn *c, void *user, unsigned events)
{
	struct sock_stack *ss = ctx;
	struct sock *s = user;
	struct sock_event ev = { .id = sock_id(s), .events = events };

	if ((events & TCP_EV_CLOSED) != 0) {
		struct tcp_info info;

		tcp_get_info(c, &info);
		ev.error = info.error;
	}
	count_event(ss, s, events, ev.error);
	dispatch(ss, &ev);
}

int sock_stack_create(struct sock_stack **out, const struct sock_config *conf, struct net_stack *net,
		      struct wheel *wheel, const struct tcp_config *tcp_conf, const struct tcp_steering *steering)
{
	static const struct tcp_user_ops ops = { .event = tcp_event };
	const struct net_env *env = net_environment(net);
	struct sock_stack *ss = calloc(1, sizeof(*ss));
	int rc = -ENOMEM;

	if (ss == NULL)
		return rc;
	rc = pool_init(&ss->socks, sizeof(struct sock), 8, conf->max_socks, conf->node);
	if (rc < 0)
		goto free_stack;
	rc = pool_init(&ss->peers, sizeof(struct sock_peer), 8, conf->max_socks, conf->node);
	if (rc < 0)
		goto free_socks;
	ss->gens_len = ((size_t)conf->max_socks + 1) * sizeof(*ss->gens);
	ss->gens = mmap(NULL, ss->gens_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ss->gens == MAP_FAILED) {
		rc = -ENOMEM;
		goto free_peers;
	}
	ss->backlog = conf->backlog;
	env->random(env->ctx, &ss->peer_key, sizeof(ss->peer_key));
	rc = tcp_stack_create(&ss->tcp, net, wheel, tcp_conf, &ops, ss, steering);
	if (rc < 0)
		goto free_gens;
	*out = ss;
	return 0;

free_gens:
	munmap(ss->gens, ss->gens_len);
free_peers:
	pool_fini(&ss->peers);
free_socks:
	pool_fini(&ss->socks);
free_stack:
	free(ss);
	return rc;
}

void sock_stack_destroy(struct sock_stack *ss)
{
	if (ss == NULL)
		return;
	tcp_stack_destroy(ss->tcp);
	munmap(ss->gens, ss->gens_len);
	pool_fini(&ss->peers);
	pool_fini(&ss->socks);
	free(ss);
}

struct tcp_stack *sock_tcp(struct sock_stack *ss)
{
	return ss->tcp;
}

unsigned sock_deliver(struct sock_stack *ss, unsigned budget)
{
	return tcp_deliver(ss->tcp, budget);
}

unsigned sock_output(struct sock_stack *ss)
{
	return tcp_output(ss->tcp);
}

bool sock_busy(const struct sock_stack *ss)
{
	return tcp_busy(ss->tcp);
}

const struct sock_stats *sock_stats(const struct sock_stack *ss)
{
	return &ss->stats;
}

void sock_get_info(const struct sock *s, struct sock_info *info)
{
	*info = (struct sock_info){ .id = sock_id(s), .protocol = s->protocol, .transport = s->transport };
	if (s->conn != NULL)
		tcp_get_info(s->conn, &info->tcp);
}

/* Free objects passed over in one call, so that a sparse pool cannot hold up a turn. */
#define LIST_SCAN_MAX 4096

unsigned sock_list(struct sock_stack *ss, uint64_t *cursor, struct sock_info *out, unsigned max)
{
	unsigned n = 0, scanned = 0;
	uint32_t idx = (uint32_t)*cursor;

	while (idx < ss->socks.high && n < max) {
		idx++;
		if ((ss->gens[idx] & 1) != 0)
			sock_get_info(pool_at(&ss->socks, idx), &out[n++]);
		else if (++scanned >= LIST_SCAN_MAX && n > 0)
			break;
	}
	*cursor = idx;
	return n;
}
