/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smc/mem.h"

#include <stdbool.h>
#include <stdlib.h>

/* One per unit of 16 KiB; of a block only the first unit's counts. */
struct unit {
	uint32_t next, prev;     /* free list, index + 1; 0: end */
	uint8_t order;           /* of the block that begins here */
	uint8_t free;
};

struct smc_mem {
	uint8_t *base;
	uint32_t n_units;
	uint32_t free_units;
	uint32_t heads[SMC_MEM_ORDERS]; /* index + 1 */
	struct unit units[];
};

static void list_add(struct smc_mem *m, uint32_t idx, unsigned order)
{
	struct unit *u = &m->units[idx];

	u->order = (uint8_t)order;
	u->free = 1;
	u->prev = 0;
	u->next = m->heads[order];
	if (u->next != 0)
		m->units[u->next - 1].prev = idx + 1;
	m->heads[order] = idx + 1;
}

static void list_del(struct smc_mem *m, uint32_t idx)
{
	struct unit *u = &m->units[idx];

	u->free = 0;
	if (u->prev != 0)
		m->units[u->prev - 1].next = u->next;
	else
		m->heads[u->order] = u->next;
	if (u->next != 0)
		m->units[u->next - 1].prev = u->prev;
}

struct smc_mem *smc_mem_create(void *base, size_t len)
{
	size_t n = len / SMC_MEM_STRIDE;
	struct smc_mem *m;
	uint32_t idx = 0;

	if (base == NULL || n == 0 || n > UINT32_MAX / 2)
		return NULL;
	m = calloc(1, sizeof(*m) + n * sizeof(m->units[0]));
	if (m == NULL)
		return NULL;
	m->base = base;
	m->n_units = (uint32_t)n;
	m->free_units = (uint32_t)n;
	/* The largest blocks that fit, then smaller ones for the rest: each begins
	 * at an index that is a multiple of its units because no later one is larger. */
	for (unsigned order = SMC_MEM_ORDERS; order-- > 0;) {
		for (; n - idx >= 1u << order; idx += 1u << order)
			list_add(m, idx, order);
	}
	return m;
}

void smc_mem_destroy(struct smc_mem *m)
{
	free(m);
}

void *smc_mem_alloc(struct smc_mem *m, unsigned order)
{
	unsigned from = order;
	uint32_t idx;

	while (from < SMC_MEM_ORDERS && m->heads[from] == 0)
		from++;
	if (from >= SMC_MEM_ORDERS)
		return NULL;
	idx = m->heads[from] - 1;
	list_del(m, idx);
	while (from > order) {
		from--;
		list_add(m, idx + (1u << from), from);
	}
	m->units[idx].order = (uint8_t)order;
	m->free_units -= 1u << order;
	return m->base + (size_t)idx * SMC_MEM_STRIDE;
}

void smc_mem_free(struct smc_mem *m, void *block, unsigned order)
{
	uint32_t idx = (uint32_t)(((uint8_t *)block - m->base) / SMC_MEM_STRIDE);

	m->free_units += 1u << order;
	while (order + 1 < SMC_MEM_ORDERS) {
		uint32_t buddy = idx ^ 1u << order;

		if (buddy + (1u << order) > m->n_units || !m->units[buddy].free || m->units[buddy].order != order)
			break;
		list_del(m, buddy);
		idx &= ~(1u << order);
		order++;
	}
	list_add(m, idx, order);
}

uint64_t smc_mem_free_bytes(const struct smc_mem *m)
{
	return (uint64_t)m->free_units * SMC_MEM_UNIT;
}

uint64_t smc_mem_len(const struct smc_mem *m)
{
	return (uint64_t)m->n_units * SMC_MEM_UNIT;
}
