/* SPDX-License-Identifier: BSD-3-Clause */
/* Ethernet and IPv4 in: one row a frame, what is expected of it beside it. */
#include "tests/unit/net/fixture.h"

static struct fix f;
static const uint8_t tcp_like[40] = { 0x9c, 0x40, 0, 80, [12] = 0x50 };

#define ACCEPT NET_DROP_MAX

struct ip_case {
	const char *what;
	struct fix_ip h;
	enum net_drop why;
};

static const struct ip_case ip_cases[] = {
	{ "plain", { 0 }, ACCEPT },
	{ "padding is no payload", { .pad = 6 }, ACCEPT },
	{ "VLAN", { .vlan = 100, .dst = US_VLAN, .src = IP(10, 1, 0, 2) }, ACCEPT },
	{ "any address of ours", { .dst = US_VLAN }, ACCEPT },
	{ "unknown VLAN", { .vlan = 101 }, DROP_VLAN_UNKNOWN },
	{ "another station's", { .mac_dst = &fix_other }, DROP_ETH_NOT_OURS },
	{ "link broadcast of a unicast", { .mac_dst = &fix_all }, DROP_IP_DST },
	{ "headers straddle segments", { .split = 9 }, ACCEPT },
	{ "one octet a segment, VLAN", { .split = 1, .vlan = 100, .dst = US_VLAN }, ACCEPT },
	{ "options straddle segments", { .split = 33, .opt = { 7, 7, 4 }, .opt_len = 8 }, ACCEPT },
	{ "version 3", { .version = 3 }, DROP_IP_VERSION },
	{ "version 6", { .version = 6 }, DROP_IP_VERSION },
	{ "version 15", { .version = 15 }, DROP_IP_VERSION },
	{ "IHL 0", { .ihl = 1 }, DROP_IP_IHL },
	{ "IHL 4", { .ihl = 5 }, DROP_IP_IHL },
	{ "total length 0", { .total = 1 }, DROP_IP_LENGTH },
	{ "total length 19", { .total = 20 }, DROP_IP_LENGTH },
	{ "total length 1 above the frame", { .total = 62 }, DROP_IP_LENGTH },
	{ "total length 65535", { .total = 65536 }, DROP_IP_LENGTH },
	{ "checksum", { .bad_cksum = true }, DROP_IP_CKSUM },
	{ "TTL 0", { .ttl = 1 }, DROP_IP_TTL },
	{ "TTL 1", { .ttl = 2 }, ACCEPT },
	{ "source 0.0.0.9", { .src = IP(0, 0, 0, 9) }, DROP_IP_SRC },
	{ "source loopback", { .src = IP(127, 0, 0, 1) }, DROP_IP_SRC },
	{ "source multicast", { .src = IP(224, 0, 0, 1) }, DROP_IP_SRC },
	{ "source class E", { .src = IP(240, 0, 0, 1) }, DROP_IP_SRC },
	{ "source limited broadcast", { .src = IP(255, 255, 255, 255) }, DROP_IP_SRC },
	{ "source directed broadcast", { .src = IP(10, 0, 0, 255) }, DROP_IP_SRC },
	{ "source is us", { .src = US }, DROP_IP_SRC },
	{ "source is us elsewhere", { .src = US_VLAN }, DROP_IP_SRC },
	{ "for another host", { .dst = IP(10, 0, 0, 3) }, DROP_IP_DST },
	{ "directed broadcast", { .dst = IP(10, 0, 0, 255) }, DROP_IP_DST },
	{ "limited broadcast", { .dst = IP(255, 255, 255, 255) }, DROP_IP_DST },
	{ "multicast", { .dst = IP(224, 0, 0, 1) }, DROP_IP_DST },
	{ "options NOP, timestamp", { .opt = { 1, 68, 7, 5, 0, 0, 0, 0 }, .opt_len = 8 }, ACCEPT },
	{ "option end, then anything", { .opt = { 0, 131, 0, 0 }, .opt_len = 4 }, ACCEPT },
	{ "option length 0", { .opt = { 7, 0, 0, 0 }, .opt_len = 4 }, DROP_IP_OPTION },
	{ "option length 1", { .opt = { 7, 1, 0, 0 }, .opt_len = 4 }, DROP_IP_OPTION },
	{ "option overruns", { .opt = { 7, 5, 0, 0 }, .opt_len = 4 }, DROP_IP_OPTION },
	{ "option without length", { .opt = { 1, 1, 1, 7 }, .opt_len = 4 }, DROP_IP_OPTION },
	{ "loose source route", { .opt = { 131, 7, 4, 1, 2, 3, 4, 0 }, .opt_len = 8 }, DROP_IP_SOURCE_ROUTE },
	{ "strict source route", { .opt = { 1, 137, 7, 4, 1, 2, 3, 4 }, .opt_len = 8 }, DROP_IP_SOURCE_ROUTE },
	{ "unknown protocol", { .proto = 99 }, DROP_IP_PROTO },
	{ "UDP", { .proto = IPPROTO_UDP }, DROP_UDP_NO_PORT },
};

static void check_accepted(const struct ip_case *c)
{
	const struct net_meta *meta = net_mbuf_meta(f.in[0]);
	struct rte_mbuf *m = f.in[0];

	CU_ASSERT(meta->ifx == (c->h.vlan != 0) && meta->vlan == c->h.vlan);
	CU_ASSERT(meta->l3_off == 14 + (c->h.vlan != 0 ? 4 : 0));
	CU_ASSERT(meta->l4_off == meta->l3_off + 20 + c->h.opt_len);
	CU_ASSERT(meta->l4_len == sizeof(tcp_like));
	CU_ASSERT(m->pkt_len == meta->l4_off + sizeof(tcp_like) && m->data_len == m->pkt_len);
	CU_ASSERT(memcmp(rte_pktmbuf_mtod_offset(m, void *, meta->l4_off), tcp_like, sizeof(tcp_like)) == 0);
	CU_ASSERT(meta->ttl == (c->h.ttl != 0 ? c->h.ttl - 1 : 64));
	CU_ASSERT((meta->flags & NET_META_CKSUM_OK) == 0 && meta->gso_size == 0 && meta->hash == 0);
}

static void ip_input__table(void)
{
	for (unsigned i = 0; i < RTE_DIM(ip_cases); i++) {
		const struct ip_case *c = &ip_cases[i];
		bool ok;

		fix_init(&f, NULL);
		fix_input(&f, fix_ip(&c->h, tcp_like, sizeof(tcp_like)));
		ok = f.n_in == (c->why == ACCEPT) && fix_drops(&f) == (c->why != ACCEPT) &&
		     (c->why == ACCEPT || fix_drop(&f, c->why) == 1);
		if (!ok)
			fprintf(stderr, "case: %s\n", c->what);
		CU_ASSERT(ok);
		if (c->why == ACCEPT && f.n_in == 1)
			check_accepted(c);
		fix_fini(&f);
	}
}

/* Every IHL against every frame length: never beyond the frame. */
static void ip_input__ihl_against_short_frames(void)
{
	for (unsigned ihl = 0; ihl < 16; ihl++) {
		for (unsigned len = 0; len <= 80; len += 3) {
			uint8_t frame[96] = { 0 };

			memcpy(frame, &fix_us, 6);
			frame[12] = 8;
			frame[14] = 0x40 | ihl;
			frame[17] = len;
			fix_init(&f, NULL);
			fix_input(&f, fix_raw(frame, len, 0));
			CU_ASSERT(f.n_in == 0 && fix_drops(&f) == 1);
			CU_ASSERT(fix_drop(&f, DROP_ETH_SHORT) == (len < 14));
			CU_ASSERT(fix_drop(&f, DROP_IP_SHORT) == (len >= 14 && len < 34));
			if (len >= 34)
				CU_ASSERT(fix_drop(&f, DROP_IP_IHL) == (ihl < 5 || len < 14 + ihl * 4));
			fix_fini(&f);
		}
	}
}

struct eth_case {
	const char *what;
	uint8_t types[8];
	unsigned len;
	bool stripped;
	enum net_drop why;
};

static void eth_input__table(void)
{
	static const struct eth_case t[] = {
		{ "IPv6", { 0x86, 0xdd }, 60, false, DROP_IP6 },
		{ "LLDP", { 0x88, 0xcc }, 60, false, DROP_ETH_TYPE },
		{ "802.3 length", { 0, 46 }, 60, false, DROP_ETH_TYPE },
		{ "tag cut off", { 0x81, 0 }, 16, false, DROP_ETH_SHORT },
		{ "tag in tag", { 0x81, 0, 0, 100, 0x81, 0 }, 60, false, DROP_VLAN_NESTED },
		{ "service tag in tag", { 0x81, 0, 0, 100, 0x88, 0xa8 }, 60, false, DROP_VLAN_NESTED },
		{ "service tag", { 0x88, 0xa8, 0, 100, 8, 0 }, 60, false, DROP_VLAN_NESTED },
		{ "tag beside one taken off", { 0x81, 0, 0, 100, 8, 0 }, 60, true, DROP_VLAN_NESTED },
		{ "tag taken off, unknown", { 8, 0 }, 60, true, DROP_VLAN_UNKNOWN },
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		uint8_t frame[64] = { 0 };
		struct rte_mbuf *m;

		fix_init(&f, NULL);
		memcpy(frame, &fix_us, 6);
		memcpy(frame + 12, t[i].types, sizeof(t[i].types));
		m = fix_raw(frame, t[i].len, 0);
		if (t[i].stripped) {
			m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
			m->vlan_tci = 55;
		}
		fix_input(&f, m);
		if (fix_drop(&f, t[i].why) != 1)
			fprintf(stderr, "case: %s\n", t[i].what);
		CU_ASSERT(fix_drop(&f, t[i].why) == 1 && fix_drops(&f) == 1);
		fix_fini(&f);
	}
}

static void eth_input__stripped_tag_chooses_interface(void)
{
	struct rte_mbuf *m;

	fix_init(&f, NULL);
	m = fix_ip(&(struct fix_ip){ .dst = US_VLAN }, tcp_like, sizeof(tcp_like));
	m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	m->vlan_tci = 0x6000 | 100; /* priority bits do not count */
	fix_input(&f, m);
	CU_ASSERT_FATAL(f.n_in == 1);
	CU_ASSERT(net_mbuf_meta(f.in[0])->ifx == 1 && net_mbuf_meta(f.in[0])->vlan == 100);
	CU_ASSERT(net_mbuf_meta(f.in[0])->l3_off == 14);
	fix_fini(&f);
}

static void rx_cksum(struct net_config *conf, struct net_env *env)
{
	conf->ifs[0].offloads = NET_RX_CKSUM;
}

static void ip_input__believes_the_port_only_when_told_to(void)
{
	static const struct { uint64_t flags; bool bad, rx, ok; uint8_t meta; } t[] = {
		{ RTE_MBUF_F_RX_IP_CKSUM_GOOD, true, true, true, 0 },
		{ RTE_MBUF_F_RX_IP_CKSUM_GOOD, true, false, false, 0 },
		{ RTE_MBUF_F_RX_IP_CKSUM_BAD, false, true, false, 0 },
		{ RTE_MBUF_F_RX_L4_CKSUM_GOOD, false, true, true, NET_META_CKSUM_OK },
		{ RTE_MBUF_F_RX_L4_CKSUM_NONE, false, true, true, NET_META_CKSUM_OK },
		{ RTE_MBUF_F_RX_L4_CKSUM_BAD, false, true, true, 0 },
		{ RTE_MBUF_F_RX_L4_CKSUM_GOOD, false, false, true, 0 },
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		const struct fix_ip h = { .bad_cksum = t[i].bad };
		struct rte_mbuf *m;

		fix_init(&f, t[i].rx ? rx_cksum : NULL);
		m = fix_ip(&h, tcp_like, sizeof(tcp_like));
		m->ol_flags |= t[i].flags;
		fix_input(&f, m);
		CU_ASSERT(f.n_in == t[i].ok && fix_drop(&f, DROP_IP_CKSUM) == !t[i].ok);
		if (f.n_in == 1)
			CU_ASSERT((net_mbuf_meta(f.in[0])->flags & NET_META_CKSUM_OK) == t[i].meta);
		fix_fini(&f);
	}
}

static void eth_input__notes_hash_and_unit(void)
{
	struct rte_mbuf *m;

	fix_init(&f, NULL);
	m = fix_ip(&(struct fix_ip){ .tos = 0x12 }, tcp_like, sizeof(tcp_like));
	m->ol_flags |= RTE_MBUF_F_RX_RSS_HASH | RTE_MBUF_F_RX_LRO;
	m->hash.rss = 0xabcd1234;
	m->tso_segsz = 1448;
	fix_input(&f, m);
	CU_ASSERT_FATAL(f.n_in == 1);
	CU_ASSERT(net_mbuf_meta(f.in[0])->hash == 0xabcd1234 && net_mbuf_meta(f.in[0])->gso_size == 1448);
	CU_ASSERT(net_mbuf_meta(f.in[0])->tos == 0x12);
	fix_fini(&f);
}

static void net_input__groups_a_burst_in_order(void)
{
	struct rte_mbuf *burst[100];
	uint8_t l4[40] = { 0 };

	fix_init(&f, NULL);
	for (unsigned i = 0; i < RTE_DIM(burst); i++) {
		const struct fix_ip h = { .proto = i == 50 ? 99 : IPPROTO_TCP };

		l4[0] = i;
		burst[i] = fix_ip(&h, l4, sizeof(l4));
	}
	net_input(f.st, FIX_PORT, burst, RTE_DIM(burst));
	CU_ASSERT(f.n_in == 99 && f.n_groups == 2 && fix_drop(&f, DROP_IP_PROTO) == 1);
	for (unsigned i = 0; i < f.n_in; i++)
		CU_ASSERT(*rte_pktmbuf_mtod_offset(f.in[i], uint8_t *, 34) == (i < 50 ? i : i + 1));
	CU_ASSERT(net_stats(f.st)->rx_packets == 100 && net_stats(f.st)->rx_tcp == 99);
	fix_fini(&f);
}

static void source_route_ok(struct net_config *conf, struct net_env *env)
{
	conf->accept_source_route = true;
}

static void ip_input__source_route_tolerated_when_configured(void)
{
	const struct fix_ip h = { .opt = { 131, 7, 4, 1, 2, 3, 4, 0 }, .opt_len = 8 };

	fix_init(&f, source_route_ok);
	fix_input(&f, fix_ip(&h, tcp_like, sizeof(tcp_like)));
	CU_ASSERT(f.n_in == 1 && fix_drops(&f) == 0);
	fix_fini(&f);
}

static void net_input__pool_dry(void)
{
	static struct rte_mbuf *hold[4096];
	struct rte_mbuf *m;
	unsigned n = 0;

	fix_init(&f, NULL);
	m = fix_ip(&(struct fix_ip){ .split = 9 }, tcp_like, sizeof(tcp_like));
	while ((hold[n] = rte_pktmbuf_alloc(fix_hdr_pool)) != NULL)
		n++;
	fix_input(&f, m);
	CU_ASSERT(f.n_in == 0 && fix_drop(&f, DROP_TX_NO_MBUF) == 1);
	rte_pktmbuf_free_bulk(hold, n);
	fix_fini(&f);
}

static void net_chain_trim__whole_segments(void)
{
	uint8_t data[100], flat[100];

	fix_init(&f, NULL);
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = i;
	for (unsigned split = 1; split <= 100; split += 7) {
		for (unsigned len = 1; len <= 100; len++) {
			struct rte_mbuf *m = fix_raw(data, sizeof(data), split);

			net_chain_trim(m, len);
			CU_ASSERT(fix_flat(m, flat, sizeof(flat)) == len && memcmp(flat, data, len) == 0);
			CU_ASSERT(rte_mbuf_check(m, 1, &(const char *){ NULL }) == 0);
			rte_pktmbuf_free(m);
		}
	}
	fix_fini(&f);
}

static void net_pull_up__every_split(void)
{
	uint8_t data[300], flat[300];

	fix_init(&f, NULL);
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = i * 3;
	for (unsigned split = 1; split < 300; split += 5) {
		for (unsigned len = 1; len <= 310; len += 11) {
			struct rte_mbuf *m = net_pull_up(f.st, fix_raw(data, sizeof(data), split), len);

			CU_ASSERT(m->data_len == RTE_MIN(len, 300u));
			CU_ASSERT(fix_flat(m, flat, sizeof(flat)) == 300 && memcmp(flat, data, 300) == 0);
			CU_ASSERT(rte_mbuf_check(m, 1, &(const char *){ NULL }) == 0);
			rte_pktmbuf_free(m);
		}
	}
	fix_fini(&f);
}

static const struct test_case cases[] = {
	TEST_CASE(ip_input__table),
	TEST_CASE(ip_input__ihl_against_short_frames),
	TEST_CASE(eth_input__table),
	TEST_CASE(eth_input__stripped_tag_chooses_interface),
	TEST_CASE(ip_input__believes_the_port_only_when_told_to),
	TEST_CASE(eth_input__notes_hash_and_unit),
	TEST_CASE(net_input__groups_a_burst_in_order),
	TEST_CASE(ip_input__source_route_tolerated_when_configured),
	TEST_CASE(net_input__pool_dry),
	TEST_CASE(net_chain_trim__whole_segments),
	TEST_CASE(net_pull_up__every_split),
};
TEST_MAIN("net_ip", cases)
