/* SPDX-License-Identifier: BSD-3-Clause */
/* Workers' memory and what is in it, before they run. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_lcore.h>
#include <rte_malloc.h>

#include "app/smcgate/pipeline/drivers.h"
#include "app/smcgate/pipeline/fwd.h"
#include "app/smcgate/pipeline/idle.h"
#include "app/smcgate/pipeline/lcore.h"
#include "app/smcgate/pipeline/pipeline_impl.h"
#include "app/smcgate/pipeline/rdma.h"
#include "app/smcgate/pipeline/stack.h"
#include "pmd/base/log.h"

static const struct moderate_device vnic_device = { vnic_coal_post, vnic_coal_state };

static void init_moderation(struct lcore *lc)
{
	const struct config *cfg = lc->pl->cfg;

	for (unsigned i = 0; i < lc->max_rxq; i++) {
		const struct config_queue *q = &cfg->lcores[lc->index].queues[i];
		const struct config_port *port = &cfg->ports[q->port_index];
		struct config_moderated_queue own = config_moderated(port, q->queue);

		moderate_init(&lc->mods[i], &port->moderation, &own);
	}
}

static struct lcore *lcore_alloc(struct pipeline *pl, unsigned i)
{
	unsigned id = pl->cfg->lcores[i].lcore;
	int node = (int)rte_lcore_to_socket_id(id);
	struct lcore *lc = rte_zmalloc_socket("lcore", sizeof(*lc), RTE_CACHE_LINE_SIZE, node);

	if (lc == NULL)
		return NULL;
	lc->pl = pl;
	lc->index = (uint16_t)i;
	lc->id = id;
	lc->node = node;
	lc->efd = -1;
	lc->random_used = LCORE_RANDOM;
	lc->max_rxq = (uint16_t)pl->cfg->lcores[i].n_queues;
	lc->rxq = calloc(lc->max_rxq + 1U, sizeof(*lc->rxq));
	lc->services = calloc(CONFIG_MAX_SERVICES, sizeof(*lc->services));
	lc->mods = rte_calloc_socket("moderation", lc->max_rxq + 1U, sizeof(*lc->mods), RTE_CACHE_LINE_SIZE, node);
	if (lc->rxq == NULL || lc->services == NULL || lc->mods == NULL) {
		free(lc->rxq);
		free(lc->services);
		rte_free(lc->mods);
		rte_free(lc);
		return NULL;
	}
	init_moderation(lc);
	return lc;
}

int lcores_create(struct pipeline *pl)
{
	pl->lcores = calloc(pl->n_workers, sizeof(*pl->lcores));
	if (pl->lcores == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < pl->n_workers; i++) {
		pl->lcores[i] = lcore_alloc(pl, i);
		if (pl->lcores[i] == NULL) {
			LOG(PIPELINE, ERR, "no memory for worker %u: give EAL more (-m, hugepages)", i);
			return -ENOMEM;
		}
	}
	return 0;
}

/* Which queue this worker sends on, or who sends for it. */
static int fill_tx(struct lcore *lc, struct tx_port *tp, const struct port *p)
{
	unsigned owner = lc->index % p->n_txq;

	tp->id = p->id;
	tp->port = p->index;
	tp->queue = (uint16_t)owner;
	tp->via = lc->index < p->n_txq ? -1 : (int16_t)owner;
	tp->offloads = p->offloads;
	tp->prepare = p->prepare;
	tp->copies = driver_of(p->driver)->tx_copies;
	if (tp->via >= 0 || !vnic_port(p->id))
		return 0;
	return tx_limit(tp, vnic_tx_progress, lc->now_us, lc->node);
}

void lcore_set_rx(struct lcore *lc)
{
	const struct config_lcore *conf = &lc->pl->cfg->lcores[lc->index];

	lc->n_rxq = 0;
	for (unsigned i = 0; i < conf->n_queues; i++) {
		struct port *p = &lc->pl->ports[conf->queues[i].port_index];

		if ((lc->ports_on >> p->index & 1) == 0 ||
		    (lc->rx_stopped[p->index] >> conf->queues[i].queue & 1) != 0) {
			lc->mods[i].on = false;
			continue;
		}
		if (!lc->mods[i].on)
			moderate_start(&lc->mods[i], p->id, (uint16_t)conf->queues[i].queue,
				       vnic_port(p->id) ? &vnic_device : NULL, lc->now_us);
		lc->rxq[lc->n_rxq++] = (struct rx_queue){
			.id = p->id,
			.queue = (uint16_t)conf->queues[i].queue,
			.port = p->index,
			.device_hash = p->rss,
			.dev = p,
			.mod = &lc->mods[i],
		};
	}
	idle_queues_changed(lc);
}

void lcore_set_ports(struct lcore *lc, uint32_t on)
{
	for (unsigned i = 0; i < lc->n_ports; i++) {
		struct tx_port *tp = &lc->tx[i];

		tp->on = (on >> i & 1) != 0;
		if (tp->on)
			continue;
		tx_purge(lc, tp, PDROP_TX_STOPPED);
		tp->halted = false; /* all queues of a port start with it */
		lc->rx_stopped[i] = 0;
	}
	lc->ports_on = on;
	lcore_set_rx(lc);
	rdma_ports(lc, on);
}

static int lcore_fill(struct pipeline *pl, struct lcore *lc)
{
	int rc = 0;

	lc->workers = (uint16_t)pl->n_workers;
	lc->n_ports = (uint16_t)pl->n_ports;
	lc->burst = (uint16_t)pl->burst;
	lc->fwd = fwd_mode(pl->fwd);
	lc->steering = &pl->steering;
	lc->idle = &pl->cfg->idle;
	lc->roce = config_smc_on(pl->cfg);
	lc->clock = pl->clock;
	lc->stats.lcore = lc->id;
	lc->stats.node = lc->node;
	for (unsigned i = 0; i < pl->n_ports && rc == 0; i++)
		rc = fill_tx(lc, &lc->tx[i], &pl->ports[i]);
	wheel_init(&lc->wheel, 0);
	if (rc == 0)
		rc = idle_init(lc);
	return rc < 0 ? rc : stack_create(lc);
}

int lcores_fill(struct pipeline *pl)
{
	int rc = 0;

	for (unsigned i = 0; i < pl->n_workers && rc == 0; i++)
		rc = lcore_fill(pl, pl->lcores[i]);
	return rc;
}

void lcores_destroy(struct pipeline *pl)
{
	for (unsigned i = 0; pl->lcores != NULL && i < pl->n_workers; i++) {
		struct lcore *lc = pl->lcores[i];

		if (lc == NULL)
			continue;
		stack_destroy(lc);
		for (unsigned p = 0; p < pl->n_ports; p++)
			tx_purge(lc, &lc->tx[p], PDROP_TX_STOPPED);
		for (unsigned p = 0; p < pl->n_ports; p++)
			tx_fini(&lc->tx[p]);
		idle_fini(lc);
		free(lc->rxq);
		free(lc->services);
		rte_free(lc->mods);
	}
}
