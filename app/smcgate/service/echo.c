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

static void echo_pump(void *ctx, struct sock *s)
{
	struct service *svc = ctx;
	uint32_t want = RTE_MIN(sock_readable(s), sock_send_room(s)), got;
	struct rte_mbuf *chain;
	unsigned segs;

	if (want > 0) {
		got = sock_take(s, want, &chain, &segs);
		if (got == 0)
			return;
		if (sock_give(s, chain, got) < 0) {
			service_chain_free(chain);
			svc->counters[ECHO_ERRORS]++;
			sock_abort(s);
			return;
		}
		svc->counters[ECHO_BYTES] += got;
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
