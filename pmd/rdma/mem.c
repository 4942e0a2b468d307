/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/rdma/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_random.h>

#include "pmd/rdma/core.h"

#define MEM_QPN_BITS 20
#define REQ_KINDS (RD_REQ_QP_DESTROY + 1)

struct mem_qp {
	struct core_qp c;
	TAILQ_ENTRY(mem_qp) waiting;
	bool listed;
	struct mem_dev *peer;    /* device of the other end, NULL: none; as of */
	uint32_t peer_devs;      /* mem_fabric.n_changes */
};

struct mem_dev {
	struct core_dev c;
	struct mem_fabric *fabric;
	LIST_ENTRY(mem_dev) next;
	bool stalled;
	struct { unsigned in; int rc; } faults[REQ_KINDS];
};

struct mem_fabric {
	LIST_HEAD(, mem_dev) devs;
	TAILQ_HEAD(, mem_qp) waiting; /* with work requests not yet moved */
	bool changed;            /* since the last look at them */
	uint32_t n_changes;      /* of devs; never 0 */
};

int mem_fabric_create(struct mem_fabric **out)
{
	struct mem_fabric *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -ENOMEM;
	LIST_INIT(&f->devs);
	TAILQ_INIT(&f->waiting);
	f->n_changes = 1;
	*out = f;
	return 0;
}

void mem_fabric_destroy(struct mem_fabric *f)
{
	free(f);
}

static inline struct mem_dev *dev_of(const struct core_qp *qp)
{
	return (struct mem_dev *)qp->rd.dev;
}

static void wait_in_line(struct mem_qp *qp)
{
	if (qp->listed)
		return;
	qp->listed = true;
	TAILQ_INSERT_TAIL(&dev_of(&qp->c)->fabric->waiting, qp, waiting);
}

static void leave_line(struct mem_qp *qp)
{
	if (!qp->listed)
		return;
	qp->listed = false;
	TAILQ_REMOVE(&dev_of(&qp->c)->fabric->waiting, qp, waiting);
}

/* ---- moving ------------------------------------------------------------------- */

enum verdict { MOVED, WAIT, FAILED };

static struct mem_dev *peer_dev(struct mem_qp *qp)
{
	struct mem_fabric *f = dev_of(&qp->c)->fabric;
	struct mem_dev *dev;

	if (likely(qp->peer_devs == f->n_changes))
		return qp->peer;
	LIST_FOREACH(dev, &f->devs, next)
		if (core_has_gid(&dev->c, &qp->c.attr.remote))
			break;
	qp->peer = dev;
	qp->peer_devs = f->n_changes;
	return dev;
}

static void devs_changed(struct mem_fabric *f)
{
	if (++f->n_changes == 0)
		f->n_changes = 1;
}

/* The other end: NULL with WAIT while it may still come, else with FAILED. */
static struct core_qp *find_peer(struct core_qp *qp, enum verdict *v)
{
	struct mem_dev *dev = peer_dev((struct mem_qp *)qp);
	struct core_qp *peer;

	*v = FAILED;
	if (dev == NULL || dev->c.gone)
		return NULL;
	peer = qp_table_find(&dev->c.qps, qp->attr.remote_qpn);
	if (peer == NULL || peer->rd.state == RD_QP_ERR)
		return NULL;
	if (peer->rd.state == RD_QP_INIT || dev->stalled || !dev->c.up) {
		*v = WAIT;
		return NULL;
	}
	/* One that is connected elsewhere does not answer. */
	if (peer->attr.remote_qpn != qp->rd.qpn ||
	    !rd_gid_equal(&peer->attr.remote, &qp->attr.local))
		return NULL;
	*v = MOVED;
	return peer;
}

static void gather_pieces(const struct wqe *e, uint32_t offset, uint8_t *to, uint32_t len)
{
	for (unsigned i = 0; i < e->n_sge && len != 0; i++) {
		uint32_t n;

		if (offset >= e->sge[i].len) {
			offset -= e->sge[i].len;
			continue;
		}
		n = RTE_MIN(len, e->sge[i].len - offset);
		memcpy(to, (const uint8_t *)e->sge[i].addr + offset, n);
		to += n;
		len -= n;
		offset = 0;
	}
}

/* Octets of the message from offset on, into to. */
static inline void gather(const struct wqe *e, uint32_t offset, uint8_t *to, uint32_t len)
{
	if (e->flags & RD_F_INLINE)
		memcpy(to, e->inl + offset, len);
	else if (likely(e->n_sge == 1))
		memcpy(to, (const uint8_t *)e->sge[0].addr + offset, len);
	else
		gather_pieces(e, offset, to, len);
}

static enum rd_status move_write(const struct core_qp *qp, struct core_qp *peer, const struct wqe *e)
{
	struct core_dev *pdev = core_dev_of(peer);
	enum mr_reason why = MR_OK;
	uint8_t *to;

	if (!(peer->access & RD_ACCESS_REMOTE_WRITE)) {
		pdev->counters.invalid_request++;
		return RD_WC_REM_INV_REQ_ERR;
	}
	if (e->len == 0)
		return RD_WC_SUCCESS;
	to = mr_remote(&pdev->mrs, &peer->pd->rd, e->rkey, e->raddr, e->len, RD_ACCESS_REMOTE_WRITE, &why);
	if (to == NULL) {
		if (why == MR_BAD_KEY)
			pdev->counters.rkey_err++;
		else
			pdev->counters.access_err++;
		return RD_WC_REM_ACCESS_ERR;
	}
	gather(e, 0, to, e->len);
	core_dev_of(qp)->counters.rdma_writes++;
	return RD_WC_SUCCESS;
}

/* A receive is posted. Its own end when it does not fit goes to *mine. */
static enum rd_status move_send(const struct core_qp *qp, struct core_qp *peer, const struct wqe *e,
				enum rd_status *mine)
{
	const struct rqe *r = core_rqe(peer, peer->rq_done);
	uint32_t done = 0;

	if (e->len > r->len) {
		*mine = RD_WC_LOC_LEN_ERR;
		return RD_WC_REM_INV_REQ_ERR;
	}
	if (!core_sink_ok(peer, r)) {
		*mine = RD_WC_LOC_PROT_ERR;
		return RD_WC_REM_OP_ERR;
	}
	for (unsigned i = 0; i < r->n_sge && done < e->len; i++) {
		uint32_t n = RTE_MIN(r->sge[i].len, e->len - done);

		gather(e, done, r->sge[i].addr, n);
		done += n;
	}
	core_dev_of(qp)->counters.rdma_sends++;
	core_dev_of(peer)->counters.rdma_recvs++;
	return RD_WC_SUCCESS;
}

static enum verdict fail_both(struct core_qp *qp, struct core_qp *peer, enum rd_status status,
			      enum rd_status mine)
{
	if (mine != RD_WC_SUCCESS)
		core_recv_done(peer, mine, 0);
	core_qp_fail(peer, RD_WC_SUCCESS, true);
	core_qp_fail(qp, status, true);
	return FAILED;
}

static enum verdict move_one(struct core_qp *qp, struct core_qp *peer)
{
	const struct wqe *e = core_wqe(qp, qp->sq_done);
	struct core_dev *dev = core_dev_of(qp), *pdev = core_dev_of(peer);
	enum rd_status status, mine = RD_WC_SUCCESS;

	if (!core_source_ok(qp, e)) {
		core_qp_fail(qp, RD_WC_LOC_PROT_ERR, true);
		return FAILED;
	}
	if (e->op == RD_OP_SEND) {
		if (peer->rq_done == peer->rq_tail)
			return WAIT;
		status = move_send(qp, peer, e, &mine);
	} else {
		status = move_write(qp, peer, e);
	}
	if (status != RD_WC_SUCCESS)
		return fail_both(qp, peer, status, mine);
	dev->counters.sent_bytes += e->len;
	pdev->counters.rcvd_bytes += e->len;
	if (e->op == RD_OP_SEND)
		core_recv_done(peer, RD_WC_SUCCESS, e->len);
	core_send_done(qp, RD_WC_SUCCESS);
	return MOVED;
}

static void move(struct mem_qp *mqp)
{
	struct core_qp *qp = &mqp->c, *peer;
	enum verdict v;

	if (dev_of(qp)->stalled || !dev_of(qp)->c.up)
		return;
	peer = find_peer(qp, &v);
	if (peer == NULL) {
		if (v == FAILED)
			core_qp_fail(qp, RD_WC_RETRY_EXC_ERR, true);
		return;
	}
	while (v == MOVED && qp->sq_done != qp->sq_tail)
		v = move_one(qp, peer);
	if (v == MOVED)
		leave_line(mqp);
}

/* What is left waits for something that only a later call brings. */
static void move_all(struct mem_fabric *f)
{
	struct mem_qp *qp, *next;

	if (!f->changed)
		return;
	f->changed = false;
	for (qp = TAILQ_FIRST(&f->waiting); qp != NULL; qp = next) {
		next = TAILQ_NEXT(qp, waiting);
		move(qp);
		/* The other end failed with it and left: begin again. */
		if (next != NULL && !next->listed)
			next = TAILQ_FIRST(&f->waiting);
	}
}

/* ---- what the core asks ---------------------------------------------------------- */

static int admit(struct core_dev *c, uint8_t op)
{
	struct mem_dev *dev = (struct mem_dev *)c;

	if (dev->faults[op].in == 0 || --dev->faults[op].in != 0)
		return 0;
	return dev->faults[op].rc;
}

static int enter(struct core_qp *qp)
{
	dev_of(qp)->fabric->changed = true;
	return 0;
}

static void stop(struct core_qp *qp)
{
	leave_line((struct mem_qp *)qp);
	/* Whoever sends to it finds it gone. */
	dev_of(qp)->fabric->changed = true;
}

static void posted(struct core_qp *qp, unsigned n)
{
	wait_in_line((struct mem_qp *)qp);
	dev_of(qp)->fabric->changed = true;
}

static void filled(struct core_qp *qp)
{
	dev_of(qp)->fabric->changed = true;
}

static const struct core_ops core_ops = {
	.admit = admit, .rtr = enter, .rts = enter, .stop = stop, .posted = posted, .filled = filled,
	.rewinds = true,
};

/* ---- provider ---------------------------------------------------------------------- */

static unsigned mem_progress(struct rd_dev *rd, unsigned budget)
{
	struct mem_dev *dev = (struct mem_dev *)rd;
	unsigned n = 0;

	if (!dev->stalled)
		n = core_progress(&dev->c, budget);
	move_all(dev->fabric);
	return n;
}

static unsigned mem_poll(struct rd_dev *rd, struct rd_wc *wc, unsigned n)
{
	struct mem_dev *dev = (struct mem_dev *)rd;

	move_all(dev->fabric);
	return dev->stalled ? 0 : cq_poll(&dev->c.cq, wc, n);
}

static void mem_query(const struct rd_dev *rd, struct rd_info *out)
{
	core_query(rd, out);
	strcpy(out->provider, "mem");
}

static void mem_qp_query(const struct rd_qp *qp, struct rd_qp_info *out)
{
	core_qp_query((const struct core_qp *)qp, out);
}

static bool mem_busy(const struct rd_dev *rd)
{
	const struct mem_dev *dev = (const struct mem_dev *)rd;

	return !dev->stalled &&
	       (core_busy(&dev->c) || (dev->fabric->changed && !TAILQ_EMPTY(&dev->fabric->waiting)));
}

static void mem_close(struct rd_dev *rd)
{
	struct mem_dev *dev = (struct mem_dev *)rd;

	LIST_REMOVE(dev, next);
	devs_changed(dev->fabric);
	core_fini(&dev->c);
	free(dev);
}

static const struct rd_ops rd_ops = {
	.submit = core_submit, .progress = mem_progress, .post_send = core_post_send,
	.send_room = core_send_room, .post_recv = core_post_recv, .poll = mem_poll,
	.event_poll = core_event_poll, .query = mem_query, .counters = core_counters,
	.qp_query = mem_qp_query, .busy = mem_busy, .close = mem_close,
};

/* A double for hardware: nobody guesses keys here. */
static void mem_random(void *ctx, void *buf, size_t len)
{
	uint64_t r = rte_rand();

	memcpy(buf, &r, RTE_MIN(len, sizeof(r)));
}

int mem_create(struct rd_dev **out, struct mem_fabric *f, const struct mem_config *conf)
{
	const struct core_config core = {
		.name = conf->name, .mac = conf->mac, .mtu = conf->mtu, .n_gids = conf->n_gids, .gids = conf->gids,
		.max_qps = conf->max_qps, .max_mrs = conf->max_mrs, .qp_size = sizeof(struct mem_qp),
		/* Indices begin at 1. */
		.qpn_base = conf->qpn_base - 1, .qpn_bits = MEM_QPN_BITS, .node = -1, .random = mem_random,
	};
	struct mem_dev *dev;
	int rc;

	if (conf->qpn_base == 0 || conf->qpn_base > 0xffffff - (1U << MEM_QPN_BITS) ||
	    rd_mtu_octets(conf->mtu) == 0)
		return -EINVAL;
	dev = calloc(1, sizeof(*dev));
	if (dev == NULL)
		return -ENOMEM;
	rc = core_init(&dev->c, &rd_ops, &core_ops, &core);
	if (rc != 0) {
		free(dev);
		return rc;
	}
	dev->fabric = f;
	LIST_INSERT_HEAD(&f->devs, dev, next);
	devs_changed(f);
	*out = &dev->c.rd;
	return 0;
}

/* ---- faults ----------------------------------------------------------------------------- */

void mem_fail_request(struct rd_dev *rd, enum rd_req_op op, unsigned n, int rc)
{
	struct mem_dev *dev = (struct mem_dev *)rd;

	dev->faults[op].in = n;
	dev->faults[op].rc = rc;
}

void mem_stall(struct rd_dev *rd, bool on)
{
	struct mem_dev *dev = (struct mem_dev *)rd;

	dev->stalled = on;
	dev->fabric->changed = true;
}

void mem_unplug(struct rd_dev *rd)
{
	struct mem_dev *dev = (struct mem_dev *)rd;

	core_unplug(&dev->c);
	dev->fabric->changed = true;
}

void mem_port(struct rd_dev *rd, bool up)
{
	struct mem_dev *dev = (struct mem_dev *)rd;

	dev->c.up = up;
	dev->fabric->changed = true;
}
