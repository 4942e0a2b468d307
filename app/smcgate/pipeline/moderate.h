/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a receive queue trades latency for work: busy-poll, one profile, or the profile
 * that NetDIM finds (pmd/dim/dim.h). One index stands for one tuple of everything that
 * moderates the queue: how long its lcore spins, how long it sleeps, and how long the
 * device waits before it interrupts.
 *
 * An event is what a wake costs the lcore: a wake that found packets, or a poll that did after 64 turns,
 * empty or not, since the last such. So fewer events are less work, and a profile that lets the
 * lcore rest can be told from one that has it spin. Without packets no event is counted, and nothing
 * is decided. Each 64 events are a window, one in which the lcore never rested lasts 4 ms besides, for
 * 64 events are over in less than one and that is chance; after it
 * rates are taken and, in adaptive mode, a decision is made. It goes to the device
 * (vnic_coal_post()) only when the queue's interrupts were armed within the window; a queue that
 * spins sends no command at all: its decision is the lcore's back-off's, for when there is less
 * to do, and the device hears of it with the first sleep.
 *
 * The bound of who gives none is backoff_bound_us()'s, by the lcore that polls the queue.
 *
 * A queue's state belongs to the lcore that polls it; everything here runs on that lcore, or
 * while it does not run.
 */
#ifndef PIPELINE_MODERATE_H
#define PIPELINE_MODERATE_H

#include <stdbool.h>
#include <stdint.h>

#include "app/smcgate/pipeline/pipeline.h"
#include "pmd/dim/backoff.h"
#include "pmd/dim/dim.h"
#include "pmd/virtio/vnic.h"

#define MODERATE_SPINNING 64         /* turns that count like a wake */
#define MODERATE_POLLED_US 4000      /* least window without a rest */
#define MODERATE_IDLE_US 100000      /* without a packet: back to the first profile */
#define MODERATE_POST_US 5000        /* a queue asks its device at most that often */
#define MODERATE_ANSWER_US 5000000   /* a device that has not answered by then has refused */
#define MODERATE_HOLD_US 1000000     /* after a refusal; doubles up to */
#define MODERATE_HOLD_MAX_US 60000000u
#define MODERATE_ERRORS_MAX 8        /* refusals after which a queue keeps its profile */
#define MODERATE_NAP_MIN_US 20       /* a shorter nap costs more than the wake it saves */
#define MODERATE_COAL_MIN_US 4       /* a device is not asked to wait less: it may round up, and gains nothing */
#define MODERATE_DEFER 8             /* polls until the next look at an answer */

/* The device's side; NULL: it does not coalesce. Tests have one of their own. */
struct moderate_device {
	int (*post)(uint16_t port, uint16_t queue, const struct vnic_coal *c);
	enum vnic_coal_state (*state)(uint16_t port, uint16_t queue);
};

struct moderate {
	/* every poll that was not empty */
	uint64_t last_us;             /* the last one; with the lcore's clock */
	uint32_t events, packets, bytes; /* of all, may wrap */
	uint32_t looked;              /* events when a window was last looked at */
	uint32_t rests, turns;        /* the lcore's numbers of rests, and of turns at the last event */
	/* before each sleep */
	bool armed;                   /* its interrupts, since the window began */
	bool open;                    /* the device may be asked */
	bool due;                     /* what the device does is not what the profile says */
	bool pending;                 /* it has been asked */
	uint64_t idle_us;             /* last_us when it was last found idle */
	uint64_t hold_us;             /* not asked before that */
	/* every window */
	enum config_moderate mode;
	uint8_t profile;              /* of static; begin of adaptive */
	bool given_up;                /* too many refusals: adaptive stays where it is */
	bool intr;                    /* the queue has interrupts to sleep on; idle.c's to say */
	bool on;                      /* its port runs */
	bool given;                   /* max_latency_us is; otherwise it is the lcore's choice */
	uint32_t max_latency_us;
	uint32_t most_us;             /* where it is not given, what profiles may have */
	uint32_t wake_us;             /* of it what waking the lcore takes; idle.c's to say */
	uint32_t ring;                /* the queue's descriptors, likewise */
	struct dim dim;
	struct dim_sample start;      /* of the window */
	uint32_t start_rests;         /* the lcore's number of rests then */
	struct dim_rates rates;       /* of the last one, per second */
	struct vnic_coal asked, in_force;
	bool known;                   /* in_force is */
	uint64_t asked_us;
	uint32_t errors;              /* in a row */
	uint32_t hold;                /* us of the last one */
	struct config_profile profiles[CONFIG_MAX_PROFILES]; /* told.profiles of them */
	const struct moderate_device *dev;
	uint16_t id, queue;           /* ethdev's */
	struct pipeline_moderation_info told; /* counters, history; the rest is filled when asked for */
};

/* The mode is kept, all else begins afresh. now: the lcore's clock. */
void moderate_start(struct moderate *m, uint16_t id, uint16_t queue, const struct moderate_device *dev, uint64_t now_us);
/* m is all zero. */
void moderate_init(struct moderate *m, const struct config_moderation *conf, const struct config_moderated_queue *q);
/* -EINVAL: no such profile. profile is of no meaning for busy-poll. */
int moderate_set(struct moderate *m, enum config_moderate mode, uint8_t profile, uint64_t now_us);

/* Its lcore, which waits for interrupts if each of its queues has them (intr: this one); ring: descriptors. */
void moderate_place(struct moderate *m, bool intr, bool interrupts, uint32_t ring, const struct backoff_machine *machine);

/* From now on. -ERANGE: a profile has more. */
int moderate_set_latency(struct moderate *m, uint32_t max_latency_us, uint64_t now_us);
/* Another profile i, from now on. -ENOENT: there is none; -ERANGE: more than max_latency_us; -EINVAL:
 * less latency than the one to the left, more than the one to the right, or the same. */
int moderate_set_profile(struct moderate *m, unsigned i, const struct config_profile *p, uint64_t now_us);

/* A window is over, or an answer is due. Returns whether what it allows its lcore may have changed. */
bool moderate_window(struct moderate *m, uint64_t now_us);

/* A poll gave n > 0 packets of so many octets; rests, turns: how many the lcore has made.
 * Returns the same. */
static inline bool moderate_poll(struct moderate *m, uint32_t rests, uint32_t turns, unsigned n, uint32_t bytes,
				 uint64_t now_us)
{
	m->last_us = now_us;
	m->packets += n;
	m->bytes += bytes;
	if (turns - m->turns >= MODERATE_SPINNING) {
		m->turns = turns;
		m->events++;
	}
	if (m->rests != rests) {
		m->rests = rests;
		m->events++;
	}
	return m->events - m->looked >= DIM_EVENTS && moderate_window(m, now_us);
}

/* The lcore is about to sleep; armed: on the queue's interrupts. Returns the same. */
bool moderate_sleep(struct moderate *m, bool armed, uint64_t now_us);

/* The profile in force. */
const struct config_profile *moderate_profile(const struct moderate *m);
/*
 * What all queues of an lcore allow it together: it rests only after the most patient one's
 * spin, as briefly as the least patient one asks, and not at all (bound_us 0) beside one
 * that is polled busily. interrupts is the caller's to say.
 */
void moderate_limits_init(struct backoff_limits *l);
void moderate_limits_add(struct backoff_limits *l, const struct moderate *m);

/* The device may wait so long before it interrupts: to be added to what the lcore waits. */
uint32_t moderate_device_us(const struct moderate *m);

#endif
