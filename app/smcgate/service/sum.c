/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading what was received, for those who have no other use for it. */
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "app/smcgate/service/service.h"

#define BLOCK 128

static uint64_t sum_octets(const uint8_t *p, uint32_t len)
{
	const uint64_t even = 0x00ff00ff00ff00ff, fold = 0x0001000100010001;
	uint64_t sum = 0, w;

	for (; len >= sizeof(w); len -= sizeof(w), p += sizeof(w)) {
		memcpy(&w, p, sizeof(w));
		sum += ((w & even) + (w >> 8 & even)) * fold >> 48;
	}
	while (len-- > 0)
		sum += *p++;
	return sum;
}

#ifdef __x86_64__
/* n blocks from an address that is a multiple of 32. */
__attribute__((target("avx2"))) static uint64_t sum_avx2(const uint8_t *p, uint32_t n)
{
	const __m256i zero = _mm256_setzero_si256();
	__m256i a = zero, b = zero;
	uint64_t part[4];

	for (; n > 0; n--, p += BLOCK) {
		const __m256i *q = (const __m256i *)p;

		a = _mm256_add_epi64(a, _mm256_sad_epu8(_mm256_load_si256(q), zero));
		b = _mm256_add_epi64(b, _mm256_sad_epu8(_mm256_load_si256(q + 1), zero));
		a = _mm256_add_epi64(a, _mm256_sad_epu8(_mm256_load_si256(q + 2), zero));
		b = _mm256_add_epi64(b, _mm256_sad_epu8(_mm256_load_si256(q + 3), zero));
	}
	_mm256_storeu_si256((__m256i *)part, _mm256_add_epi64(a, b));
	return part[0] + part[1] + part[2] + part[3];
}

static uint64_t sum_sse2(const uint8_t *p, uint32_t n)
{
	const __m128i zero = _mm_setzero_si128();
	__m128i a = zero, b = zero;
	uint64_t part[2];

	for (n *= BLOCK / 32; n > 0; n--, p += 32) {
		const __m128i *q = (const __m128i *)p;

		a = _mm_add_epi64(a, _mm_sad_epu8(_mm_load_si128(q), zero));
		b = _mm_add_epi64(b, _mm_sad_epu8(_mm_load_si128(q + 1), zero));
	}
	_mm_storeu_si128((__m128i *)part, _mm_add_epi64(a, b));
	return part[0] + part[1];
}

static uint64_t sum_blocks(const uint8_t *p, uint32_t n)
{
	return __builtin_cpu_supports("avx2") ? sum_avx2(p, n) : sum_sse2(p, n);
}
#else
static uint64_t sum_blocks(const uint8_t *p, uint32_t n)
{
	return sum_octets(p, n * BLOCK);
}
#endif

/* What is read is as a rule longer than the first cache has room for: whole lines at a time make the difference. */
uint64_t service_sum(const void *data, uint32_t len)
{
	const uint8_t *p = data;
	uint32_t head = -(uint32_t)(uintptr_t)p % 32, blocks;
	uint64_t sum;

	if (len < 2 * BLOCK)
		return sum_octets(p, len);
	sum = sum_octets(p, head);
	p += head;
	len -= head;
	blocks = len / BLOCK;
	return sum + sum_blocks(p, blocks) + sum_octets(p + blocks * BLOCK, len % BLOCK);
}
