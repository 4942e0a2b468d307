/* SPDX-License-Identifier: BSD-3-Clause */
/* Posting, completing, flushing: the two rings of a queue pair. */
#include <errno.h>
#include <string.h>

#include <rte_atomic.h>

#include "pmd/rdma/core.h"

static uint64_t sge_total(const struct rd_sge *sge, unsigned n)
{
	uint64_t total = 0;

	if (likely(n == 1))
		return sge[0].len;
	for (unsigned i = 0; i < n; i++)
		total += sge[i].len;
	return total;
}

/*
 * What the caller has just written field by field is copied field by field, and an inline message
 * word by word: a load that is wider than the stores before it has to wait until all of them, and
 * all older ones, are in the cache.
 */
static inline void copy_sges(struct rd_sge *to, const struct rd_sge *from, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		to[i].addr = from[i].addr;
		to[i].len = from[i].len;
		to[i].lkey = from[i].lkey;
	}
}

static inline void copy_inline(uint8_t *to, const uint8_t *from, uint32_t len)
{
	for (; len >= 8; len -= 8, to += 8, from += 8) {
		uint64_t word;

		memcpy(&word, from, 8);
		rte_compiler_barrier(); /* or it is made one memcpy() */
		memcpy(to, &word, 8);
	}
	if (len >= 4) {
		uint32_t word;

		memcpy(&word, from, 4);
		memcpy(to, &word, 4);
		len -= 4, to += 4, from += 4;
	}
	while (len-- != 0)
		*to++ = *from++;
}

static bool send_ok(const struct core_qp *qp, const struct rd_wr *wr)
{
	if ((wr->op != RD_OP_SEND && wr->op != RD_OP_WRITE) || wr->n_sge > RD_MAX_SGE)
		return false;
	if (wr->flags & RD_F_INLINE)
		return wr->n_sge <= 1 && (wr->n_sge == 0 || wr->sge[0].len <= RD_INLINE_MAX);
	return core_sges_ok(qp, wr->sge, wr->n_sge, 0) && sge_total(wr->sge, wr->n_sge) <= CORE_LEN_MAX;
}

static void wqe_fill(struct wqe *e, const struct rd_wr *wr, uint32_t mrs_ended)
{
	e->mrs_ended = mrs_ended;
	e->cookie = wr->cookie;
	e->raddr = wr->raddr;
	e->rkey = wr->rkey;
	e->op = wr->op;
	e->flags = wr->flags;
	e->n_sge = wr->n_sge;
	e->len = (uint32_t)sge_total(wr->sge, wr->n_sge);
	if (!(wr->flags & RD_F_INLINE))
		copy_sges(e->sge, wr->sge, wr->n_sge);
	else
		copy_inline(e->inl, wr->sge[0].addr, e->len);
}

static void flush_send(struct core_qp *qp)
{
	while (qp->sq_done != qp->sq_tail)
		core_send_done(qp, RD_WC_WR_FLUSH_ERR);
}

static void flush_recv(struct core_qp *qp)
{
	while (qp->rq_done != qp->rq_tail)
		core_recv_done(qp, RD_WC_WR_FLUSH_ERR, 0);
}

unsigned core_send_room(const struct rd_qp *rd)
{
	const struct core_qp *qp = (const struct core_qp *)rd;

	return qp->send_wr - (qp->sq_tail - qp->sq_free);
}

int core_post_send(struct rd_qp *rd, const struct rd_wr *wr, unsigned n)
{
	struct core_qp *qp = (struct core_qp *)rd;

	if (core_dev_of(qp)->gone)
		return -EIO;
	if (rd->state != RD_QP_RTS && rd->state != RD_QP_ERR)
		return -EINVAL;
	if (n > core_send_room(rd))
		return -EAGAIN;
	for (unsigned i = 0; i < n; i++)
		if (!send_ok(qp, &wr[i]))
			return -EINVAL;
	if (core_dev_of(qp)->ops->rewinds && qp->sq_free == qp->sq_tail)
		qp->sq_tail = qp->sq_done = qp->sq_free = 0;
	for (unsigned i = 0; i < n; i++)
		wqe_fill(core_wqe(qp, qp->sq_tail++), &wr[i], core_dev_of(qp)->mrs.ended);
	if (rd->state == RD_QP_ERR)
		flush_send(qp);
	else if (n != 0)
		core_dev_of(qp)->ops->posted(qp, n);
	return 0;
}

int core_post_recv(struct rd_qp *rd, const struct rd_recv *recv, unsigned n)
{
	struct core_qp *qp = (struct core_qp *)rd;
	struct core_dev *dev = core_dev_of(qp);

	if (dev->gone)
		return -EIO;
	if (n > qp->recv_wr - (qp->rq_tail - qp->rq_free))
		return -EAGAIN;
	for (unsigned i = 0; i < n; i++)
		if (recv[i].n_sge > RD_MAX_RECV_SGE ||
		    !core_sges_ok(qp, recv[i].sge, recv[i].n_sge, RD_ACCESS_LOCAL_WRITE) ||
		    sge_total(recv[i].sge, recv[i].n_sge) > CORE_LEN_MAX)
			return -EINVAL;
	for (unsigned i = 0; i < n; i++) {
		struct rqe *e = core_rqe(qp, qp->rq_tail++);

		e->cookie = recv[i].cookie;
		e->n_sge = recv[i].n_sge;
		e->mrs_ended = dev->mrs.ended;
		e->len = (uint32_t)sge_total(recv[i].sge, recv[i].n_sge);
		copy_sges(e->sge, recv[i].sge, recv[i].n_sge);
	}
	if (rd->state == RD_QP_ERR)
		flush_recv(qp);
	else if (n != 0 && dev->ops->filled != NULL)
		dev->ops->filled(qp);
	return 0;
}

void core_send_done(struct core_qp *qp, enum rd_status status)
{
	const struct wqe *e = core_wqe(qp, qp->sq_done++);
	struct rd_wc wc;

	if (status == RD_WC_SUCCESS && !(e->flags & RD_F_SIGNAL))
		return;
	wc = (struct rd_wc){ .cookie = e->cookie, .user = qp->rd.user, .status = (uint8_t)status, .op = e->op };
	cq_push(&core_dev_of(qp)->cq, qp, &wc, qp->sq_done);
}

void core_recv_done(struct core_qp *qp, enum rd_status status, uint32_t len)
{
	const struct rqe *e = core_rqe(qp, qp->rq_done++);
	struct rd_wc wc = { .cookie = e->cookie, .user = qp->rd.user, .len = len, .status = (uint8_t)status,
			    .op = RD_OP_RECV };

	cq_push(&core_dev_of(qp)->cq, qp, &wc, qp->rq_done);
}

void core_qp_fail(struct core_qp *qp, enum rd_status status, bool tell)
{
	struct core_dev *dev = core_dev_of(qp);

	if (qp->rd.state == RD_QP_ERR)
		return;
	qp->rd.state = RD_QP_ERR;
	dev->ops->stop(qp);
	if (status != RD_WC_SUCCESS && qp->sq_done != qp->sq_tail)
		core_send_done(qp, status);
	flush_send(qp);
	flush_recv(qp);
	if (tell) {
		qp->fatal = true;
		STAILQ_INSERT_TAIL(&dev->fatal, qp, link);
	}
}
