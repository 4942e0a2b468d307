/* SPDX-License-Identifier: BSD-3-Clause */
/* RFC 5681 with appropriate byte counting of all that is acknowledged. */
#include "proto/tcp/cc.h"

struct newreno {
	uint32_t acc; /* octets acknowledged and not yet turned into growth */
};
static_assert(sizeof(struct newreno) <= TCP_CC_PRIV, "fits the connection");

static struct newreno *priv(struct tcp_conn *c)
{
	return (struct newreno *)c->cc_priv;
}

static void newreno_init(struct tcp_conn *c)
{
	priv(c)->acc = 0;
}

static uint32_t newreno_ssthresh(struct tcp_conn *c)
{
	uint32_t flight = c->snd_nxt - c->snd_una;

	return tcp_cc_floor(c, tcp_min(c->cwnd, tcp_max(flight, 1u)) / 2);
}

static void newreno_on_ack(struct tcp_conn *c, const struct tcp_cc_sample *s)
{
	struct newreno *p = priv(c);
	uint32_t acked = s->acked;

	if (c->cwnd < c->ssthresh)
		acked = tcp_cc_slow_start(c, acked);
	p->acc += tcp_min(acked, TCP_CWND_MAX);
	while (p->acc >= c->cwnd) {
		p->acc -= c->cwnd;
		tcp_cc_grow(c, c->snd_mss);
	}
}

static void newreno_on_event(struct tcp_conn *c, enum tcp_cc_event ev, uint32_t arg)
{
	if (ev == TCP_CC_RTO || ev == TCP_CC_LOSS_ENTER)
		priv(c)->acc = 0;
}

static void newreno_undo(struct tcp_conn *c)
{
}

const struct tcp_cc_ops tcp_cc_newreno = {
	.name = "newreno", .init = newreno_init, .ssthresh = newreno_ssthresh, .on_ack = newreno_on_ack,
	.on_event = newreno_on_event, .undo = newreno_undo,
};
