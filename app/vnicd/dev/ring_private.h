/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the two kinds of ring share: chains being gathered, descriptors loaded
 * once, and the places where a lie is put in.
 */
#ifndef VNICD_RING_PRIVATE_H
#define VNICD_RING_PRIVATE_H

#include <errno.h>
#include <string.h>

#include <rte_atomic.h>
#include <rte_branch_prediction.h>
#include <rte_common.h>

#include "app/vnicd/dev/ring.h"

/* A descriptor of either kind, loaded once, in host byte order. */
struct ring_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next; /* split: next; packed: id */
};

/* The table need not be aligned when it is an indirect one. */
static inline struct ring_desc ring_load_split(const void *table, uint32_t i)
{
	struct vring_desc d;

	memcpy(&d, (const uint8_t *)table + 16 * (size_t)i, sizeof(d));
	rte_compiler_barrier(); /* what is checked is what is used */
	return (struct ring_desc){ rte_le_to_cpu_64(d.addr), rte_le_to_cpu_32(d.len),
				   rte_le_to_cpu_16(d.flags), rte_le_to_cpu_16(d.next) };
}

static inline struct ring_desc ring_load_packed(const void *table, uint32_t i)
{
	struct vring_packed_desc d;

	memcpy(&d, (const uint8_t *)table + 16 * (size_t)i, sizeof(d));
	rte_compiler_barrier();
	return (struct ring_desc){ rte_le_to_cpu_64(d.addr), rte_le_to_cpu_32(d.len),
				   rte_le_to_cpu_16(d.flags), rte_le_to_cpu_16(d.id) };
}

static inline uint16_t ring_load16(const rte_le16_t *p)
{
	return rte_le_to_cpu_16(__atomic_load_n(p, __ATOMIC_RELAXED));
}

static inline void ring_store16(rte_le16_t *p, uint16_t v)
{
	__atomic_store_n(p, rte_cpu_to_le_16(v), __ATOMIC_RELAXED);
}

/* A chain on its way into iov. */
struct ring_gather {
	struct vnicd_chain *c;
	struct iovec *iov;
	unsigned max;
};

/* Translate and append one descriptor: VNICD_RING_ERROR_NONE or what is wrong with it. */
enum vnicd_ring_error ring_gather_desc(const struct vnicd_ring *r, struct ring_gather *g,
				       const struct ring_desc *d);
/* Stop the ring for e; returns -EPROTO. */
int ring_fail(struct vnicd_ring *r, enum vnicd_ring_error e);

/* Change a used entry into the lie that is due. */
void ring_lie_entry(struct vnicd_ring *r, const struct vnicd_chain *c, uint32_t *id, uint32_t *len);
/* Octets of the two kinds: how far a publish goes beyond the truth. */
uint16_t ring_lie_jump(struct vnicd_ring *r);

int ring_split_start(struct vnicd_ring *r);
int ring_split_next(struct vnicd_ring *r, struct ring_gather *g);
void ring_split_used(struct vnicd_ring *r, const struct vnicd_chain *c, uint32_t len);
void ring_split_publish(struct vnicd_ring *r);
bool ring_split_should_call(struct vnicd_ring *r);
/* ahead: with EVENT_IDX, so many chains more than one. */
void ring_split_want_kick(struct vnicd_ring *r, bool on, uint16_t ahead);
bool ring_split_has(const struct vnicd_ring *r, uint16_t n);
uint16_t ring_split_waiting(const struct vnicd_ring *r);

int ring_packed_start(struct vnicd_ring *r);
int ring_packed_next(struct vnicd_ring *r, struct ring_gather *g);
void ring_packed_undo(struct vnicd_ring *r, const struct vnicd_chain *c);
void ring_packed_used(struct vnicd_ring *r, const struct vnicd_chain *c, uint32_t len);
void ring_packed_publish(struct vnicd_ring *r);
bool ring_packed_should_call(struct vnicd_ring *r);
void ring_packed_want_kick(struct vnicd_ring *r, bool on, uint16_t ahead);
bool ring_packed_has(const struct vnicd_ring *r, uint16_t n);
uint16_t ring_packed_waiting(const struct vnicd_ring *r);
/* The id of the chain that starts at a position; false: none is available there. */
bool ring_packed_id_at(const struct vnicd_ring *r, uint16_t at, bool wrap, uint16_t *id, uint16_t *slots);

/* What want_kick() wrote. */
enum { RING_WANT_UNKNOWN, RING_WANT_ON, RING_WANT_OFF };

static inline struct vring_avail *ring_avail(const struct vnicd_ring *r)
{
	return r->conf.driver;
}
static inline struct vring_used *ring_used(const struct vnicd_ring *r)
{
	return r->conf.device;
}

/* Go on by n <= size slots. */
static inline void ring_packed_step(const struct vnicd_ring *r, uint16_t *at, bool *wrap, uint16_t n)
{
	uint32_t next = (uint32_t)*at + n;

	if (next >= r->conf.size) {
		next -= r->conf.size;
		*wrap = !*wrap;
	}
	*at = (uint16_t)next;
}

#endif
