/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands side by side, answers in any order, on every kind of ring. */
#include <errno.h>
#include <string.h>

#include "tests/unit/test.h"
#include "tests/unit/virtio/ctrl_lab.h"

#define MANY 16

static struct ctrl_lab lab;
static struct ctrl_lab_cmd cmd[MANY], spare;
static struct ctrl_lab_result res[MANY];

static struct vnic_ctrl_request request(uint8_t n, struct ctrl_lab_result *r)
{
	static uint8_t data[MANY];

	data[n] = n;
	memset(r, 0, sizeof(*r));
	return (struct vnic_ctrl_request){ .class = 8, .cmd = n, .data = &data[n], .len = 1, .result_len = 4,
					   .done = ctrl_lab_done, .arg = r };
}

static void each_ring(void (*fn)(void))
{
	for (unsigned i = 0; i < ctrl_lab_ring_count; i++) {
		ctrl_lab_open(&lab, &ctrl_lab_rings[i]);
		fn();
		ctrl_lab_close(&lab);
	}
}

static void submit_many(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct vnic_ctrl_request r = request((uint8_t)i, &res[i]);

		CU_ASSERT_EQUAL(vnic_ctrl_submit(lab.c, &r, NULL), 0);
	}
}

/* k commands, one flush: one doorbell, k in flight; answers reversed where the ring allows it. */
static void overtaking(void)
{
	struct vnic_ctrl_stats st;

	for (unsigned round = 0; round < 20; round++) { /* several laps */
		lab.doorbells = 0;
		submit_many(MANY);
		CU_ASSERT_EQUAL(lab.doorbells, 0);
		vnic_ctrl_flush(lab.c);
		CU_ASSERT_EQUAL(lab.doorbells, 1);
		vnic_ctrl_stats_get(lab.c, &st);
		CU_ASSERT_EQUAL(st.in_flight, MANY);
		for (unsigned i = 0; i < MANY; i++)
			CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[i]));
		CU_ASSERT_FALSE(ctrl_lab_fetch(&lab, &spare));
		for (unsigned i = 0; i < MANY; i++) {
			unsigned k = lab.opts.in_order ? i : MANY - 1 - i;
			uint8_t result[4] = { (uint8_t)round, cmd[k].cmd, cmd[k].data[0], 7 };

			ctrl_lab_answer(&lab, &cmd[k], VIRTIO_NET_OK, result, 5);
		}
		vnic_ctrl_poll(lab.c);
		for (unsigned i = 0; i < MANY; i++) {
			CU_ASSERT_EQUAL(res[i].calls, 1);
			CU_ASSERT_EQUAL(res[i].rc, 0);
			CU_ASSERT_EQUAL(res[i].len, 4);
			CU_ASSERT(res[i].data[0] == round && res[i].data[1] == i && res[i].data[2] == i);
		}
	}
	vnic_ctrl_stats_get(lab.c, &st);
	CU_ASSERT_EQUAL(st.submitted, 20 * MANY);
	CU_ASSERT_EQUAL(st.completed, 20 * MANY);
	CU_ASSERT_EQUAL(st.in_flight_max, MANY);
	CU_ASSERT_EQUAL(st.doorbells, 20);
	CU_ASSERT_EQUAL(st.errors, 0);
}

static void ctrl__one_doorbell_answers_matched_by_id(void)
{
	each_ring(overtaking);
}

/* With IN_ORDER an answer to the last of a batch answers all of it. */
static void batch(void)
{
	unsigned step;

	if (!lab.opts.in_order)
		return;
	for (unsigned round = 0; round < 10; round++) {
		submit_many(MANY);
		for (unsigned i = 0; i < MANY; i++)
			CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[i]));
		for (unsigned i = 0; i < MANY; i++)
			*cmd[i].ack = i == 3 ? VIRTIO_NET_ERR : VIRTIO_NET_OK;
		step = 0;
		for (unsigned i = 0; i < MANY; i++)
			step += cmd[i].descs;
		ctrl_lab_used(&lab, cmd[MANY - 1].id, (uint16_t)step, 0);
		vnic_ctrl_poll(lab.c);
		for (unsigned i = 0; i < MANY; i++) {
			CU_ASSERT_EQUAL(res[i].calls, 1);
			CU_ASSERT_EQUAL(res[i].rc, i == 3 ? -EREMOTEIO : 0);
		}
	}
}

static void ctrl__in_order_batch_answers_all_before(void)
{
	each_ring(batch);
}

static const struct {
	uint8_t ack;
	uint32_t len;
	int rc;
} acks[] = {
	{ VIRTIO_NET_OK, 1, 0 },           { VIRTIO_NET_OK, 0, 0 },           { VIRTIO_NET_OK, 999, 0 },
	{ VIRTIO_NET_OK, UINT32_MAX, 0 },  { VIRTIO_NET_ERR, 1, -EREMOTEIO }, { 0x7f, 1, -EREMOTEIO },
	{ 0xff, 5, -EREMOTEIO },
};

static void one_ack(void)
{
	for (unsigned i = 0; i < RTE_DIM(acks); i++) {
		submit_many(1);
		CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[0]));
		ctrl_lab_answer(&lab, &cmd[0], acks[i].ack, "abcd", acks[i].len);
		vnic_ctrl_poll(lab.c);
		CU_ASSERT_EQUAL(res[0].rc, acks[i].rc);
		CU_ASSERT_EQUAL(res[0].len, acks[i].rc == 0 ? 4 : 0);
	}
}

static void ctrl__ack_from_memory_whatever_the_length(void)
{
	each_ring(one_ack);
}

/* A device that answers and writes no ack has not said OK. */
static void ctrl__untouched_ack_is_refusal(void)
{
	ctrl_lab_open(&lab, &ctrl_lab_rings[0]);
	submit_many(1);
	CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[0]));
	ctrl_lab_used(&lab, cmd[0].id, cmd[0].descs, 0);
	vnic_ctrl_poll(lab.c);
	CU_ASSERT_EQUAL(res[0].rc, -EREMOTEIO);
	ctrl_lab_close(&lab);
}

static const struct {
	size_t len, result_len;
	int rc;
} sizes[] = {
	{ 0, 0, 0 }, { 62, 56, 0 }, { 63, 56, 0 }, { 62, 57, 0 }, { 63, 57, 0 }, { 32768, 32768, 0 },
	{ 32769, 0, -EMSGSIZE }, { 0, 32769, -EMSGSIZE }, { SIZE_MAX, 0, -EMSGSIZE },
};

static void one_size(void)
{
	static uint8_t data[CTRL_BIG], result[CTRL_BIG];

	memset(data, 0x5a, sizeof(data));
	memset(result, 0xa5, sizeof(result));
	for (unsigned i = 0; i < RTE_DIM(sizes); i++) {
		struct vnic_ctrl_request r = { .class = 1, .cmd = 2, .data = data, .len = sizes[i].len,
					       .result_len = sizes[i].result_len, .done = ctrl_lab_done,
					       .arg = &res[0] };

		res[0].calls = 0;
		CU_ASSERT_EQUAL(vnic_ctrl_submit(lab.c, &r, NULL), sizes[i].rc);
		CU_ASSERT_EQUAL(ctrl_lab_fetch(&lab, &cmd[0]), sizes[i].rc == 0);
		if (sizes[i].rc != 0)
			continue;
		CU_ASSERT_EQUAL(cmd[0].len, sizes[i].len);
		CU_ASSERT_EQUAL(memcmp(cmd[0].data, data, cmd[0].len), 0);
		CU_ASSERT_EQUAL(cmd[0].result_len, sizes[i].result_len);
		ctrl_lab_answer(&lab, &cmd[0], 0, sizes[i].result_len != 0 ? result : NULL, 1);
		vnic_ctrl_poll(lab.c);
		CU_ASSERT_EQUAL(res[0].calls, 1);
		CU_ASSERT_EQUAL(res[0].len, sizes[i].result_len);
		CU_ASSERT_EQUAL(memcmp(res[0].data, result, RTE_MIN(res[0].len, sizeof(res[0].data))), 0);
	}
}

static void ctrl__data_and_results_of_every_size(void)
{
	each_ring(one_size);
}

/* Slots run out: -EAGAIN, nothing lost, and on it goes. */
static void exhaust(void)
{
	struct vnic_ctrl_request r = request(0, &res[0]);
	unsigned n = 0;
	int rc;

	while ((rc = vnic_ctrl_submit(lab.c, &r, NULL)) == 0)
		n++;
	CU_ASSERT_EQUAL(rc, -EAGAIN);
	CU_ASSERT_EQUAL(n, lab.opts.indirect ? lab.opts.size : lab.opts.size / 4);
	for (unsigned i = 0; i < n; i++) {
		CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[0]));
		ctrl_lab_answer(&lab, &cmd[0], 0, NULL, 1);
	}
	vnic_ctrl_poll(lab.c);
	CU_ASSERT_EQUAL(res[0].calls, n);
	CU_ASSERT_EQUAL(vnic_ctrl_submit(lab.c, &r, NULL), 0);
	CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[0]));
	ctrl_lab_answer(&lab, &cmd[0], 0, NULL, 1);
	vnic_ctrl_poll(lab.c);
}

static void ctrl__slots_run_out(void)
{
	each_ring(exhaust);
}

#define STREAM 300

static struct {
	uint16_t submitted, ended;
	uint8_t calls[STREAM];
	int rc[STREAM];
	uint64_t id[STREAM];
} stream;

static void stream_done(void *arg, int rc, const void *result, size_t len);

/* As many as there is room for, also from callbacks. */
static void stream_more(void)
{
	struct vnic_ctrl_request r = { .class = 8, .data = &stream.submitted, .len = sizeof(stream.submitted),
				       .done = stream_done };

	while (stream.submitted < STREAM) {
		r.arg = &stream.calls[stream.submitted];
		if (vnic_ctrl_submit(lab.c, &r, &stream.id[stream.submitted]) != 0)
			return;
		stream.submitted++;
	}
}

static void stream_done(void *arg, int rc, const void *result, size_t len)
{
	unsigned n = (unsigned)((uint8_t *)arg - stream.calls);

	stream.calls[n]++;
	stream.rc[n] = rc;
	stream.ended++;
	stream_more();
}

/* The device takes some, the caller cancels each third of them, and the device answers all, the last first. */
static void stream_all(void)
{
	memset(&stream, 0, sizeof(stream));
	stream_more();
	for (unsigned turns = 0; turns < 10 * STREAM && stream.ended < STREAM; turns++) {
		unsigned n = 0;

		while (n < 4 && ctrl_lab_fetch(&lab, &cmd[n]))
			n++;
		for (unsigned i = 0; i < n; i++) {
			uint16_t number;

			CU_ASSERT_EQUAL_FATAL(cmd[i].len, sizeof(number));
			memcpy(&number, cmd[i].data, sizeof(number));
			if (number % 3 == 0)
				CU_ASSERT_EQUAL(vnic_ctrl_cancel(lab.c, stream.id[number]), 0);
		}
		for (unsigned i = 0; i < n; i++)
			ctrl_lab_answer(&lab, &cmd[lab.opts.in_order ? i : n - 1 - i], 0, NULL, 1);
		vnic_ctrl_poll(lab.c);
		stream_more();
	}
	CU_ASSERT(stream.submitted == STREAM && stream.ended == STREAM);
	for (unsigned i = 0; i < STREAM; i++)
		CU_ASSERT(stream.calls[i] == 1 && stream.rc[i] == (i % 3 == 0 ? -ECANCELED : 0));
}

static void ctrl__more_than_a_ring_full(void)
{
	each_ring(stream_all);
}

static void ctrl__big_buffers_run_out(void)
{
	static uint8_t data[100];
	struct vnic_ctrl_request r = { .data = data, .len = sizeof(data), .done = ctrl_lab_done, .arg = &res[0] };
	struct ctrl_lab_opts opts = ctrl_lab_rings[1];

	opts.size = 64;
	ctrl_lab_open(&lab, &opts);
	res[0].calls = 0;
	for (unsigned i = 0; i < CTRL_BIG_COUNT; i++)
		CU_ASSERT_EQUAL(vnic_ctrl_submit(lab.c, &r, NULL), 0);
	CU_ASSERT_EQUAL(vnic_ctrl_submit(lab.c, &r, NULL), -EAGAIN);
	r.len = 10;
	CU_ASSERT_EQUAL(vnic_ctrl_submit(lab.c, &r, NULL), 0);
	for (unsigned i = 0; i <= CTRL_BIG_COUNT; i++) {
		CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[0]));
		ctrl_lab_answer(&lab, &cmd[0], 0, NULL, 1);
	}
	vnic_ctrl_poll(lab.c);
	CU_ASSERT_EQUAL(res[0].calls, CTRL_BIG_COUNT + 1);
	r.len = sizeof(data);
	CU_ASSERT_EQUAL(vnic_ctrl_submit(lab.c, &r, NULL), 0);
	ctrl_lab_close(&lab);
}

/* The device changes a result while the callback reads it: the callback has its own. */
static void hostile_done(void *arg, int rc, const void *result, size_t len)
{
	struct ctrl_lab_cmd *hostile = arg;
	uint8_t before = ((const uint8_t *)result)[0];

	CU_ASSERT(rc == 0 && len == 4);
	hostile->result[0] ^= 0xff;
	CU_ASSERT_EQUAL(((const uint8_t *)result)[0], before);
}

static void ctrl__result_is_a_copy(void)
{
	struct vnic_ctrl_request r = { .result_len = 4, .done = hostile_done, .arg = &cmd[0] };

	ctrl_lab_open(&lab, &ctrl_lab_rings[0]);
	CU_ASSERT_EQUAL(vnic_ctrl_submit(lab.c, &r, NULL), 0);
	CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[0]));
	ctrl_lab_answer(&lab, &cmd[0], 0, "1234", 5);
	vnic_ctrl_poll(lab.c);
	ctrl_lab_close(&lab);
}

/* An ack and what we write for the device never share a cache line. */
static void ctrl__ack_on_its_own_line(void)
{
	ctrl_lab_open(&lab, &ctrl_lab_rings[0]);
	for (unsigned i = 0; i < lab.c->n_slots; i++) {
		uintptr_t room = (uintptr_t)ctrl_room_of(lab.c, &lab.c->slot[i]);

		CU_ASSERT_EQUAL(room % 64, 0);
	}
	CU_ASSERT_NOT_EQUAL(offsetof(struct ctrl_room, ack) / 64, offsetof(struct ctrl_room, hdr) / 64);
	CU_ASSERT_NOT_EQUAL(offsetof(struct ctrl_room, ack) / 64, offsetof(struct ctrl_room, table) / 64);
	ctrl_lab_close(&lab);
}

/* Answers to nothing are skipped and counted; when they do not end, and on a packed
 * ring at once, the queue is broken. */
static void unknown(void)
{
	static const uint16_t ids[] = { 0, 5, 0x7fff, 0xffff };
	struct vnic_ctrl_stats st;

	for (unsigned i = 0; i < RTE_DIM(ids); i++) {
		ctrl_lab_used(&lab, ids[i], 1, 1);
		vnic_ctrl_poll(lab.c);
	}
	vnic_ctrl_stats_get(lab.c, &st);
	CU_ASSERT_EQUAL(st.errors, lab.opts.packed ? 1 : RTE_DIM(ids));
	CU_ASSERT_EQUAL(vnic_ctrl_broken(lab.c) != NULL, lab.opts.packed);
	CU_ASSERT_PTR_NULL(vnic_ctrl_broken(lab.c));
	if (!lab.opts.packed) {
		submit_many(1);
		CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[0]));
		ctrl_lab_answer(&lab, &cmd[0], 0, NULL, 1);
		vnic_ctrl_poll(lab.c);
		CU_ASSERT_EQUAL(res[0].rc, 0);
		for (unsigned i = 0; i < CTRL_ERRORS_MAX; i++)
			ctrl_lab_used(&lab, 1, 1, 1);
		vnic_ctrl_poll(lab.c);
		CU_ASSERT_PTR_NOT_NULL(vnic_ctrl_broken(lab.c));
	}
	CU_ASSERT_EQUAL(vnic_ctrl_submit(lab.c, &(struct vnic_ctrl_request){ .cmd = 1 }, NULL), -EIO);
	vnic_ctrl_reset(lab.c);
	ctrl_lab_rewind(&lab);
}

static void ctrl__answers_to_nothing(void)
{
	each_ring(unknown);
}

static void ctrl__answered_twice(void)
{
	struct vnic_ctrl_stats st;

	ctrl_lab_open(&lab, &ctrl_lab_rings[0]);
	submit_many(1);
	CU_ASSERT_FATAL(ctrl_lab_fetch(&lab, &cmd[0]));
	ctrl_lab_answer(&lab, &cmd[0], 0, NULL, 1);
	ctrl_lab_answer(&lab, &cmd[0], 0, NULL, 1);
	vnic_ctrl_poll(lab.c);
	vnic_ctrl_stats_get(lab.c, &st);
	CU_ASSERT(st.errors == 1 && res[0].calls == 1);
	ctrl_lab_close(&lab);
}

static void ctrl__used_index_out_of_range(void)
{
	ctrl_lab_open(&lab, &ctrl_lab_rings[0]);
	submit_many(1);
	vnic_ctrl_vq(lab.c)->split.used->idx = 1000;
	vnic_ctrl_poll(lab.c);
	CU_ASSERT_EQUAL(res[0].calls, 1);
	CU_ASSERT_EQUAL(res[0].rc, -EIO);
	CU_ASSERT_PTR_NOT_NULL(vnic_ctrl_broken(lab.c));
	ctrl_lab_close(&lab);
}

static void ctrl__too_small_a_ring(void)
{
	struct vnic_ctrl *c = NULL;

	ctrl_lab_open(&lab, &ctrl_lab_rings[0]);
	CU_ASSERT_EQUAL(vnic_ctrl_create(&c, &lab.dev, 2, 2), -EINVAL);
	CU_ASSERT_EQUAL(vnic_ctrl_create(&c, &lab.dev, 2, 0), -EINVAL);
	CU_ASSERT_PTR_NULL(c);
	CU_ASSERT_EQUAL(vnic_ctrl_submit(NULL, &(struct vnic_ctrl_request){ .cmd = 1 }, NULL), -ENOTSUP);
	ctrl_lab_close(&lab);
}

static const struct test_case cases[] = {
	TEST_CASE(ctrl__one_doorbell_answers_matched_by_id),
	TEST_CASE(ctrl__in_order_batch_answers_all_before),
	TEST_CASE(ctrl__ack_from_memory_whatever_the_length),
	TEST_CASE(ctrl__untouched_ack_is_refusal),
	TEST_CASE(ctrl__data_and_results_of_every_size),
	TEST_CASE(ctrl__slots_run_out),
	TEST_CASE(ctrl__more_than_a_ring_full),
	TEST_CASE(ctrl__big_buffers_run_out),
	TEST_CASE(ctrl__result_is_a_copy),
	TEST_CASE(ctrl__ack_on_its_own_line),
	TEST_CASE(ctrl__answers_to_nothing),
	TEST_CASE(ctrl__answered_twice),
	TEST_CASE(ctrl__used_index_out_of_range),
	TEST_CASE(ctrl__too_small_a_ring),
};
TEST_MAIN("virtio_ctrl_basic", cases)
