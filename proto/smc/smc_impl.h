/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside proto/smc: the stack, and what its three parts share. Each part has a
 * header of its own for the others:
 *
 *	link.h        groups, links, LLC, memory of buffers and their keys
 *	conn.h        connections: CDC, data, close
 *	handshake.h   CLC, fallback, policy, memory of peers
 *
 * handshake -> conn -> link, and back only through the calls those headers name.
 */
#ifndef SMC_IMPL_H
#define SMC_IMPL_H

#include "pmd/base/pool.h"
#include "proto/smc/cdc.h"
#include "proto/smc/clc.h"
#include "proto/smc/cursor.h"
#include "proto/smc/llc.h"
#include "proto/smc/smc.h"

struct smc_lgr;
struct smc_link;
struct smc_hs;
struct smc_buf;
struct smc_peer;
struct smc_gives;

/* Something under way that ends with done(), once, from smc_poll() or a timer,
 * never from within the call that was given it: reason 0 or an smc_reason.
 * Zeroed but for done() before its first use; in the call of done() it may be
 * used anew or freed. */
struct smc_wait {
	void (*done)(struct smc_wait *w, uint32_t reason);
	/* wait.c's */
	struct smc_wait **at;    /* who will end it points at it from there; NULL: none */
	struct smc_wait *next;   /* ended, not told yet */
	uint32_t reason;
};

struct smc_dev {
	struct rd_dev *rd;
	uint8_t ifx;
	bool enabled;            /* for new groups: present, its port up, not switched off */
	bool off, down, gone;    /* why not */
	bool has_path;           /* packets go by rd_qp_attr.path */
	uint32_t lgrs;
};

struct smc_stack {
	/* every turn */
	struct tcp_stack *tcp;
	struct net_stack *net;
	struct wheel *wheel;
	const struct smc_user_ops *ops;
	void *ops_ctx;
	struct smc_conn *event_head, **event_tail;  /* with events for the user (conn.c) */
	struct smc_conn *tx_head, **tx_tail;        /* with something to send (tx.c) */
	uint32_t turn;           /* smc_poll() calls, never 0 while it runs */
	uint8_t n_devs;
	struct smc_dev devs[SMC_MAX_DEVS];
	struct smc_stats stats;

	/* now and then */
	struct pool conns, lgrs, links, handshakes, bufs, peers;
	struct smc_conn_table *conn_table;          /* tokens, conn.c */
	struct smc_lgr *lgr_list;                   /* all */
	struct smc_wait *ready_head, **ready_tail;  /* ended, not told yet (wait.c) */
	bool lgr_work;                              /* a group has something to do in the next smc_poll() */
	uint8_t *scratch;                           /* SMC_MSG_MAX octets: a long message in one piece */
	struct smc_mem *mem;                        /* buddy allocator, mem.c */
	struct smc_gives *gives;                    /* buffers sent from where they lie, give.c */
	struct smc_peer_table *peer_table;          /* peer.c */
	uint32_t lgr_serial;                        /* link user IDs step by 256 */
	uint32_t token_serial;
	bool stopping;
	bool strangers_may;                         /* policy.c's: the answer to a peer of whom nothing is known */
	struct smc_config conf;
};

/* A ring in the stack's memory; with a region of its own. Owned by one
 * connection, but for the while its keys are taken back (rmb.c). */
struct smc_buf {
	uint8_t *base;
	uint32_t size;           /* 16 KiB << code */
	uint8_t code;
	bool remote;             /* receive memory: the peer may write */
	bool announced;          /* the peer knows its rkey: DELETE RKEY before it is freed */
	bool put;                /* the connection gave it back */
	uint8_t step;            /* rmb.c's */
	uint32_t refs;           /* the connection, and buffers of smc_take() still out */
	struct rd_mr *mr;
	struct smc_stack *ss;
	struct smc_lgr *lgr;     /* NULL once the region ended */
	struct smc_peer *peer;   /* charged there */
	struct rd_req req;       /* register, deregister */
	struct smc_wait *wait;
	struct smc_buf *next;    /* llc_rkey.c's queue, rmb.c's pool */
	struct smc_buf *lgr_next, **lgr_pprev; /* of the group's */
};

static inline uint64_t smc_now(const struct smc_stack *ss)
{
	return net_now(ss->net);
}

#endif
