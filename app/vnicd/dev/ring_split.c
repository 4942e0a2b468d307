/* SPDX-License-Identifier: BSD-3-Clause */
/* Split virtqueues, device side (virtio 1.2, 2.7). */
#include "app/vnicd/dev/ring_private.h"
#include "app/vnicd/dev/ring_track.h"

int ring_split_start(struct vnicd_ring *r)
{
	r->used = ring_load16(&ring_used(r)->idx);
	/* What was taken and never used is taken again. The base says no more than that, and is not to be
	 * relied on: DPDK's virtio_user announces 0 for a ring that has long been running. */
	r->avail = r->seen = r->used;
	r->called = r->used;
	r->call_always = r->used != 0;
	return 0;
}

/* An indirect table is chained by next as the ring is (2.7.5.3). */
static enum vnicd_ring_error walk_table(const struct vnicd_ring *r, struct ring_gather *g,
					const struct ring_desc *d)
{
	uint32_t n = d->len / 16, i = 0;
	struct ring_desc e;
	const void *table;

	if (!r->conf.indirect || (d->flags & VRING_DESC_F_NEXT) || n == 0 || d->len % 16 != 0 || n > VRING_SIZE_MAX)
		return VNICD_RING_ERROR_INDIRECT;
	table = vnicd_memory_guest(r->memory, d->addr, d->len);
	if (table == NULL)
		return VNICD_RING_ERROR_ADDRESS;
	for (uint32_t steps = 0; steps < n; steps++) {
		enum vnicd_ring_error error;

		e = ring_load_split(table, i);
		if (e.flags & VRING_DESC_F_INDIRECT)
			return VNICD_RING_ERROR_INDIRECT;
		error = ring_gather_desc(r, g, &e);
		if (error != VNICD_RING_ERROR_NONE || !(e.flags & VRING_DESC_F_NEXT))
			return error;
		if (e.next >= n)
			return VNICD_RING_ERROR_NEXT;
		i = e.next;
	}
	return VNICD_RING_ERROR_LOOP;
}

/* Ordinary descriptors, then possibly one indirect (2.7.5.3.2). */
static enum vnicd_ring_error walk(const struct vnicd_ring *r, struct ring_gather *g, uint16_t i)
{
	for (uint32_t steps = 0; steps < r->conf.size; steps++) {
		struct ring_desc d = ring_load_split(r->conf.desc, i);
		enum vnicd_ring_error error;

		g->c->slots++;
		if (d.flags & VRING_DESC_F_INDIRECT)
			return walk_table(r, g, &d);
		error = ring_gather_desc(r, g, &d);
		if (error != VNICD_RING_ERROR_NONE || !(d.flags & VRING_DESC_F_NEXT))
			return error;
		if (d.next >= r->conf.size)
			return VNICD_RING_ERROR_NEXT;
		i = d.next;
	}
	return VNICD_RING_ERROR_LOOP;
}

/* Look what the driver has made available: no more than the ring holds, those that it has not got back included. */
static int look(struct vnicd_ring *r)
{
	uint16_t out = (uint16_t)(r->avail - r->used + r->pending);

	r->seen = ring_load16(&ring_avail(r)->idx);
	if ((uint16_t)(r->seen - r->avail) > (uint16_t)(r->conf.size - out)) {
		r->seen = r->avail;
		return ring_fail(r, VNICD_RING_ERROR_INDEX);
	}
	if (r->seen == r->avail)
		return 0;
	rte_smp_rmb(); /* index before what it announces */
	return 1;
}

int ring_split_next(struct vnicd_ring *r, struct ring_gather *g)
{
	enum vnicd_ring_error error;

	if (unlikely(r->track != NULL) && ring_track_next(r->track, &g->c->id)) {
		g->c->again = true;
	} else {
		int rc = r->seen == r->avail ? look(r) : 1;

		if (rc <= 0)
			return rc;
		g->c->id = ring_load16(&ring_avail(r)->ring[r->avail & (r->conf.size - 1)]);
		if (g->c->id >= r->conf.size)
			return ring_fail(r, VNICD_RING_ERROR_HEAD);
	}
	g->c->slots = 0;
	error = walk(r, g, g->c->id);
	if (error != VNICD_RING_ERROR_NONE)
		return ring_fail(r, error);
	if (unlikely(g->c->again))
		r->track->at_again++;
	else
		r->avail++;
	return 1;
}

static void write_entry(struct vnicd_ring *r, uint16_t at, uint32_t id, uint32_t len)
{
	struct vring_used_elem *e = &ring_used(r)->ring[at & (r->conf.size - 1)];

	__atomic_store_n(&e->id, rte_cpu_to_le_32(id), __ATOMIC_RELAXED);
	__atomic_store_n(&e->len, rte_cpu_to_le_32(len), __ATOMIC_RELAXED);
}

static void end_batch(struct vnicd_ring *r)
{
	if (r->batch > 0)
		write_entry(r, r->batch_at, r->batch_id, 0);
	r->batch = 0;
}

void ring_split_used(struct vnicd_ring *r, const struct vnicd_chain *c, uint32_t len)
{
	uint32_t id = c->id;

	if (r->conf.in_order && c->n_in == 0 && r->lie == NULL) {
		if (r->batch++ == 0)
			r->batch_at = r->used;
		r->batch_id = c->id;
	} else {
		end_batch(r);
		if (unlikely(r->lie != NULL))
			ring_lie_entry(r, c, &id, &len);
		write_entry(r, r->used, id, len);
	}
	r->last_id = c->id;
	r->has_last = true;
	r->used++;
}

void ring_split_publish(struct vnicd_ring *r)
{
	uint16_t idx = r->used;

	end_batch(r);
	if (unlikely(r->lie != NULL))
		idx = (uint16_t)(idx + ring_lie_jump(r));
	/* release: entries before the index */
	__atomic_store_n(&ring_used(r)->idx, rte_cpu_to_le_16(idx), __ATOMIC_RELEASE);
}

bool ring_split_should_call(struct vnicd_ring *r)
{
	uint16_t now = (uint16_t)(r->used - r->pending), old = r->called;

	r->called = now;
	if (now == old && !r->call_always)
		return false;
	if (!r->conf.event_idx)
		return (ring_load16(&ring_avail(r)->flags) & VRING_AVAIL_F_NO_INTERRUPT) == 0;
	if (r->call_always) {
		r->call_always = false;
		return true;
	}
	return vring_need_event(ring_load16(vring_used_event(ring_avail(r), r->conf.size)), now, old);
}

void ring_split_want_kick(struct vnicd_ring *r, bool on, uint16_t ahead)
{
	uint8_t want = on ? RING_WANT_ON : RING_WANT_OFF;

	if (r->conf.event_idx) {
		/* "Off" is an event that has passed: the driver kicks once at most. */
		if (on)
			ring_store16(vring_avail_event(ring_used(r), r->conf.size), (uint16_t)(r->avail + ahead));
	} else if (want != r->want) {
		ring_store16(&ring_used(r)->flags, on ? 0 : VRING_USED_F_NO_NOTIFY);
	}
	r->want = want;
}

bool ring_split_has(const struct vnicd_ring *r, uint16_t n)
{
	return (uint16_t)(ring_load16(&ring_avail(r)->idx) - r->avail) >= n;
}

uint16_t ring_split_waiting(const struct vnicd_ring *r)
{
	uint16_t n = (uint16_t)(ring_load16(&ring_avail(r)->idx) - r->avail);

	return n < r->conf.size ? n : r->conf.size;
}
