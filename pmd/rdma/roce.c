/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/rdma/roce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pmd/rdma/roce_private.h"

#define WINDOW_DEFAULT 128
#define WINDOW_MAX 1024
#define BURST_DEFAULT 32
#define RTO_MIN_DEFAULT_US 1000
#define QPN_BITS ROCE_LCORE_SHIFT
#define ROOM_MIN 256             /* of a buffer: headers in one piece */
#define FULL_MEMBER 0x8000       /* of a P_Key */

/* ---- packets in -------------------------------------------------------------------- */

/* Only the low 15 bits name the partition, and one side must be a full member: we are. */
static bool pkey_ok(uint16_t pkey)
{
	return ((pkey ^ ROCE_PKEY) & ~FULL_MEMBER) == 0;
}

static bool is_answer(uint8_t op)
{
	return (op >= OP_READ_FIRST && op <= OP_ATOMIC_ACK);
}

/* Whose it is (InfiniBand 9.6.1: state, addresses, partition), NULL when nobody's. */
static struct roce_qp *find(struct roce *r, const struct roce_pkt *p)
{
	struct roce_qp *qp = (struct roce_qp *)qp_table_find(&r->c.qps, p->qpn);
	struct rd_counters *c = &r->c.counters;

	if (qp == NULL) {
		c->bad_qpn++;
		return NULL;
	}
	if (qp->c.rd.state != RD_QP_RTS && (qp->c.rd.state != RD_QP_RTR || is_answer(p->op))) {
		c->bad_state++;
		return NULL;
	}
	if (qp->peer != addr_pair(p->src, p->dst)) {
		c->bad_addr++;
		return NULL;
	}
	if (!pkey_ok(p->pkey)) {
		c->bad_pkey++;
		return NULL;
	}
	return qp;
}

static void input_one(struct roce *r, struct rte_mbuf *m, uint64_t now_us)
{
	struct rd_counters *c = &r->c.counters;
	struct roce_pkt p;
	struct roce_qp *qp;

	if (!packet_parse(m, &p, c))
		return;
	qp = find(r, &p);
	if (qp == NULL)
		return;
	if (!packet_icrc_ok(m, &p)) {
		c->icrc_err++;
		return;
	}
	c->rcvd_pkts++;
	c->rcvd_bytes += p.ip_len;
	if ((p.tos & RTE_IPV4_HDR_ECN_MASK) == RTE_IPV4_HDR_ECN_MASK)
		c->ce_rcvd++;
	if (p.op == OP_CNP) {
		c->cnp_rcvd++;
		window_cnp(qp, now_us);
	} else if (is_answer(p.op)) {
		ack_input(qp, &p, now_us);
	} else {
		responder_input(qp, m, &p);
	}
}

void roce_input(struct roce *r, uint64_t now_us, struct rte_mbuf **pkts, unsigned n)
{
	r->c.now_us = now_us;
	for (unsigned i = 0; i < n; i++) {
		if (i + 1 < n)
			rte_prefetch0(rte_pktmbuf_mtod(pkts[i + 1], void *));
		input_one(r, pkts[i], now_us);
	}
	rte_pktmbuf_free_bulk(pkts, n);
}

/* ---- packets out ---------------------------------------------------------------------- */

void roce_tx(struct roce_qp *qp, struct rte_mbuf *m)
{
	struct roce *r = roce_of(qp);

	r->c.counters.sent_pkts++;
	r->c.counters.sent_bytes += m->pkt_len;
	r->env.tx(r->env.ctx, qp->c.attr.path, m);
}

static unsigned room(struct roce *r, const struct roce_qp *qp, unsigned budget)
{
	unsigned n = r->env.room(r->env.ctx, qp->c.attr.path);

	if (n == 0)
		r->c.counters.tx_full++;
	return RTE_MIN(n, budget);
}

static unsigned output_replies(struct roce *r, unsigned budget)
{
	struct roce_qps list = TAILQ_HEAD_INITIALIZER(list);
	struct roce_qp *qp;
	unsigned sent = 0;

	/* Each once: what cannot leave now waits for the next turn. */
	TAILQ_CONCAT(&list, &r->reply, reply_link);
	while ((qp = TAILQ_FIRST(&list)) != NULL && sent < budget) {
		TAILQ_REMOVE(&list, qp, reply_link);
		qp->on_reply = false;
		sent += reply_output(qp, RTE_MIN(room(r, qp, budget - sent), r->burst));
		if (qp->reply != REPLY_NONE || read_pending(qp))
			qp_reply(qp);
	}
	TAILQ_CONCAT(&list, &r->reply, reply_link);
	TAILQ_CONCAT(&r->reply, &list, reply_link);
	return sent;
}

/* One burst each; those that can go on are behind the others. */
static unsigned output_round(struct roce *r, uint64_t now_us, unsigned budget)
{
	struct roce_qps list = TAILQ_HEAD_INITIALIZER(list);
	struct roce_qp *qp;
	unsigned sent = 0;

	TAILQ_CONCAT(&list, &r->ready, ready_link);
	while ((qp = TAILQ_FIRST(&list)) != NULL && sent < budget) {
		TAILQ_REMOVE(&list, qp, ready_link);
		qp->on_ready = false;
		if (!requester_may_send(qp))
			continue;
		sent += requester_output(qp, now_us, RTE_MIN(room(r, qp, budget - sent), r->burst));
		if (requester_may_send(qp))
			qp_ready(qp);
	}
	TAILQ_CONCAT(&list, &r->ready, ready_link);
	TAILQ_CONCAT(&r->ready, &list, ready_link);
	return sent;
}

unsigned roce_output(struct roce *r, uint64_t now_us, unsigned budget)
{
	unsigned sent, n;

	r->c.now_us = now_us;
	sent = output_replies(r, budget);
	while (sent < budget && !TAILQ_EMPTY(&r->ready) && (n = output_round(r, now_us, budget - sent)) != 0)
		sent += n;
	return sent;
}

/* ---- provider ----------------------------------------------------------------------------- */

static unsigned progress(struct rd_dev *rd, unsigned budget)
{
	return core_progress((struct core_dev *)rd, budget);
}

static unsigned poll(struct rd_dev *rd, struct rd_wc *wc, unsigned n)
{
	return cq_poll(&((struct core_dev *)rd)->cq, wc, n);
}

static void query(const struct rd_dev *rd, struct rd_info *out)
{
	core_query(rd, out);
	strcpy(out->provider, "roce");
	out->vlan = ((const struct roce *)rd)->vlan;
}

static bool busy(const struct rd_dev *rd)
{
	const struct roce *r = (const struct roce *)rd;

	return core_busy(&r->c) || !TAILQ_EMPTY(&r->ready) || !TAILQ_EMPTY(&r->reply);
}

static void close_dev(struct rd_dev *rd)
{
	struct roce *r = (struct roce *)rd;

	core_fini(&r->c);
	free(r);
}

static const struct rd_ops rd_ops = {
	.submit = core_submit, .progress = progress, .post_send = core_post_send,
	.send_room = core_send_room, .post_recv = core_post_recv, .poll = poll,
	.event_poll = core_event_poll, .query = query, .counters = core_counters,
	.qp_query = roce_qp_query, .busy = busy, .close = close_dev,
};

static bool conf_ok(const struct roce_config *conf)
{
	if (conf->lcore >= ROCE_MAX_LCORES || rd_mtu_code(conf->ip_mtu) == 0 || conf->pool == NULL)
		return false;
	if (conf->window > WINDOW_MAX || (conf->window & (conf->window - 1)) != 0)
		return false;
	return rte_pktmbuf_data_room_size(conf->pool) >= RTE_PKTMBUF_HEADROOM + ROOM_MIN;
}

int roce_create(struct roce **out, const struct roce_config *conf, const struct roce_env *env, struct wheel *wheel)
{
	const struct core_config core = {
		.name = conf->name, .mac = conf->mac, .mtu = rd_mtu_code(conf->ip_mtu), .n_gids = conf->n_gids,
		.gids = conf->gids, .max_qps = conf->max_qps, .max_mrs = conf->max_mrs, .cq_limit = conf->cq_depth,
		.qp_size = sizeof(struct roce_qp), .qpn_base = (uint32_t)conf->lcore << ROCE_LCORE_SHIFT,
		.qpn_bits = QPN_BITS, .qpn_random = true, .node = conf->node, .random = env->random, .ctx = env->ctx,
	};
	struct roce *r;
	int rc;

	if (!conf_ok(conf))
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return -ENOMEM;
	rc = core_init(&r->c, &rd_ops, &roce_core_ops, &core);
	if (rc != 0) {
		free(r);
		return rc;
	}
	icrc_init();
	r->env = *env;
	r->wheel = wheel;
	r->pool = conf->pool;
	TAILQ_INIT(&r->ready);
	TAILQ_INIT(&r->reply);
	r->window = conf->window != 0 ? conf->window : WINDOW_DEFAULT;
	r->burst = conf->tx_burst != 0 ? conf->tx_burst : BURST_DEFAULT;
	r->rto_min_us = conf->rto_min_us != 0 ? conf->rto_min_us : RTO_MIN_DEFAULT_US;
	r->vlan = conf->vlan;
	wheel_register(wheel, WHEEL_ROCE, timer_fired, NULL);
	*out = r;
	return 0;
}

struct rd_dev *roce_rd(struct roce *r)
{
	return &r->c.rd;
}

void roce_port(struct roce *r, bool up)
{
	r->c.up = up;
}

int roce_mtu(struct roce *r, uint32_t ip_mtu)
{
	uint8_t code = rd_mtu_code(ip_mtu);

	if (code == 0)
		return -EINVAL;
	r->c.mtu = code;
	return 0;
}

void roce_gid_gone(struct roce *r, const struct rd_gid *gid)
{
	core_gid_gone(&r->c, gid);
}
