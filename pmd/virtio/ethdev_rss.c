/* SPDX-License-Identifier: BSD-3-Clause */
/* RSS: ethdev's names for it, the shadow of key, types and table. */
#include <errno.h>
#include <string.h>

#include "pmd/virtio/ethdev_private.h"

static const struct {
	uint64_t rss;
	enum virtio_hash_report report;
} types[] = {
	{ RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_OTHER, VIRTIO_NET_HASH_REPORT_IPv4 },
	{ RTE_ETH_RSS_NONFRAG_IPV4_TCP, VIRTIO_NET_HASH_REPORT_TCPv4 },
	{ RTE_ETH_RSS_NONFRAG_IPV4_UDP, VIRTIO_NET_HASH_REPORT_UDPv4 },
	{ RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_FRAG_IPV6 | RTE_ETH_RSS_NONFRAG_IPV6_OTHER, VIRTIO_NET_HASH_REPORT_IPv6 },
	{ RTE_ETH_RSS_NONFRAG_IPV6_TCP, VIRTIO_NET_HASH_REPORT_TCPv6 },
	{ RTE_ETH_RSS_NONFRAG_IPV6_UDP, VIRTIO_NET_HASH_REPORT_UDPv6 },
	{ RTE_ETH_RSS_IPV6_EX, VIRTIO_NET_HASH_REPORT_IPv6_EX },
	{ RTE_ETH_RSS_IPV6_TCP_EX, VIRTIO_NET_HASH_REPORT_TCPv6_EX },
	{ RTE_ETH_RSS_IPV6_UDP_EX, VIRTIO_NET_HASH_REPORT_UDPv6_EX },
};

uint64_t vnic_rss_from_types(uint32_t t)
{
	uint64_t rss = 0;

	for (unsigned i = 0; i < RTE_DIM(types); i++)
		if (t & VIRTIO_NET_HASH_TYPE(types[i].report))
			rss |= types[i].rss;
	return rss;
}

uint32_t vnic_rss_to_types(uint64_t rss)
{
	uint32_t t = 0;

	for (unsigned i = 0; i < RTE_DIM(types); i++)
		if (rss & types[i].rss)
			t |= VIRTIO_NET_HASH_TYPE(types[i].report);
	return t;
}

/* The key of Microsoft's RSS verification suite, as good as any known one. */
static const uint8_t preset_key[VNIC_RSS_KEY_LEN] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static int set_key(struct vnic_dev *d, const struct rte_eth_rss_conf *conf)
{
	if (conf->rss_key == NULL)
		return 0;
	if (conf->rss_key_len != 0 && conf->rss_key_len != VNIC_RSS_KEY_LEN)
		return -EINVAL;
	memcpy(d->rss_key, conf->rss_key, VNIC_RSS_KEY_LEN);
	return 0;
}

int vnic_rss_configure(struct vnic_dev *d)
{
	const struct rte_eth_conf *conf = &d->eth->data->dev_conf;
	uint16_t queues = d->eth->data->nb_rx_queues;

	memcpy(d->rss_key, preset_key, sizeof(d->rss_key));
	for (unsigned i = 0; i < VNIC_RETA_SIZE; i++)
		d->reta[i] = queues > 0 ? (uint16_t)(i % queues) : 0;
	d->rss_hf = vnic_rss_from_types(d->limits.hash_types);
	if ((conf->rxmode.mq_mode & RTE_ETH_MQ_RX_RSS_FLAG) == 0)
		return 0;
	/* ethdev lets nobody ask for hashes without that mode; on one queue they are all there is to it. */
	if (!vnic_has(d, VIRTIO_NET_F_RSS) && (queues > 1 || !vnic_has(d, VIRTIO_NET_F_HASH_REPORT))) {
		VNIC_LOG(ERR, d, "the device has no RSS");
		return -ENOTSUP;
	}
	d->rss_hf = conf->rx_adv_conf.rss_conf.rss_hf;
	return set_key(d, &conf->rx_adv_conf.rss_conf);
}

static bool active(const struct vnic_dev *d)
{
	return vnic_has(d, VIRTIO_NET_F_RSS) &&
	       (d->eth->data->dev_conf.rxmode.mq_mode & RTE_ETH_MQ_RX_RSS_FLAG) != 0;
}

/* Does it hash, at least? */
static bool hashes(const struct vnic_dev *d)
{
	return active(d) || (vnic_has(d, VIRTIO_NET_F_HASH_REPORT) &&
			     (d->eth->data->dev_conf.rxmode.mq_mode & RTE_ETH_MQ_RX_RSS_FLAG) != 0);
}

/* The device refused: the shadow says what it has still. */
static int apply_reta(struct vnic_dev *d, const uint16_t *reta)
{
	uint16_t before[VNIC_RETA_SIZE];
	int rc;

	memcpy(before, d->reta, sizeof(before));
	memcpy(d->reta, reta, sizeof(d->reta));
	if (d->state != VNIC_RUNNING)
		return 0;
	rc = vnic_cmd_steering(d);
	if (rc < 0)
		memcpy(d->reta, before, sizeof(d->reta));
	return rc;
}

int vnic_op_reta_update(struct rte_eth_dev *eth, struct rte_eth_rss_reta_entry64 *conf, uint16_t size)
{
	struct vnic_dev *d = vnic_dev_from(eth);
	uint16_t reta[VNIC_RETA_SIZE];
	int rc;

	if (!active(d))
		return -ENOTSUP;
	if (size != VNIC_RETA_SIZE)
		return -EINVAL;
	pthread_mutex_lock(&d->lock);
	memcpy(reta, d->reta, sizeof(reta));
	for (unsigned i = 0; i < size; i++)
		if (conf[i / RTE_ETH_RETA_GROUP_SIZE].mask >> (i % RTE_ETH_RETA_GROUP_SIZE) & 1)
			reta[i] = conf[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE];
	rc = 0;
	for (unsigned i = 0; i < size && rc == 0; i++)
		rc = reta[i] < eth->data->nb_rx_queues ? 0 : -EINVAL;
	if (rc == 0)
		rc = apply_reta(d, reta);
	pthread_mutex_unlock(&d->lock);
	return rc;
}

int vnic_op_reta_query(struct rte_eth_dev *eth, struct rte_eth_rss_reta_entry64 *conf, uint16_t size)
{
	struct vnic_dev *d = vnic_dev_from(eth);

	if (!active(d))
		return -ENOTSUP;
	if (size != VNIC_RETA_SIZE)
		return -EINVAL;
	pthread_mutex_lock(&d->lock);
	for (unsigned i = 0; i < size; i++)
		if (conf[i / RTE_ETH_RETA_GROUP_SIZE].mask >> (i % RTE_ETH_RETA_GROUP_SIZE) & 1)
			conf[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] = d->reta[i];
	pthread_mutex_unlock(&d->lock);
	return 0;
}

int vnic_op_rss_update(struct rte_eth_dev *eth, struct rte_eth_rss_conf *conf)
{
	struct vnic_dev *d = vnic_dev_from(eth);
	uint8_t key[VNIC_RSS_KEY_LEN];
	uint64_t hf;
	int rc;

	if (!hashes(d))
		return -ENOTSUP;
	if ((conf->rss_hf & ~vnic_rss_from_types(d->limits.hash_types)) != 0)
		return -EINVAL;
	pthread_mutex_lock(&d->lock);
	memcpy(key, d->rss_key, sizeof(key));
	hf = d->rss_hf;
	rc = set_key(d, conf);
	if (rc == 0) {
		d->rss_hf = conf->rss_hf;
		if (d->state == VNIC_RUNNING)
			rc = vnic_cmd_steering(d);
	}
	if (rc < 0) {
		memcpy(d->rss_key, key, sizeof(key));
		d->rss_hf = hf;
	}
	pthread_mutex_unlock(&d->lock);
	return rc;
}

int vnic_op_rss_get(struct rte_eth_dev *eth, struct rte_eth_rss_conf *conf)
{
	struct vnic_dev *d = vnic_dev_from(eth);

	if (!hashes(d))
		return -ENOTSUP;
	pthread_mutex_lock(&d->lock);
	if (conf->rss_key != NULL && conf->rss_key_len >= VNIC_RSS_KEY_LEN)
		memcpy(conf->rss_key, d->rss_key, VNIC_RSS_KEY_LEN);
	conf->rss_key_len = VNIC_RSS_KEY_LEN;
	conf->rss_hf = d->rss_hf;
	pthread_mutex_unlock(&d->lock);
	return 0;
}
