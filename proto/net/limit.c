/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Token buckets for what we send because of what strangers send. The depth is
 * drawn anew at each refill: with a fixed depth an observer counts our answers
 * and learns who else got some (SAD DNS, CVE-2020-25705).
 */
#include "proto/net/net_impl.h"

#define TOKEN 1000u
#define REFILL_US (20 * NET_MS)
#define ERROR_RATE 10 /* per destination */
#define ERROR_BURST 10

void bucket_init(struct bucket *b, uint64_t now_us, uint32_t burst)
{
	b->filled_us = now_us;
	b->cap = burst * TOKEN;
	b->tokens = b->cap;
}

static void bucket_fill(struct net_stack *st, struct bucket *b, uint32_t rate, uint32_t burst)
{
	uint64_t elapsed = st->now_us - b->filled_us;
	uint64_t add;

	if (elapsed < REFILL_US)
		return;
	/* Beyond ten seconds every bucket is full; the bound also keeps the product small. */
	if (elapsed > 10 * NET_S)
		elapsed = 10 * NET_S;
	add = elapsed * rate * TOKEN / NET_S;
	if (add == 0)
		return; /* a slow bucket waits for a whole grain */
	b->filled_us = st->now_us;
	b->cap = burst * TOKEN - net_random_below(st, burst * TOKEN / 4 + 1);
	b->tokens = add + b->tokens > b->cap ? b->cap : (uint32_t)(b->tokens + add);
}

bool bucket_take(struct net_stack *st, struct bucket *b, uint32_t rate, uint32_t burst)
{
	bucket_fill(st, b, rate, burst);
	if (b->tokens < TOKEN)
		return false;
	b->tokens -= TOKEN;
	return true;
}

/* The bucket of one destination first: one flooder does not use up the
 * allowance of all. Destinations share buckets by a keyed hash. */
bool icmp_allowed(struct net_stack *st, const struct net_addr *dst, enum icmp_kind kind)
{
	struct bucket *b = &st->icmp_dst[kind][net_hash_addr(st, dst, 1) % ICMP_DST_BUCKETS];
	uint32_t all = st->conf.icmp_rate;

	/* Who measures with ping sends more than errors ever need. */
	if (kind == ICMP_ECHO_REPLIES ? !bucket_take(st, b, all / 4 + 1, all / 20 + 1) :
					!bucket_take(st, b, ERROR_RATE, ERROR_BURST))
		return false;
	return bucket_take(st, &st->icmp_all, all, all / 10 + 1);
}
