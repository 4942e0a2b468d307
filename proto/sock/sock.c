/* SPDX-License-Identifier: BSD-3-Clause */
/* The calls of a socket, each handed to the transport that carries it. After
 * sock_listener_abort() there is none: reading finds nothing, sending fails. */
#include <errno.h>

#include "proto/sock/sock_impl.h"

int sock_connect(struct sock_stack *ss, const struct sock_connect_args *args, struct sock **out)
{
	struct sock *s;
	int rc;

	if (args->protocol != SOCK_TCP)
		return -EPROTONOSUPPORT;
	s = sock_new(ss, args->handler, args->ctx, args->protocol);
	if (s == NULL)
		return -ENOMEM;
	rc = tcp_connect(ss->tcp, &(struct tcp_connect_args){
		.laddr = args->laddr, .raddr = args->raddr, .lport = args->lport, .rport = args->rport, .user = s,
		.timeout_ms = args->timeout_ms, .rcvbuf_max = args->rcvbuf_max, .sndbuf_max = args->sndbuf_max,
	}, &s->conn);
	if (rc < 0) {
		ss->stats.connect_failed++;
		sock_delete(s);
		return rc;
	}
	*out = s;
	return 0;
}

void sock_set_user(struct sock *s, void *user)
{
	s->user = user;
}

void *sock_user(const struct sock *s)
{
	return s->user;
}

uint32_t sock_readable(const struct sock *s)
{
	return s->conn == NULL ? 0 : tcp_readable(s->conn);
}

bool sock_eof(const struct sock *s)
{
	return s->conn == NULL || tcp_eof(s->conn);
}

unsigned sock_peek(const struct sock *s, struct tcp_piece *pieces, unsigned max)
{
	return s->conn == NULL ? 0 : tcp_peek(s->conn, pieces, max);
}

void sock_consume(struct sock *s, uint32_t len)
{
	if (s->conn != NULL)
		tcp_consume(s->conn, len);
}

uint32_t sock_read(struct sock *s, void *buf, uint32_t len)
{
	return s->conn == NULL ? 0 : tcp_read(s->conn, buf, len);
}

uint32_t sock_take(struct sock *s, uint32_t len, struct rte_mbuf **chain, unsigned *n_segs)
{
	return s->conn == NULL ? 0 : tcp_take(s->conn, len, chain, n_segs);
}

uint32_t sock_send_room(struct sock *s)
{
	return s->conn == NULL ? 0 : tcp_send_room(s->conn);
}

ssize_t sock_send(struct sock *s, const void *buf, size_t len)
{
	return s->conn == NULL ? -ENOTCONN : tcp_send(s->conn, buf, len);
}

int sock_send_reserve(struct sock *s, uint32_t want, struct tcp_piece pieces[2])
{
	return s->conn == NULL ? -ENOTCONN : tcp_send_reserve(s->conn, want, pieces);
}

void sock_send_commit(struct sock *s, uint32_t len)
{
	if (s->conn != NULL)
		tcp_send_commit(s->conn, len);
}

int sock_give(struct sock *s, struct rte_mbuf *chain, uint32_t len)
{
	return s->conn == NULL ? -ENOTCONN : tcp_give(s->conn, chain, len);
}

uint32_t sock_unacked(const struct sock *s)
{
	return s->conn == NULL ? 0 : tcp_unacked(s->conn);
}

void sock_notify_sent(struct sock *s)
{
	if (s->conn != NULL)
		tcp_notify_sent(s->conn);
}

void sock_cork(struct sock *s, bool on)
{
	if (s->conn != NULL)
		tcp_cork(s->conn, on);
}

void sock_nodelay(struct sock *s, bool on)
{
	if (s->conn != NULL)
		tcp_nodelay(s->conn, on);
}

void sock_keepalive(struct sock *s, bool on)
{
	if (s->conn != NULL)
		tcp_keepalive(s->conn, on);
}

void sock_user_timeout(struct sock *s, uint32_t ms)
{
	if (s->conn != NULL)
		tcp_user_timeout(s->conn, ms);
}

void sock_set_buffers(struct sock *s, uint32_t rcvbuf_max, uint32_t sndbuf_max)
{
	if (s->conn != NULL)
		tcp_set_buffers(s->conn, rcvbuf_max, sndbuf_max);
}

int sock_shutdown(struct sock *s)
{
	return s->conn == NULL ? -ENOTCONN : tcp_shutdown(s->conn);
}

/* The user pointer goes first: TCP may still deliver to its own end of the
 * connection, but never to a socket that was given back. */
static void release(struct sock *s, void (*end)(struct tcp_conn *c))
{
	struct tcp_conn *c = s->conn;

	sock_delete(s);
	if (c != NULL) {
		tcp_set_user(c, NULL);
		end(c);
	}
}

void sock_close(struct sock *s)
{
	release(s, tcp_close);
}

void sock_abort(struct sock *s)
{
	release(s, tcp_abort);
}
