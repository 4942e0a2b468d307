/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between the files of the sending part.
 */
#ifndef TCP_SND_H
#define TCP_SND_H

#include <netinet/in.h>

#include "proto/tcp/cc.h"
#include "proto/tcp/record.h"

#define TCP_OUT_TURN 65536       /* octets a connection sends a turn beyond what was acknowledged (5.6) */
#define TCP_OUT_ACKED_MAX (1 << 20) /* ... of which at most this much counts */
#define TCP_OUT_PIECES 32        /* payload buffers of one frame (8.1) */
#define TCP_COPY_MAX 256         /* payload up to here is copied behind the header */
#define TCP_CORK_US 200000

/* ---- send.c: the queue ---------------------------------------------------- */
/* Sequence number behind the last octet queued (FIN not counted). */
static inline uint32_t tcp_sndq_end(const struct tcp_conn *c)
{
	return (c->state <= TCP_SYN_RECEIVED ? c->iss + 1 : c->snd_una) + c->snd_queued;
}
/* Payload not sent yet. */
static inline uint32_t tcp_sndq_unsent(const struct tcp_conn *c)
{
	int32_t n = (int32_t)(tcp_sndq_end(c) - c->snd_nxt);

	return n > 0 ? (uint32_t)n : 0;
}
/* Something waits to be sent for the first time, FIN included. */
static inline bool tcp_snd_waiting(const struct tcp_conn *c)
{
	return tcp_sndq_unsent(c) > 0 ||
	       (c->flags & (TCF_FIN_QUEUED | TCF_FIN_SENT)) == TCF_FIN_QUEUED;
}
/* SND.UNA moves to una: free what lies before it. Tells events. */
void tcp_sndq_release(struct tcp_conn *c, uint32_t una);
/* snd_nxt has moved over len octets of payload. */
void tcp_sndq_advance(struct tcp_conn *c, uint32_t len);

/* ---- header.c: one segment ------------------------------------------------- */
struct tcp_out {
	uint32_t seq;
	uint32_t len;            /* payload octets, from buf on */
	struct rte_mbuf *buf;    /* of the send queue, holds seq */
	uint16_t seg;            /* unit; len <= seg: a plain packet */
	uint8_t flags;
	uint8_t opt_len;
	uint8_t opts[40];
};
/* Options as they stand now, and the unit that leaves room for them. */
void tcp_out_prepare(struct tcp_conn *c, struct tcp_out *o);
/* Shorten o->len to what fits one frame's pieces (by whole units). */
void tcp_out_fit(struct tcp_out *o);
/* Build and hand down. -ENOMEM: counted, nothing went out. */
int tcp_out_emit(struct tcp_conn *c, struct tcp_out *o, enum net_tx_class cls);
/* Pseudo header sum for the TCP checksum field, not complemented (8.1). */
static inline uint16_t tcp_pseudo_sum(rte_be32_t src, rte_be32_t dst, uint16_t tcp_len)
{
	uint32_t sum;

	sum = (src & 0xffff) + (src >> 16) + (dst & 0xffff) + (dst >> 16);
	sum += RTE_BE16(IPPROTO_TCP);
	sum += rte_cpu_to_be_16(tcp_len);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* ---- output.c, called by output_sched.c ----------------------------------------- */
/* The connection's turn begins: its share of 64 KiB plus what was acknowledged. */
void tcp_out_begin(struct tcp_conn *c);
/* One frame: a retransmission if one is due, else new data. Returns frames (0:
 * nothing may be sent now), -ENOMEM, or -EAGAIN: this turn's share is used up. */
int tcp_out_step(struct tcp_conn *c);
/* End of the connection's turn: ACKs that are due, timers. Returns frames. */
unsigned tcp_out_finish(struct tcp_conn *c);
/* New data beside the rules of SWS and congestion: override, tail probe. Returns frames or -ENOMEM. */
int tcp_out_force_new(struct tcp_conn *c, uint32_t max);
/* One unit again, cut to the present MSS. Returns frames or -ENOMEM. */
int tcp_out_unit(struct tcp_conn *c, struct tcp_rec *r, unsigned unit);
/* May this connection send data (again) in its state? */
static inline bool tcp_out_state(const struct tcp_conn *c)
{
	return c->state >= TCP_ESTABLISHED && c->state <= TCP_LAST_ACK && c->state != TCP_FIN_WAIT_2;
}

/* ---- sack.c -------------------------------------------------------------------- */
struct tcp_ack_state {
	uint32_t prior_una;
	uint32_t prior_pipe;
	uint32_t prior_sacked;
	uint32_t acked;          /* SND.UNA moved so far */
	uint32_t delivered;      /* D of RFC 9937: newly acknowledged or SACKed */
	uint32_t sacked_new, lost_new;
	uint32_t rtt_us;         /* sample of this ACK, 0: none */
	struct tcp_rec_acked rec;
	bool window_changed, dsack, dup;
};
void tcp_sack_input(struct tcp_conn *c, const struct tcp_seg *seg, struct tcp_ack_state *a);

/* ---- recovery.c ------------------------------------------------------------------ */
void tcp_recovery_ack(struct tcp_conn *c, const struct tcp_seg *seg, struct tcp_ack_state *a);
void tcp_recovery_enter_loss(struct tcp_conn *c);
/* NextSeg (3) and (4) of RFC 6675: a unit that is not known to be lost, when
 * nothing else may be sent in recovery. Returns frames, 0: none, or -ENOMEM. */
int tcp_recovery_next(struct tcp_conn *c);
/* PRR (RFC 9937), pure. */
struct tcp_prr {
	uint32_t delivered, out, recover_fs;
};
/* How much goes out now, octets. d: delivered by this ACK. safe: SND.UNA
 * advanced and nothing was newly marked lost. */
static inline uint32_t tcp_prr_allow(const struct tcp_prr *p, uint32_t pipe, uint32_t ssthresh, uint32_t d, bool safe,
				     uint32_t mss)
{
	int64_t n;

	if (pipe > ssthresh) { /* in proportion */
		uint64_t fs = tcp_max(p->recover_fs, 1);

		n = (int64_t)(((uint64_t)p->delivered * ssthresh + fs - 1) / fs) - p->out;
		if (n > 0) /* part of a unit lets a unit out; p->out remembers */
			n = (n + mss - 1) / mss * mss;
	} else {               /* up to ssthresh, as slow start would */
		n = RTE_MAX((int64_t)p->delivered - p->out, (int64_t)d);
		if (safe)
			n += mss;
		n = RTE_MIN(n, (int64_t)ssthresh - pipe);
	}
	if (p->out == 0)       /* the first fast retransmission always goes out */
		n = RTE_MAX(n, (int64_t)mss);
	return n > 0 ? (uint32_t)n : 0;
}

/* ---- undo.c ------------------------------------------------------------------------ */
void tcp_undo_begin(struct tcp_conn *c);
void tcp_undo_dsack(struct tcp_conn *c, uint32_t start, uint32_t end);
/* A retransmission of octets went out. */
void tcp_undo_sent(struct tcp_conn *c, uint32_t octets);
/* Proof by timestamps (RFC 3522) or by DSACKs that nothing was lost: restored. */
bool tcp_undo_try(struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_ack_state *a);

/* ---- tlp.c -------------------------------------------------------------------------- */
/* Is a tail probe due before the RTO? Then when, in us from now. */
bool tcp_tlp_wanted(const struct tcp_conn *c, uint64_t *pto_us);
void tcp_tlp_expired(struct tcp_conn *c);
void tcp_tlp_ack(struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_ack_state *a);

/* ---- rto.c, persist.c ------------------------------------------------------------------ */
/* RTO with its backoff, us. */
uint64_t tcp_rto_backed_off(const struct tcp_conn *c);
/* Choose the purpose of TCP_T_RTX and set it: after an ACK, after output. */
void tcp_rtx_rearm(struct tcp_conn *c);
/* The same, only if nothing is armed. */
void tcp_rtx_arm(struct tcp_conn *c);
void tcp_persist_arm(struct tcp_conn *c);
void tcp_persist_expired(struct tcp_conn *c);
/* An acceptable ACK came: counts of unanswered probes. */
void tcp_persist_ack(struct tcp_conn *c, const struct tcp_ack_state *a);
/* A probe of a shut window is due: counted for its peer. True: the peer has too many such connections
 * (RFC 6429) and this one was reset. */
bool tcp_persist_limited(struct tcp_conn *c);
/* R2 or the user timeout reached? Kills and returns true. */
bool tcp_rtx_give_up(struct tcp_conn *c);

/* ---- rtt.c ------------------------------------------------------------------------------ */
struct tcp_rtt {
	uint32_t srtt8, rttvar4; /* us << 3, us << 2 */
};
void tcp_rtt_update(struct tcp_rtt *r, uint32_t rtt_us);
/* RFC 6298 2.3 with G = 1 ms, no bounds. */
uint32_t tcp_rtt_rto(const struct tcp_rtt *r);
/* Sample of an ACK by TSecr, when only retransmitted data was acknowledged; 0: none. */
uint32_t tcp_rtt_by_tsecr(const struct tcp_conn *c, const struct tcp_seg *seg, uint32_t first_us);

#endif
