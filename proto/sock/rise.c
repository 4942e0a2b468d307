/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a connection attempt to the transport that carries it: SMC handshakes,
 * their decisions, connecting again, and DECLINEs that cross.
 *
 * A decision may come in any stage of the turn; it is told in stage 7.
 */
#include <errno.h>

#include "proto/sock/sock_impl.h"

#define FILTER_US 1000000u /* for the rest of what begins like a DECLINE */

/* ---- the object ------------------------------------------------------------ */

static struct sock_rise *new_rise(struct sock *s)
{
	struct sock_rise *r = pool_get(&s->ss->rises);

	if (r == NULL)
		return NULL;
	/* Each short connection has one: what is set with something else is not cleared. */
	r->s = s;
	r->tcp = NULL;
	r->smc = NULL;
	r->decided = r->listed = false;
	r->set = 0;
	r->verdict.tcp = NULL;
	r->deadline_us = 0;
	r->timer.next = NULL;
	s->rise = r;
	s->mode = SOCK_M_RISING;
	return r;
}

/* Not while it is on the list. */
static void free_rise(struct sock *s)
{
	if (unlikely(wheel_armed(&s->rise->timer)))
		wheel_cancel(s->ss->wheel, &s->rise->timer);
	pool_put(&s->ss->rises, s->rise);
	s->rise = NULL;
}

static void list_rise(struct sock_stack *ss, struct sock_rise *r)
{
	r->listed = true;
	r->next = NULL;
	*ss->decided_tail = r;
	ss->decided_tail = &r->next;
}

/* What was asked for meanwhile. */
static void apply_tcp(const struct sock_rise *r, struct tcp_conn *c)
{
	if (r->set & SOCK_SET_NODELAY)
		tcp_nodelay(c, r->nodelay);
	if (r->set & SOCK_SET_CORK)
		tcp_cork(c, r->cork);
	if (r->set & SOCK_SET_KEEPALIVE)
		tcp_keepalive(c, r->keepalive);
	if (r->set & SOCK_SET_TIMEOUT)
		tcp_user_timeout(c, r->user_timeout_ms);
	if (r->set & SOCK_SET_BUFFERS)
		tcp_set_buffers(c, r->rcvbuf_max, r->sndbuf_max);
	if (r->set & SOCK_SET_SENT)
		tcp_notify_sent(c);
}

static void apply_smc(const struct sock_rise *r, struct smc_conn *c)
{
	struct tcp_conn *tcp = smc_tcp(c);

	if (r->set & SOCK_SET_NODELAY)
		smc_nodelay(c, r->nodelay);
	if (r->set & SOCK_SET_CORK)
		smc_cork(c, r->cork);
	if (r->set & SOCK_SET_SENT)
		smc_notify_sent(c);
	if (tcp == NULL)
		return;
	if (r->set & SOCK_SET_KEEPALIVE)
		tcp_keepalive(tcp, r->keepalive);
	if (r->set & SOCK_SET_TIMEOUT)
		tcp_user_timeout(tcp, r->user_timeout_ms);
}

/* TCP it is, with the socket as its user: the object stays only to filter. */
static void become_tcp(struct sock *s, struct tcp_conn *c, bool filter)
{
	if (s->rise->set != 0)
		apply_tcp(s->rise, c);
	s->conn = c;
	if (filter) {
		s->mode = SOCK_M_FILTER;
		return;
	}
	s->mode = SOCK_M_TCP;
	free_rise(s);
}

static void become_smc(struct sock *s)
{
	s->smc = s->rise->smc;
	s->mode = SOCK_M_SMC;
	s->ss->stats.smc_open++;
	apply_smc(s->rise, s->smc);
	free_rise(s);
}

static void become_none(struct sock *s)
{
	s->mode = SOCK_M_NONE;
	free_rise(s);
}

/* ---- beginning ----------------------------------------------------------------- */

int sock_rise_connect(struct sock *s, const struct sock_connect_args *args)
{
	struct sock_stack *ss = s->ss;
	struct sock_rise *r = new_rise(s);
	int rc;

	if (r == NULL)
		return -ENOMEM;
	r->args = (struct tcp_connect_args){
		.laddr = args->laddr, .raddr = args->raddr, .lport = args->lport, .rport = args->rport, .user = s,
		.opt = smc_tcp_opt, .timeout_ms = args->timeout_ms, .rcvbuf_max = args->rcvbuf_max,
		.sndbuf_max = args->sndbuf_max,
	};
	if (args->timeout_ms != 0)
		r->deadline_us = net_now(ss->net) + args->timeout_ms * 1000ull;
	rc = tcp_connect(ss->tcp, &r->args, &r->tcp);
	if (rc < 0)
		become_none(s);
	return rc;
}

int sock_rise_accept(struct sock *s, struct tcp_conn *c)
{
	const struct sock_listener *l = s->listener;
	struct sock_rise *r = new_rise(s);
	int rc;

	if (r == NULL)
		return -ENOMEM;
	rc = smc_accept_begin(s->ss->smc, &(struct smc_begin_args){
		.tcp = c, .user = s, .rcvbuf = l->rcvbuf_max, .sndbuf = l->sndbuf_max }, &r->smc);
	if (rc < 0)
		become_none(s);
	else
		s->listener->rising++;
	return rc;
}

static void begin_smc(struct sock *s, struct tcp_conn *c, unsigned events)
{
	struct sock_rise *r = s->rise;
	uint32_t rcvbuf = r->set & SOCK_SET_BUFFERS && r->rcvbuf_max != 0 ? r->rcvbuf_max : r->args.rcvbuf_max;
	uint32_t sndbuf = r->set & SOCK_SET_BUFFERS && r->sndbuf_max != 0 ? r->sndbuf_max : r->args.sndbuf_max;
	int rc;

	r->tcp = NULL;
	rc = smc_connect_begin(s->ss->smc, &(struct smc_begin_args){
		.tcp = c, .user = s, .rcvbuf = rcvbuf, .sndbuf = sndbuf }, &r->smc);
	if (rc == 0) {
		if (events != 0)
			smc_tcp_event(tcp_user(c), events);
		return;
	}
	if (rc == -ENOMEM) {
		s->reason = SMC_RSN_MEM;
		tcp_set_user(c, s);
		become_tcp(s, c, true);
		sock_tell(s, TCP_EV_CONNECTED | events, 0);
		return;
	}
	tcp_set_user(c, NULL);
	tcp_abort(c);
	become_none(s);
	sock_tell(s, TCP_EV_CLOSED, -rc);
}

void sock_rise_event(struct sock *s, struct tcp_conn *c, unsigned events)
{
	struct sock_rise *r = s->rise;

	if (r->decided) {
		r->verdict.tcp_events |= events;
		return;
	}
	if (events & TCP_EV_CONNECTED && !(events & TCP_EV_CLOSED) && tcp_opt_agreed(c)) {
		begin_smc(s, c, events & ~(unsigned)TCP_EV_CONNECTED);
		return;
	}
	if (!(events & (TCP_EV_CONNECTED | TCP_EV_CLOSED)))
		return;
	if (events & TCP_EV_CONNECTED) {
		s->reason = SMC_RSN_PEERNOSMC;
		smc_no_option(s->ss->smc, SMC_CLIENT, s->reason);
	}
	become_tcp(s, c, false);
	sock_tcp_event(s->ss, c, s, events);
}

/* ---- decisions ------------------------------------------------------------------- */

void sock_rise_decided(void *ctx, struct smc_conn *c, void *user, const struct smc_decision *d)
{
	struct sock *s = user;

	s->rise->verdict = *d;
	s->rise->decided = true;
	if (d->outcome != SMC_OUT_SMC)
		s->rise->smc = NULL;
	if (d->tcp != NULL)
		tcp_set_user(d->tcp, s);
	list_rise(ctx, s->rise);
}

static void connect_again(struct sock *s)
{
	struct sock_stack *ss = s->ss;
	struct tcp_connect_args args = s->rise->args;
	uint64_t now = net_now(ss->net);
	struct tcp_conn *c;
	int rc = 0;

	ss->stats.reconnected++;
	args.opt.len = 0;
	if (s->rise->deadline_us != 0) {
		if (s->rise->deadline_us <= now)
			rc = -ETIMEDOUT;
		else
			args.timeout_ms = (uint32_t)((s->rise->deadline_us - now + 999) / 1000);
	}
	if (rc == 0)
		rc = tcp_connect(ss->tcp, &args, &c);
	if (rc == 0) {
		become_tcp(s, c, false);
		return;
	}
	become_none(s);
	sock_tell(s, TCP_EV_CLOSED, -rc);
}

static void count_accepted(struct sock_stats *st, const struct sock *s)
{
	st->accepted++;
	*(s->mode == SOCK_M_SMC ? &st->smc_accepted : &st->fallback_accepted) += 1;
	*(s->mode == SOCK_M_SMC ? &s->listener->smc_accepted : &s->listener->tcp_accepted) += 1;
}

/* Accepted or connected at last, then what TCP had to say. */
static void announce(struct sock *s, unsigned events)
{
	struct sock_stack *ss = s->ss;
	uint64_t id = sock_id(s);
	int rc, error = 0;

	if (s->listener != NULL) {
		s->connected = true;
		rc = s->handler->accepted(s->ctx, s);
		if (rc < 0) {
			ss->stats.refused_service++;
			sock_abort(s);
			return;
		}
		if (sock_by_id(ss, id) == NULL)
			return;
		count_accepted(&ss->stats, s);
	} else {
		events |= TCP_EV_CONNECTED;
	}
	if (events & TCP_EV_CLOSED && (s->mode == SOCK_M_TCP || s->mode == SOCK_M_FILTER)) {
		struct tcp_info info;

		tcp_get_info(s->conn, &info);
		error = info.error;
	}
	sock_tell(s, events, error);
}

static void failed(struct sock *s, int error)
{
	become_none(s);
	s->ss->stats.handshakes_failed++;
	if (s->listener != NULL)
		sock_delete(s); /* its service never heard of it */
	else
		sock_tell(s, TCP_EV_CLOSED, error);
}

static void tell(struct sock *s, const struct smc_decision *d)
{
	if (s->listener != NULL)
		s->listener->rising--;
	s->reason = d->reason;
	s->peer_reason = d->peer_reason;
	switch (d->outcome) {
	case SMC_OUT_SMC:
		become_smc(s);
		announce(s, d->tcp_events);
		break;
	case SMC_OUT_TCP:
		become_tcp(s, d->tcp, d->declined);
		announce(s, d->tcp_events);
		break;
	case SMC_OUT_RECONNECT:
		connect_again(s);
		break;
	case SMC_OUT_FAILED:
		failed(s, d->error);
	}
}

unsigned sock_rise_deliver(struct sock_stack *ss)
{
	struct sock_rise *r;
	unsigned n = 0;

	while ((r = ss->decided_head) != NULL) {
		struct smc_decision d = r->verdict;
		struct sock *s = r->s;

		ss->decided_head = r->next;
		if (r->next == NULL)
			ss->decided_tail = &ss->decided_head;
		r->listed = false;
		n++;
		if (s == NULL)
			pool_put(&ss->rises, r);
		else if (s->mode == SOCK_M_FILTER) /* the timer's */
			sock_tell(s, sock_filter(s, true) ? TCP_EV_READABLE : 0, 0);
		else
			tell(s, &d);
	}
	return n;
}

/* ---- the end of the attempt ----------------------------------------------------------- */

static void end_handles(struct sock_rise *r, bool abortive)
{
	struct tcp_conn *tcp = r->tcp != NULL ? r->tcp : r->verdict.tcp;

	if (r->smc != NULL) {
		smc_set_user(r->smc, NULL);
		if (abortive)
			smc_abort(r->smc);
		else
			smc_close(r->smc);
	} else if (tcp != NULL) {
		tcp_set_user(tcp, NULL);
		if (abortive)
			tcp_abort(tcp);
		else
			tcp_close(tcp);
	}
}

void sock_rise_end(struct sock *s, bool abortive)
{
	struct sock_rise *r = s->rise;

	if (s->mode == SOCK_M_RISING) {
		end_handles(r, abortive);
		if (s->listener != NULL)
			s->listener->rising--;
	}
	if (!r->listed) {
		free_rise(s);
		return;
	}
	wheel_cancel(s->ss->wheel, &r->timer);
	r->s = NULL;
	s->rise = NULL;
}

/* ---- DECLINEs that cross ------------------------------------------------------------------ */

bool sock_filter(struct sock *s, bool force)
{
	struct sock_rise *r = s->rise;

	if (!force && tcp_readable(s->conn) == 0)
		return false;
	if (smc_swallow(s->ss->smc, s->conn) == -EAGAIN && !force) {
		if (!wheel_armed(&r->timer) && !r->listed)
			wheel_arm(s->ss->wheel, &r->timer, WHEEL_SOCK, net_now(s->ss->net) + FILTER_US);
		return false;
	}
	s->mode = SOCK_M_TCP;
	if (r->listed) { /* its turn on the list comes: nothing to do then */
		r->s = NULL;
		s->rise = NULL;
	} else {
		free_rise(s);
	}
	return true;
}

void sock_rise_expired(void *ctx, struct wheel_timer *t, uint64_t now_us)
{
	list_rise(ctx, container_of(t, struct sock_rise, timer));
}
