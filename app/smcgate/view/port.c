/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: `show port info|stats|xstats|summary|bql`. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>

#include "app/smcgate/view/view.h"

static const char *const state_names[] = {
	[PORT_STOPPED] = "stopped", [PORT_STARTED] = "started", [PORT_CLOSED] = "closed",
	[PORT_BUSY] = "busy",
};

static const struct {
	uint32_t flag;
	const char *name;
} offload_names[] = {
	{ NET_TX_IP_CKSUM, "tx_ip_checksum" }, { NET_TX_TCP_CKSUM, "tx_tcp_checksum" },
		{ NET_TX_TSO, "tx_tso" },
	{ NET_TX_MULTI_SEG, "tx_multi_segment" }, { NET_TX_VLAN, "tx_vlan" }, { NET_RX_CKSUM, "rx_checksum" },
};

static json_t *offloads_json(uint32_t flags)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < RTE_DIM(offload_names); i++)
		if (flags & offload_names[i].flag)
			json_array_append_new(a, json_string(offload_names[i].name));
	return a;
}

/* EAL's lcores that serve queues 0..n-1. */
static json_t *lcores_json(const struct view_ctx *ctx, const uint8_t *workers, unsigned n)
{
	const struct config *cfg = pipeline_config(ctx->pl);
	json_t *a = json_array();

	for (unsigned q = 0; q < n && q < CONFIG_MAX_QUEUES; q++)
		if (workers[q] < cfg->n_lcores)
			json_array_append_new(a, json_integer(cfg->lcores[workers[q]].lcore));
	return a;
}

static json_t *port_json(unsigned port, const struct pipeline_port_info *info)
{
	json_t *o = json_object();

	view_set_u64(o, "port", port);
	view_set_str(o, "name", info->name);
	return o;
}

/* Ethdev's lock is held. */
static void set_link(json_t *o, const struct pipeline_port_info *info)
{
	struct rte_eth_link link = { 0 };

	if (info->state >= PORT_CLOSED || rte_eth_link_get_nowait(info->id, &link) != 0) {
		view_set_str(o, "link", info->state == PORT_CLOSED ? "closed" : "unknown");
		return;
	}
	view_set_str(o, "link", link.link_status ? "up" : "down");
	view_set_u64(o, "speed_mbps", link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : link.link_speed);
}

static void set_mac(json_t *o, const struct rte_ether_addr *mac)
{
	char buf[RTE_ETHER_ADDR_FMT_SIZE];

	rte_ether_format_addr(buf, sizeof(buf), mac);
	view_set_str(o, "mac", buf);
}

static int info_one(const struct view_ctx *ctx, const struct pipeline_port_info *info, json_t *o)
{
	view_set_str(o, "device", info->device);
	view_set_str(o, "driver", info->driver);
	view_set_str(o, "state", state_names[info->state]);
	set_link(o, info);
	set_mac(o, &info->mac);
	view_set_u64(o, "mtu", info->mtu);
	view_set_bool(o, "promiscuous", info->promiscuous);
	view_set_int(o, "node", info->node);
	view_set_u64(o, "forwards_to", info->peer);
	view_set_u64(o, "rx_queues", info->rx_queues);
	view_set_u64(o, "tx_queues", info->tx_queues);
	view_set_u64(o, "rx_descriptors", info->rx_descriptors);
	view_set_u64(o, "tx_descriptors", info->tx_descriptors);
	json_object_set_new(o, "rx_lcores", lcores_json(ctx, info->rx_worker, info->rx_queues));
	json_object_set_new(o, "tx_lcores", lcores_json(ctx, info->tx_worker, info->tx_queues));
	view_set_bool(o, "rss", info->rss);
	view_set_bool(o, "rx_interrupt", info->rx_interrupt);
	view_set_bool(o, "arena", info->pinned);
	json_object_set_new(o, "offloads", offloads_json(info->offloads));
	return 0;
}

static int summary_one(const struct view_ctx *ctx, const struct pipeline_port_info *info, json_t *o)
{
	set_mac(o, &info->mac);
	view_set_str(o, "device", info->device);
	view_set_str(o, "driver", info->driver);
	view_set_str(o, "state", state_names[info->state]);
	set_link(o, info);
	return 0;
}

static int stats_one(const struct view_ctx *ctx, const struct pipeline_port_info *info, json_t *o)
{
	struct rte_eth_stats s = { 0 };
	int rc = rte_eth_stats_get(info->id, &s);

	if (rc != 0)
		return rc;
	view_set_u64(o, "rx_packets", s.ipackets);
	view_set_u64(o, "rx_missed", s.imissed);
	view_set_u64(o, "rx_bytes", s.ibytes);
	view_set_u64(o, "rx_errors", s.ierrors);
	view_set_u64(o, "rx_no_buffer", s.rx_nombuf);
	view_set_u64(o, "tx_packets", s.opackets);
	view_set_u64(o, "tx_errors", s.oerrors);
	view_set_u64(o, "tx_bytes", s.obytes);
	return 0;
}

typedef int (*port_fn)(const struct view_ctx *ctx, const struct pipeline_port_info *info, json_t *o);

static int one_port(const struct view_ctx *ctx, unsigned port, port_fn fn, bool closed_too, json_t *ports,
		    struct view_error *err)
{
	struct pipeline_port_info info;
	json_t *o;
	int rc;

	/* Its state holds until the lock is let go of. */
	view_lock();
	rc = pipeline_port_info(ctx->pl, port, &info);
	if (rc == 0 && info.state == PORT_BUSY && !closed_too)
		rc = -EAGAIN;
	if (rc < 0 || (info.state == PORT_CLOSED && !closed_too)) {
		view_unlock();
		return rc < 0 ? view_port_failed(err, ctx->pl, port, rc, "port %u", port) :
				view_fail(err, -ENODEV, "port %u: it is closed", port);
	}
	o = port_json(port, &info);
	rc = fn(ctx, &info, o);
	view_unlock();
	json_array_append_new(ports, o);
	return rc < 0 ? view_failed(err, rc, "port %u", port) : 0;
}

/* All of them leaves closed ports out where there is nothing to say of one. */
static int each_port(const struct view_ctx *ctx, const char *arg, port_fn fn, bool closed_too, json_t **out,
		     struct view_error *err)
{
	json_t *ports = json_array();
	unsigned from, to;
	int rc;

	rc = view_ports(ctx->pl, arg, true, &from, &to, err);
	for (unsigned p = from; rc == 0 && p < to; p++) {
		rc = one_port(ctx, p, fn, closed_too, ports, err);
		if ((rc == -ENODEV || rc == -EAGAIN) && to - from > 1)
			rc = 0;
	}
	if (rc < 0) {
		json_decref(ports);
		return rc;
	}
	*out = json_pack("{s:o}", "ports", ports);
	return 0;
}

static int build_info(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		      struct view_error *err)
{
	return each_port(ctx, argv[0], info_one, true, out, err);
}

static int build_stats(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		       struct view_error *err)
{
	return each_port(ctx, argv[0], stats_one, false, out, err);
}

static int build_summary(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
			 struct view_error *err)
{
	return each_port(ctx, argv[0], summary_one, true, out, err);
}

/* ---- xstats: a row each, so that telemetry can page them ------------------------- */
/* Those with part in their names. */
static int xstats_rows(unsigned port, uint16_t id, const char *part, json_t *rows)
{
	struct rte_eth_xstat_name *names = NULL;
	struct rte_eth_xstat *xs = NULL;
	int n, rc = -ENOMEM;

	n = rte_eth_xstats_get(id, NULL, 0);
	if (n <= 0)
		return n;
	names = calloc((size_t)n, sizeof(*names));
	xs = calloc((size_t)n, sizeof(*xs));
	if (names == NULL || xs == NULL)
		goto out;
	/* The device may have grown counters meanwhile: then the next look shows all. */
	rc = rte_eth_xstats_get_names(id, names, (unsigned)n);
	n = RTE_MIN(n, rte_eth_xstats_get(id, xs, (unsigned)n));
	for (int i = 0; i < n; i++) {
		const char *name = xs[i].id < (unsigned)RTE_MAX(rc, 0) ? names[xs[i].id].name : "?";
		json_t *row;

		if (strstr(name, part) == NULL)
			continue;
		row = json_object();
		view_set_u64(row, "port", port);
		view_set_str(row, "name", name);
		view_set_u64(row, "value", xs[i].value);
		json_array_append_new(rows, row);
	}
	rc = n < 0 ? n : 0;
out:
	free(names);
	free(xs);
	return rc;
}

static int build_xstats(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
			struct view_error *err)
{
	json_t *rows = json_array();
	unsigned from, to;
	int rc;

	rc = view_ports(ctx->pl, argv[0], true, &from, &to, err);
	for (unsigned p = from; rc == 0 && p < to; p++) {
		struct pipeline_port_info info;

		view_lock();
		rc = pipeline_port_info(ctx->pl, p, &info);
		if (rc == 0 && info.state >= PORT_CLOSED)
			rc = info.state == PORT_BUSY ? -EAGAIN : -ENODEV;
		if (rc == 0)
			rc = xstats_rows(p, info.id, argc > 1 ? argv[1] : "", rows);
		view_unlock();
		if ((rc == -ENODEV || rc == -EAGAIN) && to - from > 1)
			rc = 0;
		if (rc == -ENODEV)
			view_fail(err, rc, "port %u: it is closed", p);
		else if (rc < 0)
			view_port_failed(err, ctx->pl, p, rc, "port %u", p);
	}
	if (rc < 0) {
		json_decref(rows);
		return rc;
	}
	*out = json_pack("{s:o}", "xstats", rows);
	return 0;
}

/* ---- byte limits: a row for each transmit queue -------------------------------------- */
static void bql_row(json_t *rows, unsigned port, unsigned lcore, const struct pipeline_bql_info *b)
{
	json_t *row = json_object();

	view_set_u64(row, "port", port);
	view_set_u64(row, "queue", b->queue);
	view_set_u64(row, "lcore", lcore);
	view_set_bool(row, "limited", b->limited);
	view_set_u64(row, "limit", b->limit);
	view_set_u64(row, "in_flight", b->in_flight);
	view_set_u64(row, "waiting", b->waiting);
	view_set_u64(row, "sent", b->sent);
	view_set_u64(row, "completed", b->done);
	view_set_u64(row, "held_back", b->held);
	view_set_u64(row, "grown", b->grown);
	view_set_u64(row, "shrunk", b->shrunk);
	json_array_append_new(rows, row);
}

static int build_bql(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		     struct view_error *err)
{
	const struct config *cfg = pipeline_config(ctx->pl);
	json_t *rows = json_array();
	unsigned from, to;
	int rc;

	rc = view_ports(ctx->pl, argv[0], true, &from, &to, err);
	for (unsigned p = from; rc == 0 && p < to; p++)
		for (unsigned i = 0; rc == 0 && i < pipeline_workers(ctx->pl); i++) {
			struct pipeline_bql_info b;

			rc = pipeline_bql_info(ctx->pl, p, i, &b);
			if (rc == 0)
				bql_row(rows, p, cfg->lcores[i].lcore, &b);
			else if (rc == -ENOENT)
				rc = 0;
			else
				rc = view_failed(err, rc, "port %u", p);
		}
	if (rc < 0) {
		json_decref(rows);
		return rc;
	}
	*out = json_pack("{s:o}", "bql", rows);
	return 0;
}

#define PORTS_ARG { { .kind = VIEW_ARG_PORTS, .name = "N|all" } }

const struct view view_port[] = {
	{ "port info", PORTS_ARG, build_info, VIEW_BLOCKS, NULL,
	  "what a port is, how it is set up, which lcores serve its queues" },
	{ "port stats", PORTS_ARG, build_stats, VIEW_BLOCKS, NULL,
	  "packets, octets and errors as the device counts them" },
	{ "port xstats",
	  { { .kind = VIEW_ARG_PORTS, .name = "N|all" }, { .kind = VIEW_ARG_WORD, .name = "PART", .optional = true } },
	  build_xstats, VIEW_TABLE, NULL, "every counter of driver and device, or those with PART in their names" },
	{ "port bql", PORTS_ARG, build_bql, VIEW_TABLE, NULL,
	  "byte limit of each transmit queue: octets with the device, octets held back" },
	{ "port summary", PORTS_ARG, build_summary, VIEW_TABLE, NULL, "one line a port" },
	{ NULL },
};
