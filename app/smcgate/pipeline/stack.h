/* SPDX-License-Identifier: BSD-3-Clause */
/* The stack of one worker: made from the configuration, joined to the
 * pipeline by its environment (output, steering, neighbours). */
#ifndef PIPELINE_STACK_H
#define PIPELINE_STACK_H

#include "app/smcgate/pipeline/lcore.h"

struct exchange_msg;

/* Main lcore, before the worker runs. Logs what is wrong. 0 or a negative errno. */
int stack_create(struct lcore *lc);
void stack_destroy(struct lcore *lc);

/* Worker. Frames received on one port (ethdev's number), and datagrams handed over. */
void stack_input(struct lcore *lc, uint16_t port_id, struct rte_mbuf **pkts, unsigned n);
void stack_input_steered(struct lcore *lc, struct rte_mbuf **pkts, unsigned n);
/* A message of another worker. */
void stack_message(struct lcore *lc, const struct exchange_msg *msg);

/* The same out of a worker's own store, refilled now and then; ctx: the worker. */
void stack_random_cached(void *ctx, void *buf, size_t len);
/* Octets from the system's random source, for set-up and for the stack. */
void stack_random(void *ctx, void *buf, size_t len);

#endif
