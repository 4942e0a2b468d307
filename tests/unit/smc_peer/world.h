/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One host of ours with SMC (10.0.0.1, RDMA in memory with nobody at the other
 * end), and one with bare TCP (10.0.0.2) whose octets the test writes: the
 * scripted peer of a handshake.
 */
#ifndef TESTS_SMC_PEER_WORLD_H
#define TESTS_SMC_PEER_WORLD_H

#include "proto/smc/clc.h"
#include "tests/sim/sim_smc.h"

#define WORLD_PORT 7000
#define SECOND 1000000ull

struct world {
	struct sim *sim;
	struct mem_fabric *fabric;
	struct sim_smc *ours;
	struct sim_host *theirs;
	struct sock_listener *l;       /* ours */
	struct sock *s;                /* ours: accepted or connected; NULL: none (any more) */
	struct tcp_listener *tl;       /* theirs */
	struct tcp_conn *c;            /* theirs, the newest; NULL: none */
	unsigned accepted;             /* theirs */
	bool opt[8];                   /* did the n-th of them have the option? */
	char seen[64];                 /* our service's callbacks: A C R E X */
	int error;                     /* of X */
	uint8_t in[2048];              /* the peer got */
	unsigned in_len;
	bool eof, reset;               /* the peer saw */
	void (*after_syn)(struct smc_stack *ss); /* between our SYN and its answer; NULL */
	struct rd_dev *mute;           /* theirs: 10.0.0.2, with a queue pair that takes nothing */
	uint32_t mute_qpn;
	bool peer_answers_opt;         /* theirs: SYN-ACKs with the option */
};

/* change: may change the configuration; NULL. */
void world_start(struct world *w, void (*change)(struct sim_smc_conf *conf));
/* Everything ends; assertions that nothing is left. */
void world_stop(struct world *w);
void world_run(struct world *w, uint64_t us);
/* The peer connects to our listener, or listens and we connect. */
void world_peer_connects(struct world *w, bool option);
void world_we_connect(struct world *w);
/* The peer sends, in one segment or in segments of one octet. */
void world_send(struct world *w, const void *octets, unsigned len, bool singly);
void world_peer_ends(struct world *w, bool reset);
/* A CLC message at the front of what the peer got, taken off: its type, 0: none. */
uint8_t world_take(struct world *w, uint8_t msg[CLC_MAX_LEN], unsigned *len);
/* An RDMA end for the peer that never answers: mute_qpn. */
void world_mute(struct world *w);
/* Application data both ways, exactly. */
void world_check_data(struct world *w);
uint32_t world_reason(const struct world *w, uint32_t *peer_reason);

#endif
