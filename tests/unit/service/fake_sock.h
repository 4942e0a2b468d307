/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * proto/sock without a stack, for tests of services: sockets are two byte
 * queues that the test reads and writes, time is a variable. Links instead of
 * proto/. Everything the service did to a socket can be asked.
 */
#ifndef FAKE_SOCK_H
#define FAKE_SOCK_H

#include "app/smcgate/config/config.h"
#include "app/smcgate/service/service.h"
#include "pmd/base/wheel.h"

struct fake {
	struct service svc;
	struct config_service conf;
	enum config_use listen_protocol; /* set by the test */
	struct wheel wheel;
	uint64_t now_us;
	struct rte_mempool *ind_pool, *data_pool;
	bool keep;              /* set by the test: what prepare() made serves the next start too */
	void *kept;
};
extern struct fake fake;

/* Prepare and start the service type under test with this configuration
 * struct (filled with the defaults of its table, then by the caller). */
int fake_start(const struct service_type *type, void *conf);
/* Abort what is open, stop, release; asserts that no socket and no buffer is left. */
void fake_stop(void);
/* Let time pass, timers firing. */
void fake_wait_ms(uint64_t ms);

/* A client connects; NULL if the service refused. piece: octets a peek shows at
 * most as one piece (0: all), so that parsers meet every split. */
struct sock *fake_accept(uint32_t piece);
/* Octets arrive, and readable is called. */
void fake_input(struct sock *s, const void *data, size_t len);
void fake_input_text(struct sock *s, const char *text);
/* Of which the nth, from 1 on, is urgent. */
void fake_input_urgent(struct sock *s, const char *text, uint32_t nth);
/* Which of all octets sent by sock_give() and urgently was the last urgent one; 0: none. */
uint32_t fake_urgent(const struct sock *s);
void fake_eof(struct sock *s);
/* The peer takes what was sent: out of the queue into buf (terminated), and
 * writable is called if the service waited. Returns octets. */
size_t fake_output(struct sock *s, char *buf, size_t size);
/* The connection dies of itself. */
void fake_reset(struct sock *s, int error);
/* Most octets the send queue holds. */
void fake_set_room(struct sock *s, uint32_t room);

/* What became of a socket; it may be asked after the service gave it back. */
enum fake_end { FAKE_OPEN, FAKE_SHUT, FAKE_CLOSED, FAKE_ABORTED };
enum fake_end fake_ended(const struct sock *s);
/* Connections the service opened, in order; NULL: no such one. */
struct sock *fake_opened(unsigned n);
void fake_connected(struct sock *s);
const struct sock_connect_args *fake_connect_args(const struct sock *s);
/* Protocol and service name of the listener. */
const struct sock_listen_args *fake_listen_args(void);
/* The next sock_connect() calls fail with this negative errno; 0: succeed. */
void fake_connect_fails(int rc);
/* Sockets not given back. */
unsigned fake_open(void);

#endif
