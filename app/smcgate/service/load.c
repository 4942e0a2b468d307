/* SPDX-License-Identifier: BSD-3-Clause */
/* load: when connections and requests are due, and the service around them. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "app/smcgate/service/load.h"

#define LOAD_TICK_US 200
#define LOAD_OPENING_MAX 256    /* handshakes under way on a lcore without connect_rate */
#define LOAD_BURST_MAX 4096     /* connections or requests begun in one tick */

/* ---- pacing ------------------------------------------------------------------- */
/* Is one more due at now? When a schedule fell behind, the due times stay in
 * the past: latency counts from them (no coordinated omission). */
static bool take_due(double *next_us, double gap_us, uint64_t now_us, uint64_t *due_us)
{
	if (*next_us > (double)now_us)
		return false;
	*due_us = (uint64_t)*next_us;
	*next_us += gap_us;
	return true;
}

/* LOAD_CONNECT in open loop: connections are the requests. */
static double open_gap_us(const struct service *svc)
{
	const struct load_conf *conf = svc->conf->conf;
	const struct load_state *st = svc->state;

	return conf->mode == LOAD_CONNECT && st->request_gap_us != 0 ? st->request_gap_us : st->connect_gap_us;
}

static void open_more(struct service *svc, uint64_t now_us)
{
	const struct load_conf *conf = svc->conf->conf;
	struct load_state *st = svc->state;
	double gap = open_gap_us(svc);
	uint64_t due = now_us;

	for (unsigned n = 0; n < LOAD_BURST_MAX; n++) {
		if (st->opening + st->open >= st->target) {
			if (gap != 0 && conf->mode == LOAD_CONNECT && st->connect_next_us <= (double)now_us)
				svc->counters[LOAD_LATE]++;
			break;
		}
		if (gap == 0 ? st->opening >= LOAD_OPENING_MAX : !take_due(&st->connect_next_us, gap, now_us, &due))
			break;
		if (load_open(svc, due) < 0)
			break;
	}
	/* With a rate but all connections open, what was missed is not made up for. */
	if (gap != 0 && conf->mode != LOAD_CONNECT)
		st->connect_next_us = fmax(st->connect_next_us, (double)now_us);
}

static void request_more(struct service *svc, uint64_t now_us)
{
	struct load_state *st = svc->state;
	uint64_t due;

	for (unsigned n = 0; n < LOAD_BURST_MAX && st->ready.rnext != &st->ready; n++) {
		struct load_conn *c = st->ready.rnext;

		if (!take_due(&st->request_next_us, st->request_gap_us, now_us, &due))
			return;
		if (now_us - due > 1000000)
			svc->counters[LOAD_LATE]++;
		/* To the end of the line, so that connections take turns. */
		c->rprev->rnext = c->rnext;
		c->rnext->rprev = c->rprev;
		c->rprev = st->ready.rprev;
		c->rnext = &st->ready;
		c->rprev->rnext = c;
		st->ready.rprev = c;
		load_request(c, due);
	}
}

static void begin_requests(struct service *svc, uint64_t now_us)
{
	struct load_state *st = svc->state;

	st->requesting = true;
	st->request_next_us = now_us;
	for (struct load_conn *c = st->conns_head.next; c != &st->conns_head; c = c->next)
		if (c->open)
			load_go(c);
}

static void end_all(struct service *svc, uint64_t now_us)
{
	struct load_state *st = svc->state;
	struct load_conn *c;

	st->stopping = true;
	st->share->ended_us = now_us;
	svc->counters[LOAD_ENDED] = 1;
	while ((c = st->conns_head.next) != &st->conns_head)
		load_end(c, false);
}

static void load_tick(struct service *svc, struct service_timer *t, uint64_t now_us)
{
	const struct load_conf *conf = svc->conf->conf;
	struct load_state *st = svc->state;

	if (st->stopping)
		return;
	if (st->end_us != 0 && now_us >= st->end_us) {
		end_all(svc, now_us);
		return;
	}
	if (now_us >= st->begin_us) {
		if (st->share->started_us == 0)
			st->share->started_us = now_us;
		if (st->share->measured_us == 0 && now_us >= st->measure_us)
			st->share->measured_us = now_us;
		open_more(svc, now_us);
	}
	if (!st->requesting && now_us >= st->begin_us && (!conf->after_open || st->open >= st->target))
		begin_requests(svc, now_us);
	if (st->requesting && st->request_gap_us != 0 && conf->mode == LOAD_REQUEST)
		request_more(svc, now_us);
	service_timer_arm(svc, t, now_us + LOAD_TICK_US, load_tick);
}

/* ---- the service ---------------------------------------------------------------- */
static uint32_t share_of(uint32_t total, unsigned index, unsigned count)
{
	return total / count + (index < total % count);
}

static int load_pools(struct load_state *st)
{
	uint32_t n = RTE_MAX(st->target, 1u);
	int rc;

	rc = pool_init(&st->conns, sizeof(struct load_conn), 8, n, -1);
	if (rc < 0)
		return rc;
	rc = pool_init(&st->dues, LOAD_MAX_PIPELINE * sizeof(uint64_t), 8, n, -1);
	if (rc < 0)
		goto free_conns;
	rc = pool_init(&st->parsers, sizeof(http_parser), 8, n, -1);
	if (rc < 0)
		goto free_dues;
	return 0;

free_dues:
	pool_fini(&st->dues);
free_conns:
	pool_fini(&st->conns);
	return rc;
}

static int load_start(struct service *svc)
{
	const struct load_conf *conf = svc->conf->conf;
	struct load_shared *shared = svc->shared;
	struct load_state *st = svc->state;
	int rc;

	if (svc->index >= LOAD_MAX_SHARES)
		return -EINVAL;
	st->target = share_of(conf->connections, svc->index, svc->count);
	rc = load_pools(st);
	if (rc < 0)
		return rc;
	st->conns_head.next = &st->conns_head;
	st->conns_head.prev = &st->conns_head;
	st->ready.rnext = &st->ready;
	st->ready.rprev = &st->ready;
	st->shared = shared;
	st->share = &shared->share[svc->index];
	load_parser_settings(&st->settings);
	if (conf->connect_rate != 0)
		st->connect_gap_us = 1e6 * svc->count / conf->connect_rate;
	if (conf->rate != 0)
		st->request_gap_us = 1e6 * svc->count / conf->rate;
	st->begin_us = load_now(svc) + 1000ull * conf->start_delay_ms;
	st->measure_us = st->begin_us + 1000000ull * conf->warmup_s;
	if (conf->duration_s != 0)
		st->end_us = st->measure_us + 1000000ull * conf->duration_s;
	/* Lcores take their turns apart: not all at the same instant. */
	st->connect_next_us = st->begin_us + open_gap_us(svc) * svc->index / svc->count;
	service_timer_arm(svc, &st->tick, st->begin_us, load_tick);
	return 0;
}

static void load_drain(struct service *svc)
{
	struct load_state *st = svc->state;

	if (!st->stopping)
		end_all(svc, load_now(svc));
	service_timer_cancel(svc, &st->tick);
}

static uint32_t load_count_open(const struct service *svc)
{
	const struct load_state *st = svc->state;

	return st->opening + st->open;
}

static void load_abort(struct service *svc)
{
	struct load_state *st = svc->state;

	while (st->conns_head.next != &st->conns_head)
		load_end(st->conns_head.next, true);
}

static void load_stop(struct service *svc)
{
	struct load_state *st = svc->state;

	service_timer_cancel(svc, &st->tick);
	pool_fini(&st->parsers);
	pool_fini(&st->dues);
	pool_fini(&st->conns);
}

static int load_prepare(const struct config_service *svc, void **out)
{
	struct load_shared *shared = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*shared));
	int rc;

	if (shared == NULL)
		return -ENOMEM;
	memset(shared, 0, sizeof(*shared));
	for (unsigned i = 0; i < LOAD_MAX_SHARES; i++)
		histogram_init(&shared->share[i].latency);
	rc = load_make_request(svc->conf, &shared->request, &shared->request_len);
	if (rc < 0) {
		free(shared);
		return rc;
	}
	*out = shared;
	return 0;
}

static void load_release(void *p)
{
	struct load_shared *shared = p;

	free(shared->request);
	free(shared);
}

static void load_check(const struct config *cfg, const struct config_service *svc, const char *path,
		       struct cfg_errors *errs)
{
	const struct load_conf *conf = svc->conf;
	unsigned given = (conf->http_path[0] != '\0') + (conf->request[0] != '\0') + (conf->request_bytes != 0);
	uint8_t *request;
	uint32_t len;
	char at[256];

	for (unsigned i = 0; i < conf->n_sources; i++) {
		snprintf(at, sizeof(at), "%s.sources[%u]", path, i);
		config_check_source(cfg, &conf->sources[i], at, errs);
	}
	if (conf->mode != LOAD_STREAM && given != 1)
		cfg_error(errs, path, "found %u of http_path, request, request_bytes, allowed: exactly one", given);
	if (conf->mode != LOAD_STREAM && conf->response == LOAD_RESPONSE_BYTES && conf->response_bytes == 0)
		cfg_error(errs, path, "found no response_bytes, allowed: at least 1 unless response is \"http\"");
	if (given == 1 && load_make_request(conf, &request, &len) < 0)
		cfg_error(errs, path, "found a request with a bad escape, allowed: \\r \\n \\\\ \\xHH");
	else if (given == 1)
		free(request);
	if (conf->target.addr.v4 == 0)
		cfg_error(errs, path, "found the target 0.0.0.0, allowed: the address of a server");
}

static const struct cfg_enum modes[] = {
	{ "stream", LOAD_STREAM }, { "request", LOAD_REQUEST }, { "connect", LOAD_CONNECT }, { NULL, 0 }
};
static const struct cfg_enum directions[] = {
	{ "send", LOAD_SEND }, { "receive", LOAD_RECEIVE }, { "both", LOAD_BOTH }, { NULL, 0 }
};
static const struct cfg_enum responses[] = {
	{ "bytes", LOAD_RESPONSE_BYTES }, { "http", LOAD_RESPONSE_HTTP }, { NULL, 0 }
};
static const struct cfg_field source_elem = { .type = CFG_TYPE_IPV4, .doc = "An address of ours." };

static const struct cfg_field load_fields[] = {
	CFG_ENDPOINT(struct load_conf, target, "target", CFG_REQUIRED, NULL, "Server to load."),
	CFG_ENUM(struct load_conf, connect_protocol, "connect_protocol", 0, config_use_names, CONFIG_USE_TCP,
		 "`smc` speaks SMC to a server that does, and TCP to any other; see `smc.policies`."),
	CFG_ARRAY(struct load_conf, sources, n_sources, "sources", 0, 1, LOAD_MAX_SOURCES, &source_elem,
		  "Addresses of ours that connections come from, in turn; absent: by route."),
	CFG_ENUM(struct load_conf, mode, "mode", 0, modes, LOAD_REQUEST,
		 "stream: octets as fast as they go; request: requests on lasting connections; connect: connect, "
		 "one request, close."),
	CFG_ENUM(struct load_conf, direction, "direction", 0, directions, LOAD_SEND,
		 "For stream: send only, receive only, or send and receive what comes back."),
	CFG_ENUM(struct load_conf, response, "response", 0, responses, LOAD_RESPONSE_HTTP,
		 "How an answer ends: http parses it, bytes counts response_bytes."),
	CFG_U32(struct load_conf, connections, "connections", 0, 1, 4000000, 1,
		"Connections held open, or under way at a time (connect), over all lcores."),
	CFG_U32(struct load_conf, connect_rate, "connect_rate", 0, 0, 10000000, 0,
		"Connections opened a second over all lcores; 0: as fast as handshakes end."),
	CFG_U32(struct load_conf, pipeline, "pipeline", 0, 1, LOAD_MAX_PIPELINE, 1,
		"Requests unanswered on a connection at most."),
	CFG_U64(struct load_conf, rate, "rate", 0, 0, 100000000, 0,
		"Open loop: requests (connect: connections) due a second over all lcores; 0: closed loop."),
	CFG_U32(struct load_conf, requests_per_connection, "requests_per_connection", 0, 0, 1000000000, 0,
		"Requests after which a connection is done; 0: no limit (connect: 1)."),
	CFG_BOOL(struct load_conf, hold, "hold", 0, false,
		 "Keep connections open when their requests are done."),
	CFG_BOOL(struct load_conf, after_open, "after_open", 0, false,
		 "Requests begin when all connections are open."),
	CFG_U32(struct load_conf, start_delay_ms, "start_delay_ms", 0, 0, 600000, 0,
		"Milliseconds to wait before the first connection."),
	CFG_U32(struct load_conf, warmup_s, "warmup_s", 0, 0, 3600, 0,
		"Seconds at the beginning that are not measured."),
	CFG_U32(struct load_conf, duration_s, "duration_s", 0, 0, 604800, 0,
		"Seconds measured, after which everything is closed; 0: until told to stop."),
	CFG_STRING(struct load_conf, http_path, "http_path", 0, 1, NULL, "Send GET requests of this path."),
	CFG_STRING(struct load_conf, request, "request", 0, 1, NULL,
		   "Send these octets as a request; \\r \\n \\\\ \\xHH stand for what they do in C."),
	CFG_U32(struct load_conf, request_bytes, "request_bytes", 0, 0, LOAD_MAX_REQUEST, 0,
		"Send this many octets of a pattern as a request (stream: at a time)."),
	CFG_U32(struct load_conf, response_bytes, "response_bytes", 0, 0, 1u << 30, 0,
		"Octets of each answer when response is bytes."),
	CFG_U32(struct load_conf, timeout_ms, "timeout_ms", 0, 0, 600000, 0,
		"Milliseconds until a connection that is not established is given up; 0: by tcp.syn_retries."),
	CFG_END
};

static struct service_type load = {
	.name = "load",
	.doc = "A client that loads a server and measures latency.",
	.listen = SERVICE_LISTEN_NONE,
	.fields = load_fields,
	.conf_size = sizeof(struct load_conf),
	.check = load_check,
	.prepare = load_prepare,
	.release = load_release,
	.state_size = sizeof(struct load_state),
	.start = load_start,
	.drain = load_drain,
	.open = load_count_open,
	.abort = load_abort,
	.stop = load_stop,
	.report = load_report,
	.counter_names = (const char *const[]){
		"opened", "open_failed", "closed", "errors", "requests", "responses", "bad_responses", "bytes_out",
		"bytes_in", "sum", "late", "ended", NULL
	},
};
SERVICE_REGISTER(load)
