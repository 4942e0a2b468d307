/* SPDX-License-Identifier: BSD-3-Clause */
/* Data of an acceptable segment: RFC 9293 3.10.7.4 steps 6 to 8. */
#include <errno.h>

#include "proto/tcp/recv.h"

int tcp_rcv_init(struct tcp_conn *c)
{
	const struct tcp_config *conf = &c->ts->conf;
	uint32_t now_us = (uint32_t)tcp_now_us(c->ts);

	if (c->rcvbuf_max == 0)
		c->rcvbuf_max = conf->rcvbuf_max;
	c->rcvbuf = RTE_MIN(conf->rcvbuf_initial, c->rcvbuf_max);
	c->rcv_nxt = c->irs + 1;
	c->rcv_wup = c->rcv_nxt;
	c->rcv_edge = c->rcv_nxt + tcp_rcv_initial_window(conf, c->rcvbuf_max);
	c->rcv_ssthresh = RTE_MAX(c->rcv_edge - c->rcv_nxt, c->rcvbuf);
	c->rcv_mss = TCP_RCV_MSS_INIT;
	c->ratio = 128;
	c->quick_acks = TCP_QUICK_ACKS;
	c->rcv_data_ms = tcp_now_ms(c->ts);
	c->rcv_copied_seq = c->rcv_nxt;
	c->rcv_round_us = now_us;
	c->rcv_round_bytes = RTE_MIN(c->rcvbuf, 10u * 1460);
	c->rcv_rtt_seq = c->rcv_edge;
	c->rcv_rtt_start_us = now_us;
	return 0;
}

void tcp_rcv_free(struct tcp_conn *c)
{
	ooo_free(c);
	rcv_free_list(c, c->rcvq_head);
	rcv_promise_none(c);
	c->rcvq_head = c->rcvq_tail = NULL;
	c->rcv_queued = 0;
	c->has_fin = false;
}

/*
 * Not acceptable: wholly before the last ACK's number (not before rcv_nxt: one
 * ACK covers a turn, the peer cannot know more), or beyond the edge promised,
 * which is not what is free now (pitfall 42). Length 0 at the edge is fine, so
 * that a closed window still lets ACKs, RSTs and urgent pointers in (2a).
 */
bool tcp_seq_acceptable(const struct tcp_conn *c, const struct tcp_seg *seg)
{
	return !seq_lt(seg->end, c->rcv_wup) && !seq_gt(seg->seq, c->rcv_edge);
}

void tcp_rcv_old(struct tcp_conn *c, const struct tcp_seg *seg)
{
	if (seg->len > 0 && seq_le(seg->end, c->rcv_nxt))
		dsack_note(c, seg->seq, seg->seq + seg->len);
}

/* ---- a segment's buffers, one by one ------------------------------------- */

struct cut {
	struct rte_mbuf *m;   /* rest of the chain */
	uint32_t skip, len;   /* octets to leave out, then to hand out */
};

/* Next buffer with octets to keep, as a single segment; the others are freed. */
static struct rte_mbuf *cut_next(struct cut *it)
{
	struct rte_mbuf *m;

	while ((m = it->m) != NULL) {
		it->m = m->next;
		m->next = NULL;
		m->nb_segs = 1;
		if (m->data_len <= it->skip || it->len == 0) {
			it->skip -= RTE_MIN(it->skip, m->data_len);
			rte_pktmbuf_free_seg(m);
			continue;
		}
		m->data_off += it->skip;
		m->data_len -= it->skip;
		it->skip = 0;
		m->data_len = RTE_MIN(m->data_len, it->len);
		it->len -= m->data_len;
		m->pkt_len = m->data_len;
		return m;
	}
	return NULL;
}

static void cut_end(struct cut *it)
{
	rte_pktmbuf_free(it->m);
	it->m = NULL;
}

/* rcv_nxt moved by len octets, now readable. */
static void advance(struct tcp_conn *c, uint32_t len)
{
	c->rcv_nxt += len;
	c->rcv_queued += len;
	c->bytes_in += len;
	c->ts->stats.bytes_in += len;
}

/* Octets at rcv_nxt that nothing held overlaps, to the end of the queue. What
 * memory cannot take is not acknowledged, the peer sends it again. */
static uint32_t deliver(struct tcp_conn *c, struct cut *it)
{
	struct rcv_list l = { c->rcvq_head, c->rcvq_tail };
	struct rte_mbuf *m;
	uint32_t got = 0;

	while ((m = cut_next(it)) != NULL) {
		uint32_t n = m->data_len;

		if (unlikely(rcv_store(c, &l, m, l.head != NULL) < 0)) {
			NET_DROP(c->ts->drops, TCP_RCV_MEMORY, m);
			cut_end(it);
			ack_now(c);
			break;
		}
		got += n;
	}
	c->rcvq_head = l.head;
	c->rcvq_tail = l.tail;
	advance(c, got);
	return got;
}

/* ---- out of order ---------------------------------------------------------- */

/* Keep the segment's octets among the ranges; octets newly held. */
static uint32_t hold(struct tcp_conn *c, struct cut *it, uint32_t seq, bool in_order)
{
	struct tcp_range dup = { 0, 0 }, r;
	uint32_t at = seq, held = 0;
	struct rte_mbuf *m;

	while ((m = cut_next(it)) != NULL) {
		uint32_t n = m->data_len;

		held += ooo_insert(c, m, at, in_order, &dup);
		at += n;
	}
	if (dup.start != dup.end)
		dsack_note(c, dup.start, dup.end);
	if (ooo_range_at(c, seq, &r))
		sack_note(c, &r);
	return held;
}

static void input_ooo(struct tcp_conn *c, struct cut *it, uint32_t seq)
{
	c->ooo_segs++;
	c->ts->stats.ooo_in++;
	hold(c, it, seq, false);
	ack_note_ooo(c);
}

/* The segment starts at rcv_nxt. Where it overlaps what is held the held octets
 * win, so it goes through the ranges. */
static void input_in_order(struct tcp_conn *c, const struct tcp_seg *seg, struct cut *it)
{
	uint32_t len = it->len, got;

	if (likely(c->ooo_count == 0)) {
		got = deliver(c, it);
	} else {
		if (seq_le(c->rcv_nxt + len, ooo_first(c)))
			got = deliver(c, it);
		else
			got = 0, hold(c, it, c->rcv_nxt, true);
		len = ooo_drain(c);
		advance(c, len);
		got += len;
		sack_advance(c);
		ack_now(c); /* a hole is filled, or partly (RFC 5681 4.2) */
	}
	if (got == 0)
		return;
	rcv_measure(c, seg, got);
	ack_note(c, got);
	tcp_raise(c, TCP_EV_READABLE);
}

void tcp_data_fast(struct tcp_conn *c, struct tcp_seg *seg)
{
	struct cut it = { seg->m, 0, seg->len };
	uint32_t got;

	seg->m = NULL;
	got = deliver(c, &it);
	if (unlikely(got == 0))
		return;
	rcv_measure(c, seg, got);
	ack_note(c, got);
	tcp_raise(c, TCP_EV_READABLE);
}

/* ---- the slow path ----------------------------------------------------------- */

/* What is left of a segment after trimming. */
struct part {
	uint32_t seq, end;   /* payload */
	uint32_t skip;       /* octets cut off in front */
	bool fin;            /* FIN at end */
	enum net_drop why;   /* if nothing is left */
};

/* Cut off what the peer may not send: beyond the edge, or beyond its FIN. The
 * FIN goes with the data before it (pitfall 18). */
static void trim_right(struct tcp_conn *c, struct part *p)
{
	uint32_t limit = c->rcv_edge;
	bool zero = c->rcv_edge == c->rcv_nxt;

	p->why = zero ? DROP_TCP_ZERO_WINDOW : DROP_TCP_OUT_OF_WINDOW;
	if (c->has_fin && seq_le(c->rcv_fin, limit)) {
		limit = c->rcv_fin;
		if (seq_gt(p->end, limit))
			p->why = DROP_TCP_AFTER_FIN;
	}
	if (seq_gt(p->end, limit)) {
		p->end = seq_max(limit, p->seq);
		p->fin = false;
		ack_now(c);
	} else if (p->fin && p->end == limit && p->end == c->rcv_edge && p->end != c->rcv_nxt) {
		/* the FIN wants an octet of window as well; but some peers send
		 * a bare one into a closed window, and it costs nothing */
		p->fin = false;
		ack_now(c);
	}
}

/* Cut off what was received before. */
static void trim_left(struct tcp_conn *c, struct part *p)
{
	uint32_t nxt = c->rcv_nxt;

	if (!seq_lt(p->seq, nxt))
		return;
	if (seq_gt(p->end, p->seq))
		dsack_note(c, p->seq, seq_gt(p->end, nxt) ? nxt : p->end);
	ack_now(c);
	p->why = DROP_TCP_DUP_DATA;
	if (seq_lt(p->end, nxt)) {
		p->fin = false;
		p->skip = p->end - p->seq;
	} else {
		p->skip = nxt - p->seq;
	}
	p->seq += p->skip;
}

/* FIN at seq, perhaps before the data in front of it (8a). Only the first
 * place counts, and nothing behind it. */
static void input_fin(struct tcp_conn *c, uint32_t seq)
{
	ack_now(c);
	if (c->has_fin) {
		if (c->rcv_fin != seq)
			net_drop_count(c->ts->drops, DROP_TCP_AFTER_FIN);
		return;
	}
	c->has_fin = true;
	c->rcv_fin = seq;
	ooo_truncate(c, seq);
}

static void reach_fin(struct tcp_conn *c)
{
	c->rcv_nxt++;
	c->flags |= TCF_FIN_RCVD;
	ack_now(c);
	tcp_fin_received(c);
}

/* Nobody will read it: the peer is told by a reset (2.5 step 7a, RFC 1122 4.2.2.13). */
static void refuse_closed(struct tcp_conn *c, struct tcp_seg *seg)
{
	NET_DROP(c->ts->drops, TCP_DATA_AFTER_CLOSE, seg->m);
	seg->m = NULL;
	c->ts->stats.abort_on_data++;
	tcp_send_reset(c);
	tcp_kill(c, ECONNRESET);
}

/* After the FIN only repetitions are left (7b). */
static void input_after_fin(struct tcp_conn *c, struct tcp_seg *seg, const struct part *p)
{
	bool beyond = seq_gt(p->end, c->rcv_nxt - 1);

	ack_now(c);
	if (seg->len == 0)
		return;
	if (!beyond) {
		dsack_note(c, p->seq, p->end);
		NET_DROP(c->ts->drops, TCP_DUP_DATA, seg->m);
	} else {
		NET_DROP(c->ts->drops, TCP_AFTER_FIN, seg->m);
	}
	seg->m = NULL;
}

static void drop_part(struct tcp_conn *c, enum net_drop why, struct rte_mbuf *m)
{
	net_drop_count(c->ts->drops, why);
	rte_pktmbuf_free(m);
}

static void input_payload(struct tcp_conn *c, struct tcp_seg *seg, const struct part *p)
{
	struct cut it = { seg->m, p->skip, p->end - p->seq };

	if (seg->len == 0)
		return;
	seg->m = NULL;
	if (it.len == 0)
		drop_part(c, p->why, it.m);
	else if (p->seq == c->rcv_nxt)
		input_in_order(c, seg, &it);
	else
		input_ooo(c, &it, p->seq);
}

void tcp_data_input(struct tcp_conn *c, struct tcp_seg *seg)
{
	struct part p = { .seq = seg->seq + ((seg->flags & RTE_TCP_SYN_FLAG) ? 1 : 0) };

	p.end = p.seq + seg->len;
	p.fin = seg->flags & RTE_TCP_FIN_FLAG;
	if (seg->flags & RTE_TCP_URG_FLAG)
		rcv_urgent(c, seg, p.seq);
	if (seg->len == 0 && !p.fin)
		return;
	if (c->flags & TCF_FIN_RCVD) {
		input_after_fin(c, seg, &p);
		return;
	}
	if ((c->flags & TCF_RCV_CLOSED) && seg->len > 0 && seq_gt(p.end, c->rcv_nxt)) {
		refuse_closed(c, seg);
		return;
	}
	trim_right(c, &p);
	trim_left(c, &p);
	input_payload(c, seg, &p);
	if (p.fin)
		input_fin(c, p.end);
	if (c->has_fin && c->rcv_nxt == c->rcv_fin)
		reach_fin(c);
}
