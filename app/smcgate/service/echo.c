/* SPDX-License-Identifier: BSD-3-Clause */
/* echo (RFC 862): sends back what it receives, without copying it. When the
 * peer does not read, we stop reading: the windows close both ways. */
#include <errno.h>

#include "app/smcgate/service/service.h"

enum { ECHO_CONNECTIONS, ECHO_BYTES, ECHO_ERRORS };

static int echo_accepted(void *ctx, struct sock *s)
{
	struct service *svc = ctx;

	svc->counters[ECHO_CONNECTIONS]++;
	sock_nodelay(s, true);
	return 0;
}

/* Until one side has nothing left: asking for room when there is none is what
 * makes TCP call again. */
static void echo_pump(void *ctx, struct sock *s)
{
	struct service *svc = ctx;
	struct rte_mbuf *chain;
	uint32_t want;
	unsigned segs;

	while (sock_readable(s) > 0) {
		want = RTE_MIN(sock_readable(s), sock_send_room(s));
		want = want == 0 ? 0 : sock_take(s, want, &chain, &segs);
		if (want == 0)
			return;
		if (sock_give(s, chain, want) < 0) {
			service_chain_free(chain);
			svc->counters[ECHO_ERRORS]++;
			sock_abort(s);
			return;
		}
		svc->counters[ECHO_BYTES] += want;
	}
	if (sock_eof(s))
		sock_close(s);
}

static void echo_closed(void *ctx, struct sock *s, int error)
{
	struct service *svc = ctx;

	if (error != 0)
		svc->counters[ECHO_ERRORS]++;
	sock_close(s);
}

static struct service_type echo = {
	.name = "echo",
	.doc = "Sends back what it receives (RFC 862).",
	.listen = SERVICE_LISTEN_REQUIRED,
	.handler = {
		.accepted = echo_accepted, .readable = echo_pump, .writable = echo_pump, .eof = echo_pump,
		.closed = echo_closed,
	},
	.counter_names = (const char *const[]){ "connections", "bytes", "errors", NULL },
};
SERVICE_REGISTER(echo)
