/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control queue (virtio 1.2, 5.1.6.5): any number of commands in flight,
 * one doorbell per flush, a deadline for each.
 *
 * Any thread but a data path may call; nothing here waits but vnic_ctrl_call()
 * and vnic_ctrl_destroy(). A short lock guards slots and ring; callbacks run
 * without it, on the thread that reaped (usually the device's control thread). A
 * callback may submit and cancel; it must not call vnic_ctrl_call(), _reset() or
 * _destroy(), nor take vnic_dev.lock, whose holder may be waiting for it.
 *
 * Commands that conflict (the same queue's coalescing, the same table) are
 * kept in order by their group: one of a group is in flight, the others wait
 * in the driver. Everything else may overtake.
 */
#ifndef VNIC_CTRL_H
#define VNIC_CTRL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pmd/virtio/virtio_net.h"

struct vnic_dev;
struct vnic_ctrl;
struct vnic_ctrl_cmd;

#define VNIC_CTRL_TIMEOUT_MS     UINT64_C(604800000)   /* 7 days */
#define VNIC_CTRL_TIMEOUT_MAX_MS UINT64_C(31536000000) /* a year */

/* Order is kept inside a group; key tells members of it apart (queue, VLAN, bit). */
enum vnic_ctrl_group {
	VNIC_CTRL_FREE,      /* no order with anything (statistics) */
	VNIC_CTRL_RX_MODE,   /* key: bit */
	VNIC_CTRL_MAC,
	VNIC_CTRL_VLAN,      /* key: VLAN */
	VNIC_CTRL_STEERING,  /* pairs, RSS, hash; waits for and holds up what is of COAL_VQ */
	VNIC_CTRL_OFFLOADS,
	VNIC_CTRL_ANNOUNCE,
	VNIC_CTRL_COAL_VQ,   /* key: virtqueue */
	VNIC_CTRL_COAL_ALL,  /* key: direction; waits for and holds up COAL_VQ */
};

/*
 * What came of a command: 0; -EREMOTEIO: the device refused (ack not OK);
 * -ETIMEDOUT: its deadline passed, the device is broken now; -EIO: the device is
 * or became broken; -ECANCELED: by vnic_ctrl_cancel(), _end_waits() or a device reset.
 * Called exactly once. result: len octets that the device may have written, zero before;
 * only valid during the call.
 */
typedef void (*vnic_ctrl_done_fn)(void *arg, int rc, const void *result, size_t len);

struct vnic_ctrl_request {
	uint8_t class, cmd;
	uint8_t group;           /* enum vnic_ctrl_group */
	uint32_t key;
	const void *data;        /* copied */
	size_t len;
	size_t result_len;       /* room for what the device answers beside the ack */
	bool result_varies;      /* done() gets as much of it as the device says it wrote, if that can be (2.7) */
	uint64_t timeout_ms;     /* 0: the device's ctrl_timeout_ms */
	bool waited;             /* a thread waits for it: vnic_ctrl_end_waits() ends it */
	vnic_ctrl_done_fn done;  /* NULL: nobody wants to know */
	void *arg;
};

/* Make ring and slots, as many as fit; out is &dev->ctrl in the driver. Commands may be
 * submitted when the device knows the ring: queue_setup() on vnic_ctrl_vq(). Control
 * plane; -ENOMEM, -EINVAL. */
int vnic_ctrl_create(struct vnic_ctrl **out, struct vnic_dev *dev, uint16_t vq_index, uint16_t size);
/* The virtqueue, for queue_setup() and queue_enable(); its fields are the engine's. */
struct vnic_vq *vnic_ctrl_vq(struct vnic_ctrl *c);
/* Octets that _create() takes from the device's memory. */
size_t vnic_ctrl_mem_size(uint16_t size, bool packed);
/* Pending commands end with -ECANCELED; dev->ctrl becomes NULL. Ring and slots of a device that knows
 * them stay in quarantine, unless _reset() said before that the device was reset. */
void vnic_ctrl_destroy(struct vnic_ctrl *c);
/* The device was reset: in flight -> -ECANCELED, ring rewound, usable again when the device knows the ring. */
void vnic_ctrl_reset(struct vnic_ctrl *c);
/* The device's control queue (or NULL), kept in memory until _put(): for a thread that
 * does not hold vnic_dev.lock. */
struct vnic_ctrl *vnic_ctrl_get(struct vnic_dev *dev);
void vnic_ctrl_put(struct vnic_ctrl *c);

/* Queue a command; *id identifies it for cancel and wait. The doorbell waits for flush.
 * -EAGAIN: all slots taken; -EIO: broken; -EMSGSIZE: more than 32 KiB; -EINVAL: no such
 * group; -ENOTSUP: no control queue. */
int vnic_ctrl_submit(struct vnic_ctrl *c, const struct vnic_ctrl_request *req, uint64_t *id);
void vnic_ctrl_flush(struct vnic_ctrl *c);
/* The caller loses interest: done() is called with -ECANCELED before this returns, unless
 * it was called already (-ENOENT; it has returned then, but for a cancel from inside of
 * a callback). The slot stays the device's until it answers. */
int vnic_ctrl_cancel(struct vnic_ctrl *c, uint64_t id);

/* Submit, flush and wait; result (may be NULL) gets result_len octets. Waits
 * sleeping, bounded by the deadline; several threads may wait at a time. */
int vnic_ctrl_call(struct vnic_ctrl *c, const struct vnic_ctrl_request *req, void *result);
/* The same to the device's control queue, for who holds vnic_dev.lock (once): it is let go of while
 * the device thinks, but for a bring-up, so that nobody else waits with him. What
 * the lock guards may have changed: all but the device's return from the dead, which waits. */
int vnic_ctrl_ask(struct vnic_dev *dev, const struct vnic_ctrl_request *req, void *result);

/* Many commands on their way together, waited for together. */
struct vnic_ctrl_many {
	unsigned n;
	/* The i-th, all but done, arg, waited and timeout_ms; what data points at lasts until the next one. Calls
	 * nothing of this queue. */
	void (*make)(void *arg, unsigned i, struct vnic_ctrl_request *req);
	void *arg;
	/* 0: the device's ctrl_timeout_ms. Each time that one is answered it begins anew for those in flight: a device
	 * that takes one after the other is slow, and not hung. */
	uint64_t timeout_ms;
	struct vnic_ctrl_one {   /* n of them */
		struct vnic_ctrl_many *many;
		int rc;          /* what came of it */
	} *one;
	/* of the call */
	struct vnic_ctrl *c;
	unsigned pending;
	uint64_t answered;       /* ns, the last */
};
/* As many as there are slots for are in flight at a time, under one doorbell; all are tried. 0, or the error of
 * the first that failed. */
int vnic_ctrl_call_many(struct vnic_ctrl *c, struct vnic_ctrl_many *m);
/* As vnic_ctrl_ask(). */
int vnic_ctrl_ask_many(struct vnic_dev *dev, struct vnic_ctrl_many *m);

/* Take what the device answered, start what waited, expire what is due. Called by the
 * control thread when the queue's descriptor fires and at vnic_ctrl_next(). */
void vnic_ctrl_poll(struct vnic_ctrl *c);
/* Milliseconds until poll() has to be called at the latest; -1: nothing in flight. */
int64_t vnic_ctrl_next(struct vnic_ctrl *c);

/* The device broke: pending commands end with -EIO (expired: -ETIMEDOUT), later ones fail at once. */
void vnic_ctrl_break(struct vnic_ctrl *c);
/* Why it broke by itself: a deadline, a ring out of step. NULL: it did not. For
 * the control thread, which breaks the device then. Told once. */
const char *vnic_ctrl_broken(struct vnic_ctrl *c);
/* It broke by itself and was not told yet. */
bool vnic_ctrl_untold(struct vnic_ctrl *c);
/* The timeout of commands that do not bring their own; 0 is taken as 1. It counts for those in flight
 * as well, from their submission on: a wait that is too long can be shortened. */
void vnic_ctrl_set_timeout(struct vnic_ctrl *c, uint64_t ms);
/* Commands that threads wait for end with -ECANCELED, those of vnic_ctrl_call() among them; the
 * device may still do them. */
void vnic_ctrl_end_waits(struct vnic_ctrl *c);

#define VNIC_CTRL_LATENCY 32 /* buckets: 2^i microseconds */
struct vnic_ctrl_last {
	uint8_t class, cmd;
	int16_t rc;
	uint32_t usecs;
	uint64_t when_tsc;
};
struct vnic_ctrl_stats {
	uint64_t submitted, completed, failed, timed_out, canceled;
	uint32_t in_flight, in_flight_max, waiting;
	uint64_t doorbells, reaps, errors; /* errors: answers to nothing */
	uint64_t wait_cpu_ns;              /* spent by synchronous callers and the poller */
	uint64_t latency[VNIC_CTRL_LATENCY]; /* of answers, from submission to reaping */
	struct vnic_ctrl_last last[8];     /* newest first */
	unsigned n_last;
};
/* Counters go on from one control queue of the device to the next. */
void vnic_ctrl_stats_get(struct vnic_ctrl *c, struct vnic_ctrl_stats *out);
/* Those of the last one, while the device has none. */
void vnic_ctrl_past(struct vnic_dev *dev, struct vnic_ctrl_stats *out);
/* Commands fail at once; why (len octets) is "" when the queue was told to break. */
bool vnic_ctrl_failed(struct vnic_ctrl *c, char *why, size_t len);

#endif
