/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "app/vnicd/dev/memory.h"
#include "tests/unit/test.h"
#include "tests/unit/vnicd/front.h"

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

/* One good region, and one that is wrong: the whole table is refused. */
static void set__faults(void)
{
	static const struct {
		const char *name;
		struct vhost_user_region r;
		int rc;
	} t[] = {
		{ "good", { 0x200000, MIB, 0x200000, 0 }, 0 },
		{ "good at an offset", { 0x201000, MIB - 0x1000, 0x201000, 0x1000 }, 0 },
		{ "adjacent", { 0x110000, MIB, 0x110000, 0 }, 0 },
		{ "empty", { 0x200000, 0, 0x200000, 0 }, -EINVAL },
		{ "file too short by one", { 0x200000, MIB + 1, 0x200000, 0 }, -EINVAL },
		{ "file too short for the offset", { 0x201000, MIB, 0x201000, 0x1000 }, -EINVAL },
		{ "offset beyond the file", { 0x200000, 0x1000, 0x200000, MIB }, -EINVAL },
		{ "offset and size wrap", { 0x200000, 0x2000, 0x200000, UINT64_MAX - 0xfff }, -EINVAL },
		{ "size at the end", { 0, UINT64_MAX, 0, 0 }, -EINVAL },
		{ "guest address wraps", { UINT64_MAX - 0xfff, 0x2000, 0x200000, 0 }, -EINVAL },
		{ "user address wraps", { 0x200000, 0x2000, UINT64_MAX - 0xfff, 0 }, -EINVAL },
		{ "huge", { 0x200000, UINT64_C(1) << 60, 0x200000, 0 }, -EINVAL },
		{ "guest overlap, start", { 0x10f000, 0x2000, 0x800000, 0 }, -EINVAL },
		{ "guest overlap, end", { 0xff000, 0x2000, 0x800000, 0 }, -EINVAL },
		{ "guest overlap, inside", { 0x101000, 0x1000, 0x800000, 0 }, -EINVAL },
		{ "guest overlap, around", { 0xf0000, 0x40000, 0x800000, 0 }, -EINVAL },
		{ "the same", { 0x100000, 0x10000, 0x800000, 0 }, -EINVAL },
		{ "user overlap", { 0x800000, 0x1000, 0x10f000, 0 }, -EINVAL },
		{ "guest not aligned to the file", { 0x200800, 0x1000, 0x200000, 0 }, -EINVAL },
		{ "user not aligned to the file", { 0x200000, 0x1000, 0x200008, 0 }, -EINVAL },
	};

	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		for (unsigned first = 0; first < 2; first++) { /* the wrong one first, or second */
			struct vhost_user_region good = { 0x100000, 64 * KIB, 0x100000, 0 };
			struct vhost_user_region regions[2] = { first ? t[i].r : good, first ? good : t[i].r };
			int fds[2] = { file(first ? MIB : 64 * KIB), file(first ? 64 * KIB : MIB) };
			unsigned before = front_count_fds();
			struct vnicd_memory m;
			int rc;

			vnicd_memory_init(&m, false);
			rc = vnicd_memory_set(&m, regions, fds, 2);
			CU_ASSERT_EQUAL(rc, t[i].rc);
			if (rc != t[i].rc)
				printf("  %s: %d\n", t[i].name, rc);
			CU_ASSERT_EQUAL(m.n, rc == 0 ? 2 : 0);
			CU_ASSERT_EQUAL(front_count_fds(), before - 2);
			vnicd_memory_fini(&m);
		}
}

/* What could make us wait, or is no memory at all. */
static void add__files(void)
{
	struct vhost_user_region r = { 0x100000, 0x1000, 0x100000, 0 };
	struct vnicd_memory m;
	struct statfs fs;
	char disk[] = "./vnicd-test-XXXXXX";
	int pipes[2], fd, sealed = file(0x1000);

	vnicd_memory_init(&m, false);
	CU_ASSERT_EQUAL(vnicd_memory_add(&m, &r, -1), -EBADF);
	CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
	CU_ASSERT_EQUAL(vnicd_memory_add(&m, &r, pipes[0]), -EINVAL);
	close(pipes[1]);
	CU_ASSERT_EQUAL(vnicd_memory_add(&m, &r, open("/dev/zero", O_RDWR)), -EINVAL);
	CU_ASSERT_EQUAL(vnicd_memory_add(&m, &r, open("/proc/self/mem", O_RDWR)), -EINVAL);
	CU_ASSERT_EQUAL(vnicd_memory_add(&m, &r, open("/", O_RDONLY)), -EINVAL);
	fd = mkstemp(disk);
	CU_ASSERT_FATAL(fd >= 0);
	unlink(disk);
	CU_ASSERT(ftruncate(fd, 0x1000) == 0 && fstatfs(fd, &fs) == 0);
	CU_ASSERT_EQUAL(vnicd_memory_add(&m, &r, fd), fs.f_type == TMPFS_MAGIC ? 0 : -EINVAL);
	vnicd_memory_fini(&m);
	CU_ASSERT_EQUAL(fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE), -1); /* needs the flag; the next has it */
	close(sealed);
	sealed = memfd_create("vnicd-sealed", MFD_ALLOW_SEALING);
	CU_ASSERT(ftruncate(sealed, 0x1000) == 0 && fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE) == 0);
	CU_ASSERT_EQUAL(vnicd_memory_add(&m, &r, sealed), -EBADF);
	CU_ASSERT_EQUAL(m.n, 0);
	vnicd_memory_fini(&m);
}

static void add__as_many_as_fit(void)
{
	unsigned before = front_count_fds();
	struct vhost_user_region r = { 0, 0x1000, 0, 0 };
	struct vnicd_memory m;

	vnicd_memory_init(&m, false);
	for (unsigned i = 0; i <= VNICD_REGIONS; i++) {
		r.guest_addr = r.user_addr = 0x100000 * (uint64_t)(i + 1);
		CU_ASSERT_EQUAL(vnicd_memory_add(&m, &r, file(0x1000)), i < VNICD_REGIONS ? 0 : -ENOMEM);
	}
	CU_ASSERT_EQUAL(vnicd_memory_remove(&m, &r), -ENOENT);
	r.guest_addr = r.user_addr = 0x300000;
	CU_ASSERT_EQUAL(vnicd_memory_remove(&m, &r), 0);
	CU_ASSERT_PTR_NULL(vnicd_memory_guest(&m, 0x300000, 1));
	CU_ASSERT_PTR_NOT_NULL(vnicd_memory_guest(&m, 0x400000, 1));
	CU_ASSERT_PTR_NOT_NULL(vnicd_memory_guest(&m, 0x100000 * (uint64_t)VNICD_REGIONS, 1));
	CU_ASSERT_EQUAL(vnicd_memory_remove(&m, &r), -ENOENT);
	vnicd_memory_fini(&m);
	CU_ASSERT_EQUAL(front_count_fds(), before);
}

/* The same again is the same, and has to be removed as often; another file there is not. */
static void add__the_same_again(void)
{
	struct vhost_user_region r = { 0x100000, 0x1000, 0x100000, 0 }, moved = { 0x100000, 0x1000, 0x100000, 0x1000 };
	unsigned before = front_count_fds();
	int fd = file(0x2000);
	struct vnicd_memory m;

	vnicd_memory_init(&m, false);
	CU_ASSERT_EQUAL(vnicd_memory_add(&m, &r, dup(fd)), 0);
	CU_ASSERT_EQUAL(vnicd_memory_add(&m, &r, dup(fd)), 0);
	CU_ASSERT_EQUAL(vnicd_memory_add(&m, &r, file(0x2000)), -EINVAL);
	CU_ASSERT_EQUAL(vnicd_memory_add(&m, &moved, dup(fd)), -EINVAL);
	CU_ASSERT_EQUAL(m.n, 1);
	CU_ASSERT_EQUAL(vnicd_memory_remove(&m, &r), 0);
	CU_ASSERT_PTR_NOT_NULL(vnicd_memory_guest(&m, 0x100000, 0x1000));
	CU_ASSERT_EQUAL(vnicd_memory_remove(&m, &r), 0);
	CU_ASSERT_PTR_NULL(vnicd_memory_guest(&m, 0x100000, 0x1000));
	CU_ASSERT_EQUAL(vnicd_memory_remove(&m, &r), -ENOENT);
	vnicd_memory_fini(&m);
	close(fd);
	CU_ASSERT_EQUAL(front_count_fds(), before);
}

/* Both see the same octets, where the offset says. */
static void add__shares(void)
{
	struct vhost_user_region r = { 0x103000, 0x2000, 0x7003000, 0x3000 };
	int fd = file(0x5000), mine = dup(fd);
	uint8_t *p = mmap(NULL, 0x5000, PROT_READ | PROT_WRITE, MAP_SHARED, mine, 0), *q;
	struct vnicd_memory m;

	vnicd_memory_init(&m, false);
	CU_ASSERT_EQUAL_FATAL(vnicd_memory_add(&m, &r, fd), 0);
	p[0x3010] = 77;
	q = vnicd_memory_guest(&m, 0x103010, 16);
	CU_ASSERT(q != NULL && *q == 77 && q == vnicd_memory_user(&m, 0x7003010, 16));
	vnicd_memory_fini(&m);
	munmap(p, 0x5000);
	close(mine);
}

/* A file cut short: zeroes are read, nothing dies, and other memory is as it was. */
static void guard__file_cut_short(void)
{
	struct vhost_user_region r[2] = { { 0x100000, 0x4000, 0x100000, 0 }, { 0x200000, 0x4000, 0x200000, 0 } };
	int fds[2] = { file(0x4000), file(0x4000) }, mine = dup(fds[0]);
	struct vnicd_memory m, other;
	int fd = file(0x4000);
	volatile uint8_t *p, *q;

	CU_ASSERT_EQUAL(vnicd_memory_guard(), 0);
	CU_ASSERT_EQUAL(vnicd_memory_guard(), 0);
	vnicd_memory_init(&m, false);
	vnicd_memory_init(&other, false);
	CU_ASSERT_EQUAL_FATAL(vnicd_memory_set(&m, r, fds, 2), 0);
	CU_ASSERT_EQUAL_FATAL(vnicd_memory_set(&other, r, &fd, 1), 0);
	p = vnicd_memory_guest(&m, 0x100000, 0x4000);
	q = vnicd_memory_guest(&m, 0x200000, 0x4000);
	p[0x3000] = q[0x3000] = 5;
	CU_ASSERT_EQUAL(ftruncate(mine, 0x1000), 0);
	CU_ASSERT_FALSE(m.torn);
	CU_ASSERT_EQUAL(p[0x3000], 0);
	CU_ASSERT_TRUE(m.torn);
	CU_ASSERT_FALSE(other.torn);
	p[0x2000] = 9; /* may be written as well */
	CU_ASSERT_EQUAL(p[0x2000], 9);
	CU_ASSERT_EQUAL(q[0x3000], 5);
	vnicd_memory_fini(&m);
	CU_ASSERT_FALSE(m.torn);
	vnicd_memory_fini(&other);
	close(mine);
}

static void lookup__identity(void)
{
	struct vnicd_memory m;
	uint64_t len = 8;
	char c[8];

	vnicd_memory_init(&m, true);
	CU_ASSERT_PTR_EQUAL(vnicd_memory_guest(&m, (uintptr_t)c, 8), c);
	CU_ASSERT_PTR_EQUAL(vnicd_memory_user(&m, (uintptr_t)c, 8), c);
	CU_ASSERT_PTR_EQUAL(vnicd_memory_piece(&m, (uintptr_t)c, &len), c);
	CU_ASSERT_PTR_NULL(vnicd_memory_guest(&m, (uintptr_t)c, 0));
	CU_ASSERT_PTR_NULL(vnicd_memory_guest(&m, (uintptr_t)c, UINT64_MAX));
	vnicd_memory_fini(&m);
}

static const struct test_case cases[] = {
	TEST_CASE(set__translates_inside_of_regions_only),
	TEST_CASE(set__faults),
	TEST_CASE(add__files),
	TEST_CASE(add__as_many_as_fit),
	TEST_CASE(add__the_same_again),
	TEST_CASE(add__shares),
	TEST_CASE(guard__file_cut_short),
	TEST_CASE(lookup__identity),
};
TEST_MAIN("vnicd memory", cases)
