/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two hosts, an echo server on one and clients on the other, over TCP and SMC.
 * Clients send a pattern, check what comes back and close; whatever is wrong is
 * noted in pair.failure.
 */
#ifndef TESTS_SMC_PAIR_H
#define TESTS_SMC_PAIR_H

#include "tests/sim/sim_smc.h"

#define PAIR_PORT 7000
#define PAIR_MAX 600
#define PAIR_GIVES 64            /* buffers there are to be given */
#define PAIR_GIVE_LEN 8192       /* octets of one */

enum pair_end { PAIR_CLOSE, PAIR_HALF, PAIR_ABORT };

struct pair;

struct pair_conn {
	struct pair *p;
	struct sock *s;                /* NULL: given back */
	bool server;
	uint64_t total;                /* client: octets to send */
	uint64_t sent, got, echoed;
	uint32_t seed;
	enum pair_end end;             /* client: how, once all came back */
	bool connected, eof, closed, shut;
	int error;
	uint16_t transport;
	uint32_t reason, peer_reason;
	uint64_t begun_us, connected_us; /* client */
};

struct pair_conf {
	uint64_t seed;
	bool roce;
	struct sim_wire wire;          /* both ways */
	struct sim_smc_conf host[2];   /* 0: client, 1: server; after pair_defaults() */
	uint32_t rcvbuf, sndbuf;
	uint16_t listen_protocol;
	bool give;                     /* clients send buffers of their own, registered memory, with sock_give() */
};

struct pair {
	struct sim *sim;
	struct mem_fabric *fabric;
	struct sim_smc *h[2];
	struct sock_listener *l;
	struct pair_conf conf;
	struct pair_conn conns[2 * PAIR_MAX];
	unsigned n, accepted, closed_server;
	unsigned given, given_out;     /* buffers: in all, not freed yet */
	bool hold;                     /* clients that are through stay open until pair_release() */
	void (*progress)(struct pair *p, struct pair_conn *c); /* a client read something */
	char failure[160];
};

void pair_defaults(struct pair_conf *conf);
/* Big: static, or from calloc(). */
void pair_start(struct pair *p, const struct pair_conf *conf);
/* A client connects; NULL: refused at once (noted). */
struct pair_conn *pair_connect(struct pair *p, uint16_t protocol, uint64_t total, enum pair_end end);
void pair_release(struct pair *p);
/* Until all connections were given back, at most limit_us. */
bool pair_run(struct pair *p, uint64_t limit_us);
/* Everything ends: false when something is left behind (noted in failure). */
bool pair_stop(struct pair *p);
const struct smc_stats *pair_stats(struct pair *p, unsigned host);
/* Why connections are not SMC, to stdout. */
void pair_reasons(struct pair *p);
void pair_fail(struct pair *p, const char *fmt, ...) __rte_format_printf(2, 3);

#endif
