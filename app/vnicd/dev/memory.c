/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/vnicd/dev/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#define PAGE UINT64_C(4096)

/*
 * Every mapping of the process, for the handler of SIGBUS. A slot is taken
 * when start is not 0; the handler runs on the thread that owns the memory it
 * faulted on, so that the slot it finds cannot change under it.
 */
#define GUARD_SLOTS 1024
static struct guard_slot {
	_Atomic uintptr_t start;
	_Atomic size_t len;
	struct vnicd_memory *_Atomic owner;
} guard_slots[GUARD_SLOTS];
static struct sigaction guard_before;

static int guard_add(struct vnicd_memory *m, void *map, size_t len)
{
	for (unsigned i = 0; i < GUARD_SLOTS; i++) {
		struct guard_slot *s = &guard_slots[i];
		uintptr_t unused = 0;

		/* 1 is no address: taken, but nothing to be found there yet */
		if (!atomic_compare_exchange_strong(&s->start, &unused, 1))
			continue;
		atomic_store(&s->len, len);
		atomic_store(&s->owner, m);
		atomic_store(&s->start, (uintptr_t)map);
		return 0;
	}
	return -ENOMEM;
}

static void guard_remove(const void *map)
{
	for (unsigned i = 0; i < GUARD_SLOTS; i++)
		if (atomic_load(&guard_slots[i].start) == (uintptr_t)map) {
			atomic_store(&guard_slots[i].start, 0);
			return;
		}
}

/*
 * The whole mapping is replaced, for a part of a huge page cannot be. What the
 * thread reads from there on is zero; it sees torn before it does much with it.
 */
static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr;

	for (unsigned i = 0; i < GUARD_SLOTS; i++) {
		struct guard_slot *s = &guard_slots[i];
		uintptr_t start = atomic_load(&s->start);
		size_t len = atomic_load(&s->len);

		if (start <= 1 || at < start || at - start >= len)
			continue;
		if (mmap((void *)start, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED)
			break;
		atomic_load(&s->owner)->torn = true;
		return;
	}
	/* Not ours: the access is repeated and meets who was here before. */
	sigaction(SIGBUS, &guard_before, NULL);
}

int vnicd_memory_guard(void)
{
	static atomic_flag installed = ATOMIC_FLAG_INIT;
	struct sigaction sa = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

	if (atomic_flag_test_and_set(&installed))
		return 0;
	sigemptyset(&sa.sa_mask);
	return sigaction(SIGBUS, &sa, &guard_before) < 0 ? -errno : 0;
}

void vnicd_memory_init(struct vnicd_memory *m, bool identity)
{
	memset(m, 0, sizeof(*m));
	m->identity = identity;
}

static void region_unmap(struct vnicd_region *r)
{
	guard_remove(r->map);
	munmap(r->map, r->map_len);
}

void vnicd_memory_fini(struct vnicd_memory *m)
{
	while (m->n > 0)
		region_unmap(&m->region[--m->n]);
	m->torn = false;
}

static bool overlap(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a < b + b_len && b < a + a_len;
}

static int numbers_check(const struct vhost_user_region *w)
{
	if (w->size == 0 || w->size > UINT64_MAX - w->guest_addr || w->size > UINT64_MAX - w->user_addr ||
	    w->size > UINT64_MAX / 2 - PAGE || w->mmap_offset > UINT64_MAX / 2 - PAGE - w->size)
		return -EINVAL;
	/* What is aligned for the driver has to be so here, too. */
	if ((w->guest_addr ^ w->mmap_offset) % PAGE != 0 || (w->user_addr ^ w->mmap_offset) % PAGE != 0)
		return -EINVAL;
	return 0;
}

static int place_check(const struct vnicd_memory *m, const struct vhost_user_region *w)
{
	for (unsigned i = 0; i < m->n; i++)
		if (overlap(w->guest_addr, w->size, m->region[i].guest, m->region[i].len) ||
		    overlap(w->user_addr, w->size, m->region[i].user, m->region[i].len))
			return -EINVAL;
	return m->n < VNICD_REGIONS ? 0 : -ENOMEM;
}

/*
 * Memory that others can stall is no memory for a ring: only file systems that
 * are RAM are accepted. block is what offset and length of a mapping are multiples of.
 */
static int file_check(int fd, uint64_t end, struct stat *st, uint64_t *block)
{
	struct statfs fs;

	if (fd < 0)
		return -EBADF;
	/* Only such files have seals. The other questions would be put to the file system, which may be a program
	 * (FUSE) that never answers. */
	if (fcntl(fd, F_GET_SEALS) < 0)
		return -EINVAL;
	if (fstat(fd, st) < 0 || fstatfs(fd, &fs) < 0)
		return -EBADF;
	if (!S_ISREG(st->st_mode) || st->st_size < 0 || end > (uint64_t)st->st_size)
		return -EINVAL;
	if (fs.f_type != TMPFS_MAGIC && fs.f_type != HUGETLBFS_MAGIC)
		return -EINVAL;
	*block = fs.f_type == HUGETLBFS_MAGIC ? (uint64_t)fs.f_bsize : PAGE;
	return *block >= PAGE && (*block & (*block - 1)) == 0 ? 0 : -EINVAL;
}

static bool same_place(const struct vnicd_region *r, const struct vhost_user_region *w)
{
	return r->guest == w->guest_addr && r->user == w->user_addr && r->len == w->size;
}

static struct vnicd_region *find_same(struct vnicd_memory *m, const struct vhost_user_region *w,
				      const struct stat *st)
{
	for (unsigned i = 0; i < m->n; i++) {
		struct vnicd_region *r = &m->region[i];

		if (same_place(r, w) && r->offset == w->mmap_offset && r->device == st->st_dev &&
		    r->inode == st->st_ino)
			return r;
	}
	return NULL;
}

static int region_map(struct vnicd_memory *m, const struct vhost_user_region *w, int fd, uint64_t block)
{
	struct vnicd_region *r = &m->region[m->n];
	uint64_t from;
	int rc;

	from = w->mmap_offset & ~(block - 1);
	r->map_len = (w->mmap_offset + w->size - from + block - 1) & ~(block - 1);
	r->map = mmap(NULL, r->map_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, (off_t)from);
	if (r->map == MAP_FAILED)
		return errno == ENOMEM ? -ENOMEM : -EBADF;
	rc = guard_add(m, r->map, r->map_len);
	if (rc < 0) {
		munmap(r->map, r->map_len);
		return rc;
	}
	r->guest = w->guest_addr;
	r->user = w->user_addr;
	r->len = w->size;
	r->addr = (uint8_t *)r->map + (w->mmap_offset - from);
	r->offset = w->mmap_offset;
	r->users = 1;
	return 0;
}

int vnicd_memory_map(struct vnicd_mapping *p, struct vnicd_memory *m, int fd, uint64_t offset, uint64_t len)
{
	uint64_t block = 0, from;
	struct stat st;
	int rc;

	if (len == 0 || len > UINT64_MAX / 2 - PAGE || offset > UINT64_MAX / 2 - PAGE - len || offset % 64 != 0)
		return -EINVAL;
	rc = file_check(fd, offset + len, &st, &block);
	if (rc < 0)
		return rc;
	from = offset & ~(block - 1);
	p->map_len = (offset + len - from + block - 1) & ~(block - 1);
	p->map = mmap(NULL, p->map_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, (off_t)from);
	rc = p->map == MAP_FAILED ? -errno : guard_add(m, p->map, p->map_len);
	if (rc < 0) {
		if (p->map != MAP_FAILED)
			munmap(p->map, p->map_len);
		p->map = NULL;
		return rc;
	}
	p->addr = (uint8_t *)p->map + (offset - from);
	return 0;
}

void vnicd_memory_unmap(struct vnicd_mapping *p)
{
	if (p->map == NULL)
		return;
	guard_remove(p->map);
	munmap(p->map, p->map_len);
	p->map = p->addr = NULL;
}

static int region_add(struct vnicd_memory *m, const struct vhost_user_region *w, int fd)
{
	struct vnicd_region *same;
	uint64_t block = 0;
	struct stat st;
	int rc = numbers_check(w);

	if (rc == 0)
		rc = file_check(fd, w->mmap_offset + w->size, &st, &block);
	if (rc < 0)
		return rc;
	same = find_same(m, w, &st);
	if (same != NULL) {
		same->users++;
		return 0;
	}
	rc = place_check(m, w);
	if (rc == 0)
		rc = region_map(m, w, fd, block);
	if (rc < 0)
		return rc;
	m->region[m->n].device = st.st_dev;
	m->region[m->n].inode = st.st_ino;
	m->n++;
	return 0;
}

int vnicd_memory_set(struct vnicd_memory *m, const struct vhost_user_region *regions, const int *fds,
		     unsigned n)
{
	int rc = n > VHOST_USER_MAX_REGIONS ? -EINVAL : 0;

	vnicd_memory_fini(m);
	for (unsigned i = 0; i < n; i++) {
		if (rc == 0)
			rc = region_add(m, &regions[i], fds[i]);
		if (fds[i] >= 0)
			close(fds[i]);
	}
	if (rc < 0)
		vnicd_memory_fini(m);
	return rc;
}

int vnicd_memory_add(struct vnicd_memory *m, const struct vhost_user_region *region, int fd)
{
	int rc = region_add(m, region, fd);

	if (fd >= 0)
		close(fd);
	return rc;
}

int vnicd_memory_remove(struct vnicd_memory *m, const struct vhost_user_region *region)
{
	for (unsigned i = 0; i < m->n; i++) {
		struct vnicd_region *r = &m->region[i];

		if (!same_place(r, region))
			continue;
		if (--r->users > 0)
			return 0;
		region_unmap(r);
		*r = m->region[--m->n];
		return 0;
	}
	return -ENOENT;
}

void *vnicd_memory_piece(const struct vnicd_memory *m, uint64_t addr, uint64_t *len)
{
	if (m->identity)
		return *len == 0 || *len > UINT64_MAX - addr ? NULL : (void *)(uintptr_t)addr;
	for (unsigned i = 0; *len > 0 && i < m->n; i++) {
		const struct vnicd_region *r = &m->region[i];
		uint64_t off = addr - r->guest;

		if (off >= r->len)
			continue;
		if (*len > r->len - off)
			*len = r->len - off;
		return r->addr + off;
	}
	return NULL;
}

void *vnicd_memory_guest(const struct vnicd_memory *m, uint64_t addr, uint64_t len)
{
	uint64_t here = len;
	void *p = vnicd_memory_piece(m, addr, &here);

	return here == len ? p : NULL;
}

uint64_t vnicd_memory_where(const struct vnicd_memory *m, const void *p)
{
	if (m->identity)
		return (uintptr_t)p;
	for (unsigned i = 0; i < m->n; i++) {
		uintptr_t off = (uintptr_t)p - (uintptr_t)m->region[i].addr;

		if (off < m->region[i].len)
			return m->region[i].guest + off;
	}
	return 0;
}

void *vnicd_memory_user(const struct vnicd_memory *m, uint64_t addr, uint64_t len)
{
	if (m->identity)
		return len == 0 || len > UINT64_MAX - addr ? NULL : (void *)(uintptr_t)addr;
	for (unsigned i = 0; i < m->n; i++) {
		const struct vnicd_region *r = &m->region[i];

		if (addr - r->user < r->len)
			return len == 0 || len > r->len - (addr - r->user) ? NULL : r->addr + (addr - r->user);
	}
	return NULL;
}
