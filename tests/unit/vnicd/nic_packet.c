/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets of the tests, octet by octet. */
#include <string.h>

#include <rte_common.h>

#include "tests/unit/test.h"
#include "tests/unit/vnicd/nic_lab.h"

uint8_t lab_octet(uint32_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

struct lab_flow lab_flow(uint32_t payload)
{
	return (struct lab_flow){
		.payload = payload, .sport = 1000, .dport = 80, .tcp_flags = 0x18,
		.saddr = { 10, 1, 2, 3, 5, 6, 7, 8, 9 }, .daddr = { 10, 9, 8, 7, 1, 2, 3, 4, 5, 6, 7, 8, 9 },
	};
}

static unsigned addr_len(const struct lab_flow *f) { return f->v6 ? 16 : 4; }
static unsigned l3_off(const struct lab_flow *f) { return f->vlan != 0 ? 18 : 14; }
static unsigned l4_len(const struct lab_flow *f) { return f->udp ? 8 : 20u + f->l4_opts; }

uint32_t lab_l4_off(const struct lab_flow *f)
{
	return l3_off(f) + (f->v6 ? 40 : 20);
}

uint32_t lab_payload_off(const struct lab_flow *f)
{
	return lab_l4_off(f) + l4_len(f);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Two octets at a time, as RFC 1071 has it. */
static uint32_t sum16(const uint8_t *p, uint32_t len, uint32_t sum)
{
	for (uint32_t i = 0; i < len; i++) {
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static uint32_t pseudo(const uint8_t *ip, bool v6, uint8_t proto, uint32_t len)
{
	uint32_t sum = v6 ? sum16(ip + 8, 32, 0) : sum16(ip + 12, 8, 0);

	sum += proto + (len & 0xffff) + (len >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

static uint32_t fold(uint32_t sum)
{
	return (sum & 0xffff) + (sum >> 16);
}

static void put_ip(const struct lab_flow *f, uint8_t *ip, uint32_t len)
{
	uint8_t proto = f->udp ? 17 : 6;

	if (f->v6) {
		ip[0] = 0x60;
		put16(ip + 4, RTE_MIN(len - 40, 0xffffu));
		ip[6] = proto;
		ip[7] = 64;
		memcpy(ip + 8, f->saddr, 16);
		memcpy(ip + 24, f->daddr, 16);
		return;
	}
	ip[0] = 0x45;
	put16(ip + 2, RTE_MIN(len, 0xffffu));
	put16(ip + 4, 0x1234);
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = proto;
	memcpy(ip + 12, f->saddr, 4);
	memcpy(ip + 16, f->daddr, 4);
	put16(ip + 10, ~fold(sum16(ip, 20, 0)));
}

uint32_t lab_packet(const struct lab_flow *f, uint8_t *b, bool partial)
{
	const uint8_t eth[12] = { 2, 0, 0, 0, 0, 0x11, 2, 0, 0, 0, 0, 0x22 };
	uint32_t l4 = lab_l4_off(f), at = lab_payload_off(f), len = at + f->payload, sum;
	uint8_t *ip = b + l3_off(f), *t = b + l4;

	CU_ASSERT_FATAL(len <= LAB_FRAME && addr_len(f) <= 16);
	memset(b, 0, at);
	memcpy(b, eth, sizeof(eth));
	if (f->vlan != 0) {
		put16(b + 12, 0x8100);
		put16(b + 14, f->vlan);
	}
	put16(ip - 2, f->v6 ? 0x86dd : 0x0800);
	put_ip(f, ip, len - l3_off(f));
	put16(t, f->sport);
	put16(t + 2, f->dport);
	if (f->udp) {
		put16(t + 4, len - l4);
	} else {
		put16(t + 6, 0xff00); /* sequence number */
		t[12] = (uint8_t)(l4_len(f) / 4 << 4);
		t[13] = f->tcp_flags;
	}
	for (uint32_t i = 0; i < f->payload; i++)
		b[at + i] = lab_octet(i);
	sum = pseudo(ip, f->v6, f->udp ? 17 : 6, len - l4);
	if (!partial)
		sum = ~fold(sum16(t, len - l4, sum)) & 0xffff;
	put16(t + (f->udp ? 6 : 16), sum);
	return len;
}

struct vnic_net_hdr lab_hdr(const struct lab_flow *f, uint16_t gso_size)
{
	struct vnic_net_hdr h = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = (uint16_t)lab_l4_off(f), .csum_offset = f->udp ? 6 : 16,
	};

	if (gso_size == 0)
		return h;
	h.gso_size = gso_size;
	h.hdr_len = (uint16_t)lab_payload_off(f);
	h.gso_type = f->udp ? VIRTIO_NET_HDR_GSO_UDP_L4
			    : f->v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	return h;
}

bool lab_packet_ok(const uint8_t *b, uint32_t len)
{
	unsigned l3 = b[12] == 0x81 ? 18 : 14;
	bool v6 = b[l3] >> 4 == 6;
	uint32_t ip_len = len - l3, l4 = l3 + (v6 ? 40 : 20);
	uint8_t proto = b[l3 + (v6 ? 6 : 9)];

	if (!v6 && ((uint32_t)(b[l3 + 2] << 8 | b[l3 + 3]) != ip_len || fold(sum16(b + l3, 20, 0)) != 0xffff))
		return false;
	if (v6 && (uint32_t)(b[l3 + 4] << 8 | b[l3 + 5]) != ip_len - 40)
		return false;
	if (proto == 17 && (uint32_t)(b[l4 + 4] << 8 | b[l4 + 5]) != len - l4)
		return false;
	return fold(sum16(b + l4, len - l4, pseudo(b + l3, v6, proto, len - l4))) == 0xffff;
}

int lab_give(struct lab *l, int queue, const struct vnic_net_hdr *hdr, const uint8_t *b, uint32_t len, uint32_t piece)
{
	static struct iovec iov[VNICD_CHAIN_MAX];
	struct vnicd_frame f = { .len = len, .iov = iov };

	if (hdr != NULL)
		f.hdr = *hdr;
	for (uint32_t at = 0; at < len; at += (uint32_t)iov[f.n++].iov_len) {
		CU_ASSERT_FATAL(f.n < VNICD_CHAIN_MAX);
		iov[f.n].iov_base = (uint8_t *)(uintptr_t)b + at;
		iov[f.n].iov_len = piece == 0 || piece > len - at ? len - at : piece;
	}
	return vnicd_nic_give(&l->nic, queue, &f);
}
