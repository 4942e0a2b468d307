/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/console/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "app/smcgate/console/console_impl.h"
#include "app/smcgate/console/token.h"

#define ITEMS_MAX 12 /* words and arguments of a line */

const struct command_section command_sections[] = {
	{ "program", "The program", commands_program },
	{ "show", "Looking", NULL },
	{ "port", "Ports", commands_port },
	{ "queue", "Queues and the control queue of ports", commands_queue },
	{ "filter", "Flows and stations of ports", commands_filter },
	{ "moderation", "Moderation of receive queues", commands_moderation },
	{ "forward", "Forwarding", commands_forward },
	{ "service", "Services", commands_service },
	{ "smc", "SMC", commands_smc },
	{ "capture", "Packet capture", commands_capture },
	{ NULL, NULL, NULL },
};

/* A word, or the place of an argument. */
struct item {
	char word[32];                 /* "": an argument */
	struct cmdline_token_string fixed;
};

struct binding {
	struct console *c;
	const struct command *command; /* NULL: a view */
	const struct view *view;
	const struct view_arg *args;
	unsigned argc;
	unsigned n_items;
	struct item items[ITEMS_MAX];
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
	struct run *run = b->c->running;
	const char *argv[VIEW_ARGS_MAX];
	int rc = 0;

	for (unsigned i = 0; i < b->argc && rc == 0; i++) {
		argv[i] = b->args[i].kind == VIEW_ARG_REST ? p->rest : p->arg[i];
		if (b->args[i].kind == VIEW_ARG_CHOICE)
			rc = check_choice(&b->args[i], argv[i], &run->err);
	}
	if (rc == 0)
		rc = b->command != NULL ? b->command->run(b->c, b->argc, argv, run->out, &run->err) :
					  run_view(b->c, b->view, b->argc, argv, run->out, &run->err);
	run->rc = rc;
}

/* ---- the table ------------------------------------------------------------------------ */
static void add_item(struct binding *b, const char *word)
{
	if (b->n_items < ITEMS_MAX)
		snprintf(b->items[b->n_items++].word, sizeof(b->items[0].word), "%s", word);
}

/* Words, "*" for an argument; those without a star come at the end. */
static void set_items(struct binding *b, const char *pattern)
{
	char line[128], *save = NULL;
	unsigned argc = 0;

	snprintf(line, sizeof(line), "%s", pattern);
	for (char *w = strtok_r(line, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save)) {
		bool star = strcmp(w, "*") == 0;

		argc += star;
		add_item(b, star ? "" : w);
	}
	for (; argc < b->argc; argc++)
		add_item(b, "");
}

static int make_inst(struct binding *b)
{
	unsigned argc = 0;

	b->inst = calloc(1, sizeof(*b->inst) + (b->n_items + 1) * sizeof(b->inst->tokens[0]));
	if (b->inst == NULL)
		return -ENOMEM;
	b->inst->f = run_binding;
	b->inst->data = b;
	b->inst->help_str = b->command != NULL ? b->command->help : b->view->help;
	for (unsigned i = 0; i < b->n_items; i++) {
		struct item *item = &b->items[i];

		if (item->word[0] == '\0') {
			arg_token_init(&b->arg[argc], b->c, &b->args[argc], argc);
			b->inst->tokens[i] = &b->arg[argc++].hdr;
			continue;
		}
		item->fixed.hdr.ops = &cmdline_token_string_ops;
		item->fixed.hdr.offset = offsetof(struct parsed, word);
		item->fixed.string_data.str = item->word;
		b->inst->tokens[i] = &item->fixed.hdr;
	}
	return 0;
}

/* With argc arguments: librte_cmdline has no optional tokens. NULL: no memory. */
static struct binding *add_binding(struct command_table *t, struct console *c, unsigned argc)
{
	struct binding *b = calloc(1, sizeof(*b)), **more;

	more = realloc(t->bindings, (t->n + 1) * sizeof(*more));
	if (more != NULL)
		t->bindings = more;
	if (b == NULL || more == NULL) {
		free(b);
		return NULL;
	}
	t->bindings[t->n++] = b;
	b->c = c;
	b->argc = argc;
	return b;
}

static int bind_command(struct command_table *t, struct console *c, const struct command *command, unsigned argc)
{
	struct binding *b = add_binding(t, c, argc);

	if (b == NULL)
		return -ENOMEM;
	b->command = command;
	b->args = command->args;
	set_items(b, command->words);
	return make_inst(b);
}

static int bind_view(struct command_table *t, struct console *c, const struct view *view, unsigned argc,
		     const char *pattern)
{
	struct binding *b = add_binding(t, c, argc);

	if (b == NULL)
		return -ENOMEM;
	b->view = view;
	b->args = view->args;
	set_items(b, pattern);
	return make_inst(b);
}

/* "show port stats N", and of a port's views "show port N stats" too. */
static int bind_view_orders(struct command_table *t, struct console *c, const struct view *v, unsigned argc)
{
	char pattern[128];
	int rc;

	snprintf(pattern, sizeof(pattern), "show %s", v->words);
	rc = bind_view(t, c, v, argc, pattern);
	if (rc < 0 || strncmp(v->words, "port ", 5) != 0 || argc == 0)
		return rc;
	snprintf(pattern, sizeof(pattern), "show port * %s", v->words + 5);
	return bind_view(t, c, v, argc, pattern);
}

static int bind_all(struct command_table *t, struct console *c, const struct command *command,
		    const struct view *view)
{
	unsigned required, most = view_args(command != NULL ? command->args : view->args, &required);
	int rc = 0;

	for (unsigned n = required; n <= most && rc == 0; n++)
		rc = command != NULL ? bind_command(t, c, command, n) : bind_view_orders(t, c, view, n);
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
static size_t usage_arg(char *buf, size_t size, const struct view_arg *arg)
{
	bool bare = !arg->optional || arg->name[0] == '[';

	return (size_t)snprintf(buf, size, bare ? "%s" : "[%s]", arg->name);
}

/* The words with the arguments' names in place of stars, the others behind. */
static char *usage(const char *prefix, const char *words, const struct view_arg *args, char *buf, size_t size)
{
	unsigned required, n = view_args(args, &required), argc = 0;
	size_t at = (size_t)snprintf(buf, size, "%s", prefix);

	for (; *words != '\0' && at + 1 < size; words++) {
		if (*words == '*' && argc < n) {
			at += usage_arg(buf + at, size - at, &args[argc++]);
		} else {
			buf[at++] = *words;
			buf[at] = '\0';
		}
	}
	while (argc < n && at + 1 < size) {
		buf[at++] = ' ';
		at += usage_arg(buf + at, size - at, &args[argc++]);
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

static bool is_choice(const struct view_arg *arg, const char *word, size_t len)
{
	const char *choice;

	for (unsigned i = 0; arg->kind == VIEW_ARG_CHOICE && (choice = view_choice(arg, i)) != NULL; i++)
		if (strlen(choice) == len && strncmp(choice, word, len) == 0)
			return true;
	return false;
}

/* How many words of the line are the binding's own; an argument between them may
 * be any, and is one of them where it is a choice made right. */
static unsigned words_matched(const struct binding *b, const char *line)
{
	unsigned n = 0, argc = 0;

	for (unsigned i = 0; i < b->n_items; i++) {
		const char *word = b->items[i].word;
		size_t len = 0;

		line += strspn(line, " \t");
		while (!cmdline_isendoftoken(line[len]))
			len++;
		if (len == 0)
			break;
		if (word[0] == '\0') {
			const struct view_arg *arg = &b->args[argc++];

			if (is_choice(arg, line, len))
				n++;
			else if (arg->kind == VIEW_ARG_CHOICE)
				break;
		} else if (strlen(word) == len && strncmp(line, word, len) == 0) {
			n++;
		} else {
			break;
		}
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
	return a != NULL && a->command == b->command && a->view == b->view;
}

void command_explain(const struct command_table *t, const char *line, int rc, struct view_error *err)
{
	const struct binding *last = NULL;
	unsigned best = 0;
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

		if (words_matched(b, line) != best || same_command(last, b))
			continue;
		append(err, last != NULL ? "; " : "");
		last = b;
		append(err, b->command != NULL ? usage("", b->command->words, b->args, buf, sizeof(buf)) :
						 usage("show ", b->view->words, b->args, buf, sizeof(buf)));
	}
}
