/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One worker: what it owns and nobody else touches while it runs, but for the
 * fields marked otherwise. Set up and taken down by the main lcore.
 */
#ifndef PIPELINE_LCORE_H
#define PIPELINE_LCORE_H

#include <poll.h>

#include "app/smcgate/pipeline/clock.h"
#include "app/smcgate/pipeline/mem.h"
#include "app/smcgate/pipeline/moderate.h"
#include "app/smcgate/pipeline/pipeline.h"
#include "app/smcgate/pipeline/steer.h"
#include "app/smcgate/pipeline/tx.h"
#include "app/smcgate/service/service.h"
#include "pmd/base/wheel.h"

#define LCORE_RANDOM 256
/* Work a turn may do before the next look at the queues. */
#define LCORE_TIMERS_MAX 1024
#define LCORE_EVENTS_MAX 512

struct port;
struct fwd_mode;
struct roce;

struct rx_queue {
	uint16_t id, queue;   /* ethdev's */
	uint8_t port;         /* index */
	bool device_hash;     /* the frames' RSS hash is made with our key */
	bool arm;             /* its interrupt has to be enabled before each sleep, and taken after it */
	uint16_t fd;          /* its entry in lcore.fds; 0: none */
	struct port *dev;     /* main lcore's: only its constant parts */
	struct moderate *mod;
};

struct lcore_service {
	struct service svc;
	bool started;
};

struct lcore {
	/* every turn */
	uint64_t now_us;              /* read once a turn, after rx */
	uint64_t mark;                /* TSC at the end of the last stage */
	const struct fwd_mode *fwd;
	const struct steering *steering;
	struct backoff backoff;
	uint16_t index, workers, burst, n_rxq, n_ports;
	bool running;                 /* forwarding has been started */
	bool quit;
	bool work;                    /* this turn did something */
	bool part;                    /* it received packets, and no full burst */
	bool limits_stale;            /* a queue's profile has changed */
	uint32_t rests;               /* pauses and sleeps so far */
	bool roce;                    /* the program has RDMA devices: RoCE is steered by queue pair */
	struct rx_queue *rxq;
	uint64_t wake[CONFIG_MAX_LCORES / 64]; /* workers that got something from us */
	struct net_stack *net;        /* NULL: no stack in this run */
	struct sock_stack *ss;
	struct roce *rdma[CONFIG_MAX_RDMA]; /* in the order of the configuration */
	struct roce *rdma_of[CONFIG_MAX_PORTS]; /* by port index; NULL: none */
	uint16_t n_rdma;
	uint32_t turn_cycles[PIPELINE_N_STAGES];
	struct pipeline_lcore_stats stats;

	/* others look here */
	uint32_t sleeping __rte_cache_aligned; /* idle.h */
	int efd;

	/* now and then */
	struct pipeline *pl __rte_cache_aligned;
	const struct config_idle *idle;
	struct pl_clock clock;        /* the pipeline's, copied */
	unsigned id;                  /* EAL's number */
	int node;
	uint16_t max_rxq, n_fds;
	bool interrupts;              /* every queue has one */
	struct backoff_limits limits; /* of all queues that are polled */
	struct backoff_machine machine;
	struct moderate *mods;        /* by the configuration's order of queues: max_rxq */
	struct pollfd *fds;           /* eventfd first, then queues */
	struct lcore_mem mem;
	struct wheel wheel;
	uint8_t random[LCORE_RANDOM]; /* from the system, handed out front to back */
	uint16_t random_used;
	uint16_t n_services;          /* entries of services in use */
	uint32_t ports_on;            /* lcore_set_ports() */
	uint64_t rx_stopped[CONFIG_MAX_PORTS]; /* by port index, bit for each queue stopped alone */
	struct lcore_service *services;
	struct tx_port tx[CONFIG_MAX_PORTS]; /* by port index */
	struct rte_mbuf *pkts[PIPELINE_BURST_MAX];
};

/* The worker's thread: turns until quit. */
int lcore_run(void *arg);

static inline void lcore_drop(struct lcore *lc, enum pipeline_drop why, struct rte_mbuf *m)
{
	lc->stats.drop[why]++;
	rte_pktmbuf_free(m);
}

/* The time since the last stage ended belongs to this one. */
static inline void lcore_stage(struct lcore *lc, enum pipeline_stage stage)
{
	uint64_t now = rte_rdtsc();

	lc->turn_cycles[stage] += (uint32_t)(now - lc->mark);
	lc->mark = now;
}

static inline void lcore_wake_later(struct lcore *lc, unsigned worker)
{
	lc->wake[worker / 64] |= UINT64_C(1) << (worker % 64);
}

#endif
