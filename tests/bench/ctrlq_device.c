/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/bench/ctrlq_device.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "pmd/virtio/ctrl_private.h"

#define AT_WORK_MAX 64u

struct work {
	struct vnicd_ctrl_cmd *cmd;
	uint64_t due;
};

struct ctrlq_device {
	struct vnicd_nic *nic;
	pthread_t thread;
	int kick_fd;
	bool stop;
	uint64_t latency_ns, kicked_ns; /* kicked_ns: by the driver's thread */
	unsigned limit;
	/* the thread's: at work, oldest first */
	struct work work[AT_WORK_MAX];
	unsigned first, n;
	uint64_t freed_ns;              /* when the last place became free */
	struct vnicd_ctrl_cmd *spare[AT_WORK_MAX + 1];
	unsigned n_spare;
};

uint64_t ctrlq_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void notify(struct vnic_vq *vq)
{
	struct ctrlq_device *d = (struct ctrlq_device *)vq->notify_data;

	__atomic_store_n(&d->kicked_ns, ctrlq_now_ns(), __ATOMIC_RELEASE);
	eventfd_write(d->kick_fd, 1);
}

static void finish(struct ctrlq_device *d, uint64_t now)
{
	bool any = false;

	while (d->n > 0 && d->work[d->first].due <= now) {
		struct work *w = &d->work[d->first];

		vnicd_ctrl_run(d->nic, w->cmd);
		vnicd_ctrl_answer(d->nic, w->cmd);
		d->spare[d->n_spare++] = w->cmd;
		d->freed_ns = w->due;
		d->first = (d->first + 1) % AT_WORK_MAX;
		d->n--;
		any = true;
	}
	if (any)
		vnicd_nic_flush(d->nic);
}

/* Begins when it was asked for, or when there was room for it. */
static bool begin(struct ctrlq_device *d)
{
	uint64_t start = __atomic_load_n(&d->kicked_ns, __ATOMIC_ACQUIRE);

	if (d->n >= d->limit || vnicd_ctrl_take(d->nic, d->spare[d->n_spare - 1]) <= 0)
		return false;
	d->work[(d->first + d->n) % AT_WORK_MAX] =
		(struct work){ d->spare[--d->n_spare], RTE_MAX(start, d->freed_ns) + d->latency_ns };
	d->n++;
	return true;
}

static void sleep_until(struct ctrlq_device *d, uint64_t due)
{
	struct pollfd p = { .fd = d->kick_fd, .events = POLLIN };
	uint64_t now = ctrlq_now_ns(), count, left = due > now ? due - now : 0;
	struct timespec t = { (time_t)(left / 1000000000), (long)(left % 1000000000) };

	/* What lies in the ring unserved is taken when a place becomes free. */
	if (ppoll(&p, 1, due == UINT64_MAX ? NULL : &t, NULL) > 0)
		eventfd_read(d->kick_fd, &count);
}

static void *run(void *arg)
{
	struct ctrlq_device *d = arg;
	struct vnicd_ring *ring = &d->nic->queue[vnicd_nic_ctrl_vq(d->nic)].ring;

	prctl(PR_SET_TIMERSLACK, 1);
	while (!__atomic_load_n(&d->stop, __ATOMIC_ACQUIRE)) {
		do {
			finish(d, ctrlq_now_ns());
			while (begin(d))
				;
		} while (d->n < d->limit && vnicd_ring_want_kick(ring, true));
		sleep_until(d, d->n > 0 ? d->work[d->first].due : UINT64_MAX);
	}
	return NULL;
}

struct ctrlq_device *ctrlq_device_start(struct port_lab *l)
{
	struct ctrlq_device *d = calloc(1, sizeof(*d));
	struct vnic_vq *vq = vnic_ctrl_vq(l->d->ctrl);

	if (d == NULL)
		exit(1);
	d->nic = &l->s->nic;
	d->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	d->limit = 1;
	for (; d->n_spare < RTE_DIM(d->spare); d->n_spare++)
		if ((d->spare[d->n_spare] = calloc(1, sizeof(struct vnicd_ctrl_cmd))) == NULL)
			exit(1);
	l->s->ctrl_manual = true;
	vq->notify = notify;
	vq->notify_data = (uintptr_t)d;
	if (d->kick_fd < 0 || pthread_create(&d->thread, NULL, run, d) != 0) {
		fprintf(stderr, "no device thread\n");
		exit(1);
	}
	return d;
}

void ctrlq_device_end(struct ctrlq_device *d)
{
	__atomic_store_n(&d->stop, true, __ATOMIC_RELEASE);
	eventfd_write(d->kick_fd, 1);
	pthread_join(d->thread, NULL);
	for (unsigned i = 0; i < d->n_spare; i++)
		free(d->spare[i]);
	close(d->kick_fd);
	free(d);
}

void ctrlq_device_set(struct ctrlq_device *d, unsigned latency_us, unsigned at_work)
{
	d->latency_ns = latency_us * UINT64_C(1000);
	d->limit = RTE_MIN(at_work, AT_WORK_MAX);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* before the next doorbell */
}
