/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <rte_memory.h>

#include "pmd/base/arena.h"
#include "pmd/virtio/vhost.h"

#define ARENAS 64

bool vnic_vhost_table_add(struct vnic_vhost_table *t, int fd, uint64_t addr, uint64_t len, uint64_t offset)
{
	for (unsigned i = 0; i < RTE_MIN(t->n, (unsigned)VNIC_VHOST_REGIONS); i++) {
		struct vnic_vhost_region *r = &t->region[i];
		uint64_t end = RTE_MAX(r->addr + r->len, addr + len);

		if (r->fd != fd)
			continue;
		/* The holes between pieces are the file's as well, and hurt nobody. */
		if (r->addr - r->offset != addr - offset)
			return false;
		r->addr = RTE_MIN(r->addr, addr);
		r->offset = RTE_MIN(r->offset, offset);
		r->len = end - r->addr;
		return true;
	}
	t->files++;
	if (t->n < VNIC_VHOST_REGIONS)
		t->region[t->n++] = (struct vnic_vhost_region){ .addr = addr, .len = len, .offset = offset, .fd = fd };
	return true;
}

bool vnic_vhost_table_has(const struct vnic_vhost_table *t, uint64_t addr, uint64_t len)
{
	for (unsigned i = 0; i < t->n; i++)
		if (addr >= t->region[i].addr && addr - t->region[i].addr <= t->region[i].len &&
		    len <= t->region[i].len - (addr - t->region[i].addr))
			return true;
	return false;
}

struct eal_walk {
	struct vnic_vhost_table *table;
	uint64_t gone, gone_len; /* about to be freed */
	int rc;
};

/* One page of EAL's. Memory of others (external) has no descriptor that EAL knows. */
static int walk_page(const struct rte_memseg_list *msl, const struct rte_memseg *ms, void *arg)
{
	struct eal_walk *w = arg;
	size_t offset = 0;
	int fd;

	if (msl->external || (ms->addr_64 >= w->gone && ms->addr_64 - w->gone < w->gone_len))
		return 0;
	fd = rte_memseg_get_fd_thread_unsafe(ms);
	if (fd < 0 || rte_memseg_get_fd_offset_thread_unsafe(ms, &offset) != 0) {
		w->rc = -EBADF;
		return -1;
	}
	if (!vnic_vhost_table_add(w->table, fd, ms->addr_64, ms->len, offset)) {
		w->rc = -EINVAL;
		return -1;
	}
	return 0;
}

static void add_arenas(struct vnic_vhost_table *t)
{
	struct arena_region r[ARENAS];
	unsigned n = RTE_MIN(arena_regions(r, ARENAS), (unsigned)ARENAS);

	for (unsigned i = 0; i < n; i++)
		vnic_vhost_table_add(t, r[i].fd, (uintptr_t)r[i].addr, r[i].len, 0);
}

static bool have_arenas(void)
{
	struct arena_region r;

	return arena_regions(&r, 1) != 0;
}

static void identify(struct vnic_vhost_table *t)
{
	struct stat st;

	for (unsigned i = 0; i < t->n; i++)
		t->region[i].inode = fstat(t->region[i].fd, &st) == 0 ? st.st_ino : 0;
}

static int build(struct vnic_vhost *v, struct vnic_vhost_table *t, struct eal_walk *w, bool locked)
{
	memset(t, 0, sizeof(*t));
	w->table = t;
	w->rc = 0;
	if (have_arenas())
		add_arenas(t);
	else if (locked)
		rte_memseg_walk_thread_unsafe(walk_page, w);
	else
		rte_memseg_walk(walk_page, w);
	if (w->rc != 0)
		VNIC_LOG(ERR, v->dev, "EAL's memory cannot be shared: %s",
			 w->rc == -EBADF ? "it has no descriptor: do not use --huge-unlink or legacy memory"
					 : "a file of it is mapped twice");
	else if (t->n == 0)
		w->rc = -ENOENT;
	identify(t);
	return w->rc;
}

static bool same_region(const struct vnic_vhost_region *a, const struct vnic_vhost_region *b)
{
	return a->addr == b->addr && a->len == b->len && a->offset == b->offset && a->inode == b->inode;
}

static bool same(const struct vnic_vhost_table *a, const struct vnic_vhost_table *b)
{
	if (a->n != b->n || a->files != b->files)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (!same_region(&a->region[i], &b->region[i]))
			return false;
	return true;
}

static struct vhost_user_region wire(const struct vnic_vhost_region *r)
{
	return (struct vhost_user_region){ .guest_addr = r->addr, .size = r->len, .user_addr = r->addr,
					   .mmap_offset = r->offset };
}

static int send_table(struct vnic_vhost *v, const struct vnic_vhost_table *t)
{
	struct vhost_user_memory m = { .n = t->n };
	int fds[VHOST_USER_MAX_REGIONS];

	for (unsigned i = 0; i < t->n; i++) {
		m.region[i] = wire(&t->region[i]);
		fds[i] = t->region[i].fd;
	}
	return vnic_vhost_set(v, VHOST_USER_SET_MEM_TABLE, &m,
			      (uint32_t)(offsetof(struct vhost_user_memory, region) + t->n * sizeof(m.region[0])),
			      fds, t->n);
}

static bool contains(const struct vnic_vhost_table *t, const struct vnic_vhost_region *r)
{
	for (unsigned i = 0; i < t->n; i++)
		if (same_region(&t->region[i], r))
			return true;
	return false;
}

/* Region by region: what is gone is taken out before what is new comes in. */
static int send_slots(struct vnic_vhost *v, const struct vnic_vhost_table *t)
{
	const struct vnic_vhost_table none = { .n = 0 }, *old = v->shared ? &v->table : &none;
	int rc = 0;

	for (unsigned i = 0; i < old->n && rc == 0; i++) {
		struct vhost_user_mem_reg m = { .region = wire(&old->region[i]) };

		if (!contains(t, &old->region[i]))
			rc = vnic_vhost_set(v, VHOST_USER_REM_MEM_REG, &m, sizeof(m), NULL, 0);
	}
	for (unsigned i = 0; i < t->n && rc == 0; i++) {
		struct vhost_user_mem_reg m = { .region = wire(&t->region[i]) };

		if (!contains(old, &t->region[i]))
			rc = vnic_vhost_set(v, VHOST_USER_ADD_MEM_REG, &m, sizeof(m), &t->region[i].fd, 1);
	}
	return rc;
}

static int too_many(struct vnic_vhost *v, const struct vnic_vhost_table *t)
{
	VNIC_LOG(ERR, v->dev,
		 "memory lies in %u files and the back end takes %u regions: start with "
		 "--single-file-segments, which keeps all pages of a size in one file "
		 "(or with 1 GiB pages, or --no-huge)", t->files, RTE_MAX(v->slots, VHOST_USER_MAX_REGIONS));
	return -ENOSPC;
}

/* io is held. */
static int tell(struct vnic_vhost *v, const struct vnic_vhost_table *t)
{
	int rc;

	if (v->shared && same(t, &v->table))
		return 0;
	if (t->files <= VHOST_USER_MAX_REGIONS)
		rc = send_table(v, t);
	else if (t->files == t->n && t->n <= v->slots)
		rc = send_slots(v, t);
	else
		rc = too_many(v, t);
	if (rc == 0) {
		v->table = *t;
		v->shared = true;
	}
	return rc;
}

/*
 * EAL has got memory, or is about to give some back, on any thread and with
 * its memory lock held. Nothing of new memory is in a ring before we return, as nobody
 * has been given it yet. What cannot be announced stops the device.
 */
static void memory_event(enum rte_mem_event type, const void *addr, size_t len, void *arg)
{
	struct eal_walk w = { .gone = (uintptr_t)addr, .gone_len = type == RTE_MEM_EVENT_FREE ? len : 0 };
	struct vnic_vhost *v = arg;
	struct vnic_vhost_table t;
	int rc = 0;

	pthread_mutex_lock(&v->io);
	v->generation++;
	if (v->shared && v->conn >= 0) {
		rc = build(v, &t, &w, true);
		if (rc == 0)
			rc = tell(v, &t);
		if (rc != 0) {
			VNIC_LOG(ERR, v->dev, "memory that came later cannot be shared: the device stops");
			v->unshareable = true;
		}
	}
	pthread_mutex_unlock(&v->io);
	if (rc != 0)
		vnic_thread_wake(v->dev);
}

static void watch(struct vnic_vhost *v)
{
	char name[RTE_DEV_NAME_MAX_LEN];

	if (v->watching || have_arenas())
		return;
	snprintf(name, sizeof(name), "vnic_%p", (void *)v);
	/* Where memory cannot change there is nothing to watch. */
	v->watching = rte_mem_event_callback_register(name, memory_event, v) == 0;
}

void vnic_vhost_unwatch(struct vnic_vhost *v)
{
	char name[RTE_DEV_NAME_MAX_LEN];

	if (!v->watching)
		return;
	snprintf(name, sizeof(name), "vnic_%p", (void *)v);
	rte_mem_event_callback_unregister(name, v);
	v->watching = false;
}

int vnic_vhost_share_memory(struct vnic_dev *dev)
{
	struct vnic_vhost *v = dev->transport;
	struct eal_walk w = { .gone_len = 0 };
	struct vnic_vhost_table t;
	bool sent = false;
	int rc = 0;

	if (v == NULL || v->conn < 0)
		return -ENODEV;
	watch(v);
	while (!sent && rc == 0) {
		unsigned generation = __atomic_load_n(&v->generation, __ATOMIC_ACQUIRE);

		rc = build(v, &t, &w, false);
		pthread_mutex_lock(&v->io);
		if (rc == 0 && generation == v->generation) {
			rc = tell(v, &t);
			sent = true;
		}
		pthread_mutex_unlock(&v->io);
	}
	return rc;
}
