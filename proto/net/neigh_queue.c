/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets that wait for a neighbour's answer. Each neighbour keeps a few, the newest of them (RFC 1122 2.3.2.2 asks
 * for the latest at least). Behind a router that has to be asked for there may be hundreds of peers, each with a
 * packet that nobody makes again: resets, SYN cookies, ACKs of TIME-WAIT, echo replies. What of this kind does not fit
 * waits in places that all neighbours share, at most NEIGH_WAIT_MAX and an eighth of the header buffers, so that
 * whoever has us answer stations that do not exist takes neither memory nor the few places of each neighbour.
 */
#include <errno.h>
#include <stdlib.h>

#include "proto/net/net_impl.h"

struct neigh_wait {
	struct rte_mbuf *m;        /* class NET_TX_CONTROL */
	uint16_t next;             /* index, 0 ends */
};

int neigh_wait_init(struct net_stack *st)
{
	struct neigh_table *t = &st->neigh;
	uint16_t n = (uint16_t)RTE_MIN((uint32_t)NEIGH_WAIT_MAX, st->conf.hdr_pool->size / 8);

	t->waits = calloc(n + 1U, sizeof(t->waits[0]));
	if (t->waits == NULL)
		return -ENOMEM;
	for (uint16_t i = n; i > 0; i--) {
		t->waits[i].next = t->wait_free;
		t->wait_free = i;
	}
	return 0;
}

void neigh_wait_fini(struct net_stack *st)
{
	free(st->neigh.waits);
}

/* The first packet that waits in a shared place, and its place back. */
static struct rte_mbuf *wait_take(struct neigh_table *t, struct neigh *n)
{
	uint16_t i = n->wait_head;
	struct rte_mbuf *m = t->waits[i].m;

	n->wait_head = t->waits[i].next;
	t->waits[i].next = t->wait_free;
	t->wait_free = i;
	return m;
}

static bool wait_append(struct neigh_table *t, struct neigh *n, struct rte_mbuf *m)
{
	uint16_t i = t->wait_free;

	if (i == 0)
		return false;
	t->wait_free = t->waits[i].next;
	t->waits[i] = (struct neigh_wait){ .m = m };
	if (n->wait_head == 0)
		n->wait_head = i;
	else
		t->waits[n->wait_tail].next = i;
	n->wait_tail = i;
	return true;
}

void neigh_queue_drop(struct net_stack *st, struct neigh *n, enum net_drop why)
{
	for (unsigned i = 0; i < n->n_queued; i++) {
		net_drop_count(&st->stats, why);
		rte_pktmbuf_free(n->queue[i]);
	}
	n->n_queued = 0;
	while (n->wait_head != 0) {
		net_drop_count(&st->stats, why);
		rte_pktmbuf_free(wait_take(&st->neigh, n));
	}
}

int neigh_enqueue(struct net_stack *st, struct neigh *n, struct rte_mbuf *m, enum net_tx_class cls)
{
	if (n->n_queued == st->conf.neigh_queue) {
		if (cls == NET_TX_CONTROL && wait_append(&st->neigh, n, m))
			return 0;
		NET_DROP(&st->stats, NEIGH_QUEUE, n->queue[0]);
		n->n_queued--;
		memmove(&n->queue[0], &n->queue[1], n->n_queued * sizeof(n->queue[0]));
		memmove(&n->cls[0], &n->cls[1], n->n_queued * sizeof(n->cls[0]));
	}
	n->queue[n->n_queued] = m;
	n->cls[n->n_queued++] = cls;
	return 0;
}

bool neigh_queued(const struct neigh *n)
{
	return n->n_queued > 0; /* the shared places come after */
}

void neigh_queue_flush(struct net_stack *st, struct neigh *n)
{
	const struct net_if *ifp = &st->conf.ifs[n->ifx];
	uint8_t l2[NET_L2_MAX + 2];
	uint8_t l2_len = net_eth_header(ifp, &n->mac, RTE_ETHER_TYPE_IPV4, l2);
	unsigned queued = n->n_queued;

	n->n_queued = 0;
	for (unsigned i = 0; i < queued; i++)
		net_eth_send(st, ifp, n->queue[i], l2, l2_len, n->cls[i]);
	while (n->wait_head != 0)
		net_eth_send(st, ifp, wait_take(&st->neigh, n), l2, l2_len, NET_TX_CONTROL);
}
