/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_common.h>

#include "proto/tcp/cc.h"
#include "proto/tcp/conn.h"

static const char *const ca_names[] = {
	[TCP_CA_OPEN] = "open", [TCP_CA_DISORDER] = "disorder", [TCP_CA_RECOVERY] = "recovery",
	[TCP_CA_LOSS] = "loss",
};

void tcp_set_user(struct tcp_conn *c, void *user)
{
	c->user = user;
}

void *tcp_user(const struct tcp_conn *c)
{
	return c->user;
}

bool tcp_opt_agreed(const struct tcp_conn *c)
{
	return (c->flags & (TCF_OPT_SENT | TCF_OPT_RCVD)) == (TCF_OPT_SENT | TCF_OPT_RCVD);
}

static void fill_flags(const struct tcp_conn *c, struct tcp_info *info)
{
	info->sack = c->flags & TCF_SACK;
	info->timestamps = c->flags & TCF_TS;
	info->nagle = !(c->flags & TCF_NODELAY);
	info->corked = c->flags & TCF_CORK;
	info->keepalive = c->flags & TCF_KEEPALIVE;
	info->opt_sent = c->flags & TCF_OPT_SENT;
	info->opt_received = c->flags & TCF_OPT_RCVD;
	info->from_cookie = c->flags & TCF_FROM_COOKIE;
	info->orphan = c->flags & TCF_ORPHAN;
}

static void fill_sending(const struct tcp_conn *c, struct tcp_info *info)
{
	int32_t wnd = (int32_t)(c->snd_edge - c->snd_una);

	info->snd_mss = c->snd_mss;
	info->pmtu = c->path.mtu;
	info->cwnd = c->cwnd;
	info->ssthresh = c->ssthresh;
	info->srtt_us = c->srtt8 >> 3;
	info->rttvar_us = c->rttvar4 >> 2;
	info->rto_us = c->rto_us;
	info->min_rtt_us = c->min_rtt_us;
	info->snd_wnd = wnd > 0 ? wnd : 0;
	info->snd_wscale = c->snd_wscale;
	info->unacked = tcp_unacked(c);
	info->unsent = tcp_unsent(c);
	info->sndbuf_max = c->sndbuf_max;
	info->backoff = c->backoff;
	info->congestion = c->cc != NULL ? c->cc->name : "";
	info->recovery = ca_names[c->ca_state];
}

static void fill_receiving(const struct tcp_conn *c, struct tcp_info *info)
{
	int32_t wnd = (int32_t)(c->rcv_edge - c->rcv_nxt);

	info->rcv_mss = c->rcv_mss;
	info->rcv_wnd = wnd > 0 ? wnd : 0;
	info->rcv_wscale = c->rcv_wscale;
	info->readable = tcp_readable(c);
	info->out_of_order = tcp_ooo_bytes(c);
	info->rcvbuf = c->rcvbuf;
	info->rcvbuf_max = c->rcvbuf_max;
	info->charged = c->rcv_charged;
}

static void fill_counters(const struct tcp_conn *c, struct tcp_info *info)
{
	uint32_t now = tcp_now_ms(c->ts), last = c->last_rcv_ms;

	if ((int32_t)(c->last_snd_ms - last) > 0)
		last = c->last_snd_ms;
	info->bytes_in = c->bytes_in;
	info->bytes_out = c->bytes_out;
	info->bytes_acked = c->bytes_acked;
	info->segs_in = c->segs_in;
	info->segs_out = c->segs_out;
	info->retransmits = c->retransmits;
	info->rto_count = c->rto_count;
	info->fast_recoveries = c->fast_recoveries;
	info->tlp_probes = c->tlp_probes;
	info->dup_acks = c->dup_acks_total;
	info->ooo_segs = c->ooo_segs;
	info->dsacks = c->dsacks;
	info->age_us = (uint64_t)(now - c->created_ms) * TCP_MS_US;
	info->idle_us = (uint64_t)(now - last) * TCP_MS_US;
}

void tcp_get_info(const struct tcp_conn *c, struct tcp_info *info)
{
	memset(info, 0, sizeof(*info));
	info->flow = c->flow;
	info->state = c->state;
	info->error = c->error;
	info->soft_error = c->soft_error;
	info->id = pool_index(&c->ts->conns, c);
	fill_flags(c, info);
	fill_sending(c, info);
	fill_receiving(c, info);
	fill_counters(c, info);
}

static void half_info(const struct tcp_stack *ts, const struct tcp_half_open *h, struct tcp_info *info)
{
	memset(info, 0, sizeof(*info));
	info->flow = h->flow;
	info->state = TCP_SYN_RECEIVED;
	info->id = pool_index(&ts->half_opens, h);
	info->sack = h->flags & THF_SACK;
	info->timestamps = h->flags & THF_TS;
	info->opt_sent = info->opt_received = h->flags & THF_OPT;
	info->snd_wscale = h->snd_wscale;
	info->rcv_wscale = h->rcv_wscale;
	info->backoff = h->retries;
	info->age_us = (uint32_t)tcp_now_us(ts) - h->sent_us;
	info->congestion = info->recovery = "";
}

static void tw_info(const struct tcp_stack *ts, const struct tcp_time_wait *tw, struct tcp_info *info)
{
	memset(info, 0, sizeof(*info));
	info->flow = tw->flow;
	info->state = TCP_TIME_WAIT;
	info->id = pool_index(&ts->time_waits, tw);
	info->timestamps = tw->ts_recent != 0;
	info->idle_us = info->age_us = (uint64_t)(tcp_now_ms(ts) - tw->stamp_ms) * TCP_MS_US;
	info->congestion = info->recovery = "";
}

static const struct pool *pool_of(const struct tcp_stack *ts, enum tcp_kind kind)
{
	return kind == TCP_KIND_CONN ? &ts->conns : kind == TCP_KIND_HALF ? &ts->half_opens : &ts->time_waits;
}

/* Next live index at or after idx; 0: none. */
static uint32_t next_live(const struct tcp_stack *ts, enum tcp_kind kind, uint32_t idx)
{
	uint32_t high = pool_of(ts, kind)->high;
	const uint64_t *live = ts->live[kind - 1];

	while (idx <= high) {
		uint64_t w = live[idx / 64] >> idx % 64;

		if (w != 0)
			return idx + __builtin_ctzll(w);
		idx = (idx / 64 + 1) * 64;
	}
	return 0;
}

/* Dead handles are listed until given back: somebody may look for the error. */
static bool one_info(const struct tcp_stack *ts, enum tcp_kind kind, uint32_t idx, struct tcp_info *info)
{
	const void *o = pool_at(pool_of(ts, kind), idx);

	if (kind == TCP_KIND_HALF) {
		half_info(ts, o, info);
	} else if (kind == TCP_KIND_TW) {
		tw_info(ts, o, info);
	} else {
		const struct tcp_conn *c = o;

		if ((c->flags & (TCF_DEAD | TCF_ORPHAN)) == (TCF_DEAD | TCF_ORPHAN))
			return false;
		tcp_get_info(c, info);
	}
	return true;
}

/* The cursor is a kind and an index in its pool: objects do not move, so one
 * that lives through the walk is seen exactly once, whatever comes and goes. */
unsigned tcp_list(const struct tcp_stack *ts, uint64_t *cursor, struct tcp_info *out, unsigned max)
{
	uint32_t kind = RTE_MAX((uint32_t)(*cursor >> 32), (uint32_t)TCP_KIND_CONN), idx = (uint32_t)*cursor;
	unsigned n = 0;

	while (n < max && kind <= TCP_KIND_TW) {
		idx = next_live(ts, kind, idx);
		if (idx == 0) {
			kind++;
			continue;
		}
		n += one_info(ts, kind, idx, &out[n]);
		idx++;
	}
	*cursor = (uint64_t)kind << 32 | idx;
	return n;
}
