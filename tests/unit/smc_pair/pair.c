/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/smc_pair/pair.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void pair_fail(struct pair *p, const char *fmt, ...)
{
	va_list ap;

	if (p->failure[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(p->failure, sizeof(p->failure), fmt, ap);
	va_end(ap);
}

static uint8_t pattern(uint32_t seed, uint64_t at)
{
	return (uint8_t)((at * 2654435761u + seed) >> 7 ^ at);
}

/* ---- buffers given: each is freed once, and not before it has arrived -------- */

static struct give_buf {
	uint8_t data[PAIR_GIVE_LEN];
	struct rte_mbuf_ext_shared_info shared;
	struct pair *p;
	bool out;
} gives[PAIR_GIVES];

static void give_free(void *addr, void *opaque)
{
	struct give_buf *b = opaque;

	if (!b->out)
		pair_fail(b->p, "a buffer was freed twice");
	b->out = false;
	b->p->given_out--;
	memset(b->data, 0xdd, sizeof(b->data)); /* who reads it still, is found out */
}

static struct rte_mbuf *give_new(struct pair *p, uint8_t **data)
{
	struct give_buf *b = gives;
	struct rte_mbuf *m;

	while (b < &gives[PAIR_GIVES] && b->out)
		b++;
	m = b == &gives[PAIR_GIVES] ? NULL : rte_pktmbuf_alloc(sim_pools()->hdr);
	if (m == NULL)
		return NULL;
	b->p = p;
	b->out = true;
	b->shared.free_cb = give_free;
	b->shared.fcb_opaque = b;
	rte_mbuf_ext_refcnt_set(&b->shared, 1);
	rte_pktmbuf_attach_extbuf(m, b->data, rte_mem_virt2iova(b->data), sizeof(b->data), &b->shared);
	p->given_out++;
	*data = b->data;
	return m;
}

/* ---- clients -------------------------------------------------------------- */

static void finish(struct pair_conn *c)
{
	struct sock *s = c->s;

	if (c->p->hold)
		return;
	if (c->end == PAIR_HALF && !c->shut) {
		c->shut = true;
		sock_shutdown(s);
		return;
	}
	if (c->end == PAIR_HALF && !c->eof)
		return;
	c->s = NULL;
	if (c->end == PAIR_ABORT)
		sock_abort(s);
	else
		sock_close(s);
}

static void client_give(struct pair_conn *c)
{
	while (c->sent < c->total) {
		/* Some are long enough to be sent from where they lie, some are not. */
		uint32_t n = (uint32_t)RTE_MIN(c->total - c->sent, c->sent % 5 == 0 ? 1001u : PAIR_GIVE_LEN);
		struct rte_mbuf *m;
		uint8_t *data;

		if (sock_send_room(c->s) < n || (m = give_new(c->p, &data)) == NULL)
			return;
		for (uint32_t i = 0; i < n; i++)
			data[i] = pattern(c->seed, c->sent + i);
		m->data_len = (uint16_t)n;
		m->pkt_len = n;
		if (sock_give(c->s, m, n) < 0) {
			rte_pktmbuf_free(m);
			return;
		}
		c->p->given++;
		c->sent += n;
	}
}

static void client_copy(struct pair_conn *c)
{
	uint8_t buf[8192];

	while (c->sent < c->total) {
		uint32_t n = (uint32_t)RTE_MIN(c->total - c->sent, sizeof(buf));
		ssize_t rc;

		for (uint32_t i = 0; i < n; i++)
			buf[i] = pattern(c->seed, c->sent + i);
		rc = sock_send(c->s, buf, n);
		if (rc <= 0)
			return;
		c->sent += (uint64_t)rc;
	}
}

static void client_send(struct pair_conn *c)
{
	if (c->p->conf.give)
		client_give(c);
	else
		client_copy(c);
}

static void client_read(struct pair_conn *c)
{
	uint8_t buf[8192];
	uint32_t n;

	while ((n = sock_read(c->s, buf, sizeof(buf))) > 0)
		for (uint32_t i = 0; i < n; i++, c->got++)
			if (buf[i] != pattern(c->seed, c->got)) {
				pair_fail(c->p, "stream differs at %llu", (unsigned long long)c->got);
				return;
			}
	if (c->p->progress != NULL)
		c->p->progress(c->p, c);
	if (c->got == c->total)
		finish(c);
	else if (c->got > c->total)
		pair_fail(c->p, "more came back than was sent");
}

static void note(struct pair_conn *c)
{
	struct sock_info info;

	sock_get_info(c->s, &info);
	c->transport = info.transport;
	c->reason = info.reason;
	c->peer_reason = info.peer_reason;
}

static void connected(void *ctx, struct sock *s)
{
	struct pair_conn *c = sock_user(s);

	c->connected = true;
	c->connected_us = sim_now(c->p->sim);
	note(c);
	client_send(c);
	if (c->total == 0)
		finish(c);
}

/* ---- the server ----------------------------------------------------------------- */

static void echo(struct pair_conn *c)
{
	uint8_t buf[4096];

	for (;;) {
		uint32_t room = sock_send_room(c->s), n;
		ssize_t rc;

		if (room == 0)
			return;
		n = sock_read(c->s, buf, RTE_MIN(room, (uint32_t)sizeof(buf)));
		if (n == 0)
			break;
		rc = sock_send(c->s, buf, n);
		if (rc != (ssize_t)n) {
			if (rc >= 0)
				pair_fail(c->p, "room for %u of %u, but %d taken, %u after, transport %u", n, room, (int)rc, sock_send_room(c->s), sock_transport(c->s));
			return; /* dead, which closed() is about to tell */
		}
		c->echoed += n;
	}
	if (c->eof && sock_eof(c->s)) {
		struct sock *s = c->s;

		c->s = NULL;
		c->p->closed_server++;
		sock_close(s);
	}
}

static int accepted(void *ctx, struct sock *s)
{
	struct pair *p = ctx;
	struct pair_conn *c = &p->conns[PAIR_MAX + p->accepted];

	if (p->accepted == PAIR_MAX)
		return -ENOSPC;
	p->accepted++;
	*c = (struct pair_conn){ .p = p, .s = s, .server = true };
	sock_set_user(s, c);
	note(c);
	return 0;
}

/* ---- both ------------------------------------------------------------------------ */

static void work(struct sock *s)
{
	struct pair_conn *c = sock_user(s);

	if (c->server) {
		echo(c);
		return;
	}
	client_send(c);
	client_read(c);
}

static void readable(void *ctx, struct sock *s) { work(s); }
static void writable(void *ctx, struct sock *s) { work(s); }

static void eof(void *ctx, struct sock *s)
{
	((struct pair_conn *)sock_user(s))->eof = true;
	work(s);
}

static void closed(void *ctx, struct sock *s, int error)
{
	struct pair_conn *c = sock_user(s);

	c->closed = true;
	c->error = error;
	c->s = NULL;
	if (c->server)
		c->p->closed_server++;
	sock_close(s);
}

static const struct sock_handler handler = {
	.accepted = accepted, .connected = connected, .readable = readable, .writable = writable, .eof = eof,
	.closed = closed,
};

/* ---- the world ---------------------------------------------------------------------- */

void pair_defaults(struct pair_conf *conf)
{
	*conf = (struct pair_conf){ .seed = 1, .wire.delay_us = 50, .listen_protocol = SOCK_SMC };
	for (unsigned i = 0; i < 2; i++)
		sim_smc_defaults(&conf->host[i], i + 1);
}

void pair_start(struct pair *p, const struct pair_conf *conf)
{
	int rc;

	memset(p, 0, sizeof(*p));
	p->conf = *conf;
	p->sim = sim_create(conf->seed, 1000000);
	if (!conf->roce && mem_fabric_create(&p->fabric) < 0)
		pair_fail(p, "no fabric");
	if (conf->give) {
		p->conf.host[0].smc.n_regions = 1;
		p->conf.host[0].smc.regions[0] = (struct smc_region){ gives, sizeof(gives) };
	}
	for (unsigned i = 0; i < 2; i++) {
		p->conf.host[i].fabric = p->fabric;
		p->h[i] = sim_smc_add(p->sim, &p->conf.host[i]);
	}
	sim_connect(p->sim, sim_smc_host(p->h[0]), sim_smc_host(p->h[1]), &conf->wire, &conf->wire);
	rc = sock_listen(sim_smc_socks(p->h[1]), &(struct sock_listen_args){
		.port = rte_cpu_to_be_16(PAIR_PORT), .protocol = conf->listen_protocol, .service = "echo",
		.handler = &handler, .ctx = p, .rcvbuf_max = conf->rcvbuf, .sndbuf_max = conf->sndbuf }, &p->l);
	if (rc < 0)
		pair_fail(p, "listen: %d", rc);
}

struct pair_conn *pair_connect(struct pair *p, uint16_t protocol, uint64_t total, enum pair_end end)
{
	struct pair_conn *c = &p->conns[p->n++];
	int rc;

	*c = (struct pair_conn){ .p = p, .total = total, .end = end, .seed = p->n * 7919,
				 .begun_us = sim_now(p->sim) };
	rc = sock_connect(sim_smc_socks(p->h[0]), &(struct sock_connect_args){
		.raddr = sim_addr(0x0a000002), .rport = rte_cpu_to_be_16(PAIR_PORT), .protocol = protocol,
		.service = "load", .handler = &handler, .ctx = p, .rcvbuf_max = p->conf.rcvbuf,
		.sndbuf_max = p->conf.sndbuf }, &c->s);
	if (rc < 0) {
		pair_fail(p, "connect: %d", rc);
		return NULL;
	}
	sock_set_user(c->s, c);
	return c;
}

void pair_release(struct pair *p)
{
	p->hold = false;
	for (unsigned i = 0; i < p->n; i++)
		if (p->conns[i].s != NULL && p->conns[i].connected && p->conns[i].got == p->conns[i].total)
			finish(&p->conns[i]);
}

static bool all_done(const struct pair *p)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->conns[i].s != NULL)
			return false;
	return p->closed_server == p->accepted;
}

bool pair_run(struct pair *p, uint64_t limit_us)
{
	uint64_t end = sim_now(p->sim) + limit_us;

	sim_settle(p->sim);
	while (!all_done(p) && sim_now(p->sim) < end && p->failure[0] == '\0' && sim_error(p->sim) == NULL)
		sim_step(p->sim, end);
	if (!all_done(p))
		pair_fail(p, "connections are still there");
	return p->failure[0] == '\0';
}

const struct smc_stats *pair_stats(struct pair *p, unsigned host)
{
	return smc_stats(sim_smc_stack(p->h[host]));
}

void pair_reasons(struct pair *p)
{
	for (unsigned i = 0; i < 2; i++)
		for (unsigned r = 0; r < 2; r++)
			for (unsigned k = 0; k < SMC_REASON_SLOTS; k++) {
				const struct smc_role_stats *st = &pair_stats(p, i)->role[r];

				if (st->why[k].count != 0)
					printf("host %u role %u: %s %llu\n", i, r, smc_reason_name(st->why[k].reason),
					       (unsigned long long)st->why[k].count);
				if (st->peer_why[k].count != 0)
					printf("host %u role %u: peer says %s %llu\n", i, r,
					       smc_reason_name(st->peer_why[k].reason),
					       (unsigned long long)st->peer_why[k].count);
			}
}

static uint32_t objects(struct pair *p)
{
	uint32_t n = sim_objects(p->sim);

	for (unsigned i = 0; i < 2; i++)
		if (sim_smc_stack(p->h[i]) != NULL)
			n += smc_objects(sim_smc_stack(p->h[i]));
	return n;
}

bool pair_stop(struct pair *p)
{
	uint64_t end;

	sock_unlisten(p->l);
	if (sock_listener_open(p->l) != 0)
		pair_fail(p, "%u sockets are open", sock_listener_open(p->l));
	for (unsigned i = 0; i < 2; i++)
		if (sim_smc_stack(p->h[i]) != NULL)
			smc_stack_stop(sim_smc_stack(p->h[i]));
	end = sim_now(p->sim) + 300000000;
	while (objects(p) != 0 && sim_now(p->sim) < end)
		sim_step(p->sim, end);
	for (unsigned i = 0; i < 2; i++) {
		struct smc_stack *ss = sim_smc_stack(p->h[i]);

		if (ss != NULL && smc_objects(ss) != 0)
			pair_fail(p, "host %u: %u SMC objects left (conns %llu lgrs %llu links %llu bufs %llu)", i,
				  smc_objects(ss), (unsigned long long)smc_stats(ss)->conns,
				  (unsigned long long)smc_stats(ss)->lgrs, (unsigned long long)smc_stats(ss)->links,
				  (unsigned long long)smc_stats(ss)->bufs);
		if (sock_stats(sim_smc_socks(p->h[i]))->open != 0)
			pair_fail(p, "host %u: sockets left", i);
	}
	if (sim_objects(p->sim) != 0)
		pair_fail(p, "TCP objects left");
	if (sim_error(p->sim) != NULL)
		pair_fail(p, "%s", sim_error(p->sim));
	sock_listener_free(p->l);
	sim_destroy(p->sim);
	for (unsigned i = 0; i < 2; i++)
		sim_smc_free(p->h[i]);
	if (p->fabric != NULL)
		mem_fabric_destroy(p->fabric);
	if (p->given_out != 0)
		pair_fail(p, "%u of %u buffers given were not freed", p->given_out, p->given);
	if (sim_buffers_used() != 0)
		pair_fail(p, "%u buffers leaked", sim_buffers_used());
	return p->failure[0] == '\0';
}
