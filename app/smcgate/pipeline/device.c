/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/pipeline/device.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "app/smcgate/pipeline/pipeline_impl.h"
#include "pmd/base/clock.h"

#define RETRY_MS 5 /* between looks whether another caller is done */
#define END_WAIT_MS 500 /* for one that waits for the device and is told not to */

struct device_job {
	device_fn fn;
	pthread_t thread;
	int rc;
	int done_fd;          /* readable when fn has returned */
	bool left;            /* nobody waits for it any more; under the pipeline's lock */
	size_t len;
	max_align_t arg[];
};

/* ---- jobs ------------------------------------------------------------------------------- */
static void *run(void *arg)
{
	static const struct pipeline_waiter nobody = { .cancel_fd = -1 };
	struct device_job *job = arg;
	uint64_t one = 1;

	pipeline_wait_as(&nobody);
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
static int job_end(struct device_slot *s, void *arg)
{
	struct device_job *job = s->job;
	int rc;

	pthread_join(job->thread, NULL);
	rc = job->rc;
	if (arg != NULL)
		memcpy(arg, job->arg, job->len);
	s->job = NULL;
	job_free(job);
	return rc;
}

/* Lock held: one that was left and has returned since frees its slot. */
static void reap(struct device_slot *s)
{
	if (s->job == NULL || !s->job->left || !has_returned(s->job))
		return;
	(void)job_end(s, NULL);
	s->doing[0] = '\0';
}

/* Lock held: what waits in the driver for an answer need not. */
static void interrupt(const struct device_slot *s)
{
	if (s->port != NULL && s->port->seen.state != PORT_CLOSED)
		(void)vnic_ctrl_interrupt(s->port->id);
}

/* Until fd is readable (-1: for so long). 0, -ECANCELED or -EINPROGRESS. */
static int wait_for(struct pipeline *pl, int fd, uint64_t end)
{
	uint64_t now = clock_now_ms();
	struct pollfd fds[2] = {
		{ .fd = fd, .events = POLLIN }, { .fd = calls_cancel_fd(pl), .events = POLLIN },
	};
	int n = 0;

	calls_wait_begin();
	while (now < end && (n = poll(fds, 2, (int)(end - now))) <= 0)
		now = clock_now_ms();
	calls_wait_end();
	if (n <= 0)
		return -EINPROGRESS;
	return (fds[0].revents & POLLIN) != 0 ? 0 : -ECANCELED;
}

/* ---- claims ------------------------------------------------------------------------------ */
/* Lock held. 0: it is ours; -EBUSY: it may be soon; -EAGAIN: not by waiting. */
static int try_claim(struct device_slot *s, enum device_claim kind, const char *what)
{
	bool left = s->job != NULL && s->job->left;

	if (s->doing[0] == '\0') {
		snprintf(s->doing, sizeof(s->doing), "%s", what);
		s->kind = kind;
		s->since_ms = clock_now_ms();
		return 0;
	}
	if (kind == CLAIM_END) {
		if (s->kind == CLAIM_END && !left)
			return -EAGAIN;
		interrupt(s);
		return -EBUSY;
	}
	return s->kind == CLAIM_LOOK && !left ? -EBUSY : -EAGAIN;
}

int device_claim(struct pipeline *pl, struct device_slot *s, enum device_claim kind, const char *what)
{
	uint64_t end = clock_now_ms() + (kind == CLAIM_END ? END_WAIT_MS : PIPELINE_DEVICE_TIMEOUT_MS);

	for (;;) {
		int rc;

		pipeline_lock(pl);
		reap(s);
		rc = try_claim(s, kind, what);
		pipeline_unlock(pl);
		if (rc != -EBUSY)
			return rc;
		if (clock_now_ms() >= end)
			return -EAGAIN;
		if (wait_for(pl, -1, clock_now_ms() + RETRY_MS) == -ECANCELED)
			return -ECANCELED;
	}
}

void device_release(struct pipeline *pl, struct device_slot *s)
{
	pipeline_lock(pl);
	if (s->job == NULL)
		s->doing[0] = '\0';
	else
		reap(s);
	pipeline_unlock(pl);
}

/* ---- calls ------------------------------------------------------------------------------- */
int device_call(struct pipeline *pl, struct device_slot *s, device_fn fn, void *arg, size_t len)
{
	struct device_job *job = NULL;
	int rc;

	pipeline_lock(pl);
	rc = job_start(&job, fn, arg, len);
	if (rc == 0)
		s->job = job;
	pipeline_unlock(pl);
	if (rc < 0)
		return rc;
	rc = wait_for(pl, job->done_fd, clock_now_ms() + PIPELINE_DEVICE_TIMEOUT_MS);
	pipeline_lock(pl);
	if (rc == 0 || has_returned(job)) {
		rc = job_end(s, arg);
	} else {
		job->left = true;
		if (rc == -ECANCELED)
			interrupt(s); /* nobody wants to know any more */
	}
	pipeline_unlock(pl);
	return rc;
}

bool device_done(struct pipeline *pl, struct device_slot *s, unsigned ms)
{
	uint64_t end = clock_now_ms() + ms;
	bool done;

	for (;;) {
		pipeline_lock(pl);
		reap(s);
		done = s->job == NULL;
		if (!done)
			interrupt(s);
		pipeline_unlock(pl);
		if (done || clock_now_ms() >= end)
			return done;
		(void)poll(NULL, 0, RETRY_MS);
	}
}

/* ---- looking ----------------------------------------------------------------------------- */
int pipeline_busy(struct pipeline *pl, unsigned port, struct pipeline_busy *out)
{
	struct device_slot *s;
	int rc = -ENOENT;

	if (port != PIPELINE_SERVICES && port >= pl->n_ports)
		return -ENODEV;
	s = port == PIPELINE_SERVICES ? &pl->services_slot : &pl->ports[port].slot;
	pipeline_lock(pl);
	reap(s);
	if (s->doing[0] != '\0') {
		snprintf(out->what, sizeof(out->what), "%s", s->doing);
		out->ms = clock_now_ms() - s->since_ms;
		out->left = s->job != NULL && s->job->left;
		rc = 0;
	}
	pipeline_unlock(pl);
	return rc;
}
