/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Our wire format of virtio-net and that of Linux's header, as numbers: the names of
 * the two headers collide, so each has a file of its own that fills these tables.
 */
#ifndef TESTS_VIRTIO_UAPI_H
#define TESTS_VIRTIO_UAPI_H

#include <stddef.h>
#include <stdint.h>

/* A constant, a size or an offset; the key is the same on both sides. */
struct uapi_row {
	const char *key;
	uint64_t value;
};

/* A counter of device statistics: where it is in its reply, and its name. */
struct uapi_counter {
	uint8_t type;
	const char *name;   /* theirs begins with rx_, tx_ or nothing */
	size_t offset;
};

extern const struct uapi_row uapi_ours[], uapi_theirs[];
extern const size_t uapi_ours_n, uapi_theirs_n;
extern const struct uapi_counter uapi_counters[];
extern const size_t uapi_counters_n;

/* Messages made with Linux's structures: octets written to buf. */
size_t uapi_stats_request(void *buf, uint16_t vq, uint64_t types);
/* A reply of a type whose n-th counter (from 1) is base + n; 0: no such type. */
size_t uapi_stats_reply(void *buf, uint8_t type, uint16_t vq, uint64_t base);
size_t uapi_stats_capabilities(void *buf, uint64_t types);
size_t uapi_coal(void *buf, uint32_t packets, uint32_t usecs, int rx);
size_t uapi_coal_vq(void *buf, uint16_t vq, uint32_t packets, uint32_t usecs);

#endif
