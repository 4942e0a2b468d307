/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/tcp/conn.h"

/* Addresses and ports lead struct net_flow; interface and VLAN are no part of
 * what the peer sees. */
#define FLOW_ADDRS 32
#define FLOW_TUPLE 36
static_assert(offsetof(struct net_flow, lport) == FLOW_ADDRS, "addresses first");
static_assert(offsetof(struct net_flow, vlan) == FLOW_TUPLE, "then the ports");

void tcp_secrets_init(struct tcp_secrets *s, void (*random)(void *ctx, void *buf, size_t len), void *ctx)
{
	random(ctx, s, sizeof(*s));
}

void tcp_rotate_cookies(struct tcp_secrets *s, void (*random)(void *ctx, void *buf, size_t len), void *ctx)
{
	memcpy(s->cookie[1], s->cookie[0], sizeof(s->cookie[1]));
	random(ctx, s->cookie[0], sizeof(s->cookie[0]));
}

uint32_t tcp_isn(const struct tcp_secrets *s, const struct net_flow *f, uint64_t now_us)
{
	rte_be32_t v4[3] = { net_flow_laddr4(f), net_flow_raddr4(f) };

	if (unlikely(f->family != NET_IPV4))
		return (uint32_t)(now_us >> 2) + (uint32_t)siphash(&s->isn, f, FLOW_TUPLE);
	memcpy(&v4[2], &f->lport, sizeof(v4[2])); /* and the remote one behind it */
	return (uint32_t)(now_us >> 2) + (uint32_t)siphash(&s->isn, v4, sizeof(v4));
}

uint32_t tcp_ts_offset_of(struct tcp_ts_cache *c, const struct tcp_secrets *s, const struct net_flow *f)
{
	uint32_t mix = (uint32_t)(f->q[1] >> 32) ^ (uint32_t)(f->q[3] >> 32); /* IPv4 addresses */
	struct tcp_ts_slot *slot = &c->slot[mix * 0x9e3779b1u >> (32 - TCP_TS_SLOTS_LOG2)];

	if (!slot->known || slot->addrs[3] != f->q[3] || slot->addrs[1] != f->q[1] || slot->addrs[2] != f->q[2] ||
	    slot->addrs[0] != f->q[0]) {
		memcpy(slot->addrs, f->q, sizeof(slot->addrs));
		slot->offset = tcp_ts_offset(s, f);
		slot->known = true;
	}
	return slot->offset;
}

uint32_t tcp_ts_offset(const struct tcp_secrets *s, const struct net_flow *f)
{
	return (uint32_t)siphash(&s->ts, f, FLOW_ADDRS);
}
