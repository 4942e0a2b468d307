/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * In front of the compiler's header of this name (meson.build): all that DPDK's inline
 * functions use of it below AVX. rte_memcpy.h, and so nearly every file, includes it
 * through rte_vect.h; the whole of it, AVX-512 and all, was four fifths of the time a
 * test took to compile. A file that has an AVX path includes <immintrin.h> itself.
 */
#ifdef __AVX__
#include_next <x86intrin.h>
#else
#include <nmmintrin.h>     /* to SSE4.2 */
#include <x86gprintrin.h> /* __rdtsc(), for DPDK 24.11 */
#endif
