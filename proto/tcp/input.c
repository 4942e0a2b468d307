/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A burst of TCP datagrams, in stages over the whole burst so that the cache
 * misses of table and objects overlap: parse, check and hash; look up; process
 * in order of arrival. ACKs are only noted, so a connection's segments of one
 * turn are answered together. What a segment creates or deletes changes the
 * table's generation, and the following ones are looked up again. A run of
 * segments of one flow is looked up once, and where they follow each other in
 * order the connection gets them as one.
 */
#include <rte_common.h>
#include <rte_ip.h>
#include <rte_prefetch.h>

#include "proto/net/offload.h"
#include "proto/tcp/conn.h"

#define STAGE 32
#define MERGED_MAX 65535u /* octets, as of a segment that the port merged */

struct arrival {
	struct net_flow flow;
	uint64_t hash;
	uint32_t ref;
	bool again;                    /* of the same flow as the one before it */
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
	seg->tos = meta->tos;
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

/* ---- runs ------------------------------------------------------------------------ */

/* What the fast path would take segment by segment it may take in one go. */
static bool may_merge(const struct tcp_conn *c, const struct tcp_seg *s)
{
	if (c->state != TCP_ESTABLISHED || s->seq != c->rcv_nxt || s->len == 0 || s->flags != RTE_TCP_ACK_FLAG ||
	    s->gso_size != 0 || c->ooo != NULL || c->has_fin || !c->ts->conf.fast_path)
		return false;
	if (seq_lt(s->ack, c->snd_una) || seq_gt(s->ack, c->snd_nxt))
		return false;
	return s->opt.present == 0 || (s->opt.present == TCP_OPT_TS && seq_ge(s->opt.tsval, c->ts_recent));
}

/* s says nothing that the run before it did not, but for its payload, which comes next, and PSH. */
static bool follows(const struct tcp_seg *run, const struct tcp_seg *s, uint32_t unit)
{
	if (s->seq != run->end || s->len == 0 || s->len > unit || s->ack != run->ack || s->wnd != run->wnd ||
	    (s->flags & ~RTE_TCP_PSH_FLAG) != RTE_TCP_ACK_FLAG || s->gso_size != 0 || s->tos != run->tos ||
	    s->opt.present != run->opt.present || run->len + s->len > MERGED_MAX)
		return false;
	return !(s->opt.present & TCP_OPT_TS) ||
	       (s->opt.tsval == run->opt.tsval && s->opt.tsecr == run->opt.tsecr);
}

/*
 * Join to a[0] those behind it that continue it, so that they are one segment
 * as a port that merges would have handed in: units of the first one's length,
 * the last may be shorter; PSH ends it. Returns how many it is made of.
 */
static unsigned merge(struct tcp_stack *ts, struct arrival *a, unsigned n)
{
	struct tcp_seg *run = &a->seg;
	uint32_t unit = run->len;
	struct rte_mbuf *last;
	struct tcp_conn *c;
	bool short_one = false;
	unsigned i;

	if (n < 2 || !a[1].again || a->ref == 0 || tcp_ref_kind(a->ref) != TCP_KIND_CONN)
		return 1;
	c = pool_at(&ts->conns, tcp_ref_index(a->ref));
	if (!may_merge(c, run))
		return 1;
	last = rte_pktmbuf_lastseg(run->m);
	for (i = 1; i < n && a[i].again && !(run->flags & RTE_TCP_PSH_FLAG); i++) {
		const struct tcp_seg *s = &a[i].seg;

		if (!follows(run, s, unit) || short_one || seq_gt(s->end, c->rcv_edge))
			break;
		short_one = s->len != unit;
		last->next = s->m;
		last = rte_pktmbuf_lastseg(s->m);
		run->m->pkt_len += s->m->pkt_len;
		run->m->nb_segs += s->m->nb_segs;
		run->len += s->len;
		run->end = s->end;
		run->flags |= s->flags;
	}
	if (i > 1)
		run->gso_size = (uint16_t)unit;
	c->segs_in += i - 1;
	ts->stats.merged_in += i - 1;
	return i;
}

/* The n-th arrival's object, by its own look-up or that of the one before it. */
static uint32_t look_up(const struct tcp_stack *ts, const struct arrival *a, unsigned i)
{
	return a[i].again ? a[i - 1].ref : tcp_table_find(ts->table, &a[i].flow, a[i].hash);
}

static unsigned parse_all(struct tcp_stack *ts, struct rte_mbuf **pkts, unsigned n, struct arrival *a)
{
	unsigned k = 0;

	for (unsigned i = 0; i < n; i++) {
		if (!parse(ts, pkts[i], &a[k]))
			continue;
		a[k].again = k != 0 && net_flow_equal(&a[k].flow, &a[k - 1].flow);
		if (a[k].again) {
			a[k].hash = a[k - 1].hash;
		} else {
			a[k].hash = tcp_hash(ts, &a[k].flow);
			tcp_table_prefetch(ts->table, a[k].hash);
		}
		k++;
	}
	return k;
}

static void burst(struct tcp_stack *ts, struct rte_mbuf **pkts, unsigned n)
{
	struct arrival a[STAGE];
	unsigned k = parse_all(ts, pkts, n, a), run;
	uint32_t gen;

	for (unsigned i = 0; i < k; i++) {
		if (!a[i].again)
			tcp_table_prefetch_objects(ts->table, a[i].hash);
	}
	for (unsigned i = 0; i < k; i++)
		a[i].ref = look_up(ts, a, i);
	gen = tcp_table_gen(ts->table);
	for (unsigned i = 0; i < k; i += run) {
		if (tcp_table_gen(ts->table) != gen)
			a[i].ref = tcp_table_find(ts->table, &a[i].flow, a[i].hash);
		run = merge(ts, &a[i], k - i);
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
