/* SPDX-License-Identifier: BSD-3-Clause */
/* help, quit, load, log levels. */
#include <errno.h>
#include <string.h>

#include "app/smcgate/console/console_impl.h"
#include "pmd/base/log.h"

static int run_help(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		    struct view_error *err)
{
	const struct command_section *section, *last = NULL;
	const char *help;
	char usage[160];

	for (unsigned n = 0; command_usage(n, usage, sizeof(usage), &help, &section) != NULL; n++) {
		if (argc > 0 && strcmp(argv[0], section->name) != 0)
			continue;
		if (section != last)
			fprintf(out, "%s%s (help %s)\n", last != NULL ? "\n" : "", section->title,
				section->name);
		last = section;
		fprintf(out, "  %-48s %s\n", usage, help);
	}
	return 0;
}

static int run_quit(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		    struct view_error *err)
{
	console_quit(c);
	return 0;
}

static int run_load(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		    struct view_error *err)
{
	struct run *run = c->running;
	int rc;

	/* Each of its lines has a turn. */
	turn_give(c);
	rc = console_load(run, argv[0], c->opts->strict, err);
	turn_take(c, run);
	return rc;
}

static int run_set_log(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		       struct view_error *err)
{
	const struct cfg_enum *level = config_log_level_names;

	while (level->name != NULL && strcmp(level->name, argv[1]) != 0)
		level++;
	for (unsigned l = 0; l < LOG_LAYERS; l++)
		if (strcmp(log_layer_names[l], argv[0]) == 0)
			return rte_log_set_level((uint32_t)log_types[l], (uint32_t)level->value);
	return view_fail(err, -EINVAL, "layer: found '%s'", argv[0]);
}

static const char *const sections[] = {
	"program", "show", "port", "queue", "moderation", "forward", "service", "smc", "capture", NULL
};
static const char *const layers[] = { "base", "net", "tcp", "sock", "pipeline", "config", "console",
				      "service", NULL };
_Static_assert(sizeof(layers) / sizeof(layers[0]) == LOG_LAYERS + 1, "each layer");

const struct command commands_program[] = {
	{ "help", { { .kind = VIEW_ARG_CHOICE, .name = "SECTION", .optional = true, .choices = sections } },
	  run_help,
	  "the commands, all or those of a section" },
	{ "load", { { .kind = VIEW_ARG_WORD, .name = "FILE" } }, run_load, "run the commands in a file" },
	{ "set log",
	  { { .kind = VIEW_ARG_CHOICE, .name = "LAYER", .choices = layers },
	    { .kind = VIEW_ARG_CHOICE, .name = "LEVEL", .names = config_log_level_names } },
	  run_set_log, "what a layer of the program writes to the log" },
	{ "quit", { { 0 } }, run_quit, "end the program in order" },
	{ NULL },
};
