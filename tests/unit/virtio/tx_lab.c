/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/virtio/tx_lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "tx_lab: %s\n", what);
	exit(1);
}

static void count_kick(struct vnic_vq *vq)
{
	struct tx_lab *lab = (struct tx_lab *)vq->notify_data;

	lab->kicks++;
}

static void set_feature(struct vnic_dev *d, unsigned f, bool on)
{
	if (on)
		d->negotiated.word[f / 64] |= UINT64_C(1) << (f % 64);
}

static void make_pool(struct tx_lab *lab)
{
	const struct tx_lab_opts *o = &lab->opts;
	unsigned n = o->mbufs != 0 ? o->mbufs : o->size * 2 + 1024u;
	uint16_t room = o->room != 0 ? o->room : RTE_PKTMBUF_HEADROOM + 256;
	static unsigned serial;
	char name[32];
	int rc;

	snprintf(name, sizeof(name), "tx_lab_%u", serial++);
	if (o->pinned) {
		rc = arena_create(&lab->arena, name, arena_pool_size(n, room) + (2u << 20), -1, false);
		need(rc == 0, "no arena");
		lab->mp = arena_pktmbuf_pool(lab->arena, name, n, 0, 0, room, &rc);
	} else {
		lab->mp = plain_pktmbuf_pool(name, n, 0, 0, room, -1, &rc);
	}
	need(lab->mp != NULL, "no pool");
}

static void make_queue(struct tx_lab *lab)
{
	const struct tx_lab_opts *o = &lab->opts;
	struct vnic_txq *q = &lab->txq;
	struct vnic_dev *d = &lab->dev;
	uint32_t driver, device;
	size_t len = vnic_vq_layout(o->size, o->packed, &driver, &device);

	need(vnic_mem_create(&d->mem, d, len + o->size * sizeof(struct vnic_tx_room) + 16384, -1) == 0, "no memory");
	need(vnic_vq_create(&q->vq, d, 1, o->size, -1) == 0, "no ring");
	need(vnic_tx_room_create(q) == 0, "no room");
	q->vq.notify = count_kick;
	q->vq.notify_data = (uintptr_t)lab;
	q->free_thresh = o->thresh;
	q->csum = o->csum;
	q->tso = o->tso;
	q->offloads = (o->csum ? RTE_ETH_TX_OFFLOAD_TCP_CKSUM : 0) | (o->tso ? RTE_ETH_TX_OFFLOAD_TCP_TSO : 0) |
		      (o->vlan ? RTE_ETH_TX_OFFLOAD_VLAN_INSERT : 0);
	lab->burst = vnic_tx_select(q);
	need(lab->burst != NULL, "no burst");
}

static void make_device(struct tx_lab *lab)
{
	const struct tx_lab_opts *o = &lab->opts;
	const struct vnic_vq *vq = &lab->txq.vq;
	struct vnicd_ring_conf conf = {
		.size = o->size, .packed = o->packed, .in_order = o->in_order, .event_idx = o->event_idx,
		.indirect = o->indirect, .desc = vq->ring.va,
		.driver = (uint8_t *)vq->ring.va + vq->driver_off,
		.device = (uint8_t *)vq->ring.va + vq->device_off,
		.base = o->packed ? 0x8000 : 0, .used_base = o->packed ? 0x8000 : 0,
	};

	vnicd_memory_init(&lab->memory, true);
	need(vnicd_ring_start(&lab->ring, &conf, &lab->memory) == 0, "no device");
	lab->held = calloc(o->size, sizeof(lab->held[0]));
	need(lab->held != NULL, "no memory");
}

void tx_lab_open(struct tx_lab *lab, const struct tx_lab_opts *opts)
{
	struct vnic_dev *d = &lab->dev;

	test_eal_init();
	memset(lab, 0, sizeof(*lab));
	lab->opts = *opts;
	make_pool(lab);
	snprintf(d->name, sizeof(d->name), "tx_lab");
	d->wake_fd = -1;
	d->transport_flags = VNIC_TRANSPORT_VA;
	d->hdr_len = opts->hash ? 20 : 12;
	d->packed = opts->packed;
	set_feature(d, VIRTIO_F_IN_ORDER, opts->in_order);
	set_feature(d, VIRTIO_F_EVENT_IDX, opts->event_idx);
	set_feature(d, VIRTIO_F_INDIRECT_DESC, opts->indirect);
	set_feature(d, VIRTIO_NET_F_CSUM, opts->csum);
	set_feature(d, VIRTIO_NET_F_HOST_TSO4, opts->tso);
	set_feature(d, VIRTIO_NET_F_HOST_TSO6, opts->tso);
	make_queue(lab);
	make_device(lab);
}

void tx_lab_close(struct tx_lab *lab)
{
	struct vnic_txq *q = &lab->txq;

	vnicd_ring_lie(&lab->ring, VNICD_LIE_NONE, 0);
	vnic_tx_drain(q);
	CU_ASSERT_EQUAL(q->posted, q->done);
	CU_ASSERT_EQUAL(q->posted_bytes, q->done_bytes);
	CU_ASSERT_EQUAL(lab->ring.error, VNICD_RING_ERROR_NONE);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(lab->mp), lab->mp->size);
	vnicd_ring_stop(&lab->ring);
	vnicd_memory_fini(&lab->memory);
	vnic_tx_room_destroy(q, false);
	vnic_vq_destroy(&q->vq, false);
	vnic_mem_destroy(lab->dev.mem);
	rte_mempool_free(lab->mp);
	arena_destroy(lab->arena);
	free(lab->held);
}

/* ---- packets ------------------------------------------------------------------------- */
uint8_t tx_lab_octet(uint32_t seed, uint32_t i)
{
	return (uint8_t)(seed * 31 + i * 7 + (i >> 8));
}

struct rte_mbuf *tx_lab_frame(struct tx_lab *lab, uint32_t seed, const uint16_t *lens)
{
	struct rte_mbuf *head = NULL, **at = &head, *m;
	uint32_t n = 0;

	for (; *lens != 0; lens++) {
		m = rte_pktmbuf_alloc(lab->mp);
		need(m != NULL, "pool empty");
		m->data_len = *lens;
		need(m->data_off + m->data_len <= m->buf_len, "segment too long");
		for (unsigned i = 0; i < *lens; i++)
			rte_pktmbuf_mtod(m, uint8_t *)[i] = tx_lab_octet(seed, n++);
		/* What was in the buffer before must not matter. */
		memset(m->buf_addr, 0xa5, m->data_off);
		*at = m;
		at = &m->next;
		head->nb_segs = (uint16_t)(m == head ? 1 : head->nb_segs + 1);
		head->pkt_len = n;
	}
	return head;
}

struct rte_mbuf *tx_lab_frame1(struct tx_lab *lab, uint32_t seed, uint16_t len)
{
	return tx_lab_frame(lab, seed, (const uint16_t[]){ len, 0 });
}

uint16_t tx_lab_send(struct tx_lab *lab, struct rte_mbuf *m)
{
	return lab->burst(&lab->txq, &m, 1);
}

/* ---- the device ------------------------------------------------------------------------ */
static void gather(struct tx_lab *lab)
{
	struct tx_lab_got *g = &lab->got;
	uint32_t hdr_len = lab->dev.hdr_len, at = 0;

	for (unsigned i = 0; i < g->chain.n_out; i++)
		for (size_t k = 0; k < g->iov[i].iov_len; k++, at++) {
			uint8_t octet = ((const uint8_t *)g->iov[i].iov_base)[k];

			need(at < hdr_len + TX_LAB_MAX, "a packet is too long");
			if (at < hdr_len)
				g->hdr[at] = octet;
			else
				g->data[at - hdr_len] = octet;
		}
	CU_ASSERT(at > hdr_len);
	g->len = at - hdr_len;
}

bool tx_lab_take(struct tx_lab *lab)
{
	struct tx_lab_got *g = &lab->got;
	int rc = vnicd_ring_next(&lab->ring, &g->chain, g->iov, VNICD_CHAIN_MAX);

	CU_ASSERT(rc >= 0);
	if (rc <= 0)
		return false;
	CU_ASSERT_EQUAL(g->chain.n_in, 0);
	gather(lab);
	lab->held[(lab->first + lab->n_held) % lab->opts.size] = g->chain;
	lab->n_held++;
	return true;
}

bool tx_lab_is_frame(const struct tx_lab *lab, uint32_t len, uint32_t seed)
{
	const struct tx_lab_got *g = &lab->got;

	for (unsigned i = 0; i < lab->dev.hdr_len; i++)
		if (g->hdr[i] != 0)
			return false;
	for (uint32_t i = 0; i < g->len; i++)
		if (g->data[i] != tx_lab_octet(seed, i))
			return false;
	return g->len == len;
}

void tx_lab_use(struct tx_lab *lab, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		need(lab->n_held > 0, "nothing held");
		vnicd_ring_used(&lab->ring, &lab->held[lab->first], 0);
		lab->first = (lab->first + 1) % lab->opts.size;
		lab->n_held--;
	}
	vnicd_ring_publish(&lab->ring);
}

void tx_lab_use_at(struct tx_lab *lab, unsigned i)
{
	unsigned size = lab->opts.size;

	need(i < lab->n_held, "nothing held there");
	vnicd_ring_used(&lab->ring, &lab->held[(lab->first + i) % size], 0);
	for (; i + 1 < lab->n_held; i++)
		lab->held[(lab->first + i) % size] = lab->held[(lab->first + i + 1) % size];
	lab->n_held--;
}
