/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests in packets: the header the device gets, what prepare does and refuses. */
#include <errno.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "pmd/virtio/tx_private.h"
#include "tests/unit/test.h"
#include "tests/unit/virtio/tx_lab.h"

static struct tx_lab lab;

static void open_lab(bool csum, bool tso)
{
	tx_lab_open(&lab, &(struct tx_lab_opts){ .size = 64, .csum = csum, .tso = tso, .vlan = true, .indirect = true,
						 .room = 2048 });
}

struct spec {
	bool v6, udp;
	uint16_t payload;
	uint64_t flags;
	uint16_t segsz;
};

/* Ethernet, IP, TCP or UDP and a payload; checksums zero. */
static struct rte_mbuf *frame(const struct spec *s)
{
	uint16_t l3 = s->v6 ? 40 : 20, l4 = s->udp ? 8 : 20, len = (uint16_t)(l4 + s->payload);
	struct rte_mbuf *m = rte_pktmbuf_alloc(lab.mp);
	uint8_t *p = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(14 + l3 + len));

	for (unsigned i = 0; i < m->data_len; i++)
		p[i] = (uint8_t)(i * 13 + 5);
	p[12] = s->v6 ? 0x86 : 0x08;
	p[13] = s->v6 ? 0xdd : 0x00;
	p[14] = s->v6 ? 0x60 : 0x45;
	if (s->v6) {
		p[14 + 6] = s->udp ? IPPROTO_UDP : IPPROTO_TCP;
		p[14 + 4] = (uint8_t)(len >> 8);
		p[14 + 5] = (uint8_t)len;
	} else {
		p[14 + 9] = s->udp ? IPPROTO_UDP : IPPROTO_TCP;
		p[14 + 2] = (uint8_t)((len + 20) >> 8);
		p[14 + 3] = (uint8_t)(len + 20);
	}
	m->l2_len = 14;
	m->l3_len = l3;
	m->l4_len = l4;
	m->tso_segsz = s->segsz;
	m->ol_flags |= s->flags | (s->v6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4);
	return m;
}

#define TCP RTE_MBUF_F_TX_TCP_CKSUM
#define UDP RTE_MBUF_F_TX_UDP_CKSUM
#define TSO RTE_MBUF_F_TX_TCP_SEG
#define IPC RTE_MBUF_F_TX_IP_CKSUM

static const struct {
	struct spec s;
	struct vnic_net_hdr h;
} headers[] = {
	{ { false, false, 100, 0, 0 }, { 0 } },
	{ { false, false, 100, TCP, 0 }, { 1, 0, 0, 0, 34, 16, 0 } },
	{ { true, false, 100, TCP, 0 }, { 1, 0, 0, 0, 54, 16, 0 } },
	{ { false, true, 100, UDP, 0 }, { 1, 0, 0, 0, 34, 6, 0 } },
	{ { true, true, 100, UDP, 0 }, { 1, 0, 0, 0, 54, 6, 0 } },
	{ { false, false, 1000, TSO | TCP | IPC, 300 }, { 1, 1, 54, 300, 34, 16, 0 } },
	{ { false, false, 1000, TSO | IPC, 300 }, { 1, 1, 54, 300, 34, 16, 0 } },
	{ { true, false, 1000, TSO, 1 }, { 1, 4, 74, 1, 54, 16, 0 } },
};

static void tx_header__table(void)
{
	for (unsigned kind = 0; kind < 8; kind++) {
		tx_lab_open(&lab, &(struct tx_lab_opts){ .size = 64, .csum = true, .tso = true, .packed = kind & 1,
							 .in_order = kind & 2, .hash = kind & 4, .room = 2048 });
		for (unsigned i = 0; i < RTE_DIM(headers); i++) {
			struct rte_mbuf *m = frame(&headers[i].s);
			static const uint8_t zeros[8];

			CU_ASSERT_EQUAL(tx_lab_send(&lab, m), 1);
			CU_ASSERT(tx_lab_take(&lab));
			CU_ASSERT_EQUAL(memcmp(lab.got.hdr, &headers[i].h, 12), 0);
			CU_ASSERT_EQUAL(memcmp(lab.got.hdr + 12, zeros, kind & 4 ? 8 : 0), 0);
		}
		CU_ASSERT_EQUAL(lab.txq.errors, 0);
		tx_lab_close(&lab);
	}
}

/* Rows of four, of which each asks for nothing, for a sum, or for what cannot be; and pairs of segments. */
static struct rte_mbuf *one_of_row(unsigned what, bool pair)
{
	struct spec s = { false, what == 2, 100, what == 0 ? 0 : what == 2 ? UDP : TCP, 0 };
	struct rte_mbuf *m = frame(&s), *data = pair ? rte_pktmbuf_alloc(lab.mp) : NULL;

	if (what == 3)
		m->l2_len = 13;
	if (pair) {
		rte_pktmbuf_append(data, 50);
		rte_pktmbuf_chain(m, data);
	}
	return m;
}

static void check_rows(unsigned kind, unsigned pattern)
{
	struct rte_mbuf *pkts[4];
	uint8_t want[4][TX_HDR_MAX];
	unsigned i, refused = 0;

	for (i = 0; i < 4; i++) {
		unsigned what = pattern >> (2 * i) & 3;

		pkts[i] = one_of_row(what, kind & 8 || (kind & 16 && i == 2));
		if (vnic_tx_header(&lab.txq, pkts[i], want[i - refused]) != 0)
			refused++;
	}
	lab.txq.errors = 0;
	CU_ASSERT_EQUAL(lab.burst(&lab.txq, pkts, 4), 4);
	CU_ASSERT_EQUAL(lab.txq.errors, refused);
	for (i = 0; i < 4 - refused; i++) {
		CU_ASSERT(tx_lab_take(&lab));
		CU_ASSERT_EQUAL(memcmp(lab.got.hdr, want[i], lab.dev.hdr_len), 0);
	}
	CU_ASSERT_FALSE(tx_lab_take(&lab));
	tx_lab_use(&lab, lab.n_held);
}

static void tx_header__rows(void)
{
	for (unsigned kind = 0; kind < 32; kind++) {
		tx_lab_open(&lab, &(struct tx_lab_opts){ .size = 64, .csum = true, .tso = true, .packed = kind & 1,
							 .in_order = kind & 2, .hash = kind & 4, .indirect = kind & 16,
							 .room = 2048 });
		for (unsigned pattern = 0; pattern < 256; pattern++)
			check_rows(kind, pattern);
		tx_lab_close(&lab);
	}
}

/* ---- what cannot be sent ------------------------------------------------------------------- */
enum spoil { NOTHING, L2, BEYOND, L4, SEGSZ, TUNNEL, SHORT_L3, VERSION };

static void spoil(struct rte_mbuf *m, enum spoil what)
{
	switch (what) {
	case NOTHING:
		break;
	case L2:
		m->l2_len = 13;
		break;
	case BEYOND:
		m->l3_len = 500;
		break;
	case L4:
		m->l4_len = 19;
		break;
	case SEGSZ:
		m->tso_segsz = 0;
		break;
	case TUNNEL:
		m->ol_flags |= RTE_MBUF_F_TX_TUNNEL_VXLAN;
		break;
	case SHORT_L3:
		m->l3_len = 19;
		break;
	case VERSION:
		rte_pktmbuf_mtod(m, uint8_t *)[14] = 0x65;
		break;
	}
}

static const struct {
	struct spec s;
	enum spoil spoil;
	bool csum, tso;
	int burst, prepare; /* errors; the burst drops what it sees is wrong */
} refused[] = {
	{ { false, false, 100, TCP, 0 }, NOTHING, true, true, 0, 0 },
	{ { false, false, 100, TCP, 0 }, NOTHING, false, true, 1, ENOTSUP },
	{ { false, false, 100, TSO, 50 }, NOTHING, true, false, 1, ENOTSUP },
	{ { false, false, 100, RTE_MBUF_F_TX_SCTP_CKSUM, 0 }, NOTHING, true, true, 1, ENOTSUP },
	/* DPDK's flag asks for fragments of IP (UFO), which virtio has no more; for USO it has none. */
	{ { false, true, 100, UDP | RTE_MBUF_F_TX_UDP_SEG, 50 }, NOTHING, true, true, 1, ENOTSUP },
	{ { false, false, 100, TCP, 0 }, L2, true, true, 1, EINVAL },
	{ { false, false, 100, TCP, 0 }, BEYOND, true, true, 1, EINVAL },
	{ { false, true, 100, UDP, 0 }, BEYOND, true, true, 1, EINVAL },
	{ { false, false, 100, TSO, 50 }, L4, true, true, 1, EINVAL },
	{ { false, false, 100, TSO, 50 }, SEGSZ, true, true, 1, EINVAL },
	{ { false, false, 100, TCP, 0 }, TUNNEL, true, true, 0, ENOTSUP },
	{ { false, false, 100, TCP, 0 }, SHORT_L3, true, true, 0, EINVAL },
	{ { false, false, 100, TCP | IPC, 0 }, VERSION, true, true, 0, EINVAL },
};

static void tx_header__refused(void)
{
	for (unsigned i = 0; i < RTE_DIM(refused); i++) {
		struct rte_mbuf *m;

		open_lab(refused[i].csum, refused[i].tso);
		m = frame(&refused[i].s);
		spoil(m, refused[i].spoil);
		rte_errno = 0;
		CU_ASSERT_EQUAL(vnic_tx_prepare(&lab.txq, &m, 1), refused[i].prepare == 0);
		CU_ASSERT_EQUAL(rte_errno, refused[i].prepare);
		CU_ASSERT_EQUAL(tx_lab_send(&lab, m), 1);
		CU_ASSERT_EQUAL((int)lab.txq.errors, refused[i].burst);
		CU_ASSERT_EQUAL(lab.txq.posted, !refused[i].burst);
		tx_lab_close(&lab);
	}
}

/* ---- prepare ---------------------------------------------------------------------------------- */
/* Complete the sum that the header asks for, and check it as a receiver would. */
static bool completes(const struct tx_lab_got *g, const struct spec *s)
{
	struct vnic_net_hdr h;
	uint8_t data[4096];
	uint16_t sum;

	memcpy(&h, g->hdr, sizeof(h));
	memcpy(data, g->data, g->len);
	sum = (uint16_t)~rte_raw_cksum(data + h.csum_start, g->len - h.csum_start);
	memcpy(data + h.csum_start + h.csum_offset, &sum, 2);
	if (s->v6)
		return rte_ipv6_udptcp_cksum_verify((void *)(data + 14), data + 54) == 0;
	return rte_ipv4_udptcp_cksum_verify((void *)(data + 14), data + 34) == 0;
}

static void tx_prepare__sums(void)
{
	open_lab(true, true);
	for (unsigned i = 1; i < RTE_DIM(headers); i++)
		for (unsigned payload = 0; payload < 40; payload++) {
			struct spec s = headers[i].s;
			struct rte_mbuf *m;

			s.payload = (uint16_t)(s.payload + payload);
			m = frame(&s);
			CU_ASSERT_EQUAL(vnic_tx_prepare(&lab.txq, &m, 1), 1);
			CU_ASSERT_EQUAL(vnic_tx_prepare(&lab.txq, &m, 1), 1); /* again: no change */
			if (s.flags & IPC)
				CU_ASSERT_EQUAL(rte_raw_cksum(rte_pktmbuf_mtod_offset(m, void *, 14), 20), 0xffff);
			CU_ASSERT_EQUAL(tx_lab_send(&lab, m), 1);
			CU_ASSERT(tx_lab_take(&lab));
			CU_ASSERT(completes(&lab.got, &s));
			tx_lab_use(&lab, 1);
		}
	tx_lab_close(&lab);
}

/* The length of a segment of 64 KiB does not fit into 16 bits. */
static void tx_prepare__long_segment(void)
{
	struct spec s = { false, false, 10, TSO | IPC, 1000 };
	struct rte_mbuf *m, *tail;
	uint32_t len, sum;
	uint16_t got;

	open_lab(true, true);
	m = frame(&s);
	for (tail = m; m->pkt_len < 65500; tail = tail->next) {
		tail->next = rte_pktmbuf_alloc(lab.mp);
		tail->next->data_len = (uint16_t)RTE_MIN(1900u, 65550 - m->pkt_len);
		m->pkt_len += tail->next->data_len;
		m->nb_segs++;
	}
	len = m->pkt_len - 34;
	CU_ASSERT_EQUAL(vnic_tx_prepare(&lab.txq, &m, 1), 1);
	sum = rte_raw_cksum(rte_pktmbuf_mtod_offset(m, void *, 26), 8) + RTE_BE16(IPPROTO_TCP);
	sum += rte_cpu_to_be_16((uint16_t)len) + rte_cpu_to_be_16((uint16_t)(len >> 16));
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	memcpy(&got, rte_pktmbuf_mtod_offset(m, void *, 34 + 16), 2);
	CU_ASSERT_EQUAL(got, sum);
	m->pkt_len++; /* beyond what a packet may be */
	CU_ASSERT_EQUAL(vnic_tx_prepare(&lab.txq, &m, 1), 0);
	CU_ASSERT_EQUAL(rte_errno, EINVAL);
	rte_pktmbuf_free(m);
	tx_lab_close(&lab);
}

/* A shared packet is never written: refused, unless it is right already. */
static void tx_prepare__shared(void)
{
	struct spec s = { false, false, 100, TCP | IPC, 0 };
	uint8_t before[200];
	struct rte_mbuf *m;

	open_lab(true, true);
	m = frame(&s);
	memcpy(before, rte_pktmbuf_mtod(m, void *), m->data_len);
	rte_mbuf_refcnt_update(m, 1);
	CU_ASSERT_EQUAL(vnic_tx_prepare(&lab.txq, &m, 1), 0);
	CU_ASSERT_EQUAL(rte_errno, ENOTSUP);
	CU_ASSERT_EQUAL(memcmp(before, rte_pktmbuf_mtod(m, void *), m->data_len), 0);
	rte_mbuf_refcnt_update(m, -1);
	CU_ASSERT_EQUAL(vnic_tx_prepare(&lab.txq, &m, 1), 1);
	rte_mbuf_refcnt_update(m, 1);
	CU_ASSERT_EQUAL(vnic_tx_prepare(&lab.txq, &m, 1), 1);
	rte_mbuf_refcnt_update(m, -1);
	rte_pktmbuf_free(m);
	tx_lab_close(&lab);
}

/* Lengths, with a port's MTU: the first bad one is where it stops. */
static void tx_prepare__lengths(void)
{
	static const struct {
		uint16_t len;
		bool ok;
	} t[] = { { 13, false }, { 14, true }, { 1514, true }, { 1522, true }, { 1523, false } };
	struct rte_eth_dev_data data = { .mtu = 1500 };
	struct rte_eth_dev eth = { .data = &data };
	struct rte_mbuf *pkts[3];

	open_lab(true, true);
	lab.dev.eth = &eth;
	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		for (unsigned k = 0; k < 3; k++)
			pkts[k] = tx_lab_frame1(&lab, k, k == 1 ? t[i].len : 60);
		CU_ASSERT_EQUAL(vnic_tx_prepare(&lab.txq, pkts, 3), t[i].ok ? 3 : 1);
		for (unsigned k = 0; k < 3; k++)
			rte_pktmbuf_free(pkts[k]);
	}
	tx_lab_close(&lab);
}

/* More segments than go: packed by prepare already. */
static void tx_prepare__segments(void)
{
	static const uint16_t lens[] = { 20, 20, 20, 20, 20, 20, 0 };
	struct rte_mbuf *m;

	tx_lab_open(&lab, &(struct tx_lab_opts){ .size = 4 });
	m = tx_lab_frame(&lab, 3, lens);
	CU_ASSERT_EQUAL(vnic_tx_prepare(&lab.txq, &m, 1), 1);
	CU_ASSERT_EQUAL(m->nb_segs, 1);
	CU_ASSERT_EQUAL(tx_lab_send(&lab, m), 1);
	CU_ASSERT(tx_lab_take(&lab) && tx_lab_is_frame(&lab, 120, 3));
	tx_lab_close(&lab);
}

/* ---- VLAN --------------------------------------------------------------------------------------- */
static void tx_vlan__inserted(void)
{
	for (unsigned prepared = 0; prepared < 2; prepared++) {
		struct spec s = { false, false, 100, TCP | RTE_MBUF_F_TX_VLAN, 0 };
		struct vnic_net_hdr h;
		struct rte_mbuf *m;
		uint8_t before[200];

		open_lab(true, true);
		m = frame(&s);
		m->vlan_tci = 0x2abc;
		memcpy(before, rte_pktmbuf_mtod(m, void *), 134);
		if (prepared)
			CU_ASSERT_EQUAL(vnic_tx_prepare(&lab.txq, &m, 1), 1);
		CU_ASSERT_EQUAL(tx_lab_send(&lab, m), 1);
		CU_ASSERT(tx_lab_take(&lab));
		CU_ASSERT_EQUAL(lab.got.len, 158);
		CU_ASSERT_EQUAL(memcmp(lab.got.data, before, 12), 0);
		CU_ASSERT_EQUAL(memcmp(lab.got.data + 12, "\x81\x00\x2a\xbc", 4), 0);
		CU_ASSERT_EQUAL(memcmp(lab.got.data + 16, before + 12, 22), 0);
		memcpy(&h, lab.got.hdr, sizeof(h));
		CU_ASSERT_EQUAL(h.csum_start, 38);
		tx_lab_close(&lab);
	}
}

static void tx_vlan__not_into_shared(void)
{
	struct spec s = { false, false, 100, RTE_MBUF_F_TX_VLAN, 0 };
	struct rte_mbuf *m;

	open_lab(true, true);
	m = frame(&s);
	rte_mbuf_refcnt_update(m, 1);
	CU_ASSERT_EQUAL(vnic_tx_prepare(&lab.txq, &m, 1), 0);
	CU_ASSERT_EQUAL(rte_errno, ENOTSUP);
	CU_ASSERT_EQUAL(tx_lab_send(&lab, m), 1);
	CU_ASSERT_EQUAL(lab.txq.errors, 1);
	CU_ASSERT_EQUAL(m->data_len, 154);
	rte_pktmbuf_free(m);
	tx_lab_close(&lab);
}

/* Which burst a queue gets: by ring, order, and what was asked for. */
static void tx_select__table(void)
{
	struct vnic_txq q = { .port = 0 };

	CU_ASSERT_PTR_EQUAL(vnic_tx_select(&q), vnic_tx_split);
	q.offloads = RTE_ETH_TX_OFFLOAD_MULTI_SEGS | RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	CU_ASSERT_PTR_EQUAL(vnic_tx_select(&q), vnic_tx_split);
	q.offloads = RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	CU_ASSERT_PTR_EQUAL(vnic_tx_select(&q), vnic_tx_split_offload);
	q.vq.in_order = true;
	CU_ASSERT_PTR_EQUAL(vnic_tx_select(&q), vnic_tx_split_in_order_offload);
	q.vq.is_packed = true;
	CU_ASSERT_PTR_EQUAL(vnic_tx_select(&q), vnic_tx_packed_in_order_offload);
	CU_ASSERT_STRING_EQUAL(vnic_tx_burst_name(vnic_tx_select(&q)), "packed, in order, offloads");
	CU_ASSERT_PTR_NULL(vnic_tx_burst_name(NULL));
}

static const struct test_case cases[] = {
	TEST_CASE(tx_header__table),
	TEST_CASE(tx_header__rows),
	TEST_CASE(tx_header__refused),
	TEST_CASE(tx_prepare__sums),
	TEST_CASE(tx_prepare__long_segment),
	TEST_CASE(tx_prepare__shared),
	TEST_CASE(tx_prepare__lengths),
	TEST_CASE(tx_prepare__segments),
	TEST_CASE(tx_vlan__inserted),
	TEST_CASE(tx_vlan__not_into_shared),
	TEST_CASE(tx_select__table),
};

TEST_MAIN("virtio_tx_header", cases)
