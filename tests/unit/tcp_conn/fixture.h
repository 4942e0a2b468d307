/* SPDX-License-Identifier: BSD-3-Clause */
/* Two hosts on a simulated wire for the tests of the connection part: a client
 * and a server that accepts everything. */
#ifndef TESTS_TCP_CONN_FIXTURE_H
#define TESTS_TCP_CONN_FIXTURE_H

#include "proto/tcp/conn.h"
#include "tests/sim/sim.h"
#include "tests/unit/test.h"

#define FX_PORT RTE_BE16(80)
#define FX_CONNS 4096

struct fixture {
	struct sim *sim;
	struct sim_host *client, *server;
	struct sim_host_conf client_conf, server_conf; /* to change between fx_init() and fx_start() */
	struct tcp_listener *listener;
	struct tcp_conn *accepted[FX_CONNS];
	unsigned n_accepted, n_connected, n_closed;
	int accept_rc;
	void (*in_accept)(struct fixture *fx, struct tcp_conn *c); /* called first, NULL: nothing */
};

void fx_init(struct fixture *fx);
/* The neighbours know each other already: ARP holds back few packets. */
void fx_start(struct fixture *fx);
/* Asserts that nothing went wrong and nothing leaked. */
void fx_end(struct fixture *fx);
static inline struct tcp_stack *fx_tcp(const struct fixture *fx) { return sim_tcp(fx->client, 0); }
int fx_connect(struct fixture *fx, unsigned lcore, struct tcp_conn **c);
void fx_run(struct fixture *fx, uint64_t us);

#endif
