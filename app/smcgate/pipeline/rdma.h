/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RDMA and SMC in the pipeline: one software RoCE engine for each worker and
 * device of the configuration, joined to the worker's network stack, and the
 * configuration of the worker's SMC. Without devices nothing of this is made.
 */
#ifndef PIPELINE_RDMA_H
#define PIPELINE_RDMA_H

#include "app/smcgate/pipeline/lcore.h"
#include "proto/smc/smc.h"

/* Main lcore, before the worker runs; after its network stack was made. */
int rdma_create(struct lcore *lc);
/* After its sockets and SMC were destroyed. */
void rdma_destroy(struct lcore *lc);
/* The worker's SMC, from the configuration; after rdma_create(). */
void smc_fill(struct lcore *lc, struct smc_config *sc);

/* Worker. Packets its queue pairs may send now; how many. */
unsigned rdma_output(struct lcore *lc);
/* Worker: something could be done at once. */
bool rdma_busy(const struct lcore *lc);
/* Worker: ports it may use, one bit each, as lcore_set_ports() has it. */
void rdma_ports(struct lcore *lc, uint32_t on);

/* Worker: the MTU of a port is another one. */
void rdma_mtu(struct lcore *lc, unsigned port, uint16_t mtu);

/* Main lcore: delete all link groups of all workers. Returns how many objects of
 * SMC there still are, to be asked again. */
uint32_t smc_stop(struct pipeline *pl);

#endif
