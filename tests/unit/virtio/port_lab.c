/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/virtio/port_lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dev_driver.h>
#include <rte_malloc.h>

#include "pmd/base/arena.h"
#include "pmd/virtio/coal_private.h"
#include "pmd/virtio/devargs.h"
#include "tests/unit/test.h"

static const struct rte_driver driver = { .name = "net_vnic_scripted" };
static struct rte_device device = { .name = "scripted", .driver = &driver };

void port_new(struct port_lab *l, const struct vnicd_nic_conf *conf)
{
	static unsigned serial;
	char name[32];
	int rc;

	test_eal_init();
	memset(l, 0, sizeof(*l));
	l->s = scripted_create(conf);
	l->queues = 1;
	l->rx_desc = l->tx_desc = 256;
	l->room = 2048;
	snprintf(name, sizeof(name), "port_lab_%u", serial++);
	l->mp = plain_pktmbuf_pool(name, PORT_MBUFS, 0, 0, (uint16_t)(RTE_PKTMBUF_HEADROOM + l->room), -1, &rc);
	CU_ASSERT_FATAL(l->mp != NULL);
}

static int on_event(uint16_t port, enum rte_eth_event_type type, void *arg, void *ret)
{
	struct port_lab *l = arg;

	(void)port;
	(void)ret;
	l->events[type]++;
	return 0;
}

int port_probe(struct port_lab *l, const char *args)
{
	static unsigned serial;
	struct rte_eth_dev *eth;
	char name[32], why[256];
	int rc;

	l->d = calloc(1, sizeof(*l->d));
	CU_ASSERT_FATAL(l->d != NULL);
	snprintf(name, sizeof(name), "scripted%u", serial++);
	snprintf(l->d->name, sizeof(l->d->name), "%s", name);
	CU_ASSERT_FATAL(vnic_args_parse(&l->d->args, args, why, sizeof(why)) == 0);
	if (args == NULL || strstr(args, "stats_ms") == NULL)
		l->d->args.stats_ms = 0;
	scripted_attach(l->s, l->d);
	eth = rte_eth_dev_allocate(name);
	CU_ASSERT_FATAL(eth != NULL);
	eth->device = &device;
	eth->data->numa_node = SOCKET_ID_ANY;
	eth->data->dev_private = rte_zmalloc(NULL, sizeof(struct vnic_dev *), 0);
	CU_ASSERT_FATAL(eth->data->dev_private != NULL);
	rc = vnic_ethdev_create(eth, l->d);
	if (rc < 0) {
		rte_eth_dev_release_port(eth);
		free(l->d);
		l->d = NULL;
		return rc;
	}
	rte_eth_dev_probing_finish(eth);
	l->port = eth->data->port_id;
	l->probed = true;
	for (int e = RTE_ETH_EVENT_INTR_LSC; e < RTE_ETH_EVENT_MAX; e++)
		rte_eth_dev_callback_register(l->port, e, on_event, l);
	return 0;
}

/* What the driver asks a device behind a start, by itself. */
static bool asks_still(struct vnic_dev *d)
{
	struct vnic_coalescing *k = d->coal;
	bool asks = false;

	pthread_mutex_lock(&k->lock);
	for (unsigned i = 0; i < COAL_QUEUES && k->open; i++)
		asks = asks || k->queue[i].learn || k->queue[i].busy;
	pthread_mutex_unlock(&k->lock);
	return asks;
}

void port_settle(const struct scripted *s, struct vnic_dev *d)
{
	(void)TEST_SOON(!asks_still(d) || s->ctrl_manual || s->ctrl_silent);
}

int port_start(struct port_lab *l)
{
	struct rte_eth_conf conf = {
		.rxmode = { .offloads = l->rx_offloads, .mq_mode = l->rss ? RTE_ETH_MQ_RX_RSS : RTE_ETH_MQ_RX_NONE },
		.txmode = { .offloads = l->tx_offloads },
		.intr_conf = { .rxq = l->intr },
	};
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(l->port, &info);

	if (l->rss)
		conf.rx_adv_conf.rss_conf.rss_hf = info.flow_type_rss_offloads;
	if (rc == 0)
		rc = rte_eth_dev_configure(l->port, l->queues, l->queues, &conf);
	for (uint16_t q = 0; q < l->queues && rc == 0; q++) {
		rc = rte_eth_rx_queue_setup(l->port, q, l->rx_desc, SOCKET_ID_ANY, NULL, l->mp);
		if (rc == 0)
			rc = rte_eth_tx_queue_setup(l->port, q, l->tx_desc, SOCKET_ID_ANY, NULL);
	}
	if (rc == 0)
		rc = rte_eth_dev_start(l->port);
	if (rc == 0)
		port_settle(l->s, l->d);
	return rc;
}

void port_open(struct port_lab *l, const struct vnicd_nic_conf *conf, const char *args)
{
	port_new(l, conf);
	CU_ASSERT_FATAL(port_probe(l, args) == 0);
	CU_ASSERT_FATAL(port_start(l) == 0);
}

void port_probe_pairs(struct port_lab *l, uint16_t pairs, uint64_t hidden, const char *args)
{
	struct vnicd_nic_conf conf = scripted_conf(pairs);

	port_new(l, &conf);
	l->s->hide_features = hidden;
	CU_ASSERT_FATAL(port_probe(l, args) == 0);
	l->queues = pairs;
	l->rx_desc = l->tx_desc = 16;
}

void port_open_pairs(struct port_lab *l, uint16_t pairs, uint64_t hidden, const char *args)
{
	port_probe_pairs(l, pairs, hidden, args);
	CU_ASSERT_FATAL(port_start(l) == 0);
}

struct vnicd_ctrl_cmd *port_next_command(struct port_lab *l)
{
	struct vnicd_ctrl_cmd *cmd = NULL;

	CU_ASSERT_FATAL(TEST_SOON(cmd != NULL || (cmd = scripted_ctrl_take(l->s)) != NULL));
	return cmd;
}

void port_close(struct port_lab *l)
{
	if (l->probed) {
		rte_eth_dev_stop(l->port);
		for (int e = RTE_ETH_EVENT_INTR_LSC; e < RTE_ETH_EVENT_MAX; e++)
			rte_eth_dev_callback_unregister(l->port, e, on_event, l);
		CU_ASSERT(rte_eth_dev_close(l->port) == 0);
	}
	CU_ASSERT_EQUAL(rte_mempool_avail_count(l->mp), PORT_MBUFS);
	rte_mempool_free(l->mp);
	scripted_destroy(l->s);
}

bool port_event(const struct port_lab *l, enum rte_eth_event_type event, unsigned n)
{
	return TEST_SOON(l->events[event] >= n);
}

uint64_t port_xstat(const struct port_lab *l, const char *name)
{
	uint64_t id, value;

	if (rte_eth_xstats_get_id_by_name(l->port, name, &id) != 0 ||
	    rte_eth_xstats_get_by_id(l->port, &id, &value, 1) != 1)
		return UINT64_MAX;
	return value;
}

uint8_t port_octet(uint32_t seed, uint32_t i)
{
	if (i < 12)
		return i % 6 == 0 ? 2 : (uint8_t)seed; /* unicast addresses */
	return i == 12 || i == 13 ? 0x88 : (uint8_t)(seed + i * 13 + (seed >> 8));
}

void port_octets(uint32_t seed, uint8_t *b, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		b[i] = port_octet(seed, i);
}

struct rte_mbuf *port_frame(struct port_lab *l, uint32_t seed, uint32_t len, uint32_t piece)
{
	struct rte_mbuf *head = NULL, *last = NULL;
	uint32_t done = 0;

	do {
		uint32_t part = piece == 0 ? len : RTE_MIN(piece, len - done);
		struct rte_mbuf *m = rte_pktmbuf_alloc(l->mp);
		uint8_t *b;

		CU_ASSERT_FATAL(m != NULL);
		b = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)part);
		for (uint32_t i = 0; i < part; i++)
			b[i] = port_octet(seed, done + i);
		if (head == NULL) {
			head = m;
		} else {
			last->next = m;
			head->nb_segs++;
			head->pkt_len += part;
		}
		last = m;
		done += part;
	} while (done < len);
	return head;
}

bool port_is(const struct rte_mbuf *m, uint32_t seed, uint32_t len)
{
	uint32_t at = 0;

	if (m->pkt_len != len)
		return false;
	for (; m != NULL; m = m->next)
		for (uint16_t i = 0; i < m->data_len; i++)
			if (*rte_pktmbuf_mtod_offset(m, const uint8_t *, i) != port_octet(seed, at++))
				return false;
	return at == len;
}

bool port_send(struct port_lab *l, uint16_t queue, struct rte_mbuf *m)
{
	if (rte_eth_tx_burst(l->port, queue, &m, 1) == 1)
		return true;
	rte_pktmbuf_free(m);
	return false;
}

struct rte_mbuf *port_recv(struct port_lab *l, uint16_t queue)
{
	struct rte_mbuf *m;

	return rte_eth_rx_burst(l->port, queue, &m, 1) == 1 ? m : NULL;
}

bool port_works(struct port_lab *l, uint16_t queue)
{
	uint8_t b[200], got[200];
	struct rte_mbuf *m;
	bool ok;

	port_octets(9, b, sizeof(b));
	memset(b, 0xff, 6); /* broadcast passes every filter */
	if (!port_send(l, queue, port_frame(l, 5, 150, 0)) ||
	    scripted_take(l->s, queue, NULL, got, sizeof(got)) != 150 ||
	    scripted_give(l->s, queue, NULL, b, sizeof(b)) != 0)
		return false;
	scripted_flush(l->s);
	m = port_recv(l, queue);
	if (m == NULL)
		return false;
	ok = m->pkt_len == sizeof(b) && got[149] == port_octet(5, 149) &&
	     memcmp(rte_pktmbuf_mtod(m, const void *), b, sizeof(b)) == 0;
	rte_pktmbuf_free(m);
	return ok;
}
