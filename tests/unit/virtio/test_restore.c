/* SPDX-License-Identifier: BSD-3-Clause */
/* What a device is told again after a reset: together, entry by entry where it refuses, and by one that is slow. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pmd/base/clock.h"
#include "pmd/virtio/ethdev_private.h"
#include "pmd/virtio/vnic.h"
#include "tests/unit/test.h"
#include "tests/unit/virtio/port_lab.h"

#define VLANS 100 /* 3, 6, 9 ... */

static void open_with_vlans(struct port_lab *l, const char *args)
{
	port_new(l, NULL);
	l->rx_offloads = RTE_ETH_RX_OFFLOAD_VLAN_FILTER;
	CU_ASSERT_FATAL(port_probe(l, args) == 0);
	CU_ASSERT_FATAL(port_start(l) == 0);
	for (uint16_t i = 1; i <= VLANS; i++)
		CU_ASSERT_FATAL(rte_eth_dev_vlan_filter(l->port, 3 * i, 1) == 0);
}

static unsigned vlans_of(const struct vnicd_nic *nic)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 64; i++)
		n += (unsigned)__builtin_popcountll(nic->vlan[i]);
	return n;
}

static struct vnic_ctrl_stats stats(const struct port_lab *l)
{
	struct vnic_ctrl_info info;

	CU_ASSERT_FATAL(vnic_ctrl_info(l->port, &info) == 0);
	return info.stats;
}

static void restore__together(void)
{
	static const struct rte_ether_addr more[] = { { { 2, 0, 0, 0, 1, 1 } }, { { 2, 0, 0, 0, 1, 2 } } };

	for (unsigned i = 0; i < 2; i++) {
		struct vnic_ctrl_stats before, after;
		struct port_lab l;

		open_with_vlans(&l, i == 0 ? "packed=0" : "packed=1");
		for (unsigned m = 0; m < RTE_DIM(more); m++)
			CU_ASSERT(rte_eth_dev_mac_addr_add(l.port, (struct rte_ether_addr *)(uintptr_t)&more[m], 0) == 0);
		before = stats(&l);
		CU_ASSERT(before.in_flight_max < 8); /* one at a time: each waited for */
		CU_ASSERT(rte_eth_dev_stop(l.port) == 0);
		CU_ASSERT_EQUAL(vlans_of(&l.s->nic), 0);
		CU_ASSERT(rte_eth_dev_start(l.port) == 0);
		port_settle(l.s, l.d);
		after = stats(&l);
		CU_ASSERT_EQUAL(vlans_of(&l.s->nic), VLANS);
		CU_ASSERT((l.s->nic.vlan[0] >> 3 & 1) != 0 && (l.s->nic.vlan[0] >> 4 & 1) == 0 && l.s->nic.n_unicast == 2);
		CU_ASSERT(after.in_flight_max >= 32);
		/* ethdev says all addresses and modes once more: no command comes of it. */
		CU_ASSERT(after.completed - before.completed >= VLANS && after.completed - before.completed < VLANS + 16);
		CU_ASSERT((after.doorbells - before.doorbells) * 8 <= after.completed - before.completed);
		CU_ASSERT(port_works(&l, 0));
		port_close(&l);
	}
}

/* Filtering off and on again is a word on each of 4096. */
static void restore__filter_off_and_on(void)
{
	struct vnic_ctrl_stats before, after;
	struct port_lab l;

	open_with_vlans(&l, NULL);
	before = stats(&l);
	CU_ASSERT(rte_eth_dev_set_vlan_offload(l.port, 0) == 0);
	CU_ASSERT_EQUAL(vlans_of(&l.s->nic), 4096);
	CU_ASSERT(rte_eth_dev_set_vlan_offload(l.port, RTE_ETH_VLAN_FILTER_OFFLOAD) == 0);
	CU_ASSERT_EQUAL(vlans_of(&l.s->nic), VLANS);
	after = stats(&l);
	CU_ASSERT_EQUAL(after.completed - before.completed, 2 * (4096 - VLANS));
	CU_ASSERT((after.doorbells - before.doorbells) * 8 <= after.completed - before.completed);
	port_close(&l);
}

/* ---- a device with a will of its own ------------------------------------------------------ */

struct device {
	struct port_lab *l;
	pthread_t thread;
	unsigned pause_us;      /* for each command, one after the other */
	unsigned answers;       /* then no more; UINT_MAX: always */
	uint16_t refuses[2];    /* VLANs */
	uint64_t longest_ms;    /* from before one answer to behind the next one */
	bool stop;              /* atomic */
};

static bool refuses(const struct device *dev, const struct vnicd_ctrl_cmd *cmd)
{
	uint16_t vlan;

	if (cmd->data[0] != VIRTIO_NET_CTRL_VLAN)
		return false;
	vlan = (uint16_t)(cmd->data[2] | cmd->data[3] << 8);
	return vlan == dev->refuses[0] || vlan == dev->refuses[1];
}

static void *serve(void *arg)
{
	struct device *dev = arg;
	uint64_t answered_ms = clock_now_ms(), now_ms;

	while (!__atomic_load_n(&dev->stop, __ATOMIC_ACQUIRE)) {
		struct vnicd_ctrl_cmd *cmd = dev->answers > 0 ? scripted_ctrl_take(dev->l->s) : NULL;

		if (cmd == NULL) {
			usleep(200);
			continue;
		}
		usleep(dev->pause_us);
		dev->answers--;
		now_ms = clock_now_ms();
		scripted_ctrl_answer(dev->l->s, cmd, !refuses(dev, cmd), VIRTIO_NET_ERR);
		dev->longest_ms = RTE_MAX(dev->longest_ms, clock_now_ms() - answered_ms);
		answered_ms = now_ms;
	}
	return NULL;
}

/* What a start of the port says with this device. */
static int start_with(struct device *dev)
{
	struct port_lab *l = dev->l;
	int rc;

	CU_ASSERT(rte_eth_dev_stop(l->port) == 0);
	l->s->ctrl_manual = true;
	dev->longest_ms = 0;
	dev->stop = false;
	CU_ASSERT_FATAL(pthread_create(&dev->thread, NULL, serve, dev) == 0);
	rc = rte_eth_dev_start(l->port);
	__atomic_store_n(&dev->stop, true, __ATOMIC_RELEASE);
	pthread_join(dev->thread, NULL);
	l->s->ctrl_manual = false;
	if (rc == 0) {
		scripted_ctrl_serve(l->s);
		port_settle(l->s, l->d);
	}
	return rc;
}

static void restore__each_refusal_is_named(void)
{
	struct device dev = { .answers = UINT_MAX, .refuses = { 6, 300 } };
	char *said = NULL;
	size_t len = 0;
	struct port_lab l;
	FILE *log;

	open_with_vlans(&l, NULL);
	dev.l = &l;
	log = open_memstream(&said, &len);
	CU_ASSERT(rte_openlog_stream(log) == 0);
	CU_ASSERT_EQUAL(start_with(&dev), -EREMOTEIO);
	rte_openlog_stream(NULL);
	fclose(log);
	CU_ASSERT(strstr(said, "VLAN 6: refused") != NULL && strstr(said, "VLAN 300: refused") != NULL);
	CU_ASSERT(strstr(said, "VLAN 9:") == NULL && strstr(said, "more of") == NULL);
	free(said);
	/* And the next start is told all of it. */
	CU_ASSERT(rte_eth_dev_start(l.port) == 0);
	CU_ASSERT_EQUAL(vlans_of(&l.s->nic), VLANS);
	port_close(&l);
}

/* What is far behind in the queue has its time when it is its turn. A machine that keeps the device from running for
 * that long makes it hang indeed: again then. */
static void restore__slow_is_not_hung(void)
{
	struct device dev = { .answers = UINT_MAX, .pause_us = 4000 };
	struct port_lab l;
	uint64_t began;
	int rc = -1;

	open_with_vlans(&l, "ctrl_start_ms=150");
	dev.l = &l;
	for (unsigned i = 0; i < 30 && rc != 0; i++) {
		began = clock_now_ms();
		rc = start_with(&dev);
		CU_ASSERT_FATAL(rc == 0 || dev.longest_ms >= 150);
	}
	CU_ASSERT_EQUAL(rc, 0);
	CU_ASSERT(clock_now_ms() - began >= VLANS * 4);
	CU_ASSERT_EQUAL(vlans_of(&l.s->nic), VLANS);
	port_close(&l);
}

static void restore__hung_is_told_in_time(void)
{
	struct device dev = { 0 };
	uint64_t began, least = UINT64_MAX;
	struct port_lab l;

	open_with_vlans(&l, "ctrl_start_ms=150");
	dev.l = &l;
	for (unsigned i = 0; i < 10 && least >= 2000; i++) {
		dev.answers = 10;
		began = clock_now_ms();
		CU_ASSERT_EQUAL(start_with(&dev), -ETIMEDOUT);
		least = RTE_MIN(least, clock_now_ms() - began);
	}
	CU_ASSERT(least < 2000);
	CU_ASSERT(rte_eth_dev_reset(l.port) == 0 || rte_eth_dev_stop(l.port) == 0);
	port_close(&l);
}

static const struct test_case cases[] = {
	TEST_CASE(restore__together),
	TEST_CASE(restore__filter_off_and_on),
	TEST_CASE(restore__each_refusal_is_named),
	TEST_CASE(restore__slow_is_not_hung),
	TEST_CASE(restore__hung_is_told_in_time),
};
TEST_MAIN("virtio_restore", cases)
