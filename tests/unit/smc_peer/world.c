/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/smc_peer/world.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/test.h"

/* ---- the peer ---------------------------------------------------------------- */

static void peer_event(void *ctx, struct tcp_conn *c, void *user, unsigned events)
{
	struct world *w = ctx;

	if (c != w->c)
		return;
	w->in_len += tcp_read(c, w->in + w->in_len, (uint32_t)sizeof(w->in) - w->in_len);
	w->eof |= (events & TCP_EV_EOF) != 0;
	if (events & TCP_EV_CLOSED) {
		w->reset = true;
		w->c = NULL;
		tcp_close(c);
	}
}

static int peer_accept(void *ctx, struct tcp_listener *l, struct tcp_conn *c)
{
	struct world *w = ctx;

	if (w->c != NULL)
		tcp_abort(w->c);
	w->c = c;
	tcp_set_user(c, w);
	w->opt[w->accepted++ % 8] = tcp_opt_agreed(c);
	w->in_len = 0;
	w->eof = w->reset = false;
	return 0;
}

/* ---- our service ----------------------------------------------------------------- */

static int accepted(void *ctx, struct sock *s)
{
	struct world *w = ctx;

	strcat(w->seen, "A");
	w->s = s;
	return 0;
}

static void connected(void *ctx, struct sock *s) { strcat(((struct world *)ctx)->seen, "C"); }
static void eof(void *ctx, struct sock *s) { strcat(((struct world *)ctx)->seen, "E"); }

static void closed(void *ctx, struct sock *s, int error)
{
	struct world *w = ctx;

	strcat(w->seen, "X");
	w->error = error;
	w->s = NULL;
	sock_close(s);
}

static const struct sock_handler handler = {
	.accepted = accepted, .connected = connected, .eof = eof, .closed = closed,
};

/* ---- the world -------------------------------------------------------------------- */

void world_start(struct world *w, void (*change)(struct sim_smc_conf *conf))
{
	const struct sim_wire wire = { .delay_us = 100 };
	struct sim_smc_conf conf;
	struct sim_host_conf plain;

	memset(w, 0, sizeof(*w));
	w->sim = sim_create(7, SECOND);
	CU_ASSERT_EQUAL_FATAL(mem_fabric_create(&w->fabric), 0);
	sim_smc_defaults(&conf, 1);
	conf.fabric = w->fabric;
	if (change != NULL)
		change(&conf);
	w->ours = sim_smc_add(w->sim, &conf);
	sim_host_defaults(&plain, 2);
	plain.ops = (struct tcp_user_ops){ .event = peer_event };
	plain.ops_ctx = w;
	w->theirs = sim_host_add(w->sim, &plain);
	sim_connect(w->sim, sim_smc_host(w->ours), w->theirs, &wire, &wire);
	CU_ASSERT_EQUAL_FATAL(sock_listen(sim_smc_socks(w->ours), &(struct sock_listen_args){
		.port = rte_cpu_to_be_16(WORLD_PORT), .protocol = SOCK_SMC, .handler = &handler, .ctx = w }, &w->l), 0);
	w->peer_answers_opt = true;
}

void world_run(struct world *w, uint64_t us)
{
	sim_settle(w->sim);
	sim_run(w->sim, sim_now(w->sim) + us);
}

void world_stop(struct world *w)
{
	struct smc_stack *smc = sim_smc_stack(w->ours);

	if (w->s != NULL)
		sock_abort(w->s);
	if (w->c != NULL)
		tcp_abort(w->c);
	w->s = NULL;
	w->c = NULL;
	sock_unlisten(w->l);
	CU_ASSERT_EQUAL(sock_listener_open(w->l), 0);
	smc_stack_stop(smc);
	world_run(w, 200 * SECOND);
	CU_ASSERT_EQUAL(smc_objects(smc), 0);
	CU_ASSERT_EQUAL(sim_objects(w->sim), 0);
	CU_ASSERT_EQUAL(sock_stats(sim_smc_socks(w->ours))->open, 0);
	CU_ASSERT_PTR_NULL(sim_error(w->sim));
	sock_listener_free(w->l);
	if (w->mute != NULL)
		rd_close(w->mute);
	sim_destroy(w->sim);
	sim_smc_free(w->ours);
	mem_fabric_destroy(w->fabric);
	CU_ASSERT_EQUAL(sim_buffers_used(), 0);
}

void world_peer_connects(struct world *w, bool option)
{
	CU_ASSERT_EQUAL_FATAL(tcp_connect(sim_tcp(w->theirs, 0), &(struct tcp_connect_args){
		.raddr = sim_addr(0x0a000001), .rport = rte_cpu_to_be_16(WORLD_PORT), .user = w,
		.opt = option ? smc_tcp_opt : (struct tcp_user_opt){ .len = 0 } }, &w->c), 0);
	world_run(w, SECOND / 100);
}

void world_we_connect(struct world *w)
{
	if (w->tl == NULL)
		CU_ASSERT_EQUAL_FATAL(tcp_listen(sim_tcp(w->theirs, 0), &(struct tcp_listen_args){
			.port = rte_cpu_to_be_16(WORLD_PORT), .accept = peer_accept, .ctx = w,
			.opt = w->peer_answers_opt ? smc_tcp_opt : (struct tcp_user_opt){ .len = 0 } }, &w->tl), 0);
	CU_ASSERT_EQUAL_FATAL(sock_connect(sim_smc_socks(w->ours), &(struct sock_connect_args){
		.raddr = sim_addr(0x0a000002), .rport = rte_cpu_to_be_16(WORLD_PORT), .protocol = SOCK_SMC,
		.handler = &handler, .ctx = w }, &w->s), 0);
	sim_settle(w->sim);
	if (w->after_syn != NULL)
		w->after_syn(sim_smc_stack(w->ours));
	world_run(w, SECOND / 100);
}

void world_send(struct world *w, const void *octets, unsigned len, bool singly)
{
	const uint8_t *p = octets;

	tcp_nodelay(w->c, true);
	for (unsigned step = singly ? 1 : len; len > 0; len -= step, p += step) {
		CU_ASSERT_EQUAL(tcp_send(w->c, p, step), (ssize_t)step);
		world_run(w, 1000);
	}
	world_run(w, SECOND / 100);
}

void world_peer_ends(struct world *w, bool reset)
{
	struct tcp_conn *c = w->c;

	if (reset) {
		w->c = NULL;
		tcp_abort(c);
	} else {
		tcp_shutdown(c);
	}
	world_run(w, SECOND / 100);
}

static void submit(struct rd_dev *dev, struct rd_req *req)
{
	rd_submit(dev, req);
	while (rd_progress(dev, 8) > 0)
		;
	CU_ASSERT_EQUAL(req->rc, 0);
}

static void nothing(struct rd_req *req) {}

void world_mute(struct world *w)
{
	const struct mem_config conf = {
		.name = "mute", .mtu = 3, .n_gids = 1, .gids[0].b = { [10] = 0xff, [11] = 0xff, 10, 0, 0, 2 },
		.max_qps = 4, .max_mrs = 4, .qpn_base = 0x9000,
	};
	struct rd_req req = { .op = RD_REQ_PD_ALLOC, .done = nothing };
	struct rd_pd *pd;

	CU_ASSERT_EQUAL_FATAL(mem_create(&w->mute, w->fabric, &conf), 0);
	submit(w->mute, &req);
	pd = req.pd;
	req = (struct rd_req){ .op = RD_REQ_QP_CREATE, .done = nothing };
	req.init = (struct rd_qp_init){ .pd = pd, .send_wr = 4, .recv_wr = 4 };
	submit(w->mute, &req);
	w->mute_qpn = rd_qp_num(req.qp);
}

uint8_t world_take(struct world *w, uint8_t msg[CLC_MAX_LEN], unsigned *len)
{
	int n = w->in_len == 0 ? -EAGAIN : clc_peek_length(w->in, w->in_len);

	*len = 0;
	if (n <= 0)
		return 0;
	memcpy(msg, w->in, (size_t)n);
	memmove(w->in, w->in + n, w->in_len - (unsigned)n);
	w->in_len -= (unsigned)n;
	*len = (unsigned)n;
	return clc_type(msg);
}

void world_check_data(struct world *w)
{
	uint8_t buf[64];

	CU_ASSERT_PTR_NOT_NULL(w->s);
	CU_ASSERT_PTR_NOT_NULL(w->c);
	if (w->s == NULL || w->c == NULL)
		return;
	CU_ASSERT_EQUAL(sock_transport(w->s), SOCK_TCP);
	CU_ASSERT_EQUAL(w->in_len, 0);
	CU_ASSERT_EQUAL(sock_send(w->s, "banner", 6), 6);
	world_run(w, SECOND);
	CU_ASSERT_TRUE(w->in_len == 6 && memcmp(w->in, "banner", 6) == 0);
	if (sock_readable(w->s) == 0)
		world_send(w, "hello", 5, false);
	CU_ASSERT_EQUAL(sock_read(w->s, buf, sizeof(buf)), 5);
	CU_ASSERT_EQUAL(memcmp(buf, "hello", 5), 0);
}

uint32_t world_reason(const struct world *w, uint32_t *peer_reason)
{
	struct sock_info info = { 0 };

	if (w->s != NULL)
		sock_get_info(w->s, &info);
	*peer_reason = info.peer_reason;
	return info.reason;
}
