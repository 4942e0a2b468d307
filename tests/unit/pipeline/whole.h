/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole pipelines on three workers, for tests; EAL is started once. */
#ifndef TESTS_PIPELINE_WHOLE_H
#define TESTS_PIPELINE_WHOLE_H

#include "app/smcgate/pipeline/pipeline.h"

struct whole {
	struct config *cfg;
	struct pipeline *pl;
	struct rte_mempool *mp;  /* of frames that tests make */
};
extern struct whole whole;

/* Made and started as the configuration says. */
void whole_up(const char *text);
/* Ended; every buffer is back. */
void whole_down(void);

#endif
