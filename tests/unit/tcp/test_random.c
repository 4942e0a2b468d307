/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two stacks over a bad wire: whatever is lost, reordered, duplicated or
 * damaged, both streams arrive whole and in order, both ends close, and
 * nothing is left behind. Seeds are fixed; TCP_RANDOM_RUNS=N or the full tier (SMCGATE_TEST_FULL) take more.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/script.h"
#include "tests/unit/test.h"

#define PATIENCE_US (3600 * 1000000ull) /* of virtual time for one run */
#define POLL_US 20000

struct profile {
	const char *name;
	uint32_t loss_ppm, reorder_ppm, dup_ppm, corrupt_ppm, delay_us, queue;
	uint64_t rate_bps;
	uint32_t bytes[2];              /* each way */
	uint32_t rcvbuf, mtu, offloads;
	bool whole, slow, no_sack, no_ts, tiny, chaos;
	const char *congestion;
};

static const struct profile profiles[] = {
	{ "perfect", .delay_us = 500, .bytes = { 400000, 400000 } },
	{ "no_delay", .bytes = { 300000, 1 } },
	{ "loss_1", .loss_ppm = 10000, .delay_us = 5000, .bytes = { 300000, 300000 } },
	{ "loss_5", .loss_ppm = 50000, .delay_us = 2000, .bytes = { 150000, 150000 } },
	{ "loss_5_slow_path", .loss_ppm = 50000, .delay_us = 2000, .bytes = { 100000, 100000 },
		.slow = true },
	{ "loss_3_no_sack", .loss_ppm = 30000, .delay_us = 2000, .bytes = { 100000, 100000 },
		.no_sack = true },
	{ "loss_3_no_ts", .loss_ppm = 30000, .delay_us = 2000, .bytes = { 100000, 100000 }, .no_ts = true },
	{ "loss_3_plain", .loss_ppm = 30000, .delay_us = 2000, .bytes = { 60000, 60000 }, .no_ts = true,
		.no_sack = true,
	  .congestion = "newreno" },
	{ "reorder", .reorder_ppm = 100000, .delay_us = 3000, .bytes = { 300000, 300000 } },
	{ "duplicate", .dup_ppm = 100000, .delay_us = 3000, .bytes = { 300000, 300000 } },
	{ "corrupt", .corrupt_ppm = 20000, .delay_us = 3000, .bytes = { 150000, 150000 } },
	{ "everything", .loss_ppm = 20000, .reorder_ppm = 50000, .dup_ppm = 20000, .corrupt_ppm = 10000,
		.delay_us = 4000,
	  .bytes = { 150000, 150000 }, .chaos = true },
	{ "everything_newreno", .loss_ppm = 20000, .reorder_ppm = 50000, .dup_ppm = 20000,
		.corrupt_ppm = 10000,
	  .delay_us = 4000, .bytes = { 80000, 80000 }, .congestion = "newreno", .slow = true },
	{ "small_windows", .loss_ppm = 10000, .delay_us = 1000, .bytes = { 60000, 60000 }, .rcvbuf = 4096,
		.chaos = true },
	{ "tiny_writes", .loss_ppm = 10000, .delay_us = 1000, .bytes = { 20000, 20000 }, .tiny = true },
	{ "mtu_576", .loss_ppm = 10000, .delay_us = 1000, .bytes = { 60000, 60000 }, .mtu = 576 },
	{ "narrow_wire", .delay_us = 10000, .rate_bps = 10000000, .queue = 20, .bytes = { 400000, 50000 } },
	{ "tso", .loss_ppm = 10000, .delay_us = 2000, .bytes = { 400000, 400000 },
	  .offloads = NET_TX_IP_CKSUM | NET_TX_TCP_CKSUM | NET_TX_TSO | NET_TX_MULTI_SEG | NET_RX_CKSUM },
	{ "super_segments_across", .loss_ppm = 5000, .delay_us = 2000, .bytes = { 600000, 600000 },
		.whole = true,
	  .offloads = NET_TX_IP_CKSUM | NET_TX_TCP_CKSUM | NET_TX_TSO | NET_TX_MULTI_SEG | NET_RX_CKSUM },
	{ "half_close", .loss_ppm = 10000, .delay_us = 2000, .bytes = { 0, 200000 } },
	{ "loss_10", .loss_ppm = 100000, .reorder_ppm = 100000, .delay_us = 1000, .bytes = { 150000, 50000 } },
	{ "nothing", .loss_ppm = 100000, .delay_us = 2000, .bytes = { 0, 0 } },
};

struct run;

struct end {
	struct run *run;
	unsigned idx;
	struct tcp_conn *c;
	uint32_t written, consumed, target, expect;
	unsigned pause;                 /* polls without reading */
	bool connected, shut, done;
	int error;
};

/* What one direction's segments say about the window. */
struct edge {
	uint32_t right, isn;
	bool seen;
	uint8_t scale;
};

struct run {
	const struct profile *p;
	uint64_t seed, rng;
	struct sim *sim;
	struct sim_host *hosts[2];
	struct end ends[2];
	struct edge edges[2];
	struct hook {
		struct run *run;
		unsigned from;
	} hooks[2];
	char failure[160];
};

static void fail(struct run *r, const char *what, long a, long b)
{
	if (r->failure[0] == '\0')
		snprintf(r->failure, sizeof(r->failure), "%s (%ld, %ld)", what, a, b);
}

/* ---- application ------------------------------------------------------- */

static void end_event(void *ctx, struct tcp_conn *c, void *user, unsigned events)
{
	struct end *e = user;

	if ((events & TCP_EV_CONNECTED) != 0)
		e->connected = true;
	if ((events & TCP_EV_CLOSED) != 0) {
		struct tcp_info info;

		tcp_get_info(c, &info);
		e->error = info.error;
		if (info.error != 0)
			fail(e->run, "connection died", info.error, e->idx);
	}
}

static int end_accept(void *ctx, struct tcp_listener *l, struct tcp_conn *c)
{
	struct end *e = ctx;

	if (e->c != NULL)
		return -EAGAIN;
	e->c = c;
	e->connected = true;
	tcp_set_user(c, e);
	return 0;
}

static void end_write(struct end *e)
{
	uint32_t max = e->run->p->tiny ? 20 : 20000;
	uint32_t n = 1 + (uint32_t)(test_random(&e->run->rng) % max);
	uint8_t buf[20000];
	ssize_t rc;

	if (n > e->target - e->written)
		n = e->target - e->written;
	for (uint32_t i = 0; i < n; i++)
		buf[i] = script_pattern(e->idx == 0, e->written + i);
	rc = n > 0 ? tcp_send(e->c, buf, n) : 0;
	if (rc > 0)
		e->written += (uint32_t)rc;
	else if (rc < 0 && rc != -EAGAIN)
		fail(e->run, "tcp_send", (long)rc, e->idx);
	if (e->written == e->target && !e->shut) {
		e->shut = true;
		if (tcp_shutdown(e->c) != 0)
			fail(e->run, "tcp_shutdown", e->idx, 0);
	}
}

static void end_read(struct end *e)
{
	uint8_t buf[30000];
	uint32_t want = 1 + (uint32_t)(test_random(&e->run->rng) % (e->run->p->chaos ? 3000 : sizeof(buf))),
		n;

	n = tcp_read(e->c, buf, want);
	for (uint32_t i = 0; i < n; i++)
		if (buf[i] != script_pattern(e->idx != 0, e->consumed + i)) {
			fail(e->run, "stream differs at", (long)(e->consumed + i), e->idx);
			return;
		}
	e->consumed += n;
}

static void end_check(struct end *e)
{
	struct tcp_info info;

	tcp_get_info(e->c, &info);
	if (info.state != TCP_CLOSED && info.state > TCP_SYN_RECEIVED && info.cwnd < info.snd_mss)
		fail(e->run, "cwnd below one segment", info.cwnd, info.snd_mss);
	if (info.unacked > info.sndbuf_max + 70000)
		fail(e->run, "send queue beyond its limit", info.unacked, info.sndbuf_max);
	if (info.bytes_in > e->expect)
		fail(e->run, "more octets in than sent", (long)info.bytes_in, (long)e->expect);
}

static void end_poll(struct end *e)
{
	if (e->c == NULL || e->done || !e->connected)
		return;
	if (!e->shut)
		end_write(e);
	if (e->pause > 0)
		e->pause--;
	else
		end_read(e);
	if (e->run->p->chaos && test_random(&e->run->rng) % 50 == 0)
		e->pause = (unsigned)(test_random(&e->run->rng) % 100);
	end_check(e);
	if (e->shut && tcp_eof(e->c)) {
		if (e->consumed != e->expect)
			fail(e->run, "EOF after", (long)e->consumed, (long)e->expect);
		e->done = true;
		tcp_close(e->c);
		e->c = NULL;
	}
}

/* ---- wire -------------------------------------------------------------- */

/* Sees every frame of a direction; the right edge must not move left. */
static bool watch(void *ctx, const struct wire_frame *f, uint64_t n)
{
	struct hook *h = ctx;
	struct run *r = h->run;
	unsigned from = h->from;
	struct edge *e = &r->edges[from];
	const uint8_t *ws;
	struct wire_tcp t;
	uint32_t right;

	if (!wire_tcp_parse(f, &t) || (t.flags & WIRE_RST) != 0)
		return false;
	for (uint32_t i = 0; i < t.len; i++)
		if (t.payload[i] != script_pattern(from == 0, t.seq - e->isn - 1 + i)) {
			fail(r, "wrong octet on the wire at", (long)(t.seq - e->isn - 1 + i), from);
			break;
		}
	if ((t.flags & WIRE_SYN) != 0) {
		e->isn = t.seq;
		ws = NULL;
		for (unsigned i = 0; i + 2 < t.opt_len; i++)
			if (t.opt[i] == 3 && t.opt[i + 1] == 3)
				ws = t.opt + i + 2;
		e->scale = ws != NULL ? *ws : 0;
	}
	if ((t.flags & WIRE_ACK) == 0)
		return false;
	right = t.ack + ((uint32_t)t.win << ((t.flags & WIRE_SYN) != 0 ? 0 : e->scale));
	/* The field's unit may swallow less than a unit (window.c); what was promised is accepted still. */
	if (e->seen && (int32_t)(e->right - right) >= 1 << e->scale && (t.flags & WIRE_SYN) == 0)
		fail(r, "right edge moved left by", (long)(e->right - right), 0);
	e->right = right;
	e->seen = true;
	return false;
}

static void make_host(struct run *r, unsigned i)
{
	const struct profile *p = r->p;
	struct sim_host_conf conf;

	sim_host_defaults(&conf, i + 1);
	conf.ops.event = end_event;
	conf.whole = p->whole;
	conf.net.ifs[0].offloads = p->offloads;
	if (p->mtu != 0)
		conf.net.ifs[0].mtu = (uint16_t)p->mtu;
	conf.tcp.fast_path = !p->slow;
	conf.tcp.sack = !p->no_sack;
	conf.tcp.timestamps = !p->no_ts;
	conf.tcp.retries = 30;
	conf.tcp.orphan_retries = 12;
	if (p->congestion != NULL)
		conf.tcp.congestion = p->congestion;
	if (p->rcvbuf != 0)
		conf.tcp.rcvbuf_initial = conf.tcp.rcvbuf_max = p->rcvbuf;
	r->hosts[i] = sim_host_add(r->sim, &conf);
	r->ends[i] = (struct end){ .run = r, .idx = i, .target = p->bytes[i], .expect = p->bytes[1 - i] };
}

static void make_world(struct run *r)
{
	const struct profile *p = r->p;
	struct sim_wire w = {
		.delay_us = p->delay_us, .rate_bps = p->rate_bps, .queue = p->queue, .loss_ppm = p->loss_ppm,
		.dup_ppm = p->dup_ppm, .corrupt_ppm = p->corrupt_ppm, .reorder_ppm = p->reorder_ppm,
		.reorder_us = 4000, .drop = watch,
	}, back = w;

	r->sim = sim_create(r->seed, 1000000 + r->seed * 977);
	r->rng = r->seed * 7919;
	for (unsigned i = 0; i < 2; i++) {
		make_host(r, i);
		r->hooks[i].run = r;
		r->hooks[i].from = i;
	}
	w.drop_ctx = &r->hooks[0];
	back.drop_ctx = &r->hooks[1];
	sim_connect(r->sim, r->hosts[0], r->hosts[1], &w, &back);
}

static void open_both(struct run *r)
{
	struct tcp_listen_args la = {
		.port = rte_cpu_to_be_16(80), .backlog = 8, .accept = end_accept, .ctx = &r->ends[1],
	};
	struct tcp_connect_args ca = {
		.raddr = sim_addr(SCRIPT_P), .rport = rte_cpu_to_be_16(80), .user = &r->ends[0],
	};
	struct tcp_listener *l;

	if (tcp_listen(sim_tcp(r->hosts[1], 0), &la, &l) != 0)
		fail(r, "tcp_listen", 0, 0);
	if (tcp_connect(sim_tcp(r->hosts[0], 0), &ca, &r->ends[0].c) != 0)
		fail(r, "tcp_connect", 0, 0);
}

/* What came damaged was noticed, all of it. */
static void check_counters(struct run *r)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct net_stats *s = net_stats(sim_net(r->hosts[i], 0));
		uint64_t bad = s->drop[DROP_TCP_CKSUM] + s->drop[DROP_TCP_OFFSET] + s->drop[DROP_TCP_SHORT];

		if (bad != sim_wire_stats(r->hosts[1 - i])->corrupted)
			fail(r, "damaged frames unnoticed", (long)bad,
				(long)sim_wire_stats(r->hosts[1 - i])->corrupted);
		if (tcp_stats(sim_tcp(r->hosts[i], 0))->curr_estab != 0)
			fail(r, "curr_estab", (long)tcp_stats(sim_tcp(r->hosts[i], 0))->curr_estab, i);
	}
}

static bool run_once(const struct profile *p, uint64_t seed)
{
	struct run r = { .p = p, .seed = seed };
	unsigned before = sim_buffers_used();
	uint64_t end;

	make_world(&r);
	open_both(&r);
	end = sim_now(r.sim) + PATIENCE_US;
	sim_settle(r.sim);
	while (r.failure[0] == '\0' && sim_error(r.sim) == NULL && !(r.ends[0].done && r.ends[1].done)) {
		sim_step(r.sim, sim_now(r.sim) + POLL_US);
		end_poll(&r.ends[0]);
		end_poll(&r.ends[1]);
		sim_settle(r.sim);
		if (sim_now(r.sim) > end)
			fail(&r, "not finished", (long)r.ends[0].consumed, (long)r.ends[1].consumed);
	}
	if (r.failure[0] == '\0' && !sim_drain(r.sim, 900000000))
		fail(&r, "connections left", sim_objects(r.sim), 0);
	if (r.failure[0] == '\0')
		check_counters(&r);
	if (sim_error(r.sim) != NULL)
		fprintf(stderr, "%s, seed %lu: %s\n", p->name, (unsigned long)seed, sim_error(r.sim));
	if (r.failure[0] != '\0')
		fprintf(stderr, "%s, seed %lu, %.3f s: %s\n", p->name, (unsigned long)seed,
			(double)sim_now(r.sim) / 1e6, r.failure);
	end = sim_error(r.sim) != NULL || r.failure[0] != '\0';
	sim_destroy(r.sim);
	if (sim_buffers_used() != before) {
		fprintf(stderr, "%s, seed %lu: buffers leaked\n", p->name, (unsigned long)seed);
		end = 1;
	}
	return end == 0;
}

static const char *only;

static void random__two_stacks(void)
{
	const char *env = getenv("TCP_RANDOM_RUNS"), *first = getenv("TCP_RANDOM_SEED");
	unsigned runs = env != NULL ? (unsigned)strtoul(env, NULL,
		10) : getenv("SMCGATE_TEST_FULL") != NULL ? 60 : 3;
	unsigned seed = first != NULL ? (unsigned)strtoul(first, NULL, 10) : 1;

	for (unsigned i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		if (only != NULL && strcmp(only, profiles[i].name) != 0)
			continue;
		for (unsigned n = 0; n < runs; n++)
			CU_ASSERT(run_once(&profiles[i], seed + n));
	}
}

static const struct test_case cases[] = {
	TEST_CASE(random__two_stacks),
};

int main(int argc, char **argv)
{
	test_eal_init();
	only = argc > 1 ? argv[1] : NULL;
	return test_run("tcp_random", cases, sizeof(cases) / sizeof(cases[0]), NULL);
}
