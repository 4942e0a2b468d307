/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets of the moderation simulation: arrivals at virtual ns and the ring they wait in. */
#ifndef BENCH_MODERATION_LOAD_H
#define BENCH_MODERATION_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#define LOAD_RING 1024
#define LOAD_BURST_NS 500000.0 /* mean length of a burst */
#define LOAD_NEVER 1e30

enum load_kind { LOAD_CONSTANT, LOAD_POISSON, LOAD_BURSTS, LOAD_KINDS };
extern const char *const load_names[LOAD_KINDS];

struct load {
	enum load_kind kind;
	uint64_t seed;
	double gap;            /* mean while packets come */
	double pause;          /* mean between bursts */
	double on_until;       /* end of the burst */
	double next;           /* arrival not yet in the ring; LOAD_NEVER: none comes */
	double ring[LOAD_RING]; /* arrivals that wait, oldest at head */
	unsigned head, count;
	uint64_t dropped;
};

/* share of full_gap's rate, 0 to 1, from time 0 on. */
void load_init(struct load *l, enum load_kind kind, double share, double full_gap, uint64_t seed);
/* Everything that has come by now into the ring, or out if it is full. */
void load_fill(struct load *l, double now);
/* Fill until there are so many, at the latest until then: when that was. */
double load_fill_to(struct load *l, unsigned count, double until);
double load_oldest(const struct load *l); /* count > 0 */
void load_take(struct load *l, unsigned n);

#endif
