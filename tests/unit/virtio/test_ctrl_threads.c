/* SPDX-License-Identifier: BSD-3-Clause */
/* The control queue with threads: callers that sleep, a control thread, a device that is
 * slow, and random interleavings of everything. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "tests/unit/test.h"
#include "tests/unit/virtio/ctrl_lab.h"

static struct ctrl_lab lab;
static struct rte_eth_dev eth;
static struct rte_eth_dev_data eth_data;

/* ---- random interleavings, virtual time ----------------------------------------------------- */

#define TOKENS 4096

struct token {
	uint8_t calls;
	int rc;
};
static struct token token[TOKENS];
static uint64_t token_id[TOKENS];
static struct ctrl_lab_cmd held[256];
static unsigned n_held, n_tokens;

static void token_done(void *arg, int rc, const void *result, size_t len)
{
	struct token *t = arg;

	t->calls++;
	t->rc = rc;
	/* What came back is of this command. */
	if (rc == 0 && result != NULL) {
		uint32_t n;

		CU_ASSERT_EQUAL(len, sizeof(n));
		memcpy(&n, result, sizeof(n));
		CU_ASSERT_EQUAL(n, (uint32_t)(t - token));
	}
}

static void submit_random(uint64_t *rnd)
{
	static uint8_t data[200];
	uint32_t n = n_tokens;
	struct vnic_ctrl_request r = {
		.class = 4, .cmd = 1, .data = data, .len = test_random(rnd) % 8 == 0 ? 150 : 4,
		.result_len = test_random(rnd) % 2 != 0 ? 4 : 0, .group = (uint8_t)(test_random(rnd) % 9),
		.key = (uint32_t)(test_random(rnd) % 4), .done = token_done, .arg = &token[n],
	};
	int rc;

	if (n_tokens == TOKENS)
		return;
	memcpy(data, &n, sizeof(n));
	rc = vnic_ctrl_submit(lab.c, &r, &token_id[n]);
	CU_ASSERT(rc == 0 || rc == -EAGAIN);
	if (rc == 0)
		n_tokens++;
}

/* Two that conflict are never at the device together. */
static void check_held(void)
{
	const struct ctrl_slot *a, *b;

	TAILQ_FOREACH(a, &lab.c->active, link)
		TAILQ_FOREACH(b, &lab.c->active, link)
			CU_ASSERT(a == b || a->state != CTRL_POSTED || b->state != CTRL_POSTED ||
				  !ctrl_conflict(a->group, a->key, b->group, b->key));
}

static void answer_random(uint64_t *rnd)
{
	unsigned i = lab.opts.in_order ? 0 : (unsigned)(test_random(rnd) % n_held);
	uint32_t n;

	memcpy(&n, held[i].data, sizeof(n));
	if (held[i].result != NULL)
		memcpy(held[i].result, &n, sizeof(n));
	*held[i].ack = test_random(rnd) % 5 == 0;
	ctrl_lab_used(&lab, held[i].id, held[i].descs, (uint32_t)test_random(rnd));
	memmove(&held[i], &held[i + 1], (n_held - i - 1) * sizeof(held[0]));
	n_held--;
}

static void random_steps(uint64_t seed)
{
	uint64_t rnd = seed;

	memset(token, 0, sizeof(token));
	n_held = n_tokens = 0;
	for (unsigned step = 0; step < 3000; step++) {
		switch (test_random(&rnd) % 8) {
		case 0: case 1: case 2:
			submit_random(&rnd);
			break;
		case 3: case 4:
			if (n_held < RTE_DIM(held) && ctrl_lab_fetch(&lab, &held[n_held]))
				n_held++;
			break;
		case 5:
			if (n_held > 0)
				answer_random(&rnd);
			break;
		case 6:
			vnic_ctrl_poll(lab.c);
			check_held();
			break;
		default:
			if (n_tokens > 0 && test_random(&rnd) % 4 == 0)
				vnic_ctrl_cancel(lab.c, token_id[test_random(&rnd) % n_tokens]);
			else
				vnic_ctrl_flush(lab.c);
			break;
		}
	}
}

static void drain_and_check(void)
{
	uint64_t rnd = 1;

	for (unsigned i = 0; i < 2000; i++) {
		while (n_held < RTE_DIM(held) && ctrl_lab_fetch(&lab, &held[n_held]))
			n_held++;
		while (n_held > 0)
			answer_random(&rnd);
		vnic_ctrl_poll(lab.c);
	}
	for (unsigned i = 0; i < n_tokens; i++) {
		CU_ASSERT_EQUAL(token[i].calls, 1);
		CU_ASSERT(token[i].rc == 0 || token[i].rc == -EREMOTEIO || token[i].rc == -ECANCELED);
	}
	for (unsigned i = 0; i < lab.c->n_slots; i++)
		CU_ASSERT_EQUAL(lab.c->slot[i].state, CTRL_FREE);
	CU_ASSERT_EQUAL(lab.c->big_free, UINT16_MAX);
	CU_ASSERT_EQUAL(lab.c->free_descs, lab.c->vq.size);
}

static void ctrl__random_interleavings(void)
{
	struct vnic_ctrl_stats st;

	for (unsigned ring = 0; ring < ctrl_lab_ring_count; ring++)
		for (uint64_t seed = 1; seed <= 4; seed++) {
			ctrl_lab_open(&lab, &ctrl_lab_rings[ring]);
			random_steps(seed * 977 + ring);
			drain_and_check();
			vnic_ctrl_stats_get(lab.c, &st);
			CU_ASSERT_EQUAL(st.submitted, n_tokens);
			CU_ASSERT_EQUAL(st.completed + st.failed + st.canceled, n_tokens);
			CU_ASSERT_EQUAL(st.errors + st.timed_out + st.in_flight + st.waiting, 0);
			ctrl_lab_close(&lab);
		}
}

/* ---- threads, real time ----------------------------------------------------------------------- */

static struct {
	pthread_t thread;
	volatile bool stop;
	volatile int delay_us; /* < 0: never answers */
	int fd;                /* notifies by it, -1 */
} device;

static void *play_device(void *arg)
{
	static struct ctrl_lab_cmd cmd;
	uint64_t one = 1;

	(void)arg;
	while (!device.stop) {
		rte_delay_us_sleep(device.delay_us < 0 ? 5000 : 200);
		if (device.delay_us < 0 || !ctrl_lab_fetch(&lab, &cmd))
			continue;
		rte_delay_us_sleep((unsigned)device.delay_us);
		if (cmd.result != NULL)
			memcpy(cmd.result, cmd.data, RTE_MIN(cmd.len, cmd.result_len));
		ctrl_lab_answer(&lab, &cmd, cmd.cmd == 99 ? VIRTIO_NET_ERR : VIRTIO_NET_OK, NULL, 0);
		if (device.fd >= 0 && write(device.fd, &one, sizeof(one)) != sizeof(one))
			break;
	}
	return NULL;
}

static const struct vnic_transport_ops no_ops = { .name = "none" };

static void open_threads(unsigned ring, int delay_us, bool control_thread, bool with_fd)
{
	ctrl_lab_open(&lab, &ctrl_lab_rings[ring]);
	ctrl_lab_real_time();
	lab.dev.ops = &no_ops;
	eth.data = &eth_data;
	lab.dev.eth = &eth;
	lab.dev.state = VNIC_PROBED;
	pthread_mutex_init(&lab.dev.lock, NULL);
	device.fd = with_fd ? eventfd(0, EFD_NONBLOCK) : -1;
	vnic_ctrl_vq(lab.c)->call_fd = device.fd;
	device.delay_us = delay_us;
	device.stop = false;
	CU_ASSERT_EQUAL(pthread_create(&device.thread, NULL, play_device, NULL), 0);
	if (control_thread)
		CU_ASSERT_EQUAL_FATAL(vnic_thread_start(&lab.dev), 0);
}

static void close_threads(void)
{
	vnic_thread_stop(&lab.dev);
	device.stop = true;
	pthread_join(device.thread, NULL);
	vnic_ctrl_vq(lab.c)->call_fd = -1;
	if (device.fd >= 0)
		close(device.fd);
	ctrl_lab_close(&lab);
	pthread_mutex_destroy(&lab.dev.lock);
}

struct caller {
	pthread_t thread;
	unsigned index, calls;
	uint64_t timeout_ms;
	int rc;
	uint64_t ms;
};

static void *call_many(void *arg)
{
	struct caller *c = arg;

	for (unsigned i = 0; i < c->calls && c->rc == 0; i++) {
		uint32_t data = c->index << 16 | i, result = 0;
		struct vnic_ctrl_request r = { .data = &data, .len = 4, .result_len = 4, .timeout_ms = c->timeout_ms };
		uint64_t began = rte_rdtsc();

		c->rc = vnic_ctrl_call(lab.c, &r, &result);
		c->ms = (rte_rdtsc() - began) * 1000 / rte_get_tsc_hz();
		if (c->rc == 0)
			CU_ASSERT_EQUAL(result, data);
	}
	return NULL;
}

static void run_callers(struct caller *c, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		c[i].index = i;
		c[i].rc = 0;
		CU_ASSERT_EQUAL(pthread_create(&c[i].thread, NULL, call_many, &c[i]), 0);
	}
	for (unsigned i = 0; i < n; i++)
		pthread_join(c[i].thread, NULL);
}

/* With and without a control thread, with and without notifications; more callers than slots. */
static void ctrl__many_callers_wait(void)
{
	struct caller c[6];

	for (unsigned i = 0; i < 4; i++) {
		memset(c, 0, sizeof(c));
		for (unsigned k = 0; k < RTE_DIM(c); k++)
			c[k].calls = 20;
		open_threads(i, 50, i & 1, i & 2);
		run_callers(c, RTE_DIM(c));
		for (unsigned k = 0; k < RTE_DIM(c); k++)
			CU_ASSERT_EQUAL(c[k].rc, 0);
		close_threads();
	}
}

static void ctrl__refusal_reaches_the_caller(void)
{
	struct vnic_ctrl_request r = { .cmd = 99 };

	open_threads(0, 0, true, true);
	CU_ASSERT_EQUAL(vnic_ctrl_call(lab.c, &r, NULL), -EREMOTEIO);
	r.cmd = 1;
	CU_ASSERT_EQUAL(vnic_ctrl_call(lab.c, &r, NULL), 0);
	close_threads();
}

static uint64_t process_cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The device never answers: several callers at a time are told when the first deadline
 * passes, nobody spins meanwhile. */
static void ctrl__never_answered(void)
{
	for (unsigned i = 0; i < 4; i++) {
		struct caller c[4] = { { .calls = 1, .timeout_ms = 200 }, { .calls = 1, .timeout_ms = 60000 },
				       { .calls = 1, .timeout_ms = 60000 }, { .calls = 1, .timeout_ms = 60000 } };
		uint64_t cpu = process_cpu_ms(), gone;
		unsigned timed_out = 0, failed = 0;

		open_threads(i, -1, i & 1, i & 2);
		cpu = process_cpu_ms();
		run_callers(c, RTE_DIM(c));
		gone = process_cpu_ms() - cpu;
		for (unsigned k = 0; k < RTE_DIM(c); k++) {
			timed_out += c[k].rc == -ETIMEDOUT;
			failed += c[k].rc == -EIO;
		}
		CU_ASSERT(timed_out == 1 && failed == 3 && c[0].rc == -ETIMEDOUT);
		CU_ASSERT(c[0].ms >= 200 && c[0].ms < 60000); /* not when the others' time is over */
		CU_ASSERT(gone < 120);
		CU_ASSERT_PTR_NOT_NULL(vnic_ctrl_broken(lab.c));
		close_threads();
	}
}

static void note_time(void *arg, int rc, const void *result, size_t len)
{
	uint64_t *when = arg;

	(void)result;
	(void)len;
	CU_ASSERT_EQUAL(rc, -ETIMEDOUT);
	__atomic_store_n(when, rte_rdtsc(), __ATOMIC_RELEASE);
}

/* Nobody waits and nobody asks: the control thread finds what is due by itself, though it
 * slept for ever when the command came. */
static void ctrl__only_asynchronous_ones_expire(void)
{
	uint64_t when = 0, began, hz = rte_get_tsc_hz();
	struct vnic_ctrl_request r = { .timeout_ms = 50, .done = note_time, .arg = &when };

	open_threads(0, -1, true, true);
	rte_delay_us_sleep(20000);
	began = rte_rdtsc();
	CU_ASSERT_EQUAL(vnic_ctrl_submit(lab.c, &r, NULL), 0);
	vnic_ctrl_flush(lab.c);
	CU_ASSERT(TEST_SOON(__atomic_load_n(&when, __ATOMIC_ACQUIRE) != 0));
	CU_ASSERT((when - began) * 1000 / hz >= 50);
	close_threads();
}

/* A caller holds the device's lock and waits: the control thread fetches the answer all the same. */
static void ctrl__caller_holds_the_device(void)
{
	struct vnic_ctrl_request r = { .cmd = 1, .timeout_ms = 60000 };

	open_threads(0, 30000, true, true);
	pthread_mutex_lock(&lab.dev.lock);
	CU_ASSERT_EQUAL(vnic_ctrl_call(lab.c, &r, NULL), 0);
	pthread_mutex_unlock(&lab.dev.lock);
	close_threads();
}

/* Torn down under a caller: it is told, then the memory goes. */
static void *destroy_soon(void *arg)
{
	struct vnic_ctrl_stats st;

	(void)arg;
	CU_ASSERT(TEST_SOON((vnic_ctrl_stats_get(lab.c, &st), st.in_flight) == 1));
	rte_delay_us_sleep(30000); /* it is asleep by then, most likely */
	vnic_ctrl_destroy(lab.c);
	return NULL;
}

static void ctrl__destroyed_under_a_caller(void)
{
	for (unsigned thread = 0; thread < 2; thread++) {
		struct vnic_ctrl_request r = { .cmd = 1 };
		struct vnic_ctrl *kept;
		pthread_t t;

		open_threads(0, -1, thread, true);
		kept = vnic_ctrl_get(&lab.dev);
		CU_ASSERT_PTR_EQUAL(kept, lab.c);
		CU_ASSERT_EQUAL(pthread_create(&t, NULL, destroy_soon, NULL), 0);
		CU_ASSERT_EQUAL(vnic_ctrl_call(lab.c, &r, NULL), -ECANCELED);
		pthread_join(t, NULL);
		CU_ASSERT_PTR_NULL(vnic_ctrl_get(&lab.dev));
		vnic_ctrl_poll(kept); /* harmless */
		CU_ASSERT_EQUAL(vnic_ctrl_next(kept), -1);
		CU_ASSERT_EQUAL(vnic_ctrl_submit(kept, &r, NULL), -EIO);
		vnic_thread_stop(&lab.dev);
		device.stop = true;
		pthread_join(device.thread, NULL);
		close(device.fd);
		vnic_ctrl_put(kept);
		ctrl_lab_close(&lab);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(ctrl__random_interleavings),
	TEST_CASE(ctrl__many_callers_wait),
	TEST_CASE(ctrl__refusal_reaches_the_caller),
	TEST_CASE(ctrl__never_answered),
	TEST_CASE(ctrl__only_asynchronous_ones_expire),
	TEST_CASE(ctrl__caller_holds_the_device),
	TEST_CASE(ctrl__destroyed_under_a_caller),
};
TEST_MAIN("virtio_ctrl_threads", cases)
