/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside proto/sock. */
#ifndef SOCK_IMPL_H
#define SOCK_IMPL_H

#include "pmd/base/pool.h"
#include "proto/sock/sock.h"

struct sock_peer;

struct sock {
	struct tcp_conn *conn;         /* NULL once aborted by sock_listener_abort() */
	struct sock_stack *ss;
	const struct sock_handler *handler;
	void *ctx;
	void *user;
	struct sock_listener *listener;/* NULL: opened by sock_connect() */
	struct sock *next, **pprev;    /* in listener->socks */
	struct sock_peer *peer;        /* counted there; NULL: no limit per peer */
	uint16_t protocol, transport;
	bool connected;                /* accepted, or TCP said so */
	bool dead;                     /* closed() was called */
};
static_assert(sizeof(struct sock) <= 96, "idle sockets are many");

struct sock_listener {
	struct sock_stack *ss;
	struct tcp_listener *tcp;      /* NULL after sock_unlisten() */
	const struct sock_handler *handler;
	void *ctx;
	struct sock *socks;            /* open ones, newest first */
	uint32_t open;
	uint32_t max_socks, max_per_peer;
	uint16_t protocol;
	struct sock_peer *peers[64];   /* by address, chained */
};

/* A peer address with open sockets of a listener that limits them. */
struct sock_peer {
	struct net_addr addr;
	struct sock_peer *next;
	uint32_t count;
};

struct sock_stack {
	struct tcp_stack *tcp;
	struct pool socks, peers;
	uint32_t *gens;                /* per index: odd while the object is in use */
	size_t gens_len;               /* octets mapped */
	uint32_t backlog;              /* of listeners that give none */
	struct sock *current;          /* whose callbacks run; NULL when it was closed by one */
	struct siphash_key peer_key;
	struct sock_stats stats;
};

struct sock *sock_new(struct sock_stack *ss, const struct sock_handler *handler, void *ctx, uint16_t protocol);
void sock_delete(struct sock *s);

/* Count one more socket of the peer: 0, -EDQUOT above the limit, -ENOMEM. */
int sock_peer_get(struct sock *s, const uint8_t addr[16], uint8_t family);
void sock_peer_put(struct sock *s);

int sock_accept(void *ctx, struct tcp_listener *tl, struct tcp_conn *c);
void sock_link(struct sock_listener *l, struct sock *s);
void sock_unlink(struct sock *s);

#endif
