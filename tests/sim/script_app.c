/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The application of scenarios: "app VERB [ARGS] [=RESULT]". RESULT is a number
 * or an errno's name ("E?": any); without it the call has to succeed in full.
 *
 *   listen, unlisten
 *   connect [smc] [timeout MS]      write N       give N     read N    consume N
 *   shutdown close abort            cork|nodelay|keepalive on|off
 *   usertimeout MS                  notifysent    dscp N     buffers RCV SND
 *   refuse N                        refuse so many accepts
 *   onread nothing|read|write N|close|abort        what the callback does
 *   onaccept write N                written inside the accept callback
 *   oneof close                     close when EOF is told
 * "app+" calls without giving U a turn.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/script_impl.h"

/* ---- stream ------------------------------------------------------------ */

static ssize_t write_stream(struct script_flow *f, uint32_t len)
{
	uint8_t *buf = malloc(len + 1);
	ssize_t rc;

	if (buf == NULL)
		abort();
	for (uint32_t i = 0; i < len; i++)
		buf[i] = script_pattern(true, f->written + i);
	rc = tcp_send(f->c, buf, len);
	if (rc > 0)
		f->written += (uint32_t)rc;
	free(buf);
	return rc;
}

/* The same octets as a chain of buffers. */
static int give_stream(struct script_flow *f, uint32_t len)
{
	struct rte_mbuf *chain = NULL, **tail = &chain;
	int rc;

	for (uint32_t at = 0; at < len;) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(sim_pools()->payload);
		uint32_t n = RTE_MIN(len - at, 1700u);

		if (m == NULL)
			abort();
		for (uint32_t i = 0; i < n; i++)
			rte_pktmbuf_mtod(m, uint8_t *)[i] = script_pattern(true, f->written + at + i);
		m->data_len = (uint16_t)n;
		m->pkt_len = n;
		*tail = m;
		tail = &m->next;
		at += n;
	}
	rc = tcp_give(f->c, chain, len);
	if (rc == 0) {
		f->written += len;
		return (int)len;
	}
	while (chain != NULL) {
		struct rte_mbuf *next = chain->next;

		chain->next = NULL;
		rte_pktmbuf_free(chain);
		chain = next;
	}
	return rc;
}

static void check_stream(struct script *sc, struct script_flow *f, const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		if (p[i] != script_pattern(false, f->consumed + i)) {
			script_fail(sc, "octet %u of the stream U received is wrong", f->consumed + i);
			return;
		}
}

static int64_t read_stream(struct script *sc, struct script_flow *f, uint32_t len)
{
	uint8_t *buf = malloc(len + 1);
	uint32_t n;

	if (buf == NULL)
		abort();
	n = tcp_read(f->c, buf, len);
	check_stream(sc, f, buf, n);
	f->consumed += n;
	free(buf);
	return n;
}

/* Peek, check, consume: the other way to read. */
static int64_t consume_stream(struct script *sc, struct script_flow *f, uint32_t len)
{
	struct tcp_piece pieces[64];
	unsigned n = tcp_peek(f->c, pieces, RTE_DIM(pieces));
	uint32_t got = 0;

	for (unsigned i = 0; i < n && got < len; i++) {
		uint32_t take = RTE_MIN(pieces[i].len, len - got);

		check_stream(sc, f, pieces[i].data, take);
		f->consumed += take;
		got += take;
	}
	tcp_consume(f->c, got);
	return got;
}

static int64_t take_stream(struct script *sc, struct script_flow *f, uint32_t len)
{
	struct rte_mbuf *chain = NULL;
	unsigned segs = 0, n = 0;
	uint32_t got = tcp_take(f->c, len, &chain, &segs);

	while (chain != NULL) {
		struct rte_mbuf *next = chain->next;

		chain->next = NULL;
		check_stream(sc, f, rte_pktmbuf_mtod(chain, const uint8_t *), chain->data_len);
		f->consumed += chain->data_len;
		rte_pktmbuf_free(chain);
		chain = next;
		n++;
	}
	if (n != segs)
		script_fail(sc, "tcp_take() says %u buffers, chain has %u", segs, n);
	return got;
}

/* ---- callbacks --------------------------------------------------------- */

static struct script_flow *flow_of_conn(struct script *sc, struct tcp_conn *c)
{
	struct tcp_info info;

	tcp_get_info(c, &info);
	for (unsigned i = 0; i < SCRIPT_FLOWS; i++)
		if (rte_be_to_cpu_16(info.flow.rport) == sc->flows[i].pport &&
		    rte_be_to_cpu_16(info.flow.lport) == sc->flows[i].uport)
			return &sc->flows[i];
	return NULL;
}

int script_app_accept(void *ctx, struct tcp_listener *l, struct tcp_conn *c)
{
	struct script *sc = ctx;
	struct script_flow *f = flow_of_conn(sc, c);

	if (f == NULL) {
		script_fail(sc, "accept of a connection nobody opened");
		return -ECONNREFUSED;
	}
	if (f->refuse > 0) {
		f->refuse--;
		return -EAGAIN;
	}
	if (f->c != NULL)
		script_fail(sc, "accept although the flow has a connection");
	f->c = c;
	f->events |= SCRIPT_EV_ACCEPT;
	tcp_set_user(c, f);
	if (f->on_accept_write > 0)
		write_stream(f, f->on_accept_write);
	return 0;
}

static void on_readable(struct script *sc, struct script_flow *f)
{
	switch (f->on_read) {
	case ON_READ_READ:
		read_stream(sc, f, tcp_readable(f->c));
		break;
	case ON_READ_WRITE:
		read_stream(sc, f, tcp_readable(f->c));
		write_stream(f, f->on_read_arg);
		break;
	case ON_READ_CLOSE:
		read_stream(sc, f, tcp_readable(f->c));
		tcp_close(f->c);
		f->c = NULL;
		break;
	case ON_READ_ABORT:
		tcp_abort(f->c);
		f->c = NULL;
		break;
	default:
		break;
	}
}

void script_app_event(void *ctx, struct tcp_conn *c, void *user, unsigned events)
{
	struct script *sc = ctx;
	struct script_flow *f = user;

	if (f == NULL || f->c != c) {
		script_fail(sc, "event 0x%x for a connection that was given back", events);
		return;
	}
	f->events |= events;
	if (sc->trace)
		printf("  %10.6f    ev%u 0x%x\n", (double)sim_now(sc->sim) / 1e6, f->idx + 1, events);
	if ((events & TCP_EV_READABLE) != 0)
		on_readable(sc, f);
	if ((events & (TCP_EV_EOF | TCP_EV_CLOSED)) != 0 && f->close_on_eof && f->c != NULL) {
		tcp_close(f->c);
		f->c = NULL;
	}
}

/* ---- verbs ------------------------------------------------------------- */

static int64_t do_listen(struct script *sc)
{
	struct tcp_listener *l = NULL;
	int rc = tcp_listen(sim_tcp(sc->host, 0), &sc->listen_args, &l);

	if (rc == 0)
		sc->listener = l;
	return rc;
}

static int64_t do_connect(struct script *sc, struct script_flow *f, const char *args)
{
	struct tcp_connect_args a = {
		.raddr = sim_addr(SCRIPT_P), .rport = rte_cpu_to_be_16(f->pport), .user = f,
		.lport = rte_cpu_to_be_16((uint16_t)(50000 + f->idx)),
	};
	const char *t = strstr(args, "timeout ");
	unsigned b[4];
	int rc;

	if (strstr(args, "smc") != NULL)
		a.opt = (struct tcp_user_opt){ 6, { 0xfe, 6, 0xe2, 0xd4, 0xc3, 0xd9 } };
	if (t != NULL)
		a.timeout_ms = (uint32_t)strtoul(t + 8, NULL, 10);
	t = strstr(args, "to ");
	if (t != NULL && sscanf(t + 3, "%u.%u.%u.%u", &b[0], &b[1], &b[2], &b[3]) == 4)
		a.raddr = sim_addr(b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3]);
	if (strstr(args, "self") != NULL) {
		a.raddr = sim_addr(SCRIPT_U);
		a.rport = a.lport;
	}
	f->uport = rte_be_to_cpu_16(a.lport);
	f->connecting = true;
	rc = tcp_connect(sim_tcp(sc->host, 0), &a, &f->c);
	if (rc != 0)
		f->c = NULL;
	return rc;
}

static int64_t do_end(struct script_flow *f, const char *verb)
{
	struct tcp_conn *c = f->c;

	if (strcmp(verb, "shutdown") == 0)
		return tcp_shutdown(c);
	f->c = NULL;
	if (strcmp(verb, "close") == 0)
		tcp_close(c);
	else
		tcp_abort(c);
	return 0;
}

static bool do_setting(struct script_flow *f, const char *verb, const char *args)
{
	bool on = strncmp(args, "on", 2) == 0;
	uint32_t v = (uint32_t)strtoul(args, NULL, 10), w = 0;

	sscanf(args, "%*u %u", &w);
	if (strcmp(verb, "cork") == 0)
		tcp_cork(f->c, on);
	else if (strcmp(verb, "nodelay") == 0)
		tcp_nodelay(f->c, on);
	else if (strcmp(verb, "keepalive") == 0)
		tcp_keepalive(f->c, on);
	else if (strcmp(verb, "usertimeout") == 0)
		tcp_user_timeout(f->c, v);
	else if (strcmp(verb, "notifysent") == 0)
		tcp_notify_sent(f->c);
	else if (strcmp(verb, "dscp") == 0)
		tcp_set_dscp(f->c, (uint8_t)v);
	else if (strcmp(verb, "buffers") == 0)
		tcp_set_buffers(f->c, v, w);
	else
		return false;
	return true;
}

static int on_read_of(const char *args)
{
	static const struct { const char *name; int what; } plans[] = {
		{ "read", ON_READ_READ }, { "write", ON_READ_WRITE }, { "close", ON_READ_CLOSE },
		{ "abort", ON_READ_ABORT },
	};

	for (unsigned i = 0; i < RTE_DIM(plans); i++)
		if (strncmp(args, plans[i].name, strlen(plans[i].name)) == 0)
			return plans[i].what;
	return ON_READ_NOTHING;
}

static bool do_plan(struct script_flow *f, const char *verb, const char *args)
{
	uint32_t n = 0;

	sscanf(args, "%*s %u", &n);
	if (strcmp(verb, "refuse") == 0) {
		f->refuse = (unsigned)strtoul(args, NULL, 10);
	} else if (strcmp(verb, "onaccept") == 0) {
		f->on_accept_write = n;
	} else if (strcmp(verb, "oneof") == 0) {
		f->close_on_eof = true;
	} else if (strcmp(verb, "onread") == 0) {
		f->on_read_arg = n;
		f->on_read = on_read_of(args);
	} else {
		return false;
	}
	return true;
}

/* want: what the call has to return; false: unknown verb. */
static bool do_call(struct script *sc, struct script_flow *f, const char *verb, const char *args, int64_t *rc,
		    int64_t *want)
{
	uint32_t n = (uint32_t)strtoul(args, NULL, 10);

	*want = *rc = 0;
	if (strcmp(verb, "listen") == 0)
		*rc = do_listen(sc);
	else if (strcmp(verb, "connect") == 0)
		*rc = do_connect(sc, f, args);
	else if (do_plan(f, verb, args))
		return true;
	else if (strcmp(verb, "unlisten") == 0) {
		tcp_unlisten(sc->listener);
		sc->listener = NULL;
	} else if (f->c == NULL) {
		script_fail(sc, "there is no connection");
	} else if (strcmp(verb, "write") == 0) {
		*want = n, *rc = write_stream(f, n);
	} else if (strcmp(verb, "give") == 0) {
		*want = n, *rc = give_stream(f, n);
	} else if (strcmp(verb, "read") == 0) {
		*want = n, *rc = read_stream(sc, f, n);
	} else if (strcmp(verb, "consume") == 0) {
		*want = n, *rc = consume_stream(sc, f, n);
	} else if (strcmp(verb, "take") == 0) {
		*want = n, *rc = take_stream(sc, f, n);
	} else if (strcmp(verb, "shutdown") == 0 || strcmp(verb, "close") == 0 ||
		strcmp(verb, "abort") == 0) {
		*rc = do_end(f, verb);
	} else if (!do_setting(f, verb, args)) {
		return false;
	}
	return true;
}

static bool result_is(const char *want, int64_t rc)
{
	if (strcmp(want, "E?") == 0)
		return rc < 0;
	if (*want == 'E')
		return rc < 0 && strcmp(want, strerrorname_np((int)-rc)) == 0;
	return rc == strtoll(want, NULL, 10);
}

bool script_app_step(struct script *sc, struct script_flow *f, const char *verb, const char *rest)
{
	char what[32], args[128] = "";
	bool no_turn = strcmp(verb, "app+") == 0;
	int64_t rc, want;
	char *result;

	if (!no_turn && strcmp(verb, "app") != 0)
		return false;
	if (sscanf(rest, "%31s %127[^\n]", what, args) < 1)
		return false;
	result = strchr(args, '=');
	if (result != NULL)
		*result++ = '\0';
	if (!do_call(sc, f, what, args, &rc, &want))
		return false;
	if (result != NULL ? !result_is(result, rc) : rc != want)
		script_fail(sc, "returned %lld%s%s", (long long)rc, rc < 0 ? " " : "",
			    rc < 0 ? strerrorname_np((int)-rc) : "");
	if (!no_turn && !sc->failed)
		sim_settle(sc->sim);
	return true;
}
