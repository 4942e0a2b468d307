/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A simulated network under a virtual clock: hosts (wheel, net_stack and
 * tcp_stack, one set per lcore), wires with scripted faults between them. All
 * chance comes from one seed, so every run is repeatable to the octet.
 *
 * Hosts do what the pipeline does in a turn: set the clock, input, timers,
 * deliver, output. Time stands still during turns and jumps to the next event.
 *
 * What goes wrong on the wire (a frame with a wrong checksum, a buffer that was
 * rewritten while a port held it) is noted in sim_error(); tests end with it.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include "proto/tcp/tcp.h"
#include "tests/sim/wire.h"

#define SIM_MAX_HOSTS 4
#define SIM_MAX_LCORES 4
#define SIM_NEVER UINT64_MAX
#define SIM_PORT 3                 /* ethdev port number every host says it has */

struct sim;
struct sim_host;

/* Pools of the process, made at the first call (EAL must run). */
struct sim_pools {
	struct rte_mempool *rx, *hdr, *ind, *payload;
};
const struct sim_pools *sim_pools(void);
/* Buffers taken from all pools now; 0 when none leaked. */
unsigned sim_buffers_used(void);

/* One direction of a wire. Zero: perfect and immediate. */
struct sim_wire {
	uint64_t delay_us, rate_bps;           /* rate 0: no limit */
	uint32_t queue;                        /* frames waiting at most, 0: no limit */
	uint32_t loss_ppm, dup_ppm, corrupt_ppm, reorder_ppm, reorder_us;
	/* Scripted faults: true drops the n-th frame (from 0) of this direction. */
	bool (*drop)(void *ctx, const struct wire_frame *f, uint64_t n);
	void *drop_ctx;
};

struct sim_wire_stats {
	uint64_t frames, bytes, lost, duplicated, corrupted, reordered, overflowed;
};

/* What a host runs above net_stack instead of a bare tcp_stack, one lcore: it
 * makes the tcp_stack, and has a share of each turn. Counts say what was done. */
struct sim_upper {
	void *ctx;
	int (*create)(void *ctx, struct sim_host *h, const struct tcp_config *tcp, struct tcp_stack **out);
	void (*destroy)(void *ctx);            /* the tcp_stack too */
	void (*poll)(void *ctx);               /* stage 4 */
	void (*deliver)(void *ctx);            /* stage 7 */
	void (*output)(void *ctx);             /* stage 8 */
	bool (*busy)(const void *ctx);
};

struct sim_host_conf {
	uint32_t addr;                         /* host order */
	unsigned n_lcores;
	uint32_t rss_key_seed;
	bool wrong_lcore;                      /* the port spreads badly: software has to hand over */
	bool whole;                            /* super-segments cross the wire uncut */
	struct net_config net;                 /* ifs[0] filled in by sim_host_defaults() */
	struct tcp_config tcp;
	struct tcp_user_ops ops;
	void *ops_ctx;
	const struct sim_upper *upper;         /* NULL: TCP alone, with ops. Outlives the host */
	/* Every frame sent goes here instead of onto a wire; takes the list. */
	void (*tap)(void *ctx, struct wire_frame *list);
	void *tap_ctx;
	/* Addresses of ours claimed by others. */
	void (*conflict)(void *ctx, const struct net_addr *addr);
};

struct sim *sim_create(uint64_t seed, uint64_t start_us);
void sim_destroy(struct sim *s);           /* the hosts too */
uint64_t sim_now(const struct sim *s);
uint64_t sim_random(struct sim *s);
const char *sim_error(const struct sim *s); /* the first thing that went wrong, or NULL */
void sim_fail(struct sim *s, const char *fmt, ...) __rte_format_printf(2, 3);

/* 10.0.0.n/24, MTU 1500, one lcore, no offloads; small limits. */
void sim_host_defaults(struct sim_host_conf *conf, unsigned n);
/* NULL: a stack could not be created; sim_error() tells. conf is copied. */
struct sim_host *sim_host_add(struct sim *s, const struct sim_host_conf *conf);
void sim_connect(struct sim *s, struct sim_host *a, struct sim_host *b, const struct sim_wire *ab,
		 const struct sim_wire *ba);
struct sim_wire *sim_wire(struct sim_host *from);                    /* may be changed at any time */
const struct sim_wire_stats *sim_wire_stats(const struct sim_host *from);

struct tcp_secrets *sim_secrets(struct sim_host *h);
struct tcp_stack *sim_tcp(struct sim_host *h, unsigned lcore);
struct net_stack *sim_net(struct sim_host *h, unsigned lcore);
struct wheel *sim_wheel(struct sim_host *h, unsigned lcore);
struct net_if *sim_if(struct sim_host *h);                           /* lcore 0's */
struct rte_ether_addr sim_mac(unsigned n);
struct net_addr sim_addr(uint32_t host_order);
/* Which lcore the flow belongs to. */
unsigned sim_owner(const struct sim_host *h, const struct net_flow *f);

/* Hand frames (a list, taken) to the host's port for its next turn. */
void sim_inject(struct sim_host *h, struct wire_frame *list);
/* Frames that came to an lcore that does not own them and were handed over. */
uint64_t sim_handed_over(const struct sim_host *h);

/* Turns at the present time until all is quiet. */
void sim_settle(struct sim *s);
/* When the next event or timer is due; SIM_NEVER. */
uint64_t sim_next(const struct sim *s);
/* To the next event or timer, but not beyond until; then settle. */
void sim_step(struct sim *s, uint64_t until);
void sim_run(struct sim *s, uint64_t until);
/* Until every stack is without connections, half-open and TIME-WAIT entries,
 * and no frame is under way; at most limit_us. False: still some. */
bool sim_drain(struct sim *s, uint64_t limit_us);
uint32_t sim_objects(const struct sim *s);

#endif
