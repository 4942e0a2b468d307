/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Work requests of a link: control slots for SENDs, shared by connections and
 * LLC, and receives. Send completions come in order of posting, so the slots
 * are a ring.
 */
#include <errno.h>
#include <string.h>

#include "proto/smc/conn.h"
#include "proto/smc/link_impl.h"

#define STUCK_US (10 * 1000 * SMC_US_PER_MS) /* RFC 7609 and Linux: no slot for so long is a dead link */

static unsigned slots_free(const struct smc_link *l)
{
	return l->priv->n_slots - l->slots_used;
}

static struct smc_slot *slot_take(struct smc_link *l, uint32_t *idx)
{
	uint32_t i = (uint32_t)l->slot_head + l->slots_used;

	if (i >= l->priv->n_slots)
		i -= l->priv->n_slots;
	l->slots_used++;
	*idx = i;
	return &l->slots[i];
}

/* Fires at the earliest STUCK_US after the first began to wait; slots that came since put it off. */
static void stuck(struct smc_timer *t)
{
	struct smc_link_priv *p = (struct smc_link_priv *)((uint8_t *)t - offsetof(struct smc_link_priv, stuck));
	uint64_t waited = smc_now(t->ss) - p->waiting_us;

	if (waited < STUCK_US)
		smc_timer_arm(t->ss, t, stuck, STUCK_US - waited);
	else
		smc_link_down(p->link);
}

/* ---- connections ----------------------------------------------------------------- */

static void link_wait(struct smc_link *l, struct smc_conn *c)
{
	struct smc_stack *ss = l->lgr->ss;

	if (c->in_wait)
		return;
	if (l->wait_head == NULL) {
		l->priv->waiting_us = smc_now(ss);
		smc_timer_arm(ss, &l->priv->stuck, stuck, STUCK_US);
	}
	c->in_wait = true;
	c->wait_next = NULL;
	*l->wait_tail = c;
	l->wait_tail = &c->wait_next;
	l->waits++;
	ss->stats.slot_waits++;
}

void smc_link_unwait(struct smc_conn *c)
{
	struct smc_link *l = c->link;
	struct smc_conn **at;

	if (!c->in_wait)
		return;
	c->in_wait = false;
	for (at = &l->wait_head; *at != NULL && *at != c; at = &(*at)->wait_next)
		;
	if (*at == NULL)
		return;
	*at = c->wait_next;
	if (l->wait_tail == &c->wait_next)
		l->wait_tail = at;
	if (l->wait_head == NULL)
		smc_timer_cancel(&l->priv->stuck);
}

/* Slots promised to connections that waited: for this turn only, so that one
 * with nothing to post any more keeps none from the others. */
static unsigned granted(const struct smc_link *l)
{
	return l->priv->grant_turn == l->lgr->ss->turn ? l->priv->grants : 0;
}

static bool has_grant(const struct smc_link *l, const struct smc_conn *c)
{
	return c->slot_turn == l->lgr->ss->turn;
}

/* As many as there are slots, in the order they came. Who posted before comes
 * first on the stack's list and would take the slots again and again. */
static void wake(struct smc_link *l)
{
	struct smc_stack *ss = l->lgr->ss;
	unsigned n = granted(l);

	while (l->wait_head != NULL && slots_free(l) > SMC_LLC_RESERVE + n) {
		struct smc_conn *c = l->wait_head;

		c->in_wait = false;
		l->wait_head = c->wait_next;
		c->slot_turn = ss->turn;
		n++;
		smc_tx_schedule(c);
	}
	l->priv->grants = (uint8_t)n;
	l->priv->grant_turn = ss->turn;
	l->priv->waiting_us = smc_now(ss);
	if (l->wait_head == NULL) {
		l->wait_tail = &l->wait_head;
		smc_timer_cancel(&l->priv->stuck);
	}
}

static bool may_post(struct smc_link *l, struct smc_conn *c)
{
	if (has_grant(l, c)) {
		c->slot_turn = 0;
		if (l->priv->grants > 0)
			l->priv->grants--;
		return slots_free(l) > SMC_LLC_RESERVE;
	}
	return slots_free(l) > SMC_LLC_RESERVE + granted(l);
}

bool smc_link_full(struct smc_link *l, struct smc_conn *c)
{
	if (slots_free(l) > SMC_LLC_RESERVE + granted(l) || has_grant(l, c) || l->state != SMC_LINK_ACTIVE)
		return false;
	link_wait(l, c);
	return true;
}

int smc_link_post(struct smc_link *l, struct smc_conn *c, struct rd_wr *wr, unsigned n_writes,
		  const uint8_t cdc[CDC_LEN], const struct smc_cursor *sent, uint16_t seq)
{
	struct smc_slot *slot;
	uint32_t idx;
	int rc;

	if (unlikely(l->state != SMC_LINK_ACTIVE || n_writes > SMC_POST_WRITES))
		return -ENOLINK;
	if (!may_post(l, c)) {
		link_wait(l, c);
		return -EAGAIN;
	}
	slot = slot_take(l, &idx);
	for (unsigned i = 0; i < n_writes; i++) {
		wr[i].op = RD_OP_WRITE;
		wr[i].flags = 0;
		wr[i].cookie = SMC_COOKIE(SMC_WR_WRITE, idx);
	}
	/* Field by field: the list of pieces is long, and one counts. */
	wr[n_writes].cookie = SMC_COOKIE(SMC_WR_SEND, idx);
	wr[n_writes].op = RD_OP_SEND;
	wr[n_writes].flags = RD_F_SIGNAL | RD_F_INLINE | RD_F_SOLICITED;
	wr[n_writes].n_sge = 1;
	wr[n_writes].sge[0] = (struct rd_sge){ .addr = (void *)(uintptr_t)cdc, .len = CDC_LEN };
	rc = rd_post_send(l->qp, wr, n_writes + 1);
	if (unlikely(rc != 0)) {
		l->slots_used--;
		/* Many writes of buffers given may fill the queue before the slots are used up. */
		if (rc == -EAGAIN && l->slots_used > 0) {
			link_wait(l, c);
			return -EAGAIN;
		}
		l->lgr->ss->stats.post_failed++;
		smc_link_down(l);
		return -ENOLINK;
	}
	slot->conn = c;
	smc_cursor_copy(&slot->sent, sent);
	slot->seq = seq;
	smc_conn_ref(c, SMC_REF_WR);
	if (unlikely(c->in_wait))
		smc_link_unwait(c);
	l->cdc_out++;
	return 0;
}

/* ---- LLC -------------------------------------------------------------------------- */

static int post_llc(struct smc_link *l, const uint8_t *buf, unsigned len)
{
	struct rd_wr wr = {
		.op = RD_OP_SEND, .n_sge = 1, .flags = RD_F_SIGNAL | RD_F_INLINE | RD_F_SOLICITED,
		.sge = { { .addr = (void *)(uintptr_t)buf, .len = len } },
	};
	struct smc_slot *slot;
	uint32_t idx;
	int rc;

	slot = slot_take(l, &idx);
	wr.cookie = SMC_COOKIE(SMC_WR_SEND, idx);
	rc = rd_post_send(l->qp, &wr, 1);
	if (rc != 0) {
		l->slots_used--;
		l->lgr->ss->stats.post_failed++;
		return rc;
	}
	memset(slot, 0, sizeof(*slot));
	return 0;
}

int smc_wr_llc(struct smc_link *l, const uint8_t *buf, unsigned len)
{
	struct smc_link_priv *p = l->priv;
	unsigned i;

	if (!smc_link_sends(l))
		return -ENOLINK;
	if (p->q_n == 0 && slots_free(l) > 0) {
		int rc = post_llc(l, buf, len);

		if (rc != -EAGAIN || l->slots_used == 0)
			return rc;
	}
	if (p->q_n == SMC_LLC_QUEUE)
		return -ENOBUFS;
	i = (p->q_head + p->q_n++) % SMC_LLC_QUEUE;
	memcpy(p->q[i].b, buf, len);
	p->q[i].len = (uint8_t)len;
	return 0;
}

void smc_wr_flush(struct smc_link *l)
{
	struct smc_link_priv *p = l->priv;

	while (p->q_n > 0 && slots_free(l) > 0 && smc_link_sends(l)) {
		if (post_llc(l, p->q[p->q_head].b, p->q[p->q_head].len) == -EAGAIN)
			return;
		p->q_head = (p->q_head + 1) % SMC_LLC_QUEUE;
		p->q_n--;
	}
}

/* ---- completions ------------------------------------------------------------------- */

static void slot_end(struct smc_link *l, bool ok)
{
	struct smc_slot slot = l->slots[l->slot_head];

	l->slot_head = l->slot_head + 1 == l->priv->n_slots ? 0 : l->slot_head + 1;
	l->slots_used--;
	if (slot.conn != NULL)
		smc_conn_sent(slot.conn, &slot, ok);
}

void smc_wr_done(struct smc_link *l, const struct rd_wc *wc)
{
	bool ok = wc->status == RD_WC_SUCCESS;
	uint32_t idx = SMC_COOKIE_IDX(wc->cookie);

	if (unlikely(!ok))
		smc_link_down(l);
	if (SMC_COOKIE_KIND(wc->cookie) != SMC_WR_SEND)
		return;
	/* In order, so all before it are done as well. */
	while (l->slots_used > 0) {
		bool last = l->slot_head == idx;

		slot_end(l, ok);
		if (last)
			break;
	}
	if (l->priv->q_n > 0)
		smc_wr_flush(l);
	if (l->wait_head != NULL && l->state == SMC_LINK_ACTIVE)
		wake(l);
	if (unlikely(l->slots_used == 0 && l->lgr->priv->killed))
		smc_lgr_due(l->lgr, SMC_DUE_CLOSE);
}

void smc_wr_drop(struct smc_link *l)
{
	while (l->slots_used > 0)
		slot_end(l, false);
}

/* ---- receives ---------------------------------------------------------------------- */

static uint8_t *rx_own(const struct smc_link *l, uint32_t idx)
{
	return l->priv->rx + (size_t)idx * SMC_RX_OWN;
}

static uint8_t *rx_spill(const struct smc_link *l)
{
	return l->priv->rx + SMC_MEM_UNIT - SMC_RX_SPILL;
}

int smc_rx_post(struct smc_link *l, unsigned n)
{
	struct smc_link_priv *p = l->priv;
	uint32_t lkey = rd_mr_lkey(p->rx_mr);
	struct rd_recv r[SMC_RX_BATCH];

	for (unsigned i = 0; i < n; i++) {
		uint32_t idx = p->rx_next;

		r[i].cookie = SMC_COOKIE(SMC_WR_RECV, idx);
		r[i].n_sge = 2;
		r[i].sge[0] = (struct rd_sge){ .addr = rx_own(l, idx), .len = SMC_RX_OWN, .lkey = lkey };
		r[i].sge[1] = (struct rd_sge){ .addr = rx_spill(l), .len = SMC_RX_SPILL, .lkey = lkey };
		p->rx_next = (uint16_t)(idx + 1 == p->n_rx ? 0 : idx + 1);
	}
	return rd_post_recv(l->qp, r, n);
}

/* Receives complete in the order they were posted in: those that are due are the next ones. */
static int rx_again(struct smc_link *l)
{
	struct smc_link_priv *p = l->priv;
	unsigned n = p->rx_due + 1u;

	if (n < SMC_RX_BATCH && p->n_rx >= 8 * SMC_RX_BATCH) {
		p->rx_due = (uint8_t)n;
		return 0;
	}
	p->rx_due = 0;
	return smc_rx_post(l, n);
}

static void rx_msg(struct smc_link *l, uint8_t *buf, uint32_t len)
{
	struct smc_stack *ss = l->lgr->ss;

	if (len > SMC_RX_OWN) {
		/* Long ones are LLC only; in one piece they are checked like the others. */
		memcpy(ss->scratch, buf, SMC_RX_OWN);
		memcpy(ss->scratch + SMC_RX_OWN, rx_spill(l), len - SMC_RX_OWN);
		buf = ss->scratch;
	}
	if (len > 0 && cdc_is(buf)) {
		l->cdc_in++;
		smc_cdc_input(l, buf, len);
	} else {
		smc_llc_input(l, buf, len);
	}
}

void smc_rx_done(struct smc_link *l, const struct rd_wc *wc)
{
	uint32_t idx = SMC_COOKIE_IDX(wc->cookie);

	if (unlikely(wc->status != RD_WC_SUCCESS)) {
		smc_link_down(l);
		return;
	}
	l->last_rx_us = smc_now(l->lgr->ss);
	l->lgr->priv->suspect = false;
	if (likely(smc_lgr_alive(l->lgr) && wc->len <= SMC_MSG_MAX))
		rx_msg(l, rx_own(l, idx), wc->len);
	if (l->qp != NULL && rx_again(l) != 0)
		smc_link_down(l);
}
