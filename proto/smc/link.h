/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Link groups, links and what goes over them (RFC 7609 3, 4.4 LLC), and the
 * memory of receive and send buffers. Inside proto/smc.
 *
 * A group is for one peer (Peer ID and GID), one role, one VLAN, and this lcore.
 * Nothing here waits in a call: what takes time ends in smc_wait.done().
 */
#ifndef SMC_LINK_H
#define SMC_LINK_H

#include "proto/smc/smc_impl.h"

#define SMC_LINK_SLOTS 16        /* control messages under way at most */
#define SMC_POST_WRITES 12       /* of one CDC message; 2 without buffers given */
#define SMC_RKEYS_MAX 255        /* of the peer's, per group */
#define SMC_MSG_MAX 8192         /* longest LLC message taken */

enum smc_lgr_state {
	SMC_LGR_CREATING,        /* first contact under way: not found by others */
	SMC_LGR_ACTIVE,
	SMC_LGR_STALE,           /* no new connections (out of sync, being deleted); those there go on */
	SMC_LGR_DEAD,            /* its connections are being told; freed when the last has left */
};

enum smc_link_state { SMC_LINK_UNUSED, SMC_LINK_ACTIVATING, SMC_LINK_ACTIVE, SMC_LINK_INACTIVE };

/* The other end of a link, from CLC or ADD LINK. */
struct smc_link_peer {
	struct rd_gid gid;
	uint8_t mac[6];
	uint32_t qpn, psn;
	uint8_t mtu;             /* code */
};

/* What the peer told about itself at first contact. */
struct smc_lgr_terms {
	uint8_t version, release;
	uint8_t max_conns, max_links;
	uint8_t os;
	bool direct;
	char hostname[33];       /* printable */
	struct smc_eid eid;
};

/* A control slot: what a SEND's completion means. */
struct smc_slot {
	struct smc_conn *conn;   /* NULL: LLC; holds a reference */
	struct smc_cursor sent;  /* of the connection's send ring: all before it is with the peer */
	uint16_t seq;
};

struct smc_link {
	struct smc_lgr *lgr;
	struct rd_qp *qp;
	struct smc_dev *dev;
	uint8_t state;           /* enum smc_link_state */
	uint8_t id;              /* the server's choice, 1.. */
	uint8_t index;           /* in lgr->links */
	uint8_t slots_used, slot_head;
	struct smc_slot slots[SMC_LINK_SLOTS];
	struct smc_conn *wait_head, **wait_tail; /* connections that found no slot */
	uint32_t uid, peer_uid;
	uint32_t psn;            /* our first */
	struct rd_gid gid;       /* ours */
	struct smc_link_peer peer;
	struct net_path path;
	uint32_t conns;
	uint64_t last_rx_us;
	struct wheel_timer timer;/* WHEEL_SMC_LINK: TEST LINK */
	struct smc_link_priv *priv; /* link.c's: receive buffers, queued LLC messages, requests */
	uint64_t llc_in, llc_out, cdc_in, cdc_out, waits;
};

struct smc_lgr {
	struct smc_stack *ss;
	struct smc_lgr *next, **pprev;
	uint32_t id;
	uint8_t role;            /* enum smc_role: ours */
	uint8_t state;           /* enum smc_lgr_state */
	uint8_t n_links;
	uint8_t peer_id[8];
	struct net_addr addr;    /* the TCP peer's: RoCE goes to no other */
	struct smc_peer *peer;
	struct smc_dev *dev;
	struct rd_pd *pd;
	struct rd_mr *regions[SMC_MAX_REGIONS]; /* of smc_config.regions in it; NULL: not registered */
	struct smc_lgr_terms terms;
	struct smc_link *links[SMC_MAX_LINKS];
	struct smc_conn *conns;  /* list */
	uint32_t n_conns;
	struct smc_rkey_table *rkeys; /* the peer's, announced by CONFIRM RKEY or CLC */
	struct smc_llc *llc;     /* flows and their waits: llc.c */
	uint64_t created_us;
	uint64_t sndbuf_bytes, rmb_bytes;
	struct wheel_timer timer;/* WHEEL_SMC_LGR: idle time */
	struct smc_lgr_priv *priv; /* link_group.c's: references, requests, buffers */
};

/* ---- devices (device.c) ------------------------------------------------------------ */

/* The enabled device on the interface of our address that has it as a GID
 * (::ffff:a.b.c.d), which goes to *gid. NULL: none. */
struct smc_dev *smc_dev_find(struct smc_stack *ss, const struct net_addr *laddr, struct rd_gid *gid);

/* ---- life of groups (link_group.c) ---------------------------------------------- */

/* Server: an active group of ours for the peer with room for a connection and a
 * key (RFC 7609 3.1, the rules Linux follows), or NULL. */
/* Could a connection with the peer find a place: in a group there is, or a new one?
 * peer: NULL if nothing is known of it. A guess for SYNs, without Peer ID and GID. */
bool smc_lgr_room(const struct smc_stack *ss, enum smc_role role, const struct smc_peer *peer);
struct smc_lgr *smc_lgr_find(struct smc_stack *ss, const uint8_t peer_id[8], const struct rd_gid *gid,
			     const struct net_addr *addr, uint8_t version);
/* Client: the group and link an ACCEPT without first contact names. 0, or
 * SMC_RSN_SYNCERR (no such group), SMC_RSN_NOSRVLINK. */
uint32_t smc_lgr_find_accept(struct smc_stack *ss, const struct clc_accept *a, const struct net_addr *addr,
			     struct smc_link **out);
/* A new group and its first link: protection domain, queue pair in INIT with
 * receives posted. *out at once, state CREATING, holding one reference of the
 * caller's (smc_lgr_unhold()); then wait: 0, SMC_RSN_MEM, SMC_RSN_NOSMCDEV.
 * At once, without a wait: SMC_RSN_MEM by memory, also where not even the smallest
 * rings of a connection would fit (buf_bytes_per_peer); SMC_RSN_OWN_LIMIT by quota.
 * terms are version 2, release 0, the most of all until the caller sets them,
 * before smc_link_confirm(). */
uint32_t smc_lgr_create(struct smc_stack *ss, enum smc_role role, struct smc_dev *dev, const uint8_t peer_id[8],
			const struct net_addr *addr, const struct rd_gid *local_gid, struct smc_wait *wait,
			struct smc_lgr **out);
void smc_lgr_hold(struct smc_lgr *lgr);
/* The last one of a group that never became active ends it. */
void smc_lgr_unhold(struct smc_lgr *lgr);
/* The connection takes part: counted, in the list, on the link; its token is
 * unique there. Back with leave; the idle time begins with the last. */
void smc_lgr_join(struct smc_lgr *lgr, struct smc_link *l, struct smc_conn *c);
void smc_lgr_leave(struct smc_conn *c);
/* No new connections; those there are go on. */
void smc_lgr_stale(struct smc_lgr *lgr);
/* The group ends: the peer is told (DELETE LINK ALL; llc_reason: enum
 * llc_delete_reason, LLC_DEL_NONE: it is not told), its connections are ended
 * (smc_conn_link_lost()) in the next smc_poll(), never in this call. */
void smc_lgr_end(struct smc_lgr *lgr, uint32_t llc_reason, bool orderly);
/* The link of the group for a new connection. */
struct smc_link *smc_lgr_link(struct smc_lgr *lgr);

/* ---- bringing up (link.c, llc_*.c) ------------------------------------------------- */

/* RTR and RTS towards the peer; opens the path to it. SMC_RSN_ERR_RDYLNK,
 * SMC_RSN_NOROUTE. Refuses a peer GID that is not the group's address
 * (SMC_RSN_ERR_RDYLNK, counted). */
void smc_link_connect(struct smc_link *l, const struct smc_link_peer *peer, struct smc_wait *wait);
/* Server: sends CONFIRM LINK (not before 1 ms from now, again after 500 ms) and
 * waits for the answer; client: waits for the request and answers. Then the
 * link and the group are active; a server whose peer takes two links then sends
 * the ADD LINK that is certain to be refused, without anyone waiting for it.
 * SMC_RSN_TIMEOUT_CL, SMC_RSN_RMBE_EC. */
void smc_link_confirm(struct smc_link *l, struct smc_wait *wait);
/* A key of ours, to the peer: CONFIRM RKEY and its answer. SMC_RSN_ERR_REGBUF. */
void smc_llc_confirm_rkey(struct smc_link *l, struct smc_buf *rmb, struct smc_wait *wait);
/* The user of the wait goes away: done() is not called any more. All of the above. */
void smc_wait_cancel(struct smc_stack *ss, struct smc_wait *wait);

/* Peer's key of a connection: known already or new. -ENOSPC: 255 there are. */
int smc_rkey_add(struct smc_lgr *lgr, uint32_t rkey, uint64_t addr);

/* ---- buffers (mem.c, rmb.c) ----------------------------------------------------------- */

/* Memory for a ring of at least size (less when there is none: down to 16 KiB,
 * counted), registered in the group's domain. SMC_RSN_MEM at once, or *out and
 * then wait: 0, SMC_RSN_ERR_REGBUF (the buffer is to be put all the same).
 * Zeroed. Who tells the peer the key otherwise than by smc_llc_confirm_rkey()
 * (CLC at first contact) sets announced. */
uint32_t smc_buf_get(struct smc_lgr *lgr, uint32_t size, bool remote, struct smc_wait *wait, struct smc_buf **out);
/* Give back: when announced, DELETE RKEY and its answer (2 s at most) first;
 * then the region ends, the memory is scrubbed and freed. Buffers of
 * smc_take() that are still out delay the last step. */
void smc_buf_put(struct smc_buf *b);
/* Buffers of smc_take(), between get and the last unref. */
void smc_buf_ref(struct smc_buf *b);
void smc_buf_unref(struct smc_buf *b);
/* Is there memory for a group more with this peer: its link's receives and the smallest
 * rings of one connection? peer NULL: it has none yet. */
bool smc_bufs_room(const struct smc_stack *ss, const struct smc_peer *peer);
uint8_t smc_size_code(uint32_t size);   /* rounded up, at most SMC_BUF_MAX's */

/* ---- data path (wr.c) ------------------------------------------------------------------ */

/* wr: up to SMC_POST_WRITES writes, and room for one more, the SEND of the CDC
 * message behind them; posted as one list. sent, seq: cursor and sequence number for
 * smc_conn_sent(). Takes SMC_REF_WR when it returns 0. Operation, cookies and flags
 * of the writes are set here. -EAGAIN: no slot, the connection waits on the link and
 * is scheduled (smc_tx_schedule()) when there is one. -ENOLINK: the link is not
 * active, or too many writes. */
int smc_link_post(struct smc_link *l, struct smc_conn *c, struct rd_wr *wr, unsigned n_writes,
		  const uint8_t cdc[CDC_LEN], const struct smc_cursor *sent, uint16_t seq);
/* There is no slot for it, and it waits for one: to be asked before anything is built. */
bool smc_link_full(struct smc_link *l, struct smc_conn *c);
void smc_link_unwait(struct smc_conn *c);
/* Send completion or loss: stage 4 of smc_poll(). */
unsigned smc_links_poll(struct smc_stack *ss);
/* The link is gone: another one of the group, or the group ends, in the next
 * smc_poll(). */
void smc_link_down(struct smc_link *l);

int smc_link_init(struct smc_stack *ss);  /* pools, tables, wheel kinds */
void smc_link_fini(struct smc_stack *ss);

#endif
