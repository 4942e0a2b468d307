/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that take their time, several at once; the ring, the device and its memory going meanwhile. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_common.h>

#include "app/vnicd/dev/ctrl_work.h"
#include "tests/unit/test.h"
#include "tests/unit/vnicd/driver.h"
#include "tests/unit/vnicd/front.h"
#include "tests/unit/vnicd/nic_lab.h"

#define VLANS (NET(CTRL_VQ) | NET(CTRL_VLAN))
#define VQ    2u /* of the control queue, without MQ */
#define US    UINT64_C(1000)

static struct lab l;
static struct vnicd_ctrl_work *w;

static void begin_features(const struct vnicd_ctrl_conf *conf, uint64_t features)
{
	lab_open(&l, features);
	CU_ASSERT_EQUAL_FATAL(vnicd_ctrl_work_create(&w, &l.nic, conf, 1), 0);
}

static void begin(uint32_t latency_us, uint32_t jitter_us, uint32_t concurrency, bool any_order)
{
	struct vnicd_ctrl_conf conf = { latency_us, jitter_us, concurrency, any_order };

	begin_features(&conf, VLANS);
}

static void end(void)
{
	vnicd_ctrl_work_destroy(w);
	lab_close(&l);
}

/* VLAN_ADD of this VLAN; the chain's head. The acknowledgement is in the piece behind. */
static uint16_t post(uint16_t vlan)
{
	uint8_t data[4] = { 2, 0, (uint8_t)vlan, (uint8_t)(vlan >> 8) }, none = 0x55;
	struct lab_piece p[2] = { { data, sizeof(data), false }, { &none, 1, true } };

	return lab_post(&l, VQ, p, 2);
}

static uint8_t ack_of(uint16_t id)
{
	return *(uint8_t *)l.ring[VQ].buf[(id + 1) % LAB_RING];
}

static bool vlan_is_there(uint16_t vlan)
{
	return (l.nic.vlan[vlan / 64] >> (vlan % 64) & 1) != 0;
}

/* Answers seen by the driver after a turn at this time. */
static unsigned turn(uint64_t now)
{
	uint16_t before = l.ring[VQ].used->idx;

	vnicd_ctrl_work_run(w, now);
	vnicd_nic_flush(&l.nic);
	return (uint16_t)(l.ring[VQ].used->idx - before);
}

static uint32_t in_work(void)
{
	struct vnicd_ctrl_work_stats s;

	vnicd_ctrl_work_stats(w, &s);
	return s.now;
}

/* ---- time ------------------------------------------------------------------------- */
static void ctrl_work__at_once(void)
{
	lab_open(&l, VLANS);
	CU_ASSERT_EQUAL_FATAL(vnicd_ctrl_work_create(&w, &l.nic, NULL, 1), 0);
	for (uint16_t i = 0; i < 100; i++)
		post(i);
	CU_ASSERT_EQUAL(turn(7), 100);
	CU_ASSERT_EQUAL(l.calls[VQ], 1); /* told once of all */
	CU_ASSERT_TRUE(vlan_is_there(99));
	CU_ASSERT_EQUAL(vnicd_ctrl_work_due(w), UINT64_MAX);
	CU_ASSERT_FALSE(vnicd_ctrl_work_run(w, 8));
	end();
}

static void ctrl_work__effect_and_answer_after_the_latency(void)
{
	uint16_t id;

	begin(50, 0, 1, false);
	id = post(5);
	CU_ASSERT_EQUAL(turn(1000), 0);
	CU_ASSERT_EQUAL(vnicd_ctrl_work_due(w), 1000 + 50 * US);
	CU_ASSERT_EQUAL(turn(1000 + 50 * US - 1), 0);
	CU_ASSERT_FALSE(vlan_is_there(5));
	CU_ASSERT_EQUAL(ack_of(id), 0x55);
	CU_ASSERT_EQUAL(turn(1000 + 50 * US), 1);
	CU_ASSERT_TRUE(vlan_is_there(5));
	CU_ASSERT_EQUAL(ack_of(id), VIRTIO_NET_OK);
	end();
}

/* What n commands take, with a turn each step microseconds: n / D times the latency. */
static uint64_t time_of(unsigned n, uint64_t step)
{
	uint64_t now = 0;
	unsigned done = 0;

	for (uint16_t i = 0; i < n; i++)
		post(i);
	while (done < n && now < 1000000 * US) {
		done += turn(now);
		if (done < n)
			now += step;
	}
	CU_ASSERT_EQUAL(done, n);
	return now;
}

static void ctrl_work__as_many_as_allowed(void)
{
	static const struct {
		uint32_t latency, d;
		uint64_t step, want;
	} rows[] = {
		{ 50, 1, 1, 128 * 50 },     { 50, 4, 1, 32 * 50 },   { 50, 16, 1, 8 * 50 },  { 50, 64, 1, 2 * 50 },
		{ 200, 64, 1, 400 },        { 1000, 16, 5, 8000 },   { 50, 256, 1, 50 },
		/* A loop that comes late does not add its lateness up. */
		{ 50, 1, 30, 128 * 50 + 20 }, { 50, 4, 70, 32 * 50 + 10 },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		uint64_t took;

		begin(rows[i].latency, 0, rows[i].d, false);
		took = time_of(128, rows[i].step * US); /* as many as fit: two descriptors each */
		CU_ASSERT_EQUAL(took / US, rows[i].want);
		end();
	}
}

/* Those who are ready together are told of together. */
static void ctrl_work__one_notification_for_those_due_together(void)
{
	struct vnicd_ctrl_work_stats s;

	begin(50, 0, 64, false);
	for (uint16_t i = 0; i < 64; i++)
		post(i);
	CU_ASSERT_EQUAL(turn(0), 0);
	CU_ASSERT_FALSE(vnicd_ctrl_work_has_room(w));
	CU_ASSERT_EQUAL(turn(50 * US), 64);
	CU_ASSERT_EQUAL(l.calls[VQ], 1);
	vnicd_ctrl_work_stats(w, &s);
	CU_ASSERT(s.taken == 64 && s.answered == 64 && s.now == 0 && s.most == 64 && s.dropped == 0);
	end();
}

/* A command that came while there was no place waits no longer than it has to; one that came
 * later does not begin before it came. */
static void ctrl_work__begins_when_a_place_comes_free(void)
{
	begin(50, 0, 1, false);
	post(1);
	CU_ASSERT_EQUAL(turn(0), 0);
	post(2);
	CU_ASSERT_EQUAL(turn(10 * US), 0); /* seen waiting */
	CU_ASSERT_EQUAL(turn(80 * US), 1);
	CU_ASSERT_EQUAL(vnicd_ctrl_work_due(w), 100 * US);
	CU_ASSERT_EQUAL(turn(120 * US), 1);
	post(3);
	CU_ASSERT_EQUAL(turn(130 * US), 0);
	CU_ASSERT_EQUAL(vnicd_ctrl_work_due(w), 180 * US);
	post(4); /* not seen before the place came free */
	CU_ASSERT_EQUAL(turn(200 * US), 1);
	CU_ASSERT_EQUAL(vnicd_ctrl_work_due(w), 250 * US);
	end();
}

/* ---- order -------------------------------------------------------------------------- */
/* With jitter: how many answers came before an earlier command's. */
static unsigned overtaken(unsigned n)
{
	unsigned out = 0;
	int last = -1, id;
	uint32_t len;

	for (uint16_t i = 0; i < n; i++)
		post(i);
	for (uint64_t now = 0; now < 400 * US; now += US)
		turn(now);
	for (unsigned i = 0; i < n; i++) {
		id = lab_used(&l, VQ, &len);
		CU_ASSERT(id >= 0 && len == 1);
		out += id < last;
		last = id;
	}
	return out;
}

static void ctrl_work__order(void)
{
	begin(50, 100, 64, false);
	CU_ASSERT_EQUAL(overtaken(60), 0);
	end();
	begin(50, 100, 64, true);
	CU_ASSERT(overtaken(60) > 10);
	end();
	/* Whoever agreed on IN_ORDER has it. */
	begin(50, 100, 64, true);
	l.nic.queue[VQ].ring.conf.in_order = true;
	CU_ASSERT_EQUAL(overtaken(60), 0);
	end();
}

/* ---- values -------------------------------------------------------------------------- */
static void ctrl_work__values(void)
{
	static const struct vnicd_ctrl_conf bad[] = {
		{ .concurrency = 0 },
		{ .concurrency = VNICD_CTRL_CONCURRENCY_MAX + 1 },
		{ .concurrency = 1, .latency_us = VNICD_CTRL_LATENCY_MAX_US + 1 },
		{ .concurrency = 1, .jitter_us = UINT32_MAX },
	};
	struct vnicd_ctrl_conf conf = { .concurrency = 2, .latency_us = 100 };
	struct vnicd_ctrl_work *other = (void *)1;

	begin(0, 0, 1, false);
	for (unsigned i = 0; i < RTE_DIM(bad); i++) {
		CU_ASSERT_EQUAL(vnicd_ctrl_work_set(w, &bad[i]), -EINVAL);
		CU_ASSERT_EQUAL(vnicd_ctrl_work_create(&other, &l.nic, &bad[i], 0), -EINVAL);
		CU_ASSERT_PTR_NULL(other);
	}
	CU_ASSERT_EQUAL(vnicd_ctrl_work_conf(w)->concurrency, 1);
	CU_ASSERT_EQUAL(vnicd_ctrl_work_set(w, &conf), 0);
	for (uint16_t i = 0; i < 4; i++)
		post(i);
	CU_ASSERT_EQUAL(turn(0), 0);
	CU_ASSERT_EQUAL(in_work(), 2);
	conf.latency_us = 0; /* those in work keep their time, the others are quick */
	CU_ASSERT_EQUAL(vnicd_ctrl_work_set(w, &conf), 0);
	CU_ASSERT_EQUAL(turn(99 * US), 0);
	CU_ASSERT_EQUAL(turn(100 * US), 4);
	end();
}

/* ---- rings and memory that go -------------------------------------------------------- */
static void ctrl_work__ring_stopped(void)
{
	struct vnicd_ctrl_work_stats s;

	begin(50, 0, 4, false);
	for (uint16_t i = 0; i < 6; i++)
		post(i);
	turn(0);
	CU_ASSERT_EQUAL(in_work(), 4);
	vnicd_ring_stop(&l.nic.queue[VQ].ring);
	CU_ASSERT_FALSE(vnicd_ctrl_work_run(w, 50 * US));
	CU_ASSERT_EQUAL(in_work(), 0);
	vnicd_ctrl_work_stats(w, &s);
	CU_ASSERT(s.dropped == 4 && s.answered == 0 && !vlan_is_there(0));
	CU_ASSERT_EQUAL(l.ring[VQ].used->idx, 0);
	end();
}

/* Stopped and started between two turns: what was in work is of a ring that is no more. */
static void ctrl_work__ring_reset(void)
{
	struct lab_ring *r = &l.ring[VQ];
	uint16_t id;

	begin(50, 0, 4, false);
	for (uint16_t i = 0; i < 3; i++)
		post(i);
	turn(0);
	vnicd_ring_stop(&l.nic.queue[VQ].ring);
	memset(r->avail, 0, vring_avail_len(LAB_RING));
	memset(r->used, 0, vring_used_len(LAB_RING));
	r->next = 0;
	lab_start(&l, VQ);
	id = post(77);
	CU_ASSERT_EQUAL(turn(60 * US), 0);
	CU_ASSERT_EQUAL(in_work(), 1);
	CU_ASSERT_EQUAL(turn(110 * US), 1);
	CU_ASSERT(ack_of(id) == VIRTIO_NET_OK && vlan_is_there(77) && !vlan_is_there(1));
	end();
}

static void ctrl_work__device_reset(void)
{
	begin(50, 0, 4, false);
	post(1);
	turn(0);
	vnicd_nic_reset(&l.nic);
	CU_ASSERT_FALSE(vnicd_ctrl_work_run(w, 100 * US));
	CU_ASSERT_EQUAL(in_work(), 0);
	CU_ASSERT_EQUAL(vnicd_ctrl_work_due(w), UINT64_MAX);
	end();
}

/* A broken chain stops the ring, and what is in work goes with it. */
static void ctrl_work__ring_breaks(void)
{
	begin(50, 0, 4, false);
	post(1);
	turn(0);
	l.ring[VQ].avail->ring[1] = LAB_RING; /* out of range */
	l.ring[VQ].avail->idx++;
	turn(10 * US);
	CU_ASSERT_EQUAL(l.nic.queue[VQ].ring.error, VNICD_RING_ERROR_HEAD);
	turn(50 * US);
	CU_ASSERT_EQUAL(in_work(), 0);
	end();
}

/* The same over the protocol, with memory that moves (a table set anew maps it elsewhere) or is taken away. */
static void memory_goes(bool away)
{
	struct vhost_user_region r = { DRV_GUEST, DRV_LEN, DRV_USER, 0 };
	struct vhost_user_memory table = { 1, 0, { r } };
	struct vnicd_ctrl_conf conf = { .latency_us = 50, .concurrency = 8 };
	int kick = eventfd(0, EFD_NONBLOCK);
	static struct front f;
	static struct drv d;
	uint8_t *at;
	uint32_t len = 9;
	const uint32_t vq = 2;
	struct vhost_user_vring_addr a = { vq, 0, DRV_USER + DRV_DESC, DRV_USER + DRV_DEVICE, DRV_USER + DRV_DRIVER, 0 };
	struct drv_buf buf[2] = { { DRV_GUEST + DRV_BUFFERS, 4, false }, { DRV_GUEST + DRV_BUFFERS + 4, 1, true } };

	front_open(&f, true);
	front_connect(&f);
	drv_init(&d, 8, false, false, false);
	front_handshake(&f, front_protocol(&f), VIRTIO_BIT(VIRTIO_F_VERSION_1) | VLANS | FRONT_BIT30);
	CU_ASSERT_EQUAL_FATAL(vnicd_ctrl_work_create(&w, &f.nic, &conf, 1), 0);
	CU_ASSERT_EQUAL(front_set(&f, VHOST_USER_SET_MEM_TABLE, &table, 40, &d.fd, 1), 0);
	CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_NUM, vq, d.size), 0);
	CU_ASSERT_EQUAL(front_set(&f, VHOST_USER_SET_VRING_ADDR, &a, sizeof(a), NULL, 0), 0);
	CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_KICK, vq, kick), 0);
	at = drv_at(&d, DRV_BUFFERS);
	memcpy(at, "\2\0\7\0\x55", 5);
	CU_ASSERT(drv_post(&d, buf, 2, false) >= 0);
	CU_ASSERT_TRUE(vnicd_ctrl_work_run(w, 0));
	if (away) {
		struct vhost_user_region two[2] = { { DRV_GUEST, DRV_BUFFERS, DRV_USER, 0 } };
		struct vhost_user_memory part = { 1, 0, { two[0] } };

		CU_ASSERT_EQUAL(front_set(&f, VHOST_USER_SET_MEM_TABLE, &part, 40, &d.fd, 1), 0);
	} else {
		CU_ASSERT_EQUAL(front_set(&f, VHOST_USER_SET_MEM_TABLE, &table, 40, &d.fd, 1), 0);
	}
	CU_ASSERT_TRUE(vnicd_ctrl_work_run(w, 50 * US));
	vnicd_nic_flush(&f.nic);
	CU_ASSERT(drv_take(&d, &len) >= 0);
	CU_ASSERT_EQUAL(len, away ? 0 : 1);
	CU_ASSERT_EQUAL(at[4], away ? 0x55 : VIRTIO_NET_OK);
	vnicd_ctrl_work_destroy(w);
	front_close(&f);
	drv_fini(&d);
	close(kick);
}

static void ctrl_work__memory_moves(void)
{
	memory_goes(false);
}

static void ctrl_work__memory_goes(void)
{
	memory_goes(true);
}

static const struct test_case cases[] = {
	TEST_CASE(ctrl_work__at_once),
	TEST_CASE(ctrl_work__effect_and_answer_after_the_latency),
	TEST_CASE(ctrl_work__as_many_as_allowed),
	TEST_CASE(ctrl_work__one_notification_for_those_due_together),
	TEST_CASE(ctrl_work__begins_when_a_place_comes_free),
	TEST_CASE(ctrl_work__order),
	TEST_CASE(ctrl_work__values),
	TEST_CASE(ctrl_work__ring_stopped),
	TEST_CASE(ctrl_work__ring_reset),
	TEST_CASE(ctrl_work__device_reset),
	TEST_CASE(ctrl_work__ring_breaks),
	TEST_CASE(ctrl_work__memory_moves),
	TEST_CASE(ctrl_work__memory_goes),
};
TEST_MAIN("ctrl_work", cases)
