/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A mempool handler for builds with AddressSanitizer, which sees nothing
 * inside DPDK's memory: the data room of a free mbuf is poisoned, and freed
 * mbufs are handed out again as late as possible (first in, first out), so
 * that a late access is reported. Headers stay accessible: DPDK walks them.
 * Any lcore; without the sanitizer the handler does not exist.
 */
#ifndef BASE_ASAN_POOL_H
#define BASE_ASAN_POOL_H

#include <rte_mempool.h>

#include "pmd/base/asan.h"

#define ASAN_POOL_OPS "smcgate_asan"
#define ASAN_POOL_RED_ZONE 128

#if BASE_ASAN
/* Poison from now on, beginning with all mbufs of a pool just created with
 * ASAN_POOL_OPS and initialised. Main lcore, before the pool is used. */
void asan_pool_arm(struct rte_mempool *mp);
#else
static inline void asan_pool_arm(struct rte_mempool *mp)
{
	(void)mp;
}
#endif

#endif
