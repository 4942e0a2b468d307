/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/bench/vring_stock.h"

#include <stdio.h>
#include <unistd.h>

#include <rte_bus_vdev.h>
#include <rte_ethdev.h>
#include <rte_vhost.h>

static volatile int vid_up = -1;

static int new_device(int vid)
{
	vid_up = vid;
	return 0;
}

static void destroy_device(int vid)
{
	(void)vid;
	vid_up = -1;
}

static const struct rte_vhost_device_ops ops = { .new_device = new_device, .destroy_device = destroy_device };

static int start_port(struct stock *s, uint16_t ring, struct rte_mempool *mp)
{
	struct rte_eth_conf conf = { 0 };

	if (rte_eth_dev_get_port_by_name(s->name, &s->port) != 0 || rte_eth_dev_configure(s->port, 1, 1, &conf) != 0 ||
	    rte_eth_rx_queue_setup(s->port, 0, ring, SOCKET_ID_ANY, NULL, mp) != 0 ||
	    rte_eth_tx_queue_setup(s->port, 0, ring, SOCKET_ID_ANY, NULL) != 0)
		return -1;
	return rte_eth_dev_start(s->port);
}

int stock_open(struct stock *s, const char *args, uint16_t ring, struct rte_mempool *mp)
{
	static unsigned serial;
	char all[256];
	unsigned i;

	snprintf(s->sock, sizeof(s->sock), "/tmp/vring_stock_%d.sock", getpid());
	snprintf(s->name, sizeof(s->name), "net_virtio_user%u", serial++);
	snprintf(all, sizeof(all), "path=%s,queues=1,queue_size=%u,%s", s->sock, ring, args);
	unlink(s->sock);
	if (rte_vhost_driver_register(s->sock, 0) != 0 || rte_vhost_driver_callback_register(s->sock, &ops) != 0 ||
	    rte_vhost_driver_start(s->sock) != 0 || rte_vdev_init(s->name, all) != 0 || start_port(s, ring, mp) != 0)
		return -1;
	for (i = 0; i < 2000 && vid_up < 0; i++)
		usleep(1000);
	return vid_up < 0 ? -1 : 0;
}

int stock_ring(const struct stock *s, uint16_t index, struct stock_ring *out)
{
	struct rte_vhost_vring v;

	(void)s;
	if (rte_vhost_get_vhost_vring(vid_up, index, &v) != 0)
		return -1;
	rte_vhost_enable_guest_notification(vid_up, index, 0);
	*out = (struct stock_ring){ v.size, v.desc, v.avail, v.used };
	return 0;
}

void stock_close(struct stock *s)
{
	rte_eth_dev_stop(s->port);
	rte_vdev_uninit(s->name);
	rte_vhost_driver_unregister(s->sock);
	unlink(s->sock);
}
