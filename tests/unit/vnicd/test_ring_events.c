/* SPDX-License-Identifier: BSD-3-Clause */
/* Who wakes whom: suppression on both sides, in every order of steps; undo, resuming, and lies. */
#include <errno.h>
#include <string.h>

#include "tests/unit/test.h"
#include "tests/unit/vnicd/driver.h"

static struct drv d;
static struct iovec iov[VNICD_CHAIN_MAX];
static uint64_t seed;

static unsigned below(unsigned n)
{
	return (unsigned)(test_random(&seed) % n);
}

/* ---- one shot ------------------------------------------------------------------------ */
static void use_one(uint32_t len)
{
	struct vnicd_chain c;

	CU_ASSERT_EQUAL_FATAL(vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX), 1);
	vnicd_ring_used(&d.ring, &c, len);
}

static void should_call__as_the_driver_wants(void)
{
	for (unsigned k = 0; k < 4; k++) {
		bool packed = k & 1, event_idx = k & 2;
		uint32_t len;

		drv_init(&d, 8, packed, false, event_idx);
		CU_ASSERT_FALSE(vnicd_ring_should_call(&d.ring)); /* nothing was published */
		drv_want_call(&d, true);
		for (unsigned i = 0; i < 4; i++)
			drv_post_one(&d, 64, true);
		use_one(1);
		CU_ASSERT_FALSE(vnicd_ring_should_call(&d.ring)); /* not yet */
		vnicd_ring_publish(&d.ring);
		CU_ASSERT_TRUE(vnicd_ring_should_call(&d.ring));
		CU_ASSERT_FALSE(vnicd_ring_should_call(&d.ring)); /* once */
		use_one(1);
		vnicd_ring_publish(&d.ring);
		/* with EVENT_IDX it has heard of what it asked for */
		CU_ASSERT_EQUAL(vnicd_ring_should_call(&d.ring), !event_idx);
		while (drv_take(&d, &len) >= 0)
			;
		drv_want_call(&d, false);
		use_one(1);
		vnicd_ring_publish(&d.ring);
		CU_ASSERT_FALSE(vnicd_ring_should_call(&d.ring));
		CU_ASSERT_EQUAL(d.ring.calls, 1 + !event_idx);
		drv_fini(&d);
	}
}

/* The event lies in the middle of a batch: one call, decided from the check before. */
static void should_call__a_batch_passes_the_event(void)
{
	for (unsigned k = 0; k < 2; k++) {
		drv_init(&d, 16, k, false, true);
		for (unsigned i = 0; i < 12; i++)
			drv_post_one(&d, 64, true);
		/* after the sixth */
		if (k)
			*(struct vring_packed_event *)drv_at(&d, DRV_DRIVER) = (struct vring_packed_event){ 0x8005, 2 };
		else
			*vring_used_event(drv_avail(&d), 16) = 5;
		for (unsigned i = 0; i < 12; i++) {
			use_one(1);
			vnicd_ring_publish(&d.ring); /* publishing between does not move the check */
			if (i % 4 == 3)
				CU_ASSERT_EQUAL(vnicd_ring_should_call(&d.ring), i == 7);
		}
		drv_fini(&d);
	}
}

/* The reserved value of flags means "always"; so does "at this one" where it was not negotiated. */
static void should_call__odd_flags(void)
{
	static const struct {
		bool event_idx;
		uint16_t flags;
		bool call;
	} t[] = { { true, 3, true }, { false, 3, true }, { false, 2, true }, { true, 0, true }, { true, 1, false },
		  { false, 1, false }, { true, 0xfffc, true }, { true, 2, false } };

	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		drv_init(&d, 8, true, false, t[i].event_idx);
		*(struct vring_packed_event *)drv_at(&d, DRV_DRIVER) = (struct vring_packed_event){ 0x8004, t[i].flags };
		drv_post_one(&d, 64, true);
		use_one(1);
		vnicd_ring_publish(&d.ring);
		CU_ASSERT_EQUAL(vnicd_ring_should_call(&d.ring), t[i].call);
		drv_fini(&d);
	}
}

static void want_kick__tells_the_driver(void)
{
	for (unsigned k = 0; k < 8; k++) {
		drv_init(&d, 8, k & 1, k & 4, k & 2);
		CU_ASSERT_FALSE(vnicd_ring_want_kick(&d.ring, true));
		drv_post_one(&d, 64, false);
		CU_ASSERT_TRUE(drv_should_kick(&d));
		CU_ASSERT_TRUE(vnicd_ring_want_kick(&d.ring, true)); /* one came in between */
		use_one(0);
		vnicd_ring_want_kick(&d.ring, false);
		for (unsigned i = 0; i < 3; i++)
			drv_post_one(&d, 64, false);
		if (k & 1 || !(k & 2)) /* an index left behind may cause one */
			CU_ASSERT_FALSE(drv_should_kick(&d));
		drv_fini(&d);
	}
}

/* So many buffers are waited for: with EVENT_IDX the kick comes with the last of them, over the ring's end, too. */
static void want_kick_at__waits_for_so_many(void)
{
	for (unsigned k = 0; k < 8; k++)
		for (unsigned lap = 0; lap < 3; lap++) {
			drv_init(&d, 8, k & 1, k & 4, k & 2);
			for (unsigned i = 0; i < 5 * lap; i++) {
				uint32_t len;

				drv_post_one(&d, 64, false);
				use_one(0);
				vnicd_ring_publish(&d.ring);
				CU_ASSERT(drv_take(&d, &len) >= 0);
			}
			(void)drv_should_kick(&d);
			CU_ASSERT_FALSE(vnicd_ring_want_kick_at(&d.ring, 5));
			for (unsigned i = 1; i <= 5; i++) {
				CU_ASSERT_FALSE(vnicd_ring_has(&d.ring, (uint16_t)i));
				drv_post_one(&d, 64, false);
				CU_ASSERT_TRUE(vnicd_ring_has(&d.ring, (uint16_t)i));
				CU_ASSERT_EQUAL(drv_should_kick(&d), !(k & 2) || i == 5);
			}
			CU_ASSERT_TRUE(vnicd_ring_want_kick_at(&d.ring, 5));
			CU_ASSERT_FALSE(vnicd_ring_has(&d.ring, 6));
			CU_ASSERT_FALSE(vnicd_ring_has(&d.ring, 9)); /* more than there can be */
			drv_fini(&d);
		}
}

/* ---- all orders ------------------------------------------------------------------------ */
/*
 * Driver and device take turns in small steps, at random. Either sleeps only after
 * it has asked to be woken and looked once more. When both sleep, work must be done.
 */
struct world {
	enum { DRIVER_RUN, DRIVER_KICK, DRIVER_LOOK, DRIVER_SLEEP } driver;
	enum { DEVICE_RUN, DEVICE_CALL, DEVICE_ARM, DEVICE_SLEEP } device;
	unsigned posted, done, goal;
	struct vnicd_chain taken[VRING_SIZE_MAX];
	unsigned n_taken;
	bool can_undo; /* the chain taken last has not been used */
	unsigned kicks, calls;
};
static struct world w;

static bool post_some(void)
{
	struct drv_buf buf[4];
	unsigned n = 1 + below(d.size < 4 ? d.size : 4), out = below(n + 1);
	uint64_t at = DRV_GUEST + DRV_BUFFERS;

	for (unsigned i = 0; i < n; i++)
		buf[i] = (struct drv_buf){ at + 4096 * i, 1 + below(4096), i >= out };
	if (w.posted == w.goal || drv_post(&d, buf, n, d.size < 1000 && below(3) == 0) < 0)
		return false;
	w.posted++;
	return true;
}

static void step_driver(void)
{
	uint32_t len;

	switch (w.driver) {
	case DRIVER_RUN:
		if (below(2) && post_some()) {
			w.driver = below(2) ? DRIVER_KICK : DRIVER_RUN;
		} else if (drv_has_used(&d)) {
			CU_ASSERT_FATAL(drv_take(&d, &len) >= 0);
			w.done++;
		} else if (below(4) == 0 && !post_some()) {
			/* what was posted and not told is told before anything else */
			w.driver = DRIVER_KICK;
		}
		break;
	case DRIVER_KICK:
		if (drv_should_kick(&d)) {
			w.kicks++;
			if (w.device == DEVICE_SLEEP) {
				vnicd_ring_want_kick(&d.ring, false);
				w.device = DEVICE_RUN;
			}
		}
		w.driver = DRIVER_RUN;
		if (w.posted > w.done && !drv_has_used(&d) && below(2)) {
			drv_want_call(&d, true);
			w.driver = DRIVER_LOOK;
		}
		break;
	case DRIVER_LOOK:
		if (drv_has_used(&d)) {
			drv_want_call(&d, false);
			w.driver = DRIVER_RUN;
		} else {
			w.driver = DRIVER_SLEEP;
		}
		break;
	case DRIVER_SLEEP:
		break;
	}
}

static void use_any(void)
{
	unsigned i = d.in_order ? 0 : below(w.n_taken);
	struct vnicd_chain c = w.taken[i];

	w.can_undo &= i + 1 < w.n_taken;
	vnicd_ring_used(&d.ring, &c, c.in_len);
	memmove(&w.taken[i], &w.taken[i + 1], (--w.n_taken - i) * sizeof(c));
}

static void step_device(void)
{
	int rc = 0;

	switch (w.device) {
	case DEVICE_RUN:
		if (w.n_taken > 0 && w.can_undo && below(8) == 0) {
			vnicd_ring_undo(&d.ring, &w.taken[--w.n_taken]);
			w.can_undo = false;
			break;
		}
		if (below(2)) {
			rc = vnicd_ring_next(&d.ring, &w.taken[w.n_taken], iov, VNICD_CHAIN_MAX);
			CU_ASSERT_FATAL(rc >= 0);
			w.n_taken += (unsigned)rc;
			w.can_undo |= rc > 0;
		} else if (w.n_taken > 0) {
			use_any();
		} else if (d.ring.pending > 0 || below(4) == 0) {
			vnicd_ring_publish(&d.ring);
			w.device = DEVICE_CALL;
		} else if (vnicd_ring_waiting(&d.ring) == 0) {
			w.device = DEVICE_ARM;
		}
		break;
	case DEVICE_ARM:
		w.device = vnicd_ring_want_kick(&d.ring, true) ? DEVICE_RUN : DEVICE_SLEEP;
		break;
	case DEVICE_CALL:
		if (vnicd_ring_should_call(&d.ring)) {
			w.calls++;
			if (w.driver == DRIVER_SLEEP) {
				drv_want_call(&d, false);
				w.driver = DRIVER_RUN;
			}
		}
		w.device = DEVICE_RUN;
		break;
	case DEVICE_SLEEP:
		break;
	}
}

static void play(unsigned goal)
{
	uint64_t steps = 0;

	memset(&w, 0, sizeof(w));
	w.goal = goal;
	while (w.done < goal) {
		if (w.driver == DRIVER_SLEEP && w.device == DEVICE_SLEEP)
			break;
		CU_ASSERT_FATAL(++steps < 1000 * (uint64_t)goal);
		if (below(2))
			step_driver();
		else
			step_device();
	}
	CU_ASSERT_EQUAL(w.done, goal);
	if (w.done != goal)
		printf("  stuck: size %u packed %d in_order %d event_idx %d: posted %u done %u\n", d.size, d.packed,
		       d.in_order, d.event_idx, w.posted, w.done);
}

static void interleavings__nobody_sleeps_with_work(void)
{
	static const uint16_t sizes[] = { 1, 2, 4, 8, 256, 3, 7, 257 };

	for (unsigned i = 0; i < 4 * sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint16_t size = sizes[i / 4];

		for (unsigned packed = (size & (size - 1)) != 0; packed < 2; packed++) {
			seed = i;
			drv_init(&d, size, packed, i & 1, i & 2);
			play(20000);
			CU_ASSERT_EQUAL(d.free, size);
			drv_fini(&d);
		}
	}
}

/* ---- undo, resuming ------------------------------------------------------------------------ */
static void undo__as_if_never_taken(void)
{
	for (unsigned k = 0; k < 2; k++) {
		struct vnicd_chain c[3], again;

		drv_init(&d, k ? 5 : 4, k, false, false);
		for (unsigned lap = 0; lap < 40; lap++) { /* at every position */
			uint32_t len;

			for (unsigned i = 0; i < 3; i++)
				drv_post_one(&d, 64 + i, false);
			for (unsigned i = 0; i < 3; i++)
				CU_ASSERT_EQUAL(vnicd_ring_next(&d.ring, &c[i], iov, VNICD_CHAIN_MAX), 1);
			for (unsigned i = 3; i-- > 0;)
				vnicd_ring_undo(&d.ring, &c[i]);
			CU_ASSERT_EQUAL(vnicd_ring_waiting(&d.ring), 3);
			for (unsigned i = 0; i < 3; i++) {
				CU_ASSERT_EQUAL(vnicd_ring_next(&d.ring, &again, iov, VNICD_CHAIN_MAX), 1);
				CU_ASSERT(again.id == c[i].id && again.out_len == 64 + i);
				vnicd_ring_used(&d.ring, &again, 0);
			}
			CU_ASSERT_EQUAL(vnicd_ring_next(&d.ring, &again, iov, VNICD_CHAIN_MAX), 0);
			vnicd_ring_publish(&d.ring);
			for (unsigned i = 0; i < 3; i++)
				CU_ASSERT_EQUAL(drv_take(&d, &len), c[i].id);
		}
		CU_ASSERT_EQUAL(d.ring.chains, 120);
		drv_fini(&d);
	}
}

/* Stopped and started again anywhere in the lap: nothing is lost, nothing done twice, and the
 * driver that may be asleep is told of the first thing. */
static void stop__resumes_from_its_base(void)
{
	for (unsigned k = 0; k < 4; k++) {
		drv_init(&d, k & 1 ? 7 : 8, k & 1, false, k & 2);
		for (unsigned i = 0; i < 200; i++) {
			unsigned n = 1 + i % 5;
			uint32_t base, len;

			for (unsigned j = 0; j < n; j++)
				drv_post_one(&d, 64, true);
			for (unsigned j = 0; j < n / 2; j++)
				use_one(10);
			base = vnicd_ring_stop(&d.ring); /* publishes */
			CU_ASSERT_EQUAL(vnicd_ring_stop(&d.ring), base);
			CU_ASSERT_EQUAL_FATAL(drv_restart_device(&d, base), 0);
			for (unsigned j = n / 2; j < n; j++)
				use_one(10);
			vnicd_ring_publish(&d.ring);
			CU_ASSERT_TRUE(vnicd_ring_should_call(&d.ring));
			for (unsigned j = 0; j < n; j++)
				CU_ASSERT(drv_take(&d, &len) >= 0 && len == 10);
			CU_ASSERT_EQUAL(drv_take(&d, &len), -1);
		}
		drv_fini(&d);
	}
}

/* Taken and never used when the device died: taken again. */
static void start__takes_again_what_was_lost(void)
{
	for (unsigned k = 0; k < 2; k++) {
		struct vnicd_chain c;
		uint32_t base;

		drv_init(&d, 8, k, false, false);
		for (unsigned i = 0; i < 3; i++)
			drv_post_one(&d, 64, false);
		use_one(0);
		CU_ASSERT_EQUAL(vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX), 1);
		base = vnicd_ring_stop(&d.ring);
		CU_ASSERT_EQUAL(base, k ? 0x80018002 : 2);
		CU_ASSERT_EQUAL_FATAL(drv_restart_device(&d, base), 0);
		CU_ASSERT_EQUAL(vnicd_ring_waiting(&d.ring), 2);
		drv_fini(&d);
	}
}

static void start__at_the_wrap_of_the_index(void)
{
	uint32_t len;

	drv_init_at(&d, 4, false, false, true, 65533);
	for (unsigned i = 0; i < 20; i++) {
		drv_want_call(&d, true);
		drv_post_one(&d, 64, true);
		use_one(3);
		vnicd_ring_publish(&d.ring);
		CU_ASSERT_TRUE(vnicd_ring_should_call(&d.ring));
		CU_ASSERT(drv_take(&d, &len) >= 0);
	}
	drv_fini(&d);
}

static const struct test_case cases[] = {
	TEST_CASE(should_call__as_the_driver_wants),
	TEST_CASE(should_call__a_batch_passes_the_event),
	TEST_CASE(should_call__odd_flags),
	TEST_CASE(want_kick__tells_the_driver),
	TEST_CASE(want_kick_at__waits_for_so_many),
	TEST_CASE(interleavings__nobody_sleeps_with_work),
	TEST_CASE(undo__as_if_never_taken),
	TEST_CASE(stop__resumes_from_its_base),
	TEST_CASE(start__takes_again_what_was_lost),
	TEST_CASE(start__at_the_wrap_of_the_index),
};
TEST_MAIN("vnicd ring events", cases)
