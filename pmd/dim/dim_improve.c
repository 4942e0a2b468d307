/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What DIM_FLAT, DIM_CAUSE and DIM_STEADY add to the decision for network queues. Without
 * its flag each does what Linux does. (DIM_FINE is a matter of rates.)
 */
#include "pmd/dim/dim_private.h"

#define REST_FIRST 64   /* windows on a flat place until the next try; doubles up to */
#define REST_MOST  8192
#define SETTLE     8    /* windows whose mean is the reference of a park */
#define AGREE      2    /* windows in a row that want to leave it */

static uint64_t mean(uint64_t of, uint64_t n, uint64_t next)
{
	return (of * n + next) / (n + 1);
}

/*
 * One window is a noisy reference: if it lies high, most of the next seem lower. So the first
 * windows of a park are averaged, those that differ included; then the reference stays, so
 * that a slow drift adds up as without this.
 */
static void settle(struct dim *d, const struct dim_rates *r)
{
	if (d->settled >= SETTLE)
		return;
	d->settled++;
	d->prev.bpms = mean(d->prev.bpms, d->settled, r->bpms);
	d->prev.ppms = mean(d->prev.ppms, d->settled, r->ppms);
	d->prev.epms = mean(d->prev.epms, d->settled, r->epms);
}

static bool agreed(struct dim *d, enum dim_verdict v)
{
	int8_t dir = v == DIM_BETTER ? 1 : -1;

	if (v == DIM_SAME) {
		d->agree = 0;
		return false;
	}
	if (d->agree == 0 || d->agree_dir != dir) {
		d->agree = 1;
		d->agree_dir = dir;
		return false;
	}
	if (++d->agree < AGREE)
		return false;
	d->agree = 0;
	return true;
}

/* The time on a flat place is over. */
static bool rested(struct dim *d)
{
	return (d->flags & DIM_FLAT) != 0 && d->rest > 0 && --d->rest == 0;
}

bool dim_leaves(struct dim *d, const struct dim_rates *r, enum dim_verdict v)
{
	bool leaves = v != DIM_SAME, first = d->prev.bpms == 0;

	/* The first traffic leaves at once: there is nothing yet that could be noise. */
	if ((d->flags & DIM_STEADY) != 0 && !first) {
		leaves = agreed(d, v);
		if (!leaves)
			settle(d, r);
	}
	return rested(d) || leaves;
}

/* 1: more of it than before, -1: less. */
static int changed(uint64_t now, uint64_t before)
{
	if (before == 0)
		return now > 0;
	return dim_differs(now, before) ? (now > before ? 1 : -1) : 0;
}

enum dim_tune dim_direction(const struct dim *d, const struct dim_rates *r)
{
	int load;

	if ((d->flags & DIM_CAUSE) == 0)
		return d->index > 0 ? DIM_GOING_LEFT : DIM_GOING_RIGHT;
	load = changed(r->bpms, d->prev.bpms);
	if (load == 0)
		load = changed(r->ppms, d->prev.ppms);
	if (load == 0)
		load = changed(r->epms, d->prev.epms);
	/* The first traffic of all at the right end: there is only one way to try. */
	if (d->prev.bpms == 0 && d->index + 1 == d->profiles)
		return DIM_GOING_LEFT;
	/* Nothing has changed: a try to the right costs latency within the table, one to the left
	 * may cost an overloaded receiver most of its throughput. */
	return load >= 0 ? DIM_GOING_RIGHT : DIM_GOING_LEFT;
}

bool dim_flat(struct dim *d, enum dim_verdict v)
{
	bool went_right = d->tune == DIM_GOING_RIGHT;

	if ((d->flags & DIM_FLAT) == 0)
		return false;
	if (v != DIM_SAME) {
		d->rest_next = 0;
		return false;
	}
	/* A step that could not be applied is not counted, and says nothing about its profile. */
	if ((went_right ? d->steps_right : d->steps_left) == 0)
		return false;
	if (went_right && d->index > 0)
		d->index--;
	if (d->rest_next == 0)
		d->rest_next = REST_FIRST;
	else if (d->rest_next < REST_MOST)
		d->rest_next *= 2;
	d->rest = d->rest_next;
	return true;
}
