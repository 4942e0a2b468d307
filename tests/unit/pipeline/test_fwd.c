/* SPDX-License-Identifier: BSD-3-Clause */
/* What the forwarding modes do to frames. */
#include <netinet/ip_icmp.h>

#include "app/smcgate/pipeline/fwd.h"
#include "tests/unit/pipeline/frame.h"
#include "tests/unit/test.h"

static const struct rte_ether_addr ours = { { 0x02, 1, 2, 3, 4, 5 } };
static const struct rte_ether_addr dst = { { 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa } };
static const struct rte_ether_addr src = { { 0xbc, 0xbc, 0xbc, 0xbc, 0xbc, 0xbc } };

static struct rte_mbuf *frame(void)
{
	static struct rte_mempool *mp;

	test_eal_init();
	if (mp == NULL)
		mp = frame_pool("fwd", 63);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(mp), 0);
	return rte_pktmbuf_alloc(mp);
}

static struct rte_ether_hdr *eth_of(struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
}

static void fwd_peer__pairs_as_testpmd(void)
{
	static const struct {
		unsigned port, n, peer;
	} cases[] = { { 0, 1, 0 }, { 0, 2, 1 }, { 1, 2, 0 }, { 2, 3, 2 }, { 2, 4, 3 }, { 3, 4, 2 } };

	for (size_t i = 0; i < RTE_DIM(cases); i++)
		CU_ASSERT_EQUAL(fwd_peer(cases[i].port, cases[i].n), cases[i].peer);
}

static void fwd_swap_addresses__swaps(void)
{
	struct rte_mbuf *m = frame();

	frame_ip(m, 0, IPPROTO_UDP, 1, 2, 8);
	CU_ASSERT_TRUE(fwd_swap_addresses(m));
	CU_ASSERT_TRUE(rte_is_same_ether_addr(&eth_of(m)->dst_addr, &src));
	CU_ASSERT_TRUE(rte_is_same_ether_addr(&eth_of(m)->src_addr, &dst));
	rte_pktmbuf_free(m);
}

static void fwd_set_addresses__sets(void)
{
	struct rte_mbuf *m = frame();
	struct rte_ether_addr station = fwd_station(3);

	frame_ip(m, 0, IPPROTO_UDP, 1, 2, 8);
	CU_ASSERT_TRUE(fwd_set_addresses(m, &station, &ours));
	CU_ASSERT_EQUAL(eth_of(m)->dst_addr.addr_bytes[5], 3);
	CU_ASSERT_TRUE(rte_is_same_ether_addr(&eth_of(m)->src_addr, &ours));
	rte_pktmbuf_free(m);
}

static void fwd__refuses_short_frames(void)
{
	struct rte_mbuf *m = frame();

	rte_pktmbuf_append(m, 13);
	CU_ASSERT_FALSE(fwd_swap_addresses(m));
	CU_ASSERT_FALSE(fwd_set_addresses(m, &dst, &src));
	CU_ASSERT_FALSE(fwd_make_reply(m, &ours));
	rte_pktmbuf_free(m);
}

static struct rte_mbuf *echo_request(uint16_t vlan, uint16_t len, uint8_t fill)
{
	struct rte_mbuf *m = frame();
	struct rte_icmp_hdr *icmp =
		frame_ip(m, vlan, IPPROTO_ICMP, RTE_IPV4(10, 0, 0, 1), RTE_IPV4(10, 0, 0, 2), len);

	memset(icmp + 1, fill, len - sizeof(*icmp));
	icmp->icmp_type = ICMP_ECHO;
	icmp->icmp_cksum = (uint16_t)~rte_raw_cksum(icmp, len);
	return m;
}

static void fwd_make_reply__answers_echo(void)
{
	for (unsigned fill = 0; fill < 256; fill++) {
		uint16_t vlan = fill % 2 != 0 ? 9 : 0;
		struct rte_mbuf *m = echo_request(vlan, 64, (uint8_t)fill);
		struct rte_ipv4_hdr *ip =
			rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, vlan != 0 ? 18 : 14);
		struct rte_icmp_hdr *icmp = (struct rte_icmp_hdr *)(ip + 1);

		CU_ASSERT_TRUE(fwd_make_reply(m, &ours));
		CU_ASSERT_EQUAL(icmp->icmp_type, ICMP_ECHOREPLY);
		CU_ASSERT_EQUAL(rte_raw_cksum(icmp, 64), 0xffff);
		CU_ASSERT_EQUAL(rte_raw_cksum(ip, sizeof(*ip)), 0xffff);
		CU_ASSERT_EQUAL(ip->src_addr, rte_cpu_to_be_32(RTE_IPV4(10, 0, 0, 2)));
		CU_ASSERT_TRUE(rte_is_same_ether_addr(&eth_of(m)->dst_addr, &src));
		CU_ASSERT_TRUE(rte_is_same_ether_addr(&eth_of(m)->src_addr, &ours));
		rte_pktmbuf_free(m);
	}
}

static void fwd_make_reply__only_whole_echo_requests(void)
{
	struct rte_mbuf *m = echo_request(0, 64, 1);
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 14);
	struct rte_icmp_hdr *icmp = (struct rte_icmp_hdr *)(ip + 1);

	ip->fragment_offset = rte_cpu_to_be_16(3);
	CU_ASSERT_FALSE(fwd_make_reply(m, &ours));
	ip->fragment_offset = 0;
	icmp->icmp_type = ICMP_ECHOREPLY;
	CU_ASSERT_FALSE(fwd_make_reply(m, &ours));
	icmp->icmp_type = ICMP_ECHO;
	ip->version_ihl = 0x4f; /* options beyond the frame */
	rte_pktmbuf_trim(m, 60);
	CU_ASSERT_FALSE(fwd_make_reply(m, &ours));
	rte_pktmbuf_free(m);
}

static void fwd_make_reply__answers_arp(void)
{
	struct rte_mbuf *m = frame();
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)rte_pktmbuf_append(m, 42);
	struct rte_arp_hdr *arp = (struct rte_arp_hdr *)(eth + 1);

	memset(eth, 0, 42);
	eth->src_addr = src;
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP);
	arp->arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER);
	arp->arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	arp->arp_opcode = rte_cpu_to_be_16(RTE_ARP_OP_REQUEST);
	arp->arp_data.arp_sha = src;
	arp->arp_data.arp_sip = 1;
	arp->arp_data.arp_tip = 2;
	CU_ASSERT_TRUE(fwd_make_reply(m, &ours));
	CU_ASSERT_EQUAL(arp->arp_opcode, rte_cpu_to_be_16(RTE_ARP_OP_REPLY));
	CU_ASSERT_EQUAL(arp->arp_data.arp_sip, 2);
	CU_ASSERT_EQUAL(arp->arp_data.arp_tip, 1);
	CU_ASSERT_TRUE(rte_is_same_ether_addr(&arp->arp_data.arp_sha, &ours));
	CU_ASSERT_TRUE(rte_is_same_ether_addr(&arp->arp_data.arp_tha, &src));
	CU_ASSERT_FALSE(fwd_make_reply(m, &ours)); /* a reply is no question */
	rte_pktmbuf_free(m);
}

static void fwd_fill_txonly__is_a_packet(void)
{
	struct rte_mbuf *m = frame();
	struct rte_ipv4_hdr *ip;

	fwd_fill_txonly(m, &src, &dst);
	ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 14);
	CU_ASSERT_EQUAL(m->pkt_len, FWD_TXONLY_LEN);
	CU_ASSERT_EQUAL(rte_raw_cksum(ip, sizeof(*ip)), 0xffff);
	CU_ASSERT_EQUAL(ip->total_length, rte_cpu_to_be_16(FWD_TXONLY_LEN - 14));
	rte_pktmbuf_free(m);
}

static const struct test_case cases[] = {
	TEST_CASE(fwd_peer__pairs_as_testpmd),
	TEST_CASE(fwd_swap_addresses__swaps),
	TEST_CASE(fwd_set_addresses__sets),
	TEST_CASE(fwd__refuses_short_frames),
	TEST_CASE(fwd_make_reply__answers_echo),
	TEST_CASE(fwd_make_reply__only_whole_echo_requests),
	TEST_CASE(fwd_make_reply__answers_arp),
	TEST_CASE(fwd_fill_txonly__is_a_packet),
};
TEST_MAIN("pipeline_fwd", cases)
