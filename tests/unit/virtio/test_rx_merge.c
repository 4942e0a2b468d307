/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets of several buffers: every shape, such as come in parts, such as are wrong. */
#include "tests/unit/test.h"
#include "tests/unit/virtio/rx_lab.h"

#include <string.h>
#include <unistd.h>

#define ROOM (RTE_PKTMBUF_HEADROOM + 116) /* 128 octets a buffer with a header of 12 */
#define BUF  128u

static const struct rx_lab_opts kinds[] = {
	{ .size = 64, .mergeable = true, .room = ROOM },
	{ .size = 64, .mergeable = true, .room = ROOM, .in_order = true },
	{ .size = 64, .mergeable = true, .room = ROOM, .packed = true },
	{ .size = 65, .mergeable = true, .room = ROOM, .packed = true, .in_order = true },
	{ .size = 64, .mergeable = true, .room = ROOM, .csum = true, .lro = true, .pinned = true },
	{ .size = 64, .mergeable = true, .room = ROOM, .vectorized = 1 },
	{ .size = 64, .mergeable = true, .room = ROOM, .vectorized = 2, .packed = true },
	{ .size = 65, .mergeable = true, .room = ROOM, .vectorized = 2, .packed = true, .in_order = true },
	{ .size = 64, .mergeable = true, .room = ROOM, .vectorized = 1, .in_order = true },
	{ .size = 64, .mergeable = true, .room = ROOM, .vectorized = 1, .packed = true },
	{ .size = 65, .mergeable = true, .room = ROOM, .vectorized = 1, .packed = true, .in_order = true },
	{ .size = 64, .mergeable = true, .room = ROOM, .vectorized = 1, .csum = true, .lro = true },
	{ .size = 65, .mergeable = true, .room = ROOM, .vectorized = 2, .csum = true, .packed = true },
	{ .size = 65, .mergeable = true, .room = ROOM, .vectorized = 2, .lro = true, .packed = true, .in_order = true },
};

static void open_kind(struct rx_lab *lab, unsigned kind)
{
	CU_ASSERT_EQUAL_FATAL(rx_lab_open(lab, &kinds[kind]), 0);
	CU_ASSERT_EQUAL_FATAL(lab->rxq.buf_len, BUF);
}

/* First buffer with the header before it, the others from where the header would be. */
static bool is_laid_out(const struct rte_mbuf *m, unsigned segs)
{
	unsigned n = 0;

	if (m->nb_segs != segs || m->data_off != VNIC_RX_DATA_OFF)
		return false;
	for (m = m->next; m != NULL; m = m->next, n++)
		if (m->data_off != VNIC_RX_DATA_OFF - 12 || (m->next != NULL && m->data_len != BUF))
			return false;
	return n + 1 == segs;
}

static void merge__every_shape(void)
{
	static const struct {
		uint32_t len;
		unsigned segs;
	} t[] = {
		{ 14, 1 }, { 60, 1 }, { 115, 1 }, { 116, 1 }, { 117, 2 }, { 118, 2 }, { 243, 2 }, { 244, 2 }, { 245, 3 },
		{ 1000, 8 }, { 1012, 8 }, { 4000, 32 }, { 64 * BUF - 12, 64 },
	};
	struct rx_lab lab;
	unsigned kind, i, round;

	for (kind = 0; kind < RTE_DIM(kinds); kind++) {
		open_kind(&lab, kind);
		for (round = 0; round < 3; round++)
			for (i = 0; i < RTE_DIM(t); i++) {
				struct rte_mbuf *m;

				CU_ASSERT_EQUAL(rx_lab_frame(&lab, t[i].len, i), t[i].segs);
				m = rx_lab_recv(&lab);
				CU_ASSERT_PTR_NOT_NULL_FATAL(m);
				CU_ASSERT_TRUE(is_laid_out(m, t[i].segs));
				CU_ASSERT_TRUE(rx_lab_is_frame(m, t[i].len, i));
				CU_ASSERT_EQUAL(rte_mbuf_check(m, 1, NULL), 0);
				rte_pktmbuf_free(m);
				CU_ASSERT_PTR_NULL(rx_lab_recv(&lab)); /* refill */
			}
		CU_ASSERT_EQUAL(lab.rxq.packets, 3 * RTE_DIM(t));
		CU_ASSERT_EQUAL(lab.rxq.merged, 3 * (RTE_DIM(t) - 4));
		rx_lab_close(&lab);
	}
}

/* Packets alone and packets of several, in all orders within four. */
static void merge__mixed(void)
{
	struct rte_mbuf *pkts[8];
	struct rx_lab lab;
	unsigned kind, pattern, i;
	uint16_t n, k;

	for (kind = 0; kind < RTE_DIM(kinds); kind++) {
		open_kind(&lab, kind);
		for (pattern = 0; pattern < 256; pattern++) {
			for (i = 0; i < 8; i++)
				rx_lab_frame(&lab, pattern >> i & 1 ? 300 : 60, i);
			for (n = 0, i = 0; n < 8 && i < 8; n = (uint16_t)(n + k), i++)
				k = lab.burst(&lab.rxq, pkts + n, (uint16_t)(8 - n));
			CU_ASSERT_EQUAL_FATAL(n, 8);
			for (i = 0; i < 8; i++)
				CU_ASSERT_TRUE(rx_lab_is_frame(pkts[i], pattern >> i & 1 ? 300 : 60, i));
			rte_pktmbuf_free_bulk(pkts, 8);
			CU_ASSERT_PTR_NULL(rx_lab_recv(&lab));
		}
		CU_ASSERT_EQUAL(lab.rxq.bytes, 256 * 4 * 360);
		CU_ASSERT_EQUAL(lab.rxq.packets, 256 * 8);
		rx_lab_close(&lab);
	}
}

/* One packet of 64 buffers, and a burst of one: not a burst of nothing 64 times. */
static void merge__burst_counts_packets(void)
{
	struct rte_mbuf *pkts[2];
	struct rx_lab lab;

	open_kind(&lab, 0);
	rx_lab_frame(&lab, 40 * BUF - 12, 1);
	rx_lab_frame(&lab, 20 * BUF - 12, 2);
	CU_ASSERT_EQUAL(lab.burst(&lab.rxq, pkts, 1), 1);
	CU_ASSERT_EQUAL(lab.burst(&lab.rxq, pkts + 1, 1), 1);
	CU_ASSERT_TRUE(rx_lab_is_frame(pkts[1], 20 * BUF - 12, 2));
	rte_pktmbuf_free(pkts[0]);
	rte_pktmbuf_free(pkts[1]);
	rx_lab_close(&lab);
}

/* ---- parts --------------------------------------------------------------------- */
static unsigned send_part(struct rx_lab *lab, uint32_t len, uint32_t seed, unsigned shown, struct rx_lab_buf *later)
{
	uint8_t frame[64 * BUF];
	uint32_t i;

	for (i = 0; i < len; i++)
		frame[i] = rx_lab_octet(seed, i);
	return rx_lab_send(lab, rx_lab_hdr(0), frame, len, shown, later);
}

/* As if the last look had been just now, however long this thread was kept from running. */
static struct rte_mbuf *recv_at_once(struct rx_lab *lab)
{
	lab->rxq.part_tsc = 0;
	return rx_lab_recv(lab);
}

/* 23: three buffers, of which one or two are there; then the rest. */
static void part__rest_comes(void)
{
	struct rx_lab_buf later[3];
	struct rx_lab lab;
	struct rte_mbuf *m;
	unsigned kind, shown, i;

	for (kind = 0; kind < RTE_DIM(kinds); kind++) {
		open_kind(&lab, kind);
		for (shown = 1; shown < 3; shown++) {
			rx_lab_frame(&lab, 60, 9);
			CU_ASSERT_EQUAL(send_part(&lab, 300, shown, shown, later), 3);
			m = rx_lab_recv(&lab);
			CU_ASSERT_TRUE(m != NULL && rx_lab_is_frame(m, 60, 9));
			rte_pktmbuf_free(m);
			for (i = 0; i < 5; i++)
				CU_ASSERT_PTR_NULL(recv_at_once(&lab));
			CU_ASSERT_EQUAL(lab.rxq.part_left, 3 - shown);
			for (i = 0; i < 3 - shown; i++)
				rx_lab_used(&lab, later[i].id, later[i].len);
			rx_lab_frame(&lab, 61, 8);
			m = rx_lab_recv(&lab);
			CU_ASSERT_PTR_NOT_NULL_FATAL(m);
			CU_ASSERT_TRUE(is_laid_out(m, 3) && rx_lab_is_frame(m, 300, shown));
			rte_pktmbuf_free(m);
			m = rx_lab_recv(&lab);
			CU_ASSERT_TRUE(m != NULL && rx_lab_is_frame(m, 61, 8));
			rte_pktmbuf_free(m);
			CU_ASSERT_EQUAL(lab.rxq.part_tsc, 0);
		}
		rx_lab_close(&lab);
	}
}

/* The rest of a packet looks like headers of packets alone. */
static void part__rest_looks_like_headers(void)
{
	struct rx_lab_buf later[9];
	uint8_t frame[9 * BUF - 12];
	struct rx_lab lab;
	struct rte_mbuf *pkts[16], *m;
	unsigned kind, i;

	for (i = 0; i < sizeof(frame); i++)
		frame[i] = (i + 1) % 2; /* num_buffers 1 everywhere */
	for (kind = 0; kind < RTE_DIM(kinds); kind++) {
		open_kind(&lab, kind);
		CU_ASSERT_EQUAL(rx_lab_send(&lab, rx_lab_hdr(0), frame, sizeof(frame), 1, later), 9);
		CU_ASSERT_PTR_NULL(rx_lab_recv(&lab));
		for (i = 0; i < 8; i++)
			rx_lab_used(&lab, later[i].id, later[i].len);
		CU_ASSERT_EQUAL_FATAL(lab.burst(&lab.rxq, pkts, 16), 1);
		m = pkts[0];
		CU_ASSERT_TRUE(is_laid_out(m, 9) && m->pkt_len == sizeof(frame));
		rte_pktmbuf_free(m);
		rx_lab_close(&lab);
	}
}

static void part__rest_never_comes(void)
{
	unsigned kind, i;
	struct rx_lab lab;

	for (kind = 0; kind < RTE_DIM(kinds); kind++) {
		open_kind(&lab, kind);
		send_part(&lab, 300, 1, 2, NULL);
		for (i = 0; i < 3; i++)
			CU_ASSERT_PTR_NULL(recv_at_once(&lab));
		CU_ASSERT_EQUAL(lab.rxq.vq.fault, VNIC_FAULT_NONE);
		CU_ASSERT_NOT_EQUAL(lab.rxq.part_tsc, 0);
		usleep(VNIC_RX_STALL_US + 5000);
		CU_ASSERT_PTR_NULL(rx_lab_recv(&lab));
		CU_ASSERT_EQUAL(lab.rxq.vq.fault, VNIC_FAULT_RX_BUFFERS);
		CU_ASSERT_EQUAL(lab.dev.faults[VNIC_FAULT_RX_BUFFERS], 1);
		rx_lab_close(&lab); /* the part goes back to its pool too */
	}
}

static void part__drained(void)
{
	struct rte_mbuf *pkts[4];
	struct rx_lab lab;

	open_kind(&lab, 2);
	rx_lab_frame(&lab, 200, 5);
	send_part(&lab, 300, 1, 2, NULL);
	lab.rxq.part_tsc = 1; /* has waited for ever */
	CU_ASSERT_EQUAL(vnic_rx_drain(&lab.rxq, pkts, 4), 1);
	CU_ASSERT_EQUAL(lab.rxq.vq.fault, VNIC_FAULT_NONE);
	CU_ASSERT_TRUE(rx_lab_is_frame(pkts[0], 200, 5));
	rte_pktmbuf_free(pkts[0]);
	CU_ASSERT_EQUAL(lab.rxq.part_left, 0);
	CU_ASSERT_PTR_NULL(lab.rxq.part);
	rx_lab_close(&lab);
}

/* ---- 22: what is wrong -------------------------------------------------------------- */
/* Used lengths of a packet's buffers (0 ends), what the header says, what is counted. */
struct wrong {
	uint16_t num_buffers;
	uint32_t len[6];
	unsigned more;       /* further buffers, full */
	enum vnic_rx_drop why;
	uint32_t frame_max;
};
#define FULL (BUF + 1000) /* stands for BUF; EMPTY for 0 */
#define EMPTY (BUF + 2000)

static const struct wrong wrongs[] = {
	{ 0, { 80 }, 0, VNIC_RX_DROP_BUFFERS, 0 },
	{ 66, { 80 }, 0, VNIC_RX_DROP_BUFFERS, 0 },
	{ 0xffff, { 80 }, 0, VNIC_RX_DROP_BUFFERS, 0 },
	{ 1, { EMPTY }, 0, VNIC_RX_DROP_SHORT, 0 },
	{ 1, { 11 }, 0, VNIC_RX_DROP_SHORT, 0 },
	{ 5, { 11 }, 0, VNIC_RX_DROP_SHORT, 0 }, /* no header: five is not believed */
	{ 1, { 12 }, 0, VNIC_RX_DROP_SHORT, 0 },
	{ 1, { 25 }, 0, VNIC_RX_DROP_SHORT, 0 },
	{ 3, { 25, FULL, 80 }, 0, VNIC_RX_DROP_SHORT, 0 },
	{ 3, { FULL, EMPTY, 80 }, 0, VNIC_RX_DROP_SHORT, 0 },
	{ 3, { FULL, FULL, EMPTY }, 0, VNIC_RX_DROP_SHORT, 0 },
	{ 1, { FULL }, 0, VNIC_RX_DROP_LONG, 100 },
	{ 2, { FULL, 80 }, 0, VNIC_RX_DROP_LONG, 100 },
	{ 2, { FULL, 80 }, 0, VNIC_RX_DROP_LONG, 116 + 79 },
	{ 5, { FULL, FULL, FULL, FULL, 80 }, 0, VNIC_RX_DROP_LONG, 300 },
	{ 60, { FULL }, 59, VNIC_RX_DROP_LONG, 1514 },
};

static void send_wrong(struct rx_lab *lab, const struct wrong *w)
{
	struct vnic_net_hdr_hash hdr = rx_lab_hdr(w->num_buffers);
	struct rx_lab_buf b;
	unsigned i;

	rx_lab_poll(lab);
	for (i = 0; w->len[i] != 0; i++) {
		b = rx_lab_take(lab);
		memset(b.data, 0x55, b.len);
		if (i == 0)
			memcpy(b.data, &hdr, 12);
		rx_lab_used(lab, b.id, w->len[i] == FULL ? BUF : w->len[i] == EMPTY ? 0 : w->len[i]);
	}
	for (i = 0; i < w->more; i++) {
		b = rx_lab_take(lab);
		rx_lab_used(lab, b.id, BUF);
	}
}

static void wrong__dropped_and_in_step(void)
{
	struct rx_lab lab;
	struct rte_mbuf *m;
	unsigned kind, i, round;

	for (kind = 0; kind < RTE_DIM(kinds); kind++) {
		open_kind(&lab, kind);
		for (i = 0; i < RTE_DIM(wrongs); i++)
			for (round = 0; round < 2; round++) {
				uint64_t before = lab.rxq.drop[wrongs[i].why], errors = lab.rxq.errors;

				lab.rxq.frame_max = wrongs[i].frame_max != 0 ? wrongs[i].frame_max : VIRTIO_NET_MAX_GSO;
				send_wrong(&lab, &wrongs[i]);
				rx_lab_frame(&lab, 60, i);
				m = rx_lab_recv(&lab);
				CU_ASSERT_TRUE(m != NULL && rx_lab_is_frame(m, 60, i));
				rte_pktmbuf_free(m);
				CU_ASSERT_EQUAL(lab.rxq.drop[wrongs[i].why], before + 1);
				CU_ASSERT_EQUAL(lab.rxq.errors, errors + 1);
				CU_ASSERT_PTR_NULL(rx_lab_recv(&lab));
			}
		CU_ASSERT_EQUAL(lab.rxq.vq.fault, VNIC_FAULT_NONE);
		CU_ASSERT_EQUAL(lab.rxq.packets, 2 * RTE_DIM(wrongs));
		rx_lab_close(&lab);
	}
}

/* 64 KiB and no more, whatever the buffers. */
static void wrong__longer_than_64_kib(void)
{
	struct rx_lab_opts o = { .size = 64, .mergeable = true, .room = RTE_PKTMBUF_HEADROOM + 2036 };
	struct rx_lab lab;
	struct rte_mbuf *m;

	CU_ASSERT_EQUAL_FATAL(rx_lab_open(&lab, &o), 0);
	rx_lab_frame(&lab, VIRTIO_NET_MAX_GSO, 1);
	m = rx_lab_recv(&lab);
	CU_ASSERT_TRUE(m != NULL && rx_lab_is_frame(m, VIRTIO_NET_MAX_GSO, 1));
	rte_pktmbuf_free(m);
	CU_ASSERT_PTR_NULL(rx_lab_recv(&lab));
	rx_lab_frame(&lab, VIRTIO_NET_MAX_GSO + 1, 1);
	CU_ASSERT_PTR_NULL(rx_lab_recv(&lab));
	CU_ASSERT_EQUAL(lab.rxq.drop[VNIC_RX_DROP_LONG], 1);
	rx_lab_close(&lab);
}

static const struct test_case cases[] = {
	TEST_CASE(merge__every_shape),
	TEST_CASE(merge__mixed),
	TEST_CASE(merge__burst_counts_packets),
	TEST_CASE(part__rest_comes),
	TEST_CASE(part__rest_looks_like_headers),
	TEST_CASE(part__rest_never_comes),
	TEST_CASE(part__drained),
	TEST_CASE(wrong__dropped_and_in_step),
	TEST_CASE(wrong__longer_than_64_kib),
};
TEST_MAIN("virtio_rx_merge", cases)
