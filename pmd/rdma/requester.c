/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Work requests to packets. A packet is made of its PSN alone, from the
 * registered buffer, whether it leaves for the first time or again.
 */
#include <errno.h>

#include "pmd/rdma/roce_private.h"

#define ASK_EVERY 32             /* packets without AckReq at most */

void requester_start(struct roce_qp *qp)
{
	qp->una = qp->nxt = qp->max = qp->post_psn = qp->c.attr.sq_psn;
	qp->cur = qp->c.sq_tail;
}

void requester_posted(struct roce_qp *qp, unsigned n)
{
	unsigned shift = 7U + qp->c.attr.mtu;

	for (uint32_t pos = qp->c.sq_tail - n; pos != qp->c.sq_tail; pos++) {
		struct wqe *e = core_wqe(&qp->c, pos);

		e->first_psn = qp->post_psn;
		e->n_pkts = e->len == 0 ? 1 : (uint32_t)(((uint64_t)e->len + qp->mtu - 1) >> shift);
		qp->post_psn = psn_add(qp->post_psn, e->n_pkts);
	}
	qp_ready(qp);
}

void requester_go_back(struct roce_qp *qp)
{
	qp->nxt = qp->una;
	qp->cur = qp->c.sq_done;
	qp->blocked = false;
	qp->ask = true;
	qp->probe_due = false;
	/* What is sent twice measures nothing. */
	qp->rtt_running = false;
	qp_ready(qp);
}

static bool window_open(const struct roce_qp *qp)
{
	return psn_from(qp->nxt, qp->una) < qp->cwnd;
}

bool requester_may_send(const struct roce_qp *qp)
{
	if (qp->c.rd.state != RD_QP_RTS || qp->rnr)
		return false;
	return qp->probe_due || (qp->cur != qp->c.sq_tail && !qp->blocked && window_open(qp));
}

/* ---- one packet ------------------------------------------------------------------ */

static void put_payload(struct packet *p, const struct wqe *e, uint32_t offset, uint32_t len)
{
	if (e->flags & RD_F_INLINE) {
		packet_put(p, e->inl + offset, len);
		return;
	}
	for (unsigned i = 0; i < e->n_sge && len != 0; i++) {
		uint32_t n;

		if (offset >= e->sge[i].len) {
			offset -= e->sge[i].len;
			continue;
		}
		n = RTE_MIN(len, e->sge[i].len - offset);
		packet_put(p, (const uint8_t *)e->sge[i].addr + offset, n);
		len -= n;
		offset = 0;
	}
}

static uint8_t segment(const struct wqe *e, uint32_t idx)
{
	if (e->n_pkts == 1)
		return SEG_ONLY;
	if (idx == 0)
		return SEG_FIRST;
	return idx + 1 == e->n_pkts ? SEG_LAST : SEG_MIDDLE;
}

/* -ENOMEM, -EACCES. */
static int emit(struct roce_qp *qp, const struct wqe *e, uint32_t psn, bool ask)
{
	struct roce *r = roce_of(qp);
	uint32_t idx = psn_from(psn, e->first_psn), offset = idx * qp->mtu;
	uint32_t len = RTE_MIN(qp->mtu, e->len - offset);
	bool reth = e->op == RD_OP_WRITE && idx == 0;
	struct packet_fields f = { .ack_req = ask, .psn = psn, .ip_id = r->ip_id };
	struct packet p;

	if (!core_source_ok(&qp->c, e))
		return -EACCES;
	f.op = (uint8_t)((e->op == RD_OP_WRITE ? OP_WRITE_FIRST : OP_SEND_FIRST) + segment(e, idx));
	if ((e->flags & RD_F_SOLICITED) && e->op == RD_OP_SEND && idx + 1 == e->n_pkts)
		f.flags = BTH_SE;
	if (packet_begin(&p, r->pool, &qp->tmpl, &f, reth ? sizeof(struct roce_reth) : 0, len) != 0) {
		r->c.counters.no_mbuf++;
		return -ENOMEM;
	}
	r->ip_id++;
	if (reth) {
		struct roce_reth h = { rte_cpu_to_be_64(e->raddr), rte_cpu_to_be_32(e->rkey),
				       rte_cpu_to_be_32(e->len) };

		packet_put(&p, &h, sizeof(h));
	}
	put_payload(&p, e, offset, len);
	roce_tx(qp, packet_end(&p, &qp->tmpl));
	return 0;
}

/* ---- sending ------------------------------------------------------------------------ */

static unsigned send_probe(struct roce_qp *qp, uint64_t now_us)
{
	uint32_t psn = psn_add(qp->max, PSN_MASK), pos = qp->cur;
	const struct wqe *e = core_wqe(&qp->c, pos);

	qp->probe_due = false;
	if (qp->nxt != qp->max || in_flight(qp) == 0)
		return 0;
	/* The last packet sent is of cur only when that was begun. */
	if (pos == qp->c.sq_tail || e->first_psn == qp->max)
		e = core_wqe(&qp->c, pos - 1);
	if (emit(qp, e, psn, true) != 0)
		return 0;
	qp->rtt_running = false;
	timer_probe_sent(qp, psn, now_us);
	counters_of(qp)->tail_probes++;
	counters_of(qp)->retransmitted_pkts++;
	qp->retransmits++;
	return 1;
}

static void count_sent(struct roce_qp *qp, const struct wqe *e, bool end)
{
	struct rd_counters *c = counters_of(qp);

	if (qp->nxt != qp->max) {
		c->retransmitted_pkts++;
		qp->retransmits++;
	} else {
		qp->max = psn_add(qp->max, 1);
		if (end && e->op == RD_OP_SEND)
			c->rdma_sends++;
		else if (end)
			c->rdma_writes++;
	}
}

/* last: of what leaves in a row now. */
static int send_next(struct roce_qp *qp, uint64_t now_us, bool last)
{
	const struct wqe *e = core_wqe(&qp->c, qp->cur);
	bool end = psn_from(qp->nxt, e->first_psn) + 1 == e->n_pkts;
	uint32_t every = RTE_MIN(ASK_EVERY, qp->cwnd / 4);
	bool ask = last || qp->ask || (end && ((e->flags & RD_F_SIGNAL) || qp->cur + 1 == qp->c.sq_tail)) ||
		   qp->since_req + 1U >= every;
	int rc = emit(qp, e, qp->nxt, ask);

	if (rc != 0)
		return rc;
	timer_sent(qp, qp->nxt, ask && qp->nxt == qp->max, now_us);
	count_sent(qp, e, end);
	qp->nxt = psn_add(qp->nxt, 1);
	qp->cur += end;
	qp->since_req = ask ? 0 : qp->since_req + 1;
	qp->ask = false;
	return 0;
}

/* Fails when all before it are through. */
static void block(struct roce_qp *qp)
{
	if (qp->cur == qp->c.sq_done)
		core_qp_fail(&qp->c, RD_WC_LOC_PROT_ERR, true);
	else
		qp->blocked = true;
}

unsigned requester_output(struct roce_qp *qp, uint64_t now_us, unsigned limit)
{
	unsigned sent = 0, room, n;
	int rc = 0;

	if (qp->probe_due && limit != 0)
		sent += send_probe(qp, now_us);
	room = window_open(qp) ? qp->cwnd - psn_from(qp->nxt, qp->una) : 0;
	n = RTE_MIN(limit - sent, room);
	for (unsigned i = 0; i < n && rc == 0 && qp->cur != qp->c.sq_tail && !qp->blocked; i++) {
		rc = send_next(qp, now_us, i + 1 == n);
		sent += rc == 0;
	}
	if (rc == -EACCES)
		block(qp);
	if (qp->cur != qp->c.sq_tail && !window_open(qp))
		counters_of(qp)->win_limited++;
	return sent;
}
