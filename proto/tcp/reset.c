/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include <rte_common.h>

#include "proto/tcp/conn.h"

/* Token bucket in millionths of a token. Its size is drawn anew each time it
 * is found full: a limit whose exact value shows outside tells an observer how
 * many RSTs we sent to others (CVE-2016-5696). Challenge ACKs have limits of
 * their own, per connection. */
struct reset_state {
	uint64_t filled_us;
	uint64_t tokens, cap;
};

#define TOKEN 1000000ull

static void draw_cap(struct tcp_stack *ts)
{
	uint32_t half = ts->conf.rst_rate / 2;

	ts->reset->cap = (half + 1 + (uint32_t)((uint64_t)tcp_random(ts) * (half + 1) >> 32)) * TOKEN;
}

int tcp_reset_init(struct tcp_stack *ts)
{
	ts->reset = calloc(1, sizeof(*ts->reset));
	if (ts->reset == NULL)
		return -ENOMEM;
	draw_cap(ts);
	ts->reset->tokens = ts->reset->cap;
	ts->reset->filled_us = tcp_now_us(ts);
	return 0;
}

void tcp_reset_fini(struct tcp_stack *ts)
{
	free(ts->reset);
}

static bool take_token(struct tcp_stack *ts)
{
	struct reset_state *s = ts->reset;
	uint64_t now = tcp_now_us(ts), gone = RTE_MIN(now - s->filled_us, TCP_S_US);

	s->tokens += gone * ts->conf.rst_rate; /* microseconds times tokens a second: millionths */
	s->filled_us = now;
	if (s->tokens >= s->cap) {
		draw_cap(ts);
		s->tokens = s->cap;
	}
	if (s->tokens < TOKEN)
		return false;
	s->tokens -= TOKEN;
	return true;
}

void tcp_reset_reply(struct tcp_stack *ts, const struct net_flow *f, const struct tcp_seg *seg)
{
	struct tcp_bare b = { .flow = *f, .flags = RTE_TCP_RST_FLAG, .dscp = seg->tos >> 2 };

	if (seg->flags & RTE_TCP_RST_FLAG)
		return;
	if (!take_token(ts)) {
		net_drop_count(ts->drops, DROP_TCP_RST_RATE);
		return;
	}
	/* RFC 9293 3.10.7.1 */
	if (seg->flags & RTE_TCP_ACK_FLAG) {
		b.seq = seg->ack;
	} else {
		b.flags |= RTE_TCP_ACK_FLAG;
		b.ack = seg->end;
	}
	ts->stats.out_rsts++;
	tcp_send_bare(ts, &b);
}

void tcp_send_reset(struct tcp_conn *c)
{
	uint32_t seq = c->snd_nxt;

	if (tcp_dead(c))
		return;
	/* Beyond a window that shrank the peer would only answer with a challenge ACK. */
	if (seq_lt(c->snd_edge, seq))
		seq = seq_max(c->snd_edge, c->snd_una);
	c->ts->stats.out_rsts++;
	tcp_send_control(c, seq, RTE_TCP_RST_FLAG | RTE_TCP_ACK_FLAG);
}
