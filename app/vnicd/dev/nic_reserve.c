/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading straight into the driver's buffers: they are taken before it is known what comes. */
#include <errno.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>

#include "app/vnicd/dev/iov.h"
#include "app/vnicd/dev/nic_private.h"

static void undo_all(struct vnicd_scratch *s, struct vnicd_queue *q)
{
	while (s->n_chains > 0) {
		s->n_chains--;
		if (q->ring.running)
			vnicd_ring_undo(&q->ring, &s->chain[s->n_chains]);
	}
	s->n_reserved = 0;
	s->reserved_len = 0;
}

/* One chain's room behind skip octets, appended to the pieces reserved. */
static int reserve_chain(struct vnicd_nic *nic, struct vnicd_queue *q, unsigned max_iov)
{
	struct vnicd_scratch *s = nic->scratch;
	bool first = s->n_chains == 0;
	struct iovec *iov = first ? s->first : s->more;
	struct vnicd_chain *c = &s->chain[s->n_chains];
	uint32_t skip = first ? nic->hdr_len : 0;
	struct vnicd_cursor at;
	int n;

	if (s->n_chains == VNICD_RX_CHAINS || vnicd_ring_next(&q->ring, c, iov, VNICD_CHAIN_MAX) <= 0)
		return -ENOBUFS;
	s->n_chains++;
	if (c->in_len < RTE_MAX(skip, 1u))
		return -ENOBUFS;
	/* A buffer of one piece, as nearly all are: a segment takes 33 of them. */
	if (likely(c->n_out == 0 && c->n_in == 1 && c->in_len > skip && s->n_reserved < max_iov)) {
		s->reserved[s->n_reserved++] = (struct iovec){ (uint8_t *)iov->iov_base + skip, c->in_len - skip };
		s->reserved_len += c->in_len - skip;
		return 0;
	}
	at = vnicd_cursor(iov + c->n_out, c->n_in);
	vnicd_cursor_skip(&at, skip);
	n = vnicd_cursor_slice(&at, c->in_len - skip, s->reserved + s->n_reserved, max_iov - s->n_reserved);
	if (n < 0)
		return -ENOBUFS;
	s->n_reserved += (unsigned)n;
	s->reserved_len += c->in_len - skip;
	return 0;
}

int vnicd_nic_reserve(struct vnicd_nic *nic, uint16_t queue, uint32_t max, struct iovec *iov, unsigned max_iov)
{
	struct vnicd_queue *q = vnicd_rx_ready(nic, queue);
	struct vnicd_scratch *s = nic->scratch;
	bool mergeable = vnicd_nic_has(nic, VIRTIO_NET_F_MRG_RXBUF);
	int rc = 0;

	if (q == NULL || s->n_reserved != 0)
		return -ENOBUFS;
	if (nic->rss)
		return -ENOTSUP;
	s->n_chains = 0;
	s->reserved_len = 0;
	while (rc == 0 && s->reserved_len < max && (mergeable || s->n_chains == 0))
		rc = reserve_chain(nic, q, RTE_MIN(max_iov, (unsigned)VNICD_CHAIN_MAX));
	if (rc == 0 && s->reserved_len < max)
		rc = -ENOTSUP;
	if (rc != 0) {
		undo_all(s, q);
		return rc;
	}
	s->reserved_queue = queue;
	memcpy(iov, s->reserved, s->n_reserved * sizeof(*iov));
	return (int)s->n_reserved;
}

void vnicd_nic_abort(struct vnicd_nic *nic, uint16_t queue)
{
	struct vnicd_scratch *s = nic->scratch;

	if (s->n_reserved != 0 && s->reserved_queue == queue)
		undo_all(s, &nic->queue[virtio_rxq_index(queue)]);
}

static int refuse(struct vnicd_nic *nic, uint16_t queue, enum vnicd_nic_drop why, int rc)
{
	nic->queue[virtio_rxq_index(queue)].stats.drops++;
	nic->queue[virtio_rxq_index(queue)].stats.disabled += why == VNICD_NIC_DROP_RX_DISABLED;
	vnicd_nic_abort(nic, queue);
	return vnicd_nic_dropped(nic, why, rc);
}

/* Checksum, filter, hash, of what lies in the driver's own buffers already. */
static enum vnicd_nic_drop finish(struct vnicd_nic *nic, struct vnicd_frame *f)
{
	struct vnicd_look l;
	struct vnicd_cursor at;
	uint16_t sum;

	vnicd_look(&l, f->iov, f->n, f->len);
	if (!vnicd_filter_pass(nic, &l))
		return VNICD_NIC_DROP_RX_FILTER;
	f->report = vnicd_hash(nic, &l, &f->hash);
	if (f->hdr.gso_type != VIRTIO_NET_HDR_GSO_NONE &&
	    (!vnicd_gso_pass(nic, &f->hdr, l.v6) || !vnicd_gso_fits(&f->hdr, &l, f->len, &f->hdr.hdr_len)))
		return VNICD_NIC_DROP_RX_OFFLOAD;
	if ((nic->guest_offloads & VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM)) != 0)
		return VNICD_NIC_DROP_COUNT;
	if ((f->hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0) {
		sum = vnicd_csum_of(&f->hdr, f->iov, f->n, f->len);
		at = vnicd_cursor(f->iov, f->n);
		vnicd_cursor_skip(&at, (size_t)f->hdr.csum_start + f->hdr.csum_offset);
		vnicd_cursor_write(&at, &sum, sizeof(sum));
	}
	f->hdr.flags = 0;
	f->hdr.csum_start = f->hdr.csum_offset = 0;
	return VNICD_NIC_DROP_COUNT;
}

/* The chains that the packet fills; the others go back. */
static void fit(struct vnicd_nic *nic, struct vnicd_queue *q, uint32_t len)
{
	struct vnicd_scratch *s = nic->scratch;
	unsigned n = 0;

	do {
		uint32_t skip = n == 0 ? nic->hdr_len : 0;
		uint32_t part = RTE_MIN(len, s->chain[n].in_len - skip);

		s->written[n++] = skip + part;
		len -= part;
	} while (len > 0 && n < s->n_chains);
	while (s->n_chains > n)
		vnicd_ring_undo(&q->ring, &s->chain[--s->n_chains]);
}

int vnicd_nic_commit(struct vnicd_nic *nic, uint16_t queue, const struct vnicd_frame *frame)
{
	struct vnicd_queue *q = vnicd_rx_ready(nic, queue);
	struct vnicd_scratch *s = nic->scratch;
	struct vnicd_frame f = *frame;
	enum vnicd_nic_drop why;

	if (s->n_reserved == 0 || s->reserved_queue != queue)
		return -EINVAL;
	if (q == NULL)
		return refuse(nic, queue, VNICD_NIC_DROP_RX_DISABLED, -ENETDOWN);
	f.iov = s->reserved;
	f.n = (uint16_t)s->n_reserved;
	if (f.len < RTE_ETHER_HDR_LEN || f.len > s->reserved_len || !vnicd_give_header_ok(&f))
		return refuse(nic, queue, VNICD_NIC_DROP_RX_OFFLOAD, -EINVAL);
	why = finish(nic, &f);
	if (why != VNICD_NIC_DROP_COUNT)
		return refuse(nic, queue, why, -EINVAL);
	fit(nic, q, f.len);
	vnicd_rx_used(nic, q, &f);
	s->n_reserved = 0;
	return 0;
}
