/* SPDX-License-Identifier: BSD-3-Clause */
/* Which vector burst, if any; and those on the baseline's vectors. */
#include <rte_cpuflags.h>
#include <rte_vect.h>

#include "pmd/virtio/rx_private.h"

#if defined(RTE_ARCH_X86_64)
#include "pmd/virtio/rx_vec.h"

RX_VEC_RING(split, 0)
RX_VEC_RING(split_inorder, RX_ORDER)
RX_VEC_RING(packed, RX_PACKED)
RX_VEC_RING(packed_inorder, RX_PACKED | RX_ORDER)

/* name, ring, mode */
#define SPLIT(X) \
	X(split_vec, split, 0) \
	X(split_inorder_vec, split_inorder, RX_ORDER) \
	X(split_mergeable_vec, split, RX_MERGE) \
	X(split_inorder_mergeable_vec, split_inorder, RX_ORDER | RX_MERGE) \
	X(split_offload_vec, split, RX_PARSE) \
	X(split_inorder_offload_vec, split_inorder, RX_ORDER | RX_PARSE) \
	X(split_mergeable_offload_vec, split, RX_MERGE | RX_PARSE) \
	X(split_inorder_mergeable_offload_vec, split_inorder, RX_ORDER | RX_MERGE | RX_PARSE)
#define PACKED(X) \
	X(packed_vec, packed, RX_PACKED) \
	X(packed_inorder_vec, packed_inorder, RX_PACKED | RX_ORDER) \
	X(packed_mergeable_vec, packed, RX_PACKED | RX_MERGE) \
	X(packed_inorder_mergeable_vec, packed_inorder, RX_PACKED | RX_ORDER | RX_MERGE) \
	X(packed_offload_vec, packed, RX_PACKED | RX_PARSE) \
	X(packed_inorder_offload_vec, packed_inorder, RX_PACKED | RX_ORDER | RX_PARSE) \
	X(packed_mergeable_offload_vec, packed, RX_PACKED | RX_MERGE | RX_PARSE) \
	X(packed_inorder_mergeable_offload_vec, packed_inorder, RX_PACKED | RX_ORDER | RX_MERGE | RX_PARSE)

#define SPLIT_BURST(name, ring, mode) RX_VEC_BURST(name, ring, mode, rx_vec_collect_split, rx_vec_split4)
#define PACKED_BURST(name, ring, mode) RX_VEC_BURST(name, ring, mode, rx_vec_collect_packed, rx_vec_packed4)
SPLIT(SPLIT_BURST)
PACKED(PACKED_BURST)

static const struct rx_vec baseline[RX_VECS] = {
#define ENTRY(name, ring, mode) [mode] = { rx_##name, #name },
	SPLIT(ENTRY)
	PACKED(ENTRY)
#undef ENTRY
};
#else
static const struct rx_vec baseline[RX_VECS];
#endif

static bool avx512_usable(void)
{
#ifdef RX_AVX512
	return rte_vect_get_max_simd_bitwidth() >= RTE_VECT_SIMD_512 && rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512F) > 0 &&
	       rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512BW) > 0 && rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512VL) > 0;
#else
	return false;
#endif
}

#ifndef RX_AVX512
const struct rx_vec rx_avx512[RX_VECS];
#endif

eth_rx_burst_t rx_vec_select(unsigned mode)
{
	if (mode >= RX_VECS)
		return NULL;
	if (rx_avx512[mode].burst != NULL && avx512_usable())
		return rx_avx512[mode].burst;
	return baseline[mode].burst;
}

const char *rx_vec_name(eth_rx_burst_t burst)
{
	unsigned i;

	for (i = 0; i < RX_VECS && burst != NULL; i++) {
		if (baseline[i].burst == burst)
			return baseline[i].name;
		if (rx_avx512[i].burst == burst)
			return rx_avx512[i].name;
	}
	return "none";
}
