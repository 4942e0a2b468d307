/* SPDX-License-Identifier: BSD-3-Clause */
/* vnic_queue_reset() over devices without RING_RESET: pause, limit, the device stopped for a moment. */
#include "tests/unit/virtio/reset_lab.h"

static void open_soft(struct port_lab *l, uint64_t hidden, uint32_t without)
{
	struct vnicd_nic_conf conf = scripted_conf(2);

	port_new(l, &conf);
	l->s->hide_features = hidden | R(RING_RESET);
	l->s->flags &= ~without;
	CU_ASSERT_FATAL(port_probe(l, NULL) == 0);
	l->queues = 2;
	l->rx_desc = l->tx_desc = 64;
	CU_ASSERT_FATAL(port_start(l) == 0);
}

/* Nothing is taken from the device: packets there are polled after it, posted ones are sent. */
static void pause__loses_nothing(void)
{
	for (unsigned k = 0; k < LAYOUTS; k++) {
		struct vnic_reset_report r;
		struct port_lab l;
		uint64_t enables;

		open_soft(&l, layouts[k], 0);
		enables = l.s->enables;
		for (uint32_t i = 0; i < 5; i++)
			CU_ASSERT(sends(&l, 0, i) && gives(&l, 0, i));
		CU_ASSERT(vnic_queue_reset(l.port, VNIC_RX, 0, 0, &r) == 0);
		CU_ASSERT(r.how == VNIC_RESET_PAUSE && r.size == 64 && r.others_us == 0 && r.returned == 0);
		for (uint32_t i = 0; i < 5; i++)
			CU_ASSERT(takes(&l, 0, i));
		scripted_flush(l.s);
		CU_ASSERT(vnic_queue_reset(l.port, VNIC_TX, 0, 64, &r) == 0);
		CU_ASSERT(r.how == VNIC_RESET_PAUSE && r.lost == 0 && l.s->enables == enables + 4);
		for (uint32_t i = 0; i < 5; i++)
			CU_ASSERT(is_next(&l, 0, i));
		CU_ASSERT(port_works(&l, 0) && port_works(&l, 1) && l.s->queue_resets == 0);
		port_close(&l);
	}
}

/* How many the driver sends before the ring counts as full. */
static unsigned fill_tx(struct port_lab *l, uint32_t from)
{
	unsigned n = 0;

	while (sends(l, 1, from + n))
		n++;
	for (unsigned i = 0; i < n; i++)
		CU_ASSERT(takes(l, 1, from + i));
	scripted_flush(l->s);
	return n;
}

static void limit__transmit(void)
{
	static const uint16_t sizes[] = { 32, 16, 64, 8, 8, 64, 32, 64 };

	for (unsigned k = 0; k < LAYOUTS; k++) {
		struct vnic_reset_report r;
		struct port_lab l;
		uint16_t before = 64;

		open_soft(&l, layouts[k], 0);
		for (unsigned i = 0; i < RTE_DIM(sizes); i++) {
			struct rte_eth_txq_info info;

			CU_ASSERT(vnic_queue_reset(l.port, VNIC_TX, 1, sizes[i], &r) == 0);
			CU_ASSERT(r.how == (sizes[i] == before ? VNIC_RESET_PAUSE : VNIC_RESET_LIMIT));
			CU_ASSERT(r.size == sizes[i] && fill_tx(&l, 100 * i) == sizes[i]);
			CU_ASSERT(rte_eth_tx_queue_info_get(l.port, 1, &info) == 0 && info.nb_desc == sizes[i]);
			before = sizes[i];
		}
		CU_ASSERT(l.d->txq[1]->free_thresh == 16 && l.s->setups <= 5);
		CU_ASSERT(vnic_queue_reset(l.port, VNIC_TX, 1, 8, &r) == 0);
		CU_ASSERT(rte_eth_dev_stop(l.port) == 0 && rte_eth_dev_start(l.port) == 0);
		CU_ASSERT(fill_tx(&l, 5000) == 8); /* outlives a stop */
		port_close(&l);
	}
}

/* Packets given to an idle driver until it has no buffer left: its ring's size by use. */
static unsigned fill_rx(struct port_lab *l, uint32_t from)
{
	unsigned n = 0;

	while (gives(l, 1, from + n))
		n++;
	for (unsigned i = 0; i < n; i++)
		CU_ASSERT(is_next(l, 1, from + i));
	CU_ASSERT(port_recv(l, 1) == NULL); /* an idle poll refills */
	return n;
}

static void limit__receive(void)
{
	static const uint16_t sizes[] = { 32, 16, 64, 8, 64, 32 };

	for (unsigned k = 0; k < LAYOUTS; k++) {
		struct vnic_reset_report r;
		struct port_lab l;
		unsigned before = 64;

		open_soft(&l, layouts[k], 0);
		for (unsigned i = 0; i < RTE_DIM(sizes); i++) {
			unsigned first;

			CU_ASSERT(vnic_queue_reset(l.port, VNIC_RX, 1, sizes[i], &r) == 0);
			CU_ASSERT(r.how == VNIC_RESET_LIMIT && r.size == sizes[i] && r.returned == 0);
			port_recv(&l, 1);
			/* What was posted above the limit is still used; then no more. */
			first = fill_rx(&l, 1000 * i);
			CU_ASSERT(first == RTE_MAX(before, sizes[i]));
			CU_ASSERT(fill_rx(&l, 1000 * i + 500) == sizes[i]);
			before = sizes[i];
		}
		CU_ASSERT(port_works(&l, 0) && port_works(&l, 1));
		port_close(&l);
	}
}

/* Beyond the ring, after a fault, or where nothing can be paused: all stop, nobody loses a packet. */
static void device__stopped_for_it(void)
{
	for (unsigned k = 0; k < 3 * LAYOUTS; k++) {
		enum { LARGER, FAULT, NO_PAUSE } why = k / LAYOUTS;
		enum vnic_dir dir = k & 1 ? VNIC_TX : VNIC_RX;
		struct vnic_reset_report r;
		struct port_lab l;

		open_soft(&l, layouts[k % LAYOUTS], why == NO_PAUSE ? VNIC_TRANSPORT_QUEUE_STOP : 0);
		for (uint32_t i = 0; i < 5; i++)
			for (uint16_t q = 0; q < 2; q++)
				CU_ASSERT(gives(&l, q, i));
		if (why == FAULT)
			vnic_vq_fault(vq_of(&l, dir, 0), VNIC_FAULT_USED_ID);
		CU_ASSERT(vnic_queue_reset(l.port, dir, 0, why == LARGER ? 128 : 0, &r) == 0);
		CU_ASSERT(r.how == VNIC_RESET_DEVICE && r.size == (why == LARGER ? 128 : 64));
		CU_ASSERT(r.others_us > 0 && r.lost == 0 && r.returned > 0);
		CU_ASSERT(vq_of(&l, dir, 0)->size == r.size && l.d->state == VNIC_RUNNING);
		for (uint32_t i = 0; i < 5; i++)
			for (uint16_t q = 0; q < 2; q++)
				CU_ASSERT((why == FAULT && dir == VNIC_RX && q == 0) || is_next(&l, q, i));
		CU_ASSERT(port_works(&l, 0) && port_works(&l, 1));
		CU_ASSERT(l.events[RTE_ETH_EVENT_INTR_LSC] <= 1); /* the link stays up */
		port_close(&l);
	}
}

static void device__control_state_comes_back(void)
{
	struct port_lab l;

	open_soft(&l, 0, VNIC_TRANSPORT_QUEUE_STOP);
	CU_ASSERT(rte_eth_allmulticast_enable(l.port) == 0 && l.s->nic.allmulti);
	CU_ASSERT(vnic_queue_reset(l.port, VNIC_RX, 1, 0, NULL) == 0);
	CU_ASSERT(l.s->nic.allmulti && l.s->nic.active_pairs == 2 && port_works(&l, 1));
	port_close(&l);
}

/* It does not come up with the new size: as it was. Not even so: broken. */
static void device__start_fails(void)
{
	struct port_lab l;

	open_soft(&l, 0, 0);
	l.s->fail_setup_at = 1;
	CU_ASSERT(vnic_queue_reset(l.port, VNIC_TX, 0, 256, NULL) == -EIO);
	CU_ASSERT(l.d->state == VNIC_RUNNING && vq_of(&l, VNIC_TX, 0)->size == 64);
	CU_ASSERT(port_works(&l, 0) && port_works(&l, 1));
	l.s->refuse_features = true;
	CU_ASSERT(vnic_queue_reset(l.port, VNIC_TX, 0, 256, NULL) == -EIO);
	CU_ASSERT(l.d->state == VNIC_BROKEN && port_event(&l, RTE_ETH_EVENT_INTR_RESET, 1));
	l.s->refuse_features = false;
	CU_ASSERT(rte_eth_dev_stop(l.port) == 0 && rte_eth_dev_reset(l.port) == 0);
	CU_ASSERT(port_start(&l) == 0 && port_works(&l, 0));
	port_close(&l);
}

static const struct test_case cases[] = {
	TEST_CASE(pause__loses_nothing),
	TEST_CASE(limit__transmit),
	TEST_CASE(limit__receive),
	TEST_CASE(device__stopped_for_it),
	TEST_CASE(device__control_state_comes_back),
	TEST_CASE(device__start_fails),
};
TEST_MAIN("reset_soft", cases)
