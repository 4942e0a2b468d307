/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/view/view.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

static const struct view *const tables[] = {
	view_port, view_rx_offload, view_rss, view_port_queue, view_queue, view_moderation, view_lcore, view_sock, view_service, view_net, view_tcp, view_smc, view_smc_stats,
	view_drop, view_memory, view_config, view_capture,
};

const struct view *view_at(unsigned n)
{
	for (unsigned t = 0; t < RTE_DIM(tables); t++)
		for (const struct view *v = tables[t]; v->words != NULL; v++)
			if (n-- == 0)
				return v;
	return NULL;
}

const struct view *view_find(const char *words)
{
	const struct view *v;

	for (unsigned n = 0; (v = view_at(n)) != NULL; n++)
		if (strcmp(v->words, words) == 0)
			return v;
	return NULL;
}

unsigned view_args(const struct view_arg *args, unsigned *required)
{
	unsigned n = 0;

	*required = 0;
	while (n < VIEW_ARGS_MAX && args[n].kind != VIEW_ARG_NONE) {
		if (!args[n].optional)
			*required = n + 1;
		n++;
	}
	return n;
}

int view_build(const struct view *v, const struct view_ctx *ctx, unsigned argc, const char *const *argv,
	       json_t **out, struct view_error *err)
{
	unsigned required, most = view_args(v->args, &required);
	int rc;

	*out = NULL;
	if (argc < required)
		return view_fail(err, -EINVAL, "%s: %s is missing", v->words, v->args[argc].name);
	if (argc > most)
		return view_fail(err, -EINVAL, "%s: '%s' is one argument too many", v->words, argv[most]);
	rc = v->build(ctx, argc, argv, out, err);
	if (rc == 0 && *out == NULL)
		return view_fail(err, -ENOMEM, "%s: no memory", v->words);
	return rc;
}

/* ---- arguments ------------------------------------------------------------------ */
int view_number(const char *arg, const char *what, uint64_t lo, uint64_t hi, uint64_t *out,
		struct view_error *err)
{
	char *end;

	errno = 0;
	*out = strtoull(arg, &end, 10);
	if (arg[0] < '0' || arg[0] > '9' || *end != '\0' || errno != 0 || *out < lo || *out > hi)
		return view_fail(err, -EINVAL, "%s: found '%s', allowed %llu..%llu", what, arg,
				 (unsigned long long)lo, (unsigned long long)hi);
	return 0;
}

static int no_such_port(struct pipeline *pl, const char *arg, bool all, struct view_error *err)
{
	const struct config *cfg = pipeline_config(pl);
	size_t at;

	view_fail(err, 0, "port: found '%s', allowed ", arg);
	at = strlen(err->text);
	for (unsigned i = 0; i < pipeline_ports(pl) && at < sizeof(err->text) - 1; i++) {
		snprintf(err->text + at, sizeof(err->text) - at, "%s%u or %s", i == 0 ? "" : ", ", i,
			 cfg->ports[i].name);
		at = strlen(err->text);
	}
	if (all)
		snprintf(err->text + at, sizeof(err->text) - at, "%sall", at > 0 ? ", " : "");
	return -ENODEV;
}

int view_ports(struct pipeline *pl, const char *arg, bool all, unsigned *from, unsigned *to,
	       struct view_error *err)
{
	const struct config *cfg = pipeline_config(pl);
	unsigned n = pipeline_ports(pl);
	uint64_t v = 0;
	int i;

	if (all && strcmp(arg, "all") == 0) {
		*from = 0;
		*to = n;
		return 0;
	}
	/* A name wins over a number, so that a port may be called "1". */
	i = config_port_index(cfg, arg);
	if (i < 0) {
		if (n == 0 || view_number(arg, "port", 0, n - 1, &v, err) < 0)
			return no_such_port(pl, arg, all, err);
		i = (int)v;
	}
	*from = (unsigned)i;
	*to = (unsigned)i + 1;
	return 0;
}

int view_worker(struct pipeline *pl, const char *arg, struct view_error *err)
{
	const struct config *cfg = pipeline_config(pl);
	unsigned n = pipeline_workers(pl);
	size_t at;
	uint64_t v;

	if (view_number(arg, "lcore", 0, UINT32_MAX, &v, err) == 0)
		for (unsigned i = 0; i < n && i < cfg->n_lcores; i++)
			if (cfg->lcores[i].lcore == v)
				return (int)i;
	view_fail(err, 0, "lcore: found '%s', allowed", arg);
	at = strlen(err->text);
	for (unsigned i = 0; i < n && i < cfg->n_lcores && at < sizeof(err->text) - 1; i++) {
		snprintf(err->text + at, sizeof(err->text) - at, "%s %u", i == 0 ? "" : ",",
			 cfg->lcores[i].lcore);
		at = strlen(err->text);
	}
	return -ENOENT;
}

/* ---- errors ----------------------------------------------------------------------- */
int view_fail(struct view_error *err, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return rc;
}

static const char *reason(int rc)
{
	switch (rc) {
	case -ECANCELED: return "cancelled";
	case -ETIMEDOUT: return "the worker did not answer in time";
	case -ESHUTDOWN: return "the workers do not run";
	case -EALREADY: return "it is so already";
	case -ENOTSUP: return "the device cannot do it";
	case -EBUSY: return "stop the port first";
	case -EINPROGRESS: return "the device has not answered yet and may do it still: see show port ctrl";
	case -EAGAIN: return "busy with another command, which has ended since";
	default: return strerror(-rc);
	}
}

static void append(struct view_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void append(struct view_error *err, const char *fmt, ...)
{
	size_t at = strlen(err->text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->text + at, sizeof(err->text) - at, fmt, ap);
	va_end(ap);
}

int view_failed(struct view_error *err, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	append(err, ": %s", reason(rc));
	return rc;
}

int view_port_failed(struct view_error *err, struct pipeline *pl, unsigned port, int rc, const char *fmt, ...)
{
	struct pipeline_busy busy;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	if (rc != -EAGAIN || pipeline_busy(pl, port, &busy) < 0) {
		append(err, ": %s", reason(rc));
		return rc;
	}
	append(err, ": busy: '%s' is under way for %llu.%llu s", busy.what, (unsigned long long)busy.ms / 1000,
	       (unsigned long long)busy.ms / 100 % 10);
	if (busy.left)
		append(err, ", and nobody waits for it any more%s",
		       port == PIPELINE_SERVICES ? "" : ": show port ctrl; port stop, reset, close end it");
	return rc;
}

/* ---- JSON, lock ------------------------------------------------------------------- */
void view_set_str(json_t *o, const char *key, const char *v)
{
	json_t *s = json_string(v);
	char *copy;

	if (s == NULL && (copy = strdup(v)) != NULL) {
		for (char *p = copy; *p != '\0'; p++)
			if ((unsigned char)*p >= 0x80)
				*p = '?';
		s = json_string(copy);
		free(copy);
	}
	json_object_set_new(o, key, s);
}

void view_lock(void) { pipeline_look_begin(); }
void view_unlock(void) { pipeline_look_end(); }
