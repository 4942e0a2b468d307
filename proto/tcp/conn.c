/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <rte_common.h>

#include "proto/tcp/conn.h"
#include "proto/tcp/held.h"

#define MSS_FLOOR 48 /* leaves room for data beside timestamps (CVE-2019-11477) */

struct tcp_conn *tcp_conn_new(struct tcp_stack *ts, const struct net_flow *flow)
{
	struct tcp_conn *c = pool_get(&ts->conns);

	if (c == NULL) {
		ts->stats.no_memory++;
		return NULL;
	}
	memset(c, 0, sizeof(*c));
	c->flow = *flow;
	c->ts = ts;
	c->state = TCP_CLOSED;
	c->flags = (ts->conf.nagle ? 0 : TCF_NODELAY) | (ts->conf.keepalive ? TCF_KEEPALIVE : 0);
	c->rcvbuf_max = ts->conf.rcvbuf_max;
	c->sndbuf_max = ts->conf.sndbuf_max;
	c->user_timeout_ms = ts->conf.user_timeout_ms;
	c->created_ms = c->last_rcv_ms = tcp_now_ms(ts);
	c->ip_id = (uint16_t)tcp_random(ts);
	c->pmtu_gen = ts->pmtu_gen; /* its path is opened after that, or just before */
	tcp_live_set(ts, TCP_KIND_CONN, pool_index(&ts->conns, c), true);
	return c;
}

static void release(struct tcp_conn *c)
{
	struct tcp_stack *ts = c->ts;

	tcp_live_set(ts, TCP_KIND_CONN, pool_index(&ts->conns, c), false);
	pool_put(&ts->conns, c);
}

void tcp_conn_discard(struct tcp_conn *c)
{
	tcp_timers_off(c);
	tcp_snd_free(c);
	tcp_rcv_free(c);
	net_path_close(c->ts->net, &c->path);
	tcp_set_state(c, TCP_CLOSED);
	c->flags |= TCF_DEAD | TCF_ORPHAN;
	c->next_dead = c->ts->dead_head; /* the attempt may have put it on a list */
	c->ts->dead_head = c;
	c->ts->n_dead++;
}

void tcp_conn_reap(struct tcp_stack *ts)
{
	struct tcp_conn *c = ts->dead_head, *next;

	ts->dead_head = NULL;
	for (; c != NULL; c = next) {
		next = c->next_dead;
		if (c->flags & (TCF_IN_OUTPUT | TCF_IN_EVENTS)) {
			c->next_dead = ts->dead_head;
			ts->dead_head = c;
			continue;
		}
		ts->n_dead--;
		release(c);
	}
}

static bool counts_as_established(uint8_t state)
{
	return state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT; /* RFC 4022 tcpCurrEstab */
}

void tcp_set_state(struct tcp_conn *c, enum tcp_state state)
{
	c->ts->n_established += counts_as_established(state);
	c->ts->n_established -= counts_as_established(c->state);
	c->state = state;
}

static void free_dead(struct tcp_conn *c)
{
	tcp_rcv_free(c);
	tcp_timers_off(c); /* a dead one's may wait for memory */
	c->events = 0;
	c->next_dead = c->ts->dead_head;
	c->ts->dead_head = c;
	c->ts->n_dead++;
}

void tcp_conn_orphan(struct tcp_conn *c)
{
	if (c->flags & TCF_ORPHAN)
		return;
	c->flags |= TCF_ORPHAN;
	c->events = 0;
	if (tcp_dead(c)) {
		free_dead(c);
		return;
	}
	tcp_await_end(c); /* an orphan is on lists of its own, and a SYN nobody wants is not sent */
	tcp_held_add(c, TCP_HELD_ORPHAN);
}

static void count_death(struct tcp_conn *c)
{
	struct tcp_stats *s = &c->ts->stats;

	if (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED)
		s->attempt_fails++;
	else if (counts_as_established(c->state) && c->error != 0)
		s->estab_resets++;
	if (c->flags & TCF_ORPHAN)
		tcp_held_sub(c, TCP_HELD_ORPHAN);
	tcp_persist_left(c);
}

void tcp_kill(struct tcp_conn *c, int error)
{
	struct tcp_stack *ts = c->ts;

	if (tcp_dead(c))
		return;
	c->error = error;
	count_death(c);
	tcp_await_end(c);
	tcp_set_state(c, TCP_CLOSED);
	tcp_table_remove(ts->table, tcp_hash(ts, &c->flow), tcp_ref(TCP_KIND_CONN, pool_index(&ts->conns, c)));
	tcp_timers_off(c);
	tcp_snd_free(c);
	if (error == ECONNRESET)
		tcp_rcv_free(c);
	net_path_close(ts->net, &c->path);
	c->flags |= TCF_DEAD;
	if (c->flags & TCF_ORPHAN)
		free_dead(c);
	else
		tcp_raise(c, TCP_EV_CLOSED);
}

uint16_t tcp_mss_floor(const struct tcp_config *conf, uint16_t mss)
{
	uint16_t floor = RTE_MAX(conf->min_mss, (uint16_t)MSS_FLOOR);

	return RTE_MAX(mss, floor);
}

uint16_t tcp_our_mss(const struct tcp_stack *ts, uint8_t ifx)
{
	return net_if_get(ts->net, ifx)->mtu - 40;
}

void tcp_update_mss(struct tcp_conn *c)
{
	uint32_t mtu = c->path.mtu != 0 ? c->path.mtu : net_if_get(c->ts->net, c->flow.ifx)->mtu;
	uint32_t opts = c->flags & TCF_TS ? 12 : 0;
	uint32_t mss = RTE_MIN((uint32_t)c->peer_mss, mtu - 40);

	/* MUST-16 */
	mss = RTE_MAX(mss, (uint32_t)tcp_mss_floor(&c->ts->conf, 0));
	c->snd_mss = mss - opts;
}

int tcp_conn_synced(struct tcp_conn *c, const struct tcp_agreed *a)
{
	c->flags |= (a->ts ? TCF_TS : 0) | (a->sack ? TCF_SACK : 0) | (a->wscale ? TCF_WSCALE : 0);
	c->rcv_wscale = a->wscale ? a->rcv_wscale : 0;
	c->snd_wscale = a->wscale ? a->snd_wscale : 0;
	c->peer_mss = a->peer_mss != 0 ? tcp_mss_floor(&c->ts->conf, a->peer_mss) : TCP_DEFAULT_MSS;
	c->ts_recent = a->ts ? a->ts_recent : 0;
	c->ts_recent_ms = tcp_now_ms(c->ts);
	c->rcv_nxt = c->rcv_wup = c->irs + 1;
	tcp_update_mss(c);
	return tcp_rcv_init(c);
}

void tcp_conn_established(struct tcp_conn *c, const struct tcp_seg *seg, bool wnd_scaled)
{
	uint32_t wnd = (uint32_t)seg->wnd << (wnd_scaled ? c->snd_wscale : 0);

	c->snd_una = seg->ack;
	c->snd_edge = seg->ack + wnd;
	c->snd_wl1 = seg->seq;
	c->snd_wnd_max = wnd;
	c->retries = c->backoff = 0;
	c->rtx_mode = TCP_RTX_RTO;
	tcp_timer_clear(c, TCP_T_RTX);
	tcp_timer_clear(c, TCP_T_USER);
	tcp_set_state(c, TCP_ESTABLISHED);
	tcp_snd_established(c);
	tcp_keepalive_start(c);
}

bool tcp_paws_old(uint32_t ts_recent, uint32_t tsval, uint32_t age_ms)
{
	/* A peer that sends 0 has no clock yet; 24 days make the comparison void (RFC 7323 5.5). */
	return ts_recent != 0 && age_ms < TCP_PAWS_VOID_MS && seq_lt(tsval, ts_recent - 1);
}
