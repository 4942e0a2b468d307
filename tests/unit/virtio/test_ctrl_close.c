/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports that are closed, reset and lost while others use them: the control thread looks at the
 * transport, threads wait for the device. What they use is not freed under them, and what the
 * device may still write to is not used again. For the sanitizer above all.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pmd/virtio/ctrl_private.h"
#include "pmd/virtio/ethdev_private.h"
#include "pmd/virtio/vnic.h"
#include "tests/unit/test.h"
#include "tests/unit/virtio/port_lab.h"

/* ---- the transport under the control thread ------------------------------------------------- */

enum look { LOOK_NONE, LOOK_EVENT, LOOK_FD };

static struct {
	struct vnic_transport_ops ops;
	enum look armed;           /* the control thread's next call of this kind takes its time */
	bool looking;              /* it is inside */
	unsigned closed_under;     /* times that the transport went meanwhile */
	sem_t inside;
} slow;

/* Longer than a close that does not wait takes to come by. */
static void take_time(struct vnic_dev *d, enum look look)
{
	if (__atomic_load_n(&slow.armed, __ATOMIC_ACQUIRE) != look || !pthread_equal(pthread_self(), d->thread))
		return;
	__atomic_store_n(&slow.armed, LOOK_NONE, __ATOMIC_RELAXED);
	__atomic_store_n(&slow.looking, true, __ATOMIC_SEQ_CST);
	sem_post(&slow.inside);
	usleep(100000);
	__atomic_store_n(&slow.looking, false, __ATOMIC_SEQ_CST);
}

static int slow_event(struct vnic_dev *d)
{
	take_time(d, LOOK_EVENT);
	return scripted_ops.event(d);
}

static int slow_event_fd(struct vnic_dev *d)
{
	take_time(d, LOOK_FD);
	return scripted_ops.event_fd(d);
}

static void watched_close(struct vnic_dev *d)
{
	slow.closed_under += __atomic_load_n(&slow.looking, __ATOMIC_SEQ_CST);
	scripted_ops.close(d);
}

static void open_slow(struct port_lab *l)
{
	memset(&slow, 0, sizeof(slow));
	sem_init(&slow.inside, 0, 0);
	port_open(l, NULL, NULL);
	slow.ops = scripted_ops;
	slow.ops.event = slow_event;
	slow.ops.event_fd = slow_event_fd;
	slow.ops.close = watched_close;
	pthread_mutex_lock(&l->d->lock);
	l->d->ops = &slow.ops;
	pthread_mutex_unlock(&l->d->lock);
}

/* A reset of the port lets go of the transport while the control thread, which finds the
 * device's lock taken, looks whether the back end has died. */
static void transport__stays_while_it_is_looked_at(void)
{
	for (enum look look = LOOK_EVENT; look <= LOOK_FD; look++) {
		struct port_lab l;

		open_slow(&l);
		pthread_mutex_lock(&l.d->lock);
		__atomic_store_n(&slow.armed, look, __ATOMIC_RELEASE);
		vnic_thread_wake(l.d);
		while (sem_wait(&slow.inside) != 0)
			;
		CU_ASSERT(rte_eth_dev_stop(l.port) == 0 && rte_eth_dev_reset(l.port) == 0);
		pthread_mutex_unlock(&l.d->lock);
		CU_ASSERT_EQUAL(slow.closed_under, 0);
		CU_ASSERT(port_start(&l) == 0 && port_works(&l, 0));
		port_close(&l);
		sem_destroy(&slow.inside);
	}
}

/* ---- threads that wait for the device ------------------------------------------------------- */

struct waiter {
	pthread_t thread;
	struct port_lab *l;
	struct vnic_dev *d;
	uint16_t port;
	int rc;
	bool late;   /* the device was gone when he had still to do with it */
};

static bool closed;

/* As an ethdev operation does, which ethdev itself does not allow beside a close. */
static void *wait_locked(void *arg)
{
	struct waiter *w = arg;
	int rc;

	pthread_mutex_lock(&w->d->lock);
	rc = vnic_cmd_rx_mode(w->d, VIRTIO_NET_CTRL_RX_PROMISC, true);
	usleep(20000); /* behind the answer there is more to do with the device */
	w->late = __atomic_load_n(&closed, __ATOMIC_SEQ_CST);
	if (!w->late) {
		w->d->promisc = rc == 0;
		pthread_mutex_unlock(&w->d->lock);
	}
	w->rc = rc;
	return NULL;
}

static void *wait_coalescing(void *arg)
{
	struct waiter *w = arg;

	w->rc = vnic_coal_set(w->port, VNIC_RX, VNIC_ALL_QUEUES, &(struct vnic_coal){ 8, 50 });
	return NULL;
}

static uint32_t in_flight(uint16_t port)
{
	struct vnic_ctrl_info info;

	return vnic_ctrl_info(port, &info) == 0 ? info.stats.in_flight : 0;
}

static void start_waiter(struct waiter *w, struct port_lab *l, void *(*fn)(void *))
{
	uint32_t before = in_flight(l->port);

	*w = (struct waiter){ .l = l, .d = l->d, .port = l->port, .rc = 1 };
	CU_ASSERT_FATAL(pthread_create(&w->thread, NULL, fn, w) == 0);
	(void)TEST_SOON(in_flight(l->port) != before);
	CU_ASSERT_EQUAL_FATAL(in_flight(l->port), before + 1);
}

static void close__under_those_who_wait(void)
{
	for (unsigned i = 0; i < 3; i++) {
		struct waiter w[2];
		struct port_lab l;

		port_open(&l, NULL, NULL);
		closed = false;
		l.s->ctrl_silent = true;
		if (i != 1)
			start_waiter(&w[0], &l, wait_locked);
		if (i != 0)
			start_waiter(&w[1], &l, wait_coalescing);
		/* The close itself finds them, as no stop has sent them away: all of the port is freed. */
		rte_eth_devices[l.port].data->dev_started = 0;
		port_close(&l);
		__atomic_store_n(&closed, true, __ATOMIC_SEQ_CST);
		for (unsigned k = 0; k < 2; k++) {
			if (k == i % 2 || i == 2) {
				pthread_join(w[k].thread, NULL);
				CU_ASSERT(w[k].rc == -ECANCELED && !w[k].late);
			}
		}
	}
}

/* A hung device, its port reset again and again with commands in flight, each ended once. */
static void reset__again_and_again(void)
{
	struct port_lab l;

	closed = false;
	port_open(&l, NULL, "ctrl_start_ms=20");
	for (unsigned i = 0; i < 20; i++) {
		struct vnicd_ctrl_cmd *cmd;
		struct waiter w[2];

		l.s->ctrl_manual = true;
		start_waiter(&w[0], &l, wait_locked);
		start_waiter(&w[1], &l, wait_coalescing);
		cmd = port_next_command(&l);
		if (i % 3 == 1)
			CU_ASSERT_EQUAL(vnic_ctrl_timeout(l.port, i + 1), 0);
		CU_ASSERT(rte_eth_dev_stop(l.port) == 0 && rte_eth_dev_reset(l.port) == 0);
		for (unsigned k = 0; k < 2; k++) {
			pthread_join(w[k].thread, NULL);
			CU_ASSERT(w[k].rc == -ECANCELED || (i % 3 == 1 && (w[k].rc == -ETIMEDOUT || w[k].rc == -EIO)));
		}
		/* Starts that the device does not answer, in between. */
		if (i % 5 == 2)
			CU_ASSERT_EQUAL(port_start(&l), -ETIMEDOUT);
		free(cmd);
		l.s->ctrl_manual = false;
		CU_ASSERT_EQUAL(vnic_ctrl_timeout(l.port, VNIC_CTRL_TIMEOUT_MS), 0);
		CU_ASSERT_FATAL(port_start(&l) == 0);
		CU_ASSERT(port_works(&l, 0));
	}
	port_close(&l);
}

/* ---- memory that the device may still write to ------------------------------------------------ */

/* A back end that is lost and perhaps alive has the control queue's ring, though nothing was in flight. */
static void lost__control_ring_is_not_used_again(void)
{
	struct vnic_chunk ring, got[16] = { 0 };
	struct port_lab l;

	port_open(&l, NULL, NULL);
	ring = vnic_ctrl_vq(l.d->ctrl)->ring;
	CU_ASSERT_EQUAL(in_flight(l.port), 0);
	scripted_die(l.s);
	(void)TEST_SOON(l.d->state == VNIC_LOST && l.d->recover.cleaned);
	pthread_mutex_lock(&l.d->lock);
	CU_ASSERT_FATAL(l.d->recover.cleaned && l.d->ctrl == NULL && l.d->mem != NULL);
	for (unsigned i = 0; i < RTE_DIM(got) && vnic_mem_alloc(l.d->mem, ring.len, 4096, &got[i]) == 0; i++)
		CU_ASSERT((uint8_t *)got[i].va + got[i].len <= (uint8_t *)ring.va ||
			  (uint8_t *)ring.va + ring.len <= (uint8_t *)got[i].va);
	for (unsigned i = 0; i < RTE_DIM(got); i++)
		vnic_mem_free(l.d->mem, &got[i]);
	pthread_mutex_unlock(&l.d->lock);
	/* The one that returns has been reset: everything is ours again. */
	scripted_return(l.s);
	(void)TEST_SOON(l.d->state == VNIC_RUNNING);
	pthread_mutex_lock(&l.d->lock);
	CU_ASSERT(l.d->mem != NULL && vnic_mem_quarantined(l.d->mem) == 0);
	pthread_mutex_unlock(&l.d->lock);
	CU_ASSERT(port_works(&l, 0));
	port_close(&l);
}

static const struct test_case cases[] = {
	TEST_CASE(transport__stays_while_it_is_looked_at),
	TEST_CASE(close__under_those_who_wait),
	TEST_CASE(reset__again_and_again),
	TEST_CASE(lost__control_ring_is_not_used_again),
};
TEST_MAIN("virtio_ctrl_close", cases)
