/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * schema_gen schema|doc [FILE]: make config/smcgate.schema.json or
 * doc/configuration.md from the tables, on standard output or into FILE.
 * schema_gen check FILE...: what smcgate --check-config says, of each FILE.
 */
#include <stdlib.h>
#include <string.h>

#include "app/smcgate/config/config.h"
#include "app/smcgate/config/gen.h"

static int
write_schema(FILE *out)
{
	json_t *schema = gen_schema();
	int rc = schema != NULL ? json_dumpf(schema, out, JSON_INDENT(2)) : -1;

	json_decref(schema);
	fputc('\n', out);
	return rc;
}

static int
check(int n, char **files)
{
	int failed = 0;

	for (int i = 0; i < n; i++) {
		struct cfg_errors errs = { 0 };
		struct config *cfg;

		if (config_load(files[i], &cfg, &errs) < 0)
			failed++;
		cfg_errors_print(&errs, stdout);
		cfg_errors_free(&errs);
		config_free(cfg);
	}
	return failed;
}

int
main(int argc, char **argv)
{
	FILE *out = stdout;
	int rc = 0;

	if (argc >= 3 && strcmp(argv[1], "check") == 0)
		return check(argc - 2, argv + 2) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	if (argc < 2 || argc > 3 || (strcmp(argv[1], "schema") != 0 && strcmp(argv[1], "doc") != 0)) {
		fprintf(stderr, "usage: schema_gen schema|doc [FILE] | check FILE...\n");
		return EXIT_FAILURE;
	}
	if (argc == 3)
		out = fopen(argv[2], "w");
	if (out == NULL) {
		perror(argv[2]);
		return EXIT_FAILURE;
	}
	if (strcmp(argv[1], "schema") == 0)
		rc = write_schema(out);
	else
		gen_doc(out);
	if (fclose(out) != 0)
		rc = -1;
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
