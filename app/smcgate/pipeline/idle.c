/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/pipeline/idle.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <rte_atomic.h>
#include <rte_ethdev.h>

#include "app/smcgate/pipeline/exchange.h"
#include "app/smcgate/pipeline/lcore.h"
#include "app/smcgate/pipeline/pause.h"
#include "app/smcgate/pipeline/port.h"
#include "pmd/base/clock.h"

#define MEASURED 9        /* sleeps, of which the median counts */
#define MEASURED_NS 50000

/* The queues' interrupts: those that have to be armed are, and only if nothing
 * slipped in before that may we wait for them. */
static bool arm_interrupts(struct lcore *lc)
{
	bool quiet = true;

	for (unsigned i = 0; i < lc->n_rxq; i++) {
		const struct rx_queue *q = &lc->rxq[i];

		if (!q->arm)
			continue;
		rte_eth_dev_rx_intr_enable(q->id, q->queue);
		quiet &= rte_eth_rx_queue_count(q->id, q->queue) <= 0;
	}
	return quiet;
}

static void disarm_interrupts(struct lcore *lc)
{
	for (unsigned i = 0; i < lc->n_rxq; i++)
		if (lc->rxq[i].arm)
			rte_eth_dev_rx_intr_disable(lc->rxq[i].id, lc->rxq[i].queue);
}

/* An interrupt that is not taken would end every sleep to come. */
static void take_interrupts(struct lcore *lc)
{
	for (unsigned i = 0; i < lc->n_rxq; i++) {
		const struct pollfd *fd = &lc->fds[lc->rxq[i].fd];
		uint64_t n;

		if (lc->rxq[i].arm && (fd->revents & POLLIN) != 0 && read(fd->fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
			return; /* gone with its device: the port is told of otherwise */
	}
}

/* Returns whether something else than the time ended it. A nap heeds the eventfd only. */
static bool wait_for(struct lcore *lc, uint32_t us, bool nap)
{
	struct timespec ts = { .tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000 };
	uint64_t n;
	int rc = ppoll(lc->fds, nap ? 1 : lc->n_fds, &ts, NULL);

	if (rc <= 0)
		return false;
	if (!nap)
		take_interrupts(lc);
	if ((lc->fds[0].revents & POLLIN) != 0 && read(lc->efd, &n, sizeof(n)) != sizeof(n))
		return false;
	return true;
}

/* ---- what resting costs here ---------------------------------------------------------------- */

void idle_measure(struct lcore *lc)
{
	uint64_t late[MEASURED];
	uint32_t us;

	for (unsigned i = 0; i < MEASURED; i++) {
		struct timespec ts = { .tv_nsec = MEASURED_NS };
		uint64_t before = clock_now_ns(), took;
		unsigned at = i;

		(void)ppoll(NULL, 0, &ts, NULL);
		took = clock_now_ns() - before;
		took = took > MEASURED_NS ? took - MEASURED_NS : 0;
		for (; at > 0 && late[at - 1] > took; at--)
			late[at] = late[at - 1];
		late[at] = took;
	}
	us = (uint32_t)RTE_MIN((late[MEASURED / 2] + 999) / 1000, (uint64_t)IDLE_LATE_MAX_US);
	lc->machine = backoff_machine_of(us, pause_longest_us());
}

/* ---- sleeps ------------------------------------------------------------------------------- */

/* A sleep that ended far too late tells of others on the core, and not of the timer: to sleep
 * less then would take the core from them. */
static void slept(struct lcore *lc, uint32_t asked_us, uint32_t took_us)
{
	uint32_t most = asked_us + RTE_MAX((uint32_t)IDLE_LATE_MAX_US, lc->machine.floor_us);

	backoff_slept(&lc->backoff, &lc->machine, asked_us, RTE_MIN(took_us, most));
	lc->stats.late_sleeps += took_us > lc->limits.bound_us;
}

static void sleep_for(struct lcore *lc, const struct backoff_step *step)
{
	bool timed = step->act == BACKOFF_SLEEP, nap = timed && lc->limits.interrupts;

	__atomic_store_n(&lc->sleeping, 1, __ATOMIC_RELAXED);
	rte_smp_mb(); /* the flag is seen before our last look: see idle.h */
	if (!exchange_pending(lc) && (nap || arm_interrupts(lc))) {
		uint64_t before = clock_now_ns();
		bool woken = wait_for(lc, step->us, nap);
		uint32_t took_us = (uint32_t)((clock_now_ns() - before) / 1000);

		lc->stats.sleeps++;
		lc->stats.wakeups += woken;
		lc->stats.slept_us += took_us;
		if (!woken && timed)
			slept(lc, step->us, took_us);
	}
	if (!nap)
		disarm_interrupts(lc);
	__atomic_store_n(&lc->sleeping, 0, __ATOMIC_RELAXED);
}

/* What the queues allow together; who has none gets work from others only, and they wake it. */
static void set_limits(struct lcore *lc)
{
	struct backoff_limits *l = &lc->limits;

	if (!lc->limits_stale)
		return;
	lc->limits_stale = false;
	if (lc->n_rxq == 0 || !lc->running) {
		bool awake = lc->running && !lc->idle->enabled;

		*l = (struct backoff_limits){
			.spin = lc->idle->spin_turns, .bound_us = awake ? 0 : UINT32_MAX, .interrupts = true,
		};
		return;
	}
	moderate_limits_init(l);
	for (unsigned i = 0; i < lc->n_rxq; i++)
		moderate_limits_add(l, lc->rxq[i].mod);
	l->interrupts = lc->interrupts;
	backoff_limits_done(l, &lc->machine);
}

uint32_t idle_adds_us(struct lcore *lc)
{
	set_limits(lc);
	return backoff_adds_us(&lc->limits, &lc->machine);
}

/* The queues are told that their lcore goes to sleep, and may change their minds. */
static void tell_queues(struct lcore *lc, bool wait)
{
	for (unsigned i = 0; i < lc->n_rxq; i++) {
		struct rx_queue *q = &lc->rxq[i];

		lc->limits_stale |= moderate_sleep(q->mod, wait && q->arm, lc->now_us);
	}
}

bool idle_run(struct lcore *lc, uint64_t next_us, bool busy, bool backlog)
{
	struct backoff_step step;

	set_limits(lc);
	if (backlog)
		next_us = RTE_MIN(next_us, lc->now_us + IDLE_BACKLOG_US);
	else if (busy)
		return false;
	step = backoff_next(&lc->backoff, &lc->limits, &lc->machine, lc->now_us, next_us);
	if (step.act == BACKOFF_POLL)
		return false;
	lc->rests++;
	if (step.act == BACKOFF_PAUSE) {
		lc->stats.pauses++;
		lc->stats.watched += pause_for(lc->rxq, lc->running ? lc->n_rxq : 0, step.us) == PAUSE_WATCHED;
		return true;
	}
	if (lc->running)
		tell_queues(lc, step.act == BACKOFF_WAIT);
	sleep_for(lc, &step);
	return true;
}

void idle_wake(struct lcore *lc)
{
	uint64_t one = 1;

	if (__atomic_load_n(&lc->sleeping, __ATOMIC_RELAXED) == 0)
		return;
	while (write(lc->efd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void idle_queues_changed(struct lcore *lc)
{
	unsigned n = 1;

	lc->interrupts = true;
	for (unsigned i = 0; i < lc->n_rxq; i++) {
		struct rx_queue *q = &lc->rxq[i];
		int fd = lc->running ? port_rx_fd(q->dev, q->queue) : -1;

		q->arm = fd >= 0 && q->dev->rx_intr_arm;
		q->fd = fd >= 0 ? (uint16_t)n : 0;
		if (fd >= 0)
			lc->fds[n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
		else
			lc->interrupts = false;
	}
	for (unsigned i = 0; i < lc->n_rxq; i++)
		moderate_place(lc->rxq[i].mod, lc->rxq[i].fd != 0, lc->interrupts, lc->rxq[i].dev->n_rxd,
			       &lc->machine);
	lc->n_fds = n;
	lc->limits_stale = true;
}

int idle_init(struct lcore *lc)
{
	(void)pause_longest_us(); /* asked of the processor before there are workers */
	lc->efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (lc->efd < 0)
		return -errno;
	lc->fds = calloc(lc->max_rxq + 1, sizeof(*lc->fds));
	if (lc->fds == NULL) {
		close(lc->efd);
		lc->efd = -1;
		return -ENOMEM;
	}
	lc->fds[0] = (struct pollfd){ .fd = lc->efd, .events = POLLIN };
	lc->n_fds = 1;
	return 0;
}

void idle_fini(struct lcore *lc)
{
	if (lc->efd >= 0)
		close(lc->efd);
	lc->efd = -1;
	free(lc->fds);
	lc->fds = NULL;
}
