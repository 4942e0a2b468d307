/* SPDX-License-Identifier: BSD-3-Clause */
/* capture start, stop, show. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/smcgate/console/console_impl.h"

struct wanted {
	unsigned from, to;
	uint64_t snap;
};

/* "port N snaplen N", each at most once, in any order. */
static int parse_options(struct console *c, char *text, struct wanted *w, struct view_error *err)
{
	char *save = NULL, *key, *value;
	int rc = 0;

	for (key = strtok_r(text, " \t", &save); key != NULL && rc == 0; key = strtok_r(NULL, " \t", &save)) {
		value = strtok_r(NULL, " \t", &save);
		if (value == NULL)
			return view_fail(err, -EINVAL, "capture start: a value is missing after '%s'", key);
		if (strcmp(key, "port") == 0)
			rc = view_ports(c->pl, value, true, &w->from, &w->to, err);
		else if (strcmp(key, "snaplen") == 0)
			rc = view_number(value, "snaplen", CONFIG_SNAP_MIN, CONFIG_SNAP_MAX, &w->snap, err);
		else
			rc = view_fail(err, -EINVAL,
				       "capture start: found '%s', allowed port N|all, snaplen N", key);
	}
	return rc;
}

static int run_start(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		     struct view_error *err)
{
	struct wanted w = { .from = 0, .to = pipeline_ports(c->pl) };
	char options[COMMAND_REST_LEN], why[256] = "";
	int rc = 0;

	if (argc > 1) {
		snprintf(options, sizeof(options), "%s", argv[1]);
		rc = parse_options(c, options, &w, err);
	}
	if (rc < 0)
		return rc;
	rc = capture_start(c->capture, argv[0], w.from, w.to, (uint32_t)w.snap, why);
	return rc < 0 ? view_fail(err, rc, "capture start: %s", why[0] != '\0' ? why : strerror(-rc)) : 0;
}

static int run_stop(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		    struct view_error *err)
{
	struct capture_info info;
	int rc = capture_stop(c->capture);

	if (rc == -EALREADY)
		return view_fail(err, rc, "capture stop: none runs");
	if (rc < 0)
		return view_failed(err, rc, "capture stop");
	capture_info(c->capture, &info);
	fprintf(out, "%llu packets in %s, %llu dropped\n", (unsigned long long)info.packets, info.file,
		(unsigned long long)info.dropped);
	return 0;
}

static int run_show(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		    struct view_error *err)
{
	const struct view *v = view_find("capture");
	json_t *j;
	int rc = view_build(v, &c->view, 0, NULL, &j, err);

	if (rc == 0) {
		view_render(v, j, out);
		json_decref(j);
	}
	return rc;
}

const struct command commands_capture[] = {
	{ "capture start",
	  { { .kind = VIEW_ARG_WORD, .name = "FILE" },
	    { .kind = VIEW_ARG_REST, .name = "[port N] [snaplen N]", .optional = true } },
	  run_start, "write packets into FILE (pcapng) in capture.directory" },
	{ "capture stop", { { 0 } }, run_stop, "end the capture" },
	{ "capture show", { { 0 } }, run_show, "the same as show capture" },
	{ NULL },
};
