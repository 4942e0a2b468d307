/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_CMDLINE_FILE = 256, OPT_STRICT, OPT_CHECK_CONFIG, OPT_STATS_PERIOD, OPT_VERSION, OPT_HELP };

static const char short_options[] = "+:c:i";
static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "interactive", no_argument, NULL, 'i' },
	{ "cmdline-file", required_argument, NULL, OPT_CMDLINE_FILE },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ "check-config", no_argument, NULL, OPT_CHECK_CONFIG },
	{ "stats-period", required_argument, NULL, OPT_STATS_PERIOD },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

void
options_usage(FILE *out)
{
	fputs("Usage: smcgate [EAL OPTIONS] -- [OPTIONS]\n"
	      "  -c, --config FILE      JSON configuration (doc/configuration.md)\n"
	      "  -i, --interactive      console on standard input\n"
	      "      --cmdline-file FILE  run the console commands in FILE at the start\n"
	      "      --strict           end with an error at the first command of that file that fails\n"
	      "      --check-config     only say what is wrong with the configuration; status 0 if nothing "
	      "is;\n"
	      "                         with EAL OPTIONS, also whether EAL has the lcores it names\n"
	      "      --stats-period N   print statistics every N seconds (1..86400)\n"
	      "      --version          print the version and exit\n"
	      "      --help             print this and exit\n",
	      out);
}

static int
parse_period(const char *s, unsigned *out, FILE *err)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(s, &end, 10);
	if (s[0] < '0' || s[0] > '9' || *end != '\0' || errno != 0 || v < 1 || v > OPTIONS_STATS_PERIOD_MAX) {
		fprintf(err, "smcgate: --stats-period: found \"%s\", allowed: 1 to %d seconds\n", s,
			OPTIONS_STATS_PERIOD_MAX);
		return -EINVAL;
	}
	*out = v;
	return 0;
}

/* getopt's own trouble: ':' an argument is missing, '?' the option is unknown
 * (optopt 0: a long one), ambiguous, or has an argument it does not take. */
static int
tell_getopt(int c, char **argv, FILE *err)
{
	const char *arg = argv[optind - 1];

	if (c == ':')
		fprintf(err, "smcgate: option %s needs an argument (see --help)\n", arg);
	else if (optopt >= OPT_CMDLINE_FILE || optopt == 'i')
		fprintf(err, "smcgate: option %s takes no argument (see --help)\n", arg);
	else if (optopt != 0)
		fprintf(err, "smcgate: unknown option -%c (see --help)\n", optopt);
	else
		fprintf(err, "smcgate: unknown or ambiguous option %s (see --help)\n", arg);
	return -EINVAL;
}

static int
set_option(struct options *o, int c, char **argv, FILE *err)
{
	switch (c) {
	case 'c':
		o->config_file = optarg;
		return 0;
	case 'i':
		o->interactive = true;
		return 0;
	case OPT_CMDLINE_FILE:
		o->cmdline_file = optarg;
		return 0;
	case OPT_STRICT:
		o->strict = true;
		return 0;
	case OPT_CHECK_CONFIG:
		o->check_config = true;
		return 0;
	case OPT_STATS_PERIOD:
		return parse_period(optarg, &o->stats_period, err);
	case OPT_VERSION:
		o->version = true;
		return 0;
	case OPT_HELP:
		o->help = true;
		return 0;
	default:
		return tell_getopt(c, argv, err);
	}
}

int
options_parse(struct options *o, int argc, char **argv, FILE *err)
{
	int c, rc;

	memset(o, 0, sizeof(*o));
	/* 0, not 1: EAL has used getopt before, and glibc keeps a position of
	 * its own inside a word. */
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
		rc = set_option(o, c, argv, err);
		if (rc < 0)
			return rc;
	}
	if (o->version || o->help)
		return 0;
	if (optind < argc) {
		fprintf(err, "smcgate: unexpected argument \"%s\" (see --help)\n", argv[optind]);
		return -EINVAL;
	}
	if (o->config_file == NULL) {
		fprintf(err, "smcgate: no configuration: give -c FILE after \"--\" (see --help)\n");
		return -EINVAL;
	}
	if (o->strict && o->cmdline_file == NULL) {
		fprintf(err, "smcgate: --strict needs --cmdline-file\n");
		return -EINVAL;
	}
	return 0;
}

/* Where "--" is; 0: nowhere. */
static int
separator(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0)
			return i;
	}
	return 0;
}

/* Before EAL parses with the same getopt, which is left no half-read word. */
static int
parse_early(struct options *o, int argc, char **argv, FILE *err)
{
	int first = separator(argc, argv);
	int rc = options_parse(o, argc - first, argv + first, err);

	optind = 0;
	getopt_long(1, argv, short_options, long_options, NULL);
	return rc;
}

bool
options_refused(int argc, char **argv, FILE *err)
{
	struct options o;

	if (separator(argc, argv) != 0)
		return parse_early(&o, argc, argv, err) < 0;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
			return false; /* EAL's */
	}
	fprintf(err, "smcgate: no configuration: give -c FILE after \"--\" (see --help)\n");
	return true;
}

bool
options_without_eal(struct options *o, int argc, char **argv)
{
	FILE *quiet = fopen("/dev/null", "w");
	int rc;

	if (quiet == NULL)
		return false;
	rc = parse_early(o, argc, argv, quiet);
	fclose(quiet);
	return rc == 0 && (o->version || o->help || o->check_config);
}
