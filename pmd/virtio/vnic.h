/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a program may ask a port of this driver beyond ethdev. Everything
 * returns -ENOTSUP for another driver's port. Any lcore unless said otherwise.
 */
#ifndef VNIC_H
#define VNIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pmd/virtio/ctrl.h"

/* Octets and packets of a transmit queue, cumulative since start: posted to
 * the device and given back by it. Their difference is in flight. */
struct vnic_tx_progress {
	uint64_t posted_bytes, done_bytes;
	uint64_t posted, done;
	uint64_t lost;  /* packets of done that resets of the queue gave up */
};

bool vnic_port(uint16_t port);
/* Arenas came or went while ports of this driver run: their devices are told. By the
 * main lcore, before anything in a new arena is sent, after an old one is gone.
 * 0, or the first error (logged); a port that does not run learns of it at its start. */
int vnic_share_memory(void);
/* The same of one port. Waits for whatever else is done to it, and for its device. */
int vnic_share_memory_of(uint16_t port);
/* Reads the queue's counters; packets given up by a queue reset count as done. On the lcore that sends on the queue. reclaim: look for completions first. */
int vnic_tx_progress(uint16_t port, uint16_t queue, bool reclaim, struct vnic_tx_progress *out);

/* ---- control queue: control plane, any thread but a data path ------------------------------ */

struct vnic_ctrl_info {
	bool present;             /* the device serves a control queue for us */
	bool broken;
	char why[96];             /* why it is broken; "" */
	uint64_t timeout_ms;      /* of commands, from their submission on */
	uint16_t slots;           /* commands that can be in flight */
	struct vnic_ctrl_stats stats;
};
/* Does not wait for a device that hangs. -ENODEV: closed. */
int vnic_ctrl_info(uint16_t port, struct vnic_ctrl_info *out);
/* For commands in flight as well, from their submission on (not for those of a bring-up): what waits for a
 * device that hangs ends, and the device is broken. -EINVAL: 0, more than a year. */
int vnic_ctrl_timeout(uint16_t port, uint64_t ms);
/* Threads that wait in a call to this port for the device's answer return -ECANCELED; what they asked
 * for may still happen. */
int vnic_ctrl_interrupt(uint16_t port);
/* "MQ VQ_PAIRS_SET", for people; "class 9 command 3" where it has no name. Into buf. */
const char *vnic_ctrl_name(uint8_t class, uint8_t cmd, char *buf, size_t len);

/* ---- queue reset and resize (virtio 1.2, 2.6.1): control plane ------------------------------ */

enum vnic_dir { VNIC_RX, VNIC_TX };

/* What was done, by what the device can do: the least disruptive that serves. */
enum vnic_reset_how {
	VNIC_RESET_RING,     /* VIRTIO_F_RING_RESET: a true reset, this queue alone */
	VNIC_RESET_PAUSE,    /* the back end paused the ring; what it held stays posted */
	VNIC_RESET_LIMIT,    /* resize: the ring stays, fewer or more of its descriptors are used */
	VNIC_RESET_DEVICE,   /* all queues stopped for it */
};
const char *vnic_reset_how_name(enum vnic_reset_how how);

struct vnic_reset_report {
	enum vnic_reset_how how;
	uint16_t size;         /* descriptors now in use */
	uint32_t queue_us;     /* this queue did not take part */
	uint32_t others_us;    /* the others did not; 0 unless VNIC_RESET_DEVICE */
	uint32_t sending_us;   /* of both: transmit, the device got to send what was posted */
	uint32_t returned;     /* buffers that came back from the ring to their pools */
	uint32_t lost;         /* transmit: packets the device had and may have sent or not */
};
/*
 * Reset a queue that runs, and give it another size unless size is 0. The lcore that
 * polls may go on: its bursts return 0 meanwhile. Coalescing in force is programmed
 * again. On failure the queue is as it was (-ENOMEM, -EINVAL, -ERANGE: size; -EREMOTEIO: the device
 * refuses the reset, or the size, found out by trying: in a new ring of the old one), or the device is broken (-ETIMEDOUT, -EIO). -EBUSY: the queue is stopped. report may be NULL.
 */
int vnic_queue_reset(uint16_t port, enum vnic_dir dir, uint16_t queue, uint16_t size,
		     struct vnic_reset_report *report);

/* ---- receive offloads while the port runs (CTRL_GUEST_OFFLOADS; virtio 1.2, 5.1.6.5.6.1) ------- */

/*
 * RTE_ETH_RX_OFFLOAD_TCP_CKSUM, _UDP_CKSUM (both or none) and _TCP_LRO, of those the port was configured with;
 * LRO takes checksums. What is off the device does itself: it completes checksums and sends no segments joined.
 * Packets on their way may still have it. Comes back after stops and resets; rte_eth_dev_configure() begins
 * anew with all that is asked for there. -ENOTSUP: the device cannot; -EINVAL: not configured, or no such set; -EIO:
 * it does not run; -EREMOTEIO: refused, nothing has changed. Waits for the device; control plane.
 */
int vnic_rx_offloads_set(uint16_t port, uint64_t offloads);
/* Those of them in force; -ENOTSUP: another driver's port. */
int vnic_rx_offloads_get(uint16_t port, uint64_t *offloads);

/* ---- announcing (GUEST_ANNOUNCE; virtio 1.2, 5.1.6.5.4): any thread, nothing waits ------------ */

/* Before rte_eth_dev_configure(): this program announces its addresses when the device asks for it.
 * Otherwise the device is not told that anybody would, and does what it can. */
int vnic_announce_offer(uint16_t port);
/* The device asks: its place in the network has changed. */
bool vnic_announce_asked(uint16_t port);
/* Announced: tell the device. -EAGAIN: not now, ask again. */
int vnic_announce_done(uint16_t port);

/* ---- notification coalescing (virtio 1.2, 5.1.6.5.9) ---------------------------------------- */

/* The device interrupts after so many packets or so much time since the first of
 * them, whichever comes first; either of them 0: for each packet. */
struct vnic_coal {
	uint32_t packets, usecs;
};
/* One queue (VQ_NOTF_COAL), or with queue VNIC_ALL_QUEUES all of a direction (NOTF_COAL; queue
 * by queue where the device has VQ_NOTF_COAL only: then a refusal may come after some).
 * Waits for the device, without vnic_dev.lock. -ENOTSUP: it cannot; -EREMOTEIO: refused,
 * nothing has changed; -EIO: the port does not run; -EBUSY: the queue does not; -ECANCELED:
 * it was stopped or reset meanwhile. What is in force comes back after stops and resets. */
#define VNIC_ALL_QUEUES UINT16_MAX
int vnic_coal_set(uint16_t port, enum vnic_dir dir, uint16_t queue, const struct vnic_coal *c);
/* In force as far as the driver knows (VNIC_ALL_QUEUES: what queues have that were not set by
 * themselves); with ask from the device (VQ_GET, one queue that runs). What was never set is what the device
 * begins with, asked for in the background when a queue starts (VQ_NOTF_COAL); -ENODATA without ask: the
 * device has not said, or cannot (NOTF_COAL alone), so that it is not known until it is set. */
int vnic_coal_get(uint16_t port, enum vnic_dir dir, uint16_t queue, bool ask, struct vnic_coal *out);

/*
 * The same for one receive queue from the lcore that polls it: without a lock, without
 * waiting. A newer value replaces one that was not sent yet; posts of many queues go out
 * under one doorbell. vnic_coal_state() tells when it is over. A stop or a reset of queue or
 * port drops what was not answered: REFUSED when the queue runs again.
 */
enum vnic_coal_state {
	VNIC_COAL_IDLE,      /* nothing posted since the last answer; the last one was taken */
	VNIC_COAL_PENDING,
	VNIC_COAL_REFUSED,   /* the last one was refused, or failed; the value before it is in force */
	VNIC_COAL_NONE,      /* the device cannot, or not now (stopped, broken) */
};
int vnic_coal_post(uint16_t port, uint16_t queue, const struct vnic_coal *c);
enum vnic_coal_state vnic_coal_state(uint16_t port, uint16_t queue);

#endif
