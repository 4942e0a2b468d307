/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walks of NetDIM over modelled queues, original and improved, as lines
 * "scenario,window,original,improved" of profiles: the plot of doc/moderation.md.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "pmd/dim/dim.h"
#include "tests/unit/dim/walk.h"

#define WINDOWS 120

static const struct scenario {
	const char *name;
	struct open_loop queue; /* profiles, packets a ms, octets, us an event, us a packet */
	double sigma;
} scenarios[] = {
	{ "10 packets a ms: profiles 0 and 1 are the same", { dim_rx_eqe, 10, 1500, 0, 0 }, 0 },
	{ "3000 packets a ms: profiles 3 and 4 are the same", { dim_rx_eqe, 3000, 64, 0, 0 }, 0 },
	{ "an overloaded receiver: 2 to 4 are the same", { dim_rx_eqe, 8000, 64, 2, 0.15 }, 0 },
	{ "1000 packets a ms with noise of 5 per cent", { dim_rx_eqe, 1000, 1500, 0, 0 }, 0.05 },
};

/* In (0, 1); the generator of POSIX is the same everywhere. */
static double gaussian(unsigned short state[3])
{
	double u = 1 - erand48(state), v = erand48(state);

	return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

static void window(struct dim *d, const struct scenario *s, double noise)
{
	struct open_loop m = s->queue;
	struct dim_rates r;

	m.packets_ms *= 1 + s->sigma * noise;
	open_loop_window(&m, d->index, d->flags, &r);
	dim_decide(d, &r);
}

int main(void)
{
	printf("scenario,window,original,improved\n");
	for (unsigned i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		unsigned short state[3] = { 1, 2, 3 };
		struct dim original, improved;

		dim_init(&original, DIM_PROFILES, 1, 0);
		dim_init(&improved, DIM_PROFILES, 1, DIM_ALL);
		for (unsigned w = 0; w < WINDOWS; w++) {
			double noise = gaussian(state);

			window(&original, &scenarios[i], noise);
			window(&improved, &scenarios[i], noise);
			printf("\"%s\",%u,%u,%u\n", scenarios[i].name, w, original.index, improved.index);
		}
	}
	return EXIT_SUCCESS;
}
