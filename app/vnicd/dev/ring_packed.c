/* SPDX-License-Identifier: BSD-3-Clause */
/* Packed virtqueues, device side (virtio 1.2, 2.8). */
#include "app/vnicd/dev/ring_private.h"
#include "app/vnicd/dev/ring_track.h"

static struct vring_packed_desc *slot(const struct vnicd_ring *r, uint16_t at)
{
	return (struct vring_packed_desc *)r->conf.desc + at;
}

int ring_packed_start(struct vnicd_ring *r)
{
	if ((r->conf.base & 0x7fff) >= r->conf.size || (r->conf.used_base & 0x7fff) >= r->conf.size)
		return -EINVAL;
	r->avail = r->used = r->conf.used_base & 0x7fff;
	r->avail_wrap = r->used_wrap = r->conf.used_base >> 15;
	r->call_always = r->conf.used_base != 0x8000;
	return 0;
}

/* Only WRITE counts in a table, which is in order (2.8.7). */
static enum vnicd_ring_error walk_table(const struct vnicd_ring *r, struct ring_gather *g,
					const struct ring_desc *d)
{
	uint32_t n = d->len / 16;
	const void *table;

	if (!r->conf.indirect || (d->flags & VRING_DESC_F_NEXT) || n == 0 || d->len % 16 != 0 || n > VRING_SIZE_MAX)
		return VNICD_RING_ERROR_INDIRECT;
	table = vnicd_memory_guest(r->memory, d->addr, d->len);
	if (table == NULL)
		return VNICD_RING_ERROR_ADDRESS;
	for (uint32_t i = 0; i < n; i++) {
		struct ring_desc e = ring_load_packed(table, i);
		enum vnicd_ring_error error;

		if (r->conf.read_only)
			e.flags &= (uint16_t)~VRING_DESC_F_WRITE;
		error = ring_gather_desc(r, g, &e);
		if (error != VNICD_RING_ERROR_NONE)
			return error;
	}
	return VNICD_RING_ERROR_NONE;
}

static enum vnicd_ring_error gather(const struct vnicd_ring *r, struct ring_gather *g, const struct ring_desc *d)
{
	g->c->slots++;
	if (!(d->flags & VRING_DESC_F_INDIRECT))
		return ring_gather_desc(r, g, d);
	return g->c->slots > 1 ? VNICD_RING_ERROR_INDIRECT : walk_table(r, g, d);
}

/* A chain that was under way when the ring started: its descriptors are no longer in the ring. */
static int next_again(struct vnicd_ring *r, struct ring_gather *g, uint16_t at)
{
	struct ring_track *t = r->track;
	uint16_t last = t->last[at];
	struct ring_desc d;

	g->c->slots = 0;
	g->c->entry = at;
	g->c->again = true;
	for (bool more = true; more; at = t->next[at]) {
		enum vnicd_ring_error error;

		d = ring_track_desc(r, at);
		error = gather(r, g, &d);
		if (error != VNICD_RING_ERROR_NONE)
			return ring_fail(r, error);
		more = at != last;
	}
	g->c->id = d.next;
	if (g->c->id >= r->conf.size)
		return ring_fail(r, VNICD_RING_ERROR_ID);
	t->at_again++;
	return 1;
}

int ring_packed_next(struct vnicd_ring *r, struct ring_gather *g)
{
	uint16_t at = r->avail, flags = ring_load16(&slot(r, at)->flags);
	int out = r->taken + r->pending_slots; /* the driver has not got them back */
	bool wrap = r->avail_wrap;
	enum vnicd_ring_error error;
	struct ring_desc d;

	if (unlikely(r->track != NULL) && ring_track_next(r->track, &at))
		return next_again(r, g, at);
	if (!vring_packed_is_avail(flags, wrap))
		return 0;
	rte_smp_rmb(); /* the head's flags before the rest */
	g->c->slots = 0;
	do {
		/* The slots of chains not given back are not the driver's to fill. */
		if (g->c->slots >= r->conf.size - out)
			return ring_fail(r, out > 0 ? VNICD_RING_ERROR_INDEX : VNICD_RING_ERROR_LOOP);
		d = ring_load_packed(r->conf.desc, at);
		error = gather(r, g, &d);
		if (error != VNICD_RING_ERROR_NONE)
			return ring_fail(r, error);
		ring_packed_step(r, &at, &wrap, 1);
	} while (d.flags & VRING_DESC_F_NEXT);
	g->c->id = d.next; /* the last one's counts */
	if (g->c->id >= r->conf.size)
		return ring_fail(r, VNICD_RING_ERROR_ID);
	r->avail = at;
	r->avail_wrap = wrap;
	r->taken = (uint16_t)(r->taken + g->c->slots);
	return 1;
}

void ring_packed_undo(struct vnicd_ring *r, const struct vnicd_chain *c)
{
	if (r->avail < c->slots) {
		r->avail = (uint16_t)(r->avail + r->conf.size);
		r->avail_wrap = !r->avail_wrap;
	}
	r->avail = (uint16_t)(r->avail - c->slots);
	r->taken = (uint16_t)(r->taken - c->slots);
}

/* The flags of the first entry since the last publish wait for it: the driver that sees them sees all. */
static void write_entry(struct vnicd_ring *r, uint16_t at, bool wrap, uint32_t id, uint32_t len, bool write)
{
	struct vring_packed_desc *d = slot(r, at);
	uint16_t flags = (uint16_t)(vring_packed_used_flags(wrap) | (write ? VRING_DESC_F_WRITE : 0));

	__atomic_store_n(&d->id, rte_cpu_to_le_16((uint16_t)id), __ATOMIC_RELAXED);
	__atomic_store_n(&d->len, rte_cpu_to_le_32(len), __ATOMIC_RELAXED);
	if (!r->head_due) {
		r->head_due = true;
		r->head_at = at;
		r->head_flags = flags;
	} else {
		ring_store16(&d->flags, flags);
	}
}

static void end_batch(struct vnicd_ring *r)
{
	if (r->batch > 0)
		write_entry(r, r->batch_at, r->batch_wrap, r->batch_id, 0, false);
	r->batch = 0;
}

void ring_packed_used(struct vnicd_ring *r, const struct vnicd_chain *c, uint32_t len)
{
	uint32_t id = c->id;

	if (r->conf.in_order && c->n_in == 0 && r->lie == NULL) {
		if (r->batch++ == 0) {
			r->batch_at = r->used;
			r->batch_wrap = r->used_wrap;
		}
		r->batch_id = c->id;
	} else {
		end_batch(r);
		if (unlikely(r->lie != NULL))
			ring_lie_entry(r, c, &id, &len);
		write_entry(r, r->used, r->used_wrap, id, len, c->n_in > 0);
	}
	r->last_id = c->id;
	r->has_last = true;
	ring_packed_step(r, &r->used, &r->used_wrap, c->slots);
	r->taken = (uint16_t)(r->taken - c->slots);
	r->pending_slots = (uint16_t)(r->pending_slots + c->slots);
}

void ring_packed_publish(struct vnicd_ring *r)
{
	uint32_t since = (uint32_t)r->called + r->pending_slots;

	end_batch(r);
	/* One more that is not due, of an id that has just been given back. */
	if (unlikely(r->lie != NULL) && ring_lie_jump(r) != 0)
		write_entry(r, r->used, r->used_wrap, r->last_id, 0, false);
	__atomic_store_n(&slot(r, r->head_at)->flags, rte_cpu_to_le_16(r->head_flags), __ATOMIC_RELEASE);
	r->head_due = false;
	r->called = since < r->conf.size ? (uint16_t)since : r->conf.size;
}

bool ring_packed_should_call(struct vnicd_ring *r)
{
	const struct vring_packed_event *e = r->conf.driver;
	uint16_t since = r->called, flags = ring_load16(&e->flags) & 3, at = r->used;
	bool wrap = r->used_wrap;

	r->called = 0;
	if (since == 0 && !r->call_always)
		return false;
	if (flags == VRING_EVENT_DISABLE)
		return false;
	if (flags != VRING_EVENT_DESC || !r->conf.event_idx || r->call_always) {
		r->call_always = false;
		return true;
	}
	rte_smp_rmb(); /* flags before the position they speak of */
	if (r->pending_slots > 0) { /* where the last publish ended */
		if (at < r->pending_slots) {
			at = (uint16_t)(at + r->conf.size);
			wrap = !wrap;
		}
		at = (uint16_t)(at - r->pending_slots);
	}
	return vring_packed_need_event(ring_load16(&e->off_wrap), at, wrap, since, r->conf.size);
}

void ring_packed_want_kick(struct vnicd_ring *r, bool on, uint16_t ahead)
{
	struct vring_packed_event *e = r->conf.device;
	uint8_t want = on ? RING_WANT_ON : RING_WANT_OFF;

	if (on && r->conf.event_idx) {
		uint16_t at = r->avail;
		bool wrap = r->avail_wrap;

		ring_packed_step(r, &at, &wrap, RTE_MIN(ahead, r->conf.size));
		ring_store16(&e->off_wrap, (uint16_t)(at | (uint16_t)wrap << 15));
		rte_smp_wmb(); /* the position before the flags that speak of it */
	}
	if (want != r->want)
		ring_store16(&e->flags, !on ? VRING_EVENT_DISABLE :
						r->conf.event_idx ? VRING_EVENT_DESC : VRING_EVENT_ENABLE);
	r->want = want;
}

bool ring_packed_id_at(const struct vnicd_ring *r, uint16_t at, bool wrap, uint16_t *id, uint16_t *slots)
{
	*slots = 0;
	while (*slots < r->conf.size) {
		struct ring_desc d = ring_load_packed(r->conf.desc, at);

		if (*slots == 0 && !vring_packed_is_avail(d.flags, wrap))
			return false;
		ring_packed_step(r, &at, &wrap, 1);
		(*slots)++;
		*id = d.next;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return true;
	}
	return false;
}

/* A driver makes descriptors available in their order: the last one speaks for all. */
bool ring_packed_has(const struct vnicd_ring *r, uint16_t n)
{
	uint16_t at = r->avail;
	bool wrap = r->avail_wrap;

	if (n > r->conf.size - r->taken)
		return false;
	ring_packed_step(r, &at, &wrap, (uint16_t)(n - 1));
	return vring_packed_is_avail(ring_load16(&slot(r, at)->flags), wrap);
}

uint16_t ring_packed_waiting(const struct vnicd_ring *r)
{
	uint16_t at = r->avail, n = 0, id, slots;
	uint32_t left = r->conf.size - r->taken;
	bool wrap = r->avail_wrap;

	while (left > 0 && ring_packed_id_at(r, at, wrap, &id, &slots) && slots <= left) {
		left -= slots;
		ring_packed_step(r, &at, &wrap, slots);
		n++;
	}
	return n;
}
