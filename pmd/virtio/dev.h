/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One virtio network device: its arguments, what was negotiated, its queues,
 * its life. Lives in rte_eth_dev.data->dev_private (through struct vnic_dev *),
 * primary process only.
 *
 * Threads: ethdev operations come from whatever thread the application calls
 * them on; the device's control thread handles loss and return of the back
 * end, configuration changes and the control queue. Both take lock. The data
 * path never does: it meets the control plane at the queue's gate (vq.h).
 */
#ifndef VNIC_DEV_H
#define VNIC_DEV_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

#include <ethdev_driver.h>
#include <rte_ether.h>

#include "pmd/virtio/ctrl.h"
#include "pmd/virtio/mem.h"
#include "pmd/virtio/rx.h"
#include "pmd/virtio/transport.h"
#include "pmd/virtio/tx.h"
#include "pmd/virtio/virtio_net.h"

#define VNIC_MAX_PAIRS   128  /* GET_VRING indexes have 8 bits: 127 pairs and a control queue over vhost-user */
#define VNIC_MAX_MACS    64
#define VNIC_RETA_SIZE   128  /* entries used where the device takes more */
#define VNIC_RSS_KEY_LEN 40

/* Device arguments (doc/virtio.md lists them; devargs.c reads them). */
struct vnic_args {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* vhost-user or qtest socket */
	bool server;              /* we listen, the back end connects */
	uint16_t queues;          /* pairs, where the device cannot tell */
	uint16_t queue_size;      /* 0: the device's or 256 */
	bool packed, in_order, mrg_rxbuf, indirect, event_idx, vectorized; /* offered to negotiation */
	bool csum, tso, guest_tso, ctrl; /* the same: for comparisons */
	struct rte_ether_addr mac; /* zero: the device's, else random */
	uint16_t mtu;             /* 0: the device's */
	uint32_t speed;           /* Mbit/s, 0: the device's or unknown */
	uint32_t connect_ms;      /* wait at probe for the back end */
	uint32_t reply_ms;        /* bound of each answer of the back end */
	bool announce;            /* no argument: vnic_announce_offer() */
	uint32_t stats_ms;        /* between refreshes of device statistics; 0: when asked for */
	uint64_t ctrl_timeout_ms;
	uint32_t ctrl_start_ms;   /* of commands at bring-up; 0: reply_ms */
	bool ctrl_go_on;          /* packets go on when the control queue is broken */
};

struct arena;

enum vnic_state {
	VNIC_CLOSED,
	VNIC_PROBED,   /* features and configuration known */
	VNIC_RUNNING,
	VNIC_STOPPED,  /* configured, device reset */
	VNIC_LOST,     /* the back end is gone: it may return */
	VNIC_BROKEN,   /* rules broken, deadline passed, NEEDS_RESET: until dev_reset */
	VNIC_REMOVED,  /* reads all ones */
};

/* What the device offers and is worth, read and checked (config.c). */
struct vnic_limits {
	uint16_t max_pairs;       /* 1 without MQ and RSS */
	uint16_t mtu;             /* 0: not told */
	uint8_t rss_key_max;      /* 0: no RSS, no hash */
	uint16_t reta_max;
	uint32_t hash_types;
	struct rte_ether_addr mac; /* zero: not told */
};

struct vnic_dev {
	struct rte_eth_dev *eth;  /* data->port_id is the port */
	char name[64];
	const struct vnic_transport_ops *ops;
	uint32_t transport_flags; /* VNIC_TRANSPORT_* */
	void *transport;          /* its own state */
	struct vnic_args args;

	pthread_mutex_t lock;     /* recursive; control plane */
	pthread_mutex_t closing;  /* the transport stays: for a thread that does not hold lock; taken inside of it */
	enum vnic_state state;    /* written with lock held, by vnic_set_state(); others read it atomically */
	struct vnic_features offered, negotiated;
	struct vnic_limits limits;
	uint16_t hdr_len;
	bool packed;

	struct vnic_mem *mem;
	/* Not NULL: device memory comes from this arena, and the device sees it at
	 * its virtual address + dma_offset (memory of an emulated machine). */
	struct arena *dma_arena;
	uint64_t dma_offset;
	/* A piece of it that was given back, for the next memory: an arena takes nothing back. */
	uint8_t *dma_spare;
	size_t dma_spare_len;
	struct vnic_rxq **rxq;    /* nb_rx_queues: eth->data's */
	struct vnic_txq **txq;
	/* Released while the port runs and the device still has their rings: reset_renew.c's. */
	struct vnic_rxq *old_rxq[VNIC_MAX_PAIRS];
	struct vnic_txq *old_txq[VNIC_MAX_PAIRS];
	uint16_t pairs;           /* in use: max of both directions */
	struct vnic_ctrl *ctrl;   /* NULL: the device has none for us */
	struct vnic_coalescing *coal; /* as long as the port */
	struct vnic_devstats *devstats; /* the same */

	/* what to program again after a reset: the shadow */
	struct rte_ether_addr mac, macs[VNIC_MAX_MACS];
	uint16_t n_macs;          /* macs[0] is the default one; zero: none at that place */
	struct rte_ether_addr mcast[VNIC_MAX_MACS];
	uint16_t n_mcast;
	bool promisc, allmulti;
	uint64_t guest_off;       /* VIRTIO_NET_F_GUEST_* negotiated, and switched off by vnic_rx_offloads_set() */
	uint64_t vlan[64];        /* bit set: VLAN let through */
	uint8_t rss_key[VNIC_RSS_KEY_LEN];
	uint64_t rss_hf;
	uint16_t reta[VNIC_RETA_SIZE];

	/* link */
	bool link_up;
	uint32_t speed;           /* Mbit/s, RTE_ETH_SPEED_NUM_UNKNOWN */
	uint8_t duplex;

	/* control thread */
	pthread_t thread;
	bool thread_runs, thread_stop; /* atomic */
	/* Inside of vnic_device_start(): commands have ctrl_start_ms, not ctrl_timeout_ms. By vnic_starting(). */
	bool starting;
	unsigned asking;          /* threads in vnic_ctrl_ask(), which do not hold lock; guarded by it */
	int wake_fd;              /* eventfd */
	volatile bool fault_seen; /* a queue broke: set by the data path with wake_fd written */
	bool config_changed;
	uint64_t ring_errors[4];  /* bit: the device says it stopped that ring; atomic, set by transports' event() */
	bool announce_asked;      /* atomic: the program shall announce itself */
	struct {
		enum vnic_state was;  /* before the loss */
		bool cleaned;         /* old rings are out of the way */
		bool refused;         /* a back end came and would not do */
		uint32_t backoff_ms;
		uint64_t lost_ms, next_ms;
	} recover;                /* recover.c's */
	struct rte_intr_handle *intr; /* eth->intr_handle: receive interrupts */

	/* counters */
	uint64_t lost, returned, resets, broken, faults[VNIC_FAULT_COUNT];

	char why[96];             /* it is VNIC_BROKEN: vnic_why_set() */
	struct vnic_ctrl_stats ctrl_past; /* of control queues before this one: ctrl.c's */
};

static inline void vnic_set_state(struct vnic_dev *d, enum vnic_state state)
{
	__atomic_store_n(&d->state, state, __ATOMIC_RELAXED);
}
static inline bool vnic_starting(const struct vnic_dev *d)
{
	return __atomic_load_n(&d->starting, __ATOMIC_RELAXED);
}
static inline bool vnic_thread_runs(const struct vnic_dev *d)
{
	return __atomic_load_n(&d->thread_runs, __ATOMIC_RELAXED);
}

static inline bool vnic_has(const struct vnic_dev *d, unsigned feature)
{
	return (d->negotiated.word[feature / 64] >> (feature % 64)) & 1;
}

/* ---- negotiation and bring-up: feature.c, config.c, device.c ------------------- */
/* Which of the offered features to take: wanted, known, and their needs there
 * (1.3 of the table in feature.c). Pure. */
struct vnic_features vnic_feature_select(const struct vnic_args *args, const struct vnic_features *offered,
					 uint64_t rx_offloads, uint64_t tx_offloads, uint32_t transport_flags);
/* One line of names for the log, into buf. */
const char *vnic_feature_names(const struct vnic_features *f, char *buf, size_t len);

/* Read and check the configuration space; faults are named in the log: -EINVAL. */
int vnic_config_load(struct vnic_dev *d);
/* Link, speed, duplex again; true when something changed. */
bool vnic_config_link(struct vnic_dev *d);

/*
 * Bring the configured device up: reset, features, memory, queues, DRIVER_OK,
 * pairs, RSS, filters from the shadow, first receive buffers. On failure the device
 * is reset and marked FAILED, nothing of the data path is open, and the error
 * is returned. The caller holds lock.
 */
int vnic_device_start(struct vnic_dev *d);
/* Gates closed, device reset, buffers back. */
int vnic_device_stop(struct vnic_dev *d);
/* Everything the shadow holds, to a device that has forgotten it. */
int vnic_device_restore(struct vnic_dev *d);
/* Mark broken: gates closed, control queue broken, link down, event. From any control-plane thread. */
void vnic_device_break(struct vnic_dev *d, const char *why);
/* The control queue broke by itself: the same, or the event alone where packets are to go on. */
void vnic_device_ctrl_broken(struct vnic_dev *d, const char *why);
/* For people that ask; any thread, with lock held or not: ctrl_info.c. */
void vnic_why_set(struct vnic_dev *d, const char *why);
/* The device is gone for good: the same, with RTE_ETH_EVENT_INTR_RMV; the port can only be closed. */
void vnic_device_removed(struct vnic_dev *d);

/* The link as the program sees it, from what vnic_config_link() found, and
 * RTE_ETH_EVENT_INTR_LSC when it changed. The caller holds lock. */
void vnic_link_publish(struct vnic_dev *d);

/* ---- the control thread: thread.c ----------------------------------------------- */
/* Makes wake_fd too. */
int vnic_thread_start(struct vnic_dev *d);
/* Waits for its end: not with lock held. The transport is closed after it. */
void vnic_thread_stop(struct vnic_dev *d);
/* From the data path as well: wakes it. */
void vnic_thread_wake(struct vnic_dev *d);

/* ---- ethdev: ethdev.c --------------------------------------------------------------- */
/* Make the port of a device whose ops, args and transport are set: connects, negotiates
 * provisionally, reads the configuration, fills eth->data, starts the thread. */
int vnic_ethdev_create(struct rte_eth_dev *eth, struct vnic_dev *d);
void vnic_ethdev_destroy(struct vnic_dev *d);
/* The device of a port of this driver; NULL: another driver's. */
struct vnic_dev *vnic_dev_of(uint16_t port);

/* Control-plane messages of this driver go through here. */
extern int vnic_logtype;
#define VNIC_LOG(level, d, fmt, ...) \
	rte_log(RTE_LOG_##level, vnic_logtype, "VNIC: %s: " fmt "\n", (d)->name, ##__VA_ARGS__)

#endif
