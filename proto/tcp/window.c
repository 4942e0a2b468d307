/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What we offer: RFC 9293 3.8.6 and 3.8.6.2.2. One function computes the field
 * and remembers the edge it promised; nothing else writes rcv_edge while a
 * connection lives. The edge never moves left, and moves right by steps worth
 * a segment (silly window avoidance).
 */
#include "proto/tcp/recv.h"

uint8_t tcp_rcv_wscale(uint32_t rcvbuf_max)
{
	uint32_t units = (rcvbuf_max + 65534) / 65535; /* of the largest field */

	if (rcvbuf_max > 65535u << 14)
		return 14;
	return units <= 1 ? 0 : 32 - __builtin_clz(units - 1);
}

uint16_t tcp_rcv_initial_window(const struct tcp_config *conf, uint32_t rcvbuf_max)
{
	uint32_t max = rcvbuf_max != 0 ? rcvbuf_max : conf->rcvbuf_max;

	max = RTE_MIN(max, 65535u);
	return RTE_MIN(conf->rcvbuf_initial, max);
}

/* Octets the connection may still take: by octets, and by what they pin. */
static uint32_t free_space(const struct tcp_conn *c)
{
	uint32_t octets = c->rcvbuf > c->rcv_queued ? c->rcvbuf - c->rcv_queued : 0;
	uint32_t limit = rcv_true_limit(c);
	uint64_t pinned = limit > c->rcv_charged ? limit - c->rcv_charged : 0;

	return RTE_MIN((uint64_t)octets, pinned * c->ratio >> 8);
}

/* Short of memory a connection that holds more than its share gets no more. */
static bool over_share(const struct tcp_conn *c)
{
	const struct tcp_stack *ts = c->ts;

	if (likely(rcv_pressure(ts) < 3))
		return false;
	return c->rcv_charged > ts->conf.rcv_pinned_max / RTE_MAX(ts->conns.used, 1u);
}

/* Offered whatever others hold: a first window's worth that is not queued. Connections that idle cost nothing. */
static uint32_t free_of_charge(const struct tcp_conn *c)
{
	uint32_t first = tcp_rcv_initial_window(&c->ts->conf, c->rcvbuf_max);

	return first > c->rcv_queued ? first - c->rcv_queued : 0;
}

/*
 * More than that is memory promised. The promises of all connections (an octet
 * pins about two) and what they pin have to fit into three quarters of what
 * the stack may pin; each may have half of what the others leave, so that n
 * busy ones come to equal shares. Else ten fast readers that stop at once are
 * sent more than there is room for, and what is refused is sent again by
 * time-outs that double. What was promised stays promised: next_edge().
 */
static uint32_t affordable(const struct tcp_conn *c, uint32_t space)
{
	const struct tcp_stack *ts = c->ts;
	uint64_t others = ts->rcv_pinned + 2 * (ts->rcv_promised - c->rcv_promised);
	uint64_t most = ts->conf.rcv_pinned_max / 4 * 3, offer = free_of_charge(c);

	if (most == 0)
		return space;
	if (likely(others < most))
		offer += (most - others) / 4;
	return RTE_MIN(offer, space);
}

static void promise(struct tcp_conn *c, uint32_t octets)
{
	c->ts->rcv_promised += (uint64_t)octets - c->rcv_promised;
	c->rcv_promised = octets;
}

void rcv_promise_none(struct tcp_conn *c)
{
	promise(c, 0);
}

/* Smallest step of the edge. */
static uint32_t min_step(const struct tcp_conn *c)
{
	uint32_t step = RTE_MIN(c->rcvbuf / 2, (uint32_t)c->rcv_mss);

	return step > 0 ? step : 1;
}

/* The window we would like to offer, before the promise is considered. */
static uint32_t wanted(const struct tcp_conn *c)
{
	uint32_t full = c->rcvbuf, space = free_space(c), mask = (1u << c->rcv_wscale) - 1;

	if (unlikely(over_share(c)))
		return 0;
	if (space >= full / 2)
		space = RTE_MIN(space, c->rcv_ssthresh);
	else if (space < full / 16 || space < min_step(c))
		space = 0;
	space = affordable(c, space);
	return RTE_MIN(space & ~mask, 65535u << c->rcv_wscale);
}

/* Where the edge goes if an ACK is sent now. */
static uint32_t next_edge(const struct tcp_conn *c)
{
	uint32_t edge = c->rcv_nxt + wanted(c);

	if ((int32_t)(edge - c->rcv_edge) < (int32_t)min_step(c))
		return c->rcv_edge;
	return edge;
}

/*
 * The field counts in units of 1 << scale, the promise does not end on one.
 * Rounding up keeps the peer's view from moving left and gives away less than
 * a unit; but a peer that sends octet by octet would get that again and again,
 * so when the buffer is overdrawn by it we round down. What was promised is
 * accepted in either case.
 */
static uint32_t to_field(const struct tcp_conn *c, uint32_t wnd)
{
	uint32_t unit = 1u << c->rcv_wscale;
	uint32_t up = (wnd + unit - 1) >> c->rcv_wscale;

	if ((wnd & (unit - 1)) != 0 && c->rcv_queued + wnd > c->rcvbuf + unit)
		return wnd >> c->rcv_wscale;
	return up;
}

uint16_t tcp_rcv_window_field(struct tcp_conn *c, bool syn)
{
	uint32_t edge, field, wnd, given;
	bool was_open;

	if (syn) {
		/* rcv_nxt is unknown before the peer's SYN; tcp_rcv_init() promises the same */
		return tcp_rcv_initial_window(&c->ts->conf, c->rcvbuf_max);
	}
	was_open = c->rcv_edge != c->rcv_wup;
	edge = next_edge(c);
	if (unlikely(seq_gt(c->rcv_nxt, edge)))
		edge = c->rcv_nxt; /* a FIN into a closed window counts one octet */
	field = RTE_MIN(to_field(c, edge - c->rcv_nxt), 65535u);
	c->rcv_edge = seq_max(edge, c->rcv_nxt + (field << c->rcv_wscale));
	wnd = c->rcv_edge - c->rcv_nxt;
	given = free_of_charge(c);
	promise(c, wnd > given ? wnd - given : 0);
	if (field == 0 && was_open)
		c->ts->stats.zero_window_out++;
	return field;
}

/* Linux's test: tell when the window doubles, or opens. A smaller step goes
 * with the next ACK; a lost update is repaired by the peer's probe. */
bool rcv_update_due(const struct tcp_conn *c)
{
	uint32_t edge, now;

	now = c->rcv_edge - c->rcv_nxt;
	/* more than the buffer is never offered: nearly always that settles it */
	if (c->flags & TCF_FIN_RCVD || c->rcvbuf < 2 * now)
		return false;
	edge = next_edge(c);
	if (edge == c->rcv_edge)
		return false;
	return edge - c->rcv_nxt >= 2 * now;
}
