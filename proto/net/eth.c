/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ethernet with at most one 802.1Q tag: a burst is parsed frame by frame and
 * what is for a protocol above IP collected in groups.
 */
#include <rte_prefetch.h>

#include "proto/net/net_impl.h"

struct eth_frame {
	uint16_t type;   /* host order */
	uint16_t vlan;
	uint8_t l2_len;
	bool tagged;
};

static bool is_tag(uint16_t type)
{
	return type == RTE_ETHER_TYPE_VLAN || type == RTE_ETHER_TYPE_QINQ || type == 0x9100;
}

/* The first segment holds an Ethernet header. A tag in the frame beside one
 * that the port took off is nested; so is a service tag. */
static bool eth_parse(const struct rte_mbuf *m, struct eth_frame *f, enum net_drop *why)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_vlan_hdr *tag;

	f->type = rte_be_to_cpu_16(eth->ether_type);
	f->l2_len = sizeof(*eth);
	f->tagged = (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0;
	f->vlan = f->tagged ? m->vlan_tci & RTE_VLAN_ID_MASK : 0;
	if (likely(!is_tag(f->type)))
		return true;
	*why = DROP_VLAN_NESTED;
	if (f->type != RTE_ETHER_TYPE_VLAN || f->tagged || (m->ol_flags & RTE_MBUF_F_RX_QINQ_STRIPPED) != 0)
		return false;
	if (m->data_len < sizeof(*eth) + sizeof(*tag)) {
		*why = DROP_ETH_SHORT;
		return false;
	}
	tag = (const struct rte_vlan_hdr *)(eth + 1);
	f->type = rte_be_to_cpu_16(tag->eth_proto);
	f->vlan = rte_be_to_cpu_16(tag->vlan_tci) & RTE_VLAN_ID_MASK;
	f->l2_len += sizeof(*tag);
	return !is_tag(f->type);
}

static struct net_if *eth_interface(struct net_stack *st, uint16_t port, uint16_t vlan)
{
	for (unsigned i = 0; i < st->conf.n_ifs; i++) {
		if (st->conf.ifs[i].port == port && st->conf.ifs[i].vlan == vlan)
			return &st->conf.ifs[i];
	}
	return NULL;
}

static void meta_init(const struct rte_mbuf *m, struct net_meta *meta, const struct net_if *ifp,
		      const struct eth_frame *f)
{
	memset(meta, 0, sizeof(*meta));
	meta->ifx = ifp->ifx;
	meta->vlan = f->vlan;
	meta->l3_off = f->l2_len;
	if ((m->ol_flags & RTE_MBUF_F_RX_RSS_HASH) != 0)
		meta->hash = m->hash.rss;
	if ((m->ol_flags & RTE_MBUF_F_RX_LRO) != 0)
		meta->gso_size = m->tso_segsz;
}

static void eth_input(struct net_stack *st, uint16_t port, struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth;
	struct eth_frame f;
	struct net_if *ifp;
	enum net_drop why = DROP_ETH_SHORT;
	bool to_all;

	st->stats.rx_packets++;
	st->stats.rx_bytes += m->pkt_len;
	if (unlikely(m->data_len < RTE_MIN(m->pkt_len, (uint32_t)NET_PULL_LEN))) {
		m = net_pull_up(st, m, NET_PULL_LEN);
		if (m == NULL)
			return;
	}
	if (unlikely(m->data_len < sizeof(*eth)) || unlikely(!eth_parse(m, &f, &why)))
		goto drop;
	why = DROP_VLAN_UNKNOWN;
	ifp = eth_interface(st, port, f.vlan);
	if (unlikely(ifp == NULL))
		goto drop;
	eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	to_all = rte_is_multicast_ether_addr(&eth->dst_addr);
	why = DROP_ETH_NOT_OURS;
	if (unlikely(!to_all && !rte_is_same_ether_addr(&eth->dst_addr, &ifp->mac)))
		goto drop;
	meta_init(m, net_mbuf_meta(m), ifp, &f);
	if (likely(f.type == RTE_ETHER_TYPE_IPV4)) {
		ip_input(st, ifp, m, to_all);
		return;
	}
	if (f.type == RTE_ETHER_TYPE_ARP) {
		arp_input(st, ifp, m, f.l2_len);
		return;
	}
	why = f.type == RTE_ETHER_TYPE_IPV6 ? DROP_IP6 : DROP_ETH_TYPE;
drop:
	net_drop_count(&st->stats, why);
	rte_pktmbuf_free(m);
}

void net_input(struct net_stack *st, uint16_t port, struct rte_mbuf **pkts, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (i + 2 < n)
			rte_prefetch0(rte_pktmbuf_mtod(pkts[i + 2], void *));
		eth_input(st, port, pkts[i]);
	}
	net_group_flush(st);
}

void net_input_steered(struct net_stack *st, struct rte_mbuf **pkts, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		ip_deliver(st, pkts[i], IP_STEERED);
	net_group_flush(st);
}

void net_group_add(struct net_stack *st, uint8_t proto, struct rte_mbuf *m)
{
	struct net_group *g = &st->group;

	if (g->n == NET_GROUP_MAX || (g->n > 0 && g->proto != proto))
		net_group_flush(st);
	g->proto = proto;
	g->pkts[g->n++] = m;
}

void net_group_flush(struct net_stack *st)
{
	struct net_group *g = &st->group;
	const struct net_proto *p = st->proto[g->proto];
	unsigned n = g->n;

	if (n == 0)
		return;
	g->n = 0;
	p->input(p->ctx, g->pkts, n);
}

/* Drop octets behind len, whole segments included; rte_pktmbuf_trim() reaches
 * only into the last one. */
void net_chain_trim(struct rte_mbuf *m, uint32_t len)
{
	struct rte_mbuf *seg = m;
	uint32_t left = len;
	uint16_t segs = 1;

	if (len >= m->pkt_len)
		return;
	while (left > seg->data_len) {
		left -= seg->data_len;
		seg = seg->next;
		segs++;
	}
	seg->data_len = left;
	rte_pktmbuf_free(seg->next);
	seg->next = NULL;
	m->nb_segs = segs;
	m->pkt_len = len;
}

/* Free leading segments and octets that were copied to the new head. */
static struct rte_mbuf *chain_consume(struct rte_mbuf *m, uint32_t len, uint16_t *segs)
{
	*segs = m->nb_segs;
	while (m != NULL && len >= m->data_len) {
		struct rte_mbuf *next = m->next;

		len -= m->data_len;
		rte_pktmbuf_free_seg(m);
		m = next;
		(*segs)--;
	}
	if (m != NULL && len > 0) {
		m->data_off += len;
		m->data_len -= len;
	}
	return m;
}

/*
 * The first min(len, pkt_len) octets contiguous in a head of its own. Takes m;
 * NULL when there was no mbuf (counted). Mergeable receive buffers and
 * fragments put headers across segments rarely enough to copy.
 */
struct rte_mbuf *net_pull_up(struct net_stack *st, struct rte_mbuf *m, uint32_t len)
{
	struct rte_mbuf *head = rte_pktmbuf_alloc(st->conf.hdr_pool);
	uint16_t segs;

	if (head == NULL) {
		NET_DROP(&st->stats, TX_NO_MBUF, m);
		return NULL;
	}
	len = RTE_MIN(len, m->pkt_len);
	for (uint32_t done = 0; done < len; ) {
		const struct rte_mbuf *seg = m;
		uint32_t off = done;

		while (off >= seg->data_len) {
			off -= seg->data_len;
			seg = seg->next;
		}
		uint32_t part = RTE_MIN(len - done, seg->data_len - off);

		memcpy(rte_pktmbuf_mtod_offset(head, uint8_t *, done),
		       rte_pktmbuf_mtod_offset(seg, const uint8_t *, off), part);
		done += part;
	}
	head->data_len = len;
	head->pkt_len = m->pkt_len;
	head->port = m->port;
	net_flags_copy(head, m);
	head->vlan_tci = m->vlan_tci;
	head->hash = m->hash;
	head->packet_type = m->packet_type;
	head->tx_offload = m->tx_offload;
	*net_mbuf_meta(head) = *net_mbuf_meta(m);
	head->next = chain_consume(m, len, &segs);
	head->nb_segs = segs + 1;
	return head;
}

uint8_t net_eth_header(const struct net_if *ifp, const struct rte_ether_addr *dst, uint16_t type, uint8_t *l2)
{
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)l2;
	struct rte_vlan_hdr *tag = (struct rte_vlan_hdr *)(eth + 1);

	eth->dst_addr = *dst;
	eth->src_addr = ifp->mac;
	if (ifp->vlan == 0) {
		eth->ether_type = rte_cpu_to_be_16(type);
		return sizeof(*eth);
	}
	eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_VLAN);
	tag->vlan_tci = rte_cpu_to_be_16(ifp->vlan);
	tag->eth_proto = rte_cpu_to_be_16(type);
	return sizeof(*eth) + sizeof(*tag);
}

/* No headroom: the L2 header goes into an mbuf of its own. */
static struct rte_mbuf *eth_add_head(struct net_stack *st, struct rte_mbuf *m, uint8_t l2_len)
{
	struct rte_mbuf *head = rte_pktmbuf_alloc(st->conf.hdr_pool);

	if (head == NULL)
		return NULL;
	head->data_len = l2_len;
	head->pkt_len = m->pkt_len + l2_len;
	head->nb_segs = m->nb_segs + 1;
	head->port = m->port;
	net_flags_copy(head, m);
	head->tx_offload = m->tx_offload;
	head->packet_type = m->packet_type;
	head->next = m;
	return head;
}

void net_eth_send(struct net_stack *st, const struct net_if *ifp, struct rte_mbuf *m, const uint8_t *l2,
		  uint8_t l2_len, enum net_tx_class cls)
{
	char *at = rte_pktmbuf_prepend(m, l2_len);

	if (unlikely(at == NULL)) {
		struct rte_mbuf *head = eth_add_head(st, m, l2_len);

		if (head == NULL) {
			NET_DROP(&st->stats, TX_NO_MBUF, m);
			return;
		}
		m = head;
		at = rte_pktmbuf_mtod(m, char *);
	}
	/* Copies of fixed size: stores instead of a call. */
	memcpy(at, l2, sizeof(struct rte_ether_hdr));
	if (l2_len > sizeof(struct rte_ether_hdr))
		memcpy(at + sizeof(struct rte_ether_hdr), l2 + sizeof(struct rte_ether_hdr),
		       sizeof(struct rte_vlan_hdr));
	m->l2_len = l2_len;
	st->stats.tx_packets++;
	st->stats.tx_bytes += m->pkt_len;
	st->env.tx(st->env.ctx, ifp, m, cls);
}
