/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * proxy: each connection accepted is joined to one opened to a back end. Octets
 * move by take and give, uncopied; what the outgoing side has no room for stays
 * in the incoming side's receive queue, so that its window closes. A FIN is
 * carried through when everything before it was, a reset at once. An urgent octet
 * is urgent on the other side as well, where that is SMC.
 */
#include <errno.h>

#include "app/smcgate/config/config.h"
#include "app/smcgate/service/service.h"
#include "pmd/base/pool.h"

#define PROXY_MAX_BACKENDS 64

enum {
	PROXY_CONNECTIONS, PROXY_CONNECTED, PROXY_CONNECT_FAILED, PROXY_NO_BACKEND, PROXY_BYTES_TO_BACKEND,
	PROXY_BYTES_TO_CLIENT, PROXY_RESETS, PROXY_NO_MEMORY, PROXY_URGENT,
};

struct proxy_conf {
	struct cfg_endpoint *backends;
	unsigned n_backends;
	struct net_addr source;
	uint32_t connect_timeout_ms;
	uint32_t retry_ms;
	int proxy_protocol;
	enum config_use connect_protocol;
};

enum { PROXY_PROTOCOL_OFF, PROXY_PROTOCOL_V2 };
static const struct cfg_enum proxy_protocols[] = { { "off", PROXY_PROTOCOL_OFF }, { "v2", PROXY_PROTOCOL_V2 }, { NULL, 0 } };

struct proxy_side {
	struct sock *sock;             /* NULL: not open */
	struct proxy_session *session;
	bool shut;                     /* the other side's FIN was passed on to this one */
};

struct proxy_session {
	struct proxy_side client, server;
	struct service *svc;
	struct proxy_session *next, **pprev; /* in proxy_state.sessions */
	struct service_timer give_up;  /* armed when no back end is left */
	uint8_t backend;               /* tried or in use */
	uint8_t tries;
	bool connected;
};

struct proxy_state {
	struct pool pool;
	struct proxy_session *sessions;
	uint32_t open;                 /* sockets to back ends */
	unsigned turn;                 /* round robin */
	uint64_t failed_us[PROXY_MAX_BACKENDS]; /* when it last refused; 0: never */
};

static const struct sock_handler proxy_server_handler;

static uint64_t proxy_now(const struct service *svc)
{
	return net_now(tcp_net(sock_tcp(svc->ss)));
}

/* ---- ends ------------------------------------------------------------------- */
static void side_end(struct proxy_side *side, void (*end)(struct sock *s))
{
	struct proxy_state *st = side->session->svc->state;
	struct sock *s = side->sock;

	if (s == NULL)
		return;
	side->sock = NULL;
	if (side == &side->session->server)
		st->open--;
	end(s);
}

static void session_end(struct proxy_session *ps, void (*end)(struct sock *s))
{
	struct proxy_state *st = ps->svc->state;

	service_timer_cancel(ps->svc, &ps->give_up);
	side_end(&ps->client, end);
	side_end(&ps->server, end);
	*ps->pprev = ps->next;
	if (ps->next != NULL)
		ps->next->pprev = ps->pprev;
	pool_put(&st->pool, ps);
}

/* ---- urgent data ------------------------------------------------------------------ */
/* Of want octets those in front of the urgent one; 0: it is next. */
static uint32_t before_urgent(const struct sock *s, uint32_t want)
{
	int64_t mark = sock_urgent_mark(s); /* behind it */

	return mark > 0 && mark <= want ? (uint32_t)mark - 1 : want;
}

static bool pass_urgent(struct proxy_session *ps, struct sock *from, struct sock *to, unsigned counter)
{
	struct tcp_piece piece;

	if (sock_peek(from, &piece, 1) == 0 || sock_send_urgent(to, *(const uint8_t *)piece.data) < 0)
		return false;
	sock_consume(from, 1);
	ps->svc->counters[counter]++;
	ps->svc->counters[PROXY_URGENT]++;
	return true;
}

/* ---- moving ------------------------------------------------------------------- */
/* Move what fits, until one side has nothing left: asking for room when there
 * is none is what makes TCP call again. False: the session had to be ended. */
static bool move(struct proxy_session *ps, struct proxy_side *from, struct proxy_side *to, unsigned counter)
{
	struct rte_mbuf *chain;
	uint32_t want;
	unsigned segs;

	while (sock_readable(from->sock) > 0) {
		want = RTE_MIN(sock_readable(from->sock), sock_send_room(to->sock));
		if (want == 0)
			return true;
		want = before_urgent(from->sock, want);
		if (unlikely(want == 0)) {
			if (!pass_urgent(ps, from->sock, to->sock, counter))
				return true;
			continue;
		}
		want = sock_take(from->sock, want, &chain, &segs);
		if (want == 0)
			return true;
		if (sock_give(to->sock, chain, want) < 0) {
			service_chain_free(chain);
			ps->svc->counters[PROXY_NO_MEMORY]++;
			session_end(ps, sock_abort);
			return false;
		}
		ps->svc->counters[counter] += want;
	}
	if (sock_eof(from->sock) && !to->shut) {
		to->shut = true;
		sock_shutdown(to->sock);
	}
	return true;
}

static void pump(struct proxy_session *ps)
{
	if (!ps->connected)
		return;
	if (!move(ps, &ps->client, &ps->server, PROXY_BYTES_TO_BACKEND) ||
	    !move(ps, &ps->server, &ps->client, PROXY_BYTES_TO_CLIENT))
		return;
	if (ps->client.shut && ps->server.shut)
		session_end(ps, sock_close);
}

/* ---- back ends ------------------------------------------------------------------ */
/* The next one in turn that did not fail lately; when all did, just the next. */
static unsigned choose_backend(struct service *svc)
{
	const struct proxy_conf *conf = svc->conf->conf;
	struct proxy_state *st = svc->state;
	uint64_t now = proxy_now(svc);
	unsigned first = st->turn % conf->n_backends;

	for (unsigned i = 0; i < conf->n_backends; i++) {
		unsigned b = (first + i) % conf->n_backends;

		if (st->failed_us[b] != 0 && now - st->failed_us[b] < 1000ull * conf->retry_ms)
			continue;
		st->turn = b + 1;
		return b;
	}
	st->turn = first + 1;
	return first;
}

/* By a timer, because a client's socket cannot be ended while it is being accepted. */
static void give_up(struct service *svc, struct service_timer *t, uint64_t now_us)
{
	session_end(RTE_PTR_SUB(t, offsetof(struct proxy_session, give_up)), sock_abort);
}

static void connect_backend(struct proxy_session *ps)
{
	struct service *svc = ps->svc;
	const struct proxy_conf *conf = svc->conf->conf;
	struct proxy_state *st = svc->state;

	while (ps->tries < conf->n_backends) {
		const struct cfg_endpoint *e;

		ps->tries++;
		ps->backend = choose_backend(svc);
		e = &conf->backends[ps->backend];
		if (sock_connect(svc->ss, &(struct sock_connect_args){
			    .laddr = conf->source, .raddr = e->addr, .rport = rte_cpu_to_be_16(e->port),
			    .protocol = service_protocol(conf->connect_protocol),
			    .service = svc->conf->name, .handler = &proxy_server_handler, .ctx = svc,
			    .timeout_ms = conf->connect_timeout_ms,
		    }, &ps->server.sock) == 0) {
			st->open++;
			sock_set_user(ps->server.sock, &ps->server);
			return;
		}
		svc->counters[PROXY_CONNECT_FAILED]++;
		st->failed_us[ps->backend] = proxy_now(svc);
	}
	svc->counters[PROXY_NO_BACKEND]++;
	service_timer_arm(svc, &ps->give_up, proxy_now(svc), give_up);
}

/* PROXY protocol version 2, section 2.2 of its specification: the addresses of
 * the client's connection in front of its data. */
static ssize_t send_proxy_header(const struct proxy_session *ps)
{
	static const uint8_t start[] = {
		0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
		0x21,       /* version 2, command PROXY */
		0x11,       /* TCP over IPv4 */
		0x00, 12,   /* octets that follow */
	};
	struct sock_info info;
	uint8_t h[sizeof(start) + 12];

	sock_get_info(ps->client.sock, &info);
	memcpy(h, start, sizeof(start));
	memcpy(h + 16, info.tcp.flow.raddr + 12, 4);
	memcpy(h + 20, info.tcp.flow.laddr + 12, 4);
	memcpy(h + 24, &info.tcp.flow.rport, 2);
	memcpy(h + 26, &info.tcp.flow.lport, 2);
	return sock_send(ps->server.sock, h, sizeof(h));
}

static void server_connected(void *ctx, struct sock *s)
{
	struct service *svc = ctx;
	const struct proxy_conf *conf = svc->conf->conf;
	struct proxy_state *st = svc->state;
	struct proxy_side *side = sock_user(s);
	struct proxy_session *ps = side->session;

	svc->counters[PROXY_CONNECTED]++;
	service_count_connected(svc, s);
	st->failed_us[ps->backend] = 0;
	ps->connected = true;
	sock_nodelay(s, true);
	if (conf->proxy_protocol == PROXY_PROTOCOL_V2 && send_proxy_header(ps) < 0) {
		session_end(ps, sock_abort);
		return;
	}
	pump(ps);
}

/* ---- events of both sides ----------------------------------------------------------- */
static void proxy_moved(void *ctx, struct sock *s)
{
	struct proxy_side *side = sock_user(s);

	pump(side->session);
}

/* A connection that ended well may still hold octets the other side has no
 * room for: then its socket stays until they are moved. */
static void proxy_closed(void *ctx, struct sock *s, int error)
{
	struct service *svc = ctx;
	struct proxy_side *side = sock_user(s);
	struct proxy_session *ps = side->session;

	if (error == 0 && ps->connected) {
		pump(ps);
		return;
	}
	svc->counters[PROXY_RESETS]++;
	session_end(ps, sock_abort);
}

static void server_closed(void *ctx, struct sock *s, int error)
{
	struct service *svc = ctx;
	struct proxy_state *st = svc->state;
	struct proxy_side *side = sock_user(s);
	struct proxy_session *ps = side->session;

	if (ps->connected) {
		proxy_closed(ctx, s, error);
		return;
	}
	svc->counters[PROXY_CONNECT_FAILED]++;
	st->failed_us[ps->backend] = proxy_now(svc);
	side_end(side, sock_close);
	connect_backend(ps);
}

static const struct sock_handler proxy_server_handler = {
	.connected = server_connected, .readable = proxy_moved, .eof = proxy_moved, .writable = proxy_moved,
	.closed = server_closed,
};

static int proxy_accepted(void *ctx, struct sock *s)
{
	struct service *svc = ctx;
	struct proxy_state *st = svc->state;
	struct proxy_session *ps = pool_get(&st->pool);

	if (ps == NULL)
		return -ENOMEM;
	*ps = (struct proxy_session){ .svc = svc, .next = st->sessions, .pprev = &st->sessions };
	ps->client = (struct proxy_side){ .sock = s, .session = ps };
	ps->server.session = ps;
	if (ps->next != NULL)
		ps->next->pprev = &ps->next;
	st->sessions = ps;
	sock_set_user(s, &ps->client);
	sock_nodelay(s, true);
	svc->counters[PROXY_CONNECTIONS]++;
	connect_backend(ps);
	return 0;
}

/* ---- the service ----------------------------------------------------------------------- */
static int proxy_start(struct service *svc)
{
	struct proxy_state *st = svc->state;
	uint32_t max = svc->conf->max_connections != 0 ? svc->conf->max_connections : 1u << 20;

	return pool_init(&st->pool, sizeof(struct proxy_session), 8, max, -1);
}

static uint32_t proxy_open(const struct service *svc)
{
	const struct proxy_state *st = svc->state;

	return st->open;
}

static void proxy_abort(struct service *svc)
{
	struct proxy_state *st = svc->state;

	while (st->sessions != NULL)
		session_end(st->sessions, sock_abort);
}

static void proxy_stop(struct service *svc)
{
	struct proxy_state *st = svc->state;

	pool_fini(&st->pool);
}

static void proxy_check(const struct config *cfg, const struct config_service *svc, const char *path,
			struct cfg_errors *errs)
{
	const struct proxy_conf *conf = svc->conf;
	char text[NET_ADDR_STRLEN], at[256];

	snprintf(at, sizeof(at), "%s.source", path);
	config_check_source(cfg, &conf->source, at, errs);
	for (unsigned i = 0; i < conf->n_backends; i++) {
		const struct cfg_endpoint *b = &conf->backends[i];

		if (b->port != svc->listen.port || !net_addr_equal(&b->addr, &svc->listen.addr))
			continue;
		snprintf(at, sizeof(at), "%s.backends[%u]", path, i);
		cfg_error(errs, at, "found %s, allowed: any endpoint but the one the proxy listens on",
			  cfg_endpoint_str(b, text));
	}
}

static const struct cfg_field backend_elem = {
	.type = CFG_TYPE_ENDPOINT, .doc = "Where a back end listens.",
};

static const struct cfg_field proxy_fields[] = {
	CFG_ARRAY(struct proxy_conf, backends, n_backends, "backends", CFG_REQUIRED, 1, PROXY_MAX_BACKENDS, &backend_elem,
		  "Back ends, used in turn."),
	CFG_IPV4(struct proxy_conf, source, "source", 0, NULL,
		 "Address of ours that connections to back ends come from; absent: by route."),
	CFG_ENUM(struct proxy_conf, connect_protocol, "connect_protocol", 0, config_use_names, CONFIG_USE_TCP,
		 "`smc` speaks SMC to back ends that do, and TCP to all others; see `smc.policies`."),
	CFG_U32(struct proxy_conf, connect_timeout_ms, "connect_timeout_ms", 0, 1, 600000, 5000,
		"Milliseconds until a back end that does not answer is given up and the next one is tried."),
	CFG_U32(struct proxy_conf, retry_ms, "retry_ms", 0, 0, 3600000, 2000,
		"Milliseconds for which a back end that failed is passed over while others work."),
	CFG_ENUM(struct proxy_conf, proxy_protocol, "proxy_protocol", 0, proxy_protocols, PROXY_PROTOCOL_OFF,
		 "Send the client's address to the back end in front of its data: v2 of the PROXY protocol."),
	CFG_END
};

static struct service_type proxy = {
	.name = "proxy",
	.doc = "Relays connections to back ends, round robin.",
	.listen = SERVICE_LISTEN_REQUIRED,
	.fields = proxy_fields,
	.conf_size = sizeof(struct proxy_conf),
	.check = proxy_check,
	.state_size = sizeof(struct proxy_state),
	.start = proxy_start,
	.open = proxy_open,
	.abort = proxy_abort,
	.stop = proxy_stop,
	.handler = {
		.accepted = proxy_accepted, .readable = proxy_moved, .eof = proxy_moved, .writable = proxy_moved,
		.closed = proxy_closed,
	},
	.counter_names = (const char *const[]){
		"connections", "connected", "connect_failed", "no_backend", "bytes_to_backend", "bytes_to_client",
		"resets", "no_memory", "urgent", NULL
	},
};
SERVICE_REGISTER(proxy)
