/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ACK field: RFC 9293 3.10.7.4 fifth, steps 5e to 5g of the reference.
 */
#include "proto/tcp/snd.h"

/* RFC 9293 3.10.7.4 with Linux' extension: an equal SEQ may also close the window (3.1). */
static void update_window(struct tcp_conn *c, const struct tcp_seg *seg, struct tcp_ack_state *a)
{
	uint32_t wnd = (uint32_t)seg->wnd << (seg->flags & RTE_TCP_SYN_FLAG ? 0 : c->snd_wscale);
	uint32_t edge = seg->ack + wnd;

	if (a->acked == 0 && seq_le(seg->seq, c->snd_wl1) &&
	    !(seg->seq == c->snd_wl1 && (seq_gt(edge, c->snd_edge) || wnd == 0)))
		return;
	c->snd_wl1 = seg->seq;
	a->window_changed = edge != c->snd_edge;
	if (wnd == 0 && seq_gt(c->snd_edge, seg->ack))
		c->ts->stats.zero_window_in++;
	c->snd_edge = edge;
	c->snd_wnd_max = tcp_max(c->snd_wnd_max, wnd);
}

/* SND.UNA moves. */
static void advance(struct tcp_conn *c, const struct tcp_seg *seg, struct tcp_ack_state *a)
{
	a->acked = seg->ack - c->snd_una;
	tcp_rec_ack(c, seg->ack, &a->rec);
	/* the queue's end is counted from SND.UNA: release before moving it */
	tcp_sndq_release(c, seg->ack);
	c->snd_una = seg->ack;
	c->bytes_acked += a->acked;
	if (c->out_budget < TCP_OUT_ACKED_MAX)
		c->out_budget += (int32_t)a->acked;
	if (seq_lt(c->snd_sml, c->snd_una))
		c->snd_sml = c->snd_una;
	c->retries = 0;
}

/* When what this ACK acknowledges went out first; 0: not known any more. */
static uint32_t first_sent_us(const struct tcp_conn *c, const struct tcp_ack_state *a)
{
	if (a->rec.fresh != 0)
		return a->rec.first_us;
	return c->rec_head != NULL ? c->rec_head->sent_us : 0;
}

/* RFC 6298 3 and 5.3: samples, and the end of a backoff. An ACK that a
 * duplicate made us get (DSACK) repeats one that was lost: what it acknowledges
 * arrived long ago, and a sample would take the loss for the path's length. */
static void take_sample(struct tcp_conn *c, const struct tcp_seg *seg, struct tcp_ack_state *a)
{
	if (a->dsack) {
		if (a->acked)
			c->backoff = 0;
		return;
	}
	/* After a timeout the stamps tell which copy was acknowledged. Without them
	 * only what was never sent again counts, however long it waited (Karn). */
	if (a->rec.rtt_valid && (c->backoff == 0 || !(c->flags & TCF_TS)))
		a->rtt_us = tcp_max((uint32_t)tcp_now_us(c->ts) - a->rec.rtt_sent_us, 1u);
	else if (a->acked && (a->rec.rtx || c->backoff != 0))
		a->rtt_us = tcp_rtt_by_tsecr(c, seg, first_sent_us(c, a));
	if (a->rtt_us == 0)
		return;
	tcp_rtt_sample(c, a->rtt_us);
	if (a->acked)
		c->backoff = 0;
}

/* Same ACK, no data, no window change, something outstanding (RFC 5681 2). */
static bool is_duplicate(const struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_ack_state *a)
{
	return a->acked == 0 && seg->ack == c->snd_una && seg->len == 0 && !a->window_changed &&
	       !(seg->flags & (RTE_TCP_SYN_FLAG | RTE_TCP_FIN_FLAG)) && c->pipe_out > 0;
}

static void grow(struct tcp_conn *c, const struct tcp_ack_state *a)
{
	struct tcp_cc_sample s = {
		.acked = a->delivered, .sacked_new = a->sacked_new, .lost_new = a->lost_new,
		.in_flight_before = a->prior_pipe, .rtt_us = a->rtt_us, .min_rtt_us = c->min_rtt_us,
		.now_ms = tcp_now_ms(c->ts), .acks = 1,
	};

	if (a->acked == 0 || s.acked == 0 || c->ca_state == TCP_CA_RECOVERY)
		return;
	/* in slow start twice what was used, so that a burst that just filled it may double */
	s.cwnd_limited = c->cwnd < c->ssthresh ? c->cwnd / 2 < c->cwnd_used || c->cwnd_limited : c->cwnd_limited;
	if (s.cwnd_limited)
		c->cc->on_ack(c, &s);
}

static bool fin_is_acked(const struct tcp_conn *c)
{
	return (c->flags & TCF_FIN_SENT) && c->snd_una == c->snd_nxt;
}

void tcp_ack_input(struct tcp_conn *c, const struct tcp_seg *seg)
{
	struct tcp_ack_state a = {
		.prior_una = c->snd_una, .prior_pipe = tcp_pipe(c), .prior_sacked = c->pipe_sacked,
	};
	bool fin_was_open = (c->flags & TCF_FIN_SENT) && c->snd_una != c->snd_nxt;

	if (seq_gt(seg->ack, c->snd_nxt))
		return; /* the caller has answered it; nothing of it is believed */
	if (seq_gt(seg->ack, c->snd_una))
		advance(c, seg, &a);
	if (seq_ge(seg->ack, c->snd_una))
		update_window(c, seg, &a);
	if ((c->flags & TCF_SACK) && (seg->opt.present & TCP_OPT_SACK))
		tcp_sack_input(c, seg, &a);
	a.delivered = a.rec.fresh + a.sacked_new;
	a.dup = is_duplicate(c, seg, &a);
	take_sample(c, seg, &a);
	if (a.dup) {
		c->dup_acks_total++;
		c->ts->stats.dup_acks_in++;
	}
	if (c->tlp_active)
		tcp_tlp_ack(c, seg, &a);
	tcp_recovery_ack(c, seg, &a);
	grow(c, &a);
	tcp_persist_ack(c, &a);
	if (a.acked || a.sacked_new || a.window_changed || !tcp_timer_on(c, TCP_T_RTX))
		tcp_rtx_rearm(c);
	if (a.acked || a.sacked_new || a.window_changed || a.dup)
		tcp_want_output(c);
	if (a.acked) {
		c->soft_error = 0; /* whatever ICMP told, it is over */
		net_path_confirm(c->ts->net, &c->path);
	}
	if (fin_was_open && fin_is_acked(c))
		tcp_fin_acked(c);
}

/* What header prediction lets through acknowledges something, without SACK, in ESTABLISHED
 * and CA_OPEN, and offers a window of the same size. */
void tcp_ack_fast(struct tcp_conn *c, const struct tcp_seg *seg)
{
	struct tcp_ack_state a = { .prior_una = c->snd_una, .prior_pipe = c->pipe_out, .window_changed = true };

	if (unlikely((c->pipe_sacked | c->pipe_lost | c->pipe_rtx) != 0 || c->undo_valid || c->tlp_active)) {
		tcp_ack_input(c, seg);
		return;
	}
	advance(c, seg, &a);
	c->snd_wl1 = seg->seq;
	c->snd_edge += a.acked;
	a.delivered = a.rec.fresh;
	take_sample(c, seg, &a);
	if (seq_gt(c->snd_una, c->recover)) /* keeps it near: sequence numbers wrap */
		c->recover = c->snd_una - 1;
	grow(c, &a);
	tcp_persist_ack(c, &a);
	tcp_rtx_rearm(c);
	tcp_want_output(c);
	c->soft_error = 0;
	net_path_confirm(c->ts->net, &c->path);
}
