/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The decision for network queues. A walk goes one profile a window; it ends on top (two
 * steps or more one way, turned, one back), at an end of the table, or tired of stepping
 * about. Parked on top, the rates of the window that led there stay the reference.
 */
#include "pmd/dim/dim_private.h"

enum step { STEPPED, ON_EDGE, TOO_TIRED };

void dim_turn(struct dim *d)
{
	if (d->tune == DIM_GOING_RIGHT) {
		d->tune = DIM_GOING_LEFT;
		d->steps_left = 0;
	} else if (d->tune == DIM_GOING_LEFT) {
		d->tune = DIM_GOING_RIGHT;
		d->steps_right = 0;
	}
}

bool dim_move(struct dim *d)
{
	if (d->tune == DIM_GOING_RIGHT) {
		if (d->index + 1 >= d->profiles)
			return false;
		d->index++;
		d->steps_right++;
	} else if (d->tune == DIM_GOING_LEFT) {
		if (d->index == 0)
			return false;
		d->index--;
		d->steps_left++;
	}
	return true;
}

static bool on_top(const struct dim *d)
{
	switch (d->tune) {
	case DIM_GOING_RIGHT:
		return d->steps_left > 1 && d->steps_right == 1;
	case DIM_GOING_LEFT:
		return d->steps_right > 1 && d->steps_left == 1;
	default:
		return true;
	}
}

static enum step step(struct dim *d)
{
	if (d->tired >= 2 * d->profiles)
		return TOO_TIRED;
	if (!dim_move(d))
		return ON_EDGE;
	d->tired++;
	return STEPPED;
}

static void park_on_top(struct dim *d)
{
	d->steps_right = d->steps_left = d->tired = 0;
	d->settled = d->agree = 0;
	d->tune = DIM_PARKING_ON_TOP;
}

/* tired stays: it is how long the rest lasts. */
static void park_tired(struct dim *d)
{
	d->steps_right = d->steps_left = 0;
	d->tune = DIM_PARKING_TIRED;
}

/* The end of the table is where a walk may want to begin (by dim_direction() only): it stays. */
static void exit_parking(struct dim *d, const struct dim_rates *r)
{
	d->tune = dim_direction(d, r);
	if (step(d) != STEPPED)
		park_on_top(d);
}

static void go_on(struct dim *d, const struct dim_rates *r)
{
	enum dim_verdict v = dim_compare(r, &d->prev);

	d->rest = 0;
	if (dim_flat(d, v)) {
		park_on_top(d);
		return;
	}
	if (v != DIM_BETTER)
		dim_turn(d);
	if (on_top(d)) {
		park_on_top(d);
		return;
	}
	switch (step(d)) {
	case ON_EDGE:
		park_on_top(d);
		break;
	case TOO_TIRED:
		park_tired(d);
		break;
	case STEPPED:
		break;
	}
}

bool dim_decide(struct dim *d, const struct dim_rates *r)
{
	bool decided = true;

	d->before = d->index;
	switch (d->tune) {
	case DIM_PARKING_ON_TOP:
		decided = dim_leaves(d, r, dim_compare(r, &d->prev));
		if (decided)
			exit_parking(d, r);
		break;
	case DIM_PARKING_TIRED:
		if (--d->tired == 0)
			exit_parking(d, r);
		break;
	default:
		go_on(d, r);
		break;
	}
	/* While parked on top the reference stays, so that a slow drift adds up and is seen. */
	if (decided)
		d->prev = *r;
	d->windows++;
	d->changes += d->index != d->before;
	return d->index != d->before;
}
