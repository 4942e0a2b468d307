/* SPDX-License-Identifier: BSD-3-Clause */
/* Looking at and changing the moderation of queues, by message to the lcores that poll them. */
#include <errno.h>
#include <string.h>

#include "app/smcgate/pipeline/idle.h"
#include "app/smcgate/pipeline/lcore.h"
#include "app/smcgate/pipeline/pipeline_impl.h"

struct moderation_call {
	unsigned port, queue;
	enum config_moderate mode;
	unsigned profile;
	uint32_t max_latency_us;
	struct config_profile knobs;
	struct pipeline_moderation_info info;
};

/* Whether its port runs or not. */
static struct moderate *find(struct lcore *lc, const struct moderation_call *call)
{
	const struct config_lcore *conf = &lc->pl->cfg->lcores[lc->index];

	for (unsigned i = 0; i < conf->n_queues; i++)
		if (conf->queues[i].port_index == call->port && conf->queues[i].queue == call->queue)
			return &lc->mods[i];
	return NULL;
}

static enum pipeline_coalescing coalescing(const struct moderate *m)
{
	if (m->dev == NULL || (!m->open && !m->given_up))
		return COALESCING_NONE;
	if (m->pending)
		return COALESCING_ASKED;
	if (m->errors != 0)
		return COALESCING_REFUSED;
	return m->known ? COALESCING_ON : COALESCING_OFF;
}

/* A device's delay is one only to who sleeps on its interrupt. */
static uint32_t adds_us(struct lcore *lc, const struct moderate *m)
{
	uint32_t us = idle_adds_us(lc);

	return us != 0 && m->intr ? us + moderate_device_us(m) : us;
}

static int worker_info(struct lcore *lc, void *arg)
{
	struct moderation_call *call = arg;
	struct pipeline_moderation_info *out = &call->info;
	const struct moderate *m = find(lc, call);

	if (m == NULL)
		return -ENOENT;
	*out = m->told;
	out->mode = m->mode;
	out->knobs = *moderate_profile(m);
	out->profile = (uint8_t)(moderate_profile(m) - m->profiles);
	out->direction = m->dim.tune;
	out->given_up = m->given_up;
	out->running = m->on;
	out->interrupts = m->intr;
	out->coalescing = coalescing(m);
	out->device = m->in_force;
	out->adds_us = adds_us(lc, m);
	out->max_latency_us = m->max_latency_us;
	out->packets_s = m->rates.ppms;
	out->bytes_s = m->rates.bpms;
	out->events_s = m->rates.epms;
	return 0;
}

static int worker_set(struct lcore *lc, void *arg)
{
	const struct moderation_call *call = arg;
	struct moderate *m = find(lc, call);

	if (m == NULL)
		return -ENOENT;
	lc->limits_stale = true;
	return moderate_set(m, call->mode, (uint8_t)call->profile, lc->now_us);
}

static int worker_latency(struct lcore *lc, void *arg)
{
	const struct moderation_call *call = arg;
	struct moderate *m = find(lc, call);

	if (m == NULL)
		return -ENOENT;
	lc->limits_stale = true;
	return moderate_set_latency(m, call->max_latency_us, lc->now_us);
}

static int worker_profile(struct lcore *lc, void *arg)
{
	const struct moderation_call *call = arg;
	struct moderate *m = find(lc, call);
	int rc;

	if (m == NULL)
		return -ENOENT;
	lc->limits_stale = true;
	rc = moderate_set_profile(m, call->profile, &call->knobs, lc->now_us);
	return rc == -ENOENT ? -EINVAL : rc;
}

static int worker_restart(struct lcore *lc, void *arg)
{
	struct moderate *m = find(lc, arg);

	if (m == NULL)
		return -ENOENT;
	if (m->on)
		moderate_start(m, m->id, m->queue, m->dev, lc->now_us);
	lc->limits_stale = true;
	return 0;
}

static int call_owner(struct pipeline *pl, pipeline_fn fn, struct moderation_call *call)
{
	const struct port *p;

	if (call->port >= pl->n_ports)
		return -ENODEV;
	p = &pl->ports[call->port];
	if (call->queue >= p->n_rxq)
		return -ENOENT;
	return pipeline_call(pl, p->rx_worker[call->queue], fn, call, sizeof(*call));
}

int pipeline_moderation_info(struct pipeline *pl, unsigned port, unsigned queue, struct pipeline_moderation_info *out)
{
	struct moderation_call call = { .port = port, .queue = queue };
	int rc = call_owner(pl, worker_info, &call);

	*out = call.info;
	return rc;
}

static int set_one(struct pipeline *pl, struct moderation_call *call)
{
	if (call->mode != CONFIG_STATIC && call->port < pl->n_ports)
		call->profile = config_moderated(&pl->cfg->ports[call->port], call->queue).profile;
	return call_owner(pl, worker_set, call);
}

static int latency_one(struct pipeline *pl, struct moderation_call *call)
{
	return call_owner(pl, worker_latency, call);
}

static int profile_one(struct pipeline *pl, struct moderation_call *call)
{
	return call_owner(pl, worker_profile, call);
}

static int for_queues(struct pipeline *pl, struct moderation_call *call,
		      int (*one)(struct pipeline *pl, struct moderation_call *call))
{
	int rc = 0;

	if (call->port >= pl->n_ports)
		return -ENODEV;
	if (call->queue != PIPELINE_ALL_QUEUES)
		return one(pl, call);
	for (call->queue = 0; call->queue < pl->ports[call->port].n_rxq && rc == 0; call->queue++)
		rc = one(pl, call);
	return rc;
}

int pipeline_moderation_set(struct pipeline *pl, unsigned port, unsigned queue, enum config_moderate mode,
			    unsigned profile)
{
	struct moderation_call call = { .port = port, .queue = queue, .mode = mode, .profile = profile };

	return mode == CONFIG_STATIC && profile >= CONFIG_MAX_PROFILES ? -EINVAL : for_queues(pl, &call, set_one);
}

int pipeline_moderation_latency(struct pipeline *pl, unsigned port, unsigned queue, uint32_t max_latency_us)
{
	struct moderation_call call = { .port = port, .queue = queue, .max_latency_us = max_latency_us };

	return for_queues(pl, &call, latency_one);
}

int pipeline_moderation_profile(struct pipeline *pl, unsigned port, unsigned queue, unsigned i,
				const struct config_profile *p)
{
	struct moderation_call call = { .port = port, .queue = queue, .profile = i, .knobs = *p };

	return for_queues(pl, &call, profile_one);
}

int pipeline_moderation_restart(struct pipeline *pl, unsigned port, unsigned queue)
{
	struct moderation_call call = { .port = port, .queue = queue };

	return call_owner(pl, worker_restart, &call);
}
