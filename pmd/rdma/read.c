/* SPDX-License-Identifier: BSD-3-Clause */
/* RDMA READ as a responder (InfiniBand 9.7.4.1.4, 9.7.5.1.9): a request
 * reserves as many PSNs as its responses take, and is remembered so that the
 * same, or its end, can be asked for again. */
#include "pmd/rdma/roce_private.h"

static struct read_req *at(struct roce_qp *qp, uint32_t pos)
{
	return &qp->reads[pos % READS_MAX];
}

static uint32_t packets(const struct roce_qp *qp, uint32_t len)
{
	return len == 0 ? 1 : (uint32_t)(((uint64_t)len + qp->mtu - 1) >> (7U + qp->c.attr.mtu));
}

static const uint8_t *source(struct roce_qp *qp, const struct read_req *r, uint32_t offset, uint32_t len)
{
	enum mr_reason why;
	const uint8_t *from = mr_remote(&roce_of(qp)->c.mrs, &qp->c.pd->rd, r->rkey, r->va + offset, len,
					RD_ACCESS_REMOTE_READ, &why);

	if (from == NULL && why == MR_BAD_KEY)
		counters_of(qp)->rkey_err++;
	else if (from == NULL)
		counters_of(qp)->access_err++;
	return from;
}

static void from_reth(struct roce_qp *qp, const struct roce_pkt *p, struct read_req *r)
{
	*r = (struct read_req){
		.va = rte_be_to_cpu_64(p->reth.va), .rkey = rte_be_to_cpu_32(p->reth.rkey),
		.len = rte_be_to_cpu_32(p->reth.len), .first_psn = p->psn,
	};
	r->n_pkts = packets(qp, r->len);
}

void read_input(struct roce_qp *qp, const struct roce_pkt *p)
{
	struct read_req r;

	from_reth(qp, p, &r);
	if (!(qp->c.access & RD_ACCESS_REMOTE_READ) || qp->message != MSG_NONE || p->payload_len != 0 ||
	    r.len > CORE_LEN_MAX || qp->read_tail - qp->read_done == READS_MAX) {
		responder_refuse(qp, AETH_NAK_INVALID);
		return;
	}
	if (r.len != 0 && source(qp, &r, 0, r.len) == NULL) {
		responder_refuse(qp, AETH_NAK_ACCESS);
		return;
	}
	*at(qp, qp->read_tail++) = r;
	qp->epsn = psn_add(qp->epsn, r.n_pkts);
	qp->msn = psn_add(qp->msn, 1);
	/* The responses acknowledge all before them. */
	reply_in_order(qp);
	if (qp->reply == REPLY_ACK)
		qp->reply = REPLY_NONE;
	qp_reply(qp);
}

/* The remembered request that the responses asked for belong to. */
static const struct read_req *remembered(struct roce_qp *qp, const struct read_req *r)
{
	uint32_t oldest = qp->read_tail > READS_MAX ? qp->read_tail - READS_MAX : 0;

	for (uint32_t pos = oldest; pos != qp->read_done; pos++) {
		const struct read_req *old = at(qp, pos);
		uint32_t skip = psn_from(r->first_psn, old->first_psn);
		uint64_t offset = (uint64_t)skip * qp->mtu;

		if (skip < old->n_pkts && r->rkey == old->rkey && r->va == old->va + offset &&
		    offset + r->len <= old->len)
			return old;
	}
	return NULL;
}

void read_again(struct roce_qp *qp, const struct roce_pkt *p)
{
	struct read_req r;

	from_reth(qp, p, &r);
	/* One at a time: 74 octets ask for megabytes here. */
	if (qp->replay.n_pkts != 0 || !(qp->c.access & RD_ACCESS_REMOTE_READ) || remembered(qp, &r) == NULL)
		return;
	qp->replay = r;
	qp_reply(qp);
}

/* ---- responses -------------------------------------------------------------------------- */

static uint8_t response_op(const struct read_req *r)
{
	if (r->n_pkts == 1)
		return OP_READ_ONLY;
	if (r->sent == 0)
		return OP_READ_FIRST;
	return r->sent + 1 == r->n_pkts ? OP_READ_LAST : OP_READ_MIDDLE;
}

static bool send_response(struct roce_qp *qp, struct read_req *r)
{
	struct roce *dev = roce_of(qp);
	uint32_t offset = r->sent * qp->mtu, len = RTE_MIN(qp->mtu, r->len - offset);
	struct packet_fields f = { .op = response_op(r), .psn = psn_add(r->first_psn, r->sent),
				   .ip_id = dev->ip_id };
	struct roce_aeth aeth = { rte_cpu_to_be_32((uint32_t)AETH_ACK << 24 | qp->msn) };
	bool has_aeth = f.op != OP_READ_MIDDLE;
	const uint8_t *from = NULL;
	struct packet p;

	if (len != 0 && (from = source(qp, r, offset, len)) == NULL) {
		/* The region went away meanwhile. */
		responder_refuse(qp, AETH_NAK_ACCESS);
		qp->reply_psn = f.psn;
		return false;
	}
	if (packet_begin(&p, dev->pool, &qp->tmpl, &f, has_aeth ? sizeof(aeth) : 0, len) != 0) {
		dev->c.counters.no_mbuf++;
		return false;
	}
	dev->ip_id++;
	if (has_aeth)
		packet_put(&p, &aeth, sizeof(aeth));
	packet_put(&p, from, len);
	roce_tx(qp, packet_end(&p, &qp->tmpl));
	r->sent++;
	return true;
}

unsigned read_output(struct roce_qp *qp, unsigned limit)
{
	unsigned n = 0;

	while (n < limit && read_pending(qp)) {
		bool first = qp->read_done != qp->read_tail;
		struct read_req *r = first ? at(qp, qp->read_done) : &qp->replay;

		if (!send_response(qp, r))
			break;
		n++;
		if (r->sent < r->n_pkts)
			continue;
		if (first)
			qp->read_done++;
		else
			r->n_pkts = 0;
	}
	return n;
}
