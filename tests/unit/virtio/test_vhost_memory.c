/* SPDX-License-Identifier: BSD-3-Clause */
/* The memory table: regions of files, arenas, EAL's memory, and more of them than fit. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pmd/base/arena.h"
#include "tests/unit/test.h"
#include "tests/unit/virtio/vhost_lab.h"

#define ARENA_LEN (64u << 10)

static struct vhost_lab lab;

/* ---- pieces ------------------------------------------------------------------------------- */

static const struct {
	int fd;
	uint64_t addr, len, offset;
	bool ok;
	unsigned n, files; /* afterwards */
	uint64_t first_len;
} adds[] = {
	{ 5, 0x100000, 0x1000, 0, true, 1, 1, 0x1000 },
	{ 5, 0x101000, 0x1000, 0x1000, true, 1, 1, 0x2000 },  /* goes on */
	{ 5, 0x108000, 0x1000, 0x8000, true, 1, 1, 0x9000 },  /* with a hole */
	{ 6, 0x109000, 0x1000, 0, true, 2, 2, 0x9000 },       /* beside it, another file */
	{ 5, 0x200000, 0x1000, 0x3000, false, 2, 2, 0x9000 }, /* the file elsewhere, too */
	{ 5, 0x101000, 0x1000, 0x1000, true, 2, 2, 0x9000 },  /* known */
};

static void memory__pieces_of_a_file_are_one_region(void)
{
	struct vnic_vhost_table t = { .n = 0 };

	for (unsigned i = 0; i < RTE_DIM(adds); i++) {
		CU_ASSERT_EQUAL(vnic_vhost_table_add(&t, adds[i].fd, adds[i].addr, adds[i].len, adds[i].offset), adds[i].ok);
		CU_ASSERT(t.n == adds[i].n && t.files == adds[i].files && t.region[0].len == adds[i].first_len);
	}
	/* Downwards as well. */
	memset(&t, 0, sizeof(t));
	CU_ASSERT_TRUE(vnic_vhost_table_add(&t, 5, 0x5000, 0x1000, 0x4000));
	CU_ASSERT_TRUE(vnic_vhost_table_add(&t, 5, 0x2000, 0x1000, 0x1000));
	CU_ASSERT(t.n == 1 && t.region[0].addr == 0x2000 && t.region[0].offset == 0x1000 && t.region[0].len == 0x4000);
	CU_ASSERT_TRUE(vnic_vhost_table_has(&t, 0x2000, 0x4000));
	CU_ASSERT_FALSE(vnic_vhost_table_has(&t, 0x2000, 0x4001));
	CU_ASSERT_FALSE(vnic_vhost_table_has(&t, 0x1fff, 1));
	CU_ASSERT_FALSE(vnic_vhost_table_has(&t, 0x3000, UINT64_MAX));
}

static void memory__more_files_than_fit_are_counted(void)
{
	struct vnic_vhost_table t = { .n = 0 };

	for (int i = 0; i < 100; i++)
		CU_ASSERT_TRUE(vnic_vhost_table_add(&t, 10 + i, (uint64_t)i << 20, 0x1000, 0));
	CU_ASSERT(t.n == VNIC_VHOST_REGIONS && t.files == 100);
}

/* EAL's memory of this process: one region that holds our rings. */
static void memory__of_eal(void)
{
	struct vhost_lab_opts o = { .server = false };
	const struct vhost_lab_message *m;
	const char *at;
	uint64_t va;

	vhost_lab_open(&lab, &o);
	CU_ASSERT_EQUAL(vhost_lab_start(&lab, &at), 0);
	va = (uintptr_t)lab.vq[0].ring.va;
	m = vhost_lab_got(&lab, VHOST_USER_SET_MEM_TABLE, 0);
	CU_ASSERT(m != NULL && m->p.memory.n == 1 && m->n_fds == 1 && m->size == 8 + 32);
	CU_ASSERT_EQUAL(m->p.memory.region[0].guest_addr, m->p.memory.region[0].user_addr);
	CU_ASSERT(va >= m->p.memory.region[0].user_addr &&
		  va + 8192 <= m->p.memory.region[0].user_addr + m->p.memory.region[0].size);
	/* Told once. */
	CU_ASSERT_EQUAL(lab.dev.ops->share_memory(&lab.dev), 0);
	CU_ASSERT_PTR_NULL(vhost_lab_got(&lab, VHOST_USER_SET_MEM_TABLE, 1));
	vhost_lab_close(&lab);
}

/* ---- arenas ------------------------------------------------------------------------------- */

static struct arena *arenas[16];

static void make_arenas(unsigned n)
{
	char name[32];

	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "vhost_memory_%u", i);
		if (arenas[i] == NULL)
			CU_ASSERT_EQUAL_FATAL(arena_create(&arenas[i], name, ARENA_LEN, -1, false), 0);
	}
}

static void drop_arena(unsigned i)
{
	if (arenas[i] != NULL)
		arena_destroy(arenas[i]);
	arenas[i] = NULL;
}

static void drop_arenas(void)
{
	for (unsigned i = 0; i < RTE_DIM(arenas); i++)
		drop_arena(i);
}

static void use_ring(struct vnic_vq *vq, unsigned arena)
{
	*vq = (struct vnic_vq){ .dev = &lab.dev, .index = 1, .size = 64, .driver_off = 2048, .device_off = 4096,
				.ring = { .va = arena_alloc(arenas[arena], 8192, 4096), .len = 8192 } };
	CU_ASSERT_PTR_NOT_NULL_FATAL(vq->ring.va);
}

/* Where there are arenas nothing else is shared. */
static void memory__of_arenas_alone(void)
{
	struct vhost_lab_opts o = { .server = false };
	const struct vhost_lab_message *m;
	struct arena_region r[3];
	struct vnic_vq vq;

	make_arenas(3);
	CU_ASSERT_EQUAL(arena_regions(r, 3), 3);
	vhost_lab_open(&lab, &o);
	CU_ASSERT_EQUAL(lab.dev.ops->open(&lab.dev, false), 0);
	CU_ASSERT_EQUAL(lab.dev.ops->share_memory(&lab.dev), 0);
	m = vhost_lab_got(&lab, VHOST_USER_SET_MEM_TABLE, 0);
	CU_ASSERT(m != NULL && m->p.memory.n == 3 && m->n_fds == 3);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(m->p.memory.region[i].user_addr, (uintptr_t)r[i].addr);
		CU_ASSERT_EQUAL(m->p.memory.region[i].size, r[i].len);
		CU_ASSERT_EQUAL(m->p.memory.region[i].mmap_offset, 0);
	}
	/* A ring in an arena that came later; then one that nobody shares. */
	make_arenas(4);
	lab.fds_before += 1;
	use_ring(&vq, 3);
	CU_ASSERT_EQUAL(lab.dev.ops->queue_setup(&lab.dev, &vq), 0);
	m = vhost_lab_got(&lab, VHOST_USER_SET_MEM_TABLE, 1);
	CU_ASSERT(m != NULL && m->p.memory.n == 4);
	static uint8_t elsewhere[8192];
	vq.ring.va = elsewhere;
	CU_ASSERT_EQUAL(lab.dev.ops->queue_setup(&lab.dev, &vq), -EFAULT);
	vhost_lab_close(&lab);
	drop_arenas();
}

static void memory__more_than_eight(void)
{
	struct vhost_lab_opts o = { .server = false };

	make_arenas(8);
	vhost_lab_open(&lab, &o);
	CU_ASSERT_EQUAL(lab.dev.ops->open(&lab.dev, false), 0);
	CU_ASSERT_EQUAL(lab.dev.ops->share_memory(&lab.dev), 0);
	make_arenas(9);
	lab.fds_before += 1;
	CU_ASSERT_EQUAL(lab.dev.ops->share_memory(&lab.dev), -ENOSPC);
	CU_ASSERT_EQUAL(lab.dev.ops->event(&lab.dev), 0); /* the back end was not asked */
	CU_ASSERT_PTR_NULL(vhost_lab_got(&lab, VHOST_USER_ADD_MEM_REG, 0));
	vhost_lab_close(&lab);
	drop_arenas();
}

static unsigned count(uint32_t request)
{
	unsigned n = 0;

	while (vhost_lab_got(&lab, request, n) != NULL)
		n++;
	return n;
}

/* More slots: one by one, and later only what is new, or gone. */
static void memory__slots(void)
{
	struct vhost_lab_opts o = { .slots = 12 };
	const struct vhost_lab_message *m;
	struct arena_region r[16];

	make_arenas(10);
	vhost_lab_open(&lab, &o);
	CU_ASSERT_EQUAL(lab.dev.ops->open(&lab.dev, false), 0);
	CU_ASSERT_EQUAL(lab.dev.ops->share_memory(&lab.dev), 0);
	CU_ASSERT(count(VHOST_USER_ADD_MEM_REG) == 10 && count(VHOST_USER_SET_MEM_TABLE) == 0);
	make_arenas(11);
	lab.fds_before += 3; /* in the end */
	CU_ASSERT_EQUAL(lab.dev.ops->share_memory(&lab.dev), 0);
	CU_ASSERT(count(VHOST_USER_ADD_MEM_REG) == 11 && count(VHOST_USER_REM_MEM_REG) == 0);
	CU_ASSERT_EQUAL(arena_regions(r, 16), 11);
	m = vhost_lab_got(&lab, VHOST_USER_ADD_MEM_REG, 10);
	CU_ASSERT(m->n_fds == 1 && m->p.mem_reg.region.user_addr == (uintptr_t)r[10].addr);
	drop_arena(2);
	CU_ASSERT_EQUAL(lab.dev.ops->share_memory(&lab.dev), 0);
	m = vhost_lab_got(&lab, VHOST_USER_REM_MEM_REG, 0);
	CU_ASSERT(m != NULL && m->n_fds == 0 && m->p.mem_reg.region.user_addr == (uintptr_t)r[2].addr);
	CU_ASSERT(count(VHOST_USER_ADD_MEM_REG) == 11);
	/* Another file with the same descriptor, perhaps at the same place. */
	make_arenas(11);
	CU_ASSERT_EQUAL(lab.dev.ops->share_memory(&lab.dev), 0);
	CU_ASSERT(count(VHOST_USER_ADD_MEM_REG) == 12);
	make_arenas(13);
	CU_ASSERT_EQUAL(lab.dev.ops->share_memory(&lab.dev), -ENOSPC);
	vhost_lab_close(&lab);
	drop_arenas();
}

static void memory__slot_refused(void)
{
	struct vhost_lab_opts o = { .slots = 12, .request = VHOST_USER_ADD_MEM_REG, .skip = 4, .deed = LAB_VALUE,
				    .value = 1 };

	make_arenas(10);
	vhost_lab_open(&lab, &o);
	CU_ASSERT_EQUAL(lab.dev.ops->open(&lab.dev, false), 0);
	CU_ASSERT_EQUAL(lab.dev.ops->share_memory(&lab.dev), -EREMOTEIO);
	vhost_lab_close(&lab);
	drop_arenas();
}

static const struct test_case cases[] = {
	TEST_CASE(memory__pieces_of_a_file_are_one_region),
	TEST_CASE(memory__more_files_than_fit_are_counted),
	TEST_CASE(memory__of_eal),
	TEST_CASE(memory__of_arenas_alone),
	TEST_CASE(memory__more_than_eight),
	TEST_CASE(memory__slots),
	TEST_CASE(memory__slot_refused),
};
TEST_MAIN("virtio_vhost_memory", cases)
