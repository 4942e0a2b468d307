/* SPDX-License-Identifier: BSD-3-Clause */
/* Statistics: counters of queues and device by name. A reset keeps a base and subtracts it. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "pmd/base/clock.h"
#include "pmd/virtio/devstats.h"
#include "pmd/virtio/ethdev_private.h"

#define REFRESH_MS 100 /* device statistics that are older are asked for again */

struct counter {
	const char *name; /* after "rx_q0_" */
	size_t off;
};

#define RX(field, name) { name, offsetof(struct vnic_rxq, field) }
static const struct counter rx_counters[] = {
	RX(packets, "packets"), RX(bytes, "bytes"), RX(errors, "errors"), RX(nombuf, "nombuf"),
	RX(multicast, "multicast"), RX(broadcast, "broadcast"), RX(merged, "merged"),
	RX(coalesced, "coalesced"), RX(csum_good, "csum_good"), RX(csum_needed, "csum_needed"),
	RX(resets, "resets"), RX(reset_returned, "reset_returned"), RX(reset_kept, "reset_kept"),
	RX(reset_lost, "reset_lost"), RX(hash_bad, "hash_bad"), RX(vq.doorbells, "doorbells"), RX(vq.suppressed, "doorbells_suppressed"),
#define X(id, name) { "drop_" name, offsetof(struct vnic_rxq, drop) + VNIC_RX_DROP_##id * sizeof(uint64_t) },
	VNIC_RX_DROPS(X)
#undef X
};

#define TX(field, name) { name, offsetof(struct vnic_txq, field) }
static const struct counter tx_counters[] = {
	TX(packets, "packets"), TX(bytes, "bytes"), TX(errors, "errors"), TX(full, "ring_full"),
	TX(pushed, "header_pushed"), TX(indirect, "indirect"), TX(chained, "chained"),
	TX(linearized, "linearized"), TX(reset_lost, "reset_lost"), TX(resets, "resets"), TX(reclaims, "reclaims"),
	TX(vq.doorbells, "doorbells"), TX(vq.suppressed, "doorbells_suppressed"),
	TX(batch[0], "doorbells_after_1_completion"), TX(batch[1], "doorbells_after_2_completions"),
	TX(batch[2], "doorbells_after_4_completions"), TX(batch[3], "doorbells_after_8_completions"),
	TX(batch[4], "doorbells_after_16_completions"), TX(batch[5], "doorbells_after_32_completions"),
	TX(batch[6], "doorbells_after_64_completions"), TX(batch[7], "doorbells_after_128_completions"),
};
static_assert(RTE_DIM(rx_counters) <= VNIC_RX_COUNTERS && RTE_DIM(tx_counters) <= VNIC_TX_COUNTERS, "bases");

/* What is now, not what was: no base. */
enum { TX_IN_FLIGHT, TX_IN_FLIGHT_BYTES, TX_IN_FLIGHT_MAX, TX_GAUGES };
static const char *const tx_gauges[TX_GAUGES] = { "in_flight", "in_flight_bytes", "in_flight_bytes_max" };

static uint64_t raw(const void *queue, const struct counter *c)
{
	return *(const volatile uint64_t *)((const char *)queue + c->off);
}

static uint64_t rx_value(const struct vnic_eth_rxq *q, unsigned i)
{
	return raw(&q->q, &rx_counters[i]) - q->base[i];
}

static uint64_t tx_value(const struct vnic_eth_txq *q, unsigned i)
{
	return raw(&q->q, &tx_counters[i]) - q->base[i];
}

static uint64_t tx_gauge(const struct vnic_txq *q, unsigned i)
{
	/* What is done is read first, lest it be more than what was posted. */
	uint64_t done = *(const volatile uint64_t *)&q->done;
	uint64_t done_bytes = *(const volatile uint64_t *)&q->done_bytes;

	switch (i) {
	case TX_IN_FLIGHT: return q->posted - done;
	case TX_IN_FLIGHT_BYTES: return q->posted_bytes - done_bytes;
	default: return q->in_flight_max;
	}
}

/* ---- basic -------------------------------------------------------------------------------------- */

/* The first four counters of either table are those of struct rte_eth_stats. */
static void add_rx(const struct vnic_eth_rxq *q, unsigned i, struct rte_eth_stats *s)
{
	s->ipackets += rx_value(q, 0);
	s->ibytes += rx_value(q, 1);
	s->ierrors += rx_value(q, 2);
	s->rx_nombuf += rx_value(q, 3);
	if (i < RTE_ETHDEV_QUEUE_STAT_CNTRS) {
		s->q_ipackets[i] = rx_value(q, 0);
		s->q_ibytes[i] = rx_value(q, 1);
		s->q_errors[i] = rx_value(q, 2);
	}
}

static void add_tx(const struct vnic_eth_txq *q, unsigned i, struct rte_eth_stats *s)
{
	s->opackets += tx_value(q, 0);
	s->obytes += tx_value(q, 1);
	s->oerrors += tx_value(q, 2);
	if (i < RTE_ETHDEV_QUEUE_STAT_CNTRS) {
		s->q_opackets[i] = tx_value(q, 0);
		s->q_obytes[i] = tx_value(q, 1);
	}
}

int vnic_op_stats(struct rte_eth_dev *eth, struct rte_eth_stats *stats)
{
	for (unsigned i = 0; i < eth->data->nb_rx_queues; i++)
		if (eth->data->rx_queues[i] != NULL)
			add_rx(eth->data->rx_queues[i], i, stats);
	for (unsigned i = 0; i < eth->data->nb_tx_queues; i++)
		if (eth->data->tx_queues[i] != NULL)
			add_tx(eth->data->tx_queues[i], i, stats);
	return 0;
}

int vnic_op_stats_reset(struct rte_eth_dev *eth)
{
	for (unsigned i = 0; i < eth->data->nb_rx_queues; i++) {
		struct vnic_eth_rxq *q = eth->data->rx_queues[i];

		for (unsigned k = 0; q != NULL && k < RTE_DIM(rx_counters); k++)
			q->base[k] = raw(&q->q, &rx_counters[k]);
	}
	for (unsigned i = 0; i < eth->data->nb_tx_queues; i++) {
		struct vnic_eth_txq *q = eth->data->tx_queues[i];

		for (unsigned k = 0; q != NULL && k < RTE_DIM(tx_counters); k++)
			q->base[k] = raw(&q->q, &tx_counters[k]);
	}
	vnic_devstats_reset(vnic_dev_from(eth));
	return 0;
}

/* ---- all of them ---------------------------------------------------------------------------------- */

/* One pass makes names, values, or only the count. */
struct sink {
	struct rte_eth_xstat *xstats;
	struct rte_eth_xstat_name *names;
	unsigned room, n;
};

static void put(struct sink *s, uint64_t value, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void put(struct sink *s, uint64_t value, const char *format, ...)
{
	va_list ap;

	if (s->n < s->room && s->names != NULL) {
		va_start(ap, format);
		vsnprintf(s->names[s->n].name, sizeof(s->names[s->n].name), format, ap);
		va_end(ap);
	}
	if (s->n < s->room && s->xstats != NULL)
		s->xstats[s->n] = (struct rte_eth_xstat){ .id = s->n, .value = value };
	s->n++;
}

static void put_device(struct sink *s, struct vnic_dev *d)
{
	put(s, d->resets, "vnic_starts");
	put(s, d->lost, "vnic_lost");
	put(s, d->returned, "vnic_returned");
	put(s, d->broken, "vnic_broken");
	for (unsigned f = VNIC_FAULT_NONE + 1; f < VNIC_FAULT_COUNT; f++)
		put(s, __atomic_load_n(&d->faults[f], __ATOMIC_RELAXED), "vnic_fault_%s",
		    vnic_fault_name((enum vnic_fault)f));
	put(s, d->mem != NULL ? vnic_mem_quarantined(d->mem) : 0, "vnic_quarantined_bytes");
}

static void put_ctrl(struct sink *s, struct vnic_dev *d)
{
	struct vnic_ctrl_stats c;

	memset(&c, 0, sizeof(c));
	if (d->ctrl != NULL)
		vnic_ctrl_stats_get(d->ctrl, &c);
	put(s, c.submitted, "ctrl_submitted");
	put(s, c.completed, "ctrl_completed");
	put(s, c.failed, "ctrl_failed");
	put(s, c.timed_out, "ctrl_timed_out");
	put(s, c.canceled, "ctrl_canceled");
	put(s, c.in_flight, "ctrl_in_flight");
	put(s, c.in_flight_max, "ctrl_in_flight_max");
	put(s, c.waiting, "ctrl_waiting");
	put(s, c.doorbells, "ctrl_doorbells");
	put(s, c.reaps, "ctrl_reaps");
	put(s, c.errors, "ctrl_errors");
	put(s, c.wait_cpu_ns, "ctrl_wait_cpu_ns");
}

static void put_queues(struct sink *s, struct rte_eth_dev *eth)
{
	for (unsigned i = 0; i < eth->data->nb_rx_queues; i++) {
		const struct vnic_eth_rxq *q = eth->data->rx_queues[i];

		for (unsigned k = 0; k < RTE_DIM(rx_counters); k++)
			put(s, q != NULL ? rx_value(q, k) : 0, "rx_q%u_%s", i, rx_counters[k].name);
	}
	for (unsigned i = 0; i < eth->data->nb_tx_queues; i++) {
		const struct vnic_eth_txq *q = eth->data->tx_queues[i];

		for (unsigned k = 0; k < RTE_DIM(tx_counters); k++)
			put(s, q != NULL ? tx_value(q, k) : 0, "tx_q%u_%s", i, tx_counters[k].name);
		for (unsigned k = 0; k < TX_GAUGES; k++)
			put(s, q != NULL ? tx_gauge(&q->q, k) : 0, "tx_q%u_%s", i, tx_gauges[k]);
	}
}

static void put_devstats(struct sink *s, struct vnic_dev *d)
{
	unsigned n = vnic_devstats_count(d);

	if (s->n + n <= s->room && s->names != NULL)
		vnic_devstats_names(d, s->names + s->n);
	if (s->n + n <= s->room && s->xstats != NULL) {
		vnic_devstats_values(d, s->xstats + s->n);
		for (unsigned i = s->n; i < s->n + n; i++)
			s->xstats[i].id = i;
	}
	s->n += n;
}

#define LOOK_MS 100 /* for what is being done to the device, perhaps by a back end that stands still */

static int put_all(struct rte_eth_dev *eth, struct sink *s)
{
	struct vnic_dev *d = vnic_dev_from(eth);
	struct timespec until = clock_timespec(clock_now_ns() + LOOK_MS * CLOCK_NS_PER_MS);

	if (pthread_mutex_clocklock(&d->lock, CLOCK_MONOTONIC, &until) != 0)
		return -EINPROGRESS;
	put_device(s, d);
	put_ctrl(s, d);
	put_queues(s, eth);
	put_devstats(s, d);
	pthread_mutex_unlock(&d->lock);
	return (int)s->n;
}

int vnic_op_xstats(struct rte_eth_dev *eth, struct rte_eth_xstat *xstats, unsigned int n)
{
	struct sink s = { .xstats = xstats, .room = xstats != NULL ? n : 0 };

	if (xstats != NULL)
		vnic_devstats_refresh(vnic_dev_from(eth), REFRESH_MS);
	return put_all(eth, &s);
}

int vnic_op_xstats_names(struct rte_eth_dev *eth, struct rte_eth_xstat_name *names, unsigned int n)
{
	struct sink s = { .names = names, .room = names != NULL ? n : 0 };

	return put_all(eth, &s);
}
