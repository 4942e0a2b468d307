/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whole stacks over a bad wire, seen from the receiver: a stream sent through
 * loss, reordering, duplication and corruption arrives octet by octet at
 * readers of different speed and manner, and nothing stays charged.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/tcp/recv.h"
#include "tests/sim/sim.h"
#include "tests/unit/test.h"

enum manner { READ, PEEK, TAKE, STALL, MANNERS };

struct run {
	struct sim *sim;
	struct sim_host *a, *b;
	struct tcp_conn *from, *to;
	uint32_t sent, got, total, bad;
	enum manner manner;
	bool eof;
};

static uint8_t octet(uint32_t pos)
{
	return pos * 2654435761u >> 24;
}

static void check(struct run *r, const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		r->bad += p[i] != octet(r->got + i);
	r->got += n;
}

static void take(struct run *r, uint32_t len)
{
	struct rte_mbuf *m;
	unsigned n;

	tcp_take(r->to, len, &m, &n);
	while (m != NULL) {
		struct rte_mbuf *next = m->next;

		check(r, rte_pktmbuf_mtod(m, uint8_t *), m->data_len);
		m->next = NULL;
		rte_pktmbuf_free_seg(m);
		m = next;
	}
}

static void receive(struct run *r)
{
	static uint8_t buf[1 << 16];
	struct tcp_piece p[3];
	unsigned n;

	switch (r->manner) {
	case READ:
	case STALL:
		check(r, buf, tcp_read(r->to, buf, sizeof(buf)));
		break;
	case PEEK:
		n = tcp_peek(r->to, p, 3);
		for (unsigned i = 0; i < n; i++) {
			check(r, p[i].data, p[i].len);
			tcp_consume(r->to, p[i].len);
		}
		break;
	default:
		take(r, 1 + sim_random(r->sim) % 5000);
	}
	r->eof = tcp_eof(r->to);
}

static void send_more(struct run *r)
{
	uint8_t buf[4096];

	while (r->sent < r->total) {
		uint32_t n = RTE_MIN(r->total - r->sent, 1 + sim_random(r->sim) % sizeof(buf));
		ssize_t rc;

		for (uint32_t i = 0; i < n; i++)
			buf[i] = octet(r->sent + i);
		rc = tcp_send(r->from, buf, n);
		if (rc <= 0)
			return;
		r->sent += rc;
	}
	tcp_shutdown(r->from);
}

static int on_accept(void *ctx, struct tcp_listener *l, struct tcp_conn *c)
{
	struct run *r = ctx;

	r->to = c;
	return 0;
}

static void on_event(void *ctx, struct tcp_conn *c, void *user, unsigned events)
{
	struct run *r = ctx;

	if (c == r->from && (events & (TCP_EV_CONNECTED | TCP_EV_WRITABLE)))
		send_more(r);
	if (c == r->to && r->manner != STALL)
		receive(r);
}

static void start(struct run *r, uint64_t seed, const struct sim_wire *wire, uint32_t rcvbuf)
{
	struct sim_host_conf conf;
	struct tcp_listen_args la = { .port = rte_cpu_to_be_16(80), .backlog = 8, .accept = on_accept, .ctx = r };
	struct tcp_connect_args ca = { .rport = rte_cpu_to_be_16(80) };
	struct tcp_listener *l;

	r->sim = sim_create(seed, 1000000);
	sim_host_defaults(&conf, 1);
	conf.ops.event = on_event;
	conf.ops_ctx = r;
	r->a = sim_host_add(r->sim, &conf);
	ca.raddr = sim_addr(0x0a000002);
	sim_host_defaults(&conf, 2);
	conf.ops.event = on_event;
	conf.ops_ctx = r;
	conf.tcp.sack = seed & 1;
	conf.tcp.timestamps = seed & 2;
	conf.tcp.fast_path = seed & 4;
	conf.tcp.rcvbuf_max = rcvbuf;
	r->b = sim_host_add(r->sim, &conf);
	sim_connect(r->sim, r->a, r->b, wire, wire);
	CU_ASSERT_EQUAL_FATAL(tcp_listen(sim_tcp(r->b, 0), &la, &l), 0);
	CU_ASSERT_EQUAL_FATAL(tcp_connect(sim_tcp(r->a, 0), &ca, &r->from), 0);
}

/* Charges equal what the lists hold. */
static void check_charges(const struct run *r)
{
	struct tcp_range h[TCP_OOO_MAX];
	uint32_t sum = 0, octets = 0;

	if (r->to == NULL)
		return;
	for (struct rte_mbuf *m = r->to->rcvq_head; m != NULL; m = m->next) {
		sum += rcv_true_size(m);
		octets += m->data_len;
	}
	CU_ASSERT_EQUAL(octets, tcp_readable(r->to));
	CU_ASSERT_EQUAL(sum + r->to->ooo_charged, r->to->rcv_charged);
	CU_ASSERT_EQUAL(r->to->ts->rcv_pinned, r->to->rcv_charged);
	CU_ASSERT_EQUAL(ooo_ranges(r->to, h, TCP_OOO_MAX), r->to->ooo_count);
}

static void run(uint64_t seed, enum manner manner, const struct sim_wire *wire, uint32_t rcvbuf, uint32_t total)
{
	struct run r = { .manner = manner, .total = total };
	uint64_t limit;

	test_eal_init();
	start(&r, seed, wire, rcvbuf);
	limit = sim_now(r.sim) + 3600000000ull;
	for (unsigned turn = 0; !r.eof && sim_now(r.sim) < limit; turn++) {
		sim_step(r.sim, sim_now(r.sim) + 50000);
		if (r.to != NULL && (manner == TAKE || manner == PEEK || turn % 16 == 0))
			receive(&r);
		check_charges(&r);
		sim_settle(r.sim);
	}
	CU_ASSERT_TRUE(r.eof);
	CU_ASSERT_EQUAL(r.got, total);
	CU_ASSERT_EQUAL(r.bad, 0);
	CU_ASSERT(wire->dup_ppm == 0 || tcp_stats(sim_tcp(r.b, 0))->ooo_in > 0);
	if (r.to != NULL)
		tcp_close(r.to);
	tcp_close(r.from);
	CU_ASSERT_TRUE(sim_drain(r.sim, 600000000));
	CU_ASSERT_EQUAL(sim_error(r.sim), NULL);
	if (sim_error(r.sim) != NULL)
		fprintf(stderr, "seed %u manner %u: %s\n", (unsigned)seed, manner, sim_error(r.sim));
	sim_destroy(r.sim);
	CU_ASSERT_EQUAL(sim_buffers_used(), 0);
}

static void stream__perfect_wire(void)
{
	const struct sim_wire wire = { .delay_us = 100 };

	for (uint64_t seed = 0; seed < 8; seed++)
		run(seed, seed % MANNERS, &wire, 1 << 20, 1000000);
}

static void stream__bad_wire(void)
{
	const struct sim_wire wire = {
		.delay_us = 5000, .loss_ppm = 20000, .dup_ppm = 20000, .corrupt_ppm = 5000, .reorder_ppm = 50000,
		.reorder_us = 4000,
	};

	for (uint64_t seed = 0; seed < 16; seed++)
		run(seed, seed / 4 % MANNERS, &wire, 1 << 20, 300000);
}

static void stream__small_buffer(void)
{
	const struct sim_wire wire = { .delay_us = 1000, .loss_ppm = 10000, .reorder_ppm = 100000, .reorder_us = 1500 };

	for (uint64_t seed = 0; seed < 8; seed++)
		run(seed, seed % MANNERS, &wire, 3000, 60000);
}

static const struct test_case cases[] = {
	TEST_CASE(stream__perfect_wire),
	TEST_CASE(stream__bad_wire),
	TEST_CASE(stream__small_buffer),
};
TEST_MAIN("tcp stream", cases)
