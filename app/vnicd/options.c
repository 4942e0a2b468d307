/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/vnicd/options.h"

#include <errno.h>
#include <string.h>

void
vnicd_options_usage(FILE *out)
{
	fputs("Usage: vnicd [EAL OPTIONS] -- [OPTIONS]\n"
	      "  -c, --config FILE   JSON configuration (doc/vnicd-configuration.md)\n"
	      "      --check-config  only say what is wrong with it; status 0 if nothing is\n"
	      "      --version       print the version and exit\n"
	      "      --help          print this and exit\n",
	      out);
}

/* The file of "-c FILE", "-cFILE", "--config FILE", "--config=FILE"; NULL: another option. */
static const char *
file_of(int argc, char **argv, int *i)
{
	const char *a = argv[*i];

	if (strcmp(a, "-c") == 0 || strcmp(a, "--config") == 0)
		return *i + 1 < argc ? argv[++*i] : "";
	if (strncmp(a, "--config=", 9) == 0)
		return a + 9;
	return strncmp(a, "-c", 2) == 0 ? a + 2 : NULL;
}

static int
take(struct vnicd_options *o, int argc, char **argv, int *i, FILE *err)
{
	const char *a = argv[*i], *file = file_of(argc, argv, i);

	if (file != NULL && file[0] == '\0') {
		fprintf(err, "vnicd: option %s needs a file (see --help)\n", a);
		return -EINVAL;
	}
	if (file != NULL)
		o->config_file = file;
	else if (strcmp(a, "--check-config") == 0)
		o->check_config = true;
	else if (strcmp(a, "--version") == 0)
		o->version = true;
	else if (strcmp(a, "--help") == 0)
		o->help = true;
	else {
		fprintf(err, "vnicd: unexpected argument \"%s\" (see --help)\n", a);
		return -EINVAL;
	}
	return 0;
}

int
vnicd_options_parse(struct vnicd_options *o, int argc, char **argv, FILE *err)
{
	memset(o, 0, sizeof(*o));
	for (int i = 1; i < argc; i++) {
		int rc = take(o, argc, argv, &i, err);

		if (rc < 0)
			return rc;
	}
	if (o->version || o->help)
		return 0;
	if (o->config_file == NULL) {
		fprintf(err, "vnicd: no configuration: give -c FILE after \"--\" (see --help)\n");
		return -EINVAL;
	}
	return 0;
}

bool
vnicd_options_without_eal(struct vnicd_options *o, int argc, char **argv)
{
	int first = 0, rc;
	FILE *quiet;

	for (int i = 1; i < argc && first == 0; i++) {
		if (strcmp(argv[i], "--") == 0)
			first = i;
	}
	quiet = fopen("/dev/null", "w");
	if (quiet == NULL)
		return false;
	rc = vnicd_options_parse(o, argc - first, argv + first, quiet);
	fclose(quiet);
	return rc == 0 && (o->version || o->help || o->check_config);
}
