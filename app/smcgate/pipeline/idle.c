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
#include "app/smcgate/pipeline/port.h"

uint32_t idle_sleep_us(const struct idle_view *v)
{
	uint32_t limit = v->interrupts ? IDLE_INTERRUPT_SLEEP_US : v->max_sleep_us;
	uint64_t us;
	uint32_t over;

	if (!v->enabled || v->empty_turns < v->spin_turns)
		return 0;
	if (v->backlog)
		limit = RTE_MIN(limit, (uint32_t)IDLE_BACKLOG_SLEEP_US);
	else if (v->busy)
		return 0;
	over = RTE_MIN(v->empty_turns - v->spin_turns, 16U);
	us = RTE_MIN((uint64_t)v->min_sleep_us << over, (uint64_t)limit);
	if (v->interrupts)
		us = limit;
	if (v->next_us <= v->now_us)
		return 0;
	return (uint32_t)RTE_MIN(us, v->next_us - v->now_us);
}

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

/* Returns whether something else than the time ended it. */
static bool wait_for(struct lcore *lc, uint32_t us)
{
	struct timespec ts = { .tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000 };
	uint64_t n;
	int rc = ppoll(lc->fds, lc->n_fds, &ts, NULL);

	if (rc <= 0)
		return false;
	if ((lc->fds[0].revents & POLLIN) != 0 && read(lc->efd, &n, sizeof(n)) != sizeof(n))
		return false;
	return true;
}

bool idle_run(struct lcore *lc, uint64_t next_us, bool busy, bool backlog)
{
	struct idle_view v = {
		.spin_turns = lc->idle->spin_turns,
		.min_sleep_us = lc->idle->min_sleep_us,
		.max_sleep_us = lc->idle->max_sleep_us,
		.enabled = lc->idle->enabled,
		.interrupts = lc->interrupts && lc->n_rxq != 0,
		.busy = busy,
		.backlog = backlog,
		.empty_turns = lc->empty_turns,
		.now_us = lc->now_us,
		.next_us = next_us,
	};
	uint32_t us;

	if (lc->n_rxq == 0 || !lc->running)
		v.interrupts = true; /* only others give us work, and they wake us */
	us = idle_sleep_us(&v);
	if (us == 0)
		return false;

	__atomic_store_n(&lc->sleeping, 1, __ATOMIC_RELAXED);
	rte_smp_mb(); /* the flag is seen before our last look: see idle.h */
	if (!exchange_pending(lc) && arm_interrupts(lc)) {
		uint64_t before = rte_rdtsc();

		lc->stats.sleeps++;
		lc->stats.wakeups += wait_for(lc, us);
		lc->stats.slept_us += clock_us(&lc->clock, rte_rdtsc()) - clock_us(&lc->clock, before);
	}
	disarm_interrupts(lc);
	__atomic_store_n(&lc->sleeping, 0, __ATOMIC_RELAXED);
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
		if (fd >= 0)
			lc->fds[n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
		else
			lc->interrupts = false;
	}
	lc->n_fds = n;
}

int idle_init(struct lcore *lc)
{
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
