/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory by which a back end that comes after another knows what was under
 * way (QEMU's docs/interop/vhost-user, "Inflight I/O tracking"): a region for
 * each ring, in a file that the front end keeps and gives to each back end.
 *
 * The front end may write there at any time. While a ring runs the device only writes; what it goes by is its
 * own copy (struct ring_track). It reads once, when a ring starts after a SET_INFLIGHT_FD, and checks then.
 */
#ifndef VNICD_INFLIGHT_H
#define VNICD_INFLIGHT_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INFLIGHT_VERSION 1u
#define INFLIGHT_ALIGN   64u

struct inflight_split_desc {
	uint8_t inflight;      /* of a head: taken and not used */
	uint8_t padding[5];
	uint16_t next;         /* of the batch used last: the head used before */
	uint64_t counter;      /* order of taking */
};
static_assert(sizeof(struct inflight_split_desc) == 16, "state of a split descriptor");

struct inflight_split {
	uint64_t features;
	uint16_t version;      /* 0: nothing here yet */
	uint16_t desc_num;
	uint16_t last_batch_head;
	uint16_t used_idx;     /* of the ring, when the batch before was done with */
	struct inflight_split_desc desc[];
};
static_assert(sizeof(struct inflight_split) == 16, "split region");

struct inflight_packed_desc {
	uint8_t inflight;
	uint8_t padding;
	uint16_t next;
	uint16_t last;         /* of a head: its last entry */
	uint16_t num;          /* of a head: entries */
	uint64_t counter;
	uint16_t id;           /* from here a copy of the descriptor */
	uint16_t flags;
	uint32_t len;
	uint64_t addr;
};
static_assert(sizeof(struct inflight_packed_desc) == 32, "state of a packed descriptor");

struct inflight_packed {
	uint64_t features;
	uint16_t version;
	uint16_t desc_num;
	uint16_t free_head, old_free_head;
	uint16_t used_idx, old_used_idx;
	uint8_t used_wrap, old_used_wrap;
	uint8_t padding[7];
	uint8_t tail[3];       /* desc is aligned */
	struct inflight_packed_desc desc[];
};
static_assert(offsetof(struct inflight_packed, used_wrap) == 20, "packed region");
static_assert(sizeof(struct inflight_packed) == 32, "packed region");

/* Octets from one ring's region to the next. */
static inline uint64_t inflight_stride(uint16_t size, bool packed)
{
	uint64_t len = packed ? sizeof(struct inflight_packed) + sizeof(struct inflight_packed_desc) * (uint64_t)size
			      : sizeof(struct inflight_split) + sizeof(struct inflight_split_desc) * (uint64_t)size;

	return (len + INFLIGHT_ALIGN - 1) & ~(uint64_t)(INFLIGHT_ALIGN - 1);
}

#endif
