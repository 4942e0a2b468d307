/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/virtio/rx_lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_vect.h>

#include "tests/unit/test.h"

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "rx_lab: %s\n", what);
	exit(1);
}

static void count_kick(struct vnic_vq *vq)
{
	struct rx_lab *lab = (struct rx_lab *)vq->notify_data;

	lab->kicks++;
}

static void set_feature(struct vnic_dev *d, unsigned f, bool on)
{
	if (on)
		d->negotiated.word[f / 64] |= UINT64_C(1) << (f % 64);
}

static void make_pool(struct rx_lab *lab)
{
	const struct rx_lab_opts *o = &lab->opts;
	unsigned n = o->mbufs != 0 ? o->mbufs : o->size + 64u;
	uint16_t room = o->room != 0 ? o->room : RTE_PKTMBUF_HEADROOM + 256;
	static unsigned serial;
	char name[32];
	int rc;

	snprintf(name, sizeof(name), "rx_lab_%u", serial++);
	if (o->pinned) {
		rc = arena_create(&lab->arena, name, arena_pool_size(n, room) + (2u << 20), -1, false);
		need(rc == 0, "no arena");
		lab->mp = arena_pktmbuf_pool(lab->arena, name, n, 0, 0, room, &rc);
	} else {
		lab->mp = plain_pktmbuf_pool(name, n, 0, 0, room, -1, &rc);
	}
	need(lab->mp != NULL, "no pool");
}

int rx_lab_open(struct rx_lab *lab, const struct rx_lab_opts *opts)
{
	struct vnic_rxq *rxq = &lab->rxq;
	struct vnic_dev *d = &lab->dev;
	uint32_t driver, device;

	test_eal_init();
	rte_vect_set_max_simd_bitwidth(opts->vectorized == 2 ? RTE_VECT_SIMD_512 : RTE_VECT_SIMD_256);
	memset(lab, 0, sizeof(*lab));
	lab->opts = *opts;
	make_pool(lab);
	snprintf(d->name, sizeof(d->name), "rx_lab");
	d->wake_fd = -1;
	d->transport_flags = VNIC_TRANSPORT_VA;
	d->args.vectorized = opts->vectorized != 0;
	d->hdr_len = opts->hash ? 20 : 12;
	d->packed = opts->packed;
	set_feature(d, VIRTIO_F_IN_ORDER, opts->in_order);
	need(vnic_mem_create(&d->mem, d, vnic_vq_layout(opts->size, opts->packed, &driver, &device) + 8192, -1) == 0,
	     "no ring memory");
	need(vnic_vq_create(&rxq->vq, d, 0, opts->size, -1) == 0, "no ring");
	rxq->vq.notify = count_kick;
	rxq->vq.notify_data = (uintptr_t)lab;
	rxq->mp = lab->mp;
	rxq->port = 3;
	rxq->frame_max = opts->frame_max;
	rxq->mergeable = opts->mergeable;
	rxq->csum = opts->csum;
	rxq->lro = opts->lro;
	rxq->hash = opts->hash;
	rxq->vlan_strip = opts->vlan_strip;
	need(vnic_rx_setup(rxq) == 0, "buffers too small");
	lab->burst = vnic_rx_select(rxq);
	lab->avail_wrap = lab->used_wrap = true;
	lab->have = calloc(opts->size, sizeof(lab->have[0]));
	need(lab->have != NULL, "no memory");
	return vnic_rx_fill(rxq);
}

void rx_lab_close(struct rx_lab *lab)
{
	vnic_rx_drain(&lab->rxq, NULL, 0);
	CU_ASSERT_EQUAL(lab->bad_offers, 0);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(lab->mp), lab->mp->size);
	vnic_vq_destroy(&lab->rxq.vq, false);
	vnic_mem_destroy(lab->dev.mem);
	rte_mempool_free(lab->mp);
	if (lab->arena != NULL)
		arena_destroy(lab->arena);
	free(lab->have);
}

/* ---- the device -------------------------------------------------------------- */
struct rx_lab_buf *rx_lab_have(struct rx_lab *lab, unsigned i)
{
	return &lab->have[(lab->first + i) % lab->opts.size];
}

static void keep(struct rx_lab *lab, uint16_t id, uint64_t addr, uint32_t len, bool right)
{
	need(lab->n_have < lab->opts.size, "more offered than the ring has");
	lab->bad_offers += !right || len != lab->rxq.buf_len || id >= lab->opts.size;
	*rx_lab_have(lab, lab->n_have++) = (struct rx_lab_buf){ id, len, (uint8_t *)(uintptr_t)addr };
}

static void poll_split(struct rx_lab *lab)
{
	const struct vnic_vq *vq = &lab->rxq.vq;

	while (lab->avail != vq->split.avail->idx) {
		uint16_t pos = lab->avail & (vq->size - 1), id = vq->split.avail->ring[pos];
		const struct vring_desc *d = &vq->split.desc[id];

		keep(lab, id, d->addr, d->len,
		     d->flags == VRING_DESC_F_WRITE && (!lab->opts.in_order || id == pos));
		lab->avail++;
	}
}

static void poll_packed(struct rx_lab *lab)
{
	const struct vnic_vq *vq = &lab->rxq.vq;
	const struct vring_packed_desc *d;

	while (vring_packed_is_avail((d = &vq->packed.desc[lab->avail])->flags, lab->avail_wrap)) {
		keep(lab, d->id, d->addr, d->len,
		     (d->flags & ~(VRING_PACKED_F_AVAIL | VRING_PACKED_F_USED)) == VRING_DESC_F_WRITE);
		if (++lab->avail == vq->size) {
			lab->avail = 0;
			lab->avail_wrap = !lab->avail_wrap;
		}
	}
}

unsigned rx_lab_poll(struct rx_lab *lab)
{
	if (lab->opts.packed)
		poll_packed(lab);
	else
		poll_split(lab);
	return lab->n_have;
}

struct rx_lab_buf rx_lab_take(struct rx_lab *lab)
{
	struct rx_lab_buf b = *rx_lab_have(lab, 0);

	need(lab->n_have != 0, "no buffer to take");
	lab->first = (lab->first + 1) % lab->opts.size;
	lab->n_have--;
	return b;
}

void rx_lab_used(struct rx_lab *lab, uint32_t id, uint32_t len)
{
	const struct vnic_vq *vq = &lab->rxq.vq;

	if (lab->opts.packed) {
		struct vring_packed_desc *d = &vq->packed.desc[lab->used];

		d->id = (uint16_t)id;
		d->len = len;
		d->flags = (uint16_t)(VRING_DESC_F_WRITE | vring_packed_used_flags(lab->used_wrap));
		if (++lab->used == vq->size) {
			lab->used = 0;
			lab->used_wrap = !lab->used_wrap;
		}
		return;
	}
	vq->split.used->ring[lab->used & (vq->size - 1)] = (struct vring_used_elem){ id, len };
	vq->split.used->idx = ++lab->used;
}

/* ---- packets --------------------------------------------------------------------- */
struct vnic_net_hdr_hash rx_lab_hdr(uint16_t n)
{
	return (struct vnic_net_hdr_hash){ .hdr.num_buffers = n };
}

unsigned rx_lab_send(struct rx_lab *lab, struct vnic_net_hdr_hash hdr, const void *data, uint32_t len,
		     unsigned shown, struct rx_lab_buf *later)
{
	uint32_t room = lab->rxq.buf_len, off = lab->dev.hdr_len, total = off + len, k;
	unsigned n = (total + room - 1) / room, i;
	struct rx_lab_buf b;

	need(rx_lab_poll(lab) >= n, "not enough buffers offered");
	if (lab->opts.mergeable)
		hdr.hdr.num_buffers = (uint16_t)n;
	for (i = 0; i < n; i++, off = 0) {
		b = rx_lab_take(lab);
		if (i == 0)
			memcpy(b.data, &hdr, off);
		k = RTE_MIN(len, room - off);
		memcpy(b.data + off, data, k);
		data = (const uint8_t *)data + k;
		len -= k;
		if (i < shown)
			rx_lab_used(lab, b.id, off + k);
		else if (later != NULL)
			*later++ = (struct rx_lab_buf){ b.id, off + k, b.data };
	}
	return n;
}

uint8_t rx_lab_octet(uint32_t seed, uint32_t i)
{
	if (i == 0)
		return 2; /* unicast */
	return (uint8_t)(seed * 2654435761u >> (i % 4 * 8)) ^ (uint8_t)i;
}

unsigned rx_lab_frame(struct rx_lab *lab, uint32_t len, uint32_t seed)
{
	static uint8_t frame[1 << 17];
	uint32_t i;

	need(len <= sizeof(frame), "frame too long");
	for (i = 0; i < len; i++)
		frame[i] = rx_lab_octet(seed, i);
	return rx_lab_send(lab, rx_lab_hdr(1), frame, len, UINT32_MAX, NULL);
}

bool rx_lab_is_frame(const struct rte_mbuf *m, uint32_t len, uint32_t seed)
{
	uint32_t i = 0, segs = 0, k;

	if (m->pkt_len != len)
		return false;
	for (; m != NULL; m = m->next, segs++)
		for (k = 0; k < m->data_len; k++, i++)
			if (*rte_pktmbuf_mtod_offset(m, const uint8_t *, k) != rx_lab_octet(seed, i))
				return false;
	return i == len;
}

struct rte_mbuf *rx_lab_recv(struct rx_lab *lab)
{
	struct rte_mbuf *m = NULL;

	return lab->burst(&lab->rxq, &m, 1) == 1 ? m : NULL;
}
