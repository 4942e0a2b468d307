/* SPDX-License-Identifier: BSD-3-Clause */
/* proto/tcp without a network, for tests of proto/sock: connections are
 * objects whose end the test can see and whose events it makes. */
#ifndef FAKE_TCP_H
#define FAKE_TCP_H

#include "proto/tcp/tcp.h"

enum fake_tcp_end { FAKE_TCP_OPEN, FAKE_TCP_CLOSED, FAKE_TCP_ABORTED };

struct tcp_conn {
	struct tcp_info info;
	void *user;
	enum fake_tcp_end end;
	uint32_t sent;
	bool opt;                      /* agreed on */
	bool nodelay;
	uint32_t readable;
	uint32_t rcvbuf_max;           /* of tcp_connect(), or tcp_set_buffers() */
	uint32_t timeout_ms;
};

/* A peer connects to the listener that was opened last: what accept answered. */
int fake_tcp_accept(struct tcp_conn *c, uint32_t peer);
/* Both SYNs of the next ones have the option, if the listener agrees to it. */
void fake_tcp_offers(bool on);
void fake_tcp_event(struct tcp_conn *c, unsigned events, int error);
/* Connections made by tcp_connect(), newest. */
struct tcp_conn *fake_tcp_connected(void);
void fake_tcp_connect_fails(int rc);
/* Handles not given back. */
unsigned fake_tcp_handles(void);
bool fake_tcp_listening(void);
/* The clock. */
void fake_tcp_now(uint64_t us);

#endif
