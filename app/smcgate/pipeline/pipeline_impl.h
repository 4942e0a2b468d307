/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this directory share: the main lcore's view of the whole. */
#ifndef PIPELINE_PIPELINE_IMPL_H
#define PIPELINE_PIPELINE_IMPL_H

#include <pthread.h>

#include "app/smcgate/pipeline/clock.h"
#include "app/smcgate/pipeline/device.h"
#include "app/smcgate/pipeline/exchange.h"
#include "app/smcgate/pipeline/mem.h"
#include "app/smcgate/pipeline/pipeline.h"
#include "app/smcgate/pipeline/port.h"
#include "app/smcgate/pipeline/steer.h"
#include "proto/smc/smc.h"

/* The worker that owns the neighbour table; the others have copies. */
#define NEIGH_OWNER 0

struct pl_service {
	const struct config_service *conf;
	struct config_service *owned;     /* added while running: freed with the service */
	void *shared;                     /* what type->prepare() made */
	bool draining;
	uint16_t slot;                    /* in lcore.services of every worker */
	struct pl_service *next;
};

/* What the console changes while SMC runs: the same on every worker. */
struct pl_smc {
	unsigned n_eids, n_policies;
	struct smc_eid eids[SMC_MAX_EIDS];
	struct smc_policy policies[SMC_MAX_POLICIES];
};
static_assert(CONFIG_MAX_EIDS == SMC_MAX_EIDS && CONFIG_MAX_POLICIES == SMC_MAX_POLICIES &&
	      CONFIG_MAX_RDMA == SMC_MAX_DEVS && CONFIG_NAME_LEN == sizeof(((struct smc_policy *)0)->service),
	      "what the configuration takes has room");

struct pipeline {
	/* constant after pipeline_create(); workers read these */
	const struct config *cfg;
	unsigned n_workers, n_ports;
	struct lcore **lcores;
	struct port ports[CONFIG_MAX_PORTS];
	struct exchange exchange;
	struct steering steering;
	struct tcp_secrets secrets;
	struct pl_clock clock;
	uint16_t instance;                /* random, never 0: our Peer IDs begin with it */

	/* main's side; lock serialises callers (recursive: operations are made of calls) */
	pthread_mutex_t lock;
	struct mem mem;
	enum config_forward fwd;
	unsigned burst;
	bool launched;                    /* workers run */
	bool forwarding;
	struct pl_smc smc;
	uint32_t ports_on;                /* bit for each port that workers use */
	uint32_t announced;               /* bit for each port that has, and whose device is not told yet */
	struct pl_service *services;      /* changed with pipeline_look_begin(), too */
	struct pl_service *coming;        /* being added or removed: name and slot are taken */
	struct device_slot services_slot;
	bool ending;                      /* no service is added any more */
	uint64_t slots_used[CONFIG_MAX_SERVICES / 64];

	/* calls */
	int done_fd, cancel_fd;           /* eventfd of answers; -1 */
	uint32_t waiting;                 /* somebody waits at done_fd; workers read it */
	struct request *abandoned;        /* the worker may still write to them */
};

static inline void pipeline_lock(struct pipeline *pl) { pthread_mutex_lock(&pl->lock); }
static inline void pipeline_unlock(struct pipeline *pl) { pthread_mutex_unlock(&pl->lock); }

/* Set calls up and down; down only when no worker runs. */
int calls_init(struct pipeline *pl);
void calls_fini(struct pipeline *pl);
/* What ends the calling thread's waits: its waiter's, or pipeline_cancel_on()'s. */
int calls_cancel_fd(const struct pipeline *pl);
/* Around waiting for a device, no lock held: the calling thread's waiter is told. */
void calls_wait_begin(void);
void calls_wait_end(void);

/* lcore_setup.c: workers' memory and what is in it, workers not running. */
int lcores_create(struct pipeline *pl);
int lcores_fill(struct pipeline *pl);
void lcores_destroy(struct pipeline *pl);
/* Worker, or while it does not run: poll and send on the ports of the mask. */
void lcore_set_ports(struct lcore *lc, uint32_t on);
/* The receive queues anew, without those that are stopped. */
void lcore_set_rx(struct lcore *lc);

/* services.c: those of the configuration, on all workers. Main lcore, nobody else adds or removes any. */
int services_start(struct pipeline *pl);
/* Stop accepting everywhere; sockets still open; reset them; end and free. */
int services_drain(struct pipeline *pl);
uint32_t services_open(struct pipeline *pl);
void services_abort(struct pipeline *pl);
void services_stop(struct pipeline *pl);

/* smc.c: EIDs and policies of the configuration. */
void smc_state_init(struct pipeline *pl);

/* coal_ctl.c: a port that is not closed (-ENODEV), nor being changed (-EAGAIN) unless busy is allowed; started may be
 * NULL. And a call that waits for its device, the port claimed for it. */
int port_find(struct pipeline *pl, unsigned port, bool busy, struct port **p, uint16_t *id, bool *started);
int port_call(struct pipeline *pl, struct port *p, enum device_claim kind, const char *what, device_fn fn, void *arg,
	      size_t len);

/* port_ctl.c: tell the workers which ports they may use. */
int ports_tell(struct pipeline *pl, uint32_t on);

#endif
