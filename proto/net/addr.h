/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Addresses and flows. An address is family-tagged and 16 octets wide; IPv4 is
 * stored v4-mapped (::ffff:a.b.c.d), so that one comparison serves both
 * families. IPv6 is refused by the configuration until the stack speaks it.
 */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>

enum net_family { NET_UNSPEC = 0, NET_IPV4 = 4, NET_IPV6 = 6 };

struct net_addr {
	union {
		uint8_t b[16];
		uint64_t q[2];
		struct { uint8_t mapped[12]; rte_be32_t v4; };
	};
	uint8_t family;      /* enum net_family */
	uint8_t reserved[7]; /* zero, so that memcmp() compares */
};

/* A transport flow as seen from here: what connection tables are keyed by. */
struct net_flow {
	union {
		struct {
			uint8_t laddr[16], raddr[16]; /* local, remote; v4-mapped */
			rte_be16_t lport, rport;
			uint16_t vlan;                /* 0: untagged */
			uint8_t ifx;                  /* interface index */
			uint8_t family;               /* enum net_family */
		};
		uint64_t q[5];
	};
};
static_assert(sizeof(struct net_flow) == 40, "five words to hash and compare");

static inline struct net_addr net_addr_v4(rte_be32_t v4)
{
	struct net_addr a = { .family = NET_IPV4 };

	a.mapped[10] = 0xff;
	a.mapped[11] = 0xff;
	a.v4 = v4;
	return a;
}

static inline bool net_addr_equal(const struct net_addr *a, const struct net_addr *b)
{
	return a->q[0] == b->q[0] && a->q[1] == b->q[1] && a->family == b->family;
}

static inline rte_be32_t net_flow_laddr4(const struct net_flow *f)
{
	rte_be32_t v4;

	memcpy(&v4, f->laddr + 12, 4);
	return v4;
}

static inline rte_be32_t net_flow_raddr4(const struct net_flow *f)
{
	rte_be32_t v4;

	memcpy(&v4, f->raddr + 12, 4);
	return v4;
}

static inline bool net_flow_equal(const struct net_flow *a, const struct net_flow *b)
{
	return ((a->q[0] ^ b->q[0]) | (a->q[1] ^ b->q[1]) | (a->q[2] ^ b->q[2]) |
		(a->q[3] ^ b->q[3]) | (a->q[4] ^ b->q[4])) == 0;
}

/* Host-order helpers for IPv4. */
static inline bool net_v4_is_multicast(rte_be32_t v4) { return (rte_be_to_cpu_32(v4) >> 28) == 0xe; }
static inline bool net_v4_is_class_e(rte_be32_t v4) { return (rte_be_to_cpu_32(v4) >> 28) == 0xf; }
static inline bool net_v4_is_loopback(rte_be32_t v4) { return (rte_be_to_cpu_32(v4) >> 24) == 127; }
static inline bool net_v4_is_zero_net(rte_be32_t v4) { return (rte_be_to_cpu_32(v4) >> 24) == 0; }

/* "10.0.0.1", "10.0.0.1:80"; buf of NET_ADDR_STRLEN at least. Returns buf. */
#define NET_ADDR_STRLEN 64
char *net_addr_str(const struct net_addr *a, char *buf);
char *net_endpoint_str(const struct net_addr *a, rte_be16_t port, char *buf);

#endif
