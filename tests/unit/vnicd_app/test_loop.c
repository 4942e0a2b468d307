/* SPDX-License-Identifier: BSD-3-Clause */
/* The loop: descriptors, timers, sleeping and being woken. */
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_common.h>

#include "app/vnicd/loop.h"
#include "tests/unit/test.h"

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define ROUNDS 40

static struct vnicd_loop *loop;
static unsigned works, arms, disarms, timers;
static uint64_t timer_next;      /* what timer() says */
static uint64_t due, late[ROUNDS];
static unsigned n_late;

static bool no_work(void *arg, uint64_t now)
{
	works++;
	return false;
}
static bool arm(void *arg, bool on)
{
	arms += on;
	disarms += !on;
	return false;
}
static uint64_t timer(void *arg, uint64_t now)
{
	timers++;
	return timer_next;
}

static const struct vnicd_loop_ops plain = { .work = no_work, .arm = arm, .timer = timer };

static void
begin(const struct vnicd_loop_ops *ops, uint64_t spin_ns)
{
	works = arms = disarms = timers = n_late = 0;
	timer_next = UINT64_MAX;
	CU_ASSERT_EQUAL_FATAL(vnicd_loop_create(&loop, ops, NULL, spin_ns), 0);
}

/* ---- descriptors ----------------------------------------------------------------- */
static int fds[3];
static unsigned reads[3];

static void
on_readable(void *arg, int fd)
{
	unsigned i = (unsigned)(uintptr_t)arg;
	eventfd_t n;

	CU_ASSERT_EQUAL(fd, fds[i]);
	CU_ASSERT_EQUAL(eventfd_read(fd, &n), 0);
	reads[i]++;
	if (i == 0) {
		/* The next one is removed while its event may have been fetched already. */
		vnicd_loop_unwatch(loop, fds[1]);
		vnicd_loop_unwatch(loop, fds[1]); /* twice does no harm */
		CU_ASSERT_EQUAL(vnicd_loop_watch(loop, fds[2], on_readable, (void *)2), 0);
		eventfd_write(fds[2], 1);
	}
	if (i == 2)
		vnicd_loop_stop(loop);
}

static void
loop__descriptors_come_and_go_in_callbacks(void)
{
	begin(&plain, 0);
	memset(reads, 0, sizeof(reads));
	for (unsigned i = 0; i < 3; i++)
		fds[i] = eventfd(0, EFD_NONBLOCK);
	CU_ASSERT_EQUAL(vnicd_loop_watch(loop, fds[0], on_readable, (void *)0), 0);
	CU_ASSERT_EQUAL(vnicd_loop_watch(loop, fds[1], on_readable, (void *)1), 0);
	CU_ASSERT(vnicd_loop_watch(loop, -1, on_readable, NULL) < 0);
	eventfd_write(fds[0], 1);
	vnicd_loop_run(loop);
	CU_ASSERT(reads[0] == 1 && reads[1] == 0 && reads[2] == 1);
	CU_ASSERT(vnicd_loop_stats(loop)->wakes >= 2 && vnicd_loop_stats(loop)->sleeps >= 2);
	CU_ASSERT(arms == disarms && arms >= 2);
	vnicd_loop_destroy(loop);
	for (unsigned i = 0; i < 3; i++)
		close(fds[i]);
}

/* ---- time --------------------------------------------------------------------------- */
/* Each time is asked for when the one before has come. */
static uint64_t
next_round(void *arg, uint64_t now)
{
	if (due != 0 && now < due)
		return due; /* it may be called before */
	if (due != 0)
		late[n_late++] = now - due;
	if (n_late == ROUNDS) {
		vnicd_loop_stop(loop);
		return UINT64_MAX;
	}
	due = vnicd_now() + 300 * US;
	return due;
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Never before its time; nearly always within what the machine takes to wake a thread, unless
 * that had other things to do. */
static bool
in_time(void)
{
	static const struct vnicd_loop_ops ops = { .work = no_work, .arm = arm, .timer = next_round };
	bool good;

	begin(&ops, 20 * US);
	due = 0;
	vnicd_loop_at(loop, 0);
	vnicd_loop_run(loop);
	CU_ASSERT_EQUAL_FATAL(n_late, ROUNDS);
	qsort(late, ROUNDS, sizeof(late[0]), by_value);
	good = late[ROUNDS / 2] < 2 * MS; /* some microseconds on a core of its own */
	good = good && vnicd_loop_stats(loop)->sleeps >= ROUNDS / 2; /* it slept all the same */
	vnicd_loop_destroy(loop);
	return good;
}

static void
loop__timers_come_in_time(void)
{
	CU_ASSERT(TEST_SOON(in_time()));
}

/* What is asked for from within timer() counts, though timer() says later. */
static uint64_t
ask_again(void *arg, uint64_t now)
{
	if (++timers == 2)
		vnicd_loop_stop(loop);
	else
		vnicd_loop_at(loop, now + MS);
	return UINT64_MAX;
}

static void
loop__asked_for_within_timer(void)
{
	static const struct vnicd_loop_ops ops = { .work = no_work, .arm = arm, .timer = ask_again };

	begin(&ops, 0);
	vnicd_loop_at(loop, 0);
	vnicd_loop_run(loop);
	CU_ASSERT_EQUAL(timers, 2);
	vnicd_loop_destroy(loop);
}

/* ---- work ----------------------------------------------------------------------------- */
static unsigned work_left;

static bool
some_work(void *arg, uint64_t now)
{
	if (work_left > 0)
		work_left--;
	else if (++works == 3)
		vnicd_loop_stop(loop);
	return work_left > 0;
}
static bool
work_came(void *arg, bool on)
{
	arms += on;
	return on;
}

/* With work it does not sleep, nor when work came while notifications were asked for. */
static void
loop__does_not_sleep_with_work(void)
{
	static const struct vnicd_loop_ops ops = { .work = some_work, .arm = work_came, .timer = timer };

	begin(&ops, 0);
	work_left = 50;
	vnicd_loop_run(loop);
	CU_ASSERT_EQUAL(vnicd_loop_stats(loop)->busy, 49);
	CU_ASSERT_EQUAL(vnicd_loop_stats(loop)->sleeps, 0);
	CU_ASSERT(arms >= 3);
	vnicd_loop_destroy(loop);
}

/* ---- pauses ---------------------------------------------------------------------------- */
#define PAUSES 12
static unsigned pause_of;
static uint64_t turns_at[PAUSES + 1];
static bool something;

static uint64_t
each_pause(void *arg, uint64_t now)
{
	if (now < due)
		return due;
	something = true;
	due = now + 5 * MS;
	turns_at[pause_of++] = vnicd_loop_stats(loop)->turns;
	if (pause_of > PAUSES)
		vnicd_loop_stop(loop);
	return due;
}
static bool
work_if_any(void *arg, uint64_t now)
{
	bool any = something;

	something = false;
	return any;
}

/* Pauses longer than the time that is polled through are slept from their start, once that is known. */
static bool
learns(void)
{
	static const struct vnicd_loop_ops ops = { .work = work_if_any, .arm = arm, .timer = each_pause };

	uint64_t early = 0, last = UINT64_MAX;

	/* Half of the time would be polled through. That before a timer is, as ever: it is taken out. */
	begin(&ops, 2 * MS);
	pause_of = 0;
	due = 0;
	vnicd_loop_at(loop, 0);
	vnicd_loop_run(loop);
	CU_ASSERT_EQUAL_FATAL(pause_of, PAUSES + 1);
	for (unsigned i = 0; i < 4; i++)
		early = RTE_MAX(early, turns_at[i + 1] - turns_at[i]);
	for (unsigned i = 8; i < PAUSES; i++)
		last = RTE_MIN(last, turns_at[i + 1] - turns_at[i]);
	vnicd_loop_destroy(loop);
	return last < 3 * early / 4;
}

/* Seen in turns, of which a busy machine makes as many as it likes: sooner or later it lets us. */
static void
loop__learns_from_pauses(void)
{
	CU_ASSERT(TEST_SOON(learns()));
}

static unsigned news;

static void
on_news(void *arg, int fd)
{
	news++;
}

/* A few, without sleeping. */
static void
turn_round(void)
{
	works = 0;
	vnicd_loop_run(loop);
}

/* Told once of what is new, not of what was read, and of nothing while quiet. */
static void
loop__tells_what_is_new(void)
{
	static const struct vnicd_loop_ops ops = { .work = some_work, .arm = work_came, .timer = timer };
	int fd = eventfd(0, EFD_NONBLOCK);

	begin(&ops, MS);
	news = 0;
	CU_ASSERT_EQUAL(vnicd_loop_watch_new(loop, fd, on_news, NULL), 0);
	eventfd_write(fd, 1);
	turn_round();
	turn_round();
	CU_ASSERT_EQUAL(news, 1);
	eventfd_write(fd, 1);
	turn_round();
	CU_ASSERT_EQUAL(news, 2);
	vnicd_loop_quiet(loop, fd, true);
	eventfd_write(fd, 1);
	turn_round();
	CU_ASSERT_EQUAL(news, 2);
	vnicd_loop_quiet(loop, fd, false);
	turn_round();
	CU_ASSERT_EQUAL(news, 3);
	vnicd_loop_destroy(loop);
	close(fd);
}

static const struct test_case cases[] = {
	TEST_CASE(loop__descriptors_come_and_go_in_callbacks),
	TEST_CASE(loop__timers_come_in_time),
	TEST_CASE(loop__asked_for_within_timer),
	TEST_CASE(loop__does_not_sleep_with_work),
	TEST_CASE(loop__learns_from_pauses),
	TEST_CASE(loop__tells_what_is_new),
};
TEST_MAIN("loop", cases)
