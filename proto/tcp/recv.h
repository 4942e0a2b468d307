/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside the receiving part of proto/tcp: what its files call of one another.
 *
 * Payload lies in single-segment mbufs linked by next: the queue of octets in
 * order (rcvq_head), and ranges out of order (ooo). Each buffer is charged at
 * its true size, once, from the moment it is kept until it leaves; the stack's
 * rcv_pinned is the sum over its connections.
 */
#ifndef TCP_RECV_H
#define TCP_RECV_H

#include "proto/tcp/tcp_impl.h"

/* Ranges out of order per connection (CVE-2018-5390: bounded work). */
#define TCP_OOO_MAX 64
/* ACKs sent at once at the start and after idling (7.1). */
#define TCP_QUICK_ACKS 16
#define TCP_RCV_MSS_INIT 536
#define TCP_RCV_MSS_MIN 88

/* A list of buffers linked by next. */
struct rcv_list {
	struct rte_mbuf *head, *tail;
};

/* Octets of memory a buffer keeps from its pool. */
static inline uint32_t rcv_true_size(const struct rte_mbuf *m)
{
	return m->buf_len + (uint32_t)sizeof(*m);
}

/* What a connection may pin: twice its octets, as the ratio payload to true
 * size starts at one half. */
static inline uint32_t rcv_true_limit(const struct tcp_conn *c)
{
	return 2 * c->rcvbuf;
}

/* First octet the user has not consumed. */
static inline uint32_t rcv_copied(const struct tcp_conn *c)
{
	return c->rcv_nxt - c->rcv_queued - ((c->flags & TCF_FIN_RCVD) ? 1 : 0);
}

/* ---- store.c: keeping buffers ------------------------------------------ */
/* Quarters of conf.rcv_pinned_max in use: 0 (below half), 2, 3, 4 (beyond). */
unsigned rcv_pressure(const struct tcp_stack *ts);
/*
 * Keep one buffer (single segment, payload only) at the end of a list: by
 * copying into the list's last buffer, into buffers of payload_pool, or by
 * linking it. Takes m and returns the octets charged (0 is possible), or
 * returns -ENOMEM and leaves m to the caller; only with may_refuse.
 */
int64_t rcv_store(struct tcp_conn *c, struct rcv_list *l, struct rte_mbuf *m, bool may_refuse);
/* A private copy of len octets at off of m, from payload_pool; NULL: dry, or longer than a buffer. */
struct rte_mbuf *rcv_copy(const struct tcp_conn *c, const struct rte_mbuf *m, uint32_t off, uint32_t len);
/* Remove the charge of a buffer that leaves; returns it. */
uint32_t rcv_uncharge(struct tcp_conn *c, struct rte_mbuf *m);
/* Uncharge and free a list; returns buffers freed. */
unsigned rcv_free_list(struct tcp_conn *c, struct rte_mbuf *head);

/* ---- ooo.c --------------------------------------------------------------- */
/*
 * Keep one buffer at seq, inside the window and beyond rcv_nxt (or at it, with
 * in_order: then no limit applies). Octets held already win. Takes m. Returns
 * octets newly held; *dup is widened to what was held already, if anything.
 */
uint32_t ooo_insert(struct tcp_conn *c, struct rte_mbuf *m, uint32_t seq, bool in_order, struct tcp_range *dup);
/* Start of the lowest range; only with ooo_count > 0. */
uint32_t ooo_first(const struct tcp_conn *c);
/* The range that holds seq; false: none. */
bool ooo_range_at(const struct tcp_conn *c, uint32_t seq, struct tcp_range *r);
/* Move what rcv_nxt has reached to the queue; returns octets moved. */
uint32_t ooo_drain(struct tcp_conn *c);
/* Forget everything from seq on: the peer's FIN is there. */
void ooo_truncate(struct tcp_conn *c, uint32_t seq);
/* Forget everything: the connection ends. */
void ooo_free(struct tcp_conn *c);
/* The first ranges, lowest first; returns how many. */
unsigned ooo_ranges(const struct tcp_conn *c, struct tcp_range *out, unsigned max);

/* ---- sack_out.c: what we report --------------------------------------------- */
/* The range that holds what just arrived comes first. */
void sack_note(struct tcp_conn *c, const struct tcp_range *r);
/* Data from seq on was forgotten. */
void sack_forget(struct tcp_conn *c, uint32_t seq);
/* rcv_nxt moved. */
void sack_advance(struct tcp_conn *c);
/* Duplicate octets arrived: report them once (RFC 2883). */
void dsack_note(struct tcp_conn *c, uint32_t start, uint32_t end);

/* ---- window.c ----------------------------------------------------------------- */
/* The right edge could move far enough to tell the peer now (3.2). */
bool rcv_update_due(const struct tcp_conn *c);
/* Nothing is offered any more: the connection ends. */
void rcv_promise_none(struct tcp_conn *c);

/* ---- autotune.c ----------------------------------------------------------------- */
/* A segment with len octets arrived in order. */
void rcv_measure(struct tcp_conn *c, const struct tcp_seg *seg, uint32_t len);
/* The user consumed. */
void rcv_adjust(struct tcp_conn *c);
/* A buffer of true size charge holds a full segment of len octets. */
void rcv_ratio(struct tcp_conn *c, uint32_t len, uint32_t charge);

/* ---- ackpolicy.c ---------------------------------------------------------------- */
/* An ACK goes out this turn, whatever else. */
void ack_now(struct tcp_conn *c);
/* len octets in order. */
void ack_note(struct tcp_conn *c, uint32_t len);
/* A segment out of order: without SACK the sender counts the ACKs. */
void ack_note_ooo(struct tcp_conn *c);

/* ---- urgent.c ------------------------------------------------------------------- */
void rcv_urgent(struct tcp_conn *c, const struct tcp_seg *seg, uint32_t seq);
/* The user consumed: forget a mark that was passed. */
void rcv_urgent_passed(struct tcp_conn *c);

#endif
