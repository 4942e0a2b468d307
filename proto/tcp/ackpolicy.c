/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When to acknowledge: RFC 9293 3.8.6.3, RFC 5681 4.2. Input only notes; the
 * output stage asks once per connection and turn, after the user's callbacks,
 * and only if no data segment carried the ACK.
 */
#include "proto/tcp/recv.h"

void ack_now(struct tcp_conn *c)
{
	c->flags |= TCF_ACK_NOW;
	tcp_want_output(c);
}

void ack_note(struct tcp_conn *c, uint32_t len)
{
	c->rcv_unacked += len;
	tcp_want_output(c);
}

void ack_note_ooo(struct tcp_conn *c)
{
	if (!(c->flags & TCF_SACK) && c->dup_acks_due < 3)
		c->dup_acks_due++;
	ack_now(c);
}

/*
 * Every second full segment; or half of what the peer may send, where a
 * segment is large beside the window and it would stop (pitfall 55).
 */
static bool enough_unacked(const struct tcp_conn *c)
{
	uint32_t half = (c->rcv_edge - c->rcv_wup) / 2;

	return c->rcv_unacked >= 2u * c->rcv_mss || c->rcv_unacked >= half;
}

/* Duplicates that a sender without SACK has to count (RFC 5681 3.2). If the
 * first one acknowledges something new it is no duplicate: one more. */
static unsigned duplicates_due(struct tcp_conn *c)
{
	unsigned n = c->dup_acks_due;

	if (n > 0 && c->ooo_count == 0)
		n = 0; /* the hole was filled in the same turn */
	c->ts->stats.dup_acks_out += n;
	if (n > 0 && c->rcv_nxt != c->rcv_wup)
		n++;
	return n;
}

unsigned tcp_ack_due(struct tcp_conn *c)
{
	bool pending = c->rcv_nxt != c->rcv_wup;
	uint64_t delay = c->ts->conf.delayed_ack_ms * 1000ull;

	if (c->flags & TCF_ACK_NOW)
		return RTE_MAX(duplicates_due(c), 1u);
	if (rcv_update_due(c))
		return 1;
	if (!pending)
		return 0;
	if (enough_unacked(c))
		return 1;
	if (c->quick_acks > 0) {
		c->quick_acks--;
		return 1;
	}
	if (delay == 0)
		return 1;
	if (!tcp_timer_on(c, TCP_T_DELACK))
		tcp_timer_set(c, TCP_T_DELACK, tcp_now_us(c->ts) + delay);
	return 0;
}

void tcp_ack_sent(struct tcp_conn *c)
{
	c->rcv_wup = c->rcv_nxt;
	c->rcv_unacked = 0;
	c->dup_acks_due = 0;
	c->flags &= ~TCF_ACK_NOW;
	if (c->dsack.start != c->dsack.end) {
		c->dsack.start = c->dsack.end;
		c->ts->stats.dsack_out++;
	}
	if (tcp_timer_on(c, TCP_T_DELACK))
		tcp_timer_clear(c, TCP_T_DELACK);
}

void tcp_delack_expired(struct tcp_conn *c)
{
	if (c->rcv_nxt == c->rcv_wup)
		return;
	c->ts->stats.delayed_acks++;
	ack_now(c);
}
