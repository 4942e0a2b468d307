/* SPDX-License-Identifier: BSD-3-Clause */
/* How connections end (RFC 7609 4.7): two tables, and what goes
 * with their steps. */
#include <errno.h>

#include "proto/smc/give.h"

#define STATES (SMC_PROCESSABORT + 1)

/* ---- states ------------------------------------------------------------------ */

/* Flags of the peer, while we have sent neither CLOSED nor ABORT ... 0: no change. */
static const struct { uint8_t done, closed, abort; } peer_open[STATES] = {
	[SMC_INIT]            = { SMC_APPCLOSEWAIT1,  SMC_APPCLOSEWAIT1,   SMC_PROCESSABORT },
	[SMC_ACTIVE]          = { SMC_APPCLOSEWAIT1,  SMC_APPCLOSEWAIT1,   SMC_PROCESSABORT },
	[SMC_PEERCLOSEWAIT1]  = { SMC_PEERCLOSEWAIT2, SMC_APPFINCLOSEWAIT, SMC_PROCESSABORT },
	[SMC_PEERCLOSEWAIT2]  = { 0,                  SMC_APPFINCLOSEWAIT, SMC_PROCESSABORT },
	[SMC_APPCLOSEWAIT1]   = { 0,                  0,                   SMC_PROCESSABORT },
	[SMC_APPCLOSEWAIT2]   = { 0,                  0,                   SMC_CLOSED },
	[SMC_APPFINCLOSEWAIT] = { 0,                  0,                   SMC_PROCESSABORT },
	[SMC_PEERABORTWAIT]   = { 0,                  0,                   0 },
};

/* ... and when we have. */
static const struct { uint8_t done, closed, abort; } peer_closing[STATES] = {
	[SMC_PEERCLOSEWAIT1]   = { SMC_PEERCLOSEWAIT2, SMC_CLOSED, SMC_CLOSED },
	[SMC_PEERCLOSEWAIT2]   = { 0,                  SMC_CLOSED, SMC_CLOSED },
	[SMC_PEERFINCLOSEWAIT] = { 0,                  SMC_CLOSED, SMC_CLOSED },
	[SMC_PEERABORTWAIT]    = { 0,                  SMC_CLOSED, SMC_CLOSED },
};

/* Our DONE goes out; our CLOSED or ABORT, the peer's not there yet; and there. */
static const struct { uint8_t shut, close, answer; } local[STATES] = {
	[SMC_ACTIVE]          = { SMC_PEERCLOSEWAIT1, SMC_PEERCLOSEWAIT1,   SMC_CLOSED },
	[SMC_APPCLOSEWAIT1]   = { SMC_APPCLOSEWAIT2,  SMC_PEERFINCLOSEWAIT, SMC_CLOSED },
	[SMC_APPCLOSEWAIT2]   = { 0,                  SMC_PEERFINCLOSEWAIT, SMC_CLOSED },
	[SMC_PEERCLOSEWAIT1]  = { 0,                  0,                    SMC_CLOSED },
	[SMC_PEERCLOSEWAIT2]  = { 0,                  0,                    SMC_CLOSED },
	[SMC_APPFINCLOSEWAIT] = { 0,                  SMC_CLOSED,           SMC_CLOSED },
	[SMC_PROCESSABORT]    = { 0,                  SMC_CLOSED,           SMC_CLOSED },
	[SMC_PEERABORTWAIT]   = { 0,                  0,                    SMC_CLOSED },
};

uint8_t smc_state_on_peer(uint8_t state, uint8_t flags, bool sent_close)
{
	uint8_t next;

	if (flags & CDC_ABORT)
		next = sent_close ? peer_closing[state].abort : peer_open[state].abort;
	else if (flags & CDC_CLOSED)
		next = sent_close ? peer_closing[state].closed : peer_open[state].closed;
	else
		next = sent_close ? peer_closing[state].done : peer_open[state].done;
	return next != 0 ? next : state;
}

uint8_t smc_state_on_local(uint8_t state, enum smc_goal goal, bool peer_closed)
{
	uint8_t next;

	if (goal == SMC_GOAL_SHUT)
		next = local[state].shut;
	else
		next = peer_closed ? local[state].answer : local[state].close;
	return next != 0 ? next : state;
}

static bool peer_closed(const struct smc_conn *c)
{
	return (c->rx_conn_flags & SMC_ANY_CLOSE) != 0;
}

/* ---- what we send --------------------------------------------------------------- */

uint8_t smc_close_due(const struct smc_conn *c, uint32_t unsent)
{
	switch (c->goal) {
	case SMC_GOAL_SHUT:
		return unsent == 0 ? CDC_DONE_WRITING : 0;
	case SMC_GOAL_CLOSE:
		if (unsent != 0 || (c->tx_conn_flags & SMC_ANY_CLOSE))
			return 0;
		/* As TCP resets: the peer wrote what nobody has read. */
		return smc_ring_used(c) != 0 || (c->rx_conn_flags & CDC_ABORT) ? CDC_ABORT : CDC_CLOSED;
	case SMC_GOAL_ABORT:
		return CDC_ABORT;
	default:
		return 0;
	}
}

/* Both directions have ended: as TCP, dead without an error. */
static void tell_both_done(struct smc_conn *c)
{
	if (c->tx_conn_flags != 0 && c->rx_conn_flags != 0)
		smc_raise(c, TCP_EV_CLOSED);
}

/* Our close is out: FIN behind the CDC as Linux does, and the peer's answer has
 * its time. */
static void closed_posted(struct smc_conn *c)
{
	c->state = smc_state_on_local(c->state, SMC_GOAL_CLOSE, peer_closed(c));
	smc_timer_clear(c, SMC_T_FLUSH);
	if (c->state != SMC_CLOSED)
		smc_timer_set(c, SMC_T_CLOSE, (uint64_t)c->ss->conf.close_wait_ms * 1000);
}

static void abort_posted(struct smc_conn *c)
{
	struct tcp_conn *tcp = c->tcp;

	c->state = smc_state_on_local(c->state, SMC_GOAL_CLOSE, peer_closed(c));
	c->tcp = NULL;
	if (tcp != NULL)
		tcp_abort(tcp);
}

void smc_close_posted(struct smc_conn *c, uint8_t flags)
{
	if (c->goal == SMC_GOAL_ABORT) {
		abort_posted(c);
		return;
	}
	if (flags & SMC_ANY_CLOSE)
		closed_posted(c);
	else
		c->state = smc_state_on_local(c->state, SMC_GOAL_SHUT, peer_closed(c));
	if (c->tcp != NULL && c->error == 0) /* else it is reset at the end */
		tcp_shutdown(c->tcp);
	tell_both_done(c);
}

static void start_abort(struct smc_conn *c)
{
	smc_drop_unsent(c);
	smc_timer_clear(c, SMC_T_FLUSH);
	smc_timer_clear(c, SMC_T_TCP);
	if (c->link == NULL) {
		smc_conn_end(c);
		return;
	}
	/* CLOSED stays: the ABORT that goes out is an answer. */
	if (c->state != SMC_CLOSED)
		c->state = SMC_PEERABORTWAIT;
	smc_timer_set(c, SMC_T_CLOSE, (uint64_t)c->ss->conf.close_wait_ms * 1000);
}

void smc_set_goal(struct smc_conn *c, enum smc_goal goal)
{
	if (goal <= c->goal || c->refs[SMC_REF_LIVE] == 0)
		return;
	c->goal = goal;
	if (goal == SMC_GOAL_ABORT) {
		start_abort(c);
	} else if (goal == SMC_GOAL_CLOSE && smc_unsent(c) != 0) {
		c->flush_mark = c->sent;
		smc_timer_set(c, SMC_T_FLUSH, SMC_FLUSH_US);
	}
	smc_tx_schedule(c);
}

/* ---- what the peer sends ------------------------------------------------------------ */

void smc_reset_by_peer(struct smc_conn *c)
{
	smc_drop_unsent(c);
	if (c->error == 0 && !c->closed)
		c->error = ECONNRESET;
	smc_raise(c, TCP_EV_CLOSED);
}

void smc_close_input(struct smc_conn *c, uint8_t flags)
{
	bool sent_close = (c->tx_conn_flags & SMC_ANY_CLOSE) != 0;

	c->rx_conn_flags |= flags;
	if (!c->active)
		return; /* smc_conn_activate() comes back to it */
	c->state = smc_state_on_peer(c->state, flags, sent_close);
	if ((flags & CDC_ABORT) || ((flags & CDC_CLOSED) && (smc_unsent(c) != 0 || c->want_writable)))
		smc_reset_by_peer(c);
	if (!(flags & CDC_ABORT))
		smc_raise(c, TCP_EV_EOF);
	/* Linux would wait for an answer that nobody gives any more. */
	if (c->state == SMC_CLOSED && !sent_close)
		smc_set_goal(c, SMC_GOAL_ABORT);
	tell_both_done(c);
	smc_tx_schedule(c);
}

/* ---- TCP below ------------------------------------------------------------------------ */

void smc_conn_tcp_event(struct smc_conn *c, unsigned events)
{
	struct tcp_info info = { .error = 0 };

	if (c->tcp == NULL || !c->active)
		return;
	if (events & TCP_EV_READABLE) { /* nobody has anything to say there */
		c->ss->stats.tcp_data_in_smc++;
		tcp_consume(c->tcp, tcp_readable(c->tcp));
	}
	if (!(events & (TCP_EV_EOF | TCP_EV_CLOSED)) || c->goal == SMC_GOAL_ABORT || peer_closed(c))
		return;
	if (events & TCP_EV_CLOSED)
		tcp_get_info(c->tcp, &info);
	/* The CDC travels another way and may be behind. */
	if (info.error != 0) {
		c->tcp_reset = true;
		smc_timer_set(c, SMC_T_TCP, SMC_RST_GRACE_US);
	} else if (c->rx_conn_flags == 0) {
		smc_timer_set(c, SMC_T_TCP, (uint64_t)c->ss->conf.tcp_fin_wait_ms * 1000);
	}
}

/* ---- time ------------------------------------------------------------------------------- */

void smc_conn_end(struct smc_conn *c)
{
	smc_drop_unsent(c);
	c->state = SMC_CLOSED;
	smc_give_done(c);
	c->goal = SMC_GOAL_OPEN; /* nothing more is sent */
}

static void flush_expired(struct smc_conn *c)
{
	if (smc_cursor_equal(&c->sent, &c->flush_mark)) {
		smc_drop_unsent(c);
		smc_tx_schedule(c);
		return;
	}
	c->flush_mark = c->sent;
	smc_timer_set(c, SMC_T_FLUSH, SMC_FLUSH_US);
}

void smc_close_expired(struct smc_conn *c, enum smc_conn_timer t)
{
	if (t == SMC_T_FLUSH) {
		flush_expired(c);
	} else if (t == SMC_T_TCP) {
		if (c->rx_conn_flags == 0 || (c->tcp_reset && !peer_closed(c)))
			smc_conn_fail(c, ECONNRESET);
	} else {
		if (c->error == 0) {
			c->error = ETIMEDOUT;
			c->ss->stats.conns_aborted++;
		}
		smc_raise(c, TCP_EV_CLOSED);
		smc_conn_end(c);
	}
}

/* ---- the user's calls ---------------------------------------------------------------------- */

int smc_shutdown(struct smc_conn *c)
{
	if (c->error != 0 || (c->active && c->state == SMC_CLOSED))
		return -ENOTCONN;
	c->shut_write = true;
	smc_set_goal(c, SMC_GOAL_SHUT); /* in a handshake: when it is through */
	return 0;
}

static void user_leaves(struct smc_conn *c)
{
	c->closed = true;
	c->events = 0;
	if (c->hs != NULL)
		smc_hs_abort(c);
}

void smc_close(struct smc_conn *c)
{
	user_leaves(c);
	smc_set_goal(c, SMC_GOAL_CLOSE);
	smc_conn_unref(c, SMC_REF_USER);
}

void smc_abort(struct smc_conn *c)
{
	user_leaves(c);
	if (c->refs[SMC_REF_LIVE] != 0 && c->error == 0)
		c->error = ECONNABORTED;
	smc_set_goal(c, SMC_GOAL_ABORT);
	smc_conn_unref(c, SMC_REF_USER);
}
