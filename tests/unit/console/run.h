/* SPDX-License-Identifier: BSD-3-Clause */
/* A console over the fake pipeline, and a line run on it. */
#ifndef TESTS_CONSOLE_RUN_H
#define TESTS_CONSOLE_RUN_H

#include "app/smcgate/console/console.h"
#include "tests/unit/console/fake.h"

struct rig {
	char dir[64];            /* of the socket and of captures */
	char socket[96];
	struct options opts;
	struct pipeline *pl;
	struct console *c;
	char *text;              /* output of the last run */
	int rc;
};

void rig_up(struct rig *r);
void rig_down(struct rig *r);
/* Run a line; r->text and r->rc say what came. */
void rig_run(struct rig *r, const char *line);

/* A row of a table: a line, what the pipelines answer (0: what they can), what was asked of them by it
 * ("": nothing), parts of the output. Where the first begins with "error: ", it has to fail. */
struct rig_line {
	const char *line;
	int rc;
	const char *did;
	const char *says[5];
};
/* All on one console; no_smc: over pipelines without SMC. */
void rig_lines(const struct rig_line *lines, size_t n, bool no_smc);

#endif
