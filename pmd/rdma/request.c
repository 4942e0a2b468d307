/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests: queued by rd_submit(), carried out by rd_progress(). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "pmd/rdma/core.h"

#define DEPTH_MAX 16384          /* of a ring, rounded up it fits 16 bits */
#define RQ_MIN 1

void core_submit(struct rd_dev *rd, struct rd_req *req)
{
	struct core_dev *dev = (struct core_dev *)rd;

	req->next = NULL;
	*dev->req_tail = req;
	dev->req_tail = &req->next;
}

static int pd_alloc(struct core_dev *dev, struct rd_req *req)
{
	struct core_pd *pd = pool_get(&dev->pds);

	if (pd == NULL)
		return -ENOSPC;
	*pd = (struct core_pd){ .rd.dev = &dev->rd };
	req->pd = &pd->rd;
	return 0;
}

static int pd_free(struct core_dev *dev, struct rd_req *req)
{
	struct core_pd *pd = (struct core_pd *)req->pd;

	if (pd->users != 0)
		return -EBUSY;
	pool_put(&dev->pds, pd);
	return 0;
}

static int reg(struct core_dev *dev, struct rd_req *req)
{
	const uint8_t known = RD_ACCESS_LOCAL_WRITE | RD_ACCESS_REMOTE_WRITE | RD_ACCESS_REMOTE_READ;
	int rc;

	/* Whom a peer may write through must be writable at all (InfiniBand 10.6.3.1). */
	if ((req->access & ~known) != 0 ||
	    ((req->access & RD_ACCESS_REMOTE_WRITE) && !(req->access & RD_ACCESS_LOCAL_WRITE)))
		return -EINVAL;
	rc = mr_reg(&dev->mrs, req->pd, req->addr, req->len, req->access, &req->mr);
	if (rc == 0)
		((struct core_pd *)req->pd)->users++;
	return rc;
}

static int dereg(struct core_dev *dev, struct rd_req *req)
{
	((struct core_pd *)req->mr->pd)->users--;
	mr_dereg(&dev->mrs, req->mr);
	return 0;
}

static int rings_alloc(struct core_qp *qp, const struct rd_qp_init *init)
{
	uint32_t sq = rte_align32pow2(RTE_MAX(init->send_wr, RQ_MIN));
	uint32_t rq = rte_align32pow2(RTE_MAX(init->recv_wr, RQ_MIN));

	qp->sq = calloc(sq, sizeof(*qp->sq));
	qp->rq = calloc(rq, sizeof(*qp->rq));
	if (qp->sq == NULL || qp->rq == NULL)
		return -ENOMEM;
	qp->sq_mask = sq - 1;
	qp->rq_mask = rq - 1;
	return 0;
}

static void rings_free(struct core_qp *qp)
{
	free(qp->sq);
	free(qp->rq);
	qp->sq = NULL;
	qp->rq = NULL;
}

static int qp_create(struct core_dev *dev, struct rd_req *req)
{
	const struct rd_qp_init *init = &req->init;
	struct core_qp *qp;
	int rc;

	if (init->send_wr > DEPTH_MAX || init->recv_wr > DEPTH_MAX || init->pd == NULL)
		return -EINVAL;
	rc = cq_reserve(&dev->cq, init->send_wr + init->recv_wr);
	if (rc != 0)
		return rc;
	rc = -ENOSPC;
	qp = qp_table_get(dev);
	if (qp == NULL)
		goto no_qp;
	rc = rings_alloc(qp, init);
	if (rc != 0)
		goto no_rings;
	qp->rd.user = init->user;
	qp->rd.state = RD_QP_INIT;
	qp->pd = (struct core_pd *)init->pd;
	qp->pd->users++;
	qp->send_wr = init->send_wr;
	qp->recv_wr = init->recv_wr;
	qp->access = init->access;
	req->qp = &qp->rd;
	return 0;

no_rings:
	rings_free(qp);
	qp_table_put(dev, qp);
no_qp:
	cq_release(&dev->cq, init->send_wr + init->recv_wr);
	return rc;
}

static bool attr_ok(const struct core_dev *dev, const struct rd_qp_attr *a)
{
	return rd_mtu_octets(a->mtu) != 0 && a->mtu <= dev->mtu && a->remote_qpn <= 0xffffff &&
	       a->rq_psn <= 0xffffff && a->sq_psn <= 0xffffff && a->timeout < 32 && a->retry <= 7 &&
	       a->rnr_retry <= 7 && a->min_rnr_timer < 32 && core_has_gid(dev, &a->local);
}

static int qp_rtr(struct core_dev *dev, struct rd_req *req)
{
	struct core_qp *qp = (struct core_qp *)req->qp;
	int rc;

	if (qp->rd.state != RD_QP_INIT || !attr_ok(dev, &req->attr))
		return -EINVAL;
	qp->attr = req->attr;
	rc = dev->ops->rtr(qp);
	if (rc == 0)
		qp->rd.state = RD_QP_RTR;
	return rc;
}

static int qp_rts(struct core_dev *dev, struct rd_req *req)
{
	struct core_qp *qp = (struct core_qp *)req->qp;
	int rc;

	if (qp->rd.state != RD_QP_RTR || !attr_ok(dev, &req->attr))
		return -EINVAL;
	/* The rest was settled in RTR. */
	qp->attr.sq_psn = req->attr.sq_psn;
	qp->attr.timeout = req->attr.timeout;
	qp->attr.retry = req->attr.retry;
	qp->attr.rnr_retry = req->attr.rnr_retry;
	rc = dev->ops->rts(qp);
	if (rc == 0)
		qp->rd.state = RD_QP_RTS;
	return rc;
}

static int qp_err(struct core_dev *dev, struct rd_req *req)
{
	core_qp_fail((struct core_qp *)req->qp, RD_WC_SUCCESS, false);
	return 0;
}

static int qp_destroy(struct core_dev *dev, struct rd_req *req)
{
	struct core_qp *qp = (struct core_qp *)req->qp;

	dev->ops->stop(qp);
	if (dev->ops->gone != NULL)
		dev->ops->gone(qp);
	cq_purge(&dev->cq, qp);
	cq_release(&dev->cq, (uint32_t)qp->send_wr + qp->recv_wr);
	if (qp->fatal)
		STAILQ_REMOVE(&dev->fatal, qp, core_qp, link);
	qp->pd->users--;
	rings_free(qp);
	qp_table_put(dev, qp);
	return 0;
}

static int (*const handlers[])(struct core_dev *dev, struct rd_req *req) = {
	[RD_REQ_PD_ALLOC] = pd_alloc, [RD_REQ_PD_FREE] = pd_free,
	[RD_REQ_MR_REG] = reg, [RD_REQ_MR_DEREG] = dereg,
	[RD_REQ_QP_CREATE] = qp_create, [RD_REQ_QP_RTR] = qp_rtr, [RD_REQ_QP_RTS] = qp_rts,
	[RD_REQ_QP_ERR] = qp_err, [RD_REQ_QP_DESTROY] = qp_destroy,
};

/* What takes things down works on a device that is gone. */
static bool makes_something(uint8_t op)
{
	return op == RD_REQ_PD_ALLOC || op == RD_REQ_MR_REG || op == RD_REQ_QP_CREATE || op == RD_REQ_QP_RTR ||
	       op == RD_REQ_QP_RTS;
}

static int carry_out(struct core_dev *dev, struct rd_req *req)
{
	int rc = 0;

	if (req->op >= RTE_DIM(handlers))
		return -EINVAL;
	if (dev->gone && makes_something(req->op))
		return -EIO;
	if (dev->ops->admit != NULL)
		rc = dev->ops->admit(dev, req->op);
	return rc != 0 ? rc : handlers[req->op](dev, req);
}

unsigned core_progress(struct core_dev *dev, unsigned budget)
{
	unsigned n = 0;

	while (n < budget && dev->req_head != NULL) {
		struct rd_req *req = dev->req_head;

		dev->req_head = req->next;
		if (dev->req_head == NULL)
			dev->req_tail = &dev->req_head;
		req->rc = carry_out(dev, req);
		n++;
		req->done(req);
	}
	return n;
}
