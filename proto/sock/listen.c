/* SPDX-License-Identifier: BSD-3-Clause */
/* Listeners: limits, accepting, and the list of what they accepted. */
#include <errno.h>
#include <stdlib.h>

#include "proto/sock/sock_impl.h"

void sock_link(struct sock_listener *l, struct sock *s)
{
	s->listener = l;
	s->next = l->socks;
	s->pprev = &l->socks;
	if (s->next != NULL)
		s->next->pprev = &s->next;
	l->socks = s;
	l->open++;
}

void sock_unlink(struct sock *s)
{
	*s->pprev = s->next;
	if (s->next != NULL)
		s->next->pprev = s->pprev;
	s->listener->open--;
	s->listener = NULL;
}

static struct sock_peer **peer_slot(struct sock_listener *l, const struct net_addr *addr)
{
	uint64_t h = keyed_mix(&l->ss->peer_key, addr->q, 2);
	struct sock_peer **p = &l->peers[h % RTE_DIM(l->peers)];

	while (*p != NULL && !net_addr_equal(&(*p)->addr, addr))
		p = &(*p)->next;
	return p;
}

int sock_peer_get(struct sock *s, const uint8_t raddr[16], uint8_t family)
{
	struct sock_listener *l = s->listener;
	struct net_addr addr = { .family = family };
	struct sock_peer **slot, *p;

	memcpy(addr.b, raddr, sizeof(addr.b));
	slot = peer_slot(l, &addr);
	p = *slot;
	if (p == NULL) {
		p = pool_get(&l->ss->peers);
		if (p == NULL)
			return -ENOMEM;
		*p = (struct sock_peer){ .addr = addr };
		*slot = p;
	} else if (p->count >= l->max_per_peer) {
		return -EDQUOT;
	}
	p->count++;
	s->peer = p;
	return 0;
}

void sock_peer_put(struct sock *s)
{
	struct sock_peer *p = s->peer;

	s->peer = NULL;
	if (--p->count > 0)
		return;
	*peer_slot(s->listener, &p->addr) = p->next;
	pool_put(&s->ss->peers, p);
}

static int refuse(struct sock *s, uint64_t *counter, int rc)
{
	(*counter)++;
	sock_delete(s);
	return rc;
}

/* ---- the SMC option ----------------------------------------------------------- */

static struct sock_refused *refused_slot(struct sock_listener *l, const struct net_flow *flow, uint32_t *hash)
{
	*hash = (uint32_t)keyed_mix(&l->ss->peer_key, flow->q, RTE_DIM(flow->q));
	return &l->refused[*hash % SOCK_REFUSED];
}

/* Shall a SYN-ACK carry it? If not, the reason is kept for sock_accept(). */
static bool answer_option(void *ctx, const struct net_flow *flow)
{
	struct sock_listener *l = ctx;
	uint32_t reason = SMC_RSN_OWN_LIMIT, hash;

	if (l->rising < l->backlog && smc_answer(l->ss->smc, flow, l->service, &reason))
		return true;
	*refused_slot(l, flow, &hash) = (struct sock_refused){ hash, reason };
	l->has_refused = true;
	return false;
}

/* Why an SMC listener's connection is TCP from the start. */
static uint32_t no_option_reason(struct sock_listener *l, const struct tcp_conn *c)
{
	const struct sock_refused *slot;
	struct tcp_info info;
	uint32_t hash;

	if (l->ss->smc == NULL)
		return SMC_RSN_OWN_DISABLED;
	if (!l->has_refused)
		return SMC_RSN_PEERNOSMC;
	tcp_get_info(c, &info);
	slot = refused_slot(l, &info.flow, &hash);
	return slot->reason != 0 && slot->hash == hash ? slot->reason : SMC_RSN_PEERNOSMC;
}

/* ---- accepting -------------------------------------------------------------------- */

static int count_peer(struct sock *s, const struct tcp_conn *c)
{
	struct tcp_info info;

	if (s->listener->max_per_peer == 0)
		return 0;
	tcp_get_info(c, &info);
	return sock_peer_get(s, info.flow.raddr, info.flow.family);
}

static int accept_smc(struct sock *s, struct tcp_conn *c)
{
	struct sock_listener *l = s->listener;

	/* As Linux: the peer's ACK is as good as lost, it comes again. */
	if (l->rising >= l->backlog)
		return -EAGAIN;
	return sock_rise_accept(s, c);
}

static int accept_tcp(struct sock *s, struct tcp_conn *c)
{
	struct sock_listener *l = s->listener;
	uint32_t reason = 0;
	int rc;

	s->conn = c;
	s->connected = true;
	tcp_set_user(c, s);
	if (l->protocol == SOCK_SMC)
		reason = s->reason = no_option_reason(l, c);
	rc = l->handler->accepted(l->ctx, s);
	if (rc < 0) {
		tcp_set_user(c, NULL);
		return refuse(s, &l->ss->stats.refused_service, rc);
	}
	l->ss->stats.accepted++;
	l->tcp_accepted++;
	if (reason != 0) {
		l->ss->stats.fallback_accepted++;
		if (l->ss->smc != NULL)
			smc_no_option(l->ss->smc, SMC_SERVER, reason);
	}
	return 0;
}

int sock_accept(void *ctx, struct tcp_listener *tl, struct tcp_conn *c)
{
	struct sock_listener *l = ctx;
	struct sock_stats *st = &l->ss->stats;
	struct sock *s;
	int rc;

	if (l->max_socks != 0 && l->open >= l->max_socks) {
		st->refused_limit++;
		return -EDQUOT;
	}
	s = sock_new(l->ss, l->handler, l->ctx, l->protocol);
	if (s == NULL) {
		st->refused_memory++;
		return -ENOMEM;
	}
	sock_link(l, s);
	rc = count_peer(s, c);
	if (rc < 0)
		return refuse(s, rc == -EDQUOT ? &st->refused_peer : &st->refused_memory, rc);
	if (l->protocol != SOCK_SMC || l->ss->smc == NULL || !tcp_opt_agreed(c))
		return accept_tcp(s, c);
	rc = accept_smc(s, c);
	return rc < 0 ? refuse(s, rc == -EAGAIN ? &st->refused_limit : &st->refused_memory, rc) : 0;
}

int sock_listen(struct sock_stack *ss, const struct sock_listen_args *args, struct sock_listener **out)
{
	bool smc = args->protocol == SOCK_SMC && ss->smc != NULL;
	struct sock_listener *l;
	int rc;

	if (args->protocol != SOCK_TCP && args->protocol != SOCK_SMC)
		return -EPROTONOSUPPORT;
	if (args->handler == NULL || args->handler->accepted == NULL)
		return -EINVAL;
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return -ENOMEM;
	l->ss = ss;
	l->handler = args->handler;
	l->ctx = args->ctx;
	l->max_socks = args->max_socks;
	l->max_per_peer = args->max_per_peer;
	l->protocol = args->protocol;
	l->service = args->service;
	l->backlog = args->backlog != 0 ? args->backlog : ss->backlog != 0 ? ss->backlog : SOCK_BACKLOG;
	l->rcvbuf_max = args->rcvbuf_max;
	l->sndbuf_max = args->sndbuf_max;
	rc = tcp_listen(ss->tcp, &(struct tcp_listen_args){
		.addr = args->addr, .port = args->port,
		.backlog = args->backlog != 0 ? args->backlog : ss->backlog, .accept = sock_accept, .ctx = l,
		.opt = smc ? smc_tcp_opt : (struct tcp_user_opt){ .len = 0 }, .opt_policy = smc ? answer_option : NULL,
		.rcvbuf_max = args->rcvbuf_max, .sndbuf_max = args->sndbuf_max,
	}, &l->tcp);
	if (rc < 0) {
		free(l);
		return rc;
	}
	*out = l;
	return 0;
}

/* Handshakes: no service has heard of them yet. */
static void end_rising(struct sock_listener *l)
{
	for (struct sock *s = l->socks, *next; s != NULL; s = next) {
		next = s->next;
		if (s->mode == SOCK_M_RISING)
			sock_abort(s);
	}
}

void sock_unlisten(struct sock_listener *l)
{
	if (l->tcp != NULL)
		tcp_unlisten(l->tcp);
	l->tcp = NULL;
	end_rising(l);
}

uint32_t sock_listener_open(const struct sock_listener *l)
{
	return l->open;
}

void sock_listener_accepted(const struct sock_listener *l, uint64_t *smc, uint64_t *tcp)
{
	*smc = l->smc_accepted;
	*tcp = l->tcp_accepted;
}

void sock_listener_free(struct sock_listener *l)
{
	sock_unlisten(l);
	free(l);
}

void sock_listener_abort(struct sock_listener *l)
{
	struct sock *s;

	end_rising(l);
	while ((s = l->socks) != NULL) {
		if (s->peer != NULL)
			sock_peer_put(s);
		sock_unlink(s);
		sock_release(s, true);
		l->ss->stats.aborted++;
		if (s->dead)
			continue;
		s->dead = true;
		if (s->handler->closed != NULL)
			s->handler->closed(s->ctx, s, ECONNABORTED);
	}
}
