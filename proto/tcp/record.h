/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is in flight: one record for each segment or super-segment handed down,
 * in order of sequence numbers, from the stack's pool `recs` while unacknowledged.
 *
 * A record is divided into units of `seg` octets, the way the device cuts it,
 * so that SACK edges fall on unit borders; an edge inside a unit leaves the
 * unit not SACKed. Records are never split. A FIN belongs to the last unit.
 *
 * Counters in the connection, octets of whole units that are not yet
 * acknowledged to their end:
 *   pipe_out     all of them
 *   pipe_sacked  SACKed
 *   pipe_lost    marked lost (never SACKed ones)
 *   pipe_rtx     retransmitted, that copy outstanding (never SACKed ones)
 */
#ifndef TCP_RECORD_H
#define TCP_RECORD_H

#include "proto/tcp/tcp_impl.h"

#define TCP_REC_UNITS 64
#define TCP_REC_MAX 4096       /* records a connection may hold (CVE-2019-11478) */

enum tcp_rec_flags {
	TCP_REC_FIN = 1 << 0,  /* the last octet counted is our FIN */
	TCP_REC_RTX = 1 << 1,  /* a unit of it was retransmitted: no RTT sample (Karn) */
};

struct tcp_rec {
	uint32_t next, prev;   /* index in the pool, 0: none */
	struct rte_mbuf *buf;  /* of the send queue, holds seq or an octet at or before SND.UNA */
	uint64_t sacked;       /* bit per unit; sacked excludes lost and rtx */
	uint64_t lost;
	uint64_t rtx;          /* retransmitted and outstanding */
	uint32_t seq, len;     /* FIN counted */
	uint32_t sent_us;      /* last first transmission, low 32 bits of the clock */
	uint32_t rtx_us;       /* last retransmission */
	uint16_t seg;          /* unit, fixed for life */
	uint8_t n;             /* units, 1..64 */
	uint8_t first;         /* units before it are acknowledged */
	uint8_t flags;         /* enum tcp_rec_flags */
	uint8_t reserved[3];
};
static_assert(sizeof(struct tcp_rec) == 64, "one cache line");

static inline struct tcp_rec *tcp_rec_at(const struct tcp_conn *c, uint32_t idx)
{
	return idx ? (struct tcp_rec *)(c->ts->recs.base + ((size_t)idx << 6)) : NULL;
}

static inline uint32_t tcp_rec_index(const struct tcp_conn *c, const struct tcp_rec *r)
{
	return r ? (uint32_t)(((const uint8_t *)r - c->ts->recs.base) >> 6) : 0;
}

static inline struct tcp_rec *tcp_rec_next(const struct tcp_conn *c, const struct tcp_rec *r)
{
	return tcp_rec_at(c, r->next);
}

static inline struct tcp_rec *tcp_rec_prev(const struct tcp_conn *c, const struct tcp_rec *r)
{
	return tcp_rec_at(c, r->prev);
}

static inline uint32_t tcp_rec_end(const struct tcp_rec *r)
{
	return r->seq + r->len;
}

/* Bits [from, to), 0 <= from <= to <= 64. */
static inline uint64_t tcp_bits(unsigned from, unsigned to)
{
	uint64_t below = to >= 64 ? UINT64_MAX : (UINT64_C(1) << to) - 1;

	return from >= 64 ? 0 : below & (UINT64_MAX << from);
}

/* Units not acknowledged. */
static inline uint64_t tcp_rec_valid(const struct tcp_rec *r)
{
	return tcp_bits(r->first, r->n);
}

static inline uint32_t tcp_rec_unit_seq(const struct tcp_rec *r, unsigned u)
{
	return r->seq + u * r->seg;
}

static inline uint32_t tcp_rec_unit_end(const struct tcp_rec *r, unsigned u)
{
	return u + 1u == r->n ? tcp_rec_end(r) : r->seq + (u + 1u) * r->seg;
}

/* Octets of the units in mask, FIN counted. */
static inline uint32_t tcp_rec_octets(const struct tcp_rec *r, uint64_t mask)
{
	uint32_t octets = (uint32_t)__builtin_popcountll(mask) * r->seg;

	if (mask >> (r->n - 1) & 1)
		octets += r->len - (uint32_t)r->n * r->seg;
	return octets;
}

/* Octets in the network by our reckoning (RFC 6675 "pipe"). */
static inline uint32_t tcp_pipe(const struct tcp_conn *c)
{
	return c->pipe_out - c->pipe_sacked - c->pipe_lost + c->pipe_rtx;
}

/* A new record behind the last one, for len octets (FIN counted) from snd_nxt
 * on in units of seg. -ENOMEM (counted): nothing may be sent. */
int tcp_rec_add(struct tcp_conn *c, uint32_t len, uint16_t seg, uint8_t flags, struct rte_mbuf *buf);
/* The record just added never left: take it back. */
void tcp_rec_drop_tail(struct tcp_conn *c);

/* What an ACK does. */
struct tcp_rec_acked {
	uint32_t fresh;        /* octets acknowledged that were not SACKed before */
	uint32_t rtt_sent_us;  /* first transmission of the newest unit never retransmitted */
	uint32_t first_us;     /* first transmission of the oldest unit acknowledged */
	bool rtt_valid;
	bool rtx;              /* some of it had been retransmitted */
};
/* Remove everything up to una (the new SND.UNA). Adds to out. */
void tcp_rec_ack(struct tcp_conn *c, uint32_t una, struct tcp_rec_acked *out);
/* Mark [start, end) SACKed, rounded inwards. Returns octets newly SACKed. */
uint32_t tcp_rec_sack(struct tcp_conn *c, uint32_t start, uint32_t end, struct tcp_rec_acked *out);
/* Mark units lost: those of mask that are neither SACKed nor lost. Their
 * earlier retransmissions count as lost too. Returns octets newly marked. */
uint32_t tcp_rec_mark(struct tcp_conn *c, struct tcp_rec *r, uint64_t mask);
/* RTO: everything not SACKed is lost, its retransmissions as well. */
void tcp_rec_mark_all(struct tcp_conn *c);
/* RFC 6675 IsLost() for all units below the highest SACKed. Returns octets newly marked. */
uint32_t tcp_rec_mark_sack(struct tcp_conn *c);
/* Spurious: nothing is lost after all. */
void tcp_rec_clear_lost(struct tcp_conn *c);
/* Reneging: forget every SACK. */
void tcp_rec_clear_sacked(struct tcp_conn *c);
/* Lowest unit that is lost and not retransmitted; NULL: none. */
struct tcp_rec *tcp_rec_next_lost(struct tcp_conn *c, unsigned *unit);
/* The unit was retransmitted. */
void tcp_rec_retransmitted(struct tcp_conn *c, struct tcp_rec *r, unsigned unit);
/* The first unit not acknowledged is SACKed: the peer forgot (RFC 2018 8). */
bool tcp_rec_reneged(const struct tcp_conn *c);
/* Give all records back, counters to 0. */
void tcp_rec_flush(struct tcp_conn *c);
/* Counters recomputed from the bitmaps agree; for tests. */
bool tcp_rec_consistent(const struct tcp_conn *c);

#endif
