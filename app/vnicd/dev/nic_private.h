/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files nic_*.c share. Not for others. */
#ifndef VNICD_NIC_PRIVATE_H
#define VNICD_NIC_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "app/vnicd/dev/nic.h"

/* What a packet begins with is copied once and parsed there: the original may change. */
#define VNICD_LOOK_MAX 256u
#define VNICD_VLAN_NONE 0xffffu

/* IPv4 and IPv6, alone and with TCP and UDP; of IPv6 the header's own addresses. */
#define VNICD_HASH_TYPES 0x3fu

#define VNICD_GUEST_OFFLOADS \
	(VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO4) | \
	 VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO6) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_ECN) | \
	 VIRTIO_BIT(VIRTIO_NET_F_GUEST_USO4) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_USO6))

struct vnicd_look {
	uint8_t b[VNICD_LOOK_MAX];
	uint16_t have;          /* octets in b */
	uint16_t vlan;          /* the outer tag's, VNICD_VLAN_NONE */
	uint16_t l3, l4;        /* offsets; 0: no IP, no complete TCP or UDP header */
	uint16_t payload;       /* behind the TCP or UDP header */
	uint8_t proto;          /* IPPROTO_TCP or IPPROTO_UDP with l4 */
	bool v6;
};

/* Buffers of one packet. */
#define VNICD_RX_CHAINS 1024
#define VNICD_SRC_MAX   (VNICD_CHAIN_MAX + 4)
/* Most segments one packet is cut into: 64 KiB at TCP's smallest size. */
#define VNICD_SEGMENTS_MAX 1500
/* An MTU apart, a frame has an Ethernet header and two tags. */
#define VNICD_FRAME_OVERHEAD 22u

struct vnicd_scratch {
	struct vnicd_chain chain[VNICD_RX_CHAINS];
	uint32_t written[VNICD_RX_CHAINS];
	unsigned n_chains;
	struct iovec first[VNICD_CHAIN_MAX], more[VNICD_CHAIN_MAX]; /* pieces of the first chain, of a later one */
	struct iovec src[VNICD_SRC_MAX];  /* a packet whose checksum is put in */
	struct iovec seg[VNICD_SRC_MAX];  /* a segment */
	struct iovec reserved[VNICD_CHAIN_MAX];
	unsigned n_reserved;              /* pieces; 0: no reservation */
	uint32_t reserved_len;
	uint16_t reserved_queue;
};

/* nic_parse.c: the packet's start, from its pieces. */
void vnicd_look(struct vnicd_look *l, const struct iovec *iov, unsigned n, uint32_t len);

/* nic_filter.c */
bool vnicd_filter_pass(const struct vnicd_nic *nic, const struct vnicd_look *l);

/* nic_hash.c: the report, VIRTIO_NET_HASH_REPORT_NONE when no type enabled fits. */
uint16_t vnicd_hash(const struct vnicd_nic *nic, const struct vnicd_look *l, uint32_t *hash);
void vnicd_hash_key(struct vnicd_nic *nic, const uint8_t *key, unsigned len);
/* The receive queue of a packet. */
uint16_t vnicd_steer(const struct vnicd_nic *nic, const struct vnicd_look *l, uint16_t report, uint32_t hash);

/* nic_finish.c: may this packet be given as it is, but for its checksum? */
bool vnicd_gso_pass(const struct vnicd_nic *nic, const struct vnic_net_hdr *hdr, bool v6);
/* Does the segmentation asked for fit the packet? Fills in *hdr_len. */
bool vnicd_gso_fits(const struct vnic_net_hdr *hdr, const struct vnicd_look *l, uint32_t len, uint16_t *hdr_len);
/* Checksum fields within the packet? */
bool vnicd_csum_fits(const struct vnic_net_hdr *hdr, uint32_t len);
/* The finished checksum of a packet that needs one, in the order of memory. */
uint16_t vnicd_csum_of(const struct vnic_net_hdr *hdr, const struct iovec *iov, unsigned n, uint32_t len);
/* A copy of f, of pieces in scratch, with its checksum completed. -EINVAL: too many pieces. */
int vnicd_csum_complete(struct vnicd_scratch *s, const struct vnicd_frame *f, uint16_t *sum, struct vnicd_frame *out);

/* nic_cut.c: what vnicd_frame_cut() does, with what is known of the packet already. */
int vnicd_cut(const struct vnicd_frame *f, const struct vnicd_look *l, struct iovec *seg, unsigned max,
	      int (*give)(void *arg, const struct vnicd_frame *f), void *arg);

/* nic_rx.c */
struct vnicd_queue *vnicd_rx_ready(struct vnicd_nic *nic, uint16_t queue);
/* All chains in scratch, their octets written, go back to the driver, the header first. */
void vnicd_rx_used(struct vnicd_nic *nic, struct vnicd_queue *q, const struct vnicd_frame *f);
/* A header that no driver should see (it comes from another driver, or from a tap): false. */
bool vnicd_give_header_ok(struct vnicd_frame *f);

/* nic_coal.c: is the notification of what was published on this queue to wait? */
bool vnicd_coal_hold(struct vnicd_nic *nic, uint16_t vq);

/* nic.c */
void vnicd_nic_mark(struct vnicd_nic *nic, uint16_t vq);
int vnicd_nic_dropped(struct vnicd_nic *nic, enum vnicd_nic_drop why, int rc);
/* Filters, steering and offloads as at the start, for these features. */
void vnicd_nic_defaults(struct vnicd_nic *nic);

#endif
