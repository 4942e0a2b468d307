/* SPDX-License-Identifier: BSD-3-Clause */
/* Routes, paths, path MTU, and neighbours shared between lcores. */
#include <errno.h>

#include "tests/unit/net/fixture.h"

static struct fix f;

static struct net_addr addr_or_none(rte_be32_t v4)
{
	return v4 == 0 ? (struct net_addr){ 0 } : net_addr_v4(v4);
}

static void many_routes(struct net_config *conf, struct net_env *env)
{
	conf->n_routes = 5;
	conf->routes[1] = (struct net_route){ .prefix = net_addr_v4(IP(192, 168, 0, 0)), .prefix_len = 16,
					      .via = net_addr_v4(IP(10, 0, 0, 253)) };
	conf->routes[2] = (struct net_route){ .prefix = net_addr_v4(IP(192, 168, 7, 0)), .prefix_len = 24,
					      .via = net_addr_v4(IP(10, 1, 0, 254)), .ifx = 1 };
	conf->routes[3] = (struct net_route){ .prefix = net_addr_v4(IP(192, 168, 7, 9)), .prefix_len = 32, .ifx = 1 };
	conf->routes[4] = (struct net_route){ .prefix = net_addr_v4(0), .via = net_addr_v4(IP(10, 1, 0, 254)), .ifx = 1 };
}

static void net_path_open__table(void)
{
	static const struct { rte_be32_t src, dst; int rc; uint8_t ifx; rte_be32_t hop, chosen; } t[] = {
		{ 0, PEER, 0, 0, PEER, US },
		{ 0, IP(10, 1, 0, 9), 0, 1, IP(10, 1, 0, 9), US_VLAN },
		{ 0, FAR, 0, 0, GATEWAY, US },
		{ US, FAR, 0, 0, GATEWAY, US },
		{ US_VLAN, FAR, 0, 1, IP(10, 1, 0, 254), US_VLAN }, /* equal prefixes: where the source is */
		{ 0, IP(192, 168, 1, 1), 0, 0, IP(10, 0, 0, 253), US },
		{ 0, IP(192, 168, 7, 1), 0, 1, IP(10, 1, 0, 254), US_VLAN },
		{ US, IP(192, 168, 7, 1), 0, 1, IP(10, 1, 0, 254), US }, /* the longer prefix wins */
		{ 0, IP(192, 168, 7, 9), 0, 1, IP(192, 168, 7, 9), US_VLAN },
		{ 0, IP(10, 0, 0, 255), -EINVAL },
		{ 0, IP(255, 255, 255, 255), -EINVAL },
		{ 0, IP(224, 0, 0, 5), -EINVAL },
		{ 0, IP(240, 0, 0, 5), -EINVAL },
		{ 0, IP(127, 0, 0, 1), -EINVAL },
		{ 0, 0, -EINVAL },
		{ 0, US, -EHOSTUNREACH },
		{ 0, US_VLAN, -EHOSTUNREACH },
		{ PEER, FAR, -EHOSTUNREACH }, /* not our address */
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		struct net_addr src = addr_or_none(t[i].src);
		const struct net_addr dst = net_addr_v4(t[i].dst);
		struct net_path p;
		int rc;

		fix_init(&f, many_routes);
		rc = net_path_open(f.st, &p, &src, &dst);
		if (rc != t[i].rc)
			fprintf(stderr, "row %u: %d\n", i, rc);
		CU_ASSERT(rc == t[i].rc);
		if (rc == 0) {
			CU_ASSERT(p.ifx == t[i].ifx && src.v4 == t[i].chosen && p.mtu == 1500);
			CU_ASSERT(neigh_at(f.st, p.neigh)->addr.v4 == t[i].hop);
		}
		net_path_close(f.st, &p);
		CU_ASSERT(f.st->neigh.pool.used == 0);
		fix_fini(&f);
	}
}

static void no_default(struct net_config *conf, struct net_env *env) { conf->n_routes = 0; }

static void net_path_open__no_route(void)
{
	struct net_addr src = { 0 };
	const struct net_addr dst = net_addr_v4(FAR);
	struct net_path p;

	fix_init(&f, no_default);
	CU_ASSERT(net_path_open(f.st, &p, &src, &dst) == -ENETUNREACH);
	CU_ASSERT(net_path_send(f.st, &p, fix_segment(US, FAR, 1), NET_TX_DATA) == -EHOSTUNREACH);
	CU_ASSERT(fix_drop(&f, DROP_IP_NO_ROUTE) == 1);
	net_path_confirm(f.st, &p);
	net_path_close(f.st, &p);
	fix_fini(&f);
}

/* IPv4 datagrams the network layer sends itself meet it too. */
static void ip_output__no_route(void)
{
	fix_init(&f, no_default);
	fix_input(&f, fix_echo(FAR, US, 1, 10));
	CU_ASSERT(f.n_out == 0 && fix_drop(&f, DROP_IP_NO_ROUTE) == 1);
	fix_fini(&f);
}

static void open_to(struct net_path *p, rte_be32_t v4)
{
	struct net_addr src = { 0 };
	const struct net_addr dst = net_addr_v4(v4);

	fix_learn(&f, &fix_peer, v4);
	CU_ASSERT_FATAL(net_path_open(f.st, p, &src, &dst) == 0);
}

static void net_path_send__tagged(void)
{
	struct net_path p;
	struct rte_mbuf *m;
	const uint8_t *b;

	fix_init(&f, NULL);
	m = fix_arp(1, &fix_peer, IP(10, 1, 0, 2), US_VLAN, &fix_all);
	m->ol_flags |= RTE_MBUF_F_RX_VLAN_STRIPPED;
	m->vlan_tci = 100;
	fix_input(&f, m);
	fix_clear_out(&f);
	struct net_addr src = { 0 }, dst = net_addr_v4(IP(10, 1, 0, 2));
	CU_ASSERT_FATAL(net_path_open(f.st, &p, &src, &dst) == 0);
	for (unsigned i = 0; i < 2; i++) { /* with and without the cached header */
		CU_ASSERT(net_path_send(f.st, &p, fix_segment(US_VLAN, dst.v4, 5), NET_TX_CONTROL) == 0);
		b = rte_pktmbuf_mtod(f.out[i], const uint8_t *);
		CU_ASSERT(memcmp(b, &fix_peer, 6) == 0 && memcmp(b + 6, &fix_us, 6) == 0);
		CU_ASSERT(b[12] == 0x81 && b[15] == 100 && b[16] == 8 && b[17] == 0 && b[18] == 0x45);
		CU_ASSERT(f.out[i]->l2_len == 18 && f.out_ifx[i] == 1);
	}
	CU_ASSERT(p.l2_len == 18 && net_path_room(f.st, &p) == 17);
	net_path_close(f.st, &p);
	fix_fini(&f);
}

static void net_path_send__above_mtu(void)
{
	static const struct { unsigned len, unit; bool sent; } t[] = {
		{ 1460, 0, true }, { 1461, 0, false }, { 1990, 1460, true }, { 1990, 1461, false },
	};
	struct net_path p;

	fix_init(&f, NULL);
	open_to(&p, PEER);
	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		struct rte_mbuf *m = fix_segment(US, PEER, t[i].len);

		if (t[i].unit != 0) {
			m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IPV4;
			m->tso_segsz = t[i].unit;
		}
		fix_clear_out(&f);
		net_path_send(f.st, &p, m, NET_TX_DATA);
		CU_ASSERT(f.n_out == t[i].sent);
	}
	CU_ASSERT(fix_drop(&f, DROP_TX_MTU) == 2);
	net_path_close(f.st, &p);
	fix_fini(&f);
}

static void net_path_send__without_headroom(void)
{
	struct net_path p;
	struct rte_mbuf *m;
	uint8_t b[256];

	fix_init(&f, NULL);
	open_to(&p, PEER);
	m = fix_segment(US, PEER, 5);
	/* Move the packet to where its buffer starts. */
	memmove(m->buf_addr, rte_pktmbuf_mtod(m, void *), m->data_len);
	m->data_off = 0;
	m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM;
	CU_ASSERT(net_path_send(f.st, &p, m, NET_TX_DATA) == 0);
	CU_ASSERT_FATAL(f.n_out == 1);
	CU_ASSERT(f.out[0]->nb_segs == 2 && fix_flat(f.out[0], b, sizeof(b)) == 14 + 45 && b[14] == 0x45);
	CU_ASSERT(f.out[0]->l2_len == 14 && f.out[0]->l3_len == 20);
	CU_ASSERT((f.out[0]->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM);
	net_path_close(f.st, &p);
	fix_fini(&f);
}

/* ---- path MTU: scenario 130 and ageing ------------------------------------------- */

static void pmtu_plateau__table(void)
{
	static const struct { uint16_t len, mtu; } t[] = {
		{ 65535, 32000 }, { 32000, 17914 }, { 1500, 1492 }, { 1492, 1006 }, { 1006, 508 }, { 508, 296 },
		{ 296, 68 }, { 0, 68 },
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++)
		CU_ASSERT(pmtu_plateau(t[i].len) == t[i].mtu);
}

static void net_pmtu_update__lowers_only(void)
{
	static const struct { uint16_t said, want; unsigned calls; } t[] = {
		{ 1500, 1500, 0 }, { 9000, 1500, 0 }, { 1400, 1400, 1 }, { 1400, 1400, 1 }, { 1450, 1400, 1 },
		{ 1200, 1200, 2 }, { 68, 552, 3 }, { 0, 552, 3 },
	};
	const struct net_addr dst = net_addr_v4(FAR), other = net_addr_v4(IP(198, 51, 100, 10));
	struct net_addr src = { 0 };
	struct net_path p;

	fix_init(&f, NULL);
	CU_ASSERT_FATAL(net_path_open(f.st, &p, &src, &dst) == 0);
	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		net_pmtu_update(f.st, &dst, t[i].said);
		CU_ASSERT(net_path_mtu(f.st, &p, &dst) == t[i].want && f.n_pmtu == t[i].calls);
		CU_ASSERT(net_path_mtu(f.st, &p, &other) == 1500);
	}
	CU_ASSERT(f.pmtu == 552 && net_stats(f.st)->pmtu_updates == 3);
	fix_advance(&f, 599 * NET_S);
	CU_ASSERT(net_path_mtu(f.st, &p, &dst) == 552);
	fix_advance(&f, 2 * NET_S);
	CU_ASSERT(net_path_mtu(f.st, &p, &dst) == 1500);
	net_path_close(f.st, &p);
	fix_fini(&f);
}

static void mtu_500(struct net_config *conf, struct net_env *env) { conf->ifs[0].mtu = 500; }

static void net_pmtu_update__floor_is_not_above_the_interface(void)
{
	const struct net_addr dst = net_addr_v4(FAR);

	fix_init(&f, mtu_500);
	net_pmtu_update(f.st, &dst, 400);
	CU_ASSERT(f.n_pmtu == 0 && pmtu_lookup(f.st, &dst, 500) == 500);
	fix_fini(&f);
}

static void pmtu__cache_is_bounded(void)
{
	fix_init(&f, NULL);
	for (uint32_t i = 0; i < 20000; i++) {
		const struct net_addr dst = net_addr_v4(rte_cpu_to_be_32(0xc6330000 + i));

		net_pmtu_update(f.st, &dst, 1400);
		CU_ASSERT(pmtu_lookup(f.st, &dst, 1500) == 1400);
	}
	CU_ASSERT(f.n_pmtu == 20000);
	fix_fini(&f);
}

/* ---- owner and replicas -------------------------------------------------------------- */

static void on_ask(void *ctx, uint8_t ifx, const struct net_addr *addr, bool confirm)
{
	if (confirm)
		((struct fix *)ctx)->n_confirmed++;
	else
		((struct fix *)ctx)->n_asked++;
}

static void on_publish(void *ctx, const struct net_neigh_info *info)
{
	struct fix *x = ctx;

	CU_ASSERT_FATAL(x->n_published < RTE_DIM(x->published));
	x->published[x->n_published++] = *info;
}

static void on_pmtu(void *ctx, const struct net_addr *dst, uint16_t mtu) { ((struct fix *)ctx)->n_pmtu_published++; }

static bool on_arp(void *ctx, struct rte_mbuf *m)
{
	((struct fix *)ctx)->n_to_owner++;
	rte_pktmbuf_free(m);
	return true;
}

static void replica(struct net_config *conf, struct net_env *env)
{
	conf->neigh_owner = false;
	env->neigh_ask = on_ask;
	env->arp_to_owner = on_arp;
	env->pmtu_publish = on_pmtu;
}

static void owner(struct net_config *conf, struct net_env *env)
{
	env->neigh_publish = on_publish;
}

static void replica__asks_and_believes(void)
{
	struct net_neigh_info info = { .addr = net_addr_v4(PEER), .mac = fix_peer, .state = NEIGH_REACHABLE };
	struct net_addr src = { 0 };
	struct net_path p;

	fix_init(&f, replica);
	CU_ASSERT_FATAL(net_path_open(f.st, &p, &src, &info.addr) == 0);
	net_path_send(f.st, &p, fix_segment(US, PEER, 1), NET_TX_DATA);
	CU_ASSERT(f.n_asked == 1 && f.n_out == 0);
	fix_input(&f, fix_arp(2, &fix_peer, PEER, US, &fix_us));
	CU_ASSERT(f.n_to_owner == 1 && f.n_out == 0 && fix_drops(&f) == 0);
	fix_advance(&f, NET_S + 10);
	CU_ASSERT(f.n_asked == 2);
	net_neigh_apply(f.st, &info);
	CU_ASSERT(f.n_out == 1);
	fix_advance(&f, 100 * NET_S); /* ages belong to the owner */
	CU_ASSERT(neigh_at(f.st, p.neigh)->state == NEIGH_REACHABLE);
	info.confirmed_us = f.now_us;
	info.state = NEIGH_STALE;
	net_neigh_apply(f.st, &info);
	net_path_send(f.st, &p, fix_segment(US, PEER, 1), NET_TX_DATA);
	CU_ASSERT(f.n_asked == 3 && f.n_out == 2);
	fix_advance(&f, 2 * NET_S);
	for (unsigned i = 0; i < 5; i++)
		net_path_confirm(f.st, &p);
	CU_ASSERT(f.n_confirmed == 1);
	fix_advance(&f, 10 * NET_S); /* nothing heard: the next use asks again */
	net_path_send(f.st, &p, fix_segment(US, PEER, 1), NET_TX_DATA);
	CU_ASSERT(f.n_asked == 4 && f.n_out == 3);
	info.state = NEIGH_FAILED;
	net_neigh_apply(f.st, &info);
	CU_ASSERT(f.n_unreachable == 1);
	CU_ASSERT(net_path_send(f.st, &p, fix_segment(US, PEER, 1), NET_TX_DATA) == -EHOSTUNREACH);
	info.state = NEIGH_NONE;
	net_neigh_apply(f.st, &info);
	net_path_close(f.st, &p);
	CU_ASSERT(f.st->neigh.pool.used == 0);
	fix_fini(&f);
}

static void replica__owner_is_silent(void)
{
	const struct net_addr dst = net_addr_v4(PEER);
	struct net_addr src = { 0 };
	struct net_path p;

	fix_init(&f, replica);
	CU_ASSERT_FATAL(net_path_open(f.st, &p, &src, &dst) == 0);
	net_path_send(f.st, &p, fix_segment(US, PEER, 1), NET_TX_DATA);
	for (unsigned i = 0; i < 7; i++)
		fix_advance(&f, NET_S + 10);
	CU_ASSERT(f.n_asked == 6 && f.n_unreachable == 1 && fix_drop(&f, DROP_NEIGH_FAILED) == 1 && f.n_out == 0);
	net_path_close(f.st, &p);
	fix_fini(&f);
}

static void replica__learns_unasked_and_forgets(void)
{
	struct net_neigh_info info = { .addr = net_addr_v4(PEER), .mac = fix_peer, .state = NEIGH_REACHABLE };

	fix_init(&f, replica);
	net_neigh_apply(f.st, &info);
	CU_ASSERT(f.st->neigh.pool.used == 1 && f.st->neigh.unresolved == 0);
	info.state = NEIGH_NONE;
	net_neigh_apply(f.st, &info);
	CU_ASSERT(f.st->neigh.pool.used == 0);
	info.state = NEIGH_REACHABLE;
	info.ifx = 5;
	net_neigh_apply(f.st, &info);
	CU_ASSERT(f.st->neigh.pool.used == 0);
	fix_fini(&f);
}

static void owner__publishes_every_change(void)
{
	const struct net_addr peer = net_addr_v4(PEER);

	fix_init(&f, owner);
	net_neigh_asked(f.st, 0, &peer, false);
	CU_ASSERT(f.n_out == 1 && f.n_published == 0);
	net_neigh_asked(f.st, 0, &peer, false);
	CU_ASSERT(f.n_out == 1); /* under way */
	fix_input(&f, fix_arp(2, &fix_peer, PEER, US, &fix_us));
	CU_ASSERT(f.n_published == 1 && f.published[0].state == NEIGH_REACHABLE);
	CU_ASSERT(rte_is_same_ether_addr(&f.published[0].mac, &fix_peer));
	net_neigh_asked(f.st, 0, &peer, false); /* whoever missed it is told again */
	CU_ASSERT(f.n_published == 2);
	fix_advance(&f, 46 * NET_S);
	CU_ASSERT(f.n_published == 3 && f.published[2].state == NEIGH_STALE);
	net_neigh_asked(f.st, 0, &peer, true);
	CU_ASSERT(f.n_published == 4 && f.published[3].state == NEIGH_REACHABLE);
	fix_advance(&f, 2 * NET_S);
	fix_input(&f, fix_arp(1, &fix_other, PEER, PEER, &fix_all));
	CU_ASSERT(f.n_published == 5 && rte_is_same_ether_addr(&f.published[4].mac, &fix_other));
	fix_fini(&f);
}

static void owner__publishes_failure(void)
{
	const struct net_addr peer = net_addr_v4(PEER);

	fix_init(&f, owner);
	net_neigh_asked(f.st, 0, &peer, false);
	for (unsigned i = 0; i < 3; i++)
		fix_advance(&f, NET_S + 10);
	CU_ASSERT(f.n_published == 1 && f.published[0].state == NEIGH_FAILED);
	for (unsigned i = 0; i < 6; i++)
		fix_advance(&f, NET_S);
	CU_ASSERT(f.st->neigh.pool.used == 0);
	fix_fini(&f);
}

static void pmtu__published_once_applied_silently(void)
{
	const struct net_addr dst = net_addr_v4(FAR);

	fix_init(&f, replica);
	net_pmtu_update(f.st, &dst, 1400);
	CU_ASSERT(f.n_pmtu_published == 1 && f.n_pmtu == 1);
	net_pmtu_apply(f.st, &dst, 1300);
	CU_ASSERT(f.n_pmtu_published == 1 && f.n_pmtu == 2 && f.pmtu == 1300);
	fix_fini(&f);
}

/* ---- addresses and creation ------------------------------------------------------------ */

static void net_addr_str__forms(void)
{
	char b[NET_ADDR_STRLEN];
	const struct net_addr v4 = net_addr_v4(IP(255, 255, 255, 255)), none = { 0 };
	struct net_addr v6 = { .family = NET_IPV6 };

	memset(v6.b, 0xfe, 16);
	CU_ASSERT_STRING_EQUAL(net_addr_str(&v4, b), "255.255.255.255");
	CU_ASSERT_STRING_EQUAL(net_addr_str(&none, b), "*");
	CU_ASSERT_STRING_EQUAL(net_endpoint_str(&v4, RTE_BE16(65535), b), "255.255.255.255:65535");
	CU_ASSERT_STRING_EQUAL(net_endpoint_str(&v6, RTE_BE16(1), b), "[fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe]:1");
}

static void net_drop_names__complete_and_distinct(void)
{
	for (unsigned i = 0; i < NET_DROP_MAX; i++) {
		CU_ASSERT_FATAL(net_drop_names[i] != NULL);
		for (unsigned k = 0; k < i; k++)
			CU_ASSERT(strcmp(net_drop_names[i], net_drop_names[k]) != 0);
	}
}

static void net_stack_create__refuses(void)
{
	struct net_env env = { 0 };

	fix_init(&f, NULL);
	for (unsigned i = 0; i < 6; i++) {
		struct net_config c = f.conf;
		struct net_stack *st;

		env = *net_environment(f.st);
		if (i == 0)
			c.n_ifs = NET_MAX_IFS + 1;
		if (i == 1)
			c.ifs[1].ifx = 7;
		if (i == 2)
			c.routes[0].ifx = 9;
		if (i == 3)
			c.hdr_pool = NULL;
		if (i == 4)
			c.ifs[0].addrs[0].addr.family = NET_IPV6;
		if (i == 5)
			c.neigh_queue = 200;
		CU_ASSERT(net_stack_create(&st, &c, &env, &f.wheel, 0) == -EINVAL);
	}
	fix_fini(&f);
}

static const struct test_case cases[] = {
	TEST_CASE(net_path_open__table),
	TEST_CASE(net_path_open__no_route),
	TEST_CASE(ip_output__no_route),
	TEST_CASE(net_path_send__tagged),
	TEST_CASE(net_path_send__above_mtu),
	TEST_CASE(net_path_send__without_headroom),
	TEST_CASE(pmtu_plateau__table),
	TEST_CASE(net_pmtu_update__lowers_only),
	TEST_CASE(net_pmtu_update__floor_is_not_above_the_interface),
	TEST_CASE(pmtu__cache_is_bounded),
	TEST_CASE(replica__asks_and_believes),
	TEST_CASE(replica__owner_is_silent),
	TEST_CASE(replica__learns_unasked_and_forgets),
	TEST_CASE(owner__publishes_every_change),
	TEST_CASE(owner__publishes_failure),
	TEST_CASE(pmtu__published_once_applied_silently),
	TEST_CASE(net_addr_str__forms),
	TEST_CASE(net_drop_names__complete_and_distinct),
	TEST_CASE(net_stack_create__refuses),
};
TEST_MAIN("net_path", cases)
