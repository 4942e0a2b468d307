/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/vnicd/nic_lab.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

struct vnicd_nic_conf lab_conf(void)
{
	return (struct vnicd_nic_conf){
		.features = NET(CSUM) | NET(GUEST_CSUM) | NET(CTRL_GUEST_OFFLOADS) | NET(MTU) | NET(MAC) |
			    NET(GUEST_TSO4) | NET(GUEST_TSO6) | NET(GUEST_ECN) | NET(HOST_TSO4) | NET(HOST_TSO6) |
			    NET(HOST_ECN) | NET(HOST_USO) | NET(GUEST_USO4) | NET(GUEST_USO6) | NET(MRG_RXBUF) |
			    NET(STATUS) | NET(CTRL_VQ) | NET(CTRL_RX) | NET(CTRL_VLAN) | NET(CTRL_RX_EXTRA) |
			    NET(GUEST_ANNOUNCE) | NET(MQ) | NET(CTRL_MAC_ADDR) | NET(HASH_REPORT) | NET(RSS) |
			    NET(SPEED_DUPLEX) | NET(DEVICE_STATS) | NET(NOTF_COAL) | NET(VQ_NOTF_COAL) |
			    RING(INDIRECT_DESC) | RING(EVENT_IDX) | RING(RING_RESET),
		.pairs = 4, .queue_size = LAB_RING, .mtu = 1500, .speed = 25000,
		.mac = { { 0x02, 0, 0, 0, 0, 0x11 } },
	};
}

static void called(struct vnicd_nic *nic, uint16_t vq)
{
	((struct lab *)nic->owner)->calls[vq]++;
}

static void *zeroes(size_t len)
{
	void *p = calloc(1, len);

	CU_ASSERT_FATAL(p != NULL);
	return p;
}

void lab_start(struct lab *l, uint16_t vq)
{
	struct lab_ring *r = &l->ring[vq];
	struct vnicd_ring_conf conf = { .size = LAB_RING, .desc = r->desc, .driver = r->avail, .device = r->used };

	CU_ASSERT_FATAL(vnicd_ring_start(&l->nic.queue[vq].ring, &conf, &l->nic.memory) == 0);
	l->nic.queue[vq].enabled = true;
}

void lab_open(struct lab *l, uint64_t features)
{
	struct vnicd_nic_conf conf = lab_conf();

	memset(l, 0, sizeof(*l));
	CU_ASSERT_FATAL(vnicd_nic_init(&l->nic, &conf) == 0);
	l->nic.memory.identity = true;
	l->nic.call = called;
	l->nic.owner = l;
	CU_ASSERT_FATAL(vnicd_nic_set_features(&l->nic, features | RING(VERSION_1)) == 0);
	for (uint16_t vq = 0; vq < LAB_QUEUES; vq++) {
		l->ring[vq].desc = zeroes(vring_desc_len(LAB_RING));
		l->ring[vq].avail = zeroes(vring_avail_len(LAB_RING));
		l->ring[vq].used = zeroes(vring_used_len(LAB_RING));
		lab_start(l, vq);
	}
}

void lab_close(struct lab *l)
{
	vnicd_nic_fini(&l->nic);
	for (uint16_t vq = 0; vq < LAB_QUEUES; vq++) {
		for (unsigned i = 0; i < LAB_RING; i++)
			free(l->ring[vq].buf[i]);
		free(l->ring[vq].desc);
		free(l->ring[vq].avail);
		free(l->ring[vq].used);
	}
}

uint16_t lab_post(struct lab *l, uint16_t vq, const struct lab_piece *piece, unsigned n)
{
	struct lab_ring *r = &l->ring[vq];
	uint16_t head = r->next % LAB_RING;

	for (unsigned i = 0; i < n; i++) {
		uint16_t at = r->next++ % LAB_RING;
		struct vring_desc *d = &r->desc[at];

		free(r->buf[at]);
		r->buf[at] = zeroes(piece[i].len);
		if (piece[i].data != NULL)
			memcpy(r->buf[at], piece[i].data, piece[i].len);
		d->addr = (uintptr_t)r->buf[at];
		d->len = piece[i].len;
		d->flags = (i + 1 < n ? VRING_DESC_F_NEXT : 0) | (piece[i].write ? VRING_DESC_F_WRITE : 0);
		d->next = r->next % LAB_RING;
	}
	r->avail->ring[r->avail->idx % LAB_RING] = head;
	r->avail->idx++;
	return head;
}

int lab_used(struct lab *l, uint16_t vq, uint32_t *len)
{
	struct lab_ring *r = &l->ring[vq];
	const struct vring_used_elem *e = &r->used->ring[r->seen % LAB_RING];

	if (r->seen == r->used->idx)
		return -1;
	r->seen++;
	*len = e->len;
	return (int)e->id;
}

void lab_fill(struct lab *l, uint16_t queue, uint32_t len, unsigned n)
{
	const struct lab_piece piece = { NULL, len, true };

	while (n-- > 0)
		lab_post(l, virtio_rxq_index(queue), &piece, 1);
}

/* What a chain holds, gathered; every octet up to len. */
static uint32_t gather(const struct lab_ring *r, int head, uint32_t len, uint8_t *to)
{
	uint32_t done = 0;
	uint16_t at = (uint16_t)head;

	for (;;) {
		const struct vring_desc *d = &r->desc[at];
		uint32_t part = len - done < d->len ? len - done : d->len;

		memcpy(to + done, r->buf[at], part);
		done += part;
		if (!(d->flags & VRING_DESC_F_NEXT))
			return done;
		at = d->next;
	}
}

int lab_recv(struct lab *l, uint16_t queue, struct vnic_net_hdr_hash *hdr, uint8_t *buf)
{
	static uint8_t all[LAB_FRAME + 64];
	uint16_t vq = virtio_rxq_index(queue);
	uint32_t total, len;
	int head;

	vnicd_nic_flush(&l->nic);
	head = lab_used(l, vq, &len);
	if (head < 0)
		return -1;
	CU_ASSERT_FATAL(len >= l->nic.hdr_len && len <= sizeof(all));
	total = gather(&l->ring[vq], head, len, all);
	CU_ASSERT(total == len);
	memset(hdr, 0, sizeof(*hdr));
	memcpy(hdr, all, l->nic.hdr_len);
	for (uint16_t i = 1; i < hdr->hdr.num_buffers; i++) {
		head = lab_used(l, vq, &len);
		CU_ASSERT_FATAL(head >= 0 && len > 0 && total + len <= sizeof(all));
		total += gather(&l->ring[vq], head, len, all + total);
	}
	memcpy(buf, all + l->nic.hdr_len, total - l->nic.hdr_len);
	return (int)(total - l->nic.hdr_len);
}

void lab_send(struct lab *l, uint16_t pair, const struct vnic_net_hdr *hdr, const void *data, uint32_t len,
	      uint32_t piece)
{
	static uint8_t all[LAB_FRAME + 64];
	struct lab_piece p[LAB_RING];
	uint32_t total = l->nic.hdr_len + len, at = 0;
	unsigned n = 0;

	memset(all, 0, l->nic.hdr_len);
	memcpy(all, hdr, sizeof(*hdr));
	memcpy(all + l->nic.hdr_len, data, len);
	while (at < total) {
		uint32_t part = piece == 0 || piece > total - at ? total - at : piece;

		CU_ASSERT_FATAL(n < LAB_RING);
		p[n++] = (struct lab_piece){ all + at, part, false };
		at += part;
	}
	lab_post(l, virtio_txq_index(pair), p, n);
}

int lab_ctrl(struct lab *l, uint8_t class, uint8_t cmd, const void *data, uint32_t len, void *result,
	     uint32_t result_len)
{
	const uint8_t head[2] = { class, cmd }, none = 0x55;
	struct lab_piece p[4] = { { head, 2, false } };
	uint16_t vq = vnicd_nic_ctrl_vq(&l->nic), id;
	unsigned n = 1;
	uint32_t used;

	if (len > 0)
		p[n++] = (struct lab_piece){ data, len, false };
	p[n++] = (struct lab_piece){ &none, 1, true };
	if (result_len > 0)
		p[n++] = (struct lab_piece){ NULL, result_len, true };
	id = lab_post(l, vq, p, n);
	vnicd_nic_ctrl(&l->nic);
	vnicd_nic_flush(&l->nic);
	if (lab_used(l, vq, &used) != id)
		return -1;
	if (result_len > 0)
		memcpy(result, l->ring[vq].buf[(id + n - 1) % LAB_RING], result_len);
	return *(uint8_t *)l->ring[vq].buf[(id + n - 1 - (result_len > 0)) % LAB_RING];
}
