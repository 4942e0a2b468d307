/* SPDX-License-Identifier: BSD-3-Clause */
/* One connection of the load service, from SYN to close. */
#include <errno.h>

#include "app/smcgate/service/load.h"

#define LOAD_PIECES 16

static const struct load_conf *conf_of(const struct load_conn *c)
{
	return c->svc->conf->conf;
}

static struct load_state *state_of(const struct load_conn *c)
{
	return c->svc->state;
}

/* ---- the line of those that can take a request (open loop) ----------------------- */
static void ready_remove(struct load_conn *c)
{
	if (c->rnext == NULL)
		return;
	c->rprev->rnext = c->rnext;
	c->rnext->rprev = c->rprev;
	c->rnext = NULL;
}

static void ready_append(struct load_conn *c)
{
	struct load_conn *head = &state_of(c)->ready;

	if (c->rnext != NULL)
		return;
	c->rprev = head->rprev;
	c->rnext = head;
	c->rprev->rnext = c;
	head->rprev = c;
}

static bool has_room(const struct load_conn *c)
{
	const struct load_conf *conf = conf_of(c);

	return c->open && c->sent - c->answered < conf->pipeline &&
	       (conf->requests_per_connection == 0 || c->sent < conf->requests_per_connection);
}

/* ---- opening and ending -------------------------------------------------------------- */
int load_open(struct service *svc, uint64_t due_us)
{
	const struct load_conf *conf = svc->conf->conf;
	struct load_state *st = svc->state;
	struct load_conn *c = pool_get(&st->conns);
	struct sock_connect_args args = {
		.raddr = conf->target.addr, .rport = rte_cpu_to_be_16(conf->target.port),
		.protocol = service_protocol(conf->connect_protocol), .service = svc->conf->name,
		.handler = &load_handler, .ctx = svc, .timeout_ms = conf->timeout_ms,
	};
	int rc;

	if (c == NULL)
		return -ENOMEM;
	*c = (struct load_conn){ .svc = svc, .connect_us = due_us };
	if (conf->n_sources > 0)
		args.laddr = conf->sources[st->turn++ % conf->n_sources];
	rc = sock_connect(svc->ss, &args, &c->sock);
	if (rc < 0) {
		pool_put(&st->conns, c);
		svc->counters[LOAD_OPEN_FAILED]++;
		return rc;
	}
	sock_set_user(c->sock, c);
	sock_nodelay(c->sock, true);
	c->next = st->conns_head.next;
	c->prev = &st->conns_head;
	c->next->prev = c;
	st->conns_head.next = c;
	st->opening++;
	return 0;
}

static void request_state_free(struct load_conn *c)
{
	struct load_state *st = state_of(c);

	if (c->due_us != NULL)
		pool_put(&st->dues, c->due_us);
	if (c->parser != NULL)
		pool_put(&st->parsers, c->parser);
	c->due_us = NULL;
	c->parser = NULL;
}

void load_end(struct load_conn *c, bool abort)
{
	struct load_state *st = state_of(c);
	struct sock *s = c->sock;

	request_state_free(c);
	ready_remove(c);
	c->next->prev = c->prev;
	c->prev->next = c->next;
	if (c->open)
		st->open--;
	else
		st->opening--;
	pool_put(&st->conns, c);
	if (abort)
		sock_abort(s);
	else
		sock_close(s);
}

/* ---- requests ----------------------------------------------------------------------------- */
static void write_requests(struct load_conn *c)
{
	const struct load_shared *shared = state_of(c)->shared;

	while (c->unwritten > 0) {
		ssize_t n = sock_send(c->sock, shared->request + c->write_off, shared->request_len - c->write_off);

		if (n <= 0)
			return; /* writable or closed will come */
		c->svc->counters[LOAD_BYTES_OUT] += n;
		c->write_off += n;
		if (c->write_off < shared->request_len)
			return;
		c->write_off = 0;
		c->unwritten--;
	}
}

static bool request_state_get(struct load_conn *c)
{
	struct load_state *st = state_of(c);

	if (c->due_us == NULL)
		c->due_us = pool_get(&st->dues);
	if (c->due_us == NULL)
		return false;
	if (c->parser == NULL && conf_of(c)->response == LOAD_RESPONSE_HTTP) {
		c->parser = pool_get(&st->parsers);
		if (c->parser == NULL)
			return false;
		http_parser_init(c->parser, HTTP_RESPONSE);
		c->parser->data = c;
	}
	return true;
}

void load_request(struct load_conn *c, uint64_t due_us)
{
	if (!request_state_get(c)) {
		c->svc->counters[LOAD_ERRORS]++;
		return;
	}
	c->due_us[c->sent % LOAD_MAX_PIPELINE] = due_us;
	c->sent++;
	c->unwritten++;
	c->svc->counters[LOAD_REQUESTS]++;
	if (!has_room(c))
		ready_remove(c);
	write_requests(c);
}

static void answered(struct load_conn *c)
{
	struct load_state *st = state_of(c);
	uint64_t now = load_now(c->svc), due = c->due_us[c->answered % LOAD_MAX_PIPELINE];

	if (conf_of(c)->mode == LOAD_CONNECT)
		due = c->connect_us;
	c->answered++;
	c->svc->counters[c->bad ? LOAD_BAD_RESPONSES : LOAD_RESPONSES]++;
	c->bad = false;
	if (now >= st->measure_us && !st->stopping)
		histogram_add(&st->share->latency, now - due);
}

/* ---- answers -------------------------------------------------------------------------------- */
static int on_headers(http_parser *p)
{
	struct load_conn *c = p->data;

	c->bad = p->status_code != 200;
	return 0;
}

static int on_message_complete(http_parser *p)
{
	struct load_conn *c = p->data;

	if (c->answered == c->sent) {
		c->bad = true; /* nobody asked */
		return -1;
	}
	answered(c);
	return 0;
}

void load_parser_settings(http_parser_settings *set)
{
	http_parser_settings_init(set);
	set->on_headers_complete = on_headers;
	set->on_message_complete = on_message_complete;
}

/* Answers of a fixed size: count them off. False: more than was asked for. */
static bool count_answers(struct load_conn *c, uint32_t len)
{
	uint32_t size = conf_of(c)->response_bytes;

	c->got += len;
	while (c->got >= size) {
		if (c->answered == c->sent)
			return false;
		c->got -= size;
		answered(c);
	}
	return c->got == 0 || c->answered != c->sent;
}

static bool take_piece(struct load_conn *c, const struct tcp_piece *piece)
{
	const struct load_conf *conf = conf_of(c);

	c->svc->counters[LOAD_SUM] += service_sum(piece->data, piece->len);
	c->svc->counters[LOAD_BYTES_IN] += piece->len;
	if (conf->mode == LOAD_STREAM)
		return true;
	if (conf->response == LOAD_RESPONSE_BYTES)
		return count_answers(c, piece->len);
	/* A fault in the last octet leaves none over. */
	return c->parser != NULL &&
	       http_parser_execute(c->parser, &state_of(c)->settings, piece->data, piece->len) == piece->len &&
	       HTTP_PARSER_ERRNO(c->parser) == HPE_OK;
}

/* Read everything there is. False: what came is not an answer. */
static bool read_answers(struct load_conn *c)
{
	struct tcp_piece pieces[LOAD_PIECES];
	unsigned n;

	while ((n = sock_peek(c->sock, pieces, LOAD_PIECES)) > 0) {
		uint32_t len = 0;

		for (unsigned i = 0; i < n; i++) {
			if (!take_piece(c, &pieces[i]))
				return false;
			len += pieces[i].len;
		}
		sock_consume(c->sock, len);
	}
	return true;
}

/* ---- what a connection does next ----------------------------------------------------------- */
static void fill_stream(struct load_conn *c)
{
	const struct load_shared *shared = state_of(c)->shared;
	ssize_t n;

	while ((n = sock_send(c->sock, shared->request, shared->request_len)) > 0)
		c->svc->counters[LOAD_BYTES_OUT] += n;
}

void load_go(struct load_conn *c)
{
	const struct load_conf *conf = conf_of(c);
	struct load_state *st = state_of(c);

	if (!st->requesting || st->stopping)
		return;
	if (conf->mode == LOAD_STREAM) {
		if (conf->direction != LOAD_RECEIVE)
			fill_stream(c);
	} else if (st->request_gap_us != 0 && conf->mode == LOAD_REQUEST) {
		if (has_room(c))
			ready_append(c);
	} else {
		while (has_room(c))
			load_request(c, load_now(c->svc));
	}
}

static bool is_done(const struct load_conn *c)
{
	const struct load_conf *conf = conf_of(c);

	return conf->requests_per_connection != 0 && c->answered >= conf->requests_per_connection && !conf->hold;
}

/* ---- events ----------------------------------------------------------------------------------- */
static void load_connected(void *ctx, struct sock *s)
{
	struct load_conn *c = sock_user(s);
	struct load_state *st = state_of(c);

	c->open = true;
	st->opening--;
	st->open++;
	c->svc->counters[LOAD_OPENED]++;
	service_count_connected(c->svc, s);
	load_go(c);
}

static void load_readable(void *ctx, struct sock *s)
{
	struct load_conn *c = sock_user(s);

	if (!read_answers(c)) {
		c->svc->counters[LOAD_BAD_RESPONSES]++;
		load_end(c, true);
		return;
	}
	if (c->answered == c->sent)
		request_state_free(c);
	if (is_done(c) || sock_eof(s)) {
		if (c->answered != c->sent)
			c->svc->counters[LOAD_ERRORS]++;
		c->svc->counters[LOAD_CLOSED]++;
		load_end(c, false);
		return;
	}
	load_go(c);
}

static void load_writable(void *ctx, struct sock *s)
{
	struct load_conn *c = sock_user(s);

	write_requests(c);
	if (conf_of(c)->mode == LOAD_STREAM)
		load_go(c);
}

static void load_closed(void *ctx, struct sock *s, int error)
{
	struct load_conn *c = sock_user(s);

	if (error == 0)
		c->svc->counters[LOAD_CLOSED]++;
	else
		c->svc->counters[c->open ? LOAD_ERRORS : LOAD_OPEN_FAILED]++;
	load_end(c, false);
}

const struct sock_handler load_handler = {
	.connected = load_connected, .readable = load_readable, .eof = load_readable, .writable = load_writable,
	.closed = load_closed,
};
