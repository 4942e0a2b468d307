/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The neighbour table: bounded, with a quota of its own for unresolved
 * entries, so that a scan through us does not push live neighbours out.
 */
#include <errno.h>
#include <stdlib.h>

#include "proto/net/net_impl.h"

/* Entries looked at for one to evict, so that a flood does not make every new
 * neighbour cost the length of the table. */
#define EVICT_LOOK 256

int neigh_table_init(struct net_stack *st)
{
	struct neigh_table *t = &st->neigh;
	uint32_t buckets = rte_align32pow2(st->conf.neigh_max * 2);
	int rc;

	t->max = st->conf.neigh_max;
	t->unresolved_max = RTE_MIN(st->conf.neigh_unresolved_max, t->max);
	t->hand = 1;
	rc = pool_init(&t->pool, sizeof(struct neigh), RTE_CACHE_LINE_SIZE, t->max, st->conf.node);
	if (rc < 0)
		return rc;
	t->mask = buckets - 1;
	t->buckets = calloc(buckets, sizeof(t->buckets[0]));
	if (t->buckets == NULL) {
		pool_fini(&t->pool);
		return -ENOMEM;
	}
	rc = neigh_wait_init(st);
	if (rc < 0) {
		free(t->buckets);
		pool_fini(&t->pool);
	}
	return rc;
}

void neigh_table_fini(struct net_stack *st)
{
	struct neigh_table *t = &st->neigh;

	for (uint32_t b = 0; b <= t->mask; b++) {
		for (uint32_t i = t->buckets[b]; i != 0; i = neigh_at(st, i)->hash_next) {
			wheel_cancel(st->wheel, &neigh_at(st, i)->timer);
			neigh_queue_drop(st, neigh_at(st, i), DROP_NEIGH_FAILED);
		}
	}
	neigh_wait_fini(st);
	free(t->buckets);
	pool_fini(&t->pool);
}

static uint32_t *neigh_bucket(struct net_stack *st, uint8_t ifx, const struct net_addr *addr)
{
	return &st->neigh.buckets[net_hash_addr(st, addr, ifx) & st->neigh.mask];
}

struct neigh *neigh_find(struct net_stack *st, uint8_t ifx, const struct net_addr *addr)
{
	for (uint32_t i = *neigh_bucket(st, ifx, addr); i != 0; i = neigh_at(st, i)->hash_next) {
		struct neigh *n = neigh_at(st, i);

		if (n->ifx == ifx && net_addr_equal(&n->addr, addr))
			return n;
	}
	return NULL;
}

void neigh_delete(struct net_stack *st, struct neigh *n)
{
	uint32_t *at = neigh_bucket(st, n->ifx, &n->addr);
	uint32_t idx = pool_index(&st->neigh.pool, n);

	while (*at != idx)
		at = &neigh_at(st, *at)->hash_next;
	*at = n->hash_next;
	wheel_cancel(st->wheel, &n->timer);
	neigh_queue_drop(st, n, DROP_NEIGH_FAILED);
	if (!n->has_mac)
		st->neigh.unresolved--;
	pool_put(&st->neigh.pool, n);
}

static bool neigh_evictable(const struct neigh *n, bool unresolved)
{
	if (n->refs > 0 || n->permanent)
		return false;
	if (unresolved)
		return !n->has_mac;
	return !n->has_mac || n->state == NEIGH_STALE;
}

/* Clock hand over the chains: the pool does not tell which index is in use. */
static bool neigh_evict(struct net_stack *st, bool unresolved)
{
	struct neigh_table *t = &st->neigh;

	for (unsigned looked = 0, b = 0; looked < EVICT_LOOK && b <= t->mask; b++) {
		t->hand = (t->hand + 1) & t->mask;
		for (uint32_t i = t->buckets[t->hand]; i != 0; i = neigh_at(st, i)->hash_next, looked++) {
			struct neigh *n = neigh_at(st, i);

			if (!neigh_evictable(n, unresolved))
				continue;
			neigh_queue_drop(st, n, DROP_NEIGH_QUEUE);
			n->state = NEIGH_NONE;
			neigh_publish(st, n);
			neigh_delete(st, n);
			return true;
		}
	}
	return false;
}

struct neigh *neigh_get(struct net_stack *st, uint8_t ifx, const struct net_addr *addr, bool known)
{
	struct neigh_table *t = &st->neigh;
	struct neigh *n = neigh_find(st, ifx, addr);
	uint32_t *bucket;

	if (n != NULL)
		return n;
	if (!known && t->unresolved >= t->unresolved_max && !neigh_evict(st, true))
		return NULL;
	if (t->pool.used >= t->max && !neigh_evict(st, false))
		return NULL;
	n = pool_get(&t->pool);
	if (n == NULL)
		return NULL;
	memset(n, 0, sizeof(*n));
	n->addr = *addr;
	n->ifx = ifx;
	n->gen = ++t->gen;
	bucket = neigh_bucket(st, ifx, addr);
	n->hash_next = *bucket;
	*bucket = pool_index(&t->pool, n);
	t->unresolved++;
	return n;
}

unsigned net_neigh_list(const struct net_stack *st, struct net_neigh_info *out, unsigned max, unsigned skip)
{
	const struct neigh_table *t = &st->neigh;
	unsigned filled = 0;

	for (uint32_t b = 0; b <= t->mask; b++) {
		for (uint32_t i = t->buckets[b]; i != 0; i = neigh_at(st, i)->hash_next) {
			const struct neigh *n = neigh_at(st, i);

			if (skip > 0) {
				skip--;
				continue;
			}
			if (filled == max)
				return filled;
			out[filled++] = (struct net_neigh_info){
				.addr = n->addr, .confirmed_us = n->confirmed_us, .mac = n->mac, .ifx = n->ifx,
				.state = n->state, .permanent = n->permanent,
			};
		}
	}
	return filled;
}
