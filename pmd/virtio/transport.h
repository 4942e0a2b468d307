/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the driver reaches a device: one table of calls for each transport
 * (vhost-user front end, virtio-pci modern, QEMU's qtest socket, and the
 * scripted device of the unit tests).
 *
 * All calls but notify() are control plane: made with vnic_dev.lock held, by
 * the thread that calls an ethdev operation or by the device's control thread;
 * they may sleep for a bounded time (vnic_dev.args.reply_ms). 0 or a negative
 * errno, -ENODEV when the device or its back end is gone, -ETIMEDOUT when it does
 * not answer, -EPROTO when it answers nonsense. They log what failed, once.
 */
#ifndef VNIC_TRANSPORT_H
#define VNIC_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vnic_dev;
struct vnic_vq;

/* Feature words: bits 0..63 and 64..127. */
struct vnic_features {
	uint64_t word[2];
};

/* What a transport can do beyond the calls that are there. */
#define VNIC_TRANSPORT_CONFIG     0x01u /* has a configuration space */
#define VNIC_TRANSPORT_CTRL       0x02u /* the device serves the control queue */
#define VNIC_TRANSPORT_QUEUE_STOP 0x04u /* queue_enable(false) pauses a ring and loses nothing */
#define VNIC_TRANSPORT_RECONNECT  0x08u /* a lost device may come back by itself */
#define VNIC_TRANSPORT_RX_FD      0x10u /* receive queues have descriptors to wait for */
#define VNIC_TRANSPORT_VA         0x20u /* addresses are this process's virtual ones, not IO addresses */

/* Capabilities (transport_flags) may become known only at open or connect. */
struct vnic_transport_ops {
	const char *name;

	/* Connect, or map the device; afterwards get_features() works. The
	 * device is reset or new. reconnect: again after loss; the transport gives
	 * up after one try and is called again. */
	int (*open)(struct vnic_dev *dev, bool reconnect);
	/* Let go of the device; also after a failed open, and twice. The back
	 * end may go on writing to memory: see vnic_mem_quarantine(). */
	void (*close)(struct vnic_dev *dev);

	int (*get_features)(struct vnic_dev *dev, struct vnic_features *out);
	/* Write the driver's features and have FEATURES_OK confirmed (3.1.1). */
	int (*set_features)(struct vnic_dev *dev, const struct vnic_features *f);
	int (*get_status)(struct vnic_dev *dev, uint8_t *status);
	/* 0 resets, and waits until the device says so. */
	int (*set_status)(struct vnic_dev *dev, uint8_t status);

	/* NULL without VNIC_TRANSPORT_CONFIG. A read is consistent: the
	 * generation is checked, at most 64 tries (-EAGAIN). */
	int (*config_read)(struct vnic_dev *dev, uint32_t off, void *buf, uint32_t len);
	/* A read may wait long for the device, which tells when there is something new: who only looks need
	 * not read. NULL: reads are quick. */
	bool (*config_tells)(struct vnic_dev *dev);

	/* Virtqueues the device has; 0: unknown. vhost-user: 2 x GET_QUEUE_NUM. */
	uint16_t (*queue_count)(struct vnic_dev *dev);
	/* Largest size of a queue, 0: the queue does not exist. */
	uint16_t (*queue_max)(struct vnic_dev *dev, uint16_t vq);

	/* Memory the device has to know before the queues: vhost-user's table. NULL: none. */
	int (*share_memory)(struct vnic_dev *dev);
	/* Size, addresses, vectors; the device owns the ring from here. Sets
	 * vq->notify and vq->notify_data. */
	int (*queue_setup)(struct vnic_dev *dev, struct vnic_vq *vq);
	/* vhost-user SET_VRING_ENABLE. NULL: queues run when set up. */
	int (*queue_enable)(struct vnic_dev *dev, struct vnic_vq *vq, bool on);
	/* Both, off and on again, in one exchange. NULL: by two calls of queue_enable. */
	int (*queue_pause)(struct vnic_dev *dev, struct vnic_vq *vq);
	/* Stop one ring for good (RING_RESET, or GET_VRING_BASE where the back
	 * end promises that it stops this ring only): 0 when the device touches neither ring nor buffers
	 * any more. -ENOTSUP where the others would stop too. */
	int (*queue_reset)(struct vnic_dev *dev, struct vnic_vq *vq);

	/* Descriptors of this queue's notifications, for sleeping: -1 none.
	 * Reading it is the caller's. intr_ack: after waking. */
	int (*queue_fd)(struct vnic_dev *dev, uint16_t vq);

	/* Descriptor the control thread polls for input, -1: none, and what to do
	 * then (messages of the back end, configuration change, loss). event() returns
	 * -ENODEV when the device is gone; sets dev->config_changed and dev->ring_errors. With
	 * VNIC_TRANSPORT_RECONNECT event() is also called without vnic_dev.lock, while another
	 * thread is inside of another call. */
	int (*event_fd)(struct vnic_dev *dev);
	int (*event)(struct vnic_dev *dev);

	/* After a loss: wait at most ms until nothing at the other end can touch
	 * our memory any more. 0: so it is; -ETIMEDOUT; -ENOENT: nobody knows. NULL: the same. */
	int (*wait_gone)(struct vnic_dev *dev, unsigned ms);
};

extern const struct vnic_transport_ops vnic_vhost_ops, vnic_pci_ops, vnic_qtest_ops;

#endif
