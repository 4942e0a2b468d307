/* SPDX-License-Identifier: BSD-3-Clause */
/* The run of windows: start, 64 events, decision, and waiting until it is in force. */
#include <string.h>

#include "pmd/dim/dim_private.h"

void dim_init(struct dim *d, uint8_t profiles, uint8_t index, uint8_t flags)
{
	memset(d, 0, sizeof(*d));
	d->profiles = profiles < 2 ? 2 : profiles > DIM_PROFILES_MAX ? DIM_PROFILES_MAX : profiles;
	d->flags = flags;
	dim_idle(d, index);
}

void dim_idle(struct dim *d, uint8_t index)
{
	d->index = d->before = index < d->profiles ? index : d->profiles - 1;
	d->run = DIM_START_MEASURE;
	d->tune = DIM_PARKING_ON_TOP;
	d->steps_right = d->steps_left = d->tired = 0;
	d->rest = d->rest_next = 0;
	d->agree = d->settled = 0;
	d->agree_dir = 0;
	memset(&d->prev, 0, sizeof(d->prev));
}

static bool measure(struct dim *d, const struct dim_sample *now,
		    bool (*decide)(struct dim *, const struct dim_rates *))
{
	struct dim_rates r;

	switch (d->run) {
	case DIM_MEASURE_IN_PROGRESS:
		if (dim_events(&d->start, now, d->flags) < DIM_EVENTS || now->us == d->start.us)
			return false;
		if (dim_rates(&d->start, now, d->flags, &r) && decide(d, &r)) {
			d->run = DIM_APPLY_NEW_PROFILE;
			return true;
		}
		d->start = *now;
		return false;
	case DIM_START_MEASURE:
		d->start = *now;
		d->run = DIM_MEASURE_IN_PROGRESS;
		return false;
	default:
		return false;
	}
}

bool dim_update(struct dim *d, const struct dim_sample *now)
{
	return measure(d, now, dim_decide);
}

bool dim_rdma_update(struct dim *d, const struct dim_sample *now)
{
	return measure(d, now, dim_rdma_decide);
}

void dim_applied(struct dim *d, bool ok)
{
	if (d->run != DIM_APPLY_NEW_PROFILE)
		return;
	d->run = DIM_START_MEASURE;
	if (ok) {
		d->before = d->index;
		return;
	}
	/* The step was not made: it must not count towards being on top. */
	if (d->index > d->before && d->steps_right > 0)
		d->steps_right--;
	else if (d->index < d->before && d->steps_left > 0)
		d->steps_left--;
	d->index = d->before;
}
