/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pipelines as the rest of the program sees them: main.c starts and ends
 * them, console and telemetry look at them and change them. One worker lcore
 * runs one pipeline; nothing of a worker is read or written from outside, all
 * goes by message (pipeline_call() and what is built on it).
 *
 * Unless a comment says otherwise every call may come from any thread that is
 * not a worker (main lcore, telemetry's threads): callers are serialised, one
 * call is answered within about a turn of the worker it asks. Waiting ends
 * early with -ECANCELED while the descriptor given to pipeline_wait_as() or pipeline_cancel_on() is
 * readable, and with -ETIMEDOUT after PIPELINE_CALL_TIMEOUT_MS; the caller's
 * memory is not touched after that.
 *
 * Workers and ports are numbered from 0 in the order of the configuration
 * ("worker i" is an index, pipeline_lcore_stats.lcore is EAL's number; "port
 * i" is also the interface index of the stack, pipeline_port_info.id is
 * ethdev's number).
 */
#ifndef PIPELINE_PIPELINE_H
#define PIPELINE_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "app/smcgate/config/config.h"
#include "app/smcgate/service/service.h"
#include "pmd/virtio/vnic.h"
#include "proto/net/net.h"
#include "proto/sock/sock.h"

#define PIPELINE_CALL_TIMEOUT_MS 5000
#define PIPELINE_CALL_MAX 65536   /* octets of argument copied to a worker and back */
#define PIPELINE_LIST_MAX 64      /* sockets, neighbours listed in one turn */
#define PIPELINE_BURST_MAX CONFIG_BURST_MAX

struct pipeline;
struct lcore;

/* ---- life, main lcore only -------------------------------------------------- */
/*
 * Memory, ports and steering as the configuration says, after
 * config_deal_queues(); EAL is up. cfg stays the caller's and must outlive the
 * pipeline. What is wrong is logged, one line that says what to do. 0 or a
 * negative errno with nothing left behind.
 */
int pipeline_create(struct pipeline **out, const struct config *cfg);
/* Start ports, workers and services; forwards in config.forward's mode when it
 * returns 0. On failure what was started is stopped again. */
int pipeline_start(struct pipeline *pl);
/*
 * Stop accepting, let connections end for up to grace_ms, reset the rest, stop
 * workers and ports. hurry (NULL: never) is asked every 20 ms and ends the
 * grace period when it returns true.
 */
void pipeline_stop(struct pipeline *pl, uint32_t grace_ms, bool (*hurry)(void));
/* Free everything; NULL is allowed. */
void pipeline_destroy(struct pipeline *pl);
/* Waits of threads without a waiter of their own end early while fd is readable; -1: never. */
void pipeline_cancel_on(struct pipeline *pl, int fd);

/*
 * How one thread waits. While it waits for a device begin() has been called and end() has not (NULL:
 * nothing is): it may let go of locks of its own that others need meanwhile.
 */
struct pipeline_waiter {
	int cancel_fd;                   /* waits end early while it is readable; -1: never */
	void (*begin)(void *arg);
	void (*end)(void *arg);
	void *arg;
};
/* Of the calling thread from now on; w stays until the next call. NULL: as threads do at first. */
void pipeline_wait_as(const struct pipeline_waiter *w);

const struct config *pipeline_config(const struct pipeline *pl);
unsigned pipeline_workers(const struct pipeline *pl);
unsigned pipeline_ports(const struct pipeline *pl);
/* Microseconds since pipeline_create(): the workers' clock. */
uint64_t pipeline_now_us(const struct pipeline *pl);

/* Main lcore, now and then: ports whose device asks for it (virtio's GUEST_ANNOUNCE: it has moved)
 * announce their addresses. */
void pipeline_announce(struct pipeline *pl);

/* ---- calling a worker --------------------------------------------------------- */
/*
 * Run fn on worker i between stages of a turn. arg (len octets, at most
 * PIPELINE_CALL_MAX, may be 0) is copied to the worker's side and back after fn
 * returned; pointers inside must outlive the worker. Returns what fn returned,
 * -ECANCELED or -ETIMEDOUT (fn may still run later, on its own copy), -ENOMEM,
 * -ESHUTDOWN when the workers do not run.
 */
typedef int (*pipeline_fn)(struct lcore *lc, void *arg);
int pipeline_call(struct pipeline *pl, unsigned i, pipeline_fn fn, void *arg, size_t len);
/* On every worker, one after the other, with the same arg; stops at the first
 * error. */
int pipeline_call_each(struct pipeline *pl, pipeline_fn fn, void *arg, size_t len);
/* Returns once every worker has begun a turn after the call: what they used
 * before (a removed callback of a port) is free. */
int pipeline_sync(struct pipeline *pl);

/* ---- forwarding ----------------------------------------------------------------- */
enum config_forward pipeline_fwd(const struct pipeline *pl);
int pipeline_set_fwd(struct pipeline *pl, enum config_forward mode);
/* Stopped workers neither receive nor send nor run timers; messages only.
 * -EALREADY when that is so already. */
int pipeline_fwd_start(struct pipeline *pl);
int pipeline_fwd_stop(struct pipeline *pl);
bool pipeline_forwarding(const struct pipeline *pl);
unsigned pipeline_burst(const struct pipeline *pl);
int pipeline_set_burst(struct pipeline *pl, unsigned burst); /* 1..PIPELINE_BURST_MAX, else -EINVAL */

/* ---- ports ------------------------------------------------------------------------ */
/* From PORT_CLOSED on nobody may look at it in ethdev. PORT_BUSY: an operation below is under way. */
enum pipeline_port_state { PORT_STOPPED, PORT_STARTED, PORT_CLOSED, PORT_BUSY };

struct pipeline_port_info {
	uint16_t id;                     /* ethdev's number; of no meaning when closed */
	enum pipeline_port_state state;
	char name[CONFIG_NAME_LEN];      /* configuration's */
	char device[64];                 /* ethdev's */
	char driver[32];
	int node;                        /* NUMA node, -1: any */
	uint16_t peer;                   /* port index the forwarding modes send to */
	uint16_t rx_queues, tx_queues, rx_descriptors, tx_descriptors;
	uint16_t descriptors_min, descriptors_max[2]; /* of a queue; by enum vnic_dir */
	uint16_t mtu;
	struct rte_ether_addr mac;
	bool promiscuous;
	bool rss;                        /* our key and table are in the device */
	bool rx_interrupt;               /* idle workers sleep until it */
	bool pinned;                     /* receives into the arena */
	uint32_t offloads;               /* enum net_offload */
	/* RTE_ETH_RX_OFFLOAD_*: the device's, those of them it has by queue; asked for, and in force or (a port that does not
	 * run) as it is configured */
	uint64_t rx_capa, rx_queue_capa, rx_wanted, rx_now;
	uint8_t rx_worker[CONFIG_MAX_QUEUES]; /* worker that polls the queue */
	uint8_t tx_worker[CONFIG_MAX_QUEUES]; /* worker that sends on it */
};
/* Around looking at a port in ethdev and asking for its state before that: no operation begins to
 * change it meanwhile. Outside of the pipeline's own calls; any thread; not recursive. */
void pipeline_look_begin(void);
void pipeline_look_end(void);
/* -ENODEV: no such port (all calls below as well). */
int pipeline_port_info(struct pipeline *pl, unsigned port, struct pipeline_port_info *out);
/*
 * Workers let go of the port before it stops and take it up after it has started. -EALREADY, -ENODEV
 * when closed, or the driver's error. All wait for
 * the device, see below, and end what they began when it answers later; until then the port is
 * PORT_BUSY. stop, close and reset interrupt what an earlier call waits for.
 */
int pipeline_port_start(struct pipeline *pl, unsigned port);
int pipeline_port_stop(struct pipeline *pl, unsigned port);
int pipeline_port_close(struct pipeline *pl, unsigned port);
/*
 * Stop, reset, configure, and start what ran or was to: after a start or a reset that was given
 * up or failed, too. What was set while it ran holds on: MTU, promiscuous mode, receive offloads, sizes of queues; if
 * the device does not take them (any more) the configuration's, and that is reported.
 */
struct pipeline_reset_report {
	bool started;
	bool reverted;                   /* nothing was kept: the device refused it */
	bool mtu_kept, promiscuous_kept, reta_kept; /* other than configured */
	uint16_t macs_kept;              /* addresses added */
	bool promiscuous;
	uint16_t mtu;
	uint64_t rx_on, rx_off;          /* receive offloads that the configuration has not, and has */
	uint16_t rx_size[CONFIG_MAX_QUEUES], tx_size[CONFIG_MAX_QUEUES]; /* resized ones; 0: as configured */
};
int pipeline_port_reset(struct pipeline *pl, unsigned port, struct pipeline_reset_report *report);
/* Of a stopped port (-EBUSY), unless its driver is ours: buffers of others may not fit any more. */
int pipeline_port_mtu(struct pipeline *pl, unsigned port, uint16_t mtu);
int pipeline_port_promiscuous(struct pipeline *pl, unsigned port, bool on);
/* Set what device and driver count to 0: all of it, or what rte_eth_stats_get() shows. */
int pipeline_port_clear(struct pipeline *pl, unsigned port, bool all);

/* When a receive offload is as was asked: */
enum pipeline_offload_when {
	OFFLOAD_NOW,                     /* switched while the port runs, or as it runs already */
	OFFLOAD_AFTER_RESET,             /* or a stop and a start: it was configured otherwise, or cannot be switched */
	OFFLOAD_AFTER_START,             /* the port is stopped */
};
struct pipeline_offload_report {
	enum pipeline_offload_when when;
	uint64_t changed;                /* the one asked for, and what goes along with it */
};
/*
 * Switch one receive offload (RTE_ETH_RX_OFFLOAD_*), waiting for the device. Holds over stops and resets. -ENOTSUP: the device
 * does not have it; -EALREADY; -EINVAL: tcp_lro without checksums, which our driver does not have; or vnic_rx_offloads_set()'s.
 */
int pipeline_rx_offload(struct pipeline *pl, unsigned port, uint64_t offload, bool on,
			struct pipeline_offload_report *report);

/* ---- where a device puts packets, and which it takes (filter_ctl.c) --------------------- */
#define PIPELINE_PORT_MACS 15
#define PIPELINE_RETA_MAX 512
#define PIPELINE_RSS_KEY_MAX 52
struct pipeline_rss {
	uint16_t size;                   /* of the table, 0: none */
	uint16_t queue[PIPELINE_RETA_MAX];
	bool own;                        /* told by pipeline_reta_set(): not the mirror of our steering table */
	uint64_t types;                  /* RTE_ETH_RSS_* */
	uint8_t key_len, key[PIPELINE_RSS_KEY_MAX];
};
/* As the driver has it; waits for the device. -ENOTSUP: the port does not spread flows by a table of ours. */
int pipeline_rss_info(struct pipeline *pl, unsigned port, struct pipeline_rss *out);
struct pipeline_reta_entry {
	uint16_t hash, queue;
};
/*
 * Entries of the device's table, waiting for it; n 0: the mirror of our steering table again. What comes to another
 * lcore than its flow's is handed over. Holds over stops and resets. -ENOTSUP, -ENETDOWN, -ERANGE: no such entry, -EINVAL:
 * no such queue, or the driver's.
 */
int pipeline_reta_set(struct pipeline *pl, unsigned port, const struct pipeline_reta_entry *e, unsigned n);

enum pipeline_mac { PIPELINE_MAC_ADD, PIPELINE_MAC_REMOVE, PIPELINE_MAC_SET };
/*
 * Station addresses that the device lets through beside the port's own, or that one itself; waits for the device. Added
 * ones hold over stops and resets. -EADDRINUSE: removing the port's own, or setting it where a stack has IP addresses by
 * it; -ENOENT: not there; -EALREADY; -ENOSPC; -EINVAL: none of one station's; -EBUSY: setting it while the port runs.
 */
int pipeline_port_mac(struct pipeline *pl, unsigned port, enum pipeline_mac what, const struct rte_ether_addr *mac);

/* ---- queues of a port ---------------------------------------------------------------- */
/*
 * "Waits for the device" is said where a call does so without any lock, on a thread of its
 * own, for at most PIPELINE_DEVICE_TIMEOUT_MS: then it returns -EINPROGRESS, or -ECANCELED
 * when the thread's waits are cancelled. The device goes on with it, and what belongs to it is done when
 * it answers. Whoever changes a port returns -EAGAIN at once while another change of it is under
 * way (pipeline_busy() tells which); who only asks its device does, too, and is waited for by others.
 */
#define PIPELINE_DEVICE_TIMEOUT_MS 3000

struct pipeline_busy {
	char what[64];                   /* "port 0 reset" */
	uint64_t ms;                     /* since so long */
	bool left;                       /* nobody waits for it any more */
};
/* What waits for a port's device, or for any on behalf of a service (PIPELINE_SERVICES). -ENOENT: nothing. */
#define PIPELINE_SERVICES UINT32_MAX
int pipeline_busy(struct pipeline *pl, unsigned port, struct pipeline_busy *out);

struct pipeline_queue_info {
	enum vnic_dir dir;
	uint16_t queue;
	uint8_t worker;
	bool stopped;                    /* by pipeline_queue_stop() */
	uint16_t descriptors;
	int flows;                       /* receive: parts of a thousand of all flows that the device
					  * aims at it by our table; -1: the device spreads as it likes */
};
/* Receive queues first; how many of max were filled. -ENODEV: closed. */
int pipeline_queue_list(struct pipeline *pl, unsigned port, struct pipeline_queue_info *out, unsigned max);
/*
 * Its worker lets go of a queue before it stops and goes on with the others. What the
 * transmit stage holds back for it stays there for as long as for a port that takes nothing, what
 * comes to a stopped receive queue waits with the device or is lost there. All wait for the
 * device. -EALREADY, -EINVAL: no such queue, -ENETDOWN: the port is stopped, -ENOTSUP, or the
 * driver's error. A start of the port starts all of its queues.
 */
int pipeline_queue_start(struct pipeline *pl, unsigned port, enum vnic_dir dir, uint16_t queue);
int pipeline_queue_stop(struct pipeline *pl, unsigned port, enum vnic_dir dir, uint16_t queue);
/* vnic_queue_reset(), waiting for the device; size 0: as it is. -EBUSY: it is stopped; -ENOBUFS: with the
 * other queues of its lcore that is more descriptors than memory.rx_buffers. */
int pipeline_queue_reset(struct pipeline *pl, unsigned port, enum vnic_dir dir, uint16_t queue, uint16_t size,
			 struct vnic_reset_report *report);
/* Coalescing of a queue or VNIC_ALL_QUEUES; waits for the device; errors of vnic_coal_set(). */
int pipeline_coal_set(struct pipeline *pl, unsigned port, enum vnic_dir dir, uint16_t queue,
		      const struct vnic_coal *c);

struct pipeline_coal_info {
	enum vnic_dir dir;
	uint16_t queue;
	/* 0: the value is there; of vnic_coal_get() (-ENODATA: nobody has set it), or -EINPROGRESS. */
	int known_rc, device_rc;
	struct vnic_coal known, device;  /* as the driver has it, as the device answered */
};
/* As pipeline_queue_list(); the device is asked, waiting for it. */
int pipeline_coal_list(struct pipeline *pl, unsigned port, struct pipeline_coal_info *out, unsigned max);

/* The port's control queue. -ENOTSUP: another driver's, -ENODEV: closed. */
int pipeline_ctrl_info(struct pipeline *pl, unsigned port, struct vnic_ctrl_info *out);
/* Of commands in flight, too: vnic_ctrl_timeout(). */
int pipeline_ctrl_timeout(struct pipeline *pl, unsigned port, uint64_t ms);

/* ---- what a worker counts ------------------------------------------------------------ */
#define PIPELINE_STAGES(X) \
	X(RX, "rx") X(STEER, "steer") X(INPUT, "input") X(RDMA, "rdma") X(TIMERS, "timers") X(MESSAGES, "messages") \
	X(SERVE, "serve") X(OUTPUT, "output") X(TX, "tx") X(IDLE, "idle")
enum pipeline_stage {
#define PIPELINE_STAGE_ENUM(id, name) STAGE_##id,
	PIPELINE_STAGES(PIPELINE_STAGE_ENUM)
#undef PIPELINE_STAGE_ENUM
	PIPELINE_N_STAGES
};
extern const char *const pipeline_stage_names[PIPELINE_N_STAGES];

/* Packets the pipeline itself drops; those of the stack are in net_stats. */
#define PIPELINE_DROPS(X) \
	X(STEER_RING, "steer_ring_full") X(TX_QUEUE, "tx_queue_full") X(TX_RING, "tx_ring_full") \
	X(TX_FINISH, "tx_finish_failed") X(TX_PREPARE, "tx_prepare_refused") X(TX_STOPPED, "tx_port_stopped") \
	X(FWD_RXONLY, "fwd_rxonly") X(FWD_NOT_ECHO, "fwd_not_echo") X(FWD_SHORT, "fwd_short") \
	X(MSG_RING, "message_ring_full") X(ROCE_LCORE, "roce_no_such_lcore") X(ROCE_DEVICE, "roce_no_device") \
	X(ROCE_SHORT, "roce_short") X(ROCE_FRAGMENT, "roce_fragment")
enum pipeline_drop {
#define PIPELINE_DROP_ENUM(id, name) PDROP_##id,
	PIPELINE_DROPS(PIPELINE_DROP_ENUM)
#undef PIPELINE_DROP_ENUM
	PIPELINE_N_DROPS
};
extern const char *const pipeline_drop_names[PIPELINE_N_DROPS];

/* Totals since the worker started; the difference of two snapshots is the
 * interval between them. Busy % = busy / (busy + idle cycles). */
struct pipeline_lcore_stats {
	unsigned lcore;                  /* EAL's number */
	int node;
	uint64_t now_us;                 /* when this was taken */
	uint64_t turns, busy_turns;      /* busy: something was done */
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	uint64_t steered_out, steered_in;/* packets handed to and got from other workers */
	uint64_t stage_cycles[PIPELINE_N_STAGES]; /* of busy turns; idle: all others and sleep */
	uint64_t busy_cycles;            /* sum of the stages but idle */
	uint64_t longest_turn_cycles;    /* busy turns only, since start or clear */
	uint64_t sleeps, wakeups;        /* wakeups: sleeps ended by packet or message */
	uint64_t slept_us;
	uint64_t pauses;                 /* waits too short to sleep */
	uint64_t watched;                /* of these, that a packet would have ended (pause.h) */
	uint64_t late_sleeps;            /* ended later than a queue's max_latency_us allows */
	uint32_t late_us;                /* how late timed sleeps end: their length leaves room for it */
	uint64_t messages;
	uint64_t tx_partial;             /* bursts the port did not take whole */
	uint64_t drop[PIPELINE_N_DROPS];
};
int pipeline_lcore_stats(struct pipeline *pl, unsigned i, struct pipeline_lcore_stats *out);
/* Longest turn begins anew. */
int pipeline_lcore_clear(struct pipeline *pl, unsigned i);
/* Whether a pipeline drop is a loss (rxonly's are its purpose). */
bool pipeline_drop_is_loss(enum pipeline_drop d);

/* The byte limit of one worker's transmit queue on a port (bql.h); octets. */
struct pipeline_bql_info {
	uint16_t queue;
	bool limited;     /* false: the driver does not tell what came back, all else is 0 */
	uint32_t limit, in_flight, waiting; /* waiting: octets held back here */
	uint64_t sent, done, held, grown, shrunk;
};
/* -ENOENT: the worker has no queue of its own there. */
int pipeline_bql_info(struct pipeline *pl, unsigned port, unsigned i, struct pipeline_bql_info *out);

/* ---- moderation (moderate.h) ------------------------------------------------------------ */
#define PIPELINE_MODERATION_HISTORY 16

/* What a device does of a queue's profile. */
enum pipeline_coalescing {
	COALESCING_NONE,      /* it cannot: the lcore sleeps instead */
	COALESCING_OFF,       /* it has not been asked: the lcore has not waited for interrupts */
	COALESCING_ASKED,
	COALESCING_ON,
	COALESCING_REFUSED,   /* asked again later, or no more */
};

/* Windows in a row with the same profile and direction; rates of the last one. */
struct pipeline_moderation_step {
	uint64_t since_us;    /* the pipelines' clock */
	uint32_t windows;
	uint8_t profile, direction; /* enum dim_tune */
	uint64_t packets_s, bytes_s, events_s;
};

struct pipeline_moderation_info {
	enum config_moderate mode;
	uint8_t profile, profiles; /* in force; how many there are */
	uint8_t direction;         /* enum dim_tune, of adaptive */
	bool given_up;             /* too many refusals: adaptive stays where it is */
	bool running;              /* its port is; all below of no meaning otherwise */
	bool interrupts;           /* to sleep on */
	enum pipeline_coalescing coalescing;
	struct config_profile knobs; /* of the profile */
	struct vnic_coal device;   /* in force; COALESCING_ON, ASKED and REFUSED */
	uint32_t adds_us, max_latency_us; /* most a packet waits by it now; by any profile */
	uint64_t packets_s, bytes_s, events_s; /* of the last window */
	uint64_t windows, changes, posts, refused;
	unsigned n_history;
	struct pipeline_moderation_step history[PIPELINE_MODERATION_HISTORY]; /* oldest first */
};
/* -ENODEV, -ENOENT: no such receive queue (all calls below as well). */
int pipeline_moderation_info(struct pipeline *pl, unsigned port, unsigned queue, struct pipeline_moderation_info *out);
/* From now on, also across stops. Queue PIPELINE_ALL_QUEUES: each of the port. -EINVAL: there is
 * no such profile (of no meaning for busy-poll and adaptive, which begins at the configuration's). */
#define PIPELINE_ALL_QUEUES UINT32_MAX
int pipeline_moderation_set(struct pipeline *pl, unsigned port, unsigned queue, enum config_moderate mode,
			    unsigned profile);
/* Likewise the most it may add; -ERANGE: a profile has more. And one of its profiles: -ERANGE likewise,
 * -EINVAL: profile i is none, or would not go up in latency and down in work between its neighbours. */
int pipeline_moderation_latency(struct pipeline *pl, unsigned port, unsigned queue, uint32_t max_latency_us);
int pipeline_moderation_profile(struct pipeline *pl, unsigned port, unsigned queue, unsigned i,
				const struct config_profile *p);
/* The queue has been reset: what was learnt of it is forgotten. */
int pipeline_moderation_restart(struct pipeline *pl, unsigned port, unsigned queue);

/* Buffers of a worker's pools: in use and size. */
struct pipeline_pool_info {
	char name[32];
	unsigned size, in_use;
	int node;
};
#define PIPELINE_MAX_POOLS 6
/* Fills at most PIPELINE_MAX_POOLS, returns how many. */
int pipeline_pool_list(struct pipeline *pl, unsigned i, struct pipeline_pool_info *out);

/* ---- the stacks ------------------------------------------------------------------------- */
int pipeline_net_stats(struct pipeline *pl, unsigned i, struct net_stats *out);
int pipeline_tcp_stats(struct pipeline *pl, unsigned i, struct tcp_stats *out);
int pipeline_sock_stats(struct pipeline *pl, unsigned i, struct sock_stats *out);
/* At most max (up to PIPELINE_LIST_MAX) of worker i, from *cursor, 0 at first.
 * Returns how many; 0: end. Sockets that come and go between calls may be
 * missed, never shown half. */
int pipeline_sock_list(struct pipeline *pl, unsigned i, uint64_t *cursor, struct sock_info *out,
		       unsigned max);
/* One socket by sock_id(). -ENOENT. */
int pipeline_sock_info(struct pipeline *pl, unsigned i, uint64_t id, struct sock_info *out);
/* Returns how many after skipping skip. Every worker has a copy of the table. */
int pipeline_neigh_list(struct pipeline *pl, unsigned i, unsigned skip, struct net_neigh_info *out,
			unsigned max);

/* ---- services --------------------------------------------------------------------------- */
struct pipeline_service_info {
	char name[CONFIG_NAME_LEN];
	const struct config_service *conf; /* valid until the service is removed */
	void *shared;                    /* what type->prepare() made, likewise */
	bool draining;
	uint32_t open;                   /* sockets, all workers */
	uint64_t counters[SERVICE_MAX_COUNTERS]; /* summed; names: conf->type->counter_names */
	struct service_transports transports; /* summed */
};
/* Services running now. */
unsigned pipeline_services(struct pipeline *pl);
/* Service number n of them: 0, -ENOENT. */
int pipeline_service_info(struct pipeline *pl, unsigned n, struct pipeline_service_info *out);
/* By name; -ENOENT. */
int pipeline_service_find(struct pipeline *pl, const char *name);
/* Takes conf (from config_parse_service()) in any case. -EEXIST: name in
 * use; or what prepare, start or listen gave. Runs on every worker or on none. Devices are told of its
 * memory: add and remove wait for all of them, one at a time (-EAGAIN), and end what they began later. */
int pipeline_service_add(struct pipeline *pl, struct config_service *conf);
/* Stop accepting. -ENOENT. */
int pipeline_service_drain(struct pipeline *pl, const char *name);
/* Drain, reset what is still open, forget: whoever uses its pipeline_service_info.conf does so between
 * pipeline_look_begin() and _end(). -ENOENT. */
int pipeline_service_remove(struct pipeline *pl, const char *name);

#endif
