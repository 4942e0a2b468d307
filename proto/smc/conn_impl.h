/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside the connection part of proto/smc (see conn.h). */
#ifndef SMC_CONN_IMPL_H
#define SMC_CONN_IMPL_H

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>

#include "proto/smc/conn.h"
#include "proto/smc/handshake.h"
#include "proto/smc/link.h"

#define SMC_FLUSH_US 2000000u     /* without progress, then what is queued is lost */
#define SMC_RST_GRACE_US 200000u  /* TCP was reset: for an ABORT that is on its way */
#define SMC_CORK_US 200000u
#define SMC_UPDATE_US 20000u
#define SMC_UPDATE_MIN 2304u      /* octets; Linux's lowest update limit */
#define SMC_TX_BURST (256u << 10) /* octets a connection posts in one go */
#define SMC_ANY_CLOSE (CDC_CLOSED | CDC_ABORT)

/* ---- conn.c --------------------------------------------------------------- */
/* Tokens and records of taken buffers, one a stack. */
struct smc_conn_slot {
	uint32_t token;           /* of the latest user of the index */
	bool live;
};

/* Buffers that smc_take() gave away. The records outlive the stack when
 * buffers do: the last of them frees the pool. */
struct smc_takes {
	struct pool pool;
	uint32_t out;
	bool orphan;              /* the stack is gone */
};

struct smc_conn_table {
	struct smc_conn_slot *slots; /* by index */
	uint32_t mask;            /* of the index in a token */
	struct smc_takes *takes;
};

/* Our ABORT has yet to go out, and can. */
static inline bool smc_abort_due(const struct smc_conn *c)
{
	return c->goal == SMC_GOAL_ABORT && !(c->tx_conn_flags & CDC_ABORT) && c->link != NULL;
}

/* Frees what is over. Whoever enters this part from outside ends with it; c may be
 * gone afterwards. Nothing else in here frees a connection. */
void smc_conn_settle_end(struct smc_conn *c);
static inline void smc_conn_settle(struct smc_conn *c)
{
	/* While it is neither over nor left by its user there is nothing to free. */
	if (unlikely(c->state == SMC_CLOSED || c->refs[SMC_REF_USER] == 0))
		smc_conn_settle_end(c);
}
void smc_raise(struct smc_conn *c, unsigned events);
/* Protocol error, loss of TCP: dead for the user, ABORT to the peer. */
void smc_conn_fail(struct smc_conn *c, int error);

/* ---- timer.c ---------------------------------------------------------------- */
void smc_timer_set(struct smc_conn *c, enum smc_conn_timer t, uint64_t after_us);
static inline void smc_timer_clear(struct smc_conn *c, enum smc_conn_timer t)
{
	c->timers &= (uint8_t)~(1u << t);
}
static inline bool smc_timer_pending(const struct smc_conn *c, enum smc_conn_timer t)
{
	return (c->timers & 1u << t) != 0;
}
void smc_timers_off(struct smc_conn *c);
void smc_conn_expired(void *ctx, struct wheel_timer *t, uint64_t now_us);

/* ---- tx.c -------------------------------------------------------------------- */
static inline uint32_t smc_unsent(const struct smc_conn *c)
{
	return c->snd == NULL ? 0 : (uint32_t)smc_cursor_distance(&c->sent, &c->prep, c->snd->size);
}

/* Octets we may write into the peer's ring. */
static inline uint32_t smc_peer_room(const struct smc_conn *c)
{
	return c->peer_size - (uint32_t)smc_cursor_distance(&c->peer_cons, &c->prod, c->peer_size);
}

/* What was not posted yet is not sent any more. */
void smc_drop_unsent(struct smc_conn *c);
/* There may be room now, or nothing left to wait for. */
void smc_tell_writable(struct smc_conn *c);
/* Look at the connection: post what is due. False: nothing was posted. */
bool smc_conn_push(struct smc_conn *c);

/* ---- rx.c -------------------------------------------------------------------- */
static inline uint32_t smc_ring_used(const struct smc_conn *c)
{
	return c->rmb == NULL ? 0 : (uint32_t)smc_cursor_distance(&c->cons, &c->peer_prod, c->rmb->size);
}

/* Something was freed, or the peer is blocked: does it have to hear of it now? */
void smc_window_update(struct smc_conn *c);

/* ---- close.c ------------------------------------------------------------------- */
/* Next state, or the same one. flags: enum cdc_conn_flag newly received; sent_close:
 * we have sent CLOSED or ABORT. Pure. */
uint8_t smc_state_on_peer(uint8_t state, uint8_t flags, bool sent_close);
/* Our DONE, CLOSED or ABORT goes out. peer_closed: theirs came. Pure. */
uint8_t smc_state_on_local(uint8_t state, enum smc_goal goal, bool peer_closed);

/* Flags a CDC that is built now adds; unsent: what will still be queued then. */
uint8_t smc_close_due(const struct smc_conn *c, uint32_t unsent);
/* A CDC with these new flags was posted. */
void smc_close_posted(struct smc_conn *c, uint8_t flags);
/* It takes nothing more: what is queued is lost, and the user, who has more to
 * send, is told as TCP would tell him. */
void smc_reset_by_peer(struct smc_conn *c);
/* New flags of the peer. */
void smc_close_input(struct smc_conn *c, uint8_t flags);
void smc_close_expired(struct smc_conn *c, enum smc_conn_timer t);
/* Only further on: what is posted next follows from it. */
void smc_set_goal(struct smc_conn *c, enum smc_goal goal);
/* The protocol is over now, whatever is missing. */
void smc_conn_end(struct smc_conn *c);

/* ---- urgent.c -------------------------------------------------------------------- */
/* Flags of a CDC that leaves unsent octets queued. */
uint8_t smc_urgent_flags(const struct smc_conn *c, uint32_t unsent);
void smc_urgent_input(struct smc_conn *c, uint8_t prod_flags);
/* The user read on: true if the mark was passed. */
bool smc_urgent_passed(struct smc_conn *c);
/* The peer's consumer moved. */
void smc_urgent_consumed(struct smc_conn *c);

/* ---- stats.c ----------------------------------------------------------------------- */
static inline unsigned smc_size_bucket(uint64_t octets)
{
	unsigned i = 0;

	while (i < SMC_SIZE_BUCKETS - 1 && octets > (UINT64_C(8192) << i))
		i++;
	return i;
}

/* A call for len octets moved done of them. */
static inline void smc_count_request(struct smc_dir_stats *d, uint64_t len, uint64_t done)
{
	d->requests++;
	if (done == 0)
		return;
	d->reqs[smc_size_bucket(len)]++;
	d->bytes += done;
}
/* A connection has, or gives back, its rings. */
void smc_count_rings(struct smc_conn *c, bool taken);

#endif
