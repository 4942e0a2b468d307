/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames for the tests of the pipelines. */
#ifndef TESTS_PIPELINE_FRAME_H
#define TESTS_PIPELINE_FRAME_H

#include <stdlib.h>
#include <string.h>

#include <rte_arp.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "pmd/base/arena.h"
#include "proto/net/net.h"

static inline struct rte_mempool *frame_pool(const char *name, unsigned n)
{
	int rc = 0;

	return plain_pktmbuf_pool(name, n, 0, NET_MBUF_PRIV_SIZE, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY,
				  &rc);
}

static inline void *abort_test(void)
{
	abort(); /* the pool's buffers hold any frame made here */
}

/* Ethernet (with a tag when vlan != 0) and IPv4 with proto, then len zeroed
 * octets. Returns where those begin. */
static inline void *frame_ip(struct rte_mbuf *m, uint16_t vlan, uint8_t proto, uint32_t src, uint32_t dst,
			     uint16_t len)
{
	uint16_t l2 = vlan != 0 ? 18 : 14, total = (uint16_t)(l2 + sizeof(struct rte_ipv4_hdr) + len);
	struct rte_ether_hdr *eth =
		rte_pktmbuf_append(m, total) != NULL ? rte_pktmbuf_mtod(m, void *) : abort_test();
	struct rte_ipv4_hdr *ip = RTE_PTR_ADD(eth, l2);

	memset(eth, 0, total);
	memset(&eth->dst_addr, 0xaa, 6);
	memset(&eth->src_addr, 0xbc, 6);
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	if (vlan != 0) {
		struct rte_vlan_hdr *tag = (struct rte_vlan_hdr *)(eth + 1);

		eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN);
		tag->vlan_tci = rte_cpu_to_be_16(vlan);
		tag->eth_proto = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	}
	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->total_length = rte_cpu_to_be_16((uint16_t)(total - l2));
	ip->time_to_live = 64;
	ip->next_proto_id = proto;
	ip->src_addr = rte_cpu_to_be_32(src);
	ip->dst_addr = rte_cpu_to_be_32(dst);
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	return ip + 1;
}

static inline void frame_tcp(struct rte_mbuf *m, uint16_t vlan, uint32_t src, uint16_t sport, uint32_t dst,
			     uint16_t dport)
{
	struct rte_tcp_hdr *tcp = frame_ip(m, vlan, IPPROTO_TCP, src, dst, sizeof(*tcp));

	tcp->src_port = rte_cpu_to_be_16(sport);
	tcp->dst_port = rte_cpu_to_be_16(dport);
	tcp->data_off = 5 << 4;
}

/* RoCE to a queue pair: UDP, base transport header with the rest zero, ICRC left out. */
static inline void frame_roce(struct rte_mbuf *m, uint16_t vlan, uint32_t src, uint32_t dst, uint32_t qpn)
{
	struct rte_udp_hdr *udp = frame_ip(m, vlan, IPPROTO_UDP, src, dst, sizeof(*udp) + 16);
	uint8_t *bth = (uint8_t *)(udp + 1);

	udp->src_port = rte_cpu_to_be_16(49152);
	udp->dst_port = rte_cpu_to_be_16(4791);
	udp->dgram_len = rte_cpu_to_be_16(sizeof(*udp) + 16);
	bth[5] = (uint8_t)(qpn >> 16);
	bth[6] = (uint8_t)(qpn >> 8);
	bth[7] = (uint8_t)qpn;
}

#endif
