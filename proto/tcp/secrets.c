/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/tcp/tcp.h"

void tcp_secrets_init(struct tcp_secrets *s, void (*random)(void *ctx, void *buf, size_t len), void *ctx)
{
	random(ctx, s, sizeof(*s));
}

void tcp_rotate_cookies(struct tcp_secrets *s, void (*random)(void *ctx, void *buf, size_t len), void *ctx)
{
	memcpy(s->cookie[1], s->cookie[0], sizeof(s->cookie[1]));
	random(ctx, s->cookie[0], sizeof(s->cookie[0]));
}
