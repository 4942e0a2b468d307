/* SPDX-License-Identifier: BSD-3-Clause */
/* Chains under way, for the back end that comes after this one: what both kinds of ring share, and split rings. */
#include "app/vnicd/dev/ring_track.h"

#include <stdlib.h>

#include "app/vnicd/dev/ring_track_private.h"

static struct inflight_split *region_of(const struct ring_track *t)
{
	return t->region;
}

/* ---- split ------------------------------------------------------------------ */
/* The last batch was told to the driver, and its marks may not have been taken away. */
static void finish_batch(const struct vnicd_ring *r, struct inflight_split *s)
{
	uint16_t idx = ring_load16(&ring_used(r)->idx), n = (uint16_t)(idx - s->used_idx), i = s->last_batch_head;

	for (; n > 0 && n <= r->conf.size && i < r->conf.size; n--) {
		s->desc[i].inflight = 0;
		i = s->desc[i].next;
	}
	s->used_idx = idx;
}

static int split_recover(struct vnicd_ring *r)
{
	struct ring_track *t = r->track;
	struct inflight_split *s = region_of(t);
	struct track_found *found = track_found_alloc(r->conf.size);
	uint16_t n = 0;

	if (found == NULL)
		return -ENOMEM;
	finish_batch(r, s);
	for (uint16_t i = 0; i < r->conf.size; i++)
		if (s->desc[i].inflight != 0)
			found[n++] = (struct track_found){ s->desc[i].counter, i };
	track_order(t, found, n);
	free(found);
	/* They have left the ring; those behind them have not. */
	r->avail = r->seen = (uint16_t)(r->used + n);
	return 0;
}

static void split_begin(struct vnicd_ring *r)
{
	struct inflight_split *s = region_of(r->track);

	memset(s, 0, sizeof(*s) + r->conf.size * sizeof(s->desc[0]));
	s->desc_num = r->conf.size;
	s->used_idx = r->used;
	rte_compiler_barrier(); /* all of it before it counts */
	s->version = INFLIGHT_VERSION;
}

static void split_publish(struct vnicd_ring *r)
{
	struct ring_track *t = r->track;
	struct inflight_split *s = region_of(t);
	uint16_t before = s->last_batch_head;

	for (uint16_t i = 0; i < t->n_batch; i++) {
		s->desc[t->batch[i]].next = before;
		before = t->batch[i];
	}
	rte_compiler_barrier(); /* the list before its head */
	s->last_batch_head = before;
}

static void split_published(struct vnicd_ring *r)
{
	struct ring_track *t = r->track;
	struct inflight_split *s = region_of(t);

	for (uint16_t i = 0; i < t->n_batch; i++)
		s->desc[t->batch[i]].inflight = 0;
	rte_compiler_barrier(); /* until here the list counts */
	s->used_idx = r->used;
}

/* ---- both ------------------------------------------------------------------- */
struct track_found *track_found_alloc(uint16_t size)
{
	return calloc(size, sizeof(struct track_found));
}

static int older(const void *a, const void *b)
{
	const struct track_found *x = a, *y = b;

	return x->counter < y->counter ? -1 : x->counter > y->counter;
}

void track_order(struct ring_track *t, struct track_found *found, uint16_t n)
{
	qsort(found, n, sizeof(*found), older);
	for (uint16_t i = 0; i < n; i++)
		t->again[i] = found[i].at;
	t->n_again = n;
	t->at_again = 0;
	t->counter = n > 0 ? found[n - 1].counter + 1 : 0;
}

/* Something of this version was left there for a ring of this size. */
static bool left_behind(const struct vnicd_ring *r)
{
	const struct inflight_split *s = r->conf.inflight; /* these fields are the same of both */

	return r->conf.inflight_recover && s->version != 0;
}

static int recover(struct vnicd_ring *r)
{
	const struct inflight_split *s = r->conf.inflight;

	if (s->version != INFLIGHT_VERSION || s->desc_num != r->conf.size)
		return -EINVAL;
	return r->conf.packed ? track_packed_recover(r) : split_recover(r);
}

int ring_track_start(struct vnicd_ring *r)
{
	const unsigned n = r->conf.size;
	struct ring_track *t;
	int rc = 0;

	if (r->conf.inflight == NULL)
		return 0;
	t = calloc(1, sizeof(*t) + 4 * n * sizeof(uint16_t));
	if (t == NULL)
		return -ENOMEM;
	t->region = r->conf.inflight;
	t->batch = (uint16_t *)(t + 1);
	t->again = t->batch + n;
	t->next = t->again + n;
	t->last = t->next + n;
	r->track = t;
	if (left_behind(r))
		rc = recover(r);
	else if (r->conf.packed)
		track_packed_begin(r);
	else
		split_begin(r);
	r->call_always |= t->n_again > 0;
	if (rc < 0)
		ring_track_end(r);
	return rc;
}

void ring_track_end(struct vnicd_ring *r)
{
	free(r->track);
	r->track = NULL;
}

void ring_track_clear(struct vnicd_ring *r)
{
	if (r->track != NULL)
		region_of(r->track)->version = 0; /* at the same place in both */
}

void ring_track_taken(struct vnicd_ring *r, struct vnicd_chain *c)
{
	struct ring_track *t = r->track;
	struct inflight_split *s = region_of(t);

	if (r->conf.packed) {
		track_packed_taken(r, c);
		return;
	}
	s->desc[c->id].counter = t->counter++;
	rte_compiler_barrier(); /* its place in the order before it counts */
	s->desc[c->id].inflight = 1;
}

void ring_track_undone(struct vnicd_ring *r, const struct vnicd_chain *c)
{
	struct ring_track *t = r->track;

	if (c->again)
		t->at_again--;
	else if (r->conf.packed)
		track_packed_undone(r, c);
	else
		region_of(t)->desc[c->id].inflight = 0;
}

void ring_track_used(struct vnicd_ring *r, const struct vnicd_chain *c)
{
	struct ring_track *t = r->track;

	t->batch[t->n_batch++] = r->conf.packed ? c->entry : c->id;
	t->slots = (uint16_t)(t->slots + c->slots);
}

void ring_track_publish(struct vnicd_ring *r)
{
	if (r->conf.packed)
		track_packed_publish(r);
	else
		split_publish(r);
	rte_compiler_barrier();
}

void ring_track_published(struct vnicd_ring *r)
{
	rte_compiler_barrier();
	if (r->conf.packed)
		track_packed_published(r);
	else
		split_published(r);
	r->track->n_batch = 0;
	r->track->slots = 0;
}
