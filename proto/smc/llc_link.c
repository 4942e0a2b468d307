/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CONFIRM LINK, ADD LINK, REQUEST ADD LINK, DELETE LINK (RFC 7609 4.4, and what
 * Linux makes of them): a group of ours has one link for all its life.
 */
#include <string.h>

#include "proto/smc/link_impl.h"

/* A Linux client opens its eyes for CONFIRM LINK only after it has sent the CLC
 * CONFIRM; what comes before is lost, and nobody repeats it but us. */
#define CONFIRM_DELAY_US (1 * SMC_US_PER_MS)
#define CONFIRM_AGAIN_US (500 * SMC_US_PER_MS)

static struct smc_lgr *timer_lgr(struct smc_timer *t)
{
	struct smc_llc *llc = (struct smc_llc *)((uint8_t *)t - offsetof(struct smc_llc, timer));

	return llc->link->lgr;
}

static void fill_confirm(const struct smc_link *l, struct llc_msg *msg)
{
	const struct smc_lgr *lgr = l->lgr;
	struct llc_confirm_link *c = &msg->confirm_link;
	struct rd_info info;

	rd_query(l->dev->rd, &info);
	memcpy(c->mac, info.mac, sizeof(c->mac));
	memcpy(c->gid, l->gid.b, sizeof(c->gid));
	c->qpn = rd_qp_num(l->qp);
	c->link_id = l->id;
	c->link_uid = l->uid;
	c->max_links = lgr->terms.max_links;
	c->max_conns = lgr->terms.release >= 1 ? lgr->terms.max_conns : 0;
	c->no_eyecatcher = true;
}

/* ---- CONFIRM LINK: server -------------------------------------------------------- */

static void confirm_timer(struct smc_timer *t)
{
	struct smc_lgr *lgr = timer_lgr(t);
	struct smc_llc *llc = lgr->llc;
	struct smc_stack *ss = lgr->ss;
	uint64_t now = smc_now(ss), left = llc->deadline_us > now ? llc->deadline_us - now : 0;
	struct llc_msg msg;

	if (left == 0) {
		ss->stats.llc_timeouts++;
		smc_wait_end(ss, &llc->confirm, SMC_RSN_TIMEOUT_CL);
		smc_flow_end(lgr);
		return;
	}
	if (lgr->role == SMC_CLIENT || llc->tries >= 2) {
		smc_timer_arm(ss, t, confirm_timer, left);
		return;
	}
	llc->tries++;
	smc_llc_new(llc->link, LLC_CONFIRM_LINK, &msg);
	fill_confirm(llc->link, &msg);
	smc_llc_send(llc->link, &msg);
	smc_timer_arm(ss, t, confirm_timer, llc->tries == 1 ? RTE_MIN(CONFIRM_AGAIN_US, left) : left);
}

/* Ours for one link. A peer that may have two waits for an offer of a second
 * one, a Linux client for 3 s; one without an MTU it refuses whatever it has.
 * Not to be sent before it has answered CONFIRM LINK. */
static void add_link_timer(struct smc_timer *t)
{
	struct smc_lgr *lgr = timer_lgr(t);

	lgr->ss->stats.llc_timeouts++;
	smc_flow_end(lgr);
}

static void offer_nothing(struct smc_link *l)
{
	struct smc_stack *ss = l->lgr->ss;
	struct llc_msg msg;
	struct rd_info info;

	if (l->lgr->terms.max_links <= 1)
		return;
	smc_llc_new(l, LLC_ADD_LINK, &msg);
	rd_query(l->dev->rd, &info);
	memcpy(msg.add_link.mac, info.mac, sizeof(msg.add_link.mac));
	memcpy(msg.add_link.gid, l->gid.b, sizeof(msg.add_link.gid));
	msg.add_link.qpn = rd_qp_num(l->qp);
	msg.add_link.psn = l->psn;
	msg.add_link.link_id = (uint8_t)(l->id + 1);
	if (smc_llc_send(l, &msg) == 0)
		smc_flow_begin(l, SMC_FLOW_ADD_LINK, add_link_timer, ss->conf.llc_wait_ms * SMC_US_PER_MS);
}

static void confirmed(struct smc_link *l)
{
	struct smc_lgr *lgr = l->lgr;

	if (lgr->state == SMC_LGR_CREATING)
		lgr->state = SMC_LGR_ACTIVE;
	smc_link_activate(l);
	smc_wait_end(lgr->ss, &lgr->llc->confirm, 0);
}

static void confirm_response(struct smc_link *l, const struct llc_msg *msg)
{
	struct smc_lgr *lgr = l->lgr;
	struct smc_llc *llc = lgr->llc;

	if (lgr->role != SMC_SERVER || llc->flow != SMC_FLOW_CONFIRM_LINK || llc->tries == 0 ||
	    msg->confirm_link.link_id != l->id) {
		lgr->ss->stats.llc_unexpected++;
		return;
	}
	if (!msg->confirm_link.no_eyecatcher) {
		smc_wait_end(lgr->ss, &llc->confirm, SMC_RSN_RMBE_EC);
		smc_flow_end(lgr);
		return;
	}
	l->peer_uid = msg->confirm_link.link_uid;
	confirmed(l);
	smc_flow_end(lgr);
	if (llc->flow == SMC_FLOW_NONE)
		offer_nothing(l);
}

/* ---- CONFIRM LINK: client ---------------------------------------------------------- */

static void answer_confirm(struct smc_link *l, const struct llc_confirm_link *req)
{
	struct smc_lgr *lgr = l->lgr;
	struct llc_msg rsp;

	if (!req->no_eyecatcher || req->link_id == 0) {
		smc_wait_end(lgr->ss, &lgr->llc->confirm, SMC_RSN_RMBE_EC);
		smc_flow_end(lgr);
		return;
	}
	l->id = req->link_id;
	l->peer_uid = req->link_uid;
	l->uid = lgr->id + l->id;
	smc_llc_new(l, LLC_CONFIRM_LINK, &rsp);
	rsp.resp = true;
	fill_confirm(l, &rsp);
	if (smc_llc_send(l, &rsp) != 0) {
		smc_wait_end(lgr->ss, &lgr->llc->confirm, SMC_RSN_TIMEOUT_CL);
		smc_flow_end(lgr);
		return;
	}
	confirmed(l);
	smc_flow_end(lgr);
}

void smc_llc_confirm_link(struct smc_link *l, const struct llc_msg *msg)
{
	struct smc_lgr *lgr = l->lgr;
	struct smc_llc *llc = lgr->llc;
	struct llc_msg rsp;

	if (msg->resp) {
		confirm_response(l, msg);
	} else if (lgr->role != SMC_CLIENT) {
		lgr->ss->stats.llc_unexpected++;
	} else if (llc->flow == SMC_FLOW_CONFIRM_LINK) {
		answer_confirm(l, &msg->confirm_link);
	} else if (l->state == SMC_LINK_ACTIVATING) {
		llc->early = true;
		llc->early_req = msg->confirm_link;
	} else if (l->state == SMC_LINK_ACTIVE && msg->confirm_link.link_id == l->id) {
		/* Repeated by a server that had not seen the answer yet. */
		smc_llc_new(l, LLC_CONFIRM_LINK, &rsp);
		rsp.resp = true;
		fill_confirm(l, &rsp);
		smc_llc_send(l, &rsp);
	} else {
		lgr->ss->stats.llc_unexpected++;
	}
}

void smc_link_confirm(struct smc_link *l, struct smc_wait *wait)
{
	struct smc_lgr *lgr = l->lgr;
	struct smc_llc *llc = lgr->llc;
	struct smc_stack *ss = lgr->ss;
	uint64_t us = (lgr->role == SMC_SERVER ? ss->conf.llc_wait_ms : ss->conf.confirm_wait_ms) * SMC_US_PER_MS;

	if (!smc_lgr_alive(lgr) || l->state != SMC_LINK_ACTIVATING || !smc_link_sends(l) ||
	    llc->flow != SMC_FLOW_NONE) {
		smc_wait_ready(ss, wait, SMC_RSN_TIMEOUT_CL);
		return;
	}
	smc_wait_set(&llc->confirm, wait);
	llc->tries = 0;
	if (lgr->role == SMC_SERVER) {
		llc->deadline_us = smc_now(ss) + CONFIRM_DELAY_US + us;
		smc_flow_begin(l, SMC_FLOW_CONFIRM_LINK, confirm_timer, CONFIRM_DELAY_US);
		return;
	}
	llc->deadline_us = smc_now(ss) + us;
	smc_flow_begin(l, SMC_FLOW_CONFIRM_LINK, confirm_timer, us);
	if (llc->early) {
		llc->early = false;
		answer_confirm(l, &llc->early_req);
	}
}

/* ---- ADD LINK -------------------------------------------------------------------------- */

void smc_llc_add_link(struct smc_link *l, const struct llc_msg *msg)
{
	struct smc_lgr *lgr = l->lgr;
	struct llc_msg rsp;

	if (!msg->resp && lgr->role == SMC_CLIENT) {
		llc_reject(msg, &rsp);
		smc_llc_send(l, &rsp);
	} else if (msg->resp && lgr->llc->flow == SMC_FLOW_ADD_LINK) {
		/* One that accepts gets no CONFIRM LINK and gives up by itself. */
		if (!msg->reject)
			lgr->ss->stats.llc_unexpected++;
		smc_flow_end(lgr);
	} else {
		/* As server also a v1 client's invitation, which is free to be ignored. */
		lgr->ss->stats.llc_unexpected++;
	}
}

/* The client's flow stays open until this is answered; an offer need not follow. */
void smc_llc_req_add_link(struct smc_link *l, const struct llc_msg *msg)
{
	struct llc_msg rsp;

	if (msg->resp || l->lgr->role != SMC_SERVER) {
		l->lgr->ss->stats.llc_unexpected++;
		return;
	}
	llc_respond(msg, &rsp);
	smc_llc_send(l, &rsp);
}

/* ---- DELETE LINK --------------------------------------------------------------------------- */

void smc_llc_delete_all(struct smc_link *l, uint32_t reason, bool orderly)
{
	struct llc_msg msg;

	smc_llc_new(l, LLC_DELETE_LINK, &msg);
	msg.all = true;
	msg.orderly = orderly;
	msg.delete_link.reason = reason;
	smc_llc_send(l, &msg);
}

static void delete_timer(struct smc_timer *t)
{
	struct smc_lgr *lgr = timer_lgr(t);

	lgr->ss->stats.llc_timeouts++;
	smc_lgr_end(lgr, LLC_DEL_NONE, false);
}

/* A client asks for its link's end: the server runs the deletion, with the same
 * message as its own request, and that is all the answer. */
static void server_delete(struct smc_link *l, const struct llc_msg *msg)
{
	struct smc_lgr *lgr = l->lgr;
	struct llc_msg req = *msg;

	if (lgr->llc->flow == SMC_FLOW_DELETE_LINK)
		return;
	if (lgr->state == SMC_LGR_ACTIVE)
		lgr->state = SMC_LGR_STALE;
	/* Whatever else is asked for will not be answered by a link that ends. */
	lgr->llc->flow = SMC_FLOW_DELETE_LINK;
	smc_wait_end(lgr->ss, &lgr->llc->confirm, SMC_RSN_TIMEOUT_CL);
	smc_rkey_kill(lgr);
	if (smc_llc_send(l, &req) != 0) {
		smc_lgr_end(lgr, LLC_DEL_NONE, false);
		return;
	}
	smc_flow_begin(l, SMC_FLOW_DELETE_LINK, delete_timer, lgr->ss->conf.llc_wait_ms * SMC_US_PER_MS);
}

static void delete_one(struct smc_link *l, const struct llc_msg *msg)
{
	struct smc_lgr *lgr = l->lgr;
	struct llc_msg rsp;

	if (msg->delete_link.link_id == l->id && lgr->role == SMC_SERVER) {
		server_delete(l, msg);
		return;
	}
	llc_respond(msg, &rsp);
	rsp.delete_link.reason = msg->delete_link.link_id == l->id ? LLC_DEL_NONE : LLC_DEL_UNKNOWN_LINK;
	smc_llc_send(l, &rsp);
	if (msg->delete_link.link_id != l->id)
		return;
	lgr->ss->stats.links_lost++;
	smc_lgr_end(lgr, LLC_DEL_NONE, false);
}

void smc_llc_delete_link(struct smc_link *l, const struct llc_msg *msg)
{
	struct smc_lgr *lgr = l->lgr;

	if (msg->resp) {
		if (lgr->llc->flow == SMC_FLOW_DELETE_LINK)
			smc_lgr_end(lgr, LLC_DEL_NONE, false);
		else
			lgr->ss->stats.llc_unexpected++;
	} else if (!msg->all) {
		delete_one(l, msg);
	} else if (lgr->role == SMC_SERVER) {
		smc_lgr_end(lgr, LLC_DEL_OPERATOR, true);
	} else {
		smc_lgr_end(lgr, LLC_DEL_NONE, false);
	}
}
