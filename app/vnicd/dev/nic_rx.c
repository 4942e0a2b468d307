/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets for the driver (virtio 1.2, 5.1.6.4): which queue, what has to be done to them, into which buffers. */
#include <errno.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "app/vnicd/dev/iov.h"
#include "app/vnicd/dev/nic_private.h"

struct vnicd_queue *vnicd_rx_ready(struct vnicd_nic *nic, uint16_t queue)
{
	struct vnicd_queue *q;

	if (queue >= nic->conf.pairs || queue >= nic->active_pairs)
		return NULL;
	q = &nic->queue[virtio_rxq_index(queue)];
	return q->enabled && q->ring.running ? q : NULL;
}

/* ---- chains of one packet ----------------------------------------------------------- */
/* As if never taken: the last one first. */
static void undo(struct vnicd_scratch *s, struct vnicd_queue *q, unsigned keep)
{
	while (s->n_chains > keep)
		vnicd_ring_undo(&q->ring, &s->chain[--s->n_chains]);
}

static int no_room(struct vnicd_nic *nic, struct vnicd_queue *q, enum vnicd_nic_drop why)
{
	if (q->ring.running)
		undo(nic->scratch, q, 0);
	nic->scratch->n_chains = 0;
	q->stats.drops++;
	if (why == VNICD_NIC_DROP_RX_NO_BUFFER)
		q->stats.overruns++;
	return vnicd_nic_dropped(nic, why, why == VNICD_NIC_DROP_RX_NO_BUFFER ? -ENOBUFS : -EMSGSIZE);
}

/* One more chain; *in: its pieces to write. The drop's reason, VNICD_NIC_DROP_COUNT: none. */
static enum vnicd_nic_drop another(struct vnicd_nic *nic, struct vnicd_queue *q, uint32_t need, struct iovec **in)
{
	struct vnicd_scratch *s = nic->scratch;
	struct iovec *iov = s->n_chains == 0 ? s->first : s->more;
	struct vnicd_chain *c = &s->chain[s->n_chains];
	bool first = s->n_chains == 0;

	if (s->n_chains == VNICD_RX_CHAINS)
		return VNICD_NIC_DROP_RX_TOO_SMALL;
	if (vnicd_ring_next(&q->ring, c, iov, VNICD_CHAIN_MAX) <= 0)
		return VNICD_NIC_DROP_RX_NO_BUFFER;
	s->n_chains++;
	if (c->in_len < (first ? nic->hdr_len : 1u))
		return VNICD_NIC_DROP_RX_TOO_SMALL;
	if (!vnicd_nic_has(nic, VIRTIO_NET_F_MRG_RXBUF) && c->in_len < need)
		return VNICD_NIC_DROP_RX_TOO_SMALL;
	*in = iov + c->n_out;
	return VNICD_NIC_DROP_COUNT;
}

/* Into the first chain, once it is known how many there are. */
static void write_header(const struct vnicd_nic *nic, const struct vnicd_frame *f, uint16_t buffers)
{
	const struct vnicd_scratch *s = nic->scratch;
	struct vnicd_cursor c = vnicd_cursor(s->first + s->chain[0].n_out, s->chain[0].n_in);
	struct vnic_net_hdr_hash h = {
		.hdr = {
			.flags = f->hdr.flags,
			.gso_type = f->hdr.gso_type,
			.hdr_len = rte_cpu_to_le_16(f->hdr.hdr_len),
			.gso_size = rte_cpu_to_le_16(f->hdr.gso_size),
			.csum_start = rte_cpu_to_le_16(f->hdr.csum_start),
			.csum_offset = rte_cpu_to_le_16(f->hdr.csum_offset),
			.num_buffers = rte_cpu_to_le_16(buffers),
		},
		.hash_value = rte_cpu_to_le_32(f->hash),
		.hash_report = rte_cpu_to_le_16(f->report),
	};

	vnicd_cursor_write(&c, &h, nic->hdr_len);
}

static void count(struct vnicd_queue_stats *s, const struct vnicd_frame *f)
{
	uint32_t payload;

	s->packets++;
	s->bytes += f->len;
	if ((f->hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0)
		s->csum_needed++;
	else if ((f->hdr.flags & VIRTIO_NET_HDR_F_DATA_VALID) != 0)
		s->csum_valid++;
	else
		s->csum_none++;
	if (f->hdr.gso_type == VIRTIO_NET_HDR_GSO_NONE)
		return;
	s->gso_packets++;
	s->gso_bytes += f->len;
	payload = f->len - f->hdr.hdr_len;
	s->gso_segments += (payload + f->hdr.gso_size - 1) / f->hdr.gso_size;
	s->gso_segment_bytes += payload;
}

/* All chains of scratch are the driver's again, the packet is in them. */
void vnicd_rx_used(struct vnicd_nic *nic, struct vnicd_queue *q, const struct vnicd_frame *f)
{
	struct vnicd_scratch *s = nic->scratch;

	write_header(nic, f, (uint16_t)s->n_chains);
	for (unsigned i = 0; i < s->n_chains; i++)
		vnicd_ring_used(&q->ring, &s->chain[i], s->written[i]);
	s->n_chains = 0;
	count(&q->stats, f);
	vnicd_nic_mark(nic, (uint16_t)(q - nic->queue));
}

static int spread(struct vnicd_nic *nic, struct vnicd_queue *q, const struct vnicd_frame *f)
{
	struct vnicd_scratch *s = nic->scratch;
	struct vnicd_cursor from = vnicd_cursor(f->iov, f->n);
	uint32_t left = f->len;
	struct iovec *in = NULL;

	s->n_chains = 0;
	do {
		uint32_t skip = s->n_chains == 0 ? nic->hdr_len : 0;
		enum vnicd_nic_drop why = another(nic, q, skip + left, &in);
		struct vnicd_chain *c;
		struct vnicd_cursor to;
		uint32_t part;

		if (why != VNICD_NIC_DROP_COUNT)
			return no_room(nic, q, why);
		c = &s->chain[s->n_chains - 1];
		to = vnicd_cursor(in, c->n_in);
		vnicd_cursor_skip(&to, skip);
		part = RTE_MIN(left, c->in_len - skip);
		vnicd_cursor_copy(&to, &from, part);
		s->written[s->n_chains - 1] = skip + part;
		left -= part;
	} while (left > 0);
	vnicd_rx_used(nic, q, f);
	return 0;
}

/* ---- give ----------------------------------------------------------------------------- */
static bool guest_csum(const struct vnicd_nic *nic)
{
	return (nic->guest_offloads & VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM)) != 0;
}

/* For a queue that nobody serves now. */
static int nowhere(struct vnicd_nic *nic, uint16_t queue)
{
	if (queue < nic->conf.pairs) {
		nic->queue[virtio_rxq_index(queue)].stats.drops++;
		nic->queue[virtio_rxq_index(queue)].stats.disabled++;
	}
	return vnicd_nic_dropped(nic, VNICD_NIC_DROP_RX_DISABLED, -ENETDOWN);
}

/* A packet that may keep its segmentation; its checksum is seen to. */
static int give_one(struct vnicd_nic *nic, uint16_t queue, const struct vnicd_frame *f)
{
	struct vnicd_queue *q = vnicd_rx_ready(nic, queue);
	struct vnicd_frame done;
	uint16_t sum;

	if (q == NULL)
		return nowhere(nic, queue);
	if (guest_csum(nic))
		return spread(nic, q, f);
	if ((f->hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0) {
		done = *f;
		done.hdr.flags = 0;
		return spread(nic, q, &done);
	}
	if (vnicd_csum_complete(nic->scratch, f, &sum, &done) < 0)
		return vnicd_nic_dropped(nic, VNICD_NIC_DROP_RX_OFFLOAD, -EINVAL);
	done.hdr.flags = 0;
	return spread(nic, q, &done);
}

/* Where the segments of a packet go. */
struct give_to {
	struct vnicd_nic *nic;
	uint16_t queue;
};

static int give_segment(void *arg, const struct vnicd_frame *f)
{
	const struct give_to *to = arg;

	return give_one(to->nic, to->queue, f);
}

static int give_cut(struct vnicd_nic *nic, uint16_t queue, const struct vnicd_frame *f, const struct vnicd_look *l)
{
	struct give_to to = { nic, queue };
	int rc = vnicd_cut(f, l, nic->scratch->seg, VNICD_SRC_MAX, give_segment, &to);

	/* What give_one() dropped it has counted. */
	return rc == -ENOTSUP || rc == -ENOSPC ? vnicd_nic_dropped(nic, VNICD_NIC_DROP_RX_OFFLOAD, -EINVAL) : rc;
}

/* A header that no driver should see: it comes from another driver, or from a tap. */
bool vnicd_give_header_ok(struct vnicd_frame *f)
{
	f->hdr.flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID;
	if ((f->hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0)
		f->hdr.csum_start = f->hdr.csum_offset = 0;
	else if (!vnicd_csum_fits(&f->hdr, f->len))
		return false;
	if (f->hdr.gso_type != VIRTIO_NET_HDR_GSO_NONE)
		return f->hdr.gso_size != 0;
	f->hdr.gso_size = f->hdr.hdr_len = 0;
	return true;
}

int vnicd_nic_give(struct vnicd_nic *nic, int queue, const struct vnicd_frame *frame)
{
	struct vnicd_frame f = *frame;
	struct vnicd_look l;
	uint16_t hdr_len;

	if (f.len < RTE_ETHER_HDR_LEN || f.len > VIRTIO_NET_MAX_GSO || f.n > VNICD_CHAIN_MAX ||
	    !vnicd_give_header_ok(&f))
		return vnicd_nic_dropped(nic, VNICD_NIC_DROP_RX_OFFLOAD, -EINVAL);
	vnicd_look(&l, f.iov, f.n, f.len);
	if (!vnicd_filter_pass(nic, &l))
		return vnicd_nic_dropped(nic, VNICD_NIC_DROP_RX_FILTER, -EPERM);
	f.report = vnicd_hash(nic, &l, &f.hash);
	if (queue < 0)
		queue = vnicd_steer(nic, &l, f.report, f.hash);
	if (f.hdr.gso_type == VIRTIO_NET_HDR_GSO_NONE)
		return give_one(nic, (uint16_t)queue, &f);
	if (vnicd_gso_pass(nic, &f.hdr, l.v6) && vnicd_gso_fits(&f.hdr, &l, f.len, &hdr_len)) {
		f.hdr.hdr_len = hdr_len;
		return give_one(nic, (uint16_t)queue, &f);
	}
	return give_cut(nic, (uint16_t)queue, &f, &l);
}
