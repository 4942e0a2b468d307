/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SYN-ACKs whose next hop is not known yet: the neighbour's own queue keeps a few packets only, and behind a router
 * that has to be asked for there may be any number of clients. Their half-open entries wait, on lists by neighbour
 * and in the order of their SYNs. With the answer a whole list becomes due and is sent bit by bit, so that it does
 * not take all buffers of a turn. Lists are shared by neighbours that have the same remainder: who becomes due by
 * another's answer just waits again. Nothing is held of the neighbour, and without an answer the entry's own timer
 * asks again, until it ends.
 */
#include <errno.h>
#include <stdlib.h>

#include "proto/tcp/conn.h"

#define LISTS 64
#define BURST 64 /* SYN-ACKs at a time */

struct await_list {
	uint32_t head, tail; /* indices of entries, 0: none */
};

struct half_await_state {
	struct await_list list[LISTS], due;
	struct wheel_timer timer; /* of kind WHEEL_TCP_HALF_OPEN, armed while due is not empty */
};

int tcp_half_await_init(struct tcp_stack *ts)
{
	ts->half_await = calloc(1, sizeof(*ts->half_await));
	return ts->half_await != NULL ? 0 : -ENOMEM;
}

void tcp_half_await_fini(struct tcp_stack *ts)
{
	if (ts->half_await != NULL)
		wheel_cancel(ts->wheel, &ts->half_await->timer);
	free(ts->half_await);
}

static struct tcp_half_open *half_at(const struct tcp_stack *ts, uint32_t idx)
{
	return pool_at(&ts->half_opens, idx);
}

static struct await_list *list_of(const struct tcp_stack *ts, uint32_t neigh)
{
	return &ts->half_await->list[neigh % LISTS];
}

void tcp_half_await(struct tcp_stack *ts, struct tcp_half_open *h, uint32_t neigh)
{
	struct await_list *l = list_of(ts, neigh);
	uint32_t idx = pool_index(&ts->half_opens, h);

	h->awaits = neigh;
	h->await_next = 0;
	h->await_prev = l->tail;
	if (l->tail != 0)
		half_at(ts, l->tail)->await_next = idx;
	else
		l->head = idx;
	l->tail = idx;
}

void tcp_half_await_end(struct tcp_stack *ts, struct tcp_half_open *h)
{
	struct await_list *due = &ts->half_await->due, *l;

	if (likely(h->awaits == 0))
		return;
	l = list_of(ts, h->awaits);
	h->awaits = 0;
	if (h->await_prev != 0)
		half_at(ts, h->await_prev)->await_next = h->await_next;
	else if (due->head == pool_index(&ts->half_opens, h))
		due->head = h->await_next;
	else
		l->head = h->await_next;
	if (h->await_next != 0)
		half_at(ts, h->await_next)->await_prev = h->await_prev;
	else if (due->tail == pool_index(&ts->half_opens, h))
		due->tail = h->await_prev;
	else
		l->tail = h->await_prev;
}

static void arm(struct tcp_stack *ts)
{
	wheel_arm(ts->wheel, &ts->half_await->timer, WHEEL_TCP_HALF_OPEN, tcp_now_us(ts));
}

void tcp_half_resolved(struct tcp_stack *ts, uint32_t neigh)
{
	struct await_list *l = list_of(ts, neigh), *due = &ts->half_await->due;

	if (l->head == 0)
		return;
	half_at(ts, l->head)->await_prev = due->tail;
	if (due->tail != 0)
		half_at(ts, due->tail)->await_next = l->head;
	else
		due->head = l->head;
	due->tail = l->tail;
	*l = (struct await_list){ 0 };
	arm(ts);
}

void tcp_half_await_timer(struct tcp_stack *ts)
{
	for (unsigned n = 0; n < BURST && ts->half_await->due.head != 0; n++)
		tcp_half_go(ts, half_at(ts, ts->half_await->due.head));
	if (ts->half_await->due.head != 0)
		arm(ts);
}
