/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of the ethdev side of the driver: shared by ethdev*.c and device.c. All
 * of it is control plane, called with vnic_dev.lock held unless said otherwise.
 */
#ifndef VNIC_ETHDEV_PRIVATE_H
#define VNIC_ETHDEV_PRIVATE_H

#include <rte_version.h>

#include "pmd/virtio/dev.h"

#define VNIC_RING_PRESET 256   /* descriptors, where neither program nor arguments say */
#define VNIC_RING_MIN    8
#define VNIC_FRAME_ROOM  22    /* Ethernet header and two VLAN tags, beside the MTU */
#define VNIC_CLOSE_MS    2000  /* a burst that takes longer than that hangs */

/* Counters that xstats show less a base, so that a reset does not race with the data path. */
#define VNIC_RX_COUNTERS 32
#define VNIC_TX_COUNTERS 32

/* A queue as ethdev set it up. The queue comes first: a pointer to it is what
 * eth->data->rx_queues and vnic_dev.rxq hold. */
struct vnic_eth_rxq {
	struct vnic_rxq q;
	uint16_t nb_desc;          /* of the ring; q.vq.reserve of them are not used */
	bool deferred;             /* started by rx_queue_start only */
	bool stopped;              /* by rx_queue_stop, or deferred and not started yet */
	bool armed;                /* the program wants the queue's interrupt */
	struct rte_eth_rxconf conf;
	uint64_t base[VNIC_RX_COUNTERS];
};

struct vnic_eth_txq {
	struct vnic_txq q;
	uint16_t nb_desc;
	bool deferred;
	bool stopped;
	struct rte_eth_txconf conf;
	uint64_t base[VNIC_TX_COUNTERS];
};

static inline struct vnic_eth_rxq *vnic_eth_rxq(struct vnic_rxq *q)
{
	return (struct vnic_eth_rxq *)q;
}
static inline struct vnic_eth_txq *vnic_eth_txq(struct vnic_txq *q)
{
	return (struct vnic_eth_txq *)q;
}
static inline struct vnic_dev *vnic_dev_from(const struct rte_eth_dev *eth)
{
	return *(struct vnic_dev **)eth->data->dev_private;
}

/* Ring memory, control plane's side of a queue: rings.c. */
int vnic_rings_create(struct vnic_dev *d);
/* One queue's; d->mem is there. */
int vnic_rxq_create(struct vnic_dev *d, struct vnic_rxq *q);
int vnic_txq_create(struct vnic_dev *d, struct vnic_txq *q);
/* Buffers back to their pools, rings freed; quarantine: the device may still touch them. */
void vnic_rings_destroy(struct vnic_dev *d, bool quarantine);
/* Every gate; -ETIMEDOUT when a burst does not end. */
int vnic_rings_close(struct vnic_dev *d);
void vnic_rings_open(struct vnic_dev *d);
/* Tell the device of every ring. */
int vnic_rings_setup(struct vnic_dev *d);
/* The control queue, where the device serves one. */
int vnic_rings_ctrl(struct vnic_dev *d);
/* First receive buffers of every queue that is to run. */
int vnic_rings_fill(struct vnic_dev *d);
/* Tell the device of a ring that it does not know; run: enable it too. */
int vnic_vq_setup(struct vnic_dev *d, struct vnic_vq *vq, bool run);
/* A program that sleeps on the queue shall look again, and arm anew. */
void vnic_rxq_wake(struct vnic_dev *d, const struct vnic_rxq *q);
/* One queue: its gate is closed. setup: tell the device and give it buffers. */
int vnic_rxq_begin(struct vnic_dev *d, struct vnic_rxq *q);
int vnic_txq_begin(struct vnic_dev *d, struct vnic_txq *q);

/* What a queue computes from mempool, MTU and offloads; gate closed. */
int vnic_rxq_prepare(struct vnic_dev *d, struct vnic_rxq *q);
void vnic_txq_prepare(struct vnic_dev *d, struct vnic_txq *q);
/* Octets of a frame at this MTU, LRO apart. */
static inline uint32_t vnic_frame_len(uint32_t mtu)
{
	return mtu + VNIC_FRAME_ROOM;
}

/* ---- ethdev operations by file ---------------------------------------------------- */
/* ethdev_info.c */
int vnic_op_info(struct rte_eth_dev *eth, struct rte_eth_dev_info *info);
#if RTE_VERSION < RTE_VERSION_NUM(24, 3, 0, 0)
const uint32_t *vnic_op_ptypes(struct rte_eth_dev *eth);
#else
const uint32_t *vnic_op_ptypes(struct rte_eth_dev *eth, size_t *n);
#endif
int vnic_op_fw_version(struct rte_eth_dev *eth, char *buf, size_t len);
void vnic_op_rxq_info(struct rte_eth_dev *eth, uint16_t queue, struct rte_eth_rxq_info *info);
void vnic_op_txq_info(struct rte_eth_dev *eth, uint16_t queue, struct rte_eth_txq_info *info);
int vnic_op_rx_burst_mode(struct rte_eth_dev *eth, uint16_t queue, struct rte_eth_burst_mode *mode);
int vnic_op_tx_burst_mode(struct rte_eth_dev *eth, uint16_t queue, struct rte_eth_burst_mode *mode);
uint16_t vnic_pairs_max(const struct vnic_dev *d);
/* RTE_ETH_RSS_* and hash types of virtio. */
uint64_t vnic_rss_from_types(uint32_t types);
uint32_t vnic_rss_to_types(uint64_t rss);

/* ethdev_queue.c */
int vnic_op_rxq_setup(struct rte_eth_dev *eth, uint16_t queue, uint16_t nb_desc, unsigned int socket,
		      const struct rte_eth_rxconf *conf, struct rte_mempool *mp);
int vnic_op_txq_setup(struct rte_eth_dev *eth, uint16_t queue, uint16_t nb_desc, unsigned int socket,
		      const struct rte_eth_txconf *conf);
void vnic_op_rxq_release(struct rte_eth_dev *eth, uint16_t queue);
void vnic_op_txq_release(struct rte_eth_dev *eth, uint16_t queue);

/* ethdev_run.c: start and stop of single queues, interrupts, what a ring holds */
int vnic_op_rxq_start(struct rte_eth_dev *eth, uint16_t queue);
int vnic_op_rxq_stop(struct rte_eth_dev *eth, uint16_t queue);
int vnic_op_txq_start(struct rte_eth_dev *eth, uint16_t queue);
int vnic_op_txq_stop(struct rte_eth_dev *eth, uint16_t queue);
int vnic_op_intr_enable(struct rte_eth_dev *eth, uint16_t queue);
int vnic_op_intr_disable(struct rte_eth_dev *eth, uint16_t queue);
/* Descriptors of the receive queues for the epoll set of a program that sleeps. */
int vnic_intr_create(struct vnic_dev *d);
void vnic_intr_destroy(struct vnic_dev *d);
/* Without the lock, on the lcore that polls. */
/* What changes when the next packet comes. -EBUSY: the queue does not run, nothing will change; -EAGAIN: packets
 * kept by a reset are to be had now. The address is the ring's: of no use when the ring has gone. */
int vnic_op_monitor_addr(void *q, struct rte_power_monitor_cond *pmc);
uint32_t vnic_op_rxq_count(void *q);
int vnic_op_rx_status(void *q, uint16_t offset);
int vnic_op_tx_status(void *q, uint16_t offset);

/* ethdev_filter.c */
int vnic_op_promisc_on(struct rte_eth_dev *eth);
int vnic_op_promisc_off(struct rte_eth_dev *eth);
int vnic_op_allmulti_on(struct rte_eth_dev *eth);
int vnic_op_allmulti_off(struct rte_eth_dev *eth);
int vnic_op_mac_add(struct rte_eth_dev *eth, struct rte_ether_addr *mac, uint32_t index, uint32_t pool);
void vnic_op_mac_remove(struct rte_eth_dev *eth, uint32_t index);
int vnic_op_mac_set(struct rte_eth_dev *eth, struct rte_ether_addr *mac);
int vnic_op_multicast(struct rte_eth_dev *eth, struct rte_ether_addr *set, uint32_t n);
int vnic_op_vlan_filter(struct rte_eth_dev *eth, uint16_t vlan, int on);
int vnic_op_vlan_offload(struct rte_eth_dev *eth, int mask);
int vnic_op_mtu(struct rte_eth_dev *eth, uint16_t mtu);
/* ethdev_rss.c */
int vnic_op_reta_update(struct rte_eth_dev *eth, struct rte_eth_rss_reta_entry64 *conf, uint16_t size);
int vnic_op_reta_query(struct rte_eth_dev *eth, struct rte_eth_rss_reta_entry64 *conf, uint16_t size);
int vnic_op_rss_update(struct rte_eth_dev *eth, struct rte_eth_rss_conf *conf);
int vnic_op_rss_get(struct rte_eth_dev *eth, struct rte_eth_rss_conf *conf);
/* Key, types and table of a new configuration, in the shadow. */
int vnic_rss_configure(struct vnic_dev *d);

/* ethdev_stats.c */
int vnic_op_stats(struct rte_eth_dev *eth, struct rte_eth_stats *stats);
int vnic_op_stats_reset(struct rte_eth_dev *eth);
int vnic_op_xstats(struct rte_eth_dev *eth, struct rte_eth_xstat *xstats, unsigned int n);
int vnic_op_xstats_names(struct rte_eth_dev *eth, struct rte_eth_xstat_name *names, unsigned int n);

/* A command of the control queue for a part of the shadow, with its payload. */
#define VNIC_CMD_OCTETS 1024
struct vnic_cmd {
	struct vnic_ctrl_request req; /* data: octets */
	uint8_t octets[VNIC_CMD_OCTETS];
};

/* command.c. Its deadline at bring-up: a device that is stuck there is not waited for seven days. */
uint64_t vnic_start_ms(const struct vnic_dev *d);
void vnic_make_rx_mode(struct vnic_cmd *m, uint8_t cmd, bool on);
void vnic_make_mac(struct vnic_cmd *m, const struct rte_ether_addr *mac);
void vnic_make_mac_table(struct vnic_cmd *m, const struct vnic_dev *d);
void vnic_make_vlan(struct vnic_cmd *m, uint16_t vlan, bool on);
void vnic_make_offloads(struct vnic_cmd *m, uint64_t bits);
void vnic_make_rss(struct vnic_cmd *m, const struct vnic_dev *d);
void vnic_make_hash(struct vnic_cmd *m, const struct vnic_dev *d);
void vnic_make_pairs(struct vnic_cmd *m, const struct vnic_dev *d);
/* Packets are spread by RSS. */
bool vnic_spreads(const struct vnic_dev *d);
/* Made, run and waited for; -ENOTSUP where the device has no such command. */
int vnic_cmd_rx_mode(struct vnic_dev *d, uint8_t cmd, bool on);
int vnic_cmd_mac(struct vnic_dev *d, const struct rte_ether_addr *mac);
int vnic_cmd_mac_table(struct vnic_dev *d);
int vnic_cmd_vlan(struct vnic_dev *d, uint16_t vlan, bool on);
/* Guest offloads in force, as their features; and which are to be. */
uint64_t vnic_guest_offloads(const struct vnic_dev *d);
int vnic_cmd_offloads(struct vnic_dev *d, uint64_t bits);
/* Pairs in use, or the RSS configuration where that is what spreads packets. */
int vnic_cmd_steering(struct vnic_dev *d);
/* restore.c: all VLANs that are not in the shadow, many commands at a time. */
int vnic_cmd_other_vlans(struct vnic_dev *d, bool on);

#endif
