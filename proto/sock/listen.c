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
	tcp_set_user(s->conn, NULL);
	sock_delete(s);
	return rc;
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
	s->conn = c;
	s->connected = true;
	sock_link(l, s);
	if (l->max_per_peer != 0) {
		struct tcp_info info;

		tcp_get_info(c, &info);
		rc = sock_peer_get(s, info.flow.raddr, info.flow.family);
		if (rc < 0)
			return refuse(s, rc == -EDQUOT ? &st->refused_peer : &st->refused_memory, rc);
	}
	tcp_set_user(c, s);
	rc = l->handler->accepted(l->ctx, s);
	if (rc < 0)
		return refuse(s, &st->refused_service, rc);
	st->accepted++;
	return 0;
}

int sock_listen(struct sock_stack *ss, const struct sock_listen_args *args, struct sock_listener **out)
{
	struct sock_listener *l;
	int rc;

	if (args->protocol != SOCK_TCP)
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
	rc = tcp_listen(ss->tcp, &(struct tcp_listen_args){
		.addr = args->addr, .port = args->port,
		.backlog = args->backlog != 0 ? args->backlog : ss->backlog, .accept = sock_accept, .ctx = l,
		.rcvbuf_max = args->rcvbuf_max, .sndbuf_max = args->sndbuf_max,
	}, &l->tcp);
	if (rc < 0) {
		free(l);
		return rc;
	}
	*out = l;
	return 0;
}

void sock_unlisten(struct sock_listener *l)
{
	if (l->tcp != NULL)
		tcp_unlisten(l->tcp);
	l->tcp = NULL;
}

uint32_t sock_listener_open(const struct sock_listener *l)
{
	return l->open;
}

void sock_listener_free(struct sock_listener *l)
{
	sock_unlisten(l);
	free(l);
}

void sock_listener_abort(struct sock_listener *l)
{
	struct sock *s;

	while ((s = l->socks) != NULL) {
		if (s->peer != NULL)
			sock_peer_put(s);
		sock_unlink(s);
		if (s->conn != NULL)
			tcp_abort(s->conn);
		s->conn = NULL;
		l->ss->stats.aborted++;
		if (s->dead)
			continue;
		s->dead = true;
		if (s->handler->closed != NULL)
			s->handler->closed(s->ctx, s, ECONNABORTED);
	}
}
