/* SPDX-License-Identifier: BSD-3-Clause */
/* The transport over the registers of pci.h. */
#include "pmd/virtio/pci.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_io.h>

#include "pmd/base/arena.h"
#include "pmd/virtio/dev.h"

#define GENERATION_TRIES 64
#define POLL_US          100

static struct vnic_pci *pci_of(const struct vnic_dev *d)
{
	return d->transport;
}

static uint32_t common_read(const struct vnic_pci *p, uint32_t field, unsigned width)
{
	return p->regs->read(p->ctx, p->caps.common.bar, p->caps.common.off + field, width);
}

static void common_write(const struct vnic_pci *p, uint32_t field, unsigned width, uint32_t v)
{
	p->regs->write(p->ctx, p->caps.common.bar, p->caps.common.off + field, width, v);
}

/* 64-bit fields are written as two halves (4.1.3.1). */
static void common_write64(const struct vnic_pci *p, uint32_t field, uint64_t v)
{
	common_write(p, field, 4, (uint32_t)v);
	common_write(p, field + 4, 4, (uint32_t)(v >> 32));
}

/* What a removed device answers. */
static bool is_gone(uint32_t status)
{
	return status == 0xff;
}

static int pci_get_status(struct vnic_dev *d, uint8_t *status)
{
	*status = (uint8_t)common_read(pci_of(d), VNIC_PCI_DEVICE_STATUS, 1);
	return is_gone(*status) ? -ENODEV : 0;
}

/* Wait until a field reads as wanted; all ones are a device that is gone. */
static int wait_field(struct vnic_dev *d, uint32_t field, unsigned width, uint32_t want)
{
	const struct vnic_pci *p = pci_of(d);
	uint32_t gone = width == 1 ? 0xff : 0xffff;
	uint64_t end = rte_get_timer_cycles() + (uint64_t)d->args.reply_ms * rte_get_timer_hz() / 1000;

	for (;;) {
		uint32_t v = common_read(p, field, width);

		if (v == want)
			return 0;
		if (v == gone)
			return -ENODEV;
		if (rte_get_timer_cycles() > end)
			return -ETIMEDOUT;
		usleep(POLL_US);
	}
}

/* 4.1.4.3.2: a reset is over when the status reads 0. */
static int pci_set_status(struct vnic_dev *d, uint8_t status)
{
	int rc;

	common_write(pci_of(d), VNIC_PCI_DEVICE_STATUS, 1, status);
	if (status != VIRTIO_STATUS_RESET)
		return 0;
	rc = wait_field(d, VNIC_PCI_DEVICE_STATUS, 1, 0);
	if (rc < 0)
		VNIC_LOG(ERR, d, "the device does not finish its reset: %s", strerror(-rc));
	return rc;
}

/* May grow when features are accepted: MQ gives QEMU's device its further pairs. */
static uint16_t pci_queue_count(struct vnic_dev *d)
{
	return (uint16_t)common_read(pci_of(d), VNIC_PCI_NUM_QUEUES, 2);
}

static int pci_open(struct vnic_dev *d, bool reconnect)
{
	struct vnic_pci *p = pci_of(d);
	uint8_t status;
	uint16_t queues;
	int rc;

	rc = vnic_pci_find_caps(p->regs, p->ctx, &p->caps);
	if (rc == -ENOTSUP)
		VNIC_LOG(ERR, d, "a legacy device without the modern interface: give it "
			 "\"disable-legacy=on\" (QEMU), legacy is not supported");
	else if (rc < 0)
		VNIC_LOG(ERR, d, "the PCI capabilities are not those of a virtio device: %s", strerror(-rc));
	if (rc == 0)
		rc = pci_get_status(d, &status);
	if (rc == 0)
		rc = pci_set_status(d, VIRTIO_STATUS_RESET);
	if (rc < 0)
		return rc;
	queues = pci_queue_count(d);
	return queues == 0 || queues == 0xffff ? -ENODEV : 0;
}

static void pci_close(struct vnic_dev *d)
{
	struct vnic_pci *p = pci_of(d);

	if (p->caps.common.len != 0)
		common_write(p, VNIC_PCI_DEVICE_STATUS, 1, VIRTIO_STATUS_RESET);
	memset(&p->caps, 0, sizeof(p->caps));
	if (p->regs->close != NULL)
		p->regs->close(p->ctx);
}

static uint64_t feature_word(const struct vnic_pci *p, uint32_t half)
{
	common_write(p, VNIC_PCI_DEVICE_FEATURE_SELECT, 4, half);
	return common_read(p, VNIC_PCI_DEVICE_FEATURE, 4);
}

static int pci_get_features(struct vnic_dev *d, struct vnic_features *out)
{
	const struct vnic_pci *p = pci_of(d);
	uint8_t status;

	for (unsigned w = 0; w < 2; w++)
		out->word[w] = feature_word(p, 2 * w) | feature_word(p, 2 * w + 1) << 32;
	return pci_get_status(d, &status);
}

static int pci_set_features(struct vnic_dev *d, const struct vnic_features *f)
{
	const struct vnic_pci *p = pci_of(d);
	uint8_t status;
	int rc;

	for (uint32_t half = 0; half < 4; half++) {
		common_write(p, VNIC_PCI_DRIVER_FEATURE_SELECT, 4, half);
		common_write(p, VNIC_PCI_DRIVER_FEATURE, 4, (uint32_t)(f->word[half / 2] >> 32 * (half % 2)));
	}
	rc = pci_get_status(d, &status);
	if (rc < 0)
		return rc;
	rc = pci_set_status(d, status | VIRTIO_STATUS_FEATURES_OK);
	if (rc == 0)
		rc = pci_get_status(d, &status);
	if (rc == 0 && (status & VIRTIO_STATUS_FEATURES_OK) == 0) {
		VNIC_LOG(ERR, d, "the device refuses the features chosen");
		rc = -EPROTO;
	}
	return rc;
}

/* 4.1.3.1: as one, if the generation is the same before and after. */
static int pci_config_read(struct vnic_dev *d, uint32_t off, void *buf, uint32_t len)
{
	const struct vnic_pci *p = pci_of(d);
	uint8_t *to = buf, status;

	if (off > p->caps.device.len || len > p->caps.device.len - off)
		return -EINVAL;
	for (unsigned n = 0; n < GENERATION_TRIES; n++) {
		uint32_t before = common_read(p, VNIC_PCI_CONFIG_GENERATION, 1);

		for (uint32_t i = 0; i < len; i++)
			to[i] = (uint8_t)p->regs->read(p->ctx, p->caps.device.bar,
						       p->caps.device.off + off + i, 1);
		if (common_read(p, VNIC_PCI_CONFIG_GENERATION, 1) == before)
			return pci_get_status(d, &status);
	}
	VNIC_LOG(ERR, d, "the configuration changes faster than it can be read");
	return -EAGAIN;
}

static uint16_t pci_queue_max(struct vnic_dev *d, uint16_t vq)
{
	const struct vnic_pci *p = pci_of(d);
	uint32_t size;

	if (vq >= pci_queue_count(d))
		return 0;
	common_write(p, VNIC_PCI_QUEUE_SELECT, 2, vq);
	size = common_read(p, VNIC_PCI_QUEUE_SIZE, 2);
	return size > VRING_SIZE_MAX ? 0 : (uint16_t)size;
}

/* ---- doorbells ------------------------------------------------------------------- */
static void notify16(struct vnic_vq *vq)
{
	rte_write16(vq->index, (void *)vq->notify_data);
}

uint32_t vnic_pci_notify_value(const struct vnic_vq *vq, uint16_t id)
{
	uint32_t at = vq->is_packed ? vq->avail | (uint32_t)vq->avail_wrap << 15 : vq->avail;

	return id | at << 16;
}

static void notify32(struct vnic_vq *vq)
{
	rte_write32(vnic_pci_notify_value(vq, vq->index), (void *)vq->notify_data);
}

/* Not mapped: notify_data is the offset in the notify structure. */
static void notify_write(struct vnic_vq *vq)
{
	const struct vnic_pci *p = pci_of(vq->dev);
	bool data = vnic_has(vq->dev, VIRTIO_F_NOTIFICATION_DATA);

	p->regs->write(p->ctx, p->caps.notify.bar, p->caps.notify.off + (uint32_t)vq->notify_data,
		       data ? 4 : 2, data ? vnic_pci_notify_value(vq, vq->index) : vq->index);
}

static int set_doorbell(struct vnic_dev *d, struct vnic_vq *vq)
{
	const struct vnic_pci *p = pci_of(d);
	unsigned width = vnic_has(d, VIRTIO_F_NOTIFICATION_DATA) ? 4 : 2;
	int64_t off = vnic_pci_doorbell(&p->caps, (uint16_t)common_read(p, VNIC_PCI_QUEUE_NOTIFY_OFF, 2), width);
	void *addr = NULL;

	if (off < 0) {
		VNIC_LOG(ERR, d, "the doorbell of queue %u lies beyond the notify structure", vq->index);
		return -EPROTO;
	}
	if (p->regs->map != NULL)
		addr = p->regs->map(p->ctx, p->caps.notify.bar, p->caps.notify.off + (uint32_t)off, width);
	vq->notify_data = addr != NULL ? (uintptr_t)addr : (uintptr_t)off;
	vq->notify = addr == NULL ? notify_write : width == 4 ? notify32 : notify16;
	return 0;
}

/* 4.1.5.1.3: the size is written even when it is the device's, since a reset
 * queue may have another; 0 is never written to queue_enable. */
static int pci_queue_setup(struct vnic_dev *d, struct vnic_vq *vq)
{
	const struct vnic_pci *p = pci_of(d);
	uint16_t max = pci_queue_max(d, vq->index); /* selects it */
	int rc;

	if (max == 0 || vq->size > max) {
		VNIC_LOG(ERR, d, "queue %u takes %u descriptors at most, not %u", vq->index, max, vq->size);
		return -EINVAL;
	}
	common_write(p, VNIC_PCI_QUEUE_SIZE, 2, vq->size);
	common_write(p, VNIC_PCI_QUEUE_MSIX_VECTOR, 2, VNIC_PCI_NO_VECTOR);
	common_write64(p, VNIC_PCI_QUEUE_DESC, vq->ring.iova);
	common_write64(p, VNIC_PCI_QUEUE_DRIVER, vq->ring.iova + vq->driver_off);
	common_write64(p, VNIC_PCI_QUEUE_DEVICE, vq->ring.iova + vq->device_off);
	rc = set_doorbell(d, vq);
	if (rc < 0)
		return rc;
	common_write(p, VNIC_PCI_QUEUE_ENABLE, 2, 1);
	vq->live = true;
	return 0;
}

/* 2.6.1, 4.1.4.3: written, then waited for; both have to read 0. */
static int pci_queue_reset(struct vnic_dev *d, struct vnic_vq *vq)
{
	const struct vnic_pci *p = pci_of(d);
	int rc;

	if (!vnic_has(d, VIRTIO_F_RING_RESET) || p->caps.common.len < VNIC_PCI_QUEUE_RESET + 2)
		return -ENOTSUP;
	common_write(p, VNIC_PCI_QUEUE_SELECT, 2, vq->index);
	common_write(p, VNIC_PCI_QUEUE_RESET, 2, 1);
	rc = wait_field(d, VNIC_PCI_QUEUE_RESET, 2, 0);
	if (rc == 0)
		rc = wait_field(d, VNIC_PCI_QUEUE_ENABLE, 2, 0);
	if (rc == 0)
		vq->live = false;
	else
		VNIC_LOG(ERR, d, "queue %u does not finish its reset: %s", vq->index, strerror(-rc));
	return rc;
}

/* EAL's memory is mapped by its bus; arenas are ours. */
static int pci_share_memory(struct vnic_dev *d)
{
	const struct vnic_pci *p = pci_of(d);
	struct arena_region region[VNIC_PCI_REGIONS];
	unsigned n = arena_regions(region, RTE_DIM(region));
	int rc;

	if (p->regs->share == NULL)
		return 0;
	rc = n > RTE_DIM(region) ? -E2BIG : p->regs->share(p->ctx, region, n);
	if (rc < 0)
		VNIC_LOG(ERR, d, "the IOMMU does not take %u arenas (%s): are its addresses wide enough?", n,
			 strerror(-rc));
	return rc;
}

static int pci_no_fd(struct vnic_dev *d, uint16_t vq)
{
	return -1;
}

static int pci_no_event_fd(struct vnic_dev *d)
{
	return -1;
}

static int pci_no_event(struct vnic_dev *d)
{
	return 0;
}

const struct vnic_transport_ops vnic_pci_ops = {
	.name = "virtio-pci",
	.open = pci_open,
	.close = pci_close,
	.get_features = pci_get_features,
	.set_features = pci_set_features,
	.get_status = pci_get_status,
	.set_status = pci_set_status,
	.config_read = pci_config_read,
	.queue_count = pci_queue_count,
	.queue_max = pci_queue_max,
	.share_memory = pci_share_memory,
	.queue_setup = pci_queue_setup,
	.queue_reset = pci_queue_reset,
	.queue_fd = pci_no_fd,
	.event_fd = pci_no_event_fd,
	.event = pci_no_event,
};
