/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random windows against a second statement of Linux's rules, written from their
 * description and not from dim_net.c: state as numbers of Linux, per cents in 64 bits,
 * directions as signs.
 */
#include <stdlib.h>
#include <string.h>

#include "pmd/dim/dim.h"
#include "tests/unit/test.h"

#define STEPS 200000

struct model {
	int state; /* 0 parked, 1 tired, 2 right, 3 left */
	int ix, right, left, tired, top, limit;
	long long b, p, e, c, cpe; /* previous window */
};

/* -1 worse, 0 the same, 1 better: more is better, or 2: not significant. */
static int judge(long long now, long long ref)
{
	long long percent = ref == 0 ? 0 : 100 * llabs(now - ref) / ref;

	return percent <= 10 ? 2 : now > ref ? 1 : -1;
}

static int net_verdict(const struct model *m, long long b, long long p, long long e)
{
	int v;

	if (m->b == 0)
		return b > 0;
	v = judge(b, m->b);
	if (v != 2)
		return v;
	if (m->p == 0)
		return p > 0;
	v = judge(p, m->p);
	if (v != 2)
		return v;
	v = m->e == 0 ? 2 : judge(e, m->e);
	return v == 2 ? 0 : -v;
}

/* 1 moved, 0 edge. */
static int shift(struct model *m)
{
	int dir = m->state == 2 ? 1 : -1, to = m->ix + dir;

	if (to < 0 || to > m->top)
		return 0;
	m->ix = to;
	if (dir > 0)
		m->right++;
	else
		m->left++;
	m->tired++;
	return 1;
}

static void leave(struct model *m)
{
	m->state = m->ix == 0 ? 2 : 3;
	if (m->tired < m->limit)
		shift(m);
}

static void flip(struct model *m)
{
	if (m->state == 2) {
		m->state = 3;
		m->left = 0;
	} else {
		m->state = 2;
		m->right = 0;
	}
}

static void rest(struct model *m, int state)
{
	m->right = m->left = 0;
	m->state = state;
	if (state == 0)
		m->tired = 0;
}

static void net_window(struct model *m, long long b, long long p, long long e)
{
	int was = m->state, v = net_verdict(m, b, p, e);

	if (was == 0) {
		if (v != 0)
			leave(m);
	} else if (was == 1) {
		m->tired--;
		if (m->tired == 0)
			leave(m);
	} else {
		if (v != 1)
			flip(m);
		if (m->state == 2 ? m->left > 1 && m->right == 1 : m->right > 1 && m->left == 1)
			rest(m, 0);
		else if (m->tired == m->limit)
			rest(m, 1);
		else if (!shift(m))
			rest(m, 0);
	}
	if (was == 0 && m->state == 0)
		return;
	m->b = b;
	m->p = p;
	m->e = e;
}

static void rdma_window(struct model *m, long long c, long long cpe)
{
	int v = m->c == 0 ? 2 : judge(c, m->c);

	if (v == 2 && m->c != 0)
		v = m->cpe == 0 ? 2 : judge(cpe, m->cpe);
	if (v == 2) {
		if (cpe <= 50 * m->ix)
			m->ix = 0;
	} else {
		if (v == -1)
			flip(m);
		if (!shift(m))
			flip(m);
	}
	m->c = c;
	m->cpe = cpe;
}

/* A rate near the one before, so that all verdicts are about as frequent; now and then 0. */
static uint64_t wander(uint64_t *seed, uint64_t from)
{
	uint64_t r = test_random(seed), base = from == 0 || r % 16 == 0 ? r >> 40 : from;

	if (r % 64 == 1)
		return 0;
	return base * (80 + (r >> 8) % 45) / 100 + (r >> 20) % 2;
}

static void dim_decide__as_the_rules_say(void)
{
	static const uint8_t sizes[] = { 5, 2, 3, 9, 16 };
	uint64_t seed = 20140807;

	for (unsigned s = 0; s < sizeof(sizes); s++) {
		struct model m = { .ix = 1, .top = sizes[s] - 1, .limit = 2 * sizes[s] };
		unsigned differ = 0, states = 0;
		struct dim_rates r = { 0 };
		struct dim d;

		dim_init(&d, sizes[s], 1, 0);
		for (unsigned i = 0; i < STEPS; i++) {
			int ix = m.ix;

			r.bpms = wander(&seed, m.b);
			r.ppms = wander(&seed, m.p);
			r.epms = wander(&seed, m.e);
			net_window(&m, r.bpms, r.ppms, r.epms);
			differ += dim_decide(&d, &r) != (m.ix != ix);
			differ += d.index != m.ix || d.tune != m.state || d.tired != m.tired;
			differ += d.steps_right != m.right || d.steps_left != m.left;
			differ += d.prev.bpms != (uint64_t)m.b || d.prev.epms != (uint64_t)m.e;
			states |= 1u << m.state;
		}
		CU_ASSERT_EQUAL(differ, 0);
		CU_ASSERT_EQUAL(states, 15);
		CU_ASSERT_EQUAL(d.windows, STEPS);
	}
}

/* Rates in a narrow band: walks get long enough for tiredness to show. */
static void dim_decide__as_the_rules_say_when_little_moves(void)
{
	struct model m = { .ix = 1, .top = DIM_PROFILES - 1, .limit = 2 * DIM_PROFILES };
	unsigned differ = 0, tired = 0;
	uint64_t seed = 3;
	struct dim d;

	dim_init(&d, DIM_PROFILES, 1, 0);
	for (unsigned i = 0; i < STEPS; i++) {
		struct dim_rates r = { .bpms = 1000 + test_random(&seed) % 30, .ppms = 1000 };


		r.epms = 20 + test_random(&seed) % 3;
		net_window(&m, r.bpms, r.ppms, r.epms);
		dim_decide(&d, &r);
		differ += d.index != m.ix || d.tune != m.state || d.tired != m.tired;
		tired += m.state == 1;
	}
	CU_ASSERT_EQUAL(differ, 0);
	CU_ASSERT(tired > STEPS / 50);
}

static void dim_rdma_decide__as_the_rules_say(void)
{
	struct model m = { .state = 2, .top = DIM_RDMA_PROFILES - 1 };
	unsigned differ = 0, seen = 0;
	uint64_t seed = 991;
	struct dim d;

	dim_rdma_init(&d);
	for (unsigned i = 0; i < STEPS; i++) {
		struct dim_rates r = { .cpms = wander(&seed, m.c) };
		int ix = m.ix;

		r.cpe_ratio = i % 3 == 0 ? (uint64_t)m.cpe : 1 + (test_random(&seed) >> 30) % 600;
		rdma_window(&m, r.cpms, r.cpe_ratio);
		differ += dim_rdma_decide(&d, &r) != (m.ix != ix);
		differ += d.index != m.ix || d.tune != m.state;
		seen |= 1u << m.ix;
	}
	CU_ASSERT_EQUAL(differ, 0);
	CU_ASSERT_EQUAL(seen, (1u << DIM_RDMA_PROFILES) - 1);
}

static const struct test_case cases[] = {
	TEST_CASE(dim_decide__as_the_rules_say),
	TEST_CASE(dim_decide__as_the_rules_say_when_little_moves),
	TEST_CASE(dim_rdma_decide__as_the_rules_say),
};
TEST_MAIN("dim random", cases)
