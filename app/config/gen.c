/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "app/config/gen.h"

static int
write_schema(const struct cfg_gen *g, FILE *out)
{
	json_t *schema = cfg_gen_schema(g);
	int rc = schema != NULL ? json_dumpf(schema, out, JSON_INDENT(2)) : -1;

	json_decref(schema);
	fputc('\n', out);
	return rc;
}

static int
check(const struct cfg_gen *g, int n, char **files)
{
	int failed = 0;

	for (int i = 0; i < n; i++) {
		struct cfg_errors errs = { 0 };

		if (g->check(files[i], &errs) < 0)
			failed++;
		cfg_errors_print(&errs, g->program, stdout);
		cfg_errors_free(&errs);
	}
	return failed;
}

int
cfg_gen_main(const struct cfg_gen *g, int argc, char **argv)
{
	FILE *out = stdout;
	int rc = 0;

	if (argc >= 3 && strcmp(argv[1], "check") == 0)
		return check(g, argc - 2, argv + 2) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	if (argc < 2 || argc > 3 || (strcmp(argv[1], "schema") != 0 && strcmp(argv[1], "doc") != 0)) {
		fprintf(stderr, "usage: %s schema|doc [FILE] | check FILE...\n", argv[0]);
		return EXIT_FAILURE;
	}
	if (argc == 3)
		out = fopen(argv[2], "w");
	if (out == NULL) {
		perror(argv[2]);
		return EXIT_FAILURE;
	}
	if (strcmp(argv[1], "schema") == 0)
		rc = write_schema(g, out);
	else
		cfg_gen_doc(g, out);
	if (fclose(out) != 0)
		rc = -1;
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
