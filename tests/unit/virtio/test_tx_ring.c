/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets through transmit rings of all kinds and sizes: every one, in order, unchanged. */
#include "tests/unit/test.h"
#include "tests/unit/virtio/tx_lab.h"

static const uint16_t sizes[] = { 2, 256, 257, 32768 };

/* Options by number: 8 for each size a ring of the kind can have. */
static bool opts_of(unsigned i, struct tx_lab_opts *o)
{
	*o = (struct tx_lab_opts){
		.packed = i & 1, .in_order = i & 2, .indirect = i & 4, .size = sizes[i / 8],
		.thresh = sizes[i / 8] / 4,
	};
	return o->packed || (o->size & (o->size - 1)) == 0;
}

#define OPTS_COUNT (8 * RTE_DIM(sizes))

struct traffic {
	struct tx_lab *lab;
	uint32_t sent, taken;
	uint64_t rnd;
};

/* One to five segments, the length known from the seed. */
static struct rte_mbuf *next_packet(struct traffic *t, uint32_t seed)
{
	uint64_t state = seed, r = test_random(&state);
	unsigned segs = r % 4 == 0 && t->lab->opts.size > 5 ? 1 + (r >> 8) % 5 : 1;
	uint16_t lens[6] = { 0 };

	for (unsigned i = 0; i < segs; i++)
		lens[i] = (uint16_t)(1 + (r >> (16 + 8 * i)) % 40);
	return tx_lab_frame(t->lab, seed, lens);
}

static uint32_t packet_len(const struct traffic *t, uint32_t seed)
{
	uint64_t state = seed, r = test_random(&state);
	unsigned segs = r % 4 == 0 && t->lab->opts.size > 5 ? 1 + (r >> 8) % 5 : 1;
	uint32_t len = 0;

	for (unsigned i = 0; i < segs; i++)
		len += (uint32_t)(1 + (r >> (16 + 8 * i)) % 40);
	return len;
}

static void send_some(struct traffic *t)
{
	struct rte_mbuf *pkts[32];
	uint16_t n = (uint16_t)(1 + test_random(&t->rnd) % RTE_MIN(32u, t->lab->opts.size + 1u)), sent;

	for (unsigned i = 0; i < n; i++)
		pkts[i] = next_packet(t, t->sent + i);
	sent = t->lab->burst(&t->lab->txq, pkts, n);
	for (unsigned i = sent; i < n; i++)
		rte_pktmbuf_free(pkts[i]);
	t->sent += sent;
}

static void take_some(struct traffic *t)
{
	unsigned n = (unsigned)(test_random(&t->rnd) % 40);

	while (n-- > 0 && tx_lab_take(t->lab)) {
		if (!tx_lab_is_frame(t->lab, packet_len(t, t->taken), t->taken))
			CU_FAIL_FATAL("not the packet that was sent");
		t->taken++;
	}
	if (t->lab->n_held > 0 && !t->lab->opts.in_order && test_random(&t->rnd) % 4 == 0)
		tx_lab_use_at(t->lab, (unsigned)(test_random(&t->rnd) % t->lab->n_held));
	tx_lab_use(t->lab, (unsigned)(test_random(&t->rnd) % (t->lab->n_held + 1)));
}

static void run(const struct tx_lab_opts *o, uint32_t packets)
{
	static struct tx_lab lab;
	struct traffic t = { .lab = &lab, .rnd = 42 };

	tx_lab_open(&lab, o);
	for (unsigned turns = 0; t.taken < packets && turns < packets * 20; turns++) {
		send_some(&t);
		take_some(&t);
	}
	CU_ASSERT(t.taken >= packets);
	CU_ASSERT_EQUAL(lab.txq.vq.fault, VNIC_FAULT_NONE);
	CU_ASSERT_EQUAL(lab.txq.packets, t.sent);
	CU_ASSERT_EQUAL(lab.txq.errors, 0);
	/* Everything back: nothing is in flight, and a whole ring fits again. */
	while (tx_lab_take(&lab))
		t.taken++;
	tx_lab_use(&lab, lab.n_held);
	vnic_tx_cleanup(&lab.txq, 0);
	CU_ASSERT_EQUAL(t.taken, t.sent);
	CU_ASSERT_EQUAL(lab.txq.done, lab.txq.posted);
	CU_ASSERT_EQUAL(lab.txq.done_bytes, lab.txq.posted_bytes);
	CU_ASSERT_EQUAL(lab.txq.vq.free_count, o->size);
	tx_lab_close(&lab);
	CU_ASSERT_EQUAL(lab.txq.reset_lost, 0);
}

/*
 * A chain longer than what is free, while enough is done but no reason to look for it has come:
 * the burst looks, and sends it. When nothing is done it does not fit.
 */
static void tx_ring__chain_longer_than_free(void)
{
	static struct tx_lab lab;
	const uint16_t chain[] = { 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 0 };

	for (unsigned i = 0; i < 4; i++) {
		struct tx_lab_opts o = { .packed = i & 1, .in_order = i & 2, .size = 64, .thresh = 1 };
		struct rte_mbuf *m;

		tx_lab_open(&lab, &o);
		lab.txq.reclaim_ticks = UINT64_MAX; /* time is no reason */
		for (uint32_t seed = 0; seed < 60; seed++)
			CU_ASSERT_EQUAL(tx_lab_send(&lab, tx_lab_frame1(&lab, seed, 60)), 1);
		m = tx_lab_frame(&lab, 100, chain);
		CU_ASSERT_EQUAL(lab.burst(&lab.txq, &m, 1), 0);
		CU_ASSERT_EQUAL(lab.txq.full, 1);
		for (uint32_t seed = 0; seed < 60; seed++)
			CU_ASSERT(tx_lab_take(&lab) && tx_lab_is_frame(&lab, 60, seed));
		tx_lab_use(&lab, 20);
		CU_ASSERT_EQUAL(lab.burst(&lab.txq, &m, 1), 1);
		CU_ASSERT_EQUAL(lab.txq.full, 1);
		CU_ASSERT(tx_lab_take(&lab) && tx_lab_is_frame(&lab, 12 * 40, 100));
		tx_lab_use(&lab, 41);
		tx_lab_close(&lab);
	}
}

/* Several laps of each ring, random bursts, used in random numbers. */
static void tx_ring__laps(void)
{
	struct tx_lab_opts o;

	for (unsigned i = 0; i < OPTS_COUNT; i++)
		if (opts_of(i, &o))
			run(&o, o.size > 1000 ? o.size + 5000 : 3000);
}

/* The index of a split ring wraps at 65,536, whatever the size; packets not a multiple. */
static void tx_ring__index_wraps(void)
{
	run(&(struct tx_lab_opts){ .size = 2, .indirect = true }, 66000);
	run(&(struct tx_lab_opts){ .size = 256, .in_order = true }, 66001);
	run(&(struct tx_lab_opts){ .size = 256 }, 66003);
}

/* Headers of 20 octets, buffers of an arena. */
static void tx_ring__other_buffers(void)
{
	for (unsigned i = 0; i < 8; i++)
		run(&(struct tx_lab_opts){ .size = 64, .packed = i & 1, .in_order = i & 2, .hash = true,
					   .pinned = i & 4, .indirect = true }, 1000);
}

/* A whole burst that fills the ring exactly, three laps, and one packet too many. */
static void tx_ring__exactly_full(void)
{
	static struct tx_lab lab;
	struct tx_lab_opts o;

	for (unsigned k = 0; k < 4; k++) {
		o = (struct tx_lab_opts){ .size = 16, .packed = k & 1, .in_order = k & 2 };
		tx_lab_open(&lab, &o);
		for (unsigned lap = 0; lap < 3; lap++) {
			struct rte_mbuf *pkts[17];

			for (unsigned i = 0; i < 17; i++)
				pkts[i] = tx_lab_frame1(&lab, i, 60);
			CU_ASSERT_EQUAL(lab.burst(&lab.txq, pkts, 17), 16);
			CU_ASSERT_EQUAL(lab.txq.full, lap + 1);
			rte_pktmbuf_free(pkts[16]);
			for (unsigned i = 0; i < 16; i++) {
				CU_ASSERT(tx_lab_take(&lab));
				CU_ASSERT(tx_lab_is_frame(&lab, 60, i));
			}
			CU_ASSERT_FALSE(tx_lab_take(&lab));
			tx_lab_use(&lab, 16);
		}
		tx_lab_close(&lab);
	}
}

/* A chain that the free descriptors are not enough for stays with the caller; one more
 * descriptor, and it goes. */
static void tx_ring__chain_waits(void)
{
	static const uint16_t lens[] = { 20, 20, 20, 20, 0 };
	static struct tx_lab lab;
	struct rte_mbuf *m;

	for (unsigned k = 0; k < 4; k++) {
		tx_lab_open(&lab, &(struct tx_lab_opts){ .size = 8, .packed = k & 1, .in_order = k & 2 });
		for (unsigned i = 0; i < 5; i++)
			CU_ASSERT_EQUAL(tx_lab_send(&lab, tx_lab_frame1(&lab, i, 60)), 1);
		m = tx_lab_frame(&lab, 9, lens);
		CU_ASSERT_EQUAL(lab.burst(&lab.txq, &m, 1), 0);
		CU_ASSERT_EQUAL(lab.txq.vq.free_count, 3);
		CU_ASSERT(tx_lab_take(&lab));
		tx_lab_use(&lab, 1);
		vnic_tx_cleanup(&lab.txq, 0);
		CU_ASSERT_EQUAL(lab.burst(&lab.txq, &m, 1), 1);
		for (unsigned i = 1; i < 5; i++)
			CU_ASSERT(tx_lab_take(&lab) && tx_lab_is_frame(&lab, 60, i));
		CU_ASSERT(tx_lab_take(&lab) && tx_lab_is_frame(&lab, 80, 9));
		CU_ASSERT_EQUAL(lab.txq.chained, 1);
		tx_lab_close(&lab);
		CU_ASSERT_EQUAL(lab.txq.reset_lost, 5);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(tx_ring__chain_longer_than_free),
	TEST_CASE(tx_ring__laps),
	TEST_CASE(tx_ring__index_wraps),
	TEST_CASE(tx_ring__other_buffers),
	TEST_CASE(tx_ring__exactly_full),
	TEST_CASE(tx_ring__chain_waits),
};

TEST_MAIN("virtio_tx_ring", cases)
