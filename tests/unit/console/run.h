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

#endif
