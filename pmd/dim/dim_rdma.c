/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/dim/dim_private.h"

#define PERCENT_A_PROFILE 50 /* completions an event that a profile has to be worth */

void dim_rdma_init(struct dim *d)
{
	dim_init(d, DIM_RDMA_PROFILES, 0, 0);
	d->tune = DIM_GOING_RIGHT;
}

enum dim_verdict dim_rdma_compare(const struct dim_rates *now, const struct dim_rates *before)
{
	if (before->cpms == 0)
		return DIM_SAME;
	if (dim_differs(now->cpms, before->cpms))
		return now->cpms > before->cpms ? DIM_BETTER : DIM_WORSE;
	if (dim_differs(now->cpe_ratio, before->cpe_ratio))
		return now->cpe_ratio > before->cpe_ratio ? DIM_BETTER : DIM_WORSE;
	return DIM_SAME;
}

static bool going(const struct dim *d)
{
	return d->tune == DIM_GOING_RIGHT || d->tune == DIM_GOING_LEFT;
}

bool dim_rdma_decide(struct dim *d, const struct dim_rates *r)
{
	enum dim_verdict v = dim_rdma_compare(r, &d->prev);

	d->before = d->index;
	if (going(d) && v == DIM_SAME) {
		if (r->cpe_ratio <= PERCENT_A_PROFILE * d->index)
			d->index = 0;
	} else if (going(d)) {
		if (v == DIM_WORSE)
			dim_turn(d);
		if (!dim_move(d))
			dim_turn(d);
	}
	d->prev = *r;
	d->windows++;
	d->changes += d->index != d->before;
	return d->index != d->before;
}
