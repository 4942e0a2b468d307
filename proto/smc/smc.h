/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SMC-R (RFC 7609; SMC version 2 and 2.1) of one lcore, beside TCP: handshakes
 * over a TCP connection (CLC), link groups and links over RDMA (LLC), the
 * connections in them (CDC), and the way back to TCP. An object without
 * globals; every call comes from the owning lcore.
 *
 * A connection begins on an established TCP connection whose both SYNs carried
 * the SMC option, with smc_accept_begin() or smc_connect_begin(), which take the
 * TCP handle. smc_user_ops.decided() tells how it ended: it is an SMC connection
 * (a handle until smc_close() or smc_abort(), exactly once), or the TCP handle
 * comes back. Until then the user sends and reads nothing.
 *
 * TCP's user pointer is smc_tcp_user() of the connection while SMC has the
 * handle: who gets TCP's events hands those with smc_is_tcp_user() to
 * smc_tcp_event().
 *
 * Order of a turn: TCP input, smc_poll() (completions, messages), timers,
 * smc_deliver(), smc_output(), then TCP's output.
 *
 * Functions return 0 or a count, or a negative errno, and do not log.
 */
#ifndef SMC_SMC_H
#define SMC_SMC_H

#include "pmd/base/histogram.h"
#include "pmd/rdma/rd.h"
#include "proto/smc/reason.h"
#include "proto/tcp/tcp.h"

#define SMC_MAX_DEVS NET_MAX_IFS
#define SMC_MAX_EIDS 8          /* of ours; Linux keeps 4 */
#define SMC_EID_LEN 32
#define SMC_MAX_POLICIES 64
#define SMC_MAX_REGIONS 8
#define SMC_MAX_LINKS 3         /* slots of a group; 1 used until a second link is */
#define SMC_MAX_CONNS 255       /* of a group */
#define SMC_BUF_MIN 16384u      /* size code 0 */
#define SMC_BUF_MAX (4u << 20)  /* size code 8 */
#define SMC_REASON_SLOTS 36     /* reasons counted apart per role, as Linux */

struct smc_stack;
struct smc_conn;

enum smc_role { SMC_CLIENT, SMC_SERVER };

/* ---- configuration ------------------------------------------------------- */

struct smc_eid {
	char b[SMC_EID_LEN];            /* blank-padded */
};
/* NUL-terminated text to an EID: A-Z 0-9 . -, first one alphanumeric, at most 32. -EINVAL. */
int smc_eid_parse(struct smc_eid *out, const char *text);

/* Ordered: the first that fits decides; none: SMC. */
struct smc_policy {
	struct net_addr peer;           /* NET_UNSPEC: any */
	uint8_t prefix_len;
	uint16_t port;                  /* host order: ours of a listener, the peer's of a connect; 0: any */
	char service[32];               /* "": any */
	bool smc;                       /* else TCP */
};

struct smc_dev_config {
	struct rd_dev *rd;              /* this lcore's share; outlives the stack */
	uint8_t ifx;                    /* interface whose addresses are its GIDs */
};

/* Memory that devices may read from. */
struct smc_region {
	void *addr;
	size_t len;
};

/* What all lcores share and main changes while they run goes by
 * smc_set_eids() and smc_set_policies() on each. */
struct smc_config {
	bool enabled;                   /* false: no option is sent or answered */
	uint8_t n_devs, n_eids, n_policies;
	struct smc_dev_config devs[SMC_MAX_DEVS];
	struct smc_eid eids[SMC_MAX_EIDS];
	struct smc_policy policies[SMC_MAX_POLICIES];
	char hostname[33];
	uint8_t peer_id[8];             /* of this lcore: 2 octets random + lcore, then a MAC; never zero */
	uint8_t max_links;              /* 1: no second link */
	uint8_t max_conns;              /* per group: 16..255 */
	uint32_t conns_max;             /* objects of this lcore */
	uint32_t lgrs_max, lgrs_per_peer; /* groups of this lcore: 64, 4 */
	uint32_t handshakes_max, handshakes_per_peer; /* under way: 1024, 256 */
	uint32_t peers_max;             /* addresses remembered: 4096 */
	uint64_t buf_bytes_per_peer;    /* receive memory of one peer; 0: all */
	uint32_t rmb_size, sndbuf_size; /* octets, rounded up to 16 KiB << n: 65536 */
	void *mem;                      /* for receive and send buffers, in an arena; 16448 octets for each 16 KiB */
	size_t mem_len;
	uint8_t n_regions;              /* where buffers lie that smc_give() need not copy: arenas; may have mem in them */
	struct smc_region regions[SMC_MAX_REGIONS];
	uint32_t give_min;              /* octets of a buffer; smaller ones are copied: 4096 */
	uint32_t clc_wait_ms;           /* 6000 */
	uint32_t llc_wait_ms;           /* 2000 */
	uint32_t confirm_wait_ms;       /* client waits for CONFIRM LINK: 4000 */
	uint32_t testlink_ms;           /* 30000; 0: off */
	uint32_t idle_server_ms, idle_client_ms; /* group without connections: 600000, 610000 */
	uint32_t close_wait_ms;         /* the peer's answer to our close, then abort: 60000 */
	uint32_t tcp_fin_wait_ms;       /* TCP ended, no CDC close seen, then abort: 3000 */
	uint32_t failures;              /* failed handshakes in a row until a peer is spoken TCP to: 3 */
	uint32_t forget_ms;             /* and for how long: 60000 */
	uint32_t autocork;              /* octets: 65536; 0: off */
	uint8_t ack_timeout, retry, rnr_retry, min_rnr_timer; /* 15, 7, 7, 5 */
	uint16_t send_slots, recv_slots;/* control messages of a link under way, receives posted: 16, 48 */
	int node;                       /* NUMA node, -1: any */
};
void smc_config_defaults(struct smc_config *conf);

/* How a handshake ended. */
enum smc_outcome {
	SMC_OUT_SMC,                    /* the handle is the user's */
	SMC_OUT_TCP,                    /* fallback: the TCP handle comes back, its data begins where the
					 * application's does; the smc_conn is gone after the call */
	SMC_OUT_RECONNECT,              /* client: both are gone; connect again without the option (the peer does
					 * not speak CLC, or kept silent) */
	SMC_OUT_FAILED,                 /* both are gone, error says why */
};

struct smc_decision {
	enum smc_outcome outcome;
	struct tcp_conn *tcp;           /* SMC_OUT_TCP */
	uint32_t reason, peer_reason;   /* enum smc_reason or 0 */
	int error;                      /* SMC_OUT_FAILED: positive errno */
	unsigned tcp_events;            /* SMC_OUT_TCP: to be delivered after connected/accepted (readable, EOF, ...) */
	bool declined;                  /* SMC_OUT_TCP: by us; smc_swallow() before the application reads */
};

struct smc_user_ops {
	/* From smc_tcp_event(), smc_poll() or a timer; never from within *_begin(). */
	void (*decided)(void *ctx, struct smc_conn *c, void *user, const struct smc_decision *d);
	/* enum tcp_event bits, from smc_deliver(); CLOSED: smc_info.error. */
	void (*event)(void *ctx, struct smc_conn *c, void *user, unsigned events);
};

int smc_stack_create(struct smc_stack **out, const struct smc_config *conf, struct tcp_stack *tcp, struct wheel *wheel,
		     const struct smc_user_ops *ops, void *ops_ctx);
/* Connections and groups vanish without a message (smc_stack_stop() first to be polite). */
void smc_stack_destroy(struct smc_stack *ss);
/* DELETE LINK for all groups; smc_objects() is 0 when they are gone. */
void smc_stack_stop(struct smc_stack *ss);

/* ---- rendezvous ------------------------------------------------------------- */
extern const struct tcp_user_opt smc_tcp_opt;

/* Shall a SYN to the address carry the option? False by policy, memory of the
 * peer, no device or EID; the reason is counted, *reason set. */
bool smc_offer(struct smc_stack *ss, const struct net_addr *raddr, rte_be16_t rport, const char *service,
	       uint32_t *reason);
/* Shall the SYN-ACK? Also false while too many handshakes are under way. */
bool smc_answer(struct smc_stack *ss, const struct net_flow *flow, const char *service, uint32_t *reason);
/* The peer's SYN or SYN-ACK had no option, or ours was not sent: counts the fallback. */
void smc_no_option(struct smc_stack *ss, enum smc_role role, uint32_t reason);

struct smc_begin_args {
	struct tcp_conn *tcp;           /* established; SMC's if 0 is returned */
	void *user;
	uint32_t rcvbuf, sndbuf;        /* octets asked for; 0: the stack's */
};
/* -ENOMEM: the TCP handle stays the caller's. A server refuses it then (TCP asks
 * again); a client goes on without SMC: a DECLINE was sent, smc_swallow() as after
 * SMC_OUT_TCP. Other errors: nothing was sent, close it. */
int smc_accept_begin(struct smc_stack *ss, const struct smc_begin_args *args, struct smc_conn **out);
int smc_connect_begin(struct smc_stack *ss, const struct smc_begin_args *args, struct smc_conn **out);

/* Our DECLINE and one of the peer's may have crossed (RFC 7609 leaves open who
 * falls back first): with octets there to read, discards the peer's if they are
 * exactly that. 0: what is there now is the application's. -EAGAIN: what is there
 * is the beginning of a DECLINE, ask again when there is more. */
int smc_swallow(struct smc_stack *ss, struct tcp_conn *tcp);

static inline bool smc_is_tcp_user(const void *tcp_user)
{
	return ((uintptr_t)tcp_user & 1) != 0;
}
void smc_tcp_event(void *tcp_user, unsigned events);

/* ---- data: semantics as in tcp.h ------------------------------------------------ */
void smc_set_user(struct smc_conn *c, void *user);
uint32_t smc_readable(const struct smc_conn *c);
bool smc_eof(const struct smc_conn *c);
/* The peer can write to this memory while it is read: parse copies, not this. */
unsigned smc_peek(const struct smc_conn *c, struct tcp_piece *pieces, unsigned max);
void smc_consume(struct smc_conn *c, uint32_t len);
uint32_t smc_read(struct smc_conn *c, void *buf, uint32_t len);
/* Buffers refer to the receive memory, which the peer gets back as they are
 * freed (in order); small amounts are copied out. */
uint32_t smc_take(struct smc_conn *c, uint32_t len, struct rte_mbuf **chain, unsigned *n_segs);
int64_t smc_urgent_mark(const struct smc_conn *c);
uint32_t smc_send_room(struct smc_conn *c);
ssize_t smc_send(struct smc_conn *c, const void *buf, size_t len);
/* One octet of urgent data (MSG_OOB), RFC 7609 4.6. -EAGAIN, -EPIPE. */
int smc_send_urgent(struct smc_conn *c, uint8_t octet);
int smc_send_reserve(struct smc_conn *c, uint32_t want, struct tcp_piece pieces[2]);
void smc_send_commit(struct smc_conn *c, uint32_t len);
/* Buffers in one of smc_config.regions stay where they are until the peer has
 * them and must not be written to; others, and small ones, are copied. */
int smc_give(struct smc_conn *c, struct rte_mbuf *chain, uint32_t len);
uint32_t smc_unacked(const struct smc_conn *c);
void smc_notify_sent(struct smc_conn *c);
void smc_cork(struct smc_conn *c, bool on);
void smc_nodelay(struct smc_conn *c, bool on);
int smc_shutdown(struct smc_conn *c);
void smc_close(struct smc_conn *c);  /* gives the handle back; unread data: ABORT. In a handshake too */
void smc_abort(struct smc_conn *c);  /* likewise; TCP is reset */
/* The TCP connection below, for keepalive and such; SMC's. */
struct tcp_conn *smc_tcp(struct smc_conn *c);

/* ---- the turn --------------------------------------------------------------------- */
/* Stage 4: completions, messages, requests, device events. Returns what was done. */
unsigned smc_poll(struct smc_stack *ss);
/* Stage 7: events to the user, at most budget. */
unsigned smc_deliver(struct smc_stack *ss, unsigned budget);
/* Stage 8: RDMA work requests. */
unsigned smc_output(struct smc_stack *ss);
bool smc_busy(const struct smc_stack *ss);

/* ---- changing while running ---------------------------------------------------------- */
int smc_set_eids(struct smc_stack *ss, const struct smc_eid *eids, unsigned n);           /* -EINVAL */
int smc_set_policies(struct smc_stack *ss, const struct smc_policy *policies, unsigned n);/* -EINVAL */
/* Forget failures of a peer; NET_UNSPEC: of all. -ENOENT. */
int smc_peer_forget(struct smc_stack *ss, const struct net_addr *addr);
/* Devices on or off for new groups and, off, for those there are (as if pulled); on, failures of peers are forgotten.
 * -ENODEV. */
int smc_dev_enable(struct smc_stack *ss, unsigned dev, bool on);
/* Terminate a group (DELETE LINK). -ENOENT. */
int smc_lgr_terminate(struct smc_stack *ss, uint32_t id);

/* ---- looking ------------------------------------------------------------------------------- */

/* Numbers as Linux's. */
enum smc_conn_state {
	SMC_ACTIVE = 1, SMC_INIT = 2, SMC_CLOSED = 7, SMC_LISTEN = 10,
	SMC_PEERCLOSEWAIT1 = 20, SMC_PEERCLOSEWAIT2 = 21, SMC_APPCLOSEWAIT1 = 22, SMC_APPCLOSEWAIT2 = 23,
	SMC_APPFINCLOSEWAIT = 24, SMC_PEERFINCLOSEWAIT = 25, SMC_PEERABORTWAIT = 26, SMC_PROCESSABORT = 27,
};
const char *smc_state_name(unsigned state); /* smcss's names */

struct smc_cursor_info {
	uint16_t wrap;
	uint32_t count;
};

struct smc_conn_info { /* smcss -d -R */
	struct net_flow flow;
	uint32_t id;                    /* index of the object in its stack, reused */
	uint8_t state;                  /* enum smc_conn_state */
	uint8_t role;
	const char *step;               /* in INIT: what the handshake waits for */
	bool shut_read, shut_write;
	int error;                      /* errno of death, positive; 0 */
	uint32_t token, peer_token;
	uint32_t sndbuf, rcvbuf, peerbuf;
	struct smc_cursor_info rxprod, rxcons, txprod, txcons; /* received, last sent */
	uint8_t rx_prod_flags, rx_conn_flags, tx_prod_flags, tx_conn_flags;
	struct smc_cursor_info txprep, txsent, txfin;
	uint16_t seq_in, seq_out;       /* last CDC */
	uint32_t readable, unsent, room, update_limit;
	uint32_t in_flight;             /* work requests without completion */
	uint32_t refs;
	uint32_t lgr_id;                /* 0: none */
	uint8_t link_id;
	char dev[32];
	struct rd_gid gid, peer_gid;
	uint64_t bytes_in, bytes_out, cdc_in, cdc_out, writes, updates_out;
	uint64_t age_us, idle_us;
};
/* At most max from *cursor (0 at first); 0: end. */
unsigned smc_conn_list(struct smc_stack *ss, uint64_t *cursor, struct smc_conn_info *out, unsigned max);
void smc_get_info(const struct smc_conn *c, struct smc_conn_info *info);

struct smc_lgr_info { /* smcr -d linkgroup */
	uint32_t id;
	uint8_t role, version, release;
	const char *type;               /* NONE SINGLE SYM ASYMP ASYML */
	const char *state;
	char peer_host[33];
	uint8_t peer_os;
	bool direct;
	uint8_t peer_id[8];
	struct net_addr peer;
	char eid[33];
	uint16_t vlan;
	uint32_t conns, max_conns, max_links;
	uint32_t rkeys;                 /* of the peer's 255 */
	uint64_t sndbuf_bytes, rmb_bytes;
	const char *local_flow, *remote_flow; /* LLC */
	uint64_t age_us, idle_left_us;  /* until it is deleted; 0: has connections */
};
unsigned smc_lgr_list(struct smc_stack *ss, uint64_t *cursor, struct smc_lgr_info *out, unsigned max);

struct smc_link_info { /* smcr -dd link */
	uint32_t lgr_id;
	uint8_t role, id;
	const char *state;              /* LINK_ACTIVE ... */
	uint32_t uid, peer_uid, conns;
	char dev[32];
	struct rd_gid gid, peer_gid;
	uint8_t peer_mac[6];
	struct rd_qp_info qp;
	uint16_t slots_used, slots;
	uint64_t last_rx_us;            /* ago */
	bool testlink_pending;
	uint64_t llc_in, llc_out, cdc_in, cdc_out, waits;
};
unsigned smc_link_list(struct smc_stack *ss, uint64_t *cursor, struct smc_link_info *out, unsigned max);

struct smc_dev_info {
	struct rd_info rd;
	struct rd_counters counters;
	bool enabled;
	uint32_t lgrs, links;
};
unsigned smc_dev_list(struct smc_stack *ss, struct smc_dev_info *out, unsigned max);

struct smc_peer_info {
	struct net_addr addr;
	uint32_t lgrs, handshakes, conns;
	uint64_t buf_bytes;
	uint64_t smc_ok, fallbacks;
	uint32_t failures;              /* in a row */
	uint64_t tcp_left_us;           /* spoken TCP to for so long */
	uint32_t reason, peer_reason;   /* of the last fallback */
	bool reflects;                  /* echoes the option without speaking CLC */
};
unsigned smc_peer_list(struct smc_stack *ss, uint64_t *cursor, struct smc_peer_info *out, unsigned max);

#define SMC_SIZE_BUCKETS 9 /* <= 8, 16, 32, 64, 128, 256, 512, 1024 KiB, more */
struct smc_dir_stats {
	uint64_t bytes, requests, buf_usage, buf_full, buf_full_peer, buf_small, buf_small_peer, alloc, reuse, downgrade;
	uint64_t bufs[SMC_SIZE_BUCKETS], reqs[SMC_SIZE_BUCKETS];
};
struct smc_role_stats {
	uint64_t smc_v1, smc_v2, handshake_errors, fallbacks, reconnects;
	struct { uint32_t reason; uint64_t count; } why[SMC_REASON_SLOTS], peer_why[SMC_REASON_SLOTS];
	uint64_t declines_out, declines_in;
};
#define SMC_COUNTERS(X) \
	X(cork) X(nodelay) X(urgent) X(splice) X(given) X(given_copied) X(cdc_in) X(cdc_out) X(cdc_old_seq) X(cdc_no_conn) X(cdc_bad_cursor) \
	X(cdc_short) X(llc_in) X(llc_out) X(llc_short) X(llc_unknown) X(llc_unexpected) X(llc_dropped) X(llc_timeouts) X(testlinks) \
	X(lgrs_created) X(lgrs_ended) X(links_lost) X(first_contacts) X(reuses) X(conns_aborted) X(clc_bad) X(clc_timeouts) \
	X(swallowed_declines) X(refused_policy) X(refused_memory) X(refused_quota) X(remembered) X(reflected) X(slot_waits) \
	X(peers_evicted) X(gid_unbound) X(post_failed) X(tcp_data_in_smc)
struct smc_stats {
	struct smc_role_stats role[2];  /* by enum smc_role */
	struct smc_dir_stats rx, tx;
#define SMC_COUNTER_FIELD(name) uint64_t name;
	SMC_COUNTERS(SMC_COUNTER_FIELD)
#undef SMC_COUNTER_FIELD
	uint64_t conns, lgrs, links, bufs, buf_bytes; /* there are now */
	uint64_t mem_free, mem_len;
};
const struct smc_stats *smc_stats(struct smc_stack *ss);
/* Counters and fallback reasons from nothing; what there is now stays. */
void smc_stats_clear(struct smc_stack *ss);
/* Connections + groups + links + buffers + handshakes, for leak checks. */
uint32_t smc_objects(const struct smc_stack *ss);
const struct smc_config *smc_conf(const struct smc_stack *ss);

#endif
