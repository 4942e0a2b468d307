/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Moderation in virtual time: one queue, one loop, the costs, loads and policies of
 * doc/moderation.md. Deterministic: the same figures with every run.
 *
 * Adaptive is the program's: moderate.c and backoff.c as they are, with the moderation that a
 * configuration of a port comes to which says nothing of it but, for some, max_latency_us.
 *
 * A line for each load and policy, with a head: CPU in per cent, latencies in us, the longest
 * that a packet waited for a loop that was away and the bound of that, packets lost in per cent, changes of the
 * profile a second, whether p99 is judged. With -c no lines, but whether the goals are met, by the exit status.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/smcgate/config/config.h"
#include "app/smcgate/pipeline/moderate.h"
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
#define START_US 1000000 /* the pipelines' clock at 0 */

/* ns; doc/moderation.md says where they come from. */
static const struct {
	double empty, turn, packet, wake_late, wake_cpu, sleep_late, sleep_cpu, arm, command;
} cost = { 150, 260, 60, 7500, 8000, 6000, 5500, 100, 50000 };

#define FULL_GAP ((cost.turn + BURST * cost.packet) / BURST)

struct policy {
	const char *name;
	enum { BUSY, STATIC, DIM, ADAPTIVE } kind;
	uint8_t index;     /* STATIC: the profile; DIM: where it begins */
	uint8_t flags;     /* of dim */
	/* ADAPTIVE */
	const char *moderation; /* in the configuration */
	bool interrupts, coalesces;
	bool goal;         /* p99 is held against the best static one's */
};
static const struct policy policies[] = {
	{ "busy-poll", BUSY },
	{ "static 0", STATIC, 0 },
	{ "static 2", STATIC, 2 },
	{ "static 4", STATIC, 4 },
	{ "DIM, Linux", DIM, 1, 0 },
	{ "DIM, improved", DIM, 1, DIM_ALL },
	{ "adaptive", ADAPTIVE, .moderation = "", .interrupts = true, .coalesces = true, .goal = true },
	{ "adaptive, uncoalesced", ADAPTIVE, .moderation = "", .interrupts = true, .goal = true },
	{ "adaptive, 100 us", ADAPTIVE, .moderation = "\"max_latency_us\": 100", .interrupts = true, .coalesces = true },
	{ "adaptive, 100 us uncoalesced", ADAPTIVE, .moderation = "\"max_latency_us\": 100", .interrupts = true },
	{ "adaptive, polled", ADAPTIVE, .moderation = "" },
	{ "static 0, polled", ADAPTIVE, .moderation = "\"mode\": \"static\", \"profile\": 0" },
	{ "static 4, polled", ADAPTIVE, .moderation = "\"mode\": \"static\", \"profile\": 4" },
};
static const double shares[] = { 0, 0.01, 0.1, 0.5, 1 };

struct sim {
	const struct policy *p;
	struct load load;
	double now, busy, begin;   /* begin: of what counts */
	double in_force;           /* when the device has what was asked for; LOAD_NEVER: nothing was */
	struct dim_profile device; /* what the device does */
	/* DIM */
	bool woken;                /* since the last sleep; an event when it finds packets */
	struct dim dim;
	struct dim_sample sample;
	/* ADAPTIVE, as app/smcgate/pipeline/idle.c has it */
	struct moderate queue;
	struct backoff backoff;
	struct backoff_machine machine;
	struct backoff_limits limits;
	bool stale;
	uint32_t rests, turns;
	double answer;             /* of the device that was asked; LOAD_NEVER: it was not */
	struct vnic_coal asked;
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
}

/* The pipelines' clock. */
static uint64_t clock_of(const struct sim *s)
{
	return START_US + (uint64_t)(s->now / 1000);
}

static double late_of(double cpu, double late)
{
	return cpu > late ? cpu - late : 0;
}

/* ---- turns and windows --------------------------------------------------------------------- */

static void measured(struct sim *s)
{
	s->sample.us = (uint64_t)(s->now / 1000);
	if (s->dim.run == DIM_APPLY_NEW_PROFILE && s->now >= s->in_force) {
		s->device = dim_rx_eqe[s->dim.index];
		s->in_force = LOAD_NEVER;
		dim_applied(&s->dim, true);
	}
	if (!dim_update(&s->dim, &s->sample))
		return;
	s->changes++;
	s->in_force = s->now + cost.command;
}

static unsigned turn(struct sim *s)
{
	unsigned n = s->load.count < BURST ? s->load.count : BURST;

	s->turns++;
	if (n == 0) {
		run_for(s, cost.empty);
		load_fill(&s->load, s->now);
		return 0;
	}
	run_for(s, cost.turn + n * cost.packet);
	for (unsigned i = 0; i < n; i++) {
		double at = s->load.ring[(s->load.head + i) % LOAD_RING];

		if (at >= s->begin)
			histogram_add(&s->h, (uint64_t)(s->now - at));
	}
	load_take(&s->load, n);
	s->packets += n;
	s->sample.packets += n;
	s->sample.bytes += n * OCTETS;
	s->sample.events += s->woken;
	s->woken = false;
	if (s->p->kind == ADAPTIVE)
		s->stale |= moderate_poll(&s->queue, s->rests, s->turns, n, n * OCTETS, clock_of(s));
	load_fill(&s->load, s->now);
	return n;
}

/* ---- the device of adaptive ------------------------------------------------------------------ */

static struct sim *asks; /* whose queue asks: moderate.h has no argument for it */

static int post(uint16_t port, uint16_t queue, const struct vnic_coal *c)
{
	asks->asked = *c;
	asks->answer = asks->now + cost.command;
	return 0;
}

static enum vnic_coal_state state(uint16_t port, uint16_t queue)
{
	if (asks->answer > asks->now)
		return asks->answer == LOAD_NEVER ? VNIC_COAL_IDLE : VNIC_COAL_PENDING;
	asks->device = (struct dim_profile){ (uint16_t)asks->asked.usecs, (uint16_t)asks->asked.packets };
	asks->answer = LOAD_NEVER;
	return VNIC_COAL_IDLE;
}

static const struct moderate_device coalesces = { post, state };

/* A port's default, but for what the policy says. */
static bool configure(struct sim *s)
{
	struct config_moderated_queue q;
	struct cfg_errors errs = { 0 };
	struct config *cfg;
	char text[160];

	snprintf(text, sizeof(text), "{\"ports\": [{\"name\": \"p\", \"device\": \"d\", \"moderation\": {%s}}]}",
		 s->p->moderation);
	if (config_parse_buffer(text, strlen(text), &cfg, &errs) < 0) {
		cfg_errors_print(&errs, "moderation_sim", stderr);
		return false;
	}
	q = config_moderated(&cfg->ports[0], 0);
	moderate_init(&s->queue, &cfg->ports[0].moderation, &q);
	config_free(cfg);
	moderate_start(&s->queue, 0, 0, s->p->coalesces ? &coalesces : NULL, START_US);
	moderate_place(&s->queue, s->p->interrupts, s->p->interrupts, LOAD_RING, &s->machine);
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
	if (s->p->kind == DIM)
		measured(s);
	wait_interrupt(s, s->device.usecs, s->device.packets, end - s->now);
}

static void back_off(struct sim *s, unsigned n)
{
	struct backoff_step step;

	backoff_turn(&s->backoff, n > 0, n > 0 && n < BURST);
	if (s->stale) {
		moderate_limits_init(&s->limits);
		moderate_limits_add(&s->limits, &s->queue);
		s->limits.interrupts = s->p->interrupts;
		backoff_limits_done(&s->limits, &s->machine);
		s->stale = false;
	}
	step = backoff_next(&s->backoff, &s->limits, &s->machine, clock_of(s), BACKOFF_NEVER);
	if (step.act == BACKOFF_POLL)
		return;
	s->rests++;
	if (step.act == BACKOFF_PAUSE) {
		run_for(s, 1000.0 * step.us);
		return;
	}
	s->stale |= moderate_sleep(&s->queue, step.act == BACKOFF_WAIT, clock_of(s));
	if (step.act == BACKOFF_SLEEP)
		away(s, s->now + 1000.0 * step.us, cost.sleep_late, cost.sleep_cpu);
	else
		wait_interrupt(s, s->device.usecs, s->device.packets, 1000.0 * step.us);
}

static void run_until(struct sim *s, double end)
{
	while (s->now < end) {
		unsigned n = turn(s);

		if (s->p->kind == ADAPTIVE)
			back_off(s, n);
		else if (n == 0 && s->p->kind != BUSY)
			interrupts(s, end);
	}
}

static void simulate(struct sim *s, const struct policy *p, enum load_kind kind, double share, double settle)
{
	memset(s, 0, sizeof(*s));
	s->p = p;
	s->machine = backoff_machine_of((uint32_t)((cost.sleep_late + 999) / 1000), 0);
	s->in_force = s->answer = LOAD_NEVER;
	s->device = p->kind == ADAPTIVE ? (struct dim_profile){ 0, 1 } : dim_rx_eqe[p->index];
	s->stale = true;
	s->begin = settle;
	asks = s;
	if (p->kind == ADAPTIVE && !configure(s))
		exit(EXIT_FAILURE);
	histogram_init(&s->h);
	dim_init(&s->dim, DIM_PROFILES, p->index, p->flags);
	load_init(&s->load, kind, share, FULL_GAP, SEED);
}

/* What a run came to: per cent, us. */
struct result {
	double cpu, p50, p99, p999, added, bound, lost, changes;
	unsigned profile;
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
	s->queue.told.changes = 0;
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
	s->changes += s->queue.told.changes;
	r.changes = (double)s->changes * 1e9 / span;
	r.bound = p->kind == ADAPTIVE ? s->queue.max_latency_us : 0;
	r.profile = p->kind == ADAPTIVE ? (unsigned)(moderate_profile(&s->queue) - s->queue.profiles) : s->dim.index;
	return r;
}

static int table(struct sim *s)
{
	printf("arrivals,load,policy,cpu,p50,p99,p99.9,added,bound,lost,changes,profile,judged\n");
	for (unsigned kind = 0; kind < LOAD_KINDS; kind++) {
		for (unsigned i = 0; i < N(shares) * N(policies); i++) {
			const struct policy *p = &policies[i % N(policies)];
			double share = shares[i / N(policies)];
			struct result r = one(s, p, kind, share, 1);

			printf("%s,%g,\"%s\",%.2f,%.3f", load_names[kind], 100 * share, p->name, r.cpu, r.p50);
			printf(",%.3f,%.3f,%.3f,%.0f,%.4f", r.p99, r.p999, r.added, r.bound, r.lost);
			printf(",%.0f,%u,%d\n", r.changes, r.profile, p->goal);
		}
	}
	return EXIT_SUCCESS;
}

/* ---- the goals, in shorter runs ---------------------------------------------------------------- */

static bool holds(const char *what, enum load_kind kind, double share, const struct policy *p, double is,
		  double most)
{
	if (is <= most + 1e-6) /* the rest is rounding */
		return true;
	fprintf(stderr, "%s %g %%, %s: %s is %g, more than %g\n", load_names[kind], 100 * share, p->name, what,
		is, most);
	return false;
}

static bool check_load(struct sim *s, enum load_kind kind, double share)
{
	double best = 0;
	bool ok = true;

	for (const struct policy *p = policies; p < policies + N(policies); p++) {
		struct result r = one(s, p, kind, share, share == 0 ? 1 : 0.2);

		if (p->kind == STATIC && (best == 0 || r.p99 < best))
			best = r.p99;
		if (p->kind != ADAPTIVE)
			continue;
		ok &= holds("the longest added", kind, share, p, r.added, r.bound);
		if (share == 0)
			ok &= holds("CPU", kind, share, p, r.cpu, 3);
		else if (p->goal)
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
