/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Path MTU cache (RFC 1191): set-associative, bounded, by keyed hash of the
 * destination. An entry holds for ten minutes and is then forgotten, which is
 * the only way a path MTU rises again.
 */
#include <errno.h>
#include <stdlib.h>

#include "proto/net/net_impl.h"

#define PMTU_SETS 256
#define PMTU_WAYS 4
#define PMTU_AGE_US (600 * NET_S)

struct pmtu {
	struct {
		struct net_addr dst;
		uint64_t expires_us; /* 0: empty */
		uint16_t mtu;
	} e[PMTU_SETS][PMTU_WAYS];
};

int pmtu_init(struct net_stack *st)
{
	st->pmtu = calloc(1, sizeof(*st->pmtu));
	return st->pmtu == NULL ? -ENOMEM : 0;
}

void pmtu_fini(struct net_stack *st)
{
	free(st->pmtu);
	st->pmtu = NULL;
}

static unsigned pmtu_set(const struct net_stack *st, const struct net_addr *dst)
{
	return net_hash_addr(st, dst, 2) % PMTU_SETS;
}

uint16_t pmtu_lookup(const struct net_stack *st, const struct net_addr *dst, uint16_t limit)
{
	unsigned set = pmtu_set(st, dst);

	for (unsigned i = 0; i < PMTU_WAYS; i++) {
		if (st->pmtu->e[set][i].expires_us > st->now_us && net_addr_equal(&st->pmtu->e[set][i].dst, dst))
			return RTE_MIN(limit, st->pmtu->e[set][i].mtu);
	}
	return limit;
}

static void pmtu_store(struct net_stack *st, const struct net_addr *dst, uint16_t mtu)
{
	unsigned set = pmtu_set(st, dst), way = 0;

	for (unsigned i = 0; i < PMTU_WAYS; i++) {
		if (net_addr_equal(&st->pmtu->e[set][i].dst, dst)) {
			way = i;
			break;
		}
		if (st->pmtu->e[set][i].expires_us < st->pmtu->e[set][way].expires_us)
			way = i;
	}
	st->pmtu->e[set][way].dst = *dst;
	st->pmtu->e[set][way].mtu = mtu;
	st->pmtu->e[set][way].expires_us = st->now_us + PMTU_AGE_US;
}

/* Returns the value that holds from now on, 0 when nothing changed. */
static uint16_t pmtu_lower(struct net_stack *st, const struct net_addr *dst, uint16_t mtu)
{
	const struct route *r;
	uint16_t limit = UINT16_MAX, limit_low;

	if (dst->family != NET_IPV4)
		return 0;
	r = route_lookup(st, dst->v4, -1);
	if (r != NULL)
		limit = st->conf.ifs[r->ifx].mtu;
	limit_low = RTE_MIN((uint16_t)PMTU_FLOOR, limit);
	mtu = RTE_MAX(mtu, limit_low);
	if (mtu >= pmtu_lookup(st, dst, limit))
		return 0;
	pmtu_store(st, dst, mtu);
	st->stats.pmtu_updates++;
	for (unsigned i = 0; i < RTE_DIM(st->proto); i++) {
		if (st->proto[i] != NULL && st->proto[i]->pmtu != NULL)
			st->proto[i]->pmtu(st->proto[i]->ctx, dst, mtu);
	}
	return mtu;
}

void net_pmtu_update(struct net_stack *st, const struct net_addr *dst, uint16_t mtu)
{
	uint16_t now = pmtu_lower(st, dst, mtu);

	if (now != 0 && st->env.pmtu_publish != NULL)
		st->env.pmtu_publish(st->env.ctx, dst, now);
}

void net_pmtu_apply(struct net_stack *st, const struct net_addr *dst, uint16_t mtu)
{
	pmtu_lower(st, dst, mtu);
}

uint16_t pmtu_plateau(uint16_t len)
{
	/* RFC 1191 section 7.1 */
	static const uint16_t plateau[] = { 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296 };

	for (unsigned i = 0; i < RTE_DIM(plateau); i++) {
		if (plateau[i] < len)
			return plateau[i];
	}
	return 68;
}
