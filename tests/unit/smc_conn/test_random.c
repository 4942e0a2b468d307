/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any order of calls, arrivals, completions and losses: what arrives is right,
 * no WRITE goes to a ring that was given back, and nothing is left. RUNS in the
 * environment: how many runs (each with a seed of its own).
 */
#include <stdlib.h>

#include "tests/unit/smc_conn/world.h"

#define PAIRS 8
#define HELD 16

/* One user's end. */
struct end {
	struct user who;
	struct tcp_conn tcp;
	uint64_t sent, got;             /* octets of its stream, of the peer's */
	bool peer_dropped;              /* the peer's stream may be short: not compared */
};

struct held {
	struct rte_mbuf *m;
	uint64_t at;
};

static struct end ends[PAIRS][2];
static struct held held[HELD];
static unsigned n_held;
static uint64_t seed;

static uint64_t rnd(uint64_t n)
{
	return test_random(&seed) % n;
}

static void free_held(unsigned k)
{
	struct rte_mbuf *m, *next;
	uint64_t at = held[k].at;

	for (m = held[k].m; m != NULL; m = next) {
		CU_ASSERT_EQUAL(*rte_pktmbuf_mtod(m, const uint8_t *), stream_octet(at));
		CU_ASSERT_EQUAL(*rte_pktmbuf_mtod_offset(m, const uint8_t *, m->data_len - 1),
				stream_octet(at + m->data_len - 1));
		at += m->data_len;
		next = m->next;
		m->next = NULL;
		m->nb_segs = 1;
		rte_pktmbuf_free_seg(m);
	}
	held[k] = held[--n_held];
}

static void do_take(struct end *e, uint32_t len)
{
	const struct rte_mbuf *m;

	if (n_held == HELD)
		free_held((unsigned)rnd(HELD));
	held[n_held].at = e->got;
	if (smc_take(e->who.c, len, &held[n_held].m, NULL) == 0)
		return;
	for (m = held[n_held].m; m != NULL; m = m->next)
		e->got += m->data_len;
	n_held++;
}

/* Some of it is copied, some sent from where it lies. */
static void do_give(struct end *e)
{
	uint32_t lens[4], n = 1 + (uint32_t)rnd(4), total = 0;
	struct rte_mbuf *m;

	for (uint32_t i = 0; i < n; i++)
		total += lens[i] = 1 + (uint32_t)rnd(1900);
	m = stream_chain(e->sent, lens, n);
	if (m == NULL)
		return;
	if (smc_give(e->who.c, m, total) == 0)
		e->sent += total;
	else
		free_chain(m);
}

static void on_random_event(struct user *who, unsigned events);

static void leave(struct end *e, bool abort)
{
	struct smc_conn *c = e->who.c;

	e->who.c = NULL;
	if (abort)
		smc_abort(c);
	else
		smc_close(c);
}

static void act(struct end *e)
{
	uint32_t len = (uint32_t)rnd(20000);

	if (e->who.c == NULL)
		return;
	switch (rnd(29)) {
	case 0: case 1: case 2: case 3: case 4:
		e->sent += send_stream(&e->who, e->sent, len);
		break;
	case 5: case 6: case 7: case 8:
		e->got += read_stream(&e->who, e->got, len);
		break;
	case 9: case 10: case 11:
		do_take(e, len);
		break;
	case 12:
		e->sent += smc_send_urgent(e->who.c, stream_octet(e->sent)) == 0;
		break;
	case 13:
		smc_cork(e->who.c, rnd(2));
		break;
	case 14:
		smc_nodelay(e->who.c, rnd(2));
		break;
	case 15:
		smc_notify_sent(e->who.c);
		break;
	case 16:
		if (rnd(4) == 0)
			smc_shutdown(e->who.c);
		break;
	case 17: case 18:
		if (rnd(8) == 0)
			leave(e, rnd(4) == 0);
		break;
	case 19:
		if (rnd(16) == 0) {
			e->tcp.eof = true;
			smc_tcp_event(e->tcp.user, TCP_EV_EOF);
		}
		break;
	case 20: case 21: case 22: case 23: case 24:
		do_give(e);
		break;
	default:
		smc_send_room(e->who.c);
	}
}

static void on_random_event(struct user *who, unsigned events)
{
	struct end *e = who->arg;

	if (events & TCP_EV_READABLE)
		e->got += read_stream(who, e->got, (uint32_t)rnd(9000));
	if ((events & TCP_EV_CLOSED) && rnd(2))
		leave(e, rnd(2));
	else if ((events & TCP_EV_EOF) && rnd(3) == 0)
		leave(e, false);
	else
		act(e);
}

static void move(void)
{
	unsigned i = (unsigned)rnd(2);

	switch (rnd(6)) {
	case 0: case 1:
		smc_output(&world->s[i].ss);
		break;
	case 2: case 3:
		world_arrive(i);
		break;
	case 4:
		world_complete(i);
		break;
	default:
		smc_deliver(&world->s[i].ss, (unsigned)rnd(4));
		if (rnd(200) == 0)
			world_wait(rnd(300000));
	}
}

/* A message no peer of ours would send: one connection ends, no other. */
static void inject(struct end *e, struct end *peer)
{
	struct cdc_msg m;

	if (e->who.c == NULL || e->who.c->rmb == NULL)
		return;
	m = world_cdc(&e->who);
	switch (rnd(4)) {
	case 0:
		m.prod.count = UINT32_MAX;
		break;
	case 1:
		m.prod.wrap += 2;
		break;
	case 2:
		m.cons.count = 0x7fffffff;
		break;
	default:
		m.token ^= 0x40000000;
	}
	m.seq--; /* the number it has: equal is taken */
	world_inject(&e->who, &m);
}

static void open_all(void)
{
	static const uint32_t sizes[] = { 16384, 32768, 65536 };
	unsigned k, i;

	for (k = 0; k < PAIRS; k++) {
		struct user pair[2] = { { .tcp = &ends[k][0].tcp }, { .tcp = &ends[k][1].tcp } };
		struct pair_args pa;

		for (i = 0; i < 2; i++) {
			pa.rmb[i] = sizes[rnd(3)];
			pa.snd[i] = sizes[rnd(3)];
		}
		pair_open(pair, &pa);
		for (i = 0; i < 2; i++) {
			ends[k][i].who = pair[i];
			ends[k][i].who.fn = on_random_event;
			ends[k][i].who.arg = &ends[k][i];
			smc_set_user(pair[i].c, &ends[k][i].who);
		}
	}
}

/* The link goes with all that is under way. */
static void lose_link(void)
{
	unsigned i, k;

	for (i = 0; i < 2; i++) {
		struct side *s = &world->s[i];

		for (k = 1; k <= s->ss.conns.high; k++) {
			struct smc_conn *c = pool_at(&s->ss.conns, k);

			if (s->ss.conn_table->slots[k].live && c->lgr != NULL)
				smc_conn_link_lost(c);
		}
		while (s->head != s->tail) {
			struct post *p = &s->posts[s->head++ % WORLD_POSTS];

			smc_conn_sent(p->slot.conn, &p->slot, false);
		}
		s->arrived = s->tail;
	}
}

static void run(uint64_t first)
{
	unsigned n, k;

	seed = first;
	memset(ends, 0, sizeof(ends));
	n_held = 0;
	world_open(&(struct world_args){ .slots = 1 + (uint32_t)rnd(16),
		.autocork = (uint32_t)rnd(2) * 65536, .regions = rnd(4) != 0 });
	open_all();
	for (n = 0; n < 1500; n++) {
		struct end *e = ends[rnd(PAIRS)];
		unsigned i = (unsigned)rnd(2);

		act(&e[i]);
		move();
		move();
		if (rnd(300) == 0)
			inject(&e[i], &e[!i]);
	}
	if (rnd(4) == 0)
		lose_link();
	else
		world_run();
	for (k = 0; k < PAIRS * 2; k++)
		if (ends[k / 2][k % 2].who.c != NULL)
			leave(&ends[k / 2][k % 2], rnd(8) == 0);
	if (rnd(2))
		while (n_held > 0)
			free_held((unsigned)rnd(n_held));
	world_run();
	world_wait(70000000);
	while (n_held > 0)
		free_held((unsigned)rnd(n_held));
	world_run();
	world_close();
}

static void random__any_order(void)
{
	const char *env = getenv("RUNS");
	unsigned runs = env != NULL ? (unsigned)atoi(env) : 60, i;

	for (i = 1; i <= runs; i++) {
		unsigned failures = CU_get_number_of_failures();

		run(i);
		if (CU_get_number_of_failures() != failures) {
			fprintf(stderr, "seed %u\n", i);
			return;
		}
	}
}

static const struct test_case cases[] = {
	TEST_CASE(random__any_order),
};
TEST_MAIN("smc_conn_random", cases)
