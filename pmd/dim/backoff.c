/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/dim/backoff.h"

#define FORGIVE 1024 /* steps that late_us forbade until it is doubted */
#define DOUBLED_MAX 20

static uint32_t least(uint64_t a, uint64_t b)
{
	return (uint32_t)(a < b ? a : b);
}

/* The longest step that ends within the bound if it ends so late. */
static uint32_t within(uint32_t bound_us, uint32_t late_us)
{
	return bound_us > late_us ? bound_us - late_us : 0;
}

static bool may_wait(const struct backoff_limits *l, const struct backoff_machine *m)
{
	return l->interrupts && m->wake_us <= l->bound_us;
}

static uint32_t sleep_limit(const struct backoff_limits *l, const struct backoff_machine *m, bool nap)
{
	uint32_t us = least(nap ? l->nap_us : UINT32_MAX, within(l->bound_us, m->late_us));

	/* A nap that is mostly lateness costs more than the wake that it saves. */
	return nap && us < m->late_us ? 0 : us;
}

static uint32_t pause_limit(const struct backoff_limits *l, const struct backoff_machine *m)
{
	return least(m->pause_us, within(l->bound_us, m->pause_late_us));
}

struct backoff_machine backoff_machine_of(uint32_t late_us, uint32_t pause_us)
{
	return (struct backoff_machine){
		.late_us = late_us,
		.floor_us = late_us,
		.wake_us = late_us + (late_us + 2) / 3,
		.pause_us = pause_us,
	};
}

uint32_t backoff_bound_us(const struct backoff_machine *m, bool interrupts, uint32_t most_us)
{
	uint64_t us = interrupts ? m->wake_us + (m->wake_us + UINT64_C(3)) / 4 :
				   (uint64_t)BACKOFF_IDLE_SHARE * m->late_us;

	return least(us > BACKOFF_BOUND_MIN_US ? us : BACKOFF_BOUND_MIN_US, most_us);
}

uint32_t backoff_adds_us(const struct backoff_limits *l, const struct backoff_machine *m)
{
	bool wait = may_wait(l, m);
	uint32_t sleep = sleep_limit(l, m, wait), pause = pause_limit(l, m);
	uint32_t adds = wait ? m->wake_us : 0;

	if (l->bound_us == 0)
		return 0;
	if (l->part_us > sleep && l->part_us != UINT32_MAX)
		sleep = least(l->part_us, within(l->bound_us, m->late_us));
	if (sleep > 0 && sleep + m->late_us > adds)
		adds = sleep + m->late_us;
	if (sleep == 0 && !wait && pause > 0)
		adds = pause + m->pause_late_us;
	return adds;
}

/* late_us may be what one bad moment left behind, and no sleep is made that could mend it. */
static void doubt(struct backoff_machine *m)
{
	if (m->late_us <= m->floor_us || ++m->refused < FORGIVE)
		return;
	m->refused = 0;
	m->late_us -= (m->late_us - m->floor_us + 7) / 8;
}

static struct backoff_step sleep_or_pause(struct backoff *b, const struct backoff_limits *l,
					  struct backoff_machine *m, uint32_t us)
{
	uint32_t pause = pause_limit(l, m);

	us = least(us, sleep_limit(l, m, false));
	if (us > 0) {
		b->sleeps++;
		return (struct backoff_step){ BACKOFF_SLEEP, us };
	}
	doubt(m);
	if (pause == 0)
		return (struct backoff_step){ BACKOFF_POLL, 0 };
	b->pauses++;
	return (struct backoff_step){ BACKOFF_PAUSE, pause };
}

void backoff_limits_done(struct backoff_limits *l, const struct backoff_machine *m)
{
	uint32_t us = least(l->part_us, within(l->bound_us, m->floor_us));

	if (us < m->floor_us)
		l->part_us = 0;
}

/* After part of a burst: what comes meanwhile is taken together. */
static struct backoff_step collect(struct backoff *b, const struct backoff_limits *l, struct backoff_machine *m)
{
	uint32_t us = least(l->part_us, within(l->bound_us, m->late_us));

	if (us == 0 || us < m->late_us) {
		doubt(m);
		return (struct backoff_step){ BACKOFF_POLL, 0 };
	}
	b->sleeps++;
	return (struct backoff_step){ BACKOFF_SLEEP, us };
}

static struct backoff_step choose(struct backoff *b, const struct backoff_limits *l,
				  struct backoff_machine *m)
{
	uint64_t us = (uint64_t)(l->sleep_us > 0 ? l->sleep_us : 1) << b->doubled;

	if (!may_wait(l, m)) {
		if (b->doubled < DOUBLED_MAX)
			b->doubled++;
		return sleep_or_pause(b, l, m, least(us, UINT32_MAX));
	}
	if (b->nap && l->nap_us > 0) {
		b->nap = false;
		if (sleep_limit(l, m, true) > 0)
			return sleep_or_pause(b, l, m, l->nap_us);
		doubt(m);
	}
	b->waits++;
	return (struct backoff_step){ BACKOFF_WAIT, BACKOFF_WAIT_US };
}

struct backoff_step backoff_next(struct backoff *b, const struct backoff_limits *l, struct backoff_machine *m,
				 uint64_t now_us, uint64_t next_us)
{
	struct backoff_step s;

	if (!backoff_due(b, l) || next_us <= now_us)
		return (struct backoff_step){ BACKOFF_POLL, 0 };
	s = b->empty == 0 ? collect(b, l, m) : choose(b, l, m);
	s.us = least(s.us, next_us - now_us);
	return s;
}

void backoff_slept(struct backoff *b, struct backoff_machine *m, uint32_t asked_us, uint32_t took_us)
{
	uint32_t late = took_us > asked_us ? took_us - asked_us : 0;

	if (late > m->late_us) {
		b->exceeded++;
		m->late_us = late;
	} else if (m->late_us > m->floor_us) {
		m->late_us -= (m->late_us - m->floor_us + 63) / 64;
	}
}
