/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Octets in pieces. The pieces may lie in memory that somebody else writes at
 * the same time, and may overlap; the lists themselves are ours.
 */
#ifndef VNICD_IOV_H
#define VNICD_IOV_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* A position in a list. */
struct vnicd_cursor {
	const struct iovec *iov;
	unsigned n; /* pieces left, the one at iov included */
	size_t off; /* in it */
};

static inline struct vnicd_cursor vnicd_cursor(const struct iovec *iov, unsigned n)
{
	return (struct vnicd_cursor){ iov, n, 0 };
}

/* All return how many octets there were: len, or less at the end of a list. */
size_t vnicd_cursor_skip(struct vnicd_cursor *c, size_t len);
size_t vnicd_cursor_read(struct vnicd_cursor *c, void *to, size_t len);
size_t vnicd_cursor_write(struct vnicd_cursor *c, const void *from, size_t len);
size_t vnicd_cursor_copy(struct vnicd_cursor *to, struct vnicd_cursor *from, size_t len);
/* The next len octets as pieces of their own: how many pieces, -ENOSPC. Less than len when the list ends. */
int vnicd_cursor_slice(struct vnicd_cursor *c, size_t len, struct iovec *out, unsigned max);
/* Ones' complement sum (RFC 1071) of the next len octets, folded, not inverted, in the order of memory. */
uint16_t vnicd_cursor_sum(struct vnicd_cursor *c, size_t len);

#endif
