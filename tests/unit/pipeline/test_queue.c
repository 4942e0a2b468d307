/* SPDX-License-Identifier: BSD-3-Clause */
/* Single queues of ports, and calls that wait for a device. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_ethdev.h>

#include "app/smcgate/pipeline/device.h"
#include "app/smcgate/pipeline/lcore.h"
#include "app/smcgate/pipeline/pipeline_impl.h"
#include "pmd/base/clock.h"
#include "tests/unit/pipeline/whole.h"
#include "tests/unit/test.h"

#define FILES "/tmp/smcgate-queue-test"

static const char text[] =
	"{\"ports\":["
	"{\"name\":\"p0\",\"device\":\"net_pcap0\",\"vdev\":\"net_pcap0,rx_pcap=" FILES "-%d.in,tx_pcap=" FILES
	"-%d.out\",\"addresses\":[\"10.0.0.1/24\"]},"
	"{\"name\":\"p1\",\"device\":\"net_null0\",\"vdev\":\"net_null0\",\"addresses\":[\"10.0.1.1/24\"]}],"
	"\"forward\":\"rxonly\",\"memory\":{\"rx_buffers\":2048,\"payload_buffers\":1024,\"header_buffers\":"
	"1024},"
	"\"tcp\":{\"max_connections\":100},"
	"\"services\":[{\"name\":\"echo\",\"type\":\"echo\",\"listen\":\"10.0.0.1:7\"}]}";

/* Few software devices stop single queues: one that reads and writes files does. */
static void up(void)
{
	static const uint32_t head[] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1 }; /* of a pcap file */
	char conf[2048], path[64];
	FILE *f;

	snprintf(path, sizeof(path), FILES "-%d.in", (int)getpid());
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(fwrite(head, sizeof(head), 1, f), 1);
	fclose(f);
	snprintf(conf, sizeof(conf), text, (int)getpid(), (int)getpid());
	whole_up(conf);
}

static void down(void)
{
	char path[64];

	whole_down();
	snprintf(path, sizeof(path), FILES "-%d.in", (int)getpid());
	unlink(path);
	snprintf(path, sizeof(path), FILES "-%d.out", (int)getpid());
	unlink(path);
}

/* What a worker polls and sends on. */
struct look {
	unsigned rx_port0, rx_port1;
	bool halted;
};

static int worker_look(struct lcore *lc, void *arg)
{
	struct look *l = arg;

	for (unsigned i = 0; i < lc->n_rxq; i++) {
		l->rx_port0 += lc->rxq[i].port == 0;
		l->rx_port1 += lc->rxq[i].port == 1;
	}
	l->halted |= lc->tx[0].halted;
	return 0;
}

static struct look look(void)
{
	struct look l = { 0 };

	CU_ASSERT_EQUAL(pipeline_call_each(whole.pl, worker_look, &l, sizeof(l)), 0);
	return l;
}

static struct pipeline_queue_info queue_info(enum vnic_dir dir)
{
	struct pipeline_queue_info q[8] = { 0 };
	int n = pipeline_queue_list(whole.pl, 0, q, 8);

	for (int i = 0; i < n; i++)
		if (q[i].dir == dir && q[i].queue == 0)
			return q[i];
	CU_FAIL_FATAL("no queue");
	return q[0];
}

static void queue__stops_and_starts_by_itself(void)
{
	up();
	CU_ASSERT_EQUAL(look().rx_port0, 1);
	CU_ASSERT_EQUAL(queue_info(VNIC_RX).flows, 1000);
	CU_ASSERT_EQUAL(pipeline_queue_start(whole.pl, 0, VNIC_RX, 0), -EALREADY);
	CU_ASSERT_EQUAL(pipeline_queue_stop(whole.pl, 0, VNIC_RX, 0), 0);
	CU_ASSERT_EQUAL(pipeline_queue_stop(whole.pl, 0, VNIC_RX, 0), -EALREADY);
	CU_ASSERT_TRUE(queue_info(VNIC_RX).stopped);
	CU_ASSERT_FALSE(queue_info(VNIC_TX).stopped);
	CU_ASSERT_EQUAL(look().rx_port0, 0);
	CU_ASSERT_EQUAL(look().rx_port1, 1); /* the others go on */
	/* Another port's change does not bring it back. */
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 1), 0);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 1), 0);
	CU_ASSERT_EQUAL(look().rx_port0, 0);
	CU_ASSERT_EQUAL(pipeline_queue_start(whole.pl, 0, VNIC_RX, 0), 0);
	CU_ASSERT_EQUAL(look().rx_port0, 1);
	CU_ASSERT_EQUAL(pipeline_queue_stop(whole.pl, 0, VNIC_TX, 0), 0);
	CU_ASSERT_TRUE(look().halted);
	CU_ASSERT_TRUE(queue_info(VNIC_TX).stopped);
	/* All queues start with their port. */
	CU_ASSERT_EQUAL(pipeline_queue_stop(whole.pl, 0, VNIC_RX, 0), 0);
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), 0);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), 0);
	CU_ASSERT_EQUAL(look().rx_port0, 1);
	CU_ASSERT_FALSE(look().halted);
	CU_ASSERT_FALSE(queue_info(VNIC_TX).stopped);
	down();
}

static void queue__refuses(void)
{
	struct vnic_reset_report report;
	struct vnic_coal coal = { 1, 1 };
	struct pipeline_coal_info ci[8];
	struct vnic_ctrl_info info;

	up();
	CU_ASSERT_EQUAL(pipeline_queue_stop(whole.pl, 2, VNIC_RX, 0), -ENODEV);
	CU_ASSERT_EQUAL(pipeline_queue_stop(whole.pl, 0, VNIC_RX, 9), -EINVAL);
	CU_ASSERT_EQUAL(pipeline_queue_reset(whole.pl, 0, VNIC_TX, 0, 0, &report), -ENOTSUP);
	CU_ASSERT_EQUAL(pipeline_coal_set(whole.pl, 0, VNIC_RX, 0, &coal), -ENOTSUP);
	CU_ASSERT_EQUAL(pipeline_coal_set(whole.pl, 0, VNIC_RX, 9, &coal), -EINVAL);
	CU_ASSERT_TRUE(pipeline_coal_list(whole.pl, 0, ci, 8) >= 2);
	CU_ASSERT_EQUAL(ci[0].known_rc, -ENOTSUP);
	CU_ASSERT_EQUAL(pipeline_ctrl_info(whole.pl, 0, &info), -ENOTSUP);
	CU_ASSERT_EQUAL(pipeline_ctrl_timeout(whole.pl, 0, 5), -ENOTSUP);
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), 0);
	CU_ASSERT_EQUAL(pipeline_queue_stop(whole.pl, 0, VNIC_RX, 0), -ENETDOWN);
	CU_ASSERT_EQUAL(pipeline_port_close(whole.pl, 0), 0);
	CU_ASSERT_EQUAL(pipeline_queue_stop(whole.pl, 0, VNIC_RX, 0), -ENODEV);
	CU_ASSERT_EQUAL(pipeline_queue_list(whole.pl, 0, NULL, 0), -ENODEV);
	CU_ASSERT_EQUAL(pipeline_ctrl_info(whole.pl, 0, &info), -ENODEV);
	down();
}

/* ---- a device that hangs --------------------------------------------------------------- */
struct hang {
	int until;       /* an eventfd */
	int value;
};

static int hangs(void *arg)
{
	struct hang *h = arg;
	struct pollfd fd = { .fd = h->until, .events = POLLIN };

	(void)poll(&fd, 1, TEST_PATIENCE_MS);
	h->value++;
	return 7;
}

static void device_call__leaves_a_device_that_hangs(void)
{
	struct hang h = { .until = eventfd(0, 0), .value = 1 };
	int cancel = eventfd(1, 0);
	struct pipeline_busy busy;
	struct device_slot *p;

	up();
	p = &whole.pl->ports[0].slot;
	CU_ASSERT_EQUAL(pipeline_busy(whole.pl, 0, &busy), -ENOENT);
	CU_ASSERT_EQUAL(device_claim(whole.pl, p, CLAIM_CHANGE, "port 0 test"), 0);
	pipeline_cancel_on(whole.pl, cancel);
	CU_ASSERT_EQUAL(device_call(whole.pl, p, hangs, &h, sizeof(h)), -ECANCELED);
	pipeline_cancel_on(whole.pl, -1);
	device_release(whole.pl, p);
	CU_ASSERT_EQUAL(pipeline_busy(whole.pl, 0, &busy), 0);
	CU_ASSERT_STRING_EQUAL(busy.what, "port 0 test");
	CU_ASSERT_TRUE(busy.left);
	/* The next one is told at once, others' ports are not held up, nor are workers. */
	CU_ASSERT_EQUAL(device_claim(whole.pl, p, CLAIM_CHANGE, "another"), -EAGAIN);
	CU_ASSERT_EQUAL(device_claim(whole.pl, p, CLAIM_LOOK, "a look"), -EAGAIN);
	CU_ASSERT_EQUAL(pipeline_queue_stop(whole.pl, 0, VNIC_RX, 0), -EAGAIN);
	CU_ASSERT_EQUAL(look().rx_port0, 1); /* its worker has taken the queue up again */
	CU_ASSERT_FALSE(device_done(whole.pl, p, 20));
	CU_ASSERT_EQUAL(pipeline_port_close(whole.pl, 0), -EAGAIN);
	CU_ASSERT_EQUAL(eventfd_write(h.until, 1), 0);
	CU_ASSERT_TRUE(device_done(whole.pl, p, 5000));
	CU_ASSERT_EQUAL(h.value, 1); /* the answer came too late */
	CU_ASSERT_EQUAL(pipeline_busy(whole.pl, 0, &busy), -ENOENT);
	CU_ASSERT_EQUAL(device_claim(whole.pl, p, CLAIM_CHANGE, "again"), 0);
	CU_ASSERT_EQUAL(device_call(whole.pl, p, hangs, &h, sizeof(h)), 7);
	device_release(whole.pl, p);
	CU_ASSERT_EQUAL(h.value, 2);
	CU_ASSERT_PTR_NULL(p->job);
	close(cancel);
	close(h.until);
	down();
}

/* A change waits for a look, and for nothing else; what ends takes the place of both. */
static void device_claim__who_waits_for_whom(void)
{
	static const struct {
		enum device_claim holds, wants;
		bool waits; /* for its whole time */
	} t[] = {
		{ CLAIM_CHANGE, CLAIM_LOOK, false }, { CLAIM_CHANGE, CLAIM_CHANGE, false },
		{ CLAIM_CHANGE, CLAIM_END, true }, { CLAIM_END, CLAIM_LOOK, false },
		{ CLAIM_END, CLAIM_CHANGE, false }, { CLAIM_END, CLAIM_END, false }, { CLAIM_LOOK, CLAIM_END, true },
	};
	struct device_slot *s;

	up();
	s = &whole.pl->ports[0].slot;
	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		uint64_t began, least = UINT64_MAX;

		CU_ASSERT_EQUAL(device_claim(whole.pl, s, t[i].holds, "first"), 0);
		/* One that does not wait may still be long about it on a busy machine, but not each time. */
		for (unsigned k = 0; k < 20 && least >= 400 && !(t[i].waits && k > 0); k++) {
			began = clock_now_ms();
			CU_ASSERT_EQUAL(device_claim(whole.pl, s, t[i].wants, "second"), -EAGAIN);
			least = RTE_MIN(least, clock_now_ms() - began);
		}
		CU_ASSERT_EQUAL(least >= 400, t[i].waits);
		CU_ASSERT_STRING_EQUAL(s->doing, "first");
		device_release(whole.pl, s);
		CU_ASSERT_STRING_EQUAL(s->doing, "");
	}
	down();
}

static const struct test_case cases[] = {
	TEST_CASE(queue__stops_and_starts_by_itself),
	TEST_CASE(queue__refuses),
	TEST_CASE(device_call__leaves_a_device_that_hangs),
	TEST_CASE(device_claim__who_waits_for_whom),
};
TEST_MAIN("pipeline_queue", cases)
