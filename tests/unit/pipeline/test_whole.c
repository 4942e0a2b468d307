/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole pipelines on three workers over looped ring ports. */
#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_ethdev.h>

#include "app/smcgate/pipeline/lcore.h"
#include "tests/unit/pipeline/frame.h"
#include "tests/unit/pipeline/whole.h"
#include "tests/unit/test.h"

static const char text[] =
	"{\"ports\":["
	"{\"name\":\"p0\",\"device\":\"net_ring0\",\"vdev\":\"net_ring0\",\"addresses\":[\"10.0.0.1/24\"]},"
	"{\"name\":\"p1\",\"device\":\"net_ring1\",\"vdev\":\"net_ring1\",\"addresses\":[\"10.0.1.1/24\"]}],"
	"\"forward\":\"rxonly\",\"memory\":{\"rx_buffers\":2048,\"payload_buffers\":1024,\"header_buffers\":"
	"1024},"
	"\"tcp\":{\"max_connections\":100},"
	"\"services\":[{\"name\":\"echo\",\"type\":\"echo\",\"listen\":\"10.0.0.1:7\"}]}";

static void up(void)
{
	whole_up(text);
}

/* With the workers stopped the ring is ours to write to. */
static void inject(unsigned port, unsigned n)
{
	struct pipeline_port_info info;

	CU_ASSERT_EQUAL_FATAL(pipeline_port_info(whole.pl, port, &info), 0);
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(whole.mp);

		frame_tcp(m, 0, RTE_IPV4(10, 0, 0, 2), (uint16_t)(1000 + i), RTE_IPV4(10, 0, 0, 1), 9999);
		CU_ASSERT_EQUAL_FATAL(rte_eth_tx_burst(info.id, 0, &m, 1), 1);
	}
}

static struct pipeline_lcore_stats sum(void)
{
	struct pipeline_lcore_stats all = { 0 }, one;

	for (unsigned i = 0; i < pipeline_workers(whole.pl); i++) {
		CU_ASSERT_EQUAL_FATAL(pipeline_lcore_stats(whole.pl, i, &one), 0);
		all.rx_packets += one.rx_packets;
		all.tx_packets += one.tx_packets;
		all.steered_out += one.steered_out;
		all.steered_in += one.steered_in;
		all.turns += one.turns;
		for (unsigned d = 0; d < PIPELINE_N_DROPS; d++)
			all.drop[d] += one.drop[d];
	}
	return all;
}

/* Until what fn returns is at least want; false after 20 s, which no machine takes. */
static bool reaches(uint64_t (*fn)(void), uint64_t want)
{
	for (unsigned i = 0; i < 20000; i++) {
		if (fn() >= want)
			return true;
		usleep(1000);
	}
	return false;
}

/* Forward what was injected until fn has grown by n, then stand still. */
static void run_until(uint64_t (*fn)(void), uint64_t n)
{
	uint64_t before = fn();

	CU_ASSERT_EQUAL(pipeline_fwd_start(whole.pl), 0);
	CU_ASSERT_TRUE(reaches(fn, before + n));
	CU_ASSERT_EQUAL(pipeline_fwd_stop(whole.pl), 0);
}

static uint64_t sent(void)
{
	return sum().tx_packets;
}

static uint64_t swallowed(void)
{
	return sum().drop[PDROP_FWD_RXONLY];
}

static uint64_t turns(void)
{
	return sum().turns;
}

static uint64_t served(void)
{
	struct net_stats ns;
	uint64_t rx = 0;

	for (unsigned i = 0; i < pipeline_workers(whole.pl); i++) {
		CU_ASSERT_EQUAL_FATAL(pipeline_net_stats(whole.pl, i, &ns), 0);
		rx += ns.rx_packets;
	}
	return rx;
}

static void pipeline__starts_and_ends(void)
{
	for (unsigned i = 0; i < 2; i++) {
		up();
		CU_ASSERT_EQUAL(pipeline_workers(whole.pl), 3);
		CU_ASSERT_TRUE(pipeline_forwarding(whole.pl));
		CU_ASSERT_EQUAL(pipeline_services(whole.pl), 1);
		CU_ASSERT_EQUAL(pipeline_sync(whole.pl), 0);
		whole_down();
	}
}

static void fwd__rxonly_swallows(void)
{
	up();
	CU_ASSERT_EQUAL(pipeline_fwd_stop(whole.pl), 0);
	CU_ASSERT_EQUAL(pipeline_fwd_stop(whole.pl), -EALREADY);
	inject(0, 100);
	run_until(swallowed, 100);
	CU_ASSERT_EQUAL(sum().rx_packets, 100);
	CU_ASSERT_EQUAL(swallowed(), 100);
	whole_down();
}

/* Looped ports hand frames round and round. */
static void fwd__io_mac_and_macswap_forward(void)
{
	static const enum config_forward modes[] = { CONFIG_FWD_IO, CONFIG_FWD_MAC, CONFIG_FWD_MACSWAP };

	up();
	CU_ASSERT_EQUAL(pipeline_fwd_stop(whole.pl), 0);
	for (size_t i = 0; i < RTE_DIM(modes); i++) {
		uint64_t before;

		CU_ASSERT_EQUAL(pipeline_set_fwd(whole.pl, modes[i]), 0);
		CU_ASSERT_EQUAL(pipeline_fwd(whole.pl), modes[i]);
		before = swallowed();
		inject(0, 10);
		run_until(sent, 101);
		CU_ASSERT_EQUAL(pipeline_set_fwd(whole.pl, CONFIG_FWD_RXONLY), 0);
		run_until(swallowed, 10);
		CU_ASSERT_EQUAL(swallowed() - before, 10);
	}
	CU_ASSERT_EQUAL(pipeline_set_fwd(whole.pl, CONFIG_FWD_MODES), -EINVAL);
	whole_down();
}

static void fwd__txonly_makes_frames(void)
{
	up();
	CU_ASSERT_EQUAL(pipeline_set_fwd(whole.pl, CONFIG_FWD_TXONLY), 0);
	CU_ASSERT_TRUE(reaches(sent, 1));
	CU_ASSERT_EQUAL(sum().rx_packets, 0);
	CU_ASSERT_EQUAL(pipeline_set_fwd(whole.pl, CONFIG_FWD_RXONLY), 0);
	CU_ASSERT_TRUE(reaches(swallowed, sent()));
	whole_down();
}

/* One queue, three workers: segments spread over all of them, nothing lost. */
static void serve__steers_to_all_workers(void)
{
	up();
	CU_ASSERT_EQUAL(pipeline_fwd_stop(whole.pl), 0);
	CU_ASSERT_EQUAL(pipeline_set_fwd(whole.pl, CONFIG_FWD_SERVE), 0);
	inject(0, 60);
	run_until(served, 60);
	/* Announcements of the looped port were among them: a few frames may lie between workers. */
	for (unsigned i = 0; i < 1000 && sum().steered_out != sum().steered_in; i++)
		run_until(turns, 10);
	CU_ASSERT_EQUAL(sum().steered_out, sum().steered_in);
	CU_ASSERT(sum().steered_out > 20);
	for (unsigned i = 0; i < pipeline_workers(whole.pl); i++) {
		struct net_stats ns;

		CU_ASSERT_EQUAL(pipeline_net_stats(whole.pl, i, &ns), 0);
		CU_ASSERT(ns.rx_packets > 0);
	}
	whole_down();
}

static void port__stops_starts_and_closes_while_running(void)
{
	struct pipeline_reset_report report;
	struct pipeline_port_info info;

	up();
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), -EALREADY);
	CU_ASSERT_EQUAL(pipeline_port_mtu(whole.pl, 0, 1400), -EBUSY);
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), 0);
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), -EALREADY);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), 0);
	CU_ASSERT_EQUAL(pipeline_port_reset(whole.pl, 1, &report), 0);
	CU_ASSERT_EQUAL(pipeline_port_info(whole.pl, 1, &info), 0);
	CU_ASSERT_EQUAL(info.state, PORT_STARTED);
	CU_ASSERT_STRING_EQUAL(info.name, "p1");
	CU_ASSERT_EQUAL(pipeline_port_close(whole.pl, 1), 0);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 1), -ENODEV);
	CU_ASSERT_EQUAL(pipeline_port_info(whole.pl, 1, &info), 0);
	CU_ASSERT_EQUAL(info.state, PORT_CLOSED);
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 2), -ENODEV);
	whole_down();
}

static int give_index(struct lcore *lc, void *arg)
{
	*(unsigned *)arg += lc->index;
	return 40 + lc->index;
}

static int slow(struct lcore *lc, void *arg)
{
	usleep(100000);
	*(unsigned *)arg = 77;
	return 0;
}

static void call__runs_on_the_worker(void)
{
	unsigned x = 5;

	up();
	CU_ASSERT_EQUAL(pipeline_call(whole.pl, 2, give_index, &x, sizeof(x)), 42);
	CU_ASSERT_EQUAL(x, 7);
	CU_ASSERT_EQUAL(pipeline_call(whole.pl, 3, give_index, &x, sizeof(x)), -EINVAL);
	whole_down();
}

static void call__can_be_cancelled(void)
{
	int fd = eventfd(1, 0);
	unsigned x = 5;

	up();
	pipeline_cancel_on(whole.pl, fd);
	CU_ASSERT_EQUAL(pipeline_call(whole.pl, 0, slow, &x, sizeof(x)), -ECANCELED);
	usleep(200000);
	CU_ASSERT_EQUAL(x, 5); /* the answer came too late */
	pipeline_cancel_on(whole.pl, -1);
	CU_ASSERT_EQUAL(pipeline_call(whole.pl, 0, slow, &x, sizeof(x)), 0);
	CU_ASSERT_EQUAL(x, 77);
	close(fd);
	whole_down();
}

static int add_service(const char *json)
{
	struct config_service *svc = NULL;
	struct cfg_errors errs = { 0 };

	CU_ASSERT_EQUAL(config_parse_service(whole.cfg, json, strlen(json), &svc, &errs), 0);
	cfg_errors_print(&errs, "smcgate", stderr);
	return svc != NULL ? pipeline_service_add(whole.pl, svc) : -EINVAL;
}

/* By another service that listens there, until it is drained. */
static void service__endpoint_in_use(void)
{
	up();
	CU_ASSERT_EQUAL(add_service("{\"name\":\"a\",\"type\":\"discard\",\"listen\":\"0.0.0.0:99\"}"), 0);
	CU_ASSERT_EQUAL(add_service("{\"name\":\"b\",\"type\":\"discard\",\"listen\":\"10.0.0.1:99\"}"), -EADDRINUSE);
	CU_ASSERT_EQUAL(add_service("{\"name\":\"b\",\"type\":\"discard\",\"listen\":\"10.0.0.1:98\"}"), 0);
	CU_ASSERT_EQUAL(add_service("{\"name\":\"c\",\"type\":\"discard\",\"listen\":\"0.0.0.0:98\"}"), -EADDRINUSE);
	CU_ASSERT_EQUAL(pipeline_service_drain(whole.pl, "a"), 0);
	CU_ASSERT_EQUAL(add_service("{\"name\":\"c\",\"type\":\"discard\",\"listen\":\"10.0.0.1:99\"}"), 0);
	for (const char *const *name = (const char *const[]){ "a", "b", "c", NULL }; *name != NULL; name++)
		CU_ASSERT_EQUAL(pipeline_service_remove(whole.pl, *name), 0);
	whole_down();
}

static void service__added_drained_removed(void)
{
	static const char one[] = "{\"name\":\"sink\",\"type\":\"discard\",\"listen\":\"10.0.0.1:9\"}";
	struct pipeline_service_info info;
	struct config_service *svc = NULL;
	struct cfg_errors errs = { 0 };

	up();
	CU_ASSERT_EQUAL(config_parse_service(whole.cfg, one, sizeof(one) - 1, &svc, &errs), 0);
	cfg_errors_print(&errs, "smcgate", stderr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(svc);
	CU_ASSERT_EQUAL(pipeline_service_add(whole.pl, svc), 0);
	CU_ASSERT_EQUAL(config_parse_service(whole.cfg, one, sizeof(one) - 1, &svc, &errs), 0);
	CU_ASSERT_EQUAL(pipeline_service_add(whole.pl, svc), -EEXIST);
	CU_ASSERT_EQUAL(pipeline_services(whole.pl), 2);
	CU_ASSERT_EQUAL(pipeline_service_drain(whole.pl, "sink"), 0);
	CU_ASSERT_EQUAL(pipeline_service_info(whole.pl, (unsigned)pipeline_service_find(whole.pl, "sink"), &info), 0);
	CU_ASSERT_TRUE(info.draining);
	CU_ASSERT_EQUAL(info.open, 0);
	CU_ASSERT_EQUAL(pipeline_service_remove(whole.pl, "sink"), 0);
	CU_ASSERT_EQUAL(pipeline_service_remove(whole.pl, "sink"), -ENOENT);
	CU_ASSERT_EQUAL(pipeline_service_drain(whole.pl, "none"), -ENOENT);
	CU_ASSERT_EQUAL(pipeline_services(whole.pl), 1);
	whole_down();
}

static const struct test_case cases[] = {
	TEST_CASE(pipeline__starts_and_ends),
	TEST_CASE(fwd__rxonly_swallows),
	TEST_CASE(fwd__io_mac_and_macswap_forward),
	TEST_CASE(fwd__txonly_makes_frames),
	TEST_CASE(serve__steers_to_all_workers),
	TEST_CASE(port__stops_starts_and_closes_while_running),
	TEST_CASE(call__runs_on_the_worker),
	TEST_CASE(call__can_be_cancelled),
	TEST_CASE(service__added_drained_removed),
	TEST_CASE(service__endpoint_in_use),
};
TEST_MAIN("pipeline_whole", cases)
