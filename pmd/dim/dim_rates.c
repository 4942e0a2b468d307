/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/dim/dim_private.h"

#define SIGNIFICANT_PERCENT 10
#define US_PER_MS 1000u
#define US_PER_S  1000000u

/* What a window with time gives, rounded up: a rate is 0 only if nothing came. */
static uint64_t rate(uint64_t count, uint64_t per, uint64_t us)
{
	return (count * per + us - 1) / us;
}

uint32_t dim_events(const struct dim_sample *from, const struct dim_sample *to, uint8_t flags)
{
	uint32_t n = to->events - from->events;

	return (flags & DIM_EVENTS16) != 0 ? (uint16_t)n : n;
}

bool dim_rates(const struct dim_sample *from, const struct dim_sample *to, uint8_t flags,
	       struct dim_rates *out)
{
	bool fine = (flags & DIM_FINE) != 0;
	uint64_t us = to->us - from->us, per = fine ? US_PER_S : US_PER_MS;

	if (us == 0 || us > DIM_WINDOW_MAX_US)
		return false;
	out->ppms = rate(to->packets - from->packets, per, us);
	out->bpms = rate(to->bytes - from->bytes, per, us);
	out->cpms = rate(to->comps - from->comps, per, us);
	/* Linux takes the window's nominal length: a window looked at late seems to have had fewer events. */
	out->epms = rate(fine ? dim_events(from, to, flags) : DIM_EVENTS, per, us);
	out->cpe_ratio = out->epms == 0 ? 0 : (uint32_t)(100 * out->cpms / out->epms);
	return true;
}

bool dim_differs(uint64_t value, uint64_t reference)
{
	uint64_t gap = value > reference ? value - reference : reference - value;

	return reference != 0 && 100 * gap / reference > SIGNIFICANT_PERCENT;
}

static enum dim_verdict more_is_better(uint64_t now, uint64_t before)
{
	return now > before ? DIM_BETTER : DIM_WORSE;
}

enum dim_verdict dim_compare(const struct dim_rates *now, const struct dim_rates *before)
{
	if (before->bpms == 0)
		return now->bpms != 0 ? DIM_BETTER : DIM_SAME;
	if (dim_differs(now->bpms, before->bpms))
		return more_is_better(now->bpms, before->bpms);
	if (before->ppms == 0)
		return now->ppms != 0 ? DIM_BETTER : DIM_SAME;
	if (dim_differs(now->ppms, before->ppms))
		return more_is_better(now->ppms, before->ppms);
	if (dim_differs(now->epms, before->epms))
		return more_is_better(before->epms, now->epms);
	return DIM_SAME;
}
