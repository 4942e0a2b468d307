/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A whole port of the driver over the scripted device: probed, configured,
 * started and closed by ethdev's calls, as a program does.
 */
#ifndef TESTS_VIRTIO_PORT_LAB_H
#define TESTS_VIRTIO_PORT_LAB_H

#include <rte_ethdev.h>

#include "pmd/virtio/dev.h"
#include "tests/unit/virtio/scripted.h"

#define PORT_MBUFS 4096

struct port_lab {
	struct scripted *s;
	struct vnic_dev *d;
	struct rte_mempool *mp;
	uint16_t port;
	bool probed;
	/* how to start; port_new() fills in one pair of 256, no offload */
	uint16_t queues, rx_desc, tx_desc;
	uint64_t rx_offloads, tx_offloads;
	bool rss, intr;
	uint16_t room;                       /* of buffers */
	/* events of ethdev, by enum rte_eth_event_type; from the control thread */
	volatile unsigned events[RTE_ETH_EVENT_MAX];
};

/* A scripted device (conf NULL: scripted_conf(1)); the test may change its script before the probe. */
void port_new(struct port_lab *l, const struct vnicd_nic_conf *conf);
/* Make the port with these device arguments (NULL: none): what vnic_ethdev_create() says.
 * stats_ms is 0 unless given, so that commands come only from what the test does. */
int port_probe(struct port_lab *l, const char *args);
/* Configure, set queues up, start: 0, or the first error. */
int port_start(struct port_lab *l);
/* Wait until the driver has asked what queues begin with, so that the next command is the test's. port_start()
 * does, unless the device holds its answers. */
void port_settle(const struct scripted *s, struct vnic_dev *d);
/* All of it, asserting success. */
void port_open(struct port_lab *l, const struct vnicd_nic_conf *conf, const char *args);
/* A device of so many pairs without the hidden features, and of all of them with 16 descriptors: up to
 * the probe, so that the test may say more of it before port_start(); and started. */
void port_probe_pairs(struct port_lab *l, uint16_t pairs, uint64_t hidden, const char *args);
void port_open_pairs(struct port_lab *l, uint16_t pairs, uint64_t hidden, const char *args);
/* With s->ctrl_manual: the next command, within two seconds. */
struct vnicd_ctrl_cmd *port_next_command(struct port_lab *l);
/* Stop and close; asserts that every buffer is back in the pool. */
void port_close(struct port_lab *l);

/* Wait up to two seconds until the event was seen n times. */
bool port_event(const struct port_lab *l, enum rte_eth_event_type event, unsigned n);
/* The value of an xstat; UINT64_MAX: no such. */
uint64_t port_xstat(const struct port_lab *l, const char *name);

/* A frame of len octets that follow from seed, in pieces of piece octets (0: one). */
struct rte_mbuf *port_frame(struct port_lab *l, uint32_t seed, uint32_t len, uint32_t piece);
uint8_t port_octet(uint32_t seed, uint32_t i);
void port_octets(uint32_t seed, uint8_t *b, uint32_t len);
/* Is it that frame? */
bool port_is(const struct rte_mbuf *m, uint32_t seed, uint32_t len);
/* Send one; true: posted. Otherwise it is freed. */
bool port_send(struct port_lab *l, uint16_t queue, struct rte_mbuf *m);
/* Poll once: the packet, or NULL. */
struct rte_mbuf *port_recv(struct port_lab *l, uint16_t queue);
/* A packet each way on a pair: does everything work? */
bool port_works(struct port_lab *l, uint16_t queue);

#endif
