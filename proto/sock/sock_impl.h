/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside proto/sock:
 *
 *	stack.c   the lcore's sockets, events from the transports
 *	listen.c  listeners and their limits
 *	data.c    the calls that a service makes on a socket
 *	rise.c    from a connection attempt to the transport that carries it
 */
#ifndef SOCK_IMPL_H
#define SOCK_IMPL_H

#include "pmd/base/pool.h"
#include "proto/sock/sock.h"

struct sock_peer;
struct sock_rise;

/* What carries the socket. TCP is 0: one compare in its data path. */
enum sock_mode {
	SOCK_M_TCP,
	SOCK_M_SMC,
	SOCK_M_FILTER,                 /* TCP after a DECLINE of ours: one of the peer's may be ahead of the data */
	SOCK_M_RISING,                 /* not decided yet: rise has the handle */
	SOCK_M_NONE,                   /* aborted by sock_listener_abort(), or never came to be */
};

struct sock {
	union {                        /* NULL in RISING and NONE */
		struct tcp_conn *conn; /* TCP, FILTER */
		struct smc_conn *smc;  /* SMC */
	};
	struct sock_stack *ss;
	const struct sock_handler *handler;
	void *ctx;
	void *user;
	struct sock_listener *listener;/* NULL: opened by sock_connect() */
	struct sock *next, **pprev;    /* in listener->socks */
	struct sock_peer *peer;        /* counted there; NULL: no limit per peer */
	struct sock_rise *rise;        /* in RISING and FILTER */
	uint32_t reason, peer_reason;  /* enum smc_reason: why not SMC */
	uint16_t protocol;
	uint8_t mode;                  /* enum sock_mode */
	bool connected;                /* accepted, or the transport said so */
	bool dead;                     /* closed() was called */
};
static_assert(sizeof(struct sock) <= 96, "idle sockets are many");

enum sock_rise_set {
	SOCK_SET_NODELAY = 1, SOCK_SET_CORK = 2, SOCK_SET_KEEPALIVE = 4, SOCK_SET_TIMEOUT = 8, SOCK_SET_BUFFERS = 16,
	SOCK_SET_SENT = 32,
};

/* What a socket needs until it is decided what carries it. */
struct sock_rise {
	struct sock *s;                /* NULL: was closed, with its decision on the list */
	struct sock_rise *next;        /* decided, not told yet */
	struct tcp_conn *tcp;          /* until SMC takes it */
	struct smc_conn *smc;          /* from then on */
	bool decided, listed;
	uint8_t set;                   /* enum sock_rise_set: asked for meanwhile, the values: */
	bool nodelay, cork, keepalive;
	uint32_t user_timeout_ms, rcvbuf_max, sndbuf_max;
	struct smc_decision verdict;   /* once decided */
	struct tcp_connect_args args;  /* of a connect, with the option; to connect again */
	uint64_t deadline_us;          /* of a connect; 0: TCP's */
	struct wheel_timer timer;      /* WHEEL_SOCK: FILTER */
};

#define SOCK_BACKLOG 1024 /* handshakes of a listener when nobody said */

/* SYNs whose option was not answered, until they are accepted. */
#define SOCK_REFUSED 64
struct sock_refused {
	uint32_t hash;
	uint32_t reason;               /* 0: free */
};

struct sock_listener {
	struct sock_stack *ss;
	struct tcp_listener *tcp;      /* NULL after sock_unlisten() */
	const struct sock_handler *handler;
	void *ctx;
	struct sock *socks;            /* open ones, newest first */
	uint32_t open;
	uint32_t max_socks, max_per_peer;
	uint32_t rising, backlog;      /* handshakes under way, at most */
	uint64_t smc_accepted, tcp_accepted;
	uint32_t rcvbuf_max, sndbuf_max;
	uint16_t protocol;
	bool has_refused;
	const char *service;
	struct sock_peer *peers[64];   /* by address, chained */
	struct sock_refused refused[SOCK_REFUSED]; /* by hash */
};

/* A peer address with open sockets of a listener that limits them. */
struct sock_peer {
	struct net_addr addr;
	struct sock_peer *next;
	uint32_t count;
};

struct sock_stack {
	struct tcp_stack *tcp;
	struct smc_stack *smc;         /* NULL: none */
	struct net_stack *net;
	struct wheel *wheel;
	struct sock_rise *decided_head, **decided_tail;
	struct pool socks, peers, rises;
	uint32_t *gens;                /* per index: odd while the object is in use */
	size_t gens_len;               /* octets mapped */
	uint32_t backlog;              /* of listeners that give none */
	struct sock *current;          /* whose callbacks run; NULL when it was closed by one */
	struct siphash_key peer_key;
	struct sock_stats stats;
};

/* ---- stack.c ------------------------------------------------------------- */
struct sock *sock_new(struct sock_stack *ss, const struct sock_handler *handler, void *ctx, uint16_t protocol);
void sock_delete(struct sock *s);
void sock_tcp_event(void *ctx, struct tcp_conn *c, void *user, unsigned events);
void sock_smc_event(void *ctx, struct smc_conn *c, void *user, unsigned events);
/* Count and tell; the socket may be gone afterwards. */
void sock_tell(struct sock *s, unsigned events, int error);

/* ---- data.c ---------------------------------------------------------------- */
/* The handles go back; the socket stays, as a shell. */
void sock_release(struct sock *s, bool abortive);

/* ---- listen.c -------------------------------------------------------------- */
/* Count one more socket of the peer: 0, -EDQUOT above the limit, -ENOMEM. */
int sock_peer_get(struct sock *s, const uint8_t addr[16], uint8_t family);
void sock_peer_put(struct sock *s);
int sock_accept(void *ctx, struct tcp_listener *tl, struct tcp_conn *c);
void sock_link(struct sock_listener *l, struct sock *s);
void sock_unlink(struct sock *s);

/* ---- rise.c ------------------------------------------------------------------ */
/* A connect with the option on its SYN: -ENOMEM, or tcp_connect()'s. */
int sock_rise_connect(struct sock *s, const struct sock_connect_args *args);
/* A connection whose both SYNs had the option. -ENOMEM. */
int sock_rise_accept(struct sock *s, struct tcp_conn *c);
/* TCP's events while it has the handle. */
void sock_rise_event(struct sock *s, struct tcp_conn *c, unsigned events);
void sock_rise_decided(void *ctx, struct smc_conn *c, void *user, const struct smc_decision *d);
/* Tell what was decided: accepted(), connected(), closed(). Returns how many. */
unsigned sock_rise_deliver(struct sock_stack *ss);
/* The user, or the listener's end: gives the handles back. Not the socket. */
void sock_rise_end(struct sock *s, bool abortive);
/* In FILTER: is what can be read now the application's? force: it is. */
bool sock_filter(struct sock *s, bool force);
void sock_rise_expired(void *ctx, struct wheel_timer *t, uint64_t now_us);

#endif
