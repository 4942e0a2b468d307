/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Routes: static ones and the subnets of our addresses, sorted by prefix
 * length so that the first match is the longest. A look-up is made once a
 * connection, and a host has few routes.
 */
#include <errno.h>
#include <stdlib.h>

#include "proto/net/net_impl.h"

static uint32_t prefix_mask(uint8_t len)
{
	return len == 0 ? 0 : UINT32_MAX << (32 - len);
}

static void route_add(struct net_stack *st, rte_be32_t net, uint8_t prefix_len, rte_be32_t via, uint8_t ifx)
{
	struct route *r = &st->routes[st->n_routes++];

	r->mask = prefix_mask(prefix_len);
	r->net = rte_be_to_cpu_32(net) & r->mask;
	r->via = via;
	r->prefix_len = prefix_len;
	r->ifx = ifx;
}

/* Longest first; among equals on-link before a gateway. */
static int route_cmp(const void *pa, const void *pb)
{
	const struct route *a = pa, *b = pb;

	if (a->prefix_len != b->prefix_len)
		return (int)b->prefix_len - (int)a->prefix_len;
	return (a->via != 0) - (b->via != 0);
}

int route_table_init(struct net_stack *st)
{
	const struct net_config *c = &st->conf;

	for (unsigned i = 0; i < c->n_ifs; i++) {
		for (unsigned k = 0; k < c->ifs[i].n_addrs; k++) {
			const struct net_if_addr *a = &c->ifs[i].addrs[k];

			if (a->addr.family != NET_IPV4 || a->prefix_len > 32)
				return -EINVAL;
			route_add(st, a->addr.v4, a->prefix_len, 0, i);
		}
	}
	for (unsigned i = 0; i < c->n_routes; i++) {
		const struct net_route *r = &c->routes[i];

		if (r->prefix.family != NET_IPV4 || r->prefix_len > 32 || r->ifx >= c->n_ifs ||
		    (r->via.family != NET_UNSPEC && r->via.family != NET_IPV4))
			return -EINVAL;
		route_add(st, r->prefix.v4, r->prefix_len, r->via.family == NET_IPV4 ? r->via.v4 : 0, r->ifx);
	}
	qsort(st->routes, st->n_routes, sizeof(st->routes[0]), route_cmp);
	return 0;
}

const struct route *route_lookup(const struct net_stack *st, rte_be32_t dst, int prefer_ifx)
{
	uint32_t d = rte_be_to_cpu_32(dst);
	const struct route *best = NULL;

	for (unsigned i = 0; i < st->n_routes; i++) {
		const struct route *r = &st->routes[i];

		if ((d & r->mask) != r->net)
			continue;
		if (best == NULL) {
			best = r;
			if (prefer_ifx < 0)
				break;
		}
		if (r->prefix_len != best->prefix_len)
			break;
		if (r->ifx == prefer_ifx)
			return r;
	}
	return best;
}
