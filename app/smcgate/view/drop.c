/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets dropped: `show drops`. Reasons that never happened are left out. */
#include <rte_ethdev.h>

#include "app/smcgate/view/view.h"

struct totals {
	uint64_t net[NET_DROP_MAX], pipe[PIPELINE_N_DROPS];
};

static int add_worker(const struct view_ctx *ctx, unsigned i, struct totals *t, struct view_error *err)
{
	struct pipeline_lcore_stats ls;
	struct net_stats ns;
	int rc;

	rc = pipeline_lcore_stats(ctx->pl, i, &ls);
	if (rc == 0)
		rc = pipeline_net_stats(ctx->pl, i, &ns);
	if (rc < 0)
		return view_failed(err, rc, "worker %u", i);
	for (unsigned d = 0; d < NET_DROP_MAX; d++)
		t->net[d] += ns.drop[d];
	for (unsigned d = 0; d < PIPELINE_N_DROPS; d++)
		t->pipe[d] += ls.drop[d];
	return 0;
}

static void add_reason(json_t *rows, uint64_t *sum, const char *reason, uint64_t n)
{
	json_t *o;

	if (n == 0)
		return;
	*sum += n;
	o = json_object();
	view_set_str(o, "reason", reason);
	view_set_u64(o, "packets", n);
	json_array_append_new(rows, o);
}

static json_t *reasons(const struct totals *t, bool lost, uint64_t *sum)
{
	json_t *rows = json_array();

	for (unsigned d = 0; d < NET_DROP_MAX; d++)
		if (!!net_drop_is_loss((enum net_drop)d) == lost)
			add_reason(rows, sum, net_drop_names[d], t->net[d]);
	for (unsigned d = 0; d < PIPELINE_N_DROPS; d++)
		if (pipeline_drop_is_loss((enum pipeline_drop)d) == lost)
			add_reason(rows, sum, pipeline_drop_names[d], t->pipe[d]);
	return rows;
}

static void add_device(json_t *rows, const char *port, const char *reason, uint64_t n)
{
	json_t *o;

	if (n == 0)
		return;
	o = json_object();
	view_set_str(o, "port", port);
	view_set_str(o, "reason", reason);
	view_set_u64(o, "packets", n);
	json_array_append_new(rows, o);
}

/* What the devices lost before or after us. */
static json_t *devices(const struct view_ctx *ctx)
{
	json_t *rows = json_array();

	for (unsigned p = 0; p < pipeline_ports(ctx->pl); p++) {
		struct pipeline_port_info info;
		struct rte_eth_stats s = { 0 };
		int rc;

		view_lock();
		rc = pipeline_port_info(ctx->pl, p, &info);
		if (rc == 0)
			rc = info.state < PORT_CLOSED ? rte_eth_stats_get(info.id, &s) : -ENODEV;
		view_unlock();
		if (rc != 0)
			continue;
		add_device(rows, info.name, "rx_missed", s.imissed);
		add_device(rows, info.name, "rx_no_buffer", s.rx_nombuf);
		add_device(rows, info.name, "rx_errors", s.ierrors);
		add_device(rows, info.name, "tx_errors", s.oerrors);
	}
	return rows;
}

static int build_drops(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		       struct view_error *err)
{
	struct totals t = { 0 };
	uint64_t lost = 0, consumed = 0;
	json_t *l, *c;
	int rc;

	for (unsigned i = 0; i < pipeline_workers(ctx->pl); i++) {
		rc = add_worker(ctx, i, &t, err);
		if (rc < 0)
			return rc;
	}
	l = reasons(&t, true, &lost);
	c = reasons(&t, false, &consumed);
	*out = json_pack("{s:I,s:I,s:o,s:o,s:o}", "lost_packets", (json_int_t)lost, "consumed_packets",
			 (json_int_t)consumed, "lost", l, "consumed", c, "devices", devices(ctx));
	return 0;
}

const struct view view_drop[] = {
	{ "drops", { { 0 } }, build_drops, VIEW_TABLE, NULL,
	  "packets dropped, by reason; those that had done their work apart from losses" },
	{ NULL },
};
