/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dim.h decides, this file applies. Within a window of adaptive mode the profile does not
 * change; after a change to what a device does, nothing is measured until it has answered,
 * or the window would tell of the profile before.
 */
#include "app/smcgate/pipeline/moderate.h"

#include <errno.h>
#include <string.h>

#include <rte_common.h>

#include "pmd/base/log.h"

const struct config_profile *moderate_profile(const struct moderate *m)
{
	return &m->profiles[m->mode == CONFIG_ADAPTIVE ? m->dim.index : m->profile];
}

static struct dim_sample sample(const struct moderate *m, uint64_t now_us)
{
	return (struct dim_sample){ .us = now_us, .packets = m->packets, .bytes = m->bytes, .events = m->events };
}

/* The next poll with packets ends the window, which so begins with it. */
static void measure_anew(struct moderate *m, uint64_t now_us)
{
	m->start = sample(m, now_us);
	m->looked = m->events - DIM_EVENTS;
	m->start_rests = m->rests;
	m->armed = false;
}

static struct vnic_coal wanted(const struct moderate *m)
{
	const struct config_profile *p = moderate_profile(m);
	uint32_t room = m->max_latency_us > m->wake_us ? m->max_latency_us - m->wake_us : 0;
	uint32_t us = RTE_MIN(p->usecs, room);

	return (struct vnic_coal){ .packets = p->packets, .usecs = us >= MODERATE_COAL_MIN_US ? us : 0 };
}

static bool same(const struct vnic_coal *a, const struct vnic_coal *b)
{
	return a->packets == b->packets && a->usecs == b->usecs;
}

/* The profile is another one than before. */
static void changed(struct moderate *m)
{
	struct vnic_coal c = wanted(m);

	m->due = m->open && (!m->known || !same(&c, &m->in_force));
}

/* ---- life ------------------------------------------------------------------------------- */

void moderate_init(struct moderate *m, const struct config_moderation *conf, const struct config_moderated_queue *q)
{
	m->told.profiles = (uint8_t)RTE_MIN(conf->n_profiles, RTE_DIM(m->profiles));
	memcpy(m->profiles, conf->profiles, m->told.profiles * sizeof(m->profiles[0]));
	m->mode = q->mode;
	m->profile = (uint8_t)q->profile;
	m->given = q->max_latency_us != CONFIG_UNSET;
	m->most_us = conf->most_us;
	m->max_latency_us = m->given ? q->max_latency_us : m->most_us;
}

void moderate_start(struct moderate *m, uint16_t id, uint16_t queue, const struct moderate_device *dev, uint64_t now_us)
{
	struct moderate kept = *m;

	*m = (struct moderate){
		.mode = kept.mode,
		.profile = kept.profile,
		.given = kept.given,
		.max_latency_us = kept.max_latency_us,
		.most_us = kept.most_us,
		.told = { .profiles = kept.told.profiles },
		.id = id,
		.queue = queue,
		.intr = kept.intr,
		.wake_us = kept.wake_us,
		.ring = kept.ring,
		.on = true,
		.dev = dev,
		.open = dev != NULL,
		.last_us = now_us,
		.idle_us = now_us,
	};
	memcpy(m->profiles, kept.profiles, sizeof(m->profiles));
	/* dim.h wants two: of one, nothing is ever decided. */
	dim_init(&m->dim, RTE_MAX(m->told.profiles, 2), m->profile, DIM_ALL);
	changed(m);
	measure_anew(m, now_us);
}

/* Somebody has changed something: what was learnt is of no use, refusals are forgiven. */
static void begin_anew(struct moderate *m, uint64_t now_us)
{
	m->given_up = false;
	m->open = m->dev != NULL;
	m->errors = 0;
	m->hold = 0;
	m->hold_us = 0;
	dim_idle(&m->dim, m->profile);
	changed(m);
	measure_anew(m, now_us);
}

int moderate_set(struct moderate *m, enum config_moderate mode, uint8_t profile, uint64_t now_us)
{
	if (profile >= m->told.profiles)
		return -EINVAL;
	m->mode = mode;
	m->profile = profile;
	begin_anew(m, now_us);
	return 0;
}

void moderate_place(struct moderate *m, bool intr, bool interrupts, uint32_t ring, const struct backoff_machine *machine)
{
	m->intr = intr;
	m->ring = ring;
	m->wake_us = machine->wake_us;
	if (!m->given)
		m->max_latency_us = backoff_bound_us(machine, interrupts, m->most_us);
	changed(m);
}

static bool within(const struct config_profile *p, uint32_t bound_us)
{
	return p->sleep_us <= bound_us && p->usecs <= bound_us;
}

int moderate_set_latency(struct moderate *m, uint32_t max_latency_us, uint64_t now_us)
{
	for (unsigned i = 0; i < m->told.profiles; i++)
		if (!within(&m->profiles[i], max_latency_us))
			return -ERANGE;
	m->given = true;
	m->max_latency_us = max_latency_us;
	begin_anew(m, now_us);
	return 0;
}

int moderate_set_profile(struct moderate *m, unsigned i, const struct config_profile *p, uint64_t now_us)
{
	if (i >= m->told.profiles)
		return -ENOENT;
	if (!within(p, m->given ? m->max_latency_us : m->most_us))
		return -ERANGE;
	if ((i > 0 && !config_profile_follows(&m->profiles[i - 1], p)) ||
	    (i + 1 < m->told.profiles && !config_profile_follows(p, &m->profiles[i + 1])))
		return -EINVAL;
	m->profiles[i] = *p;
	begin_anew(m, now_us);
	return 0;
}

/* ---- the device --------------------------------------------------------------------------- */

static void refused(struct moderate *m, uint64_t now_us)
{
	m->told.refused++;
	m->errors++;
	m->hold = m->hold == 0 ? MODERATE_HOLD_US : RTE_MIN(2 * m->hold, MODERATE_HOLD_MAX_US);
	m->hold_us = now_us + m->hold;
	dim_applied(&m->dim, false);
	if (m->errors < MODERATE_ERRORS_MAX)
		return;
	m->open = false;
	m->given_up = true;
	LOG(PIPELINE, WARNING,
	    "ethdev %u queue %u: the device has refused its coalescing %u times, and is not asked any more: "
	    "the profile stays; set moderation tries anew", m->id, m->queue, m->errors);
}

/* Returns whether the device has been asked. */
static bool ask(struct moderate *m, uint64_t now_us)
{
	struct vnic_coal c = wanted(m);
	int rc;

	if (now_us < m->hold_us)
		return false;
	rc = m->dev->post(m->id, m->queue, &c);
	m->hold_us = now_us + MODERATE_POST_US;
	if (rc == -ENOTSUP) {
		m->open = m->due = false;
		return false;
	}
	if (rc < 0) {
		m->hold_us = now_us + MODERATE_HOLD_US; /* it is being reset, or broken */
		return false;
	}
	m->told.posts++;
	m->asked = c;
	m->asked_us = now_us;
	m->pending = true;
	return true;
}

static void answered(struct moderate *m, bool ok, uint64_t now_us)
{
	m->pending = false;
	if (ok) {
		m->in_force = m->asked;
		m->known = true;
		m->errors = 0;
		m->hold = 0;
		dim_applied(&m->dim, true);
	} else {
		refused(m, now_us);
	}
	m->dim.run = DIM_START_MEASURE;
	changed(m);
	measure_anew(m, now_us);
}

/* An answer may have come. Returns whether it has. */
static bool look_for_answer(struct moderate *m, uint64_t now_us)
{
	m->looked = m->events - DIM_EVENTS + MODERATE_DEFER;
	switch (m->dev->state(m->id, m->queue)) {
	case VNIC_COAL_IDLE:
		answered(m, true, now_us);
		return true;
	case VNIC_COAL_REFUSED:
		answered(m, false, now_us);
		return true;
	case VNIC_COAL_PENDING:
		if (now_us - m->asked_us < MODERATE_ANSWER_US)
			return false;
		answered(m, false, now_us);
		return true;
	case VNIC_COAL_NONE:
		break;
	}
	/* Stopped or reset under way: what it does then nobody has said. */
	m->pending = m->known = false;
	m->hold_us = now_us + MODERATE_HOLD_US;
	dim_applied(&m->dim, true);
	changed(m);
	measure_anew(m, now_us);
	return true;
}

/* ---- windows -------------------------------------------------------------------------------- */

static uint8_t direction(const struct moderate *m)
{
	return m->mode == CONFIG_ADAPTIVE ? m->dim.tune : DIM_PARKING_ON_TOP;
}

static struct pipeline_moderation_step *next_step(struct pipeline_moderation_info *t)
{
	if (t->n_history == PIPELINE_MODERATION_HISTORY)
		memmove(&t->history[0], &t->history[1], sizeof(t->history) - sizeof(t->history[0]));
	else
		t->n_history++;
	return &t->history[t->n_history - 1];
}

/* Windows that differ from the last in nothing but their rates are one step. */
static void remember(struct moderate *m, uint8_t profile, uint8_t dir)
{
	struct pipeline_moderation_info *t = &m->told;
	struct pipeline_moderation_step *s = t->n_history == 0 ? NULL : &t->history[t->n_history - 1];

	if (s == NULL || s->profile != profile || s->direction != dir) {
		s = next_step(t);
		*s = (struct pipeline_moderation_step){ .since_us = m->start.us, .profile = profile, .direction = dir };
	}
	s->windows++;
	s->packets_s = m->rates.ppms;
	s->bytes_s = m->rates.bpms;
	s->events_s = m->rates.epms;
}

/*
 * DIM waits for its profile to be in force. The lcore's part is at once; the device is asked
 * if the lcore sleeps on its interrupts, once it may be asked again. While it refuses, the
 * profile stays what it does.
 */
static void settle(struct moderate *m, uint64_t now_us, bool armed)
{
	bool refusing = m->errors != 0 && now_us < m->hold_us;

	if (m->due && armed && !refusing) {
		if (ask(m, now_us) || m->due) {
			m->looked = m->events - DIM_EVENTS + MODERATE_DEFER;
			return;
		}
	}
	dim_applied(&m->dim, !(refusing && armed));
	changed(m);
	measure_anew(m, now_us);
}

bool moderate_window(struct moderate *m, uint64_t now_us)
{
	struct dim_sample now = sample(m, now_us);
	uint8_t profile = (uint8_t)(moderate_profile(m) - m->profiles), dir = direction(m);
	bool armed = m->armed, full = now.events - m->start.events >= DIM_EVENTS;

	if (m->pending)
		return look_for_answer(m, now_us);
	if (full && m->rests == m->start_rests && now_us - m->start.us < MODERATE_POLLED_US) {
		m->looked = m->events - DIM_EVENTS + MODERATE_DEFER;
		return false;
	}
	m->looked = m->events;
	m->armed = false;
	full = full && dim_rates(&m->start, &now, DIM_FINE, &m->rates);
	if (full) {
		m->told.windows++;
		remember(m, profile, dir);
	}
	m->start = now;
	m->start_rests = m->rests;
	if (m->mode != CONFIG_ADAPTIVE || m->given_up || m->told.profiles < 2)
		return full; /* by the rate there is more room in the ring, or less */
	if (dim_update(&m->dim, &now)) {
		m->told.changes++;
		changed(m);
	}
	if (m->dim.run != DIM_APPLY_NEW_PROFILE)
		return full;
	settle(m, now_us, armed);
	return true;
}

/* ---- sleep ---------------------------------------------------------------------------------- */

static bool fell_idle(struct moderate *m, uint64_t now_us)
{
	uint8_t before = m->dim.index;

	m->idle_us = m->last_us;
	if (m->mode != CONFIG_ADAPTIVE || m->given_up)
		return false;
	dim_idle(&m->dim, m->profile);
	measure_anew(m, now_us);
	if (m->dim.index == before)
		return false;
	m->told.changes++;
	changed(m);
	return true;
}

bool moderate_sleep(struct moderate *m, bool armed, uint64_t now_us)
{
	bool moved = false;

	if (now_us - m->last_us >= MODERATE_IDLE_US && m->idle_us != m->last_us)
		moved = fell_idle(m, now_us);
	if (!armed)
		return moved;
	m->armed = true;
	if (m->pending)
		moved |= look_for_answer(m, now_us);
	else if (m->due)
		moved |= ask(m, now_us);
	return moved;
}

/* ---- what it allows the lcore ----------------------------------------------------------------- */

void moderate_limits_init(struct backoff_limits *l)
{
	*l = (struct backoff_limits){
		.sleep_us = UINT32_MAX, .nap_us = UINT32_MAX, .part_us = UINT32_MAX, .bound_us = UINT32_MAX,
	};
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* So long that packets at the last window's rate fill a quarter of the ring: they come in bursts. */
static uint32_t room_us(const struct moderate *m)
{
	if (m->ring == 0 || m->rates.ppms == 0)
		return UINT32_MAX;
	return (uint32_t)RTE_MIN(m->ring / 4 * UINT64_C(1000000) / m->rates.ppms, (uint64_t)UINT32_MAX);
}

/* After packets, to have more of them at a time. */
static uint32_t part_us(const struct moderate *m)
{
	uint32_t us = moderate_profile(m)->usecs;

	us = least(us, room_us(m));
	return us < MODERATE_NAP_MIN_US ? 0 : us;
}

/* Before the lcore waits for interrupts: without a device that waits, it does itself. */
static uint32_t nap_us(const struct moderate *m)
{
	return m->pending || m->known ? 0 : part_us(m);
}

void moderate_limits_add(struct backoff_limits *l, const struct moderate *m)
{
	const struct config_profile *p = moderate_profile(m);

	l->spin = RTE_MAX(l->spin, p->spin);
	l->sleep_us = least(l->sleep_us, p->sleep_us);
	l->nap_us = least(l->nap_us, nap_us(m));
	l->part_us = least(l->part_us, m->mode == CONFIG_BUSY_POLL ? 0 : part_us(m));
	l->bound_us = least(l->bound_us, m->mode == CONFIG_BUSY_POLL ? 0 : m->max_latency_us);
}

uint32_t moderate_device_us(const struct moderate *m)
{
	return RTE_MAX(m->known ? m->in_force.usecs : 0, m->pending ? m->asked.usecs : 0);
}
