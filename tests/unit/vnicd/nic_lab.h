/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtual NIC and the plainest driver there is, in one process: split rings,
 * every buffer its own piece of the heap (so that AddressSanitizer sees each
 * octet too many), and packets made and checked by the test's own arithmetic.
 */
#ifndef TESTS_VNICD_NIC_LAB_H
#define TESTS_VNICD_NIC_LAB_H

#include <stdbool.h>
#include <stdint.h>

#include "app/vnicd/dev/nic.h"

#define LAB_RING   256
#define LAB_QUEUES 9 /* four pairs and the control queue */
#define LAB_FRAME  66000

#define NET(f)  VIRTIO_BIT(VIRTIO_NET_F_##f)
#define RING(f) VIRTIO_BIT(VIRTIO_F_##f)

struct lab_ring {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t next, seen;         /* next descriptor, used entries seen */
	void *buf[LAB_RING];         /* of a descriptor; freed with it */
};

struct lab {
	struct vnicd_nic nic;
	struct lab_ring ring[LAB_QUEUES];
	unsigned calls[LAB_QUEUES];
};

/* Everything offered, of four pairs. */
struct vnicd_nic_conf lab_conf(void);
/* A device of lab_conf() with these features negotiated and every ring started. */
void lab_open(struct lab *l, uint64_t features);
void lab_close(struct lab *l);
void lab_start(struct lab *l, uint16_t vq);

struct lab_piece {
	const void *data; /* NULL: zeroes */
	uint32_t len;
	bool write;
};
/* A chain of copies of the pieces; the octets are lab->ring[vq].buf[id + i]. Returns its head. */
uint16_t lab_post(struct lab *l, uint16_t vq, const struct lab_piece *piece, unsigned n);
/* The next used entry's head, -1: none. */
int lab_used(struct lab *l, uint16_t vq, uint32_t *len);

/* n receive buffers of one piece each. */
void lab_fill(struct lab *l, uint16_t queue, uint32_t len, unsigned n);
/* The next packet: octets into buf, header of nic.hdr_len octets into hdr (hash behind it where
 * negotiated). Length, -1: none. Asserts that buffers follow the rules of 5.1.6.4. */
int lab_recv(struct lab *l, uint16_t queue, struct vnic_net_hdr_hash *hdr, uint8_t *buf);
/* Send a packet behind a header, in pieces of piece octets (0: one), the header in the first. */
void lab_send(struct lab *l, uint16_t pair, const struct vnic_net_hdr *hdr, const void *data, uint32_t len,
	      uint32_t piece);
/* A control command: its acknowledgement, -1: none; result_len octets of result. */
int lab_ctrl(struct lab *l, uint8_t class, uint8_t cmd, const void *data, uint32_t len, void *result,
	     uint32_t result_len);

/* ---- packets ------------------------------------------------------------------------ */
struct lab_flow {
	bool v6, udp;
	uint8_t tcp_flags, l4_opts;   /* octets of TCP options, zeroes */
	uint16_t vlan;                /* 0: none */
	uint32_t payload;
	uint16_t sport, dport;
	uint8_t saddr[16], daddr[16]; /* v4: the first four */
};
/* A flow between addresses of the test, TCP over IPv4. */
struct lab_flow lab_flow(uint32_t payload);
/* Write the packet, payload octets by position; partial: the checksum field holds the pseudo header's
 * sum, else it is right. Returns its length. */
uint32_t lab_packet(const struct lab_flow *f, uint8_t *b, bool partial);
uint32_t lab_l4_off(const struct lab_flow *f);
uint32_t lab_payload_off(const struct lab_flow *f);
/* The header that asks to finish it; gso_size 0: checksum only. */
struct vnic_net_hdr lab_hdr(const struct lab_flow *f, uint16_t gso_size);
/* Are lengths and both checksums of this packet right? */
bool lab_packet_ok(const uint8_t *b, uint32_t len);
/* Give it in pieces of piece octets (0: one). */
int lab_give(struct lab *l, int queue, const struct vnic_net_hdr *hdr, const uint8_t *b, uint32_t len,
	     uint32_t piece);
uint8_t lab_octet(uint32_t i);

#endif
