/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports that are started, stopped, reset and closed while their device takes its time. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <ethdev_driver.h>

#include "app/smcgate/pipeline/device.h"
#include "app/smcgate/pipeline/lcore.h"
#include "app/smcgate/pipeline/pipeline_impl.h"
#include "tests/unit/pipeline/whole.h"
#include "tests/unit/test.h"

static const char text[] =
	"{\"ports\":["
	"{\"name\":\"p0\",\"device\":\"net_null0\",\"vdev\":\"net_null0\",\"addresses\":[\"10.0.0.1/24\"]},"
	"{\"name\":\"p1\",\"device\":\"net_null1\",\"vdev\":\"net_null1\",\"addresses\":[\"10.0.1.1/24\"]}],"
	"\"forward\":\"rxonly\",\"memory\":{\"rx_buffers\":2048,\"payload_buffers\":1024,\"header_buffers\":"
	"1024},"
	"\"tcp\":{\"max_connections\":100},"
	"\"services\":[{\"name\":\"echo\",\"type\":\"echo\",\"listen\":\"10.0.0.1:7\"}]}";

/* ---- port 0's device: net_null that starts and stops when it is let to ------------------- */
static struct {
	const struct eth_dev_ops *real;
	struct eth_dev_ops ops;
	int go;          /* an eventfd; once for each start and stop that is slow */
	bool slow_start, slow_stop;
	int start_rc;
	int cancel;      /* readable: whoever waits for it gives up at once */
} dev;

static void wait_to_go(bool slow)
{
	struct pollfd fd = { .fd = dev.go, .events = POLLIN };
	eventfd_t v;

	if (slow && poll(&fd, 1, 10000) > 0)
		(void)eventfd_read(dev.go, &v);
}

static int slow_start(struct rte_eth_dev *d)
{
	wait_to_go(dev.slow_start);
	return dev.start_rc != 0 ? dev.start_rc : dev.real->dev_start(d);
}

static int slow_stop(struct rte_eth_dev *d)
{
	wait_to_go(dev.slow_stop);
	return dev.real->dev_stop(d);
}

static void up(void)
{
	struct rte_eth_dev *d;

	whole_up(text);
	d = &rte_eth_devices[whole.pl->ports[0].id];
	memset(&dev, 0, sizeof(dev));
	dev.real = d->dev_ops;
	dev.ops = *dev.real;
	dev.ops.dev_start = slow_start;
	dev.ops.dev_stop = slow_stop;
	d->dev_ops = &dev.ops;
	dev.go = eventfd(0, EFD_SEMAPHORE);
	dev.cancel = eventfd(1, 0);
}

static void down(void)
{
	dev.slow_start = dev.slow_stop = false;
	whole_down();
	close(dev.go);
	close(dev.cancel);
}

/* What is asked at that moment is given up at once, and goes on. */
static void impatient(bool on)
{
	pipeline_cancel_on(whole.pl, on ? dev.cancel : -1);
}

static void go(void)
{
	CU_ASSERT_EQUAL(eventfd_write(dev.go, 1), 0);
}

static void *go_later(void *arg)
{
	(void)poll(NULL, 0, 50);
	(void)eventfd_write(dev.go, 1);
	return NULL;
}

static bool ended(void)
{
	return device_done(whole.pl, &whole.pl->ports[0], 5000);
}

static enum pipeline_port_state state(unsigned port)
{
	struct pipeline_port_info info;

	CU_ASSERT_EQUAL(pipeline_port_info(whole.pl, port, &info), 0);
	return info.state;
}

static bool becomes(unsigned port, enum pipeline_port_state want)
{
	for (unsigned i = 0; i < 2000 && state(port) != want; i++)
		(void)poll(NULL, 0, 1);
	return state(port) == want;
}

static int worker_look(struct lcore *lc, void *arg)
{
	unsigned *n = arg;

	for (unsigned i = 0; i < lc->n_rxq; i++)
		n[lc->rxq[i].port]++;
	return 0;
}

/* Queues that workers poll. */
static unsigned polled(unsigned port)
{
	unsigned n[2] = { 0, 0 };

	CU_ASSERT_EQUAL(pipeline_call_each(whole.pl, worker_look, n, sizeof(n)), 0);
	return n[port];
}

/* ---- tests ------------------------------------------------------------------------------- */
static void port_start__is_finished_when_the_device_answers_late(void)
{
	struct pipeline_queue_info q[8];
	struct pipeline_coal_info c[8];

	up();
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), 0);
	CU_ASSERT_EQUAL(polled(0), 0);
	dev.slow_start = true;
	impatient(true);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), -ECANCELED);
	impatient(false);
	CU_ASSERT_TRUE(becomes(0, PORT_BUSY));
	CU_ASSERT_EQUAL(polled(0), 0);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), -EAGAIN);
	CU_ASSERT_EQUAL(pipeline_port_mtu(whole.pl, 0, 1400), -EAGAIN);
	CU_ASSERT_EQUAL(pipeline_queue_stop(whole.pl, 0, VNIC_RX, 0), -EAGAIN);
	CU_ASSERT_EQUAL(pipeline_coal_list(whole.pl, 0, c, 8), -EAGAIN);
	CU_ASSERT_TRUE(pipeline_queue_list(whole.pl, 0, q, 8) >= 2);
	/* The other port does not notice. */
	CU_ASSERT_EQUAL(polled(1), 1);
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 1), 0);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 1), 0);
	CU_ASSERT_EQUAL(state(0), PORT_BUSY);
	/* Nobody asks again. Whoever cancels now means something else. */
	impatient(true);
	go();
	CU_ASSERT_TRUE(becomes(0, PORT_STARTED));
	impatient(false);
	CU_ASSERT_EQUAL(polled(0), 1);
	CU_ASSERT_EQUAL(polled(1), 1);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), -EALREADY);
	down();
}

static void port_start__fails_late(void)
{
	up();
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), 0);
	dev.slow_start = true;
	dev.start_rc = -EIO;
	impatient(true);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), -ECANCELED);
	impatient(false);
	CU_ASSERT_TRUE(becomes(0, PORT_BUSY));
	go();
	CU_ASSERT_TRUE(becomes(0, PORT_STOPPED));
	CU_ASSERT_EQUAL(polled(0), 0);
	CU_ASSERT_TRUE(ended());
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), -EALREADY);
	dev.slow_start = false;
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), -EIO);
	dev.start_rc = 0;
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), 0);
	CU_ASSERT_EQUAL(polled(0), 1);
	down();
}

static void port_stop__workers_let_go_first(void)
{
	up();
	dev.slow_stop = true;
	impatient(true);
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), -ECANCELED);
	impatient(false);
	CU_ASSERT_TRUE(becomes(0, PORT_BUSY));
	for (unsigned i = 0; i < 2000 && polled(0) != 0; i++)
		(void)poll(NULL, 0, 1);
	CU_ASSERT_EQUAL(polled(0), 0);
	CU_ASSERT_EQUAL(state(0), PORT_BUSY);
	CU_ASSERT_EQUAL(state(1), PORT_STARTED);
	go();
	CU_ASSERT_TRUE(becomes(0, PORT_STOPPED));
	dev.slow_stop = false;
	CU_ASSERT_TRUE(ended());
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), 0);
	CU_ASSERT_EQUAL(polled(0), 1);
	down();
}

/* Reset and close wait for the end of what was begun, a while. */
static void port__reset_and_closed_while_busy(void)
{
	pthread_t helper;

	up();
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), 0);
	dev.slow_start = true;
	impatient(true);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), -ECANCELED);
	impatient(false);
	/* This device listens to nobody. */
	CU_ASSERT_EQUAL(pipeline_port_reset(whole.pl, 0), -EAGAIN);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&helper, NULL, go_later, NULL), 0);
	dev.slow_start = false;
	CU_ASSERT_EQUAL(pipeline_port_reset(whole.pl, 0), 0);
	pthread_join(helper, NULL);
	CU_ASSERT_EQUAL(state(0), PORT_STARTED); /* as the start made it */
	CU_ASSERT_EQUAL(polled(0), 1);
	dev.slow_stop = true;
	impatient(true);
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), -ECANCELED);
	impatient(false);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&helper, NULL, go_later, NULL), 0);
	CU_ASSERT_EQUAL(pipeline_port_close(whole.pl, 0), 0);
	pthread_join(helper, NULL);
	CU_ASSERT_EQUAL(state(0), PORT_CLOSED);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), -ENODEV);
	CU_ASSERT_EQUAL(polled(0), 0);
	CU_ASSERT_EQUAL(polled(1), 1);
	down();
}

/* The program ends while a device is at it. */
static void pipeline_stop__with_a_busy_port(void)
{
	pthread_t helper;

	up();
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), 0);
	dev.slow_start = true;
	impatient(true);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), -ECANCELED);
	impatient(false);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&helper, NULL, go_later, NULL), 0);
	down();
	pthread_join(helper, NULL);
}

/* Whoever looks is let finish before the port changes. */
static void *close_port(void *arg)
{
	*(int *)arg = pipeline_port_close(whole.pl, 0);
	return NULL;
}

static void pipeline_look__holds_the_port(void)
{
	pthread_t closer;
	int rc = 1;

	up();
	pipeline_look_begin();
	CU_ASSERT_EQUAL(state(0), PORT_STARTED);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&closer, NULL, close_port, &rc), 0);
	(void)poll(NULL, 0, 30);
	CU_ASSERT_EQUAL(state(0), PORT_STARTED);
	CU_ASSERT_TRUE(rte_eth_dev_is_valid_port(whole.pl->ports[0].id));
	pipeline_look_end();
	pthread_join(closer, NULL);
	CU_ASSERT_EQUAL(rc, 0);
	CU_ASSERT_EQUAL(state(0), PORT_CLOSED);
	down();
}

static const struct test_case cases[] = {
	TEST_CASE(port_start__is_finished_when_the_device_answers_late),
	TEST_CASE(port_start__fails_late),
	TEST_CASE(port_stop__workers_let_go_first),
	TEST_CASE(port__reset_and_closed_while_busy),
	TEST_CASE(pipeline_stop__with_a_busy_port),
	TEST_CASE(pipeline_look__holds_the_port),
};
TEST_MAIN("pipeline_port_ctl", cases)
