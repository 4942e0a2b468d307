/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Several lcores behind one address, and the choice of ports. Two simulated hosts: A with some lcores, B with others.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/tcp/scenarios.h"

#define CONNS 400

struct side;

struct conn {
	struct side *side;
	struct tcp_conn *c;
	unsigned lcore;
	uint32_t received, closed;
};

struct side {
	struct sim_host *host;
	struct conn conns[CONNS];
	unsigned n, connected, echo;    /* echo: octets to send on accept */
};

static struct pair {
	struct script *sc;
	struct sim *sim;
	struct side a, b;
	unsigned wrong;                 /* octets out of place */
} p;

static void event(void *ctx, struct tcp_conn *c, void *user, unsigned events)
{
	struct conn *k = user;
	uint8_t buf[4096];
	uint32_t n;

	if ((events & TCP_EV_CONNECTED) != 0)
		k->side->connected++;
	while ((n = tcp_read(c, buf, sizeof(buf))) > 0)
		for (uint32_t i = 0; i < n; i++, k->received++)
			p.wrong += p.b.echo > 0 && buf[i] != script_pattern(true, k->received);
	if ((events & TCP_EV_CLOSED) != 0)
		k->closed++;
}

static int accepted(void *ctx, struct tcp_listener *l, struct tcp_conn *c)
{
	struct conn *k = &p.b.conns[p.b.n];
	uint8_t buf[4096];

	if (p.b.n == CONNS)
		return -EAGAIN;
	p.b.n++;
	*k = (struct conn){ .side = &p.b, .c = c };
	tcp_set_user(c, k);
	for (unsigned i = 0; i < p.b.echo; i++)
		buf[i] = script_pattern(true, i);
	if (p.b.echo > 0 && tcp_send(c, buf, p.b.echo) != (ssize_t)p.b.echo)
		script_fail(p.sc, "tcp_send on accept");
	return 0;
}

static struct sim_host *host(unsigned n, unsigned lcores, bool wrong, uint16_t port_min, uint16_t port_max)
{
	struct sim_host_conf conf;

	sim_host_defaults(&conf, n);
	conf.n_lcores = lcores;
	conf.rss_key_seed = 7 * n;
	conf.wrong_lcore = wrong;
	conf.ops.event = event;
	conf.tcp.max_conns = conf.tcp.time_wait_max = 2 * CONNS;
	conf.tcp.half_open_max = 4 * CONNS;
	conf.tcp.timestamps = true;
	if (port_min != 0) {
		conf.tcp.port_min = port_min;
		conf.tcp.port_max = port_max;
	}
	return sim_host_add(p.sim, &conf);
}

static void begin(struct script *sc, unsigned lcores_a, unsigned lcores_b, bool wrong, uint16_t port_min,
		  uint16_t port_max)
{
	const struct sim_wire w = { .delay_us = 200 };
	/* a quarter of the backlog is for one peer, and all SYNs come at once when it is known */
	struct tcp_listen_args la = { .port = rte_cpu_to_be_16(80), .backlog = 4 * CONNS, .accept = accepted };

	memset(&p, 0, sizeof(p));
	p.sc = sc;
	p.sim = sim_create(5, 1000000);
	p.a.host = host(11, lcores_a, wrong, port_min, port_max);
	p.b.host = host(12, lcores_b, wrong, 0, 0);
	if (sim_error(p.sim) != NULL) {
		script_fail(sc, "%s", sim_error(p.sim));
		return;
	}
	sim_connect(p.sim, p.a.host, p.b.host, &w, &w);
	for (unsigned i = 0; i < lcores_b; i++) {
		struct tcp_listener *l;

		if (tcp_listen(sim_tcp(p.b.host, i), &la, &l) != 0)
			script_fail(sc, "tcp_listen");
	}
}

static int open_one(unsigned lcore)
{
	struct conn *k = &p.a.conns[p.a.n];
	struct tcp_connect_args ca = {
		.raddr = sim_addr(0x0a00000c), .rport = rte_cpu_to_be_16(80), .user = k,
	};
	int rc = tcp_connect(sim_tcp(p.a.host, lcore), &ca, &k->c);

	if (rc != 0)
		return rc;
	k->side = &p.a;
	k->lcore = lcore;
	p.a.n++;
	return 0;
}

static void pass(uint64_t us)
{
	sim_settle(p.sim);
	sim_run(p.sim, sim_now(p.sim) + us);
}

static void close_all(struct side *s)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->conns[i].c != NULL)
			tcp_close(s->conns[i].c);
	s->n = 0;
	sim_settle(p.sim);
}

static void end(unsigned buffers)
{
	close_all(&p.a);
	close_all(&p.b);
	if (!sim_drain(p.sim, 600000000))
		script_fail(p.sc, "%u connections left", sim_objects(p.sim));
	if (p.wrong != 0)
		script_fail(p.sc, "%u octets are wrong", p.wrong);
	if (sim_error(p.sim) != NULL)
		script_fail(p.sc, "%s", sim_error(p.sim));
	sim_destroy(p.sim);
	if (sim_buffers_used() != buffers)
		script_fail(p.sc, "buffers leaked");
}

/* ---- 146 --------------------------------------------------------------- */

static void replies_come_home(struct script *sc)
{
	unsigned buffers = sim_buffers_used();

	begin(sc, 4, 4, false, 0, 0);
	for (unsigned i = 0; i < CONNS; i++)
		if (open_one(i % 4) != 0)
			script_fail(sc, "connect %u", i);
	pass(3000000);
	if (p.a.connected != CONNS || p.b.n != CONNS)
		script_fail(sc, "%u connected, %u accepted", p.a.connected, p.b.n);
	for (unsigned i = 0; i < p.a.n; i++) {
		struct tcp_info info;

		tcp_get_info(p.a.conns[i].c, &info);
		if (sim_owner(p.a.host, &info.flow) != p.a.conns[i].lcore)
			script_fail(sc, "connection %u belongs to lcore %u", i,
				sim_owner(p.a.host, &info.flow));
		if (rte_be_to_cpu_16(info.flow.lport) < 10240)
			script_fail(sc, "port %u", rte_be_to_cpu_16(info.flow.lport));
	}
	for (unsigned i = 0; i < 4; i++) {
		if (tcp_stats(sim_tcp(p.b.host, i))->passive_opens == 0)
			script_fail(sc, "no connection for lcore %u of B", i);
		if (tcp_stats(sim_tcp(p.a.host, i))->out_rsts + tcp_stats(sim_tcp(p.b.host,
			i))->out_rsts != 0)
			script_fail(sc, "RSTs on lcore %u", i);
	}
	end(buffers);
}

/* ---- 147 --------------------------------------------------------------- */

static void ports_exhausted(struct script *sc)
{
	unsigned buffers = sim_buffers_used();

	begin(sc, 1, 1, false, 20000, 20007);
	for (unsigned i = 0; i < 8; i++)
		if (open_one(0) != 0)
			script_fail(sc, "connect %u", i);
	if (open_one(0) != -EADDRNOTAVAIL)
		script_fail(sc, "a ninth port of eight");
	if (tcp_stats(sim_tcp(p.a.host, 0))->port_exhausted != 1)
		script_fail(sc, "not counted");
	pass(3000000); /* a SYN again: only three wait for ARP */
	close_all(&p.a);
	pass(100000);
	close_all(&p.b);
	pass(100000);
	if (tcp_stats(sim_tcp(p.a.host, 0))->time_wait != 8)
		script_fail(sc, "%lu in TIME-WAIT", (unsigned long)tcp_stats(sim_tcp(p.a.host,
			0))->time_wait);
	p.a.connected = 0;
	if (open_one(0) != -EADDRNOTAVAIL)
		script_fail(sc, "a tuple was used again within a second");
	pass(1200000);
	for (unsigned i = 0; i < 8; i++)
		if (open_one(0) != 0)
			script_fail(sc, "connect %u over TIME-WAIT", i);
	pass(1000000);
	if (p.a.connected != 8)
		script_fail(sc, "%u of 8 connected over TIME-WAIT", p.a.connected);
	end(buffers);
}

/* Each lcore finds only its own ports, and finds them all. */
static void ports_partitioned(struct script *sc)
{
	unsigned buffers = sim_buffers_used(), got = 0;

	begin(sc, 4, 1, false, 30000, 30199);
	for (unsigned lcore = 0; lcore < 4; lcore++)
		while (open_one(lcore) == 0)
			got++;
	if (got != 200)
		script_fail(sc, "%u of 200 ports were used", got);
	pass(3000000);
	if (p.a.connected != 200)
		script_fail(sc, "%u connected", p.a.connected);
	end(buffers);
}

/* ---- 148 --------------------------------------------------------------- */

static void wrong_lcore(struct script *sc)
{
	unsigned buffers = sim_buffers_used();

	begin(sc, 4, 4, true, 0, 0);
	p.b.echo = 4000;
	for (unsigned i = 0; i < 100; i++)
		if (open_one(i % 4) != 0)
			script_fail(sc, "connect %u", i);
	pass(5000000);
	for (unsigned i = 0; i < p.a.n; i++)
		if (p.a.conns[i].received != 4000)
			script_fail(sc, "connection %u received %u", i, p.a.conns[i].received);
	if (sim_handed_over(p.a.host) == 0 || sim_handed_over(p.b.host) == 0)
		script_fail(sc, "nothing arrived wrong");
	for (unsigned i = 0; i < 4; i++)
		if (tcp_stats(sim_tcp(p.a.host, i))->ooo_in != 0)
			script_fail(sc, "order was lost");
	end(buffers);
}

/* Fragments have no ports: lcore 0 reassembles and hands over. */
static void fragments_handed_over(struct script *sc)
{
	unsigned buffers = sim_buffers_used(), away = 0;

	begin(sc, 1, 4, false, 0, 0);
	for (unsigned i = 0; i < 16; i++) {
		uint8_t payload[100] = { 0 };
		struct wire_build b = {
			.smac = sim_mac(11), .dmac = sim_mac(12), .saddr = 0x0a00000b, .daddr = 0x0a00000c,
			.sport = (uint16_t)(1000 + i), .dport = 80, .flags = WIRE_SYN, .win = 1000,
				.len = 100,
			.payload = payload,
		};
		struct wire_frame *f = wire_tcp_build(&b), *one = wire_fragment(f, 0, 64, true);

		one->next = wire_fragment(f, 64, 120, false);
		wire_free(f);
		sim_inject(p.b.host, one);
		sim_settle(p.sim);
	}
	for (unsigned i = 1; i < 4; i++)
		away += (unsigned)tcp_stats(sim_tcp(p.b.host, i))->half_open;
	if (away == 0 || away + tcp_stats(sim_tcp(p.b.host, 0))->half_open != 16)
		script_fail(sc, "%u half-open elsewhere", away);
	if (sim_handed_over(p.b.host) != away)
		script_fail(sc, "%lu handed over", (unsigned long)sim_handed_over(p.b.host));
	end(buffers);
}

/* One neighbour table for all: learnt on lcore 0, one request a second. */
static void neighbours_shared(struct script *sc)
{
	unsigned buffers = sim_buffers_used();

	begin(sc, 4, 1, false, 0, 0);
	for (unsigned i = 0; i < 4; i++)
		open_one(i);
	pass(1000000);
	if (p.a.connected != 4)
		script_fail(sc, "%u connected", p.a.connected);
	if (net_stats(sim_net(p.a.host, 0))->arp_requests != 1)
		script_fail(sc, "%lu ARP requests", (unsigned long)net_stats(sim_net(p.a.host,
			0))->arp_requests);
	end(buffers);
}

/* A path MTU told by another lcore holds for what is opened here. */
static void path_mtu_shared(struct script *sc)
{
	unsigned buffers = sim_buffers_used();
	struct net_addr dst = sim_addr(0x0a00000c);

	begin(sc, 4, 1, false, 0, 0);
	for (unsigned i = 0; i < 4; i++) {
		net_pmtu_apply(sim_net(p.a.host, i), &dst, 1000);
		open_one(i);
	}
	pass(1000000);
	for (unsigned i = 0; i < p.a.n; i++) {
		struct tcp_info info;

		tcp_get_info(p.a.conns[i].c, &info);
		if (info.snd_mss > 960 || info.snd_mss < 900)
			script_fail(sc, "lcore %u: MSS %u", p.a.conns[i].lcore, info.snd_mss);
	}
	end(buffers);
}

static const struct scenario list[] = {
	{ "146_replies_come_home", NULL, .skip = SCRIPT_WRAP | SCRIPT_OFFLOAD, .fn = replies_come_home },
	{ "147_ports_exhausted", NULL, .skip = SCRIPT_WRAP | SCRIPT_OFFLOAD, .fn = ports_exhausted },
	{ "147_ports_partitioned", NULL, .skip = SCRIPT_WRAP | SCRIPT_OFFLOAD, .fn = ports_partitioned },
	{ "148_wrong_lcore", NULL, .skip = SCRIPT_WRAP | SCRIPT_OFFLOAD, .fn = wrong_lcore },
	{ "148_fragments_handed_over", NULL, .skip = SCRIPT_WRAP | SCRIPT_OFFLOAD,
		.fn = fragments_handed_over },
	{ "148_neighbours_shared", NULL, .skip = SCRIPT_WRAP | SCRIPT_OFFLOAD, .fn = neighbours_shared },
	{ "148_path_mtu_shared", NULL, .skip = SCRIPT_WRAP | SCRIPT_OFFLOAD, .fn = path_mtu_shared },
};

RUN_TABLE(steering, list)
