/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_common.h>

#include "proto/tcp/conn.h"

#define COUNT_SHIFT 24
#define LOW_MASK ((1u << COUNT_SHIFT) - 1)
#define MARK_STEP 13
#define MAX_AGE 2              /* minutes, the running one included */
#define TS_BITS 6
#define TS_MASK ((1u << TS_BITS) - 1)
#define TS_WSCALE_NONE 15
#define TS_SACK (1u << 4)

static const uint16_t mss_table[] = { 536, 1300, 1440, 1460 };

/* With the peer's ISN in it a segment from the middle of an old connection, both
 * of whose numbers have moved on alike, is not taken for the end of a handshake. */
static uint64_t cookie_hash(const struct siphash_key *key, const struct net_flow *f, uint32_t count, uint32_t irs)
{
	uint32_t w[11];

	memcpy(w, f, 36); /* addresses and ports */
	w[9] = count;
	w[10] = irs;
	return siphash(key, w, sizeof(w));
}

/* What stands for an MSS: 24 bits of the hash, other ones for each, so that a
 * cookie with a few bits changed is not the cookie of another MSS. */
static uint32_t mss_mark(uint64_t hash, unsigned idx)
{
	return (uint32_t)(hash >> idx * MARK_STEP) & LOW_MASK;
}

uint32_t tcp_cookie_make(const struct siphash_key key[2], const struct net_flow *f, uint32_t irs,
			 uint32_t minute, uint16_t peer_mss)
{
	unsigned idx = RTE_DIM(mss_table) - 1;

	while (idx > 0 && mss_table[idx] > peer_mss)
		idx--;
	return (uint32_t)cookie_hash(&key[0], f, 0, 0) + irs + (minute << COUNT_SHIFT) +
	       mss_mark(cookie_hash(&key[1], f, minute, irs), idx);
}

uint16_t tcp_cookie_check(const struct siphash_key key[2], const struct net_flow *f, uint32_t irs,
			  uint32_t cookie, uint32_t minute)
{
	uint32_t rest = cookie - (uint32_t)cookie_hash(&key[0], f, 0, 0) - irs;
	uint32_t age = (minute - (rest >> COUNT_SHIFT)) & (UINT32_MAX >> COUNT_SHIFT);
	uint64_t hash;

	if (age >= MAX_AGE)
		return 0;
	hash = cookie_hash(&key[1], f, minute - age, irs);
	for (unsigned idx = 0; idx < RTE_DIM(mss_table); idx++) {
		if ((rest & LOW_MASK) == mss_mark(hash, idx))
			return mss_table[idx];
	}
	return 0;
}

uint32_t tcp_cookie_clock(uint32_t now_ms, bool wscale, uint8_t shift, bool sack)
{
	uint32_t bits = (wscale ? RTE_MIN(shift, (uint8_t)TCP_WSCALE_MAX) : TS_WSCALE_NONE) | (sack ? TS_SACK : 0);
	uint32_t clock = (now_ms & ~TS_MASK) | bits;

	return seq_gt(clock, now_ms) ? clock - (TS_MASK + 1) : clock;
}

void tcp_cookie_options(uint32_t clock, struct tcp_agreed *a)
{
	uint32_t shift = clock & TS_WSCALE_NONE;

	a->ts = true;
	a->sack = clock & TS_SACK;
	a->wscale = shift != TS_WSCALE_NONE;
	a->snd_wscale = a->wscale ? shift : 0;
}
