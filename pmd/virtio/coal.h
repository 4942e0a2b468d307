/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notification coalescing inside of the driver: the values in force, what lcores
 * have posted, what a reset has to bring back (virtio 1.2, 5.1.6.5.9). The public
 * half is in vnic.h. Called with vnic_dev.lock held unless said otherwise; nothing here waits.
 */
#ifndef VNIC_COAL_H
#define VNIC_COAL_H

#include <stdbool.h>
#include <stdint.h>

struct vnic_dev;

/* Commands for posts of lcores that a device gets: posts over it wait, and the newest
 * of a queue goes. What resets make us send again does not count. */
#define VNIC_COAL_RATE  1000u /* a second */
#define VNIC_COAL_BURST 256u  /* at once */

int vnic_coal_create(struct vnic_dev *d);
void vnic_coal_destroy(struct vnic_dev *d);

/* The device forgot (device reset), or one queue did (queue reset): what was in force is
 * sent again, asynchronously, once the queue runs. */
void vnic_coal_restore(struct vnic_dev *d);
void vnic_coal_restore_queue(struct vnic_dev *d, uint16_t vq);
/* The start is over: the control thread asks the device what its queues begin with, where nothing was set. */
void vnic_coal_started(struct vnic_dev *d);
/* The queue stops: what was posted and not sent is dropped, an answer that comes late is not heeded. */
void vnic_coal_stop_queue(struct vnic_dev *d, uint16_t vq);

/* The device stops, is reset, lost or broken: the same for all queues. */
void vnic_coal_stop(struct vnic_dev *d);

/* The control thread, woken by vnic_coal_post(): submit everything posted, one doorbell.
 * vnic_dev.lock not needed. */
void vnic_coal_send(struct vnic_dev *d);
/* Milliseconds until it has to be called though nobody wakes the thread; -1: not. */
int vnic_coal_next(struct vnic_dev *d);

#endif
