/* SPDX-License-Identifier: BSD-3-Clause */
/* What leaves net_tx_finish() against checksums of the test's own arithmetic. */
#include <errno.h>

#include "pmd/base/arena.h"
#include "proto/net/offload.h"
#include "tests/unit/net/fixture.h"

#define MAX_LEN 66000

static uint64_t seed = 42;
static uint8_t payload[MAX_LEN];

static unsigned below(unsigned n) { return test_random(&seed) % n; }

struct shape {
	unsigned l2, opts, len, unit;  /* unit 0: not to be cut */
	unsigned piece_max;            /* payload in segments of 1..piece_max octets; 0: behind the header */
	uint8_t flags;
	bool ip_cksum;
};

/* As TCP hands it down: headers in an mbuf, payload in others. */
static struct rte_mbuf *make(const struct shape *s)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(fix_hdr_pool), *last = m;
	uint8_t h[127 + 20 + 60] = { 0 };
	unsigned l4 = 20 + s->opts;
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(h + s->l2);
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(ip + 1);

	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->total_length = rte_cpu_to_be_16(20 + l4 + s->len);
	ip->packet_id = RTE_BE16(77);
	ip->fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG);
	ip->time_to_live = 64;
	ip->next_proto_id = IPPROTO_TCP;
	ip->src_addr = US;
	ip->dst_addr = PEER;
	tcp->src_port = RTE_BE16(80);
	tcp->dst_port = RTE_BE16(40000);
	tcp->sent_seq = RTE_BE32(0xfffff000);
	tcp->data_off = l4 / 4 << 4;
	tcp->tcp_flags = s->flags;
	memset(tcp + 1, 1, s->opts);
	m->l2_len = s->l2;
	m->l3_len = 20;
	m->l4_len = l4;
	m->vlan_tci = 0x123;
	m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM | (s->ip_cksum ? RTE_MBUF_F_TX_IP_CKSUM : 0);
	if (s->unit != 0) {
		m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
		m->tso_segsz = s->unit;
	}
	tcp->cksum = rte_ipv4_phdr_cksum(ip, m->ol_flags);
	if (!s->ip_cksum)
		ip->hdr_checksum = rte_ipv4_cksum(ip);
	memcpy(rte_pktmbuf_append(m, s->l2 + 20 + l4), h, s->l2 + 20 + l4);
	for (unsigned done = 0; done < s->len; ) {
		unsigned part = s->piece_max == 0 ? s->len : RTE_MIN(1 + below(s->piece_max), s->len - done);

		if (s->piece_max != 0) {
			last->next = rte_pktmbuf_alloc(fix_hdr_pool);
			last = last->next;
			CU_ASSERT_FATAL(last != NULL);
			m->nb_segs++;
		}
		memcpy(rte_pktmbuf_mtod_offset(last, uint8_t *, last->data_len), payload + done, part);
		last->data_len += part;
		m->pkt_len += part;
		done += part;
	}
	return m;
}

/* Each frame whole and right, together the payload. */
static void check(const struct shape *s, struct rte_mbuf **out, int n, uint32_t offloads)
{
	static uint8_t b[MAX_LEN];
	unsigned done = 0, l4 = 20 + s->opts;

	for (int i = 0; i < n; i++) {
		unsigned len = fix_flat(out[i], b, sizeof(b)), part = len - s->l2 - 20 - l4;
		uint8_t *ip = b + s->l2, *tcp = ip + 20;
		uint8_t want = i == n - 1 ? s->flags : s->flags & ~(RTE_TCP_PSH_FLAG | RTE_TCP_FIN_FLAG);

		CU_ASSERT(len - s->l2 == (unsigned)(ip[2] << 8 | ip[3]));
		CU_ASSERT(s->unit == 0 || part == RTE_MIN(s->unit, s->len - done));
		CU_ASSERT(memcmp(tcp + l4, payload + done, part) == 0);
		CU_ASSERT(((uint32_t)tcp[4] << 24 | tcp[5] << 16 | tcp[6] << 8 | tcp[7]) == 0xfffff000u + done);
		CU_ASSERT(tcp[13] == want);
		CU_ASSERT((offloads & NET_TX_MULTI_SEG) != 0 || out[i]->nb_segs == 1);
		CU_ASSERT((out[i]->ol_flags & RTE_MBUF_F_TX_TCP_SEG) == 0);
		CU_ASSERT(out[i]->l2_len == s->l2 && out[i]->l3_len == 20 && out[i]->l4_len == l4);
		if ((offloads & NET_TX_IP_CKSUM) == 0 || !s->ip_cksum)
			CU_ASSERT(ref_ip_ok(ip));
		if ((offloads & NET_TX_TCP_CKSUM) == 0) {
			CU_ASSERT(ref_l4_ok(ip));
			CU_ASSERT((out[i]->ol_flags & RTE_MBUF_F_TX_L4_MASK) == 0);
		} else {
			CU_ASSERT((out[i]->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM);
			/* The device adds header and payload to what is there. */
			uint16_t sum = ref_sum(tcp, len - s->l2 - 20, 0);

			tcp[16] = (uint16_t)~sum >> 8;
			tcp[17] = (uint16_t)~sum & 0xff;
			CU_ASSERT(ref_l4_ok(ip));
		}
		done += part;
		rte_pktmbuf_free(out[i]);
	}
	CU_ASSERT(done == s->len);
}

static void run(const struct shape *s, uint32_t offloads)
{
	struct rte_mbuf *out[NET_GSO_MAX_FRAMES];
	int want = s->unit == 0 || s->len == 0 ? 1 : (int)((s->len + s->unit - 1) / s->unit);
	int n = net_tx_finish(make(s), offloads, fix_hdr_pool, fix_ind_pool, out, RTE_DIM(out));

	CU_ASSERT_FATAL(n == want);
	check(s, out, n, offloads);
	CU_ASSERT(rte_mempool_in_use_count(fix_hdr_pool) == 0);
	CU_ASSERT(rte_mempool_in_use_count(fix_ind_pool) == 0);
}

static struct fix f;

static void start(void)
{
	fix_init(&f, NULL);
	for (unsigned i = 0; i < MAX_LEN; i++)
		payload[i] = (uint8_t)test_random(&seed);
}

static void net_tx_finish__random_shapes(void)
{
	static const uint32_t offloads[] = {
		NET_TX_MULTI_SEG, 0, NET_TX_MULTI_SEG | NET_TX_IP_CKSUM, NET_TX_MULTI_SEG | NET_TX_TCP_CKSUM,
		NET_TX_MULTI_SEG | NET_TX_IP_CKSUM | NET_TX_TCP_CKSUM, NET_TX_IP_CKSUM | NET_TX_TCP_CKSUM,
	};

	start();
	for (unsigned i = 0; i < 1200; i++) {
		bool chains = (offloads[i % RTE_DIM(offloads)] & NET_TX_MULTI_SEG) != 0;
		struct shape s = {
			.l2 = below(2) ? 14 : 18, .opts = below(11) * 4, .piece_max = 1 + below(1900),
			.flags = 0x10 | below(2) * RTE_TCP_PSH_FLAG | below(2) * RTE_TCP_FIN_FLAG, .ip_cksum = below(2),
		};

		if (below(3) != 0) {
			/* one in four has no room behind the headers: attached */
			s.unit = below(4) != 0 || !chains ? 536 + below(1000) : 2200 + below(6800);
			s.len = 1 + below(RTE_MIN(60000u, s.unit * 100));
			s.piece_max += 100; /* the pool holds the whole */
		} else {
			s.len = below(1400);
		}
		run(&s, offloads[i % RTE_DIM(offloads)]);
	}
	fix_fini(&f);
}

static void net_tx_finish__payload_behind_the_header(void)
{
	start();
	for (unsigned len = 0; len < 1460; len += 7) {
		const struct shape s = { .l2 = 14, .len = len, .flags = 0x18, .ip_cksum = true };

		run(&s, 0);
	}
	fix_fini(&f);
}

static void net_tx_finish__multiples_of_the_unit(void)
{
	start();
	for (unsigned k = 0; k <= 3; k++) {
		for (int d = -1; d <= 1; d++) {
			const struct shape s = { .l2 = 14, .len = k * 1448 + d, .unit = 1448, .piece_max = 1000,
						 .opts = 12, .flags = 0x19, .ip_cksum = true };

			if ((int)s.len > 0)
				run(&s, NET_TX_MULTI_SEG);
		}
	}
	fix_fini(&f);
}

/* Headers of every length, up to what no pattern of them holds, before payload of one octet and more. */
static void net_tx_finish__headers_long_and_short(void)
{
	static const uint32_t offloads[] = { NET_TX_MULTI_SEG, NET_TX_MULTI_SEG | NET_TX_TCP_CKSUM,
					     NET_TX_MULTI_SEG | NET_TX_IP_CKSUM | NET_TX_TCP_CKSUM };

	start();
	for (unsigned l2 = 14; l2 <= 126; l2 += 4) {
		for (unsigned opts = 0; opts <= 40; opts += 4) {
			const struct shape s = { .l2 = l2, .opts = opts, .len = 2 * 1380 + 1 + opts % 3, .unit = 1380,
						 .piece_max = 1999, .flags = 0x19, .ip_cksum = l2 % 8 != 0 };

			run(&s, offloads[opts / 4 % RTE_DIM(offloads)]);
		}
	}
	fix_fini(&f);
}

static void net_tx_finish__leaves_cutting_to_the_device(void)
{
	const struct shape s = { .l2 = 14, .len = 5000, .unit = 1448, .piece_max = 1000, .flags = 0x18, .ip_cksum = true };
	struct rte_mbuf *m, *out[2];

	start();
	m = make(&s);
	CU_ASSERT(net_tx_finish(m, NET_TX_TSO | NET_TX_IP_CKSUM | NET_TX_TCP_CKSUM | NET_TX_MULTI_SEG, fix_hdr_pool,
				fix_ind_pool, out, 2) == 1);
	CU_ASSERT(out[0] == m && (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0);
	rte_pktmbuf_free(m);
	fix_fini(&f);
}

static void net_tx_finish__refuses(void)
{
	static const struct { unsigned unit, max, l2_add; int rc; } t[] = {
		{ 0, 0, 0, -EINVAL },       /* no room at all */
		{ 1448, 2, 0, -EINVAL },    /* not room enough */
		{ 1448, 128, 100, -EINVAL },/* headers not contiguous */
		{ 65535, 128, 0, -EINVAL }, /* longer than a frame can be */
	};

	start();
	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		const struct shape s = { .l2 = 14, .len = 5000, .unit = t[i].unit, .piece_max = 1000, .flags = 0x18 };
		struct rte_mbuf *out[NET_GSO_MAX_FRAMES], *m = make(&s);
		uint64_t flags = m->ol_flags;

		m->l2_len += t[i].l2_add;
		CU_ASSERT(net_tx_finish(m, NET_TX_MULTI_SEG, fix_hdr_pool, fix_ind_pool, out, t[i].max) == t[i].rc);
		CU_ASSERT(m->ol_flags == flags && rte_mbuf_refcnt_read(m) == 1);
		rte_pktmbuf_free(m);
	}
	fix_fini(&f);
}

/* Pieces attached need the one pool, pieces copied the other. */
static void pool_dry(uint32_t unit, uint32_t offloads, struct rte_mempool *dry)
{
	static struct rte_mbuf *hold[16384];
	const struct shape s = { .l2 = 14, .len = 50000, .unit = unit, .piece_max = 1500, .flags = 0x18 };
	struct rte_mbuf *out[NET_GSO_MAX_FRAMES], *m;
	uint64_t flags;
	unsigned n = 0;

	m = make(&s);
	flags = m->ol_flags;
	while (rte_mempool_avail_count(dry) > 20)
		hold[n++] = rte_pktmbuf_alloc(dry);
	CU_ASSERT(net_tx_finish(m, offloads, fix_hdr_pool, fix_ind_pool, out, RTE_DIM(out)) == -ENOMEM);
	CU_ASSERT(m->ol_flags == flags && m->pkt_len == 14 + 40 + 50000);
	rte_pktmbuf_free_bulk(hold, n);
	/* and later it goes out as if nothing had been */
	check(&s, out, net_tx_finish(m, offloads, fix_hdr_pool, fix_ind_pool, out, RTE_DIM(out)), offloads);
}

static void net_tx_finish__pool_dry_keeps_the_segment(void)
{
	start();
	pool_dry(8900, NET_TX_MULTI_SEG | NET_TX_TCP_CKSUM, fix_ind_pool);
	pool_dry(1448, NET_TX_MULTI_SEG | NET_TX_TCP_CKSUM, fix_hdr_pool);
	pool_dry(1448, NET_TX_MULTI_SEG, fix_hdr_pool);
	fix_fini(&f);
}

static void net_tx_finish__nothing_asked(void)
{
	struct rte_mbuf *m, *out[1];

	start();
	m = fix_segment(US, PEER, 10);
	CU_ASSERT(net_tx_finish(m, 0, fix_hdr_pool, fix_ind_pool, out, 1) == 1 && out[0] == m);
	rte_pktmbuf_free(m);
	fix_fini(&f);
}

/* Pools of arenas keep their buffers outside the mbufs, and say so in a flag
 * that must survive cutting, copying and freeing. */
static void with_pinned_pool(void (*body)(void))
{
	struct rte_mempool *plain = fix_hdr_pool;
	struct rte_mbuf *all[512];
	struct arena *a;
	int rc;

	CU_ASSERT_FATAL(arena_create(&a, "fix_arena", 8 << 20, -1, false) == 0);
	fix_hdr_pool = arena_pktmbuf_pool(a, "fix_pinned", RTE_DIM(all), 0, NET_MBUF_PRIV_SIZE,
					  2048 + RTE_PKTMBUF_HEADROOM, &rc);
	CU_ASSERT_FATAL(fix_hdr_pool != NULL);
	body();
	CU_ASSERT(rte_mempool_in_use_count(fix_hdr_pool) == 0);
	CU_ASSERT_FATAL(rte_pktmbuf_alloc_bulk(fix_hdr_pool, all, RTE_DIM(all)) == 0);
	for (unsigned i = 0; i < RTE_DIM(all); i++)
		CU_ASSERT(RTE_MBUF_HAS_EXTBUF(all[i]) && rte_mbuf_ext_refcnt_read(all[i]->shinfo) == 1);
	rte_pktmbuf_free_bulk(all, RTE_DIM(all));
	rte_mempool_free(fix_hdr_pool);
	arena_destroy(a);
	fix_hdr_pool = plain;
}

static void pinned_body(void)
{
	static const uint32_t offloads[] = { NET_TX_MULTI_SEG, 0, NET_TX_MULTI_SEG | NET_TX_TCP_CKSUM };
	struct rte_mbuf *m, *clone;

	start();
	for (unsigned i = 0; i < 200; i++) {
		const bool chains = (offloads[i % RTE_DIM(offloads)] & NET_TX_MULTI_SEG) != 0;
		const struct shape s = { .l2 = 14, .opts = 12, .len = 1 + below(30000),
					 .unit = i % 2 != 0 || !chains ? 1448 : 8900, .piece_max = 900, .flags = 0x18, .ip_cksum = true };

		run(&s, offloads[i % RTE_DIM(offloads)]);
		m = net_pull_up(f.st, fix_raw(payload, 500, 1 + below(300)), NET_PULL_LEN);
		CU_ASSERT(m != NULL);
		rte_pktmbuf_free(m);
	}
	m = fix_echo(PEER, US, 1, 1000);
	clone = rte_pktmbuf_clone(m, fix_ind_pool); /* somebody else looks at it: the reply is a copy */
	fix_learn(&f, &fix_peer, PEER);
	fix_input(&f, m);
	CU_ASSERT(f.n_out == 1 && *rte_pktmbuf_mtod_offset(clone, uint8_t *, 34) == 8);
	rte_pktmbuf_free(clone);
	fix_fini(&f);
}

static void net_tx_finish__pinned_buffers(void)
{
	test_eal_init();
	start(); /* makes the pools */
	fix_fini(&f);
	with_pinned_pool(pinned_body);
}

/* A head of another kind than the pool is refused, not corrupted. */
static void mixed_body(void)
{
	const struct shape s = { .l2 = 14, .len = 5000, .unit = 2900, .piece_max = 1000, .flags = 0x18 };
	struct rte_mempool *pinned = fix_hdr_pool, *plain = rte_mempool_lookup("fix_hdr");
	struct rte_mbuf *out[8], *m;

	fix_hdr_pool = plain;
	start();
	m = make(&s);
	CU_ASSERT(net_tx_finish(m, NET_TX_MULTI_SEG | NET_TX_TCP_CKSUM, pinned, fix_ind_pool, out, 8) == -EINVAL);
	rte_pktmbuf_free(m);
	fix_fini(&f);
	fix_hdr_pool = pinned;
}

static void net_tx_finish__mixed_pools(void)
{
	start();
	fix_fini(&f);
	with_pinned_pool(mixed_body);
}

static void net_l4_cksum__chains_and_lengths(void)
{
	start();
	for (unsigned i = 0; i < 300; i++) {
		const struct shape s = { .l2 = 14, .len = below(3000), .piece_max = 1 + below(700), .flags = 0x10 };
		struct rte_mbuf *out[1];
		uint32_t l4_len = 20 + s.len;

		CU_ASSERT_FATAL(net_tx_finish(make(&s), NET_TX_MULTI_SEG, fix_hdr_pool, fix_ind_pool, out, 1) == 1);
		CU_ASSERT(net_l4_cksum(out[0], 14, 34, l4_len) == 0);
		rte_pktmbuf_mtod_offset(out[0], uint8_t *, 34)[below(20)] ^= 1 + below(255);
		CU_ASSERT(net_l4_cksum(out[0], 14, 34, l4_len) != 0);
		CU_ASSERT(net_l4_cksum(out[0], 14, 34, l4_len + 1) != 0);
		rte_pktmbuf_free(out[0]);
	}
	fix_fini(&f);
}

static void net_raw_cksum__as_the_slow_one(void)
{
	static uint8_t buf[65536 + 8];
	static const int fills[] = { -1, 0x00, 0xff }; /* -1: noise */

	start();
	for (size_t k = 0; k < RTE_DIM(fills); k++) {
		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = fills[k] < 0 ? (uint8_t)below(256) : (uint8_t)fills[k];
		for (unsigned i = 0; i < 2000; i++) {
			uint32_t len = i < 600 ? i : i < 1900 ? below(65536) : 65535 - (i - 1900);
			const uint8_t *p = buf + i % 8;

			CU_ASSERT_EQUAL(net_raw_cksum(p, len), rte_raw_cksum(p, len));
		}
	}
	fix_fini(&f);
}

static const struct test_case cases[] = {
	TEST_CASE(net_raw_cksum__as_the_slow_one),
	TEST_CASE(net_tx_finish__random_shapes),
	TEST_CASE(net_tx_finish__payload_behind_the_header),
	TEST_CASE(net_tx_finish__multiples_of_the_unit),
	TEST_CASE(net_tx_finish__headers_long_and_short),
	TEST_CASE(net_tx_finish__leaves_cutting_to_the_device),
	TEST_CASE(net_tx_finish__refuses),
	TEST_CASE(net_tx_finish__pool_dry_keeps_the_segment),
	TEST_CASE(net_tx_finish__nothing_asked),
	TEST_CASE(net_tx_finish__pinned_buffers),
	TEST_CASE(net_tx_finish__mixed_pools),
	TEST_CASE(net_l4_cksum__chains_and_lengths),
};
TEST_MAIN("net_offload", cases)
