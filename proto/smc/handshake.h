/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a TCP connection to an SMC connection or back: CLC both ways (RFC 7609
 * 4.3), fallback, and what is remembered of peers. Inside proto/smc.
 */
#ifndef SMC_HANDSHAKE_H
#define SMC_HANDSHAKE_H

#include "proto/smc/smc_impl.h"

/* A peer address: quotas and memory. There while anything counts on it, then
 * kept for a while as room allows (the longest unused goes first). */
struct smc_peer {
	struct net_addr addr;
	uint32_t lgrs, handshakes, conns; /* now */
	uint64_t buf_bytes;             /* of its receive memory */
	uint64_t smc_ok, fallbacks;
	uint32_t failures;              /* in a row */
	uint64_t tcp_until_us;          /* spoken TCP to until then; 0: SMC */
	uint32_t reason, peer_reason;   /* of the last fallback */
	bool reflects;
	uint64_t last_us;
	uint64_t ok_us;                 /* its last handshake that succeeded */
	uint32_t users;                 /* references */
	uint32_t hash_next, lru_prev, lru_next; /* peer.c's: pool indices */
};

/* Found or made; a reference (smc_peer_put()). NULL: no room. */
struct smc_peer *smc_peer_get(struct smc_stack *ss, const struct net_addr *addr);
void smc_peer_put(struct smc_stack *ss, struct smc_peer *p);
/* Without making one, without a reference. */
struct smc_peer *smc_peer_find(struct smc_stack *ss, const struct net_addr *addr);

/* TCP events while conn->hs is there. */
void smc_hs_tcp_event(struct smc_conn *c, unsigned events);
/* The user closes or aborts during the handshake. */
void smc_hs_abort(struct smc_conn *c);
/* What it waits for, for smc_conn_info.step. */
const char *smc_hs_step(const struct smc_hs *hs);

int smc_hs_init(struct smc_stack *ss);    /* pools, peer table, wheel kind */
void smc_hs_fini(struct smc_stack *ss);

#endif
