/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine inside: what roce.c (life, packets in and out), qp.c, requester.c,
 * ack.c, window.c, timer.c, responder.c, read.c and reply.c share.
 */
#ifndef RDMA_ROCE_PRIVATE_H
#define RDMA_ROCE_PRIVATE_H

#include "pmd/rdma/core.h"
#include "pmd/rdma/packet.h"
#include "pmd/rdma/psn.h"
#include "pmd/rdma/roce.h"

#define READS_MAX 16             /* READ requests of a peer remembered */

/* A READ of the peer: PSNs first_psn.. are its responses'. */
struct read_req {
	uint64_t va;
	uint32_t rkey, len;
	uint32_t first_psn, n_pkts;
	uint32_t sent;           /* responses */
};

/* How to answer; what is more important is greater. */
enum reply { REPLY_NONE, REPLY_ACK, REPLY_NAK_SEQ, REPLY_NAK };

enum message { MSG_NONE, MSG_SEND, MSG_WRITE };

struct roce_qp {
	struct core_qp c;

	/* ---- requester: una <= nxt <= max, all of one window ---- */
	uint32_t una;            /* oldest PSN not acknowledged */
	uint32_t nxt;            /* to be sent next: behind max while sent again */
	uint32_t max;            /* beyond the greatest ever sent */
	uint32_t post_psn;       /* of what is posted next */
	uint32_t cur;            /* ring position of the work request nxt belongs to */
	uint32_t mtu;            /* octets */
	uint16_t since_req;      /* packets since the last that asked for an answer */
	bool ask;                /* the next packet does */
	bool blocked;            /* cur cannot be sent: fails when it is the oldest */
	bool rnr;                /* the receiver is not ready, deadline says until when */
	bool probe_due;          /* the last packet is to be sent again */
	bool probed;             /* since the last progress */

	/* ---- window ---- */
	uint16_t cwnd;
	uint16_t cwnd_acked;     /* packets since it last grew */
	uint64_t cut_us, cnp_us; /* last cut */

	/* ---- time, microseconds ---- */
	struct wheel_timer timer;
	uint64_t armed_us;       /* what timer is armed for */
	uint64_t deadline_us;    /* WHEEL_NEVER: none */
	uint64_t progress_us;    /* last progress, or begin of the flight */
	uint64_t count_us;       /* when the silence counts as a retry */
	uint32_t ack_timeout_us; /* 0: never counts */
	uint32_t srtt_us, rttvar_us, rtt_least_us;
	uint32_t rto_us;
	uint32_t rto_floor_us;   /* rto_min_us or more: raised by each needless retransmission, falls slowly */
	uint64_t floor_us;       /* when it last moved */
	uint64_t rtt_from_us;
	uint32_t rtt_psn;
	bool rtt_running;
	bool again;              /* again_lo up to again_hi were sent again after a silence; at again_us */
	uint32_t again_lo, again_hi;
	uint64_t again_us;
	uint32_t late_us;        /* the silence's length when the answer came; 0: it has not */
	uint8_t backoff;         /* doublings of rto_us */
	uint8_t retries, rnr_retries;
	uint32_t nak_psn;        /* resent from there */
	uint64_t nak_us;         /* at that time */
	bool nak_seen;

	/* ---- responder ---- */
	uint32_t epsn;           /* expected */
	uint32_t msn;
	uint8_t message;         /* enum message: begun, not ended */
	bool nak_sent;           /* for epsn */
	uint8_t reply;           /* enum reply */
	uint32_t acked;          /* epsn as last acknowledged */
	uint32_t again_epsn;     /* epsn when the packet before it came once more, not acknowledged yet */
	uint8_t syndrome;        /* of REPLY_NAK */
	uint32_t reply_psn;      /* of REPLY_NAK */
	uint32_t nak_high;       /* greatest PSN thrown away since epsn was missing */
	uint32_t got;            /* octets of the SEND so far */
	uint32_t rkey;           /* of the WRITE */
	uint64_t va;
	uint32_t left;           /* octets of the WRITE still to come */
	struct read_req reads[READS_MAX];
	uint32_t read_tail, read_done; /* positions, as in rings: requests, answered ones */
	struct read_req replay;  /* a repeated request, answered behind all others; n_pkts 0: none */

	/* ---- output ---- */
	uint64_t peer;           /* source and destination address of its packets */
	struct packet_template tmpl;
	TAILQ_ENTRY(roce_qp) ready_link, reply_link;
	bool on_ready, on_reply;

	uint64_t retransmits, rnr_naks_in, rnr_naks_out, seq_naks_in, seq_naks_out;
};

TAILQ_HEAD(roce_qps, roce_qp);

struct roce {
	struct core_dev c;
	struct roce_env env;
	struct wheel *wheel;
	struct rte_mempool *pool;
	struct roce_qps ready, reply;
	uint16_t window, burst;
	uint32_t rto_min_us;
	uint16_t ip_id;
	uint16_t vlan;
};

static inline struct roce *roce_of(const struct roce_qp *qp)
{
	return (struct roce *)qp->c.rd.dev;
}

static inline struct rd_counters *counters_of(const struct roce_qp *qp)
{
	return &roce_of(qp)->c.counters;
}

static inline uint64_t addr_pair(uint32_t src, uint32_t dst)
{
	return (uint64_t)src << 32 | dst;
}

/* Packets sent, not acknowledged. */
static inline uint32_t in_flight(const struct roce_qp *qp)
{
	return psn_from(qp->max, qp->una);
}

/* ---- qp.c ------------------------------------------------------------------------ */
extern const struct core_ops roce_core_ops;
void roce_qp_query(const struct rd_qp *rd, struct rd_qp_info *out);
/* Onto the list of those that have packets, or answers, to send. */
void qp_ready(struct roce_qp *qp);
void qp_reply(struct roce_qp *qp);
void qp_not_ready(struct roce_qp *qp);
void qp_not_reply(struct roce_qp *qp);

/* ---- requester.c ------------------------------------------------------------------- */
void requester_start(struct roce_qp *qp);
void requester_posted(struct roce_qp *qp, unsigned n);
/* Sends at most limit packets; how many. */
unsigned requester_output(struct roce_qp *qp, uint64_t now_us, unsigned limit);
/* Everything not acknowledged is sent again, from una. */
void requester_go_back(struct roce_qp *qp);
/* Could send without an answer or a deadline. */
bool requester_may_send(const struct roce_qp *qp);

/* ---- ack.c: the peer's answers ------------------------------------------------------ */
void ack_input(struct roce_qp *qp, const struct roce_pkt *p, uint64_t now_us);

/* ---- window.c ------------------------------------------------------------------------ */
void window_start(struct roce_qp *qp);
void window_acked(struct roce_qp *qp, uint32_t n);
void window_lost(struct roce_qp *qp, uint64_t now_us);
void window_cnp(struct roce_qp *qp, uint64_t now_us);

/* ---- timer.c --------------------------------------------------------------------------- */
void timer_start(struct roce_qp *qp);
void timer_stop(struct roce_qp *qp);
/* A packet leaves. */
void timer_sent(struct roce_qp *qp, uint32_t psn, bool ack_req, uint64_t now_us);
/* Packets before una were acknowledged; ahead: some that were yet to be sent again. */
void timer_progress(struct roce_qp *qp, bool ahead, uint64_t now_us);
/* The packet is sent again because nothing was heard. */
void timer_probe_sent(struct roce_qp *qp, uint32_t psn, uint64_t now_us);
/* An acknowledgement of what is known to have arrived. */
void timer_old_ack(struct roce_qp *qp, uint32_t psn, uint64_t now_us);
/* Silent until then. */
void timer_rnr(struct roce_qp *qp, uint8_t code, uint64_t now_us);
void timer_fired(void *ctx, struct wheel_timer *t, uint64_t now_us);
uint32_t timer_rnr_us(uint8_t code);

/* ---- responder.c ------------------------------------------------------------------------ */
void responder_start(struct roce_qp *qp);
void responder_input(struct roce_qp *qp, struct rte_mbuf *m, const struct roce_pkt *p);
/* The request at epsn is refused for good: NAK, ERR. */
void responder_refuse(struct roce_qp *qp, uint8_t syndrome);

/* ---- read.c -------------------------------------------------------------------------------- */
/* The READ at epsn. */
void read_input(struct roce_qp *qp, const struct roce_pkt *p);
void read_again(struct roce_qp *qp, const struct roce_pkt *p);
static inline bool read_pending(const struct roce_qp *qp)
{
	return qp->read_done != qp->read_tail || qp->replay.n_pkts != 0;
}
/* Sends at most limit responses; how many. */
unsigned read_output(struct roce_qp *qp, unsigned limit);

/* ---- reply.c --------------------------------------------------------------------------------- */
void reply_ack(struct roce_qp *qp);
/* To a packet that came before. */
void reply_again(struct roce_qp *qp, uint32_t psn);
void reply_nak_seq(struct roce_qp *qp, uint32_t psn);
/* At epsn, with that syndrome. */
void reply_nak(struct roce_qp *qp, uint8_t syndrome);
/* In order again: a pending NAK may have become needless. */
void reply_in_order(struct roce_qp *qp);
/* Sends responses and one ACK or NAK, at most limit packets; how many. */
unsigned reply_output(struct roce_qp *qp, unsigned limit);

/* A packet is ready to leave on the queue pair's way. */
void roce_tx(struct roce_qp *qp, struct rte_mbuf *m);

#endif
