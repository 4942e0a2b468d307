/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Software RoCE v2 over IPv4: the Reliable Connection service of the InfiniBand
 * architecture (volume 1, 9.7) in UDP (annex A17), packets in and packets out.
 * One object per lcore and port; it makes no ethdev call and reads no clock.
 * Provider of rd.h: the device is &roce->rd of what roce_create() returns, see
 * roce_rd().
 *
 * Order of a turn: roce_input() (requests are executed, acknowledgements noted),
 * wheel_advance(), rd_poll() and whatever it leads to, roce_output() (one
 * cumulative acknowledgement per queue pair first, then requests, round robin).
 *
 * Queue pair numbers carry the lcore: 24 bits = lcore (7) | generation and index,
 * so a packet that arrived elsewhere finds its way by roce_qpn_lcore() alone.
 * Numbers 0, 1 and 0xffffff are never given out, one that was freed not soon again.
 */
#ifndef RDMA_ROCE_H
#define RDMA_ROCE_H

#include <rte_mbuf.h>

#include "pmd/base/wheel.h"
#include "pmd/rdma/rd.h"

#define ROCE_UDP_PORT 4791
#define ROCE_LCORE_SHIFT 17
#define ROCE_MAX_LCORES 127      /* lcore 127 would reach 0xffffff */

struct roce;

struct roce_env {
	void *ctx;
	/* Send an IP packet (data at the IPv4 header, all checksums made, no
	 * offload asked for) on the way rd_qp_attr.path. Takes the mbuf, always. */
	void (*tx)(void *ctx, void *path, struct rte_mbuf *m);
	/* Packets that way takes now. */
	unsigned (*room)(void *ctx, void *path);
	/* Unpredictable octets: PSNs are the user's, keys are made here. */
	void (*random)(void *ctx, void *buf, size_t len);
};

struct roce_config {
	char name[32];
	uint8_t lcore;               /* index, into the QP numbers; below ROCE_MAX_LCORES */
	uint8_t mac[6];              /* the port's, for rd_query() */
	uint16_t vlan;
	uint32_t ip_mtu;             /* of the port: gives the largest MTU code */
	uint8_t n_gids;
	struct rd_gid gids[RD_MAX_GIDS];
	uint32_t max_qps, max_mrs;   /* below 2^14, at most 2^20 */
	uint16_t cq_depth;           /* 0: grows with the queue pairs made, which is what is wanted */
	uint16_t window;             /* packets unacknowledged per queue pair at most, power of two; 0: 128 */
	uint16_t tx_burst;           /* packets of one queue pair in a row; 0: 32 */
	uint32_t rto_min_us;         /* floor of the retransmission time; 0: 1000 */
	int node;                    /* NUMA node, -1: any */
	struct rte_mempool *pool;    /* buffers of packets; longer ones become chains */
};

/* Memory for all of max_qps and max_mrs is address space only until used.
 * The wheel outlives it; kind WHEEL_ROCE is registered. -EINVAL, -ENOMEM. */
int roce_create(struct roce **out, const struct roce_config *conf, const struct roce_env *env, struct wheel *wheel);
struct rd_dev *roce_rd(struct roce *r);

/*
 * Whole IPv4 packets to UDP port 4791 of one of our addresses: data at the IPv4
 * header, cut to the IP length, IP header checked (version, length, checksum,
 * address ours), first 20 + 8 + 12 octets contiguous; chains allowed. Takes all,
 * and writes over the headers, eight octets in front of them included, of those
 * that nobody else holds.
 * What is wrong with one is a counter; nothing of the sender's is believed
 * before the ICRC.
 */
void roce_input(struct roce *r, uint64_t now_us, struct rte_mbuf **pkts, unsigned n);
/* Sends what may be sent, while env.room() says so, at most budget packets.
 * Returns how many. */
unsigned roce_output(struct roce *r, uint64_t now_us, unsigned budget);

/* The port went up or down, its MTU or addresses changed: events to rd_event_poll(). */
void roce_port(struct roce *r, bool up);
/* The port's MTU is another one; links made from now on go by it. -EINVAL: too small
 * for the smallest packets, nothing changes. */
int roce_mtu(struct roce *r, uint32_t ip_mtu);
void roce_gid_gone(struct roce *r, const struct rd_gid *gid);

static inline unsigned roce_qpn_lcore(uint32_t qpn)
{
	return qpn >> ROCE_LCORE_SHIFT & 0x7f;
}

/* Destination QP number of a packet, from the octets behind the UDP header (at
 * least 12), so that the lcore is known before anything is checked. */
static inline uint32_t roce_dest_qpn(const uint8_t *bth)
{
	return (uint32_t)bth[5] << 16 | (uint32_t)bth[6] << 8 | bth[7];
}

/* UDP source port both ends use for a pair of queue pairs (Linux's rule). */
uint16_t roce_udp_sport(uint32_t local_qpn, uint32_t remote_qpn);

#endif
