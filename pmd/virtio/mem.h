/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of rings, headers and control commands: what the device reads and
 * writes beside packet buffers. In a program with arenas (pmd/base/arena.h) it
 * is an arena of the device's own; in any other it comes from EAL (memzones).
 * Small first-fit heap; control plane only, with vnic_dev.lock held.
 */
#ifndef VNIC_MEM_H
#define VNIC_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vnic_dev;
struct vnic_mem;

/* One piece: zeroed, contiguous for the device. */
struct vnic_chunk {
	void *va;
	uint64_t iova; /* what the device is told: virtual or IO address, as the transport wants */
	size_t len;    /* 0: none */
};

/* len: octets that will be needed at most. Errors: -ENOMEM. */
int vnic_mem_create(struct vnic_mem **out, struct vnic_dev *dev, size_t len, int node);
/* Everything, also what is in quarantine, unless the device may still write there: then
 * the memory stays, on purpose and told in the log. */
void vnic_mem_destroy(struct vnic_mem *mem);

/* align: a power of two, at most 4096. Errors: -ENOMEM. */
int vnic_mem_alloc(struct vnic_mem *mem, size_t len, size_t align, struct vnic_chunk *out);
void vnic_mem_free(struct vnic_mem *mem, struct vnic_chunk *c);

/* Keep a piece out of use until vnic_mem_release(): the device may still write
 * to it (queue that did not stop, command that timed out, back end lost). */
void vnic_mem_quarantine(struct vnic_mem *mem, struct vnic_chunk *c);
/* The device is known to be reset or dead: quarantined pieces are free again. */
void vnic_mem_release(struct vnic_mem *mem);
size_t vnic_mem_quarantined(const struct vnic_mem *mem);

#endif
