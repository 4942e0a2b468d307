/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of queue reset share: a port of two pairs on the scripted device, and numbered frames. */
#ifndef TESTS_VIRTIO_RESET_LAB_H
#define TESTS_VIRTIO_RESET_LAB_H

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "pmd/virtio/ethdev_private.h"
#include "pmd/virtio/vnic.h"
#include "tests/unit/test.h"
#include "tests/unit/virtio/port_lab.h"

#define R(f) VIRTIO_BIT(VIRTIO_F_##f)

static const __rte_unused uint64_t layouts[] = { R(RING_PACKED) | R(IN_ORDER), R(RING_PACKED), R(IN_ORDER), 0 };
#define LAYOUTS RTE_DIM(layouts)

static inline void open_pairs(struct port_lab *l, uint64_t hidden, const char *args)
{
	struct vnicd_nic_conf conf = scripted_conf(2);

	port_new(l, &conf);
	l->s->hide_features = hidden;
	CU_ASSERT_FATAL(port_probe(l, args) == 0);
	l->queues = 2;
	l->rx_desc = l->tx_desc = 64;
	CU_ASSERT_FATAL(port_start(l) == 0);
}

static inline struct vnic_vq *vq_of(struct port_lab *l, enum vnic_dir dir, uint16_t q)
{
	return dir == VNIC_RX ? &l->d->rxq[q]->vq : &l->d->txq[q]->vq;
}

/* Frame number n, for the device to give or the driver to send. */
static inline void frame(uint8_t b[60], uint32_t n)
{
	port_octets(n, b, 60);
	memset(b, 0xff, 6);
}

static inline bool gives(struct port_lab *l, uint16_t q, uint32_t n)
{
	uint8_t b[60];
	int rc;

	frame(b, n);
	rc = scripted_give(l->s, q, NULL, b, sizeof(b));
	scripted_flush(l->s);
	return rc == 0;
}

static inline bool is_next(struct port_lab *l, uint16_t q, uint32_t n)
{
	struct rte_mbuf *m = port_recv(l, q);
	uint8_t b[60];
	bool ok;

	if (m == NULL)
		return false;
	frame(b, n);
	ok = m->pkt_len == 60 && memcmp(rte_pktmbuf_mtod(m, const void *), b, 60) == 0;
	rte_pktmbuf_free(m);
	return ok;
}

static inline bool sends(struct port_lab *l, uint16_t q, uint32_t n)
{
	return port_send(l, q, port_frame(l, n, 60, 0));
}

static inline bool takes(struct port_lab *l, uint16_t q, uint32_t n)
{
	uint8_t b[60];

	return scripted_take(l->s, q, NULL, b, sizeof(b)) == 60 && b[59] == port_octet(n, 59);
}

#endif
