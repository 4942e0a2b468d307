/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices that break the ring's rules: the queue stops, nothing outside it is
 * touched, every buffer comes back. */
#include "tests/unit/test.h"
#include "tests/unit/virtio/rx_lab.h"

#define SIZE 16

/* What the device does after having served three packets. */
enum deed {
	ID_BEYOND,      /* the first id there is not */
	ID_FAR,
	ID_IDLE,        /* one not outstanding: used before and not offered again */
	ID_TWICE,       /* the same in two entries running */
	ID_SKIPPED,     /* outstanding, but not its turn */
	INDEX_JUMPS,    /* used index beyond what is outstanding, by one */
	INDEX_BACK,
	LENGTH_BEYOND,
	LENGTH_FAR,
};

struct bad {
	enum deed deed;
	bool packed, in_order, mergeable;
	enum vnic_fault fault;
	unsigned passed; /* packets the burst still gives */
};

static const struct bad bads[] = {
	{ ID_BEYOND, false, false, false, VNIC_FAULT_USED_ID, 1 },
	{ ID_BEYOND, false, true, false, VNIC_FAULT_USED_ID, 1 },
	{ ID_BEYOND, true, false, false, VNIC_FAULT_USED_ID, 1 },
	{ ID_BEYOND, true, true, false, VNIC_FAULT_USED_ID, 1 },
	{ ID_BEYOND, true, false, true, VNIC_FAULT_USED_ID, 1 },
	{ ID_FAR, false, false, false, VNIC_FAULT_USED_ID, 1 },
	{ ID_FAR, false, true, true, VNIC_FAULT_USED_ID, 1 },
	{ ID_FAR, true, false, false, VNIC_FAULT_USED_ID, 1 },
	{ ID_IDLE, false, false, false, VNIC_FAULT_USED_IDLE, 1 },
	{ ID_IDLE, true, false, false, VNIC_FAULT_USED_IDLE, 1 },
	{ ID_IDLE, false, true, false, VNIC_FAULT_USED_ORDER, 1 },
	{ ID_IDLE, true, true, false, VNIC_FAULT_USED_ORDER, 1 },
	{ ID_TWICE, false, false, false, VNIC_FAULT_USED_IDLE, 2 },
	{ ID_TWICE, false, false, true, VNIC_FAULT_USED_IDLE, 2 },
	{ ID_TWICE, true, false, false, VNIC_FAULT_USED_IDLE, 2 },
	{ ID_TWICE, true, true, false, VNIC_FAULT_USED_ORDER, 2 },
	{ ID_SKIPPED, false, true, false, VNIC_FAULT_USED_ORDER, 1 },
	{ ID_SKIPPED, true, true, false, VNIC_FAULT_USED_ORDER, 1 },
	{ INDEX_JUMPS, false, false, false, VNIC_FAULT_USED_COUNT, 0 },
	{ INDEX_JUMPS, false, true, true, VNIC_FAULT_USED_COUNT, 0 },
	{ INDEX_BACK, false, false, false, VNIC_FAULT_USED_COUNT, 0 },
	{ LENGTH_BEYOND, false, false, false, VNIC_FAULT_RX_LENGTH, 1 },
	{ LENGTH_BEYOND, false, true, true, VNIC_FAULT_RX_LENGTH, 1 },
	{ LENGTH_BEYOND, true, false, false, VNIC_FAULT_RX_LENGTH, 1 },
	{ LENGTH_BEYOND, true, true, false, VNIC_FAULT_RX_LENGTH, 1 },
	{ LENGTH_FAR, false, false, false, VNIC_FAULT_RX_LENGTH, 1 },
	{ LENGTH_FAR, true, false, true, VNIC_FAULT_RX_LENGTH, 1 },
};

static void commit(struct rx_lab *lab, enum deed deed, uint16_t idle)
{
	struct rx_lab_buf b = rx_lab_take(lab);
	uint32_t most = lab->rxq.buf_len;

	switch (deed) {
	case ID_BEYOND:
		rx_lab_used(lab, SIZE, 80);
		break;
	case ID_FAR: /* packed ids have 16 bits */
		rx_lab_used(lab, lab->opts.packed ? 0xffff : UINT32_MAX, 80);
		break;
	case ID_IDLE:
		rx_lab_used(lab, idle, 80);
		break;
	case ID_TWICE:
		*(uint16_t *)(void *)(b.data + 10) = 1;
		rx_lab_used(lab, b.id, 80);
		rx_lab_used(lab, b.id, 80);
		break;
	case ID_SKIPPED:
		rx_lab_used(lab, rx_lab_have(lab, 0)->id, 80);
		break;
	case INDEX_JUMPS:
		lab->rxq.vq.split.used->idx = (uint16_t)(lab->rxq.vq.used + SIZE - lab->rxq.vq.free_count + 1);
		break;
	case INDEX_BACK:
		lab->rxq.vq.split.used->idx = (uint16_t)(lab->rxq.vq.used - 1);
		break;
	case LENGTH_BEYOND:
		rx_lab_used(lab, b.id, most + 1);
		break;
	case LENGTH_FAR:
		rx_lab_used(lab, b.id, UINT32_MAX);
		break;
	}
}

static void check_bad(const struct bad *bad, uint8_t vectorized)
{
	struct rx_lab_opts o = { .size = SIZE, .packed = bad->packed, .in_order = bad->in_order,
				 .mergeable = bad->mergeable, .vectorized = vectorized };
	struct rte_mbuf *pkts[8];
	struct rx_lab lab;
	uint16_t idle, n;

	CU_ASSERT_EQUAL_FATAL(rx_lab_open(&lab, &o), 0);
	rx_lab_poll(&lab);
	idle = rx_lab_have(&lab, 0)->id;
	rx_lab_frame(&lab, 60, 0);
	rx_lab_frame(&lab, 60, 1);
	n = lab.burst(&lab.rxq, pkts, 8);
	CU_ASSERT_EQUAL_FATAL(n, 2);
	rte_pktmbuf_free_bulk(pkts, n);
	CU_ASSERT_EQUAL(lab.rxq.vq.free_count, 2); /* not offered again yet: idle is idle */
	rx_lab_frame(&lab, 60, 2);
	commit(&lab, bad->deed, idle);
	n = lab.burst(&lab.rxq, pkts, 8);
	CU_ASSERT_EQUAL(n, bad->passed);
	rte_pktmbuf_free_bulk(pkts, n);
	CU_ASSERT_EQUAL(lab.rxq.vq.fault, bad->fault);
	CU_ASSERT_EQUAL(lab.dev.faults[bad->fault], 1);
	CU_ASSERT_TRUE(lab.dev.fault_seen);
	/* stopped: nothing more, and nothing twice */
	CU_ASSERT_EQUAL(lab.burst(&lab.rxq, pkts, 8), 0);
	CU_ASSERT_EQUAL(lab.dev.faults[bad->fault], 1);
	/* a harvest takes nothing from a broken queue either */
	CU_ASSERT_EQUAL(vnic_rx_drain(&lab.rxq, pkts, 8), 0);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(lab.mp), lab.mp->size);
	/* and a reset cures it */
	vnic_vq_rewind(&lab.rxq.vq);
	CU_ASSERT_EQUAL(vnic_rx_fill(&lab.rxq), 0);
	rx_lab_close(&lab);
}

static void device__breaks_rules(void)
{
	unsigned i;

	for (i = 0; i < RTE_DIM(bads); i++) {
		check_bad(&bads[i], 0);
		check_bad(&bads[i], 1);
		check_bad(&bads[i], 2);
	}
}

/* Packed: used descriptors where nothing, or less, is outstanding. */
static void uses_what_is_not_there(bool in_order, uint8_t vectorized, unsigned there)
{
	struct rx_lab_opts o = { .size = SIZE, .packed = true, .mbufs = SIZE + there, .in_order = in_order,
				 .vectorized = vectorized };
	struct rte_mbuf *pkts[2 * SIZE];
	struct rx_lab lab;
	unsigned i, got;

	CU_ASSERT_EQUAL_FATAL(rx_lab_open(&lab, &o), 0);
	for (i = 0; i < SIZE; i++)
		rx_lab_frame(&lab, 60, i);
	CU_ASSERT_EQUAL_FATAL(lab.burst(&lab.rxq, pkts, SIZE), SIZE); /* the pool is empty now */
	CU_ASSERT_EQUAL(lab.rxq.vq.free_count, SIZE - there);
	CU_ASSERT_EQUAL(lab.rxq.vq.fault, VNIC_FAULT_NONE);
	for (i = 0; i < 4; i++)
		rx_lab_used(&lab, i, 80);
	got = lab.burst(&lab.rxq, pkts + SIZE, SIZE);
	CU_ASSERT_EQUAL(got, there);
	CU_ASSERT_EQUAL(lab.burst(&lab.rxq, pkts + SIZE + got, SIZE - got), 0);
	CU_ASSERT_EQUAL(lab.rxq.vq.fault, VNIC_FAULT_USED_COUNT);
	rte_pktmbuf_free_bulk(pkts, SIZE + got);
	rx_lab_close(&lab);
}

static void device__uses_what_is_not_there(void)
{
	unsigned v;

	for (v = 0; v < 18; v++)
		uses_what_is_not_there(v & 1, (uint8_t)(v / 2 % 3), v / 6);
}

/* Ids in order again, and one of four is that which came out of order before. */
static void device__uses_twice_within_four(void)
{
	struct rte_mbuf *pkts[SIZE];
	struct rx_lab lab;
	unsigned v, k, i;

	for (v = 0; v < 6; v++)
		for (k = 4; k < 8; k++) {
			struct rx_lab_opts o = { .size = SIZE, .packed = v & 1, .vectorized = (uint8_t)(v / 2) };

			CU_ASSERT_EQUAL_FATAL(rx_lab_open(&lab, &o), 0);
			rx_lab_used(&lab, k, 72);
			for (i = 1; i < 4; i++)
				rx_lab_used(&lab, i, 72);
			CU_ASSERT_EQUAL(lab.burst(&lab.rxq, pkts, 4), 4);
			for (; i < 8; i++)
				rx_lab_used(&lab, i, 72);
			CU_ASSERT_EQUAL(lab.burst(&lab.rxq, pkts + 4, SIZE - 4), k - 4);
			CU_ASSERT_EQUAL(lab.rxq.vq.fault, VNIC_FAULT_USED_IDLE);
			rte_pktmbuf_free_bulk(pkts, k);
			rx_lab_close(&lab);
		}
}

/* 21: shorter than header and Ethernet header: dropped, the queue goes on. */
static void device__short_packets(void)
{
	static const uint32_t len[] = { 0, 1, 11, 12, 13, 25 };
	unsigned v, i;

	for (v = 0; v < 12; v++) {
		struct rx_lab_opts o = { .size = SIZE, .packed = v & 1, .in_order = v & 2, .vectorized = (uint8_t)(v % 12 / 4) };
		struct rx_lab lab;
		struct rte_mbuf *m;

		CU_ASSERT_EQUAL_FATAL(rx_lab_open(&lab, &o), 0);
		for (i = 0; i < RTE_DIM(len); i++) {
			rx_lab_poll(&lab);
			rx_lab_used(&lab, rx_lab_take(&lab).id, len[i]);
			CU_ASSERT_PTR_NULL(rx_lab_recv(&lab));
			CU_ASSERT_EQUAL(lab.rxq.drop[VNIC_RX_DROP_SHORT], i + 1);
		}
		CU_ASSERT_EQUAL(lab.rxq.errors, RTE_DIM(len));
		rx_lab_frame(&lab, 14, 1);
		m = rx_lab_recv(&lab);
		CU_ASSERT_TRUE(m != NULL && rx_lab_is_frame(m, 14, 1));
		rte_pktmbuf_free(m);
		rx_lab_close(&lab);
	}
}

/* Longer than any frame, but not than the buffer. */
static void device__long_packets(void)
{
	struct rx_lab_opts o = { .size = SIZE, .frame_max = 100 };
	struct rx_lab lab;
	struct rte_mbuf *m;

	CU_ASSERT_EQUAL_FATAL(rx_lab_open(&lab, &o), 0);
	rx_lab_frame(&lab, 101, 1);
	CU_ASSERT_PTR_NULL(rx_lab_recv(&lab));
	CU_ASSERT_EQUAL(lab.rxq.drop[VNIC_RX_DROP_LONG], 1);
	rx_lab_frame(&lab, 100, 1);
	m = rx_lab_recv(&lab);
	CU_ASSERT_PTR_NOT_NULL(m);
	rte_pktmbuf_free(m);
	rx_lab_close(&lab);
}

/* The rings are the device's to scribble on: what we have posted is kept elsewhere. */
static void device__scribbles_over_the_ring(void)
{
	unsigned v, i;

	for (v = 0; v < 12; v++) {
		struct rx_lab_opts o = { .size = SIZE, .packed = v & 1, .in_order = v & 2, .vectorized = (uint8_t)(v % 12 / 4) };
		uint64_t rnd = v;
		struct rte_mbuf *pkts[SIZE];
		struct rx_lab lab;
		unsigned round;

		for (round = 0; round < 50; round++) {
			uint32_t *word;

			CU_ASSERT_EQUAL_FATAL(rx_lab_open(&lab, &o), 0);
			word = lab.rxq.vq.ring.va;
			for (i = 0; i < lab.rxq.vq.ring.len / 4; i++)
				if (test_random(&rnd) % 3 != 0)
					word[i] = (uint32_t)test_random(&rnd);
			for (i = 0; i < 8; i++)
				rte_pktmbuf_free_bulk(pkts, lab.burst(&lab.rxq, pkts, SIZE));
			vnic_rx_drain(&lab.rxq, NULL, 0);
			CU_ASSERT_EQUAL(rte_mempool_avail_count(lab.mp), lab.mp->size);
			rx_lab_close(&lab);
		}
	}
}

/* The k-th of four is wrong: what is before it passes, what is behind it does not. */
static void device__breaks_rules_within_four(void)
{
	static const enum deed deeds[] = { ID_BEYOND, LENGTH_BEYOND, ID_FAR, LENGTH_FAR };
	struct rte_mbuf *pkts[SIZE];
	struct rx_lab lab;
	unsigned v, k, i;

	for (v = 0; v < 12 * RTE_DIM(deeds); v++)
		for (k = 0; k < 12; k++) {
			struct rx_lab_opts o = { .size = SIZE, .packed = v & 1, .in_order = v & 2, .vectorized = (uint8_t)(v % 12 / 4) };

			CU_ASSERT_EQUAL_FATAL(rx_lab_open(&lab, &o), 0);
			for (i = 0; i < k; i++)
				rx_lab_frame(&lab, 60, i);
			rx_lab_poll(&lab);
			commit(&lab, deeds[v / 12], 0);
			for (i++; i < 13; i++)
				rx_lab_frame(&lab, 60, i);
			CU_ASSERT_EQUAL(lab.burst(&lab.rxq, pkts, SIZE), k);
			for (i = 0; i < k; i++)
				CU_ASSERT_TRUE(rx_lab_is_frame(pkts[i], 60, i));
			rte_pktmbuf_free_bulk(pkts, k);
			CU_ASSERT_NOT_EQUAL(lab.rxq.vq.fault, VNIC_FAULT_NONE);
			CU_ASSERT_EQUAL(lab.rxq.packets, k);
			CU_ASSERT_EQUAL(lab.rxq.bytes, 60 * k);
			rx_lab_close(&lab);
		}
}

/* The same of lengths that cost a packet, not the queue. */
static void device__short_and_long_within_four(void)
{
	static const uint32_t wrong[] = { 0, 11, 25, 12 + 101 };
	struct rte_mbuf *pkts[SIZE];
	struct rx_lab lab;
	unsigned v, k, i;

	for (v = 0; v < 12 * RTE_DIM(wrong); v++)
		for (k = 0; k < 12; k++) {
			struct rx_lab_opts o = { .size = SIZE, .packed = v & 1, .in_order = v & 2, .vectorized = (uint8_t)(v % 12 / 4),
						 .frame_max = 100 };
			uint16_t n;

			CU_ASSERT_EQUAL_FATAL(rx_lab_open(&lab, &o), 0);
			for (i = 0; i < 12; i++)
				if (i != k)
					rx_lab_frame(&lab, 60, i);
				else if (rx_lab_poll(&lab) != 0)
					rx_lab_used(&lab, rx_lab_take(&lab).id, wrong[v / 12]);
			n = lab.burst(&lab.rxq, pkts, SIZE);
			CU_ASSERT_EQUAL_FATAL(n, 11);
			for (i = 0; i < n; i++)
				CU_ASSERT_TRUE(rx_lab_is_frame(pkts[i], 60, i + (i >= k)));
			rte_pktmbuf_free_bulk(pkts, n);
			CU_ASSERT_EQUAL(lab.rxq.vq.fault, VNIC_FAULT_NONE);
			CU_ASSERT_TRUE(lab.rxq.errors == 1 && lab.rxq.packets == 11 && lab.rxq.bytes == 660);
			rx_lab_close(&lab);
		}
}

static const struct test_case cases[] = {
	TEST_CASE(device__breaks_rules),
	TEST_CASE(device__breaks_rules_within_four),
	TEST_CASE(device__short_and_long_within_four),
	TEST_CASE(device__uses_what_is_not_there),
	TEST_CASE(device__uses_twice_within_four),
	TEST_CASE(device__short_packets),
	TEST_CASE(device__long_packets),
	TEST_CASE(device__scribbles_over_the_ring),
};
TEST_MAIN("virtio_rx_bad", cases)
