/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside proto/tcp: the connection, the parsed segment, and what the files
 * call of one another. Nobody outside proto/tcp (and its tests) includes this.
 *
 * Three parts, each a group of files that owns its fields of struct tcp_conn:
 *   connection  stack.c conn.c table.c listen.c half_open.c accept.c connect.c
 *               input.c segment.c option.c cookie.c secrets.c port.c reset.c
 *               path.c await.c half_await.c held.c close.c time_wait.c timer.c icmp.c info.c; inner header conn.h
 *   sending     send.c record.c output.c output_sched.c header.c bare.c ack.c
 *               sack.c recovery.c undo.c tlp.c rtt.c rto.c persist.c cc.c
 *               cc_cubic.c cc_newreno.c; inner header snd.h
 *   receiving   recv.c read.c store.c ooo.c sack_out.c window.c autotune.c ackpolicy.c urgent.c
 */
#ifndef TCP_IMPL_H
#define TCP_IMPL_H

#include <rte_branch_prediction.h>
#include <rte_tcp.h>

#include "pmd/base/log.h"
#include "pmd/base/pool.h"
#include "proto/tcp/tcp.h"

/* ---- arithmetic modulo 2^32 (RFC 9293 3.4) ---------------------------- */
static inline bool seq_lt(uint32_t a, uint32_t b) { return (int32_t)(a - b) < 0; }
static inline bool seq_le(uint32_t a, uint32_t b) { return (int32_t)(a - b) <= 0; }
static inline bool seq_gt(uint32_t a, uint32_t b) { return (int32_t)(a - b) > 0; }
static inline bool seq_ge(uint32_t a, uint32_t b) { return (int32_t)(a - b) >= 0; }
static inline uint32_t seq_max(uint32_t a, uint32_t b) { return seq_gt(a, b) ? a : b; }

/* ---- a segment as it arrived ------------------------------------------- */
#define TCP_MAX_SACK 4

enum tcp_opt_bits {
	TCP_OPT_MSS = 1 << 0, TCP_OPT_WSCALE = 1 << 1, TCP_OPT_SACK_OK = 1 << 2, TCP_OPT_TS = 1 << 3,
	TCP_OPT_SACK = 1 << 4, TCP_OPT_USER = 1 << 5, TCP_OPT_BAD = 1 << 6, /* a length cut the list short */
};

struct tcp_opts {
	uint8_t present;               /* enum tcp_opt_bits */
	uint8_t wscale;                /* as received, not yet capped at 14 */
	uint8_t n_sack;
	struct tcp_user_opt user;      /* first option of kind 253 or 254: what of it fits, len as even or odd as it */
	uint16_t mss;
	uint32_t tsval, tsecr;
	struct { uint32_t start, end; } sack[TCP_MAX_SACK];
};

struct tcp_seg {
	struct rte_mbuf *m;            /* data starts at the payload once parsed; NULL when consumed */
	uint32_t seq, ack;
	uint32_t len;                  /* payload octets, SYN and FIN not counted */
	uint32_t end;                  /* seq + len + SYN + FIN */
	uint16_t wnd;                  /* field, unscaled */
	uint16_t urg;                  /* pointer, valid if RTE_TCP_URG_FLAG */
	uint16_t gso_size;             /* unit of a super-segment, 0 unknown */
	uint8_t flags;                 /* RTE_TCP_*_FLAG */
	uint8_t tos;                   /* DSCP and ECN, as in the IP header */
	struct tcp_opts opt;
};

/* ---- the connection ------------------------------------------------------ */
enum tcp_conn_flags {
	TCF_TS = 1 << 0,               /* timestamps negotiated */
	TCF_SACK = 1 << 1,             /* SACK permitted both ways */
	TCF_WSCALE = 1 << 2,
	TCF_NODELAY = 1 << 3, TCF_CORK = 1 << 4, TCF_KEEPALIVE = 1 << 5,
	TCF_ACTIVE = 1 << 6,           /* opened by connect() */
	TCF_ORPHAN = 1 << 7,           /* handle given back */
	TCF_FIN_QUEUED = 1 << 8,       /* shutdown(): FIN after the queue */
	TCF_FIN_SENT = 1 << 9,         /* snd_nxt counts it */
	TCF_FIN_RCVD = 1 << 10,        /* rcv_nxt counts it */
	TCF_RCV_CLOSED = 1 << 11,      /* fully closed: data beyond is answered by RST */
	TCF_OPT_SENT = 1 << 12, TCF_OPT_RCVD = 1 << 13,
	TCF_FROM_COOKIE = 1 << 14,
	TCF_ACK_NOW = 1 << 15,         /* output stage: one ACK this turn */
	TCF_IN_OUTPUT = 1 << 16,       /* on the stack's output list */
	TCF_IN_EVENTS = 1 << 17,       /* on the stack's event list */
	TCF_WANT_WRITE = 1 << 18,      /* a send was short: EV_WRITABLE when room */
	TCF_WANT_SENT = 1 << 19,
	TCF_URG = 1 << 20,             /* rcv_urg valid */
	TCF_DEAD = 1 << 21,            /* out of the table, waits for tcp_close() */
	TCF_SYN_RTX = 1 << 22,         /* our SYN (or SYN-ACK) was retransmitted */
	TCF_NO_OPT = 1 << 23,          /* leave the user option out of SYNs */
	TCF_AWAITS = 1 << 24,          /* the first SYN waits for the next hop's address: on a list of await.c */
	TCF_SHUT = 1 << 25,            /* the peer's window was found shut by a probe: counted, see held.c */
};

enum tcp_timer {
	TCP_T_RTX,       /* SYN, SYN-ACK (simultaneous open), RTO; TLP and persist share the slot: see rtx_mode */
	TCP_T_DELACK, TCP_T_CORK,
	TCP_T_KEEPALIVE,
	TCP_T_USER,      /* user timeout and connect timeout */
	TCP_T_LINGER,    /* FIN-WAIT-2 of a closed socket, orphans */
	TCP_T_MEMORY,    /* a buffer or a record was wanted and there was none */
	TCP_TIMERS
};
enum tcp_rtx_mode { TCP_RTX_RTO, TCP_RTX_TLP, TCP_RTX_PERSIST, TCP_RTX_SYN, TCP_RTX_RENEGE };

enum tcp_ca_state { TCP_CA_OPEN, TCP_CA_DISORDER, TCP_CA_RECOVERY, TCP_CA_LOSS };

struct tcp_cc_ops;
struct tcp_rec;

enum tcp_orphans { TCP_ORPHANS_ALL, TCP_ORPHANS_PEER, TCP_ORPHANS }; /* lists an orphan is on */

#define TCP_CC_PRIV 48
#define TCP_SSTHRESH_INF UINT32_MAX
#define TCP_CWND_MAX (1u << 30)

struct tcp_range {
	uint32_t start, end;
};

struct tcp_conn {
	/* key, and what every segment touches */
	struct net_flow flow;
	struct tcp_stack *ts;
	uint32_t flags;                /* enum tcp_conn_flags */
	uint8_t state;                 /* enum tcp_state */
	uint8_t events;                /* enum tcp_event, not delivered yet */
	uint8_t timers_set;            /* bits of enum tcp_timer */
	uint8_t rtx_mode;              /* enum tcp_rtx_mode of TCP_T_RTX */
	uint32_t rcv_nxt;              /* next octet expected */
	uint32_t rcv_wup;              /* rcv_nxt of our last ACK (Last.ACK.sent) */

	/* receive path */
	uint32_t rcv_edge;             /* right edge promised: rcv_nxt + window, never moves left */
	uint32_t ts_recent;            /* TSval to echo */
	uint32_t ts_recent_ms;         /* when (stack ms clock), for the 24 days */
	uint32_t rcv_charged;          /* true size pinned by queue and out-of-order data */
	uint32_t rcv_queued;           /* octets in order, not consumed */
	uint32_t rcv_unacked;          /* payload octets since our last ACK */
	uint16_t rcv_mss;              /* estimate of the peer's segment size */
	uint8_t rcv_wscale, snd_wscale;/* ours, theirs */
	uint8_t quick_acks;            /* credit left */
	uint8_t dup_acks_due;          /* ACKs to send apart, without SACK (7.2) */
	uint8_t n_sack_out;            /* ranges in sack_out */
	uint8_t ooo_count;             /* ranges held out of order */
	uint8_t ratio;                 /* payload/true size, EWMA in 1/256 */
	bool has_fin;
	uint16_t rcv_len;              /* length of the last segment that was not pushed */
	uint32_t rcv_promised;         /* memory promised by our last ACK, window.c */
	struct rte_mbuf *rcvq_head, *rcvq_tail;   /* linked by next, payload only */
	struct rte_mbuf *ooo;          /* sorted list of ranges, see ooo.c */
	struct rte_mbuf *ooo_hint;     /* range touched last, NULL: none */
	uint32_t ooo_charged;          /* part of rcv_charged that is out of order */
	uint32_t rcvbuf, rcvbuf_max;   /* limit of octets now, and at most */
	uint32_t rcv_ssthresh;         /* growth limit of the window */
	uint32_t rcv_urg;              /* first octet after the urgent data */
	uint32_t rcv_fin;              /* sequence number of an out-of-order FIN (valid if has_fin) */
	uint32_t rcv_copied_seq;       /* rcv autotune: start of the measured round */
	uint32_t rcv_rtt_us, rcv_round_us;
	uint32_t rcv_round_bytes;      /* most the user consumed in a round */
	uint32_t rcv_rtt_seq, rcv_rtt_start_us; /* round trip by filling a window, where there are no timestamps */
	uint32_t rcv_data_ms;          /* last segment with payload, for the quick-ACK credit */
	struct tcp_range sack_out[TCP_MAX_SACK];  /* most recent first */
	struct tcp_range dsack;        /* to report once; start == end: none */

	/* transmit path */
	uint32_t snd_una, snd_nxt;     /* oldest unacknowledged, next to send (FIN and SYN count) */
	uint32_t snd_edge;             /* right edge the peer offers: ack + (window << scale) */
	uint32_t snd_wl1;              /* sequence number of the segment that set snd_edge */
	uint32_t snd_wnd_max;          /* largest window seen */
	uint32_t snd_queued;           /* octets in the queue from snd_una on */
	uint32_t sndbuf_max;
	uint32_t snd_charged;          /* true size pinned by the send queue */
	uint16_t snd_mss;              /* payload of one unit, options of a data segment subtracted */
	uint16_t peer_mss;             /* of the MSS option, floor applied; 536 if none */
	/* Linked by next; net_meta.seq is the number of each buffer's first octet.
	 * sndq_next holds the first octet never sent, NULL: none waits. */
	struct rte_mbuf *sndq_head, *sndq_tail, *sndq_next;
	struct rte_mbuf *sndq_spare;   /* lent by tcp_send_reserve(), not in the queue */
	uint32_t snd_sml;              /* end of the last small segment sent (Minshall) */
	int32_t out_budget;            /* octets that may still go out this turn; ACKs add to it */
	struct net_path path;

	/* loss recovery (RFC 6675, 9937) and round-trip time (RFC 6298) */
	struct tcp_rec *rec_head, *rec_tail;      /* what is in flight, by sequence number: record.h */
	struct tcp_rec *rec_hint;      /* where the last SACK block began */
	struct tcp_rec *rec_high;      /* holds the highest SACKed unit; NULL: nothing is SACKed */
	struct tcp_rec *rec_lost;      /* no unit below it is lost and waits for its retransmission */
	uint32_t rec_count;
	uint32_t lost_seq;             /* every unit that ends at or below it is SACKed or marked */
	uint32_t pipe_out, pipe_sacked, pipe_lost, pipe_rtx; /* octets: see record.c */
	uint32_t cwnd, ssthresh;
	uint32_t srtt8, rttvar4;       /* us << 3, us << 2; srtt8 0: no sample */
	uint32_t rto_us, min_rtt_us;
	uint32_t recover;              /* recovery point */
	uint32_t recover_fs, prr_delivered, prr_out;
	uint32_t tlp_end;              /* SND.NXT when the probe went out, if tlp_active */
	uint32_t undo_cwnd, undo_ssthresh;        /* before the reduction, if undo_valid */
	uint32_t undo_una;             /* SND.UNA when the episode began */
	uint32_t undo_rtx;             /* octets retransmitted in it and not reported as duplicates */
	uint32_t undo_tsval;           /* our clock at its first retransmission */
	uint32_t first_rtx_ms;         /* when the current series of timeouts began (R2, user timeout) */
	uint32_t cwnd_used;            /* most in flight in this window, and */
	uint32_t cwnd_limited_seq;     /* limited until here */
	uint32_t last_snd_ms;
	uint8_t ca_state;              /* enum tcp_ca_state */
	uint8_t backoff;               /* RTO doublings */
	uint8_t retries;               /* timeouts of the same data, SYNs, probes */
	uint8_t dup_acks;              /* saturates */
	bool tlp_active, tlp_rtx;      /* a tail probe is out; it was a retransmission */
	bool cwnd_limited, was_limited;/* cwnd held us back in this turn, in the one before */
	bool undo_valid;
	bool rescued;                  /* 6675's rescue retransmission was used in this episode */
	uint8_t probes_out;            /* keepalive probes unanswered */
	uint8_t dscp;
	const struct tcp_cc_ops *cc;
	uint64_t cc_priv[TCP_CC_PRIV / 8];

	/* rare */
	uint32_t iss, irs;
	uint32_t ts_offset;            /* added to the ms clock to make TSval */
	uint32_t timer[TCP_TIMERS];    /* deadlines in ticks of 10 us */
	struct wheel_timer wt;         /* armed for the earliest of timer[] or earlier */
	uint32_t challenge_ms;         /* last answer to an invalid segment */
	uint32_t last_rcv_ms;          /* keepalive */
	uint32_t user_timeout_ms;
	uint32_t created_ms;
	uint32_t syn_us;               /* when the SYN went out, for the first RTT sample */
	uint32_t linger_una;           /* snd_una when the orphan was last looked at */
	uint16_t ip_id;
	uint16_t soft_error;
	uint16_t error;
	uint16_t pmtu_gen;             /* of the stack, when the path MTU was last looked up */
	struct tcp_conn *next_output, *next_event;   /* membership: TCF_IN_OUTPUT, TCF_IN_EVENTS */
	union {
		struct tcp_conn *next_dead;    /* freed (TCF_DEAD and TCF_ORPHAN), waits for the end of tcp_output() */
		struct { struct tcp_conn *next_awaits, *prev_awaits; }; /* TCF_AWAITS */
		struct { uint32_t newer, older; } orphans[TCP_ORPHANS]; /* TCF_ORPHAN, alive: held.c */
	};
	void *user;
	struct tcp_user_opt user_opt;  /* for our SYN */
	uint64_t bytes_in, bytes_out, bytes_acked;
	uint32_t segs_in, segs_out, retransmits, rto_count, fast_recoveries, tlp_probes, dup_acks_total, ooo_segs,
		dsacks;
};
static_assert(sizeof(struct tcp_conn) <= 768, "idle connections are many");

/* ---- the stack ----------------------------------------------------------- */
struct tcp_table;   /* table.c: flow -> connection, half-open entry or TIME-WAIT entry */

/* Timestamp offsets of address pairs. Secrets other than cookies' never change. */
#define TCP_TS_SLOTS_LOG2 5
struct tcp_ts_cache {
	struct tcp_ts_slot {
		uint64_t addrs[4];     /* local, remote */
		uint32_t offset;
		bool known;
	} slot[1 << TCP_TS_SLOTS_LOG2];
};

struct tcp_stack {
	struct net_stack *net;
	struct net_stats *drops;       /* net_stats(net), for NET_DROP */
	struct wheel *wheel;
	struct tcp_config conf;
	struct tcp_user_ops ops;
	void *ops_ctx;
	struct tcp_steering steering;
	struct siphash_key table_key;  /* of this stack's flow table, unpredictable */
	struct pool conns, half_opens, time_waits, listeners, recs;
	struct tcp_table *table;
	struct tcp_conn *output_head, *output_tail;
	struct tcp_conn *event_head, *event_tail;
	struct tcp_conn *dead_head;    /* to be given back to the pool, see conn.c */
	uint32_t n_dead;
	uint32_t n_established;        /* now; tcp_stats() shows it */
	uint64_t rcv_pinned;           /* sum of rcv_charged */
	uint64_t rcv_promised;         /* sum of the connections' */
	uint64_t snd_pinned;           /* sum of snd_charged */
	uint64_t snd_pinned_max;       /* what payload_pool holds; 0: no limit */
	struct tcp_stats stats;
	struct listen_state *listen;   /* each of the file of that name */
	struct half_state *half;
	struct half_await_state *half_await;
	struct tw_state *tw;
	struct port_state *port;
	struct reset_state *reset;
	struct path_state *path;
	struct await_state *await;
	struct held_state *held;
	uint64_t *live[3];             /* bit per object of conns, half_opens, time_waits: tcp_list() */
	uint8_t rnd[64];               /* unpredictable octets in stock */
	uint8_t rnd_left;
	uint16_t pmtu_gen;             /* changes when any path MTU falls */
	struct tcp_ts_cache ts_cache;
};

static inline uint32_t tcp_now_ms(const struct tcp_stack *ts) { return (uint32_t)(net_now(ts->net) / 1000); }
static inline uint64_t tcp_now_us(const struct tcp_stack *ts) { return net_now(ts->net); }
/* Timestamp clock of this connection (RFC 7323 5.4: 1 ms). */
static inline uint32_t tcp_tsval(const struct tcp_conn *c) { return tcp_now_ms(c->ts) + c->ts_offset; }

/* ---- connection part: provides ------------------------------------------- */
/* Put on the output list: something may have to be sent this turn. */
void tcp_want_output(struct tcp_conn *c);
/* Note events for tcp_deliver(). Events of orphans are discarded. */
void tcp_raise(struct tcp_conn *c, unsigned events);
/* The connection is over: state CLOSED, out of the table, queues flushed (data
 * received before stays readable unless error is ECONNRESET), timers off;
 * error (positive errno, 0 normal) kept; TCP_EV_CLOSED raised; freed at once if
 * an orphan, but never before the current segment or callback is done with. */
void tcp_kill(struct tcp_conn *c, int error);
/* All of ours is acknowledged, both FINs are through: TIME-WAIT entry instead of the connection. */
void tcp_enter_time_wait(struct tcp_conn *c);
/* Our FIN was acknowledged: FIN-WAIT-1, CLOSING, LAST-ACK move on (2.5 5h-5j). */
void tcp_fin_acked(struct tcp_conn *c);
/* The peer's FIN was reached in order (called once): 2.5 step 8. rcv_nxt
 * counts it already, TCF_FIN_RCVD and TCF_ACK_NOW are set; state and TCP_EV_EOF are left. */
void tcp_fin_received(struct tcp_conn *c);
/* Timers: deadline in us of the stack clock. Lazy: see timer.c. */
void tcp_timer_set(struct tcp_conn *c, enum tcp_timer t, uint64_t deadline_us);
void tcp_timer_clear(struct tcp_conn *c, enum tcp_timer t);
static inline bool tcp_timer_on(const struct tcp_conn *c, enum tcp_timer t) { return c->timers_set & (1u << t); }
/* A pool was dry for this connection: soon its output is tried again, and the
 * user told that it may write, or read, if it wanted to. Nothing else would
 * tell, when nothing of ours is in flight. */
void tcp_no_memory(struct tcp_conn *c);
/* Answer to an invalid segment: an ACK, at most one per challenge_ack_ms (2.3). */
void tcp_challenge_ack(struct tcp_conn *c);
/* RST of an existing connection (2.2 "our own aborts"). */
void tcp_send_reset(struct tcp_conn *c);
/* Options of SYN and SYN-ACK; of any other segment (timestamps; SACK blocks by
 * the receiving part). buf has 40 octets; returns a multiple of 4. */
unsigned tcp_build_options(struct tcp_conn *c, uint8_t flags, uint8_t *buf);
/* Parse all options of a header; stops at the first malformed one (MUST-7). */
void tcp_parse_options(const uint8_t *opt, unsigned len, struct tcp_opts *out);
/* Payload per unit from peer_mss, path MTU and the options every data segment carries. */
void tcp_update_mss(struct tcp_conn *c);

/* ---- sending part: provides ---------------------------------------------- */
int tcp_snd_init(struct tcp_conn *c);              /* at creation; fields zeroed by the caller, iss set */
void tcp_snd_established(struct tcp_conn *c);      /* cwnd, cc, RTO; the handshake's RTT sample is already in */
void tcp_snd_free(struct tcp_conn *c);             /* release queue and records */
/* Step 5e-5g of 2.5: ACK field and SACK blocks of an acceptable segment (ack in
 * [snd_una - max window, snd_nxt]); window update; recovery; frees the queue;
 * calls tcp_fin_acked() and tcp_raise(). */
void tcp_ack_input(struct tcp_conn *c, const struct tcp_seg *seg);
/* A pure ACK that only moves snd_una forward, nothing noteworthy (fast path). */
void tcp_ack_fast(struct tcp_conn *c, const struct tcp_seg *seg);
/* RTT sample in us (RFC 6298). */
void tcp_rtt_sample(struct tcp_conn *c, uint32_t rtt_us);
/* One segment without payload at seq: SYN, SYN-ACK, ACK, FIN-less probes, RST.
 * Takes the ACK number and window from the connection (except RST without ACK). */
int tcp_send_control(struct tcp_conn *c, uint32_t seq, uint8_t flags);
/* A bare segment for a flow without a connection (RST, SYN-ACK of a half-open
 * entry or cookie, ACK of TIME-WAIT): everything given. opts: opt_len octets,
 * a multiple of 4. Neighbour resolved by route. */
struct tcp_bare {
	struct net_flow flow;
	uint32_t seq, ack;
	uint16_t wnd;
	uint8_t flags, dscp;
	uint8_t opt_len;
	uint8_t opts[40];
	/* Not NULL: where the next hop is not known yet nothing is sent, this says which neighbour it is, -EAGAIN;
	 * tcp_hop_resolved() will tell. NULL: the segment waits in the neighbour's short queue. */
	uint32_t *awaits;
};
int tcp_send_bare(struct tcp_stack *ts, const struct tcp_bare *b);
/* TCP_T_RTX fired (all modes but SYN handled here; SYN in connect.c). */
void tcp_rtx_expired(struct tcp_conn *c);
void tcp_cork_expired(struct tcp_conn *c);
/* TCP_T_MEMORY fired: is a short send to be tried again? */
void tcp_snd_memory(struct tcp_conn *c);
/* FIN was queued or data appended: arm persist or output. */
void tcp_snd_kick(struct tcp_conn *c);
/* Look up the path MTU and act if it fell. */
void tcp_pmtu_check(struct tcp_conn *c);
/* Path MTU fell: new snd_mss, what was lost goes out again, no reduction. */
void tcp_snd_pmtu(struct tcp_conn *c);
const struct tcp_cc_ops *tcp_cc_find(const char *name);

/* ---- receiving part: provides --------------------------------------------- */
int tcp_rcv_init(struct tcp_conn *c);              /* after negotiation; irs set */
void tcp_rcv_free(struct tcp_conn *c);
/* Window to offer before a connection exists, for SYN and SYN-ACK: octets, at
 * most 65535; and our shift for a buffer limit. */
uint16_t tcp_rcv_initial_window(const struct tcp_config *conf, uint32_t rcvbuf_max);
uint8_t tcp_rcv_wscale(uint32_t rcvbuf_max);
/* Steps 6-8 of 2.5: urgent, data, FIN of an acceptable segment. Takes seg->m
 * (sets it NULL) when it keeps or frees it. */
void tcp_data_input(struct tcp_conn *c, struct tcp_seg *seg);
/* In-order payload, nothing else noteworthy (fast path). */
void tcp_data_fast(struct tcp_conn *c, struct tcp_seg *seg);
/* The window field for a segment sent now; remembers rcv_edge. One place (pitfall 21). */
uint16_t tcp_rcv_window_field(struct tcp_conn *c, bool syn);
/* A segment that carries ACK went out: clears what was due (rcv_wup, delayed ACK, flags). */
void tcp_ack_sent(struct tcp_conn *c);
/* Must an ACK go out in this turn although no data does? May arm the delayed ACK. Returns how many (0..4). */
unsigned tcp_ack_due(struct tcp_conn *c);
void tcp_delack_expired(struct tcp_conn *c);
/* SACK option (with padding) into buf; room octets at most; 0 if nothing to say. */
unsigned tcp_sack_option(struct tcp_conn *c, uint8_t *buf, unsigned room);
/* Is seq/end acceptable (2.5 step 2)? */
bool tcp_seq_acceptable(const struct tcp_conn *c, const struct tcp_seg *seg);
/* A segment refused by tcp_seq_acceptable() that is about to be answered by an
 * ACK: if it repeats old data, that ACK reports it (DSACK). */
void tcp_rcv_old(struct tcp_conn *c, const struct tcp_seg *seg);
/* Receive half of tcp_set_buffers(); 0: unchanged. */
void tcp_rcv_set_limit(struct tcp_conn *c, uint32_t rcvbuf_max);
/* Octets held out of order. */
uint32_t tcp_ooo_bytes(const struct tcp_conn *c);

#endif
