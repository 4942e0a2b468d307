/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An honest driver of one virtqueue, both kinds, in memory shared with a
 * vnicd_ring of the same process: what the tests of the device side play
 * against. Its memory is a file, so that addresses outside of it are outside.
 */
#ifndef TESTS_VNICD_DRIVER_H
#define TESTS_VNICD_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/vnicd/dev/ring.h"

#define DRV_GUEST   UINT64_C(0x100000000)
#define DRV_USER    UINT64_C(0x7f1200000000)
#define DRV_LEN     (UINT64_C(16) << 20)
#define DRV_DESC    UINT64_C(0)         /* offsets of the areas */
#define DRV_DRIVER  (UINT64_C(1) << 20)
#define DRV_DEVICE  (UINT64_C(2) << 20)
#define DRV_TABLES  (UINT64_C(3) << 20) /* indirect tables, 16 descriptors an id */
#define DRV_BUFFERS (UINT64_C(12) << 20)

struct drv {
	uint16_t size;
	bool packed, in_order, event_idx;
	uint8_t *mem;              /* the driver's mapping, and its file */
	int fd;
	struct vnicd_memory memory; /* the device's */
	struct vnicd_ring ring;
	void *inflight;            /* the device's ring, when it is started again, has this region, and recovers */
	bool recover;
	/* driver state */
	uint16_t avail, used;      /* split: free-running; packed: positions */
	bool avail_wrap, used_wrap;
	uint16_t kicked;           /* split: index at the last check; packed: slots since */
	uint16_t next_desc;        /* in order: descriptor or id to use next */
	uint32_t free;             /* descriptors */
	uint16_t n_ids, ids[VRING_SIZE_MAX];   /* free ids (packed) or descriptors (split) */
	uint16_t slots[VRING_SIZE_MAX];        /* of an id that is out; 0: it is not */
	uint16_t order[VRING_SIZE_MAX];        /* ids in order of posting, a ring of its own */
	uint32_t order_in, order_out;
	uint16_t batch_left;       /* in order: chains of a batch still to be handed out */
	uint32_t batch_len;
};

/* One buffer of a chain. */
struct drv_buf {
	uint64_t addr; /* guest */
	uint32_t len;
	bool write;
};

/* Fresh memory and rings, both sides started; fails the test when that cannot be. */
void drv_init(struct drv *d, uint16_t size, bool packed, bool in_order, bool event_idx);
/* The same with the indexes at base (split). */
void drv_init_at(struct drv *d, uint16_t size, bool packed, bool in_order, bool event_idx, uint16_t base);
void drv_fini(struct drv *d);
/* Start the device's ring again, from base (low half) and used base (high half). */
int drv_restart_device(struct drv *d, uint32_t base);

/* Post a chain; returns its id, -1: no room. indirect: one slot whatever n. Visible at once. */
int drv_post(struct drv *d, const struct drv_buf *buf, unsigned n, bool indirect);
/* One buffer of len octets of the pool; at most 65536 of them differ. */
int drv_post_one(struct drv *d, uint32_t len, bool write);
/* Would an honest driver kick now? */
bool drv_should_kick(struct drv *d);
/* Take a used chain: its id, -1: none, -2: the device broke the rules. */
int drv_take(struct drv *d, uint32_t *len);
/* Ask for interrupts from now on: after the chains used so far. */
void drv_want_call(struct drv *d, bool on);
bool drv_has_used(const struct drv *d);

static inline void *drv_at(const struct drv *d, uint64_t off)
{
	return d->mem + off;
}
static inline struct vring_desc *drv_desc(const struct drv *d)
{
	return drv_at(d, DRV_DESC);
}
static inline struct vring_packed_desc *drv_packed_desc(const struct drv *d)
{
	return drv_at(d, DRV_DESC);
}
static inline struct vring_avail *drv_avail(const struct drv *d)
{
	return drv_at(d, DRV_DRIVER);
}
static inline struct vring_used *drv_used(const struct drv *d)
{
	return drv_at(d, DRV_DEVICE);
}

#endif
