/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/smc_conn/world.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_mempool.h>

#include "proto/smc/give.h"
#include "proto/smc/takes.h"

struct world *world;
static uint64_t now_us;
static uint64_t seed;
static struct smc_buf *rings[WORLD_CONNS * 4]; /* by rkey */

static struct side *side_of(const struct smc_stack *ss)
{
	return ss == &world->s[0].ss ? &world->s[0] : &world->s[1];
}

/* ---- what is below: net, TCP, RDMA ------------------------------------------ */

static void fake_random(void *ctx, void *buf, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)test_random(&seed);
}

static const struct net_env env = { .random = fake_random };

uint64_t net_now(const struct net_stack *st) { return now_us; }
const struct net_config *net_conf(const struct net_stack *st) { return &world->net; }
const struct net_env *net_environment(const struct net_stack *st) { return &env; }

void tcp_set_user(struct tcp_conn *c, void *user) { c->user = user; }
bool tcp_eof(const struct tcp_conn *c) { return c->eof; }
uint32_t tcp_readable(const struct tcp_conn *c) { return c->readable; }
void tcp_consume(struct tcp_conn *c, uint32_t len) { c->readable -= len; }

void tcp_get_info(const struct tcp_conn *c, struct tcp_info *info)
{
	*info = (struct tcp_info){ .error = c->error, .state = c->dead ? TCP_CLOSED : TCP_ESTABLISHED };
}

int tcp_shutdown(struct tcp_conn *c)
{
	c->fin = true;
	return 0;
}

static void tcp_gone(struct tcp_conn *c)
{
	const struct smc_conn *conn = (const struct smc_conn *)((uintptr_t)c->user - 1);

	CU_ASSERT_FALSE(c->closed || c->aborted);
	side_of(conn->ss)->tcps--;
}

void tcp_close(struct tcp_conn *c)
{
	tcp_gone(c);
	c->closed = true;
}

void tcp_abort(struct tcp_conn *c)
{
	tcp_gone(c);
	c->aborted = true;
}

void rd_query(const struct rd_dev *dev, struct rd_info *out)
{
	*out = (struct rd_info){ .name = "fake0" };
}

/* ---- beside: rings, links, handshakes ------------------------------------------- */

static struct smc_buf *ring_new(struct side *s, uint32_t size, bool remote)
{
	struct smc_buf *b = calloc(1, sizeof(*b));
	struct rd_mr *mr = calloc(1, sizeof(*mr));
	uint32_t key;

	for (key = 1; rings[key] != NULL; key++)
		;
	rings[key] = b;
	b->base = malloc(size);
	memset(b->base, 0xee, size);
	b->size = size;
	b->remote = remote;
	b->refs = 1;
	b->mr = mr;
	b->lgr = &s->lgr;
	*mr = (struct rd_mr){ .lkey = key, .rkey = key, .start = b->base, .len = size };
	mr->addr = 0x7f00000000 + ((uint64_t)key << 32);
	s->bufs++;
	return b;
}

void smc_buf_ref(struct smc_buf *b) { b->refs++; }

void smc_buf_unref(struct smc_buf *b)
{
	if (--b->refs != 0)
		return;
	rings[b->mr->rkey] = NULL;
	world->s[b->lgr == &world->s[1].lgr].bufs--;
	free(b->base);
	free(b->mr);
	free(b);
}

void smc_buf_put(struct smc_buf *b)
{
	smc_buf_unref(b);
}

void smc_peer_put(struct smc_stack *ss, struct smc_peer *p)
{
	p->users--;
}

void smc_lgr_leave(struct smc_conn *c)
{
	CU_ASSERT_PTR_NOT_NULL(c->lgr);
	c->lgr->n_conns--;
	c->lgr = NULL;
	c->link = NULL;
}

void smc_hs_tcp_event(struct smc_conn *c, unsigned events)
{
	side_of(c->ss)->hs_events++;
}

/* As the real one: the handshake ends, its reference goes. */
void smc_hs_abort(struct smc_conn *c)
{
	side_of(c->ss)->hs_aborts++;
	c->hs = NULL;
	smc_conn_unref(c, SMC_REF_HS);
}

const char *smc_hs_step(const struct smc_hs *hs)
{
	return "fake";
}

void smc_link_unwait(struct smc_conn *c)
{
	struct side *s = side_of(c->ss);
	unsigned i;

	for (i = 0; i < s->n_waiting; i++)
		if (s->waiting[i] == c)
			s->waiting[i] = NULL;
	c->in_wait = false;
}

static void wait_for_slot(struct side *s, struct smc_conn *c)
{
	if (c->in_wait)
		return;
	c->in_wait = true;
	s->waiting[s->n_waiting++] = c;
}

static void slot_free(struct side *s)
{
	unsigned i, n = s->n_waiting;

	s->n_waiting = 0;
	for (i = 0; i < n; i++) {
		if (s->waiting[i] == NULL)
			continue;
		s->waiting[i]->in_wait = false;
		smc_tx_schedule(s->waiting[i]);
	}
}

bool smc_link_full(struct smc_link *l, struct smc_conn *c)
{
	struct side *s = side_of(c->ss);

	if (s->refuse != 0 || s->tail - s->head < s->slots)
		return false;
	wait_for_slot(s, c);
	return true;
}

static uint32_t wr_len(const struct rd_wr *wr)
{
	uint32_t len = 0;

	for (unsigned i = 0; i < wr->n_sge; i++)
		len += wr->sge[i].len;
	return len;
}

static bool within(const void *p, uint32_t len, const void *base, size_t size)
{
	size_t at = (size_t)((const uint8_t *)p - (const uint8_t *)base);

	return at < size && len <= size - at;
}

/* Every WRITE lies within the ring of the peer and gathers from ours, or from
 * the region of buffers. */
static void check_write(struct side *s, const struct smc_conn *c, const struct rd_wr *wr)
{
	uint32_t len = wr_len(wr);
	unsigned i;

	CU_ASSERT_EQUAL(wr->op, RD_OP_WRITE);
	CU_ASSERT_EQUAL(wr->rkey, c->peer_rkey);
	CU_ASSERT_TRUE(len > 0 && wr->raddr >= c->peer_addr && wr->raddr + len <= c->peer_addr + c->peer_size);
	for (i = 0; i < wr->n_sge; i++) {
		const struct rd_sge *e = &wr->sge[i];

		CU_ASSERT_TRUE(e->len > 0);
		if (s->region.len != 0 && e->lkey == s->region.lkey) {
			CU_ASSERT_TRUE(within(e->addr, e->len, s->region.start, s->region.len));
			s->from_buffers += e->len;
			continue;
		}
		CU_ASSERT_TRUE(within(e->addr, e->len, c->snd->base, c->snd->size));
		CU_ASSERT_EQUAL(e->lkey, c->snd->mr->lkey);
	}
}

int smc_link_post(struct smc_link *l, struct smc_conn *c, struct rd_wr *writes, unsigned n_writes,
		  const uint8_t cdc[CDC_LEN], const struct smc_cursor *sent, uint16_t seq)
{
	struct side *s = side_of(c->ss);
	struct post *p = &s->posts[s->tail % WORLD_POSTS];
	unsigned i;

	if (s->refuse != 0 || s->tail - s->head >= s->slots) {
		if (s->refuse != -ENOLINK)
			wait_for_slot(s, c);
		return s->refuse != 0 ? s->refuse : -EAGAIN;
	}
	*p = (struct post){ .slot = { .conn = c, .sent = *sent, .seq = seq }, .n_wr = n_writes };
	CU_ASSERT_TRUE(n_writes <= SMC_POST_WRITES);
	for (i = 0; i < n_writes; i++) {
		check_write(s, c, &writes[i]);
		p->wr[i] = writes[i];
		s->written += wr_len(&writes[i]);
	}
	memcpy(p->cdc, cdc, CDC_LEN);
	CU_ASSERT_EQUAL(cdc_decode(cdc, CDC_LEN, &s->last), 0);
	smc_conn_ref(c, SMC_REF_WR);
	s->tail++;
	s->posted++;
	s->writes += n_writes;
	return 0;
}

/* ---- the test's calls --------------------------------------------------------------- */

static void write_now(const struct rd_wr *wr)
{
	struct smc_buf *b = rings[wr->rkey];
	uint64_t at;
	unsigned i;

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	at = wr->raddr - b->mr->addr;
	for (i = 0; i < wr->n_sge; i++) {
		memcpy(b->base + at, wr->sge[i].addr, wr->sge[i].len);
		at += wr->sge[i].len;
	}
}

bool world_arrive(unsigned side)
{
	struct side *s = &world->s[side];
	struct post *p = &s->posts[s->arrived % WORLD_POSTS];
	unsigned i;

	if (s->arrived == s->tail)
		return false;
	s->arrived++;
	for (i = 0; i < p->n_wr; i++)
		write_now(&p->wr[i]);
	smc_cdc_input(&s->other->link, p->cdc, CDC_LEN);
	return true;
}

bool world_complete(unsigned side)
{
	struct side *s = &world->s[side];
	struct post *p = &s->posts[s->head % WORLD_POSTS];

	if (s->head == s->arrived)
		return false;
	s->head++;
	smc_conn_sent(p->slot.conn, &p->slot, true);
	slot_free(s);
	return true;
}

void world_drop(struct side *s)
{
	s->arrived = s->tail;
	for (; s->head != s->tail; s->head++) {
		struct post *p = &s->posts[s->head % WORLD_POSTS];

		smc_conn_sent(p->slot.conn, &p->slot, false);
	}
}

void world_lose(struct user *who)
{
	world_drop(side_of(who->c->ss));
	smc_conn_link_lost(who->c);
}

void world_output(void)
{
	smc_output(&world->s[0].ss);
	smc_output(&world->s[1].ss);
}

void world_deliver(void)
{
	smc_deliver(&world->s[0].ss, UINT32_MAX);
	smc_deliver(&world->s[1].ss, UINT32_MAX);
}

static bool busy(void)
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		const struct side *s = &world->s[i];

		if (s->head != s->tail || s->ss.tx_head != NULL || s->ss.event_head != NULL)
			return true;
	}
	return false;
}

void world_run(void)
{
	unsigned turns = 0;

	while (busy() && turns++ < 100000) {
		unsigned i;

		world_deliver();
		world_output();
		for (i = 0; i < 2; i++)
			while (world_arrive(i))
				;
		for (i = 0; i < 2; i++)
			while (world_complete(i))
				;
	}
	CU_ASSERT_TRUE(turns < 100000);
}

void world_wait(uint64_t us)
{
	uint64_t end = now_us + us;

	world_run();
	while (now_us < end) {
		uint64_t next = wheel_next_us(&world->wheel);

		now_us = next < end && next > now_us ? next : next <= now_us ? now_us + 1 : end;
		wheel_advance(&world->wheel, now_us, UINT32_MAX);
		world_run();
	}
}

struct cdc_msg world_cdc(const struct user *who)
{
	const struct smc_conn *c = who->c;

	return (struct cdc_msg){
		.seq = c->seq_in + 1, .token = c->token, .prod = c->peer_prod, .cons = c->peer_cons,
		.conn_flags = c->rx_conn_flags,
	};
}

void world_inject(const struct user *who, const struct cdc_msg *msg)
{
	uint8_t buf[CDC_LEN];

	cdc_encode(msg, buf);
	smc_cdc_input(&side_of(who->c->ss)->link, buf, CDC_LEN);
}

/* ---- set-up ---------------------------------------------------------------------------- */

static void on_event(void *ctx, struct smc_conn *c, void *user, unsigned events)
{
	struct user *who = user;

	who->seen |= events;
	who->calls++;
	if (who->fn != NULL)
		who->fn(who, events);
}

/* All buffers with data room. */
static void region_open(struct side *s)
{
	const struct rte_mempool_memhdr *chunk = STAILQ_FIRST(&world->mp->mem_list);

	CU_ASSERT_EQUAL(world->mp->nb_mem_chunks, 1);
	s->region = (struct rd_mr){ .lkey = 0x7eee0001, .start = chunk->addr, .len = chunk->len };
	s->lgr.regions[0] = &s->region;
	s->ss.conf.give_min = 1024;
	s->ss.conf.n_regions = 1;
	s->ss.conf.regions[0] = (struct smc_region){ chunk->addr, chunk->len };
}

static void side_open(struct side *s, struct side *other, const struct world_args *args)
{
	struct smc_config *conf = &s->ss.conf;

	conf->conns_max = args->conns_max != 0 ? args->conns_max : WORLD_CONNS;
	conf->autocork = args->autocork;
	conf->close_wait_ms = 60000;
	conf->tcp_fin_wait_ms = 3000;
	conf->rmb_size = conf->sndbuf_size = 16384;
	conf->node = -1;
	s->other = other;
	s->slots = args->slots != 0 ? args->slots : SMC_LINK_SLOTS;
	s->ss.wheel = &world->wheel;
	s->ops.event = on_event;
	s->ss.ops = &s->ops;
	s->lgr.ss = &s->ss;
	s->lgr.id = 7;
	s->link.lgr = &s->lgr;
	s->link.dev = &s->dev;
	s->link.id = 1;
	CU_ASSERT_EQUAL_FATAL(smc_conn_init(&s->ss), 0);
	if (args->regions)
		region_open(s);
}

void world_open(const struct world_args *args)
{
	static const struct world_args defaults;
	static struct rte_mempool *mp, *ind;

	test_eal_init();
	if (mp == NULL) {
		mp = rte_pktmbuf_pool_create("smc_conn", 1024, 0, NET_MBUF_PRIV_SIZE, 2048, SOCKET_ID_ANY);
		ind = rte_pktmbuf_pool_create("smc_conn_ind", 1024, 0, NET_MBUF_PRIV_SIZE, 0, SOCKET_ID_ANY);
	}
	world = calloc(1, sizeof(*world));
	now_us = 1000000;
	seed = 4711;
	wheel_init(&world->wheel, now_us);
	world->mp = mp;
	world->ind = ind;
	world->net.hdr_pool = mp;
	world->net.ind_pool = ind;
	if (args == NULL)
		args = &defaults;
	side_open(&world->s[0], &world->s[1], args);
	side_open(&world->s[1], &world->s[0], args);
}

uint32_t mbufs_out(void)
{
	return rte_mempool_in_use_count(world->mp) + rte_mempool_in_use_count(world->ind);
}

void world_free(void)
{
	unsigned i;

	for (i = 0; i < 2; i++)
		smc_gives_free(&world->s[i].ss);
	for (i = 0; i < RTE_DIM(rings); i++) {
		if (rings[i] == NULL)
			continue;
		free(rings[i]->base);
		free(rings[i]->mr);
		free(rings[i]);
		rings[i] = NULL;
	}
	free(world);
	world = NULL;
}

void world_close(void)
{
	unsigned i;

	CU_ASSERT_EQUAL(mbufs_out(), 0);
	CU_ASSERT_EQUAL(world->wheel.armed, 0);
	for (i = 0; i < 2; i++) {
		struct side *s = &world->s[i];

		CU_ASSERT_EQUAL(s->ss.conns.used, 0);
		CU_ASSERT_EQUAL(s->ss.stats.conns, 0);
		CU_ASSERT_EQUAL(s->bufs, 0);
		CU_ASSERT_EQUAL(s->tcps, 0);
		CU_ASSERT_EQUAL(s->lgr.n_conns, 0);
		CU_ASSERT_EQUAL(s->peer.users, 0);
		CU_ASSERT_EQUAL(s->peer.conns, 0);
		CU_ASSERT_EQUAL(s->ss.stats.rx.buf_usage, 0);
		CU_ASSERT_EQUAL(s->ss.stats.tx.buf_usage, 0);
		CU_ASSERT_EQUAL(s->ss.conn_table->takes->out, 0);
		CU_ASSERT_EQUAL(s->ss.gives->pool.used, 0);
		smc_conn_fini(&s->ss);
	}
	world_free();
}

void pair_begin(struct user *who, unsigned i, const struct pair_args *args)
{
	struct side *s = &world->s[i];
	struct smc_begin_args begin = { .tcp = who->tcp, .user = who };

	CU_ASSERT_PTR_NOT_NULL_FATAL(who->tcp);
	s->tcps++;
	who->c = smc_conn_new(&s->ss, i == 0 ? SMC_CLIENT : SMC_SERVER, &begin);
	CU_ASSERT_PTR_NOT_NULL_FATAL(who->c);
	who->c->rmb = ring_new(s, args->rmb[i] != 0 ? args->rmb[i] : 16384, true);
	who->c->snd = ring_new(s, args->snd[i] != 0 ? args->snd[i] : 16384, false);
	who->c->lgr = &s->lgr;
	who->c->link = &s->link;
	who->c->peer = &s->peer;
	who->c->hs = (struct smc_hs *)who;
	s->lgr.n_conns++;
	s->peer.users++;
}

static void meet(struct smc_conn *c, const struct smc_conn *peer)
{
	c->peer_token = peer->token;
	c->peer_rkey = peer->rmb->mr->rkey;
	c->peer_addr = peer->rmb->mr->addr;
	c->peer_size = peer->rmb->size;
}

void pair_ready(struct user who[2])
{
	meet(who[0].c, who[1].c);
	meet(who[1].c, who[0].c);
}

void pair_activate(struct user *who)
{
	who->c->hs = NULL;
	smc_conn_activate(who->c);
	smc_conn_unref(who->c, SMC_REF_HS);
}

void pair_open(struct user who[2], const struct pair_args *args)
{
	static const struct pair_args defaults;
	unsigned i;

	if (args == NULL)
		args = &defaults;
	for (i = 0; i < 2; i++)
		pair_begin(&who[i], i, args);
	pair_ready(who);
	for (i = 0; i < 2; i++)
		pair_activate(&who[i]);
}

/* ---- one pair ---------------------------------------------------------------------------- */

struct tcp_conn tcp[2];
struct user u[2];

void pair_world(const struct world_args *wa, const struct pair_args *pa)
{
	memset(tcp, 0, sizeof(tcp));
	memset(u, 0, sizeof(u));
	u[0].tcp = &tcp[0];
	u[1].tcp = &tcp[1];
	world_open(wa);
	pair_open(u, pa);
}

void pair_end(void)
{
	smc_close(u[0].c);
	smc_close(u[1].c);
	world_run();
	world_close();
}

uint32_t send_stream(struct user *from, uint64_t at, uint32_t len)
{
	static uint8_t buf[1 << 20];
	uint32_t i;
	ssize_t n;

	len = RTE_MIN(len, (uint32_t)sizeof(buf));
	for (i = 0; i < len; i++)
		buf[i] = stream_octet(at + i);
	n = smc_send(from->c, buf, len);
	return n > 0 ? (uint32_t)n : 0;
}

uint32_t read_stream(struct user *to, uint64_t at, uint32_t len)
{
	static uint8_t buf[1 << 20];
	uint32_t n = smc_read(to->c, buf, RTE_MIN(len, (uint32_t)sizeof(buf))), i, bad = 0;

	for (i = 0; i < n; i++)
		bad += buf[i] != stream_octet(at + i);
	CU_ASSERT_EQUAL(bad, 0);
	return n;
}

void free_chain(struct rte_mbuf *m)
{
	struct rte_mbuf *next;

	for (; m != NULL; m = next) {
		next = m->next;
		m->next = NULL;
		m->nb_segs = 1;
		rte_pktmbuf_free_seg(m);
	}
}

struct rte_mbuf *stream_chain(uint64_t at, const uint32_t *lens, unsigned n)
{
	struct rte_mbuf *head = NULL, **tail = &head;

	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(world->mp);

		if (m == NULL) {
			free_chain(head);
			return NULL;
		}
		for (uint32_t k = 0; k < lens[i]; k++)
			rte_pktmbuf_mtod(m, uint8_t *)[k] = stream_octet(at + k);
		at += lens[i];
		m->data_len = (uint16_t)lens[i];
		*tail = m;
		tail = &m->next;
	}
	return head;
}
