/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the control queue is worth: a port of 64 pairs, the coalescing of its 128 queues set, one command
 * at a time and all at once, against a device of some latency that works at D commands at a time; the
 * CPU that 1000 commands a second take; a device that hangs beside three that carry packets.
 *
 *	ctrlq_cost [ROUNDS]
 *
 * Prints lines for tests/bench/ctrlq.py:
 *	batch LATENCY_US D one_us... | all_us... | doorbells   one line for each cell, times of each round
 *	cpu NAME percent submit_us reap_us                     of a core; a command's microseconds
 *	late us...                                             from deadline to event, of each try
 *	turns NAME longest_us p999_us turns packets lost       three ports, before and while a fourth hangs
 */
#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pmd/virtio/ctrl_private.h"
#include "tests/bench/ctrlq_device.h"
#include "tests/unit/test.h"

#define PAIRS   64u
#define QUEUES  (2 * PAIRS)
#define FLUSH   32u /* commands under a doorbell: the device begins while more are written */
#define ROUNDS_MAX 64u
#define ALONE   4u /* times as many where the device does one at a time: no loss is less to see than a gain */
#define CPU_MS  3000u
#define TURN_MS 4000u
#define TRIES   100u
#define PACKETS 8u /* of each port in a turn */

static unsigned rounds = 15;
static struct port_lab lab;
static sem_t all_answered;
static unsigned outstanding; /* of those that the waiter waits for */
static volatile unsigned refused;

static void open_port(struct port_lab *l, uint16_t pairs, const char *args)
{
	struct vnicd_nic_conf conf = scripted_conf(pairs);

	port_new(l, &conf);
	l->queues = pairs;
	l->rx_desc = l->tx_desc = 32;
	CU_ASSERT_FATAL(port_probe(l, args) == 0);
	CU_ASSERT_FATAL(port_start(l) == 0);
	CU_ASSERT(rte_eth_promiscuous_enable(l->port) == 0); /* what comes back is for nobody */
}

/* ---- batches ------------------------------------------------------------------------------ */
static void on_answer(void *arg, int rc, const void *result, size_t len)
{
	(void)arg;
	(void)result;
	(void)len;
	if (rc != 0 && refused++ == 0)
		fprintf(stderr, "a command failed: %s\n", strerror(-rc));
	if (__atomic_sub_fetch(&outstanding, 1, __ATOMIC_ACQ_REL) == 0)
		sem_post(&all_answered);
}

static void make_request(struct vnic_ctrl_request *req, struct vnic_ctrl_coal_vq *data, unsigned vq, unsigned value)
{
	*data = (struct vnic_ctrl_coal_vq){ rte_cpu_to_le_16((uint16_t)vq), 0,
					    { rte_cpu_to_le_32(value), rte_cpu_to_le_32(50) } };
	*req = (struct vnic_ctrl_request){ .class = VIRTIO_NET_CTRL_NOTF_COAL, .cmd = VIRTIO_NET_CTRL_NOTF_COAL_VQ_SET,
					   .group = VNIC_CTRL_COAL_VQ, .key = vq, .data = data, .len = sizeof(*data),
					   .done = on_answer };
}

/* The whole device set, one command after the other. Microseconds. */
static double one_at_a_time(unsigned value)
{
	struct vnic_ctrl_coal_vq data;
	struct vnic_ctrl_request req;
	uint64_t start = ctrlq_now_ns();

	for (unsigned vq = 0; vq < QUEUES; vq++) {
		make_request(&req, &data, vq, value);
		refused += vnic_ctrl_call(lab.d->ctrl, &req, NULL) != 0;
	}
	return (double)(ctrlq_now_ns() - start) / 1000;
}

static void submit(unsigned vq, unsigned value)
{
	struct vnic_ctrl_coal_vq data;
	struct vnic_ctrl_request req;
	int rc;

	make_request(&req, &data, vq, value);
	rc = vnic_ctrl_submit(lab.d->ctrl, &req, NULL);
	if (rc != 0)
		on_answer(NULL, rc, NULL, 0);
}

static double all_at_once(unsigned value)
{
	uint64_t start = ctrlq_now_ns();

	outstanding = QUEUES;
	for (unsigned vq = 0; vq < QUEUES; vq++) {
		submit(vq, value);
		if (vq % FLUSH == FLUSH - 1)
			vnic_ctrl_flush(lab.d->ctrl);
	}
	sem_wait(&all_answered);
	return (double)(ctrlq_now_ns() - start) / 1000;
}

static uint64_t doorbells(void)
{
	struct vnic_ctrl_stats st;

	vnic_ctrl_stats_get(lab.d->ctrl, &st);
	return st.doorbells;
}

static void cell(struct ctrlq_device *dev, unsigned latency_us, unsigned at_work)
{
	unsigned n = at_work == 1 ? ALONE * rounds : rounds;
	double one[ALONE * ROUNDS_MAX], all[ALONE * ROUNDS_MAX];
	uint64_t rung = 0, before;

	ctrlq_device_set(dev, latency_us, at_work);
	for (unsigned i = 0; i < n; i++) {
		one[i] = one_at_a_time(2 * i);
		before = doorbells();
		all[i] = all_at_once(2 * i + 1);
		rung += doorbells() - before;
		for (unsigned vq = 0; vq < QUEUES; vq++) /* every one was done */
			refused += lab.s->nic.queue[vq].coal.max_packets != 2 * i + 1;
	}
	printf("batch %u %u", latency_us, at_work);
	for (unsigned i = 0; i < n; i++)
		printf(" %.1f", one[i]);
	printf(" |");
	for (unsigned i = 0; i < n; i++)
		printf(" %.1f", all[i]);
	printf(" | %.4f\n", (double)rung / n / QUEUES);
	fflush(stdout);
}

/* ---- CPU ------------------------------------------------------------------------------------- */
static uint64_t thread_ns(pthread_t t)
{
	struct timespec ts = { 0 };
	clockid_t id;

	if (pthread_getcpuclockid(t, &id) == 0)
		clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* 1000 commands a second, batch of them at a time. */
static void cpu(struct ctrlq_device *dev, const char *name, unsigned batch)
{
	uint64_t reap, spent = 0, began, start, due, took;
	unsigned n = 0;

	ctrlq_device_set(dev, 200, 64);
	outstanding = 1; /* ours, until all are submitted */
	reap = thread_ns(lab.d->thread);
	start = due = ctrlq_now_ns();
	while (ctrlq_now_ns() - start < CPU_MS * UINT64_C(1000000)) {
		struct timespec t;

		__atomic_add_fetch(&outstanding, batch, __ATOMIC_ACQ_REL);
		began = thread_ns(pthread_self());
		for (unsigned i = 0; i < batch; i++, n++)
			submit(n % QUEUES, n);
		vnic_ctrl_flush(lab.d->ctrl);
		spent += thread_ns(pthread_self()) - began;
		due += batch * UINT64_C(1000000);
		t = (struct timespec){ (time_t)(due / 1000000000), (long)(due % 1000000000) };
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
	}
	took = ctrlq_now_ns() - start;
	if (__atomic_sub_fetch(&outstanding, 1, __ATOMIC_ACQ_REL) != 0)
		sem_wait(&all_answered);
	reap = thread_ns(lab.d->thread) - reap;
	printf("cpu %s %.3f %.3f %.3f\n", name, 100.0 * (double)(reap + spent) / (double)took,
	       (double)spent / 1000 / n, (double)reap / 1000 / n);
	fflush(stdout);
}

static void bench_batches(void)
{
	static const unsigned latency[] = { 50, 200, 1000 }, at_work[] = { 1, 4, 16, 64 };
	struct ctrlq_device *dev;

	sem_init(&all_answered, 0, 0);
	open_port(&lab, PAIRS, NULL);
	CU_ASSERT_FATAL(lab.d->ctrl != NULL && vnic_has(lab.d, VIRTIO_NET_F_VQ_NOTF_COAL));
	dev = ctrlq_device_start(&lab);
	for (unsigned l = 0; l < RTE_DIM(latency); l++)
		for (unsigned d = 0; d < RTE_DIM(at_work); d++)
			cell(dev, latency[l], at_work[d]);
	cpu(dev, "one_a_millisecond", 1);
	cpu(dev, "64_at_a_time", 64);
	CU_ASSERT_EQUAL(refused, 0);
	CU_ASSERT_FATAL(refused == 0);
	/* It stops answering when its thread is gone: the port's own way out is the reset. */
	ctrlq_device_end(dev);
	port_close(&lab);
}

/* ---- one of four hangs -------------------------------------------------------------------------- */
struct turns {
	double *us;
	unsigned n;
	uint64_t sent, got;
};

static struct port_lab four[4];
static bool leave, left; /* the last one is to be let alone; it is */

/* Packets there and back on a port; what is not back the same turn is lost. */
static void turn_port(struct port_lab *l, struct turns *t)
{
	struct rte_mbuf *m[PACKETS], *back[PACKETS];
	unsigned n = 0, sent;

	while (n < PACKETS && (m[n] = port_frame(l, t->n, 60, 0)) != NULL)
		n++;
	sent = rte_eth_tx_burst(l->port, 0, m, (uint16_t)n);
	rte_pktmbuf_free_bulk(m + sent, n - sent);
	scripted_step(l->s, true);
	n = rte_eth_rx_burst(l->port, 0, back, PACKETS);
	rte_pktmbuf_free_bulk(back, n);
	if (l == &four[3])
		return; /* the one that hangs: it takes part, and is not counted */
	t->sent += PACKETS;
	t->got += n;
}

static int by_size(const void *a, const void *b)
{
	return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

#define TURNS_MAX 4000000u

static void measure(const char *name, void (*at)(unsigned ms))
{
	struct turns t = { .us = malloc(TURNS_MAX * sizeof(double)) };
	uint64_t start = ctrlq_now_ns(), before = start, now = start;
	bool let_go;

	CU_ASSERT_FATAL(t.us != NULL);
	while (now - start < TURN_MS * UINT64_C(1000000) && t.n < TURNS_MAX) {
		let_go = __atomic_load_n(&leave, __ATOMIC_ACQUIRE);
		for (unsigned i = 0; i < 4u - let_go; i++)
			turn_port(&four[i], &t);
		now = ctrlq_now_ns();
		t.us[t.n++] = (double)(now - before) / 1000;
		__atomic_store_n(&left, let_go, __ATOMIC_RELEASE);
		if (at != NULL)
			at((unsigned)((now - start) / 1000000));
		before = ctrlq_now_ns();
	}
	qsort(t.us, t.n, sizeof(t.us[0]), by_size);
	printf("turns %s %.1f %.1f %u %llu %llu\n", name, t.us[t.n - 1], t.us[t.n - 1 - t.n / 1000], t.n,
	       (unsigned long long)t.sent, (unsigned long long)(t.sent - t.got));
	fflush(stdout);
	free(t.us);
}

/* Deadlines pass all through the measurement: commands, the event, the reset that mends it. */
static unsigned tries;
static bool enough;
static uint64_t asked_ns, event_ns;
static double late_us[TRIES];

static int on_reset(uint16_t port, enum rte_eth_event_type type, void *arg, void *ret)
{
	(void)port;
	(void)type;
	(void)arg;
	(void)ret;
	__atomic_store_n(&event_ns, ctrlq_now_ns(), __ATOMIC_RELEASE);
	return 0;
}

#define DEADLINE_MS 50u

static void let_alone(bool on)
{
	__atomic_store_n(&leave, on, __ATOMIC_RELEASE);
	while (__atomic_load_n(&left, __ATOMIC_ACQUIRE) != on)
		usleep(50);
}

/* By another thread than the packets', which leave the port while it is reset, as workers do. */
static void *hang_again(void *arg)
{
	struct vnic_ctrl_request req = { .class = VIRTIO_NET_CTRL_RX, .cmd = VIRTIO_NET_CTRL_RX_ALLUNI };
	struct port_lab *l = arg;

	for (; tries < TRIES && !__atomic_load_n(&enough, __ATOMIC_ACQUIRE); tries++) {
		event_ns = 0;
		asked_ns = ctrlq_now_ns();
		refused += vnic_ctrl_call(l->d->ctrl, &req, NULL) != -ETIMEDOUT;
		for (unsigned i = 0; i < 1000 && __atomic_load_n(&event_ns, __ATOMIC_ACQUIRE) == 0; i++)
			usleep(100);
		late_us[tries] = ((double)event_ns - (double)asked_ns) / 1000 - DEADLINE_MS * 1000.0;
		let_alone(true);
		l->s->ctrl_manual = false;
		refused += rte_eth_dev_stop(l->port) != 0 || rte_eth_dev_reset(l->port) != 0 || port_start(l) != 0;
		l->s->ctrl_manual = true;
		let_alone(false);
		usleep(20000);
	}
	return NULL;
}

static pthread_t hanger;
static bool hanging;

static void begin_hanging(unsigned ms)
{
	if (ms < 100 || hanging)
		return;
	hanging = true;
	CU_ASSERT_FATAL(pthread_create(&hanger, NULL, hang_again, &four[3]) == 0);
}

/* Nobody polls any more: it may do what it likes with its port. */
static void stop_hanging(void)
{
	__atomic_store_n(&enough, true, __ATOMIC_RELEASE);
	while (pthread_tryjoin_np(hanger, NULL) == EBUSY) {
		__atomic_store_n(&left, __atomic_load_n(&leave, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
		usleep(100);
	}
}

static void bench_hang(void)
{
	for (unsigned i = 0; i < 4; i++)
		open_port(&four[i], 1, i == 3 ? "ctrl_timeout_ms=50" : NULL);
	rte_eth_dev_callback_register(four[3].port, RTE_ETH_EVENT_INTR_RESET, on_reset, NULL);
	measure("before", NULL);
	four[3].s->ctrl_manual = true;
	measure("hanging", begin_hanging);
	stop_hanging();
	four[3].s->ctrl_manual = false;
	printf("late");
	for (unsigned i = 0; i < tries; i++)
		printf(" %.1f", late_us[i]);
	printf("\n");
	CU_ASSERT_EQUAL(refused, 0);
	for (unsigned i = 0; i < 4; i++)
		port_close(&four[i]);
}

static const struct test_case cases[] = {
	TEST_CASE(bench_batches),
	TEST_CASE(bench_hang),
};

int main(int argc, char **argv)
{
	if (argc > 1)
		rounds = (unsigned)atoi(argv[1]);
	if (rounds < 3 || rounds > ROUNDS_MAX)
		return 2;
	return test_run("ctrlq_cost", cases, RTE_DIM(cases), NULL);
}
