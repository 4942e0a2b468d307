/* SPDX-License-Identifier: BSD-3-Clause */
/* Transport checksums over chains of segments (RFC 1071). */
#include <rte_ip.h>

#include "proto/net/offload.h"

uint16_t net_l4_cksum(struct rte_mbuf *m, uint32_t l3_off, uint32_t l4_off, uint32_t l4_len)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, l3_off);
	struct { rte_be32_t src, dst; uint8_t zero, proto; rte_be16_t len; } pseudo = {
		.src = ip->src_addr, .dst = ip->dst_addr, .proto = ip->next_proto_id,
		.len = rte_cpu_to_be_16(l4_len),
	};
	uint16_t raw;
	uint32_t sum;

	if (likely(l4_off + l4_len <= m->data_len))
		raw = rte_raw_cksum(rte_pktmbuf_mtod_offset(m, const void *, l4_off), l4_len);
	else if (rte_raw_cksum_mbuf(m, l4_off, l4_len, &raw) < 0)
		return UINT16_MAX; /* shorter than it says: not right */
	sum = (uint32_t)raw + rte_raw_cksum(&pseudo, sizeof(pseudo));
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}
