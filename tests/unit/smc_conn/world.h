/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two sides of SMC connections without links, handshakes or TCP: what
 * proto/smc's connection part calls is played here. Work requests wait in a
 * queue for each side until the test lets them arrive (WRITEs by memcpy, then
 * the CDC message) and complete. A virtual clock.
 */
#ifndef SMC_CONN_WORLD_H
#define SMC_CONN_WORLD_H

#include <string.h>

#include "proto/smc/conn_impl.h"
#include "tests/unit/test.h"

#define WORLD_CONNS 64
#define WORLD_POSTS 256

struct tcp_conn { /* of the test */
	void *user;
	int error;
	uint32_t readable;
	bool eof, dead;                /* what the peer did */
	bool fin, closed, aborted;     /* what was done to it */
};

/* A post, arrived or not, until it completes. */
struct post {
	struct smc_slot slot;
	struct rd_wr wr[SMC_POST_WRITES];
	unsigned n_wr;
	uint8_t cdc[CDC_LEN];
	bool arrived;
};

struct user {
	struct smc_conn *c;
	struct tcp_conn *tcp;
	unsigned seen;                 /* events, or-ed since the test cleared them */
	unsigned calls;
	void (*fn)(struct user *who, unsigned events);
	void *arg;
};

struct side {
	struct smc_stack ss;
	struct smc_lgr lgr;
	struct smc_link link;
	struct smc_dev dev;
	struct rd_mr region;           /* of buffers, if wanted */
	struct smc_peer peer;
	struct smc_user_ops ops;
	struct side *other;
	struct post posts[WORLD_POSTS];
	unsigned head, arrived, tail;  /* to complete, to arrive, next */
	unsigned slots;                /* posts under way at most */
	int refuse;                    /* what smc_link_post() returns, if not 0 */
	struct smc_conn *waiting[WORLD_CONNS];
	unsigned n_waiting;
	struct cdc_msg last;           /* CDC that was posted last */
	uint64_t posted, writes, written;
	uint64_t from_buffers;         /* octets of written that did not come from the ring */
	uint32_t bufs;                 /* there are: to be 0 at the end */
	uint32_t tcps;
	uint32_t hs_aborts, hs_events;
};

struct world {
	struct side s[2];
	struct wheel wheel;
	struct rte_mempool *mp;        /* buffers with data room */
	struct rte_mempool *ind;       /* and without */
	struct net_config net;
};
extern struct world *world;

struct world_args {
	uint32_t conns_max;            /* 0: WORLD_CONNS */
	uint32_t autocork;
	uint32_t slots;                /* 0: 16 */
	bool regions;                  /* buffers with data room lie in a region */
};
void world_open(const struct world_args *args);
/* Asserts that nothing is left: connections, rings, TCP handles, buffers. */
void world_close(void);

/* The rest of it, rings that are left included; after smc_conn_fini() of both. */
void world_free(void);

struct pair_args {
	uint32_t rmb[2], snd[2];       /* octets; 0: 16384 */
};
/* A connection on each side, established. Users' memory is the caller's. */
void pair_open(struct user who[2], const struct pair_args *args);
/* Side i alone, in the handshake; rings and peer values as pair_ready() sets them. */
void pair_begin(struct user *who, unsigned i, const struct pair_args *args);
void pair_ready(struct user who[2]);
void pair_activate(struct user *who);

/* smc_output() of both sides. */
void world_output(void);
/* The oldest post of a side arrives, completes; false: none. */
bool world_arrive(unsigned side);
bool world_complete(unsigned side);
/* What a side posted ends without success; its connections are not told. */
void world_drop(struct side *s);
/* The link goes down: what is under way completes as lost, then its connection is told. */
void world_lose(struct user *who);
/* Output, arrival, completion, events, until nothing moves. */
void world_run(void);
/* Time goes by, with all that it brings. */
void world_wait(uint64_t us);
void world_deliver(void);
/* A CDC for the user's connection as its peer would send it next; to be changed
 * and given to world_inject(). */
struct cdc_msg world_cdc(const struct user *who);
void world_inject(const struct user *who, const struct cdc_msg *msg);

/* Octet i of a stream, to check what arrives. */
static inline uint8_t
stream_octet(uint64_t i)
{
	return (uint8_t)(i * 131 + (i >> 8) * 17 + (i >> 16));
}

uint32_t mbufs_out(void);

/* One connection between the sides, of u[0] and u[1], with their TCP. */
extern struct user u[2];
extern struct tcp_conn tcp[2];
void pair_world(const struct world_args *wa, const struct pair_args *pa);
/* Both close in order, nothing is left. */
void pair_end(void);
/* Octets of the stream from at on; what was taken, or read and found right. */
uint32_t send_stream(struct user *from, uint64_t at, uint32_t len);
uint32_t read_stream(struct user *to, uint64_t at, uint32_t len);
/* Buffers of so many octets each, of the stream from at on. NULL: too few buffers. */
struct rte_mbuf *stream_chain(uint64_t at, const uint32_t *lens, unsigned n);
void free_chain(struct rte_mbuf *m);

#endif
