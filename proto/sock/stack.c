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
		.ss = ss, .handler = handler, .ctx = ctx, .protocol = protocol,
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
		if (s->protocol == SOCK_SMC)
			*(s->mode == SOCK_M_SMC ? &ss->stats.smc_connected : &ss->stats.fallback_connected) += 1;
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

/* What is readable may be a DECLINE that crossed ours. */
static unsigned filter_events(struct sock *s, unsigned events)
{
	bool last = (events & (TCP_EV_EOF | TCP_EV_CLOSED)) != 0;

	if ((events & TCP_EV_READABLE) == 0 && !last)
		return events;
	if (sock_filter(s, last) && tcp_readable(s->conn) > 0)
		return events | TCP_EV_READABLE;
	return events & ~(unsigned)TCP_EV_READABLE;
}

void sock_tell(struct sock *s, unsigned events, int error)
{
	struct sock_stack *ss = s->ss;
	struct sock_event ev = { .id = sock_id(s), .error = error };

	if (unlikely(s->mode == SOCK_M_FILTER))
		events = filter_events(s, events);
	ev.events = events;
	count_event(ss, s, events, error);
	dispatch(ss, &ev);
}

void sock_tcp_event(void *ctx, struct tcp_conn *c, void *user, unsigned events)
{
	struct sock *s = user;
	int error = 0;

	if (unlikely(smc_is_tcp_user(user))) {
		smc_tcp_event(user, events);
		return;
	}
	if (unlikely(s->mode == SOCK_M_RISING)) {
		sock_rise_event(s, c, events);
		return;
	}
	if ((events & TCP_EV_CLOSED) != 0) {
		struct tcp_info info;

		tcp_get_info(c, &info);
		error = info.error;
	}
	sock_tell(s, events, error);
}

void sock_smc_event(void *ctx, struct smc_conn *c, void *user, unsigned events)
{
	struct sock *s = user;
	int error = 0;

	if (s->mode == SOCK_M_RISING) { /* decided, not told yet */
		s->rise->verdict.tcp_events |= events;
		return;
	}
	if ((events & TCP_EV_CLOSED) != 0) {
		struct smc_conn_info info;

		smc_get_info(c, &info);
		error = info.error;
	}
	sock_tell(s, events, error);
}

static int create_transports(struct sock_stack *ss, const struct tcp_config *tcp_conf,
			     const struct tcp_steering *steering, const struct smc_config *smc_conf)
{
	static const struct tcp_user_ops tcp_ops = { .event = sock_tcp_event };
	static const struct smc_user_ops smc_ops = { .decided = sock_rise_decided, .event = sock_smc_event };
	int rc = tcp_stack_create(&ss->tcp, ss->net, ss->wheel, tcp_conf, &tcp_ops, ss, steering);

	if (rc < 0 || smc_conf == NULL)
		return rc;
	rc = smc_stack_create(&ss->smc, smc_conf, ss->tcp, ss->wheel, &smc_ops, ss);
	if (rc < 0)
		tcp_stack_destroy(ss->tcp);
	return rc;
}

static int create_pools(struct sock_stack *ss, const struct sock_config *conf)
{
	int rc = pool_init(&ss->socks, sizeof(struct sock), 8, conf->max_socks, conf->node);

	if (rc < 0)
		return rc;
	rc = pool_init(&ss->peers, sizeof(struct sock_peer), 8, conf->max_socks, conf->node);
	if (rc < 0)
		goto free_socks;
	rc = pool_init(&ss->rises, sizeof(struct sock_rise), 8, conf->max_socks, conf->node);
	if (rc < 0)
		goto free_peers;
	ss->gens_len = ((size_t)conf->max_socks + 1) * sizeof(*ss->gens);
	ss->gens = mmap(NULL, ss->gens_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ss->gens != MAP_FAILED)
		return 0;
	rc = -ENOMEM;
	pool_fini(&ss->rises);
free_peers:
	pool_fini(&ss->peers);
free_socks:
	pool_fini(&ss->socks);
	return rc;
}

static void free_pools(struct sock_stack *ss)
{
	munmap(ss->gens, ss->gens_len);
	pool_fini(&ss->rises);
	pool_fini(&ss->peers);
	pool_fini(&ss->socks);
}

int sock_stack_create(struct sock_stack **out, const struct sock_config *conf, struct net_stack *net,
		      struct wheel *wheel, const struct tcp_config *tcp_conf, const struct tcp_steering *steering,
		      const struct smc_config *smc_conf)
{
	const struct net_env *env = net_environment(net);
	struct sock_stack *ss = calloc(1, sizeof(*ss));
	int rc = -ENOMEM;

	if (ss == NULL)
		return rc;
	ss->net = net;
	ss->wheel = wheel;
	ss->decided_tail = &ss->decided_head;
	ss->backlog = conf->backlog;
	rc = create_pools(ss, conf);
	if (rc < 0)
		goto free_stack;
	env->random(env->ctx, &ss->peer_key, sizeof(ss->peer_key));
	if (smc_conf != NULL)
		wheel_register(wheel, WHEEL_SOCK, sock_rise_expired, ss);
	rc = create_transports(ss, tcp_conf, steering, smc_conf);
	if (rc < 0)
		goto free_pools;
	*out = ss;
	return 0;

free_pools:
	free_pools(ss);
free_stack:
	free(ss);
	return rc;
}

void sock_stack_destroy(struct sock_stack *ss)
{
	if (ss == NULL)
		return;
	smc_stack_destroy(ss->smc);
	tcp_stack_destroy(ss->tcp);
	free_pools(ss);
	free(ss);
}

struct tcp_stack *sock_tcp(struct sock_stack *ss)
{
	return ss->tcp;
}

struct smc_stack *sock_smc(struct sock_stack *ss)
{
	return ss->smc;
}

/* ---- the turn ----------------------------------------------------------------- */

unsigned sock_poll(struct sock_stack *ss)
{
	return ss->smc == NULL ? 0 : smc_poll(ss->smc);
}

unsigned sock_deliver(struct sock_stack *ss, unsigned budget)
{
	unsigned n = 0;

	if (ss->smc != NULL)
		n = sock_rise_deliver(ss) + smc_deliver(ss->smc, budget);
	return n + tcp_deliver(ss->tcp, budget);
}

unsigned sock_output(struct sock_stack *ss)
{
	unsigned n = ss->smc == NULL ? 0 : smc_output(ss->smc);

	return n + tcp_output(ss->tcp);
}

bool sock_busy(const struct sock_stack *ss)
{
	return tcp_busy(ss->tcp) || ss->decided_head != NULL || (ss->smc != NULL && smc_busy(ss->smc));
}

const struct sock_stats *sock_stats(const struct sock_stack *ss)
{
	return &ss->stats;
}

/* ---- looking -------------------------------------------------------------------- */

uint16_t sock_transport(const struct sock *s)
{
	switch (s->mode) {
	case SOCK_M_TCP:
	case SOCK_M_FILTER:
		return SOCK_TCP;
	case SOCK_M_SMC:
		return SOCK_SMC;
	default:
		return 0;
	}
}

static struct smc_conn *smc_of(const struct sock *s)
{
	if (s->mode == SOCK_M_SMC)
		return s->smc;
	return s->mode == SOCK_M_RISING ? s->rise->smc : NULL;
}

static struct tcp_conn *tcp_of(const struct sock *s)
{
	struct smc_conn *c = smc_of(s);

	if (c != NULL)
		return smc_tcp(c);
	if (s->mode != SOCK_M_RISING)
		return s->conn;
	return s->rise->tcp != NULL ? s->rise->tcp : s->rise->verdict.tcp;
}

static void count_smc(const struct smc_conn *c, struct sock_info *info)
{
	struct smc_conn_info smc;

	smc_get_info(c, &smc);
	info->tcp.flow = smc.flow; /* TCP may have ended already; who the peer is, is still known */
	info->bytes_in = smc.bytes_in;
	info->bytes_out = smc.bytes_out;
	info->readable = smc.readable;
	info->unacked = smc_unacked(c);
}

void sock_get_info(const struct sock *s, struct sock_info *info)
{
	struct tcp_conn *c = tcp_of(s);

	*info = (struct sock_info){
		.id = sock_id(s), .protocol = s->protocol, .transport = sock_transport(s), .reason = s->reason,
		.peer_reason = s->peer_reason,
	};
	if (c != NULL)
		tcp_get_info(c, &info->tcp);
	info->bytes_in = info->tcp.bytes_in;
	info->bytes_out = info->tcp.bytes_out;
	info->readable = info->tcp.readable;
	info->unacked = info->tcp.unacked;
	if (s->mode == SOCK_M_SMC || (c == NULL && smc_of(s) != NULL))
		count_smc(smc_of(s), info);
}

int sock_smc_info(const struct sock *s, struct smc_conn_info *info)
{
	struct smc_conn *c = smc_of(s);

	if (c == NULL)
		return -ENOENT;
	smc_get_info(c, info);
	return 0;
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
