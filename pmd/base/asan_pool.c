/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/base/asan_pool.h"

#if BASE_ASAN

#include <errno.h>
#include <stdbool.h>

#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_spinlock.h>

struct fifo {
	rte_spinlock_t lock;
	bool armed;
	unsigned size, count, head;
	void *obj[];
};

/* The room that belongs to the mbuf itself, whatever it is attached to. */
static void *data_room(struct rte_mempool *mp, struct rte_mbuf *m)
{
	if (rte_pktmbuf_priv_flags(mp) & RTE_PKTMBUF_POOL_F_PINNED_EXT_BUF)
		return m->buf_addr;
	return (uint8_t *)m + sizeof(*m) + rte_pktmbuf_priv_size(mp);
}

/* In the heap of DPDK and not of libc: a pool kept until the program ends is
 * no leak, but LeakSanitizer would not see the pointer to it. */
static int fifo_alloc(struct rte_mempool *mp)
{
	struct fifo *f = rte_zmalloc("asan_pool", sizeof(*f) + mp->size * sizeof(f->obj[0]), 0);

	if (f == NULL)
		return -ENOMEM;
	rte_spinlock_init(&f->lock);
	f->size = mp->size;
	mp->pool_data = f;
	return 0;
}

static void fifo_free(struct rte_mempool *mp)
{
	rte_free(mp->pool_data);
}

static int fifo_enqueue(struct rte_mempool *mp, void *const *objs, unsigned n)
{
	struct fifo *f = mp->pool_data;
	int rc = -ENOBUFS;

	rte_spinlock_lock(&f->lock);
	if (n <= f->size - f->count) {
		for (unsigned i = 0; i < n; i++) {
			if (f->armed)
				base_poison(data_room(mp, objs[i]), rte_pktmbuf_data_room_size(mp));
			f->obj[(f->head + f->count++) % f->size] = objs[i];
		}
		rc = 0;
	}
	rte_spinlock_unlock(&f->lock);
	return rc;
}

static int fifo_dequeue(struct rte_mempool *mp, void **objs, unsigned n)
{
	struct fifo *f = mp->pool_data;
	int rc = -ENOBUFS;

	rte_spinlock_lock(&f->lock);
	if (n <= f->count) {
		for (unsigned i = 0; i < n; i++) {
			objs[i] = f->obj[f->head];
			f->head = (f->head + 1) % f->size;
			f->count--;
			if (f->armed)
				base_unpoison(data_room(mp, objs[i]), rte_pktmbuf_data_room_size(mp));
		}
		rc = 0;
	}
	rte_spinlock_unlock(&f->lock);
	return rc;
}

static unsigned fifo_count(const struct rte_mempool *mp)
{
	const struct fifo *f = mp->pool_data;

	return f->count;
}

static const struct rte_mempool_ops asan_ops = {
	.name = ASAN_POOL_OPS,
	.alloc = fifo_alloc,
	.free = fifo_free,
	.enqueue = fifo_enqueue,
	.dequeue = fifo_dequeue,
	.get_count = fifo_count,
};
RTE_MEMPOOL_REGISTER_OPS(asan_ops);

void asan_pool_arm(struct rte_mempool *mp)
{
	struct fifo *f = mp->pool_data;

	/* Not before: while a pool is populated its mbufs have no address yet. */
	f->armed = true;
	for (unsigned i = 0; i < f->count; i++)
		base_poison(data_room(mp, f->obj[(f->head + i) % f->size]), rte_pktmbuf_data_room_size(mp));
}

#endif
