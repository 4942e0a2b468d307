/* SPDX-License-Identifier: BSD-3-Clause */
/* Faults of packets: how often, when, in which order, and the same again from the same seed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "app/vnicd/fault.h"
#include "tests/unit/test.h"

#define PACKETS 20000
#define LEN     64

/* What came through. */
struct seen {
	unsigned n;
	uint32_t number[2 * PACKETS];
	unsigned turned; /* bits that are not as they were sent */
	bool offloads;   /* of the last one */
};
static struct seen seen;

static void
on_packet(void *arg, enum vnicd_way way, const struct vnicd_frame *f)
{
	struct seen *s = arg;
	uint8_t b[LEN];

	CU_ASSERT_EQUAL_FATAL(f->n, 1);
	CU_ASSERT_EQUAL_FATAL(f->len, LEN);
	memcpy(b, f->iov[0].iov_base, LEN);
	memcpy(&s->number[s->n++], b, 4);
	for (unsigned i = 4; i < LEN; i++)
		s->turned += (unsigned)__builtin_popcount(b[i] ^ 0x5a);
	s->offloads = f->hdr.flags != 0;
}

static uint64_t
send_one(struct vnicd_fault *x, uint32_t number, uint64_t now)
{
	uint8_t b[LEN];
	struct iovec iov[2] = { { b, 10 }, { b + 10, LEN - 10 } };
	struct iovec one = { b, LEN };
	struct vnicd_frame f = { .len = LEN, .n = 1, .iov = &one, .hdr = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM } };

	memset(b, 0x5a, LEN);
	memcpy(b, &number, 4);
	/* In pieces when it is going to be copied. */
	if (x->conf.corrupt != 0 || x->conf.delay_us != 0) {
		f.iov = iov;
		f.n = 2;
	}
	return vnicd_fault_pass(x, VNICD_WAY_IN, &f, now);
}

static void
begin(struct vnicd_fault *x, const struct vnicd_config_faults *conf)
{
	memset(&seen, 0, sizeof(seen));
	vnicd_fault_init(x, conf, on_packet, &seen);
}

static void fault__rates(void)
{
	static const struct {
		struct vnicd_config_faults conf;
		unsigned least, most; /* packets that come */
	} table[] = {
		{ { .seed = 1 }, PACKETS, PACKETS },
		{ { .seed = 1, .drop = VNICD_CONFIG_PPM }, 0, 0 },
		{ { .seed = 1, .drop = 500000 }, 9500, 10500 },
		{ { .seed = 2, .drop = 1000 }, PACKETS - 60, PACKETS - 3 },
		{ { .seed = 1, .duplicate = VNICD_CONFIG_PPM }, 2 * PACKETS, 2 * PACKETS },
		{ { .seed = 1, .duplicate = 250000 }, PACKETS + 4500, PACKETS + 5500 },
		{ { .seed = 1, .drop = 500000, .duplicate = VNICD_CONFIG_PPM }, 19000, 21000 },
	};

	for (unsigned i = 0; i < RTE_DIM(table); i++) {
		struct vnicd_fault x;

		begin(&x, &table[i].conf);
		for (uint32_t k = 0; k < PACKETS; k++)
			CU_ASSERT_EQUAL(send_one(&x, k, k), UINT64_MAX);
		CU_ASSERT(seen.n >= table[i].least && seen.n <= table[i].most);
		CU_ASSERT_EQUAL(seen.turned, 0);
		CU_ASSERT_EQUAL(seen.n, PACKETS - x.stats.dropped + x.stats.duplicated);
		vnicd_fault_fini(&x);
	}
}

static void fault__same_seed_same_faults(void)
{
	static const struct vnicd_config_faults conf = { .seed = 77, .drop = 100000, .duplicate = 100000 };
	static struct seen first;
	struct vnicd_fault x;

	for (unsigned run = 0; run < 3; run++) {
		begin(&x, &conf);
		if (run == 2)
			CU_ASSERT_EQUAL(vnicd_fault_set(&x, VNICD_FAULT_SEED, 78), 0);
		for (uint32_t k = 0; k < PACKETS; k++)
			send_one(&x, k, k);
		if (run == 0)
			first = seen;
		CU_ASSERT_EQUAL(memcmp(&first, &seen, sizeof(seen)) == 0, run < 2);
		vnicd_fault_fini(&x);
	}
}

static void fault__corrupt_turns_one_bit(void)
{
	static const struct vnicd_config_faults conf = { .seed = 3, .corrupt = VNICD_CONFIG_PPM };
	struct vnicd_fault x;
	unsigned outside = 0;

	begin(&x, &conf);
	for (uint32_t k = 0; k < 1000; k++) {
		send_one(&x, k, k);
		CU_ASSERT_FALSE(seen.offloads);
		outside += seen.number[k] != k; /* in the number itself */
	}
	CU_ASSERT_EQUAL(seen.n, 1000);
	CU_ASSERT_EQUAL(seen.turned + outside, 1000);
	CU_ASSERT_EQUAL(x.stats.corrupted, 1000);
	vnicd_fault_fini(&x);
}

static void fault__delays_in_order(void)
{
	static const struct vnicd_config_faults conf = { .seed = 4, .delay_us = 100, .jitter_us = 50 };
	struct vnicd_fault x;
	uint64_t next = UINT64_MAX;

	begin(&x, &conf);
	for (uint32_t k = 0; k < 1000; k++)
		next = send_one(&x, k, 1000 * k);
	CU_ASSERT_EQUAL(seen.n, 0);
	CU_ASSERT_EQUAL(x.n, 1000);
	CU_ASSERT(next >= 100000 && next <= 150000);
	CU_ASSERT(vnicd_fault_timer(&x, 99999) == next);
	CU_ASSERT_EQUAL(seen.n, 0);
	while ((next = vnicd_fault_timer(&x, next)) != UINT64_MAX)
		CU_ASSERT(seen.n > 0);
	CU_ASSERT_EQUAL_FATAL(seen.n, 1000);
	for (uint32_t k = 0; k < 1000; k++)
		CU_ASSERT_EQUAL(seen.number[k], k);
	CU_ASSERT_EQUAL(x.bytes, 0);
	/* Without a delay now, but behind what has been delayed. */
	send_one(&x, 1000, 2000000);
	vnicd_fault_clear(&x);
	send_one(&x, 1001, 2000001);
	CU_ASSERT_EQUAL(seen.n, 1000);
	CU_ASSERT_EQUAL(vnicd_fault_timer(&x, 3000000), UINT64_MAX);
	CU_ASSERT_EQUAL(seen.number[1001], 1001);
	vnicd_fault_fini(&x);
}

static void fault__reorders(void)
{
	static const struct vnicd_config_faults conf = { .seed = 5, .reorder = 100000, .reorder_us = 10 };
	bool *came = calloc(PACKETS, sizeof(*came));
	struct vnicd_fault x;
	unsigned late = 0;

	begin(&x, &conf);
	for (uint32_t k = 0; k < PACKETS; k++) {
		vnicd_fault_timer(&x, 1000 * k);
		send_one(&x, k, 1000 * k);
	}
	vnicd_fault_timer(&x, UINT64_MAX - 1);
	CU_ASSERT_EQUAL(seen.n, PACKETS);
	for (unsigned i = 0; i < seen.n; i++) {
		CU_ASSERT_FALSE(came[seen.number[i]]);
		came[seen.number[i]] = true;
		late += i > 0 && seen.number[i] < seen.number[i - 1];
	}
	CU_ASSERT(late > 1000);
	CU_ASSERT(x.stats.reordered > 1500 && x.stats.reordered < 2500);
	free(came);
	vnicd_fault_fini(&x);
}

static void fault__holds_so_many(void)
{
	static const struct vnicd_config_faults conf = { .seed = 6, .delay_us = 1000000 };
	struct vnicd_fault x;

	begin(&x, &conf);
	for (uint32_t k = 0; k < VNICD_FAULT_HELD + 5; k++)
		send_one(&x, k, 0);
	CU_ASSERT_EQUAL(x.n, VNICD_FAULT_HELD);
	CU_ASSERT_EQUAL(x.stats.overflowed, 5);
	vnicd_fault_fini(&x); /* frees what is held: the sanitizer looks */
}

static void fault__values(void)
{
	static const struct {
		enum vnicd_fault_kind kind;
		uint64_t value;
		int rc;
	} table[] = {
		{ VNICD_FAULT_DROP, VNICD_CONFIG_PPM, 0 },
		{ VNICD_FAULT_DROP, VNICD_CONFIG_PPM + 1, -EINVAL },
		{ VNICD_FAULT_CORRUPT, UINT64_C(1) << 32, -EINVAL },
		{ VNICD_FAULT_DELAY, 10000000, 0 },
		{ VNICD_FAULT_JITTER, 10000001, -EINVAL },
		{ VNICD_FAULT_SEED, UINT64_MAX, 0 },
		{ VNICD_FAULT_STALL, 0, -EINVAL },
		{ VNICD_FAULT_LIE_ORDER, 0, -EINVAL },
	};
	static const struct vnicd_config_faults conf = { .seed = 1, .direction = VNICD_FROM_DRIVER };
	struct vnicd_fault x;

	begin(&x, &conf);
	CU_ASSERT_FALSE(x.on[VNICD_WAY_IN]);
	for (unsigned i = 0; i < RTE_DIM(table); i++)
		CU_ASSERT_EQUAL(vnicd_fault_set(&x, table[i].kind, table[i].value), table[i].rc);
	CU_ASSERT_TRUE(x.on[VNICD_WAY_IN]);
	CU_ASSERT_FALSE(x.on[VNICD_WAY_OUT]);
	vnicd_fault_clear(&x);
	CU_ASSERT_FALSE(x.on[VNICD_WAY_IN]);
	vnicd_fault_fini(&x);
}

static const struct test_case cases[] = {
	TEST_CASE(fault__rates),
	TEST_CASE(fault__same_seed_same_faults),
	TEST_CASE(fault__corrupt_turns_one_bit),
	TEST_CASE(fault__delays_in_order),
	TEST_CASE(fault__reorders),
	TEST_CASE(fault__holds_so_many),
	TEST_CASE(fault__values),
};
TEST_MAIN("vnicd_fault", cases)
