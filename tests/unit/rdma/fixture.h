/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two RDMA devices that reach each other, over any provider: what the tests of
 * rd.h and of the providers start from. Requests are ended at once; time
 * passes in lab_step() only.
 */
#ifndef TESTS_RDMA_FIXTURE_H
#define TESTS_RDMA_FIXTURE_H

#include "pmd/rdma/mem.h"
#include "pmd/rdma/rd.h"
#include "tests/unit/test.h"

#define LAB_MEM (256U << 10)
#define LAB_DEPTH 16

struct lab {
	const char *provider;
	struct rd_dev *dev[2];
	struct rd_gid gid[2];
	/* Let both ends do what they can, a little time passes. */
	void (*step)(struct lab *lab);
	void (*close)(struct lab *lab);
	struct mem_fabric *fabric;
	void *wire;              /* of a provider with packets */
};

/* One end of a connection. */
struct lab_end {
	struct rd_dev *dev;
	struct rd_pd *pd;
	struct rd_mr *mr;        /* mem */
	struct rd_qp *qp;
	uint32_t psn;
	uint8_t *mem;            /* LAB_MEM octets: all accesses granted */
};

struct lab_pair {
	struct lab *lab;
	uint8_t mtu, timeout;    /* codes; 0: 3 and 14 */
	bool shared;             /* other pairs use the devices too */
	struct lab_end end[2];
};

void lab_mem(struct lab *lab);
void lab_gid(struct rd_gid *gid, uint32_t ip);

/* Submits, and makes progress until it has ended. Returns its rc. */
int lab_do(struct rd_dev *dev, struct rd_req *req);
/* Steps until there are n completions at end i or tries run out. Returns how many. */
unsigned lab_poll(struct lab *lab, unsigned i, struct rd_wc *wc, unsigned n);
void lab_steps(struct lab *lab, unsigned n);

/* Domains, regions and queue pairs of depth LAB_DEPTH, in INIT. */
void pair_open(struct lab_pair *p, struct lab *lab);
void pair_attr(const struct lab_pair *p, unsigned i, struct rd_qp_attr *attr);
/* End i to RTR, to RTS. */
void pair_rtr(struct lab_pair *p, unsigned i);
void pair_rts(struct lab_pair *p, unsigned i);
/* All of it. */
void pair_connect(struct lab_pair *p, struct lab *lab);
/* Destroys what there is and checks that the devices hold nothing any more. */
void pair_close(struct lab_pair *p);

/* End i posts a receive of len octets at its memory's offset. */
int pair_recv(struct lab_pair *p, unsigned i, uint64_t cookie, uint32_t offset, uint32_t len);
int pair_send(struct lab_pair *p, unsigned i, uint64_t cookie, uint32_t offset, uint32_t len, uint8_t flags);
int pair_write(struct lab_pair *p, unsigned i, uint64_t cookie, uint32_t offset, uint32_t len, uint32_t to,
	       uint8_t flags);

#endif
