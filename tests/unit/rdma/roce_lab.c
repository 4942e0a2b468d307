/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/rdma/roce_lab.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define BUFFERS 8191
#define STEP_US 5
#define DELAY_US 10
#define OUTPUT_BUDGET 256

static bool chance(struct roce_lab *lab, unsigned per_10000)
{
	return per_10000 != 0 && test_random(&lab->seed) % 10000 < per_10000;
}

static void enqueue(struct roce_lab *lab, struct roce_wire *w, struct rte_mbuf *m, unsigned extra_us)
{
	unsigned i = w->n;

	if (w->n == ROCE_QUEUE) {
		w->lost++;
		rte_pktmbuf_free(m);
		return;
	}
	while (i > 0 && w->queue[i - 1].at_us > lab->now_us + lab->delay_us + extra_us) {
		w->queue[i] = w->queue[i - 1];
		i--;
	}
	w->queue[i] = (struct roce_arrival){ lab->now_us + lab->delay_us + extra_us, m };
	w->n++;
}

static void corrupt(struct roce_lab *lab, struct rte_mbuf *m)
{
	uint32_t at = (uint32_t)(test_random(&lab->seed) % m->pkt_len);
	uint8_t bit = (uint8_t)(1 << test_random(&lab->seed) % 8);

	/* Not what the ICRC leaves to others: the layer above has checked the IP header. */
	if (at < 20 || at == 26 || at == 27)
		at = 30;
	while (at >= m->data_len) {
		at -= m->data_len;
		m = m->next;
	}
	*rte_pktmbuf_mtod_offset(m, uint8_t *, at) ^= bit;
}

static void tx(void *ctx, void *path, struct rte_mbuf *m)
{
	struct roce_side *side = ctx;
	struct roce_lab *lab = side->lab;
	struct roce_wire *w = &lab->wire[side->index];

	CU_ASSERT_PTR_NOT_NULL(path);
	CU_ASSERT_EQUAL(m->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK, 0);
	CU_ASSERT_NOT_EQUAL_FATAL(side->room, 0);
	if (side->room != UINT_MAX)
		side->room--;
	w->packets++;
	if ((lab->tap != NULL && lab->tap(lab, side->index, m)) || w->fault.blackhole || chance(lab, w->fault.loss)) {
		w->lost++;
		rte_pktmbuf_free(m);
		return;
	}
	if (chance(lab, w->fault.dup)) {
		struct rte_mbuf *copy = rte_pktmbuf_copy(m, lab->pool, 0, UINT32_MAX);

		w->duplicated++;
		if (copy != NULL)
			enqueue(lab, w, copy, 20);
	}
	if (chance(lab, w->fault.corrupt)) {
		w->corrupted++;
		corrupt(lab, m);
	}
	if (chance(lab, w->fault.reorder)) {
		w->reordered++;
		enqueue(lab, w, m, 1 + (unsigned)(test_random(&lab->seed) % 50));
		return;
	}
	enqueue(lab, w, m, 0);
}

static unsigned room(void *ctx, void *path)
{
	return ((struct roce_side *)ctx)->room;
}

static void random_octets(void *ctx, void *buf, size_t len)
{
	struct roce_side *side = ctx;
	uint8_t *p = buf;

	while (len-- > 0)
		*p++ = (uint8_t)test_random(&side->lab->seed);
}

static void deliver(struct roce_lab *lab, unsigned to)
{
	struct roce_wire *w = &lab->wire[!to];
	struct rte_mbuf *burst[64];
	unsigned n = 0;

	while (n < w->n && n < RTE_DIM(burst) && w->queue[n].at_us <= lab->now_us) {
		burst[n] = w->queue[n].m;
		n++;
	}
	if (n == 0)
		return;
	memmove(w->queue, w->queue + n, (w->n - n) * sizeof(w->queue[0]));
	w->n -= n;
	roce_input(lab->side[to].roce, lab->now_us, burst, n);
}

static void step(struct lab *l)
{
	struct roce_lab *lab = roce_lab_of(l);

	lab->now_us += lab->step_us;
	for (unsigned i = 0; i < 2; i++) {
		struct roce_side *s = &lab->side[i];

		if (lab->now_us < s->asleep_until)
			continue;
		deliver(lab, i);
		wheel_advance(&s->wheel, lab->now_us, 64);
		rd_progress(l->dev[i], 8);
		roce_output(s->roce, lab->now_us, OUTPUT_BUDGET);
	}
}

void roce_lab_run(struct roce_lab *lab, uint64_t us)
{
	for (uint64_t end = lab->now_us + us; lab->now_us < end;)
		step(&lab->lab);
}

static void close_lab(struct lab *l)
{
	struct roce_lab *lab = roce_lab_of(l);

	for (unsigned i = 0; i < 2; i++) {
		for (unsigned p = 0; p < lab->wire[i].n; p++)
			rte_pktmbuf_free(lab->wire[i].queue[p].m);
		rd_close(l->dev[i]);
		CU_ASSERT_EQUAL(lab->side[i].wheel.armed, 0);
	}
	roce_lab_check_pool(lab);
	free(lab);
}

void roce_lab_check_pool(struct roce_lab *lab)
{
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(lab->pool), 0);
}

static struct rte_mempool *packet_pool(void)
{
	static struct rte_mempool *pool;

	if (pool == NULL) {
		test_eal_init();
		pool = rte_pktmbuf_pool_create("roce_lab", BUFFERS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	return pool;
}

static void side_open(struct roce_lab *lab, unsigned i, const struct roce_config *base)
{
	struct roce_side *s = &lab->side[i];
	struct roce_config conf = *base;
	struct roce_env env = { .ctx = s, .tx = tx, .room = room, .random = random_octets };

	s->lab = lab;
	s->index = i;
	s->room = UINT_MAX;
	strcpy(conf.name, "roce");
	conf.lcore = (uint8_t)(i + 1);
	conf.ip_mtu = 9000;
	conf.n_gids = 1;
	conf.max_qps = 8;
	conf.max_mrs = 8;
	conf.node = -1;
	conf.pool = lab->pool;
	lab_gid(&lab->lab.gid[i], 0x0a630001 + i);
	conf.gids[0] = lab->lab.gid[i];
	wheel_init(&s->wheel, lab->now_us);
	CU_ASSERT_EQUAL_FATAL(roce_create(&s->roce, &conf, &env, &s->wheel), 0);
	lab->lab.dev[i] = roce_rd(s->roce);
}

struct roce_lab *roce_lab_of(struct lab *lab)
{
	return lab->wire;
}

void lab_roce_with(struct lab *l, const struct roce_config *conf)
{
	struct roce_lab *lab = calloc(1, sizeof(*lab));

	CU_ASSERT_PTR_NOT_NULL_FATAL(lab);
	lab->pool = packet_pool();
	lab->now_us = 1000000;
	lab->step_us = STEP_US;
	lab->delay_us = DELAY_US;
	lab->seed = 1;
	side_open(lab, 0, conf);
	side_open(lab, 1, conf);
	*l = lab->lab;
	l->provider = "roce";
	l->step = step;
	l->close = close_lab;
	l->wire = lab;
	lab->lab = *l;
}

void lab_roce(struct lab *lab)
{
	lab_roce_with(lab, &(struct roce_config){ 0 });
}
