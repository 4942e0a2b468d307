/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A burst of TCP datagrams, in stages over the whole burst so that the cache
 * misses of table and objects overlap: parse, check and hash; look up; process
 * in order of arrival. ACKs are only noted, so a connection's segments of one
 * turn are answered together. What a segment creates or deletes changes the
 * table's generation, and the following ones are looked up again.
 */
#include <rte_common.h>
#include <rte_ip.h>
#include <rte_prefetch.h>

#include "proto/net/offload.h"
#include "proto/tcp/conn.h"

#define STAGE 32

struct arrival {
	struct net_flow flow;
	uint64_t hash;
	uint32_t ref;
	struct tcp_seg seg;
};

#define DROP_BEFORE(ts, why, m) do { \
	(ts)->stats.in_errs++; \
	NET_DROP((ts)->drops, why, m); \
	return false; \
} while (0)

static bool cksum_bad(struct rte_mbuf *m, const struct net_meta *meta)
{
	return !(meta->flags & NET_META_CKSUM_OK) && net_l4_cksum(m, meta->l3_off, meta->l4_off, meta->l4_len) != 0;
}

/* A SYN-ACK may carry FIN, a SYN not: nothing but scanners sends it. */
static bool bad_flags(uint8_t flags)
{
	if (!(flags & RTE_TCP_SYN_FLAG))
		return false;
	return flags & RTE_TCP_RST_FLAG || (flags & (RTE_TCP_FIN_FLAG | RTE_TCP_ACK_FLAG)) == RTE_TCP_FIN_FLAG;
}

static void fill_flow(struct tcp_stack *ts, struct net_flow *f, const struct net_meta *meta,
		      const struct rte_ipv4_hdr *ip, const struct rte_tcp_hdr *th)
{
	struct net_addr l = net_addr_v4(ip->dst_addr), r = net_addr_v4(ip->src_addr);

	memcpy(f->laddr, l.b, 16);
	memcpy(f->raddr, r.b, 16);
	f->lport = th->dst_port;
	f->rport = th->src_port;
	f->ifx = meta->ifx;
	f->vlan = net_if_get(ts->net, meta->ifx)->vlan;
	f->family = NET_IPV4;
}

static void fill_seg(struct tcp_seg *seg, struct rte_mbuf *m, const struct net_meta *meta,
		     const struct rte_tcp_hdr *th, unsigned hlen)
{
	seg->m = m;
	seg->seq = rte_be_to_cpu_32(th->sent_seq);
	seg->ack = rte_be_to_cpu_32(th->recv_ack);
	seg->len = meta->l4_len - hlen;
	seg->wnd = rte_be_to_cpu_16(th->rx_win);
	seg->urg = rte_be_to_cpu_16(th->tcp_urp);
	seg->gso_size = meta->gso_size;
	seg->flags = th->tcp_flags;
	seg->dscp = meta->dscp;
	seg->end = seg->seq + seg->len + ((seg->flags & RTE_TCP_SYN_FLAG) != 0) +
		   ((seg->flags & RTE_TCP_FIN_FLAG) != 0);
	tcp_parse_options((const uint8_t *)(th + 1), hlen - sizeof(*th), &seg->opt);
}

/* The checks before a connection is known (2.1). Broadcast, multicast and foreign addresses were
 * refused by IP, as source and as destination. */
static bool parse(struct tcp_stack *ts, struct rte_mbuf *m, struct arrival *a)
{
	const struct net_meta *meta = net_mbuf_meta(m);
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, meta->l3_off);
	const struct rte_tcp_hdr *th = rte_pktmbuf_mtod_offset(m, const struct rte_tcp_hdr *, meta->l4_off);
	unsigned hlen, adj;

	if (meta->l4_len < sizeof(*th) || rte_pktmbuf_data_len(m) < meta->l4_off + sizeof(*th))
		DROP_BEFORE(ts, TCP_SHORT, m);
	hlen = (th->data_off >> 4) * 4u;
	if (hlen < sizeof(*th) || hlen > meta->l4_len || rte_pktmbuf_data_len(m) < meta->l4_off + hlen)
		DROP_BEFORE(ts, TCP_OFFSET, m);
	if (cksum_bad(m, meta))
		DROP_BEFORE(ts, TCP_CKSUM, m);
	if (bad_flags(th->tcp_flags))
		DROP_BEFORE(ts, TCP_FLAGS, m);
	if (th->src_port == 0 || th->dst_port == 0)
		DROP_BEFORE(ts, TCP_PORT0, m);
	fill_flow(ts, &a->flow, meta, ip, th);
	fill_seg(&a->seg, m, meta, th, hlen);
	a->hash = tcp_hash(ts, &a->flow);
	adj = meta->l4_off + hlen;
	rte_pktmbuf_adj(m, adj);
	ts->stats.bad_options += (a->seg.opt.present & TCP_OPT_BAD) != 0;
	ts->stats.in_rsts += (a->seg.flags & RTE_TCP_RST_FLAG) != 0;
	return true;
}

/* Nothing found (RFC 9293 3.10.7.1, 3.10.7.2). */
static void no_entry(struct tcp_stack *ts, struct arrival *a)
{
	struct tcp_listener *l = tcp_listener_find(ts, &a->flow);

	if (l != NULL) {
		tcp_listen_input(l, &a->flow, a->hash, &a->seg);
	} else if (a->seg.flags & RTE_TCP_RST_FLAG) {
		TCP_SEG_DROP(ts, TCP_RST_UNMATCHED, &a->seg);
	} else {
		tcp_reset_reply(ts, &a->flow, &a->seg);
		TCP_SEG_DROP(ts, TCP_NO_LISTENER, &a->seg);
	}
}

static void process(struct tcp_stack *ts, struct arrival *a)
{
	uint32_t idx = tcp_ref_index(a->ref);

	switch (a->ref != 0 ? tcp_ref_kind(a->ref) : 0) {
	case TCP_KIND_CONN:
		tcp_segment_input(pool_at(&ts->conns, idx), &a->seg);
		break;
	case TCP_KIND_HALF:
		tcp_half_input(ts, pool_at(&ts->half_opens, idx), &a->seg);
		break;
	case TCP_KIND_TW:
		tcp_tw_input(ts, pool_at(&ts->time_waits, idx), a->hash, &a->seg);
		break;
	default:
		no_entry(ts, a);
	}
	if (a->seg.m != NULL)
		TCP_SEG_DROP(ts, TCP_DONE, &a->seg);
}

static void burst(struct tcp_stack *ts, struct rte_mbuf **pkts, unsigned n)
{
	struct arrival a[STAGE];
	unsigned k = 0;
	uint32_t gen;

	for (unsigned i = 0; i < n; i++) {
		if (!parse(ts, pkts[i], &a[k]))
			continue;
		tcp_table_prefetch(ts->table, a[k++].hash);
	}
	for (unsigned i = 0; i < k; i++)
		tcp_table_prefetch_objects(ts->table, a[i].hash);
	for (unsigned i = 0; i < k; i++)
		a[i].ref = tcp_table_find(ts->table, &a[i].flow, a[i].hash);
	gen = tcp_table_gen(ts->table);
	for (unsigned i = 0; i < k; i++) {
		if (tcp_table_gen(ts->table) != gen)
			a[i].ref = tcp_table_find(ts->table, &a[i].flow, a[i].hash);
		process(ts, &a[i]);
	}
}

void tcp_input(void *ctx, struct rte_mbuf **pkts, unsigned n)
{
	struct tcp_stack *ts = ctx;

	ts->stats.in_segs += n;
	for (unsigned i = 0; i < n; i += STAGE)
		burst(ts, pkts + i, RTE_MIN(n - i, (unsigned)STAGE));
}
