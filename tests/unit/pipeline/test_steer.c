/* SPDX-License-Identifier: BSD-3-Clause */
/* The steering table: every flow on one worker, whoever looks. */
#include "app/smcgate/pipeline/steer.h"
#include "tests/unit/pipeline/frame.h"
#include "tests/unit/test.h"

#define LOCAL RTE_IPV4(10, 0, 0, 1)
#define REMOTE RTE_IPV4(10, 0, 0, 2)

static uint64_t seed = 7;

static void seeded(void *ctx, void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)test_random(&seed);
}

static struct steering table(unsigned workers, unsigned period)
{
	struct steering st;
	uint8_t key[TOEPLITZ_KEY_LEN];

	steering_random_key(key, seeded, NULL);
	steering_init(&st, key, workers, period);
	return st;
}

static struct net_flow flow(uint16_t lport, uint16_t rport)
{
	struct net_addr l = net_addr_v4(rte_cpu_to_be_32(LOCAL)), r = net_addr_v4(rte_cpu_to_be_32(REMOTE));
	struct net_flow f = { .lport = rte_cpu_to_be_16(lport),
			      .rport = rte_cpu_to_be_16(rport),
			      .family = NET_IPV4 };

	memcpy(f.laddr, l.b, 16);
	memcpy(f.raddr, r.b, 16);
	return f;
}

static struct rte_mempool *pool(void)
{
	static struct rte_mempool *mp;

	test_eal_init();
	if (mp == NULL)
		mp = frame_pool("steer", 63);
	return mp;
}

static void steering_init__spreads_evenly(void)
{
	static const struct {
		unsigned workers, period;
	} cases[] = { { 1, 512 }, { 2, 512 }, { 3, 512 }, { 4, 128 }, { 4, 512 }, { 7, 64 } };

	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		struct steering st = table(cases[i].workers, cases[i].period);
		unsigned n[8] = { 0 };

		for (unsigned e = 0; e < STEER_TABLE; e++) {
			n[st.worker[e]]++;
			CU_ASSERT_EQUAL(st.worker[e], st.worker[e % cases[i].period]);
		}
		for (unsigned w = 0; w < cases[i].workers; w++)
			CU_ASSERT(n[w] >= STEER_TABLE / cases[i].workers / 2);
	}
}

static void steering_random_key__neighbouring_ports_reach_all(void)
{
	for (unsigned round = 0; round < 20; round++) {
		struct steering st = table(8, 512);
		unsigned clients = 0, ours = 0;

		/* even ports only, as Linux chooses them for connect() */
		for (unsigned p = 0; p < 32; p += 2) {
			struct net_flow in = flow(80, (uint16_t)(40000 + p)),
					out = flow((uint16_t)(40000 + p), 80);

			clients |= 1U << steering_flow(&st, &in);
			ours |= 1U << steering_flow(&st, &out);
		}
		CU_ASSERT_EQUAL(clients, 0xff);
		CU_ASSERT_EQUAL(ours, 0xff);
	}
}

static void steering_key_spreads__refuses_bad_keys(void)
{
	uint8_t zero[TOEPLITZ_KEY_LEN] = { 0 }, ones[TOEPLITZ_KEY_LEN];

	memset(ones, 0xff, sizeof(ones));
	CU_ASSERT_FALSE(steering_key_spreads(zero));
	CU_ASSERT_FALSE(steering_key_spreads(ones)); /* all windows alike */
}

/* What arrives is judged as what the stack would ask about the same flow. */
static void steering_hash__agrees_with_flow(void)
{
	struct steering st = table(4, 512);

	for (unsigned i = 0; i < 200; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool());
		uint16_t rport = (uint16_t)test_random(&seed), lport = (uint16_t)test_random(&seed);
		struct net_flow f = flow(lport, rport);
		uint32_t hash = 0;

		frame_tcp(m, i % 2 == 0 ? 0 : 42, REMOTE, rport, LOCAL, lport);
		CU_ASSERT_TRUE(steering_hash(&st, m, false, &hash));
		CU_ASSERT_EQUAL(steering_worker(&st, hash), steering_flow(&st, &f));
		rte_pktmbuf_free(m);
	}
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(pool()), 0);
}

static void steering_hash__trusts_only_our_device(void)
{
	struct steering st = table(4, 512);
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool());
	uint32_t soft, hash;

	frame_tcp(m, 0, REMOTE, 1000, LOCAL, 80);
	CU_ASSERT_TRUE(steering_hash(&st, m, false, &soft));
	m->hash.rss = soft ^ 0x55;
	CU_ASSERT_TRUE(steering_hash(&st, m, true, &hash)); /* no flag: not computed */
	CU_ASSERT_EQUAL(hash, soft);
	m->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
	CU_ASSERT_TRUE(steering_hash(&st, m, true, &hash));
	CU_ASSERT_EQUAL(hash, soft ^ 0x55);
	CU_ASSERT_TRUE(steering_hash(&st, m, false, &hash));
	CU_ASSERT_EQUAL(hash, soft);
	rte_pktmbuf_free(m);
}

enum damage { UDP, ICMP, FRAGMENT, LAST_FRAGMENT, IHL, VERSION, NO_PORTS, NO_IP, ARP, DAMAGES };

static void hurt(struct rte_mbuf *m, enum damage what)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(eth + 1);

	switch (what) {
	case UDP: ip->next_proto_id = IPPROTO_UDP; break;
	case ICMP: ip->next_proto_id = IPPROTO_ICMP; break;
	case FRAGMENT: ip->fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG); break;
	case LAST_FRAGMENT: ip->fragment_offset = rte_cpu_to_be_16(185); break;
	case IHL: ip->version_ihl = 0x44; break;
	case VERSION: ip->version_ihl = 0x65; break;
	case NO_PORTS: rte_pktmbuf_trim(m, sizeof(struct rte_tcp_hdr) - 3); break;
	case NO_IP: rte_pktmbuf_trim(m, m->pkt_len - 20); break;
	case ARP: eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP); break;
	default: break;
	}
}

static void steering_hash__leaves_the_rest_to_the_receiver(void)
{
	struct steering st = table(4, 512);

	for (unsigned d = 0; d < DAMAGES; d++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool());
		uint32_t hash;

		frame_tcp(m, 0, REMOTE, 1000, LOCAL, 80);
		CU_ASSERT_TRUE(steering_hash(&st, m, false, &hash));
		hurt(m, d);
		CU_ASSERT_FALSE(steering_hash(&st, m, false, &hash));
		rte_pktmbuf_free(m);
	}
}

static void steering_roce__goes_by_queue_pair(void)
{
	static const struct {
		uint32_t qpn;
		unsigned worker;
	} table_[] = { { 1, 0 }, { 0x1ffff, 0 }, { 0x20000, 1 }, { 3U << 17 | 5, 3 }, { 0xffffff, 127 } };

	for (size_t i = 0; i < RTE_DIM(table_); i++) {
		for (unsigned vlan = 0; vlan < 2; vlan++) {
			struct rte_mbuf *m = rte_pktmbuf_alloc(pool());
			unsigned worker = 99;

			frame_roce(m, (uint16_t)(vlan * 42), REMOTE, LOCAL, table_[i].qpn);
			CU_ASSERT_TRUE(steering_roce(m, &worker));
			CU_ASSERT_EQUAL(worker, table_[i].worker);
			rte_pktmbuf_free(m);
		}
	}
}

static void steering_roce__leaves_the_rest_to_the_receiver(void)
{
	for (unsigned d = 0; d < 6; d++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool());
		struct rte_ipv4_hdr *ip;
		unsigned worker;

		frame_roce(m, 0, REMOTE, LOCAL, 0x20000);
		ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 14);
		CU_ASSERT_TRUE(steering_roce(m, &worker));
		switch (d) {
		case 0: ip->fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG); break;
		case 1: ip->fragment_offset = rte_cpu_to_be_16(185); break;
		case 2: ip->next_proto_id = IPPROTO_TCP; break;
		case 3: ((struct rte_udp_hdr *)(ip + 1))->dst_port = rte_cpu_to_be_16(4790); break;
		case 4: rte_pktmbuf_trim(m, 5); break; /* an octet short of the header */
		case 5: ip->version_ihl = 0x46; rte_pktmbuf_trim(m, 4); break;
		}
		CU_ASSERT_FALSE(steering_roce(m, &worker));
		rte_pktmbuf_free(m);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(steering_init__spreads_evenly),
	TEST_CASE(steering_random_key__neighbouring_ports_reach_all),
	TEST_CASE(steering_key_spreads__refuses_bad_keys),
	TEST_CASE(steering_hash__agrees_with_flow),
	TEST_CASE(steering_hash__trusts_only_our_device),
	TEST_CASE(steering_hash__leaves_the_rest_to_the_receiver),
	TEST_CASE(steering_roce__goes_by_queue_pair),
	TEST_CASE(steering_roce__leaves_the_rest_to_the_receiver),
};
TEST_MAIN("pipeline_steer", cases)
