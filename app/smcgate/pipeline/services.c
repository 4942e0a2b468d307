/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Services on all workers: prepared here, started, drained
 * and stopped on each worker by a call. A service has the same slot in every
 * worker's table. Those that come and go while the workers run do so on a thread of their own (device.h):
 * devices are told of their memory, and one of them may hang.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/smcgate/pipeline/device.h"
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

static struct pl_service **find_in(struct pl_service **at, const char *name)
{
	while (*at != NULL && strcmp((*at)->conf->name, name) != 0)
		at = &(*at)->next;
	return at;
}

static struct pl_service **find(struct pipeline *pl, const char *name)
{
	return find_in(&pl->services, name);
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

/* A back end that does not answer, or says what makes no sense, has been let go of: it is told of all memory when
 * it is there again, as any port that does not run. No reason to do without the service. */
static int told(const struct port *p, int rc)
{
	if (rc != -ETIMEDOUT && rc != -ENODEV && rc != -EPROTO)
		return rc;
	LOG(PIPELINE, WARNING, "port %s: its back end does not take notice of a service's memory: it will when it is back",
	    p->conf->name);
	return 0;
}

/* A port that is being started, reset or stopped is told when it starts. */
static int share_memory(struct pipeline *pl)
{
	int rc = 0;

	for (unsigned i = 0; i < pl->n_ports && rc == 0; i++) {
		const struct port *p = &pl->ports[i];
		bool runs;

		pipeline_lock(pl);
		runs = p->seen.state == PORT_STARTED && !p->changing && vnic_port(p->id);
		pipeline_unlock(pl);
		if (runs)
			rc = told(p, vnic_share_memory_of(p->id));
	}
	return rc;
}

/* It is in no list any more. */
static void free_service(struct pipeline *pl, struct pl_service *s)
{
	if (s->conf->type->release != NULL && s->shared != NULL)
		s->conf->type->release(s->shared);
	(void)share_memory(pl); /* it may have been an arena */
	config_service_free(s->owned);
	pipeline_lock(pl);
	pl->slots_used[s->slot / 64] &= ~(UINT64_C(1) << (s->slot % 64));
	pipeline_unlock(pl);
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

/* As config_check_service() has it: an endpoint is one service's, 0.0.0.0 all addresses of a port. */
static bool listens_there(const struct pl_service *s, const struct cfg_endpoint *e)
{
	for (; s != NULL && e->addr.family != NET_UNSPEC; s = s->next) {
		const struct cfg_endpoint *o = &s->conf->listen;

		if (!s->draining && o->addr.family != NET_UNSPEC && o->port == e->port &&
		    (o->addr.v4 == 0 || e->addr.v4 == 0 || net_addr_equal(&o->addr, &e->addr)))
			return true;
	}
	return false;
}

/* Lock held: its name and a slot are taken. */
static int take(struct pipeline *pl, const struct config_service *conf, struct pl_service **out)
{
	struct pl_service *s;
	int slot;

	if (*find(pl, conf->name) != NULL || *find_in(&pl->coming, conf->name) != NULL)
		return -EEXIST;
	if (listens_there(pl->services, &conf->listen) || listens_there(pl->coming, &conf->listen))
		return -EADDRINUSE;
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
	s->next = pl->coming;
	pl->coming = s;
	*out = s;
	return 0;
}

/* Out of one list, at the end of the other (NULL: none). Who looks at a service is let finish. */
static void move(struct pipeline *pl, struct pl_service *s, struct pl_service **from, struct pl_service **to)
{
	struct pl_service **at = find_in(from, s->conf->name);

	*at = s->next;
	s->next = NULL;
	while (to != NULL && *to != NULL)
		to = &(*to)->next;
	if (to != NULL)
		*to = s;
}

static void move_unseen(struct pipeline *pl, struct pl_service *s, struct pl_service **from, struct pl_service **to)
{
	pipeline_look_begin();
	pipeline_lock(pl);
	move(pl, s, from, to);
	pipeline_unlock(pl);
	pipeline_look_end();
}

/* Workers may be busy with nothing else, devices may hang: no lock is held. */
static int bring_up(struct pipeline *pl, struct pl_service *s)
{
	int rc = 0;

	if (s->conf->type->prepare != NULL)
		rc = s->conf->type->prepare(s->conf, &s->shared);
	if (rc == 0)
		rc = share_memory(pl); /* what it serves may lie in an arena of its own */
	pipeline_lock(pl);
	if (rc == 0)
		rc = pl->ending ? -ESHUTDOWN : start_on_workers(pl, s);
	pipeline_unlock(pl);
	return rc;
}

static int add(struct pipeline *pl, const struct config_service *conf, struct config_service *owned)
{
	struct pl_service *s;
	int rc;

	pipeline_lock(pl);
	rc = take(pl, conf, &s);
	pipeline_unlock(pl);
	if (rc < 0)
		return rc;
	rc = bring_up(pl, s);
	if (rc == 0)
		s->owned = owned;
	move_unseen(pl, s, &pl->coming, rc == 0 ? &pl->services : NULL);
	if (rc < 0)
		free_service(pl, s);
	return rc;
}

int services_start(struct pipeline *pl)
{
	int rc = 0;

	for (unsigned i = 0; i < pl->cfg->n_services && rc == 0; i++)
		rc = add(pl, &pl->cfg->services[i], NULL);
	return rc;
}

struct service_op {
	struct pipeline *pl;
	struct config_service *conf; /* to add; NULL: the thread has it */
	char name[CONFIG_NAME_LEN];  /* to remove */
};

static int operate(struct pipeline *pl, const char *what, const char *name, device_fn fn, struct service_op *op)
{
	char doing[DEVICE_DOING_LEN];
	int rc;

	op->pl = pl;
	snprintf(doing, sizeof(doing), "%s %s", what, name);
	rc = device_claim(pl, &pl->services_slot, CLAIM_CHANGE, doing);
	if (rc < 0)
		return rc;
	rc = device_call(pl, &pl->services_slot, fn, op, sizeof(*op));
	device_release(pl, &pl->services_slot);
	return rc;
}

static int run_add(void *arg)
{
	struct service_op *op = arg;
	int rc = add(op->pl, op->conf, op->conf);

	if (rc < 0) {
		LOG(PIPELINE, WARNING, "service %s is not added: %s", op->conf->name, strerror(-rc));
		config_service_free(op->conf);
	}
	op->conf = NULL;
	return rc;
}

int pipeline_service_add(struct pipeline *pl, struct config_service *conf)
{
	struct service_op op = { .conf = conf };
	int rc;

	pipeline_lock(pl);
	rc = *find(pl, conf->name) != NULL ? -EEXIST : 0;
	pipeline_unlock(pl);
	if (rc == 0)
		rc = operate(pl, "service add", conf->name, run_add, &op);
	/* Not begun. One that was left is the thread's. */
	if (op.conf != NULL && rc != -EINPROGRESS && rc != -ECANCELED)
		config_service_free(conf);
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

static int run_remove(void *arg)
{
	struct service_op *op = arg;
	struct pl_service *s;
	int rc;

	pipeline_lock(op->pl);
	s = *find(op->pl, op->name);
	rc = s == NULL ? -ENOENT : op->pl->ending ? -ESHUTDOWN : end(op->pl, s);
	pipeline_unlock(op->pl);
	if (rc < 0)
		return rc;
	move_unseen(op->pl, s, &op->pl->services, NULL);
	free_service(op->pl, s);
	return 0;
}

int pipeline_service_remove(struct pipeline *pl, const char *name)
{
	struct service_op op = { .pl = pl };

	if (pipeline_service_find(pl, name) < 0)
		return -ENOENT;
	snprintf(op.name, sizeof(op.name), "%s", name);
	return operate(pl, "service remove", name, run_remove, &op);
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

unsigned pipeline_services(struct pipeline *pl)
{
	unsigned n = 0;

	pipeline_lock(pl);
	for (const struct pl_service *s = pl->services; s != NULL; s = s->next)
		n++;
	pipeline_unlock(pl);
	return n;
}

int pipeline_service_find(struct pipeline *pl, const char *name)
{
	int n = 0, rc = -ENOENT;

	pipeline_lock(pl);
	for (const struct pl_service *s = pl->services; s != NULL && rc < 0; s = s->next, n++)
		if (strcmp(s->conf->name, name) == 0)
			rc = n;
	pipeline_unlock(pl);
	return rc;
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
