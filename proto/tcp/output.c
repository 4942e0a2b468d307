/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What one connection sends: retransmissions first, then new data, then the
 * ACK if none rode on them.
 */
#include <errno.h>

#include "proto/tcp/conn.h"
#include "proto/tcp/snd.h"

#define TSO_MAX 65495 /* 65535 - IP - TCP: options come off */

/* ---- windows -------------------------------------------------------------- */

/* Octets congestion control lets out now. */
static uint32_t cwnd_room(const struct tcp_conn *c)
{
	uint32_t pipe = tcp_pipe(c), cwnd = c->cwnd;

	/* Limited transmit (RFC 3042); with SACK the pipe has shrunk by itself. */
	if (!(c->flags & TCF_SACK) && c->ca_state <= TCP_CA_DISORDER)
		cwnd += tcp_min(c->dup_acks, 2u) * c->snd_mss;
	return cwnd > pipe ? cwnd - pipe : 0;
}

static uint32_t usable_window(const struct tcp_conn *c)
{
	int32_t u = (int32_t)(c->snd_edge - c->snd_nxt);

	return u > 0 ? (uint32_t)u : 0;
}

/* A segment below one unit that ends the queue may go: Nagle in Minshall's
 * form, cork. Not applied to the last one before FIN. */
static bool small_ok(const struct tcp_conn *c)
{
	if (c->flags & TCF_FIN_QUEUED)
		return true;
	if (c->flags & TCF_CORK)
		return false;
	return (c->flags & TCF_NODELAY) || c->pipe_out == 0 || seq_le(c->snd_sml, c->snd_una);
}

static uint32_t super_max(struct tcp_conn *c, const struct tcp_out *o)
{
	uint32_t tso = net_if_get(c->ts->net, c->path.ifx)->tso_max;

	tso = tcp_min(tso, (uint32_t)(TSO_MAX - o->opt_len));
	tso = tcp_min(tso, (uint32_t)o->seg * TCP_REC_UNITS);
	return tcp_max(tso, (uint32_t)o->seg);
}

/* At least a unit waits and the window takes it: how much of it. 0: cwnd forbids. */
static uint32_t bulk_len(struct tcp_conn *c, const struct tcp_out *o, uint32_t unsent, uint32_t n)
{
	uint32_t allow = cwnd_room(c), seg = o->seg;

	n = tcp_min(n, super_max(c, o));
	if (n > allow) {
		c->cwnd_limited = true;
		if (allow < seg && c->pipe_out > 0)
			return 0;
		n = tcp_max(allow, seg);
	}
	if (n == unsent && small_ok(c))
		return n;
	return n < 2 * seg ? seg : n - n % seg;
}

/* Less than a unit: silly window avoidance (RFC 9293 3.8.6.2.1). */
static uint32_t small_len(struct tcp_conn *c, uint32_t unsent, uint32_t n)
{
	if (n == 0)
		return 0;
	if (!(n == unsent && small_ok(c)) && !(c->pipe_out == 0 && n >= c->snd_wnd_max / 2 && n < unsent))
		return 0;
	if (c->pipe_out > 0 && n > cwnd_room(c)) {
		c->cwnd_limited = true;
		return 0;
	}
	return n;
}

static uint32_t new_len(struct tcp_conn *c, const struct tcp_out *o)
{
	uint32_t unsent = tcp_sndq_unsent(c);
	uint32_t n = tcp_min(unsent, usable_window(c));

	return n >= o->seg ? bulk_len(c, o, unsent, n) : small_len(c, unsent, n);
}

/* ---- sending --------------------------------------------------------------- */

/* RFC 9293: FIN-WAIT-1, LAST-ACK when the FIN is sent. */
static void fin_sent(struct tcp_conn *c)
{
	c->flags |= TCF_FIN_SENT;
	if (c->state == TCP_ESTABLISHED)
		tcp_set_state(c, TCP_FIN_WAIT_1);
	else if (c->state == TCP_CLOSE_WAIT)
		tcp_set_state(c, TCP_LAST_ACK);
}

static bool fin_now(const struct tcp_conn *c, uint32_t len)
{
	if ((c->flags & (TCF_FIN_QUEUED | TCF_FIN_SENT)) != TCF_FIN_QUEUED || len != tcp_sndq_unsent(c))
		return false;
	if (len == 0 && c->pipe_out > 0 && cwnd_room(c) == 0)
		return false;
	return usable_window(c) > len; /* it takes its octet of the window */
}

/* Nothing in flight after a pause of an RTO or more: cwnd says nothing about
 * the path any more (RFC 5681 4.1; halved per RTO as Linux does). */
static void restart_after_idle(struct tcp_conn *c)
{
	uint32_t idle_ms = tcp_now_ms(c->ts) - c->last_snd_ms;
	uint32_t rto_ms = tcp_max(c->rto_us / 1000, 1u);
	uint32_t floor = c->ts->conf.initial_window * (uint32_t)c->snd_mss;
	uint32_t gone = idle_ms;

	if (idle_ms == 0)
		return;
	c->cc->on_event(c, TCP_CC_TX_START, idle_ms);
	c->last_snd_ms = tcp_now_ms(c->ts); /* told once */
	if (gone < rto_ms || c->cwnd <= floor)
		return;
	c->ssthresh = tcp_max(c->ssthresh, c->cwnd / 4 * 3);
	for (; gone >= rto_ms && c->cwnd > floor; gone -= rto_ms)
		c->cwnd /= 2;
	c->cwnd = tcp_max(c->cwnd, floor);
	c->cwnd_used = 0;
	c->cc->on_event(c, TCP_CC_IDLE_RESTART, idle_ms);
}

/* Payload o->len (maybe 0) and maybe the FIN went out for the first time. */
static void sent_new(struct tcp_conn *c, const struct tcp_out *o, bool fin)
{
	uint32_t counted = o->len + fin;

	if (o->len) {
		tcp_sndq_advance(c, o->len);
		c->bytes_out += o->len;
		c->ts->stats.bytes_out += o->len;
		if (o->len % o->seg)
			c->snd_sml = o->seq + o->len;
	}
	c->snd_nxt += counted;
	c->last_snd_ms = tcp_now_ms(c->ts);
	c->out_budget -= (int32_t)counted;
	if (c->ca_state == TCP_CA_RECOVERY)
		c->prr_out += counted;
	if (fin)
		fin_sent(c);
}

/* o->len octets of new data, FIN if it is its turn. Returns 1 or -ENOMEM. */
static int send_new(struct tcp_conn *c, struct tcp_out *o)
{
	bool fin;
	int rc;

	if (c->rec_count >= TCP_REC_MAX)
		return 0; /* an ACK will make room */
	o->seq = c->snd_nxt;
	o->buf = c->sndq_next;
	if (o->len)
		tcp_out_fit(o);
	fin = fin_now(c, o->len);
	o->flags = RTE_TCP_ACK_FLAG | (fin ? RTE_TCP_FIN_FLAG : 0);
	if (o->len && o->len == tcp_sndq_unsent(c))
		o->flags |= RTE_TCP_PSH_FLAG;
	rc = tcp_rec_add(c, o->len + fin, o->seg, fin ? TCP_REC_FIN : 0, o->buf);
	if (rc < 0) {
		c->ts->stats.no_memory++;
		return rc;
	}
	rc = tcp_out_emit(c, o, NET_TX_DATA);
	if (rc < 0) {
		tcp_rec_drop_tail(c);
		return rc;
	}
	sent_new(c, o, fin);
	return 1;
}

int tcp_out_force_new(struct tcp_conn *c, uint32_t max)
{
	struct tcp_out o;

	tcp_out_prepare(c, &o);
	o.len = tcp_min(tcp_min(tcp_sndq_unsent(c), usable_window(c)), tcp_min((uint32_t)o.seg, max));
	if (o.len == 0 && !fin_now(c, 0))
		return 0;
	return send_new(c, &o);
}

static int step_new(struct tcp_conn *c)
{
	struct tcp_out o;

	if (!tcp_snd_waiting(c))
		return 0;
	if (c->out_budget <= 0)
		return -EAGAIN;
	if (c->pipe_out == 0)
		restart_after_idle(c);
	tcp_out_prepare(c, &o);
	o.len = new_len(c, &o);
	if (o.len == 0 && !(tcp_sndq_unsent(c) == 0 && fin_now(c, 0)))
		return 0;
	return send_new(c, &o);
}

int tcp_out_unit(struct tcp_conn *c, struct tcp_rec *r, unsigned unit)
{
	/* an earlier retransmission may have been acknowledged in part; that much is no longer queued */
	uint32_t seq = seq_max(tcp_rec_unit_seq(r, unit), c->snd_una), end = tcp_rec_unit_end(r, unit);
	bool fin = (r->flags & TCP_REC_FIN) && unit + 1u == r->n;
	uint32_t left, octets;
	struct tcp_out o;
	int frames = 0, rc;

	/* acknowledged in part (a piece of it went out with fewer octets): the buffers of that part are gone */
	if (seq_lt(seq, c->snd_una))
		seq = c->snd_una;
	octets = end - seq;
	/* the window shrank into the unit: what it takes; shut altogether: whole, as a probe */
	if (seq_gt(end, c->snd_edge) && seq_lt(seq, c->snd_edge)) {
		end = c->snd_edge;
		fin = false;
	}
	left = end - fin - seq;
	do {
		tcp_out_prepare(c, &o);
		o.seq = seq;
		o.buf = r->buf;
		while (left && o.buf && seq_le(net_mbuf_meta(o.buf)->seq + o.buf->data_len, seq))
			o.buf = o.buf->next;
		o.len = tcp_min(left, (uint32_t)o.seg);
		if (o.len)
			tcp_out_fit(&o);
		o.flags = RTE_TCP_ACK_FLAG;
		if (o.len == left)
			o.flags |= (fin ? RTE_TCP_FIN_FLAG : 0) | (seq + left == tcp_sndq_end(c) ? RTE_TCP_PSH_FLAG : 0);
		rc = tcp_out_emit(c, &o, NET_TX_DATA);
		if (rc < 0)
			return rc; /* not retransmitted, then: the whole unit again */
		seq += o.len;
		left -= o.len;
		frames++;
	} while (left > 0);
	tcp_rec_retransmitted(c, r, unit);
	tcp_undo_sent(c, octets);
	c->retransmits += (uint32_t)frames;
	c->ts->stats.retrans_segs += (uint32_t)frames;
	if (c->ca_state == TCP_CA_RECOVERY) {
		c->prr_out += octets;
		c->ts->stats.fast_retrans++;
	}
	c->out_budget -= (int32_t)octets;
	c->last_snd_ms = tcp_now_ms(c->ts);
	return frames;
}

/* Does cwnd let this unit out? Never blocked for good: at least one may fly. */
static bool unit_fits(struct tcp_conn *c, uint32_t octets)
{
	uint32_t allow = cwnd_room(c);

	/* NewReno's retransmissions are part of its window's bookkeeping (RFC 6582 3.2) */
	if (!(c->flags & TCF_SACK) && c->ca_state == TCP_CA_RECOVERY)
		return true;
	return tcp_pipe(c) == 0 || allow >= tcp_min(octets, (uint32_t)c->snd_mss);
}

/* NextSeg (1): the lowest lost unit not retransmitted (RFC 6675 4). */
static int step_lost(struct tcp_conn *c)
{
	unsigned unit;
	struct tcp_rec *r = tcp_rec_next_lost(c, &unit);
	uint32_t seq, end;

	if (r == NULL)
		return 0;
	seq = tcp_rec_unit_seq(r, unit);
	end = tcp_rec_unit_end(r, unit);
	/* a window that shrank takes it back later; the RTO probes meanwhile */
	if (seq_gt(end, c->snd_edge) && !(tcp_pipe(c) == 0 && seq_lt(seq, c->snd_edge)))
		return 0;
	if (!unit_fits(c, end - seq))
		return 0;
	if (c->out_budget <= 0)
		return -EAGAIN;
	return tcp_out_unit(c, r, unit);
}

int tcp_out_step(struct tcp_conn *c)
{
	int rc;

	if (!tcp_out_state(c))
		return 0;
	if (c->pipe_lost) {
		rc = step_lost(c);
		if (rc != 0)
			return rc;
	}
	rc = step_new(c);
	if (rc == 0 && c->ca_state == TCP_CA_RECOVERY && (c->flags & TCF_SACK))
		rc = tcp_recovery_next(c);
	return rc;
}

void tcp_out_begin(struct tcp_conn *c)
{
	if (unlikely(c->pmtu_gen != c->ts->pmtu_gen))
		tcp_pmtu_check(c);
	c->was_limited = c->cwnd_limited;
	c->cwnd_limited = false;
	c->out_budget = RTE_MIN(c->out_budget, TCP_OUT_ACKED_MAX) + TCP_OUT_TURN;
}

/* Did cwnd hold us back in this window (5.1)? As Linux' tcp_cwnd_validate(). */
static void validate_cwnd(struct tcp_conn *c)
{
	bool limited = c->cwnd_limited;

	if (seq_ge(c->snd_una, c->cwnd_limited_seq) || limited || (!c->was_limited && c->pipe_out > c->cwnd_used)) {
		c->cwnd_used = c->pipe_out;
		c->cwnd_limited_seq = c->snd_nxt;
	} else {
		c->cwnd_limited = c->was_limited;
	}
}

unsigned tcp_out_finish(struct tcp_conn *c)
{
	unsigned acks = tcp_ack_due(c), frames = 0;

	c->out_budget = 0;
	validate_cwnd(c);
	for (; acks > 0; acks--) {
		if (tcp_send_control(c, c->snd_nxt, RTE_TCP_ACK_FLAG) < 0) {
			c->flags |= TCF_ACK_NOW;
			tcp_no_memory(c);
			break;
		}
		frames++;
	}
	if (!tcp_out_state(c))
		return frames;
	if ((c->flags & TCF_CORK) && !tcp_timer_on(c, TCP_T_CORK) && tcp_sndq_unsent(c) > 0)
		tcp_timer_set(c, TCP_T_CORK, tcp_now_us(c->ts) + TCP_CORK_US);
	tcp_rtx_arm(c);
	return frames;
}
