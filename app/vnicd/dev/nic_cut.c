/* SPDX-License-Identifier: BSD-3-Clause */
/* A super-segment cut into what a driver takes that has not negotiated it. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "app/vnicd/dev/iov.h"
#include "app/vnicd/dev/nic_private.h"
#include "proto/net/offload.h"

#define TCP_FIN 0x01u
#define TCP_PSH 0x08u
#define TCP_CWR 0x80u

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* The folded sum of the pseudo header, as a driver leaves it in the checksum field (5.1.6.2). */
static uint16_t pseudo_sum(const uint8_t *h, const struct vnicd_look *l, uint32_t l4_len)
{
	const uint8_t tail[4] = { 0, l->proto, (uint8_t)(l4_len >> 8), (uint8_t)l4_len };
	uint32_t sum = net_raw_cksum(tail, sizeof(tail));

	sum += l->v6 ? net_raw_cksum(h + l->l3 + 8, 32) : net_raw_cksum(h + l->l3 + 12, 8);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static void patch_ip(uint8_t *h, const struct vnicd_look *l, uint32_t len, uint32_t i)
{
	uint8_t *ip = h + l->l3;
	uint16_t sum;

	if (l->v6) {
		put16(ip + 4, len - l->l3 - 40);
		return;
	}
	put16(ip + 2, len - l->l3);
	put16(ip + 4, get16(ip + 4) + i);
	put16(ip + 10, 0);
	sum = (uint16_t)~net_raw_cksum(ip, (ip[0] & 15) * 4u);
	memcpy(ip + 10, &sum, sizeof(sum));
}

/* Flags that mean the whole: CWR goes with the first segment, FIN and PSH with the last. */
static void patch_tcp(uint8_t *tcp, uint32_t off, bool last)
{
	uint32_t seq;

	memcpy(&seq, tcp + 4, sizeof(seq));
	seq = rte_cpu_to_be_32(rte_be_to_cpu_32(seq) + off);
	memcpy(tcp + 4, &seq, sizeof(seq));
	if (off > 0)
		tcp[13] &= (uint8_t)~TCP_CWR;
	if (!last)
		tcp[13] &= (uint8_t)~(TCP_FIN | TCP_PSH);
}

/* Headers of the i-th segment, which has part octets of payload from off on. */
static void segment_headers(uint8_t *h, const struct vnicd_look *l, uint32_t i, uint32_t off, uint32_t part,
			    bool last)
{
	uint32_t len = l->payload + part;
	bool tcp = l->proto == IPPROTO_TCP;
	uint16_t sum;

	memcpy(h, l->b, l->payload);
	patch_ip(h, l, len, i);
	if (tcp)
		patch_tcp(h + l->l4, off, last);
	else
		put16(h + l->l4 + 4, len - l->l4);
	sum = pseudo_sum(h, l, len - l->l4);
	memcpy(h + l->l4 + (tcp ? 16 : 6), &sum, sizeof(sum));
}

static bool possible(const struct vnicd_frame *f, const struct vnicd_look *l)
{
	uint16_t hdr_len;

	if (!vnicd_gso_fits(&f->hdr, l, f->len, &hdr_len))
		return false;
	/* A routing header would change whose addresses are in the pseudo header. */
	if (l->v6 && l->l4 != l->l3 + 40)
		return false;
	return (f->len - l->payload) / f->hdr.gso_size < VNICD_SEGMENTS_MAX;
}

int vnicd_cut(const struct vnicd_frame *f, const struct vnicd_look *l, struct iovec *seg, unsigned max,
	      int (*give)(void *arg, const struct vnicd_frame *f), void *arg)
{
	struct vnicd_cursor c = vnicd_cursor(f->iov, f->n);
	uint32_t left = f->len - l->payload, off = 0, unit = f->hdr.gso_size;
	struct vnicd_frame s = *f;
	uint8_t h[VNICD_LOOK_MAX];
	int rc;

	if (!possible(f, l))
		return -ENOTSUP;
	vnicd_cursor_skip(&c, l->payload);
	s.hdr.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	s.hdr.gso_size = s.hdr.hdr_len = 0;
	s.iov = seg;
	seg[0] = (struct iovec){ h, l->payload };
	for (uint32_t i = 0; i == 0 || left > 0; i++) {
		uint32_t part = RTE_MIN(left, unit);

		left -= part;
		segment_headers(h, l, i, off, part, left == 0);
		rc = vnicd_cursor_slice(&c, part, seg + 1, max - 1);
		if (rc < 0)
			return rc;
		s.n = (uint16_t)(1 + rc);
		s.len = l->payload + part;
		rc = give(arg, &s);
		if (rc < 0)
			return rc;
		off += part;
	}
	return 0;
}

int vnicd_frame_cut(const struct vnicd_frame *f, struct iovec *seg, unsigned max,
		    int (*give)(void *arg, const struct vnicd_frame *f), void *arg)
{
	struct vnicd_look l;

	vnicd_look(&l, f->iov, f->n, f->len);
	return vnicd_cut(f, &l, seg, max, give, arg);
}
