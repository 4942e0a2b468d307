/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/vnicd/control.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "app/vnicd/loop.h"
#include "pmd/base/clock.h"

#define WAIT_S 5

struct request {
	vnicd_control_fn fn;
	const char *params;
	json_t *answer;
	bool done;
};

struct vnicd_control {
	struct vnicd_switch *sw;
	int fd;
	bool ended;
	pthread_mutex_t asking;    /* one request at a time */
	pthread_mutex_t lock;      /* guards what follows */
	pthread_cond_t answered;
	struct request *request;   /* NULL: none, or its asker has given up */
};

static void
serve(void *arg, int fd)
{
	struct vnicd_control *c = arg;
	struct request *r;
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return; /* nobody rang: another look will come */
	pthread_mutex_lock(&c->lock);
	r = c->request;
	if (r != NULL && !r->done) {
		r->answer = r->fn(c->sw, r->params);
		r->done = true;
		pthread_cond_signal(&c->answered);
	}
	pthread_mutex_unlock(&c->lock);
}

int
vnicd_control_create(struct vnicd_control **out, struct vnicd_switch *sw)
{
	struct vnicd_control *c = calloc(1, sizeof(*c));
	pthread_condattr_t attr;
	int rc;

	*out = NULL;
	if (c == NULL)
		return -ENOMEM;
	c->sw = sw;
	c->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	rc = c->fd < 0 ? -errno : vnicd_loop_watch(sw->loop, c->fd, serve, c);
	if (rc < 0) {
		if (c->fd >= 0)
			close(c->fd);
		free(c);
		return rc;
	}
	pthread_mutex_init(&c->asking, NULL);
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->answered, &attr);
	pthread_condattr_destroy(&attr);
	*out = c;
	return 0;
}

void
vnicd_control_destroy(struct vnicd_control *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	c->ended = true;
	pthread_cond_broadcast(&c->answered);
	pthread_mutex_unlock(&c->lock);
	/* Whoever waits has been told and leaves. */
	pthread_mutex_lock(&c->asking);
	pthread_mutex_unlock(&c->asking);
	vnicd_loop_unwatch(c->sw->loop, c->fd);
	close(c->fd);
	pthread_cond_destroy(&c->answered);
	pthread_mutex_destroy(&c->lock);
	pthread_mutex_destroy(&c->asking);
	free(c);
}

static int
ask(struct vnicd_control *c, struct request *r)
{
	struct timespec until = clock_timespec(clock_now_ns() + WAIT_S * CLOCK_NS_PER_S);
	uint64_t one = 1;
	int rc = 0;

	pthread_mutex_lock(&c->lock);
	c->request = r;
	if (!c->ended && write(c->fd, &one, sizeof(one)) < 0)
		rc = -errno;
	while (rc == 0 && !r->done && !c->ended)
		rc = -pthread_cond_timedwait(&c->answered, &c->lock, &until);
	c->request = NULL;
	if (r->done)
		rc = 0;
	else if (c->ended)
		rc = -ESHUTDOWN;
	pthread_mutex_unlock(&c->lock);
	return rc;
}

int
vnicd_control_ask(struct vnicd_control *c, vnicd_control_fn fn, const char *params, json_t **out)
{
	struct request r = { .fn = fn, .params = params };
	int rc;

	pthread_mutex_lock(&c->asking);
	rc = ask(c, &r);
	pthread_mutex_unlock(&c->asking);
	*out = r.answer;
	return rc == 0 && r.answer == NULL ? -ENOMEM : rc;
}
