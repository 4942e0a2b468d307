/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/pipeline/bql.h"

#include <rte_common.h>

#define NO_SLACK UINT32_MAX

void bql_init(struct bql *b, uint64_t now_us)
{
	*b = (struct bql){
		.limit = BQL_LIMIT_MIN,
		.min = BQL_LIMIT_MIN,
		.max = BQL_LIMIT_MAX,
		.hold_us = BQL_HOLD_US,
		.slack = NO_SLACK,
		.slack_since_us = now_us,
	};
}

static uint32_t over_zero(int64_t v)
{
	return v <= 0 ? 0 : (uint32_t)RTE_MIN(v, (int64_t)UINT32_MAX);
}

static void start_slack(struct bql *b, uint64_t now_us)
{
	b->slack = NO_SLACK;
	b->slack_since_us = now_us;
}

/* It was busy all the time: what of the limit did this interval not need? The
 * smallest such amount of a hold time is given up. */
static uint32_t shrink(struct bql *b, uint64_t returned, uint64_t now_us)
{
	uint32_t slack = over_zero((int64_t)(b->limit + b->prev_over) - 2 * (int64_t)returned);
	uint32_t limit = b->limit;

	/* The last burst of the interval went beyond the limit: what it brought is no slack. */
	if (b->prev_over != 0)
		slack = RTE_MAX(slack, over_zero((int64_t)b->prev_last_len - b->prev_over));
	b->slack = RTE_MIN(b->slack, slack);
	if (now_us > b->slack_since_us + b->hold_us) {
		limit = over_zero((int64_t)limit - b->slack);
		start_slack(b, now_us);
	}
	return limit;
}

/* returned: octets that came back in this interval, done: all of them. */
static uint32_t adapt(struct bql *b, uint64_t done, uint32_t over, uint64_t now_us)
{
	uint64_t returned = done - b->done;
	bool empty = b->posted == done, was_empty = b->prev_posted == b->done;
	bool all_previous = done >= b->prev_posted;
	uint32_t limit = b->limit;

	if ((over != 0 && empty) || (b->prev_over != 0 && all_previous)) {
		/* It ran dry although the limit had held us back: too low. */
		limit += over_zero((int64_t)(done - b->prev_posted)) + b->prev_over;
		start_slack(b, now_us);
	} else if (!empty && !was_empty && !all_previous) {
		limit = shrink(b, returned, now_us);
	}
	limit = RTE_MAX(limit, b->min);
	return RTE_MIN(limit, b->max);
}

void bql_reset(struct bql *b, uint64_t posted, uint64_t done, uint64_t now_us)
{
	b->posted = b->prev_posted = posted;
	b->done = done;
	b->prev_over = 0;
	start_slack(b, now_us);
}

void bql_update(struct bql *b, uint64_t posted, uint64_t done, uint64_t now_us)
{
	uint32_t limit, over;

	b->posted = posted;
	if (done == b->done)
		return;
	over = over_zero((int64_t)(posted - b->done) - b->limit);
	limit = adapt(b, done, over, now_us);
	if (limit != b->limit) {
		b->grown += limit > b->limit;
		b->shrunk += limit < b->limit;
		b->limit = limit;
		over = 0;
	}
	b->prev_over = over;
	b->prev_last_len = b->last_len;
	b->prev_posted = posted;
	b->done = done;
}
