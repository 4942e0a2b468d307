/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A control queue that never answers: who waits, who does not, what ends it, what
 * packets do meanwhile and afterwards.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "pmd/base/clock.h"
#include "pmd/virtio/vnic.h"
#include "tests/unit/test.h"
#include "tests/unit/virtio/port_lab.h"

/* Another thread asks the device for something, and waits. */
struct asker {
	pthread_t thread;
	uint16_t port;
	volatile int rc;        /* 1: still waits */
	uint64_t ended_us, cpu_us;
};

static void *ask(void *arg)
{
	struct asker *a = arg;
	int rc = rte_eth_promiscuous_enable(a->port);

	a->ended_us = clock_now_us();
	a->cpu_us = clock_thread_cpu_ns() / CLOCK_NS_PER_US;
	a->rc = rc;
	return NULL;
}

static uint32_t in_flight(uint16_t port)
{
	struct vnic_ctrl_info info;

	CU_ASSERT_FATAL(vnic_ctrl_info(port, &info) == 0);
	return info.stats.in_flight + info.stats.waiting;
}

static void asker_start(struct asker *a, struct port_lab *l)
{
	uint32_t before = in_flight(l->port);

	*a = (struct asker){ .port = l->port, .rc = 1 };
	CU_ASSERT_FATAL(pthread_create(&a->thread, NULL, ask, a) == 0);
	CU_ASSERT(TEST_SOON(in_flight(l->port) != before));
	CU_ASSERT_EQUAL(in_flight(l->port), before + 1);
}

static int asker_end(struct asker *a)
{
	CU_ASSERT(pthread_join(a->thread, NULL) == 0); /* for ever: the test's timeout */
	return a->rc;
}

static void hang(struct port_lab *l, const char *args)
{
	struct vnicd_nic_conf conf = scripted_conf(2);

	port_new(l, &conf);
	CU_ASSERT_FATAL(port_probe(l, args) == 0);
	l->queues = 2;
	CU_ASSERT_FATAL(port_start(l) == 0);
	/* What the start asks for in the background is answered yet. */
	CU_ASSERT(TEST_SOON(in_flight(l->port) == 0));
	l->s->ctrl_silent = true;
}

static void mend(struct port_lab *l)
{
	l->s->ctrl_silent = false;
	CU_ASSERT(rte_eth_dev_stop(l->port) == 0 && rte_eth_dev_reset(l->port) == 0 && port_start(l) == 0);
	for (uint16_t q = 0; q < l->queues; q++)
		CU_ASSERT(port_works(l, q));
	CU_ASSERT(rte_eth_allmulticast_enable(l->port) == 0);
}

/* One waits for seven days: packets, link, counters and questions do not wait with him, or he would be told. */
static void hang__nobody_else_waits(void)
{
	struct rte_eth_stats stats;
	struct rte_eth_link link;
	struct port_lab l;
	struct asker a;

	hang(&l, NULL);
	asker_start(&a, &l);
	for (unsigned i = 0; i < 50; i++)
		CU_ASSERT(port_works(&l, i % 2));
	CU_ASSERT(rte_eth_link_get_nowait(l.port, &link) == 0 && link.link_status == RTE_ETH_LINK_UP);
	CU_ASSERT(rte_eth_stats_get(l.port, &stats) == 0);
	/* One, or two: looking at xstats asks for the device's own. */
	CU_ASSERT(port_xstat(&l, "ctrl_in_flight") - 1 <= 1 && vnic_share_memory() == 0);
	scripted_config_changed(l.s); /* the control thread goes about its business */
	CU_ASSERT_EQUAL(a.rc, 1);
	/* A deadline that is over already ends it. */
	CU_ASSERT(vnic_ctrl_timeout(l.port, 1) == 0);
	CU_ASSERT(asker_end(&a) == -ETIMEDOUT);
	CU_ASSERT(port_event(&l, RTE_ETH_EVENT_INTR_RESET, 1));
	mend(&l);
	port_close(&l);
}

/* Those who wait can be sent away; the device is not broken by it, and a late answer does no harm. */
static void hang__waiting_can_be_ended(void)
{
	struct vnic_ctrl_info info;
	struct asker a, b;
	struct port_lab l;

	CU_ASSERT(vnic_ctrl_interrupt(RTE_MAX_ETHPORTS) == -ENOTSUP);
	hang(&l, NULL);
	l.s->ctrl_silent = false;
	l.s->ctrl_manual = true;
	CU_ASSERT(vnic_ctrl_interrupt(l.port) == 0); /* nobody there: nothing happens */
	asker_start(&a, &l);
	asker_start(&b, &l); /* the same bit: it waits in the driver */
	CU_ASSERT(vnic_ctrl_interrupt(l.port) == 0);
	CU_ASSERT(asker_end(&a) == -ECANCELED && asker_end(&b) == -ECANCELED);
	CU_ASSERT(vnic_ctrl_info(l.port, &info) == 0 && !info.broken && info.stats.canceled == 2);
	CU_ASSERT(l.events[RTE_ETH_EVENT_INTR_RESET] == 0 && port_works(&l, 0));
	l.s->ctrl_manual = false;
	scripted_ctrl_serve(l.s);
	CU_ASSERT(rte_eth_allmulticast_enable(l.port) == 0);
	CU_ASSERT(vnic_ctrl_info(l.port, &info) == 0 && info.stats.in_flight == 0 && info.stats.errors == 0);
	port_close(&l);
}

/* A port may be stopped, reset, closed by another thread while one waits. */
static void hang__stop_and_close_end_it(void)
{
	struct port_lab l;
	struct asker a;

	hang(&l, NULL);
	asker_start(&a, &l);
	CU_ASSERT(rte_eth_dev_stop(l.port) == 0);
	CU_ASSERT(asker_end(&a) == -ECANCELED);
	CU_ASSERT(l.d->mem == NULL); /* the device was reset: nothing is its any more */
	l.s->ctrl_silent = false;
	CU_ASSERT(rte_eth_dev_start(l.port) == 0 && port_works(&l, 0));
	port_close(&l);
}

/* ctrl_broken=go_on: control commands fail, packets do not notice. */
static void hang__packets_go_on(void)
{
	struct vnic_ctrl_info info;
	struct rte_eth_link link;
	struct port_lab l;

	hang(&l, "ctrl_timeout_ms=30,ctrl_broken=go_on");
	CU_ASSERT(rte_eth_promiscuous_enable(l.port) == -ETIMEDOUT);
	CU_ASSERT(port_event(&l, RTE_ETH_EVENT_INTR_RESET, 1));
	CU_ASSERT(vnic_ctrl_info(l.port, &info) == 0 && info.broken);
	CU_ASSERT_STRING_EQUAL(info.why, "control command RX PROMISC was not answered within 30 ms");
	for (uint16_t q = 0; q < 2; q++)
		CU_ASSERT(port_works(&l, q));
	CU_ASSERT(rte_eth_link_get_nowait(l.port, &link) == 0 && link.link_status == RTE_ETH_LINK_UP);
	l.s->ctrl_silent = false; /* too late: broken stays broken */
	CU_ASSERT(rte_eth_allmulticast_enable(l.port) == -EIO && l.events[RTE_ETH_EVENT_INTR_RESET] == 1);
	mend(&l);
	CU_ASSERT(vnic_ctrl_info(l.port, &info) == 0 && !info.broken);
	port_close(&l);
}

static struct {
	uint64_t us;
	volatile int rc;
} told;

static void note(void *arg, int rc, const void *result, size_t len)
{
	(void)arg;
	(void)result;
	(void)len;
	told.us = clock_now_us();
	told.rc = rc;
}

/*
 * Reported within 10 ms of the deadline, nobody waiting for it, with another thread inside of the
 * driver or not. The machine may be slow to run us: the best of ten counts, and of more where it
 * was slow each time.
 */
static void hang__reported_in_time(void)
{
	struct vnic_ctrl_request req = { .class = VIRTIO_NET_CTRL_RX, .cmd = VIRTIO_NET_CTRL_RX_ALLUNI, .done = note };
	uint64_t least = UINT64_MAX, start, us;
	struct port_lab l;
	unsigned events;

	hang(&l, "ctrl_timeout_ms=25");
	for (unsigned i = 0; i < 10 || (i < 200 && least >= 35000); i++) {
		events = l.events[RTE_ETH_EVENT_INTR_RESET];
		told.rc = 0;
		start = clock_now_us();
		CU_ASSERT_FATAL(vnic_ctrl_submit(l.d->ctrl, &req, NULL) == 0);
		vnic_ctrl_flush(l.d->ctrl);
		CU_ASSERT(TEST_SOON(l.events[RTE_ETH_EVENT_INTR_RESET] != events));
		us = clock_now_us() - start;
		CU_ASSERT(told.rc == -ETIMEDOUT && told.us - start >= 25000 && us >= 25000);
		least = RTE_MIN(least, us);
		mend(&l);
		l.s->ctrl_silent = true;
	}
	CU_ASSERT(least < 35000);
	l.s->ctrl_silent = false;
	port_close(&l);
}

/* A second of waiting costs next to nothing, and what it costs is shown. */
static void hang__waiting_costs_little(void)
{
	struct vnic_ctrl_info info;
	uint64_t before;
	struct port_lab l;
	struct asker a;

	hang(&l, "ctrl_timeout_ms=400");
	CU_ASSERT(vnic_ctrl_info(l.port, &info) == 0);
	before = info.stats.wait_cpu_ns;
	a = (struct asker){ .port = l.port, .rc = 1 };
	CU_ASSERT_FATAL(pthread_create(&a.thread, NULL, ask, &a) == 0);
	CU_ASSERT(asker_end(&a) == -ETIMEDOUT && a.cpu_us < 20000);
	CU_ASSERT(vnic_ctrl_info(l.port, &info) == 0);
	CU_ASSERT(info.stats.wait_cpu_ns > before && info.stats.wait_cpu_ns - before < 40000000);
	CU_ASSERT(info.stats.reaps < 200);
	CU_ASSERT(port_event(&l, RTE_ETH_EVENT_INTR_RESET, 1));
	mend(&l);
	port_close(&l);
}

/* The bring-up has a deadline of its own. Once it is not ours that the machine is late. */
static void hang__start_is_short(void)
{
	struct vnicd_nic_conf conf = scripted_conf(2);
	uint64_t start, least = UINT64_MAX;
	struct port_lab l;

	port_new(&l, &conf);
	CU_ASSERT_FATAL(port_probe(&l, "ctrl_start_ms=40") == 0);
	l.queues = 2;
	l.s->ctrl_silent = true;
	for (unsigned i = 0; i < 10 && least >= 2000000; i++) {
		start = clock_now_us();
		CU_ASSERT(port_start(&l) < 0);
		least = RTE_MIN(least, clock_now_us() - start);
	}
	CU_ASSERT(least >= 40000 && least < 2000000);
	l.s->ctrl_silent = false;
	CU_ASSERT(rte_eth_dev_start(l.port) == 0 && port_works(&l, 1));
	port_close(&l);
}

static unsigned answered;

static void count(void *arg, int rc, const void *result, size_t len)
{
	(void)arg;
	(void)result;
	(void)len;
	answered += rc == 0;
}

/* The slot of an earlier command is free once whoever took its answer is done with it. */
static int submit_soon(struct vnic_ctrl *c, const struct vnic_ctrl_request *req)
{
	int rc;

	(void)TEST_SOON((rc = vnic_ctrl_submit(c, req, NULL)) != -EAGAIN);
	return rc;
}

/* As many as the ring has room for, one doorbell. */
static void hang__many_in_flight_one_doorbell(void)
{
	struct vnic_ctrl_request req = { .class = VIRTIO_NET_CTRL_RX, .cmd = VIRTIO_NET_CTRL_RX_ALLMULTI,
					 .data = "", .len = 1, .done = count };
	struct vnic_ctrl_info info;
	struct port_lab l;
	uint64_t doorbells;
	unsigned slots;

	hang(&l, NULL);
	l.s->ctrl_silent = false;
	l.s->ctrl_manual = true;
	CU_ASSERT(vnic_ctrl_info(l.port, &info) == 0);
	slots = info.slots;
	CU_ASSERT(slots >= 128);
	doorbells = info.stats.doorbells;
	answered = 0;
	for (unsigned i = 0; i < slots; i++)
		CU_ASSERT(submit_soon(l.d->ctrl, &req) == 0);
	CU_ASSERT(vnic_ctrl_submit(l.d->ctrl, &req, NULL) == -EAGAIN);
	vnic_ctrl_flush(l.d->ctrl);
	CU_ASSERT(vnic_ctrl_info(l.port, &info) == 0);
	CU_ASSERT(info.stats.in_flight == slots && info.stats.doorbells == doorbells + 1);
	l.s->ctrl_manual = false;
	scripted_ctrl_serve(l.s);
	CU_ASSERT(TEST_SOON(*(volatile unsigned *)&answered == slots));
	port_close(&l);
}

static const struct test_case cases[] = {
	TEST_CASE(hang__nobody_else_waits),
	TEST_CASE(hang__waiting_can_be_ended),
	TEST_CASE(hang__stop_and_close_end_it),
	TEST_CASE(hang__packets_go_on),
	TEST_CASE(hang__reported_in_time),
	TEST_CASE(hang__waiting_costs_little),
	TEST_CASE(hang__start_is_short),
	TEST_CASE(hang__many_in_flight_one_doorbell),
};
TEST_MAIN("virtio_ctrl_hang", cases)
