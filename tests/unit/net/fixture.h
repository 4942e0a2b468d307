/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A network stack between a virtual clock and recorded output, frames made
 * field by field, and the check that every mbuf came home.
 */
#ifndef TESTS_UNIT_NET_FIXTURE_H
#define TESTS_UNIT_NET_FIXTURE_H

#include <netinet/in.h>

#include <rte_arp.h>
#include <rte_icmp.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "proto/net/net_impl.h"
#include "tests/unit/test.h"

#define FIX_PORT 7
#define FIX_OUT_MAX 256
#define IP(a, b, c, d) RTE_BE32((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define US IP(10, 0, 0, 1)
#define US_VLAN IP(10, 1, 0, 1)
#define PEER IP(10, 0, 0, 2)
#define GATEWAY IP(10, 0, 0, 254)
#define FAR IP(198, 51, 100, 9)

struct fix {
	struct wheel wheel;
	struct net_stack *st;
	struct net_config conf;
	uint64_t now_us;
	/* frames sent, oldest first */
	struct rte_mbuf *out[FIX_OUT_MAX];
	uint8_t out_ifx[FIX_OUT_MAX];
	unsigned n_out;
	/* what the protocol above saw */
	struct rte_mbuf *in[FIX_OUT_MAX];
	unsigned n_in, n_groups;
	struct { struct net_flow flow; uint8_t type, code; uint16_t mtu; uint8_t l4[64]; unsigned l4_len; } err;
	unsigned n_err, n_pmtu, n_unreachable, n_conflict;
	bool refuse_error;
	uint16_t pmtu;
	/* the other lcores */
	struct net_neigh_info published[64];
	unsigned n_published, n_asked, n_confirmed, n_pmtu_published, n_to_owner;
	bool steer_away;
	unsigned n_steered;
	struct net_flow steered;
};

extern struct rte_mempool *fix_hdr_pool, *fix_ind_pool;
extern const struct rte_ether_addr fix_us, fix_peer, fix_other, fix_all;

/* A stack with two interfaces on FIX_PORT: untagged 10.0.0.1/24 with MTU 1500
 * and VLAN 100 10.1.0.1/24, default route by GATEWAY. tweak may change the
 * configuration; alone: without the callbacks to other lcores. */
void fix_init(struct fix *f, void (*tweak)(struct net_config *conf, struct net_env *env));
/* Frees what was recorded, destroys the stack, checks the pools. */
void fix_fini(struct fix *f);
void fix_clear_out(struct fix *f);
void fix_advance(struct fix *f, uint64_t us);
void fix_input(struct fix *f, struct rte_mbuf *m);
uint64_t fix_drop(const struct fix *f, enum net_drop why);
/* Sum of all drop counters. */
uint64_t fix_drops(const struct fix *f);

/* ---- frames ---------------------------------------------------------------- */

struct fix_ip {
	rte_be32_t src, dst;
	uint8_t proto, ttl, tos;
	uint16_t id, frag;            /* frag: host order, with flags */
	uint8_t opt[40], opt_len;
	/* deliberate errors: 0 is none */
	int version, ihl, total;      /* values to put in place of the right ones */
	bool bad_cksum;
	uint16_t vlan, pad;           /* tag in the frame; octets behind the packet */
	const struct rte_ether_addr *mac_dst;
	unsigned split;               /* cut the frame into segments of this size, 0: one */
};

struct rte_mbuf *fix_ip(const struct fix_ip *h, const void *l4, unsigned l4_len);
struct rte_mbuf *fix_arp(uint16_t op, const struct rte_ether_addr *sha, rte_be32_t sip, rte_be32_t tip,
			 const struct rte_ether_addr *eth_dst);
struct rte_mbuf *fix_raw(const void *data, unsigned len, unsigned split);
struct rte_mbuf *fix_split(struct rte_mbuf *m, unsigned size);
struct rte_mbuf *fix_echo(rte_be32_t src, rte_be32_t dst, uint16_t seq, unsigned data_len);
void fix_learn(struct fix *f, const struct rte_ether_addr *mac, rte_be32_t v4);
/* An IP packet as TCP hands it down: header mbuf and payload, data at IP. */
struct rte_mbuf *fix_segment(rte_be32_t src, rte_be32_t dst, unsigned payload);

/* Checksums by arithmetic of their own, octet by octet. */
uint16_t ref_sum(const uint8_t *p, unsigned len, uint32_t start);
bool ref_ip_ok(const uint8_t *ip);
bool ref_l4_ok(const uint8_t *ip);
/* The frame's octets in one piece; returns the length. */
unsigned fix_flat(const struct rte_mbuf *m, uint8_t *buf, unsigned size);

#endif
