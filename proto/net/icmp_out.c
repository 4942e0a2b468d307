/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP we send: echo replies and port unreachable, rate-limited. */
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include <rte_icmp.h>

#include "proto/net/net_impl.h"

#define ICMP_UNREACHABLE 3
/* RFC 1812 4.3.2.3 lets an error quote as much as fits 576 octets; 28 (header
 * and 8 octets, RFC 792) plus options is what everybody needs. */
#define ICMP_QUOTE_MAX 128

static struct net_addr ip_src(struct rte_mbuf *m, struct net_addr *dst)
{
	const struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, net_mbuf_meta(m)->l3_off);

	*dst = net_addr_v4(ip->dst_addr);
	return net_addr_v4(ip->src_addr);
}

/* Nobody else sees the first segment, where the reply's headers go. */
static bool writable(const struct rte_mbuf *m)
{
	if (rte_mbuf_refcnt_read(m) != 1 || RTE_MBUF_CLONED(m))
		return false;
	return !RTE_MBUF_HAS_EXTBUF(m) ||
	       (RTE_MBUF_HAS_PINNED_EXTBUF(m) && rte_mbuf_ext_refcnt_read(m->shinfo) == 1);
}

static void tx_flags_clear(struct rte_mbuf *m)
{
	m->ol_flags &= RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT;
	m->tx_offload = 0;
	m->vlan_tci = 0;
}

/* RFC 792, RFC 1122 3.2.2.6: the data of the request comes back whole, so the
 * request itself becomes the reply. */
void icmp_echo_reply(struct net_stack *st, struct rte_mbuf *m)
{
	struct rte_icmp_hdr *icmp;
	struct net_addr us, peer = ip_src(m, &us);
	uint32_t sum;

	if (!icmp_allowed(st, &peer, ICMP_ECHO_REPLIES)) {
		NET_DROP(&st->stats, ICMP_RATE, m);
		return;
	}
	if (!writable(m)) {
		struct rte_mbuf *copy = rte_pktmbuf_copy(m, st->conf.hdr_pool, 0, UINT32_MAX);

		if (copy == NULL) {
			NET_DROP(&st->stats, TX_NO_MBUF, m);
			return;
		}
		net_copy_repair(copy);
		*net_mbuf_meta(copy) = *net_mbuf_meta(m);
		rte_pktmbuf_free(m);
		m = copy;
	}
	rte_pktmbuf_adj(m, net_mbuf_meta(m)->l4_off);
	tx_flags_clear(m);
	icmp = rte_pktmbuf_mtod(m, struct rte_icmp_hdr *);
	icmp->icmp_type = ICMP_ECHOREPLY;
	/* RFC 1624: the only change is type 8 to 0. */
	sum = (uint16_t)~icmp->icmp_cksum + (uint16_t)~RTE_BE16(ICMP_ECHO << 8);
	sum = (sum & 0xffff) + (sum >> 16);
	icmp->icmp_cksum = (uint16_t)~((sum & 0xffff) + (sum >> 16));
	/* The two zeros: only 0xffff is right for a reply that is all zero. */
	if (icmp->icmp_cksum == 0)
		icmp->icmp_cksum = 0xffff;
	st->stats.tx_icmp++;
	st->stats.tx_echo_reply++;
	ip_output(st, us, &peer, IPPROTO_ICMP, m);
}

void icmp_unreachable(struct net_stack *st, struct rte_mbuf *m, uint8_t code)
{
	const struct net_meta *meta = net_mbuf_meta(m);
	uint32_t quote = RTE_MIN((uint32_t)(meta->l4_off - meta->l3_off) + meta->l4_len, (uint32_t)ICMP_QUOTE_MAX);
	struct net_addr us, peer = ip_src(m, &us);
	struct rte_icmp_hdr *icmp;
	struct rte_mbuf *out;

	/* Never about fragments (RFC 1122 3.2.2); broadcasts and strange sources
	 * did not get this far. */
	if ((meta->flags & NET_META_REASSEMBLED) != 0)
		return;
	if (!icmp_allowed(st, &peer, ICMP_ERRORS)) {
		net_drop_count(&st->stats, DROP_ICMP_RATE);
		return;
	}
	quote = RTE_MIN(quote, (uint32_t)m->data_len - meta->l3_off);
	out = rte_pktmbuf_alloc(st->conf.hdr_pool);
	icmp = out == NULL ? NULL : (struct rte_icmp_hdr *)rte_pktmbuf_append(out, sizeof(*icmp) + quote);
	if (icmp == NULL) {
		net_drop_count(&st->stats, DROP_TX_NO_MBUF);
		rte_pktmbuf_free(out);
		return;
	}
	memset(icmp, 0, sizeof(*icmp));
	icmp->icmp_type = ICMP_UNREACHABLE;
	icmp->icmp_code = code;
	memcpy(icmp + 1, rte_pktmbuf_mtod_offset(m, const uint8_t *, meta->l3_off), quote);
	icmp->icmp_cksum = (uint16_t)~rte_raw_cksum(icmp, sizeof(*icmp) + quote);
	st->stats.tx_icmp++;
	ip_output(st, us, &peer, IPPROTO_ICMP, out);
}
