/* SPDX-License-Identifier: BSD-3-Clause */
/* The calls of a socket, each handed to the transport that carries it. Where
 * there is none (not decided yet, or no more), reading finds nothing and sending
 * fails. */
#include <errno.h>

#include "proto/sock/sock_impl.h"

/* Reading has to know that the octets are the application's; const in the
 * interface, since nothing a service can see changes. */
static enum sock_mode reading(const struct sock *s)
{
	if (likely(s->mode == SOCK_M_TCP))
		return SOCK_M_TCP;
	if (s->mode == SOCK_M_FILTER)
		return sock_filter((struct sock *)(uintptr_t)s, false) ? SOCK_M_TCP : SOCK_M_RISING;
	return s->mode;
}

static enum sock_mode sending(const struct sock *s)
{
	return likely(s->mode == SOCK_M_TCP) || s->mode == SOCK_M_FILTER ? SOCK_M_TCP : s->mode;
}

#define BY_TRANSPORT(mode, over_tcp, over_smc, over_none) \
	do { \
		enum sock_mode m_ = (mode); \
		if (likely(m_ == SOCK_M_TCP)) \
			return over_tcp; \
		return m_ == SOCK_M_SMC ? over_smc : over_none; \
	} while (0)

uint32_t sock_readable(const struct sock *s)
{
	BY_TRANSPORT(reading(s), tcp_readable(s->conn), smc_readable(s->smc), 0);
}

bool sock_eof(const struct sock *s)
{
	BY_TRANSPORT(reading(s), tcp_eof(s->conn), smc_eof(s->smc), s->mode == SOCK_M_NONE);
}

unsigned sock_peek(const struct sock *s, struct tcp_piece *pieces, unsigned max)
{
	BY_TRANSPORT(reading(s), tcp_peek(s->conn, pieces, max), smc_peek(s->smc, pieces, max), 0);
}

void sock_consume(struct sock *s, uint32_t len)
{
	enum sock_mode m = reading(s);

	if (likely(m == SOCK_M_TCP))
		tcp_consume(s->conn, len);
	else if (m == SOCK_M_SMC)
		smc_consume(s->smc, len);
}

uint32_t sock_read(struct sock *s, void *buf, uint32_t len)
{
	BY_TRANSPORT(reading(s), tcp_read(s->conn, buf, len), smc_read(s->smc, buf, len), 0);
}

uint32_t sock_take(struct sock *s, uint32_t len, struct rte_mbuf **chain, unsigned *n_segs)
{
	BY_TRANSPORT(reading(s), tcp_take(s->conn, len, chain, n_segs), smc_take(s->smc, len, chain, n_segs), 0);
}

int64_t sock_urgent_mark(const struct sock *s)
{
	BY_TRANSPORT(reading(s), tcp_urgent_mark(s->conn), smc_urgent_mark(s->smc), -1);
}

uint32_t sock_send_room(struct sock *s)
{
	BY_TRANSPORT(sending(s), tcp_send_room(s->conn), smc_send_room(s->smc), 0);
}

ssize_t sock_send(struct sock *s, const void *buf, size_t len)
{
	BY_TRANSPORT(sending(s), tcp_send(s->conn, buf, len), smc_send(s->smc, buf, len), -ENOTCONN);
}

int sock_send_urgent(struct sock *s, uint8_t octet)
{
	ssize_t n;

	if (sending(s) == SOCK_M_SMC)
		return smc_send_urgent(s->smc, octet);
	n = sock_send(s, &octet, 1);
	return n < 0 ? (int)n : 0;
}

int sock_send_reserve(struct sock *s, uint32_t want, struct tcp_piece pieces[2])
{
	BY_TRANSPORT(sending(s), tcp_send_reserve(s->conn, want, pieces), smc_send_reserve(s->smc, want, pieces),
		     -ENOTCONN);
}

void sock_send_commit(struct sock *s, uint32_t len)
{
	enum sock_mode m = sending(s);

	if (likely(m == SOCK_M_TCP))
		tcp_send_commit(s->conn, len);
	else if (m == SOCK_M_SMC)
		smc_send_commit(s->smc, len);
}

int sock_give(struct sock *s, struct rte_mbuf *chain, uint32_t len)
{
	BY_TRANSPORT(sending(s), tcp_give(s->conn, chain, len), smc_give(s->smc, chain, len), -ENOTCONN);
}

uint32_t sock_unacked(const struct sock *s)
{
	BY_TRANSPORT(sending(s), tcp_unacked(s->conn), smc_unacked(s->smc), 0);
}

int sock_shutdown(struct sock *s)
{
	BY_TRANSPORT(sending(s), tcp_shutdown(s->conn), smc_shutdown(s->smc), -ENOTCONN);
}

/* ---- settings; before it is decided they are kept ------------------------------- */

void sock_notify_sent(struct sock *s)
{
	enum sock_mode m = sending(s);

	if (m == SOCK_M_TCP)
		tcp_notify_sent(s->conn);
	else if (m == SOCK_M_SMC)
		smc_notify_sent(s->smc);
	else if (m == SOCK_M_RISING)
		s->rise->set |= SOCK_SET_SENT;
}

void sock_cork(struct sock *s, bool on)
{
	enum sock_mode m = sending(s);

	if (m == SOCK_M_TCP) {
		tcp_cork(s->conn, on);
	} else if (m == SOCK_M_SMC) {
		smc_cork(s->smc, on);
	} else if (m == SOCK_M_RISING) {
		s->rise->set |= SOCK_SET_CORK;
		s->rise->cork = on;
	}
}

void sock_nodelay(struct sock *s, bool on)
{
	enum sock_mode m = sending(s);

	if (m == SOCK_M_TCP) {
		tcp_nodelay(s->conn, on);
	} else if (m == SOCK_M_SMC) {
		smc_nodelay(s->smc, on);
	} else if (m == SOCK_M_RISING) {
		s->rise->set |= SOCK_SET_NODELAY;
		s->rise->nodelay = on;
	}
}

/* The TCP connection, also below SMC; NULL: none. */
static struct tcp_conn *below(const struct sock *s)
{
	switch (sending(s)) {
	case SOCK_M_TCP:
		return s->conn;
	case SOCK_M_SMC:
		return smc_tcp(s->smc);
	default:
		return NULL;
	}
}

void sock_keepalive(struct sock *s, bool on)
{
	struct tcp_conn *c = below(s);

	if (c != NULL) {
		tcp_keepalive(c, on);
	} else if (s->mode == SOCK_M_RISING) {
		s->rise->set |= SOCK_SET_KEEPALIVE;
		s->rise->keepalive = on;
	}
}

void sock_user_timeout(struct sock *s, uint32_t ms)
{
	struct tcp_conn *c = below(s);

	if (c != NULL) {
		tcp_user_timeout(c, ms);
	} else if (s->mode == SOCK_M_RISING) {
		s->rise->set |= SOCK_SET_TIMEOUT;
		s->rise->user_timeout_ms = ms;
	}
}

/* SMC's rings are made by the handshake; what is said later, TCP's buffers get
 * if it comes to that, and nothing else touches them. */
void sock_set_buffers(struct sock *s, uint32_t rcvbuf_max, uint32_t sndbuf_max)
{
	if (sending(s) == SOCK_M_TCP) {
		tcp_set_buffers(s->conn, rcvbuf_max, sndbuf_max);
	} else if (s->mode == SOCK_M_RISING) {
		s->rise->set |= SOCK_SET_BUFFERS;
		if (rcvbuf_max != 0)
			s->rise->rcvbuf_max = rcvbuf_max;
		if (sndbuf_max != 0)
			s->rise->sndbuf_max = sndbuf_max;
	}
}

/* ---- beginning and end ------------------------------------------------------------ */

static int connect_tcp(struct sock *s, const struct sock_connect_args *args)
{
	return tcp_connect(s->ss->tcp, &(struct tcp_connect_args){
		.laddr = args->laddr, .raddr = args->raddr, .lport = args->lport, .rport = args->rport, .user = s,
		.timeout_ms = args->timeout_ms, .rcvbuf_max = args->rcvbuf_max, .sndbuf_max = args->sndbuf_max,
	}, &s->conn);
}

static bool wants_smc(struct sock *s, const struct sock_connect_args *args)
{
	struct smc_stack *smc = s->ss->smc;

	if (likely(args->protocol != SOCK_SMC))
		return false;
	if (smc == NULL) {
		s->reason = SMC_RSN_OWN_DISABLED;
		return false;
	}
	if (smc_offer(smc, &args->raddr, args->rport, args->service, &s->reason))
		return true;
	smc_no_option(smc, SMC_CLIENT, s->reason);
	return false;
}

int sock_connect(struct sock_stack *ss, const struct sock_connect_args *args, struct sock **out)
{
	struct sock *s;
	int rc;

	if (args->protocol != SOCK_TCP && args->protocol != SOCK_SMC)
		return -EPROTONOSUPPORT;
	s = sock_new(ss, args->handler, args->ctx, args->protocol);
	if (s == NULL)
		return -ENOMEM;
	rc = wants_smc(s, args) ? sock_rise_connect(s, args) : connect_tcp(s, args);
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

/* The user pointer goes first: TCP may still deliver to its own end of the
 * connection, but never to a socket that was given back. */
static void end_tcp(struct tcp_conn *c, bool abortive)
{
	tcp_set_user(c, NULL);
	if (abortive)
		tcp_abort(c);
	else
		tcp_close(c);
}

void sock_release(struct sock *s, bool abortive)
{
	union {
		struct tcp_conn *tcp;
		struct smc_conn *smc;
	} c = { .tcp = s->conn };
	enum sock_mode mode = s->mode;

	if (s->rise != NULL)
		sock_rise_end(s, abortive);
	s->conn = NULL;
	s->mode = SOCK_M_NONE;
	if (mode == SOCK_M_TCP || mode == SOCK_M_FILTER) {
		end_tcp(c.tcp, abortive);
	} else if (mode == SOCK_M_SMC) {
		s->ss->stats.smc_open--;
		smc_set_user(c.smc, NULL);
		if (abortive)
			smc_abort(c.smc);
		else
			smc_close(c.smc);
	}
}

void sock_close(struct sock *s)
{
	sock_release(s, false);
	sock_delete(s);
}

void sock_abort(struct sock *s)
{
	sock_release(s, true);
	sock_delete(s);
}
