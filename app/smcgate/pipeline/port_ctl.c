/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports while the workers run: they let go of a port before it changes and
 * take it up again afterwards. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/smcgate/pipeline/device.h"
#include "app/smcgate/pipeline/fwd.h"
#include "app/smcgate/pipeline/lcore.h"
#include "app/smcgate/pipeline/pipeline_impl.h"
#include "app/smcgate/pipeline/rdma.h"

#define END_WAIT_MS 500 /* for one that waits for the device and is told not to */

static int worker_set_ports(struct lcore *lc, void *arg)
{
	lcore_set_ports(lc, *(uint32_t *)arg);
	return 0;
}

int ports_tell(struct pipeline *pl, uint32_t on)
{
	int rc = pipeline_call_each(pl, worker_set_ports, &on, sizeof(on));

	if (rc == 0)
		pl->ports_on = on;
	return rc;
}

/* One port of them: two may be changed at a time. */
static int tell_one(struct pipeline *pl, const struct port *p, bool on)
{
	uint32_t bit = UINT32_C(1) << p->index;
	int rc;

	pipeline_lock(pl);
	rc = ports_tell(pl, on ? pl->ports_on | bit : pl->ports_on & ~bit);
	pipeline_unlock(pl);
	return rc;
}

struct mtu_change {
	uint8_t ifx;
	uint16_t mtu;
};

static int worker_set_mtu(struct lcore *lc, void *arg)
{
	const struct mtu_change *c = arg;

	if (lc->net != NULL)
		net_if_get(lc->net, c->ifx)->mtu = c->mtu;
	rdma_mtu(lc, c->ifx, c->mtu);
	return 0;
}

/* ---- operations ------------------------------------------------------------------------ */
/* They wait for the device: on a thread of their own, without the lock (device.h). Whoever began one,
 * it does all that belongs to it, the workers' part too, however late the device answers. */
typedef int (*port_fn)(struct pipeline *pl, struct port *p, uint64_t arg);

struct operation {
	struct pipeline *pl;
	struct port *p;
	port_fn fn;
	uint64_t arg;
	bool changes; /* nobody may look at the port in ethdev meanwhile */
};

static pthread_mutex_t looking = PTHREAD_MUTEX_INITIALIZER;

void pipeline_look_begin(void)
{
	pthread_mutex_lock(&looking);
}

void pipeline_look_end(void)
{
	pthread_mutex_unlock(&looking);
}

/* Once nobody looks any more, and for good when it is closed. */
static void hide(struct pipeline *pl, struct port *p, bool closed)
{
	pipeline_look_begin();
	pipeline_lock(pl);
	p->changing = true;
	if (closed)
		p->state = PORT_CLOSED;
	pipeline_unlock(pl);
	pipeline_look_end();
}

static void show(struct pipeline *pl, struct port *p)
{
	pipeline_lock(pl);
	p->changing = false;
	pipeline_unlock(pl);
}

static int run(void *arg)
{
	const struct operation *op = arg;
	int rc;

	/* It may have been closed since the caller looked. */
	if (op->p->state == PORT_CLOSED)
		return -ENODEV;
	if (op->changes)
		hide(op->pl, op->p, false);
	rc = op->fn(op->pl, op->p, op->arg);
	if (op->changes)
		show(op->pl, op->p);
	return rc;
}

static int check(struct pipeline *pl, unsigned port)
{
	int rc = 0;

	if (port >= pl->n_ports)
		return -ENODEV;
	pipeline_lock(pl);
	if (pl->ports[port].state == PORT_CLOSED)
		rc = -ENODEV;
	pipeline_unlock(pl);
	return rc;
}

/* ends: does not wait for a question that the device does not answer. */
static int operate(struct pipeline *pl, unsigned port, port_fn fn, uint64_t arg, bool changes, bool ends)
{
	struct operation op = { .pl = pl, .fn = fn, .arg = arg, .changes = changes };
	int rc = check(pl, port);

	if (rc < 0)
		return rc;
	op.p = &pl->ports[port];
	if (ends)
		(void)device_done(pl, op.p, END_WAIT_MS);
	return device_call(pl, op.p, run, &op, sizeof(op));
}

/* A port that runs and that workers let go of when it did not stop is theirs again. */
static int start(struct pipeline *pl, struct port *p, uint64_t arg)
{
	int rc = 0;

	if (p->state == PORT_STARTED && (pl->ports_on >> p->index & 1) != 0)
		return -EALREADY;
	if (p->state != PORT_STARTED)
		rc = port_start(p, &pl->steering);
	return rc < 0 ? rc : tell_one(pl, p, true);
}

static int stop(struct pipeline *pl, struct port *p, uint64_t arg)
{
	int rc = p->state == PORT_STOPPED ? -EALREADY : tell_one(pl, p, false);

	return rc < 0 ? rc : port_stop(p);
}

static int close_it(struct pipeline *pl, struct port *p, uint64_t arg)
{
	int rc = p->state == PORT_STARTED ? stop(pl, p, 0) : 0;

	if (rc < 0)
		return rc;
	hide(pl, p, true);
	port_remove(p);
	return 0;
}

int pipeline_port_start(struct pipeline *pl, unsigned port)
{
	return operate(pl, port, start, 0, true, false);
}

int pipeline_port_stop(struct pipeline *pl, unsigned port)
{
	return operate(pl, port, stop, 0, true, true);
}

int pipeline_port_close(struct pipeline *pl, unsigned port)
{
	return operate(pl, port, close_it, 0, true, true);
}

static struct rte_mempool *rx_pool(void *ctx, const struct port *p, unsigned worker)
{
	struct pipeline *pl = ctx;
	const struct lcore_mem *mem = &pl->lcores[worker]->mem;

	return p->pinned ? mem->rx : mem->rx_plain;
}

static int reset(struct pipeline *pl, struct port *p, uint64_t arg)
{
	bool ran = p->state == PORT_STARTED;
	int rc = ran ? stop(pl, p, 0) : 0;

	if (rc < 0)
		return rc;
	/* Most software devices have nothing to reset: configuring anew does it. */
	rc = rte_eth_dev_reset(p->id);
	if (rc < 0 && rc != -ENOTSUP)
		return rc;
	rc = port_configure(p, pl->steering.hash.key, rx_pool, pl);
	return rc == 0 && ran ? start(pl, p, 0) : rc;
}

int pipeline_port_reset(struct pipeline *pl, unsigned port)
{
	return operate(pl, port, reset, 0, true, true);
}

static int set_mtu(struct pipeline *pl, struct port *p, uint64_t mtu)
{
	struct mtu_change c = { .ifx = (uint8_t)p->index, .mtu = (uint16_t)mtu };
	int rc = p->state == PORT_STARTED && !vnic_port(p->id) ? -EBUSY : rte_eth_dev_set_mtu(p->id, c.mtu);

	if (rc < 0)
		return rc;
	p->mtu = c.mtu;
	return pipeline_call_each(pl, worker_set_mtu, &c, sizeof(c));
}

int pipeline_port_mtu(struct pipeline *pl, unsigned port, uint16_t mtu)
{
	return operate(pl, port, set_mtu, mtu, true, false);
}

static int set_promiscuous(struct pipeline *pl, struct port *p, uint64_t on)
{
	return on ? rte_eth_promiscuous_enable(p->id) : rte_eth_promiscuous_disable(p->id);
}

int pipeline_port_promiscuous(struct pipeline *pl, unsigned port, bool on)
{
	return operate(pl, port, set_promiscuous, on, false, false);
}

static void fill_info(const struct pipeline *pl, const struct port *p, struct pipeline_port_info *out)
{
	struct rte_eth_dev_info info;

	if (rte_eth_dev_get_name_by_port(p->id, out->device) < 0)
		out->device[0] = '\0';
	if (rte_eth_dev_info_get(p->id, &info) == 0 && info.driver_name != NULL)
		snprintf(out->driver, sizeof(out->driver), "%s", info.driver_name);
	out->promiscuous = rte_eth_promiscuous_get(p->id) == 1;
	for (unsigned q = 0; q < p->n_rxq; q++)
		out->rx_worker[q] = (uint8_t)p->rx_worker[q];
	for (unsigned q = 0; q < p->n_txq; q++)
		out->tx_worker[q] = (uint8_t)(q % pl->n_workers);
}

int pipeline_port_info(struct pipeline *pl, unsigned port, struct pipeline_port_info *out)
{
	const struct port *p;

	if (port >= pl->n_ports)
		return -ENODEV;
	p = &pl->ports[port];
	pipeline_lock(pl);
	*out = (struct pipeline_port_info){
		.id = p->id,
		.state = p->changing && p->state != PORT_CLOSED ? PORT_BUSY : p->state,
		.node = p->node,
		.peer = p->peer,
		.rx_queues = p->n_rxq,
		.tx_queues = p->n_txq,
		.rx_descriptors = p->n_rxd,
		.tx_descriptors = p->n_txd,
		.mtu = p->mtu,
		.mac = p->mac,
		.rss = p->rss,
		.rx_interrupt = p->rx_intr,
		.pinned = p->pinned,
		.offloads = p->offloads,
	};
	memcpy(out->name, p->conf->name, sizeof(out->name));
	if (out->state < PORT_CLOSED)
		fill_info(pl, p, out);
	pipeline_unlock(pl);
	return 0;
}
