/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SMC of all workers as console and telemetry see it. Threads, errors and lists
 * as in pipeline.h; every call returns -EPROTONOSUPPORT when SMC is not spoken
 * (see config_smc_on()). Group, link and connection numbers are a worker's own.
 */
#ifndef PIPELINE_SMC_H
#define PIPELINE_SMC_H

#include "app/smcgate/pipeline/pipeline.h"
#include "proto/smc/smc.h"

/* At most max (up to PIPELINE_LIST_MAX) of worker i, from *cursor, 0 at first;
 * how many; 0: end. */
int pipeline_smc_conns(struct pipeline *pl, unsigned i, uint64_t *cursor, struct smc_conn_info *out, unsigned max);
int pipeline_smc_lgrs(struct pipeline *pl, unsigned i, uint64_t *cursor, struct smc_lgr_info *out, unsigned max);
int pipeline_smc_links(struct pipeline *pl, unsigned i, uint64_t *cursor, struct smc_link_info *out, unsigned max);
int pipeline_smc_peers(struct pipeline *pl, unsigned i, uint64_t *cursor, struct smc_peer_info *out, unsigned max);
/* The SMC connection of a socket, by sock_id(). -ENOENT: it has none. */
int pipeline_smc_sock(struct pipeline *pl, unsigned i, uint64_t id, struct smc_conn_info *out);
/* Worker i's share of every device, in the order of the configuration; how many. */
int pipeline_smc_devs(struct pipeline *pl, unsigned i, struct smc_dev_info *out, unsigned max);
int pipeline_smc_stats(struct pipeline *pl, unsigned i, struct smc_stats *out);

/* Changes are made on every worker. */

/* Fills out[SMC_MAX_EIDS]; how many. */
int pipeline_smc_eids(struct pipeline *pl, struct smc_eid *out);
/* -EINVAL: not an EID, -EEXIST, -ENOSPC: SMC_MAX_EIDS there are; -ENOENT. */
int pipeline_smc_eid_add(struct pipeline *pl, const char *text);
int pipeline_smc_eid_del(struct pipeline *pl, const char *text);
/* Fills out[SMC_MAX_POLICIES]; how many. */
int pipeline_smc_policies(struct pipeline *pl, struct smc_policy *out);
/* In front of number at, or at the end when there are not so many. -ENOSPC; -ENOENT. */
int pipeline_smc_policy_add(struct pipeline *pl, const struct smc_policy *p, unsigned at);
int pipeline_smc_policy_del(struct pipeline *pl, unsigned n);
int pipeline_smc_stats_clear(struct pipeline *pl);
/* NET_UNSPEC: all. -ENOENT: no worker knows it. */
int pipeline_smc_peer_forget(struct pipeline *pl, const struct net_addr *addr);
/* Device by its number in the configuration. -ENODEV. */
int pipeline_smc_dev_enable(struct pipeline *pl, unsigned dev, bool on);
/* Group of worker i. -ENOENT. */
int pipeline_smc_lgr_terminate(struct pipeline *pl, unsigned i, uint32_t id);

#endif
