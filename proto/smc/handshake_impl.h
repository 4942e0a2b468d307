/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside the handshake part of proto/smc (see handshake.h):
 *
 *	handshake.c   the object, CLC off the TCP stream, timers, what both roles do
 *	clc_server.c  PROPOSAL in, ACCEPT out, CONFIRM in
 *	clc_client.c  PROPOSAL out, ACCEPT in, CONFIRM out
 *	fallback.c    how it ends: success, DECLINE either way, failure
 *	peer.c        what is remembered of peers
 *	policy.c      who gets SMC
 *
 * Functions below that may end the handshake (all that are not said to be
 * otherwise) may free it: the caller returns at once, or holds a reference on
 * the connection and looks at conn->hs.
 */
#ifndef SMC_HANDSHAKE_IMPL_H
#define SMC_HANDSHAKE_IMPL_H

#include "proto/smc/link.h"

#include "proto/smc/conn.h"
#include "proto/smc/handshake.h"

#define SMC_LATE_DECLINE_US 1000000u /* after an LLC timeout, for the peer's DECLINE (2.7) */
#define SMC_QUEUE_US 1500000u        /* wait for the group another handshake makes, and as long for each further one */
#define SMC_QUEUE_MAX_US 4500000u    /* in all: Linux waits 6 s for our ACCEPT */

enum smc_hs_step {
	SMC_HS_PROPOSAL,         /* server: PROPOSAL */
	SMC_HS_QUEUED,           /* server: another handshake makes a group for the peer */
	SMC_HS_GROUP,            /* a new group and its queue pair */
	SMC_HS_SNDBUF, SMC_HS_RMB,
	SMC_HS_RKEY,             /* reuse: our key confirmed by the peer */
	SMC_HS_ACCEPT,           /* client: ACCEPT */
	SMC_HS_CONFIRM,          /* server: CONFIRM */
	SMC_HS_CONNECT,          /* queue pair to RTS */
	SMC_HS_LINK,             /* CONFIRM LINK both ways */
	SMC_HS_LATE,             /* that timed out: a DECLINE of the peer, or ours */
	SMC_HS_DONE,             /* decided in *_begin(), told by the timer */
	SMC_HS_STEPS
};

struct smc_hs {
	struct smc_conn *c;
	struct smc_stack *ss;
	struct smc_wait wait;    /* of the step */
	bool waiting;
	uint8_t step;            /* enum smc_hs_step */
	uint8_t version;         /* of a DECLINE of ours */
	bool beginning;          /* in smc_*_begin(): decided() has to wait */
	bool answered;           /* the peer sent valid CLC */
	bool first_contact;
	bool held;               /* a reference on lgr */
	bool in_list;
	unsigned tcp_events;     /* all there were */

	/* what was agreed on */
	struct smc_dev *dev;     /* with what it is just now: */
	struct rd_gid gid;
	uint8_t mac[6], mtu;
	struct smc_lgr *lgr;
	struct smc_lgr_terms terms;
	uint8_t peer_id[8];
	struct rd_gid peer_gid;
	struct smc_link_peer peer;

	struct smc_hs *next, **pprev; /* makers or queue of the table */
	uint64_t begun_us;
	struct wheel_timer timer;/* WHEEL_SMC_HS */
	struct smc_decision verdict; /* in DONE */
	uint16_t have;           /* octets in buf */
	uint8_t buf[CLC_MAX_LEN];
};

struct smc_peer_table {
	struct siphash_key key;
	uint32_t mask, lru_head, lru_tail; /* pool indices */
	struct smc_hs *makers;   /* servers' handshakes that make a group */
	struct smc_hs *queue;    /* and those that wait for it, oldest first */
	uint32_t buckets[];
};

/* ---- handshake.c ------------------------------------------------------------ */
/* Wait for the step's end, at most us microseconds; 0: without limit. Does not end it. */
void smc_hs_enter(struct smc_hs *hs, enum smc_hs_step step, uint64_t us);
/* Give hs->wait to something. Does not end it. */
struct smc_wait *smc_hs_wait(struct smc_hs *hs, enum smc_hs_step step);
/* What a call that was given hs->wait returned: 0 goes on waiting. */
void smc_hs_check(struct smc_hs *hs, uint32_t reason);
/* Octets of CLC out, all of them. */
bool smc_hs_send(struct smc_hs *hs, const uint8_t *msg, int len);
/* The group is there: take part, get rings, confirm the key; then smc_*_ready(). */
void smc_hs_rings(struct smc_hs *hs);
/* Our device for the connection: by the TCP local address. Does not end it. */
bool smc_hs_device(struct smc_hs *hs);
void smc_hs_use(struct smc_hs *hs, struct smc_dev *dev);
/* The peer's RDMA address is that of its TCP. Does not end it. */
bool smc_hs_bound(const struct smc_hs *hs, const uint8_t gid[16]);
/* The peer is on one of our networks. Does not end it. */
bool smc_hs_direct(const struct smc_hs *hs);
/* Our end, for ACCEPT and CONFIRM. Does not end it. */
void smc_hs_fill(const struct smc_hs *hs, struct clc_accept *a);
/* The peer's end. SMC_RSN_ERR_RTOK. Does not end it. */
uint32_t smc_hs_take(struct smc_hs *hs, const struct clc_accept *a);
void smc_hs_connect(struct smc_hs *hs);
void smc_hs_confirm_link(struct smc_hs *hs);
struct net_addr smc_hs_addr(const struct smc_hs *hs); /* the peer's */
void smc_hs_list(struct smc_hs *hs, struct smc_hs **list);
void smc_hs_unlist(struct smc_hs *hs);
/* Out of the group, rings back, as if nothing had been. Does not end it. */
void smc_hs_undo(struct smc_hs *hs);
/* The object; what success needs stays with the connection. */
void smc_hs_free(struct smc_hs *hs);

/* ---- clc_server.c, clc_client.c ------------------------------------------------ */
void smc_server_input(struct smc_hs *hs, const uint8_t *msg, size_t len);
void smc_server_group(struct smc_hs *hs);   /* find, queue or make */
void smc_server_ready(struct smc_hs *hs);   /* ACCEPT */
/* A maker is done: its queue looks again. Does not end any. */
void smc_server_wake(struct smc_hs *maker);
void smc_client_start(struct smc_hs *hs);
void smc_client_input(struct smc_hs *hs, const uint8_t *msg, size_t len);
void smc_client_ready(struct smc_hs *hs);   /* CONFIRM, or first the link's RTS */
void smc_client_confirm(struct smc_hs *hs);

/* ---- fallback.c ------------------------------------------------------------------ */
void smc_hs_active(struct smc_hs *hs);
/* Send DECLINE and go on as TCP. */
void smc_hs_decline(struct smc_hs *hs, uint32_t reason);
void smc_hs_declined(struct smc_hs *hs, const struct clc_decline *d);
/* Not CLC, or nothing at all, or TCP's end: a client that never saw CLC connects
 * again, others fail. */
void smc_hs_lost(struct smc_hs *hs, uint32_t reason, int error);
void smc_hs_fail(struct smc_hs *hs, uint32_t reason, int error);
/* Tell the verdict that was kept in smc_*_begin(). */
void smc_hs_tell(struct smc_hs *hs);
/* A DECLINE without a handshake (no memory for one). 0 or -errno. */
int smc_decline_bare(struct smc_stack *ss, struct tcp_conn *tcp, uint32_t reason);
/* At most n octets of the stream, without consuming. */
uint32_t smc_tcp_look(const struct tcp_conn *tcp, uint8_t *buf, uint32_t n);

/* ---- peer.c, policy.c --------------------------------------------------------------- */
int smc_peer_table_init(struct smc_stack *ss);
void smc_peer_table_fini(struct smc_stack *ss);
bool smc_peer_remembered(const struct smc_stack *ss, const struct smc_peer *p);
void smc_peer_failed(struct smc_stack *ss, struct smc_peer *p, uint32_t reason, uint32_t peer_reason);
/* The option came back without CLC behind it: TCP at once, for a while. */
void smc_peer_reflected(struct smc_stack *ss, struct smc_peer *p, uint32_t reason);
void smc_peer_succeeded(struct smc_peer *p);
void smc_count_fallback(struct smc_stack *ss, enum smc_role role, uint32_t reason, uint32_t peer_reason);
bool smc_in_prefix(const uint8_t a[16], const uint8_t b[16], unsigned bits);

#endif
