/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtqueues: layout, doorbell arithmetic, notifications, faults, the gate. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "pmd/virtio/dev.h"
#include "tests/unit/test.h"

static struct vnic_dev dev;
static struct vnic_vq vq;
static unsigned kicks;

static void count_kick(struct vnic_vq *q)
{
	CU_ASSERT_PTR_EQUAL(q, &vq);
	kicks++;
}

static void open_vq(uint16_t size, bool packed, bool event_idx)
{
	test_eal_init();
	memset(&dev, 0, sizeof(dev));
	memset(&vq, 0, sizeof(vq));
	dev.wake_fd = -1;
	dev.hdr_len = 12;
	dev.transport_flags = VNIC_TRANSPORT_VA;
	dev.packed = packed;
	if (event_idx)
		dev.negotiated.word[0] |= VIRTIO_BIT(VIRTIO_F_EVENT_IDX);
	CU_ASSERT_EQUAL_FATAL(vnic_mem_create(&dev.mem, &dev, 1u << 20, -1), 0);
	CU_ASSERT_EQUAL_FATAL(vnic_vq_create(&vq, &dev, 5, size, -1), 0);
	vq.notify = count_kick;
	kicks = 0;
}

static void close_vq(void)
{
	vnic_vq_destroy(&vq, false);
	vnic_vq_destroy(&vq, false); /* harmless */
	vnic_mem_destroy(dev.mem);
}

/* ---- memory ------------------------------------------------------------------------ */
static void vq_layout__apart(void)
{
	static const uint16_t sizes[] = { 1, 2, 256, 257, 32768 };

	for (unsigned i = 0; i < 2 * RTE_DIM(sizes); i++) {
		uint16_t n = sizes[i / 2];
		bool packed = i & 1;
		uint32_t driver = 0, device = 0;
		size_t len = vnic_vq_layout(n, packed, &driver, &device);

		CU_ASSERT(driver >= 16u * n);
		CU_ASSERT(device >= driver + (packed ? 4 : 6 + 2u * n));
		CU_ASSERT(len >= device + (packed ? 4 : 6 + 8u * n));
		CU_ASSERT_EQUAL((driver | device) % 64, 0);
		CU_ASSERT(len < 26u * n + 1024);
	}
}

static void vq_create__refuses(void)
{
	struct vnic_vq q = { .size = 77 };

	open_vq(256, false, false);
	CU_ASSERT_EQUAL(vnic_vq_create(&q, &dev, 0, 0, -1), -EINVAL);
	CU_ASSERT_EQUAL(vnic_vq_create(&q, &dev, 0, 257, -1), -EINVAL);
	CU_ASSERT_EQUAL(vnic_vq_create(&q, &dev, 0, 32769, -1), -EINVAL);
	dev.packed = true;
	CU_ASSERT_EQUAL(vnic_vq_create(&q, &dev, 0, 32769, -1), -EINVAL);
	CU_ASSERT_EQUAL(q.size, 77); /* unchanged */
	CU_ASSERT_EQUAL(vnic_vq_create(&q, &dev, 0, 257, -1), 0);
	vnic_vq_destroy(&q, false);
	close_vq();
}

static void vq_create__takes_features(void)
{
	open_vq(8, true, true);
	CU_ASSERT_EQUAL(vq.index, 5);
	CU_ASSERT(vq.event_idx && vq.is_packed && !vq.in_order && !vq.indirect && !vq.strong);
	CU_ASSERT_EQUAL(vq.addr_offset, offsetof(struct rte_mbuf, buf_addr));
	CU_ASSERT_EQUAL(vq.packed.driver->flags, VRING_EVENT_DISABLE);
	vnic_vq_destroy(&vq, false);
	dev.transport_flags = 0;
	dev.negotiated.word[0] = VIRTIO_BIT(VIRTIO_F_IN_ORDER) | VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) |
				 VIRTIO_BIT(VIRTIO_F_ORDER_PLATFORM);
	CU_ASSERT_EQUAL(vnic_vq_create(&vq, &dev, 5, 8, -1), 0);
	CU_ASSERT(!vq.event_idx && vq.in_order && vq.indirect && vq.strong);
	CU_ASSERT_EQUAL(vq.addr_offset, offsetof(struct rte_mbuf, buf_iova));
	close_vq();
}

static void vq_destroy__quarantines(void)
{
	open_vq(8, false, false);
	vnic_vq_destroy(&vq, true);
	CU_ASSERT(vnic_mem_quarantined(dev.mem) > 0);
	vnic_mem_release(dev.mem);
	close_vq();
}

static void vq_rewind__empties(void)
{
	open_vq(8, false, false);
	vq.avail = vq.used = 99;
	vq.avail_wrap = vq.used_wrap = false;
	vq.free_count = 1;
	vq.split.used->idx = 100;
	vnic_vq_fault(&vq, VNIC_FAULT_USED_ID);
	vnic_vq_rewind(&vq);
	CU_ASSERT_EQUAL(vq.free_count, 8);
	CU_ASSERT_EQUAL(vq.fault, VNIC_FAULT_NONE);
	CU_ASSERT(vq.avail_wrap && vq.used_wrap);
	CU_ASSERT_FALSE(vnic_vq_has_used(&vq));
	CU_ASSERT_EQUAL(vq.split.avail->flags, VRING_AVAIL_F_NO_INTERRUPT);
	/* All slots are in the list, once. */
	for (unsigned i = 0, at = vq.free_head, seen = 0; i < 8; i++, at = vq.slot[at].next) {
		CU_ASSERT_EQUAL(seen & (1u << at), 0);
		seen |= 1u << at;
	}
	close_vq();
}

/* ---- doorbells ----------------------------------------------------------------------- */
/* The device asked at event; we go from old to now. */
static void vq_kick__split_event(void)
{
	static const struct {
		uint16_t event, old, now;
		bool rings;
	} t[] = {
		{ 0, 0, 1, true }, { 1, 0, 1, false }, { 1, 0, 2, true }, { 31, 0, 32, true }, { 32, 0, 32, false },
		{ 9, 10, 20, false }, { 10, 10, 20, true }, { 19, 10, 20, true }, { 20, 10, 20, false },
		{ 65535, 65530, 2, true }, { 1, 65530, 2, true }, { 2, 65530, 2, false }, { 65529, 65530, 2, false },
	};

	open_vq(256, false, true);
	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		kicks = 0;
		*vring_avail_event(vq.split.used, 256) = t[i].event;
		vq.split.used->flags = VRING_USED_F_NO_NOTIFY; /* means nothing with EVENT_IDX */
		vq.avail = t[i].now;
		vq.added = (uint16_t)(t[i].now - t[i].old);
		vnic_vq_kick(&vq);
		CU_ASSERT_EQUAL(kicks, t[i].rings);
		CU_ASSERT_EQUAL(vq.added, 0);
		CU_ASSERT_EQUAL(vq.doorbells + vq.suppressed, i + 1);
	}
	close_vq();
}

static void vq_kick__split_flags(void)
{
	open_vq(256, false, false);
	vq.avail = vq.added = 1;
	*vring_avail_event(vq.split.used, 256) = 500; /* means nothing without */
	vnic_vq_kick(&vq);
	CU_ASSERT_EQUAL(kicks, 1);
	vq.split.used->flags = VRING_USED_F_NO_NOTIFY;
	vnic_vq_kick(&vq);
	CU_ASSERT_EQUAL(kicks, 1);
	CU_ASSERT_EQUAL(vq.doorbells, 1);
	CU_ASSERT_EQUAL(vq.suppressed, 1);
	close_vq();
}

#define AT(off, wrap) (uint16_t)((off) | (wrap) << 15)

static void vq_kick__packed(void)
{
	static const struct {
		bool event_idx;
		uint16_t flags, off_wrap, now;
		bool wrap;
		uint16_t added;
		bool rings;
	} t[] = {
		{ false, VRING_EVENT_ENABLE, 0, 5, true, 1, true },
		{ false, VRING_EVENT_DISABLE, 0, 5, true, 1, false },
		{ false, VRING_EVENT_DESC, AT(200, 1), 5, true, 1, true }, /* not negotiated: as enabled */
		{ true, 3, AT(200, 1), 5, true, 1, true },                 /* reserved: as enabled */
		{ true, VRING_EVENT_ENABLE, AT(200, 1), 5, true, 1, true },
		{ true, VRING_EVENT_DISABLE, AT(4, 1), 5, true, 1, false },
		{ true, VRING_EVENT_DESC | 0xfffc, AT(4, 1), 5, true, 1, true },
		{ true, VRING_EVENT_DESC, AT(4, 1), 5, true, 1, true },
		{ true, VRING_EVENT_DESC, AT(5, 1), 5, true, 1, false },
		{ true, VRING_EVENT_DESC, AT(3, 1), 5, true, 1, false },
		{ true, VRING_EVENT_DESC, AT(3, 1), 5, true, 2, true },
		/* from 250 of the lap before to 3 */
		{ true, VRING_EVENT_DESC, AT(250, 1), 3, false, 10, true },
		{ true, VRING_EVENT_DESC, AT(249, 1), 3, false, 10, false },
		{ true, VRING_EVENT_DESC, AT(256, 1), 3, false, 10, true },
		{ true, VRING_EVENT_DESC, AT(0, 0), 3, false, 10, true },
		{ true, VRING_EVENT_DESC, AT(2, 0), 3, false, 10, true },
		{ true, VRING_EVENT_DESC, AT(3, 0), 3, false, 10, false },
		{ true, VRING_EVENT_DESC, AT(2, 1), 3, false, 10, false },
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		open_vq(257, true, t[i].event_idx);
		vq.packed.device->flags = t[i].flags;
		vq.packed.device->off_wrap = t[i].off_wrap;
		vq.avail = t[i].now;
		vq.avail_wrap = t[i].wrap;
		vq.added = t[i].added;
		vnic_vq_kick(&vq);
		CU_ASSERT_EQUAL(kicks, t[i].rings);
		close_vq();
	}
}

/* ---- notifications ---------------------------------------------------------------------- */
static void vq_intr__split(void)
{
	open_vq(8, false, false);
	CU_ASSERT_FALSE(vnic_vq_intr_enable(&vq));
	CU_ASSERT(vq.intr);
	CU_ASSERT_EQUAL(vq.split.avail->flags, 0);
	vnic_vq_intr_disable(&vq);
	CU_ASSERT_EQUAL(vq.split.avail->flags, VRING_AVAIL_F_NO_INTERRUPT);
	vq.split.used->idx = 3;
	CU_ASSERT(vnic_vq_intr_enable(&vq)); /* came in between */
	CU_ASSERT_EQUAL(vnic_vq_count_used(&vq), 3);
	vq.split.used->idx = 9; /* cannot be: at most a ring */
	CU_ASSERT_EQUAL(vnic_vq_count_used(&vq), 8);
	close_vq();
}

static void vq_intr__split_event(void)
{
	open_vq(8, false, true);
	vq.used = 65535;
	vq.split.used->idx = 65535;
	CU_ASSERT_FALSE(vnic_vq_intr_enable(&vq));
	CU_ASSERT_EQUAL(*vring_used_event(vq.split.avail, 8), 65535);
	CU_ASSERT_EQUAL(vq.split.avail->flags, 0);
	vnic_vq_intr_disable(&vq);
	/* Any step the device takes from here leaves it behind. */
	CU_ASSERT_FALSE(vring_need_event(*vring_used_event(vq.split.avail, 8), 7, 65535));
	CU_ASSERT_EQUAL(vq.split.avail->flags, 0);
	close_vq();
}

static void vq_intr__packed(void)
{
	for (unsigned event = 0; event < 2; event++) {
		open_vq(5, true, event);
		vq.used = 4;
		CU_ASSERT_FALSE(vnic_vq_intr_enable(&vq));
		CU_ASSERT_EQUAL(vq.packed.driver->flags, event ? VRING_EVENT_DESC : VRING_EVENT_ENABLE);
		CU_ASSERT_EQUAL(vq.packed.driver->off_wrap, event ? AT(4, 1) : 0);
		vnic_vq_intr_disable(&vq);
		CU_ASSERT_EQUAL(vq.packed.driver->flags, VRING_EVENT_DISABLE);
		vq.packed.desc[4].flags = vring_packed_used_flags(true);
		CU_ASSERT(vnic_vq_intr_enable(&vq));
		close_vq();
	}
}

/* Chains are counted as one, over the end of the ring, and whatever ids the device writes. */
static void vq_count_used__packed(void)
{
	open_vq(5, true, false);
	for (unsigned i = 0; i < 5; i++)
		vq.packed.desc[i].flags = vring_packed_avail_flags(i >= 3);
	vq.used = 3;
	CU_ASSERT_EQUAL(vnic_vq_count_used(&vq), 0);
	vq.slot[1].count = 3; /* 3, 4, 0 */
	vq.packed.desc[3] = (struct vring_packed_desc){ .id = 1, .flags = vring_packed_used_flags(true) };
	CU_ASSERT_EQUAL(vnic_vq_count_used(&vq), 1);
	vq.packed.desc[1] = (struct vring_packed_desc){ .id = 0xffff, .flags = vring_packed_used_flags(false) };
	CU_ASSERT_EQUAL(vnic_vq_count_used(&vq), 2);
	/* Used flags everywhere: a ring full, then it ends. */
	for (unsigned i = 0; i < 5; i++)
		vq.packed.desc[i] = (struct vring_packed_desc){ .id = 7, .flags = vring_packed_used_flags(i >= 3) };
	CU_ASSERT_EQUAL(vnic_vq_count_used(&vq), 5);
	close_vq();
}

/* ---- faults --------------------------------------------------------------------------------- */
static void vq_fault__stops_once(void)
{
	uint64_t woken = 0;

	open_vq(8, false, false);
	dev.wake_fd = eventfd(0, EFD_NONBLOCK);
	CU_ASSERT(vnic_vq_enter(&vq));
	vnic_vq_fault(&vq, VNIC_FAULT_USED_IDLE);
	vnic_vq_fault(&vq, VNIC_FAULT_USED_ID); /* the first one counts */
	vnic_vq_leave(&vq);
	CU_ASSERT_FALSE(vnic_vq_enter(&vq));
	CU_ASSERT_EQUAL(vq.fault, VNIC_FAULT_USED_IDLE);
	CU_ASSERT_EQUAL(dev.faults[VNIC_FAULT_USED_IDLE], 1);
	CU_ASSERT_EQUAL(dev.faults[VNIC_FAULT_USED_ID], 0);
	CU_ASSERT(dev.fault_seen);
	CU_ASSERT_EQUAL(read(dev.wake_fd, &woken, sizeof(woken)), sizeof(woken));
	CU_ASSERT_EQUAL(woken, 1);
	vnic_vq_open(&vq); /* does not cure it */
	CU_ASSERT_FALSE(vnic_vq_enter(&vq));
	vnic_vq_rewind(&vq);
	vnic_vq_open(&vq);
	CU_ASSERT(vnic_vq_enter(&vq));
	vnic_vq_leave(&vq);
	close(dev.wake_fd);
	close_vq();
}

/* ---- the gate ---------------------------------------------------------------------------------- */
/* A lcore that goes in and out; what is inside belongs to it alone. */
static struct {
	volatile bool stop, owned;
	volatile unsigned bursts, trespasses;
} lcore;

static void *poll_queue(void *arg)
{
	while (!lcore.stop) {
		if (!vnic_vq_enter(&vq))
			continue;
		lcore.trespasses += lcore.owned;
		lcore.bursts++;
		lcore.trespasses += lcore.owned;
		vnic_vq_leave(&vq);
	}
	return arg;
}

/* Close and open while another thread polls; what it saw that it must not see, or could not do. */
static unsigned contend(void)
{
	uint64_t start = test_now_ms();
	unsigned before, rounds = 0, wrong = 0;
	pthread_t t;

	memset(&lcore, 0, sizeof(lcore));
	if (pthread_create(&t, NULL, poll_queue, NULL) != 0)
		return 1;
	do {
		before = lcore.bursts;
		wrong += vnic_vq_close(&vq, TEST_PATIENCE_MS) != 0;
		lcore.owned = true;
		usleep(20);
		lcore.owned = false;
		vnic_vq_open(&vq);
		for (unsigned i = 0; i < 1000 && lcore.bursts == before; i++)
			usleep(10);
		/* The other thread may have no CPU just now; it polls on some time. */
		wrong += !TEST_SOON(lcore.bursts != before);
		rounds++;
	} while (rounds < 500 && wrong == 0 && test_now_ms() - start < 2000);
	lcore.stop = true;
	pthread_join(t, NULL);
	return wrong + lcore.trespasses;
}

static void vq_close__keeps_out(void)
{
	open_vq(8, false, false);
	CU_ASSERT_EQUAL(contend(), 0);
	close_vq();
}

/* From here on this process has no membarrier(2), as in a container that forbids it. */
static bool forbid_membarrier(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = RTE_DIM(code), .filter = code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) == 0 &&
	       syscall(__NR_membarrier, 0, 0, 0) == -1 && errno == ENOSYS;
}

static void vq_close__without_membarrier(void)
{
	int status = -1;
	pid_t child;

	open_vq(8, false, false);
	child = fork();
	if (child == 0)
		_exit(!forbid_membarrier() ? 2 : contend() != 0);
	CU_ASSERT_FATAL(child > 0);
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT(WIFEXITED(status));
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
	close_vq();
}

/* Somebody who stays inside: told after the time given, not waited for; closed all the same. */
static void vq_close__times_out(void)
{
	open_vq(8, false, false);
	CU_ASSERT(vnic_vq_enter(&vq));
	CU_ASSERT_EQUAL(vnic_vq_close(&vq, 5), -ETIMEDOUT);
	vnic_vq_leave(&vq);
	CU_ASSERT_FALSE(vnic_vq_enter(&vq));
	CU_ASSERT_EQUAL(vnic_vq_close(&vq, 5), 0);
	vnic_vq_open(&vq);
	CU_ASSERT(vnic_vq_enter(&vq));
	vnic_vq_leave(&vq);
	close_vq();
}

static const struct test_case cases[] = {
	TEST_CASE(vq_layout__apart),
	TEST_CASE(vq_create__refuses),
	TEST_CASE(vq_create__takes_features),
	TEST_CASE(vq_destroy__quarantines),
	TEST_CASE(vq_rewind__empties),
	TEST_CASE(vq_kick__split_event),
	TEST_CASE(vq_kick__split_flags),
	TEST_CASE(vq_kick__packed),
	TEST_CASE(vq_intr__split),
	TEST_CASE(vq_intr__split_event),
	TEST_CASE(vq_intr__packed),
	TEST_CASE(vq_count_used__packed),
	TEST_CASE(vq_fault__stops_once),
	TEST_CASE(vq_close__keeps_out),
	TEST_CASE(vq_close__without_membarrier),
	TEST_CASE(vq_close__times_out),
};

TEST_MAIN("virtio_vq", cases)
