/* SPDX-License-Identifier: BSD-3-Clause */
/* discard (RFC 863): reads every octet it is sent, sums it up, and forgets it.
 * The sum of what came makes sure that the data was really touched. */
#include "app/smcgate/service/service.h"

struct discard_conf {
	bool sum;
};

enum { DISCARD_CONNECTIONS, DISCARD_BYTES, DISCARD_SUM, DISCARD_ERRORS };

#define DISCARD_PIECES 32

static int discard_accepted(void *ctx, struct sock *s)
{
	struct service *svc = ctx;

	svc->counters[DISCARD_CONNECTIONS]++;
	return 0;
}

static void discard_readable(void *ctx, struct sock *s)
{
	struct service *svc = ctx;
	const struct discard_conf *conf = svc->conf->conf;
	struct tcp_piece pieces[DISCARD_PIECES];
	unsigned n;

	while ((n = sock_peek(s, pieces, DISCARD_PIECES)) > 0) {
		uint32_t len = 0;

		for (unsigned i = 0; i < n; i++) {
			if (conf->sum)
				svc->counters[DISCARD_SUM] += service_sum(pieces[i].data, pieces[i].len);
			len += pieces[i].len;
		}
		svc->counters[DISCARD_BYTES] += len;
		sock_consume(s, len);
	}
	if (sock_eof(s))
		sock_close(s);
}

static void discard_closed(void *ctx, struct sock *s, int error)
{
	struct service *svc = ctx;

	if (error != 0)
		svc->counters[DISCARD_ERRORS]++;
	sock_close(s);
}

static const struct cfg_field discard_fields[] = {
	CFG_BOOL(struct discard_conf, sum, "sum", 0, true,
		 "Sum up what comes (counter `sum`); without, it is not looked at."),
	CFG_END
};

static struct service_type discard = {
	.name = "discard",
	.doc = "Reads and forgets what it receives (RFC 863).",
	.listen = SERVICE_LISTEN_REQUIRED,
	.fields = discard_fields,
	.conf_size = sizeof(struct discard_conf),
	.handler = {
		.accepted = discard_accepted, .readable = discard_readable, .eof = discard_readable,
		.closed = discard_closed,
	},
	.counter_names = (const char *const[]){ "connections", "bytes", "sum", "errors", NULL },
};
SERVICE_REGISTER(discard)
