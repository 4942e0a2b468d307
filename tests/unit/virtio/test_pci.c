/* SPDX-License-Identifier: BSD-3-Clause */
/* The PCI transport against a model of its registers. */
#include <errno.h>
#include <string.h>

#include "pmd/virtio/dev.h"
#include "pmd/virtio/pci.h"
#include "tests/unit/test.h"

#define BAR_LEN 0x4000u

/* Registers as QEMU lays them out: common at 0, ISR 0x1000, device 0x2000, notify 0x3000. */
static struct model {
	uint8_t config[256];
	uint64_t offered[2], taken[2];
	uint32_t feature_select, driver_select;
	uint8_t status;
	uint16_t select;
	struct { uint16_t size, enable, reset, vector; uint64_t addr[3]; } queue[4];
	uint8_t net[28];
	uint32_t generation;
	struct { uint32_t off, value; unsigned width; } rung;
	/* misbehaviour */
	bool gone, refuse_features, reset_hangs, queue_reset_hangs, changes_always;
	uint16_t notify_off;
} m;
static struct vnic_pci pci;
static struct vnic_dev dev;

static int config_read(void *ctx, void *buf, unsigned len, unsigned off)
{
	if (off + len > sizeof(m.config))
		return -EINVAL;
	memcpy(buf, m.config + off, len);
	return 0;
}

static uint64_t bar_len(void *ctx, uint8_t bar)
{
	return bar == 4 ? BAR_LEN : 0;
}

static uint32_t common(uint32_t off)
{
	const uint16_t n = m.select & 3;

	switch (off) {
	case VNIC_PCI_DEVICE_FEATURE:
		return (uint32_t)(m.feature_select > 3 ? 0 :
				  m.offered[m.feature_select / 2] >> 32 * (m.feature_select % 2));
	case VNIC_PCI_NUM_QUEUES: return 4;
	case VNIC_PCI_DEVICE_STATUS: return m.status;
	case VNIC_PCI_CONFIG_GENERATION: return (m.changes_always ? m.generation++ : m.generation) & 0xff;
	case VNIC_PCI_QUEUE_SIZE: return m.select < 4 ? m.queue[n].size : 0;
	case VNIC_PCI_QUEUE_ENABLE: return m.queue[n].enable;
	case VNIC_PCI_QUEUE_RESET: return m.queue[n].reset;
	case VNIC_PCI_QUEUE_NOTIFY_OFF: return m.notify_off != 0 ? m.notify_off : m.select;
	default: return 0;
	}
}

static uint32_t reg_read(void *ctx, uint8_t bar, uint32_t off, unsigned width)
{
	if (m.gone)
		return width == 1 ? 0xff : width == 2 ? 0xffff : UINT32_MAX;
	if (off < 0x1000)
		return common(off);
	return off >= 0x2000 && off < 0x2000 + sizeof(m.net) ? m.net[off - 0x2000] : 0;
}

static void write_status(uint8_t v)
{
	if (v == 0 && m.reset_hangs)
		return;
	if (m.refuse_features)
		v &= (uint8_t)~VIRTIO_STATUS_FEATURES_OK;
	m.status = v;
}

static void reg_write(void *ctx, uint8_t bar, uint32_t off, unsigned width, uint32_t v)
{
	unsigned n = m.select & 3;

	if (off >= 0x3000) {
		m.rung.off = off - 0x3000;
		m.rung.value = v;
		m.rung.width = width;
		return;
	}
	switch (off) {
	case VNIC_PCI_DEVICE_FEATURE_SELECT: m.feature_select = v; break;
	case VNIC_PCI_DRIVER_FEATURE_SELECT: m.driver_select = v; break;
	case VNIC_PCI_DRIVER_FEATURE:
		if (m.driver_select < 4)
			m.taken[m.driver_select / 2] |= (uint64_t)v << 32 * (m.driver_select % 2);
		break;
	case VNIC_PCI_DEVICE_STATUS: write_status((uint8_t)v); break;
	case VNIC_PCI_QUEUE_SELECT: m.select = (uint16_t)v; break;
	case VNIC_PCI_QUEUE_SIZE: m.queue[n].size = (uint16_t)v; break;
	case VNIC_PCI_QUEUE_MSIX_VECTOR: m.queue[n].vector = (uint16_t)v; break;
	case VNIC_PCI_QUEUE_ENABLE: m.queue[n].enable = (uint16_t)v; break;
	case VNIC_PCI_QUEUE_RESET:
		m.queue[n].reset = m.queue_reset_hangs;
		if (!m.queue_reset_hangs)
			m.queue[n].enable = 0;
		break;
	default:
		if (off >= VNIC_PCI_QUEUE_DESC && off < VNIC_PCI_QUEUE_DESC + 24)
			m.queue[n].addr[(off - VNIC_PCI_QUEUE_DESC) / 8] |=
				(uint64_t)v << 8 * (off % 8);
	}
}

static const struct vnic_pci_regs regs = {
	.config = config_read, .bar_len = bar_len, .read = reg_read, .write = reg_write,
};

/* A capability at a place in configuration space. */
static void cap(unsigned at, uint8_t next, uint8_t len, uint8_t type, uint8_t bar, uint32_t off, uint32_t length)
{
	uint8_t *c = m.config + at;

	memset(c, 0, 16);
	c[0] = 0x09;
	c[1] = next;
	c[2] = len;
	c[3] = type;
	c[4] = bar;
	memcpy(c + 8, &off, 4);
	memcpy(c + 12, &length, 4);
}

static void start(void)
{
	uint32_t multiplier = 4;

	memset(&m, 0, sizeof(m));
	m.config[0x06] = 0x10;
	m.config[0x34] = 0x40;
	cap(0x40, 0x50, 16, VNIC_PCI_CAP_COMMON, 4, 0, 0x1000);
	cap(0x50, 0x60, 16, VNIC_PCI_CAP_ISR, 4, 0x1000, 0x1000);
	cap(0x60, 0x70, 16, VNIC_PCI_CAP_DEVICE, 4, 0x2000, 0x1000);
	cap(0x70, 0x84, 20, VNIC_PCI_CAP_NOTIFY, 4, 0x3000, 0x1000);
	memcpy(m.config + 0x80, &multiplier, 4);
	m.config[0x84] = 0x11; /* MSI-X */
	m.offered[0] = VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_F_RING_RESET) | 0x23;
	m.offered[1] = 5;
	for (unsigned i = 0; i < 4; i++)
		m.queue[i].size = 256;
	memset(&dev, 0, sizeof(dev));
	snprintf(dev.name, sizeof(dev.name), "model");
	dev.args.reply_ms = 20;
	dev.ops = &vnic_pci_ops;
	pci = (struct vnic_pci){ .regs = &regs };
	dev.transport = &pci;
}

static void pci_find_caps__where_they_are(void)
{
	struct vnic_pci_caps c;

	start();
	CU_ASSERT_EQUAL(vnic_pci_find_caps(&regs, NULL, &c), 0);
	CU_ASSERT_EQUAL(c.common.off, 0);
	CU_ASSERT_EQUAL(c.isr.off, 0x1000);
	CU_ASSERT_EQUAL(c.device.off, 0x2000);
	CU_ASSERT_EQUAL(c.notify.off, 0x3000);
	CU_ASSERT_EQUAL(c.notify_multiplier, 4);
}

static void legacy(void) { m.config[0x34] = 0x84; }
static void no_list(void) { m.config[0x06] = 0; }
static void dead(void) { memset(m.config, 0xff, sizeof(m.config)); }
static void loops(void) { m.config[0x85] = 0x40; }
static void below_64(void) { m.config[0x41] = 0x10; }
static void beyond_bar(void) { cap(0x60, 0x70, 16, VNIC_PCI_CAP_DEVICE, 4, 0x3ff0, 0x20); }
static void wrong_bar(void) { cap(0x60, 0x70, 16, VNIC_PCI_CAP_DEVICE, 6, 0x2000, 0x1000); }
static void empty_bar(void) { cap(0x60, 0x70, 16, VNIC_PCI_CAP_DEVICE, 2, 0x2000, 0x1000); }
static void offset_wraps(void) { cap(0x60, 0x70, 16, VNIC_PCI_CAP_DEVICE, 4, 0xfffffffc, 8); }
static void unaligned(void) { cap(0x60, 0x70, 16, VNIC_PCI_CAP_DEVICE, 4, 0x2002, 0x1000); }
static void short_common(void) { cap(0x40, 0x50, 16, VNIC_PCI_CAP_COMMON, 4, 0, 55); }
static void no_multiplier(void) { cap(0x70, 0x84, 16, VNIC_PCI_CAP_NOTIFY, 4, 0x3000, 0x1000); }
static void short_cap(void) { cap(0x60, 0x70, 12, VNIC_PCI_CAP_DEVICE, 4, 0x2000, 0x1000); }

static void pci_find_caps__refuses(void)
{
	static const struct { void (*spoil)(void); int rc; } cases[] = {
		{ legacy, -ENOTSUP }, { no_list, -ENOTSUP }, { dead, -ENODEV }, { loops, -EINVAL },
		{ below_64, -EINVAL }, { beyond_bar, -EINVAL }, { wrong_bar, -EINVAL },
		{ empty_bar, -EINVAL }, { offset_wraps, -EINVAL }, { unaligned, -EINVAL },
		{ short_common, -EINVAL }, { no_multiplier, -EINVAL }, { short_cap, -EINVAL },
	};

	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		struct vnic_pci_caps c;

		start();
		cases[i].spoil();
		CU_ASSERT_EQUAL(vnic_pci_find_caps(&regs, NULL, &c), cases[i].rc);
		dev.transport = &pci;
		CU_ASSERT_TRUE(vnic_pci_ops.open(&dev, false) < 0);
	}
}

/* 4.1.4.1: the first that can be used of each type. */
static void pci_find_caps__skips_what_it_cannot_use(void)
{
	struct vnic_pci_caps c;

	start();
	cap(0x84, 0x98, 16, VNIC_PCI_CAP_DEVICE, 4, 0x0, 0x100);  /* a second one */
	cap(0x98, 0xac, 16, 5, 4, 0, 4);                          /* configuration access */
	cap(0xac, 0x00, 16, 77, 9, 1, 1);
	CU_ASSERT_EQUAL(vnic_pci_find_caps(&regs, NULL, &c), 0);
	CU_ASSERT_EQUAL(c.device.off, 0x2000);
	cap(0x40, 0x50, 16, VNIC_PCI_CAP_COMMON, 2, 0, 0x1000);   /* no such BAR: the next */
	cap(0xac, 0x00, 16, VNIC_PCI_CAP_COMMON, 4, 0x800, 64);
	CU_ASSERT_EQUAL(vnic_pci_find_caps(&regs, NULL, &c), 0);
	CU_ASSERT_EQUAL(c.common.off, 0x800);
}

static void pci_features__all_four_halves(void)
{
	struct vnic_features f;

	start();
	CU_ASSERT_EQUAL_FATAL(vnic_pci_ops.open(&dev, false), 0);
	CU_ASSERT_EQUAL(vnic_pci_ops.get_features(&dev, &f), 0);
	CU_ASSERT_EQUAL(f.word[0], m.offered[0]);
	CU_ASSERT_EQUAL(f.word[1], 5);
	f.word[1] = 1;
	CU_ASSERT_EQUAL(vnic_pci_ops.set_features(&dev, &f), 0);
	CU_ASSERT_EQUAL(m.taken[0], m.offered[0]);
	CU_ASSERT_EQUAL(m.taken[1], 1);
	CU_ASSERT_TRUE(m.status & VIRTIO_STATUS_FEATURES_OK);
	m.refuse_features = true;
	CU_ASSERT_EQUAL(vnic_pci_ops.set_features(&dev, &f), -EPROTO);
}

static void pci_status__a_reset_that_never_ends(void)
{
	uint8_t s;

	start();
	CU_ASSERT_EQUAL_FATAL(vnic_pci_ops.open(&dev, false), 0);
	CU_ASSERT_EQUAL(vnic_pci_ops.set_status(&dev, VIRTIO_STATUS_DRIVER), 0);
	m.reset_hangs = true;
	CU_ASSERT_EQUAL(vnic_pci_ops.set_status(&dev, 0), -ETIMEDOUT);
	m.gone = true;
	CU_ASSERT_EQUAL(vnic_pci_ops.set_status(&dev, 0), -ENODEV);
	CU_ASSERT_EQUAL(vnic_pci_ops.get_status(&dev, &s), -ENODEV);
}

static void pci_config_read__consistent_or_not_at_all(void)
{
	uint8_t buf[28];

	start();
	for (unsigned i = 0; i < sizeof(m.net); i++)
		m.net[i] = (uint8_t)(i + 1);
	CU_ASSERT_EQUAL_FATAL(vnic_pci_ops.open(&dev, false), 0);
	CU_ASSERT_EQUAL(vnic_pci_ops.config_read(&dev, 6, buf, 4), 0);
	CU_ASSERT_EQUAL(memcmp(buf, m.net + 6, 4), 0);
	CU_ASSERT_EQUAL(vnic_pci_ops.config_read(&dev, 0xff0, buf, 16), 0);
	CU_ASSERT_EQUAL(vnic_pci_ops.config_read(&dev, 0xff0, buf, 17), -EINVAL);
	CU_ASSERT_EQUAL(vnic_pci_ops.config_read(&dev, UINT32_MAX, buf, 4), -EINVAL);
	m.changes_always = true;
	CU_ASSERT_EQUAL(vnic_pci_ops.config_read(&dev, 0, buf, 6), -EAGAIN);
	m.gone = true;
	CU_ASSERT_EQUAL(vnic_pci_ops.config_read(&dev, 0, buf, 6), -ENODEV);
}

static void fill_queue(struct vnic_vq *vq, uint16_t index, uint16_t size)
{
	memset(vq, 0, sizeof(*vq));
	vq->dev = &dev;
	vq->index = index;
	vq->size = size;
	vq->ring.iova = UINT64_C(0x123456789000);
	vq->driver_off = 0x1000;
	vq->device_off = 0x2000;
}

static void pci_queue__set_up_rung_reset(void)
{
	struct vnic_vq vq;

	start();
	CU_ASSERT_EQUAL_FATAL(vnic_pci_ops.open(&dev, false), 0);
	CU_ASSERT_EQUAL(vnic_pci_ops.queue_max(&dev, 3), 256);
	CU_ASSERT_EQUAL(vnic_pci_ops.queue_max(&dev, 4), 0);
	fill_queue(&vq, 2, 512);
	CU_ASSERT_EQUAL(vnic_pci_ops.queue_setup(&dev, &vq), -EINVAL);
	fill_queue(&vq, 2, 128);
	CU_ASSERT_EQUAL_FATAL(vnic_pci_ops.queue_setup(&dev, &vq), 0);
	CU_ASSERT_EQUAL(m.queue[2].size, 128);
	CU_ASSERT_EQUAL(m.queue[2].vector, VNIC_PCI_NO_VECTOR);
	CU_ASSERT_EQUAL(m.queue[2].addr[0], UINT64_C(0x123456789000));
	CU_ASSERT_EQUAL(m.queue[2].addr[1], UINT64_C(0x12345678a000));
	CU_ASSERT_EQUAL(m.queue[2].addr[2], UINT64_C(0x12345678b000));
	CU_ASSERT_EQUAL(m.queue[2].enable, 1);
	vq.notify(&vq);
	CU_ASSERT_EQUAL(m.rung.off, 8);
	CU_ASSERT_EQUAL(m.rung.value, 2);
	CU_ASSERT_EQUAL(m.rung.width, 2);
	CU_ASSERT_EQUAL(vnic_pci_ops.queue_reset(&dev, &vq), -ENOTSUP);
	dev.negotiated.word[0] = VIRTIO_BIT(VIRTIO_F_RING_RESET);
	CU_ASSERT_EQUAL(vnic_pci_ops.queue_reset(&dev, &vq), 0);
	CU_ASSERT_EQUAL(m.queue[2].enable, 0);
	m.queue_reset_hangs = true;
	CU_ASSERT_EQUAL(vnic_pci_ops.queue_reset(&dev, &vq), -ETIMEDOUT);
	m.gone = true;
	CU_ASSERT_EQUAL(vnic_pci_ops.queue_reset(&dev, &vq), -ENODEV);
}

/* 4.1.5.2: 17 of the conformance list. */
static void pci_notify__carries_the_position(void)
{
	static const struct { bool packed; uint16_t avail; bool wrap; uint32_t value; } cases[] = {
		{ false, 5, false, 5u << 16 | 3 }, { false, 0xffff, false, 0xffffu << 16 | 3 },
		{ true, 5, true, 0x8005u << 16 | 3 }, { true, 5, false, 5u << 16 | 3 },
		{ true, 0x7fff, true, 0xffffu << 16 | 3 },
	};
	struct vnic_vq vq;

	start();
	CU_ASSERT_EQUAL_FATAL(vnic_pci_ops.open(&dev, false), 0);
	dev.negotiated.word[0] = VIRTIO_BIT(VIRTIO_F_NOTIFICATION_DATA);
	fill_queue(&vq, 3, 256);
	CU_ASSERT_EQUAL_FATAL(vnic_pci_ops.queue_setup(&dev, &vq), 0);
	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		vq.is_packed = cases[i].packed;
		vq.avail = cases[i].avail;
		vq.avail_wrap = cases[i].wrap;
		vq.notify(&vq);
		CU_ASSERT_EQUAL(m.rung.width, 4);
		CU_ASSERT_EQUAL(m.rung.off, 12);
		CU_ASSERT_EQUAL(m.rung.value, cases[i].value);
	}
	m.notify_off = 1024; /* x 4: just beyond the structure */
	CU_ASSERT_EQUAL(vnic_pci_ops.queue_setup(&dev, &vq), -EPROTO);
}

static const struct test_case cases[] = {
	TEST_CASE(pci_find_caps__where_they_are),
	TEST_CASE(pci_find_caps__refuses),
	TEST_CASE(pci_find_caps__skips_what_it_cannot_use),
	TEST_CASE(pci_features__all_four_halves),
	TEST_CASE(pci_status__a_reset_that_never_ends),
	TEST_CASE(pci_config_read__consistent_or_not_at_all),
	TEST_CASE(pci_queue__set_up_rung_reset),
	TEST_CASE(pci_notify__carries_the_position),
};
TEST_MAIN("virtio_pci", cases)
