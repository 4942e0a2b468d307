/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hosts of the simulated network that speak SMC: sockets above TCP and SMC, one
 * RDMA device, over memory (all hosts of a world on one fabric) or as RoCE over
 * the same wire as TCP.
 */
#ifndef TESTS_SIM_SIM_SMC_H
#define TESTS_SIM_SIM_SMC_H

#include "pmd/rdma/mem.h"
#include "pmd/rdma/roce.h"
#include "proto/sock/sock.h"
#include "tests/sim/sim.h"

struct sim_smc_conf {
	struct sim_host_conf host;
	struct smc_config smc;                 /* devices and memory are filled in; the rings' is a region more */
	struct mem_fabric *fabric;             /* NULL: RoCE */
	bool no_smc;                           /* sockets without an SMC stack */
	bool no_device;                        /* an SMC stack without a device */
	uint32_t max_socks;
};

struct sim_smc;

/* Host n: 10.0.0.n, EID "SMCGATE-TEST", 16 MiB of ring memory. */
void sim_smc_defaults(struct sim_smc_conf *conf, unsigned n);
/* NULL: sim_error() tells. Ends with sim_destroy(), then sim_smc_free(). */
struct sim_smc *sim_smc_add(struct sim *s, const struct sim_smc_conf *conf);
void sim_smc_free(struct sim_smc *h);
struct sim_host *sim_smc_host(struct sim_smc *h);
struct sock_stack *sim_smc_socks(struct sim_smc *h);
struct smc_stack *sim_smc_stack(struct sim_smc *h);
struct rd_dev *sim_smc_dev(struct sim_smc *h);

#endif
