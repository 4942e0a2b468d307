/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Wire formats of virtqueues, split (virtio 1.2, 2.7) and packed (2.8), and the
 * arithmetic both sides share. Nothing here trusts or owns memory.
 */
#ifndef VIRTIO_RING_H
#define VIRTIO_RING_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_byteorder.h>

#define VRING_SIZE_MAX 32768u

/* ---- split ------------------------------------------------------------------ */
#define VRING_DESC_F_NEXT     1u
#define VRING_DESC_F_WRITE    2u
#define VRING_DESC_F_INDIRECT 4u

struct vring_desc {
	rte_le64_t addr;
	rte_le32_t len;
	rte_le16_t flags;
	rte_le16_t next;
};
static_assert(sizeof(struct vring_desc) == 16, "descriptor");

#define VRING_AVAIL_F_NO_INTERRUPT 1u
struct vring_avail {
	rte_le16_t flags;
	rte_le16_t idx;
	rte_le16_t ring[]; /* size entries, then used_event */
};

struct vring_used_elem {
	rte_le32_t id;
	rte_le32_t len;
};

#define VRING_USED_F_NO_NOTIFY 1u
struct vring_used {
	rte_le16_t flags;
	rte_le16_t idx;
	struct vring_used_elem ring[]; /* size entries, then avail_event */
};

static inline rte_le16_t *vring_used_event(struct vring_avail *avail, uint32_t size)
{
	return &avail->ring[size];
}
static inline rte_le16_t *vring_avail_event(struct vring_used *used, uint32_t size)
{
	return (rte_le16_t *)&used->ring[size];
}

/* Octets of the parts. */
static inline size_t vring_desc_len(uint32_t size)
{
	return 16 * (size_t)size;
}
static inline size_t vring_avail_len(uint32_t size)
{
	return 6 + 2 * (size_t)size;
}
static inline size_t vring_used_len(uint32_t size)
{
	return 6 + 8 * (size_t)size;
}

/* ---- packed ------------------------------------------------------------------ */
#define VRING_PACKED_F_AVAIL (1u << 7)
#define VRING_PACKED_F_USED  (1u << 15)

struct vring_packed_desc {
	rte_le64_t addr;
	rte_le32_t len;
	rte_le16_t id;
	rte_le16_t flags;
};
static_assert(sizeof(struct vring_packed_desc) == 16, "packed descriptor");

#define VRING_EVENT_ENABLE  0u
#define VRING_EVENT_DISABLE 1u
#define VRING_EVENT_DESC    2u /* with EVENT_IDX; 3 is reserved and means 0 */

struct vring_packed_event {
	rte_le16_t off_wrap; /* 15 bits of offset, wrap counter */
	rte_le16_t flags;
};
static_assert(sizeof(struct vring_packed_event) == 4, "event suppression");

/* flags that make a descriptor available, used, with this wrap counter */
static inline uint16_t vring_packed_avail_flags(bool wrap)
{
	return wrap ? VRING_PACKED_F_AVAIL : VRING_PACKED_F_USED;
}
static inline uint16_t vring_packed_used_flags(bool wrap)
{
	return wrap ? (uint16_t)(VRING_PACKED_F_AVAIL | VRING_PACKED_F_USED) : 0;
}
static inline bool vring_packed_is_used(uint16_t flags, bool wrap)
{
	return (flags & (VRING_PACKED_F_AVAIL | VRING_PACKED_F_USED)) == vring_packed_used_flags(wrap);
}
static inline bool vring_packed_is_avail(uint16_t flags, bool wrap)
{
	return (flags & (VRING_PACKED_F_AVAIL | VRING_PACKED_F_USED)) == vring_packed_avail_flags(wrap);
}

/* ---- events ------------------------------------------------------------------ */
/* The peer asked to hear when the index passes event: does going from old (at
 * the previous check, not the previous publish) to now pass it? (2.7.10) */
static inline bool vring_need_event(uint16_t event, uint16_t now, uint16_t old)
{
	return (uint16_t)(now - event - 1) < (uint16_t)(now - old);
}
/* The same for a packed ring: now and wrap are the position the next descriptor
 * will take, added the descriptors since the previous check (at most size). */
static inline bool vring_packed_need_event(uint16_t off_wrap, uint16_t now, bool wrap, uint16_t added,
					   uint16_t size)
{
	uint16_t event = off_wrap & 0x7fff;

	if ((bool)(off_wrap >> 15) != wrap)
		event = (uint16_t)(event - size);
	return vring_need_event(event, now, (uint16_t)(now - added));
}

#endif
