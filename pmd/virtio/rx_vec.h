/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Four used entries at a time, on SSE 4.1 (DPDK's baseline on x86); of packets nothing
 * is read, of headers num_buffers, and what they say where that matters. Only what is as it
 * should be goes this way: four entries used, in the order in which they were
 * offered (which devices keep, with IN_ORDER or without), of lengths that pass,
 * a packet each. All else is left to the scalar steps, which look at one entry and
 * know what is wrong or goes together. Headers that ask for more than a flag are applied
 * one by one, and their packets stay in the burst.
 */
#ifndef VNIC_RX_VEC_H
#define VNIC_RX_VEC_H

#ifdef __AVX512F__
#include <immintrin.h>
#else
#include <smmintrin.h>
#endif

#include "pmd/virtio/rx_private.h"

#define RX_STEP 4u

/*
 * What a burst adds up, and what it asks of each step: in registers, for the stores into packets might be
 * to anything that the queue knows.
 */
struct rx_sum {
#ifdef __AVX512F__
	__m512i wide;  /* lengths, headers included, in whatever lanes */
	__m512i wide_least, wide_span, wide_hdr;
#endif
	__m128i len;   /* four lanes of lengths, headers included */
	__m128i least, span; /* of a length, in each lane: the least, and how much more it may be */
	__m128i hdr;   /* of the receive fields: the header's length off both */
	uint32_t packets;
	uint64_t lost; /* of those octets, headers apart, of packets dropped for their header */
};

static __rte_always_inline struct rx_sum rx_sum_begin(const struct vnic_rxq *rxq)
{
	const uint32_t least = rxq->vq.hdr_len + RX_MIN_LEN;
	const uint32_t most = (uint32_t)RTE_MIN((uint64_t)rxq->buf_len, (uint64_t)rxq->vq.hdr_len + rxq->frame_max);
	const short h = (short)-rxq->vq.hdr_len;
	struct rx_sum s = {
		.len = _mm_setzero_si128(),
		.least = _mm_set1_epi32((int)least),
		.span = _mm_set1_epi32((int)(most - least)),
		.hdr = _mm_set_epi16(0, 0, 0, h, 0, h, 0, 0), /* lengths have 16 bits: buf_len */
	};

#ifdef __AVX512F__
	s.wide = _mm512_setzero_si512();
	s.wide_least = _mm512_set1_epi32((int)least);
	s.wide_span = _mm512_set1_epi32((int)(most - least));
	s.wide_hdr = _mm512_set1_epi32(rxq->vq.hdr_len);
#endif
	return s;
}

/* Read once, whatever the compiler thinks of the memory. */
static __rte_always_inline __m128i rx_load(const void *p)
{
	return *(const volatile __m128i_u *)p;
}

static __rte_always_inline bool rx_all_ones(__m128i v)
{
	return _mm_movemask_epi8(v) == 0xffff;
}

/* Lengths from the least to the most that a packet may have? */
static __rte_always_inline __m128i rx_len_ok(const struct rx_sum *sum, __m128i len)
{
	__m128i above = _mm_sub_epi32(len, sum->least);

	return _mm_cmpeq_epi32(_mm_max_epu32(above, sum->span), sum->span);
}

/* Does each of four buffers hold a packet alone? */
static __rte_always_inline bool rx_vec_alone(const struct vnic_rxq *rxq, struct rte_mbuf *const *m)
{
	const rte_le16_t one = rte_cpu_to_le_16(1);
	unsigned i, bad = 0;

	for (i = 0; i < RX_STEP; i++) {
		const struct vnic_net_hdr *hdr = rx_hdr_of(rxq, m[i]);

		bad |= __atomic_load_n(&hdr->num_buffers, __ATOMIC_RELAXED) ^ one;
	}
	return bad == 0;
}

/* Four slots without a buffer, whose ids are to be offered at their own positions next; a store each. */
static __rte_always_inline void rx_vec_empty(struct vnic_slot *s, uint16_t pos)
{
	static_assert(sizeof(*s) == 16 && offsetof(struct vnic_slot, mbuf) == 0 && offsetof(struct vnic_slot, next) == 10,
		      "slots as lanes");
	const __m128i first = _mm_set_epi64x((int64_t)pos << 16, 0);

	for (unsigned i = 0; i < RX_STEP; i++)
		_mm_storeu_si128((__m128i *)(void *)&s[i], _mm_add_epi64(first, _mm_set_epi64x((int64_t)i << 16, 0)));
}

/* The buffers of four positions, whose ids are the positions; false: one is not there,
 * or not alone. */
static __rte_always_inline bool rx_vec_claim(struct vnic_rxq *rxq, uint16_t pos, struct rte_mbuf **pkts, const unsigned mode)
{
	struct vnic_slot *s = &rxq->vq.slot[pos];
	struct rte_mbuf *m[RX_STEP] = { s[0].mbuf, s[1].mbuf, s[2].mbuf, s[3].mbuf };

	if (!(mode & RX_ORDER) && unlikely(m[0] == NULL || m[1] == NULL || m[2] == NULL || m[3] == NULL))
		return false;
	if ((mode & RX_MERGE) && !rx_vec_alone(rxq, m))
		return false;
	if (!(mode & RX_ORDER))
		rx_vec_empty(s, pos);
	pkts[0] = m[0];
	pkts[1] = m[1];
	pkts[2] = m[2];
	pkts[3] = m[3];
	return true;
}

/* packet_type 0, pkt_len, data_len, vlan_tci 0, hash 0 in one store. */
static __rte_always_inline void rx_vec_set(struct rte_mbuf *m, __m128i fields)
{
	static_assert(offsetof(struct rte_mbuf, packet_type) % 16 == 0 &&
		      offsetof(struct rte_mbuf, pkt_len) == offsetof(struct rte_mbuf, packet_type) + 4 &&
		      offsetof(struct rte_mbuf, data_len) == offsetof(struct rte_mbuf, packet_type) + 8 &&
		      offsetof(struct rte_mbuf, vlan_tci) == offsetof(struct rte_mbuf, packet_type) + 10,
		      "receive fields");

	_mm_store_si128((__m128i *)(void *)&m->packet_type, fields);
}

/* at: where, of 16 octets, the lengths of the two packets lie. */
static __rte_always_inline void rx_vec_set2(const struct rx_sum *sum, struct rte_mbuf **pkts, __m128i two,
					    const int at0, const int at1)
{
	const __m128i pick0 = _mm_set_epi8(-1, -1, -1, -1, -1, -1, at0 + 1, at0, at0 + 3, at0 + 2, at0 + 1, at0,
					   -1, -1, -1, -1);
	const __m128i pick1 = _mm_set_epi8(-1, -1, -1, -1, -1, -1, at1 + 1, at1, at1 + 3, at1 + 2, at1 + 1, at1,
					   -1, -1, -1, -1);

	rx_vec_set(pkts[0], _mm_add_epi16(_mm_shuffle_epi8(two, pick0), sum->hdr));
	rx_vec_set(pkts[1], _mm_add_epi16(_mm_shuffle_epi8(two, pick1), sum->hdr));
}

/* ---- headers ------------------------------------------------------------------------ */
/* Hash and its kind lie in one word. */
static __rte_always_inline void rx_vec_hash(struct vnic_rxq *rxq, struct rte_mbuf *m)
{
	const struct vnic_net_hdr_hash *h = rx_hdr_of(rxq, m);
	uint64_t w = __atomic_load_n((const rx_word *)(const void *)&h->hash_value, __ATOMIC_RELAXED);
	uint16_t report = (uint16_t)(w >> 32);

	static_assert(offsetof(struct vnic_net_hdr_hash, hash_report) == offsetof(struct vnic_net_hdr_hash, hash_value) + 4,
		      "one load");
	if (likely((uint16_t)(report - 1) < VIRTIO_NET_HASH_REPORT_UDPv6_EX)) {
		m->hash.rss = (uint32_t)w;
		m->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
	} else {
		rxq->hash_bad += report != VIRTIO_NET_HASH_REPORT_NONE;
	}
}

/*
 * What the headers of four packets say, whose fields are set. Mostly nothing, or that the checksum
 * is good; with anything else all four are looked at one by one. How many are left.
 */
static __rte_always_inline unsigned rx_vec_headers(struct vnic_rxq *rxq, struct rte_mbuf **pkts, struct rx_sum *sum)
{
	const uint32_t valid = rxq->csum ? VIRTIO_NET_HDR_F_DATA_VALID : 0;
	uint32_t w[RX_STEP], any = 0, good = 0;
	unsigned i;

	static_assert(RTE_MBUF_F_RX_L4_CKSUM_GOOD == VIRTIO_NET_HDR_F_DATA_VALID << 7, "one bit to the other");
	for (i = 0; i < RX_STEP; i++) {
		w[i] = __atomic_load_n((const uint32_t *)rx_hdr_of(rxq, pkts[i]), __ATOMIC_RELAXED) & 0xffff;
		any |= w[i];
	}
	if (unlikely((any & ~valid) != 0) || unlikely(rxq->vlan_strip))
		return rx_hdr_each(rxq, pkts, RX_STEP, &sum->lost);
	if (any != 0) {
		for (i = 0; i < RX_STEP; i++) {
			pkts[i]->ol_flags |= (uint64_t)w[i] << 7;
			good += w[i] >> 1;
		}
		rxq->csum_good += good;
	}
	if (rxq->hash)
		for (i = 0; i < RX_STEP; i++)
			rx_vec_hash(rxq, pkts[i]);
	return RX_STEP;
}

/* What a step makes of four entries whose fields are set. */
static __rte_always_inline int rx_vec_made(struct vnic_rxq *rxq, struct rte_mbuf **pkts, struct rx_sum *sum,
					   const unsigned mode)
{
	sum->packets += RX_STEP;
	return mode & RX_PARSE ? (int)rx_vec_headers(rxq, pkts, sum) : (int)RX_STEP;
}
#define RX_LEFT (-1) /* a step left its entries as they are */

static __rte_always_inline __m128i rx_vec_expect(uint32_t first)
{
	return _mm_add_epi32(_mm_set1_epi32((int)first), _mm_set_epi32(3, 2, 1, 0));
}

/* Lanes 0 and 2, 1 and 3, of both. */
static __rte_always_inline __m128i rx_vec_even(__m128i a, __m128i b)
{
	return _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(b), _MM_SHUFFLE(2, 0, 2, 0)));
}
static __rte_always_inline __m128i rx_vec_odd(__m128i a, __m128i b)
{
	return _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(b), _MM_SHUFFLE(3, 1, 3, 1)));
}

static __rte_always_inline int rx_vec_split4(struct vnic_rxq *rxq, uint16_t pos, struct rte_mbuf **pkts,
					      struct rx_sum *sum, const unsigned mode)
{
	const struct vring_used_elem *e = &rxq->vq.split.used->ring[pos];
	__m128i a = rx_load(e), b = rx_load(e + 2), len = rx_vec_odd(a, b);
	__m128i ok = _mm_and_si128(_mm_cmpeq_epi32(rx_vec_even(a, b), rx_vec_expect(pos)), rx_len_ok(sum, len));

	if (unlikely(!rx_all_ones(ok)) || unlikely(!rx_vec_claim(rxq, pos, pkts, mode)))
		return RX_LEFT;
	rx_vec_set2(sum, pkts, a, 4, 12);
	rx_vec_set2(sum, pkts + 2, b, 4, 12);
	sum->len = _mm_add_epi32(sum->len, len);
	return rx_vec_made(rxq, pkts, sum, mode);
}

static __rte_always_inline int rx_vec_packed4(struct vnic_rxq *rxq, uint16_t pos, struct rte_mbuf **pkts,
					       struct rx_sum *sum, const unsigned mode)
{
	const struct vring_packed_desc *d = &rxq->vq.packed.desc[pos];
	const uint32_t flags = (uint32_t)(VRING_PACKED_F_AVAIL | VRING_PACKED_F_USED) << 16;
	const uint32_t want = (uint32_t)vring_packed_used_flags(rxq->vq.used_wrap) << 16 | pos;
	/* len, id and flags of two each */
	__m128i a = _mm_unpackhi_epi64(rx_load(d), rx_load(d + 1));
	__m128i b = _mm_unpackhi_epi64(rx_load(d + 2), rx_load(d + 3));
	__m128i len = rx_vec_even(a, b);
	__m128i key = _mm_and_si128(rx_vec_odd(a, b), _mm_set1_epi32((int)(flags | 0xffff)));
	__m128i ok = _mm_and_si128(_mm_cmpeq_epi32(key, rx_vec_expect(want)), rx_len_ok(sum, len));

	if (unlikely(!rx_all_ones(ok)) || unlikely(!rx_vec_claim(rxq, pos, pkts, mode)))
		return RX_LEFT;
	rx_vec_set2(sum, pkts, a, 0, 8);
	rx_vec_set2(sum, pkts + 2, b, 0, 8);
	sum->len = _mm_add_epi32(sum->len, len);
	return rx_vec_made(rxq, pkts, sum, mode);
}

/* ---- bursts ------------------------------------------------------------------------- */
/* Entries by the scalar steps, want at most; *taken: how many. Returns packets. */
static __rte_always_inline uint16_t rx_vec_rest(struct vnic_rxq *rxq, struct rte_mbuf **pkts, uint16_t want,
						uint16_t *taken, const unsigned mode)
{
	struct rte_mbuf *mb[RX_CHUNK];
	uint32_t len[RX_CHUNK];

	*taken = rx_gather(rxq, mb, len, want, mode);
	if (mode & RX_MERGE)
		return rx_merge(rxq, mb, len, *taken, pkts, mode);
	return rx_single(rxq, mb, len, *taken, pkts, mode);
}

/* How many to leave to them at a time: four, but inside a packet of many buffers. */
static __rte_always_inline uint16_t rx_vec_scalar(const struct vnic_rxq *rxq, uint16_t want, const unsigned mode)
{
	return RTE_MIN(want, (mode & RX_MERGE) && rxq->part_left != 0 ? RX_CHUNK : RX_STEP);
}

static __rte_always_inline void rx_vec_count(struct vnic_rxq *rxq, const struct rx_sum *s, uint16_t out,
					     const unsigned mode)
{
	uint32_t lane[4];

	_mm_storeu_si128((__m128i *)(void *)lane, s->len);
#ifdef __AVX512F__
	rxq->bytes += (uint32_t)_mm512_reduce_add_epi32(s->wide);
#endif
	rxq->bytes += (uint64_t)lane[0] + lane[1] + lane[2] + lane[3] - (uint64_t)s->packets * rxq->vq.hdr_len - s->lost;
	rxq->packets += out;
	if ((mode & RX_MERGE) && unlikely(rxq->part_left != 0))
		rx_merge_wait(rxq);
}

/* Four entries from pos on: how many packets they made, or RX_LEFT. */
typedef int (*rx_step_fn)(struct vnic_rxq *rxq, uint16_t pos, struct rte_mbuf **pkts, struct rx_sum *sum,
			  const unsigned mode);

/* Steps of four from pos on, want entries at most and none beyond the ring's end: how many entries. *out: where
 * in pkts, and where next. */
static __rte_always_inline uint16_t rx_vec_steps(struct vnic_rxq *rxq, uint16_t pos, uint16_t want,
						 struct rte_mbuf **pkts, uint16_t *out, struct rx_sum *sum,
						 rx_step_fn step, const unsigned mode)
{
	uint16_t most = (uint16_t)RTE_MIN(want, rxq->vq.size - pos), done, at = *out;
	int made;

	if ((mode & RX_MERGE) && unlikely(rxq->part_left != 0))
		return 0;
	for (done = 0; (uint16_t)(done + RX_STEP) <= most; done = (uint16_t)(done + RX_STEP)) {
		made = step(rxq, (uint16_t)(pos + done), pkts + at, sum, mode);
		if (unlikely(made == RX_LEFT))
			break;
		at = (uint16_t)(at + made);
	}
	*out = at;
	return done;
}

/* Does the burst end with a cache line of entries: the device is not disturbed in the next one. */
static __rte_always_inline uint16_t rx_vec_whole(uint16_t pos, uint16_t n)
{
	return n > RX_STEP ? (uint16_t)(n - (pos + n) % RX_STEP) : n;
}

static __rte_always_inline uint16_t rx_vec_collect_split(struct vnic_rxq *rxq, struct rte_mbuf **pkts, uint16_t n,
							 rx_step_fn step, const unsigned mode)
{
	struct vnic_vq *vq = &rxq->vq;
	struct rx_sum sum = rx_sum_begin(rxq);
	uint16_t there, mask = (uint16_t)(vq->size - 1), out = 0, taken = 1, want;

	there = (uint16_t)(rte_le_to_cpu_16(__atomic_load_n(&vq->split.used->idx, __ATOMIC_RELAXED)) - vq->used);
	if (unlikely(there > rx_outstanding(vq))) {
		vnic_vq_fault(vq, VNIC_FAULT_USED_COUNT);
		return 0;
	}
	rx_after_load(vq);
	n = rx_vec_whole(vq->used, RTE_MIN(n, there));
	while (there != 0 && out < n && taken != 0) {
		want = RTE_MIN((uint16_t)(n - out), there);
		taken = rx_vec_steps(rxq, vq->used & mask, want, pkts, &out, &sum, step, mode);
		vq->used = (uint16_t)(vq->used + taken);
		vq->free_count = (uint16_t)(vq->free_count + taken);
		if (taken == 0)
			out = (uint16_t)(out + rx_vec_rest(rxq, pkts + out, rx_vec_scalar(rxq, want, mode), &taken, mode));
		there = (uint16_t)(there - taken);
	}
	rx_vec_count(rxq, &sum, out, mode);
	return out;
}

static __rte_always_inline uint16_t rx_vec_collect_packed(struct vnic_rxq *rxq, struct rte_mbuf **pkts, uint16_t n,
							  rx_step_fn step, const unsigned mode)
{
	struct vnic_vq *vq = &rxq->vq;
	struct rx_sum sum = rx_sum_begin(rxq);
	uint16_t out = 0, taken = 1, want;

	n = rx_vec_whole(vq->used, n);
	while (out < n && taken != 0) {
		want = (uint16_t)(n - out);
		taken = rx_vec_steps(rxq, vq->used, RTE_MIN(want, rx_outstanding(vq)), pkts, &out, &sum, step, mode);
		vq->free_count = (uint16_t)(vq->free_count + taken);
		vq->used = (uint16_t)(vq->used + taken);
		if (taken == 0) {
			want = rx_vec_scalar(rxq, want, mode);
			out = (uint16_t)(out + rx_vec_rest(rxq, pkts + out, want, &taken, mode));
			if (taken < want)
				break;
		} else if (vq->used == vq->size) {
			vq->used = 0;
			vq->used_wrap = !vq->used_wrap;
		}
	}
	rx_after_load(vq);
	rx_vec_count(rxq, &sum, out, mode);
	return out;
}

/* ---- making them ---------------------------------------------------------------------- */
#define RX_VEC_RING(name, mode) \
	static __rte_noinline uint16_t refill_##name(struct vnic_rxq *rxq) \
	{ \
		return rx_refill(rxq, mode); \
	}
#define RX_VEC_BURST(name, ring, mode, collect, step) \
	static uint16_t rx_##name(void *q, struct rte_mbuf **pkts, uint16_t n) \
	{ \
		struct vnic_rxq *rxq = q; \
		uint16_t out; \
\
		if (unlikely(!vnic_vq_enter(&rxq->vq))) \
			return rx_aside(rxq, pkts, n); \
		rx_before(rxq, refill_##ring); \
		out = collect(rxq, pkts, n, step, (mode) | RX_BLIND); \
		rx_after(rxq, out, refill_##ring); \
		vnic_vq_leave(&rxq->vq); \
		return out; \
	}

#endif
