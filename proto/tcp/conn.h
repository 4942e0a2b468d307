/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside the connection part of proto/tcp (see tcp_impl.h).
 *
 * Life of a struct tcp_conn: made by tcp_conn_new(); in the table until
 * tcp_kill() (TCF_DEAD); its handle is out until tcp_close() or tcp_abort()
 * (TCF_ORPHAN). With both flags set nobody outside knows it, but the segment,
 * timer, event or output step under way may still hold the pointer, and the
 * output and event lists may link it. So it goes to the stack's dead list and
 * back to the pool at the end of tcp_output(), when neither list has it. Up to
 * then it may be read, and every call on it does nothing.
 */
#ifndef TCP_CONN_H
#define TCP_CONN_H

#include "proto/tcp/table.h"
#include "proto/tcp/tcp_impl.h"

#define TCP_MS_US 1000ull
#define TCP_S_US 1000000ull
#define TCP_ORPHAN_LINGER_MS 100000   /* FIN-WAIT-1, CLOSING, LAST-ACK of a closed socket */
#define TCP_DEFAULT_MSS 536           /* RFC 9293 MUST-15 */
#define TCP_WSCALE_MAX 14             /* RFC 7323 2.3 */
#define TCP_REC_SIZE 64               /* octets of a struct tcp_rec */

static inline bool tcp_dead(const struct tcp_conn *c) { return c->flags & TCF_DEAD; }

/* ---- stack.c ----------------------------------------------------------- */
uint32_t tcp_random(struct tcp_stack *ts);                /* 32 unpredictable bits */
void tcp_live_set(struct tcp_stack *ts, enum tcp_kind kind, uint32_t idx, bool on);
static inline uint64_t tcp_hash(const struct tcp_stack *ts, const struct net_flow *f)
{
	return tcp_flow_hash(&ts->table_key, f);
}

/* ---- conn.c ------------------------------------------------------------ */
/* Zeroed connection with flow, buffers and defaults of the configuration; not
 * in the table. NULL: max_conns reached (counted). */
struct tcp_conn *tcp_conn_new(struct tcp_stack *ts, const struct net_flow *flow);
/* Undo tcp_conn_new() for a connection nobody has seen yet. */
void tcp_conn_discard(struct tcp_conn *c);
void tcp_set_state(struct tcp_conn *c, enum tcp_state state);
/* The handle came back. */
void tcp_conn_orphan(struct tcp_conn *c);
void tcp_conn_reap(struct tcp_stack *ts);
/* Options of SYN and SYN-ACK, as both sides agreed. */
struct tcp_agreed {
	bool ts, sack, wscale;
	uint8_t rcv_wscale, snd_wscale;
	uint16_t peer_mss;          /* 0: none given */
	uint32_t ts_recent;
};
/* Sequence numbers, options and window of the first segment with ACK are
 * known: ESTABLISHED follows. -ENOMEM. */
int tcp_conn_synced(struct tcp_conn *c, const struct tcp_agreed *a);
void tcp_conn_established(struct tcp_conn *c, const struct tcp_seg *seg, bool wnd_scaled);
uint16_t tcp_mss_floor(const struct tcp_config *conf, uint16_t mss);
/* MSS we announce on this interface (MUST-67). */
uint16_t tcp_our_mss(const struct tcp_stack *ts, uint8_t ifx);
/* Has segment's timestamp moved backwards (RFC 7323 5.2)? */
bool tcp_paws_old(uint32_t ts_recent, uint32_t tsval, uint32_t age_ms);
#define TCP_PAWS_VOID_MS (24u * 86400 * 1000)

/* ---- secrets.c --------------------------------------------------------- */
/* RFC 6528: 4 us clock plus a keyed function of the tuple. */
uint32_t tcp_isn(const struct tcp_secrets *s, const struct net_flow *f, uint64_t now_us);
/* Offset of the timestamp clock, constant per pair of addresses (RFC 7323 5.4). */
uint32_t tcp_ts_offset(const struct tcp_secrets *s, const struct net_flow *f);
/* The same, from what was found out last for such a pair of addresses. Which slot it is
 * in anybody may know: a collision costs the time the hash takes. */
uint32_t tcp_ts_offset_of(struct tcp_ts_cache *c, const struct tcp_secrets *s, const struct net_flow *f);

/* ---- option.c ---------------------------------------------------------- */
struct tcp_syn_opts {
	uint16_t mss;
	bool ts, sack, wscale;
	uint8_t shift;
	uint32_t tsval, tsecr;
	const struct tcp_user_opt *user; /* NULL: none */
};
/* Options of a SYN or SYN-ACK in Linux' order; buf has 40 octets; a multiple of 4. */
unsigned tcp_syn_options(const struct tcp_syn_opts *o, uint8_t *buf);
/* Is what the peer sent the layer's option? As Linux has it: also one that is longer by an
 * even number of octets, whatever these are. */
bool tcp_user_opt_fits(const struct tcp_user_opt *ours, const struct tcp_opts *got);
unsigned tcp_ts_option(uint32_t tsval, uint32_t tsecr, uint8_t *buf);

/* ---- cookie.c (pure) ---------------------------------------------------- */
/* RFC 4987 3.6, Linux' form. minute: of the common clock. */
uint32_t tcp_cookie_make(const struct siphash_key key[2], const struct net_flow *f, uint32_t irs,
			 uint32_t minute, uint16_t peer_mss);
/* MSS, or 0 when the cookie was not made with this key in this or the last minute. */
uint16_t tcp_cookie_check(const struct siphash_key key[2], const struct net_flow *f, uint32_t irs,
			  uint32_t cookie, uint32_t minute);
/* Options in the low six bits of the millisecond clock, never in the future. */
uint32_t tcp_cookie_clock(uint32_t now_ms, bool wscale, uint8_t shift, bool sack);
void tcp_cookie_options(uint32_t clock, struct tcp_agreed *a);

/* ---- listen.c ---------------------------------------------------------- */
struct tcp_listener {
	struct tcp_stack *ts;
	struct tcp_listen_args args;
	struct tcp_listener *next;  /* same slot */
	uint32_t half_open;         /* entries charged */
	uint32_t cookie_ms;         /* last cookie issued */
	bool cookies_out;           /* cookie_ms is valid */
	bool in_accept;             /* its callback runs: tcp_unlisten() must wait with the memory */
	bool closed;                /* tcp_unlisten() was called meanwhile */
	uint32_t refused;           /* half-open entries whose accept was refused and is tried again */
};
int tcp_listen_init(struct tcp_stack *ts);
void tcp_listen_fini(struct tcp_stack *ts);
struct tcp_listener *tcp_listener_find(const struct tcp_stack *ts, const struct net_flow *f);
bool tcp_port_listened(const struct tcp_stack *ts, rte_be16_t port);
/* A segment for a listener, no entry found. May take seg->m. */
void tcp_listen_input(struct tcp_listener *l, const struct net_flow *f, uint64_t hash, struct tcp_seg *seg);
/* A SYN. iss_min: lowest ISS when it reopens a TIME-WAIT tuple, which passes
 * the limits; else NULL. */
void tcp_listen_syn(struct tcp_listener *l, const struct net_flow *f, uint64_t hash, struct tcp_seg *seg,
		    const uint32_t *iss_min);
/* After an accept: free the listener if its callback closed it. */
void tcp_listener_settle(struct tcp_listener *l);
/* Does the option go on the SYN-ACK for this SYN? */
bool tcp_listen_wants_opt(const struct tcp_listener *l, const struct net_flow *f, const struct tcp_seg *seg);

/* ---- half_open.c ------------------------------------------------------- */
enum tcp_half_flags {
	THF_TS = 1 << 0, THF_SACK = 1 << 1, THF_WSCALE = 1 << 2, THF_OPT = 1 << 3,
	THF_SENT = 1 << 4,          /* a SYN-ACK has left */
	THF_ANSWERED = 1 << 5,      /* answer_ms is valid */
	THF_REFUSED = 1 << 6,       /* handshake complete, accept refused */
	THF_ACCEPTING = 1 << 7,     /* accept callback runs */
};
struct tcp_half_open {
	struct net_flow flow;
	struct tcp_listener *l;
	uint32_t irs, iss;
	uint32_t ts_recent, ts_offset;
	uint32_t sent_us;           /* first SYN-ACK */
	uint32_t deadline;          /* ticks of 10 us */
	uint32_t answer_ms;         /* last answer to a strange or repeated segment (2.3) */
	uint32_t next, prev;        /* FIFO of its retry level */
	uint32_t awaits;            /* neighbour its SYN-ACK waits for, 0: none; half_await.c */
	uint32_t await_next, await_prev;
	uint16_t peer_mss;          /* 0: none */
	uint8_t snd_wscale, rcv_wscale;
	uint8_t flags, retries;
};
static_assert(sizeof(struct tcp_half_open) <= 128, "many under a flood");

int tcp_half_init(struct tcp_stack *ts);
void tcp_half_fini(struct tcp_stack *ts);
/* May another entry be made for this listener and peer? */
bool tcp_half_room(const struct tcp_listener *l, const struct net_flow *f);
/* What both sides can do, of a SYN to this listener. */
void tcp_agree(const struct tcp_listener *l, const struct tcp_opts *opt, struct tcp_agreed *a);
/* Entry for a SYN; the SYN-ACK goes out. -ENOMEM. */
int tcp_half_open(struct tcp_listener *l, const struct net_flow *f, uint64_t hash, const struct tcp_seg *seg,
		  const uint32_t *iss_min);
void tcp_half_delete(struct tcp_stack *ts, struct tcp_half_open *h);
void tcp_half_drop_listener(struct tcp_listener *l);
/* A segment for a half-open entry. Takes seg->m when it consumes it. */
void tcp_half_input(struct tcp_stack *ts, struct tcp_half_open *h, struct tcp_seg *seg);
/* The SYN-ACK waited, its next hop may be known now: sent, or waits again. */
void tcp_half_go(struct tcp_stack *ts, struct tcp_half_open *h);

/* ---- half_await.c ------------------------------------------------------ */
int tcp_half_await_init(struct tcp_stack *ts);
void tcp_half_await_fini(struct tcp_stack *ts);
/* The SYN-ACK of h, which does not wait yet, is to leave once this neighbour is known. */
void tcp_half_await(struct tcp_stack *ts, struct tcp_half_open *h, uint32_t neigh);
/* It waits no more, if it did. */
void tcp_half_await_end(struct tcp_stack *ts, struct tcp_half_open *h);
void tcp_half_resolved(struct tcp_stack *ts, uint32_t neigh);
/* Its timer fired, of kind WHEEL_TCP_HALF_OPEN as well. */
void tcp_half_await_timer(struct tcp_stack *ts);

/* ---- accept.c ---------------------------------------------------------- */
/* What a completed handshake makes a connection from. */
struct tcp_handshake {
	struct net_flow flow;
	uint32_t irs, iss, ts_offset;
	struct tcp_agreed agreed;
	uint32_t rtt_us;            /* 0: none measured */
	uint32_t flags;             /* TCF_* to set */
};
/* Make the connection and offer it to the listener. replaces: table entry it
 * takes the place of, 0: none. NULL: no memory or refused (counted). */
struct tcp_conn *tcp_accept(struct tcp_listener *l, const struct tcp_handshake *hs, const struct tcp_seg *seg,
			    uint32_t replaces);

/* ---- connect.c --------------------------------------------------------- */
void tcp_syn_output(struct tcp_conn *c);
void tcp_syn_expired(struct tcp_conn *c);
void tcp_connect_expired(struct tcp_conn *c);
void tcp_syn_sent_input(struct tcp_conn *c, struct tcp_seg *seg);

/* ---- segment.c --------------------------------------------------------- */
/* A segment of a connection (RFC 9293 3.10.7.4). May take seg->m. */
void tcp_segment_input(struct tcp_conn *c, struct tcp_seg *seg);
/* Steps 6 to 8 and what follows, once the ACK is dealt with. */
void tcp_segment_data(struct tcp_conn *c, struct tcp_seg *seg);
/* State changes that waited for the end of a step: CLOSED and TIME-WAIT. */
void tcp_settle(struct tcp_conn *c);
/* Drop the segment's buffer, counted. */
#define TCP_SEG_DROP(ts_, why, seg_) do { \
	NET_DROP((ts_)->drops, why, (seg_)->m); \
	(seg_)->m = NULL; \
} while (0)

/* ---- input.c ----------------------------------------------------------- */
void tcp_input(void *ctx, struct rte_mbuf **pkts, unsigned n);

/* ---- reset.c ----------------------------------------------------------- */
int tcp_reset_init(struct tcp_stack *ts);
void tcp_reset_fini(struct tcp_stack *ts);
/* RST in answer to a segment of no connection (2.2), rate limited; nothing for a RST. */
void tcp_reset_reply(struct tcp_stack *ts, const struct net_flow *f, const struct tcp_seg *seg);

/* ---- path.c ------------------------------------------------------------ */
int tcp_path_init(struct tcp_stack *ts);
void tcp_path_fini(struct tcp_stack *ts);
/* The way of a segment without connection, until tcp_path_return() with the
 * result of sending: kept there for the next if the neighbour is known. Errors
 * of net_path_open(). */
int tcp_path_borrow(struct tcp_stack *ts, const struct net_flow *f, struct net_path **out);
void tcp_path_return(struct tcp_stack *ts, struct net_path *p, int rc);
/* A connection's own path, without looking up the route if it is kept here. */
int tcp_path_open(struct tcp_stack *ts, const struct net_flow *f, struct net_path *p);

/* ---- await.c ----------------------------------------------------------- */
int tcp_await_init(struct tcp_stack *ts);
void tcp_await_fini(struct tcp_stack *ts);
/* The first SYN is to leave once its next hop is known: true when that is not yet. The connection
 * is put on the output list when it is, and ends with EHOSTUNREACH when nobody answers. */
bool tcp_await_hop(struct tcp_conn *c);
/* It waits no more, if it did. */
void tcp_await_end(struct tcp_conn *c);
void tcp_hop_resolved(void *ctx, uint32_t neigh);
void tcp_hop_unreachable(void *ctx, uint32_t neigh);

/* ---- close.c ----------------------------------------------------------- */
void tcp_linger_expired(struct tcp_conn *c);
/* The FIN asked for before ESTABLISHED is now due. */
void tcp_close_resume(struct tcp_conn *c);

/* ---- time_wait.c ------------------------------------------------------- */
struct tcp_time_wait {
	struct net_flow flow;
	uint32_t rcv_nxt, snd_nxt;
	uint32_t ts_recent;         /* 0: no timestamps */
	uint32_t stamp_ms;          /* made or restarted; age of ts_recent too */
	uint64_t next : 24, prev : 24; /* FIFO, oldest first */
	uint64_t answered : 16;     /* last answer in 16 ms, 0: none */
};
static_assert(sizeof(struct tcp_time_wait) == 64, "a cache line each: they are many");
#define TCP_TIME_WAIT_MAX ((1u << 24) - 2)

int tcp_tw_init(struct tcp_stack *ts);
void tcp_tw_fini(struct tcp_stack *ts);
void tcp_tw_delete(struct tcp_stack *ts, struct tcp_time_wait *tw);
void tcp_tw_input(struct tcp_stack *ts, struct tcp_time_wait *tw, uint64_t hash, struct tcp_seg *seg);
/* May we open a connection on its tuple (6.6)? Then *iss_min is the lowest ISS. */
bool tcp_tw_reusable(const struct tcp_stack *ts, const struct tcp_time_wait *tw, uint32_t *iss_min);

/* ---- port.c ------------------------------------------------------------ */
int tcp_port_init(struct tcp_stack *ts);
void tcp_port_fini(struct tcp_stack *ts);
/* Choose flow->lport (RFC 6056 algorithm 4). *tw: the TIME-WAIT entry to take
 * over, or NULL. -EADDRNOTAVAIL. */
int tcp_port_choose(struct tcp_stack *ts, struct net_flow *flow, struct tcp_time_wait **tw);

/* ---- timer.c ----------------------------------------------------------- */
void tcp_timer_init(struct tcp_stack *ts);
void tcp_timers_off(struct tcp_conn *c);
void tcp_keepalive_start(struct tcp_conn *c);

/* ---- icmp.c ------------------------------------------------------------ */
void tcp_icmp_error(void *ctx, const struct net_flow *flow, uint8_t type, uint8_t code, uint16_t mtu,
		    const uint8_t *l4, unsigned l4_len);
/* A path MTU fell, whoever learnt it: connections see to it when they next send. */
void tcp_pmtu_changed(void *ctx, const struct net_addr *dst, uint16_t mtu);

#endif
