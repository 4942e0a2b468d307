/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Buffers of smc_take() that refer to receive memory, one record each, in the
 * order of the ring. Inside the connection part of proto/smc.
 */
#ifndef SMC_TAKES_H
#define SMC_TAKES_H

#include "proto/smc/conn_impl.h"

struct smc_taken {
	struct rte_mbuf_ext_shared_info shinfo;
	struct smc_takes *takes;
	struct smc_conn *conn;
	struct smc_buf *buf;
	struct smc_taken *next;
	uint32_t len;             /* octets of the buffer and those read behind it */
	bool freed;
};

struct smc_takes *smc_takes_new(uint32_t conns_max, int node);
/* The stack goes; the pool with it or with the last buffer. */
void smc_takes_orphan(struct smc_takes *t);

/* A buffer that refers to len <= 65535 octets of the ring at off. NULL: none. */
struct rte_mbuf *smc_take_ref(struct smc_conn *c, uint32_t off, uint32_t len);
/* len octets were read by copying: free to the peer when all taken before are. */
void smc_take_skip(struct smc_conn *c, uint32_t len);

#endif
