/* SPDX-License-Identifier: BSD-3-Clause */
/* What a packet header asks for: does it fit the packet, may the driver see it, the checksum done here. */
#include <errno.h>
#include <netinet/in.h>

#include "app/vnicd/dev/iov.h"
#include "app/vnicd/dev/nic_private.h"

#define TCP_CSUM 16u
#define UDP_CSUM 6u

static bool guest_has(const struct vnicd_nic *nic, unsigned feature)
{
	return (nic->guest_offloads >> feature) & 1;
}

bool vnicd_gso_pass(const struct vnicd_nic *nic, const struct vnic_net_hdr *hdr, bool v6)
{
	if ((hdr->gso_type & VIRTIO_NET_HDR_GSO_ECN) != 0 && !guest_has(nic, VIRTIO_NET_F_GUEST_ECN))
		return false;
	switch (hdr->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return guest_has(nic, VIRTIO_NET_F_GUEST_TSO4);
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return guest_has(nic, VIRTIO_NET_F_GUEST_TSO6);
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		return guest_has(nic, v6 ? VIRTIO_NET_F_GUEST_USO6 : VIRTIO_NET_F_GUEST_USO4);
	default:
		return false;
	}
}

bool vnicd_csum_fits(const struct vnic_net_hdr *hdr, uint32_t len)
{
	return hdr->csum_start >= RTE_ETHER_HDR_LEN &&
	       (uint32_t)hdr->csum_start + hdr->csum_offset + 2 <= len;
}

bool vnicd_gso_fits(const struct vnic_net_hdr *hdr, const struct vnicd_look *l, uint32_t len, uint16_t *hdr_len)
{
	uint8_t type = hdr->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
	bool tcp = type == VIRTIO_NET_HDR_GSO_TCPV4 || type == VIRTIO_NET_HDR_GSO_TCPV6;

	if (!tcp && type != VIRTIO_NET_HDR_GSO_UDP_L4)
		return false;
	if (l->l4 == 0 || l->proto != (tcp ? IPPROTO_TCP : IPPROTO_UDP) || l->payload > len)
		return false;
	if (tcp && l->v6 != (type == VIRTIO_NET_HDR_GSO_TCPV6))
		return false;
	if (hdr->gso_size == 0 || (hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0)
		return false;
	if (hdr->csum_start != l->l4 || hdr->csum_offset != (tcp ? TCP_CSUM : UDP_CSUM))
		return false;
	*hdr_len = l->payload;
	return true;
}

uint16_t vnicd_csum_of(const struct vnic_net_hdr *hdr, const struct iovec *iov, unsigned n, uint32_t len)
{
	struct vnicd_cursor c = vnicd_cursor(iov, n);
	uint16_t sum;

	vnicd_cursor_skip(&c, hdr->csum_start);
	sum = (uint16_t)~vnicd_cursor_sum(&c, len - hdr->csum_start);
	/* 0 means none in UDP (RFC 768). */
	return sum == 0 && hdr->csum_offset == UDP_CSUM ? 0xffff : sum;
}

int vnicd_csum_complete(struct vnicd_scratch *s, const struct vnicd_frame *f, uint16_t *sum, struct vnicd_frame *out)
{
	uint32_t at = (uint32_t)f->hdr.csum_start + f->hdr.csum_offset;
	struct vnicd_cursor c = vnicd_cursor(f->iov, f->n);
	int n, m;

	*sum = vnicd_csum_of(&f->hdr, f->iov, f->n, f->len);
	n = vnicd_cursor_slice(&c, at, s->src, VNICD_SRC_MAX - 1);
	if (n < 0)
		return -EINVAL;
	s->src[n++] = (struct iovec){ sum, sizeof(*sum) };
	vnicd_cursor_skip(&c, sizeof(*sum));
	m = vnicd_cursor_slice(&c, f->len - at - sizeof(*sum), s->src + n, (unsigned)(VNICD_SRC_MAX - n));
	if (m < 0)
		return -EINVAL;
	*out = *f;
	out->hdr.flags &= (uint8_t)~VIRTIO_NET_HDR_F_NEEDS_CSUM;
	out->hdr.csum_start = out->hdr.csum_offset = 0;
	out->iov = s->src;
	out->n = (uint16_t)(n + m);
	return 0;
}
