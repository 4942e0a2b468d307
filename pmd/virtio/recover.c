/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtio has no word for a device that dies and comes back; reference is what
 * the vhost-user protocol allows: LOST, then the old process's end (or a bounded wait for
 * it), then a handshake with new rings, then what the device has forgotten.
 */
#include "pmd/virtio/recover.h"

#include <errno.h>

#include "pmd/virtio/dev.h"
#include "pmd/virtio/vhost.h"

void vnic_recover_lost(struct vnic_dev *d)
{
	if (d->state == VNIC_LOST)
		return;
	d->recover.was = d->state;
	d->recover.cleaned = d->recover.told = false;
	d->recover.lost_ms = vnic_vhost_now_ms();
	d->recover.next_ms = 0;
	d->recover.backoff_ms = VNIC_RECOVER_BACKOFF_MS;
	d->state = VNIC_LOST;
	d->lost++;
}

int vnic_recover_step(struct vnic_dev *d)
{
	(void)d;
	return VNIC_RECOVER_SLOW_MS;
}
