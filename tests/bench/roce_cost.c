/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * roce_cost [ROUNDS]: what the software RoCE engine costs, CPU time of one
 * thread that runs both ends without a port in between.
 *
 * Lines of "what: number ns" for each kind of message: a packet posted and
 * sent, received and executed, and one acknowledgement (made, sent and taken);
 * then the ICRC by length. For instructions:
 *	valgrind --tool=callgrind --toggle-collect=roce_output roce_cost 20
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_eal.h>

#include "pmd/rdma/icrc.h"
#include "pmd/rdma/roce.h"

#define DEPTH 64
#define BATCH 16                 /* messages a turn */
#define QUEUE 256
#define MEM (DEPTH * 4096U)
#define BUFFERS 2047
#define DATA_ROOM 4480           /* a packet of MTU 4096 in one buffer, as jumbo ports have them */

struct side {
	struct roce *roce;
	struct rd_dev *dev;
	struct wheel wheel;
	struct rd_pd *pd;
	struct rd_mr *mr;
	struct rd_qp *qp;
	struct rd_gid gid;
	uint8_t *mem;
	struct rte_mbuf *out[QUEUE]; /* sent, not yet given to the other */
	unsigned n_out;
};

static struct side sides[2];
static uint64_t now_us = 1000000;

struct kind {
	const char *name;
	uint8_t op;
	uint32_t len;
	uint8_t mtu;
};

static const struct kind kinds[] = {
	{ "SEND 44", RD_OP_SEND, 44, 3 },       { "SEND 1024", RD_OP_SEND, 1024, 3 },
	{ "WRITE 64", RD_OP_WRITE, 64, 3 },     { "WRITE 1024", RD_OP_WRITE, 1024, 3 },
	{ "WRITE 4096", RD_OP_WRITE, 4096, 5 },
};

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* What a look at the clock costs itself. */
static uint64_t clock_ns(void)
{
	uint64_t begin = cpu_ns(), last = begin;

	for (unsigned i = 0; i < 10000; i++)
		last = cpu_ns();
	return (last - begin) / 10000;
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "roce_cost: %s failed\n", what);
	exit(EXIT_FAILURE);
}

static void tx(void *ctx, void *path, struct rte_mbuf *m)
{
	struct side *s = ctx;

	must(s->n_out < QUEUE, "queueing a packet");
	s->out[s->n_out++] = m;
}

static unsigned room(void *ctx, void *path)
{
	return QUEUE - ((struct side *)ctx)->n_out;
}

static void random_octets(void *ctx, void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len-- > 0)
		*p++ = (uint8_t)rand();
}

static void done(struct rd_req *req) {}

static struct rd_req *ask(struct side *s, struct rd_req *req)
{
	req->done = done;
	rd_submit(s->dev, req);
	must(rd_progress(s->dev, 1) == 1 && req->rc == 0, "a request");
	return req;
}

static void side_open(unsigned i, struct rte_mempool *pool)
{
	struct side *s = &sides[i];
	struct roce_config conf = { .name = "bench", .lcore = (uint8_t)(i + 1), .ip_mtu = 9000, .n_gids = 1, .max_qps = 4,
				    .max_mrs = 4, .node = -1, .pool = pool };
	struct roce_env env = { .ctx = s, .tx = tx, .room = room, .random = random_octets };
	struct rd_req pd = { .op = RD_REQ_PD_ALLOC };
	struct rd_req mr = { .op = RD_REQ_MR_REG, .len = MEM,
			     .access = RD_ACCESS_LOCAL_WRITE | RD_ACCESS_REMOTE_WRITE };

	memcpy(s->gid.b + 10, (uint8_t[]){ 0xff, 0xff, 10, 99, 0, (uint8_t)(i + 1) }, 6);
	conf.gids[0] = s->gid;
	wheel_init(&s->wheel, now_us);
	must(roce_create(&s->roce, &conf, &env, &s->wheel) == 0, "roce_create()");
	s->dev = roce_rd(s->roce);
	s->mem = aligned_alloc(4096, MEM);
	must(s->mem != NULL, "memory");
	memset(s->mem, 0x5a, MEM);
	s->pd = ask(s, &pd)->pd;
	mr.pd = s->pd;
	mr.addr = s->mem;
	s->mr = ask(s, &mr)->mr;
}

static void connect_pair(uint8_t mtu)
{
	for (unsigned i = 0; i < 2; i++) {
		struct rd_req req = { .op = RD_REQ_QP_CREATE, .init = { .pd = sides[i].pd, .send_wr = DEPTH, .recv_wr = DEPTH,
								       .access = RD_ACCESS_REMOTE_WRITE } };

		sides[i].qp = ask(&sides[i], &req)->qp;
	}
	for (unsigned i = 0; i < 2; i++) {
		struct rd_req req = { .op = RD_REQ_QP_RTR, .qp = sides[i].qp };

		req.attr = (struct rd_qp_attr){ .local = sides[i].gid, .remote = sides[!i].gid, .mtu = mtu, .timeout = 15,
						.remote_qpn = rd_qp_num(sides[!i].qp), .retry = 7, .rnr_retry = 7,
						.min_rnr_timer = 5, .hop_limit = 64 };
		ask(&sides[i], &req);
		req.op = RD_REQ_QP_RTS;
		ask(&sides[i], &req);
	}
}

static void post(const struct kind *k, uint32_t n)
{
	struct side *a = &sides[0], *b = &sides[1];

	for (uint32_t i = 0; i < BATCH; i++) {
		uint32_t at = (n + i) % DEPTH * 4096;
		struct rd_wr wr = { .op = k->op, .flags = i + 1 == BATCH ? RD_F_SIGNAL : 0, .n_sge = 1,
				    .rkey = rd_mr_rkey(b->mr), .raddr = rd_mr_addr(b->mr) + at,
				    .sge = { { a->mem + at, k->len, rd_mr_lkey(a->mr) } } };

		must(rd_post_send(a->qp, &wr, 1) == 0, "rd_post_send()");
	}
}

static void post_recvs(uint32_t n)
{
	struct side *b = &sides[1];

	for (uint32_t i = 0; i < BATCH; i++) {
		struct rd_recv r = { .n_sge = 1, .sge = { { b->mem + (n + i) % DEPTH * 4096, 4096, rd_mr_lkey(b->mr) } } };

		must(rd_post_recv(b->qp, &r, 1) == 0, "rd_post_recv()");
	}
}

static unsigned deliver(struct side *from, struct side *to)
{
	unsigned n = from->n_out;

	from->n_out = 0;
	roce_input(to->roce, now_us, from->out, n);
	return n;
}

static void measure(const struct kind *k, uint32_t rounds)
{
	uint64_t t0, t1, t2, t3, sending = 0, receiving = 0, acking = 0, packets = 0, clock = clock_ns();
	struct rd_wc wc[DEPTH];

	connect_pair(k->mtu);
	for (uint32_t r = 0; r < rounds; r++) {
		if (k->op == RD_OP_SEND)
			post_recvs(r * BATCH);
		now_us += 5;
		t0 = cpu_ns();
		post(k, r * BATCH);
		roce_output(sides[0].roce, now_us, QUEUE);
		t1 = cpu_ns();
		packets += deliver(&sides[0], &sides[1]);
		rd_poll(sides[1].dev, wc, DEPTH);
		t2 = cpu_ns();
		roce_output(sides[1].roce, now_us, QUEUE);
		deliver(&sides[1], &sides[0]);
		must(rd_poll(sides[0].dev, wc, DEPTH) == 1, "completion");
		t3 = cpu_ns();
		sending += t1 - t0 - clock;
		receiving += t2 - t1 - clock;
		acking += t3 - t2 - clock;
	}
	printf("roce %s, posted and sent: %.0f ns\n", k->name, (double)sending / (double)packets);
	printf("roce %s, received and executed: %.0f ns\n", k->name, (double)receiving / (double)packets);
	printf("roce %s, acknowledgement of %u both ends: %.0f ns\n", k->name, BATCH, (double)acking / rounds);
	for (unsigned i = 0; i < 2; i++)
		ask(&sides[i], &(struct rd_req){ .op = RD_REQ_QP_DESTROY, .qp = sides[i].qp });
}

static void measure_icrc(uint32_t rounds)
{
	static const unsigned lens[] = { 64, 256, 1100, 4172 };
	static uint8_t data[4200];

	for (unsigned i = 0; i < RTE_DIM(lens); i++) {
		uint64_t begin = cpu_ns(), took;
		volatile uint32_t sum = 0;

		for (uint32_t r = 0; r < rounds * 10; r++) {
			data[r % 64] ^= (uint8_t)sum;
			sum += icrc_whole(data, lens[i]);
		}
		took = cpu_ns() - begin;
		printf("ICRC of %u octets: %.1f ns\n", lens[i], (double)took / (rounds * 10.0));
		printf("ICRC of %u octets, each: %.3f ns\n", lens[i], (double)took / (rounds * 10.0) / lens[i]);
	}
}

int main(int argc, char **argv)
{
	char prefix[64];
	char *eal[] = { argv[0], (char[]){ "--no-huge" }, (char[]){ "--no-pci" }, (char[]){ "--no-shconf" },
			(char[]){ "--no-telemetry" }, (char[]){ "-m" }, (char[]){ "128" },
			(char[]){ "--log-level=error" }, prefix, NULL };
	uint32_t rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 20000;
	struct rte_mempool *pool;

	snprintf(prefix, sizeof(prefix), "--file-prefix=roce-cost-%d", (int)getpid());
	must(rte_eal_init((int)RTE_DIM(eal) - 1, eal) >= 0, "EAL");
	pool = rte_pktmbuf_pool_create("bench", BUFFERS, 256, 0, DATA_ROOM, SOCKET_ID_ANY);
	must(pool != NULL, "the pool");
	side_open(0, pool);
	side_open(1, pool);
	for (unsigned i = 0; i < RTE_DIM(kinds); i++)
		measure(&kinds[i], rounds);
	measure_icrc(rounds);
	rte_eal_cleanup();
	rmdir(rte_eal_get_runtime_dir()); /* empty with --no-shconf */
	return EXIT_SUCCESS;
}
