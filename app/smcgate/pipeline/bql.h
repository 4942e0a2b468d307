/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The byte limit of one transmit queue: how many octets may lie with the
 * device, found the way Linux's dynamic queue limits find it. Large enough that
 * the device never runs dry while there is something to send, and no larger,
 * so that what waits does so where it can still be overtaken.
 *
 * Pure arithmetic on the queue's cumulative counters. One owner lcore.
 */
#ifndef PIPELINE_BQL_H
#define PIPELINE_BQL_H

#include <stdbool.h>
#include <stdint.h>

#define BQL_LIMIT_MIN  3028u         /* two full frames */
#define BQL_LIMIT_MAX  (1879u << 10) /* Linux's */
#define BQL_HOLD_US    1000000u      /* slack has to last so long before the limit shrinks */

struct bql {
	uint64_t posted, done;     /* octets given to the device, and back from it */
	uint32_t limit, min, max;
	uint32_t hold_us;
	/* as they were at the update before */
	uint64_t prev_posted;
	uint32_t prev_over;        /* octets posted beyond the limit then */
	uint32_t last_len;         /* octets of the last burst: what one decision may overshoot */
	uint32_t prev_last_len;
	/* the smallest slack of this hold time */
	uint32_t slack;
	uint64_t slack_since_us;
	uint64_t held;             /* times the limit held a burst back */
	uint64_t grown, shrunk;
};

void bql_init(struct bql *b, uint64_t now_us);
/* The device has taken (posted) and given back (done) so much since it started:
 * neither ever goes down. Adapts the limit when something came back. */
void bql_update(struct bql *b, uint64_t posted, uint64_t done, uint64_t now_us);
/* The same where the queue was reset: what came back was given up, and tells nothing of
 * how fast the device is. */
void bql_reset(struct bql *b, uint64_t posted, uint64_t done, uint64_t now_us);
/* A frame may be posted while this is not negative: the one that crosses the
 * limit still goes, and having gone beyond tells that more was there. */
static inline int64_t bql_room(const struct bql *b)
{
	return (int64_t)b->limit - (int64_t)(b->posted - b->done);
}
/* A burst of len octets went to the device. */
static inline void bql_sent(struct bql *b, uint32_t len)
{
	b->posted += len;
	if (len != 0)
		b->last_len = len;
}

#endif
