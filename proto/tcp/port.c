/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Local ports of tcp_connect(): RFC 6056 algorithm 4 ("double hash") over the
 * ports whose replies the steering table brings to this lcore.
 */
#include <errno.h>
#include <stdlib.h>

#include <rte_common.h>

#include "proto/tcp/conn.h"

#define COUNTERS 1024
#define FULL_MS 10            /* no second search of the whole range for the same destination within */
#define JITTER 7              /* extra steps, at random (Linux after the attack on algorithm 4) */

struct port_state {
	uint16_t count[COUNTERS];
	uint64_t full_hash;   /* destination whose ports ran out last, */
	uint32_t full_ms;     /* when */
	bool full;            /* the two are valid */
};

int tcp_port_init(struct tcp_stack *ts)
{
	ts->port = calloc(1, sizeof(*ts->port));
	if (ts->port == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < COUNTERS; i++)
		ts->port->count[i] = (uint16_t)tcp_random(ts);
	return 0;
}

void tcp_port_fini(struct tcp_stack *ts)
{
	free(ts->port);
}

/* Free, or TIME-WAIT that may be taken over. */
static bool usable(struct tcp_stack *ts, const struct net_flow *f, struct tcp_time_wait **tw)
{
	uint32_t ref, iss_min;

	*tw = NULL;
	if (ts->steering.owns != NULL && !ts->steering.owns(ts->steering.ctx, f))
		return false;
	if (tcp_port_listened(ts, f->lport))
		return false;
	ref = tcp_table_find(ts->table, f, tcp_hash(ts, f));
	if (ref == 0)
		return true;
	if (tcp_ref_kind(ref) != TCP_KIND_TW)
		return false;
	*tw = pool_at(&ts->time_waits, tcp_ref_index(ref));
	return tcp_tw_reusable(ts, *tw, &iss_min);
}

int tcp_port_choose(struct tcp_stack *ts, struct net_flow *f, struct tcp_time_wait **tw)
{
	uint32_t n = (uint32_t)ts->conf.port_max - ts->conf.port_min + 1;
	uint64_t h;
	uint16_t *count;
	uint32_t p;

	f->lport = 0;
	h = siphash(&ts->conf.secrets->port, f, 36); /* addresses, ports (ours 0) */
	if (ts->port->full && ts->port->full_hash == h && tcp_now_ms(ts) - ts->port->full_ms < FULL_MS)
		goto exhausted;
	count = &ts->port->count[(h >> 32) % COUNTERS];
	p = (uint32_t)(((uint32_t)h + (uint64_t)*count) % n);
	/* The whole range: with a small steering table neighbouring ports map alike. */
	for (uint32_t i = 0; i < n; i++) {
		f->lport = rte_cpu_to_be_16((uint16_t)(ts->conf.port_min + p));
		p = p + 1 < n ? p + 1 : 0;
		ts->stats.port_search_steps++;
		if (!usable(ts, f, tw))
			continue;
		*count += (uint16_t)(i + 1 + (tcp_random(ts) & JITTER));
		return 0;
	}
	ts->port->full = true;
	ts->port->full_hash = h;
	ts->port->full_ms = tcp_now_ms(ts);
exhausted:
	ts->stats.port_exhausted++;
	*tw = NULL;
	return -EADDRNOTAVAIL;
}
