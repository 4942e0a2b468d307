/* SPDX-License-Identifier: BSD-3-Clause */
/* A queue's moderation over a device that coalesces, or refuses, or is slow, or cannot. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/smcgate/pipeline/moderate.h"
#include "tests/unit/test.h"

#define WINDOW (DIM_EVENTS * MODERATE_SPINNING) /* turns without a rest */
#define PORT 3
#define QUEUE 1

/* ---- the device ---------------------------------------------------------------------- */

static struct {
	struct vnic_coal last;
	unsigned posts;
	int rc;                      /* of posts to come */
	enum vnic_coal_state state;
} device;

static int post(uint16_t port, uint16_t queue, const struct vnic_coal *c)
{
	CU_ASSERT_EQUAL(port, PORT);
	CU_ASSERT_EQUAL(queue, QUEUE);
	if (device.rc < 0)
		return device.rc;
	CU_ASSERT_NOT_EQUAL(device.state, VNIC_COAL_PENDING); /* one at a time */
	device.last = *c;
	device.posts++;
	device.state = VNIC_COAL_PENDING;
	return 0;
}

static enum vnic_coal_state state(uint16_t port, uint16_t queue)
{
	return device.state;
}

static const struct moderate_device coalesces = { post, state };

/* ---- the queue ------------------------------------------------------------------------- */

static struct config_profile profiles[] = {
	{ 5, 256, 1, 256 }, { 20, 64, 8, 256 }, { 40, 64, 64, 256 }, { 100, 32, 128, 256 }, { 200, 16, 256, 256 },
};
static struct moderate m;
static uint64_t now;
static uint32_t rests, turns;

static void begin(enum config_moderate mode, bool intr, bool device_coalesces)
{
	struct config_moderation conf = { .profiles = profiles, .n_profiles = 5, .most_us = 1000 };
	struct config_moderated_queue q = { .mode = mode, .profile = 1, .max_latency_us = 1000 };

	memset(&device, 0, sizeof(device));
	memset(&m, 0, sizeof(m));
	now = 1000000;
	rests = turns = 0;
	moderate_init(&m, &conf, &q);
	m.intr = intr;
	moderate_start(&m, PORT, QUEUE, device_coalesces ? &coalesces : NULL, now);
}

/* The lcore sleeps and wakes with n packets us later. */
static void wake(unsigned n, uint32_t us)
{
	moderate_sleep(&m, m.intr, now);
	rests++;
	now += us;
	moderate_poll(&m, rests, ++turns, n, n * 1500, now);
}

static void wakes(unsigned times, unsigned n, uint32_t us)
{
	for (unsigned i = 0; i < times; i++)
		wake(n, us);
}

/* Without sleeping. */
static void polls(unsigned times, unsigned n, uint32_t us)
{
	for (unsigned i = 0; i < times; i++) {
		now += us;
		moderate_poll(&m, rests, ++turns, n, n * 1500, now);
	}
}

/* A packet each 5 us, and a device or an lcore that keeps them as the profile says. */
static void stream(unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		uint32_t us = moderate_profile(&m)->usecs + 10;

		wake((unsigned)((now + us) / 5 - now / 5), us);
	}
}

static void answer(enum vnic_coal_state s)
{
	device.state = s;
}

/* The value it begins with is taken. */
static void settle(void)
{
	wake(1, 10);
	CU_ASSERT_EQUAL(device.posts, 1);
	answer(VNIC_COAL_IDLE);
	wakes(1, 1, 10);
	CU_ASSERT(m.known && !m.pending && !m.due);
	now += MODERATE_POST_US;
}

/* ---- cases ------------------------------------------------------------------------------- */

/* Mode, interrupts, device: what the lcore may do, and whether the device is asked. */
static void moderate__modes(void)
{
	static const struct {
		enum config_moderate mode;
		uint8_t profile;
		bool intr, coalesces;
		uint32_t sleep, nap, bound, device;
		unsigned posts;
	} t[] = {
		{ CONFIG_BUSY_POLL, 1, false, false, 20, 0, 0, 0, 0 },
		{ CONFIG_BUSY_POLL, 1, true, true, 20, 0, 0, 0, 0 },
		{ CONFIG_STATIC, 1, false, false, 20, 0, 1000, 0, 0 },
		{ CONFIG_STATIC, 4, true, false, 200, 256, 1000, 0, 0 },
		{ CONFIG_STATIC, 1, true, true, 20, 0, 1000, 8, 1 },
		{ CONFIG_STATIC, 4, true, true, 200, 0, 1000, 256, 1 },
		{ CONFIG_ADAPTIVE, 2, false, false, 40, 64, 1000, 0, 0 },
		{ CONFIG_ADAPTIVE, 2, true, false, 40, 64, 1000, 0, 0 },
		{ CONFIG_ADAPTIVE, 2, true, true, 40, 0, 1000, 64, 1 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct backoff_limits l;

		begin(t[i].mode, t[i].intr, t[i].coalesces);
		CU_ASSERT_EQUAL(moderate_set(&m, t[i].mode, t[i].profile, now), 0);
		if (t[i].mode == CONFIG_BUSY_POLL)
			polls(1000, 4, 10);
		else
			wakes(2, 1, 10);
		answer(VNIC_COAL_IDLE);
		if (t[i].posts != 0)
			wakes(1, 1, 10);
		moderate_limits_init(&l);
		moderate_limits_add(&l, &m);
		CU_ASSERT_EQUAL(l.spin, profiles[t[i].profile].spin);
		CU_ASSERT_EQUAL(l.sleep_us, t[i].sleep);
		CU_ASSERT_EQUAL(l.nap_us, t[i].nap);
		CU_ASSERT_EQUAL(l.bound_us, t[i].bound);
		CU_ASSERT_EQUAL(moderate_device_us(&m), t[i].device);
		CU_ASSERT_EQUAL(device.posts, t[i].posts);
	}
}

static void moderate__all_queues_must_allow_it(void)
{
	struct backoff_limits l;

	moderate_limits_init(&l);
	begin(CONFIG_STATIC, false, false);
	moderate_limits_add(&l, &m);
	CU_ASSERT_EQUAL(moderate_set(&m, CONFIG_STATIC, 0, now), 0);
	m.max_latency_us = 300;
	moderate_limits_add(&l, &m);
	CU_ASSERT_EQUAL(moderate_set(&m, CONFIG_STATIC, 4, now), 0);
	moderate_limits_add(&l, &m);
	CU_ASSERT_EQUAL(l.spin, 256); /* the most patient */
	CU_ASSERT_EQUAL(l.sleep_us, 5); /* the shortest */
	CU_ASSERT_EQUAL(l.bound_us, 300);
	CU_ASSERT_EQUAL(moderate_set(&m, CONFIG_BUSY_POLL, 1, now), 0);
	moderate_limits_add(&l, &m);
	CU_ASSERT_EQUAL(l.bound_us, 0); /* never */
	CU_ASSERT_EQUAL(moderate_set(&m, CONFIG_STATIC, 5, now), -EINVAL);
}

/* The device leaves room for what waking the lcore takes. */
static void moderate__bound(void)
{
	begin(CONFIG_STATIC, true, true);
	m.max_latency_us = 100;
	m.wake_us = 70;
	CU_ASSERT_EQUAL(moderate_set(&m, CONFIG_STATIC, 4, now), 0);
	wakes(1, 1, 10);
	CU_ASSERT_EQUAL(device.last.usecs, 30);
}

/* The bound that nobody gave is its lcore's choice; one that was given stays. */
static void moderate_place__bound(void)
{
	static const struct {
		bool interrupts;
		uint32_t late, bound;
	} t[] = {
		{ true, 6, 10 }, { true, 1, 10 }, { true, 9, 15 }, { true, 60, 100 }, { true, 900, 1000 },
		{ false, 6, 384 }, { false, 1, 64 }, { false, 60, 1000 },
	};
	struct config_moderation conf = { .profiles = profiles, .n_profiles = 5, .most_us = 1000 };
	struct config_moderated_queue q = { .mode = CONFIG_ADAPTIVE, .profile = 1, .max_latency_us = CONFIG_UNSET };

	for (size_t i = 0; i < RTE_DIM(t); i++) {
		struct backoff_machine machine = backoff_machine_of(t[i].late, 0);
		struct backoff_limits l;

		memset(&device, 0, sizeof(device));
		memset(&m, 0, sizeof(m));
		moderate_init(&m, &conf, &q);
		moderate_start(&m, PORT, QUEUE, &coalesces, now);
		moderate_place(&m, true, t[i].interrupts, 1024, &machine);
		CU_ASSERT_EQUAL(m.max_latency_us, t[i].bound);
		moderate_limits_init(&l);
		moderate_limits_add(&l, &m);
		l.interrupts = t[i].interrupts;
		CU_ASSERT(backoff_adds_us(&l, &machine) <= t[i].bound);
		CU_ASSERT(backoff_adds_us(&l, &machine) > 0); /* it can rest */
		/* What the device is asked fits beside the wake, and is worth its timer. */
		wakes(2, 1, 10);
		CU_ASSERT_EQUAL(device.posts, 1);
		CU_ASSERT(device.last.usecs == 0 || device.last.usecs >= MODERATE_COAL_MIN_US);
		CU_ASSERT(device.last.usecs + m.wake_us <= RTE_MAX(t[i].bound, m.wake_us));
		/* Profiles may have all that the configuration allows. */
		CU_ASSERT_EQUAL(moderate_set_profile(&m, 4, &(struct config_profile){ 1000, 1, 1000, 1 }, now), 0);
		CU_ASSERT_EQUAL(moderate_set_profile(&m, 4, &(struct config_profile){ 1001, 1, 1000, 1 }, now), -ERANGE);
		CU_ASSERT_EQUAL(moderate_set_latency(&m, 1000, now), 0);
		moderate_place(&m, true, t[i].interrupts, 1024, &machine);
		CU_ASSERT_EQUAL(m.max_latency_us, 1000);
	}
}

/* Events are wakes that found packets, and polls that did after 64 turns. */
static void moderate_poll__events(void)
{
	begin(CONFIG_ADAPTIVE, true, false);
	wakes(10, 4, 100);
	CU_ASSERT_EQUAL(m.events, 10);
	polls(MODERATE_SPINNING - 11, 4, 1);
	CU_ASSERT_EQUAL(m.events, 10);
	polls(1, 4, 1);
	CU_ASSERT_EQUAL(m.events, 11);
	polls(30 * MODERATE_SPINNING - 1, 4, 1);
	CU_ASSERT_EQUAL(m.events, 40);
	wake(1, 100);
	CU_ASSERT_EQUAL(m.events, 42); /* turns before it, and the wake */
	/* Turns that found nothing count with the next that does, once. */
	turns += 10 * MODERATE_SPINNING;
	CU_ASSERT_EQUAL(m.events, 42);
	polls(2, 1, 1);
	CU_ASSERT_EQUAL(m.events, 43);
	CU_ASSERT_EQUAL(m.packets, 40 + 4 * (31 * MODERATE_SPINNING - 11) + 3);
}

static void moderate_window__rates_and_history(void)
{
	begin(CONFIG_STATIC, true, false);
	wakes(1 + 3 * DIM_EVENTS, 10, 1000);
	CU_ASSERT_EQUAL(m.told.windows, 3);
	CU_ASSERT(m.rates.epms >= 1000 && m.rates.epms <= 1000 + 1000 / 60); /* per second; 64 turns are one, too */
	CU_ASSERT_EQUAL(m.rates.ppms, 10000);
	CU_ASSERT_EQUAL(m.rates.bpms, 15000000);
	CU_ASSERT_EQUAL(m.told.n_history, 1);
	CU_ASSERT_EQUAL(m.told.history[0].windows, 3);
	CU_ASSERT_EQUAL(m.told.history[0].profile, 1);
	CU_ASSERT_EQUAL(m.told.history[0].packets_s, 10000);
	for (unsigned i = 0; i < 3 * PIPELINE_MODERATION_HISTORY; i++) {
		CU_ASSERT_EQUAL(moderate_set(&m, CONFIG_STATIC, (uint8_t)(i % 5), now), 0);
		wakes(1 + DIM_EVENTS, 10, 1000);
	}
	CU_ASSERT_EQUAL(m.told.n_history, PIPELINE_MODERATION_HISTORY);
	for (unsigned i = 1; i < PIPELINE_MODERATION_HISTORY; i++) {
		CU_ASSERT(m.told.history[i].since_us > m.told.history[i - 1].since_us);
		CU_ASSERT_EQUAL(m.told.history[i].windows, 1);
	}
}

/* Longer sleeps are as good and fewer: it goes right, and the device with it, a step a window. */
static void moderate_window__adapts_through_the_device(void)
{
	unsigned top = 0;

	begin(CONFIG_ADAPTIVE, true, true);
	CU_ASSERT_EQUAL(moderate_set(&m, CONFIG_ADAPTIVE, 0, now), 0);
	settle();
	for (unsigned i = 0; i < 200; i++) {
		stream(DIM_EVENTS);
		if (device.state == VNIC_COAL_PENDING)
			answer(VNIC_COAL_IDLE);
		top = m.dim.index > top ? m.dim.index : top;
	}
	CU_ASSERT_EQUAL(top, 4);
	CU_ASSERT(device.posts > 4);
	CU_ASSERT_EQUAL(device.posts, m.told.posts);
	CU_ASSERT(m.told.changes >= 4);
}

/* It spins: windows are decided however the load changes, and the device is left alone. */
static void moderate_window__spinning_sends_nothing(void)
{
	begin(CONFIG_ADAPTIVE, true, true);
	for (unsigned i = 0; i < 500; i++)
		polls(WINDOW, 1 + i / 4 % 8 * 4, 1 + i % 3);
	CU_ASSERT(m.told.windows > 400);
	CU_ASSERT(m.told.changes > 10);
	CU_ASSERT_EQUAL(device.posts, 0);
	/* The first sleep on interrupts brings the device up to date. */
	CU_ASSERT_EQUAL(moderate_set(&m, CONFIG_ADAPTIVE, 3, now), 0);
	polls(MODERATE_SPINNING, 4, 5);
	CU_ASSERT_EQUAL(device.posts, 0);
	wake(1, 10);
	CU_ASSERT_EQUAL(device.posts, 1);
	CU_ASSERT_EQUAL(device.last.usecs, 128);
}

/* No rest at all: a window each 4096 turns, decided, in force for the lcore at once and told of. More
 * load has it try what is right of it once, less of it left; where that changes nothing, latency counts. */
static void moderate_window__polling_decides(void)
{
	static const struct {
		unsigned load;
		uint8_t index[4]; /* after each window */
	} t[] = {
		{ 2, { 2, 1, 1, 1 } }, { 4, { 1, 2, 1, 1 } }, { 8, { 1, 2, 1, 1 } }, { 16, { 1, 2, 1, 1 } }, { 32, { 1, 2, 1, 1 } },
		{ 16, { 1, 0, 0, 0 } }, { 8, { 0, 0, 0, 0 } }, { 2, { 0, 0, 0, 0 } },
	};

	begin(CONFIG_ADAPTIVE, true, false);
	polls(1, 2, 2);
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		for (unsigned k = 0; k < 4; k++) {
			struct backoff_limits l;

			polls(WINDOW, t[i].load, 2);
			CU_ASSERT_EQUAL(m.told.windows, 4 * i + k + 1);
			CU_ASSERT_EQUAL(m.dim.index, t[i].index[k]);
			moderate_limits_init(&l);
			moderate_limits_add(&l, &m);
			CU_ASSERT_EQUAL(l.sleep_us, profiles[t[i].index[k]].sleep_us);
		}
	}
	CU_ASSERT_EQUAL(m.told.changes, 11);
	CU_ASSERT(m.told.n_history > 10);
	CU_ASSERT_EQUAL(m.told.history[m.told.n_history - 1].profile, 0);
}

/* 64 turns are over in no time: a window without a rest lasts 4 ms at least. */
static void moderate_window__polling_takes_its_time(void)
{
	begin(CONFIG_ADAPTIVE, true, false);
	for (uint64_t from = now; now - from < 100000;) {
		turns += 100; /* each packet is an event */
		polls(1, 1, 5);
	}
	CU_ASSERT(m.told.windows >= 20);
	CU_ASSERT(m.told.windows <= 100000 / MODERATE_POLLED_US);
}

/* The profile has no effect while nothing rests, and chance is no reason: of 500 windows at the same
 * load, bursts of Poisson's sizes, few change it. */
static void moderate_window__polling_is_calm(void)
{
	uint32_t seed = 1;

	begin(CONFIG_ADAPTIVE, true, false);
	for (unsigned i = 0; i < 500 * WINDOW; i++) {
		unsigned n = 1;

		/* Geometric in steps: the spread of a burst is about its mean. */
		while ((seed = seed * 1103515245 + 12345) >> 16 & 3 && n < 32)
			n++;
		polls(1, n, 1);
	}
	CU_ASSERT(m.told.windows > 490);
	CU_ASSERT(m.told.changes <= 25);
	if (m.told.changes > 25)
		fprintf(stderr, "changes: %u\n", (unsigned)m.told.changes);
}

/* How long packets are collected after part of a burst: as the profile says, if the ring has room
 * for four times as many as come; device or not, for the interrupt is not armed then. */
static void moderate_limits_add__part_of_a_burst(void)
{
	static const struct {
		uint8_t profile;
		uint32_t ring, pps;
		uint32_t part;
	} t[] = {
		{ 0, 1024, 0, 0 }, { 1, 1024, 1000, 0 }, { 2, 1024, 0, 64 }, { 2, 0, 0, 64 }, { 4, 1024, 1000, 256 },
		{ 4, 1024, 2000000, 128 }, { 4, 512, 2000000, 64 }, { 4, 1024, 10000000, 25 }, { 4, 1024, 14000000, 0 },
	};

	for (size_t i = 0; i < RTE_DIM(t); i++) {
		struct backoff_limits l;

		begin(CONFIG_STATIC, true, true);
		CU_ASSERT_EQUAL(moderate_set(&m, CONFIG_STATIC, t[i].profile, now), 0);
		moderate_place(&m, true, true, t[i].ring, &(struct backoff_machine){ .wake_us = 8 });
		m.rates.ppms = t[i].pps;
		m.known = i % 2 == 0;
		moderate_limits_init(&l);
		moderate_limits_add(&l, &m);
		CU_ASSERT_EQUAL(l.part_us, t[i].part);
		CU_ASSERT_EQUAL(l.nap_us, m.known ? 0 : t[i].part);
		CU_ASSERT_EQUAL(moderate_set(&m, CONFIG_BUSY_POLL, 0, now), 0);
		moderate_limits_add(&l, &m);
		CU_ASSERT_EQUAL(l.part_us, 0);
	}
}

/* Between spins it sleeps without interrupts armed: its own profile changes, the device's does not. */
static void moderate_window__rests_without_interrupts(void)
{
	begin(CONFIG_ADAPTIVE, true, true);
	for (unsigned i = 0; i < 200; i++) {
		polls(DIM_EVENTS / 2, 1 + i % 32, 5);
		for (unsigned k = 0; k < DIM_EVENTS / 2; k++) {
			moderate_sleep(&m, false, now);
			rests++;
			polls(1, 1 + i % 16, 20);
		}
	}
	CU_ASSERT(m.told.changes > 10);
	CU_ASSERT_EQUAL(device.posts, 0);
}

/* It answers after 2 s: no window is looked at meanwhile, and packets go on. */
static void moderate_window__slow_device(void)
{
	uint64_t windows, asked;

	begin(CONFIG_ADAPTIVE, true, true);
	settle();
	while (!m.pending)
		wakes(1, 100, 20);
	CU_ASSERT_EQUAL(m.dim.run, DIM_APPLY_NEW_PROFILE);
	windows = m.told.windows;
	asked = now;
	while (now - asked < 2000000) {
		wakes(1, 1, 100);
		CU_ASSERT_EQUAL(m.told.windows, windows);
	}
	CU_ASSERT_EQUAL(device.posts, 2);
	answer(VNIC_COAL_IDLE);
	wakes(MODERATE_DEFER + 1, 1, 100);
	CU_ASSERT(!m.pending);
	CU_ASSERT_NOT_EQUAL(m.dim.run, DIM_APPLY_NEW_PROFILE);
	CU_ASSERT_EQUAL(m.in_force.usecs, moderate_profile(&m)->usecs);
	wakes(DIM_EVENTS + 1, 1, 100);
	CU_ASSERT_EQUAL(m.told.windows, windows + 1);
}

/* It never answers: that is a refusal, and DIM goes on. */
static void moderate_window__silent_device(void)
{
	uint8_t index;

	begin(CONFIG_ADAPTIVE, true, true);
	settle();
	while (!m.pending)
		wakes(1, 100, 20);
	index = m.dim.before;
	for (uint64_t asked = now; now - asked < MODERATE_ANSWER_US + 10000;)
		wakes(1, 1, 1000);
	CU_ASSERT_EQUAL(m.told.refused, 1);
	CU_ASSERT_EQUAL(m.dim.index, index);
	CU_ASSERT_NOT_EQUAL(m.dim.run, DIM_APPLY_NEW_PROFILE);
}

/* Refused: the profile goes back, and it is asked after 1, 2, 4 ... s; after eight no more. */
static void moderate_window__refused(void)
{
	uint64_t at[MODERATE_ERRORS_MAX + 1], gap = MODERATE_HOLD_US;
	unsigned n = 0;

	begin(CONFIG_ADAPTIVE, true, true);
	settle();
	for (unsigned i = 0; i < 3000000 && n < MODERATE_ERRORS_MAX; i++) {
		wakes(1, 1 + i / 64 % 2 * 50, 100);
		if (device.state != VNIC_COAL_PENDING)
			continue;
		at[n++] = now;
		answer(VNIC_COAL_REFUSED);
		wakes(MODERATE_DEFER + 1, 1, 100);
		CU_ASSERT_EQUAL(m.told.refused, n);
		CU_ASSERT_EQUAL(m.dim.index, 1);
	}
	CU_ASSERT_EQUAL_FATAL(n, MODERATE_ERRORS_MAX);
	for (unsigned i = 1; i < n; i++, gap = gap * 2 > MODERATE_HOLD_MAX_US ? MODERATE_HOLD_MAX_US : gap * 2)
		CU_ASSERT(at[i] - at[i - 1] >= gap);
	CU_ASSERT(m.given_up);
	wakes(100000, 1, 1000);
	CU_ASSERT_EQUAL(device.posts, 1 + MODERATE_ERRORS_MAX);
	CU_ASSERT_EQUAL(m.dim.index, 1);
	/* Asked for again by somebody. */
	CU_ASSERT_EQUAL(moderate_set(&m, CONFIG_STATIC, 2, now), 0);
	device.state = VNIC_COAL_IDLE;
	wakes(1, 1, 100);
	CU_ASSERT_EQUAL(device.posts, 2 + MODERATE_ERRORS_MAX);
	CU_ASSERT_EQUAL(device.last.usecs, 64);
}

/* It cannot: the lcore does it instead, and it is not asked again. */
static void moderate_window__cannot(void)
{
	struct backoff_limits l;

	begin(CONFIG_STATIC, true, true);
	device.rc = -ENOTSUP;
	CU_ASSERT_EQUAL(moderate_set(&m, CONFIG_STATIC, 3, now), 0);
	wakes(10, 1, 10000);
	device.rc = 0;
	wakes(1000, 1, 10000);
	CU_ASSERT_EQUAL(device.posts, 0);
	moderate_limits_init(&l);
	moderate_limits_add(&l, &m);
	CU_ASSERT_EQUAL(l.nap_us, 128);
	CU_ASSERT_EQUAL(moderate_device_us(&m), 0);
}

/* A landscape without a best place, or a device that rounds: at most a command each 5 ms, and few. */
static void moderate_window__rate_limit(void)
{
	uint64_t from;

	begin(CONFIG_ADAPTIVE, true, true);
	settle();
	from = now;
	for (unsigned i = 0; now - from < 1000000; i++) {
		wakes(1, 1 + i / DIM_EVENTS % 2 * 4, 5);
		if (device.state == VNIC_COAL_PENDING)
			answer(VNIC_COAL_IDLE);
	}
	CU_ASSERT(device.posts >= 2);
	CU_ASSERT(device.posts <= 2 + 1000000 / MODERATE_POST_US);
}

static void answered_at_once(void)
{
	if (device.state == VNIC_COAL_PENDING)
		answer(VNIC_COAL_IDLE);
}

/* One request at a time, each waits for what the device waits: it comes to the least. */
static void moderate_window__request_and_response(void)
{
	unsigned windows = 0;

	begin(CONFIG_ADAPTIVE, true, true);
	CU_ASSERT_EQUAL(moderate_set(&m, CONFIG_ADAPTIVE, 4, now), 0);
	settle();
	while (m.dim.index != 0 && windows++ < 40) {
		for (unsigned i = 0; i < DIM_EVENTS; i++)
			wakes(1, 1, 20 + m.in_force.usecs);
		answered_at_once();
	}
	CU_ASSERT(windows < 40);
	for (unsigned i = 0; i < 20 * DIM_EVENTS; i++) {
		wakes(1, 1, 20 + m.in_force.usecs);
		answered_at_once();
	}
	CU_ASSERT(m.dim.index <= 1);
}

/* 1 ms on, 1 ms off, and 50 ms each: the device is asked at most each 5 ms, 64 such queues 12,800
 * times a second, of which the driver lets pass what the device bears. */
static void moderate_window__bursts(void)
{
	static const uint32_t halves[] = { 1000, 50000 };

	for (size_t i = 0; i < RTE_DIM(halves); i++) {
		uint64_t from;

		begin(CONFIG_ADAPTIVE, true, true);
		settle();
		for (from = now; now - from < 2000000; now += halves[i]) {
			for (uint64_t on = now; now - on < halves[i];) {
				stream(1);
				answered_at_once();
			}
			(void)moderate_sleep(&m, true, now);
			rests++;
		}
		CU_ASSERT(m.told.windows > 10);
		CU_ASSERT(m.told.posts <= 2000000 / MODERATE_POST_US);
		CU_ASSERT(m.told.changes <= m.told.windows);
	}
}

/* From load to nothing: within the idle time and one sleep it is back where it begins. */
static void moderate_sleep__idle(void)
{
	begin(CONFIG_ADAPTIVE, true, true);
	CU_ASSERT_EQUAL(moderate_set(&m, CONFIG_ADAPTIVE, 0, now), 0);
	settle();
	for (unsigned i = 0; i < 400 && (m.dim.index != 4 || m.pending); i++) {
		stream(DIM_EVENTS);
		if (device.state == VNIC_COAL_PENDING)
			answer(VNIC_COAL_IDLE);
	}
	CU_ASSERT_EQUAL(m.dim.index, 4);
	wakes(MODERATE_DEFER, 26, 266);
	now += MODERATE_IDLE_US;
	CU_ASSERT(moderate_sleep(&m, true, now));
	CU_ASSERT_EQUAL(m.dim.index, 0);
	CU_ASSERT_EQUAL(m.dim.tune, DIM_PARKING_ON_TOP);
	CU_ASSERT_EQUAL(device.last.usecs, 0); /* profile 0's microsecond is not worth a timer */
	answer(VNIC_COAL_IDLE);
	for (unsigned i = 0, posts = device.posts; i < 100; i++) {
		now += 100000;
		(void)moderate_sleep(&m, true, now);
		CU_ASSERT_EQUAL(device.posts, posts);
	}
}

/* The port stops with a question open: what it begins with is sent once, a late answer means nothing. */
static void moderate_start__afresh(void)
{
	begin(CONFIG_ADAPTIVE, true, true);
	settle();
	while (!m.pending)
		wakes(1, 100, 20);
	moderate_start(&m, PORT, QUEUE, &coalesces, now);
	CU_ASSERT_EQUAL(m.dim.index, 1);
	CU_ASSERT_EQUAL(m.dim.run, DIM_START_MEASURE);
	CU_ASSERT_EQUAL(m.told.windows, 0);
	device.posts = 0;
	device.state = VNIC_COAL_REFUSED; /* the driver's word for what it had of before */
	wake(1, 10);
	CU_ASSERT_EQUAL(device.posts, 1);
	CU_ASSERT_EQUAL(device.last.usecs, 8);
	answer(VNIC_COAL_IDLE);
	wakes(DIM_EVENTS, 1, 10);
	CU_ASSERT_EQUAL(m.told.refused, 0);
	CU_ASSERT(m.known);
}

/* Reset under way: nothing is known of the device, later it is asked again. */
static void moderate_window__reset_meanwhile(void)
{
	begin(CONFIG_ADAPTIVE, true, true);
	settle();
	while (!m.pending)
		wakes(1, 100, 20);
	answer(VNIC_COAL_NONE);
	device.rc = -EIO;
	wakes(MODERATE_DEFER + 1, 1, 100);
	CU_ASSERT(!m.pending && !m.known && m.due);
	wakes(100, 1, 1000);
	device.rc = 0;
	now += 2 * MODERATE_HOLD_US;
	wakes(1, 1, 100);
	CU_ASSERT_EQUAL(device.posts, 3);
	CU_ASSERT_EQUAL(m.told.refused, 0);
}

static void moderate_set_profile__cases(void)
{
	static const struct {
		unsigned i;
		struct config_profile p;
		int rc;
	} t[] = {
		{ 2, { 50, 64, 100, 1 }, 0 }, { 2, { 19, 64, 100, 1 }, -EINVAL }, { 2, { 50, 64, 129, 1 }, -EINVAL },
		{ 2, { 50, 65, 100, 1 }, -EINVAL }, { 2, { 20, 64, 8, 1 }, -EINVAL }, { 4, { 1001, 1, 1000, 1 }, -ERANGE },
		{ 4, { 1000, 1, 1001, 1 }, -ERANGE }, { 4, { 1000, 1, 1000, 1 }, 0 }, { 5, { 1000, 1, 1000, 1 }, -ENOENT },
		{ 0, { 1, 300, 0, 0 }, 0 },
	};

	begin(CONFIG_STATIC, true, true);
	settle();
	for (size_t i = 0; i < RTE_DIM(t); i++)
		CU_ASSERT_EQUAL(moderate_set_profile(&m, t[i].i, &t[i].p, now), t[i].rc);
	CU_ASSERT_EQUAL(m.profiles[2].usecs, 100);
	CU_ASSERT_EQUAL(moderate_set_latency(&m, 999, now), -ERANGE);
	CU_ASSERT_EQUAL(moderate_set_latency(&m, 1000, now), 0);
	CU_ASSERT_EQUAL(device.posts, 1);
	/* The one in force. */
	CU_ASSERT_EQUAL(moderate_set_profile(&m, 1, &(struct config_profile){ 20, 64, 33, 44 }, now), 0);
	wakes(1, 1, 10);
	CU_ASSERT_EQUAL(device.posts, 2);
	CU_ASSERT(device.last.usecs == 33 && device.last.packets == 44);
}

/* Static: exactly one command, whatever the load; off from adaptive as well. */
static void moderate_set__static(void)
{
	begin(CONFIG_ADAPTIVE, true, true);
	settle();
	CU_ASSERT_EQUAL(moderate_set(&m, CONFIG_STATIC, 3, now), 0);
	wakes(1, 1, 10);
	CU_ASSERT_EQUAL(device.posts, 2);
	CU_ASSERT_EQUAL(device.last.usecs, 128);
	answer(VNIC_COAL_IDLE);
	for (unsigned i = 0; i < 100; i++)
		wakes(DIM_EVENTS, 1 + i % 30, 10 + i % 13);
	CU_ASSERT_EQUAL(device.posts, 2);
	CU_ASSERT_EQUAL(m.told.changes, 0);
	CU_ASSERT_EQUAL(moderate_device_us(&m), 128);
}

static const struct test_case cases[] = {
	TEST_CASE(moderate__modes),
	TEST_CASE(moderate__all_queues_must_allow_it),
	TEST_CASE(moderate__bound),
	TEST_CASE(moderate_place__bound),
	TEST_CASE(moderate_poll__events),
	TEST_CASE(moderate_window__rates_and_history),
	TEST_CASE(moderate_window__adapts_through_the_device),
	TEST_CASE(moderate_window__spinning_sends_nothing),
	TEST_CASE(moderate_window__polling_decides),
	TEST_CASE(moderate_window__polling_takes_its_time),
	TEST_CASE(moderate_window__polling_is_calm),
	TEST_CASE(moderate_limits_add__part_of_a_burst),
	TEST_CASE(moderate_window__rests_without_interrupts),
	TEST_CASE(moderate_window__slow_device),
	TEST_CASE(moderate_window__silent_device),
	TEST_CASE(moderate_window__refused),
	TEST_CASE(moderate_window__cannot),
	TEST_CASE(moderate_window__rate_limit),
	TEST_CASE(moderate_window__request_and_response),
	TEST_CASE(moderate_window__bursts),
	TEST_CASE(moderate_sleep__idle),
	TEST_CASE(moderate_start__afresh),
	TEST_CASE(moderate_window__reset_meanwhile),
	TEST_CASE(moderate_set_profile__cases),
	TEST_CASE(moderate_set__static),
};
TEST_MAIN("pipeline_moderate", cases)
