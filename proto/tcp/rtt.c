/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/tcp/snd.h"

#define RTT_MAX_US (1u << 28) /* keeps srtt8 in 32 bits */
#define CLOCK_G_US 1000

void tcp_rtt_update(struct tcp_rtt *r, uint32_t rtt_us)
{
	uint32_t srtt = r->srtt8 >> 3;
	uint32_t dev;

	rtt_us = tcp_max(tcp_min(rtt_us, RTT_MAX_US), 1u);
	if (r->srtt8 == 0) { /* RFC 6298 2.2 */
		r->srtt8 = rtt_us << 3;
		r->rttvar4 = rtt_us << 1;
		return;
	}
	/* 2.3: RTTVAR first, by the old SRTT */
	dev = srtt > rtt_us ? srtt - rtt_us : rtt_us - srtt;
	r->rttvar4 = r->rttvar4 - (r->rttvar4 >> 2) + dev;
	r->srtt8 = r->srtt8 - srtt + rtt_us;
}

uint32_t tcp_rtt_rto(const struct tcp_rtt *r)
{
	return (r->srtt8 >> 3) + tcp_max(r->rttvar4, (uint32_t)CLOCK_G_US);
}

void tcp_rtt_sample(struct tcp_conn *c, uint32_t rtt_us)
{
	const struct tcp_config *conf = &c->ts->conf;
	struct tcp_rtt r = { .srtt8 = c->srtt8, .rttvar4 = c->rttvar4 };
	uint64_t rto;

	tcp_rtt_update(&r, rtt_us);
	c->srtt8 = r.srtt8;
	c->rttvar4 = r.rttvar4;
	if (c->min_rtt_us == 0 || rtt_us < c->min_rtt_us)
		c->min_rtt_us = tcp_max(rtt_us, 1u);
	rto = tcp_max((uint64_t)tcp_rtt_rto(&r), conf->rto_min_ms * UINT64_C(1000));
	c->rto_us = (uint32_t)tcp_min(rto, conf->rto_max_ms * UINT64_C(1000));
}

uint32_t tcp_rtt_by_tsecr(const struct tcp_conn *c, const struct tcp_seg *seg, uint32_t first_us)
{
	uint32_t delta_ms, since_ms;

	if (!(c->flags & TCF_TS) || !(seg->opt.present & TCP_OPT_TS) || seg->opt.tsecr == 0)
		return 0;
	delta_ms = tcp_tsval(c) - seg->opt.tsecr;
	since_ms = ((uint32_t)tcp_now_us(c->ts) - first_us) / 1000 + 1;
	if (delta_ms > since_ms)
		return 0; /* not a stamp of ours from that time */
	return tcp_max(delta_ms * 1000, 1u);
}
