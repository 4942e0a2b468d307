/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/base/placement.h"

#include <errno.h>

#include <numa.h>
#include <numaif.h>

static int set_policy(void *addr, size_t len, int node, int mode)
{
	struct bitmask *mask;
	int rc = 0;

	if (node < 0 || numa_available() < 0 || node > numa_max_node())
		return -ENOTSUP;
	mask = numa_allocate_nodemask();
	if (mask == NULL)
		return -ENOMEM;
	numa_bitmask_setbit(mask, (unsigned)node);
	/* The kernel reads one bit less than it is told. */
	if (mbind(addr, len, mode, mask->maskp, mask->size + 1, 0) != 0)
		rc = -errno;
	numa_free_nodemask(mask);
	return rc;
}

void placement_prefer(void *addr, size_t len, int node)
{
	(void)set_policy(addr, len, node, MPOL_PREFERRED);
}

int placement_bind(void *addr, size_t len, int node)
{
	return set_policy(addr, len, node, MPOL_BIND);
}
