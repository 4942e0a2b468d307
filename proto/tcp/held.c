/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/tcp/held.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_common.h>

#include "proto/tcp/conn.h"

#define SLOTS 4096
#define ALWAYS 64           /* any peer may have */
#define ALWAYS_PRESSED 16   /* with few send buffers left */

struct held_state {
	uint32_t total[TCP_HELD_KINDS];
	uint32_t n[TCP_HELD_KINDS][SLOTS];
};

int tcp_held_init(struct tcp_stack *ts)
{
	ts->held = calloc(1, sizeof(*ts->held));
	return ts->held != NULL ? 0 : -ENOMEM;
}

void tcp_held_fini(struct tcp_stack *ts)
{
	free(ts->held);
}

static uint32_t *count_of(const struct tcp_conn *c, enum tcp_held kind)
{
	return &c->ts->held->n[kind][keyed_mix(&c->ts->table_key, (const uint64_t *)c->flow.raddr, 2) % SLOTS];
}

void tcp_held_add(struct tcp_conn *c, enum tcp_held kind)
{
	c->ts->held->total[kind]++;
	++*count_of(c, kind);
}

void tcp_held_sub(struct tcp_conn *c, enum tcp_held kind)
{
	c->ts->held->total[kind]--;
	--*count_of(c, kind);
}

uint32_t tcp_held_total(const struct tcp_stack *ts, enum tcp_held kind)
{
	return ts->held->total[kind];
}

bool tcp_held_too_many(const struct tcp_conn *c, enum tcp_held kind)
{
	const struct tcp_stack *ts = c->ts;
	uint32_t all = ts->conf.max_conns, most = RTE_MAX(all / 8, (uint32_t)ALWAYS);

	if (kind == TCP_HELD_ORPHAN && ts->held->total[kind] > RTE_MAX(all / 4, (uint32_t)ALWAYS))
		return true;
	if (kind == TCP_HELD_SHUT && ts->snd_pinned > ts->snd_pinned_max / 2)
		most = RTE_MAX(all / 64, (uint32_t)ALWAYS_PRESSED);
	return *count_of(c, kind) > most;
}
