/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets: `show sockets [FILTER]`, `show socket ID`. An id is written
 * WORKER.ID, since each worker numbers its own. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <rte_byteorder.h>

#include "app/smcgate/view/view.h"

#define SHOWN_DEFAULT 100
#define SHOWN_MAX 100000

struct filter {
	int state;                /* -1: any */
	uint16_t port;            /* local or remote; 0: any */
	struct cfg_prefix peer;   /* family NET_UNSPEC: any */
	char service[CONFIG_NAME_LEN];
	uint64_t limit, skip;
};

/* The services' endpoints, to tell whose a socket is. */
struct owners {
	unsigned n;
	struct {
		char name[CONFIG_NAME_LEN];
		struct cfg_endpoint listen;
	} of[CONFIG_MAX_SERVICES];
};

static void owners_read(struct pipeline *pl, struct owners *own)
{
	struct pipeline_service_info info;

	own->n = 0;
	view_lock();
	for (unsigned i = 0; own->n < CONFIG_MAX_SERVICES && pipeline_service_info(pl, i, &info) == 0; i++) {
		if (info.conf->listen.addr.family == NET_UNSPEC)
			continue;
		snprintf(own->of[own->n].name, CONFIG_NAME_LEN, "%s", info.name);
		own->of[own->n++].listen = info.conf->listen;
	}
	view_unlock();
}

static bool same_v4(const struct net_addr *a, const uint8_t b[16])
{
	return memcmp(a->b, b, 16) == 0;
}

/* By the local end: exact address before 0.0.0.0; "" when nobody listens there,
 * as for sockets a service opened itself. */
static const char *owner_of(const struct owners *own, const struct net_flow *f)
{
	const char *any = "";

	for (unsigned i = 0; i < own->n; i++) {
		if (own->of[i].listen.port != rte_be_to_cpu_16(f->lport))
			continue;
		if (same_v4(&own->of[i].listen.addr, f->laddr))
			return own->of[i].name;
		if (own->of[i].listen.addr.v4 == 0)
			any = own->of[i].name;
	}
	return any;
}

/* ---- filter ------------------------------------------------------------------------ */
static int state_named(const char *name, struct view_error *err)
{
	size_t at;

	for (int i = 0; i < TCP_STATES; i++)
		if (strcasecmp(name, tcp_state_names[i]) == 0)
			return i;
	view_fail(err, 0, "state: found '%s', allowed", name);
	for (int i = 0; i < TCP_STATES; i++) {
		at = strlen(err->text);
		snprintf(err->text + at, sizeof(err->text) - at, "%s %s", i == 0 ? "" : ",",
			 tcp_state_names[i]);
	}
	return -EINVAL;
}

static int parse_peer(const char *s, struct cfg_prefix *out, struct view_error *err)
{
	int rc = cfg_parse_prefix(s, out);

	if (rc < 0) {
		rc = cfg_parse_ipv4(s, &out->addr);
		out->len = 32;
	}
	return rc < 0 ? view_fail(err, -EINVAL, "peer: found '%s', allowed A.B.C.D or A.B.C.D/LEN", s) : 0;
}

static int parse_key(struct filter *f, const char *key, const char *value, struct view_error *err)
{
	uint64_t v = 0;
	int rc;

	if (strcmp(key, "state") == 0) {
		f->state = state_named(value, err);
		return f->state < 0 ? f->state : 0;
	}
	if (strcmp(key, "port") == 0) {
		rc = view_number(value, "port", 1, 65535, &v, err);
		f->port = (uint16_t)v;
		return rc;
	}
	if (strcmp(key, "peer") == 0)
		return parse_peer(value, &f->peer, err);
	if (strcmp(key, "service") == 0) {
		snprintf(f->service, sizeof(f->service), "%s", value);
		return 0;
	}
	if (strcmp(key, "limit") == 0)
		return view_number(value, "limit", 0, SHOWN_MAX, &f->limit, err);
	if (strcmp(key, "skip") == 0)
		return view_number(value, "skip", 0, UINT32_MAX, &f->skip, err);
	return view_fail(err, -EINVAL,
			 "filter: found '%s=', allowed state=, port=, peer=, service=, limit=, skip=", key);
}

/* Words of KEY=VALUE, apart by blanks or commas. */
static int parse_filter(const char *text, struct filter *f, struct view_error *err)
{
	char *copy = strdup(text), *save = NULL;
	int rc = copy == NULL ? -ENOMEM : 0;

	for (char *w = copy == NULL ? NULL : strtok_r(copy, " \t,", &save); w != NULL && rc == 0;
	     w = strtok_r(NULL, " \t,", &save)) {
		char *eq = strchr(w, '=');

		if (eq == NULL) {
			rc = view_fail(err, -EINVAL,
				       "filter: found '%s', allowed KEY=VALUE with state, port, peer, "
				       "service, limit, skip", w);
			break;
		}
		*eq = '\0';
		rc = parse_key(f, w, eq + 1, err);
	}
	free(copy);
	return rc == -ENOMEM ? view_failed(err, rc, "filter") : rc;
}

static bool peer_in(const struct cfg_prefix *p, const struct net_flow *f)
{
	uint32_t mask = p->len == 0 ? 0 : UINT32_MAX << (32 - p->len);

	return ((rte_be_to_cpu_32(p->addr.v4) ^ rte_be_to_cpu_32(net_flow_raddr4(f))) & mask) == 0;
}

static bool matches(const struct filter *f, const struct sock_info *s, const char *service)
{
	if (f->state >= 0 && (int)s->tcp.state != f->state)
		return false;
	if (f->port != 0 && f->port != rte_be_to_cpu_16(s->tcp.flow.lport) &&
	    f->port != rte_be_to_cpu_16(s->tcp.flow.rport))
		return false;
	if (f->peer.addr.family != NET_UNSPEC && !peer_in(&f->peer, &s->tcp.flow))
		return false;
	return f->service[0] == '\0' || strcmp(f->service, service) == 0;
}

/* ---- the list ------------------------------------------------------------------------- */
static void set_endpoints(json_t *o, const struct net_flow *f)
{
	struct net_addr l = net_addr_v4(net_flow_laddr4(f)), r = net_addr_v4(net_flow_raddr4(f));
	char buf[NET_ADDR_STRLEN];

	view_set_str(o, "local", net_endpoint_str(&l, f->lport, buf));
	view_set_str(o, "remote", net_endpoint_str(&r, f->rport, buf));
}

static void set_id(json_t *o, unsigned worker, uint64_t id)
{
	char buf[32];

	snprintf(buf, sizeof(buf), "%u.%" PRIu64, worker, id);
	view_set_str(o, "id", buf);
}

static const char *state_name(enum tcp_state s)
{
	return (unsigned)s < TCP_STATES ? tcp_state_names[s] : "?";
}

static const char *protocol_name(uint16_t p)
{
	return p == SOCK_TCP ? "tcp" : p == SOCK_SMC ? "smc" : "?";
}

static json_t *sock_row(unsigned worker, const struct sock_info *s, const char *service)
{
	json_t *o = json_object();

	set_id(o, worker, s->id);
	set_endpoints(o, &s->tcp.flow);
	view_set_str(o, "state", state_name(s->tcp.state));
	view_set_str(o, "transport", protocol_name(s->transport));
	view_set_str(o, "service", service);
	view_set_u64(o, "readable", s->tcp.readable);
	view_set_u64(o, "unacked", s->tcp.unacked);
	view_set_u64(o, "bytes_in", s->tcp.bytes_in);
	view_set_u64(o, "bytes_out", s->tcp.bytes_out);
	view_set_u64(o, "retransmits", s->tcp.retransmits);
	view_set_u64(o, "srtt_us", s->tcp.srtt_us);
	return o;
}

struct listing {
	struct filter filter;
	struct owners owners;
	struct sock_info batch[PIPELINE_LIST_MAX];
	uint64_t matching, shown;
	json_t *rows;
};

static int list_worker(struct pipeline *pl, unsigned worker, struct listing *l)
{
	uint64_t cursor = 0;
	int n;

	while ((n = pipeline_sock_list(pl, worker, &cursor, l->batch, PIPELINE_LIST_MAX)) > 0) {
		for (int i = 0; i < n; i++) {
			const char *service = owner_of(&l->owners, &l->batch[i].tcp.flow);

			if (!matches(&l->filter, &l->batch[i], service))
				continue;
			if (l->matching++ < l->filter.skip || l->shown >= l->filter.limit)
				continue;
			l->shown++;
			json_array_append_new(l->rows, sock_row(worker, &l->batch[i], service));
		}
	}
	return n;
}

static int build_sockets(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
			 struct view_error *err)
{
	struct listing *l = calloc(1, sizeof(*l));
	int rc;

	if (l == NULL)
		return view_failed(err, -ENOMEM, "sockets");
	l->filter.state = -1;
	l->filter.limit = SHOWN_DEFAULT;
	rc = argc > 0 ? parse_filter(argv[0], &l->filter, err) : 0;
	if (rc < 0)
		goto out;
	l->rows = json_array();
	owners_read(ctx->pl, &l->owners);
	for (unsigned i = 0; i < pipeline_workers(ctx->pl) && rc >= 0; i++) {
		rc = list_worker(ctx->pl, i, l);
		if (rc < 0)
			view_failed(err, rc, "sockets of worker %u", i);
	}
	if (rc == 0)
		*out = json_pack("{s:O,s:I,s:I}", "sockets", l->rows, "shown", (json_int_t)l->shown,
				 "matching", (json_int_t)l->matching);
out:
	json_decref(l->rows);
	free(l);
	return rc;
}

/* ---- one socket ------------------------------------------------------------------------- */
static void set_timing(json_t *o, const struct tcp_info *t)
{
	view_set_u64(o, "srtt_us", t->srtt_us);
	view_set_u64(o, "rttvar_us", t->rttvar_us);
	view_set_u64(o, "min_rtt_us", t->min_rtt_us);
	view_set_u64(o, "rto_us", t->rto_us);
	view_set_u64(o, "backoff", t->backoff);
	view_set_u64(o, "age_ms", t->age_us / 1000);
	view_set_u64(o, "idle_ms", t->idle_us / 1000);
}

static void set_congestion(json_t *o, const struct tcp_info *t)
{
	view_set_str(o, "congestion", t->congestion != NULL ? t->congestion : "");
	view_set_str(o, "recovery", t->recovery != NULL ? t->recovery : "");
	view_set_u64(o, "cwnd", t->cwnd);
	if (t->ssthresh == UINT32_MAX)
		view_set_str(o, "ssthresh", "none yet");
	else
		view_set_u64(o, "ssthresh", t->ssthresh);
}

static void set_windows(json_t *o, const struct tcp_info *t)
{
	view_set_u64(o, "snd_wnd", t->snd_wnd);
	view_set_u64(o, "rcv_wnd", t->rcv_wnd);
	view_set_u64(o, "snd_wscale", t->snd_wscale);
	view_set_u64(o, "rcv_wscale", t->rcv_wscale);
	view_set_u64(o, "snd_mss", t->snd_mss);
	view_set_u64(o, "rcv_mss", t->rcv_mss);
	view_set_u64(o, "pmtu", t->pmtu);
}

static void set_buffers(json_t *o, const struct tcp_info *t)
{
	view_set_u64(o, "readable", t->readable);
	view_set_u64(o, "out_of_order", t->out_of_order);
	view_set_u64(o, "unsent", t->unsent);
	view_set_u64(o, "unacked", t->unacked);
	view_set_u64(o, "rcvbuf", t->rcvbuf);
	view_set_u64(o, "rcvbuf_max", t->rcvbuf_max);
	view_set_u64(o, "sndbuf_max", t->sndbuf_max);
	view_set_u64(o, "charged", t->charged);
}

static void set_counters(json_t *o, const struct tcp_info *t)
{
	view_set_u64(o, "bytes_in", t->bytes_in);
	view_set_u64(o, "bytes_out", t->bytes_out);
	view_set_u64(o, "bytes_acked", t->bytes_acked);
	view_set_u64(o, "segs_in", t->segs_in);
	view_set_u64(o, "segs_out", t->segs_out);
	view_set_u64(o, "retransmits", t->retransmits);
	view_set_u64(o, "rto_count", t->rto_count);
	view_set_u64(o, "fast_recoveries", t->fast_recoveries);
	view_set_u64(o, "tlp_probes", t->tlp_probes);
	view_set_u64(o, "dup_acks", t->dup_acks);
	view_set_u64(o, "ooo_segs", t->ooo_segs);
	view_set_u64(o, "dsacks", t->dsacks);
}

static void set_options(json_t *o, const struct tcp_info *t)
{
	view_set_bool(o, "sack", t->sack);
	view_set_bool(o, "timestamps", t->timestamps);
	view_set_bool(o, "nagle", t->nagle);
	view_set_bool(o, "corked", t->corked);
	view_set_bool(o, "keepalive", t->keepalive);
	view_set_bool(o, "opt_sent", t->opt_sent);
	view_set_bool(o, "opt_received", t->opt_received);
	view_set_bool(o, "from_cookie", t->from_cookie);
	view_set_bool(o, "orphan", t->orphan);
}

/* "W.ID", or "ID" of whichever worker has it. */
static int find_sock(struct pipeline *pl, const char *arg, unsigned *worker, struct sock_info *s,
		     struct view_error *err)
{
	const char *dot = strchr(arg, '.');
	unsigned n = pipeline_workers(pl), from = 0, to = n;
	char part[16];
	uint64_t id, w;
	int rc;

	rc = view_number(dot != NULL ? dot + 1 : arg, "socket", 0, INT64_MAX, &id, err);
	if (rc == 0 && dot != NULL) {
		snprintf(part, sizeof(part), "%.*s", (int)(dot - arg), arg);
		rc = view_number(part, "worker of the socket", 0, n == 0 ? 0 : n - 1, &w, err);
		from = (unsigned)w;
		to = from + 1;
	}
	if (rc < 0)
		return rc;
	for (*worker = from; *worker < to; (*worker)++) {
		rc = pipeline_sock_info(pl, *worker, id, s);
		if (rc != -ENOENT)
			return rc < 0 ? view_failed(err, rc, "socket %s", arg) : 0;
	}
	return view_fail(err, -ENOENT, "socket %s: there is none (any more)", arg);
}

static int build_socket(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
			struct view_error *err)
{
	struct owners *own;
	struct sock_info s;
	unsigned worker;
	json_t *o;
	int rc;

	rc = find_sock(ctx->pl, argv[0], &worker, &s, err);
	if (rc < 0)
		return rc;
	own = calloc(1, sizeof(*own));
	if (own == NULL)
		return view_failed(err, -ENOMEM, "socket");
	owners_read(ctx->pl, own);
	o = json_object();
	set_id(o, worker, s.id);
	set_endpoints(o, &s.tcp.flow);
	view_set_str(o, "protocol", protocol_name(s.protocol));
	view_set_str(o, "transport", protocol_name(s.transport));
	view_set_str(o, "service", owner_of(own, &s.tcp.flow));
	view_set_str(o, "state", state_name(s.tcp.state));
	view_set_u64(o, "tcp_id", s.tcp.id);
	view_set_str(o, "error", s.tcp.error != 0 ? strerror(s.tcp.error) : "none");
	view_set_str(o, "soft_error", s.tcp.soft_error != 0 ? strerror(s.tcp.soft_error) : "none");
	set_congestion(o, &s.tcp);
	set_timing(o, &s.tcp);
	set_windows(o, &s.tcp);
	set_buffers(o, &s.tcp);
	set_counters(o, &s.tcp);
	set_options(o, &s.tcp);
	free(own);
	*out = o;
	return 0;
}

static const struct view_column sock_columns[] = {
	{ "id", "id" }, { "local", "local" }, { "remote", "remote" }, { "state", "state" },
	{ "transport", "transport" }, { "service", "service" }, { "readable", "readable" },
		{ "unacked", "unacked" },
	{ "bytes_in", "bytes in" }, { "bytes_out", "bytes out" }, { "retransmits", "retransmits" },
	{ "srtt_us", "srtt us" }, { NULL, NULL },
};

const struct view view_sock[] = {
	{ "sockets", { { .kind = VIEW_ARG_REST, .name = "FILTER", .optional = true } }, build_sockets,
	  VIEW_TABLE, sock_columns,
	  "sockets; FILTER: state=, port=, peer=ADDR[/LEN], service=, limit= (100 if absent), skip=" },
	{ "socket", { { .kind = VIEW_ARG_WORD, .name = "ID" } }, build_socket, VIEW_BLOCKS, NULL,
	  "all about one socket, by its id in show sockets" },
	{ NULL },
};
