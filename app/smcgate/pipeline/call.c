/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls to a worker: request and answer. A request belongs to the worker until
 * it is done; a caller that gives up leaves it behind and frees it later. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_atomic.h>

#include "app/smcgate/pipeline/idle.h"
#include "app/smcgate/pipeline/lcore.h"
#include "app/smcgate/pipeline/pipeline_impl.h"
#include "pmd/base/clock.h"

struct request {
	struct request *next; /* abandoned ones */
	pipeline_fn fn;
	int rc;
	uint32_t done;        /* released by the worker, after which it is the caller's */
	size_t len;
	max_align_t arg[];
};

int calls_init(struct pipeline *pl)
{
	pl->cancel_fd = -1;
	pl->done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return pl->done_fd < 0 ? -errno : 0;
}

static void free_abandoned(struct pipeline *pl, bool all)
{
	struct request **at = &pl->abandoned, *r;

	while ((r = *at) != NULL) {
		if (all || __atomic_load_n(&r->done, __ATOMIC_ACQUIRE) != 0) {
			*at = r->next;
			free(r);
		} else {
			at = &r->next;
		}
	}
}

void calls_fini(struct pipeline *pl)
{
	free_abandoned(pl, true);
	if (pl->done_fd >= 0)
		close(pl->done_fd);
	pl->done_fd = -1;
}

/* Of the thread that waits; NULL: nothing special. */
static __thread const struct pipeline_waiter *waiter;

void pipeline_wait_as(const struct pipeline_waiter *w)
{
	waiter = w;
}

void pipeline_cancel_on(struct pipeline *pl, int fd)
{
	pl->cancel_fd = fd;
}

int calls_cancel_fd(const struct pipeline *pl)
{
	return waiter != NULL ? waiter->cancel_fd : pl->cancel_fd;
}

void calls_wait_begin(void)
{
	if (waiter != NULL && waiter->begin != NULL)
		waiter->begin(waiter->arg);
}

void calls_wait_end(void)
{
	if (waiter != NULL && waiter->end != NULL)
		waiter->end(waiter->arg);
}

void request_run(struct lcore *lc, struct request *r)
{
	struct pipeline *pl = lc->pl;
	uint64_t one = 1;

	r->rc = r->fn(lc, r->arg);
	__atomic_store_n(&r->done, 1, __ATOMIC_RELEASE);
	rte_smp_mb(); /* done before the look at waiting; the caller does it the other way round */
	if (__atomic_load_n(&pl->waiting, __ATOMIC_RELAXED) != 0 && write(pl->done_fd, &one, sizeof(one)) < 0)
		return; /* the counter is full: it wakes as well */
}

static int wait_done(struct pipeline *pl, const struct request *r)
{
	int64_t end = (int64_t)clock_now_ms() + PIPELINE_CALL_TIMEOUT_MS;
	struct pollfd fds[2] = {
		{ .fd = pl->done_fd, .events = POLLIN }, { .fd = calls_cancel_fd(pl), .events = POLLIN },
	};
	uint64_t n;
	int rc = 0;

	__atomic_store_n(&pl->waiting, 1, __ATOMIC_RELAXED);
	rte_smp_mb();
	while (__atomic_load_n(&r->done, __ATOMIC_ACQUIRE) == 0 && rc == 0) {
		int64_t left = end - (int64_t)clock_now_ms();

		if (left <= 0) {
			rc = -ETIMEDOUT;
		} else if (poll(fds, 2, (int)left) > 0) {
			if ((fds[1].revents & POLLIN) != 0)
				rc = -ECANCELED;
			if (read(pl->done_fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
				rc = -errno;
		}
	}
	__atomic_store_n(&pl->waiting, 0, __ATOMIC_RELAXED);
	return __atomic_load_n(&r->done, __ATOMIC_ACQUIRE) != 0 ? 0 : rc;
}

static int call_locked(struct pipeline *pl, unsigned i, pipeline_fn fn, void *arg, size_t len)
{
	struct request *r;
	int rc;

	free_abandoned(pl, false);
	if (!pl->launched)
		return -ESHUTDOWN;
	if (i >= pl->n_workers || len > PIPELINE_CALL_MAX)
		return -EINVAL;
	r = malloc(sizeof(*r) + len);
	if (r == NULL)
		return -ENOMEM;
	*r = (struct request){ .fn = fn, .len = len };
	if (len != 0)
		memcpy(r->arg, arg, len);
	if (rte_ring_sp_enqueue(pl->exchange.calls[i], r) != 0) {
		free(r);
		return -EAGAIN;
	}
	rte_smp_mb(); /* the ring before the flag: see idle.h */
	idle_wake(pl->lcores[i]);
	rc = wait_done(pl, r);
	if (rc < 0) {
		r->next = pl->abandoned;
		pl->abandoned = r;
		return rc;
	}
	rc = r->rc;
	if (len != 0)
		memcpy(arg, r->arg, len);
	free(r);
	return rc;
}

int pipeline_call(struct pipeline *pl, unsigned i, pipeline_fn fn, void *arg, size_t len)
{
	int rc;

	pipeline_lock(pl);
	rc = call_locked(pl, i, fn, arg, len);
	pipeline_unlock(pl);
	return rc;
}

int pipeline_call_each(struct pipeline *pl, pipeline_fn fn, void *arg, size_t len)
{
	int rc = 0;

	for (unsigned i = 0; i < pl->n_workers && rc >= 0; i++)
		rc = pipeline_call(pl, i, fn, arg, len);
	return rc;
}

static int nothing(struct lcore *lc, void *arg)
{
	return 0;
}

int pipeline_sync(struct pipeline *pl)
{
	return pipeline_call_each(pl, nothing, NULL, 0);
}
