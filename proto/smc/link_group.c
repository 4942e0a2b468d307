/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Link groups: found, made, used. How they end: lgr_end.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/smc/conn.h"
#include "proto/smc/handshake.h"
#include "proto/smc/link_impl.h"

#define LGR_SERIAL_STEP 256u     /* the low octet is the link's ID, in its user ID */
#define MASK_24 0xffffffu

/* One object of each pool, so that nothing is allocated when a peer comes. */
struct lgr_obj {
	struct smc_lgr lgr;
	struct smc_lgr_priv priv;
	struct smc_llc llc;
	struct smc_rkey_table rkeys;
};
struct link_obj {
	struct smc_link link;
	struct smc_link_priv priv;
};

/* ---- found --------------------------------------------------------------------- */

uint32_t smc_lgr_max_conns(const struct smc_lgr *lgr)
{
	uint32_t max = lgr->ss->conf.max_conns;

	if (lgr->terms.max_conns != 0 && lgr->terms.max_conns < max)
		max = lgr->terms.max_conns;
	return max;
}

static bool lgr_of(const struct smc_lgr *lgr, enum smc_role role, const uint8_t peer_id[8],
		   const struct net_addr *addr, uint8_t version)
{
	return lgr->role == role && lgr->state == SMC_LGR_ACTIVE && !(lgr->priv->due & SMC_DUE_KILL) &&
	       lgr->dev->enabled && lgr->terms.version == version && memcmp(lgr->peer_id, peer_id, 8) == 0 &&
	       net_addr_equal(&lgr->addr, addr);
}

/* A connection more, its key at the peer's and the peer's here. A peer may keep
 * our keys until it has answered their DELETE RKEY, so those count too. */
static bool has_room(const struct smc_lgr *lgr)
{
	return lgr->n_conns < smc_lgr_max_conns(lgr) && lgr->rkeys->n < SMC_RKEYS_MAX &&
	       lgr->priv->n_rmbs < SMC_RKEYS_MAX;
}

struct smc_lgr *smc_lgr_find(struct smc_stack *ss, const uint8_t peer_id[8], const struct rd_gid *gid,
			     const struct net_addr *addr, uint8_t version)
{
	for (struct smc_lgr *lgr = ss->lgr_list; lgr != NULL && !ss->stopping; lgr = lgr->next) {
		const struct smc_link *l = lgr->links[0];

		if (lgr_of(lgr, SMC_SERVER, peer_id, addr, version) && l->state == SMC_LINK_ACTIVE &&
		    memcmp(l->peer.gid.b, gid->b, sizeof(gid->b)) == 0 && has_room(lgr) && !lgr->priv->suspect)
			return lgr;
	}
	return NULL;
}

bool smc_lgr_room(const struct smc_stack *ss, enum smc_role role, const struct smc_peer *peer)
{
	if (ss->lgrs.used < ss->conf.lgrs_max && (peer != NULL ? peer->lgrs : 0) < ss->conf.lgrs_per_peer)
		return true;
	for (const struct smc_lgr *lgr = ss->lgr_list; lgr != NULL && peer != NULL; lgr = lgr->next)
		if (lgr->peer == peer && lgr->role == role && lgr->state <= SMC_LGR_ACTIVE && has_room(lgr))
			return true;
	return false;
}

uint32_t smc_lgr_find_accept(struct smc_stack *ss, const struct clc_accept *a, const struct net_addr *addr,
			     struct smc_link **out)
{
	uint32_t reason = SMC_RSN_SYNCERR;

	*out = NULL;
	for (struct smc_lgr *lgr = ss->lgr_list; lgr != NULL; lgr = lgr->next) {
		struct smc_link *l = lgr->links[0];

		if (!lgr_of(lgr, SMC_CLIENT, a->peer_id, addr, a->version))
			continue;
		if (l->state == SMC_LINK_ACTIVE && l->peer.qpn == a->qpn &&
		    memcmp(l->peer.gid.b, a->gid, sizeof(l->peer.gid.b)) == 0) {
			*out = l;
			return 0;
		}
		reason = SMC_RSN_NOSRVLINK;
	}
	return reason;
}

struct smc_link *smc_lgr_link(struct smc_lgr *lgr)
{
	return lgr->links[0];
}

/* ---- made ----------------------------------------------------------------------- */

static uint32_t check_quota(struct smc_stack *ss, const struct smc_dev *dev, const struct smc_peer *peer)
{
	if (!dev->enabled)
		return SMC_RSN_NOSMCDEV;
	if (ss->stopping || ss->lgrs.used >= ss->conf.lgrs_max || peer->lgrs >= ss->conf.lgrs_per_peer) {
		ss->stats.refused_quota++;
		return SMC_RSN_OWN_LIMIT;
	}
	if (!smc_bufs_room(ss, peer)) { /* rather now than when all the rest is there */
		ss->stats.refused_memory++;
		return SMC_RSN_MEM;
	}
	return 0;
}

static struct smc_lgr *lgr_alloc(struct smc_stack *ss)
{
	struct lgr_obj *o = pool_get(&ss->lgrs);

	if (o == NULL)
		return NULL;
	memset(o, 0, sizeof(*o));
	o->lgr.ss = ss;
	o->lgr.priv = &o->priv;
	o->priv.linger.lgr = &o->lgr;
	o->lgr.llc = &o->llc;
	o->lgr.rkeys = &o->rkeys;
	smc_llc_init(&o->lgr);
	return &o->lgr;
}

static struct smc_link *link_alloc(struct smc_lgr *lgr, const struct rd_gid *gid)
{
	struct smc_stack *ss = lgr->ss;
	const struct net_env *env = net_environment(ss->net);
	struct link_obj *o = pool_get(&ss->links);
	struct smc_link *l;

	if (o == NULL)
		return NULL;
	memset(o, 0, sizeof(*o));
	l = &o->link;
	l->priv = &o->priv;
	l->priv->link = l;
	l->lgr = lgr;
	l->dev = lgr->dev;
	l->gid = *gid;
	l->id = 1;
	l->uid = lgr->id + l->id;
	l->wait_tail = &l->wait_head;
	env->random(env->ctx, &l->psn, sizeof(l->psn));
	l->psn &= MASK_24;
	l->priv->n_slots = (uint8_t)RTE_MIN(ss->conf.send_slots, (uint16_t)SMC_LINK_SLOTS);
	if (l->priv->n_slots < SMC_SLOTS_MIN)
		l->priv->n_slots = SMC_SLOTS_MIN;
	l->priv->n_rx = (uint16_t)RTE_MIN(ss->conf.recv_slots, (uint16_t)SMC_RX_MAX);
	return l;
}

static void lgr_insert(struct smc_lgr *lgr)
{
	struct smc_stack *ss = lgr->ss;

	lgr->next = ss->lgr_list;
	lgr->pprev = &ss->lgr_list;
	if (lgr->next != NULL)
		lgr->next->pprev = &lgr->next;
	ss->lgr_list = lgr;
}

static void lgr_free(struct smc_lgr *lgr)
{
	struct smc_stack *ss = lgr->ss;

	if (lgr->links[0] != NULL)
		pool_put(&ss->links, (struct link_obj *)lgr->links[0]);
	smc_peer_put(ss, lgr->peer);
	pool_put(&ss->lgrs, (struct lgr_obj *)lgr);
}

static void pd_done(struct rd_req *req)
{
	struct smc_lgr_priv *p = (struct smc_lgr_priv *)((uint8_t *)req - offsetof(struct smc_lgr_priv, req));
	struct smc_lgr *lgr = &((struct lgr_obj *)((uint8_t *)p - offsetof(struct lgr_obj, priv)))->lgr;

	p->busy = false;
	if (p->killed)
		smc_lgr_due(lgr, SMC_DUE_CLOSE);
	lgr->pd = req->op == RD_REQ_PD_ALLOC && req->rc == 0 ? req->pd : NULL;
	if (req->op == RD_REQ_PD_FREE)
		return;
	if (req->rc == 0 && smc_lgr_alive(lgr))
		smc_link_open(lgr->links[0]);
	else
		smc_lgr_made(lgr, req->rc == 0 ? SMC_RSN_MEM : smc_rc_reason(req->rc));
}

static void pd_submit(struct smc_lgr *lgr, uint8_t op)
{
	struct smc_lgr_priv *p = lgr->priv;

	memset(&p->req, 0, sizeof(p->req));
	p->req.op = op;
	p->req.pd = lgr->pd;
	p->req.done = pd_done;
	p->busy = true;
	rd_submit(lgr->dev->rd, &p->req);
}

uint32_t smc_lgr_create(struct smc_stack *ss, enum smc_role role, struct smc_dev *dev, const uint8_t peer_id[8],
			const struct net_addr *addr, const struct rd_gid *local_gid, struct smc_wait *wait,
			struct smc_lgr **out)
{
	struct smc_peer *peer = smc_peer_get(ss, addr);
	struct smc_lgr *lgr;
	uint32_t reason;

	*out = NULL;
	if (peer == NULL)
		return SMC_RSN_MEM;
	reason = check_quota(ss, dev, peer);
	lgr = reason == 0 ? lgr_alloc(ss) : NULL;
	if (lgr == NULL) {
		smc_peer_put(ss, peer);
		return reason != 0 ? reason : SMC_RSN_MEM;
	}
	lgr->peer = peer;
	lgr->role = (uint8_t)role;
	lgr->dev = dev;
	lgr->addr = *addr;
	memcpy(lgr->peer_id, peer_id, sizeof(lgr->peer_id));
	ss->lgr_serial += LGR_SERIAL_STEP;
	lgr->id = ss->lgr_serial;
	lgr->created_us = smc_now(ss);
	lgr->terms = (struct smc_lgr_terms){ .version = 2, .max_conns = SMC_MAX_CONNS, .max_links = 2 };
	lgr->links[0] = link_alloc(lgr, local_gid);
	if (lgr->links[0] == NULL) {
		lgr_free(lgr);
		return SMC_RSN_MEM;
	}
	lgr->n_links = 1;
	lgr->priv->holds = 1;
	peer->lgrs++;
	dev->lgrs++;
	ss->stats.lgrs_created++;
	lgr_insert(lgr);
	smc_wait_set(&lgr->links[0]->priv->wait, wait);
	pd_submit(lgr, RD_REQ_PD_ALLOC);
	*out = lgr;
	return 0;
}

void smc_lgr_made(struct smc_lgr *lgr, uint32_t reason)
{
	smc_wait_end(lgr->ss, &lgr->links[0]->priv->wait, reason);
	if (reason != 0)
		smc_lgr_end(lgr, LLC_DEL_NONE, false);
}

/* ---- used ------------------------------------------------------------------------- */

static void not_idle(struct smc_lgr *lgr)
{
	lgr->priv->idle_until_us = 0;
	if (wheel_armed(&lgr->timer))
		wheel_cancel(lgr->ss->wheel, &lgr->timer);
}

void smc_lgr_unused(struct smc_lgr *lgr)
{
	const struct smc_config *conf = &lgr->ss->conf;
	uint32_t ms = lgr->role == SMC_SERVER ? conf->idle_server_ms : conf->idle_client_ms;

	if (lgr->n_conns != 0 || lgr->priv->holds != 0)
		return;
	switch (lgr->state) {
	case SMC_LGR_CREATING:
		smc_lgr_end(lgr, LLC_DEL_NONE, false);
		break;
	case SMC_LGR_ACTIVE:
		lgr->priv->idle_until_us = smc_now(lgr->ss) + ms * SMC_US_PER_MS;
		wheel_arm(lgr->ss->wheel, &lgr->timer, WHEEL_SMC_LGR, lgr->priv->idle_until_us);
		break;
	case SMC_LGR_STALE:
		smc_lgr_end(lgr, LLC_DEL_PROGRAM, true);
		break;
	default:
		smc_lgr_due(lgr, SMC_DUE_CLOSE);
		break;
	}
}

void smc_lgr_timer(void *ctx, struct wheel_timer *t, uint64_t now_us)
{
	struct smc_lgr *lgr = (struct smc_lgr *)((uint8_t *)t - offsetof(struct smc_lgr, timer));

	if (lgr->n_conns == 0 && lgr->priv->holds == 0)
		smc_lgr_end(lgr, LLC_DEL_PROGRAM, true);
	smc_waits_run(ctx);
}

void smc_lgr_hold(struct smc_lgr *lgr)
{
	lgr->priv->holds++;
	not_idle(lgr);
}

void smc_lgr_unhold(struct smc_lgr *lgr)
{
	lgr->priv->holds--;
	if (lgr->state == SMC_LGR_CREATING && lgr->priv->holds == 0)
		smc_lgr_end(lgr, LLC_DEL_NONE, false);
	smc_lgr_unused(lgr);
}

void smc_lgr_join(struct smc_lgr *lgr, struct smc_link *l, struct smc_conn *c)
{
	c->lgr = lgr;
	c->link = l;
	c->lgr_next = lgr->conns;
	c->lgr_pprev = &lgr->conns;
	if (c->lgr_next != NULL)
		c->lgr_next->lgr_pprev = &c->lgr_next;
	lgr->conns = c;
	lgr->n_conns++;
	l->conns++;
	not_idle(lgr);
}

void smc_lgr_leave(struct smc_conn *c)
{
	struct smc_lgr *lgr = c->lgr;

	if (lgr == NULL)
		return;
	smc_link_unwait(c);
	*c->lgr_pprev = c->lgr_next;
	if (c->lgr_next != NULL)
		c->lgr_next->lgr_pprev = c->lgr_pprev;
	c->link->conns--;
	c->lgr = NULL;
	c->link = NULL;
	lgr->n_conns--;
	smc_lgr_unused(lgr);
}

/* ---- taken apart --------------------------------------------------------------------- */

/* Nothing of it is left at the device: free, or go on. From smc_lgrs_work(). */
void smc_lgr_reap(struct smc_lgr *lgr)
{
	struct smc_stack *ss = lgr->ss;
	struct smc_lgr_priv *p = lgr->priv;

	if (!p->closing || p->busy || !lgr->links[0]->priv->closed || p->n_bufs != 0)
		return;
	if (lgr->pd != NULL) {
		pd_submit(lgr, RD_REQ_PD_FREE);
		return;
	}
	if (lgr->n_conns != 0 || p->holds != 0)
		return;
	*lgr->pprev = lgr->next;
	if (lgr->next != NULL)
		lgr->next->pprev = lgr->pprev;
	lgr->peer->lgrs--;
	lgr->dev->lgrs--;
	ss->stats.lgrs_ended++;
	lgr_free(lgr);
}

/* ---- start and end of the part ---------------------------------------------------------- */

int smc_link_init(struct smc_stack *ss)
{
	const struct smc_config *conf = &ss->conf;
	uint32_t bufs = conf->conns_max * 2 + SMC_RKEYS_MAX;
	int rc;

	ss->ready_tail = &ss->ready_head;
	if ((rc = pool_init(&ss->lgrs, sizeof(struct lgr_obj), 64, conf->lgrs_max, conf->node)) != 0 ||
	    (rc = pool_init(&ss->links, sizeof(struct link_obj), 64, conf->lgrs_max, conf->node)) != 0 ||
	    (rc = pool_init(&ss->bufs, sizeof(struct smc_buf), 64, bufs, conf->node)) != 0)
		return rc;
	ss->scratch = malloc(SMC_MSG_MAX);
	ss->mem = smc_mem_create(conf->mem, conf->mem_len);
	if (ss->scratch == NULL || ss->mem == NULL)
		return -ENOMEM;
	wheel_register(ss->wheel, WHEEL_SMC_LGR, smc_lgr_timer, ss);
	wheel_register(ss->wheel, WHEEL_SMC_LINK, smc_link_timer, ss);
	smc_timer_register(ss);
	smc_devs_init(ss);
	return 0;
}

/* A device that does nothing any more (hung) still has our requests: then their
 * memory stays with it. */
static bool drained(struct smc_stack *ss)
{
	for (unsigned round = 0; round < 10000 && (ss->lgrs.used != 0); round++) {
		for (unsigned i = 0; i < ss->n_devs; i++)
			rd_progress(ss->devs[i].rd, 64);
		smc_lgrs_work(ss);
	}
	return ss->lgrs.used == 0;
}

void smc_link_fini(struct smc_stack *ss)
{
	for (struct smc_lgr *lgr = ss->lgr_list; lgr != NULL; lgr = lgr->next)
		smc_lgr_abandon(lgr);
	if (!drained(ss))
		return;
	smc_mem_destroy(ss->mem);
	free(ss->scratch);
	pool_fini(&ss->bufs);
	pool_fini(&ss->links);
	pool_fini(&ss->lgrs);
}
