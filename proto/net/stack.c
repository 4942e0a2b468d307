/* SPDX-License-Identifier: BSD-3-Clause */
/* The stack object: creation, clock, random numbers, addresses. */
#include <errno.h>
#include <stdlib.h>

#include "proto/net/net_impl.h"

static uint32_t or_default(uint32_t v, uint32_t def)
{
	return v != 0 ? v : def;
}

static void conf_defaults(struct net_config *c)
{
	c->neigh_max = or_default(c->neigh_max, 1024);
	c->neigh_unresolved_max = or_default(c->neigh_unresolved_max, 256);
	c->neigh_reachable_ms = or_default(c->neigh_reachable_ms, 30000);
	c->neigh_queue = or_default(c->neigh_queue, 3);
	c->ttl = or_default(c->ttl, 64);
	c->frag_max = or_default(c->frag_max, 1024);
	c->frag_timeout_ms = or_default(c->frag_timeout_ms, 30000);
	c->icmp_rate = or_default(c->icmp_rate, 1000);
}

static int conf_check(const struct net_config *c)
{
	if (c->n_ifs > NET_MAX_IFS || c->n_routes > NET_MAX_ROUTES || c->neigh_queue > NET_NEIGH_QUEUE_MAX ||
	    c->hdr_pool == NULL || c->ind_pool == NULL)
		return -EINVAL;
	for (unsigned i = 0; i < c->n_ifs; i++) {
		if (c->ifs[i].n_addrs > NET_MAX_ADDRS || c->ifs[i].ifx != i || c->ifs[i].mtu < 68)
			return -EINVAL;
	}
	return 0;
}

static void stack_seed(struct net_stack *st)
{
	st->env.random(st->env.ctx, &st->key, sizeof(st->key));
	st->env.random(st->env.ctx, &st->random_ctr, sizeof(st->random_ctr));
	st->env.random(st->env.ctx, st->ip_id, sizeof(st->ip_id));
}

static void stack_limits(struct net_stack *st)
{
	bucket_init(&st->icmp_all, st->now_us, st->conf.icmp_rate / 10 + 1);
	for (unsigned i = 0; i < ICMP_DST_BUCKETS; i++) {
		bucket_init(&st->icmp_dst[ICMP_ERRORS][i], st->now_us, 10);
		bucket_init(&st->icmp_dst[ICMP_ECHO_REPLIES][i], st->now_us, st->conf.icmp_rate / 20 + 1);
	}
}

static uint32_t if_mask(const struct net_if_addr *a)
{
	return a->prefix_len == 0 ? 0 : UINT32_MAX << (32 - a->prefix_len);
}

/* Every packet asks for them. /31 and /32 have none (RFC 3021). */
static void stack_broadcasts(struct net_stack *st)
{
	for (unsigned i = 0; i < st->conf.n_ifs; i++) {
		for (unsigned k = 0; k < st->conf.ifs[i].n_addrs; k++) {
			const struct net_if_addr *a = &st->conf.ifs[i].addrs[k];

			st->broadcast[i][k] = a->prefix_len > 30 ? UINT32_MAX
							       : a->addr.v4 | rte_cpu_to_be_32(~if_mask(a));
		}
	}
}

int net_stack_create(struct net_stack **out, const struct net_config *conf, const struct net_env *env,
		     struct wheel *wheel, uint64_t now_us)
{
	struct net_stack *st = calloc(1, sizeof(*st));
	int rc;

	if (st == NULL)
		return -ENOMEM;
	st->conf = *conf;
	st->env = *env;
	st->wheel = wheel;
	st->now_us = now_us;
	conf_defaults(&st->conf);
	rc = conf_check(&st->conf);
	if (rc < 0)
		goto fail;
	stack_seed(st);
	stack_limits(st);
	stack_broadcasts(st);
	rc = route_table_init(st);
	if (rc < 0)
		goto fail;
	rc = neigh_table_init(st);
	if (rc < 0)
		goto fail;
	rc = pmtu_init(st);
	if (rc < 0)
		goto fail_neigh;
	rc = reasm_init(st);
	if (rc < 0)
		goto fail_pmtu;
	wheel_register(wheel, WHEEL_NEIGH, neigh_timer, st);
	wheel_register(wheel, WHEEL_REASM, reasm_timer, st);
	wheel_register(wheel, WHEEL_ARP, arp_timer, st);
	*out = st;
	return 0;

fail_pmtu:
	pmtu_fini(st);
fail_neigh:
	neigh_table_fini(st);
fail:
	free(st);
	return rc;
}

void net_stack_destroy(struct net_stack *st)
{
	if (st == NULL)
		return;
	for (unsigned i = 0; i < NET_MAX_IFS; i++)
		wheel_cancel(st->wheel, &st->announce[i].timer);
	reasm_fini(st);
	pmtu_fini(st);
	neigh_table_fini(st);
	free(st);
}

void net_stack_register(struct net_stack *st, uint8_t ip_proto, const struct net_proto *proto)
{
	st->proto_copy[ip_proto] = *proto;
	st->proto[ip_proto] = &st->proto_copy[ip_proto];
}

void net_stack_start(struct net_stack *st)
{
	if (st->conf.neigh_owner)
		arp_start(st);
}

void net_set_now(struct net_stack *st, uint64_t now_us) { st->now_us = now_us; }
uint64_t net_now(const struct net_stack *st) { return st->now_us; }
struct net_stats *net_stats(struct net_stack *st) { return &st->stats; }
const struct net_config *net_conf(const struct net_stack *st) { return &st->conf; }
const struct net_env *net_environment(const struct net_stack *st) { return &st->env; }

struct net_if *net_if_get(struct net_stack *st, uint8_t ifx)
{
	return ifx < st->conf.n_ifs ? &st->conf.ifs[ifx] : NULL;
}

/* The system's random numbers once, then a keyed counter: a packet must not
 * cost a system call. */
uint64_t net_random64(struct net_stack *st)
{
	st->random_ctr++;
	return siphash(&st->key, &st->random_ctr, sizeof(st->random_ctr));
}

uint32_t net_random_below(struct net_stack *st, uint32_t bound)
{
	return (uint32_t)(((net_random64(st) >> 32) * bound) >> 32);
}

int net_if_addr_index(const struct net_if *ifp, rte_be32_t v4)
{
	for (unsigned i = 0; i < ifp->n_addrs; i++) {
		if (ifp->addrs[i].addr.v4 == v4)
			return i;
	}
	return -1;
}

bool net_if_on_link(const struct net_if *ifp, rte_be32_t v4)
{
	for (unsigned i = 0; i < ifp->n_addrs; i++) {
		if (((rte_be_to_cpu_32(v4 ^ ifp->addrs[i].addr.v4)) & if_mask(&ifp->addrs[i])) == 0)
			return true;
	}
	return false;
}

rte_be32_t net_if_source(const struct net_if *ifp, rte_be32_t v4)
{
	for (unsigned i = 0; i < ifp->n_addrs; i++) {
		if (((rte_be_to_cpu_32(v4 ^ ifp->addrs[i].addr.v4)) & if_mask(&ifp->addrs[i])) == 0)
			return ifp->addrs[i].addr.v4;
	}
	return ifp->n_addrs > 0 ? ifp->addrs[0].addr.v4 : 0;
}

int net_local_if(const struct net_stack *st, const struct net_addr *addr)
{
	if (addr->family != NET_IPV4)
		return -ENOENT;
	for (unsigned i = 0; i < st->conf.n_ifs; i++) {
		if (net_if_addr_index(&st->conf.ifs[i], addr->v4) >= 0)
			return i;
	}
	return -ENOENT;
}

bool net_is_broadcast(const struct net_stack *st, uint8_t ifx, rte_be32_t v4)
{
	if (v4 == RTE_BE32(UINT32_MAX) || net_v4_is_multicast(v4))
		return true;
	for (unsigned i = 0; i < st->conf.ifs[ifx].n_addrs; i++) {
		if (v4 == st->broadcast[ifx][i])
			return true;
	}
	return false;
}

void net_protos_unreachable(struct net_stack *st, uint32_t neigh)
{
	for (unsigned i = 0; i < RTE_DIM(st->proto); i++) {
		if (st->proto[i] != NULL && st->proto[i]->unreachable != NULL)
			st->proto[i]->unreachable(st->proto[i]->ctx, neigh);
	}
}

void net_protos_resolved(struct net_stack *st, uint32_t neigh)
{
	for (unsigned i = 0; i < RTE_DIM(st->proto); i++) {
		if (st->proto[i] != NULL && st->proto[i]->resolved != NULL)
			st->proto[i]->resolved(st->proto[i]->ctx, neigh);
	}
}
