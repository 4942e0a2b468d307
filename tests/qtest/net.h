/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The port under test of qtest_net and of guest_net, and its traffic: each pair of queues has an
 * address of its own, 10.9.0.2 + pair, and sends echoes to the kernel's 10.9.0.1, which
 * answers on the queue that asked. Every echo is counted by its number.
 * Main thread only.
 */
#ifndef TESTS_QTEST_NET_H
#define TESTS_QTEST_NET_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mempool.h>

#include "pmd/base/arena.h"
#include "tests/qtest/qtest.h"

#define NET_PAIRS_MAX 4
#define NET_PATIENCE_MS 30000 /* for what comes: cuts off what hangs, however slow the machine is */
#define NET_MBUFS  2048u
#define NET_VLAN   5
#define NET_THEIR_IP RTE_IPV4(10, 9, 0, 1)
#define NET_OUR_IP   RTE_IPV4(10, 9, 0, 2) /* of pair 0 */

struct vnic_dev;

struct net {
	struct vnic_dev *dev;
	struct rte_mempool *mp;
	uint16_t port;
	uint16_t queues; /* pairs that net_setup() has set up, */
	bool rss;        /* and whether the device spreads by its hash */
	uint64_t tagged; /* frames that came with a tag, VLAN NET_VLAN */
	struct rte_ether_addr ours, theirs;
	struct {
		uint16_t next;            /* number of the next echo */
		unsigned asked, answered; /* since net_count() */
		unsigned late, twice;     /* answers to what was asked before; answers that came again: since ever */
		uint16_t out[UINT16_MAX + 1]; /* round in which it was asked; 0: answered */
	} pair[NET_PAIRS_MAX];
	uint16_t round;               /* of net_count() */
	unsigned strays;              /* answers that came in by a queue that did not ask */
	unsigned arps;                /* answers of ARP */
};
extern struct net net;

/* Ends the line "ok" or "FAILED" for a step, and counts failures. */
void step(bool ok, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
extern unsigned step_failures;

/* port.c: the port of the device found, with buffers from the machine's memory: net.dev, net.port. */
int net_create(struct arena *ram, struct vnic_pci *pci);
/* Configure and start: so many pairs and descriptors, receive offloads, RSS. */
int net_setup(uint16_t queues, uint16_t descriptors, uint64_t rx_offloads, bool rss);

/* Tell the kernel our addresses and learn its own. */
bool net_resolve(void);
/* Tell it the Ethernet address of one more of our addresses, 10.9.0.host. */
void net_claim(uint8_t host, const struct rte_ether_addr *mac);
/* Send count echoes on a pair; those the ring does not take are not counted. */
void net_ask(uint16_t pair, unsigned count);
/* An echo from 10.9.0.host; true when its answer came within ms. */
bool net_echo_from(uint8_t host, unsigned ms);
/* Begin to count echoes anew. */
void net_count(void);
/* Take what has come; true when anything has. */
bool net_poll(void);
/* Until every echo of this pair was answered, or ms are over. */
bool net_answered(uint16_t pair, unsigned ms);
/* count echoes over each pair in turn, of growing size; all have to come back. */
bool net_pings(unsigned count);
/* Is every buffer in its pool or in a ring? Waits a little for the device to send. */
bool net_buffers(void);

/* Send one TCP segment with SYN from our first address; what the kernel answers has gone into *got. */
struct net_answer {
	bool came;
	uint16_t queue;   /* by which it came */
	bool hashed;      /* by the device, which said so: */
	uint32_t hash;
};
bool net_syn(uint16_t pair, uint16_t from_port, uint16_t to_port, unsigned ms, struct net_answer *got);

/* ---- groups of steps, with all pairs that are set up ---------------------------------------- */
/* life.c: the first packets; stopped, started, set up with other numbers of pairs. */
void steps_first(void);
void steps_restart(void);
/* Set up anew with this many pairs, and traffic on each of them. */
bool life_pairs(uint16_t pairs, uint16_t descriptors, bool rss);
/* control.c: commands in parallel, refused ones, what filters and RSS do. */
void steps_control(void);
void steps_rss(void);
/* flows.c: to which queue each of many flows comes, against our hash and table. */
void steps_flows(void);
/* offload.c: checksums of what the kernel sends, switched off and on. */
void steps_offload(void);
/* reset.c: queues stopped, started, reset (so many times) and given other sizes under traffic. */
void steps_reset(unsigned resets);

#endif
