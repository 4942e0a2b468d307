/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/tcp/table.h"

#include <errno.h>
#include <stdlib.h>

#include "pmd/base/toeplitz.h"
#include "tests/unit/test.h"

#define OBJECTS 20000

struct object {
	struct net_flow flow;
	bool in;
};

static struct pool pool;
static struct tcp_table *table;
static struct siphash_key key = { 0x0123456789abcdef, 0xfedcba9876543211 };

static void open_table(uint32_t max)
{
	const struct pool *pools[4] = { NULL, &pool, &pool, &pool };

	CU_ASSERT_EQUAL_FATAL(pool_init(&pool, sizeof(struct object), 64, OBJECTS, -1), 0);
	CU_ASSERT_EQUAL_FATAL(tcp_table_create(&table, max, pools), 0);
}

static void close_table(void)
{
	tcp_table_destroy(table);
	pool_fini(&pool);
}

static struct net_flow flow_of(uint32_t raddr, uint16_t rport)
{
	struct net_addr l = net_addr_v4(RTE_BE32(0x0a000001)), r = net_addr_v4(rte_cpu_to_be_32(raddr));
	struct net_flow f;

	memset(&f, 0, sizeof(f));
	memcpy(f.laddr, l.b, 16);
	memcpy(f.raddr, r.b, 16);
	f.lport = RTE_BE16(80);
	f.rport = rte_cpu_to_be_16(rport);
	f.family = NET_IPV4;
	return f;
}

static struct object *add(const struct net_flow *f, enum tcp_kind kind)
{
	struct object *o = pool_get(&pool);
	uint32_t ref;

	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	o->flow = *f;
	o->in = true;
	ref = tcp_ref(kind, pool_index(&pool, o));
	CU_ASSERT_EQUAL_FATAL(tcp_table_insert(table, tcp_flow_hash(&key, f), ref), 0);
	return o;
}

static uint32_t find(const struct net_flow *f)
{
	return tcp_table_find(table, f, tcp_flow_hash(&key, f));
}

static void tcp_table_create__refuses_sizes(void)
{
	const struct pool *pools[4] = { NULL, &pool, &pool, &pool };
	static const uint32_t bad[] = { 0, TCP_OBJECTS_MAX + 1, UINT32_MAX };
	struct tcp_table *t = NULL;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT_EQUAL(tcp_table_create(&t, bad[i], pools), -EINVAL);
		CU_ASSERT_PTR_NULL(t);
	}
	tcp_table_destroy(NULL);
}

static void tcp_table_find__compares_the_whole_flow(void)
{
	struct net_flow f = flow_of(0x0a000002, 1000), other;
	struct object *o;

	open_table(100);
	CU_ASSERT_EQUAL(find(&f), 0);
	o = add(&f, TCP_KIND_CONN);
	CU_ASSERT_EQUAL(find(&f), tcp_ref(TCP_KIND_CONN, pool_index(&pool, o)));
	for (unsigned octet = 0; octet < sizeof(f); octet++) {
		other = f;
		((uint8_t *)&other)[octet] ^= 1;
		CU_ASSERT_EQUAL(find(&other), 0);
		/* and with a hash that is the other flow's */
		CU_ASSERT_EQUAL(tcp_table_find(table, &other, tcp_flow_hash(&key, &f)), 0);
	}
	close_table();
}

static void tcp_table_replace__keeps_the_place(void)
{
	struct net_flow f = flow_of(0x0a000002, 1000);
	uint64_t hash = tcp_flow_hash(&key, &f);
	struct object *half, *conn;
	uint32_t from, to, gen;

	open_table(100);
	half = add(&f, TCP_KIND_HALF);
	conn = pool_get(&pool);
	conn->flow = f;
	from = tcp_ref(TCP_KIND_HALF, pool_index(&pool, half));
	to = tcp_ref(TCP_KIND_CONN, pool_index(&pool, conn));
	gen = tcp_table_gen(table);
	CU_ASSERT_EQUAL(tcp_table_replace(table, hash, from, to), 0);
	CU_ASSERT_NOT_EQUAL(tcp_table_gen(table), gen);
	CU_ASSERT_EQUAL(find(&f), to);
	CU_ASSERT_EQUAL(tcp_table_count(table), 1);
	CU_ASSERT_EQUAL(tcp_table_replace(table, hash, from, to), -ENOENT);
	CU_ASSERT_EQUAL(tcp_table_remove(table, hash, from), -ENOENT);
	CU_ASSERT_EQUAL(tcp_table_remove(table, hash, to), 0);
	CU_ASSERT_EQUAL(find(&f), 0);
	CU_ASSERT_EQUAL(tcp_table_count(table), 0);
	close_table();
}

/* Everything the table was made for fits, whatever the order of arrivals and
 * departures; each is found as long as it is in, none after. */
static void tcp_table__random_churn_at_full_size(void)
{
	static struct object *all[OBJECTS];
	uint64_t rnd = 7;

	open_table(OBJECTS);
	for (unsigned i = 0; i < OBJECTS; i++) {
		struct net_flow f = flow_of(0x0a000000 + i / 60000, (uint16_t)(i % 60000));

		all[i] = add(&f, 1 + i % 3);
	}
	CU_ASSERT_EQUAL(tcp_table_count(table), OBJECTS);
	for (unsigned round = 0; round < 5 * OBJECTS; round++) {
		unsigned i = test_random(&rnd) % OBJECTS;
		struct object *o = all[i];
		uint64_t hash = tcp_flow_hash(&key, &o->flow);
		uint32_t ref = tcp_ref(1 + i % 3, pool_index(&pool, o));

		CU_ASSERT_EQUAL_FATAL(tcp_table_find(table, &o->flow, hash), o->in ? ref : 0);
		if (o->in)
			CU_ASSERT_EQUAL_FATAL(tcp_table_remove(table, hash, ref), 0);
		if (!o->in)
			CU_ASSERT_EQUAL_FATAL(tcp_table_insert(table, hash, ref), 0);
		o->in = !o->in;
	}
	CU_ASSERT(tcp_table_longest(table) < 64);
	close_table();
}

/* Pitfall 62: flows that an attacker chose to collide in the port's RSS hash
 * do not collide here. */
static void tcp_table__equal_rss_hash_costs_nothing(void)
{
	static const uint8_t rss_key[TOEPLITZ_KEY_LEN] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67 };
	static struct toeplitz tp;
	uint32_t want = 0;
	unsigned n = 0;

	toeplitz_init(&tp, rss_key);
	open_table(OBJECTS);
	for (uint32_t addr = 0x0b000000; n < 10000; addr++) {
		struct net_flow f;
		uint16_t port = 1;

		for (; port < 200; port++) {
			uint32_t h = toeplitz_v4(&tp, rte_cpu_to_be_32(addr), RTE_BE32(0x0a000001),
						 rte_cpu_to_be_16(port), RTE_BE16(80));

			if ((h & 0x7f) != want) /* the indices a steering table of 128 looks at */
				continue;
			f = flow_of(addr, port);
			add(&f, TCP_KIND_CONN);
			n++;
		}
	}
	CU_ASSERT(tcp_table_longest(table) < 64);
	close_table();
}

static const struct test_case cases[] = {
	TEST_CASE(tcp_table_create__refuses_sizes),
	TEST_CASE(tcp_table_find__compares_the_whole_flow),
	TEST_CASE(tcp_table_replace__keeps_the_place),
	TEST_CASE(tcp_table__random_churn_at_full_size),
	TEST_CASE(tcp_table__equal_rss_hash_costs_nothing),
};
TEST_MAIN("tcp_table", cases)
