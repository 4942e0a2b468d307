/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * virtio over PCI, modern interface only (virtio 1.2, 4.1): capabilities,
 * common configuration, doorbells. Registers are reached through a table, so
 * that the same code runs on a mapped device, through QEMU's qtest socket
 * and against a model of the registers in the unit tests.
 */
#ifndef VNIC_PCI_H
#define VNIC_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "pmd/virtio/transport.h"

struct arena_region;
struct vnic_vq;

#define VNIC_PCI_VENDOR       0x1af4
#define VNIC_PCI_NET_MODERN   0x1041
#define VNIC_PCI_NET_LEGACY   0x1000 /* transitional: modern only if the capabilities are there */

/* Capability types (4.1.4). */
enum vnic_pci_cap {
	VNIC_PCI_CAP_COMMON = 1,
	VNIC_PCI_CAP_NOTIFY = 2,
	VNIC_PCI_CAP_ISR = 3,
	VNIC_PCI_CAP_DEVICE = 4,
};

/* Common configuration (4.1.4.3): offset of each field. */
enum vnic_pci_common {
	VNIC_PCI_DEVICE_FEATURE_SELECT = 0,
	VNIC_PCI_DEVICE_FEATURE = 4,
	VNIC_PCI_DRIVER_FEATURE_SELECT = 8,
	VNIC_PCI_DRIVER_FEATURE = 12,
	VNIC_PCI_CONFIG_MSIX_VECTOR = 16,
	VNIC_PCI_NUM_QUEUES = 18,
	VNIC_PCI_DEVICE_STATUS = 20,
	VNIC_PCI_CONFIG_GENERATION = 21,
	VNIC_PCI_QUEUE_SELECT = 22,
	VNIC_PCI_QUEUE_SIZE = 24,
	VNIC_PCI_QUEUE_MSIX_VECTOR = 26,
	VNIC_PCI_QUEUE_ENABLE = 28,
	VNIC_PCI_QUEUE_NOTIFY_OFF = 30,
	VNIC_PCI_QUEUE_DESC = 32,
	VNIC_PCI_QUEUE_DRIVER = 40,
	VNIC_PCI_QUEUE_DEVICE = 48,
	VNIC_PCI_QUEUE_NOTIF_CONFIG_DATA = 56,
	VNIC_PCI_QUEUE_RESET = 58,
};
#define VNIC_PCI_COMMON_LEN 56 /* fields every device has */
#define VNIC_PCI_NO_VECTOR  0xffff

#define VNIC_PCI_REGIONS 32 /* arenas that can be shared */

/* How registers are reached. width: 1, 2 or 4 octets; little-endian devices
 * give and take host order. A device that is gone reads all ones. */
struct vnic_pci_regs {
	/* Configuration space of PCI: 0 or a negative errno. */
	int (*config)(void *ctx, void *buf, unsigned len, unsigned off);
	uint64_t (*bar_len)(void *ctx, uint8_t bar); /* 0: no memory there */
	uint32_t (*read)(void *ctx, uint8_t bar, uint32_t off, unsigned width);
	void (*write)(void *ctx, uint8_t bar, uint32_t off, unsigned width, uint32_t v);
	/* Address of a doorbell where it is mapped; NULL: through write(). */
	void *(*map)(void *ctx, uint8_t bar, uint32_t off, unsigned width);
	/* Have an IOMMU let the device at these arenas, and at no others any more. NULL: not needed. */
	int (*share)(void *ctx, const struct arena_region *region, unsigned n);
	void (*close)(void *ctx);
};

/* Where a structure lies. len 0: not there. */
struct vnic_pci_area {
	uint8_t bar;
	uint32_t off, len;
};

struct vnic_pci_caps {
	struct vnic_pci_area common, notify, isr, device;
	uint32_t notify_multiplier;
};

/* dev->transport of a device on PCI; filled by whoever found it. */
struct vnic_pci {
	const struct vnic_pci_regs *regs;
	void *ctx;
	struct vnic_pci_caps caps;
};

/*
 * Walk the capabilities: the first usable one of each type counts, unknown types
 * and BARs are skipped, what does not fit its BAR is not usable (4.1.4.1).
 * -ENOTSUP: legacy device; -EINVAL: a list that loops or lacks the common, notify or device structure.
 */
int vnic_pci_find_caps(const struct vnic_pci_regs *regs, void *ctx, struct vnic_pci_caps *out);

/* Octets into the notify structure that ring a queue, -EINVAL: beyond its end. */
int64_t vnic_pci_doorbell(const struct vnic_pci_caps *caps, uint16_t notify_off, unsigned width);
/* What is written there: the number, or number and position with NOTIFICATION_DATA (4.1.5.2). */
uint32_t vnic_pci_notify_value(const struct vnic_vq *vq, uint16_t id);

#endif
