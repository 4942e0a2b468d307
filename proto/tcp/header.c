/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One segment on its way down: header buffer, payload behind it (copied when
 * small, attached otherwise), offload requests (8.1).
 */
#include <errno.h>

#include <rte_ip.h>

#include "proto/tcp/snd.h"

#define IP_LEN 20
#define TCP_LEN 20
#define TS_LEN 12 /* octets of the timestamps alone */
#define IP_DF_BE RTE_BE16(0x4000)

/* Octets of options that every data segment carries: what snd_mss has left out. */
static unsigned standing_options(const struct tcp_conn *c)
{
	return c->flags & TCF_TS ? TS_LEN : 0;
}

void tcp_out_prepare(struct tcp_conn *c, struct tcp_out *o)
{
	unsigned standing = standing_options(c);
	unsigned extra;

	o->opt_len = (uint8_t)tcp_build_options(c, RTE_TCP_ACK_FLAG, o->opts);
	extra = o->opt_len > standing ? o->opt_len - standing : 0; /* SACK blocks */
	o->seg = c->snd_mss > extra + 8 ? (uint16_t)(c->snd_mss - extra) : c->snd_mss;
}

/* Octets from seq on that lie in at most TCP_OUT_PIECES buffers. */
static uint32_t attachable(const struct tcp_out *o)
{
	uint32_t got = 0, off = o->seq - net_mbuf_meta(o->buf)->seq;
	const struct rte_mbuf *m;
	unsigned n = 0;

	for (m = o->buf; m && n < TCP_OUT_PIECES && got < o->len; m = m->next, n++, off = 0)
		got += m->data_len - off;
	return tcp_min(got, o->len);
}

void tcp_out_fit(struct tcp_out *o)
{
	uint32_t got;

	if (o->len <= TCP_COPY_MAX)
		return;
	got = attachable(o);
	if (got == o->len)
		return;
	/* by whole units; a unit in more pieces than that is copied, or cut if no header buffer holds it */
	if (got >= o->seg)
		o->len = got - got % o->seg;
	else
		o->len = tcp_min(o->len, tcp_max(got, tcp_min((uint32_t)o->seg, 1460u)));
}

static int attach_payload(struct tcp_conn *c, const struct tcp_out *o, struct rte_mbuf *h)
{
	struct rte_mempool *pool = net_conf(c->ts->net)->ind_pool;
	uint32_t left = o->len, off = o->seq - net_mbuf_meta(o->buf)->seq;
	struct rte_mbuf *m, *last = h;

	for (m = o->buf; left > 0; m = m->next, off = 0) {
		uint16_t n = (uint16_t)tcp_min(left, (uint32_t)m->data_len - off);
		struct rte_mbuf *mi = rte_pktmbuf_alloc(pool);

		if (mi == NULL)
			return -ENOMEM;
		rte_pktmbuf_attach(mi, m);
		mi->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
		mi->data_off += (uint16_t)off;
		mi->data_len = n;
		mi->pkt_len = n;
		last->next = mi;
		last = mi;
		h->nb_segs++;
		left -= n;
	}
	h->pkt_len += o->len;
	return 0;
}

static void copy_payload(const struct tcp_out *o, struct rte_mbuf *h)
{
	uint32_t left = o->len, off = o->seq - net_mbuf_meta(o->buf)->seq;
	uint8_t *to = rte_pktmbuf_mtod_offset(h, uint8_t *, h->data_len);
	const struct rte_mbuf *m;

	for (m = o->buf; left > 0; m = m->next, off = 0) {
		uint32_t n = tcp_min(left, m->data_len - off);

		memcpy(to, rte_pktmbuf_mtod_offset(m, const uint8_t *, off), n);
		to += n;
		left -= n;
	}
	h->data_len += (uint16_t)o->len;
	h->pkt_len += o->len;
}

static int add_payload(struct tcp_conn *c, const struct tcp_out *o, struct rte_mbuf *h)
{
	if (o->len == 0)
		return 0;
	/* One frame's worth is cheaper to copy than a second buffer for it is to make, to send and to free. */
	if (o->len <= TCP_COPY_MAX ||
	    (o->len <= rte_pktmbuf_tailroom(h) && (o->len <= o->seg || attachable(o) < o->len))) {
		copy_payload(o, h);
		return 0;
	}
	return attach_payload(c, o, h);
}

static void fill_ip(struct tcp_conn *c, struct rte_ipv4_hdr *ip, const struct tcp_out *o, unsigned hdr_len,
		    unsigned pieces)
{
	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->type_of_service = (uint8_t)(c->dscp << 2);
	ip->total_length = rte_cpu_to_be_16((uint16_t)(hdr_len + o->len));
	/* per connection, never shared (8.5) */
	ip->packet_id = o->flags & (RTE_TCP_SYN_FLAG | RTE_TCP_RST_FLAG) ? 0 : rte_cpu_to_be_16(c->ip_id);
	c->ip_id += (uint16_t)pieces;
	ip->fragment_offset = IP_DF_BE;
	ip->time_to_live = c->ts->conf.ttl ? c->ts->conf.ttl : 64;
	ip->next_proto_id = IPPROTO_TCP;
	ip->hdr_checksum = 0;
	ip->src_addr = net_flow_laddr4(&c->flow);
	ip->dst_addr = net_flow_raddr4(&c->flow);
}

static void fill_tcp(struct tcp_conn *c, struct rte_tcp_hdr *th, const struct tcp_out *o)
{
	th->src_port = c->flow.lport;
	th->dst_port = c->flow.rport;
	th->sent_seq = rte_cpu_to_be_32(o->seq);
	th->recv_ack = o->flags & RTE_TCP_ACK_FLAG ? rte_cpu_to_be_32(c->rcv_nxt) : 0;
	th->data_off = (uint8_t)((TCP_LEN + o->opt_len) << 2);
	th->tcp_flags = o->flags;
	th->rx_win = 0;
	if (!(o->flags & RTE_TCP_RST_FLAG))
		th->rx_win = rte_cpu_to_be_16(tcp_rcv_window_field(c, o->flags & RTE_TCP_SYN_FLAG));
	th->tcp_urp = 0;
	if (likely(o->opt_len == TS_LEN)) /* stores instead of a call */
		memcpy(th + 1, o->opts, TS_LEN);
	else
		memcpy(th + 1, o->opts, o->opt_len);
}

int tcp_out_emit(struct tcp_conn *c, struct tcp_out *o, enum net_tx_class cls)
{
	unsigned hdr_len = IP_LEN + TCP_LEN + o->opt_len, pieces = 1;
	struct rte_mbuf *h = rte_pktmbuf_alloc(net_conf(c->ts->net)->hdr_pool);
	struct rte_ipv4_hdr *ip;
	struct rte_tcp_hdr *th;
	int rc;

	if (h == NULL)
		goto no_memory;
	ip = (struct rte_ipv4_hdr *)rte_pktmbuf_append(h, (uint16_t)hdr_len);
	if (ip == NULL || add_payload(c, o, h) < 0)
		goto no_memory;
	th = (struct rte_tcp_hdr *)(ip + 1);
	h->l3_len = IP_LEN;
	h->l4_len = (uint64_t)(TCP_LEN + o->opt_len);
	h->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM;
	fill_tcp(c, th, o);
	if (o->len > o->seg) {
		pieces = (o->len + o->seg - 1) / o->seg;
		h->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
		h->tso_segsz = o->seg;
	}
	fill_ip(c, ip, o, hdr_len, pieces);
	th->cksum = tcp_pseudo_sum(ip->src_addr, ip->dst_addr,
				   pieces > 1 ? 0 : (uint16_t)(TCP_LEN + o->opt_len + o->len));
	c->segs_out += pieces;
	c->ts->stats.out_segs += pieces;
	if (o->flags & RTE_TCP_ACK_FLAG)
		tcp_ack_sent(c);
	/* a next hop that is known dead is counted below us; the timers know what
	 * to do, but for an attempt to connect, which is told */
	rc = net_path_send(c->ts->net, &c->path, h, cls);
	return o->flags & RTE_TCP_SYN_FLAG && rc == -EHOSTUNREACH ? rc : 0;

no_memory:
	rte_pktmbuf_free(h);
	c->ts->stats.no_memory++;
	net_drop_count(c->ts->drops, DROP_TX_NO_MBUF);
	return -ENOMEM;
}

int tcp_send_control(struct tcp_conn *c, uint32_t seq, uint8_t flags)
{
	/* a RST must not overtake data, or its number would not be the next one there (RFC 5961) */
	enum net_tx_class cls = flags & RTE_TCP_RST_FLAG ? NET_TX_DATA : NET_TX_CONTROL;
	struct tcp_out o = { .seq = seq, .flags = flags, .seg = UINT16_MAX };
	int rc;

	if (!(flags & RTE_TCP_RST_FLAG))
		o.opt_len = (uint8_t)tcp_build_options(c, flags, o.opts);
	rc = tcp_out_emit(c, &o, cls);
	if (rc == 0 && flags == RTE_TCP_ACK_FLAG)
		c->ts->stats.pure_acks_out++;
	return rc;
}
