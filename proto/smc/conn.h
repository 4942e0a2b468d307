/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections: their rings, cursors and CDC messages (RFC 7609 4.5, 4.6), and
 * how they end (4.7). Inside proto/smc.
 *
 * References, each with a name: the user's handle, the handshake, LIVE (from
 * activation until the protocol has ended both ways), one for each work request
 * under way, one while buffers of smc_take() are out. The object goes with the
 * last; then, or before, its rings go back (smc_buf_put()), it leaves its
 * group, its peer is put (smc_peer_put()) and its TCP handle closed, whatever of
 * that is still set: who drops a handshake need not.
 *
 * Once the protocol has ended the rings stay until the user has closed, so that
 * what arrived can be read: smc_buf_put() may come after smc_lgr_leave().
 */
#ifndef SMC_CONN_H
#define SMC_CONN_H

#include "proto/smc/smc_impl.h"

enum smc_ref { SMC_REF_USER, SMC_REF_HS, SMC_REF_LIVE, SMC_REF_WR, SMC_REF_TAKE, SMC_REFS };

/* Deadlines of a connection; one wheel timer serves them all (timer.c). */
enum smc_conn_timer {
	SMC_T_FLUSH,                    /* closing: what is queued makes no progress */
	SMC_T_CLOSE,                    /* the peer's answer to our close */
	SMC_T_TCP,                      /* TCP ended: where is the CDC that says so? */
	SMC_T_CORK,
	SMC_T_UPDATE,                   /* the peer is blocked, and little was read */
	SMC_TIMERS
};

/* What the user, or an error, wants the connection to come to. In this order. */
enum smc_goal { SMC_GOAL_OPEN, SMC_GOAL_SHUT, SMC_GOAL_CLOSE, SMC_GOAL_ABORT };

struct smc_given;
struct smc_taken;
struct smc_conn_table;
struct smc_slot;

/* A message that comes, and one that goes, touch the first five cache lines and
 * no other. */
struct smc_conn {
	/* whatever it does */
	struct smc_stack *ss;
	struct smc_link *link;
	struct smc_lgr *lgr;
	void *user;
	uint8_t state;                  /* enum smc_conn_state */
	uint8_t role;
	uint8_t goal;                   /* enum smc_goal; its CDC has gone out: tx_conn_flags */
	bool in_tx, in_events, in_wait; /* on the stack's lists, on the link's */
	bool corked, nodelay, want_update, want_writable, want_sent;
	bool uncork;                    /* corked too long, or switched off: send once */
	bool urg_in, urg_out, urg_told; /* a mark is ahead; ours not consumed yet; pending was told */
	bool shut_write, closed;        /* by the user */
	bool dead;                      /* TCP_EV_CLOSED was raised */
	bool active;                    /* smc_conn_activate() was called */
	bool was_full;                  /* a writer found no room in the ring */
	bool tcp_reset;                 /* not just a FIN */
	uint8_t timers;                 /* bit per enum smc_conn_timer: its deadline is set */
	uint8_t tx_prod_flags, tx_conn_flags; /* as last sent */
	uint8_t rx_prod_flags, rx_conn_flags; /* the latter collect, CURSOR_WANTED stays until answered */
	uint16_t events;                /* enum tcp_event, not delivered yet */
	int error;

	/* sending */
	struct smc_buf *snd;            /* our ring */
	struct smc_cursor prep, sent, fin; /* in snd: filled, posted to the peer, completed */
	struct smc_cursor prod;         /* our producer in the peer's ring */
	struct smc_cursor peer_cons;    /* the peer's consumer there, as last told */
	uint64_t peer_addr;             /* of the peer's ring */
	uint32_t peer_rkey, peer_size;

	/* receiving; cons - freed: out by smc_take(), and what was read behind it */
	struct smc_buf *rmb;
	struct smc_cursor peer_prod;    /* in our ring, as last told */
	struct smc_cursor cons;         /* read by the user */
	struct smc_cursor freed;        /* before it the peer may write again */
	struct smc_cursor cons_told;    /* freed as last sent */
	struct smc_cursor urg_mark;     /* behind the urgent octet; if urg_in */
	uint32_t update_limit;
	uint16_t seq_in, seq_out;       /* of the last CDC */
	uint32_t token, peer_token;

	/* scheduling */
	uint32_t refs[SMC_REFS];
	uint32_t slot_turn;             /* smc_stack.turn in which a control slot is promised to it (wr.c) */
	struct smc_conn *tx_next, *event_next, *wait_next;
	struct smc_taken *take_head, *take_tail; /* out, in order of the ring */

	/* counting */
	uint64_t last_us;
	uint64_t bytes_in, bytes_out, cdc_in, cdc_out, writes, updates_out;

	struct smc_given *give_head;    /* buffers given: queued or read by work requests, in order of the ring */

	/* now and then */
	struct smc_given *give_next, *give_tail; /* if any: the first not all posted, NULL: none; the last */
	struct smc_conn *lgr_next, **lgr_pprev;
	struct tcp_conn *tcp;           /* NULL once given back or gone */
	struct smc_hs *hs;              /* while the handshake is under way */
	struct smc_peer *peer;          /* a reference; counted in its conns while LIVE */
	struct net_flow flow;
	uint32_t reason, peer_reason;
	uint32_t rcvbuf, sndbuf;        /* asked for */
	struct wheel_timer timer;       /* WHEEL_SMC_CONN */
	uint64_t deadline[SMC_TIMERS];  /* us; if in timers */
	struct smc_cursor flush_mark;   /* sent, when SMC_T_FLUSH was set */
	uint64_t created_us;
};
static_assert(offsetof(struct smc_conn, give_next) <= 5 * RTE_CACHE_LINE_SIZE, "what every message touches");

/* ---- for handshake.c ------------------------------------------------------------ */
/* In INIT with a token and the references USER and HS, the flow is TCP's; TCP's
 * user pointer is set. NULL: no memory. CDC messages of the group are taken once
 * lgr and rmb are set: a peer may send before its CONFIRM was read. */
struct smc_conn *smc_conn_new(struct smc_stack *ss, enum smc_role role, const struct smc_begin_args *args);
/* The handshake succeeded: rings, peer values, group (joined), link and peer are
 * set; data may flow. Before decided() and the drop of SMC_REF_HS; hs is NULL
 * afterwards. */
void smc_conn_activate(struct smc_conn *c);
static inline void smc_conn_ref(struct smc_conn *c, enum smc_ref ref)
{
	c->refs[ref]++;
}
void smc_conn_unref(struct smc_conn *c, enum smc_ref ref);
/* Events of the TCP connection below an active connection (RFC 7609 4.7): its
 * end is a hint with a timer, its reset an abort after a short grace. */
void smc_conn_tcp_event(struct smc_conn *c, unsigned events);

/* ---- for links -------------------------------------------------------------------- */
/* A CDC message of the link's peer; len octets as received. */
void smc_cdc_input(struct smc_link *l, const uint8_t *buf, uint32_t len);
/* The SEND of slot's message completed; ok false: flushed, the link goes down.
 * Drops SMC_REF_WR, which smc_link_post() took (smc_conn_ref()). */
void smc_conn_sent(struct smc_conn *c, const struct smc_slot *slot, bool ok);
/* The group ends: abort with ECONNABORTED, TCP is reset. Leaves the group. In a
 * handshake: leaves it, link becomes NULL and error is set, nothing else. */
void smc_conn_link_lost(struct smc_conn *c);
/* Look at it in the next smc_output(). */
void smc_tx_schedule(struct smc_conn *c);

/* By alert token; NULL: none such. */
struct smc_conn *smc_conn_by_token(struct smc_stack *ss, uint32_t token);

int smc_conn_init(struct smc_stack *ss);  /* pool, wheel kind */
void smc_conn_fini(struct smc_stack *ss);
/* After smc_link_fini(), when no queue pair reads them any more: buffers given that were under way. */
void smc_gives_free(struct smc_stack *ss);

#endif
