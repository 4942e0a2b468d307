/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/rdma/icrc.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <rte_net_crc.h>
#include <rte_vect.h>

#define SEED_LEN 4

/* CRC-32, reflected, four bits at a time: for what is too short for, or must
 * not be touched by, the other way. */
static const uint32_t nibbles[16] = {
	0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
	0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

static void choose(void)
{
#ifdef RTE_ARCH_ARM64
	rte_net_crc_set_alg(RTE_NET_CRC_NEON);
#else
	uint16_t bits = rte_vect_get_max_simd_bitwidth();

	/* Several times faster, but not taken unless all of DPDK may use such
	 * registers. Fails when the user has set the width, which then holds. */
	rte_vect_set_max_simd_bitwidth(RTE_VECT_SIMD_512);
	rte_net_crc_set_alg(RTE_NET_CRC_AVX512);
	rte_vect_set_max_simd_bitwidth(bits);
#endif
}

void icrc_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	/* While it is chosen there is none: not under another lcore's feet. */
	pthread_once(&once, choose);
}

uint32_t icrc_update_shared(uint32_t state, const uint8_t *data, size_t len)
{
	for (; len != 0; len--) {
		state ^= *data++;
		state = nibbles[state & 15] ^ state >> 4;
		state = nibbles[state & 15] ^ state >> 4;
	}
	return state;
}

uint32_t icrc_whole(const uint8_t *stream, size_t len)
{
	return rte_net_crc_calc(stream, (uint32_t)len, RTE_NET_CRC32_ETH);
}

static void add_seed(uint8_t *data, uint32_t seed)
{
	uint32_t v;

	memcpy(&v, data, SEED_LEN);
	v ^= seed;
	memcpy(data, &v, SEED_LEN);
}

uint32_t icrc_update(uint32_t state, uint8_t *data, size_t len)
{
	uint32_t crc, seed = rte_cpu_to_le_32(~state);

	if (len < SEED_LEN)
		return icrc_update_shared(state, data, len);
	add_seed(data, seed);
	crc = icrc_whole(data, len);
	add_seed(data, seed);
	return ~crc;
}

/* Nobody else, on another lcore maybe, holds the same octets. */
static bool only_ours(const struct rte_mbuf *m)
{
	if (rte_mbuf_refcnt_read(m) != 1 || RTE_MBUF_CLONED(m))
		return false;
	return !RTE_MBUF_HAS_EXTBUF(m) || RTE_MBUF_HAS_PINNED_EXTBUF(m) || rte_mbuf_ext_refcnt_read(m->shinfo) == 1;
}

bool icrc_may_write(const struct rte_mbuf *m)
{
	return m->nb_segs == 1 && only_ours(m) && rte_pktmbuf_headroom(m) >= ICRC_ONES;
}

uint32_t icrc_mbuf(uint32_t state, struct rte_mbuf *m, uint32_t from, uint32_t len)
{
	for (; len != 0; m = m->next) {
		uint32_t n;

		if (from >= m->data_len) {
			from -= m->data_len;
			continue;
		}
		n = RTE_MIN(len, m->data_len - from);
		if (only_ours(m))
			state = icrc_update(state, rte_pktmbuf_mtod_offset(m, uint8_t *, from), n);
		else
			state = icrc_update_shared(state, rte_pktmbuf_mtod_offset(m, uint8_t *, from), n);
		len -= n;
		from = 0;
	}
	return state;
}
