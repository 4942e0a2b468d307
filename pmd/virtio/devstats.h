/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device's own counters (VIRTIO_NET_F_DEVICE_STATS; virtio 1.4, 5.1.6.5.10):
 * capabilities, requests, replies, and what of them the xstats show. Building and
 * reading messages is pure; refreshing goes by the control queue and never waits.
 */
#ifndef VNIC_DEVSTATS_H
#define VNIC_DEVSTATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vnic_dev;
struct rte_eth_xstat;
struct rte_eth_xstat_name;

int vnic_devstats_create(struct vnic_dev *d);
void vnic_devstats_destroy(struct vnic_dev *d);
/* The device runs: asks what it has, and waits for that answer (-EREMOTEIO, refused, is
 * taken for nothing at all). vnic_dev.lock held. 0, or why the device cannot be started. */
int vnic_devstats_start(struct vnic_dev *d);
/* The device stops, is reset, lost or broken: pending answers are not heeded any more. */
void vnic_devstats_stop(struct vnic_dev *d);
/* The control thread: refresh when the argument stats_ms says so, go on with what found no
 * room; and milliseconds until that has to be called again (-1: not). */
void vnic_devstats_poll(struct vnic_dev *d);
int vnic_devstats_next(struct vnic_dev *d);
/* Ask the device for all it has, unless that is under way or was answered less than
 * ms milliseconds ago. Any thread but a data path, vnic_dev.lock not needed. */
void vnic_devstats_refresh(struct vnic_dev *d, unsigned ms);
/* As ethdev_stats.c appends them: how many there are, names, values of the last answer. */
unsigned vnic_devstats_count(const struct vnic_dev *d);
void vnic_devstats_names(const struct vnic_dev *d, struct rte_eth_xstat_name *names);
void vnic_devstats_values(struct vnic_dev *d, struct rte_eth_xstat *xstats);
/* Shown values count from here. */
void vnic_devstats_reset(struct vnic_dev *d);

#endif
