/* SPDX-License-Identifier: BSD-3-Clause */
/* From the send ring into the peer's: RDMA WRITEs and the CDC behind them
 * (RFC 7609 4.5). */
#include "proto/smc/give.h"

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

/* What a post is made of, and where the next one begins. */
struct batch {
	struct smc_cursor sent, prod;
	const struct smc_given *next;
	unsigned n;                     /* writes; behind them is room for the CDC */
	struct rd_wr wr[SMC_POST_WRITES + 1];
};

static struct rd_wr *add_write(const struct smc_conn *c, struct batch *b)
{
	struct rd_wr *w = &b->wr[b->n++];

	w->op = RD_OP_WRITE;
	w->rkey = c->peer_rkey;
	w->raddr = c->peer_addr + b->prod.count;
	return w;
}

/* len octets that end before either ring does. */
static inline void build_one(const struct smc_conn *c, uint32_t len, struct batch *b)
{
	struct rd_wr *w = add_write(c, b);

	w->n_sge = 1;
	w->sge[0].addr = c->snd->base + b->sent.count;
	w->sge[0].len = len;
	w->sge[0].lkey = rd_mr_lkey(c->snd->mr);
	b->sent.count += len;
	b->prod.count += len;
}

/* len octets of the ring, to the peer's at prod: a second write where that
 * wraps, a second piece where ours does. */
static void build_writes(const struct smc_conn *c, uint32_t len, struct batch *b)
{
	uint32_t lkey = rd_mr_lkey(c->snd->mr);

	while (len > 0) {
		uint32_t part = RTE_MIN(len, c->peer_size - b->prod.count);
		uint32_t first = RTE_MIN(part, c->snd->size - b->sent.count);
		struct rd_wr *w = add_write(c, b);

		w->n_sge = 1;
		w->sge[0] = (struct rd_sge){ c->snd->base + b->sent.count, first, lkey };
		if (unlikely(first < part)) {
			w->sge[1] = (struct rd_sge){ c->snd->base, part - first, lkey };
			w->n_sge = 2;
		}
		smc_cursor_add(&b->sent, part, c->snd->size);
		smc_cursor_add(&b->prod, part, c->peer_size);
		len -= part;
	}
}

/* The same with buffers given among them: as much as fits one post. Returns how much. */
static uint32_t gather_writes(const struct smc_conn *c, uint32_t len, struct batch *b)
{
	uint32_t total = 0;

	b->next = c->give_next;
	while (total < len && b->n < SMC_POST_WRITES) {
		uint32_t left = RTE_MIN(len - total, c->peer_size - b->prod.count), done = 0;
		struct rd_wr *w = add_write(c, b);

		for (w->n_sge = 0; done < left && w->n_sge < RD_MAX_SGE; w->n_sge++) {
			struct rd_sge *sge = &w->sge[w->n_sge];

			smc_give_piece(c, &b->next, &b->sent, left - done, sge);
			smc_cursor_add(&b->sent, sge->len, c->snd->size);
			done += sge->len;
		}
		smc_cursor_add(&b->prod, done, c->peer_size);
		total += done;
	}
	return total;
}

static uint32_t build(const struct smc_conn *c, uint32_t len, struct batch *b)
{
	smc_cursor_copy(&b->sent, &c->sent);
	smc_cursor_copy(&b->prod, &c->prod);
	b->n = 0;
	if (unlikely(c->give_head != NULL))
		return gather_writes(c, len, b);
	if (likely(len < c->peer_size - b->prod.count && len < c->snd->size - b->sent.count)) {
		if (len != 0)
			build_one(c, len, b);
	} else {
		build_writes(c, len, b);
	}
	return len;
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

/* The writes and the CDC. Nothing changes when it fails: the number is used
 * again. */
static bool post(struct smc_conn *c, uint32_t len, struct batch *b, struct cdc_msg *msg)
{
	uint8_t added = msg->conn_flags & ~c->tx_conn_flags;
	uint8_t cdc[CDC_LEN];

	msg->seq = c->seq_out + 1;
	msg->token = c->peer_token;
	smc_cursor_copy(&msg->prod, &b->prod);
	smc_cursor_copy(&msg->cons, &c->freed);
	cdc_encode(msg, cdc);
	if (smc_link_post(c->link, c, b->wr, b->n, cdc, &b->sent, msg->seq) < 0)
		return false;
	count_post(c, len, b->n);
	c->seq_out = msg->seq;
	smc_cursor_copy(&c->sent, &b->sent);
	smc_cursor_copy(&c->prod, &b->prod);
	if (unlikely(c->give_head != NULL))
		c->give_next = (struct smc_given *)(uintptr_t)b->next;
	smc_cursor_copy(&c->cons_told, &c->freed);
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
	struct cdc_msg msg; /* the rest by post() */
	struct batch b;
	bool tell_urgent;

	if (!c->active || c->link == NULL || c->refs[SMC_REF_LIVE] == 0)
		return false;
	room = may_write(c) ? smc_peer_room(c) : 0;
	len = is_held_back(c, unsent) ? 0 : RTE_MIN(unsent, room);
	if ((len != 0 || c->want_update) && smc_link_full(c->link, c))
		return false;
	len = build(c, RTE_MIN(len, SMC_TX_BURST), &b);
	if (unsent != 0 && room == 0)
		c->ss->stats.tx.buf_full_peer++;
	msg.conn_flags = c->tx_conn_flags;
	if (unlikely(c->goal != SMC_GOAL_OPEN))
		msg.conn_flags |= smc_close_due(c, unsent - len);
	tell_urgent = c->urg_out && !c->urg_told;
	if (len == 0 && msg.conn_flags == c->tx_conn_flags && !c->want_update && !tell_urgent)
		return false;
	/* Blocked also when it just fits: no room is left then. */
	if (len != 0)
		msg.prod_flags = unsent >= room ? CDC_WRITE_BLOCKED : 0;
	else
		msg.prod_flags = c->tx_prod_flags & CDC_WRITE_BLOCKED;
	if (unlikely(c->urg_out))
		msg.prod_flags |= smc_urgent_flags(c, unsent - len);
	if (!post(c, len, &b, &msg))
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
		smc_cursor_copy(&c->fin, &slot->sent);
		if (c->want_writable || c->want_sent)
			smc_tell_writable(c);
		if (smc_unsent(c) != 0)
			smc_tx_schedule(c);
	}
	c->refs[SMC_REF_WR]--;
	if (unlikely(c->give_head != NULL))
		smc_give_done(c);
	smc_conn_settle(c);
}
