/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TIME-WAIT: 64 octets a connection in one FIFO, since all wait equally long;
 * restarting one moves it to the end. RFC 1337: a RST does not end it.
 * RFC 6191: a SYN that cannot be old may.
 */
#include <errno.h>
#include <stdlib.h>

#include <rte_common.h>

#include "proto/tcp/conn.h"

#define ISS_GAP (65535 + 2)      /* above all the old connection sent (RFC 6191 as Linux) */
#define REUSE_AGE_MS 1000        /* before we reuse a tuple ourselves */
#define ANSWER_UNIT_MS 16

struct tw_state {
	uint32_t head, tail;
	struct wheel_timer timer;
};

static void tw_timer(void *ctx, struct wheel_timer *t, uint64_t now_us);

int tcp_tw_init(struct tcp_stack *ts)
{
	ts->tw = calloc(1, sizeof(*ts->tw));
	if (ts->tw == NULL)
		return -ENOMEM;
	wheel_register(ts->wheel, WHEEL_TCP_SLOW, tw_timer, ts);
	return 0;
}

void tcp_tw_fini(struct tcp_stack *ts)
{
	if (ts->tw != NULL)
		wheel_cancel(ts->wheel, &ts->tw->timer);
	free(ts->tw);
}

static struct tcp_time_wait *tw_at(const struct tcp_stack *ts, uint32_t idx)
{
	return idx != 0 ? pool_at(&ts->time_waits, idx) : NULL;
}

static uint32_t tw_index(const struct tcp_stack *ts, const struct tcp_time_wait *tw)
{
	return pool_index(&ts->time_waits, tw);
}

/* ---- the FIFO ----------------------------------------------------------------- */

static void arm(struct tcp_stack *ts)
{
	const struct tcp_time_wait *tw = tw_at(ts, ts->tw->head);
	uint64_t now = tcp_now_us(ts);
	uint32_t left;

	if (tw == NULL)
		return;
	left = tw->stamp_ms + ts->conf.time_wait_ms - tcp_now_ms(ts);
	if ((int32_t)left < 0)
		left = 0;
	wheel_arm(ts->wheel, &ts->tw->timer, WHEEL_TCP_SLOW, now - now % TCP_MS_US + left * TCP_MS_US);
}

static void fifo_append(struct tcp_stack *ts, struct tcp_time_wait *tw)
{
	uint32_t idx = tw_index(ts, tw);

	tw->stamp_ms = tcp_now_ms(ts);
	tw->next = 0;
	tw->prev = ts->tw->tail;
	if (tw->prev != 0)
		tw_at(ts, tw->prev)->next = idx;
	else
		ts->tw->head = idx;
	ts->tw->tail = idx;
	if (!wheel_armed(&ts->tw->timer))
		arm(ts);
}

static void fifo_remove(struct tcp_stack *ts, struct tcp_time_wait *tw)
{
	if (tw->prev != 0)
		tw_at(ts, tw->prev)->next = tw->next;
	else
		ts->tw->head = tw->next;
	if (tw->next != 0)
		tw_at(ts, tw->next)->prev = tw->prev;
	else
		ts->tw->tail = tw->prev;
}

void tcp_tw_delete(struct tcp_stack *ts, struct tcp_time_wait *tw)
{
	uint32_t idx = tw_index(ts, tw);

	fifo_remove(ts, tw);
	tcp_table_remove(ts->table, tcp_hash(ts, &tw->flow), tcp_ref(TCP_KIND_TW, idx));
	tcp_live_set(ts, TCP_KIND_TW, idx, false);
	pool_put(&ts->time_waits, tw);
}

static void tw_timer(void *ctx, struct wheel_timer *t, uint64_t now_us)
{
	struct tcp_stack *ts = ctx;
	struct tcp_time_wait *tw;

	while ((tw = tw_at(ts, ts->tw->head)) != NULL &&
	       tcp_now_ms(ts) - tw->stamp_ms >= ts->conf.time_wait_ms)
		tcp_tw_delete(ts, tw);
	arm(ts);
}

/* ---- answers ------------------------------------------------------------------- */

static void send_ack(struct tcp_stack *ts, const struct tcp_time_wait *tw)
{
	/* The window means nothing after the peer's FIN, but its edge must not move
	 * left: the largest field never does, whatever was promised. */
	struct tcp_bare b = {
		.flow = tw->flow, .seq = tw->snd_nxt, .ack = tw->rcv_nxt, .wnd = UINT16_MAX, .flags = RTE_TCP_ACK_FLAG,
	};

	if (tw->ts_recent != 0)
		b.opt_len = tcp_ts_option(tcp_now_ms(ts) + tcp_ts_offset(ts->conf.secrets, &tw->flow), tw->ts_recent,
					  b.opts);
	tcp_send_bare(ts, &b);
}

static void limited_ack(struct tcp_stack *ts, struct tcp_time_wait *tw)
{
	uint16_t now = (uint16_t)(tcp_now_ms(ts) / ANSWER_UNIT_MS);

	now = now != 0 ? now : 1;
	if (tw->answered != 0 && (uint16_t)(now - tw->answered) < ts->conf.challenge_ack_ms / ANSWER_UNIT_MS) {
		ts->stats.challenge_limited++;
		return;
	}
	tw->answered = now;
	ts->stats.challenge_acks++;
	send_ack(ts, tw);
}

/* ---- entering -------------------------------------------------------------------- */

static struct tcp_time_wait *tw_new(struct tcp_stack *ts)
{
	struct tcp_time_wait *tw = pool_get(&ts->time_waits);

	if (tw != NULL)
		return tw;
	/* Full: the oldest goes. With timestamps PAWS protects whoever reuses its tuple. */
	tw = tw_at(ts, ts->tw->head);
	if (tw == NULL)
		return NULL;
	if (tw->ts_recent != 0)
		ts->stats.tw_recycled++;
	else
		ts->stats.tw_recycled_early++;
	tcp_tw_delete(ts, tw);
	return pool_get(&ts->time_waits);
}

void tcp_enter_time_wait(struct tcp_conn *c)
{
	struct tcp_stack *ts = c->ts;
	bool ack_due = c->flags & TCF_ACK_NOW || c->rcv_nxt != c->rcv_wup;
	struct tcp_time_wait *tw;
	uint32_t ref;

	if (tcp_dead(c))
		return;
	tw = tw_new(ts);
	if (tw != NULL) {
		memset(tw, 0, sizeof(*tw));
		tw->flow = c->flow;
		tw->rcv_nxt = c->rcv_nxt;
		tw->snd_nxt = c->snd_nxt;
		tw->ts_recent = c->flags & TCF_TS ? c->ts_recent : 0;
		ref = tcp_ref(TCP_KIND_TW, tw_index(ts, tw));
		tcp_table_replace(ts->table, tcp_hash(ts, &c->flow),
				  tcp_ref(TCP_KIND_CONN, pool_index(&ts->conns, c)), ref);
		tcp_live_set(ts, TCP_KIND_TW, tw_index(ts, tw), true);
		fifo_append(ts, tw);
		if (ack_due)
			send_ack(ts, tw);
	}
	tcp_kill(c, 0);
	c->state = TCP_TIME_WAIT; /* for whoever looks at the handle */
}

/* ---- segments (2.7) ---------------------------------------------------------------- */

static bool paws_old(const struct tcp_stack *ts, const struct tcp_time_wait *tw, const struct tcp_seg *seg)
{
	return seg->opt.present & TCP_OPT_TS &&
	       tcp_paws_old(tw->ts_recent, seg->opt.tsval, tcp_now_ms(ts) - tw->stamp_ms);
}

/* RFC 6191, as Linux: a SYN that is newer by its number or its timestamp. */
static bool syn_is_new(const struct tcp_stack *ts, const struct tcp_time_wait *tw, const struct tcp_seg *seg)
{
	if (paws_old(ts, tw, seg))
		return false;
	return seq_gt(seg->seq, tw->rcv_nxt) ||
	       (tw->ts_recent != 0 && seg->opt.present & TCP_OPT_TS && seq_gt(seg->opt.tsval, tw->ts_recent));
}

static void reopen(struct tcp_stack *ts, struct tcp_time_wait *tw, struct tcp_listener *l, uint64_t hash,
		   struct tcp_seg *seg)
{
	struct net_flow flow = tw->flow;
	uint32_t iss_min = tw->snd_nxt + ISS_GAP;

	ts->stats.tw_reused++;
	tcp_tw_delete(ts, tw);
	tcp_listen_syn(l, &flow, hash, seg, &iss_min);
}

static void restart(struct tcp_stack *ts, struct tcp_time_wait *tw)
{
	fifo_remove(ts, tw);
	fifo_append(ts, tw);
}

void tcp_tw_input(struct tcp_stack *ts, struct tcp_time_wait *tw, uint64_t hash, struct tcp_seg *seg)
{
	struct tcp_listener *l;

	if (seg->flags & RTE_TCP_RST_FLAG || !(seg->flags & (RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG))) {
		TCP_SEG_DROP(ts, TCP_TIME_WAIT, seg);
		return;
	}
	if ((seg->flags & (RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG)) == RTE_TCP_SYN_FLAG) {
		l = tcp_listener_find(ts, &tw->flow);
		if (l != NULL && syn_is_new(ts, tw, seg)) {
			reopen(ts, tw, l, hash, seg);
			return;
		}
		limited_ack(ts, tw);
	} else if (paws_old(ts, tw, seg) || seg->flags & RTE_TCP_SYN_FLAG) {
		limited_ack(ts, tw);
	} else if (seg->end == tw->rcv_nxt && seg->seq == tw->rcv_nxt) { /* bare ACK */
		restart(ts, tw);
	} else if (seg->flags & RTE_TCP_FIN_FLAG && seg->end == tw->rcv_nxt) {
		restart(ts, tw);
		limited_ack(ts, tw);
	} else {
		limited_ack(ts, tw);
	}
	TCP_SEG_DROP(ts, TCP_TIME_WAIT, seg);
}

bool tcp_tw_reusable(const struct tcp_stack *ts, const struct tcp_time_wait *tw, uint32_t *iss_min)
{
	*iss_min = tw->snd_nxt + ISS_GAP;
	return tw->ts_recent != 0 && ts->conf.timestamps && tcp_now_ms(ts) - tw->stamp_ms >= REUSE_AGE_MS;
}
