/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RDMA inside one process: devices on a common fabric, a WRITE is a memcpy, a
 * SEND a copy into the receive buffer the peer posted. The double for hardware
 * in tests and benchmarks: same states, checks, completions, flushes and errors
 * as a device; no packets, no time. Devices of one fabric may belong to lcores
 * of one thread only, or their users take turns.
 *
 * Work requests move when either side calls rd_poll() or rd_progress(). A SEND
 * without a posted receive waits (receiver not ready) as with infinite RNR retry,
 * and so does what goes to a queue pair still in INIT, to or from a device that
 * is stalled or whose port is down. What goes to one that is in ERR, destroyed,
 * connected elsewhere or on a device that is gone fails: retry count exceeded.
 */
#ifndef RDMA_MEM_H
#define RDMA_MEM_H

#include "pmd/rdma/rd.h"

struct mem_fabric;

struct mem_config {
	char name[32];
	uint8_t mac[6];
	uint8_t mtu;                 /* code reported; moves nothing */
	uint8_t n_gids;
	struct rd_gid gids[RD_MAX_GIDS]; /* unique in the fabric */
	uint32_t max_qps, max_mrs;
	uint32_t qpn_base;           /* first QP number, 1..0xefffff: the first queue pair has it */
};

/* -ENOMEM */
int mem_fabric_create(struct mem_fabric **out);
/* After its devices were closed (rd_close()), which may be in any order. */
void mem_fabric_destroy(struct mem_fabric *f);
/* -EINVAL, -ENOMEM */
int mem_create(struct rd_dev **out, struct mem_fabric *f, const struct mem_config *conf);

/* Faults, for tests: the n-th next request of the kind fails with rc; the
 * device stops moving anything (a hung device); it goes away. */
void mem_fail_request(struct rd_dev *dev, enum rd_req_op op, unsigned n, int rc);
void mem_stall(struct rd_dev *dev, bool on);
void mem_unplug(struct rd_dev *dev);
void mem_port(struct rd_dev *dev, bool up);

#endif
