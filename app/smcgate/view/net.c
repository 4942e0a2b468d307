/* SPDX-License-Identifier: BSD-3-Clause */
/* The network layer: `show arp`, `show routes`, `show net stats`. */
#include "app/smcgate/view/view.h"

static const char *const neigh_names[] = {
	[NEIGH_NONE] = "none", [NEIGH_INCOMPLETE] = "incomplete", [NEIGH_REACHABLE] = "reachable",
	[NEIGH_STALE] = "stale", [NEIGH_DELAY] = "delay", [NEIGH_PROBE] = "probe", [NEIGH_FAILED] = "failed",
};

static const char *port_name(const struct config *cfg, unsigned port)
{
	return port < cfg->n_ports ? cfg->ports[port].name : "?";
}

static json_t *neigh_json(const struct view_ctx *ctx, const struct net_neigh_info *n, uint64_t now_us)
{
	char buf[NET_ADDR_STRLEN], mac[RTE_ETHER_ADDR_FMT_SIZE];
	bool has_mac = n->state != NEIGH_INCOMPLETE && n->state != NEIGH_FAILED;
	json_t *o = json_object();

	rte_ether_format_addr(mac, sizeof(mac), &n->mac);
	view_set_str(o, "address", net_addr_str(&n->addr, buf));
	view_set_str(o, "mac", has_mac ? mac : "");
	view_set_str(o, "port", port_name(pipeline_config(ctx->pl), n->ifx));
	view_set_str(o, "state", n->state <= NEIGH_FAILED ? neigh_names[n->state] : "?");
	view_set_u64(o, "age_ms", now_us > n->confirmed_us ? (now_us - n->confirmed_us) / 1000 : 0);
	view_set_bool(o, "permanent", n->permanent);
	return o;
}

static int build_arp(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
		     struct view_error *err)
{
	struct net_neigh_info batch[PIPELINE_LIST_MAX];
	uint64_t now = pipeline_now_us(ctx->pl);
	json_t *rows = json_array();
	unsigned skip = 0;
	int n;

	/* Worker 0 owns the table, the others have copies. */
	while ((n = pipeline_neigh_list(ctx->pl, 0, skip, batch, PIPELINE_LIST_MAX)) > 0) {
		for (int i = 0; i < n; i++)
			json_array_append_new(rows, neigh_json(ctx, &batch[i], now));
		skip += (unsigned)n;
	}
	if (n < 0) {
		json_decref(rows);
		return view_failed(err, n, "neighbours");
	}
	*out = json_pack("{s:o}", "neighbours", rows);
	return 0;
}

static json_t *route_json(const char *to, const char *via, const char *port, const char *kind)
{
	json_t *o = json_object();

	view_set_str(o, "to", to);
	view_set_str(o, "via", via);
	view_set_str(o, "port", port);
	view_set_str(o, "kind", kind);
	return o;
}

/* The address with its host part cleared. */
static struct cfg_prefix subnet(const struct cfg_prefix *p)
{
	struct cfg_prefix net = *p;
	uint32_t mask = p->len == 0 ? 0 : UINT32_MAX << (32 - p->len);

	net.addr.v4 &= rte_cpu_to_be_32(mask);
	return net;
}

static int build_routes(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
			struct view_error *err)
{
	const struct config *cfg = pipeline_config(ctx->pl);
	char to[NET_ADDR_STRLEN], via[NET_ADDR_STRLEN];
	json_t *rows = json_array();

	for (unsigned p = 0; p < cfg->n_ports; p++) {
		for (unsigned i = 0; i < cfg->ports[p].n_addresses; i++) {
			struct cfg_prefix net = subnet(&cfg->ports[p].addresses[i]);

			json_array_append_new(rows,
					      route_json(cfg_prefix_str(&net, to), "", cfg->ports[p].name,
							       "connected"));
		}
	}
	for (unsigned i = 0; i < cfg->n_routes; i++)
		json_array_append_new(rows, route_json(cfg_prefix_str(&cfg->routes[i].to, to),
						       net_addr_str(&cfg->routes[i].via, via),
						       port_name(cfg, cfg->routes[i].port_index), "static"));
	*out = json_pack("{s:o}", "routes", rows);
	return 0;
}

#define NET_STATS(X) \
	X(rx_packets) X(rx_bytes) X(rx_arp) X(rx_ip) X(rx_icmp) X(rx_tcp) X(rx_fragments) X(rx_reassembled) \
	X(tx_packets) X(tx_bytes) X(tx_arp) X(tx_icmp) X(tx_echo_reply) X(tx_gso) X(arp_requests) \
	X(arp_conflicts) X(pmtu_updates)

static int build_net_stats(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
			   struct view_error *err)
{
	struct net_stats s, sum = { 0 };
	int rc;

	for (unsigned i = 0; i < pipeline_workers(ctx->pl); i++) {
		rc = pipeline_net_stats(ctx->pl, i, &s);
		if (rc < 0)
			return view_failed(err, rc, "worker %u", i);
#define ADD(name) sum.name += s.name;
		NET_STATS(ADD)
#undef ADD
	}
	*out = json_object();
#define SET(name) view_set_u64(*out, #name, sum.name);
	NET_STATS(SET)
#undef SET
	return 0;
}

const struct view view_net[] = {
	{ "arp", { { 0 } }, build_arp, VIEW_TABLE, NULL,
	  "neighbours: hardware addresses learnt and configured" },
	{ "routes", { { 0 } }, build_routes, VIEW_TABLE, NULL, "subnets of the ports and static routes" },
	{ "net stats", { { 0 } }, build_net_stats, VIEW_BLOCKS, NULL,
	  "counters of Ethernet, ARP, IPv4 and ICMP" },
	{ NULL },
};
