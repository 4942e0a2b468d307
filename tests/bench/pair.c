/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/bench/pair.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include "pmd/base/arena.h"
#include "proto/net/offload.h"

#define BURST 32
#define SMC_MEM (256u << 20)
#define SMC_MEM_ALIGN (4u << 20)

struct pair {
	struct pair_host hosts[2];
	uint64_t now_us;
	struct rte_mempool *hdr, *ind, *payload;
	struct mem_fabric *fabric;
};

static void check(int rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-rc));
	exit(EXIT_FAILURE);
}

static void random_octets(void *ctx, void *buf, size_t len)
{
	struct pair_host *h = ctx;
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++) {
		h->rng = h->rng * 6364136223846793005u + 1442695040888963407u;
		p[i] = (uint8_t)(h->rng >> 56);
	}
}

/* ---- the wire ------------------------------------------------------------- */

static void arrive(struct pair_host *h, struct rte_mbuf *m)
{
	if (h->n_rx == h->max_rx) {
		h->max_rx = h->max_rx == 0 ? 256 : h->max_rx * 2;
		h->rx = realloc(h->rx, h->max_rx * sizeof(*h->rx));
		check(h->rx == NULL ? -ENOMEM : 0, "frames");
	}
	m->ol_flags = (m->ol_flags & (RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT)) |
		      RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	h->rx[h->n_rx++] = m;
}

static void env_tx(void *ctx, const struct net_if *ifp, struct rte_mbuf *m, enum net_tx_class cls)
{
	struct pair_host *h = ctx;
	struct rte_mbuf *out[NET_GSO_MAX_FRAMES];
	struct pair_host *peer = &h->pair->hosts[!h->idx];
	int n = net_tx_finish(m, h->offloads, h->pair->hdr, h->pair->ind, out, RTE_DIM(out));

	check(n, "net_tx_finish");
	for (int i = 0; i < n; i++)
		arrive(peer, out[i]);
}

static unsigned env_room(void *ctx, const struct net_if *ifp)
{
	return 512;
}

/* ---- life ------------------------------------------------------------------- */

struct net_addr pair_addr(unsigned i)
{
	return net_addr_v4(rte_cpu_to_be_32(0x0a000001 + i));
}

static void fill_net(const struct pair *p, const struct pair_conf *conf, unsigned i, struct net_config *nc)
{
	struct net_if *ifp = &nc->ifs[0];

	*nc = (struct net_config){
		.n_ifs = 1, .neigh_owner = true, .neigh_max = 64, .neigh_unresolved_max = 16,
		.neigh_reachable_ms = 30000, .neigh_queue = 3, .ttl = 64, .frag_max = 16, .frag_timeout_ms = 30000,
		.icmp_rate = 1000, .node = -1, .hdr_pool = p->hdr, .ind_pool = p->ind,
	};
	*ifp = (struct net_if){
		.port = PAIR_PORT, .mtu = conf->mtu, .tso_max = 65000, .offloads = conf->offloads, .n_addrs = 1,
		.mac = { { 2, 0, 0, 0, 0, (uint8_t)(i + 1) } },
	};
	ifp->addrs[0] = (struct net_if_addr){ pair_addr(i), 24 };
	snprintf(ifp->name, sizeof(ifp->name), "pair%u", i);
}

static void fill_tcp(const struct pair *p, const struct pair_conf *conf, const struct pair_host *h,
		     struct tcp_config *tc)
{
	tcp_config_defaults(tc);
	tc->max_conns = conf->max_conns;
	tc->half_open_max = conf->max_conns;
	tc->time_wait_max = conf->max_conns;
	tc->time_wait_ms = 1; /* or the ports of some seconds of virtual time run out */
	tc->rcv_pinned_max = 64u << 20;
	tc->node = -1;
	tc->payload_pool = p->payload;
	tc->secrets = &h->secrets;
}

/* ---- RDMA and SMC ------------------------------------------------------------ */

static void roce_tx(void *ctx, void *path, struct rte_mbuf *m)
{
	struct pair_host *h = ctx;

	net_path_send(h->net, path, m, NET_TX_DATA);
}

static unsigned roce_room(void *ctx, void *path)
{
	return 512;
}

/* RoCE of the other host: all that comes is for the one device. */
static void udp_input(void *ctx, struct rte_mbuf **pkts, unsigned n)
{
	struct pair_host *h = ctx;

	for (unsigned i = 0; i < n; i++)
		rte_pktmbuf_adj(pkts[i], net_mbuf_meta(pkts[i])->l3_off);
	roce_input(h->roce, h->pair->now_us, pkts, n);
}

static void create_mem(struct pair_host *h, const struct rd_gid *gid)
{
	struct mem_config mc = { .mtu = 5, .n_gids = 1, .max_qps = 1024, .max_mrs = 65536, .qpn_base = 256 };

	snprintf(mc.name, sizeof(mc.name), "mem%u", h->idx);
	mc.gids[0] = *gid;
	mc.mac[5] = (uint8_t)(h->idx + 1);
	if (h->pair->fabric == NULL)
		check(mem_fabric_create(&h->pair->fabric), "mem_fabric_create");
	check(mem_create(&h->rd, h->pair->fabric, &mc), "mem_create");
}

static void create_roce(struct pair_host *h, const struct pair_conf *conf, const struct rd_gid *gid)
{
	struct roce_env env = { .ctx = h, .tx = roce_tx, .room = roce_room, .random = random_octets };
	struct net_proto udp = { .ctx = h, .input = udp_input };
	struct roce_config rc = {
		.ip_mtu = conf->mtu, .n_gids = 1, .max_qps = 1024, .max_mrs = 65536, .node = -1, .pool = h->pair->hdr,
	};

	snprintf(rc.name, sizeof(rc.name), "roce%u", h->idx);
	rc.gids[0] = *gid;
	rc.mac[0] = 2;
	rc.mac[5] = (uint8_t)(h->idx + 1);
	check(roce_create(&h->roce, &rc, &env, h->wheel), "roce_create");
	net_stack_register(h->net, IPPROTO_UDP, &udp);
	h->rd = roce_rd(h->roce);
}

static void add_region(struct rte_mempool *mp, void *opaque, struct rte_mempool_memhdr *mem, unsigned idx)
{
	struct smc_config *sc = opaque;

	check(sc->n_regions < SMC_MAX_REGIONS ? 0 : -ENOSPC, "regions");
	sc->regions[sc->n_regions++] = (struct smc_region){ mem->addr, mem->len };
}

/* As the appliance's arenas. */
static void add_regions(const struct pair_host *h, struct smc_config *sc)
{
	sc->regions[sc->n_regions++] = (struct smc_region){ h->smc_mem, SMC_MEM };
	rte_mempool_mem_iter(h->pair->hdr, add_region, sc);
	rte_mempool_mem_iter(h->pair->payload, add_region, sc);
}

/* NULL: the host has no SMC at all. */
static const struct smc_config *create_rdma(struct pair_host *h, const struct pair_conf *conf, struct smc_config *sc)
{
	struct net_addr addr = pair_addr(h->idx);
	struct rd_gid gid;

	if (conf->eid[h->idx] == NULL)
		return NULL;
	memcpy(gid.b, addr.b, sizeof(gid.b));
	smc_config_defaults(sc);
	if (conf->rdma[h->idx] == PAIR_MEM)
		create_mem(h, &gid);
	else if (conf->rdma[h->idx] == PAIR_ROCE)
		create_roce(h, conf, &gid);
	if (h->rd != NULL)
		sc->devs[sc->n_devs++] = (struct smc_dev_config){ .rd = h->rd };
	check(smc_eid_parse(&sc->eids[sc->n_eids++], conf->eid[h->idx]), "eid");
	snprintf(sc->hostname, sizeof(sc->hostname), "pair%u", h->idx);
	memcpy(sc->peer_id, (uint8_t[]){ 1, 2, 2, 0, 0, 0, 0, (uint8_t)(h->idx + 1) }, sizeof(sc->peer_id));
	sc->conns_max = conf->max_conns;
	sc->lgrs_per_peer = 64;
	sc->handshakes_max = sc->handshakes_per_peer = conf->max_conns;
	if (h->idx == 1)
		sc->buf_bytes_per_peer = conf->buf_bytes_per_peer;
	sc->failures = conf->forget_ms == 0 ? UINT32_MAX : 1;
	sc->forget_ms = conf->forget_ms;
	h->smc_mem = aligned_alloc(SMC_MEM_ALIGN, SMC_MEM);
	check(h->smc_mem == NULL ? -ENOMEM : 0, "smc memory");
	sc->mem = h->smc_mem;
	sc->mem_len = SMC_MEM;
	if (!conf->copy)
		add_regions(h, sc);
	return sc;
}

static void host_create(struct pair *p, const struct pair_conf *conf, unsigned i)
{
	struct pair_host *h = &p->hosts[i];
	struct net_env env = { .ctx = h, .tx = env_tx, .tx_room = env_room, .random = random_octets };
	struct sock_config sc = { .max_socks = conf->max_conns, .backlog = conf->max_conns, .node = -1 };
	const struct smc_config *smc;
	struct smc_config smc_conf;
	struct net_config nc;
	struct tcp_config tc;

	h->pair = p;
	h->idx = i;
	h->rng = i + 1;
	h->offloads = conf->offloads;
	h->wheel = calloc(1, sizeof(*h->wheel));
	check(h->wheel == NULL ? -ENOMEM : 0, "wheel");
	wheel_init(h->wheel, p->now_us);
	tcp_secrets_init(&h->secrets, random_octets, h);
	fill_net(p, conf, i, &nc);
	check(net_stack_create(&h->net, &nc, &env, h->wheel, p->now_us), "net_stack_create");
	fill_tcp(p, conf, h, &tc);
	smc = create_rdma(h, conf, &smc_conf);
	check(sock_stack_create(&h->ss, &sc, h->net, h->wheel, &tc, NULL, smc), "sock_stack_create");
	net_stack_start(h->net);
}

static struct rte_mempool *pool(const char *name, unsigned n, uint16_t room)
{
	int rc = 0;
	static unsigned serial;
	char unique[32];
	struct rte_mempool *mp;

	snprintf(unique, sizeof(unique), "%s-%u", name, serial++);
	mp = plain_pktmbuf_pool(unique, n, 256, NET_MBUF_PRIV_SIZE, room, -1, &rc);
	check(mp == NULL ? rc : 0, unique);
	return mp;
}

struct pair *pair_create(const struct pair_conf *conf)
{
	struct pair *p = calloc(1, sizeof(*p));

	check(p == NULL ? -ENOMEM : 0, "pair");
	p->now_us = 1000000;
	p->hdr = pool("pair-hdr", 16383, RTE_PKTMBUF_HEADROOM + 2048);
	p->payload = pool("pair-payload", 16383,
			  RTE_PKTMBUF_HEADROOM + (conf->payload_room != 0 ? conf->payload_room : 2048));
	p->ind = pool("pair-ind", 32767, 0);
	host_create(p, conf, 0);
	host_create(p, conf, 1);
	return p;
}

static void host_destroy(struct pair_host *h)
{
	sock_stack_destroy(h->ss);
	if (h->rd != NULL)
		rd_close(h->rd);
	free(h->smc_mem);
	net_stack_destroy(h->net);
	for (unsigned i = 0; i < h->n_rx; i++)
		rte_pktmbuf_free(h->rx[i]);
	free(h->rx);
	free(h->wheel);
}

void pair_destroy(struct pair *p)
{
	host_destroy(&p->hosts[0]);
	host_destroy(&p->hosts[1]);
	if (p->fabric != NULL)
		mem_fabric_destroy(p->fabric);
	rte_mempool_free(p->ind);
	rte_mempool_free(p->payload);
	rte_mempool_free(p->hdr);
	free(p);
}

struct pair_host *pair_host(struct pair *p, unsigned i) { return &p->hosts[i]; }
uint64_t pair_now(const struct pair *p) { return p->now_us; }

/* ---- the turn ------------------------------------------------------------------ */

static void host_turn(struct pair_host *h)
{
	struct rte_mbuf **rx = h->rx;
	unsigned n = h->n_rx;

	h->n_rx = 0;
	net_set_now(h->net, h->pair->now_us);
	for (unsigned i = 0; i < n; i += BURST)
		net_input(h->net, PAIR_PORT, rx + i, RTE_MIN(n - i, (unsigned)BURST));
	sock_poll(h->ss);
	wheel_advance(h->wheel, h->pair->now_us, 1024);
	sock_deliver(h->ss, 1024);
	sock_output(h->ss);
	if (h->roce != NULL)
		roce_output(h->roce, h->pair->now_us, 256);
}

/* What one sends is for the other's array, so it may be walked while frames are made. */
void pair_turn(struct pair *p)
{
	p->now_us += PAIR_TURN_US;
	host_turn(&p->hosts[0]);
	host_turn(&p->hosts[1]);
}

void pair_wait(struct pair *p, uint64_t us)
{
	uint64_t end = p->now_us + us;

	while (p->now_us < end) {
		bool idle = p->hosts[0].n_rx + p->hosts[1].n_rx == 0 && !sock_busy(p->hosts[0].ss) &&
			    !sock_busy(p->hosts[1].ss);
		uint64_t next = RTE_MIN(wheel_next_us(p->hosts[0].wheel), wheel_next_us(p->hosts[1].wheel));

		if (idle && next > p->now_us + PAIR_TURN_US)
			p->now_us = RTE_MIN(next, end) - PAIR_TURN_US;
		pair_turn(p);
	}
}
