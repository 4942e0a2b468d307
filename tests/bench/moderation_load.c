/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/bench/moderation_load.h"

#include <math.h>
#include <string.h>

const char *const load_names[LOAD_KINDS] = { "constant", "poisson", "bursts" };

/* In (0, 1]; splitmix64. */
static double uniform(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (double)(((z ^ (z >> 31)) >> 11) + 1) / 9007199254740992.0;
}

static double exponential(struct load *l, double mean)
{
	return -mean * log(uniform(&l->seed));
}

static void advance(struct load *l)
{
	l->next += l->kind == LOAD_CONSTANT ? l->gap : exponential(l, l->gap);
	while (l->kind == LOAD_BURSTS && l->pause > 0 && l->next > l->on_until) {
		double begin = l->on_until + exponential(l, l->pause);

		l->next = begin + exponential(l, l->gap);
		l->on_until = begin + exponential(l, LOAD_BURST_NS);
	}
}

void load_init(struct load *l, enum load_kind kind, double share, double full_gap, uint64_t seed)
{
	memset(l, 0, sizeof(*l));
	l->kind = kind;
	l->seed = seed;
	if (share <= 0) {
		l->next = LOAD_NEVER;
		return;
	}
	l->gap = kind == LOAD_BURSTS ? full_gap : full_gap / share;
	l->pause = LOAD_BURST_NS * (1 - share) / share;
	advance(l);
}

static void arrive(struct load *l)
{
	if (l->count < LOAD_RING)
		l->ring[(l->head + l->count++) % LOAD_RING] = l->next;
	else
		l->dropped++;
	advance(l);
}

void load_fill(struct load *l, double now)
{
	while (l->next <= now)
		arrive(l);
}

double load_fill_to(struct load *l, unsigned count, double until)
{
	while (l->next <= until && l->count < count) {
		double at = l->next;

		arrive(l);
		if (l->count >= count)
			return at;
	}
	return until;
}

double load_oldest(const struct load *l)
{
	return l->ring[l->head];
}

void load_take(struct load *l, unsigned n)
{
	l->head = (l->head + n) % LOAD_RING;
	l->count -= n;
}
