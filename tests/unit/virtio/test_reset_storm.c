/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 10,000 resets and resizes of all queues, in both directions, under full load, every packet
 * numbered: none comes twice, none is lost but those that a reset took out of the device's hands,
 * and these are counted to the last one. Device, lcore and control plane are three threads.
 */
#include <pthread.h>
#include <sched.h>

#include "tests/unit/virtio/reset_lab.h"

#define QUEUES 2
#define RESETS 2500 /* of each layout */
#define BURST  16

/* Numbers only grow on their way; what is missing was lost. */
struct flow {
	uint32_t sent, next, got, lost, wrong;
};

struct storm {
	struct port_lab l;
	struct vnic_transport_ops ops;
	pthread_mutex_t device;        /* its turns and what the control plane does to it */
	struct flow tx[QUEUES], rx[QUEUES];
	volatile unsigned lcore_turns, device_turns;
	volatile bool lazy;            /* the device takes nothing */
	volatile bool stop_lcore, stop_device;
};
static struct storm *storm;

static void arrived(struct flow *f, uint32_t n)
{
	if (n < f->next || n >= f->sent) {
		f->wrong++;
		return;
	}
	f->lost += n - f->next;
	f->next = n + 1;
	f->got++;
}

static void number(uint8_t *b, uint32_t n)
{
	memset(b, 0xff, 6);
	memset(b + 6, 2, 6);
	memset(b + 12, 0x88, 48);
	memcpy(b + 20, &n, sizeof(n));
}

/* ---- the device: a thread, and calls that wait for its turn to end ------------------------- */

static int locked_setup(struct vnic_dev *d, struct vnic_vq *vq)
{
	int rc;

	pthread_mutex_lock(&storm->device);
	rc = scripted_ops.queue_setup(d, vq);
	pthread_mutex_unlock(&storm->device);
	return rc;
}

static int locked_enable(struct vnic_dev *d, struct vnic_vq *vq, bool on)
{
	int rc;

	pthread_mutex_lock(&storm->device);
	rc = scripted_ops.queue_enable(d, vq, on);
	pthread_mutex_unlock(&storm->device);
	return rc;
}

static int locked_reset(struct vnic_dev *d, struct vnic_vq *vq)
{
	int rc;

	pthread_mutex_lock(&storm->device);
	rc = scripted_ops.queue_reset(d, vq);
	pthread_mutex_unlock(&storm->device);
	return rc;
}

static void device_turn(struct storm *s)
{
	uint8_t b[60];
	uint32_t n;

	for (uint16_t q = 0; q < QUEUES; q++) {
		for (unsigned i = 0; i < BURST && !s->lazy && scripted_take(s->l.s, q, NULL, b, sizeof(b)) == 60; i++) {
			memcpy(&n, b + 20, sizeof(n));
			arrived(&s->tx[q], n);
		}
		for (unsigned i = 0; i < BURST; i++) {
			number(b, s->rx[q].sent);
			if (scripted_give(s->l.s, q, NULL, b, sizeof(b)) != 0)
				break;
			s->rx[q].sent++;
		}
	}
	scripted_flush(s->l.s);
}

static void *device(void *arg)
{
	struct storm *s = arg;

	while (!s->stop_device) {
		pthread_mutex_lock(&s->device);
		device_turn(s);
		pthread_mutex_unlock(&s->device);
		s->device_turns++;
		sched_yield();
	}
	return NULL;
}

/* ---- the lcore ------------------------------------------------------------------------------- */

static void lcore_receive(struct storm *s, uint16_t q)
{
	struct rte_mbuf *m[2 * BURST];
	uint16_t n = rte_eth_rx_burst(s->l.port, q, m, RTE_DIM(m));
	uint32_t k;

	for (uint16_t i = 0; i < n; i++) {
		memcpy(&k, rte_pktmbuf_mtod_offset(m[i], const void *, 20), sizeof(k));
		arrived(&s->rx[q], k);
	}
	rte_pktmbuf_free_bulk(m, n);
}

static void lcore_send(struct storm *s, uint16_t q)
{
	struct rte_mbuf *m[BURST];
	uint16_t n;

	if (rte_pktmbuf_alloc_bulk(s->l.mp, m, BURST) != 0)
		return;
	for (unsigned i = 0; i < BURST; i++) {
		m[i]->data_len = 60;
		m[i]->pkt_len = 60;
		number(rte_pktmbuf_mtod(m[i], uint8_t *), s->tx[q].sent + i);
	}
	/* Published before the device can see them: its check of numbers looks at sent. */
	s->tx[q].sent += BURST;
	n = rte_eth_tx_burst(s->l.port, q, m, BURST);
	s->tx[q].sent -= BURST - n;
	rte_pktmbuf_free_bulk(m + n, BURST - n);
}

static void *lcore(void *arg)
{
	struct storm *s = arg;

	while (!s->stop_lcore) {
		for (uint16_t q = 0; q < QUEUES; q++) {
			lcore_receive(s, q);
			lcore_send(s, q);
		}
		s->lcore_turns++;
		sched_yield();
	}
	return NULL;
}

/* ---- the control plane -------------------------------------------------------------------------- */

/* Both have had a turn at every queue. */
static void let_run(const struct storm *s)
{
	unsigned lcore_from = s->lcore_turns, device_from = s->device_turns;

	while (s->lcore_turns - lcore_from < 2 || s->device_turns - device_from < 2)
		sched_yield();
}

static unsigned reset_all(struct storm *s)
{
	static const uint16_t sizes[] = { 0, 32, 0, 256, 0, 64, 0, 128, 8 };
	struct vnic_reset_report r;
	unsigned lost = 0;

	for (unsigned i = 0; i < RESETS; i++) {
		enum vnic_dir dir = i & 1 ? VNIC_TX : VNIC_RX;
		uint16_t size = sizes[i / 3 % RTE_DIM(sizes)];

		/* A ring that is full and stays so: these packets are lost, and only these. */
		s->lazy = dir == VNIC_TX && i % 128 < 4;
		let_run(s);
		CU_ASSERT_FATAL(vnic_queue_reset(s->l.port, dir, i / 2 % QUEUES, size, &r) == 0);
		CU_ASSERT(r.how == VNIC_RESET_RING && (size == 0 || r.size == size));
		lost += r.lost;
	}
	s->lazy = false;
	return lost;
}

static void check_flows(struct storm *s, unsigned lost)
{
	char name[32];
	unsigned sum = 0;

	for (uint16_t q = 0; q < QUEUES; q++) {
		const struct flow *tx = &s->tx[q], *rx = &s->rx[q];

		CU_ASSERT(tx->wrong == 0 && rx->wrong == 0);
		CU_ASSERT(rx->lost == 0 && rx->got == rx->sent && rx->got > RESETS);
		snprintf(name, sizeof(name), "tx_q%u_reset_lost", q);
		CU_ASSERT(port_xstat(&s->l, name) == tx->sent - tx->got && tx->got > RESETS);
		CU_ASSERT(s->l.d->txq[q]->posted == tx->sent && s->l.d->txq[q]->done == tx->sent);
		CU_ASSERT(s->l.d->txq[q]->posted_bytes == s->l.d->txq[q]->done_bytes);
		snprintf(name, sizeof(name), "rx_q%u_reset_lost", q);
		CU_ASSERT(port_xstat(&s->l, name) == 0);
		sum += tx->sent - tx->got;
	}
	CU_ASSERT(sum == lost && lost > 0);
}

/* Nobody else runs any more: what is under way arrives. */
static void quiet_down(struct storm *s)
{
	uint8_t b[60];
	uint32_t n;

	for (uint16_t q = 0; q < QUEUES; q++) {
		while (scripted_take(s->l.s, q, NULL, b, sizeof(b)) == 60) {
			memcpy(&n, b + 20, sizeof(n));
			arrived(&s->tx[q], n);
		}
		scripted_flush(s->l.s);
		rte_eth_tx_done_cleanup(s->l.port, q, 0);
		for (unsigned i = 0; i < 40; i++)
			lcore_receive(s, q);
	}
}

static void run(uint64_t layout)
{
	struct storm *s = storm = calloc(1, sizeof(*s));
	pthread_t threads[2];
	unsigned lost;

	CU_ASSERT_FATAL(s != NULL);
	pthread_mutex_init(&s->device, NULL);
	open_pairs(&s->l, layout, NULL);
	s->ops = scripted_ops;
	s->ops.queue_setup = locked_setup;
	s->ops.queue_enable = locked_enable;
	s->ops.queue_reset = locked_reset;
	s->l.d->ops = &s->ops;
	CU_ASSERT_FATAL(pthread_create(&threads[0], NULL, device, s) == 0);
	CU_ASSERT_FATAL(pthread_create(&threads[1], NULL, lcore, s) == 0);
	lost = reset_all(s);
	s->stop_lcore = true;
	pthread_join(threads[1], NULL);
	s->stop_device = true;
	pthread_join(threads[0], NULL);
	quiet_down(s);
	check_flows(s, lost);
	pthread_mutex_destroy(&s->device);
	port_close(&s->l); /* every buffer is back */
	free(s);
}

static void storm__packed_in_order(void)
{
	run(0);
}

static void storm__packed(void)
{
	run(R(IN_ORDER));
}

static void storm__split_in_order(void)
{
	run(R(RING_PACKED));
}

static void storm__split(void)
{
	run(R(RING_PACKED) | R(IN_ORDER));
}

static const struct test_case cases[] = {
	TEST_CASE(storm__packed_in_order),
	TEST_CASE(storm__packed),
	TEST_CASE(storm__split_in_order),
	TEST_CASE(storm__split),
};
TEST_MAIN("reset_storm", cases)
