/* SPDX-License-Identifier: BSD-3-Clause */
/* What packet headers say, and what is made of it (virtio 1.2, 5.1.6.4). */
#include "tests/unit/test.h"
#include "tests/unit/virtio/rx_lab.h"

#include <string.h>

#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#define CSUM 1u
#define LRO  2u
#define HASH 4u
#define NEEDS VIRTIO_NET_HDR_F_NEEDS_CSUM
#define VALID VIRTIO_NET_HDR_F_DATA_VALID

/* Frames, and where their checksum is. */
enum frame { TCP4, UDP4, TCP6, TCP4_VLAN, TCP4_OPTIONS, ARP, FRAGMENT, TUNNEL, GRE };

static uint16_t put_ip4(uint8_t *p, uint8_t proto, uint16_t len, uint16_t frag, unsigned options)
{
	struct rte_ipv4_hdr *ip = (void *)p;
	uint16_t hlen = (uint16_t)(20 + 4 * options);

	memset(ip, 0, hlen);
	ip->version_ihl = (uint8_t)(0x40 | hlen / 4);
	ip->total_length = rte_cpu_to_be_16((uint16_t)(hlen + len));
	ip->fragment_offset = rte_cpu_to_be_16(frag);
	ip->time_to_live = 64;
	ip->next_proto_id = proto;
	ip->src_addr = RTE_BE32(0x0a000001);
	ip->dst_addr = RTE_BE32(0x0a000002);
	memset(p + 20, 1, hlen - 20u); /* NOP */
	return hlen;
}

/* 40 octets of transport header and payload; their pseudo-header sum in the field. */
static uint16_t put_l4(uint8_t *p, uint8_t proto)
{
	unsigned i;

	for (i = 0; i < 40; i++)
		p[i] = (uint8_t)(3 * i + 1);
	if (proto == IPPROTO_TCP)
		((struct rte_tcp_hdr *)(void *)p)->data_off = 0x50;
	if (proto == IPPROTO_UDP)
		((struct rte_udp_hdr *)(void *)p)->dgram_len = RTE_BE16(40);
	return 40;
}

struct built {
	uint8_t octet[256];
	uint16_t len, l4; /* l4: where the transport header begins */
	uint16_t ip;
};

static uint16_t ether(uint8_t *p, uint16_t type, bool vlan)
{
	memset(p, 2, 12);
	if (vlan) {
		memcpy(p + 12, "\x81\x00\x60\x64", 4); /* priority 3, VLAN 100 */
		p += 4;
	}
	p[12] = (uint8_t)(type >> 8);
	p[13] = (uint8_t)type;
	return vlan ? 18 : 14;
}

static void build(struct built *b, enum frame f)
{
	uint8_t *p = b->octet;
	uint16_t at;

	memset(b, 0, sizeof(*b));
	at = ether(p, f == ARP ? 0x0806 : f == TCP6 ? 0x86dd : 0x0800, f == TCP4_VLAN);
	b->ip = at;
	if (f == TCP6) {
		struct rte_ipv6_hdr *ip = (void *)(p + at);

		ip->vtc_flow = RTE_BE32(0x60000000);
		ip->payload_len = RTE_BE16(40);
		ip->proto = IPPROTO_TCP;
		ip->hop_limits = 64;
		at += 40;
	} else if (f == TUNNEL) { /* IP in IP: the checksum is the inner one's */
		at += put_ip4(p + at, IPPROTO_IPIP, 60, 0, 0);
		at += put_ip4(p + at, IPPROTO_TCP, 40, 0, 0);
	} else if (f != ARP) {
		at += put_ip4(p + at, f == UDP4 ? IPPROTO_UDP : f == GRE ? IPPROTO_GRE : IPPROTO_TCP, 40,
			      f == FRAGMENT ? 0x2000 : 0, f == TCP4_OPTIONS ? 2 : 0);
	}
	b->l4 = at;
	b->len = (uint16_t)(at + put_l4(p + at, f == UDP4 ? IPPROTO_UDP : IPPROTO_TCP));
}

/* ---- the table ------------------------------------------------------------------ */
#define AT_L4 0x8000 /* csum_start: relative to the transport header */
#define OFF_MASK (RTE_MBUF_F_RX_L4_CKSUM_MASK | RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_LRO | RTE_MBUF_F_RX_RSS_HASH)

struct row {
	enum frame frame;
	unsigned have;
	uint8_t flags, gso;
	uint16_t gso_size, start, offset;
	int keep;           /* 1 passed, 0 dropped */
	uint64_t ol;
	bool completed;     /* the checksum field is filled in */
};

static const struct row rows[] = {
	{ TCP4, CSUM, 0, 0, 0, 0, 0, 1, 0, false },
	{ TCP4, CSUM, VALID, 0, 0, 0, 0, 1, RTE_MBUF_F_RX_L4_CKSUM_GOOD, false },
	{ UDP4, CSUM, VALID, 0, 0, 0xffff, 0xffff, 1, RTE_MBUF_F_RX_L4_CKSUM_GOOD, false },
	/* not negotiated: not believed */
	{ TCP4, HASH, VALID, 0, 0, 0, 0, 1, 0, false },
	{ TCP4, HASH, NEEDS, 0, 0, 0xffff, 0xffff, 1, 0, false },
	/* left to do, and known what */
	{ TCP4, CSUM, NEEDS, 0, 0, AT_L4, 16, 1, RTE_MBUF_F_RX_L4_CKSUM_NONE, false },
	{ UDP4, CSUM, NEEDS, 0, 0, AT_L4, 6, 1, RTE_MBUF_F_RX_L4_CKSUM_NONE, false },
	{ TCP6, CSUM, NEEDS, 0, 0, AT_L4, 16, 1, RTE_MBUF_F_RX_L4_CKSUM_NONE, false },
	{ TCP4_VLAN, CSUM, NEEDS, 0, 0, AT_L4, 16, 1, RTE_MBUF_F_RX_L4_CKSUM_NONE, false },
	{ TCP4_OPTIONS, CSUM, NEEDS, 0, 0, AT_L4, 16, 1, RTE_MBUF_F_RX_L4_CKSUM_NONE, false },
	{ TCP4, CSUM, NEEDS | VALID, 0, 0, AT_L4, 16, 1, RTE_MBUF_F_RX_L4_CKSUM_NONE, false },
	/* left to do, and nobody would know: done here */
	{ TUNNEL, CSUM, NEEDS, 0, 0, AT_L4, 16, 1, 0, true },
	{ GRE, CSUM, NEEDS, 0, 0, AT_L4, 16, 1, 0, true },
	{ FRAGMENT, CSUM, NEEDS, 0, 0, AT_L4, 16, 1, 0, true },
	{ ARP, CSUM, NEEDS, 0, 0, AT_L4, 16, 1, 0, true },
	{ TCP4, CSUM, NEEDS, 0, 0, AT_L4, 6, 1, 0, true },
	{ UDP4, CSUM, NEEDS, 0, 0, AT_L4, 16, 1, 0, true },
	{ UDP4, CSUM, NEEDS, 0, 0, AT_L4 + 8, 6, 1, 0, true },
	{ TCP4, CSUM, NEEDS, 0, 0, 34, 38, 1, 0, true }, /* the frame's last two octets */
	/* 24: beyond the packet */
	{ TCP4, CSUM, NEEDS, 0, 0, 34, 39, 0, 0, false },
	{ TCP4, CSUM, NEEDS, 0, 0, 74, 0, 0, 0, false },
	{ TCP4, CSUM, NEEDS, 0, 0, 73, 0, 0, 0, false },
	{ TCP4, CSUM, NEEDS, 0, 0, 0xffff, 0xffff, 0, 0, false },
	{ TCP4, CSUM, NEEDS, 0, 0, 0, 0xffff, 0, 0, false },
	{ TCP4, CSUM, NEEDS, 0, 0, 0xffff, 1, 0, 0, false },
	/* segmentation */
	{ TCP4, CSUM | LRO, NEEDS, VIRTIO_NET_HDR_GSO_TCPV4, 1448, AT_L4, 16, 1,
	  RTE_MBUF_F_RX_LRO | RTE_MBUF_F_RX_L4_CKSUM_NONE, false },
	{ TCP4, CSUM | LRO, NEEDS, VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN, 536, AT_L4, 16, 1,
	  RTE_MBUF_F_RX_LRO | RTE_MBUF_F_RX_L4_CKSUM_NONE, false },
	{ TCP6, CSUM | LRO, NEEDS, VIRTIO_NET_HDR_GSO_TCPV6, 1, AT_L4, 16, 1,
	  RTE_MBUF_F_RX_LRO | RTE_MBUF_F_RX_L4_CKSUM_NONE, false },
	{ UDP4, CSUM | LRO, NEEDS, VIRTIO_NET_HDR_GSO_UDP_L4, 1200, AT_L4, 6, 0, 0, false }, /* never negotiated */
	{ TCP4, CSUM | LRO, VALID, VIRTIO_NET_HDR_GSO_TCPV4, 1448, 0, 0, 1,
	  RTE_MBUF_F_RX_LRO | RTE_MBUF_F_RX_L4_CKSUM_GOOD, false },
	{ TCP4, CSUM | LRO, NEEDS, VIRTIO_NET_HDR_GSO_TCPV4, 0, AT_L4, 16, 0, 0, false },
	{ TCP4, CSUM | LRO, NEEDS, VIRTIO_NET_HDR_GSO_UDP, 1448, AT_L4, 16, 0, 0, false },
	{ TCP4, CSUM | LRO, NEEDS, VIRTIO_NET_HDR_GSO_ECN, 1448, AT_L4, 16, 0, 0, false },
	{ TCP4, CSUM | LRO, NEEDS, 2, 1448, AT_L4, 16, 0, 0, false },
	{ TCP4, CSUM | LRO, NEEDS, 0x7f, 1448, AT_L4, 16, 0, 0, false },
	{ TCP4, CSUM | LRO, NEEDS, 0x60 | VIRTIO_NET_HDR_GSO_TCPV4, 1448, AT_L4, 16, 0, 0, false }, /* both tunnels */
	{ TCP4, CSUM | LRO, NEEDS, 0x20 | VIRTIO_NET_HDR_GSO_TCPV4, 1448, AT_L4, 16, 0, 0, false },
	{ TCP4, CSUM | LRO, NEEDS, VIRTIO_NET_HDR_GSO_TCPV4, 1448, 0xffff, 16, 0, 0, false },
	{ TCP4, CSUM, NEEDS, VIRTIO_NET_HDR_GSO_TCPV4, 1448, AT_L4, 16, 0, 0, false }, /* not negotiated */
	/* unknown flags are nothing to us; receive coalescing's counts are no offsets */
	{ TCP4, CSUM, 0xf8, 0, 0, 0xffff, 0xffff, 1, 0, false },
	{ TCP4, CSUM, VIRTIO_NET_HDR_F_RSC_INFO | VALID, 0, 0, 0xffff, 0xffff, 1, RTE_MBUF_F_RX_L4_CKSUM_GOOD, false },
};

static uint16_t sum_of(const uint8_t *p, unsigned len)
{
	uint32_t s = 0;
	unsigned i;

	for (i = 0; i < len; i++)
		s += (uint32_t)p[i] << (i % 2 == 0 ? 8 : 0);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

static void check_octets(const struct rte_mbuf *m, const struct built *b, uint32_t start, uint32_t field, bool completed)
{
	uint8_t copy[256], want[256];
	const uint8_t *got = rte_pktmbuf_read(m, 0, b->len, copy);

	memcpy(want, b->octet, b->len);
	if (completed) {
		uint16_t sum = (uint16_t)~sum_of(b->octet + start, b->len - start);

		want[field] = (uint8_t)(sum >> 8);
		want[field + 1] = (uint8_t)sum;
	}
	CU_ASSERT_EQUAL(memcmp(got, want, b->len), 0);
}

static void check_row(const struct row *r, unsigned n, bool mergeable)
{
	/* Mergeable: 65 octets in the first buffer, so that checksums run over buffers of odd length. */
	struct rx_lab_opts o = { .size = 16, .mergeable = mergeable, .csum = r->have & CSUM, .lro = r->have & LRO,
				 .hash = r->have & HASH, .room = RTE_PKTMBUF_HEADROOM + (mergeable ? 65 : 192) };
	struct vnic_net_hdr_hash h = rx_lab_hdr(1);
	uint32_t start = r->start;
	struct rx_lab lab;
	struct rte_mbuf *m;
	struct built b;

	build(&b, r->frame);
	if (start >= AT_L4 && start != 0xffff)
		start = start - AT_L4 + b.l4;
	h.hdr.flags = r->flags;
	h.hdr.gso_type = r->gso;
	h.hdr.gso_size = r->gso_size;
	h.hdr.csum_start = (uint16_t)start;
	h.hdr.csum_offset = r->offset;
	h.hdr.hdr_len = 0xffff; /* a hint to nobody */
	CU_ASSERT_EQUAL_FATAL(rx_lab_open(&lab, &o), 0);
	rx_lab_send(&lab, h, b.octet, b.len, 99, NULL);
	m = rx_lab_recv(&lab);
	if ((m != NULL) != r->keep || (m != NULL && (m->ol_flags & OFF_MASK) != r->ol))
		printf("row %u, mergeable %d\n", n, mergeable);
	CU_ASSERT_EQUAL(m != NULL, r->keep);
	if (m != NULL) {
		CU_ASSERT_EQUAL(m->ol_flags & OFF_MASK, r->ol);
		CU_ASSERT_EQUAL(m->pkt_len, b.len);
		check_octets(m, &b, start, start + r->offset, r->completed);
		if (r->gso != 0)
			CU_ASSERT_EQUAL(m->tso_segsz, r->gso_size);
		CU_ASSERT_EQUAL(lab.rxq.coalesced, r->gso != 0);
		rte_pktmbuf_free(m);
	} else {
		CU_ASSERT_EQUAL(lab.rxq.drop[VNIC_RX_DROP_HEADER], 1);
	}
	CU_ASSERT_EQUAL(lab.rxq.csum_good, (r->ol & RTE_MBUF_F_RX_L4_CKSUM_GOOD) != 0 &&
			(r->ol & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD);
	rx_lab_close(&lab);
}

static void header__table(void)
{
	unsigned i;

	for (i = 0; i < RTE_DIM(rows); i++)
		check_row(&rows[i], i, false);
}

static void header__table_in_several_buffers(void)
{
	unsigned i;

	for (i = 0; i < RTE_DIM(rows); i++)
		check_row(&rows[i], i, true);
}

/* A sum of zero goes out as all ones (RFC 768). */
static void header__completed_sum_of_zero(void)
{
	struct rx_lab_opts o = { .size = 16, .csum = true };
	struct vnic_net_hdr_hash h = rx_lab_hdr(1);
	uint8_t frame[60] = { 2 };
	struct rx_lab lab;
	struct rte_mbuf *m;

	CU_ASSERT_EQUAL_FATAL(rx_lab_open(&lab, &o), 0);
	frame[40] = frame[41] = 0xff;
	h.hdr.flags = NEEDS;
	h.hdr.csum_start = 20;
	h.hdr.csum_offset = 30;
	rx_lab_send(&lab, h, frame, sizeof(frame), 1, NULL);
	m = rx_lab_recv(&lab);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL(*rte_pktmbuf_mtod_offset(m, uint16_t *, 50), 0xffff);
	rte_pktmbuf_free(m);
	rx_lab_close(&lab);
}

/* ---- by four ---------------------------------------------------------------------------- */
/* Mostly headers that say nothing or that the checksum is good, so that whole steps of vectors are made;
 * and any of the table, hashes of all kinds, frames too short. */
static void send_any(struct rx_lab *lab, uint64_t rnd)
{
	const struct row *r = &rows[rnd % RTE_DIM(rows)];
	struct vnic_net_hdr_hash h = rx_lab_hdr(1);
	struct built b;

	build(&b, r->frame);
	h.hash_value = (uint32_t)(rnd >> 16);
	h.hash_report = rnd >> 50 & 1 ? 2 : (uint16_t)(rnd >> 51) % 12;
	if ((rnd >> 40) % 5 != 0) {
		h.hdr.flags = rnd >> 45 & 1 ? VALID : 0;
	} else {
		h.hdr.flags = r->flags;
		h.hdr.gso_type = r->gso;
		h.hdr.gso_size = r->gso_size;
		h.hdr.csum_start = r->start >= AT_L4 && r->start != 0xffff ? (uint16_t)(r->start - AT_L4 + b.l4) : r->start;
		h.hdr.csum_offset = r->offset;
	}
	rx_lab_send(lab, h, b.octet, (rnd >> 32) % 41 == 0 ? 9 : b.len, 99, NULL);
}

static unsigned recv_all(struct rx_lab *lab, struct rte_mbuf **pkts, unsigned room, unsigned burst)
{
	unsigned n = 0, k;

	do {
		k = lab->burst(&lab->rxq, pkts + n, (uint16_t)RTE_MIN(burst, room - n));
		n += k;
	} while (k != 0);
	return n;
}

static bool same_packet(const struct rte_mbuf *a, const struct rte_mbuf *b)
{
	uint8_t copy_a[256], copy_b[256];

	return a->ol_flags == b->ol_flags && a->packet_type == b->packet_type && a->pkt_len == b->pkt_len &&
	       a->data_len == b->data_len && a->nb_segs == b->nb_segs && a->data_off == b->data_off &&
	       a->vlan_tci == b->vlan_tci && ((a->ol_flags & RTE_MBUF_F_RX_RSS_HASH) == 0 || a->hash.rss == b->hash.rss) &&
	       ((a->ol_flags & RTE_MBUF_F_RX_LRO) == 0 || a->tso_segsz == b->tso_segsz) &&
	       memcmp(rte_pktmbuf_read(a, 0, a->pkt_len, copy_a), rte_pktmbuf_read(b, 0, b->pkt_len, copy_b), a->pkt_len) == 0;
}

static bool same_counts(const struct vnic_rxq *a, const struct vnic_rxq *b)
{
	return a->packets == b->packets && a->bytes == b->bytes && a->errors == b->errors && a->merged == b->merged &&
	       a->csum_good == b->csum_good && a->csum_needed == b->csum_needed && a->coalesced == b->coalesced &&
	       a->hash_bad == b->hash_bad && memcmp(a->drop, b->drop, sizeof(a->drop)) == 0;
}

/* The same packets to a scalar queue and to a vector queue. */
static void compare(const struct rx_lab_opts *opts, uint8_t vectorized)
{
	struct rx_lab_opts o = *opts;
	struct rx_lab scalar, vec;
	struct rte_mbuf *s[64], *v[64];
	uint64_t rnd = 1 + vectorized, one;
	unsigned turn, i, n, burst;

	CU_ASSERT_EQUAL_FATAL(rx_lab_open(&scalar, &o), 0);
	o.vectorized = vectorized;
	CU_ASSERT_EQUAL_FATAL(rx_lab_open(&vec, &o), 0);
	for (turn = 0; turn < 300; turn++) {
		for (i = 1 + (unsigned)(test_random(&rnd) % 40); i > 0; i--) {
			one = test_random(&rnd);
			send_any(&scalar, one);
			send_any(&vec, one);
		}
		burst = 1 + (unsigned)(test_random(&rnd) % 64);
		n = recv_all(&scalar, s, RTE_DIM(s), burst);
		CU_ASSERT_EQUAL_FATAL(recv_all(&vec, v, RTE_DIM(v), burst), n);
		for (i = 0; i < n; i++)
			CU_ASSERT_TRUE(same_packet(s[i], v[i]));
		rte_pktmbuf_free_bulk(s, n);
		rte_pktmbuf_free_bulk(v, n);
	}
	CU_ASSERT_TRUE(same_counts(&scalar.rxq, &vec.rxq));
	CU_ASSERT_TRUE(scalar.rxq.errors > 0 && scalar.rxq.packets > 1000);
	CU_ASSERT_NOT_EQUAL(scalar.burst, vec.burst);
	rx_lab_close(&scalar);
	rx_lab_close(&vec);
}

static void header__vectors_as_one_by_one(void)
{
	unsigned k;

	/* bits: ring, in order, mergeable; checksums, segmentation; hash; tags; vectors of the baseline or any */
	for (k = 0; k < 128; k++) {
		struct rx_lab_opts o = { .size = 256, .packed = k & 1, .in_order = k & 2, .mergeable = k & 4, .csum = k & 8,
					 .lro = (k & 12) == 12, .hash = k & 16, .vlan_strip = k & 32 };

		if (k & 56)
			compare(&o, k & 64 ? 2 : 1);
	}
}

/* ---- hash ---------------------------------------------------------------------------- */
static void header__hash(void)
{
	static const struct {
		uint16_t report;
		bool hash, bad;
	} t[] = {
		{ 0, false, false }, { 1, true, false }, { 2, true, false }, { 9, true, false },
		{ 10, false, true }, { 0xffff, false, true },
	};
	struct rx_lab_opts o = { .size = 16, .hash = true };
	struct rx_lab lab;
	unsigned i;

	CU_ASSERT_EQUAL_FATAL(rx_lab_open(&lab, &o), 0);
	for (i = 0; i < RTE_DIM(t); i++) {
		struct vnic_net_hdr_hash h = { .hash_value = 0x12345678 + i, .hash_report = t[i].report, .padding = 0xffff };
		uint64_t bad = lab.rxq.hash_bad;
		uint8_t frame[60] = { 2 };
		struct rte_mbuf *m;

		rx_lab_send(&lab, h, frame, sizeof(frame), 1, NULL);
		m = rx_lab_recv(&lab);
		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		CU_ASSERT_EQUAL((m->ol_flags & RTE_MBUF_F_RX_RSS_HASH) != 0, t[i].hash);
		if (t[i].hash)
			CU_ASSERT_EQUAL(m->hash.rss, 0x12345678 + i);
		CU_ASSERT_EQUAL(lab.rxq.hash_bad, bad + t[i].bad);
		rte_pktmbuf_free(m);
	}
	rx_lab_close(&lab);
}

/* ---- VLAN ------------------------------------------------------------------------------ */
static void header__vlan_strip(void)
{
	static const enum frame t[] = { TCP4, TCP4_VLAN };
	struct rx_lab_opts o = { .size = 16, .vlan_strip = true };
	struct rx_lab lab;
	struct built b, untagged;
	struct rte_mbuf *m;
	unsigned i;

	build(&untagged, TCP4);
	CU_ASSERT_EQUAL_FATAL(rx_lab_open(&lab, &o), 0);
	for (i = 0; i < RTE_DIM(t); i++) {
		bool tagged = t[i] == TCP4_VLAN;

		build(&b, t[i]);
		rx_lab_send(&lab, rx_lab_hdr(1), b.octet, b.len, 1, NULL);
		m = rx_lab_recv(&lab);
		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		CU_ASSERT_EQUAL((m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0, tagged);
		CU_ASSERT_EQUAL((m->ol_flags & RTE_MBUF_F_RX_VLAN) != 0, tagged);
		CU_ASSERT_EQUAL(m->vlan_tci, tagged ? 0x6064 : 0);
		CU_ASSERT_TRUE(m->pkt_len == untagged.len && m->data_len == untagged.len);
		CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod(m, void *), untagged.octet, untagged.len), 0);
		rte_pktmbuf_free(m);
	}
	/* a tag that is not whole stays */
	rx_lab_send(&lab, rx_lab_hdr(1), b.octet, 17, 1, NULL);
	m = rx_lab_recv(&lab);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_TRUE(m->pkt_len == 17 && (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) == 0);
	rte_pktmbuf_free(m);
	rx_lab_close(&lab);
}

/* The public function, and a header that changes afterwards. */
static void header__read_once(void)
{
	struct rx_lab_opts o = { .size = 16, .csum = true };
	struct vnic_net_hdr_hash h = rx_lab_hdr(1);
	enum vnic_rx_drop why = VNIC_RX_DROP_COUNT;
	struct rx_lab lab;
	struct rte_mbuf *m;
	struct built b;

	CU_ASSERT_EQUAL_FATAL(rx_lab_open(&lab, &o), 0);
	build(&b, TCP4);
	rx_lab_send(&lab, h, b.octet, b.len, 1, NULL);
	m = rx_lab_recv(&lab);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	h.hdr.flags = NEEDS;
	h.hdr.csum_start = 34;
	h.hdr.csum_offset = 16;
	CU_ASSERT_TRUE(vnic_rx_header(&lab.rxq, m, &h, &why));
	CU_ASSERT_EQUAL(m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_NONE);
	h.hdr.csum_start = 0xfff0;
	CU_ASSERT_FALSE(vnic_rx_header(&lab.rxq, m, &h, &why));
	CU_ASSERT_EQUAL(why, VNIC_RX_DROP_HEADER);
	rte_pktmbuf_free(m);
	rx_lab_close(&lab);
}

static const struct test_case cases[] = {
	TEST_CASE(header__table),
	TEST_CASE(header__table_in_several_buffers),
	TEST_CASE(header__completed_sum_of_zero),
	TEST_CASE(header__vectors_as_one_by_one),
	TEST_CASE(header__hash),
	TEST_CASE(header__vlan_strip),
	TEST_CASE(header__read_once),
};
TEST_MAIN("virtio_rx_header", cases)
