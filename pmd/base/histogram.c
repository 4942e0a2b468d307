/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/base/histogram.h"

#include <math.h>
#include <string.h>

#define SUB (1u << HISTOGRAM_SUB_BITS)

/*
 * Values below 64 have a bucket each. Above, a value of n bits is cut to its
 * top 7 bits: 64 buckets for each n, so that the index is n's block plus those
 * bits, and a bucket's width is at most 1/64 of the values in it.
 */
static unsigned bucket_of(uint64_t value)
{
	unsigned shift;

	if (value < SUB)
		return (unsigned)value;
	if (value >> HISTOGRAM_MAX_BITS)
		return HISTOGRAM_BUCKETS - 1;
	shift = 63 - (unsigned)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
	return (shift << HISTOGRAM_SUB_BITS) + (unsigned)(value >> shift);
}

/* Highest value that counts in a bucket. */
static uint64_t bucket_top(unsigned b)
{
	unsigned shift;

	if (b < SUB)
		return b;
	shift = (b >> HISTOGRAM_SUB_BITS) - 1;
	return (((uint64_t)b - (shift << HISTOGRAM_SUB_BITS) + 1) << shift) - 1;
}

void histogram_init(struct histogram *h)
{
	memset(h, 0, sizeof(*h));
}

void histogram_add(struct histogram *h, uint64_t value)
{
	unsigned b = bucket_of(value);

	if (h->count == 0 || value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->count++;
	h->sum += value;
	if (h->bucket[b] != UINT32_MAX)
		h->bucket[b]++;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	if (from->count == 0)
		return;
	if (into->count == 0 || from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
	into->count += from->count;
	into->sum += from->sum;
	for (unsigned b = 0; b < HISTOGRAM_BUCKETS; b++) {
		uint32_t room = UINT32_MAX - into->bucket[b];

		into->bucket[b] += from->bucket[b] < room ? from->bucket[b] : room;
	}
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
	uint64_t seen = 0, rank;

	if (h->count == 0)
		return 0;
	/* !(q < 1) also catches what is not a number. */
	if (!(q < 1))
		return h->max;
	rank = q > 0 ? (uint64_t)ceil(q * (double)h->count) : 1;
	for (unsigned b = 0; b < HISTOGRAM_BUCKETS - 1; b++) {
		seen += h->bucket[b];
		if (seen >= rank && seen > 0) {
			uint64_t top = bucket_top(b);

			return top < h->max ? top : h->max;
		}
	}
	return h->max;
}
