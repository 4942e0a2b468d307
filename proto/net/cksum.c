/* SPDX-License-Identifier: BSD-3-Clause */
/* Transport checksums over chains of segments (RFC 1071). */
#include <rte_ip.h>

#include "proto/net/net_impl.h"
#include "proto/net/offload.h"

/* rte_raw_cksum_mbuf() 22.11 cuts a segment's sum to 16 bits before it swaps
 * it for an odd position, and so loses carries: fold first. */
int net_raw_cksum_chain(const struct rte_mbuf *m, uint32_t off, uint32_t len, uint16_t *sum)
{
	uint32_t total = 0, done = 0;

	for (; m != NULL && off >= m->data_len; m = m->next)
		off -= m->data_len;
	for (; m != NULL && done < len; m = m->next, off = 0) {
		uint32_t part = RTE_MIN(len - done, m->data_len - off);
		uint16_t s = rte_raw_cksum(rte_pktmbuf_mtod_offset(m, const uint8_t *, off), part);

		total += (done & 1) != 0 ? rte_bswap16(s) : s;
		done += part;
	}
	total = (total & 0xffff) + (total >> 16);
	*sum = (uint16_t)((total & 0xffff) + (total >> 16));
	return done == len ? 0 : -1;
}

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
	else if (net_raw_cksum_chain(m, l4_off, l4_len, &raw) < 0)
		return UINT16_MAX; /* shorter than it says: not right */
	sum = (uint32_t)raw + rte_raw_cksum(&pseudo, sizeof(pseudo));
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}
