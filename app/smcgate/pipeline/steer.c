/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/pipeline/steer.h"

#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "pmd/rdma/roce.h"

/* So many low bits of the hash must depend on the low bits of a port. */
#define SPREAD_BITS 3
#define BTH_LEN 12 /* base transport header */

void steering_init(struct steering *st, const uint8_t key[TOEPLITZ_KEY_LEN], unsigned workers,
		   unsigned period)
{
	memset(st, 0, sizeof(*st));
	st->workers = (uint16_t)workers;
	toeplitz_init(&st->hash, key);
	for (unsigned i = 0; i < STEER_TABLE; i++)
		st->worker[i] = (uint8_t)((i & (period - 1)) % workers);
}

/* Rank over GF(2) of what n bits of a port, from the second on, do to the low
 * bits of the hash. */
static unsigned rank(const struct toeplitz *t, uint32_t (*part)(const struct toeplitz *t, uint16_t port),
		     unsigned n)
{
	uint32_t pivot[SPREAD_BITS] = { 0 };
	unsigned r = 0;

	for (unsigned bit = 1; bit <= n; bit++) {
		uint32_t v = part(t, rte_cpu_to_be_16((uint16_t)(1U << bit))) & ((1U << SPREAD_BITS) - 1);

		for (unsigned i = 0; i < SPREAD_BITS; i++) {
			if ((v >> i & 1) == 0)
				continue;
			if (pivot[i] == 0) {
				pivot[i] = v;
				r++;
				break;
			}
			v ^= pivot[i];
		}
	}
	return r;
}

bool steering_key_spreads(const uint8_t key[TOEPLITZ_KEY_LEN])
{
	struct toeplitz t;

	toeplitz_init(&t, key);
	return rank(&t, toeplitz_sport, SPREAD_BITS + 1) == SPREAD_BITS &&
	       rank(&t, toeplitz_dport, SPREAD_BITS + 1) == SPREAD_BITS;
}

void steering_random_key(uint8_t key[TOEPLITZ_KEY_LEN], void (*random)(void *ctx, void *buf, size_t len),
			 void *ctx)
{
	/* About one key in eight will do; when hundreds do not the source is
	 * broken, and any key is as good. */
	for (unsigned i = 0; i < 512; i++) {
		random(ctx, key, TOEPLITZ_KEY_LEN);
		if (steering_key_spreads(key))
			return;
	}
}

unsigned steering_flow(const struct steering *st, const struct net_flow *flow)
{
	return steering_worker(st, toeplitz_v4(&st->hash, net_flow_raddr4(flow), net_flow_laddr4(flow),
					       flow->rport, flow->lport));
}

/* Offset of the IP header behind Ethernet and at most one tag; 0: not IPv4. */
static uint32_t ipv4_offset(const struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_vlan_hdr *tag;

	if (m->data_len < sizeof(*eth))
		return 0;
	if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4))
		return sizeof(*eth);
	if (eth->ether_type != rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN) ||
	    m->data_len < sizeof(*eth) + sizeof(*tag))
		return 0;
	tag = (const struct rte_vlan_hdr *)(eth + 1);
	return tag->eth_proto == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) ? sizeof(*eth) + sizeof(*tag) : 0;
}

/* The IP header of a frame whose transport header is of the protocol, whole and
 * not of a fragment, at least need octets of it in the first buffer; NULL. */
static const struct rte_ipv4_hdr *transport(const struct rte_mbuf *m, uint8_t proto, uint32_t need, uint32_t *l4)
{
	const struct rte_ipv4_hdr *ip;
	uint32_t off = ipv4_offset(m);

	if (off == 0 || m->data_len < off + sizeof(*ip))
		return NULL;
	ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, off);
	*l4 = off + rte_ipv4_hdr_len(ip);
	if ((ip->version_ihl >> 4) != 4 || rte_ipv4_hdr_len(ip) < sizeof(*ip) || m->data_len < *l4 + need)
		return NULL;
	if (ip->next_proto_id != proto)
		return NULL;
	if ((ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_OFFSET_MASK | RTE_IPV4_HDR_MF_FLAG)) != 0)
		return NULL;
	return ip;
}

bool steering_roce(const struct rte_mbuf *m, unsigned *worker)
{
	const struct rte_udp_hdr *udp;
	uint32_t l4;

	if (transport(m, IPPROTO_UDP, sizeof(*udp) + BTH_LEN, &l4) == NULL)
		return false;
	udp = rte_pktmbuf_mtod_offset(m, const struct rte_udp_hdr *, l4);
	if (udp->dst_port != rte_cpu_to_be_16(ROCE_UDP_PORT))
		return false;
	*worker = roce_qpn_lcore(roce_dest_qpn((const uint8_t *)(udp + 1)));
	return true;
}

bool steering_hash(const struct steering *st, const struct rte_mbuf *m, bool device_hash, uint32_t *hash)
{
	rte_be16_t ports[2];
	uint32_t l4;
	const struct rte_ipv4_hdr *ip = transport(m, IPPROTO_TCP, sizeof(ports), &l4);

	if (ip == NULL)
		return false;
	if (device_hash && (m->ol_flags & RTE_MBUF_F_RX_RSS_HASH) != 0) {
		*hash = m->hash.rss;
		return true;
	}
	memcpy(ports, rte_pktmbuf_mtod_offset(m, const void *, l4), sizeof(ports));
	*hash = toeplitz_v4(&st->hash, ip->src_addr, ip->dst_addr, ports[0], ports[1]);
	return true;
}
