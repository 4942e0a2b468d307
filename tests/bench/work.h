/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the two hosts of a pair do: host 0 is the client, host 1 the server.
 * Every octet is sent and read; reading sums it up.
 */
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include "tests/bench/pair.h"

#define WORK_REQUEST 64
#define WORK_RESPONSE 1024      /* of short connections */

enum work_kind {
	WORK_SHORT,             /* connect, 64 octets, 1 KiB back, close: an operation is a connection */
	WORK_RR,                /* 64 octets each way on open connections: an operation is a round */
	WORK_BULK,              /* client to server: an operation is 64 KiB */
	WORK_RELAY,             /* host 0 to 1 over TCP, taken and given on to host 0 by the client's protocol: likewise */
};

struct work;

/* protocol: enum sock_protocol of the server's listener and the client's sockets. */
struct work *work_create(struct pair *p, enum work_kind kind, unsigned conns, uint16_t server, uint16_t client);
/* Open what stays open. Exits the program if it does not come about. */
void work_open(struct work *w);
/* n operations. Its instructions are what callgrind is to count. */
void work_run(struct work *w, uint64_t n);
/* Close all, wait until nothing is left. */
void work_destroy(struct work *w);
/* Operations that ended otherwise than they should have. */
uint64_t work_errors(const struct work *w);
/* The transport a connection of the client got last: enum sock_protocol. */
unsigned work_transport(const struct work *w);

#endif
