/* SPDX-License-Identifier: BSD-3-Clause */
/* Setting a port up: device, queues, MTU, address. */
#include <errno.h>
#include <string.h>

#include "app/smcgate/pipeline/port.h"
#include "pmd/base/log.h"
#include "pmd/virtio/vnic.h"

/* Logs what failed on the port and returns rc. */
static int failed(const struct port *p, const char *what, int rc)
{
	LOG(PIPELINE, ERR, "port %s: %s: %s", p->conf->name, what, strerror(-rc));
	return rc;
}

/* Some devices promise interrupts, or a receive bundle, that their bus does
 * not give: without is better than not at all. */
static int configure_device(struct port *p)
{
	int rc;

	/* Without addresses of ours the device has to make itself heard. */
	if (p->conf->n_addresses != 0)
		vnic_announce_offer(p->id);
	rc = rte_eth_dev_configure(p->id, p->n_rxq, p->n_txq, &p->eth);

	if (rc == 0 || !p->rx_intr)
		return rc;
	p->rx_intr = p->rx_intr_arm = false;
	p->eth.intr_conf.rxq = 0;
	return rte_eth_dev_configure(p->id, p->n_rxq, p->n_txq, &p->eth);
}

static int adjust_descriptors(struct port *p)
{
	uint16_t rxd = p->n_rxd, txd = p->n_txd;
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &rxd, &txd);

	if (rc < 0)
		return rc;
	if (rxd != p->n_rxd || txd != p->n_txd)
		LOG(PIPELINE, NOTICE,
		    "port %s has %u receive and %u transmit descriptors a queue, not %u and %u: its limits",
		    p->conf->name, rxd, txd, p->n_rxd, p->n_txd);
	p->n_rxd = rxd;
	p->n_txd = txd;
	return 0;
}

static int setup_queues(struct port *p, port_pool_fn pool, void *ctx)
{
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(p->id, &info);

	if (rc < 0)
		return failed(p, "no information", rc);
	info.default_rxconf.offloads = p->eth.rxmode.offloads;
	info.default_txconf.offloads = p->eth.txmode.offloads;
	for (uint16_t q = 0; q < p->n_rxq; q++) {
		struct rte_mempool *mp = pool(ctx, p, p->rx_worker[q]);

		rc = rte_eth_rx_queue_setup(p->id, q, p->rx_size[q] != 0 ? p->rx_size[q] : p->n_rxd,
					    (unsigned)p->node, &info.default_rxconf, mp);
		if (rc < 0) {
			LOG(PIPELINE, ERR,
			    "port %s: receive queue %u: %s; try fewer rx_descriptors or a larger "
			    "memory.buffer_size",
			    p->conf->name, q, strerror(-rc));
			return rc;
		}
	}
	for (uint16_t q = 0; q < p->n_txq; q++) {
		rc = rte_eth_tx_queue_setup(p->id, q, p->tx_size[q] != 0 ? p->tx_size[q] : p->n_txd,
					    (unsigned)p->node, &info.default_txconf);
		if (rc < 0) {
			LOG(PIPELINE, ERR, "port %s: transmit queue %u: %s; try fewer tx_descriptors",
			    p->conf->name, q, strerror(-rc));
			return rc;
		}
	}
	return 0;
}

static int set_mtu(struct port *p)
{
	uint16_t now = 0;
	int rc;

	p->mtu = p->wanted_mtu;
	if (rte_eth_dev_get_mtu(p->id, &now) == 0 && now == p->mtu)
		return 0;
	rc = rte_eth_dev_set_mtu(p->id, p->mtu);
	/* A device that knows no MTU takes whatever it is given. */
	if (rc == -ENOTSUP)
		return 0;
	if (rc < 0)
		LOG(PIPELINE, ERR,
		    "port %s: the device refuses an MTU of %u (%s): lower \"mtu\", or raise "
		    "memory.buffer_size "
		    "to hold a frame",
		    p->conf->name, p->mtu, strerror(-rc));
	return rc;
}

/* The address the configuration gives, or the device's own. Where that one is
 * the peer's as well (the kernel's end of a tap) ours differs in a bit, and the
 * device, which does not filter, is not told. */
static int set_address(struct port *p)
{
	int rc;

	if (rte_is_zero_ether_addr(&p->conf->mac)) {
		rc = rte_eth_macaddr_get(p->id, &p->mac);
		if (rc < 0)
			return failed(p, "the device has no MAC address: give \"mac\"", rc);
		if (p->mac_is_peers) {
			p->mac.addr_bytes[0] |= RTE_ETHER_LOCAL_ADMIN_ADDR;
			p->mac.addr_bytes[5] ^= 1;
		}
		return 0;
	}
	p->mac = p->conf->mac;
	if (p->mac_is_peers)
		return 0;
	rc = rte_eth_dev_default_mac_addr_set(p->id, &p->mac);
	/* A device without a filter takes any address. */
	return rc < 0 && rc != -ENOTSUP ? failed(p, "the device refuses the \"mac\" given", rc) : 0;
}

static int set_promiscuous(struct port *p)
{
	int rc;

	if (p->promiscuous)
		rc = rte_eth_promiscuous_enable(p->id);
	else
		rc = rte_eth_promiscuous_disable(p->id);
	/* Only asking for it and not getting it is worth a line. */
	if (rc < 0 && rc != -ENOTSUP && p->promiscuous)
		LOG(PIPELINE, WARNING, "port %s does not go promiscuous: %s", p->conf->name, strerror(-rc));
	return 0;
}

bool port_forget(struct port *p)
{
	bool any = p->promiscuous != p->conf->promiscuous || p->wanted_mtu != p->conf->mtu || p->rx_wanted != p->rx_conf ||
		   p->reta_own;

	for (unsigned q = 0; q < CONFIG_MAX_QUEUES; q++)
		any |= p->rx_size[q] != 0 || p->tx_size[q] != 0;
	p->promiscuous = p->conf->promiscuous;
	p->wanted_mtu = (uint16_t)p->conf->mtu;
	p->rx_wanted = p->eth.rxmode.offloads = p->rx_conf;
	p->reta_own = false;
	memset(p->rx_size, 0, sizeof(p->rx_size));
	memset(p->tx_size, 0, sizeof(p->tx_size));
	return any;
}

int port_configure(struct port *p, const uint8_t key[TOEPLITZ_KEY_LEN], port_pool_fn pool, void *ctx)
{
	int rc;

	/* ethdev keeps the pointer: the steering table outlives the port. */
	if (p->rss)
		p->eth.rx_adv_conf.rss_conf.rss_key = (uint8_t *)(uintptr_t)key;
	p->eth.rxmode.mtu = p->wanted_mtu;
	rc = configure_device(p);
	if (rc == -ENOTSUP || rc == -EINVAL) {
		/* A device that knows no MTU may refuse one here. */
		p->eth.rxmode.mtu = 0;
		rc = configure_device(p);
	}
	if (rc < 0)
		return failed(p, "cannot be configured, see the driver's message above", rc);
	rc = adjust_descriptors(p);
	if (rc < 0)
		return failed(p, "descriptors", rc);
	rc = setup_queues(p, pool, ctx);
	if (rc == 0)
		rc = set_mtu(p);
	if (rc == 0)
		rc = set_address(p);
	if (rc == 0)
		rc = set_promiscuous(p);
	if (rc == 0)
		p->rx_configured = p->rx_now = p->eth.rxmode.offloads;
	return rc;
}
