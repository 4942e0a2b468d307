/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Paths of segments that belong to no connection, kept for the next one to the
 * same destination: a handshake sends its SYN-ACK and soon after becomes a
 * connection with the same path. Direct mapped by keyed hash.
 *
 * Only paths with a known neighbour stay, so that a flood with forged sources
 * pins none of the entries that wait for an answer. Routes do not change in
 * the life of a stack; what may change, the neighbour's address, is noticed by
 * its generation at each use, and the path MTU is read anew by who cares.
 */
#include <errno.h>
#include <stdlib.h>

#include <rte_common.h>

#include "proto/tcp/conn.h"

#define SLOTS_MAX 256
#define NEIGH_SHARE 4   /* at most this part of the neighbour table is pinned here */

struct path_state {
	uint32_t mask;
	struct path_slot {
		rte_be32_t src, dst;
		struct net_path path; /* neigh 0: empty */
	} slot[];
};

int tcp_path_init(struct tcp_stack *ts)
{
	uint32_t n = RTE_MIN(net_conf(ts->net)->neigh_max / NEIGH_SHARE, (uint32_t)SLOTS_MAX);

	n = rte_align32prevpow2(RTE_MAX(n, 1u));
	ts->path = calloc(1, sizeof(*ts->path) + n * sizeof(ts->path->slot[0]));
	if (ts->path == NULL)
		return -ENOMEM;
	ts->path->mask = n - 1;
	return 0;
}

void tcp_path_fini(struct tcp_stack *ts)
{
	if (ts->path == NULL)
		return;
	for (uint32_t i = 0; i <= ts->path->mask; i++)
		net_path_close(ts->net, &ts->path->slot[i].path);
	free(ts->path);
}

static struct path_slot *slot_of(const struct tcp_stack *ts, rte_be32_t src, rte_be32_t dst)
{
	uint64_t key = (uint64_t)src << 32 | dst;

	return &ts->path->slot[keyed_mix(&ts->table_key, &key, 1) & ts->path->mask];
}

static bool holds(const struct path_slot *s, rte_be32_t src, rte_be32_t dst)
{
	return s->path.neigh != 0 && s->src == src && s->dst == dst;
}

int tcp_path_borrow(struct tcp_stack *ts, const struct net_flow *f, struct net_path **out)
{
	struct net_addr src = net_addr_v4(net_flow_laddr4(f)), dst = net_addr_v4(net_flow_raddr4(f));
	struct path_slot *s = slot_of(ts, src.v4, dst.v4);
	int rc;

	if (likely(holds(s, src.v4, dst.v4))) {
		*out = &s->path;
		return 0;
	}
	net_path_close(ts->net, &s->path);
	rc = net_path_open(ts->net, &s->path, &src, &dst);
	if (rc < 0)
		return rc;
	s->src = src.v4;
	s->dst = dst.v4;
	*out = &s->path;
	return 0;
}

void tcp_path_return(struct tcp_stack *ts, struct net_path *p, int rc)
{
	if (rc < 0 || p->l2_len == 0)
		net_path_close(ts->net, p);
}

int tcp_path_open(struct tcp_stack *ts, const struct net_flow *f, struct net_path *p)
{
	struct net_addr src = net_addr_v4(net_flow_laddr4(f)), dst = net_addr_v4(net_flow_raddr4(f));
	const struct path_slot *s = slot_of(ts, src.v4, dst.v4);

	if (!holds(s, src.v4, dst.v4))
		return net_path_open(ts->net, p, &src, &dst);
	net_path_share(ts->net, p, &s->path);
	net_path_mtu(ts->net, p, &dst);
	return 0;
}
