/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Moderation in virtual time: one queue, one loop, the costs, loads and policies of
 * doc/moderation.md. Deterministic: the same figures with every run.
 *
 * A line for each load and policy, with a head: CPU in per cent, latencies in us, the longest
 * that a packet waited for a loop that was away, packets lost in per cent, changes of the
 * profile a second. With -c no lines, but whether the goals are met, by the exit status.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmd/base/histogram.h"
#include "pmd/dim/backoff.h"
#include "pmd/dim/dim.h"
#include "tests/bench/moderation_load.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define BURST 32
#define OCTETS 64
#define SETTLE_NS 100e6
#define MEASURE_NS 200e6
#define SEED 20261122
#define IDLE_NS 100e6   /* without a packet: back to the first profile */
#define SPINNING 64     /* as the pipeline counts events */
#define NAP_MIN_US 20

/* ports[].moderation.profiles of the adaptive policies: naps as long as Linux's table. */
static const struct {
	uint32_t spin, usecs;
} profiles[DIM_PROFILES] = { { 16, 1 }, { 4, 8 }, { 1, 64 }, { 1, 128 }, { 1, 256 } };

/* ns; doc/moderation.md says where they come from. */
static const struct {
	double empty, turn, packet, wake_late, wake_cpu, sleep_late, sleep_cpu, arm, command;
} cost = { 150, 260, 60, 7500, 8000, 6000, 5500, 100, 50000 };

#define FULL_GAP ((cost.turn + BURST * cost.packet) / BURST)

struct policy {
	const char *name;
	enum { BUSY, STATIC, DIM, ADAPTIVE } kind;
	uint8_t index;     /* STATIC: the profile; else where it begins */
	uint8_t flags;     /* of dim */
	uint32_t bound_us; /* ADAPTIVE */
};
static const struct policy policies[] = {
	{ "busy-poll", BUSY, 0, 0, 0 },
	{ "static 0", STATIC, 0, 0, 0 },
	{ "static 2", STATIC, 2, 0, 0 },
	{ "static 4", STATIC, 4, 0, 0 },
	{ "DIM, Linux", DIM, 1, 0, 0 },
	{ "DIM, improved", DIM, 1, DIM_ALL, 0 },
	{ "adaptive, 10 us", ADAPTIVE, 1, DIM_ALL, 10 },
	{ "adaptive, 100 us", ADAPTIVE, 1, DIM_ALL, 100 },
};
static const double shares[] = { 0, 0.01, 0.1, 0.5, 1 };

struct sim {
	const struct policy *p;
	struct load load;
	double now, busy, begin;   /* begin: of what counts */
	double in_force;           /* when the device has what was asked for; LOAD_NEVER: nothing was */
	double last;               /* packet */
	uint8_t device;            /* profile the device has */
	bool woken;                /* since the last sleep; an event when it finds packets */
	unsigned run;              /* turns with packets since then; beyond SPINNING each is an event */
	struct dim dim;
	struct dim_sample sample;
	struct backoff backoff;
	struct backoff_machine machine;
	double added;              /* longest that a packet waited for the loop to be back */
	uint64_t packets, dropped, changes;
	struct histogram h;
};

static void run_for(struct sim *s, double ns)
{
	s->now += ns;
	s->busy += ns;
}

/* Away until then, and late; the CPU of it is spent first and last. */
static void away(struct sim *s, double until, double late, double cpu)
{
	double gone = s->now, since;

	if (until > s->now)
		s->now = until;
	s->now += late;
	s->busy += cpu < late ? cpu : late;
	load_fill(&s->load, s->now);
	if (s->load.count > 0) {
		since = load_oldest(&s->load);
		since = s->now - (since > gone ? since : gone);
		s->added = since > s->added ? since : s->added;
	}
	s->woken = true;
	s->run = 0;
}

static double late_of(double cpu, double late)
{
	return cpu > late ? cpu - late : 0;
}

/* ---- turns and windows --------------------------------------------------------------------- */

static void measured(struct sim *s)
{
	bool asks = s->p->kind == DIM;

	s->sample.us = (uint64_t)(s->now / 1000);
	if (s->dim.run == DIM_APPLY_NEW_PROFILE && s->now >= s->in_force) {
		s->device = s->dim.index;
		s->in_force = LOAD_NEVER;
		dim_applied(&s->dim, true);
	}
	if (!dim_update(&s->dim, &s->sample))
		return;
	s->changes++;
	s->in_force = asks ? s->now + cost.command : s->now;
}

static bool turn(struct sim *s)
{
	unsigned n = s->load.count < BURST ? s->load.count : BURST;

	if (n == 0) {
		run_for(s, cost.empty);
		load_fill(&s->load, s->now);
		return false;
	}
	run_for(s, cost.turn + n * cost.packet);
	for (unsigned i = 0; i < n; i++) {
		double at = s->load.ring[(s->load.head + i) % LOAD_RING];

		if (at >= s->begin)
			histogram_add(&s->h, (uint64_t)(s->now - at));
	}
	load_take(&s->load, n);
	s->packets += n;
	s->last = s->now;
	s->sample.packets += n;
	s->sample.bytes += n * OCTETS;
	s->sample.events += s->woken || (++s->run > SPINNING && s->p->kind == ADAPTIVE);
	s->woken = false;
	load_fill(&s->load, s->now);
	return true;
}

/* ---- policies -------------------------------------------------------------------------------- */

static void wait_interrupt(struct sim *s, uint32_t usecs, uint32_t packets, double most)
{
	double at, end = s->now + most;

	run_for(s, cost.arm);
	load_fill(&s->load, s->now);
	if (s->load.count > 0)
		return;
	run_for(s, late_of(cost.wake_cpu, cost.wake_late));
	load_fill(&s->load, s->now);
	at = load_fill_to(&s->load, 1, end);
	if (s->load.count > 0)
		at = load_fill_to(&s->load, packets, load_oldest(&s->load) + 1000.0 * usecs);
	away(s, at, cost.wake_late, cost.wake_cpu);
}

/* Interrupts by the device, of one profile or of the one that DIM chooses. */
static void interrupts(struct sim *s, double end)
{
	const struct dim_profile *p = &dim_rx_eqe[s->device];

	if (s->p->kind == DIM)
		measured(s);
	wait_interrupt(s, p->usecs, p->packets, end - s->now);
}

static void back_off(struct sim *s, bool work)
{
	uint32_t nap = profiles[s->dim.index].usecs;
	const struct backoff_limits l = {
		.spin = profiles[s->dim.index].spin,
		.nap_us = nap >= NAP_MIN_US ? nap : 0,
		.bound_us = s->p->bound_us,
		.interrupts = true,
	};
	struct backoff_step step;

	backoff_turn(&s->backoff, work);
	step = backoff_next(&s->backoff, &l, &s->machine, (uint64_t)(s->now / 1000), BACKOFF_NEVER);
	switch (step.act) {
	case BACKOFF_POLL:
		break;
	case BACKOFF_PAUSE:
		run_for(s, 1000.0 * step.us);
		break;
	case BACKOFF_SLEEP:
		away(s, s->now + 1000.0 * step.us, cost.sleep_late, cost.sleep_cpu);
		break;
	case BACKOFF_WAIT:
		if (s->now - s->last > IDLE_NS && s->dim.index != s->p->index)
			dim_idle(&s->dim, s->p->index);
		wait_interrupt(s, 0, 1, 1000.0 * step.us);
		break;
	}
}

static void run_until(struct sim *s, double end)
{
	while (s->now < end) {
		bool work = turn(s);

		if (s->p->kind == ADAPTIVE) {
			if (work)
				measured(s);
			back_off(s, work);
		}
		else if (!work && s->p->kind != BUSY)
			interrupts(s, end);
	}
}

static void simulate(struct sim *s, const struct policy *p, enum load_kind kind, double share, double settle)
{
	memset(s, 0, sizeof(*s));
	s->p = p;
	s->machine = (struct backoff_machine){ .late_us = 6, .floor_us = 6, .wake_us = 8 };
	s->in_force = LOAD_NEVER;
	s->device = p->index;
	s->begin = settle;
	histogram_init(&s->h);
	dim_init(&s->dim, DIM_PROFILES, p->index, p->flags);
	load_init(&s->load, kind, share, FULL_GAP, SEED);
}

/* What a run came to: per cent, us. */
struct result {
	double cpu, p50, p99, p999, added, lost, changes;
};

/* length: 1 for the whole of it. */
static struct result one(struct sim *s, const struct policy *p, enum load_kind kind, double share,
			 double length)
{
	struct result r = { 0 };
	double span;

	simulate(s, p, kind, share, length * SETTLE_NS);
	run_until(s, s->begin);
	s->busy = s->packets = s->changes = s->added = 0;
	s->load.dropped = 0;
	span = s->now;
	run_until(s, s->begin + length * MEASURE_NS);
	span = s->now - span;
	r.cpu = 100 * s->busy / span;
	r.p50 = (double)histogram_quantile(&s->h, 0.5) / 1000;
	r.p99 = (double)histogram_quantile(&s->h, 0.99) / 1000;
	r.p999 = (double)histogram_quantile(&s->h, 0.999) / 1000;
	r.added = s->added / 1000;
	if (s->packets > 0)
		r.lost = 100 * (double)s->load.dropped / (double)(s->packets + s->load.dropped);
	r.changes = (double)s->changes * 1e9 / span;
	return r;
}

static int table(struct sim *s)
{
	printf("arrivals,load,policy,cpu,p50,p99,p99.9,added,lost,changes,profile\n");
	for (unsigned kind = 0; kind < LOAD_KINDS; kind++) {
		for (unsigned i = 0; i < N(shares) * N(policies); i++) {
			const struct policy *p = &policies[i % N(policies)];
			double share = shares[i / N(policies)];
			struct result r = one(s, p, kind, share, 1);

			printf("%s,%g,\"%s\",%.2f,%.3f", load_names[kind], 100 * share, p->name, r.cpu, r.p50);
			printf(",%.3f,%.3f,%.3f,%.4f", r.p99, r.p999, r.added, r.lost);
			printf(",%.0f,%u\n", r.changes, s->dim.index);
		}
	}
	return EXIT_SUCCESS;
}

/* ---- the goals, in shorter runs ---------------------------------------------------------------- */

static bool holds(const char *what, enum load_kind kind, double share, const struct policy *p, double is,
		  double most)
{
	if (is <= most)
		return true;
	fprintf(stderr, "%s %g %%, %s: %s is %g, more than %g\n", load_names[kind], 100 * share, p->name, what,
		is, most);
	return false;
}

static bool check_load(struct sim *s, enum load_kind kind, double share)
{
	double best = 0, strictest = 0;
	bool ok = true;

	for (const struct policy *p = policies; p < policies + N(policies); p++) {
		struct result r = one(s, p, kind, share, share == 0 ? 1 : 0.2);

		if (p->kind == STATIC && (best == 0 || r.p99 < best))
			best = r.p99;
		if (p->kind != ADAPTIVE)
			continue;
		if (strictest == 0)
			strictest = p->bound_us;
		ok &= holds("the longest added", kind, share, p, r.added, p->bound_us);
		if (share == 0)
			ok &= holds("CPU", kind, share, p, r.cpu, 3);
		else if (p->bound_us == strictest)
			ok &= holds("p99", kind, share, p, r.p99, 1.2 * best);
	}
	return ok;
}

static int check(struct sim *s)
{
	bool ok = true;

	for (unsigned kind = 0; kind < LOAD_KINDS; kind++)
		for (unsigned i = 0; i < N(shares); i++)
			ok &= check_load(s, kind, shares[i]);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct sim *s = malloc(sizeof(*s));
	int rc;

	if (s == NULL)
		return EXIT_FAILURE;
	rc = argc > 1 && strcmp(argv[1], "-c") == 0 ? check(s) : table(s);
	free(s);
	return rc;
}
