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
	return (uint32_t)(now_us >> 2) + (uint32_t)siphash(&s->isn, f, FLOW_TUPLE);
}

uint32_t tcp_ts_offset(const struct tcp_secrets *s, const struct net_flow *f)
{
	return (uint32_t)siphash(&s->ts, f, FLOW_ADDRS);
}
