/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/virtio/eth_lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_malloc.h>

#include "pmd/base/arena.h"
#include "pmd/virtio/devargs.h"

static struct rte_driver driver = { .name = "net_vnic" };
static struct rte_device device = { .name = "scripted", .driver = &driver, .numa_node = -1 };

static const enum rte_eth_event_type events[] = {
	RTE_ETH_EVENT_INTR_LSC, RTE_ETH_EVENT_INTR_RESET, RTE_ETH_EVENT_QUEUE_STATE,
	RTE_ETH_EVENT_INTR_RMV,
};

static int count_event(uint16_t port, enum rte_eth_event_type type, void *arg, void *ret)
{
	struct eth_lab *lab = arg;

	(void)port;
	(void)ret;
	lab->events[type]++;
	return 0;
}

void eth_lab_create(struct eth_lab *lab, uint16_t pairs, const char *devargs)
{
	struct vnicd_nic_conf conf = scripted_conf(pairs);
	static unsigned serial;
	char name[32], why[256];
	int rc;

	test_eal_init();
	memset(lab, 0, sizeof(*lab));
	lab->s = scripted_create(&conf);
	lab->d = calloc(1, sizeof(*lab->d));
	CU_ASSERT_FATAL(lab->d != NULL);
	snprintf(lab->d->name, sizeof(lab->d->name), "scripted%u", serial++);
	CU_ASSERT_FATAL(vnic_args_parse(&lab->d->args, devargs, why, sizeof(why)) == 0);
	lab->d->args.stats_ms = 0; /* no commands but those of the test */
	scripted_attach(lab->s, lab->d);
	snprintf(name, sizeof(name), "eth_lab_%u", serial);
	lab->mp = plain_pktmbuf_pool(name, 4095, 0, 0, RTE_PKTMBUF_HEADROOM + 2048, -1, &rc);
	CU_ASSERT_FATAL(lab->mp != NULL);
}

int eth_lab_probe(struct eth_lab *lab)
{
	int rc;

	lab->eth = rte_eth_dev_allocate(lab->d->name);
	CU_ASSERT_FATAL(lab->eth != NULL);
	lab->eth->device = &device;
	lab->eth->data->numa_node = -1;
	lab->eth->data->dev_private = rte_zmalloc("lab", sizeof(struct vnic_dev *), 0);
	rc = vnic_ethdev_create(lab->eth, lab->d);
	if (rc < 0) {
		rte_eth_dev_release_port(lab->eth);
		lab->eth = NULL;
		return rc;
	}
	lab->port = lab->eth->data->port_id;
	rte_eth_dev_probing_finish(lab->eth);
	for (unsigned i = 0; i < RTE_DIM(events); i++)
		CU_ASSERT_FATAL(rte_eth_dev_callback_register(lab->port, events[i], count_event, lab) == 0);
	return 0;
}

int eth_lab_configure(struct eth_lab *lab, uint16_t queues, uint16_t nb_desc, const struct rte_eth_conf *conf)
{
	static const struct rte_eth_conf plain;
	int rc = rte_eth_dev_configure(lab->port, queues, queues, conf != NULL ? conf : &plain);

	lab->queues = queues;
	for (uint16_t q = 0; q < queues && rc == 0; q++) {
		rc = rte_eth_rx_queue_setup(lab->port, q, nb_desc, SOCKET_ID_ANY, NULL, lab->mp);
		if (rc == 0)
			rc = rte_eth_tx_queue_setup(lab->port, q, nb_desc, SOCKET_ID_ANY, NULL);
	}
	return rc;
}

void eth_lab_run(struct eth_lab *lab, uint16_t queues, const char *devargs)
{
	eth_lab_create(lab, queues, devargs);
	CU_ASSERT_FATAL(eth_lab_probe(lab) == 0);
	CU_ASSERT_FATAL(eth_lab_configure(lab, queues, 64, NULL) == 0);
	CU_ASSERT_FATAL(rte_eth_dev_start(lab->port) == 0);
}

void eth_lab_end(struct eth_lab *lab)
{
	if (lab->eth != NULL) {
		if (lab->eth->data->dev_started)
			CU_ASSERT(rte_eth_dev_stop(lab->port) == 0);
		for (unsigned i = 0; i < RTE_DIM(events); i++)
			rte_eth_dev_callback_unregister(lab->port, events[i], count_event, lab);
		CU_ASSERT(rte_eth_dev_close(lab->port) == 0);
	} else {
		free(lab->d);
	}
	CU_ASSERT(rte_mempool_avail_count(lab->mp) == lab->mp->size);
	rte_mempool_free(lab->mp);
	scripted_destroy(lab->s);
}

static struct rte_mbuf *packet(struct eth_lab *lab, unsigned i)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(lab->mp);
	uint8_t *p = m != NULL ? (uint8_t *)rte_pktmbuf_append(m, 60) : NULL;

	if (p == NULL)
		return NULL;
	memset(p, (int)i, 60);
	memset(p + 6, 2, 6);
	memcpy(p, &lab->eth->data->mac_addrs[0], 6);
	p[12] = 0x88; /* of a type that nobody parses */
	p[13] = 0xb5;
	return m;
}

/* The device takes what we sent and sends it back. */
static bool bounce(struct eth_lab *lab, uint16_t pair, unsigned i)
{
	struct rte_mbuf *m = packet(lab, i), *back = NULL;
	uint8_t buf[64];
	bool same;

	if (m == NULL || rte_eth_tx_burst(lab->port, pair, &m, 1) != 1)
		return false;
	if (scripted_take(lab->s, pair, NULL, buf, sizeof(buf)) != 60 || buf[59] != (uint8_t)i)
		return false;
	if (scripted_give(lab->s, pair, NULL, buf, 60) != 0)
		return false;
	scripted_flush(lab->s);
	if (rte_eth_rx_burst(lab->port, pair, &back, 1) != 1)
		return false;
	same = back->pkt_len == 60 && memcmp(rte_pktmbuf_mtod(back, void *), buf, 60) == 0;
	rte_pktmbuf_free(back);
	return same;
}

bool eth_lab_traffic(struct eth_lab *lab, uint16_t pair, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!bounce(lab, pair, i))
			return false;
	return true;
}

bool eth_lab_link(struct eth_lab *lab, bool up)
{
	struct rte_eth_link link;

	for (unsigned i = 0; i < 5000; i++) {
		pthread_mutex_lock(&lab->d->lock);
		rte_eth_linkstatus_get(lab->eth, &link);
		pthread_mutex_unlock(&lab->d->lock);
		if (link.link_status == (up ? RTE_ETH_LINK_UP : RTE_ETH_LINK_DOWN))
			return true;
		usleep(1000);
	}
	return false;
}
