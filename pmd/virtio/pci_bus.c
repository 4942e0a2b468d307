/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices on DPDK's PCI bus, bound to vfio-pci or uio_pci_generic. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bus_pci_driver.h>
#include <ethdev_pci.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_io.h>

#include "pmd/base/arena.h"
#include "pmd/virtio/dev.h"
#include "pmd/virtio/devargs.h"
#include "pmd/virtio/pci.h"

struct bus_device {
	struct vnic_pci pci; /* d->transport */
	struct rte_pci_device *dev;
	struct {
		void *addr;
		size_t len;
	} mapped[VNIC_PCI_REGIONS]; /* for the IOMMU */
	unsigned n_mapped;
};

static int bus_config(void *ctx, void *buf, unsigned len, unsigned off)
{
	struct bus_device *b = ctx;
	int n = rte_pci_read_config(b->dev, buf, len, off);

	return n == (int)len ? 0 : n < 0 ? n : -EIO;
}

static uint64_t bus_bar_len(void *ctx, uint8_t bar)
{
	const struct bus_device *b = ctx;

	return bar < PCI_MAX_RESOURCE && b->dev->mem_resource[bar].addr != NULL ?
	       b->dev->mem_resource[bar].len : 0;
}

static void *bus_address(const struct bus_device *b, uint8_t bar, uint32_t off)
{
	return (uint8_t *)b->dev->mem_resource[bar].addr + off;
}

static uint32_t bus_read(void *ctx, uint8_t bar, uint32_t off, unsigned width)
{
	const void *at = bus_address(ctx, bar, off);

	return width == 1 ? rte_read8(at) : width == 2 ? rte_read16(at) : rte_read32(at);
}

static void bus_write(void *ctx, uint8_t bar, uint32_t off, unsigned width, uint32_t v)
{
	void *at = bus_address(ctx, bar, off);

	if (width == 1)
		rte_write8((uint8_t)v, at);
	else if (width == 2)
		rte_write16((uint16_t)v, at);
	else
		rte_write32(v, at);
}

static void *bus_map(void *ctx, uint8_t bar, uint32_t off, unsigned width)
{
	return bus_address(ctx, bar, off);
}

static void unmap(struct bus_device *b, unsigned i)
{
	void *addr = b->mapped[i].addr;

	(void)rte_dev_dma_unmap(&b->dev->device, addr, (uint64_t)(uintptr_t)addr, b->mapped[i].len);
	b->mapped[i] = b->mapped[--b->n_mapped];
}

static bool listed(const struct arena_region *region, unsigned n, const void *addr, size_t len)
{
	for (unsigned i = 0; i < n; i++)
		if (region[i].addr == addr && region[i].len == len)
			return true;
	return false;
}

static int map_new(struct bus_device *b, const struct arena_region *r)
{
	for (unsigned i = 0; i < b->n_mapped; i++)
		if (b->mapped[i].addr == r->addr)
			return 0;
	rte_errno = 0;
	if (rte_dev_dma_map(&b->dev->device, r->addr, (uint64_t)(uintptr_t)r->addr, r->len) != 0)
		return rte_errno != 0 ? -rte_errno : -EIO;
	b->mapped[b->n_mapped].addr = r->addr;
	b->mapped[b->n_mapped++].len = r->len;
	return 0;
}

/* Addresses are virtual ones then; without an IOMMU (UIO) the device sees all memory. */
static int bus_share(void *ctx, const struct arena_region *region, unsigned n)
{
	struct bus_device *b = ctx;
	int rc = 0;

	if (b->dev->kdrv != RTE_PCI_KDRV_VFIO || rte_eal_iova_mode() != RTE_IOVA_VA)
		return 0;
	for (unsigned i = b->n_mapped; i-- > 0;)
		if (!listed(region, n, b->mapped[i].addr, b->mapped[i].len))
			unmap(b, i);
	for (unsigned i = 0; i < n && rc == 0; i++)
		rc = map_new(b, &region[i]);
	return rc;
}

static void bus_close(void *ctx)
{
	struct bus_device *b = ctx;

	while (b->n_mapped > 0)
		unmap(b, b->n_mapped - 1);
}

static const struct vnic_pci_regs bus_regs = {
	.config = bus_config,
	.bar_len = bus_bar_len,
	.read = bus_read,
	.write = bus_write,
	.map = bus_map,
	.share = bus_share,
	.close = bus_close,
};

static int read_args(struct vnic_dev *d, const struct rte_pci_device *dev)
{
	const char *text = dev->device.devargs != NULL ? dev->device.devargs->args : NULL;
	char why[512];
	int rc = vnic_args_parse(&d->args, text, why, sizeof(why));

	if (rc < 0)
		VNIC_LOG(ERR, d, "%s", why);
	return rc;
}

static int make_port(struct rte_pci_device *dev, struct vnic_dev *d)
{
	struct rte_eth_dev *eth = rte_eth_dev_pci_allocate(dev, sizeof(struct vnic_dev *));
	int rc;

	if (eth == NULL)
		return -ENOMEM;
	rc = vnic_ethdev_create(eth, d);
	if (rc < 0) {
		rte_eth_dev_release_port(eth);
		return rc;
	}
	rte_eth_dev_probing_finish(eth);
	return 0;
}

static int vnic_pci_probe(struct rte_pci_driver *drv, struct rte_pci_device *dev)
{
	struct bus_device *b;
	struct vnic_dev *d;
	int rc = -ENOMEM;

	if (rte_eal_process_type() != RTE_PROC_PRIMARY)
		return -ENOTSUP;
	d = calloc(1, sizeof(*d));
	b = calloc(1, sizeof(*b));
	if (d == NULL || b == NULL)
		goto out;
	snprintf(d->name, sizeof(d->name), "%s", dev->device.name);
	*b = (struct bus_device){ .pci = { .regs = &bus_regs, .ctx = b }, .dev = dev };
	d->ops = &vnic_pci_ops;
	d->transport = &b->pci;
	d->transport_flags = VNIC_TRANSPORT_CONFIG | VNIC_TRANSPORT_CTRL;
	rc = read_args(d, dev);
	if (rc < 0)
		goto out;
	rc = rte_pci_set_bus_master(dev, true);
	if (rc < 0) {
		VNIC_LOG(ERR, d, "the device cannot be made a bus master");
		goto out;
	}
	rc = make_port(dev, d);
	if (rc == 0)
		return 0;
out:
	free(b);
	free(d);
	return rc;
}

static int vnic_pci_remove(struct rte_pci_device *dev)
{
	struct rte_eth_dev *eth = rte_eth_dev_allocated(dev->device.name);

	return eth == NULL ? 0 : rte_eth_dev_close(eth->data->port_id);
}

static const struct rte_pci_id vnic_pci_ids[] = {
	{ RTE_PCI_DEVICE(VNIC_PCI_VENDOR, VNIC_PCI_NET_MODERN) },
	{ RTE_PCI_DEVICE(VNIC_PCI_VENDOR, VNIC_PCI_NET_LEGACY) },
	{ .vendor_id = 0 },
};

static struct rte_pci_driver vnic_pci = {
	.driver = { .name = "net_vnic_pci" },
	.id_table = vnic_pci_ids,
	.drv_flags = RTE_PCI_DRV_NEED_MAPPING,
	.probe = vnic_pci_probe,
	.remove = vnic_pci_remove,
};

RTE_PMD_REGISTER_PCI(net_vnic_pci, vnic_pci);
RTE_PMD_REGISTER_PCI_TABLE(net_vnic_pci, vnic_pci_ids);
RTE_PMD_REGISTER_KMOD_DEP(net_vnic_pci, "* uio_pci_generic | vfio-pci");
