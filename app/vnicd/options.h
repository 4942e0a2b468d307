/* SPDX-License-Identifier: BSD-3-Clause */
/* What follows EAL's "--" on vnicd's command line. */
#ifndef VNICD_OPTIONS_H
#define VNICD_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

struct vnicd_options {
	const char *config_file; /* -c, --config FILE */
	bool check_config;       /* say what is wrong with it, exit */
	bool version, help;      /* print and exit 0; nothing else is checked then */
};

/* argv[0] is not looked at; strings point into argv. At the first fault one line
 * goes to err and -EINVAL is returned. */
int vnicd_options_parse(struct vnicd_options *o, int argc, char **argv, FILE *err);
/* Does the part after "--" (all of it where there is none) ask for something that needs no EAL? */
bool vnicd_options_without_eal(struct vnicd_options *o, int argc, char **argv);
void vnicd_options_usage(FILE *out);

#endif
