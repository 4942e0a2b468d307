/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4 out for what the network layer itself sends: header, identification,
 * fragments. TCP builds its own headers and is never fragmented. */
#include <errno.h>

#include <rte_ip_frag.h>

#include "proto/net/net_impl.h"

/* 64 KiB over the smallest MTU a host must take (576). */
#define FRAGMENTS_MAX 128

/* Per destination, by keyed hash, never one counter for all: a global one
 * tells strangers what we send to others (CVE-2020-36516). */
static uint16_t ip_next_id(struct net_stack *st, const struct net_addr *dst)
{
	uint64_t h = net_hash_addr(st, dst, 3);

	return (uint16_t)(st->ip_id[h % RTE_DIM(st->ip_id)]++ + (h >> 48));
}

static void ip_fill(struct net_stack *st, struct rte_ipv4_hdr *ip, rte_be32_t src, const struct net_addr *dst,
		    uint8_t proto, uint16_t total)
{
	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->type_of_service = 0;
	ip->total_length = rte_cpu_to_be_16(total);
	ip->packet_id = rte_cpu_to_be_16(ip_next_id(st, dst));
	ip->fragment_offset = 0;
	ip->time_to_live = st->conf.ttl;
	ip->next_proto_id = proto;
	ip->hdr_checksum = 0;
	ip->src_addr = src;
	ip->dst_addr = dst->v4;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

static int ip_send_fragments(struct net_stack *st, struct net_path *p, struct rte_mbuf *m)
{
	struct rte_mbuf *out[FRAGMENTS_MAX];
	int n = rte_ipv4_fragment_packet(m, out, RTE_DIM(out), p->mtu, st->conf.hdr_pool, st->conf.ind_pool);
	int rc = 0;

	if (n < 0) {
		NET_DROP(&st->stats, TX_NO_MBUF, m);
		return n;
	}
	for (int i = 0; i < n; i++) {
		struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(out[i], struct rte_ipv4_hdr *);

		out[i]->ol_flags &= RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT;
		out[i]->l3_len = sizeof(*ip);
		ip->hdr_checksum = 0;
		ip->hdr_checksum = rte_ipv4_cksum(ip);
		if (rc == 0)
			rc = net_path_send(st, p, out[i], NET_TX_CONTROL);
		else
			NET_DROP(&st->stats, NEIGH_FAILED, out[i]);
	}
	rte_pktmbuf_free(m); /* the fragments hold references of their own */
	return rc;
}

int ip_output(struct net_stack *st, struct net_addr src, const struct net_addr *dst, uint8_t proto,
	      struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip;
	struct net_path path;
	int rc = net_path_open(st, &path, &src, dst);

	if (rc < 0) {
		NET_DROP(&st->stats, IP_NO_ROUTE, m);
		return rc;
	}
	ip = (struct rte_ipv4_hdr *)rte_pktmbuf_prepend(m, sizeof(*ip));
	if (ip == NULL) {
		NET_DROP(&st->stats, TX_NO_MBUF, m);
		rc = -ENOMEM;
		goto out;
	}
	ip_fill(st, ip, src.v4, dst, proto, m->pkt_len);
	m->l3_len = sizeof(*ip);
	m->l4_len = 0;
	if (m->pkt_len > path.mtu)
		rc = ip_send_fragments(st, &path, m);
	else
		rc = net_path_send(st, &path, m, NET_TX_CONTROL);
out:
	net_path_close(st, &path);
	return rc;
}
