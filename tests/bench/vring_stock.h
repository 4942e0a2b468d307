/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's own net_virtio_user port with its rings in our hands: brought up over a
 * vhost-user socket of this process by librte_vhost, which then does not touch
 * them. One at a time. A file apart, since linux/virtio_net.h and ours clash.
 */
#ifndef TESTS_BENCH_VRING_STOCK_H
#define TESTS_BENCH_VRING_STOCK_H

#include <stdint.h>

#include <rte_mempool.h>

struct stock {
	uint16_t port;
	char name[32], sock[64];
};

/* Ring memory: of type struct vring_desc or vring_packed_desc, and so on. */
struct stock_ring {
	uint16_t size;
	void *desc, *driver, *device;
};

/* args: device arguments beside path, queues and queue_size. 0 or -1. */
int stock_open(struct stock *s, const char *args, uint16_t ring, struct rte_mempool *mp);
/* index: virtqueue, 0 receives. Notifications from the driver are off. */
int stock_ring(const struct stock *s, uint16_t index, struct stock_ring *out);
void stock_close(struct stock *s);

#endif
