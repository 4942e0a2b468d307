/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/base/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_memory.h>
#include <rte_mempool.h>

#include "pmd/base/arena_private.h"
#include "pmd/base/asan.h"
#include "tests/unit/test.h"

#define MIB (1ul << 20)

static struct arena *create(const char *name, size_t len)
{
	struct arena *a = NULL;

	test_eal_init();
	CU_ASSERT_EQUAL_FATAL(arena_create(&a, name, len, -1, false), 0);
	return a;
}

static void arena_create__refuses_bad_arguments(void)
{
	struct arena *a = create("one", 1), *b = a;
	const struct {
		const char *name;
		size_t len;
		int rc;
	} rows[] = {
		{ "one", MIB, -EEXIST }, { NULL, MIB, -EINVAL }, { "", MIB, -EINVAL }, { "two", 0, -EINVAL },
		{ "a-name-of-more-than-thirty-one-octets", MIB, -EINVAL },
		{ "two", SIZE_MAX, -ENOMEM }, { "two", 1ul << 50, -ENOMEM },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		CU_ASSERT_EQUAL(arena_create(&b, rows[i].name, rows[i].len, -1, false), rows[i].rc);
		CU_ASSERT_PTR_NULL(b);
	}
	CU_ASSERT_EQUAL(arena_regions(NULL, 0), 1);
	arena_destroy(a);
	arena_destroy(NULL);
	CU_ASSERT_EQUAL(arena_regions(NULL, 0), 0);
}

/* The descriptor is the memory, is known to EAL, and cannot be cut short. */
static void arena_create__region_is_shared_and_registered(void)
{
	struct arena *a = create("shared", 3 * MIB + 1);
	const struct arena_region *r = arena_region(a);
	char back[6] = "";
	void *addr = r->addr;

	CU_ASSERT(r->len >= 3 * MIB + 1 && r->len % r->page_size == 0);
	CU_ASSERT_EQUAL(r->page_size, 4096);
	CU_ASSERT_EQUAL(r->node, -1);
	memcpy((char *)r->addr + 2 * MIB, "hello", 6);
	CU_ASSERT_EQUAL(pread(r->fd, back, 6, 2 * MIB), 6);
	CU_ASSERT_STRING_EQUAL(back, "hello");
	CU_ASSERT_NOT_EQUAL(ftruncate(r->fd, 4096), 0);
	CU_ASSERT_PTR_NOT_NULL(rte_mem_virt2memseg_list(addr));
	arena_destroy(a);
	CU_ASSERT_PTR_NULL(rte_mem_virt2memseg_list(addr));
}

/* Huge when there are enough free, otherwise small; never an error. */
static void arena_create__huge_or_fallback(void)
{
	struct arena *a = NULL;

	test_eal_init();
	CU_ASSERT_EQUAL_FATAL(arena_create(&a, "huge", 4 * MIB, 0, true), 0);
	CU_ASSERT(arena_region(a)->page_size == 4096 || arena_region(a)->page_size == 2 * MIB);
	CU_ASSERT_EQUAL(arena_region(a)->len, 4 * MIB);
	CU_ASSERT(arena_region(a)->node == 0 || arena_region(a)->node == -1);
	memset(arena_region(a)->addr, 0xa5, 4 * MIB);
	arena_destroy(a);
	/* A node that does not exist: unbound, and said so. */
	CU_ASSERT_EQUAL_FATAL(arena_create(&a, "nowhere", MIB, 1000, false), 0);
	CU_ASSERT_EQUAL(arena_region(a)->node, -1);
	arena_destroy(a);
}

static void arena_alloc__aligns_and_ends(void)
{
	static const size_t aligns[] = { 1, 2, 64, 4096, 65536, 16 };
	struct arena *a = create("carve", MIB);
	uint8_t *end = arena_region(a)->addr, *p;

	CU_ASSERT_EQUAL(arena_free_space(a), MIB);
	for (unsigned i = 0; i < RTE_DIM(aligns); i++) {
		p = arena_alloc(a, 100, aligns[i]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT_EQUAL((uintptr_t)p % aligns[i], 0);
		CU_ASSERT(p >= end);
		end = p + 100;
		CU_ASSERT_EQUAL(arena_free_space(a), MIB - (size_t)(end - (uint8_t *)arena_region(a)->addr));
	}
	CU_ASSERT_PTR_NULL(arena_alloc(a, 0, 1));
	CU_ASSERT_PTR_NULL(arena_alloc(a, 8, 0));
	CU_ASSERT_PTR_NULL(arena_alloc(a, 8, 24));
	CU_ASSERT_PTR_NULL(arena_alloc(a, 8, 2 * MIB));
	CU_ASSERT_PTR_NULL(arena_alloc(a, arena_free_space(a) + 1, 1));
	CU_ASSERT_PTR_NULL(arena_alloc(a, SIZE_MAX, 64));
	p = arena_alloc(a, arena_free_space(a), 1);
	CU_ASSERT_PTR_NOT_NULL(p);
	CU_ASSERT_EQUAL(arena_free_space(a), 0);
	CU_ASSERT_PTR_NULL(arena_alloc(a, 1, 1));
	arena_destroy(a);
}

static void arena_locate__and_back(void)
{
	struct arena *a[3] = { create("l0", MIB), create("l1", MIB), create("l2", MIB) };
	struct arena_region regions[3] = { 0 };
	struct arena_ref ref;
	int local;

	CU_ASSERT_EQUAL(arena_regions(regions, 2), 3);
	CU_ASSERT_PTR_NULL(regions[2].addr);
	for (unsigned i = 0; i < 3; i++) {
		uint8_t *base = arena_region(a[i])->addr;

		CU_ASSERT_EQUAL(arena_locate(base, MIB, &ref), 0);
		CU_ASSERT(ref.arena == i && ref.offset == 0 && ref.len == MIB);
		CU_ASSERT_EQUAL(arena_locate(base + MIB - 1, 1, &ref), 0);
		CU_ASSERT_EQUAL(ref.offset, MIB - 1);
		CU_ASSERT_PTR_EQUAL(arena_resolve(&ref), base + MIB - 1);
		CU_ASSERT_EQUAL(arena_locate(base + MIB - 1, 2, &ref), -ENOENT);
	}
	CU_ASSERT_EQUAL(arena_locate(&local, 1, &ref), -ENOENT);
	CU_ASSERT_EQUAL(arena_locate(NULL, 1, &ref), -ENOENT);
	/* References from elsewhere are checked. */
	ref = (struct arena_ref){ .arena = 3, .len = 1 };
	CU_ASSERT_PTR_NULL(arena_resolve(&ref));
	ref = (struct arena_ref){ .arena = 1, .len = 1, .offset = MIB };
	CU_ASSERT_PTR_NULL(arena_resolve(&ref));
	ref = (struct arena_ref){ .arena = 1, .len = 2, .offset = MIB - 1 };
	CU_ASSERT_PTR_NULL(arena_resolve(&ref));
	ref = (struct arena_ref){ .arena = 1, .len = UINT32_MAX, .offset = UINT64_MAX };
	CU_ASSERT_PTR_NULL(arena_resolve(&ref));
	for (unsigned i = 0; i < 3; i++)
		arena_destroy(a[i]);
}

static int by_address(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)(*(struct rte_mbuf *const *)a)->buf_addr;
	uintptr_t y = (uintptr_t)(*(struct rte_mbuf *const *)b)->buf_addr;

	return x < y ? -1 : x > y;
}

/* All buffers of a pool: in the arena, apart from each other, writable from
 * end to end; the pool runs out after them and is whole again at the end. */
static void check_pool(struct rte_mempool *mp, unsigned n, uint16_t room, bool in_arena)
{
	struct rte_mbuf **m = calloc(n, sizeof(*m));
	struct arena_ref ref;

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(mp), n);
	for (unsigned i = 0; i < n; i++) {
		m[i] = rte_pktmbuf_alloc(mp);
		CU_ASSERT_PTR_NOT_NULL_FATAL(m[i]);
		CU_ASSERT_EQUAL(m[i]->buf_len, room);
		CU_ASSERT_EQUAL(m[i]->data_off, RTE_MIN(room, RTE_PKTMBUF_HEADROOM));
		CU_ASSERT_EQUAL(arena_locate(m[i]->buf_addr, room, &ref), in_arena ? 0 : -ENOENT);
		CU_ASSERT_EQUAL(arena_locate(m[i], sizeof(*m[i]), &ref), -ENOENT);
		if (rte_eal_iova_mode() == RTE_IOVA_VA)
			CU_ASSERT_EQUAL(rte_mbuf_iova_get(m[i]), (uintptr_t)m[i]->buf_addr);
		memset(m[i]->buf_addr, 0x5a, room);
	}
	CU_ASSERT_PTR_NULL(rte_pktmbuf_alloc(mp));
	qsort(m, n, sizeof(m[0]), by_address);
	for (unsigned i = 1; i < n; i++)
		CU_ASSERT((uint8_t *)m[i]->buf_addr >= (uint8_t *)m[i - 1]->buf_addr + room);
	for (unsigned i = 0; i < n; i++)
		rte_pktmbuf_free(m[i]);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(mp), n);
	free(m);
}

static void arena_pktmbuf_pool__buffers(void)
{
	static const struct {
		unsigned n, cache;
		uint16_t priv, room;
	} rows[] = {
		{ 255, 0, 0, 2176 }, { 1, 0, 0, 64 }, { 500, 32, 64, 1000 }, { 33, 0, 8, 9216 + 128 },
		{ 7, 0, 0, 65344 },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		size_t need = arena_pool_size(rows[i].n, rows[i].room);
		struct arena *a = create("pools", need);
		struct rte_mempool *mp;
		int rc = 1;

		mp = arena_pktmbuf_pool(a, "pool", rows[i].n, rows[i].cache, rows[i].priv, rows[i].room, &rc);
		CU_ASSERT_EQUAL(rc, 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(mp);
		CU_ASSERT_EQUAL(rte_pktmbuf_priv_size(mp), rows[i].priv);
		check_pool(mp, rows[i].n, rows[i].room, true);
		rte_mempool_free(mp);
		arena_destroy(a);
	}
}

/* With physical addresses (made up here) each buffer lies within one page and
 * carries that page's address. */
static void arena_pktmbuf_pool__physical_addresses(void)
{
	enum { N = 101, ROOM = 1500 };
	struct arena *a = create("physical", 2 * MIB);
	const struct arena_region *r = arena_region(a);
	struct rte_mempool *mp;
	struct rte_mbuf *m[N];
	int rc = 0;

	a->iovas = calloc(r->len / 4096, sizeof(a->iovas[0]));
	CU_ASSERT_PTR_NOT_NULL_FATAL(a->iovas);
	for (size_t i = 0; i < r->len / 4096; i++)
		a->iovas[i] = (i * 7919 % 65536) << 12;
	CU_ASSERT_PTR_NOT_NULL(arena_alloc(a, 5000, 1)); /* the pool begins in another page */
	CU_ASSERT_PTR_NULL(arena_pktmbuf_pool(a, "physical", N, 0, 0, 4097, &rc));
	CU_ASSERT_EQUAL(rc, -EINVAL);
	mp = arena_pktmbuf_pool(a, "physical", N, 0, 0, ROOM, &rc);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mp);
	CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_alloc_bulk(mp, m, N), 0);
	for (unsigned i = 0; i < N; i++) {
		size_t off = (size_t)((uint8_t *)m[i]->buf_addr - (uint8_t *)r->addr);

		CU_ASSERT(off % 4096 + ROOM <= 4096);
		CU_ASSERT_EQUAL(rte_mbuf_iova_get(m[i]), a->iovas[off / 4096] + off % 4096);
	}
	rte_pktmbuf_free_bulk(m, N);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(mp), N);
	rte_mempool_free(mp);
	arena_destroy(a);
}

static void arena_pktmbuf_pool__errors_leave_the_arena_alone(void)
{
	struct arena *a = create("errors", MIB);
	size_t space;
	struct rte_mempool *mp, *first;
	const struct {
		const char *name;
		unsigned n;
		uint16_t priv, room;
		int rc;
	} rows[] = {
		{ "first", 10, 0, 2048, -EEXIST }, { "p", 10000, 0, 2048, -ENOMEM },
		{ "p", 0, 0, 2048, -EINVAL },
		{ "p", 10, 0, 0, -EINVAL }, { "p", 10, 3, 2048, -EINVAL }, { "p", 1, 0, UINT16_MAX, -EINVAL },
	};
	int rc;

	first = arena_pktmbuf_pool(a, "first", 10, 0, 0, 2048, &rc);
	CU_ASSERT_PTR_NOT_NULL_FATAL(first);
	space = arena_free_space(a);
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		rc = 0;
		mp = arena_pktmbuf_pool(a, rows[i].name, rows[i].n, 0, rows[i].priv, rows[i].room, &rc);
		CU_ASSERT_PTR_NULL(mp);
		CU_ASSERT_EQUAL(rc, rows[i].rc);
		CU_ASSERT_EQUAL(arena_free_space(a), space);
	}
	rte_mempool_free(first);
	arena_destroy(a);
}

static void plain_pktmbuf_pool__buffers(void)
{
	static const uint16_t rooms[] = { 0, 256, 2176 };
	struct rte_mempool *mp;
	int rc = 1;

	test_eal_init();
	for (unsigned i = 0; i < RTE_DIM(rooms); i++) {
		mp = plain_pktmbuf_pool("plain", 100, 16, 16, rooms[i], 0, &rc);
		CU_ASSERT_EQUAL(rc, 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(mp);
		check_pool(mp, 100, rooms[i], false);
		CU_ASSERT_PTR_NULL(plain_pktmbuf_pool("plain", 100, 16, 16, rooms[i], 0, &rc));
		CU_ASSERT_EQUAL(rc, -EEXIST);
		rte_mempool_free(mp);
	}
	CU_ASSERT_PTR_NULL(plain_pktmbuf_pool("plain", 100, 0, 3, 64, -1, &rc));
	CU_ASSERT_EQUAL(rc, -EINVAL);
}

struct pair {
	struct arena *a;
	struct rte_mempool *data, *head;
};

static void pair_init(struct pair *p)
{
	int rc;

	p->a = create("pair", arena_pool_size(8, 2176));
	p->data = arena_pktmbuf_pool(p->a, "pair_data", 8, 0, 0, 2176, &rc);
	p->head = plain_pktmbuf_pool("pair_head", 8, 0, 0, 128, -1, &rc);
	CU_ASSERT_FATAL(p->data != NULL && p->head != NULL);
}

static void pair_fini(struct pair *p)
{
	CU_ASSERT_EQUAL(rte_mempool_avail_count(p->data), 8);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(p->head), 8);
	rte_mempool_free(p->data);
	rte_mempool_free(p->head);
	arena_destroy(p->a);
}

/* An indirect mbuf keeps an arena buffer alive, whichever of the two goes
 * first; the buffer comes back exactly once, and both are as new. */
static void pools__attach_and_detach(void)
{
	struct pair p;

	pair_init(&p);
	for (unsigned round = 0; round < 40; round++) {
		struct rte_mbuf *d = rte_pktmbuf_alloc(p.data), *i = rte_pktmbuf_alloc(p.head);
		void *own = i->buf_addr;
		bool data_first = round & 1;

		strcpy(rte_pktmbuf_append(d, 8), "payload");
		rte_pktmbuf_attach(i, d);
		CU_ASSERT_PTR_EQUAL(i->buf_addr, d->buf_addr);
		CU_ASSERT_EQUAL(rte_mempool_avail_count(p.data), 7);
		rte_pktmbuf_free(data_first ? d : i);
		CU_ASSERT_EQUAL(rte_mempool_avail_count(p.data), 7);
		CU_ASSERT_EQUAL(rte_mempool_avail_count(p.head), data_first ? 7 : 8);
		CU_ASSERT_STRING_EQUAL(rte_pktmbuf_mtod(data_first ? i : d, char *), "payload");
		if (data_first) {
			rte_pktmbuf_detach(i);
			CU_ASSERT_PTR_EQUAL(i->buf_addr, own);
			CU_ASSERT_EQUAL(rte_mempool_avail_count(p.data), 8);
			memset(rte_pktmbuf_mtod(i, char *), 1, rte_pktmbuf_tailroom(i));
		}
		rte_pktmbuf_free(data_first ? i : d);
		CU_ASSERT_EQUAL(rte_mempool_avail_count(p.data), 8);
		CU_ASSERT_EQUAL(rte_mempool_avail_count(p.head), 8);
	}
	pair_fini(&p);
}

/* Header mbuf, then the same payload attached twice: a segment and its
 * retransmission. */
static void pools__chains_share_payload(void)
{
	struct pair p;
	struct rte_mbuf *d, *seg[2];

	pair_init(&p);
	d = rte_pktmbuf_alloc(p.data);
	rte_pktmbuf_append(d, 1000);
	for (unsigned k = 0; k < 2; k++) {
		struct rte_mbuf *i = rte_pktmbuf_alloc(p.head);

		seg[k] = rte_pktmbuf_alloc(p.head);
		rte_pktmbuf_attach(i, d);
		CU_ASSERT_EQUAL(rte_pktmbuf_chain(seg[k], i), 0);
		CU_ASSERT_EQUAL(seg[k]->pkt_len, 1000);
	}
	rte_pktmbuf_free(seg[0]);
	rte_pktmbuf_free(d);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(p.data), 7);
	rte_pktmbuf_free(seg[1]);
	pair_fini(&p);
}

#if BASE_ASAN
/* EAL's memory is shared with a forked child and the sanitizer's is not: each
 * of these has given all mbufs back when it dies. */
static void read_freed_arena_buffer(struct pair *p)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(p->data);
	volatile char *data = rte_pktmbuf_mtod(m, char *);

	rte_pktmbuf_free(m);
	(void)data[0];
}

static void write_freed_plain_buffer(struct pair *p)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(p->head);
	volatile char *data = rte_pktmbuf_mtod(m, char *);

	rte_pktmbuf_free(m);
	data[-1] = 1;
}

static void write_past_the_end(struct pair *p)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(p->data);
	volatile char *data = m->buf_addr;
	unsigned len = m->buf_len;

	rte_pktmbuf_free(m);
	data[len] = 1;
}

static void read_after_the_last_reference(struct pair *p)
{
	struct rte_mbuf *d = rte_pktmbuf_alloc(p->data), *i = rte_pktmbuf_alloc(p->head);
	volatile char *data = rte_pktmbuf_mtod(d, char *);

	rte_pktmbuf_attach(i, d);
	rte_pktmbuf_free(d);
	data[0] = 1; /* still held */
	rte_pktmbuf_free(i);
	data[0] = 2;
}

static void stay_inside(struct pair *p)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(p->data);
	volatile char *data = m->buf_addr;

	data[m->buf_len - 1] = 1;
	rte_pktmbuf_free(m);
	CU_ASSERT_EQUAL(m->refcnt, 1); /* headers stay accessible */
}

static void pools__asan_reports_misuse(void)
{
	static const struct {
		void (*fn)(struct pair *);
		bool dies;
	} rows[] = {
		{ read_freed_arena_buffer, true }, { write_freed_plain_buffer, true },
		{ write_past_the_end, true },
		{ read_after_the_last_reference, true }, { stay_inside, false },
	};
	struct pair p;

	pair_init(&p);
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		int status = 0;
		pid_t child = fork();

		if (child == 0) {
			close(STDERR_FILENO);
			rows[i].fn(&p);
			_exit(0);
		}
		CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
		CU_ASSERT_EQUAL(status != 0, rows[i].dies);
	}
	pair_fini(&p);
}
#endif

static const struct test_case cases[] = {
	TEST_CASE(arena_create__refuses_bad_arguments),
	TEST_CASE(arena_create__region_is_shared_and_registered),
	TEST_CASE(arena_create__huge_or_fallback),
	TEST_CASE(arena_alloc__aligns_and_ends),
	TEST_CASE(arena_locate__and_back),
	TEST_CASE(arena_pktmbuf_pool__buffers),
	TEST_CASE(arena_pktmbuf_pool__physical_addresses),
	TEST_CASE(arena_pktmbuf_pool__errors_leave_the_arena_alone),
	TEST_CASE(plain_pktmbuf_pool__buffers),
	TEST_CASE(pools__attach_and_detach),
	TEST_CASE(pools__chains_share_payload),
#if BASE_ASAN
	TEST_CASE(pools__asan_reports_misuse),
#endif
};
TEST_MAIN("arena", cases)
