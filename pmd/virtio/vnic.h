/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a program may ask a port of this driver beyond ethdev. Everything
 * returns -ENOTSUP for another driver's port. Any lcore unless said otherwise.
 */
#ifndef VNIC_H
#define VNIC_H

#include <stdbool.h>
#include <stdint.h>

/* Octets and packets of a transmit queue, cumulative since start: posted to
 * the device and given back by it. Their difference is in flight. */
struct vnic_tx_progress {
	uint64_t posted_bytes, done_bytes;
	uint64_t posted, done;
};

bool vnic_port(uint16_t port);
/* Arenas came or went while ports of this driver run: their devices are told. By the
 * main lcore, before anything in a new arena is sent, after an old one is gone.
 * 0, or the first error (logged); a port that does not run learns of it at its start. */
int vnic_share_memory(void);
/* Reads the queue's counters; on the lcore that sends on the queue. reclaim: look for completions first. */
int vnic_tx_progress(uint16_t port, uint16_t queue, bool reclaim, struct vnic_tx_progress *out);

#endif
