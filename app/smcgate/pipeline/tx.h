/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stage 9: the frames one worker sends on one port. Control frames (ACKs) go
 * first, then data in the order it came; super-segments are cut and checksums
 * filled in here, last of all, when the device does not; what the port does
 * not take stays in a bounded queue and is reported to TCP as lack of room.
 *
 * A worker without a transmit queue of its own hands its finished frames to
 * the worker that has one. Everything here runs on the owning worker.
 */
#ifndef PIPELINE_TX_H
#define PIPELINE_TX_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "app/smcgate/pipeline/bql.h"
#include "app/smcgate/pipeline/fq.h"
#include "pmd/virtio/vnic.h"
#include "proto/net/net.h"
#include "proto/net/offload.h"

#define TX_CONTROL_MAX 512      /* control frames queued */
#define TX_DATA_MAX 512         /* data frames and super-segments queued */
#define TX_DATA_BYTES (512U << 10) /* octets of them: beyond it TCP is told that there is no room */
#define TX_BURST 256            /* frames offered to the port at once */
#define TX_BURST_COPIED 32      /* of a port that copies them */
#define TX_COPIED_TOGETHER 4    /* which it does best with so many */
#define TX_OUT_MAX (TX_BURST + NET_GSO_MAX_FRAMES + TX_CONTROL_MAX)
#define TX_STUCK_US 200000      /* a port that takes nothing for so long loses its queue */

struct lcore;

struct tx_port {
	uint16_t id, queue;       /* ethdev's */
	int16_t via;              /* worker that sends for us; -1: we do */
	uint8_t port;             /* index */
	bool on;                  /* frames for a port that is off are dropped */
	bool prepare;             /* rte_eth_tx_prepare() is due */
	bool copies;              /* frames are free again when the port has taken them */
	bool stuck;               /* the last burst was not taken whole */
	bool halted;              /* the queue is stopped: frames wait, for TX_STUCK_US at most */
	uint32_t offloads;        /* enum net_offload */
	uint16_t n_control, n_data, n_out, n_out_control;
	uint32_t bytes;           /* of data[] */
	uint64_t stuck_us;        /* when it last took something */
	/* NULL: the driver does not tell, data waits in data[] and in order */
	int (*progress)(uint16_t port, uint16_t queue, bool reclaim, struct vnic_tx_progress *out);
	struct fq *fq;            /* data, when progress is there */
	struct bql bql;
	uint64_t lost;            /* packets that resets of the queue gave up */
	struct rte_mbuf *control[TX_CONTROL_MAX];
	struct rte_mbuf *data[TX_DATA_MAX];
	struct rte_mbuf *out[TX_OUT_MAX]; /* finished: control first */
};

/* Have a byte limit and fairness, by what progress() tells. -ENOMEM. */
int tx_limit(struct tx_port *tp, int (*progress)(uint16_t, uint16_t, bool, struct vnic_tx_progress *),
	     uint64_t now_us, int node);
void tx_fini(struct tx_port *tp);
/* Queue a frame; takes it, always. */
void tx_enqueue(struct lcore *lc, struct tx_port *tp, struct rte_mbuf *m, enum net_tx_class cls);
/* Frames the port takes now. */
unsigned tx_room(const struct tx_port *tp);
/* Send what is queued; returns frames handed to the port (or to another worker). */
unsigned tx_flush(struct lcore *lc, struct tx_port *tp);
/* All ports. */
unsigned tx_flush_all(struct lcore *lc);
/* A port did not take everything. */
bool tx_backlog(const struct lcore *lc);
/* Drop what is queued, under the reason given (enum pipeline_drop). */
void tx_purge(struct lcore *lc, struct tx_port *tp, unsigned why);

#endif
