/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two stacks and somebody between them who rewrites headers and mends the
 * checksums: numbers a little off, other flags, windows, options. Connections
 * may die of it; what may not happen is a wrong access, a leak, counters that
 * disagree, a frame of ours that is wrong, or something that never ends.
 * TCP_MUTATE_RUNS=N for longer runs.
 */
#include <stdio.h>
#include <stdlib.h>

#include <rte_ip.h>

#include "proto/tcp/conn.h"
#include "proto/tcp/record.h"
#include "tests/sim/script.h"
#include "tests/unit/test.h"

#define POLL_US 5000
#define SPAN_US 20000000ull      /* how long it goes on */
#define CONNS 4

struct world {
	struct sim *sim;
	struct sim_host *hosts[2];
	struct tcp_conn *conns[2][CONNS];
	unsigned accepted;
	uint64_t rng;
	uint32_t one_in;
	char failure[160];
};

static uint32_t draw(struct world *w, uint32_t n)
{
	return (uint32_t)(test_random(&w->rng) % n);
}

static void fail(struct world *w, const char *what, long a)
{
	if (w->failure[0] == '\0')
		snprintf(w->failure, sizeof(w->failure), "%s (%ld)", what, a);
}

/* ---- rewriting ------------------------------------------------------------- */

static void add32(struct world *w, uint8_t *p)
{
	static const int32_t steps[] = { 1, -1, 100, -100, 1448, -1448, 65535, -65536, 1 << 30, INT32_MIN };
	uint32_t v;

	memcpy(&v, p, 4);
	v = rte_be_to_cpu_32(v) + (uint32_t)steps[draw(w, RTE_DIM(steps))];
	v = rte_cpu_to_be_32(v);
	memcpy(p, &v, 4);
}

static void mend(uint8_t *ip)
{
	struct rte_ipv4_hdr *h = (struct rte_ipv4_hdr *)ip;
	struct rte_tcp_hdr *th = (struct rte_tcp_hdr *)(ip + 20);

	th->cksum = 0;
	th->cksum = rte_ipv4_udptcp_cksum(h, th);
}

static void rewrite(struct world *w, uint8_t *ip)
{
	uint8_t *t = ip + 20;
	unsigned opts = (t[12] >> 4) * 4u > 20 ? (t[12] >> 4) * 4u - 20 : 0;

	switch (draw(w, 8)) {
	case 0:
		add32(w, t + 4);
		break;
	case 1:
	case 2:
		add32(w, t + 8);
		break;
	case 3:
		t[13] ^= (uint8_t)(1u << draw(w, 8));
		break;
	case 4: /* window */
		t[14] = draw(w, 3) == 0 ? 0 : (uint8_t)draw(w, 256);
		t[15] = (uint8_t)draw(w, 256);
		break;
	case 5: /* data offset */
		t[12] = (uint8_t)(draw(w, 16) << 4);
		break;
	case 6: /* SACK blocks, timestamps, lengths */
		if (opts >= 12)
			add32(w, t + 20 + draw(w, opts - 3));
		break;
	default:
		if (opts != 0)
			t[20 + draw(w, opts)] = (uint8_t)draw(w, 256);
	}
	mend(ip);
}

static bool between(void *ctx, const struct wire_frame *f, uint64_t n)
{
	struct world *w = ctx;
	uint8_t *p = (uint8_t *)(uintptr_t)f->data; /* this hook is the wire */

	if (f->len < 14 + 40 || p[12] != 8 || p[13] != 0 || p[14] != 0x45 || p[23] != 6)
		return false;
	if (draw(w, w->one_in) == 0)
		rewrite(w, p + 14);
	return draw(w, 50) == 0;
}

/* ---- application --------------------------------------------------------------- */

static void on_event(void *ctx, struct tcp_conn *c, void *user, unsigned events)
{
}

static int on_accept(void *ctx, struct tcp_listener *l, struct tcp_conn *c)
{
	struct world *w = ctx;

	for (unsigned i = 0; i < CONNS; i++)
		if (w->conns[1][i] == NULL) {
			w->conns[1][i] = c;
			return 0;
		}
	return -EAGAIN;
}

/* Between turns: what waits for the peer has a timer. */
static void check_timers(struct world *w, const struct tcp_conn *c)
{
	if (tcp_dead(c) || c->state < TCP_ESTABLISHED || c->flags & TCF_IN_OUTPUT)
		return;
	if ((c->pipe_out != 0 || c->snd_queued != 0) && !tcp_timer_on(c, TCP_T_RTX))
		fail(w, c->pipe_out != 0 ? "in flight without a timer" : "waiting without a timer", c->state);
	if (c->timers_set != 0 && !wheel_armed(&c->wt))
		fail(w, "timers set, the wheel's entry not", c->timers_set);
}

static void poll_one(struct world *w, struct tcp_conn **pc)
{
	struct tcp_conn *c = *pc;
	static uint8_t buf[30000];
	struct tcp_info info;

	if (c == NULL)
		return;
	tcp_get_info(c, &info);
	check_timers(w, c);
	(void)tcp_send(c, buf, 1 + draw(w, draw(w, 4) == 0 ? sizeof(buf) : 2000));
	if (draw(w, 3) != 0)
		(void)tcp_read(c, buf, 1 + draw(w, sizeof(buf)));
	if (!tcp_rec_consistent(c))
		fail(w, "counters of what is in flight", (long)info.state);
	if (draw(w, 200) == 0)
		(void)tcp_shutdown(c);
	if (draw(w, 400) == 0 || info.state == TCP_CLOSED) {
		if (draw(w, 2) == 0)
			tcp_close(c);
		else
			tcp_abort(c);
		*pc = NULL;
	}
}

static void open_some(struct world *w)
{
	struct tcp_connect_args ca = { .raddr = sim_addr(SCRIPT_P), .rport = rte_cpu_to_be_16(80) };

	for (unsigned i = 0; i < CONNS; i++)
		if (w->conns[0][i] == NULL && draw(w, 10) == 0 &&
		    tcp_connect(sim_tcp(w->hosts[0], 0), &ca, &w->conns[0][i]) != 0)
			w->conns[0][i] = NULL;
}

static void make_world(struct world *w, uint64_t seed)
{
	struct sim_wire wire = { .delay_us = 500, .reorder_ppm = 20000, .reorder_us = 3000, .dup_ppm = 20000,
				 .drop = between, .drop_ctx = w };
	struct tcp_listen_args la = { .port = rte_cpu_to_be_16(80), .backlog = 8, .accept = on_accept, .ctx = w };
	struct tcp_listener *l;

	w->rng = seed * 7919;
	w->one_in = seed % 3 == 0 ? 5 : seed % 3 == 1 ? 30 : 300;
	w->sim = sim_create(seed, 1000000);
	for (unsigned i = 0; i < 2; i++) {
		struct sim_host_conf conf;

		sim_host_defaults(&conf, i + 1);
		conf.ops.event = on_event;
		conf.tcp.fast_path = seed % 2 == 0;
		conf.tcp.retries = 4;
		conf.tcp.orphan_retries = 4;
		conf.tcp.time_wait_ms = conf.tcp.fin_wait2_ms = 2000;
		conf.tcp.cookies = seed % 5 == 0 ? TCP_COOKIES_ALWAYS : TCP_COOKIES_AUTO;
		conf.tcp.rcvbuf_initial = seed % 7 == 0 ? 3000 : 65536;
		conf.tcp.sack = seed % 4 != 0;
		w->hosts[i] = sim_host_add(w->sim, &conf);
	}
	sim_connect(w->sim, w->hosts[0], w->hosts[1], &wire, &wire);
	if (tcp_listen(sim_tcp(w->hosts[1], 0), &la, &l) != 0)
		fail(w, "tcp_listen", 0);
}

static void end_all(struct world *w)
{
	for (unsigned i = 0; i < 2; i++)
		for (unsigned n = 0; n < CONNS; n++) {
			if (w->conns[i][n] != NULL)
				tcp_close(w->conns[i][n]);
			w->conns[i][n] = NULL;
		}
}

static void check_end(struct world *w)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct tcp_stack *ts = sim_tcp(w->hosts[i], 0);

		if (ts->conns.used != 0 || ts->recs.used != 0)
			fail(w, "objects left", ts->conns.used);
		if (ts->rcv_pinned != 0 || ts->snd_pinned != 0)
			fail(w, "octets still charged", (long)(ts->rcv_pinned + ts->snd_pinned));
		if (ts->rcv_promised != 0)
			fail(w, "octets still promised", (long)ts->rcv_promised);
		if (ts->stats.orphans != 0)
			fail(w, "orphans counted", (long)ts->stats.orphans);
		if (ts->stats.curr_estab != 0)
			fail(w, "established counted", (long)ts->stats.curr_estab);
	}
}

static bool run_once(uint64_t seed)
{
	struct world *w = calloc(1, sizeof(*w));
	unsigned before = sim_buffers_used();
	uint64_t end;
	bool good;

	make_world(w, seed);
	end = sim_now(w->sim) + SPAN_US;
	while (w->failure[0] == '\0' && sim_error(w->sim) == NULL && sim_now(w->sim) < end) {
		open_some(w);
		for (unsigned i = 0; i < CONNS; i++) {
			poll_one(w, &w->conns[0][i]);
			poll_one(w, &w->conns[1][i]);
		}
		sim_settle(w->sim);
		sim_run(w->sim, sim_now(w->sim) + POLL_US);
	}
	end_all(w);
	for (unsigned n = 0; n < 1000 && w->failure[0] == '\0' && sim_objects(w->sim) != 0; n++) {
		sim_run(w->sim, sim_now(w->sim) + 1000000);
		end_all(w); /* handshakes that ended late */
	}
	if (w->failure[0] == '\0' && sim_objects(w->sim) != 0)
		fail(w, "connections left", sim_objects(w->sim));
	if (w->failure[0] == '\0')
		check_end(w);
	good = w->failure[0] == '\0' && sim_error(w->sim) == NULL;
	if (!good)
		fprintf(stderr, "seed %lu, %.3f s: %s %s\n", (unsigned long)seed, (double)sim_now(w->sim) / 1e6, w->failure,
			sim_error(w->sim) != NULL ? sim_error(w->sim) : "");
	sim_destroy(w->sim);
	if (sim_buffers_used() != before) {
		fprintf(stderr, "seed %lu: buffers leaked\n", (unsigned long)seed);
		good = false;
	}
	free(w);
	return good;
}

static void mutate__rewritten_headers(void)
{
	const char *env = getenv("TCP_MUTATE_RUNS"), *first = getenv("TCP_MUTATE_SEED");
	uint64_t runs = env != NULL ? strtoul(env, NULL, 10) : 6, seed = first != NULL ? strtoul(first, NULL, 10) : 1;

	for (uint64_t n = 0; n < runs; n++)
		CU_ASSERT(run_once(seed + n));
}

static const struct test_case cases[] = {
	TEST_CASE(mutate__rewritten_headers),
};

int main(void)
{
	test_eal_init();
	return test_run("tcp_mutate", cases, RTE_DIM(cases), NULL);
}
