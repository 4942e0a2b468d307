/* SPDX-License-Identifier: BSD-3-Clause */
/* Between arena.c and arena_pool.c. */
#ifndef BASE_ARENA_PRIVATE_H
#define BASE_ARENA_PRIVATE_H

#include "pmd/base/arena.h"

#define ARENA_NAME_LEN 32

struct arena {
	struct arena_region region;
	size_t used;       /* octets carved from the start */
	rte_iova_t *iovas; /* one a page, NULL when addresses are virtual */
	char name[ARENA_NAME_LEN];
};

#endif
