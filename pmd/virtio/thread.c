/* SPDX-License-Identifier: BSD-3-Clause */
#include <unistd.h>

#include "pmd/virtio/dev.h"

void vnic_thread_wake(struct vnic_dev *d)
{
	uint64_t one = 1;

	if (d->wake_fd >= 0 && write(d->wake_fd, &one, sizeof(one)) < 0)
		return; /* full: awake already */
}
