/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that a caller waits for, asleep. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pmd/base/clock.h"
#include "pmd/virtio/ctrl_private.h"

#define SELF_REAP_MS  1   /* without a descriptor to wait for */
#define RECHECK_NS    (100 * CLOCK_NS_PER_MS)

struct waiter {
	struct vnic_ctrl *c;
	void *result;
	int rc;
	bool done;
};

static void wake(void *arg, int rc, const void *result, size_t len)
{
	struct waiter *w = arg;

	pthread_mutex_lock(&w->c->lock);
	if (result != NULL && w->result != NULL)
		memcpy(w->result, result, len);
	w->rc = rc;
	w->done = true;
	pthread_cond_broadcast(&w->c->cond);
	pthread_mutex_unlock(&w->c->lock);
}

/* Is there another thread that reaps? Its own commands a thread reaps itself. */
static bool reaped_for_us(const struct vnic_ctrl *c)
{
	return vnic_thread_runs(c->dev) && !pthread_equal(c->dev->thread, pthread_self());
}

/* Let go of the lock until something may have happened. */
static void wait_a_while(struct vnic_ctrl *c)
{
	struct timespec t;

	if (reaped_for_us(c)) {
		t = clock_timespec(clock_now_ns() + RECHECK_NS);
		pthread_cond_timedwait(&c->cond, &c->lock, &t);
	} else {
		struct pollfd p = { .fd = c->vq.call_fd, .events = POLLIN };
		int ms = p.fd >= 0 ? 10 * SELF_REAP_MS : SELF_REAP_MS;
		uint64_t count;

		pthread_mutex_unlock(&c->lock);
		if (poll(&p, p.fd >= 0 ? 1 : 0, ms) > 0 && read(p.fd, &count, sizeof(count)) < 0)
			usleep(100); /* somebody else has read it */
		pthread_mutex_lock(&c->lock);
		ctrl_poll_locked(c);
	}
}

/* What is submitted goes to the device, and somebody looks after its deadline. */
static void flush(struct vnic_ctrl *c)
{
	ctrl_ring_doorbell(c);
	if (ctrl_wants_thread(c))
		vnic_thread_wake(c->dev);
}

static int submit_when_room(struct vnic_ctrl *c, const struct vnic_ctrl_request *req)
{
	uint64_t began = ctrl_now();
	unsigned ended = c->ended_waits;
	int rc;

	while ((rc = ctrl_submit_locked(c, req, NULL)) == -EAGAIN &&
	       ctrl_now() < ctrl_deadline(c, began, req->timeout_ms)) {
		if (c->ended_waits != ended)
			return -ECANCELED;
		flush(c);
		wait_a_while(c);
	}
	return rc;
}

static int wait_done(struct vnic_ctrl *c, const struct waiter *w)
{
	flush(c);
	while (!w->done)
		wait_a_while(c);
	return w->rc;
}

int vnic_ctrl_call(struct vnic_ctrl *c, const struct vnic_ctrl_request *req, void *result)
{
	struct vnic_ctrl_request mine = *req;
	struct waiter w = { .c = c, .result = result };
	uint64_t cpu = clock_thread_cpu_ns();
	int rc;

	if (c == NULL)
		return -ENOTSUP;
	mine.done = wake;
	mine.arg = &w;
	mine.waited = true;
	pthread_mutex_lock(&c->lock);
	if (c->delivering && pthread_equal(c->deliverer, pthread_self())) {
		pthread_mutex_unlock(&c->lock);
		return -EDEADLK; /* nobody would call our callback */
	}
	c->waiters++;
	rc = submit_when_room(c, &mine);
	if (rc == 0)
		rc = wait_done(c, &w);
	c->stats.wait_cpu_ns += clock_thread_cpu_ns() - cpu;
	c->waiters--;
	pthread_cond_broadcast(&c->cond);
	pthread_mutex_unlock(&c->lock);
	return rc;
}

/* Let go of vnic_dev.lock while fn waits, but for a bring-up. */
static int unlocked(struct vnic_dev *d, int (*fn)(struct vnic_ctrl *c, void *arg), void *arg)
{
	struct vnic_ctrl *c;
	int rc;

	if (d->ctrl == NULL)
		return -ENOTSUP;
	if (vnic_starting(d))
		return fn(d->ctrl, arg);
	c = vnic_ctrl_get(d);
	d->asking++;
	pthread_mutex_unlock(&d->lock);
	rc = fn(c, arg);
	pthread_mutex_lock(&d->lock);
	d->asking--;
	vnic_ctrl_put(c);
	return rc;
}

struct ask {
	const struct vnic_ctrl_request *req;
	void *result;
};

static int ask(struct vnic_ctrl *c, void *arg)
{
	const struct ask *a = arg;

	return vnic_ctrl_call(c, a->req, a->result);
}

int vnic_ctrl_ask(struct vnic_dev *d, const struct vnic_ctrl_request *req, void *result)
{
	struct ask a = { req, result };

	return unlocked(d, ask, &a);
}

/* ---- many ------------------------------------------------------------------------------- */

static void one_done(void *arg, int rc, const void *result, size_t len);

void ctrl_extend(struct vnic_ctrl *c, const struct ctrl_slot *one)
{
	struct vnic_ctrl_many *m;
	struct ctrl_slot *s;
	uint64_t now;

	if (one->done != one_done)
		return;
	m = ((const struct vnic_ctrl_one *)one->arg)->many;
	now = ctrl_now();
	if (now - m->answered < CLOCK_NS_PER_MS)
		return;
	m->answered = now;
	TAILQ_FOREACH(s, &c->active, link)
		if (s->done == one_done && ((const struct vnic_ctrl_one *)s->arg)->many == m)
			s->deadline = ctrl_deadline(c, now, m->timeout_ms);
}

static void one_done(void *arg, int rc, const void *result, size_t len)
{
	struct vnic_ctrl_one *one = arg;
	struct vnic_ctrl_many *m = one->many;
	struct vnic_ctrl *c = m->c;

	(void)result;
	(void)len;
	pthread_mutex_lock(&c->lock);
	one->rc = rc;
	if (--m->pending == 0)
		pthread_cond_broadcast(&c->cond);
	pthread_mutex_unlock(&c->lock);
}

static int submit_one(struct vnic_ctrl *c, struct vnic_ctrl_many *m, unsigned i)
{
	struct vnic_ctrl_request req = { 0 };
	int rc;

	m->make(m->arg, i, &req);
	req.timeout_ms = m->timeout_ms;
	req.waited = true;
	req.done = one_done;
	req.arg = &m->one[i];
	m->one[i].many = m;
	m->pending++;
	rc = submit_when_room(c, &req);
	if (rc < 0) {
		m->one[i].rc = rc;
		m->pending--;
	}
	return rc;
}

/* One that cannot be submitted: nor can those behind it. */
static void submit_all(struct vnic_ctrl *c, struct vnic_ctrl_many *m)
{
	int rc = 0;

	for (unsigned i = 0; i < m->n; i++)
		if (rc == 0)
			rc = submit_one(c, m, i);
		else
			m->one[i].rc = rc;
}

static int first_error(const struct vnic_ctrl_many *m)
{
	for (unsigned i = 0; i < m->n; i++)
		if (m->one[i].rc < 0)
			return m->one[i].rc;
	return 0;
}

int vnic_ctrl_call_many(struct vnic_ctrl *c, struct vnic_ctrl_many *m)
{
	uint64_t cpu = clock_thread_cpu_ns();

	if (c == NULL)
		return -ENOTSUP;
	m->c = c;
	m->pending = 0;
	pthread_mutex_lock(&c->lock);
	if (c->delivering && pthread_equal(c->deliverer, pthread_self())) {
		pthread_mutex_unlock(&c->lock);
		return -EDEADLK;
	}
	m->answered = ctrl_now();
	c->waiters++;
	submit_all(c, m);
	flush(c);
	while (m->pending != 0)
		wait_a_while(c);
	c->stats.wait_cpu_ns += clock_thread_cpu_ns() - cpu;
	c->waiters--;
	pthread_cond_broadcast(&c->cond);
	pthread_mutex_unlock(&c->lock);
	return first_error(m);
}

static int ask_many(struct vnic_ctrl *c, void *arg)
{
	return vnic_ctrl_call_many(c, arg);
}

int vnic_ctrl_ask_many(struct vnic_dev *d, struct vnic_ctrl_many *m)
{
	return unlocked(d, ask_many, m);
}
