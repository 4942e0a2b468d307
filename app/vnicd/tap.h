/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An uplink: a tap interface of the kernel, in the network namespace of the
 * process, with checksum and segmentation offloads carried through (Linux,
 * Documentation/networking/tuntap.rst; virtio headers of 12 octets,
 * little-endian, before each packet).
 */
#ifndef VNICD_TAP_H
#define VNICD_TAP_H

#include "app/vnicd/config/config.h"
#include "app/vnicd/port.h"

#define VNICD_TAP_QUEUES 16

struct vnicd_tap_stats {
	/* packets read straight into a driver's buffers; into such and then copied, as
	 * they went elsewhere or did not fit; into a buffer of ours */
	uint64_t direct, moved, staged;
	uint64_t held;  /* times packets were left in the kernel for want of buffers */
	uint64_t gso_in, gso_out;
	int last_error; /* errno of the last packet refused */
};

struct vnicd_tap_queue {
	struct vnicd_tap *tap;
	int fd;
	unsigned number;
	bool readable;
	bool quiet;              /* packets are held, and of more we do not want to hear */
	bool gone;               /* the interface is */
	uint8_t large;           /* packets until none is expected that is larger than the MTU */
	uint16_t large_buffers;  /* of the driver, that the last reservation for such took */
	uint64_t held_since;     /* 0: not held */
};

struct vnicd_tap {
	struct vnicd_port port;  /* first: a port is cast to it */
	const struct vnicd_config_uplink *conf;
	struct vnicd_tap_queue queue[VNICD_TAP_QUEUES];
	unsigned n_queues;
	bool uso;                /* the kernel knows UDP segments */
	struct vnicd_tap_stats stats;
};

/* Makes the interface. conf stays the caller's and there. -errno of the kernel; -EEXIST or -EBUSY: the name is
 * taken. What failed is in the log. */
int vnicd_tap_create(struct vnicd_switch *sw, const struct vnicd_config_uplink *conf);

#endif
