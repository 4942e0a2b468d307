/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loss and return of a back end (vhost-user): what the control thread does
 * about it. The caller is the control thread and holds vnic_dev.lock.
 */
#ifndef VNIC_RECOVER_H
#define VNIC_RECOVER_H

#include <stdbool.h>
#include <stdint.h>

struct vnic_dev;

#define VNIC_RECOVER_GONE_MS    500  /* wait for the end of the old back end's process */
#define VNIC_RECOVER_BACKOFF_MS 10   /* between tries to reach a new one: doubled each time, */
#define VNIC_RECOVER_SLOW_MS    1000 /* up to this */

/* The back end is gone: gates closed, control commands ended, link down, event. */
void vnic_recover_lost(struct vnic_dev *d);
/* In state VNIC_LOST: the next thing to do, if it is due. Milliseconds until the next. */
int vnic_recover_step(struct vnic_dev *d);
/* Is the transport's descriptor to be left alone at present, though something may knock there? */
bool vnic_recover_deaf(const struct vnic_dev *d);

#endif
