/* SPDX-License-Identifier: BSD-3-Clause */
/* Drivers that break the rules: each way stops the ring under its name. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tests/unit/vnicd/driver.h"

static struct drv d;
static struct iovec iov[VNICD_CHAIN_MAX];

#define BUF   (DRV_GUEST + DRV_BUFFERS)
#define TABLE (DRV_GUEST + DRV_TABLES)
#define END   (DRV_GUEST + DRV_LEN)
#define N VRING_DESC_F_NEXT
#define W VRING_DESC_F_WRITE
#define I VRING_DESC_F_INDIRECT
#define SIZE 4

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

static const struct hostile {
	const char *name;
	struct desc ring[SIZE], table[4];
	uint16_t head, idx; /* split: avail.ring[0] and avail.idx; idx 0 is 1 */
	unsigned max;       /* pieces; 0: VNICD_CHAIN_MAX */
	uint8_t error;      /* NONE: taken */
	bool no_indirect, read_only;
} split[] = {
	{ "good", { { BUF, 64, N, 3 }, { 0 }, { 0 }, { BUF, 64, W, 0 } }, .error = VNICD_RING_ERROR_NONE },
	{ "next out of range is nothing without NEXT", { { BUF, 64, 0, 999 } }, .error = VNICD_RING_ERROR_NONE },
	{ "index beyond ring", { { BUF, 64, 0, 0 } }, .idx = SIZE + 1, .error = VNICD_RING_ERROR_INDEX },
	{ "index behind", { { BUF, 64, 0, 0 } }, .idx = 0xffff, .error = VNICD_RING_ERROR_INDEX },
	{ "head", { { BUF, 64, 0, 0 } }, .head = SIZE, .error = VNICD_RING_ERROR_HEAD },
	{ "head at the end", { { BUF, 64, 0, 0 } }, .head = 0xffff, .error = VNICD_RING_ERROR_HEAD },
	{ "next", { { BUF, 64, N, SIZE } }, .error = VNICD_RING_ERROR_NEXT },
	{ "loop to itself", { { BUF, 64, N, 0 } }, .error = VNICD_RING_ERROR_LOOP },
	{ "loop of two", { { BUF, 64, N, 1 }, { BUF, 64, N, 0 } }, .error = VNICD_RING_ERROR_LOOP },
	{ "loop behind", { { BUF, 64, N, 1 }, { BUF, 64, N, 2 }, { BUF, 64, N, 1 } }, .error = VNICD_RING_ERROR_LOOP },
	{ "address before", { { DRV_GUEST - 1, 1, 0, 0 } }, .error = VNICD_RING_ERROR_ADDRESS },
	{ "address behind", { { END, 1, 0, 0 } }, .error = VNICD_RING_ERROR_ADDRESS },
	{ "over the end", { { END - 63, 64, 0, 0 } }, .error = VNICD_RING_ERROR_ADDRESS },
	{ "up to the end", { { END - 64, 64, 0, 0 } }, .error = VNICD_RING_ERROR_NONE },
	{ "address wraps", { { UINT64_MAX - 1, 64, 0, 0 } }, .error = VNICD_RING_ERROR_ADDRESS },
	{ "null", { { 0, 64, W, 0 } }, .error = VNICD_RING_ERROR_ADDRESS },
	{ "huge length", { { BUF, UINT32_MAX, 0, 0 } }, .error = VNICD_RING_ERROR_ADDRESS },
	{ "zero length", { { BUF, 0, 0, 0 } }, .error = VNICD_RING_ERROR_LENGTH },
	{ "zero length behind", { { BUF, 64, N, 1 }, { BUF, 0, W, 0 } }, .error = VNICD_RING_ERROR_LENGTH },
	{ "sum too long", { { BUF, 64, N, 1 }, { BUF, UINT32_MAX - 63, 0, 0 } }, .error = VNICD_RING_ERROR_LENGTH },
	{ "order", { { BUF, 64, N | W, 1 }, { BUF, 64, 0, 0 } }, .error = VNICD_RING_ERROR_ORDER },
	{ "pieces", { { BUF, 64, N, 1 }, { BUF, 64, N, 2 }, { BUF, 64, 0, 0 } }, .max = 2,
	  .error = VNICD_RING_ERROR_PIECES },

	{ "table", { { TABLE, 32, I, 0 } }, { { BUF, 64, N, 1 }, { BUF, 64, W, 0 } }, .error = VNICD_RING_ERROR_NONE },
	{ "table backwards", { { TABLE, 64, I, 0 } }, { { BUF, 64, N, 3 }, { 0 }, { BUF, 64, W, 0 }, { BUF, 64, N, 2 } },
	  .error = VNICD_RING_ERROR_NONE },
	{ "table in the chain", { { BUF, 64, N, 1 }, { TABLE, 16, I, 0 } }, { { BUF, 64, W, 0 } },
	  .error = VNICD_RING_ERROR_NONE },
	{ "WRITE of a table is nothing", { { TABLE, 16, I | W, 0 } }, { { BUF, 64, 0, 0 } }, .error = VNICD_RING_ERROR_NONE },
	{ "table with NEXT", { { TABLE, 16, I | N, 1 }, { BUF, 64, 0, 0 } }, { { BUF, 64, 0, 0 } },
	  .error = VNICD_RING_ERROR_INDIRECT },
	{ "table not negotiated", { { TABLE, 16, I, 0 } }, { { BUF, 64, 0, 0 } }, .no_indirect = true,
	  .error = VNICD_RING_ERROR_INDIRECT },
	{ "nested", { { TABLE, 32, I, 0 } }, { { TABLE, 16, I, 0 } }, .error = VNICD_RING_ERROR_INDIRECT },
	{ "nested behind", { { TABLE, 32, I, 0 } }, { { BUF, 64, N, 1 }, { TABLE, 16, I, 0 } },
	  .error = VNICD_RING_ERROR_INDIRECT },
	{ "table of nothing", { { TABLE, 0, I, 0 } }, .error = VNICD_RING_ERROR_INDIRECT },
	{ "table of 15 octets", { { TABLE, 15, I, 0 } }, .error = VNICD_RING_ERROR_INDIRECT },
	{ "table of 17 octets", { { TABLE, 17, I, 0 } }, .error = VNICD_RING_ERROR_INDIRECT },
	{ "table too long", { { TABLE, 16 * (VRING_SIZE_MAX + 1), I, 0 } }, .error = VNICD_RING_ERROR_INDIRECT },
	{ "table outside", { { END - 16, 32, I, 0 } }, .error = VNICD_RING_ERROR_ADDRESS },
	{ "next beyond the table", { { TABLE, 16, I, 0 } }, { { BUF, 64, N, 1 } }, .error = VNICD_RING_ERROR_NEXT },
	{ "loop in the table", { { TABLE, 32, I, 0 } }, { { BUF, 64, N, 1 }, { BUF, 64, N, 0 } },
	  .error = VNICD_RING_ERROR_LOOP },
	{ "address in the table", { { TABLE, 16, I, 0 } }, { { END, 64, 0, 0 } }, .error = VNICD_RING_ERROR_ADDRESS },
	{ "order in the table", { { TABLE, 32, I, 0 } }, { { BUF, 64, W | N, 1 }, { BUF, 64, 0, 0 } },
	  .error = VNICD_RING_ERROR_ORDER },
	{ "order across the table", { { BUF, 64, W | N, 1 }, { TABLE, 16, I, 0 } }, { { BUF, 64, 0, 0 } },
	  .error = VNICD_RING_ERROR_ORDER },
};

#define A VRING_PACKED_F_AVAIL /* available in the first lap */
/* next is the id here */
static const struct hostile packed[] = {
	{ "good", { { BUF, 64, A | N, 9 }, { BUF, 64, A | W, 3 } }, .error = VNICD_RING_ERROR_NONE },
	{ "id", { { BUF, 64, A, SIZE } }, .error = VNICD_RING_ERROR_ID },
	{ "id of the last one", { { BUF, 64, A | N, 0 }, { BUF, 64, A, 0xffff } }, .error = VNICD_RING_ERROR_ID },
	{ "chain longer than the ring",
	  { { BUF, 64, A | N, 0 }, { BUF, 64, A | N, 0 }, { BUF, 64, A | N, 0 }, { BUF, 64, A | N, 0 } },
	  .error = VNICD_RING_ERROR_LOOP },
	{ "chain as long as the ring",
	  { { BUF, 64, A | N, 0 }, { BUF, 64, A | N, 0 }, { BUF, 64, A | N, 0 }, { BUF, 64, A, 0 } },
	  .error = VNICD_RING_ERROR_NONE },
	{ "address", { { END, 64, A, 0 } }, .error = VNICD_RING_ERROR_ADDRESS },
	{ "address wraps", { { UINT64_MAX, 64, A, 0 } }, .error = VNICD_RING_ERROR_ADDRESS },
	{ "zero length", { { BUF, 0, A, 0 } }, .error = VNICD_RING_ERROR_LENGTH },
	{ "sum too long", { { BUF, 64, A | N, 0 }, { BUF, UINT32_MAX - 63, A, 0 } }, .error = VNICD_RING_ERROR_LENGTH },
	{ "order", { { BUF, 64, A | N | W, 0 }, { BUF, 64, A, 0 } }, .error = VNICD_RING_ERROR_ORDER },
	{ "pieces", { { BUF, 64, A | N, 0 }, { BUF, 64, A, 0 } }, .max = 1, .error = VNICD_RING_ERROR_PIECES },

	{ "table", { { TABLE, 32, A | I, 1 } }, { { BUF, 64, 0, 0 }, { BUF, 64, W, 0 } }, .error = VNICD_RING_ERROR_NONE },
	{ "only WRITE counts in a table", { { TABLE, 32, A | I, 1 } }, { { BUF, 64, I, 77 }, { BUF, 64, N | W, 77 } },
	  .error = VNICD_RING_ERROR_NONE },
	{ "table with NEXT", { { TABLE, 16, A | I | N, 0 }, { BUF, 64, A, 0 } }, { { BUF, 64, 0, 0 } },
	  .error = VNICD_RING_ERROR_INDIRECT },
	{ "table behind", { { BUF, 64, A | N, 0 }, { TABLE, 16, A | I, 0 } }, { { BUF, 64, 0, 0 } },
	  .error = VNICD_RING_ERROR_INDIRECT },
	{ "table not negotiated", { { TABLE, 16, A | I, 0 } }, { { BUF, 64, 0, 0 } }, .no_indirect = true,
	  .error = VNICD_RING_ERROR_INDIRECT },
	{ "table of nothing", { { TABLE, 0, A | I, 0 } }, .error = VNICD_RING_ERROR_INDIRECT },
	{ "table of 24 octets", { { TABLE, 24, A | I, 0 } }, .error = VNICD_RING_ERROR_INDIRECT },
	{ "table outside", { { END - 16, 32, A | I, 0 } }, .error = VNICD_RING_ERROR_ADDRESS },
	{ "address in the table", { { TABLE, 16, A | I, 0 } }, { { DRV_GUEST - 1, 64, 0, 0 } },
	  .error = VNICD_RING_ERROR_ADDRESS },
	{ "order in the table", { { TABLE, 32, A | I, 0 } }, { { BUF, 64, W, 0 }, { BUF, 64, 0, 0 } },
	  .error = VNICD_RING_ERROR_ORDER },
	{ "WRITE on a queue that is only read", { { TABLE, 32, A | I, 0 } }, { { BUF, 64, W, 0 }, { BUF, 64, 0, 0 } },
	  .error = VNICD_RING_ERROR_NONE, .read_only = true },
	{ "id of a table", { { TABLE, 16, A | I, SIZE } }, { { BUF, 64, W, 0 } }, .error = VNICD_RING_ERROR_ID },
};

static void run(const struct hostile *h, bool is_packed)
{
	struct vnicd_chain c;
	int want = h->error == VNICD_RING_ERROR_NONE ? 1 : -EPROTO, rc;

	drv_init(&d, SIZE, is_packed, false, false);
	d.ring.conf.indirect = !h->no_indirect;
	d.ring.conf.read_only = h->read_only;
	for (unsigned i = 0; i < SIZE; i++) { /* both kinds lie alike but for the order of the last two */
		const struct desc *r = &h->ring[i], *t = &h->table[i];

		if (is_packed) {
			drv_packed_desc(&d)[i] = (struct vring_packed_desc){ r->addr, r->len, r->next, r->flags };
			((struct vring_packed_desc *)drv_at(&d, DRV_TABLES))[i] =
				(struct vring_packed_desc){ t->addr, t->len, t->next, t->flags };
		} else {
			drv_desc(&d)[i] = (struct vring_desc){ r->addr, r->len, r->flags, r->next };
			((struct vring_desc *)drv_at(&d, DRV_TABLES))[i] =
				(struct vring_desc){ t->addr, t->len, t->flags, t->next };
		}
	}
	if (!is_packed) {
		drv_avail(&d)->ring[0] = h->head;
		drv_avail(&d)->idx = h->idx != 0 ? h->idx : 1;
	}
	rc = vnicd_ring_next(&d.ring, &c, iov, h->max != 0 ? h->max : VNICD_CHAIN_MAX);
	CU_ASSERT_EQUAL(rc, want);
	CU_ASSERT_EQUAL(d.ring.error, h->error);
	if (rc != want || d.ring.error != h->error)
		printf("  %s (%s): %d, %s\n", h->name, is_packed ? "packed" : "split", rc,
		       vnicd_ring_error_name(d.ring.error));
	CU_ASSERT_EQUAL(d.ring.running, rc == 1);
	if (rc != 1) { /* it stays so, and nothing else works on */
		CU_ASSERT_EQUAL(vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX), -EPROTO);
		CU_ASSERT_EQUAL(vnicd_ring_waiting(&d.ring), 0);
		CU_ASSERT_FALSE(vnicd_ring_want_kick(&d.ring, true));
		CU_ASSERT_FALSE(vnicd_ring_should_call(&d.ring));
	}
	drv_fini(&d);
}

static void next__hostile_split(void)
{
	for (unsigned i = 0; i < sizeof(split) / sizeof(split[0]); i++)
		run(&split[i], false);
}

static void next__hostile_packed(void)
{
	for (unsigned i = 0; i < sizeof(packed) / sizeof(packed[0]); i++)
		run(&packed[i], true);
}

/* A driver that fills slots of chains that it has not got back. */
static void next__more_than_the_ring_holds(void)
{
	struct vnicd_chain c;

	drv_init(&d, SIZE, false, false, false);
	for (unsigned i = 0; i < SIZE; i++)
		drv_post_one(&d, 64, false);
	while (vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX) == 1)
		;
	drv_avail(&d)->idx++;
	CU_ASSERT_EQUAL(vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX), -EPROTO);
	CU_ASSERT_EQUAL(d.ring.error, VNICD_RING_ERROR_INDEX);
	drv_fini(&d);

	drv_init(&d, SIZE, true, false, false);
	for (unsigned i = 0; i < SIZE; i++)
		drv_post_one(&d, 64, false);
	while (vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX) == 1)
		;
	drv_packed_desc(&d)[0].flags = vring_packed_avail_flags(false);
	CU_ASSERT_EQUAL(vnicd_ring_waiting(&d.ring), 0);
	CU_ASSERT_EQUAL(vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX), -EPROTO);
	CU_ASSERT_EQUAL(d.ring.error, VNICD_RING_ERROR_INDEX);
	drv_fini(&d);
}

static void next__piece_across_regions(void)
{
	struct vhost_user_region regions[2] = { { 0x10000, 0x4000, 0x10000, 0 }, { 0x14000, 0x4000, 0x30000, 0 } };
	struct vnicd_memory m;
	struct vnicd_chain c;
	int fds[2];

	for (unsigned i = 0; i < 2; i++) {
		fds[i] = memfd_create("vnicd-pieces", MFD_CLOEXEC);
		CU_ASSERT_FATAL(fds[i] >= 0 && ftruncate(fds[i], 0x4000) == 0);
	}
	vnicd_memory_init(&m, false);
	CU_ASSERT_EQUAL_FATAL(vnicd_memory_set(&m, regions, fds, 2), 0);
	drv_init(&d, SIZE, false, false, false);
	d.ring.memory = &m;
	CU_ASSERT_FATAL(drv_post(&d, &(struct drv_buf){ 0x13000, 0x1800, true }, 1, false) >= 0);
	CU_ASSERT_EQUAL_FATAL(vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX), 1);
	CU_ASSERT(c.n_in == 2 && c.in_len == 0x1800);
	CU_ASSERT(iov[0].iov_base == m.region[0].addr + 0x3000 && iov[0].iov_len == 0x1000);
	CU_ASSERT(iov[1].iov_base == m.region[1].addr && iov[1].iov_len == 0x800);
	/* an indirect table has to be in one */
	CU_ASSERT_FATAL(drv_post(&d, &(struct drv_buf){ 0x14000, 0x100, true }, 1, true) >= 0);
	drv_desc(&d)[1].addr = 0x14000 - 8;
	CU_ASSERT_EQUAL(vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX), -EPROTO);
	CU_ASSERT_EQUAL(d.ring.error, VNICD_RING_ERROR_ADDRESS);
	drv_fini(&d);
	vnicd_memory_fini(&m);
}

static void start__refuses(void)
{
	static const struct {
		uint16_t size;
		bool packed;
		uint64_t desc, driver, device;
		uint32_t base;
		int rc;
	} t[] = {
		{ 256, false, DRV_DESC, DRV_DRIVER, DRV_DEVICE, 0, 0 },
		{ 0, false, DRV_DESC, DRV_DRIVER, DRV_DEVICE, 0, -EINVAL },
		{ 257, false, DRV_DESC, DRV_DRIVER, DRV_DEVICE, 0, -EINVAL },
		{ 257, true, DRV_DESC, DRV_DRIVER, DRV_DEVICE, 0x80008000, 0 },
		{ 32769, true, DRV_DESC, DRV_DRIVER, DRV_DEVICE, 0x80008000, -EINVAL },
		{ 65535, true, DRV_DESC, DRV_DRIVER, DRV_DEVICE, 0x80008000, -EINVAL },
		{ 256, false, DRV_DESC + 8, DRV_DRIVER, DRV_DEVICE, 0, -EINVAL },
		{ 256, false, DRV_DESC, DRV_DRIVER + 1, DRV_DEVICE, 0, -EINVAL },
		{ 256, true, DRV_DESC, DRV_DRIVER + 2, DRV_DEVICE, 0x80008000, -EINVAL },
		{ 256, false, DRV_DESC, DRV_DRIVER, DRV_DEVICE + 2, 0, -EINVAL },
		{ 256, false, DRV_LEN - 4080, DRV_DRIVER, DRV_DEVICE, 0, -EINVAL },
		{ 256, false, DRV_DESC, DRV_LEN - 516, DRV_DEVICE, 0, -EINVAL },
		{ 256, false, DRV_DESC, DRV_DRIVER, DRV_LEN - 2052, 0, -EINVAL },
		{ 256, true, DRV_DESC, DRV_LEN - 4, DRV_DEVICE, 0x80008000, 0 },
		{ 256, true, DRV_DESC, DRV_LEN, DRV_DEVICE, 0x80008000, -EINVAL },
		{ 256, true, DRV_DESC, DRV_DRIVER, DRV_DEVICE, 0x80008100, -EINVAL },
		{ 256, true, DRV_DESC, DRV_DRIVER, DRV_DEVICE, 0x81008000, -EINVAL },
		{ 256, true, DRV_DESC, DRV_DRIVER, DRV_DEVICE, 0x00ff00ff, 0 },
		{ 256, false, DRV_DESC, DRV_DRIVER, DRV_DEVICE, 256, 0 },   /* the used index in memory is 0 */
		{ 256, false, DRV_DESC, DRV_DRIVER, DRV_DEVICE, 257, 0 },   /* which counts */
		{ 256, false, UINT64_MAX - DRV_USER, DRV_DRIVER, DRV_DEVICE, 0, -EINVAL },
	};

	drv_init(&d, SIZE, false, false, false);
	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct vnicd_ring_conf conf = { .size = t[i].size, .packed = t[i].packed, .base = (uint16_t)t[i].base,
						.used_base = (uint16_t)(t[i].base >> 16) };
		struct vnicd_ring r;
		int rc = vnicd_ring_map(&conf, &d.memory, DRV_USER + t[i].desc, DRV_USER + t[i].driver,
					DRV_USER + t[i].device);

		if (rc == 0)
			rc = vnicd_ring_start(&r, &conf, &d.memory);
		CU_ASSERT_EQUAL(rc, t[i].rc);
		if (rc != t[i].rc)
			printf("  row %u: %d\n", i, rc);
	}
	drv_fini(&d);
}

/* What was shared is gone: the ring stops before anybody trusts zeroes. */
static void next__memory_torn(void)
{
	struct vnicd_chain c;

	for (unsigned k = 0; k < 2; k++) {
		drv_init(&d, SIZE, k, false, false);
		drv_post_one(&d, 64, false);
		d.memory.torn = true;
		CU_ASSERT_EQUAL(vnicd_ring_next(&d.ring, &c, iov, VNICD_CHAIN_MAX), -EPROTO);
		CU_ASSERT_EQUAL(d.ring.error, VNICD_RING_ERROR_ADDRESS);
		drv_fini(&d);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(next__hostile_split),
	TEST_CASE(next__hostile_packed),
	TEST_CASE(next__more_than_the_ring_holds),
	TEST_CASE(next__piece_across_regions),
	TEST_CASE(next__memory_torn),
	TEST_CASE(start__refuses),
};
TEST_MAIN("vnicd ring, hostile drivers", cases)
