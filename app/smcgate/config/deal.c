/* SPDX-License-Identifier: BSD-3-Clause */
/* Which lcore polls which queue, once EAL has said which lcores there are. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "app/smcgate/config/config.h"

static int
add_queue(struct config_lcore *l, const struct config *cfg, unsigned port, unsigned queue)
{
	struct config_queue *q = realloc(l->queues, (l->n_queues + 1) * sizeof(*q));

	if (q == NULL)
		return -ENOMEM;
	l->queues = q;
	q += l->n_queues++;
	memset(q, 0, sizeof(*q));
	memcpy(q->port, cfg->ports[port].name, sizeof(q->port));
	q->queue = queue;
	q->port_index = port;
	return 0;
}

static int
deal(struct config *cfg, const unsigned *workers, unsigned n_workers)
{
	unsigned next = 0;

	cfg->lcores = calloc(n_workers, sizeof(*cfg->lcores));
	if (cfg->lcores == NULL)
		return -ENOMEM;
	cfg->n_lcores = n_workers;
	for (unsigned i = 0; i < n_workers; i++)
		cfg->lcores[i].lcore = workers[i];
	for (unsigned p = 0; p < cfg->n_ports; p++) {
		for (unsigned q = 0; q < cfg->ports[p].rx_queues; q++) {
			int rc = add_queue(&cfg->lcores[next], cfg, p, q);

			if (rc < 0)
				return rc;
			next = next + 1 == n_workers ? 0 : next + 1;
		}
	}
	return 0;
}

/* "1 2 3", as much as fits. */
static const char *
list_workers(const unsigned *workers, unsigned n_workers, char *buf, size_t size)
{
	size_t len = 0;

	for (unsigned i = 0; i < n_workers && len + 16 < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%u", i == 0 ? "" : " ", workers[i]);
	return buf;
}

static void
check_workers(const struct config *cfg, const unsigned *workers, unsigned n_workers, struct cfg_errors *errs)
{
	for (unsigned l = 0; l < cfg->n_lcores; l++) {
		char path[40], list[128];
		unsigned i;

		for (i = 0; i < n_workers && workers[i] != cfg->lcores[l].lcore; i++)
			;
		if (i < n_workers)
			continue;
		snprintf(path, sizeof(path), "$.lcores[%u].lcore", l);
		cfg_error(errs, path, "found %u, allowed: %s, EAL's worker lcores (its option -l; the first it has is "
			  "no worker)", cfg->lcores[l].lcore, list_workers(workers, n_workers, list, sizeof(list)));
	}
}

/* A queue whose descriptors cannot all be filled receives nothing. */
static void
check_buffers(const struct config *cfg, struct cfg_errors *errs)
{
	for (unsigned l = 0; l < cfg->n_lcores; l++) {
		uint64_t need = 0;

		for (unsigned i = 0; i < cfg->lcores[l].n_queues; i++)
			need += cfg->ports[cfg->lcores[l].queues[i].port_index].rx_descriptors;
		if (need > cfg->memory.rx_buffers)
			cfg_error(errs, "$.memory.rx_buffers",
				  "found %u, allowed: at least %llu, the descriptors of lcore %u's queues",
				  cfg->memory.rx_buffers, (unsigned long long)need, cfg->lcores[l].lcore);
	}
}

int
config_deal_queues(struct config *cfg, const unsigned *workers, unsigned n_workers, struct cfg_errors *errs)
{
	int rc = 0;

	if (n_workers == 0) {
		cfg_error(errs, "$.lcores", "there is no worker lcore: give EAL at least two, as in -l 0,1");
		return -EINVAL;
	}
	if (cfg->n_lcores != 0)
		check_workers(cfg, workers, n_workers, errs);
	else
		rc = deal(cfg, workers, n_workers);
	if (rc < 0) {
		cfg_error(errs, "$.lcores", "no memory");
		return rc;
	}
	check_buffers(cfg, errs);
	return cfg_errors_any(errs) ? -EINVAL : 0;
}
