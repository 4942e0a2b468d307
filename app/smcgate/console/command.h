/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands: tables of words, arguments and a function, one table per area
 * (commands_*.c), from which the parse tables of librte_cmdline are made.
 * "show X" comes from the table of views, so that console and telemetry have
 * the same. Main lcore.
 */
#ifndef CONSOLE_COMMAND_H
#define CONSOLE_COMMAND_H

#include <stdio.h>

#include <cmdline.h>
#include <cmdline_parse.h>

#include "app/smcgate/view/view.h"

#define COMMAND_ARG_LEN 128    /* of a word, terminator included */
#define COMMAND_REST_LEN 4096  /* of the rest of a line */

struct console;

/* 0, or a negative errno and err, which is shown as "error: TEXT". What it has
 * to say goes to out. */
typedef int (*command_fn)(struct console *c, unsigned argc, const char *const *argv, FILE *out,
			  struct view_error *err);

/* words: "port start", or "port * ctrl timeout *" with stars where arguments are;
 * those without a star follow. */
struct command {
	const char *words;
	struct view_arg args[VIEW_ARGS_MAX];
	command_fn run;
	const char *help;              /* one line */
};

struct command_section {
	const char *name, *title;
	const struct command *commands; /* ended by NULL words; NULL: the views */
};

/* All sections: NULL name at the end. */
extern const struct command_section command_sections[];
extern const struct command commands_program[], commands_port[], commands_forward[], commands_service[],
	commands_capture[], commands_smc[], commands_queue[], commands_filter[], commands_moderation[];

/* One line the parser knows: a command or a view with one number of arguments. */
struct binding;

struct command_table {
	cmdline_parse_ctx_t *ctx;      /* for cmdline_new() */
	struct binding **bindings;
	unsigned n;
};

/* Make the table of all commands. 0 or -ENOMEM. */
int command_table_make(struct command_table *t, struct console *c);
void command_table_free(struct command_table *t);

/* Say why a line was not understood and what is allowed; rc: cmdline_parse()'s. */
void command_explain(const struct command_table *t, const char *line, int rc, struct view_error *err);

/* "port config mtu N VALUE" of the n-th command or view; buf returned, help in
 * *help, its section in *section. NULL: no more. */
const char *command_usage(unsigned n, char *buf, size_t size, const char **help,
			  const struct command_section **section);

#endif
