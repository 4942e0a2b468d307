/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A position in a ring of size octets, the wrap counted beside it, so that full
 * and empty differ (RFC 7609). Both wrap counts of a comparison are within half
 * of 16 bits of each other. size > 0, any; cursors handed in are valid.
 */
#ifndef SMC_CURSOR_H
#define SMC_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

struct smc_cursor {
	uint16_t wrap;                  /* ffff is followed by 0 */
	uint32_t count;                 /* octets, 0..size - 1 */
};

/*
 * *to = *from, field by field: one load of both would have to wait until the narrower stores of a
 * smc_cursor_add() just before it are in the cache, and all older ones with them.
 */
static inline void
smc_cursor_copy(struct smc_cursor *to, const struct smc_cursor *from)
{
	to->wrap = from->wrap;
	to->count = from->count;
}

/* May it be used with a ring of size octets? Of every cursor of a peer, first. */
static inline bool
smc_cursor_valid(const struct smc_cursor *c, uint32_t size)
{
	return c->count < size;
}

/* Advance by n <= size octets. */
static inline void
smc_cursor_add(struct smc_cursor *c, uint32_t n, uint32_t size)
{
	/* size - count cannot overflow where count + n could. */
	if (n < size - c->count) {
		c->count += n;
		return;
	}
	c->count = n - (size - c->count);
	c->wrap++;
}

/*
 * Octets from old on to new: negative if new is the older one, more than size
 * if it is further ahead than a ring can hold. Of a peer's cursor everything
 * outside 0..what it may advance is an error or stale.
 */
static inline int64_t
smc_cursor_distance(const struct smc_cursor *old, const struct smc_cursor *new, uint32_t size)
{
	int16_t wraps = (int16_t)(uint16_t)(new->wrap - old->wrap);

	return (int64_t)wraps * size + new->count - old->count;
}

/* Is a behind b? */
static inline bool
smc_cursor_older(const struct smc_cursor *a, const struct smc_cursor *b)
{
	int16_t wraps = (int16_t)(uint16_t)(b->wrap - a->wrap);

	return wraps > 0 || (wraps == 0 && a->count < b->count);
}

static inline bool
smc_cursor_equal(const struct smc_cursor *a, const struct smc_cursor *b)
{
	return a->wrap == b->wrap && a->count == b->count;
}

#endif
