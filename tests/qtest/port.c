/* SPDX-License-Identifier: BSD-3-Clause */
/* The port of a device that is reached by qtest. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <dev_driver.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>

#include "pmd/virtio/dev.h"
#include "pmd/virtio/devargs.h"
#include "tests/qtest/net.h"

#define ROOM (RTE_PKTMBUF_HEADROOM + 2048u)

static struct rte_driver driver = { .name = "net_vnic" };
static struct rte_device bus = { .name = "qtest", .driver = &driver };

/* Buffers whose IO address is where the machine sees them. */
static int make_pool(struct arena *ram)
{
	size_t len = (size_t)NET_MBUFS * ROOM;
	struct rte_pktmbuf_extmem ext = { .elt_size = ROOM, .buf_len = len };

	ext.buf_ptr = arena_alloc(ram, len, 4096);
	if (ext.buf_ptr == NULL)
		return -ENOMEM;
	ext.buf_iova = (rte_iova_t)((uint8_t *)ext.buf_ptr - (uint8_t *)arena_region(ram)->addr);
	net.mp = rte_pktmbuf_pool_create_extbuf("qtest", NET_MBUFS, 0, 0, ROOM, SOCKET_ID_ANY, &ext, 1);
	return net.mp == NULL ? -ENOMEM : 0;
}

static int make_port(struct arena *ram, struct vnic_pci *pci)
{
	struct vnic_dev *d = calloc(1, sizeof(*d));
	struct rte_eth_dev *eth = rte_eth_dev_allocate("net_vnic_qtest");
	char why[128];
	int rc;

	if (d == NULL || eth == NULL)
		return -ENOMEM;
	eth->data->dev_private = rte_zmalloc("vnic", sizeof(struct vnic_dev *), 0);
	eth->device = &bus;
	rc = vnic_args_parse(&d->args, "reply_ms=5000", why, sizeof(why));
	if (rc < 0)
		return rc;
	d->ops = &vnic_pci_ops;
	d->transport = pci;
	d->transport_flags = VNIC_TRANSPORT_CONFIG | VNIC_TRANSPORT_CTRL;
	d->dma_arena = ram;
	d->dma_offset = -(uint64_t)(uintptr_t)arena_region(ram)->addr;
	snprintf(d->name, sizeof(d->name), "net_vnic_qtest");
	rc = vnic_ethdev_create(eth, d);
	if (rc < 0)
		return rc;
	rte_eth_dev_probing_finish(eth);
	net.port = eth->data->port_id;
	net.dev = d;
	return 0;
}

int net_create(struct arena *ram, struct vnic_pci *pci)
{
	int rc = make_pool(ram);

	return rc == 0 ? make_port(ram, pci) : rc;
}
