/* SPDX-License-Identifier: BSD-3-Clause */
/* The scripted device itself: what the driver's tests rest upon. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pmd/base/arena.h"
#include "pmd/virtio/dev.h"
#include "tests/unit/test.h"
#include "tests/unit/virtio/scripted.h"

#define F(x) VIRTIO_BIT(VIRTIO_##x)

struct lab {
	struct scripted *s;
	struct vnic_dev dev;
	struct vnic_rxq rxq;
	struct rte_mempool *mp;
};

static void lab_open(struct lab *lab, uint64_t features)
{
	struct vnic_features f = { { features | F(F_VERSION_1), 0 } };
	static unsigned serial;
	char name[32];
	int rc;

	test_eal_init();
	memset(lab, 0, sizeof(*lab));
	lab->s = scripted_create(NULL);
	scripted_attach(lab->s, &lab->dev);
	lab->dev.wake_fd = -1;
	lab->dev.hdr_len = features & F(NET_F_HASH_REPORT) ? 20 : 12;
	lab->dev.packed = features & F(F_RING_PACKED) ? true : false;
	CU_ASSERT_FATAL(lab->dev.ops->open(&lab->dev, false) == 0);
	CU_ASSERT_FATAL(lab->dev.ops->set_features(&lab->dev, &f) == 0);
	lab->dev.negotiated = f;
	snprintf(name, sizeof(name), "scripted_%u", serial++);
	lab->mp = plain_pktmbuf_pool(name, 600, 0, 0, RTE_PKTMBUF_HEADROOM + (features & F(NET_F_MRG_RXBUF) ? 256 : 2048), -1, &rc);
	CU_ASSERT_FATAL(lab->mp != NULL);
	CU_ASSERT_FATAL(vnic_mem_create(&lab->dev.mem, &lab->dev, 1 << 20, -1) == 0);
	CU_ASSERT_FATAL(vnic_vq_create(&lab->rxq.vq, &lab->dev, 0, 64, -1) == 0);
	lab->rxq.mp = lab->mp;
	lab->rxq.mergeable = features & F(NET_F_MRG_RXBUF) ? true : false;
	CU_ASSERT_FATAL(vnic_rx_setup(&lab->rxq) == 0);
	CU_ASSERT_FATAL(lab->dev.ops->queue_setup(&lab->dev, &lab->rxq.vq) == 0);
	CU_ASSERT_FATAL(lab->dev.ops->queue_enable(&lab->dev, &lab->rxq.vq, true) == 0);
	CU_ASSERT_FATAL(vnic_rx_fill(&lab->rxq) == 0);
}

static void lab_close(struct lab *lab)
{
	lab->dev.ops->set_status(&lab->dev, 0);
	vnic_rx_drain(&lab->rxq, NULL, 0);
	CU_ASSERT(rte_mempool_avail_count(lab->mp) == lab->mp->size);
	vnic_vq_destroy(&lab->rxq.vq, false);
	vnic_mem_destroy(lab->dev.mem);
	rte_mempool_free(lab->mp);
	scripted_destroy(lab->s);
}

static const uint64_t layouts[] = {
	0, F(F_RING_PACKED), F(NET_F_MRG_RXBUF), F(NET_F_MRG_RXBUF) | F(F_RING_PACKED),
	F(NET_F_MRG_RXBUF) | F(F_RING_PACKED) | F(F_EVENT_IDX), F(NET_F_MRG_RXBUF) | F(F_IN_ORDER),
};

static void scripted_give__is_received(void)
{
	for (unsigned i = 0; i < RTE_DIM(layouts); i++) {
		struct lab lab;
		uint8_t data[900];
		uint32_t len = layouts[i] & F(NET_F_MRG_RXBUF) ? sizeof(data) : 200;

		memset(data, 0xa5, sizeof(data));
		memset(data + 6, 2, 6);
		lab_open(&lab, layouts[i]);
		for (unsigned n = 0; n < 200; n++) {
			struct rte_mbuf *m = NULL;

			CU_ASSERT_FATAL(scripted_give(lab.s, 0, NULL, data, len) == 0);
			CU_ASSERT(vnic_rx_select(&lab.rxq)(&lab.rxq, &m, 1) == 0);
			scripted_flush(lab.s);
			CU_ASSERT_FATAL(vnic_rx_select(&lab.rxq)(&lab.rxq, &m, 1) == 1);
			CU_ASSERT(m->pkt_len == len);
			rte_pktmbuf_free(m);
		}
		CU_ASSERT(lab.s->kicks[0] > 0);
		lab_close(&lab);
	}
}

static void scripted_ops__misbehave_when_told(void)
{
	struct vnic_features f = { { F(F_VERSION_1), 0 } };
	struct vnic_dev dev = { .wake_fd = -1 };
	struct scripted *s = scripted_create(NULL);
	uint8_t status, octets[28];

	scripted_attach(s, &dev);
	CU_ASSERT(dev.ops->open(&dev, false) == 0);
	CU_ASSERT(dev.ops->config_read(&dev, 0, octets, 28) == 0 && octets[5] == 1);
	CU_ASSERT(dev.ops->config_read(&dev, 20, octets, 9) == -EINVAL);
	s->config_override.off = 5;
	s->config_override.len = 1;
	s->config_override.data[0] = 77;
	CU_ASSERT(dev.ops->config_read(&dev, 0, octets, 6) == 0 && octets[5] == 77);
	s->generation_moves = true;
	CU_ASSERT(dev.ops->config_read(&dev, 0, octets, 6) == -EAGAIN);
	s->refuse_features = true;
	CU_ASSERT(dev.ops->set_features(&dev, &f) == -ENOTSUP);
	s->refuse_features = false;
	CU_ASSERT(dev.ops->set_features(&dev, &f) == 0);
	s->needs_reset = true;
	CU_ASSERT(dev.ops->get_status(&dev, &status) == 0);
	CU_ASSERT(status == (VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_NEEDS_RESET));
	scripted_die(s);
	CU_ASSERT(dev.ops->event(&dev) == -ENODEV);
	CU_ASSERT(dev.ops->get_status(&dev, &status) == -ENODEV);
	scripted_return(s);
	CU_ASSERT(dev.ops->get_status(&dev, &status) == 0);
	scripted_config_changed(s);
	CU_ASSERT(dev.ops->event(&dev) == 0 && dev.config_changed);
	scripted_destroy(s);
}

static const struct test_case cases[] = {
	TEST_CASE(scripted_give__is_received),
	TEST_CASE(scripted_ops__misbehave_when_told),
};
TEST_MAIN("scripted", cases)
