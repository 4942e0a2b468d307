/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IPv4 in: the checks in the order of RFC 791, RFC 1122 3.2.1 and RFC 1812
 * 5.2.2, each with a reason of its own, then reassembly and the protocol.
 */
#include <netinet/in.h>

#include "proto/net/net_impl.h"
#include "proto/net/offload.h"

#define OPT_END 0
#define OPT_NOP 1
#define OPT_LSRR 131
#define OPT_SSRR 137

/* Lengths are validated, contents ignored (RFC 1122 3.2.1.8). 0 or -1. */
int ip_check_options(const uint8_t *opt, unsigned len, bool accept_source_route, enum net_drop *why)
{
	for (unsigned i = 0; i < len && opt[i] != OPT_END; ) {
		if (opt[i] == OPT_NOP) {
			i++;
			continue;
		}
		*why = DROP_IP_OPTION;
		if (i + 1 >= len || opt[i + 1] < 2 || opt[i + 1] > len - i)
			return -1;
		*why = DROP_IP_SOURCE_ROUTE;
		if ((opt[i] == OPT_LSRR || opt[i] == OPT_SSRR) && !accept_source_route)
			return -1;
		i += opt[i + 1];
	}
	return 0;
}

static bool ip_cksum_ok(const struct net_if *ifp, const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip,
			unsigned hlen)
{
	uint64_t flags = m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;

	if ((ifp->offloads & NET_RX_CKSUM) != 0) {
		if (flags == RTE_MBUF_F_RX_IP_CKSUM_GOOD)
			return true;
		if (flags == RTE_MBUF_F_RX_IP_CKSUM_BAD)
			return false;
	}
	return net_raw_cksum(ip, hlen) == 0xffff;
}

static bool ip_source_ok(const struct net_stack *st, const struct net_if *ifp, rte_be32_t src)
{
	const struct net_addr a = net_addr_v4(src);

	return !net_v4_is_zero_net(src) && !net_v4_is_loopback(src) && !net_v4_is_multicast(src) &&
	       !net_v4_is_class_e(src) && !net_is_broadcast(st, ifp->ifx, src) && net_local_if(st, &a) < 0;
}

/* Each packet has one, few are new. Addresses of ours do not change, so what was found right stays so. */
static bool ip_source_known(struct net_stack *st, const struct net_if *ifp, rte_be32_t src)
{
	uint64_t key = (uint64_t)(ifp->ifx + 1u) << 32 | src;
	uint64_t *slot = &st->sources[src * 0x9e3779b1u >> (32 - NET_SOURCES_LOG2)];

	if (likely(*slot == key))
		return true;
	if (!ip_source_ok(st, ifp, src))
		return false;
	*slot = key;
	return true;
}

static bool ip_dest_ok(const struct net_stack *st, const struct net_if *ifp, rte_be32_t dst,
		       bool l2_broadcast)
{
	const struct net_addr a = net_addr_v4(dst);

	/* RFC 1122 3.3.6: what came by link broadcast is not for a unicast address. */
	if (l2_broadcast)
		return false;
	return net_if_addr_index(ifp, dst) >= 0 || net_local_if(st, &a) >= 0;
}

/* Header checks, in order; *why is set when false is returned. */
static bool ip_check(struct net_stack *st, const struct net_if *ifp, const struct rte_mbuf *m,
		     unsigned off, bool l2_broadcast, enum net_drop *why)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, off);
	unsigned hlen, total;

	*why = DROP_IP_SHORT;
	if (unlikely(m->data_len < off + sizeof(*ip)))
		return false;
	*why = DROP_IP_VERSION;
	if (unlikely(ip->version_ihl >> 4 != 4))
		return false;
	hlen = (ip->version_ihl & 0xf) * 4;
	*why = DROP_IP_IHL;
	if (unlikely(hlen < sizeof(*ip) || m->data_len < off + hlen))
		return false;
	total = rte_be_to_cpu_16(ip->total_length);
	*why = DROP_IP_LENGTH;
	if (unlikely(total < hlen || total > m->pkt_len - off))
		return false;
	*why = DROP_IP_CKSUM;
	if (unlikely(!ip_cksum_ok(ifp, m, ip, hlen)))
		return false;
	*why = DROP_IP_TTL;
	if (unlikely(ip->time_to_live == 0))
		return false;
	*why = DROP_IP_SRC;
	if (unlikely(!ip_source_known(st, ifp, ip->src_addr)))
		return false;
	*why = DROP_IP_DST;
	if (unlikely(!ip_dest_ok(st, ifp, ip->dst_addr, l2_broadcast)))
		return false;
	return likely(hlen == sizeof(*ip)) ||
	       ip_check_options((const uint8_t *)(ip + 1), hlen - sizeof(*ip), st->conf.accept_source_route,
				why) == 0;
}

static void ip_meta(const struct net_if *ifp, struct rte_mbuf *m, const struct rte_ipv4_hdr *ip)
{
	struct net_meta *meta = net_mbuf_meta(m);
	unsigned hlen = (ip->version_ihl & 0xf) * 4;
	uint64_t l4 = m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

	meta->l4_off = meta->l3_off + hlen;
	meta->l4_len = rte_be_to_cpu_16(ip->total_length) - hlen;
	meta->ttl = ip->time_to_live;
	meta->tos = ip->type_of_service;
	/* NONE: not filled in by a sender on this host, its data vouched for. */
	if ((ifp->offloads & NET_RX_CKSUM) != 0 &&
	    (l4 == RTE_MBUF_F_RX_L4_CKSUM_GOOD || l4 == RTE_MBUF_F_RX_L4_CKSUM_NONE))
		meta->flags |= NET_META_CKSUM_OK;
}

void ip_input(struct net_stack *st, struct net_if *ifp, struct rte_mbuf *m, bool l2_broadcast)
{
	const struct net_meta *meta = net_mbuf_meta(m);
	const struct rte_ipv4_hdr *ip;
	enum net_drop why;
	enum ip_arrival how = IP_DIRECT;

	st->stats.rx_ip++;
	if (unlikely(!ip_check(st, ifp, m, meta->l3_off, l2_broadcast, &why))) {
		net_drop_count(&st->stats, why);
		rte_pktmbuf_free(m);
		return;
	}
	ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, meta->l3_off);
	/* Padding of short frames is not payload. */
	net_chain_trim(m, meta->l3_off + rte_be_to_cpu_16(ip->total_length));
	ip_meta(ifp, m, ip);
	if (unlikely((ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) != 0)) {
		st->stats.rx_fragments++;
		how = IP_REASSEMBLED;
		m = reasm_input(st, m);
		if (m == NULL)
			return;
	}
	ip_deliver(st, m, how);
}

/* The flow of a datagram to us; false when it has no ports. */
static bool ip_flow(struct rte_mbuf *m, struct net_flow *flow)
{
	const struct net_meta *meta = net_mbuf_meta(m);
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, meta->l3_off);
	const struct net_addr l = net_addr_v4(ip->dst_addr), r = net_addr_v4(ip->src_addr);

	if ((ip->next_proto_id != IPPROTO_TCP && ip->next_proto_id != IPPROTO_UDP) || meta->l4_len < 4 ||
	    m->data_len < meta->l4_off + 4)
		return false;
	memset(flow, 0, sizeof(*flow));
	memcpy(flow->laddr, l.b, sizeof(l.b));
	memcpy(flow->raddr, r.b, sizeof(r.b));
	memcpy(&flow->rport, rte_pktmbuf_mtod_offset(m, const uint8_t *, meta->l4_off), 2);
	memcpy(&flow->lport, rte_pktmbuf_mtod_offset(m, const uint8_t *, meta->l4_off + 2), 2);
	flow->vlan = meta->vlan;
	flow->ifx = meta->ifx;
	flow->family = NET_IPV4;
	return true;
}

void net_udp_refuse(struct net_stack *st, struct rte_mbuf *m)
{
	icmp_unreachable(st, m, ICMP_CODE_PORT);
	NET_DROP(&st->stats, UDP_NO_PORT, m);
}

void ip_deliver(struct net_stack *st, struct rte_mbuf *m, enum ip_arrival how)
{
	const struct net_meta *meta = net_mbuf_meta(m);
	uint8_t proto = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, meta->l3_off)->next_proto_id;
	struct net_flow flow;

	/* Fragments have no ports, so the port spread them without regard to the
	 * flow: only whole is it known whose it is. */
	if (unlikely(how == IP_REASSEMBLED) && st->env.steer != NULL && ip_flow(m, &flow) &&
	    st->env.steer(st->env.ctx, m, &flow))
		return;
	if (proto == IPPROTO_TCP)
		st->stats.rx_tcp++;
	if (likely(st->proto[proto] != NULL)) {
		net_group_add(st, proto, m);
		return;
	}
	if (proto == IPPROTO_ICMP) {
		icmp_input(st, m, how != IP_STEERED);
		return;
	}
	if (proto == IPPROTO_UDP) {
		net_udp_refuse(st, m);
		return;
	}
	icmp_unreachable(st, m, ICMP_CODE_PROTOCOL);
	NET_DROP(&st->stats, IP_PROTO, m);
}
