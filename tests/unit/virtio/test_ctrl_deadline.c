/* SPDX-License-Identifier: BSD-3-Clause */
/* Deadlines, breakage, cancelling, resets; order inside of groups. */
#include <errno.h>
#include <string.h>

#include "tests/unit/test.h"
#include "tests/unit/virtio/ctrl_lab.h"

#define MS UINT64_C(1000000)

static struct ctrl_lab lab;
static struct ctrl_lab_cmd cmd[8], spare;
static struct ctrl_lab_result res[8];

static struct vnic_ctrl_request request(unsigned n, uint64_t timeout_ms)
{
	memset(&res[n], 0, sizeof(res[n]));
	return (struct vnic_ctrl_request){ .class = 6, .cmd = (uint8_t)n, .result_len = 4, .timeout_ms = timeout_ms,
					   .done = ctrl_lab_done, .arg = &res[n] };
}

static uint64_t submit(unsigned n, uint64_t timeout_ms)
{
	struct vnic_ctrl_request r = request(n, timeout_ms);
	uint64_t id = 0;

	CU_ASSERT_EQUAL(vnic_ctrl_submit(lab.c, &r, &id), 0);
	return id;
}

static void each_ring(void (*fn)(void))
{
	for (unsigned i = 0; i < ctrl_lab_ring_count; i++) {
		ctrl_lab_open(&lab, &ctrl_lab_rings[i]);
		fn();
		ctrl_lab_close(&lab);
	}
}

/* ---- deadlines ----------------------------------------------------------------------- */

/* The one that is due: -ETIMEDOUT; the others, and those that wait: -EIO; later ones at once. */
static void expire_one(void)
{
	struct vnic_ctrl_stats st;
	unsigned doorbells;

	submit(0, 1000);
	submit(1, 200);
	submit(2, 0);
	vnic_ctrl_flush(lab.c);
	CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[0]));
	ctrl_lab_clock += 200 * MS - 1;
	vnic_ctrl_poll(lab.c);
	CU_ASSERT(res[0].calls == 0 && res[1].calls == 0 && res[2].calls == 0);
	CU_ASSERT_EQUAL(vnic_ctrl_next(lab.c), 1);
	ctrl_lab_clock += 1;
	doorbells = lab.doorbells;
	vnic_ctrl_poll(lab.c);
	CU_ASSERT(res[0].calls == 1 && res[1].calls == 1 && res[2].calls == 1);
	CU_ASSERT(res[0].rc == -EIO && res[1].rc == -ETIMEDOUT && res[2].rc == -EIO);
	CU_ASSERT_PTR_NOT_NULL(vnic_ctrl_broken(lab.c));
	CU_ASSERT_EQUAL(vnic_ctrl_submit(lab.c, &(struct vnic_ctrl_request){ .cmd = 1 }, NULL), -EIO);
	CU_ASSERT_EQUAL(vnic_ctrl_call(lab.c, &(struct vnic_ctrl_request){ .cmd = 1 }, NULL), -EIO);
	vnic_ctrl_flush(lab.c);
	CU_ASSERT_EQUAL(lab.doorbells, doorbells);
	vnic_ctrl_stats_get(lab.c, &st);
	CU_ASSERT(st.timed_out == 1 && st.failed == 2 && st.in_flight == 0 && st.waiting == 0);
}

static void ctrl__expiry_breaks_the_queue(void)
{
	each_ring(expire_one);
}

/* An answer after the deadline completes nothing twice, and revives nothing. */
static void late(void)
{
	submit(0, 100);
	CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[0]));
	ctrl_lab_clock += 100 * MS;
	vnic_ctrl_poll(lab.c);
	CU_ASSERT(res[0].calls == 1 && res[0].rc == -ETIMEDOUT);
	ctrl_lab_answer(&lab, &cmd[0], 0, "late", 5);
	vnic_ctrl_poll(lab.c);
	CU_ASSERT_EQUAL(res[0].calls, 1);
	CU_ASSERT_EQUAL(vnic_ctrl_submit(lab.c, &(struct vnic_ctrl_request){ .cmd = 1 }, NULL), -EIO);
	vnic_ctrl_reset(lab.c);
	ctrl_lab_rewind(&lab);
	submit(1, 0);
	CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[0]));
	ctrl_lab_answer(&lab, &cmd[0], 0, "good", 5);
	vnic_ctrl_poll(lab.c);
	CU_ASSERT(res[1].calls == 1 && res[1].rc == 0 && memcmp(res[1].data, "good", 4) == 0);
}

static void ctrl__late_answer_is_no_second_one(void)
{
	each_ring(late);
}

/* What the device did not answer stays out of use until it is reset, past the queue's end. */
static void ctrl__unanswered_slots_stay_in_quarantine(void)
{
	for (unsigned reset = 0; reset < 2; reset++) {
		ctrl_lab_open(&lab, &ctrl_lab_rings[0]);
		submit(0, 100);
		ctrl_lab_clock += 100 * MS;
		vnic_ctrl_poll(lab.c);
		if (reset)
			vnic_ctrl_reset(lab.c);
		vnic_ctrl_destroy(lab.c);
		CU_ASSERT_EQUAL(vnic_mem_quarantined(lab.dev.mem) != 0, !reset);
		ctrl_lab_close(&lab);
	}
}

/* Only asynchronous commands, and nobody asks: the poller finds the one that is due. */
static void ctrl__deadline_seven_days(void)
{
	const uint64_t week = VNIC_CTRL_TIMEOUT_MS * MS;

	CU_ASSERT_EQUAL(VNIC_CTRL_TIMEOUT_MS, UINT64_C(604800000));
	ctrl_lab_open(&lab, &ctrl_lab_rings[0]);
	submit(0, 0);
	/* Where arithmetic of 32 bits would have gone wrong: us after 71 min, ms after 49 days. */
	static const uint64_t after_ms[] = { 1, 4294967, 4294968, 86400000, 604799999 };
	for (unsigned i = 0; i < RTE_DIM(after_ms); i++) {
		ctrl_lab_clock = UINT64_C(1000000000) + after_ms[i] * MS;
		vnic_ctrl_poll(lab.c);
		CU_ASSERT_EQUAL(res[0].calls, 0);
	}
	ctrl_lab_clock = UINT64_C(1000000000) + week - 1;
	vnic_ctrl_poll(lab.c);
	CU_ASSERT_EQUAL(res[0].calls, 0);
	ctrl_lab_clock++;
	vnic_ctrl_poll(lab.c);
	CU_ASSERT(res[0].calls == 1 && res[0].rc == -ETIMEDOUT);
	ctrl_lab_close(&lab);
}

/* From the submission of what is in flight; not of what has a deadline of its own. */
static void ctrl__timeout_changes_for_all(void)
{
	ctrl_lab_open(&lab, &ctrl_lab_rings[0]);
	vnic_ctrl_vq(lab.c)->call_fd = 0;
	submit(0, 0);
	ctrl_lab_clock += 20 * MS;
	submit(1, 70);
	vnic_ctrl_set_timeout(lab.c, UINT64_MAX); /* as good as never, and no overflow */
	submit(2, 0);
	CU_ASSERT_EQUAL(vnic_ctrl_next(lab.c), 70);
	vnic_ctrl_set_timeout(lab.c, 50);
	CU_ASSERT_EQUAL(vnic_ctrl_next(lab.c), 30);
	ctrl_lab_clock += 29 * MS;
	vnic_ctrl_poll(lab.c);
	CU_ASSERT(res[0].calls + res[1].calls + res[2].calls == 0);
	ctrl_lab_clock += 1 * MS;
	vnic_ctrl_poll(lab.c);
	CU_ASSERT(res[0].rc == -ETIMEDOUT && res[1].rc == -EIO && res[2].rc == -EIO);
	vnic_ctrl_vq(lab.c)->call_fd = -1;
	ctrl_lab_close(&lab);
}

/* Shorter than what has passed: over at the next look. */
static void ctrl__timeout_ends_a_long_wait(void)
{
	ctrl_lab_open(&lab, &ctrl_lab_rings[0]);
	submit(0, 0);
	ctrl_lab_clock += 3600 * 1000 * MS;
	vnic_ctrl_set_timeout(lab.c, 1000);
	CU_ASSERT_EQUAL(vnic_ctrl_next(lab.c), 0);
	vnic_ctrl_poll(lab.c);
	CU_ASSERT(res[0].calls == 1 && res[0].rc == -ETIMEDOUT);
	ctrl_lab_close(&lab);
}

/* Nobody tells when answers come, and one does not: looks become seldom, the deadline stays exact. */
static void ctrl__looks_without_a_descriptor(void)
{
	int64_t ms, last = 0, looks = 0;

	ctrl_lab_open(&lab, &ctrl_lab_rings[0]);
	submit(0, 60000);
	while (res[0].calls == 0) {
		ms = vnic_ctrl_next(lab.c);
		CU_ASSERT_FATAL(ms >= 0 && ms <= 50);
		CU_ASSERT(ms >= last || ctrl_lab_clock + ms * (int64_t)MS == lab.c->next_deadline);
		last = ms;
		looks++;
		ctrl_lab_clock += (uint64_t)ms * MS;
		vnic_ctrl_poll(lab.c);
	}
	CU_ASSERT(ctrl_lab_clock == UINT64_C(61000000000) && looks < 1400);
	ctrl_lab_close(&lab);
}

static void ctrl__next_says_when_to_look(void)
{
	ctrl_lab_open(&lab, &ctrl_lab_rings[0]);
	CU_ASSERT_EQUAL(vnic_ctrl_next(lab.c), -1);
	vnic_ctrl_vq(lab.c)->call_fd = 0; /* somebody would tell us */
	submit(0, 30);
	CU_ASSERT_EQUAL(vnic_ctrl_next(lab.c), 30);
	ctrl_lab_clock += 1;
	CU_ASSERT_EQUAL(vnic_ctrl_next(lab.c), 30); /* never too early */
	ctrl_lab_clock += 40 * MS;
	CU_ASSERT_EQUAL(vnic_ctrl_next(lab.c), 0);
	vnic_ctrl_vq(lab.c)->call_fd = -1;
	vnic_ctrl_poll(lab.c);
	CU_ASSERT_EQUAL(vnic_ctrl_next(lab.c), -1);
	ctrl_lab_close(&lab);
}

/* An answer that came behind the last look is looked at, whoever was told of it. */
static void ctrl__next_sees_an_answer(void)
{
	for (unsigned i = 0; i < ctrl_lab_ring_count; i++) {
		ctrl_lab_open(&lab, &ctrl_lab_rings[i]);
		vnic_ctrl_vq(lab.c)->call_fd = 0;
		submit(0, 30);
		vnic_ctrl_flush(lab.c);
		CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[0]));
		vnic_ctrl_poll(lab.c);
		CU_ASSERT_EQUAL(vnic_ctrl_next(lab.c), 30);
		ctrl_lab_answer(&lab, &cmd[0], VIRTIO_NET_OK, NULL, 1);
		CU_ASSERT_EQUAL(vnic_ctrl_next(lab.c), 0);
		vnic_ctrl_vq(lab.c)->call_fd = -1;
		vnic_ctrl_poll(lab.c);
		CU_ASSERT(res[0].calls == 1 && res[0].rc == 0);
		ctrl_lab_close(&lab);
	}
}

/* What was submitted and not rung for when the device broke: no doorbell of any kind any more. */
static void ctrl__no_doorbell_when_broken(void)
{
	ctrl_lab_open(&lab, &ctrl_lab_rings[0]);
	submit(0, 10);
	ctrl_lab_clock += 10 * MS;
	vnic_ctrl_poll(lab.c);
	vnic_ctrl_flush(lab.c);
	CU_ASSERT(res[0].calls == 1 && res[0].rc == -ETIMEDOUT);
	CU_ASSERT_EQUAL(lab.doorbells, 0);
	ctrl_lab_close(&lab);
}

/* ---- break, reset, cancel -------------------------------------------------------------- */

static void ctrl__break_ends_everything_once(void)
{
	ctrl_lab_open(&lab, &ctrl_lab_rings[0]);
	submit(0, 0);
	submit(1, 0);
	vnic_ctrl_break(lab.c);
	vnic_ctrl_break(lab.c);
	CU_ASSERT(res[0].calls == 1 && res[0].rc == -EIO && res[1].calls == 1 && res[1].rc == -EIO);
	CU_ASSERT_PTR_NULL(vnic_ctrl_broken(lab.c)); /* its breaker knows why */
	ctrl_lab_close(&lab);
	CU_ASSERT(res[0].calls == 1 && res[1].calls == 1);
}

static void reset_all(void)
{
	submit(0, 0);
	submit(1, 0);
	CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[0]));
	vnic_ctrl_reset(lab.c);
	ctrl_lab_rewind(&lab);
	CU_ASSERT(res[0].calls == 1 && res[0].rc == -ECANCELED && res[1].calls == 1 && res[1].rc == -ECANCELED);
	CU_ASSERT_FALSE(ctrl_lab_fetch(&lab, &cmd[0]));
	for (unsigned i = 0; i < 3; i++) {
		submit(2, 0);
		CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[0]));
		ctrl_lab_answer(&lab, &cmd[0], 0, "1234", 5);
		vnic_ctrl_poll(lab.c);
		CU_ASSERT(res[2].calls == 1 && res[2].rc == 0);
	}
}

static void ctrl__reset_cancels_and_goes_on(void)
{
	each_ring(reset_all);
}

/* Cancelled: told at once; the slot is the device's until it answers. */
static void cancel(void)
{
	uint64_t id = submit(0, 0);
	struct vnic_ctrl_stats st;

	CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[0]));
	CU_ASSERT_EQUAL(vnic_ctrl_cancel(lab.c, id), 0);
	CU_ASSERT(res[0].calls == 1 && res[0].rc == -ECANCELED);
	CU_ASSERT_EQUAL(vnic_ctrl_cancel(lab.c, id), -ENOENT);
	CU_ASSERT_EQUAL(lab.c->slot[id & 0xffff].state, CTRL_ORPHAN);
	ctrl_lab_answer(&lab, &cmd[0], 0, "1234", 5);
	vnic_ctrl_poll(lab.c);
	CU_ASSERT_EQUAL(lab.c->slot[id & 0xffff].state, CTRL_FREE);
	CU_ASSERT_EQUAL(res[0].calls, 1);
	CU_ASSERT_EQUAL(vnic_ctrl_cancel(lab.c, id), -ENOENT);
	CU_ASSERT_EQUAL(vnic_ctrl_cancel(lab.c, UINT64_MAX), -ENOENT);
	vnic_ctrl_stats_get(lab.c, &st);
	CU_ASSERT(st.canceled == 1 && st.errors == 0);
}

static void ctrl__cancel(void)
{
	each_ring(cancel);
}

/* An id of a slot's earlier life is nobody's. */
static void ctrl__cancel_of_an_old_id(void)
{
	uint64_t old, id;

	ctrl_lab_open(&lab, &ctrl_lab_rings[0]);
	old = submit(0, 0);
	CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[0]));
	ctrl_lab_answer(&lab, &cmd[0], 0, "1234", 5);
	vnic_ctrl_poll(lab.c);
	id = submit(1, 0);
	CU_ASSERT_EQUAL(id & 0xffff, old & 0xffff);
	CU_ASSERT_EQUAL(vnic_ctrl_cancel(lab.c, old), -ENOENT);
	CU_ASSERT_EQUAL(res[1].calls, 0);
	CU_ASSERT_EQUAL(vnic_ctrl_cancel(lab.c, id), 0);
	ctrl_lab_close(&lab);
}

/* A callback may submit and cancel. */
static void chain_done(void *arg, int rc, const void *result, size_t len)
{
	struct vnic_ctrl_request r = request(1, 0);

	(void)result;
	(void)len;
	CU_ASSERT_EQUAL(rc, 0);
	CU_ASSERT_EQUAL(vnic_ctrl_submit(lab.c, &r, arg), 0);
	CU_ASSERT_EQUAL(vnic_ctrl_call(lab.c, &r, NULL), -EDEADLK);
}

static void ctrl__callback_submits(void)
{
	uint64_t id = 0;
	struct vnic_ctrl_request r = { .cmd = 9, .done = chain_done, .arg = &id };

	ctrl_lab_open(&lab, &ctrl_lab_rings[0]);
	CU_ASSERT_EQUAL(vnic_ctrl_submit(lab.c, &r, NULL), 0);
	CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[0]));
	ctrl_lab_answer(&lab, &cmd[0], 0, NULL, 1);
	vnic_ctrl_poll(lab.c);
	CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[1]));
	CU_ASSERT_EQUAL(cmd[1].cmd, 1);
	CU_ASSERT_EQUAL(vnic_ctrl_cancel(lab.c, id), 0);
	ctrl_lab_close(&lab);
}

/* ---- order ------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	uint8_t a, b;
	uint32_t key_a, key_b;
	bool conflict;
} pairs[] = {
	{ "statistics", VNIC_CTRL_FREE, VNIC_CTRL_FREE, 0, 0, false },
	{ "statistics and steering", VNIC_CTRL_FREE, VNIC_CTRL_STEERING, 0, 0, false },
	{ "one queue's coalescing", VNIC_CTRL_COAL_VQ, VNIC_CTRL_COAL_VQ, 3, 3, true },
	{ "two queues' coalescing", VNIC_CTRL_COAL_VQ, VNIC_CTRL_COAL_VQ, 3, 4, false },
	{ "all queues and one", VNIC_CTRL_COAL_ALL, VNIC_CTRL_COAL_VQ, 0, 4, true },
	{ "both directions", VNIC_CTRL_COAL_ALL, VNIC_CTRL_COAL_ALL, 0, 1, false },
	{ "one direction", VNIC_CTRL_COAL_ALL, VNIC_CTRL_COAL_ALL, 1, 1, true },
	{ "pairs and RSS", VNIC_CTRL_STEERING, VNIC_CTRL_STEERING, 1, 2, true },
	{ "steering and coalescing", VNIC_CTRL_STEERING, VNIC_CTRL_COAL_VQ, 0, 4, true },
	{ "steering and MAC", VNIC_CTRL_STEERING, VNIC_CTRL_MAC, 0, 0, false },
	{ "MAC table and address", VNIC_CTRL_MAC, VNIC_CTRL_MAC, 0, 1, true },
	{ "one VLAN", VNIC_CTRL_VLAN, VNIC_CTRL_VLAN, 7, 7, true },
	{ "two VLANs", VNIC_CTRL_VLAN, VNIC_CTRL_VLAN, 7, 8, false },
	{ "one bit", VNIC_CTRL_RX_MODE, VNIC_CTRL_RX_MODE, 0, 0, true },
	{ "two bits", VNIC_CTRL_RX_MODE, VNIC_CTRL_RX_MODE, 0, 1, false },
	{ "offloads", VNIC_CTRL_OFFLOADS, VNIC_CTRL_OFFLOADS, 1, 2, true },
	{ "announcements", VNIC_CTRL_ANNOUNCE, VNIC_CTRL_ANNOUNCE, 1, 2, true },
	{ "offloads and VLAN", VNIC_CTRL_OFFLOADS, VNIC_CTRL_VLAN, 0, 0, false },
};

static void submit_grouped(unsigned n, uint8_t group, uint32_t key)
{
	struct vnic_ctrl_request r = request(n, 0);

	r.group = group;
	r.key = key;
	CU_ASSERT_EQUAL(vnic_ctrl_submit(lab.c, &r, NULL), 0);
}

static void ctrl__conflicts(void)
{
	for (unsigned i = 0; i < RTE_DIM(pairs); i++) {
		CU_ASSERT_EQUAL(ctrl_conflict(pairs[i].a, pairs[i].key_a, pairs[i].b, pairs[i].key_b),
				pairs[i].conflict);
		CU_ASSERT_EQUAL(ctrl_conflict(pairs[i].b, pairs[i].key_b, pairs[i].a, pairs[i].key_a),
				pairs[i].conflict);
	}
}

/* Never in flight together; the later one goes when the earlier is answered, even refused. */
static void ordered(void)
{
	for (unsigned i = 0; i < RTE_DIM(pairs); i++) {
		submit_grouped(0, pairs[i].a, pairs[i].key_a);
		submit_grouped(1, pairs[i].b, pairs[i].key_b);
		vnic_ctrl_flush(lab.c);
		CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[0]));
		CU_ASSERT_EQUAL(ctrl_lab_fetch(&lab, &cmd[1]), !pairs[i].conflict);
		ctrl_lab_answer(&lab, &cmd[0], VIRTIO_NET_ERR, NULL, 1);
		lab.doorbells = 0;
		vnic_ctrl_poll(lab.c);
		if (pairs[i].conflict) {
			CU_ASSERT_EQUAL(lab.doorbells, 1); /* rung by the poll */
			CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[1]));
		}
		CU_ASSERT_EQUAL(cmd[1].cmd, 1);
		ctrl_lab_answer(&lab, &cmd[1], VIRTIO_NET_OK, NULL, 1);
		vnic_ctrl_poll(lab.c);
		CU_ASSERT(res[0].rc == -EREMOTEIO && res[1].rc == 0);
	}
}

static void ctrl__order_in_a_group(void)
{
	each_ring(ordered);
}

/* Two of a queue, then steering, then another queue's: each waits for those before. */
static void ctrl__barrier_holds_up_what_follows(void)
{
	static const struct { uint8_t group; uint32_t key; } seq[] = {
		{ VNIC_CTRL_COAL_VQ, 1 }, { VNIC_CTRL_COAL_VQ, 2 }, { VNIC_CTRL_STEERING, 0 },
		{ VNIC_CTRL_COAL_VQ, 3 }, { VNIC_CTRL_FREE, 0 },
	};
	struct vnic_ctrl_stats st;

	ctrl_lab_open(&lab, &ctrl_lab_rings[0]);
	for (unsigned i = 0; i < RTE_DIM(seq); i++)
		submit_grouped(i, seq[i].group, seq[i].key);
	vnic_ctrl_stats_get(lab.c, &st);
	CU_ASSERT(st.in_flight == 3 && st.waiting == 2);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[i]));
	CU_ASSERT(cmd[0].cmd == 0 && cmd[1].cmd == 1 && cmd[2].cmd == 4);
	ctrl_lab_answer(&lab, &cmd[1], 0, NULL, 1);
	vnic_ctrl_poll(lab.c);
	CU_ASSERT_FALSE(ctrl_lab_fetch(&lab, &spare));
	ctrl_lab_answer(&lab, &cmd[0], 0, NULL, 1);
	vnic_ctrl_poll(lab.c);
	CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[3]));
	CU_ASSERT_EQUAL(cmd[3].cmd, 2);
	CU_ASSERT_FALSE(ctrl_lab_fetch(&lab, &spare));
	ctrl_lab_answer(&lab, &cmd[3], 0, NULL, 1);
	vnic_ctrl_poll(lab.c);
	CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[4]));
	CU_ASSERT_EQUAL(cmd[4].cmd, 3);
	ctrl_lab_close(&lab);
}

/* One that waits and is cancelled never reaches the device, and lets others pass. */
static void ctrl__cancel_of_one_that_waits(void)
{
	struct vnic_ctrl_request r;
	uint64_t id = 0;

	ctrl_lab_open(&lab, &ctrl_lab_rings[0]);
	submit_grouped(0, VNIC_CTRL_MAC, 0);
	r = request(1, 0);
	r.group = VNIC_CTRL_MAC;
	CU_ASSERT_EQUAL(vnic_ctrl_submit(lab.c, &r, &id), 0);
	CU_ASSERT_EQUAL(vnic_ctrl_cancel(lab.c, id), 0);
	CU_ASSERT(res[1].calls == 1 && res[1].rc == -ECANCELED);
	CU_ASSERT_EQUAL(lab.c->slot[id & 0xffff].state, CTRL_FREE);
	CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[0]));
	CU_ASSERT_EQUAL(cmd[0].cmd, 0);
	ctrl_lab_answer(&lab, &cmd[0], 0, NULL, 1);
	vnic_ctrl_poll(lab.c);
	CU_ASSERT_FALSE(ctrl_lab_fetch(&lab, &cmd[0]));
	ctrl_lab_close(&lab);
}

/* A waiting command expires too: its deadline began when it was submitted. */
static void ctrl__one_that_waits_expires(void)
{
	ctrl_lab_open(&lab, &ctrl_lab_rings[0]);
	submit_grouped(0, VNIC_CTRL_MAC, 0);
	submit_grouped(1, VNIC_CTRL_MAC, 0);
	ctrl_lab_clock += VNIC_CTRL_TIMEOUT_MS * MS;
	vnic_ctrl_poll(lab.c);
	CU_ASSERT(res[0].calls == 1 && res[0].rc == -ETIMEDOUT && res[1].calls == 1 && res[1].rc == -ETIMEDOUT);
	ctrl_lab_close(&lab);
}

static void ctrl__latency_and_last_commands(void)
{
	struct vnic_ctrl_stats st;
	static const uint64_t us[] = { 0, 1, 2, 3, 900, 1100000 };
	static const unsigned bucket[] = { 0, 0, 1, 2, 10, 21 };

	ctrl_lab_open(&lab, &ctrl_lab_rings[0]);
	for (unsigned i = 0; i < RTE_DIM(us); i++) {
		submit(i, 0);
		CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[0]));
		ctrl_lab_clock += us[i] * 1000;
		ctrl_lab_answer(&lab, &cmd[0], i == 5, "1234", 5);
		vnic_ctrl_poll(lab.c);
		vnic_ctrl_stats_get(lab.c, &st);
		CU_ASSERT(st.latency[bucket[i]] >= 1);
		CU_ASSERT(st.last[0].cmd == i && st.last[0].usecs == us[i] && st.n_last == i + 1);
	}
	CU_ASSERT_EQUAL(st.last[0].rc, -EREMOTEIO);
	CU_ASSERT_EQUAL(st.last[5].cmd, 0);
	ctrl_lab_close(&lab);
}

static const struct test_case cases[] = {
	TEST_CASE(ctrl__expiry_breaks_the_queue),
	TEST_CASE(ctrl__late_answer_is_no_second_one),
	TEST_CASE(ctrl__unanswered_slots_stay_in_quarantine),
	TEST_CASE(ctrl__deadline_seven_days),
	TEST_CASE(ctrl__timeout_changes_for_all),
	TEST_CASE(ctrl__timeout_ends_a_long_wait),
	TEST_CASE(ctrl__looks_without_a_descriptor),
	TEST_CASE(ctrl__next_says_when_to_look),
	TEST_CASE(ctrl__next_sees_an_answer),
	TEST_CASE(ctrl__no_doorbell_when_broken),
	TEST_CASE(ctrl__break_ends_everything_once),
	TEST_CASE(ctrl__reset_cancels_and_goes_on),
	TEST_CASE(ctrl__cancel),
	TEST_CASE(ctrl__cancel_of_an_old_id),
	TEST_CASE(ctrl__callback_submits),
	TEST_CASE(ctrl__conflicts),
	TEST_CASE(ctrl__order_in_a_group),
	TEST_CASE(ctrl__barrier_holds_up_what_follows),
	TEST_CASE(ctrl__cancel_of_one_that_waits),
	TEST_CASE(ctrl__one_that_waits_expires),
	TEST_CASE(ctrl__latency_and_last_commands),
};
TEST_MAIN("virtio_ctrl_deadline", cases)
