/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/vnicd/dev/iov.h"

#include <errno.h>
#include <string.h>

#include <rte_byteorder.h>

#include "proto/net/offload.h"

/* The octets at the cursor, at most len, all in one piece; 0 at the end. */
static size_t here(struct vnicd_cursor *c, size_t len, uint8_t **at)
{
	size_t left;

	while (c->n > 0 && c->off == c->iov->iov_len) {
		c->iov++;
		c->n--;
		c->off = 0;
	}
	if (c->n == 0 || len == 0)
		return 0;
	left = c->iov->iov_len - c->off;
	*at = (uint8_t *)c->iov->iov_base + c->off;
	if (left > len)
		left = len;
	c->off += left;
	return left;
}

size_t vnicd_cursor_skip(struct vnicd_cursor *c, size_t len)
{
	size_t done = 0, n;
	uint8_t *at;

	while ((n = here(c, len - done, &at)) > 0)
		done += n;
	return done;
}

size_t vnicd_cursor_read(struct vnicd_cursor *c, void *to, size_t len)
{
	size_t done = 0, n;
	uint8_t *at;

	while ((n = here(c, len - done, &at)) > 0) {
		memmove((uint8_t *)to + done, at, n);
		done += n;
	}
	return done;
}

size_t vnicd_cursor_write(struct vnicd_cursor *c, const void *from, size_t len)
{
	size_t done = 0, n;
	uint8_t *at;

	while ((n = here(c, len - done, &at)) > 0) {
		memmove(at, (const uint8_t *)from + done, n);
		done += n;
	}
	return done;
}

size_t vnicd_cursor_copy(struct vnicd_cursor *to, struct vnicd_cursor *from, size_t len)
{
	size_t done = 0, n, m;
	uint8_t *at;

	while ((n = here(from, len - done, &at)) > 0) {
		m = vnicd_cursor_write(to, at, n);
		done += m;
		if (m < n)
			break;
	}
	return done;
}

int vnicd_cursor_slice(struct vnicd_cursor *c, size_t len, struct iovec *out, unsigned max)
{
	unsigned n = 0;
	size_t part;
	uint8_t *at;

	while ((part = here(c, len, &at)) > 0) {
		if (n == max)
			return -ENOSPC;
		out[n++] = (struct iovec){ at, part };
		len -= part;
	}
	return (int)n;
}

/* A piece that begins at an odd octet counts with its octets exchanged (RFC 1071, 2(B)). */
uint16_t vnicd_cursor_sum(struct vnicd_cursor *c, size_t len)
{
	uint32_t sum = 0;
	size_t done = 0, n;
	uint8_t *at;

	while ((n = here(c, len - done, &at)) > 0) {
		uint16_t part = net_raw_cksum(at, (uint32_t)n);

		sum += (done & 1) != 0 ? rte_bswap16(part) : part;
		sum = (sum & 0xffff) + (sum >> 16);
		done += n;
	}
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}
