/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests about rings that are refused, late or not done on purpose. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_common.h>

#include "tests/unit/test.h"
#include "tests/unit/vnicd/driver.h"
#include "tests/unit/vnicd/front.h"

static struct front f;
static struct drv d;
static int kick;

/* Rings 0 and 1 run, one behind the other. */
static void begin(void)
{
	struct vhost_user_memory table = { 1, 0, { { DRV_GUEST, DRV_LEN, DRV_USER, 0 } } };

	kick = eventfd(0, EFD_NONBLOCK);
	front_open(&f, true);
	front_connect(&f);
	drv_init(&d, 8, false, false, false);
	front_handshake(&f, front_protocol(&f), VIRTIO_BIT(VIRTIO_F_VERSION_1) | FRONT_BIT30);
	CU_ASSERT_EQUAL(front_set(&f, VHOST_USER_SET_MEM_TABLE, &table, 40, &d.fd, 1), 0);
	for (uint32_t i = 0; i < 2; i++) {
		uint64_t at = DRV_USER + 4096 * i;
		struct vhost_user_vring_addr a = { i, 0, at + DRV_DESC, at + DRV_DEVICE, at + DRV_DRIVER, 0 };

		CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_NUM, i, d.size), 0);
		CU_ASSERT_EQUAL(front_set(&f, VHOST_USER_SET_VRING_ADDR, &a, sizeof(a), NULL, 0), 0);
		CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_KICK, i, kick), 0);
	}
}

static void end(void)
{
	front_close(&f);
	drv_fini(&d);
	close(kick);
}

static void fault(enum vnicd_backend_fault kind, uint64_t value)
{
	CU_ASSERT_EQUAL(vnicd_backend_fault(f.b, kind, value), 0);
}

/* GET_VRING_BASE: 1 when answered by a state, 0: by nothing, -1: not yet. */
static int get_base(uint32_t index)
{
	struct vhost_user_vring_state s = { index, 0 };
	struct front_reply r;

	front_send(&f, VHOST_USER_GET_VRING_BASE, VHOST_USER_VERSION, &s, sizeof(s), NULL, 0);
	front_pump(&f);
	return front_receive(&f, &r) == 1 ? r.h.size != 0 : -1;
}

static bool runs(uint32_t index)
{
	return f.nic.queue[index].ring.running;
}

static void backend_fault__reset_refused(void)
{
	begin();
	fault(VNICD_BACKEND_RESET_REFUSE, 2);
	CU_ASSERT(get_base(0) == 0 && runs(0));
	CU_ASSERT(get_base(0) == 0 && runs(0));
	CU_ASSERT(get_base(0) == 1 && !runs(0) && runs(1));
	fault(VNICD_BACKEND_RESET_REFUSE, 0);
	for (unsigned i = 0; i < 5; i++)
		CU_ASSERT(get_base(1) == 0 && runs(1));
	vnicd_backend_behave(f.b);
	CU_ASSERT(get_base(1) == 1 && !runs(1));
	end();
}

/* Until the late reply the ring is the device's; other requests are served meanwhile. */
static void backend_fault__reset_late(void)
{
	struct front_reply r;

	begin();
	fault(VNICD_BACKEND_RESET_LATE, 300);
	f.now = 1000; /* as front_pump() tells the timer */
	CU_ASSERT(get_base(1) == -1 && runs(1));
	CU_ASSERT_EQUAL(vnicd_backend_timer(f.b, 1000), 300);
	CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_ENABLE, 1, 1), 0);
	CU_ASSERT_EQUAL(vnicd_backend_timer(f.b, 1299), 1);
	CU_ASSERT(front_receive(&f, &r) == 0 && runs(1));
	CU_ASSERT_EQUAL(vnicd_backend_timer(f.b, 1300), -1);
	CU_ASSERT(front_receive(&f, &r) == 1 && r.h.request == VHOST_USER_GET_VRING_BASE && !runs(1));
	CU_ASSERT(r.h.size == 8 && r.p.state.index == 1);
	CU_ASSERT_EQUAL(vnicd_backend_timer(f.b, 1301), -1);
	end();
}

/* Never: but a device that is reset, or a connection that is lost, ends it. */
static void backend_fault__reset_never(void)
{
	struct front_reply r;

	begin();
	fault(VNICD_BACKEND_RESET_LATE, 0);
	CU_ASSERT(get_base(0) == -1 && runs(0));
	CU_ASSERT_EQUAL(vnicd_backend_timer(f.b, 1000), -1);
	CU_ASSERT_EQUAL(vnicd_backend_timer(f.b, UINT64_C(1) << 60), -1);
	CU_ASSERT(front_receive(&f, &r) == 0 && runs(0));
	CU_ASSERT_EQUAL(front_set_u64(&f, VHOST_USER_SET_STATUS, 0), 0);
	CU_ASSERT_FALSE(runs(0));
	vnicd_backend_behave(f.b);
	CU_ASSERT_EQUAL(get_base(0), 1);
	end();
}

static void backend_fault__front_end_does_not_wait(void)
{
	begin();
	fault(VNICD_BACKEND_RESET_LATE, 10);
	f.now = 1000;
	CU_ASSERT_EQUAL(get_base(0), -1);
	CU_ASSERT_EQUAL(get_base(0), -1); /* asked twice, answered once */
	(void)vnicd_backend_timer(f.b, 1000);
	front_hang_up(&f);
	CU_ASSERT_EQUAL(vnicd_backend_timer(f.b, 2000), -1);
	CU_ASSERT_FALSE(vnicd_backend_connected(f.b));
	front_connect(&f);
	CU_ASSERT_TRUE(vnicd_backend_connected(f.b));
	end();
}

static void backend_fault__enable_ignored(void)
{
	struct vnicd_backend_stats s;

	begin();
	fault(VNICD_BACKEND_ENABLE_IGNORE, 1);
	CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_ENABLE, 0, 1), 0);
	CU_ASSERT_FALSE(f.nic.queue[0].enabled);
	CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_ENABLE, 0, 1), 0);
	CU_ASSERT_TRUE(f.nic.queue[0].enabled);
	vnicd_backend_stats(f.b, &s);
	CU_ASSERT_EQUAL(s.faults[VNICD_BACKEND_ENABLE_IGNORE], 1);
	CU_ASSERT_EQUAL(vnicd_backend_fault(f.b, VNICD_BACKEND_FAULT_KINDS, 1), -EINVAL);
	CU_ASSERT_EQUAL(vnicd_backend_fault(f.b, VNICD_BACKEND_RESET_LATE, UINT64_C(1) << 40), -EINVAL);
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(backend_fault__reset_refused),
	TEST_CASE(backend_fault__reset_late),
	TEST_CASE(backend_fault__reset_never),
	TEST_CASE(backend_fault__front_end_does_not_wait),
	TEST_CASE(backend_fault__enable_ignored),
};
TEST_MAIN("backend_fault", cases)
