/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * High dynamic range histogram: counts of 64-bit values in buckets whose width
 * is at most 1/64 of the value (1.6 %), from 0 to 2^40. One writer; copies may
 * be merged by anybody.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 6
#define HISTOGRAM_MAX_BITS 40
#define HISTOGRAM_BUCKETS ((HISTOGRAM_MAX_BITS - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

/* Zeroed memory is an empty histogram. min and max are 0 while it is empty. */
struct histogram {
	uint64_t count, sum, min, max;
	uint32_t bucket[HISTOGRAM_BUCKETS];
};

void histogram_init(struct histogram *h);
/* Values beyond 2^40 - 1 count in the last bucket; max stays exact. */
void histogram_add(struct histogram *h, uint64_t value);
void histogram_merge(struct histogram *into, const struct histogram *from);
/* Highest value equivalent to the quantile q (0 < q <= 1), at most max; 0 when
 * empty. Buckets stop counting at 2^32 - 1. */
uint64_t histogram_quantile(const struct histogram *h, double q);

#endif
