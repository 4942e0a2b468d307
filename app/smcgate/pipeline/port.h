/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One port: found or created, its abilities negotiated, its queues set up.
 * Main lcore only; workers read the constant parts.
 */
#ifndef PIPELINE_PORT_H
#define PIPELINE_PORT_H

#include <rte_ethdev.h>

#include "app/smcgate/pipeline/device.h"
#include "app/smcgate/pipeline/pipeline.h"
#include "app/smcgate/pipeline/steer.h"

/* What others than who holds the slot may know of a port, under the pipeline's lock. */
struct port_seen {
	enum pipeline_port_state state;
	uint16_t mtu, n_rxd, n_txd;
	struct rte_ether_addr mac;
	bool rss, rx_intr, promiscuous;
	uint32_t offloads;
	uint64_t rx_wanted, rx_now;
	uint64_t rx_stopped, tx_stopped, reta_skip;
	uint16_t rx_size[CONFIG_MAX_QUEUES];
};

struct port {
	/* constant after port_open(), but for what struct port_seen has */
	const struct config_port *conf;
	uint16_t id;               /* ethdev's */
	uint8_t index;
	int node;                  /* -1: any */
	char device[64], driver[32]; /* names, of ethdev and of its driver */
	bool created;              /* the device is ours to remove */
	bool pinned;               /* takes buffers in arenas */
	bool eal_memory, arena_only; /* see drivers.h */
	bool rx_intr, rx_intr_arm; /* queues have descriptors to poll; they must be enabled before */
	bool rss;                  /* our key hashes, our table is mirrored */
	bool mac_is_peers;         /* see drivers.h */
	bool prepare;              /* rte_eth_tx_prepare() is due */
	uint16_t n_rxq, n_txq, n_rxd, n_txd;
	uint16_t min_desc, max_desc[2]; /* by enum vnic_dir */
	uint16_t reta_size;        /* 0: none */
	uint32_t offloads;         /* enum net_offload; NET_RX_CKSUM may come later */
	uint64_t rx_capa, rx_queue_capa, rx_conf; /* RTE_ETH_RX_OFFLOAD_*: of port and queue; as the configuration has it */
	struct rte_eth_conf eth;   /* rxmode.offloads: for the next time that it is configured */
	/* who holds the slot changes them; for others there is seen */
	enum pipeline_port_state state;
	uint16_t mtu;
	struct rte_ether_addr mac;
	uint16_t peer;             /* port index that the forwarding modes send to */
	uint16_t rx_worker[CONFIG_MAX_QUEUES]; /* worker that polls it */
	uint64_t rx_stopped, tx_stopped; /* bit for each queue that was stopped alone */
	uint64_t reta_skip;        /* bit for each receive queue that the device's table leaves out */
	struct port_seen seen;     /* the pipeline's lock */
	bool changing;             /* by an operation on its thread: hands off ethdev; the pipeline's lock */
	struct device_slot slot;   /* who waits for the device */
	/* what is asked of it, over resets of the port as well; changed by who holds the slot */
	bool wanted;               /* started, or to be */
	bool unready;              /* a reset was not finished: not configured */
	bool promiscuous;
	uint16_t wanted_mtu;
	uint16_t rx_size[CONFIG_MAX_QUEUES], tx_size[CONFIG_MAX_QUEUES]; /* resized; 0: n_rxd, n_txd */
	uint64_t rx_wanted;        /* receive offloads; what it is configured with, but for those switched off while it runs */
	uint64_t rx_configured, rx_now; /* as it was configured last, and of these in force */
	/* Told from the console; changed with the pipeline's lock, too. */
	bool reta_own;             /* the device's table is this one, not a mirror of ours */
	uint16_t reta[RTE_ETH_RSS_RETA_SIZE_512];
	uint16_t n_macs;           /* addresses beside mac */
	struct rte_ether_addr macs[PIPELINE_PORT_MACS];
};

/* Receive offloads that our driver may switch while the port runs; checksums both or none. */
#define PORT_RX_CSUM (RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM)
#define PORT_RX_LIVE (PORT_RX_CSUM | RTE_ETH_RX_OFFLOAD_TCP_LRO)

/* Pool for the receive queues of one worker on this port. */
typedef struct rte_mempool *(*port_pool_fn)(void *ctx, const struct port *p, unsigned worker);

/*
 * Find the device, or create it from conf->vdev; decide queues (an own
 * transmit queue for each of workers where the device has so many and no peer
 * that would have to follow) and offloads. Nothing is configured yet. Logs
 * what is wrong and what to do. Errors: -ENODEV and others.
 */
int port_open(struct port *p, const struct config_port *conf, unsigned index, unsigned workers);
/*
 * Configure and set queues up, MTU, MAC, promiscuous mode as asked of it last; the device stays
 * stopped. key: of the steering table.
 */
int port_configure(struct port *p, const uint8_t key[TOEPLITZ_KEY_LEN], port_pool_fn pool, void *ctx);
/* What was asked of it while it ran is forgotten, the configuration's holds again; false: nothing was. */
bool port_forget(struct port *p);
/* Let others see what it is now: whoever changed it, with the pipeline's lock held once others look. */
void port_publish(struct port *p);
/* Switch receive offloads of a port that runs to what wanted has of them, which vnic_rx_offloads_set() may refuse;
 * wanted becomes what it has. */
int port_rx_switch(struct port *p, uint64_t wanted);
/* Start, mirror the table, switch receive offloads off as they were. */
int port_start(struct port *p, const struct steering *st);
int port_stop(struct port *p);
/* Close; a device we created is removed. Any state, also after a failed open. */
void port_close(struct port *p);
/* The last part of it, of a port that does not run. */
void port_remove(struct port *p);

/* Descriptor that is readable when the queue has packets, -1: none. Also from workers. */
int port_rx_fd(const struct port *p, uint16_t queue);

/* Entries of the device's table that mirror ours, or as the console has it, without the queues in skip (unless
 * those are all): queue of each. table has p->reta_size entries. */
void port_reta(const struct port *p, const struct steering *st, uint64_t skip, uint16_t *table);
/* The same as ethdev takes it; how many entries, 0: the device has no table of ours. */
#define PORT_RETA_GROUPS (RTE_ETH_RSS_RETA_SIZE_512 / RTE_ETH_RETA_GROUP_SIZE)
uint16_t port_reta_groups(const struct port *p, const struct steering *st, uint64_t skip,
			  struct rte_eth_rss_reta_entry64 reta[PORT_RETA_GROUPS]);

#endif
