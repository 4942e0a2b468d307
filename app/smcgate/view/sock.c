/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets: `show sockets [FILTER]`, `show socket ID`. An id is written
 * WORKER.ID, since each worker numbers its own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include "app/smcgate/view/filter.h"
#include "app/smcgate/view/smc.h"

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

/* ---- the list ------------------------------------------------------------------------- */
static const char *state_name(enum tcp_state s)
{
	return (unsigned)s < TCP_STATES ? tcp_state_names[s] : "?";
}

static const char *protocol_name(uint16_t p)
{
	return p == SOCK_TCP ? "tcp" : p == SOCK_SMC ? "smc" : "undecided";
}

static json_t *sock_row(unsigned worker, const struct sock_info *s, const char *service)
{
	json_t *o = json_object();

	view_set_id(o, "id", worker, s->id);
	view_set_endpoints(o, &s->tcp.flow);
	view_set_str(o, "state", state_name(s->tcp.state));
	view_set_str(o, "transport", protocol_name(s->transport));
	view_set_reason(o, "fallback", s->reason);
	view_set_reason(o, "peer_fallback", s->peer_reason);
	view_set_str(o, "service", service);
	view_set_u64(o, "readable", s->readable);
	view_set_u64(o, "unacked", s->unacked);
	view_set_u64(o, "bytes_in", s->bytes_in);
	view_set_u64(o, "bytes_out", s->bytes_out);
	view_set_u64(o, "retransmits", s->tcp.retransmits);
	view_set_u64(o, "srtt_us", s->tcp.srtt_us);
	return o;
}

struct listing {
	struct view_filter filter;
	struct owners owners;
	struct sock_info batch[PIPELINE_LIST_MAX];
	json_t *rows;
};

static int list_worker(struct pipeline *pl, unsigned worker, struct listing *l)
{
	uint64_t cursor = 0;
	int n;

	while ((n = pipeline_sock_list(pl, worker, &cursor, l->batch, PIPELINE_LIST_MAX)) > 0) {
		for (int i = 0; i < n; i++) {
			const struct sock_info *s = &l->batch[i];
			const char *service = owner_of(&l->owners, &s->tcp.flow);

			if (view_filter_match(&l->filter, &s->tcp.flow, state_name(s->tcp.state), service) &&
			    view_filter_take(&l->filter))
				json_array_append_new(l->rows, sock_row(worker, s, service));
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
	rc = view_filter_parse(&l->filter, argc > 0 ? argv[0] : NULL, tcp_state_names, TCP_STATES, true, err);
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
		*out = json_pack("{s:O,s:I,s:I}", "sockets", l->rows, "shown", (json_int_t)l->filter.shown,
				 "matching", (json_int_t)l->filter.matching);
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
	if (rc < 0)
		view_fail(err, rc, "socket: found '%s', allowed an ID as show sockets prints it: 0.17", arg);
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
	struct smc_conn_info smc;
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
	view_set_id(o, "id", worker, s.id);
	view_set_endpoints(o, &s.tcp.flow);
	view_set_str(o, "protocol", protocol_name(s.protocol));
	view_set_str(o, "transport", protocol_name(s.transport));
	view_set_reason(o, "fallback", s.reason);
	view_set_reason(o, "peer_fallback", s.peer_reason);
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
	if (pipeline_smc_sock(ctx->pl, worker, s.id, &smc) == 0)
		json_object_set_new(o, "smc", view_smc_conn(worker, &smc));
	free(own);
	*out = o;
	return 0;
}

static const struct view_column sock_columns[] = {
	{ "id", "id" }, { "local", "local" }, { "remote", "remote" }, { "state", "state" },
	{ "transport", "transport" }, { "fallback", "fallback" }, { "peer_fallback", "peer's reason" }, { "service", "service" }, { "readable", "readable" },
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
