/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two stacks that run out of memory: the n-th allocation of a buffer fails, for
 * every n; a share of all fails; pools of a few objects. Streams arrive whole,
 * nothing stands still, nothing leaks.
 */
#include <stdio.h>
#include <stdlib.h>

#include "proto/tcp/conn.h"
#include "proto/tcp/record.h"
#include "tests/sim/script.h"
#include "tests/unit/test.h"

#define POLL_US 20000
#define PATIENCE_US (600 * 1000000ull)
#define CONNS 16

/* ---- allocation that fails ---------------------------------------------- */

static struct {
	uint64_t count, fail_from, fail_to; /* calls [from, to) fail */
	unsigned one_in;                    /* and by chance one in so many; 0: none */
	uint64_t rng;
	rte_mempool_dequeue_t real[RTE_MEMPOOL_MAX_OPS_IDX];
} inject;

static bool ours(const struct rte_mempool *mp)
{
	const struct sim_pools *p = sim_pools();

	return mp == p->hdr || mp == p->ind || mp == p->payload;
}

static int dequeue(struct rte_mempool *mp, void **objs, unsigned n)
{
	if (ours(mp)) {
		uint64_t at = inject.count++;

		if (at >= inject.fail_from && at < inject.fail_to)
			return -ENOBUFS;
		if (inject.one_in != 0 && test_random(&inject.rng) % inject.one_in == 0)
			return -ENOBUFS;
	}
	return inject.real[mp->ops_index](mp, objs, n);
}

/* Before the first buffer is taken: without a cache each allocation comes here. */
static void inject_init(void)
{
	const struct sim_pools *p = sim_pools();
	struct rte_mempool *pools[] = { p->rx, p->hdr, p->ind, p->payload };

	for (unsigned i = 0; i < RTE_DIM(pools); i++)
		pools[i]->cache_size = 0;
	for (unsigned i = 0; i < rte_mempool_ops_table.num_ops; i++) {
		inject.real[i] = rte_mempool_ops_table.ops[i].dequeue;
		rte_mempool_ops_table.ops[i].dequeue = dequeue;
	}
}

static void inject_none(void)
{
	inject.fail_from = inject.fail_to = 0;
	inject.one_in = 0;
}

/* ---- two ends of a number of connections ----------------------------------- */

struct world;

struct end {
	struct world *w;
	struct tcp_conn *c;
	unsigned side;
	uint32_t written, read, target;
	bool connected, shut, done;
	bool may_write, may_read;       /* as events say, nothing is tried without one */
};

struct profile {
	const char *name;
	uint32_t bytes, loss_ppm;
	unsigned conns, one_in;
	uint32_t recs, half_open;       /* pool limits; 0: plenty */
	uint32_t max_conns[2];          /* of each side */
	uint64_t pinned;                /* octets of receive buffers; 0: plenty */
	bool take;                      /* the receiver gives back what it took */
	bool slow;
	unsigned stalled;               /* connections whose accepting side does not read before the others are done */
	uint64_t pause_us;              /* all accepting sides read nothing between this time and three seconds later */
	bool none_refused;              /* nothing that was promised room is refused it */
};

struct world {
	const struct profile *p;
	struct sim *sim;
	struct sim_host *hosts[2];
	struct end ends[2][CONNS];
	unsigned accepted, died;
	uint64_t rng;
	char failure[160];
};

static void fail(struct world *w, const char *what, long a, long b)
{
	if (w->failure[0] == '\0')
		snprintf(w->failure, sizeof(w->failure), "%s (%ld, %ld)", what, a, b);
}

static void on_event(void *ctx, struct tcp_conn *c, void *user, unsigned events)
{
	struct end *e = user;
	struct tcp_info info;

	if ((events & TCP_EV_CONNECTED) != 0)
		e->connected = e->may_write = true;
	e->may_write |= (events & TCP_EV_WRITABLE) != 0;
	e->may_read |= (events & TCP_EV_READABLE) != 0;
	if ((events & TCP_EV_CLOSED) == 0)
		return;
	tcp_get_info(c, &info);
	if (info.error != 0)
		fail(e->w, "connection died", info.error, e->side);
}

static int on_accept(void *ctx, struct tcp_listener *l, struct tcp_conn *c)
{
	struct world *w = ctx;
	struct end *e = &w->ends[1][w->accepted];

	if (w->accepted == w->p->conns)
		return -EAGAIN;
	w->accepted++;
	e->c = c;
	e->connected = e->may_write = true;
	tcp_set_user(c, e);
	return 0;
}

static void end_write(struct end *e)
{
	uint8_t buf[4000];
	uint32_t n = RTE_MIN(e->target - e->written, 1 + (uint32_t)(test_random(&e->w->rng) % sizeof(buf)));
	ssize_t rc;

	for (uint32_t i = 0; i < n; i++)
		buf[i] = script_pattern(e->side == 0, e->written + i);
	rc = n > 0 ? tcp_send(e->c, buf, n) : 0;
	e->may_write = rc == (ssize_t)n;
	if (rc > 0)
		e->written += (uint32_t)rc;
	else if (rc < 0 && rc != -EAGAIN)
		fail(e->w, "tcp_send", (long)rc, e->side);
	if (e->written == e->target && !e->shut) {
		e->shut = true;
		if (tcp_shutdown(e->c) != 0)
			fail(e->w, "tcp_shutdown", e->side, 0);
	}
}

static void check_octets(struct end *e, const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (p[i] != script_pattern(e->side != 0, e->read + i)) {
			fail(e->w, "stream differs at", (long)(e->read + i), e->side);
			return;
		}
	e->read += n;
}

static void end_take(struct end *e, uint32_t want)
{
	struct rte_mbuf *m = NULL, *next;

	if (tcp_take(e->c, want, &m, NULL) == 0)
		e->may_read = false;
	for (; m != NULL; m = next) {
		next = m->next;
		m->next = NULL;
		check_octets(e, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len);
		rte_pktmbuf_free(m);
	}
}

static void end_read(struct end *e)
{
	uint32_t want = 1 + (uint32_t)(test_random(&e->w->rng) % 4000), n;
	uint8_t buf[4000];

	if (e->w->p->take) {
		end_take(e, want);
		return;
	}
	n = tcp_read(e->c, buf, want);
	check_octets(e, buf, n);
	e->may_read = tcp_readable(e->c) != 0;
}

static bool is_stalled(const struct end *e)
{
	const struct world *w = e->w;

	if (e->side == 1 && w->p->pause_us != 0 && sim_now(w->sim) - w->p->pause_us < 3000000)
		return true;
	if (e->side == 0 || e >= &w->ends[1][w->p->stalled])
		return false;
	for (unsigned i = w->p->stalled; i < w->p->conns; i++)
		if (!w->ends[1][i].done)
			return true;
	return false;
}

/* The others begin when the stalled ones have queued what they may. */
static bool is_late(const struct end *e)
{
	const struct world *w = e->w;

	return e >= &w->ends[e->side][w->p->stalled] && w->p->stalled != 0 && sim_now(w->sim) < 60 * 1000000ull;
}

static void end_poll(struct end *e)
{
	if (e->c == NULL || e->done || !e->connected)
		return;
	if (!e->shut && e->may_write && !is_late(e))
		end_write(e);
	if (e->may_read && !is_stalled(e))
		end_read(e);
	if (!tcp_rec_consistent(e->c))
		fail(e->w, "counters of what is in flight", e->side, 0);
	if (!e->shut || !tcp_eof(e->c))
		return;
	if (e->read != e->w->p->bytes)
		fail(e->w, "EOF after", (long)e->read, (long)e->w->p->bytes);
	e->done = true;
	tcp_close(e->c);
	e->c = NULL;
}

static void make_host(struct world *w, unsigned side)
{
	struct sim_host_conf conf;

	sim_host_defaults(&conf, side + 1);
	conf.ops.event = on_event;
	conf.tcp.fast_path = !w->p->slow;
	conf.tcp.retries = 30;
	conf.tcp.syn_retries = conf.tcp.synack_retries = 12;
	conf.tcp.orphan_retries = 12;
	if (w->p->max_conns[side] != 0)
		conf.tcp.max_conns = w->p->max_conns[side];
	if (w->p->pinned != 0)
		conf.tcp.rcv_pinned_max = w->p->pinned;
	if (w->p->stalled != 0 || w->p->pause_us != 0)
		conf.tcp.sndbuf_max = 4 << 20;
	if (w->p->half_open != 0)
		conf.tcp.half_open_max = w->p->half_open;
	w->hosts[side] = sim_host_add(w->sim, &conf);
	if (w->p->recs != 0)
		sim_tcp(w->hosts[side], 0)->recs.max = w->p->recs;
	for (unsigned i = 0; i < CONNS; i++)
		w->ends[side][i] = (struct end){ .w = w, .side = side, .target = w->p->bytes };
}

static void open_all(struct world *w)
{
	struct tcp_listen_args la = { .port = rte_cpu_to_be_16(80), .backlog = 64, .accept = on_accept, .ctx = w };
	struct tcp_listener *l;

	if (tcp_listen(sim_tcp(w->hosts[1], 0), &la, &l) != 0)
		fail(w, "tcp_listen", 0, 0);
	for (unsigned i = 0; i < w->p->conns; i++) {
		struct tcp_connect_args ca = {
			.raddr = sim_addr(SCRIPT_P), .rport = rte_cpu_to_be_16(80), .user = &w->ends[0][i],
		};

		if (tcp_connect(sim_tcp(w->hosts[0], 0), &ca, &w->ends[0][i].c) != 0)
			fail(w, "tcp_connect", i, 0);
	}
}

static bool all_done(const struct world *w)
{
	for (unsigned i = 0; i < w->p->conns; i++)
		if (!w->ends[0][i].done || !w->ends[1][i].done)
			return false;
	return true;
}

static void run(struct world *w)
{
	uint64_t end = sim_now(w->sim) + PATIENCE_US;

	sim_settle(w->sim);
	while (w->failure[0] == '\0' && sim_error(w->sim) == NULL && !all_done(w)) {
		sim_step(w->sim, sim_now(w->sim) + POLL_US);
		for (unsigned i = 0; i < w->p->conns; i++) {
			end_poll(&w->ends[0][i]);
			end_poll(&w->ends[1][i]);
		}
		sim_settle(w->sim);
		if (sim_now(w->sim) > end)
			fail(w, "stands still", w->ends[0][0].read, w->ends[1][0].read);
	}
}

static bool run_once(const struct profile *p, uint64_t seed, uint64_t from, uint64_t to)
{
	struct sim_wire wire = { .delay_us = 1000, .loss_ppm = p->loss_ppm };
	struct world *w = calloc(1, sizeof(*w));
	unsigned before = sim_buffers_used();
	bool good;

	w->p = p;
	w->rng = inject.rng = seed * 7919;
	w->sim = sim_create(seed, 1000000);
	make_host(w, 0);
	make_host(w, 1);
	sim_connect(w->sim, w->hosts[0], w->hosts[1], &wire, &wire);
	inject.count = 0;
	inject.fail_from = from;
	inject.fail_to = to;
	open_all(w);
	if (p->one_in != 0) { /* three requests without an answer are a dead next hop: let ARP through */
		sim_settle(w->sim);
		sim_run(w->sim, sim_now(w->sim) + POLL_US);
	}
	inject.one_in = p->one_in;
	run(w);
	inject_none();
	if (w->failure[0] == '\0' && !sim_drain(w->sim, 900000000))
		fail(w, "connections left", sim_objects(w->sim), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct tcp_stack *ts = sim_tcp(w->hosts[i], 0);

		if (p->none_refused && (ts->drops->drop[DROP_TCP_RCV_MEMORY] != 0 || ts->drops->drop[DROP_TCP_OOO_LIMIT] != 0))
			fail(w, "refused", (long)ts->drops->drop[DROP_TCP_RCV_MEMORY], (long)ts->drops->drop[DROP_TCP_OOO_LIMIT]);
		if (ts->recs.used != 0 || ts->conns.used != 0)
			fail(w, "objects left", ts->recs.used, ts->conns.used);
		if (ts->rcv_pinned != 0 || ts->snd_pinned != 0)
			fail(w, "octets still charged", (long)ts->rcv_pinned, (long)ts->snd_pinned);
		if (ts->rcv_promised != 0)
			fail(w, "octets still promised", (long)ts->rcv_promised, 0);
	}
	good = w->failure[0] == '\0' && sim_error(w->sim) == NULL;
	if (!good)
		fprintf(stderr, "%s, seed %lu, [%lu, %lu), %.3f s: %s %s\n", p->name, (unsigned long)seed,
			(unsigned long)from, (unsigned long)to, (double)sim_now(w->sim) / 1e6, w->failure,
			sim_error(w->sim) ? sim_error(w->sim) : "");
	sim_destroy(w->sim);
	if (sim_buffers_used() != before) {
		fprintf(stderr, "%s, [%lu, %lu): buffers leaked\n", p->name, (unsigned long)from, (unsigned long)to);
		good = false;
	}
	free(w);
	return good;
}

/* ---- cases ------------------------------------------------------------------- */

static void sweep(const struct profile *p, unsigned width, unsigned step)
{
	uint64_t n;

	CU_ASSERT(run_once(p, 1, 0, 0));
	n = inject.count;
	for (uint64_t at = 0; at < n; at += step)
		CU_ASSERT(run_once(p, 1, at, at + width));
}

static void exhaustion__nth_fails(void)
{
	static const struct profile p = { "nth", .bytes = 20000, .conns = 1 };
	static const struct profile take = { "nth, taken", .bytes = 20000, .conns = 1, .take = true, .slow = true };

	sweep(&p, 1, 1);
	sweep(&take, 1, 1);
}

/* A spell of it, while the wire loses as well. */
static void exhaustion__a_spell(void)
{
	static const struct profile p = { "spell", .bytes = 30000, .conns = 1, .loss_ppm = 20000 };

	sweep(&p, 30, 7);
}

static void exhaustion__one_in(void)
{
	static const struct profile list[] = {
		{ "one in 10", .bytes = 60000, .conns = 4, .one_in = 10 },
		{ "one in 3", .bytes = 20000, .conns = 4, .one_in = 3, .loss_ppm = 10000 },
		{ "one in 2, taken", .bytes = 10000, .conns = 2, .one_in = 2, .take = true },
	};

	for (unsigned i = 0; i < RTE_DIM(list); i++)
		for (uint64_t seed = 1; seed <= 5; seed++)
			CU_ASSERT(run_once(&list[i], seed, 0, 0));
}

static void exhaustion__small_pools(void)
{
	static const struct profile list[] = {
		{ "one record", .bytes = 20000, .conns = 2, .recs = 1 },
		{ "three records", .bytes = 60000, .conns = 8, .recs = 3, .loss_ppm = 20000 },
		{ "two half-open", .bytes = 5000, .conns = 8, .half_open = 2, .loss_ppm = 20000 },
		{ "connections just enough", .bytes = 5000, .conns = 8, .max_conns = { 8, 8 } },
		{ "fewer connections than come", .bytes = 5000, .conns = 8, .max_conns = { 8, 3 }, .loss_ppm = 10000 },
		{ "receive buffers", .bytes = 100000, .conns = 8, .pinned = 60000, .loss_ppm = 10000 },
		{ "receive buffers, taken", .bytes = 50000, .conns = 8, .pinned = 30000, .take = true },
	};

	for (unsigned i = 0; i < RTE_DIM(list); i++)
		for (uint64_t seed = 1; seed <= 3; seed++)
			CU_ASSERT(run_once(&list[i], seed, 0, 0));
}

/* Some never read, and what is queued for them would fill the pool: the others go on. */
static void exhaustion__peers_that_do_not_read(void)
{
	static const struct profile p = { "peers that do not read", .bytes = 2600000, .conns = 11, .stalled = 9 };

	CU_ASSERT(run_once(&p, 1, 0, 0));
}

/* Readers that were fast, and whose windows grew, stop all at once: what was promised finds room. */
static void exhaustion__readers_stop_together(void)
{
	static const struct profile list[] = {
		{ "stop together", .bytes = 8000000, .conns = 8, .pinned = 3 << 20, .pause_us = 1035000,
		  .none_refused = true },
		{ "stop together, taken", .bytes = 8000000, .conns = 12, .pinned = 4 << 20, .pause_us = 1045000,
		  .take = true, .none_refused = true },
	};

	for (unsigned i = 0; i < RTE_DIM(list); i++)
		CU_ASSERT(run_once(&list[i], 1, 0, 0));
}

static const struct test_case cases[] = {
	TEST_CASE(exhaustion__nth_fails),
	TEST_CASE(exhaustion__a_spell),
	TEST_CASE(exhaustion__one_in),
	TEST_CASE(exhaustion__small_pools),
	TEST_CASE(exhaustion__peers_that_do_not_read),
	TEST_CASE(exhaustion__readers_stop_together),
};

int main(void)
{
	test_eal_init();
	inject_init();
	return test_run("tcp_exhaustion", cases, RTE_DIM(cases), NULL);
}
