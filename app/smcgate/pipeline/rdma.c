/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/pipeline/rdma.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_ip.h>
#include <rte_udp.h>

#include "app/smcgate/pipeline/pipeline_impl.h"
#include "app/smcgate/pipeline/stack.h"
#include "pmd/base/arena.h"
#include "pmd/base/log.h"
#include "pmd/rdma/roce.h"

#define BTH_LEN 12        /* base transport header: what roce_input() wants to see */
#define BUDGET 256        /* packets of an engine in a turn */
#define REGION_MIN 16384  /* octets of the smallest memory region */

/* ---- packets in ---- */

/* The engine a RoCE packet is for: of the device that has the address. Takes
 * the packet when it returns NULL. */
static struct roce *engine_of(struct lcore *lc, struct rte_mbuf *m)
{
	const struct net_meta *meta = net_mbuf_meta(m);
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, meta->l3_off);
	const struct net_addr dst = net_addr_v4(ip->dst_addr);
	enum pipeline_drop why;
	int ifx;

	if ((meta->flags & NET_META_REASSEMBLED) != 0) {
		why = PDROP_ROCE_FRAGMENT; /* RoCE asks for packets below the path MTU */
	} else if (meta->l4_len < sizeof(struct rte_udp_hdr) + BTH_LEN) {
		why = PDROP_ROCE_SHORT;
	} else {
		why = PDROP_ROCE_DEVICE;
		ifx = net_local_if(lc->net, &dst);
		if (ifx >= 0 && ifx < CONFIG_MAX_PORTS && lc->rdma_of[ifx] != NULL)
			return lc->rdma_of[ifx];
	}
	lcore_drop(lc, why, m);
	return NULL;
}

static bool is_roce(const struct rte_mbuf *m, const struct net_meta *meta)
{
	const struct rte_udp_hdr *udp;

	if (meta->l4_len < sizeof(*udp) || m->data_len < meta->l4_off + sizeof(*udp))
		return false;
	udp = rte_pktmbuf_mtod_offset(m, const struct rte_udp_hdr *, meta->l4_off);
	return udp->dst_port == rte_cpu_to_be_16(ROCE_UDP_PORT);
}

/* Packets of one engine in a row go to it at once. */
static void udp_input(void *ctx, struct rte_mbuf **pkts, unsigned n)
{
	struct lcore *lc = ctx;
	struct roce *of = NULL;
	unsigned run = 0;

	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		const struct net_meta *meta = net_mbuf_meta(m);
		struct roce *r;

		if (!is_roce(m, meta)) {
			net_udp_refuse(lc->net, m);
			continue;
		}
		r = engine_of(lc, m);
		if (r == NULL)
			continue;
		if (r != of && run != 0) {
			roce_input(of, lc->now_us, pkts, run);
			run = 0;
		}
		of = r;
		rte_pktmbuf_adj(m, meta->l3_off);
		pkts[run++] = m; /* never ahead of i */
	}
	if (run != 0)
		roce_input(of, lc->now_us, pkts, run);
}

/* ---- packets out ---- */

static void env_tx(void *ctx, void *path, struct rte_mbuf *m)
{
	struct lcore *lc = ctx;

	(void)net_path_send(lc->net, path, m, NET_TX_DATA);
}

static unsigned env_room(void *ctx, void *path)
{
	const struct lcore *lc = ctx;

	return net_path_room(lc->net, path);
}

unsigned rdma_output(struct lcore *lc)
{
	unsigned n = 0;

	for (unsigned i = 0; i < lc->n_rdma; i++)
		n += roce_output(lc->rdma[i], lc->now_us, BUDGET);
	return n;
}

bool rdma_busy(const struct lcore *lc)
{
	for (unsigned i = 0; i < lc->n_rdma; i++)
		if (rd_busy(roce_rd(lc->rdma[i])))
			return true;
	return false;
}

void rdma_ports(struct lcore *lc, uint32_t on)
{
	for (unsigned p = 0; p < CONFIG_MAX_PORTS; p++)
		if (lc->rdma_of[p] != NULL)
			roce_port(lc->rdma_of[p], (on >> p & 1) != 0);
}

void rdma_mtu(struct lcore *lc, unsigned port, uint16_t mtu)
{
	struct roce *r = lc->rdma_of[port];

	/* Packets that do not fit any more would be lost one by one: then it is down. */
	if (r != NULL && roce_mtu(r, mtu) < 0)
		roce_port(r, false);
}

/* ---- life ---- */

static void fill_gids(const struct config_port *conf, struct roce_config *rc)
{
	for (unsigned i = 0; i < conf->n_addresses && i < RD_MAX_GIDS; i++) {
		uint8_t *b = rc->gids[i].b;

		/* RFC 4291 2.5.5.2: ::ffff:A.B.C.D */
		memset(b + 10, 0xff, 2);
		memcpy(b + 12, &conf->addresses[i].addr.v4, 4);
		rc->n_gids++;
	}
}

/* Each connection has a region for what it receives, each group some for what it
 * sends, the arenas among them. */
static uint32_t max_regions(const struct config *cfg, const struct config_rdma *d)
{
	uint64_t n = ((uint64_t)cfg->smc.memory_mb << 20) / REGION_MIN + (uint64_t)d->max_qps * (4 + SMC_MAX_REGIONS);

	return (uint32_t)RTE_MIN(n, UINT64_C(1) << 20);
}

static int create_engine(struct lcore *lc, const struct config_rdma *d, struct roce **out)
{
	const struct port *p = &lc->pl->ports[d->port_index];
	const struct roce_env env = { .ctx = lc, .tx = env_tx, .room = env_room, .random = stack_random_cached };
	struct roce_config rc = {
		.lcore = (uint8_t)lc->index,
		.vlan = (uint16_t)p->conf->vlan,
		.ip_mtu = p->mtu,
		.max_qps = d->max_qps,
		.max_mrs = max_regions(lc->pl->cfg, d),
		.window = (uint16_t)d->window,
		.rto_min_us = d->rto_min_us,
		.node = lc->node,
		.pool = lc->mem.roce,
	};

	snprintf(rc.name, sizeof(rc.name), "%s", d->name);
	memcpy(rc.mac, p->mac.addr_bytes, sizeof(rc.mac));
	fill_gids(p->conf, &rc);
	return roce_create(out, &rc, &env, &lc->wheel);
}

int rdma_create(struct lcore *lc)
{
	const struct config *cfg = lc->pl->cfg;
	const struct net_proto udp = { .ctx = lc, .input = udp_input };

	if (!config_smc_on(cfg))
		return 0;
	if (lc->index >= ROCE_MAX_LCORES) {
		LOG(PIPELINE, ERR, "software RoCE runs on %d workers at most: choose fewer by --lcores or \"lcores\"",
		    ROCE_MAX_LCORES);
		return -E2BIG;
	}
	for (unsigned i = 0; i < cfg->n_rdma; i++) {
		int rc = create_engine(lc, &cfg->rdma[i], &lc->rdma[i]);

		if (rc < 0)
			return rc;
		lc->n_rdma++;
		lc->rdma_of[cfg->rdma[i].port_index] = lc->rdma[i];
	}
	net_stack_register(lc->net, IPPROTO_UDP, &udp);
	return 0;
}

void rdma_destroy(struct lcore *lc)
{
	for (unsigned i = 0; i < lc->n_rdma; i++)
		rd_close(roce_rd(lc->rdma[i]));
	lc->n_rdma = 0;
	memset(lc->rdma_of, 0, sizeof(lc->rdma_of));
}

/* ---- SMC's configuration ---- */

/* Peer ID (RFC 7609 A.1): two octets and a MAC. Linux reuses any group that
 * matches it, so that each worker must have its own. */
static void fill_peer_id(const struct lcore *lc, uint8_t id[8])
{
	const struct port *p = &lc->pl->ports[lc->pl->cfg->rdma[0].port_index];

	id[0] = (uint8_t)(lc->pl->instance >> 8);
	id[1] = (uint8_t)((lc->pl->instance & 0x80) | lc->index);
	memcpy(id + 2, p->mac.addr_bytes, 6);
}

static void fill_hostname(const struct config_smc *c, struct smc_config *sc)
{
	char name[sizeof(sc->hostname)] = "";

	if (c->hostname[0] != '\0')
		snprintf(name, sizeof(name), "%s", c->hostname);
	else if (gethostname(name, sizeof(name) - 1) < 0)
		snprintf(name, sizeof(name), "smcgate");
	memcpy(sc->hostname, name, sizeof(sc->hostname));
}

static void fill_limits(const struct config *cfg, struct smc_config *sc)
{
	const struct config_smc *c = &cfg->smc;

	sc->max_links = (uint8_t)c->max_links;
	sc->max_conns = (uint8_t)c->max_conns_per_group;
	sc->conns_max = cfg->tcp.max_connections;
	sc->lgrs_max = c->groups_max;
	sc->lgrs_per_peer = c->groups_per_peer;
	sc->handshakes_max = c->handshakes_max;
	sc->handshakes_per_peer = c->handshakes_per_peer;
	sc->buf_bytes_per_peer = c->buffer_bytes_per_peer;
	sc->rmb_size = c->rmb_size;
	sc->sndbuf_size = c->sndbuf_size;
	sc->autocork = c->autocork;
}

static void fill_waits(const struct config_smc *c, struct smc_config *sc)
{
	sc->clc_wait_ms = c->clc_wait_ms;
	sc->llc_wait_ms = c->llc_wait_ms;
	sc->close_wait_ms = c->close_wait_ms;
	sc->testlink_ms = c->testlink_s * 1000;
	sc->idle_server_ms = c->idle_server_s * 1000;
	sc->idle_client_ms = c->idle_client_s * 1000;
	sc->failures = c->failures;
	sc->forget_ms = c->forget_s * 1000;
}

/* What may be sent from where it lies: received packets and receive memory, both in arenas. */
static void fill_regions(struct smc_config *sc)
{
	struct arena_region arenas[SMC_MAX_REGIONS];
	unsigned n = RTE_MIN(arena_regions(arenas, RTE_DIM(arenas)), (unsigned)RTE_DIM(arenas));

	for (unsigned i = 0; i < n; i++)
		sc->regions[i] = (struct smc_region){ arenas[i].addr, arenas[i].len };
	sc->n_regions = (uint8_t)n;
}

void smc_fill(struct lcore *lc, struct smc_config *sc)
{
	const struct config *cfg = lc->pl->cfg;

	smc_config_defaults(sc);
	sc->enabled = true;
	sc->n_devs = (uint8_t)lc->n_rdma;
	for (unsigned i = 0; i < lc->n_rdma; i++)
		sc->devs[i] = (struct smc_dev_config){ .rd = roce_rd(lc->rdma[i]),
						       .ifx = (uint8_t)cfg->rdma[i].port_index };
	sc->n_eids = (uint8_t)lc->pl->smc.n_eids;
	memcpy(sc->eids, lc->pl->smc.eids, sizeof(sc->eids));
	sc->n_policies = (uint8_t)lc->pl->smc.n_policies;
	memcpy(sc->policies, lc->pl->smc.policies, sizeof(sc->policies));
	fill_hostname(&cfg->smc, sc);
	fill_peer_id(lc, sc->peer_id);
	fill_limits(cfg, sc);
	fill_waits(&cfg->smc, sc);
	sc->mem = lc->mem.smc;
	sc->mem_len = lc->mem.smc_len;
	fill_regions(sc);
	sc->node = lc->node;
}
