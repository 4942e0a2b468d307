/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/virtio/vq.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include <rte_malloc.h>
#include <rte_pause.h>

#include "pmd/base/asan.h"
#include "pmd/base/clock.h"
#include "pmd/virtio/dev.h"

/* ---- memory ---------------------------------------------------------------------- */

/* Two lines: the adjacent-line prefetcher joins pairs of them, and what the device
 * writes must not be near what it reads. */
#define AREA_ALIGN ((size_t)2 * RTE_CACHE_LINE_SIZE)

size_t vnic_vq_layout(uint16_t size, bool packed, uint32_t *driver_off, uint32_t *device_off)
{
	size_t driver_len = packed ? sizeof(struct vring_packed_event) : vring_avail_len(size);
	size_t device_len = packed ? sizeof(struct vring_packed_event) : vring_used_len(size);
	size_t at = RTE_ALIGN_CEIL(vring_desc_len(size), AREA_ALIGN);

	*driver_off = (uint32_t)at;
	at = RTE_ALIGN_CEIL(at + driver_len, AREA_ALIGN);
	*device_off = (uint32_t)at;
	return RTE_ALIGN_CEIL(at + device_len, AREA_ALIGN);
}

/* The sanitizer knows malloc's bounds, not EAL's. */
static struct vnic_slot *slots_alloc(uint16_t size, int node)
{
	if (BASE_ASAN)
		return calloc(size, sizeof(struct vnic_slot));
	return rte_calloc_socket("vnic_slot", size, sizeof(struct vnic_slot), RTE_CACHE_LINE_SIZE, node);
}

static void slots_free(struct vnic_slot *slot)
{
	if (BASE_ASAN)
		free(slot);
	else
		rte_free(slot);
}

static void no_doorbell(struct vnic_vq *vq)
{
	(void)vq;
}

static void take_features(struct vnic_vq *vq, struct vnic_dev *dev)
{
	vq->dev = dev;
	vq->hdr_len = (uint8_t)dev->hdr_len;
	vq->is_packed = dev->packed;
	vq->event_idx = vnic_has(dev, VIRTIO_F_EVENT_IDX);
	vq->in_order = vnic_has(dev, VIRTIO_F_IN_ORDER);
	vq->indirect = vnic_has(dev, VIRTIO_F_INDIRECT_DESC);
	vq->strong = vnic_has(dev, VIRTIO_F_ORDER_PLATFORM);
	vq->addr_offset = (dev->transport_flags & VNIC_TRANSPORT_VA) != 0 ?
		offsetof(struct rte_mbuf, buf_addr) : offsetof(struct rte_mbuf, buf_iova);
}

static void place_areas(struct vnic_vq *vq)
{
	uint8_t *base = vq->ring.va;

	if (vq->is_packed) {
		vq->packed.desc = (void *)base;
		vq->packed.driver = (void *)(base + vq->driver_off);
		vq->packed.device = (void *)(base + vq->device_off);
	} else {
		vq->split.desc = (void *)base;
		vq->split.avail = (void *)(base + vq->driver_off);
		vq->split.used = (void *)(base + vq->device_off);
	}
}

int vnic_vq_create(struct vnic_vq *vq, struct vnic_dev *dev, uint16_t index, uint16_t size, int node)
{
	uint32_t driver_off, device_off;
	struct vnic_chunk ring;
	struct vnic_slot *slot;
	int rc;

	if (size == 0 || size > VRING_SIZE_MAX || (!dev->packed && (size & (size - 1)) != 0))
		return -EINVAL;
	slot = slots_alloc(size, node);
	if (slot == NULL)
		return -ENOMEM;
	rc = vnic_mem_alloc(dev->mem, vnic_vq_layout(size, dev->packed, &driver_off, &device_off), 4096, &ring);
	if (rc != 0) {
		slots_free(slot);
		return rc;
	}
	take_features(vq, dev);
	vq->index = index;
	vq->size = size;
	vq->slot = slot;
	vq->ring = ring;
	vq->driver_off = driver_off;
	vq->device_off = device_off;
	vq->notify = no_doorbell;
	vq->notify_data = 0;
	vq->kick_fd = -1;
	vq->call_fd = -1;
	vq->live = false;
	vq->doorbells = 0;
	vq->suppressed = 0;
	place_areas(vq);
	vnic_vq_rewind(vq);
	return 0;
}

void vnic_vq_rewind(struct vnic_vq *vq)
{
	memset(vq->ring.va, 0, vq->ring.len);
	memset(vq->slot, 0, vq->size * sizeof(vq->slot[0]));
	for (uint32_t i = 0; i < vq->size; i++)
		vq->slot[i].next = (uint16_t)(i + 1 == vq->size ? 0 : i + 1);
	vq->avail = 0;
	vq->used = 0;
	vq->avail_wrap = true;
	vq->used_wrap = true;
	vq->free_count = vq->size;
	vq->free_head = 0;
	vq->free_tail = (uint16_t)(vq->size - 1);
	vq->added = 0;
	vq->fault = VNIC_FAULT_NONE;
	vnic_vq_intr_disable(vq);
}

void vnic_vq_adopt(struct vnic_vq *vq, struct vnic_vq *from)
{
	vq->slot = from->slot;
	vq->ring = from->ring;
	vq->size = from->size;
	vq->driver_off = from->driver_off;
	vq->device_off = from->device_off;
	vq->notify = no_doorbell;
	vq->notify_data = 0;
	vq->live = false;
	vq->reserve = 0;
	place_areas(vq);
	vnic_vq_rewind(vq);
	memset(from, 0, sizeof(*from));
}

void vnic_vq_destroy(struct vnic_vq *vq, bool quarantine)
{
	if (vq->ring.len == 0)
		return;
	if (quarantine)
		vnic_mem_quarantine(vq->dev->mem, &vq->ring);
	else
		vnic_mem_free(vq->dev->mem, &vq->ring);
	slots_free(vq->slot);
	vq->slot = NULL;
	vq->size = 0;
	vq->live = false;
	memset(&vq->split, 0, sizeof(vq->split));
	memset(&vq->packed, 0, sizeof(vq->packed));
}

/* ---- the gate --------------------------------------------------------------------- */

static int membarrier(int cmd)
{
	return (int)syscall(__NR_membarrier, cmd, 0, 0);
}

/* Changing a page's protection interrupts every CPU that runs this process,
 * and an interrupted CPU has its stores done. */
static void barrier_by_mprotect(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static volatile char *page;

	pthread_mutex_lock(&lock);
	if (page == NULL) {
		void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		page = p == MAP_FAILED ? NULL : p;
	}
	if (page != NULL) {
		mprotect((void *)(uintptr_t)page, 4096, PROT_READ | PROT_WRITE);
		*page = 1; /* the page is there, and writable in a TLB */
		mprotect((void *)(uintptr_t)page, 4096, PROT_READ);
	}
	pthread_mutex_unlock(&lock);
}

/* A full barrier on every CPU that runs a thread of this process. */
static void barrier_everywhere(void)
{
	if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0)
		return;
	/* EPERM: not registered yet; a registration does not outlive fork(2). */
	if (errno == EPERM && membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0 &&
	    membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0)
		return;
	barrier_by_mprotect();
}

static bool someone_inside(const struct vnic_vq *vq)
{
	return __atomic_load_n(&vq->inside, __ATOMIC_ACQUIRE) != 0;
}

int vnic_vq_close(struct vnic_vq *vq, unsigned ms)
{
	uint64_t deadline;

	vq->closed = VNIC_GATE_CLOSED;
	barrier_everywhere();
	/* A burst takes microseconds, unless its thread is off the CPU. */
	for (unsigned i = 0; i < 1000 && someone_inside(vq); i++)
		rte_pause();
	deadline = clock_now_ns() + (uint64_t)ms * 1000000;
	while (someone_inside(vq)) {
		if (clock_now_ns() >= deadline)
			return -ETIMEDOUT;
		usleep(50);
	}
	return 0;
}

void vnic_vq_open(struct vnic_vq *vq)
{
	if (vq->fault != VNIC_FAULT_NONE)
		return;
	/* The lcore that sees it open sees the queue as we leave it. */
	__atomic_store_n(&vq->closed, vq->aside ? VNIC_GATE_KEPT : VNIC_GATE_OPEN, __ATOMIC_RELEASE);
}

void vnic_vq_fault(struct vnic_vq *vq, enum vnic_fault fault)
{
	struct vnic_dev *d = vq->dev;
	const uint64_t one = 1;

	if (vq->fault != VNIC_FAULT_NONE)
		return;
	vq->fault = (uint8_t)fault;
	vq->closed = VNIC_GATE_CLOSED;
	/* Queues of several lcores may break at once. */
	__atomic_fetch_add(&d->faults[fault], 1, __ATOMIC_RELAXED);
	d->fault_seen = true;
	if (d->wake_fd >= 0 && write(d->wake_fd, &one, sizeof(one)) != sizeof(one))
		return; /* the counter is full: it is awake already */
}

/* ---- doorbells --------------------------------------------------------------------- */

static inline void full_barrier(const struct vnic_vq *vq)
{
	if (unlikely(vq->strong))
		rte_mb();
	else
		rte_smp_mb();
}

static inline uint16_t load16(const volatile uint16_t *p)
{
	return rte_le_to_cpu_16(*p);
}

static bool split_wants_doorbell(const struct vnic_vq *vq, uint16_t added)
{
	if (vq->event_idx)
		return vring_need_event(load16(vring_avail_event(vq->split.used, vq->size)), vq->avail,
					(uint16_t)(vq->avail - added));
	return (load16(&vq->split.used->flags) & VRING_USED_F_NO_NOTIFY) == 0;
}

static bool packed_wants_doorbell(const struct vnic_vq *vq, uint16_t added)
{
	/* Both halves at once: the device changes them one after the other. */
	uint32_t raw = *(const volatile uint32_t *)vq->packed.device;
	struct vring_packed_event event;
	uint16_t flags;

	memcpy(&event, &raw, sizeof(event));
	flags = rte_le_to_cpu_16(event.flags) & 3;
	if (flags == VRING_EVENT_DISABLE)
		return false;
	if (flags != VRING_EVENT_DESC || !vq->event_idx)
		return true;
	return vring_packed_need_event(rte_le_to_cpu_16(event.off_wrap), vq->avail, vq->avail_wrap, added,
				       vq->size);
}

void vnic_vq_kick(struct vnic_vq *vq)
{
	uint16_t added = vq->added;

	vq->added = 0;
	/* What we published is seen before we see whether the device sleeps. */
	full_barrier(vq);
	if (vq->is_packed ? packed_wants_doorbell(vq, added) : split_wants_doorbell(vq, added)) {
		vq->doorbells++;
		vq->notify(vq);
	} else {
		vq->suppressed++;
	}
}

/* ---- notifications of ours ------------------------------------------------------------ */

/* 2.7.7.1: flags stay 0 with EVENT_IDX. */
static void split_ask(struct vnic_vq *vq, bool want)
{
	if (vq->event_idx)
		*(volatile uint16_t *)vring_used_event(vq->split.avail, vq->size) =
			rte_cpu_to_le_16(want ? vq->used : (uint16_t)(vq->used - 1));
	else
		*(volatile uint16_t *)&vq->split.avail->flags =
			rte_cpu_to_le_16(want ? 0 : VRING_AVAIL_F_NO_INTERRUPT);
}

static void packed_ask(struct vnic_vq *vq, bool want)
{
	volatile struct vring_packed_event *e = vq->packed.driver;

	if (!want) {
		e->flags = rte_cpu_to_le_16(VRING_EVENT_DISABLE);
		return;
	}
	if (vq->event_idx) {
		e->off_wrap = rte_cpu_to_le_16((uint16_t)(vq->used | vq->used_wrap << 15));
		rte_smp_wmb(); /* never the new flags with the old offset */
	}
	e->flags = rte_cpu_to_le_16(vq->event_idx ? VRING_EVENT_DESC : VRING_EVENT_ENABLE);
}

static void ask(struct vnic_vq *vq, bool want)
{
	vq->intr = want;
	if (vq->is_packed)
		packed_ask(vq, want);
	else
		split_ask(vq, want);
}

bool vnic_vq_intr_enable(struct vnic_vq *vq)
{
	ask(vq, true);
	/* Either the device sees the wish, or we see what it has done before. */
	full_barrier(vq);
	return vnic_vq_has_used(vq);
}

void vnic_vq_intr_disable(struct vnic_vq *vq)
{
	ask(vq, false);
}

bool vnic_vq_has_used(const struct vnic_vq *vq)
{
	if (vq->is_packed)
		return vring_packed_is_used(load16(&vq->packed.desc[vq->used].flags), vq->used_wrap);
	return load16(&vq->split.used->idx) != vq->used;
}

/* Descriptors that a used entry stands for; an id that cannot be is one. */
static uint16_t used_count(const struct vnic_vq *vq, uint16_t id)
{
	return id < vq->size && vq->slot[id].count > 0 ? vq->slot[id].count : 1;
}

uint16_t vnic_vq_count_used(const struct vnic_vq *vq)
{
	uint32_t at = vq->used, walked = 0;
	bool wrap = vq->used_wrap;
	uint16_t n = 0;

	if (!vq->is_packed)
		return RTE_MIN((uint16_t)(load16(&vq->split.used->idx) - vq->used), vq->size);
	while (walked < vq->size && vring_packed_is_used(load16(&vq->packed.desc[at].flags), wrap)) {
		uint16_t step = used_count(vq, load16(&vq->packed.desc[at].id));

		walked += step;
		at += step;
		if (at >= vq->size) {
			at -= vq->size;
			wrap = !wrap;
		}
		if (at >= vq->size)
			break; /* counts of ours are at most size */
		n++;
	}
	return n;
}
