/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames that wait for a port, fair between flows: deficit round robin over
 * hashed flows, those that have just begun to send first, so that a short
 * answer does not wait behind somebody's bulk. One owner lcore.
 */
#ifndef PIPELINE_FQ_H
#define PIPELINE_FQ_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#define FQ_MAX     512  /* frames */
#define FQ_FLOWS   256  /* buckets: a power of two */
#define FQ_QUANTUM 4542 /* octets a turn: three full frames */

#define FQ_NONE 0xffff

struct fq_flow {
	uint16_t head, tail;  /* frames; FQ_NONE: empty */
	uint16_t next;        /* in its list */
	bool listed;
	int32_t deficit;
};

struct fq_list {
	uint16_t head, tail;
};

struct fq {
	uint16_t n;
	uint16_t free;
	struct fq_list fresh, old; /* flows that began; flows that go on */
	struct fq_flow flow[FQ_FLOWS];
	uint16_t next[FQ_MAX];
	struct rte_mbuf *frame[FQ_MAX];
};

void fq_init(struct fq *q);
/* False: full, the frame stays the caller's. */
bool fq_add(struct fq *q, uint32_t flow, struct rte_mbuf *m);
/* The next frame in turn, taken out; NULL: empty. */
struct rte_mbuf *fq_take(struct fq *q);
/* A number of the flow a frame belongs to, by its IPv4 addresses and ports;
 * 0 for what has none. */
uint32_t fq_flow_of(const struct rte_mbuf *m);

#endif
