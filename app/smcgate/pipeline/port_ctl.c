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

#define CLOSE_WAIT_MS 1000 /* for a call that waits for the device: stopping the port ends it */

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

/* Begin of an operation on a port: the lock is held when it returns 0. */
static int begin(struct pipeline *pl, unsigned port)
{
	if (port >= pl->n_ports)
		return -ENODEV;
	pipeline_lock(pl);
	if (pl->ports[port].state != PORT_CLOSED)
		return 0;
	pipeline_unlock(pl);
	return -ENODEV;
}

static int start(struct pipeline *pl, struct port *p)
{
	int rc = port_start(p, &pl->steering);

	return rc < 0 ? rc : ports_tell(pl, pl->ports_on | UINT32_C(1) << p->index);
}

static int stop(struct pipeline *pl, struct port *p)
{
	int rc = ports_tell(pl, pl->ports_on & ~(UINT32_C(1) << p->index));

	return rc < 0 ? rc : port_stop(p);
}

int pipeline_port_start(struct pipeline *pl, unsigned port)
{
	int rc = begin(pl, port);

	if (rc < 0)
		return rc;
	rc = pl->ports[port].state == PORT_STARTED ? -EALREADY : start(pl, &pl->ports[port]);
	pipeline_unlock(pl);
	return rc;
}

int pipeline_port_stop(struct pipeline *pl, unsigned port)
{
	int rc = begin(pl, port);

	if (rc < 0)
		return rc;
	rc = pl->ports[port].state == PORT_STOPPED ? -EALREADY : stop(pl, &pl->ports[port]);
	pipeline_unlock(pl);
	return rc;
}

int pipeline_port_close(struct pipeline *pl, unsigned port)
{
	int rc = begin(pl, port);

	if (rc < 0)
		return rc;
	if (pl->ports[port].state == PORT_STARTED)
		rc = stop(pl, &pl->ports[port]);
	pipeline_unlock(pl);
	/* Nobody may be in the driver when the port goes. */
	if (rc == 0 && !device_done(pl, &pl->ports[port], CLOSE_WAIT_MS))
		rc = -EAGAIN;
	if (rc < 0)
		return rc;
	pipeline_lock(pl);
	port_close(&pl->ports[port]);
	pipeline_unlock(pl);
	return 0;
}

static struct rte_mempool *rx_pool(void *ctx, const struct port *p, unsigned worker)
{
	struct pipeline *pl = ctx;
	const struct lcore_mem *mem = &pl->lcores[worker]->mem;

	return p->pinned ? mem->rx : mem->rx_plain;
}

static int reset(struct pipeline *pl, struct port *p)
{
	bool ran = p->state == PORT_STARTED;
	int rc = ran ? stop(pl, p) : 0;

	if (rc < 0)
		return rc;
	/* Most software devices have nothing to reset: configuring anew does it. */
	rc = rte_eth_dev_reset(p->id);
	if (rc < 0 && rc != -ENOTSUP)
		return rc;
	rc = port_configure(p, pl->steering.hash.key, rx_pool, pl);
	return rc == 0 && ran ? start(pl, p) : rc;
}

int pipeline_port_reset(struct pipeline *pl, unsigned port)
{
	int rc = begin(pl, port);

	if (rc < 0)
		return rc;
	rc = reset(pl, &pl->ports[port]);
	pipeline_unlock(pl);
	return rc;
}

int pipeline_port_mtu(struct pipeline *pl, unsigned port, uint16_t mtu)
{
	struct mtu_change c = { .ifx = (uint8_t)port, .mtu = mtu };
	int rc = begin(pl, port);

	if (rc < 0)
		return rc;
	rc = pl->ports[port].state == PORT_STARTED && !vnic_port(pl->ports[port].id) ?
		-EBUSY : rte_eth_dev_set_mtu(pl->ports[port].id, mtu);
	if (rc == 0) {
		pl->ports[port].mtu = mtu;
		rc = pipeline_call_each(pl, worker_set_mtu, &c, sizeof(c));
	}
	pipeline_unlock(pl);
	return rc;
}

struct promiscuous_call {
	uint16_t id;
	bool on;
};

static int device_promiscuous(void *arg)
{
	const struct promiscuous_call *c = arg;

	return c->on ? rte_eth_promiscuous_enable(c->id) : rte_eth_promiscuous_disable(c->id);
}

int pipeline_port_promiscuous(struct pipeline *pl, unsigned port, bool on)
{
	struct promiscuous_call c = { .on = on };
	int rc = begin(pl, port);

	if (rc < 0)
		return rc;
	c.id = pl->ports[port].id;
	pipeline_unlock(pl);
	return device_call(pl, &pl->ports[port], device_promiscuous, &c, sizeof(c));
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
		.state = p->state,
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
	if (p->state != PORT_CLOSED)
		fill_info(pl, p, out);
	pipeline_unlock(pl);
	return 0;
}
