/* SPDX-License-Identifier: BSD-3-Clause */
/* set moderation PORT|all [QUEUE] busy-poll|static PROFILE|adaptive */
#include <errno.h>
#include <string.h>

#include "app/smcgate/console/console_impl.h"

#define WORDS_MAX 4

struct wish {
	unsigned queue;      /* PIPELINE_ALL_QUEUES */
	enum config_moderate mode;
	const char *profile; /* its number; of static */
};

static const char allowed[] = "allowed: [QUEUE] busy-poll, [QUEUE] static PROFILE, [QUEUE] adaptive";

static int mode_of(const char *word)
{
	for (const struct cfg_enum *e = config_moderate_names; e->name != NULL; e++)
		if (strcmp(e->name, word) == 0)
			return e->value;
	return -ENOENT;
}

static unsigned split(char *line, char *words[WORDS_MAX])
{
	char *save = NULL;
	unsigned n = 0;

	for (char *w = strtok_r(line, " \t\r\n", &save); w != NULL && n < WORDS_MAX; w = strtok_r(NULL, " \t\r\n", &save))
		words[n++] = w;
	return n;
}

static int parse(char *line, struct wish *wish, struct view_error *err)
{
	char *words[WORDS_MAX];
	unsigned n = split(line, words), at = 0, left;
	uint64_t q;
	int rc;

	*wish = (struct wish){ .queue = PIPELINE_ALL_QUEUES };
	if (n > 0 && words[0][0] >= '0' && words[0][0] <= '9') {
		rc = view_number(words[at++], "receive queue", 0, CONFIG_MAX_QUEUES - 1, &q, err);
		if (rc < 0)
			return rc;
		wish->queue = (unsigned)q;
	}
	if (at == n)
		return view_fail(err, -EINVAL, "the mode is missing, %s", allowed);
	rc = mode_of(words[at]);
	if (rc < 0)
		return view_fail(err, -EINVAL, "found '%s', %s", words[at], allowed);
	wish->mode = (enum config_moderate)rc;
	left = n - at - 1;
	if (left != (wish->mode == CONFIG_STATIC ? 1 : 0))
		return view_fail(err, -EINVAL, "%s %s, %s", words[at],
				 left == 0 ? "needs a profile" : "is followed by too much", allowed);
	if (left == 1)
		wish->profile = words[at + 1];
	return 0;
}

static int set_port(struct console *c, unsigned port, const struct wish *wish, struct view_error *err)
{
	const struct config_moderation *m = &pipeline_config(c->pl)->ports[port].moderation;
	uint64_t profile = 0;
	int rc = 0;

	if (wish->profile != NULL)
		rc = view_number(wish->profile, "profile", 0, m->n_profiles - 1, &profile, err);
	if (rc < 0)
		return rc;
	rc = pipeline_moderation_set(c->pl, port, wish->queue, wish->mode, (unsigned)profile);
	if (rc == -ENOENT)
		return view_fail(err, rc, "port %u: it has no receive queue %u", port, wish->queue);
	return rc < 0 ? view_failed(err, rc, "port %u", port) : 0;
}

static int run_set(struct console *c, unsigned argc, const char *const *argv, FILE *out, struct view_error *err)
{
	char line[128];
	struct wish wish;
	unsigned from, to;
	int rc;

	rc = view_ports(c->pl, argv[0], true, &from, &to, err);
	if (rc < 0)
		return rc;
	if ((size_t)snprintf(line, sizeof(line), "%s", argv[1]) >= sizeof(line))
		return view_fail(err, -EINVAL, "too long, %s", allowed);
	rc = parse(line, &wish, err);
	for (unsigned p = from; p < to && rc == 0; p++)
		rc = set_port(c, p, &wish, err);
	return rc;
}

const struct command commands_moderation[] = {
	{ "set moderation",
	  { { .kind = VIEW_ARG_PORTS, .name = "N|all" },
	    { .kind = VIEW_ARG_REST, .name = "[QUEUE] busy-poll|static PROFILE|adaptive" } },
	  run_set, "how receive queues trade latency for work, all of a port or one" },
	{ NULL },
};
