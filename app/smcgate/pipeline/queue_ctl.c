/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Single queues while the workers run. What waits for a device goes by device_call(), with no
 * lock held: a port may be stopped meanwhile, and its driver keeps the two apart.
 */
#include <errno.h>
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
	if ((*p)->state != PORT_CLOSED)
		return 0;
	pipeline_unlock(pl);
	return -ENODEV;
}

static int lock_queue(struct pipeline *pl, unsigned port, enum vnic_dir dir, uint16_t queue, struct port **p)
{
	int rc = lock_port(pl, port, p);

	if (rc < 0)
		return rc;
	if (queue >= (dir == VNIC_RX ? (*p)->n_rxq : (*p)->n_txq))
		rc = -EINVAL;
	else if ((*p)->changing)
		rc = -EAGAIN;
	else if ((*p)->state != PORT_STARTED)
		rc = -ENETDOWN;
	if (rc < 0)
		pipeline_unlock(pl);
	return rc;
}

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

/* ---- the device's table ---------------------------------------------------------------- */
struct table_call {
	uint16_t id, n;
	struct rte_eth_rss_reta_entry64 reta[PORT_RETA_GROUPS];
};

static int device_table(void *arg)
{
	struct table_call *c = arg;

	return rte_eth_dev_rss_reta_update(c->id, c->reta, c->n);
}

/* Where the device spreads flows by our table, have none on the queues in skip. -ENOTSUP:
 * it does not; else device_call()'s. */
static int aim_flows(struct pipeline *pl, struct port *p, uint64_t skip)
{
	struct table_call c;
	int rc;

	pipeline_lock(pl);
	c.id = p->id;
	c.n = port_reta_groups(p, &pl->steering, skip, c.reta);
	pipeline_unlock(pl);
	if (c.n == 0)
		return -ENOTSUP;
	rc = device_call(pl, p, device_table, &c, sizeof(c));
	pipeline_lock(pl);
	if (rc == 0)
		p->reta_skip = skip;
	pipeline_unlock(pl);
	return rc;
}

/* ---- stop and start ------------------------------------------------------------------ */
static int device_stop(void *arg)
{
	const struct queue_ref *q = arg;

	return q->dir == VNIC_RX ? rte_eth_dev_rx_queue_stop(q->id, q->queue) :
				   rte_eth_dev_tx_queue_stop(q->id, q->queue);
}

static int device_start(void *arg)
{
	const struct queue_ref *q = arg;

	return q->dir == VNIC_RX ? rte_eth_dev_rx_queue_start(q->id, q->queue) :
				   rte_eth_dev_tx_queue_start(q->id, q->queue);
}

/* The device may do it yet. */
static bool undecided(int rc)
{
	return rc == -EINPROGRESS || rc == -ECANCELED;
}

static int tell_locked(struct pipeline *pl, struct port *p, const struct queue_ref *q, bool on)
{
	int rc;

	pipeline_lock(pl);
	rc = p->state == PORT_STARTED && !p->changing ? tell_worker(pl, p, q->dir, q->queue, on) : -ENETDOWN;
	pipeline_unlock(pl);
	return rc;
}

/* The worker polls on until flows have left the queue, so that their packets are not lost. */
static int stop_queue(struct pipeline *pl, struct port *p, struct queue_ref *q)
{
	int rc = q->dir == VNIC_RX ? aim_flows(pl, p, p->reta_skip | bit(q->queue)) : 0;

	/* Without a table they stay, and are shown. */
	if (undecided(rc) || rc == -EAGAIN)
		return rc;
	rc = tell_locked(pl, p, q, false);
	if (rc == 0)
		rc = device_call(pl, p, device_stop, q, sizeof(*q));
	if (rc == 0 || undecided(rc)) {
		pipeline_lock(pl);
		*stopped_of(p, q->dir) |= bit(q->queue);
		pipeline_unlock(pl);
		return rc;
	}
	(void)tell_locked(pl, p, q, true);
	if (q->dir == VNIC_RX)
		(void)aim_flows(pl, p, p->reta_skip & ~bit(q->queue));
	return rc;
}

int pipeline_queue_stop(struct pipeline *pl, unsigned port, enum vnic_dir dir, uint16_t queue)
{
	struct queue_ref q = { .queue = queue, .dir = dir };
	struct port *p;
	int rc = lock_queue(pl, port, dir, queue, &p);

	if (rc < 0)
		return rc;
	q.id = p->id;
	rc = (*stopped_of(p, dir) & bit(queue)) != 0 ? -EALREADY : 0;
	pipeline_unlock(pl);
	return rc == 0 ? stop_queue(pl, p, &q) : rc;
}

int pipeline_queue_start(struct pipeline *pl, unsigned port, enum vnic_dir dir, uint16_t queue)
{
	struct queue_ref q = { .queue = queue, .dir = dir };
	struct port *p;
	int rc = lock_queue(pl, port, dir, queue, &p);

	if (rc < 0)
		return rc;
	q.id = p->id;
	rc = (*stopped_of(p, dir) & bit(queue)) == 0 ? -EALREADY : 0;
	pipeline_unlock(pl);
	if (rc == 0)
		rc = device_call(pl, p, device_start, &q, sizeof(q));
	if (rc < 0)
		return rc;
	pipeline_lock(pl);
	*stopped_of(p, dir) &= ~bit(queue);
	pipeline_unlock(pl);
	rc = tell_locked(pl, p, &q, true);
	if (dir == VNIC_RX && (p->reta_skip & bit(queue)) != 0)
		(void)aim_flows(pl, p, p->reta_skip & ~bit(queue)); /* what stays away is shown */
	return rc;
}

/* ---- reset and resize ------------------------------------------------------------------ */
struct reset_call {
	struct queue_ref q;
	uint16_t size;
	struct vnic_reset_report report;
};

static int device_reset(void *arg)
{
	struct reset_call *c = arg;

	return vnic_queue_reset(c->q.id, c->q.dir, c->q.queue, c->size, &c->report);
}

/* The worker goes on polling and sending: its bursts move nothing meanwhile. */
int pipeline_queue_reset(struct pipeline *pl, unsigned port, enum vnic_dir dir, uint16_t queue, uint16_t size,
			 struct vnic_reset_report *report)
{
	struct reset_call c = { .q = { .queue = queue, .dir = dir }, .size = size };
	struct port *p;
	int rc = lock_queue(pl, port, dir, queue, &p);

	if (rc < 0)
		return rc;
	c.q.id = p->id;
	if (!vnic_port(p->id))
		rc = -ENOTSUP;
	else if ((*stopped_of(p, dir) & bit(queue)) != 0)
		rc = -EBUSY;
	pipeline_unlock(pl);
	if (rc == 0)
		rc = device_call(pl, p, device_reset, &c, sizeof(c));
	if (rc == 0 && dir == VNIC_RX)
		(void)pipeline_moderation_restart(pl, port, queue);
	*report = c.report;
	return rc;
}

/* ---- looking ------------------------------------------------------------------------------ */
static uint16_t descriptors(const struct port *p, enum vnic_dir dir, uint16_t queue)
{
	struct rte_eth_rxq_info rx;
	struct rte_eth_txq_info tx;

	if (p->changing)
		return dir == VNIC_RX ? p->n_rxd : p->n_txd;
	if (dir == VNIC_RX)
		return rte_eth_rx_queue_info_get(p->id, queue, &rx) == 0 ? rx.nb_desc : p->n_rxd;
	return rte_eth_tx_queue_info_get(p->id, queue, &tx) == 0 ? tx.nb_desc : p->n_txd;
}

/* Parts of a thousand of all flows that the device aims at each queue. */
static void count_flows(const struct pipeline *pl, const struct port *p, int flows[CONFIG_MAX_QUEUES])
{
	uint16_t table[RTE_ETH_RSS_RETA_SIZE_512];
	unsigned n[CONFIG_MAX_QUEUES] = { 0 };

	for (unsigned q = 0; q < p->n_rxq; q++)
		flows[q] = p->n_rxq == 1 ? 1000 : -1;
	if (!p->rss || p->reta_size == 0 || p->reta_size > RTE_DIM(table))
		return;
	port_reta(p, &pl->steering, p->reta_skip, table);
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
			.stopped = (p->rx_stopped & bit(q)) != 0,
			.descriptors = descriptors(p, VNIC_RX, q), .flows = flows[q],
		};
	for (uint16_t q = 0; q < p->n_txq && n < max; q++)
		out[n++] = (struct pipeline_queue_info){
			.dir = VNIC_TX, .queue = q, .worker = (uint8_t)(q % pl->n_workers),
			.stopped = (p->tx_stopped & bit(q)) != 0,
			.descriptors = descriptors(p, VNIC_TX, q), .flows = -1,
		};
	pipeline_unlock(pl);
	return (int)n;
}
