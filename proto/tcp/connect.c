/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <rte_common.h>

#include "proto/tcp/conn.h"

#define SYN_RTO_MS 1000u
#define SYN_AGAIN_MS 4        /* after an old TIME-WAIT of the peer answered */
#define OPT_DROPPED_FROM 2    /* SYN retransmissions from this one on go without the user option (6.8) */

/* ---- tcp_connect() ---------------------------------------------------------- */

static void flow_of(struct tcp_stack *ts, struct net_flow *f, const struct net_addr *laddr,
		    const struct tcp_connect_args *args, uint8_t ifx)
{
	memset(f, 0, sizeof(*f));
	memcpy(f->laddr, laddr->b, 16);
	memcpy(f->raddr, args->raddr.b, 16);
	f->lport = args->lport;
	f->rport = args->rport;
	f->ifx = ifx;
	f->vlan = net_if_get(ts->net, ifx)->vlan;
	f->family = NET_IPV4;
}

/* The caller's own port. */
static int take_port(struct tcp_stack *ts, const struct net_flow *f, struct tcp_time_wait **tw)
{
	uint32_t ref = tcp_table_find(ts->table, f, tcp_hash(ts, f)), iss_min;

	*tw = NULL;
	if (ts->steering.owns != NULL && !ts->steering.owns(ts->steering.ctx, f))
		return -EADDRNOTAVAIL;
	if (ref == 0)
		return 0;
	if (tcp_ref_kind(ref) != TCP_KIND_TW)
		return -EADDRINUSE;
	*tw = pool_at(&ts->time_waits, tcp_ref_index(ref));
	return tcp_tw_reusable(ts, *tw, &iss_min) ? 0 : -EADDRINUSE;
}

static void fill(struct tcp_conn *c, const struct tcp_connect_args *args, const uint32_t *iss_min)
{
	struct tcp_stack *ts = c->ts;

	c->flags |= TCF_ACTIVE;
	c->user = args->user;
	c->user_opt = args->opt;
	if (args->rcvbuf_max != 0)
		c->rcvbuf_max = args->rcvbuf_max;
	if (args->sndbuf_max != 0)
		c->sndbuf_max = args->sndbuf_max;
	c->iss = tcp_isn(ts->conf.secrets, &c->flow, tcp_now_us(ts));
	if (iss_min != NULL && seq_lt(c->iss, *iss_min))
		c->iss = *iss_min;
	c->ts_offset = tcp_ts_offset_of(&ts->ts_cache, ts->conf.secrets, &c->flow);
	c->peer_mss = TCP_DEFAULT_MSS;
}

static int start(struct tcp_stack *ts, const struct tcp_connect_args *args, const struct net_flow *f,
		 const struct net_path *path, const uint32_t *iss_min, struct tcp_conn **out)
{
	struct tcp_conn *c = tcp_conn_new(ts, f);

	if (c == NULL)
		return -ENOMEM;
	fill(c, args, iss_min);
	if (tcp_snd_init(c) != 0 ||
	    tcp_table_insert(ts->table, tcp_hash(ts, f), tcp_ref(TCP_KIND_CONN, pool_index(&ts->conns, c))) != 0) {
		tcp_conn_discard(c);
		return -ENOMEM;
	}
	c->path = *path;
	c->snd_una = c->snd_nxt = c->iss;
	c->snd_edge = c->iss + 1; /* the SYN needs no window; for tcp_send_reset() until the peer offers one */
	tcp_update_mss(c);
	tcp_set_state(c, TCP_SYN_SENT);
	if (args->timeout_ms != 0)
		tcp_timer_set(c, TCP_T_USER, tcp_now_us(ts) + args->timeout_ms * TCP_MS_US);
	ts->stats.active_opens++;
	tcp_want_output(c);
	*out = c;
	return 0;
}

int tcp_connect(struct tcp_stack *ts, const struct tcp_connect_args *args, struct tcp_conn **out)
{
	struct net_addr laddr = args->laddr;
	struct tcp_time_wait *tw = NULL;
	uint32_t iss_min = 0;
	struct net_path path;
	struct net_flow f;
	int rc;

	if (args->rport == 0 || args->raddr.family != NET_IPV4 || args->opt.len > TCP_USER_OPT_MAX)
		return -EINVAL;
	if (laddr.family != NET_UNSPEC && net_local_if(ts->net, &laddr) < 0)
		return -EADDRNOTAVAIL;
	memset(&path, 0, sizeof(path));
	rc = net_path_open(ts->net, &path, &laddr, &args->raddr);
	if (rc != 0)
		return rc;
	flow_of(ts, &f, &laddr, args, path.ifx);
	rc = args->lport != 0 ? take_port(ts, &f, &tw) : tcp_port_choose(ts, &f, &tw);
	if (rc != 0)
		goto close;
	if (tw != NULL) {
		(void)tcp_tw_reusable(ts, tw, &iss_min);
		tcp_tw_delete(ts, tw);
		ts->stats.tw_reused++;
	}
	rc = start(ts, args, &f, &path, tw != NULL ? &iss_min : NULL, out);
	if (rc == 0)
		return 0;
close:
	net_path_close(ts->net, &path);
	return rc;
}

/* ---- SYN going out ------------------------------------------------------------ */

static void send_syn(struct tcp_conn *c)
{
	uint8_t flags = RTE_TCP_SYN_FLAG;
	unsigned doublings = RTE_MIN(c->retries, 16);
	uint32_t rto_ms = RTE_MIN(SYN_RTO_MS << doublings, c->ts->conf.rto_max_ms);
	int rc;

	if (c->state == TCP_SYN_SENT && c->snd_nxt == c->iss && tcp_await_hop(c))
		return;
	if (c->state == TCP_SYN_RECEIVED)
		flags |= RTE_TCP_ACK_FLAG;
	if (c->retries >= OPT_DROPPED_FROM)
		c->flags |= TCF_NO_OPT;
	c->flags &= ~TCF_ACK_NOW;
	rc = tcp_send_control(c, c->iss, flags);
	if (rc == -ENOMEM && c->retries == 0) { /* not sent, so not lost either: at once when there is memory */
		c->flags |= c->state == TCP_SYN_RECEIVED ? TCF_ACK_NOW : 0;
		tcp_no_memory(c);
		return;
	}
	c->snd_nxt = c->iss + 1;
	c->rtx_mode = TCP_RTX_SYN;
	tcp_timer_set(c, TCP_T_RTX, tcp_now_us(c->ts) + rto_ms * TCP_MS_US);
	if (rc == -EHOSTUNREACH) { /* the next hop does not answer: no use in waiting for minutes */
		c->soft_error = EHOSTUNREACH;
		if (c->retries != 0)
			tcp_kill(c, EHOSTUNREACH);
	}
}

void tcp_syn_output(struct tcp_conn *c)
{
	if (c->state == TCP_SYN_SENT && c->snd_nxt == c->iss) {
		c->syn_us = (uint32_t)tcp_now_us(c->ts);
		c->created_ms = tcp_now_ms(c->ts);
		if (c->user_opt.len != 0 && !(c->flags & TCF_OPT_SENT)) {
			c->flags |= TCF_OPT_SENT;
			c->ts->stats.opt_sent++;
		}
		send_syn(c);
	} else if (c->state == TCP_SYN_RECEIVED && c->flags & TCF_ACK_NOW) {
		send_syn(c);
	}
}

void tcp_syn_expired(struct tcp_conn *c)
{
	uint8_t max = c->state == TCP_SYN_SENT ? c->ts->conf.syn_retries : c->ts->conf.synack_retries;

	if (c->flags & TCF_AWAITS) { /* nobody has said a word about the next hop */
		tcp_kill(c, EHOSTUNREACH);
		return;
	}
	c->ts->stats.syn_timeouts++;
	if (c->retries >= max) {
		tcp_kill(c, c->soft_error != 0 ? c->soft_error : ETIMEDOUT);
		return;
	}
	c->retries++;
	c->retransmits++;
	c->flags |= TCF_SYN_RTX;
	c->ts->stats.retrans_segs++;
	send_syn(c);
}

void tcp_connect_expired(struct tcp_conn *c)
{
	tcp_kill(c, c->soft_error != 0 ? c->soft_error : ETIMEDOUT);
}

/* ---- SYN-SENT: what comes back (RFC 9293 3.10.7.3) ----------------------------- */

static void agree(const struct tcp_conn *c, const struct tcp_opts *opt, struct tcp_agreed *a)
{
	const struct tcp_config *conf = &c->ts->conf;

	*a = (struct tcp_agreed) {
		.ts = conf->timestamps && opt->present & TCP_OPT_TS,
		.sack = conf->sack && opt->present & TCP_OPT_SACK_OK,
		.wscale = conf->window_scaling && opt->present & TCP_OPT_WSCALE,
		.rcv_wscale = tcp_rcv_wscale(c->rcvbuf_max),
		.snd_wscale = RTE_MIN(opt->wscale, (uint8_t)TCP_WSCALE_MAX),
		.peer_mss = opt->present & TCP_OPT_MSS ? tcp_mss_floor(conf, opt->mss) : 0,
		.ts_recent = opt->tsval,
	};
}

static void note_user_opt(struct tcp_conn *c, const struct tcp_opts *opt)
{
	if (!(c->flags & TCF_OPT_SENT) || !tcp_user_opt_fits(&c->user_opt, opt))
		return;
	if (opt->present & TCP_OPT_TS && opt->tsval == opt->tsecr) /* our own options reflected */
		return;
	c->flags |= TCF_OPT_RCVD;
	c->ts->stats.opt_received++;
}

static int synced(struct tcp_conn *c, const struct tcp_seg *seg)
{
	struct tcp_agreed a;

	agree(c, &seg->opt, &a);
	note_user_opt(c, &seg->opt);
	c->irs = seg->seq;
	return tcp_conn_synced(c, &a);
}

/* RFC 6298: the SYN is timed if it went out once, or the echo tells which was answered. */
static void sample_handshake(struct tcp_conn *c, const struct tcp_seg *seg)
{
	uint32_t first = c->created_ms + c->ts_offset;

	if (c->retries == 0) {
		tcp_rtt_sample(c, RTE_MAX((uint32_t)tcp_now_us(c->ts) - c->syn_us, 1u));
	} else if (c->flags & TCF_TS && seg->opt.tsecr != 0) {
		if (seg->opt.tsecr == first) /* the first one had arrived: nothing was lost */
			c->flags &= ~TCF_SYN_RTX;
		tcp_rtt_sample(c, RTE_MAX((tcp_tsval(c) - seg->opt.tsecr) * 1000, 1u));
	}
}

static void connected(struct tcp_conn *c, struct tcp_seg *seg)
{
	if (synced(c, seg) != 0) {
		tcp_send_reset(c);
		tcp_kill(c, ENOMEM);
		TCP_SEG_DROP(c->ts, TCP_NO_MEMORY, seg);
		return;
	}
	sample_handshake(c, seg);
	tcp_conn_established(c, seg, false);
	c->flags |= TCF_ACK_NOW;
	tcp_want_output(c);
	tcp_raise(c, TCP_EV_CONNECTED);
	tcp_close_resume(c);
	seg->seq++;
	seg->flags &= ~RTE_TCP_SYN_FLAG;
	tcp_segment_data(c, seg);
}

/* Both sides opened at once (RFC 9293 figure 8). */
static void simultaneous(struct tcp_conn *c, struct tcp_seg *seg)
{
	if (synced(c, seg) != 0) {
		tcp_kill(c, ENOMEM);
		TCP_SEG_DROP(c->ts, TCP_NO_MEMORY, seg);
		return;
	}
	tcp_await_end(c);
	tcp_set_state(c, TCP_SYN_RECEIVED);
	c->flags |= TCF_ACK_NOW;
	tcp_want_output(c);
	TCP_SEG_DROP(c->ts, TCP_DONE, seg);
}

/* Not later than it is set to: a stream of old ACKs must not push it away. */
static void syn_again_soon(struct tcp_conn *c)
{
	uint64_t at = tcp_now_us(c->ts) + SYN_AGAIN_MS * TCP_MS_US;

	if ((int32_t)(c->timer[TCP_T_RTX] - (uint32_t)(at / WHEEL_TICK_US)) > 0)
		tcp_timer_set(c, TCP_T_RTX, at);
}

static void bad_ack(struct tcp_conn *c, struct tcp_seg *seg)
{
	struct tcp_stack *ts = c->ts;

	if (!(seg->flags & RTE_TCP_RST_FLAG)) {
		tcp_reset_reply(ts, &c->flow, seg);
		if (c->retries == 0 && c->snd_nxt != c->iss)
			syn_again_soon(c);
	}
	TCP_SEG_DROP(ts, TCP_ACK_BAD, seg);
}

static bool echo_ok(const struct tcp_conn *c, const struct tcp_opts *opt)
{
	if (!c->ts->conf.timestamps || !(opt->present & TCP_OPT_TS) || opt->tsecr == 0)
		return true;
	return seq_ge(opt->tsecr, c->created_ms + c->ts_offset) && seq_le(opt->tsecr, tcp_tsval(c));
}

void tcp_syn_sent_input(struct tcp_conn *c, struct tcp_seg *seg)
{
	struct tcp_stack *ts = c->ts;
	bool ack = seg->flags & RTE_TCP_ACK_FLAG, syn = seg->flags & RTE_TCP_SYN_FLAG;

	if (ack && (seq_le(seg->ack, c->iss) || seq_gt(seg->ack, c->snd_nxt))) {  /* 1 */
		bad_ack(c, seg);
	} else if (ack && !(seg->flags & RTE_TCP_RST_FLAG) && !echo_ok(c, &seg->opt)) { /* 2 */
		TCP_SEG_DROP(ts, TCP_TSECR, seg);
	} else if (seg->flags & RTE_TCP_RST_FLAG) {                               /* 3 */
		if (!ack) {
			TCP_SEG_DROP(ts, TCP_RST_BAD_SEQ, seg);
			return;
		}
		TCP_SEG_DROP(ts, TCP_RST_ACCEPTED, seg);
		tcp_kill(c, ECONNREFUSED);
	} else if (ack && !syn) {                                                 /* 4 */
		TCP_SEG_DROP(ts, TCP_ACK_BAD, seg);
	} else if (ack) {                                                         /* 5 */
		connected(c, seg);
	} else if (syn) {                                                         /* 6 */
		simultaneous(c, seg);
	} else {                                                                  /* 7 */
		TCP_SEG_DROP(ts, TCP_NO_ACK, seg);
	}
}
