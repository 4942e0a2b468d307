/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Services on all workers: prepared here on the main lcore, started, drained
 * and stopped on each worker by a call. A service has the same slot in every
 * worker's table.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/smcgate/pipeline/lcore.h"
#include "app/smcgate/pipeline/pipeline_impl.h"
#include "pmd/base/log.h"
#include "pmd/virtio/vnic.h"

struct start_args {
	const struct config_service *conf;
	void *shared;
	uint16_t slot;
};

static int worker_start(struct lcore *lc, void *arg)
{
	const struct start_args *a = arg;
	struct lcore_service *s = &lc->services[a->slot];
	int rc = service_start(&s->svc, a->conf, a->shared, lc->ss, &lc->wheel, lc->index, lc->workers);

	s->started = rc == 0;
	if (rc == 0 && a->slot >= lc->n_services)
		lc->n_services = (uint16_t)(a->slot + 1);
	return rc;
}

static int worker_drain(struct lcore *lc, void *arg)
{
	struct lcore_service *s = &lc->services[*(uint16_t *)arg];

	if (s->started && !s->svc.draining)
		service_drain(&s->svc);
	return 0;
}

static int worker_open(struct lcore *lc, void *arg)
{
	const struct lcore_service *s = &lc->services[*(uint16_t *)arg];

	return s->started ? (int)service_open(&s->svc) : 0;
}

/* Reset what is open; the sockets are given back by the service's callbacks. */
static int worker_abort(struct lcore *lc, void *arg)
{
	struct lcore_service *s = &lc->services[*(uint16_t *)arg];

	if (s->started)
		service_abort(&s->svc);
	return 0;
}

static int worker_stop(struct lcore *lc, void *arg)
{
	struct lcore_service *s = &lc->services[*(uint16_t *)arg];

	if (!s->started)
		return 0;
	if (service_open(&s->svc) != 0)
		return -EBUSY;
	service_stop(&s->svc);
	s->started = false;
	return 0;
}

static int worker_counters(struct lcore *lc, void *arg)
{
	struct pipeline_service_info *info = arg;
	uint16_t slot = (uint16_t)info->open; /* in: the slot; out: sockets of this worker */
	const struct lcore_service *s = &lc->services[slot];

	info->open = 0;
	memset(info->counters, 0, sizeof(info->counters));
	info->transports = (struct service_transports){ 0 };
	if (!s->started)
		return 0;
	info->open = service_open(&s->svc);
	memcpy(info->counters, s->svc.counters, sizeof(info->counters));
	service_get_transports(&s->svc, &info->transports);
	return 0;
}

static struct pl_service **find(struct pipeline *pl, const char *name)
{
	struct pl_service **at = &pl->services;

	while (*at != NULL && strcmp((*at)->conf->name, name) != 0)
		at = &(*at)->next;
	return at;
}

static int take_slot(struct pipeline *pl)
{
	for (unsigned i = 0; i < CONFIG_MAX_SERVICES; i++) {
		if ((pl->slots_used[i / 64] >> (i % 64) & 1) != 0)
			continue;
		pl->slots_used[i / 64] |= UINT64_C(1) << (i % 64);
		return (int)i;
	}
	return -ENOSPC;
}

static void free_service(struct pipeline *pl, struct pl_service *s)
{
	pl->slots_used[s->slot / 64] &= ~(UINT64_C(1) << (s->slot % 64));
	if (s->conf->type->release != NULL && s->shared != NULL)
		s->conf->type->release(s->shared);
	(void)vnic_share_memory(); /* it may have been an arena */
	config_service_free(s->owned);
	free(s);
}

/* Drain, reset, end on every worker. Aborted sockets are told in the next
 * turns: ask again until they are gone. */
static int end(struct pipeline *pl, struct pl_service *s)
{
	int rc = -EBUSY;

	(void)pipeline_call_each(pl, worker_drain, &s->slot, sizeof(s->slot));
	for (unsigned tries = 0; tries < 64 && rc == -EBUSY; tries++) {
		(void)pipeline_call_each(pl, worker_abort, &s->slot, sizeof(s->slot));
		rc = 0;
		for (unsigned i = 0; i < pl->n_workers; i++)
			if (pipeline_call(pl, i, worker_stop, &s->slot, sizeof(s->slot)) == -EBUSY)
				rc = -EBUSY;
	}
	if (rc < 0)
		LOG(PIPELINE, ERR, "service %s keeps sockets that were reset", s->conf->name);
	return rc;
}

static int start_on_workers(struct pipeline *pl, struct pl_service *s)
{
	struct start_args args = { .conf = s->conf, .shared = s->shared, .slot = s->slot };
	int rc = pipeline_call_each(pl, worker_start, &args, sizeof(args));

	if (rc < 0) {
		LOG(PIPELINE, ERR, "service %s does not start: %s", s->conf->name, strerror(-rc));
		(void)end(pl, s);
	}
	return rc;
}

static int add(struct pipeline *pl, const struct config_service *conf, struct config_service *owned)
{
	struct pl_service **at = find(pl, conf->name), *s;
	int slot, rc = 0;

	if (*at != NULL)
		return -EEXIST;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	slot = take_slot(pl);
	if (slot < 0) {
		free(s);
		return slot;
	}
	s->conf = conf;
	s->slot = (uint16_t)slot;
	if (conf->type->prepare != NULL)
		rc = conf->type->prepare(conf, &s->shared);
	if (rc == 0)
		rc = vnic_share_memory(); /* what it serves may lie in an arena of its own */
	if (rc == 0)
		rc = start_on_workers(pl, s);
	if (rc < 0) {
		free_service(pl, s);
		return rc;
	}
	s->owned = owned;
	*at = s;
	return 0;
}

int services_start(struct pipeline *pl)
{
	int rc = 0;

	for (unsigned i = 0; i < pl->cfg->n_services && rc == 0; i++)
		rc = add(pl, &pl->cfg->services[i], NULL);
	return rc;
}

int pipeline_service_add(struct pipeline *pl, struct config_service *conf)
{
	int rc;

	pipeline_lock(pl);
	rc = add(pl, conf, conf);
	pipeline_unlock(pl);
	return rc;
}

static int drain(struct pipeline *pl, struct pl_service *s)
{
	int rc = pipeline_call_each(pl, worker_drain, &s->slot, sizeof(s->slot));

	s->draining |= rc == 0;
	return rc;
}

int pipeline_service_drain(struct pipeline *pl, const char *name)
{
	struct pl_service *s;
	int rc = -ENOENT;

	pipeline_lock(pl);
	s = *find(pl, name);
	if (s != NULL)
		rc = drain(pl, s);
	pipeline_unlock(pl);
	return rc;
}

int pipeline_service_remove(struct pipeline *pl, const char *name)
{
	struct pl_service **at, *s;
	int rc = -ENOENT;

	pipeline_lock(pl);
	at = find(pl, name);
	s = *at;
	if (s != NULL)
		rc = end(pl, s);
	if (rc == 0) {
		*at = s->next;
		free_service(pl, s);
	}
	pipeline_unlock(pl);
	return rc;
}

int services_drain(struct pipeline *pl)
{
	int rc = 0;

	for (struct pl_service *s = pl->services; s != NULL; s = s->next)
		rc |= drain(pl, s);
	return rc;
}

uint32_t services_open(struct pipeline *pl)
{
	uint32_t open = 0;

	for (struct pl_service *s = pl->services; s != NULL; s = s->next) {
		for (unsigned i = 0; i < pl->n_workers; i++) {
			int n = pipeline_call(pl, i, worker_open, &s->slot, sizeof(s->slot));

			open += n >= 0 ? (uint32_t)n : 1; /* a worker that does not answer may have some */
		}
	}
	return open;
}

void services_abort(struct pipeline *pl)
{
	for (struct pl_service *s = pl->services; s != NULL; s = s->next)
		(void)pipeline_call_each(pl, worker_abort, &s->slot, sizeof(s->slot));
}

void services_stop(struct pipeline *pl)
{
	while (pl->services != NULL) {
		struct pl_service *s = pl->services;

		(void)end(pl, s);
		pl->services = s->next;
		free_service(pl, s);
	}
}

unsigned pipeline_services(const struct pipeline *pl)
{
	unsigned n = 0;

	for (const struct pl_service *s = pl->services; s != NULL; s = s->next)
		n++;
	return n;
}

int pipeline_service_find(struct pipeline *pl, const char *name)
{
	int n = 0;

	for (const struct pl_service *s = pl->services; s != NULL; s = s->next, n++)
		if (strcmp(s->conf->name, name) == 0)
			return n;
	return -ENOENT;
}

static int sum_counters(struct pipeline *pl, uint16_t slot, struct pipeline_service_info *out)
{
	for (unsigned i = 0; i < pl->n_workers; i++) {
		struct pipeline_service_info one = { .open = slot };
		int rc = pipeline_call(pl, i, worker_counters, &one, sizeof(one));

		if (rc < 0)
			return rc;
		out->open += one.open;
		for (unsigned c = 0; c < SERVICE_MAX_COUNTERS; c++)
			out->counters[c] += one.counters[c];
		out->transports.smc_accepted += one.transports.smc_accepted;
		out->transports.tcp_accepted += one.transports.tcp_accepted;
		out->transports.smc_connected += one.transports.smc_connected;
		out->transports.tcp_connected += one.transports.tcp_connected;
	}
	return 0;
}

int pipeline_service_info(struct pipeline *pl, unsigned n, struct pipeline_service_info *out)
{
	const struct pl_service *s;
	int rc = -ENOENT;

	pipeline_lock(pl);
	for (s = pl->services; s != NULL && n > 0; s = s->next)
		n--;
	if (s != NULL) {
		*out = (struct pipeline_service_info){ .conf = s->conf,
						       .shared = s->shared,
						       .draining = s->draining };
		memcpy(out->name, s->conf->name, sizeof(out->name));
		rc = sum_counters(pl, s->slot, out);
	}
	pipeline_unlock(pl);
	return rc;
}
