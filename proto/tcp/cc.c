/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "proto/tcp/cc.h"

static const struct tcp_cc_ops *const table[] = { &tcp_cc_cubic, &tcp_cc_newreno };

const struct tcp_cc_ops *tcp_cc_find(const char *name)
{
	unsigned i;

	for (i = 0; name && i < RTE_DIM(table); i++) {
		if (strcmp(table[i]->name, name) == 0)
			return table[i];
	}
	return name ? NULL : table[0];
}

void tcp_cc_grow(struct tcp_conn *c, uint32_t add)
{
	c->cwnd = add > TCP_CWND_MAX - tcp_min(c->cwnd, TCP_CWND_MAX) ? TCP_CWND_MAX : c->cwnd + add;
}

uint32_t tcp_cc_slow_start(struct tcp_conn *c, uint32_t acked)
{
	uint32_t room = c->ssthresh > c->cwnd ? c->ssthresh - c->cwnd : 0;
	uint32_t used = tcp_min(room, acked);

	tcp_cc_grow(c, used);
	return acked - used;
}

uint32_t tcp_cc_floor(const struct tcp_conn *c, uint64_t ssthresh)
{
	return (uint32_t)tcp_min(tcp_max(ssthresh, UINT64_C(2) * c->snd_mss), (uint64_t)TCP_CWND_MAX);
}

/* Newton from above, seeded by the bit length: at most a few steps. */
uint32_t tcp_icbrt(uint64_t n)
{
	uint64_t x, y;

	if (n == 0)
		return 0;
	x = UINT64_C(1) << ((64 - (unsigned)__builtin_clzll(n)) / 3 + 1);
	for (;;) {
		y = (2 * x + n / (x * x)) / 3;
		if (y >= x)
			return (uint32_t)x;
		x = y;
	}
}
