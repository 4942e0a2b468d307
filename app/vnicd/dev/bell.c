/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/vnicd/dev/bell.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

/* Nothing else sends it; its only use is that a call that waits ends with EINTR. */
#define SIGNAL (SIGRTMIN + 5)
#define PERIOD_NS 50000000

/*
 * A timer for each thread, that ticks while the thread rings: it costs nothing but two ticks after the last
 * time. It does not stop while a call is under way, so that the call cannot slip in behind a tick.
 */
static __thread struct {
	timer_t timer;
	bool there;
	volatile sig_atomic_t ticks, inside, rang;
} guard;

static void set(long period)
{
	const struct itimerspec when = { { 0, period }, { 0, period } };

	guard.ticks = period != 0;
	timer_settime(guard.timer, 0, &when, NULL);
}

static void on_tick(int sig)
{
	int kept = errno;

	if (!guard.inside && !guard.rang)
		set(0);
	guard.rang = 0;
	errno = kept;
}

static bool make(void)
{
	struct sigaction sa = { .sa_handler = on_tick }; /* no SA_RESTART */
	struct sigevent ev;

	memset(&ev, 0, sizeof(ev));
	ev.sigev_notify = SIGEV_THREAD_ID;
	ev.sigev_signo = SIGNAL;
	ev.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	sigemptyset(&sa.sa_mask);
	guard.there = sigaction(SIGNAL, &sa, NULL) == 0 && timer_create(CLOCK_MONOTONIC, &ev, &guard.timer) == 0;
	return guard.there;
}

static void enter(void)
{
	guard.inside = 1;
	guard.rang = 1;
	if (!guard.ticks && (guard.there || make()))
		set(PERIOD_NS);
}

static int leave(ssize_t n)
{
	int error = n < 0 ? errno : 0;

	guard.inside = 0;
	if (error == EAGAIN)
		return 0;
	return error == EINTR ? -ETIMEDOUT : -error;
}

int vnicd_bell_ring(int fd)
{
	uint64_t one = 1;

	enter();
	return leave(write(fd, &one, sizeof(one)));
}

int vnicd_bell_answer(int fd)
{
	uint64_t n;

	enter();
	return leave(read(fd, &n, sizeof(n)));
}
