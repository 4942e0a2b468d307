/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Single queues while the workers run. All of it waits for a device and goes by device_call(), with no
 * lock held.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/smcgate/pipeline/device.h"
#include "app/smcgate/pipeline/idle.h"
#include "app/smcgate/pipeline/lcore.h"
#include "app/smcgate/pipeline/pipeline_impl.h"

struct queue_ref {
	uint16_t id, queue;    /* ethdev's */
	enum vnic_dir dir;
};

static uint64_t bit(uint16_t queue)
{
	return UINT64_C(1) << queue;
}
static_assert(CONFIG_MAX_QUEUES <= 64, "a bit for each queue");

/* ---- the port ---------------------------------------------------------------------- */
/* With the lock held when it returns 0. */
static int lock_port(struct pipeline *pl, unsigned port, struct port **p)
{
	if (port >= pl->n_ports)
		return -ENODEV;
	*p = &pl->ports[port];
	pipeline_lock(pl);
	if ((*p)->seen.state != PORT_CLOSED)
		return 0;
	pipeline_unlock(pl);
	return -ENODEV;
}

/* An operation on one queue. It runs on a thread of its own, and does all that belongs to it
 * however late the device answers. */
struct queue_op {
	struct pipeline *pl;
	struct port *p;
	struct queue_ref q;
	int (*fn)(struct queue_op *op);
	uint16_t size;
	struct vnic_reset_report report;
};

static uint64_t *stopped_of(struct port *p, enum vnic_dir dir)
{
	return dir == VNIC_RX ? &p->rx_stopped : &p->tx_stopped;
}

/* ---- workers ------------------------------------------------------------------------- */
struct queue_switch {
	uint8_t port;
	enum vnic_dir dir;
	uint16_t queue;
	bool on;
};

static int worker_switch(struct lcore *lc, void *arg)
{
	const struct queue_switch *s = arg;

	if (s->dir == VNIC_TX) {
		lc->tx[s->port].halted = !s->on;
		return 0;
	}
	if (s->on)
		lc->rx_stopped[s->port] &= ~bit(s->queue);
	else
		lc->rx_stopped[s->port] |= bit(s->queue);
	lcore_set_rx(lc);
	return 0;
}

/* The one worker that uses the queue takes it up or lets go of it. */
static int tell_worker(struct pipeline *pl, const struct port *p, enum vnic_dir dir, uint16_t queue, bool on)
{
	struct queue_switch s = { .port = p->index, .dir = dir, .queue = queue, .on = on };
	unsigned worker = dir == VNIC_RX ? p->rx_worker[queue] : queue;

	/* A transmit queue beyond the workers' is nobody's. */
	return worker < pl->n_workers ? pipeline_call(pl, worker, worker_switch, &s, sizeof(s)) : 0;
}

static int tell_locked(struct queue_op *op, bool on)
{
	int rc;

	pipeline_lock(op->pl);
	rc = op->p->state == PORT_STARTED && !op->p->changing ?
		tell_worker(op->pl, op->p, op->q.dir, op->q.queue, on) : -ENETDOWN;
	pipeline_unlock(op->pl);
	return rc;
}

static void set_stopped(struct queue_op *op, bool stopped)
{
	uint64_t *mask = stopped_of(op->p, op->q.dir);

	pipeline_lock(op->pl);
	*mask = stopped ? *mask | bit(op->q.queue) : *mask & ~bit(op->q.queue);
	port_publish(op->p);
	pipeline_unlock(op->pl);
}

/* ---- operations ---------------------------------------------------------------------- */
/* Who holds the slot sees a port that nobody else changes. */
static int check_queue(const struct queue_op *op)
{
	const struct port *p = op->p;

	if (p->state == PORT_CLOSED)
		return -ENODEV;
	if (op->q.queue >= (op->q.dir == VNIC_RX ? p->n_rxq : p->n_txq))
		return -EINVAL;
	return p->state == PORT_STARTED ? 0 : -ENETDOWN;
}

static int run(void *arg)
{
	struct queue_op *op = arg;

	return op->fn(op);
}

static int operate(struct pipeline *pl, unsigned port, const char *what, struct queue_op *op)
{
	char doing[DEVICE_DOING_LEN];
	int rc;

	if (port >= pl->n_ports)
		return -ENODEV;
	op->pl = pl;
	op->p = &pl->ports[port];
	snprintf(doing, sizeof(doing), "port %u %s %u %s", port, op->q.dir == VNIC_RX ? "rxq" : "txq", op->q.queue,
		 what);
	rc = device_claim(pl, &op->p->slot, CLAIM_CHANGE, doing);
	if (rc < 0)
		return rc;
	op->q.id = op->p->id;
	pipeline_lock(pl);
	rc = check_queue(op);
	pipeline_unlock(pl);
	if (rc == 0)
		rc = device_call(pl, &op->p->slot, run, op, sizeof(*op));
	device_release(pl, &op->p->slot);
	return rc;
}

/* Where the device spreads flows by our table, have none on the queues in skip. -ENOTSUP:
 * it does not; else the driver's. */
static int aim_flows(struct queue_op *op, uint64_t skip)
{
	struct rte_eth_rss_reta_entry64 reta[PORT_RETA_GROUPS];
	struct port *p = op->p;
	uint16_t n;
	int rc;

	pipeline_lock(op->pl);
	n = port_reta_groups(p, &op->pl->steering, skip, reta);
	pipeline_unlock(op->pl);
	if (n == 0)
		return -ENOTSUP;
	rc = rte_eth_dev_rss_reta_update(op->q.id, reta, n);
	if (rc < 0)
		return rc;
	pipeline_lock(op->pl);
	p->reta_skip = skip;
	port_publish(p);
	pipeline_unlock(op->pl);
	return 0;
}

/* ---- stop and start ------------------------------------------------------------------ */
/* The worker polls on until flows have left the queue, so that their packets are not lost. */
static int stop_queue(struct queue_op *op)
{
	const struct queue_ref *q = &op->q;
	int rc = (*stopped_of(op->p, q->dir) & bit(q->queue)) != 0 ? -EALREADY : 0;

	if (rc == 0 && q->dir == VNIC_RX)
		rc = aim_flows(op, op->p->reta_skip | bit(q->queue));
	/* Without a table they stay, and are shown. */
	if (rc == -EALREADY || rc == -ECANCELED)
		return rc;
	rc = tell_locked(op, false);
	if (rc == 0)
		rc = q->dir == VNIC_RX ? rte_eth_dev_rx_queue_stop(q->id, q->queue) :
					 rte_eth_dev_tx_queue_stop(q->id, q->queue);
	/* Interrupted, the device may do it yet: a start gets it back. */
	if (rc == 0 || rc == -ECANCELED) {
		set_stopped(op, true);
		return rc;
	}
	(void)tell_locked(op, true);
	if (q->dir == VNIC_RX)
		(void)aim_flows(op, op->p->reta_skip & ~bit(q->queue));
	return rc;
}

static int start_queue(struct queue_op *op)
{
	const struct queue_ref *q = &op->q;
	int rc = (*stopped_of(op->p, q->dir) & bit(q->queue)) == 0 ? -EALREADY : 0;

	if (rc == 0)
		rc = q->dir == VNIC_RX ? rte_eth_dev_rx_queue_start(q->id, q->queue) :
					 rte_eth_dev_tx_queue_start(q->id, q->queue);
	if (rc < 0)
		return rc;
	set_stopped(op, false);
	rc = tell_locked(op, true);
	if (q->dir == VNIC_RX && (op->p->reta_skip & bit(q->queue)) != 0)
		(void)aim_flows(op, op->p->reta_skip & ~bit(q->queue)); /* what stays away is shown */
	return rc;
}

int pipeline_queue_stop(struct pipeline *pl, unsigned port, enum vnic_dir dir, uint16_t queue)
{
	struct queue_op op = { .q = { .queue = queue, .dir = dir }, .fn = stop_queue };

	return operate(pl, port, "stop", &op);
}

int pipeline_queue_start(struct pipeline *pl, unsigned port, enum vnic_dir dir, uint16_t queue)
{
	struct queue_op op = { .q = { .queue = queue, .dir = dir }, .fn = start_queue };

	return operate(pl, port, "start", &op);
}

/* ---- reset and resize ------------------------------------------------------------------ */
/* For resets of the port. */
static void keep_size(struct queue_op *op)
{
	struct port *p = op->p;
	bool rx = op->q.dir == VNIC_RX;
	uint16_t *size = rx ? &p->rx_size[op->q.queue] : &p->tx_size[op->q.queue];

	if (op->size == 0)
		return;
	pipeline_lock(op->pl);
	*size = op->report.size != (rx ? p->n_rxd : p->n_txd) ? op->report.size : 0;
	port_publish(p);
	pipeline_unlock(op->pl);
}

/* As at the start (config_deal_queues()): what one queue's descriptors take others of its lcore lack. */
static int check_buffers(struct queue_op *op)
{
	const struct config *cfg = op->pl->cfg;
	const struct config_lcore *l = &cfg->lcores[op->p->rx_worker[op->q.queue]];
	uint64_t need = 0;

	pipeline_lock(op->pl);
	for (unsigned i = 0; i < l->n_queues; i++) {
		const struct port_seen *p = &op->pl->ports[l->queues[i].port_index].seen;
		uint16_t q = l->queues[i].queue;

		if (p == &op->p->seen && q == op->q.queue)
			need += op->size;
		else if (p->state != PORT_CLOSED)
			need += p->rx_size[q] != 0 ? p->rx_size[q] : p->n_rxd;
	}
	pipeline_unlock(op->pl);
	return need > cfg->memory.rx_buffers ? -ENOBUFS : 0;
}

/* The worker goes on polling and sending: its bursts move nothing meanwhile. */
static int reset_queue(struct queue_op *op)
{
	const struct queue_ref *q = &op->q;
	int rc;

	if (!vnic_port(q->id))
		return -ENOTSUP;
	if ((*stopped_of(op->p, q->dir) & bit(q->queue)) != 0)
		return -EBUSY;
	rc = q->dir == VNIC_RX && op->size != 0 ? check_buffers(op) : 0;
	if (rc < 0)
		return rc;
	rc = vnic_queue_reset(q->id, q->dir, q->queue, op->size, &op->report);
	if (rc < 0)
		return rc;
	keep_size(op);
	if (q->dir == VNIC_RX)
		(void)pipeline_moderation_restart(op->pl, op->p->index, q->queue);
	return 0;
}

int pipeline_queue_reset(struct pipeline *pl, unsigned port, enum vnic_dir dir, uint16_t queue, uint16_t size,
			 struct vnic_reset_report *report)
{
	struct queue_op op = { .q = { .queue = queue, .dir = dir }, .fn = reset_queue, .size = size };
	int rc = operate(pl, port, size != 0 ? "resize" : "reset", &op);

	*report = op.report;
	return rc;
}

/* ---- looking ------------------------------------------------------------------------------ */
static uint16_t descriptors(const struct port *p, enum vnic_dir dir, uint16_t queue)
{
	struct rte_eth_rxq_info rx;
	struct rte_eth_txq_info tx;

	if (p->changing)
		return dir == VNIC_RX ? p->seen.n_rxd : p->seen.n_txd;
	if (dir == VNIC_RX)
		return rte_eth_rx_queue_info_get(p->id, queue, &rx) == 0 ? rx.nb_desc : p->seen.n_rxd;
	return rte_eth_tx_queue_info_get(p->id, queue, &tx) == 0 ? tx.nb_desc : p->seen.n_txd;
}

/* Parts of a thousand of all flows that the device aims at each queue. */
static void count_flows(const struct pipeline *pl, const struct port *p, int flows[CONFIG_MAX_QUEUES])
{
	uint16_t table[RTE_ETH_RSS_RETA_SIZE_512];
	unsigned n[CONFIG_MAX_QUEUES] = { 0 };

	for (unsigned q = 0; q < p->n_rxq; q++)
		flows[q] = p->n_rxq == 1 ? 1000 : -1;
	if (!p->seen.rss || p->reta_size == 0 || p->reta_size > RTE_DIM(table))
		return;
	port_reta(p, &pl->steering, p->seen.reta_skip, table);
	for (unsigned i = 0; i < p->reta_size; i++)
		n[table[i]]++;
	for (unsigned q = 0; q < p->n_rxq; q++)
		flows[q] = (int)(n[q] * 1000 / p->reta_size);
}

int pipeline_queue_list(struct pipeline *pl, unsigned port, struct pipeline_queue_info *out, unsigned max)
{
	int flows[CONFIG_MAX_QUEUES];
	unsigned n = 0;
	struct port *p;
	int rc = lock_port(pl, port, &p);

	if (rc < 0)
		return rc;
	count_flows(pl, p, flows);
	for (uint16_t q = 0; q < p->n_rxq && n < max; q++)
		out[n++] = (struct pipeline_queue_info){
			.dir = VNIC_RX, .queue = q, .worker = (uint8_t)p->rx_worker[q],
			.stopped = (p->seen.rx_stopped & bit(q)) != 0,
			.descriptors = descriptors(p, VNIC_RX, q), .flows = flows[q],
		};
	for (uint16_t q = 0; q < p->n_txq && n < max; q++)
		out[n++] = (struct pipeline_queue_info){
			.dir = VNIC_TX, .queue = q, .worker = (uint8_t)(q % pl->n_workers),
			.stopped = (p->seen.tx_stopped & bit(q)) != 0,
			.descriptors = descriptors(p, VNIC_TX, q), .flows = -1,
		};
	pipeline_unlock(pl);
	return (int)n;
}
