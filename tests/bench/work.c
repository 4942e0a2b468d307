/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/bench/work.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define PORT 80
#define RELAY_PORT 81
#define BULK_UNIT 65536
#define TURNS_MAX 10000000 /* without an operation ending: it hangs */

struct work_conn {
	struct work *w;
	struct sock *s;
	uint32_t got;            /* of the answer under way */
	uint64_t sum;
};

/* One way only, as the proxy moves octets. */
struct relay {
	struct work *w;
	struct sock *in, *out;
	bool connected;
};

struct work {
	struct pair *pair;
	enum work_kind kind;
	unsigned n, open;
	uint16_t client;
	uint64_t done, goal, begun, errors;
	unsigned transport;
	struct sock_listener *listener, *relays_listener;
	struct sock_handler on_server, on_client, on_relay;
	struct work_conn *conns;
	struct relay *relays;
	unsigned n_relays;
	uint8_t data[BULK_UNIT];
	uint64_t received;       /* bulk: octets at the server */
};

static uint64_t sum(const struct tcp_piece *p)
{
	const uint8_t *b = p->data;
	uint64_t s = 0;

	for (uint32_t i = 0; i + 8 <= p->len; i += 8) {
		uint64_t v;

		memcpy(&v, b + i, 8);
		s += v;
	}
	return s;
}

/* Read all there is in place. */
static uint32_t drain(struct sock *s, uint64_t *total)
{
	struct tcp_piece pieces[16];
	uint32_t len = 0, part;
	unsigned n;

	do {
		n = sock_peek(s, pieces, RTE_DIM(pieces));
		part = 0;
		for (unsigned i = 0; i < n; i++) {
			*total += sum(&pieces[i]);
			part += pieces[i].len;
		}
		sock_consume(s, part);
		len += part;
	} while (n == RTE_DIM(pieces));
	return len;
}

/* ---- server -------------------------------------------------------------------- */

static int server_accepted(void *ctx, struct sock *s)
{
	sock_nodelay(s, true);
	return 0;
}

static void server_readable(void *ctx, struct sock *s)
{
	struct work *w = ctx;
	uint64_t total = 0;
	uint32_t len = drain(s, &total), answer;

	if (w->kind == WORK_BULK || w->kind == WORK_RELAY) {
		w->received += len;
		while (w->received >= BULK_UNIT) {
			w->received -= BULK_UNIT;
			w->done++;
		}
		return;
	}
	answer = w->kind == WORK_SHORT ? WORK_RESPONSE : WORK_REQUEST;
	if (len != WORK_REQUEST || sock_send(s, w->data, answer) != (ssize_t)answer)
		w->errors++;
}

static void server_eof(void *ctx, struct sock *s)
{
	sock_close(s);
}

static void server_closed(void *ctx, struct sock *s, int error)
{
	struct work *w = ctx;

	w->errors += error != 0;
	sock_close(s);
}

/* ---- relay ---------------------------------------------------------------------- */

static void relay_move(struct relay *r)
{
	struct rte_mbuf *chain;
	uint32_t want;

	while (r->connected && (want = RTE_MIN(sock_readable(r->in), sock_send_room(r->out))) > 0) {
		want = sock_take(r->in, want, &chain, NULL);
		if (want == 0)
			return;
		if (sock_give(r->out, chain, want) < 0) {
			fprintf(stderr, "sock_give failed\n");
			exit(EXIT_FAILURE);
		}
	}
}

static int relay_accepted(void *ctx, struct sock *s)
{
	struct work *w = ctx;
	struct relay *r = &w->relays[w->n_relays];

	*r = (struct relay){ .w = w, .in = s };
	if (w->n_relays > w->n || sock_connect(pair_host(w->pair, 1)->ss, &(struct sock_connect_args){
		.raddr = pair_addr(0), .rport = rte_cpu_to_be_16(PORT), .protocol = w->client, .handler = &w->on_relay,
		.ctx = w,
	}, &r->out) < 0)
		return -ENOMEM;
	w->n_relays++;
	sock_set_user(s, r);
	sock_set_user(r->out, r);
	return 0;
}

static void relay_connected(void *ctx, struct sock *s)
{
	struct relay *r = sock_user(s);
	struct sock_info info;

	sock_get_info(s, &info);
	r->w->transport = info.transport;
	r->w->open++;
	sock_nodelay(s, true);
	r->connected = true;
	relay_move(r);
}

static void relay_event(void *ctx, struct sock *s)
{
	relay_move(sock_user(s));
}

static void relay_closed(void *ctx, struct sock *s, int error)
{
	struct relay *r = sock_user(s);

	r->w->errors += error != 0;
	sock_abort(r->in);
	sock_abort(r->out);
	r->connected = false;
}

static struct sock_listener *listen_on(struct work *w, unsigned host, uint16_t port, uint16_t protocol,
				       const struct sock_handler *handler)
{
	struct sock_listener *l;
	int rc = sock_listen(pair_host(w->pair, host)->ss, &(struct sock_listen_args){
		.port = rte_cpu_to_be_16(port), .protocol = protocol, .backlog = 65536, .handler = handler, .ctx = w,
	}, &l);

	if (rc < 0) {
		fprintf(stderr, "sock_listen: %d\n", rc);
		exit(EXIT_FAILURE);
	}
	return l;
}

/* ---- client --------------------------------------------------------------------- */

static void ask(struct work_conn *c)
{
	c->got = 0;
	if (sock_send(c->s, c->w->data, WORK_REQUEST) != WORK_REQUEST)
		c->w->errors++;
}

static void pour(struct work_conn *c)
{
	while (sock_send_room(c->s) > 0) {
		if (sock_send(c->s, c->w->data, sizeof(c->w->data)) <= 0)
			break;
	}
}

static void begin(struct work_conn *c)
{
	struct work *w = c->w;
	bool relay = w->kind == WORK_RELAY;
	int rc = sock_connect(pair_host(w->pair, 0)->ss, &(struct sock_connect_args){
		.raddr = pair_addr(1), .rport = rte_cpu_to_be_16(relay ? RELAY_PORT : PORT),
		.protocol = relay ? SOCK_TCP : w->client, .handler = &w->on_client, .ctx = w,
	}, &c->s);

	if (rc < 0) {
		fprintf(stderr, "sock_connect: %d\n", rc);
		exit(EXIT_FAILURE);
	}
	w->begun++;
	sock_set_user(c->s, c);
}

static void client_connected(void *ctx, struct sock *s)
{
	struct work_conn *c = sock_user(s);
	struct sock_info info;

	if (c->w->kind == WORK_RELAY) /* open when the other half is */
		return;
	c->w->open++;
	sock_get_info(s, &info);
	c->w->transport = info.transport;
	sock_nodelay(s, true);
	if (c->w->kind == WORK_SHORT)
		ask(c);
}

static void client_readable(void *ctx, struct sock *s)
{
	struct work_conn *c = sock_user(s);
	struct work *w = c->w;

	c->got += drain(s, &c->sum);
	if (c->got < (w->kind == WORK_SHORT ? WORK_RESPONSE : WORK_REQUEST))
		return;
	w->done++;
	if (w->kind == WORK_RR) {
		if (w->begun < w->goal) {
			w->begun++;
			ask(c);
		}
		return;
	}
	sock_close(s);
	c->s = NULL;
	w->open--;
	if (w->begun < w->goal)
		begin(c);
}

static void client_writable(void *ctx, struct sock *s)
{
	struct work_conn *c = sock_user(s);

	if (c->w->kind == WORK_BULK || c->w->kind == WORK_RELAY)
		pour(c);
}

static void client_closed(void *ctx, struct sock *s, int error)
{
	struct work_conn *c = sock_user(s);

	c->w->errors++;
	sock_close(s);
	c->s = NULL;
}

/* ---- the whole ------------------------------------------------------------------- */

struct work *work_create(struct pair *p, enum work_kind kind, unsigned conns, uint16_t server, uint16_t client)
{
	struct work *w = calloc(1, sizeof(*w));

	if (w == NULL)
		exit(EXIT_FAILURE);
	*w = (struct work){ .pair = p, .kind = kind, .n = conns, .client = client };
	w->on_server = (struct sock_handler){ .accepted = server_accepted, .readable = server_readable,
		.eof = server_eof, .closed = server_closed };
	w->on_client = (struct sock_handler){ .connected = client_connected, .readable = client_readable,
		.writable = client_writable, .closed = client_closed };
	for (unsigned i = 0; i < sizeof(w->data); i++)
		w->data[i] = (uint8_t)(i * 7);
	w->conns = calloc(conns, sizeof(*w->conns));
	for (unsigned i = 0; i < conns; i++)
		w->conns[i].w = w;
	w->on_relay = (struct sock_handler){ .accepted = relay_accepted, .connected = relay_connected,
		.readable = relay_event, .writable = relay_event, .closed = relay_closed };
	if (kind == WORK_RELAY) {
		w->relays = calloc(conns + 1, sizeof(*w->relays));
		w->relays_listener = listen_on(w, 1, RELAY_PORT, SOCK_TCP, &w->on_relay);
	}
	w->listener = listen_on(w, kind != WORK_RELAY, PORT, server, &w->on_server);
	return w;
}

static void hang(const struct work *w, const char *what)
{
	fprintf(stderr, "%s: stands still at %lu of %lu, %u open\n", what, (unsigned long)w->done,
		(unsigned long)w->goal, w->open);
	exit(EXIT_FAILURE);
}

/* Let the hosts learn each other's address: of many first SYNs most would be dropped, and wait for a second. */
static void meet(struct work *w)
{
	struct work_conn *c = &w->conns[0];
	unsigned turns = 0;

	begin(c);
	while (w->open == 0) {
		pair_turn(w->pair);
		if (++turns > TURNS_MAX)
			hang(w, "meet");
	}
	sock_abort(c->s);
	c->s = NULL;
	pair_wait(w->pair, 1000000);
	w->open = w->n_relays = 0;
	w->begun = w->done = w->errors = 0;
}

void work_open(struct work *w)
{
	unsigned turns = 0;

	meet(w);
	if (w->kind == WORK_SHORT)
		return;
	for (unsigned i = 0; i < w->n; i++)
		begin(&w->conns[i]);
	while (w->open < w->n) {
		pair_turn(w->pair);
		if (++turns > TURNS_MAX)
			hang(w, "open");
	}
	w->begun = 0;
	if (w->kind == WORK_BULK || w->kind == WORK_RELAY) {
		for (unsigned i = 0; i < w->n; i++)
			pour(&w->conns[i]);
	}
}

static __rte_noinline void measured(struct work *w)
{
	uint64_t last = w->done;
	unsigned turns = 0;

	while (w->done < w->goal) {
		pair_turn(w->pair);
		if (w->done != last) {
			last = w->done;
			turns = 0;
		} else if (++turns > TURNS_MAX) {
			hang(w, "run");
		}
	}
}

void work_run(struct work *w, uint64_t n)
{
	w->done = w->begun = 0;
	w->goal = n;
	for (unsigned i = 0; i < w->n && w->begun < n; i++) {
		if (w->kind == WORK_SHORT) {
			begin(&w->conns[i]);
		} else if (w->kind == WORK_RR) {
			w->begun++;
			ask(&w->conns[i]);
		}
	}
	measured(w);
}

void work_destroy(struct work *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		if (w->conns[i].s != NULL)
			sock_abort(w->conns[i].s);
	}
	w->on_server.readable = NULL;
	pair_wait(w->pair, 1000000);
	sock_listener_abort(w->listener);
	sock_listener_free(w->listener);
	if (w->relays_listener != NULL) {
		sock_listener_abort(w->relays_listener);
		sock_listener_free(w->relays_listener);
	}
	pair_wait(w->pair, 120000000);
	free(w->relays);
	free(w->conns);
	free(w);
}

uint64_t work_errors(const struct work *w) { return w->errors; }
unsigned work_transport(const struct work *w) { return w->transport; }
