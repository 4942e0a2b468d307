/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of dim share; nobody else includes it. */
#ifndef DIM_PRIVATE_H
#define DIM_PRIVATE_H

#include "pmd/dim/dim.h"

/* Events between two samples. */
uint32_t dim_events(const struct dim_sample *from, const struct dim_sample *to, uint8_t flags);

/* Turn round while going; steps of the new direction begin at 0. Parked: nothing. */
void dim_turn(struct dim *d);
/* One profile in the direction of going, counted. False at the end of the table. */
bool dim_move(struct dim *d);

/* Improvements; without their flags, what Linux does. */
/* Parked on top: whether a window with this verdict ends that. Counts, and may mend the reference. */
bool dim_leaves(struct dim *d, const struct dim_rates *r, enum dim_verdict v);
/* Where a walk begins. */
enum dim_tune dim_direction(const struct dim *d, const struct dim_rates *r);
/* Going: whether the walk ends on a flat place; index is then its left one. */
bool dim_flat(struct dim *d, enum dim_verdict v);

#endif
