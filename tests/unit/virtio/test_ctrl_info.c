/* SPDX-License-Identifier: BSD-3-Clause */
/* What people ask of a port's control queue, while all is well and while nothing is. */
#include <errno.h>
#include <string.h>

#include "pmd/virtio/vnic.h"
#include "tests/unit/test.h"
#include "tests/unit/virtio/port_lab.h"

static void ctrl_info__names(void)
{
	static const struct {
		uint8_t class, cmd;
		const char *name;
	} rows[] = {
		{ 0, 0, "RX PROMISC" }, { 1, 1, "MAC ADDR_SET" }, { 2, 1, "VLAN DEL" }, { 4, 0, "MQ VQ_PAIRS_SET" },
		{ 4, 1, "MQ RSS_CONFIG" }, { 6, 2, "NOTF_COAL VQ_SET" }, { 8, 1, "STATS GET" },
		{ 9, 3, "class 9 command 3" }, { 255, 255, "class 255 command 255" }, { 1, 2, "class 1 command 2" },
	};
	char buf[40], small[4];

	for (unsigned i = 0; i < RTE_DIM(rows); i++)
		CU_ASSERT_STRING_EQUAL(vnic_ctrl_name(rows[i].class, rows[i].cmd, buf, sizeof(buf)), rows[i].name);
	CU_ASSERT_STRING_EQUAL(vnic_ctrl_name(1, 1, small, sizeof(small)), "MAC");
}

static void ctrl_info__of_a_port_that_runs(void)
{
	struct vnic_ctrl_info info;
	struct port_lab l;
	uint64_t before;

	port_open(&l, NULL, "ctrl_timeout_ms=5000");
	CU_ASSERT(vnic_ctrl_info(l.port, &info) == 0);
	CU_ASSERT(info.present && !info.broken && info.why[0] == '\0' && info.timeout_ms == 5000 && info.slots >= 16);
	before = info.stats.completed;
	CU_ASSERT(rte_eth_promiscuous_enable(l.port) == 0);
	CU_ASSERT(vnic_ctrl_info(l.port, &info) == 0);
	CU_ASSERT(info.stats.completed == before + 1 && info.stats.in_flight == 0);
	CU_ASSERT(info.stats.last[0].class == VIRTIO_NET_CTRL_RX && info.stats.last[0].rc == 0);
	/* Stopped: no queue, the counters stay, and go on at the next start. */
	CU_ASSERT(rte_eth_dev_stop(l.port) == 0);
	CU_ASSERT(vnic_ctrl_info(l.port, &info) == 0);
	CU_ASSERT(info.present && !info.broken && info.slots == 0 && info.stats.completed == before + 1);
	CU_ASSERT(vnic_ctrl_timeout(l.port, 777) == 0);
	CU_ASSERT(rte_eth_dev_start(l.port) == 0);
	CU_ASSERT(vnic_ctrl_info(l.port, &info) == 0);
	CU_ASSERT(info.timeout_ms == 777 && info.stats.completed > before + 1);
	port_close(&l);
	CU_ASSERT(vnic_ctrl_info(l.port, &info) == -ENOTSUP); /* nobody's port */
	CU_ASSERT(vnic_ctrl_timeout(l.port, 1) == -ENOTSUP);
}

static void ctrl_info__timeout_is_checked(void)
{
	struct vnic_ctrl_info info;
	struct port_lab l;

	port_open(&l, NULL, NULL);
	CU_ASSERT(vnic_ctrl_timeout(l.port, 0) == -EINVAL);
	CU_ASSERT(vnic_ctrl_timeout(l.port, VNIC_CTRL_TIMEOUT_MAX_MS + 1) == -EINVAL);
	CU_ASSERT(vnic_ctrl_info(l.port, &info) == 0 && info.timeout_ms == VNIC_CTRL_TIMEOUT_MS);
	CU_ASSERT(vnic_ctrl_timeout(l.port, VNIC_CTRL_TIMEOUT_MAX_MS) == 0 && vnic_ctrl_timeout(l.port, 1) == 0);
	CU_ASSERT(vnic_ctrl_info(l.port, &info) == 0 && info.timeout_ms == 1);
	port_close(&l);
}

static void ctrl_info__says_why_it_is_broken(void)
{
	struct vnic_ctrl_info info;
	struct port_lab l;

	port_open(&l, NULL, "ctrl_timeout_ms=50");
	l.s->ctrl_silent = true;
	CU_ASSERT(rte_eth_promiscuous_enable(l.port) < 0);
	CU_ASSERT(port_event(&l, RTE_ETH_EVENT_INTR_RESET, 1));
	CU_ASSERT(vnic_ctrl_info(l.port, &info) == 0);
	CU_ASSERT(info.broken && info.stats.timed_out == 1);
	CU_ASSERT_STRING_EQUAL(info.why, "control command RX PROMISC was not answered within 50 ms");
	l.s->ctrl_silent = false;
	CU_ASSERT(rte_eth_dev_reset(l.port) == 0 && port_start(&l) == 0);
	CU_ASSERT(vnic_ctrl_info(l.port, &info) == 0);
	CU_ASSERT(!info.broken && info.why[0] == '\0' && info.stats.timed_out == 1);
	port_close(&l);
}

static void ctrl_info__of_a_device_that_is_lost(void)
{
	struct vnic_ctrl_info info;
	struct port_lab l;

	port_open(&l, NULL, NULL);
	scripted_die(l.s);
	CU_ASSERT(port_event(&l, RTE_ETH_EVENT_INTR_LSC, 2));
	CU_ASSERT(vnic_ctrl_info(l.port, &info) == 0 && info.broken && strstr(info.why, "gone") != NULL);
	scripted_return(l.s);
	CU_ASSERT(port_event(&l, RTE_ETH_EVENT_INTR_LSC, 3));
	CU_ASSERT(vnic_ctrl_info(l.port, &info) == 0 && !info.broken);
	port_close(&l);
}

/* Somebody is inside of the driver for long: information does not wait for him. */
static void *ask(void *port)
{
	static struct vnic_ctrl_info info;

	CU_ASSERT(vnic_ctrl_info(*(uint16_t *)port, &info) == 0);
	CU_ASSERT(vnic_ctrl_timeout(*(uint16_t *)port, 1234) == 0);
	return &info;
}

static void ctrl_info__waits_for_nobody(void)
{
	struct port_lab l;
	pthread_t t;
	void *info;

	port_open(&l, NULL, NULL);
	pthread_mutex_lock(&l.d->lock);
	CU_ASSERT_FATAL(pthread_create(&t, NULL, ask, &l.port) == 0);
	CU_ASSERT(pthread_join(t, &info) == 0); /* a deadlock is seen as the test's timeout */
	pthread_mutex_unlock(&l.d->lock);
	CU_ASSERT(((struct vnic_ctrl_info *)info)->present && l.d->args.ctrl_timeout_ms == 1234);
	port_close(&l);
}

static const struct test_case cases[] = {
	TEST_CASE(ctrl_info__names),
	TEST_CASE(ctrl_info__of_a_port_that_runs),
	TEST_CASE(ctrl_info__timeout_is_checked),
	TEST_CASE(ctrl_info__says_why_it_is_broken),
	TEST_CASE(ctrl_info__of_a_device_that_is_lost),
	TEST_CASE(ctrl_info__waits_for_nobody),
};
TEST_MAIN("virtio_ctrl_info", cases)
