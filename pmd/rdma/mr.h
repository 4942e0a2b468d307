/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory regions of one device and their keys. A key is a random tag above the
 * region's index, which is disguised by a secret of the device: made anew at
 * each registration, compared in full, and none tells anything of another. A
 * region is looked up by key at every use, so one that is gone is simply not
 * found. lkey and rkey are the same number; the peer is told it only of
 * regions it may reach.
 *
 * Owner lcore only.
 */
#ifndef RDMA_MR_H
#define RDMA_MR_H

#include "pmd/base/pool.h"
#include "pmd/rdma/rd.h"

#define MR_MAX (1U << 20)        /* leaves 11 bits to the tag */
#define MR_LEN_MAX (1ULL << 40)  /* addresses that peers are told lie this far apart */

struct mr_table {
	struct pool pool;        /* of struct mr; never given back, so that a stale key finds its region dead */
	uint64_t secret;         /* odd */
	uint32_t mask;           /* of a key's index */
	uint8_t bits;
	uint32_t used;
	uint32_t free;           /* list of indices, 0: empty */
	uint32_t ended;          /* regions that have: while it is the same, what was found is still there */
	void (*random)(void *ctx, void *buf, size_t len);
	void *ctx;
};

struct mr {
	struct rd_mr rd;         /* rkey 0: free */
	uint32_t last_key;
	uint32_t next;           /* free list */
};

/* -EINVAL, -ENOMEM. random gives the tags. */
int mr_table_init(struct mr_table *t, uint32_t max, int node,
		  void (*random)(void *ctx, void *buf, size_t len), void *ctx);
void mr_table_fini(struct mr_table *t);

/* -EINVAL: empty, too long, or it wraps. -ENOSPC: no room. */
int mr_reg(struct mr_table *t, struct rd_pd *pd, void *addr, size_t len, uint8_t access, struct rd_mr **out);
void mr_dereg(struct mr_table *t, struct rd_mr *mr);

enum mr_reason { MR_OK, MR_BAD_KEY, MR_BAD_ACCESS };

/* What a tag disguises its index with. */
static inline uint32_t mr_disguise(const struct mr_table *t, uint32_t tag)
{
	return (uint32_t)((tag + UINT64_C(1)) * t->secret >> 40) & t->mask;
}

static inline struct rd_mr *mr_find(const struct mr_table *t, uint32_t key)
{
	uint32_t idx = (key & t->mask) ^ mr_disguise(t, key >> t->bits);
	struct mr *mr;

	if (idx == 0 || idx > t->pool.high)
		return NULL;
	mr = pool_at(&t->pool, idx);
	return mr->rd.rkey == key ? &mr->rd : NULL;
}

/* Whether [addr, addr + len) lies in the region, which is of pd and grants access. mr may be NULL. */
static inline bool mr_covers(const struct rd_mr *mr, const struct rd_pd *pd, const void *addr, uint32_t len,
			     uint8_t access)
{
	uint64_t at;

	if (mr == NULL || mr->pd != pd || (mr->access & access) != access)
		return false;
	/* Below the start it is beyond the end, since that does not wrap. */
	at = (uint64_t)(uintptr_t)addr - (uint64_t)(uintptr_t)mr->start;
	return len <= mr->len && at <= mr->len - len;
}

/* Whether [addr, addr + len) lies in the region lkey of pd and access is granted. */
static inline bool mr_local(const struct mr_table *t, const struct rd_pd *pd, uint32_t lkey, const void *addr,
			    uint32_t len, uint8_t access)
{
	return mr_covers(mr_find(t, lkey), pd, addr, len, access);
}

/* Where [va, va + len) of a peer lies in our memory; NULL with the reason. */
static inline uint8_t *mr_remote(const struct mr_table *t, const struct rd_pd *pd, uint32_t rkey, uint64_t va,
				 uint64_t len, uint8_t access, enum mr_reason *reason)
{
	const struct rd_mr *mr = mr_find(t, rkey);

	*reason = MR_BAD_KEY;
	if (mr == NULL || mr->pd != pd)
		return NULL;
	*reason = MR_BAD_ACCESS;
	if ((mr->access & access) != access)
		return NULL;
	if (va < mr->addr || len > mr->len || va - mr->addr > mr->len - len)
		return NULL;
	*reason = MR_OK;
	return mr->start + (va - mr->addr);
}

#endif
