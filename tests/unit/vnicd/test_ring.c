/* SPDX-License-Identifier: BSD-3-Clause */
/* The ring against an honest driver: both kinds, sizes at which arithmetic wraps. */
#include <string.h>

#include "tests/unit/test.h"
#include "tests/unit/vnicd/driver.h"

static struct drv d;
static struct iovec iov[VNICD_CHAIN_MAX];

static const struct shape {
	uint16_t size;
	bool packed, in_order, event_idx;
} shapes[] = {
	{ 2, false, false, false }, { 2, false, true, true },
	{ 256, false, false, true }, { 256, false, true, false },
	{ 32768, false, false, false }, { 32768, false, true, true },
	{ 2, true, false, false }, { 2, true, true, true }, { 3, true, false, true }, { 1, true, false, true },
	{ 256, true, false, true }, { 256, true, true, false },
	{ 257, true, false, false }, { 257, true, true, true },
	{ 32768, true, false, true }, { 32768, true, true, false },
};
#define N_SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static void init(const struct shape *s)
{
	drv_init(&d, s->size, s->packed, s->in_order, s->event_idx);
}

static void next__gathers_pieces_in_order(void)
{
	static const struct drv_buf buf[] = {
		{ DRV_GUEST + DRV_BUFFERS, 12, false }, { DRV_GUEST + DRV_BUFFERS + 100, 1500, false },
		{ DRV_GUEST + DRV_BUFFERS + 4096, 64, true }, { DRV_GUEST + DRV_BUFFERS + 8192, 1, true },
	};
	struct vnicd_chain c;
	uint32_t len;

	for (unsigned k = 0; k < 4; k++) {
		int id;

		drv_init(&d, 8, k & 1, false, false);
		id = drv_post(&d, buf, 4, k & 2);
		CU_ASSERT_EQUAL(vnicd_ring_waiting(&d.ring), 1);
		CU_ASSERT_EQUAL_FATAL(vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX), 1);
		CU_ASSERT(c.id == id && c.slots == (k & 2 ? 1 : 4));
		CU_ASSERT(c.n_out == 2 && c.n_in == 2 && c.out_len == 1512 && c.in_len == 65);
		for (unsigned i = 0; i < 4; i++) {
			CU_ASSERT_EQUAL(iov[i].iov_len, buf[i].len);
			CU_ASSERT_PTR_EQUAL(iov[i].iov_base, d.memory.region[0].addr + (buf[i].addr - DRV_GUEST));
		}
		CU_ASSERT_EQUAL(vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX), 0);
		vnicd_ring_used(&d.ring, &c, 17);
		CU_ASSERT_EQUAL(drv_take(&d, &len), -1);
		vnicd_ring_publish(&d.ring);
		CU_ASSERT_EQUAL(drv_take(&d, &len), id);
		CU_ASSERT_EQUAL(len, 17);
		drv_fini(&d);
	}
}

/* Full rings, over and over: every index passes its wrap more than three times. */
static void lap(uint16_t n, bool write)
{
	struct vnicd_chain c;
	uint32_t len;

	for (uint16_t i = 0; i < n; i++)
		CU_ASSERT_FATAL(drv_post_one(&d, 64, write) >= 0);
	for (uint16_t i = 0; i < n; i++) {
		CU_ASSERT_EQUAL_FATAL(vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX), 1);
		vnicd_ring_used(&d.ring, &c, write ? 60 : 0);
	}
	CU_ASSERT_EQUAL(vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX), 0);
	vnicd_ring_publish(&d.ring);
	for (uint16_t i = 0; i < n; i++) {
		CU_ASSERT_FATAL(drv_take(&d, &len) >= 0);
		CU_ASSERT_EQUAL_FATAL(len, write ? 60 : 0);
	}
	CU_ASSERT_EQUAL_FATAL(drv_take(&d, &len), -1);
}

static void laps__every_size(void)
{
	for (unsigned k = 0; k < N_SHAPES; k++) {
		unsigned laps = shapes[k].size > 1000 ? 8 : 200000 / shapes[k].size;

		init(&shapes[k]);
		for (unsigned i = 0; i < laps; i++)
			lap((uint16_t)(shapes[k].size - (i % 3 != 0 && shapes[k].size > 2)), i & 1);
		CU_ASSERT_EQUAL(d.ring.error, VNICD_RING_ERROR_NONE);
		CU_ASSERT_EQUAL(d.free, shapes[k].size);
		drv_fini(&d);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(next__gathers_pieces_in_order),
	TEST_CASE(laps__every_size),
};
TEST_MAIN("vnicd ring", cases)
