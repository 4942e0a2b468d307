/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One link: its queue pair and receive memory, made and taken apart by requests
 * of which one is under way at a time, and its life signs (TEST LINK).
 */
#include <errno.h>
#include <string.h>

#include "proto/smc/link_impl.h"

#define HOPS_DIRECT 1            /* as Linux: such packets cross no router */
#define HOPS_ROUTED 64
#define MASK_24 0xffffffu

static void link_req_done(struct rd_req *req);

static struct smc_link *req_link(struct rd_req *req)
{
	struct smc_link_priv *p = (struct smc_link_priv *)((uint8_t *)req - offsetof(struct smc_link_priv, req));

	return p->link;
}

uint32_t smc_rc_reason(int rc)
{
	switch (rc) {
	case 0:
		return 0;
	case -ENOMEM:
	case -ENOSPC:
		return SMC_RSN_MEM;
	default:
		return SMC_RSN_NOSMCDEV;
	}
}

static void submit(struct smc_link *l, uint8_t op)
{
	struct rd_req *req = &l->priv->req;

	req->op = op;
	req->done = link_req_done;
	l->priv->busy = true;
	rd_submit(l->dev->rd, req);
}

/* ---- made ------------------------------------------------------------------- */

void smc_link_open(struct smc_link *l)
{
	struct smc_link_priv *p = l->priv;

	p->rx = smc_mem_alloc(l->lgr->ss->mem, 0);
	if (p->rx == NULL) {
		smc_lgr_made(l->lgr, SMC_RSN_MEM);
		return;
	}
	memset(&p->req, 0, sizeof(p->req));
	p->req.pd = l->lgr->pd;
	p->req.addr = p->rx;
	p->req.len = SMC_MEM_UNIT;
	p->req.access = RD_ACCESS_LOCAL_WRITE;
	submit(l, RD_REQ_MR_REG);
}

/* What is given to be sent is read there; where it cannot be registered it is copied. */
static void reg_region(struct smc_link *l)
{
	const struct smc_region *r = &l->lgr->ss->conf.regions[l->priv->n_regions];
	struct smc_link_priv *p = l->priv;

	memset(&p->req, 0, sizeof(p->req));
	p->req.pd = l->lgr->pd;
	p->req.addr = r->addr;
	p->req.len = r->len;
	submit(l, RD_REQ_MR_REG);
}

static void create_qp(struct smc_link *l)
{
	struct smc_link_priv *p = l->priv;

	memset(&p->req, 0, sizeof(p->req));
	p->req.init = (struct rd_qp_init){
		.pd = l->lgr->pd, .user = l,
		.send_wr = (uint16_t)(p->n_slots * 3 + SMC_POST_WRITES + 4), .recv_wr = p->n_rx,
		.access = RD_ACCESS_LOCAL_WRITE | RD_ACCESS_REMOTE_WRITE,
	};
	submit(l, RD_REQ_QP_CREATE);
}

/* The memory of receives first, then what the stack was configured with. */
static void registered(struct smc_link *l, struct rd_mr *mr, int rc)
{
	struct smc_link_priv *p = l->priv;

	if (p->rx_mr != NULL)
		l->lgr->regions[p->n_regions++] = rc == 0 ? mr : NULL;
	else if (rc == 0)
		p->rx_mr = mr;
	if (p->rx_mr == NULL || !smc_lgr_alive(l->lgr))
		smc_lgr_made(l->lgr, p->rx_mr != NULL ? SMC_RSN_MEM : smc_rc_reason(rc));
	else if (p->n_regions < l->lgr->ss->conf.n_regions)
		reg_region(l);
	else
		create_qp(l);
}

static void created(struct smc_link *l, struct rd_qp *qp)
{
	int rc = 0;

	l->qp = qp;
	l->state = SMC_LINK_ACTIVATING;
	for (uint32_t i = 0; i < l->priv->n_rx && rc == 0; i++)
		rc = smc_rx_post(l, 1);
	smc_lgr_made(l->lgr, smc_rc_reason(rc));
}

/* ---- connected ----------------------------------------------------------------- */

static bool gid_addr(const struct rd_gid *gid, struct net_addr *out)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	*out = net_addr_v4(0);
	memcpy(out->b, gid->b, sizeof(out->b));
	return memcmp(gid->b, mapped, sizeof(mapped)) == 0;
}

/* Is the address in a subnet of the path's interface? */
static bool on_link(struct smc_stack *ss, const struct net_path *path, const struct net_addr *dst)
{
	const struct net_if *ifp = net_if_get(ss->net, path->ifx);

	for (unsigned i = 0; ifp != NULL && i < ifp->n_addrs; i++) {
		unsigned len = ifp->addrs[i].prefix_len;
		uint32_t mask = len == 0 ? 0 : UINT32_MAX << (32 - len);

		if (((rte_be_to_cpu_32(ifp->addrs[i].addr.v4) ^ rte_be_to_cpu_32(dst->v4)) & mask) == 0)
			return true;
	}
	return false;
}

static uint32_t open_path(struct smc_link *l, struct rd_qp_attr *attr)
{
	struct smc_stack *ss = l->lgr->ss;
	struct net_addr src, dst;

	attr->hop_limit = HOPS_DIRECT;
	if (!l->dev->has_path)
		return 0;
	if (!gid_addr(&l->gid, &src) || !gid_addr(&l->peer.gid, &dst))
		return SMC_RSN_ERR_RDYLNK;
	net_path_close(ss->net, &l->path);
	if (net_path_open(ss->net, &l->path, &src, &dst) != 0)
		return SMC_RSN_NOROUTE;
	attr->path = &l->path;
	if (!on_link(ss, &l->path, &dst))
		attr->hop_limit = HOPS_ROUTED;
	return 0;
}

/* RoCE goes to the TCP peer's own address only: who speaks for an address over
 * TCP must not have us send to others. */
static bool peer_ok(struct smc_link *l, const struct smc_link_peer *peer)
{
	struct smc_stack *ss = l->lgr->ss;

	if (memcmp(peer->gid.b, l->lgr->addr.b, sizeof(peer->gid.b)) != 0) {
		ss->stats.gid_unbound++;
		return false;
	}
	return peer->qpn != 0 && peer->qpn <= MASK_24 && peer->psn <= MASK_24 && peer->mtu >= 1 && peer->mtu <= 5;
}

void smc_link_connect(struct smc_link *l, const struct smc_link_peer *peer, struct smc_wait *wait)
{
	struct smc_stack *ss = l->lgr->ss;
	struct smc_link_priv *p = l->priv;
	struct rd_qp_attr *attr = &p->req.attr;
	struct rd_info info;
	uint32_t reason;

	if (!smc_lgr_alive(l->lgr) || l->qp == NULL || p->busy || p->connecting || !peer_ok(l, peer)) {
		smc_wait_ready(ss, wait, SMC_RSN_ERR_RDYLNK);
		return;
	}
	l->peer = *peer;
	memset(&p->req, 0, sizeof(p->req));
	reason = open_path(l, attr);
	if (reason != 0) {
		smc_wait_ready(ss, wait, reason);
		return;
	}
	rd_query(l->dev->rd, &info);
	attr->local = l->gid;
	attr->remote = peer->gid;
	memcpy(attr->remote_mac, peer->mac, sizeof(attr->remote_mac));
	attr->remote_qpn = peer->qpn;
	attr->rq_psn = peer->psn;
	attr->sq_psn = l->psn;
	attr->mtu = RTE_MIN(peer->mtu, info.mtu);
	attr->timeout = ss->conf.ack_timeout;
	attr->retry = ss->conf.retry;
	attr->rnr_retry = ss->conf.rnr_retry;
	attr->min_rnr_timer = ss->conf.min_rnr_timer;
	p->connecting = true;
	p->req.qp = l->qp;
	smc_wait_set(&p->wait, wait);
	submit(l, RD_REQ_QP_RTR);
}

static void connected(struct smc_link *l, int rc)
{
	smc_wait_end(l->lgr->ss, &l->priv->wait, rc != 0 ? SMC_RSN_ERR_RDYLNK : 0);
	l->last_rx_us = smc_now(l->lgr->ss);
}

/* ---- taken apart ------------------------------------------------------------------ */

void smc_link_quiet(struct smc_link *l)
{
	struct smc_stack *ss = l->lgr->ss;

	if (l->state != SMC_LINK_UNUSED)
		l->state = SMC_LINK_INACTIVE;
	if (wheel_armed(&l->timer))
		wheel_cancel(ss->wheel, &l->timer);
	smc_timer_cancel(&l->priv->stuck);
	l->priv->testing = false;
	while (l->wait_head != NULL)
		smc_link_unwait(l->wait_head);
	smc_wait_end(ss, &l->priv->wait, SMC_RSN_ERR_RDYLNK);
}

/* One of those that are left. */
static struct rd_mr **a_region(struct smc_link *l)
{
	for (unsigned i = 0; i < l->priv->n_regions; i++)
		if (l->lgr->regions[i] != NULL)
			return &l->lgr->regions[i];
	return l->priv->rx_mr != NULL ? &l->priv->rx_mr : NULL;
}

void smc_link_close(struct smc_link *l)
{
	struct smc_link_priv *p = l->priv;
	struct rd_mr **mr;

	if (p->busy || p->closed)
		return;
	if (l->qp != NULL) {
		memset(&p->req, 0, sizeof(p->req));
		p->req.qp = l->qp;
		submit(l, RD_REQ_QP_DESTROY);
		return;
	}
	mr = a_region(l);
	if (mr != NULL) {
		memset(&p->req, 0, sizeof(p->req));
		p->req.mr = *mr;
		submit(l, RD_REQ_MR_DEREG);
		return;
	}
	if (p->rx != NULL) {
		/* The next owner of the memory may show it to its peer. */
		memset(p->rx, 0, SMC_MEM_UNIT);
		smc_mem_free(l->lgr->ss->mem, p->rx, 0);
		p->rx = NULL;
	}
	p->closed = true;
	smc_lgr_due(l->lgr, SMC_DUE_CLOSE);
}

/* A region or queue pair that cannot be ended belongs to a device that is gone. */
static void ended(struct smc_link *l, uint8_t op)
{
	if (op == RD_REQ_MR_DEREG) {
		*a_region(l) = NULL;
		return;
	}
	l->qp = NULL;
	l->state = SMC_LINK_UNUSED;
	smc_wr_drop(l);
	net_path_close(l->lgr->ss->net, &l->path);
	smc_bufs_unpark(l->lgr);
}

static void link_req_done(struct rd_req *req)
{
	struct smc_link *l = req_link(req);
	int rc = req->rc;

	l->priv->busy = false;
	switch (req->op) {
	case RD_REQ_MR_REG:
		registered(l, req->mr, rc);
		break;
	case RD_REQ_QP_CREATE:
		if (rc == 0)
			created(l, req->qp);
		else
			smc_lgr_made(l->lgr, smc_rc_reason(rc));
		break;
	case RD_REQ_QP_RTR:
		if (rc == 0 && smc_lgr_alive(l->lgr))
			submit(l, RD_REQ_QP_RTS);
		else
			connected(l, rc);
		break;
	case RD_REQ_QP_RTS:
		connected(l, rc);
		break;
	default:
		ended(l, req->op);
		break;
	}
	if (l->lgr->priv->closing)
		smc_link_close(l);
}

/* ---- TEST LINK --------------------------------------------------------------------- */

static uint64_t test_interval(const struct smc_link *l)
{
	return l->lgr->ss->conf.testlink_ms * SMC_US_PER_MS;
}

void smc_link_activate(struct smc_link *l)
{
	struct smc_stack *ss = l->lgr->ss;

	l->state = SMC_LINK_ACTIVE;
	l->last_rx_us = smc_now(ss);
	if (test_interval(l) != 0)
		wheel_arm(ss->wheel, &l->timer, WHEEL_SMC_LINK, l->last_rx_us + test_interval(l));
}

void smc_link_test(struct smc_link *l)
{
	struct smc_stack *ss = l->lgr->ss;
	struct llc_msg msg;

	if (l->state != SMC_LINK_ACTIVE || l->priv->testing)
		return;
	smc_llc_new(l, LLC_TEST_LINK, &msg);
	l->priv->testing = true;
	ss->stats.testlinks++;
	smc_llc_send(l, &msg);
	wheel_arm(ss->wheel, &l->timer, WHEEL_SMC_LINK, smc_now(ss) + ss->conf.llc_wait_ms * SMC_US_PER_MS);
}

void smc_link_tested(struct smc_link *l)
{
	struct smc_stack *ss = l->lgr->ss;

	l->priv->testing = false;
	if (test_interval(l) != 0)
		wheel_arm(ss->wheel, &l->timer, WHEEL_SMC_LINK, smc_now(ss) + test_interval(l));
	else if (wheel_armed(&l->timer))
		wheel_cancel(ss->wheel, &l->timer);
}

/* Receiving does not move the timer, which would cost every message: when it
 * fires it looks whether the link was quiet for so long. */
void smc_link_timer(void *ctx, struct wheel_timer *t, uint64_t now_us)
{
	struct smc_link *l = (struct smc_link *)((uint8_t *)t - offsetof(struct smc_link, timer));
	struct smc_stack *ss = ctx;
	uint64_t due = l->last_rx_us + test_interval(l);

	if (l->priv->testing) {
		ss->stats.llc_timeouts++;
		smc_link_down(l);
	} else if (test_interval(l) == 0) {
		return;
	} else if (due > now_us) {
		wheel_arm(ss->wheel, t, WHEEL_SMC_LINK, due);
	} else {
		smc_link_test(l);
	}
	smc_waits_run(ss);
}

/* One link a group: the group goes with it. */
void smc_link_down(struct smc_link *l)
{
	if (l->state == SMC_LINK_INACTIVE || l->state == SMC_LINK_UNUSED)
		return;
	l->state = SMC_LINK_INACTIVE;
	l->lgr->ss->stats.links_lost++;
	smc_lgr_end(l->lgr, LLC_DEL_NONE, false);
}
