/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/console/token.h"

#include <string.h>

#include "app/smcgate/console/console_impl.h"

static const struct arg_token *token_of(cmdline_parse_token_hdr_t *hdr)
{
	return (const struct arg_token *)hdr;
}

static int parse_word(cmdline_parse_token_hdr_t *hdr, const char *buf, void *res, unsigned size)
{
	size_t n = 0;

	while (!cmdline_isendoftoken(buf[n]))
		n++;
	if (n == 0 || n >= COMMAND_ARG_LEN)
		return -1;
	if (res != NULL) {
		if (size < COMMAND_ARG_LEN)
			return -1;
		memcpy(res, buf, n);
		((char *)res)[n] = '\0';
	}
	return (int)n;
}

/* librte_cmdline's own, which it does not export. */
static bool is_end_of_command(char c)
{
	return c == '\0' || c == '#' || c == '\n' || c == '\r';
}

static int parse_rest(cmdline_parse_token_hdr_t *hdr, const char *buf, void *res, unsigned size)
{
	size_t n = 0, text;

	while (!is_end_of_command(buf[n]))
		n++;
	for (text = n; text > 0 && (buf[text - 1] == ' ' || buf[text - 1] == '\t'); )
		text--;
	if (text == 0 || n >= COMMAND_REST_LEN)
		return -1;
	if (res != NULL) {
		if (size < COMMAND_REST_LEN)
			return -1;
		memcpy(res, buf, text);
		((char *)res)[text] = '\0';
	}
	return (int)n;
}

/* ---- completion ---------------------------------------------------------------------- */
static unsigned count_choices(const struct view_arg *arg)
{
	unsigned n = 0;

	while (view_choice(arg, n) != NULL)
		n++;
	return n;
}

static int complete_count(cmdline_parse_token_hdr_t *hdr)
{
	const struct arg_token *t = token_of(hdr);
	struct pipeline *pl = t->c->pl;

	switch (t->arg->kind) {
	case VIEW_ARG_PORT: return (int)pipeline_ports(pl);
	case VIEW_ARG_PORTS: return (int)pipeline_ports(pl) + 1;
	case VIEW_ARG_LCORE: return (int)pipeline_workers(pl);
	case VIEW_ARG_SERVICE: return (int)pipeline_services(pl);
	case VIEW_ARG_CHOICE: return (int)count_choices(t->arg);
	default: return 0;
	}
}

static int complete_element(cmdline_parse_token_hdr_t *hdr, int i, char *dst, unsigned size)
{
	const struct arg_token *t = token_of(hdr);
	const struct config *cfg = pipeline_config(t->c->pl);
	struct pipeline_service_info info;

	if (i < 0 || i >= complete_count(hdr))
		return -1;
	switch (t->arg->kind) {
	case VIEW_ARG_PORT:
	case VIEW_ARG_PORTS:
		snprintf(dst, size, "%s", (unsigned)i < cfg->n_ports ? cfg->ports[i].name : "all");
		return 0;
	case VIEW_ARG_LCORE:
		snprintf(dst, size, "%u", (unsigned)i < cfg->n_lcores ? cfg->lcores[i].lcore : 0);
		return 0;
	case VIEW_ARG_SERVICE:
		if (pipeline_service_info(t->c->pl, (unsigned)i, &info) < 0)
			return -1;
		snprintf(dst, size, "%s", info.name);
		return 0;
	default:
		snprintf(dst, size, "%s", view_choice(t->arg, (unsigned)i));
		return 0;
	}
}

static int get_help(cmdline_parse_token_hdr_t *hdr, char *dst, unsigned size)
{
	snprintf(dst, size, "%s", token_of(hdr)->arg->name);
	return 0;
}

static struct cmdline_token_ops word_ops = { parse_word, complete_count, complete_element, get_help };
static struct cmdline_token_ops rest_ops = { parse_rest, NULL, NULL, get_help };

void arg_token_init(struct arg_token *t, struct console *c, const struct view_arg *arg, unsigned i)
{
	bool rest = arg->kind == VIEW_ARG_REST;

	t->hdr.ops = rest ? &rest_ops : &word_ops;
	t->hdr.offset = (unsigned)(rest ? offsetof(struct parsed, rest) :
				   offsetof(struct parsed, arg) + i * COMMAND_ARG_LEN);
	t->c = c;
	t->arg = arg;
}
