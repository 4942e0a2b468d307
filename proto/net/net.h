/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The network layer of one lcore: Ethernet with at most one VLAN tag, ARP,
 * IPv4 with reassembly, ICMP, routes.
 *
 * A stack is an object without globals: clock, random numbers and packet
 * output are injected. All calls come from the lcore (or test) that owns it.
 * Memory is taken in net_stack_create(); afterwards running out is a counted
 * drop.
 *
 * Packets: an mbuf handed in is owned by the stack, one handed out by the
 * callee. All pools have net_mbuf_priv() room in front of their buffers.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "pmd/base/siphash.h"
#include "pmd/base/wheel.h"
#include "proto/net/addr.h"
#include "proto/net/drop.h"

#define NET_MAX_IFS 16
#define NET_MAX_ADDRS 8    /* per interface */
#define NET_MAX_ROUTES 64
#define NET_NEIGH_QUEUE_MAX 16 /* net_config.neigh_queue at most */
#define NET_L2_MAX 18      /* Ethernet and one tag */

/* What the port can do for us; missing ones are done in software by
 * net_tx_finish() (offload.h), last of all. */
enum net_offload {
	NET_TX_IP_CKSUM = 1 << 0,
	NET_TX_TCP_CKSUM = 1 << 1,
	NET_TX_TSO = 1 << 2,
	NET_TX_MULTI_SEG = 1 << 3,
	NET_TX_VLAN = 1 << 4,
	NET_RX_CKSUM = 1 << 5,
};

struct net_if_addr {
	struct net_addr addr;
	uint8_t prefix_len;
};

/* One interface: a port and optionally a VLAN on it. Read-only for the stack
 * but for mtu, which the owner may change between turns. */
struct net_if {
	uint8_t ifx;             /* own index */
	uint8_t n_addrs;
	uint16_t port;           /* ethdev port, only carried along */
	uint16_t mtu;            /* octets of the largest IP packet */
	uint16_t vlan;           /* 0: untagged */
	uint16_t tso_max;        /* largest TCP payload of a super-segment */
	uint32_t offloads;       /* enum net_offload */
	struct rte_ether_addr mac;
	struct net_if_addr addrs[NET_MAX_ADDRS];
	char name[32];
	bool arp_announce;       /* announce our addresses at start (RFC 5227 2.3) */
	bool arp_probe;          /* and probe for conflicts first (RFC 5227 2.1) */
};

struct net_route {
	struct net_addr prefix, via; /* via.family == NET_UNSPEC: on-link */
	uint8_t prefix_len;
	uint8_t ifx;
};

/* Per-packet notes, in the mbuf's private area from net_input() on. */
struct net_meta {
	uint8_t ifx;
	uint8_t flags;         /* NET_META_* */
	uint8_t l3_off;        /* IP header from the start of data */
	uint8_t l4_off;        /* transport header from the start of data */
	uint16_t l4_len;       /* transport header and payload, by the IP length */
	uint16_t gso_size;     /* payload a piece of a super-segment had; 0: unknown or single */
	uint16_t vlan;
	uint8_t ttl, tos;      /* tos: DSCP << 2 and ECN */
	uint32_t hash;         /* flow hash that chose the lcore */
	/* for the protocol above (TCP: sequence number and length while queued) */
	uint32_t seq, len;
	uint32_t charge;       /* octets accounted for this buffer */
	uint32_t user;
};
enum {
	NET_META_CKSUM_OK = 1 << 0,   /* transport checksum known good, or vouched for by the device */
	NET_META_REASSEMBLED = 1 << 1,
};
static_assert(sizeof(struct net_meta) <= 32, "half a cache line");

#define NET_MBUF_PRIV_SIZE 64     /* private area of every pool used with the stack */

static inline struct net_meta *net_mbuf_meta(struct rte_mbuf *m)
{
	return (struct net_meta *)rte_mbuf_to_priv(m);
}

/* Classes of output for the tx stage: ACKs and other small control first. */
enum net_tx_class { NET_TX_CONTROL, NET_TX_DATA };

enum net_neigh_state {
	NEIGH_NONE, NEIGH_INCOMPLETE, NEIGH_REACHABLE, NEIGH_STALE, NEIGH_DELAY, NEIGH_PROBE, NEIGH_FAILED,
};

struct net_neigh_info {
	struct net_addr addr;
	uint64_t confirmed_us;
	struct rte_ether_addr mac;
	uint8_t ifx;
	uint8_t state;           /* enum net_neigh_state */
	bool permanent;
};

struct net_stack;

/* What the owner provides. ctx is passed back in every call. */
struct net_env {
	void *ctx;
	/* Send a complete frame (checksum and TSO requests in ol_flags, lengths
	 * set). Takes the mbuf, always. */
	void (*tx)(void *ctx, const struct net_if *ifp, struct rte_mbuf *m, enum net_tx_class cls);
	/* Frames the interface takes now before its queue is full. */
	unsigned (*tx_room)(void *ctx, const struct net_if *ifp);
	/* Neighbours have one owner lcore. A replica asks for an address, reports
	 * progress (confirm: traffic comes back) and gets net_neigh_apply(); the
	 * owner publishes every change. NULL: alone. */
	void (*neigh_ask)(void *ctx, uint8_t ifx, const struct net_addr *addr, bool confirm);
	void (*neigh_publish)(void *ctx, const struct net_neigh_info *info);
	/* A replica received an ARP frame (data at the Ethernet header): returns
	 * true if it took the mbuf to the owner, which gives it to its own
	 * net_input() with the same port. NULL, or false: answered here. */
	bool (*arp_to_owner)(void *ctx, struct rte_mbuf *m);
	/* A reassembled datagram or an ICMP error may belong to a flow of another
	 * lcore: returns true if it took the mbuf there. flow_src/dst and ports as
	 * on the wire of the flow's own packets towards us. NULL: all flows are ours. */
	bool (*steer)(void *ctx, struct rte_mbuf *m, const struct net_flow *flow);
	/* A path MTU learnt here, for the other lcores. NULL: alone. */
	void (*pmtu_publish)(void *ctx, const struct net_addr *dst, uint16_t mtu);
	/* Unpredictable octets, from the system; deterministic in tests. */
	void (*random)(void *ctx, void *buf, size_t len);
	/* An address of ours is claimed by another station (RFC 5227 2.4). */
	void (*conflict)(void *ctx, const struct net_if *ifp, const struct net_addr *addr,
			 const struct rte_ether_addr *mac);
};

struct net_config {
	struct net_if ifs[NET_MAX_IFS];
	uint8_t n_ifs;
	struct net_route routes[NET_MAX_ROUTES];
	uint8_t n_routes;
	bool neigh_owner;             /* this lcore owns the neighbour table */
	uint32_t neigh_max;           /* per stack, default 1024 */
	uint32_t neigh_unresolved_max;/* default 256 */
	uint32_t neigh_reachable_ms;  /* default 30000 */
	uint8_t neigh_queue;          /* packets queued while unresolved, default 3 */
	uint8_t ttl;                  /* default 64 */
	uint32_t frag_max;            /* datagrams in reassembly, default 1024 */
	uint32_t frag_timeout_ms;     /* default 30000 */
	uint32_t icmp_rate;           /* ICMP we send, per second, default 1000 */
	bool accept_source_route;     /* default false: dropped */
	int node;                     /* NUMA node, -1: any */
	struct rte_mempool *hdr_pool; /* mbufs with room for headers and small packets (>= 2 KiB data) */
	struct rte_mempool *ind_pool; /* mbufs without data room, to attach payload */
};

struct net_stats {
	uint64_t rx_packets, rx_bytes, rx_arp, rx_ip, rx_icmp, rx_tcp, rx_fragments, rx_reassembled;
	uint64_t tx_packets, tx_bytes, tx_arp, tx_icmp, tx_echo_reply, tx_gso;
	uint64_t arp_requests, arp_conflicts, pmtu_updates;
	uint64_t drop[NET_DROP_MAX];
};

/* A protocol above IP. input() gets whole datagrams, checked by IP, in order
 * of arrival, and owns them. error() gets the flow and the first octets of the
 * transport header that an ICMP error quotes (at least 8); what it refuses it
 * counts as DROP_ICMP_NO_FLOW or DROP_ICMP_QUOTE, otherwise the error counts as
 * consumed. For type 3 code 4 mtu is what the error asks for, within
 * [min(552, interface), below the interface's]; else 0. Nothing is lowered
 * until the protocol, having validated the quoted sequence number (RFC 5927),
 * calls net_pmtu_update(). */
struct net_proto {
	void *ctx;
	void (*input)(void *ctx, struct rte_mbuf **pkts, unsigned n);
	void (*error)(void *ctx, const struct net_flow *flow, uint8_t type, uint8_t code, uint16_t mtu,
		      const uint8_t *l4, unsigned l4_len);
	/* Path MTU to a destination went down (learnt here or elsewhere). */
	void (*pmtu)(void *ctx, const struct net_addr *dst, uint16_t mtu);
	/* A next hop (net_path.neigh of the paths through it) could not be resolved; its queued packets are gone. */
	void (*unreachable)(void *ctx, uint32_t neigh);
	/* The address of a next hop that net_path_ready() had asked for is known. */
	void (*resolved)(void *ctx, uint32_t neigh);
};

int net_stack_create(struct net_stack **out, const struct net_config *conf, const struct net_env *env,
		     struct wheel *wheel, uint64_t now_us);
void net_stack_destroy(struct net_stack *st);
void net_stack_register(struct net_stack *st, uint8_t ip_proto, const struct net_proto *proto);
/* Announce addresses; call once the ports are up. */
void net_stack_start(struct net_stack *st);
/* Announce an interface's addresses again, now and two seconds later (RFC 5227 2.3), whatever
 * arp_announce says: its place in the network has changed. On the lcore that owns the neighbours. */
void net_announce(struct net_stack *st, uint8_t ifx);

/* The clock, in microseconds, same origin on all lcores; set by the owner once
 * a turn, after rx. Everything in proto/ reads net_now(). */
void net_set_now(struct net_stack *st, uint64_t now_us);
uint64_t net_now(const struct net_stack *st);

/* Stage 3: a burst of frames received on one interface's port. vlan is taken
 * from the frame or from RTE_MBUF_F_RX_VLAN_STRIPPED. Calls the protocols'
 * input() with groups, before it returns. What input() gets is cut to the IP
 * length (no padding) and has its headers, up to the largest TCP header, in
 * the first segment. net_meta.hash is m->hash.rss if RTE_MBUF_F_RX_RSS_HASH is
 * set. Checksum flags of the port are believed if offloads has NET_RX_CKSUM. */
void net_input(struct net_stack *st, uint16_t port, struct rte_mbuf **pkts, unsigned n);
/* Datagrams handed over by env.steer() of another lcore (net_meta intact). */
void net_input_steered(struct net_stack *st, struct rte_mbuf **pkts, unsigned n);

struct net_stats *net_stats(struct net_stack *st);
static inline void net_drop_count(struct net_stats *s, enum net_drop why) { s->drop[why]++; }
/* Count under the reason's name and free. */
#define NET_DROP(stats, why, m) do { net_drop_count((stats), DROP_##why); rte_pktmbuf_free(m); } while (0)

const struct net_config *net_conf(const struct net_stack *st);
const struct net_env *net_environment(const struct net_stack *st);
struct net_if *net_if_get(struct net_stack *st, uint8_t ifx);
/* Is the address one of ours (any interface); which interface. -ENOENT. */
int net_local_if(const struct net_stack *st, const struct net_addr *addr);
/* Limited or directed broadcast of the interface, or multicast. */
bool net_is_broadcast(const struct net_stack *st, uint8_t ifx, rte_be32_t v4);

/* ---- sending --------------------------------------------------------- */

/* A resolved way to a destination, kept by its user. net_path_check() tells in
 * a few cycles whether it still holds. */
struct net_path {
	uint8_t ifx;
	uint8_t l2_len;               /* 0: not resolved yet */
	uint16_t mtu;                 /* path MTU: interface's, or lower when learnt */
	uint32_t neigh;               /* neighbour index of the next hop */
	uint32_t gen;                 /* generation of that neighbour when l2 was copied */
	uint8_t l2[NET_L2_MAX + 2];   /* header to put in front */
};

/* Route, source address (when *src is NET_UNSPEC it is chosen) and next hop.
 * -ENETUNREACH: no route. -EHOSTUNREACH: dst is an address of ours, or src none.
 * -EINVAL: broadcast, multicast, loopback, 0.0.0.0. -ENOBUFS: neighbour table
 * or its quota of unresolved entries is full. */
int net_path_open(struct net_stack *st, struct net_path *p, struct net_addr *src, const struct net_addr *dst);
/* Read p->mtu anew from the interface and the path MTU cache; returns it. */
uint16_t net_path_mtu(struct net_stack *st, struct net_path *p, const struct net_addr *dst);
/* A second user of an open path, without looking up the route: closed on its own. */
void net_path_share(struct net_stack *st, struct net_path *p, const struct net_path *from);
/* Every opened path is closed: it pins its next hop's entry. A zeroed path may
 * be closed. */
void net_path_close(struct net_stack *st, struct net_path *p);

/* Send an IP packet (data starts at the IP header; l3_len, l4_len, ol_flags,
 * tso_segsz set; IP and TCP checksum fields hold 0 and the pseudo header sum
 * when the respective RTE_MBUF_F_TX flags ask for them). Resolves, queues
 * while unresolved, prepends the L2 header. Takes the mbuf, always.
 * Returns 0, or -EHOSTUNREACH when the next hop is known to be dead. */
int net_path_send(struct net_stack *st, struct net_path *p, struct rte_mbuf *m, enum net_tx_class cls);
/* Before something is made to be sent: 0; -EAGAIN: the next hop's address is not known, it is asked for and the
 * protocol's resolved() or unreachable() says how that ended; -EHOSTUNREACH: the next hop is known to be dead. */
int net_path_ready(struct net_stack *st, const struct net_path *p);
/* The peer answers: its neighbour entry is alive (RFC 1122 2.3.2.1 advice). */
void net_path_confirm(struct net_stack *st, struct net_path *p);
/* Frames the interface of the path takes now. */
unsigned net_path_room(struct net_stack *st, const struct net_path *p);

/* Answer a UDP datagram of input() that nobody wants (RFC 1122 4.1.3.1) and
 * count it as udp_no_port. Takes the mbuf. */
void net_udp_refuse(struct net_stack *st, struct rte_mbuf *m);

/* ---- neighbours and routes for console and other lcores ---------------- */
void net_neigh_apply(struct net_stack *st, const struct net_neigh_info *info);       /* replica: from the owner */
void net_neigh_asked(struct net_stack *st, uint8_t ifx, const struct net_addr *addr, bool confirm); /* owner */
int net_neigh_static(struct net_stack *st, const struct net_neigh_info *info);       /* -ENOSPC */
unsigned net_neigh_list(const struct net_stack *st, struct net_neigh_info *out, unsigned max, unsigned skip);
/* A validated "fragmentation needed" (RFC 1191): remembered for 10 minutes and
 * told to all protocols and lcores. Below 552 it counts as 552; an increase is
 * ignored. */
void net_pmtu_update(struct net_stack *st, const struct net_addr *dst, uint16_t mtu);
void net_pmtu_apply(struct net_stack *st, const struct net_addr *dst, uint16_t mtu); /* from another lcore */

#endif
