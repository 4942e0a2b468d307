/* SPDX-License-Identifier: BSD-3-Clause */
/* Services: add, drain, remove. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/smcgate/console/console_impl.h"

#define SERVICE_FILE_MAX 65536 /* octets of a file with one service */

/* The whole file, for the caller to free; NULL: see err. */
static char *read_file(const char *name, size_t *len, struct view_error *err)
{
	FILE *f = console_open_file(name, err);
	char *text = malloc(SERVICE_FILE_MAX);
	int rc = 0;

	if (f == NULL)
		goto fail;
	if (text == NULL) {
		rc = -ENOMEM;
		goto fail;
	}
	*len = fread(text, 1, SERVICE_FILE_MAX, f);
	if (ferror(f))
		rc = -EIO;
	else if (*len == SERVICE_FILE_MAX)
		rc = -EFBIG;
	if (rc < 0)
		goto fail;
	fclose(f);
	return text;
fail:
	if (rc == -EFBIG)
		view_fail(err, rc, "%s: found more than the %u octets allowed", name, SERVICE_FILE_MAX - 1);
	else if (rc < 0)
		view_failed(err, rc, "%s", name);
	if (f != NULL)
		fclose(f);
	free(text);
	return NULL;
}

/* All that is wrong, in one line. */
static int say_errors(const struct cfg_errors *errs, int rc, struct view_error *err)
{
	size_t at;

	view_fail(err, rc, "service add: ");
	for (unsigned i = 0; i < errs->n; i++) {
		at = strlen(err->text);
		snprintf(err->text + at, sizeof(err->text) - at, "%s%s", i > 0 ? "; " : "", errs->lines[i]);
	}
	return rc;
}

/* What is left to a device is done when that answers. */
static int failed(struct console *c, int rc, const char *what, const char *name, struct view_error *err)
{
	switch (rc) {
	case -EINPROGRESS:
		return view_fail(err, rc, "service %s: %s: a device has not taken notice of its memory yet; it is done "
				 "when it has: show services", what, name);
	case -ECANCELED:
		return view_fail(err, rc, "service %s: %s: cancelled: it may be done still: show services", what, name);
	case -ENOENT:
	case -EACCES:
	case -ENOTDIR:
	case -EFBIG:
		return view_fail(err, rc, "service %s: %s: %s: the log says of what", what, name, strerror(-rc));
	case -EREMOTEIO:
		return view_fail(err, rc, "service %s: %s: a back end refuses its memory (the log says which)", what, name);
	default:
		return view_port_failed(err, c->pl, PIPELINE_SERVICES, rc, "service %s: %s", what, name);
	}
}

static int add(struct console *c, const char *text, size_t len, struct view_error *err)
{
	struct config_service *svc = NULL;
	struct cfg_errors errs = { 0 };
	char name[CONFIG_NAME_LEN];
	int rc;

	rc = config_parse_service(pipeline_config(c->pl), text, len, &svc, &errs);
	if (rc < 0) {
		rc = say_errors(&errs, rc, err);
		cfg_errors_free(&errs);
		return rc;
	}
	cfg_errors_free(&errs);
	snprintf(name, sizeof(name), "%s", svc->name);
	rc = pipeline_service_add(c->pl, svc);
	if (rc == 0)
		return 0;
	if (rc == -EEXIST)
		return view_fail(err, rc,
				 "service add: '%s' runs already: remove it first, or take another name", name);
	if (rc == -EADDRINUSE)
		return view_fail(err, rc, "service add: %s: another service listens there (show services): remove it "
				 "first, or take another address or port", name);
	return failed(c, rc, "add", name, err);
}

static int run_add(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		   struct view_error *err)
{
	size_t len = 0;
	char *text;
	int rc;

	if (argv[0][0] != '@')
		return add(c, argv[0], strlen(argv[0]), err);
	if (argv[0][1] == '\0')
		return view_fail(err, -EINVAL, "service add: found '@' alone, allowed: @ and the name of a file");
	text = read_file(argv[0] + 1, &len, err);
	if (text == NULL)
		return -EINVAL;
	rc = add(c, text, len, err);
	free(text);
	return rc;
}

static int by_name(struct console *c, const char *name, int (*fn)(struct pipeline *pl, const char *name),
		   const char *what, struct view_error *err)
{
	int rc = fn(c->pl, name);

	if (rc == -ENOENT)
		return view_fail(err, rc,
				 "service %s: found '%s', which is none of those running (show services)",
				 what, name);
	return rc < 0 ? failed(c, rc, what, name, err) : 0;
}

static int run_drain(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		     struct view_error *err)
{
	return by_name(c, argv[0], pipeline_service_drain, "drain", err);
}

static int run_remove(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		      struct view_error *err)
{
	return by_name(c, argv[0], pipeline_service_remove, "remove", err);
}

const struct command commands_service[] = {
	{ "service add", { { .kind = VIEW_ARG_REST, .name = "JSON|@FILE" } }, run_add,
	  "start a service, given as an element of \"services\" in the configuration" },
	{ "service drain", { { .kind = VIEW_ARG_SERVICE, .name = "NAME" } }, run_drain,
	  "accept nothing more; what is open goes on" },
	{ "service remove", { { .kind = VIEW_ARG_SERVICE, .name = "NAME" } }, run_remove,
	  "drain, reset what is open, forget the service" },
	{ NULL },
};
