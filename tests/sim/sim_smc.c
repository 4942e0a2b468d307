/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_smc.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include <rte_udp.h>

#define RING_MEMORY (16u << 20)
#define RING_ALIGN (4u << 20)

struct sim_smc {
	struct sim_smc_conf conf;
	struct sim_upper upper;
	struct sim_host *host;
	struct sock_stack *socks;
	struct roce *roce;
	struct rd_dev *dev;
	void *mem;
};

/* ---- RoCE over the host's network ------------------------------------------ */

static void roce_tx(void *ctx, void *path, struct rte_mbuf *m)
{
	struct sim_smc *h = ctx;

	net_path_send(sim_net(h->host, 0), path, m, NET_TX_DATA);
}

static unsigned roce_room(void *ctx, void *path)
{
	return 64;
}

static void roce_random(void *ctx, void *buf, size_t len)
{
	struct sim_smc *h = ctx;
	const struct net_env *env = net_environment(sim_net(h->host, 0));

	env->random(env->ctx, buf, len);
}

static void udp_input(void *ctx, struct rte_mbuf **pkts, unsigned n)
{
	struct sim_smc *h = ctx;

	for (unsigned i = 0; i < n; i++) {
		const struct net_meta *meta = net_mbuf_meta(pkts[i]);
		const struct rte_udp_hdr *udp =
			rte_pktmbuf_mtod_offset(pkts[i], const struct rte_udp_hdr *, meta->l4_off);

		if (meta->l4_len < sizeof(*udp) + 12 || udp->dst_port != rte_cpu_to_be_16(ROCE_UDP_PORT)) {
			rte_pktmbuf_free(pkts[i]);
			continue;
		}
		rte_pktmbuf_adj(pkts[i], meta->l3_off);
		roce_input(h->roce, net_now(sim_net(h->host, 0)), &pkts[i], 1);
	}
}

static int create_roce(struct sim_smc *h, const struct net_if *ifp)
{
	const struct roce_env env = { .ctx = h, .tx = roce_tx, .room = roce_room, .random = roce_random };
	const struct net_proto udp = { .ctx = h, .input = udp_input };
	struct roce_config conf = {
		.name = "roce0", .ip_mtu = ifp->mtu, .n_gids = 1, .max_qps = 64, .max_mrs = 4096, .node = -1,
		.pool = sim_pools()->hdr,
	};
	int rc;

	memcpy(conf.mac, &ifp->mac, sizeof(conf.mac));
	memcpy(conf.gids[0].b, ifp->addrs[0].addr.b, sizeof(conf.gids[0].b));
	rc = roce_create(&h->roce, &conf, &env, sim_wheel(h->host, 0));
	if (rc < 0)
		return rc;
	h->dev = roce_rd(h->roce);
	net_stack_register(sim_net(h->host, 0), IPPROTO_UDP, &udp);
	return 0;
}

static int create_mem(struct sim_smc *h, const struct net_if *ifp)
{
	struct mem_config conf = {
		.name = "mem0", .mtu = 3, .n_gids = 1, .max_qps = 64, .max_mrs = 4096,
		.qpn_base = 0x1000u * ifp->mac.addr_bytes[5],
	};

	memcpy(conf.mac, &ifp->mac, sizeof(conf.mac));
	memcpy(conf.gids[0].b, ifp->addrs[0].addr.b, sizeof(conf.gids[0].b));
	return mem_create(&h->dev, h->conf.fabric, &conf);
}

/* ---- what the simulator calls ------------------------------------------------- */

static int create(void *ctx, struct sim_host *host, const struct tcp_config *tcp, struct tcp_stack **out)
{
	struct sim_smc *h = ctx;
	struct sock_config sc = { .max_socks = h->conf.max_socks, .backlog = 512, .node = -1 };
	struct smc_config *smc = &h->conf.smc;
	struct net_if *ifp = net_if_get(sim_net(host, 0), 0);
	int rc = 0;

	h->host = host;
	if (!h->conf.no_smc && !h->conf.no_device) {
		rc = h->conf.fabric != NULL ? create_mem(h, ifp) : create_roce(h, ifp);
		smc->devs[0] = (struct smc_dev_config){ .rd = h->dev, .ifx = 0 };
		smc->n_devs = 1;
	}
	if (rc == 0)
		rc = sock_stack_create(&h->socks, &sc, sim_net(host, 0), sim_wheel(host, 0), tcp, NULL,
				       h->conf.no_smc ? NULL : smc);
	if (rc == 0)
		*out = sock_tcp(h->socks);
	return rc;
}

static void destroy(void *ctx)
{
	struct sim_smc *h = ctx;

	sock_stack_destroy(h->socks);
	if (h->dev != NULL)
		rd_close(h->dev);
	h->socks = NULL;
	h->dev = NULL;
}

static void poll(void *ctx)
{
	sock_poll(((struct sim_smc *)ctx)->socks);
}

static void deliver(void *ctx)
{
	sock_deliver(((struct sim_smc *)ctx)->socks, 1024);
}

static void output(void *ctx)
{
	struct sim_smc *h = ctx;

	sock_output(h->socks);
	if (h->roce != NULL)
		roce_output(h->roce, net_now(sim_net(h->host, 0)), 256);
}

static bool busy(const void *ctx)
{
	const struct sim_smc *h = ctx;

	return sock_busy(h->socks);
}

/* ---- hosts ------------------------------------------------------------------------ */

void sim_smc_defaults(struct sim_smc_conf *conf, unsigned n)
{
	const uint8_t peer_id[8] = { 0x5e, 0xed, 2, 0, 0, 0, 0, (uint8_t)n };

	*conf = (struct sim_smc_conf){ .max_socks = 1024 };
	sim_host_defaults(&conf->host, n);
	conf->host.tcp.max_conns = 1024;
	conf->host.tcp.half_open_max = 1024;
	conf->host.tcp.time_wait_max = 1024;
	smc_config_defaults(&conf->smc);
	conf->smc.conns_max = 1024;
	conf->smc.n_eids = 1;
	smc_eid_parse(&conf->smc.eids[0], "SMCGATE-TEST");
	memcpy(conf->smc.peer_id, peer_id, sizeof(peer_id));
	memcpy(conf->smc.hostname, "sim", 4);
	conf->smc.mem_len = RING_MEMORY;
}

struct sim_smc *sim_smc_add(struct sim *s, const struct sim_smc_conf *conf)
{
	struct sim_smc *h = calloc(1, sizeof(*h));

	if (h == NULL)
		abort();
	h->conf = *conf;
	h->mem = aligned_alloc(RING_ALIGN, RTE_ALIGN(conf->smc.mem_len, (size_t)RING_ALIGN));
	if (h->mem == NULL)
		abort();
	h->conf.smc.mem = h->mem;
	h->conf.smc.give_min = 1024;
	h->conf.smc.regions[h->conf.smc.n_regions++] = (struct smc_region){ h->mem, conf->smc.mem_len };
	h->upper = (struct sim_upper){
		.ctx = h, .create = create, .destroy = destroy, .poll = poll, .deliver = deliver, .output = output,
		.busy = busy,
	};
	h->conf.host.upper = &h->upper;
	if (sim_host_add(s, &h->conf.host) == NULL) {
		sim_smc_free(h);
		return NULL;
	}
	return h;
}

void sim_smc_free(struct sim_smc *h)
{
	if (h == NULL)
		return;
	free(h->mem);
	free(h);
}

struct sim_host *sim_smc_host(struct sim_smc *h) { return h->host; }
struct sock_stack *sim_smc_socks(struct sim_smc *h) { return h->socks; }
struct smc_stack *sim_smc_stack(struct sim_smc *h) { return sock_smc(h->socks); }
struct rd_dev *sim_smc_dev(struct sim_smc *h) { return h->dev; }
