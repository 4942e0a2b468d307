/* SPDX-License-Identifier: BSD-3-Clause */
/* What the program prints by itself: statistics every --stats-period seconds,
 * and the line a second of services that have one (load). Main lcore. */
#ifndef SMCGATE_REPORT_H
#define SMCGATE_REPORT_H

#include <stdint.h>
#include <stdio.h>

#include "app/smcgate/pipeline/pipeline.h"

struct report {
	struct pipeline *pl;
	FILE *out;
	uint64_t period_us, next_us;  /* statistics; period 0: none */
	uint64_t next_line_us;        /* services */
	struct pipeline_lcore_stats last[CONFIG_MAX_LCORES];
};

/* stats_period in seconds, 0: none. */
void report_init(struct report *r, struct pipeline *pl, unsigned stats_period, FILE *out);
/* Print what is due; returns milliseconds until something is due again, at
 * most 1000. */
unsigned report_poll(struct report *r);

/* One line about a worker between two snapshots, in buf. */
void report_lcore_line(const struct pipeline_lcore_stats *from, const struct pipeline_lcore_stats *to,
		       char *buf, size_t size);

#endif
