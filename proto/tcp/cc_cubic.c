/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CUBIC, RFC 9438, in integers. Windows inside are in 1/1024 segment ("q10"),
 * times in ms.
 */
#include "proto/tcp/cc.h"

#define Q10 1024u
#define BETA_Q10 717u              /* 0.7 */
#define FAST_Q10 870u              /* (1 + beta) / 2 */
#define ALPHA_Q20 555128u          /* 3 (1 - beta) / (1 + beta) = 0.529412 */
#define T_MAX_MS (1u << 20)        /* cap of |t - K|: its cube stays below 2^60 */

struct cubic_epoch {
	uint32_t w_max;            /* q10 */
	uint32_t k_ms;
	uint32_t start_ms;
	uint32_t prior;            /* cwnd before the last reduction, q10 */
	uint32_t w_est;            /* Reno's window, q10 */
};

struct cubic {
	struct cubic_epoch e;
	struct cubic_epoch saved;  /* before the last reduction */
	uint16_t w_est_frac;       /* of w_est, 1/1024 of q10 */
	uint16_t frac;             /* of cwnd, 1/1024 octet */
	bool started;              /* an epoch runs */
	bool flat;                 /* it begins at W_max = cwnd, K = 0 (after RTO) */
};
static_assert(sizeof(struct cubic) <= TCP_CC_PRIV, "fits the connection");

static struct cubic *priv(struct tcp_conn *c)
{
	return (struct cubic *)c->cc_priv;
}

static uint32_t cwnd_q10(const struct tcp_conn *c)
{
	return (uint32_t)tcp_min((uint64_t)c->cwnd * Q10 / c->snd_mss, (uint64_t)UINT32_MAX);
}

static void cubic_init(struct tcp_conn *c)
{
	memset(priv(c), 0, sizeof(struct cubic));
}

static uint32_t cubic_ssthresh(struct tcp_conn *c)
{
	struct cubic *p = priv(c);
	uint32_t w = cwnd_q10(c);

	p->saved = p->e;
	/* fast convergence: someone else came in, give room */
	p->e.w_max = w < p->e.w_max ? (uint32_t)((uint64_t)w * FAST_Q10 / Q10) : w;
	p->e.prior = w;
	p->started = false;
	p->flat = false;
	return tcp_cc_floor(c, (uint64_t)c->cwnd * BETA_Q10 / Q10);
}

/* K = cbrt((W_max - cwnd_epoch) / C) in ms: C = 0.4, hence 2.5e9 per segment. */
static void epoch_start(struct tcp_conn *c, uint32_t now_ms)
{
	struct cubic *p = priv(c);
	uint32_t w = cwnd_q10(c);

	p->started = true;
	p->e.start_ms = now_ms;
	p->e.w_est = w;
	p->w_est_frac = 0;
	if (p->flat || w >= p->e.w_max) {
		p->e.w_max = w;
		p->e.k_ms = 0;
		return;
	}
	p->e.k_ms = tcp_icbrt((uint64_t)(p->e.w_max - w) * UINT64_C(2500000000) / Q10);
}

/* C * |d|^3 in q10: 0.4 * 1024 / 10^9 = 4096 / 10^10 per ms^3. */
static uint64_t cube_q10(uint32_t d_ms)
{
	uint64_t d = tcp_min(d_ms, T_MAX_MS), cube = d * d * d;

	return d > (1u << 17) ? cube / 10000000 * 4096 / 1000 : cube * 4096 / UINT64_C(10000000000);
}

static uint32_t w_cubic(const struct cubic_epoch *e, uint32_t t_ms)
{
	uint64_t delta;

	if (t_ms < e->k_ms) {
		delta = cube_q10(e->k_ms - t_ms);
		return delta < e->w_max ? e->w_max - (uint32_t)delta : 0;
	}
	delta = cube_q10(t_ms - e->k_ms);
	return (uint32_t)tcp_min((uint64_t)e->w_max + delta, (uint64_t)UINT32_MAX);
}

/* cwnd rises by octets in 1/1024. */
static void grow_q10(struct tcp_conn *c, uint64_t add)
{
	struct cubic *p = priv(c);

	add += p->frac;
	p->frac = add % Q10;
	tcp_cc_grow(c, (uint32_t)tcp_min(add / Q10, (uint64_t)TCP_CWND_MAX));
}

static void reno_grow(struct cubic *p, uint32_t acked, uint32_t cwnd)
{
	uint64_t alpha = p->e.w_est >= p->e.prior ? UINT64_C(1) << 20 : ALPHA_Q20;
	uint64_t add = alpha * acked / cwnd + p->w_est_frac; /* q20 */

	p->w_est_frac = add % Q10;
	p->e.w_est = (uint32_t)tcp_min(p->e.w_est + add / Q10, (uint64_t)UINT32_MAX);
}

static void avoidance(struct tcp_conn *c, const struct tcp_cc_sample *s, uint32_t acked)
{
	struct cubic *p = priv(c);
	uint32_t t, w, target, srtt_ms = (c->srtt8 >> 3) / 1000;

	if (!p->started)
		epoch_start(c, s->now_ms);
	t = s->now_ms - p->e.start_ms;
	w = cwnd_q10(c);
	reno_grow(p, acked, c->cwnd);
	if (w_cubic(&p->e, t) < p->e.w_est) { /* Reno-friendly region */
		if (p->e.w_est > w) {
			uint64_t octets = (uint64_t)p->e.w_est * c->snd_mss / Q10;

			if (octets > c->cwnd)
				tcp_cc_grow(c, (uint32_t)tcp_min(octets - c->cwnd, (uint64_t)TCP_CWND_MAX));
		}
		return;
	}
	target = w_cubic(&p->e, t + srtt_ms);
	target = tcp_min(tcp_max(target, w), w + w / 2);
	if (target > w)
		grow_q10(c, (uint64_t)acked * Q10 * (target - w) / tcp_max(w, 1u));
}

static void cubic_on_ack(struct tcp_conn *c, const struct tcp_cc_sample *s)
{
	uint32_t acked = s->acked;

	if (c->cwnd < c->ssthresh)
		acked = tcp_cc_slow_start(c, acked);
	if (acked)
		avoidance(c, s, acked);
}

static void cubic_on_event(struct tcp_conn *c, enum tcp_cc_event ev, uint32_t arg)
{
	struct cubic *p = priv(c);

	switch (ev) {
	case TCP_CC_RTO:
		p->started = false;
		p->flat = true;
		break;
	case TCP_CC_TX_START: /* t does not run while nothing is sent */
		if (p->started)
			p->e.start_ms += arg;
		break;
	default:
		break;
	}
}

static void cubic_undo(struct tcp_conn *c)
{
	struct cubic *p = priv(c);

	p->e = p->saved;
	p->started = p->e.w_est != 0;
	p->flat = false;
}

const struct tcp_cc_ops tcp_cc_cubic = {
	.name = "cubic", .init = cubic_init, .ssthresh = cubic_ssthresh, .on_ack = cubic_on_ack,
	.on_event = cubic_on_event, .undo = cubic_undo,
};
