/* SPDX-License-Identifier: BSD-3-Clause */
/* SMC as smcss and smcr show it: `show smc connections|connection|linkgroups|links|peers`. */
#include "app/smcgate/view/smc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "app/smcgate/view/filter.h"

int view_smc_failed(struct view_error *err, int rc, const char *what)
{
	if (rc == -EPROTONOSUPPORT)
		return view_fail(err, rc, "%s: SMC is not spoken: the configuration has no device in \"rdma\", or "
				 "smc.enabled is false", what);
	return view_failed(err, rc, "%s", what);
}

int view_smc_lgr(struct pipeline *pl, const char *arg, unsigned *worker, uint32_t *id, struct view_error *err)
{
	const char *dot = strchr(arg, '.');
	unsigned n = pipeline_workers(pl);
	uint64_t w = 0, v = 0;
	char part[16];
	int rc;

	if (dot == NULL)
		return view_fail(err, -EINVAL, "link group: found '%s', allowed WORKER.NUMBER (show smc linkgroups)", arg);
	snprintf(part, sizeof(part), "%.*s", (int)(dot - arg), arg);
	rc = view_number(part, "worker of the link group", 0, n == 0 ? 0 : n - 1, &w, err);
	if (rc == 0)
		rc = view_number(dot + 1, "link group", 0, UINT32_MAX, &v, err);
	*worker = (unsigned)w;
	*id = (uint32_t)v;
	return rc;
}

void view_set_reason(json_t *o, const char *key, uint32_t code)
{
	char name[40], text[16];

	view_set_str(o, key, code == 0 ? "" : smc_reason_name(code));
	snprintf(name, sizeof(name), "%s_code", key);
	snprintf(text, sizeof(text), "0x%08x", code);
	view_set_str(o, name, code == 0 ? "" : text);
	snprintf(name, sizeof(name), "%s_text", key);
	view_set_str(o, name, code == 0 ? "" : smc_reason_text(code));
}

static void set_hex(json_t *o, const char *key, uint64_t v, int digits)
{
	char buf[24];

	snprintf(buf, sizeof(buf), "%0*llx", digits, (unsigned long long)v);
	view_set_str(o, key, buf);
}

/* As Linux prints GIDs: eight groups of four digits. */
static void set_gid(json_t *o, const char *key, const struct rd_gid *g)
{
	char buf[48];
	size_t at = 0;

	for (unsigned i = 0; i < 16; i += 2)
		at += (size_t)snprintf(buf + at, sizeof(buf) - at, "%s%02x%02x", i == 0 ? "" : ":", g->b[i], g->b[i + 1]);
	view_set_str(o, key, buf);
}

static void set_octets(json_t *o, const char *key, const uint8_t *b, unsigned n, const char *between)
{
	char buf[48] = "";
	size_t at = 0;

	for (unsigned i = 0; i < n && at + 4 < sizeof(buf); i++)
		at += (size_t)snprintf(buf + at, sizeof(buf) - at, "%s%02x", i == 0 ? "" : between, b[i]);
	view_set_str(o, key, buf);
}

static void set_cursor(json_t *o, const char *key, const struct smc_cursor_info *c)
{
	char buf[24];

	snprintf(buf, sizeof(buf), "%04x:%08x", c->wrap, c->count);
	view_set_str(o, key, buf);
}

/* Names that are blank-padded on the wire. */
static void set_trimmed(json_t *o, const char *key, const char *s)
{
	char buf[SMC_EID_LEN + 1];
	size_t len = strnlen(s, SMC_EID_LEN);

	while (len > 0 && s[len - 1] == ' ')
		len--;
	snprintf(buf, sizeof(buf), "%.*s", (int)len, s);
	view_set_str(o, key, buf);
}

static void set_addr(json_t *o, const char *key, const struct net_addr *a)
{
	char buf[NET_ADDR_STRLEN];

	view_set_str(o, key, net_addr_str(a, buf));
}

static const char *text_of(const char *s) { return s != NULL ? s : ""; }
static const char *role_name(unsigned role) { return role == SMC_CLIENT ? "CLNT" : "SERV"; }

/* ---- connections ------------------------------------------------------------------- */
/* Names of the states for filters, in smcss's spelling. */
static const char *const conn_states[] = {
	"ACTIVE", "INIT", "CLOSED", "PEERCLOSEWAIT1", "PEERCLOSEWAIT2", "APPCLOSEWAIT1", "APPCLOSEWAIT2",
	"APPFINCLOSEWAIT1", "PEERFINCLOSEWAIT", "PEERABORTWAIT", "PROCESSABORT",
};

static const char *shut_text(const struct smc_conn_info *c)
{
	static const char *const names[] = { "<->", "R->", "<-W", "R-W" };

	return names[(c->shut_read ? 1 : 0) + (c->shut_write ? 2 : 0)];
}

static void set_flags(json_t *o, const char *key, uint8_t prod, uint8_t conn)
{
	char buf[8];

	snprintf(buf, sizeof(buf), "%02x:%02x", prod, conn);
	view_set_str(o, key, buf);
}

/* smcss -d */
static void set_debug(json_t *o, const struct smc_conn_info *c)
{
	view_set_str(o, "shutdown", shut_text(c));
	set_hex(o, "token", c->token, 8);
	set_hex(o, "peer_token", c->peer_token, 8);
	view_set_u64(o, "sndbuf", c->sndbuf);
	view_set_u64(o, "rcvbuf", c->rcvbuf);
	view_set_u64(o, "peerbuf", c->peerbuf);
	set_cursor(o, "rxprod", &c->rxprod);
	set_cursor(o, "rxcons", &c->rxcons);
	set_flags(o, "rx_flags", c->rx_prod_flags, c->rx_conn_flags);
	set_cursor(o, "txprod", &c->txprod);
	set_cursor(o, "txcons", &c->txcons);
	set_flags(o, "tx_flags", c->tx_prod_flags, c->tx_conn_flags);
	set_cursor(o, "txprep", &c->txprep);
	set_cursor(o, "txsent", &c->txsent);
	set_cursor(o, "txfin", &c->txfin);
}

/* smcss -R, and what Linux keeps to itself. */
static void set_rest(json_t *o, const struct smc_conn_info *c)
{
	set_gid(o, "gid", &c->gid);
	set_gid(o, "peer_gid", &c->peer_gid);
	view_set_u64(o, "seq_in", c->seq_in);
	view_set_u64(o, "seq_out", c->seq_out);
	view_set_u64(o, "readable", c->readable);
	view_set_u64(o, "unsent", c->unsent);
	view_set_u64(o, "room", c->room);
	view_set_u64(o, "update_limit", c->update_limit);
	view_set_u64(o, "in_flight", c->in_flight);
	view_set_u64(o, "refs", c->refs);
	view_set_u64(o, "cdc_in", c->cdc_in);
	view_set_u64(o, "cdc_out", c->cdc_out);
	view_set_u64(o, "writes", c->writes);
	view_set_u64(o, "updates_out", c->updates_out);
	view_set_u64(o, "age_ms", c->age_us / 1000);
	view_set_u64(o, "idle_ms", c->idle_us / 1000);
	view_set_str(o, "error", c->error != 0 ? strerror(c->error) : "none");
}

json_t *view_smc_conn(unsigned worker, const struct smc_conn_info *c)
{
	json_t *o = json_object();

	view_set_id(o, "id", worker, c->id);
	view_set_str(o, "state", smc_state_name(c->state));
	view_set_str(o, "step", c->state == SMC_INIT ? text_of(c->step) : "");
	view_set_str(o, "role", role_name(c->role));
	view_set_endpoints(o, &c->flow);
	view_set_id(o, "linkgroup", worker, c->lgr_id);
	view_set_u64(o, "link", c->link_id);
	view_set_str(o, "device", c->dev);
	view_set_u64(o, "bytes_in", c->bytes_in);
	view_set_u64(o, "bytes_out", c->bytes_out);
	set_debug(o, c);
	set_rest(o, c);
	return o;
}

struct conn_list {
	struct view_filter filter;
	struct smc_conn_info batch[PIPELINE_LIST_MAX];
};

static int list_conns(struct pipeline *pl, unsigned worker, struct conn_list *l, json_t *rows)
{
	uint64_t cursor = 0;
	int n;

	while ((n = pipeline_smc_conns(pl, worker, &cursor, l->batch, PIPELINE_LIST_MAX)) > 0) {
		for (int i = 0; i < n; i++)
			if (view_filter_match(&l->filter, &l->batch[i].flow, smc_state_name(l->batch[i].state), "") &&
			    view_filter_take(&l->filter))
				json_array_append_new(rows, view_smc_conn(worker, &l->batch[i]));
	}
	return n;
}

static int build_conns(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		       struct view_error *err)
{
	struct conn_list *l = calloc(1, sizeof(*l));
	json_t *rows = json_array();
	int rc;

	if (l == NULL)
		rc = view_failed(err, -ENOMEM, "connections");
	else
		rc = view_filter_parse(&l->filter, argc > 0 ? argv[0] : NULL, conn_states, RTE_DIM(conn_states), false, err);
	for (unsigned i = 0; rc == 0 && i < pipeline_workers(ctx->pl); i++) {
		rc = list_conns(ctx->pl, i, l, rows);
		if (rc < 0)
			view_smc_failed(err, rc, "smc connections");
	}
	if (rc == 0)
		*out = json_pack("{s:O,s:I,s:I}", "connections", rows, "shown", (json_int_t)l->filter.shown, "matching",
				 (json_int_t)l->filter.matching);
	json_decref(rows);
	free(l);
	return rc;
}

/* ---- link groups, links, peers: all there are ----------------------------------------- */
static const char *os_name(uint8_t os)
{
	static const char *const names[] = { "", "z/OS", "Linux", "AIX" };

	return os < RTE_DIM(names) ? names[os] : "?";
}

static void set_release(json_t *o, const struct smc_lgr_info *g)
{
	char buf[16];

	snprintf(buf, sizeof(buf), "%u.%u", g->version, g->release);
	view_set_str(o, "version", buf);
}

static json_t *lgr_row(unsigned worker, const void *info)
{
	const struct smc_lgr_info *g = info;
	json_t *o = json_object();

	view_set_id(o, "id", worker, g->id);
	view_set_str(o, "role", role_name(g->role));
	view_set_str(o, "type", text_of(g->type));
	view_set_str(o, "state", text_of(g->state));
	set_release(o, g);
	set_addr(o, "peer", &g->peer);
	view_set_str(o, "peer_host", g->peer_host);
	view_set_str(o, "peer_os", os_name(g->peer_os));
	set_octets(o, "peer_id", g->peer_id, sizeof(g->peer_id), "");
	set_trimmed(o, "eid", g->eid);
	view_set_bool(o, "direct", g->direct);
	view_set_u64(o, "vlan", g->vlan);
	view_set_u64(o, "conns", g->conns);
	view_set_u64(o, "max_conns", g->max_conns);
	view_set_u64(o, "max_links", g->max_links);
	view_set_u64(o, "rkeys", g->rkeys);
	view_set_u64(o, "sndbuf_bytes", g->sndbuf_bytes);
	view_set_u64(o, "rmb_bytes", g->rmb_bytes);
	view_set_str(o, "local_flow", text_of(g->local_flow));
	view_set_str(o, "remote_flow", text_of(g->remote_flow));
	view_set_u64(o, "age_s", g->age_us / 1000000);
	view_set_u64(o, "idle_left_s", g->idle_left_us / 1000000);
	return o;
}

static const char *qp_state(unsigned s)
{
	static const char *const names[] = { [RD_QP_RESET] = "RESET", [RD_QP_INIT] = "INIT", [RD_QP_RTR] = "RTR",
					     [RD_QP_RTS] = "RTS", [RD_QP_ERR] = "ERR" };

	return s < RTE_DIM(names) ? names[s] : "?";
}

static void set_qp(json_t *o, const struct rd_qp_info *q)
{
	view_set_u64(o, "qpn", q->qpn);
	view_set_u64(o, "peer_qpn", q->remote_qpn);
	view_set_str(o, "qp_state", qp_state(q->state));
	view_set_u64(o, "mtu", rd_mtu_octets(q->mtu));
	view_set_u64(o, "sq_psn", q->sq_psn);
	view_set_u64(o, "una_psn", q->una_psn);
	view_set_u64(o, "rq_psn", q->rq_psn);
	view_set_u64(o, "msn", q->msn);
	view_set_u64(o, "send_used", q->send_used);
	view_set_u64(o, "recv_used", q->recv_used);
	view_set_u64(o, "window", q->window);
	view_set_u64(o, "in_flight", q->in_flight);
	view_set_u64(o, "srtt_us", q->srtt_us);
	view_set_u64(o, "rto_us", q->rto_us);
	view_set_u64(o, "retransmits", q->retransmits);
	view_set_u64(o, "rnr_naks_in", q->rnr_naks_in);
	view_set_u64(o, "rnr_naks_out", q->rnr_naks_out);
	view_set_u64(o, "seq_naks_in", q->seq_naks_in);
	view_set_u64(o, "seq_naks_out", q->seq_naks_out);
}

static json_t *link_row(unsigned worker, const void *info)
{
	const struct smc_link_info *l = info;
	json_t *o = json_object();

	view_set_id(o, "linkgroup", worker, l->lgr_id);
	view_set_u64(o, "link", l->id);
	view_set_str(o, "role", role_name(l->role));
	view_set_str(o, "state", text_of(l->state));
	view_set_str(o, "device", l->dev);
	view_set_u64(o, "conns", l->conns);
	set_hex(o, "uid", l->uid, 8);
	set_hex(o, "peer_uid", l->peer_uid, 8);
	set_gid(o, "gid", &l->gid);
	set_gid(o, "peer_gid", &l->peer_gid);
	set_octets(o, "peer_mac", l->peer_mac, 6, ":");
	set_qp(o, &l->qp);
	view_set_u64(o, "slots_used", l->slots_used);
	view_set_u64(o, "slots", l->slots);
	view_set_u64(o, "last_rx_ms", l->last_rx_us / 1000);
	view_set_bool(o, "testlink_pending", l->testlink_pending);
	view_set_u64(o, "llc_in", l->llc_in);
	view_set_u64(o, "llc_out", l->llc_out);
	view_set_u64(o, "cdc_in", l->cdc_in);
	view_set_u64(o, "cdc_out", l->cdc_out);
	view_set_u64(o, "waits", l->waits);
	return o;
}

static json_t *peer_row(unsigned worker, const void *info)
{
	const struct smc_peer_info *p = info;
	json_t *o = json_object();

	view_set_u64(o, "worker", worker);
	set_addr(o, "peer", &p->addr);
	view_set_str(o, "use", p->tcp_left_us != 0 ? "tcp" : "smc");
	view_set_u64(o, "tcp_left_s", (p->tcp_left_us + 999999) / 1000000);
	view_set_u64(o, "conns", p->conns);
	view_set_u64(o, "linkgroups", p->lgrs);
	view_set_u64(o, "handshakes", p->handshakes);
	view_set_u64(o, "buf_bytes", p->buf_bytes);
	view_set_u64(o, "smc", p->smc_ok);
	view_set_u64(o, "fallbacks", p->fallbacks);
	view_set_u64(o, "failures", p->failures);
	view_set_bool(o, "reflects", p->reflects);
	view_set_reason(o, "reason", p->reason);
	view_set_reason(o, "peer_reason", p->peer_reason);
	return o;
}

/* A list of a worker's, in pages: its call, its rows. */
struct lister {
	const char *what;   /* in errors */
	const char *key;    /* of the table */
	size_t size;        /* octets of an element */
	int (*page)(struct pipeline *pl, unsigned i, uint64_t *cursor, void *out, unsigned max);
	json_t *(*row)(unsigned worker, const void *info);
};

static int page_lgrs(struct pipeline *pl, unsigned i, uint64_t *cursor, void *out, unsigned max)
{
	return pipeline_smc_lgrs(pl, i, cursor, out, max);
}

static int page_links(struct pipeline *pl, unsigned i, uint64_t *cursor, void *out, unsigned max)
{
	return pipeline_smc_links(pl, i, cursor, out, max);
}

static int page_peers(struct pipeline *pl, unsigned i, uint64_t *cursor, void *out, unsigned max)
{
	return pipeline_smc_peers(pl, i, cursor, out, max);
}

static int build_list(const struct view_ctx *ctx, const struct lister *l, json_t **out, struct view_error *err)
{
	char *batch = calloc(PIPELINE_LIST_MAX, l->size);
	json_t *rows = json_array();
	int n = batch == NULL ? -ENOMEM : 0;

	for (unsigned w = 0; n >= 0 && w < pipeline_workers(ctx->pl); w++) {
		uint64_t cursor = 0;

		while ((n = l->page(ctx->pl, w, &cursor, batch, PIPELINE_LIST_MAX)) > 0)
			for (int i = 0; i < n; i++)
				json_array_append_new(rows, l->row(w, batch + (size_t)i * l->size));
	}
	free(batch);
	if (n == 0)
		*out = json_pack("{s:O}", l->key, rows);
	json_decref(rows);
	return n < 0 ? view_smc_failed(err, n, l->what) : 0;
}

static int build_lgrs(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		      struct view_error *err)
{
	static const struct lister l = { "smc linkgroups", "linkgroups", sizeof(struct smc_lgr_info), page_lgrs, lgr_row };

	return build_list(ctx, &l, out, err);
}

static int build_links(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		       struct view_error *err)
{
	static const struct lister l = { "smc links", "links", sizeof(struct smc_link_info), page_links, link_row };

	return build_list(ctx, &l, out, err);
}

static int build_peers(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		       struct view_error *err)
{
	static const struct lister l = { "smc peers", "peers", sizeof(struct smc_peer_info), page_peers, peer_row };

	return build_list(ctx, &l, out, err);
}

static const struct view_column conn_columns[] = {
	{ "id", "id" }, { "state", "state" }, { "role", "role" }, { "local", "local" }, { "remote", "remote" },
	{ "linkgroup", "group" }, { "link", "link" }, { "device", "device" }, { "shutdown", "shutd" },
	{ "token", "token" }, { "sndbuf", "sndbuf" }, { "rcvbuf", "rcvbuf" }, { "peerbuf", "peerbuf" },
	{ "rxprod", "rxprod" }, { "rxcons", "rxcons" }, { "txprod", "txprod" }, { "txcons", "txcons" },
	{ "rx_flags", "rxflags" }, { "tx_flags", "txflags" }, { "bytes_in", "bytes in" },
	{ "bytes_out", "bytes out" }, { NULL, NULL },
};

static const struct view_column lgr_columns[] = {
	{ "id", "id" }, { "role", "role" }, { "type", "type" }, { "state", "state" }, { "version", "version" },
	{ "peer", "peer" }, { "peer_host", "peer host" }, { "peer_os", "os" }, { "peer_id", "peer id" },
	{ "eid", "eid" }, { "conns", "conns" }, { "max_conns", "max" }, { "rkeys", "rkeys" },
	{ "sndbuf_bytes", "sndbuf" }, { "rmb_bytes", "rmb" }, { "idle_left_s", "idle left s" }, { NULL, NULL },
};

static const struct view_column link_columns[] = {
	{ "linkgroup", "group" }, { "link", "link" }, { "role", "role" }, { "state", "state" },
	{ "device", "device" }, { "conns", "conns" }, { "uid", "uid" }, { "peer_uid", "peer uid" },
	{ "gid", "gid" }, { "peer_gid", "peer gid" }, { "qpn", "qpn" }, { "peer_qpn", "peer qpn" },
	{ "mtu", "mtu" }, { "srtt_us", "srtt us" }, { "retransmits", "retrans" },
	{ "rnr_naks_in", "rnr in" }, { "rnr_naks_out", "rnr out" }, { "last_rx_ms", "last rx ms" },
	{ NULL, NULL },
};

static const struct view_column peer_columns[] = {
	{ "worker", "worker" }, { "peer", "peer" }, { "use", "use" }, { "tcp_left_s", "tcp left s" },
	{ "conns", "conns" }, { "linkgroups", "groups" }, { "smc", "smc" }, { "fallbacks", "fallbacks" },
	{ "reason", "reason" }, { "reason_code", "code" }, { "reason_text", "meaning" },
	{ "peer_reason", "peer's reason" }, { "peer_reason_code", "code" }, { NULL, NULL },
};

const struct view view_smc[] = {
	{ "smc connections", { { .kind = VIEW_ARG_REST, .name = "FILTER", .optional = true } }, build_conns, VIEW_TABLE,
	  conn_columns, "SMC connections as smcss -d -R; FILTER: state=, port=, peer=ADDR[/LEN], limit=, skip=" },
	{ "smc linkgroups", { { .kind = VIEW_ARG_NONE } }, build_lgrs, VIEW_TABLE, lgr_columns,
	  "link groups as smcr -d linkgroup" },
	{ "smc links", { { .kind = VIEW_ARG_NONE } }, build_links, VIEW_TABLE, link_columns,
	  "links as smcr -dd linkgroup link-show, and their queue pairs" },
	{ "smc peers", { { .kind = VIEW_ARG_NONE } }, build_peers, VIEW_TABLE, peer_columns,
	  "peers remembered: what they are spoken, and why the last one that fell back did" },
	{ NULL },
};
