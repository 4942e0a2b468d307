/* SPDX-License-Identifier: BSD-3-Clause */
/* SMC's counters as smcr stats, devices, EIDs and policies: `show smc
 * stats|devices|device|ueids|policies`. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "app/smcgate/view/smc.h"

/* ---- statistics ----------------------------------------------------------------------- */
/* Reasons are kept in the order they came, by each worker; what does not fit any
 * more, after many peers with reasons of their own making, is only in the sum. */
#define WHY_SLOTS (4 * SMC_REASON_SLOTS)

struct why {
	uint32_t reason;
	uint64_t count;
};

static void add_why(struct why *sum, uint32_t reason, uint64_t count)
{
	for (unsigned i = 0; i < WHY_SLOTS && count != 0; i++) {
		if (sum[i].count != 0 && sum[i].reason != reason)
			continue;
		sum[i].reason = reason;
		sum[i].count += count;
		return;
	}
}

struct role_sum {
	uint64_t smc_v1, smc_v2, handshake_errors, fallbacks, reconnects, declines_out, declines_in;
	struct why why[WHY_SLOTS], peer_why[WHY_SLOTS];
};

struct stats_sum {
	struct role_sum role[2];
	struct smc_dir_stats rx, tx;
#define FIELD(name) uint64_t name;
	SMC_COUNTERS(FIELD)
#undef FIELD
	uint64_t conns, lgrs, links, bufs, buf_bytes, mem_free, mem_len;
};

static void add_role(struct role_sum *sum, const struct smc_role_stats *r)
{
	sum->smc_v1 += r->smc_v1;
	sum->smc_v2 += r->smc_v2;
	sum->handshake_errors += r->handshake_errors;
	sum->fallbacks += r->fallbacks;
	sum->reconnects += r->reconnects;
	sum->declines_out += r->declines_out;
	sum->declines_in += r->declines_in;
	for (unsigned i = 0; i < SMC_REASON_SLOTS; i++) {
		add_why(sum->why, r->why[i].reason, r->why[i].count);
		add_why(sum->peer_why, r->peer_why[i].reason, r->peer_why[i].count);
	}
}

#define DIR_FIELDS(X) \
	X(bytes) X(requests) X(buf_usage) X(buf_full) X(buf_full_peer) X(buf_small) X(buf_small_peer) X(alloc) X(reuse) \
	X(downgrade)

static void add_dir(struct smc_dir_stats *sum, const struct smc_dir_stats *d)
{
#define ADD(name) sum->name += d->name;
	DIR_FIELDS(ADD)
#undef ADD
	for (unsigned i = 0; i < SMC_SIZE_BUCKETS; i++) {
		sum->bufs[i] += d->bufs[i];
		sum->reqs[i] += d->reqs[i];
	}
}

static void add_stats(struct stats_sum *sum, const struct smc_stats *s)
{
	for (unsigned r = 0; r < 2; r++)
		add_role(&sum->role[r], &s->role[r]);
	add_dir(&sum->rx, &s->rx);
	add_dir(&sum->tx, &s->tx);
#define ADD(name) sum->name += s->name;
	SMC_COUNTERS(ADD)
	ADD(conns) ADD(lgrs) ADD(links) ADD(bufs) ADD(buf_bytes) ADD(mem_free) ADD(mem_len)
#undef ADD
}

static json_t *role_json(const struct role_sum *r)
{
	json_t *o = json_object();

	view_set_u64(o, "total", r->smc_v1 + r->smc_v2 + r->handshake_errors + r->fallbacks);
	view_set_u64(o, "smc_v1", r->smc_v1);
	view_set_u64(o, "smc_v2", r->smc_v2);
	view_set_u64(o, "handshake_errors", r->handshake_errors);
	view_set_u64(o, "fallbacks", r->fallbacks);
	view_set_u64(o, "reconnects", r->reconnects);
	view_set_u64(o, "declines_out", r->declines_out);
	view_set_u64(o, "declines_in", r->declines_in);
	return o;
}

static const char *const bucket_names[SMC_SIZE_BUCKETS] = {
	"8K", "16K", "32K", "64K", "128K", "256K", "512K", "1024K", "G_1024K",
};

static json_t *dir_json(const struct smc_dir_stats *d)
{
	json_t *o = json_object(), *sizes = json_array();

#define SET(name) view_set_u64(o, #name, d->name);
	DIR_FIELDS(SET)
#undef SET
	for (unsigned i = 0; i < SMC_SIZE_BUCKETS; i++) {
		json_t *row = json_object();

		view_set_str(row, "size", bucket_names[i]);
		view_set_u64(row, "bufs", d->bufs[i]);
		view_set_u64(row, "reqs", d->reqs[i]);
		json_array_append_new(sizes, row);
	}
	json_object_set_new(o, "sizes", sizes);
	return o;
}

static void add_reasons(json_t *rows, const char *role, const char *whose, const struct why *why)
{
	char code[16];

	for (unsigned i = 0; i < WHY_SLOTS && why[i].count != 0; i++) {
		json_t *row = json_object();

		snprintf(code, sizeof(code), "0x%08x", why[i].reason);
		view_set_str(row, "role", role);
		view_set_str(row, "whose", whose);
		view_set_str(row, "reason", smc_reason_name(why[i].reason));
		view_set_str(row, "code", code);
		view_set_u64(row, "count", why[i].count);
		view_set_str(row, "meaning", smc_reason_text(why[i].reason));
		json_array_append_new(rows, row);
	}
}

static json_t *reasons_json(const struct stats_sum *s)
{
	static const char *const roles[] = { [SMC_CLIENT] = "client", [SMC_SERVER] = "server" };
	json_t *rows = json_array();

	for (unsigned r = 0; r < 2; r++) {
		add_reasons(rows, roles[r], "ours", s->role[r].why);
		add_reasons(rows, roles[r], "peer's", s->role[r].peer_why);
	}
	return rows;
}

static json_t *counters_json(const struct stats_sum *s)
{
	json_t *o = json_object();

#define SET(name) view_set_u64(o, #name, s->name);
	SMC_COUNTERS(SET)
#undef SET
	return o;
}

static json_t *now_json(const struct stats_sum *s)
{
	json_t *o = json_object();

	view_set_u64(o, "connections", s->conns);
	view_set_u64(o, "linkgroups", s->lgrs);
	view_set_u64(o, "links", s->links);
	view_set_u64(o, "buffers", s->bufs);
	view_set_u64(o, "buffer_bytes", s->buf_bytes);
	view_set_u64(o, "memory_free", s->mem_free);
	view_set_u64(o, "memory", s->mem_len);
	return o;
}

static int sum_stats(const struct view_ctx *ctx, unsigned from, unsigned to, struct stats_sum *sum,
		     struct view_error *err)
{
	struct smc_stats *s = calloc(1, sizeof(*s));
	int rc = s == NULL ? -ENOMEM : 0;

	for (unsigned i = from; i < to && rc == 0; i++) {
		rc = pipeline_smc_stats(ctx->pl, i, s);
		if (rc == 0)
			add_stats(sum, s);
	}
	free(s);
	return rc < 0 ? view_smc_failed(err, rc, "smc stats") : 0;
}

static int build_stats(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		       struct view_error *err)
{
	struct stats_sum *sum = calloc(1, sizeof(*sum));
	unsigned from = 0, to = pipeline_workers(ctx->pl);
	int rc = sum == NULL ? -ENOMEM : 0;

	if (rc == 0 && argc > 0) {
		rc = view_worker(ctx->pl, argv[0], err);
		from = (unsigned)rc;
		to = from + 1;
	}
	if (rc >= 0)
		rc = sum_stats(ctx, from, to, sum, err);
	if (rc == 0)
		*out = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "now", now_json(sum), "client",
				 role_json(&sum->role[SMC_CLIENT]), "server", role_json(&sum->role[SMC_SERVER]), "reasons",
				 reasons_json(sum), "rx", dir_json(&sum->rx), "tx", dir_json(&sum->tx), "counters",
				 counters_json(sum));
	free(sum);
	return rc;
}

/* ---- devices ------------------------------------------------------------------------------ */
int view_smc_device(struct pipeline *pl, const char *arg, struct view_error *err)
{
	const struct config *cfg = pipeline_config(pl);
	size_t at;

	for (unsigned i = 0; i < cfg->n_rdma; i++)
		if (strcmp(cfg->rdma[i].name, arg) == 0)
			return (int)i;
	view_fail(err, 0, "device: found '%s', allowed", arg);
	for (unsigned i = 0; i < cfg->n_rdma; i++) {
		at = strlen(err->text);
		snprintf(err->text + at, sizeof(err->text) - at, "%s %s", i == 0 ? "" : ",", cfg->rdma[i].name);
	}
	if (cfg->n_rdma == 0)
		view_fail(err, 0, "device: found '%s', but the configuration has none in \"rdma\"", arg);
	return -ENODEV;
}

struct devs {
	unsigned n;
	struct smc_dev_info sum[SMC_MAX_DEVS]; /* a worker's, its numbers those of all */
};

static void add_dev(struct smc_dev_info *sum, const struct smc_dev_info *d)
{
	sum->rd.qps += d->rd.qps;
	sum->rd.mrs += d->rd.mrs;
	sum->rd.pds += d->rd.pds;
	sum->rd.max_qps += d->rd.max_qps;
	sum->lgrs += d->lgrs;
	sum->links += d->links;
#define ADD(name) sum->counters.name += d->counters.name;
	RD_COUNTERS(ADD)
#undef ADD
}

static int read_devs(const struct view_ctx *ctx, struct devs *all, struct view_error *err)
{
	struct smc_dev_info *d = calloc(SMC_MAX_DEVS, sizeof(*d));
	int n = d == NULL ? -ENOMEM : 0;

	for (unsigned w = 0; n >= 0 && w < pipeline_workers(ctx->pl); w++) {
		n = pipeline_smc_devs(ctx->pl, w, d, SMC_MAX_DEVS);
		for (unsigned i = 0; (int)i < n; i++) {
			if (w == 0)
				all->sum[i] = d[i];
			else
				add_dev(&all->sum[i], &d[i]);
		}
		if (w == 0 && n >= 0)
			all->n = (unsigned)n;
	}
	free(d);
	return n < 0 ? view_smc_failed(err, n, "smc devices") : 0;
}

static json_t *gids_json(const struct rd_info *rd)
{
	json_t *a = json_array();
	char buf[NET_ADDR_STRLEN];

	for (unsigned i = 0; i < rd->n_gids && i < RD_MAX_GIDS; i++) {
		struct net_addr addr;
		rte_be32_t v4;

		memcpy(&v4, rd->gids[i].b + 12, sizeof(v4));
		addr = net_addr_v4(v4);
		json_array_append_new(a, json_string(net_addr_str(&addr, buf)));
	}
	return a;
}

static json_t *dev_json(const struct config *cfg, unsigned i, const struct smc_dev_info *d)
{
	json_t *o = json_object();
	char mac[RTE_ETHER_ADDR_FMT_SIZE];

	rte_ether_format_addr(mac, sizeof(mac), (const struct rte_ether_addr *)d->rd.mac);
	view_set_str(o, "name", d->rd.name);
	view_set_str(o, "provider", d->rd.provider);
	view_set_str(o, "port", i < cfg->n_rdma ? cfg->rdma[i].port : "");
	view_set_str(o, "state", !d->enabled ? "off" : d->rd.up ? "ACTIVE" : "DOWN");
	view_set_u64(o, "mtu", rd_mtu_octets(d->rd.mtu));
	view_set_str(o, "mac", mac);
	json_object_set_new(o, "gids", gids_json(&d->rd));
	view_set_u64(o, "linkgroups", d->lgrs);
	view_set_u64(o, "links", d->links);
	view_set_u64(o, "queue_pairs", d->rd.qps);
	view_set_u64(o, "max_queue_pairs", d->rd.max_qps);
	view_set_u64(o, "regions", d->rd.mrs);
	view_set_u64(o, "sent_packets", d->counters.sent_pkts);
	view_set_u64(o, "received_packets", d->counters.rcvd_pkts);
	view_set_u64(o, "retransmitted", d->counters.retransmitted_pkts);
	return o;
}

static int build_devs(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		      struct view_error *err)
{
	struct devs *all = calloc(1, sizeof(*all));
	json_t *rows = json_array();
	int rc = all == NULL ? view_failed(err, -ENOMEM, "devices") : read_devs(ctx, all, err);

	for (unsigned i = 0; rc == 0 && i < all->n; i++)
		json_array_append_new(rows, dev_json(pipeline_config(ctx->pl), i, &all->sum[i]));
	if (rc == 0)
		*out = json_pack("{s:O}", "devices", rows);
	json_decref(rows);
	free(all);
	return rc;
}

static int build_dev(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		     struct view_error *err)
{
	int i = view_smc_device(ctx->pl, argv[0], err), rc;
	struct devs *all;
	json_t *counters;

	if (i < 0)
		return i;
	all = calloc(1, sizeof(*all));
	rc = all == NULL ? view_failed(err, -ENOMEM, "device") : read_devs(ctx, all, err);
	if (rc == 0 && (unsigned)i < all->n) {
		counters = json_object();
#define SET(name) view_set_u64(counters, #name, all->sum[i].counters.name);
		RD_COUNTERS(SET)
#undef SET
		*out = dev_json(pipeline_config(ctx->pl), (unsigned)i, &all->sum[i]);
		json_object_set_new(*out, "counters", counters);
	}
	free(all);
	return rc;
}

/* ---- EIDs and policies ----------------------------------------------------------------------- */
static int build_ueids(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		       struct view_error *err)
{
	struct smc_eid eids[SMC_MAX_EIDS];
	json_t *a = json_array();
	int n = pipeline_smc_eids(ctx->pl, eids);

	for (int i = 0; i < n; i++) {
		char text[SMC_EID_LEN + 1];
		size_t len = SMC_EID_LEN;

		while (len > 0 && eids[i].b[len - 1] == ' ')
			len--;
		snprintf(text, sizeof(text), "%.*s", (int)len, eids[i].b);
		json_array_append_new(a, json_pack("{s:s}", "eid", text));
	}
	if (n >= 0)
		*out = json_pack("{s:O}", "ueids", a);
	json_decref(a);
	return n < 0 ? view_smc_failed(err, n, "smc ueids") : 0;
}

static json_t *policy_row(unsigned n, const struct smc_policy *p)
{
	struct cfg_prefix peer = { .addr = p->peer, .len = p->prefix_len };
	char buf[NET_ADDR_STRLEN];
	json_t *o = json_object();

	view_set_u64(o, "number", n);
	view_set_str(o, "peer", p->peer.family == NET_UNSPEC ? "any" : cfg_prefix_str(&peer, buf));
	snprintf(buf, sizeof(buf), "%u", p->port);
	view_set_str(o, "port", p->port == 0 ? "any" : buf);
	view_set_str(o, "service", p->service[0] == '\0' ? "any" : p->service);
	view_set_str(o, "use", p->smc ? "smc" : "tcp");
	return o;
}

static int build_policies(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
			  struct view_error *err)
{
	struct smc_policy policies[SMC_MAX_POLICIES];
	json_t *a = json_array();
	int n = pipeline_smc_policies(ctx->pl, policies);

	for (int i = 0; i < n; i++)
		json_array_append_new(a, policy_row((unsigned)i, &policies[i]));
	if (n >= 0)
		*out = json_pack("{s:O}", "policies", a);
	json_decref(a);
	return n < 0 ? view_smc_failed(err, n, "smc policies") : 0;
}

static const struct view_column dev_columns[] = {
	{ "name", "name" }, { "provider", "provider" }, { "port", "port" }, { "state", "state" }, { "mtu", "mtu" },
	{ "mac", "mac" }, { "gids", "gids" }, { "linkgroups", "groups" }, { "links", "links" },
	{ "queue_pairs", "qps" }, { "regions", "regions" }, { "sent_packets", "sent" },
	{ "received_packets", "received" }, { "retransmitted", "retrans" }, { NULL, NULL },
};

const struct view view_smc_stats[] = {
	{ "smc stats", { { .kind = VIEW_ARG_LCORE, .name = "N", .optional = true } }, build_stats, VIEW_TABLE, NULL,
	  "SMC's counters as smcr -d stats, of all lcores or one: fallbacks by reason, requests and buffers by size" },
	{ "smc devices", { { .kind = VIEW_ARG_NONE } }, build_devs, VIEW_TABLE, dev_columns,
	  "RDMA devices and what uses them" },
	{ "smc device", { { .kind = VIEW_ARG_WORD, .name = "NAME" } }, build_dev, VIEW_BLOCKS, NULL,
	  "an RDMA device with its counters" },
	{ "smc ueids", { { .kind = VIEW_ARG_NONE } }, build_ueids, VIEW_TABLE, NULL, "our EIDs" },
	{ "smc policies", { { .kind = VIEW_ARG_NONE } }, build_policies, VIEW_TABLE, NULL,
	  "which connections may use SMC: the first that fits decides" },
	{ NULL },
};
