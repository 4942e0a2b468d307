/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP (RFC 9293) of one lcore, above a net_stack. An object without globals;
 * every call comes from the owning lcore.
 *
 * A connection is a handle from tcp_connect() or the accept callback until its
 * user gives it back with tcp_close() or tcp_abort(), exactly once, whatever
 * state it is in: a connection that died (reset, timeout) stays readable and
 * inspectable until then. After the call the handle is invalid; TCP finishes
 * the protocol on its own.
 *
 * Order of a turn: net_input() (segments; ACKs are only noted), wheel_advance(),
 * tcp_deliver() (events to the user), tcp_output() (data, then at most one
 * cumulative ACK per connection).
 *
 * Functions return 0 or a count, or a negative errno, and do not log.
 */
#ifndef TCP_TCP_H
#define TCP_TCP_H

#include <sys/types.h>

#include "proto/net/net.h"

struct tcp_stack;
struct tcp_conn;
struct tcp_listener;

enum tcp_state { /* RFC 9293 3.3.2 */
	TCP_CLOSED, TCP_LISTEN, TCP_SYN_SENT, TCP_SYN_RECEIVED, TCP_ESTABLISHED, TCP_FIN_WAIT_1, TCP_FIN_WAIT_2,
	TCP_CLOSE_WAIT, TCP_CLOSING, TCP_LAST_ACK, TCP_TIME_WAIT, TCP_STATES
};
extern const char *const tcp_state_names[TCP_STATES];

/* Times in ms unless the name says otherwise; 0 in user_timeout_ms: none. */
struct tcp_config {
	uint32_t rto_min_ms, rto_max_ms;      /* 200, 120000 */
	uint8_t syn_retries, synack_retries;  /* 6, 5 */
	uint8_t retries;                      /* R2: 15 */
	uint8_t orphan_retries;               /* 8 */
	uint8_t initial_window;               /* segments: 10 (RFC 6928) */
	uint8_t ttl;
	bool nagle, timestamps, sack, window_scaling;
	bool keepalive;
	uint32_t keepalive_idle_ms, keepalive_interval_ms; /* 7200000, 75000 */
	uint8_t keepalive_probes;             /* 9 */
	uint32_t user_timeout_ms;
	uint32_t delayed_ack_ms;              /* 40 */
	uint32_t time_wait_ms, fin_wait2_ms;  /* 60000 */
	uint32_t time_wait_max;               /* entries; 262144 */
	uint32_t max_conns;                   /* objects at most */
	uint32_t half_open_max;               /* per stack; 65536 */
	uint16_t min_mss;                     /* smallest MSS used; 48 */
	uint32_t challenge_ack_ms;            /* 500: RFC 5961 limit, per connection */
	uint32_t rst_rate;                    /* RSTs without a connection, per second: 1000 */
	enum { TCP_COOKIES_AUTO, TCP_COOKIES_ALWAYS, TCP_COOKIES_OFF } cookies;
	bool abort_on_overflow;               /* RST when accept refuses; default off */
	uint32_t rcvbuf_initial, rcvbuf_max;  /* octets: 65536, 4 MiB */
	uint32_t sndbuf_max;                  /* octets queued at most, unacknowledged ones included: 4 MiB */
	uint64_t rcv_pinned_max;              /* octets of receive buffers this stack may pin */
	uint16_t port_min, port_max;          /* local ports of tcp_connect(): 10240..65535 */
	const char *congestion;               /* "cubic", "newreno" */
	bool fast_path;                       /* header prediction; tests run with and without */
	int node;                             /* NUMA node of the pools, -1: any */
	struct rte_mempool *payload_pool;     /* buffers that hold what is sent (arena) */
	/* Keys shared by all lcores of the process: cookies, ISNs, timestamps. */
	const struct tcp_secrets *secrets;
};

/* 128-bit keys from the system's random source, one set a process, so that a
 * cookie made on one lcore is good on another. Cookie keys rotate: [0] current,
 * [1] previous (RFC 4987, RFC 6528). Written by the main lcore only
 * between turns of every lcore, or via tcp_rotate_cookies(). */
struct tcp_secrets {
	struct siphash_key isn, ts, port;
	struct siphash_key cookie[2][2]; /* [current, previous][H0, H1] */
};

/* Events, or-ed; delivered by tcp_deliver(). */
enum tcp_event {
	TCP_EV_CONNECTED = 1 << 0,  /* connect succeeded */
	TCP_EV_READABLE = 1 << 1,   /* octets arrived in order */
	TCP_EV_EOF = 1 << 2,        /* the peer's FIN was reached (after all data) */
	TCP_EV_WRITABLE = 1 << 3,   /* room again after a short send */
	TCP_EV_CLOSED = 1 << 4,     /* dead: tcp_info.error says why (0: both sides closed) */
	TCP_EV_SENT = 1 << 5,       /* all sent octets are acknowledged (asked for by tcp_notify_sent()) */
	TCP_EV_URGENT = 1 << 6,     /* urgent mark moved */
};

struct tcp_user_ops {
	/* Events of a connection; user is what tcp_set_user() stored. The callee
	 * may do anything with this and any other connection, closing included. */
	void (*event)(void *ctx, struct tcp_conn *c, void *user, unsigned events);
};

/* A listener's answer to a completed handshake: 0 takes the handle (the callee
 * calls tcp_set_user()); negative refuses, the handle stays TCP's, the peer's
 * ACK is dropped and counted, and tried again with its next segment. */
typedef int (*tcp_accept_fn)(void *ctx, struct tcp_listener *l, struct tcp_conn *c);

#define TCP_USER_OPT_MAX 8

/* An option of the layer above on SYN and SYN-ACK (SMC: fe 06 e2 d4 c3 d9),
 * whole, kind and length octets included; padded to 4 by TCP. The peer's may be
 * longer by an even number of octets. */
struct tcp_user_opt {
	uint8_t len;                     /* 0: none */
	uint8_t bytes[TCP_USER_OPT_MAX];
};

struct tcp_listen_args {
	struct net_addr addr;            /* NET_UNSPEC: any */
	rte_be16_t port;
	uint32_t backlog;                /* half-open entries at most; beyond it cookies. 0: 1024 */
	tcp_accept_fn accept;
	void *ctx;
	struct tcp_user_opt opt;         /* goes on the SYN-ACK if the SYN carried it, */
	bool (*opt_policy)(void *ctx, const struct net_flow *flow); /* and this (if set) says yes; never with a cookie */
	uint32_t rcvbuf_max, sndbuf_max; /* 0: the stack's */
};

struct tcp_connect_args {
	struct net_addr laddr, raddr;    /* laddr NET_UNSPEC: by route */
	rte_be16_t lport, rport;         /* lport 0: chosen (RFC 6056), owned by this lcore */
	void *user;
	struct tcp_user_opt opt;         /* on the SYN; left out from the third SYN on */
	uint32_t timeout_ms;             /* connect timeout; 0: by syn_retries */
	uint32_t rcvbuf_max, sndbuf_max; /* 0: the stack's */
};

/* Is the flow handled by this lcore, by the steering table? NULL: always. */
struct tcp_steering {
	void *ctx;
	bool (*owns)(void *ctx, const struct net_flow *flow);
};

int tcp_stack_create(struct tcp_stack **out, struct net_stack *net, struct wheel *wheel, const struct tcp_config *conf,
		     const struct tcp_user_ops *ops, void *ops_ctx, const struct tcp_steering *steering);
/* Frees everything; connections vanish without a segment (abort them first to be polite). */
void tcp_stack_destroy(struct tcp_stack *ts);
void tcp_config_defaults(struct tcp_config *conf);
void tcp_secrets_init(struct tcp_secrets *s, void (*random)(void *ctx, void *buf, size_t len), void *ctx);
/* The current cookie keys become the previous ones, new ones are drawn: a cookie
 * outlives one rotation, not two. Main lcore, while no lcore is in a turn. */
void tcp_rotate_cookies(struct tcp_secrets *s, void (*random)(void *ctx, void *buf, size_t len), void *ctx);

/* -EADDRINUSE: same address and port already listened on. -EADDRNOTAVAIL: not our address. -ENOMEM. */
int tcp_listen(struct tcp_stack *ts, const struct tcp_listen_args *args, struct tcp_listener **out);
/* Stop accepting: half-open entries are dropped, connections live on. */
void tcp_unlisten(struct tcp_listener *l);

/* Start a connection: SYN goes out in this turn's tcp_output().
 * -EADDRNOTAVAIL (no port left), -EADDRINUSE, -ENETUNREACH, -EHOSTUNREACH, -EINVAL, -ENOMEM. */
int tcp_connect(struct tcp_stack *ts, const struct tcp_connect_args *args, struct tcp_conn **out);

/* Both the SYN and the SYN-ACK carried the layer's option (tcp_user_opt). */
bool tcp_opt_agreed(const struct tcp_conn *c);

void tcp_set_user(struct tcp_conn *c, void *user);
void *tcp_user(const struct tcp_conn *c);

/* ---- receiving ------------------------------------------------------- */
struct tcp_piece {
	void *data;
	uint32_t len;
};
/* Octets in order not yet consumed; the window opens as they are consumed. */
uint32_t tcp_readable(const struct tcp_conn *c);
bool tcp_eof(const struct tcp_conn *c); /* FIN reached and everything consumed */
/* Look without consuming: at most max pieces; returns how many were filled. */
unsigned tcp_peek(const struct tcp_conn *c, struct tcp_piece *pieces, unsigned max);
void tcp_consume(struct tcp_conn *c, uint32_t len);
/* Take up to len octets out as a chain of single buffers linked by next, each
 * owned by the caller, payload only; returns octets taken. *n_segs counts. */
uint32_t tcp_take(struct tcp_conn *c, uint32_t len, struct rte_mbuf **chain, unsigned *n_segs);
/* Copy out and consume. */
uint32_t tcp_read(struct tcp_conn *c, void *buf, uint32_t len);
/* Octets up to the urgent mark not consumed yet; -1: none (RFC 6093). */
int64_t tcp_urgent_mark(const struct tcp_conn *c);

/* ---- sending --------------------------------------------------------- */
/* Octets that may be queued now. A short answer arms TCP_EV_WRITABLE, which
 * comes when at least a third of the send buffer is free. */
uint32_t tcp_send_room(struct tcp_conn *c);
/* Copies; returns octets accepted (may be short), -EAGAIN if none,
 * -EPIPE after shutdown, -ENOTCONN, or the connection's error. */
ssize_t tcp_send(struct tcp_conn *c, const void *buf, size_t len);
/* Room to write in place: one or two pieces, at most want octets in total;
 * valid until the next call on this connection. Then commit what was written. */
int tcp_send_reserve(struct tcp_conn *c, uint32_t want, struct tcp_piece pieces[2]);
void tcp_send_commit(struct tcp_conn *c, uint32_t len);
/* Queue a chain (single buffers linked by next) without copying. Taken whole or
 * not at all: -EAGAIN, -EPIPE, ... leave it to the caller. Its octets must not
 * change until acknowledged. */
int tcp_give(struct tcp_conn *c, struct rte_mbuf *chain, uint32_t len);
uint32_t tcp_unsent(const struct tcp_conn *c);   /* queued, not yet sent */
uint32_t tcp_unacked(const struct tcp_conn *c);  /* queued or sent, not acknowledged */
void tcp_cork(struct tcp_conn *c, bool on);      /* holds back short segments, at most 200 ms */
void tcp_nodelay(struct tcp_conn *c, bool on);   /* Nagle off */
void tcp_keepalive(struct tcp_conn *c, bool on);
void tcp_user_timeout(struct tcp_conn *c, uint32_t ms); /* RFC 5482, local; 0: none */
void tcp_notify_sent(struct tcp_conn *c);        /* TCP_EV_SENT once */
void tcp_set_dscp(struct tcp_conn *c, uint8_t dscp);
void tcp_set_buffers(struct tcp_conn *c, uint32_t rcvbuf_max, uint32_t sndbuf_max); /* 0: unchanged */

/* ---- ending ---------------------------------------------------------- */
int tcp_shutdown(struct tcp_conn *c);  /* FIN after all data; reading goes on. -ENOTCONN */
void tcp_close(struct tcp_conn *c);    /* both ways; RST if unread data (RFC 2525 2.17). Gives the handle back */
void tcp_abort(struct tcp_conn *c);    /* RST. Gives the handle back */

/* ---- the turn -------------------------------------------------------- */
/* Deliver events of connections that have some; at most budget callbacks. */
unsigned tcp_deliver(struct tcp_stack *ts, unsigned budget);
/* Send what may be sent: round robin over connections, while the ports have
 * room. Returns frames handed down. */
unsigned tcp_output(struct tcp_stack *ts);
/* Something waits for tcp_deliver() or tcp_output(): do not sleep. */
bool tcp_busy(const struct tcp_stack *ts);

/* ---- looking --------------------------------------------------------- */
struct tcp_info {
	struct net_flow flow;
	enum tcp_state state;
	int error;                     /* errno of death, positive; 0 */
	int soft_error;                /* last ICMP error that did not kill (RFC 5927) */
	uint32_t id;                   /* index of the object in its stack, reused */
	uint32_t snd_mss, rcv_mss, pmtu;
	uint32_t cwnd, ssthresh;       /* octets; ssthresh UINT32_MAX: not yet */
	uint32_t srtt_us, rttvar_us, rto_us, min_rtt_us;
	uint32_t snd_wnd, rcv_wnd;     /* octets the peer / we offer now */
	uint8_t snd_wscale, rcv_wscale;
	bool sack, timestamps, nagle, corked, keepalive;
	bool opt_sent, opt_received;   /* the layer's option on SYN / SYN-ACK */
	bool from_cookie, orphan;
	uint32_t unacked, unsent, readable, out_of_order;   /* octets */
	uint32_t rcvbuf, rcvbuf_max, sndbuf_max, charged;   /* charged: true size pinned for reading */
	uint64_t bytes_in, bytes_out, bytes_acked;
	uint32_t segs_in, segs_out, retransmits, rto_count, fast_recoveries, tlp_probes, dup_acks, ooo_segs, dsacks;
	uint8_t backoff;
	const char *congestion, *recovery; /* "open", "disorder", "recovery", "loss" */
	uint64_t age_us, idle_us;
};
void tcp_get_info(const struct tcp_conn *c, struct tcp_info *info);

#define TCP_STATS(X) \
	X(active_opens) X(passive_opens) X(attempt_fails) X(estab_resets) X(curr_estab) X(conns) X(half_open) X(time_wait) \
	X(in_segs) X(out_segs) X(retrans_segs) X(in_errs) X(bad_options) X(out_rsts) X(in_rsts) \
	X(bytes_in) X(bytes_out) X(fast_path) X(slow_path) X(merged_in) X(pure_acks_in) X(pure_acks_out) X(dup_acks_in) X(dup_acks_out) \
	X(delayed_acks) X(challenge_acks) X(challenge_limited) X(syn_cookies_sent) X(syn_cookies_recv) X(syn_cookies_failed) \
	X(listen_overflows) X(accept_overflows) X(rto_timeouts) X(syn_timeouts) X(fast_recoveries) X(fast_retrans) \
	X(tlp_probes) X(tlp_recoveries) X(sack_reneging) X(dsack_in) X(dsack_out) X(bad_sack) X(spurious_undo) \
	X(zero_window_in) X(zero_window_out) X(window_probes) X(persist_killed) X(keepalive_probes) X(keepalive_drops) X(user_timeouts) \
	X(paws_drops) X(ooo_in) X(ooo_pruned) X(rcv_copied) X(rcv_pinned) X(tw_reused) X(tw_recycled) X(tw_recycled_early) \
	X(port_exhausted) X(port_search_steps) X(pmtu_lowered) X(pmtu_blackhole) X(orphans) X(orphans_killed) \
	X(no_memory) X(opt_sent) X(opt_received) X(opt_dropped_cookie) X(abort_on_data) X(abort_on_close) X(abort_on_timeout)

struct tcp_stats {
#define TCP_STATS_FIELD(name) uint64_t name;
	TCP_STATS(TCP_STATS_FIELD)
#undef TCP_STATS_FIELD
};
struct tcp_stats *tcp_stats(struct tcp_stack *ts);

/* Walk connections (and half-open and TIME-WAIT entries, as state says) from
 * cursor, at most max; updates cursor, returns how many; 0: end. */
unsigned tcp_list(const struct tcp_stack *ts, uint64_t *cursor, struct tcp_info *out, unsigned max);
/* Live objects, for leak checks: connections + half-open + TIME-WAIT. */
uint32_t tcp_objects(const struct tcp_stack *ts);
struct net_stack *tcp_net(struct tcp_stack *ts);

#endif
