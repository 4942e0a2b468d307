/* SPDX-License-Identifier: BSD-3-Clause */
/* set moderation PORT|all [QUEUE] WISH, where a wish is a mode, a bound or a profile. */
#include <errno.h>
#include <string.h>

#include "app/smcgate/console/console_impl.h"

#define WORDS_MAX 8
#define USAGE "[QUEUE] busy-poll|static PROFILE|adaptive|max-latency US|profile PROFILE SLEEP-US SPIN USECS PACKETS"

enum wish_kind { WISH_MODE, WISH_LATENCY, WISH_PROFILE };

struct wish {
	unsigned queue;        /* PIPELINE_ALL_QUEUES */
	enum wish_kind kind;
	enum config_moderate mode;
	uint64_t profile, us;
	struct config_profile knobs;
};

static const struct {
	const char *word;
	enum wish_kind kind;
	enum config_moderate mode;
	unsigned args;
} wishes[] = {
	{ "busy-poll", WISH_MODE, CONFIG_BUSY_POLL, 0 },
	{ "static", WISH_MODE, CONFIG_STATIC, 1 },
	{ "adaptive", WISH_MODE, CONFIG_ADAPTIVE, 0 },
	{ "max-latency", WISH_LATENCY, 0, 1 },
	{ "profile", WISH_PROFILE, 0, 5 },
};

/* ---- reading it ------------------------------------------------------------------------- */

static unsigned split(char *line, char *words[WORDS_MAX])
{
	char *save = NULL;
	unsigned n = 0;

	for (char *w = strtok_r(line, " \t\r\n", &save); w != NULL && n < WORDS_MAX; w = strtok_r(NULL, " \t\r\n", &save))
		words[n++] = w;
	return n;
}

static int knob(const char *word, const char *what, uint64_t lo, uint64_t hi, uint32_t *out, struct view_error *err)
{
	uint64_t v;
	int rc = view_number(word, what, lo, hi, &v, err);

	*out = (uint32_t)v;
	return rc;
}

static int parse_profile(char *const *words, struct wish *wish, struct view_error *err)
{
	struct config_profile *k = &wish->knobs;
	int rc = view_number(words[0], "profile", 0, CONFIG_MAX_PROFILES - 1, &wish->profile, err);

	if (rc == 0)
		rc = knob(words[1], "sleep", 1, 1000000, &k->sleep_us, err);
	if (rc == 0)
		rc = knob(words[2], "spin", 1, 1000000, &k->spin, err);
	if (rc == 0)
		rc = knob(words[3], "usecs", 0, 1000000, &k->usecs, err);
	return rc == 0 ? knob(words[4], "packets", 0, 65535, &k->packets, err) : rc;
}

static int parse_wish(char *const *words, unsigned n, struct wish *wish, struct view_error *err)
{
	unsigned i = 0;

	while (i < RTE_DIM(wishes) && (n == 0 || strcmp(words[0], wishes[i].word) != 0))
		i++;
	if (i == RTE_DIM(wishes))
		return view_fail(err, -EINVAL, "found '%s', allowed: " USAGE, n == 0 ? "" : words[0]);
	if (n - 1 != wishes[i].args)
		return view_fail(err, -EINVAL, "%s is followed by too %s, allowed: " USAGE, words[0],
				 n - 1 < wishes[i].args ? "little" : "much");
	wish->kind = wishes[i].kind;
	wish->mode = wishes[i].mode;
	switch (wish->kind) {
	case WISH_MODE:
		return n < 2 ? 0 : view_number(words[1], "profile", 0, CONFIG_MAX_PROFILES - 1, &wish->profile, err);
	case WISH_LATENCY:
		return view_number(words[1], "max-latency", 1, 1000000, &wish->us, err);
	case WISH_PROFILE:
		break;
	}
	return parse_profile(words + 1, wish, err);
}

static int parse(char *line, struct wish *wish, struct view_error *err)
{
	char *words[WORDS_MAX];
	unsigned n = split(line, words), at = 0;
	uint64_t q;
	int rc;

	*wish = (struct wish){ .queue = PIPELINE_ALL_QUEUES };
	if (n > 0 && words[0][0] >= '0' && words[0][0] <= '9') {
		rc = view_number(words[at++], "receive queue", 0, CONFIG_MAX_QUEUES - 1, &q, err);
		if (rc < 0)
			return rc;
		wish->queue = (unsigned)q;
	}
	return parse_wish(words + at, n - at, wish, err);
}

/* ---- doing it --------------------------------------------------------------------------- */

static int failed(unsigned port, const struct wish *wish, int rc, struct view_error *err)
{
	if (rc == -ENOENT)
		return view_fail(err, rc, "port %u: it has no receive queue %u", port, wish->queue);
	if (rc == -ERANGE && wish->kind == WISH_LATENCY)
		return view_fail(err, rc, "port %u: a profile has more sleep or usecs than %llu: change it first", port,
				 (unsigned long long)wish->us);
	if (rc == -ERANGE)
		return view_fail(err, rc, "port %u: sleep or usecs are more than max-latency: raise that first", port);
	if (rc == -EINVAL && wish->kind == WISH_MODE)
		return view_fail(err, rc, "port %u: there is no profile %llu", port, (unsigned long long)wish->profile);
	if (rc == -EINVAL)
		return view_fail(err, rc, "port %u: there is no such profile, or it is no more latency than the one "
				 "before it, or no less than the one behind", port);
	return view_failed(err, rc, "port %u", port);
}

static int set_port(struct console *c, unsigned port, const struct wish *wish, struct view_error *err)
{
	int rc = 0;

	switch (wish->kind) {
	case WISH_MODE:
		rc = pipeline_moderation_set(c->pl, port, wish->queue, wish->mode, (unsigned)wish->profile);
		break;
	case WISH_LATENCY:
		rc = pipeline_moderation_latency(c->pl, port, wish->queue, (uint32_t)wish->us);
		break;
	case WISH_PROFILE:
		rc = pipeline_moderation_profile(c->pl, port, wish->queue, (unsigned)wish->profile, &wish->knobs);
		break;
	}
	return rc < 0 ? failed(port, wish, rc, err) : 0;
}

static int run_set(struct console *c, unsigned argc, const char *const *argv, FILE *out, struct view_error *err)
{
	char line[256];
	struct wish wish;
	unsigned from, to;
	int rc;

	rc = view_ports(c->pl, argv[0], true, &from, &to, err);
	if (rc < 0)
		return rc;
	if ((size_t)snprintf(line, sizeof(line), "%s", argv[1]) >= sizeof(line))
		return view_fail(err, -EINVAL, "too long, allowed: " USAGE);
	rc = parse(line, &wish, err);
	for (unsigned p = from; p < to && rc == 0; p++)
		rc = set_port(c, p, &wish, err);
	return rc;
}

const struct command commands_moderation[] = {
	{ "set moderation",
	  { { .kind = VIEW_ARG_PORTS, .name = "N|all" }, { .kind = VIEW_ARG_REST, .name = USAGE } },
	  run_set, "how receive queues trade latency for work, all of a port or one" },
	{ NULL },
};
