/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP's and the sockets' counters: `show tcp stats [N]`. */
#include "app/smcgate/view/view.h"

static void add_tcp(struct tcp_stats *sum, const struct tcp_stats *s)
{
#define ADD(name) sum->name += s->name;
	TCP_STATS(ADD)
#undef ADD
}

static json_t *tcp_json(const struct tcp_stats *s)
{
	json_t *o = json_object();

#define SET(name) view_set_u64(o, #name, s->name);
	TCP_STATS(SET)
#undef SET
	return o;
}

#define SOCK_STATS(X) \
	X(open) X(accepted) X(refused_limit) X(refused_peer) X(refused_service) X(refused_memory) \
	X(connected) X(connect_failed) X(closed) X(aborted) X(smc_open) X(smc_accepted) X(smc_connected) \
	X(fallback_accepted) X(fallback_connected) X(reconnected) X(handshakes_failed)

static void add_sock(struct sock_stats *sum, const struct sock_stats *s)
{
#define ADD(name) sum->name += s->name;
	SOCK_STATS(ADD)
#undef ADD
}

static json_t *sock_json(const struct sock_stats *s)
{
	json_t *o = json_object();

#define SET(name) view_set_u64(o, #name, s->name);
	SOCK_STATS(SET)
#undef SET
	return o;
}

static int build_tcp_stats(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
			   struct view_error *err)
{
	struct tcp_stats tcp, tcp_sum = { 0 };
	struct sock_stats sock, sock_sum = { 0 };
	unsigned from = 0, to = pipeline_workers(ctx->pl);
	int rc;

	if (argc > 0) {
		rc = view_worker(ctx->pl, argv[0], err);
		if (rc < 0)
			return rc;
		from = (unsigned)rc;
		to = from + 1;
	}
	for (unsigned i = from; i < to; i++) {
		rc = pipeline_tcp_stats(ctx->pl, i, &tcp);
		if (rc == 0)
			rc = pipeline_sock_stats(ctx->pl, i, &sock);
		if (rc < 0)
			return view_failed(err, rc, "worker %u", i);
		add_tcp(&tcp_sum, &tcp);
		add_sock(&sock_sum, &sock);
	}
	*out = json_pack("{s:o,s:o}", "tcp", tcp_json(&tcp_sum), "sockets", sock_json(&sock_sum));
	return 0;
}

const struct view view_tcp[] = {
	{ "tcp stats", { { .kind = VIEW_ARG_LCORE, .name = "N", .optional = true } }, build_tcp_stats,
	  VIEW_BLOCKS, NULL,
	  "TCP's and the sockets' counters, of all lcores or one" },
	{ NULL },
};
