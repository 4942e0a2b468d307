/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/vnicd/dev/memory.h"
#include "tests/unit/test.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)

static int file(uint64_t len)
{
	int fd = memfd_create("vnicd-test", MFD_CLOEXEC);

	CU_ASSERT_FATAL(fd >= 0 && ftruncate(fd, (off_t)len) == 0);
	return fd;
}

static void set__translates_inside_of_regions_only(void)
{
	static const struct vhost_user_region regions[] = {
		{ .guest_addr = 0x100000, .size = 64 * KIB, .user_addr = 0x7f0000000000, .mmap_offset = 0 },
		{ .guest_addr = 0x110000, .size = 64 * KIB, .user_addr = 0x7e0000000000, .mmap_offset = 0x3000 },
	};
	static const struct {
		uint64_t addr, len;
		int region;
	} lookups[] = {
		{ 0x100000, 1, 0 }, { 0x100000, 64 * KIB, 0 }, { 0x100000, 64 * KIB + 1, -1 },
		{ 0x10ffff, 1, 0 }, { 0x10ffff, 2, -1 } /* not across regions */, { 0x110000, 1, 1 },
		{ 0x11ffff, 1, 1 }, { 0x120000, 1, -1 }, { 0xfffff, 2, -1 }, { 0, 1, -1 },
		{ 0x100000, 0, -1 }, { UINT64_MAX, 1, -1 }, { 0x100010, UINT64_MAX, -1 },
		{ 0x100010, UINT64_MAX - 0xf, -1 },
	};
	int fds[2] = { file(64 * KIB), file(64 * KIB + 0x3000) };
	struct vnicd_memory m;

	vnicd_memory_init(&m, false);
	CU_ASSERT_EQUAL_FATAL(vnicd_memory_set(&m, regions, fds, 2), 0);
	for (unsigned i = 0; i < sizeof(lookups) / sizeof(lookups[0]); i++) {
		int at = lookups[i].region;
		uint64_t off = at < 0 ? 0 : lookups[i].addr - regions[at].guest_addr;
		void *want = at < 0 ? NULL : m.region[at].addr + off;

		CU_ASSERT_PTR_EQUAL(vnicd_memory_guest(&m, lookups[i].addr, lookups[i].len), want);
		if (at >= 0)
			CU_ASSERT_PTR_EQUAL(vnicd_memory_user(&m, regions[at].user_addr + off, lookups[i].len),
					    want);
	}
	CU_ASSERT_PTR_NULL(vnicd_memory_user(&m, 0x100000, 1));
	vnicd_memory_fini(&m);
	CU_ASSERT_EQUAL(m.n, 0);
}

static const struct test_case cases[] = {
	TEST_CASE(set__translates_inside_of_regions_only),
};
TEST_MAIN("vnicd memory", cases)
