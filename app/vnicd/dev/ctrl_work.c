/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/vnicd/dev/ctrl_work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <rte_common.h>

#include "app/vnicd/dev/nic_ctrl.h"

/* A piece that the answer goes to, as the driver knows it. */
struct place {
	uint64_t addr, len;
};

struct held {
	TAILQ_ENTRY(held) next;
	uint64_t due;
	struct vnicd_chain chain;
	uint32_t len;            /* of the command, behind the places */
	struct place place[];    /* chain.n_in of them */
};
TAILQ_HEAD(held_list, held);

struct vnicd_ctrl_work {
	struct vnicd_nic *nic;
	struct vnicd_ctrl_conf conf;
	struct held_list held;   /* by the time they are due; those of one time as they came */
	uint64_t last_due;       /* of the command taken last */
	uint64_t rng;
	struct vnicd_ctrl_faults faults;
	unsigned backlog;        /* commands that were waiting for a place at the last look */
	struct vnicd_ctrl_work_stats stats;
};

static struct vnicd_ring *ring_of(const struct vnicd_ctrl_work *w)
{
	uint16_t vq = vnicd_nic_ctrl_vq(w->nic);

	return vq != 0 ? &w->nic->queue[vq].ring : NULL;
}

/* ---- life --------------------------------------------------------------------------- */
int vnicd_ctrl_work_set(struct vnicd_ctrl_work *w, const struct vnicd_ctrl_conf *conf)
{
	if (conf->concurrency == 0 || conf->concurrency > VNICD_CTRL_CONCURRENCY_MAX ||
	    conf->latency_us > VNICD_CTRL_LATENCY_MAX_US || conf->jitter_us > VNICD_CTRL_LATENCY_MAX_US)
		return -EINVAL;
	w->conf = *conf;
	return 0;
}

const struct vnicd_ctrl_conf *vnicd_ctrl_work_conf(const struct vnicd_ctrl_work *w)
{
	return &w->conf;
}

int vnicd_ctrl_work_create(struct vnicd_ctrl_work **out, struct vnicd_nic *nic,
			   const struct vnicd_ctrl_conf *conf, uint64_t seed)
{
	static const struct vnicd_ctrl_conf plain = { .concurrency = 1 };
	struct vnicd_ctrl_work *w = calloc(1, sizeof(*w));
	int rc;

	*out = NULL;
	if (w == NULL)
		return -ENOMEM;
	w->nic = nic;
	w->rng = seed;
	vnicd_ctrl_faults_clear(&w->faults);
	TAILQ_INIT(&w->held);
	rc = vnicd_ctrl_work_set(w, conf != NULL ? conf : &plain);
	if (rc < 0) {
		free(w);
		return rc;
	}
	*out = w;
	return 0;
}

static void unhold(struct vnicd_ctrl_work *w, struct held *h)
{
	TAILQ_REMOVE(&w->held, h, next);
	w->stats.now--;
	free(h);
}

void vnicd_ctrl_work_drop(struct vnicd_ctrl_work *w)
{
	struct held *h;

	while ((h = TAILQ_FIRST(&w->held)) != NULL) {
		unhold(w, h);
		w->stats.dropped++;
	}
	w->backlog = 0;
	w->last_due = 0;
}

void vnicd_ctrl_work_destroy(struct vnicd_ctrl_work *w)
{
	if (w == NULL)
		return;
	vnicd_ctrl_work_drop(w);
	free(w);
}

/* ---- taking ---------------------------------------------------------------------------- */
/* splitmix64's. */
static uint64_t draw(struct vnicd_ctrl_work *w)
{
	uint64_t z = w->rng += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* 0 to most. */
static uint32_t chance(struct vnicd_ctrl_work *w, uint32_t most)
{
	return (uint32_t)((draw(w) >> 32) * ((uint64_t)most + 1) >> 32);
}

static bool keeps_order(const struct vnicd_ctrl_work *w)
{
	return !w->conf.any_order || ring_of(w)->conf.in_order;
}

static uint64_t due_of(struct vnicd_ctrl_work *w, const struct vnicd_ctrl_cmd *cmd, uint64_t begin)
{
	uint64_t us = w->conf.latency_us;

	if (w->conf.jitter_us != 0)
		us += chance(w, w->conf.jitter_us);
	if (vnicd_ctrl_faults_hit(&w->faults, VNICD_CTRL_LATE, cmd->data, cmd->len))
		us += w->faults.late_us;
	begin += 1000 * us;
	if (keeps_order(w))
		begin = RTE_MAX(begin, w->last_due);
	w->last_due = begin;
	return begin;
}

/* What has to be kept of a command; NULL: no memory. */
static struct held *copy_of(const struct vnicd_ctrl_work *w, const struct vnicd_ctrl_cmd *cmd)
{
	struct held *h = malloc(sizeof(*h) + cmd->chain.n_in * sizeof(h->place[0]) + cmd->len);

	if (h == NULL)
		return NULL;
	h->chain = cmd->chain;
	h->len = cmd->len;
	for (unsigned i = 0; i < cmd->chain.n_in; i++) {
		const struct iovec *v = &cmd->iov[cmd->chain.n_out + i];

		h->place[i] = (struct place){ vnicd_memory_where(&w->nic->memory, v->iov_base), v->iov_len };
	}
	memcpy(&h->place[cmd->chain.n_in], cmd->data, cmd->len);
	return h;
}

static void hold(struct vnicd_ctrl_work *w, struct held *h)
{
	struct held *after = TAILQ_LAST(&w->held, held_list);

	while (after != NULL && after->due > h->due)
		after = TAILQ_PREV(after, held_list, next);
	if (after == NULL)
		TAILQ_INSERT_HEAD(&w->held, h, next);
	else
		TAILQ_INSERT_AFTER(&w->held, after, h, next);
	w->stats.taken++;
	w->stats.now++;
	w->stats.most = RTE_MAX(w->stats.most, w->stats.now);
}

/* The next command is begun; false: there is none. freed: since when there is a place for it. */
static bool begin_one(struct vnicd_ctrl_work *w, uint64_t freed, uint64_t now)
{
	struct vnicd_ctrl_cmd *cmd = w->nic->ctrl;
	struct held *h;

	if (vnicd_ctrl_take(w->nic, cmd) <= 0)
		return false;
	if (vnicd_ctrl_faults_hit(&w->faults, VNICD_CTRL_NEVER, cmd->data, cmd->len))
		return true;
	h = copy_of(w, cmd);
	if (h == NULL) {
		vnicd_ring_undo(ring_of(w), &cmd->chain);
		return false;
	}
	ring_of(w)->in_work = true;
	h->due = due_of(w, cmd, w->backlog > 0 ? freed : now);
	w->backlog -= w->backlog > 0;
	hold(w, h);
	return true;
}

bool vnicd_ctrl_work_has_room(const struct vnicd_ctrl_work *w)
{
	return w->stats.now < w->conf.concurrency;
}

/* ---- finishing -------------------------------------------------------------------------- */
/* As vnicd_ctrl_take() had it. Where memory is gone the answer ends. */
static void restore(const struct vnicd_ctrl_work *w, const struct held *h, struct vnicd_ctrl_cmd *cmd)
{
	cmd->chain = h->chain;
	cmd->len = h->len;
	memcpy(cmd->data, &h->place[h->chain.n_in], h->len);
	for (unsigned i = 0; i < h->chain.n_in; i++) {
		void *p = vnicd_memory_guest(&w->nic->memory, h->place[i].addr, h->place[i].len);

		if (p == NULL) {
			cmd->chain.n_in = (uint16_t)i;
			break;
		}
		cmd->iov[h->chain.n_out + i] = (struct iovec){ p, h->place[i].len };
	}
}

static void finish_one(struct vnicd_ctrl_work *w, struct held *h)
{
	struct vnicd_ctrl_cmd *cmd = w->nic->ctrl;

	restore(w, h, cmd);
	unhold(w, h);
	vnicd_ctrl_faults_run(&w->faults, w->nic, cmd, draw(w));
	vnicd_ctrl_answer(w->nic, cmd);
	w->stats.answered++;
}

/* The one to be answered next, if its time has come. */
static struct held *ready(const struct vnicd_ctrl_work *w, uint64_t now)
{
	struct held *h = TAILQ_FIRST(&w->held);

	if (h == NULL || h->due > now)
		return NULL;
	if (w->faults.newest_first)
		for (h = TAILQ_LAST(&w->held, held_list); h->due > now;)
			h = TAILQ_PREV(h, held_list, next);
	return h;
}

bool vnicd_ctrl_work_run(struct vnicd_ctrl_work *w, uint64_t now)
{
	struct vnicd_ring *r = ring_of(w);
	unsigned most, begun = 0, done = 0;
	struct held *h;

	if (w->stats.now != 0 && (r == NULL || !r->running || !r->in_work))
		vnicd_ctrl_work_drop(w);
	if (r == NULL || !r->running)
		return false;
	/* A ring's worth at most: data is not to wait for a driver that never stops asking. */
	most = r->conf.size;
	while (begun < most && vnicd_ctrl_work_has_room(w) && begin_one(w, now, now))
		begun++;
	while (done < most && (h = ready(w, now)) != NULL) {
		uint64_t freed = h->due;

		finish_one(w, h);
		done++;
		if (vnicd_ctrl_work_has_room(w) && begin_one(w, freed, now))
			begun++;
	}
	w->backlog = vnicd_ring_waiting(r);
	return begun + done != 0;
}

uint64_t vnicd_ctrl_work_due(const struct vnicd_ctrl_work *w)
{
	const struct held *h = TAILQ_FIRST(&w->held);

	return h != NULL ? h->due : UINT64_MAX;
}

struct vnicd_ctrl_faults *vnicd_ctrl_work_faults(struct vnicd_ctrl_work *w)
{
	return &w->faults;
}

void vnicd_ctrl_work_stats(const struct vnicd_ctrl_work *w, struct vnicd_ctrl_work_stats *out)
{
	*out = w->stats;
}
