/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What passes between workers, and from main to workers: single-producer
 * single-consumer rings, one for packets and one for messages for each ordered
 * pair of workers, one for calls from main to each worker.
 */
#ifndef PIPELINE_EXCHANGE_H
#define PIPELINE_EXCHANGE_H

#include <stdbool.h>

#include <rte_ring.h>

#include "proto/net/net.h"

struct lcore;
struct pipeline;

/* Why a packet goes to another worker; travels in the low bits of its pointer. */
enum exchange_kind {
	EXCHANGE_FRAME,	     /* received, its flow lives there (or ARP); m->port says where from */
	EXCHANGE_DATAGRAM,   /* reassembled datagram or ICMP error, net_meta intact */
	EXCHANGE_TX_CONTROL, /* finished, for a port whose queue is that worker's; m->port: port index */
	EXCHANGE_TX_DATA,
};

enum exchange_msg_type { MSG_NEIGH_ASK, MSG_NEIGH_INFO, MSG_PMTU };

/* By value in the rings. */
struct exchange_msg {
	uint32_t type;          /* enum exchange_msg_type */
	uint16_t mtu;           /* PMTU */
	uint8_t ifx;            /* NEIGH_ASK */
	uint8_t confirm;        /* NEIGH_ASK */
	union {
		struct net_addr addr;         /* NEIGH_ASK, PMTU */
		struct net_neigh_info neigh;  /* NEIGH_INFO */
	};
};
static_assert(sizeof(struct exchange_msg) % 4 == 0, "an element of rte_ring");

struct exchange {
	unsigned workers;
	struct rte_ring **packets; /* [from * workers + to], NULL on the diagonal */
	struct rte_ring **msgs;
	struct rte_ring **calls;   /* [to], from main */
};

/* One of request's own making: see call.c. */
struct request;

/* Main lcore, workers not running. 0, -ENOMEM. */
int exchange_create(struct exchange *x, unsigned workers);
/* Frees packets that were still under way, too. */
void exchange_destroy(struct exchange *x);

/* Worker: hand a packet to another. False when the ring is full: the packet is
 * still the caller's. The other is woken by exchange_wake(). */
bool exchange_packet(struct lcore *lc, unsigned to, struct rte_mbuf *m, enum exchange_kind kind);
/* Worker: send a message; a full ring is counted, the message lost. */
void exchange_message(struct lcore *lc, unsigned to, struct exchange_msg *msg);
void exchange_broadcast(struct lcore *lc, struct exchange_msg *msg);
/* Worker: wake those who got something since the last time, if they sleep. */
void exchange_wake(struct lcore *lc);

/* Worker: packets from the others into the stack and the ports. Returns how many. */
unsigned exchange_receive(struct lcore *lc);
/* Worker: messages and calls. Returns how many. */
unsigned exchange_messages(struct lcore *lc);
/* Worker: something waits in our rings. */
bool exchange_pending(const struct lcore *lc);

/* call.c: run one call and answer it. */
void request_run(struct lcore *lc, struct request *r);

#endif
