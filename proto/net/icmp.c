/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP in (RFC 792): echo is answered, errors go to the protocol whose packet
 * they quote. Redirects and source quench are ignored (RFC 6633, and any
 * station could redirect us).
 */
#include <netinet/ip_icmp.h>

#include <rte_icmp.h>

#include "proto/net/net_impl.h"

#define ICMP_UNREACHABLE 3
#define ICMP_FRAG_NEEDED 4
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETER 12

/* The quoted headers, copied out: the rest of the error may lie anywhere. */
struct quote {
	struct net_flow flow;
	uint8_t proto;
	uint16_t total;         /* length of the packet the error is about */
	unsigned l4_len;        /* octets in l4 */
	const uint8_t *l4;
	uint8_t buf[sizeof(struct rte_icmp_hdr) + 60 + 60];
};

static bool icmp_cksum_ok(struct rte_mbuf *m, const struct net_meta *meta)
{
	uint16_t sum;

	return net_raw_cksum_chain(m, meta->l4_off, meta->l4_len, &sum) == 0 && sum == 0xffff;
}

/* An error about a packet of ours quotes our address as source, no later
 * fragment, and at least the ports and the sequence number. */
static bool quote_parse(struct net_stack *st, struct rte_mbuf *m, struct quote *q)
{
	const struct net_meta *meta = net_mbuf_meta(m);
	unsigned len = RTE_MIN((size_t)meta->l4_len, sizeof(q->buf)), hlen;
	const uint8_t *p = rte_pktmbuf_read(m, meta->l4_off, len, q->buf);
	struct rte_ipv4_hdr ip;
	struct net_addr l, r;

	if (p == NULL || len < sizeof(struct rte_icmp_hdr) + sizeof(ip))
		return false;
	p += sizeof(struct rte_icmp_hdr);
	len -= sizeof(struct rte_icmp_hdr);
	memcpy(&ip, p, sizeof(ip));
	hlen = (ip.version_ihl & 0xf) * 4;
	if (ip.version_ihl >> 4 != 4 || hlen < sizeof(ip) || len < hlen + 8 ||
	    (ip.fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK)) != 0)
		return false;
	l = net_addr_v4(ip.src_addr);
	r = net_addr_v4(ip.dst_addr);
	if (net_local_if(st, &l) < 0)
		return false;
	memset(&q->flow, 0, sizeof(q->flow));
	memcpy(q->flow.laddr, l.b, sizeof(l.b));
	memcpy(q->flow.raddr, r.b, sizeof(r.b));
	memcpy(&q->flow.lport, p + hlen, 2);
	memcpy(&q->flow.rport, p + hlen + 2, 2);
	q->flow.vlan = meta->vlan;
	q->flow.ifx = meta->ifx;
	q->flow.family = NET_IPV4;
	q->proto = ip.next_proto_id;
	q->total = rte_be_to_cpu_16(ip.total_length);
	q->l4 = p + hlen;
	q->l4_len = len - hlen;
	return true;
}

/* RFC 1191: the next hop's MTU, or when an old router says 0 the plateau below
 * what was too big. 0: asks for no decrease. */
static uint16_t frag_needed_mtu(struct net_stack *st, const struct quote *q, uint16_t said)
{
	const struct net_if *ifp = &st->conf.ifs[q->flow.ifx];
	uint16_t mtu = said != 0 ? said : pmtu_plateau(q->total);

	mtu = RTE_MAX(mtu, (uint16_t)PMTU_FLOOR);
	return mtu >= ifp->mtu ? 0 : mtu;
}

static enum net_drop icmp_error(struct net_stack *st, const struct rte_icmp_hdr *icmp, const struct quote *q)
{
	const struct net_proto *p = st->proto[q->proto];
	const uint64_t *d = st->stats.drop;
	uint64_t refused = d[DROP_ICMP_NO_FLOW] + d[DROP_ICMP_QUOTE];
	uint16_t mtu = 0;

	if (p == NULL || p->error == NULL)
		return DROP_ICMP_NO_FLOW;
	if (icmp->icmp_type == ICMP_UNREACHABLE && icmp->icmp_code == ICMP_FRAG_NEEDED) {
		mtu = frag_needed_mtu(st, q, rte_be_to_cpu_16(icmp->icmp_seq_nb));
		if (mtu == 0)
			return DROP_ICMP_QUOTE;
	}
	p->error(p->ctx, &q->flow, icmp->icmp_type, icmp->icmp_code, mtu, q->l4, q->l4_len);
	/* One reason a packet: what the protocol refused it has counted. */
	return refused != d[DROP_ICMP_NO_FLOW] + d[DROP_ICMP_QUOTE] ? NET_DROP_MAX : DROP_ICMP_DONE;
}

static void icmp_error_input(struct net_stack *st, struct rte_mbuf *m, const struct rte_icmp_hdr *icmp,
			     bool may_steer)
{
	struct quote q;
	enum net_drop why = DROP_ICMP_QUOTE;

	if (quote_parse(st, m, &q)) {
		if (may_steer && st->env.steer != NULL && st->env.steer(st->env.ctx, m, &q.flow))
			return;
		why = icmp_error(st, icmp, &q);
	}
	if (why != NET_DROP_MAX)
		net_drop_count(&st->stats, why);
	rte_pktmbuf_free(m);
}

void icmp_input(struct net_stack *st, struct rte_mbuf *m, bool may_steer)
{
	const struct net_meta *meta = net_mbuf_meta(m);
	const struct rte_icmp_hdr *icmp = rte_pktmbuf_mtod_offset(m, const struct rte_icmp_hdr *, meta->l4_off);

	st->stats.rx_icmp++;
	if (meta->l4_len < sizeof(*icmp) || m->data_len < meta->l4_off + sizeof(*icmp)) {
		NET_DROP(&st->stats, ICMP_SHORT, m);
		return;
	}
	if (!icmp_cksum_ok(m, meta)) {
		NET_DROP(&st->stats, ICMP_CKSUM, m);
		return;
	}
	switch (icmp->icmp_type) {
	case ICMP_ECHO:
		icmp_echo_reply(st, m);
		break;
	case ICMP_UNREACHABLE:
	case ICMP_TIME_EXCEEDED:
	case ICMP_PARAMETER:
		icmp_error_input(st, m, icmp, may_steer);
		break;
	default:
		NET_DROP(&st->stats, ICMP_TYPE, m);
	}
}
