/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keys of receive buffers: ours told to the peer and withdrawn (CONFIRM RKEY,
 * DELETE RKEY), never two requests outstanding in a group; and the peer's.
 */
#include <errno.h>
#include <string.h>

#include "proto/smc/link_impl.h"

/* ---- the peer's -------------------------------------------------------------------- */

int smc_rkey_add(struct smc_lgr *lgr, uint32_t rkey, uint64_t addr)
{
	struct smc_rkey_table *t = lgr->rkeys;

	for (uint32_t i = 0; i < t->n; i++) {
		if (t->e[i].rkey == rkey && t->e[i].addr == addr)
			return 0;
	}
	if (t->n == SMC_RKEYS_MAX)
		return -ENOSPC;
	t->e[t->n].rkey = rkey;
	t->e[t->n].addr = addr;
	t->n++;
	return 0;
}

int smc_rkey_del(struct smc_lgr *lgr, uint32_t rkey)
{
	struct smc_rkey_table *t = lgr->rkeys;

	for (uint32_t i = 0; i < t->n; i++) {
		if (t->e[i].rkey == rkey) {
			t->e[i] = t->e[--t->n];
			return 0;
		}
	}
	return -ENOENT;
}

static void unexpected(struct smc_link *l)
{
	l->lgr->ss->stats.llc_unexpected++;
}

static void confirm_request(struct smc_link *l, const struct llc_msg *msg)
{
	const struct llc_confirm_rkey *c = &msg->confirm_rkey;
	struct llc_msg rsp;

	if (c->n_other > LLC_MAX_OTHER_LINKS || smc_rkey_add(l->lgr, c->rkey, c->addr) != 0)
		llc_refuse_rkey(msg, 0, &rsp);
	else
		llc_respond(msg, &rsp);
	smc_llc_send(l, &rsp);
}

static void delete_request(struct smc_link *l, const struct llc_msg *msg)
{
	const struct llc_delete_rkey *d = &msg->delete_rkey;
	uint8_t mask = 0, unknown = 0;
	struct llc_msg rsp;

	for (unsigned i = 0; i < d->n_keys; i++) {
		if (smc_rkey_del(l->lgr, d->rkeys[i]) == 0)
			continue;
		unknown++;
		if (i < 8)
			mask |= (uint8_t)(0x80 >> i);
	}
	if (unknown != 0)
		llc_refuse_rkey(msg, msg->v2 ? unknown : mask, &rsp);
	else
		llc_respond(msg, &rsp);
	smc_llc_send(l, &rsp);
}

/* ---- ours ---------------------------------------------------------------------------- */

static void cur_end(struct smc_lgr *lgr, uint32_t reason)
{
	struct smc_llc *llc = lgr->llc;
	struct smc_buf *b = llc->cur;

	llc->cur = NULL;
	if (b->step == SMC_BUF_CONFIRM)
		smc_buf_confirmed(b, reason);
	else
		smc_buf_key_gone(b);
}

/* A peer that leaves one request alone does so with the next: who waits for it
 * is told at once, no new connection comes to the group, and the link is tested. */
static void rkey_timer(struct smc_timer *t)
{
	struct smc_llc *llc = (struct smc_llc *)((uint8_t *)t - offsetof(struct smc_llc, timer));
	struct smc_lgr *lgr = llc->link->lgr;
	struct smc_buf *b, *next, *q = llc->q_head;

	lgr->ss->stats.llc_timeouts++;
	lgr->priv->suspect = true;
	llc->q_head = NULL;
	llc->q_tail = &llc->q_head;
	llc->flow = SMC_FLOW_NONE;
	cur_end(lgr, SMC_RSN_ERR_REGBUF);
	for (b = q; b != NULL; b = next) {
		next = b->next;
		if (b->step == SMC_BUF_CONFIRM)
			smc_buf_confirmed(b, SMC_RSN_ERR_REGBUF);
		else
			smc_llc_delete_rkey(b);
	}
	smc_link_test(llc->link);
	smc_rkey_next(lgr);
}

static int rkey_send(struct smc_link *l, struct smc_buf *b)
{
	struct llc_msg msg;

	if (b->step == SMC_BUF_CONFIRM) {
		smc_llc_new(l, LLC_CONFIRM_RKEY, &msg);
		msg.confirm_rkey.rkey = rd_mr_rkey(b->mr);
		msg.confirm_rkey.addr = rd_mr_addr(b->mr);
		b->announced = true;
	} else {
		smc_llc_new(l, LLC_DELETE_RKEY, &msg);
		msg.delete_rkey.n_keys = 1;
		msg.delete_rkey.rkeys[0] = rd_mr_rkey(b->mr);
	}
	return smc_llc_send(l, &msg);
}

void smc_rkey_next(struct smc_lgr *lgr)
{
	struct smc_llc *llc = lgr->llc;
	struct smc_link *l = lgr->links[0];
	struct smc_buf *b;

	while (llc->flow == SMC_FLOW_NONE && (b = llc->q_head) != NULL) {
		llc->q_head = b->next;
		if (llc->q_head == NULL)
			llc->q_tail = &llc->q_head;
		llc->cur = b;
		if (rkey_send(l, b) != 0) {
			cur_end(lgr, SMC_RSN_ERR_REGBUF);
			continue;
		}
		smc_flow_begin(l, b->step == SMC_BUF_CONFIRM ? SMC_FLOW_CONFIRM_RKEY : SMC_FLOW_DELETE_RKEY,
			       rkey_timer, lgr->ss->conf.llc_wait_ms * SMC_US_PER_MS);
	}
}

static void enqueue(struct smc_lgr *lgr, struct smc_buf *b, uint8_t step)
{
	struct smc_llc *llc = lgr->llc;

	b->step = step;
	b->next = NULL;
	*llc->q_tail = b;
	llc->q_tail = &b->next;
	smc_rkey_next(lgr);
}

bool smc_llc_unqueue(struct smc_buf *b)
{
	struct smc_llc *llc = b->lgr->llc;
	struct smc_buf **at = &llc->q_head;

	while (*at != NULL && *at != b)
		at = &(*at)->next;
	if (*at == NULL)
		return false;
	*at = b->next;
	if (llc->q_tail == &b->next)
		llc->q_tail = at;
	return true;
}

void smc_llc_confirm_rkey(struct smc_link *l, struct smc_buf *rmb, struct smc_wait *wait)
{
	if (l->state != SMC_LINK_ACTIVE || !smc_lgr_alive(l->lgr) || rmb->lgr != l->lgr || rmb->put ||
	    rmb->step != SMC_BUF_READY || rmb->mr == NULL) {
		smc_wait_ready(l->lgr->ss, wait, SMC_RSN_ERR_REGBUF);
		return;
	}
	smc_wait_set(&rmb->wait, wait);
	enqueue(l->lgr, rmb, SMC_BUF_CONFIRM);
}

void smc_llc_delete_rkey(struct smc_buf *b)
{
	struct smc_lgr *lgr = b->lgr;

	if (!smc_lgr_alive(lgr) || lgr->links[0]->state != SMC_LINK_ACTIVE) {
		smc_buf_key_gone(b);
		return;
	}
	enqueue(lgr, b, SMC_BUF_DELETE);
}

/* A late answer to a CONFIRM RKEY that timed out names another key. Those to
 * DELETE RKEY name none in v2. */
static void confirm_response(struct smc_link *l, const struct llc_msg *msg)
{
	struct smc_lgr *lgr = l->lgr;
	struct smc_llc *llc = lgr->llc;

	if (llc->flow != SMC_FLOW_CONFIRM_RKEY || llc->link != l ||
	    msg->confirm_rkey.rkey != rd_mr_rkey(llc->cur->mr)) {
		unexpected(l);
		return;
	}
	cur_end(lgr, msg->negative ? SMC_RSN_ERR_REGBUF : 0);
	smc_flow_end(lgr);
}

static void delete_response(struct smc_link *l, const struct llc_msg *msg)
{
	struct smc_llc *llc = l->lgr->llc;

	if (llc->flow != SMC_FLOW_DELETE_RKEY || llc->link != l) {
		unexpected(l);
		return;
	}
	cur_end(l->lgr, 0);
	smc_flow_end(l->lgr);
}

void smc_llc_peer_confirm_rkey(struct smc_link *l, const struct llc_msg *msg)
{
	if (msg->resp)
		confirm_response(l, msg);
	else if (l->state == SMC_LINK_ACTIVE)
		confirm_request(l, msg);
	else
		unexpected(l);
}

void smc_llc_peer_delete_rkey(struct smc_link *l, const struct llc_msg *msg)
{
	if (msg->resp)
		delete_response(l, msg);
	else if (l->state == SMC_LINK_ACTIVE)
		delete_request(l, msg);
	else
		unexpected(l);
}

void smc_rkey_kill(struct smc_lgr *lgr)
{
	struct smc_llc *llc = lgr->llc;
	struct smc_buf *b;

	if (llc->cur != NULL)
		cur_end(lgr, SMC_RSN_ERR_REGBUF);
	while ((b = llc->q_head) != NULL) {
		llc->q_head = b->next;
		if (llc->q_head == NULL)
			llc->q_tail = &llc->q_head;
		if (b->step == SMC_BUF_CONFIRM)
			smc_buf_confirmed(b, SMC_RSN_ERR_REGBUF);
		else
			smc_buf_key_gone(b);
	}
}
