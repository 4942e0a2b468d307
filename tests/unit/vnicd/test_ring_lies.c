/* SPDX-License-Identifier: BSD-3-Clause */
/* Each lie is told as often as asked for, on both kinds of ring, and nothing but it. */
#include <errno.h>
#include <string.h>

#include "tests/unit/test.h"
#include "tests/unit/vnicd/driver.h"

#define SIZE 8

static struct drv d;
static struct iovec iov[VNICD_CHAIN_MAX];

/* What the driver would read at an entry, from start. */
struct entry {
	uint32_t id, len;
	bool used;
};

static struct entry entry(unsigned at)
{
	if (d.packed) {
		struct vring_packed_desc e = drv_packed_desc(&d)[at % SIZE];

		return (struct entry){ e.id, e.len, vring_packed_is_used(e.flags, at < SIZE) };
	}
	return (struct entry){ drv_used(&d)->ring[at % SIZE].id, drv_used(&d)->ring[at % SIZE].len,
			       (uint16_t)at < drv_used(&d)->idx };
}

/* Take and use n chains; their ids. */
static void use(unsigned n, uint16_t *id)
{
	struct vnicd_chain c;

	for (unsigned i = 0; i < n; i++) {
		CU_ASSERT_EQUAL_FATAL(vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX), 1);
		id[i] = c.id;
		vnicd_ring_used(&d.ring, &c, 100);
	}
	vnicd_ring_publish(&d.ring);
}

/* Post 5, use one in truth, then lie in two of three. */
static void begin(bool packed, bool in_order, enum vnicd_ring_lie lie, uint16_t id[4])
{
	drv_init(&d, SIZE, packed, in_order, false);
	for (unsigned i = 0; i < 5; i++)
		drv_post_one(&d, 1000, true);
	use(1, id);
	CU_ASSERT_EQUAL(vnicd_ring_lie(&d.ring, lie, 2), 0);
	use(3, id + 1);
}

static bool outstanding(const uint16_t *done, unsigned n, uint32_t id)
{
	for (unsigned i = 0; i < n; i++)
		if (done[i] == id)
			return false;
	return id < SIZE && d.slots[id] != 0;
}

static void lie__in_an_entry(void)
{
	static const struct {
		enum vnicd_ring_lie lie;
		uint32_t len[2]; /* what the two have */
		bool true_id;
	} t[] = {
		{ VNICD_LIE_ID_RANGE, { 100, 100 } }, { VNICD_LIE_ID_IDLE, { 100, 100 } },
		{ VNICD_LIE_ID_TWICE, { 100, 100 } }, { VNICD_LIE_LEN_ZERO, { 0, 0 }, true },
		{ VNICD_LIE_LEN_SHORT, { 1, 1 }, true }, { VNICD_LIE_LEN_HUGE, { 1001, UINT32_MAX }, true },
	};

	for (unsigned k = 0; k < 2 * sizeof(t) / sizeof(t[0]); k++) {
		enum vnicd_ring_lie lie = t[k / 2].lie;
		uint16_t id[4];

		begin(k & 1, false, lie, id);
		CU_ASSERT(entry(0).id == id[0] && entry(0).len == 100);
		for (unsigned i = 1; i < 3; i++) {
			struct entry e = entry(i);

			CU_ASSERT_TRUE(e.used);
			CU_ASSERT_EQUAL(e.len, t[k / 2].len[i - 1]);
			CU_ASSERT_EQUAL(e.id >= SIZE, lie == VNICD_LIE_ID_RANGE);
			if (lie == VNICD_LIE_ID_TWICE)
				CU_ASSERT_EQUAL(e.id, id[i - 1]);
			CU_ASSERT_EQUAL(outstanding(id, i, e.id), t[k / 2].true_id);
			if (t[k / 2].true_id)
				CU_ASSERT_EQUAL(e.id, id[i]);
		}
		CU_ASSERT(entry(3).id == id[3] && entry(3).len == 100);
		CU_ASSERT_FALSE(entry(4).used);
		CU_ASSERT_PTR_NULL(d.ring.lie);
		drv_fini(&d);
	}
}

static void lie__index_jumps(void)
{
	for (unsigned k = 0; k < 2; k++) {
		uint16_t id[4];

		begin(k, false, VNICD_LIE_IDX_JUMP, id);
		if (k) { /* one more entry, of an id that is given back already */
			CU_ASSERT_TRUE(entry(4).used);
			CU_ASSERT_EQUAL(entry(4).id, id[3]);
		} else {
			CU_ASSERT(drv_used(&d)->idx > 5); /* more than were ever posted */
		}
		for (unsigned i = 0; i < 4; i++)
			CU_ASSERT(entry(i).id == id[i] && entry(i).len == 100);
		drv_fini(&d);
	}
}

static void lie__out_of_order(void)
{
	for (unsigned k = 0; k < 2; k++) {
		uint16_t id[4];

		begin(k, true, VNICD_LIE_ORDER, id);
		CU_ASSERT(entry(0).id == id[0] && entry(1).id == id[2] && entry(2).id == id[1]);
		CU_ASSERT(entry(3).used && entry(3).id != id[3]); /* the fifth, not used yet */
		drv_fini(&d);
	}
}

/* Where batches would hide it, every entry is written. */
static void lie__on_a_transmit_queue_in_order(void)
{
	for (unsigned k = 0; k < 2; k++) {
		uint16_t id[3];

		drv_init(&d, SIZE, k, true, false);
		for (unsigned i = 0; i < 4; i++)
			drv_post_one(&d, 1000, false);
		CU_ASSERT_EQUAL(vnicd_ring_lie(&d.ring, VNICD_LIE_ID_RANGE, 1), 0);
		use(3, id);
		CU_ASSERT(entry(0).id == SIZE && entry(1).id == id[2]); /* then truth, as a batch */
		drv_fini(&d);
	}
}

static void lie__names_and_refusals(void)
{
	struct vnicd_ring r = { 0 };

	for (unsigned i = 0; i < VNICD_LIE_COUNT; i++)
		for (unsigned j = 0; j < i; j++)
			CU_ASSERT_STRING_NOT_EQUAL(vnicd_ring_lie_name(i), vnicd_ring_lie_name(j));
	CU_ASSERT_EQUAL(vnicd_ring_lie(&r, VNICD_LIE_COUNT, 1), -EINVAL);
	CU_ASSERT_EQUAL(vnicd_ring_lie(&r, VNICD_LIE_LEN_ZERO, 1), 0);
	CU_ASSERT_PTR_NOT_NULL(r.lie);
	CU_ASSERT_EQUAL(vnicd_ring_lie(&r, VNICD_LIE_NONE, 1), 0);
	CU_ASSERT_PTR_NULL(r.lie);
}

static const struct test_case cases[] = {
	TEST_CASE(lie__in_an_entry),
	TEST_CASE(lie__index_jumps),
	TEST_CASE(lie__out_of_order),
	TEST_CASE(lie__on_a_transmit_queue_in_order),
	TEST_CASE(lie__names_and_refusals),
};
TEST_MAIN("vnicd ring, lies", cases)
