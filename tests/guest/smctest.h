/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef GUEST_SMCTEST_H
#define GUEST_SMCTEST_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum kind { KIND_AF_SMC, KIND_IPPROTO_SMC, KIND_TCP };

struct options {
	enum kind kind;
	struct sockaddr_in address;
	uint64_t bytes;      /* per connection */
	size_t message;      /* octets per write */
	unsigned count;      /* connections in all */
	unsigned at_once;    /* of them open together */
	unsigned rounds;     /* ping-pong instead of a stream */
	int receive_buffer;  /* SO_RCVBUF, SO_SNDBUF; 0 for the system's */
	int send_buffer;
	unsigned pause_ms;   /* before the first read */
	unsigned hold_ms;    /* before closing */
	bool sink;           /* the peer does not echo */
	bool half_close;     /* shut down our direction, then read to the end */
	bool abort;          /* send, read nothing, close with a reset */
	bool urgent;         /* an urgent octet amid the stream */
	bool quiet;          /* no line for a connection that went well */
};

enum { PIECE = 65536 }; /* read and verified at a time */

/* What the octets from position on of connection number n are; PIECE of them. */
const unsigned char *pattern(unsigned n, uint64_t position);
void pattern_init(void);

/* A socket as the options say, or -1 with errno set. */
int make_socket(const struct options *o);
uint64_t now_us(void);

/* Exit statuses: 0 when everything was as it should, else 1. */
int client_run(const struct options *o);
int server_run(const struct options *o);

#endif
