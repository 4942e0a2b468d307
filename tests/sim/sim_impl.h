/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside tests/sim: world, host, lcore. */
#ifndef TESTS_SIM_SIM_IMPL_H
#define TESTS_SIM_SIM_IMPL_H

#include "pmd/base/toeplitz.h"
#include "tests/sim/sim.h"

#define SIM_RETA 128

/* Frames waiting for a turn; grows. */
struct sim_queue {
	struct rte_mbuf **m;
	unsigned n, max;
};

enum sim_msg_kind { SIM_MSG_NEIGH, SIM_MSG_NEIGH_ASK, SIM_MSG_PMTU };

struct sim_msg {
	enum sim_msg_kind kind;
	struct net_neigh_info info;
	bool confirm;
	uint16_t mtu;
};

struct sim_lcore {
	struct sim_host *host;
	unsigned id;
	struct wheel *wheel;
	struct net_stack *net;
	struct tcp_stack *tcp;
	struct tcp_steering steering;
	struct sim_queue rx, steered;
	struct sim_msg *msgs;
	unsigned n_msgs, max_msgs;
};

struct sim_host {
	struct sim *sim;
	unsigned idx;
	struct sim_host_conf conf;
	struct tcp_secrets secrets;
	struct toeplitz rss;
	struct sim_lcore lcores[SIM_MAX_LCORES];
	uint64_t rng, handed_over;
	struct sim_host *peer;
	struct sim_wire wire;          /* towards peer */
	struct sim_wire_stats stats;
	uint64_t wire_free_us;         /* when the wire has sent all it was given */
	unsigned wire_queued;
};

enum sim_event_kind { SIM_EV_FRAME, SIM_EV_TX_DONE };

struct sim_event {
	uint64_t at_us, order;
	enum sim_event_kind kind;
	struct sim_host *host;         /* FRAME: the receiver */
	struct wire_frame *frame;
	struct rte_mbuf *m;            /* TX_DONE: what the port held, and its digest then */
	uint64_t digest;
	bool queued;                   /* FRAME: leaves the sender's queue */
};

struct sim {
	uint64_t now_us, rng, order;
	struct sim_host *hosts[SIM_MAX_HOSTS];
	unsigned n_hosts;
	struct sim_event *heap;
	unsigned n_events, max_events;
	char error[256];
};

/* event.c */
void sim_event_add(struct sim *s, const struct sim_event *ev);
/* Everything due now. */
void sim_events_run(struct sim *s);
void sim_events_free(struct sim *s);
/* What a host sends: takes m. */
void sim_transmit(struct sim_host *h, struct rte_mbuf *m);
/* A frame arrives at the port: steered to an lcore. Takes f. */
void sim_receive(struct sim_host *h, struct wire_frame *f);

void sim_queue_push(struct sim_queue *q, struct rte_mbuf *m);

#endif
