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
struct operation {
	struct pipeline *pl;
	struct port *p;
	int (*fn)(struct operation *op);
	uint64_t arg;
	bool changes; /* nobody may look at the port in ethdev meanwhile */
	struct pipeline_reset_report report;
	struct pipeline_offload_report offload;
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
	if (closed) {
		p->state = PORT_CLOSED;
		port_publish(p);
	}
	pipeline_unlock(pl);
	pipeline_look_end();
}

static void show(struct pipeline *pl, struct port *p)
{
	pipeline_lock(pl);
	port_publish(p);
	p->changing = false;
	pipeline_unlock(pl);
}

static int run(void *arg)
{
	struct operation *op = arg;
	int rc;

	/* It may have been closed since the caller looked. */
	if (op->p->state == PORT_CLOSED)
		return -ENODEV;
	if (op->changes)
		hide(op->pl, op->p, false);
	rc = op->fn(op);
	show(op->pl, op->p);
	return rc;
}

static int check(struct pipeline *pl, unsigned port)
{
	int rc = 0;

	if (port >= pl->n_ports)
		return -ENODEV;
	pipeline_lock(pl);
	if (pl->ports[port].seen.state == PORT_CLOSED)
		rc = -ENODEV;
	pipeline_unlock(pl);
	return rc;
}

static int operate(struct pipeline *pl, unsigned port, const char *what, enum device_claim kind,
		   struct operation *op)
{
	char doing[DEVICE_DOING_LEN];
	int rc = check(pl, port);

	if (rc < 0)
		return rc;
	snprintf(doing, sizeof(doing), "port %u %s", port, what);
	op->pl = pl;
	op->p = &pl->ports[port];
	rc = device_claim(pl, &op->p->slot, kind, doing);
	if (rc < 0)
		return rc;
	rc = device_call(pl, &op->p->slot, run, op, sizeof(*op));
	device_release(pl, &op->p->slot);
	return rc;
}

static struct rte_mempool *rx_pool(void *ctx, const struct port *p, unsigned worker)
{
	struct pipeline *pl = ctx;
	const struct lcore_mem *mem = &pl->lcores[worker]->mem;

	return p->pinned ? mem->rx : mem->rx_plain;
}

/* What was asked of it while it ran is asked again; refused, the configuration's is. */
static int renew(struct pipeline *pl, struct port *p, bool *reverted)
{
	int rc;

	p->unready = true;
	/* Most software devices have nothing to reset: configuring anew does it. */
	rc = rte_eth_dev_reset(p->id);
	if (rc < 0 && rc != -ENOTSUP)
		return rc;
	rc = port_configure(p, pl->steering.hash.key, rx_pool, pl);
	if (rc < 0 && rc != -ECANCELED && port_forget(p)) {
		*reverted = true;
		rc = port_configure(p, pl->steering.hash.key, rx_pool, pl);
	}
	p->unready = rc < 0;
	return rc;
}

static bool workers_have(struct pipeline *pl, const struct port *p)
{
	bool have;

	pipeline_lock(pl);
	have = (pl->ports_on >> p->index & 1) != 0;
	pipeline_unlock(pl);
	return have;
}

/* A port that runs and that workers let go of when it did not stop is theirs again. */
static int start_it(struct operation *op)
{
	struct pipeline *pl = op->pl;
	struct port *p = op->p;
	int rc = 0;

	if (p->state == PORT_STARTED && workers_have(pl, p))
		return -EALREADY;
	p->wanted = true;
	/* The reset before it did not come to its end. */
	if (p->unready)
		rc = renew(pl, p, &op->report.reverted);
	if (rc == 0 && p->state != PORT_STARTED) {
		rc = port_start(p, &pl->steering);
		/* Services that came meanwhile did not wait for this port. */
		if (rc == 0 && vnic_port(p->id))
			rc = vnic_share_memory_of(p->id);
	}
	return rc < 0 ? rc : tell_one(pl, p, true);
}

static int let_go(struct pipeline *pl, struct port *p)
{
	int rc = tell_one(pl, p, false);

	return rc < 0 ? rc : port_stop(p);
}

static int stop_it(struct operation *op)
{
	/* A start that failed is not tried again by a reset. */
	op->p->wanted = false;
	return op->p->state == PORT_STOPPED ? -EALREADY : let_go(op->pl, op->p);
}

static int close_it(struct operation *op)
{
	int rc = op->p->state == PORT_STARTED ? let_go(op->pl, op->p) : 0;

	if (rc < 0)
		return rc;
	hide(op->pl, op->p, true);
	port_remove(op->p);
	return 0;
}

int pipeline_port_start(struct pipeline *pl, unsigned port)
{
	struct operation op = { .fn = start_it, .changes = true };

	return operate(pl, port, "start", CLAIM_CHANGE, &op);
}

int pipeline_port_stop(struct pipeline *pl, unsigned port)
{
	struct operation op = { .fn = stop_it, .changes = true };

	return operate(pl, port, "stop", CLAIM_END, &op);
}

int pipeline_port_close(struct pipeline *pl, unsigned port)
{
	struct operation op = { .fn = close_it, .changes = true };

	return operate(pl, port, "close", CLAIM_END, &op);
}

static void tell_kept(const struct port *p, struct pipeline_reset_report *r)
{
	r->mtu = p->mtu;
	r->mtu_kept = p->mtu != p->conf->mtu;
	r->promiscuous = p->promiscuous;
	r->promiscuous_kept = p->promiscuous != p->conf->promiscuous;
	r->reta_kept = p->reta_own;
	r->macs_kept = p->n_macs;
	r->rx_on = p->rx_wanted & ~p->rx_conf;
	r->rx_off = p->rx_conf & ~p->rx_wanted;
	memcpy(r->rx_size, p->rx_size, sizeof(r->rx_size));
	memcpy(r->tx_size, p->tx_size, sizeof(r->tx_size));
}

static int reset_it(struct operation *op)
{
	struct port *p = op->p;
	bool wanted = p->wanted;
	int rc = p->state == PORT_STARTED ? let_go(op->pl, p) : 0;

	if (rc == 0)
		rc = renew(op->pl, p, &op->report.reverted);
	if (rc == 0 && wanted)
		rc = start_it(op);
	op->report.started = p->state == PORT_STARTED;
	tell_kept(p, &op->report);
	return rc;
}

int pipeline_port_reset(struct pipeline *pl, unsigned port, struct pipeline_reset_report *report)
{
	struct operation op = { .fn = reset_it, .changes = true };
	int rc = operate(pl, port, "reset", CLAIM_END, &op);

	*report = op.report;
	return rc;
}

static int set_mtu(struct operation *op)
{
	struct mtu_change c = { .ifx = op->p->index, .mtu = (uint16_t)op->arg };
	struct port *p = op->p;
	int rc = p->state == PORT_STARTED && !vnic_port(p->id) ? -EBUSY : rte_eth_dev_set_mtu(p->id, c.mtu);

	if (rc < 0)
		return rc;
	p->mtu = p->wanted_mtu = c.mtu;
	return pipeline_call_each(op->pl, worker_set_mtu, &c, sizeof(c));
}

int pipeline_port_mtu(struct pipeline *pl, unsigned port, uint16_t mtu)
{
	struct operation op = { .fn = set_mtu, .arg = mtu, .changes = true };

	return operate(pl, port, "config mtu", CLAIM_CHANGE, &op);
}

static int set_promiscuous(struct operation *op)
{
	bool on = op->arg != 0;
	int rc = on ? rte_eth_promiscuous_enable(op->p->id) : rte_eth_promiscuous_disable(op->p->id);

	if (rc == 0)
		op->p->promiscuous = on;
	return rc;
}

int pipeline_port_promiscuous(struct pipeline *pl, unsigned port, bool on)
{
	struct operation op = { .fn = set_promiscuous, .arg = on };

	return operate(pl, port, "promiscuous mode", CLAIM_CHANGE, &op);
}

static int clear_counters(struct operation *op)
{
	return op->arg != 0 ? rte_eth_xstats_reset(op->p->id) : rte_eth_stats_reset(op->p->id);
}

int pipeline_port_clear(struct pipeline *pl, unsigned port, bool all)
{
	struct operation op = { .fn = clear_counters, .arg = all };

	return operate(pl, port, "clear stats", CLAIM_CHANGE, &op);
}

/* ---- receive offloads -------------------------------------------------------------------- */
static int worker_believe(struct lcore *lc, void *arg)
{
	if (lc->net != NULL)
		net_if_get(lc->net, *(const uint8_t *)arg)->offloads |= NET_RX_CKSUM;
	return 0;
}

/* Before the first packet comes whose checksum is the device's word only. They are believed for good: some may be
 * on their way when it is switched off, and of what a device says nothing the sums are looked at. */
static int believe_checksums(struct pipeline *pl, struct port *p)
{
	uint8_t ifx = p->index;

	if ((p->offloads & NET_RX_CKSUM) != 0)
		return 0;
	p->offloads |= NET_RX_CKSUM;
	return pipeline_call_each(pl, worker_believe, &ifx, sizeof(ifx));
}

/* With what goes along; 0: the device does not have it, or not so. */
static int rx_wanted(const struct port *p, uint64_t *bits, bool on, uint64_t *wanted)
{
	bool ours = vnic_port(p->id);

	if (on && (*bits & ~p->rx_capa) != 0)
		return -ENOTSUP;
	if (ours && (*bits & PORT_RX_CSUM) != 0)
		*bits = PORT_RX_CSUM & p->rx_capa;
	*wanted = on ? p->rx_wanted | *bits : p->rx_wanted & ~*bits;
	if (*wanted == p->rx_wanted)
		return -EALREADY;
	return ours && (*wanted & PORT_RX_LIVE) == RTE_ETH_RX_OFFLOAD_TCP_LRO ? -EINVAL : 0;
}

/* What cannot be done while it runs is done when it is configured anew. */
static enum pipeline_offload_when rx_later(struct port *p, uint64_t wanted)
{
	bool as_it_runs = p->state == PORT_STARTED && wanted == p->rx_now;

	p->rx_wanted = wanted;
	p->eth.rxmode.offloads = as_it_runs ? p->rx_configured : wanted;
	p->unready = true;
	return as_it_runs ? OFFLOAD_NOW : p->state == PORT_STARTED ? OFFLOAD_AFTER_RESET : OFFLOAD_AFTER_START;
}

static int set_rx_offload(struct operation *op)
{
	struct port *p = op->p;
	struct pipeline_offload_report *r = &op->offload;
	bool pending = p->rx_wanted != p->rx_now;
	uint64_t wanted;
	int rc = rx_wanted(p, &r->changed, op->arg != 0, &wanted);

	if (rc == 0 && (wanted & RTE_ETH_RX_OFFLOAD_TCP_CKSUM) != 0)
		rc = believe_checksums(op->pl, p);
	if (rc < 0)
		return rc;
	rc = p->state == PORT_STARTED && !pending && (r->changed & ~PORT_RX_LIVE) == 0 ? port_rx_switch(p, wanted) :
											 -ENOTSUP;
	if (rc == -ENOTSUP || rc == -EINVAL || rc == -EIO) {
		r->when = rx_later(p, wanted);
		return 0;
	}
	r->when = OFFLOAD_NOW;
	return rc;
}

int pipeline_rx_offload(struct pipeline *pl, unsigned port, uint64_t offload, bool on,
			struct pipeline_offload_report *report)
{
	struct operation op = { .fn = set_rx_offload, .arg = on, .offload = { .changed = offload } };
	int rc = operate(pl, port, "config rx_offload", CLAIM_CHANGE, &op);

	*report = op.offload;
	return rc;
}

/* ---- looking -------------------------------------------------------------------------------- */
static void fill_info(const struct pipeline *pl, const struct port *p, struct pipeline_port_info *out)
{
	/* Nothing is asked of the driver, which may be busy with its device. */
	memcpy(out->device, p->device, sizeof(out->device));
	memcpy(out->driver, p->driver, sizeof(out->driver));
	out->promiscuous = p->seen.promiscuous;
	for (unsigned q = 0; q < p->n_rxq; q++)
		out->rx_worker[q] = (uint8_t)p->rx_worker[q];
	for (unsigned q = 0; q < p->n_txq; q++)
		out->tx_worker[q] = (uint8_t)(q % pl->n_workers);
}

int pipeline_port_info(struct pipeline *pl, unsigned port, struct pipeline_port_info *out)
{
	const struct port *p;
	const struct port_seen *s;

	if (port >= pl->n_ports)
		return -ENODEV;
	p = &pl->ports[port];
	s = &p->seen;
	pipeline_lock(pl);
	*out = (struct pipeline_port_info){
		.id = p->id,
		.state = p->changing && s->state != PORT_CLOSED ? PORT_BUSY : s->state,
		.node = p->node,
		.peer = p->peer,
		.rx_queues = p->n_rxq,
		.tx_queues = p->n_txq,
		.rx_descriptors = s->n_rxd,
		.tx_descriptors = s->n_txd,
		.descriptors_min = p->min_desc,
		.descriptors_max = { p->max_desc[VNIC_RX], p->max_desc[VNIC_TX] },
		.mtu = s->mtu,
		.mac = s->mac,
		.rss = s->rss,
		.rx_interrupt = s->rx_intr,
		.pinned = p->pinned,
		.offloads = s->offloads,
		.rx_capa = p->rx_capa,
		.rx_queue_capa = p->rx_queue_capa,
		.rx_wanted = s->rx_wanted,
		.rx_now = s->rx_now,
	};
	if ((s->rx_now & RTE_ETH_RX_OFFLOAD_TCP_CKSUM) == 0)
		out->offloads &= ~(uint32_t)NET_RX_CKSUM;
	memcpy(out->name, p->conf->name, sizeof(out->name));
	if (out->state < PORT_CLOSED)
		fill_info(pl, p, out);
	pipeline_unlock(pl);
	return 0;
}
