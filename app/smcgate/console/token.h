/* SPDX-License-Identifier: BSD-3-Clause */
/* Tokens of librte_cmdline for the arguments of commands: any word, or the rest
 * of the line, with completion by what there is (ports, lcores, services). What
 * a word means is checked by the command, which can say what is allowed. */
#ifndef CONSOLE_TOKEN_H
#define CONSOLE_TOKEN_H

#include <cmdline_parse.h>
#include <cmdline_parse_string.h>

#include "app/smcgate/console/command.h"

/* What the parser fills: words as they stand. */
struct parsed {
	char word[STR_TOKEN_SIZE];     /* scratch: the command's own words */
	char arg[VIEW_ARGS_MAX][COMMAND_ARG_LEN];
	char rest[COMMAND_REST_LEN];
};
_Static_assert(sizeof(struct parsed) <= CMDLINE_PARSE_RESULT_BUFSIZE, "librte_cmdline's buffer");

struct arg_token {
	struct cmdline_token_hdr hdr;
	struct console *c;
	const struct view_arg *arg;
};

/* The i-th argument of a command. */
void arg_token_init(struct arg_token *t, struct console *c, const struct view_arg *arg, unsigned i);

#endif
