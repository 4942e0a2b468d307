/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/tcp/conn.h"

static bool build(struct tcp_conn *c, const struct tcp_listener *l, const struct tcp_handshake *hs,
		  const struct tcp_seg *seg)
{
	if (tcp_path_open(c->ts, &hs->flow, &c->path) != 0)
		return false;
	c->flags |= hs->flags;
	c->irs = hs->irs;
	c->iss = hs->iss;
	c->ts_offset = hs->ts_offset;
	c->rcvbuf_max = l->args.rcvbuf_max;
	c->sndbuf_max = l->args.sndbuf_max;
	if (tcp_snd_init(c) != 0)
		return false;
	c->snd_una = c->snd_nxt = hs->iss + 1;
	if (tcp_conn_synced(c, &hs->agreed) != 0)
		return false;
	if (hs->rtt_us != 0)
		tcp_rtt_sample(c, hs->rtt_us);
	tcp_conn_established(c, seg, true);
	return true;
}

static bool into_table(struct tcp_conn *c, uint32_t replaces)
{
	struct tcp_stack *ts = c->ts;
	uint32_t ref = tcp_ref(TCP_KIND_CONN, pool_index(&ts->conns, c));
	uint64_t hash = tcp_hash(ts, &c->flow);

	return (replaces != 0 ? tcp_table_replace(ts->table, hash, replaces, ref)
			      : tcp_table_insert(ts->table, hash, ref)) == 0;
}

static void out_of_table(struct tcp_conn *c, uint32_t replaces)
{
	struct tcp_stack *ts = c->ts;
	uint32_t ref = tcp_ref(TCP_KIND_CONN, pool_index(&ts->conns, c));
	uint64_t hash = tcp_hash(ts, &c->flow);

	if (replaces != 0)
		tcp_table_replace(ts->table, hash, ref, replaces);
	else
		tcp_table_remove(ts->table, hash, ref);
}

struct tcp_conn *tcp_accept(struct tcp_listener *l, const struct tcp_handshake *hs, const struct tcp_seg *seg,
			    uint32_t replaces)
{
	struct tcp_stack *ts = l->ts;
	struct tcp_conn *c = tcp_conn_new(ts, &hs->flow);
	int rc;

	if (c == NULL)
		goto overflow;
	if (!build(c, l, hs, seg) || !into_table(c, replaces)) {
		ts->stats.no_memory++;
		goto discard;
	}
	/* In the table before the callee sees it: it may send, close, abort. */
	l->in_accept = true;
	rc = l->args.accept(l->args.ctx, l, c);
	l->in_accept = false;
	if (rc == 0) {
		ts->stats.passive_opens++;
		return c;
	}
	out_of_table(c, replaces);
discard:
	tcp_conn_discard(c);
overflow:
	ts->stats.accept_overflows++;
	return NULL;
}
