/* SPDX-License-Identifier: BSD-3-Clause */
/* What the two files of ring_track.h share. */
#ifndef VNICD_RING_TRACK_PRIVATE_H
#define VNICD_RING_TRACK_PRIVATE_H

#include "app/vnicd/dev/ring_private.h"
#include "app/vnicd/dev/ring_track.h"

/* A chain found under way. */
struct track_found {
	uint64_t counter;
	uint16_t at;
};
/* Room for as many as the ring has descriptors; NULL. */
struct track_found *track_found_alloc(uint16_t size);
/* Sort them by age; they are what is taken first. */
void track_order(struct ring_track *t, struct track_found *found, uint16_t n);

void track_packed_begin(struct vnicd_ring *r);
int track_packed_recover(struct vnicd_ring *r);
void track_packed_taken(struct vnicd_ring *r, struct vnicd_chain *c);
void track_packed_undone(struct vnicd_ring *r, const struct vnicd_chain *c);
void track_packed_publish(struct vnicd_ring *r);
void track_packed_published(struct vnicd_ring *r);

#endif
