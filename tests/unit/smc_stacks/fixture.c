/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/smc_stacks/fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MEM_LEN (64u << 20)
#define CHUNK 30000

struct fixture *fx;
static uint8_t scratch[1 << 16];

/* Octets of all streams: the same, so that an echo can be checked by its reader. */
static uint8_t octet(uint64_t i)
{
	return (uint8_t)(i * 37 + (i >> 8) * 11 + (i >> 17));
}

/* ---- an end, whatever it runs over ------------------------------------------------ */

static bool is_open(const struct end *e) { return e->smc != NULL || e->tcp != NULL; }

static ssize_t end_send(struct end *e, const void *buf, size_t len)
{
	return e->smc != NULL ? smc_send(e->smc, buf, len) : tcp_send(e->tcp, buf, len);
}

static uint32_t end_read(struct end *e, void *buf, uint32_t len)
{
	return e->smc != NULL ? smc_read(e->smc, buf, len) : tcp_read(e->tcp, buf, len);
}

static uint32_t end_room(struct end *e)
{
	return e->smc != NULL ? smc_send_room(e->smc) : tcp_send_room(e->tcp);
}

static bool end_eof(const struct end *e)
{
	return e->smc != NULL ? smc_eof(e->smc) : tcp_eof(e->tcp);
}

static void end_shutdown(struct end *e)
{
	if (e->smc != NULL)
		smc_shutdown(e->smc);
	else
		tcp_shutdown(e->tcp);
}

void end_close(struct end *e, bool abort)
{
	struct smc_conn *smc = e->smc;
	struct tcp_conn *tcp = e->tcp;

	e->smc = NULL;
	e->tcp = NULL;
	if (smc != NULL && abort)
		smc_abort(smc);
	else if (smc != NULL)
		smc_close(smc);
	else if (tcp != NULL && abort)
		tcp_abort(tcp);
	else if (tcp != NULL)
		tcp_close(tcp);
}

static void send_more(struct end *e)
{
	while (e->sent < e->want) {
		uint32_t len = (uint32_t)RTE_MIN((uint64_t)CHUNK, e->want - e->sent), i;
		ssize_t n;

		for (i = 0; i < len; i++)
			scratch[i] = octet(e->sent + i);
		n = end_send(e, scratch, len);
		if (n <= 0)
			return;
		e->sent += (uint64_t)n;
	}
	if (!e->closing) {
		e->closing = true;
		end_shutdown(e);
	}
}

static void check(struct end *e, const uint8_t *buf, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		e->bad += buf[i] != octet(e->got + i);
	e->got += len;
}

static void read_all(struct end *e)
{
	uint32_t n;

	while ((n = end_read(e, scratch, CHUNK)) > 0)
		check(e, scratch, n);
}

static void echo_copy(struct end *e)
{
	uint32_t n;

	while ((n = RTE_MIN(end_room(e), (uint32_t)CHUNK)) > 0) {
		n = end_read(e, scratch, n);
		if (n == 0)
			return;
		check(e, scratch, n);
		CU_ASSERT_EQUAL(end_send(e, scratch, n), n);
	}
}

static void echo_take(struct end *e)
{
	struct rte_mbuf *chain, *m;
	uint32_t room, n;
	unsigned segs;

	while ((room = end_room(e)) > 0) {
		n = e->smc != NULL ? smc_take(e->smc, room, &chain, &segs) : tcp_take(e->tcp, room, &chain, &segs);
		if (n == 0)
			return;
		for (m = chain; m != NULL; m = m->next)
			check(e, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len);
		CU_ASSERT_EQUAL(e->smc != NULL ? smc_give(e->smc, chain, n) : tcp_give(e->tcp, chain, n), 0);
	}
}

/* The application: whatever may have changed. */
static void work(struct end *e)
{
	bool server = e->host == &fx->h[1];

	if (!is_open(e))
		return;
	if (!server || e->host->service == SINK)
		read_all(e);
	else if (e->host->service == HOLD)
		return;
	else if (e->host->service == ECHO_COPY)
		echo_copy(e);
	else
		echo_take(e);
	if (!server)
		send_more(e);
	if (!end_eof(e))
		return;
	e->eof = true;
	if (server || e->closing)
		end_close(e, false);
}

void fixture_wake(struct end *e)
{
	work(e);
}

static void on_event(struct end *e, unsigned events, int error)
{
	if (!is_open(e))
		return;
	work(e);
	if (!(events & TCP_EV_CLOSED) || !is_open(e))
		return;
	e->dead = true;
	e->error = error;
	end_close(e, false);
}

/* ---- what stacks tell ---------------------------------------------------------------- */

static struct end *new_end(struct host *h)
{
	unsigned i;

	for (i = 0; i < ENDS; i++) {
		if (h->ends[i].used)
			continue;
		memset(&h->ends[i], 0, sizeof(h->ends[i]));
		h->ends[i].used = true;
		h->ends[i].host = h;
		return &h->ends[i];
	}
	return NULL;
}

static void to_tcp(struct end *e, struct tcp_conn *c)
{
	e->smc = NULL;
	e->tcp = c;
	e->decided = true;
	e->outcome = SMC_OUT_TCP;
	e->host->n_tcp++;
	tcp_set_user(c, e);
}

static void connected(struct end *e)
{
	struct smc_begin_args args = { .tcp = e->tcp, .user = e };
	struct tcp_info info;

	tcp_get_info(e->tcp, &info);
	e->tcp = NULL;
	if (!info.opt_received || smc_connect_begin(e->host->ss, &args, &e->smc) < 0) {
		to_tcp(e, args.tcp);
		work(e);
	}
}

static void on_tcp(void *ctx, struct tcp_conn *c, void *user, unsigned events)
{
	struct end *e = user;
	struct tcp_info info;

	if (smc_is_tcp_user(user)) {
		smc_tcp_event(user, events);
		return;
	}
	if (e == NULL)
		return;
	if ((events & TCP_EV_CONNECTED) && !e->decided)
		connected(e);
	else if (is_open(e)) {
		tcp_get_info(c, &info);
		on_event(e, events, info.error);
	}
}

static int on_accept(void *ctx, struct tcp_listener *l, struct tcp_conn *c)
{
	struct host *h = ctx;
	struct end *e = new_end(h);
	struct smc_begin_args args = { .tcp = c, .user = e };
	struct tcp_info info;

	if (e == NULL)
		return -ENOMEM;
	h->accepted++;
	tcp_get_info(c, &info);
	if (!info.opt_received || smc_accept_begin(h->ss, &args, &e->smc) < 0)
		to_tcp(e, c);
	return 0;
}

static void on_decided(void *ctx, struct smc_conn *c, void *user, const struct smc_decision *d)
{
	struct end *e = user;

	e->decided = true;
	e->outcome = d->outcome;
	e->reason = d->reason;
	e->peer_reason = d->peer_reason;
	if (d->outcome == SMC_OUT_SMC) {
		e->host->n_smc++;
		work(e);
		return;
	}
	e->smc = NULL;
	e->error = d->error;
	if (d->outcome == SMC_OUT_TCP) {
		to_tcp(e, d->tcp);
		on_event(e, d->tcp_events, 0);
	} else if (d->outcome == SMC_OUT_RECONNECT) {
		e->host->n_reconnect++;
	} else {
		e->host->n_failed++;
	}
}

static void on_smc(void *ctx, struct smc_conn *c, void *user, unsigned events)
{
	struct smc_conn_info info;

	smc_get_info(c, &info);
	on_event(user, events, info.error);
}

/* ---- the turn -------------------------------------------------------------------------- */

static int up_create(void *ctx, struct sim_host *sh, const struct tcp_config *conf, struct tcp_stack **out)
{
	static const struct tcp_user_ops ops = { .event = on_tcp };
	struct host *h = ctx;
	int rc = tcp_stack_create(&h->tcp, sim_net(sh, 0), sim_wheel(sh, 0), conf, &ops, h, NULL);

	*out = h->tcp;
	return rc;
}

static void up_destroy(void *ctx)
{
	struct host *h = ctx;

	tcp_stack_destroy(h->tcp);
}

static void up_poll(void *ctx)
{
	struct host *h = ctx;

	if (h->ss != NULL)
		smc_poll(h->ss);
}

static void up_deliver(void *ctx)
{
	struct host *h = ctx;

	tcp_deliver(h->tcp, 1024);
	if (h->ss != NULL)
		smc_deliver(h->ss, 1024);
}

static void up_output(void *ctx)
{
	struct host *h = ctx;

	if (h->ss != NULL)
		smc_output(h->ss);
	tcp_output(h->tcp);
}

static bool up_busy(const void *ctx)
{
	const struct host *h = ctx;

	return h->ss != NULL && smc_busy(h->ss);
}

void fixture_run(uint64_t us)
{
	sim_settle(fx->sim); /* what calls have asked for */
	sim_run(fx->sim, sim_now(fx->sim) + us);
}

static unsigned open_ends(void)
{
	unsigned n = 0, i, k;

	for (i = 0; i < 2; i++)
		for (k = 0; k < ENDS; k++)
			n += is_open(&fx->h[i].ends[k]);
	return n;
}

bool fixture_finish(uint64_t limit_us)
{
	uint64_t until = sim_now(fx->sim) + limit_us;

	sim_settle(fx->sim);
	while (open_ends() > 0 && sim_now(fx->sim) < until)
		sim_step(fx->sim, until);
	return open_ends() == 0;
}

/* ---- set-up ---------------------------------------------------------------------------- */

static struct net_addr host_addr(unsigned i)
{
	return sim_addr(0x0a000001 + i);
}

static void host_open(unsigned i, const struct fixture_conf *fc)
{
	static const struct smc_user_ops ops = { .decided = on_decided, .event = on_smc };
	struct host *h = &fx->h[i];
	struct mem_config mc = {
		.mac = { 2, 0, 0, 0, 0, (uint8_t)(i + 1) }, .mtu = 3, .n_gids = 1, .max_qps = 64, .max_mrs = 4096,
		.qpn_base = 16 + i * 1000,
	};
	struct net_addr addr = host_addr(i);
	const char *eid = fc->eid[i] != NULL ? fc->eid[i] : "SMCGATE.PAIR";
	struct smc_config conf;

	snprintf(mc.name, sizeof(mc.name), "mem%u", i);
	memcpy(mc.gids[0].b, addr.b, sizeof(mc.gids[0].b));
	CU_ASSERT_EQUAL_FATAL(mem_create(&h->rd, fx->fabric, &mc), 0);
	h->mem = aligned_alloc(4 << 20, MEM_LEN);
	h->service = fc->service;
	smc_config_defaults(&conf);
	conf.n_devs = !fc->no_device[i];
	conf.devs[0] = (struct smc_dev_config){ .rd = h->rd };
	if (eid[0] != '\0')
		CU_ASSERT_EQUAL(smc_eid_parse(&conf.eids[conf.n_eids++], eid), 0);
	snprintf(conf.hostname, sizeof(conf.hostname), "host%u", i);
	memcpy(conf.peer_id, (uint8_t[]){ 1, (uint8_t)i, 2, 0, 0, 0, 0, (uint8_t)(i + 1) }, sizeof(conf.peer_id));
	conf.conns_max = ENDS;
	conf.mem = h->mem;
	conf.mem_len = MEM_LEN;
	conf.give_min = 1024;
	conf.n_regions = 1; /* what smc_take() gives out is given on without copying */
	conf.regions[0] = (struct smc_region){ h->mem, MEM_LEN };
	conf.rmb_size = conf.sndbuf_size = fc->rmb[i] != 0 ? fc->rmb[i] : SMC_BUF_MIN;
	conf.lgrs_per_peer = 8;
	conf.handshakes_per_peer = 256;
	conf.idle_server_ms = 20000;
	conf.idle_client_ms = 21000;
	if (fc->max_conns != 0)
		conf.max_conns = fc->max_conns;
	CU_ASSERT_EQUAL_FATAL(smc_stack_create(&h->ss, &conf, sim_tcp(h->sh, 0), sim_wheel(h->sh, 0), &ops, h), 0);
}

void fixture_open(const struct fixture_conf *fc)
{
	static const struct fixture_conf defaults;
	struct tcp_listen_args args = { .port = rte_cpu_to_be_16(SERVICE_PORT), .accept = on_accept };
	unsigned i;

	test_eal_init();
	if (fc == NULL)
		fc = &defaults;
	fx = calloc(1, sizeof(*fx));
	fx->sim = sim_create(1, 1000000);
	CU_ASSERT_EQUAL_FATAL(mem_fabric_create(&fx->fabric), 0);
	for (i = 0; i < 2; i++) {
		struct sim_host_conf conf;

		sim_host_defaults(&conf, i + 1);
		fx->h[i].upper = (struct sim_upper){ &fx->h[i], up_create, up_destroy, up_poll, up_deliver, up_output,
						     up_busy };
		conf.upper = &fx->h[i].upper;
		conf.tcp.max_conns = 2 * ENDS;
		fx->h[i].sh = sim_host_add(fx->sim, &conf);
		CU_ASSERT_PTR_NOT_NULL_FATAL(fx->h[i].sh);
	}
	sim_connect(fx->sim, fx->h[0].sh, fx->h[1].sh, &fc->wire, &fc->wire);
	for (i = 0; i < 2; i++)
		host_open(i, fc);
	args.ctx = &fx->h[1];
	if (!fc->no_opt)
		args.opt = smc_tcp_opt;
	CU_ASSERT_EQUAL_FATAL(tcp_listen(sim_tcp(fx->h[1].sh, 0), &args, &fx->h[1].listener), 0);
}

struct end *client_open(uint64_t want)
{
	struct tcp_connect_args args = {
		.raddr = host_addr(1), .rport = rte_cpu_to_be_16(SERVICE_PORT), .opt = smc_tcp_opt,
	};
	struct end *e = new_end(&fx->h[0]);

	CU_ASSERT_PTR_NOT_NULL_FATAL(e);
	args.user = e;
	e->want = want;
	if (tcp_connect(sim_tcp(fx->h[0].sh, 0), &args, &e->tcp) < 0) {
		e->used = false;
		return NULL;
	}
	fx->h[0].opened++;
	return e;
}

void fixture_close(void)
{
	unsigned i, k;

	for (i = 0; i < 2; i++)
		for (k = 0; k < ENDS; k++)
			end_close(&fx->h[i].ends[k], true);
	fixture_run(200000000); /* groups are idle long enough, TIME-WAIT is over */
	for (i = 0; i < 2; i++) {
		struct host *h = &fx->h[i];
		const struct smc_stats *st = smc_stats(h->ss);

		CU_ASSERT_EQUAL(smc_objects(h->ss), 0);
		CU_ASSERT_EQUAL(st->buf_bytes, 0);
		CU_ASSERT_EQUAL(st->mem_free, st->mem_len);
		CU_ASSERT_EQUAL(st->rx.buf_usage, 0);
		CU_ASSERT_EQUAL(st->tx.buf_usage, 0);
	}
	CU_ASSERT_EQUAL(sim_objects(fx->sim), 0);
	CU_ASSERT_PTR_NULL(sim_error(fx->sim));
	for (i = 0; i < 2; i++) {
		smc_stack_destroy(fx->h[i].ss);
		fx->h[i].ss = NULL;
		rd_close(fx->h[i].rd);
		free(fx->h[i].mem);
	}
	mem_fabric_destroy(fx->fabric);
	sim_destroy(fx->sim);
	CU_ASSERT_EQUAL(sim_buffers_used(), 0);
	free(fx);
	fx = NULL;
}
