/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A segment of a known connection: RFC 9293 3.10.7.4 with RFC 5961 and RFC 7323,
 * in the order of the reference's table 2.5, whose step numbers stand beside
 * the checks. A step returns false when the segment is done with.
 */
#include <errno.h>

#include <rte_common.h>

#include "proto/tcp/conn.h"

/* ---- answers ------------------------------------------------------------------ */

static void ack_now(struct tcp_conn *c)
{
	c->flags |= TCF_ACK_NOW;
	tcp_want_output(c);
}

void tcp_challenge_ack(struct tcp_conn *c)
{
	uint32_t now = tcp_now_ms(c->ts);

	if (tcp_dead(c))
		return;
	if (c->challenge_ms != 0 && now - c->challenge_ms < c->ts->conf.challenge_ack_ms) {
		c->ts->stats.challenge_limited++;
		return;
	}
	c->challenge_ms = now != 0 ? now : 1;
	c->ts->stats.challenge_acks++;
	ack_now(c);
}

/* Data without SYN is answered without limit (2.3): its sender waits for it. */
static void answer_invalid(struct tcp_conn *c, const struct tcp_seg *seg)
{
	if (seg->len != 0 && !(seg->flags & RTE_TCP_SYN_FLAG))
		ack_now(c);
	else
		tcp_challenge_ack(c);
}

/* ---- steps 0 to 2 ---------------------------------------------------------------- */

/* A pure duplicate ACK that was overtaken in the network is no old duplicate
 * (3.5): letting it through stops two stacks from acknowledging each other. */
static bool overtaken_ack(const struct tcp_conn *c, const struct tcp_seg *seg)
{
	return seg->flags == RTE_TCP_ACK_FLAG && seg->len == 0 && seg->seq == c->rcv_nxt &&
	       seg->ack == c->snd_una && seg->ack + ((uint32_t)seg->wnd << c->snd_wscale) == c->snd_edge &&
	       (uint64_t)(c->ts_recent - seg->opt.tsval) * 1000 < c->rto_us;
}

static bool check_paws(struct tcp_conn *c, struct tcp_seg *seg)
{
	struct tcp_stack *ts = c->ts;

	if (!(c->flags & TCF_TS) || !(seg->opt.present & TCP_OPT_TS) || seg->flags & RTE_TCP_RST_FLAG)
		return true;
	if (!tcp_paws_old(c->ts_recent, seg->opt.tsval, tcp_now_ms(ts) - c->ts_recent_ms) || overtaken_ack(c, seg))
		return true;
	ts->stats.paws_drops++;
	answer_invalid(c, seg);
	TCP_SEG_DROP(ts, TCP_PAWS, seg);
	return false;
}

static bool peer_may_reset_at_fin(const struct tcp_conn *c)
{
	return c->state == TCP_CLOSE_WAIT || c->state == TCP_LAST_ACK || c->state == TCP_CLOSING;
}

static bool check_seq(struct tcp_conn *c, struct tcp_seg *seg)
{
	struct tcp_stack *ts = c->ts;

	if (tcp_seq_acceptable(c, seg))
		return true;
	if (seg->flags & RTE_TCP_RST_FLAG) {
		if (seg->seq == c->rcv_nxt - 1 && peer_may_reset_at_fin(c))
			return true;
		TCP_SEG_DROP(ts, TCP_OUT_OF_WINDOW, seg);
		return false;
	}
	tcp_rcv_old(c, seg); /* RFC 2883 */
	answer_invalid(c, seg);
	if (seg->len != 0 && seq_le(seg->end, c->rcv_nxt))
		TCP_SEG_DROP(ts, TCP_DUP_DATA, seg);
	else
		TCP_SEG_DROP(ts, TCP_OUT_OF_WINDOW, seg);
	return false;
}

/* ---- step 3: RST ------------------------------------------------------------------- */

static bool rst_exact(const struct tcp_conn *c, uint32_t seq)
{
	uint32_t high = c->rcv_nxt;

	if (seq == c->rcv_nxt || (seq == c->rcv_nxt - 1 && peer_may_reset_at_fin(c)))
		return true;
	for (unsigned i = 0; i < c->n_sack_out; i++)
		high = seq_max(high, c->sack_out[i].end);
	return seq == high; /* RFC 5961 3.2 as Linux: the peer aborts where it stood */
}

static void reset_by_peer(struct tcp_conn *c)
{
	switch (c->state) {
	case TCP_SYN_RECEIVED:
		tcp_kill(c, ECONNREFUSED);
		break;
	case TCP_CLOSING:
	case TCP_LAST_ACK:
		tcp_kill(c, 0);
		break;
	default:
		tcp_kill(c, ECONNRESET);
	}
}

static bool check_rst(struct tcp_conn *c, struct tcp_seg *seg)
{
	if (!(seg->flags & RTE_TCP_RST_FLAG))
		return true;
	if (rst_exact(c, seg->seq)) {
		reset_by_peer(c);
		TCP_SEG_DROP(c->ts, TCP_RST_ACCEPTED, seg);
	} else {                                                            /* 3a */
		tcp_challenge_ack(c);
		TCP_SEG_DROP(c->ts, TCP_RST_BAD_SEQ, seg);
	}
	return false;
}

/* ---- step 5: ACK ------------------------------------------------------------------- */

/* 5a, 5b. unscaled: the segment had SYN (4a). */
static bool ack_syn_received(struct tcp_conn *c, struct tcp_seg *seg, bool unscaled)
{
	if (seq_le(seg->ack, c->snd_una) || seq_gt(seg->ack, c->snd_nxt)) {
		tcp_reset_reply(c->ts, &c->flow, seg);
		TCP_SEG_DROP(c->ts, TCP_ACK_BAD, seg);
		return false;
	}
	if (c->retries == 0)
		tcp_rtt_sample(c, RTE_MAX((uint32_t)tcp_now_us(c->ts) - c->syn_us, 1u));
	tcp_conn_established(c, seg, !unscaled);
	if (unscaled) /* a SYN-ACK wants its ACK */
		ack_now(c);
	tcp_raise(c, TCP_EV_CONNECTED);
	tcp_close_resume(c);
	return true;
}

static bool check_ack(struct tcp_conn *c, struct tcp_seg *seg)
{
	uint32_t back = c->bytes_acked < c->snd_wnd_max ? (uint32_t)c->bytes_acked : c->snd_wnd_max;

	if (seq_gt(seg->ack, c->snd_nxt)) {                                 /* 5c */
		tcp_challenge_ack(c);
		TCP_SEG_DROP(c->ts, TCP_ACK_UNSENT, seg);
		return false;
	}
	if (seq_lt(seg->ack, c->snd_una - back)) {                          /* 5d, RFC 5961 5 */
		tcp_challenge_ack(c);
		TCP_SEG_DROP(c->ts, TCP_ACK_OLD, seg);
		return false;
	}
	return true;
}

/* ---- steps 6 to 8 -------------------------------------------------------------------- */

/* RFC 7323 4.3: the stamp of the oldest segment our next ACK answers. */
static void update_ts_recent(struct tcp_conn *c, const struct tcp_seg *seg)
{
	if (!(c->flags & TCF_TS) || !(seg->opt.present & TCP_OPT_TS) || seq_gt(seg->seq, c->rcv_wup))
		return;
	if (seq_lt(seg->opt.tsval, c->ts_recent) && c->ts_recent != 0 &&
	    tcp_now_ms(c->ts) - c->ts_recent_ms < TCP_PAWS_VOID_MS)
		return;
	c->ts_recent = seg->opt.tsval;
	c->ts_recent_ms = tcp_now_ms(c->ts);
}

void tcp_settle(struct tcp_conn *c)
{
	if (tcp_dead(c))
		return;
	if (c->state == TCP_CLOSED)
		tcp_kill(c, 0);
	else if (c->state == TCP_TIME_WAIT)
		tcp_enter_time_wait(c);
}

void tcp_segment_data(struct tcp_conn *c, struct tcp_seg *seg)
{
	struct tcp_stack *ts = c->ts;

	if (!tcp_dead(c))
		update_ts_recent(c, seg);
	if (!tcp_dead(c) && (seg->len != 0 || seg->flags & (RTE_TCP_FIN_FLAG | RTE_TCP_URG_FLAG))) {
		tcp_data_input(c, seg);                                     /* 6, 7, 8 */
		tcp_settle(c);
	}
	if (seg->m != NULL)
		TCP_SEG_DROP(ts, TCP_DONE, seg);
}

/* ---- the whole ------------------------------------------------------------------------ */

static void heard(struct tcp_conn *c)
{
	c->last_rcv_ms = tcp_now_ms(c->ts);
	c->probes_out = 0;
}

/* Steps 0 to 5d; false: dealt with. */
static bool acceptable(struct tcp_conn *c, struct tcp_seg *seg)
{
	struct tcp_stack *ts = c->ts;
	bool unscaled = false;

	if (!(seg->flags & (RTE_TCP_ACK_FLAG | RTE_TCP_RST_FLAG | RTE_TCP_SYN_FLAG))) { /* 0 */
		TCP_SEG_DROP(ts, TCP_NO_ACK, seg);
		return false;
	}
	if (!check_paws(c, seg))                                            /* 1 */
		return false;
	if (c->state == TCP_SYN_RECEIVED && seg->flags & RTE_TCP_SYN_FLAG && seg->flags & RTE_TCP_ACK_FLAG &&
	    !(seg->flags & RTE_TCP_RST_FLAG) && seg->seq == c->irs && seg->ack == c->snd_nxt && seg->len == 0) {
		seg->flags &= ~RTE_TCP_SYN_FLAG;                            /* 4a */
		seg->seq++;
		unscaled = true;
	}
	if (!check_seq(c, seg))                                             /* 2 */
		return false;
	heard(c);
	if (!check_rst(c, seg))                                             /* 3 */
		return false;
	if (seg->flags & RTE_TCP_SYN_FLAG) {                                /* 4b */
		tcp_challenge_ack(c);
		TCP_SEG_DROP(ts, TCP_SYN_IN_WINDOW, seg);
		return false;
	}
	if (!(seg->flags & RTE_TCP_ACK_FLAG)) {                             /* 5 */
		TCP_SEG_DROP(ts, TCP_NO_ACK, seg);
		return false;
	}
	if (c->state == TCP_SYN_RECEIVED && !ack_syn_received(c, seg, unscaled))
		return false;
	return check_ack(c, seg);
}

static void slow_path(struct tcp_conn *c, struct tcp_seg *seg)
{
	if (!acceptable(c, seg))
		return;
	tcp_ack_input(c, seg);                                              /* 5e to 5j */
	tcp_settle(c);
	tcp_segment_data(c, seg);
}

/* Header prediction (2.5, last paragraph). Everything it does the slow path
 * does as well; conf.fast_path switches it off. */
static bool fast_path(struct tcp_conn *c, struct tcp_seg *seg)
{
	uint8_t opts = c->flags & TCF_TS ? TCP_OPT_TS : 0;
	bool advances = seg->ack != c->snd_una;

	if ((seg->flags & ~RTE_TCP_PSH_FLAG) != RTE_TCP_ACK_FLAG || c->state != TCP_ESTABLISHED ||
	    seg->seq != c->rcv_nxt || seg->opt.present != opts || c->ooo != NULL || c->has_fin ||
	    c->ca_state != TCP_CA_OPEN || c->dup_acks != 0 || c->flags & TCF_URG)
		return false;
	if (seq_lt(seg->ack, c->snd_una) || seq_gt(seg->ack, c->snd_nxt) || (seg->len == 0 && !advances) ||
	    (uint32_t)seg->wnd << c->snd_wscale != c->snd_edge - c->snd_una)
		return false;
	if (seq_gt(seg->end, c->rcv_edge))
		return false;
	if (opts != 0 && (seq_lt(seg->opt.tsval, c->ts_recent) || c->ts_recent == 0))
		return false;
	heard(c);
	update_ts_recent(c, seg);
	if (advances)
		tcp_ack_fast(c, seg);
	if (seg->len != 0 && !tcp_dead(c))
		tcp_data_fast(c, seg);
	if (seg->m != NULL)
		TCP_SEG_DROP(c->ts, TCP_DONE, seg);
	return true;
}

void tcp_segment_input(struct tcp_conn *c, struct tcp_seg *seg)
{
	struct tcp_stats *s = &c->ts->stats;

	c->segs_in++;
	if (c->state == TCP_SYN_SENT) {
		tcp_syn_sent_input(c, seg);
		return;
	}
	if (c->ts->conf.fast_path && fast_path(c, seg)) {
		s->fast_path++;
		return;
	}
	s->slow_path++;
	slow_path(c, seg);
}
