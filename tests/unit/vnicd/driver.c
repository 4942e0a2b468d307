/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/vnicd/driver.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_atomic.h>

#include "tests/unit/test.h"

static int conf_of(struct drv *d, struct vnicd_ring_conf *conf, uint32_t base)
{
	*conf = (struct vnicd_ring_conf){ .size = d->size, .packed = d->packed, .in_order = d->in_order,
					  .event_idx = d->event_idx, .indirect = true, .base = (uint16_t)base,
					  .used_base = (uint16_t)(base >> 16), .inflight = d->inflight,
					  .inflight_recover = d->recover };
	return vnicd_ring_map(conf, &d->memory, DRV_USER + DRV_DESC, DRV_USER + DRV_DRIVER, DRV_USER + DRV_DEVICE);
}

int drv_restart_device(struct drv *d, uint32_t base)
{
	struct vnicd_ring_conf conf;
	int rc = conf_of(d, &conf, base);

	return rc < 0 ? rc : vnicd_ring_start(&d->ring, &conf, &d->memory);
}

void drv_init_at(struct drv *d, uint16_t size, bool packed, bool in_order, bool event_idx, uint16_t base)
{
	struct vhost_user_region region = { DRV_GUEST, DRV_LEN, DRV_USER, 0 };
	int fd = memfd_create("vnicd-driver", MFD_CLOEXEC);

	memset(d, 0, sizeof(*d));
	CU_ASSERT_FATAL(fd >= 0 && ftruncate(fd, DRV_LEN) == 0);
	d->mem = mmap(NULL, DRV_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CU_ASSERT_FATAL(d->mem != MAP_FAILED);
	d->fd = dup(fd);
	vnicd_memory_init(&d->memory, false);
	CU_ASSERT_EQUAL_FATAL(vnicd_memory_set(&d->memory, &region, &fd, 1), 0);
	d->size = size;
	d->packed = packed;
	d->in_order = in_order;
	d->event_idx = event_idx;
	d->free = size;
	d->n_ids = size;
	d->avail_wrap = d->used_wrap = true;
	for (unsigned i = 0; i < size; i++)
		d->ids[i] = (uint16_t)(size - 1 - i);
	if (!packed) {
		d->avail = d->used = d->kicked = base;
		drv_avail(d)->idx = base;
		drv_used(d)->idx = base;
	}
	CU_ASSERT_EQUAL_FATAL(drv_restart_device(d, packed ? 0x80008000 : base), 0);
}

void drv_init(struct drv *d, uint16_t size, bool packed, bool in_order, bool event_idx)
{
	drv_init_at(d, size, packed, in_order, event_idx, 0);
}

void drv_fini(struct drv *d)
{
	vnicd_ring_stop(&d->ring);
	vnicd_memory_fini(&d->memory);
	munmap(d->mem, DRV_LEN);
	close(d->fd);
}

static uint16_t take_id(struct drv *d)
{
	uint16_t id;

	if (!d->in_order)
		return d->ids[--d->n_ids];
	id = d->next_desc;
	d->next_desc = (uint16_t)(id + 1 == d->size ? 0 : id + 1);
	return id;
}

static uint64_t table_of(uint16_t id)
{
	return DRV_TABLES + 256 * (uint64_t)id;
}

static int post_split(struct drv *d, const struct drv_buf *buf, unsigned n, bool indirect)
{
	unsigned slots = indirect ? 1 : n;
	uint16_t head = take_id(d), at = head;

	for (unsigned i = 0; i < n; i++) {
		struct vring_desc *e = &drv_desc(d)[at];

		if (indirect)
			e = (struct vring_desc *)drv_at(d, table_of(head)) + i;
		e->addr = buf[i].addr;
		e->len = buf[i].len;
		e->flags = (uint16_t)((buf[i].write ? VRING_DESC_F_WRITE : 0) | (i + 1 < n ? VRING_DESC_F_NEXT : 0));
		if (i + 1 < n)
			e->next = indirect ? (uint16_t)(i + 1) : (at = take_id(d));
	}
	if (indirect)
		drv_desc(d)[head] = (struct vring_desc){ DRV_GUEST + table_of(head), 16 * n,
							 VRING_DESC_F_INDIRECT, 0 };
	d->slots[head] = (uint16_t)slots;
	drv_avail(d)->ring[d->avail & (d->size - 1)] = head;
	d->avail++;
	__atomic_store_n(&drv_avail(d)->idx, d->avail, __ATOMIC_RELEASE);
	return head;
}

static void step(const struct drv *d, uint16_t *at, bool *wrap, unsigned n)
{
	unsigned next = *at + n;

	*wrap ^= next >= d->size;
	*at = (uint16_t)(next >= d->size ? next - d->size : next);
}

static int post_packed(struct drv *d, const struct drv_buf *buf, unsigned n, bool indirect)
{
	uint16_t id = d->in_order ? d->avail : take_id(d), head = d->avail, head_flags = 0;
	unsigned slots = indirect ? 1 : n;

	for (unsigned i = 0; i < slots; i++) {
		struct vring_packed_desc *e = &drv_packed_desc(d)[d->avail];
		uint16_t flags = vring_packed_avail_flags(d->avail_wrap);

		e->addr = indirect ? DRV_GUEST + table_of(id) : buf[i].addr;
		e->len = indirect ? 16 * n : buf[i].len;
		e->id = id;
		flags |= indirect ? VRING_DESC_F_INDIRECT : buf[i].write ? VRING_DESC_F_WRITE : 0;
		flags |= i + 1 < slots ? VRING_DESC_F_NEXT : 0;
		if (i == 0)
			head_flags = flags;
		else
			e->flags = flags;
		step(d, &d->avail, &d->avail_wrap, 1);
	}
	for (unsigned i = 0; indirect && i < n; i++)
		((struct vring_packed_desc *)drv_at(d, table_of(id)))[i] = (struct vring_packed_desc){
			buf[i].addr, buf[i].len, 0xffff, buf[i].write ? VRING_DESC_F_WRITE : 0 };
	d->slots[id] = (uint16_t)slots;
	d->kicked = (uint16_t)(d->kicked + slots);
	__atomic_store_n(&drv_packed_desc(d)[head].flags, head_flags, __ATOMIC_RELEASE);
	return id;
}

int drv_post(struct drv *d, const struct drv_buf *buf, unsigned n, bool indirect)
{
	unsigned slots = indirect ? 1 : n;
	int id;

	if (d->free < slots)
		return -1;
	d->free -= slots;
	id = d->packed ? post_packed(d, buf, n, indirect) : post_split(d, buf, n, indirect);
	d->order[d->order_in++ % VRING_SIZE_MAX] = (uint16_t)id;
	return id;
}

int drv_post_one(struct drv *d, uint32_t len, bool write)
{
	struct drv_buf buf = { DRV_GUEST + DRV_BUFFERS, len, write };

	return drv_post(d, &buf, 1, false);
}

bool drv_should_kick(struct drv *d)
{
	const struct vring_packed_event *e = drv_at(d, DRV_DEVICE);
	uint16_t old = d->kicked;

	rte_smp_mb();
	if (!d->packed) {
		d->kicked = d->avail;
		if (!d->event_idx)
			return !(drv_used(d)->flags & VRING_USED_F_NO_NOTIFY);
		return vring_need_event(*vring_avail_event(drv_used(d), d->size), d->avail, old);
	}
	d->kicked = 0;
	if ((e->flags & 3) == VRING_EVENT_DISABLE)
		return false;
	if ((e->flags & 3) != VRING_EVENT_DESC)
		return true;
	return vring_packed_need_event(e->off_wrap, d->avail, d->avail_wrap, old < d->size ? old : d->size, d->size);
}

bool drv_has_used(const struct drv *d)
{
	if (d->batch_left > 0)
		return true;
	if (!d->packed)
		return __atomic_load_n(&drv_used(d)->idx, __ATOMIC_ACQUIRE) != d->used;
	return vring_packed_is_used(__atomic_load_n(&drv_packed_desc(d)[d->used].flags, __ATOMIC_ACQUIRE),
				    d->used_wrap);
}

/* Chains from the oldest one to id: how many; 0: id is not among those that are out. */
static uint16_t batch_of(const struct drv *d, uint32_t id)
{
	for (uint32_t i = d->order_out; i != d->order_in; i++)
		if (d->order[i % VRING_SIZE_MAX] == id)
			return (uint16_t)(i - d->order_out + 1);
	return 0;
}

static void give_back(struct drv *d, uint16_t id)
{
	uint16_t at = id, slots = d->slots[id];

	d->slots[id] = 0;
	d->free += slots;
	if (d->packed) {
		step(d, &d->used, &d->used_wrap, slots);
		if (!d->in_order)
			d->ids[d->n_ids++] = id;
		return;
	}
	d->used++;
	for (uint16_t i = 0; !d->in_order && i < slots; i++) {
		d->ids[d->n_ids++] = at;
		at = drv_desc(d)[at].next;
	}
}

int drv_take(struct drv *d, uint32_t *len)
{
	uint32_t id = 0;

	if (!drv_has_used(d))
		return -1;
	if (d->batch_left == 0) {
		const struct vring_used_elem *e = &drv_used(d)->ring[d->used & (d->size - 1)];

		id = d->packed ? drv_packed_desc(d)[d->used].id : e->id;
		d->batch_len = d->packed ? drv_packed_desc(d)[d->used].len : e->len;
		if (id >= d->size || d->slots[id] == 0)
			return -2;
		d->batch_left = d->in_order ? batch_of(d, id) : 1;
		if (d->batch_left == 0)
			return -2;
		if (!d->packed && d->batch_left > (uint16_t)(drv_used(d)->idx - d->used))
			return -2;
	}
	*len = d->batch_len;
	if (d->in_order)
		id = d->order[d->order_out++ % VRING_SIZE_MAX];
	d->batch_left--;
	give_back(d, (uint16_t)id);
	return (int)id;
}

void drv_want_call(struct drv *d, bool on)
{
	struct vring_packed_event *e = drv_at(d, DRV_DRIVER);

	if (!d->packed && d->event_idx) {
		*vring_used_event(drv_avail(d), d->size) = on ? d->used : (uint16_t)(d->used - 1);
	} else if (!d->packed) {
		drv_avail(d)->flags = on ? 0 : VRING_AVAIL_F_NO_INTERRUPT;
	} else {
		e->off_wrap = (uint16_t)(d->used | (uint16_t)d->used_wrap << 15);
		rte_smp_wmb();
		e->flags = !on ? VRING_EVENT_DISABLE : d->event_idx ? VRING_EVENT_DESC : VRING_EVENT_ENABLE;
	}
	rte_smp_mb();
}
