/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/pipeline/device.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "app/smcgate/pipeline/pipeline_impl.h"
#include "pmd/base/clock.h"

#define MEANWHILE_MS 10 /* between looks at what else the thread has to do */
#define RETRY_MS 5 /* between looks whether another caller is done */

struct device_job {
	device_fn fn;
	pthread_t thread;
	int rc;
	int done_fd;          /* readable when fn has returned */
	bool left;            /* nobody waits for it any more; under the pipeline's lock */
	size_t len;
	max_align_t arg[];
};

static void *run(void *arg)
{
	struct device_job *job = arg;
	uint64_t one = 1;

	calls_uncancelled();
	job->rc = job->fn(job->arg);
	/* The write is what tells others, and orders what was written before. */
	while (write(job->done_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	return NULL;
}

static void job_free(struct device_job *job)
{
	close(job->done_fd);
	free(job);
}

static int job_start(struct device_job **out, device_fn fn, const void *arg, size_t len)
{
	struct device_job *job = malloc(sizeof(*job) + len);
	int rc;

	if (job == NULL)
		return -ENOMEM;
	*job = (struct device_job){ .fn = fn, .len = len, .done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	if (job->done_fd < 0) {
		free(job);
		return -ENOMEM;
	}
	memcpy(job->arg, arg, len);
	/* Off the workers' cores. */
	rc = rte_ctrl_thread_create(&job->thread, "device-call", NULL, run, job);
	if (rc != 0) {
		job_free(job);
		return -ENOMEM;
	}
	*out = job;
	return 0;
}

/* It has returned: readable says so for good, nobody reads the counter. */
static bool has_returned(const struct device_job *job)
{
	struct pollfd fd = { .fd = job->done_fd, .events = POLLIN };

	return poll(&fd, 1, 0) > 0;
}

/* Lock held: end a job that has returned. */
static int job_end(struct port *p, void *arg)
{
	struct device_job *job = p->job;
	int rc;

	pthread_join(job->thread, NULL);
	rc = job->rc;
	if (arg != NULL)
		memcpy(arg, job->arg, job->len);
	p->job = NULL;
	job_free(job);
	return rc;
}

/* Begin one; -EBUSY: another caller's is under way, and waited for. */
static int begin(struct pipeline *pl, struct port *p, device_fn fn, const void *arg, size_t len,
		 struct device_job **job)
{
	int rc = 0;

	pipeline_lock(pl);
	if (p->job != NULL && p->job->left && has_returned(p->job))
		(void)job_end(p, NULL);
	if (p->job != NULL)
		rc = p->job->left ? -EAGAIN : -EBUSY;
	else
		rc = job_start(&p->job, fn, arg, len);
	*job = p->job;
	pipeline_unlock(pl);
	return rc;
}

void pipeline_while_waiting(struct pipeline *pl, void (*fn)(void *arg), void *arg)
{
	pl->waiter = pthread_self();
	pl->meanwhile_arg = arg;
	pl->meanwhile = fn;
}

static bool has_meanwhile(const struct pipeline *pl)
{
	return pl->meanwhile != NULL && pthread_equal(pl->waiter, pthread_self());
}

/* Until fd is readable (-1: for so long). 0, -ECANCELED or -EINPROGRESS. */
static int wait_for(struct pipeline *pl, int fd, int64_t ms)
{
	struct pollfd fds[2] = {
		{ .fd = fd, .events = POLLIN }, { .fd = pl->cancel_fd, .events = POLLIN },
	};
	int64_t end = (int64_t)clock_now_ms() + ms;

	for (;;) {
		int64_t left = end - (int64_t)clock_now_ms();
		int64_t step = has_meanwhile(pl) ? RTE_MIN(left, MEANWHILE_MS) : left;
		int n = poll(fds, 2, step > 0 ? (int)step : 0);

		if (n > 0 && (fds[0].revents & POLLIN) != 0)
			return 0;
		if (n > 0)
			return -ECANCELED;
		if (left <= 0)
			return -EINPROGRESS;
		if (has_meanwhile(pl))
			pl->meanwhile(pl->meanwhile_arg);
	}
}

/* Lock held: what waits in the driver for an answer need not. */
static void interrupt(const struct port *p)
{
	if (p->state != PORT_CLOSED)
		(void)vnic_ctrl_interrupt(p->id);
}

int device_call(struct pipeline *pl, struct port *p, device_fn fn, void *arg, size_t len)
{
	int64_t end = (int64_t)clock_now_ms() + PIPELINE_DEVICE_TIMEOUT_MS;
	struct device_job *job;
	int rc;

	while ((rc = begin(pl, p, fn, arg, len, &job)) == -EBUSY) {
		if ((int64_t)clock_now_ms() >= end)
			return -EAGAIN;
		if (wait_for(pl, -1, RETRY_MS) == -ECANCELED)
			return -ECANCELED;
	}
	if (rc < 0)
		return rc;
	rc = wait_for(pl, job->done_fd, end - (int64_t)clock_now_ms());
	pipeline_lock(pl);
	if (rc == 0 || has_returned(job)) {
		rc = job_end(p, arg);
	} else {
		job->left = true;
		if (rc == -ECANCELED)
			interrupt(p); /* nobody wants to know any more */
	}
	pipeline_unlock(pl);
	return rc;
}

bool device_done(struct pipeline *pl, struct port *p, unsigned ms)
{
	int64_t end = (int64_t)clock_now_ms() + ms;
	bool done;

	for (;;) {
		pipeline_lock(pl);
		if (p->job != NULL && p->job->left && has_returned(p->job))
			(void)job_end(p, NULL);
		done = p->job == NULL;
		if (!done)
			interrupt(p);
		pipeline_unlock(pl);
		if (done || (int64_t)clock_now_ms() >= end)
			return done;
		(void)poll(NULL, 0, RETRY_MS);
	}
}
