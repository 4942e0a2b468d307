/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtio network device: features, configuration space, pairs of rings,
 * packets in and out with the offloads negotiated, the control queue. It knows
 * neither sockets nor other ports: backend.h connects it to a vhost-user front
 * end, app/vnicd/switch.h to other ports, the unit tests to a driver in the
 * same process. One thread per object; telemetry reads copies.
 */
#ifndef VNICD_NIC_H
#define VNICD_NIC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include <rte_ether.h>

#include "app/vnicd/dev/memory.h"
#include "app/vnicd/dev/ring.h"
#include "pmd/base/toeplitz.h"
#include "pmd/virtio/virtio_net.h"

#define VNICD_PAIRS_MAX 64
#define VNICD_RETA_MAX  512
#define VNICD_KEY_LEN   40
#define VNICD_MACS_MAX  64

/* What the device offers. */
struct vnicd_nic_conf {
	uint64_t features;          /* offered; VERSION_1 is added */
	uint16_t pairs, queue_size; /* at most */
	struct rte_ether_addr mac;
	uint16_t mtu;
	uint32_t speed;             /* Mbit/s */
	bool no_inflight;           /* the back end does not offer INFLIGHT_SHMFD */
};

/* A packet: header as the driver wrote it (checked) or as it shall see it,
 * and pieces of payload that start with the Ethernet header. */
struct vnicd_frame {
	struct vnic_net_hdr hdr;    /* host byte order here */
	uint32_t len;               /* octets of the pieces */
	uint16_t n;
	const struct iovec *iov;
	uint32_t hash;              /* with report != 0 */
	uint16_t report;
};

#define VNICD_NIC_DROPS(X) \
	X(TX_SHORT, "tx_shorter_than_headers") \
	X(TX_HEADER, "tx_bad_header") \
	X(TX_LONG, "tx_longer_than_allowed") \
	X(TX_DISABLED, "tx_queue_disabled") /* vhost-user: a ring that is disabled is drained all the same */ \
	X(RX_NO_BUFFER, "rx_no_buffer") \
	X(RX_TOO_SMALL, "rx_buffer_too_small") \
	X(RX_FILTER, "rx_filtered") \
	X(RX_OFFLOAD, "rx_cannot_be_finished") \
	X(RX_DISABLED, "rx_queue_disabled")
enum vnicd_nic_drop {
#define X(id, name) VNICD_NIC_DROP_##id,
	VNICD_NIC_DROPS(X)
#undef X
	VNICD_NIC_DROP_COUNT
};

/* From a device reset to the next: the reset of a queue leaves them. */
struct vnicd_queue_stats {
	uint64_t notifications, packets, bytes, interrupts, drops, overruns, malformed;
	uint64_t csum_valid, csum_needed, csum_none, csum_bad;
	uint64_t gso_packets, gso_bytes, gso_segments, gso_segment_bytes, noseg_packets, noseg_bytes;
	uint64_t disabled;  /* of drops: the queue was disabled, or had no ring */
	uint64_t held_back; /* times that coalescing began to hold a notification back */
};

/* Notification coalescing (1.2, 5.1.6.5.9): either of them 0 means each packet at once. */
struct vnicd_coal {
	uint32_t max_packets, max_usecs;
};

struct vnicd_queue {
	struct vnicd_ring ring;     /* marked: coal is the queue's own, until the ring is reset */
	struct vnicd_coal coal;
	uint32_t untold;            /* packets since the last notification */
	uint64_t untold_us;         /* since when, 0: none is held back */
	bool enabled;
	bool hurry;                 /* tell at the next flush what coalescing holds back */
	bool call_due;              /* used, neither published nor told: vnicd_nic_flush() */
	bool taken;                 /* transmit: chain is out at the caller's */
	struct vnicd_chain chain;
	struct vnicd_queue_stats stats;
};

struct vnicd_scratch; /* nic_private.h */
struct vnicd_ctrl_cmd; /* nic_ctrl.h */

struct vnicd_nic {
	struct vnicd_nic_conf conf;
	struct vnicd_memory memory;
	uint64_t driver_features;
	uint8_t status;
	bool link_up, announce;     /* announce: asked for and not yet acknowledged */
	uint16_t active_pairs;      /* what the driver chose; all where it has no control queue to choose by */
	uint16_t spread;            /* pairs that are ready, as of the last flush */
	uint8_t hdr_len;
	struct vnicd_queue queue[2 * VNICD_PAIRS_MAX + 1]; /* by virtqueue number */
	/* filters and steering, as the control queue set them */
	bool promisc, allmulti, alluni, nomulti, nouni, nobcast;
	struct rte_ether_addr mac, macs[VNICD_MACS_MAX];
	uint16_t n_unicast, n_multicast; /* in macs, unicast first */
	uint64_t vlan[64];
	bool filter_macs;           /* a table was set: until then everything to us and multicast passes */
	bool unicast_overflow, multicast_overflow; /* the table was too long: more passes, never less */
	bool rss;
	uint32_t hash_types;
	uint16_t reta[VNICD_RETA_MAX], reta_mask, unclassified;
	uint8_t key[VNICD_KEY_LEN];
	struct toeplitz toeplitz;   /* of key */
	uint64_t guest_offloads;    /* VIRTIO_NET_F_GUEST_* in force: what may be given without software's help */
	uint64_t dirty[(2 * VNICD_PAIRS_MAX + 64) / 64]; /* bit set: call_due of that queue */
	uint64_t held[(2 * VNICD_PAIRS_MAX + 64) / 64];  /* bit set: a notification is held back */
	struct vnicd_coal coal_rx, coal_tx;
	uint32_t coal_step_us;      /* the owner's: times are rounded up to multiples of it; 0, 1: they are not */
	uint64_t stats_hidden;      /* the owner's: types of statistics that the device does not have */
	uint64_t (*clock_us)(void); /* of coalescing; NULL: CLOCK_MONOTONIC */
	struct vnicd_scratch *scratch;
	struct vnicd_ctrl_cmd *ctrl; /* the command being served; NULL without CTRL_VQ */
	uint64_t drop[VNICD_NIC_DROP_COUNT];
	uint64_t ctrl_ok, ctrl_err;
	void (*call)(struct vnicd_nic *nic, uint16_t vq); /* interrupt the driver */
	void *owner;
};

const char *vnicd_nic_drop_name(enum vnicd_nic_drop drop);

/* -EINVAL: features this device does not know or without what they need, pairs, MTU below 68; -ENOMEM. */
int vnicd_nic_init(struct vnicd_nic *nic, const struct vnicd_nic_conf *conf);
void vnicd_nic_fini(struct vnicd_nic *nic);
/* Device reset: rings stopped, filters and offloads as at the start. */
void vnicd_nic_reset(struct vnicd_nic *nic);

uint64_t vnicd_nic_features(const struct vnicd_nic *nic);
/* -EINVAL: not offered, or without what it needs. */
int vnicd_nic_set_features(struct vnicd_nic *nic, uint64_t features);
/* Copies from the configuration space; -EINVAL beyond its end. */
int vnicd_nic_config(const struct vnicd_nic *nic, uint32_t off, void *buf, uint32_t len);
uint16_t vnicd_nic_queues(const struct vnicd_nic *nic); /* control queue included */
/* The control queue's number as negotiated; 0: none. */
uint16_t vnicd_nic_ctrl_vq(const struct vnicd_nic *nic);
static inline bool vnicd_nic_has(const struct vnicd_nic *nic, unsigned feature)
{
	return (nic->driver_features >> feature) & 1;
}
/* The counters of a queue, notifications included. */
void vnicd_nic_queue_stats(const struct vnicd_nic *nic, uint16_t vq, struct vnicd_queue_stats *out);

/*
 * take ... taken, and reserve ... commit or abort, belong to one turn of the
 * caller's loop: no ring of the queue is stopped or started in between.
 */

/*
 * The next packet that the driver sends on a pair: 1, 0 none, -EPROTO (ring
 * stopped). f->iov lies in the driver's memory, iov is room for it; valid until
 * vnicd_nic_taken(), which gives the chain back. Bad headers are dropped and counted here.
 */
int vnicd_nic_take(struct vnicd_nic *nic, uint16_t pair, struct vnicd_frame *f, struct iovec *iov, unsigned max);
void vnicd_nic_taken(struct vnicd_nic *nic, uint16_t pair);

/*
 * Give a packet to the driver: filters, queue by RSS or as the caller chose
 * (queue < 0: choose), checksum completed and segments cut as far as the driver has not
 * negotiated them, spread over mergeable buffers. Always takes the packet: 0, or
 * a negative errno when it was dropped and counted.
 */
int vnicd_nic_give(struct vnicd_nic *nic, int queue, const struct vnicd_frame *f);
/*
 * Room to read a packet of at most max octets straight into buffers of a
 * receive queue: pieces behind the header of the first one; commit with the
 * packet's header and length (f->iov is not looked at), or abort. One reservation at a time. Returns the
 * number of pieces, -ENOBUFS, -ENOTSUP without mergeable buffers when they are small or when RSS chooses
 * the queue. Commit drops what give() would drop, and segments that would have to be cut.
 */
int vnicd_nic_reserve(struct vnicd_nic *nic, uint16_t queue, uint32_t max, struct iovec *iov, unsigned max_iov);
int vnicd_nic_commit(struct vnicd_nic *nic, uint16_t queue, const struct vnicd_frame *f);
void vnicd_nic_abort(struct vnicd_nic *nic, uint16_t queue);

/*
 * Cut a packet that is to be segmented, and hand each segment, with the checksum partial, to give(): 0; what give()
 * returned when it was negative; -ENOTSUP: it cannot be cut; -ENOSPC: too many pieces. seg: max pieces of one
 * segment, that live as long.
 */
int vnicd_frame_cut(const struct vnicd_frame *f, struct iovec *seg, unsigned max,
		    int (*give)(void *arg, const struct vnicd_frame *f), void *arg);

/* Publish and interrupt where the driver wants it and coalescing allows it, all queues; after each round of work. */
void vnicd_nic_flush(struct vnicd_nic *nic);
/* Microseconds until flush has to be called for a notification that is held back; -1: none is. */
int64_t vnicd_nic_due(const struct vnicd_nic *nic);
/* The driver has to act before there can be more: coalescing holds nothing back from the next flush on, until that
 * has told. True: something is held back, so that there has to be a flush. */
bool vnicd_nic_hurry(struct vnicd_nic *nic, uint16_t vq);
/* The coalescing in force for a queue: its own, or its direction's; of the control queue none. */
struct vnicd_coal vnicd_nic_coal(const struct vnicd_nic *nic, uint16_t vq);
/* Serve the control queue: every command there. */
void vnicd_nic_ctrl(struct vnicd_nic *nic);
void vnicd_nic_set_link(struct vnicd_nic *nic, bool up); /* the caller tells the driver */
/* Ask the driver to announce itself (GUEST_ANNOUNCE); the caller tells it of the change. */
void vnicd_nic_announce(struct vnicd_nic *nic);

#endif
