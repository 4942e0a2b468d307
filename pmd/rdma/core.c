/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/rdma/core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PDS_SPARE 16             /* more protection domains than queue pairs */

int core_init(struct core_dev *dev, const struct rd_ops *rd_ops, const struct core_ops *ops,
	      const struct core_config *conf)
{
	int rc;

	dev->rd.ops = rd_ops;
	dev->ops = ops;
	dev->req_tail = &dev->req_head;
	STAILQ_INIT(&dev->fatal);
	dev->up = dev->up_told = true;
	dev->cq.limit = conf->cq_limit;
	memcpy(dev->name, conf->name, strnlen(conf->name, sizeof(dev->name) - 1));
	memcpy(dev->mac, conf->mac, sizeof(dev->mac));
	if (conf->n_gids == 0 || conf->n_gids > RD_MAX_GIDS)
		return -EINVAL;
	dev->mtu = conf->mtu;
	dev->n_gids = conf->n_gids;
	memcpy(dev->gids, conf->gids, conf->n_gids * sizeof(dev->gids[0]));
	rc = mr_table_init(&dev->mrs, conf->max_mrs, conf->node, conf->random, conf->ctx);
	if (rc != 0)
		return rc;
	rc = qp_table_init(&dev->qps, conf);
	if (rc != 0)
		goto no_qps;
	rc = pool_init(&dev->pds, sizeof(struct core_pd), 16, conf->max_qps + PDS_SPARE, conf->node);
	if (rc != 0)
		goto no_pds;
	return 0;

no_pds:
	qp_table_fini(&dev->qps);
no_qps:
	mr_table_fini(&dev->mrs);
	return rc;
}

void core_fini(struct core_dev *dev)
{
	struct core_qp *qp;

	/* What is under way ends with an error; nothing more is made. */
	while (dev->req_head != NULL) {
		struct rd_req *req = dev->req_head;

		dev->req_head = req->next;
		if (dev->req_head == NULL)
			dev->req_tail = &dev->req_head;
		req->rc = -EIO;
		req->done(req);
	}
	LIST_FOREACH(qp, &dev->qps.all, all) {
		dev->ops->stop(qp);
		if (dev->ops->gone != NULL)
			dev->ops->gone(qp);
		free(qp->sq);
		free(qp->rq);
	}
	free(dev->cq.ring);
	pool_fini(&dev->pds);
	qp_table_fini(&dev->qps);
	mr_table_fini(&dev->mrs);
}

void core_query(const struct rd_dev *rd, struct rd_info *out)
{
	const struct core_dev *dev = (const struct core_dev *)rd;

	memset(out, 0, sizeof(*out));
	memcpy(out->name, dev->name, sizeof(out->name));
	out->up = dev->up && !dev->gone;
	memcpy(out->mac, dev->mac, sizeof(out->mac));
	out->mtu = dev->mtu;
	out->n_gids = dev->n_gids;
	memcpy(out->gids, dev->gids, sizeof(out->gids));
	out->max_qps = dev->qps.pool.max;
	out->max_mrs = dev->mrs.pool.max;
	out->qps = dev->qps.used;
	out->mrs = dev->mrs.used;
	out->pds = dev->pds.used;
	out->cheap_rkey = true;
}

void core_counters(const struct rd_dev *rd, struct rd_counters *out)
{
	*out = ((const struct core_dev *)rd)->counters;
}

void core_qp_query(const struct core_qp *qp, struct rd_qp_info *out)
{
	memset(out, 0, sizeof(*out));
	out->qpn = qp->rd.qpn;
	out->remote_qpn = qp->attr.remote_qpn;
	out->state = qp->rd.state;
	out->mtu = qp->attr.mtu;
	out->send_used = (uint16_t)(qp->sq_tail - qp->sq_free);
	out->recv_used = (uint16_t)(qp->rq_tail - qp->rq_free);
}

bool core_has_gid(const struct core_dev *dev, const struct rd_gid *gid)
{
	for (unsigned i = 0; i < dev->n_gids; i++)
		if (rd_gid_equal(&dev->gids[i], gid))
			return true;
	return false;
}

bool core_busy(const struct core_dev *dev)
{
	return dev->cq.head != dev->cq.tail || dev->req_head != NULL || !STAILQ_EMPTY(&dev->fatal) ||
	       dev->up != dev->up_told || dev->gids_lost != 0 || dev->gone != dev->gone_told;
}

/* ---- events ------------------------------------------------------------------- */

/* States that changed more than once before anybody asked are told once. */
static bool next_event(struct core_dev *dev, struct rd_event *ev)
{
	struct core_qp *qp = STAILQ_FIRST(&dev->fatal);

	memset(ev, 0, sizeof(*ev));
	if (dev->gone != dev->gone_told) {
		dev->gone_told = dev->gone;
		ev->type = RD_EV_DEVICE_GONE;
	} else if (dev->up != dev->up_told) {
		dev->up_told = dev->up;
		ev->type = dev->up ? RD_EV_PORT_UP : RD_EV_PORT_DOWN;
	} else if (dev->gids_lost != 0) {
		unsigned i = (unsigned)__builtin_ctz(dev->gids_lost);

		dev->gids_lost &= dev->gids_lost - 1;
		ev->type = RD_EV_GID_GONE;
		ev->gid = dev->gids[i];
	} else if (qp != NULL) {
		STAILQ_REMOVE_HEAD(&dev->fatal, link);
		qp->fatal = false;
		ev->type = RD_EV_QP_FATAL;
		ev->user = qp->rd.user;
	} else {
		return false;
	}
	return true;
}

unsigned core_event_poll(struct rd_dev *rd, struct rd_event *ev, unsigned n)
{
	unsigned i = 0;

	while (i < n && next_event((struct core_dev *)rd, &ev[i]))
		i++;
	return i;
}

void core_unplug(struct core_dev *dev)
{
	struct core_qp *qp;

	if (dev->gone)
		return;
	dev->gone = true;
	LIST_FOREACH(qp, &dev->qps.all, all)
		core_qp_fail(qp, RD_WC_SUCCESS, true);
}

void core_gid_gone(struct core_dev *dev, const struct rd_gid *gid)
{
	struct core_qp *qp;

	for (unsigned i = 0; i < dev->n_gids; i++)
		if (memcmp(&dev->gids[i], gid, sizeof(*gid)) == 0)
			dev->gids_lost |= 1U << i;
	LIST_FOREACH(qp, &dev->qps.all, all)
		if (qp->rd.state > RD_QP_INIT && memcmp(&qp->attr.local, gid, sizeof(*gid)) == 0)
			core_qp_fail(qp, RD_WC_SUCCESS, true);
}
