/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/vnicd/loop.h"
#include "pmd/base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#include <rte_common.h>

#define EVENTS 32
/* Turns with work between two looks at the descriptors. */
#define BUSY_TURNS 8
/* A pause has this part in what is thought of the next one. */
#define WORTH_WEIGHT 8u
#define WORTH_ALWAYS 1024u

struct watch {
	int fd; /* -1: removed */
	void (*fn)(void *arg, int fd);
	void *arg;
	LIST_ENTRY(watch) next;
};

struct vnicd_loop {
	const struct vnicd_loop_ops *ops;
	void *arg;
	int epfd;
	bool stop;
	unsigned busy_turns;
	bool idle;           /* nothing was found to do in the last turn */
	unsigned worth;      /* how often a pause was shorter than spin_ns lately, of WORTH_ALWAYS */
	uint64_t spin_ns, last_work, due;
	struct vnicd_loop_stats stats;
	LIST_HEAD(, watch) watches, removed;
};

uint64_t
vnicd_now(void)
{
	return clock_now_ns();
}

int
vnicd_loop_create(struct vnicd_loop **out, const struct vnicd_loop_ops *ops, void *arg, uint64_t spin_ns)
{
	struct vnicd_loop *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (l == NULL)
		return -ENOMEM;
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epfd < 0) {
		int rc = -errno;

		free(l);
		return rc;
	}
	l->ops = ops;
	l->arg = arg;
	l->spin_ns = spin_ns;
	l->worth = WORTH_ALWAYS;
	*out = l;
	return 0;
}

/* A watch lives on until no event fetched before can point to it. */
static void
sweep(struct vnicd_loop *l)
{
	struct watch *w;

	while ((w = LIST_FIRST(&l->removed)) != NULL) {
		LIST_REMOVE(w, next);
		free(w);
	}
}

void
vnicd_loop_destroy(struct vnicd_loop *l)
{
	struct watch *w;

	if (l == NULL)
		return;
	while ((w = LIST_FIRST(&l->watches)) != NULL) {
		LIST_REMOVE(w, next);
		free(w);
	}
	sweep(l);
	close(l->epfd);
	free(l);
}

static int
watch(struct vnicd_loop *l, int fd, uint32_t how, void (*fn)(void *arg, int fd), void *arg)
{
	struct watch *w = calloc(1, sizeof(*w));
	struct epoll_event ev = { .events = EPOLLIN | how, .data.ptr = w };

	if (w == NULL)
		return -ENOMEM;
	*w = (struct watch){ .fd = fd, .fn = fn, .arg = arg };
	if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &ev) < 0) {
		int rc = -errno;

		free(w);
		return rc;
	}
	LIST_INSERT_HEAD(&l->watches, w, next);
	return 0;
}

int
vnicd_loop_watch(struct vnicd_loop *l, int fd, void (*fn)(void *arg, int fd), void *arg)
{
	return watch(l, fd, 0, fn, arg);
}

int
vnicd_loop_watch_new(struct vnicd_loop *l, int fd, void (*fn)(void *arg, int fd), void *arg)
{
	return watch(l, fd, EPOLLET, fn, arg);
}

void
vnicd_loop_quiet(struct vnicd_loop *l, int fd, bool quiet)
{
	struct watch *w;

	LIST_FOREACH(w, &l->watches, next) {
		struct epoll_event ev = { .events = quiet ? 0 : EPOLLIN | EPOLLET, .data.ptr = w };

		if (w->fd == fd)
			epoll_ctl(l->epfd, EPOLL_CTL_MOD, fd, &ev);
	}
}

void
vnicd_loop_unwatch(struct vnicd_loop *l, int fd)
{
	struct watch *w;

	LIST_FOREACH(w, &l->watches, next) {
		if (w->fd != fd)
			continue;
		epoll_ctl(l->epfd, EPOLL_CTL_DEL, fd, NULL);
		w->fd = -1;
		LIST_REMOVE(w, next);
		LIST_INSERT_HEAD(&l->removed, w, next);
		return;
	}
}

void
vnicd_loop_at(struct vnicd_loop *l, uint64_t when)
{
	l->due = RTE_MIN(l->due, when);
}

/* Sleep for at most this long; how many descriptors were readable. */
static int
dispatch(struct vnicd_loop *l, uint64_t timeout)
{
	struct timespec ts = { .tv_sec = (time_t)(timeout / 1000000000),
			       .tv_nsec = (long)(timeout % 1000000000) };
	struct epoll_event ev[EVENTS];
	int n = epoll_pwait2(l->epfd, ev, EVENTS, timeout == UINT64_MAX ? NULL : &ts, NULL);

	for (int i = 0; i < n; i++) {
		struct watch *w = ev[i].data.ptr;

		if (w->fd >= 0)
			w->fn(w->arg, w->fd);
	}
	sweep(l);
	return n;
}

static void
run_timers(struct vnicd_loop *l, uint64_t now)
{
	if (now < l->due)
		return;
	/* What is asked for meanwhile may come earlier than what timer() says. */
	l->due = UINT64_MAX;
	vnicd_loop_at(l, l->ops->timer(l->arg, now));
}

/* How long to sleep: to the time something is due, but for what is polled through before it. */
static uint64_t
sleep_ns(const struct vnicd_loop *l)
{
	uint64_t now = vnicd_now();

	if (l->due == UINT64_MAX)
		return UINT64_MAX;
	return l->due > now + l->spin_ns ? l->due - now - l->spin_ns : 0;
}

static void
sleep_until_notified(struct vnicd_loop *l, uint64_t now)
{
	if (l->ops->arm(l->arg, true)) {
		l->last_work = now;
	} else {
		l->stats.sleeps++;
		if (dispatch(l, sleep_ns(l)) > 0)
			l->stats.wakes++;
	}
	l->ops->arm(l->arg, false);
}

/* A pause is over: one that was longer than we would poll through should have been slept from its start. */
static void
learn_pause(struct vnicd_loop *l, uint64_t now)
{
	if (!l->idle)
		return;
	l->idle = false;
	l->worth -= l->worth / WORTH_WEIGHT;
	if (now - l->last_work < l->spin_ns)
		l->worth += WORTH_ALWAYS / WORTH_WEIGHT;
}

/* Worth asking everybody for notifications? Not with so little time left. */
static bool
may_sleep(const struct vnicd_loop *l, uint64_t now)
{
	uint64_t spin = l->worth >= WORTH_ALWAYS / 2 ? l->spin_ns : 0;

	return now - l->last_work >= spin && (l->due == UINT64_MAX || l->due > now + l->spin_ns);
}

static void
turn(struct vnicd_loop *l)
{
	uint64_t now = vnicd_now();

	l->stats.turns++;
	run_timers(l, now);
	if (l->ops->work(l->arg, now)) {
		l->stats.busy++;
		learn_pause(l, now);
		l->last_work = now;
		if (++l->busy_turns % BUSY_TURNS == 0)
			dispatch(l, 0);
		return;
	}
	if (l->stop)
		return;
	l->idle = true;
	now = vnicd_now();
	if (may_sleep(l, now))
		sleep_until_notified(l, now);
	else
		dispatch(l, 0);
}

void
vnicd_loop_run(struct vnicd_loop *l)
{
	/* Else the kernel lets sleeps of this thread end up to 50 us late. */
	(void)prctl(PR_SET_TIMERSLACK, 1ul);
	l->stop = false;
	while (!l->stop)
		turn(l);
}

void
vnicd_loop_stop(struct vnicd_loop *l)
{
	l->stop = true;
}

const struct vnicd_loop_stats *
vnicd_loop_stats(const struct vnicd_loop *l)
{
	return &l->stats;
}
