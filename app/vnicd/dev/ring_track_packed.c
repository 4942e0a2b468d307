/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Chains under way of packed rings. Used entries overwrite descriptors of the
 * ring, so that each is copied when it is taken.
 */
#include <stdlib.h>

#include "app/vnicd/dev/ring_track_private.h"

#define NONE 0xffffu

static struct inflight_packed *region_of(const struct ring_track *t)
{
	return t->region;
}

/* Both halves of what is rolled back, or not, by who comes next. */
static void settle(const struct vnicd_ring *r, struct inflight_packed *p)
{
	p->old_free_head = p->free_head = r->track->free_head;
	p->old_used_idx = p->used_idx = r->used;
	p->old_used_wrap = p->used_wrap = r->used_wrap;
}

void track_packed_begin(struct vnicd_ring *r)
{
	struct ring_track *t = r->track;
	struct inflight_packed *p = region_of(t);

	memset(p, 0, sizeof(*p) + r->conf.size * sizeof(p->desc[0]));
	p->desc_num = r->conf.size;
	for (uint32_t i = 0; i < r->conf.size; i++)
		p->desc[i].next = t->next[i] = (uint16_t)(i + 1);
	t->free_head = 0;
	settle(r, p);
	rte_compiler_barrier(); /* all of it before it counts */
	p->version = INFLIGHT_VERSION;
}

/* ---- going on ------------------------------------------------------------------ */
/* Was what is marked as used last told to the driver? Then it is so; else it has not been done. */
static int commit_or_roll_back(const struct vnicd_ring *r, struct inflight_packed *p)
{
	const struct vring_packed_desc *ring = r->conf.desc;
	uint16_t at = p->old_used_idx;
	bool under_way = p->used_idx != at || p->used_wrap != p->old_used_wrap;

	if (at >= r->conf.size || p->used_idx >= r->conf.size || p->used_wrap > 1 || p->old_used_wrap > 1)
		return -EINVAL;
	if (under_way && !vring_packed_is_avail(ring_load16(&ring[at].flags), p->old_used_wrap != 0)) {
		p->old_free_head = p->free_head;
		p->old_used_idx = p->used_idx;
		p->old_used_wrap = p->used_wrap;
	}
	p->free_head = p->old_free_head;
	p->used_idx = p->old_used_idx;
	p->used_wrap = p->old_used_wrap;
	return 0;
}

static void clear_free_list(const struct vnicd_ring *r, struct inflight_packed *p)
{
	uint16_t at = p->free_head;

	for (uint32_t n = 0; n < r->conf.size && at < r->conf.size; n++) {
		p->desc[at].inflight = 0;
		at = p->desc[at].next;
	}
}

/* The entries of a chain into the lists of our own; how many, 0: there is no such chain. owned: entries of chains. */
static uint16_t adopt_chain(struct vnicd_ring *r, const struct inflight_packed *p, uint16_t first, bool *owned)
{
	struct ring_track *t = r->track;
	uint16_t n = p->desc[first].num, at = first, last = first;

	if (n == 0 || n > r->conf.size)
		return 0;
	for (uint16_t i = 0; i < n; i++) {
		uint16_t next;

		if (at >= r->conf.size || owned[at])
			return 0;
		owned[at] = true;
		next = p->desc[at].next;
		t->next[at] = next;
		last = at;
		at = next;
	}
	t->last[first] = last;
	return n;
}

/* All entries that are of no chain. */
static void rebuild_free_list(struct vnicd_ring *r, struct inflight_packed *p, const bool *owned)
{
	struct ring_track *t = r->track;
	uint16_t head = r->conf.size;

	for (uint16_t i = r->conf.size; i-- > 0;) {
		if (owned[i])
			continue;
		p->desc[i].inflight = 0;
		p->desc[i].next = t->next[i] = head;
		head = i;
	}
	t->free_head = head;
}

/*
 * The process before may have marked entries behind one that it never came to mark: with the next
 * one of ours the driver would see them, too.
 */
static void unmark(struct vnicd_ring *r, uint32_t slots)
{
	struct vring_packed_desc *ring = r->conf.desc;
	uint16_t at = r->used;
	bool wrap = r->used_wrap;

	while (slots-- > 0) {
		ring_store16(&ring[at].flags, vring_packed_avail_flags(wrap));
		ring_packed_step(r, &at, &wrap, 1);
	}
}

static int adopt_all(struct vnicd_ring *r, struct inflight_packed *p, struct track_found *found, bool *owned)
{
	uint32_t slots = 0;
	uint16_t n = 0;

	for (uint16_t i = 0; i < r->conf.size; i++) {
		uint16_t len;

		if (p->desc[i].inflight == 0)
			continue;
		len = adopt_chain(r, p, i, owned);
		if (len == 0)
			return -EINVAL; /* no more slots than entries, of which each is of one chain */
		slots += len;
		found[n++] = (struct track_found){ p->desc[i].counter, i };
	}
	rebuild_free_list(r, p, owned);
	track_order(r->track, found, n);
	r->used = r->avail = p->used_idx;
	r->used_wrap = r->avail_wrap = p->used_wrap != 0;
	ring_packed_step(r, &r->avail, &r->avail_wrap, (uint16_t)slots);
	r->taken = (uint16_t)slots;
	unmark(r, slots);
	settle(r, p);
	return 0;
}

int track_packed_recover(struct vnicd_ring *r)
{
	struct inflight_packed *p = region_of(r->track);
	struct track_found *found = track_found_alloc(r->conf.size);
	bool *owned = calloc(r->conf.size, sizeof(*owned));
	int rc = found == NULL || owned == NULL ? -ENOMEM : commit_or_roll_back(r, p);

	if (rc == 0) {
		clear_free_list(r, p);
		rc = adopt_all(r, p, found, owned);
	}
	free(found);
	free(owned);
	return rc;
}

/* ---- at work --------------------------------------------------------------------- */
static void copy(struct inflight_packed_desc *e, const struct ring_desc *d)
{
	e->addr = d->addr;
	e->len = d->len;
	e->flags = d->flags;
	e->id = d->next;
}

void track_packed_taken(struct vnicd_ring *r, struct vnicd_chain *c)
{
	struct ring_track *t = r->track;
	struct inflight_packed *p = region_of(t);
	uint16_t first = t->free_head, at = first, last = first, slot = r->avail;
	bool wrap = r->avail_wrap;

	/* r stands behind the chain already */
	if (slot < c->slots) {
		slot = (uint16_t)(slot + r->conf.size);
		wrap = !wrap;
	}
	slot = (uint16_t)(slot - c->slots);
	for (uint16_t i = 0; i < c->slots; i++) {
		struct ring_desc d = ring_load_packed(r->conf.desc, slot);

		copy(&p->desc[at], &d);
		last = at;
		at = t->next[at];
		ring_packed_step(r, &slot, &wrap, 1);
	}
	t->last[first] = last;
	t->free_head = at;
	c->entry = first;
	p->desc[first].num = c->slots;
	p->desc[first].last = last;
	p->desc[first].counter = t->counter++;
	p->desc[first].inflight = 1;
	p->free_head = at;
	rte_compiler_barrier(); /* with this it is taken: until then it is a free entry whose mark does not count */
	p->old_free_head = at;
}

void track_packed_undone(struct vnicd_ring *r, const struct vnicd_chain *c)
{
	struct ring_track *t = r->track;
	struct inflight_packed *p = region_of(t);
	uint16_t last = t->last[c->entry];

	p->desc[c->entry].inflight = 0;
	p->desc[last].next = t->next[last] = t->free_head;
	rte_compiler_barrier();
	p->old_free_head = p->free_head = t->free_head = c->entry;
}

void track_packed_publish(struct vnicd_ring *r)
{
	struct ring_track *t = r->track;
	struct inflight_packed *p = region_of(t);

	for (uint16_t i = 0; i < t->n_batch; i++) {
		uint16_t first = t->batch[i], last = t->last[first];

		p->desc[last].next = t->next[last] = t->free_head;
		t->free_head = first;
	}
	p->free_head = t->free_head;
	p->used_idx = r->used;
	p->used_wrap = r->used_wrap;
}

void track_packed_published(struct vnicd_ring *r)
{
	struct ring_track *t = r->track;
	struct inflight_packed *p = region_of(t);

	for (uint16_t i = 0; i < t->n_batch; i++)
		p->desc[t->batch[i]].inflight = 0;
	rte_compiler_barrier(); /* until here they are entries of the free list */
	settle(r, p);
}

struct ring_desc ring_track_desc(const struct vnicd_ring *r, uint16_t at)
{
	const struct inflight_packed_desc *e = &region_of(r->track)->desc[at];
	struct ring_desc d = { e->addr, e->len, e->flags, e->id };

	rte_compiler_barrier(); /* what is checked is what is used */
	return d;
}
