/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a ring that runs writes into the memory of inflight.h, and how it goes
 * on from what another left there. Each call is one step of the protocol's
 * lists; between any two instructions of it the process may end, and what was taken is then either used or taken
 * again by the next one, never both.
 */
#ifndef VNICD_RING_TRACK_H
#define VNICD_RING_TRACK_H

#include "app/vnicd/dev/inflight.h"
#include "app/vnicd/dev/ring.h"

struct ring_desc;

/* Private: the front end sees only copies. Arrays have an entry for each descriptor of the ring. */
struct ring_track {
	void *region;
	uint64_t counter;
	/* chains used since the last publish: their heads (split), their first entries (packed) */
	uint16_t *batch;
	uint16_t n_batch;
	/* what was under way when the ring started, oldest first, and how many of them have been taken again */
	uint16_t *again;
	uint16_t n_again, at_again;
	/* packed: entries' lists: free ones from free_head on, those of a chain from its first to its last */
	uint16_t *next, *last;
	uint16_t free_head;
	uint16_t slots;        /* packed: of the batch */
};

/* Begin on conf.inflight, for a ring that has been started otherwise: r's positions may change. -ENOMEM; -EINVAL:
 * what is there (with conf.inflight_recover) cannot be. */
int ring_track_start(struct vnicd_ring *r);
/* No more; what is there stays. */
void ring_track_end(struct vnicd_ring *r);
/* Nothing is under way any more: a ring that starts next is not to look. */
void ring_track_clear(struct vnicd_ring *r);

/* A chain taken from the ring, given back untaken, used. */
void ring_track_taken(struct vnicd_ring *r, struct vnicd_chain *c);
void ring_track_undone(struct vnicd_ring *r, const struct vnicd_chain *c);
void ring_track_used(struct vnicd_ring *r, const struct vnicd_chain *c);
/* Before and after the store that makes the batch visible to the driver. */
void ring_track_publish(struct vnicd_ring *r);
void ring_track_published(struct vnicd_ring *r);

/* The oldest chain that is to be taken again: its head or first entry; false: there is none (left). */
static inline bool ring_track_next(const struct ring_track *t, uint16_t *at)
{
	if (t->at_again == t->n_again)
		return false;
	*at = t->again[t->at_again];
	return true;
}
/* Packed: descriptor i (from 0) of the chain whose first entry is given, as it was; *at: where it is. */
struct ring_desc ring_track_desc(const struct vnicd_ring *r, uint16_t at);

#endif
