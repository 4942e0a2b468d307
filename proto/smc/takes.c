/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive memory that the user holds as buffers. The peer gets it back in the
 * order of the ring, whatever the order of freeing.
 */
#include <stdlib.h>

#include <rte_eal.h>

#include "proto/smc/takes.h"

#define TAKES_PER_CONN 4
#define TAKES_MIN 1024

struct smc_takes *smc_takes_new(uint32_t conns_max, int node)
{
	struct smc_takes *t = calloc(1, sizeof(*t));
	uint64_t want = RTE_MAX((uint64_t)conns_max * TAKES_PER_CONN, (uint64_t)TAKES_MIN);
	uint32_t max = (uint32_t)RTE_MIN(want, (uint64_t)UINT32_MAX / 2);

	if (t == NULL)
		return NULL;
	if (pool_init(&t->pool, sizeof(struct smc_taken), 8, max, node) < 0) {
		free(t);
		return NULL;
	}
	return t;
}

static void takes_free(struct smc_takes *t)
{
	pool_fini(&t->pool);
	free(t);
}

void smc_takes_orphan(struct smc_takes *t)
{
	t->orphan = true;
	if (t->out == 0)
		takes_free(t);
}

static struct smc_taken *pop(struct smc_conn *c)
{
	struct smc_taken *t = c->take_head;

	c->take_head = t->next;
	if (c->take_head == NULL)
		c->take_tail = NULL;
	return t;
}

/* All that is free at the front of the list goes back to the peer. */
static void release(struct smc_conn *c)
{
	struct smc_takes *takes = c->ss->conn_table->takes;
	struct smc_buf *buf = c->take_head->buf;

	while (c->take_head != NULL && c->take_head->freed) {
		struct smc_taken *t = pop(c);

		smc_cursor_add(&c->freed, t->len, buf->size);
		pool_put(&takes->pool, t);
		takes->out--;
	}
	smc_window_update(c);
	if (c->take_head != NULL)
		return;
	smc_buf_unref(buf);
	smc_conn_unref(c, SMC_REF_TAKE);
}

/* The last reference to the buffer went, perhaps long after the connection. */
static void on_free(void *addr, void *opaque)
{
	struct smc_taken *t = opaque;
	struct smc_takes *takes = t->takes;

	t->freed = true;
	if (!takes->orphan) {
		if (t->conn->take_head == t)
			release(t->conn);
		return;
	}
	if (--takes->out == 0)
		takes_free(takes);
}

static void append(struct smc_conn *c, struct smc_taken *t)
{
	if (c->take_head == NULL) {
		c->take_head = t;
		smc_buf_ref(c->rmb);
		smc_conn_ref(c, SMC_REF_TAKE);
	} else {
		c->take_tail->next = t;
	}
	c->take_tail = t;
}

struct rte_mbuf *smc_take_ref(struct smc_conn *c, uint32_t off, uint32_t len)
{
	struct smc_takes *takes = c->ss->conn_table->takes;
	struct rte_mempool *ind = net_conf(c->ss->net)->ind_pool;
	uint8_t *data = c->rmb->base + off;
	struct smc_taken *t;
	struct rte_mbuf *m;

	/* With physical addresses a piece may not be contiguous for a device. */
	if (ind == NULL || rte_eal_iova_mode() == RTE_IOVA_PA)
		return NULL;
	t = pool_get(&takes->pool);
	if (t == NULL)
		return NULL;
	m = rte_pktmbuf_alloc(ind);
	if (m == NULL) {
		pool_put(&takes->pool, t);
		return NULL;
	}
	*t = (struct smc_taken){ .takes = takes, .conn = c, .buf = c->rmb, .len = len };
	t->shinfo.free_cb = on_free;
	t->shinfo.fcb_opaque = t;
	rte_mbuf_ext_refcnt_set(&t->shinfo, 1);
	rte_pktmbuf_attach_extbuf(m, data, (rte_iova_t)(uintptr_t)data, (uint16_t)len, &t->shinfo);
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
	takes->out++;
	append(c, t);
	return m;
}

void smc_take_skip(struct smc_conn *c, uint32_t len)
{
	if (c->take_tail != NULL)
		c->take_tail->len += len;
	else
		smc_cursor_add(&c->freed, len, c->rmb->size);
}
