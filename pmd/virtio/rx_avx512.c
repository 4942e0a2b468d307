/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packed rings with AVX-512: four descriptors are one cache line and one
 * register. Compiled with flags of its own; chosen where CPU and EAL allow it.
 */
#include <rte_cpuflags.h>
#include <rte_vect.h>

#include "pmd/virtio/rx_vec.h"

#define EACH(n) ((__mmask16)(0x1111 << (n))) /* 32-bit lane n of each descriptor */
#define LEN 2 /* addr fills lanes 0 and 1 */
#define KEY 3 /* id and flags */

static __rte_always_inline __m512i expected(uint32_t first)
{
	return _mm512_add_epi32(_mm512_set1_epi32((int)first),
				_mm512_set_epi32(3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0));
}

/* Four used descriptors, in order, with lengths that pass? */
static __rte_always_inline bool passes(const struct vnic_rxq *rxq, const struct rx_sum *sum, __m512i v, uint16_t pos)
{
	const uint32_t flags = (uint32_t)(VRING_PACKED_F_AVAIL | VRING_PACKED_F_USED) << 16;
	__m512i key = _mm512_and_si512(v, _mm512_set1_epi32((int)(flags | 0xffff)));
	__m512i above = _mm512_sub_epi32(v, sum->wide_least);
	uint32_t want = (uint32_t)vring_packed_used_flags(rxq->vq.used_wrap) << 16 | pos;
	__mmask16 ok = _mm512_mask_cmpeq_epi32_mask(EACH(KEY), key, expected(want));

	ok |= _mm512_mask_cmple_epu32_mask(EACH(LEN), above, sum->wide_span);
	return ok == (EACH(KEY) | EACH(LEN));
}

/* rx_vec_claim() by one load and one store. */
static __rte_always_inline bool claim(struct vnic_rxq *rxq, uint16_t pos, struct rte_mbuf **pkts, const unsigned mode)
{
	static_assert(sizeof(struct vnic_slot) == 16 && offsetof(struct vnic_slot, mbuf) == 0 &&
		      offsetof(struct vnic_slot, next) == 10, "slots as lanes");
	__m512i s = _mm512_loadu_si512(&rxq->vq.slot[pos]);
	__m256i m = _mm512_castsi512_si256(
		_mm512_permutexvar_epi64(_mm512_set_epi64(0, 0, 0, 0, 6, 4, 2, 0), s));

	if (!(mode & RX_ORDER) && unlikely((_mm512_test_epi64_mask(s, s) & 0x55) != 0x55))
		return false;
	_mm256_storeu_si256((__m256i *)(void *)pkts, m);
	if ((mode & RX_MERGE) && !rx_vec_alone(rxq, pkts))
		return false;
	if (!(mode & RX_ORDER)) {
		__m512i next = _mm512_add_epi64(_mm512_set1_epi64((int64_t)pos << 16),
						_mm512_set_epi64(3 << 16, 0, 2 << 16, 0, 1 << 16, 0, 0, 0));

		_mm512_storeu_si512(&rxq->vq.slot[pos], _mm512_maskz_mov_epi64(0xaa, next));
	}
	return true;
}

static __rte_always_inline int packed4(struct vnic_rxq *rxq, uint16_t pos, struct rte_mbuf **pkts,
				       struct rx_sum *sum, const unsigned mode)
{
	const __mmask16 both = EACH(1) | EACH(2); /* of the receive fields: pkt_len; data_len and vlan_tci */
	__m512i v = *(const volatile __m512i_u *)(const void *)&rxq->vq.packed.desc[pos], fields;

	if (unlikely(!passes(rxq, sum, v, pos)) || unlikely(!claim(rxq, pos, pkts, mode)))
		return RX_LEFT;
	fields = _mm512_maskz_shuffle_epi32(both, v, _MM_PERM_CCCC);
	fields = _mm512_mask_sub_epi32(fields, both, fields, sum->wide_hdr);
	rx_vec_set(pkts[0], _mm512_castsi512_si128(fields));
	rx_vec_set(pkts[1], _mm512_extracti32x4_epi32(fields, 1));
	rx_vec_set(pkts[2], _mm512_extracti32x4_epi32(fields, 2));
	rx_vec_set(pkts[3], _mm512_extracti32x4_epi32(fields, 3));
	sum->wide = _mm512_mask_add_epi32(sum->wide, EACH(LEN), sum->wide, v);
	return rx_vec_made(rxq, pkts, sum, mode);
}

RX_VEC_RING(packed, RX_PACKED)
RX_VEC_RING(packed_inorder, RX_PACKED | RX_ORDER)

/* name, ring, mode */
#define BURSTS(X) \
	X(packed_avx512, packed, RX_PACKED) \
	X(packed_inorder_avx512, packed_inorder, RX_PACKED | RX_ORDER) \
	X(packed_mergeable_avx512, packed, RX_PACKED | RX_MERGE) \
	X(packed_inorder_mergeable_avx512, packed_inorder, RX_PACKED | RX_ORDER | RX_MERGE) \
	X(packed_offload_avx512, packed, RX_PACKED | RX_PARSE) \
	X(packed_inorder_offload_avx512, packed_inorder, RX_PACKED | RX_ORDER | RX_PARSE) \
	X(packed_mergeable_offload_avx512, packed, RX_PACKED | RX_MERGE | RX_PARSE) \
	X(packed_inorder_mergeable_offload_avx512, packed_inorder, RX_PACKED | RX_ORDER | RX_MERGE | RX_PARSE)

#define BURST(name, ring, mode) RX_VEC_BURST(name, ring, mode, rx_vec_collect_packed, packed4)
BURSTS(BURST)

const struct rx_vec rx_avx512[RX_VECS] = {
#define ENTRY(name, ring, mode) [mode] = { rx_##name, #name },
	BURSTS(ENTRY)
#undef ENTRY
};
