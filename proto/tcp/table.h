/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The flow table of one stack: flow -> connection, half-open or TIME-WAIT
 * entry. Buckets of one cache line with eight tags, two candidate buckets a
 * flow, entries moved between the two when both are full (cuckoo). Keys stay
 * in the objects, which begin with their struct net_flow and never move.
 * Owner lcore only. 9 to 19 octets for each object the table is made for.
 */
#ifndef TCP_TABLE_H
#define TCP_TABLE_H

#include "pmd/base/pool.h"
#include "pmd/base/siphash.h"
#include "proto/net/addr.h"

/* Reference to an object: kind in the upper two bits, pool index below. 0: none. */
enum tcp_kind { TCP_KIND_CONN = 1, TCP_KIND_HALF = 2, TCP_KIND_TW = 3 };
#define TCP_REF_SHIFT 30
#define TCP_REF_MASK ((1u << TCP_REF_SHIFT) - 1)
#define TCP_OBJECTS_MAX (TCP_REF_MASK - 1)

static inline uint32_t tcp_ref(enum tcp_kind kind, uint32_t idx) { return (uint32_t)kind << TCP_REF_SHIFT | idx; }
static inline enum tcp_kind tcp_ref_kind(uint32_t ref) { return (enum tcp_kind)(ref >> TCP_REF_SHIFT); }
static inline uint32_t tcp_ref_index(uint32_t ref) { return ref & TCP_REF_MASK; }

struct tcp_table;

/* Room for max objects; memory is touched as buckets are used. pools[kind].
 * -ENOMEM, -EINVAL. */
int tcp_table_create(struct tcp_table **out, uint32_t max, const struct pool *const pools[4]);
void tcp_table_destroy(struct tcp_table *t);

/* Hash under the stack's key: nobody outside can choose flows that collide,
 * whatever they know of the port's RSS key. The last word holds ports and has
 * been through one multiplication only; another one spreads it over all bits
 * for weak keys too. */
static inline uint64_t tcp_flow_hash(const struct siphash_key *key, const struct net_flow *f)
{
	unsigned __int128 p = (unsigned __int128)(keyed_mix(key, f->q, 5) ^ key->k1) * 0x9e3779b97f4a7c15ull;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

void tcp_table_prefetch(const struct tcp_table *t, uint64_t hash);
/* Prefetch the objects whose tag matches; the bucket should be in cache. */
void tcp_table_prefetch_objects(const struct tcp_table *t, uint64_t hash);

/* The object with this key, or 0. */
uint32_t tcp_table_find(const struct tcp_table *t, const struct net_flow *f, uint64_t hash);
/* The key must not be present. -ENOSPC (does not happen below max objects). */
int tcp_table_insert(struct tcp_table *t, uint64_t hash, uint32_t ref);
/* Replace one object by another of the same key; -ENOENT. */
int tcp_table_replace(struct tcp_table *t, uint64_t hash, uint32_t from, uint32_t to);
int tcp_table_remove(struct tcp_table *t, uint64_t hash, uint32_t ref);

/* Changes with every insert, replace and remove: looked-up references hold
 * as long as it does. */
uint32_t tcp_table_gen(const struct tcp_table *t);
uint32_t tcp_table_count(const struct tcp_table *t);
/* Most entries ever moved for one insert. */
uint32_t tcp_table_longest(const struct tcp_table *t);

#endif
