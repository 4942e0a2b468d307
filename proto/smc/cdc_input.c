/* SPDX-License-Identifier: BSD-3-Clause */
/* CDC messages of the peer: every number is checked before it moves anything
 * (RFC 7609 4.5). */
#include <errno.h>

#include "proto/smc/conn_impl.h"

/* Where data ends now. False: outside of what the peer was told it may use. */
static bool take_prod(struct smc_conn *c, const struct smc_cursor *prod)
{
	uint32_t size = c->rmb->size;
	int64_t d;

	if (!smc_cursor_valid(prod, size))
		return false;
	d = smc_cursor_distance(&c->peer_prod, prod, size);
	if (d < 0)
		return true; /* stale: the rest of the message counts */
	if (smc_cursor_distance(&c->cons_told, prod, size) > size)
		return false;
	if (d == 0)
		return true;
	smc_cursor_copy(&c->peer_prod, prod);
	c->bytes_in += (uint64_t)d;
	smc_raise(c, TCP_EV_READABLE);
	return true;
}

/* How far the peer has read. False: further than we wrote. */
static bool take_cons(struct smc_conn *c, const struct smc_cursor *cons)
{
	int64_t d;

	if (c->peer_size == 0) /* its CONFIRM was not read yet, nothing was written */
		return cons->wrap == 0 && cons->count == 0;
	if (!smc_cursor_valid(cons, c->peer_size))
		return false;
	d = smc_cursor_distance(&c->peer_cons, cons, c->peer_size);
	if (d > smc_cursor_distance(&c->peer_cons, &c->prod, c->peer_size))
		return false;
	if (d <= 0)
		return true;
	smc_cursor_copy(&c->peer_cons, cons);
	if (unlikely(c->urg_out))
		smc_urgent_consumed(c);
	if (smc_unsent(c) != 0)
		smc_tx_schedule(c);
	return true;
}

/* After a failover on the peer's side: it asks whether all that it had heard
 * complete has arrived. Never with cursors. */
static void validate(struct smc_conn *c, const struct cdc_msg *msg)
{
	if (cdc_seq_before(c->seq_in, msg->seq))
		smc_conn_fail(c, ECONNABORTED);
}

static void input(struct smc_conn *c, const struct cdc_msg *msg)
{
	uint8_t added = msg->conn_flags & ~c->rx_conn_flags;

	c->seq_in = msg->seq;
	c->cdc_in++;
	c->last_us = smc_now(c->ss);
	/* Of a connection that is being aborted only its end counts. */
	if (c->goal == SMC_GOAL_ABORT)
		goto flags;
	if (!take_prod(c, &msg->prod) || !take_cons(c, &msg->cons)) {
		c->ss->stats.cdc_bad_cursor++;
		smc_conn_fail(c, EPROTO);
	} else {
		c->rx_prod_flags = msg->prod_flags | (c->rx_prod_flags & CDC_CURSOR_WANTED);
		if (unlikely(msg->prod_flags & CDC_URG_PRESENT))
			smc_urgent_input(c, msg->prod_flags);
		/* Else there is nothing to tell. */
		if (c->rx_prod_flags != 0 || !smc_cursor_equal(&c->cons_told, &c->freed))
			smc_window_update(c);
	}
flags:
	if (added != 0)
		smc_close_input(c, added);
}

/* The connection a message is for, if it takes any. */
static struct smc_conn *find(struct smc_link *l, uint32_t token)
{
	struct smc_conn *c = smc_conn_by_token(l->lgr->ss, token);

	if (c == NULL || c->lgr != l->lgr || c->rmb == NULL)
		return NULL;
	return c->active && c->refs[SMC_REF_LIVE] == 0 ? NULL : c;
}

void smc_cdc_input(struct smc_link *l, const uint8_t *buf, uint32_t len)
{
	struct smc_stats *stats = &l->lgr->ss->stats;
	struct smc_conn *c;
	struct cdc_msg msg;

	stats->cdc_in++;
	if (cdc_decode(buf, len, &msg) < 0) {
		stats->cdc_short++;
		return;
	}
	c = find(l, msg.token);
	if (c == NULL) {
		stats->cdc_no_conn++;
		return;
	}
	if (msg.prod_flags & CDC_VALIDATION) {
		validate(c, &msg);
	} else if (cdc_seq_before(msg.seq, c->seq_in)) {
		stats->cdc_old_seq++;
		return;
	} else {
		input(c, &msg);
	}
	smc_conn_settle(c);
}
