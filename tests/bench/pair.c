/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/bench/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmd/base/arena.h"
#include "proto/net/offload.h"

#define BURST 32

struct pair {
	struct pair_host hosts[2];
	uint64_t now_us;
	struct rte_mempool *hdr, *ind, *payload;
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
	tc->rcv_pinned_max = 64u << 20;
	tc->node = -1;
	tc->payload_pool = p->payload;
	tc->secrets = &h->secrets;
}

static void host_create(struct pair *p, const struct pair_conf *conf, unsigned i)
{
	struct pair_host *h = &p->hosts[i];
	struct net_env env = { .ctx = h, .tx = env_tx, .tx_room = env_room, .random = random_octets };
	struct sock_config sc = { .max_socks = conf->max_conns, .backlog = conf->max_conns, .node = -1 };
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
	check(sock_stack_create(&h->ss, &sc, h->net, h->wheel, &tc, NULL, NULL), "sock_stack_create");
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
	p->payload = pool("pair-payload", 16383, RTE_PKTMBUF_HEADROOM + 2048);
	p->ind = pool("pair-ind", 32767, 0);
	host_create(p, conf, 0);
	host_create(p, conf, 1);
	return p;
}

static void host_destroy(struct pair_host *h)
{
	sock_stack_destroy(h->ss);
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
	wheel_advance(h->wheel, h->pair->now_us, 1024);
	sock_deliver(h->ss, 1024);
	sock_output(h->ss);
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
