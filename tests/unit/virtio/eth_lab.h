/* SPDX-License-Identifier: BSD-3-Clause */
/* A port of the driver on the scripted device, as a program sees it: made,
 * configured, fed, closed; with a count of every buffer at the end. */
#ifndef TESTS_VIRTIO_ETH_LAB_H
#define TESTS_VIRTIO_ETH_LAB_H

#include "pmd/virtio/ethdev_private.h"
#include "tests/unit/test.h"
#include "tests/unit/virtio/scripted.h"

#define NF(f) VIRTIO_BIT(VIRTIO_NET_F_##f)
#define RF(f) VIRTIO_BIT(VIRTIO_F_##f)

struct eth_lab {
	struct scripted *s;
	struct rte_eth_dev *eth;
	struct vnic_dev *d;
	struct rte_mempool *mp;
	uint16_t port, queues;
	unsigned events[RTE_ETH_EVENT_MAX];
};

/* Before eth_lab_probe(): the script may be changed in between. */
void eth_lab_create(struct eth_lab *lab, uint16_t pairs, const char *devargs);
int eth_lab_probe(struct eth_lab *lab);
/* Configure queues pairs and set them up with rings of nb_desc. */
int eth_lab_configure(struct eth_lab *lab, uint16_t queues, uint16_t nb_desc, const struct rte_eth_conf *conf);
/* All three, and the port started; fatal when one fails. */
void eth_lab_run(struct eth_lab *lab, uint16_t queues, const char *devargs);
/* Close the port if there is one, check that every buffer is back, free all. */
void eth_lab_end(struct eth_lab *lab);

/* n packets there and back on a pair; true when all arrived as they were. */
bool eth_lab_traffic(struct eth_lab *lab, uint16_t pair, unsigned n);
/* Wait until the control thread has brought the port to this link state, at most 5 s. */
bool eth_lab_link(struct eth_lab *lab, bool up);

#endif
