/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Dynamic interrupt moderation, as Linux's NetDIM does it: an ordered list of
 * profiles, from low latency (index 0) to few events (the last); after each window of
 * events the rates are compared with those of the window before, and the index
 * climbs towards what is better. Pure functions on memory of the caller: no
 * clock, no device, no allocation, no floating point. One thread per object.
 *
 * What an event is, is the caller's choice: an interrupt, a wake that found
 * packets, a poll that was not empty. Empty polls are not events.
 */
#ifndef DIM_H
#define DIM_H

#include <stdbool.h>
#include <stdint.h>

#define DIM_EVENTS       64   /* events of a window */
#define DIM_PROFILES     5    /* of the tables for network queues */
#define DIM_PROFILES_MAX 16
#define DIM_TIRED        (2 * DIM_PROFILES) /* steps without a result: twice the profiles there are */
#define DIM_WINDOW_MAX_US 10000000u /* a longer window says nothing and is discarded */

enum dim_run {
	DIM_START_MEASURE,
	DIM_MEASURE_IN_PROGRESS,
	DIM_APPLY_NEW_PROFILE, /* until dim_applied() */
};
enum dim_tune {
	DIM_PARKING_ON_TOP,
	DIM_PARKING_TIRED,
	DIM_GOING_RIGHT,
	DIM_GOING_LEFT,
};

/* Improvements on the rules of Linux; 0 is Linux's behaviour to the bit. */
#define DIM_FINE   0x01u /* rates per second, of the events there were */
/* Of two profiles that are the same the left one is kept, and the next is tried after 64 windows,
 * then 128 ... 8192 as long as they are. */
#define DIM_FLAT   0x02u
/* A walk begins where the load says: right, but for less load left. At the end of the table
 * there is no walk. */
#define DIM_CAUSE  0x04u
/* Leaving a park takes two windows in a row that agree, and its reference is the mean of its
 * first 8 windows; the first traffic of all decides at once. */
#define DIM_STEADY 0x08u
#define DIM_ALL    0x0fu
/* No improvement: the caller's event counter has 16 bits, as Linux's has. */
#define DIM_EVENTS16 0x10u

/* Running counters of the queue; they may wrap at 2^32 (events with DIM_EVENTS16 at 2^16), time must not. */
struct dim_sample {
	uint64_t us;
	uint32_t packets, bytes, events, comps;
};

/*
 * Rates of a window, per millisecond and rounded up; epms is that of DIM_EVENTS events,
 * however many there were. With DIM_FINE all four are per second, and epms is that of
 * the events there were. comps/events in per cent, rounded down.
 */
struct dim_rates {
	uint64_t ppms, bpms, epms, cpms;
	uint32_t cpe_ratio;
};

struct dim {
	uint8_t run, tune;        /* enum dim_run, enum dim_tune */
	uint8_t index, before;    /* profile; the one in force until dim_applied() */
	uint8_t profiles;         /* how many there are, 2 to DIM_PROFILES_MAX */
	uint8_t steps_right, steps_left, tired;
	uint8_t flags;            /* DIM_FINE ... */
	struct dim_rates prev;
	struct dim_sample start;
	/* of the improvements */
	uint32_t rest, rest_next; /* windows until a flat place is left; of the last one */
	uint8_t settled;          /* windows of this park whose mean prev is */
	uint8_t agree;            /* windows in a row that wanted to leave; sign in agree_dir */
	int8_t agree_dir;
	uint32_t windows, changes; /* since dim_init(), for people */
};

void dim_init(struct dim *d, uint8_t profiles, uint8_t index, uint8_t flags);

/* Gap of two samples as rates; false: no time went by, or more than DIM_WINDOW_MAX_US (or
 * time ran backwards). Of flags DIM_FINE and DIM_EVENTS16 count. */
bool dim_rates(const struct dim_sample *from, const struct dim_sample *to, uint8_t flags,
	       struct dim_rates *out);

/* Whether value differs from a reference that is not 0 by more than 10 per cent of it, the
 * per cents rounded down: by 11 or more. */
bool dim_differs(uint64_t value, uint64_t reference);

enum dim_verdict { DIM_SAME, DIM_BETTER, DIM_WORSE };
/* More octets are better, else more packets are, else fewer events are. */
enum dim_verdict dim_compare(const struct dim_rates *now, const struct dim_rates *before);

/* One window's decision: true when the index has changed; d->before is what it was. */
bool dim_decide(struct dim *d, const struct dim_rates *r);

/*
 * The caller's loop: called with the running counters after work was done. True: the
 * index has changed, the caller applies the profile and calls dim_applied()
 * whatever comes of it. False otherwise, at the cost of a comparison
 * unless a window is full.
 */
bool dim_update(struct dim *d, const struct dim_sample *now);
/*
 * The profile is in force (ok), or could not be set: the index goes back to what it was,
 * and the walk goes on from there. Measuring starts anew with the next dim_update(). To be
 * called whatever has become of the profile, for until then no window is looked at; without
 * effect while nothing waits for it, so an answer that comes after dim_idle() does no harm.
 */
void dim_applied(struct dim *d, bool ok);
/* Nothing has happened for long, or the queue begins anew: park at index, forget the rates and
 * what waits for dim_applied(), and let the first traffic decide afresh. */
void dim_idle(struct dim *d, uint8_t index);

/*
 * The variant for completion queues (Linux's rdma_dim): d->profiles of 9, begins at index
 * 0 going right, never parks; few completions an event lead to index 0 at once.
 */
#define DIM_RDMA_PROFILES 9
void dim_rdma_init(struct dim *d);
enum dim_verdict dim_rdma_compare(const struct dim_rates *now, const struct dim_rates *before);
bool dim_rdma_decide(struct dim *d, const struct dim_rates *r);
/* dim_update() for it: an event is a poll that had completions, packets and bytes are not looked at. */
bool dim_rdma_update(struct dim *d, const struct dim_sample *now);

/* Linux's tables. Timers started by the first event, or by each completion. */
struct dim_profile {
	uint16_t usecs, packets;
};
extern const struct dim_profile dim_rx_eqe[DIM_PROFILES], dim_rx_cqe[DIM_PROFILES], dim_tx_eqe[DIM_PROFILES],
	dim_tx_cqe[DIM_PROFILES], dim_rdma[DIM_RDMA_PROFILES];

#endif
