/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a polling loop does when its turns find nothing: poll on, pause the CPU, sleep for a
 * time, or wait for the queues' interrupts. Pure functions on memory of the caller, which
 * tells of its turns and does what it is told; no clock, no device. One thread per object.
 *
 * The latency it may add. A packet that comes while the loop is away is seen when it is
 * back. backoff_adds_us() states the most of that for given limits, and no step ever adds more:
 *
 *	poll      nothing
 *	pause     its length and the machine's pause_late_us
 *	sleep     its length and the machine's late_us, for timers end late and round up
 *	wait      the machine's wake_us, from the interrupt until the loop runs
 *
 * and each is at most limits.bound_us; where one cannot be, the loop polls. Sleeps come one
 * at a time with a turn between them, so they do not add up. Not in it: what the device waits
 * before it interrupts (the caller keeps that within the bound), the turn itself, and a machine
 * that keeps neither late_us nor wake_us: backoff_slept() learns of such sleeps and counts them.
 */
#ifndef BACKOFF_H
#define BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

enum backoff_act {
	BACKOFF_POLL,  /* the next turn at once */
	BACKOFF_PAUSE, /* umwait or tpause for us */
	BACKOFF_SLEEP, /* a timed sleep of us; a message may end it earlier, packets do not */
	BACKOFF_WAIT,  /* arm the interrupts, look once more, wait for at most us */
};

struct backoff_step {
	enum backoff_act act;
	uint32_t us;
};

/* How far it may go; those of a profile of moderation, or what several queues allow together. */
struct backoff_limits {
	uint32_t spin;     /* turns in a row without work before the first step that is not a poll */
	uint32_t sleep_us; /* first timed sleep without interrupts; doubles with each that finds nothing */
	uint32_t nap_us;   /* slept once after work, before waiting for interrupts: packets collect; 0: not,
	                    * nor where the bound leaves less of it than late_us */
	uint32_t bound_us; /* most a packet may be late; 0: poll for ever */
	bool interrupts;   /* every queue polled can wake the loop */
	uint32_t part_us;  /* slept after a turn that found packets, but no full burst: more come together, as
	                    * many as the ring has room for; 0: not. backoff_limits_done() says whether it fits */
};

/* What leaving and coming back costs on this machine, at the worst. */
struct backoff_machine {
	uint32_t late_us;       /* a timed sleep is longer than asked for by no more than this */
	uint32_t wake_us;       /* from a packet's interrupt to the next turn */
	uint32_t pause_us;      /* the CPU's longest pause; 0: it has none worth the name */
	uint32_t pause_late_us;
	uint32_t floor_us;      /* late_us when nothing disturbs; what was learnt returns to it */
	uint32_t refused;       /* steps since late_us went down, that late_us forbade */
};

/* A machine whose timed sleeps are so late, undisturbed. An interrupt's wake costs a third more than
 * a timer's: it comes from another core. */
struct backoff_machine backoff_machine_of(uint32_t late_us, uint32_t pause_us);

struct backoff {
	uint32_t empty;   /* turns in a row without work */
	uint8_t doubled;  /* how often the sleep has doubled */
	bool nap;         /* there was work since the last nap */
	bool part;        /* the last turn found packets, but no full burst */
	uint64_t pauses, sleeps, waits;
	uint64_t exceeded; /* sleeps that were later than late_us */
};

#define BACKOFF_BOUND_MIN_US 10
#define BACKOFF_IDLE_SHARE 64
/*
 * A bound for who gives none, at most most_us. With interrupts: a quarter more than a wake takes,
 * so that waiting for them is always possible, and is not much later than a device that
 * interrupts at once makes a loop that always waits. Without: the least that lets a loop without work
 * cost little. A sleep takes about late_us of CPU, so that sleeps of 64 times that are 1.5 % of a core.
 */
uint32_t backoff_bound_us(const struct backoff_machine *m, bool interrupts, uint32_t most_us);

#define BACKOFF_WAIT_US 100000u /* longest wait; interrupts may get lost */
#define BACKOFF_NEVER UINT64_MAX

/* The most that a packet may be late by steps of these limits on this machine. At most bound_us. */
uint32_t backoff_adds_us(const struct backoff_limits *l, const struct backoff_machine *m);

/* Limits that were put together: no naps after parts of bursts that this machine could never make
 * within the bound, so that turns with packets need not ask. */
void backoff_limits_done(struct backoff_limits *l, const struct backoff_machine *m);

/* A turn is over; work: whether it did something, part: it found packets, but no full burst. */
static inline void backoff_turn(struct backoff *b, bool work, bool part)
{
	b->part = part;
	if (work) {
		b->empty = 0;
		b->doubled = 0;
		b->nap = true;
	} else if (b->empty != UINT32_MAX) {
		b->empty++;
	}
}

/* Whether backoff_next() would say anything but BACKOFF_POLL, deadlines aside: cheap, for every turn. */
static inline bool backoff_due(const struct backoff *b, const struct backoff_limits *l)
{
	return (b->empty >= l->spin && b->empty != 0 && l->bound_us != 0) || (b->part && l->part_us != 0);
}

/*
 * What to do before the next turn. next_us: the loop's next deadline (BACKOFF_NEVER: none),
 * past which no step goes. After every step but a poll one turn follows, told to backoff_turn().
 */
struct backoff_step backoff_next(struct backoff *b, const struct backoff_limits *l, struct backoff_machine *m,
				 uint64_t now_us, uint64_t next_us);

/*
 * How long a BACKOFF_SLEEP of asked_us took that nothing ended early. Longer than late_us
 * allows: late_us becomes what was seen, so that the next sleeps are shorter, or are not;
 * with time it goes back to floor_us.
 */
void backoff_slept(struct backoff *b, struct backoff_machine *m, uint32_t asked_us, uint32_t took_us);

#endif
