/* SPDX-License-Identifier: BSD-3-Clause */
/* Where pages of a mapping go on a NUMA machine. Any thread. */
#ifndef BASE_PLACEMENT_H
#define BASE_PLACEMENT_H

#include <stddef.h>

/* Ask for pages from a node, others when it is full. A node below 0 and a
 * machine without NUMA: nothing happens. */
void placement_prefer(void *addr, size_t len, int node);

/* Pages from that node only. The caller has made sure that it has room.
 * Errors: -ENOTSUP (no such node, or no NUMA), -errno of mbind(2). */
int placement_bind(void *addr, size_t len, int node);

#endif
