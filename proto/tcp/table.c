/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <rte_common.h>
#include <rte_prefetch.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "proto/tcp/table.h"

#define SLOTS 8
#define MOVES_MAX 256
#define MIN_BUCKETS 16

struct bucket {
	uint16_t tag[SLOTS];  /* 0: empty */
	uint32_t ref[SLOTS];
	uint8_t turn;         /* slot to evict next */
	uint8_t spare[15];
};
static_assert(sizeof(struct bucket) == 64, "one cache line");

struct tcp_table {
	struct bucket *b;
	uint32_t mask, gen, count, longest;
	size_t mapped;
	const struct pool *pools[4];
};

static inline uint16_t tag_of(uint64_t hash)
{
	uint16_t tag = (uint16_t)(hash >> 48);

	return tag != 0 ? tag : 1;
}

static inline uint32_t first_bucket(const struct tcp_table *t, uint64_t hash)
{
	return (uint32_t)hash & t->mask;
}

/* The other candidate needs only the tag, so that an entry can be moved
 * without touching its object; applied twice it leads back. */
static inline uint32_t other_bucket(const struct tcp_table *t, uint32_t b, uint16_t tag)
{
	return (b ^ (((uint32_t)tag * 0x5bd1e995u) | 1)) & t->mask;
}

/* Bit i: slot i has the tag. */
static inline unsigned match(const struct bucket *b, uint16_t tag)
{
#ifdef __SSE2__
	__m128i eq = _mm_cmpeq_epi16(_mm_load_si128((const __m128i *)b->tag), _mm_set1_epi16((short)tag));

	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(eq, _mm_setzero_si128()));
#else
	unsigned m = 0;

	for (unsigned i = 0; i < SLOTS; i++)
		m |= (unsigned)(b->tag[i] == tag) << i;
	return m;
#endif
}

static inline void *object(const struct tcp_table *t, uint32_t ref)
{
	return pool_at(t->pools[tcp_ref_kind(ref)], tcp_ref_index(ref));
}

int tcp_table_create(struct tcp_table **out, uint32_t max, const struct pool *const pools[4])
{
	struct tcp_table *t;
	uint64_t buckets;
	void *p;

	if (max == 0 || max > TCP_OBJECTS_MAX)
		return -EINVAL;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return -ENOMEM;
	/* At most 7/8 full; cuckoo with eight slots works beyond 0.95. */
	buckets = rte_align64pow2(RTE_MAX((uint64_t)max / 7 + 1, (uint64_t)MIN_BUCKETS));
	t->mapped = buckets * sizeof(struct bucket);
	p = mmap(NULL, t->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) {
		free(t);
		return -ENOMEM;
	}
	t->b = p;
	t->mask = (uint32_t)buckets - 1;
	for (unsigned i = 0; i < RTE_DIM(t->pools); i++)
		t->pools[i] = pools[i];
	*out = t;
	return 0;
}

void tcp_table_destroy(struct tcp_table *t)
{
	if (t == NULL)
		return;
	munmap(t->b, t->mapped);
	free(t);
}

void tcp_table_prefetch(const struct tcp_table *t, uint64_t hash)
{
	rte_prefetch0(&t->b[first_bucket(t, hash)]);
}

void tcp_table_prefetch_objects(const struct tcp_table *t, uint64_t hash)
{
	const struct bucket *b = &t->b[first_bucket(t, hash)];

	for (unsigned m = match(b, tag_of(hash)); m != 0; m &= m - 1) {
		const char *o = object(t, b->ref[__builtin_ctz(m)]);

		rte_prefetch0(o);
		rte_prefetch0(o + RTE_CACHE_LINE_SIZE);
	}
}

static uint32_t find_in(const struct tcp_table *t, const struct bucket *b, const struct net_flow *f, uint16_t tag)
{
	for (unsigned m = match(b, tag); m != 0; m &= m - 1) {
		uint32_t ref = b->ref[__builtin_ctz(m)];

		if (net_flow_equal(object(t, ref), f))
			return ref;
	}
	return 0;
}

uint32_t tcp_table_find(const struct tcp_table *t, const struct net_flow *f, uint64_t hash)
{
	uint16_t tag = tag_of(hash);
	uint32_t i = first_bucket(t, hash), ref;

	ref = find_in(t, &t->b[i], f, tag);
	if (ref != 0)
		return ref;
	return find_in(t, &t->b[other_bucket(t, i, tag)], f, tag);
}

static bool put(struct bucket *b, uint16_t tag, uint32_t ref)
{
	unsigned m = match(b, 0);

	if (m == 0)
		return false;
	b->tag[__builtin_ctz(m)] = tag;
	b->ref[__builtin_ctz(m)] = ref;
	return true;
}

int tcp_table_insert(struct tcp_table *t, uint64_t hash, uint32_t ref)
{
	struct { struct bucket *b; unsigned slot; } path[MOVES_MAX];
	uint16_t tag = tag_of(hash);
	uint32_t i = first_bucket(t, hash);
	unsigned n = 0;

	if (!put(&t->b[i], tag, ref)) {
		for (i = other_bucket(t, i, tag); !put(&t->b[i], tag, ref); i = other_bucket(t, i, tag)) {
			struct bucket *b = &t->b[i];
			unsigned slot = b->turn++ % SLOTS;

			if (n == MOVES_MAX)
				goto undo;
			path[n].b = b;
			path[n++].slot = slot;
			RTE_SWAP(b->tag[slot], tag);
			RTE_SWAP(b->ref[slot], ref);
		}
	}
	t->longest = RTE_MAX(t->longest, n);
	t->count++;
	t->gen++;
	return 0;
undo:
	while (n-- > 0) {
		RTE_SWAP(path[n].b->tag[path[n].slot], tag);
		RTE_SWAP(path[n].b->ref[path[n].slot], ref);
	}
	return -ENOSPC;
}

static bool set_in(struct bucket *b, uint16_t tag, uint32_t ref, uint32_t to)
{
	for (unsigned m = match(b, tag); m != 0; m &= m - 1) {
		unsigned slot = __builtin_ctz(m);

		if (b->ref[slot] != ref)
			continue;
		b->ref[slot] = to;
		if (to == 0)
			b->tag[slot] = 0;
		return true;
	}
	return false;
}

static int change(struct tcp_table *t, uint64_t hash, uint32_t from, uint32_t to)
{
	uint16_t tag = tag_of(hash);
	uint32_t i = first_bucket(t, hash);

	if (!set_in(&t->b[i], tag, from, to) && !set_in(&t->b[other_bucket(t, i, tag)], tag, from, to))
		return -ENOENT;
	t->gen++;
	return 0;
}

int tcp_table_replace(struct tcp_table *t, uint64_t hash, uint32_t from, uint32_t to)
{
	return change(t, hash, from, to);
}

int tcp_table_remove(struct tcp_table *t, uint64_t hash, uint32_t ref)
{
	int rc = change(t, hash, ref, 0);

	if (rc == 0)
		t->count--;
	return rc;
}

uint32_t tcp_table_gen(const struct tcp_table *t) { return t->gen; }
uint32_t tcp_table_count(const struct tcp_table *t) { return t->count; }
uint32_t tcp_table_longest(const struct tcp_table *t) { return t->longest; }
