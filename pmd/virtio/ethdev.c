/* SPDX-License-Identifier: BSD-3-Clause */
/* The port: made, configured, started, stopped, reset, closed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_malloc.h>

#include "pmd/virtio/coal.h"
#include "pmd/virtio/devstats.h"
#include "pmd/virtio/reset.h"
#include "pmd/virtio/vnic.h"

/* ---- configuration ------------------------------------------------------------------------ */

static void take_features(struct vnic_dev *d, uint64_t rx, uint64_t tx)
{
	d->negotiated = vnic_feature_select(&d->args, &d->offered, rx, tx, d->transport_flags);
	d->hdr_len = vnic_has(d, VIRTIO_NET_F_HASH_REPORT) ? sizeof(struct vnic_net_hdr_hash) :
							    sizeof(struct vnic_net_hdr);
	d->packed = vnic_has(d, VIRTIO_F_RING_PACKED);
}

static int op_configure(struct rte_eth_dev *eth)
{
	struct vnic_dev *d = vnic_dev_from(eth);
	const struct rte_eth_conf *conf = &eth->data->dev_conf;
	char names[512];
	int rc;

	if ((conf->rxmode.mq_mode & ~RTE_ETH_MQ_RX_RSS_FLAG) != 0 || conf->txmode.mq_mode != RTE_ETH_MQ_TX_NONE) {
		VNIC_LOG(ERR, d, "no other multi-queue mode than RSS");
		return -EINVAL;
	}
	pthread_mutex_lock(&d->lock);
	take_features(d, conf->rxmode.offloads, conf->txmode.offloads);
	d->guest_off = 0;
	d->pairs = RTE_MAX(eth->data->nb_rx_queues, eth->data->nb_tx_queues);
	d->rxq = (struct vnic_rxq **)eth->data->rx_queues;
	d->txq = (struct vnic_txq **)eth->data->tx_queues;
	rc = vnic_rss_configure(d);
	if (rc == 0)
		rc = vnic_intr_create(d);
	if (rc == 0)
		VNIC_LOG(INFO, d, "features: %s", vnic_feature_names(&d->negotiated, names, sizeof(names)));
	pthread_mutex_unlock(&d->lock);
	return rc;
}

/* ---- start and stop --------------------------------------------------------------------------- */

/* Queues of a port have the same features and offloads, hence the same burst. */
static void choose_bursts(struct rte_eth_dev *eth, struct vnic_dev *d)
{
	if (eth->data->nb_rx_queues > 0)
		eth->rx_pkt_burst = vnic_rx_select(d->rxq[0]);
	if (eth->data->nb_tx_queues > 0)
		eth->tx_pkt_burst = vnic_tx_select(d->txq[0]);
	eth->tx_pkt_prepare = vnic_tx_prepare;
}

static bool stopped_rx(const struct rte_eth_dev *eth, uint16_t i)
{
	const struct vnic_eth_rxq *q = eth->data->rx_queues[i];

	return q == NULL || q->stopped;
}

static bool stopped_tx(const struct rte_eth_dev *eth, uint16_t i)
{
	const struct vnic_eth_txq *q = eth->data->tx_queues[i];

	return q == NULL || q->stopped;
}

static void show_states(struct rte_eth_dev *eth, bool running)
{
	for (uint16_t i = 0; i < eth->data->nb_rx_queues; i++)
		eth->data->rx_queue_state[i] = running && !stopped_rx(eth, i) ?
			RTE_ETH_QUEUE_STATE_STARTED : RTE_ETH_QUEUE_STATE_STOPPED;
	for (uint16_t i = 0; i < eth->data->nb_tx_queues; i++)
		eth->data->tx_queue_state[i] = running && !stopped_tx(eth, i) ?
			RTE_ETH_QUEUE_STATE_STARTED : RTE_ETH_QUEUE_STATE_STOPPED;
}

/* Queues that were stopped one by one start with the port, unless deferred. */
static void forget_stops(struct rte_eth_dev *eth)
{
	for (uint16_t i = 0; i < eth->data->nb_rx_queues; i++) {
		struct vnic_eth_rxq *q = eth->data->rx_queues[i];

		q->stopped = q->deferred;
		q->armed = false;
	}
	for (uint16_t i = 0; i < eth->data->nb_tx_queues; i++) {
		struct vnic_eth_txq *q = eth->data->tx_queues[i];

		q->stopped = q->deferred;
	}
}

static bool all_set_up(const struct rte_eth_dev_data *data)
{
	for (uint16_t i = 0; i < data->nb_rx_queues; i++)
		if (data->rx_queues[i] == NULL)
			return false;
	for (uint16_t i = 0; i < data->nb_tx_queues; i++)
		if (data->tx_queues[i] == NULL)
			return false;
	return true;
}

static int op_start(struct rte_eth_dev *eth)
{
	struct vnic_dev *d = vnic_dev_from(eth);
	int rc;

	pthread_mutex_lock(&d->lock);
	if (d->state == VNIC_BROKEN || d->state == VNIC_REMOVED || d->state == VNIC_LOST) {
		VNIC_LOG(ERR, d, "the device is %s", d->state == VNIC_BROKEN ? "broken: rte_eth_dev_reset() mends it" :
						     d->state == VNIC_LOST ? "lost" : "removed");
		rc = -EIO;
	} else if (!all_set_up(eth->data)) {
		VNIC_LOG(ERR, d, "a queue is not set up");
		rc = -EINVAL;
	} else {
		forget_stops(eth);
		rc = vnic_device_start(d);
	}
	if (rc == 0) {
		choose_bursts(eth, d);
		show_states(eth, true);
	}
	pthread_mutex_unlock(&d->lock);
	return rc;
}

static int op_stop(struct rte_eth_dev *eth)
{
	struct vnic_dev *d = vnic_dev_from(eth);
	int rc;

	pthread_mutex_lock(&d->lock);
	eth->data->dev_started = 0;
	rc = vnic_device_stop(d);
	/* Whoever comes back finds a port that is not to run. */
	if (d->state == VNIC_LOST && d->recover.was == VNIC_RUNNING)
		d->recover.was = VNIC_STOPPED;
	show_states(eth, false);
	pthread_mutex_unlock(&d->lock);
	return rc;
}

/* ---- the device's life -------------------------------------------------------------------------- */

static void take_mac(struct vnic_dev *d)
{
	if (!rte_is_zero_ether_addr(&d->args.mac))
		d->mac = d->args.mac;
	else if (!rte_is_zero_ether_addr(&d->limits.mac))
		d->mac = d->limits.mac;
	else
		rte_eth_random_addr(d->mac.addr_bytes);
	memset(d->macs, 0, sizeof(d->macs));
	d->macs[0] = d->mac;
	d->n_macs = 1;
}

static int check_features(struct vnic_dev *d)
{
	if ((d->offered.word[0] & VIRTIO_BIT(VIRTIO_F_VERSION_1)) == 0) {
		VNIC_LOG(ERR, d, "a legacy device: virtio 1 is the least");
		return -ENOTSUP;
	}
	if ((d->transport_flags & VNIC_TRANSPORT_VA) == 0 || d->ops->get_features == NULL)
		return 0;
	if ((d->offered.word[0] & VIRTIO_BIT(VIRTIO_F_ACCESS_PLATFORM)) != 0) {
		VNIC_LOG(ERR, d, "the back end wants addresses translated (ACCESS_PLATFORM)");
		return -ENOTSUP;
	}
	return 0;
}

/* The control thread may be looking at the transport without the lock. */
static void close_transport(struct vnic_dev *d)
{
	pthread_mutex_lock(&d->closing);
	d->ops->close(d);
	pthread_mutex_unlock(&d->closing);
}

static int open_device(struct vnic_dev *d)
{
	int rc = d->ops->open(d, false);

	if (rc < 0)
		return rc;
	rc = d->ops->get_features(d, &d->offered);
	if (rc == 0)
		rc = check_features(d);
	if (rc == 0)
		rc = vnic_config_load(d);
	if (rc < 0) {
		close_transport(d);
		return rc;
	}
	/* Until the program says which offloads it wants. */
	take_features(d, UINT64_MAX, UINT64_MAX);
	vnic_set_state(d, VNIC_PROBED);
	return 0;
}

/* A new beginning on whatever answers now: the program configures the port again. */
static int op_reset(struct rte_eth_dev *eth)
{
	struct vnic_dev *d = vnic_dev_from(eth);
	int rc;

	pthread_mutex_lock(&d->lock);
	if (d->state == VNIC_REMOVED) {
		pthread_mutex_unlock(&d->lock);
		return -ENODEV;
	}
	rc = vnic_device_stop(d);
	if (rc == 0) {
		close_transport(d);
		vnic_set_state(d, VNIC_CLOSED);
		rc = open_device(d);
	}
	if (rc < 0)
		VNIC_LOG(ERR, d, "reset: %s", strerror(-rc));
	vnic_thread_wake(d);
	pthread_mutex_unlock(&d->lock);
	return rc;
}

static int op_close(struct rte_eth_dev *eth)
{
	struct vnic_dev *d = vnic_dev_from(eth);

	if (rte_eal_process_type() != RTE_PROC_PRIMARY)
		return 0;
	vnic_ethdev_destroy(d);
	return 0;
}

static int op_link_update(struct rte_eth_dev *eth, int wait)
{
	struct vnic_dev *d = vnic_dev_from(eth);
	struct rte_eth_link before = eth->data->dev_link;

	/* Who looks waits neither for what is being done to the device nor for its answer: the link is
	 * as it was, or as the device told. */
	if (!wait && pthread_mutex_trylock(&d->lock) != 0)
		return -1;
	if (wait)
		pthread_mutex_lock(&d->lock);
	if (wait || d->ops->config_tells == NULL || !d->ops->config_tells(d))
		vnic_config_link(d);
	vnic_link_publish(d);
	pthread_mutex_unlock(&d->lock);
	return before.link_status == eth->data->dev_link.link_status ? -1 : 0;
}

static const struct eth_dev_ops ops = {
	.dev_configure = op_configure,
	.dev_start = op_start,
	.dev_stop = op_stop,
	.dev_close = op_close,
	.dev_reset = op_reset,
	.dev_infos_get = vnic_op_info,
	.dev_supported_ptypes_get = vnic_op_ptypes,
	.link_update = op_link_update,
	.fw_version_get = vnic_op_fw_version,
	.rxq_info_get = vnic_op_rxq_info,
	.txq_info_get = vnic_op_txq_info,
	.rx_burst_mode_get = vnic_op_rx_burst_mode,
	.tx_burst_mode_get = vnic_op_tx_burst_mode,
	.rx_queue_setup = vnic_op_rxq_setup,
	.rx_queue_release = vnic_op_rxq_release,
	.rx_queue_start = vnic_op_rxq_start,
	.rx_queue_stop = vnic_op_rxq_stop,
	.rx_queue_intr_enable = vnic_op_intr_enable,
	.rx_queue_intr_disable = vnic_op_intr_disable,
	.tx_queue_setup = vnic_op_txq_setup,
	.tx_queue_release = vnic_op_txq_release,
	.tx_queue_start = vnic_op_txq_start,
	.tx_queue_stop = vnic_op_txq_stop,
	.tx_done_cleanup = vnic_tx_cleanup,
	.stats_get = vnic_op_stats,
	.stats_reset = vnic_op_stats_reset,
	.xstats_get = vnic_op_xstats,
	.xstats_get_names = vnic_op_xstats_names,
	.xstats_reset = vnic_op_stats_reset,
	.promiscuous_enable = vnic_op_promisc_on,
	.promiscuous_disable = vnic_op_promisc_off,
	.allmulticast_enable = vnic_op_allmulti_on,
	.allmulticast_disable = vnic_op_allmulti_off,
	.mac_addr_add = vnic_op_mac_add,
	.mac_addr_remove = vnic_op_mac_remove,
	.mac_addr_set = vnic_op_mac_set,
	.set_mc_addr_list = vnic_op_multicast,
	.vlan_filter_set = vnic_op_vlan_filter,
	.vlan_offload_set = vnic_op_vlan_offload,
	.mtu_set = vnic_op_mtu,
	.reta_update = vnic_op_reta_update,
	.reta_query = vnic_op_reta_query,
	.rss_hash_update = vnic_op_rss_update,
	.rss_hash_conf_get = vnic_op_rss_get,
	.get_monitor_addr = vnic_op_monitor_addr,
};

static uint16_t no_packets(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	(void)queue;
	(void)pkts;
	(void)n;
	return 0;
}

static int fill_port(struct rte_eth_dev *eth, struct vnic_dev *d)
{
	struct vnic_dev **at = eth->data->dev_private;

	eth->data->mac_addrs = rte_zmalloc("vnic_macs", VNIC_MAX_MACS * sizeof(struct rte_ether_addr), 0);
	if (eth->data->mac_addrs == NULL)
		return -ENOMEM;
	*at = d;
	d->eth = eth;
	eth->data->mac_addrs[0] = d->mac;
	eth->data->dev_flags |= RTE_ETH_DEV_INTR_LSC | RTE_ETH_DEV_INTR_RMV;
	eth->data->mtu = RTE_ETHER_MTU;
	if (d->limits.mtu != 0 && d->limits.mtu < eth->data->mtu)
		eth->data->mtu = d->limits.mtu;
	eth->dev_ops = &ops;
	eth->rx_pkt_burst = no_packets;
	eth->tx_pkt_burst = no_packets;
	eth->tx_pkt_prepare = vnic_tx_prepare;
	eth->rx_queue_count = vnic_op_rxq_count;
	eth->rx_descriptor_status = vnic_op_rx_status;
	eth->tx_descriptor_status = vnic_op_tx_status;
	return 0;
}

static int init_lock(struct vnic_dev *d)
{
	pthread_mutexattr_t attr;
	int rc = pthread_mutexattr_init(&attr);

	if (rc != 0)
		return -rc;
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&d->closing, NULL);
	rc = pthread_mutex_init(&d->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return -rc;
}

int vnic_ethdev_create(struct rte_eth_dev *eth, struct vnic_dev *d)
{
	int rc = init_lock(d);

	if (rc < 0)
		return rc;
	d->wake_fd = -1;
	d->speed = RTE_ETH_SPEED_NUM_UNKNOWN;
	d->duplex = RTE_ETH_LINK_FULL_DUPLEX;
	rc = vnic_coal_create(d);
	if (rc < 0)
		goto lock;
	rc = vnic_devstats_create(d);
	if (rc < 0)
		goto coal;
	rc = open_device(d);
	if (rc < 0)
		goto device; /* also after a failed open (transport.h) */
	take_mac(d);
	rc = fill_port(eth, d);
	if (rc < 0)
		goto device;
	rc = vnic_thread_start(d);
	if (rc == 0)
		return 0;
device:
	d->ops->close(d);
	vnic_devstats_destroy(d);
coal:
	vnic_coal_destroy(d);
lock:
	pthread_mutex_destroy(&d->lock);
	pthread_mutex_destroy(&d->closing);
	return rc;
}

/* Who waited for the device has been told, and lets go of the lock that he takes for it. */
static void let_askers_go(struct vnic_dev *d)
{
	while (d->asking > 0) {
		pthread_mutex_unlock(&d->lock);
		usleep(100);
		pthread_mutex_lock(&d->lock);
	}
}

/* Queues go after the device: what it would not give back is given up then. */
static void release_queues(struct rte_eth_dev *eth)
{
	for (uint16_t i = 0; i < eth->data->nb_rx_queues; i++)
		vnic_op_rxq_release(eth, i);
	for (uint16_t i = 0; i < eth->data->nb_tx_queues; i++)
		vnic_op_txq_release(eth, i);
	eth->data->nb_rx_queues = 0;
	eth->data->nb_tx_queues = 0;
}

void vnic_ethdev_destroy(struct vnic_dev *d)
{
	struct rte_eth_dev *eth = d->eth;

	vnic_thread_stop(d);
	pthread_mutex_lock(&d->lock);
	if (d->state != VNIC_CLOSED)
		vnic_device_stop(d);
	d->ops->close(d);
	vnic_set_state(d, VNIC_CLOSED);
	let_askers_go(d);
	release_queues(eth);
	vnic_retired_free(d, false, true);
	vnic_mem_destroy(d->mem);
	d->mem = NULL;
	vnic_intr_destroy(d);
	vnic_devstats_destroy(d);
	vnic_coal_destroy(d);
	pthread_mutex_unlock(&d->lock);
	pthread_mutex_destroy(&d->lock);
	pthread_mutex_destroy(&d->closing);
	eth->dev_ops = NULL;
	*(struct vnic_dev **)eth->data->dev_private = NULL;
	free(d);
}

/* ---- by port ------------------------------------------------------------------------------------------ */

struct vnic_dev *vnic_dev_of(uint16_t port)
{
	if (!rte_eth_dev_is_valid_port(port) || rte_eth_devices[port].dev_ops != &ops)
		return NULL;
	return vnic_dev_from(&rte_eth_devices[port]);
}

bool vnic_port(uint16_t port)
{
	return vnic_dev_of(port) != NULL;
}

int vnic_share_memory_of(uint16_t port)
{
	struct vnic_dev *d = vnic_dev_of(port);
	int rc = 0;

	if (d == NULL)
		return -ENOTSUP;
	if (d->ops->share_memory == NULL)
		return 0;
	pthread_mutex_lock(&d->lock);
	if (d->state == VNIC_RUNNING)
		rc = d->ops->share_memory(d);
	pthread_mutex_unlock(&d->lock);
	return rc;
}

int vnic_share_memory(void)
{
	uint16_t port;
	int rc = 0;

	RTE_ETH_FOREACH_DEV(port) {
		int one = vnic_share_memory_of(port);

		rc = rc == 0 && one != -ENOTSUP ? one : rc;
	}
	return rc;
}

int vnic_tx_progress(uint16_t port, uint16_t queue, bool reclaim, struct vnic_tx_progress *out)
{
	struct vnic_dev *d = vnic_dev_of(port);
	struct vnic_txq *q;

	if (d == NULL)
		return -ENOTSUP;
	if (queue >= d->eth->data->nb_tx_queues || d->txq[queue] == NULL)
		return -EINVAL;
	q = d->txq[queue];
	if (reclaim)
		vnic_tx_cleanup(q, 0);
	out->posted = q->posted;
	out->posted_bytes = q->posted_bytes;
	out->done = q->done;
	out->done_bytes = q->done_bytes;
	out->lost = q->reset_lost;
	return 0;
}
