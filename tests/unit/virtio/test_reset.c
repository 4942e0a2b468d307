/* SPDX-License-Identifier: BSD-3-Clause */
/* vnic_queue_reset(): one queue begins anew with a new ring, the others do not notice. */
#include <pthread.h>

#include "tests/unit/virtio/reset_lab.h"

/* ---- what comes back ---------------------------------------------------------------------- */

/* Packets the device has delivered are polled after the reset, in order; posted buffers come back. */
static void receive__packets_there_are_kept(void)
{
	for (unsigned k = 0; k < LAYOUTS; k++) {
		struct vnic_reset_report r;
		struct port_lab l;

		open_pairs(&l, layouts[k], NULL);
		for (uint32_t i = 0; i < 7; i++)
			CU_ASSERT(gives(&l, 0, i));
		CU_ASSERT(is_next(&l, 0, 0));
		CU_ASSERT(vnic_queue_reset(l.port, VNIC_RX, 0, 0, &r) == 0);
		CU_ASSERT(r.how == VNIC_RESET_RING && r.size == 64 && r.others_us == 0 && r.lost == 0);
		CU_ASSERT(r.returned >= 64 - 32 && r.returned <= 64 - 6);
		CU_ASSERT(rte_eth_rx_queue_count(l.port, 0) == 6);
		/* A second one before anybody has polled; then the new ring's come behind them. */
		CU_ASSERT(gives(&l, 0, 7) && vnic_queue_reset(l.port, VNIC_RX, 0, 128, &r) == 0);
		CU_ASSERT(r.size == 128 && r.returned == 63 && gives(&l, 0, 8));
		for (uint32_t i = 1; i < 9; i++)
			CU_ASSERT(is_next(&l, 0, i));
		CU_ASSERT(port_recv(&l, 0) == NULL);
		CU_ASSERT(port_xstat(&l, "rx_q0_resets") == 2 && port_xstat(&l, "rx_q0_reset_kept") == 7);
		CU_ASSERT(port_xstat(&l, "rx_q0_reset_lost") == 0 && port_xstat(&l, "rx_q0_packets") == 9);
		CU_ASSERT(port_works(&l, 0) && port_works(&l, 1));
		port_close(&l);
	}
}

/* A queue that nobody polls does not collect packets without end, and gives all back at its stop. */
static void receive__kept_up_to_a_ring_full(void)
{
	struct port_lab l;

	open_pairs(&l, 0, NULL);
	for (unsigned round = 0; round < 4; round++) {
		for (uint32_t i = 0; i < 64; i++)
			CU_ASSERT(gives(&l, 1, round * 64 + i));
		CU_ASSERT(vnic_queue_reset(l.port, VNIC_RX, 1, 0, NULL) == 0);
	}
	CU_ASSERT(port_xstat(&l, "rx_q1_reset_kept") == 64 && port_xstat(&l, "rx_q1_reset_lost") == 3 * 64);
	for (uint32_t i = 0; i < 10; i++)
		CU_ASSERT(is_next(&l, 1, i));
	port_close(&l); /* 54 are still there */
}

static void transmit__what_is_in_flight_is_done(void)
{
	for (unsigned k = 0; k < LAYOUTS; k++) {
		struct vnic_tx_progress p;
		struct vnic_reset_report r;
		struct port_lab l;

		open_pairs(&l, layouts[k], NULL);
		for (uint32_t i = 0; i < 20; i++)
			CU_ASSERT(sends(&l, 0, i));
		for (uint32_t i = 0; i < 8; i++)
			CU_ASSERT(takes(&l, 0, i));
		scripted_flush(l.s);
		CU_ASSERT(vnic_queue_reset(l.port, VNIC_TX, 0, 32, &r) == 0);
		CU_ASSERT(r.how == VNIC_RESET_RING && r.size == 32 && r.lost == 12);
		CU_ASSERT(vnic_tx_progress(l.port, 0, false, &p) == 0);
		CU_ASSERT(p.posted == 20 && p.done == 20 && p.posted_bytes == p.done_bytes);
		CU_ASSERT(port_xstat(&l, "tx_q0_reset_lost") == 12 && port_xstat(&l, "tx_q0_resets") == 1);
		CU_ASSERT(l.d->txq[0]->free_thresh == 8 && rte_mempool_avail_count(l.mp) == PORT_MBUFS - 128);
		for (uint32_t i = 20; i < 52; i++)
			CU_ASSERT(sends(&l, 0, i));
		for (uint32_t i = 20; i < 52; i++)
			CU_ASSERT(takes(&l, 0, i)); /* and not one of those that were lost */
		scripted_flush(l.s);
		CU_ASSERT(port_works(&l, 0) && port_works(&l, 1));
		port_close(&l);
	}
}

struct sender {
	struct port_lab *l;
	unsigned after_us;
};

/* The device sends all that is posted on pair 0, some time from now. */
static void *send_late(void *arg)
{
	const struct sender *s = arg;

	usleep(s->after_us);
	for (uint32_t i = 0; i < 20 && takes(s->l, 0, i); i++)
		;
	scripted_flush(s->l->s);
	return NULL;
}

/* The device gets its time to send, and the wait is asleep and ends with its word. */
static void transmit__waits_for_what_is_posted(void)
{
	for (unsigned k = 0; k < LAYOUTS; k++) {
		struct vnic_reset_report r;
		struct port_lab l;
		struct sender s = { .l = &l };
		uint64_t calls;
		pthread_t thread;

		/* Again, if the machine had other things to do meanwhile. */
		for (unsigned tries = 0; tries < 200; tries++) {
			s.after_us = 1500 + tries % 20 * 150; /* the device was too early, or too late */
			open_pairs(&l, layouts[k], NULL);
			for (uint32_t i = 0; i < 20; i++)
				CU_ASSERT(sends(&l, 0, i));
			calls = l.s->calls[1];
			CU_ASSERT_FATAL(pthread_create(&thread, NULL, send_late, &s) == 0);
			CU_ASSERT(vnic_queue_reset(l.port, VNIC_TX, 0, 0, &r) == 0);
			pthread_join(thread, NULL);
			calls = l.s->calls[1] - calls;
			port_close(&l);
			if (r.lost == 0 && r.sending_us > 200 && r.sending_us < 5000)
				break;
		}
		CU_ASSERT(r.lost == 0 && r.returned == 0);
		CU_ASSERT(r.sending_us > 200 && r.sending_us < 5000 && r.sending_us <= r.queue_us);
		CU_ASSERT(calls >= 1); /* asked for, and told */
	}
}

/* ---- sizes -------------------------------------------------------------------------------- */

static void resize__limits(void)
{
	static const struct {
		uint16_t size;
		int split, packed;
	} rows[] = {
		{ 7, -ERANGE, -ERANGE }, { 8, 0, 0 },	{ 16, 0, 0 },	     { 65, -EINVAL, 0 }, { 100, -EINVAL, 0 },
		{ 128, 0, 0 },		 { 256, 0, 0 }, { 257, -ERANGE, -ERANGE }, { 1, -ERANGE, -ERANGE },
		{ 0, 0, 0 },		 { 32768, -ERANGE, -ERANGE },
	};
	for (unsigned k = 0; k < LAYOUTS; k++) {
		struct port_lab l;

		open_pairs(&l, layouts[k], NULL);
		for (unsigned i = 0; i < 2 * RTE_DIM(rows); i++) {
			enum vnic_dir dir = i % 2 ? VNIC_TX : VNIC_RX;
			uint16_t before = vq_of(&l, dir, 1)->size, size = rows[i / 2].size;
			struct rte_eth_rxq_info rx;
			struct rte_eth_txq_info tx;
			int want = l.d->packed ? rows[i / 2].packed : rows[i / 2].split;

			CU_ASSERT(vnic_queue_reset(l.port, dir, 1, size, NULL) == want);
			CU_ASSERT(vq_of(&l, dir, 1)->size == (want == 0 && size != 0 ? size : before));
			CU_ASSERT(rte_eth_rx_queue_info_get(l.port, 1, &rx) == 0);
			CU_ASSERT(rte_eth_tx_queue_info_get(l.port, 1, &tx) == 0);
			CU_ASSERT((dir == VNIC_RX ? rx.nb_desc : tx.nb_desc) == vq_of(&l, dir, 1)->size);
			CU_ASSERT(port_works(&l, 0) && port_works(&l, 1));
		}
		/* The size outlives a stop of the port. */
		CU_ASSERT(vnic_queue_reset(l.port, VNIC_TX, 0, 16, NULL) == 0);
		CU_ASSERT(rte_eth_dev_stop(l.port) == 0 && rte_eth_dev_start(l.port) == 0);
		CU_ASSERT(vq_of(&l, VNIC_TX, 0)->size == 16 && port_works(&l, 0));
		port_close(&l);
	}
}

static void reset__refused(void)
{
	struct port_lab l;

	open_pairs(&l, 0, NULL);
	CU_ASSERT(vnic_queue_reset(RTE_MAX_ETHPORTS, VNIC_RX, 0, 0, NULL) == -ENOTSUP);
	CU_ASSERT(vnic_queue_reset(l.port, VNIC_RX, 2, 0, NULL) == -EINVAL);
	CU_ASSERT(vnic_queue_reset(l.port, VNIC_TX, 2, 0, NULL) == -EINVAL);
	CU_ASSERT(rte_eth_dev_rx_queue_stop(l.port, 1) == 0);
	CU_ASSERT(vnic_queue_reset(l.port, VNIC_RX, 1, 0, NULL) == -EBUSY);
	CU_ASSERT(rte_eth_dev_rx_queue_start(l.port, 1) == 0 && port_works(&l, 1));
	CU_ASSERT(rte_eth_dev_stop(l.port) == 0);
	CU_ASSERT(vnic_queue_reset(l.port, VNIC_RX, 0, 0, NULL) == -EBUSY);
	port_close(&l);
}

/* ---- failures ----------------------------------------------------------------------------- */

/* No memory for the new ring: the device is not touched, the old one goes on. */
static void fails__no_memory(void)
{
	struct vnic_chunk c[4096];
	struct port_lab l;
	unsigned n = 0;

	open_pairs(&l, 0, NULL);
	/* One piece for each entry: small ones last, until nothing of any size is left. */
	for (size_t len = 4 << 20; len >= 64; len /= 2)
		while (n < RTE_DIM(c) && vnic_mem_alloc(l.d->mem, len, 64, &c[n]) == 0)
			n++;
	CU_ASSERT(sends(&l, 0, 1) && gives(&l, 0, 2));
	for (enum vnic_dir dir = VNIC_RX; dir <= VNIC_TX; dir++)
		CU_ASSERT(vnic_queue_reset(l.port, dir, 0, 0, NULL) == -ENOMEM);
	CU_ASSERT(l.s->queue_resets == 0 && takes(&l, 0, 1) && is_next(&l, 0, 2) && port_works(&l, 0));
	while (n > 0)
		vnic_mem_free(l.d->mem, &c[--n]);
	for (enum vnic_dir dir = VNIC_RX; dir <= VNIC_TX; dir++)
		CU_ASSERT(vnic_queue_reset(l.port, dir, 0, 0, NULL) == 0);
	CU_ASSERT(port_works(&l, 0));
	port_close(&l);
}

/* Never ends, or does not start again: broken, with its memory out of use until it is reset. */
static void fails__device_broken(void)
{
	for (unsigned k = 0; k < 4 * LAYOUTS; k++) {
		enum vnic_dir dir = k & 1 ? VNIC_TX : VNIC_RX;
		bool never = k & 2;
		struct port_lab l;

		open_pairs(&l, layouts[k / 4], NULL);
		CU_ASSERT(sends(&l, 0, 1));
		l.s->reset_never = never;
		l.s->fail_setup_at = never ? 0 : 1;
		CU_ASSERT(vnic_queue_reset(l.port, dir, 0, 0, NULL) == (never ? -ETIMEDOUT : -EIO));
		CU_ASSERT(l.d->state == VNIC_BROKEN && port_event(&l, RTE_ETH_EVENT_INTR_RESET, 1));
		CU_ASSERT(vnic_queue_reset(l.port, dir, 0, 0, NULL) == -EIO);
		for (uint16_t q = 0; q < 2; q++)
			CU_ASSERT(port_recv(&l, q) == NULL && !sends(&l, q, 2));
		/* Buffers of a ring that did not stop are the device's. */
		if (never)
			CU_ASSERT(rte_mempool_avail_count(l.mp) == PORT_MBUFS - 129);
		l.s->reset_never = false;
		CU_ASSERT(rte_eth_dev_stop(l.port) == 0 && rte_eth_dev_reset(l.port) == 0);
		CU_ASSERT(rte_mempool_avail_count(l.mp) == PORT_MBUFS);
		CU_ASSERT(port_start(&l) == 0 && port_works(&l, 0) && port_works(&l, 1));
		port_close(&l);
	}
}

/* A size that only turns out to be none when it is tried: the queue goes on with the old one. */
static void fails__size_refused(void)
{
	for (unsigned k = 0; k < 2 * LAYOUTS; k++) {
		enum vnic_dir dir = k & 1 ? VNIC_TX : VNIC_RX;
		struct port_lab l;
		uint16_t before;

		open_pairs(&l, layouts[k / 2], NULL);
		before = vq_of(&l, dir, 1)->size;
		for (unsigned i = 0; i < 2; i++) {
			CU_ASSERT(gives(&l, 1, 2));
			l.s->fail_setup_at = 1;
			l.s->fail_setup_rc = -EREMOTEIO;
			CU_ASSERT(vnic_queue_reset(l.port, dir, 1, (uint16_t)(before / 2), NULL) == -EREMOTEIO);
			CU_ASSERT(l.d->state == VNIC_RUNNING && vq_of(&l, dir, 1)->size == before);
			CU_ASSERT(is_next(&l, 1, 2) && port_works(&l, 0) && port_works(&l, 1));
		}
		/* The same of its own size: that does not help. */
		l.s->fail_setup_at = 1;
		CU_ASSERT(vnic_queue_reset(l.port, dir, 1, 0, NULL) == -EIO && l.d->state == VNIC_BROKEN);
		CU_ASSERT(rte_eth_dev_stop(l.port) == 0 && rte_eth_dev_reset(l.port) == 0);
		CU_ASSERT(rte_mempool_avail_count(l.mp) == PORT_MBUFS);
		port_close(&l);
	}
}

/* A queue that stopped itself is cured. */
static void fault__cured(void)
{
	for (unsigned k = 0; k < LAYOUTS; k++) {
		struct port_lab l;

		open_pairs(&l, layouts[k], NULL);
		for (enum vnic_dir dir = VNIC_RX; dir <= VNIC_TX; dir++) {
			CU_ASSERT(sends(&l, 1, 1) && gives(&l, 1, 2) && is_next(&l, 1, 2));
			vnic_vq_fault(vq_of(&l, dir, 1), VNIC_FAULT_USED_ID);
			CU_ASSERT(dir == VNIC_RX ? port_recv(&l, 1) == NULL : !sends(&l, 1, 3));
			CU_ASSERT(port_event(&l, RTE_ETH_EVENT_QUEUE_STATE, 1 + dir));
			CU_ASSERT(vnic_queue_reset(l.port, dir, 1, 0, NULL) == 0);
			while (scripted_waiting(l.s, 3) > 0)
				CU_ASSERT(takes(&l, 1, 1));
			CU_ASSERT(port_works(&l, 1) && port_works(&l, 0));
		}
		port_close(&l);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(receive__packets_there_are_kept),
	TEST_CASE(receive__kept_up_to_a_ring_full),
	TEST_CASE(transmit__what_is_in_flight_is_done),
	TEST_CASE(transmit__waits_for_what_is_posted),
	TEST_CASE(resize__limits),
	TEST_CASE(reset__refused),
	TEST_CASE(fails__no_memory),
	TEST_CASE(fails__device_broken),
	TEST_CASE(fails__size_refused),
	TEST_CASE(fault__cured),
};
TEST_MAIN("reset", cases)
