/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "pmd/rdma/core.h"

#define CQ_MIN 64

int cq_reserve(struct cq *cq, uint32_t n)
{
	uint32_t want = cq->reserved + n, size = cq->ring == NULL ? 0 : cq->mask + 1;
	struct cqe *ring;

	if (cq->limit != 0 && want > cq->limit)
		return -ENOSPC;
	if (want > size) {
		uint32_t grown = size == 0 ? CQ_MIN : size;

		while (grown < want)
			grown *= 2;
		ring = malloc(grown * sizeof(*ring));
		if (ring == NULL)
			return -ENOMEM;
		for (uint32_t i = cq->head; i != cq->tail; i++)
			ring[i & (grown - 1)] = cq->ring[i & cq->mask];
		free(cq->ring);
		cq->ring = ring;
		cq->mask = grown - 1;
	}
	cq->reserved = want;
	return 0;
}

void cq_release(struct cq *cq, uint32_t n)
{
	cq->reserved -= n;
}

unsigned cq_poll(struct cq *cq, struct rd_wc *wc, unsigned n)
{
	unsigned i = 0;

	while (i < n && cq->head != cq->tail) {
		const struct cqe *e = &cq->ring[cq->head++ & cq->mask];

		if (e->wc.op == RD_OP_RECV)
			e->qp->rq_free = e->upto;
		else
			e->qp->sq_free = e->upto;
		/* Word by word, as it was written: see post.c. */
		wc[i].cookie = e->wc.cookie;
		wc[i].user = e->wc.user;
		wc[i].len = e->wc.len;
		wc[i].status = e->wc.status;
		wc[i].op = e->wc.op;
		i++;
	}
	/* Begin anew, where the ring is in the cache. */
	if (cq->head == cq->tail)
		cq->head = cq->tail = 0;
	return i;
}

void cq_purge(struct cq *cq, const struct core_qp *qp)
{
	uint32_t to = cq->head;

	for (uint32_t i = cq->head; i != cq->tail; i++) {
		const struct cqe *e = &cq->ring[i & cq->mask];

		if (e->qp != qp)
			cq->ring[to++ & cq->mask] = *e;
	}
	cq->tail = to;
}
