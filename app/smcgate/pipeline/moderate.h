/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a receive queue trades latency for work: busy-poll, one profile, or the profile
 * that NetDIM finds (pmd/dim/dim.h). One index stands for one tuple of everything that
 * moderates the queue: how long its lcore spins, how long it sleeps, and how long the
 * device waits before it interrupts.
 *
 * An event is a wake that found packets; while the lcore does not sleep, a poll that was not
 * empty. Each 64 of them are a window, after which rates are taken and, in adaptive mode, a
 * decision is made. It goes to the device (vnic_coal_post()) only when the queue's interrupts
 * were armed within the window; a queue that spins sends no command at all. A window without
 * a rest of the lcore tells nothing of the profile, and decides nothing.
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

#define MODERATE_SPINNING 64         /* polls with packets since the last wake, after which each counts */
#define MODERATE_IDLE_US 100000      /* without a packet: back to the first profile */
#define MODERATE_POST_US 5000        /* a queue asks its device at most that often */
#define MODERATE_ANSWER_US 5000000   /* a device that has not answered by then has refused */
#define MODERATE_HOLD_US 1000000     /* after a refusal; doubles up to */
#define MODERATE_HOLD_MAX_US 60000000u
#define MODERATE_ERRORS_MAX 8        /* refusals after which a queue keeps its profile */
#define MODERATE_NAP_MIN_US 20       /* a shorter nap costs more than the wake it saves */
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
	uint32_t sleeps;              /* the lcore's number of sleeps, as of the last one */
	uint32_t run;                 /* such polls since the last wake */
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
	uint32_t max_latency_us;
	uint32_t wake_us;             /* of it what waking the lcore takes; idle.c's to say */
	struct dim dim;
	struct dim_sample start;      /* of the window */
	uint32_t start_sleeps;        /* the lcore's number of sleeps then */
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

/* From now on. -ERANGE: a profile has more. */
int moderate_set_latency(struct moderate *m, uint32_t max_latency_us, uint64_t now_us);
/* Another profile i, from now on. -ENOENT: there is none; -ERANGE: more than max_latency_us; -EINVAL:
 * less latency than the one to the left, more than the one to the right, or the same. */
int moderate_set_profile(struct moderate *m, unsigned i, const struct config_profile *p, uint64_t now_us);

/* A window is over, or an answer is due. Returns whether what it allows its lcore may have changed. */
bool moderate_window(struct moderate *m, uint64_t now_us);

/* A poll gave n > 0 packets of so many octets; sleeps: how often the lcore has slept.
 * Returns the same. */
static inline bool moderate_poll(struct moderate *m, uint32_t sleeps, unsigned n, uint32_t bytes, uint64_t now_us)
{
	m->last_us = now_us;
	m->packets += n;
	m->bytes += bytes;
	if (m->sleeps != sleeps) {
		m->sleeps = sleeps;
		m->run = 0;
		m->events++;
	} else if (++m->run > MODERATE_SPINNING) {
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
