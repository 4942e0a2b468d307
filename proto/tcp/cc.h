/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Congestion control behind a table. The core owns loss recovery, PRR and
 * undo; an algorithm sets c->cwnd outside recovery and answers what ssthresh
 * becomes at a loss. cwnd and ssthresh are octets.
 */
#ifndef TCP_CC_H
#define TCP_CC_H

#include "proto/tcp/tcp_impl.h"

/* RTE_MIN() and RTE_MAX() do not nest under -Wshadow. */
static inline uint64_t tcp_min(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t tcp_max(uint64_t a, uint64_t b) { return a > b ? a : b; }

struct tcp_cc_sample {
	uint32_t acked;            /* octets delivered by this ACK for the first time */
	uint32_t sacked_new, lost_new;
	uint32_t in_flight_before; /* octets */
	uint32_t rtt_us;           /* 0: none */
	uint32_t min_rtt_us;
	uint32_t now_ms;
	uint16_t acks;             /* ACK segments merged into this one */
	bool cwnd_limited;         /* cwnd held us back in the window being acknowledged */
	bool ece;                  /* seam for RFC 3168: never set */
};

enum tcp_cc_event {
	TCP_CC_LOSS_ENTER, TCP_CC_RTO, TCP_CC_RECOVERY_EXIT, TCP_CC_ECN,
	TCP_CC_IDLE_RESTART,       /* arg: idle ms */
	TCP_CC_TX_START,           /* first transmission with nothing in flight; arg: ms since the last one */
	TCP_CC_SPURIOUS,
};

struct tcp_cc_ops {
	const char *name;
	void (*init)(struct tcp_conn *c);
	/* The slow start threshold after a loss now, in octets; may note the loss. */
	uint32_t (*ssthresh)(struct tcp_conn *c);
	/* New data was delivered, not in recovery. Only ever raises cwnd. */
	void (*on_ack)(struct tcp_conn *c, const struct tcp_cc_sample *s);
	void (*on_event)(struct tcp_conn *c, enum tcp_cc_event ev, uint32_t arg);
	/* The last ssthresh() was for nothing: the algorithm's own state as before. */
	void (*undo)(struct tcp_conn *c);
};

extern const struct tcp_cc_ops tcp_cc_cubic, tcp_cc_newreno;

/* Slow start (RFC 5681, all octets counted): raises cwnd to at most ssthresh;
 * returns the octets left over for avoidance. */
uint32_t tcp_cc_slow_start(struct tcp_conn *c, uint32_t acked);
/* cwnd += add, capped. */
void tcp_cc_grow(struct tcp_conn *c, uint32_t add);
/* FlightSize/2 or the like: never below two units. */
uint32_t tcp_cc_floor(const struct tcp_conn *c, uint64_t ssthresh);
/* Integer cube root, rounded down. */
uint32_t tcp_icbrt(uint64_t n);

#endif
