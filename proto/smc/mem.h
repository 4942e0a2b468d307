/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory for rings: blocks of 16 KiB << order out of one region, by the buddy
 * method. One lcore, O(orders), no allocation after create.
 *
 * A block of order o begins at a multiple of SMC_MEM_STRIDE << o, not of its size:
 * what connections use of their rings at the same time lies at about the same
 * offset in each, and would share a few sets of the caches. Blocks are aligned
 * to 64 octets if the region is.
 */
#ifndef SMC_MEM_H
#define SMC_MEM_H

#include <stddef.h>
#include <stdint.h>

#define SMC_MEM_ORDERS 9 /* 16 KiB .. 4 MiB */
#define SMC_MEM_UNIT 16384u
#define SMC_MEM_STRIDE (SMC_MEM_UNIT + 64u) /* octets from one unit to the next */

struct smc_mem;

/* base is the caller's and outlives it; of each SMC_MEM_STRIDE 16 KiB are used, and
 * what is below one at the end is not. NULL: no memory, or nothing to give out. */
struct smc_mem *smc_mem_create(void *base, size_t len);
void smc_mem_destroy(struct smc_mem *m);
/* 16 KiB << order octets, contents as the last owner left them. NULL: none. */
void *smc_mem_alloc(struct smc_mem *m, unsigned order);
void smc_mem_free(struct smc_mem *m, void *block, unsigned order);
uint64_t smc_mem_free_bytes(const struct smc_mem *m);
uint64_t smc_mem_len(const struct smc_mem *m);

#endif
