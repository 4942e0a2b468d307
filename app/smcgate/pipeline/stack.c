/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/pipeline/stack.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "app/smcgate/pipeline/exchange.h"
#include "app/smcgate/pipeline/pipeline_impl.h"
#include "app/smcgate/pipeline/rdma.h"
#include "pmd/base/log.h"

/* ---- the environment ---- */

static void env_tx(void *ctx, const struct net_if *ifp, struct rte_mbuf *m, enum net_tx_class cls)
{
	struct lcore *lc = ctx;

	tx_enqueue(lc, &lc->tx[ifp->ifx], m, cls);
}

static unsigned env_tx_room(void *ctx, const struct net_if *ifp)
{
	const struct lcore *lc = ctx;

	return tx_room(&lc->tx[ifp->ifx]);
}

static void env_neigh_ask(void *ctx, uint8_t ifx, const struct net_addr *addr, bool confirm)
{
	struct exchange_msg msg = { .type = MSG_NEIGH_ASK, .ifx = ifx, .confirm = confirm, .addr = *addr };

	exchange_message(ctx, NEIGH_OWNER, &msg);
}

static void env_neigh_publish(void *ctx, const struct net_neigh_info *info)
{
	struct exchange_msg msg = { .type = MSG_NEIGH_INFO, .neigh = *info };

	exchange_broadcast(ctx, &msg);
}

static bool env_arp_to_owner(void *ctx, struct rte_mbuf *m)
{
	return exchange_packet(ctx, NEIGH_OWNER, m, EXCHANGE_FRAME);
}

static bool env_steer(void *ctx, struct rte_mbuf *m, const struct net_flow *flow)
{
	struct lcore *lc = ctx;
	unsigned worker = steering_flow(lc->steering, flow);

	if (worker == lc->index)
		return false;
	if (exchange_packet(lc, worker, m, EXCHANGE_DATAGRAM))
		lc->stats.steered_out++;
	else
		lcore_drop(lc, PDROP_STEER_RING, m);
	return true;
}

static void env_pmtu_publish(void *ctx, const struct net_addr *dst, uint16_t mtu)
{
	struct exchange_msg msg = { .type = MSG_PMTU, .mtu = mtu, .addr = *dst };

	exchange_broadcast(ctx, &msg);
}

void stack_random(void *ctx, void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len > 0) {
		ssize_t n = getrandom(p, RTE_MIN(len, (size_t)256), 0);

		if (n < 0)
			continue; /* only a signal can be the cause */
		p += n;
		len -= (size_t)n;
	}
}

/* A system call for every 256 octets, not for every number. */
void stack_random_cached(void *ctx, void *buf, size_t len)
{
	struct lcore *lc = ctx;

	if (len > LCORE_RANDOM / 2) {
		stack_random(NULL, buf, len);
		return;
	}
	if (lc->random_used + len > LCORE_RANDOM) {
		stack_random(NULL, lc->random, LCORE_RANDOM);
		lc->random_used = 0;
	}
	memcpy(buf, lc->random + lc->random_used, len);
	memset(lc->random + lc->random_used, 0, len);
	lc->random_used = (uint16_t)(lc->random_used + len);
}

static void env_conflict(void *ctx, const struct net_if *ifp, const struct net_addr *addr,
			 const struct rte_ether_addr *mac)
{
	const struct lcore *lc = ctx;
	char text[NET_ADDR_STRLEN], station[RTE_ETHER_ADDR_FMT_SIZE];

	rte_ether_format_addr(station, sizeof(station), mac);
	LOG_LIMITED(lc->now_us, PIPELINE, WARNING,
		    "port %s: %s also claims our address %s: one of the two must change", ifp->name, station,
		    net_addr_str(addr, text));
}

/* ---- configurations ---- */

static void fill_if(struct net_if *ifp, const struct port *p)
{
	const struct config_port *conf = p->conf;

	*ifp = (struct net_if){
		.ifx = p->index,
		.port = p->id,
		.mtu = p->mtu,
		.vlan = (uint16_t)conf->vlan,
		.tso_max = 65535 - 120,
		.offloads = p->offloads,
		.mac = p->mac,
		.arp_announce = conf->arp_announce,
		.arp_probe = conf->arp_probe,
	};
	memcpy(ifp->name, conf->name, sizeof(ifp->name));
	for (unsigned i = 0; i < conf->n_addresses; i++) {
		ifp->addrs[i].addr = conf->addresses[i].addr;
		ifp->addrs[i].prefix_len = conf->addresses[i].len;
	}
	ifp->n_addrs = (uint8_t)conf->n_addresses;
}

static void fill_net(const struct lcore *lc, struct net_config *nc)
{
	const struct pipeline *pl = lc->pl;
	const struct config *cfg = pl->cfg;

	*nc = (struct net_config){
		.n_ifs = (uint8_t)pl->n_ports,
		.n_routes = (uint8_t)cfg->n_routes,
		.neigh_owner = lc->index == NEIGH_OWNER,
		.neigh_max = cfg->arp.table_size,
		.neigh_unresolved_max = cfg->arp.unresolved_max,
		.neigh_reachable_ms = cfg->arp.reachable_ms,
		.neigh_queue = (uint8_t)cfg->arp.queue_packets,
		.ttl = (uint8_t)cfg->ip.ttl,
		.frag_max = cfg->ip.reassembly_entries,
		.frag_timeout_ms = cfg->ip.reassembly_ms,
		.icmp_rate = cfg->icmp.rate,
		.accept_source_route = cfg->ip.accept_source_route,
		.node = lc->node,
		.hdr_pool = lc->mem.header,
		.ind_pool = lc->mem.indirect,
	};
	for (unsigned i = 0; i < pl->n_ports; i++)
		fill_if(&nc->ifs[i], &pl->ports[i]);
	for (unsigned i = 0; i < cfg->n_routes; i++) {
		nc->routes[i].prefix = cfg->routes[i].to.addr;
		nc->routes[i].prefix_len = cfg->routes[i].to.len;
		nc->routes[i].via = cfg->routes[i].via;
		nc->routes[i].ifx = (uint8_t)cfg->routes[i].port_index;
	}
}

static void fill_tcp(const struct lcore *lc, struct tcp_config *tc)
{
	static const typeof(tc->cookies) cookies[] = {
		[CONFIG_COOKIES_AUTO] = TCP_COOKIES_AUTO, [CONFIG_COOKIES_ALWAYS] = TCP_COOKIES_ALWAYS,
		[CONFIG_COOKIES_OFF] = TCP_COOKIES_OFF,
	};
	const struct config *cfg = lc->pl->cfg;
	const struct config_tcp *c = &cfg->tcp;

	tcp_config_defaults(tc);
	tc->rto_min_ms = c->rto_min_ms;
	tc->rto_max_ms = c->rto_max_ms;
	tc->syn_retries = (uint8_t)c->syn_retries;
	tc->synack_retries = (uint8_t)c->synack_retries;
	tc->retries = (uint8_t)c->retries;
	tc->orphan_retries = (uint8_t)c->orphan_retries;
	tc->initial_window = (uint8_t)c->initial_window_segments;
	tc->ttl = (uint8_t)c->ttl;
	tc->nagle = c->nagle;
	tc->timestamps = c->timestamps;
	tc->sack = c->sack;
	tc->window_scaling = c->window_scaling;
	tc->keepalive = c->keepalive.enabled;
	tc->keepalive_idle_ms = c->keepalive.idle_s * 1000;
	tc->keepalive_interval_ms = c->keepalive.interval_s * 1000;
	tc->keepalive_probes = (uint8_t)c->keepalive.probes;
	tc->user_timeout_ms = c->user_timeout_ms;
	tc->delayed_ack_ms = c->delayed_ack_ms;
	tc->time_wait_ms = c->time_wait_ms;
	tc->fin_wait2_ms = c->fin_wait2_ms;
	tc->time_wait_max = c->time_wait_max;
	tc->max_conns = c->max_connections;
	tc->half_open_max = c->half_open_max;
	tc->min_mss = (uint16_t)c->min_mss;
	tc->challenge_ack_ms = c->challenge_ack_ms;
	tc->rst_rate = c->rst_rate;
	tc->cookies = cookies[c->syn_cookies];
	tc->abort_on_overflow = c->abort_on_overflow;
	tc->rcvbuf_initial = c->receive_buffer_initial;
	tc->rcvbuf_max = c->receive_buffer_max;
	tc->sndbuf_max = c->send_buffer_max;
	/* Half of the receive buffers may wait for services; the rest keep the ports filled. */
	tc->rcv_pinned_max = (uint64_t)cfg->memory.rx_buffers * cfg->memory.buffer_size / 2;
	tc->port_min = (uint16_t)c->local_ports.lo;
	tc->port_max = (uint16_t)c->local_ports.hi;
	tc->congestion = c->congestion == CONFIG_NEWRENO ? "newreno" : "cubic";
	tc->node = lc->node;
	tc->payload_pool = lc->mem.payload;
	tc->secrets = &lc->pl->secrets;
}

/* ---- life ---- */

static bool owns(void *ctx, const struct net_flow *flow)
{
	const struct lcore *lc = ctx;

	return steering_flow(lc->steering, flow) == lc->index;
}

static int create_net(struct lcore *lc)
{
	bool alone = lc->pl->n_workers == 1, owner = lc->index == NEIGH_OWNER;
	struct net_env env = {
		.ctx = lc,
		.tx = env_tx,
		.tx_room = env_tx_room,
		.random = stack_random_cached,
		.conflict = env_conflict,
		.neigh_ask = owner ? NULL : env_neigh_ask,
		.arp_to_owner = owner ? NULL : env_arp_to_owner,
		.neigh_publish = owner && !alone ? env_neigh_publish : NULL,
		.steer = alone ? NULL : env_steer,
		.pmtu_publish = alone ? NULL : env_pmtu_publish,
	};
	struct net_config nc;

	fill_net(lc, &nc);
	return net_stack_create(&lc->net, &nc, &env, &lc->wheel, 0);
}

static int create_sockets(struct lcore *lc)
{
	struct tcp_steering steering = { .ctx = lc, .owns = owns };
	const struct config_tcp *c = &lc->pl->cfg->tcp;
	struct sock_config sc = { .max_socks = c->max_connections, .backlog = c->backlog, .node = lc->node };
	struct tcp_config tc;
	struct smc_config smc;

	fill_tcp(lc, &tc);
	if (lc->n_rdma != 0)
		smc_fill(lc, &smc);
	return sock_stack_create(&lc->ss, &sc, lc->net, &lc->wheel, &tc,
				 lc->pl->n_workers > 1 ? &steering : NULL, lc->n_rdma != 0 ? &smc : NULL);
}

int stack_create(struct lcore *lc)
{
	int rc;

	service_wheel_register(&lc->wheel);
	rc = create_net(lc);
	if (rc == 0)
		rc = rdma_create(lc);
	if (rc == 0)
		rc = create_sockets(lc);
	if (rc < 0)
		LOG(PIPELINE, ERR,
		    "the stack of worker %u cannot be made: %s; tcp.max_connections, arp.table_size, "
		    "ip.reassembly_entries and rdma.max_qps say how much memory it needs",
		    lc->index, strerror(-rc));
	return rc;
}

void stack_destroy(struct lcore *lc)
{
	if (lc->ss != NULL)
		sock_stack_destroy(lc->ss);
	rdma_destroy(lc);
	if (lc->net != NULL)
		net_stack_destroy(lc->net);
	lc->ss = NULL;
	lc->net = NULL;
}

/* ---- work ---- */

void stack_input(struct lcore *lc, uint16_t port_id, struct rte_mbuf **pkts, unsigned n)
{
	net_input(lc->net, port_id, pkts, n);
}

void stack_input_steered(struct lcore *lc, struct rte_mbuf **pkts, unsigned n)
{
	net_input_steered(lc->net, pkts, n);
}

void stack_message(struct lcore *lc, const struct exchange_msg *msg)
{
	switch (msg->type) {
	case MSG_NEIGH_ASK:
		net_neigh_asked(lc->net, msg->ifx, &msg->addr, msg->confirm);
		break;
	case MSG_NEIGH_INFO:
		net_neigh_apply(lc->net, &msg->neigh);
		break;
	case MSG_PMTU:
		net_pmtu_apply(lc->net, &msg->addr, msg->mtu);
		break;
	}
}
