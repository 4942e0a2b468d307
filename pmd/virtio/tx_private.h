/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between the files of transmit: forms a packet can take in the ring, its
 * header, the return of what the device is done with.
 *
 * A burst is one function for each combination of ring and features, made from
 * an always-inlined body whose variant is a constant. Everything here runs on
 * the lcore that polls the queue, inside the gate.
 */
#ifndef VNIC_TX_PRIVATE_H
#define VNIC_TX_PRIVATE_H

#include <string.h>

#if defined(__SSE4_1__)
#include <smmintrin.h>
#endif

#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_mempool.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "pmd/virtio/dev.h"
#include "pmd/virtio/tx.h"

/* Variants. */
#define TX_IN_ORDER 1u
#define TX_OFFLOAD  2u /* packets may ask for checksums, segmentation, a VLAN tag */

#define TX_ATTACHED_FLAGS (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL)

/*
 * In vnic_slot.count: the packet is to be freed as DPDK frees any. Without it, it is one
 * buffer that was ours alone when posted and so still is, and goes back to its pool as it is:
 * pool[] of vnic_slot.next.
 */
#define TX_SLOT_WHOLE 0x8000u

#define TX_HDR_MAX 20
#define TX_CHAIN_SHORT 3 /* descriptors that rather go into the ring than into a table */

uint16_t vnic_tx_split(void *txq, struct rte_mbuf **pkts, uint16_t n);
uint16_t vnic_tx_split_offload(void *txq, struct rte_mbuf **pkts, uint16_t n);
uint16_t vnic_tx_split_in_order(void *txq, struct rte_mbuf **pkts, uint16_t n);
uint16_t vnic_tx_split_in_order_offload(void *txq, struct rte_mbuf **pkts, uint16_t n);
uint16_t vnic_tx_packed(void *txq, struct rte_mbuf **pkts, uint16_t n);
uint16_t vnic_tx_packed_offload(void *txq, struct rte_mbuf **pkts, uint16_t n);
uint16_t vnic_tx_packed_in_order(void *txq, struct rte_mbuf **pkts, uint16_t n);
uint16_t vnic_tx_packed_in_order_offload(void *txq, struct rte_mbuf **pkts, uint16_t n);

/* ---- reclaim: tx_reclaim.c ---------------------------------------------------------- */
/* Take back what the device has used, at most max packets where they come one by one; how
 * many. What breaks the rules stops the queue: vq.fault. */
unsigned vnic_tx_reclaim_split(struct vnic_txq *q, unsigned max);
unsigned vnic_tx_reclaim_split_in_order(struct vnic_txq *q);
unsigned vnic_tx_reclaim_packed(struct vnic_txq *q, unsigned max);
unsigned vnic_tx_reclaim_packed_in_order(struct vnic_txq *q, unsigned max);
/* Whichever it is. */
unsigned vnic_tx_reclaim(struct vnic_txq *q, unsigned max);

/* ---- packets: tx_packet.c ------------------------------------------------------------- */
/* How a packet goes into the ring. */
struct tx_plan {
	uint16_t descs;    /* of the ring */
	uint16_t parts;    /* segments that are not empty */
	bool push;         /* header in front of the first segment's data */
	bool indirect;
	uint8_t hdr[TX_HDR_MAX];
};

/*
 * Plan for any packet. offload: its requests count. The packet may be packed into fewer
 * segments (*m changes) or get its VLAN tag. False: it cannot be sent at all.
 */
bool vnic_tx_plan(struct vnic_txq *q, struct rte_mbuf **m, bool offload, struct tx_plan *plan);
/* The header of a packet as its requests want it, hdr_len octets; 0 or a negative errno:
 * -EINVAL lengths beyond the packet, -ENOTSUP not negotiated. */
int vnic_tx_header(const struct vnic_txq *q, const struct rte_mbuf *m, uint8_t hdr[TX_HDR_MAX]);
/* Copy into fewer segments; false: not possible or not few enough. */
bool vnic_tx_pack(struct vnic_txq *q, struct rte_mbuf **m, uint16_t segs_max);
/* Segments a packet of this queue may have. */
uint16_t vnic_tx_segs_max(const struct vnic_txq *q);
int vnic_tx_vlan_insert(struct rte_mbuf *m);

/* May we write into the buffer? Alone its owner, and nothing is attached to it. */
static inline bool tx_writable(const struct rte_mbuf *m)
{
	if (rte_mbuf_refcnt_read(m) != 1)
		return false;
	if (RTE_MBUF_DIRECT(m))
		return true;
	return RTE_MBUF_HAS_PINNED_EXTBUF(m) && rte_mbuf_ext_refcnt_read(m->shinfo) == 1;
}

/* hdr_len is 12 or 20. The device is about to read it: the line is not dirtied for what is there. */
static inline void tx_header_put(uint8_t *to, const uint8_t hdr[TX_HDR_MAX], uint8_t hdr_len)
{
	uint64_t there, want;
	uint32_t there2, want2;

	memcpy(&there, to, 8);
	memcpy(&want, hdr, 8);
	memcpy(&there2, to + 8, 4);
	memcpy(&want2, hdr + 8, 4);
	if (there != want)
		memcpy(to, &want, 8);
	if (there2 != want2)
		memcpy(to + 8, &want2, 4);
	if (likely(hdr_len != TX_HDR_MAX))
		return;
	memcpy(&there, to + 12, 8);
	memcpy(&want, hdr + 12, 8);
	if (there != want)
		memcpy(to + 12, &want, 8);
}

static inline uint8_t *tx_pushed_header(const struct vnic_txq *q, const struct rte_mbuf *m)
{
	return (uint8_t *)m->buf_addr + m->data_off - q->vq.hdr_len;
}

/* The device's address of a segment's data; addr: vnic_vq.addr_offset. */
static inline uint64_t tx_address_at(const struct rte_mbuf *m, uint32_t addr)
{
	return *(const uint64_t *)((const uint8_t *)m + addr) + m->data_off;
}

static inline uint64_t tx_address(const struct vnic_txq *q, const struct rte_mbuf *m)
{
	return tx_address_at(m, q->vq.addr_offset);
}

/* data_off, refcnt, nb_segs, port: one word. */
union tx_rearm {
	struct {
		uint16_t data_off, refcnt, nb_segs, port;
	};
	uint64_t word;
};

/* Requests for more than one checksum; none of them, and a packet may be simple. */
#define TX_MORE_FLAGS (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG | RTE_MBUF_F_TX_VLAN)

/* Is the first segment direct, ours alone, with an even offset and room for the header? one: and the only one. */
static __rte_always_inline bool tx_head(const struct vnic_txq *q, const struct rte_mbuf *m, bool one, unsigned variant)
{
	const union tx_rearm mask = { { 1, 0xffff, one ? 0xffff : 0, 0 } }, want = { { 0, 1, one, 0 } };
	const uint64_t flags = TX_ATTACHED_FLAGS | (variant & TX_OFFLOAD ? TX_MORE_FLAGS : 0);
	union tx_rearm r;

	memcpy(&r, &m->data_off, sizeof(r));
	return (r.word & mask.word) == want.word && r.data_off >= q->vq.hdr_len && (m->ol_flags & flags) == 0 &&
	       m->data_len != 0;
}

/*
 * The common packet: one such segment, not empty, that asks for a checksum at most (which is still
 * to be looked at: tx_header_any()): one descriptor, the header pushed in front.
 */
static __rte_always_inline bool tx_simple(const struct vnic_txq *q, const struct rte_mbuf *m, unsigned variant)
{
	return tx_head(q, m, true, variant);
}

/* Twelve octets in front of the packet, as two words; of 20 the others are 0. The device is about
 * to read it: the line is not dirtied for what is there. */
static __rte_always_inline void tx_header_words(const struct vnic_txq *q, const struct rte_mbuf *m, uint64_t want,
						uint32_t want2)
{
	uint8_t *h = tx_pushed_header(q, m);
	uint64_t first, more = 0;
	uint32_t last;

	memcpy(&first, h, 8);
	memcpy(&last, h + 8, 4);
	if (unlikely(q->vq.hdr_len == TX_HDR_MAX))
		memcpy(&more, h + 12, 8);
	if (((first ^ want) | (last ^ want2) | more) == 0)
		return;
	memcpy(h, &want, 8);
	memcpy(h + 8, &want2, 4);
	if (unlikely(q->vq.hdr_len == TX_HDR_MAX))
		memset(h + 12, 0, 8);
}

static __rte_always_inline void tx_header_zero(const struct vnic_txq *q, const struct rte_mbuf *m)
{
	tx_header_words(q, m, 0, 0);
}

/* The header of a packet of len octets that asks for a checksum and nothing else; false: nothing written, it is for
 * vnic_tx_header() to say. */
static __rte_always_inline bool tx_header_csum(const struct vnic_txq *q, const struct rte_mbuf *m, uint32_t len)
{
	const uint64_t l4 = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;
	const uint32_t start = (uint32_t)m->l2_len + m->l3_len;
	const uint32_t offset = l4 == RTE_MBUF_F_TX_TCP_CKSUM ? offsetof(struct rte_tcp_hdr, cksum) :
								 offsetof(struct rte_udp_hdr, dgram_cksum);

	static_assert(offsetof(struct vnic_net_hdr, csum_start) == 6 && offsetof(struct vnic_net_hdr, csum_offset) == 8,
		      "header words");
	if (unlikely(!q->csum || l4 == RTE_MBUF_F_TX_SCTP_CKSUM || (m->ol_flags & RTE_MBUF_F_TX_TUNNEL_MASK) != 0 ||
		     m->l2_len < RTE_ETHER_HDR_LEN || start + offset + 2 > len))
		return false;
	tx_header_words(q, m, rte_cpu_to_le_64(VIRTIO_NET_HDR_F_NEEDS_CSUM | (uint64_t)start << 48),
			rte_cpu_to_le_32(offset));
	return true;
}

static __rte_always_inline bool tx_header_any(const struct vnic_txq *q, const struct rte_mbuf *m, uint32_t len,
					      unsigned variant)
{
	if ((variant & TX_OFFLOAD) && (m->ol_flags & RTE_MBUF_F_TX_L4_MASK) != 0)
		return tx_header_csum(q, m, len);
	tx_header_zero(q, m);
	return true;
}

/* Is it worth a table? It saves descriptors and costs both sides a cache line: not for a short chain in a
 * ring with room. Bursts look for completions long before three quarters are out. */
static __rte_always_inline bool tx_wants_table(const struct vnic_vq *vq, uint16_t descs)
{
	if (!vq->indirect || descs <= 1 || descs > VNIC_TX_INDIRECT_MAX)
		return false;
	return descs > TX_CHAIN_SHORT || vnic_vq_room(vq) < vnic_vq_limit(vq) / 4 + descs;
}

/*
 * Two segments or three, the first as in simple packets, in a ring with room: headers and data, as TCP sends them.
 * How many, one descriptor each; 0: not such a packet. The header is written. The others may be anything: they are
 * freed as DPDK frees any.
 */
static __rte_always_inline uint16_t tx_short(const struct vnic_txq *q, const struct rte_mbuf *m, unsigned variant)
{
	const struct rte_mbuf *s = m->next;
	uint32_t len = m->data_len;
	uint16_t n = 1;

	if (m->nb_segs > TX_CHAIN_SHORT || !tx_head(q, m, false, variant))
		return 0;
	for (; s != NULL && s->data_len != 0 && n < TX_CHAIN_SHORT; s = s->next, n++)
		len += s->data_len;
	if (unlikely(n != m->nb_segs || n == 1 || len != m->pkt_len))
		return 0;
	if (unlikely(vnic_vq_room(&q->vq) < n || tx_wants_table(&q->vq, n)))
		return 0;
	return tx_header_any(q, m, len, variant) ? n : 0;
}

/* Four in a row: with simple packets only. */
#if defined(__SSE4_1__)
/* Zero headers in front of four packets; what is zero already is not written. */
static __rte_always_inline void tx_header_zero4(const struct vnic_txq *q, struct rte_mbuf *const *pkts)
{
	const uint8_t hdr_len = q->vq.hdr_len;
	const __m128i mask = _mm_set_epi32(hdr_len == TX_HDR_MAX ? -1 : 0, -1, -1, -1);
	__m128i any = _mm_setzero_si128();
	uint32_t last = 0, more = 0;

	for (unsigned i = 0; i < 4; i++) {
		const uint8_t *h = (const uint8_t *)pkts[i]->buf_addr + pkts[i]->data_off - hdr_len;

		any = _mm_or_si128(any, _mm_loadu_si128((const __m128i *)h));
		if (unlikely(hdr_len == TX_HDR_MAX)) {
			memcpy(&last, h + 16, 4);
			more |= last;
		}
	}
	if (likely(_mm_testz_si128(any, mask) && more == 0))
		return;
	for (unsigned i = 0; i < 4; i++)
		tx_header_zero(q, pkts[i]);
}

/* Are they, and of the pool that the last one was of? */
static __rte_always_inline bool tx_simple4(const struct vnic_txq *q, struct rte_mbuf *const *pkts, unsigned variant)
{
	const uint64_t flags = TX_ATTACHED_FLAGS | (variant & TX_OFFLOAD ? TX_MORE_FLAGS : 0);
	/* data_off, refcnt, nb_segs, port, then ol_flags: as in tx_simple() */
	const __m128i mask = _mm_set_epi64x((long long)flags, 0x0000ffffffff0001);
	const __m128i want = _mm_set_epi64x(0, 0x0000000100010000);
	const __m128i room = _mm_cvtsi32_si128(q->vq.hdr_len);
	const struct rte_mempool *pool = q->pool[q->pool_at];
	uintptr_t other = 0;
	__m128i wrong = _mm_setzero_si128();
	unsigned empty = 0;

	static_assert(offsetof(struct rte_mbuf, ol_flags) == offsetof(struct rte_mbuf, data_off) + 8, "one load");
	for (unsigned i = 0; i < 4; i++) {
		__m128i v = _mm_loadu_si128((const __m128i *)&pkts[i]->data_off);

		wrong = _mm_or_si128(wrong, _mm_xor_si128(_mm_and_si128(v, mask), want));
		wrong = _mm_or_si128(wrong, _mm_subs_epu16(room, v)); /* how much room is missing */
		empty |= pkts[i]->data_len - 1u;
		other |= (uintptr_t)pkts[i]->pool ^ (uintptr_t)pool;
	}
	return _mm_testz_si128(wrong, wrong) && (int)empty >= 0 && other == 0;
}
#else
static __rte_always_inline void tx_header_zero4(const struct vnic_txq *q, struct rte_mbuf *const *pkts)
{
	for (unsigned i = 0; i < 4; i++)
		tx_header_zero(q, pkts[i]);
}

static __rte_always_inline bool tx_simple4(const struct vnic_txq *q, struct rte_mbuf *const *pkts, unsigned variant)
{
	for (unsigned i = 0; i < 4; i++)
		if (!tx_simple(q, pkts[i], variant) || pkts[i]->pool != q->pool[q->pool_at])
			return false;
	return true;
}
#endif

/* The headers of four simple packets; false: one of them has to be looked at by vnic_tx_header(). */
static __rte_always_inline bool tx_headers4(const struct vnic_txq *q, struct rte_mbuf *const *pkts, unsigned variant)
{
	bool ok = true;

	if ((variant & TX_OFFLOAD) &&
	    ((pkts[0]->ol_flags | pkts[1]->ol_flags | pkts[2]->ol_flags | pkts[3]->ol_flags) & RTE_MBUF_F_TX_L4_MASK) != 0) {
		for (unsigned i = 0; i < 4; i++)
			ok &= tx_header_any(q, pkts[i], pkts[i]->data_len, variant);
		return ok;
	}
	tx_header_zero4(q, pkts);
	return true;
}

/* Which of q->pool a packet is from, making it one; VNIC_TX_POOLS: there are too many. */
uint8_t vnic_tx_pool_find(struct vnic_txq *q, struct rte_mempool *mp);

static __rte_always_inline void tx_slot_set(struct vnic_slot *s, struct rte_mbuf *m, uint16_t count, uint8_t pool)
{
	const union {
		struct {
			uint16_t count, next;
			uint32_t bytes;
		};
		uint64_t word;
	} u = { { count, pool, m->data_len } };

	static_assert(offsetof(struct vnic_slot, bytes) == offsetof(struct vnic_slot, count) + 4, "one store");
	s->mbuf = m;
	memcpy(&s->count, &u.word, sizeof(u.word));
}

/* For a packet of one descriptor and one buffer, which we may write. */
static __rte_always_inline void tx_slot_put(struct vnic_txq *q, struct vnic_slot *s, struct rte_mbuf *m)
{
	uint8_t pool = q->pool_at;

	if (unlikely(m->pool != q->pool[pool])) {
		pool = vnic_tx_pool_find(q, m->pool);
		if (unlikely(pool == VNIC_TX_POOLS)) {
			tx_slot_set(s, m, 1 | TX_SLOT_WHOLE, 0);
			return;
		}
		q->pool_at = pool;
	}
	tx_slot_set(s, m, 1, pool);
}

/* While the row at pkts is worked on: where the headers of the next one go, whose mbufs were
 * fetched a row ago, and the mbufs of the one after it. left: packets from pkts on. */
static __rte_always_inline void tx_prefetch(struct rte_mbuf *const *pkts, unsigned left)
{
	if (likely(left >= 8))
		for (unsigned i = 4; i < 8; i++)
			rte_prefetch0((const uint8_t *)pkts[i]->buf_addr + pkts[i]->data_off - 12);
	if (likely(left >= 12))
		for (unsigned i = 8; i < 12; i++)
			rte_prefetch0(pkts[i]);
}

/* Second segments of a row that is not simple: their misses overlap. */
static __rte_always_inline void tx_prefetch_next(struct rte_mbuf *const *pkts, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (pkts[i]->nb_segs > 1)
			rte_prefetch0(pkts[i]->next);
}

static __rte_always_inline void tx_wmb(const struct vnic_vq *vq)
{
	if (unlikely(vq->strong))
		rte_io_wmb();
	else
		rte_smp_wmb();
}

static __rte_always_inline void tx_rmb(const struct vnic_vq *vq)
{
	if (unlikely(vq->strong))
		rte_io_rmb();
	else
		rte_smp_rmb();
}

/* What a burst has posted. */
struct tx_sum {
	uint64_t bytes;
	uint32_t packets, pushed, chained;
};

/* Counters, and the doorbell with how many completions it stands for. */
static __rte_always_inline void tx_account(struct vnic_txq *q, const struct tx_sum *sum)
{
	uint64_t in_flight;

	q->posted += sum->packets;
	q->posted_bytes += sum->bytes;
	q->packets += sum->packets;
	q->bytes += sum->bytes;
	q->pushed += sum->pushed;
	q->chained += sum->chained;
	in_flight = q->posted_bytes - q->done_bytes;
	if (in_flight > q->in_flight_max)
		q->in_flight_max = in_flight;
}

/* Out of the way of the bursts: tx.c. */
void vnic_tx_count_form(struct vnic_txq *q, const struct tx_plan *plan);
void vnic_tx_doorbell_counted(struct vnic_txq *q);

static __rte_always_inline void tx_kick(struct vnic_txq *q)
{
	uint64_t before = q->vq.doorbells;

	vnic_vq_kick(&q->vq);
	if (q->vq.doorbells != before)
		vnic_tx_doorbell_counted(q);
}

/*
 * Is it time to look for completions? When few descriptors are free; when so many are out
 * that their buffers have left the nearest cache, and the pool's cache could not take
 * them at once much longer; or when buffers have been kept for long.
 */
#define TX_RECLAIM_OUT 128
static __rte_always_inline bool tx_reclaim_due(const struct vnic_txq *q, uint16_t n)
{
	if (vnic_vq_room(&q->vq) < RTE_MAX(n, q->free_thresh) || q->vq.size - q->vq.free_count >= TX_RECLAIM_OUT)
		return true;
	return q->posted != q->done && rte_rdtsc() - q->reclaim_tsc > q->reclaim_ticks;
}

/* What became of one packet of a burst. */
enum tx_result { TX_POSTED, TX_DROPPED, TX_FULL };

#endif
