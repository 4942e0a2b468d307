/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages of device statistics (virtio 1.4, 5.1.6.5.10): which types there are, what
 * is in them, and how a reply is read. Pure. Nothing in a reply is trusted.
 */
#ifndef VNIC_DEVSTATS_MSG_H
#define VNIC_DEVSTATS_MSG_H

#include <stddef.h>
#include <stdint.h>

#include "pmd/virtio/virtio_net.h"

#define DEVSTATS_COUNTERS 6 /* of a type, at most */
#define DEVSTATS_SLOTS    4 /* types of a queue, at most */
#define DEVSTATS_TYPES    9

enum devstats_side { DEVSTATS_RX, DEVSTATS_TX, DEVSTATS_CQ };

struct devstats_type {
	uint8_t type;                        /* enum virtio_stats_type: also its bit */
	uint8_t side, slot;                  /* slot: tells types of a side apart */
	uint8_t n;                           /* counters we know */
	const char *name[DEVSTATS_COUNTERS]; /* in the order of the wire */
};
extern const struct devstats_type devstats_types[DEVSTATS_TYPES];

/* Of the types in a bitmap, those that we know for queues of a side. */
uint64_t devstats_of_side(uint64_t types, enum devstats_side side);
/* Octets of the reply to a request for these types: header and counters that we know. */
size_t devstats_reply_len(uint64_t types);

/* A queue's counters of one type in host order: the first n of t->n, fewer where the device has no more. */
typedef void (*devstats_take_fn)(void *arg, uint16_t vq, const struct devstats_type *t,
				 const uint64_t *counters, unsigned n);

/*
 * Read the replies in result (len octets that the device could have written, zero where it
 * did not) to n requests. Each answered type is struck from its request. Ends at a
 * size of 0, and where the next reply cannot be found any more. Counters beyond those
 * known are skipped. Returns the number of errors: sizes that cannot be, and replies
 * nobody asked for.
 */
unsigned devstats_parse(const void *result, size_t len, struct vnic_ctrl_stats_request *asked, unsigned n,
			devstats_take_fn take, void *arg);

#endif
