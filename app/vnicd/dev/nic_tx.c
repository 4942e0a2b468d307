/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets that the driver sends (virtio 1.2, 5.1.6.2). */
#include <errno.h>
#include <string.h>

#include <rte_byteorder.h>

#include "app/vnicd/dev/iov.h"
#include "app/vnicd/dev/nic_private.h"

/* The longest frame of one segment. */
static uint32_t frame_max(const struct vnicd_nic *nic)
{
	return nic->conf.mtu != 0 ? nic->conf.mtu + VNICD_FRAME_OVERHEAD : VIRTIO_NET_MAX_GSO;
}

static bool host_gso(const struct vnicd_nic *nic, uint8_t type)
{
	if ((type & VIRTIO_NET_HDR_GSO_ECN) != 0 && !vnicd_nic_has(nic, VIRTIO_NET_F_HOST_ECN))
		return false;
	switch (type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return vnicd_nic_has(nic, VIRTIO_NET_F_HOST_TSO4);
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return vnicd_nic_has(nic, VIRTIO_NET_F_HOST_TSO6);
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		return vnicd_nic_has(nic, VIRTIO_NET_F_HOST_USO);
	default:
		return false;
	}
}

/* What the driver must not set (5.1.6.2.1) is ignored or cleared, what makes no sense is refused. */
static bool header_ok(const struct vnicd_nic *nic, struct vnicd_frame *f)
{
	struct vnic_net_hdr *h = &f->hdr;
	struct vnicd_look l;

	h->flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->num_buffers = 0;
	if (h->flags == 0)
		h->csum_start = h->csum_offset = 0;
	else if (!vnicd_nic_has(nic, VIRTIO_NET_F_CSUM) || !vnicd_csum_fits(h, f->len))
		return false;
	if (h->gso_type == VIRTIO_NET_HDR_GSO_NONE) {
		h->gso_size = h->hdr_len = 0;
		return true;
	}
	if (!host_gso(nic, h->gso_type))
		return false;
	vnicd_look(&l, f->iov, f->n, f->len);
	return vnicd_gso_fits(h, &l, f->len, &h->hdr_len);
}

/* Little endian, as it lies in the driver's memory. */
static void header_read(struct vnicd_cursor *c, struct vnicd_frame *f, uint8_t hdr_len)
{
	struct vnic_net_hdr *h = &f->hdr;

	vnicd_cursor_read(c, h, sizeof(*h));
	vnicd_cursor_skip(c, hdr_len - sizeof(*h));
	h->hdr_len = rte_le_to_cpu_16(h->hdr_len);
	h->gso_size = rte_le_to_cpu_16(h->gso_size);
	h->csum_start = rte_le_to_cpu_16(h->csum_start);
	h->csum_offset = rte_le_to_cpu_16(h->csum_offset);
}

/* Header and payload apart. VNICD_NIC_DROP_COUNT: it is good. */
static enum vnicd_nic_drop examine(const struct vnicd_nic *nic, const struct vnicd_chain *c, struct vnicd_frame *f,
				   struct iovec *iov)
{
	struct vnicd_cursor at = vnicd_cursor(iov, c->n_out);
	unsigned skip;

	if (c->out_len < nic->hdr_len + (uint32_t)RTE_ETHER_HDR_LEN)
		return VNICD_NIC_DROP_TX_SHORT;
	header_read(&at, f, nic->hdr_len);
	skip = (unsigned)(at.iov - iov);
	iov[skip].iov_base = (uint8_t *)iov[skip].iov_base + at.off;
	iov[skip].iov_len -= at.off;
	f->iov = iov + skip;
	f->n = (uint16_t)at.n;
	f->len = c->out_len - nic->hdr_len;
	f->hash = 0;
	f->report = VIRTIO_NET_HASH_REPORT_NONE;
	if (f->len > (f->hdr.gso_type != VIRTIO_NET_HDR_GSO_NONE ? VIRTIO_NET_MAX_GSO : frame_max(nic)))
		return VNICD_NIC_DROP_TX_LONG;
	return header_ok(nic, f) ? VNICD_NIC_DROP_COUNT : VNICD_NIC_DROP_TX_HEADER;
}

static void count(struct vnicd_queue_stats *s, const struct vnicd_frame *f)
{
	uint32_t payload;

	s->packets++;
	s->bytes += f->len;
	if ((f->hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0)
		s->csum_needed++;
	else
		s->csum_none++;
	if (f->hdr.gso_type == VIRTIO_NET_HDR_GSO_NONE)
		return;
	payload = f->len - f->hdr.hdr_len;
	s->gso_packets++;
	s->gso_bytes += f->len;
	if (payload <= f->hdr.gso_size) {
		s->noseg_packets++;
		s->noseg_bytes += f->len;
		return;
	}
	payload = (payload + f->hdr.gso_size - 1) / f->hdr.gso_size;
	s->gso_segments += payload;
	s->gso_segment_bytes += f->len + (uint64_t)(payload - 1) * f->hdr.hdr_len;
}

static void give_back(struct vnicd_nic *nic, uint16_t vq)
{
	struct vnicd_queue *q = &nic->queue[vq];

	if (q->ring.running) {
		vnicd_ring_used(&q->ring, &q->chain, 0);
		vnicd_nic_mark(nic, vq);
	}
}

int vnicd_nic_take(struct vnicd_nic *nic, uint16_t pair, struct vnicd_frame *f, struct iovec *iov, unsigned max)
{
	uint16_t vq = virtio_txq_index(pair);
	struct vnicd_queue *q = &nic->queue[vq];

	if (pair >= nic->conf.pairs || pair >= nic->active_pairs)
		return 0;
	vnicd_nic_taken(nic, pair);
	/* No more than a ring's worth of bad ones in a turn. What is on a ring that is disabled is thrown away. */
	for (unsigned i = 0; i <= q->ring.conf.size; i++) {
		int rc = vnicd_ring_next(&q->ring, &q->chain, iov, max);
		enum vnicd_nic_drop why;

		if (rc <= 0)
			return rc;
		why = q->enabled ? examine(nic, &q->chain, f, iov) : VNICD_NIC_DROP_TX_DISABLED;
		if (why == VNICD_NIC_DROP_COUNT) {
			count(&q->stats, f);
			q->taken = true;
			return 1;
		}
		nic->drop[why]++;
		q->stats.malformed += why != VNICD_NIC_DROP_TX_DISABLED;
		give_back(nic, vq);
	}
	return 0;
}

void vnicd_nic_taken(struct vnicd_nic *nic, uint16_t pair)
{
	uint16_t vq = virtio_txq_index(pair);

	if (!nic->queue[vq].taken)
		return;
	nic->queue[vq].taken = false;
	give_back(nic, vq);
}
