/* SPDX-License-Identifier: BSD-3-Clause */
/* The peer's answers to our requests (InfiniBand 9.7.5.1, 9.7.5.2). */
#include "pmd/rdma/roce_private.h"

/* Everything before the n-th packet from una on has arrived. */
static void advance(struct roce_qp *qp, uint32_t n, uint64_t now_us)
{
	struct core_qp *c = &qp->c;
	bool ahead;

	if (n == 0)
		return;
	/* What was to be sent again has arrived meanwhile. */
	ahead = psn_from(qp->nxt, qp->una) < n;
	if (ahead) {
		qp->nxt = psn_add(qp->una, n);
		qp->blocked = false;
	}
	qp->una = psn_add(qp->una, n);
	while (c->sq_done != c->sq_tail) {
		const struct wqe *e = core_wqe(c, c->sq_done);

		if (psn_from(qp->una, e->first_psn) < e->n_pkts)
			break;
		core_send_done(c, RD_WC_SUCCESS);
	}
	if ((int32_t)(qp->cur - c->sq_done) < 0)
		qp->cur = c->sq_done;
	qp->rnr_retries = 0;
	qp->rnr = false;
	window_acked(qp, n);
	timer_progress(qp, ahead, now_us);
	if (qp->blocked && qp->cur == c->sq_done)
		core_qp_fail(c, RD_WC_LOC_PROT_ERR, true);
	else
		qp_ready(qp);
}

/* Once per gap: the same NAK again within a round trip is about the first copy. */
static void sequence_nak(struct roce_qp *qp, uint64_t now_us)
{
	uint32_t guard = qp->srtt_us != 0 ? qp->srtt_us : roce_of(qp)->rto_min_us;

	counters_of(qp)->rcvd_seq_err++;
	qp->seq_naks_in++;
	if (qp->nak_seen && qp->nak_psn == qp->una && now_us - qp->nak_us < guard)
		return;
	qp->nak_seen = true;
	qp->nak_psn = qp->una;
	qp->nak_us = now_us;
	qp->again = false; /* what is answered from now on was asked for */
	window_lost(qp, now_us);
	requester_go_back(qp);
}

static void not_ready(struct roce_qp *qp, uint8_t code, uint64_t now_us)
{
	counters_of(qp)->rcvd_rnr_err++;
	qp->rnr_naks_in++;
	if (qp->c.attr.rnr_retry != RD_RETRY_INFINITE && ++qp->rnr_retries > qp->c.attr.rnr_retry) {
		counters_of(qp)->retry_rnr_exceeded_err++;
		core_qp_fail(&qp->c, RD_WC_RNR_RETRY_EXC_ERR, true);
		return;
	}
	requester_go_back(qp);
	timer_rnr(qp, code, now_us);
}

static void refused(struct roce_qp *qp, uint8_t syndrome)
{
	static const uint8_t status[] = { RD_WC_REM_INV_REQ_ERR, RD_WC_REM_ACCESS_ERR, RD_WC_REM_OP_ERR };

	counters_of(qp)->send_err++;
	core_qp_fail(&qp->c, status[syndrome - AETH_NAK_INVALID], true);
}

static bool known(uint8_t syndrome)
{
	switch (AETH_TYPE(syndrome)) {
	case AETH_TYPE(AETH_ACK):
	case AETH_TYPE(AETH_RNR):
		return true;
	case AETH_TYPE(AETH_NAK_SEQ):
		return syndrome <= AETH_NAK_OP;
	default:
		return false;
	}
}

void ack_input(struct roce_qp *qp, const struct roce_pkt *p, uint64_t now_us)
{
	uint8_t syndrome = (uint8_t)(rte_be_to_cpu_32(p->aeth.v) >> 24);
	int32_t at = psn_diff(p->psn, qp->una);

	if (p->op != OP_ACK || p->payload_len != 0 || !known(syndrome)) {
		counters_of(qp)->bad_ack++;
		return;
	}
	/* Old ones are about what we know; ones of the future are forged (9.7.5.1.2). */
	if (at < 0) {
		if (AETH_TYPE(syndrome) == AETH_TYPE(AETH_ACK))
			timer_old_ack(qp, p->psn, now_us);
		return;
	}
	if ((uint32_t)at >= in_flight(qp)) {
		counters_of(qp)->bad_ack++;
		return;
	}
	if (AETH_TYPE(syndrome) == AETH_TYPE(AETH_ACK)) {
		advance(qp, (uint32_t)at + 1, now_us);
		return;
	}
	/* A NAK acknowledges all before it. Those behind an RNR NAK repeat it. */
	if (qp->rnr && at == 0)
		return;
	advance(qp, (uint32_t)at, now_us);
	if (qp->c.rd.state != RD_QP_RTS)
		return;
	if (AETH_TYPE(syndrome) == AETH_TYPE(AETH_RNR))
		not_ready(qp, syndrome & 31, now_us);
	else if (syndrome == AETH_NAK_SEQ)
		sequence_nak(qp, now_us);
	else
		refused(qp, syndrome);
}
