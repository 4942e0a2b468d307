/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Paths: what a connection keeps of routing and neighbours. A packet costs one
 * comparison of generations and the copy of a ready header.
 */
#include <errno.h>

#include "proto/net/net_impl.h"

/* TCP reports progress often; once in this time is enough to keep an entry. */
#define CONFIRM_INTERVAL_US (1 * NET_S)

static bool dst_valid(const struct net_addr *dst)
{
	return dst->family == NET_IPV4 && !net_v4_is_zero_net(dst->v4) && !net_v4_is_loopback(dst->v4) &&
	       !net_v4_is_multicast(dst->v4) && !net_v4_is_class_e(dst->v4);
}

/* -1: no preference; the interface that has src, or an error. */
static int path_prefer(const struct net_stack *st, const struct net_addr *src)
{
	int ifx;

	if (src->family == NET_UNSPEC)
		return -1;
	ifx = net_local_if(st, src);
	return ifx < 0 ? -EHOSTUNREACH : ifx;
}

int net_path_open(struct net_stack *st, struct net_path *p, struct net_addr *src, const struct net_addr *dst)
{
	const struct route *r;
	const struct net_if *ifp;
	struct net_addr hop;
	struct neigh *n;
	int prefer = path_prefer(st, src);

	memset(p, 0, sizeof(*p));
	if (!dst_valid(dst))
		return -EINVAL;
	if (prefer < -1 || net_local_if(st, dst) >= 0)
		return -EHOSTUNREACH;
	r = route_lookup(st, dst->v4, prefer);
	if (r == NULL)
		return -ENETUNREACH;
	if (net_is_broadcast(st, r->ifx, dst->v4))
		return -EINVAL;
	ifp = &st->conf.ifs[r->ifx];
	hop = net_addr_v4(r->via != 0 ? r->via : dst->v4);
	if (src->family == NET_UNSPEC) {
		if (ifp->n_addrs == 0)
			return -ENETUNREACH;
		*src = net_addr_v4(net_if_source(ifp, hop.v4));
	}
	n = neigh_get(st, r->ifx, &hop, false);
	if (n == NULL) {
		net_drop_count(&st->stats, DROP_NEIGH_FULL);
		return -ENOBUFS;
	}
	n->refs++;
	p->ifx = r->ifx;
	p->neigh = pool_index(&st->neigh.pool, n);
	net_path_mtu(st, p, dst);
	return 0;
}

uint16_t net_path_mtu(struct net_stack *st, struct net_path *p, const struct net_addr *dst)
{
	p->mtu = pmtu_lookup(st, dst, st->conf.ifs[p->ifx].mtu);
	return p->mtu;
}

void net_path_share(struct net_stack *st, struct net_path *p, const struct net_path *from)
{
	*p = *from;
	if (p->neigh != 0)
		neigh_at(st, p->neigh)->refs++;
}

void net_path_close(struct net_stack *st, struct net_path *p)
{
	struct neigh *n;

	if (p->neigh == 0)
		return;
	n = neigh_at(st, p->neigh);
	p->neigh = 0;
	p->l2_len = 0;
	/* An entry nobody asked a question for has no timer that would free it. */
	if (--n->refs == 0 && n->state == NEIGH_NONE)
		neigh_delete(st, n);
}

static int path_send_slow(struct net_stack *st, struct net_path *p, struct neigh *n, struct rte_mbuf *m,
			  enum net_tx_class cls)
{
	if (n->state == NEIGH_FAILED) {
		NET_DROP(&st->stats, NEIGH_FAILED, m);
		return -EHOSTUNREACH;
	}
	neigh_use(st, n);
	if (!n->has_mac) {
		p->l2_len = 0;
		return neigh_enqueue(st, n, m, cls);
	}
	p->l2_len = net_eth_header(&st->conf.ifs[p->ifx], &n->mac, RTE_ETHER_TYPE_IPV4, p->l2);
	p->gen = n->gen;
	net_eth_send(st, &st->conf.ifs[p->ifx], m, p->l2, p->l2_len, cls);
	return 0;
}

/* Largest IP packet this becomes on the wire. */
static uint32_t wire_len(const struct rte_mbuf *m)
{
	if ((m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0)
		return (uint32_t)m->l3_len + m->l4_len + m->tso_segsz;
	return m->pkt_len;
}

int net_path_send(struct net_stack *st, struct net_path *p, struct rte_mbuf *m, enum net_tx_class cls)
{
	const struct net_if *ifp = &st->conf.ifs[p->ifx];
	struct neigh *n;

	if (unlikely(p->neigh == 0)) {
		NET_DROP(&st->stats, IP_NO_ROUTE, m);
		return -EHOSTUNREACH;
	}
	n = neigh_at(st, p->neigh);
	if (unlikely(wire_len(m) > ifp->mtu)) {
		NET_DROP(&st->stats, TX_MTU, m);
		return 0;
	}
	if (unlikely(p->gen != n->gen || p->l2_len == 0))
		return path_send_slow(st, p, n, m, cls);
	net_eth_send(st, ifp, m, p->l2, p->l2_len, cls);
	return 0;
}

int net_path_ready(struct net_stack *st, const struct net_path *p)
{
	struct neigh *n;

	if (unlikely(p->neigh == 0))
		return -EHOSTUNREACH;
	n = neigh_at(st, p->neigh);
	if (likely(n->has_mac))
		return 0;
	if (n->state == NEIGH_FAILED)
		return -EHOSTUNREACH;
	n->awaited = true;
	neigh_use(st, n);
	return -EAGAIN;
}

void net_path_confirm(struct net_stack *st, struct net_path *p)
{
	struct neigh *n;

	if (unlikely(p->neigh == 0))
		return;
	n = neigh_at(st, p->neigh);
	if (likely(st->now_us - n->confirmed_us < CONFIRM_INTERVAL_US))
		return;
	neigh_confirm(st, n);
}

unsigned net_path_room(struct net_stack *st, const struct net_path *p)
{
	return st->env.tx_room(st->env.ctx, &st->conf.ifs[p->ifx]);
}
