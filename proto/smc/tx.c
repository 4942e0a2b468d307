/* SPDX-License-Identifier: BSD-3-Clause */
/* From the send ring into the peer's: RDMA WRITEs and the CDC behind them
 * (RFC 7609 4.5). */
#include "proto/smc/conn_impl.h"

/* ---- who has something to post --------------------------------------------- */

void smc_tx_schedule(struct smc_conn *c)
{
	struct smc_stack *ss = c->ss;

	if (c->in_tx || !c->active)
		return;
	c->in_tx = true;
	c->tx_next = NULL;
	*ss->tx_tail = c;
	ss->tx_tail = &c->tx_next;
}

static struct smc_conn *next_tx(struct smc_stack *ss)
{
	struct smc_conn *c = ss->tx_head;

	if (c == NULL)
		return NULL;
	ss->tx_head = c->tx_next;
	if (ss->tx_head == NULL)
		ss->tx_tail = &ss->tx_head;
	c->in_tx = false;
	return c;
}

/* One look at each that is on the list now: who has more waits behind the others. */
unsigned smc_output(struct smc_stack *ss)
{
	struct smc_conn **end = ss->tx_tail, *c;
	unsigned n = 0;
	bool last = false;

	while (!last && (c = next_tx(ss)) != NULL) {
		last = end == &c->tx_next;
		n += smc_conn_push(c);
		smc_conn_settle(c);
	}
	return n;
}

/* ---- what to post ---------------------------------------------------------------- */

/* Held back until more comes or what flies has arrived, as Linux does. The
 * first write of an idle connection never is. */
static bool is_held_back(struct smc_conn *c, uint32_t unsent)
{
	uint32_t limit;

	if (c->goal != SMC_GOAL_OPEN || c->urg_out || unsent == 0)
		return false;
	if (c->corked && !c->uncork && unsent < c->snd->size) {
		if (!smc_timer_pending(c, SMC_T_CORK))
			smc_timer_set(c, SMC_T_CORK, SMC_CORK_US);
		return true;
	}
	limit = RTE_MIN(c->snd->size / 2, c->ss->conf.autocork);
	return !c->nodelay && c->refs[SMC_REF_WR] != 0 && unsent <= limit;
}

/* The peer closed: its ring may be somebody else's by now. */
static bool may_write(const struct smc_conn *c)
{
	return !(c->rx_conn_flags & SMC_ANY_CLOSE);
}

/* len octets from *sent on, to the peer's ring at *prod: a second write where
 * that wraps, a second piece where ours does. Both cursors move. */
static unsigned build_writes(const struct smc_conn *c, uint32_t len, struct rd_wr *wr, struct smc_cursor *sent,
			     struct smc_cursor *prod)
{
	uint32_t lkey = c->snd != NULL ? rd_mr_lkey(c->snd->mr) : 0;
	unsigned n = 0;

	while (len > 0) {
		uint32_t part = RTE_MIN(len, c->peer_size - prod->count);
		uint32_t first = RTE_MIN(part, c->snd->size - sent->count);

		wr[n] = (struct rd_wr){ .op = RD_OP_WRITE, .n_sge = 1, .rkey = c->peer_rkey };
		wr[n].raddr = c->peer_addr + prod->count;
		wr[n].sge[0] = (struct rd_sge){ c->snd->base + sent->count, first, lkey };
		if (first < part) {
			wr[n].sge[1] = (struct rd_sge){ c->snd->base, part - first, lkey };
			wr[n].n_sge = 2;
		}
		smc_cursor_add(sent, part, c->snd->size);
		smc_cursor_add(prod, part, c->peer_size);
		len -= part;
		n++;
	}
	return n;
}

static void count_post(struct smc_conn *c, uint32_t len, unsigned writes)
{
	c->cdc_out++;
	c->ss->stats.cdc_out++;
	c->writes += writes;
	c->bytes_out += len;
	if (len == 0 && c->want_update)
		c->updates_out++;
	c->last_us = smc_now(c->ss);
}

/* len octets of what is unsent, and the CDC. Nothing changes when it fails:
 * the number is used again. */
static bool post(struct smc_conn *c, uint32_t len, struct cdc_msg *msg)
{
	struct smc_cursor sent = c->sent, prod = c->prod;
	uint8_t added = msg->conn_flags & ~c->tx_conn_flags;
	struct rd_wr wr[SMC_POST_WRITES + 1];
	uint8_t cdc[CDC_LEN];
	unsigned n = build_writes(c, len, wr, &sent, &prod);

	msg->seq = c->seq_out + 1;
	msg->token = c->peer_token;
	msg->prod = prod;
	msg->cons = c->freed;
	cdc_encode(msg, cdc);
	if (smc_link_post(c->link, c, wr, n, cdc, sent, msg->seq) < 0)
		return false;
	count_post(c, len, n);
	c->seq_out = msg->seq;
	c->sent = sent;
	c->prod = prod;
	c->cons_told = c->freed;
	c->want_update = false;
	c->rx_prod_flags &= ~CDC_CURSOR_WANTED;
	smc_timer_clear(c, SMC_T_UPDATE);
	c->tx_prod_flags = msg->prod_flags;
	c->tx_conn_flags = msg->conn_flags;
	if (c->urg_out)
		c->urg_told = true;
	if (added != 0)
		smc_close_posted(c, added);
	return true;
}

/* All that waited is posted: the next corked octets wait anew. */
static void flushed(struct smc_conn *c)
{
	c->uncork = false;
	smc_timer_clear(c, SMC_T_CORK);
}

bool smc_conn_push(struct smc_conn *c)
{
	uint32_t unsent = smc_unsent(c), room, len;
	struct cdc_msg msg = { 0 };
	bool tell_urgent;

	if (!c->active || c->link == NULL || c->refs[SMC_REF_LIVE] == 0)
		return false;
	room = may_write(c) ? smc_peer_room(c) : 0;
	len = is_held_back(c, unsent) ? 0 : RTE_MIN(unsent, room);
	len = RTE_MIN(len, SMC_TX_BURST);
	if (unsent != 0 && room == 0)
		c->ss->stats.tx.buf_full_peer++;
	msg.conn_flags = c->tx_conn_flags | smc_close_due(c, unsent - len);
	tell_urgent = c->urg_out && !c->urg_told;
	if (len == 0 && msg.conn_flags == c->tx_conn_flags && !c->want_update && !tell_urgent)
		return false;
	/* Blocked also when it just fits: no room is left then. */
	if (len != 0)
		msg.prod_flags = unsent >= room ? CDC_WRITE_BLOCKED : 0;
	else
		msg.prod_flags = c->tx_prod_flags & CDC_WRITE_BLOCKED;
	msg.prod_flags |= smc_urgent_flags(c, unsent - len);
	if (!post(c, len, &msg))
		return false;
	if (len == unsent)
		flushed(c);
	else if (len != 0 && len < room)
		smc_tx_schedule(c);
	return true;
}

void smc_conn_sent(struct smc_conn *c, const struct smc_slot *slot, bool ok)
{
	if (ok && c->snd != NULL) {
		c->fin = slot->sent;
		if (c->want_writable || c->want_sent)
			smc_tell_writable(c);
		if (smc_unsent(c) != 0)
			smc_tx_schedule(c);
	}
	c->refs[SMC_REF_WR]--;
	smc_conn_settle(c);
}
