/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of the pipelines. */
#include "app/smcgate/pipeline/pipeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include "app/smcgate/pipeline/device.h"
#include "app/smcgate/pipeline/fwd.h"
#include "app/smcgate/pipeline/idle.h"
#include "app/smcgate/pipeline/lcore.h"
#include "app/smcgate/pipeline/pipeline_impl.h"
#include "app/smcgate/pipeline/rdma.h"
#include "app/smcgate/pipeline/stack.h"
#include "pmd/base/log.h"

#define FLUSH_MS 100 /* for resets to leave after the grace period */
#define STEP_MS 20
#define GROUPS_MS 500 /* for link groups to be deleted */
#define CLOSE_WAIT_MS 1000 /* for a call that waits for a device */
#define ROCE_HEADERS 128

static int open_ports(struct pipeline *pl)
{
	for (unsigned i = 0; i < pl->n_ports; i++) {
		int rc = port_open(&pl->ports[i], &pl->cfg->ports[i], i, pl->n_workers);

		if (rc < 0)
			return rc;
		pl->ports[i].peer = (uint16_t)fwd_peer(i, pl->n_ports);
		port_publish(&pl->ports[i]);
	}
	return 0;
}

static void deal_queues(struct pipeline *pl)
{
	for (unsigned w = 0; w < pl->n_workers; w++) {
		const struct config_lcore *l = &pl->cfg->lcores[w];

		for (unsigned i = 0; i < l->n_queues; i++)
			pl->ports[l->queues[i].port_index].rx_worker[l->queues[i].queue] = (uint16_t)w;
	}
}

/* A packet that crosses nodes costs several hundred cycles more. */
static void warn_about_nodes(const struct pipeline *pl)
{
	for (unsigned w = 0; w < pl->n_workers; w++) {
		const struct config_lcore *l = &pl->cfg->lcores[w];

		for (unsigned i = 0; i < l->n_queues; i++) {
			const struct port *p = &pl->ports[l->queues[i].port_index];

			if (p->node < 0 || p->node == pl->lcores[w]->node)
				continue;
			LOG(PIPELINE, WARNING,
			    "lcore %u on NUMA node %d polls port %s on node %d: give the port to an lcore of "
			    "node %d (lcores, --lcores)",
			    l->lcore, pl->lcores[w]->node, p->conf->name, p->node, p->node);
		}
	}
}

/* Allowed, since either may be added later on, but hardly meant. */
static void warn_about_smc(const struct config *cfg)
{
	if (cfg->smc.enabled && cfg->n_rdma == 0 && cfg->smc.n_eids != 0)
		LOG(PIPELINE, WARNING, "\"smc\" has EIDs but there is no device in \"rdma\": all is spoken by TCP");
	if (config_smc_on(cfg) && cfg->smc.n_eids == 0)
		LOG(PIPELINE, WARNING, "SMC has no EID, so that all is spoken by TCP: give smc.eids, or smc ueid add");
}

/* Arenas are for every port, or, next to a port that cannot bear them, for none. */
static bool arenas_allowed(const struct pipeline *pl)
{
	for (unsigned i = 0; i < pl->n_ports; i++)
		if (pl->ports[i].eal_memory)
			return false;
	return true;
}

/* Any worker may send on any port. */
static bool any_arena_only(const struct pipeline *pl)
{
	for (unsigned i = 0; i < pl->n_ports; i++)
		if (pl->ports[i].arena_only)
			return true;
	return false;
}

/* The same. */
static uint16_t largest_single(const struct pipeline *pl)
{
	uint16_t len = 0;

	for (unsigned i = 0; i < pl->n_ports; i++)
		if ((pl->ports[i].offloads & NET_TX_MULTI_SEG) == 0 &&
		    pl->cfg->ports[i].mtu + NET_L2_MAX > len)
			len = (uint16_t)(pl->cfg->ports[i].mtu + NET_L2_MAX);
	return len;
}

/* Payload of the largest packet, headers and ICRC. */
static uint16_t largest_roce(const struct config *cfg)
{
	uint16_t len = 0;

	for (unsigned i = 0; config_smc_on(cfg) && i < cfg->n_rdma; i++) {
		uint32_t octets = rd_mtu_octets(rd_mtu_code(cfg->ports[cfg->rdma[i].port_index].mtu));

		len = RTE_MAX(len, (uint16_t)(octets + ROCE_HEADERS));
	}
	return len;
}

static void mem_needs(const struct pipeline *pl, struct mem_need *needs)
{
	bool arena = arenas_allowed(pl);

	for (unsigned w = 0; w < pl->n_workers; w++) {
		const struct config_lcore *l = &pl->cfg->lcores[w];

		needs[w] = (struct mem_need){
			.node = pl->lcores[w]->node, .index = w, .arena = arena, .frame = largest_single(pl),
			.roce = largest_roce(pl->cfg), .headers = arena && any_arena_only(pl),
		};
		for (unsigned i = 0; i < l->n_queues; i++) {
			bool pinned = arena && pl->ports[l->queues[i].port_index].pinned;

			needs[w].pinned |= pinned;
			needs[w].plain |= !pinned;
		}
	}
}

static int create_memory(struct pipeline *pl)
{
	struct mem_need needs[CONFIG_MAX_LCORES];
	int rc;

	mem_needs(pl, needs);
	rc = mem_create(&pl->mem, pl->cfg, needs, pl->n_workers);
	for (unsigned w = 0; w < pl->n_workers && rc == 0; w++)
		rc = mem_lcore_create(&pl->mem, pl->cfg, &needs[w], &pl->lcores[w]->mem);
	return rc;
}

static void create_steering(struct pipeline *pl)
{
	uint8_t key[TOEPLITZ_KEY_LEN];
	unsigned period = STEER_TABLE;

	for (unsigned i = 0; i < pl->n_ports; i++) {
		unsigned size = pl->ports[i].reta_size;

		if (size != 0 && (size & (size - 1)) == 0 && size < period)
			period = size;
	}
	steering_random_key(key, stack_random, NULL);
	steering_init(&pl->steering, key, pl->n_workers, period);
}

static struct rte_mempool *rx_pool(void *ctx, const struct port *p, unsigned worker)
{
	struct pipeline *pl = ctx;
	const struct lcore_mem *mem = &pl->lcores[worker]->mem;

	return p->pinned && mem->rx != NULL ? mem->rx : mem->rx_plain;
}

static void publish(struct pipeline *pl, struct port *p)
{
	pipeline_lock(pl);
	port_publish(p);
	pipeline_unlock(pl);
}

static int configure_ports(struct pipeline *pl)
{
	int rc = 0;

	for (unsigned i = 0; i < pl->n_ports && rc == 0; i++) {
		rc = port_configure(&pl->ports[i], pl->steering.hash.key, rx_pool, pl);
		publish(pl, &pl->ports[i]);
	}
	return rc;
}

static struct pipeline *pipeline_alloc(const struct config *cfg)
{
	struct pipeline *pl = rte_zmalloc("pipeline", sizeof(*pl), RTE_CACHE_LINE_SIZE);
	pthread_mutexattr_t attr;

	if (pl == NULL)
		return NULL;
	pl->cfg = cfg;
	pl->n_workers = cfg->n_lcores;
	pl->n_ports = cfg->n_ports;
	pl->fwd = cfg->forward;
	pl->burst = cfg->burst;
	pl->done_fd = -1;
	for (unsigned i = 0; i < pl->n_ports; i++)
		pl->ports[i].id = RTE_MAX_ETHPORTS;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&pl->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	clock_init(&pl->clock);
	return pl;
}

static int fill(struct pipeline *pl)
{
	int rc = calls_init(pl);

	if (rc == 0)
		rc = lcores_create(pl);
	if (rc == 0)
		rc = open_ports(pl);
	if (rc < 0)
		return rc;
	deal_queues(pl);
	warn_about_nodes(pl);
	create_steering(pl);
	tcp_secrets_init(&pl->secrets, stack_random, NULL);
	stack_random(NULL, &pl->instance, sizeof(pl->instance));
	pl->instance |= 0x100;
	smc_state_init(pl);
	warn_about_smc(pl->cfg);
	rc = create_memory(pl);
	if (rc == 0)
		rc = configure_ports(pl);
	if (rc == 0)
		rc = exchange_create(&pl->exchange, pl->n_workers);
	return rc < 0 ? rc : lcores_fill(pl);
}

int pipeline_create(struct pipeline **out, const struct config *cfg)
{
	struct pipeline *pl;
	int rc;

	*out = NULL;
	if (cfg->n_lcores == 0) {
		LOG(PIPELINE, ERR, "no worker lcore: give EAL at least two, e.g. --lcores 0,1");
		return -EINVAL;
	}
	pl = pipeline_alloc(cfg);
	if (pl == NULL) {
		LOG(PIPELINE, ERR, "no memory: give EAL more (-m, hugepages)");
		return -ENOMEM;
	}
	rc = fill(pl);
	if (rc < 0) {
		pipeline_destroy(pl);
		return rc;
	}
	*out = pl;
	return 0;
}

/* What waits for devices is told not to. False: some still does, and uses all of this. */
static bool end_device_calls(struct pipeline *pl)
{
	bool ended = device_done(pl, &pl->services_slot, CLOSE_WAIT_MS);

	if (!ended)
		LOG(PIPELINE, ERR, "a device hangs that was to be told of a service's memory");
	for (unsigned i = 0; i < pl->n_ports; i++) {
		if (device_done(pl, &pl->ports[i].slot, CLOSE_WAIT_MS))
			continue;
		LOG(PIPELINE, ERR, "port %s: its device hangs, and is left as it is", pl->ports[i].conf->name);
		ended = false;
	}
	return ended;
}

void pipeline_destroy(struct pipeline *pl)
{
	if (pl == NULL || !end_device_calls(pl))
		return;
	lcores_destroy(pl);
	exchange_destroy(&pl->exchange);
	for (unsigned i = 0; i < pl->n_ports; i++)
		port_close(&pl->ports[i]);
	for (unsigned i = 0; pl->lcores != NULL && i < pl->n_workers; i++) {
		if (pl->lcores[i] != NULL)
			mem_lcore_destroy(&pl->lcores[i]->mem);
		rte_free(pl->lcores[i]);
	}
	free(pl->lcores);
	mem_destroy(&pl->mem);
	calls_fini(pl);
	pthread_mutex_destroy(&pl->lock);
	rte_free(pl);
}

static int set_quit(struct lcore *lc, void *arg)
{
	lc->quit = true;
	return 0;
}

static void stop_workers(struct pipeline *pl, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		/* Without an answer it cannot be stopped, and is not waited for. */
		if (pipeline_call(pl, i, set_quit, NULL, 0) == 0)
			rte_eal_wait_lcore(pl->lcores[i]->id);
		else
			LOG(PIPELINE, ERR, "worker %u does not answer", i);
	}
	pl->launched = false;
}

static int launch_workers(struct pipeline *pl)
{
	for (unsigned i = 0; i < pl->n_workers; i++) {
		int rc;

		pl->lcores[i]->quit = false;
		rc = rte_eal_remote_launch(lcore_run, pl->lcores[i], pl->lcores[i]->id);
		if (rc < 0) {
			LOG(PIPELINE, ERR, "lcore %u does not start: %s", pl->lcores[i]->id, strerror(-rc));
			pl->launched = true;
			stop_workers(pl, i);
			return rc;
		}
	}
	pl->launched = true;
	return 0;
}

static void stop_ports(struct pipeline *pl)
{
	for (unsigned i = 0; i < pl->n_ports; i++) {
		struct port *p = &pl->ports[i];

		if (p->slot.job != NULL || p->state != PORT_STARTED)
			continue;
		(void)port_stop(p);
		publish(pl, p);
	}
}

int pipeline_start(struct pipeline *pl)
{
	uint32_t on = 0;
	int rc = 0;

	for (unsigned i = 0; i < pl->n_ports && rc == 0; i++) {
		rc = port_start(&pl->ports[i], &pl->steering);
		pl->ports[i].wanted = true;
		publish(pl, &pl->ports[i]);
		on |= UINT32_C(1) << i;
	}
	if (rc < 0)
		goto ports;
	rc = launch_workers(pl);
	if (rc < 0)
		goto ports;
	rc = ports_tell(pl, on);
	if (rc == 0)
		rc = services_start(pl);
	if (rc == 0)
		rc = pipeline_fwd_start(pl);
	if (rc == 0)
		return 0;
	pl->cancel_fd = -1; /* what ended the start must not end its undoing */
	services_stop(pl);
	stop_workers(pl, pl->n_workers);
ports:
	stop_ports(pl);
	return rc;
}

static void sleep_ms(unsigned ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}

/* Peers are told of the end of their link groups, and may answer. */
static void stop_smc(struct pipeline *pl, bool (*hurry)(void))
{
	uint64_t end = pipeline_now_us(pl) + GROUPS_MS * 1000;

	while (smc_stop(pl) != 0 && pipeline_now_us(pl) < end && !(hurry != NULL && hurry()))
		sleep_ms(STEP_MS);
}

void pipeline_stop(struct pipeline *pl, uint32_t grace_ms, bool (*hurry)(void))
{
	uint64_t end = pipeline_now_us(pl) + (uint64_t)grace_ms * 1000;

	if (!pl->launched)
		return;
	pl->cancel_fd = -1;
	pipeline_lock(pl);
	pl->ending = true;
	pipeline_unlock(pl);
	(void)device_done(pl, &pl->services_slot, CLOSE_WAIT_MS);
	(void)services_drain(pl);
	if (pl->forwarding) {
		while (services_open(pl) != 0 && pipeline_now_us(pl) < end && !(hurry != NULL && hurry()))
			sleep_ms(STEP_MS);
		services_abort(pl);
		stop_smc(pl, hurry);
		sleep_ms(pl->fwd == CONFIG_FWD_SERVE ? FLUSH_MS : 0);
	}
	services_stop(pl);
	(void)pipeline_fwd_stop(pl);
	(void)end_device_calls(pl); /* they talk to workers */
	stop_workers(pl, pl->n_workers);
	stop_ports(pl);
}

const struct config *pipeline_config(const struct pipeline *pl)
{
	return pl->cfg;
}

unsigned pipeline_workers(const struct pipeline *pl)
{
	return pl->n_workers;
}

unsigned pipeline_ports(const struct pipeline *pl)
{
	return pl->n_ports;
}

uint64_t pipeline_now_us(const struct pipeline *pl)
{
	return clock_us(&pl->clock, rte_rdtsc());
}
