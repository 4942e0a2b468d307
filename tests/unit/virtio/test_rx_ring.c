/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive bursts over laps of the ring, pools that run dry, draining. */
#include "tests/unit/test.h"
#include "tests/unit/virtio/rx_lab.h"

#include <string.h>

#define BURST 32
#define SMALL (RTE_PKTMBUF_HEADROOM + 64)
#define LARGE (RTE_PKTMBUF_HEADROOM + VNIC_RX_LARGE)

/* ---- laps -------------------------------------------------------------------- */
/* A device that may choose takes its buffers in any order. */
static void shuffle(struct rx_lab *lab, uint64_t *rnd)
{
	struct rx_lab_buf b, *other;

	/* now and then, so that there are runs in order, too */
	if (lab->opts.in_order || lab->n_have < 2 || test_random(rnd) % 64 > lab->opts.size % 7)
		return;
	other = rx_lab_have(lab, (unsigned)(test_random(rnd) % lab->n_have));
	b = *rx_lab_have(lab, 0);
	*rx_lab_have(lab, 0) = *other;
	*other = b;
}

struct traffic {
	uint32_t sent, got, wrong;
	uint64_t rnd, bytes;
};

static uint32_t frame_len(const struct rx_lab *lab, uint32_t seq)
{
	/* 16 octets to what one buffer holds, or to three of them */
	uint32_t most = (lab->opts.mergeable && lab->opts.size >= 4 ? 3u : 1u) * lab->rxq.buf_len - lab->dev.hdr_len;

	return 16 + seq * 7 % (most - 15);
}

static void device_turn(struct rx_lab *lab, struct traffic *t, uint32_t total)
{
	uint64_t k = test_random(&t->rnd) % (2 * BURST);

	rx_lab_poll(lab);
	for (; k != 0 && t->sent < total; k--, t->sent++) {
		uint32_t len = frame_len(lab, t->sent);

		if (lab->n_have < (len + lab->dev.hdr_len + lab->rxq.buf_len - 1) / lab->rxq.buf_len)
			return;
		shuffle(lab, &t->rnd);
		rx_lab_frame(lab, len, t->sent);
		t->bytes += len;
	}
}

static void driver_turn(struct rx_lab *lab, struct traffic *t)
{
	struct rte_mbuf *pkts[2 * BURST];
	uint16_t n = lab->burst(&lab->rxq, pkts, (uint16_t)(1 + test_random(&t->rnd) % (2 * BURST))), i;

	for (i = 0; i < n; i++, t->got++) {
		struct rte_mbuf *m = pkts[i];

		t->wrong += !rx_lab_is_frame(m, frame_len(lab, t->got), t->got) ||
			    m->data_off != VNIC_RX_DATA_OFF || m->port != 3 ||
			    m->ol_flags != (lab->opts.pinned ? RTE_MBUF_F_EXTERNAL : 0) || m->packet_type != 0 || m->vlan_tci != 0 ||
			    rte_mbuf_refcnt_read(m) != 1;
		/* what an application leaves behind */
		m->ol_flags |= RTE_MBUF_F_RX_LRO | RTE_MBUF_F_RX_VLAN;
		m->packet_type = m->vlan_tci = m->port = 0x5555;
		m->data_off = 0;
		rte_pktmbuf_free(m);
	}
}

static void run(const struct rx_lab_opts *opts, uint32_t total)
{
	struct traffic t = { .rnd = opts->size };
	struct rx_lab lab;
	uint32_t turns;

	CU_ASSERT_EQUAL_FATAL(rx_lab_open(&lab, opts), 0);
	for (turns = 0; t.got < total && turns < 4 * total + 100; turns++) {
		device_turn(&lab, &t, total);
		driver_turn(&lab, &t);
	}
	CU_ASSERT_EQUAL(t.got, total);
	CU_ASSERT_EQUAL(t.wrong, 0);
	CU_ASSERT_EQUAL(lab.rxq.packets, total);
	CU_ASSERT_EQUAL(lab.rxq.bytes, t.bytes);
	CU_ASSERT_EQUAL(lab.rxq.errors, 0);
	CU_ASSERT_EQUAL(lab.rxq.vq.fault, VNIC_FAULT_NONE);
	CU_ASSERT_TRUE(lab.kicks == lab.rxq.vq.doorbells && lab.kicks != 0);
	rx_lab_close(&lab);
}

/* Every variant: bit 0 in order, bit 1 mergeable, bit 2 offloads, bit 3 pinned external
 * buffers, above them vectors, where there are such. */
static void run_variants(uint16_t size, bool packed, uint32_t total)
{
	unsigned v;

	for (v = 0; v < 48; v++) {
		struct rx_lab_opts o = { .size = size, .packed = packed, .in_order = v & 1, .mergeable = v & 2,
					 .csum = v & 4, .hash = v & 4, .pinned = v & 8,
					 .vectorized = (uint8_t)(v >> 4) };

		if (!(o.vectorized && o.csum && o.pinned)) /* nothing new, and time */
			run(&o, total);
	}
}

static void laps__split_2(void)
{
	run_variants(2, false, 3000);
}

/* The free-running index passes 65536 twice. */
static void laps__split_256(void)
{
	struct rx_lab_opts o = { .size = 256, .room = SMALL };

	run_variants(256, false, 5001);
	run(&o, 140001);
	o.vectorized = 2;
	run(&o, 140001);
	o.in_order = true;
	run(&o, 140001);
}

static void laps__split_32768(void)
{
	struct rx_lab_opts o = { .size = 32768, .room = SMALL };

	run(&o, 100003);
	o.mergeable = true;
	run(&o, 50003);
}

static void laps__packed_2(void)
{
	run_variants(2, true, 3000);
}

static void laps__packed_256(void)
{
	run_variants(256, true, 5001);
}

/* Not a power of two, not a multiple of a cache line. */
static void laps__packed_257(void)
{
	run_variants(257, true, 5001);
}

static void laps__packed_1(void)
{
	struct rx_lab_opts o = { .size = 1, .packed = true };

	run(&o, 50);
}

static void laps__packed_32768(void)
{
	struct rx_lab_opts o = { .size = 32768, .packed = true, .room = SMALL };

	run(&o, 100003);
	o.vectorized = 2;
	run(&o, 100003);
	o.in_order = true;
	run(&o, 100003);
}

/* ---- doorbells and gate ----------------------------------------------------------- */
static void burst__one_doorbell(void)
{
	struct rx_lab_opts o = { .size = 256 };
	struct rte_mbuf *pkts[64];
	struct rx_lab lab;
	unsigned i;

	CU_ASSERT_EQUAL_FATAL(rx_lab_open(&lab, &o), 0);
	CU_ASSERT_EQUAL(lab.kicks, 1); /* 256 buffers, one doorbell */
	for (i = 0; i < 64; i++)
		rx_lab_frame(&lab, 60, i);
	CU_ASSERT_EQUAL(lab.burst(&lab.rxq, pkts, 64), 64);
	CU_ASSERT_EQUAL(lab.kicks, 2);
	CU_ASSERT_EQUAL(lab.rxq.vq.free_count, 0);
	lab.rxq.vq.split.used->flags = VRING_USED_F_NO_NOTIFY;
	for (i = 0; i < 64; i++)
		rte_pktmbuf_free(pkts[i]);
	for (i = 0; i < 64; i++)
		rx_lab_frame(&lab, 60, i);
	CU_ASSERT_EQUAL(lab.burst(&lab.rxq, pkts, 64), 64);
	CU_ASSERT_EQUAL(lab.kicks, 2);
	for (i = 0; i < 64; i++)
		rte_pktmbuf_free(pkts[i]);
	rx_lab_close(&lab);
}

static void burst__gate_closed(void)
{
	struct rx_lab_opts o = { .size = 16 };
	struct rx_lab lab;
	struct rte_mbuf *m;

	CU_ASSERT_EQUAL_FATAL(rx_lab_open(&lab, &o), 0);
	rx_lab_frame(&lab, 60, 1);
	CU_ASSERT_EQUAL(vnic_vq_close(&lab.rxq.vq, 100), 0);
	CU_ASSERT_PTR_NULL(rx_lab_recv(&lab));
	vnic_vq_open(&lab.rxq.vq);
	m = rx_lab_recv(&lab);
	CU_ASSERT_PTR_NOT_NULL(m);
	rte_pktmbuf_free(m);
	rx_lab_close(&lab);
}

static void burst__counts_casts(void)
{
	static const uint8_t dst[][6] = { { 2 }, { 1, 0, 0x5e }, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, { 0x33, 0x33 } };
	struct rx_lab_opts o = { .size = 16 };
	struct rx_lab lab;
	unsigned i;

	CU_ASSERT_EQUAL_FATAL(rx_lab_open(&lab, &o), 0);
	for (i = 0; i < RTE_DIM(dst); i++) {
		uint8_t frame[60] = { 0 };

		memcpy(frame, dst[i], 6);
		rx_lab_send(&lab, rx_lab_hdr(1), frame, sizeof(frame), 1, NULL);
		rte_pktmbuf_free(rx_lab_recv(&lab));
	}
	CU_ASSERT_EQUAL(lab.rxq.packets, 4);
	CU_ASSERT_EQUAL(lab.rxq.multicast, 2);
	CU_ASSERT_EQUAL(lab.rxq.broadcast, 1);
	rx_lab_close(&lab);
}

/* ---- pools ------------------------------------------------------------------------- */
/* Take all of the pool's buffers, or all but n. */
static unsigned hog(struct rte_mempool *mp, struct rte_mbuf **out, unsigned leave)
{
	unsigned n = rte_mempool_avail_count(mp) - leave, i;

	for (i = 0; i < n; i++)
		out[i] = rte_pktmbuf_alloc(mp);
	return n;
}

/* 61: nothing but polling brings an emptied queue back. */
static void pool__dry_and_back(void)
{
	static const struct rx_lab_opts opts[] = {
		{ .size = 16 }, { .size = 16, .in_order = true }, { .size = 16, .packed = true },
		{ .size = 16, .packed = true, .in_order = true },
		{ .size = 16, .vectorized = 1 }, { .size = 16, .packed = true, .vectorized = 1 },
		{ .size = 16, .packed = true, .vectorized = 2 },
	};
	struct rte_mbuf *held[128], *m;
	unsigned v, i, n;
	struct rx_lab lab;

	for (v = 0; v < RTE_DIM(opts); v++) {
		CU_ASSERT_EQUAL_FATAL(rx_lab_open(&lab, &opts[v]), 0);
		n = hog(lab.mp, held, 0);
		for (i = 0; i < 16; i++)
			rx_lab_frame(&lab, 60, i);
		for (i = 0; i < 16; i++) {
			held[n] = rx_lab_recv(&lab);
			CU_ASSERT_PTR_NOT_NULL_FATAL(held[n++]);
		}
		CU_ASSERT_EQUAL(lab.rxq.vq.free_count, 16);
		CU_ASSERT_PTR_NULL(rx_lab_recv(&lab));
		CU_ASSERT_TRUE(lab.rxq.nombuf != 0);
		CU_ASSERT_EQUAL(rx_lab_poll(&lab), 0);
		/* three buffers come back: fewer than are wanted, and all are offered */
		for (i = 0; i < 3; i++)
			rte_pktmbuf_free(held[--n]);
		CU_ASSERT_PTR_NULL(rx_lab_recv(&lab));
		CU_ASSERT_PTR_NULL(rx_lab_recv(&lab));
		CU_ASSERT_EQUAL(rx_lab_poll(&lab), 3);
		rx_lab_frame(&lab, 60, 77);
		m = rx_lab_recv(&lab);
		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		CU_ASSERT_TRUE(rx_lab_is_frame(m, 60, 77));
		rte_pktmbuf_free(m);
		while (n != 0)
			rte_pktmbuf_free(held[--n]);
		CU_ASSERT_PTR_NULL(rx_lab_recv(&lab));
		CU_ASSERT_EQUAL(lab.rxq.vq.free_count, 0);
		rx_lab_close(&lab);
	}
}

static void fill__pool_without_any(void)
{
	struct rx_lab_opts o = { .size = 16, .mbufs = 1 };
	struct rx_lab lab;
	struct rte_mbuf *m;

	CU_ASSERT_EQUAL_FATAL(rx_lab_open(&lab, &o), 0); /* one will do */
	vnic_rx_drain(&lab.rxq, NULL, 0);
	vnic_vq_rewind(&lab.rxq.vq);
	m = rte_pktmbuf_alloc(lab.mp);
	CU_ASSERT_EQUAL(vnic_rx_fill(&lab.rxq), -ENOMEM);
	CU_ASSERT_EQUAL(lab.rxq.nombuf, 2);
	rte_pktmbuf_free(m);
	rx_lab_close(&lab);
}

/* ---- draining ------------------------------------------------------------------------ */
static void drain__harvests(void)
{
	static const struct rx_lab_opts opts[] = {
		{ .size = 64 }, { .size = 64, .in_order = true }, { .size = 64, .packed = true },
		{ .size = 64, .packed = true, .in_order = true }, { .size = 64, .mergeable = true },
		{ .size = 64, .vectorized = 1 }, { .size = 64, .packed = true, .vectorized = 1 },
		{ .size = 64, .packed = true, .vectorized = 2 },
	};
	struct rte_mbuf *pkts[16];
	struct rx_lab lab;
	unsigned v, i;
	uint16_t n;

	for (v = 0; v < RTE_DIM(opts); v++) {
		CU_ASSERT_EQUAL_FATAL(rx_lab_open(&lab, &opts[v]), 0);
		for (i = 0; i < 20; i++)
			rx_lab_frame(&lab, 60, i);
		n = vnic_rx_drain(&lab.rxq, pkts, 16);
		CU_ASSERT_EQUAL(n, 16);
		CU_ASSERT_EQUAL(lab.rxq.packets, 16);
		CU_ASSERT_EQUAL(rte_mempool_avail_count(lab.mp), lab.mp->size - 16);
		for (i = 0; i < n; i++) {
			CU_ASSERT_TRUE(rx_lab_is_frame(pkts[i], 60, i));
			rte_pktmbuf_free(pkts[i]);
		}
		/* and begins anew */
		vnic_vq_rewind(&lab.rxq.vq);
		CU_ASSERT_EQUAL(vnic_rx_fill(&lab.rxq), 0);
		CU_ASSERT_EQUAL(lab.rxq.vq.free_count, 0);
		rx_lab_close(&lab);
	}
}

/* ---- set-up ---------------------------------------------------------------------------- */
static void setup__sizes(void)
{
	static const struct {
		uint16_t room, hdr_len;
		bool mergeable;
		uint32_t frame_max;
		bool ok;
	} t[] = {
		{ RTE_PKTMBUF_HEADROOM + 2048, 12, false, 1514, true },
		{ RTE_PKTMBUF_HEADROOM + 1514, 12, false, 1514, true },
		{ RTE_PKTMBUF_HEADROOM + 1513, 12, false, 1514, false },
		{ RTE_PKTMBUF_HEADROOM + 2048, 20, false, 65550, false },
		{ 65535, 12, false, VIRTIO_NET_MAX_GSO, false },
		{ RTE_PKTMBUF_HEADROOM + 64, 12, true, 65550, true },
		{ RTE_PKTMBUF_HEADROOM + 63, 12, true, 65550, false },
		{ RTE_PKTMBUF_HEADROOM, 12, false, 0, false },
		{ 0, 12, true, 0, false },
	};
	unsigned i;

	test_eal_init();
	for (i = 0; i < RTE_DIM(t); i++) {
		struct rte_mempool *mp = rte_pktmbuf_pool_create("sizes", 1, 0, 0, t[i].room, SOCKET_ID_ANY);

		CU_ASSERT_PTR_NOT_NULL_FATAL(mp);
		CU_ASSERT_EQUAL(vnic_rx_buffer_ok(mp, t[i].hdr_len, t[i].mergeable, t[i].frame_max), t[i].ok);
		rte_mempool_free(mp);
	}
}

static void select__names_differ(void)
{
	struct vnic_dev d[2] = { { .args.vectorized = false }, { .args.vectorized = true } };
	const char *names[32];
	unsigned v, w;

	for (v = 0; v < 32; v++) {
		struct vnic_rxq q = { .vq = { .is_packed = v & 1, .in_order = v & 2, .dev = &d[v >> 4] }, .mergeable = v & 4,
				      .csum = v & 8 };

		names[v] = vnic_rx_burst_name(vnic_rx_select(&q));
		for (w = 0; w < v; w++)
			CU_ASSERT_STRING_NOT_EQUAL(names[v], names[w]);
	}
	CU_ASSERT_STRING_EQUAL(names[4], "split_mergeable");
	CU_ASSERT_STRING_EQUAL(vnic_rx_burst_name(NULL), "none");
}

/* Large buffers come before the next burst, when those of the last one have been freed. */
static void refill__late_with_large_buffers(void)
{
	static const struct {
		uint16_t room;
		bool packed;
		uint8_t vectorized;
		unsigned behind; /* buffers that the device has behind a burst of 40 */
	} rows[] = {
		{ SMALL, false, 0, 64 }, { SMALL, true, 2, 64 },
		{ LARGE, false, 0, 24 }, { LARGE, true, 0, 24 }, { LARGE, true, 1, 24 }, { LARGE, true, 2, 24 },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct rx_lab_opts o = { .size = 64, .packed = rows[i].packed, .in_order = true, .mergeable = true,
					 .vectorized = rows[i].vectorized, .room = rows[i].room, .mbufs = 128 };
		struct rte_mbuf *pkts[64];
		struct rx_lab lab;

		CU_ASSERT_EQUAL_FATAL(rx_lab_open(&lab, &o), 0);
		CU_ASSERT_EQUAL(rx_lab_poll(&lab), 64);
		for (unsigned n = 0; n < 40; n++)
			rx_lab_frame(&lab, 60, n);
		CU_ASSERT_EQUAL_FATAL(lab.burst(&lab.rxq, pkts, 64), 40);
		rte_pktmbuf_free_bulk(pkts, 40);
		CU_ASSERT_EQUAL(rx_lab_poll(&lab), rows[i].behind);
		for (unsigned n = 0; n < 4; n++)
			rx_lab_frame(&lab, 60, n);
		CU_ASSERT_EQUAL_FATAL(lab.burst(&lab.rxq, pkts, 64), 4);
		CU_ASSERT_EQUAL(rx_lab_poll(&lab), 60);
		rte_pktmbuf_free_bulk(pkts, 4);
		CU_ASSERT_EQUAL(lab.burst(&lab.rxq, pkts, 64), 0);
		CU_ASSERT_EQUAL(rx_lab_poll(&lab), 64); /* an idle poll takes what it can */
		rx_lab_close(&lab);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(laps__split_2),
	TEST_CASE(laps__split_256),
	TEST_CASE(laps__split_32768),
	TEST_CASE(laps__packed_1),
	TEST_CASE(laps__packed_2),
	TEST_CASE(laps__packed_256),
	TEST_CASE(laps__packed_257),
	TEST_CASE(laps__packed_32768),
	TEST_CASE(burst__one_doorbell),
	TEST_CASE(burst__gate_closed),
	TEST_CASE(burst__counts_casts),
	TEST_CASE(pool__dry_and_back),
	TEST_CASE(fill__pool_without_any),
	TEST_CASE(refill__late_with_large_buffers),
	TEST_CASE(drain__harvests),
	TEST_CASE(setup__sizes),
	TEST_CASE(select__names_differ),
};
TEST_MAIN("virtio_rx_ring", cases)
