/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many short lives at once: two hosts open, use, shut down, close and abort
 * connections at random over a bad wire, with small limits everywhere. Nothing
 * may be delivered wrong, and in the end nothing may be left: no connection,
 * no buffer, no quota. TCP_RANDOM_RUNS=N or the full tier for more.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/script.h"
#include "tests/unit/test.h"

#define SLOTS 120
#define STEPS 3000

struct churn;

struct slot {
	struct churn *churn;
	struct tcp_conn *c;
	uint32_t written, consumed;
	bool active, dead;
};

struct profile {
	const char *name;
	unsigned lcores;
	uint32_t loss_ppm, dup_ppm, reorder_ppm, corrupt_ppm;
	uint32_t backlog, max_conns, time_wait_max;
	bool cookies, abort_on_overflow, wrong_lcore;
};

static const struct profile profiles[] = {
	{ "plain", 1, 0, 0, 0, 0, 64, 256, 64, false, false, false },
	{ "bad_wire", 1, 30000, 20000, 50000, 10000, 64, 256, 64, false, false, false },
	{ "small_backlog", 1, 10000, 0, 20000, 0, 2, 256, 16, false, true, false },
	{ "cookies", 1, 20000, 10000, 20000, 0, 64, 256, 64, true, false, false },
	{ "few_objects", 1, 10000, 0, 0, 0, 16, 24, 8, false, false, false },
	{ "four_lcores", 4, 10000, 10000, 20000, 0, 64, 256, 64, false, false, true },
};

struct churn {
	const struct profile *p;
	struct sim *sim;
	struct sim_host *hosts[2];
	struct slot slots[SLOTS];
	uint64_t rng;
	unsigned opened, accepted, deaths;
	char failure[128];
};

static void fail(struct churn *k, const char *what, long a)
{
	if (k->failure[0] == '\0')
		snprintf(k->failure, sizeof(k->failure), "%s (%ld)", what, a);
}

static unsigned choose(struct churn *k, unsigned n)
{
	return (unsigned)(test_random(&k->rng) % n);
}

static struct slot *free_slot(struct churn *k)
{
	unsigned at = choose(k, SLOTS);

	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *s = &k->slots[(at + i) % SLOTS];

		if (s->c == NULL)
			return s;
	}
	return NULL;
}

/* ---- application ------------------------------------------------------- */

static void give_back(struct slot *s, bool abortive)
{
	struct tcp_conn *c = s->c;

	s->c = NULL;
	if (abortive)
		tcp_abort(c);
	else
		tcp_close(c);
}

/* Both directions carry the same pattern, so a slot need not know its peer. */
static void read_some(struct slot *s, uint32_t max)
{
	uint8_t buf[3000];
	uint32_t n = tcp_read(s->c, buf, RTE_MIN(max, (uint32_t)sizeof(buf)));

	for (uint32_t i = 0; i < n; i++)
		if (buf[i] != script_pattern(false, s->consumed + i)) {
			fail(s->churn, "stream differs at", (long)(s->consumed + i));
			return;
		}
	s->consumed += n;
}

static void write_some(struct slot *s, uint32_t n)
{
	uint8_t buf[5000];
	ssize_t rc;

	n = 1 + n % (sizeof(buf) - 1);
	for (uint32_t i = 0; i < n; i++)
		buf[i] = script_pattern(false, s->written + i);
	rc = tcp_send(s->c, buf, n);
	if (rc > 0)
		s->written += (uint32_t)rc;
}

static void event(void *ctx, struct tcp_conn *c, void *user, unsigned events)
{
	struct slot *s = user;

	if (s == NULL || s->c != c || s->dead) {
		fprintf(stderr, "event 0x%x for a connection that was given back or is dead\n", events);
		abort();
	}
	if ((events & TCP_EV_READABLE) != 0 && choose(s->churn, 4) != 0)
		read_some(s, 3000);
	if ((events & TCP_EV_EOF) != 0 && choose(s->churn, 2) == 0) {
		give_back(s, choose(s->churn, 8) == 0);
		return;
	}
	if ((events & TCP_EV_CLOSED) != 0) {
		s->dead = true;
		s->churn->deaths++;
		if (choose(s->churn, 2) == 0)
			give_back(s, choose(s->churn, 2) == 0);
	}
}

static int accepted(void *ctx, struct tcp_listener *l, struct tcp_conn *c)
{
	struct churn *k = ctx;
	struct slot *s = choose(k, 20) == 0 ? NULL : free_slot(k);

	if (s == NULL)
		return -EAGAIN;
	*s = (struct slot){ .churn = k, .c = c };
	k->accepted++;
	tcp_set_user(c, s);
	if (choose(k, 3) == 0)
		write_some(s, choose(k, 2000));
	return 0;
}

static void open_one(struct churn *k)
{
	unsigned from = choose(k, 2);
	struct slot *s = free_slot(k);
	struct tcp_connect_args ca = {
		.raddr = sim_addr(0x0a000001 + (1 - from)), .rport = rte_cpu_to_be_16(80), .user = s,
		.timeout_ms = choose(k, 4) == 0 ? 1500 : 0,
	};

	if (s == NULL)
		return;
	*s = (struct slot){ .churn = k, .active = true };
	if (tcp_connect(sim_tcp(k->hosts[from], choose(k, k->p->lcores)), &ca, &s->c) != 0)
		s->c = NULL;
	else
		k->opened++;
}

static void act(struct churn *k)
{
	struct slot *s = &k->slots[choose(k, SLOTS)];

	if (s->c == NULL) {
		open_one(k);
		return;
	}
	if (s->dead) {
		give_back(s, choose(k, 2) == 0);
		return;
	}
	switch (choose(k, 16)) {
	case 0: (void)tcp_shutdown(s->c); break;
	case 1: give_back(s, false); break;
	case 2: give_back(s, true); break;
	case 3: case 4: case 5: case 6: write_some(s, choose(k, 5000)); break;
	case 7: tcp_cork(s->c, choose(k, 2)); break;
	case 8: tcp_nodelay(s->c, choose(k, 2)); break;
	case 9: tcp_user_timeout(s->c, choose(k, 2) * 3000); break;
	case 10: tcp_notify_sent(s->c); break;
	default: read_some(s, choose(k, 3000)); break;
	}
}

/* ---- a run ------------------------------------------------------------- */

static void make_host(struct churn *k, unsigned i)
{
	const struct profile *p = k->p;
	struct tcp_listen_args la = {
		.port = rte_cpu_to_be_16(80), .backlog = p->backlog, .accept = accepted, .ctx = k,
	};
	struct sim_host_conf conf;

	sim_host_defaults(&conf, i + 1);
	conf.n_lcores = p->lcores;
	conf.wrong_lcore = p->wrong_lcore;
	conf.rss_key_seed = i;
	conf.ops.event = event;
	conf.tcp.max_conns = p->max_conns;
	conf.tcp.half_open_max = p->max_conns / 2;
	conf.tcp.time_wait_max = p->time_wait_max;
	conf.tcp.time_wait_ms = 2000;
	conf.tcp.fin_wait2_ms = 3000;
	conf.tcp.retries = 6;
	conf.tcp.cookies = p->cookies ? TCP_COOKIES_ALWAYS : TCP_COOKIES_AUTO;
	conf.tcp.abort_on_overflow = p->abort_on_overflow;
	conf.tcp.rcvbuf_initial = conf.tcp.rcvbuf_max = 20000;
	conf.tcp.sndbuf_max = 20000;
	k->hosts[i] = sim_host_add(k->sim, &conf);
	for (unsigned n = 0; n < p->lcores; n++) {
		struct tcp_listener *l;

		if (tcp_listen(sim_tcp(k->hosts[i], n), &la, &l) != 0)
			fail(k, "tcp_listen", n);
	}
}

static void check_empty(struct churn *k)
{
	for (unsigned i = 0; i < 2; i++)
		for (unsigned n = 0; n < k->p->lcores; n++) {
			const struct tcp_stats *s = tcp_stats(sim_tcp(k->hosts[i], n));

			if (s->curr_estab != 0 || s->half_open != 0 || s->time_wait != 0 || s->conns != 0 ||
				s->orphans != 0)
				fail(k, "gauges are not 0 at the end",
					(long)(s->curr_estab + s->half_open + s->time_wait));
			if (tcp_busy(sim_tcp(k->hosts[i], n)))
				fail(k, "busy with nothing to do", n);
		}
}

/* Half-open connections that complete meanwhile have an owner again: some rounds. */
static void finish(struct churn *k)
{
	for (unsigned round = 0; round < 100 && k->failure[0] == '\0'; round++) {
		for (unsigned i = 0; i < SLOTS; i++)
			if (k->slots[i].c != NULL)
				give_back(&k->slots[i], (i + round) & 1);
		sim_settle(k->sim);
		sim_run(k->sim, sim_now(k->sim) + 2000000);
	}
	if (k->failure[0] == '\0' && !sim_drain(k->sim, 600000000))
		fail(k, "connections left", sim_objects(k->sim));
}

static bool run_once(const struct profile *p, uint64_t seed)
{
	const struct sim_wire w = {
		.delay_us = 1000, .loss_ppm = p->loss_ppm, .dup_ppm = p->dup_ppm,
			.reorder_ppm = p->reorder_ppm,
		.reorder_us = 3000, .corrupt_ppm = p->corrupt_ppm,
	};
	struct churn k = { .p = p, .rng = seed, .sim = sim_create(seed, 1000000) };
	unsigned before = sim_buffers_used();
	bool ok;

	make_host(&k, 0);
	make_host(&k, 1);
	sim_connect(k.sim, k.hosts[0], k.hosts[1], &w, &w);
	for (unsigned i = 0; i < STEPS && k.failure[0] == '\0' && sim_error(k.sim) == NULL; i++) {
		act(&k);
		if (choose(&k, 3) == 0)
			sim_settle(k.sim);
		if (choose(&k, 3) == 0)
			sim_run(k.sim, sim_now(k.sim) + choose(&k, 20000));
		if (choose(&k, 300) == 0) /* long enough for timeouts and TIME-WAIT */
			sim_run(k.sim, sim_now(k.sim) + choose(&k, 5000000));
	}
	finish(&k);
	if (k.failure[0] == '\0')
		check_empty(&k);
	if (k.opened < 100 || k.accepted < 20)
		fail(&k, "too little happened", k.accepted);
	ok = k.failure[0] == '\0' && sim_error(k.sim) == NULL;
	if (!ok)
		fprintf(stderr, "%s, seed %lu, %.3f s: %s %s\n", p->name, (unsigned long)seed,
			(double)sim_now(k.sim) / 1e6, k.failure,
				sim_error(k.sim) != NULL ? sim_error(k.sim) : "");
	sim_destroy(k.sim);
	if (sim_buffers_used() != before) {
		fprintf(stderr, "%s, seed %lu: buffers leaked\n", p->name, (unsigned long)seed);
		ok = false;
	}
	return ok;
}

static const char *only;

static void churn__many_short_lives(void)
{
	const char *env = getenv("TCP_RANDOM_RUNS"), *first = getenv("TCP_RANDOM_SEED");
	unsigned runs = env != NULL ? (unsigned)strtoul(env, NULL,
		10) : getenv("SMCGATE_TEST_FULL") != NULL ? 60 : 3;
	unsigned seed = first != NULL ? (unsigned)strtoul(first, NULL, 10) : 1;

	for (unsigned i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++)
		for (unsigned n = 0; n < runs; n++)
			if (only == NULL || strcmp(only, profiles[i].name) == 0)
				CU_ASSERT(run_once(&profiles[i], seed + n));
}

static const struct test_case cases[] = {
	TEST_CASE(churn__many_short_lives),
};

int main(int argc, char **argv)
{
	test_eal_init();
	only = argc > 1 ? argv[1] : NULL;
	return test_run("tcp_churn", cases, sizeof(cases) / sizeof(cases[0]), NULL);
}
