/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests of the peer, in order of PSN (InfiniBand 9.7.4, 9.9). */
#include <rte_memcpy.h>

#include "pmd/rdma/roce_private.h"

void responder_start(struct roce_qp *qp)
{
	qp->epsn = qp->acked = qp->again_epsn = qp->c.attr.rq_psn;
}

void responder_refuse(struct roce_qp *qp, uint8_t syndrome)
{
	if (syndrome == AETH_NAK_INVALID)
		counters_of(qp)->invalid_request++;
	reply_nak(qp, syndrome);
	core_qp_fail(&qp->c, RD_WC_SUCCESS, true);
}

static void executed(struct roce_qp *qp, const struct roce_pkt *p)
{
	qp->epsn = psn_add(qp->epsn, 1);
	reply_in_order(qp);
	if (p->ack_req)
		reply_ack(qp);
}

/* len octets of the packet from its payload on, to memory that may be written. */
static void copy_out(struct rte_mbuf *m, uint32_t from, uint8_t *to, uint32_t len)
{
	for (; len != 0; m = m->next) {
		uint32_t n;

		if (from >= m->data_len) {
			from -= m->data_len;
			continue;
		}
		n = RTE_MIN(len, m->data_len - from);
		rte_memcpy(to, rte_pktmbuf_mtod_offset(m, uint8_t *, from), n);
		to += n;
		len -= n;
		from = 0;
	}
}

/* Lengths by place in the message (9.7.4.1.6): First and Middle are full, Last
 * is not empty, and only what is not full has a pad. */
static bool length_ok(const struct roce_qp *qp, const struct roce_pkt *p, unsigned seg)
{
	if (seg == SEG_FIRST || seg == SEG_MIDDLE)
		return p->payload_len == qp->mtu && BTH_PAD(p->flags) == 0;
	if (p->payload_len > qp->mtu || BTH_PAD(p->flags) != (-p->payload_len & 3))
		return false;
	return seg == SEG_ONLY || p->payload_len != 0;
}

/* Whether such a piece may come now (9.7.4.1.5). */
static bool sequence_ok(const struct roce_qp *qp, enum message message, unsigned seg)
{
	if (seg == SEG_FIRST || seg == SEG_ONLY)
		return qp->message == MSG_NONE;
	return qp->message == message;
}

/* ---- SEND --------------------------------------------------------------------------- */

/* Into the oldest receive, behind what it has. */
static bool scatter(struct roce_qp *qp, struct rte_mbuf *m, const struct roce_pkt *p)
{
	const struct rqe *e = core_rqe(&qp->c, qp->c.rq_done);
	const struct mr_table *mrs = &roce_of(qp)->c.mrs;
	uint32_t offset = qp->got, left = p->payload_len, from = p->payload_ofs;

	for (unsigned i = 0; i < e->n_sge && left != 0; i++) {
		const struct rd_sge *s = &e->sge[i];
		uint32_t n;

		if (offset >= s->len) {
			offset -= s->len;
			continue;
		}
		if (!mr_local(mrs, &qp->c.pd->rd, s->lkey, s->addr, s->len, RD_ACCESS_LOCAL_WRITE))
			return false;
		n = RTE_MIN(left, s->len - offset);
		copy_out(m, from, (uint8_t *)s->addr + offset, n);
		from += n;
		left -= n;
		offset = 0;
	}
	return true;
}

static void refuse_recv(struct roce_qp *qp, enum rd_status status, uint8_t syndrome)
{
	core_recv_done(&qp->c, status, 0);
	responder_refuse(qp, syndrome);
}

static void send_input(struct roce_qp *qp, struct rte_mbuf *m, const struct roce_pkt *p, unsigned seg)
{
	if (!sequence_ok(qp, MSG_SEND, seg) || !length_ok(qp, p, seg)) {
		responder_refuse(qp, AETH_NAK_INVALID);
		return;
	}
	if (seg == SEG_FIRST || seg == SEG_ONLY) {
		if (qp->c.rq_done == qp->c.rq_tail) {
			/* What is in flight behind it needs no NAK of its own. */
			qp->nak_sent = true;
			reply_nak(qp, AETH_RNR | qp->c.attr.min_rnr_timer);
			return;
		}
		qp->got = 0;
	}
	if (p->payload_len > core_rqe(&qp->c, qp->c.rq_done)->len - qp->got) {
		refuse_recv(qp, RD_WC_LOC_LEN_ERR, AETH_NAK_INVALID);
		return;
	}
	if (!scatter(qp, m, p)) {
		refuse_recv(qp, RD_WC_LOC_PROT_ERR, AETH_NAK_OP);
		return;
	}
	qp->got += p->payload_len;
	qp->message = MSG_SEND;
	if (seg == SEG_LAST || seg == SEG_ONLY) {
		qp->message = MSG_NONE;
		qp->msn = psn_add(qp->msn, 1);
		counters_of(qp)->rdma_recvs++;
		core_recv_done(&qp->c, RD_WC_SUCCESS, qp->got);
	}
	executed(qp, p);
}

/* ---- WRITE --------------------------------------------------------------------------- */

/* The region is looked up for every packet: it may be gone in the middle. */
static uint8_t *target(struct roce_qp *qp, uint64_t len)
{
	enum mr_reason why;
	uint8_t *to = mr_remote(&roce_of(qp)->c.mrs, &qp->c.pd->rd, qp->rkey, qp->va, len,
				RD_ACCESS_REMOTE_WRITE, &why);

	if (to != NULL)
		return to;
	if (why == MR_BAD_KEY)
		counters_of(qp)->rkey_err++;
	else
		counters_of(qp)->access_err++;
	return NULL;
}

/* The RETH names the whole message: its length decides which pieces may follow. */
static bool write_begins(struct roce_qp *qp, const struct roce_pkt *p, unsigned seg)
{
	uint32_t len = rte_be_to_cpu_32(p->reth.len);

	if (seg == SEG_ONLY ? len != p->payload_len : len <= qp->mtu || len > CORE_LEN_MAX)
		return false;
	qp->va = rte_be_to_cpu_64(p->reth.va);
	qp->rkey = rte_be_to_cpu_32(p->reth.rkey);
	qp->left = len;
	return true;
}

/* Whether the length left fits this piece. */
static bool write_goes_on(const struct roce_qp *qp, const struct roce_pkt *p, unsigned seg)
{
	return seg == SEG_LAST ? qp->left == p->payload_len : qp->left > p->payload_len;
}

static void write_input(struct roce_qp *qp, struct rte_mbuf *m, const struct roce_pkt *p, unsigned seg)
{
	bool begins = seg == SEG_FIRST || seg == SEG_ONLY;
	uint8_t *to = NULL;

	if (!(qp->c.access & RD_ACCESS_REMOTE_WRITE) || !sequence_ok(qp, MSG_WRITE, seg) ||
	    !length_ok(qp, p, seg) || !(begins ? write_begins(qp, p, seg) : write_goes_on(qp, p, seg))) {
		responder_refuse(qp, AETH_NAK_INVALID);
		return;
	}
	/* A WRITE of nothing names no region (9.7.4.1.4). */
	if (qp->left != 0) {
		to = target(qp, qp->left);
		if (to == NULL) {
			responder_refuse(qp, AETH_NAK_ACCESS);
			return;
		}
		copy_out(m, p->payload_ofs, to, p->payload_len);
	}
	qp->va += p->payload_len;
	qp->left -= p->payload_len;
	qp->message = MSG_WRITE;
	if (seg == SEG_LAST || seg == SEG_ONLY) {
		qp->message = MSG_NONE;
		qp->msn = psn_add(qp->msn, 1);
	}
	executed(qp, p);
}

/* ---- all ------------------------------------------------------------------------------- */

static void execute(struct roce_qp *qp, struct rte_mbuf *m, const struct roce_pkt *p)
{
	switch (p->op) {
	case OP_SEND_FIRST: case OP_SEND_MIDDLE: case OP_SEND_LAST: case OP_SEND_ONLY:
		send_input(qp, m, p, p->op - OP_SEND_FIRST);
		break;
	case OP_WRITE_FIRST: case OP_WRITE_MIDDLE: case OP_WRITE_LAST: case OP_WRITE_ONLY:
		write_input(qp, m, p, p->op - OP_WRITE_FIRST);
		break;
	case OP_READ_REQUEST:
		read_input(qp, p);
		break;
	default:
		/* Immediate data, atomics, invalidation: not offered. */
		responder_refuse(qp, AETH_NAK_INVALID);
		break;
	}
}

/* Old PSNs are never executed again (9.7.4.1.2); SEND and WRITE are
 * acknowledged once more, once per output whatever comes; twice, where all that came
 * again was not acknowledged yet: the peer's timer learns from it (timer.c). */
static void duplicate(struct roce_qp *qp, const struct roce_pkt *p)
{
	counters_of(qp)->duplicate_request++;
	if (p->op == OP_READ_REQUEST)
		read_again(qp, p);
	else if (p->op < OP_READ_REQUEST || p->op == OP_SEND_LAST_INV || p->op == OP_SEND_ONLY_INV)
		reply_again(qp, p->psn);
}

void responder_input(struct roce_qp *qp, struct rte_mbuf *m, const struct roce_pkt *p)
{
	int32_t ahead = psn_diff(p->psn, qp->epsn);

	if (ahead > 0) {
		counters_of(qp)->out_of_seq_request++;
		if (!qp->nak_sent)
			reply_nak_seq(qp, p->psn);
		return;
	}
	if (ahead < 0) {
		duplicate(qp, p);
		return;
	}
	qp->nak_sent = false;
	execute(qp, m, p);
}
