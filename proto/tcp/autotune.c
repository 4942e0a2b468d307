/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Estimates of the receiver: the peer's segment size, payload per pinned octet,
 * the round-trip time, and from them the size of the buffer. As in Linux: what
 * the user consumed in one round trip, doubled, is what the buffer has to hold
 * for the sender to double its rate in the next.
 */
#include "proto/tcp/recv.h"

/* Largest unit the peer may send: what our MSS option said. */
static uint32_t our_mss(const struct tcp_conn *c)
{
	uint32_t mtu = c->path.mtu;

	return mtu > 128 ? mtu - 40 : 1460;
}

/* What the peer cut its data into, also where several pieces came as one. */
static uint32_t unit_of(const struct tcp_conn *c, const struct tcp_seg *seg)
{
	uint32_t unit = seg->gso_size != 0 && seg->gso_size <= seg->len ? seg->gso_size : seg->len;

	return RTE_MIN(unit, our_mss(c));
}

/* Grows with what is seen; shrinks when two segments in a row that were not the
 * end of a write (no PSH) have the same smaller length: a lower path MTU. */
static void measure_mss(struct tcp_conn *c, const struct tcp_seg *seg)
{
	uint32_t unit = unit_of(c, seg);

	if (unit >= c->rcv_mss) {
		c->rcv_mss = unit;
		return;
	}
	if (seg->flags & RTE_TCP_PSH_FLAG)
		return;
	if (unit == c->rcv_len && unit >= TCP_RCV_MSS_MIN)
		c->rcv_mss = unit;
	c->rcv_len = unit;
}

/* Only buffers that hold full segments say something about the next ones. */
void rcv_ratio(struct tcp_conn *c, uint32_t len, uint32_t charge)
{
	int32_t diff, ratio;

	if (len < c->rcv_mss)
		return;
	/* EWMA with gain 1/8; the division is by the power of two below charge */
	diff = (int32_t)(len * 256) - (int32_t)(c->ratio * charge);
	ratio = c->ratio + (diff >> (31 - __builtin_clz(charge) + 3));
	ratio = RTE_MIN(ratio, 250);
	c->ratio = RTE_MAX(ratio, 32);
}

static void rtt_update(struct tcp_conn *c, uint32_t us, bool smooth)
{
	if (c->rcv_rtt_us == 0)
		c->rcv_rtt_us = us;
	else if (smooth)
		c->rcv_rtt_us += ((int32_t)us - (int32_t)c->rcv_rtt_us) / 8;
	else
		c->rcv_rtt_us = RTE_MIN(c->rcv_rtt_us, us);
	c->rcv_rtt_us = RTE_MAX(c->rcv_rtt_us, 1u);
}

/* From our own timestamp coming back with data, else from the time a window's
 * worth takes to arrive (never less than a round trip). */
static void measure_rtt(struct tcp_conn *c, const struct tcp_seg *seg)
{
	uint32_t now = (uint32_t)tcp_now_us(c->ts);

	if ((c->flags & TCF_TS) && (seg->opt.present & TCP_OPT_TS) && seg->opt.tsecr != 0) {
		uint32_t ms = tcp_tsval(c) - seg->opt.tsecr;

		if (seg->len >= c->rcv_mss && ms < 60000)
			rtt_update(c, RTE_MAX(ms, 1u) * 1000, true);
		return;
	}
	if (seq_lt(c->rcv_nxt, c->rcv_rtt_seq))
		return;
	if (now != c->rcv_rtt_start_us)
		rtt_update(c, now - c->rcv_rtt_start_us, false);
	c->rcv_rtt_seq = seq_max(c->rcv_edge, c->rcv_nxt + 1);
	c->rcv_rtt_start_us = now;
}

/* The window may grow by two segments for each full one that came, up to the buffer. */
static void grow_ssthresh(struct tcp_conn *c, const struct tcp_seg *seg, uint32_t len)
{
	if (c->rcv_ssthresh < c->rcvbuf && len >= c->rcv_mss && unit_of(c, seg) >= c->rcv_mss &&
	    rcv_pressure(c->ts) == 0)
		c->rcv_ssthresh = RTE_MIN(c->rcvbuf, c->rcv_ssthresh + 2 * len);
}

/* An idle gap longer than RTO: the sender starts slowly again and needs ACKs. */
static void measure_idle(struct tcp_conn *c)
{
	uint32_t now = tcp_now_ms(c->ts), rto = c->rto_us != 0 ? c->rto_us / 1000 : 1000;

	if (now - c->rcv_data_ms > rto)
		c->quick_acks = TCP_QUICK_ACKS;
	c->rcv_data_ms = now;
}

void rcv_measure(struct tcp_conn *c, const struct tcp_seg *seg, uint32_t len)
{
	measure_mss(c, seg);
	measure_rtt(c, seg);
	measure_idle(c);
	grow_ssthresh(c, seg, len);
}

static void grow(struct tcp_conn *c, uint32_t copied, uint32_t best)
{
	uint64_t win = 2ull * copied + 16ull * c->rcv_mss;
	uint64_t max = RTE_MIN(c->rcvbuf_max, 65535u << c->rcv_wscale);

	win += 2 * (win * (copied - best) / best);
	win = RTE_MIN(win, max);
	if (win > c->rcvbuf && rcv_pressure(c->ts) == 0)
		c->rcvbuf = win;
}

void rcv_adjust(struct tcp_conn *c)
{
	uint32_t rtt = c->rcv_rtt_us != 0 ? c->rcv_rtt_us : c->srtt8 >> 3;
	uint32_t now = (uint32_t)tcp_now_us(c->ts), copied;

	if (c->rcvbuf >= c->rcvbuf_max || rtt == 0 || now - c->rcv_round_us < rtt)
		return;
	copied = rcv_copied(c) - c->rcv_copied_seq;
	if (copied > c->rcv_round_bytes) {
		grow(c, copied, RTE_MAX(c->rcv_round_bytes, 1u));
		c->rcv_round_bytes = copied;
	}
	c->rcv_copied_seq = rcv_copied(c);
	c->rcv_round_us = now;
}

void tcp_rcv_set_limit(struct tcp_conn *c, uint32_t rcvbuf_max)
{
	if (rcvbuf_max == 0)
		return;
	c->rcvbuf_max = rcvbuf_max;
	if (c->rcvbuf > rcvbuf_max)
		c->rcvbuf = rcvbuf_max; /* the edge stays: what was promised is taken */
}
