/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/pipeline/exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_atomic.h>
#include <rte_ring_elem.h>

#include "app/smcgate/pipeline/idle.h"
#include "app/smcgate/pipeline/lcore.h"
#include "app/smcgate/pipeline/pipeline_impl.h"
#include "app/smcgate/pipeline/stack.h"

#define PACKETS_MAX 1024  /* slots of a ring between two workers, */
#define PACKETS_MANY 256  /* and when there are many workers */
#define MSGS_MAX 256
#define CALLS_MAX 64
#define RECEIVE_BURST 64

/* mbufs are aligned to cache lines: their low bits are free. */
#define KIND_MASK ((uintptr_t)3)

static struct rte_ring *spsc(const char *what, uint8_t from, uint8_t to, unsigned esize, unsigned n)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "%s_%u_%u", what, from, to);
	return rte_ring_create_elem(name, esize, n, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

int exchange_create(struct exchange *x, unsigned workers)
{
	unsigned slots = workers <= 16 ? PACKETS_MAX : PACKETS_MANY;

	x->workers = workers;
	x->packets = calloc((size_t)workers * workers, sizeof(*x->packets));
	x->msgs = calloc((size_t)workers * workers, sizeof(*x->msgs));
	x->calls = calloc(workers, sizeof(*x->calls));
	if (x->packets == NULL || x->msgs == NULL || x->calls == NULL)
		goto fail;
	for (unsigned to = 0; to < workers; to++) {
		x->calls[to] = spsc("call", 0, (uint8_t)to, sizeof(void *), CALLS_MAX);
		if (x->calls[to] == NULL)
			goto fail;
		for (unsigned from = 0; from < workers; from++) {
			unsigned at = from * workers + to;

			if (from == to)
				continue;
			x->packets[at] = spsc("packets", (uint8_t)from, (uint8_t)to, sizeof(void *), slots);
			x->msgs[at] = spsc("msgs", (uint8_t)from, (uint8_t)to, sizeof(struct exchange_msg),
					   MSGS_MAX);
			if (x->packets[at] == NULL || x->msgs[at] == NULL)
				goto fail;
		}
	}
	return 0;

fail:
	exchange_destroy(x);
	return -ENOMEM;
}

void exchange_destroy(struct exchange *x)
{
	uintptr_t tagged;

	for (unsigned i = 0; x->packets != NULL && i < x->workers * x->workers; i++) {
		while (x->packets[i] != NULL && rte_ring_sc_dequeue(x->packets[i], (void **)&tagged) == 0)
			rte_pktmbuf_free((struct rte_mbuf *)(tagged & ~KIND_MASK));
		rte_ring_free(x->packets[i]);
	}
	for (unsigned i = 0; x->msgs != NULL && i < x->workers * x->workers; i++)
		rte_ring_free(x->msgs[i]);
	for (unsigned i = 0; x->calls != NULL && i < x->workers; i++)
		rte_ring_free(x->calls[i]);
	free(x->packets);
	free(x->msgs);
	free(x->calls);
	*x = (struct exchange){ 0 };
}

bool exchange_packet(struct lcore *lc, unsigned to, struct rte_mbuf *m, enum exchange_kind kind)
{
	const struct exchange *x = &lc->pl->exchange;
	uintptr_t tagged = (uintptr_t)m | (uintptr_t)kind;

	if (rte_ring_sp_enqueue(x->packets[lc->index * x->workers + to], (void *)tagged) != 0)
		return false;
	lcore_wake_later(lc, to);
	return true;
}

void exchange_message(struct lcore *lc, unsigned to, struct exchange_msg *msg)
{
	const struct exchange *x = &lc->pl->exchange;

	if (rte_ring_sp_enqueue_elem(x->msgs[lc->index * x->workers + to], msg, sizeof(*msg)) != 0)
		lc->stats.drop[PDROP_MSG_RING]++;
	else
		lcore_wake_later(lc, to);
}

void exchange_broadcast(struct lcore *lc, struct exchange_msg *msg)
{
	for (unsigned to = 0; to < lc->workers; to++)
		if (to != lc->index)
			exchange_message(lc, to, msg);
}

void exchange_wake(struct lcore *lc)
{
	bool any = false;

	for (unsigned w = 0; w < RTE_DIM(lc->wake); w++)
		any |= lc->wake[w] != 0;
	if (!any)
		return;
	rte_smp_mb(); /* rings before flags: see idle.h */
	for (unsigned w = 0; w < RTE_DIM(lc->wake); w++) {
		for (uint64_t set = lc->wake[w]; set != 0; set &= set - 1)
			idle_wake(lc->pl->lcores[w * 64 + (unsigned)rte_bsf64(set)]);
		lc->wake[w] = 0;
	}
}

/* A finished frame from a worker without a queue: m->port is the port's index. */
static void send_for_other(struct lcore *lc, struct rte_mbuf *m, enum net_tx_class cls)
{
	tx_enqueue(lc, &lc->tx[m->port], m, cls);
}

static void receive_run(struct lcore *lc, struct rte_mbuf **frames, unsigned n)
{
	if (n == 0)
		return;
	lc->stats.steered_in += n;
	stack_input(lc, frames[0]->port, frames, n);
}

/* Frames go to the stack in runs of one port, in the order they came. */
static void receive_burst(struct lcore *lc, uintptr_t *tagged, unsigned n)
{
	struct rte_mbuf *frames[RECEIVE_BURST];
	unsigned run = 0;

	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = (struct rte_mbuf *)(tagged[i] & ~KIND_MASK);
		enum exchange_kind kind = tagged[i] & KIND_MASK;

		if (kind == EXCHANGE_FRAME && (run == 0 || frames[0]->port == m->port)) {
			frames[run++] = m;
			continue;
		}
		receive_run(lc, frames, run);
		run = 0;
		if (kind == EXCHANGE_FRAME) {
			frames[run++] = m;
		} else if (kind == EXCHANGE_DATAGRAM) {
			lc->stats.steered_in++;
			stack_input_steered(lc, &m, 1);
		} else {
			send_for_other(lc, m, kind == EXCHANGE_TX_CONTROL ? NET_TX_CONTROL : NET_TX_DATA);
		}
	}
	receive_run(lc, frames, run);
}

unsigned exchange_receive(struct lcore *lc)
{
	const struct exchange *x = &lc->pl->exchange;
	uintptr_t tagged[RECEIVE_BURST];
	unsigned total = 0;

	for (unsigned from = 0; from < x->workers; from++) {
		unsigned n;

		if (from == lc->index)
			continue;
		n = rte_ring_sc_dequeue_burst(x->packets[from * x->workers + lc->index], (void **)tagged,
					      RECEIVE_BURST, NULL);
		if (n != 0)
			receive_burst(lc, tagged, n);
		total += n;
	}
	return total;
}

unsigned exchange_messages(struct lcore *lc)
{
	const struct exchange *x = &lc->pl->exchange;
	struct exchange_msg msg;
	struct request *r;
	unsigned total = 0;

	for (unsigned from = 0; from < x->workers; from++) {
		if (from == lc->index)
			continue;
		while (rte_ring_sc_dequeue_elem(x->msgs[from * x->workers + lc->index], &msg, sizeof(msg)) ==
		       0) {
			stack_message(lc, &msg);
			total++;
		}
	}
	/* One call a turn: each may list 64 sockets. */
	if (rte_ring_sc_dequeue(x->calls[lc->index], (void **)&r) == 0) {
		request_run(lc, r);
		total++;
	}
	lc->stats.messages += total;
	return total;
}

bool exchange_pending(const struct lcore *lc)
{
	const struct exchange *x = &lc->pl->exchange;

	if (!rte_ring_empty(x->calls[lc->index]))
		return true;
	for (unsigned from = 0; from < x->workers; from++) {
		unsigned at = from * x->workers + lc->index;

		if (from != lc->index && !(rte_ring_empty(x->packets[at]) && rte_ring_empty(x->msgs[at])))
			return true;
	}
	return false;
}
