/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory of a driver as the device sees it: regions mapped from the
 * descriptors of a vhost-user front end, or this process's own (tests).
 *
 * A region is only as good as its file: its size is checked when it is
 * mapped; a file cut shorter later raises SIGBUS, which
 * vnicd_memory_guard() turns into reads of zero and a mark on the memory.
 * One thread per object.
 */
#ifndef VNICD_MEMORY_H
#define VNICD_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pmd/virtio/vhost_user.h"

#define VNICD_REGIONS 32 /* one by one; VHOST_USER_MAX_REGIONS in one message */

struct vnicd_region {
	uint64_t guest, user, len; /* addresses as the driver writes them */
	uint8_t *addr;             /* of guest in this process */
	void *map;
	size_t map_len;
	uint64_t offset, device, inode; /* of the file */
	unsigned users;            /* how often it was added */
};

/* A part of a file that is no region. */
struct vnicd_mapping {
	void *addr, *map;          /* NULL: there is none */
	size_t map_len;
};

struct vnicd_memory {
	struct vnicd_region region[VNICD_REGIONS];
	unsigned n;
	bool identity;             /* addresses are this process's own: nothing to map */
	volatile bool torn;        /* a mapping turned out shorter than promised */
};

void vnicd_memory_init(struct vnicd_memory *m, bool identity);
void vnicd_memory_fini(struct vnicd_memory *m);
/* Replace the table. fds[i] belongs to regions[i]; all are closed here, also on
 * failure, which leaves no regions. -EINVAL: overlap, overflow, alignment, file too short, file
 * not of tmpfs or hugetlbfs (an other one could make us wait); -EBADF; -ENOMEM. */
int vnicd_memory_set(struct vnicd_memory *m, const struct vhost_user_region *regions, const int *fds,
		     unsigned n);
/*
 * The same for one more; the table stays as it is on failure. The same region of the same file may be
 * added again, and is there until it was removed as often: QEMU does so for each pair of rings.
 * -ENOENT of remove: no such region.
 */
int vnicd_memory_add(struct vnicd_memory *m, const struct vhost_user_region *region, int fd);
int vnicd_memory_remove(struct vnicd_memory *m, const struct vhost_user_region *region);

/* len octets at a guest (descriptor) or user (ring) address; NULL unless all
 * of them lie in one region. len 0 is NULL too. */
void *vnicd_memory_guest(const struct vnicd_memory *m, uint64_t addr, uint64_t len);
/* The same for a piece that may go on in the next region: *len is cut to what lies in this one. */
void *vnicd_memory_piece(const struct vnicd_memory *m, uint64_t addr, uint64_t *len);
/* The guest address of a place that the above returned; 0: it is in no region. */
uint64_t vnicd_memory_where(const struct vnicd_memory *m, const void *p);
void *vnicd_memory_user(const struct vnicd_memory *m, uint64_t addr, uint64_t len);

/*
 * Map len octets of a file from offset on, a multiple of 64; the file stays the caller's. What is said of regions' files is true
 * of it, too; when it is cut short, m is torn.
 */
int vnicd_memory_map(struct vnicd_mapping *p, struct vnicd_memory *m, int fd, uint64_t offset, uint64_t len);
void vnicd_memory_unmap(struct vnicd_mapping *p);

/* Once per process, before any mapping: the SIGBUS handler. */
int vnicd_memory_guard(void);

#endif
