/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Adaptive moderation of all queues of one port: the driver, its control thread and a scripted device
 * are real, the lcore that polls the queues is the test, in virtual time. Packets come at an even
 * rate, and wait as long as the device really holds its interrupts back.
 */
#include <string.h>
#include <unistd.h>

#include "app/smcgate/pipeline/moderate.h"
#include "tests/unit/test.h"
#include "tests/unit/virtio/port_lab.h"

#define QUEUES 64
#define WAKE_US 10
#define GAP_US 5

static const struct moderate_device vnic = { vnic_coal_post, vnic_coal_state };

static struct config_profile profiles[] = {
	{ 5, 256, 10, 256 }, { 20, 64, 20, 256 }, { 40, 64, 64, 256 }, { 100, 32, 128, 256 }, { 200, 16, 256, 256 },
};
static struct port_lab lab;
static struct moderate q[QUEUES];
static uint64_t now;
static uint32_t rests;

static void begin(uint16_t queues, uint32_t step_us)
{
	struct config_moderation conf = { .profiles = profiles, .n_profiles = RTE_DIM(profiles), .most_us = 1000 };
	struct config_moderated_queue own = { .mode = CONFIG_ADAPTIVE, .profile = 0, .max_latency_us = 1000 };

	port_open_pairs(&lab, queues, 0, NULL);
	lab.s->nic.coal_step_us = step_us;
	memset(q, 0, sizeof(q));
	now = 1000000;
	for (uint16_t i = 0; i < queues; i++) {
		moderate_init(&q[i], &conf, &own);
		moderate_place(&q[i], true, true, 1024, &(struct backoff_machine){ .wake_us = WAKE_US });
		moderate_start(&q[i], lab.port, i, &vnic, now);
	}
}

/* What the device does for a queue, rounded as it is. */
static uint32_t held_us(uint16_t i)
{
	return lab.s->nic.queue[2 * i].coal.max_usecs;
}

static void answered(uint16_t queues)
{
	uint64_t since = test_now_ms();

	for (bool patient = true; patient; patient = test_nap(since)) {
		unsigned pending = 0;

		for (uint16_t i = 0; i < queues; i++)
			pending += vnic_coal_state(lab.port, i) == VNIC_COAL_PENDING;
		if (pending == 0)
			return;
	}
	CU_FAIL("the device has not answered");
}

/* A window of wakes on each queue, and what was asked for then is in force. */
static void window(uint16_t queues)
{
	uint64_t from = now, last = now;

	for (uint16_t i = 0; i < queues; i++) {
		now = from;
		for (unsigned k = 0; k < DIM_EVENTS; k++) {
			uint32_t us = held_us(i) + WAKE_US;
			unsigned n;

			(void)moderate_sleep(&q[i], true, now);
			rests++;
			n = (unsigned)((now + us) / GAP_US - now / GAP_US);
			now += us;
			(void)moderate_poll(&q[i], rests, rests, n, n * 1500, now);
		}
		last = RTE_MAX(last, now);
	}
	now = RTE_MAX(last, from + MODERATE_POST_US);
	answered(queues);
}

/* Each of 64 finds its way to the right end by commands of its own, which go out many at a time. */
static void many__each_queue_by_itself(void)
{
	uint64_t kicks, seen;
	unsigned far = 0, posts = 0;

	begin(QUEUES, 0);
	kicks = lab.s->kicks[2 * QUEUES];
	seen = lab.s->ctrl_seen;
	for (unsigned w = 0; w < 40; w++)
		window(QUEUES);
	for (uint16_t i = 0; i < QUEUES; i++) {
		far += q[i].dim.index >= 3;
		posts += (unsigned)q[i].told.posts;
		CU_ASSERT(q[i].told.windows >= 10);
		CU_ASSERT(q[i].told.changes >= 3 && q[i].told.posts >= 3);
		CU_ASSERT_EQUAL(q[i].told.refused, 0);
		CU_ASSERT(q[i].known && q[i].in_force.usecs == held_us(i));
	}
	CU_ASSERT(far >= QUEUES * 3 / 4);
	CU_ASSERT_EQUAL(lab.s->ctrl_seen - seen, posts);
	CU_ASSERT(2 * (lab.s->kicks[2 * QUEUES] - kicks) < posts);
	port_close(&lab);
}

/* The device knows 100, 200, 300 us only: three profiles are one to it. The queue goes as far as it is
 * better, keeps the left one of those that are the same, and tries again ever more seldom. */
static void many__device_that_rounds(void)
{
	uint64_t changes, posts;

	begin(8, 100);
	for (unsigned w = 0; w < 64; w++)
		window(8);
	for (uint16_t i = 0; i < 8; i++) {
		CU_ASSERT_EQUAL(held_us(i) % 100, 0);
		CU_ASSERT(q[i].told.changes <= 12);
	}
	changes = q[0].told.changes;
	posts = q[0].told.posts;
	for (unsigned w = 0; w < 448; w++)
		window(8);
	CU_ASSERT(q[0].told.windows >= 400);
	CU_ASSERT(q[0].told.changes - changes <= 20);
	CU_ASSERT(q[0].told.posts - posts <= 20);
	if (q[0].told.changes - changes > 20)
		printf("\n%u changes, then %u in 448 windows\n", (unsigned)changes,
		       (unsigned)(q[0].told.changes - changes));
	port_close(&lab);
}

static const struct test_case cases[] = {
	TEST_CASE(many__each_queue_by_itself),
	TEST_CASE(many__device_that_rounds),
};
TEST_MAIN("pipeline_moderate_many", cases)
