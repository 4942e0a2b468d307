/* SPDX-License-Identifier: BSD-3-Clause */
/* What is remembered of peers: a hash table over pool objects, those nobody
 * counts on in a list from the longest unused on. */
#include <errno.h>
#include <stdlib.h>

#include "proto/smc/handshake_impl.h"

static uint32_t bucket(const struct smc_peer_table *t, const struct net_addr *addr)
{
	return (uint32_t)keyed_mix(&t->key, addr->q, 2) & t->mask;
}

static struct smc_peer *at(struct smc_stack *ss, uint32_t idx)
{
	return pool_at(&ss->peers, idx);
}

struct smc_peer *smc_peer_find(struct smc_stack *ss, const struct net_addr *addr)
{
	const struct smc_peer_table *t = ss->peer_table;

	if (ss->peers.used == 0)
		return NULL;
	for (uint32_t i = t->buckets[bucket(t, addr)]; i != 0; i = at(ss, i)->hash_next)
		if (net_addr_equal(&at(ss, i)->addr, addr))
			return at(ss, i);
	return NULL;
}

static void lru_remove(struct smc_stack *ss, struct smc_peer *p)
{
	struct smc_peer_table *t = ss->peer_table;

	*(p->lru_prev != 0 ? &at(ss, p->lru_prev)->lru_next : &t->lru_head) = p->lru_next;
	*(p->lru_next != 0 ? &at(ss, p->lru_next)->lru_prev : &t->lru_tail) = p->lru_prev;
	p->lru_prev = p->lru_next = 0;
}

static void lru_append(struct smc_stack *ss, struct smc_peer *p)
{
	struct smc_peer_table *t = ss->peer_table;
	uint32_t idx = pool_index(&ss->peers, p);

	p->lru_prev = t->lru_tail;
	p->lru_next = 0;
	*(t->lru_tail != 0 ? &at(ss, t->lru_tail)->lru_next : &t->lru_head) = idx;
	t->lru_tail = idx;
}

static void forget(struct smc_stack *ss, struct smc_peer *p)
{
	uint32_t idx = pool_index(&ss->peers, p);
	uint32_t *slot = &ss->peer_table->buckets[bucket(ss->peer_table, &p->addr)];

	while (*slot != idx)
		slot = &at(ss, *slot)->hash_next;
	*slot = p->hash_next;
	lru_remove(ss, p);
	p->addr.family = NET_UNSPEC;
	pool_put(&ss->peers, p);
}

static struct smc_peer *make(struct smc_stack *ss, const struct net_addr *addr)
{
	struct smc_peer_table *t = ss->peer_table;
	uint32_t b = bucket(t, addr);
	struct smc_peer *p;

	if (ss->peers.used == ss->peers.max && t->lru_head != 0) {
		forget(ss, at(ss, t->lru_head));
		ss->stats.peers_evicted++;
	}
	p = pool_get(&ss->peers);
	if (p == NULL)
		return NULL;
	*p = (struct smc_peer){ .addr = *addr, .hash_next = t->buckets[b] };
	t->buckets[b] = pool_index(&ss->peers, p);
	return p;
}

struct smc_peer *smc_peer_get(struct smc_stack *ss, const struct net_addr *addr)
{
	struct smc_peer *p = smc_peer_find(ss, addr);

	if (p == NULL)
		p = make(ss, addr);
	else if (p->users == 0)
		lru_remove(ss, p);
	if (p == NULL)
		return NULL;
	p->users++;
	p->last_us = smc_now(ss);
	return p;
}

void smc_peer_put(struct smc_stack *ss, struct smc_peer *p)
{
	p->last_us = smc_now(ss);
	if (--p->users == 0)
		lru_append(ss, p);
}

/* ---- memory of failures --------------------------------------------------- */

bool smc_peer_remembered(const struct smc_stack *ss, const struct smc_peer *p)
{
	return p->tcp_until_us > smc_now(ss);
}

static void remember(struct smc_stack *ss, struct smc_peer *p)
{
	p->tcp_until_us = smc_now(ss) + (uint64_t)ss->conf.forget_ms * 1000;
}

void smc_peer_failed(struct smc_stack *ss, struct smc_peer *p, uint32_t reason, uint32_t peer_reason)
{
	p->reason = reason;
	p->peer_reason = peer_reason;
	/* Our own want of memory says nothing about the peer. */
	if (reason == SMC_RSN_MEM || reason == SMC_RSN_OWN_LIMIT)
		return;
	if (p->failures < UINT32_MAX)
		p->failures++;
	if (ss->conf.failures != 0 && p->failures >= ss->conf.failures)
		remember(ss, p);
}

void smc_peer_reflected(struct smc_stack *ss, struct smc_peer *p, uint32_t reason)
{
	smc_peer_failed(ss, p, reason, 0);
	p->reflects = true;
	remember(ss, p);
}

static void pardon(struct smc_peer *p)
{
	p->failures = 0;
	p->tcp_until_us = 0;
	p->reflects = false;
}

void smc_peer_succeeded(struct smc_peer *p)
{
	p->smc_ok++;
	pardon(p);
}

int smc_peer_forget(struct smc_stack *ss, const struct net_addr *addr)
{
	struct smc_peer *p;

	if (addr->family == NET_UNSPEC) {
		for (uint32_t i = 1; i <= ss->peers.high; i++)
			pardon(at(ss, i));
		return 0;
	}
	p = smc_peer_find(ss, addr);
	if (p == NULL)
		return -ENOENT;
	pardon(p);
	return 0;
}

static void fill(const struct smc_stack *ss, const struct smc_peer *p, struct smc_peer_info *out)
{
	*out = (struct smc_peer_info){
		.addr = p->addr, .lgrs = p->lgrs, .handshakes = p->handshakes, .conns = p->conns,
		.buf_bytes = p->buf_bytes, .smc_ok = p->smc_ok, .fallbacks = p->fallbacks, .failures = p->failures,
		.tcp_left_us = smc_peer_remembered(ss, p) ? p->tcp_until_us - smc_now(ss) : 0,
		.reason = p->reason, .peer_reason = p->peer_reason, .reflects = p->reflects,
	};
}

unsigned smc_peer_list(struct smc_stack *ss, uint64_t *cursor, struct smc_peer_info *out, unsigned max)
{
	const struct smc_peer_table *t = ss->peer_table;
	uint32_t b = (uint32_t)(*cursor >> 32), skip = (uint32_t)*cursor;
	unsigned n = 0;

	/* Bucket by bucket, so that objects not in use are never looked at. */
	for (; b <= t->mask && n < max; b++, skip = 0) {
		uint32_t pos = 0;

		for (uint32_t i = t->buckets[b]; i != 0; i = at(ss, i)->hash_next, pos++) {
			if (pos < skip)
				continue;
			if (n == max)
				goto out;
			fill(ss, at(ss, i), &out[n++]);
			skip = pos + 1;
		}
	}
out:
	*cursor = (uint64_t)b << 32 | skip;
	return n;
}

int smc_peer_table_init(struct smc_stack *ss)
{
	const struct net_env *env = net_environment(ss->net);
	uint32_t n = rte_align32pow2(RTE_MAX(ss->conf.peers_max, 64u));
	struct smc_peer_table *t;
	int rc = pool_init(&ss->peers, sizeof(struct smc_peer), 8, RTE_MAX(ss->conf.peers_max, 1u), ss->conf.node);

	if (rc < 0)
		return rc;
	t = calloc(1, sizeof(*t) + n * sizeof(t->buckets[0]));
	if (t == NULL) {
		pool_fini(&ss->peers);
		return -ENOMEM;
	}
	t->mask = n - 1;
	env->random(env->ctx, &t->key, sizeof(t->key));
	ss->peer_table = t;
	return 0;
}

void smc_peer_table_fini(struct smc_stack *ss)
{
	free(ss->peer_table);
	ss->peer_table = NULL;
	pool_fini(&ss->peers);
}
