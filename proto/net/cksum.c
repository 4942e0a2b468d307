/* SPDX-License-Identifier: BSD-3-Clause */
/* Transport checksums over chains of segments (RFC 1071). */
#include <rte_ip.h>

#include "proto/net/net_impl.h"
#include "proto/net/offload.h"

#define BLOCK 64

/* Sum of 32-bit words of n blocks: halves of 64-bit ones apart, so that nothing is carried out. The octets are
 * read as vectors where they lie: a memcpy() into vectors becomes stores of half their size, which a load of the
 * whole has to wait for. */
static __rte_always_inline uint64_t sum_blocks(const uint8_t *p, uint32_t n)
{
	typedef uint64_t words __attribute__((vector_size(32)));
	typedef uint64_t octets __attribute__((vector_size(32), aligned(1), may_alias));
	const words low = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX };
	words a = { 0 }, b = { 0 };

	for (; n > 0; n--, p += BLOCK) {
		words v = *(const octets *)p, w = *(const octets *)(p + sizeof(words));

		a += (v & low) + (w & low);
		b += (v >> 32) + (w >> 32);
	}
	a += b;
	return a[0] + a[1] + a[2] + a[3];
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static uint64_t sum_avx2(const uint8_t *p, uint32_t n)
{
	return sum_blocks(p, n);
}
#endif

static uint64_t sum_any(const uint8_t *p, uint32_t n)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		return sum_avx2(p, n);
#endif
	return sum_blocks(p, n);
}

/* rte_raw_cksum() 22.11 adds two octets at a time: of what it costs to serve a
 * port without checksums that is the greater part. Words of any size have the
 * same sum modulo 2^16 - 1 (RFC 1071 2 (B), (C)). */
uint16_t net_raw_cksum(const void *buf, uint32_t len)
{
	const uint8_t *p = buf;
	uint64_t sum = 0, word = 0;
	uint32_t half;

	if (len >= BLOCK) {
		sum = sum_any(p, len / BLOCK);
		p += len - len % BLOCK;
		len %= BLOCK;
	}
	for (; len >= sizeof(half); len -= sizeof(half), p += sizeof(half)) {
		memcpy(&half, p, sizeof(half));
		sum += half;
	}
	memcpy(&word, p, len); /* the missing octets are 0 */
	sum += (word & UINT32_MAX) + (word >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* rte_raw_cksum_mbuf() 22.11 cuts a segment's sum to 16 bits before it swaps
 * it for an odd position, and so loses carries: fold first. */
int net_raw_cksum_chain(const struct rte_mbuf *m, uint32_t off, uint32_t len, uint16_t *sum)
{
	uint32_t total = 0, done = 0;

	for (; m != NULL && off >= m->data_len; m = m->next)
		off -= m->data_len;
	for (; m != NULL && done < len; m = m->next, off = 0) {
		uint32_t part = RTE_MIN(len - done, m->data_len - off);
		uint16_t s = net_raw_cksum(rte_pktmbuf_mtod_offset(m, const uint8_t *, off), part);

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
		raw = net_raw_cksum(rte_pktmbuf_mtod_offset(m, const void *, l4_off), l4_len);
	else if (net_raw_cksum_chain(m, l4_off, l4_len, &raw) < 0)
		return UINT16_MAX; /* shorter than it says: not right */
	sum = (uint32_t)raw + net_raw_cksum(&pseudo, sizeof(pseudo));
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}
