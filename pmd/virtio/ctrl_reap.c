/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>

#include "pmd/base/clock.h"
#include "pmd/virtio/ctrl_private.h"
#include "pmd/virtio/vnic.h"

/* Notifications may get lost on a device that breaks its promises: look now and then. */
#define LOOK_MS       100
#define LOOK_NO_FD_MS 50 /* at most: an eighth of what the oldest has taken */

uint64_t (*ctrl_now)(void) = clock_now_ns;

static void count_last(struct vnic_ctrl *c, const struct ctrl_slot *s)
{
	uint64_t usecs = (ctrl_now() - s->submitted) / 1000;
	unsigned bucket = usecs <= 1 ? 0 : 64 - (unsigned)__builtin_clzll(usecs - 1);
	struct vnic_ctrl_last *last = c->stats.last;

	if (s->rc == 0 || s->rc == -EREMOTEIO)
		c->stats.latency[RTE_MIN(bucket, VNIC_CTRL_LATENCY - 1u)]++;
	memmove(&last[1], &last[0], sizeof(c->stats.last) - sizeof(last[0]));
	last[0] = (struct vnic_ctrl_last){ s->class, s->cmd, (int16_t)s->rc, (uint32_t)RTE_MIN(usecs, UINT32_MAX),
					   rte_rdtsc() };
	c->stats.n_last = RTE_MIN(c->stats.n_last + 1, (unsigned)RTE_DIM(c->stats.last));
}

static void count_result(struct vnic_ctrl *c, const struct ctrl_slot *s)
{
	if (s->rc == 0)
		c->stats.completed++;
	else if (s->rc == -ETIMEDOUT)
		c->stats.timed_out++;
	else if (s->rc == -ECANCELED)
		c->stats.canceled++;
	else
		c->stats.failed++;
	count_last(c, s);
}

void ctrl_release(struct vnic_ctrl *c, struct ctrl_slot *s)
{
	if (s->big_data != CTRL_NO_BIG)
		c->big_free |= (uint16_t)(1u << s->big_data);
	if (s->big_result != CTRL_NO_BIG)
		c->big_free |= (uint16_t)(1u << s->big_result);
	s->big_data = s->big_result = CTRL_NO_BIG;
	s->state = CTRL_FREE;
	s->generation++;
	TAILQ_INSERT_HEAD(&c->free, s, link);
	pthread_cond_broadcast(&c->cond);
}

void ctrl_finish(struct vnic_ctrl *c, struct ctrl_slot *s, int rc)
{
	TAILQ_REMOVE(&c->active, s, link);
	ctrl_group_count(c, s, -1);
	if (s->state == CTRL_POSTED)
		c->stats.in_flight--;
	else
		c->stats.waiting--;
	s->rc = rc;
	s->state = CTRL_DONE;
	count_result(c, s);
	TAILQ_INSERT_TAIL(&c->done, s, link);
}

/* The device may still write to what it has not answered: the slot stays, though
 * its caller is told by a stand-in. */
static void finish_posted(struct vnic_ctrl *c, struct ctrl_slot *s, int rc)
{
	s->orphan = true;
	ctrl_finish(c, s, rc);
}

void ctrl_end_all(struct vnic_ctrl *c, int rc)
{
	struct ctrl_slot *s;

	while ((s = TAILQ_FIRST(&c->active)) != NULL)
		if (s->state == CTRL_POSTED)
			finish_posted(c, s, rc);
		else
			ctrl_finish(c, s, rc);
}

/* The callback's copy of the result: the device could change its own while it is read. */
static void call_back(struct vnic_ctrl *c, struct ctrl_slot *s)
{
	bool result = s->rc == 0 && s->result_len != 0;

	if (s->done == NULL)
		return;
	if (result)
		memcpy(c->scratch, ctrl_result_of(c, s), s->result_len);
	pthread_mutex_unlock(&c->lock);
	s->done(s->arg, s->rc, result ? c->scratch : NULL, result ? s->written : 0);
	pthread_mutex_lock(&c->lock);
}

void ctrl_deliver(struct vnic_ctrl *c)
{
	struct ctrl_slot *s;

	if (c->delivering)
		return;
	c->delivering = true;
	c->deliverer = pthread_self();
	while ((s = TAILQ_FIRST(&c->done)) != NULL) {
		TAILQ_REMOVE(&c->done, s, link);
		call_back(c, s);
		if (s->orphan)
			s->state = CTRL_ORPHAN;
		else
			ctrl_release(c, s);
	}
	c->delivering = false;
	pthread_cond_broadcast(&c->cond);
}

void ctrl_ring_doorbell(struct vnic_ctrl *c)
{
	uint64_t before = c->vq.doorbells;

	if (!c->doorbell_due || c->broken)
		return;
	c->doorbell_due = false;
	vnic_vq_kick(&c->vq);
	c->stats.doorbells += c->vq.doorbells - before;
}

void ctrl_advance(struct vnic_ctrl *c)
{
	struct ctrl_slot *s;

	if (c->stats.waiting == 0 || c->broken)
		return;
	TAILQ_FOREACH(s, &c->active, link) {
		if (!ctrl_ring_room(c))
			return;
		if (s->state != CTRL_WAITING || ctrl_held_up(c, s))
			continue;
		ctrl_start(c, s);
	}
}

void ctrl_start(struct vnic_ctrl *c, struct ctrl_slot *s)
{
	if (s->state == CTRL_WAITING)
		c->stats.waiting--;
	s->state = CTRL_POSTED;
	c->stats.in_flight++;
	c->stats.in_flight_max = RTE_MAX(c->stats.in_flight_max, c->stats.in_flight);
	ctrl_ring_post(c, s);
	c->doorbell_due = true;
}

static void fail(struct vnic_ctrl *c, const char *why)
{
	if (c->broken)
		return;
	c->broken = true;
	snprintf(c->why, sizeof(c->why), "%s", why);
	ctrl_end_all(c, -EIO);
}

static void answered(struct vnic_ctrl *c, struct ctrl_slot *s)
{
	uint8_t ack = *(volatile uint8_t *)&ctrl_room_of(c, s)->ack;

	if (s->state == CTRL_POSTED) {
		/* Here already, not when its caller is told: deadlines are looked at before that. */
		ctrl_extend(c, s);
		ctrl_finish(c, s, ack == VIRTIO_NET_OK ? 0 : -EREMOTEIO);
	} else if (s->state == CTRL_ORPHAN) {
		ctrl_release(c, s); /* its caller was told before */
	} else {
		s->orphan = false; /* told just now */
	}
}

static void take_answers(struct vnic_ctrl *c)
{
	const char *fatal = NULL;
	struct ctrl_slot *s;
	bool error;

	/* Each answer is of a command posted once: the ring cannot go on for ever. */
	for (unsigned i = 0; i < 2 * CTRL_SLOTS_MAX && fatal == NULL && !c->out_of_step; i++) {
		s = ctrl_ring_take(c, &error, &fatal);
		if (error && ++c->stats.errors % CTRL_ERRORS_MAX == 0)
			fatal = "answers to no command on the control queue";
		if (s == NULL && !error)
			break;
		if (s != NULL)
			answered(c, s);
	}
	if (fatal != NULL) {
		c->out_of_step = true;
		fail(c, fatal);
	}
}

static void no_answer(const struct ctrl_slot *s, char *why, size_t len)
{
	char name[40];

	snprintf(why, len, "control command %s was not answered within %" PRIu64 " ms",
		 vnic_ctrl_name(s->class, s->cmd, name, sizeof(name)), (s->deadline - s->submitted) / CLOCK_NS_PER_MS);
}

/* The one that is due ends as such, everything else as that of a broken device. */
static void expire(struct vnic_ctrl *c, uint64_t now)
{
	uint64_t next = UINT64_MAX;
	struct ctrl_slot *s, *tmp;
	char why[sizeof(c->why)] = "";

	if (now < c->next_deadline)
		return;
	for (s = TAILQ_FIRST(&c->active); s != NULL; s = tmp) {
		tmp = TAILQ_NEXT(s, link);
		if (now < s->deadline) {
			next = RTE_MIN(next, s->deadline);
			continue;
		}
		if (why[0] == '\0')
			no_answer(s, why, sizeof(why));
		if (s->state == CTRL_POSTED)
			finish_posted(c, s, -ETIMEDOUT);
		else
			ctrl_finish(c, s, -ETIMEDOUT);
	}
	c->next_deadline = next;
	if (why[0] != '\0')
		fail(c, why);
}

/* Until nothing is left, with notifications asked for again. */
static void reap(struct vnic_ctrl *c)
{
	uint64_t now;

	c->stats.reaps++;
	for (unsigned i = 0; i < 4; i++) {
		/* Before answers are taken: one that came in time counts, though we are kept from running in between. */
		now = ctrl_now();
		take_answers(c);
		expire(c, now);
		ctrl_advance(c);
		if (c->broken || !ctrl_ring_arm(c))
			break;
	}
	ctrl_ring_doorbell(c);
}

void ctrl_poll_locked(struct vnic_ctrl *c)
{
	if (c->dead)
		return;
	reap(c);
	ctrl_deliver(c);
}

void vnic_ctrl_poll(struct vnic_ctrl *c)
{
	uint64_t began = clock_thread_cpu_ns();

	pthread_mutex_lock(&c->lock);
	ctrl_poll_locked(c);
	c->stats.wait_cpu_ns += clock_thread_cpu_ns() - began;
	pthread_mutex_unlock(&c->lock);
}

/* Without a descriptor: often while answers are young, seldom when one takes for ever. */
static uint64_t look_ms(const struct vnic_ctrl *c, uint64_t now)
{
	uint64_t age_ms = (now - TAILQ_FIRST(&c->active)->submitted) / CLOCK_NS_PER_MS;

	if (c->vq.call_fd >= 0)
		return LOOK_MS;
	return RTE_MIN(age_ms / 8 + 1, (uint64_t)LOOK_NO_FD_MS);
}

int64_t vnic_ctrl_next(struct vnic_ctrl *c)
{
	uint64_t now, left = 0;
	int64_t ms = -1;

	pthread_mutex_lock(&c->lock);
	now = ctrl_now();
	c->wake_at = UINT64_MAX;
	if (TAILQ_EMPTY(&c->active) && c->stats.submitted != c->seen && c->vq.call_fd >= 0 && !c->dead) {
		/* More may come soon: whoever submits it need not wake the thread that looks by itself. */
		ms = LOOK_MS;
		c->wake_at = now + LOOK_MS * CLOCK_NS_PER_MS;
	}
	c->seen = c->stats.submitted;
	if (!TAILQ_EMPTY(&c->active)) {
		if (c->next_deadline > now)
			left = (c->next_deadline - now + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS;
		/* Answers that came while others were taken may have been told already. */
		ms = !c->broken && vnic_vq_has_used(&c->vq) ? 0 : (int64_t)RTE_MIN(left, look_ms(c, now));
		c->wake_at = now + (uint64_t)ms * CLOCK_NS_PER_MS;
	}
	pthread_mutex_unlock(&c->lock);
	return ms;
}

bool ctrl_wants_thread(struct vnic_ctrl *c)
{
	bool wants = !TAILQ_EMPTY(&c->active) && (c->wake_at == UINT64_MAX || c->next_deadline < c->wake_at);

	if (wants)
		c->wake_at = 0;
	return wants;
}

const char *vnic_ctrl_broken(struct vnic_ctrl *c)
{
	bool tell;

	pthread_mutex_lock(&c->lock);
	tell = c->why[0] != '\0' && !c->why_told;
	c->why_told |= tell;
	pthread_mutex_unlock(&c->lock);
	return tell ? c->why : NULL;
}

bool vnic_ctrl_untold(struct vnic_ctrl *c)
{
	bool untold;

	pthread_mutex_lock(&c->lock);
	untold = c->why[0] != '\0' && !c->why_told;
	pthread_mutex_unlock(&c->lock);
	return untold;
}

bool vnic_ctrl_failed(struct vnic_ctrl *c, char *why, size_t len)
{
	bool broken;

	pthread_mutex_lock(&c->lock);
	broken = c->broken;
	snprintf(why, len, "%s", c->why);
	pthread_mutex_unlock(&c->lock);
	return broken;
}

void vnic_ctrl_stats_get(struct vnic_ctrl *c, struct vnic_ctrl_stats *out)
{
	pthread_mutex_lock(&c->lock);
	*out = c->stats;
	pthread_mutex_unlock(&c->lock);
}
