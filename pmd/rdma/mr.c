/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/rdma/mr.h"

#include <errno.h>
#include <string.h>

int mr_table_init(struct mr_table *t, uint32_t max, int node,
		  void (*random)(void *ctx, void *buf, size_t len), void *ctx)
{
	memset(t, 0, sizeof(*t));
	if (max == 0 || max > MR_MAX)
		return -EINVAL;
	t->random = random;
	t->ctx = ctx;
	t->bits = (uint8_t)(32 - __builtin_clz(max));
	t->mask = (1U << t->bits) - 1;
	random(ctx, &t->secret, sizeof(t->secret));
	t->secret |= 1;
	return pool_init(&t->pool, sizeof(struct mr), 64, max, node);
}

void mr_table_fini(struct mr_table *t)
{
	pool_fini(&t->pool);
}

static struct mr *take(struct mr_table *t)
{
	struct mr *mr;

	if (t->free != 0) {
		mr = pool_at(&t->pool, t->free);
		t->free = mr->next;
		return mr;
	}
	mr = pool_get(&t->pool);
	if (mr != NULL)
		memset(mr, 0, sizeof(*mr));
	return mr;
}

static uint32_t new_key(struct mr_table *t, uint32_t idx, uint32_t last)
{
	uint32_t key;

	do {
		uint32_t tag;

		t->random(t->ctx, &tag, sizeof(tag));
		tag >>= t->bits;
		key = tag << t->bits | (idx ^ mr_disguise(t, tag));
		/* 0 is the key of nothing. */
	} while (key == last || key == 0);
	return key;
}

int mr_reg(struct mr_table *t, struct rd_pd *pd, void *addr, size_t len, uint8_t access, struct rd_mr **out)
{
	struct mr *mr;
	uint32_t idx;

	if (addr == NULL || len == 0 || len >= MR_LEN_MAX || (uintptr_t)addr + len < (uintptr_t)addr)
		return -EINVAL;
	mr = take(t);
	if (mr == NULL)
		return -ENOSPC;
	idx = pool_index(&t->pool, mr);
	mr->last_key = new_key(t, idx, mr->last_key);
	mr->rd = (struct rd_mr){
		.pd = pd, .lkey = mr->last_key, .rkey = mr->last_key, .start = addr, .len = len,
		/* Not the pointer: peers need not know where our memory lies. */
		.addr = (uint64_t)idx * MR_LEN_MAX,
		.access = access,
	};
	t->used++;
	*out = &mr->rd;
	return 0;
}

void mr_dereg(struct mr_table *t, struct rd_mr *rd)
{
	struct mr *mr = (struct mr *)rd;

	mr->rd.lkey = mr->rd.rkey = 0;
	mr->next = t->free;
	t->free = pool_index(&t->pool, mr);
	t->used--;
	t->ended++;
}
