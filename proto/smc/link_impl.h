/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside the link part of proto/smc: groups, links, LLC and buffers see each
 * other's state here. Owner lcore only.
 *
 * Who frees what: a group's parts end in the order queue pair, regions of
 * buffers, region of the link's receives, protection domain; the objects of
 * group and link go together, when no connection, no holder, no buffer and no
 * request refers to them any more. Only smc_lgrs_work() ends or frees groups, so
 * that no caller finds one gone that it had before the call.
 */
#ifndef SMC_LINK_IMPL_H
#define SMC_LINK_IMPL_H

#include "proto/smc/link.h"
#include "proto/smc/mem.h"

#define SMC_US_PER_MS 1000ull
#define SMC_FOREVER UINT64_MAX

#define SMC_RX_OWN 64            /* octets of each receive for itself: CDC and nearly all LLC */
#define SMC_RX_SPILL (SMC_MSG_MAX - SMC_RX_OWN) /* and of all together, for longer ones */
#define SMC_RX_MAX ((SMC_MEM_UNIT - SMC_RX_SPILL) / SMC_RX_OWN)
#define SMC_RX_BATCH 4           /* receives posted as a list */
#define SMC_SLOTS_MIN 4
#define SMC_LLC_RESERVE 2        /* slots connections leave to LLC */
#define SMC_LLC_QUEUE 32         /* messages that wait for a slot */

/* ---- waits (wait.c) ------------------------------------------------------------ */

/* *at ends it; NULL is allowed. */
static inline void smc_wait_set(struct smc_wait **at, struct smc_wait *w)
{
	*at = w;
	if (w != NULL)
		w->at = at;
}
/* *at is NULL afterwards; done() comes from smc_waits_run(). */
void smc_wait_end(struct smc_stack *ss, struct smc_wait **at, uint32_t reason);
/* At once, for who has no place to keep it. */
void smc_wait_ready(struct smc_stack *ss, struct smc_wait *w, uint32_t reason);
/* Calls done() of those that ended; from smc_poll() and timers only. */
void smc_waits_run(struct smc_stack *ss);

/* A timer with a function of its own, kind WHEEL_SMC_LLC. */
struct smc_timer {
	struct wheel_timer t;
	struct smc_stack *ss;
	void (*fn)(struct smc_timer *t);
};
void smc_timer_arm(struct smc_stack *ss, struct smc_timer *t, void (*fn)(struct smc_timer *t), uint64_t in_us);
void smc_timer_cancel(struct smc_timer *t);
void smc_timer_register(struct smc_stack *ss);

/* ---- links (link.c, wr.c) --------------------------------------------------------- */

/* What a completion belongs to: kind and index. */
enum smc_wr_kind { SMC_WR_SEND = 1, SMC_WR_WRITE, SMC_WR_RECV };
#define SMC_COOKIE(kind, idx) ((uint64_t)(kind) << 32 | (idx))
#define SMC_COOKIE_KIND(cookie) ((unsigned)((cookie) >> 32))
#define SMC_COOKIE_IDX(cookie) ((uint32_t)(cookie))

struct smc_link_priv {
	struct smc_link *link;
	/* receives: one block of the stack's memory, own octets first, then the spill */
	uint8_t *rx;
	struct rd_mr *rx_mr;
	uint8_t n_regions;       /* of the group's, that were asked for */
	uint16_t n_rx, rx_next;  /* posted, but for some (rx_due); the next to be */
	uint8_t rx_due;          /* completed and not posted again: they go as a list */
	uint8_t n_slots;         /* of slots[] in use */
	uint8_t grants;          /* slots promised in grant_turn */
	uint32_t grant_turn;
	/* LLC messages without a slot yet */
	uint8_t q_head, q_n;
	struct { uint8_t b[RD_INLINE_MAX]; uint8_t len; } q[SMC_LLC_QUEUE];
	/* requests, one at a time */
	struct rd_req req;
	bool busy, connecting, closed;
	struct smc_wait *wait;   /* create or connect */
	/* TEST LINK */
	bool testing;
	struct smc_timer stuck;  /* connections wait for a slot, armed now and then: */
	uint64_t waiting_us;     /* since then, or the last of them got one then */
};

/* Begin to make it: memory, region, queue pair; ends in smc_lgr_made(). */
void smc_link_open(struct smc_link *l);
/* Begin or go on to take it apart; ends in smc_lgr_due(). The group is dead. */
void smc_link_close(struct smc_link *l);
/* Stop its timers, end what waits; messages to the peer that are queued still go. */
void smc_link_quiet(struct smc_link *l);
/* The request that is under way or was just asked for could not be done. */
uint32_t smc_rc_reason(int rc);
void smc_link_activate(struct smc_link *l);
/* TEST LINK now, unless one is under way. */
void smc_link_test(struct smc_link *l);
void smc_link_tested(struct smc_link *l);
void smc_link_timer(void *ctx, struct wheel_timer *t, uint64_t now_us);

static inline bool smc_link_sends(const struct smc_link *l)
{
	return l->qp != NULL && rd_qp_state(l->qp) == RD_QP_RTS;
}

/* A control message of at most RD_INLINE_MAX octets; waits for a slot. -ENOLINK, -ENOBUFS. */
int smc_wr_llc(struct smc_link *l, const uint8_t *buf, unsigned len);
void smc_wr_flush(struct smc_link *l);
/* A SEND or WRITE completed. */
void smc_wr_done(struct smc_link *l, const struct rd_wc *wc);
/* Nothing completes any more: give all slots back as lost. */
void smc_wr_drop(struct smc_link *l);
/* The next n <= SMC_RX_BATCH receives. */
int smc_rx_post(struct smc_link *l, unsigned n);
void smc_rx_done(struct smc_link *l, const struct rd_wc *wc);

/* ---- groups (link_group.c, lgr_end.c) ------------------------------------------------ */

enum smc_lgr_due {
	SMC_DUE_KILL = 1,       /* tell connections */
	SMC_DUE_CLOSE = 2,      /* take apart, as far as it goes now */
};

struct smc_lgr_priv {
	uint32_t holds;
	uint32_t n_bufs, n_rmbs; /* with a region of this group */
	struct smc_buf *bufs;
	struct smc_buf *idle[2][SMC_MEM_ORDERS]; /* registered, in nobody's use; where keys are dear. [remote] */
	struct rd_req req;       /* protection domain */
	bool busy;
	bool suspect;            /* the peer did not answer a request; until it is heard of */
	bool killed;             /* its connections were told */
	bool closing;            /* and messages to the peer had their time */
	uint8_t due;            /* enum smc_lgr_due */
	bool quiet;              /* told in the middle of traffic: the peer's messages are acknowledged to the last */
	uint64_t killed_us;
	uint64_t linger_us;      /* time for messages under way, after the end */
	uint64_t idle_until_us;
	struct smc_lgr_linger {
		struct smc_timer t;      /* first */
		struct smc_lgr *lgr;
	} linger;
};

/* The first link is there, or not. */
void smc_lgr_made(struct smc_lgr *lgr, uint32_t reason);
void smc_lgr_due(struct smc_lgr *lgr, uint8_t due);
/* Ends what is to be ended; from smc_poll() only. */
void smc_lgrs_work(struct smc_stack *ss);
/* Idle time begins, or the group ends, if nobody uses it. */
void smc_lgr_unused(struct smc_lgr *lgr);
void smc_lgr_timer(void *ctx, struct wheel_timer *t, uint64_t now_us);
/* Frees it when nothing is left of it; from smc_lgrs_work() only. */
void smc_lgr_reap(struct smc_lgr *lgr);
uint32_t smc_lgr_max_conns(const struct smc_lgr *lgr);
/* For smc_link_fini(): connections and holders are gone. */
void smc_lgr_abandon(struct smc_lgr *lgr);

static inline bool smc_lgr_alive(const struct smc_lgr *lgr)
{
	return lgr->state != SMC_LGR_DEAD && !(lgr->priv->due & SMC_DUE_KILL);
}

/* ---- LLC (llc.c, llc_link.c, llc_flow.c, llc_rkey.c) ----------------------------------- */

/* What we started and wait for the peer's answer of.
 * The peer's requests are answered at once and need no slot. */
enum smc_flow { SMC_FLOW_NONE, SMC_FLOW_CONFIRM_LINK, SMC_FLOW_ADD_LINK, SMC_FLOW_CONFIRM_RKEY, SMC_FLOW_DELETE_RKEY,
		SMC_FLOW_DELETE_LINK };

struct smc_llc {
	struct smc_link *link;   /* of the flow */
	uint8_t flow;            /* enum smc_flow */
	uint8_t tries;
	bool early;              /* client: CONFIRM LINK came before it was waited for */
	struct llc_confirm_link early_req;
	struct smc_timer timer;  /* of the flow */
	uint64_t deadline_us;
	struct smc_wait *confirm;/* smc_link_confirm() */
	struct smc_buf *cur;     /* whose key is asked for */
	struct smc_buf *q_head, **q_tail; /* and those waiting for their turn */
};

struct smc_rkey_table {
	uint32_t n;
	struct { uint32_t rkey; uint64_t addr; } e[SMC_RKEYS_MAX];
};

/* A SEND of the peer that is not CDC. */
void smc_llc_input(struct smc_link *l, const uint8_t *buf, uint32_t len);
/* Encode and send; what cannot be is counted. */
int smc_llc_send(struct smc_link *l, const struct llc_msg *msg);
void smc_llc_new(const struct smc_link *l, uint8_t type, struct llc_msg *msg);
void smc_llc_init(struct smc_lgr *lgr);
/* The group ends: every flow and wait ends with it. */
void smc_llc_kill(struct smc_lgr *lgr);
void smc_flow_begin(struct smc_link *l, uint8_t flow, void (*fn)(struct smc_timer *t), uint64_t in_us);
/* Ends the flow and begins the next that waits. */
void smc_flow_end(struct smc_lgr *lgr);

void smc_llc_confirm_link(struct smc_link *l, const struct llc_msg *msg);
void smc_llc_add_link(struct smc_link *l, const struct llc_msg *msg);
void smc_llc_req_add_link(struct smc_link *l, const struct llc_msg *msg);
void smc_llc_delete_link(struct smc_link *l, const struct llc_msg *msg);
void smc_llc_delete_all(struct smc_link *l, uint32_t reason, bool orderly);
void smc_llc_peer_confirm_rkey(struct smc_link *l, const struct llc_msg *msg);
void smc_llc_peer_delete_rkey(struct smc_link *l, const struct llc_msg *msg);
/* Withdraw the buffer's key; then smc_buf_key_gone(). */
void smc_llc_delete_rkey(struct smc_buf *b);
/* Take it out of the queue. False: its request is under way. */
bool smc_llc_unqueue(struct smc_buf *b);
void smc_rkey_next(struct smc_lgr *lgr);
void smc_rkey_kill(struct smc_lgr *lgr);
/* -ENOENT */
int smc_rkey_del(struct smc_lgr *lgr, uint32_t rkey);
const char *smc_flow_name(uint8_t flow);

/* ---- buffers (rmb.c) -------------------------------------------------------------------- */

enum smc_buf_step {
	SMC_BUF_REG,             /* region being made */
	SMC_BUF_READY,
	SMC_BUF_CONFIRM,         /* CONFIRM RKEY waiting or under way */
	SMC_BUF_DELETE,          /* DELETE RKEY likewise */
	SMC_BUF_PARKED,          /* until the queue pair, which may still read it, is gone */
	SMC_BUF_DEREG,
	SMC_BUF_GONE,            /* no region any more; waits for the last reference */
};

/* CONFIRM RKEY ended. */
void smc_buf_confirmed(struct smc_buf *b, uint32_t reason);
/* The peer no longer has the key, or nobody could be asked. */
void smc_buf_key_gone(struct smc_buf *b);
/* The group's queue pairs are gone. */
void smc_bufs_unpark(struct smc_lgr *lgr);
/* The group is dead: its idle ones end with it. */
void smc_bufs_drop_idle(struct smc_lgr *lgr);
/* For smc_link_fini(): put all. */
void smc_bufs_abandon(struct smc_lgr *lgr);

/* ---- devices (device.c) -------------------------------------------------------------------- */

void smc_devs_init(struct smc_stack *ss);
void smc_dev_event(struct smc_stack *ss, struct smc_dev *dev, const struct rd_event *ev);

#endif
