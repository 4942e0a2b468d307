/* SPDX-License-Identifier: BSD-3-Clause */
/* Reassembly: scenario 141, orders, overlaps, limits, time. */
#include "tests/unit/net/fixture.h"

static struct fix f;
static uint8_t data[66000];
static uint64_t seed = 7;

static void start(void (*tweak)(struct net_config *, struct net_env *))
{
	fix_init(&f, tweak);
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)test_random(&seed);
	data[12] = 5 << 4; /* TCP data offset */
}

/* len octets of data from off; more: not the last. */
static struct rte_mbuf *frag(uint16_t id, unsigned off, unsigned len, bool more)
{
	const struct fix_ip h = { .id = id, .frag = off / 8 | (more ? RTE_IPV4_HDR_MF_FLAG : 0), .pad = 3,
				  .split = len > 1500 ? 1500 : 0 };

	return fix_ip(&h, data + off, len);
}

static void give(uint16_t id, unsigned off, unsigned len, bool more)
{
	fix_input(&f, frag(id, off, len, more));
}

static void check_whole(unsigned i, unsigned len)
{
	static uint8_t flat[70000];
	struct net_meta *meta;

	CU_ASSERT_FATAL(i < f.n_in);
	meta = net_mbuf_meta(f.in[i]);
	CU_ASSERT(fix_flat(f.in[i], flat, sizeof(flat)) == meta->l4_off + len && meta->l4_len == len);
	CU_ASSERT(memcmp(flat + meta->l4_off, data, len) == 0);
	CU_ASSERT(meta->flags == NET_META_REASSEMBLED);
	CU_ASSERT(f.in[i]->data_len >= RTE_MIN(f.in[i]->pkt_len, (uint32_t)NET_PULL_LEN));
	CU_ASSERT((flat[meta->l3_off + 2] << 8 | flat[meta->l3_off + 3]) == (int)(20 + len));
	CU_ASSERT(rte_mbuf_check(f.in[i], 1, &(const char *){ NULL }) == 0);
}

static void reasm__every_order(void)
{
	static const uint8_t order[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	static const struct { unsigned off, len; bool more; } part[] = { { 0, 24, true }, { 24, 1480, true }, { 1504, 77, false } };

	for (unsigned i = 0; i < 6; i++) {
		start(NULL);
		for (unsigned k = 0; k < 3; k++)
			give(9, part[order[i][k]].off, part[order[i][k]].len, part[order[i][k]].more);
		CU_ASSERT(f.n_in == 1 && fix_drops(&f) == 0 && net_stats(f.st)->rx_reassembled == 1);
		check_whole(0, 1581);
		CU_ASSERT(reasm_pending(f.st) == 0);
		fix_fini(&f);
	}
}

static void reasm__two_at_a_time(void)
{
	start(NULL);
	give(1, 0, 800, true);
	give(2, 0, 400, true);
	give(2, 400, 10, false);
	give(1, 800, 20, false);
	CU_ASSERT(f.n_in == 2);
	check_whole(0, 410);
	check_whole(1, 820);
	fix_fini(&f);
}

struct bad {
	const char *what;
	struct { unsigned off, len; bool more; } part[3];
	unsigned n;
	enum net_drop why;
};

static void reasm__refusals(void)
{
	static const struct bad t[] = {
		{ "duplicate first", { { 0, 80, true }, { 0, 80, true }, { 80, 8, false } }, 3, DROP_FRAG_OVERLAP },
		{ "duplicate last", { { 80, 8, false }, { 80, 8, false }, { 0, 80, true } }, 3, DROP_FRAG_OVERLAP },
		{ "overlap by 8", { { 0, 80, true }, { 72, 16, true }, { 88, 8, false } }, 3, DROP_FRAG_OVERLAP },
		{ "inside", { { 0, 160, true }, { 40, 8, true }, { 160, 8, false } }, 3, DROP_FRAG_OVERLAP },
		{ "around", { { 40, 8, true }, { 0, 160, true }, { 160, 8, false } }, 3, DROP_FRAG_OVERLAP },
		{ "beyond the end", { { 80, 8, false }, { 96, 8, true }, { 0, 80, true } }, 3, DROP_FRAG_OVERLAP },
		{ "end before what came", { { 96, 8, true }, { 80, 8, false }, { 0, 80, true } }, 3, DROP_FRAG_OVERLAP },
		{ "two ends", { { 80, 8, false }, { 88, 8, false }, { 0, 80, true } }, 3, DROP_FRAG_OVERLAP },
		{ "tiny first", { { 0, 16, true } }, 1, DROP_FRAG_TINY },
		{ "offset 8", { { 8, 80, true } }, 1, DROP_FRAG_TINY },
		{ "too long", { { 65528, 16, false } }, 1, DROP_FRAG_LONG },
		{ "exactly 65536 with the header", { { 65512, 4, false } }, 1, DROP_FRAG_LONG },
		{ "odd middle", { { 0, 81, true } }, 1, DROP_IP_LENGTH },
		{ "empty", { { 80, 0, false } }, 1, DROP_IP_LENGTH },
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		start(NULL);
		for (unsigned k = 0; k < t[i].n; k++)
			give(9, t[i].part[k].off, t[i].part[k].len, t[i].part[k].more);
		if (f.n_in != 0 || fix_drop(&f, t[i].why) != (t[i].n == 3 ? 2 : 1))
			fprintf(stderr, "case: %s\n", t[i].what);
		CU_ASSERT(f.n_in == 0 && fix_drop(&f, t[i].why) == (t[i].n == 3 ? 2 : 1));
		/* What was held goes when its time is over. */
		fix_advance(&f, 31 * NET_S);
		CU_ASSERT(reasm_pending(f.st) == 0 && fix_drops(&f) == t[i].n);
		CU_ASSERT(fix_drop(&f, DROP_FRAG_TIMEOUT) == (t[i].n == 3));
		fix_fini(&f);
	}
}

static void reasm__largest(void)
{
	start(NULL);
	for (unsigned off = 0; off < 7 * 9000; off += 9000)
		give(5, off, 9000, true);
	give(5, 63000, 65515 - 63000, false);
	CU_ASSERT(f.n_in == 1 && fix_drops(&f) == 0);
	check_whole(0, 65515);
	fix_fini(&f);
}

/* Options on the first fragment lengthen the whole beyond what is allowed. */
static void reasm__options_overflow(void)
{
	const struct fix_ip first = { .id = 5, .frag = RTE_IPV4_HDR_MF_FLAG, .opt = { 1 }, .opt_len = 8, .split = 1500 };

	start(NULL);
	for (unsigned off = 9000; off < 7 * 9000; off += 9000)
		give(5, off, 9000, true);
	give(5, 63000, 65515 - 63000, false);
	fix_input(&f, fix_ip(&first, data, 9000));
	CU_ASSERT(f.n_in == 0 && fix_drop(&f, DROP_FRAG_LONG) == 1 && reasm_pending(f.st) == 0);
	fix_fini(&f);
}

static void reasm__too_many_pieces(void)
{
	start(NULL);
	for (unsigned i = 0; i < 12; i++)
		give(5, i * 80, 80, true);
	CU_ASSERT(f.n_in == 0 && fix_drop(&f, DROP_FRAG_TABLE) > 0);
	fix_advance(&f, 31 * NET_S);
	CU_ASSERT(fix_drops(&f) == 12 && reasm_pending(f.st) == 0);
	fix_fini(&f);
}

static void reasm__time(void)
{
	start(NULL);
	give(1, 0, 80, true);
	fix_advance(&f, 20 * NET_S);
	give(2, 0, 80, true);
	fix_advance(&f, 9 * NET_S);
	CU_ASSERT(reasm_pending(f.st) == 2 && fix_drops(&f) == 0);
	fix_advance(&f, 2 * NET_S);
	CU_ASSERT(reasm_pending(f.st) == 1 && fix_drop(&f, DROP_FRAG_TIMEOUT) == 1);
	give(2, 80, 8, false);
	CU_ASSERT(f.n_in == 1);
	give(1, 80, 8, false); /* too late: starts anew */
	CU_ASSERT(f.n_in == 1 && reasm_pending(f.st) == 1);
	fix_advance(&f, 31 * NET_S);
	CU_ASSERT(reasm_pending(f.st) == 0 && f.wheel.armed == 0);
	fix_fini(&f);
}

static void few(struct net_config *conf, struct net_env *env) { conf->frag_max = 32; }

static void reasm__quota_of_a_source(void)
{
	start(few);
	for (unsigned i = 0; i < 10; i++)
		give(i, 0, 80, true);
	CU_ASSERT(reasm_pending(f.st) == 2 && fix_drop(&f, DROP_FRAG_QUOTA) == 8);
	fix_fini(&f);
}

static void reasm__table_full(void)
{
	start(few);
	for (unsigned i = 0; i < 200; i++) {
		const struct fix_ip h = { .src = IP(198, 51, 100, i + 1), .frag = RTE_IPV4_HDR_MF_FLAG };

		fix_input(&f, fix_ip(&h, data, 80));
	}
	CU_ASSERT(reasm_pending(f.st) <= 32 && fix_drop(&f, DROP_FRAG_TABLE) > 0);
	CU_ASSERT(reasm_pending(f.st) + fix_drops(&f) == 200);
	fix_advance(&f, 31 * NET_S);
	CU_ASSERT(reasm_pending(f.st) == 0 && fix_drops(&f) == 200);
	fix_fini(&f);
}

static bool on_steer(void *ctx, struct rte_mbuf *m, const struct net_flow *flow)
{
	struct fix *x = ctx;

	x->n_steered++;
	x->steered = *flow;
	if (x->steer_away)
		x->in[x->n_in++] = m;
	return x->steer_away;
}

static void steering(struct net_config *conf, struct net_env *env) { env->steer = on_steer; }

static void reasm__whole_datagram_is_steered(void)
{
	struct rte_mbuf *m;

	start(steering);
	give(1, 0, 80, true);
	CU_ASSERT(f.n_steered == 0);
	give(1, 80, 8, false);
	CU_ASSERT(f.n_steered == 1 && f.n_in == 1 && f.n_groups == 1);
	CU_ASSERT(net_flow_laddr4(&f.steered) == US && net_flow_raddr4(&f.steered) == PEER);
	CU_ASSERT(memcmp(&f.steered.rport, data, 2) == 0 && memcmp(&f.steered.lport, data + 2, 2) == 0);
	f.steer_away = true;
	give(2, 0, 80, true);
	give(2, 80, 8, false);
	CU_ASSERT(f.n_steered == 2 && f.n_in == 2 && f.n_groups == 1);
	/* On the other lcore it is not steered again. */
	m = f.in[--f.n_in];
	net_input_steered(f.st, &m, 1);
	CU_ASSERT(f.n_steered == 2 && f.n_in == 2 && f.n_groups == 2);
	check_whole(1, 88);
	fix_fini(&f);
}

/* Random cuts in random order, sometimes spoilt: what comes out is right. */
static void reasm__random(void)
{
	start(NULL);
	for (unsigned round = 0; round < 400; round++) {
		unsigned n = 1 + test_random(&seed) % 7, at[9] = { 0 }, order[8];

		for (unsigned i = 1; i <= n; i++)
			at[i] = at[i - 1] + 24 + 8 * (test_random(&seed) % 200);
		for (unsigned i = 0; i < n; i++)
			order[i] = i;
		for (unsigned i = n - 1; i > 0; i--) {
			unsigned k = test_random(&seed) % (i + 1);

			RTE_SWAP(order[i], order[k]);
		}
		if (n == 1)
			continue;
		for (unsigned i = 0; i < n; i++)
			give(round, at[order[i]], at[order[i] + 1] - at[order[i]] - (order[i] == n - 1 ? 3 : 0),
			     order[i] != n - 1);
		/* Seven are at most one first, one last and five between: they fit. */
		CU_ASSERT_FATAL(f.n_in == 1);
		check_whole(0, at[n] - 3);
		fix_clear_out(&f);
	}
	CU_ASSERT(reasm_pending(f.st) == 0 && fix_drops(&f) == 0);
	fix_fini(&f);
}

static const struct test_case cases[] = {
	TEST_CASE(reasm__every_order),
	TEST_CASE(reasm__two_at_a_time),
	TEST_CASE(reasm__refusals),
	TEST_CASE(reasm__largest),
	TEST_CASE(reasm__options_overflow),
	TEST_CASE(reasm__too_many_pieces),
	TEST_CASE(reasm__time),
	TEST_CASE(reasm__quota_of_a_source),
	TEST_CASE(reasm__table_full),
	TEST_CASE(reasm__whole_datagram_is_steered),
	TEST_CASE(reasm__random),
};
TEST_MAIN("net_reasm", cases)
