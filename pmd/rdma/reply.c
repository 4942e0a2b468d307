/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Answers of the responder, one per queue pair and output: the last word
 * covers all before it (InfiniBand 9.7.5.1.2 allows that).
 */
#include "pmd/rdma/roce_private.h"

void reply_ack(struct roce_qp *qp)
{
	if (qp->reply != REPLY_NONE) {
		counters_of(qp)->ack_deferred++;
		return;
	}
	qp->reply = REPLY_ACK;
	qp_reply(qp);
}

void reply_again(struct roce_qp *qp, uint32_t psn)
{
	if (qp->reply == REPLY_ACK && qp->epsn != qp->acked && psn_add(psn, 1) == qp->epsn)
		qp->again_epsn = qp->epsn;
	reply_ack(qp);
}

void reply_nak_seq(struct roce_qp *qp, uint32_t psn)
{
	if (qp->reply >= REPLY_NAK_SEQ) {
		if (psn_diff(psn, qp->nak_high) > 0)
			qp->nak_high = psn;
		return;
	}
	qp->nak_high = psn;
	qp->reply = REPLY_NAK_SEQ;
	qp_reply(qp);
}

void reply_nak(struct roce_qp *qp, uint8_t syndrome)
{
	qp->reply = REPLY_NAK;
	qp->syndrome = syndrome;
	qp->reply_psn = qp->epsn;
	qp_reply(qp);
}

void reply_in_order(struct roce_qp *qp)
{
	/* All that was thrown away has come again; or a receive was posted after all. */
	if ((qp->reply == REPLY_NAK_SEQ && psn_diff(qp->epsn, qp->nak_high) > 0) || qp->reply == REPLY_NAK)
		qp->reply = REPLY_ACK;
}

static void count_nak(struct roce_qp *qp, uint8_t syndrome)
{
	counters_of(qp)->naks_sent++;
	if (syndrome == AETH_NAK_SEQ) {
		qp->nak_sent = true;
		qp->seq_naks_out++;
	} else if (AETH_TYPE(syndrome) == AETH_TYPE(AETH_RNR)) {
		counters_of(qp)->send_rnr_err++;
		qp->rnr_naks_out++;
	}
}

static uint8_t syndrome_of(const struct roce_qp *qp)
{
	if (qp->reply == REPLY_ACK)
		return AETH_ACK;
	return qp->reply == REPLY_NAK_SEQ ? AETH_NAK_SEQ : qp->syndrome;
}

static bool send_reply(struct roce_qp *qp)
{
	struct roce *r = roce_of(qp);
	uint8_t syndrome = syndrome_of(qp);
	struct packet_fields f = { .op = OP_ACK, .ip_id = r->ip_id };
	struct roce_aeth aeth = { rte_cpu_to_be_32((uint32_t)syndrome << 24 | qp->msn) };
	struct packet p;
	bool twice = false;

	/* A NAK names what is missing, as of now; an ACK the last that is there. */
	if (qp->reply == REPLY_ACK)
		f.psn = psn_add(qp->epsn, PSN_MASK);
	else
		f.psn = qp->reply == REPLY_NAK_SEQ ? qp->epsn : qp->reply_psn;
	if (packet_begin(&p, r->pool, &qp->tmpl, &f, sizeof(aeth), 0) != 0) {
		r->c.counters.no_mbuf++;
		return false;
	}
	r->ip_id++;
	packet_put(&p, &aeth, sizeof(aeth));
	roce_tx(qp, packet_end(&p, &qp->tmpl));
	if (qp->reply == REPLY_ACK) {
		twice = qp->again_epsn == qp->epsn && qp->acked != qp->epsn;
		r->c.counters.acks_sent++;
		qp->acked = qp->epsn;
	} else {
		count_nak(qp, syndrome);
	}
	qp->reply = twice ? REPLY_ACK : REPLY_NONE;
	return true;
}

unsigned reply_output(struct roce_qp *qp, unsigned limit)
{
	unsigned sent = 0;

	/* Nothing behind a READ is acknowledged before its responses left. */
	if (read_pending(qp))
		sent = read_output(qp, limit);
	while (!read_pending(qp) && qp->reply != REPLY_NONE && sent < limit && send_reply(qp))
		sent++;
	return sent;
}
