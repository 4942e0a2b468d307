/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside proto/net: the stack object and what its files provide to each other.
 * Everything runs on the lcore that owns the stack.
 */
#ifndef NET_IMPL_H
#define NET_IMPL_H

#include <rte_ip.h>

#include "pmd/base/pool.h"
#include "proto/net/net.h"

#define NET_MS 1000ull     /* microseconds */
#define NET_S 1000000ull

/* Octets that lie in the first segment of what a protocol gets: Ethernet with
 * a tag, the largest IPv4 and the largest TCP header. */
#define NET_PULL_LEN (NET_L2_MAX + 60 + 60)
#define NET_GROUP_MAX 64
#define NET_SOURCES_LOG2 6

#define NET_PORT_ANY UINT16_MAX

/* ---- neighbours (neigh.c) --------------------------------------------- */

#define NEIGH_WAIT_MAX 256

struct neigh {
	/* looked at by every packet sent */
	uint32_t gen;              /* != 0; changes whenever a cached header may be wrong or use must be noticed */
	uint8_t ifx;
	uint8_t state;             /* enum net_neigh_state */
	bool permanent;
	bool has_mac;              /* mac may be used: REACHABLE .. PROBE */
	bool awaited;              /* a protocol is to be told of the answer: net_path_ready() */
	uint64_t confirmed_us;     /* last proof that it answers */
	struct rte_ether_addr mac;
	uint8_t tries;             /* requests (replica: questions to the owner) without an answer */
	uint8_t n_queued;
	uint32_t refs;             /* open paths */
	/* rare */
	uint32_t hash_next;        /* index, 0 ends */
	uint64_t changed_us;       /* mac last changed or first learnt */
	uint64_t asked_us;         /* last request, to bound them to one a second */
	struct net_addr addr;
	struct wheel_timer timer;
	struct rte_mbuf *queue[NET_NEIGH_QUEUE_MAX]; /* oldest first; data at the IP header */
	uint8_t cls[NET_NEIGH_QUEUE_MAX];
	uint16_t wait_head, wait_tail; /* behind them, in places all neighbours share: indices, head 0 none */
};

struct neigh_table {
	struct pool pool;
	uint32_t *buckets;         /* heads: indices */
	uint32_t mask;
	uint32_t max, unresolved_max;
	uint32_t unresolved;       /* entries without a usable MAC */
	uint32_t hand;             /* where the search for an entry to evict goes on */
	uint32_t gen;              /* last generation given out; never repeats on an index */
	struct neigh_wait *waits;  /* places that all neighbours share */
	uint16_t wait_free;        /* index of the first that is free, 0 none */
};

/* ---- routes (route.c) -------------------------------------------------- */

struct route {
	uint32_t net, mask;        /* host order */
	rte_be32_t via;            /* 0: on-link */
	uint8_t prefix_len, ifx;
};

#define NET_ROUTES_ALL (NET_MAX_ROUTES + NET_MAX_IFS * NET_MAX_ADDRS)

/* ---- reassembly (reasm.c) ---------------------------------------------- */

struct reasm;

/* ---- rate limits (limit.c) --------------------------------------------- */

struct bucket {
	uint64_t filled_us;
	uint32_t tokens;           /* thousandths */
	uint32_t cap;              /* thousandths; redrawn, so that nobody counts our answers (CVE-2020-25705) */
};

enum icmp_kind { ICMP_ERRORS, ICMP_ECHO_REPLIES, ICMP_KINDS };
#define ICMP_DST_BUCKETS 256

/* ---- the stack ---------------------------------------------------------- */

struct net_group {
	uint16_t n;
	uint8_t proto;
	struct rte_mbuf *pkts[NET_GROUP_MAX];
};

struct arp_announce {
	struct wheel_timer timer;
	uint8_t ifx;
	uint8_t probes, announcements; /* still to send */
};

struct net_stack {
	/* every packet */
	uint64_t now_us;
	struct net_env env;
	const struct net_proto *proto[256]; /* NULL: none */
	struct net_proto proto_copy[256];
	struct net_group group;
	struct net_stats stats;
	struct neigh_table neigh;
	struct net_config conf;
	uint64_t sources[1 << NET_SOURCES_LOG2]; /* addresses packets may come from, with their interface: ip_in.c */
	rte_be32_t broadcast[NET_MAX_IFS][NET_MAX_ADDRS]; /* of each address; all ones: none of its own */

	/* per connection or rarer */
	struct wheel *wheel;
	struct route routes[NET_ROUTES_ALL];
	unsigned n_routes;
	struct siphash_key key;
	uint64_t random_ctr;
	uint16_t ip_id[256];       /* by keyed hash of the destination (RFC 7739 5: never one counter for all) */

	struct reasm *reasm;
	struct pmtu *pmtu;
	struct bucket icmp_all;
	struct bucket icmp_dst[ICMP_KINDS][ICMP_DST_BUCKETS];

	struct arp_announce announce[NET_MAX_IFS];
	uint64_t defended_us[NET_MAX_IFS][NET_MAX_ADDRS]; /* 0: never */
	uint64_t alarmed_us[NET_MAX_IFS][NET_MAX_ADDRS];
};

/* stack.c */
uint64_t net_random64(struct net_stack *st);
uint32_t net_random_below(struct net_stack *st, uint32_t bound);
static inline uint64_t net_hash_addr(const struct net_stack *st, const struct net_addr *a, uint64_t salt)
{
	const uint64_t w[3] = { a->q[0], a->q[1], salt };

	return keyed_mix(&st->key, w, 3);
}
/* Which of the interface's IPv4 addresses; -1: none. */
int net_if_addr_index(const struct net_if *ifp, rte_be32_t v4);
bool net_if_on_link(const struct net_if *ifp, rte_be32_t v4);
/* The interface's address to speak to an on-link v4 with; 0 if it has none. */
rte_be32_t net_if_source(const struct net_if *ifp, rte_be32_t v4);
void net_protos_unreachable(struct net_stack *st, uint32_t neigh);
void net_protos_resolved(struct net_stack *st, uint32_t neigh);

/* Offload flags of from, while those that say where the buffer lies stay to's
 * own: pools with pinned external buffers never lose theirs. */
static inline void net_flags_copy(struct rte_mbuf *to, const struct rte_mbuf *from)
{
	const uint64_t own = RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT;

	to->ol_flags = (to->ol_flags & own) | (from->ol_flags & ~own);
}

/* rte_pktmbuf_copy() 22.11 takes that flag away. */
static inline void net_copy_repair(struct rte_mbuf *copy)
{
	for (struct rte_mbuf *s = copy; s != NULL; s = s->next) {
		if (RTE_MBUF_HAS_PINNED_EXTBUF(s))
			s->ol_flags |= RTE_MBUF_F_EXTERNAL;
	}
}

/* eth.c */
struct rte_mbuf *net_pull_up(struct net_stack *st, struct rte_mbuf *m, uint32_t len);
void net_chain_trim(struct rte_mbuf *m, uint32_t len);
uint8_t net_eth_header(const struct net_if *ifp, const struct rte_ether_addr *dst, uint16_t type, uint8_t *l2);
/* Put l2 in front (in an mbuf of its own when there is no headroom) and send. Takes m. */
void net_eth_send(struct net_stack *st, const struct net_if *ifp, struct rte_mbuf *m, const uint8_t *l2,
		  uint8_t l2_len, enum net_tx_class cls);
void net_group_add(struct net_stack *st, uint8_t proto, struct rte_mbuf *m);
void net_group_flush(struct net_stack *st);

/* arp.c */
void arp_input(struct net_stack *st, struct net_if *ifp, struct rte_mbuf *m, unsigned l3_off);
/* Ask for target; to == NULL: broadcast. -ENOMEM: nothing was sent (counted). */
int arp_request(struct net_stack *st, const struct net_if *ifp, rte_be32_t sender, rte_be32_t target,
		 const struct rte_ether_addr *to);
void arp_start(struct net_stack *st);
void arp_timer(void *ctx, struct wheel_timer *t, uint64_t now_us);

/* neigh.c: the table */
int neigh_table_init(struct net_stack *st);
void neigh_table_fini(struct net_stack *st);
struct neigh *neigh_find(struct net_stack *st, uint8_t ifx, const struct net_addr *addr);
/* Find or make (state NONE); NULL when full. known: the caller has its MAC, so
 * that the quota of unresolved entries does not count. */
struct neigh *neigh_get(struct net_stack *st, uint8_t ifx, const struct net_addr *addr, bool known);
void neigh_delete(struct net_stack *st, struct neigh *n);
static inline struct neigh *neigh_at(const struct net_stack *st, uint32_t idx)
{
	return pool_at(&st->neigh.pool, idx);
}

/* neigh_state.c: what happens to an entry */
void neigh_timer(void *ctx, struct wheel_timer *t, uint64_t now_us);
void neigh_set_state(struct net_stack *st, struct neigh *n, enum net_neigh_state state);
void neigh_set_mac(struct net_stack *st, struct neigh *n, const struct rte_ether_addr *mac);
/* An answer to our question: REACHABLE, queue sent. */
void neigh_answered(struct net_stack *st, struct neigh *n, const struct rte_ether_addr *mac);
/* Told without having asked (request, gratuitous): false when held back by the rate. */
bool neigh_told(struct net_stack *st, struct neigh *n, const struct rte_ether_addr *mac);
void neigh_confirm(struct net_stack *st, struct neigh *n);
/* Start resolving unless under way. */
void neigh_resolve(struct net_stack *st, struct neigh *n);
/* Traffic wants to use the entry: starts what its state asks for. */
void neigh_use(struct net_stack *st, struct neigh *n);
/* neigh_queue.c: packets that wait for n's MAC, data at the IP header. Takes m; what there is no room for is dropped
 * and counted. */
int neigh_enqueue(struct net_stack *st, struct neigh *n, struct rte_mbuf *m, enum net_tx_class cls);
bool neigh_queued(const struct neigh *n);
void neigh_queue_flush(struct net_stack *st, struct neigh *n); /* n has a MAC: send them */
int neigh_wait_init(struct net_stack *st);
void neigh_wait_fini(struct net_stack *st);
void neigh_queue_drop(struct net_stack *st, struct neigh *n, enum net_drop why);
void neigh_publish(struct net_stack *st, const struct neigh *n);

/* route.c */
int route_table_init(struct net_stack *st);
/* Longest prefix; among equals one on prefer_ifx (-1: none). NULL: no route. */
const struct route *route_lookup(const struct net_stack *st, rte_be32_t dst, int prefer_ifx);

/* ip_in.c */
void ip_input(struct net_stack *st, struct net_if *ifp, struct rte_mbuf *m, bool l2_broadcast);
/* How a datagram came, which says what may still belong to another lcore. */
enum ip_arrival {
	IP_DIRECT,      /* whole: the port or our owner chose us, except for ICMP errors */
	IP_REASSEMBLED, /* its fragments were spread without regard to ports */
	IP_STEERED,     /* another lcore says it is ours */
};
/* A datagram whose meta is filled: to its protocol. Takes m. */
void ip_deliver(struct net_stack *st, struct rte_mbuf *m, enum ip_arrival how);
int ip_check_options(const uint8_t *opt, unsigned len, bool accept_source_route, enum net_drop *why);

/* ip_out.c */
/* Send a transport payload of ours (ICMP): header, id, fragments. src
 * NET_UNSPEC: chosen. Takes m. */
int ip_output(struct net_stack *st, struct net_addr src, const struct net_addr *dst, uint8_t proto,
	      struct rte_mbuf *m);

/* reasm.c */
int reasm_init(struct net_stack *st);
void reasm_fini(struct net_stack *st);
/* Takes m; returns the whole datagram, meta updated, or NULL. */
struct rte_mbuf *reasm_input(struct net_stack *st, struct rte_mbuf *m);
void reasm_timer(void *ctx, struct wheel_timer *t, uint64_t now_us);
unsigned reasm_pending(const struct net_stack *st);

/* cksum.c: ones' complement sum over a chain, not inverted; -1 when it is
 * shorter. Up to 64 KiB segments. */
int net_raw_cksum_chain(const struct rte_mbuf *m, uint32_t off, uint32_t len, uint16_t *sum);

/* icmp.c, icmp_out.c */
void icmp_input(struct net_stack *st, struct rte_mbuf *m, bool may_steer);
void icmp_echo_reply(struct net_stack *st, struct rte_mbuf *m);
/* Destination unreachable about m, which stays the caller's (RFC 1122 3.2.2.1). */
#define ICMP_CODE_PROTOCOL 2
#define ICMP_CODE_PORT 3
void icmp_unreachable(struct net_stack *st, struct rte_mbuf *m, uint8_t code);

/* limit.c */
void bucket_init(struct bucket *b, uint64_t now_us, uint32_t burst);
bool bucket_take(struct net_stack *st, struct bucket *b, uint32_t rate, uint32_t burst);
bool icmp_allowed(struct net_stack *st, const struct net_addr *dst, enum icmp_kind kind);

/* pmtu.c */
int pmtu_init(struct net_stack *st);
void pmtu_fini(struct net_stack *st);
/* Path MTU to dst, at most limit. */
uint16_t pmtu_lookup(const struct net_stack *st, const struct net_addr *dst, uint16_t limit);
/* Next plateau of RFC 1191 below len. */
uint16_t pmtu_plateau(uint16_t len);
#define PMTU_FLOOR 552

#endif
