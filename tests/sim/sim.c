/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "pmd/base/arena.h"
#include "tests/sim/sim_impl.h"

#define BURST 32
#define SETTLE_TURNS 100000 /* a stack that stays busy that long never sleeps */

static struct sim_pools pools;
static struct arena *arena;

/* ---- pools ------------------------------------------------------------- */

static struct rte_mempool *buffers(const char *name, unsigned n)
{
	int rc;
	struct rte_mempool *p = arena_pktmbuf_pool(arena, name, n, 0, NET_MBUF_PRIV_SIZE,
						   RTE_PKTMBUF_HEADROOM + 2048, &rc);

	if (p == NULL) {
		fprintf(stderr, "pool %s: %d\n", name, rc);
		exit(EXIT_FAILURE);
	}
	return p;
}

static struct rte_mempool *plain(const char *name, unsigned n, uint16_t room)
{
	int rc;
	struct rte_mempool *p = plain_pktmbuf_pool(name, n, 0, NET_MBUF_PRIV_SIZE, room, -1, &rc);

	if (p == NULL) {
		fprintf(stderr, "pool %s: %d\n", name, rc);
		exit(EXIT_FAILURE);
	}
	return p;
}

const struct sim_pools *sim_pools(void)
{
	const unsigned rx = 8191, hdr = 8191, payload = 4095;
	int rc;

	if (pools.rx != NULL)
		return &pools;
	rc = arena_create(&arena, "sim", arena_pool_size(rx, RTE_PKTMBUF_HEADROOM + 2048) +
			  arena_pool_size(payload, RTE_PKTMBUF_HEADROOM + 2048), -1, false);
	if (rc != 0) {
		fprintf(stderr, "arena: %d\n", rc);
		exit(EXIT_FAILURE);
	}
	pools.rx = buffers("sim-rx", rx);
	pools.payload = buffers("sim-payload", payload);
	pools.hdr = plain("sim-hdr", hdr, RTE_PKTMBUF_HEADROOM + 2048);
	pools.ind = plain("sim-ind", 16383, 0);
	return &pools;
}

unsigned sim_buffers_used(void)
{
	const struct sim_pools *p = sim_pools();

	return rte_mempool_in_use_count(p->rx) + rte_mempool_in_use_count(p->hdr) +
	       rte_mempool_in_use_count(p->ind) + rte_mempool_in_use_count(p->payload);
}

/* ---- what the stacks ask of their owner -------------------------------- */

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static void env_random(void *ctx, void *buf, size_t len)
{
	struct sim_lcore *lc = ctx;
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)next_random(&lc->host->rng);
}

static void env_tx(void *ctx, const struct net_if *ifp, struct rte_mbuf *m, enum net_tx_class cls)
{
	struct sim_lcore *lc = ctx;

	sim_transmit(lc->host, m);
}

static unsigned env_tx_room(void *ctx, const struct net_if *ifp)
{
	return 512;
}

static struct sim_msg *message(struct sim_lcore *lc, enum sim_msg_kind kind)
{
	if (lc->n_msgs == lc->max_msgs) {
		lc->max_msgs = lc->max_msgs == 0 ? 16 : lc->max_msgs * 2;
		lc->msgs = realloc(lc->msgs, lc->max_msgs * sizeof(*lc->msgs));
		if (lc->msgs == NULL)
			abort();
	}
	lc->msgs[lc->n_msgs] = (struct sim_msg){ .kind = kind };
	return &lc->msgs[lc->n_msgs++];
}

static void env_neigh_ask(void *ctx, uint8_t ifx, const struct net_addr *addr, bool confirm)
{
	struct sim_lcore *lc = ctx;
	struct sim_msg *msg = message(&lc->host->lcores[0], SIM_MSG_NEIGH_ASK);

	msg->info.ifx = ifx;
	msg->info.addr = *addr;
	msg->confirm = confirm;
}

static void env_neigh_publish(void *ctx, const struct net_neigh_info *info)
{
	struct sim_lcore *lc = ctx;

	for (unsigned i = 1; i < lc->host->conf.n_lcores; i++)
		message(&lc->host->lcores[i], SIM_MSG_NEIGH)->info = *info;
}

static void env_pmtu_publish(void *ctx, const struct net_addr *dst, uint16_t mtu)
{
	struct sim_lcore *lc = ctx;

	for (unsigned i = 0; i < lc->host->conf.n_lcores; i++) {
		if (i == lc->id)
			continue;
		struct sim_msg *msg = message(&lc->host->lcores[i], SIM_MSG_PMTU);

		msg->info.addr = *dst;
		msg->mtu = mtu;
	}
}

static bool env_steer(void *ctx, struct rte_mbuf *m, const struct net_flow *flow)
{
	struct sim_lcore *lc = ctx;
	unsigned owner = sim_owner(lc->host, flow);

	if (owner == lc->id)
		return false;
	lc->host->handed_over++;
	sim_queue_push(&lc->host->lcores[owner].steered, m);
	return true;
}

static void env_conflict(void *ctx, const struct net_if *ifp, const struct net_addr *addr,
			 const struct rte_ether_addr *mac)
{
	struct sim_lcore *lc = ctx;

	if (lc->host->conf.conflict != NULL)
		lc->host->conf.conflict(lc->host->conf.tap_ctx, addr);
}

static bool steering_owns(void *ctx, const struct net_flow *flow)
{
	struct sim_lcore *lc = ctx;

	return sim_owner(lc->host, flow) == lc->id;
}

/* ---- hosts ------------------------------------------------------------- */

struct rte_ether_addr sim_mac(unsigned n)
{
	return (struct rte_ether_addr){ { 0x02, 0x00, 0x00, 0x00, (uint8_t)(n >> 8), (uint8_t)n } };
}

struct net_addr sim_addr(uint32_t host_order)
{
	return net_addr_v4(rte_cpu_to_be_32(host_order));
}

void sim_host_defaults(struct sim_host_conf *conf, unsigned n)
{
	struct net_if *ifp = &conf->net.ifs[0];

	memset(conf, 0, sizeof(*conf));
	conf->n_lcores = 1;
	conf->addr = 0x0a000000 + n;
	ifp->port = SIM_PORT;
	ifp->mtu = 1500;
	ifp->tso_max = 65000;
	ifp->mac = sim_mac(n);
	ifp->n_addrs = 1;
	ifp->addrs[0] = (struct net_if_addr){ sim_addr(conf->addr), 24 };
	snprintf(ifp->name, sizeof(ifp->name), "sim%u", n);
	conf->net.n_ifs = 1;
	conf->net.neigh_max = 64;
	conf->net.neigh_unresolved_max = 16;
	conf->net.neigh_reachable_ms = 30000;
	conf->net.neigh_queue = 3;
	conf->net.ttl = 64;
	conf->net.frag_max = 16;
	conf->net.frag_timeout_ms = 30000;
	conf->net.icmp_rate = 1000;
	conf->net.node = -1;
	tcp_config_defaults(&conf->tcp);
	conf->tcp.max_conns = 256;
	conf->tcp.half_open_max = 128;
	conf->tcp.time_wait_max = 128;
	conf->tcp.rcv_pinned_max = 8u << 20;
	conf->tcp.node = -1;
}

static int lcore_create(struct sim_lcore *lc)
{
	struct sim_host *h = lc->host;
	struct net_env env = {
		.ctx = lc, .tx = env_tx, .tx_room = env_tx_room, .random = env_random,
			.conflict = env_conflict,
	};
	bool many = h->conf.n_lcores > 1;
	int rc;

	if (many) {
		env.neigh_ask = env_neigh_ask;
		env.neigh_publish = env_neigh_publish;
		env.pmtu_publish = env_pmtu_publish;
		env.steer = env_steer;
	}
	lc->wheel = calloc(1, sizeof(*lc->wheel));
	if (lc->wheel == NULL)
		return -ENOMEM;
	wheel_init(lc->wheel, h->sim->now_us);
	h->conf.net.neigh_owner = lc->id == 0;
	rc = net_stack_create(&lc->net, &h->conf.net, &env, lc->wheel, h->sim->now_us);
	if (rc != 0)
		return rc;
	lc->steering = (struct tcp_steering){ .ctx = lc, .owns = steering_owns };
	if (h->conf.upper != NULL) {
		rc = h->conf.upper->create(h->conf.upper->ctx, h, &h->conf.tcp, &lc->tcp);
		if (rc == 0)
			net_stack_start(lc->net);
		return rc;
	}
	rc = tcp_stack_create(&lc->tcp, lc->net, lc->wheel, &h->conf.tcp, &h->conf.ops, h->conf.ops_ctx,
			      many ? &lc->steering : NULL);
	if (rc == 0)
		net_stack_start(lc->net);
	return rc;
}

struct sim_host *sim_host_add(struct sim *s, const struct sim_host_conf *conf)
{
	struct sim_host *h = calloc(1, sizeof(*h));
	uint8_t key[TOEPLITZ_KEY_LEN];
	uint64_t key_state = conf->rss_key_seed + 1;
	int rc;

	if (h == NULL || s->n_hosts == SIM_MAX_HOSTS)
		abort();
	h->sim = s;
	h->idx = s->n_hosts;
	h->conf = *conf;
	h->rng = next_random(&s->rng);
	s->hosts[s->n_hosts++] = h;
	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)next_random(&key_state);
	toeplitz_init(&h->rss, key);
	h->conf.net.hdr_pool = sim_pools()->hdr;
	h->conf.net.ind_pool = sim_pools()->ind;
	h->conf.tcp.payload_pool = sim_pools()->payload;
	h->conf.tcp.secrets = &h->secrets;
	for (unsigned i = 0; i < conf->n_lcores; i++) {
		h->lcores[i].host = h;
		h->lcores[i].id = i;
	}
	tcp_secrets_init(&h->secrets, env_random, &h->lcores[0]);
	for (unsigned i = 0; i < conf->n_lcores; i++) {
		rc = lcore_create(&h->lcores[i]);
		if (rc != 0) {
			sim_fail(s, "host %u lcore %u: %d", h->idx, i, rc);
			return NULL;
		}
	}
	return h;
}

static void queue_free(struct sim_queue *q)
{
	for (unsigned i = 0; i < q->n; i++)
		rte_pktmbuf_free(q->m[i]);
	free(q->m);
}

static void host_destroy(struct sim_host *h)
{
	for (unsigned i = 0; i < h->conf.n_lcores; i++) {
		struct sim_lcore *lc = &h->lcores[i];

		if (lc->tcp != NULL && h->conf.upper != NULL)
			h->conf.upper->destroy(h->conf.upper->ctx);
		else if (lc->tcp != NULL)
			tcp_stack_destroy(lc->tcp);
		if (lc->net != NULL)
			net_stack_destroy(lc->net);
		free(lc->wheel);
		queue_free(&lc->rx);
		queue_free(&lc->steered);
		free(lc->msgs);
	}
	free(h);
}

void sim_connect(struct sim *s, struct sim_host *a, struct sim_host *b, const struct sim_wire *ab,
		 const struct sim_wire *ba)
{
	a->peer = b;
	b->peer = a;
	a->wire = *ab;
	b->wire = *ba;
}

struct sim_wire *sim_wire(struct sim_host *from) { return &from->wire; }
const struct sim_wire_stats *sim_wire_stats(const struct sim_host *from) { return &from->stats; }
struct tcp_secrets *sim_secrets(struct sim_host *h) { return &h->secrets; }
struct tcp_stack *sim_tcp(struct sim_host *h, unsigned lcore) { return h->lcores[lcore].tcp; }
struct net_stack *sim_net(struct sim_host *h, unsigned lcore) { return h->lcores[lcore].net; }
struct wheel *sim_wheel(struct sim_host *h, unsigned lcore) { return h->lcores[lcore].wheel; }
struct net_if *sim_if(struct sim_host *h) { return net_if_get(h->lcores[0].net, 0); }
uint64_t sim_handed_over(const struct sim_host *h) { return h->handed_over; }

unsigned sim_owner(const struct sim_host *h, const struct net_flow *f)
{
	uint32_t hash = toeplitz_v4(&h->rss, net_flow_raddr4(f), net_flow_laddr4(f), f->rport, f->lport);

	return (hash & (SIM_RETA - 1)) % h->conf.n_lcores;
}

/* ---- world and time ---------------------------------------------------- */

struct sim *sim_create(uint64_t seed, uint64_t start_us)
{
	struct sim *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->rng = seed;
	s->now_us = start_us;
	sim_pools();
	return s;
}

void sim_destroy(struct sim *s)
{
	for (unsigned i = 0; i < s->n_hosts; i++)
		host_destroy(s->hosts[i]);
	sim_events_free(s);
	free(s);
}

uint64_t sim_now(const struct sim *s) { return s->now_us; }
uint64_t sim_random(struct sim *s) { return next_random(&s->rng); }
const char *sim_error(const struct sim *s) { return s->error[0] != '\0' ? s->error : NULL; }

void sim_fail(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	if (s->error[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(s->error, sizeof(s->error), fmt, ap);
	va_end(ap);
}

static void take_messages(struct sim_lcore *lc)
{
	for (unsigned i = 0; i < lc->n_msgs; i++) {
		struct sim_msg msg = lc->msgs[i];

		if (msg.kind == SIM_MSG_NEIGH)
			net_neigh_apply(lc->net, &msg.info);
		else if (msg.kind == SIM_MSG_NEIGH_ASK)
			net_neigh_asked(lc->net, msg.info.ifx, &msg.info.addr, msg.confirm);
		else
			net_pmtu_apply(lc->net, &msg.info.addr, msg.mtu);
	}
	lc->n_msgs = 0;
}

/* One turn of a pipeline, in its order. */
static void turn(struct sim_lcore *lc)
{
	struct sim_queue rx = lc->rx, steered = lc->steered;
	const struct sim_upper *up = lc->host->conf.upper;

	memset(&lc->rx, 0, sizeof(lc->rx));
	memset(&lc->steered, 0, sizeof(lc->steered));
	net_set_now(lc->net, lc->host->sim->now_us);
	for (unsigned i = 0; i < rx.n; i += BURST)
		net_input(lc->net, SIM_PORT, rx.m + i, RTE_MIN(rx.n - i, (unsigned)BURST));
	for (unsigned i = 0; i < steered.n; i += BURST)
		net_input_steered(lc->net, steered.m + i, RTE_MIN(steered.n - i, (unsigned)BURST));
	free(rx.m);
	free(steered.m);
	if (up != NULL)
		up->poll(up->ctx);
	wheel_advance(lc->wheel, lc->host->sim->now_us, 1024);
	take_messages(lc);
	if (up != NULL) {
		up->deliver(up->ctx);
		up->output(up->ctx);
	} else {
		tcp_deliver(lc->tcp, 1024);
		tcp_output(lc->tcp);
	}
}

static bool pending(const struct sim_lcore *lc)
{
	const struct sim_upper *up = lc->host->conf.upper;

	return lc->rx.n > 0 || lc->steered.n > 0 || lc->n_msgs > 0 || tcp_busy(lc->tcp) ||
	       (up != NULL && up->busy(up->ctx)) ||
	       wheel_next_us(lc->wheel) <= lc->host->sim->now_us;
}

void sim_settle(struct sim *s)
{
	/* Each lcore gets a turn at least, for what was asked by calls. */
	for (unsigned n = 0; n < SETTLE_TURNS; n++) {
		bool busy = false;

		for (unsigned i = 0; i < s->n_hosts; i++) {
			for (unsigned k = 0; k < s->hosts[i]->conf.n_lcores; k++) {
				struct sim_lcore *lc = &s->hosts[i]->lcores[k];

				if (n > 0 && !pending(lc))
					continue;
				turn(lc);
				busy |= pending(lc);
			}
		}
		if (s->n_events > 0 && s->heap[0].at_us <= s->now_us) {
			sim_events_run(s);
			busy = true;
		}
		if (!busy)
			return;
	}
	sim_fail(s, "a stack stays busy without time passing");
}

uint64_t sim_next(const struct sim *s)
{
	uint64_t next = s->n_events > 0 ? s->heap[0].at_us : SIM_NEVER;

	for (unsigned i = 0; i < s->n_hosts; i++)
		for (unsigned k = 0; k < s->hosts[i]->conf.n_lcores; k++)
			next = RTE_MIN(next, wheel_next_us(s->hosts[i]->lcores[k].wheel));
	return next;
}

void sim_step(struct sim *s, uint64_t until)
{
	uint64_t next = RTE_MIN(sim_next(s), until);

	s->now_us = RTE_MAX(next, s->now_us + 1);
	sim_events_run(s);
	sim_settle(s);
}

void sim_run(struct sim *s, uint64_t until)
{
	while (s->now_us < until && s->error[0] == '\0')
		sim_step(s, until);
}

uint32_t sim_objects(const struct sim *s)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < s->n_hosts; i++)
		for (unsigned k = 0; k < s->hosts[i]->conf.n_lcores; k++)
			n += tcp_objects(s->hosts[i]->lcores[k].tcp);
	return n;
}

bool sim_drain(struct sim *s, uint64_t limit_us)
{
	uint64_t end = s->now_us + limit_us;

	while (s->now_us < end && (sim_objects(s) > 0 || s->n_events > 0))
		sim_step(s, end);
	return sim_objects(s) == 0 && s->n_events == 0;
}
