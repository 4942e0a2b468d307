/* SPDX-License-Identifier: BSD-3-Clause */
/* Poisoning by hand, for memory that AddressSanitizer does not manage itself.
 * Without it the macros only evaluate their arguments. */
#ifndef BASE_ASAN_H
#define BASE_ASAN_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define BASE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BASE_ASAN 1
#endif
#endif
#ifndef BASE_ASAN
#define BASE_ASAN 0
#endif

#if BASE_ASAN
#include <sanitizer/asan_interface.h>
#define base_poison(addr, len) __asan_poison_memory_region((addr), (len))
#define base_unpoison(addr, len) __asan_unpoison_memory_region((addr), (len))
#else
#define base_poison(addr, len) ((void)(addr), (void)(len))
#define base_unpoison(addr, len) ((void)(addr), (void)(len))
#endif

#endif
