/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The switch's table of addresses (IEEE 802.1Q, 8.8): which port a MAC address
 * was last seen on. Of fixed size: eight entries a bucket, the oldest gives
 * way. The hash is keyed, so that nobody can aim at a bucket. One thread.
 */
#ifndef VNICD_TABLE_H
#define VNICD_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#define VNICD_TABLE_WAYS 8
#define VNICD_TABLE_NONE 0xffffu

struct vnicd_table_entry {
	uint64_t key;    /* address << 16 | VLAN; 0: free */
	uint32_t seen;   /* seconds */
	uint16_t port;
	uint16_t spare;
};

struct vnicd_table_stats {
	uint64_t learned, moved, replaced; /* replaced: an address gave way to a new one */
};

struct vnicd_table {
	struct vnicd_table_entry *entry;
	uint32_t buckets; /* a power of two */
	uint32_t ageing_s;
	uint64_t key[2];
	struct vnicd_table_stats stats;
};

/* size: entries, a power of two, at least 16. -ENOMEM. */
int vnicd_table_init(struct vnicd_table *t, uint32_t size, uint32_t ageing_s);
void vnicd_table_fini(struct vnicd_table *t);

/* The address is on this port. vlan 0: without one. now: seconds. */
void vnicd_table_learn(struct vnicd_table *t, const struct rte_ether_addr *mac, uint16_t vlan, uint16_t port,
		       uint32_t now);
/* Its port, or VNICD_TABLE_NONE when it is unknown or too old. */
uint16_t vnicd_table_find(const struct vnicd_table *t, const struct rte_ether_addr *mac, uint16_t vlan,
			  uint32_t now);
/* Forget what is on a port: it has no link any more. */
void vnicd_table_forget(struct vnicd_table *t, uint16_t port);

/* The entries, for a look: those that are free or too old are left out. at
 * starts with 0; false at the end. */
bool vnicd_table_next(const struct vnicd_table *t, uint32_t now, uint32_t *at, struct vnicd_table_entry *out);
void vnicd_table_mac(const struct vnicd_table_entry *e, struct rte_ether_addr *mac, uint16_t *vlan);

#endif
