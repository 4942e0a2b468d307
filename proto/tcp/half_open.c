/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SYN-RECEIVED that came from LISTEN: a small entry in the flow table until
 * the ACK of our SYN-ACK makes the connection. Timers are one FIFO a retry
 * level, since all entries of a level wait equally long.
 */
#include <errno.h>
#include <stdlib.h>

#include <rte_common.h>

#include "proto/tcp/conn.h"

#define LEVELS 16
#define QUOTA_SLOTS 4096
#define QUOTA_MIN 64          /* entries any /24 may have */
#define PRESSURE_RETRIES 2    /* SYN-ACK retries when three quarters of the entries are taken */

struct half_state {
	struct { uint32_t head, tail; } fifo[LEVELS];
	struct wheel_timer timer;
	uint32_t quota[QUOTA_SLOTS]; /* entries by keyed hash of the peer's /24 */
};

static void half_timer(void *ctx, struct wheel_timer *t, uint64_t now_us);

int tcp_half_init(struct tcp_stack *ts)
{
	ts->half = calloc(1, sizeof(*ts->half));
	if (ts->half == NULL)
		return -ENOMEM;
	wheel_register(ts->wheel, WHEEL_TCP_HALF_OPEN, half_timer, ts);
	return 0;
}

void tcp_half_fini(struct tcp_stack *ts)
{
	if (ts->half != NULL)
		wheel_cancel(ts->wheel, &ts->half->timer);
	free(ts->half);
}

static struct tcp_half_open *half_at(const struct tcp_stack *ts, uint32_t idx)
{
	return idx != 0 ? pool_at(&ts->half_opens, idx) : NULL;
}

static uint32_t half_index(const struct tcp_stack *ts, const struct tcp_half_open *h)
{
	return pool_index(&ts->half_opens, h);
}

static uint32_t *quota_of(const struct tcp_stack *ts, const struct net_flow *f)
{
	uint64_t prefix = rte_be_to_cpu_32(net_flow_raddr4(f)) >> 8;

	return &ts->half->quota[keyed_mix(&ts->table_key, &prefix, 1) % QUOTA_SLOTS];
}

bool tcp_half_room(const struct tcp_listener *l, const struct net_flow *f)
{
	const struct tcp_stack *ts = l->ts;

	return l->half_open < l->args.backlog && ts->half_opens.used < ts->conf.half_open_max &&
	       *quota_of(ts, f) < RTE_MAX(l->args.backlog / 4, (uint32_t)QUOTA_MIN);
}

/* ---- FIFOs and their timer ------------------------------------------------ */

static uint32_t level_ticks(const struct tcp_stack *ts, unsigned level)
{
	uint32_t ms = RTE_MIN(1000u << level, ts->conf.rto_max_ms);

	return ms * (uint32_t)(TCP_MS_US / WHEEL_TICK_US);
}

static uint32_t now_tick(const struct tcp_stack *ts)
{
	return (uint32_t)(tcp_now_us(ts) / WHEEL_TICK_US);
}

static void arm(struct tcp_stack *ts)
{
	uint32_t now = now_tick(ts);
	int32_t first = INT32_MAX;

	for (unsigned i = 0; i < LEVELS; i++) {
		const struct tcp_half_open *h = half_at(ts, ts->half->fifo[i].head);

		if (h != NULL)
			first = RTE_MIN(first, (int32_t)(h->deadline - now));
	}
	if (first == INT32_MAX)
		return;
	first = RTE_MAX(first, 0);
	wheel_arm(ts->wheel, &ts->half->timer, WHEEL_TCP_HALF_OPEN,
		  (tcp_now_us(ts) / WHEEL_TICK_US + (uint32_t)first) * WHEEL_TICK_US);
}

static void fifo_append(struct tcp_stack *ts, struct tcp_half_open *h)
{
	struct half_state *s = ts->half;
	uint32_t idx = half_index(ts, h), level = RTE_MIN(h->retries, LEVELS - 1);

	h->deadline = now_tick(ts) + level_ticks(ts, level);
	h->next = 0;
	h->prev = s->fifo[level].tail;
	if (h->prev != 0)
		half_at(ts, h->prev)->next = idx;
	else
		s->fifo[level].head = idx;
	s->fifo[level].tail = idx;
	/* The head of a level only grows older: an armed timer can be late only for a level that was empty. */
	if (h->prev == 0 || !wheel_armed(&s->timer))
		arm(ts);
}

static void fifo_remove(struct tcp_stack *ts, struct tcp_half_open *h)
{
	uint32_t level = RTE_MIN(h->retries, LEVELS - 1);

	if (h->prev != 0)
		half_at(ts, h->prev)->next = h->next;
	else
		ts->half->fifo[level].head = h->next;
	if (h->next != 0)
		half_at(ts, h->next)->prev = h->prev;
	else
		ts->half->fifo[level].tail = h->prev;
}

/* ---- the entry ------------------------------------------------------------ */

void tcp_agree(const struct tcp_listener *l, const struct tcp_opts *opt, struct tcp_agreed *a)
{
	const struct tcp_config *conf = &l->ts->conf;

	*a = (struct tcp_agreed) {
		.ts = conf->timestamps && opt->present & TCP_OPT_TS,
		.sack = conf->sack && opt->present & TCP_OPT_SACK_OK,
		.wscale = conf->window_scaling && opt->present & TCP_OPT_WSCALE,
		.peer_mss = opt->present & TCP_OPT_MSS ? tcp_mss_floor(conf, opt->mss) : 0,
	};
	if (a->wscale) {
		a->snd_wscale = RTE_MIN(opt->wscale, (uint8_t)TCP_WSCALE_MAX);
		a->rcv_wscale = tcp_rcv_wscale(l->args.rcvbuf_max);
	}
	if (a->ts)
		a->ts_recent = opt->tsval;
}

/* Has it left? If not, it may wait for its next hop. */
static bool send_synack(struct tcp_stack *ts, struct tcp_half_open *h)
{
	uint32_t neigh;
	int rc;
	struct tcp_bare b = {
		.flow = h->flow, .seq = h->iss, .ack = h->irs + 1, .flags = RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG,
		.wnd = tcp_rcv_initial_window(&ts->conf, h->l->args.rcvbuf_max), .awaits = &neigh,
	};
	struct tcp_syn_opts o = {
		.mss = tcp_our_mss(ts, h->flow.ifx),
		.ts = h->flags & THF_TS, .sack = h->flags & THF_SACK, .wscale = h->flags & THF_WSCALE,
		.shift = h->rcv_wscale,
		.tsval = tcp_now_ms(ts) + h->ts_offset, .tsecr = h->ts_recent,
		.user = h->flags & THF_OPT ? &h->l->args.opt : NULL,
	};

	tcp_half_await_end(ts, h);
	b.opt_len = tcp_syn_options(&o, b.opts);
	rc = tcp_send_bare(ts, &b);
	if (rc == -EAGAIN)
		tcp_half_await(ts, h, neigh);
	else if (rc == 0)
		h->flags |= THF_SENT;
	return rc == 0;
}

static void send_again(struct tcp_stack *ts, struct tcp_half_open *h)
{
	ts->stats.retrans_segs += (h->flags & THF_SENT) != 0;
	send_synack(ts, h);
}

static void send_plain(struct tcp_stack *ts, const struct tcp_half_open *h, uint8_t flags)
{
	struct tcp_bare b = { .flow = h->flow, .seq = h->iss + 1, .ack = h->irs + 1, .flags = flags };

	if (!(flags & RTE_TCP_RST_FLAG)) {
		b.wnd = tcp_rcv_initial_window(&ts->conf, h->l->args.rcvbuf_max) >> h->rcv_wscale;
		if (h->flags & THF_TS)
			b.opt_len = tcp_ts_option(tcp_now_ms(ts) + h->ts_offset, h->ts_recent, b.opts);
	} else {
		ts->stats.out_rsts++;
	}
	tcp_send_bare(ts, &b);
}

static void fill(struct tcp_half_open *h, const struct tcp_seg *seg)
{
	struct tcp_agreed a;

	tcp_agree(h->l, &seg->opt, &a);
	h->flags |= (a.ts ? THF_TS : 0) | (a.sack ? THF_SACK : 0) | (a.wscale ? THF_WSCALE : 0);
	h->peer_mss = a.peer_mss;
	h->snd_wscale = a.snd_wscale;
	h->rcv_wscale = a.rcv_wscale;
	h->ts_recent = a.ts_recent;
	if (tcp_listen_wants_opt(h->l, &h->flow, seg)) {
		h->flags |= THF_OPT;
		h->l->ts->stats.opt_received++;
		h->l->ts->stats.opt_sent++;
	}
}

int tcp_half_open(struct tcp_listener *l, const struct net_flow *f, uint64_t hash, const struct tcp_seg *seg,
		  const uint32_t *iss_min)
{
	struct tcp_stack *ts = l->ts;
	struct tcp_half_open *h = pool_get(&ts->half_opens);

	if (h == NULL)
		return -ENOMEM;
	memset(h, 0, sizeof(*h));
	h->flow = *f;
	h->l = l;
	h->irs = seg->seq;
	h->iss = tcp_isn(ts->conf.secrets, f, tcp_now_us(ts));
	if (iss_min != NULL && seq_lt(h->iss, *iss_min))
		h->iss = *iss_min;
	h->ts_offset = tcp_ts_offset_of(&ts->ts_cache, ts->conf.secrets, f);
	h->sent_us = (uint32_t)tcp_now_us(ts);
	fill(h, seg);
	if (tcp_table_insert(ts->table, hash, tcp_ref(TCP_KIND_HALF, half_index(ts, h))) != 0) {
		pool_put(&ts->half_opens, h);
		return -ENOMEM;
	}
	tcp_live_set(ts, TCP_KIND_HALF, half_index(ts, h), true);
	l->half_open++;
	++*quota_of(ts, f);
	fifo_append(ts, h);
	send_synack(ts, h);
	return 0;
}

/* Give back what the entry holds, but for its place in the table. */
static void half_release(struct tcp_stack *ts, struct tcp_half_open *h)
{
	fifo_remove(ts, h);
	tcp_half_await_end(ts, h);
	h->l->half_open--;
	if (h->flags & THF_REFUSED)
		h->l->refused--;
	--*quota_of(ts, &h->flow);
	tcp_live_set(ts, TCP_KIND_HALF, half_index(ts, h), false);
	pool_put(&ts->half_opens, h);
}

void tcp_half_delete(struct tcp_stack *ts, struct tcp_half_open *h)
{
	tcp_table_remove(ts->table, tcp_hash(ts, &h->flow), tcp_ref(TCP_KIND_HALF, half_index(ts, h)));
	half_release(ts, h);
}

void tcp_half_drop_listener(struct tcp_listener *l)
{
	struct tcp_stack *ts = l->ts;

	for (unsigned i = 0; i < LEVELS && l->half_open != 0; i++) {
		struct tcp_half_open *h = half_at(ts, ts->half->fifo[i].head), *next;

		for (; h != NULL; h = next) {
			next = half_at(ts, h->next);
			if (h->l == l && !(h->flags & THF_ACCEPTING))
				tcp_half_delete(ts, h);
		}
	}
}

static void expired(struct tcp_stack *ts, struct tcp_half_open *h)
{
	uint8_t retries = ts->conf.synack_retries;

	if (ts->half_opens.used > ts->conf.half_open_max - ts->conf.half_open_max / 4)
		retries = RTE_MIN(retries, (uint8_t)PRESSURE_RETRIES);
	if (h->retries >= retries) {
		ts->stats.attempt_fails++;
		if (h->flags & THF_REFUSED) /* the peer believes to be connected */
			send_plain(ts, h, RTE_TCP_RST_FLAG | RTE_TCP_ACK_FLAG);
		tcp_half_delete(ts, h);
		return;
	}
	fifo_remove(ts, h);
	h->retries++;
	fifo_append(ts, h);
	ts->stats.syn_timeouts++;
	send_again(ts, h);
}

void tcp_half_go(struct tcp_stack *ts, struct tcp_half_open *h)
{
	bool first = !(h->flags & THF_SENT);

	if (!send_synack(ts, h) || !first)
		return;
	/* Timed from now on: what it took to find the next hop says nothing about the path or of a loss. */
	fifo_remove(ts, h);
	h->retries = 0;
	h->sent_us = (uint32_t)tcp_now_us(ts);
	fifo_append(ts, h);
}

static void half_timer(void *ctx, struct wheel_timer *t, uint64_t now_us)
{
	struct tcp_stack *ts = ctx;
	uint32_t now = (uint32_t)(now_us / WHEEL_TICK_US);

	if (t != &ts->half->timer) {
		tcp_half_await_timer(ts);
		return;
	}
	/* From the longest level down: an entry moves up a level when it expires. */
	for (unsigned i = LEVELS; i-- > 0;) {
		struct tcp_half_open *h;

		while ((h = half_at(ts, ts->half->fifo[i].head)) != NULL && (int32_t)(h->deadline - now) <= 0)
			expired(ts, h);
	}
	arm(ts);
}

/* ---- segments --------------------------------------------------------------- */

/* At most one answer per challenge_ack_ms (2.3). */
static bool may_answer(struct tcp_stack *ts, struct tcp_half_open *h)
{
	uint32_t now = tcp_now_ms(ts);

	if (h->flags & THF_ANSWERED && now - h->answer_ms < ts->conf.challenge_ack_ms) {
		ts->stats.challenge_limited++;
		return false;
	}
	h->flags |= THF_ANSWERED;
	h->answer_ms = now;
	return true;
}

static void challenge(struct tcp_stack *ts, struct tcp_half_open *h)
{
	if (!may_answer(ts, h))
		return;
	ts->stats.challenge_acks++;
	send_plain(ts, h, RTE_TCP_ACK_FLAG);
}

static bool in_window(struct tcp_stack *ts, const struct tcp_half_open *h, const struct tcp_seg *seg)
{
	uint32_t nxt = h->irs + 1;
	uint32_t edge = nxt + tcp_rcv_initial_window(&ts->conf, h->l->args.rcvbuf_max);

	return seq_ge(seg->end, nxt) && seq_le(seg->seq, edge);
}

/* Step 4 of 2.5: the same SYN again. */
static void syn_again(struct tcp_stack *ts, struct tcp_half_open *h)
{
	if (!may_answer(ts, h))
		return;
	fifo_remove(ts, h);
	fifo_append(ts, h);
	send_again(ts, h);
}

static void refused(struct tcp_stack *ts, struct tcp_half_open *h, struct tcp_seg *seg)
{
	if (ts->conf.abort_on_overflow || h->l->closed) {
		tcp_reset_reply(ts, &h->flow, seg);
		tcp_half_delete(ts, h);
	} else if (!(h->flags & THF_REFUSED)) {
		h->flags |= THF_REFUSED;
		h->l->refused++;
	}
	TCP_SEG_DROP(ts, TCP_ACCEPT_OVERFLOW, seg);
}

static void complete(struct tcp_stack *ts, struct tcp_half_open *h, struct tcp_seg *seg)
{
	struct tcp_handshake hs = {
		.flow = h->flow, .irs = h->irs, .iss = h->iss, .ts_offset = h->ts_offset,
		.agreed = { .ts = h->flags & THF_TS, .sack = h->flags & THF_SACK, .wscale = h->flags & THF_WSCALE,
			    .rcv_wscale = h->rcv_wscale, .snd_wscale = h->snd_wscale, .peer_mss = h->peer_mss,
			    .ts_recent = h->ts_recent },
		.rtt_us = h->retries == 0 ? RTE_MAX((uint32_t)tcp_now_us(ts) - h->sent_us, 1u) : 0,
		.flags = (h->flags & THF_OPT ? TCF_OPT_SENT | TCF_OPT_RCVD : 0) | (h->retries != 0 ? TCF_SYN_RTX : 0),
	};
	struct tcp_listener *l = h->l;
	struct tcp_conn *c;

	h->flags |= THF_ACCEPTING;
	c = tcp_accept(l, &hs, seg, tcp_ref(TCP_KIND_HALF, half_index(ts, h)));
	h->flags &= ~THF_ACCEPTING;
	if (c != NULL) {
		half_release(ts, h);
		tcp_segment_data(c, seg);
	} else {
		refused(ts, h, seg);
	}
	tcp_listener_settle(l);
}

void tcp_half_input(struct tcp_stack *ts, struct tcp_half_open *h, struct tcp_seg *seg)
{
	bool rst = seg->flags & RTE_TCP_RST_FLAG, syn = seg->flags & RTE_TCP_SYN_FLAG;

	/* RFC 9293 3.10.7.4 for SYN-RECEIVED; numbers as in segment.c. */
	if (!rst && h->flags & THF_TS && seg->opt.present & TCP_OPT_TS &&
	    tcp_paws_old(h->ts_recent, seg->opt.tsval, 0)) {                     /* 1 */
		ts->stats.paws_drops++;
		challenge(ts, h);
		TCP_SEG_DROP(ts, TCP_PAWS, seg);
	} else if (!in_window(ts, h, seg)) {                                         /* 2 */
		if (!rst)
			challenge(ts, h);
		TCP_SEG_DROP(ts, TCP_OUT_OF_WINDOW, seg);
	} else if (rst && seg->seq == h->irs + 1) {                                  /* 3 */
		ts->stats.attempt_fails++;
		tcp_half_delete(ts, h);
		TCP_SEG_DROP(ts, TCP_RST_ACCEPTED, seg);
	} else if (rst) {                                                            /* 3a */
		challenge(ts, h);
		TCP_SEG_DROP(ts, TCP_RST_BAD_SEQ, seg);
	} else if (syn && seg->seq == h->irs && !(seg->flags & RTE_TCP_ACK_FLAG)) {  /* 4 */
		syn_again(ts, h);
	} else if (syn) {                                                            /* 4b */
		challenge(ts, h);
		TCP_SEG_DROP(ts, TCP_SYN_IN_WINDOW, seg);
	} else if (!(seg->flags & RTE_TCP_ACK_FLAG)) {                               /* 5 */
		TCP_SEG_DROP(ts, TCP_NO_ACK, seg);
	} else if (seg->ack != h->iss + 1) {                                         /* 5a */
		tcp_reset_reply(ts, &h->flow, seg);
		TCP_SEG_DROP(ts, TCP_ACK_BAD, seg);
	} else {                                                                     /* 5b */
		complete(ts, h, seg);
	}
}
