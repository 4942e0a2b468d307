/* SPDX-License-Identifier: BSD-3-Clause */
/* What the forwarding modes do to a frame. */
#include <netinet/ip_icmp.h>
#include <string.h>

#include <rte_arp.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "app/smcgate/pipeline/fwd.h"

bool fwd_set_addresses(struct rte_mbuf *m, const struct rte_ether_addr *dst, const struct rte_ether_addr *src)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);

	if (m->data_len < sizeof(*eth))
		return false;
	eth->dst_addr = *dst;
	eth->src_addr = *src;
	return true;
}

bool fwd_swap_addresses(struct rte_mbuf *m)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	struct rte_ether_addr dst;

	if (m->data_len < sizeof(*eth))
		return false;
	dst = eth->dst_addr;
	eth->dst_addr = eth->src_addr;
	eth->src_addr = dst;
	return true;
}

/* Ethernet and at most one tag: offset of what follows and its type; 0: short. */
static uint32_t payload_offset(const struct rte_mbuf *m, rte_be16_t *type)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_vlan_hdr *tag = (const struct rte_vlan_hdr *)(eth + 1);

	if (m->data_len < sizeof(*eth))
		return 0;
	*type = eth->ether_type;
	if (*type != rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN))
		return sizeof(*eth);
	if (m->data_len < sizeof(*eth) + sizeof(*tag))
		return 0;
	*type = tag->eth_proto;
	return sizeof(*eth) + sizeof(*tag);
}

static bool reply_arp(struct rte_mbuf *m, uint32_t off, const struct rte_ether_addr *mac)
{
	struct rte_arp_hdr *arp = rte_pktmbuf_mtod_offset(m, struct rte_arp_hdr *, off);
	rte_be32_t asked;

	if (m->data_len < off + sizeof(*arp) || arp->arp_opcode != rte_cpu_to_be_16(RTE_ARP_OP_REQUEST) ||
	    arp->arp_hardware != rte_cpu_to_be_16(RTE_ARP_HRD_ETHER) ||
	    arp->arp_protocol != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4))
		return false;
	asked = arp->arp_data.arp_tip;
	arp->arp_opcode = rte_cpu_to_be_16(RTE_ARP_OP_REPLY);
	arp->arp_data.arp_tha = arp->arp_data.arp_sha;
	arp->arp_data.arp_tip = arp->arp_data.arp_sip;
	arp->arp_data.arp_sha = *mac;
	arp->arp_data.arp_sip = asked;
	return true;
}

/* RFC 792: only type and checksum change, the latter by the former (RFC 1624). */
static bool reply_echo(struct rte_mbuf *m, uint32_t off)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, off);
	struct rte_icmp_hdr *icmp;
	rte_be32_t dst;
	uint32_t sum;

	if (m->data_len < off + sizeof(*ip) || rte_ipv4_hdr_len(ip) < sizeof(*ip) ||
	    m->data_len < off + rte_ipv4_hdr_len(ip) + sizeof(*icmp))
		return false;
	icmp = rte_pktmbuf_mtod_offset(m, struct rte_icmp_hdr *, off + rte_ipv4_hdr_len(ip));
	if (ip->next_proto_id != IPPROTO_ICMP || icmp->icmp_type != ICMP_ECHO ||
	    icmp->icmp_code != 0 || (ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_OFFSET_MASK)) != 0)
		return false;
	dst = ip->dst_addr;
	ip->dst_addr = ip->src_addr;
	ip->src_addr = dst; /* the sum of the header stays */
	icmp->icmp_type = ICMP_ECHOREPLY;
	sum = rte_be_to_cpu_16(icmp->icmp_cksum) + (ICMP_ECHO << 8);
	icmp->icmp_cksum = rte_cpu_to_be_16((uint16_t)(sum + (sum >> 16)));
	return true;
}

bool fwd_make_reply(struct rte_mbuf *m, const struct rte_ether_addr *mac)
{
	rte_be16_t type = 0;
	uint32_t off = payload_offset(m, &type);
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);

	if (off == 0)
		return false;
	if (type == rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP)) {
		if (!reply_arp(m, off, mac))
			return false;
	} else if (type != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) || !reply_echo(m, off)) {
		return false;
	}
	eth->dst_addr = eth->src_addr;
	eth->src_addr = *mac;
	return true;
}

struct rte_ether_addr fwd_station(unsigned port)
{
	return (struct rte_ether_addr){ { 0x02, 0, 0, 0, 0, (uint8_t)port } };
}

void fwd_fill_txonly(struct rte_mbuf *m, const struct rte_ether_addr *src, const struct rte_ether_addr *dst)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(eth + 1);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);
	const uint16_t ip_len = FWD_TXONLY_LEN - sizeof(*eth), udp_len = ip_len - sizeof(*ip);

	memset(eth, 0, FWD_TXONLY_LEN);
	eth->dst_addr = *dst;
	eth->src_addr = *src;
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	/* RFC 2544 C.2.2: 198.18.0.0/15 is for tests; port 9 is discard. */
	*ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF, .total_length = rte_cpu_to_be_16(ip_len), .time_to_live = 64,
		.next_proto_id = IPPROTO_UDP, .src_addr = rte_cpu_to_be_32(0xc6120001u),
		.dst_addr = rte_cpu_to_be_32(0xc6120002u),
	};
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	*udp = (struct rte_udp_hdr){
		.src_port = rte_cpu_to_be_16(9),
		.dst_port = rte_cpu_to_be_16(9),
		.dgram_len = rte_cpu_to_be_16(udp_len),
	};
	m->data_len = FWD_TXONLY_LEN;
	m->pkt_len = FWD_TXONLY_LEN;
}
