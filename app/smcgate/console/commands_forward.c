/* SPDX-License-Identifier: BSD-3-Clause */
/* start, stop, set fwd, set burst, clear lcore. */
#include <errno.h>
#include <string.h>

#include "app/smcgate/console/console_impl.h"

static int run_start(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		     struct view_error *err)
{
	int rc = pipeline_fwd_start(c->pl);

	if (rc == -EALREADY)
		return view_fail(err, rc, "start: packets are forwarded already");
	return rc < 0 ? view_failed(err, rc, "start") : 0;
}

static int run_stop(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		    struct view_error *err)
{
	int rc = pipeline_fwd_stop(c->pl);

	if (rc == -EALREADY)
		return view_fail(err, rc, "stop: packets are not forwarded");
	return rc < 0 ? view_failed(err, rc, "stop") : 0;
}

static int run_fwd(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		   struct view_error *err)
{
	const struct cfg_enum *mode = config_forward_names;
	int rc;

	while (mode->name != NULL && strcmp(mode->name, argv[0]) != 0)
		mode++;
	rc = pipeline_set_fwd(c->pl, (enum config_forward)mode->value);
	return rc < 0 ? view_failed(err, rc, "set fwd %s", argv[0]) : 0;
}

static int run_burst(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		     struct view_error *err)
{
	uint64_t n;
	int rc;

	rc = view_number(argv[0], "burst", 1, PIPELINE_BURST_MAX, &n, err);
	if (rc < 0)
		return rc;
	rc = pipeline_set_burst(c->pl, (unsigned)n);
	return rc < 0 ? view_failed(err, rc, "set burst %s", argv[0]) : 0;
}

static int run_clear_lcore(struct console *c, unsigned argc, const char *const *argv, FILE *out,
			   struct view_error *err)
{
	unsigned from = 0, to = pipeline_workers(c->pl);
	int rc = 0;

	if (strcmp(argv[0], "all") != 0) {
		rc = view_worker(c->pl, argv[0], err);
		if (rc < 0)
			return rc;
		from = (unsigned)rc;
		to = from + 1;
		rc = 0;
	}
	for (unsigned i = from; i < to && rc == 0; i++) {
		rc = pipeline_lcore_clear(c->pl, i);
		if (rc < 0)
			view_failed(err, rc, "worker %u", i);
	}
	return rc;
}

const struct command commands_forward[] = {
	{ "start", { { 0 } }, run_start, "forward packets, in the mode of show config fwd" },
	{ "stop", { { 0 } }, run_stop, "stop forwarding: workers neither receive nor send" },
	{ "set fwd", { { .kind = VIEW_ARG_CHOICE, .name = "MODE", .names = config_forward_names } }, run_fwd,
	  "what is done with packets: serve is the TCP/IP stack, the others are testpmd's" },
	{ "set burst", { { .kind = VIEW_ARG_WORD, .name = "N" } }, run_burst,
	  "packets received from a queue at a time" },
	{ "clear lcore", { { .kind = VIEW_ARG_LCORE, .name = "N|all" } }, run_clear_lcore,
	  "look for the longest turn anew" },
	{ NULL },
};
