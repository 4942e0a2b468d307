/* SPDX-License-Identifier: BSD-3-Clause */
/* What follows EAL's "--" on the command line. */
#ifndef SMCGATE_OPTIONS_H
#define SMCGATE_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

struct options {
	const char *config_file;   /* -c, --config FILE; NULL: not given */
	const char *cmdline_file;  /* --cmdline-file FILE; NULL: not given */
	bool interactive;          /* -i, --interactive */
	bool strict;               /* --strict: the first command of the file that fails ends the program */
	bool check_config;         /* --check-config: read the configuration, say what is wrong, exit; lcores.h */
	unsigned stats_period;     /* --stats-period N, seconds; 0: off */
	bool version, help;        /* print and exit 0; nothing else is checked then */
};

#define OPTIONS_STATS_PERIOD_MAX 86400

/*
 * Parse argv[1..argc) (argv[0] is the program's or EAL's last argument, as
 * rte_eal_init() leaves it). Strings point into argv. At the first fault one
 * line goes to err and -EINVAL is returned; unless version or help is asked
 * for, a configuration file is required.
 */
int options_parse(struct options *o, int argc, char **argv, FILE *err);

/*
 * Whether the part after "--" of the whole command line asks for something
 * that needs no EAL as given: --help, --version or --check-config. Without a "--" the
 * same words are looked for in all of argv, so that `smcgate --help` does
 * what one expects.
 */
bool options_without_eal(struct options *o, int argc, char **argv);

/* Whether a whole command line has behind its "--" what options_parse() refuses, with the line that it says, or has no
 * "--" and asks EAL for no help: not worth starting EAL for. For one that is not options_without_eal(). */
bool options_refused(int argc, char **argv, FILE *err);

void options_usage(FILE *out);

#endif
