/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two hosts with all of SMC: CLC over TCP over the simulated wire, LLC, CDC and
 * data over RDMA inside the process. Each end of a connection is an application
 * that knows one transport at a time: SMC, or TCP after a fallback.
 */
#ifndef SMC_STACKS_FIXTURE_H
#define SMC_STACKS_FIXTURE_H

#include "pmd/rdma/mem.h"
#include "proto/smc/smc.h"
#include "tests/sim/sim.h"
#include "tests/unit/test.h"

#define ENDS 1024
#define SERVICE_PORT 7000

/* One end of a connection. */
struct end {
	struct host *host;
	struct smc_conn *smc;          /* one of these, or none: gone */
	struct tcp_conn *tcp;
	bool used, decided, dead, eof, closing;
	int error;
	enum smc_outcome outcome;
	uint32_t reason, peer_reason;
	uint64_t sent, got, want;      /* octets; want: to be sent, then shut down */
	uint64_t bad;                  /* octets that were not the stream's */
	struct end *peer;              /* set by the test, if it cares */
};

/* What an end of a server does with what it is asked. */
enum service { SINK, HOLD, ECHO_COPY, ECHO_TAKE };

struct host {
	struct sim_host *sh;
	struct sim_upper upper;
	struct tcp_stack *tcp;
	struct smc_stack *ss;
	struct rd_dev *rd;
	void *mem;
	struct tcp_listener *listener;
	struct end ends[ENDS];
	unsigned opened, accepted, n_smc, n_tcp, n_failed, n_reconnect;
	enum service service;
};

struct fixture {
	struct sim *sim;
	struct mem_fabric *fabric;
	struct host h[2];              /* client, server */
};
extern struct fixture *fx;

struct fixture_conf {
	const char *eid[2];            /* NULL: the same; "": none */
	uint32_t rmb[2];               /* octets; 0: 16384 */
	uint8_t max_conns;             /* of a group; 0: 255 */
	bool no_device[2];
	bool no_opt;                   /* the server does not know SMC */
	struct sim_wire wire;          /* both directions */
	enum service service;
};
void fixture_open(const struct fixture_conf *conf);
/* Everything ends; asserts that nothing is left. */
void fixture_close(void);

/* A client's connection that sends want octets, then shuts down. NULL: refused. */
struct end *client_open(uint64_t want);
void end_close(struct end *e, bool abort);
/* As if its transport had told it something. */
void fixture_wake(struct end *e);
/* Time goes by. */
void fixture_run(uint64_t us);
/* Until no end is left that neither died nor is through. False: still some. */
bool fixture_finish(uint64_t limit_us);

#endif
