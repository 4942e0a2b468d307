/* SPDX-License-Identifier: BSD-3-Clause */
/* The views under /smcgate/ in DPDK's telemetry. */
#ifndef SMCGATE_TELEMETRY_H
#define SMCGATE_TELEMETRY_H

#include "app/smcgate/pipeline/pipeline.h"

#define TELEMETRY_PREFIX "/smcgate/"

struct rte_tel_data;
struct capture;

/* Answer with what these have. Commands are registered once a process; without
 * telemetry (--no-telemetry) nothing happens. Main lcore. */
int telemetry_start(struct pipeline *pl, const struct capture *capture);
/* Answer that the program ends; returns when no callback is inside pl any more. */
void telemetry_stop(void);

/* For tests: one request ("port/stats" and "0,from=5", NULL for none) into d. */
int telemetry_answer(const char *cmd, const char *params, struct rte_tel_data *d);

#endif
