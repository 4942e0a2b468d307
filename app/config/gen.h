/* SPDX-License-Identifier: BSD-3-Clause */
/* What a program's tables are made into: a JSON schema and a chapter of
 * documentation. For the build's own tools and the tests. */
#ifndef CONFIG_GEN_H
#define CONFIG_GEN_H

#include <stdio.h>

#include "app/config/field.h"

struct cfg_gen {
	const char *program;            /* in front of messages */
	const struct cfg_field *fields; /* of the whole file */
	const char *title, *comment;    /* of the schema */
	const char *head;               /* of the documentation: all before the first table */
	/* What the program's --check-config does: 0 or a negative errno, errs filled. */
	int (*check)(const char *file, struct cfg_errors *errs);
};

/* The JSON Schema of the whole file; the caller's reference. NULL: no memory. */
json_t *cfg_gen_schema(const struct cfg_gen *g);

void cfg_gen_doc(const struct cfg_gen *g, FILE *out);

/*
 * main() of a tool:
 *   schema|doc [FILE]  make the one or the other, on standard output or into FILE;
 *   check FILE...      what the program's --check-config says, of each FILE.
 * Returns the exit status.
 */
int cfg_gen_main(const struct cfg_gen *g, int argc, char **argv);

#endif
