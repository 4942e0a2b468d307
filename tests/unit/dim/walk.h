/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walks as text: one word a window, tune state / index / tired ("L/0/1"; T parked on top,
 * P tired, R and L going), so that a whole trajectory is compared as a string.
 */
#ifndef TESTS_UNIT_DIM_WALK_H
#define TESTS_UNIT_DIM_WALK_H

#include "pmd/dim/dim.h"

#define WALK_MAX 4096 /* characters, with the 0 */

struct walk {
	char text[WALK_MAX];
	unsigned length;
	unsigned windows, changes;
};

/* Decide on these rates (network rules) and write down where that led. */
void walk_decide(struct walk *w, struct dim *d, uint64_t bpms, uint64_t ppms, uint64_t epms);
/* The last word, "" before the first window. */
const char *walk_last(const struct walk *w);

/*
 * A queue that is polled in interrupts: packets of a size come at a rate (per ms), an event
 * ends when the profile's time since its first packet has passed, or its limit of packets
 * is reached. The rates of one window as dim_rates() gives them with these flags.
 */
struct open_loop {
	const struct dim_profile *profiles;
	double packets_ms; /* offered */
	unsigned octets;
	double event_us, packet_us; /* what the receiver spends on each; 0: nothing */
};
void open_loop_window(const struct open_loop *m, unsigned index, uint8_t flags, struct dim_rates *out);

/* One request under way, its answer delayed by the profile's time. */
void closed_loop_window(const struct dim_profile *profiles, double base_us, unsigned index,
			uint8_t flags, struct dim_rates *out);

#endif
