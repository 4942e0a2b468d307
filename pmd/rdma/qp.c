/* SPDX-License-Identifier: BSD-3-Clause */
/* Queue pairs of the engine: states, lists, looking. */
#include <errno.h>
#include <string.h>

#include "pmd/rdma/roce_private.h"

static const uint8_t mapped_prefix[12] = { [10] = 0xff, 0xff };

/* Network order; false unless ::ffff:a.b.c.d. */
static bool gid_ip(const struct rd_gid *gid, uint32_t *ip)
{
	memcpy(ip, gid->b + sizeof(mapped_prefix), sizeof(*ip));
	return memcmp(gid->b, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

uint16_t roce_udp_sport(uint32_t local_qpn, uint32_t remote_qpn)
{
	uint64_t v = (uint64_t)local_qpn * remote_qpn;
	uint32_t fl;

	v ^= v >> 20;
	v ^= v >> 40;
	fl = v & 0xfffff;
	return (uint16_t)(0xc000 | ((fl & 0x3fff) ^ (fl & 0xfc000) >> 14));
}

void qp_ready(struct roce_qp *qp)
{
	if (qp->on_ready)
		return;
	qp->on_ready = true;
	TAILQ_INSERT_TAIL(&roce_of(qp)->ready, qp, ready_link);
}

void qp_reply(struct roce_qp *qp)
{
	if (qp->on_reply)
		return;
	qp->on_reply = true;
	TAILQ_INSERT_TAIL(&roce_of(qp)->reply, qp, reply_link);
}

void qp_not_ready(struct roce_qp *qp)
{
	if (!qp->on_ready)
		return;
	qp->on_ready = false;
	TAILQ_REMOVE(&roce_of(qp)->ready, qp, ready_link);
}

void qp_not_reply(struct roce_qp *qp)
{
	if (!qp->on_reply)
		return;
	qp->on_reply = false;
	TAILQ_REMOVE(&roce_of(qp)->reply, qp, reply_link);
}

static int rtr(struct core_qp *c)
{
	struct roce_qp *qp = (struct roce_qp *)c;
	const struct rd_qp_attr *a = &c->attr;
	struct packet_way way = {
		.sport = roce_udp_sport(c->rd.qpn, a->remote_qpn),
		/* ECN stays off: nothing here answers marks with CNPs. */
		.tos = a->traffic_class & 0xfc, .ttl = a->hop_limit == 0 ? 64 : a->hop_limit, .qpn = a->remote_qpn,
	};

	if (!gid_ip(&a->local, &way.src) || !gid_ip(&a->remote, &way.dst))
		return -EINVAL;
	packet_template(&qp->tmpl, &way);
	qp->peer = addr_pair(way.dst, way.src);
	qp->mtu = rd_mtu_octets(a->mtu);
	responder_start(qp);
	return 0;
}

static int rts(struct core_qp *c)
{
	struct roce_qp *qp = (struct roce_qp *)c;

	requester_start(qp);
	window_start(qp);
	timer_start(qp);
	return 0;
}

/* An answer that is due still goes out: the NAK that says why. */
static void stop(struct core_qp *c)
{
	struct roce_qp *qp = (struct roce_qp *)c;

	timer_stop(qp);
	qp_not_ready(qp);
	qp->read_done = qp->read_tail;
	qp->replay.n_pkts = 0;
}

static void gone(struct core_qp *c)
{
	qp_not_reply((struct roce_qp *)c);
}

static void posted(struct core_qp *c, unsigned n)
{
	requester_posted((struct roce_qp *)c, n);
}

const struct core_ops roce_core_ops = {
	.rtr = rtr, .rts = rts, .stop = stop, .gone = gone, .posted = posted,
};

void roce_qp_query(const struct rd_qp *rd, struct rd_qp_info *out)
{
	const struct roce_qp *qp = (const struct roce_qp *)rd;

	core_qp_query(&qp->c, out);
	out->sq_psn = qp->nxt;
	out->una_psn = qp->una;
	out->rq_psn = qp->epsn;
	out->msn = qp->msn;
	out->window = qp->cwnd;
	out->in_flight = in_flight(qp);
	out->srtt_us = qp->srtt_us;
	out->rto_us = qp->rto_us;
	out->retransmits = qp->retransmits;
	out->rnr_naks_in = qp->rnr_naks_in;
	out->rnr_naks_out = qp->rnr_naks_out;
	out->seq_naks_in = qp->seq_naks_in;
	out->seq_naks_out = qp->seq_naks_out;
}
