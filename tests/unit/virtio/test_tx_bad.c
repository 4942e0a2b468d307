/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices that break the rules on a transmit queue; the gate; drain, cleanup, the time bound. */
#include <string.h>

#include <rte_cycles.h>

#include "tests/unit/test.h"
#include "tests/unit/virtio/tx_lab.h"

static struct tx_lab lab;

static void send_frames(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		CU_ASSERT_EQUAL(tx_lab_send(&lab, tx_lab_frame1(&lab, i, 60)), 1);
	while (tx_lab_take(&lab))
		continue;
	CU_ASSERT_EQUAL(lab.n_held, n);
}

/* A used entry as it would be at place at (from 0), whatever it says. */
static void write_used(unsigned at, uint32_t id, uint32_t len)
{
	struct vnic_vq *vq = &lab.txq.vq;

	if (vq->is_packed) {
		struct vring_packed_desc *d = &vq->packed.desc[at % vq->size];

		d->id = (uint16_t)id;
		d->len = len;
		d->flags = (uint16_t)(vring_packed_used_flags(at < vq->size) | VRING_DESC_F_WRITE);
		return;
	}
	vq->split.used->ring[at % vq->size] = (struct vring_used_elem){ id, len };
	vq->split.used->idx = (uint16_t)(at + 1);
}

enum { SPLIT, PACKED, SPLIT_IO, PACKED_IO };

/* Four frames of one descriptor are out, ids 0 to 3 but for packed rings that hand out ids as they
 * like, where the first four are 0 to 3 as well. */
static const struct {
	unsigned kind;
	int ids[4]; /* what the device says, up to -1 */
	enum vnic_fault fault;
	unsigned done;
} lies[] = {
	{ SPLIT, { 0, 1, -1 }, VNIC_FAULT_NONE, 2 },
	{ SPLIT, { 3, 0, 2, 1 }, VNIC_FAULT_NONE, 4 },
	{ SPLIT, { 16, -1 }, VNIC_FAULT_USED_ID, 0 },
	{ SPLIT, { 0, 0x10000, -1 }, VNIC_FAULT_USED_ID, 1 },
	{ SPLIT, { 4, -1 }, VNIC_FAULT_USED_IDLE, 0 },
	{ SPLIT, { 1, 1, -1 }, VNIC_FAULT_USED_IDLE, 1 },
	{ PACKED, { 3, 0, 2, 1 }, VNIC_FAULT_NONE, 4 },
	{ PACKED, { 16, -1 }, VNIC_FAULT_USED_ID, 0 },
	{ PACKED, { 0xffff, -1 }, VNIC_FAULT_USED_ID, 0 },
	{ PACKED, { 4, -1 }, VNIC_FAULT_USED_IDLE, 0 },
	{ PACKED, { 2, 2, -1 }, VNIC_FAULT_USED_IDLE, 1 },
	{ SPLIT_IO, { 0, 1, 2, 3 }, VNIC_FAULT_NONE, 4 },
	{ SPLIT_IO, { 16, -1 }, VNIC_FAULT_USED_ID, 0 },
	{ SPLIT_IO, { 4, -1 }, VNIC_FAULT_USED_ORDER, 0 },
	{ SPLIT_IO, { 15, -1 }, VNIC_FAULT_USED_ORDER, 0 },
	{ SPLIT_IO, { 1, -1 }, VNIC_FAULT_USED_ORDER, 1 }, /* one by the index, two by the id */
	{ PACKED_IO, { 0, 1, 2, 3 }, VNIC_FAULT_NONE, 4 },
	{ PACKED_IO, { 3, -1 }, VNIC_FAULT_NONE, 4 }, /* a batch */
	{ PACKED_IO, { 16, -1 }, VNIC_FAULT_USED_ID, 0 },
	{ PACKED_IO, { 4, -1 }, VNIC_FAULT_USED_ORDER, 0 },
	{ PACKED_IO, { 15, -1 }, VNIC_FAULT_USED_ORDER, 0 },
	{ PACKED_IO, { 1, 1, -1 }, VNIC_FAULT_NONE, 2 }, /* the second lies inside the batch: not looked at */
	{ PACKED_IO, { 0, 0, -1 }, VNIC_FAULT_USED_ORDER, 1 },
};

static void open_kind(unsigned kind)
{
	tx_lab_open(&lab, &(struct tx_lab_opts){ .size = 16, .packed = kind & 1, .in_order = kind & 2 });
}

static void tx_bad__used_ids(void)
{
	for (unsigned i = 0; i < RTE_DIM(lies); i++) {
		struct rte_mbuf *m;

		open_kind(lies[i].kind);
		send_frames(4);
		for (unsigned k = 0; k < 4 && lies[i].ids[k] >= 0; k++)
			write_used(k, (uint32_t)lies[i].ids[k], 0xffffffff); /* its length is nothing to us */
		CU_ASSERT_EQUAL(vnic_tx_cleanup(&lab.txq, 0), (int)lies[i].done);
		CU_ASSERT_EQUAL(lab.txq.vq.fault, lies[i].fault);
		CU_ASSERT_EQUAL(lab.txq.done, lies[i].done);
		CU_ASSERT_EQUAL(lab.dev.faults[lies[i].fault], lies[i].fault != VNIC_FAULT_NONE);
		/* A stopped queue takes nothing and looks at nothing. */
		m = tx_lab_frame1(&lab, 9, 60);
		CU_ASSERT_EQUAL(lab.burst(&lab.txq, &m, 1), lies[i].fault == VNIC_FAULT_NONE);
		if (lies[i].fault != VNIC_FAULT_NONE) {
			CU_ASSERT_EQUAL(vnic_tx_cleanup(&lab.txq, 0), 0);
			rte_pktmbuf_free(m);
		}
		tx_lab_close(&lab);
		CU_ASSERT_EQUAL(lab.txq.reset_lost, (lies[i].fault == VNIC_FAULT_NONE ? 5u : 4u) - lies[i].done);
	}
}

/* The index of a split ring says more than is out. */
static void tx_bad__index_jumps(void)
{
	static const uint16_t idx[] = { 5, 17, 0x8000, 0xffff };

	for (unsigned i = 0; i < 2 * RTE_DIM(idx); i++) {
		open_kind(i & 1 ? SPLIT_IO : SPLIT);
		send_frames(4);
		lab.txq.vq.split.used->idx = idx[i / 2];
		CU_ASSERT_EQUAL(vnic_tx_cleanup(&lab.txq, 0), 0);
		CU_ASSERT_EQUAL(lab.txq.vq.fault, VNIC_FAULT_USED_COUNT);
		tx_lab_close(&lab);
		CU_ASSERT_EQUAL(lab.txq.reset_lost, 4);
	}
}

/* Used flags all over a packed ring: no more is taken than is out. */
static void tx_bad__flags_everywhere(void)
{
	for (unsigned kind = PACKED; kind <= PACKED_IO; kind += 2) {
		open_kind(kind);
		send_frames(4);
		for (unsigned i = 0; i < 16; i++)
			write_used(i, i, 0);
		CU_ASSERT_EQUAL(vnic_tx_cleanup(&lab.txq, 0), 4);
		CU_ASSERT_EQUAL(lab.txq.vq.fault, VNIC_FAULT_NONE);
		CU_ASSERT_EQUAL(lab.txq.vq.free_count, 16);
		tx_lab_close(&lab);
	}
}

/* The middle of a chain is no chain. */
static void tx_bad__middle_of_chain(void)
{
	static const uint16_t lens[] = { 20, 20, 20, 0 };

	for (unsigned kind = 0; kind < 4; kind++) {
		open_kind(kind);
		CU_ASSERT_EQUAL(tx_lab_send(&lab, tx_lab_frame(&lab, 0, lens)), 1);
		write_used(0, 1, 0);
		CU_ASSERT_EQUAL(vnic_tx_cleanup(&lab.txq, 0), 0);
		CU_ASSERT_EQUAL(lab.txq.vq.fault, VNIC_FAULT_USED_IDLE);
		tx_lab_close(&lab);
	}
}

/* The lies of vnicd's rings, in the middle of traffic: never more than a stopped queue. */
static void tx_bad__lies_in_traffic(void)
{
	for (unsigned i = 0; i < VNICD_LIE_COUNT * 4; i++) {
		unsigned sent = 0;

		open_kind(i & 3);
		for (unsigned turn = 0; turn < 100; turn++) {
			struct rte_mbuf *m = tx_lab_frame1(&lab, turn, 60);

			if (lab.burst(&lab.txq, &m, 1) == 0)
				rte_pktmbuf_free(m);
			else
				sent++;
			tx_lab_take(&lab);
			if (turn == 50)
				vnicd_ring_lie(&lab.ring, i / 4, 2);
			if (lab.n_held > 0)
				tx_lab_use(&lab, 1);
		}
		CU_ASSERT(sent > 50);
		CU_ASSERT(lab.txq.vq.fault != VNIC_FAULT_NONE || sent == 100);
		tx_lab_close(&lab);
	}
}

/* Packets of more pools than are kept in mind, in turns and in rows: each comes back to its own. */
#define POOLS (VNIC_TX_POOLS + 2)
static void tx_reclaim__to_the_right_pool(void)
{
	struct rte_mempool *mp[POOLS];
	struct rte_mbuf *pkts[12];
	char name[32];
	int rc;

	for (unsigned kind = 0; kind < 4; kind++) {
		open_kind(kind);
		for (unsigned i = 0; i < POOLS; i++) {
			snprintf(name, sizeof(name), "pool_%u_%u", kind, i);
			mp[i] = plain_pktmbuf_pool(name, 64, 0, 0, 512, -1, &rc);
			CU_ASSERT_PTR_NOT_NULL_FATAL(mp[i]);
		}
		for (unsigned turn = 0; turn < 60; turn++) {
			for (unsigned i = 0; i < 12; i++) {
				pkts[i] = rte_pktmbuf_alloc(mp[(turn + (turn & 1 ? i : i / 6)) % POOLS]);
				pkts[i]->data_len = 60;
				pkts[i]->pkt_len = 60;
			}
			CU_ASSERT_EQUAL(lab.burst(&lab.txq, pkts, 12), 12);
			while (tx_lab_take(&lab))
				continue;
			tx_lab_use(&lab, turn % 3 == 0 ? lab.n_held - 3 : lab.n_held); /* at times not all */
			vnic_tx_cleanup(&lab.txq, 0);
		}
		vnic_tx_drain(&lab.txq);
		for (unsigned i = 0; i < POOLS; i++) {
			CU_ASSERT_EQUAL(rte_mempool_avail_count(mp[i]), 64);
			rte_mempool_free(mp[i]);
		}
		tx_lab_close(&lab);
	}
}

/* ---- gate, drain, cleanup ------------------------------------------------------------------- */
static void tx_gate__closed(void)
{
	for (unsigned kind = 0; kind < 4; kind++) {
		struct rte_mbuf *m;

		open_kind(kind);
		send_frames(2);
		tx_lab_use(&lab, 2);
		m = tx_lab_frame1(&lab, 9, 60);
		CU_ASSERT_EQUAL(vnic_vq_close(&lab.txq.vq, 100), 0);
		CU_ASSERT_EQUAL(lab.burst(&lab.txq, &m, 1), 0);
		CU_ASSERT_EQUAL(vnic_tx_cleanup(&lab.txq, 0), 0);
		vnic_vq_open(&lab.txq.vq);
		CU_ASSERT_EQUAL(vnic_tx_cleanup(&lab.txq, 0), 2);
		CU_ASSERT_EQUAL(lab.burst(&lab.txq, &m, 1), 1);
		tx_lab_close(&lab);
	}
}

/* Done ones are done, the others dropped; afterwards nothing is in flight, and the queue goes on. */
static void tx_drain__counts(void)
{
	for (unsigned kind = 0; kind < 4; kind++) {
		open_kind(kind);
		send_frames(6);
		tx_lab_use(&lab, 2);
		vnic_tx_drain(&lab.txq);
		CU_ASSERT_EQUAL(lab.txq.reset_lost, 4);
		CU_ASSERT_EQUAL(lab.txq.done, 6);
		CU_ASSERT_EQUAL(lab.txq.done_bytes, 360);
		CU_ASSERT_EQUAL(rte_mempool_avail_count(lab.mp), lab.mp->size);
		vnic_vq_rewind(&lab.txq.vq);
		CU_ASSERT_EQUAL(tx_lab_send(&lab, tx_lab_frame1(&lab, 1, 60)), 1);
		CU_ASSERT_EQUAL(lab.txq.vq.free_count, 15);
		tx_lab_close(&lab);
	}
}

static void tx_cleanup__bounded(void)
{
	for (unsigned kind = 0; kind < 2; kind++) {
		open_kind(kind);
		send_frames(6);
		tx_lab_use(&lab, 5);
		CU_ASSERT_EQUAL(vnic_tx_cleanup(&lab.txq, 2), 2);
		CU_ASSERT_EQUAL(vnic_tx_cleanup(&lab.txq, 2), 2);
		CU_ASSERT_EQUAL(vnic_tx_cleanup(&lab.txq, 2), 1);
		CU_ASSERT_EQUAL(vnic_tx_cleanup(&lab.txq, 2), 0);
		tx_lab_close(&lab);
	}
}

/* At a low rate buffers come back after a while, though the ring is nowhere near full; an empty
 * burst is enough. */
static void tx_burst__gives_back_in_time(void)
{
	for (unsigned kind = 0; kind < 4; kind++) {
		open_kind(kind);
		lab.txq.reclaim_ticks = UINT64_MAX; /* not yet */
		send_frames(3);
		tx_lab_use(&lab, 3);
		CU_ASSERT_EQUAL(lab.burst(&lab.txq, NULL, 0), 0);
		CU_ASSERT_EQUAL(lab.txq.done, 0);
		lab.txq.reclaim_ticks = rte_get_tsc_hz() / 1000000;
		rte_delay_us_block(5);
		CU_ASSERT_EQUAL(lab.burst(&lab.txq, NULL, 0), 0);
		CU_ASSERT_EQUAL(lab.txq.done, 3);
		CU_ASSERT_EQUAL(lab.kicks, 3); /* and an empty burst rings nothing */
		tx_lab_close(&lab);
	}
}

/* One doorbell a burst at most; completions a doorbell stands for. */
static void tx_burst__doorbells(void)
{
	for (unsigned kind = 0; kind < 4; kind++) {
		struct rte_mbuf *pkts[8];

		open_kind(kind);
		for (unsigned lap = 0; lap < 3; lap++) {
			for (unsigned i = 0; i < 8; i++)
				pkts[i] = tx_lab_frame1(&lab, i, 100);
			CU_ASSERT_EQUAL(lab.burst(&lab.txq, pkts, 8), 8);
			CU_ASSERT_EQUAL(lab.kicks, lap + 1);
			CU_ASSERT_EQUAL(lab.txq.posted_bytes - lab.txq.done_bytes, 800);
			while (tx_lab_take(&lab))
				continue;
			tx_lab_use(&lab, 8);
			vnic_tx_cleanup(&lab.txq, 0);
		}
		CU_ASSERT_EQUAL(lab.txq.vq.doorbells, 3);
		CU_ASSERT_EQUAL(lab.txq.batch[3], 2); /* eight each, but none before the first */
		CU_ASSERT_EQUAL(lab.txq.in_flight_max, 800);
		vnicd_ring_want_kick(&lab.ring, false);
		CU_ASSERT_EQUAL(tx_lab_send(&lab, tx_lab_frame1(&lab, 1, 60)), 1);
		CU_ASSERT_EQUAL(lab.kicks, 3);
		CU_ASSERT_EQUAL(lab.txq.vq.suppressed, 1);
		tx_lab_close(&lab);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(tx_bad__used_ids),
	TEST_CASE(tx_bad__index_jumps),
	TEST_CASE(tx_bad__flags_everywhere),
	TEST_CASE(tx_bad__middle_of_chain),
	TEST_CASE(tx_bad__lies_in_traffic),
	TEST_CASE(tx_reclaim__to_the_right_pool),
	TEST_CASE(tx_gate__closed),
	TEST_CASE(tx_drain__counts),
	TEST_CASE(tx_cleanup__bounded),
	TEST_CASE(tx_burst__gives_back_in_time),
	TEST_CASE(tx_burst__doorbells),
};

TEST_MAIN("virtio_tx_bad", cases)
