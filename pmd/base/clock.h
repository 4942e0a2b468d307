/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The clock of the control plane, of deadlines and waits: monotonic (CLOCK_MONOTONIC),
 * never set back by anybody, of no meaning to another machine. Any thread; a call costs
 * some 20 ns, so the data path reads the TSC instead. Never fails.
 *
 * In 64 bits nanoseconds last 584 years: sums of a time and a timeout of some years do not wrap.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_NS_PER_S  UINT64_C(1000000000)
#define CLOCK_NS_PER_MS UINT64_C(1000000)
#define CLOCK_NS_PER_US UINT64_C(1000)

/* The same instant, rounded down; differences of one of them are exact. */
uint64_t clock_now_ns(void);
uint64_t clock_now_us(void);
uint64_t clock_now_ms(void);

/* A time of clock_now_ns() as pthread_cond_timedwait() takes it, of a condition whose clock is
 * CLOCK_MONOTONIC. */
struct timespec clock_timespec(uint64_t ns);

/* CPU time that the calling thread has used, nanoseconds. */
uint64_t clock_thread_cpu_ns(void);

#endif
