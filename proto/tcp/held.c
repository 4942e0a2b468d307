/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/tcp/held.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_common.h>

#include "proto/tcp/conn.h"

#define SLOTS 4096
#define ALWAYS 64           /* any peer may have */
#define ALWAYS_PRESSED 16   /* with few send buffers left */

/* Orphans in the order of their closing; indices in the pool of connections, 0: none. */
struct orphan_list {
	uint32_t oldest, newest;
};

struct held_state {
	uint32_t total[TCP_HELD_KINDS];
	uint32_t n[TCP_HELD_KINDS][SLOTS];
	struct orphan_list all, peer[SLOTS];
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

static unsigned slot_of(const struct tcp_conn *c)
{
	return keyed_mix(&c->ts->table_key, (const uint64_t *)c->flow.raddr, 2) % SLOTS;
}

/* ---- the lists ------------------------------------------------------------ */

static struct tcp_conn *conn_at(const struct tcp_stack *ts, uint32_t idx)
{
	return pool_at(&ts->conns, idx);
}

static void append(struct orphan_list *l, struct tcp_conn *c, uint32_t idx, unsigned which)
{
	c->orphans[which].newer = 0;
	c->orphans[which].older = l->newest;
	if (l->newest != 0)
		conn_at(c->ts, l->newest)->orphans[which].newer = idx;
	else
		l->oldest = idx;
	l->newest = idx;
}

static void unlink_orphan(struct orphan_list *l, struct tcp_conn *c, unsigned which)
{
	uint32_t newer = c->orphans[which].newer, older = c->orphans[which].older;

	if (older != 0)
		conn_at(c->ts, older)->orphans[which].newer = newer;
	else
		l->oldest = newer;
	if (newer != 0)
		conn_at(c->ts, newer)->orphans[which].older = older;
	else
		l->newest = older;
}

/* ---- the counts ----------------------------------------------------------- */

void tcp_held_add(struct tcp_conn *c, enum tcp_held kind)
{
	struct held_state *h = c->ts->held;
	unsigned slot = slot_of(c);
	uint32_t idx;

	h->total[kind]++;
	h->n[kind][slot]++;
	if (kind == TCP_HELD_ORPHAN) {
		idx = pool_index(&c->ts->conns, c);
		append(&h->all, c, idx, TCP_ORPHANS_ALL);
		append(&h->peer[slot], c, idx, TCP_ORPHANS_PEER);
	}
}

void tcp_held_sub(struct tcp_conn *c, enum tcp_held kind)
{
	struct held_state *h = c->ts->held;
	unsigned slot = slot_of(c);

	h->total[kind]--;
	h->n[kind][slot]--;
	if (kind == TCP_HELD_ORPHAN) {
		unlink_orphan(&h->all, c, TCP_ORPHANS_ALL);
		unlink_orphan(&h->peer[slot], c, TCP_ORPHANS_PEER);
	}
}

uint32_t tcp_held_total(const struct tcp_stack *ts, enum tcp_held kind)
{
	return ts->held->total[kind];
}

static uint32_t orphans_max(const struct tcp_stack *ts)
{
	return RTE_MAX(ts->conf.max_conns / 4, (uint32_t)ALWAYS);
}

static uint32_t peer_max(const struct tcp_stack *ts, enum tcp_held kind)
{
	if (kind == TCP_HELD_SHUT && ts->snd_pinned > ts->snd_pinned_max / 2)
		return RTE_MAX(ts->conf.max_conns / 64, (uint32_t)ALWAYS_PRESSED);
	return RTE_MAX(ts->conf.max_conns / 8, (uint32_t)ALWAYS);
}

bool tcp_held_shut_too_many(const struct tcp_conn *c)
{
	const struct tcp_stack *ts = c->ts;

	return ts->held->n[TCP_HELD_SHUT][slot_of(c)] > peer_max(ts, TCP_HELD_SHUT);
}

struct tcp_conn *tcp_held_oldest_orphan(const struct tcp_conn *c)
{
	const struct tcp_stack *ts = c->ts;
	const struct held_state *h = ts->held;
	uint32_t total = h->total[TCP_HELD_ORPHAN], oldest;
	unsigned slot;

	/* No peer has more than there are. */
	if (likely(total <= peer_max(ts, TCP_HELD_ORPHAN)))
		return NULL;
	slot = slot_of(c);
	if (h->n[TCP_HELD_ORPHAN][slot] > peer_max(ts, TCP_HELD_ORPHAN))
		oldest = h->peer[slot].oldest;
	else if (total > orphans_max(ts))
		oldest = h->all.oldest;
	else
		return NULL;
	return conn_at(ts, oldest);
}
