/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include <rte_common.h>

#include "proto/tcp/conn.h"

#define SLOTS 256
#define BACKLOG 1024
#define COOKIE_LIFE_MS 120000 /* two periods of the cookie's minute count */
#define MINUTE_US (60 * TCP_S_US)

struct listen_state {
	struct tcp_listener *slot[SLOTS];
};

int tcp_listen_init(struct tcp_stack *ts)
{
	ts->listen = calloc(1, sizeof(*ts->listen));
	return ts->listen != NULL ? 0 : -ENOMEM;
}

void tcp_listen_fini(struct tcp_stack *ts)
{
	free(ts->listen);
}

static struct tcp_listener **slot_of(const struct tcp_stack *ts, rte_be16_t port)
{
	return &ts->listen->slot[rte_be_to_cpu_16(port) % SLOTS];
}

static struct tcp_listener *find_exact(const struct tcp_stack *ts, const struct net_addr *addr, rte_be16_t port)
{
	for (struct tcp_listener *l = *slot_of(ts, port); l != NULL; l = l->next) {
		if (l->args.port == port && net_addr_equal(&l->args.addr, addr))
			return l;
	}
	return NULL;
}

struct tcp_listener *tcp_listener_find(const struct tcp_stack *ts, const struct net_flow *f)
{
	struct tcp_listener *any = NULL;

	for (struct tcp_listener *l = *slot_of(ts, f->lport); l != NULL; l = l->next) {
		if (l->args.port != f->lport)
			continue;
		if (l->args.addr.family == NET_UNSPEC)
			any = l;
		else if (l->args.addr.family == f->family && memcmp(l->args.addr.b, f->laddr, 16) == 0)
			return l;
	}
	return any;
}

bool tcp_port_listened(const struct tcp_stack *ts, rte_be16_t port)
{
	for (const struct tcp_listener *l = *slot_of(ts, port); l != NULL; l = l->next) {
		if (l->args.port == port)
			return true;
	}
	return false;
}

int tcp_listen(struct tcp_stack *ts, const struct tcp_listen_args *args, struct tcp_listener **out)
{
	struct tcp_listener *l, **slot = slot_of(ts, args->port);

	if (args->port == 0 || args->accept == NULL || args->opt.len > TCP_USER_OPT_MAX)
		return -EINVAL;
	if (args->addr.family != NET_UNSPEC && net_local_if(ts->net, &args->addr) < 0)
		return -EADDRNOTAVAIL;
	if (find_exact(ts, &args->addr, args->port) != NULL)
		return -EADDRINUSE;
	l = pool_get(&ts->listeners);
	if (l == NULL)
		return -ENOMEM;
	memset(l, 0, sizeof(*l));
	l->ts = ts;
	l->args = *args;
	if (l->args.rcvbuf_max == 0)
		l->args.rcvbuf_max = ts->conf.rcvbuf_max;
	if (l->args.sndbuf_max == 0)
		l->args.sndbuf_max = ts->conf.sndbuf_max;
	if (l->args.backlog == 0)
		l->args.backlog = BACKLOG;
	l->next = *slot;
	*slot = l;
	*out = l;
	return 0;
}

void tcp_unlisten(struct tcp_listener *l)
{
	struct tcp_listener **p = slot_of(l->ts, l->args.port);

	tcp_half_drop_listener(l);
	while (*p != l)
		p = &(*p)->next;
	*p = l->next;
	l->closed = true;
	if (!l->in_accept)
		tcp_listener_settle(l);
}

void tcp_listener_settle(struct tcp_listener *l)
{
	if (l->closed)
		pool_put(&l->ts->listeners, l);
}

bool tcp_listen_wants_opt(const struct tcp_listener *l, const struct net_flow *f, const struct tcp_seg *seg)
{
	if (!tcp_user_opt_fits(&l->args.opt, &seg->opt))
		return false;
	return l->args.opt_policy == NULL || l->args.opt_policy(l->args.ctx, f);
}

static uint32_t cookie_minute(const struct tcp_stack *ts)
{
	return (uint32_t)(tcp_now_us(ts) / MINUTE_US);
}

static bool cookies_recent(const struct tcp_listener *l)
{
	return l->cookies_out && tcp_now_ms(l->ts) - l->cookie_ms <= COOKIE_LIFE_MS;
}

/* SYN-ACK without keeping anything (RFC 4987 3.6). */
static void send_cookie(struct tcp_listener *l, const struct net_flow *f, const struct tcp_seg *seg)
{
	struct tcp_stack *ts = l->ts;
	struct tcp_bare b = { .flow = *f, .ack = seg->seq + 1, .flags = RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG };
	struct tcp_agreed a;
	struct tcp_syn_opts o = { .mss = tcp_our_mss(ts, f->ifx) };
	uint16_t mss;

	tcp_agree(l, &seg->opt, &a);
	mss = a.peer_mss != 0 ? a.peer_mss : TCP_DEFAULT_MSS;
	b.seq = tcp_cookie_make(ts->conf.secrets->cookie[0], f, seg->seq, cookie_minute(ts), mss);
	b.wnd = tcp_rcv_initial_window(&ts->conf, l->args.rcvbuf_max);
	if (a.ts) { /* the options return in the echoed timestamp, or not at all */
		o.ts = true;
		o.sack = a.sack;
		o.wscale = a.wscale;
		o.shift = a.rcv_wscale;
		o.tsval = tcp_cookie_clock(tcp_now_ms(ts), a.wscale, a.snd_wscale, a.sack) +
			  tcp_ts_offset(ts->conf.secrets, f);
		o.tsecr = seg->opt.tsval;
	}
	b.opt_len = tcp_syn_options(&o, b.opts);
	if (l->args.opt.len != 0 && seg->opt.present & TCP_OPT_USER)
		ts->stats.opt_dropped_cookie++;
	ts->stats.syn_cookies_sent++;
	l->cookie_ms = tcp_now_ms(ts);
	l->cookies_out = true;
	tcp_send_bare(ts, &b);
}

/* A SYN beyond the limits. */
static void syn_overflow(struct tcp_listener *l, const struct net_flow *f, struct tcp_seg *seg)
{
	l->ts->stats.listen_overflows++;
	/* Those who wait for accept come first, a cookie would promise too much. They hold entries: while there
	 * is room others are served, for a limit that refuses one peer may not concern the next. */
	if (l->ts->conf.cookies == TCP_COOKIES_OFF || l->refused != 0) {
		TCP_SEG_DROP(l->ts, TCP_SYN_QUOTA, seg);
		return;
	}
	send_cookie(l, f, seg);
}

void tcp_listen_syn(struct tcp_listener *l, const struct net_flow *f, uint64_t hash, struct tcp_seg *seg,
		    const uint32_t *iss_min)
{
	struct tcp_stack *ts = l->ts;

	if (iss_min == NULL && ts->conf.cookies == TCP_COOKIES_ALWAYS) {
		send_cookie(l, f, seg);
		return;
	}
	if (iss_min == NULL && !tcp_half_room(l, f)) {
		syn_overflow(l, f, seg);
		return;
	}
	if (tcp_half_open(l, f, hash, seg, iss_min) != 0) {
		ts->stats.no_memory++;
		TCP_SEG_DROP(ts, TCP_NO_MEMORY, seg);
	}
}

static uint16_t check_cookie(struct tcp_stack *ts, const struct net_flow *f, const struct tcp_seg *seg)
{
	uint32_t minute = cookie_minute(ts);

	for (unsigned i = 0; i < 2; i++) {
		uint16_t mss = tcp_cookie_check(ts->conf.secrets->cookie[i], f, seg->seq - 1, seg->ack - 1, minute);

		if (mss != 0)
			return mss;
	}
	return 0;
}

/* The ACK of a cookie: 6.3 of the reference. */
static void cookie_ack(struct tcp_listener *l, const struct net_flow *f, struct tcp_seg *seg)
{
	struct tcp_stack *ts = l->ts;
	struct tcp_handshake hs = { .flow = *f, .irs = seg->seq - 1, .iss = seg->ack - 1, .flags = TCF_FROM_COOKIE };
	uint16_t mss = check_cookie(ts, f, seg);
	struct tcp_conn *c;

	if (mss == 0) {
		ts->stats.syn_cookies_failed++;
		tcp_reset_reply(ts, f, seg);
		TCP_SEG_DROP(ts, TCP_COOKIE_BAD, seg);
		return;
	}
	hs.agreed.peer_mss = mss;
	hs.ts_offset = tcp_ts_offset(ts->conf.secrets, f);
	if (ts->conf.timestamps && seg->opt.present & TCP_OPT_TS) {
		tcp_cookie_options(seg->opt.tsecr - hs.ts_offset, &hs.agreed);
		hs.agreed.sack &= ts->conf.sack;
		hs.agreed.wscale &= ts->conf.window_scaling;
		hs.agreed.rcv_wscale = tcp_rcv_wscale(l->args.rcvbuf_max);
		hs.agreed.ts_recent = seg->opt.tsval;
	}
	c = tcp_accept(l, &hs, seg, 0);
	if (c == NULL) {
		if (ts->conf.abort_on_overflow)
			tcp_reset_reply(ts, f, seg);
		TCP_SEG_DROP(ts, TCP_ACCEPT_OVERFLOW, seg);
	} else {
		ts->stats.syn_cookies_recv++;
		tcp_segment_data(c, seg);
	}
	tcp_listener_settle(l);
}

void tcp_listen_input(struct tcp_listener *l, const struct net_flow *f, uint64_t hash, struct tcp_seg *seg)
{
	struct tcp_stack *ts = l->ts;

	/* RFC 9293 3.10.7.2: first RST, second ACK, third SYN, fourth the rest. */
	if (seg->flags & RTE_TCP_RST_FLAG) {
		TCP_SEG_DROP(ts, TCP_RST_UNMATCHED, seg);
	} else if (seg->flags & RTE_TCP_ACK_FLAG) {
		if (cookies_recent(l) && !(seg->flags & RTE_TCP_SYN_FLAG)) {
			cookie_ack(l, f, seg);
			return;
		}
		tcp_reset_reply(ts, f, seg);
		TCP_SEG_DROP(ts, TCP_LISTEN_OTHER, seg);
	} else if (seg->flags & RTE_TCP_SYN_FLAG) {
		tcp_listen_syn(l, f, hash, seg, NULL);
	} else {
		TCP_SEG_DROP(ts, TCP_LISTEN_OTHER, seg);
	}
}
