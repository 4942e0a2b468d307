/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "pmd/rdma/core.h"

#define QP_GEN_BITS_MIN 3

int qp_table_init(struct qp_table *t, const struct core_config *conf)
{
	memset(t, 0, sizeof(*t));
	STAILQ_INIT(&t->freed);
	LIST_INIT(&t->all);
	if (conf->max_qps == 0 || conf->max_qps >= 1U << (conf->qpn_bits - QP_GEN_BITS_MIN))
		return -EINVAL;
	t->bits = (uint8_t)(32 - __builtin_clz(conf->max_qps));
	t->mask = (1U << t->bits) - 1;
	t->base = conf->qpn_base;
	t->gen_mask = (1U << (conf->qpn_bits - t->bits)) - 1;
	/* Generation 0 would make the reserved numbers 0 and 1 on the first lcore. */
	t->gen_first = conf->qpn_random ? 1 : 0;
	return pool_init(&t->pool, conf->qp_size, 64, conf->max_qps, conf->node);
}

void qp_table_fini(struct qp_table *t)
{
	pool_fini(&t->pool);
}

static uint32_t next_gen(const struct qp_table *t, uint32_t gen)
{
	gen = (gen + 1) & t->gen_mask;
	return gen < t->gen_first ? t->gen_first : gen;
}

static struct core_qp *take_fresh(struct core_dev *dev)
{
	struct qp_table *t = &dev->qps;
	struct core_qp *qp = pool_get(&t->pool);
	uint32_t gen = 0;

	if (qp == NULL)
		return NULL;
	if (t->gen_first != 0)
		dev->mrs.random(dev->mrs.ctx, &gen, sizeof(gen));
	else
		gen = t->gen_mask;   /* the first number is the base */
	qp->gen = gen & t->gen_mask;
	return qp;
}

static struct core_qp *take_freed(struct qp_table *t)
{
	struct core_qp *qp = STAILQ_FIRST(&t->freed);

	if (qp != NULL)
		STAILQ_REMOVE_HEAD(&t->freed, link);
	return qp;
}

struct core_qp *qp_table_get(struct core_dev *dev)
{
	struct qp_table *t = &dev->qps;
	struct core_qp *qp = STAILQ_FIRST(&t->freed);
	uint32_t gen;

	if (qp != NULL && dev->now_us - qp->freed_us >= QP_QUARANTINE_US)
		qp = take_freed(t);
	else if ((qp = take_fresh(dev)) == NULL)
		qp = take_freed(t);
	if (qp == NULL)
		return NULL;
	gen = next_gen(t, qp->gen);
	memset(qp, 0, t->pool.size);
	qp->gen = gen;
	qp->rd.dev = &dev->rd;
	qp->rd.qpn = t->base + (gen << t->bits | pool_index(&t->pool, qp));
	LIST_INSERT_HEAD(&t->all, qp, all);
	t->used++;
	return qp;
}

void qp_table_put(struct core_dev *dev, struct core_qp *qp)
{
	LIST_REMOVE(qp, all);
	qp->rd.qpn = 0;
	qp->freed_us = dev->now_us;
	STAILQ_INSERT_TAIL(&dev->qps.freed, qp, link);
	dev->qps.used--;
}
