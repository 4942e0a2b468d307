/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sockets as services see them: one set of calls over TCP and SMC, before and
 * after a fallback. Nothing of the transport below shows but in sock_get_info().
 *
 * A SOCK_SMC socket whose peer does not answer the SMC option is a TCP socket
 * from then on. If it does, the two negotiate first; accepted() and connected()
 * come when that is decided, either way, and until then nothing is read or sent.
 *
 * One sock_stack per lcore; every call comes from that lcore. A socket belongs
 * to its user from sock_connect() or the accepted callback until sock_close()
 * or sock_abort(), exactly once each, also after the closed event; the pointer
 * is invalid afterwards. Events and buffers are plain descriptors
 * (struct sock_event, offset and length in an arena), so that a service may
 * live behind a ring.
 *
 * Functions return 0 or a count, or a negative errno.
 */
#ifndef SOCK_SOCK_H
#define SOCK_SOCK_H

#include "proto/smc/smc.h"
#include "proto/tcp/tcp.h"

struct sock;
struct sock_stack;
struct sock_listener;

/* Linux's numbers. */
enum sock_protocol { SOCK_TCP = 6, SOCK_SMC = 256 };

enum sock_event_type {
	SOCK_EV_CONNECTED = TCP_EV_CONNECTED, SOCK_EV_READABLE = TCP_EV_READABLE, SOCK_EV_EOF = TCP_EV_EOF,
	SOCK_EV_WRITABLE = TCP_EV_WRITABLE, SOCK_EV_CLOSED = TCP_EV_CLOSED, SOCK_EV_SENT = TCP_EV_SENT,
	SOCK_EV_URGENT = TCP_EV_URGENT,
};

/* What a socket has to say: fits a ring. */
struct sock_event {
	uint64_t id;      /* sock_id(): a reused object has another id */
	uint32_t events;  /* enum sock_event_type, or-ed */
	int32_t error;    /* with SOCK_EV_CLOSED: positive errno, 0 for a normal end */
};

/*
 * A service's callbacks, all but accepted optional. They run in stage 7 of the
 * turn, may call anything on any socket of their lcore, and see events in the
 * order connected, readable, eof, writable, sent, closed. ctx is the
 * listener's or connect call's.
 */
struct sock_handler {
	/* A connection is established: 0 takes it; negative refuses (counted;
	 * TCP keeps the peer waiting and asks again). */
	int (*accepted)(void *ctx, struct sock *s);
	void (*connected)(void *ctx, struct sock *s);
	void (*readable)(void *ctx, struct sock *s);
	void (*eof)(void *ctx, struct sock *s);
	void (*writable)(void *ctx, struct sock *s);
	void (*sent)(void *ctx, struct sock *s);
	void (*urgent)(void *ctx, struct sock *s);
	/* Dead; error 0 for a normal end. sock_close() is still due, here or later. */
	void (*closed)(void *ctx, struct sock *s, int error);
};

struct sock_config {
	uint32_t max_socks;
	uint32_t backlog;              /* half-open connections of listeners that give none */
	int node;                      /* NUMA node of the pool, -1: any */
};

struct sock_listen_args {
	struct net_addr addr;          /* NET_UNSPEC: any */
	rte_be16_t port;
	uint16_t protocol;             /* enum sock_protocol; SMC: with TCP as fallback. Else -EPROTONOSUPPORT */
	const char *service;           /* for the policy table; stays valid. NULL: none */
	uint32_t backlog;              /* half-open connections, SMC handshakes likewise; 0: the stack's */
	uint32_t max_socks;            /* open sockets of this listener; 0: no limit */
	uint32_t max_per_peer;         /* of one peer address; 0: no limit */
	const struct sock_handler *handler;
	void *ctx;
	uint32_t rcvbuf_max, sndbuf_max; /* of SMC's rings too; 0: the stack's, each its own */
};

struct sock_connect_args {
	struct net_addr laddr, raddr;  /* laddr NET_UNSPEC: by route */
	rte_be16_t lport, rport;       /* lport 0: chosen */
	uint16_t protocol;
	const char *service;           /* for the policy table. NULL: none */
	const struct sock_handler *handler;
	void *ctx;
	uint32_t timeout_ms;           /* 0: TCP's */
	uint32_t rcvbuf_max, sndbuf_max; /* of SMC's rings too; 0: the stack's, each its own */
};

/* The user operations of tcp_stack and smc_stack are the sock layer's: create
 * them through it. smc NULL: SOCK_SMC sockets are TCP. */
int sock_stack_create(struct sock_stack **out, const struct sock_config *conf, struct net_stack *net,
		      struct wheel *wheel, const struct tcp_config *tcp_conf, const struct tcp_steering *steering,
		      const struct smc_config *smc_conf);
void sock_stack_destroy(struct sock_stack *ss);
struct tcp_stack *sock_tcp(struct sock_stack *ss);
struct smc_stack *sock_smc(struct sock_stack *ss); /* NULL: none */

int sock_listen(struct sock_stack *ss, const struct sock_listen_args *args, struct sock_listener **out);
/* Stop accepting; sockets live on, with the same handler. Handshakes end. */
void sock_unlisten(struct sock_listener *l);
/* Sockets of this listener that are open; it may be freed when 0 and unlistened. */
uint32_t sock_listener_open(const struct sock_listener *l);
/* Sockets its service has accepted, over SMC and over TCP. */
void sock_listener_accepted(const struct sock_listener *l, uint64_t *smc, uint64_t *tcp);
/* Free an unlistened listener without open sockets. */
void sock_listener_free(struct sock_listener *l);
/* Abort every open socket of a listener (the grace period is over); closed() is called for each. */
void sock_listener_abort(struct sock_listener *l);

int sock_connect(struct sock_stack *ss, const struct sock_connect_args *args, struct sock **out);

void sock_set_user(struct sock *s, void *user);
void *sock_user(const struct sock *s);
/* enum sock_protocol in use; 0: not decided yet. */
uint16_t sock_transport(const struct sock *s);
uint64_t sock_id(const struct sock *s);
/* NULL if the socket is gone. */
struct sock *sock_by_id(struct sock_stack *ss, uint64_t id);

/* ---- data: semantics as in tcp.h ------------------------------------------ */
uint32_t sock_readable(const struct sock *s);
bool sock_eof(const struct sock *s);
unsigned sock_peek(const struct sock *s, struct tcp_piece *pieces, unsigned max);
void sock_consume(struct sock *s, uint32_t len);
uint32_t sock_read(struct sock *s, void *buf, uint32_t len);
uint32_t sock_take(struct sock *s, uint32_t len, struct rte_mbuf **chain, unsigned *n_segs);
int64_t sock_urgent_mark(const struct sock *s);
uint32_t sock_send_room(struct sock *s);
ssize_t sock_send(struct sock *s, const void *buf, size_t len);
/* One octet that is to be urgent at the peer; over TCP it is sent as any other, which RFC 6093
 * asks of who sends. Over SMC nothing is taken behind it until the peer has read it. 0, else as
 * sock_send(). */
int sock_send_urgent(struct sock *s, uint8_t octet);
int sock_send_reserve(struct sock *s, uint32_t want, struct tcp_piece pieces[2]);
void sock_send_commit(struct sock *s, uint32_t len);
/* Buffers stay as they are until the peer has them; over SMC small ones, and those outside of
 * smc_config.regions, are copied. */
int sock_give(struct sock *s, struct rte_mbuf *chain, uint32_t len);
uint32_t sock_unacked(const struct sock *s);
void sock_notify_sent(struct sock *s);
void sock_cork(struct sock *s, bool on);
void sock_nodelay(struct sock *s, bool on);
void sock_keepalive(struct sock *s, bool on);
void sock_user_timeout(struct sock *s, uint32_t ms);
void sock_set_buffers(struct sock *s, uint32_t rcvbuf_max, uint32_t sndbuf_max);
int sock_shutdown(struct sock *s);
void sock_close(struct sock *s);
void sock_abort(struct sock *s);

/* ---- the turn --------------------------------------------------------------- */
/* Stage 4: completions and messages of SMC. */
unsigned sock_poll(struct sock_stack *ss);
/* Stage 7: callbacks, at most budget sockets of each transport. */
unsigned sock_deliver(struct sock_stack *ss, unsigned budget);
/* Stage 8: RDMA work requests, then segments. */
unsigned sock_output(struct sock_stack *ss);
bool sock_busy(const struct sock_stack *ss);

/* ---- looking ---------------------------------------------------------------- */
struct sock_info {
	uint64_t id;
	uint16_t protocol;             /* asked for */
	uint16_t transport;            /* in use; 0: not decided yet */
	uint32_t reason, peer_reason;  /* why not SMC, though asked for: enum smc_reason; 0: none */
	uint64_t bytes_in, bytes_out;  /* of the application, by what is in use: SMC or TCP */
	uint32_t readable, unacked;    /* likewise */
	struct tcp_info tcp;           /* zeroed but for flow when there is none below any more */
};
/* Of the SMC connection, handshakes too. -ENOENT: there is none. */
int sock_smc_info(const struct sock *s, struct smc_conn_info *info);
void sock_get_info(const struct sock *s, struct sock_info *info);
/* At most max sockets from *cursor (0 at first); 0: end. */
unsigned sock_list(struct sock_stack *ss, uint64_t *cursor, struct sock_info *out, unsigned max);

/* accepted, connected: all; of them over SMC, and asked to be but over TCP. */
struct sock_stats {
	uint64_t open, accepted, refused_limit, refused_peer, refused_service, refused_memory, connected, connect_failed,
		closed, aborted;
	uint64_t smc_open, smc_accepted, smc_connected, fallback_accepted, fallback_connected, reconnected,
		handshakes_failed;
};
const struct sock_stats *sock_stats(const struct sock_stack *ss);

#endif
