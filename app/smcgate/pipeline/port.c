/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/pipeline/port.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_dev.h>

#include "app/smcgate/pipeline/drivers.h"
#include "app/smcgate/pipeline/stale.h"
#include "pmd/base/log.h"
#include "pmd/virtio/vnic.h"

/* "0000:03:00.0" may be written without its domain; a vdev without a name is
 * called by what its arguments begin with. */
static void device_name(const struct config_port *conf, char *name, size_t size)
{
	unsigned bus, dev, fn;
	char end;

	if (conf->device[0] == '\0')
		snprintf(name, size, "%.*s", (int)strcspn(conf->vdev, ","), conf->vdev);
	else if (sscanf(conf->device, "%2x:%2x.%1x%c", &bus, &dev, &fn, &end) == 3)
		snprintf(name, size, "0000:%s", conf->device);
	else
		snprintf(name, size, "%s", conf->device);
}

static int find_or_create(struct port *p)
{
	const struct config_port *conf = p->conf;
	char name[sizeof(conf->vdev)];
	int rc;

	device_name(conf, name, sizeof(name));
	if (rte_eth_dev_get_port_by_name(name, &p->id) == 0)
		return 0;
	if (conf->vdev[0] == '\0') {
		LOG(PIPELINE, ERR,
		    "port %s: there is no device %s: bind it to a driver DPDK can use (dpdk-devbind.py), "
		    "allow "
		    "it (-a), or give a \"vdev\"",
		    conf->name, name);
		return -ENODEV;
	}
	rc = stale_remove(conf->name, conf->vdev);
	if (rc < 0)
		return rc;
	rc = rte_dev_probe(conf->vdev);
	if (rc < 0) {
		LOG(PIPELINE, ERR,
		    "port %s: the device %s cannot be made: %s; look at what its driver says above, and at "
		    "its "
		    "arguments",
		    conf->name, conf->vdev, strerror(-rc));
		return rc;
	}
	p->created = true;
	if (rte_eth_dev_get_port_by_name(name, &p->id) == 0)
		return 0;
	LOG(PIPELINE, ERR, "port %s: vdev \"%s\" does not make a device %s: both must name the same",
	    conf->name, conf->vdev, name);
	return -ENODEV;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Queues of a device that has a peer with as many (memif), or needs as many of
 * each direction (tap), are what the configuration says. */
static int choose_queues(struct port *p, const struct rte_eth_dev_info *info, const struct driver *drv,
			 unsigned workers)
{
	unsigned rx = p->conf->rx_queues, tx = p->conf->tx_queues;

	if (rx > info->max_rx_queues || tx > info->max_tx_queues) {
		LOG(PIPELINE, ERR,
		    "port %s: device has %u receive and %u transmit queues at most, configuration asks for "
		    "%u "
		    "and %u: lower rx_queues, tx_queues, or give the device more by its arguments",
		    p->conf->name, info->max_rx_queues, info->max_tx_queues, rx, tx);
		return -EINVAL;
	}
	if (drv->queues == DRIVER_QUEUES_FREE && tx < workers)
		tx = least(workers, least(info->max_tx_queues, CONFIG_MAX_QUEUES));
	else if (drv->queues == DRIVER_QUEUES_EQUAL)
		tx = rx; /* more receive queues than are polled would swallow packets */
	p->n_rxq = (uint16_t)rx;
	p->n_txq = (uint16_t)tx;
	return 0;
}

/* Each entry: what the device calls it, what the stack does. */
static const struct {
	uint64_t eth;
	uint32_t net;
} tx_map[] = {
	{ RTE_ETH_TX_OFFLOAD_IPV4_CKSUM, NET_TX_IP_CKSUM },
	{ RTE_ETH_TX_OFFLOAD_TCP_CKSUM, NET_TX_TCP_CKSUM },
	{ RTE_ETH_TX_OFFLOAD_TCP_TSO, NET_TX_TSO },
	{ RTE_ETH_TX_OFFLOAD_MULTI_SEGS, NET_TX_MULTI_SEG },
	{ RTE_ETH_TX_OFFLOAD_VLAN_INSERT, NET_TX_VLAN },
};

static void choose_offloads(struct port *p, const struct rte_eth_dev_info *info, const struct driver *drv)
{
	uint64_t tx = info->tx_offload_capa, rx = 0;
	const uint64_t cksum = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM;

	if (strstr(p->conf->vdev, ",tso=1") != NULL)
		tx |= drv->tx_with_tso;
	tx &= ~drv->tx_broken;
	if (p->conf->offloads.checksum == CONFIG_OFF)
		tx &= ~(cksum | RTE_ETH_TX_OFFLOAD_TCP_TSO);
	/* A device that cuts segments must fill in their checksums; that of IPv4 is
	 * part of cutting. */
	if (p->conf->offloads.tso == CONFIG_OFF || (tx & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) == 0)
		tx &= ~RTE_ETH_TX_OFFLOAD_TCP_TSO;
	for (unsigned i = 0; i < RTE_DIM(tx_map); i++) {
		if ((tx & tx_map[i].eth) == 0)
			continue;
		p->eth.txmode.offloads |= tx_map[i].eth & info->tx_offload_capa;
		p->offloads |= tx_map[i].net;
	}
	p->prepare = (p->offloads & (NET_TX_IP_CKSUM | NET_TX_TCP_CKSUM | NET_TX_TSO | NET_TX_VLAN)) != 0;
	if (p->conf->offloads.checksum != CONFIG_OFF) {
		rx = info->rx_offload_capa & (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM);
		/* What it says of IPv4 headers is looked at, silence means to sum them. */
		if ((rx & RTE_ETH_RX_OFFLOAD_TCP_CKSUM) != 0)
			p->offloads |= NET_RX_CKSUM;
	}
	if (p->conf->offloads.tso != CONFIG_OFF)
		rx |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_TCP_LRO;
	/* Frames may span buffers: larger MTU, bundles of segments. */
	rx |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
	p->eth.rxmode.offloads = rx;
	/* Of no meaning without large receive. */
	p->eth.rxmode.max_lro_pkt_size = RTE_MIN(info->max_lro_pkt_size, 65535U);
}

static void choose_rss(struct port *p, const struct rte_eth_dev_info *info, const struct driver *drv)
{
	uint64_t hf = info->flow_type_rss_offloads & (RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP);

	if (p->conf->offloads.rss == CONFIG_OFF || drv->no_rss || p->n_rxq < 2)
		return;
	if ((hf & RTE_ETH_RSS_NONFRAG_IPV4_TCP) == 0 || info->reta_size == 0)
		return;
	/* 0: the driver does not say, which stands for the usual 40. */
	if (info->hash_key_size != 0 && info->hash_key_size != TOEPLITZ_KEY_LEN)
		return;
	p->rss = true;
	p->reta_size = info->reta_size;
	p->eth.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	p->eth.rx_adv_conf.rss_conf.rss_hf = hf;
	p->eth.rx_adv_conf.rss_conf.rss_key_len = TOEPLITZ_KEY_LEN;
	p->eth.rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_RSS_HASH;
}

int port_open(struct port *p, const struct config_port *conf, unsigned index, unsigned workers)
{
	struct rte_eth_dev_info info;
	const struct driver *drv;
	int rc;

	memset(p, 0, sizeof(*p));
	p->conf = conf;
	p->index = (uint8_t)index;
	p->slot.port = p;
	(void)port_forget(p);
	p->id = RTE_MAX_ETHPORTS;
	rc = find_or_create(p);
	if (rc < 0)
		return rc;
	rc = rte_eth_dev_info_get(p->id, &info);
	if (rc < 0) {
		LOG(PIPELINE, ERR, "port %s: the device says nothing about itself: %s", conf->name,
		    strerror(-rc));
		return rc;
	}
	drv = driver_of(info.driver_name);
	p->min_desc = info.rx_desc_lim.nb_min;
	p->max_desc[VNIC_RX] = info.rx_desc_lim.nb_max;
	p->max_desc[VNIC_TX] = info.tx_desc_lim.nb_max;
	snprintf(p->driver, sizeof(p->driver), "%s", info.driver_name != NULL ? info.driver_name : "");
	if (rte_eth_dev_get_name_by_port(p->id, p->device) < 0)
		p->device[0] = '\0';
	p->node = rte_eth_dev_socket_id(p->id);
	p->pinned = !drv->no_pinned;
	p->eal_memory = drv->eal_memory;
	p->arena_only = drv->arena_only;
	p->mac_is_peers = drv->mac_is_peers;
	p->rx_intr = drv->rx_intr;
	p->rx_intr_arm = drv->rx_intr_arm;
	rc = choose_queues(p, &info, drv, workers);
	if (rc < 0)
		return rc;
	p->n_rxd = (uint16_t)conf->rx_descriptors;
	p->n_txd = (uint16_t)conf->tx_descriptors;
	p->eth.intr_conf.rxq = p->rx_intr;
	choose_offloads(p, &info, drv);
	choose_rss(p, &info, drv);
	p->rx_capa = info.rx_offload_capa;
	p->rx_queue_capa = info.rx_queue_offload_capa;
	p->rx_conf = p->rx_wanted = p->eth.rxmode.offloads;
	return 0;
}

void port_publish(struct port *p)
{
	p->seen = (struct port_seen){
		.state = p->state, .mtu = p->mtu, .n_rxd = p->n_rxd, .n_txd = p->n_txd, .mac = p->mac,
		.rss = p->rss, .rx_intr = p->rx_intr, .offloads = p->offloads,
		.rx_wanted = p->rx_wanted, .rx_now = p->rx_now,
		.rx_stopped = p->rx_stopped, .tx_stopped = p->tx_stopped, .reta_skip = p->reta_skip,
	};
	memcpy(p->seen.rx_size, p->rx_size, sizeof(p->seen.rx_size));
	if (p->state != PORT_CLOSED)
		p->seen.promiscuous = rte_eth_promiscuous_get(p->id) == 1;
}

int port_rx_fd(const struct port *p, uint16_t queue)
{
	return p->rx_intr ? rte_eth_dev_rx_intr_ctl_q_get_fd(p->id, queue) : -1;
}

/* Queues that take packets, in turn. */
static unsigned usable_queues(const struct port *p, uint64_t skip, uint16_t queues[CONFIG_MAX_QUEUES])
{
	unsigned n = 0;

	for (uint16_t q = 0; q < p->n_rxq; q++)
		if ((skip >> q & 1) == 0)
			queues[n++] = q;
	return n;
}

void port_reta(const struct port *p, const struct steering *st, uint64_t skip, uint16_t *table)
{
	uint16_t queues[CONFIG_MAX_QUEUES];
	unsigned n = usable_queues(p, skip, queues), stray = 0;

	if (n == 0)
		n = usable_queues(p, 0, queues);
	for (unsigned i = 0; i < p->reta_size; i++) {
		unsigned want = steering_worker(st, i), q;

		if (p->reta_own && (n == p->n_rxq || (skip >> p->reta[i] & 1) == 0)) {
			table[i] = p->reta[i];
			continue;
		}
		for (q = 0; q < n; q++)
			if (p->rx_worker[queues[q]] == want)
				break;
		/* A worker without a queue here gets its flows by software from any. */
		table[i] = queues[q < n ? q : stray++ % n];
	}
}

uint16_t port_reta_groups(const struct port *p, const struct steering *st, uint64_t skip,
			  struct rte_eth_rss_reta_entry64 reta[PORT_RETA_GROUPS])
{
	uint16_t table[RTE_ETH_RSS_RETA_SIZE_512];

	if (!p->rss || p->reta_size > RTE_DIM(table))
		return 0;
	memset(reta, 0, PORT_RETA_GROUPS * sizeof(reta[0]));
	port_reta(p, st, skip, table);
	for (unsigned i = 0; i < p->reta_size; i++) {
		reta[i / RTE_ETH_RETA_GROUP_SIZE].mask |= UINT64_C(1) << (i % RTE_ETH_RETA_GROUP_SIZE);
		reta[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] = table[i];
	}
	return p->reta_size;
}

static int mirror_table(struct port *p, const struct steering *st)
{
	struct rte_eth_rss_reta_entry64 reta[PORT_RETA_GROUPS];
	uint16_t n = port_reta_groups(p, st, 0, reta);

	return n == 0 ? -E2BIG : rte_eth_dev_rss_reta_update(p->id, reta, n);
}

/* Not every driver takes the key when it is configured, and some take none: the
 * device's hash is believed only with our key in it. */
static int set_key(struct port *p, const struct steering *st)
{
	uint8_t key[TOEPLITZ_KEY_LEN];
	struct rte_eth_rss_conf rss = p->eth.rx_adv_conf.rss_conf;
	int rc;

	memcpy(key, st->hash.key, sizeof(key));
	rss.rss_key = key;
	rc = rte_eth_dev_rss_hash_update(p->id, &rss);
	if (rc < 0 && rc != -ENOTSUP)
		return rc;
	memset(key, 0, sizeof(key));
	rc = rte_eth_dev_rss_hash_conf_get(p->id, &rss);
	if (rc < 0)
		return rc;
	return memcmp(key, st->hash.key, sizeof(key)) == 0 ? 0 : -EIO;
}

int port_rx_switch(struct port *p, uint64_t wanted)
{
	bool csum = (wanted & PORT_RX_CSUM) != 0;
	uint64_t live = (csum ? PORT_RX_CSUM : 0) | (wanted & RTE_ETH_RX_OFFLOAD_TCP_LRO), now;
	int rc = vnic_rx_offloads_get(p->id, &now);

	if (rc == 0 && now != live)
		rc = vnic_rx_offloads_set(p->id, live);
	if (rc == 0)
		p->rx_now = p->rx_wanted = wanted;
	return rc;
}

/* A device that was reset has forgotten them. */
static void add_macs(struct port *p)
{
	for (unsigned i = 0; i < p->n_macs; i++) {
		int rc = rte_eth_dev_mac_addr_add(p->id, &p->macs[i], 0);

		if (rc < 0)
			LOG(PIPELINE, WARNING, "port %s does not take its address " RTE_ETHER_ADDR_PRT_FMT " again: %s",
			    p->conf->name, RTE_ETHER_ADDR_BYTES(&p->macs[i]), strerror(-rc));
	}
}

int port_start(struct port *p, const struct steering *st)
{
	int rc = rte_eth_dev_start(p->id);

	if (rc < 0) {
		LOG(PIPELINE, ERR, "port %s does not start: %s; look at what its driver says above",
		    p->conf->name, strerror(-rc));
		return rc;
	}
	p->state = PORT_STARTED;
	p->rx_stopped = p->tx_stopped = p->reta_skip = 0; /* ethdev starts all queues */
	add_macs(p);
	rc = p->rx_wanted != p->rx_now ? port_rx_switch(p, p->rx_wanted) : 0;
	if (rc < 0) {
		LOG(PIPELINE, WARNING, "port %s does not switch receive offloads off again: %s", p->conf->name,
		    strerror(-rc));
		p->rx_wanted = p->rx_now;
	}
	if (!p->rss)
		return 0;
	rc = set_key(p, st);
	if (rc == 0)
		rc = mirror_table(p, st);
	/* Without them packets arrive elsewhere and are handed over: slower, not wrong. */
	p->rss = rc == 0;
	if (rc < 0)
		LOG(PIPELINE, WARNING,
		    "port %s does not take the steering table (%s): it is applied in software", p->conf->name,
		    strerror(-rc));
	return 0;
}

int port_stop(struct port *p)
{
	int rc = rte_eth_dev_stop(p->id);

	if (rc == 0)
		p->state = PORT_STOPPED;
	return rc;
}

void port_remove(struct port *p)
{
	struct rte_eth_dev_info info;

	p->state = PORT_CLOSED;
	if (rte_eth_dev_info_get(p->id, &info) < 0)
		return;
	rte_eth_dev_close(p->id);
	if (p->created && info.device != NULL)
		rte_dev_remove(info.device);
}

void port_close(struct port *p)
{
	if (p->id == RTE_MAX_ETHPORTS || p->state == PORT_CLOSED)
		return;
	if (p->state == PORT_STARTED)
		(void)port_stop(p);
	port_remove(p);
}
