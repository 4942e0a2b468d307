/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * First SYNs whose next hop is not known yet. They are not made before it is, so that however many wait, all of
 * them leave with the answer (the neighbour's own queue keeps a few packets only), timed from when they left; and
 * all of them are told when there is no answer. Lists by neighbour, in the order of the calls.
 */
#include <errno.h>
#include <stdlib.h>

#include "proto/tcp/conn.h"

#define LISTS 64
#define AWAIT_US (10 * TCP_S_US) /* longer than anybody asks for an address */

struct await_state {
	struct { struct tcp_conn *head, *tail; } list[LISTS];
};

int tcp_await_init(struct tcp_stack *ts)
{
	ts->await = calloc(1, sizeof(*ts->await));
	return ts->await != NULL ? 0 : -ENOMEM;
}

void tcp_await_fini(struct tcp_stack *ts)
{
	free(ts->await);
}

static void append(struct tcp_conn *c)
{
	typeof(&c->ts->await->list[0]) l = &c->ts->await->list[c->path.neigh % LISTS];

	c->next_awaits = NULL;
	c->prev_awaits = l->tail;
	if (l->tail != NULL)
		l->tail->next_awaits = c;
	else
		l->head = c;
	l->tail = c;
}

bool tcp_await_hop(struct tcp_conn *c)
{
	tcp_await_end(c);
	if (likely(net_path_ready(c->ts->net, &c->path) != -EAGAIN))
		return false;
	append(c);
	c->flags |= TCF_AWAITS;
	c->rtx_mode = TCP_RTX_SYN;
	tcp_timer_set(c, TCP_T_RTX, tcp_now_us(c->ts) + AWAIT_US);
	return true;
}

void tcp_await_end(struct tcp_conn *c)
{
	typeof(&c->ts->await->list[0]) l = &c->ts->await->list[c->path.neigh % LISTS];

	if (!(c->flags & TCF_AWAITS))
		return;
	c->flags &= ~(uint32_t)TCF_AWAITS;
	if (c->prev_awaits != NULL)
		c->prev_awaits->next_awaits = c->next_awaits;
	else
		l->head = c->next_awaits;
	if (c->next_awaits != NULL)
		c->next_awaits->prev_awaits = c->prev_awaits;
	else
		l->tail = c->prev_awaits;
	tcp_timer_clear(c, TCP_T_RTX);
}

static void for_each(struct tcp_stack *ts, uint32_t neigh, void (*told)(struct tcp_conn *c))
{
	struct tcp_conn *c = ts->await->list[neigh % LISTS].head, *next;

	for (; c != NULL; c = next) {
		next = c->next_awaits;
		if (c->path.neigh == neigh)
			told(c);
	}
}

static void go(struct tcp_conn *c)
{
	tcp_await_end(c);
	tcp_want_output(c);
}

static void fail(struct tcp_conn *c)
{
	tcp_kill(c, EHOSTUNREACH);
}

void tcp_hop_resolved(void *ctx, uint32_t neigh)
{
	for_each(ctx, neigh, go);
	tcp_half_resolved(ctx, neigh);
}

void tcp_hop_unreachable(void *ctx, uint32_t neigh)
{
	for_each(ctx, neigh, fail);
}
