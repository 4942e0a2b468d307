/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/console/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "app/smcgate/console/console_impl.h"
#include "app/smcgate/console/token.h"

#define WORDS_MAX 6

const struct command_section command_sections[] = {
	{ "program", "The program", commands_program },
	{ "show", "Looking", NULL },
	{ "port", "Ports", commands_port },
	{ "forward", "Forwarding", commands_forward },
	{ "service", "Services", commands_service },
	{ "smc", "SMC", commands_smc },
	{ "capture", "Packet capture", commands_capture },
	{ NULL, NULL, NULL },
};

struct binding {
	struct console *c;
	const struct command *command; /* NULL: a view */
	const struct view *view;
	const struct view_arg *args;
	unsigned argc;
	unsigned n_words;
	char words[WORDS_MAX][32];
	struct cmdline_token_string fixed[WORDS_MAX];
	struct arg_token arg[VIEW_ARGS_MAX];
	cmdline_parse_inst_t *inst;
};

/* ---- running ------------------------------------------------------------------------ */
static int check_choice(const struct view_arg *arg, const char *given, struct view_error *err)
{
	const char *choice;
	size_t at;

	for (unsigned i = 0; (choice = view_choice(arg, i)) != NULL; i++)
		if (strcmp(choice, given) == 0)
			return 0;
	view_fail(err, 0, "%s: found '%s', allowed", arg->name, given);
	for (unsigned i = 0; (choice = view_choice(arg, i)) != NULL; i++) {
		at = strlen(err->text);
		snprintf(err->text + at, sizeof(err->text) - at, "%s %s", i == 0 ? "" : ",", choice);
	}
	return -EINVAL;
}

static int run_view(struct console *c, const struct view *v, unsigned argc, const char *const *argv,
		    FILE *out,
		    struct view_error *err)
{
	json_t *j;
	int rc = view_build(v, &c->view, argc, argv, &j, err);

	if (rc == 0) {
		view_render(v, j, out);
		json_decref(j);
	}
	return rc;
}

/* librte_cmdline calls this for a line that matched. */
static void run_binding(void *result, struct cmdline *cl, void *data)
{
	const struct parsed *p = result;
	const struct binding *b = data;
	struct console *c = b->c;
	const char *argv[VIEW_ARGS_MAX];
	int rc = 0;

	for (unsigned i = 0; i < b->argc && rc == 0; i++) {
		argv[i] = b->args[i].kind == VIEW_ARG_REST ? p->rest : p->arg[i];
		if (b->args[i].kind == VIEW_ARG_CHOICE)
			rc = check_choice(&b->args[i], argv[i], &c->err);
	}
	if (rc == 0)
		rc = b->command != NULL ? b->command->run(c, b->argc, argv, c->out, &c->err) :
					  run_view(c, b->view, b->argc, argv, c->out, &c->err);
	c->rc = rc;
}

/* ---- the table ------------------------------------------------------------------------ */
static void set_words(struct binding *b, const char *prefix, const char *words)
{
	char line[128], *save = NULL;

	snprintf(line, sizeof(line), "%s%s", prefix, words);
	for (char *w = strtok_r(line, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
		if (b->n_words < WORDS_MAX)
			snprintf(b->words[b->n_words++], sizeof(b->words[0]), "%s", w);
}

static int make_inst(struct binding *b)
{
	unsigned n = 0;

	b->inst = calloc(1, sizeof(*b->inst) + (b->n_words + b->argc + 1) * sizeof(b->inst->tokens[0]));
	if (b->inst == NULL)
		return -ENOMEM;
	b->inst->f = run_binding;
	b->inst->data = b;
	b->inst->help_str = b->command != NULL ? b->command->help : b->view->help;
	for (unsigned i = 0; i < b->n_words; i++) {
		b->fixed[i].hdr.ops = &cmdline_token_string_ops;
		b->fixed[i].hdr.offset = offsetof(struct parsed, word);
		b->fixed[i].string_data.str = b->words[i];
		b->inst->tokens[n++] = &b->fixed[i].hdr;
	}
	for (unsigned i = 0; i < b->argc; i++) {
		arg_token_init(&b->arg[i], b->c, &b->args[i], i);
		b->inst->tokens[n++] = &b->arg[i].hdr;
	}
	return 0;
}

/* With argc arguments: librte_cmdline has no optional tokens. */
static int bind(struct command_table *t, struct console *c, const struct command *command,
		const struct view *view,
		unsigned argc)
{
	struct binding *b = calloc(1, sizeof(*b)), **more;

	more = realloc(t->bindings, (t->n + 1) * sizeof(*more));
	if (more != NULL)
		t->bindings = more;
	if (b == NULL || more == NULL) {
		free(b);
		return -ENOMEM;
	}
	t->bindings[t->n++] = b;
	b->c = c;
	b->command = command;
	b->view = view;
	b->args = command != NULL ? command->args : view->args;
	b->argc = argc;
	set_words(b, command != NULL ? "" : "show ", command != NULL ? command->words : view->words);
	return make_inst(b);
}

static int bind_all(struct command_table *t, struct console *c, const struct command *command,
		    const struct view *view)
{
	unsigned required, most = view_args(command != NULL ? command->args : view->args, &required);
	int rc = 0;

	for (unsigned n = required; n <= most && rc == 0; n++)
		rc = bind(t, c, command, view, n);
	return rc;
}

int command_table_make(struct command_table *t, struct console *c)
{
	const struct view *v;
	int rc = 0;

	memset(t, 0, sizeof(*t));
	for (const struct command_section *s = command_sections; s->name != NULL; s++)
		for (const struct command *cmd = s->commands; rc == 0 && cmd != NULL && cmd->words != NULL; cmd++)
			rc = bind_all(t, c, cmd, NULL);
	for (unsigned n = 0; (v = view_at(n)) != NULL && rc == 0; n++)
		rc = bind_all(t, c, NULL, v);
	t->ctx = calloc(t->n + 1, sizeof(*t->ctx));
	if (t->ctx == NULL || rc < 0) {
		command_table_free(t);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < t->n; i++)
		t->ctx[i] = t->bindings[i]->inst;
	return 0;
}

void command_table_free(struct command_table *t)
{
	for (unsigned i = 0; i < t->n; i++) {
		free(t->bindings[i]->inst);
		free(t->bindings[i]);
	}
	free(t->bindings);
	free(t->ctx);
	memset(t, 0, sizeof(*t));
}

/* ---- usage and explanation -------------------------------------------------------------- */
static char *usage(const char *prefix, const char *words, const struct view_arg *args, char *buf, size_t size)
{
	unsigned required, n = view_args(args, &required);
	size_t at = (size_t)snprintf(buf, size, "%s%s", prefix, words);

	for (unsigned i = 0; i < n && at < size; i++) {
		bool bare = !args[i].optional || args[i].name[0] == '[';

		at += (size_t)snprintf(buf + at, size - at, bare ? " %s" : " [%s]", args[i].name);
	}
	return buf;
}

const char *command_usage(unsigned n, char *buf, size_t size, const char **help,
			  const struct command_section **section)
{
	const struct view *v;

	for (const struct command_section *s = command_sections; s->name != NULL; s++) {
		*section = s;
		for (const struct command *c = s->commands; c != NULL && c->words != NULL; c++) {
			if (n-- > 0)
				continue;
			*help = c->help;
			return usage("", c->words, c->args, buf, size);
		}
		for (unsigned i = 0; s->commands == NULL && (v = view_at(i)) != NULL; i++) {
			if (n-- > 0)
				continue;
			*help = v->help;
			return usage("show ", v->words, v->args, buf, size);
		}
	}
	return NULL;
}

/* How many words of the line are the binding's own. */
static unsigned words_matched(const struct binding *b, const char *line)
{
	unsigned n = 0;

	for (; n < b->n_words; n++) {
		size_t len = strlen(b->words[n]);

		line += strspn(line, " \t");
		if (strncmp(line, b->words[n], len) != 0 || !cmdline_isendoftoken(line[len]))
			break;
		line += len;
	}
	return n;
}

static void append(struct view_error *err, const char *text)
{
	size_t at = strlen(err->text);

	snprintf(err->text + at, sizeof(err->text) - at, "%s", text);
}

static bool same_command(const struct binding *a, const struct binding *b)
{
	return a->command == b->command && a->view == b->view;
}

void command_explain(const struct command_table *t, const char *line, int rc, struct view_error *err)
{
	unsigned best = 0, shown = 0;
	char buf[160];

	for (unsigned i = 0; i < t->n; i++)
		best = RTE_MAX(best, words_matched(t->bindings[i], line));
	line += strspn(line, " \t");
	view_fail(err, -EINVAL, "%s '%.*s'", rc == CMDLINE_PARSE_AMBIGUOUS ? "ambiguous:" : "found",
		  (int)RTE_MIN(strcspn(line, "\r\n"), (size_t)80), line);
	if (best == 0) {
		append(err, ", which is no command: help lists them");
		return;
	}
	append(err, ", allowed: ");
	for (unsigned i = 0; i < t->n; i++) {
		const struct binding *b = t->bindings[i];

		if (words_matched(b, line) != best || (i > 0 && same_command(b, t->bindings[i - 1])))
			continue;
		append(err, shown++ > 0 ? "; " : "");
		append(err, b->command != NULL ? usage("", b->command->words, b->args, buf, sizeof(buf)) :
						 usage("show ", b->view->words, b->args, buf, sizeof(buf)));
	}
}
