/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/virtio/pci.h"

#include <errno.h>
#include <string.h>

#include <rte_byteorder.h>

#define PCI_STATUS          0x06
#define PCI_STATUS_CAP_LIST 0x10
#define PCI_CAP_LIST        0x34
#define PCI_CAP_VENDOR      0x09
#define PCI_CAPS_MAX        48   /* as many as fit the configuration space */

/* The capability as PCI has it. */
struct wire_cap {
	uint8_t id, next, len, type, bar, cap_id, padding[2];
	rte_le32_t offset, length;
} __attribute__((packed));
_Static_assert(sizeof(struct wire_cap) == 16, "capability");

static struct vnic_pci_area *area_of(struct vnic_pci_caps *caps, uint8_t type)
{
	switch (type) {
	case VNIC_PCI_CAP_COMMON: return &caps->common;
	case VNIC_PCI_CAP_NOTIFY: return &caps->notify;
	case VNIC_PCI_CAP_ISR: return &caps->isr;
	case VNIC_PCI_CAP_DEVICE: return &caps->device;
	default: return NULL;
	}
}

/* 4.1.4: notify structures are aligned to 2, common and device ones to 4. */
static bool usable(const struct vnic_pci_regs *regs, void *ctx, const struct wire_cap *cap)
{
	uint32_t off = rte_le_to_cpu_32(cap->offset), len = rte_le_to_cpu_32(cap->length);
	uint32_t align = cap->type == VNIC_PCI_CAP_ISR ? 1 : cap->type == VNIC_PCI_CAP_NOTIFY ? 2 : 4;

	return cap->bar <= 5 && cap->len >= sizeof(*cap) && len != 0 && off % align == 0 &&
	       (uint64_t)off + len <= regs->bar_len(ctx, cap->bar) &&
	       (cap->type != VNIC_PCI_CAP_COMMON || len >= VNIC_PCI_COMMON_LEN);
}

static int take(const struct vnic_pci_regs *regs, void *ctx, const struct wire_cap *cap, unsigned at,
		struct vnic_pci_caps *out)
{
	struct vnic_pci_area *area = area_of(out, cap->type);
	rte_le32_t multiplier;

	if (area == NULL || area->len != 0 || !usable(regs, ctx, cap))
		return 0;
	if (cap->type == VNIC_PCI_CAP_NOTIFY) {
		if (cap->len < sizeof(*cap) + sizeof(multiplier) || at + sizeof(*cap) + 4 > 256)
			return 0;
		if (regs->config(ctx, &multiplier, sizeof(multiplier), at + sizeof(*cap)) < 0)
			return -EIO;
		out->notify_multiplier = rte_le_to_cpu_32(multiplier);
	}
	*area = (struct vnic_pci_area){
		.bar = cap->bar,
		.off = rte_le_to_cpu_32(cap->offset),
		.len = rte_le_to_cpu_32(cap->length),
	};
	return 0;
}

static int walk(const struct vnic_pci_regs *regs, void *ctx, uint8_t at, struct vnic_pci_caps *out)
{
	for (unsigned n = 0; at != 0; n++) {
		struct wire_cap cap = { 0 };
		uint8_t head[2];
		int rc;

		at &= 0xfc;
		if (n == PCI_CAPS_MAX || at < 0x40)
			return -EINVAL;
		if (regs->config(ctx, head, sizeof(head), at) < 0)
			return -EIO;
		if (head[0] == PCI_CAP_VENDOR && at + sizeof(cap) <= 256) {
			if (regs->config(ctx, &cap, sizeof(cap), at) < 0)
				return -EIO;
			rc = take(regs, ctx, &cap, at, out);
			if (rc < 0)
				return rc;
		}
		at = head[1];
	}
	return 0;
}

int vnic_pci_find_caps(const struct vnic_pci_regs *regs, void *ctx, struct vnic_pci_caps *out)
{
	rte_le16_t status;
	uint8_t at = 0;
	int rc;

	memset(out, 0, sizeof(*out));
	if (regs->config(ctx, &status, sizeof(status), PCI_STATUS) < 0)
		return -EIO;
	if (status == 0xffff)
		return -ENODEV;
	if ((rte_le_to_cpu_16(status) & PCI_STATUS_CAP_LIST) != 0 &&
	    regs->config(ctx, &at, sizeof(at), PCI_CAP_LIST) < 0)
		return -EIO;
	rc = walk(regs, ctx, at, out);
	if (rc < 0)
		return rc;
	if (out->common.len == 0 && out->notify.len == 0)
		return -ENOTSUP;
	return out->common.len != 0 && out->notify.len != 0 && out->device.len != 0 ? 0 : -EINVAL;
}

int64_t vnic_pci_doorbell(const struct vnic_pci_caps *caps, uint16_t notify_off, unsigned width)
{
	uint64_t off = (uint64_t)notify_off * caps->notify_multiplier;

	if (off + width > caps->notify.len)
		return -EINVAL;
	return (int64_t)off;
}
