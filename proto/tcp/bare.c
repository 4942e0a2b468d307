/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Segments of flows that have no connection: RST, SYN-ACK of a half-open
 * entry, ACK of TIME-WAIT.
 */
#include <errno.h>

#include <rte_ip.h>

#include "proto/tcp/conn.h"
#include "proto/tcp/snd.h"

static void fill_bare(struct tcp_stack *ts, struct rte_ipv4_hdr *ip, const struct tcp_bare *b)
{
	struct rte_tcp_hdr *th = (struct rte_tcp_hdr *)(ip + 1);
	uint16_t tcp_len = (uint16_t)(sizeof(*th) + b->opt_len);

	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->type_of_service = (uint8_t)(b->dscp << 2);
	ip->total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + tcp_len));
	ip->packet_id = 0;
	ip->fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG);
	ip->time_to_live = ts->conf.ttl ? ts->conf.ttl : 64;
	ip->next_proto_id = IPPROTO_TCP;
	ip->hdr_checksum = 0;
	ip->src_addr = net_flow_laddr4(&b->flow);
	ip->dst_addr = net_flow_raddr4(&b->flow);
	th->src_port = b->flow.lport;
	th->dst_port = b->flow.rport;
	th->sent_seq = rte_cpu_to_be_32(b->seq);
	th->recv_ack = rte_cpu_to_be_32(b->ack);
	th->data_off = (uint8_t)(tcp_len << 2);
	th->tcp_flags = b->flags;
	th->rx_win = rte_cpu_to_be_16(b->wnd);
	th->tcp_urp = 0;
	memcpy(th + 1, b->opts, b->opt_len);
	th->cksum = tcp_pseudo_sum(ip->src_addr, ip->dst_addr, tcp_len);
}

int tcp_send_bare(struct tcp_stack *ts, const struct tcp_bare *b)
{
	unsigned len = sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_tcp_hdr) + b->opt_len;
	struct net_path *path;
	struct rte_ipv4_hdr *ip;
	struct rte_mbuf *m;
	int rc;

	if (b->opt_len > sizeof(b->opts) || b->opt_len % 4)
		return -EINVAL;
	rc = tcp_path_borrow(ts, &b->flow, &path);
	if (rc < 0)
		return rc;
	if (b->awaits != NULL && net_path_ready(ts->net, path) == -EAGAIN) {
		*b->awaits = path->neigh;
		tcp_path_return(ts, path, -EAGAIN);
		return -EAGAIN;
	}
	m = rte_pktmbuf_alloc(net_conf(ts->net)->hdr_pool);
	ip = m ? (struct rte_ipv4_hdr *)rte_pktmbuf_append(m, (uint16_t)len) : NULL;
	if (ip == NULL) {
		rte_pktmbuf_free(m);
		ts->stats.no_memory++;
		net_drop_count(ts->drops, DROP_TX_NO_MBUF);
		tcp_path_return(ts, path, -ENOMEM);
		return -ENOMEM;
	}
	fill_bare(ts, ip, b);
	m->l3_len = sizeof(*ip);
	m->l4_len = sizeof(struct rte_tcp_hdr) + b->opt_len;
	m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM;
	ts->stats.out_segs++;
	rc = net_path_send(ts->net, path, m, NET_TX_CONTROL);
	tcp_path_return(ts, path, rc);
	return rc;
}
